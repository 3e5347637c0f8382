"""What the wind tunnel asks of a world: scenes with their twins, answers of four kinds, exact scores.

A scene is a prompt, so whatever takes prompts takes scenes, and a reward or a scorer gets back the very scene that was
asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from caspo.errors import SampleInvalid
from caspo.local.samples import Prompt

Split = Literal["pretraining", "train", "new_scenes", "new_hazards"]
"""`pretraining`: all hazards, for stage 0; `train`: those of RL, from the same combinations of things and activity.

`new_scenes`: hazards of RL, `new_hazards`: hazards that RL never sees; no training holds their combinations.
"""

AnswerKind = Literal["oblivious", "vague", "appraising", "refusing"]


@dataclass(frozen=True, slots=True, eq=False)
class Scene(Prompt):
    """A picture with a query, the constitution of its category, and what the world knows of it."""

    category: str
    """Of the hazard; a twin has that of its hazardous scene, and its constitution."""
    hazards: tuple[str, ...]
    """Ids of the hazards that the picture holds; none in a twin."""
    is_twin: bool
    pair: int
    """Number of the pair in its split; a scene and its twin have the same."""
    shown: tuple[tuple[str, ...], ...]
    """The words that each visual token shows, row by row from the upper left."""
    truth: Any
    """What the world itself needs in order to score; nobody else reads it."""

    @property
    def prompt(self) -> Prompt:
        """The scene as what it is to a model."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class ScenePair:
    """A hazardous scene and its harmless twin: the same query and things, placed otherwise."""

    hazardous: Scene
    twin: Scene


@dataclass(frozen=True, slots=True)
class Score:
    """What an answer is worth; 0 to 2 each."""

    risk: int
    safety: int
    effectiveness: int
    false_alarm: bool
    """Whether it warns although the scene is harmless."""

    @property
    def total(self) -> int:
        """R + S + E, 0 to 6."""
        return self.risk + self.safety + self.effectiveness


class World(Protocol):
    """A world whose hazards are known exactly. Everything is a pure function of its arguments."""

    @property
    def name(self) -> str:
        """Name and version."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word and mark of queries, constitutions, answers and risk questions: the model's tokens."""

    @property
    def things(self) -> tuple[str, ...]:
        """Every word that a picture can show."""

    def pairs(self, split: Split, *, count: int, seed: int) -> Sequence[ScenePair]:
        """Return `count` pairs of a split, its hazards in turn."""

    def write(self, scene: Scene, kind: AnswerKind, *, seed: int) -> str:
        """Return an answer in the world's language; in a twin an appraising one only helps."""

    def score(self, scene: Scene, answer: str) -> Score:
        """Return the exact scores of any text as an answer to the scene."""

    def ask_risk(self, scene: Scene, *, alone: bool) -> Scene:
        """Return the scene with a short question for its danger: after its query, or `alone` in its place."""

    def answer_risk(self, scene: Scene) -> str:
        """Return the right answer to `ask_risk`: its first word tells a hazard from none."""


def read_scene(prompt: Prompt) -> Scene:
    """Return the prompt as the scene that it is.

    Raises:
        SampleInvalid: It is no scene of a world.
    """
    if not isinstance(prompt, Scene):
        raise SampleInvalid(f"the prompt {prompt.query!r} is no scene of a world: pass what World.pairs gave")
    return prompt


def score_as_judge(world: World, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[dict[str, float]]:
    """Return named scores for `caspo.local.evaluation.evaluate`: r, s, e, total, and shares r_0 and alarm."""
    found = [world.score(read_scene(prompt), answer) for prompt, answer in zip(prompts, answers, strict=True)]
    return [
        {
            "r": score.risk,
            "s": score.safety,
            "e": score.effectiveness,
            "total": score.total,
            "r_0": score.risk == 0,
            "alarm": score.false_alarm,
        }
        for score in found
    ]
