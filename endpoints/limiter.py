"""How many calls may be under way at one endpoint at once: found by trying, as TCP finds its window.

Every refusal (429) takes one call off the limit, so the limit falls as far and as fast as the server refuses. Every
round of calls without a refusal adds to it: one call at first, then twice as many each further round, so that room that
comes back is found within a few rounds. Until the first refusal the limit doubles each round.

A call that is refused again and again says more about itself than about the load: only its first refusals count.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

STREAK = 8
"""Refusals in a row, with no call accepted between them, after which everybody waits; more when the limit is higher.

The round that goes beyond what a server takes is refused for a good part, while the other part is worked on.
"""
TELLING_TRIES = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 60.0


class AdaptiveLimiter:
    """Slots for calls under way, handed out in the order of asking.

    Calls that try again wait in a queue of their own, and the two queues take turns: neither starves the other.

    One limiter belongs to one endpoint, whatever the number of roles that use it. It is used from one event loop at
    a time.
    """

    def __init__(self, *, maximum: int = 64, initial: int = 32, clock: Callable[[], float] = time.monotonic) -> None:
        if maximum < 1 or initial < 1:
            raise ValueError(f"maximum and initial must be at least 1, got {maximum} and {initial}")
        self.maximum = maximum
        self.in_flight = 0
        self._limit = float(min(initial, maximum))
        self._starting = True
        self._growth = 0.0
        self._accepted_in_round = 0
        self._refused_in_a_row = 0
        self._pauses = 0
        self._open_at = 0.0
        # New calls and those that try again; the queue whose turn it is comes first.
        self._queues: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())
        self._turn = 1
        self._timer: asyncio.TimerHandle | None = None
        self._random = random.Random()
        self._clock = clock

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        return int(self._limit)

    async def acquire(self, *, tries: int = 1) -> None:
        """Wait for a slot; the caller must `release` it. `tries` is how often this call will have been sent."""
        if self._is_open() and self.in_flight < self.limit and not self._is_awaited():
            self.in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        queue = self._queues[tries > 1]
        queue.append(place)
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the slot was handed over in the same instant: pass it on
                self.in_flight -= 1
                self._hand_out()
            else:
                with suppress(ValueError):  # it may have been passed over already
                    queue.remove(place)
            raise

    def release(self, accepted: bool | None = None, *, tries: int = 1, retry_after_s: float | None = None) -> None:
        """Give a slot back. `accepted` is False when the server refused the call for load, None when unknown."""
        busy = self.in_flight >= self.limit or self._is_awaited()
        if accepted:
            self._grow(busy)
        elif accepted is not None:
            self._refused_in_a_row += 1
            if tries <= TELLING_TRIES:
                self._shrink()
            self._pause(retry_after_s)
        self.in_flight -= 1
        self._hand_out()

    def _grow(self, busy: bool) -> None:
        self._refused_in_a_row = self._pauses = 0
        if not busy:  # a limit that is not reached says nothing about a higher one
            return
        if self._starting:
            self._limit = min(self.maximum, self._limit + 1)
            return
        self._limit = min(self.maximum, self._limit + self._growth / self._limit)
        self._accepted_in_round += 1
        if self._accepted_in_round >= self._limit:
            self._accepted_in_round = 0
            self._growth = min(self._limit, max(1.0, 2 * self._growth))

    def _shrink(self) -> None:
        self._starting = False
        self._growth = 0.0
        self._accepted_in_round = 0
        # One below what was under way; halved at most, for a call that was alone says little about the others.
        self._limit = max(1.0, self._limit / 2, min(self._limit, self.in_flight) - 1)

    def _pause(self, retry_after_s: float | None) -> None:
        if self._refused_in_a_row >= max(STREAK, self.limit + 1) and self._is_open():
            own = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._pauses) * self._random.uniform(0.5, 1.0)
            self._pauses = min(self._pauses + 1, 16)
            wait_s = own if retry_after_s is None else min(LONGEST_PAUSE_S, retry_after_s)
            self._open_at = self._clock() + wait_s

    def _is_open(self) -> bool:
        return self._clock() >= self._open_at

    def _hand_out(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_awaited():
            return
        if not self._is_open():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.001, self._open_at - self._clock()), self._hand_out)
            return
        while self.in_flight < self.limit and self._is_awaited():
            queue = self._queues[self._turn] or self._queues[1 - self._turn]
            self._turn = 1 - self._turn
            place = queue.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def _is_awaited(self) -> bool:
        return any(self._queues)
