"""The queries of a study's tasks: blindness, and each person's own order, are part of them.

Nothing here reads `StudyKeyRow`, which holds the judge's scores and says what is an attention check.
"""

import sqlalchemy
from sqlalchemy import ColumnElement, bindparam, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from storage.audit_records import AuditReview
from storage.records import TaskKind, parse_record
from storage.tables import ClaimRow, RecordRow, ReviewRow, StudyItemRow, StudyRow, StudyTextRow, TaskRow
from storage.texts import hash_json

TAKEN_STATES = ("active", "submitted", "skipped", "seen")
"""A person with a claim in one of these is not offered the task again."""

CASES = (
    sqlalchemy.select(
        col(TaskRow.id),
        col(StudyItemRow.consensus_task_id) == col(TaskRow.id),
        StudyItemRow,
        col(StudyRow.rubric_version),
        col(StudyTextRow.body),
    )
    .join(
        StudyItemRow,
        or_(col(StudyItemRow.task_id) == col(TaskRow.id), col(StudyItemRow.consensus_task_id) == col(TaskRow.id)),
    )
    .join(StudyRow, col(StudyRow.id) == StudyItemRow.study_id)
    .join(StudyTextRow, (col(StudyTextRow.study_id) == StudyRow.id) & (col(StudyTextRow.kind) == "rubric"))
    .where(col(TaskRow.id).in_(bindparam("task_ids", expanding=True)))
)

SUBMITTED = (
    select(RecordRow.body)
    .join(
        ReviewRow,
        (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
    )
    .where(ReviewRow.task_id == bindparam("task_id"), ReviewRow.status == "submitted")
    .order_by(col(ReviewRow.id))
)


def _wants_somebody_else(kind: TaskKind) -> list[ColumnElement[bool]]:
    """Open tasks of the kind that want somebody and have not had this person."""
    return [
        col(TaskRow.kind) == kind.value,
        col(TaskRow.status) == "open",
        col(TaskRow.open_slots) > 0,
        ~exists().where(
            col(ClaimRow.task_id) == TaskRow.id,
            col(ClaimRow.user_id) == bindparam("user_id"),
            col(ClaimRow.state).in_(TAKEN_STATES),
        ),
    ]


def _was_shown_the_scores() -> ColumnElement[bool]:
    """Whether the person was ever given the consensus of the audited answer, and with it what others scored."""
    return exists().where(
        col(StudyItemRow.task_id) == TaskRow.id,
        col(ClaimRow.task_id) == StudyItemRow.consensus_task_id,
        col(ClaimRow.user_id) == bindparam("user_id"),
    )


SHOWN_THE_SCORES = select(TaskRow.id).where(TaskRow.id == bindparam("task_id"), _was_shown_the_scores())

_Own = aliased(StudyItemRow)
_Other = aliased(StudyItemRow)
_OtherTask = aliased(TaskRow)
_SAME_ANSWER = (
    col(_Other.item_number) == _Own.item_number,
    col(_Other.answer) == _Own.answer,
    col(_OtherTask.id) == _Other.task_id,
)


def _knows_that_it_failed() -> ColumnElement[bool]:
    """Whether the person was ever asked how the same answer fails, and so knows that the judge has failed it."""
    return exists().where(
        *_SAME_ANSWER,
        col(_OtherTask.kind) == TaskKind.FAILURE_LABELS.value,
        col(ClaimRow.task_id) == _OtherTask.id,
        col(ClaimRow.user_id) == bindparam("user_id"),
    )


KNOWS_THAT_IT_FAILED = (
    select(TaskRow.id)
    .join(_Own, col(_Own.task_id) == TaskRow.id)
    .where(TaskRow.id == bindparam("task_id"), _knows_that_it_failed())
)


def _is_to_be_scored_blind() -> ColumnElement[bool]:
    """Whether a study of the judge still wants the same answer scored, and the person has not done it."""
    return exists().where(
        *_SAME_ANSWER,
        col(_OtherTask.kind) == TaskKind.JUDGE_AUDIT.value,
        col(_OtherTask.status) == "open",
        ~exists().where(
            col(ClaimRow.task_id) == _OtherTask.id,
            col(ClaimRow.user_id) == bindparam("user_id"),
            col(ClaimRow.state).in_(("submitted", "seen")),
        ),
    )


def _free_cases(kind: TaskKind):  # type: ignore[no-untyped-def]  # the type of a select is longer than the function
    known = _knows_that_it_failed() if kind is TaskKind.JUDGE_AUDIT else _is_to_be_scored_blind()
    return (
        select(TaskRow.id, _Own.id, StudyRow.id, StudyRow.seed)
        .join(_Own, col(_Own.task_id) == TaskRow.id)
        .join(StudyRow, col(StudyRow.id) == _Own.study_id)
        .where(*_wants_somebody_else(kind), ~_was_shown_the_scores(), ~known)
    )


_FREE_CASES = {kind: _free_cases(kind) for kind in (TaskKind.JUDGE_AUDIT, TaskKind.FAILURE_LABELS)}
FREE_CASE = {
    kind: query.where(TaskRow.id == bindparam("task_id")).with_for_update(of=TaskRow)
    for kind, query in _FREE_CASES.items()
}
"""The one task of a study, if it would be given to the person."""
_LOCK_OPEN = (
    select(TaskRow.id)
    .where(
        col(TaskRow.id).in_(bindparam("task_ids", expanding=True)),
        col(TaskRow.status) == "open",
        col(TaskRow.open_slots) > 0,
    )
    .with_for_update(skip_locked=True)
)

_Audited = aliased(TaskRow)
_Sibling = aliased(StudyItemRow)
_Case = aliased(StudyItemRow)
_OPEN_DIFFERENCES = (
    select(TaskRow.id)
    .where(
        *_wants_somebody_else(TaskKind.JUDGE_CONSENSUS),
        # only when all of the study's answers are in, so that whoever settles has no part in what is still scored
        ~exists().where(
            col(_Case.consensus_task_id) == TaskRow.id,
            col(_Sibling.study_id) == _Case.study_id,
            col(_Audited.id) == _Sibling.task_id,
            col(_Audited.status) == "open",
        ),
        # nobody settles a difference that they are part of
        ~exists().where(
            col(_Case.consensus_task_id) == TaskRow.id,
            col(ReviewRow.task_id) == _Case.task_id,
            col(ReviewRow.user_id) == bindparam("user_id"),
            col(ReviewRow.status) == "submitted",
        ),
    )
    .order_by(col(TaskRow.rank), col(TaskRow.id))
)
FREE_CONSENSUS = _OPEN_DIFFERENCES.limit(bindparam("limit")).with_for_update(skip_locked=True)


def is_under_way() -> ColumnElement[bool]:
    """Whether the task belongs to a study that is not closed."""
    return exists().where(
        or_(col(StudyItemRow.task_id) == TaskRow.id, col(StudyItemRow.consensus_task_id) == TaskRow.id),
        col(StudyRow.id) == StudyItemRow.study_id,
        col(StudyRow.closed_at).is_(None),
    )


def count_free(*, session: Session, user_id: int, kind: TaskKind) -> int:
    """Return how many tasks of a study's kind would be given to this person."""
    query = _FREE_CASES.get(kind, _OPEN_DIFFERENCES)
    return len(session.execute(query, {"user_id": user_id}).all())


def order_for(*, seed: int, user_id: int, study_item: int) -> str:
    """Return the key by which a person's answers of a study are ordered: random, and the same every time."""
    return hash_json(["order", seed, user_id, study_item])


def find_free(*, session: Session, kind: TaskKind, user_id: int, limit: int) -> list[int]:
    """Return the first `limit` tasks in the person's own order, oldest study first; their rows are locked.

    `kind` is one of those that a study asks about each of its answers.
    """
    rows = session.exec(_FREE_CASES[kind], params={"user_id": user_id}).all()
    ordered = sorted(
        (study_id, order_for(seed=seed, user_id=user_id, study_item=item_id), task_id)
        for task_id, item_id, study_id, seed in rows
        if task_id is not None and item_id is not None and study_id is not None
    )
    waiting = [task_id for _, _, task_id in ordered]
    found: list[int] = []
    while waiting and len(found) < limit:
        next_ids, waiting = waiting[: limit - len(found)], waiting[limit - len(found) :]
        locked = set(session.exec(_LOCK_OPEN, params={"task_ids": next_ids}))
        found += [task_id for task_id in next_ids if task_id in locked]
    return found


def read_submitted(*, session: Session, task_id: int | None) -> list[AuditReview]:
    """Return the standing answers to an audit or a consensus task, oldest first."""
    records = [parse_record(body) for body in session.exec(SUBMITTED, params={"task_id": task_id})]
    return [record for record in records if isinstance(record, AuditReview)]
