"""Who may see whose review."""

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from storage.errors import NotFound
from storage.records import Review, parse_record
from storage.tables import ClaimRow, RecordRow, ReviewRow, TaskRow


def visible_reviews(*, session: Session, viewer_id: int, task_id: int) -> list[Review]:
    """Return the submitted reviews of a task that this person may see, oldest first.

    Blindness is part of the query: while a task is open, a person gets their own review only. Once every
    answer is in, those who answered, whoever holds the adjudication, and after the decision everybody may look.
    """
    task = session.get(TaskRow, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    took_part = exists().where(
        col(ClaimRow.task_id) == TaskRow.id,
        col(ClaimRow.user_id) == viewer_id,
        col(ClaimRow.state).in_(("active", "submitted")),
        col(TaskRow.item_number) == task.item_number,
        col(TaskRow.round) == task.round,
    )
    own = col(ReviewRow.user_id) == viewer_id
    rule = {"open": own, "adjudicating": or_(own, took_part)}.get(task.status)
    query = (
        select(RecordRow.body)
        .join(
            ReviewRow,
            (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
        )
        .where(ReviewRow.task_id == task_id, ReviewRow.status == "submitted")
        .order_by(col(ReviewRow.id))
    )
    if rule is not None:
        query = query.where(rule)
    records = [parse_record(body) for body in session.exec(query)]
    return [record for record in records if isinstance(record, Review)]
