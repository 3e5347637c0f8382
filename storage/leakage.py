"""Leakage checks: what is locked before more is shown, how many agree, and what follows from it.

A check has three steps. The guess is made from the query alone and locked; then the picture is shown. The findings are
locked; then the hazard and the machine's findings are shown. The outcome comes last, and only it can be undone.

The policy: once `overlap` people have answered, what more than half of them want is done. While there is no such
majority, one more person is asked. A rewrite supersedes the scenario, and the item goes round again.
"""

from collections import Counter
from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.claim_content import read_locks
from storage.claims import HeldClaim, hold_claim, open_task, was_given_elsewhere
from storage.errors import ClaimLost, Conflict, InvalidRecord
from storage.items import advance, attach, get_item, get_scenario, label, revise_scenario
from storage.leak_answers import LeakAnswers, LeakMarks
from storage.records import (
    Edits,
    LeakDecision,
    LeakFindings,
    LeakGuess,
    LeakReview,
    Provenance,
    TaskKind,
    parse_record,
)
from storage.stages import Stage
from storage.tables import ClaimRow, ItemRow, RecordRow, ReviewRow, TaskRow
from storage.texts import utc_now

_LARGEST_OVERLAP = 20


def lock_guess(
    *,
    session: Session,
    user_id: int,
    claim_id: str,
    text: str,
    sure: str = "guess",
    seconds: float = 0.0,
    now: datetime | None = None,
) -> LeakGuess:
    """Keep for good what the person reads from the query alone. The same again changes nothing. The caller commits.

    Raises:
        NotFound: the person has no such claim.
        ClaimLost: the claim is no longer theirs, or they were given the item for review as well.
        Conflict: another guess is locked already.
        InvalidRecord: the claim is for another kind of task.
    """
    now = now or utc_now()
    lock_chain(session=session)
    held = _hold(session=session, user_id=user_id, claim_id=claim_id, now=now)
    guess, _ = read_locks(session=session, user_id=user_id, task=held.task)
    text = " ".join(text.split())
    if guess is not None:
        if guess.text != text:
            raise Conflict(f"your guess on {label(held.task.item_number)} is locked: {guess.text or 'no danger'!r}")
        return guess
    if was_given_elsewhere(session=session, user_id=user_id, task=held.task):
        raise ClaimLost(f"you know {label(held.task.item_number)} from a review or its page; claim another item")
    actor = f"user:{held.person.name}"
    guess = LeakGuess.model_validate(
        {
            "item_id": held.item.id,
            "round": held.task.round,
            "reviewer": held.person.name,
            "text": text,
            "sure": sure,
            "seconds": seconds,
            "parent_id": held.item.scenario_id,
            "provenance": Provenance(actor=actor, tool="storage.leakage.lock_guess", created_at=now),
        }
    )
    attach(session=session, item_id=held.item.id, record=guess, actor=actor, now=now)
    return guess


def lock_findings(
    *, session: Session, user_id: int, claim_id: str, marks: LeakMarks, now: datetime | None = None
) -> LeakFindings:
    """Keep for good what the person finds with the picture. The same again changes nothing. The caller commits.

    Raises:
        NotFound: the person has no such claim.
        ClaimLost: the claim is no longer theirs.
        Conflict: the guess is not locked yet, or other findings are locked already.
        InvalidRecord: the claim is for another kind of task, or a span lies outside the query.
    """
    now = now or utc_now()
    lock_chain(session=session)
    held = _hold(session=session, user_id=user_id, claim_id=claim_id, now=now)
    name = label(held.task.item_number)
    guess, findings = read_locks(session=session, user_id=user_id, task=held.task)
    if guess is None:
        raise Conflict(f"your guess on {name} is not locked yet; lock it first")
    query = get_scenario(session=session, item=held.item).query
    if marks.words and marks.words[-1][1] > len(query):
        raise InvalidRecord(f"span {list(marks.words[-1])} lies outside the query of {len(query)} characters")
    if findings is not None:
        if findings.model_dump(include=set(LeakMarks.model_fields)) != marks.model_dump():
            raise Conflict(f"your findings on {name} are locked; the outcome can still be chosen")
        return findings
    actor = f"user:{held.person.name}"
    findings = LeakFindings(
        **marks.model_dump(),
        item_id=held.item.id,
        round=held.task.round,
        reviewer=held.person.name,
        parent_id=guess.id,
        provenance=Provenance(actor=actor, tool="storage.leakage.lock_findings", created_at=now),
    )
    attach(session=session, item_id=held.item.id, record=findings, actor=actor, now=now)
    return findings


def make_review(*, session: Session, held: HeldClaim, answers: LeakAnswers, now: datetime) -> LeakReview:
    """Return the record of a finished check; `storage.reviews` stores it.

    Raises:
        Conflict: guess or findings are not locked yet.
        InvalidRecord: the rewrite is the query itself, or a guess that names no danger is said to be right.
    """
    assert held.claim.user_id is not None
    guess, findings = read_locks(session=session, user_id=held.claim.user_id, task=held.task)
    if guess is None or findings is None:
        raise Conflict("lock your guess and your findings first; the outcome comes last")
    if not guess.text and answers.guess_named_it != "no":
        raise InvalidRecord("you saw no danger in the words, so guess_named_it must be 'no'")
    if answers.rewrite is not None and answers.rewrite == get_scenario(session=session, item=held.item).query:
        raise InvalidRecord("the rewrite is the query as it stands; change it, or choose another outcome")
    actor = f"user:{held.person.name}"
    return LeakReview(
        **answers.model_dump(),
        item_id=held.item.id,
        round=held.task.round,
        claim_id=held.claim.id,
        reviewer=held.person.name,
        status="submitted",
        guess_id=guess.id,
        findings_id=findings.id,
        provenance=Provenance(actor=actor, tool="storage.reviews.submit_review", created_at=now),
    )


def decide(*, session: Session, task: TaskRow, now: datetime) -> LeakDecision | None:
    """Settle a check that has all its answers, or ask one more person when no majority agrees."""
    reviews = _submitted(session=session, task=task)
    wishes = [review.outcome.value.split("_")[0] for review in reviews]
    wish, count = Counter(wishes).most_common(1)[0]
    if 2 * count <= len(reviews):
        if task.overlap < _LARGEST_OVERLAP:
            task.overlap += 1
            task.open_slots += 1
            session.add(task)
        return None
    item = session.get_one(ItemRow, task.item_number)
    agreeing = [review for review, own in zip(reviews, wishes, strict=True) if own == wish]
    decision = LeakDecision.model_validate(
        {
            "item_id": item.id,
            "round": task.round,
            "outcome": wish,
            "review_ids": tuple(review.id for review in reviews),
            "policy": f"{count} of {len(reviews)} agree",
            "rewrite": agreeing[-1].rewrite,
            "stage_before": item.stage,
            "provenance": Provenance(actor="policy", tool="storage.leakage.decide", created_at=now),
        }
    )
    task.status, task.open_slots = "decided", 0
    session.add(task)
    _apply(session=session, decision=decision, item=item, author=agreeing[-1].provenance.actor, now=now)
    return decision


def begin_round(*, session: Session, item_id: str, old_round: int, actor: str, now: datetime) -> None:
    """After a revision: close what asks about the old wording, and ask the same of the new one."""
    item = get_item(session=session, item_id=item_id)
    old = session.exec(
        select(TaskRow).where(TaskRow.item_number == item.number, TaskRow.round == old_round).with_for_update()
    ).all()
    for task in old:
        if task.status != "decided":
            _withdraw(session=session, task=task)
        if task.kind != TaskKind.ADJUDICATION.value:
            kind = TaskKind(task.kind)
            open_task(session=session, item_id=item_id, kind=kind, overlap=task.overlap, actor=actor, now=now)


def reopen(*, session: Session, task: TaskRow, item: ItemRow, actor: str, now: datetime) -> None:
    """Take back what was decided on the strength of the check, because its author undoes one."""
    last = _last_decision(session=session, item=item)
    assert last is not None
    taken_back = LeakDecision(
        item_id=item.id,
        round=task.round,
        outcome=None,
        review_ids=last.review_ids,
        policy="undo",
        stage_before=item.stage,
        provenance=Provenance(actor=actor, tool="storage.undo.undo_review", created_at=now),
        parent_id=last.id,
    )
    moved = last.outcome == "reject" and last.stage_before != item.stage
    to = Stage(last.stage_before) if moved else None
    _write(session=session, decision=taken_back, to=to, now=now)
    task.status, task.open_slots = "open", task.overlap - task.submitted
    session.add(task)
    if moved:
        _open_closed(session=session, item=item)


def check_not_rejected(*, session: Session, item: ItemRow) -> None:
    """Return if no leakage check has rejected the item.

    Raises:
        Conflict: one has; what the reviewers said then stands.
    """
    last = _last_decision(session=session, item=item)
    if item.stage == Stage.REJECTED.value and last is not None and last.outcome == "reject":
        raise Conflict(f"the leakage check rejected {label(item.number or 0)}; its reviews stand")


def _apply(*, session: Session, decision: LeakDecision, item: ItemRow, author: str, now: datetime) -> None:
    """Write the decision and do what it says. What is released or rejected already stays as it is."""
    stage = Stage(item.stage)
    in_review = stage in (Stage.REFINED, Stage.REVIEWED)
    if decision.outcome == "reject" and in_review:
        _write(session=session, decision=decision, to=Stage.REJECTED, now=now)
        _close_open(session=session, item=item)
        return
    rewrites = decision.outcome == "rewrite" and in_review
    back = Stage.REFINED if rewrites and stage is Stage.REVIEWED else None
    _write(session=session, decision=decision, to=back, now=now)
    if not rewrites:
        return
    edits = Edits(query=decision.rewrite)
    reason = f"leakage check, {decision.policy}"
    revise_scenario(session=session, item_id=item.id, edits=edits, reason=reason, actor=author, now=now)
    begin_round(session=session, item_id=item.id, old_round=decision.round, actor=author, now=now)


def _write(*, session: Session, decision: LeakDecision, to: Stage | None, now: datetime) -> None:
    item_id, actor = decision.item_id, decision.provenance.actor
    if to is None:
        attach(session=session, item_id=item_id, record=decision, actor=actor, now=now)
    else:
        advance(session=session, item_id=item_id, to=to, record=decision, actor=actor, now=now)
    payload = {"record": decision.id, "outcome": decision.outcome or "reopened", "round": decision.round}
    record_event(session=session, actor=actor, tag=Tag.DECISION_MADE, subject=item_id, payload=payload, now=now)


def _close_open(*, session: Session, item: ItemRow) -> None:
    query = select(TaskRow).where(TaskRow.item_number == item.number, col(TaskRow.status) == "open")
    for task in session.exec(query.with_for_update()).all():
        _withdraw(session=session, task=task)


def _open_closed(*, session: Session, item: ItemRow) -> None:
    """Open again what the rejection closed."""
    query = select(TaskRow).where(TaskRow.item_number == item.number, TaskRow.round == item.round)
    tasks = {task.kind: task for task in session.exec(query.with_for_update()).all()}
    review = tasks.get(TaskKind.SCENARIO_REVIEW.value)
    settling = tasks.get(TaskKind.ADJUDICATION.value)
    wanted = settling if review is not None and review.status == "adjudicating" else review
    if wanted is not None and wanted.status == "withdrawn":
        wanted.status, wanted.open_slots = "open", wanted.overlap - wanted.submitted
        session.add(wanted)


def _withdraw(*, session: Session, task: TaskRow) -> None:
    for claim in session.exec(select(ClaimRow).where(ClaimRow.task_id == task.id, ClaimRow.state == "active")):
        claim.state = "released"
        session.add(claim)
    task.status, task.open_slots = "withdrawn", 0
    session.add(task)


def _hold(*, session: Session, user_id: int, claim_id: str, now: datetime) -> HeldClaim:
    held = hold_claim(session=session, user_id=user_id, claim_id=claim_id, now=now)
    if held.task.kind != TaskKind.LEAKAGE_CHECK.value:
        raise InvalidRecord(f"claim {claim_id!r} is for {held.task.kind}; nothing is locked there")
    return held


def _submitted(*, session: Session, task: TaskRow) -> list[LeakReview]:
    query = (
        select(RecordRow.body)
        .join(
            ReviewRow,
            (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
        )
        .where(ReviewRow.task_id == task.id, ReviewRow.status == "submitted")
        .order_by(col(ReviewRow.id))
    )
    records = [parse_record(body) for body in session.exec(query)]
    return [record for record in records if isinstance(record, LeakReview)]


def _last_decision(*, session: Session, item: ItemRow) -> LeakDecision | None:
    query = select(RecordRow.body).where(RecordRow.item_number == item.number, RecordRow.kind == "leak_decision")
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    found = [record for record in records if isinstance(record, LeakDecision) and record.round == item.round]
    return found[-1] if found else None
