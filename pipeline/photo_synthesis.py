"""Scenarios written from imported photos: a model sees a photo and writes a scenario whose evidence stands in it.

Photos are asked about in an order that follows from the config's seed and their own content. The model chooses the
sub-category, from those of the plan; a reply is taken, in that order, while the quota of its sub-category has room.
What a photo is asked depends on nothing but the config and the photo, so a resume repeats no call.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random

from endpoints.errors import EndpointError
from endpoints.ledger import calls_about
from endpoints.messages import ChatRequest, ImagePart
from endpoints.prompting import render
from endpoints.seeds import derive_seed
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig, spread_quotas
from pipeline.errors import ItemError, describe_failure
from pipeline.few_shot_library import draw_examples
from pipeline.prompting import load_prompt
from pipeline.replies import PhotoScenario, PhotoScenarioList
from pipeline.reply_entries import BadEntry, read_entries
from pipeline.synthesis import Synthesis, draw_generator, make_scenario
from storage.blobs import BlobStore
from storage.db import Database
from storage.photos import Photo, list_photos, list_written
from storage.records import Scenario

PROMPT = "read_photo"
OPEN_PHOTOS = 64  # pictures in memory at once


@dataclass(frozen=True, slots=True)
class PhotoCall:
    """One photo that is asked about."""

    photo: Photo
    seed: int
    generator: str
    """Name of the endpoint that the draw fell on."""

    @property
    def name(self) -> str:
        """What the call is called in a run's events."""
        return f"photo/{self.photo.image.sha256[:16]}"


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """What a photo gave: scenarios, perhaps none, and entries that are none, or the error of the call."""

    call: PhotoCall
    scenarios: tuple[Scenario, ...] = ()
    bad: tuple[BadEntry, ...] = ()
    error: ItemError | None = None
    number: int = 0
    """Its place among all of the sitting."""


def count_needed(config: PipelineConfig, asked: int) -> int:
    """Return how many photos give `asked` scenarios when each gives all it may."""
    return -(-asked // config.synthesis.per_photo)


def plan_photos(synthesis: Synthesis, photos: Sequence[Photo]) -> list[PhotoCall]:
    """Return the calls that the run makes at most, in order: as many again as are needed for each refill round."""
    config = synthesis.config
    asked = sum(spread_quotas(config, synthesis.taxonomy).values())
    most = count_needed(config, asked) * (1 + config.synthesis.refill_rounds)
    calls = [_draw_call(synthesis, photo) for photo in photos]
    return sorted(calls, key=lambda call: (call.seed, call.photo.image.sha256))[:most]


def list_free(db: Database, config: PipelineConfig) -> list[Photo]:
    """Return the photos from which a run may write."""
    with db.read() as session:
        return list_photos(session=session, batch=config.grounding.photo_batch, free_for=config.batch)


class PhotoSynthesis:
    """Writes scenarios from the library's photos. Use from one event loop."""

    def __init__(self, synthesis: Synthesis, *, db: Database, blobs: BlobStore) -> None:
        """Take note of the parts; `stream` reads the library."""
        self._synthesis = synthesis
        self._db = db
        self._blobs = blobs
        self._places = asyncio.Semaphore(OPEN_PHOTOS)
        self._room = Counter(spread_quotas(synthesis.config, synthesis.taxonomy))
        self._written: defaultdict[str, list[Scenario]] = defaultdict(list)
        self.photo_of: dict[str, Photo] = {}
        """Scenario id -> the photo from which it was written."""

    @property
    def missing(self) -> int:
        """Scenarios for which the quotas still have room."""
        return sum(count for count in self._room.values() if count > 0)

    async def stream(self) -> AsyncIterator[PhotoResult]:
        """Yield what each photo gave, in order, until the quotas are full or no photo is left.

        Scenarios that the database has are not asked for again. Closing the iterator cancels what is in flight.
        """
        waiting = await asyncio.to_thread(self._prepare)
        number = 0
        while waiting:
            window, waiting = self._take_window(waiting)
            tasks = [asyncio.create_task(self._ask(call)) for call in window]
            try:
                for task in tasks:
                    yield self._accept(await task, number)
                    number += 1
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _prepare(self) -> list[PhotoCall]:
        config = self._synthesis.config
        photos = list_free(self._db, config)
        with self._db.read() as session:
            for sha256, scenario in list_written(session=session, batch=config.batch):
                self._written[sha256].append(scenario)
                self._room[scenario.sub_category] -= 1
        calls = plan_photos(self._synthesis, photos)
        # Photos that came later may have pushed one out of the plan that has been written from: its scenarios go on.
        planned = {call.photo.image.sha256 for call in calls}
        pushed = [p for p in photos if p.image.sha256 in self._written and p.image.sha256 not in planned]
        return calls + [_draw_call(self._synthesis, photo) for photo in pushed]

    def _is_written(self, call: PhotoCall) -> bool:
        return call.photo.image.sha256 in self._written

    def _take_window(self, waiting: Sequence[PhotoCall]) -> tuple[list[PhotoCall], list[PhotoCall]]:
        """Return as many of the next photos as the quotas have room for, and those that are left.

        Photos whose scenarios the database has take no room.
        """
        if not self.missing:
            return [call for call in waiting if self._is_written(call)], []
        needed = count_needed(self._synthesis.config, self.missing)
        for place, call in enumerate(waiting):
            needed -= not self._is_written(call)
            if not needed:
                return list(waiting[: place + 1]), list(waiting[place + 1 :])
        return list(waiting), []

    async def _ask(self, call: PhotoCall) -> PhotoResult:
        if self._is_written(call):
            return PhotoResult(call, tuple(self._written[call.photo.image.sha256]))
        synthesis = self._synthesis
        endpoint = next(g.endpoint for g in synthesis.generators if g.endpoint.name == call.generator)
        async with self._places:
            image = call.photo.image
            data = await asyncio.to_thread(self._blobs.read, image)
            request = build_photo_request(synthesis, call, images=[ImagePart(data, image.mime)])
            try:
                with calls_about(call.name):
                    listed, replies = await complete_json(endpoint, request, PhotoScenarioList)
            except EndpointError as exc:
                return PhotoResult(call, error=describe_failure(exc))
        return _read_reply(synthesis, call, listed.found, model=replies[-1].model or endpoint.model)

    def _accept(self, result: PhotoResult, number: int) -> PhotoResult:
        """Take the scenarios for which there is room."""
        taken, bad = [], list(result.bad)
        known = self._is_written(result.call)
        for place, scenario in enumerate(result.scenarios):
            if not known and self._room[scenario.sub_category] < 1:
                error = ItemError("surplus", f"the quota of {scenario.sub_category} is full")
                bad.append(BadEntry(place, error, scenario.query))
                continue
            self._room[scenario.sub_category] -= not known
            self.photo_of.setdefault(scenario.id, result.call.photo)
            taken.append(scenario)
        return PhotoResult(result.call, tuple(taken), tuple(bad), result.error, number)


def build_photo_request(synthesis: Synthesis, call: PhotoCall, *, images: Sequence[ImagePart]) -> ChatRequest:
    """Return what the generator is asked of a photo. The words of whoever imported it are foreign."""
    settings = synthesis.config.synthesis
    slugs = list(spread_quotas(synthesis.config, synthesis.taxonomy))
    subs = [synthesis.taxonomy.sub_category(slug) for slug in slugs]
    chosen = Random(derive_seed(call.seed, "examples")).sample(slugs, min(settings.examples, len(slugs)))
    trusted: dict[str, str | int] = {
        "sub_categories": "\n".join(f"- {sub.slug}: {sub.title}. {sub.about}" for sub in subs),
        "examples": json.dumps({"found": [_draw_example(synthesis, call, slug) for slug in chosen]}, indent=1),
        "count": settings.per_photo,
    }
    foreign = {"description": call.photo.facts.description or "nothing"}
    return ChatRequest(
        messages=render(load_prompt(PROMPT), trusted, foreign, images=images),
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        seed=call.seed,
    )


def _draw_example(synthesis: Synthesis, call: PhotoCall, slug: str) -> dict[str, object]:
    (example,) = draw_examples(
        synthesis.library, sub_category=slug, count=1, seed=derive_seed(call.seed, "example", slug)
    )
    shown = example.model_dump(mode="json")
    return {name: slug if name == "sub_category" else shown[name] for name in PhotoScenario.model_fields}


def _draw_call(synthesis: Synthesis, photo: Photo) -> PhotoCall:
    seed = derive_seed(synthesis.config.seed, "photo", photo.image.sha256)
    return PhotoCall(photo, seed, draw_generator(synthesis, seed))


def _read_reply(synthesis: Synthesis, call: PhotoCall, entries: Sequence[object], *, model: str) -> PhotoResult:
    allowed = spread_quotas(synthesis.config, synthesis.taxonomy)

    def make(proposed: PhotoScenario) -> Scenario | ItemError:
        told = proposed.model_dump()
        chosen = told.pop("sub_category")
        if chosen not in allowed:
            return ItemError("bad_entry", f"sub_category: {chosen!r} is none of {', '.join(allowed)}")
        origin = {"model": model, "tool": "pipeline.photo_synthesis", "prompt": PROMPT}
        return make_scenario(synthesis, chosen, seed=call.seed, **origin, told=told)

    most = synthesis.config.synthesis.per_photo
    return PhotoResult(call, *read_entries(entries, shape=PhotoScenario, most=most, make=make))
