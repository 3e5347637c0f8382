"""Taking a review back: one of a person's last ten, as long as nobody has built on it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage import leakage, study_audits, study_failures, study_queries
from storage.audit import Tag, lock_chain, record_event
from storage.claim_content import Claim, describe_claims
from storage.claims import CLAIM_TTL_S, save_draft, withdraw_task
from storage.errors import ClaimLost, Conflict, NotFound
from storage.items import append_record, get_record, label
from storage.records import STUDY_KINDS, Decision, Outcome, Provenance, TaskKind
from storage.reviews import (
    AnyReview,
    find_last_decision,
    read_submitted,
    record_decision,
    shape_of,
    subject_of,
)
from storage.stages import Stage
from storage.study_frozen import StudyReview
from storage.tables import ClaimRow, ItemRow, ReviewRow, TaskRow, UserRow
from storage.texts import utc_now

UNDO_DEPTH = 10
MAX_UNDOS = 5
"""Of one person on one task. Without an end, answers could be tried out, and what they set off timed."""


def undo_review(
    *,
    session: Session,
    user_id: int,
    review_id: int | None = None,
    holder: str = "",
    ttl_s: int = CLAIM_TTL_S,
    now: datetime | None = None,
) -> Claim:
    """Take back one of the person's last ten reviews, by default the last. The caller commits.

    A new record with status `discarded` supersedes the review, a decision that rested on it is taken back, and
    the item is claimed again with the old answers as its draft. Undoing the same review twice changes nothing.

    Raises:
        NotFound: there is nothing to undo, or the review is not among the last ten.
        Conflict: the item has been released, adjudicated or revised since, or was undone five times; or the person
            has learnt since that the judge failed the answer which they scored.
    """
    now = now or utc_now()
    lock_chain(session=session)
    row = _find_undoable(session=session, user_id=user_id, review_id=review_id)
    if row.status == "discarded":
        task = session.exec(select(TaskRow).where(TaskRow.id == row.task_id).with_for_update()).one()
        return _claim_after_undo(session=session, user_id=user_id, task=task)
    _check_undos(session=session, row=row)
    claim = take_back(session=session, row=row, holder=holder, ttl_s=ttl_s, now=now)
    return describe_claims(session=session, rows=[claim])[0]


def take_back(
    *, session: Session, row: ReviewRow, holder: str, ttl_s: int = CLAIM_TTL_S, now: datetime | None = None
) -> ClaimRow:
    """Take back a standing review, however old, and return its author's new claim. The caller commits.

    Raises:
        Conflict: others have built on it, or its author has learnt since that the judge failed the answer.
    """
    now = now or utc_now()
    lock_chain(session=session)
    user_id = row.user_id
    # The claim before the task, as everywhere, so that an undo and a renewal never wait for each other.
    old_claim = session.exec(select(ClaimRow).where(ClaimRow.id == row.claim_id).with_for_update()).one()
    task = session.exec(select(TaskRow).where(TaskRow.id == row.task_id).with_for_update()).one()
    if task.kind == TaskKind.JUDGE_AUDIT.value:
        _check_still_blind(session=session, row=row)
    item = session.get_one(ItemRow, row.item_number)
    person = session.get_one(UserRow, user_id)
    actor = f"user:{person.name}"
    reopen_task(session=session, task=task, item=item, actor=actor, now=now)
    assert task.id is not None and item.number is not None
    review = get_record(session=session, record_id=row.record_id, item_number=item.number)
    assert isinstance(review, AnyReview)
    undone = _discard(session=session, task=task, review=review, actor=actor, now=now)
    append_record(session=session, item=item, record=undone, actor=actor, now=now)
    old_claim.state = "undone"
    row.status = "discarded"
    task.submitted -= 1
    claim = ClaimRow(
        id=uuid.uuid4().hex,
        task_id=task.id,
        user_id=user_id,
        holder=holder,
        expires_at=now + timedelta(seconds=ttl_s),
        created_at=now,
    )
    session.add_all((old_claim, row, task))
    session.flush()  # the old claim's state first: a person holds a task only once
    session.add(claim)
    session.flush()
    answers = review.model_dump(mode="json", include=set(shape_of(TaskKind(task.kind)).model_fields))
    save_draft(session=session, user_id=user_id, claim_id=claim.id, body=answers, now=now)
    payload = {"record": undone.id, "supersedes": review.id, "task": task.kind, "round": task.round}
    subject = subject_of(undone)
    record_event(session=session, actor=actor, tag=Tag.REVIEW_UNDONE, subject=subject, payload=payload, now=now)
    return claim


def _discard(*, session: Session, task: TaskRow, review: AnyReview, actor: str, now: datetime) -> AnyReview:
    """Return the record that supersedes a review which its author takes back."""
    provenance = Provenance(actor=actor, tool="storage.undo.undo_review", created_at=now)
    changes: dict[str, Any] = {"status": "discarded", "parent_id": review.id, "provenance": provenance.model_dump()}
    if isinstance(review, StudyReview):
        changes["late"] = study_audits.is_late(session=session, task=task)
    return type(review).model_validate(review.model_dump() | changes)


def _find_undoable(*, session: Session, user_id: int, review_id: int | None) -> ReviewRow:
    recent = session.exec(
        select(ReviewRow)
        .where(ReviewRow.user_id == user_id, ReviewRow.status == "submitted")
        .order_by(col(ReviewRow.id).desc())
        .limit(UNDO_DEPTH)
    ).all()
    if review_id is None:
        if not recent:
            raise NotFound("you have no review to undo")
        return recent[0]
    for row in recent:
        if row.id == review_id:
            return row
    row_or_none = session.get(ReviewRow, review_id)
    if row_or_none is not None and row_or_none.user_id == user_id and row_or_none.status == "discarded":
        return row_or_none
    raise NotFound(f"review {review_id} is not among your last {UNDO_DEPTH}; ask an adjudicator to settle the item")


def _check_undos(*, session: Session, row: ReviewRow) -> None:
    mine = (ReviewRow.task_id == row.task_id, ReviewRow.user_id == row.user_id, ReviewRow.status == "discarded")
    if session.exec(select(func.count()).select_from(ReviewRow).where(*mine)).one() >= MAX_UNDOS:
        raise Conflict(f"you have undone {label(row.item_number)} {MAX_UNDOS} times; this answer stands")


def _check_still_blind(*, session: Session, row: ReviewRow) -> None:
    who = {"user_id": row.user_id, "task_id": row.task_id}
    if session.exec(study_queries.KNOWS_THAT_IT_FAILED, params=who).first() is not None:
        raise Conflict(f"you were asked since how the answer to {label(row.item_number)} fails; your scores stand")


def _claim_after_undo(*, session: Session, user_id: int, task: TaskRow) -> Claim:
    claim = session.exec(
        select(ClaimRow).where(ClaimRow.task_id == task.id, ClaimRow.user_id == user_id, ClaimRow.state == "active")
    ).first()
    if claim is None:
        raise ClaimLost(f"your review of {label(task.item_number)} was undone before; claim the item again")
    return describe_claims(session=session, rows=[claim])[0]


def reopen_task(
    *,
    session: Session,
    task: TaskRow,
    item: ItemRow,
    actor: str,
    now: datetime,
    policy: str = "undo",
    reason: str = "a review was undone by its author",
) -> None:
    """Take back what was decided on the strength of the task's reviews. The caller holds the task's lock.

    Raises:
        Conflict: others have built on the decision, so that it stands.
    """
    name = label(task.item_number)
    if task.kind == TaskKind.FAILURE_LABELS.value:
        return study_failures.reopen(session=session, task=task)
    if task.kind in STUDY_KINDS:
        return study_audits.reopen(session=session, task=task, actor=actor, now=now)
    if item.stage == Stage.RELEASED.value:
        raise Conflict(f"{name} is part of a release; its reviews can no longer be undone")
    if item.round != task.round:
        raise Conflict(f"{name} was revised since and is in a new round of review; its earlier reviews stand")
    if task.status == "open":
        return
    if task.kind in (TaskKind.LEAKAGE_CHECK, TaskKind.LEAKAGE_ADJUDICATION):
        return leakage.reopen(session=session, task=task, item=item, actor=actor, now=now)
    leakage.check_not_rejected(session=session, item=item)
    if task.kind == TaskKind.SCENARIO_REVIEW.value:
        _withdraw_adjudication(session=session, task=task)
    else:
        origin = session.exec(
            select(TaskRow).where(
                TaskRow.item_number == task.item_number,
                TaskRow.kind == TaskKind.SCENARIO_REVIEW.value,
                TaskRow.round == task.round,
            )
        ).one()
        origin.status = "adjudicating"
        session.add(origin)
    reviews = read_submitted(session=session, task_id=task.id)
    decision = Decision(
        item_id=item.id,
        round=task.round,
        outcome=Outcome.REOPENED,
        review_ids=tuple(review.id for review in reviews),
        policy=policy,
        reason=reason,
        parent_id=find_last_decision(session=session, task=task),
        provenance=Provenance(actor=actor, tool="storage.undo.undo_review", created_at=now),
    )
    moved = item.stage in (Stage.REVIEWED.value, Stage.REJECTED.value)
    record_decision(session=session, task=task, decision=decision, stage=Stage.REFINED if moved else None, now=now)
    task.status = "open"
    task.open_slots = task.overlap - task.submitted
    session.add(task)


def _withdraw_adjudication(*, session: Session, task: TaskRow) -> None:
    other = session.exec(
        select(TaskRow)
        .where(
            TaskRow.item_number == task.item_number,
            TaskRow.kind == TaskKind.ADJUDICATION.value,
            TaskRow.round == task.round,
        )
        .with_for_update()
    ).first()
    if other is None or other.status == "withdrawn":
        return
    if other.status != "open":
        raise Conflict(f"an adjudicator has settled {label(task.item_number)}; the reviews behind it stand")
    withdraw_task(session=session, task=other)
