"""Scenes of HazardWorld and their twins: pure functions of a seed.

A scene puts pairs of things into some of the nine rooms. In a hazardous one, one pair makes a hazard. Its twin asks the
same, and holds the same things in the same rooms, but two of them have changed places, so that no pair makes a hazard:
nothing but what stands together tells the two apart.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from endpoints.seeds import derive_seed
from pipeline.hazard_world.world import ROOMS, Hazard, World, load_world
from storage.texts import hash_json

MIN_PAIRS, MAX_PAIRS = 2, 4
WALLPAPERS = 8
"""Wallpapers that a room can have; they mean nothing."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the picture shows and what is asked about it."""

    rooms: tuple[Pair | None, ...]
    """Nine rooms in three rows from the upper left: what stands left and right, or nothing."""
    walls: tuple[int, ...]
    """A wallpaper for each room, 0 to WALLPAPERS - 1."""
    activity: str
    query: str
    """In the world's language: lower case, a space before the final mark."""

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What stands together, room by room."""
        return tuple(pair for pair in self.rooms if pair is not None)

    @property
    def things(self) -> tuple[str, ...]:
        """The words of all things in the scene, in the order of the alphabet."""
        return tuple(sorted(word for pair in self.pairs for word in pair))

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """The hazards in it, room by room; a twin has none."""
        known = load_world().by_pair
        return tuple(known[frozenset(pair)] for pair in self.pairs if frozenset(pair) in known)


@dataclass(frozen=True, slots=True)
class ScenePair:
    """A hazardous scene and its harmless twin."""

    hazardous: Scene
    twin: Scene


def compose_pair(seed: int, index: int, *, hazard: Hazard | None = None, hazards: int = 1) -> ScenePair:
    """Return pair number `index` of the stream that `seed` names; the same on every machine.

    Args:
        seed: names the stream.
        index: which pair of it.
        hazard: the hazard that the scene must hold; None draws one.
        hazards: how many hazards the hazardous scene holds, 1 or 2.
    """
    world = load_world()
    rng = random.Random(derive_seed(seed, "hazard world", index, hazard.id if hazard else "", hazards))
    first = hazard or rng.choice(world.hazards)
    while True:
        made = _try(world, rng, first, hazards)
        if made is not None:
            return made


def _try(world: World, rng: random.Random, first: Hazard, hazards: int) -> ScenePair | None:
    chosen = [first]
    for _ in range(hazards - 1):
        taken = {word for hazard in chosen for word in hazard.pair}
        chosen.append(rng.choice([hazard for hazard in world.hazards if taken.isdisjoint(hazard.pair)]))
    count = rng.randint(max(MIN_PAIRS, hazards + 1), MAX_PAIRS)
    taken = {word for hazard in chosen for word in hazard.pair}
    others = rng.sample([word for word in world.words if word not in taken], 2 * (count - hazards))
    pairs = [_turn(rng, hazard.pair) for hazard in chosen]
    pairs += [(others[i], others[i + 1]) for i in range(0, len(others), 2)]
    twins = list(pairs)
    for place in range(hazards):  # a thing of each hazard changes places with one of a harmless pair
        other = rng.randrange(hazards, count)
        twins[place], twins[other] = _swap(rng, twins[place], twins[other])
    makes = [frozenset(pair) in world.by_pair for pair in pairs]
    if sum(makes) != hazards or any(frozenset(pair) in world.by_pair for pair in twins):
        return None
    places = rng.sample(range(ROOMS), count)
    activity = world.activity(rng.choice(first.activities))
    query = rng.choice(activity.queries).format(people=rng.choice(world.people), time=rng.choice(world.times))
    walls = tuple(rng.randrange(WALLPAPERS) for _ in range(ROOMS))
    scene = Scene(_furnish(places, pairs), walls, activity.id, query)
    return ScenePair(scene, replace(scene, rooms=_furnish(places, twins)))


def _turn(rng: random.Random, pair: Pair) -> Pair:
    return pair if rng.random() < 0.5 else (pair[1], pair[0])


def _swap(rng: random.Random, one: Pair, other: Pair) -> tuple[Pair, Pair]:
    """Exchange one thing of each, at the same side or not."""
    left, right = list(one), list(other)
    i, j = rng.randrange(2), rng.randrange(2)
    left[i], right[j] = right[j], left[i]
    return (left[0], left[1]), (right[0], right[1])


def _furnish(places: Sequence[int], pairs: Sequence[Pair]) -> tuple[Pair | None, ...]:
    rooms: list[Pair | None] = [None] * ROOMS
    for place, pair in zip(places, pairs, strict=True):
        rooms[place] = pair
    return tuple(rooms)


def hash_combination(scene: Scene) -> str:
    """Return the hash of the set of things and the activity: the same for a scene and its twin, wherever they stand."""
    return hash_json([list(scene.things), scene.activity])
