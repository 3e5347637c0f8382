"""Long jobs of any kind as processes of their own: put down, started so that they outlive the app, stopped."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from curator_app.errors import AppError
from curator_app.settings import Settings
from curator_app.workspace import Workspace
from endpoints.ledger import Ledger, format_cost
from storage import jobs
from storage.jobs import Job

JOB_LOG = "job.log"
PROCESS = "curator_app.job_process"
LOG_LINES = 60
MAX_TAIL_BYTES = 20_000


class JobRefused(AppError):
    """The process of a job cannot be started; the message says why and what to do."""


def start_job(workspace: Workspace, *, kind: str, name: str, request: dict[str, Any], folder: Path, actor: str) -> None:
    """Put a job down and start its process, which does not end with this one and prints into `folder`/job.log.

    Raises:
        Conflict: a process works on the job.
        JobRefused: its process cannot be started.
    """
    with workspace.db.write() as session:
        jobs.queue_job(session=session, kind=kind, name=name, request=request, actor=actor)
        session.commit()
    folder.mkdir(parents=True, exist_ok=True)
    # -P: a folder of the workspace that happens to be called like one of our packages is not taken for it.
    command = [sys.executable, "-P", "-m", PROCESS, kind, name]
    try:
        with (folder / JOB_LOG).open("ab") as log:
            child = subprocess.Popen(
                command,
                env=os.environ | write_environment(workspace.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # no signal that ends the app reaches it
            )
    except OSError as exc:
        raise JobRefused(
            f"the process of the {kind} {name} cannot be started: {exc}; press Resume to try again"
        ) from exc
    threading.Thread(target=child.wait, name=f"end of {name}", daemon=True).start()  # or it would stay as a zombie


def stop_job(workspace: Workspace, *, kind: str, name: str, actor: str) -> Job:
    """Ask a job to finish what is under way and end.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    with workspace.db.write() as session:
        job = jobs.ask_to_stop(session=session, kind=kind, name=name, actor=actor)
        session.commit()
    return job


def find_job(workspace: Workspace, *, kind: str, name: str) -> Job:
    """Return a job.

    Raises:
        NotFound: there is no such job.
    """
    with workspace.db.read() as session:
        return jobs.find_job(session=session, kind=kind, name=name)


def list_jobs(workspace: Workspace, *, kind: str) -> list[Job]:
    """Return every job of a kind, the newest first."""
    with workspace.db.read() as session:
        return jobs.list_jobs(session=session, kind=kind)


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
    path = folder / JOB_LOG
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_TAIL_BYTES))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:])


def write_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables with which another process loads the same settings."""
    return {f"CURATOR_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
