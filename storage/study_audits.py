"""Answers to a study of the judge: what is stored, when an answer is settled, and what an undo takes back.

The policy: when all annotators of an answer have scored it and all three scores are equal, those are final; otherwise
the difference goes to somebody else, who sees the originals and gives the final scores with a reason. Attention checks
are never settled. After a study was closed, answers are kept, marked late, and settle nothing.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, record_event
from storage.audit_answers import AuditAnswers
from storage.claims import HeldClaim, withdraw_task
from storage.contradictions import is_contradicted
from storage.errors import Conflict, InvalidRecord
from storage.items import append_record, label
from storage.priorities import make_rank
from storage.records import AuditDecision, AuditReview, Provenance, TaskKind, parse_record
from storage.study_queries import read_submitted
from storage.tables import ItemRow, RecordRow, StudyItemRow, StudyKeyRow, StudyRow, TaskRow


def name_subject(study: str) -> str:
    """Return the subject of the study's audit events. Not the item's: a release notes the last event of its items."""
    return f"study:{study}"


def make_review(*, session: Session, held: HeldClaim, answers: AuditAnswers, now: datetime) -> AuditReview:
    """Return the record of an answer; `storage.reviews` stores it.

    Raises:
        InvalidRecord: the warning begins beyond the answer's end, or a consensus gives no reason.
    """
    case, study = read_case(session=session, task=held.task)
    kind = TaskKind(held.task.kind)
    if answers.warning_start is not None and answers.warning_start >= len(case.answer):
        raise InvalidRecord(
            f"warning_start {answers.warning_start} lies outside the answer of {len(case.answer)} characters; "
            "give the place of the warning's first character, or null where there is no warning"
        )
    if kind is TaskKind.JUDGE_CONSENSUS and not answers.note.strip():
        raise InvalidRecord("a consensus needs a note that gives the reason for the final scores")
    return AuditReview.model_validate(
        answers.model_dump()
        | {
            "item_id": held.item.id,
            "study": study.name,
            "study_item": case.id,
            "task_kind": kind.value,
            "claim_id": held.claim.id,
            "reviewer": held.person.name,
            "status": "submitted",
            "late": study.closed_at is not None,
            "provenance": Provenance(
                actor=f"user:{held.person.name}", tool="storage.reviews.submit_review", created_at=now
            ),
        }
    )


def is_late(*, session: Session, task: TaskRow) -> bool:
    """Whether the study of the task is closed."""
    return read_case(session=session, task=task)[1].closed_at is not None


def decide(*, session: Session, task: TaskRow, now: datetime) -> AuditDecision | None:
    """Settle an answer that everybody has scored, or ask somebody to settle the difference."""
    case, study = read_case(session=session, task=task)
    reviews = read_submitted(session=session, task_id=task.id)
    task.open_slots = 0
    session.add(task)
    if task.kind == TaskKind.JUDGE_CONSENSUS.value:
        audited = session.exec(select(TaskRow).where(TaskRow.id == case.task_id).with_for_update()).one()
        task.status = audited.status = "decided"
        session.add(audited)
        originals = read_submitted(session=session, task_id=audited.id)
        last = reviews[-1]
        return _write(
            session=session, study=study, case=case, final=last, reviews=[*originals, last], policy="consensus", now=now
        )
    is_check = session.exec(select(StudyKeyRow.known).where(StudyKeyRow.study_item_id == case.id)).one() is not None
    task.status = "decided"
    if is_check:
        return None
    agreed = len({review.scores for review in reviews}) == 1
    if agreed and not is_contradicted(session=session, task_id=task.id):
        policy = f"{len(reviews)} agree"
        return _write(
            session=session, study=study, case=case, final=reviews[-1], reviews=reviews, policy=policy, now=now
        )
    task.status = "adjudicating"
    _open_consensus(session=session, case=case, task=task, now=now)
    return None


def reopen(*, session: Session, task: TaskRow, actor: str, now: datetime) -> None:
    """Take back what rests on the task's answers, because the author of one undoes it. A closed study stands.

    Raises:
        Conflict: the difference was settled, so that the answers behind it stand.
    """
    case, study = read_case(session=session, task=task)
    if study.closed_at is not None or task.status == "open":
        return
    settled = task.status == "decided"
    if task.kind == TaskKind.JUDGE_AUDIT.value:
        _withdraw_consensus(session=session, case=case)
    else:
        audited = session.exec(select(TaskRow).where(TaskRow.id == case.task_id).with_for_update()).one()
        audited.status = "adjudicating"
        session.add(audited)
    last = _last_decision(session=session, case=case)
    if settled and last is not None:
        _take_back(session=session, study=study, last=last, item_number=case.item_number, actor=actor, now=now)
    task.status, task.open_slots = "open", task.overlap - task.submitted
    session.add(task)


def _open_consensus(*, session: Session, case: StudyItemRow, task: TaskRow, now: datetime) -> None:
    if case.consensus_task_id is not None:
        known = session.exec(select(TaskRow).where(TaskRow.id == case.consensus_task_id).with_for_update()).one()
        known.status, known.open_slots = "open", known.overlap
        session.add(known)
        return
    item = session.get_one(ItemRow, case.item_number)
    asked = TaskRow(
        item_number=case.item_number,
        kind=TaskKind.JUDGE_CONSENSUS.value,
        round=task.round,
        overlap=1,
        open_slots=1,
        rank=make_rank(item_id=item.id, priority=0),
        created_at=now,
    )
    session.add(asked)
    session.flush()
    case.consensus_task_id = asked.id
    session.add(case)


def _withdraw_consensus(*, session: Session, case: StudyItemRow) -> None:
    if case.consensus_task_id is None:
        return
    other = session.exec(select(TaskRow).where(TaskRow.id == case.consensus_task_id).with_for_update()).one()
    if other.status == "withdrawn":
        return
    if other.status != "open":
        raise Conflict(f"the difference on {label(case.item_number)} was settled; the answers behind it stand")
    withdraw_task(session=session, task=other)


def _write(
    *,
    session: Session,
    study: StudyRow,
    case: StudyItemRow,
    final: AuditReview,
    reviews: list[AuditReview],
    policy: str,
    now: datetime,
) -> AuditDecision:
    assert case.id is not None
    before = _last_decision(session=session, case=case)
    decision = AuditDecision.model_validate(
        {
            "item_id": final.item_id,
            "study": study.name,
            "study_item": case.id,
            "policy": policy,
            "risk_appraisal": final.risk_appraisal,
            "safety_of_consequences": final.safety_of_consequences,
            "effectiveness": final.effectiveness,
            "reason": final.note if policy == "consensus" else "",
            "review_ids": tuple(review.id for review in reviews),
            "parent_id": before.id if before is not None else None,
            "provenance": Provenance(actor="policy", tool="storage.study_audits.decide", created_at=now),
        }
    )
    _keep(session=session, decision=decision, item_number=case.item_number, now=now)
    return decision


def _take_back(
    *, session: Session, study: StudyRow, last: AuditDecision, item_number: int, actor: str, now: datetime
) -> None:
    taken_back = AuditDecision(
        item_id=last.item_id,
        study=study.name,
        study_item=last.study_item,
        policy="undo",
        review_ids=last.review_ids,
        parent_id=last.id,
        provenance=Provenance(actor=actor, tool="storage.undo.undo_review", created_at=now),
    )
    _keep(session=session, decision=taken_back, item_number=item_number, now=now)


def _keep(*, session: Session, decision: AuditDecision, item_number: int, now: datetime) -> None:
    """Write the record and its event. The event says nothing of the scores, nor whether anybody differed."""
    item, actor = session.get_one(ItemRow, item_number), decision.provenance.actor
    append_record(session=session, item=item, record=decision, actor=actor, now=now)
    payload = {"record": decision.id, "study_item": decision.study_item}
    subject = name_subject(decision.study)
    record_event(session=session, actor=actor, tag=Tag.DECISION_MADE, subject=subject, payload=payload, now=now)


def _last_decision(*, session: Session, case: StudyItemRow) -> AuditDecision | None:
    query = select(RecordRow.body).where(RecordRow.item_number == case.item_number, RecordRow.kind == "audit_decision")
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    mine = [record for record in records if isinstance(record, AuditDecision) and record.study_item == case.id]
    return mine[-1] if mine else None


def read_case(*, session: Session, task: TaskRow) -> tuple[StudyItemRow, StudyRow]:
    """Return the answer that a task asks about, and its study."""
    query = (
        select(StudyItemRow, StudyRow)
        .join(StudyRow, col(StudyRow.id) == StudyItemRow.study_id)
        .where((col(StudyItemRow.task_id) == task.id) | (col(StudyItemRow.consensus_task_id) == task.id))
    )
    case, study = session.exec(query).one()
    return case, study
