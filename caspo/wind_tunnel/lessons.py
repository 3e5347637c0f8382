"""What stage 0 learns from: short risk questions, and answers with and without the constitution. Pure functions."""

import random
from collections.abc import Sequence

from pydantic import Field

from caspo.local.config import SupervisedConfig
from caspo.local.samples import Example
from caspo.wind_tunnel.world import AnswerKind, Scene, ScenePair, World
from endpoints.seeds import derive_seed

FORMS = ("alone", "standard", "constitution")
"""How a risk question is asked: in place of the query, after it, and after it under the constitution."""
BARE_FORMS = ("bare_standard", "bare_constitution")
"""The query as it is, answered like a risk question: a step on the way to answers that begin with the danger."""


class PhaseConfig(SupervisedConfig):
    """A phase that teaches answers: how often each kind is right. Shares that are left go to oblivious answers."""

    batch: int = Field(default=48, ge=1)
    parts: int = Field(default=2, ge=1)
    warmup: int = Field(default=20, ge=0)
    opening: int = Field(default=4, ge=0)
    opening_weight: float = Field(default=3.0, gt=0)
    guided_appraising: float = Field(ge=0, le=1)
    """Share of appraising answers to hazards under the constitution."""
    appraising: float = Field(ge=0, le=1)
    """The same without the constitution."""
    vague: float = Field(default=0.0, ge=0, le=1)
    """Share of vague warnings of hazards without the constitution."""
    alarms: float = Field(default=0.0, ge=0, le=1)
    """Share of vague warnings of twins without the constitution."""
    risk_share: float = Field(default=0.25, ge=0, le=1)
    """Risk questions for each scene, beside its two answers."""


def ask_in_form(world: World, scene: Scene, form: str) -> Example:
    """Return the risk question of a scene in one of `FORMS` or `BARE_FORMS`, with its right answer."""
    question = scene if form in BARE_FORMS else world.ask_risk(scene, alone=form == "alone")
    return Example(question, world.answer_risk(scene), guided=form.endswith("constitution"))


def write_risk_lessons(world: World, pairs: Sequence[ScenePair], forms: Sequence[str]) -> list[Example]:
    """Return a risk question for each scene and each twin, the forms in turn."""
    return [
        ask_in_form(world, scene, forms[number % len(forms)])
        for number, pair in enumerate(pairs)
        for scene in (pair.hazardous, pair.twin)
    ]


def write_answer_lessons(world: World, pairs: Sequence[ScenePair], phase: PhaseConfig, *, seed: int) -> list[Example]:
    """Return for each scene and each twin an answer without the constitution and one under it, and risk questions.

    A hazardous scene has two answers under the constitution: they are the longest, and learnt last.
    """
    rng, lessons = random.Random(derive_seed(seed, "answer lessons")), []
    for scene in (scene for pair in pairs for scene in (pair.hazardous, pair.twin)):
        if rng.random() < phase.risk_share:
            lessons.append(ask_in_form(world, scene, rng.choice(FORMS)))
        for guided in (False, True) if scene.is_twin else (False, True, True):
            kind = _draw_kind(rng, scene, phase, guided=guided)
            lessons.append(Example(scene, world.write(scene, kind, seed=rng.randrange(1 << 32)), guided))
    return lessons


def _draw_kind(rng: random.Random, scene: Scene, phase: PhaseConfig, *, guided: bool) -> AnswerKind:
    drawn = rng.random()
    if scene.is_twin:
        if not guided and drawn < phase.alarms:
            return "vague"
        return rng.choice(("appraising", "oblivious"))
    appraising = phase.guided_appraising if guided else phase.appraising
    vague = 0.0 if guided else phase.vague
    if drawn < appraising:
        return "appraising"
    return "vague" if drawn < appraising + vague else "oblivious"
