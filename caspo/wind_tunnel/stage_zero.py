"""Stage 0: a tiny model learns to see, to tell danger, to answer; and the gate that it must pass before any RL.

In this order, each phase with its own rate: what a picture shows; which two things in one room are dangerous, as short
answers to a risk question; decisive answers; the mixture of the base model; SFT, after which the standard mode mostly
overlooks what it sees. docs/wind-tunnel.md has the figures, and what was tried.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from caspo.local.config import SupervisedConfig
from caspo.local.samples import Example
from caspo.wind_tunnel.gate import (
    MODES,
    GateResult,
    ModeFigures,
    Stage,
    judge_figures,
    measure_mode,
    read_figures,
    write_figures,
)
from caspo.wind_tunnel.lessons import BARE_FORMS, FORMS, PhaseConfig, write_answer_lessons, write_risk_lessons
from caspo.wind_tunnel.world import Split, World
from endpoints.seeds import derive_seed
from storage.records import Frozen
from storage.texts import hash_json

if TYPE_CHECKING:
    from caspo.local.vlm import Vlm

__all__ = ["GateResult", "ModeFigures", "PhaseConfig", "Progress", "StageZero", "StageZeroConfig", "build_stage_zero"]

_PHASES = ("vision", "risk", "risk_in_prompts", "know", "base", "sft", "settle")
_EVALUATED: tuple[tuple[Split, float], ...] = (("new_scenes", 1.0), ("new_hazards", 0.5))
"""Splits of the gate, and how many scenes of `evaluated` each has."""

Progress = Callable[[str, int, int], None]
"""Called before each phase, and at the end, with the phase's name, the steps done before it, and the steps of all."""


class StageZeroConfig(Frozen):
    """Sizes of the model and lengths of the phases. Each phase's own seed is derived from `seed`."""

    seed: int = 0
    """Of weights, scenes, order and sampling."""
    hidden: int = Field(default=128, ge=128)
    layers: int = Field(default=3, ge=1)
    pairs: int = Field(default=6_000, ge=1)
    """Scenes that it learns from, and as many twins."""
    vision: SupervisedConfig = SupervisedConfig(steps=160, batch=64, learning_rate=2e-3)
    feature_norm: float = Field(default=4.0, gt=0)
    """Mean length of a visual token's feature after `vision`."""
    risk: SupervisedConfig = SupervisedConfig(steps=220, batch=64, learning_rate=2e-3, warmup=20)
    """Risk questions alone: short prompts, short answers."""
    risk_in_prompts: SupervisedConfig = SupervisedConfig(steps=120, batch=64, learning_rate=1e-3, warmup=20, parts=2)
    """Risk questions in all forms, and the bare query answered like one."""
    know: PhaseConfig = PhaseConfig(steps=700, learning_rate=2e-3, guided_appraising=1.0, appraising=0.5)
    """Decisive answers: what is seen is said, always under the constitution and half the time without."""
    base: PhaseConfig = PhaseConfig(steps=80, guided_appraising=0.8, appraising=0.1, vague=0.1, alarms=0.02)
    sft: PhaseConfig = PhaseConfig(
        steps=900, learning_rate=1.5e-3, guided_appraising=1.0, appraising=0.06, vague=0.1, alarms=0.02
    )
    settle: PhaseConfig | None = PhaseConfig(
        steps=300, learning_rate=7e-4, guided_appraising=1.0, appraising=0.15, vague=0.1, alarms=0.02
    )
    """The end of SFT, with more good answers in the standard mode, whose language RL builds on; None: without."""
    evaluated: int = Field(default=384, ge=1)
    """Scenes of `new_scenes` for the gate, as many twins, and half as many of `new_hazards`."""


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
    """Return base and SFT model with their gate's figures. What `cache` holds is not made again.

    In a team (`caspo.local.team`) both processes call it and have the same.

    Args:
        world: Where scenes and answers come from.
        config: Sizes and phases.
        cache: Folder of all trainings; the gate's figures are kept there as well.
        progress: Told how far it is.

    Raises:
        RunBusy, RunMismatch, TrainingDiverged: See `caspo.local.loop.run_loop`.
    """
    school = _School(world, config, cache, progress or (lambda name, done, steps: None))
    school.teach_to_see()
    school.teach_risks()
    school.teach_answers("know")
    school.teach_answers("base")
    base = school.take_copy()
    school.teach_answers("sft")
    if config.settle:
        school.teach_answers("settle")
    sft = school.take_copy()
    return StageZero(base, sft, school.examine({"base": base, "sft": sft}))


class _School:
    """A model with everything that its phases need."""

    def __init__(self, world: World, config: StageZeroConfig, cache: Path, progress: Progress) -> None:
        from caspo.local.tiny_vlm import build_tiny_vlm

        self._world, self._config, self._cache, self._progress = world, config, cache, progress
        self._pairs = world.pairs("pretraining", count=config.pairs, seed=derive_seed(config.seed, "stage zero"))
        self._vlm = build_tiny_vlm(world.vocabulary, seed=config.seed, hidden=config.hidden, layers=config.layers)
        self._done = 0

    def teach_to_see(self) -> None:
        from caspo.local.vision import LabelledPicture, scale_features, train_vision

        scenes = [scene for pair in self._pairs for scene in (pair.hazardous, pair.twin)]
        pictures = [LabelledPicture(scene.picture, scene.shown) for scene in scenes]
        plan = self._begin("vision", self._config.vision)
        train_vision(self._vlm, pictures, self._world.things, plan, cache=self._cache)
        scale_features(self._vlm, [scene.picture for scene in scenes[:64]], norm=self._config.feature_norm)

    def teach_risks(self) -> None:
        for name, forms, plan in (
            ("risk", FORMS[:1], self._config.risk),
            ("risk_in_prompts", (*FORMS, *BARE_FORMS), self._config.risk_in_prompts),
        ):
            self._train(name, plan, write_risk_lessons(self._world, self._pairs, forms))

    def teach_answers(self, name: Literal["know", "base", "sft", "settle"]) -> None:
        plan: PhaseConfig = getattr(self._config, name)
        seed = derive_seed(self._config.seed, name)
        self._train(name, plan, write_answer_lessons(self._world, self._pairs, plan, seed=seed))

    def take_copy(self) -> "Vlm":
        from caspo.local.vlm import copy_frozen

        return copy_frozen(self._vlm)

    def examine(self, models: Mapping[Stage, "Vlm"]) -> GateResult:
        """Return the figures of both models in both modes, from the cache where they are known."""
        from caspo.local.team import find_place, share_work
        from caspo.local.vlm import hash_weights

        config, self._done = self._config, self._count_steps()
        self._progress("gate", self._done, self._done)
        weights = [hash_weights(vlm.model) for vlm in models.values()]
        file = self._cache / f"gate-{hash_json([self._world.name, config.seed, config.evaluated, *weights])[:16]}.json"
        if file.exists():
            return judge_figures(read_figures(file))
        figures: dict[str, dict[str, ModeFigures]] = {}
        for split, count in _EVALUATED:
            seed = derive_seed(config.seed, "gate", split)
            pairs = self._world.pairs(split, count=max(1, int(config.evaluated * count)), seed=seed)
            jobs = {
                f"{stage}_{mode}": partial(measure_mode, vlm, self._world, pairs, mode, seed=seed)
                for stage, vlm in models.items()
                for mode in MODES
            }
            figures[split] = share_work(jobs)
        if find_place()[0] == 0:
            write_figures(file, figures)
        return judge_figures(figures)

    def _begin(self, name: str, plan: SupervisedConfig) -> SupervisedConfig:
        """Tell of a phase that begins and return its plan with the seed of stage 0."""
        self._progress(name, self._done, self._count_steps())
        self._done += plan.steps
        frozen = name != "vision"
        return plan.model_copy(update={"seed": self._config.seed, "freeze_vision": frozen})

    def _train(self, name: str, plan: SupervisedConfig, lessons: Sequence[Example]) -> None:
        from caspo.local.supervised import train_supervised

        train_supervised(self._vlm, lessons, self._begin(name, plan), cache=self._cache)

    def _count_steps(self) -> int:
        plans = [getattr(self._config, name) for name in _PHASES]
        return sum(plan.steps for plan in plans if plan)
