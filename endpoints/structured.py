"""Replies that are one JSON value of a known shape: schema sent, read strictly, one repair round."""

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from endpoints.chat import ChatEndpoint, Remembering
from endpoints.errors import BadReply
from endpoints.messages import ChatReply, ChatRequest, Message

Shape = TypeVar("Shape", bound=BaseModel)

# Refused by the strict mode of the OpenAI API; our own reading enforces them all the same.
UNSENT = frozenset({"default", "title", "minLength", "maxLength", "uniqueItems", "examples", "discriminator"})
NAMED_SCHEMAS = frozenset({"properties", "$defs"})
FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL)
SHOWN_ERRORS = 10


async def complete_json(
    endpoint: ChatEndpoint,
    request: ChatRequest,
    model: type[Shape],
    *,
    check: Callable[[Shape], str] | None = None,
) -> tuple[Shape, list[ChatReply]]:
    """Ask for a reply of the shape `model`; return it and the one or two replies that it took.

    The reply must be one JSON value and nothing else (one code fence around the whole is taken off), and no object
    in it may give a key twice. When it does not fit, the model is shown its reply and the errors once. `check`
    returns what is wrong with a value that has the shape, or nothing.

    Raises:
        BadReply: The second reply does not fit either; `reply` is that one.
        EndpointError: Whatever the endpoint raises.
    """
    asked = dataclasses.replace(request, json_schema=strict_schema(model))
    first = await endpoint.complete(asked)
    value, errors = _read_checked(first.text, model, check)
    if value is not None:
        return value, [first]
    repair = dataclasses.replace(asked, messages=(*asked.messages, *_repair_turns(first.text, errors)))
    second = await endpoint.complete(repair)
    value, errors = _read_checked(second.text, model, check)
    if value is not None:
        return value, [first, second]
    if isinstance(endpoint, Remembering):
        # Neither reply is of any use: a later run shall ask anew instead of reading the failure from the cache.
        endpoint.forget(asked)
        endpoint.forget(repair)
    raise BadReply(f"{endpoint.name}: not a {model.__name__} after one repair round: {errors}", reply=second)


def _read_checked(text: str, model: type[Shape], check: Callable[[Shape], str] | None) -> tuple[Shape | None, str]:
    value, errors = read_json(text, model)
    if value is not None and check is not None and (errors := check(value)):
        return None, errors
    return value, errors


def read_json(text: str, model: type[Shape]) -> tuple[Shape | None, str]:
    """Read `text` as `model`, strictly; return the value, or None and the errors in words."""
    fenced = FENCE.match(text)
    plain = fenced.group(1) if fenced else text
    try:
        value = model.model_validate_json(plain, strict=True)
        # Readers differ in which of two equal keys they take, and a key given twice hides one of them.
        json.loads(plain, object_pairs_hook=_refuse_twice)
        return value, ""
    except _GivenTwice as exc:
        return None, f"the key {str(exc)!r} is given twice in one object"
    except ValidationError as exc:
        listed = [_describe(error) for error in exc.errors(include_url=False, include_context=False)[:SHOWN_ERRORS]]
        more = exc.error_count() - len(listed)
        return None, "; ".join([*listed, f"and {more} more"] if more else listed)


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return `model`'s JSON schema as strict servers want it.

    Every property is required, no further ones are allowed, and keywords that strict servers refuse are left out.
    """
    schema = model.model_json_schema()
    definitions: dict[str, Any] = schema.get("$defs", {})
    strict: dict[str, Any] = _tighten(schema, definitions)
    return strict


def _tighten(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_tighten(entry, definitions) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and len(node) > 1:  # strict servers take no keyword beside a reference: put its target here
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    tight: dict[str, Any] = {}
    for key, value in node.items():
        if key in NAMED_SCHEMAS:  # here the keys are names of ours, not keywords
            tight[key] = {name: _tighten(schema, definitions) for name, schema in value.items()}
        elif key in ("enum", "const", "required"):
            tight[key] = value
        elif key not in UNSENT:
            tight[key] = _tighten(value, definitions)
    if tight.get("type") == "object" and "properties" in tight:
        tight["required"] = list(tight["properties"])
        tight["additionalProperties"] = False
    return tight


class _GivenTwice(Exception):
    """A key that stands twice in one object."""


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _GivenTwice(key)
        found[key] = value
    return found


def _describe(error: Any) -> str:
    place = ".".join(str(step) for step in error["loc"]) or "reply"
    return f"{place}: {error['msg']}"


def _repair_turns(text: str, errors: str) -> tuple[Message, Message]:
    wanted = f"That reply could not be read: {errors}. Send the corrected JSON value alone, with no other text."
    return Message("assistant", (text or " ",)), Message("user", (wanted,))
