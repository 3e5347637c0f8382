"""Where tasks stand in the queue: by priority, and among equals shuffled, so that the author's order is hidden."""

import hashlib
from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import InvalidRecord
from storage.items import get_item
from storage.records import Mining, parse_record
from storage.tables import ItemRow, RecordRow, TaskRow
from storage.texts import utc_now


def rank_tasks(
    *, session: Session, item_id: str, priority: int, actor: str = "policy", now: datetime | None = None
) -> int:
    """Move what is asked about an item, in its present round and not finished, in the queue; return how many tasks.

    Claims that are held stay with their people. The caller commits.

    Raises:
        NotFound: there is no such item.
        InvalidRecord: the priority is not -100 to 100.
    """
    check_priority(priority)
    lock_chain(session=session)
    item = get_item(session=session, item_id=item_id)
    rank = make_rank(item_id=item_id, priority=priority)
    query = select(TaskRow).where(
        TaskRow.item_number == item.number, TaskRow.round == item.round, TaskRow.status == "open", TaskRow.rank != rank
    )
    moved = list(session.exec(query.with_for_update()))
    for task in moved:
        task.rank = rank
        session.add(task)
    if moved:
        payload = {"kinds": sorted(task.kind for task in moved), "round": item.round, "priority": priority}
        record_event(
            session=session, actor=actor, tag=Tag.TASK_RANKED, subject=item_id, payload=payload, now=now or utc_now()
        )
    return len(moved)


def check_priority(priority: int) -> None:
    """Refuse a priority that the queue cannot hold.

    Raises:
        InvalidRecord: it is not -100 to 100.
    """
    if not -100 <= priority <= 100:
        raise InvalidRecord(f"priority {priority} is out of range; use -100 to 100")


def find_mined(*, session: Session, item: ItemRow) -> int:
    """Return the priority that mining found for the item as it stands, else 0."""
    query = (
        select(RecordRow.body)
        .where(
            RecordRow.item_number == item.number, RecordRow.kind == "mining", RecordRow.parent_id == item.scenario_id
        )
        .order_by(col(RecordRow.seq).desc())
    )
    body = session.exec(query).first()
    mined = None if body is None else parse_record(body)
    return (mined.priority or 0) if isinstance(mined, Mining) else 0


def make_rank(*, item_id: str, priority: int) -> int:
    """Return a task's place in the queue; lower comes first."""
    shuffled = int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:3], "big")
    return (100 - priority) * 2**24 // 2 + shuffled // 2  # fits a signed 32-bit column
