"""Grounding by imported photos: the nearest by caption are shown to the validator, and the best that passes is taken.

Captions come from the person who imported the photo, or once from a vision model; the database keeps them. Each photo
serves one scenario. Candidates are judged as they come, but chosen in the order of the plan, so that the same replies
give the same pairs whatever arrives first.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from endpoints.chat import ChatEndpoint
from endpoints.config import Roles
from endpoints.embeddings import EmbeddingEndpoint, Vectors
from endpoints.errors import EndpointError
from endpoints.messages import ChatRequest, ImagePart
from endpoints.prompting import render
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig
from pipeline.errors import ItemError, describe_failure
from pipeline.grounding import Candidate, Compare, GroundingOutcome, names_hazard, rank_candidate
from pipeline.ocr import TextReader
from pipeline.prompting import load_prompt
from pipeline.replies import Long, Reply
from pipeline.turns import Turns
from pipeline.validation import PROMPT as VALIDATION_PROMPT
from pipeline.validation import validate_picture
from storage.blobs import BlobStore
from storage.db import Database
from storage.images import CleanImage
from storage.photos import Photo, get_captions, keep_caption, list_photos, list_used
from storage.records import Grounding, Provenance, Scenario
from storage.texts import hash_json

PROMPT = "describe_photo"
NO_PHOTO = "no_photo"
OPEN_CAPTIONS = 64  # photos in memory at once while captions are asked for


class PhotoCaption(Reply):
    """What a photograph shows."""

    description: Long


@dataclass(frozen=True)
class PhotoParts:
    """What matching works with."""

    config: PipelineConfig
    validator: ChatEndpoint
    embeddings: EmbeddingEndpoint
    db: Database
    blobs: BlobStore
    read_image: TextReader | None = None


@dataclass(frozen=True, slots=True)
class CaptionFailure:
    """A photo that is left out of this sitting."""

    sha256: str
    error: ItemError


class PhotoMatcher:
    """Gives scenarios photos of the library. Use from one event loop."""

    def __init__(self, parts: PhotoParts, *, now: datetime) -> None:
        """Take note of the parts; `prepare` comes next. `now` is the time for every provenance."""
        self.turns = Turns()
        self._parts = parts
        self._now = now
        self._photos: list[Photo] = []
        self._captions: dict[str, str] = {}
        self._vectors: Vectors = np.zeros((0, parts.embeddings.dim), dtype=np.float32)
        self._taken: set[str] = set()

    async def prepare(self) -> list[CaptionFailure]:
        """Read the library, ask for the captions that are missing, and return the photos that stay without one."""
        parts, batch = self._parts, self._parts.config.batch
        with parts.db.read() as session:
            photos = list_photos(session=session, batch=parts.config.grounding.photo_batch, free_for=batch)
            self._taken = list_used(session=session, batch=batch)
            known = get_captions(session=session, model=parts.validator.model, prompt_sha256=load_prompt(PROMPT).sha256)
        said = {p.image.sha256: p.facts.description for p in photos if p.facts.description.strip()}
        self._captions = {**known, **said}
        places = asyncio.Semaphore(OPEN_CAPTIONS)
        missing = [photo for photo in photos if photo.image.sha256 not in self._captions]
        failures = await asyncio.gather(*(self._describe(photo, places) for photo in missing))
        self._photos = [photo for photo in photos if photo.image.sha256 in self._captions]
        texts = [self._captions[photo.image.sha256] for photo in self._photos]
        if texts:
            self._vectors = await asyncio.to_thread(parts.embeddings.embed, texts)
        return [failure for failure in failures if failure is not None]

    def preselect(self, scenario: Scenario) -> list[Photo]:
        """Return the photos whose captions come nearest to the scene; of equals the one that came first."""
        if not self._photos:
            return []
        near = self._vectors @ self._parts.embeddings.embed([scenario.scene])[0]
        order = np.argsort(-near, kind="stable")[: self._parts.config.grounding.photo_candidates]
        return [self._photos[place] for place in order]

    async def match(self, scenario: Scenario, *, turn: int, compare: Compare | None = None) -> GroundingOutcome:
        """Return the best photo that passes and is still free. Without one the scenario waits: error `no_photo`.

        `compare` says which photos a release or a benchmark has; without it they are not compared.
        """
        parts = self._parts
        photos = await asyncio.to_thread(self.preselect, scenario)
        try:
            candidates: Sequence[Candidate] = await asyncio.gather(
                *(self._judge(scenario, photo, number) for number, photo in enumerate(photos, 1))
            )
        except EndpointError as exc:
            return GroundingOutcome(errors=(describe_failure(exc),))
        if compare is not None:
            candidates = await compare(candidates)
        await self.turns.wait(turn)
        free = [c for c in candidates if photos[c.number - 1].image.sha256 not in self._taken]
        passing = [c for c in free if c.check is not None and c.check.passed]
        if not passing:
            return GroundingOutcome(errors=(_say_why(candidates, free),), candidates=tuple(candidates))
        best = max(passing, key=rank_candidate)
        photo = photos[best.number - 1]
        self._taken.add(photo.image.sha256)
        assert best.check is not None
        caption = self._captions[photo.image.sha256]
        grounding = ground_by_photo(scenario, photo, caption=caption, parts=parts, now=self._now)
        return GroundingOutcome(grounding, best.picture, best.check.verdicts, True, candidates=tuple(candidates))

    async def _judge(self, scenario: Scenario, photo: Photo, number: int) -> Candidate:
        return await _look_at(scenario, photo, number=number, parts=self._parts, now=self._now)

    async def _describe(self, photo: Photo, places: asyncio.Semaphore) -> CaptionFailure | None:
        parts, prompt = self._parts, load_prompt(PROMPT)
        async with places:
            picture = await asyncio.to_thread(read_photo, parts.blobs, photo)
            request = ChatRequest(
                messages=render(prompt, images=[ImagePart(picture.data, picture.mime)]),
                max_tokens=parts.config.grounding.max_tokens,
                temperature=0.0,
            )
            try:
                reply, _ = await complete_json(parts.validator, request, PhotoCaption)
            except EndpointError as exc:
                return CaptionFailure(photo.image.sha256, describe_failure(exc))
            self._captions[photo.image.sha256] = reply.description
            await asyncio.to_thread(self._keep, photo, reply.description, prompt.sha256)
        return None

    def _keep(self, photo: Photo, text: str, prompt_sha256: str) -> None:
        model = self._parts.validator.model
        with self._parts.db.write() as session:
            keep_caption(
                session=session, sha256=photo.image.sha256, model=model, prompt_sha256=prompt_sha256, text=text
            )
            session.commit()


def read_photo(blobs: BlobStore, photo: Photo) -> CleanImage:
    """Return the pixels of a photo, as they are stored."""
    image = photo.image
    return CleanImage(blobs.read(image), image.mime, image.width_px, image.height_px, image.phash)


def ground_by_photo(scenario: Scenario, photo: Photo, *, caption: str, parts: PhotoParts, now: datetime) -> Grounding:
    """Return the record that a photo, with its licence and source, is a scenario's picture."""
    model = parts.validator.model
    return Grounding(
        source="photo",
        image=photo.image,
        alt=scenario.scene[:500] if names_hazard(caption, scenario) else caption,
        licence=photo.facts.licence,
        source_url=photo.facts.source,
        author=photo.facts.author,
        parent_id=scenario.id,
        provenance=Provenance(
            actor=model,
            tool="pipeline.photo_matching",
            model=model,
            prompt_sha256=load_prompt(VALIDATION_PROMPT).sha256,
            config_sha256=hash_json(parts.config.grounding.model_dump(mode="json")),
            created_at=now,
        ),
    )


async def ground_by_own_photo(
    scenario: Scenario, photo: Photo, *, parts: PhotoParts, now: datetime, compare: Compare | None = None
) -> GroundingOutcome:
    """Check that the photo from which a scenario was written holds its evidence. A scenario gets no other photo.

    `compare` says whether a release or a benchmark has it; without it that is not asked.
    """
    try:
        candidates = [await _look_at(scenario, photo, number=1, parts=parts, now=now)]
    except EndpointError as exc:
        return GroundingOutcome(errors=(describe_failure(exc),))
    if compare is not None:
        candidates = await compare(candidates)
    check = candidates[0].check
    assert check is not None
    if not check.passed:
        return GroundingOutcome(verdicts=check.verdicts, passed=False, candidates=tuple(candidates))
    caption = photo.facts.description or scenario.scene[:500]
    grounding = ground_by_photo(scenario, photo, caption=caption, parts=parts, now=now)
    return GroundingOutcome(grounding, candidates[0].picture, check.verdicts, True, candidates=tuple(candidates))


async def _look_at(scenario: Scenario, photo: Photo, *, number: int, parts: PhotoParts, now: datetime) -> Candidate:
    about = f"photo {photo.image.sha256[:16]}: "
    picture = await asyncio.to_thread(read_photo, parts.blobs, photo)
    check = await validate_picture(
        scenario,
        picture,
        validator=parts.validator,
        config=parts.config.validation,
        now=now,
        read_image=parts.read_image,
        about=about,
    )
    return Candidate(number, picture, check, about=about)


def count_undescribed(db: Database, *, config: PipelineConfig, roles: Roles) -> int:
    """Return how many photos a run would have described."""
    if config.grounding.pictures not in ("photos", "mixed") or config.synthesis.from_photos:
        return 0
    model = roles.chat("validator").model
    with db.read() as session:
        photos = list_photos(session=session, batch=config.grounding.photo_batch, free_for=config.batch)
        known = get_captions(session=session, model=model, prompt_sha256=load_prompt(PROMPT).sha256)
    return sum(not photo.facts.description.strip() and photo.image.sha256 not in known for photo in photos)


def _say_why(candidates: Sequence[Candidate], free: Sequence[Candidate]) -> ItemError:
    if not candidates:
        return ItemError(NO_PHOTO, "the library holds no photo for this run; import some (`curator import images`)")
    if not free:
        return ItemError(NO_PHOTO, f"other scenarios have taken all {len(candidates)} photos that come nearest")
    best = max(free, key=rank_candidate)
    assert best.check is not None
    reason = best.check.deciding.reason
    return ItemError(NO_PHOTO, f"none of the {len(free)} free photos that come nearest passes; the best: {reason}")
