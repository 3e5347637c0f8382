"""The batch API behind the ordinary call: half price, each call its own answer, nothing sent twice after a kill."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from batch_books import BatchBooks
from faulty_server import FaultyServer, completion, key_of

from endpoints.batch import MAX_BATCH_CALLS, BatchChat
from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat
from endpoints.errors import BadReply, BadRequest, EndpointError, Truncated, Unreachable
from endpoints.ledger import Ledger, Price
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatReply, ChatRequest, Message
from endpoints.resilient import Resilient, RetryPolicy


def ask(text: str) -> ChatRequest:
    return ChatRequest((Message("user", (text,)),), max_tokens=50)


def answer(body: dict[str, Any]) -> tuple[int, Any]:
    match key_of(body):
        case "wrong":
            return 400, {"error": {"message": "too long", "code": "context_length_exceeded"}}
        case "cut":
            return 200, completion("half", body, reason="length")
        case "empty":
            return 200, completion("", body)
        case "odd":
            return 200, ["no", "completion"]
        case "lost":
            return 0, None
        case key:
            return 200, completion(f"answer to {key}", body)


def open_batch(server: FaultyServer, folder: Path, **fields: Any) -> BatchChat:
    chat = OpenAIChat(name="far", model="m", base_url=server.url)
    return BatchChat(chat, folder=folder, **{"gather_s": 0.01, "poll_s": 0.01} | fields)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def ask_all(batch: BatchChat, *keys: str) -> list[ChatReply | BaseException]:
    results = await asyncio.gather(*(batch.complete(ask(key)) for key in keys), return_exceptions=True)
    await batch.aclose()
    return results


def kinds(results: list[ChatReply | BaseException]) -> list[str]:
    return [result.kind if isinstance(result, EndpointError) else result.text for result in results]  # type: ignore[union-attr]


def test_calls_that_arrive_together_are_one_batch_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    with FaultyServer(batches=BatchBooks(answer)) as server:
        results = run(ask_all(open_batch(server, tmp_path), "a", "wrong", "b", "cut", "a", "empty", "odd", "lost"))
        assert server.batches and len(server.batches.batches) == 1
        assert server.batches.files["file-0"].count(b"\n") == 6  # seven different calls
    words = ["answer to a", "bad_request", "answer to b", "truncated", "answer to a", "bad_reply", "bad_reply"]
    assert kinds(results) == [*words, "unreachable"]
    assert [type(result) for result in results[1:4:2]] == [BadRequest, Truncated]
    assert "ended as completed without this reply" in str(results[7])


def test_a_batch_is_paid_at_half_the_price_and_cached_like_any_call(tmp_path: Path) -> None:
    async def work(server: FaultyServer) -> list[bool]:
        batch = open_batch(server, tmp_path / "batches")
        limiter = AdaptiveLimiter(maximum=MAX_BATCH_CALLS, initial=MAX_BATCH_CALLS)
        endpoint = Resilient(batch, cache=DiskCache(tmp_path / "cache"), ledger=ledger, limiter=limiter)
        first = await asyncio.gather(*(endpoint.complete(ask(str(n))) for n in range(100)))
        second = await asyncio.gather(*(endpoint.complete(ask(str(n))) for n in range(100)))
        await batch.aclose()
        return [reply.cached for reply in (*first, *second)]

    ledger = Ledger(prices={"m": Price(100.0, 100.0)})
    with FaultyServer(batches=BatchBooks(answer)) as server:
        assert run(work(server)) == [False] * 100 + [True] * 100
        assert server.batches and len(server.batches.batches) == 1
    assert ledger.total.cost_usd == pytest.approx(100 * 30 * 100 / 1e6 / 2)


def test_large_numbers_are_split(tmp_path: Path) -> None:
    with FaultyServer(batches=BatchBooks(answer)) as server:
        results = run(ask_all(open_batch(server, tmp_path, batch_calls=4), *(str(n) for n in range(10))))
        assert server.batches and len(server.batches.batches) == 3
    assert kinds(results) == [f"answer to {n}" for n in range(10)]


def test_a_killed_run_takes_its_batch_up_again(tmp_path: Path) -> None:
    async def start_and_vanish(server: FaultyServer) -> None:
        batch = open_batch(server, tmp_path)
        tasks = [asyncio.create_task(batch.complete(ask(key))) for key in ("a", "b", "wrong")]
        while not (server.batches and server.batches.looked):
            await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()

    async def resume(server: FaultyServer) -> list[str]:
        batch = open_batch(server, tmp_path)
        texts = [(await batch.complete(ask(key))).text for key in ("b", "a")]  # one after the other
        await batch.aclose()
        return texts

    with FaultyServer(batches=BatchBooks(answer, looks=5)) as server:
        run(start_and_vanish(server))
        assert run(resume(server)) == ["answer to b", "answer to a"]
        assert run(resume(server)) == ["answer to b", "answer to a"]
        assert server.batches and len(server.batches.batches) == 1


def test_a_batch_whose_number_was_never_learnt_is_found_by_its_mark(tmp_path: Path) -> None:
    async def work(server: FaultyServer) -> str:
        batch = open_batch(server, tmp_path)
        endpoint = Resilient(batch, retry=RetryPolicy(first_delay_s=0.001))
        text = (await endpoint.complete(ask("a"))).text
        await batch.aclose()
        return text

    with FaultyServer(batches=BatchBooks(answer, lose_creation=True)) as server:
        assert run(work(server)) == "answer to a"
        assert server.batches and len(server.batches.batches) == 1


def test_what_failed_may_be_sent_again_and_what_did_not_is_not(tmp_path: Path) -> None:
    books = BatchBooks(answer, status="expired")
    with FaultyServer(batches=books) as server:
        first = run(ask_all(open_batch(server, tmp_path), "a", "lost", "empty"))
        books.answer = lambda body: (200, completion(f"second answer to {key_of(body)}", body))
        second = run(ask_all(open_batch(server, tmp_path), "a", "lost", "empty"))
    assert kinds(first) == ["answer to a", "unreachable", "bad_reply"]
    assert kinds(second) == ["answer to a", "second answer to lost", "second answer to empty"]
    assert isinstance(first[2], BadReply) and len(books.batches) == 2


def test_a_batch_that_the_server_refuses_says_why_to_everybody(tmp_path: Path) -> None:
    with FaultyServer(batches=BatchBooks(answer, status="failed")) as server:
        results = run(ask_all(open_batch(server, tmp_path), "a", "b"))
    assert kinds(results) == ["bad_request"] * 2 and "line 1 is malformed" in str(results[0])


def test_a_server_without_a_batch_api_is_a_wrong_configuration(tmp_path: Path) -> None:
    with FaultyServer() as server:
        assert kinds(run(ask_all(open_batch(server, tmp_path), "a", "b"))) == ["bad_config"] * 2
    with pytest.raises(Unreachable):
        run(open_batch(server, tmp_path).complete(ask("a")))
