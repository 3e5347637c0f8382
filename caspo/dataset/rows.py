"""The Parquet files of training data: their columns, and a writer that holds one row group in memory.

verl's `RLHFDataset` reads `train.parquet` and `val.parquet`, its `MultiTurnSFTDataset` reads `sft.parquet`.
Pictures lie inside the rows as they came, if they are PNG or JPEG; any other format becomes PNG.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from caspo.dataset.scored import ScoredAnswer
from caspo.dataset.sources import Prompt
from storage.release_files import hash_file
from storage.texts import Sha256

PLACEHOLDER = "<image>"
ROWS_PER_GROUP = 64
BYTES_PER_GROUP = 32 << 20
_PLAIN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
_MESSAGES = pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))
_IMAGES = pa.list_(pa.struct([("bytes", pa.binary())]))
_EXTRA = pa.struct(
    [
        ("split", _TEXT),
        ("index", pa.int64()),
        ("item_id", _TEXT),
        ("release", _TEXT),
        ("category", _TEXT),
        ("sub_category", _TEXT),
        ("constitution", _TEXT),
        ("constitution_hash", _TEXT),
        ("twin", pa.bool_()),
        ("scene", _TEXT),
        ("hidden_hazard", _TEXT),
        ("hazard_entities", _TEXTS),
        ("causal_chain", _TEXTS),
        ("safe_answer_notes", _TEXT),
        ("world_truth", _TEXT),
    ]
)
_TRACE = pa.struct([("source", _TEXT), ("item_id", _TEXT), ("category", _TEXT), ("twin", pa.bool_())])

RL = pa.schema(
    [
        ("data_source", _TEXT),
        ("prompt", _MESSAGES),
        ("images", _IMAGES),
        ("ability", _TEXT),
        ("reward_model", pa.struct([("style", _TEXT), ("ground_truth", _TEXT)])),
        ("extra_info", _EXTRA),
    ]
)
SFT = pa.schema(
    [
        ("messages", _MESSAGES),
        ("images", _IMAGES),
        ("constitution", _TEXT),
        ("trace", _TRACE),
        ("model", _TEXT),
        ("score", pa.float64()),
    ]
)
PAIRS = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("images", _IMAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("chosen_score", pa.float64()),
        ("rejected_score", pa.float64()),
        ("gap", pa.float64()),
        ("chosen_model", _TEXT),
        ("rejected_model", _TEXT),
        ("trace", _TRACE),
    ]
)
"""Of preferences and of the reward model's pairs. Scores are null where a data set gives none."""
SCORES = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("images", _IMAGES),
        ("answer", _MESSAGES),
        ("score", pa.float64()),
        ("model", _TEXT),
        ("trace", _TRACE),
    ]
)
_REPEATED = (
    "data_source", "ability", "extra_info.split", "extra_info.release", "extra_info.category",
    "extra_info.constitution", "extra_info.constitution_hash", "extra_info.sub_category", "trace.source",
    "trace.category", "constitution", "model", "chosen_model", "rejected_model",
)  # fmt: skip


class RowWriter:
    """One Parquet file, written row by row. The same rows give the same bytes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.added = 0
        self._schema = schema
        self._held: list[dict[str, Any]] = []
        self._held_bytes = 0
        repeated = [name for name in _REPEATED if name.split(".")[0] in schema.names]
        # Pictures do not get smaller; a dictionary keeps the constitutions from being written row by row.
        self._writer = pq.ParquetWriter(
            path, schema, compression="none", use_dictionary=repeated, write_statistics=False
        )

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._held.append(row)
        self.added += 1
        self._held_bytes += sum(len(image["bytes"]) for image in row["images"])
        if len(self._held) >= ROWS_PER_GROUP or self._held_bytes >= BYTES_PER_GROUP:
            self._flush()

    def describe(self) -> dict[str, Any]:
        """Return hash, size and rows of the finished file."""
        return {**hash_file(self.path), "rows": self.added}

    def _flush(self) -> None:
        if self._held:
            self._writer.write_batch(pa.RecordBatch.from_pylist(self._held, schema=self._schema))
            self._held, self._held_bytes = [], 0


def keep_picture(data: bytes) -> bytes:
    """Return PNG and JPEG as they are, and the pixels of anything else as PNG."""
    if data.startswith(_PLAIN):
        return data
    from PIL import Image

    buffer = BytesIO()
    with Image.open(BytesIO(data)) as opened:
        opened.convert("RGB").save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def make_rl_row(
    prompt: Prompt, picture: bytes, *, source: str, split: str, index: int, constitution: tuple[str, Sha256]
) -> dict[str, Any]:
    """Return a row for verl. Nothing of `extra_info` is part of the prompt."""
    return {
        "data_source": source,
        "prompt": _ask(prompt.query),
        "images": [{"bytes": picture}],
        "ability": "safety",
        "reward_model": {"style": "model", "ground_truth": ""},
        "extra_info": {
            "split": split,
            "index": index,
            "item_id": prompt.item_id,
            "release": source,
            "category": prompt.category.value if prompt.category else "",
            "sub_category": prompt.sub_category or prompt.own_category,
            "constitution": constitution[0],
            "constitution_hash": constitution[1],
            "twin": prompt.twin,
            "scene": prompt.scene,
            "hidden_hazard": prompt.hidden_hazard,
            "hazard_entities": list(prompt.hazard_entities),
            "causal_chain": list(prompt.causal_chain),
            "safe_answer_notes": prompt.safe_answer_notes,
            "world_truth": prompt.world_truth,
        },
    }


def make_sft_row(
    prompt: Prompt, picture: bytes, answer: ScoredAnswer, text: str, *, source: str, constitution: str
) -> dict[str, Any]:
    """Return a row for verl's SFT trainer. The constitution is no turn of it: `data.prompt` says whether it is read."""
    return {
        "messages": [*_ask(answer.asked or prompt.query), *_answer(text)],
        "images": [{"bytes": picture}],
        "constitution": constitution,
        "trace": _trace(prompt, source),
        "model": answer.model,
        "score": answer.score,
    }


def make_pair_row(
    prompt: Prompt,
    picture: bytes,
    *,
    source: str,
    asked: str,
    texts: tuple[str, str],
    models: tuple[str, str],
    scores: tuple[float, float] | None,
    gap: float | None,
) -> dict[str, Any]:
    """Return a row of two answers, the better one first, in the form that DPO trainers take."""
    return {
        "prompt": _ask(asked or prompt.query),
        "images": [{"bytes": picture}],
        "chosen": _answer(texts[0]),
        "rejected": _answer(texts[1]),
        "chosen_score": scores[0] if scores else None,
        "rejected_score": scores[1] if scores else None,
        "gap": gap,
        "chosen_model": models[0],
        "rejected_model": models[1],
        "trace": _trace(prompt, source),
    }


def make_score_row(prompt: Prompt, picture: bytes, answer: ScoredAnswer, text: str, *, source: str) -> dict[str, Any]:
    """Return a row of one answer with its R + S + E."""
    return {
        "prompt": _ask(answer.asked or prompt.query),
        "images": [{"bytes": picture}],
        "answer": _answer(text),
        "score": answer.score,
        "model": answer.model,
        "trace": _trace(prompt, source),
    }


def _ask(query: str) -> list[Mapping[str, str]]:
    return [{"role": "user", "content": f"{PLACEHOLDER}{query}"}]


def _answer(text: str) -> list[Mapping[str, str]]:
    return [{"role": "assistant", "content": text}]


def _trace(prompt: Prompt, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "item_id": prompt.item_id,
        "category": prompt.category.value if prompt.category else "",
        "twin": prompt.twin,
    }
