"""Opening the database: SQLite by default, PostgreSQL by URL.

SQLite runs in WAL mode with foreign keys on. A write transaction starts with BEGIN IMMEDIATE, so that what it
read cannot change before it writes, and the writers of one process queue on a lock rather than poll the file.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlmodel import Session, create_engine

from storage.errors import Busy, StorageError, StorageFull

BUSY_TIMEOUT_S = 20.0
DEADLOCK = "40P01"
"""PostgreSQL's SQLSTATE."""


@dataclass(frozen=True)
class Database:
    """An open database. Functions of this package take the sessions that it hands out."""

    engine: Engine
    _writers: AbstractContextManager[Any]

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that may write. The caller commits; leaving without a commit rolls back.

        Raises:
            StorageFull: the disk is full; nothing was kept.
            Busy: another process held the database for longer than the busy timeout, or it does not answer.
        """
        with self._writers, wrap_database_errors(), Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={"curator_write": True})
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session for reading; it sees one state of the database and never waits for a writer."""
        with wrap_database_errors(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def wrap_database_errors() -> Iterator[None]:
    """Turn the driver's errors for a full disk and for a database that is busy or away into ours."""
    try:
        yield
    except OperationalError as exc:
        translated = _translate(exc)
        if translated is None:
            raise
        raise translated from exc


def _translate(exc: OperationalError) -> StorageError | None:
    text = str(exc.orig).lower()
    if "full" in text or "no space" in text or "disk i/o" in text:
        return StorageFull(
            "the disk that holds the database is full, nothing was saved; free some room and send it again"
        )
    if not isinstance(exc.orig, sqlite3.Error):
        return _translate_postgres(getattr(exc.orig, "sqlstate", None))
    if "locked" in text or "busy" in text:
        return Busy(
            f"the database stayed locked for {BUSY_TIMEOUT_S:g} s, nothing was saved; send it again, "
            "and end other programs that hold the file open"
        )
    return None


def _translate_postgres(state: str | None) -> StorageError | None:
    """Return our error for an SQLSTATE; None, the driver's word for no answer at all, is one too."""
    if state == DEADLOCK:
        return Busy("two changes waited for each other, nothing was saved; send it again")
    if state is None or state.startswith(("08", "57P")):
        return Busy("the database does not answer, so this may not be saved; send it again once the database is back")
    return None


def open_database(url: str) -> Database:
    """Open `url`: `sqlite:///path/to/file.db` or `postgresql+psycopg://…` (`postgresql://` is understood too).

    Raises:
        StorageError: the URL cannot be read or names a database that is not supported.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise StorageError(f"database URL {url!r} cannot be read; write sqlite:///FILE or postgresql://…") from exc
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        engine = create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=30)
        return Database(engine, threading.BoundedSemaphore(2))
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StorageError(f"database {parsed.drivername!r} is not supported; use sqlite or postgresql")
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}, pool_size=10, max_overflow=30
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, threading.Lock())


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we emit BEGIN ourselves, below
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("curator_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
