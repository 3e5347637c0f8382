"""Judge runs as jobs of their own: answers, then scores, then the report, in a process that outlives the app."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from curator_app.actions import background_jobs
from curator_app.actions.background_jobs import describe_spent
from curator_app.actions.constitutions import SHIPPED
from curator_app.actions.job_log import write_line
from curator_app.actions.judging import JudgingRefused, Place, Sampling, Sitting, respond, score
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.runs import ENDPOINTS_FILE
from curator_app.workspace import Workspace
from endpoints.ledger import Budget, Ledger
from judge.benchmark import SittingState
from storage.errors import NotFound
from storage.jobs import Job
from storage.texts import hash_json

JOB_KIND = "judge run"
CONSTITUTIONS = "constitutions.yaml"
LOG_EVERY_S = 5.0


@dataclass(frozen=True)
class JudgeRequest:
    """What a judge run is asked to do; kept with its job, so that a resume needs nothing else."""

    run: str
    release: str
    """A version of the workspace."""
    sampling: Sampling
    """Without files: the texts of Constitution mode stand in `constitutions`."""
    constitutions: str = ""
    """YAML of category: text, or `shipped` for those of the package."""
    judges: tuple[str, ...] = ()
    """Roles; empty for those that the endpoints file gives."""
    repeats: int = 1
    endpoints: str = ENDPOINTS_FILE
    """Name of a file in the workspace."""
    budget: Budget = field(default_factory=Budget)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        values = asdict(self)
        del values["sampling"]["constitutions"], values["sampling"]["variants"]
        return values | {"judges": list(self.judges)}


def read_request(values: dict[str, Any]) -> JudgeRequest:
    """Return the request that `to_json` made these values of.

    Raises:
        JudgingRefused: another version of this program wrote them.
    """
    try:
        return JudgeRequest(
            **values
            | {
                "sampling": Sampling(**values["sampling"]),
                "judges": tuple(values["judges"]),
                "budget": Budget(**values["budget"]),
            }
        )
    except (KeyError, TypeError) as exc:
        raise JudgingRefused(
            f"what the judge run was asked for was written by another version ({exc}); start one of another name"
        ) from exc


def identify(requests: Sequence[JudgeRequest]) -> str:
    """Return what tells requests from others, 64 hex digits: runs are started only after their own plan was shown."""
    return hash_json([request.to_json() for request in requests])


def make_place(workspace: Workspace, request: JudgeRequest | None = None) -> Place:
    """Return where the judge runs of a workspace lie, with the endpoints file and the budget of a request."""
    home = workspace.settings.home
    return Place(home, home / request.endpoints, request.budget) if request else Place(home)


def list_endpoints_files(workspace: Workspace) -> list[str]:
    """Return the names of the workspace's endpoints files: `endpoints.yaml` first, then others that begin so."""
    found = sorted(path.name for path in workspace.settings.home.glob("endpoints*.yaml") if path.is_file())
    return sorted(found, key=lambda name: name != ENDPOINTS_FILE)


def start_judge_runs(workspace: Workspace, requests: Sequence[JudgeRequest], *, actor: str) -> None:
    """Start judge runs, each in a process that does not end with this one.

    Raises:
        JudgingRefused: one of the names is taken; none is started.
        Conflict: a process works on one of them.
        JobRefused: a process cannot be started.
    """
    for request in requests:
        check_free(workspace, request.run)
    for request in requests:
        _start(workspace, request, actor=actor)


def check_free(workspace: Workspace, name: str) -> None:
    """Return if there is no judge run of this name yet; one that failed before its first answer does not count.

    Raises:
        JudgingRefused: there is one, or it is no name for a folder.
    """
    taken = (make_place(workspace).run_path(name) / "answers.json").exists()
    with suppress(NotFound):
        taken = taken or find_judge_job(workspace, name=name).state.is_live
    if taken:
        raise JudgingRefused(f"there is a judge run {name} already; open it to go on with it, or choose another name")


def resume_judge_run(workspace: Workspace, *, name: str, actor: str) -> None:
    """Go on with a judge run that ended, failed or was interrupted, with what it was asked for.

    Raises:
        NotFound: there is no such run, or it was not started in the app.
        Conflict: a process works on it.
        JobRefused: its process cannot be started.
    """
    _start(workspace, read_request(find_judge_job(workspace, name=name).request), actor=actor)


def stop_judge_run(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask a judge run to finish what is under way and end.

    Raises:
        NotFound: there is no such run.
        Conflict: nobody works on it.
    """
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def find_judge_job(workspace: Workspace, *, name: str) -> Job:
    """Return the job of a judge run.

    Raises:
        NotFound: there is none.
    """
    return background_jobs.find_job(workspace, kind=JOB_KIND, name=name)


def _start(workspace: Workspace, request: JudgeRequest, *, actor: str) -> None:
    background_jobs.start_job(
        workspace,
        kind=JOB_KIND,
        name=request.run,
        request=request.to_json(),
        folder=make_place(workspace).run_path(request.run),
        actor=actor,
    )


def run_queued(workspace: Workspace, *, name: str) -> None:
    """Work on the judge run that was put down under `name` for this process.

    Raises:
        JudgingRefused, StorageError: as `judging.respond` and `judging.score` do.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        request = read_request(lease.job.request)
        place, meter = make_place(workspace, request), _Meter(lease)
        sampling = replace(request.sampling, constitutions=_write_constitutions(place, request))
        meter.begin("answers")
        end = respond(
            place,
            workspace,
            release=request.release,
            run=request.run,
            sampling=sampling,
            observer=meter.tell,
            watch=meter.watch,
        )
        if not end.state.stopped:
            meter.begin("judgments")
            end = score(
                place,
                run=request.run,
                judges=request.judges or None,
                repeats=request.repeats,
                observer=meter.tell,
                watch=meter.watch,
            )
        write_line(f"{end.state.stopped or 'done'}; cost {end.cost}")
        lease.ended_early = end.state.stopped


def _write_constitutions(place: Place, request: JudgeRequest) -> Path | Literal["shipped"] | None:
    if request.constitutions in ("", SHIPPED):
        return SHIPPED if request.constitutions else None
    path = place.run_path(request.run) / CONSTITUTIONS
    path.write_text(request.constitutions, encoding="utf-8")
    return path


class _Meter:
    """How far a judge run is, for its job's row, and as a line of its log every few seconds."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._part = ""
        self._states: dict[str, SittingState] = {}
        self._ledger = Ledger()
        self._began = time.monotonic()
        self._calls_before: int | None = None
        self._said_at = 0.0

    def begin(self, part: str) -> None:
        """Count what follows as `answers` or `judgments`."""
        self._part, self._said_at = part, 0.0
        write_line(f"{part} begin")

    def watch(self, sitting: Sitting, ledger: Ledger) -> None:
        """Read a sitting that is about to begin; who asks for an end stops it."""
        self._states[self._part], self._ledger = sitting.state, ledger
        if self._calls_before is None:
            self._calls_before = ledger.total.calls
        self._lease.read_progress = self.read
        self._lease.call_to_stop(sitting.stop)

    def read(self) -> dict[str, Any]:
        """Return how far the run is."""
        parts = {
            part: {"asked": state.asked, "counts": dict(state.counts)} for part, state in list(self._states.items())
        }
        return {
            "part": self._part,
            **parts,
            "seconds": round(time.monotonic() - self._began, 1),
            "calls_now": self._ledger.total.calls - (self._calls_before or 0),
            **describe_spent(self._ledger),
        }

    def tell(self, state: SittingState, ledger: Ledger) -> None:
        """Write a line of the log unless one was written a moment ago."""
        now = time.monotonic()
        if now - self._said_at >= LOG_EVERY_S or state.done == state.asked:
            self._said_at = now
            counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(state.counts.items()))
            spent = describe_spent(ledger)
            write_line(f"{self._part}: {counts}; {state.done} of {state.asked}; cost {spent['cost']}")
