"""Trainings: what `curator caspo preflight`, `train`, `sft` and `dpo` do. Imports no torch, no verl and no trl."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caspo.config import RunConfig, Stage, make_config, make_run_config, read_given
from caspo.dpo.config import DpoConfig
from caspo.errors import CaspoError
from caspo.launch import LIBRARIES, Launch, check_same, plan_launch, run_here, validate_launch
from caspo.preflight import Case, Finding, run_preflight
from caspo.sft import SftConfig
from caspo.slurm import render_script, write_script
from curator_app.actions.runs import ENDPOINTS_FILE
from curator_app.actions.training_data import choose_embeddings, list_barred_rows
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.errors import EndpointError

FOLDER = "training-runs"


class TrainingNotStarted(AppError):
    """A training cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class TrainingRequest:
    """What is asked for on the command line. What is None stays as the file or the preset has it."""

    config: Path | None = None
    preset: str | None = None
    model: str | None = None
    data: Path | None = None
    reward: Path | None = None
    to: Path | None = None
    benchmarks: tuple[Path, ...] = ()
    endpoints: Path | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of a config, where there is no file."""
    stage: Stage = "train"


def make_training(home: Path, request: TrainingRequest) -> tuple[RunConfig, Path]:
    """Return the config that is asked for and the run's folder.

    Raises:
        TrainingNotStarted: It cannot be read or used.
    """
    given: dict[str, Any] = dict(request.fields)
    given |= {"preset": request.preset} if request.preset else {}
    parts: Sequence[tuple[str, str, Any]] = (
        ("model", "path", request.model),
        ("data", "folder", request.data and str(request.data.absolute())),
        ("reward", "function", request.reward and str(request.reward.absolute())),
    )
    given |= {part: {name: value} for part, name, value in parts if value}
    try:
        fields = read_given(request.config, given) if request.config else given
        config: RunConfig
        if request.stage == "train":
            config = make_config(fields)
        else:
            config = make_run_config(SftConfig if request.stage == "sft" else DpoConfig, fields)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc
    name = config.preset if request.stage == "train" else f"{config.preset}-{request.stage}"
    return config, request.to or home / FOLDER / (request.config.stem if request.config else name)


def look_before(home: Path, workspace: Workspace | None, request: TrainingRequest) -> list[Finding]:
    """Return what preflight finds.

    Raises:
        TrainingNotStarted: The config cannot be read, or what it is compared with.
    """
    config, folder = make_training(home, request)
    try:
        case = Case.of_this_machine(
            config,
            folder,
            barred=tuple(list_barred_rows(workspace, request.benchmarks)),
            embeddings=choose_embeddings(request.endpoints or home / ENDPOINTS_FILE),
        )
        return run_preflight(case)
    except (CaspoError, EndpointError) as exc:
        raise TrainingNotStarted(str(exc)) from exc


@dataclass(frozen=True)
class DryRun:
    """What a start would do."""

    command: str
    files: list[str]
    pinned: Mapping[str, Any]
    library: str
    """That trains."""
    complaint: str | None
    """What it has against the config."""
    asked: bool
    """Whether it was asked: not where it is not installed."""
    script: str | None
    """The Slurm script, where one is asked for."""


def plan(home: Path, request: TrainingRequest) -> Launch:
    """Return the run, and write nothing.

    Raises:
        TrainingNotStarted: It cannot be started as it was asked for.
    """
    config, folder = make_training(home, request)
    try:
        launch = plan_launch(config, folder)
        check_same(launch)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc
    return launch


def rehearse(home: Path, request: TrainingRequest, *, hours: int | None = None) -> DryRun:
    """Return what a start would do, and write nothing; with `hours`, by Slurm.

    Raises:
        TrainingNotStarted: It cannot be started as it was asked for.
    """
    launch = plan(home, request)
    try:
        complaints = validate_launch(launch)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc
    return DryRun(
        command=launch.write_command(),
        files=launch.describe_files(),
        pinned=launch.run,
        library=LIBRARIES[request.stage],
        complaint=complaints[0] if complaints else None,
        asked=complaints is not None,
        script=None if hours is None else render_script(launch, hours=hours),
    )


def start_here(home: Path, request: TrainingRequest, *, tell: Callable[[str], None]) -> int:
    """Run the training to its end, or go on with it, and return the trainer's exit code.

    Raises:
        TrainingNotStarted: It cannot be started as it was asked for.
    """
    launch = plan(home, request)
    try:
        return run_here(launch, tell=tell)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc


def write_slurm(home: Path, request: TrainingRequest, *, hours: int) -> Path:
    """Write the Slurm script of a run, and return its path.

    Raises:
        TrainingNotStarted: It cannot be started as it was asked for.
    """
    launch = plan(home, request)
    try:
        return write_script(launch, hours=hours)
    except CaspoError as exc:
        raise TrainingNotStarted(str(exc)) from exc
