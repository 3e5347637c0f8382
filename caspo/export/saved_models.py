"""Finds the models that TRL has saved whole: folders of transformers'. No torch here.

RUN/model/                         at the end of a training
RUN/checkpoints/checkpoint-50/     after a step, with optimizer and more beside the model
    config.json  model.safetensors (or shards and their index)  tokenizer and processor
    trainer_state.json             written last
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.errors import ExportRefused

MODEL, STATE = "model", "trainer_state.json"
_INDEX = "model.safetensors.index.json"
_KEPT = frozenset({".json", ".safetensors", ".jinja", ".txt", ".model"})
_LENGTH_BYTES = 8


@dataclass(frozen=True)
class SavedModel:
    """A model with all its files."""

    step: int
    folder: Path
    files: tuple[str, ...]
    """Those of the model; what is there to resume a training is not among them."""


def find_model(run: Path, step: int | None = None) -> SavedModel:
    """Return what a run came to.

    Args:
        run: The run's folder.
        step: Of the checkpoint; None: the model at the end of the training.

    Raises:
        ExportRefused: It is not there, or was not written to its end.
    """
    found = [path.name.removeprefix("checkpoint-") for path in (run / "checkpoints").glob("checkpoint-*")]
    known = sorted(int(number) for number in found if number.isdigit())
    named = f"it has checkpoints of step {', '.join(map(str, known))}" if known else "it has no checkpoint"
    if step is not None:
        if step not in known:
            raise ExportRefused(f"{run} has no checkpoint of step {step}; {named}")
        return _read_folder(run / "checkpoints" / f"checkpoint-{step}", named)
    if not (run / MODEL).is_dir():
        raise ExportRefused(
            f"{run} has no folder {MODEL}, which is written at the end of a training: the same command goes on with "
            f"it. Or name a checkpoint with --step; {named}"
        )
    return _read_folder(run / MODEL, named)


def _read_folder(folder: Path, named: str) -> SavedModel:
    def refuse(what: str) -> ExportRefused:
        return ExportRefused(
            f"the model in {folder} is not whole: {what}. The command that trained it goes on, or writes it again; or "
            f"name another checkpoint with --step: {named}"
        )

    files = sorted(path.name for path in folder.iterdir() if path.suffix in _KEPT and path.name != STATE)
    for name in ("config.json", "tokenizer_config.json"):
        if name not in files:
            raise refuse(f"{name} is missing")
    try:
        state = _read_object(folder / STATE)
        shards = set(_read_object(folder / _INDEX)["weight_map"].values()) if _INDEX in files else {"model.safetensors"}
        step = int(state["global_step"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise refuse(f"{STATE} or {_INDEX} cannot be read ({exc})") from exc
    for shard in sorted(shards):
        if shard not in files:
            raise refuse(f"{shard} is missing")
        if not _is_whole(folder / shard):
            raise refuse(f"{shard} was cut off")
    return SavedModel(step, folder, tuple(files))


def _read_object(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_bytes())
    return content


def _is_whole(path: Path) -> bool:
    """Whether a file of safetensors is as long as its header says: length of the header, header, weights."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > os.fstat(file.fileno()).st_size:
            return False
        try:
            header = json.loads(file.read(length))
            ends = [told["data_offsets"][1] for name, told in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return False
        return os.fstat(file.fileno()).st_size == _LENGTH_BYTES + length + max(ends, default=0)
