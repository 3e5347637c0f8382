"""What `+caspo.lam=0.3` on verl's command line may say. No torch, no verl.

The method's `beta` is verl's own `actor_rollout_ref.actor.kl_loss_coef`, and its `twin_share` belongs to the data.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from caspo.errors import OptionsInvalid
from caspo.local.config import TeacherKind
from caspo.presets import Method
from storage.records import Frozen

_ELSEWHERE = {
    "beta": "the divergence's weight is verl's: actor_rollout_ref.actor.kl_loss_coef",
    "twin_share": "twins are chosen when the training file is written",
}


class VerlOptions(Frozen):
    """The part of `caspo.presets.Method` that a step needs, and how the scoring is cut up."""

    mode: Literal["hybrid", "outcome", "token"] = "hybrid"
    """`outcome` is GRPO: nothing is scored under the constitution."""
    lam: float = Field(default=0.3, ge=0)
    teacher: TeacherKind = "moving"
    """Who scores under the constitution: the policy as it is now, verl's reference policy, or `original_model`."""
    original_model: str | None = None
    """Folder of the model before SFT; for the teacher `frozen_original` only."""
    teacher_temperature: float = Field(default=1.0, gt=0)
    """By which the teacher's distribution is sharper (below 1) than the one that is sampled from."""
    signal_floor: float = Field(default=0.0, ge=0)
    """Least standard deviation of r in a group, in nats."""
    zero_outcome: Literal["drop", "token"] = "drop"
    scope: Literal["group", "position"] = "group"
    """Over which tokens of a group r is normalised."""
    eps: float = Field(default=1e-6, ge=0)
    """Added to both standard deviations; verl's own value."""
    clip: float | None = Field(default=None, gt=0)
    """Largest absolute value of r, in nats."""
    chunk_rows: int | None = Field(default=None, ge=1)
    """Answers scored at once, rounded up to what the workers can share; None: all of a step."""

    @model_validator(mode="after")
    def _check_original(self) -> "VerlOptions":
        if (self.teacher == "frozen_original") != (self.original_model is not None):
            raise ValueError(
                f"teacher={self.teacher} with original_model={self.original_model}: frozen_original needs the folder "
                "of the model before SFT, +caspo.original_model=FOLDER, and no other teacher does"
            )
        return self


def choose_options(method: Method, **others: Any) -> VerlOptions:
    """Return the options of a method, `caspo.presets.get_preset("recommended")` say; `others` as in `VerlOptions`."""
    shared = {name: value for name, value in method if name in VerlOptions.model_fields}
    return parse_options(shared | others)


def parse_options(given: Mapping[str, Any] | None) -> VerlOptions:
    """Return the options from the key `caspo` of verl's config; None: none was given, so the paper's.

    Raises:
        OptionsInvalid: An option is unknown or its value cannot be used.
    """
    if not isinstance(given, Mapping | None):
        raise OptionsInvalid(f"caspo={given!r}: give options one by one, as +caspo.lam=0.3")
    try:
        return VerlOptions.model_validate(dict(given or {}))
    except ValidationError as exc:
        said = [_say(error) for error in exc.errors()]
        raise OptionsInvalid("; ".join(said)) from exc


def write_overrides(options: VerlOptions) -> list[str]:
    """Return the options as Hydra overrides, one an argument; also those at their default, so that a log has all."""
    given = options.model_dump(exclude_none=True)
    return [
        f"+caspo.{name}={json.dumps(value) if name == 'original_model' else value}" for name, value in given.items()
    ]


def _say(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    if not name:
        return f"caspo: {error['ctx']['error']}"
    if error["type"] == "extra_forbidden":
        remedy = _ELSEWHERE.get(name, f"known are {', '.join(VerlOptions.model_fields)}")
        return f"caspo.{name}={error['input']!r}: there is no such option; {remedy}"
    return f"caspo.{name}={error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}; write +caspo.{name}=VALUE"
