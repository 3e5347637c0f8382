"""The limiter finds what a server takes, gives every slot back, and starves nobody."""

import asyncio
from collections import Counter

import pytest

from endpoints.limiter import STREAK, AdaptiveLimiter


class SlotServer:
    """Takes `slots` calls at once and refuses those above; a call lasts a number of turns of the event loop."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running = 0
        self.outcomes: Counter[bool] = Counter()
        self.used_turns = 0

    async def call(self) -> bool:
        if self.running >= self.slots:
            self.outcomes[False] += 1
            return False
        self.running += 1
        for _ in range(40):
            await asyncio.sleep(0)
        self.running -= 1
        self.outcomes[True] += 1
        return True


async def call_until_taken(limiter: AdaptiveLimiter, server: SlotServer, seen: list[int] | None = None) -> None:
    tries = 0
    taken = False
    while not taken:
        tries += 1
        await limiter.acquire(tries=tries)
        taken = await server.call()
        if seen is not None:
            seen.append(limiter.limit)
        limiter.release(taken, tries=tries, retry_after_s=0.0)


def test_it_finds_the_slots_and_follows_when_they_change() -> None:
    async def run() -> None:
        limiter, server = AdaptiveLimiter(maximum=200, initial=4), SlotServer(64)
        for slots in (64, 16, 64):
            server.slots = slots
            server.outcomes.clear()
            seen: list[int] = []
            await asyncio.gather(*(call_until_taken(limiter, server, seen) for _ in range(1500)))
            settled = sorted(seen[600:1200])
            assert slots <= settled[len(settled) // 2] <= slots + 4
            assert server.outcomes[True] == 1500
            assert server.outcomes[False] <= 120  # 8%, nearly all of them while the limit comes down from 64
        assert limiter.in_flight == 0

    asyncio.run(run())


def test_it_never_exceeds_its_maximum_nor_falls_below_one() -> None:
    async def run() -> None:
        limiter, server = AdaptiveLimiter(maximum=8, initial=32), SlotServer(1000)
        await asyncio.gather(*(call_until_taken(limiter, server) for _ in range(300)))
        assert limiter.limit == 8 and server.outcomes[False] == 0
        for _ in range(50):
            await limiter.acquire()
            limiter.release(False, retry_after_s=0.0)
        assert limiter.limit == 1

    asyncio.run(run())


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    async def run() -> None:
        limiter = AdaptiveLimiter(maximum=100, initial=10)
        for _ in range(200):
            await limiter.acquire()
            limiter.release(True)
        assert limiter.limit == 10

    asyncio.run(run())


def test_new_calls_and_second_tries_take_turns_each_in_the_order_of_asking() -> None:
    async def run() -> list[str]:
        limiter, order = AdaptiveLimiter(maximum=1), []

        async def work(name: str, tries: int) -> None:
            await limiter.acquire(tries=tries)
            order.append(name)
            await asyncio.sleep(0)
            limiter.release(True)

        await asyncio.gather(*(work(name, 1) for name in "abcd"), *(work(name, 2) for name in "xyz"))
        return order

    assert asyncio.run(run()) == ["a", "x", "b", "y", "c", "z", "d"]


def test_a_call_that_is_refused_for_ever_does_not_hold_the_others_down() -> None:
    async def run() -> list[int]:
        limiter, limits = AdaptiveLimiter(maximum=64, initial=10), []
        await limiter.acquire()
        for tries in range(1, STREAK):
            await limiter.acquire(tries=tries)
            limiter.release(False, tries=tries)
            limits.append(limiter.limit)
        return limits

    assert asyncio.run(run()) == [5, 2, 2, 2, 2, 2, 2]


def test_cancelled_waiters_leave_no_slot_behind() -> None:
    async def run() -> None:
        limiter = AdaptiveLimiter(maximum=2)

        async def hold(gate: asyncio.Event) -> None:
            await limiter.acquire()
            try:
                await gate.wait()
            finally:
                limiter.release()

        gate = asyncio.Event()
        tasks = [asyncio.create_task(hold(gate)) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[5].cancel()  # waits
        tasks[0].cancel()  # holds: its slot goes to tasks[2] ...
        await asyncio.sleep(0)
        tasks[2].cancel()  # ... which is cancelled in the instant in which it gets it
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert limiter.in_flight == 2
        gate.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, BaseException) for result in done].count(True) == 3
        assert limiter.in_flight == 0

    asyncio.run(run())


def test_everybody_waits_after_a_streak_of_refusals() -> None:
    clock = [1000.0]

    async def run() -> None:
        limiter = AdaptiveLimiter(maximum=64, initial=STREAK, clock=lambda: clock[0])
        for _ in range(STREAK):
            await limiter.acquire()
        for _ in range(STREAK):
            limiter.release(False, retry_after_s=5.0)
        waiter = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        assert not waiter.done() and limiter.limit == 1
        clock[0] += 5.0
        other = asyncio.ensure_future(limiter.acquire())
        for _ in range(3):
            await asyncio.sleep(0)
        assert waiter.done() and not other.done()  # one call goes ahead to see
        limiter.release(True)
        await other
        limiter.release(True)

    asyncio.run(run())


@pytest.mark.parametrize(("taken", "pauses"), [(32, False), (0, True)])
def test_a_round_that_was_half_too_large_is_no_reason_to_wait(taken: int, pauses: bool) -> None:
    async def run() -> None:
        limiter = AdaptiveLimiter(maximum=64, initial=64)
        for _ in range(64):
            await limiter.acquire()
        for _ in range(64 - taken):
            limiter.release(False, retry_after_s=1000.0)
        for _ in range(taken // 2):
            limiter.release()  # says nothing about the load
        waiter = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        assert waiter.done() is not pauses
        waiter.cancel()

    asyncio.run(run())


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0 and 32"):
        AdaptiveLimiter(maximum=0)
