"""Cache, budget, limit, retries and ledger together, on scripted endpoints and on a real server."""

import asyncio
import dataclasses
import itertools
from pathlib import Path

import pytest

from endpoints.cache import DiskCache
from endpoints.errors import (
    BadConfig,
    BadReply,
    BadRequest,
    BudgetSpent,
    EndpointError,
    RateLimited,
    Refused,
    TimedOut,
    Truncated,
    Unreachable,
)
from endpoints.ledger import Budget, Ledger, Price
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatReply, ChatRequest, Message, Usage
from endpoints.resilient import AHEAD, Resilient, RetryPolicy
from endpoints.scripted import Answer, ScriptedChatEndpoint


def ask(text: str, **fields: object) -> ChatRequest:
    return ChatRequest((Message("user", (text,)),), **fields)  # type: ignore[arg-type]


class Sleeper:
    """Notes the waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def test_passing_faults_are_retried_with_growing_waits() -> None:
    scripted = ScriptedChatEndpoint([Unreachable("a"), TimedOut("b"), BadReply("c"), Unreachable("d"), "fine"])
    sleeper, ledger = Sleeper(), Ledger()
    endpoint = Resilient(scripted, sleep=sleeper, ledger=ledger, retry=RetryPolicy(bad_reply_attempts=5))
    assert asyncio.run(endpoint.complete(ask("q"))).text == "fine"
    assert [0.125 * 2**n <= wait <= 0.25 * 2**n for n, wait in enumerate(sleeper.waits)] == [True] * 4
    assert (ledger.total.calls, ledger.total.failed) == (5, 4)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (Unreachable("x"), 5),
        (TimedOut("x"), 5),
        (BadReply("x"), 3),
        (RateLimited("x"), 30),
        (RateLimited("x", retry_after_s=601), 1),
        (Truncated("x"), 1),
        (Refused("x"), 1),
        (BadRequest("x"), 1),
        (BadConfig("x"), 1),
    ],
)
def test_lasting_faults_are_given_up_after_their_number_of_tries(error: EndpointError, sent: int) -> None:
    def fail(request: ChatRequest) -> Answer:
        return error

    seconds = itertools.count(step=1000)
    limiter = AdaptiveLimiter(clock=lambda: float(next(seconds)))  # so that its pauses are over at once
    scripted = ScriptedChatEndpoint(fail)
    with pytest.raises(type(error)) as caught:
        asyncio.run(Resilient(scripted, sleep=Sleeper(), limiter=limiter).complete(ask("q")))
    assert len(scripted.requests) == caught.value.attempts == sent


def test_retry_after_is_waited_for_with_some_jitter() -> None:
    scripted = ScriptedChatEndpoint([RateLimited("x", retry_after_s=7.0), RateLimited("x", retry_after_s=0.0), "fine"])
    sleeper = Sleeper()
    asyncio.run(Resilient(scripted, sleep=sleeper).complete(ask("q")))
    assert 7.0 <= sleeper.waits[0] <= 8.0 and 0.0 <= sleeper.waits[1] <= 0.25


def test_a_reply_is_paid_for_once(tmp_path: Path) -> None:
    scripted = ScriptedChatEndpoint(["one", "two"])
    ledger = Ledger()
    first = Resilient(scripted, cache=DiskCache(tmp_path), ledger=ledger)
    again = Resilient(scripted, cache=DiskCache(tmp_path), ledger=ledger)
    reply = asyncio.run(first.complete(ask("q")))
    kept = asyncio.run(again.complete(ask("q")))
    assert (reply.text, reply.cached, kept.text, kept.cached) == ("one", False, "one", True)
    assert kept.usage == reply.usage
    assert asyncio.run(again.complete(ask("q", seed=2))).text == "two"
    assert (ledger.total.calls, ledger.total.cached) == (2, 1)


def test_another_endpoint_model_or_body_is_another_call(tmp_path: Path) -> None:
    class WithBody(ScriptedChatEndpoint):
        cache_id = "scripted+abc"

    endpoints = [
        ScriptedChatEndpoint(["a"]),
        ScriptedChatEndpoint(["b"], name="other"),
        ScriptedChatEndpoint(["c"], model="other"),
        WithBody(["d"]),
    ]
    texts = [asyncio.run(Resilient(e, cache=DiskCache(tmp_path)).complete(ask("q"))).text for e in endpoints]
    assert texts == ["a", "b", "c", "d"]


def test_failures_and_broken_json_are_not_kept(tmp_path: Path) -> None:
    wants_json = ask("q", json_schema={"type": "object"})
    scripted = ScriptedChatEndpoint(
        [ChatReply("cut", "length"), ChatReply("no", "refusal"), Unreachable("x"), "not json", '{"a": 1}']
    )
    endpoint = Resilient(scripted, cache=DiskCache(tmp_path), retry=RetryPolicy(attempts=1))

    async def run() -> list[str]:
        for error in (Truncated, Refused, Unreachable):
            with pytest.raises(error):
                await endpoint.complete(wants_json)
        return [(await endpoint.complete(wants_json)).text for _ in range(3)]

    assert asyncio.run(run()) == ["not json", '{"a": 1}', '{"a": 1}']


def test_tokens_of_cut_replies_are_counted() -> None:
    ledger = Ledger(prices={"m": Price(1.0, 1.0)})
    scripted = ScriptedChatEndpoint([ChatReply("cut", "length", Usage(500_000, 500_000))], model="m")
    with pytest.raises(Truncated):
        asyncio.run(Resilient(scripted, ledger=ledger).complete(ask("q")))
    assert ledger.total.cost_usd == pytest.approx(1.0) and ledger.total.failed == 1


class Gated:
    """Answers when its gate opens, and knows how many calls it has."""

    name, model = "gated", "m"

    def __init__(self, error: EndpointError | None = None) -> None:
        self.error = error
        self.gate = asyncio.Event()
        self.started = 0
        self.cancelled = 0

    async def complete(self, request: ChatRequest) -> ChatReply:
        self.started += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return ChatReply("done", usage=Usage(50, 50))


async def turn() -> None:
    """Let everything go on that can."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_equal_requests_at_the_same_time_are_sent_once() -> None:
    async def run() -> None:
        gated, ledger = Gated(), Ledger()
        endpoint = Resilient(gated, ledger=ledger)
        tasks = [asyncio.create_task(endpoint.complete(ask("same"))) for _ in range(5)]
        await turn()
        gated.gate.set()
        replies = await asyncio.gather(*tasks)
        assert [reply.cached for reply in replies] == [False, True, True, True, True]
        assert gated.started == 1 and (ledger.total.calls, ledger.total.cached) == (1, 4)

    asyncio.run(run())


def test_a_cancelled_caller_neither_harms_the_others_nor_leaves_a_call_behind() -> None:
    async def run() -> None:
        gated, limiter = Gated(), AdaptiveLimiter(maximum=1)
        endpoint = Resilient(gated, limiter=limiter)
        first, second = (asyncio.create_task(endpoint.complete(ask("same"))) for _ in range(2))
        await turn()
        first.cancel()
        await turn()
        assert first.cancelled() and gated.cancelled == 0
        second.cancel()
        await turn()
        assert second.cancelled() and gated.cancelled == 1 and limiter.in_flight == 0
        gated.gate.set()
        assert (await endpoint.complete(ask("same"))).text == "done"

    asyncio.run(run())


def test_a_failure_reaches_everybody_who_waits() -> None:
    async def run() -> None:
        gated = Gated(Refused("no"))
        endpoint = Resilient(gated)
        tasks = [asyncio.create_task(endpoint.complete(ask("same"))) for _ in range(3)]
        await turn()
        gated.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [Refused] * 3 and gated.started == 1

    asyncio.run(run())


def test_a_spent_budget_lets_calls_under_way_finish_and_makes_no_new_ones(tmp_path: Path) -> None:
    async def run() -> None:
        gated, ledger = Gated(), Ledger()
        endpoint = Resilient(
            gated,
            cache=DiskCache(tmp_path),
            ledger=ledger,
            budget=Budget(tokens=150),
            limiter=AdaptiveLimiter(maximum=4),
        )
        tasks = [asyncio.create_task(endpoint.complete(ask(str(n)))) for n in range(10)]
        await turn()
        gated.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = [type(result) for result in results]
        # Four were under way; those that waited for their slots see the budget reached by the second reply.
        assert kinds.count(ChatReply) == gated.started and 4 <= gated.started <= 5
        assert kinds.count(BudgetSpent) == 10 - gated.started
        assert (await endpoint.complete(ask("0"))).cached
        assert endpoint.limiter.in_flight == 0
        with pytest.raises(BudgetSpent):
            await endpoint.complete(ask("new"))

    asyncio.run(run())


def test_a_budget_goes_on_when_a_run_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    scripted = ScriptedChatEndpoint([ChatReply("a", usage=Usage(80, 80))] * 2)
    for _ in range(2):
        endpoint = Resilient(scripted, ledger=Ledger(path), budget=Budget(tokens=100))
        try:
            asyncio.run(endpoint.complete(ask("q")))
        except BudgetSpent:
            break
        finally:
            endpoint.ledger.close()
    assert len(scripted.requests) == 1


def test_a_budget_in_dollars_needs_a_price() -> None:
    with pytest.raises(BadConfig, match=r"price of scripted-1 is unknown; add its price \(0 for a local model\)"):
        Resilient(ScriptedChatEndpoint([]), budget=Budget(usd=1.0))
    Resilient(ScriptedChatEndpoint([]), budget=Budget(usd=1.0), ledger=Ledger(prices={"scripted-1": Price(0, 0)}))


def test_text_that_cannot_be_sent_is_the_items_own_error() -> None:
    with pytest.raises(BadRequest, match="lone surrogate"):
        asyncio.run(Resilient(ScriptedChatEndpoint(["x"])).complete(ask("broken \ud800")))


def test_a_defect_in_an_endpoint_is_not_swallowed() -> None:
    def fail(request: ChatRequest) -> Answer:
        raise ZeroDivisionError

    endpoint = Resilient(ScriptedChatEndpoint(fail))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(endpoint.complete(ask("q")))
    assert endpoint.limiter.in_flight == 0


class OnTheWire:
    """Notes when a call is written, sent and read; sends when its gate is open."""

    name, model = "wired", "m"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.events: list[str] = []

    async def complete(self, request: ChatRequest) -> ChatReply:
        raise AssertionError("written, sent and read apart")

    def write(self, request: ChatRequest) -> bytes:
        self.events.append(f"write {request.messages[0].text}")
        return request.messages[0].text.encode()

    async def exchange(self, content: bytes) -> bytes:
        self.events.append(f"send {content.decode()}")
        await self.gate.wait()
        return content

    def read_reply(self, content: bytes, request: ChatRequest, *, latency_s: float = 0.0) -> ChatReply:
        self.events.append(f"read {content.decode()}")
        if content == b"bad":
            raise BadReply("no")
        return ChatReply(content.decode(), "length" if content == b"cut" else "stop", Usage(1, 1), "m", latency_s)


def test_a_slot_is_used_again_before_the_reply_that_freed_it_is_read() -> None:
    async def run() -> None:
        wire = OnTheWire()
        endpoint = Resilient(wire, limiter=AdaptiveLimiter(maximum=1))
        tasks = [asyncio.create_task(endpoint.complete(ask(name))) for name in ("a", "b")]
        await turn()
        assert wire.events == ["write a", "send a", "write b"]
        wire.gate.set()
        assert [(await task).text for task in tasks] == ["a", "b"]
        assert wire.events[3:] == ["send b", "read a", "read b"]
        assert endpoint.limiter.in_flight == 0

    asyncio.run(run())


def test_replies_that_come_together_are_read_one_in_each_turn_of_the_loop() -> None:
    async def run() -> None:
        wire = OnTheWire()
        endpoint = Resilient(wire)
        tasks = [asyncio.create_task(endpoint.complete(ask(str(number)))) for number in range(10)]
        await turn()
        wire.gate.set()
        read = [0]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            read.append(sum(event.startswith("read") for event in wire.events))
        assert max(later - sooner for sooner, later in itertools.pairwise(read)) == 1 and read[-1] == 10

    asyncio.run(run())


def test_of_thousands_of_calls_only_a_few_are_written_before_they_have_a_slot() -> None:
    async def run() -> None:
        wire = OnTheWire()
        endpoint = Resilient(wire, limiter=AdaptiveLimiter(maximum=3))
        tasks = [asyncio.create_task(endpoint.complete(ask(str(number)))) for number in range(500)]
        for _ in range(20):
            await turn()
        assert sum(event.startswith("write") for event in wire.events) == 3 + AHEAD
        for task in tasks[:40]:  # also those that wait for their slots or for their turn make room
            task.cancel()
        wire.gate.set()
        replies = await asyncio.gather(*tasks, return_exceptions=True)
        assert [reply.text for reply in replies[40:] if isinstance(reply, ChatReply)] == [
            str(n) for n in range(40, 500)
        ]
        assert endpoint.limiter.in_flight == 0

    asyncio.run(run())


def test_a_reply_that_has_come_is_kept_although_its_caller_goes_before_it_is_read(tmp_path: Path) -> None:
    async def run() -> None:
        wire = OnTheWire()
        endpoint = Resilient(wire, cache=DiskCache(tmp_path))
        tasks = [asyncio.create_task(endpoint.complete(ask(name))) for name in ("a", "bad", "cut")]
        await turn()
        wire.gate.set()
        await asyncio.sleep(0)  # the replies are there, and wait for their turns
        assert not any(event.startswith("read") for event in wire.events)
        for task in tasks:
            task.cancel()
        await turn()
        assert all(task.cancelled() for task in tasks) and len(wire.events) == 9
        assert (await endpoint.complete(ask("a"))).cached

    asyncio.run(run())


def test_what_is_wrong_with_a_reply_is_found_after_its_slot_was_given_back_and_counted_all_the_same() -> None:
    async def run() -> None:
        wire, ledger = OnTheWire(), Ledger()
        wire.gate.set()
        endpoint = Resilient(wire, ledger=ledger, limiter=AdaptiveLimiter(maximum=1), sleep=Sleeper())
        results = await asyncio.gather(
            *(endpoint.complete(ask(name)) for name in ("bad", "cut", "fine")), return_exceptions=True
        )
        assert [type(result) for result in results] == [BadReply, Truncated, ChatReply]
        assert (ledger.total.calls, ledger.total.failed, wire.events.count("send bad")) == (5, 4, 3)
        assert endpoint.limiter.in_flight == 0

    asyncio.run(run())


def test_replies_are_plain_values() -> None:
    reply = ChatReply("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        reply.text = "b"  # type: ignore[misc]
