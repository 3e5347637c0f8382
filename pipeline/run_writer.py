"""The one writer of a run: every change of an item is a function over a session, done in turn, committed at once."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import Session, select

from pipeline.grounding import GroundingOutcome
from pipeline.refinement import RefinementOutcome
from pipeline.twins import TwinOutcome
from storage.audit import lock_chain
from storage.blobs import BlobStore, add_image
from storage.claims import open_task
from storage.db import Database
from storage.items import add_scenario, advance, attach, get_item, revise_scenario
from storage.photos import is_taken, use_photo
from storage.priorities import rank_tasks
from storage.records import Edits, FilterVerdict, Mining, Record, Scenario, TaskKind
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands in the database."""

    item_id: str
    stage: Stage
    batch: str
    added: bool
    """Whether it was not there before."""


class RunWriter:
    """Writes for one run, in one thread. Functions raise what storage raises."""

    def __init__(self, *, db: Database, blobs: BlobStore, batch: str, overlap: int) -> None:
        """Start the thread."""
        self._db = db
        self._blobs = blobs
        self._batch = batch
        self._overlap = overlap
        self._actor = f"run:{batch}"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="run-writer")

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._thread.shutdown()

    async def add(self, scenarios: Sequence[Scenario], *, photo: str | None = None) -> list[Standing]:
        """Add scenarios that are not there yet; return where each stands.

        `photo` is the hash of the one from which they were written. Nothing is added, and nothing returned, when
        another run has taken it meanwhile.
        """

        def work(session: Session) -> list[Standing]:
            found: list[Standing] = []
            lock_chain(session=session)
            if photo is not None and is_taken(session=session, sha256=photo, batch=self._batch):
                return found
            for scenario in scenarios:
                known = session.exec(select(ItemRow.id).where(ItemRow.id == scenario.id[:16])).first()
                item = add_scenario(session=session, scenario=scenario, batch=self._batch, actor=self._actor)
                found.append(Standing(item.id, Stage(item.stage), item.batch, added=known is None))
                if photo is not None and known is None:
                    use_photo(session=session, sha256=photo, item_id=item.id)
            return found

        return await self._write(work)

    async def keep_filters(self, item_id: str, *, verdicts: Sequence[FilterVerdict], deciding: FilterVerdict) -> None:
        """Store the critic's verdicts and move the item by the deciding one."""

        def work(session: Session) -> None:
            self._attach(session, item_id, [verdict for verdict in verdicts if verdict.id != deciding.id])
            to = Stage.FILTERED if deciding.passed else Stage.REJECTED
            advance(session=session, item_id=item_id, to=to, record=deciding, actor=self._actor)

        await self._write(work)

    async def keep_duplicates(
        self, verdicts: Mapping[str, FilterVerdict], *, stages: Collection[Stage] = (Stage.FILTERED,)
    ) -> None:
        """Store what deduplication says; reject those that are not kept. Items that have moved on stay as they are."""

        def work(session: Session) -> None:
            for item_id, verdict in verdicts.items():
                if get_item(session=session, item_id=item_id).stage not in stages:
                    continue
                if verdict.passed:
                    self._attach(session, item_id, [verdict])
                else:
                    advance(session=session, item_id=item_id, to=Stage.REJECTED, record=verdict, actor=self._actor)

        if verdicts:
            await self._write(work)

    async def keep_grounding(self, item_id: str, outcome: GroundingOutcome) -> None:
        """Store a picture with its verdicts, or reject the item by the verdict that decides."""

        def work(session: Session) -> None:
            deciding = outcome.deciding
            self._attach(session, item_id, [verdict for verdict in outcome.verdicts if verdict is not deciding])
            if outcome.grounding is not None:
                if outcome.picture is not None:
                    add_image(session=session, blobs=self._blobs, image=outcome.picture)
                advance(
                    session=session, item_id=item_id, to=Stage.GROUNDED, record=outcome.grounding, actor=self._actor
                )
                if outcome.grounding.source == "photo" and outcome.grounding.image is not None:
                    use_photo(session=session, sha256=outcome.grounding.image.sha256, item_id=item_id)
            elif deciding is not None:
                advance(session=session, item_id=item_id, to=Stage.REJECTED, record=deciding, actor=self._actor)

        await self._write(work)

    async def keep_refinement(
        self, item_id: str, outcome: RefinementOutcome, *, repeats: FilterVerdict | None = None
    ) -> None:
        """Store all rounds; put the item, with its last query, before the reviewers, or reject it.

        `repeats` is the verdict that the last query is a benchmark's: then that rejects it.
        """

        def work(session: Session) -> None:
            *earlier, last = outcome.records
            self._attach(session, item_id, [*earlier, *outcome.verdicts])
            if repeats is not None:
                self._attach(session, item_id, [last])
                advance(session=session, item_id=item_id, to=Stage.REJECTED, record=repeats, actor=self._actor)
                return
            to = Stage.REFINED if outcome.passed else Stage.REJECTED
            advance(session=session, item_id=item_id, to=to, record=last, actor=self._actor)
            if not outcome.passed:
                return
            if last.query_after != outcome.records[0].query_before:
                revise_scenario(
                    session=session,
                    item_id=item_id,
                    edits=Edits(query=last.query_after),
                    reason="the query gave the hazard away; rewritten by the run",
                    actor=self._actor,
                )
            open_task(
                session=session,
                item_id=item_id,
                kind=TaskKind.SCENARIO_REVIEW,
                overlap=self._overlap,
                actor=self._actor,
            )

        await self._write(work)

    async def keep_twin(self, item_id: str, scenario: Scenario, outcome: TwinOutcome) -> bool:
        """Store a twin with its verdicts, or the verdicts that fail it; return whether anything was new.

        Nothing is stored when the item was taken back, revised or released meanwhile.
        """

        def work(session: Session) -> bool:
            lock_chain(session=session)  # before the row, as everywhere
            item = get_item(session=session, item_id=item_id, lock=True)
            if item.stage != Stage.REVIEWED.value or item.scenario_id != scenario.id:
                return False
            records: list[Record] = [*outcome.verdicts]
            if outcome.twin is not None and outcome.picture is not None:
                add_image(session=session, blobs=self._blobs, image=outcome.picture)
                records.insert(0, outcome.twin)
            known = set(session.exec(select(RecordRow.id).where(RecordRow.item_number == item.number)))
            self._attach(session, item_id, records)
            return any(record.id not in known for record in records)

        return await self._write(work)

    async def keep_mining(self, item_id: str, mined: Mining) -> bool:
        """Store what target models said and move the item's open tasks in the queue; return whether it was stored.

        Nothing is stored when the item was taken back, revised or released meanwhile.
        """

        def work(session: Session) -> bool:
            lock_chain(session=session)  # before the row, as everywhere
            item = get_item(session=session, item_id=item_id, lock=True)
            if item.stage != Stage.REVIEWED.value or item.scenario_id != mined.parent_id:
                return False
            self._attach(session, item_id, [mined])
            if mined.priority is not None:
                rank_tasks(session=session, item_id=item_id, priority=mined.priority, actor=self._actor)
            return True

        return await self._write(work)

    def _attach(self, session: Session, item_id: str, records: Sequence[Record]) -> None:
        for record in records:
            attach(session=session, item_id=item_id, record=record, actor=self._actor)

    async def _write(self, work: Callable[[Session], Result]) -> Result:
        def run() -> Result:
            with self._db.write() as session:
                result = work(session)
                session.commit()
                return result

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)
