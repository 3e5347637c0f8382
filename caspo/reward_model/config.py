"""What a training of a reward model may be told: strict, without torch. Comments give the paper's value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from caspo.config_file import read_fields
from caspo.errors import OptionsInvalid
from storage.records import Frozen


class RewardTraining(Frozen):
    """One training. Which pairs are ranked was drawn when the data was prepared (p = 0.85), and is not drawn again."""

    data: Path
    """Folder of `curator caspo prepare`."""
    model: str
    """Folder or name of a vision-language model of transformers."""
    to: Path
    """Folder of the reward model; made when the training is done."""
    seed: int = Field(default=0, ge=0)
    gap: float = Field(default=4.0, ge=0)  # the paper: 4
    """Pairs must differ by more, as the data was prepared (`reward.margin`)."""
    regression_weight: float = Field(default=1.0, ge=0)  # the paper's lambda of Eq. 7, not given
    epochs: float = Field(default=1.0, gt=0)
    """Over the pairs or the scores, whichever takes longer; the other set comes round again."""
    steps: int | None = Field(default=None, ge=1)
    """Updates, in place of `epochs`."""
    pairs: int = Field(default=2, ge=0)
    """Pairs in a pass of one process."""
    scores: int = Field(default=4, ge=0)
    """Single answers in a pass of one process."""
    accumulation: int = Field(default=1, ge=1)
    """Passes in an update."""
    learning_rate: float = Field(default=1e-5, gt=0, lt=1)
    warmup_share: float = Field(default=0.03, ge=0, lt=1)
    """Of the steps, over which the rate rises; then it falls along a cosine to a twentieth."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    mixed_precision: Literal["no", "bf16"] | None = None
    """None: as `accelerate launch` says. The head and the loss are float32 always."""
    gradient_checkpointing: bool = False
    max_tokens: int = Field(default=4096, ge=16)
    """Of a whole conversation, the picture's tokens included; a longer one is refused."""
    held_out_share: float = Field(default=0.05, ge=0, lt=1)
    """Share of the items that no step sees, for `evaluate`; chosen by the seed and the item's id."""
    save_every: int = Field(default=500, ge=1)
    """Steps between checkpoints."""
    tensorboard: bool = False

    def describe(self) -> dict[str, Any]:
        """Return all that changes the weights, as JSON values; paths are not among it."""
        return self.model_dump(mode="json", exclude={"data", "model", "to", "save_every", "tensorboard"})


def read_config(path: Path | None, given: Mapping[str, Any]) -> RewardTraining:
    """Return the config of a YAML file, if there is one, with `given` in place of the file's values.

    Raises:
        OptionsInvalid: It cannot be read or used; the message names the field.
    """
    content = {} if path is None else read_fields(path, docs="docs/reward-model.md", refused=OptionsInvalid)
    try:
        return RewardTraining.model_validate(content | dict(given))
    except ValidationError as exc:
        raise OptionsInvalid("; ".join(_say(error) for error in exc.errors(include_url=False))) from exc


def _say(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"{name} is not given; name it in the file or by --{name}"
    if error["type"] == "extra_forbidden":
        return f"{name}={error['input']!r}: there is no such option; known are {', '.join(RewardTraining.model_fields)}"
    return f"{name}={str(error['input'])[:80]!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
