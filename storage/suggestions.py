"""What models found about an item, for a person who has answered it. Never what people said of it.

Two rules keep a first answer a first answer. Nothing shows before the person's own review is stored, and none of what
came after it: work that begins once people have settled an item would tell how they settled it. That somebody looked
is an audit event, so that an answer given after a look (an undo, then another review) can be told from a first one.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage import leak_looks
from storage.audit import Tag, lock_chain, record_event
from storage.errors import Conflict, InvalidRecord, NotFound
from storage.items import get_record, label
from storage.records import FilterVerdict, Record, Refinement, Review, Scenario, Suggestion, TaskKind, parse_record
from storage.stages import Stage
from storage.tables import AuditRow, ItemRow, RecordRow, ReviewRow, TaskRow, UserRow
from storage.texts import utc_now

WRITTEN_BY_HAND = "written_by_hand"
"""The filter's name in the verdict of a scenario that no model or filter has judged."""
_KINDS = ("scenario", "filter_verdict", "refinement", "suggestion")


@dataclass(frozen=True)
class Found:
    """One thing that a model or a filter said. `earlier`: about a wording before the one that the person answered."""

    record: FilterVerdict | Refinement | Suggestion
    earlier: bool


@dataclass(frozen=True)
class Suggestions:
    """A person's own answer, and what models had found before it, oldest first."""

    review_id: int
    item_id: str
    label: str
    query: str
    """As it was reviewed."""
    own: Review
    undone: bool
    found: tuple[Found, ...]
    written_by_hand: bool


def look_at_suggestions(*, session: Session, user_id: int, review_id: int, now: datetime | None = None) -> Suggestions:
    """Return what models had found when the person first answered, and keep that the person looked.

    Adds an audit event the first time that the person looks at the item in the review's round. The caller commits,
    and shows nothing before.

    Raises:
        NotFound: the person has no such review: somebody else's is not told from one that does not exist.
        InvalidRecord: the review is an adjudication or a leakage check.
        Conflict: the person may still be asked about the item: for its leakage check, or about a newer wording.
    """
    now = now or utc_now()
    lock_chain(session=session)
    row = session.get(ReviewRow, review_id)
    if row is None or row.user_id != user_id:
        raise NotFound(f"you have no review {review_id}; submit your own first, its reply holds the review_id")
    task = session.get_one(TaskRow, row.task_id)
    item = session.get_one(ItemRow, row.item_number)
    _check_not_asked(session=session, user_id=user_id, review_id=review_id, task=task, item=item)
    own = get_record(session=session, record_id=row.record_id, item_number=row.item_number)
    assert isinstance(own, Review)
    records = _read_until_first_answer(session=session, user_id=user_id, task=task)
    wordings = [record for record in records if isinstance(record, Scenario)]  # the last one is what was reviewed
    verdicts = [record for record in records if isinstance(record, FilterVerdict)]
    _keep_look(session=session, user_id=user_id, item=item, task=task, record_id=row.record_id, now=now)
    return Suggestions(
        review_id=review_id,
        item_id=item.id,
        label=label(row.item_number),
        query=wordings[-1].query,
        own=own,
        undone=row.status == "discarded",
        found=tuple(_find(records, wordings)),
        written_by_hand=any(verdict.filter_name == WRITTEN_BY_HAND for verdict in verdicts),
    )


def _check_not_asked(*, session: Session, user_id: int, review_id: int, task: TaskRow, item: ItemRow) -> None:
    name = label(task.item_number)
    if task.kind != TaskKind.SCENARIO_REVIEW.value:
        kind = task.kind.replace("_", " ")
        raise InvalidRecord(f"review {review_id} of {name} is of kind {kind}; only a scenario review has suggestions")
    if leak_looks.may_be_asked(session=session, user_id=user_id, item=item):
        raise Conflict(f"you may still be asked for the leakage check of {name}; what models found would tell it")
    if item.round == task.round or item.stage == Stage.RELEASED.value:
        return
    present = (TaskRow.item_number == item.number, TaskRow.round == item.round, TaskRow.kind == task.kind)
    newer = select(ReviewRow.id).join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
    if session.exec(newer.where(*present, ReviewRow.user_id == user_id)).first() is None:
        raise Conflict(
            f"{name} was revised since your review, and you may be asked about its new wording; what models found "
            "shows after your answer to that, or once the item is released"
        )


def _read_until_first_answer(*, session: Session, user_id: int, task: TaskRow) -> list[Record]:
    """Return what models and authors had written before the person's first review under the task, oldest first."""
    first = (
        select(func.min(RecordRow.seq))
        .join(
            ReviewRow,
            (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
        )
        .where(ReviewRow.task_id == task.id, ReviewRow.user_id == user_id)
        .scalar_subquery()
    )
    query = (
        select(RecordRow.body)
        .where(RecordRow.item_number == task.item_number, col(RecordRow.kind).in_(_KINDS), col(RecordRow.seq) < first)
        .order_by(col(RecordRow.seq))
    )
    return [parse_record(body) for body in session.exec(query)]


def _find(records: Iterable[Record], wordings: list[Scenario]) -> Iterator[Found]:
    """Yield what concerns the wordings: each filter's verdict about the latest one that it saw, then the rest."""
    place_of = {wording.id: place for place, wording in enumerate(wordings)}
    last = len(wordings) - 1
    verdicts: dict[str, tuple[int, FilterVerdict]] = {}
    others: list[Found] = []
    for record in records:
        # What names no wording is about the first one; a rewrite that was given up is no wording of the item.
        place = place_of.get(record.parent_id or wordings[0].id)
        if isinstance(record, FilterVerdict):
            if place is None or record.filter_name == WRITTEN_BY_HAND:
                continue
            if place >= verdicts.get(record.filter_name, (0,))[0]:
                verdicts[record.filter_name] = (place, record)
        elif isinstance(record, Refinement):
            if record.leak_found is not None or record.hazard_type != "unclassified":  # else nobody has looked
                others.append(Found(record, earlier=record.query_after != wordings[-1].query))
        elif isinstance(record, Suggestion) and record.task_kind is TaskKind.SCENARIO_REVIEW and place is not None:
            others.append(Found(record, earlier=place < last))
    yield from (Found(verdict, earlier=place < last) for place, verdict in verdicts.values())
    yield from others


def _keep_look(*, session: Session, user_id: int, item: ItemRow, task: TaskRow, record_id: str, now: datetime) -> None:
    actor = f"user:{session.get_one(UserRow, user_id).name}"
    mine = (AuditRow.subject == item.id, AuditRow.tag == Tag.SUGGESTIONS_SEEN.value, AuditRow.actor == actor)
    looks = session.exec(select(AuditRow.payload).where(*mine)).all()
    if any(json.loads(payload)["round"] == task.round for payload in looks):
        return
    payload = {"round": task.round, "review": record_id}
    record_event(session=session, actor=actor, tag=Tag.SUGGESTIONS_SEEN, subject=item.id, payload=payload, now=now)
