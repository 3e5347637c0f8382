"""The one way to call a chat model, and the client for every OpenAI-compatible server."""

import asyncio
import json
import os
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field, ValidationError

from endpoints.errors import (
    BadConfig,
    BadReply,
    BadRequest,
    BudgetSpent,
    EndpointError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
    check_finished,
)
from endpoints.messages import ChatReply, ChatRequest, Message, Usage
from endpoints.wire import Wire
from storage.texts import hash_json

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

MAX_REPLY_BYTES = 2_000_000
MAX_FILE_BYTES = 1_000_000_000
"""For the output of a whole batch (`endpoints.batch`)."""
SHOWN_CHARACTERS = 300
FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
KEY_LIKE = re.compile(r"\b(sk|hf|gsk)[-_][A-Za-z0-9_*-]{8,}|Bearer\s+\S+", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class ChatEndpoint(Protocol):
    """Something that answers chat requests. `name` is the endpoint's in the configuration."""

    name: str
    model: str

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the finished reply to `request`, or raise an EndpointError."""


@runtime_checkable
class Remembering(Protocol):
    """An endpoint that keeps replies and can be told that one was of no use."""

    def forget(self, request: ChatRequest) -> None:
        """Drop the reply kept for `request`, if there is one."""


@runtime_checkable
class Wired(Protocol):
    """An endpoint whose server is busy with a call from its first byte sent to its last byte read, and no longer."""

    def write(self, request: ChatRequest) -> bytes:
        """Return what is sent for `request`."""

    async def exchange(self, content: bytes) -> bytes:
        """Send it and return what came, unread; or raise an EndpointError."""

    def read_reply(self, content: bytes, request: ChatRequest, *, latency_s: float = 0.0) -> ChatReply:
        """Read what came. The reply may be unfinished: see `errors.check_finished`."""


class OpenAIChat:
    """One model on one OpenAI-compatible server (OpenAI, vLLM, SGLang, Ollama, ...), with one connection pool.

    A call is sent once: `endpoints.resilient.Resilient` does the waiting and the retrying.
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        base_url: str = "https://api.openai.com/v1",
        api_key_env: str | None = None,
        timeout_s: float = 120.0,
        max_connections: int = 256,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """Set up the endpoint; nothing is sent yet.

        Args:
            name: The endpoint's name, part of every cache key.
            model: The model's name at the server.
            base_url: The address that ends in `/v1`.
            api_key_env: The environment variable that holds the key. None for servers that ask for none.
            timeout_s: Seconds that one call may take from its first byte sent to its last byte read.
            max_connections: Size of the pool; not less than the limiter's maximum.
            max_reply_bytes: A longer reply is a BadReply, and is not read to its end.
            length_field: How the server calls the limit of the reply's tokens.
            extra_body: Further fields of the request (`top_p`, `chat_template_kwargs`, ...); part of every cache key.

        Raises:
            BadConfig: The address is not http(s), or the variable is unset or holds no usable key.
        """
        import openai  # noqa: F401  # takes a second: better now than while the first calls are timed

        if not re.match(r"https?://[^/]+", base_url):
            raise BadConfig(f"{name}: base_url must begin with http:// or https://, got {_hide(base_url, ())!r}")
        self.name = name
        self.model = model
        self.timeout_s = timeout_s
        self.cache_id = f"{name}+{hash_json(dict(extra_body))}" if extra_body else name
        self._base_url = base_url
        self._api_key = read_key(api_key_env, name)
        self._max_connections = max_connections
        self._max_reply_bytes = max_reply_bytes
        self._length_field = length_field
        self._extra_body = dict(extra_body or {})
        self._connect_s = min(10.0, timeout_s)
        self._wire: Wire | None = None

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Send `request` once and return the finished reply.

        Raises:
            EndpointError: The class says what went wrong; no message ever holds the key.
        """
        started = time.monotonic()
        content = await self.exchange(self.write(request))
        return check_finished(self.read_reply(content, request, latency_s=time.monotonic() - started))

    def write(self, request: ChatRequest) -> bytes:
        """Return `build_body` as it goes over the wire.

        Raises:
            BadRequest: It holds what is no Unicode.
        """
        text = json.dumps(self.build_body(request), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:
            raise BadRequest(f"{self.name}: the request holds a lone surrogate; send valid Unicode") from None

    def build_body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the JSON body that the server is sent for `request`."""
        body: dict[str, Any] = {"model": self.model, "messages": [_message_body(m) for m in request.messages]}
        body[self._length_field] = request.max_tokens
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        if request.n != 1:
            body["n"] = request.n
        if request.json_schema is not None:
            described = {"name": "reply", "schema": request.json_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        return body | self._extra_body

    def read_reply(self, content: bytes, request: ChatRequest, *, latency_s: float = 0.0) -> ChatReply:
        """Read the body of a 200 reply. It may be unfinished: see `errors.check_finished`.

        Raises:
            BadReply: It is not a chat completion, or holds no text.
        """
        try:
            envelope = _Envelope.model_validate_json(content)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(step) for step in first["loc"]) or "body"
            raise self._bad(f"not a chat completion ({place}: {first['msg']})", content) from None
        choices = envelope.choices
        if len(choices) < request.n:
            raise self._bad(f"{len(choices)} answers came and {request.n} were asked for", content)
        texts = [choice.message.content or "" for choice in choices]
        reason = _settle_reason(choices)
        if reason == "stop" and not all(text.strip() for text in texts):
            raise self._bad("the reply is empty", content)
        if any("\x00" in text for text in texts):
            raise self._bad("the reply holds a NUL character", content)
        refusal = next((c.message.refusal for c in choices if c.message.refusal), "")
        spent = envelope.usage
        usage = Usage(spent.prompt_tokens, spent.completion_tokens) if spent else None
        model = envelope.model or self.model
        return ChatReply(texts[0] or refusal, reason, usage, model, latency_s, others=tuple(texts[1 : request.n]))

    async def check_model(self) -> str:
        """Ask the server for its list of models, which costs nothing; return what is left in doubt, or nothing.

        Raises:
            EndpointError: There is no answer, the key is refused, or the list does not name the model.
        """
        try:
            content = await self._get("/models")
        except BadConfig as exc:
            if "HTTP 404" in str(exc) or "HTTP 405" in str(exc):
                return "the server answers and has no list of models; key and model are not checked"
            raise
        try:
            listed = [entry.id for entry in _Models.model_validate_json(content).data]
        except ValidationError:
            return "the server answers with a list of models that cannot be read; the model is not checked"
        if self.model not in listed:
            known = ", ".join(sorted(listed)[:8]) or "none"
            raise BadConfig(f"{self.name}: the server lists no model {self.model!r}; it lists: {known}")
        return ""

    async def aclose(self) -> None:
        """Close the connections. The endpoint opens new ones when it is called again."""
        if self._wire is not None:
            await self._wire.aclose()
        self._wire = None

    def open_client(self) -> "AsyncOpenAI":
        """Return the client of the running event loop, opening its pool on the first call."""
        return self._open_wire().client

    def translate(self, exc: Exception) -> EndpointError:
        """Return our error for one of the client's, free of secrets. The original is not chained: it holds the key."""
        import openai

        if isinstance(exc, openai.APIStatusError):
            return self.translate_status(exc.status_code, exc.body or exc.response.text, exc.response.headers)
        cause = _find_root(exc)
        shown = f"{self.name}: {type(cause).__name__} {self._hide(str(cause))}".strip()
        if isinstance(cause, TimeoutError):  # the client calls a closed connection a timeout too
            return TimedOut(f"{shown} while connecting to {self._hide(self._base_url)}")
        return Unreachable(f"{shown} at {self._hide(self._base_url)}")

    def translate_status(self, status: int, body: object, headers: Mapping[str, str]) -> EndpointError:
        """Return the error for a reply of that HTTP status; `body` is its parsed JSON or its text."""
        code = str(body.get("code") or body.get("type") or "") if isinstance(body, dict) else ""
        said = str(body.get("message") or body) if isinstance(body, dict) else str(body)
        shown = f"{self.name}: HTTP {status} {self._hide(said)[:SHOWN_CHARACTERS]!r}"
        wait_s = read_retry_after(headers)
        if status == 402 or code == "insufficient_quota":
            return BudgetSpent(f"{shown}; the account has no credit left")
        if status in (429, 529) or (status == 503 and wait_s is not None):
            return RateLimited(shown, retry_after_s=wait_s)
        if code in FILTER_CODES:
            return Refused(shown)
        if status in (401, 403, 404, 405) or 300 <= status < 400:
            return BadConfig(f"{shown}; check the endpoint's address, model and key")
        if status in (408, 425):
            return TimedOut(shown)
        if status >= 500 or status == 409:
            return Unreachable(shown)
        return BadRequest(shown)

    async def exchange(self, content: bytes) -> bytes:
        """Send the body of one call and return the body of a good reply, unread.

        Raises:
            EndpointError: There is none; no message ever holds the key.
        """
        import aiohttp

        failure: EndpointError
        try:
            async with asyncio.timeout(self.timeout_s):
                status, headers, body = await self._open_wire().post(content)
            if 200 <= status < 300:
                return body
            failure = self.translate_status(status, _read_error(body), headers)
        except aiohttp.ClientError as exc:
            failure = self.translate(exc)
        except TimeoutError:
            failure = TimedOut(f"{self.name}: no complete reply within {self.timeout_s:g} s")
        except BadReply as exc:
            failure = BadReply(f"{self.name}: {exc}")
        raise failure  # outside of the handlers, so that the client's error, which holds the key, is no context of it

    async def _get(self, path: str) -> bytes:
        import aiohttp
        import httpx2
        import openai

        failure: EndpointError
        try:
            async with asyncio.timeout(self.timeout_s):
                return (await self.open_client().get(path, cast_to=httpx2.Response)).content
        except TimeoutError:
            failure = TimedOut(f"{self.name}: no complete reply within {self.timeout_s:g} s")
        except (openai.APIError, aiohttp.ClientError) as exc:
            failure = self.translate(exc)
        raise failure  # outside of the handlers, so that the client's error, which holds the key, is no context of it

    def _open_wire(self) -> Wire:
        if self._wire is None or self._wire.loop is not asyncio.get_running_loop():
            self._wire = Wire(
                self._build_client(),
                "chat/completions",
                connect_s=self._connect_s,
                max_connections=self._max_connections,
                max_reply_bytes=self._max_reply_bytes,
            )
        return self._wire

    def _build_client(self) -> "AsyncOpenAI":
        import httpx2
        from openai import AsyncOpenAI, DefaultAioHttpClient

        # Whoever calls bounds the call as a whole; the pool needs a limit of its own for connecting only.
        timeout = httpx2.Timeout(None, connect=self._connect_s)
        limits = httpx2.Limits(max_connections=self._max_connections, max_keepalive_connections=self._max_connections)
        http = DefaultAioHttpClient(
            timeout=timeout, limits=limits, follow_redirects=False, event_hooks={"response": [self._bound_reply]}
        )
        address, authorization = _take_credentials(self._base_url)
        return AsyncOpenAI(
            api_key=self._api_key,
            base_url=address,
            max_retries=0,
            timeout=timeout,
            http_client=http,
            # A compressed reply could be a thousand times its size on the wire.
            default_headers={"Accept-Encoding": "identity"} | authorization,
        )

    async def _bound_reply(self, response: "httpx2.Response") -> None:
        """Refuse a file that says it is too long, and stop reading one that turns out to be."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadReply(f"{self.name}: the reply is compressed although that was declined")
        limit = MAX_FILE_BYTES
        too_long = BadReply(f"{self.name}: the reply is longer than {limit} bytes and was not read")
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise too_long
        response.stream = _bounded_stream_class()(response.stream, limit, too_long)

    def _bad(self, what: str, content: bytes) -> BadReply:
        start = self._hide(content[:SHOWN_CHARACTERS].decode("utf-8", "replace"))
        return BadReply(f"{self.name}: {what}; it begins {start[:80]!r}")

    def _hide(self, text: str) -> str:
        return _hide(text, (self._api_key,))


class _Text(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Text
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Envelope(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Tokens | None = None
    model: str | None = None


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


def read_key(variable: str | None, name: str) -> str:
    """Return the key in the environment variable `variable`; a placeholder when None is asked for.

    Raises:
        BadConfig: The variable is unset, or what it holds cannot be sent in a header.
    """
    if variable is None:
        return "none"
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BadConfig(f"{name}: the environment variable {variable} is not set; put the endpoint's key there")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BadConfig(f"{name}: the environment variable {variable} does not hold one key (spaces or odd characters)")
    return key


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait, never negative; None when it does not say.

    Reads `retry-after-ms` and `Retry-After`, the latter in seconds or as a date (against the server's own clock
    when it sends one).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"-?\d{1,9}(\.\d*)?", headers.get(name, "").strip()):
            return max(0.0, float(headers[name]) * unit)
    until = _read_date(headers.get("retry-after", ""))
    if until is None:
        return None
    present = _read_date(headers.get("date", ""))
    return max(0.0, until - (time.time() if present is None else present))


def _read_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _take_credentials(address: str) -> tuple[str, dict[str, str]]:
    """Return the address without `user:password@`, and the header that stands for them."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = b64encode(pair.encode("utf-8")).decode("ascii")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return bare.geturl(), {"Authorization": f"Basic {basic}"}


def _read_error(content: bytes) -> object:
    """Return what a server says went wrong: the `error` in its JSON, else its JSON, else its text."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace").strip()
    return (body.get("error") or body) if isinstance(body, dict) else body


def _find_root(exc: BaseException) -> BaseException:
    while exc.__cause__ is not None:
        exc = exc.__cause__
    return exc


def _settle_reason(choices: list[_Choice]) -> str:
    reasons = {"refusal" if choice.message.refusal else choice.finish_reason for choice in choices}
    for bad in ("refusal", "content_filter", "length"):
        if bad in reasons:
            return bad
    return "stop"


def _message_body(message: Message) -> dict[str, Any]:
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": message.text}
    content = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": part.data_url()}}
        for part in message.parts
    ]
    return {"role": message.role, "content": content}


@cache
def _bounded_stream_class() -> Callable[[Any, int, BadReply], "httpx2.AsyncByteStream"]:
    import httpx2

    class BoundedStream(httpx2.AsyncByteStream):
        """A reply's bytes, up to a limit."""

        def __init__(self, stream: Any, limit: int, too_long: BadReply) -> None:
            self.stream, self.limit, self.too_long = stream, limit, too_long

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self.stream:
                size += len(chunk)
                if size > self.limit:
                    raise self.too_long
                yield chunk

        async def aclose(self) -> None:
            await self.stream.aclose()

    return BoundedStream


def _hide(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if len(secret) > 4:  # the placeholder of servers without keys is an ordinary word
            text = text.replace(secret, "[key]")
    return CREDENTIALS.sub("[credentials]@", KEY_LIKE.sub("[key]", text))
