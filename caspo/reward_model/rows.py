"""Pairs and scores of a folder of training data. Texts are held in memory, pictures in a folder, each once."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from caspo.dataset.sampling import draw
from caspo.errors import DataRefused
from caspo.reward_model.conversations import Asked
from storage.release_files import hash_file
from storage.release_rows import TWIN_SUFFIX

PAIRS_FILE, SCORES_FILE, MANIFEST = "reward_pairs.parquet", "reward_scores.parquet", "manifest.json"
Part = Literal["train", "held-out", "all"]
_ROWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer with what the judge gave it."""

    query: str
    pictures: tuple[str, ...]
    """Their sha256."""
    answer: str
    score: float
    """R + S + E, 0 to 6."""
    item_id: str

    @property
    def words(self) -> int:
        """Of the answer."""
        return len(self.answer.split())


@dataclass(frozen=True, slots=True)
class RatedPair:
    """Two answers to one prompt whose scores differ by more than the gap, the better one first."""

    chosen: Rated
    rejected: Rated


@dataclass(frozen=True)
class RewardRows:
    """What a reward model learns from, or is measured on."""

    pairs: tuple[RatedPair, ...]
    singles: tuple[Rated, ...]
    pictures: Path
    files: dict[str, str]
    """Name -> sha256 of the files that were read."""

    def ask(self, rated: Rated, *, pictures: tuple[str, ...] | None = None) -> Asked:
        """Return an answer as the model reads it, with other pictures where they are given."""
        data = tuple((self.pictures / name).read_bytes() for name in pictures or rated.pictures)
        return Asked(rated.query, data, rated.answer)


def read_rows(
    data: Path, pictures: Path, *, gap: float, part: Part = "all", held_out_share: float = 0.0, seed: int = 0
) -> RewardRows:
    """Read the two files of Eq. 7 and unpack their pictures.

    Args:
        data: Folder of `curator caspo prepare`.
        pictures: Folder for the pictures, made where it is not there; what it holds already stays.
        gap: Every pair must differ by more.
        part: Which items: those that are held out, the others, or all. A twin goes with its item.
        held_out_share: About how many are held out.
        seed: Of that choice.

    Raises:
        DataRefused: The folder lacks what is needed, a file is not as its manifest says, or a row cannot be used.
    """
    files = _check_files(data)
    pictures.mkdir(parents=True, exist_ok=True)

    def wanted(item_id: str) -> bool:
        held = draw(seed, "reward-held-out", item_id.removesuffix(TWIN_SUFFIX)) < held_out_share
        return part == "all" or held == (part == "held-out")

    pairs = tuple(_read_pairs(data / PAIRS_FILE, pictures, gap, wanted) if PAIRS_FILE in files else ())
    singles = tuple(_read_singles(data / SCORES_FILE, pictures, wanted) if SCORES_FILE in files else ())
    return RewardRows(pairs, singles, pictures, files)


def _check_files(data: Path) -> dict[str, str]:
    try:
        said = json.loads((data / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataRefused(
            f"{data} is no folder of training data ({exc!r}); make one with `curator caspo prepare --judge-run ...`"
        ) from exc
    found = {}
    for name in (PAIRS_FILE, SCORES_FILE):
        if name not in said:
            continue
        file = data / name
        if not file.is_file() or hash_file(file)["sha256"] != said[name]["sha256"]:
            raise DataRefused(f"{file} is missing or not as {MANIFEST} says; prepare the training data again")
        found[name] = str(said[name]["sha256"])
    if not found:
        raise DataRefused(
            f"{data} has neither {PAIRS_FILE} nor {SCORES_FILE}: no judged answers went into it; prepare it again with "
            "--judge-run"
        )
    return found


def _read_pairs(file: Path, pictures: Path, gap: float, wanted: Any) -> Iterator[RatedPair]:
    columns = ["prompt", "images", "trace", "chosen", "rejected", "chosen_score", "rejected_score"]
    for number, row in _iterate(file, columns):
        if not wanted(row["trace"]["item_id"]):
            continue
        scores = row["chosen_score"], row["rejected_score"]
        if None in scores or not scores[0] - scores[1] > gap:
            raise DataRefused(
                f"row {number} of {file} has the scores {scores[0]} and {scores[1]}, which do not differ by more than "
                f"the gap of {gap}; set gap to the margin that the data was prepared with, or prepare it again"
            )
        asked = _read_prompt(file, number, row, pictures)
        chosen, rejected = (
            Rated(*asked, row[name][0]["content"], float(score), row["trace"]["item_id"])
            for name, score in zip(("chosen", "rejected"), scores, strict=True)
        )
        yield RatedPair(chosen, rejected)


def _read_singles(file: Path, pictures: Path, wanted: Any) -> Iterator[Rated]:
    for number, row in _iterate(file, ["prompt", "images", "trace", "answer", "score"]):
        if wanted(row["trace"]["item_id"]):
            asked = _read_prompt(file, number, row, pictures)
            yield Rated(*asked, row["answer"][0]["content"], float(row["score"]), row["trace"]["item_id"])


def _iterate(file: Path, columns: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with pq.ParquetFile(file) as opened:
            missing = set(columns) - set(opened.schema_arrow.names)
            if missing:
                raise DataRefused(f"{file} has no column {', '.join(sorted(missing))}; see docs/training-data.md")
            number = 0
            for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=columns):
                for row in batch.to_pylist():
                    yield number, row
                    number += 1
    except pa.ArrowException as exc:
        raise DataRefused(f"{file} cannot be read ({exc}); prepare the training data again") from exc


def _read_prompt(file: Path, number: int, row: dict[str, Any], pictures: Path) -> tuple[str, tuple[str, ...]]:
    if [turn["role"] for turn in row["prompt"]] != ["user"] or not row["images"]:
        raise DataRefused(f"row {number} of {file} is not one user turn with a picture; see docs/training-data.md")
    return row["prompt"][0]["content"], tuple(_keep(image["bytes"], pictures) for image in row["images"])


def _keep(data: bytes, pictures: Path) -> str:
    name = hashlib.sha256(data).hexdigest()
    if not (pictures / name).exists():
        partial = pictures / f".{name}.{os.getpid()}"
        partial.write_bytes(data)
        partial.replace(pictures / name)
    return name
