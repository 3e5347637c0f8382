"""Pipeline runs as jobs of their own: started, stopped, resumed. `background_jobs` says how."""

from curator_app.actions import background_jobs
from curator_app.actions.runs import JOB_KIND, RunRefused, RunRequest, read_request, runs_folder
from curator_app.workspace import Workspace
from storage.jobs import Job


def start_run(workspace: Workspace, request: RunRequest, *, actor: str) -> None:
    """Start a run, or go on with the one of this name, in a process that does not end with this one.

    Raises:
        Conflict: a process works on the run.
        JobRefused: its process cannot be started.
    """
    name = request.config.batch
    background_jobs.start_job(
        workspace,
        kind=JOB_KIND,
        name=name,
        request=request.to_json(),
        folder=runs_folder(workspace) / name,
        actor=actor,
    )


def resume_run(workspace: Workspace, *, name: str, actor: str) -> None:
    """Go on with a run that ended, failed or was interrupted, with what it was asked for.

    Raises:
        NotFound: there is no such run.
        Conflict: a process works on it.
        RunRefused: it was not started as a job.
        JobRefused: its process cannot be started.
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
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def find_run(workspace: Workspace, *, name: str) -> Job:
    """Return the job of a run.

    Raises:
        NotFound: there is no such run.
    """
    return background_jobs.find_job(workspace, kind=JOB_KIND, name=name)
