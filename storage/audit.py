"""The hash-chained audit log.

Each event holds the hash of the one before it, so that a changed, removed, inserted or reordered event breaks
the chain at a place that `verify_chain` names. Tags are `source:subject:action`; `docs/audit.md` lists them.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import event, orm, text
from sqlmodel import Session, col, select

from storage.errors import ChainBroken
from storage.tables import AuditRow
from storage.texts import canonical_json, check_text, hash_json, utc_now

FIRST_LINK = "0" * 64
# Any number will do; it only has to be the same in every process that appends to the chain.
CHAIN_LOCK = 0x00D_5AFE
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_LAST = select(AuditRow.seq, AuditRow.sha256).order_by(col(AuditRow.seq).desc()).limit(1)


class Tag(StrEnum):
    """What can happen. A tag once used is never renamed: it is part of hashed history."""

    USER_ADDED = "accounts:user:add"
    USER_ROLES = "accounts:user:roles"
    USER_DISABLED = "accounts:user:disable"
    USER_ENABLED = "accounts:user:enable"
    PASSWORD_SET = "accounts:password:set"
    LINK_MADE = "accounts:link:make"
    LINK_USED = "accounts:link:use"
    TOKEN_MADE = "accounts:token:make"
    TOKEN_REVOKED = "accounts:token:revoke"
    LOCKED_OUT = "accounts:sign_in:lock"
    ITEM_ADDED = "items:item:add"
    ITEM_MOVED = "items:item:advance"
    ITEM_REVISED = "items:item:revise"
    RECORD_ATTACHED = "items:record:attach"
    TASK_OPENED = "reviews:task:open"
    TASK_RANKED = "reviews:task:rank"
    REVIEW_SUBMITTED = "reviews:review:submit"
    REVIEW_UNDONE = "reviews:review:undo"
    SUGGESTIONS_SEEN = "reviews:suggestions:see"
    DECISION_MADE = "reviews:decision:make"
    ITEM_FLAGGED = "reviews:item:flag"
    FLAG_RESOLVED = "reviews:flag:resolve"
    GUIDELINES_CHANGED = "reviews:guidelines:change"
    CONSTITUTION_CHANGED = "constitutions:constitution:change"
    PHOTO_IMPORTED = "photos:photo:import"
    RELEASE_FROZEN = "releases:release:freeze"
    STUDY_CREATED = "studies:study:create"
    STUDY_CLOSED = "studies:study:close"
    EXTERNAL_COUNTED = "reviews:external:count"
    EXTERNAL_NAMED = "reviews:external:name"


@dataclass(frozen=True)
class ChainReport:
    """A chain that verified: how many events, and the hash of the last."""

    events: int
    head: str


def record_event(
    *, session: Session, actor: str, tag: Tag | str, subject: str, payload: dict[str, Any], now: datetime | None = None
) -> AuditRow:
    """Append one event to the chain; adds a row to `session`.

    On PostgreSQL the chain is locked from here until the commit. A function that locks rows as well calls
    `lock_chain` before them, so that two of them never wait for each other.

    Raises:
        ValueError: the tag is not one of `Tag`, or a text cannot be stored.
    """
    tag = Tag(tag)
    session.flush()
    lock_chain(session=session)
    transaction = session.connection().get_transaction()
    known_in, *known = session.info.get("chain_tip", (None,))
    last = known if known_in is transaction else session.exec(_LAST).first()
    seq, previous = (last[0] + 1, last[1]) if last else (1, FIRST_LINK)
    row = AuditRow(
        seq=seq,
        at=now or utc_now(),
        actor=check_text(actor),
        tag=tag.value,
        subject=check_text(subject),
        payload=canonical_json(payload),
        previous_sha256=previous,
        sha256="",
    )
    row.sha256 = hash_event(row)
    session.add(row)
    session.flush()
    session.info["chain_tip"] = (transaction, row.seq, row.sha256)  # nobody else can append before the commit
    return row


def lock_chain(*, session: Session) -> None:
    """Let nobody else append to the chain until the commit. SQLite's one writer needs no lock of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return
    connection = session.connection()
    if session.info.get("chain_locked_in") is not connection.get_transaction():  # once a transaction is enough
        session.execute(_LOCK, {"key": CHAIN_LOCK})
        session.info["chain_locked_in"] = connection.get_transaction()


@event.listens_for(orm.Session, "after_soft_rollback")
def _forget_tip(session: orm.Session, _: object) -> None:
    """Read the end of the chain anew: what a savepoint took back may have been that end, or the lock on it."""
    session.info.pop("chain_tip", None)
    session.info.pop("chain_locked_in", None)


def hash_event(row: AuditRow) -> str:
    """Return the hash (64 hex digits) of an event's content and its link to the one before."""
    return hash_json(
        [row.seq, row.at.isoformat(), row.actor, row.tag, row.subject, json.loads(row.payload), row.previous_sha256]
    )


def verify_chain(*, session: Session, expected_head: str | None = None) -> ChainReport:
    """Walk the whole chain in constant memory.

    Args:
        session: a session for reading.
        expected_head: a head noted elsewhere (a release's manifest, a backup). Without it, events cut off the
            end of the chain cannot be noticed.

    Raises:
        ChainBroken: an event was changed, removed, inserted or moved; the message names the first such place.
    """
    previous, expected_seq, seen = FIRST_LINK, 1, expected_head is None
    for row in session.exec(select(AuditRow).order_by(col(AuditRow.seq))).yield_per(1000):
        if row.seq != expected_seq:
            raise ChainBroken(f"audit event {expected_seq} is missing (the next one is {row.seq}); restore a backup")
        if row.previous_sha256 != previous:
            raise ChainBroken(f"audit event {row.seq} does not follow the one before it; restore a backup")
        if not _hash_matches(row):
            raise ChainBroken(f"audit event {row.seq} ({row.tag} by {row.actor}) was changed; restore a backup")
        previous, expected_seq = row.sha256, row.seq + 1
        seen = seen or row.sha256 == expected_head
        session.expunge(row)
    if not seen:
        raise ChainBroken(f"no event has the noted hash {expected_head}; the end of the chain was cut off or replaced")
    return ChainReport(events=expected_seq - 1, head=previous)


def _hash_matches(row: AuditRow) -> bool:
    try:
        # The text itself is compared too: JSON that parses alike but reads otherwise is a change.
        return canonical_json(json.loads(row.payload)) == row.payload and hash_event(row) == row.sha256
    except ValueError:
        return False
