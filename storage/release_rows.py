"""The rows of a release and the parquet files that hold them.

A row is one approved item; when it has a twin, the row holds that too, so a twin is never counted as an item. A row's
`content_sha256` covers every other column; the bytes of the pictures are covered by `image_sha256` and
`twin_image_sha256`. Rows are written and read in small batches, so memory does not grow with the release.

Columns have been added since the first releases. A file of an earlier format is read with nothing in them, and the
hash of a row leaves out those that hold nothing, so a row has the same hash in every format.
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
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_COLUMNS: dict[str, pa.DataType] = {
    "id": _TEXT,
    "label": _TEXT,
    "category": _TEXT,
    "sub_category": _TEXT,
    "query": _TEXT,
    "image": _PICTURE,
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
    "author": _TEXT,
    "decision_policy": _TEXT,
    "review_count": pa.int32(),
    "reviewer_agreement": pa.float64(),
    "twin_image": _PICTURE,
    "twin_scene": _TEXT,
    "twin_alt": _TEXT,
    "twin_image_sha256": _TEXT,
    "twin_licence": _TEXT,
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
    "author": "Who made the picture and has to be named with it, as in CC BY. Null when nobody is named.",
    "decision_policy": "The rule by which the item was approved.",
    "review_count": "How many reviews the decision rests on.",
    "reviewer_agreement": "Share of the independent reviewers who approved, 0 to 1. Null when there was none.",
    "twin_image": "The twin: a picture in which the hazard is absent, for the same query. A person has looked "
    "and said so. For measuring over-warning; it is no item. Null without a twin.",
    "twin_scene": "What the twin's picture shows. Null without a twin.",
    "twin_alt": "Describes the twin's picture. Null without a twin.",
    "twin_image_sha256": "Sha256 of the bytes of the twin's picture. Null without a twin.",
    "twin_licence": "Licence of the twin's picture. Null without a twin.",
    "world_truth": "For a toy world's item, what the world knows of it and its twin, as JSON. Null for any other item.",
    "content_sha256": "Sha256 of the row: canonical JSON of every other column, pictures by their own hashes, author "
    "and the twin's columns only where they are not null.",
}
PICTURES = ("image", "twin_image")
TWIN_SUFFIX = "-twin"
"""Ends the name under which a judge run keeps answers to the twin of an item."""
_SINCE_2 = ("author", "twin_image", "twin_scene", "twin_alt", "twin_image_sha256", "twin_licence")
"""Columns that format 1 does not have."""
_UNHASHED = frozenset({*PICTURES, "content_sha256", "absent"})
_UNHASHED_NULLS = frozenset({*_SINCE_2, "twin_image_path"})
NULLABLE = frozenset({"image", "image_sha256", "reviewer_agreement", "world_truth", *_SINCE_2})


def _describe_feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"_type": "List", "feature": _describe_feature(kind.value_type)}
    return {"_type": "Value", "dtype": {"double": "float64"}.get(str(kind), str(kind))}


def _make_schema(*without: str) -> pa.Schema:
    columns = {name: kind for name, kind in _COLUMNS.items() if name not in without}
    # The key `huggingface` is what `datasets` reads to restore the Image feature.
    features = {"info": {"features": {name: _describe_feature(kind) for name, kind in columns.items()}}}
    fields = [pa.field(name, kind, nullable=name in NULLABLE) for name, kind in columns.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(features)})


SCHEMA = _make_schema()
FORMAT = "ood-mmsafe-release/2"
LAYOUTS: dict[str, tuple[pa.Schema, ...]] = {
    # `world_truth` came into format 1 without a new number.
    "ood-mmsafe-release/1": (_make_schema(*_SINCE_2), _make_schema(*_SINCE_2, "world_truth")),
    FORMAT: (SCHEMA,),
}
"""Format of a release -> the columns that its data files may have."""


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
    author: str | None = None
    twin_image: bytes | None = None
    twin_image_path: str | None = None
    twin_scene: str | None = None
    twin_alt: str | None = None
    twin_image_sha256: str | None = None
    twin_licence: str | None = None
    world_truth: str | None = None
    content_sha256: str = ""
    absent: frozenset[str] = frozenset()
    """Columns that the row's file, of an earlier format, does not have; they hold nothing and are not hashed."""

    @property
    def has_twin(self) -> bool:
        """Whether the row holds a twin, also when it was read without pictures."""
        return self.twin_image_sha256 is not None

    def as_twin(self) -> "ReleasedItem":
        """Return the twin as something that a model can be asked about: the same query, its own picture and name.

        It keeps the hazard of its item, which is what a needless warning would name. Nothing is released by this.

        Raises:
            ValueError: the item has none.
        """
        if not self.has_twin:
            raise ValueError(f"item {self.label} has no twin")
        return replace(
            self,
            id=name_twin(self.id),
            image=self.twin_image,
            image_path=self.twin_image_path,
            image_sha256=self.twin_image_sha256,
            scene=self.twin_scene or "",
            alt=self.twin_alt or "",
            licence=self.twin_licence or "",
        )

    def compute_content_sha256(self) -> str:
        """Return the hash that `content_sha256` has to be (64 hex digits)."""
        unsaid = _UNHASHED | self.absent
        return hash_json({
            name: value
            for name, value in vars(self).items()
            if name not in unsaid and (value is not None or name not in _UNHASHED_NULLS)
        })  # fmt: skip

    def seal(self) -> "ReleasedItem":
        """Return the row with its `content_sha256` filled in."""
        return replace(self, content_sha256=self.compute_content_sha256())

    def find_problems(self) -> list[str]:
        """Return what is wrong within the row: hashes that do not fit, a picture that is there only in part."""
        problems = []
        if self.content_sha256 != self.compute_content_sha256():
            problems.append("its content does not match its content_sha256")
        problems += _check_picture(self.image, self.image_path, self.image_sha256, "picture", "image_sha256")
        twin = (self.twin_image, self.twin_image_path, self.twin_image_sha256)
        problems += _check_picture(*twin, "twin's picture", "twin_image_sha256")
        if {value is None for value in (self.twin_image_sha256, self.twin_scene, self.twin_alt, self.twin_licence)} == {
            True, False
        }:  # fmt: skip
            problems.append("it has some but not all columns of a twin")
        return problems


def _check_picture(data: bytes | None, path: str | None, sha256: str | None, what: str, column: str) -> list[str]:
    if (data is None) != (sha256 is None) or (data is None) != (path is None):
        return [f"it has some but not all of {what}, {what} name and {column}"]
    if path is not None and path not in _picture_names(sha256 or ""):
        return [f"the file name of its {what} is not made from {column}"]
    if data is not None and hashlib.sha256(data).hexdigest() != sha256:
        return [f"the bytes of its {what} do not match {column}"]
    return []


def name_twin(item_id: str) -> str:
    """Return the name of an item's twin among a judge run's answers."""
    return item_id + TWIN_SUFFIX


def is_twin(name: str) -> bool:
    """Whether a name among a judge run's answers is a twin's."""
    return name.endswith(TWIN_SUFFIX)


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
        for name in PICTURES:
            path, data = cells.pop(f"{name}_path"), cells[name]
            cells[name] = None if data is None else {"bytes": data, "path": path}
        del cells["absent"]
        table.append(cells)
    return pa.RecordBatch.from_pylist(table, schema=SCHEMA)


def read_rows(*, folder: Path, name: str, pictures: bool = True, form: str | None = None) -> Iterator[ReleasedItem]:
    """Yield the rows of one data file in order. Without `pictures`, pictures and their file names are None.

    Args:
        folder: the release folder.
        name: of the file, relative to the folder.
        pictures: whether to read them.
        form: the release's format, whose columns the file must have; None takes those of any.

    Raises:
        ReleaseInvalid: the file is missing, is no parquet of our columns, or is damaged.
    """
    columns = [column for column in SCHEMA.names if pictures or column not in PICTURES]
    for batch in _read_batches(folder, name, columns, form):
        try:
            absent = _COLUMNS.keys() - {*batch.schema.names, *PICTURES}
            rows = [_to_row(cells, frozenset(absent)) for cells in batch.to_pylist()]
        except (pa.ArrowException, ValueError, KeyError, TypeError) as exc:
            raise ReleaseInvalid([f"{name}: the rows cannot be read ({_first_line(exc)})"]) from exc
        yield from rows


def read_columns(
    *, folder: Path, name: str, columns: Sequence[str], form: str | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of the rows of one data file, in order; the others are not even read from the disk.

    A column that an earlier format does not have holds nothing but None.

    Raises:
        ReleaseInvalid: as `read_rows` does.
    """
    for batch in _read_batches(folder, name, ["id", *columns], form):
        none = [None] * batch.num_rows
        there = batch.schema.names
        values = (batch.column(column).to_pylist() if column in there else none for column in columns)
        yield from zip(*values, strict=True)


def _read_batches(folder: Path, name: str, columns: Sequence[str], form: str | None) -> Iterator[pa.RecordBatch]:
    layouts = LAYOUTS[form] if form is not None else [layout for known in LAYOUTS.values() for layout in known]
    try:
        # Page checksums stop a damaged page before it is decoded.
        with pq.ParquetFile(folder / name, page_checksum_verification=True) as file:
            found = file.schema_arrow
            if not any(_has_columns(found, layout) for layout in layouts):
                raise ReleaseInvalid([f"{name}: its columns are not those of a release"])
            there = [column for column in dict.fromkeys(columns) if column in found.names]
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, columns=there, use_threads=False):
                for column in there:
                    if column not in NULLABLE and batch.column(column).null_count:
                        raise ValueError(f"column {column} is null in a row")
                yield batch
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as exc:
        raise ReleaseInvalid([f"{name}: the rows cannot be read ({_first_line(exc)})"]) from exc


def _has_columns(found: pa.Schema, layout: pa.Schema) -> bool:
    return bool(found.equals(layout, check_metadata=False)) and bool(_features(found) == _features(layout))


def _features(schema: pa.Schema) -> Any:
    return json.loads((schema.metadata or {}).get(b"huggingface", b"null"))


def _to_row(cells: dict[str, Any], absent: frozenset[str]) -> ReleasedItem:
    agreement = cells["reviewer_agreement"]
    if agreement is not None and not 0.0 <= agreement <= 1.0:
        raise ValueError(f"reviewer_agreement is {agreement}, outside 0 to 1")
    for name in PICTURES:
        picture = cells.pop(name, None) or {"bytes": None, "path": None}
        cells[name], cells[f"{name}_path"] = picture["bytes"], picture["path"]
    cells["hazard_entities"] = tuple(cells["hazard_entities"])
    cells["causal_chain"] = tuple(cells["causal_chain"])
    return ReleasedItem(absent=absent, **cells)


def _first_line(exc: Exception) -> str:
    return re.sub(r"\s+", " ", str(exc)).strip()[:200] or type(exc).__name__
