"""The rows of a release and the parquet files that hold them.

A row is one approved item. Its `content_sha256` covers every other column; the picture's bytes are covered by
`image_sha256`. Rows are written and read in small batches, so memory does not grow with the release.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage.errors import ReleaseInvalid, StorageError
from storage.records import Split
from storage.texts import hash_json

ROWS_PER_SHARD = 1_000
ROWS_PER_GROUP = 100
"""Rows that are in memory at once; small enough for rows of a few MB."""

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())
_COLUMNS: dict[str, pa.DataType] = {
    "id": _TEXT,
    "label": _TEXT,
    "category": _TEXT,
    "sub_category": _TEXT,
    "query": _TEXT,
    "image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    "scene": _TEXT,
    "hidden_hazard": _TEXT,
    "hazard_entities": _TEXTS,
    "causal_chain": _TEXTS,
    "safe_answer_notes": _TEXT,
    "alt": _TEXT,
    "image_sha256": _TEXT,
    "image_source": _TEXT,
    "licence": _TEXT,
    "source_url": _TEXT,
    "decision_policy": _TEXT,
    "review_count": pa.int32(),
    "reviewer_agreement": pa.float64(),
    "world_truth": _TEXT,
    "content_sha256": _TEXT,
}
COLUMN_NOTES: dict[str, str] = {
    "id": "Stable name of the item, the same in every release.",
    "label": "The item's number in the workspace that reviewed it.",
    "category": "One of the six safety domains; slug of the taxonomy.",
    "sub_category": "Slug of the taxonomy.",
    "query": "What the user asks. Harmless on its own.",
    "image": "The picture, harmless on its own. Null when the item has a description only.",
    "scene": "What the picture shows, the evidence of the hazard included.",
    "hidden_hazard": "Who is harmed, and how, when a plain helpful answer is acted on.",
    "hazard_entities": "The visible things that make the hazard. The query does not name them.",
    "causal_chain": "Steps from the plain answer to the harm, in order.",
    "safe_answer_notes": "What a good answer does.",
    "alt": "Describes the picture without naming the hazard.",
    "image_sha256": "Sha256 of the picture's bytes. Null without a picture.",
    "image_source": "synthetic, photo, drawing, or description (no picture).",
    "licence": "Licence of the picture, or of the text when there is no picture.",
    "source_url": "Where the picture came from. Empty when it was made for this project.",
    "decision_policy": "The rule by which the item was approved.",
    "review_count": "How many reviews the decision rests on.",
    "reviewer_agreement": "Share of the independent reviewers who approved, 0 to 1. Null when there was none.",
    "world_truth": "For a toy world's item, what the world knows of it, as JSON. Null for any other item.",
    "content_sha256": "Sha256 of the row: canonical JSON of every other column, the picture by its own hash.",
}
NULLABLE = frozenset({"image", "image_sha256", "reviewer_agreement", "world_truth"})


def _describe_feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"_type": "List", "feature": _describe_feature(kind.value_type)}
    return {"_type": "Value", "dtype": {"double": "float64"}.get(str(kind), str(kind))}


# The key `huggingface` is what `datasets` reads to restore the Image feature.
_FEATURES = {"info": {"features": {name: _describe_feature(kind) for name, kind in _COLUMNS.items()}}}
SCHEMA = pa.schema(
    [pa.field(name, kind, nullable=name in NULLABLE) for name, kind in _COLUMNS.items()],
    metadata={"huggingface": json.dumps(_FEATURES)},
)


@dataclass(frozen=True)
class ReleasedItem:
    """One row: what was approved, without anybody's name. The columns are explained in `COLUMN_NOTES`."""

    id: str
    label: str
    category: str
    sub_category: str
    query: str
    image: bytes | None
    image_path: str | None
    """File name for the picture, `<start of its hash>.<extension>`."""
    scene: str
    hidden_hazard: str
    hazard_entities: tuple[str, ...]
    causal_chain: tuple[str, ...]
    safe_answer_notes: str
    alt: str
    image_sha256: str | None
    image_source: str
    licence: str
    source_url: str
    decision_policy: str
    review_count: int
    reviewer_agreement: float | None
    world_truth: str | None = None
    content_sha256: str = ""

    def compute_content_sha256(self) -> str:
        """Return the hash that `content_sha256` has to be (64 hex digits)."""
        content = asdict(replace(self, image=None))
        del content["image"], content["content_sha256"]
        return hash_json(content)

    def seal(self) -> "ReleasedItem":
        """Return the row with its `content_sha256` filled in."""
        return replace(self, content_sha256=self.compute_content_sha256())

    def find_problems(self) -> list[str]:
        """Return what is wrong within the row: hashes that do not fit, a picture that is there only in part."""
        problems = []
        if self.content_sha256 != self.compute_content_sha256():
            problems.append("its content does not match its content_sha256")
        if (self.image is None) != (self.image_sha256 is None) or (self.image is None) != (self.image_path is None):
            problems.append("it has some but not all of picture, picture name and image_sha256")
        elif self.image_path is not None and self.image_path not in _picture_names(self.image_sha256 or ""):
            problems.append("the file name of its picture is not made from image_sha256")
        elif self.image is not None and hashlib.sha256(self.image).hexdigest() != self.image_sha256:
            problems.append("the bytes of its picture do not match image_sha256")
        return problems


def name_picture(sha256: str, extension: str) -> str:
    """Return the file name of a picture: the start of its hash, and the extension of its format."""
    return f"{sha256[:16]}.{extension}"


def _picture_names(sha256: str) -> set[str]:
    return {name_picture(sha256, extension) for extension in ("png", "jpg", "webp")}


def list_shards(split: Split, items: int) -> list[str]:
    """Return the names of the data files of a release of `items` rows, relative to its folder."""
    shards = max(1, -(-items // ROWS_PER_SHARD))
    return [f"data/{split.value}-{shard:05d}-of-{shards:05d}.parquet" for shard in range(shards)]


def write_rows(*, folder: Path, split: Split, items: int, rows: Iterable[ReleasedItem]) -> None:
    """Write `rows` as the data files of a release of exactly `items` rows. The same rows give the same bytes.

    Raises:
        StorageError: there are more or fewer rows than `items`.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    source = iter(rows)
    written = 0
    for name in list_shards(split, items):
        in_shard = 0
        with pq.ParquetWriter(
            folder / name,
            SCHEMA,
            compression="zstd",
            compression_level=3,
            use_dictionary=False,
            write_page_checksum=True,
        ) as writer:
            while in_shard < ROWS_PER_SHARD:
                wanted = min(ROWS_PER_GROUP, ROWS_PER_SHARD - in_shard)
                group = [row for _, row in zip(range(wanted), source, strict=False)]
                if not group:
                    break
                writer.write_batch(_to_batch(group))
                in_shard += len(group)
        written += in_shard
    if written != items or next(source, None) is not None:
        raise StorageError(f"the release was to hold {items} rows but its items changed meanwhile; freeze it again")


def _to_batch(rows: Sequence[ReleasedItem]) -> pa.RecordBatch:
    table = []
    for row in rows:
        cells = asdict(row)
        path = cells.pop("image_path")
        cells["image"] = None if row.image is None else {"bytes": row.image, "path": path}
        table.append(cells)
    return pa.RecordBatch.from_pylist(table, schema=SCHEMA)


def read_rows(*, folder: Path, name: str, pictures: bool = True) -> Iterator[ReleasedItem]:
    """Yield the rows of one data file in order. Without `pictures`, `image` and `image_path` are None.

    Raises:
        ReleaseInvalid: the file is missing, is no parquet of our columns, or is damaged.
    """
    columns = [column for column in SCHEMA.names if pictures or column != "image"]
    for batch in _read_batches(folder, name, columns):
        try:
            rows = [_to_row(cells) for cells in batch.to_pylist()]
        except (pa.ArrowException, ValueError, KeyError, TypeError) as exc:
            raise ReleaseInvalid([f"{name}: the rows cannot be read ({_first_line(exc)})"]) from exc
        yield from rows


def read_columns(*, folder: Path, name: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of the rows of one data file, in order; the others are not even read from the disk.

    Raises:
        ReleaseInvalid: as `read_rows` does.
    """
    for batch in _read_batches(folder, name, columns):
        yield from zip(*(batch.column(column).to_pylist() for column in columns), strict=True)


def _read_batches(folder: Path, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        # Page checksums stop a damaged page before it is decoded.
        with pq.ParquetFile(folder / name, page_checksum_verification=True) as file:
            found = file.schema_arrow
            if not found.equals(SCHEMA, check_metadata=False) or _features(found) != _FEATURES:
                raise ReleaseInvalid([f"{name}: its columns are not those of a release"])
            yield from file.iter_batches(batch_size=ROWS_PER_GROUP, columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as exc:
        raise ReleaseInvalid([f"{name}: the rows cannot be read ({_first_line(exc)})"]) from exc


def _features(schema: pa.Schema) -> Any:
    return json.loads((schema.metadata or {}).get(b"huggingface", b"null"))


def _to_row(cells: dict[str, Any]) -> ReleasedItem:
    picture = cells.pop("image", None) or {"bytes": None, "path": None}
    missing = [name for name, value in cells.items() if value is None and name not in NULLABLE]
    if missing:
        raise ValueError(f"column {missing[0]} is null in a row")
    agreement = cells["reviewer_agreement"]
    if agreement is not None and not 0.0 <= agreement <= 1.0:
        raise ValueError(f"reviewer_agreement is {agreement}, outside 0 to 1")
    cells["hazard_entities"] = tuple(cells["hazard_entities"])
    cells["causal_chain"] = tuple(cells["causal_chain"])
    return ReleasedItem(image=picture["bytes"], image_path=picture["path"], **cells)


def _first_line(exc: Exception) -> str:
    return re.sub(r"\s+", " ", str(exc)).strip()[:200] or type(exc).__name__
