"""Preparing training data as a job of its own: out of releases and judge runs of the workspace, into its folder."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from caspo.dataset.progress import Step
from caspo.dataset.report import list_notices
from caspo.presets import PRESETS
from curator_app.actions import background_jobs
from curator_app.actions.folder_names import check_folder_name
from curator_app.actions.job_log import write_line
from curator_app.actions.judging import FOLDER as JUDGE_RUNS
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.releases import read_releases
from curator_app.actions.stopping import JobStopped, stoppable
from curator_app.actions.training_data import FOLDER, DataNotPrepared, DataRequest, PreparedData, prepare_data
from curator_app.workspace import Workspace
from storage.jobs import Job
from storage.records import Split
from storage.texts import hash_json

JOB_KIND = "training data"
TELL_EVERY_S = 2.0
MAX_SEED = 2**31


@dataclass(frozen=True)
class DataAsked:
    """What is to be prepared; kept with its job, so that it can be done again."""

    name: str
    """Of the folder."""
    releases: tuple[str, ...]
    """Versions of the workspace."""
    judge_runs: tuple[str, ...] = ()
    preset: str = "recommended"
    """Gives the share of twins."""
    seed: int = 0
    drop_matches: bool = False
    """Leave out what matches a benchmark, rather than refuse."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"releases": list(self.releases), "judge_runs": list(self.judge_runs)}


def read_asked(values: Mapping[str, Any]) -> DataAsked:
    """Return what `to_json` made these values of.

    Raises:
        DataNotPrepared: another version of this program wrote them.
    """
    try:
        whole = {**values, "releases": tuple(values["releases"]), "judge_runs": tuple(values["judge_runs"])}
        return DataAsked(**whole)
    except (KeyError, TypeError) as exc:
        raise DataNotPrepared(f"what was asked for was written by another version ({exc}); start it anew") from exc


def identify(asked: DataAsked) -> str:
    """Return what tells requests from others (64 hex digits)."""
    return hash_json(asked.to_json())


def list_sources(workspace: Workspace) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the releases that may be trained on, each with its split, and the judge runs that are there."""
    releases = [(line.version, line.split) for line in read_releases(workspace) if line.split != Split.BENCHMARK.value]
    runs = sorted(path.parent.name for path in (workspace.settings.home / JUDGE_RUNS).glob("*/answers.json"))
    return releases, runs


def make_asked(
    workspace: Workspace, *, name: str, releases: tuple[str, ...], judge_runs: tuple[str, ...], preset: str,
    seed: float | None, drop_matches: bool,
) -> DataAsked:  # fmt: skip
    """Return what a form asks for; without a name the folder is called like the first release and the seed.

    Raises:
        DataNotPrepared: a field cannot be used; the message names it with its value.
    """
    known, runs = list_sources(workspace)
    versions = [version for version, _ in known]
    if not releases:
        told = ", ".join(versions) or "there is none yet; freeze one of the split train on the Releases page"
        raise DataNotPrepared(f"no release is chosen; choose of: {told}")
    for what, given, there in (("release to train on", releases, versions), ("judge run", judge_runs, runs)):
        if unknown := [one for one in given if one not in there]:
            raise DataNotPrepared(f"there is no {what} {unknown[0][:80]!r}; there are: {', '.join(there) or 'none'}")
    if preset not in PRESETS:
        raise DataNotPrepared(f"there is no preset {preset[:80]!r}; there are {', '.join(PRESETS)}")
    if seed is None or seed != int(seed) or not 0 <= seed <= MAX_SEED:
        raise DataNotPrepared(f"seed: {seed}; give a whole number from 0 to {MAX_SEED:,}")
    name = name.strip() or f"{releases[0]}-seed-{int(seed)}"
    find_folder(workspace, name)
    return DataAsked(name, releases, judge_runs, preset, int(seed), drop_matches)


def find_folder(workspace: Workspace, name: str) -> Path:
    """Return the folder of training data.

    Raises:
        DataNotPrepared: it is no name for a folder.
    """
    return workspace.settings.home / FOLDER / check_folder_name(name, DataNotPrepared)


def _find_job_folder(workspace: Workspace, name: str) -> Path:
    """Return where the log of a job lies: its own folder appears whole or not at all."""
    return workspace.settings.home / FOLDER / ".jobs" / name


def start_preparing(workspace: Workspace, asked: DataAsked, *, actor: str) -> None:
    """Prepare training data in a process that does not end with this one.

    Raises:
        DataNotPrepared: the name cannot be used.
        Conflict: a process works on it.
        JobRefused: its process cannot be started.
    """
    find_folder(workspace, asked.name)
    background_jobs.start_job(
        workspace,
        kind=JOB_KIND,
        name=asked.name,
        request=asked.to_json(),
        folder=_find_job_folder(workspace, asked.name),
        actor=actor,
    )


def resume_preparing(workspace: Workspace, *, name: str, actor: str) -> None:
    """Prepare what was asked for once more, from its beginning.

    Raises:
        NotFound: it was never asked for in the app.
        DataNotPrepared, Conflict, JobRefused: as `start_preparing` does.
    """
    job = background_jobs.find_job(workspace, kind=JOB_KIND, name=name)
    start_preparing(workspace, read_asked(job.request), actor=actor)


def stop_preparing(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask for an end; nothing is kept.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def read_output(workspace: Workspace, name: str) -> str:
    """Return the end of what the process of a job printed."""
    return background_jobs.read_output(_find_job_folder(workspace, name))


def run_queued(workspace: Workspace, *, name: str) -> None:
    """Prepare what was put down under `name` for this process. Call it in the main thread.

    Raises:
        DataNotPrepared, StorageError: as `prepare_data` does.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        asked, meter = read_asked(lease.job.request), _Meter(lease)
        try:
            with stoppable(lease):
                made = prepare_data(
                    workspace.settings.home,
                    workspace,
                    make_request(asked),
                    to=find_folder(workspace, asked.name),
                    observer=meter.observe,
                )
        except JobStopped as exc:
            lease.ended_early = f"{exc}; nothing was kept"
            meter.say(lease.ended_early)
            return
        meter.tell(made)


def make_request(asked: DataAsked) -> DataRequest:
    """Return what the command line would make of it."""
    choices = {"preset": asked.preset, "seed": asked.seed, "on_match": "drop" if asked.drop_matches else "refuse"}
    return DataRequest(releases=asked.releases, judge_runs=asked.judge_runs, choices=choices)


class _Meter:
    """How far the preparing is, for its job's row, and as lines of its log."""

    def __init__(self, lease: Lease) -> None:
        self._now: dict[str, Any] = {"step": "", "source": "", "done": 0}
        self._said_at = 0.0
        lease.read_progress = lambda: dict(self._now)

    def observe(self, step: Step, source: str, done: int) -> None:
        """Note a prompt."""
        self._now = {"step": step, "source": source, "done": done}
        if time.monotonic() - self._said_at >= TELL_EVERY_S:
            self.say(f"{step} {source}: {done:,} prompts")

    def tell(self, made: PreparedData) -> None:
        """Say what came of it."""
        if made.compared:
            self.say(f"compared with {made.compared:,} rows of benchmarks; queries by {made.embeddings}")
        else:
            self.say("NOTHING TO COMPARE WITH: no benchmark release or imported benchmark is known here")
        for notice in list_notices(made.prepared.report):
            self.say(notice)
        self.say("the same was there already, unchanged" if made.prepared.known else "written")

    def say(self, text: str) -> None:
        """Write a line of the log."""
        self._said_at = time.monotonic()
        write_line(text)
