"""A world of which only some hazards are used: smaller, so that a quick run can learn it."""

from collections.abc import Sequence
from itertools import count as count_up

from caspo.wind_tunnel.world import AnswerKind, Scene, ScenePair, Score, Split, World
from endpoints.seeds import derive_seed

_PROBED = 64
"""Pairs of a split that show which hazards it has; a world gives them in turn."""


class PartOfWorld:
    """The first hazards of RL and the first of those that RL never sees."""

    def __init__(self, world: World, *, train: int, new: int) -> None:
        """Keep `train` hazards of RL and `new` others."""
        self._world, self._sizes = world, (train, new)
        kept = [*_list_hazards(world, "train")[:train], *_list_hazards(world, "new_hazards")[:new]]
        self._kept = frozenset(kept)

    @property
    def name(self) -> str:
        """Name and version of the whole, and which part this is."""
        train, new = self._sizes
        return f"{self._world.name} (a part: {train} hazards of RL, {new} others)"

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """That of the whole."""
        return self._world.vocabulary

    @property
    def things(self) -> tuple[str, ...]:
        """Those of the whole: what makes no kept hazard stands in the pictures too."""
        return self._world.things

    def pairs(self, split: Split, *, count: int, seed: int) -> Sequence[ScenePair]:
        """Return `count` pairs of a split whose hazards are all of this part, its hazards in turn."""
        found: list[ScenePair] = []
        for block in count_up():
            made = self._world.pairs(split, count=4 * count, seed=derive_seed(seed, "part", block))
            found += [pair for pair in made if self._kept.issuperset(pair.hazardous.hazards)]
            if len(found) >= count:
                return [_number(pair, place) for place, pair in enumerate(found[:count])]
        raise AssertionError

    def write(self, scene: Scene, kind: AnswerKind, *, seed: int) -> str:
        """Return an answer as the whole writes it."""
        return self._world.write(scene, kind, seed=seed)

    def score(self, scene: Scene, answer: str) -> Score:
        """Return the score as the whole gives it."""
        return self._world.score(scene, answer)

    def ask_risk(self, scene: Scene, *, alone: bool) -> Scene:
        """Return the scene with its risk question, as the whole asks it."""
        return self._world.ask_risk(scene, alone=alone)

    def answer_risk(self, scene: Scene) -> str:
        """Return the answer to it."""
        return self._world.answer_risk(scene)


def _list_hazards(world: World, split: Split) -> list[str]:
    pairs = world.pairs(split, count=_PROBED, seed=0)
    return list(dict.fromkeys(hazard for pair in pairs for hazard in pair.hazardous.hazards))


def _number(pair: ScenePair, number: int) -> ScenePair:
    hazardous, twin = (
        Scene(
            scene.picture, scene.query, scene.constitution, scene.category, scene.hazards, scene.is_twin, number,
            scene.shown, scene.truth,
        )
        for scene in (pair.hazardous, pair.twin)
    )  # fmt: skip
    return ScenePair(hazardous, twin)
