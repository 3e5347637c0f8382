"""Versions of the guidelines that annotators read. A version is never changed; a new one takes its place."""

from datetime import datetime

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import InvalidRecord, NotFound
from storage.records import TaskKind
from storage.tables import GuidelineRow
from storage.texts import check_text, utc_now

MAX_CHARACTERS = 60_000


def current(*, session: Session, kind: TaskKind) -> GuidelineRow:
    """Return the newest version for a kind of task.

    Raises:
        NotFound: none has been written.
    """
    query = select(GuidelineRow).where(GuidelineRow.kind == kind.value).order_by(col(GuidelineRow.version).desc())
    row = session.exec(query.limit(1)).first()
    if row is None:
        raise NotFound(f"there are no guidelines for {kind.value}; a maintainer can add them")
    return row


def add_version(
    *, session: Session, kind: TaskKind, markdown: str, author: str, now: datetime | None = None
) -> GuidelineRow:
    """Add a version; the same text as the newest adds nothing. The caller commits.

    Raises:
        InvalidRecord: the text is empty, too long, or cannot be stored.
    """
    now = now or utc_now()
    try:
        markdown = check_text(markdown).strip()
    except ValueError as exc:
        raise InvalidRecord(f"the guidelines cannot be stored: {exc}") from exc
    if not 1 <= len(markdown) <= MAX_CHARACTERS:
        raise InvalidRecord(f"the guidelines have {len(markdown)} characters; write 1 to {MAX_CHARACTERS}")
    lock_chain(session=session)
    try:
        newest = current(session=session, kind=kind)
    except NotFound:
        newest = None
    if newest is not None and newest.markdown == markdown:
        return newest
    row = GuidelineRow(
        kind=kind.value,
        version=newest.version + 1 if newest else 1,
        markdown=markdown,
        author=author,
        created_at=now,
    )
    session.add(row)
    payload = {"kind": kind.value, "version": row.version}
    record_event(
        session=session, actor=author, tag=Tag.GUIDELINES_CHANGED, subject=f"guidelines:{kind.value}", payload=payload
    )
    return row
