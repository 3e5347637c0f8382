"""Flags: annotators call for a maintainer's eyes (`storage.claims.add_flag`); maintainers look and resolve."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import NotFound
from storage.items import get_scenario, label
from storage.tables import FlagRow, ItemRow, UserRow
from storage.texts import utc_now


@dataclass(frozen=True)
class Flag:
    """An open flag, with enough of its item to know what it is about."""

    id: int
    label: str
    query: str
    note: str
    by: str
    created_at: datetime


def list_open_flags(*, session: Session, limit: int = 200) -> list[Flag]:
    """Return the flags that nobody has resolved, oldest first."""
    rows = session.exec(
        select(FlagRow, ItemRow, UserRow.name)
        .join(ItemRow, col(ItemRow.number) == FlagRow.item_number)
        .join(UserRow, col(UserRow.id) == FlagRow.user_id)
        .where(col(FlagRow.resolved_at).is_(None))
        .order_by(col(FlagRow.id))
        .limit(limit)
    ).all()
    return [
        Flag(
            id=flag.id or 0,
            label=label(flag.item_number),
            query=get_scenario(session=session, item=item).query,
            note=flag.note,
            by=name,
            created_at=flag.created_at,
        )
        for flag, item, name in rows
    ]


def resolve_flag(*, session: Session, flag_id: int, actor: str, now: datetime | None = None) -> None:
    """Mark a flag as dealt with; doing it again changes nothing. The caller commits.

    Raises:
        NotFound: there is no such flag.
    """
    now = now or utc_now()
    lock_chain(session=session)
    flag = session.get(FlagRow, flag_id)
    if flag is None:
        raise NotFound(f"there is no flag {flag_id}; load the page again")
    if flag.resolved_at is not None:
        return
    flag.resolved_at = now
    session.add(flag)
    item = session.get_one(ItemRow, flag.item_number)
    payload = {"flag": flag_id}
    record_event(session=session, actor=actor, tag=Tag.FLAG_RESOLVED, subject=item.id, payload=payload, now=now)
