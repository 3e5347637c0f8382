"""A chat endpoint made fit for a long run: cache, budget, adaptive limit, retries, ledger, in this order."""

import asyncio
import dataclasses
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from endpoints.cache import DiskCache
from endpoints.chat import ChatEndpoint, Wired
from endpoints.errors import (
    BadConfig,
    BadReply,
    BadRequest,
    BudgetSpent,
    EndpointError,
    RateLimited,
    TimedOut,
    check_finished,
)
from endpoints.ledger import CACHED, REPLY, Budget, Ledger
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatReply, ChatRequest, request_sha256

AHEAD = 64
"""Calls that are made ready before there is a slot for them: as many as may become free at the same moment."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is sent and how long it waits in between. Times in seconds."""

    attempts: int = 5
    bad_reply_attempts: int = 3
    """Unusable replies are paid for, so fewer."""
    rate_limited_attempts: int = 30
    """Refusals for load are the limiter's business; a call is given up only when they do not end."""
    first_delay_s: float = 0.25
    longest_delay_s: float = 30.0
    longest_retry_after_s: float = 600.0
    """A server that asks to wait longer than this is not waited for."""

    def limit_for(self, error: EndpointError) -> int:
        """Return how often a call may be sent when it fails like this."""
        if not error.retryable:
            return 1
        if isinstance(error, RateLimited):
            hopeless = error.retry_after_s is not None and error.retry_after_s > self.longest_retry_after_s
            return 1 if hopeless else self.rate_limited_attempts
        return min(self.attempts, self.bad_reply_attempts) if isinstance(error, BadReply) else self.attempts

    def delay_s(self, error: EndpointError, attempt: int, rng: random.Random) -> float:
        """Return the wait after the `attempt`-th failure: what the server asked for, or a doubling one; with jitter."""
        if isinstance(error, RateLimited) and error.retry_after_s is not None:
            return error.retry_after_s + rng.uniform(0.0, min(1.0, self.first_delay_s + error.retry_after_s / 4))
        doubled = self.first_delay_s * 2.0 ** min(attempt - 1, 20)
        return min(self.longest_delay_s, doubled) * rng.uniform(0.5, 1.0)


@dataclass(slots=True)
class _Flight:
    """A call under way and how many callers wait for it."""

    task: asyncio.Task[ChatReply]
    off: asyncio.Event
    """Set when it has had its first slot, or has ended without."""
    waiting: int = 0


class _Turns:
    """What lets the callers of one event loop in, and spreads the work on their calls over its turns."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ahead = asyncio.Semaphore(AHEAD)
        self._desk = asyncio.Lock()

    async def take(self) -> None:
        """Wait for a turn of the event loop that nobody else works in.

        A reply that arrives meanwhile is seen after one such piece of work, not after those of all calls that wait:
        replies that come together would otherwise leave their slots empty together.
        """
        async with self._desk:
            await asyncio.sleep(0)


class Resilient:
    """Wraps an endpoint for one role of one run. Equal requests at the same time are sent once.

    Roles that share an endpoint share its `limiter`; all of a run share `cache` and `ledger`. A caller that is
    cancelled gives its slot back, and its call is dropped when nobody else waits for it.
    """

    def __init__(
        self,
        endpoint: ChatEndpoint,
        *,
        cache: DiskCache | None = None,
        ledger: Ledger | None = None,
        budget: Budget | None = None,
        limiter: AdaptiveLimiter | None = None,
        retry: RetryPolicy | None = None,
        run: str = "",
        role: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Wrap `endpoint`.

        Raises:
            BadConfig: A budget in dollars is set, and the model's price is unknown.
        """
        self.name = endpoint.name
        self.model = endpoint.model
        self.endpoint = endpoint
        self._wired = endpoint if isinstance(endpoint, Wired) else None
        self.limiter = limiter or AdaptiveLimiter()
        self.ledger = ledger or Ledger()
        self._cache = cache
        self._budget = budget or Budget()
        self._retry = retry or RetryPolicy()
        self._run = run
        self._role = role
        self._sleep = sleep
        self._random = random.Random()
        self._cache_id: str = getattr(endpoint, "cache_id", endpoint.name)
        self._price_factor: float = getattr(endpoint, "price_factor", 1.0)
        self._flights: dict[str, _Flight] = {}
        self._turns: _Turns | None = None
        if self._budget.usd is not None and not self.ledger.has_price(self.model):
            raise BadConfig(
                f"{self.name}: the budget is in dollars and the price of {self.model} is unknown; "
                "add its price (0 for a local model) or set a budget in tokens"
            )

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply from the cache, from an equal call under way, or from the endpoint.

        Raises:
            BudgetSpent: The run's budget is used up; replies in the cache are still given.
            EndpointError: The call failed for good; `attempts` says how often it was sent.
        """
        turns = self._open_turns()
        flight: _Flight | None = None
        try:
            async with turns.ahead:  # thousands of calls that are made at once are not all looked up before one is sent
                await turns.take()
                key = self._key(request)
                kept = self._cache.get(key) if self._cache else None
                if kept is not None:
                    self._record(request, key, CACHED)
                    return dataclasses.replace(kept, latency_s=0.0)
                flight = self._flights.get(key)
                follows = flight is not None
                if flight is None:
                    flight = self._take_off(key, request)
                flight.waiting += 1
                await flight.off.wait()
            reply = await asyncio.shield(flight.task)
        finally:
            if flight is not None:
                self._leave(key, flight)
        if follows:
            self._record(request, key, CACHED)
            return dataclasses.replace(reply, cached=True, latency_s=0.0)
        return reply

    def forget(self, request: ChatRequest) -> None:
        """Drop the reply kept for `request`, so that it will be asked anew."""
        if self._cache:
            self._cache.drop(self._key(request))

    def _key(self, request: ChatRequest) -> str:
        try:
            return request_sha256(self._cache_id, request, model=self.model)
        except UnicodeEncodeError as exc:
            raise BadRequest(f"{self.name}: the request holds a lone surrogate; send valid Unicode") from exc

    def _open_turns(self) -> _Turns:
        if self._turns is None or self._turns.loop is not asyncio.get_running_loop():
            self._turns = _Turns()
        return self._turns

    def _take_off(self, key: str, request: ChatRequest) -> _Flight:
        off = asyncio.Event()
        flight = self._flights[key] = _Flight(asyncio.ensure_future(self._fetch(key, request, off)), off)
        flight.task.add_done_callback(lambda task: self._land(key, flight))
        return flight

    def _leave(self, key: str, flight: _Flight) -> None:
        flight.waiting -= 1
        if not flight.waiting and not flight.task.done():
            self._flights.pop(key, None)
            flight.task.cancel()

    def _land(self, key: str, flight: _Flight) -> None:
        flight.off.set()
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.cancelled():
            flight.task.exception()  # read, so that a failure whose callers have all gone is not reported as lost

    async def _fetch(self, key: str, request: ChatRequest, off: asyncio.Event) -> ChatReply:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._try_once(key, request, attempt, off)
            except EndpointError as exc:
                exc.attempts = attempt
                if attempt >= self._retry.limit_for(exc):
                    raise
                delay_s = self._retry.delay_s(exc, attempt, self._random)
            await self._sleep(delay_s)

    async def _try_once(self, key: str, request: ChatRequest, attempt: int, off: asyncio.Event) -> ChatReply:
        self.ledger.check(self._budget)
        content = self._wired.write(request) if self._wired else b""
        await self._take_slot(attempt, off)
        started = time.monotonic()
        try:
            came = await self._send(request, content, attempt)
        except EndpointError as exc:
            self._record(request, key, exc.kind, exc.reply, time.monotonic() - started)
            raise
        latency_s = time.monotonic() - started
        if not isinstance(came, ChatReply):
            try:
                await self._open_turns().take()
            except asyncio.CancelledError:  # it is paid for
                with suppress(EndpointError):
                    self._settle(key, request, came, latency_s)
                raise
        return self._settle(key, request, came, latency_s)

    async def _take_slot(self, attempt: int, off: asyncio.Event) -> None:
        await self.limiter.acquire(tries=attempt)
        off.set()
        try:
            self.ledger.check(self._budget)  # it may have run out while this call waited for its slot
        except BudgetSpent:
            self.limiter.release(tries=attempt)
            raise

    async def _send(self, request: ChatRequest, content: bytes, attempt: int) -> ChatReply | bytes:
        """Send the call and give its slot back as soon as the last byte of its reply is there."""
        accepted: bool | None = None
        retry_after_s = None
        try:
            reply = await (self._wired.exchange(content) if self._wired else self.endpoint.complete(request))
            accepted = True
            return reply
        except EndpointError as exc:
            accepted = not isinstance(exc, RateLimited | TimedOut)
            retry_after_s = exc.retry_after_s if isinstance(exc, RateLimited) else None
            raise
        finally:
            self.limiter.release(accepted, tries=attempt, retry_after_s=retry_after_s)

    def _settle(self, key: str, request: ChatRequest, came: ChatReply | bytes, latency_s: float) -> ChatReply:
        """Read what came, keep it and count it."""
        try:
            if isinstance(came, ChatReply):
                reply = came
            else:
                assert self._wired is not None
                reply = check_finished(self._wired.read_reply(came, request, latency_s=latency_s))
        except EndpointError as exc:
            self._record(request, key, exc.kind, exc.reply, latency_s)
            raise
        if self._cache:  # before the ledger: a kill between the two loses a line, never a reply
            self._cache.put(key, request, reply)
        self._record(request, key, REPLY, reply, reply.latency_s)
        return reply

    def _record(
        self, request: ChatRequest, key: str, outcome: str, reply: ChatReply | None = None, latency_s: float = 0.0
    ) -> None:
        self.ledger.record(
            run=self._run,
            role=self._role,
            endpoint=self.name,
            model=self.model,
            outcome=outcome,
            request=request,
            request_sha256=key,
            usage=reply.usage if reply else None,
            latency_s=latency_s,
            price_factor=self._price_factor,
        )
