"""What the pages about trainings and training data show: read from jobs and files, never written."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from caspo.constitution import hash_constitutions
from caspo.launch import RUN_FILE
from curator_app.actions import background_jobs, training_data_jobs
from curator_app.actions.constitutions import read_current
from curator_app.actions.monitor_page import read_run
from curator_app.actions.run_reading import flatten
from curator_app.actions.training_data import FOLDER as DATA
from curator_app.actions.training_data import PAGE
from curator_app.actions.training_jobs import JOB_KIND
from curator_app.actions.training_places import list_data
from curator_app.actions.training_runs import FOLDER
from curator_app.workspace import Workspace
from storage.errors import NotFound
from storage.jobs import Job

EVALUATIONS = "evaluations.jsonl"
"""Of a run's folder: `curator caspo evaluate` notes there how the result was judged."""
JUDGED = "evaluations"
"""Folder of the pages about that, one folder an evaluation."""
PINS = (
    ("release_digest", "Release"), ("constitution_sha256", "Constitutions"), ("train_sha256", "Training file"),
    ("data_config_sha256", "Config of the data"), ("reward_sha256", "Reward function"),
    ("config_sha256", "Config"), ("overrides_sha256", "verl’s overrides"), ("python", "Python"),
)  # fmt: skip
"""Field of `run.json` -> how people call it."""


@dataclass(frozen=True)
class Attempt:
    """One start of a run."""

    number: int
    begun: datetime | None
    ended: datetime | None
    code: int | None
    """verl's exit code; None: it runs, or nobody was there to see how it ended."""


@dataclass(frozen=True)
class TrainingView:
    """One training as the page shows it."""

    name: str
    folder: Path
    job: Job | None
    """None: it was not started in the app."""
    run: Mapping[str, Any]
    """What `run.json` says; empty before verl was started."""
    config: Mapping[str, Any]
    attempts: tuple[Attempt, ...]
    step: int | None
    """The last that was logged."""
    output: str
    """The end of what its process printed."""
    evaluations: tuple[Mapping[str, Any], ...]
    """How the result was judged, as `curator caspo evaluate` noted it."""

    @property
    def is_live(self) -> bool:
        """Whether a process works on it."""
        return self.job is not None and self.job.state.is_live

    @property
    def steps(self) -> int | None:
        """How many there will be, as far as is known."""
        told = self.job.progress.get("steps") if self.job else None
        return told or (self.config.get("data") or {}).get("steps")

    @property
    def preset(self) -> str:
        """The preset's name."""
        asked = self.job.request.get("preset", "") if self.job else ""
        return str(self.run.get("preset") or asked)

    @property
    def begun(self) -> datetime | None:
        """When it was first started."""
        if self.attempts and self.attempts[0].begun:
            return self.attempts[0].begun
        return (self.job.started_at or self.job.created_at) if self.job else None

    @property
    def pinned(self) -> list[tuple[str, str]]:
        """What the run is pinned to, as rows."""
        rows = [(title, str(self.run[name])) for name, title in PINS if self.run.get(name)]
        packages = self.run.get("packages") or {}
        rows += [(name, str(version)) for name, version in packages.items() if version]
        return rows


@dataclass(frozen=True)
class TrainingPair:
    """Two trainings beside each other."""

    left: TrainingView
    right: TrainingView
    differences: tuple[tuple[str, str, str], ...]
    """Field of the config or of what they are pinned to, and its two values."""


def list_trainings(workspace: Workspace) -> list[TrainingView]:
    """Return every training of the workspace, those of the command line included, the newest first."""
    views = [_view(folder, job) for folder, job in _find_trainings(workspace).values()]
    return sorted(views, key=lambda view: (view.begun.timestamp() if view.begun else 0, view.name), reverse=True)


def read_training(workspace: Workspace, *, name: str) -> TrainingView:
    """Return one training.

    Raises:
        NotFound: there is none of that name.
    """
    found = _find_trainings(workspace).get(name)
    if found is None:
        raise NotFound(f"there is no training {name[:80]!r}; start one on the page of trainings")
    return _view(*found)


def _find_trainings(workspace: Workspace) -> dict[str, tuple[Path, Job | None]]:
    """Return each training's folder and job by its name."""
    jobs = {job.name: job for job in background_jobs.list_jobs(workspace, kind=JOB_KIND)}
    root = workspace.settings.home / FOLDER
    names = {path.parent.name for path in root.glob(f"[!.]*/{RUN_FILE}")} | jobs.keys()
    return {name: (root / name, jobs.get(name)) for name in names}


def compare_trainings(workspace: Workspace, *, left: str, right: str) -> TrainingPair:
    """Return two trainings beside each other.

    Raises:
        NotFound: there is none of such a name.
    """
    views = read_training(workspace, name=left), read_training(workspace, name=right)
    flat = [flatten({**view.config, "pinned": dict(view.pinned)}) for view in views]
    names = dict.fromkeys([*flat[0], *flat[1]])
    differences = tuple(
        (name, flat[0].get(name, "–"), flat[1].get(name, "–"))
        for name in names
        if flat[0].get(name) != flat[1].get(name)
    )
    return TrainingPair(*views, differences)


def find_judged_page(workspace: Workspace, name: str) -> Path:
    """Return the page about one evaluation of a training's result.

    Raises:
        NotFound: there is none.
    """
    page = workspace.settings.home / JUDGED / name / "report.html"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or not page.is_file():
        raise NotFound(f"there is no evaluation {name[:80]!r}; `curator caspo evaluate` makes one")
    return page


def _view(folder: Path, job: Job | None) -> TrainingView:
    attempts = tuple(_read_attempts(folder))
    told = job.progress.get("step") if job else None
    return TrainingView(
        name=folder.name,
        folder=folder,
        job=job,
        run=_read_json(folder / RUN_FILE) or {},
        config=_read_config(folder),
        attempts=attempts,
        step=max((step for step in (told, read_run(folder).last_step) if step is not None), default=None),
        output=background_jobs.read_output(folder) or _read_last_log(folder),
        evaluations=tuple({str(one.get("name")): one for one in _read_lines(folder / EVALUATIONS)}.values()),
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines, without those that a lost machine left half-written."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_attempts(folder: Path) -> list[Attempt]:
    found: dict[int, Attempt] = {}
    for event in _read_lines(folder / "attempts.jsonl"):
        try:
            number, at = int(event["attempt"]), datetime.fromisoformat(event["at"])
        except (ValueError, KeyError, TypeError):
            continue
        if event.get("event") == "started":
            found[number] = Attempt(number, at, None, None)
        elif event.get("event") == "ended" and number in found:
            found[number] = Attempt(number, found[number].begun, at, event.get("code"))
    return list(found.values())


def _read_last_log(folder: Path) -> str:
    """Return the end of what verl printed, in a run that was not started in the app."""
    logs = sorted(folder.glob("log-*.txt"), key=lambda path: path.stat().st_mtime)
    return background_jobs.read_tail(logs[-1]) if logs else ""


# --- training data


@dataclass(frozen=True)
class DataView:
    """Training data as the page shows it."""

    name: str
    job: Job | None
    """None: it was not prepared in the app."""
    manifest: Mapping[str, Any] | None
    """None: it is not there, or not yet."""
    current: bool
    """Whether its constitutions are those in use."""
    has_report: bool
    output: str

    @property
    def is_live(self) -> bool:
        """Whether a process works on it."""
        return self.job is not None and self.job.state.is_live

    def count(self, file: str) -> int:
        """Return how many rows a file has."""
        files = (self.manifest or {}).get("files") or {}
        return int((files.get(f"{file}.parquet") or {}).get("rows") or 0)

    @property
    def sources(self) -> list[str]:
        """What it was made of."""
        return [str(one.get("name")) for one in (self.manifest or {}).get("sources") or []]


def list_training_data(workspace: Workspace) -> list[DataView]:
    """Return all training data of the workspace, and what is being prepared, the newest first."""
    jobs = {job.name: job for job in background_jobs.list_jobs(workspace, kind=training_data_jobs.JOB_KIND)}
    ready = list_data(workspace)
    pinned = hash_constitutions(read_current(workspace))
    waiting = [name for name in jobs if name not in ready]
    return [_view_data(workspace, name, jobs.get(name), pinned) for name in (*waiting, *ready)]


def read_training_data(workspace: Workspace, *, name: str) -> DataView:
    """Return one.

    Raises:
        NotFound: there is none of that name.
    """
    for view in list_training_data(workspace):
        if view.name == name:
            return view
    raise NotFound(f"there is no training data {name[:80]!r}; prepare some on the page of training data")


def find_data_report(workspace: Workspace, name: str) -> Path:
    """Return the report on training data as a page.

    Raises:
        NotFound: there is none.
    """
    view = read_training_data(workspace, name=name)
    if not view.has_report:
        raise NotFound(f"the training data {name} has no report; prepare it with `curator caspo prepare`")
    return workspace.settings.home / DATA / name / PAGE


def _view_data(workspace: Workspace, name: str, job: Job | None, pinned: str) -> DataView:
    folder = workspace.settings.home / DATA / name
    manifest = _read_json(folder / "manifest.json")
    return DataView(
        name=name,
        job=job,
        manifest=manifest,
        current=manifest is not None and manifest.get("constitution_sha256") == pinned,
        has_report=(folder / PAGE).is_file(),
        output=training_data_jobs.read_output(workspace, name) if job else "",
    )
