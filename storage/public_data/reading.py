"""Reads rows from JSON, JSON lines, CSV, Parquet and Excel files, one after the other, and says plainly what is wrong.

Only JSON objects (and not lists) are read whole: the two benchmarks that use them are small. Of a Parquet file one page
is held, which is a whole row group where its writer did not cut pages.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, TextIO, cast

from storage.errors import BenchmarkRefused
from storage.public_data.workbook import iterate_workbook

READABLE = (".json", ".jsonl", ".csv", ".parquet", ".xlsx")
_CHUNK = 1 << 16
_LONGEST_ROW = 64 << 20
_PARQUET_ROWS = 16
_PARQUET_BUFFER = 1 << 20
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands."""

    file: Path
    number: int
    """Counted from 0."""
    values: Mapping[str, Any]

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.file.name}, row {self.number}"

    def demand(self, *columns: str) -> None:
        """Refuse the row when a column is missing.

        Raises:
            BenchmarkRefused: it names the first column that is missing and those that are there.
        """
        for column in columns:
            if column not in self.values:
                raise BenchmarkRefused(
                    f"{self.place}: the column {column!r} is missing; there are {list_names(self.values)}. Give the "
                    "file as its makers publish it, or the name of the benchmark that it belongs to"
                )

    def text(self, column: str, *, filled: bool = False) -> str:
        """Return the text in a column, unchanged; numbers as text, nothing as an empty text.

        Args:
            column: which has to be there.
            filled: refuse an empty one.

        Raises:
            BenchmarkRefused: the column is missing, holds something else, or is empty.
        """
        self.demand(column)
        value = self.values[column]
        if value is None:
            value = ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BenchmarkRefused(
                f"{self.place}: {column!r} holds {shorten(value)}, which is no text; restore the row"
            )
        if filled and not str(value).strip():
            raise BenchmarkRefused(f"{self.place}: {column!r} is empty; restore the row from the published file")
        return str(value)

    def texts(self, column: str) -> list[str]:
        """Return a list of texts.

        Raises:
            BenchmarkRefused: the column is missing or holds something else.
        """
        self.demand(column)
        value = self.values[column]
        if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
            raise BenchmarkRefused(
                f"{self.place}: {column!r} holds {shorten(value)}, not a list of texts; restore the row"
            )
        return value

    def rest(self, *used: str) -> dict[str, Any]:
        """Return what the row says beyond the columns that were used, without empty cells."""
        return {name: value for name, value in self.values.items() if name not in used and not _is_empty(value)}


def find_files(path: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the file that `path` is, or the benchmark's files in the folder that it is, in order of their names.

    Raises:
        BenchmarkRefused: there is nothing there, or nothing that fits.
    """
    if path.is_file():
        if path.suffix.lower() not in READABLE:
            raise BenchmarkRefused(
                f"{path.name} cannot be read: give a file that ends in {', '.join(READABLE)}, or the folder of an "
                "unpacked archive"
            )
        return [path]
    if not path.is_dir():
        raise BenchmarkRefused(f"there is nothing at {path}; give the benchmark's file or folder")
    patterns = list(patterns)
    found = {file for pattern in patterns for file in path.rglob(pattern) if file.suffix.lower() in READABLE}
    found = {file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)}
    if not found:
        raise BenchmarkRefused(f"no file in {path} is named like {' or '.join(patterns)}; give the file itself")
    return sorted(found)


def iterate_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a file without holding it whole.

    Raises:
        BenchmarkRefused: it cannot be read, is no table of rows, or holds none.
    """
    readers = {
        ".json": _iterate_json,
        ".jsonl": _iterate_lines,
        ".csv": _iterate_csv,
        ".parquet": _iterate_parquet,
        ".xlsx": iterate_workbook,
    }
    number = -1
    try:
        for number, values in enumerate(readers[path.suffix.lower()](path)):
            if not isinstance(values, dict):
                raise BenchmarkRefused(
                    f"{path.name}, row {number} is {shorten(values)}, not an object with named fields; restore the row"
                )
            yield Row(path, number, values)
    except (OSError, ValueError, RecursionError, csv.Error) as exc:
        raise BenchmarkRefused(f"{path.name}, after row {number}: {exc}; fetch the file again") from exc
    if number < 0:
        raise BenchmarkRefused(f"{path.name} holds no rows; fetch the file again")


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        BenchmarkRefused: it cannot be read or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as exc:
        raise BenchmarkRefused(f"{path.name} cannot be read: {exc}; fetch the file again") from exc
    if not isinstance(value, dict):
        raise BenchmarkRefused(
            f"{path.name} holds {shorten(value)}, not an object; give the file as its makers publish it"
        )
    return value


def list_names(names: Iterable[object]) -> str:
    """Return names for a message."""
    return ", ".join(repr(name) for name in names) or "none"


def shorten(value: object) -> str:
    """Return a value for a message, cut short."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _iterate_json(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as handle:
        yield from _iterate_list(handle, path.name)


def _iterate_list(handle: TextIO, name: str) -> Iterator[Any]:
    """Yield the elements of a JSON list, reading on only when the next one is not yet complete."""
    decoder = json.JSONDecoder()
    text, separator, ended = "", "[", False
    while True:
        text = text.lstrip()
        if not text and not ended:
            text = handle.read(_CHUNK)
            ended = not text
            continue
        if separator in ",]" and text[:1] == "]":
            return
        if text[:1] != separator and separator:
            expected = "a list" if separator == "[" else f"{separator!r} or ']'"
            raise BenchmarkRefused(
                f"{name}: {expected} was expected where {shorten(text[:30])} stands; give the whole file as its makers "
                "publish it"
            )
        rest = text[len(separator) :].lstrip()
        if separator == "[" and rest[:1] == "]":
            return
        try:
            value, end = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            more = "" if len(text) > _LONGEST_ROW else handle.read(max(_CHUNK, len(text)))
            if not more:
                raise
            text += more
            continue
        yield value
        text, separator = rest[end:], ","


def _iterate_lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8-sig") as handle:
        for line in handle:
            if line.strip():
                yield json.loads(line)


def _iterate_csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        for number, values in enumerate(reader):
            if None in values or None in values.values():
                raise BenchmarkRefused(f"{path.name}, row {number} has not as many cells as the head; restore the row")
            yield cast(dict[str, Any], values)


def _iterate_parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, buffer_size=_PARQUET_BUFFER, pre_buffer=False) as table:
            for batch in table.iter_batches(batch_size=_PARQUET_ROWS, use_threads=False):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as exc:
        raise BenchmarkRefused(f"{path.name} is no Parquet file that can be read: {exc}; fetch it again") from exc
