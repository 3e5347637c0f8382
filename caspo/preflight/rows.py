"""The training file, read row by row without keeping a picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class TrainRow:
    """A row."""

    place: int
    item_id: str
    roles: tuple[str, ...]
    text: str
    """Of all turns that are asked."""
    answers: tuple[str, ...]
    """That are learnt from; none in RL."""
    constitution: str
    twin: bool
    split: str
    sizes: tuple[tuple[int, int], ...]
    """Width and height of each picture; (0, 0): it cannot be opened."""

    @property
    def words(self) -> str:
        """Question and answers."""
        return "\n".join((self.text, *self.answers))

    @property
    def markers(self) -> int:
        """How many pictures the text speaks of."""
        return self.words.count("<image>")


def iterate_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield place and content of each row, in memory a few at a time.

    Raises:
        OSError, ValueError: It cannot be read.
    """
    place = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=AT_ONCE):
            for row in batch.to_pylist():
                yield place, row
                place += 1


def read_rows(path: Path) -> list[TrainRow]:
    """Return what is looked at of every row. What a row lacks counts as empty."""
    return [_read_row(place, row) for place, row in iterate_rows(path)]


def _read_row(place: int, row: dict[str, Any]) -> TrainRow:
    told = find_trace(row)
    turns, answers = split_turns(row)
    return TrainRow(
        place=place,
        item_id=str(told.get("item_id") or f"row {place}"),
        roles=tuple(str(turn.get("role")) for turn in turns),
        text="\n".join(str(turn.get("content") or "") for turn in turns),
        answers=tuple(answers),
        constitution=str(told.get("constitution") or row.get("constitution") or ""),
        twin=bool(told.get("twin")),
        split=str(told.get("split") or ""),
        sizes=tuple(_measure(picture.get("bytes") or b"") for picture in row.get("images") or []),
    )


def find_trace(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says of where it comes from."""
    return row.get("extra_info") or row.get("trace") or {}


def split_turns(row: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the turns that are asked, and the answers that are learnt from, of a row of any training file."""
    turns = row.get("prompt") or row.get("messages") or []
    asked = [turn for turn in turns if turn.get("role") != "assistant"]
    answers = [*turns, *(row.get("chosen") or []), *(row.get("rejected") or [])]
    return asked, [str(turn.get("content") or "") for turn in answers if turn.get("role") == "assistant"]


def _measure(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(BytesIO(data)) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return (0, 0)
