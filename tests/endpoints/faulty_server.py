"""A real HTTP server that speaks the chat API and misbehaves as a plan tells it to.

In a test: `with FaultyServer(plan=...) as server:` runs it in a thread of its own; `server.url` ends in `/v1`, and
`server.requests[key]` counts what arrived. A request's key is the first line of its first user message. For
benchmarks and other processes: `python faulty_server.py --port 8001 --latency 0.2 --slots 64`, then `GET /stats` and
`POST /slots {"slots": 16}`.
"""

import argparse
import asyncio
import gzip
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum
from typing import Any, Self

from batch_books import BatchBooks

HUGE = 10_000_000


class Fault(StrEnum):
    """What one request meets."""

    NONE = "none"
    RATE_LIMITED = "429 without Retry-After"
    RATE_LIMITED_SECONDS = "429 with Retry-After in seconds"
    RATE_LIMITED_DATE = "429 with Retry-After as a date"
    SERVER_ERROR = "500 with an error in JSON"
    HTML_ERROR = "502 with a page of HTML"
    HANG = "no reply at all"
    DRIP = "a byte now and then, for ever"
    CLOSED = "connection reset before the reply"
    RESET = "connection reset in the middle of the body"
    NOT_HTTP = "bytes that are not HTTP"
    NOT_JSON = "200 with a body that is not JSON"
    NOT_UTF8 = "200 with bytes that are not UTF-8"
    EMPTY_BODY = "200 with an empty body"
    WRONG_SHAPE = "200 with JSON that is no chat completion"
    EMPTY = "a chat completion without text"
    SURROGATE = "a text with a lone surrogate"
    HUGE = "10 MB with Content-Length"
    HUGE_CHUNKED = "10 MB in chunks of unknown number"
    BOMB = "10 MB that gzip made small"
    CUT = "text cut by length"
    REFUSED = "a refusal field"
    FILTERED = "finish_reason content_filter"
    NOT_JSON_TEXT = "text that is not JSON where JSON was asked for"
    WRONG_SCHEMA = "JSON of another schema than asked for"
    TOO_LONG = "400 context_length_exceeded"
    BAD_KEY = "401 that repeats the key"
    NO_MODEL = "404"
    NO_QUOTA = "429 insufficient_quota"


BUSY = "429 Too Many Requests"
ERRORS: dict[Fault, tuple[str, dict[str, str], str]] = {
    Fault.RATE_LIMITED: (BUSY, {"message": "slow down", "code": "rate_limit_exceeded"}, ""),
    Fault.RATE_LIMITED_SECONDS: (BUSY, {"message": "slow down"}, "Retry-After: 0.01\r\n"),
    Fault.SERVER_ERROR: ("500 Internal Server Error", {"message": "out of memory"}, ""),
    Fault.TOO_LONG: (
        "400 Bad Request",
        {"message": "maximum context length is 2048 tokens", "code": "context_length_exceeded"},
        "",
    ),
    Fault.NO_MODEL: ("404 Not Found", {"message": "no such model"}, ""),
    Fault.NO_QUOTA: (BUSY, {"message": "you exceeded your quota", "code": "insufficient_quota"}, ""),
}
"""Faults that are an HTTP status with an error in JSON: status line, error, further headers."""

Plan = Callable[[str, int], Fault]
"""From a request's key and how often it has been seen (from 1) to what it meets."""


def no_faults(key: str, attempt: int) -> Fault:
    """Answer every request."""
    return Fault.NONE


def plan_from(faults: dict[str, Fault], *, times: int = 1_000_000) -> Plan:
    """Let the keys named meet their fault the first `times` times, and nothing after that."""
    return lambda key, attempt: faults.get(key, Fault.NONE) if attempt <= times else Fault.NONE


def seeded_plan(seed: int, *, share: float, kinds: list[Fault], stubborn: float = 0.0) -> Plan:
    """Let a `share` of the keys meet a fault of `kinds`: `stubborn` of them every time, the others once or twice."""

    def plan(key: str, attempt: int) -> Fault:
        draw = random.Random(f"{seed}/{key}")
        if draw.random() >= share:
            return Fault.NONE
        kind = draw.choice(kinds)
        last = 1_000_000 if draw.random() < stubborn else draw.randint(1, 2)
        return kind if attempt <= last else Fault.NONE

    return plan


def answer_to(key: str, body: dict[str, Any]) -> str:
    """Return the right answer: words, or JSON when a schema was sent."""
    if "response_format" in body:
        return json.dumps({"answer": f"answer to {key}", "score": len(key)})
    return f"answer to {key}"


@dataclass
class FaultyServer:
    """The server and its books. Attributes may be read from any thread; `plan` and `slots` may be changed."""

    plan: Plan = no_faults
    latency_s: float = 0.0
    slots: int | None = None
    """Chat calls that may run at once; those above it get 429. None: any number."""
    answer: Callable[[str, dict[str, Any]], str] = answer_to
    port: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    """Requests that arrived whole, by key."""
    replies: Counter[str] = field(default_factory=Counter)
    """Good replies handed to the network, by key."""
    faults: Counter[Fault] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    keep_bodies: bool = True
    batches: BatchBooks | None = None
    """Set: the batch API is served too."""
    running: int = 0
    peak: int = 0
    connections: int = 0

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def serve(self, ready: threading.Event | None = None) -> None:
        """Serve until stopped."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        if ready:
            ready.set()
        await self._stop.wait()
        server.close()

    def stats(self) -> dict[str, Any]:
        """Return the books in numbers."""
        return {
            "requests": self.requests.total(),
            "replies": self.replies.total(),
            "faults": {kind.name: count for kind, count in self.faults.items()},
            "peak": self.peak,
            "connections": self.connections,
            "slots": self.slots,
        }


class _Connection(asyncio.Protocol):
    """One client's connection: requests one after another, read by hand so that replies can be broken by hand."""

    def __init__(self, server: FaultyServer) -> None:
        self.server = server
        self.loop = asyncio.get_running_loop()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path = head.split(b" ", 2)[:2]
        self.handle(method.decode(), path.decode(), head, rest[:length])

    def handle(self, method: str, path: str, head: bytes, body: bytes) -> None:
        if (method, path) == ("POST", "/v1/chat/completions"):
            self.chat(head, json.loads(body))
        elif self.server.batches and path.startswith(("/v1/files", "/v1/batches")):
            status, content = self.server.batches.handle(method, path, head, body)
            self.send(content, status=status)
        elif path == "/stats":
            self.send_json(self.server.stats())
        elif path == "/slots":
            self.server.slots = json.loads(body)["slots"]
            self.send_json(self.server.stats())
        else:
            self.send_json({"error": {"message": f"no such path: {path}"}}, status="404 Not Found")

    def chat(self, head: bytes, body: dict[str, Any]) -> None:
        server = self.server
        key = key_of(body)
        server.requests[key] += 1
        if server.keep_bodies:
            server.bodies.append(body)
            server.headers.append(head)
        fault = server.plan(key, server.requests[key])
        if server.slots is not None and server.running >= server.slots:
            fault = Fault.RATE_LIMITED
        if fault is not Fault.NONE:
            server.faults[fault] += 1
        if fault is Fault.RATE_LIMITED:
            self.misbehave(fault, key, head, body)
            return
        server.running += 1
        server.peak = max(server.peak, server.running)
        if server.latency_s:
            self.loop.call_later(server.latency_s, self.finish, fault, key, head, body)
        else:
            self.finish(fault, key, head, body)

    def finish(self, fault: Fault, key: str, head: bytes, body: dict[str, Any]) -> None:
        self.server.running -= 1
        if fault is not Fault.NONE:
            self.misbehave(fault, key, head, body)
        elif not self.transport.is_closing():
            self.server.replies[key] += 1
            self.send_json(completion(self.server.answer(key, body), body))

    def misbehave(self, fault: Fault, key: str, head: bytes, body: dict[str, Any]) -> None:
        if fault in ERRORS:
            status, error, extra = ERRORS[fault]
            self.send_json({"error": error}, status=status, extra=extra)
        elif fault in (Fault.HANG, Fault.DRIP, Fault.CLOSED, Fault.RESET, Fault.NOT_HTTP, Fault.HUGE_CHUNKED):
            self.break_wire(fault)
        elif fault is Fault.RATE_LIMITED_DATE:
            date = formatdate(usegmt=True)
            extra = f"Retry-After: {date}\r\nDate: {date}\r\n"
            self.send_json({"error": {"message": "slow down"}}, status="429 Too Many Requests", extra=extra)
        elif fault is Fault.HTML_ERROR:
            self.send(b"<html><h1>Bad gateway</h1></html>", status="502 Bad Gateway", kind="text/html")
        elif fault is Fault.BAD_KEY:
            sent = next(line for line in head.decode().split("\r\n") if line.lower().startswith("authorization"))
            said = {"message": f"Incorrect API key provided: {sent}", "code": "invalid_api_key"}
            self.send_json({"error": said}, status="401 Unauthorized")
        else:
            self.send_bad_body(fault, key, body)

    def break_wire(self, fault: Fault) -> None:
        match fault:
            case Fault.DRIP:
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                self.drip()
            case Fault.CLOSED:
                self.transport.abort()
            case Fault.RESET:
                self.transport.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"choices": [{"mess')
                self.loop.call_later(0.01, self.transport.abort)
            case Fault.NOT_HTTP:
                self.transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            case Fault.HUGE_CHUNKED:
                self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.transport.write(b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(HUGE // 0x10000)))

    def send_bad_body(self, fault: Fault, key: str, body: dict[str, Any]) -> None:
        match fault:
            case Fault.NOT_JSON:
                self.send(b'{"choices": [{"message": {"content": "half')
            case Fault.NOT_UTF8:
                self.send(json.dumps(completion("caf#", body)).encode().replace(b"caf#", b"caf\xe9"))
            case Fault.EMPTY_BODY:
                self.send(b"")
            case Fault.WRONG_SHAPE:
                self.send_json({"error": {"message": "upstream is busy"}})
            case Fault.BOMB:
                packed = gzip.compress(json.dumps(completion("x" * HUGE, body)).encode())
                self.send(packed, extra="Content-Encoding: gzip\r\n")
            case _:
                self.send_json(misspeak(fault, key, body))

    def drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b" ")
            self.loop.call_later(0.02, self.drip)

    def send_json(self, value: Any, *, status: str = "200 OK", extra: str = "") -> None:
        self.send(json.dumps(value).encode(), status=status, extra=extra)

    def send(self, body: bytes, *, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        self.transport.write(head.encode() + body)


def key_of(body: dict[str, Any]) -> str:
    """Return the first line of the first user message that is a text."""
    content = next(message["content"] for message in body["messages"] if message["role"] == "user")
    if not isinstance(content, str):
        content = next(part["text"] for part in content if part["type"] == "text")
    return content.partition("\n")[0]


def completion(text: str | None, body: dict[str, Any], *, reason: str = "stop", refusal: str | None = None) -> Any:
    """Return a chat completion in which every choice says `text`."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choices = [{"index": n, "message": message, "finish_reason": reason} for n in range(body.get("n", 1))]
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    model = body.get("model", "")
    return {"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": choices, "usage": usage}


def misspeak(fault: Fault, key: str, body: dict[str, Any]) -> Any:
    """Return a completion, well formed as HTTP and JSON, that is wrong in what the model says."""
    match fault:
        case Fault.EMPTY:
            return completion("", body)
        case Fault.HUGE:
            return completion("x" * HUGE, body)
        case Fault.SURROGATE:
            return completion("broken \ud800 text", body)
        case Fault.CUT:
            return completion('{"answer": "answer to', body, reason="length")
        case Fault.REFUSED:
            return completion(None, body, refusal="I cannot help with that.")
        case Fault.FILTERED:
            return completion("", body, reason="content_filter")
        case Fault.NOT_JSON_TEXT:
            return completion(f"Sure, here is the JSON for {key}: {{", body)
        case _:
            return completion('{"verdict": 5}', body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--slots", type=int, default=None, help="calls at once; 429 above")
    options = parser.parse_args()
    server = FaultyServer(port=options.port, latency_s=options.latency, slots=options.slots, keep_bodies=False)
    asyncio.run(server.serve())


if __name__ == "__main__":
    main()
