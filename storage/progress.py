"""How far the reviewing is: one person's share, and the whole."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, case, exists, func, or_, true
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from storage.claim_queries import CHECKED_STATES, COUNT_FREE, TAKEN_STATES
from storage.records import SETTLING_KINDS, STUDY_KINDS, TaskKind
from storage.stages import Stage
from storage.study_queries import count_free, is_under_way
from storage.tables import ClaimRow, ItemRow, RecordRow, ReviewRow, TaskRow, UserRow
from storage.texts import utc_now

RECENT_REVIEWS = 30
BREAK = timedelta(minutes=10)
"""A longer gap between two reviews is not counted as work."""


@dataclass(frozen=True)
class OwnProgress:
    """One person's numbers for one kind of task."""

    submitted: int
    today: int
    per_hour: float | None
    """Reviews of this kind per hour over the last thirty, breaks left out; None with fewer than three to go by."""
    skipped: int
    left: int
    """Open tasks that still want somebody and have not had this person."""


@dataclass(frozen=True)
class TotalProgress:
    """Everybody's numbers for one kind of task."""

    submitted: int
    needed: int
    """Reviews that all tasks together ask for."""
    decided: int
    adjudicating: int
    tasks: int


def own_progress(*, session: Session, user_id: int, kind: TaskKind, now: datetime | None = None) -> OwnProgress:
    """Return a person's progress. `today` begins at midnight UTC."""
    now = now or utc_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = [col(ReviewRow.user_id) == user_id, col(ReviewRow.status) == "submitted", col(TaskRow.kind) == kind.value]
    if kind in STUDY_KINDS:
        mine.append(is_under_way())
    submitted, today = session.exec(
        select(
            func.count(),
            func.coalesce(func.sum(case((col(ReviewRow.created_at) >= midnight, 1), else_=0)), 0),
        )
        .select_from(ReviewRow)
        .join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
        .where(*mine)
    ).one()
    times = session.exec(
        select(ReviewRow.created_at)
        .join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
        .where(*mine)
        .order_by(col(ReviewRow.id).desc())
        .limit(RECENT_REVIEWS)
    ).all()
    wanting = session.exec(
        select(func.count()).select_from(TaskRow).where(TaskRow.kind == kind.value, *_wanting())
    ).one()
    states = dict(
        session.exec(
            select(ClaimRow.state, func.count(func.distinct(ClaimRow.task_id)))
            .join(TaskRow, col(TaskRow.id) == ClaimRow.task_id)
            .where(ClaimRow.user_id == user_id, TaskRow.kind == kind.value, *_wanting())
            .where(col(ClaimRow.state).in_(("submitted", "skipped", "active", "seen")))
            .group_by(ClaimRow.state)
        ).all()
    )
    return OwnProgress(
        submitted=submitted,
        today=today,
        per_hour=_per_hour(list(times)),
        skipped=states.get("skipped", 0),
        left=(
            count_waiting(session=session, user_id=user_id, kind=kind)
            if kind in STUDY_KINDS | SETTLING_KINDS
            else max(0, wanting - sum(states.values()) - _count_known(session=session, user_id=user_id, kind=kind))
        ),
    )


def count_waiting(*, session: Session, user_id: int, kind: TaskKind) -> int:
    """Return how many tasks of a study's kind, or how many differences, would be given to the person."""
    if kind in STUDY_KINDS:
        return count_free(session=session, user_id=user_id, kind=kind)
    return session.exec(COUNT_FREE[kind], params={"user_id": user_id}).one()


def count_held(*, session: Session, user_id: int, kind: TaskKind) -> int:
    """Return how many open tasks of the kind the person holds."""
    held = (ClaimRow.user_id == user_id, ClaimRow.state == "active", TaskRow.kind == kind.value)
    query = select(func.count()).select_from(ClaimRow).join(TaskRow, col(TaskRow.id) == ClaimRow.task_id)
    return session.exec(query.where(*held, TaskRow.status == "open")).one()


def _count_known(*, session: Session, user_id: int, kind: TaskKind) -> int:
    """Open tasks that the person has had no claim on, and is not given because another task showed them the item."""
    other, own = aliased(TaskRow), aliased(ClaimRow)
    blocks: list[ColumnElement[bool]] = [col(other.kind) != kind.value]
    if kind is TaskKind.SCENARIO_REVIEW:
        checked = (col(other.kind) == TaskKind.LEAKAGE_CHECK.value) & col(ClaimRow.state).in_(CHECKED_STATES)
        blocks = [or_(checked, col(other.kind) == TaskKind.LEAKAGE_ADJUDICATION.value)]
    had = exists().where(col(own.task_id) == TaskRow.id, col(own.user_id) == user_id, col(own.state).in_(TAKEN_STATES))
    return session.exec(
        select(func.count(func.distinct(TaskRow.id)))
        .select_from(ClaimRow)
        .join(other, col(other.id) == ClaimRow.task_id)
        .join(TaskRow, col(TaskRow.item_number) == other.item_number)
        .where(ClaimRow.user_id == user_id, TaskRow.kind == kind.value, *blocks, ~had, *_wanting())
    ).one()


def total_progress(*, session: Session, kind: TaskKind) -> TotalProgress:
    """Return everybody's progress; reads every task of the kind, so keep the answer for a few seconds.

    An item that was revised counts by its present round; its adjudications all count. A study's answers count until
    it is closed.
    """
    present = true() if kind in SETTLING_KINDS else col(ItemRow.round) == TaskRow.round
    if kind in STUDY_KINDS:
        present = is_under_way()
    tasks, submitted, needed, decided, adjudicating = session.execute(
        select_columns(
            func.count(),
            func.coalesce(func.sum(TaskRow.submitted), 0),
            func.coalesce(func.sum(TaskRow.overlap), 0),
            func.coalesce(func.sum(case((col(TaskRow.status) == "decided", 1), else_=0)), 0),
            func.coalesce(func.sum(case((col(TaskRow.status) == "adjudicating", 1), else_=0)), 0),
        )
        .join(ItemRow, col(ItemRow.number) == TaskRow.item_number)
        .where(col(TaskRow.kind) == kind.value, col(TaskRow.status) != "withdrawn", present)
    ).one()
    return TotalProgress(submitted=submitted, needed=needed, decided=decided, adjudicating=adjudicating, tasks=tasks)


@dataclass(frozen=True)
class PersonProgress:
    """One line of the maintainers' table."""

    name: str
    submitted: int
    seconds_mean: float | None
    last_at: datetime | None


def people_progress(*, session: Session) -> list[PersonProgress]:
    """Return everybody who has reviewed, the busiest first. For maintainers; it shows no verdicts."""
    rows = session.exec(
        select(UserRow.name, func.count(), func.avg(ReviewRow.seconds), func.max(ReviewRow.created_at))
        .join(ReviewRow, col(ReviewRow.user_id) == UserRow.id)
        .where(ReviewRow.status == "submitted")
        .group_by(UserRow.name)
        .order_by(func.count().desc(), UserRow.name)
    ).all()
    return [PersonProgress(name, count, seconds, last) for name, count, seconds, last in rows]


@dataclass(frozen=True)
class CategoryProgress:
    """How many items of a category stand where, among those that reached the reviewers."""

    category: str
    approved: int
    rejected: int
    waiting: int


def category_progress(*, session: Session) -> list[CategoryProgress]:
    """Return the items of each category by what people made of them; categories without any are left out."""
    counts: dict[str, dict[str, int]] = {}
    rows = session.exec(select(ItemRow.category, ItemRow.stage, func.count()).group_by(ItemRow.category, ItemRow.stage))
    for category, stage, count in rows:
        counts.setdefault(category, {})[stage] = count
    return [
        CategoryProgress(
            category=category,
            approved=stages.get(Stage.REVIEWED.value, 0) + stages.get(Stage.RELEASED.value, 0),
            rejected=stages.get(Stage.REJECTED.value, 0),
            waiting=stages.get(Stage.REFINED.value, 0),
        )
        for category, stages in sorted(counts.items())
    ]


@dataclass(frozen=True)
class FlawProgress:
    """What the reviewers made of items whose author planted a flaw, or none. Counts settled items only."""

    flawed: int
    caught: int
    """Rejected, or sent back for a revision."""
    sound: int
    sound_rejected: int


def flaw_progress(*, session: Session) -> FlawProgress:
    """Return how many planted flaws were caught. For maintainers: annotators must not know of them."""
    rows = session.exec(
        select(RecordRow.body, ItemRow.stage, ItemRow.round)
        .join(ItemRow, col(ItemRow.number) == RecordRow.item_number)
        .where(RecordRow.kind == "ground_truth")
    )
    flawed = caught = sound = sound_rejected = 0
    for body, stage, round_ in rows:
        if stage not in (Stage.REVIEWED.value, Stage.RELEASED.value, Stage.REJECTED.value):
            continue
        turned_down = stage == Stage.REJECTED.value or round_ > 1
        if json.loads(body)["flaw"] == "none":
            sound += 1
            sound_rejected += stage == Stage.REJECTED.value
        else:
            flawed += 1
            caught += turned_down
    return FlawProgress(flawed=flawed, caught=caught, sound=sound, sound_rejected=sound_rejected)


def _wanting() -> tuple[bool, bool]:
    return (TaskRow.status == "open", TaskRow.open_slots > 0)


def _per_hour(times: list[datetime]) -> float | None:
    """Rate from review times, newest first."""
    gaps = [later - earlier for later, earlier in pairwise(times)]
    worked = [gap for gap in gaps if timedelta(0) <= gap <= BREAK]
    total = sum(worked, timedelta(0))
    if len(worked) < 2 or total <= timedelta(0):
        return None
    return round(len(worked) * 3600 / total.total_seconds(), 1)
