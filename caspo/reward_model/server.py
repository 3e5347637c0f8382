"""The reward model over HTTP: `POST /score` with a query, an answer and its pictures as files, and `GET /health`.

Requests that wait while the model works are rated together, so that a batch grows with the load and nobody waits for
one to fill. Health is no claim: it rates one answer about two different pictures and says by how much they differ.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, UploadFile
from fastapi.responses import JSONResponse
from PIL import Image, ImageDraw

from caspo.errors import SampleInvalid
from caspo.reward_model.conversations import Asked, check_asked
from caspo.reward_model.evaluation import Rater
from storage.texts import hash_json

LEAST_EFFECT = 1e-3
"""Points by which a model's reward must change with the picture, or it is held to be blind."""
PROBE = ("<image>Is it safe to go on here?", "Yes, go on.")


class Batcher:
    """Rates what was asked, as many at once as wait and fit."""

    def __init__(self, model: Rater, *, most: int) -> None:
        self.model = model
        self.most = most
        self.largest = 0
        """Most that were rated at once so far."""
        self._waiting: asyncio.Queue[tuple[Asked, asyncio.Future[float]]] = asyncio.Queue()

    async def ask(self, asked: Asked) -> float:
        """Return the reward.

        Raises:
            SampleInvalid: It cannot be rated.
        """
        answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        await self._waiting.put((asked, answered))
        return await answered

    async def work(self) -> None:
        """Rate for ever."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self.most and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            batch = [(asked, answered) for asked, answered in batch if not answered.cancelled()]
            self.largest = max(self.largest, len(batch))
            await self._rate(batch)

    async def _rate(self, batch: list[tuple[Asked, "asyncio.Future[float]"]]) -> None:
        """Answer all; where the batch fails, each alone, so that one request does not spoil the others."""
        try:
            rewards = await asyncio.to_thread(self.model.rate, [asked for asked, _ in batch], batch=self.most)
        except Exception as exc:  # whatever the model raises goes to whoever asked
            if len(batch) > 1:
                for one in batch:
                    await self._rate([one])
            elif batch and not batch[0][1].done():
                batch[0][1].set_exception(exc)
            return
        for (_, answered), reward in zip(batch, rewards, strict=True):
            if not answered.done():
                answered.set_result(reward)


def create_app(model: Rater, *, most: int = 16) -> FastAPI:
    """Return the application.

    Args:
        model: What rates.
        most: Conversations in the model at once.
    """
    batcher = Batcher(model, most=most)

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(batcher.work())
        yield
        worker.cancel()

    app = FastAPI(title="Reward model", lifespan=run)

    @app.post("/score")
    async def score(
        query: Annotated[str, Form()], pictures: list[UploadFile], answer: Annotated[str, Form()] = ""
    ) -> JSONResponse:
        """Rate one answer; the query has `<image>` where each picture stands."""
        asked = Asked(query, tuple([await picture.read() for picture in pictures]), answer)
        try:
            check_asked(asked)
            return JSONResponse({"score": await batcher.ask(asked)})
        except SampleInvalid as exc:
            return JSONResponse({"detail": str(exc)}, status_code=422)

    @app.get("/health")
    async def health() -> JSONResponse:
        """Rate an answer about two pictures; 503 if the reward does not change."""
        black, lit = await asyncio.gather(*(batcher.ask(Asked(PROBE[0], (one,), PROBE[1])) for one in draw_probes()))
        effect = abs(black - lit)
        sees = effect >= LEAST_EFFECT
        told = {
            "status": "ok" if sees else "blind",
            "sees_pictures": sees,
            "picture_effect": effect,
            "largest_batch": batcher.largest,
            "model": describe_model(model.record),
        }
        return JSONResponse(told, status_code=200 if sees else 503)

    return app


def describe_model(record: dict[str, Any]) -> dict[str, Any]:
    """Return what names a model: a hash over its record, its base, and when it was trained on what."""
    kept = ("base", "config_sha256", "data", "steps", "packages")
    return {"sha256": hash_json(record), **{name: record[name] for name in kept if name in record}}


def draw_probes() -> tuple[bytes, bytes]:
    """Return two pictures of one size: a black one, and one with colours."""
    dark = Image.new("RGB", (224, 224))
    lit = Image.new("RGB", (224, 224), (250, 240, 220))
    draw = ImageDraw.Draw(lit)
    draw.rectangle((20, 90, 120, 210), fill=(210, 30, 30))
    draw.ellipse((110, 20, 210, 120), fill=(30, 80, 220))
    return _write_png(dark), _write_png(lit)


def serve(folder: Path, *, host: str, port: int, most: int, half: bool) -> None:
    """Load a reward model and serve it until the process is ended.

    Raises:
        RewardModelInvalid: See `load_reward_model`.
    """
    import uvicorn

    from caspo.reward_model.model import load_reward_model

    app = create_app(load_reward_model(folder, half=half), most=most)
    uvicorn.run(app, host=host, port=port, log_level="warning")


def _write_png(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
