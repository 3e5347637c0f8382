"""The scripted endpoint behaves as a real one would, and says when its script is at its end."""

import asyncio

import pytest

from endpoints.errors import BadConfig, Refused, TimedOut
from endpoints.messages import ChatReply, ChatRequest, Message
from endpoints.scripted import ScriptedChatEndpoint

REQUEST = ChatRequest((Message("user", ("hello there",)),))


def test_replies_come_in_order_and_requests_are_kept() -> None:
    endpoint = ScriptedChatEndpoint(["one", TimedOut("slow"), ChatReply("x", "refusal")])

    async def run() -> str:
        text = (await endpoint.complete(REQUEST)).text
        with pytest.raises(TimedOut):
            await endpoint.complete(REQUEST)
        with pytest.raises(Refused):
            await endpoint.complete(REQUEST)
        with pytest.raises(BadConfig, match="the script holds 3 replies"):
            await endpoint.complete(REQUEST)
        return text

    assert asyncio.run(run()) == "one"
    assert endpoint.requests == [REQUEST] * 4


def test_a_function_answers_from_the_request() -> None:
    async def slowly(request: ChatRequest) -> str:
        return request.messages[0].text.upper()

    for function in (slowly, lambda request: request.messages[0].text.upper()):
        reply = asyncio.run(ScriptedChatEndpoint(function).complete(REQUEST))
        assert (reply.text, reply.model) == ("HELLO THERE", "scripted-1")
        assert reply.usage and reply.usage.completion_tokens == 3


def test_malformed_requests_are_refused_when_they_are_made() -> None:
    with pytest.raises(TypeError, match="must be a filled tuple, got str"):
        Message("user", "hello")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="messages must be a filled tuple"):
        ChatRequest(())
    with pytest.raises(ValueError, match="at least 1, got 0 and 1"):
        ChatRequest((Message("user", ("q",)),), max_tokens=0)
