"""How predicted rewards agree with the scores that a judge gave. Plain numpy; NaN where a figure is undefined.

Shapes: N answers, P pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Predictions of about the same size."""

    predicted: float
    """Their mean."""
    found: float
    """The mean of what was found."""
    count: int


def count_right(lead_P: Floats, said_P: Floats) -> Floats:
    """Return, for each pair whose scores differ, 1 if the better answer has the higher reward, one half for a tie.

    Args:
        lead_P: The first answer's score less the second's.
        said_P: The same of the rewards.
    """
    differ_P = lead_P != 0
    right: Floats = (np.sign(lead_P) * np.sign(said_P))[differ_P] / 2 + 0.5
    return right


def mean_or_nan(values_N: Floats) -> float:
    """Return the mean; NaN of nothing."""
    return float(values_N.mean()) if len(values_N) else float("nan")


def correlate(one_N: Floats, other_N: Floats) -> float:
    """Return Pearson's correlation; NaN where either does not vary."""
    if len(one_N) < 2 or np.ptp(one_N) == 0 or np.ptp(other_N) == 0:
        return float("nan")
    return float(np.corrcoef(one_N, other_N)[0, 1])


def correlate_ranks(one_N: Floats, other_N: Floats) -> float:
    """Return Spearman's correlation, equal values sharing their mean rank."""
    return correlate(_rank(one_N), _rank(other_N))


def sort_into_bins(predicted_N: Floats, found_N: Floats, *, bins: int = 10) -> list[Bin]:
    """Return predictions and findings in bins of about equal count, from the lowest prediction on."""
    order = np.argsort(predicted_N, kind="stable")
    parts = np.array_split(order, min(bins, len(order))) if len(order) else []
    return [Bin(float(predicted_N[part].mean()), float(found_N[part].mean()), len(part)) for part in parts]


def measure_miscalibration(bins: list[Bin]) -> float:
    """Return the mean distance between prediction and finding over bins, weighted by their count."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.predicted - one.found) for one in bins) / total if total else float("nan")


def _rank(values_N: Floats) -> Floats:
    _, place_N, count_U = np.unique(values_N, return_inverse=True, return_counts=True)
    ends_U = np.cumsum(count_U)
    ranks: Floats = (ends_U - (count_U - 1) / 2)[place_N]
    return ranks
