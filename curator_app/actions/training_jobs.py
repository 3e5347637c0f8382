"""Trainings on verl as jobs of their own: planned, started, stopped, resumed, in a process that outlives the app.

A run of the app is a folder of `curator caspo train`, and that goes on with what the app has begun, given its config.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from caspo.launch import RUN_FILE
from caspo.preflight import Finding
from curator_app.actions import background_jobs, training_places, training_runs
from curator_app.actions.executors import write_environment
from curator_app.actions.folder_names import check_folder_name
from curator_app.actions.job_log import write_line
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.stopping import JobStopped, stoppable
from curator_app.actions.training_runs import FOLDER, DryRun, TrainingNotStarted, TrainingRequest
from curator_app.workspace import Workspace
from storage.errors import NotFound
from storage.jobs import Job
from storage.texts import hash_json

JOB_KIND = "training"
PATIENCE_S = 600
"""Seconds that a preflight may take: it reads the training file and loads a processor."""
COMMAND = "from curator_app.cli import main; main()"
_STEP = re.compile(r"\bstep:(\d+) - ")
_STEPS = re.compile(r"Total training steps: (\d+)")


@dataclass(frozen=True)
class TrainingAsked:
    """What a training is asked to do; kept with its job, so that a resume needs nothing else."""

    name: str
    data: str
    """Name of a folder of training data in the workspace."""
    preset: str
    model: str
    """Folder of the model after SFT."""
    reward: str
    """A Python file, or the address of a server."""
    changes: str = ""
    """Further fields of the config, YAML."""
    force: bool = False
    """Start although preflight finds errors."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def read_asked(values: Mapping[str, Any]) -> TrainingAsked:
    """Return what `to_json` made these values of.

    Raises:
        TrainingNotStarted: another version of this program wrote them.
    """
    try:
        return TrainingAsked(**values)
    except TypeError as exc:
        raise TrainingNotStarted(
            f"what the training was asked for was written by another version ({exc}); start one of another name"
        ) from exc


def identify(asked: TrainingAsked) -> str:
    """Return what tells requests from others (64 hex digits)."""
    return hash_json(asked.to_json())


def find_folder(workspace: Workspace, name: str) -> Path:
    """Return the folder of a run.

    Raises:
        TrainingNotStarted: it is no name for a folder.
    """
    return workspace.settings.home / FOLDER / check_folder_name(name, TrainingNotStarted)


def make_request(workspace: Workspace, asked: TrainingAsked) -> TrainingRequest:
    """Return the training that is asked for, after a look whether it may name what it names.

    Raises:
        TrainingNotStarted: it may not, or there is no such thing.
    """
    folder = find_folder(workspace, asked.name)
    fields = training_places.read_changes(workspace, asked.changes)
    parts: dict[str, dict[str, Any]] = {
        "model": {"path": str(training_places.find_model(workspace, asked.model))},
        "data": {"folder": str(training_places.find_data(workspace, asked.data).absolute())},
        "reward": training_places.find_reward(workspace, asked.reward),
    }
    for part, own in parts.items():
        fields[part] = {**fields.get(part, {}), **own}
    request = TrainingRequest(preset=asked.preset, to=folder, fields=fields)
    training_runs.make_training(workspace.settings.home, request)  # so that a value that cannot be used is told now
    return request


@dataclass(frozen=True)
class TrainingPlan:
    """What a start would do, and what speaks against it."""

    asked: TrainingAsked
    findings: tuple[Finding, ...]
    dry: DryRun
    config: str
    """YAML, for `curator caspo train`."""

    @property
    def errors(self) -> int:
        """How many findings keep a run from starting."""
        return sum(finding.level == "error" for finding in self.findings) + (self.dry.complaint is not None)

    @property
    def may_start(self) -> bool:
        """Whether nothing speaks against it, or it starts all the same."""
        return not self.errors or self.asked.force


def plan(workspace: Workspace, asked: TrainingAsked) -> TrainingPlan:
    """Return what a start would do. Nothing is written, and no weights are loaded.

    Raises:
        TrainingNotStarted: something cannot be used, or the name is taken.
    """
    check_free(workspace, asked.name)
    request = make_request(workspace, asked)
    config = yaml.safe_dump(
        {"preset": asked.preset, **request.fields}, sort_keys=False, allow_unicode=True, default_flow_style=None
    )
    findings = _look_before(workspace, config, find_folder(workspace, asked.name))
    return TrainingPlan(asked, findings, training_runs.rehearse(workspace.settings.home, request), config)


def _look_before(workspace: Workspace, config: str, to: Path) -> tuple[Finding, ...]:
    """Return what preflight finds, in a process of its own: it loads a processor, which the app has no use for."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(config)
        file.flush()
        words = ["caspo", "preflight", file.name, "--to", str(to), "--json"]
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-W", "ignore", "-c", COMMAND, *words], capture_output=True, text=True,
                check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
                env=os.environ | write_environment(workspace.settings),
            )  # fmt: skip
        except subprocess.TimeoutExpired as exc:
            raise TrainingNotStarted(
                f"the preflight took more than {PATIENCE_S} s; run `curator caspo preflight` on the command line"
            ) from exc
    try:
        return tuple(Finding(**one) for one in json.loads(done.stdout))
    except (ValueError, TypeError) as exc:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].removeprefix("curator: ")
        raise TrainingNotStarted(f"the preflight could not be run: {last[:2000]}") from exc


def check_free(workspace: Workspace, name: str) -> None:
    """Return if there is no run of this name yet; one that failed before verl was started does not count.

    Raises:
        TrainingNotStarted: there is one, or it is no name for a folder.
    """
    taken = (find_folder(workspace, name) / RUN_FILE).exists()
    with suppress(NotFound):
        taken = taken or find_training_job(workspace, name=name).state.is_live
    if taken:
        raise TrainingNotStarted(
            f"there is a training {name} already; open it to go on with it, or choose another name"
        )


def start_training(workspace: Workspace, asked: TrainingAsked, *, actor: str) -> None:
    """Start a training in a process that does not end with this one.

    Raises:
        TrainingNotStarted: something cannot be used, or the name is taken.
        Conflict: a process works on it.
        JobRefused: its process cannot be started.
    """
    check_free(workspace, asked.name)
    _start(workspace, asked, actor=actor)


def resume_training(workspace: Workspace, *, name: str, actor: str) -> None:
    """Go on with a training that ended, failed or was interrupted, from its last checkpoint.

    Raises:
        NotFound: it was never started in the app.
        TrainingNotStarted, Conflict, JobRefused: as `start_training` does, but for the name.
    """
    _start(workspace, read_asked(find_training_job(workspace, name=name).request), actor=actor)


def _start(workspace: Workspace, asked: TrainingAsked, *, actor: str) -> None:
    make_request(workspace, asked)
    background_jobs.start_job(
        workspace,
        kind=JOB_KIND,
        name=asked.name,
        request=asked.to_json(),
        folder=find_folder(workspace, asked.name),
        actor=actor,
    )


def stop_training(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask a training to end. What its last checkpoint holds is kept; asked twice, it ends at once.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def find_training_job(workspace: Workspace, *, name: str) -> Job:
    """Return the job of a training.

    Raises:
        NotFound: there is none.
    """
    return background_jobs.find_job(workspace, kind=JOB_KIND, name=name)


def run_queued(workspace: Workspace, *, name: str) -> None:
    """Work on the training that was put down under `name` for this process. Call it in the main thread.

    Raises:
        TrainingNotStarted: preflight finds errors, or verl ended with one.
        StorageError: as `hold_job` does.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        asked, meter = read_asked(lease.job.request), _Meter(lease)
        try:
            with stoppable(lease) as reasons:
                request = make_request(workspace, asked)
                _pass_preflight(workspace, request, force=asked.force)
                failed = training_runs.start_here(workspace.settings.home, request, tell=meter.hear)
        except JobStopped as exc:
            reasons, failed = [str(exc)], ""
        if reasons:
            lease.ended_early = reasons[-1]
            write_line(lease.ended_early)
        elif failed:
            raise TrainingNotStarted(f"{failed}; what it said last stands in the log below")


def _pass_preflight(workspace: Workspace, request: TrainingRequest, *, force: bool) -> None:
    """Look once more, on the machine that will train.

    Raises:
        TrainingNotStarted: there are errors, and nobody said that it should start all the same.
    """
    found = training_runs.look_before(workspace.settings.home, workspace, request)
    for finding in found:
        write_line(f"{finding.level.upper()} {finding.check}: {finding.wrong} -> {finding.change}")
    errors = [finding for finding in found if finding.level == "error"]
    if errors and not force:
        first = f"{errors[0].check}: {errors[0].wrong} -> {errors[0].change}"
        raise TrainingNotStarted(
            f"the preflight found {len(errors)} errors, so nothing was started. The first: {first}"
        )


class _Meter:
    """How far a training is, for its job's row; what verl prints becomes the job's log."""

    def __init__(self, lease: Lease) -> None:
        self._now: dict[str, Any] = {"step": None, "steps": None}
        lease.read_progress = lambda: dict(self._now)

    def hear(self, line: str) -> None:
        """Take a line of verl's."""
        for pattern, name in ((_STEP, "step"), (_STEPS, "steps")):
            if found := pattern.search(line):
                self._now[name] = int(found[1])
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
