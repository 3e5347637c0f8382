"""Shares of a count, with what is known of them."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


def wilson_interval(rate: float, of: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share after Wilson (1927), which holds for few answers and near 0 and 1.

    Args:
        rate: the share that was seen, between 0 and 1.
        of: of how many, above 0.
        confidence: of the interval, between 0 and 1.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (rate + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z * sqrt(rate * (1 - rate) / of + z**2 / (4 * of**2)) / (1 + z**2 / of)
    return 0.0 if rate == 0 else max(0.0, middle - half), 1.0 if rate == 1 else min(1.0, middle + half)


@dataclass(frozen=True)
class Share:
    """`hits` of `of`, with its 95% interval after Wilson."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound, between 0 and 1; None of nothing."""
        return wilson_interval(self.hits / self.of, self.of) if self.of else None
