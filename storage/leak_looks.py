"""Who may look at the whole of an item, now that a leakage check must find people who have not."""

import uuid
from datetime import datetime

from sqlmodel import Session, col, select

from storage.claim_content import read_locks
from storage.claims import was_given_elsewhere
from storage.records import TaskKind
from storage.stages import Stage
from storage.tables import ClaimRow, ItemRow, TaskRow
from storage.texts import utc_now


def may_be_asked(*, session: Session, user_id: int, item: ItemRow) -> bool:
    """Whether the person may still be asked what the item's words alone say, so that they must not see the rest.

    True while a check of the item wants somebody, or the person holds one, and they do not know the item yet: they
    have locked no findings on it, have had no other task of it and have not asked to see it.
    """
    task = _open_check(session=session, item=item)
    if task is None or read_locks(session=session, user_id=user_id, task=task)[1] is not None:
        return False
    if was_given_elsewhere(session=session, user_id=user_id, task=task):
        return False
    mine = session.exec(select(ClaimRow.state).where(ClaimRow.task_id == task.id, ClaimRow.user_id == user_id)).all()
    return "active" in mine or task.open_slots > 0


def is_open(*, session: Session, item: ItemRow) -> bool:
    """Whether a leakage check of the item waits for answers or is to be settled: nobody may read those of others."""
    return _open_check(session=session, item=item, statuses=("open", "adjudicating")) is not None


def give_up_check(*, session: Session, user_id: int, item: ItemRow, now: datetime | None = None) -> None:
    """The person wants to see the whole item: they are not asked for its leakage check any more. The caller commits."""
    now = now or utc_now()
    task = _open_check(session=session, item=item, lock=True)
    if task is None or not may_be_asked(session=session, user_id=user_id, item=item):
        return
    mine = (ClaimRow.task_id == task.id, ClaimRow.user_id == user_id, ClaimRow.state == "active")
    held = session.exec(select(ClaimRow).where(*mine)).first()
    if held is not None:
        held.state = "released"
        task.open_slots += 1
        session.add_all((held, task))
    assert task.id is not None
    look = ClaimRow(id=uuid.uuid4().hex, task_id=task.id, user_id=user_id, state="seen", expires_at=now, created_at=now)
    session.add(look)
    session.flush()


def _open_check(
    *, session: Session, item: ItemRow, lock: bool = False, statuses: tuple[str, ...] = ("open",)
) -> TaskRow | None:
    if item.stage not in (Stage.REFINED.value, Stage.REVIEWED.value):
        return None
    query = select(TaskRow).where(
        TaskRow.item_number == item.number,
        TaskRow.round == item.round,
        TaskRow.kind == TaskKind.LEAKAGE_CHECK.value,
        col(TaskRow.status).in_(statuses),
    )
    return session.exec(query.with_for_update() if lock else query).first()
