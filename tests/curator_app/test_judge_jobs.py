"""Judge runs in processes of their own: through, stopped, killed, resumed without paying twice, never two at once."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from approved_items import add_approved
from run_workspace import is_over, wait_for

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer
from judge_runs import answer_body, write_endpoints

from caspo.constitution import list_constitutions
from curator_app.actions import releases
from curator_app.actions.judge_jobs import (
    JudgeRequest,
    find_judge_job,
    read_request,
    resume_judge_run,
    start_judge_runs,
    stop_judge_run,
)
from curator_app.actions.judging import JudgingRefused, Place, Sampling, score
from curator_app.workspace import Workspace
from endpoints.ledger import Budget
from storage.errors import Conflict, NotFound
from storage.jobs import Job, JobState

ITEMS = 20
PICTURED = 14


@pytest.fixture
def judged(workspace: Workspace) -> Workspace:
    """A workspace with a release of twenty items, of which fourteen have a picture."""
    ids = add_approved(workspace.db, workspace.blobs, ITEMS)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests", item_ids=ids)
    return workspace


def ask_for(run: str = "first", **changes) -> JudgeRequest:
    return JudgeRequest(run, "v1.0", Sampling(**{"samples": 2} | changes.pop("sampling", {})), **changes)


def wait(workspace: Workspace, wanted, name: str = "first", **more) -> Job:
    return wait_for(workspace, name, wanted, find=find_judge_job, **more)


def read_report(workspace: Workspace, name: str = "first") -> dict:
    report = json.loads((workspace.settings.home / "judge-runs" / name / "report.json").read_text("utf-8"))
    return {key: value for key, value in report.items() if key not in ("started_at", "run")}


@pytest.mark.thorough
def test_a_run_goes_through_in_a_process_of_its_own(judged: Workspace) -> None:
    with FaultyServer(answer=answer_body) as models:
        write_endpoints(judged.settings.home, models.url)
        start_judge_runs(judged, [ask_for()], actor="user:mia")
        job = wait(judged, is_over)
    assert (job.state, job.message, job.actor) == (JobState.ENDED, "", "user:mia")
    assert int(job.owner.split(":")[1]) != os.getpid()
    assert job.progress["answers"] == {"asked": 2 * ITEMS, "counts": {"answered": 28, "not_asked": 12}}
    assert job.progress["judgments"] == {"asked": 56, "counts": {"scored": 56}}
    # Both answers to an item are the same words here, so a judge is asked about them once.
    assert (job.progress["calls"], job.progress["cached"]) == (56, 28)
    assert job.progress["cost"].startswith(("$", "less"))
    assert read_report(judged)["scores"]["panel"]["all"]["scored"] == 28
    assert "judgments: 56 scored; 56 of 56" in (judged.settings.home / "judge-runs/first/job.log").read_text()


@pytest.mark.thorough
def test_the_constitutions_of_the_package_are_sent_by_their_word(judged: Workspace) -> None:
    texts = {one.text for one in list_constitutions().values()}
    request = ask_for(sampling={"mode": "constitution", "samples": 1}, constitutions="shipped")
    with FaultyServer(answer=answer_body) as models:
        write_endpoints(judged.settings.home, models.url)
        start_judge_runs(judged, [request], actor="user:mia")
        job = wait(judged, is_over)
        sent = [body["messages"][0]["content"] for body in models.bodies if body["model"] == "some-target"]
    assert (job.state, job.message) == (JobState.ENDED, "")
    assert len(sent) == PICTURED and set(sent) <= texts


@pytest.mark.thorough
def test_stopped_and_killed_it_goes_on_and_pays_for_nothing_twice(judged: Workspace) -> None:
    with FaultyServer(answer=answer_body) as models:
        write_endpoints(judged.settings.home, models.url)
        start_judge_runs(judged, [ask_for("whole")], actor="user:mia")
        wait(judged, is_over, "whole")
        paid = models.replies.total()
        models.latency_s = 0.2
        file = judged.settings.home / "endpoints.yaml"
        file.write_text(file.read_text().replace('"max_concurrency": 16', '"max_concurrency": 2'))
        start_judge_runs(judged, [ask_for()], actor="user:mia")
        wait(judged, lambda job: models.replies.total() > paid + 4)
        with pytest.raises(Conflict, match=r"stop it first"):
            resume_judge_run(judged, name="first", actor="user:mia")
        stop_judge_run(judged, name="first", actor="mia")
        stopped = wait(judged, is_over)
        assert (stopped.state, stopped.message) == (JobState.ENDED, "stopped by mia")
        assert not (judged.settings.home / "judge-runs/first/scores.json").exists(), "it went on to the scores"
        resume_judge_run(judged, name="first", actor="user:mia")
        running = wait(judged, lambda job: job.sitting == 2 and models.replies.total() > paid + 34)
        os.kill(int(running.owner.split(":")[1]), signal.SIGKILL)
        assert wait(judged, is_over, timeout_s=20).state is JobState.INTERRUPTED
        models.latency_s = 0
        resume_judge_run(judged, name="first", actor="user:mia")
        ended = wait(judged, lambda job: job.sitting == 3 and is_over(job))
        assert (ended.state, ended.message) == (JobState.ENDED, "")
        assert read_report(judged) == read_report(judged, "whole")
        # What was under way at the kill may have been paid and not yet received: two calls at most.
        assert 2 * paid <= models.replies.total() <= 2 * paid + 2


@pytest.mark.thorough
def test_what_cannot_work_fails_with_the_reason_and_a_name_is_taken_once(judged: Workspace) -> None:
    with FaultyServer(answer=answer_body) as models:
        write_endpoints(judged.settings.home, models.url)
        request = ask_for(budget=Budget(tokens=1))
        start_judge_runs(judged, [request], actor="user:mia")
        job = wait(judged, is_over)
        assert job.state is JobState.ENDED and "of its 1 tokens" in job.message
        with pytest.raises(JudgingRefused, match="there is a judge run first already"):
            start_judge_runs(judged, [ask_for()], actor="user:mia")
        assert find_judge_job(judged, name="first").request == request.to_json(), "what it was asked for is kept"
        start_judge_runs(judged, [ask_for("odd", sampling={"target": "nobody"})], actor="user:mia")
        failed = wait(judged, is_over, "odd")
        assert failed.state is JobState.FAILED and "no endpoint 'nobody'" in failed.message
        start_judge_runs(judged, [ask_for("odd", judges=("judge_a",))], actor="user:mia")  # nothing was answered
        assert wait(judged, is_over, "odd").state is JobState.ENDED
        assert read_report(judged, "odd")["scores_config"]["judges"][0]["role"] == "judge_a"
        with pytest.raises(JudgingRefused, match="was begun otherwise"):
            score(Place(judged.settings.home), run="odd")


def test_what_is_not_there_cannot_be_resumed_or_stopped_and_requests_survive(workspace: Workspace) -> None:
    for function in (resume_judge_run, stop_judge_run):
        with pytest.raises(NotFound, match="'nothing'"):
            function(workspace, name="nothing", actor="user:mia")
    request = ask_for(judges=("judge_b",), constitutions="self_harm: Mind it.", budget=Budget(usd=2.5))
    assert read_request(json.loads(json.dumps(request.to_json()))) == request
    with pytest.raises(JudgingRefused, match="another version"):
        read_request(request.to_json() | {"colour": "red"})
    with pytest.raises(JudgingRefused, match="names a folder"):
        start_judge_runs(workspace, [ask_for("../x")], actor="user:mia")
