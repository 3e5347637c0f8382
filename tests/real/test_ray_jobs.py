"""Jobs of the app on a real Ray head, through its Jobs API: pipeline and judge runs go through, one is watched, stopped
with the page's button and resumed, one dies without a word. Run by `make test-verl`.
"""

import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from approved_items import add_approved

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer
from judge_runs import answer_body, write_endpoints
from ray_head import open_head
from run_workspace import ask_for, is_over, open_models, wait_for
from run_workspace import write_endpoints as write_run_endpoints

from curator_app.actions import background_jobs, releases
from curator_app.actions.executors import JobRefused
from curator_app.actions.judge_jobs import JudgeRequest, find_judge_job, start_judge_runs
from curator_app.actions.judging import Sampling
from curator_app.actions.ray_executor import read_handle
from curator_app.actions.run_jobs import find_run, resume_run, start_run, stop_run
from curator_app.ray_jobs import RayJobs, RaySilent, RayUnknown
from curator_app.screens.judge_runs import build_judge_runs_page
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.accounts import Person, Role
from storage.items import list_items
from storage.jobs import Job, JobState

pytestmark = [pytest.mark.verl, pytest.mark.timeout(1800)]
PATIENCE_S = 300
MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
KEY, SECRET = "MODEL_SERVER_KEY", "sk-a-secret-of-the-cluster"
TOKEN = "0123456789abcdef" * 4
BIG = {"quotas": {"dependants": 20, "property": 20}}


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """Address of a head that asks for a token, and whose machine has a key that the app does not have."""
    asking = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    with pytest.MonkeyPatch.context() as here:
        here.setenv("RAY_AUTH_TOKEN", TOKEN)
        with open_head({KEY: SECRET, "OMP_NUM_THREADS": "1", **asking}) as address:
            yield address


@pytest.fixture
def workspace(head: str, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose jobs run there."""
    workspace = create_workspace(Settings(home=tmp_path / "home", ray_address=head))
    yield workspace
    workspace.close()


@pytest.fixture
def judged(workspace: Workspace) -> Workspace:
    """With a release of twelve items."""
    ids = add_approved(workspace.db, workspace.blobs, 12)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests", item_ids=ids)
    return workspace


def wait_judged(workspace: Workspace, wanted: Any) -> Job:
    return wait_for(workspace, "first", wanted, find=find_judge_job, timeout_s=PATIENCE_S)


def read_submission(job: Job) -> dict[str, Any]:
    """What anybody who sees the cluster can read of a job."""
    address, submission = read_handle(job.handle)
    asking = urllib.request.Request(f"{address}/api/jobs/{submission}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asking) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def wait_until_over(job: Job) -> str:
    """Ray's own word for how a job ended."""
    address, submission = read_handle(job.handle)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(RaySilent):  # a page's patience with Ray is short, and this machine may be busy
            if (found := RayJobs(address).find(submission)).is_over:
                return found.status
        assert time.monotonic() < deadline, "it is not over"
        time.sleep(0.2)


def test_a_pipeline_run_goes_through_with_the_keys_of_the_cluster(head: str, workspace: Workspace) -> None:
    assert KEY not in os.environ
    with open_models() as models:
        write_run_endpoints(workspace.settings.home, models.url, api_key_env=KEY)
        start_run(workspace, ask_for(), actor="user:mia")
        job = wait_for(workspace, "trial", is_over, timeout_s=PATIENCE_S)
        assert (job.state, job.message, job.actor) == (JobState.ENDED, "", "user:mia")
        assert any(f"Bearer {SECRET}".encode() in head for head in models.headers)
    assert job.handle.startswith(f"ray:{head} curator-run-trial-")
    assert wait_until_over(job) == "SUCCEEDED"
    told = read_submission(job)
    assert told["entrypoint"].startswith("exec python -P -m curator_app.job_process run trial --log ")
    assert KEY not in json.dumps(told) and SECRET not in json.dumps(told)
    assert told["runtime_env"]["env_vars"]["CURATOR_HOME"] == str(workspace.settings.home)
    with workspace.db.read() as session:
        stages = {item.stage for item in list_items(session=session, batch="trial", limit=1_000)}
    assert "refined" in stages and "scenario" not in stages
    assert (workspace.settings.home / "runs/trial/report.html").exists()


def test_a_judge_run_goes_through(judged: Workspace) -> None:
    with FaultyServer(answer=answer_body) as models:
        write_endpoints(judged.settings.home, models.url)
        start_judge_runs(judged, [JudgeRequest("first", "v1.0", Sampling(samples=2))], actor="user:mia")
        job = wait_judged(judged, is_over)
    assert (job.state, job.message) == (JobState.ENDED, "")
    assert wait_until_over(job) == "SUCCEEDED"
    report = json.loads((judged.settings.home / "judge-runs/first/report.json").read_text("utf-8"))
    assert report["scores"]["panel"]["all"]["scored"] == job.progress["answers"]["counts"]["answered"] > 10


def test_its_log_streams_into_the_page_whose_buttons_stop_and_resume_it(judged: Workspace) -> None:
    with gr.Blocks() as pages:
        build_judge_runs_page(pages, workspace=judged, person_of=lambda request: MIA)
    page = SimpleNamespace(**{fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None})
    asked = SimpleNamespace(query_params={"run": "first"})
    folder = judged.settings.home / "judge-runs/first"
    with FaultyServer(answer=answer_body, latency_s=0.4) as models:
        write_endpoints(judged.settings.home, models.url, max_concurrency=1)
        start_judge_runs(judged, [JudgeRequest("first", "v1.0", Sampling(samples=4))], actor="user:mia")
        seen, offset = "", 0

        def read_on(job: Job) -> bool:
            nonlocal seen, offset
            new, offset = background_jobs.read_log(folder, offset)
            seen += new
            assert not is_over(job), job
            return job.state is JobState.RUNNING and seen.count("\n") > 1

        first = wait_judged(judged, read_on)
        assert "answers begin" in seen
        assert "answers begin" in "".join(part for part in page.judge_show(asked) if isinstance(part, str))
        page.judge_stop(asked)
        stopped = wait_judged(judged, is_over)
        assert (stopped.state, stopped.message) == (JobState.ENDED, "stopped by mia")
        assert wait_until_over(stopped) == "SUCCEEDED", "it was asked, not killed"
        assert not (folder / "scores.json").exists(), "the stop came too late to show anything"
        models.latency_s = 0
        page.judge_resume(asked)
        ended = wait_judged(judged, lambda job: job.sitting == 2 and is_over(job))
        assert (ended.state, ended.message) == (JobState.ENDED, "")
        assert read_handle(ended.handle)[1] != read_handle(first.handle)[1]
    more, end = background_jobs.read_log(folder, offset)
    assert more.startswith(("answers", "0", "1", "2")) and "done; cost" in more
    assert end == (folder / "job.log").stat().st_size


def test_without_its_token_the_cluster_takes_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    with pytest.raises(JobRefused, match="wants its token"):
        start_run(workspace, ask_for(), actor="user:mia")
    job = find_run(workspace, name="trial")
    assert job.state is JobState.INTERRUPTED and "wants its token" in job.message
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with pytest.raises(RayUnknown):
        RayJobs(workspace.settings.ray_address).find("nothing")


def test_a_process_that_ends_before_it_begins_is_told_of_with_its_last_words(workspace: Workspace) -> None:
    folder = workspace.settings.home / "nowhere"
    background_jobs.start_job(workspace, kind="dance", name="x", request={}, folder=folder, actor="user:mia")

    def find(_: Workspace, *, name: str) -> Job:
        return background_jobs.find_job(workspace, kind="dance", name=name)

    job = wait_for(workspace, "x", is_over, find=find, timeout_s=PATIENCE_S)
    assert job.state is JobState.INTERRUPTED
    assert job.message.startswith("Ray says FAILED: ") and "there are no jobs of the kind 'dance'" in job.message
    assert "there are no jobs of the kind 'dance'" in background_jobs.read_output(folder)


def test_a_death_without_a_word_is_told_and_a_second_stop_ends_it_at_once(workspace: Workspace) -> None:
    with open_models(latency_s=3.0) as models:
        write_run_endpoints(workspace.settings.home, models.url, max_concurrency=2, timeout_s=60)
        start_run(workspace, ask_for(**BIG), actor="user:mia")
        running = wait_for(workspace, "trial", lambda job: models.replies.total() > 2, timeout_s=PATIENCE_S)
        os.kill(int(running.owner.split(":")[1]), signal.SIGKILL)
        wait_until_over(running)
        killed = wait_for(workspace, "trial", lambda job: job.message, timeout_s=20)
        assert killed.state is JobState.INTERRUPTED
        assert killed.message.startswith("Ray says FAILED: Job entrypoint command failed with exit code -9")
        resume_run(workspace, name="trial", actor="user:mia")
        again = wait_for(
            workspace, "trial", lambda job: job.sitting == 2 and job.progress.get("calls"), timeout_s=PATIENCE_S
        )
        stop_run(workspace, name="trial", actor="mia")
        assert find_run(workspace, name="trial").state is JobState.STOPPING
        stop_run(workspace, name="trial", actor="mia")
        ended = wait_for(workspace, "trial", is_over)
        assert wait_until_over(again) == "STOPPED"
        assert ended.state in (JobState.ENDED, JobState.INTERRUPTED), ended
