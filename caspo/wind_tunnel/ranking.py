"""Which arm is best, and whether it meets the goal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from caspo.wind_tunnel.arms import ARMS
from caspo.wind_tunnel.claims import Results
from caspo.wind_tunnel.intervals import Estimate, Floats, estimate
from caspo.wind_tunnel.measures import (
    BASELINE,
    HAZARDOUS,
    TWINS,
    GoalCheck,
    Key,
    Measured,
    check_goal,
    divide,
    stack,
)

WORTH = "R + S + E, mean of all held-out scenes and their twins"


@dataclass(frozen=True)
class Place:
    """One arm in the ranking."""

    arm: str
    runs: int
    diverged: int
    met: int
    """Runs that meet the whole goal, by their own figures."""
    met_seen: int
    """Runs that meet its part about new scenes."""
    met_new: int
    """Runs that meet its part about new hazards."""
    checks: Mapping[Key, GoalCheck]
    worth: Estimate | None
    behind: Estimate | None
    """Worth less that of the first, on the same scenes; None for the first, and where no run is the same."""

    @property
    def tied(self) -> bool:
        """Whether the interval of the distance to the first holds 0."""
        return self.behind is not None and self.behind.low <= 0 <= self.behind.high


def rank_arms(results: Results, diverged: Mapping[str, int]) -> list[Place]:
    """Return the arms from best to worst: by the share of runs that meet the goal, then by their worth.

    Worth takes twins and hazards alike, so that an arm which warns of everything is not thought good.
    """
    found = [_place(results, name, diverged.get(name, 0)) for name in ARMS if results.get(name)]
    found.sort(key=lambda place: (-_share(place), -(place.worth.value if place.worth else 0.0)))
    first = results[found[0].arm] if found else {}
    return [_stand_behind(place, results[place.arm], first) if number else place for number, place in enumerate(found)]


def _share(place: Place) -> float:
    return place.met / (place.runs + place.diverged)


def _place(results: Results, name: str, diverged: int) -> Place:
    runs, sft = results[name], results["sft"]
    checks = {key: check_goal(one, sft[key[0], BASELINE]) for key, one in runs.items()}
    parts = [
        sum(check_goal(one, sft[key[0], BASELINE], only=part).met for key, one in runs.items())
        for part in ("new_scenes", "new_hazards")
    ]
    met = sum(check.met for check in checks.values())
    return Place(name, len(runs), diverged, met, parts[0], parts[1], checks, _worth(runs, sorted(runs)), None)


def _worth(runs: Mapping[Key, Measured], keys: Sequence[Key]) -> Estimate | None:
    totals_SN = _list_totals(runs, keys)
    return estimate([totals_SN, np.ones_like(totals_SN)], divide)


def _list_totals(runs: Mapping[Key, Measured], keys: Sequence[Key]) -> Floats:
    """Return (S, N): the mean R + S + E of each scene and its twin, over all pairs that are held out."""
    pairs = [(stack(runs, keys, name, "total") + stack(runs, keys, TWINS[name], "total")) / 2 for name in HAZARDOUS]
    return np.concatenate(pairs, axis=1)


def _stand_behind(place: Place, own: Mapping[Key, Measured], first: Mapping[Key, Measured]) -> Place:
    keys = sorted(own.keys() & first.keys())
    if not keys:
        return place
    apart_SN = _list_totals(own, keys) - _list_totals(first, keys)
    return replace(place, behind=estimate([apart_SN, np.ones_like(apart_SN)], divide))
