"""Replies on disk, by the identity of the call: a run that was killed does not pay twice."""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from endpoints.errors import BadConfig
from endpoints.messages import ChatReply, ChatRequest, Usage
from endpoints.structured import FENCE
from storage.texts import canonical_json, hash_json

FILE = "replies.sqlite"
BUSY_S = 60.0
# A commit reaches the operating system before `put` returns, so a killed process loses nothing; only a power cut may
# take the last replies. One write to a log: a file per reply costs a millisecond on some file systems.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 8000;
CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, reply TEXT NOT NULL) WITHOUT ROWID;
"""


class DiskCache:
    """The replies in a folder, each under its `messages.request_sha256`; requests themselves are not stored.

    Any number of processes may share the folder, and any of them may be killed. It must be on a local disk. A row
    that was damaged counts as absent.

    Raises:
        BadConfig: The file in the folder is not a cache of this kind.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = _open_database(folder / FILE)

    def get(self, key: str) -> ChatReply | None:
        """Return the reply kept under `key`, marked as cached, or None."""
        return _read(self._database, key)

    def put(self, key: str, request: ChatRequest, reply: ChatReply) -> bool:
        """Keep `reply` if it is one worth keeping; return whether it was. Overwrites what is there."""
        if not is_keepable(request, reply):
            return False
        body = dataclasses.asdict(reply)
        row = (key, hash_json([key, body]), canonical_json(body))
        self._database.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", row)
        return True

    def drop(self, key: str) -> None:
        """Forget the reply kept under `key`, if there is one."""
        self._database.execute("DELETE FROM replies WHERE key = ?", (key,))

    def count(self) -> int:
        """Return how many replies are kept."""
        number: int = self._database.execute("SELECT count(*) FROM replies").fetchone()[0]
        return number

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def read_kept(folder: Path, keys: Iterable[str]) -> dict[str, ChatReply]:
    """Return key -> reply for those of `keys` that are kept in `folder`. Makes and changes nothing there.

    Without a cache in the folder, or with one that cannot be read, nothing is kept.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return {key: reply for key in keys if (reply := _read(database, key)) is not None}
    except sqlite3.Error:
        return {}


def _read(database: sqlite3.Connection, key: str) -> ChatReply | None:
    row = database.execute("SELECT sha256, reply FROM replies WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    try:
        body = json.loads(row[1])
        if row[0] != hash_json([key, body]):
            return None
        usage = body["usage"] and Usage(**body["usage"])
        return ChatReply(**body | {"usage": usage, "others": tuple(body["others"]), "cached": True})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _open_database(path: Path) -> sqlite3.Connection:
    deadline = time.monotonic() + BUSY_S
    while True:
        database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            database.executescript(SCHEMA)
            return database
        except sqlite3.DatabaseError as exc:
            database.close()
            # SQLite does not wait by itself while another process changes a new file to WAL.
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise BadConfig(f"{path} cannot be used as a cache of replies ({exc}); move it away") from exc
            time.sleep(0.02)


def is_keepable(request: ChatRequest, reply: ChatReply) -> bool:
    """Say whether a later run may be given this reply: finished, filled, and JSON where JSON was asked for."""
    texts = (reply.text, *reply.others)
    if reply.finish_reason != "stop" or not all(text.strip() for text in texts):
        return False
    return request.json_schema is None or all(_is_json(text) for text in texts)


def _is_json(text: str) -> bool:
    fenced = FENCE.match(text)
    try:
        json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError):
        return False
    return True
