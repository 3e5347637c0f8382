"""Finds the pictures that a benchmark's rows name; never outside the folders that were given."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from storage.errors import BenchmarkRefused
from storage.public_data.reading import Row, list_names, shorten
from storage.public_data.records import Picture

FOLDERS = ("", "images", "image", "data", "data/images", "data/image")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"})


class PictureFinder:
    """Looks below some folders, in order."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self.roots = [root.resolve() for root in roots]

    @classmethod
    def beside(cls, path: Path) -> "PictureFinder":
        """Look where benchmarks keep their pictures: in the folder, or beside the file, and one folder up."""
        base = path.resolve() if path.is_dir() else path.resolve().parent
        return cls([base, base.parent])

    def find(self, name: str, *, row: Row) -> Picture:
        """Return the picture of that name, found or not.

        A name without a folder is, in the end, looked for in all sub-folders of the first root.

        Raises:
            BenchmarkRefused: the name is empty or leads out of the folder, or two files fit it.
        """
        inside = PurePosixPath(name)
        if not name.strip() or "\0" in name or inside.is_absolute() or ".." in inside.parts:
            raise BenchmarkRefused(
                f"{row.place}: the picture's name {shorten(name)} is empty or leads out of the folder; restore the row"
            )
        for root in self.roots:
            for folder in FOLDERS:
                path = (root / folder / inside).resolve()
                if path.is_file() and path.is_relative_to(root):
                    return Picture(name, path)
        if len(inside.parts) > 1:
            return Picture(name)
        found = self._by_name.get(name, [])
        if len(found) > 1:
            shown = list_names(str(path.relative_to(self.roots[0])) for path in found[:2])
            raise BenchmarkRefused(
                f"{row.place}: {len(found)} files are named {name!r}, as {shown}; give the right folder by --pictures"
            )
        return Picture(name, found[0] if found else None)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted(self.roots[0].rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
                found.setdefault(path.name, []).append(path)
        return found


def take_picture(row: Row, column: str, pictures: PictureFinder) -> Picture:
    """Return the picture in a column: a name, bytes, or the struct of bytes and path that `datasets` writes.

    Raises:
        BenchmarkRefused: the column is missing or holds something else.
    """
    row.demand(column)
    value: Any = row.values[column]
    if isinstance(value, str):
        return pictures.find(value, row=row)
    if isinstance(value, bytes):
        value = {"bytes": value}
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes) and value["bytes"]:
        return Picture(value.get("path") or f"{row.file.stem}/{row.number}/{column}", data=value["bytes"])
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return pictures.find(value["path"], row=row)
    raise BenchmarkRefused(
        f"{row.place}: {column!r} holds {shorten(value)}, which is no name and no bytes of a picture; restore the row"
    )
