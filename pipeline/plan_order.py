"""Puts what arrives in any order back into the order of the synthesis plan, so that deduplication has one answer."""

from collections import Counter, deque
from typing import Generic, TypeVar

from pipeline.config import spread_quotas
from pipeline.photo_synthesis import PhotoResult
from pipeline.synthesis import Synthesis, SynthesisCall, SynthesisResult, plan_calls

Window = TypeVar("Window")
Key = tuple[int, int, int]
"""Round, place of the sub-category, number of the call."""


class PlanOrder(Generic[Window]):
    """Holds windows (one for each synthesis call) until all earlier ones of the plan have come.

    The first round is known from the start. Which calls a refill round has follows from what the round before missed.
    """

    def __init__(self, synthesis: Synthesis) -> None:
        """Expect the calls of the first round."""
        self._places = {slug: place for place, slug in enumerate(spread_quotas(synthesis.config, synthesis.taxonomy))}
        self._settings = synthesis.config.synthesis
        self._expected = deque(self._key(call) for call in plan_calls(synthesis))
        self._waiting: dict[Key, Window] = {}
        self._missing: Counter[tuple[int, int]] = Counter()
        self._round = 0

    @property
    def waiting(self) -> int:
        """Windows that have come and are held."""
        return len(self._waiting)

    def arrive(self, result: SynthesisResult, window: Window) -> list[Window]:
        """Take the window of a call; return those that are now in order, perhaps none."""
        key = self._key(result.call)
        self._waiting[key] = window
        self._missing[key[:2]] += result.missing
        ready = []
        while self._expected or self._expect_next_round():
            if self._expected[0] not in self._waiting:
                break
            ready.append(self._waiting.pop(self._expected.popleft()))
        return ready

    def _expect_next_round(self) -> bool:
        if self._round >= self._settings.refill_rounds:
            return False
        missed = {place: self._missing.pop((self._round, place), 0) for place in self._places.values()}
        self._round += 1
        for place, count in missed.items():
            self._expected.extend(
                (self._round, place, number) for number in range(-(-count // self._settings.per_call))
            )
        return bool(self._expected)

    def _key(self, call: SynthesisCall) -> Key:
        return call.round, self._places[call.sub_category], call.number


class PhotoOrder(Generic[Window]):
    """Holds windows (one for each photo) until those of all photos before have come."""

    def __init__(self) -> None:
        """Expect the first photo."""
        self._next = 0
        self._waiting: dict[int, Window] = {}

    def arrive(self, result: PhotoResult, window: Window) -> list[Window]:
        """Take the window of a photo; return those that are now in order, perhaps none."""
        self._waiting[result.number] = window
        ready = []
        while self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next += 1
        return ready
