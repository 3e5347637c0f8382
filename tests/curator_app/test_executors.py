"""What starts the processes of jobs and looks after them: what is refused, and what is told of a process that is gone.

Ray itself runs in tests/real/test_ray_jobs.py; here a server speaks as its Jobs API does.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_api import JobsApi
from run_workspace import ask_for

from curator_app.actions import background_jobs, executors, ray_executor
from curator_app.actions.executors import JobRefused, LocalExecutor
from curator_app.actions.run_jobs import find_run, start_run, stop_run
from curator_app.errors import SettingsInvalid
from curator_app.screens.job_view import render_head
from curator_app.settings import load_settings
from curator_app.workspace import Workspace
from storage import jobs
from storage.jobs import Job, JobState


@pytest.fixture
def ray() -> Iterator[JobsApi]:
    with JobsApi() as api:
        yield api


@pytest.fixture(autouse=True)
def ask_always(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Executors are asked each time, and no token of this machine is sent."""
    monkeypatch.setattr(background_jobs, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(ray_executor, "_silent", {})
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)


def on(workspace: Workspace, address: str, **more: str) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update={"ray_address": address, **more}))


def start(workspace: Workspace) -> Job:
    start_run(workspace, ask_for(), actor="user:mia")
    return find_run(workspace, name="trial")


def take(workspace: Workspace, owner: str = "another-machine:77:abc") -> None:
    """A process of another machine takes the run up."""
    with workspace.db.write() as session:
        jobs.take_queued_job(session=session, kind="run", name="trial", owner=owner)
        session.commit()


def test_a_submission_says_what_the_process_needs_and_no_more(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, f"{ray.url}/")
    job = start(there)
    ((name, told),) = ray.jobs.items()
    assert (job.state, job.handle) == (JobState.QUEUED, f"ray:{ray.url} {name}")
    log = there.settings.home / "runs/trial/job.log"
    assert told["entrypoint"] == f"exec python -P -m curator_app.job_process run trial --log {log}"
    assert told["entrypoint_num_cpus"] == 1
    told_environment = told["runtime_env"]["env_vars"]
    assert told_environment["CURATOR_HOME"] == str(there.settings.home)
    assert {name.split("_")[0] for name in told_environment} == {"CURATOR"}
    assert not [token for token in ray.tokens if token]


def test_what_would_show_a_secret_or_break_the_database_is_refused_before_anything_is_sent(
    workspace: Workspace, ray: JobsApi
) -> None:
    for changes, said in (
        ({"database_url": "postgresql://ann:tell-nobody@db/curator"}, "holds a password.*PGPASSWORD"),
        ({"database_url": "postgresql://ann@db/curator?password=tell-nobody"}, "holds a password"),
        ({"ray_address": "http://192.0.2.7:8265"}, "SQLite.*head is 192.0.2.7: move the workspace to PostgreSQL"),
    ):
        with pytest.raises(JobRefused, match=said) as refused:
            start(on(workspace, **{"address": ray.url} | {"address": changes.pop("ray_address", ray.url)}, **changes))
        assert "tell-nobody" not in str(refused.value)
        assert find_run(workspace, name="trial").state is JobState.INTERRUPTED
    assert ray.asked == []


def test_a_head_that_cannot_be_used_is_named_with_the_remedy(workspace: Workspace, ray: JobsApi) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    cases = (
        (nobody, None, f"does not answer at {nobody}.*ray start --head"),
        (ray.url, (404, "<h1>Not found</h1>"), "is not Ray's Jobs API"),
        (ray.url, (200, "<!doctype html>"), "is not Ray's Jobs API"),
        (ray.url, (401, "no token"), "wants its token.*RAY_AUTH_TOKEN"),
        (ray.url, (500, "Traceback\nValueError: no room"), "does not take it.*ValueError: no room"),
    )
    for address, refusal, said in cases:
        ray.refusal = refusal
        with pytest.raises(JobRefused, match=said):
            start(on(workspace, address))
        job = find_run(workspace, name="trial")
        assert job.state is JobState.INTERRUPTED, "it waits for a process that nobody started"
        assert job.message.startswith("the run trial cannot be started: ")
    with pytest.MonkeyPatch.context() as here:
        here.setenv("CURATOR_RAY_ADDRESS", "head:8265")
        with pytest.raises(SettingsInvalid, match="CURATOR_RAY_ADDRESS='head:8265'"):
            load_settings()


def test_a_job_that_died_without_a_word_is_interrupted_with_rays_words(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, ray.url)
    start(there)
    take(there)
    assert find_run(there, name="trial").state is JobState.RUNNING
    ((name, told),) = ray.jobs.items()
    told |= {"status": "FAILED", "message": f"Out of memory.\n{'log ' * 900}<b>the last</b>"}
    job = find_run(there, name="trial")
    assert job.state is JobState.INTERRUPTED
    assert job.message.startswith("Ray says FAILED: Out of memory. log") and len(job.message) < 1_100
    shown = render_head(job, back=("/runs", "Runs"), tiles=[])
    assert "Its process is gone." in shown and "&lt;b&gt;the last&lt;/b&gt;" in shown
    start(there)
    (second,) = set(ray.jobs) - {name}
    del ray.jobs[second]  # as when the head was started anew
    assert "knows no such job" in find_run(there, name="trial").message


def test_what_died_with_no_lease_lost_gets_its_words_later(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, ray.url)
    start(there)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    take(there, owner=f"{socket.gethostname()}:{gone.pid}:abc")
    assert (find_run(there, name="trial").state, find_run(there, name="trial").message) == (JobState.INTERRUPTED, "")
    for told in ray.jobs.values():
        told |= {"status": "FAILED", "message": "exit code 137"}
    assert find_run(there, name="trial").message == "Ray says FAILED: exit code 137"


def test_a_silent_head_changes_nothing_is_told_and_is_not_asked_at_once_again(
    workspace: Workspace, ray: JobsApi
) -> None:
    there = on(workspace, ray.url)
    start(there)
    take(there)
    ray.refusal = (502, "<h1>Bad gateway</h1>")
    assert find_run(there, name="trial").state is JobState.RUNNING
    ray.refusal = (200, "<h1>hello</h1>")
    job = find_run(there, name="trial")
    assert job.state is JobState.RUNNING and "only what the job itself writes into the database" in job.message
    asked = len(ray.asked)
    assert find_run(there, name="trial").message == job.message
    assert len(ray.asked) == asked


def test_stop_asks_and_once_more_ends(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, ray.url)
    start(there)
    take(there)
    assert stop_run(there, name="trial", actor="mia").state is JobState.STOPPING
    (told,) = ray.jobs.values()
    assert told["status"] == "PENDING", "the first press ended it"
    assert "Stop once more ends it at once" in render_head(find_run(there, name="trial"), back=("/", "x"), tiles=[])
    stop_run(there, name="trial", actor="mia")
    assert told["status"] == "STOPPED"
    job = find_run(there, name="trial")
    assert job.state is JobState.INTERRUPTED and job.message.startswith("Ray says STOPPED")


def test_a_job_that_waits_is_taken_from_ray_when_it_is_stopped(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, ray.url)
    start(there)
    assert stop_run(there, name="trial", actor="mia").state is JobState.ENDED
    assert [told["status"] for told in ray.jobs.values()] == ["STOPPED"]


def test_a_process_that_took_the_job_by_itself_is_not_rays(workspace: Workspace, ray: JobsApi) -> None:
    there = on(workspace, ray.url)
    start(there)
    for told in ray.jobs.values():
        told["status"] = "FAILED"
    assert find_run(there, name="trial").state is JobState.INTERRUPTED
    with there.db.write() as session:
        jobs.take_job(session=session, kind="run", name="trial", owner="elsewhere:1:a", actor="x", request={"n": 1})
        session.commit()
    job = find_run(there, name="trial")
    assert (job.state, job.handle) == (JobState.RUNNING, "")


def test_a_child_that_ends_before_it_begins_is_interrupted_before_its_time_is_over(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalExecutor, "start_s", 86_400.0)
    folder = workspace.settings.home / "nowhere"
    background_jobs.start_job(workspace, kind="dance", name="x", request={}, folder=folder, actor="user:mia")
    deadline = time.monotonic() + 240
    while (job := background_jobs.find_job(workspace, kind="dance", name="x")).state is JobState.QUEUED:
        assert time.monotonic() < deadline
    assert job.state is JobState.INTERRUPTED
    assert "there are no jobs of the kind 'dance'" in background_jobs.read_output(folder)


def test_a_child_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "GRACE_S", 0.3)
    script = "import signal, sys\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()"
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"deaf\n"
    handle = f"local:{socket.gethostname()}:{child.pid}"
    assert not LocalExecutor().look(handle).is_gone
    LocalExecutor().end(handle)
    assert child.wait(timeout=30) == -signal.SIGKILL
    assert LocalExecutor().look(handle).is_gone
    with pytest.raises(JobRefused, match="runs on elsewhere"):
        LocalExecutor().end("local:elsewhere:1")


def test_what_is_printed_goes_to_both_logs_to_the_last_word(tmp_path: Path) -> None:
    log = tmp_path / "a folder" / "job.log"
    log.parent.mkdir()
    log.write_text("before\n")
    script = (
        "import os, signal, sys\nfrom curator_app.job_process import copy_output\ncopy_output(sys.argv[1])\n"
        "signal.signal(15, lambda *_: None)\nos.killpg(0, 15)\nprint('a child follows', flush=True)\n"
        "os.system('echo from a child')\nsys.stderr.write('the last word\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, log], capture_output=True, text=True, start_new_session=True, check=True
    )
    assert done.stdout == "a child follows\nfrom a child\nthe last word\n"
    assert log.read_text() == f"before\n{done.stdout}"


def test_a_log_is_read_on_in_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "job.log"
    assert background_jobs.read_log(tmp_path) == ("", 0)
    log.write_bytes("eins\nzwö".encode())
    text, offset = background_jobs.read_log(tmp_path)
    assert (text, offset) == ("eins\n", 5)
    assert background_jobs.read_log(tmp_path, offset) == ("", 5)
    log.write_bytes("eins\nzwölf\n".encode())
    assert background_jobs.read_log(tmp_path, offset) == ("zwölf\n", os.path.getsize(log))  # noqa: PTH202
    log.write_bytes(b"anew\n")
    assert background_jobs.read_log(tmp_path, 12) == ("anew\n", 5), "a shorter log is another one"
    monkeypatch.setattr(background_jobs, "MAX_READ_BYTES", 8)
    log.write_bytes(b"x" * 20 + b"\nlast\n")
    read, offset, texts = None, 0, []
    while read != "":
        read, offset = background_jobs.read_log(tmp_path, offset)
        texts.append(read)
    assert "".join(texts) == "x" * 20 + "\nlast\n"


def test_the_colours_of_a_terminal_are_left_out_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_text("\x1b[36m(WorkerDict pid=7)\x1b[0m loaded\n\x1b[1;32mdone\x1b[0m\n")
    assert background_jobs.read_output(tmp_path) == "(WorkerDict pid=7) loaded\ndone"
