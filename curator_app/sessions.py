"""Who is asking: from a cookie or a Bearer token to a person.

Only the hash of a secret is stored, so a look-up is one query on the primary key. Answers are kept for
`CACHE_LIFE_S` in this process, which spares the database a query per request. A sign-out, a revoked token or a
changed role therefore acts at once in the process that made the change (it forgets everything) and within
`CACHE_LIFE_S` in every other, the command line included.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from starlette.requests import HTTPConnection
from starlette.responses import Response

from curator_app.settings import Settings
from storage import accounts
from storage.accounts import Person
from storage.db import Database

COOKIE = "curator_session"
CACHE_LIFE_S = 2.0
CACHE_SIZE = 4096
LONGEST_SECRET = 128

SecretKind = Literal["session", "token"]


@dataclass(frozen=True)
class Credential:
    """What a request offers to show who sends it."""

    secret: str
    kind: SecretKind


class SignInDesk:
    """Looks people up by their secrets, with a short memory. Safe to use from many threads."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Credential, tuple[float, Person | None]] = OrderedDict()
        self._generation = 0

    def remembered(self, credential: Credential) -> tuple[bool, Person | None]:
        """Return (whether the answer is known, the answer) without touching the database."""
        with self._lock:
            entry = self._known.get(credential)
            if entry is None or entry[0] <= self._clock():
                return False, None
            return True, entry[1]

    def find(self, credential: Credential) -> Person | None:
        """Return the person, or None when the secret is unknown, expired, revoked or its owner disabled."""
        known, person = self.remembered(credential)
        if known:
            return person
        with self._lock:
            generation = self._generation
        with self._db.read() as session:
            person = accounts.find_person(session=session, secret=credential.secret, kind=credential.kind)
        with self._lock:
            # An answer read before a change must not be remembered after it.
            if generation == self._generation:
                self._known[credential] = (self._clock() + CACHE_LIFE_S, person)
                while len(self._known) > CACHE_SIZE:
                    self._known.popitem(last=False)
        return person

    def forget(self) -> None:
        """Drop every remembered answer; call it after the commit of any change to people or their secrets."""
        with self._lock:
            self._generation += 1
            self._known.clear()


def read_credential(connection: HTTPConnection, *, bearer: bool = True) -> Credential | None:
    """Return what the request offers: a Bearer token (unless `bearer` is off), else the cookie, else None.

    A request with an Authorization header is judged by it alone, so that a bad token is never covered by a cookie.
    """
    header = connection.headers.get("authorization") if bearer else None
    if header is not None:
        scheme, _, secret = header.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not _plausible(secret):
            return Credential("", "token")
        return Credential(secret, "token")
    secret = connection.cookies.get(COOKIE, "")
    return Credential(secret, "session") if _plausible(secret) else None


def _plausible(secret: str) -> bool:
    return 0 < len(secret) <= LONGEST_SECRET and secret.isascii() and secret.isprintable()


def is_secure(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the cookie is to be sent over https only."""
    if settings.cookie_secure == "auto":
        return connection.url.scheme == "https"
    return settings.cookie_secure == "always"


def set_cookie(response: Response, *, secret: str, settings: Settings, secure: bool) -> None:
    """Give the browser its session. `response` gets a Set-Cookie header."""
    life_s = int(timedelta(days=settings.session_days).total_seconds())
    response.set_cookie(COOKIE, secret, max_age=life_s, path="/", httponly=True, samesite="lax", secure=secure)


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Take the session from the browser. `response` gets a Set-Cookie header."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=secure)
