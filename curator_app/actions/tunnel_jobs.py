"""The wind tunnel as a job of its own: started, stopped, resumed, in a process that outlives the app.

There is one quick run and one whole in a workspace, with the folders of `curator caspo wind-tunnel`; what either has
finished, the command line finds there, and the other way round.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from caspo.wind_tunnel.run import Progress
from curator_app.actions import background_jobs, wind_tunnel
from curator_app.actions.job_log import write_line
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.stopping import JobStopped, stoppable
from curator_app.actions.wind_tunnel import TunnelRefused, TunnelRequest
from curator_app.workspace import Workspace
from endpoints.errors import EndpointError
from endpoints.local_models import require_libraries
from storage.jobs import Job

JOB_KIND = "wind tunnel"
Size = Literal["quick", "whole"]
SIZES: tuple[Size, ...] = ("quick", "whole")
FOLDERS: dict[Size, str] = {"quick": "wind-tunnel-quick", "whole": "wind-tunnel"}
LOG_EVERY_S = 10.0


@dataclass(frozen=True)
class TunnelAsked:
    """What a wind tunnel is asked to do; kept with its job, so that a resume needs nothing else."""

    size: Size
    force: bool = False
    """RL although stage 0 did not pass its gate."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"size": self.size, "force": self.force}


def read_asked(values: dict[str, Any]) -> TunnelAsked:
    """Return what `to_json` made these values of.

    Raises:
        TunnelRefused: another version of this program wrote them.
    """
    for size in SIZES:
        if values == {"size": size, "force": values.get("force")} and isinstance(values["force"], bool):
            return TunnelAsked(size, values["force"])
    raise TunnelRefused(f"what the wind tunnel was asked for was written by another version ({values}); start it anew")


def find_folder(workspace: Workspace, size: Size) -> Path:
    """Return the folder of trainings and report."""
    return workspace.settings.home / FOLDERS[size]


def make_request(workspace: Workspace, asked: TunnelAsked) -> TunnelRequest:
    """Return what is run."""
    return TunnelRequest(find_folder(workspace, asked.size), quick=asked.size == "quick", force=asked.force)


def check_installed() -> None:
    """Return if the local models can be trained here.

    Raises:
        TunnelRefused: the extra `models` is not installed; the message says how to install it.
    """
    try:
        require_libraries("the wind tunnel", "torch", "transformers")
    except EndpointError as exc:
        raise TunnelRefused(str(exc)) from exc


def start_tunnel(workspace: Workspace, asked: TunnelAsked, *, actor: str) -> None:
    """Start a wind tunnel, or go on with the one of this size, in a process that does not end with this one.

    Raises:
        TunnelRefused: the extra `models` is not installed.
        Conflict: a process works on it.
        JobRefused: its process cannot be started.
    """
    check_installed()
    background_jobs.start_job(
        workspace,
        kind=JOB_KIND,
        name=asked.size,
        request=asked.to_json(),
        folder=find_folder(workspace, asked.size),
        actor=actor,
    )


def resume_tunnel(workspace: Workspace, *, name: str, actor: str) -> None:
    """Go on with a wind tunnel that ended, failed or was interrupted.

    Raises:
        NotFound: it was never started in the app.
        Conflict: a process works on it.
        TunnelRefused, JobRefused: as `start_tunnel` does.
    """
    start_tunnel(workspace, read_asked(find_tunnel_job(workspace, name=name).request), actor=actor)


def stop_tunnel(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask a wind tunnel to end. What its last checkpoints hold is kept.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def find_tunnel_job(workspace: Workspace, *, name: str) -> Job:
    """Return the job of a wind tunnel.

    Raises:
        NotFound: there is none.
    """
    return background_jobs.find_job(workspace, kind=JOB_KIND, name=name)


def run_queued(workspace: Workspace, *, name: str) -> None:
    """Work on the wind tunnel that was put down under `name` for this process. Call it in the main thread.

    Raises:
        TunnelRefused, StorageError: as `wind_tunnel.run` does.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        meter = _Meter(lease)
        meter.say("begins")
        try:
            with stoppable(lease):
                end = wind_tunnel.run(make_request(workspace, read_asked(lease.job.request)), observer=meter.observe)
        except JobStopped as exc:
            lease.ended_early = str(exc)
            meter.say(str(exc))
            return
        meter.say(f"done; {end.taught.words}")


class _Meter:
    """How far a wind tunnel is, for its job's row, and as lines of its log."""

    def __init__(self, lease: Lease) -> None:
        self._began, self._said_at = time.monotonic(), 0.0
        self._now: dict[str, Any] = {"done": 0.0, "total": 0.0, "seconds_left": None, "running": []}
        self._finished: list[str] = []
        lease.read_progress = self.read

    def read(self) -> dict[str, Any]:
        """Return how far it is."""
        seconds = round(time.monotonic() - self._began, 1)
        return {**self._now, "finished": list(self._finished), "seconds": seconds}

    def observe(self, progress: Progress) -> None:
        """Note a step."""
        left = progress.seconds_left
        self._now = {
            "done": round(progress.done, 1),
            "total": round(progress.total, 1),
            "seconds_left": None if left is None else round(left),
            "running": [
                {"name": name, "share": round(share, 3), "told": told or name}
                for name, (_, share, told) in progress.running.items()
            ],
        }
        if progress.last:
            self._finished.append(progress.last)
            self.say(f"{progress.last}: done")
        elif time.monotonic() - self._said_at >= LOG_EVERY_S:
            self.say(" | ".join(progress.doing))

    def say(self, text: str) -> None:
        """Write a line of the log."""
        self._said_at = time.monotonic()
        write_line(text)
