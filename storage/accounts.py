"""People, their roles, and how they prove who they are.

A person signs in with a password or a one-time link and gets a session; a script carries a token. Sessions, links
and tokens are 32 random bytes of which only the sha256 is stored. Every change to an account is an audit event;
events hold no secrets.
"""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from argon2 import PasswordHasher
from sqlmodel import Session, select

from storage import sign_ins
from storage.audit import Tag, lock_chain, record_event
from storage.errors import Conflict, Forbidden, InvalidRecord, NotFound, StorageError
from storage.passwords import ARGON2, hash_password, lock_duration, verify_password
from storage.sign_ins import SecretKind, SignIn
from storage.tables import UserRow
from storage.texts import canonical_json, check_filled, utc_now

MAX_PREFERENCES_BYTES = 10_000
MAX_LABEL_LENGTH = 64

SignInKind = Literal["session", "token"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class Role(StrEnum):
    """What a person may do. `admin` implies the others; no other role implies any."""

    ANNOTATOR = "annotator"
    ADJUDICATOR = "adjudicator"
    MAINTAINER = "maintainer"
    TRAINER = "trainer"
    ADMIN = "admin"


ROLES = tuple(role.value for role in Role)


class Locked(StorageError):
    """Too many wrong passwords; `seconds` is how long the account stays locked."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(
            f"too many wrong passwords; wait {-(-seconds // 60)} minutes, or ask an administrator for a sign-in link"
        )


@dataclass(frozen=True)
class Person:
    """Somebody who is known. Holds nothing secret."""

    id: int
    name: str
    roles: frozenset[Role]

    def has(self, role: Role | str) -> bool:
        """Return whether the person may act as `role`."""
        return not self.roles.isdisjoint({Role(role), Role.ADMIN})


@dataclass(frozen=True)
class Account:
    """What an administrator sees of a person."""

    person: Person
    disabled: bool
    has_password: bool
    locked_until: datetime | None
    created_at: datetime


def add_user(
    *,
    session: Session,
    name: str,
    roles: Iterable[Role | str],
    password: str | None = None,
    actor: str,
    now: datetime | None = None,
    hasher: PasswordHasher = ARGON2,
) -> Person:
    """Add a person; without a password they sign in by link.

    Raises:
        InvalidRecord: a bad name, role or password.
        Conflict: the name is taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRecord(
            f"user name {name[:80]!r} cannot be used; "
            "take 1 to 64 of a-z 0-9 . _ @ + - and begin with a letter or digit"
        )
    row = UserRow(
        name=name,
        roles=_join_roles(roles),
        password_hash=None if password is None else hash_password(password, hasher),
        created_at=now or utc_now(),
    )
    lock_chain(session=session)  # two people adding one name wait here for each other
    if _find_user(session, name) is not None:
        raise Conflict(f"there is already a user {name!r}; choose another name")
    session.add(row)
    payload = {"roles": row.roles.split(), "with_password": password is not None}
    _record(session, Tag.USER_ADDED, row, actor, payload, now)
    return _to_person(row)


def set_password(
    *,
    session: Session,
    name: str,
    password: str,
    actor: str,
    now: datetime | None = None,
    hasher: PasswordHasher = ARGON2,
) -> None:
    """Set a password, lift a lock-out, and end the person's sessions and unused links. Tokens stay.

    Raises:
        InvalidRecord: a bad password.
        NotFound: no such user.
    """
    password_hash = hash_password(password, hasher)
    row = _lock_user(session, name)
    row.password_hash, row.failed_sign_ins, row.locked_until = password_hash, 0, None
    _revoke(session, row, ("session", "link"), now)
    _record(session, Tag.PASSWORD_SET, row, actor, {}, now)


def set_roles(
    *, session: Session, name: str, roles: Iterable[Role | str], actor: str, now: datetime | None = None
) -> Person:
    """Replace a person's roles; sessions go on with the new ones.

    Raises:
        InvalidRecord: an unknown role.
        NotFound: no such user.
    """
    joined = _join_roles(roles)
    row = _lock_user(session, name)
    before, row.roles = row.roles, joined
    _record(session, Tag.USER_ROLES, row, actor, {"before": before.split(), "after": joined.split()}, now)
    return _to_person(row)


def set_disabled(*, session: Session, name: str, disabled: bool, actor: str, now: datetime | None = None) -> None:
    """Shut a person out, or let them in again. Shutting out ends sessions, links and tokens for good.

    Raises:
        NotFound: no such user.
    """
    row = _lock_user(session, name)
    if row.disabled == disabled:
        return
    row.disabled = disabled
    if disabled:
        _revoke(session, row, ("session", "link", "token"), now)
    _record(session, Tag.USER_DISABLED if disabled else Tag.USER_ENABLED, row, actor, {}, now)


def list_accounts(*, session: Session) -> list[Account]:
    """Return every account, by name."""
    return [
        Account(_to_person(row), row.disabled, row.password_hash is not None, row.locked_until, row.created_at)
        for row in session.exec(select(UserRow).order_by(UserRow.name))
    ]


def check_password(
    *,
    session: Session,
    name: str,
    password: str,
    now: datetime | None = None,
    hasher: PasswordHasher = ARGON2,
) -> Person | None:
    """Return the person if name and password fit. An unknown name costs the same work as a known one.

    A wrong password is counted in `session`, and the tenth locks the account: the caller commits in either case.
    Sessions, links and tokens go on working while the password is locked.

    Raises:
        Locked: the account is locked; nothing was checked.
    """
    now = now or utc_now()
    row = _find_user(session, name.strip().lower())
    _refuse_locked(row, now)
    fits = verify_password(password, row.password_hash if row and not row.disabled else None, hasher)
    if row is None or row.password_hash is None or row.disabled:
        return None
    # Guesses sent at the same time were all checked against the same count; now they are counted one by one,
    # and the ones behind the tenth are refused even when they were right.
    if not fits:
        lock_chain(session=session)
    checked_hash = row.password_hash
    session.refresh(row, with_for_update=True)
    _refuse_locked(row, now)
    if row.disabled or row.password_hash != checked_hash:
        return None
    if fits:
        row.failed_sign_ins, row.locked_until = 0, None
        session.flush()
        return _to_person(row)
    row.failed_sign_ins += 1
    if (duration := lock_duration(row.failed_sign_ins)) is not None:
        row.locked_until = now + duration
        payload = {"failures": row.failed_sign_ins, "seconds": int(duration.total_seconds())}
        _record(session, Tag.LOCKED_OUT, row, f"user:{row.name}", payload, now)
    session.flush()
    return None


def start_session(*, session: Session, user_id: int, ttl: timedelta, now: datetime | None = None) -> str:
    """Start a browser session and return its secret (43 characters); lapsed ones of the person are removed.

    Raises:
        NotFound: no such user.
        Forbidden: the account is disabled.
    """
    now = now or utc_now()
    row = session.get(UserRow, user_id)
    if row is None:
        raise NotFound(f"there is no user with the number {user_id}; sign in again")
    if row.disabled:
        raise Forbidden(f"the account {row.name!r} is disabled; ask an administrator to enable it")
    sign_ins.drop_lapsed(session=session, user_id=user_id, now=now)
    return sign_ins.add_secret(session=session, user_id=user_id, kind="session", ttl=ttl, now=now)


def find_person(*, session: Session, secret: str, kind: SignInKind, now: datetime | None = None) -> Person | None:
    """Return who holds a live session or token; None for an unknown, lapsed, ended or disabled one. Writes nothing."""
    if kind not in ("session", "token"):
        raise ValueError(f"kind {kind!r} does not identify a person; use session or token")
    found = sign_ins.find_owner(session=session, secret=secret, kind=kind, now=now or utc_now())
    return None if found is None else _to_person(found)


def end_session(*, session: Session, secret: str, now: datetime | None = None) -> None:
    """End a browser session; one that has ended already, or never was, is left alone."""
    sign_ins.revoke_secret(session=session, secret=secret, kind="session", now=now or utc_now())


def make_link(*, session: Session, name: str, ttl: timedelta, actor: str, now: datetime | None = None) -> str:
    """Make a sign-in link that works once, and return its secret (43 characters).

    Raises:
        NotFound: no such user.
        Forbidden: the account is disabled.
    """
    row = _lock_user(session, name, enabled=True)
    secret = sign_ins.add_secret(session=session, user_id=_number(row), kind="link", ttl=ttl, now=now or utc_now())
    _record(session, Tag.LINK_MADE, row, actor, {"seconds": int(ttl.total_seconds())}, now)
    return secret


def use_link(*, session: Session, secret: str, now: datetime | None = None) -> Person | None:
    """Use up a sign-in link and return whose it is; None for an unknown, lapsed or used one."""
    now = now or utc_now()
    row = sign_ins.find_owner(session=session, secret=secret, kind="link", now=now)
    if row is None:
        return None
    lock_chain(session=session)
    if not sign_ins.use_up(session=session, secret=secret, now=now):
        return None
    _record(session, Tag.LINK_USED, row, f"user:{row.name}", {}, now)
    return _to_person(row)


def make_token(*, session: Session, name: str, label: str, actor: str, now: datetime | None = None) -> str:
    """Make an API token and return its secret (`cur_` and 43 characters). It works until it is revoked.

    Raises:
        InvalidRecord: an empty or overlong label.
        NotFound: no such user.
        Forbidden: the account is disabled.
        Conflict: the person has a live token of that label.
    """
    label = _check_label(label)
    row = _lock_user(session, name, enabled=True)
    if any(token.label == label for token in sign_ins.list_live(session=session, user_id=_number(row), kind="token")):
        raise Conflict(f"{name!r} already has a token {label!r}; revoke it first or choose another label")
    secret = sign_ins.add_secret(session=session, user_id=_number(row), kind="token", label=label, now=now or utc_now())
    _record(session, Tag.TOKEN_MADE, row, actor, {"label": label}, now)
    return secret


def revoke_token(*, session: Session, name: str, label: str, actor: str, now: datetime | None = None) -> None:
    """Revoke a person's token.

    Raises:
        InvalidRecord: an empty or overlong label.
        NotFound: no such user, or no live token of that label.
    """
    label = _check_label(label)
    row = _lock_user(session, name)
    ended = _revoke(session, row, ["token"], now, label=label)
    if ended == 0:
        raise NotFound(f"{name!r} has no live token {label!r}; list the tokens for their labels")
    _record(session, Tag.TOKEN_REVOKED, row, actor, {"label": label}, now)


def list_tokens(*, session: Session, name: str) -> list[SignIn]:
    """Return a person's live tokens, oldest first.

    Raises:
        NotFound: no such user.
    """
    row = _get_user(session, name)
    return sign_ins.list_live(session=session, user_id=_number(row), kind="token")


def get_preferences(*, session: Session, user_id: int) -> dict[str, Any]:
    """Return what a person has set for themselves.

    Raises:
        NotFound: no such user.
    """
    row = session.get(UserRow, user_id)
    if row is None:
        raise NotFound(f"there is no user with the number {user_id}; sign in again")
    preferences: dict[str, Any] = json.loads(row.preferences)
    return preferences


def set_preferences(*, session: Session, user_id: int, preferences: dict[str, Any]) -> None:
    """Replace a person's preferences. Not an audit event: they concern nobody else.

    Raises:
        InvalidRecord: no JSON object, or more than 10 kB of it.
        NotFound: no such user.
    """
    if not isinstance(preferences, dict):
        raise InvalidRecord(f"preferences are a {type(preferences).__name__}; send a JSON object")
    try:
        text = canonical_json(preferences)
        size = len(text.encode("utf-8"))
    except (ValueError, TypeError, RecursionError) as exc:
        raise InvalidRecord(f"preferences cannot be stored as JSON ({exc}); send a plain JSON object") from exc
    if size > MAX_PREFERENCES_BYTES:
        raise InvalidRecord(f"preferences take {size} bytes, more than {MAX_PREFERENCES_BYTES}; store less")
    row = session.get(UserRow, user_id)
    if row is None:
        raise NotFound(f"there is no user with the number {user_id}; sign in again")
    row.preferences = text
    session.flush()


def _find_user(session: Session, name: str) -> UserRow | None:
    return session.exec(select(UserRow).where(UserRow.name == name)).first() if _NAME.fullmatch(name) else None


def _get_user(session: Session, name: str) -> UserRow:
    row = _find_user(session, name)
    if row is None:
        raise NotFound(f"there is no user {name[:80]!r}; list the users for their names")
    return row


def _lock_user(session: Session, name: str, *, enabled: bool = False) -> UserRow:
    """Return the row of `name` as it is now, held until the commit; the chain first, as every writer does."""
    lock_chain(session=session)
    row = _get_user(session, name)
    session.refresh(row, with_for_update=True)
    if enabled and row.disabled:
        raise Forbidden(f"the account {name!r} is disabled; enable it first")
    return row


def _refuse_locked(row: UserRow | None, now: datetime) -> None:
    if row is not None and row.locked_until is not None and row.locked_until > now:
        raise Locked(max(1, round((row.locked_until - now).total_seconds())))


def _record(
    session: Session, tag: Tag, row: UserRow, actor: str, payload: dict[str, Any], now: datetime | None
) -> None:
    record_event(session=session, actor=actor, tag=tag, subject=f"user:{row.name}", payload=payload, now=now)


def _revoke(
    session: Session, row: UserRow, kinds: Collection[SecretKind], now: datetime | None, *, label: str | None = None
) -> int:
    return sign_ins.revoke_all(session=session, user_id=_number(row), kinds=kinds, label=label, now=now or utc_now())


def _check_label(label: str) -> str:
    try:
        label = check_filled(label)
    except ValueError as exc:
        raise InvalidRecord(f"the token's label cannot be used: {exc}") from exc
    if len(label) > MAX_LABEL_LENGTH:
        raise InvalidRecord(f"the token's label has {len(label)} characters; use at most {MAX_LABEL_LENGTH}")
    return label


def _join_roles(roles: Iterable[Role | str]) -> str:
    try:
        return " ".join(sorted({Role(role).value for role in roles}))
    except ValueError as exc:
        raise InvalidRecord(f"{exc}; the roles are {', '.join(ROLES)}") from exc


def _number(row: UserRow) -> int:
    assert row.id is not None  # only a row that was never flushed has none
    return row.id


def _to_person(row: UserRow) -> Person:
    return Person(_number(row), row.name, frozenset(Role(role) for role in row.roles.split()))
