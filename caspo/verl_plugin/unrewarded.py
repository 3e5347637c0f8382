"""Answers that got no reward. No verl here.

verl 0.9.1 logs why, fills up with rows of padding, and trains on what is left. That is well where one answer cannot be
rated, and not where nothing that comes will be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from caspo.errors import AnswerRefused, RewardUnavailable


@dataclass(frozen=True)
class Unrewarded:
    """An answer whose reward failed."""

    why: str
    ends_run: bool
    """Whether the next answers will fare no better."""

    @classmethod
    def of(cls, error: Exception) -> "Unrewarded":
        """Return what is told of an error of the reward."""
        lasts = isinstance(error, RewardUnavailable) and not isinstance(error, AnswerRefused)
        return cls(str(error) if lasts else f"{type(error).__name__}: {error}", lasts)


def check_unrewarded(failures: Sequence[Unrewarded], *, rewarded: int) -> None:
    """Refuse to go on without a reward.

    Args:
        failures: Of the answers that were waited for.
        rewarded: How many of the others there are.

    Raises:
        RewardUnavailable: The reward is gone, or no answer has one.
    """
    for failure in failures:
        if failure.ends_run:
            raise RewardUnavailable(failure.why)
    if failures and not rewarded:
        raise RewardUnavailable(
            f"not one of {len(failures)} answers got a reward; the first: {failures[0].why}; mend the reward"
        )
