"""Runs in processes of their own: stopped, killed, resumed, left behind by the app, and never two at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from run_workspace import ask_for, is_over, open_models, wait_for, write_endpoints

from curator_app.actions.executors import write_environment
from curator_app.actions.run_jobs import find_run, resume_run, start_run, stop_run
from curator_app.actions.runs import RunRefused, load_request, run
from curator_app.workspace import Workspace
from storage.errors import Conflict, NotFound
from storage.items import get_history, list_items
from storage.jobs import JobState, list_jobs

pytestmark = pytest.mark.thorough

BIG = {"quotas": {"dependants": 20, "property": 20}}


def pid_of(job) -> int:
    return int(job.owner.split(":")[1])


def in_batch(workspace: Workspace, batch: str = "trial") -> dict[str, tuple[str, int]]:
    with workspace.db.read() as session:
        return {
            item.id: (item.stage, len(get_history(session=session, item_id=item.id)))
            for item in list_items(session=session, batch=batch, limit=1_000)
        }


def test_a_run_goes_through_in_a_process_of_its_own(workspace: Workspace) -> None:
    with open_models() as models:
        write_endpoints(workspace.settings.home, models.url)
        start_run(workspace, ask_for(), actor="user:mia")
        job = wait_for(workspace, "trial", is_over)
        assert (job.state, job.message, job.actor) == (JobState.ENDED, "", "user:mia")
        assert pid_of(job) != os.getpid()
        assert job.progress["asked"] == 16
        assert job.progress["cost"] == "unknown", "a model without a price costs nobody knows what"
        assert job.progress["calls"] > 16
        assert "refined" in {stage for stage, _ in in_batch(workspace).values()}
    assert (workspace.settings.home / "runs/trial/report.html").exists()


def test_stop_lets_what_is_under_way_finish_and_resume_ends_as_if_nothing_had_been(workspace: Workspace) -> None:
    with open_models(latency_s=0.15) as models:
        write_endpoints(workspace.settings.home, models.url, max_concurrency=4)
        start_run(workspace, ask_for(**BIG), actor="user:mia")
        wait_for(workspace, "trial", lambda job: models.replies.total() > 10)
        with pytest.raises(Conflict, match="stop it first"):
            start_run(workspace, ask_for(**BIG), actor="user:mia")
        stop_run(workspace, name="trial", actor="mia")
        stopped = wait_for(workspace, "trial", is_over)
        assert (stopped.state, stopped.message) == (JobState.ENDED, "stopped by mia")
        before = in_batch(workspace)
        assert before
        models.latency_s = 0
        resume_run(workspace, name="trial", actor="user:mia")
        ended = wait_for(workspace, "trial", lambda job: job.sitting == 2 and is_over(job))
        assert (ended.state, ended.message) == (JobState.ENDED, "")
        after = in_batch(workspace)
        assert before.keys() <= after.keys()
        assert before != after, "the stop came too late to show anything"
        assert "scenario" not in {stage for stage, _ in after.values()}


def test_a_killed_run_keeps_what_was_done_shows_as_interrupted_and_goes_on(workspace: Workspace) -> None:
    with open_models(latency_s=0.05) as models:
        write_endpoints(workspace.settings.home, models.url, max_concurrency=8)
        start_run(workspace, ask_for(**BIG), actor="user:mia")
        job = wait_for(workspace, "trial", lambda job: job.owner and models.replies.total() > 25)
        os.kill(pid_of(job), signal.SIGKILL)
        killed = wait_for(workspace, "trial", is_over, timeout_s=20)
        assert killed.state is JobState.INTERRUPTED
        done = {item: entry for item, entry in in_batch(workspace).items() if entry[0] in ("refined", "rejected")}
        models.latency_s = 0
        resume_run(workspace, name="trial", actor="user:mia")
        ended = wait_for(workspace, "trial", lambda job: job.sitting == 2 and is_over(job))
        assert ended.state is JobState.ENDED
        after = in_batch(workspace)
        assert all(after[item] == entry for item, entry in done.items())
        assert "scenario" not in {stage for stage, _ in after.values()}


def test_the_end_of_the_app_leaves_the_run_alone(workspace: Workspace) -> None:
    serve = Path(__file__).parents[1] / "serve_and_start_run.py"
    with open_models(latency_s=0.05) as models:
        write_endpoints(workspace.settings.home, models.url, max_concurrency=4)
        env = os.environ | write_environment(workspace.settings)
        app = subprocess.Popen([sys.executable, serve], env=env, stdout=subprocess.PIPE, text=True)
        assert app.stdout.readline() == "started\n"
        job = wait_for(workspace, "trial", lambda job: job.state is JobState.RUNNING)
        app.send_signal(signal.SIGTERM)
        assert app.wait(timeout=30) == 0
        seen = models.replies.total()
        after = find_run(workspace, name="trial")
        assert (after.state, after.owner) == (JobState.RUNNING, job.owner)
        ended = wait_for(workspace, "trial", is_over)
        assert (ended.state, ended.message, ended.sitting) == (JobState.ENDED, "", 1)
        assert models.replies.total() > seen


def test_the_command_line_and_the_app_exclude_each_other(workspace: Workspace) -> None:
    with open_models(latency_s=0.1) as models:
        write_endpoints(workspace.settings.home, models.url, max_concurrency=2)
        start_run(workspace, ask_for(**BIG), actor="user:mia")
        wait_for(workspace, "trial", lambda job: job.state is JobState.RUNNING)
        with pytest.raises(Conflict, match=r"run trial is running in another process \(process \d+ on .*stop it first"):
            run(workspace, ask_for(**BIG))
        stop_run(workspace, name="trial", actor="mia")
        wait_for(workspace, "trial", is_over)
        models.latency_s = 0
        end = run(workspace, ask_for(**BIG))
        assert end.resumed
        assert not end.state.stopped
        with workspace.db.read() as session:
            (job,) = list_jobs(session=session, kind="run")
        assert (job.state, job.sitting) == (JobState.ENDED, 2)


def test_a_run_that_cannot_work_fails_with_the_reason(workspace: Workspace) -> None:
    (workspace.settings.home / "endpoints.yaml").write_text("version: 1\nendpoints: {}\nroles: {critic: nobody}\n")
    start_run(workspace, ask_for(), actor="user:mia")
    job = wait_for(workspace, "trial", is_over)
    assert job.state is JobState.FAILED
    assert "nobody" in job.message
    assert "nobody" in (workspace.settings.home / "runs/trial/job.log").read_text()


def test_what_is_not_there_cannot_be_resumed_or_stopped(workspace: Workspace) -> None:
    for function in (resume_run, stop_run):
        with pytest.raises(NotFound, match="'nothing'"):
            function(workspace, name="nothing", actor="user:mia")
    with pytest.raises(RunRefused, match=r"config .* cannot be used"):
        load_request(workspace.settings.home / "none.yaml")
