"""Reviews: submitting, undoing and deciding. Who may see whose answer is in `storage.review_access`.

The policy: when `overlap` people have answered and all approve, or all reject, the item moves; otherwise an
adjudicator settles it. An agreed revision also goes to the adjudicator, because somebody has to make the change.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from storage import leakage
from storage.audit import Tag, lock_chain, record_event
from storage.claims import (
    CLAIM_TTL_S,
    Claim,
    HeldClaim,
    add_flag,
    claim_next,
    describe_claims,
    discard_draft,
    hold_claim,
    open_task,
    release_claim,
    renew_claim,
    save_draft,
    unskip,
)
from storage.errors import ClaimLost, Conflict, InvalidRecord, NotFound
from storage.items import advance, append_record, attach, get_record, label, revise_scenario
from storage.leak_answers import LeakAnswers
from storage.records import (
    Decision,
    Edits,
    LeakDecision,
    LeakReview,
    Outcome,
    Provenance,
    Review,
    ReviewAnswers,
    TaskKind,
    Verdict,
    parse_record,
)
from storage.review_access import visible_reviews
from storage.stages import Stage
from storage.tables import ClaimRow, DecisionRow, ItemRow, RecordRow, ReviewRow, TaskRow, UserRow
from storage.texts import hash_json, utc_now

__all__ = [
    "CLAIM_TTL_S",
    "Claim",
    "SubmittedReview",
    "add_flag",
    "claim_next",
    "decide",
    "open_task",
    "release_claim",
    "renew_claim",
    "save_draft",
    "submit_review",
    "undo_review",
    "unskip",
    "visible_reviews",
]

UNDO_DEPTH = 10
MAX_UNDOS = 5
"""Of one person on one task. Without an end, answers could be tried out, and what they set off timed."""
_EARLIER = select(ReviewRow).where(
    ReviewRow.user_id == bindparam("user_id"), ReviewRow.idempotency_key == bindparam("key")
)


@dataclass(frozen=True)
class SubmittedReview:
    """A stored review. `repeated`: the same request had arrived before, and nothing was added now."""

    review_id: int
    record_id: str
    item_id: str
    kind: TaskKind
    repeated: bool


_SUBMITTED = (
    select(RecordRow.body)
    .join(
        ReviewRow,
        (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
    )
    .where(ReviewRow.task_id == bindparam("task_id"), ReviewRow.status == "submitted")
    .order_by(col(ReviewRow.id))
)


def submit_review(
    *,
    session: Session,
    user_id: int,
    claim_id: str,
    answers: ReviewAnswers | LeakAnswers,
    idempotency_key: str,
    now: datetime | None = None,
) -> SubmittedReview:
    """Store a review under a claim, and settle the item if it was the last one needed. The caller commits.

    Sending the same request again, with the same key, stores nothing and returns the first result.

    Raises:
        NotFound: the person has no such claim.
        ClaimLost: the claim is no longer theirs to use.
        Conflict: the key was used before for different answers.
        InvalidRecord: the key is empty or too long, or the answers do not fit this kind of task.
    """
    now = now or utc_now()
    if not 1 <= len(idempotency_key) <= 64 or not idempotency_key.isprintable():
        raise InvalidRecord("idempotency_key must have 1 to 64 printable characters; a UUID is good")
    # `seconds` may differ between two sendings of one answer
    request_sha256 = hash_json([claim_id, answers.model_dump(mode="json", exclude={"seconds"})])
    lock_chain(session=session)
    earlier = session.exec(_EARLIER, params={"user_id": user_id, "key": idempotency_key}).first()
    if earlier is not None:
        return _repeat(session=session, earlier=earlier, request_sha256=request_sha256, key=idempotency_key)
    held = hold_claim(session=session, user_id=user_id, claim_id=claim_id, now=now)
    review = _make_review(session=session, held=held, answers=answers, now=now)
    _store_review(session=session, held=held, review=review, now=now)
    task_id = held.claim.task_id
    row = ReviewRow(
        record_id=review.id,
        task_id=task_id,
        item_number=held.task.item_number,
        user_id=user_id,
        claim_id=claim_id,
        verdict=(answers.verdict if isinstance(answers, ReviewAnswers) else answers.outcome).value,
        seconds=answers.seconds,
        idempotency_key=idempotency_key,
        request_sha256=request_sha256,
        created_at=now,
    )
    session.add(row)
    decide(session=session, task_id=task_id, now=now)
    session.flush()
    assert row.id is not None
    return SubmittedReview(
        review_id=row.id, record_id=review.id, item_id=review.item_id, kind=review.task_kind, repeated=False
    )


def decide(*, session: Session, task_id: int, now: datetime | None = None) -> Decision | LeakDecision | None:
    """Settle a task that has all its answers; None while it waits for more. The caller commits.

    Called by `submit_review`; calling it again changes nothing.
    """
    now = now or utc_now()
    lock_chain(session=session)
    task = session.get_one(TaskRow, task_id)
    if task.status != "open" or task.submitted < task.overlap:
        return None
    if task.kind == TaskKind.LEAKAGE_CHECK.value:
        return leakage.decide(session=session, task=task, now=now)
    reviews = _submitted(session=session, task_id=task.id)
    if task.kind == TaskKind.ADJUDICATION.value:
        return _apply_adjudication(session=session, task=task, review=reviews[-1], now=now)
    verdicts = {review.verdict for review in reviews}
    agreed = verdicts.pop() if len(verdicts) == 1 else None
    policy = f"{task.overlap} agreeing"
    if agreed is Verdict.APPROVE or agreed is Verdict.REJECT:
        return _settle(
            session=session, task=task, reviews=reviews, outcome=Outcome(agreed.value), policy=policy, now=now
        )
    reason = "all ask for a revision" if agreed is Verdict.REVISE else "the reviewers differ"
    decision = _settle(
        session=session, task=task, reviews=reviews, outcome=Outcome.ADJUDICATE, policy=policy, reason=reason, now=now
    )
    open_task(session=session, item_id=decision.item_id, kind=TaskKind.ADJUDICATION, overlap=1, now=now)
    return decision


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
        Conflict: the item has been released, adjudicated or revised since, or was undone five times.
    """
    now = now or utc_now()
    lock_chain(session=session)
    row = _find_undoable(session=session, user_id=user_id, review_id=review_id)
    # The claim before the task, as everywhere, so that an undo and a renewal never wait for each other.
    old_claim = session.exec(select(ClaimRow).where(ClaimRow.id == row.claim_id).with_for_update()).one()
    task = session.exec(select(TaskRow).where(TaskRow.id == row.task_id).with_for_update()).one()
    if row.status == "discarded":
        return _claim_after_undo(session=session, user_id=user_id, task=task)
    _check_undos(session=session, row=row)
    item = session.get_one(ItemRow, row.item_number)
    person = session.get_one(UserRow, user_id)
    actor = f"user:{person.name}"
    _reopen(session=session, task=task, item=item, actor=actor, now=now)
    assert task.id is not None and item.number is not None
    review = get_record(session=session, record_id=row.record_id, item_number=item.number)
    assert isinstance(review, Review | LeakReview)
    provenance = Provenance(actor=actor, tool="storage.reviews.undo_review", created_at=now)
    undone = type(review).model_validate(
        review.model_dump() | {"status": "discarded", "parent_id": review.id, "provenance": provenance.model_dump()}
    )
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
    shape = ReviewAnswers if isinstance(review, Review) else LeakAnswers
    answers = review.model_dump(mode="json", include=set(shape.model_fields))
    save_draft(session=session, user_id=user_id, claim_id=claim.id, body=answers, now=now)
    payload = {"record": undone.id, "supersedes": review.id, "task": task.kind, "round": task.round}
    record_event(session=session, actor=actor, tag=Tag.REVIEW_UNDONE, subject=item.id, payload=payload, now=now)
    return describe_claims(session=session, rows=[claim])[0]


def _check_answers(*, kind: TaskKind, answers: ReviewAnswers) -> None:
    if kind is not TaskKind.ADJUDICATION:
        return
    if not answers.note.strip():
        raise InvalidRecord("an adjudication needs a note that gives the reason")
    if answers.verdict is Verdict.REVISE and not answers.edits:
        raise InvalidRecord("an adjudicator who revises makes the change: edit the query or the scene")


def _make_review(
    *, session: Session, held: HeldClaim, answers: ReviewAnswers | LeakAnswers, now: datetime
) -> Review | LeakReview:
    claim, task, item = held.claim, held.task, held.item
    kind = TaskKind(task.kind)
    if isinstance(answers, LeakAnswers) != (kind is TaskKind.LEAKAGE_CHECK):
        raise InvalidRecord(f"these answers do not fit a task of kind {kind.value}; send the shape of that kind")
    if isinstance(answers, LeakAnswers):
        return leakage.make_review(session=session, held=held, answers=answers, now=now)
    _check_answers(kind=kind, answers=answers)
    actor = f"user:{held.person.name}"
    return Review(
        **answers.model_dump(),
        item_id=item.id,
        task_kind=TaskKind(task.kind),
        round=task.round,
        claim_id=claim.id,
        reviewer=actor.removeprefix("user:"),
        status="submitted",
        provenance=Provenance(actor=actor, tool="storage.reviews.submit_review", created_at=now),
    )


def _store_review(*, session: Session, held: HeldClaim, review: Review | LeakReview, now: datetime) -> None:
    """Write the record and its event; count it on the task and close the claim."""
    claim, task, item = held.claim, held.task, held.item
    actor = review.provenance.actor
    append_record(session=session, item=item, record=review, actor=actor, now=now)
    claim.state = "submitted"
    task.submitted += 1
    session.add_all((claim, task))
    discard_draft(session=session, user_id=claim.user_id, task_id=claim.task_id)
    payload = {"record": review.id, "task": task.kind, "round": task.round}
    record_event(session=session, actor=actor, tag=Tag.REVIEW_SUBMITTED, subject=item.id, payload=payload, now=now)


def _repeat(*, session: Session, earlier: ReviewRow, request_sha256: str, key: str) -> SubmittedReview:
    if earlier.request_sha256 != request_sha256:
        raise Conflict(f"idempotency_key {key!r} was used before for other answers; use a new key for each review")
    item = session.get_one(ItemRow, earlier.item_number)
    assert earlier.id is not None
    kind = TaskKind(session.get_one(TaskRow, earlier.task_id).kind)
    return SubmittedReview(review_id=earlier.id, record_id=earlier.record_id, item_id=item.id, kind=kind, repeated=True)


def _submitted(*, session: Session, task_id: int | None) -> list[Review]:
    records = [parse_record(body) for body in session.exec(_SUBMITTED, params={"task_id": task_id})]
    return [record for record in records if isinstance(record, Review)]


def _settle(
    *,
    session: Session,
    task: TaskRow,
    reviews: list[Review],
    outcome: Outcome,
    policy: str,
    now: datetime,
    reason: str = "",
) -> Decision:
    """Write the decision, move the item when it is final, and close the task."""
    last = reviews[-1]
    decision = Decision(
        item_id=last.item_id,
        round=task.round,
        outcome=outcome,
        review_ids=tuple(review.id for review in reviews),
        policy=policy,
        reason=reason,
        edits=last.edits if policy == "adjudicator" else Edits(),
        provenance=Provenance(actor="policy", tool="storage.reviews.decide", created_at=now),
    )
    stage = {Outcome.APPROVE: Stage.REVIEWED, Outcome.REJECT: Stage.REJECTED}.get(outcome)
    _record_decision(session=session, task=task, decision=decision, stage=stage, now=now)
    task.status = "adjudicating" if outcome is Outcome.ADJUDICATE else "decided"
    task.open_slots = 0
    session.add(task)
    return decision


def _record_decision(
    *, session: Session, task: TaskRow, decision: Decision, stage: Stage | None, now: datetime
) -> None:
    item_id, actor = decision.item_id, decision.provenance.actor
    if stage is None:
        attach(session=session, item_id=item_id, record=decision, actor=actor, now=now)
    else:
        advance(session=session, item_id=item_id, to=stage, record=decision, actor=actor, now=now)
    assert task.id is not None
    row = DecisionRow(
        record_id=decision.id,
        item_number=task.item_number,
        task_id=task.id,
        outcome=decision.outcome.value,
        created_at=now,
    )
    session.add(row)
    payload = {"record": decision.id, "outcome": decision.outcome.value, "round": decision.round}
    record_event(session=session, actor=actor, tag=Tag.DECISION_MADE, subject=item_id, payload=payload, now=now)


def _apply_adjudication(*, session: Session, task: TaskRow, review: Review, now: datetime) -> Decision:
    origin = session.exec(
        select(TaskRow).where(
            TaskRow.item_number == task.item_number,
            TaskRow.kind == TaskKind.SCENARIO_REVIEW.value,
            TaskRow.round == task.round,
        )
    ).one()
    reviews = [*_submitted(session=session, task_id=origin.id), review]
    outcome = Outcome(review.verdict.value)
    decision = _settle(
        session=session, task=task, reviews=reviews, outcome=outcome, policy="adjudicator", reason=review.note, now=now
    )
    origin.status = "decided"
    session.add(origin)
    if outcome is Outcome.REVISE:
        actor = review.provenance.actor
        revise_scenario(
            session=session, item_id=review.item_id, edits=review.edits, reason=review.note, actor=actor, now=now
        )
        leakage.begin_round(session=session, item_id=review.item_id, old_round=task.round, actor=actor, now=now)
    return decision


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


def _claim_after_undo(*, session: Session, user_id: int, task: TaskRow) -> Claim:
    claim = session.exec(
        select(ClaimRow).where(ClaimRow.task_id == task.id, ClaimRow.user_id == user_id, ClaimRow.state == "active")
    ).first()
    if claim is None:
        raise ClaimLost(f"your review of {label(task.item_number)} was undone before; claim the item again")
    return describe_claims(session=session, rows=[claim])[0]


def _reopen(*, session: Session, task: TaskRow, item: ItemRow, actor: str, now: datetime) -> None:
    """Take back what was decided on the strength of the task's reviews.

    Raises:
        Conflict: others have built on the decision, so that it stands.
    """
    name = label(task.item_number)
    if item.stage == Stage.RELEASED.value:
        raise Conflict(f"{name} is part of a release; its reviews can no longer be undone")
    if item.round != task.round:
        raise Conflict(f"{name} was revised since and is in a new round of review; its earlier reviews stand")
    if task.status == "open":
        return
    if task.kind == TaskKind.LEAKAGE_CHECK.value:
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
    reviews = _submitted(session=session, task_id=task.id)
    decision = Decision(
        item_id=item.id,
        round=task.round,
        outcome=Outcome.REOPENED,
        review_ids=tuple(review.id for review in reviews),
        policy="undo",
        reason="a review was undone by its author",
        provenance=Provenance(actor=actor, tool="storage.reviews.undo_review", created_at=now),
    )
    moved = item.stage in (Stage.REVIEWED.value, Stage.REJECTED.value)
    _record_decision(session=session, task=task, decision=decision, stage=Stage.REFINED if moved else None, now=now)
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
    for claim in session.exec(select(ClaimRow).where(ClaimRow.task_id == other.id, ClaimRow.state == "active")):
        claim.state = "released"
        session.add(claim)
    other.status, other.open_slots = "withdrawn", 0
    session.add(other)
