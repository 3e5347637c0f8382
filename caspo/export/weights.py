"""Puts the shards of a checkpoint together, by torch alone: what verl's merger wrote is compared with this."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor  # also lets torch.load read them, which takes no other code

from caspo.errors import ExportRefused
from caspo.export.checkpoints import SavedStep


def read_weights(saved: SavedStep) -> dict[str, Tensor]:
    """Return all weights whole, as exact as they were saved.

    Raises:
        ExportRefused: A shard cannot be read, or is of a kind that cannot be put together.
    """
    ranks = [_read_shard(path) for path in saved.shards]
    adapters = [name for name in ranks[0] if "lora_" in name]
    if adapters:
        raise ExportRefused(
            f"step {saved.step} holds LoRA adapters ({adapters[0]} ...): verl's merger would leave them out and write "
            "the model as it was before; train all weights, or merge the adapters with peft"
        )
    return {name: _join(name, [rank[name] for rank in ranks]) for name in ranks[0]}


def _read_shard(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as exc:
        raise ExportRefused(f"{path} cannot be read as a shard of verl's ({exc}); take another step") from exc
    return found


def _join(name: str, parts: Sequence[Tensor]) -> Tensor:
    """Return one weight out of every rank's part of it."""
    first = parts[0]
    if not isinstance(first, DTensor):
        return first
    mesh = first.device_mesh.mesh
    if mesh.ndim > 2 or (mesh.ndim == 2 and not first.placements[0].is_replicate()):
        raise ExportRefused(
            f"{name} is sharded over a mesh {tuple(mesh.shape)}, which is not FSDP's; export knows FSDP"
        )
    placement = first.placements[-1]
    with torch.no_grad():
        local = [part.to_local() for part in parts[: mesh.shape[-1]]]
    if placement.is_replicate():
        return local[0]
    if not placement.is_shard():
        raise ExportRefused(f"{name} is placed as {placement}, which is no whole weight; export knows FSDP")
    whole = torch.cat(local, dim=placement.dim)
    if whole.shape != first.shape:
        raise ExportRefused(
            f"{name} has the shape {tuple(whole.shape)}, not {tuple(first.shape)}: a shard is another's"
        )
    return whole
