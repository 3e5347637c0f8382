"""One process at a time: a lock on a file, which the system drops when its process dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lock(file: Path, *, busy: Exception) -> Iterator[int]:
    """Hold the lock on `file`, made with its folder where it does not exist, for as long as the block runs.

    Yields the file's descriptor: a child that inherits it holds the lock, too, and longer than a parent that dies.

    Args:
        file: a file of nobody's content; it stays.
        busy: what is raised when another process holds the lock.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise busy from exc
        yield lock.fileno()
