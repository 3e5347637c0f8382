"""What surrounds every request: headers, a limit on bodies, and the refusal of cross-origin changes.

Pure ASGI middleware, the outermost first: `SecurityHeaders`, `PagePolicy`, `BodyLimit`, `SameOrigin`; then
`access.Gate`, and behind it `PlainInputs`.
"""

import asyncio
import base64
import hashlib
import json
import logging
import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from curator_app.api.errors import answer_ours, classify, error_response
from curator_app.sessions import COOKIE

log = logging.getLogger("curator")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 256 * 1024

# Measured with Gradio 6.31 in Chromium. Its page needs inline styles, data: pictures, eval (gr.HTML builds a function
# from its template) and a few inline scripts (its configuration), which are allowed one by one, by their hashes. So
# neither a script nor an event handler that somebody smuggles into the page runs. Nothing comes from another host.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval' {hashes}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
INLINE_SCRIPT = re.compile(rb"<script\b[^>]*>(.*?)</script", re.DOTALL | re.IGNORECASE)
CACHEABLE = ("/static/", "/assets/", "/svelte/", "/theme.css")
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


class SecurityHeaders:
    """Puts the security headers on every response, and answers for a handler that broke."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to the response what it lacks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        response: Response

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(scope["path"], scope["query_string"], MutableHeaders(scope=message))
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            # Only a server that has to stop does this. The work may still be finished in its thread, or not.
            if started:
                raise
            message = "the server is stopping and could not wait for this; send it again in a few seconds"
            response = error_response(503, "busy", message, headers={"Retry-After": "2"})
            await response(scope, receive, send_with_headers)
        except Exception as exc:
            # The outermost place that can still answer: without it the reply would lack these very headers.
            if not started and classify(exc)[0] != 500:
                # From the gate, which asks the database before the app's own handlers of errors are reached.
                response = await answer_ours(Request(scope), exc)
            else:
                log.exception("%s %s broke", scope["method"], scope["path"])
                if started:
                    raise
                response = error_response(500, "internal", "the server made a mistake and has logged it; try again")
            await response(scope, receive, send_with_headers)


def _add_headers(path: str, query: bytes, headers: MutableHeaders) -> None:
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("referrer-policy", "same-origin")
    headers.setdefault("x-frame-options", "DENY")
    headers.setdefault("cross-origin-opener-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    headers.setdefault("permissions-policy", "camera=(), microphone=(), geolocation=()")
    headers.setdefault("content-security-policy", DATA_POLICY)
    if path == "/theme.css" and query.startswith(b"v="):  # Gradio puts the hash of its theme there
        headers.setdefault("cache-control", "public, max-age=31536000, immutable")
    if not path.startswith(CACHEABLE):
        headers.setdefault("cache-control", "no-store")


class PagePolicy:
    """Gives HTML that brings no policy of its own the policy of Gradio's pages, with the hashes of its scripts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold an HTML response back until its scripts are known; pass every other on as it comes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # The page has to be read here, so it may not come compressed.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message | None = None
        body = bytearray()

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page and "content-security-policy" not in headers:
                    start = message
                    return
            elif start is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                MutableHeaders(scope=start)["content-security-policy"] = allow_scripts_of(bytes(body))
                await send(start)
                message = {"type": "http.response.body", "body": bytes(body)}
            await send(message)

        await self.app(scope, receive, send_page)


def allow_scripts_of(page: bytes) -> str:
    """Return the policy of a page: its own inline scripts may run, and no other."""
    hashes = {
        base64.b64encode(hashlib.sha256(script).digest()).decode()
        for script in INLINE_SCRIPT.findall(page.replace(b"\r\n", b"\n"))
        if script
    }
    return PAGE_POLICY.format(hashes=" ".join(f"'sha256-{digest}'" for digest in sorted(hashes)))


class BodyLimit:
    """Refuses bodies over `max_bytes`, whether their length is announced or not."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a body whose length is not announced up to the limit; pass the others on unread."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length")
        if announced is not None:
            fits = announced.isdecimal() and len(announced) <= 12 and int(announced) <= self.max_bytes
            await (self.app(scope, receive, send) if fits else self._refuse(scope, receive, send))
            return
        read = await _read_body(receive, self.max_bytes)
        if read is None:
            await self._refuse(scope, receive, send)
            return
        await self.app(scope, _replay(read, receive), send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = error_response(413, "too_large", f"the request is larger than {self.max_bytes:,} bytes; send less")
        await response(scope, receive, send)


async def _read_body(receive: Receive, max_bytes: int) -> list[Message] | None:
    """Return the messages of a body; None when there is more than `max_bytes` of it."""
    read: list[Message] = []
    size = 0
    while True:
        message = await receive()
        read.append(message)
        size += len(message.get("body", b""))
        if size > max_bytes:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return read


def _replay(read: list[Message], receive: Receive) -> Receive:
    """Return a `receive` that gives what was read before, then what else comes."""
    waiting = iter(read)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again


class PlainInputs:
    """Refuses every input of a Gradio event that is more than texts, numbers and lists of them.

    Before any handler can ask for a role, Gradio takes each object in the input that looks like a file and copies
    what its path or address names into its cache. That would read any file of the server and any page of the
    internet for anybody signed in, never end on a device file, and, by opening and closing the database's file,
    drop the locks that SQLite holds on it. No page here takes files, so no input holds an object.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a Gradio event and pass it on, or answer 422."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or not scope["path"].startswith("/gradio_api/"):
            await self.app(scope, receive, send)
            return
        read = await _read_body(receive, self.max_bytes)
        if read is None or not is_plain(b"".join(message.get("body", b"") for message in read)):
            message = "the inputs cannot be used; send a JSON object whose `data` is a list of texts, numbers or lists"
            await error_response(422, "invalid", message)(scope, receive, send)
            return
        await self.app(scope, _replay(read, receive), send)


def is_plain(body: bytes) -> bool:
    """Whether the body of a Gradio event is a JSON object whose `data`, if any, is a list without objects."""
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(event, dict):
        return False
    data = event.get("data") or []
    waiting = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            return False
        if isinstance(part, list):
            waiting += part
    return isinstance(data, list)


class SameOrigin:
    """Refuses changes that another site's page asks a signed-in browser to make.

    Every request but GET, HEAD and OPTIONS that carries our cookie must say that it comes from this origin, by
    Sec-Fetch-Site or by an Origin equal to the Host. Requests with a Bearer token are exempt: a browser never
    adds one by itself. Requests without a cookie are refused only when they say that they are foreign, which
    also stops a foreign page from signing a browser in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not allows_change(Headers(scope=scope)):
            message = "this change was asked for by another site's page; open the app itself and try again there"
            await error_response(403, "cross_origin", message)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def allows_change(headers: Headers) -> bool:
    """Whether a changing request with these headers may go on."""
    if headers.get("authorization", "").lower().startswith("bearer "):
        return True
    fetch_site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    if origin is not None:
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and host.lower() == headers.get("host", "").lower()
    return f"{COOKIE}=" not in headers.get("cookie", "")
