"""Imported photographs: real pictures with their licence and source, waiting for a scenario.

A photo serves one scenario at a time: it is free again only when the item that used it was rejected. Nothing of a
photo changes once it is here; a caption is one model's words about it, and another model's stand beside them.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import or_
from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.blobs import BlobStore, add_image, get_blob
from storage.errors import Conflict, InvalidRecord
from storage.images import CleanImage
from storage.items import get_item
from storage.records import BlobRef, Frozen, Scenario, parse_record
from storage.stages import Stage
from storage.tables import BlobRow, ItemRow, PhotoCaptionRow, PhotoRow, PhotoUseRow, RecordRow
from storage.texts import Line, Slug, Text, utc_now

NEAR_BITS = 4
"""Of 64; pictures whose perceptual hashes differ in no more bits count as one."""


class PhotoFacts(Frozen):
    """What whoever imports a photo has to say of it."""

    licence: Line
    source: Line
    """Where it came from: an address, or who took it."""
    author: Text = ""
    """Who made it, as their licence wants them to be named."""
    description: Text = ""
    """What it shows, in a person's words; takes the place of a model's caption."""
    file_name: Line
    batch: Slug


@dataclass(frozen=True, slots=True)
class Photo:
    """An imported photo."""

    image: BlobRef
    facts: PhotoFacts


def asks_for_author(licence: str) -> bool:
    """Whether a licence, by its name or address, asks that the author be named: Creative Commons with BY in it."""
    words = set(re.split(r"[^a-z0-9]+", licence.lower()))
    return ("by" in words and not words.isdisjoint({"cc", "creativecommons"})) or {"commons", "attribution"} <= words


def make_facts(
    *, licence: str, source: str, author: str = "", description: str = "", file_name: str, batch: str
) -> PhotoFacts:
    """Return the facts of a photo, checked.

    Raises:
        InvalidRecord: the licence or the source is empty, the licence asks for an author and none is named, or a text
            cannot be stored.
    """
    for name, value in (("licence", licence), ("source", source)):
        if not value.strip():
            raise InvalidRecord(f"no {name} is given; a photo without one cannot be used")
    author = author.strip()
    if not author and asks_for_author(licence):
        raise InvalidRecord(
            f"the licence {licence.strip()} asks that the author be named, and no author is given; "
            "say who made the photo (--author, or `author` in photos.csv)"
        )
    try:
        return PhotoFacts(
            licence=licence, source=source, author=author, description=description, file_name=file_name, batch=batch
        )
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False)[0]
        raise InvalidRecord(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from exc


def add_photo(
    *,
    session: Session,
    blobs: BlobStore,
    picture: CleanImage,
    facts: PhotoFacts,
    actor: str,
    now: datetime | None = None,
) -> Photo:
    """Store a cleaned photo that is not here yet. The caller commits.

    Raises:
        Conflict: this photo was imported before.
        StorageFull, StorageError: the blob store cannot take it.
    """
    now = now or utc_now()
    lock_chain(session=session)
    image = add_image(session=session, blobs=blobs, image=picture, now=now)
    if session.exec(select(PhotoRow.number).where(PhotoRow.sha256 == image.sha256)).first() is not None:
        raise Conflict(f"photo {image.sha256} was imported before; its licence and source stay as they are")
    session.add(PhotoRow(sha256=image.sha256, created_at=now, actor=actor, **facts.model_dump()))
    payload = facts.model_dump(exclude={"description"})
    record_event(
        session=session, actor=actor, tag=Tag.PHOTO_IMPORTED, subject=f"photo:{image.sha256}", payload=payload, now=now
    )
    return Photo(image, facts)


def find_photo(*, session: Session, sha256: str) -> Photo | None:
    """Return an imported photo by the hash of its stored bytes."""
    row = session.exec(select(PhotoRow).where(PhotoRow.sha256 == sha256)).first()
    return None if row is None else _read(session, row)


def list_photos(*, session: Session, batch: str | None = None, free_for: str | None = None) -> list[Photo]:
    """Return photos in the order in which they came.

    Args:
        session: the session.
        batch: only those that were imported under this name.
        free_for: only those that no item uses, but for the items of this batch and rejected ones.
    """
    query = select(PhotoRow).order_by(col(PhotoRow.number))
    if batch is not None:
        query = query.where(PhotoRow.batch == batch)
    if free_for is not None:
        taken = (
            select(PhotoUseRow.sha256)
            .join(ItemRow, col(ItemRow.number) == PhotoUseRow.item_number)
            .where(ItemRow.stage != Stage.REJECTED.value, ItemRow.batch != free_for)
        )
        query = query.where(col(PhotoRow.sha256).not_in(taken))
    return [_read(session, row) for row in session.exec(query).all()]


def list_used(*, session: Session, batch: str) -> set[str]:
    """Return the hashes of the photos that an item uses which was not rejected, or any item of `batch`."""
    query = (
        select(PhotoUseRow.sha256)
        .join(ItemRow, col(ItemRow.number) == PhotoUseRow.item_number)
        .where(or_(col(ItemRow.stage) != Stage.REJECTED.value, col(ItemRow.batch) == batch))
    )
    return set(session.exec(query))


def list_written(*, session: Session, batch: str) -> list[tuple[str, Scenario]]:
    """Return photo and scenario, as it was first written, of each item of `batch` that uses a photo."""
    query = (
        select(PhotoUseRow.sha256, PhotoUseRow.item_number, RecordRow.body)
        .join(ItemRow, col(ItemRow.number) == PhotoUseRow.item_number)
        .join(RecordRow, col(RecordRow.item_number) == ItemRow.number)
        .where(ItemRow.batch == batch, RecordRow.kind == "scenario")
        .order_by(col(RecordRow.seq))
    )
    first: dict[tuple[str, int], Scenario] = {}
    for sha256, number, body in session.exec(query):
        if (sha256, number) not in first:
            scenario = parse_record(body)
            assert isinstance(scenario, Scenario)
            first[sha256, number] = scenario
    return [(sha256, scenario) for (sha256, _), scenario in first.items()]


def is_taken(*, session: Session, sha256: str, batch: str) -> bool:
    """Return whether an item of another run than `batch` uses a photo and was not rejected."""
    query = (
        select(PhotoUseRow.item_number)
        .join(ItemRow, col(ItemRow.number) == PhotoUseRow.item_number)
        .where(PhotoUseRow.sha256 == sha256, ItemRow.stage != Stage.REJECTED.value, ItemRow.batch != batch)
    )
    return session.exec(query).first() is not None


def use_photo(*, session: Session, sha256: str, item_id: str, now: datetime | None = None) -> None:
    """Note that an item's picture is this photo; the same twice is noted once. The caller commits."""
    number = get_item(session=session, item_id=item_id).number or 0
    if session.get(PhotoUseRow, (sha256, number)) is None:
        session.add(PhotoUseRow(sha256=sha256, item_number=number, created_at=now or utc_now()))
        session.flush()


def find_near(*, session: Session, phash: str, besides: str = "") -> str | None:
    """Return the hash of a stored picture that looks the same; of several the nearest, then the first by hash."""
    wanted = int(phash, 16)
    found = [
        ((int(other, 16) ^ wanted).bit_count(), sha256)
        for sha256, other in session.exec(select(BlobRow.sha256, BlobRow.phash))
        if sha256 != besides
    ]
    near = min(found, default=(NEAR_BITS + 1, ""))
    return near[1] if near[0] <= NEAR_BITS else None


def keep_caption(
    *, session: Session, sha256: str, model: str, prompt_sha256: str, text: str, now: datetime | None = None
) -> None:
    """Keep what a model says a photo shows; the first words of a model to a prompt stand. The caller commits."""
    key = (sha256, model, prompt_sha256)
    if session.get(PhotoCaptionRow, key) is None:
        row = PhotoCaptionRow(
            sha256=sha256, model=model, prompt_sha256=prompt_sha256, text=text, created_at=now or utc_now()
        )
        session.add(row)
        session.flush()


def get_captions(*, session: Session, model: str, prompt_sha256: str) -> dict[str, str]:
    """Return photo -> what `model` said of it when asked by this prompt."""
    query = select(PhotoCaptionRow.sha256, PhotoCaptionRow.text).where(
        PhotoCaptionRow.model == model, PhotoCaptionRow.prompt_sha256 == prompt_sha256
    )
    return dict(session.exec(query).all())


def _read(session: Session, row: PhotoRow) -> Photo:
    facts = PhotoFacts.model_validate(row.model_dump(include=set(PhotoFacts.model_fields)))
    return Photo(get_blob(session=session, sha256=row.sha256), facts)
