"""One call to a real server that misbehaves: every fault is the right error, and none shows the key."""

import asyncio
import logging
import time
import traceback
from base64 import b64encode
from email.utils import formatdate

import httpx2
import pytest
from faulty_server import Fault, FaultyServer, plan_from

from endpoints.chat import OpenAIChat, read_retry_after
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
from endpoints.messages import ChatReply, ChatRequest, ImagePart, Message, Usage
from endpoints.wire import find_proxy

ERRORS = {
    Fault.RATE_LIMITED: RateLimited,
    Fault.RATE_LIMITED_SECONDS: RateLimited,
    Fault.RATE_LIMITED_DATE: RateLimited,
    Fault.SERVER_ERROR: Unreachable,
    Fault.HTML_ERROR: Unreachable,
    Fault.HANG: TimedOut,
    Fault.DRIP: TimedOut,
    Fault.CLOSED: Unreachable,
    Fault.RESET: Unreachable,
    Fault.NOT_HTTP: Unreachable,
    Fault.NOT_JSON: BadReply,
    Fault.NOT_UTF8: BadReply,
    Fault.EMPTY_BODY: BadReply,
    Fault.WRONG_SHAPE: BadReply,
    Fault.EMPTY: BadReply,
    Fault.SURROGATE: BadReply,
    Fault.HUGE: BadReply,
    Fault.HUGE_CHUNKED: BadReply,
    Fault.BOMB: BadReply,
    Fault.CUT: Truncated,
    Fault.REFUSED: Refused,
    Fault.FILTERED: Refused,
    Fault.TOO_LONG: BadRequest,
    Fault.BAD_KEY: BadConfig,
    Fault.NO_MODEL: BadConfig,
    Fault.NO_QUOTA: BudgetSpent,
}
REPLIES = {Fault.NONE, Fault.NOT_JSON_TEXT, Fault.WRONG_SCHEMA}


def ask(text: str, **fields: object) -> ChatRequest:
    return ChatRequest((Message("system", ("Be short.",)), Message("user", (text,))), **fields)  # type: ignore[arg-type]


def call(server: FaultyServer, request: ChatRequest, **fields: object) -> ChatReply:
    async def run() -> ChatReply:
        options = {"api_key_env": "TEST_ENDPOINT_KEY", "timeout_s": 5.0} | fields
        chat = OpenAIChat(name="near", model="m1", base_url=server.url, **options)  # type: ignore[arg-type]
        try:
            return await chat.complete(request)
        finally:
            await chat.aclose()

    return asyncio.run(run())


def test_a_reply_and_what_was_sent_for_it(api_key: str) -> None:
    picture = ImagePart(b"not really a png", "image/png")
    request = ChatRequest(
        (Message("user", ("what is this?", picture)),),
        max_tokens=7,
        temperature=0.9,
        seed=3,
        json_schema={"type": "object"},
    )
    with FaultyServer() as server:
        reply = call(server, request, length_field="max_completion_tokens", extra_body={"top_p": 0.5})
    assert reply.text == '{"answer": "answer to what is this?", "score": 13}'
    assert (reply.finish_reason, reply.usage, reply.model, reply.cached) == ("stop", Usage(20, 10), "m1", False)
    assert server.bodies == [
        {
            "model": "m1",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what is this?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,bm90IHJlYWxseSBhIHBuZw=="}},
                    ],
                }
            ],
            "max_completion_tokens": 7,
            "temperature": 0.9,
            "seed": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
            },
            "top_p": 0.5,
        }
    ]
    assert f"Authorization: Bearer {api_key}".lower() in server.headers[0].decode().lower()


def test_a_call_goes_out_as_the_openai_client_would_send_it(api_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-lab")
    request = ask("Größe?", seed=3)

    async def send_both(url: str) -> None:
        chat = OpenAIChat(name="near", model="m1", base_url=url, api_key_env="TEST_ENDPOINT_KEY")
        await chat.complete(request)
        await chat.open_client().post("/chat/completions", body=chat.build_body(request), cast_to=httpx2.Response)
        await chat.aclose()

    def read_head(head: bytes) -> dict[str, str]:
        first, *lines = head.decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        headers.pop("x-stainless-retry-count", None)  # the client's own statistics; we do not let it try again
        return {"": first} | headers

    with FaultyServer() as server:
        asyncio.run(send_both(server.url))
    ours, theirs = (read_head(head) for head in server.headers)
    assert ours == theirs and ours["openai-organization"] == "org-of-the-lab"
    assert server.bodies[0] == server.bodies[1]


def test_several_answers_to_one_request(api_key: str) -> None:
    with FaultyServer() as server:
        reply = call(server, ask("q", n=3, temperature=None))
    assert (reply.text, reply.others) == ("answer to q", ("answer to q", "answer to q"))
    assert "temperature" not in server.bodies[0]


def test_every_fault_is_known() -> None:
    assert set(ERRORS) | REPLIES == set(Fault)


@pytest.mark.parametrize("fault", ERRORS)
def test_a_fault_is_its_error_and_never_shows_the_key(
    fault: Fault, api_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    timeout_s = 2.5 if ERRORS[fault] is TimedOut else 20.0
    with FaultyServer(plan=plan_from({"q": fault})) as server, pytest.raises(EndpointError) as caught:
        call(server, ask("q"), timeout_s=timeout_s)
    error = caught.value
    assert type(error) is ERRORS[fault], error
    assert server.requests["q"] == 1
    whole = "".join(traceback.format_exception(error)) + caplog.text + repr(error.__cause__) + repr(error.__context__)
    assert api_key not in whole
    assert str(error).startswith(("near: ", "m1: "))


def test_errors_say_what_came_and_what_to_do(api_key: str) -> None:
    with FaultyServer(plan=plan_from({"q": Fault.CUT, "r": Fault.REFUSED, "s": Fault.BAD_KEY})) as server:
        with pytest.raises(Truncated, match="raise max_tokens") as cut:
            call(server, ask("q"))
        with pytest.raises(Refused) as refused:
            call(server, ask("r"))
        with pytest.raises(BadConfig, match=r"Incorrect API key provided.*\[key\].*check the endpoint's address"):
            call(server, ask("s"))
    assert cut.value.reply and cut.value.reply.text == '{"answer": "answer to' and cut.value.reply.usage
    assert refused.value.reply and refused.value.reply.text == "I cannot help with that."


def test_a_long_reply_is_not_read_to_its_end(api_key: str) -> None:
    for fault in (Fault.HUGE, Fault.HUGE_CHUNKED):
        with (
            FaultyServer(plan=plan_from({"q": fault})) as server,
            pytest.raises(BadReply, match="longer than 1000 bytes"),
        ):
            call(server, ask("q"), max_reply_bytes=1000)


def test_a_broken_call_leaves_the_pool_usable(api_key: str) -> None:
    kinds = [Fault.HANG, Fault.RESET, Fault.HUGE_CHUNKED, Fault.NOT_JSON, Fault.DRIP]
    keys = {f"{kind.name} {n}": kind for n in range(4) for kind in kinds}

    async def run(server: FaultyServer) -> str:
        chat = OpenAIChat(name="near", model="m1", base_url=server.url, timeout_s=0.3, max_connections=2)
        for key in keys:
            with pytest.raises(EndpointError):
                await chat.complete(ask(key))
        text = (await chat.complete(ask("fine"))).text
        await chat.aclose()
        return text

    with FaultyServer(plan=plan_from(keys)) as server:
        assert asyncio.run(run(server)) == "answer to fine"


def test_one_pool_serves_all_calls_and_a_new_loop_gets_a_new_one() -> None:
    with FaultyServer() as server:
        chat = OpenAIChat(name="near", model="m1", base_url=server.url)

        async def run() -> None:
            for n in range(5):
                await chat.complete(ask(str(n)))

        asyncio.run(run())
        assert server.connections == 1
        asyncio.run(run())
        assert server.connections == 2


def test_a_dead_server_is_unreachable() -> None:
    with FaultyServer() as server:
        pass
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        call(server, ask("q"), api_key_env=None)


def test_wrong_settings_are_refused_before_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadConfig, match="http:// or https://"):
        OpenAIChat(name="a", model="m", base_url="localhost:8000")
    with pytest.raises(BadConfig, match="NO_SUCH_KEY is not set"):
        OpenAIChat(name="a", model="m", api_key_env="NO_SUCH_KEY")
    monkeypatch.setenv("ODD_KEY", "sk-secret-1 sk-secret-2")
    with pytest.raises(BadConfig) as caught:
        OpenAIChat(name="a", model="m", api_key_env="ODD_KEY")
    assert "secret" not in str(caught.value)


def test_a_key_of_the_environment_is_not_sent_to_a_server_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
    with FaultyServer() as server:
        call(server, ask("q"), api_key_env=None)
    assert b"another-provider" not in server.headers[0]


def test_credentials_in_the_address_stay_out_of_errors() -> None:
    with FaultyServer() as server:
        pass
    address = f"http://user:hunter2@127.0.0.1:{server.port}/v1"
    with pytest.raises(Unreachable) as caught:
        asyncio.run(OpenAIChat(name="a", model="m", base_url=address).complete(ask("q")))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_credentials_in_the_address_are_sent_in_place_of_the_key() -> None:
    with FaultyServer() as server:
        address = f"http://user:hunter%402@127.0.0.1:{server.port}/v1"
        asyncio.run(OpenAIChat(name="a", model="m", base_url=address).complete(ask("q")))
    (head,) = server.headers
    sent = [line for line in head.decode().split("\r\n") if line.lower().startswith("authorization")]
    assert [line.split(": ")[1] for line in sent] == ["Basic " + b64encode(b"user:hunter@2").decode()]


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = OpenAIChat(name="a", model="m", base_url="http://far.invalid/v1")
    with FaultyServer() as proxy:
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        with pytest.raises(BadConfig, match=r"no such path: http://far\.invalid/v1/chat/completions"):
            asyncio.run(chat.complete(ask("q")))


def test_which_proxy_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    assert find_proxy("https", "far.example") is None
    monkeypatch.setenv("ALL_PROXY", "http://proxy:1")
    monkeypatch.setenv("https_proxy", "http://proxy:2")
    monkeypatch.setenv("no_proxy", "near.example")
    assert find_proxy("http", "far.example") == "http://proxy:1"
    assert find_proxy("https", "far.example") == "http://proxy:2"
    assert find_proxy("https", "near.example") is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": formatdate(1_000_090, usegmt=True), "date": formatdate(1_000_000, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(1_000_000, usegmt=True)}, 0.0),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_a_retry_after_date_without_the_servers_clock_uses_ours() -> None:
    wait_s = read_retry_after({"retry-after": formatdate(time.time() + 3600, usegmt=True)})
    assert wait_s is not None and 3500 < wait_s <= 3600
