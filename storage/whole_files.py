"""Small files that others read while they are replaced."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or as it was before, also after a kill. Its folder is made.

    One process writes a file at a time. Text becomes UTF-8. Nothing is forced to the disk: a machine that loses power
    may lose it.

    Args:
        path: The file.
        content: All of it.
        mode: Its rights, when it is new.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    handle = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
    partial.replace(path)
