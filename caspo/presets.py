"""What CASPO does, whatever trains it: presets for the trainer in this process and for verl. No torch.

A preset fixes the method. How many answers, steps and tokens there are belongs to the model and the machine.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from caspo.errors import PresetUnknown
from caspo.local.config import TeacherKind
from storage.records import Frozen

PresetName = Literal["recommended", "paper"]


class Method(Frozen):
    """Everything of Eq. 4-6 that can be chosen, and what is trained on."""

    mode: Literal["hybrid", "outcome", "token"] = "hybrid"
    """`outcome` is OutR, `token` TokR."""
    lam: float = Field(default=0.3, ge=0)
    teacher: TeacherKind = "moving"
    teacher_temperature: float = Field(default=1.0, gt=0)
    """Below 1: the teacher is sharper, so that what it seldom says, slips above all, is held against the policy."""
    signal_floor: float = Field(default=0.0, ge=0)
    """Least standard deviation of r in a group, in nats."""
    zero_outcome: Literal["drop", "token"] = "drop"
    beta: float = Field(default=0.005, ge=0)
    """Weight of the divergence from the policy at the start."""
    twin_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of harmless twins among the prompts."""


PRESETS: Mapping[PresetName, Method] = MappingProxyType(
    {
        "recommended": Method(
            lam=1.0, teacher="frozen_sft", teacher_temperature=0.4, signal_floor=0.5, beta=0.05, twin_share=0.45
        ),
        "paper": Method(),
    }
)
"""`paper` is Eq. 4-6 as written; `recommended` is what we found to hold where that collapses (docs/wind-tunnel.md)."""


def get_preset(name: str) -> Method:
    """Return a preset.

    Raises:
        PresetUnknown: There is none of that name.
    """
    for known, method in PRESETS.items():
        if known == name:
            return method
    raise PresetUnknown(f"preset {name!r} is unknown; known: {', '.join(PRESETS)}")
