"""Preference pairs as TRL takes them, read from their Parquet file row by row while it trains."""

from io import BytesIO
from pathlib import Path
from typing import Any

from datasets import Dataset
from PIL import Image

from caspo.dataset.rows import PLACEHOLDER

COLUMNS = ("prompt", "images", "chosen", "rejected")


def open_pairs(path: Path, cache: Path) -> Dataset:
    """Return the pairs; a picture is decoded when its row is asked for. `cache` gets a copy, mapped to memory."""
    dataset = Dataset.from_parquet(str(path), columns=list(COLUMNS), cache_dir=str(cache))
    return dataset.with_transform(decode)


def decode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return rows with pictures in place of bytes. TRL puts their places itself, before the question."""
    found = dict(batch)
    if "images" in batch:
        found["images"] = [[open_picture(one["bytes"]) for one in row or []] for row in batch["images"]]
    if "prompt" in batch:
        found["prompt"] = [
            [turn | {"content": turn["content"].replace(PLACEHOLDER, "")} for turn in row] for row in batch["prompt"]
        ]
    return found


def open_picture(data: bytes) -> Image.Image:
    """Return a picture in RGB."""
    with Image.open(BytesIO(data)) as opened:
        return opened.convert("RGB")
