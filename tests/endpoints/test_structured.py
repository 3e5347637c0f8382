"""Replies of a known shape: strict reading, one repair round, and a schema that strict servers take."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from endpoints.cache import DiskCache
from endpoints.errors import BadReply, Truncated
from endpoints.messages import ChatReply, ChatRequest, Message
from endpoints.resilient import Resilient
from endpoints.scripted import ScriptedChatEndpoint
from endpoints.structured import complete_json, read_json, strict_schema


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(min_length=2)]
    default: int | None = None


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    score: Annotated[int, Field(ge=0, le=2)]
    mood: Mood = Field(default=Mood.GOOD, description="how it is")
    inner: Inner = Field(description="what is inside")
    kind: Literal["a"] = "a"


GOOD = json.dumps({"score": 1, "mood": "bad", "inner": {"title": "hi", "default": None}, "kind": "a"})
REQUEST = ChatRequest((Message("user", ("judge this",)),))


def test_a_good_reply_is_read_at_once() -> None:
    endpoint = ScriptedChatEndpoint([GOOD])
    verdict, replies = asyncio.run(complete_json(endpoint, REQUEST, Verdict))
    assert (verdict.score, verdict.mood, verdict.inner.title, len(replies)) == (1, Mood.BAD, "hi", 1)
    assert endpoint.requests[0].json_schema == strict_schema(Verdict)


def test_a_broken_reply_is_repaired_once_with_its_errors_named() -> None:
    broken = GOOD.replace('"score": 1', '"score": "1"').replace("}}", '}, "extra": 1}')
    endpoint = ScriptedChatEndpoint([broken, f"```json\n{GOOD}\n```"])
    verdict, replies = asyncio.run(complete_json(endpoint, REQUEST, Verdict))
    assert verdict.score == 1 and replies[0].text == broken and len(replies) == 2
    asked = endpoint.requests[1].messages
    assert asked[:1] == REQUEST.messages
    assert (asked[1].role, asked[1].text) == ("assistant", broken)
    assert "score: Input should be a valid integer" in asked[2].text


def test_there_is_no_second_repair() -> None:
    endpoint = ScriptedChatEndpoint(["no", '{"score": 7}', GOOD])
    with pytest.raises(
        BadReply, match=r"not a Verdict after one repair round.*score: .*less than or equal to 2"
    ) as caught:
        asyncio.run(complete_json(endpoint, REQUEST, Verdict))
    assert caught.value.reply and caught.value.reply.text == '{"score": 7}'
    assert len(endpoint.requests) == 2


def test_an_empty_first_reply_can_be_repaired_too() -> None:
    endpoint = ScriptedChatEndpoint(["", GOOD])
    assert asyncio.run(complete_json(endpoint, REQUEST, Verdict))[0].score == 1


def test_a_cut_reply_is_an_error_of_its_own() -> None:
    endpoint = ScriptedChatEndpoint([ChatReply(text=GOOD[:20], finish_reason="length")])
    with pytest.raises(Truncated):
        asyncio.run(complete_json(endpoint, REQUEST, Verdict))


def test_a_failed_pair_is_forgotten_and_a_repaired_one_is_kept(tmp_path: Path) -> None:
    wrong = '{"score": 9}'
    scripted = ScriptedChatEndpoint([wrong, wrong, wrong, GOOD])
    cache = DiskCache(tmp_path)
    endpoint = Resilient(scripted, cache=cache)
    with pytest.raises(BadReply):
        asyncio.run(complete_json(endpoint, REQUEST, Verdict))
    assert cache.count() == 0
    assert asyncio.run(complete_json(endpoint, REQUEST, Verdict))[0].score == 1
    _, replies = asyncio.run(complete_json(endpoint, REQUEST, Verdict))
    assert [reply.cached for reply in replies] == [True, True]
    assert len(scripted.requests) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"Here it is: {GOOD}",
        f"{GOOD} {GOOD}",
        GOOD.replace("1", "1.0"),
        GOOD.replace("1", "true"),
        GOOD.replace("1", "NaN"),
        GOOD.replace('"hi"', '"\\ud800"'),
        f"```json\n{GOOD}\n```\nDone.",
        "[" * 100_000,
        "null",
    ],
)
def test_what_is_not_exactly_the_shape_is_refused(text: str) -> None:
    value, errors = read_json(text, Verdict)
    assert value is None and errors


@given(st.text())
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    value, errors = read_json(text, Verdict)
    assert value is None and errors


def test_the_schema_is_one_that_strict_servers_take() -> None:
    schema = strict_schema(Verdict)
    assert schema["required"] == ["score", "mood", "inner", "kind"]
    assert schema["additionalProperties"] is False
    inner = schema["properties"]["inner"]
    assert inner["required"] == ["title", "default"] and inner["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["mood"] == {"enum": ["good", "bad"], "type": "string", "description": "how it is"}
    assert schema["properties"]["score"] == {"type": "integer", "minimum": 0, "maximum": 2}


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 0, "score": 2}',
        '{"score": 2, "score": 2}',
        '{"score": 2, "\\u0073core": 0}',
        '```json\n{"score": 0, "score": 2}\n```',
    ],
)
def test_a_key_given_twice_is_refused_and_named(text: str) -> None:
    value, errors = read_json(text, Point)
    assert value is None
    assert "'score' is given twice" in errors
    assert read_json('{"score": 2}', Point) == (Point(score=2), "")


class Point(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    score: int


def test_what_a_check_finds_is_repaired_once_and_then_an_error() -> None:
    def check(point: Point) -> str:
        return "" if point.score < 5 else f"the score {point.score} is above 4"

    endpoint = ScriptedChatEndpoint(['{"score": 7}', '{"score": 3}'])
    value, replies = asyncio.run(complete_json(endpoint, ChatRequest((Message("user", ("?",)),)), Point, check=check))
    assert (value.score, len(replies)) == (3, 2)
    assert "the score 7 is above 4" in endpoint.requests[1].messages[-1].text
    with pytest.raises(BadReply, match="the score 9 is above 4"):
        asyncio.run(
            complete_json(
                ScriptedChatEndpoint(['{"score": 7}', '{"score": 9}']),
                ChatRequest((Message("user", ("?",)),)),
                Point,
                check=check,
            )
        )
