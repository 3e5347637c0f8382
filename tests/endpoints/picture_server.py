"""The misbehaving server of faulty_server.py with two routes more: the images API and the list of models."""

import asyncio
import base64
import json
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import Any

from faulty_server import Fault, FaultyServer, _Connection
from PIL import Image


class PictureFault(StrEnum):
    """What a prompt that begins with one of these words gets."""

    ADDRESS = "address"
    NOT_BASE64 = "not-base64"
    NO_PICTURE = "no-picture"
    NOTHING = "nothing"
    CUT = "cut"
    BOMB = "bomb"
    LARGE = "large"
    POLICY = "policy"


def png_of(prompt: str, seed: int | None) -> bytes:
    """Return a small PNG whose colour follows from prompt and seed."""
    number = sum(prompt.encode()) * 31 + (seed or 0)
    return encode(Image.new("RGB", (32, 32), (number % 256, number // 256 % 256, number // 65536 % 256)))


def encode(picture: Image.Image, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


@dataclass
class PictureServer(FaultyServer):
    """`pictures` holds the body of every request for a picture; `fetched` counts calls to addresses in replies."""

    models: list[str] | None = None
    """What `/v1/models` lists. None: there is no such route."""
    pictures: list[dict[str, Any]] = field(default_factory=list)
    fetched: int = 0

    async def serve(self, ready: threading.Event | None = None) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _PictureConnection(self), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        if ready:
            ready.set()
        await self._stop.wait()
        server.close()


class _PictureConnection(_Connection):
    server: PictureServer

    def handle(self, method: str, path: str, head: bytes, body: bytes) -> None:
        if (method, path) == ("POST", "/v1/images/generations"):
            self.draw(head, json.loads(body))
        elif path == "/v1/models" and self.server.models is not None:
            self.server.headers.append(head)
            if self.server.plan("models", 1) is not Fault.NONE:
                self.misbehave(self.server.plan("models", 1), "models", head, {})
            else:
                self.send_json({"object": "list", "data": [{"id": name} for name in self.server.models]})
        elif path == "/picture.png":
            self.server.fetched += 1
            self.send(png_of("fetched", 0), kind="image/png")
        else:
            super().handle(method, path, head, body)

    def draw(self, head: bytes, body: dict[str, Any]) -> None:
        prompt = body["prompt"]
        self.server.requests[prompt] += 1
        self.server.pictures.append(body)
        self.server.headers.append(head)
        fault = self.server.plan(prompt, self.server.requests[prompt])
        if fault is not Fault.NONE:
            self.misbehave(fault, prompt, head, {"messages": [], "model": body["model"]})
        elif prompt.split()[0] in set(PictureFault):
            self.send_odd_reply(PictureFault(prompt.split()[0]))
        else:
            self.send_picture(png_of(prompt, body.get("seed")))

    def send_odd_reply(self, fault: PictureFault) -> None:
        match fault:
            case PictureFault.ADDRESS:
                self.send_json({"data": [{"url": f"http://127.0.0.1:{self.server.port}/picture.png"}]})
            case PictureFault.NOT_BASE64:
                self.send_json({"data": [{"b64_json": "!! this is not base64 !!"}]})
            case PictureFault.NO_PICTURE:
                self.send_picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
            case PictureFault.NOTHING:
                self.send_json({"created": 1, "data": []})
            case PictureFault.CUT:
                self.send_picture(encode(Image.effect_noise((64, 64), 90))[:-400])
            case PictureFault.BOMB:
                self.send_picture(encode(Image.new("1", (9_000, 9_000))))
            case PictureFault.LARGE:
                self.send_picture(encode(Image.effect_noise((200, 200), 90)))
            case PictureFault.POLICY:
                error = {"message": "rejected by the safety system", "code": "content_policy_violation"}
                self.send_json({"error": error}, status="400 Bad Request")

    def send_picture(self, data: bytes) -> None:
        entry = {"b64_json": base64.b64encode(data).decode(), "revised_prompt": "as asked"}
        self.send_json({"created": 1, "data": [entry]})
