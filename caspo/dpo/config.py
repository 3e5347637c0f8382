"""What a DPO run may be told: strict, without torch. The paper gives the sets of pairs, and no hyperparameter."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from caspo.config import ConversationsConfig, ConversationsPart, StepPart


class DpoDataPart(ConversationsPart):
    """Preference pairs."""

    epochs: int = Field(default=1, ge=1)  # ours


class DpoStepPart(StepPart):
    """An update of DPO."""

    learning_rate: float = Field(default=1e-6, gt=0, lt=1)  # TRL's
    beta: float = Field(default=0.1, gt=0)  # TRL's; the method's own paper has 0.1 and 0.5
    rows: int = Field(default=2, ge=1)
    """Pairs that a GPU has in one pass forward and back: twice as many answers."""
    accumulation: int = Field(default=4, ge=1)
    """Passes in an update."""
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    """Adafactor keeps no moments: it takes half the memory."""


class DpoConfig(ConversationsConfig):
    """DPO on TRL."""

    stage = "dpo"
    table = "preferences.parquet"
    data: DpoDataPart = DpoDataPart()
    update: DpoStepPart = DpoStepPart()
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    """More of TRL's `DPOConfig`, which win: `{loss_type: [ipo]}`."""
