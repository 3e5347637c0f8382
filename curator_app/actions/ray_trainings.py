"""Trainings on verl as Ray jobs: what `curator caspo train --ray` does. The cluster runs the same command without it.

So preflight looks at the cluster's machine, and what the run is pinned to is what is installed there. Folders and files
have to lie under the same paths on both.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from caspo.launch import ATTEMPTS, note_event
from curator_app.actions.executors import write_environment
from curator_app.actions.ray_executor import check_secrets, check_settings, name_job, shorten
from curator_app.actions.training_runs import TrainingNotStarted, TrainingRequest, make_training
from curator_app.ray_jobs import RayJob, RayJobs, RayUnknown
from curator_app.settings import Settings
from curator_app.workspace import find_revision

SUBMITTED = "submitted"


@dataclass(frozen=True)
class RayTraining:
    """A training that a cluster has."""

    folder: Path
    address: str
    job: str
    was_running: bool = False
    """Whether it had it already."""


def submit(settings: Settings, request: TrainingRequest, address: str, *, force: bool) -> RayTraining:
    """Let a cluster train, or go on from the last checkpoint; the training that is under way there is not started anew.

    Raises:
        TrainingNotStarted: it cannot be started as it was asked for.
        JobRefused, RayRefused: the cluster must not, or does not, take it.
    """
    _, folder = make_training(settings.home, request)
    known = find_submitted(folder)
    if known is not None and (there := find_job(known)) and not there.is_over:
        return RayTraining(folder, known.address, known.job, was_running=True)
    jobs = RayJobs(address)
    if find_revision(settings) is None:  # there is no database that two machines could write
        check_secrets(settings)
    else:
        check_settings(settings, address)
    job = name_job(f"training-{folder.name}")
    words = ["python", "-P", "-m", "curator_app.cli", *write_words(request, folder, force=force)]
    jobs.submit(job=job, entrypoint=f"exec {shlex.join(words)}", environment=write_environment(settings))
    note_event(folder, {"event": SUBMITTED, "ray": address, "job": job})
    return RayTraining(folder, address, job)


def write_words(request: TrainingRequest, folder: Path, *, force: bool) -> list[str]:
    """Return the words behind `curator` that ask for the same on another machine."""
    words = ["caspo", "train", *([str(request.config.absolute())] if request.config else [])]
    given = {"--preset": request.preset, "--model": request.model}
    files = {"--data": request.data, "--reward": request.reward, "--endpoints": request.endpoints, "--to": folder}
    given |= {option: str(path.absolute()) for option, path in files.items() if path is not None}
    words += [word for option, value in given.items() if value is not None for word in (option, value)]
    words += [word for path in request.benchmarks for word in ("--benchmark", str(path.absolute()))]
    return [*words, *(["--force"] if force else [])]


def find_submitted(folder: Path) -> RayTraining | None:
    """Return what was given to a cluster last; None when nothing was."""
    path = folder / ATTEMPTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for event in map(json.loads, reversed(lines)):
        if event["event"] == SUBMITTED:
            return RayTraining(folder, event["ray"], event["job"])
    return None


def find_job(training: RayTraining) -> RayJob | None:
    """Return the job of a training; None when its cluster does not know it any more.

    Raises:
        RayRefused: nobody answers.
    """
    try:
        return RayJobs(training.address).find(training.job)
    except RayUnknown:
        return None


async def follow(training: RayTraining, tell: Callable[[str], None]) -> str:
    """Hand on what a training has printed and prints, until it is over; return why it failed, empty when it did not.

    Raises:
        RayRefused: the connection is lost, which the training does not notice.
    """
    jobs = RayJobs(training.address)
    async for piece in jobs.follow(training.job):
        tell(piece.rstrip("\n"))
    end = jobs.find(training.job)
    return "" if end.status == "SUCCEEDED" else f"Ray says {end.status}: {shorten(end.message) or 'nothing more'}"


def stop(settings: Settings, request: TrainingRequest) -> RayTraining:
    """End a training at once: what is behind its last checkpoint is lost.

    Raises:
        TrainingNotStarted: no cluster has it.
        RayRefused: the cluster does not end it.
    """
    _, folder = make_training(settings.home, request)
    known = find_submitted(folder)
    there = None if known is None else find_job(known)
    if known is None or there is None or there.is_over:
        raise TrainingNotStarted(f"no Ray cluster trains in {folder}; there is nothing to stop")
    RayJobs(known.address).stop(known.job)
    return known
