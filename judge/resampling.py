"""Intervals by resampling whole items, as people resample them: with all that was said of an item.

Every statistic here is a function of sums over items, so a resample is a count of how often each *kind* of item
was drawn. Items that contribute the same are drawn together by one multinomial draw, which has the same
distribution as drawing them one by one; 100,000 items then cost no more than their distinct contributions.

Intervals are bias-corrected and accelerated (BCa; Efron 1987): coefficients of agreement are skewed near 1, where
plain percentiles are too narrow.

Shapes: I items, F numbers per item, K distinct kinds of item, B resamples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Finish = Callable[[Floats], Floats]
"""Sums, (..., F) -> the statistic, (...); nan where the sums leave it undefined."""

DEFAULT_RESAMPLES = 2_000
_BLOCK_NUMBERS = 4_000_000
"""Resamples are drawn in blocks of about this many counts, so that memory does not grow with the items."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and what is known of it. What is undefined is nan, and `reason` says why."""

    value: float
    low: float
    high: float
    confidence: float
    resamples: int
    undefined_resamples: int
    """Resamples whose statistic is undefined; they are left out."""
    reason: str = ""
    """Why the value or the interval is nan; empty when both are numbers."""

    @property
    def width(self) -> float:
        """High minus low, in units of the value; nan when there is no interval."""
        return self.high - self.low


def check_resampling(*, confidence: float, resamples: int) -> None:
    """Refuse a confidence or a number of resamples that cannot be used.

    Raises:
        ValueError: `confidence` is not between 0 and 1, or there are fewer than 100 resamples.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} is not between 0 and 1; give 0.95 for a 95% interval")
    if resamples < 100:
        raise ValueError(f"resamples={resamples!r} is too few for the ends of an interval; give 100 or more")


def resample_sums(
    features_IF: Floats, finish: Finish, *, confidence: float = 0.95, resamples: int = DEFAULT_RESAMPLES, seed: int = 0
) -> Interval:
    """Return the statistic of all items and its interval over resamples of items.

    Args:
        features_IF: what each item adds to the sums, (I, F).
        finish: the statistic from the sums.
        confidence: of the interval, between 0 and 1.
        resamples: how often the items are drawn.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: see `check_resampling`.
    """
    check_resampling(confidence=confidence, resamples=resamples)
    items = len(features_IF)
    if items == 0:
        return Interval(nan, nan, nan, confidence, resamples, 0, "there are no items")
    kinds_KF, counts_K = _find_kinds(features_IF)
    total_F = counts_K @ kinds_KF
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(finish(total_F))
        without_K = finish(total_F - kinds_KF)
        draws_B = _draw(kinds_KF, counts_K / items, items, finish, resamples, seed)
    if items == 1:
        without_K, counts_K = without_K[:0], counts_K[:0]
    return from_draws(value, draws_B, left_out=without_K, times=counts_K, confidence=confidence)


def from_draws(
    value: float, draws: Floats, *, left_out: Floats, confidence: float, times: NDArray[np.int64] | None = None
) -> Interval:
    """Return the BCa interval of `value` from its resampled values and its values without one item each.

    `times` says how often each of `left_out` occurs; None: once.

    Undefined draws are left out and counted. There is no interval when more than half of them are undefined, or when
    all are equal: then resampling shows no spread, which is not to say that there is none.
    """
    defined = np.sort(draws[np.isfinite(draws)])
    undefined = len(draws) - len(defined)
    reason = ""
    if not isfinite(value):
        reason = "the value is undefined"
    elif 2 * undefined > len(draws):
        reason = f"{undefined} of {len(draws)} resamples are undefined: too few items differ"
    elif np.ptp(defined) <= 1e-12 * max(1.0, abs(value)):
        reason = f"every resample gives {value:.6g}: resampling cannot show how far it may be off"
    if reason:
        return Interval(value, nan, nan, confidence, len(draws), undefined, reason)
    low, high = np.quantile(defined, _bca_levels(value, defined, left_out, confidence, times))
    return Interval(value, float(low), float(high), confidence, len(draws), undefined)


def _find_kinds(features_IF: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distinct rows in order, (K, F), and how often each occurs; `np.unique` by rows is slower."""
    ranked_IF = features_IF[np.lexsort(features_IF.T[::-1])]
    starts = np.flatnonzero(np.concatenate([[True], (ranked_IF[1:] != ranked_IF[:-1]).any(axis=1)]))
    return ranked_IF[starts], np.diff(np.append(starts, len(ranked_IF)))


def _draw(kinds_KF: Floats, shares_K: Floats, items: int, finish: Finish, resamples: int, seed: int) -> Floats:
    """Return the statistic of every resample, (B,)."""
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_NUMBERS // len(kinds_KF))
    drawn = [
        finish(rng.multinomial(items, shares_K, size=min(block, resamples - start)) @ kinds_KF)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(drawn)


def _bca_levels(
    value: float, defined: Floats, left_out: Floats, confidence: float, times: NDArray[np.int64] | None
) -> tuple[float, float]:
    """Return the two levels at which the sorted draws are read.

    Draws that equal the value count half, as they must where few values are possible.
    """
    normal = NormalDist()
    tolerance = 1e-12 * max(1.0, abs(value))
    below = np.count_nonzero(defined < value - tolerance)
    equal = np.count_nonzero(np.abs(defined - value) <= tolerance)
    share = (below + equal / 2) / len(defined)
    bias = normal.inv_cdf(min(max(share, 0.5 / len(defined)), 1 - 0.5 / len(defined)))
    finite = np.isfinite(left_out)
    times = np.ones(len(left_out), dtype=np.int64)[finite] if times is None else times[finite]
    left_out = left_out[finite]
    pull = np.average(left_out, weights=times) - left_out if len(left_out) else np.zeros(0)
    spread = float((times * pull**2).sum()) ** 1.5
    acceleration = float((times * pull**3).sum()) / (6 * spread) if spread > 0 else 0.0
    levels = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + normal.inv_cdf(tail)
        levels.append(normal.cdf(bias + z / (1 - acceleration * z)))
    return levels[0], levels[1]
