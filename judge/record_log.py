"""Records in an append-only file of JSON lines, found again by their key. The last line of a key counts.

A line is one write, so a killed process leaves whole lines and at most one torn one, which is passed over. The place
of each line is kept in a temporary file, so a run takes no more memory for more items.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from judge.errors import LogDamaged
from storage.judgment_records import Judgment, ModelResponse
from storage.record import Record

Kept = TypeVar("Kept", bound=Record)


class RecordLog(Generic[Kept]):
    """The records of one file. One process writes at a time: the run's lock sees to it."""

    def __init__(self, path: Path, kind: type[Kept], key: Callable[[dict[str, Any]], str], *, write: bool) -> None:
        """Open the file, made when it is missing and `write` is set.

        Raises:
            LogDamaged: the file cannot be opened.
        """
        self.path = path
        self.skipped = 0
        """Lines that hold no record: torn by a kill, or damaged."""
        self._kind = kind
        self._key = key
        self._places = _Places()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if write else os.O_RDONLY
        self._file: int | None = None
        if not write and not path.exists():
            return
        try:
            self._file = os.open(path, flags, 0o644)
        except OSError as exc:
            raise LogDamaged(f"{path} cannot be opened: {exc.strerror}; check its rights and its disk") from exc
        self._size = self._find_lines()
        if write and self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            self._size += os.write(self._file, b"\n")

    def __len__(self) -> int:
        """How many keys have a record."""
        return len(self._places)

    def append(self, record: Kept) -> None:
        """Write one record; it supersedes an earlier one of its key.

        Raises:
            LogDamaged: the disk takes no more.
        """
        assert self._file is not None
        line = record.to_json().encode("utf-8") + b"\n"
        try:
            written = os.write(self._file, line)
        except OSError as exc:
            raise LogDamaged(f"{self.path} cannot be written: {exc.strerror}; make room, then the run goes on") from exc
        if written != len(line):
            raise LogDamaged(f"{self.path} could take only a part of a line; make room, then the run goes on")
        self._places.put(self._key(json.loads(line)), self._size, len(line))
        self._size += len(line)

    def get(self, key: str) -> Kept | None:
        """Return the last record of `key`, or None.

        Raises:
            LogDamaged: its line is no record of this kind.
        """
        place = self._places.get(key) if self._file is not None else None
        if place is None or self._file is None:
            return None
        try:
            return self._kind.model_validate_json(os.pread(self._file, place[1], place[0]))
        except (OSError, ValidationError) as exc:
            raise LogDamaged(f"{self.path}: the line at byte {place[0]} cannot be read; was the file edited?") from exc

    def close(self) -> None:
        """Close the files."""
        self._places.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _find_lines(self) -> int:
        at = 0
        with self.path.open("rb") as file:
            for raw in file:
                try:
                    self._places.put(self._key(json.loads(raw)), at, len(raw))
                except (ValueError, KeyError, TypeError):
                    self.skipped += 1
                at += len(raw)
        return at


def name_answer(item_id: str, sample: int) -> str:
    """Return the key of an answer within its run."""
    return f"{item_id}/{sample}"


def name_judgment(response_id: str, role: str, repeat: int) -> str:
    """Return the key of a judgment within its run."""
    return f"{response_id}/{role}/{repeat}"


def open_answers(path: Path, *, write: bool) -> RecordLog[ModelResponse]:
    """Open the answers of a run."""
    return RecordLog(path, ModelResponse, lambda row: name_answer(row["item_id"], row["sample"]), write=write)


def open_judgments(path: Path, *, write: bool) -> RecordLog[Judgment]:
    """Open the judgments of a run."""
    return RecordLog(
        path, Judgment, lambda row: name_judgment(row["response_id"], row["judge"], row["repeat"]), write=write
    )


class _Places:
    """Key -> place and length of its line, in a file that SQLite makes, keeps 2 MB of in memory, and deletes."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000;"
            "CREATE TABLE places (key BLOB PRIMARY KEY, at INTEGER NOT NULL, length INTEGER NOT NULL) WITHOUT ROWID;"
        )

    def __len__(self) -> int:
        number: int = self._database.execute("SELECT count(*) FROM places").fetchone()[0]
        return number

    def put(self, key: str, at: int, length: int) -> None:
        self._database.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (_digest(key), at, length))

    def get(self, key: str) -> tuple[int, int] | None:
        found: tuple[int, int] | None = self._database.execute(
            "SELECT at, length FROM places WHERE key = ?", (_digest(key),)
        ).fetchone()
        return found

    def close(self) -> None:
        self._database.close()


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8"), digest_size=16).digest()
