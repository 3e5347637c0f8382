"""Checkpoints of a run: one file, written whole or not at all, and refused where it belongs to another run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from caspo.errors import RunMismatch

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands."""

    fingerprint: str
    """Of the run: its config, its data and the weights that it began with."""
    done: int
    """Steps that were made."""
    weights: dict[str, Any]
    optimizer: dict[str, Any]
    random_state: dict[str, Tensor]
    """Torch's after the last step: `cpu`, and `cuda` where there is one."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it so that a kill at any moment leaves the old or the new one."""
    partial = folder / f".{CHECKPOINT}.partial"
    with partial.open("wb") as file:
        torch.save(vars(checkpoint), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / CHECKPOINT)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """Return the folder's checkpoint, on the CPU; None where there is none.

    Raises:
        RunMismatch: It belongs to another run, or cannot be read.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return None
    try:
        found = Checkpoint(**torch.load(file, map_location="cpu", weights_only=True))
    except Exception as exc:  # torch names no error of its own for a damaged file
        raise RunMismatch(f"{file} cannot be read ({exc}); move the folder away to begin again") from exc
    if found.fingerprint != fingerprint:
        raise RunMismatch(
            f"{folder} holds a run of another config, other data or other start weights ({found.fingerprint[:12]}, not "
            f"{fingerprint[:12]}); go on with the old ones, or give another folder"
        )
    return found
