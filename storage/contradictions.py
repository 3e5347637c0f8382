"""Second answers of people whose review stands, given in another annotation tool, for whoever settles the difference.

Where the second one says another verdict, or other scores, the item is never settled by agreement: who answered twice
and differently cannot agree. It goes the way of every difference, to an adjudicator or the consensus of a study, who
sees both answers. Labels of failures are not settled.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.records import TaskKind
from storage.tables import RecordRow, ReviewRow, StudyItemRow, TaskRow, UserRow

SHOWN = ("conflict", "settled")
"""Of `storage.external.Use`: what is shown to whoever settles. What came after a settlement is not."""
_SETTLES = ("verdict", "risk_appraisal", "safety_of_consequences", "effectiveness")
"""What reviewers have to agree on."""


@dataclass(frozen=True)
class SecondAnswer:
    """What somebody answered elsewhere, beside the review of theirs that stands."""

    reviewer: str
    answers: str
    """JSON, in the shape of the task's kind."""
    contradicts: bool
    """Whether it says another verdict, or other scores; otherwise only notes or marks differ."""


def read_second_answers(*, session: Session, task_id: int | None) -> list[SecondAnswer]:
    """Return the second answers to a task, the oldest first. Blindness is up to the caller."""
    query = (
        select(ExternalRevisionRow.claimed, ExternalRevisionRow.answers, ExternalProjectRow)
        .join(ExternalAnnotationRow, col(ExternalAnnotationRow.revision_id) == ExternalRevisionRow.id)
        .join(ExternalProjectRow, col(ExternalProjectRow.id) == ExternalAnnotationRow.project_id)
        .join(
            ExternalTaskRow,
            (col(ExternalTaskRow.project_id) == ExternalAnnotationRow.project_id)
            & (col(ExternalTaskRow.remote_id) == ExternalAnnotationRow.remote_task),
        )
        .where(ExternalTaskRow.task_id == task_id, col(ExternalAnnotationRow.use).in_(SHOWN))
        .order_by(col(ExternalAnnotationRow.id))
    )
    found = session.exec(query).all()
    if not found:
        return []
    bodies = (
        select(UserRow.name, RecordRow.body)
        .join(ReviewRow, col(ReviewRow.user_id) == UserRow.id)
        .join(
            RecordRow,
            (col(RecordRow.id) == ReviewRow.record_id) & (col(RecordRow.item_number) == ReviewRow.item_number),
        )
        .where(ReviewRow.task_id == task_id, ReviewRow.status == "submitted")
    )
    standing = {name: json.loads(body) for name, body in session.exec(bodies)}
    second = []
    for claimed, answers, project in found:
        own = standing.get(project.name_person(claimed))
        if own is not None:
            said = json.loads(answers)
            contradicts = any(own.get(key) != said.get(key) for key in _SETTLES)
            second.append(SecondAnswer(project.name_person(claimed), answers, contradicts))
    return second


def is_contradicted(*, session: Session, task_id: int | None) -> bool:
    """Whether somebody answered the task twice, and contradicts themselves."""
    return any(each.contradicts for each in read_second_answers(session=session, task_id=task_id))


def read_settled_at(*, session: Session, task: TaskRow) -> datetime | None:
    """Return when somebody settled the difference on a task; None: nobody has."""
    query = select(ReviewRow.created_at).join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
    query = query.where(TaskRow.status == "decided", ReviewRow.status == "submitted")
    if task.kind == TaskKind.SCENARIO_REVIEW.value:
        query = query.where(
            TaskRow.item_number == task.item_number,
            TaskRow.kind == TaskKind.ADJUDICATION.value,
            TaskRow.round == task.round,
        )
    else:
        query = query.join(StudyItemRow, col(StudyItemRow.consensus_task_id) == TaskRow.id)
        query = query.where(StudyItemRow.task_id == task.id)
    return session.exec(query.order_by(col(ReviewRow.id).desc())).first()
