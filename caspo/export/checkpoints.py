"""Finds the steps that verl has saved whole. No torch here.

RUN/checkpoints/latest_checkpointed_iteration.txt      written when a step is saved whole
RUN/checkpoints/global_step_50/actor/model_world_size_8_rank_0.pt ...  fsdp_config.json  huggingface/

SFT has no `actor`: its files lie in `global_step_50` itself.
"""

import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from caspo.errors import ExportRefused

CHECKPOINTS = "checkpoints"
LATEST = "latest_checkpointed_iteration.txt"


@dataclass(frozen=True)
class SavedStep:
    """A checkpoint with all its shards."""

    step: int
    folder: Path
    """Of the shards."""
    shards: tuple[Path, ...]
    """By rank."""

    @property
    def described(self) -> Path:
        """Folder with the config and the processor that verl wrote beside the shards."""
        return self.folder / "huggingface"


def list_steps(run: Path) -> list[int]:
    """Return the numbers of all steps that have a folder, whole or not, in order."""
    found = [one.name.removeprefix("global_step_") for one in (run / CHECKPOINTS).glob("global_step_*")]
    return sorted(int(number) for number in found if number.isdigit())


def find_step(run: Path, step: int | None = None, *, part: str = "actor") -> SavedStep:
    """Return a run's checkpoint.

    Args:
        run: The run's folder.
        step: Its number; None: the last one that verl calls whole.
        part: What of it; empty for SFT's, which has no parts.

    Raises:
        ExportRefused: There is none, or it was not written to its end.
    """
    known = list_steps(run)
    if not known:
        raise ExportRefused(
            f"{run} has no checkpoint under {CHECKPOINTS}; train until a step is saved (logging.save_every)"
        )
    latest = _read_latest(run)
    wanted = latest if step is None else step
    if wanted is None:
        raise ExportRefused(
            f"{run / CHECKPOINTS} holds {_name(known)} and no {LATEST}, which verl writes after a whole checkpoint: "
            "it was ended while it saved; go on with the training, or name an earlier step"
        )
    if wanted not in known:
        raise ExportRefused(f"{run} has no checkpoint of step {wanted}; it has {_name(known)}")
    if latest is None or wanted > latest:
        raise ExportRefused(
            f"the checkpoint of step {wanted} is half-written: verl has called {latest or 'none'} whole ({LATEST}). "
            f"Go on with the training, or export another step of {_name(known)}"
        )
    return _read_step(run / CHECKPOINTS / f"global_step_{wanted}" / part, wanted, known)


def _read_latest(run: Path) -> int | None:
    try:
        return int((run / CHECKPOINTS / LATEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _read_step(folder: Path, step: int, known: Iterable[int]) -> SavedStep:
    def refuse(what: str) -> ExportRefused:
        return ExportRefused(
            f"the checkpoint of step {step} is not whole: {what}. Go on with the training, or export another step of "
            f"{_name(known)}"
        )

    try:
        size = json.loads((folder / "fsdp_config.json").read_bytes())["world_size"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise refuse(f"{folder / 'fsdp_config.json'} cannot be read ({exc})") from exc
    if not isinstance(size, int) or size < 1:
        raise refuse(f"{folder / 'fsdp_config.json'} says world_size={size!r}")
    shards = tuple(folder / f"model_world_size_{size}_rank_{rank}.pt" for rank in range(size))
    for shard in shards:
        if not shard.is_file():
            raise refuse(f"{shard.name} is missing (saved by {size} ranks)")
        if not zipfile.is_zipfile(shard):  # torch writes a zip file, its directory last
            raise refuse(f"{shard.name} was cut off")
    found = SavedStep(step, folder, shards)
    for name in ("config.json", "tokenizer_config.json"):
        if not (found.described / name).is_file():
            raise refuse(f"huggingface/{name} is missing")
    return found


def _name(steps: Iterable[int]) -> str:
    return "step " + ", ".join(map(str, steps))
