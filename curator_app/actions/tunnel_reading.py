"""What the page about training shows of wind tunnels and of a walk: read from jobs and files, never written."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.errors import CaspoError
from caspo.wind_tunnel.config import MEASURED, TunnelConfig, fingerprint_arm, name_folder
from curator_app.actions import background_jobs, wind_tunnel
from curator_app.actions.curves import Panel
from curator_app.actions.tunnel_jobs import JOB_KIND, SIZES, Size, check_installed, find_folder
from curator_app.actions.wind_tunnel import PAGE, TunnelRefused, TunnelRequest
from curator_app.actions.wind_tunnel_page import draw_panels, list_curves
from curator_app.workspace import Workspace
from storage.errors import Conflict, NotFound
from storage.jobs import Job

WALK = "walk"
"""Folder and name of the walk's report."""


@dataclass(frozen=True)
class TunnelView:
    """One wind tunnel as the page shows it."""

    size: Size
    job: Job | None
    """None: it was not started in the app."""
    report: dict[str, Any] | None
    """Of its last finished run; None before that."""
    runs_done: int
    """Runs of arms that are measured."""
    runs: int
    """That the whole of it has."""
    output: str
    """The end of what its process printed."""

    @property
    def is_live(self) -> bool:
        """Whether a process works on it."""
        return self.job is not None and self.job.state.is_live

    @property
    def panels(self) -> list[Panel]:
        """The training curves of the main arms."""
        return draw_panels(self._arms) if self.report else []

    @property
    def curve_names(self) -> list[tuple[str, int]]:
        """Name and number of each line in the panels."""
        return [(said, series) for said, series, _ in list_curves(self._arms)] if self.report else []

    @property
    def _arms(self) -> dict[str, Any]:
        assert self.report is not None
        return {arm["name"]: arm for arm in self.report["arms"]}


@dataclass(frozen=True)
class Training:
    """Everything that the page lists."""

    tunnels: tuple[TunnelView, ...]
    """Those that were begun."""
    walked: bool
    """Whether the workspace holds the report of a walk."""
    problem: str = ""
    """Why nothing can be trained here; empty when it can."""


def read_training(workspace: Workspace) -> Training:
    """Return what has been trained in the workspace."""
    jobs = {job.name: job for job in background_jobs.list_jobs(workspace, kind=JOB_KIND)}
    found = tuple(_read(workspace, size, jobs.get(size)) for size in SIZES)
    begun = tuple(view for view in found if view.job or view.report)
    try:
        check_installed()
        problem = ""
    except TunnelRefused as exc:
        problem = str(exc)
    return Training(begun, find_page(workspace, WALK) is not None, problem)


def read_tunnel(workspace: Workspace, *, name: str) -> TunnelView:
    """Return one wind tunnel.

    Raises:
        NotFound: it was never begun here.
    """
    for view in read_training(workspace).tunnels:
        if view.size == name:
            return view
    raise NotFound(f"there is no wind tunnel {name[:80]!r} here yet; start one on the page of training")


def find_page(workspace: Workspace, name: str) -> Path | None:
    """Return the written report of a wind tunnel or of the walk; None when there is none."""
    pages = {size: find_folder(workspace, size) / PAGE for size in SIZES}
    path = pages | {WALK: workspace.settings.home / WALK / PAGE}
    found = path.get(name)
    return found if found is not None and found.is_file() else None


def read_page(workspace: Workspace, name: str) -> str:
    """Return that report.

    Raises:
        NotFound: there is none.
    """
    path = find_page(workspace, name)
    if path is None:
        raise NotFound(f"there is no report {name[:80]!r} yet; it is written when the training ends")
    return path.read_text(encoding="utf-8")


def _read(workspace: Workspace, size: Size, job: Job | None) -> TunnelView:
    folder = find_folder(workspace, size)
    file = folder / "report.json"
    try:
        report = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, ValueError) as exc:
        raise Conflict(f"{file} cannot be read ({exc}); move it away, and run the wind tunnel again") from exc
    config = wind_tunnel.make_config(TunnelRequest(folder, quick=size == "quick"))
    done, runs = _count_runs(folder, config)
    return TunnelView(size, job, report, done, runs, background_jobs.read_output(folder))


def _count_runs(folder: Path, config: TunnelConfig) -> tuple[int, int]:
    """Return how many runs of arms are measured, and how many there are in all."""
    keys = [(arm, *key) for arm in config.list_arms() for key in config.list_keys(arm)]
    try:
        world = json.loads((folder / "config.json").read_text(encoding="utf-8"))["world"]
        done = sum(
            (name_folder(folder, arm.name, key, fingerprint_arm(config, world, arm, *key)) / MEASURED).exists()
            for arm, *key in keys
        )
    except (OSError, ValueError, KeyError, CaspoError):
        done = 0
    return done, len(keys)
