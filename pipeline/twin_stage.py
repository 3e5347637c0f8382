"""The last stage of a sitting: twins for those scenarios of the run that people have approved since."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from endpoints.ledger import calls_about
from pipeline.config import PipelineConfig
from pipeline.grounding import Grounders
from pipeline.run_writer import RunWriter
from pipeline.twins import TwinOutcome, make_twin
from storage.db import Database
from storage.items import get_scenario
from storage.records import Scenario
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow

OPEN_TWINS = 32  # each holds several pictures in memory


@dataclass(frozen=True, slots=True)
class TwinResult:
    """One scenario's twin, and whether anything of it is new to the database."""

    item_id: str
    outcome: TwinOutcome
    fresh: bool


def find_twinless(db: Database, *, batch: str) -> list[tuple[str, Scenario]]:
    """Return item id and scenario of the approved, pictured items of a run whose present scenario has no twin.

    Items that a release holds are left alone: what was released does not change.
    """
    with db.read() as session:
        twins = select(RecordRow.parent_id).where(
            RecordRow.kind == "twin", col(RecordRow.item_number) == col(ItemRow.number)
        )
        query = (
            select(ItemRow)
            .where(ItemRow.batch == batch, ItemRow.stage == Stage.REVIEWED.value)
            .where(col(ItemRow.image_sha256).is_not(None), col(ItemRow.scenario_id).not_in(twins))
            .order_by(col(ItemRow.number))
        )
        return [(item.id, get_scenario(session=session, item=item)) for item in session.exec(query).all()]


async def stream_twins(
    db: Database, *, writer: RunWriter, grounders: Grounders, config: PipelineConfig, now: datetime
) -> AsyncIterator[TwinResult]:
    """Make the twins that are missing and yield each once it is stored."""
    places = asyncio.Semaphore(OPEN_TWINS)

    async def make(item_id: str, scenario: Scenario) -> TwinResult:
        async with places:
            with calls_about(item_id):
                outcome = await make_twin(scenario, item_id=item_id, grounders=grounders, config=config, now=now)
            fresh = outcome.passed is not None and await writer.keep_twin(item_id, scenario, outcome)
            return TwinResult(item_id, outcome, fresh)

    waiting = await asyncio.to_thread(find_twinless, db, batch=config.batch)
    for made in asyncio.as_completed([make(item_id, scenario) for item_id, scenario in waiting]):
        yield await made
