"""Reviews: submitting and deciding; `storage.undo` takes them back, `storage.review_access` says who may see whose.

The policy: when `overlap` people have answered and all approve, or all reject, the item moves; otherwise an
adjudicator settles it. An agreed revision also goes to the adjudicator, because somebody has to make the change.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from storage import leakage, study_audits, study_failures
from storage.audit import Tag, lock_chain, record_event
from storage.audit_answers import AuditAnswers
from storage.claim_content import Claim
from storage.claims import (
    CLAIM_TTL_S,
    HeldClaim,
    add_flag,
    claim_next,
    discard_draft,
    hold_claim,
    open_task,
    release_claim,
    renew_claim,
    save_draft,
    unskip,
)
from storage.contradictions import is_contradicted
from storage.errors import Conflict, InvalidRecord
from storage.failure_answers import FailureAnswers
from storage.items import advance, append_record, attach, revise_scenario
from storage.leak_answers import LeakAnswers, LeakSettlement
from storage.records import (
    STUDY_KINDS,
    AuditDecision,
    AuditReview,
    Decision,
    Edits,
    FailureReview,
    LeakAdjudication,
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
from storage.study_frozen import StudyReview
from storage.tables import DecisionRow, ItemRow, RecordRow, ReviewRow, TaskRow
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
    "unskip",
    "visible_reviews",
]

Answers = ReviewAnswers | LeakAnswers | LeakSettlement | AuditAnswers | FailureAnswers
"""What a person sends."""
CONTRADICTED = "a reviewer answered differently in Label Studio"
AnyReview = Review | LeakReview | LeakAdjudication | AuditReview | FailureReview
"""The record of it."""
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
    answers: Answers,
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
        verdict=_name_verdict(review),
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
        review_id=row.id, record_id=review.id, item_id=review.item_id, kind=TaskKind(review.task_kind), repeated=False
    )


def decide(
    *, session: Session, task_id: int, now: datetime | None = None
) -> Decision | LeakDecision | AuditDecision | None:
    """Settle a task that has all its answers; None while it waits for more. The caller commits.

    Called by `submit_review`; calling it again changes nothing.
    """
    now = now or utc_now()
    lock_chain(session=session)
    task = session.get_one(TaskRow, task_id)
    if task.status != "open" or task.submitted < task.overlap:
        return None
    if task.kind in (TaskKind.LEAKAGE_CHECK, TaskKind.LEAKAGE_ADJUDICATION):
        return leakage.decide(session=session, task=task, now=now)
    if task.kind == TaskKind.FAILURE_LABELS.value:
        study_failures.decide(session=session, task=task)
        return None
    if task.kind in STUDY_KINDS:
        return study_audits.decide(session=session, task=task, now=now)
    reviews = read_submitted(session=session, task_id=task.id)
    if task.kind == TaskKind.ADJUDICATION.value:
        return _apply_adjudication(session=session, task=task, review=reviews[-1], now=now)
    verdicts = {review.verdict for review in reviews}
    agreed = verdicts.pop() if len(verdicts) == 1 else None
    policy = f"{task.overlap} agreeing"
    contradicted = is_contradicted(session=session, task_id=task.id)
    if not contradicted and (agreed is Verdict.APPROVE or agreed is Verdict.REJECT):
        return _settle(
            session=session, task=task, reviews=reviews, outcome=Outcome(agreed.value), policy=policy, now=now
        )
    reason = "all ask for a revision" if agreed is Verdict.REVISE else "the reviewers differ"
    if contradicted and agreed is not None:
        reason = CONTRADICTED
    decision = _settle(
        session=session, task=task, reviews=reviews, outcome=Outcome.ADJUDICATE, policy=policy, reason=reason, now=now
    )
    open_task(session=session, item_id=decision.item_id, kind=TaskKind.ADJUDICATION, overlap=1, now=now)
    return decision


def _check_answers(*, kind: TaskKind, answers: ReviewAnswers) -> None:
    if kind is not TaskKind.ADJUDICATION:
        return
    if not answers.note.strip():
        raise InvalidRecord("an adjudication needs a note that gives the reason")
    if answers.verdict is Verdict.REVISE and not answers.edits:
        raise InvalidRecord("an adjudicator who revises makes the change: edit the query or the scene")


def shape_of(kind: TaskKind) -> type[Answers]:
    """Return what is answered to a task of this kind."""
    if kind is TaskKind.FAILURE_LABELS:
        return FailureAnswers
    if kind in STUDY_KINDS:
        return AuditAnswers
    if kind is TaskKind.LEAKAGE_CHECK:
        return LeakAnswers
    return LeakSettlement if kind is TaskKind.LEAKAGE_ADJUDICATION else ReviewAnswers


def _name_verdict(review: AnyReview) -> str:
    if isinstance(review, AuditReview):
        return "scored"  # which scores, the record alone says
    if isinstance(review, FailureReview):
        return "labelled"
    return (review.verdict if isinstance(review, Review) else review.outcome).value


def subject_of(review: AnyReview) -> str:
    return study_audits.name_subject(review.study) if isinstance(review, StudyReview) else review.item_id


def _make_review(*, session: Session, held: HeldClaim, answers: Answers, now: datetime) -> AnyReview:
    claim, task, item = held.claim, held.task, held.item
    kind = TaskKind(task.kind)
    if not isinstance(answers, shape_of(kind)):
        raise InvalidRecord(f"these answers do not fit a task of kind {kind.value}; send the shape of that kind")
    if isinstance(answers, LeakAnswers):
        return leakage.make_review(session=session, held=held, answers=answers, now=now)
    if isinstance(answers, LeakSettlement):
        return leakage.make_adjudication(session=session, held=held, answers=answers, now=now)
    if isinstance(answers, AuditAnswers):
        return study_audits.make_review(session=session, held=held, answers=answers, now=now)
    if isinstance(answers, FailureAnswers):
        return study_failures.make_review(session=session, held=held, answers=answers, now=now)
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


def _store_review(*, session: Session, held: HeldClaim, review: AnyReview, now: datetime) -> None:
    """Write the record and its event; count it on the task and close the claim."""
    claim, task, item = held.claim, held.task, held.item
    actor = review.provenance.actor
    append_record(session=session, item=item, record=review, actor=actor, now=now)
    claim.state = "submitted"
    task.submitted += 1
    session.add_all((claim, task))
    discard_draft(session=session, user_id=claim.user_id, task_id=claim.task_id)
    payload = {"record": review.id, "task": task.kind, "round": task.round}
    subject = subject_of(review)
    record_event(session=session, actor=actor, tag=Tag.REVIEW_SUBMITTED, subject=subject, payload=payload, now=now)


def _repeat(*, session: Session, earlier: ReviewRow, request_sha256: str, key: str) -> SubmittedReview:
    if earlier.request_sha256 != request_sha256:
        raise Conflict(f"idempotency_key {key!r} was used before for other answers; use a new key for each review")
    item = session.get_one(ItemRow, earlier.item_number)
    assert earlier.id is not None
    kind = TaskKind(session.get_one(TaskRow, earlier.task_id).kind)
    return SubmittedReview(review_id=earlier.id, record_id=earlier.record_id, item_id=item.id, kind=kind, repeated=True)


def read_submitted(*, session: Session, task_id: int | None) -> list[Review]:
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
        parent_id=find_last_decision(session=session, task=task),
        provenance=Provenance(actor="policy", tool="storage.reviews.decide", created_at=now),
    )
    stage = {Outcome.APPROVE: Stage.REVIEWED, Outcome.REJECT: Stage.REJECTED}.get(outcome)
    record_decision(session=session, task=task, decision=decision, stage=stage, now=now)
    task.status = "adjudicating" if outcome is Outcome.ADJUDICATE else "decided"
    task.open_slots = 0
    session.add(task)
    return decision


def find_last_decision(*, session: Session, task: TaskRow) -> str | None:
    """Return the record id of what was decided last about a task, which the next decision supersedes.

    Without it, one that says the same as an earlier one, of the same reviews, would be the same record.
    """
    query = select(DecisionRow.record_id).where(
        DecisionRow.item_number == task.item_number, DecisionRow.task_id == task.id
    )
    return session.exec(query.order_by(col(DecisionRow.id).desc()).limit(1)).first()


def record_decision(*, session: Session, task: TaskRow, decision: Decision, stage: Stage | None, now: datetime) -> None:
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
    reviews = [*read_submitted(session=session, task_id=origin.id), review]
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
