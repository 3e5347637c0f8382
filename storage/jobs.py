"""Long jobs: who works on which, until when, and how far they are.

A job belongs to one process at a time: the one that holds its lease. Taking a lease is one conditional UPDATE, so of
any number of processes that try, on SQLite or PostgreSQL, one gets it. The owner renews the lease while it works; when
it dies, the lease lapses by itself, the job shows as interrupted, and anybody may take it up again. On the machine of
the dead owner this is noticed at once.

Leases compare the clocks of the machines involved, so these have to agree to within a fraction of `LEASE_S`.
"""

import json
import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, Update, and_, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from storage.errors import Conflict, NotFound
from storage.tables import JobRow
from storage.texts import canonical_json, utc_now

LEASE_S = 45.0
"""How long a lease lives without a sign of life."""
START_S = 60.0
"""How long a queued job waits for its process before it counts as interrupted."""


class JobState(StrEnum):
    """Where a job stands, as people see it. `interrupted` is never stored: it is a lease that lapsed."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_live(self) -> bool:
        """Whether a process works on it, or is about to."""
        return self in LIVE


LIVE = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.STOPPING})
HELD = tuple(state.value for state in (JobState.RUNNING, JobState.STOPPING))


class LeaseLost(Conflict):
    """The lease lapsed and another process has the job, or may have it."""


@dataclass(frozen=True)
class Job:
    """A job as it stands at one moment."""

    id: int
    kind: str
    name: str
    state: JobState
    request: dict[str, Any]
    actor: str
    owner: str
    handle: str
    """What was started for it last, in the words of what started it; empty when a process took it up by itself."""
    sitting: int
    progress: dict[str, Any]
    message: str
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None


def make_owner() -> str:
    """Return a name for this process that no other has: machine, process and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def queue_job(
    *,
    session: Session,
    kind: str,
    name: str,
    request: dict[str, Any],
    actor: str,
    start_s: float = START_S,
    now: datetime | None = None,
) -> Job:
    """Put a job down for a process that is about to be started; a job that is over is put down again.

    It counts as interrupted when no process has taken it up after `start_s` seconds.

    Raises:
        Conflict: a process works on it, or is about to.
    """
    now = now or utc_now()
    _ensure_row(session, kind=kind, name=name, actor=actor, now=now)
    values = {
        "state": JobState.QUEUED.value,
        "request": canonical_json(request),
        "actor": actor,
        "owner": "",
        "handle": "",
        "message": "",
        "expires_at": now + timedelta(seconds=start_s),
        "ended_at": None,
    }
    dead = _find_dead_owner(session, kind=kind, name=name)
    free = or_(~col(JobRow.state).in_([state.value for state in LIVE]), _lapsed(now), col(JobRow.owner) == dead)
    if not _change(session, update(JobRow).where(_named(kind, name), free).values(values)):
        raise Conflict(_describe_holder(find_job(session=session, kind=kind, name=name, now=now)))
    return find_job(session=session, kind=kind, name=name, now=now)


def take_job(
    *,
    session: Session,
    kind: str,
    name: str,
    owner: str,
    actor: str,
    request: dict[str, Any] | None = None,
    lease_s: float = LEASE_S,
    now: datetime | None = None,
) -> Job:
    """Take the lease of a job that no process works on; a job that nobody knew of is made.

    Args:
        session: a write session; the caller commits.
        kind: what kind of job.
        name: the job's name among its kind.
        owner: who takes it, from `make_owner`.
        actor: who asked, when the job is new.
        request: what to do, when it differs from what was asked for before.
        lease_s: how long the lease lives.
        now: the time, for tests.

    Raises:
        Conflict: another process holds the lease; the message says which.
    """
    now = now or utc_now()
    _ensure_row(session, kind=kind, name=name, actor=actor, now=now)
    values: dict[str, Any] = {
        "state": JobState.RUNNING.value,
        "owner": owner,
        "sitting": col(JobRow.sitting) + 1,
        "progress": "{}",
        "message": "",
        "started_at": now,
        "heartbeat_at": now,
        "expires_at": now + timedelta(seconds=lease_s),
        "ended_at": None,
    }
    if request is not None:  # by a process that nobody started for it
        values |= {"request": canonical_json(request), "handle": ""}
    dead = _find_dead_owner(session, kind=kind, name=name)
    free = or_(~col(JobRow.state).in_(HELD), _lapsed(now), col(JobRow.owner) == dead)
    if not _change(session, update(JobRow).where(_named(kind, name), free).values(values)):
        raise Conflict(_describe_holder(find_job(session=session, kind=kind, name=name, now=now)))
    return find_job(session=session, kind=kind, name=name, now=now)


def renew_job(
    *,
    session: Session,
    job_id: int,
    owner: str,
    progress: dict[str, Any] | None = None,
    lease_s: float = LEASE_S,
    now: datetime | None = None,
) -> Job:
    """Show that the owner is alive and how far it is; return the job, whose state says whether to stop.

    Raises:
        LeaseLost: the job has another owner, or is over.
    """
    now = now or utc_now()
    values: dict[str, Any] = {"heartbeat_at": now, "expires_at": now + timedelta(seconds=lease_s)}
    if progress is not None:
        values["progress"] = canonical_json(progress)
    if not _change(session, update(JobRow).where(_owned(job_id, owner)).values(values)):
        raise LeaseLost(f"job {job_id} does not belong to {owner} any more; stop working on it")
    return _read(session, JobRow.id == job_id, now)


def end_job(
    *,
    session: Session,
    job_id: int,
    owner: str,
    failed: bool = False,
    message: str = "",
    progress: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> None:
    """Give the lease back and say how it went.

    Raises:
        LeaseLost: the job has another owner, or is over.
    """
    now = now or utc_now()
    state = JobState.FAILED if failed else JobState.ENDED
    values: dict[str, Any] = {
        "state": state.value, "message": message[:10_000], "heartbeat_at": now, "expires_at": None, "ended_at": now
    }  # fmt: skip
    if progress is not None:
        values["progress"] = canonical_json(progress)
    if not _change(session, update(JobRow).where(_owned(job_id, owner)).values(values)):
        raise LeaseLost(f"job {job_id} does not belong to {owner} any more; its end is not noted")


def ask_to_stop(*, session: Session, kind: str, name: str, actor: str, now: datetime | None = None) -> Job:
    """Ask the process that works on a job to finish what is under way and end. Asking twice changes nothing.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    now = now or utc_now()
    job = find_job(session=session, kind=kind, name=name, now=now)
    if not job.state.is_live:
        raise Conflict(f"the {kind} {name} is {job.state.value}, so there is nothing to stop; load the page again")
    # In this order: a job that a process takes up in between is asked all the same.
    queued = and_(col(JobRow.id) == job.id, col(JobRow.state) == JobState.QUEUED.value)
    over = {"state": JobState.ENDED.value, "message": f"stopped by {actor} before it began", "ended_at": now}
    running = and_(col(JobRow.id) == job.id, col(JobRow.state) == JobState.RUNNING.value)
    stopping = {"state": JobState.STOPPING.value, "message": f"stopped by {actor}"}
    for condition, values in ((queued, over), (running, stopping)):
        _change(session, update(JobRow).where(condition).values(values))
    return find_job(session=session, kind=kind, name=name, now=now)


def note_handle(*, session: Session, job_id: int, handle: str) -> None:
    """Note what was started for a job that was put down."""
    _change(session, update(JobRow).where(col(JobRow.id) == job_id).values({"handle": handle}))


def lapse_job(*, session: Session, job: Job, message: str, now: datetime | None = None) -> None:
    """Let the lease of a job lapse now, because whatever started its process says that it is gone.

    Nothing changes when the job is another's by now, or over. A process that is not gone after all renews its lease.
    """
    here = and_(
        col(JobRow.id) == job.id,
        col(JobRow.owner) == job.owner,
        col(JobRow.handle) == job.handle,
        col(JobRow.state).in_([state.value for state in LIVE]),
    )
    values = {"expires_at": now or utc_now(), "message": message[:10_000]}
    _change(session, update(JobRow).where(here).values(values))


def take_queued_job(
    *, session: Session, kind: str, name: str, owner: str, lease_s: float = LEASE_S, now: datetime | None = None
) -> Job:
    """Take a job that was put down with `queue_job`: what the process does that was started for it.

    Raises:
        NotFound: there is no such job.
        Conflict: another process was faster, or the job was stopped before it began.
    """
    job = find_job(session=session, kind=kind, name=name, now=now)
    if job.state is not JobState.QUEUED and job.state is not JobState.INTERRUPTED:
        raise Conflict(f"the {kind} {name} is {job.state.value} and not waiting for a process; nothing was done")
    return take_job(session=session, kind=kind, name=name, owner=owner, actor=job.actor, lease_s=lease_s, now=now)


def find_job(*, session: Session, kind: str, name: str, now: datetime | None = None) -> Job:
    """Return a job by its name.

    Raises:
        NotFound: there is no such job.
    """
    try:
        return _read(session, _named(kind, name), now or utc_now())
    except LookupError as exc:
        raise NotFound(f"there is no {kind} {name!r}") from exc


def list_jobs(*, session: Session, kind: str, now: datetime | None = None) -> list[Job]:
    """Return every job of a kind, the newest first."""
    now = now or utc_now()
    rows = session.exec(select(JobRow).where(JobRow.kind == kind).order_by(col(JobRow.id).desc()))
    return [_to_job(row, now) for row in rows]


# --- rows


def _named(kind: str, name: str) -> Any:
    return and_(col(JobRow.kind) == kind, col(JobRow.name) == name)


def _owned(job_id: int, owner: str) -> Any:
    return and_(col(JobRow.id) == job_id, col(JobRow.owner) == owner, col(JobRow.state).in_(HELD))


def _lapsed(now: datetime) -> Any:
    return col(JobRow.expires_at) <= now


def _change(session: Session, statement: Update) -> bool:
    """Run a conditional update; say whether its condition held."""
    done = cast("CursorResult[Any]", session.execute(statement.execution_options(synchronize_session=False)))
    return done.rowcount == 1


def _ensure_row(session: Session, *, kind: str, name: str, actor: str, now: datetime) -> None:
    """Make the row unless it is there; two processes that do so at once make one."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "kind": kind, "name": name, "state": JobState.ENDED.value, "request": "{}", "actor": actor, "owner": "",
        "handle": "", "sitting": 0, "progress": "{}", "message": "", "created_at": now,
    }  # fmt: skip
    session.execute(insert(JobRow).values(values).on_conflict_do_nothing(index_elements=["kind", "name"]))


def _read(session: Session, condition: Any, now: datetime) -> Job:
    row = session.exec(select(JobRow).where(condition).execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("there is no such job")
    return _to_job(row, now)


def _to_job(row: JobRow, now: datetime) -> Job:
    state = JobState(row.state)
    if state in LIVE and ((row.expires_at is not None and row.expires_at <= now) or is_dead(row.owner)):
        state = JobState.INTERRUPTED
    assert row.id is not None
    return Job(
        id=row.id,
        kind=row.kind,
        name=row.name,
        state=state,
        request=json.loads(row.request),
        actor=row.actor,
        owner=row.owner,
        handle=row.handle,
        sitting=row.sitting,
        progress=json.loads(row.progress),
        message=row.message,
        created_at=row.created_at,
        started_at=row.started_at,
        heartbeat_at=row.heartbeat_at,
        ended_at=row.ended_at,
    )


def _find_dead_owner(session: Session, *, kind: str, name: str) -> str | None:
    """Return the owner of a job if it was a process of this machine that is gone; its lease need not lapse first."""
    owner = session.exec(select(JobRow.owner).where(_named(kind, name))).first()
    return owner if owner and is_dead(owner) else None


def is_dead(owner: str) -> bool:
    """Return whether `owner`, which begins with machine and process, is a process of this machine that is gone."""
    machine, _, rest = owner.partition(":")
    process = rest.partition(":")[0]
    if machine != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _describe_holder(job: Job) -> str:
    machine, process, *_ = [*job.owner.split(":"), "", ""]
    where = f" (process {process} on {machine})" if process else ""
    return f"the {job.kind} {job.name} is {job.state.value} in another process{where}; wait for it, or stop it first"
