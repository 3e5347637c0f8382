"""Reads the first sheet of an Excel workbook (.xlsx) row by row, as far as a plain table needs it (ECMA-376 part 1).

Values only: formulas give what they last gave, dates stay numbers. A workbook is a zip archive of XML files.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from storage.errors import BenchmarkRefused

_MOST_BYTES = 256 << 20
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]+")
_SHEET = re.compile(r"xl/worksheets/sheet([0-9]+)\.xml")


def iterate_workbook(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows under the head of the first sheet; an empty cell is None, a row without a value is left out.

    Raises:
        BenchmarkRefused: it is no workbook, or unpacks to more than 256 MB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = sorted((int(found[1]), found[0]) for found in map(_SHEET.fullmatch, archive.namelist()) if found)
            if not sheets:
                raise BenchmarkRefused(f"{path.name} is no Excel workbook: it has no sheet; give the .xlsx itself")
            if (size := sum(entry.file_size for entry in archive.infolist())) > _MOST_BYTES:
                raise BenchmarkRefused(f"{path.name} unpacks to {size:,} bytes, more than {_MOST_BYTES:,}; save as CSV")
            yield from _iterate_sheet(archive, sheets[0][1])
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError, IndexError) as exc:
        raise BenchmarkRefused(f"{path.name} is no Excel workbook that can be read: {exc}; fetch it again") from exc


def _iterate_sheet(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    shared = _read_shared(archive)
    head: dict[int, str] = {}
    with archive.open(name) as handle:
        for _, element in ElementTree.iterparse(handle):
            if element.tag != f"{_MAIN}row":
                continue
            cells = _read_row(element, shared)
            element.clear()
            if not head:
                head = {column: str(value) for column, value in cells.items() if value is not None}
            elif any(value is not None for value in cells.values()):
                yield {title: cells.get(column) for column, title in head.items()}


def _read_shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    with archive.open("xl/sharedStrings.xml") as handle:
        return [_join_text(entry) for entry in ElementTree.parse(handle).getroot().iter(f"{_MAIN}si")]


def _join_text(element: ElementTree.Element) -> str:
    """Return the text of an entry: its own and that of its runs, without phonetic readings."""
    runs = [element, *element.findall(f"{_MAIN}r")]
    return "".join(text.text or "" for run in runs for text in run.findall(f"{_MAIN}t"))


def _read_row(row: ElementTree.Element, shared: list[str]) -> dict[int, str | int | None]:
    """Return column, counted from 0 -> value."""
    cells: dict[int, str | int | None] = {}
    column = -1
    for cell in row.iter(f"{_MAIN}c"):
        reference = _REFERENCE.fullmatch(cell.get("r", ""))
        column = _read_column(reference[1]) if reference else column + 1
        cells[column] = _read_cell(cell, shared)
    return cells


def _read_column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _read_cell(cell: ElementTree.Element, shared: list[str]) -> str | int | None:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v")
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return None if inline is None else _join_text(inline)
    if value is None:
        return None
    if kind == "s":
        return shared[int(value)]
    return int(value) if kind == "n" and value.lstrip("-").isdigit() else value
