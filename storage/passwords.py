"""Passwords: what is accepted, how they are hashed, and how long wrong ones lock an account."""

from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage.errors import InvalidRecord
from storage.texts import check_text

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1024

FAILURES_BEFORE_LOCK = 10
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)

# Argon2id with the parameters of argon2-cffi (64 MiB, 3 passes), which follow RFC 9106.
ARGON2 = PasswordHasher()


def hash_password(password: str, hasher: PasswordHasher = ARGON2) -> str:
    """Return the Argon2id hash of `password`, its salt and parameters included.

    Raises:
        InvalidRecord: too short, too long, or no valid Unicode. The message does not hold the password.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidRecord(
            f"the password has {len(password)} characters; use {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH}"
        )
    try:
        return hasher.hash(check_text(password))
    except ValueError as exc:
        raise InvalidRecord(f"the password cannot be used: {exc}") from exc


def verify_password(password: str, password_hash: str | None, hasher: PasswordHasher = ARGON2) -> bool:
    """Return whether `password` fits. Without a hash it does the same work and returns False."""
    decoy = _hash_decoy(hasher)  # made by the first call of all, whatever the name, and kept
    try:
        text = check_text(password[: MAX_PASSWORD_LENGTH + 1])
    except ValueError:
        text = ""
    try:
        hasher.verify(password_hash or decoy, text)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def lock_duration(failures: int) -> timedelta | None:
    """Return for how long the account is locked after so many failures in a row; None: not at all.

    Every tenth failure locks: for 15 minutes, then twice as long each time, at most a day.
    """
    rounds, rest = divmod(failures, FAILURES_BEFORE_LOCK)
    if rounds == 0 or rest:
        return None
    doublings = min(rounds - 1, 10)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


@cache
def _hash_decoy(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")
