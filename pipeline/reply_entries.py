"""The scenarios in a generator's reply, read one by one, so that a bad one spoils no other."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from pipeline.errors import ItemError
from pipeline.replies import PhotoScenario, ProposedScenario
from storage.records import Scenario

SHOWN_CHARACTERS = 2_000

Proposed = TypeVar("Proposed", ProposedScenario, PhotoScenario)


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry of a reply that is no scenario. It spoils no other."""

    position: int
    """Its place in the reply's list, from 0."""
    error: ItemError
    text: str
    """The entry as JSON, at most 2,000 characters of it."""


def read_entries(
    entries: Sequence[object], *, shape: type[Proposed], most: int, make: Callable[[Proposed], Scenario | ItemError]
) -> tuple[tuple[Scenario, ...], tuple[BadEntry, ...]]:
    """Return the scenarios that the entries of a reply hold, at most `most`, and what is wrong with the others.

    `make` turns what an entry proposes into a scenario, or says why it cannot.
    """
    scenarios: list[Scenario] = []
    bad: list[BadEntry] = []
    for position, entry in enumerate(entries):
        read = _read_entry(entry, shape=shape, most=most, make=make, taken=scenarios)
        if isinstance(read, ItemError):
            bad.append(BadEntry(position, read, json.dumps(entry, ensure_ascii=False)[:SHOWN_CHARACTERS]))
        else:
            scenarios.append(read)
    return tuple(scenarios), tuple(bad)


def _read_entry(
    entry: object,
    *,
    shape: type[Proposed],
    most: int,
    make: Callable[[Proposed], Scenario | ItemError],
    taken: Sequence[Scenario],
) -> Scenario | ItemError:
    if len(taken) == most:
        return ItemError("surplus", f"at most {most} scenarios were asked for, and this is one more")
    try:
        proposed = shape.model_validate_json(json.dumps(entry))
    except ValidationError as exc:
        return ItemError("bad_entry", _describe(exc))
    if any(proposed.query.casefold() == scenario.query.casefold() for scenario in taken):
        return ItemError("repeated", f"the reply holds this query twice: {proposed.query!r}")
    return make(proposed)


def _describe(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(str(step) for step in e['loc']) or 'entry'}: {e['msg']}" for e in errors)
