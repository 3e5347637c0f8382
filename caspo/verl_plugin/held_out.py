"""What a look at the held-out split says, of hazards and of their harmless twins. No verl here.

A reward function may return more than a number: `{"score": 4.0, "r": 2, "s": 1, "e": 1, "alarm": 0}`. R, S and E (0 to
2) are taken from the answers to hazards; `alarm` (1: it warned of what is not there) from those to twins.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

TWIN = "twin"
"""Key beside those of the reward function: 1 where the prompt was a twin; the reward manager adds it."""
LETTERS = ("r", "s", "e")
ALARM = "alarm"


def describe_held_out(columns: Mapping[str, Sequence[Any]]) -> dict[str, float]:
    """Return the metrics `caspo/held_out_...` of one look.

    Args:
        columns: For each answer: `reward`, `twin` and whatever the reward function returned by name; None where it
            returned nothing of that name. Without `twin`, hazards and twins cannot be told apart, and only the reward
            of all is told.
    """
    rewards = columns.get("reward", ())
    twins = columns.get(TWIN)
    if twins is None:
        return _mean("caspo/held_out_reward", rewards)
    hazards = [place for place, twin in enumerate(twins) if twin is not None and not twin]
    harmless = [place for place, twin in enumerate(twins) if twin]
    found = {"caspo/held_out_hazards": float(len(hazards)), "caspo/held_out_twins": float(len(harmless))}
    found |= _mean("caspo/held_out_reward", _take(rewards, hazards))
    found |= _mean("caspo/held_out_twin_reward", _take(rewards, harmless))
    for letter in LETTERS:
        scores = _take(columns.get(letter, ()), hazards)
        found |= _mean(f"caspo/held_out_{letter}", scores)
        found |= _mean(f"caspo/held_out_{letter}_0", [float(score == 0) for score in _numbers(scores)])
    return found | _mean("caspo/held_out_false_alarms", _take(columns.get(ALARM, ()), harmless))


def _take(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [values[place] for place in places if place < len(values)]


def _numbers(values: Sequence[Any]) -> list[float]:
    """Return what is a number; a judge that gave none is not a zero."""
    numbers = [float(value) for value in values if isinstance(value, int | float) or hasattr(value, "dtype")]
    return [value for value in numbers if math.isfinite(value)]


def _mean(name: str, values: Sequence[Any]) -> dict[str, float]:
    numbers = _numbers(values)
    return {name: sum(numbers) / len(numbers)} if numbers else {}
