"""What goes to a chat model and what comes back: plain frozen values, the same for every provider."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from storage.texts import hash_json

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture inside a message: encoded bytes (PNG, JPEG, WebP) and their MIME type."""

    data: bytes
    mime: str

    @property
    def sha256(self) -> str:
        """The sha256 of the encoded bytes, 64 hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    def data_url(self) -> str:
        """Return the picture as a `data:` URL, the form that chat servers read."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: texts and pictures in the order in which the model reads them."""

    role: Role
    parts: tuple[str | ImagePart, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not self.parts:
            raise TypeError(f"parts of a {self.role} message must be a filled tuple, got {type(self.parts).__name__}")

    @property
    def text(self) -> str:
        """The texts of the message, joined by line ends; pictures are left out."""
        return "\n".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a chat model, complete: equal requests may be answered by one call.

    Who wants several different samples asks with different seeds, or with `n` above 1.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 1024
    temperature: float | None = 0.0
    """None leaves the server's default; some models accept no other."""
    seed: int | None = None
    json_schema: dict[str, Any] | None = None
    """Asks for a reply that is one JSON value of this schema. `endpoints.structured` sets it."""
    n: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.messages, tuple) or not self.messages:
            raise TypeError(f"messages must be a filled tuple, got {type(self.messages).__name__}")
        if self.max_tokens < 1 or self.n < 1:
            raise ValueError(f"max_tokens and n must be at least 1, got {self.max_tokens} and {self.n}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call was charged for."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ChatReply:
    """One model's answer to one request."""

    text: str
    finish_reason: str = "stop"
    """`stop`; inside an error's `reply` also `length`, `content_filter` or `refusal`."""
    usage: Usage | None = None
    """None when the server did not say."""
    model: str = ""
    """The model that the server says it used."""
    latency_s: float = 0.0
    cached: bool = False
    others: tuple[str, ...] = ()
    """The second to n-th answer, when the request asked for `n` above 1."""


def describe_request(request: ChatRequest) -> dict[str, Any]:
    """Return the request as a JSON value in which every picture is its MIME type and sha256."""

    def describe(part: str | ImagePart) -> str | dict[str, str]:
        return part if isinstance(part, str) else {"mime": part.mime, "sha256": part.sha256}

    return {
        "messages": [{"role": m.role, "parts": [describe(part) for part in m.parts]} for m in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "json_schema": request.json_schema,
        "n": request.n,
    }


def request_sha256(endpoint_id: str, request: ChatRequest, *, model: str = "") -> str:
    """Return the identity of a call, 64 hex digits: the endpoint, the model and the whole request."""
    return hash_json({"endpoint": endpoint_id, "model": model, "request": describe_request(request)})
