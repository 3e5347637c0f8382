"""Leakage checks: what is locked before more is shown, how many agree, and what follows from it.

A check has three steps. The guess is made from the query alone and locked; then the picture is shown. The findings are
locked; then the hazard and the machine's findings are shown. The outcome comes last, and only it can be undone.

The policy: once `overlap` people have answered, what more than half of them want is done. Without such a majority an
adjudicator settles it: somebody who gave none of the answers sees all of them, and sides with one or gives a new one,
with a reason. A rewrite supersedes the scenario, and the item goes round again.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from storage.audit import Tag, lock_chain, record_event
from storage.claim_content import read_checks, read_locks
from storage.claims import HeldClaim, hold_claim, open_task, was_given_elsewhere, withdraw_task
from storage.errors import ClaimLost, Conflict, InvalidRecord
from storage.items import advance, attach, get_item, get_scenario, label, revise_scenario
from storage.leak_answers import LeakAnswers, LeakMarks, LeakOutcome, LeakSettlement
from storage.records import (
    SETTLING_KINDS,
    Edits,
    LeakAdjudication,
    LeakDecision,
    LeakFindings,
    LeakGuess,
    LeakReview,
    Provenance,
    TaskKind,
    parse_record,
)
from storage.stages import Stage
from storage.tables import DraftRow, ItemRow, RecordRow, ReviewRow, TaskRow
from storage.texts import utc_now


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
    _check_spans(marks, query=get_scenario(session=session, item=held.item).query)
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
    _check_rewrite(answers.rewrite, query=get_scenario(session=session, item=held.item).query)
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


def make_adjudication(*, session: Session, held: HeldClaim, answers: LeakSettlement, now: datetime) -> LeakAdjudication:
    """Return the record of a settled difference, the answer sided with written out; `storage.reviews` stores it.

    Raises:
        InvalidRecord: there is no reason or no such answer, a span lies outside the query, or nothing is rewritten.
    """
    if not answers.note.strip():
        raise InvalidRecord("an adjudication needs a note that gives the reason")
    values = answers.model_dump() | {"sided_with": None}
    if answers.side is not None:
        checks = read_checks(session=session, task=held.task)
        place = ord(answers.side) - ord("A")
        if place >= len(checks):
            raise InvalidRecord(f"there is no answer {answers.side}; the last one is {chr(ord('A') + len(checks) - 1)}")
        chosen = checks[place]
        values |= {
            "sided_with": chosen.review.id,
            "marks": chosen.findings.model_dump(include=set(LeakMarks.model_fields)),
            "outcome": chosen.review.outcome,
            "rewrite": chosen.review.rewrite,
        }
    elif answers.marks is not None:
        query = get_scenario(session=session, item=held.item).query
        _check_spans(answers.marks, query=query)
        _check_rewrite(answers.rewrite, query=query)
    actor = f"user:{held.person.name}"
    return LeakAdjudication.model_validate(
        values
        | {
            "item_id": held.item.id,
            "round": held.task.round,
            "claim_id": held.claim.id,
            "reviewer": held.person.name,
            "status": "submitted",
            "provenance": Provenance(actor=actor, tool="storage.reviews.submit_review", created_at=now),
        }
    )


def decide(*, session: Session, task: TaskRow, now: datetime) -> LeakDecision | None:
    """Settle a check that has all its answers, or give it to an adjudicator when no majority agrees."""
    if task.kind == TaskKind.LEAKAGE_ADJUDICATION.value:
        return _settle_difference(session=session, task=task, now=now)
    reviews = [check.review for check in read_checks(session=session, task=task)]
    wishes = [_name_wish(review.outcome) for review in reviews]
    wish, count = Counter(wishes).most_common(1)[0]
    item = session.get_one(ItemRow, task.item_number)
    task.status, task.open_slots = "adjudicating", 0
    session.add(task)
    if 2 * count <= len(reviews):
        open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_ADJUDICATION, overlap=1, now=now)
        return None
    task.status = "decided"
    last = [review for review, own in zip(reviews, wishes, strict=True) if own == wish][-1]
    policy = f"{count} of {len(reviews)} agree"
    return _apply(session=session, task=task, item=item, last=last, reviews=reviews, policy=policy, now=now)


def _settle_difference(*, session: Session, task: TaskRow, now: datetime) -> LeakDecision:
    """Do what the adjudicator says, as if all had wanted it."""
    checked = _find_check(session=session, task=task)
    (settled,) = _read_adjudications(session=session, task=task)
    task.status = checked.status = "decided"
    task.open_slots = 0
    session.add_all((task, checked))
    reviews: list[LeakReview | LeakAdjudication] = [check.review for check in read_checks(session=session, task=task)]
    reviews.append(settled)
    item = session.get_one(ItemRow, task.item_number)
    return _apply(session=session, task=task, item=item, last=settled, reviews=reviews, policy="adjudicator", now=now)


def begin_round(*, session: Session, item_id: str, old_round: int, actor: str, now: datetime) -> None:
    """After a revision: close what asks about the old wording, and ask the same of the new one."""
    item = get_item(session=session, item_id=item_id)
    old = session.exec(
        select(TaskRow).where(TaskRow.item_number == item.number, TaskRow.round == old_round).with_for_update()
    ).all()
    for task in old:
        if task.status != "decided":
            withdraw_task(session=session, task=task)
        kind = TaskKind(task.kind)
        if kind not in SETTLING_KINDS:
            open_task(session=session, item_id=item_id, kind=kind, overlap=task.overlap, actor=actor, now=now)


def reopen(*, session: Session, task: TaskRow, item: ItemRow, actor: str, now: datetime) -> None:
    """Take back what rests on the task's answers, because the author of one undoes it.

    Raises:
        Conflict: the difference was settled, so that the checks behind it stand.
    """
    if task.kind == TaskKind.LEAKAGE_CHECK.value:
        _withdraw_adjudication(session=session, task=task)
    else:
        checked = _find_check(session=session, task=task)
        checked.status = "adjudicating"
        session.add(checked)
    if task.status == "decided":
        _take_back(session=session, task=task, item=item, actor=actor, now=now)
    task.status, task.open_slots = "open", task.overlap - task.submitted
    session.add(task)


def _withdraw_adjudication(*, session: Session, task: TaskRow) -> None:
    """Nothing differs while an answer is taken back. Drafts go too: they name answers by their letters."""
    query = select(TaskRow).where(
        TaskRow.item_number == task.item_number,
        TaskRow.kind == TaskKind.LEAKAGE_ADJUDICATION.value,
        TaskRow.round == task.round,
    )
    other = session.exec(query.with_for_update()).first()
    if other is None or other.status == "withdrawn":
        return
    if other.status != "open":
        raise Conflict(f"an adjudicator has settled {label(task.item_number)}; the checks behind it stand")
    withdraw_task(session=session, task=other)
    session.exec(delete(DraftRow).where(col(DraftRow.task_id) == other.id))


def _take_back(*, session: Session, task: TaskRow, item: ItemRow, actor: str, now: datetime) -> None:
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


def _apply(
    *,
    session: Session,
    task: TaskRow,
    item: ItemRow,
    last: LeakReview | LeakAdjudication,
    reviews: Sequence[LeakReview | LeakAdjudication],
    policy: str,
    now: datetime,
) -> LeakDecision:
    """Write the decision and do what `last` wants. What is released or rejected already stays as it is."""
    decision = LeakDecision.model_validate(
        {
            "item_id": item.id,
            "round": task.round,
            "outcome": _name_wish(last.outcome),
            "review_ids": tuple(review.id for review in reviews),
            "policy": policy,
            "rewrite": last.rewrite,
            "stage_before": item.stage,
            "provenance": Provenance(actor="policy", tool="storage.leakage.decide", created_at=now),
        }
    )
    stage = Stage(item.stage)
    in_review = stage in (Stage.REFINED, Stage.REVIEWED)
    if decision.outcome == "reject" and in_review:
        _write(session=session, decision=decision, to=Stage.REJECTED, now=now)
        _close_open(session=session, item=item)
        return decision
    rewrites = decision.outcome == "rewrite" and in_review
    back = Stage.REFINED if rewrites and stage is Stage.REVIEWED else None
    _write(session=session, decision=decision, to=back, now=now)
    if not rewrites:
        return decision
    edits, author = Edits(query=decision.rewrite), last.provenance.actor
    reason = f"leakage check, {decision.policy}"
    revise_scenario(session=session, item_id=item.id, edits=edits, reason=reason, actor=author, now=now)
    begin_round(session=session, item_id=item.id, old_round=decision.round, actor=author, now=now)
    return decision


def _name_wish(outcome: LeakOutcome) -> str:
    """`clean`, `rewrite` or `reject`: generic and covert are one wish."""
    return outcome.value.split("_")[0]


def _check_spans(marks: LeakMarks, *, query: str) -> None:
    if marks.words and marks.words[-1][1] > len(query):
        raise InvalidRecord(f"span {list(marks.words[-1])} lies outside the query of {len(query)} characters")


def _check_rewrite(rewrite: str | None, *, query: str) -> None:
    if rewrite == query:
        raise InvalidRecord("the rewrite is the query as it stands; change it, or choose another outcome")


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
        withdraw_task(session=session, task=task)


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


def _hold(*, session: Session, user_id: int, claim_id: str, now: datetime) -> HeldClaim:
    held = hold_claim(session=session, user_id=user_id, claim_id=claim_id, now=now)
    if held.task.kind != TaskKind.LEAKAGE_CHECK.value:
        raise InvalidRecord(f"claim {claim_id!r} is for {held.task.kind}; nothing is locked there")
    return held


def _find_check(*, session: Session, task: TaskRow) -> TaskRow:
    """Return the check whose difference the task settles, locked."""
    query = select(TaskRow).where(
        TaskRow.item_number == task.item_number,
        TaskRow.kind == TaskKind.LEAKAGE_CHECK.value,
        TaskRow.round == task.round,
    )
    return session.exec(query.with_for_update()).one()


def _read_adjudications(*, session: Session, task: TaskRow) -> list[LeakAdjudication]:
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
    return [record for record in records if isinstance(record, LeakAdjudication)]


def _last_decision(*, session: Session, item: ItemRow) -> LeakDecision | None:
    query = select(RecordRow.body).where(RecordRow.item_number == item.number, RecordRow.kind == "leak_decision")
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    found = [record for record in records if isinstance(record, LeakDecision) and record.round == item.round]
    return found[-1] if found else None
