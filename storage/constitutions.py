"""Versions of the constitutions that people wrote in this workspace: one safety policy a category, never changed.

A new version takes the place of the one before it, and going back to an old one is a new version, too. What the
package brings is no version here: `caspo.constitution` has it, and says which texts may be a constitution at all.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import Conflict, InvalidRecord
from storage.records import Category
from storage.tables import ConstitutionRow
from storage.texts import check_filled, hash_json, utc_now

MAX_REASON = 500
"""Characters."""


def list_versions(*, session: Session, category: Category) -> Sequence[ConstitutionRow]:
    """Return the versions of a category, the oldest first; none while nobody has changed the package's."""
    query = select(ConstitutionRow).where(ConstitutionRow.category == category.value)
    return session.exec(query.order_by(col(ConstitutionRow.version))).all()


def list_newest(*, session: Session) -> dict[Category, ConstitutionRow]:
    """Return the newest version of each category that has one."""
    rows = session.exec(select(ConstitutionRow).order_by(col(ConstitutionRow.version)))
    return {Category(row.category): row for row in rows}


def add_version(
    *,
    session: Session,
    category: Category,
    text: str,
    reason: str,
    author: str,
    based_on: int,
    now: datetime | None = None,
) -> ConstitutionRow:
    """Add a version. The caller commits.

    Args:
        session: a write session.
        category: whose policy it is.
        text: the whole policy.
        reason: why, in one line.
        author: who wrote it.
        based_on: number of the version that the author saw as the newest; 0: the package's.
        now: the time, for tests.

    Raises:
        InvalidRecord: text or reason cannot be stored.
        Conflict: somebody else was faster, or the text is that of the newest version.
    """
    reason = _check(reason, "the reason")
    if len(reason) > MAX_REASON:
        raise InvalidRecord(f"the reason has {len(reason)} characters; use at most {MAX_REASON}")
    text = _check(text, "the constitution")
    lock_chain(session=session)
    versions = list_versions(session=session, category=category)
    newest = versions[-1] if versions else None
    number = newest.version if newest else 0
    if number != based_on:
        told = f"version {number} by {newest.author}" if newest else "no version yet"
        raise Conflict(
            f"the constitution {category.value} has {told}, and this text is based on version {based_on}: copy what "
            "you wrote, load the page again, and bring it into the newest text"
        )
    if newest is not None and newest.text == text:
        raise Conflict(f"this is the text of version {number} already; nothing was saved")
    row = ConstitutionRow(
        category=category.value,
        version=number + 1,
        text=text,
        reason=reason,
        author=author,
        created_at=now or utc_now(),
    )
    session.add(row)
    record_event(
        session=session,
        actor=author,
        tag=Tag.CONSTITUTION_CHANGED,
        subject=f"constitution:{category.value}",
        payload={"version": row.version, "text_sha256": hash_json(text), "reason": reason},
        now=now,
    )
    return row


def _check(text: str, what: str) -> str:
    try:
        return check_filled(text)
    except ValueError as exc:
        raise InvalidRecord(f"{what} cannot be stored: {exc}") from exc
