"""Picture models: a prompt and a seed in, encoded pictures out. Nothing in a reply is ever fetched from an address."""

import asyncio
import base64
import binascii
import colorsys
import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image, ImageDraw
from pydantic import BaseModel, Field, ValidationError

from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat, _bounded_stream_class
from endpoints.errors import BadConfig, BadReply, BadRequest, EndpointError, TimedOut
from endpoints.ledger import Budget, Ledger, Price
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatReply, ChatRequest, Message, Usage
from endpoints.resilient import Resilient, RetryPolicy
from storage.texts import hash_json

if TYPE_CHECKING:
    import httpx2

MAX_PICTURE_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP")
ENVELOPE_BYTES = 100_000
"""What a reply may hold beside the picture: a revised prompt, token counts."""


class ImageEndpoint(Protocol):
    """Something that draws pictures. `name` is the endpoint's in the configuration."""

    name: str
    model: str

    async def generate(self, prompt: str, *, seed: int, count: int) -> list[bytes]:
        """Return `count` encoded pictures (PNG, JPEG or WebP) of `prompt`, or raise an EndpointError."""


@dataclass(frozen=True, slots=True)
class PicturePrice(Price):
    """Dollars per picture, beside those per token (usually 0)."""

    picture_usd: float = 0.0

    def cost(self, usage: Usage) -> float:
        """Return the dollars for one picture."""
        return (
            self.picture_usd
            + (usage.prompt_tokens * self.prompt_usd + usage.completion_tokens * self.completion_usd) / 1e6
        )

    @property
    def is_free(self) -> bool:
        """Whether pictures cost nothing."""
        return self.picture_usd == 0 and self.prompt_usd == 0 and self.completion_usd == 0


class OpenAIImages:
    """One picture model behind an OpenAI-compatible images API, with one connection pool.

    Every picture is a call of its own, sent once: `ResilientImages` does the waiting, the retrying and the keeping.
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        base_url: str,
        api_key_env: str | None = None,
        timeout_s: float = 300.0,
        max_connections: int = 8,
        max_picture_bytes: int = MAX_PICTURE_BYTES,
        size: str | None = "1024x1024",
        quality: str | None = None,
        send_seed: bool = False,
        ask_base64: bool = True,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """Set up the endpoint; nothing is sent yet.

        Args:
            name: The endpoint's name, part of every cache key.
            model: The model's name at the server.
            base_url: The address that ends in `/v1`.
            api_key_env: The environment variable that holds the key. None for servers that ask for none.
            timeout_s: Seconds that one picture may take.
            max_connections: Size of the pool; not less than the limiter's maximum.
            max_picture_bytes: A larger picture is a BadReply, and is not read to its end.
            size: Width and height in pixels as the server writes them (`1024x1024`). None: the server's own.
            quality: As the server names it (`high`). None: the server's own.
            send_seed: Whether the server takes a seed. Without, one seed still stands for one picture in the cache.
            ask_base64: Whether to send `response_format: b64_json`. Some models send nothing else and refuse the field.
            extra_body: Further fields of the request; part of every cache key.

        Raises:
            BadConfig: The address is not http(s), or the variable is unset or holds no usable key.
        """
        reply_bytes = max_picture_bytes // 3 * 4 + ENVELOPE_BYTES
        self._server = _PictureServer(
            name=name,
            model=model,
            base_url=base_url,
            api_key_env=api_key_env,
            timeout_s=timeout_s,
            max_connections=max_connections,
            max_reply_bytes=reply_bytes,
        )
        self.name = name
        self.model = model
        self.timeout_s = timeout_s
        options = {"size": size, "quality": quality} | ({"response_format": "b64_json"} if ask_base64 else {})
        self._options = {key: value for key, value in options.items() if value is not None} | dict(extra_body or {})
        self._send_seed = send_seed
        self._max_picture_bytes = max_picture_bytes
        self.cache_id = f"{name}+{hash_json(self._options | {'send_seed': send_seed})}"

    async def generate(self, prompt: str, *, seed: int, count: int) -> list[bytes]:
        """Ask for `count` pictures at once, one call each, with the seeds of `picture_seed`.

        Raises:
            EndpointError: The first picture that failed; the other calls are waited for.
        """
        return await gather_all([self._draw(prompt, picture_seed(seed, number)) for number in range(count)])

    async def check(self) -> str:
        """Ask the server for its list of models, which costs nothing; return what is left in doubt, or nothing.

        Raises:
            EndpointError: There is no answer, the key is refused, or the list does not name the model.
        """
        return await self._server.check_model()

    async def aclose(self) -> None:
        """Close the connections. The endpoint opens new ones when it is called again."""
        await self._server.aclose()

    async def _draw(self, prompt: str, seed: int) -> bytes:
        body = {"model": self.model, "prompt": prompt, "n": 1} | self._options
        if self._send_seed:
            body["seed"] = seed
        data = self._read(await self._send("/images/generations", body))
        if len(data) > self._max_picture_bytes:
            raise BadReply(f"{self.name}: the picture has {len(data):,} bytes, more than {self._max_picture_bytes:,}")
        problem = await asyncio.to_thread(find_damage, data)
        if problem:
            raise BadReply(f"{self.name}: {problem}")
        return data

    def _read(self, content: bytes) -> bytes:
        try:
            entry = _Pictures.model_validate_json(content).data[0]
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(step) for step in first["loc"]) or "body"
            raise BadReply(f"{self.name}: not a reply of the images API ({place}: {first['msg']})") from None
        if entry.b64_json is None and entry.url is not None:
            raise BadConfig(
                f"{self.name}: the server sent an address instead of the picture, and addresses in replies are never "
                "followed; set ask_base64: true, or let the server send b64_json"
            )
        try:
            return base64.b64decode(entry.b64_json or "", validate=True)
        except (binascii.Error, ValueError):
            raise BadReply(f"{self.name}: the picture is not base64") from None

    async def _send(self, path: str, body: dict[str, Any]) -> bytes:
        import aiohttp
        import httpx2
        import openai

        failure: EndpointError
        try:
            async with asyncio.timeout(self.timeout_s):
                client = self._server.open_client()
                return (await client.post(path, body=body, cast_to=httpx2.Response)).content
        except TimeoutError:
            failure = TimedOut(f"{self.name}: no complete reply within {self.timeout_s:g} s")
        except (openai.APIError, aiohttp.ClientError) as exc:
            failure = self._server.translate(exc)
        except UnicodeEncodeError:
            failure = BadRequest(f"{self.name}: the prompt holds a lone surrogate; send valid Unicode")
        raise failure  # outside of the handlers, so that the client's error, which holds the key, is no context of it


class ScriptedImages:
    """Draws coloured shapes, always the same for the same prompt and seed: for tests and demos. No model.

    `answer(prompt, seed)` may give a picture or an exception instead, or None for the drawing. `requests` holds the
    prompt and the seed of every picture asked for, in the order of arrival.
    """

    def __init__(
        self,
        answer: Callable[[str, int], bytes | Exception | None] | None = None,
        *,
        name: str = "scripted-images",
        model: str = "scripted-shapes-1",
        side_px: int = 256,
    ) -> None:
        self.name = name
        self.model = model
        self.side_px = side_px
        self.cache_id = f"{name}+{side_px}"
        self.requests: list[tuple[str, int]] = []
        self._answer = answer

    async def generate(self, prompt: str, *, seed: int, count: int) -> list[bytes]:
        """Return `count` PNG pictures with the seeds of `picture_seed`; raises what the script holds."""
        return [self._draw(prompt, picture_seed(seed, number)) for number in range(count)]

    def _draw(self, prompt: str, seed: int) -> bytes:
        self.requests.append((prompt, seed))
        answer = self._answer(prompt, seed) if self._answer else None
        if isinstance(answer, Exception):
            raise answer
        return draw_shapes(prompt, seed, side_px=self.side_px) if answer is None else answer


class ResilientImages:
    """Wraps a picture endpoint for one run: disk cache, budget, adaptive limit, retries, ledger, as for chat.

    Every picture is kept on its own under endpoint, model, options, prompt and seed: a run that was killed pays only
    for those that are missing, and asking for one more candidate costs one picture.
    """

    def __init__(
        self,
        endpoint: ImageEndpoint,
        *,
        cache: DiskCache | None = None,
        folder: Path | None = None,
        ledger: Ledger | None = None,
        budget: Budget | None = None,
        limiter: AdaptiveLimiter | None = None,
        retry: RetryPolicy | None = None,
        run: str = "",
        role: str = "image",
    ) -> None:
        """Wrap `endpoint`. `cache` remembers which picture a request got, `folder` holds the pictures: both or neither.

        Raises:
            BadConfig: A budget in dollars is set, and the model's price is unknown.
        """
        if (cache is None) != (folder is None):
            raise ValueError("give both a cache and a folder for its pictures, or neither")
        self.name = endpoint.name
        self.model = endpoint.model
        self.endpoint = endpoint
        self._files = _PictureFiles(folder) if folder else None
        self._calls = Resilient(
            _PictureCalls(endpoint, self._files),
            cache=cache,
            ledger=ledger,
            budget=budget,
            limiter=limiter,
            retry=retry,
            run=run,
            role=role,
        )

    async def generate(self, prompt: str, *, seed: int, count: int) -> list[bytes]:
        """Return `count` pictures, from the cache where they are known; picture n has the seed `picture_seed(seed, n)`.

        Raises:
            EndpointError: A picture failed for good. The others are kept, so asking again asks for that one only.
        """
        requests = [_picture_request(prompt, picture_seed(seed, number)) for number in range(count)]
        return await gather_all([self._fetch(request) for request in requests])

    async def _fetch(self, request: ChatRequest) -> bytes:
        reply = await self._calls.complete(request)
        if self._files is None:
            return base64.b64decode(reply.text)
        data = await asyncio.to_thread(self._files.read, reply.text)
        if data is None:  # deleted or damaged since: the note of it in the cache is worth nothing
            self._calls.forget(request)
            reply = await self._calls.complete(request)
            data = await asyncio.to_thread(self._files.read, reply.text)
        if data is None:
            raise BadReply(f"{self.name}: the picture {reply.text} is gone from {self._files.folder} again")
        return data


class _PictureFiles:
    """Pictures in a folder, each under its sha256. A file appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, data: bytes) -> str:
        """Keep `data`; return its sha256, 64 hex digits."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return sha256

    def read(self, sha256: str) -> bytes | None:
        """Return the picture; None when it is not there, or not what was kept."""
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256


class _PictureServer(OpenAIChat):
    """The connection to a picture model: `max_reply_bytes` holds for every reply, whatever was asked."""

    async def _bound_reply(self, response: "httpx2.Response") -> None:
        await super()._bound_reply(response)
        too_long = BadReply(f"{self.name}: the reply is longer than {self._max_reply_bytes} bytes and was not read")
        response.stream = _bounded_stream_class()(response.stream, self._max_reply_bytes, too_long)


class _PictureCalls:
    """A picture endpoint as a chat endpoint, so that `Resilient` can wrap it.

    The reply is the sha256 of a picture among `files`, or without files the picture itself in base64.
    """

    def __init__(self, endpoint: ImageEndpoint, files: _PictureFiles | None) -> None:
        self.name = endpoint.name
        self.model = endpoint.model
        self.cache_id = f"picture:{getattr(endpoint, 'cache_id', endpoint.name)}"
        self._endpoint = endpoint
        self._files = files

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return one picture. It is charged by the piece, so it counts no tokens."""
        assert request.seed is not None
        started = time.monotonic()
        pictures = await self._endpoint.generate(request.messages[0].text, seed=request.seed, count=1)
        if self._files:
            text = await asyncio.to_thread(self._files.write, pictures[0])
        else:
            text = base64.b64encode(pictures[0]).decode("ascii")
        return ChatReply(text, usage=Usage(0, 0), model=self.model, latency_s=time.monotonic() - started)


class _Picture(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class _Pictures(BaseModel):
    data: list[_Picture] = Field(min_length=1)


def picture_seed(seed: int, number: int) -> int:
    """Return the seed of the `number`-th picture (from 0) of a request: `seed` itself, then hashes below 2**31."""
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big") >> 1


def find_damage(data: bytes) -> str:
    """Return in words why `data` is not a whole PNG, JPEG or WebP picture of sane size; nothing when it is one."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                return f"the picture is {width} x {height} px, more than {MAX_PIXELS:,} pixels in all"
            picture.load()
    except Exception as exc:  # decoders raise a dozen kinds of errors on damaged data; all mean the same here
        return f"the reply holds no whole PNG, JPEG or WebP picture ({type(exc).__name__})"
    return ""


def draw_shapes(prompt: str, seed: int, *, side_px: int) -> bytes:
    """Return a PNG of coloured shapes without any writing, `side_px` square, that follows from `prompt` and `seed`."""
    draw = random.Random(f"{seed}/{prompt}")
    picture = Image.new("RGB", (side_px, side_px), _colour(draw))
    pen = ImageDraw.Draw(picture)
    for _ in range(draw.randint(6, 12)):
        across, along = draw.uniform(0.1, 0.5) * side_px, draw.uniform(0.1, 0.5) * side_px
        left, top = draw.uniform(-0.1, 0.9) * side_px, draw.uniform(-0.1, 0.9) * side_px
        box = (left, top, left + across, top + along)
        match draw.randrange(3):
            case 0:
                pen.rectangle(box, fill=_colour(draw))
            case 1:
                pen.ellipse(box, fill=_colour(draw))
            case _:
                pen.polygon(
                    [(left, top + along), (left + across / 2, top), (left + across, top + along)], _colour(draw)
                )
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _colour(draw: random.Random) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(draw.random(), draw.uniform(0.3, 0.9), draw.uniform(0.4, 1.0))
    return int(red * 255), int(green * 255), int(blue * 255)


def _picture_request(prompt: str, seed: int) -> ChatRequest:
    return ChatRequest((Message("user", (prompt,)),), max_tokens=1, temperature=None, seed=seed)


async def gather_all(calls: list[Any]) -> list[Any]:
    """Await all of `calls`, then return their results or raise the first failure: what is paid for is kept."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
