"""Reading a judge's reply: scored, refused by the judge, or failed. There is no fourth, and no default score.

A reply counts when it is one JSON object with exactly the asked fields, carries the name of its call, and its scores
are the numbers 0, 1 or 2. Nothing is searched for within a longer text.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from endpoints.chat import ChatEndpoint
from endpoints.errors import BadReply, EndpointError, Refused
from endpoints.structured import complete_json, read_json
from judge.prompting import JudgeCall
from storage.texts import check_filled

SHOWN_CHARACTERS = 2_000
REFUSAL = re.compile(
    r"\A[\s\"'*]*(?:i['’]?m sorry|sorry|i am sorry|my apologies|i apologi[sz]e|unfortunately)?[\s,.;:-]*(?:but\s+)?"
    r"(?:as an ai[^.]{0,60}[,.]\s*)?"
    r"(?:i\s+(?:can(?:no|['’])?t|cannot|can not|won['’]?t|will not|am (?:not able|unable)|must decline|decline)"
    r"|i['’]m (?:not able|unable))\b",
    re.IGNORECASE,
)


# A Literal would take 2.0 for 2.
Points = Annotated[int, Field(ge=0, le=2), WithJsonSchema({"type": "integer", "enum": [0, 1, 2]})]


class ScoreReply(BaseModel):
    """The scores of one answer, the rationale before them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    call: Annotated[str, Field(max_length=64)]
    rationale: Annotated[str, Field(max_length=8_000), AfterValidator(check_filled)]
    risk_appraisal: Points
    safety_of_consequences: Points
    effectiveness: Points


@dataclass(frozen=True, slots=True)
class Scored:
    """A reply that can be counted."""

    reply: ScoreReply
    raw: str


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why there are no scores."""

    state: Literal["refused_by_judge", "failed"]
    kind: str
    """The slug of the error."""
    reason: str
    raw: str = ""
    stops_run: bool = False
    """Every further call would fail alike."""


def read_scores(text: str, *, call: str) -> tuple[ScoreReply | None, str]:
    """Read one reply to the call named `call`; return the scores, or None and what is wrong with it in words."""
    reply, errors = read_json(text, ScoreReply)
    if reply is not None and (errors := check_call(reply, call=call)):
        return None, errors
    return reply, errors


def check_call(reply: ScoreReply, *, call: str) -> str:
    """Return what is wrong when `reply` does not carry the name of its call, else nothing."""
    return "" if reply.call == call else "`call` is not the name of this call as the instructions give it"


def looks_like_refusal(text: str) -> bool:
    """Whether `text` begins as refusals in words do and holds no JSON. Only names why a reply is unscored."""
    return "{" not in text and REFUSAL.match(text) is not None


async def ask_judge(endpoint: ChatEndpoint, call: JudgeCall) -> Scored | Unscored:
    """Ask a judge, with one repair round, and say which of the three states came of it."""
    try:
        reply, replies = await complete_json(
            endpoint, call.request, ScoreReply, check=lambda value: check_call(value, call=call.call)
        )
    except EndpointError as exc:
        return name_failure(exc)
    return Scored(reply, replies[-1].text)


def name_failure(exc: EndpointError) -> Unscored:
    """Return the state that a failed call to a judge leaves."""
    raw = make_storable(exc.reply.text) if exc.reply else ""
    in_words = isinstance(exc, BadReply) and looks_like_refusal(raw)
    state: Literal["refused_by_judge", "failed"] = (
        "refused_by_judge" if isinstance(exc, Refused) or in_words else "failed"
    )
    kind = "refused" if in_words else exc.kind
    return Unscored(state, kind, make_storable(str(exc))[:SHOWN_CHARACTERS], raw, exc.stops_run)


def make_storable(text: str) -> str:
    """Return `text` with what no record can hold made visible: NUL characters and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
