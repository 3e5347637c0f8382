"""The arms of the wind tunnel: one factor changed at a time around the recommended preset. No torch."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from caspo.errors import ArmUnknown
from caspo.local.config import CaspoConfig
from caspo.presets import Method, get_preset
from caspo.wind_tunnel.reward import RewardKind
from storage.records import Frozen


class Baseline(Frozen):
    """A model that is measured as stage 0 left it."""

    name: str
    title: str
    model: Literal["base", "sft"]
    guided: bool
    """Whether the constitution stands before each query."""


class Arm(Frozen):
    """One way to do RL."""

    name: str
    title: str
    changed: str
    """In what it differs from the recommended preset."""
    method: Method
    reward: RewardKind = "context"

    @property
    def on_every_start(self) -> bool:
        """Whether it is run on every stage 0, and not on the first alone."""
        return self.name in RIVALS


class ScaleConfig(Frozen):
    """How much RL an arm gets: the same for all."""

    steps: int = Field(default=60, ge=1)
    prompts: int = Field(default=24, ge=2)
    """Prompts in a step."""
    group_size: int = Field(default=4, ge=2)
    max_tokens: int = Field(default=48, ge=1)
    learning_rate: float = Field(default=3e-4, gt=0, lt=1)
    """Of Adam; a cosine takes it to `final_share`."""
    final_share: float = Field(default=0.05, ge=0, le=1)
    pool: int = Field(default=2400, ge=2)
    """Pairs of a scene and its twin that prompts are drawn from."""
    save_every: int = Field(default=25, ge=1)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        one.name: one
        for one in (
            Baseline(name="base", title="Base", model="base", guided=False),
            Baseline(name="base_constitution", title="Base + constitution", model="base", guided=True),
            Baseline(name="sft", title="SFT", model="sft", guided=False),
            Baseline(name="teacher", title="SFT + constitution (the teacher)", model="sft", guided=True),
        )
    }
)

WINNER, PAPER = "recommended", "paper"
RIVALS = frozenset({WINNER, PAPER, "outr", "tokr", "outr_kl10", "outr_kl60"})
"""Between which it is decided; what one factor buys is asked on the first stage 0, or the whole would take hours."""
_BEST = get_preset(WINNER)


def _vary(name: str, title: str, changed: str, *, reward: RewardKind = "context", **factors: object) -> Arm:
    return Arm(name=name, title=title, changed=changed, method=Method(**{**dict(_BEST), **factors}), reward=reward)


ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        one.name: one
        for one in (
            _vary(WINNER, "Recommended: Hybrid 1.0, frozen SFT at 0.4, floor 0.5", "nothing"),
            Arm(
                name=PAPER,
                title="Paper: Hybrid 0.3, moving, no floor, hazards only",
                changed="lambda 0.3, teacher moving, at temperature 1, no floor, no twins, beta 0.005",
                method=get_preset(PAPER),
            ),
            _vary("outr", "OutR", "no token signal (lambda 0), beta 0.005", mode="outcome", beta=0.005),
            _vary("tokr", "TokR", "no outcome reward", mode="token"),
            _vary("tokr_no_floor", "TokR, no floor", "no outcome reward, no floor", mode="token", signal_floor=0.0),
            _vary("lambda_03", "Hybrid 0.3", "lambda 0.3", lam=0.3),
            _vary("lambda_06", "Hybrid 0.6", "lambda 0.6", lam=0.6),
            _vary("moving", "Teacher moving", "teacher moving (Eq. 4)", teacher="moving"),
            _vary("original", "Teacher before SFT", "teacher frozen before SFT", teacher="frozen_original"),
            _vary("plain_teacher", "Teacher at 1", "teacher at temperature 1", teacher_temperature=1.0),
            _vary(
                "tokr_plain", "TokR, teacher at 1", "no outcome reward, teacher at temperature 1", mode="token",
                teacher_temperature=1.0,
            ),
            _vary("no_floor", "No floor", "no floor under r's deviation", signal_floor=0.0),
            _vary("no_twins", "No twins", "hazards only", twin_share=0.0),
            _vary("outr_kl10", "OutR, tenfold KL", "no token signal", mode="outcome", beta=0.05),
            _vary("outr_kl60", "OutR, sixtyfold KL", "no token signal, beta 0.3", mode="outcome", beta=0.3),
            _vary("blind", "Blind reward", "reward model does not see the prompt", reward="blind"),
            _vary("oracle", "Clean reward", "the exact oracle as reward", reward="oracle"),
            _vary(
                "outr_oracle", "OutR, clean reward", "no token signal, the oracle as reward", mode="outcome",
                reward="oracle",
            ),
        )
    }
)  # fmt: skip


def find_arms(names: Sequence[str] | None) -> tuple[Arm, ...]:
    """Return the arms of these names, or all of them, in the order of `ARMS`.

    Raises:
        ArmUnknown: There is none of a name.
    """
    if names is None:
        return tuple(ARMS.values())
    for name in names:
        if name not in ARMS:
            raise ArmUnknown(f"arm {name!r} is unknown; known: {', '.join(ARMS)}")
    return tuple(arm for arm in ARMS.values() if arm.name in names)


def make_caspo_config(method: Method, scale: ScaleConfig, *, seed: int) -> CaspoConfig:
    """Return what the trainer in this process is told."""
    return CaspoConfig(
        steps=scale.steps,
        seed=seed,
        learning_rate=scale.learning_rate,
        final_share=scale.final_share,
        save_every=scale.save_every,
        freeze_vision=True,
        group_size=scale.group_size,
        max_tokens=scale.max_tokens,
        mode=method.mode,
        lam=method.lam,
        teacher=method.teacher,
        teacher_temperature=method.teacher_temperature,
        signal_floor=method.signal_floor,
        zero_outcome=method.zero_outcome,
        beta=method.beta,
    )
