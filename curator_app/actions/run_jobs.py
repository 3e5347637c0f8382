"""Runs as jobs of their own: put down, started in a process that outlives the app, stopped, resumed."""

import os
import subprocess
import sys
import threading

from curator_app.actions.runs import JOB_KIND, RunRefused, RunRequest, read_request, runs_folder
from curator_app.settings import Settings
from curator_app.workspace import Workspace
from storage import jobs
from storage.jobs import Job

JOB_LOG = "job.log"
PROCESS = "curator_app.job_process"


def start_run(workspace: Workspace, request: RunRequest, *, actor: str) -> None:
    """Start a run, or go on with the one of this name, in a process that does not end with this one.

    Raises:
        Conflict: a process works on the run.
        RunRefused: its process cannot be started.
    """
    name = request.config.batch
    with workspace.db.write() as session:
        jobs.queue_job(session=session, kind=JOB_KIND, name=name, request=request.to_json(), actor=actor)
        session.commit()
    _start_process(workspace, name)


def resume_run(workspace: Workspace, *, name: str, actor: str) -> None:
    """Go on with a run that ended, failed or was interrupted, with what it was asked for.

    Raises:
        NotFound: there is no such run.
        Conflict: a process works on it.
        RunRefused: its process cannot be started, or it was not started as a job.
    """
    job = find_run(workspace, name=name)
    if "config" not in job.request:
        raise RunRefused(f"nobody knows what the run {name} was asked for; start it again with its config")
    start_run(workspace, read_request(job.request), actor=actor)


def stop_run(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask a run to finish what is under way and end.

    Raises:
        NotFound: there is no such run.
        Conflict: nobody works on it.
    """
    with workspace.db.write() as session:
        job = jobs.ask_to_stop(session=session, kind=JOB_KIND, name=name, actor=actor)
        session.commit()
    return job


def find_run(workspace: Workspace, *, name: str) -> Job:
    """Return the job of a run.

    Raises:
        NotFound: there is no such run.
    """
    with workspace.db.read() as session:
        return jobs.find_job(session=session, kind=JOB_KIND, name=name)


def _start_process(workspace: Workspace, name: str) -> None:
    folder = runs_folder(workspace) / name
    folder.mkdir(parents=True, exist_ok=True)
    # -P: a folder of the workspace that happens to be called like one of our packages is not taken for it.
    command = [sys.executable, "-P", "-m", PROCESS, name]
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
        raise RunRefused(f"the process of the run {name} cannot be started: {exc}; press Resume to try again") from exc
    threading.Thread(target=child.wait, name=f"end of {name}", daemon=True).start()  # or it would stay as a zombie


def write_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables with which another process loads the same settings."""
    return {f"CURATOR_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
