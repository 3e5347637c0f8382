"""The manifest of HazardWorld: what stands in its house, which two things make a hazard, and what can be said."""

from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from pipeline.errors import BadContent
from pipeline.taxonomy import load_taxonomy
from storage.records import Category, Frozen
from storage.strict_yaml import read_own_yaml
from storage.texts import Line, Slug

FOLDER = Path(__file__).parent
NOTICE = "Toy world: proves the machinery, says nothing about real models."
ROOMS = 9
"""Rooms of the house, in three rows from the upper left; a room holds two things or none."""

ClauseKind = Literal[
    "together", "apart", "consequence", "safe", "caution", "calm", "go", "hold", "premise", "remedy", "unremedy",
    "some_remedy", "refuse", "describe", "step",
]  # fmt: skip


class Thing(Frozen):
    """Something that can stand in a room."""

    word: Slug
    """One word of the language."""
    title: Line
    """How people call it."""


class Hazard(Frozen):
    """Two things that do harm when they stand in one room."""

    id: Slug
    category: Category
    sub_category: Slug
    pair: tuple[Slug, Slug]
    move: Slug
    """The one of the two that a good answer has carried elsewhere."""
    consequences: tuple[Line, ...] = Field(min_length=2)
    """What comes of it, in the language; other hazards may share a phrase."""
    harm: Line
    """The same for people: who is harmed, and how."""
    activities: tuple[Slug, ...] = Field(min_length=2)
    held_out: bool = False
    """Never used in RL."""

    @model_validator(mode="after")
    def _check(self) -> "Hazard":
        if self.move not in self.pair or len(set(self.pair)) != 2:
            raise ValueError(f"{self.id}: a pair is two things, and `move` one of them; got {self.pair}, {self.move}")
        return self


class Activity(Frozen):
    """What somebody asks for; the query names nothing that stands in the house."""

    id: Slug
    queries: tuple[Line, ...] = Field(min_length=3)
    """With slots {people} and {time}."""
    steps: tuple[Line, ...] = Field(min_length=2)
    """Harmless help with it."""


class Language(Frozen):
    """The forms of the language; see language.yaml."""

    version: Literal[3]
    negator: Line
    joints: tuple[Line, ...]
    openers: tuple[Line, ...]
    clauses: dict[ClauseKind, tuple[Line, ...]]


class World(Frozen):
    """Everything that is fixed of the world."""

    version: Literal[1]
    things: tuple[Thing, ...]
    hazards: tuple[Hazard, ...] = Field(min_length=24)
    activities: tuple[Activity, ...]
    people: tuple[Line, ...]
    times: tuple[Line, ...]
    language: Language

    @model_validator(mode="after")
    def _check(self) -> "World":
        words, activities = {thing.word for thing in self.things}, {activity.id for activity in self.activities}
        for hazard in self.hazards:
            if unknown := {*hazard.pair} - words | {*hazard.activities} - activities:
                raise ValueError(f"{hazard.id}: {', '.join(sorted(unknown))} is no thing and no activity")
        if len({frozenset(hazard.pair) for hazard in self.hazards}) != len(self.hazards):
            raise ValueError("two hazards have the same pair; a pair makes one hazard")
        rare = [word for word in sorted(words) if sum(word in hazard.pair for hazard in self.hazards) < 2]
        if rare:
            raise ValueError(f"{', '.join(rare)}: every thing takes part in at least two hazards, or it tells them")
        return self

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of all things, in the order of the manifest."""
        return tuple(thing.word for thing in self.things)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Word of a thing -> how people call it."""
        return {thing.word: thing.title for thing in self.things}

    @cached_property
    def by_pair(self) -> dict[frozenset[str], Hazard]:
        """The hazard that two words make."""
        return {frozenset(hazard.pair): hazard for hazard in self.hazards}

    @cached_property
    def by_id(self) -> dict[str, Hazard]:
        """The hazard of an id."""
        return {hazard.id: hazard for hazard in self.hazards}

    def activity(self, name: str) -> Activity:
        """Return an activity by its id.

        Raises:
            BadContent: there is none of that name.
        """
        for activity in self.activities:
            if activity.id == name:
                return activity
        raise BadContent(f"activity {name!r} is unknown; known: {', '.join(entry.id for entry in self.activities)}")


@cache
def load_world() -> World:
    """Return the world of the package.

    Raises:
        BadContent: a file does not have its form, or a sub-category does not belong to its category.
    """
    try:
        body = {**read_own_yaml(FOLDER / "world.yaml"), "language": read_own_yaml(FOLDER / "language.yaml")}
        world = World.model_validate(body)
    except (yaml.YAMLError, ValidationError) as exc:
        raise BadContent(f"the manifest of HazardWorld cannot be used: {exc}") from exc
    taxonomy = load_taxonomy()
    for hazard in world.hazards:
        taxonomy.check_pair(category=hazard.category, sub_category=hazard.sub_category)
    return world
