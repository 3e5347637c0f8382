"""Configs of the local trainer: strict, flat, without torch. Comments give the paper's value where it says one."""

from typing import Literal

from pydantic import Field

from storage.records import Frozen

TeacherKind = Literal["moving", "frozen_sft", "frozen_original"]
"""Who scores under the constitution: the policy as it is now, as it was at the start, or the model before SFT."""


class LoopConfig(Frozen):
    """What every training here has. A finished run cannot be prolonged: the rate's decay depends on `steps`."""

    steps: int = Field(ge=1)
    seed: int = 0
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    warmup: int = Field(default=0, ge=0)
    """Steps over which the rate rises linearly."""
    final_share: float = Field(default=0.05, ge=0, le=1)
    """What is left of the rate at the end of its cosine decay; 1 for a constant rate."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    """Largest norm of the whole gradient."""
    save_every: int = Field(default=50, ge=1)
    """Steps between checkpoints; after the last step there is always one."""
    freeze_vision: bool = False
    """Leave the vision tower as it is."""


class SupervisedConfig(LoopConfig):
    """Pretraining or SFT."""

    batch: int = Field(default=32, ge=1)
    parts: int = Field(default=1, ge=1)
    """Passes that answers of a batch are cut into, rows of like length together: less padding, the same gradient."""
    opening: int = Field(default=0, ge=0)
    """Tokens at an answer's beginning that weigh `opening_weight`; the others weigh 1."""
    opening_weight: float = Field(default=1.0, gt=0)
    """Above 1: what an answer is to be is decided in its first words, and long answers drown them."""


class RewardModelConfig(LoopConfig):
    """Reward model, Eq. 7."""

    batch: int = Field(default=16, ge=1)
    """Pairs in a step."""
    gap: float = Field(default=4.0, ge=0)  # the paper: 4
    ranked_share: float = Field(default=0.85, ge=0, le=1)  # the paper: 0.85
    """Probability with which a pair beyond the gap is ranked and not regressed."""
    regression_weight: float = Field(default=1.0, ge=0)  # the paper's lambda of Eq. 7, not given


class CaspoConfig(LoopConfig):
    """CASPO. The prompts of a step come from the caller."""

    learning_rate: float = Field(default=3e-4, gt=0, lt=1)  # the paper: 2e-6, for 4 and 7 billion parameters
    group_size: int = Field(default=4, ge=2)  # the paper: 32
    """Answers to each prompt."""
    groups_per_pass: int | None = Field(default=None, ge=1)
    """Prompts in the model at once; None: all of a step. Fewer need less memory, and other answers are drawn."""
    max_tokens: int = Field(default=48, ge=1)  # the paper: 1,024
    temperature: float = Field(default=1.0, gt=0)
    """Of sampling; log-probabilities are those of the distribution that was sampled from."""
    mode: Literal["hybrid", "outcome", "token"] = "hybrid"
    lam: float = Field(default=0.3, ge=0)  # the paper: 0.3
    zero_outcome: Literal["drop", "token"] = "drop"
    teacher: TeacherKind = "moving"  # the paper's Eq. 4; docs/caspo-local.md says why frozen_sft is worth more
    teacher_temperature: float = Field(default=1.0, gt=0)  # the paper: 1
    """By which the teacher's distribution is sharper (below 1) than the one that is sampled from."""
    signal_floor: float = Field(default=0.0, ge=0)  # the paper has none; 0.5 is what we recommend
    """Least standard deviation of r in a group, in nats."""
    beta: float = Field(default=0.005, ge=0)  # the paper: 0.005
    """Weight of the divergence from the policy at the start."""
