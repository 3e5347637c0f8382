"""Shares of a count, with what is known of them."""

from dataclasses import dataclass
from math import sqrt

_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """`hits` of `of`, with the 95% interval after Wilson (1927), which holds for few answers and near 0 and 1."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """Between 0 and 1; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound, between 0 and 1; None of nothing."""
        if not self.of:
            return None
        rate, z2 = self.hits / self.of, _Z_95**2
        middle = (rate + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = _Z_95 * sqrt(rate * (1 - rate) / self.of + z2 / (4 * self.of**2)) / (1 + z2 / self.of)
        low = 0.0 if self.hits == 0 else max(0.0, middle - half)
        return low, 1.0 if self.hits == self.of else min(1.0, middle + half)
