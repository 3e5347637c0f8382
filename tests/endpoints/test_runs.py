"""Whole runs against the server that misbehaves: a third of the calls fail, and the process is killed."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import run_items
from faulty_server import Fault, FaultyServer, seeded_plan
from pydantic import BaseModel

from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat
from endpoints.errors import BadReply, EndpointError
from endpoints.ledger import Ledger, read_lines
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatRequest, Message, request_sha256
from endpoints.resilient import Resilient, RetryPolicy
from endpoints.structured import complete_json

ITEMS = 1000
KINDS = {
    Fault.RATE_LIMITED: "rate_limited",
    Fault.RATE_LIMITED_SECONDS: "rate_limited",
    Fault.RATE_LIMITED_DATE: "rate_limited",
    Fault.SERVER_ERROR: "unreachable",
    Fault.HTML_ERROR: "unreachable",
    Fault.CLOSED: "unreachable",
    Fault.RESET: "unreachable",
    Fault.HANG: "timed_out",
    Fault.DRIP: "timed_out",
    Fault.NOT_HTTP: "unreachable",
    Fault.NOT_JSON: "bad_reply",
    Fault.NOT_UTF8: "bad_reply",
    Fault.EMPTY_BODY: "bad_reply",
    Fault.WRONG_SHAPE: "bad_reply",
    Fault.EMPTY: "bad_reply",
    Fault.SURROGATE: "bad_reply",
    Fault.HUGE_CHUNKED: "bad_reply",
    Fault.CUT: "truncated",
    Fault.REFUSED: "refused",
    Fault.FILTERED: "refused",
    Fault.NOT_JSON_TEXT: "bad_reply",
    Fault.WRONG_SCHEMA: "bad_reply",
    Fault.TOO_LONG: "bad_request",
}
ONCE = {Fault.CUT, Fault.REFUSED, Fault.FILTERED, Fault.TOO_LONG}  # not retried: the first time settles it


class Answer(BaseModel, extra="forbid"):
    answer: str
    score: int


@pytest.mark.thorough
def test_a_thousand_items_with_faults_finish_and_each_bad_one_has_its_own_error(tmp_path: Path) -> None:
    plan = seeded_plan(7, share=0.3, kinds=list(KINDS), stubborn=0.5)
    keys = [f"item {number}" for number in range(ITEMS)]
    results: dict[str, Answer | EndpointError] = {}

    async def run(url: str) -> None:
        chat = OpenAIChat(name="near", model="m", base_url=url, timeout_s=2.0)
        retry = RetryPolicy(attempts=3, rate_limited_attempts=8, first_delay_s=0.01, longest_delay_s=0.05)
        cache, limiter = DiskCache(tmp_path / "cache"), AdaptiveLimiter(maximum=64)
        endpoint = Resilient(chat, cache=cache, ledger=ledger, limiter=limiter, retry=retry, role="critic")

        async def ask(key: str) -> None:
            try:
                request = ChatRequest((Message("user", (key,)),), max_tokens=50)
                results[key], _ = await complete_json(endpoint, request, Answer)
            except EndpointError as exc:
                results[key] = exc

        await asyncio.gather(*(ask(key) for key in keys))
        assert limiter.in_flight == 0
        await chat.aclose()

    ledger = Ledger(tmp_path / "ledger.jsonl")
    with FaultyServer(plan=plan, keep_bodies=False) as server:
        asyncio.run(run(server.url))
    failed = Counter[str]()
    for key in keys:
        fault, result = plan(key, 1), results[key]
        lasts = plan(key, 100) is not Fault.NONE or fault in ONCE
        if lasts:
            assert isinstance(result, EndpointError) and result.kind == KINDS[fault], (key, fault, result)
            failed[result.kind] += 1
        elif isinstance(result, Answer):
            assert (result.answer, result.score) == (f"answer to {key}", len(key)), (key, fault)
        else:  # a bad reply to the question and to its repair: the fault came twice
            assert isinstance(result, BadReply) and fault in (Fault.NOT_JSON_TEXT, Fault.WRONG_SCHEMA), (key, fault)
            assert plan(key, 2) is fault
    assert set(failed) == set(KINDS.values()) and 100 < failed.total() < 250
    assert ledger.total.calls >= server.requests.total()
    assert len({id(result) for result in results.values()}) == ITEMS
    ledger.close()


@pytest.mark.thorough
@pytest.mark.timeout(120)
def test_a_killed_run_never_repeats_a_call_whose_reply_it_has(tmp_path: Path) -> None:
    plan = seeded_plan(3, share=0.2, kinds=[Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.RESET])
    count, kills = 400, 10
    command = [sys.executable, run_items.__file__, "", str(tmp_path), str(count)]
    rng = random.Random(11)
    cache = DiskCache(tmp_path / "cache")
    keys = [f"item {number}" for number in range(count)]
    cache_keys = {key: request_sha256("near", run_items.make_request(key), model="m") for key in keys}
    seen_in_cache: dict[str, int] = {}
    with FaultyServer(plan=plan, keep_bodies=False, latency_s=0.02) as server:
        command[2] = server.url
        killed = 0
        while True:
            answered = server.replies.total()
            target = answered + rng.randint(1, count // kills - 10)
            child = subprocess.Popen(command)
            while child.poll() is None and (killed == kills or server.replies.total() < target):
                time.sleep(0.001)
            if killed == kills:
                break
            assert child.poll() is None, "the run ended before it was killed"
            child.send_signal(signal.SIGKILL)
            child.wait()
            killed += 1
            given = set((tmp_path / "given.txt").read_text().split("\n")[:-1]) if killed else set()
            for key in keys:
                if key not in seen_in_cache and cache.get(cache_keys[key]) is not None:
                    seen_in_cache[key] = server.requests[key]
            assert given <= seen_in_cache.keys()  # whatever the run was given is on disk
        assert child.returncode == 0
        for key, requests in seen_in_cache.items():
            assert server.requests[key] == requests, f"{key} was asked for again"
        assert 0 <= server.replies.total() - count <= kills * 16  # only what was under way at a kill
    assert len(seen_in_cache) > 100
    assert all(cache.get(cache_keys[key]) is not None for key in keys)
    outcomes = Counter(line["outcome"] for line in read_lines(tmp_path / "ledger.jsonl"))
    assert count - kills <= outcomes["reply"] <= server.replies.total()
