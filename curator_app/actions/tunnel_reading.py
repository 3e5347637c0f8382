"""What the page about training shows of wind tunnels and of a walk: read from jobs and files, never written."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from caspo.errors import CaspoError
from caspo.local.tracking import METRICS
from caspo.monitor.alarms import find_alarms
from caspo.monitor.reading import read_series
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
class ArmAlarms:
    """What the monitor says of an arm's runs."""

    title: str
    runs: int
    """That have logged a step."""
    alarmed: int
    """Of these, with at least one alarm."""
    kinds: tuple[tuple[str, int], ...]
    """What is wrong, and in how many runs, the most frequent first."""


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
    alarms: tuple["ArmAlarms", ...]
    """Of the arms that have a run which has logged a step, in their order."""
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
    folders = _list_runs(folder, config)
    runs = [each for run in folders.values() for each in run]
    done = sum((each / MEASURED).exists() for each in runs)
    wanted = sum(len(config.list_keys(arm)) for arm in config.list_arms())
    alarms = tuple(each for title, some in folders.items() if (each := _watch(title, some)).runs)
    return TunnelView(size, job, report, done, wanted, alarms, background_jobs.read_output(folder))


def _list_runs(folder: Path, config: TunnelConfig) -> dict[str, list[Path]]:
    """Return the folders of each arm's runs by the arm's title, whether they are there or not; none before a start."""
    try:
        world = json.loads((folder / "config.json").read_text(encoding="utf-8"))["world"]
        return {
            arm.title.split(":")[0]: [
                name_folder(folder, arm.name, key, fingerprint_arm(config, world, arm, *key))
                for key in config.list_keys(arm)
            ]
            for arm in config.list_arms()
        }
    except (OSError, ValueError, KeyError, CaspoError):
        return {}


def _watch(title: str, folders: Sequence[Path]) -> ArmAlarms:
    """Return what the monitor says of an arm's runs."""
    told = [kinds for folder in folders if (kinds := _list_kinds(folder, _stamp(folder))) is not None]
    counts = Counter(kind for kinds in told for kind in kinds)
    return ArmAlarms(title, len(told), sum(map(bool, told)), tuple(counts.most_common()))


def _stamp(folder: Path) -> tuple[int, ...]:
    """Return what changes when a run's files do."""
    found = [path.stat() for name in (METRICS, MEASURED) if (path := folder / name).exists()]
    return tuple(number for each in found for number in (each.st_mtime_ns, each.st_size))


@lru_cache(maxsize=256)
def _list_kinds(folder: Path, stamp: tuple[int, ...]) -> tuple[str, ...] | None:
    """Return what goes wrong in a run; None where it has logged no step. It is read again when its stamp is another."""
    series = read_series(folder)
    return None if series.last_step is None else tuple(alarm.title for alarm in find_alarms(series))
