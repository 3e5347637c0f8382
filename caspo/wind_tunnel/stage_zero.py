"""Stage 0: a tiny model learns to see, to tell danger, to answer; and the gate that it must pass before any RL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from caspo.wind_tunnel.world import World
from storage.records import Frozen

if TYPE_CHECKING:
    from caspo.local.vlm import Vlm

Progress = Callable[[str, int, int], None]
"""Called with the name of what is being done, how many of its steps are done, and how many there are."""


class StageZeroConfig(Frozen):
    """Sizes of the model and lengths of the phases."""

    seed: int = 0
    """Of weights, scenes and sampling."""
    hidden: int = Field(default=128, ge=128)
    layers: int = Field(default=3, ge=1)


Mode = Literal["standard", "constitution"]
Stage = Literal["base", "sft"]


@dataclass(frozen=True)
class ModeFigures:
    """How a model answers in one mode, sampled at temperature 0.9."""

    r: float
    """Mean R on hazardous scenes; so are s and e."""
    s: float
    e: float
    r_0: float
    """Share of R 0 on hazardous scenes."""
    false_alarms: float
    """Share of false alarms on the twins."""
    twin_e: float
    """Mean E on the twins."""
    entropy: float
    """Nats a token on hazardous scenes."""
    length: float
    """Tokens of an answer to a hazardous scene, its end token included."""
    risk_right: float
    """Share of right short answers to risk questions, scenes and twins alike."""


@dataclass(frozen=True)
class GateResult:
    """Figures on scenes that no training held, and whether RL may begin."""

    figures: dict[str, dict[str, ModeFigures]]
    """Split (`new_scenes`, `new_hazards`) -> `base_standard`, `base_constitution`, `sft_standard`, `sft_constitution`."""
    passed: bool
    reasons: tuple[str, ...]
    """Why it did not pass."""


@dataclass(frozen=True)
class StageZero:
    """Where RL begins."""

    base: "Vlm"
    """Before SFT: the teacher `frozen_original`."""
    sft: "Vlm"
    """The policy at the start of RL, and under the constitution the teacher `frozen_sft`."""
    gate: GateResult


def build_stage_zero(
    world: World, config: StageZeroConfig, *, cache: Path, progress: Progress | None = None
) -> StageZero:
    """Return base and SFT model with their gate's figures. Trainings that `cache` holds are not made again.

    Raises:
        RunBusy, RunMismatch, TrainingDiverged: See `caspo.local.loop.run_loop`.
    """
    raise NotImplementedError
