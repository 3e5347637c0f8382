"""No picture twice: what a run draws is compared with the pictures that the workspace, the run and releases have.

A picture that is (nearly) another scenario's picture is no evidence of a new one. Such a candidate fails by a verdict
of its own, so it loses to any other that passes, and with no other the scenario is rejected.

Candidates are drawn side by side and compared in the order of the plan. Of the run's own pictures those count that
come earlier in the plan, however late they were drawn, so the same replies give the same choice whatever arrives first.
A picture that the run has stored although its turn comes later was chosen with all earlier ones known, unless their
calls had failed then; it counts last.

Photos are compared when they are imported. Here they are only kept from repeating a release or a public benchmark.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from pipeline.dedup import PictureIndex
from pipeline.grounding import Candidate
from pipeline.turns import Turns
from pipeline.validation import DUPLICATE_PICTURE, PictureCheck
from storage.db import Database
from storage.images import hash_picture
from storage.records import FilterVerdict, Grounding, Provenance, Scenario
from storage.release_files import Release
from storage.stages import Stage
from storage.tables import BlobRow, ItemRow, RecordRow

ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """A picture that candidates are compared with."""

    where: str
    """Whose it is, in words: `item 1f…`, `release v1.0, item 1f…`, `benchmark siuo, row gen/7`."""
    sha256: str
    phash: str
    item_id: str = ""
    """The item that it belongs to; empty for a benchmark's."""
    mine: bool = False
    """Whether that is an item of this run."""
    drawn: bool = True
    barred: bool = False
    """Whether it is a release's or a benchmark's, which a photo must not repeat either."""

    @property
    def name(self) -> str:
        """What it is called in the index."""
        return f"{self.sha256}/{self.item_id or self.where}"


@dataclass(frozen=True, slots=True)
class _Near:
    known: KnownPicture
    bits: int


class PictureGate:
    """Compares candidates with all pictures so far. Use from one event loop."""

    def __init__(
        self,
        *,
        db: Database,
        batch: str,
        max_bits: int,
        now: datetime,
        releases: Sequence[Release] = (),
        benchmarks: Iterable[KnownPicture] = (),
    ) -> None:
        """Take in what releases and benchmarks hold.

        Args:
            db: where the workspace's pictures are known.
            batch: the run.
            max_bits: of 64; pictures whose hashes differ in no more count as one.
            now: the time for every verdict.
            releases: compared with, also when their items are not in this database.
            benchmarks: pictures of public benchmarks.

        Raises:
            ReleaseInvalid: a data file of a release is missing or damaged.
        """
        self.turns = Turns()
        self._db = db
        self._batch = batch
        self._now = now
        self._index = PictureIndex(max_bits=max_bits)
        self._known: dict[str, KnownPicture] = {}
        self._places: dict[str, int] = {}
        self._read_to = 0
        for picture in benchmarks:
            self._add(picture)
        for release in releases:
            for picture in self._read_release(release):
                self._add(picture)

    def take(self, item_id: str) -> int:
        """Return the place of an item in the plan. Whoever takes one must leave `turns`."""
        place = self._places[item_id] = self.turns.take()
        return place

    async def compare(self, scenario: Scenario, candidates: Sequence[Candidate], *, item_id: str) -> list[Candidate]:
        """Wait for the item's turn and return the candidates with a verdict more each.

        The turn lasts until the item leaves; `keep` tells the next ones what it chose.
        """
        await self.turns.wait(self._places[item_id])
        return await asyncio.to_thread(self._judge, scenario, candidates, item_id=item_id, barred_only=False)

    async def compare_photos(
        self, scenario: Scenario, candidates: Sequence[Candidate], *, item_id: str
    ) -> list[Candidate]:
        """Return photos with a verdict more each: whether they repeat a release or a benchmark. Asks for no turn."""
        return await asyncio.to_thread(self._judge, scenario, candidates, item_id=item_id, barred_only=True)

    def keep(self, item_id: str, grounding: Grounding) -> None:
        """Count the picture that an item of this run got, for those whose turn comes later."""
        image = grounding.image
        if image is not None:
            drawn = grounding.source == "synthetic"
            self._add(KnownPicture(_name_item(item_id), image.sha256, image.phash, item_id, mine=True, drawn=drawn))

    def _judge(
        self, scenario: Scenario, candidates: Sequence[Candidate], *, item_id: str, barred_only: bool
    ) -> list[Candidate]:
        with self._db.read() as session:
            if not barred_only:
                self._read_on(session)
            return [
                candidate
                if candidate.check is None or candidate.picture is None
                else replace(
                    candidate,
                    check=PictureCheck(
                        (
                            *candidate.check.verdicts,
                            self._make_verdict(
                                scenario,
                                candidate.about,
                                self._find(session, candidate.picture.phash, item_id=item_id, barred_only=barred_only),
                            ),
                        )
                    ),
                )
                for candidate in candidates
            ]

    def _find(self, session: Session, phash: str, *, item_id: str, barred_only: bool) -> _Near | None:
        """Return the nearest picture that counts; of equals the first by name, so the answer is always the same."""
        place = self._places.get(item_id, 0)
        found: list[tuple[bool, int, str]] = []
        for name, bits in self._index.find(phash):
            known = self._known[name]
            later = known.mine and self._places.get(known.item_id, place) >= place
            if known.item_id == item_id or (barred_only and not known.barred) or (later and not known.drawn):
                continue
            found.append((later, bits, name))
        for _, bits, name in sorted(found):
            known = self._known[name]
            if known.mine or known.barred or not _is_rejected(session, known.item_id):
                return _Near(known, bits)
        return None

    def _make_verdict(self, scenario: Scenario, about: str, near: _Near | None) -> FilterVerdict:
        most = self._index.max_bits
        if near is None:
            reason = f"no other picture differs in {most} of 64 bits or fewer"
        else:
            known = near.known
            reason = f"nearly the picture {known.sha256} of {known.where}: {near.bits} of 64 bits differ"
        return FilterVerdict(
            filter_name=DUPLICATE_PICTURE,
            passed=near is None,
            score=None if near is None else near.bits,
            threshold=most,
            reason=about + reason,
            parent_id=scenario.id,
            provenance=Provenance(actor="pipeline.picture_gate", tool="pipeline.picture_gate", created_at=self._now),
        )

    def _add(self, picture: KnownPicture) -> None:
        if picture.name not in self._known:
            self._known[picture.name] = picture
            self._index.add([picture.name], [picture.phash])

    def _read_on(self, session: Session) -> None:
        """Take in the pictures and twins that items got since the last time, those of other runs included."""
        query = (
            select(RecordRow.seq, RecordRow.body, ItemRow.id, ItemRow.batch)
            .join(ItemRow, col(ItemRow.number) == RecordRow.item_number)
            .where(col(RecordRow.kind).in_(("grounding", "twin")), col(RecordRow.seq) > self._read_to)
            .order_by(col(RecordRow.seq))
        )
        for seq, body, item_id, batch in session.exec(query):
            self._read_to = seq or self._read_to
            record = json.loads(body)
            image, drawn = record["image"], record.get("source", "synthetic") == "synthetic"
            if image is not None:
                mine = batch == self._batch
                self._add(
                    KnownPicture(_name_item(item_id), image["sha256"], image["phash"], item_id, mine=mine, drawn=drawn)
                )

    def _read_release(self, release: Release) -> Iterator[KnownPicture]:
        """Yield the pictures and twins of a release; the run's own items are known by themselves."""
        rows = list(release.iterate_columns("id", "image_sha256", "twin_image_sha256"))
        wanted = [(item_id, sha256) for item_id, *both in rows for sha256 in both if sha256 is not None]
        with self._db.read() as session:
            mine = set(session.exec(select(ItemRow.id).where(ItemRow.batch == self._batch)))
            hashes: dict[str, str] = {}
            for start in range(0, len(wanted), ASKED_AT_ONCE):
                some = [sha256 for _, sha256 in wanted[start : start + ASKED_AT_ONCE]]
                query = select(BlobRow.sha256, BlobRow.phash).where(col(BlobRow.sha256).in_(some))
                hashes.update(session.exec(query).all())
        if any(sha256 not in hashes for _, sha256 in wanted):  # frozen elsewhere: only the release has the pictures
            for item in release.iterate_items():
                for sha256, data in ((item.image_sha256, item.image), (item.twin_image_sha256, item.twin_image)):
                    if sha256 is not None and data is not None and sha256 not in hashes:
                        hashes[sha256] = hash_picture(data)
        for item_id, sha256 in wanted:
            if item_id not in mine:
                where = f"release {release.manifest.version}, {_name_item(item_id)}"
                yield KnownPicture(where, sha256, hashes[sha256], item_id, barred=True)


def _name_item(item_id: str) -> str:
    return f"item {item_id}"


def _is_rejected(session: Session, item_id: str) -> bool:
    return session.exec(select(ItemRow.stage).where(ItemRow.id == item_id)).first() == Stage.REJECTED.value
