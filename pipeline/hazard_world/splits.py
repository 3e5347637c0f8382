"""What may be trained on and what is kept for evaluation.

Two kinds of held-out scenes: hazards of the training with combinations of things that the training never holds, and
whole hazard types that are never used in RL (`held_out` in world.yaml). A twin goes where its scene goes.
"""

from collections.abc import Iterator
from enum import StrEnum

from pipeline.hazard_world.scenes import ScenePair, compose_pair, hash_combination
from pipeline.hazard_world.world import Hazard, load_world

NEW_SCENE_SHARE = 0.2


class SceneSplit(StrEnum):
    """Where a scene and its twin belong."""

    TRAIN = "train"
    NEW_SCENES = "new_scenes"
    """A hazard of the training; its combination of things is never in it."""
    NEW_HAZARDS = "new_hazards"
    """A hazard that RL never sees."""


def find_split(pair: ScenePair) -> SceneSplit:
    """Return the split of a scene: by its hazards, then by the hash of its things and its activity.

    Where things stand, the wallpapers and the wording do not count, so no combination is on both sides.
    """
    if any(hazard.held_out for hazard in pair.hazardous.hazards):
        return SceneSplit.NEW_HAZARDS
    return SceneSplit.NEW_SCENES if is_new_combination(pair) else SceneSplit.TRAIN


def is_new_combination(pair: ScenePair) -> bool:
    """Return whether things and activity are of the fifth that is kept from training, whatever the hazards."""
    return int(hash_combination(pair.hazardous)[:8], 16) / 16**8 < NEW_SCENE_SHARE


def list_hazards(split: SceneSplit) -> tuple[Hazard, ...]:
    """Return the hazards that scenes of a split can hold."""
    return tuple(hazard for hazard in load_world().hazards if hazard.held_out == (split is SceneSplit.NEW_HAZARDS))


def iterate_pairs(seed: int, *, split: SceneSplit, start: int = 0) -> Iterator[tuple[int, ScenePair]]:
    """Yield (index, pair) of a split without end, its hazards in turn, from stream index `start` on."""
    hazards, index = list_hazards(split), start
    while True:
        pair = compose_pair(seed, index, hazard=hazards[index % len(hazards)])
        if find_split(pair) is split:
            yield index, pair
        index += 1
