"""Long jobs of any kind as processes of their own: put down, started so that they outlive the app, stopped."""

import dataclasses
import re
import time
from pathlib import Path
from typing import Any

from curator_app.actions.executors import JobRefused, Work, choose_executor, find_executor
from curator_app.workspace import Workspace
from endpoints.ledger import Ledger, format_cost
from storage import jobs
from storage.jobs import Job, JobState

JOB_LOG = "job.log"
PROCESS = "curator_app.job_process"
LOG_LINES = 60
MAX_TAIL_BYTES = 20_000
MAX_READ_BYTES = 1_000_000
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""What a terminal makes colours of; Ray prints it."""
LOOK_EVERY_S = 4.0
"""How often an executor is asked about a job, however many pages show it."""

_looked: dict[str, tuple[float, str]] = {}
"""Handle -> when its executor was asked last, and what it told."""


def start_job(workspace: Workspace, *, kind: str, name: str, request: dict[str, Any], folder: Path, actor: str) -> None:
    """Put a job down and start its process, which does not end with this one and prints into `folder`/job.log.

    The process is a child of this machine, or a Ray job (`executors`). A job that is over is resumed the same way.

    Raises:
        Conflict: a process works on the job.
        JobRefused: its process cannot be started.
    """
    executor = choose_executor(workspace.settings)
    with workspace.db.write() as session:
        job = jobs.queue_job(
            session=session, kind=kind, name=name, request=request, actor=actor, start_s=executor.start_s
        )
        session.commit()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = executor.start(Work(PROCESS, kind, name, folder / JOB_LOG, workspace.settings))
    except JobRefused as exc:
        _lapse(workspace, job, str(exc))
        raise
    with workspace.db.write() as session:
        jobs.note_handle(session=session, job_id=job.id, handle=handle)
        session.commit()


def stop_job(workspace: Workspace, *, kind: str, name: str, actor: str) -> Job:
    """Ask a job to finish what is under way and end. When it was asked before, its process is ended at once.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
        JobRefused: it was asked before, and its executor cannot end it.
    """
    before = find_job(workspace, kind=kind, name=name)
    with workspace.db.write() as session:
        job = jobs.ask_to_stop(session=session, kind=kind, name=name, actor=actor)
        session.commit()
    if job.handle and (before.state is JobState.STOPPING or job.state is JobState.ENDED):
        find_executor(job.handle).end(job.handle)
    return job


def find_job(workspace: Workspace, *, kind: str, name: str) -> Job:
    """Return a job.

    Raises:
        NotFound: there is no such job.
    """
    with workspace.db.read() as session:
        job = jobs.find_job(session=session, kind=kind, name=name)
    return _look_after(workspace, job)


def list_jobs(workspace: Workspace, *, kind: str) -> list[Job]:
    """Return every job of a kind, the newest first."""
    with workspace.db.read() as session:
        found = jobs.list_jobs(session=session, kind=kind)
    return [_look_after(workspace, job) for job in found]


def _look_after(workspace: Workspace, job: Job) -> Job:
    """Return a job after its executor was asked: one whose process died without a word is interrupted."""
    unexplained = job.state is JobState.INTERRUPTED and not job.message
    if not job.handle or not (job.state.is_live or unexplained):
        return job
    when, told = _looked.get(job.handle, (-LOOK_EVERY_S, ""))
    if time.monotonic() - when >= LOOK_EVERY_S:
        fate = find_executor(job.handle).look(job.handle)
        _looked[job.handle] = time.monotonic(), fate.told
        if fate.is_gone and (job.state.is_live or fate.told):
            return _lapse(workspace, job, fate.told)
        told = fate.told
    return dataclasses.replace(job, message=job.message or told)


def _lapse(workspace: Workspace, job: Job, message: str) -> Job:
    with workspace.db.write() as session:
        jobs.lapse_job(session=session, job=job, message=message)
        session.commit()
        return jobs.find_job(session=session, kind=job.kind, name=job.name)


def describe_spent(ledger: Ledger) -> dict[str, Any]:
    """Return what all sittings of a job took, for the progress in its row."""
    total = ledger.total
    return {
        "calls": total.calls,
        "cached": total.cached,
        "failed": total.failed,
        "tokens": total.prompt_tokens + total.completion_tokens,
        "cost": format_cost(total),
    }


def read_output(folder: Path) -> str:
    """Return the end of what the process of a job printed; empty when it printed nothing."""
    return read_tail(folder / JOB_LOG)


def read_tail(path: Path) -> str:
    """Return the last lines of a log; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_TAIL_BYTES))
        text = COLOURS.sub("", file.read().decode("utf-8", "replace"))
    return "\n".join(text.splitlines()[-LOG_LINES:])


def read_log(folder: Path, offset: int = 0) -> tuple[str, int]:
    """Return the whole lines that the process of a job has printed since `offset`, and where the next ones begin.

    At most a megabyte at a time. A log that is shorter than `offset` is another one, and is read from its beginning.
    """
    path = folder / JOB_LOG
    if not path.is_file():
        return "", 0
    with path.open("rb") as file:
        file.seek(offset if offset <= path.stat().st_size else 0)
        begin = file.tell()
        read = file.read(MAX_READ_BYTES)
    whole = read if len(read) == MAX_READ_BYTES and b"\n" not in read else read[: read.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace"), begin + len(whole)
