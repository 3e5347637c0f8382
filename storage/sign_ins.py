"""Secrets that sign somebody in: browser sessions, one-time links, API tokens. Only their sha256 is stored.

`storage.accounts` decides who may have one and writes the audit events; this file only knows the table.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, CursorResult, delete, update
from sqlmodel import Session, col, select

from storage.tables import SignInRow, UserRow

SecretKind = Literal["session", "link", "token"]

SECRET_BYTES = 32
TOKEN_PREFIX = "cur_"
"""Lets a scanner for leaked secrets, and a person, tell what it is."""


@dataclass(frozen=True)
class SignIn:
    """A live session, link or token, without its secret."""

    label: str
    created_at: datetime
    expires_at: datetime | None


def add_secret(
    *,
    session: Session,
    user_id: int,
    kind: SecretKind,
    now: datetime,
    ttl: timedelta | None = None,
    label: str = "",
) -> str:
    """Add a secret for a person and return it: 43 url-safe characters, `cur_` before them for a token."""
    secret = (TOKEN_PREFIX if kind == "token" else "") + secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        SignInRow(
            secret_sha256=hash_secret(secret),
            kind=kind,
            user_id=user_id,
            label=label,
            created_at=now,
            expires_at=None if ttl is None else now + ttl,
        )
    )
    session.flush()
    return secret


def find_owner(*, session: Session, secret: str, kind: SecretKind, now: datetime) -> UserRow | None:
    """Return the enabled owner of a live secret; None for an unknown, lapsed, used or revoked one."""
    statement = (
        select(UserRow)
        .join(SignInRow, col(SignInRow.user_id) == col(UserRow.id))
        .where(*_is_live(secret, kind), _lasts_beyond(now), col(UserRow.disabled).is_(False))
    )
    return session.exec(statement).first()


def use_up(*, session: Session, secret: str, now: datetime) -> bool:
    """Mark a live link as used. Of two who try at the same time one gets True."""
    return _change(session, [*_is_live(secret, "link"), _lasts_beyond(now)], used_at=now) == 1


def revoke_secret(*, session: Session, secret: str, kind: SecretKind, now: datetime) -> None:
    """Revoke one secret; one that is not live is left alone."""
    _change(session, _is_live(secret, kind), revoked_at=now)


def revoke_all(
    *, session: Session, user_id: int, kinds: Collection[SecretKind], now: datetime, label: str | None = None
) -> int:
    """Revoke a person's secrets of these kinds (of this label only, if given); return how many there were."""
    where = [col(SignInRow.user_id) == user_id, col(SignInRow.kind).in_(kinds), col(SignInRow.revoked_at).is_(None)]
    if label is not None:
        where.append(col(SignInRow.label) == label)
    return _change(session, where, revoked_at=now)


def list_live(*, session: Session, user_id: int, kind: SecretKind) -> list[SignIn]:
    """Return a person's secrets of one kind that were not revoked or used, oldest first."""
    statement = (
        select(SignInRow)
        .where(
            SignInRow.user_id == user_id,
            SignInRow.kind == kind,
            col(SignInRow.revoked_at).is_(None),
            col(SignInRow.used_at).is_(None),
        )
        .order_by(col(SignInRow.created_at), col(SignInRow.label))
    )
    return [SignIn(found.label, found.created_at, found.expires_at) for found in session.exec(statement)]


def drop_lapsed(*, session: Session, user_id: int, now: datetime) -> None:
    """Remove a person's lapsed sessions and links, so that the table does not grow with every sign-in."""
    session.execute(delete(SignInRow).where(col(SignInRow.user_id) == user_id, col(SignInRow.expires_at) <= now))


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: its sha256, 64 hex digits. Secrets are random, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _is_live(secret: str, kind: SecretKind) -> list[ColumnElement[bool]]:
    return [
        col(SignInRow.secret_sha256) == hash_secret(secret),
        col(SignInRow.kind) == kind,
        col(SignInRow.revoked_at).is_(None),
        col(SignInRow.used_at).is_(None),
    ]


def _lasts_beyond(now: datetime) -> ColumnElement[bool]:
    return col(SignInRow.expires_at).is_(None) | (col(SignInRow.expires_at) > now)


def _change(session: Session, where: Collection[ColumnElement[bool]], **values: datetime) -> int:
    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]  # an UPDATE gives a CursorResult
        update(SignInRow).where(*where).values(**values)
    )
    return done.rowcount
