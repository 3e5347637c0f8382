"""Intervals for figures of several runs on the same scenes: scenes and runs are both resampled.

Shapes: S runs (stage-0 seed and RL seed), N scenes, B resamples. A figure is a function of sums over all answers, so a
resample needs only how often each run and each scene was drawn.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from storage.intervals import wilson_interval

Floats = NDArray[np.float64]
Finish = Callable[..., Floats]
"""One array (...) of sums for each column -> the figure (...); NaN where it is undefined."""

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Hold the value inside its interval, where resampling is so coarse that it falls out."""
        object.__setattr__(self, "low", min(self.low, self.value))
        object.__setattr__(self, "high", max(self.high, self.value))


def estimate(columns: Sequence[Floats], finish: Finish, *, seed: int = 0) -> Estimate | None:
    """Return a figure with its interval, or None where it is undefined.

    Runs and scenes are drawn with replacement, each on its own, so that neither few seeds nor few scenes look like
    many answers. With one run only scenes are drawn: its interval then says nothing about other seeds.

    Args:
        columns: (S, N) each, of the same runs and scenes.
        finish: Makes the figure from the columns' sums.
        seed: Of the resampling.
    """
    runs, scenes = columns[0].shape
    of_runs_BS, of_scenes_BN = _draw(runs, scenes, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(finish(*(np.float64(column.sum()) for column in columns)))
        drawn_B = finish(*(((of_runs_BS @ column) * of_scenes_BN).sum(1) for column in columns))
    drawn_B = drawn_B[np.isfinite(drawn_B)]
    if not math.isfinite(value) or not len(drawn_B):
        return None
    low, high = np.quantile(drawn_B, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


@lru_cache(maxsize=32)
def _draw(runs: int, scenes: int, seed: int) -> tuple[Floats, Floats]:
    """Return how often each resample holds each run and each scene; the same for all figures, so that they compare."""
    rng = np.random.default_rng(seed)
    of_runs_BS = rng.multinomial(runs, np.full(runs, 1 / runs), size=RESAMPLES).astype(np.float64)
    of_scenes_BN = rng.multinomial(scenes, np.full(scenes, 1 / scenes), size=RESAMPLES).astype(np.float64)
    return of_runs_BS, of_scenes_BN


def estimate_rate(hits_SN: Floats, *, seed: int = 0) -> Estimate:
    """Return the share of hits: the wider of Wilson's interval over all answers and that of resampling.

    Wilson's alone would take the answers of several seeds to one scene for independent ones; resampling alone has no
    width where nothing was hit.
    """
    found = estimate([hits_SN, np.ones_like(hits_SN)], lambda hits, of: hits / of, seed=seed)
    assert found is not None
    low, high = wilson_interval(found.value, hits_SN.size)
    return Estimate(found.value, min(low, found.low), max(high, found.high))
