"""A claimed task with what its screen needs, and nothing that the person must not see."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage import claim_queries as queries
from storage import study_queries
from storage.audit_answers import AuditAnswers
from storage.contradictions import read_second_answers
from storage.errors import NotFound
from storage.records import (
    STUDY_KINDS,
    AuditReview,
    Grounding,
    LeakFindings,
    LeakGuess,
    LeakReview,
    Refinement,
    Review,
    ReviewAnswers,
    Scenario,
    TaskKind,
    parse_record,
)
from storage.tables import ClaimRow, ItemRow, RecordRow, TaskRow


@dataclass(frozen=True)
class AuditCase:
    """The answer that a study asks about. Neither the judge's scores nor the model's name are here, or in the query."""

    study_item: int
    asked: str
    """The words that the model was asked with."""
    answer: str
    rubric_version: str
    rubric: str
    """The rubric that the judge scored with, Markdown; in a study of failures the taxonomy, YAML."""
    others: tuple[AuditReview, ...] = ()
    """What the annotators scored; for the consensus only."""
    elsewhere: tuple[tuple[str, AuditAnswers], ...] = ()
    """What some of them scored in Label Studio beside it, with who did; for the consensus only."""


@dataclass(frozen=True)
class FinishedCheck:
    """One person's leakage check, whole."""

    guess: LeakGuess
    findings: LeakFindings
    review: LeakReview


@dataclass(frozen=True)
class Claim:
    """A claimed task with what its screen needs, and nothing that the person must not see."""

    claim_id: str
    task_id: int
    kind: TaskKind
    round: int
    expires_at: datetime
    item: ItemRow
    scenario: Scenario
    grounding: Grounding | None
    draft: dict[str, Any] | None
    others: tuple[Review, ...] = field(default=())
    """The reviews of the round; for adjudication only."""
    guess: LeakGuess | None = None
    """What the person has locked in a leakage check; before it, they must not see more than the query."""
    findings: LeakFindings | None = None
    """Locked next; before it, they must see neither the hazard nor what the machine found."""
    refinements: tuple[Refinement, ...] = field(default=())
    """Of the item; in a leakage check once the findings are locked, and in its adjudication."""
    audit: AuditCase | None = None
    """In a study, of the judge or of failures."""
    checks: tuple[FinishedCheck, ...] = ()
    """The checks that differ, oldest first; for a leakage adjudication only."""
    elsewhere: tuple[tuple[str, ReviewAnswers], ...] = ()
    """What authors of `others` answered in Label Studio beside it, with their names; for adjudication only."""


def describe_claims(*, session: Session, rows: Sequence[ClaimRow]) -> list[Claim]:
    """Return the claims with their items, in the order given."""
    if not rows:
        return []
    whose = {"user_id": rows[0].user_id, "task_ids": [row.task_id for row in rows]}
    work = {task.id: (task, item, draft) for task, item, draft in session.exec(queries.WORK, params=whose)}
    items = [item for _, item, _ in work.values()]
    wanted = [item.scenario_id for item in items] + [item.grounding_id for item in items if item.grounding_id]
    bodies = session.exec(queries.BODIES, params={"numbers": [item.number for item in items], "record_ids": wanted})
    records = {(number, record_id): parse_record(body) for number, record_id, body in bodies}
    audits = _audit_cases(session=session, tasks=[task for task, _, _ in work.values()])
    claims = []
    for row in rows:
        task, item, draft = work[row.task_id]
        scenario = records[task.item_number, item.scenario_id]
        grounding = records.get((task.item_number, item.grounding_id or ""))
        assert isinstance(scenario, Scenario)
        assert grounding is None or isinstance(grounding, Grounding)
        kind = TaskKind(task.kind)
        settles = kind is TaskKind.ADJUDICATION
        others = _round_reviews(session=session, task=task) if settles else ()
        elsewhere = _read_elsewhere(session=session, task=task) if settles else ()
        guess, findings = None, None
        refinements: tuple[Refinement, ...] = ()
        checks: tuple[FinishedCheck, ...] = ()
        if kind is TaskKind.LEAKAGE_CHECK:
            guess, findings = read_locks(session=session, user_id=row.user_id, task=task)
        elif kind is TaskKind.LEAKAGE_ADJUDICATION:
            checks = read_checks(session=session, task=task)
        if findings or checks:
            refinements = _refinements(session=session, task=task)
        claims.append(
            Claim(
                row.id, row.task_id, kind, task.round, row.expires_at, item, scenario, grounding,
                json.loads(draft.body) if draft else None, others, guess, findings, refinements,
                audits.get(row.task_id), checks, elsewhere,
            )
        )  # fmt: skip
    return claims


def read_claim(*, session: Session, user_id: int, claim_id: str) -> Claim:
    """Return one claim of the person's as it stands.

    Raises:
        NotFound: the person has no such claim.
    """
    row = session.exec(select(ClaimRow).where(ClaimRow.id == claim_id, ClaimRow.user_id == user_id)).first()
    if row is None:
        raise NotFound(f"you have no claim {claim_id!r}; claim the item first")
    return describe_claims(session=session, rows=[row])[0]


def read_locks(*, session: Session, user_id: int, task: TaskRow) -> tuple[LeakGuess | None, LeakFindings | None]:
    """Return what the person has locked in the leakage check of the task's round."""
    guess: LeakGuess | None = None
    findings: LeakFindings | None = None
    for body in session.exec(queries.LOCKS, params={"user_id": user_id, "item_number": task.item_number}):
        record = parse_record(body)
        if isinstance(record, LeakGuess) and record.round == task.round:
            guess = record
        elif isinstance(record, LeakFindings) and record.round == task.round:
            findings = record
    return guess, findings


def read_checks(*, session: Session, task: TaskRow) -> tuple[FinishedCheck, ...]:
    """Return the standing leakage checks of the task's item and round, oldest first. Blindness is up to the caller."""
    place = {"item_number": task.item_number, "round": task.round, "kind": TaskKind.LEAKAGE_CHECK.value}
    records = [parse_record(body) for body in session.exec(queries.ROUND_REVIEWS, params=place)]
    reviews = [record for record in records if isinstance(record, LeakReview)]
    wanted = [record_id for review in reviews for record_id in (review.guess_id, review.findings_id)]
    locked = session.exec(queries.BODIES, params={"numbers": [task.item_number], "record_ids": wanted})
    found = {record_id: parse_record(body) for _, record_id, body in locked}
    checks = []
    for review in reviews:
        guess, findings = found[review.guess_id], found[review.findings_id]
        assert isinstance(guess, LeakGuess) and isinstance(findings, LeakFindings)
        checks.append(FinishedCheck(guess, findings, review))
    return tuple(checks)


def _refinements(*, session: Session, task: TaskRow) -> tuple[Refinement, ...]:
    query = select(RecordRow.body).where(RecordRow.item_number == task.item_number, RecordRow.kind == "refinement")
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    return tuple(record for record in records if isinstance(record, Refinement))


def _round_reviews(*, session: Session, task: TaskRow) -> tuple[Review, ...]:
    """The submitted reviews of the task's item and round, oldest first."""
    place = {"item_number": task.item_number, "round": task.round, "kind": TaskKind.SCENARIO_REVIEW.value}
    records = [parse_record(body) for body in session.exec(queries.ROUND_REVIEWS, params=place)]
    return tuple(record for record in records if isinstance(record, Review))


def _read_elsewhere(*, session: Session, task: TaskRow) -> tuple[tuple[str, ReviewAnswers], ...]:
    """Return what reviewers of the task's item and round answered elsewhere as well."""
    reviewed = select(TaskRow.id).where(
        TaskRow.item_number == task.item_number,
        TaskRow.kind == TaskKind.SCENARIO_REVIEW.value,
        TaskRow.round == task.round,
    )
    found = read_second_answers(session=session, task_id=session.exec(reviewed).one())
    return tuple((each.reviewer, ReviewAnswers.model_validate_json(each.answers)) for each in found)


def _audit_cases(*, session: Session, tasks: Sequence[TaskRow]) -> dict[int, AuditCase]:
    """Return the answers that those of the tasks ask about that belong to a study, by task."""
    wanted = [task.id for task in tasks if task.kind in STUDY_KINDS and task.id is not None]
    if not wanted:
        return {}
    cases = {}
    for task_id, consensus, case, version, rubric in session.execute(study_queries.CASES, {"task_ids": wanted}):
        others: tuple[AuditReview, ...] = ()
        elsewhere: tuple[tuple[str, AuditAnswers], ...] = ()
        if consensus:
            others = tuple(study_queries.read_submitted(session=session, task_id=case.task_id))
            found = read_second_answers(session=session, task_id=case.task_id)
            elsewhere = tuple((each.reviewer, AuditAnswers.model_validate_json(each.answers)) for each in found)
        cases[task_id] = AuditCase(case.id, case.asked, case.answer, version, rubric, others, elsewhere)
    return cases
