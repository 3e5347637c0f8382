"""The last stage of a sitting: twins for those scenarios of the run that people have approved since."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from endpoints.ledger import calls_about
from pipeline.config import PipelineConfig
from pipeline.grounding import Grounders
from pipeline.run_events import name_subject
from pipeline.run_writer import RunWriter
from pipeline.twins import TwinOutcome, make_twin
from storage.db import Database
from storage.items import get_scenario, list_approved_without
from storage.records import Scenario

OPEN_TWINS = 32  # each holds several pictures in memory


@dataclass(frozen=True, slots=True)
class TwinResult:
    """One scenario's twin, and whether anything of it is new to the database."""

    item_id: str
    outcome: TwinOutcome
    fresh: bool


def find_twinless(db: Database, *, batch: str) -> list[tuple[str, Scenario]]:
    """Return item id and scenario of the approved, pictured items of a run whose present scenario has no twin."""
    with db.read() as session:
        items = list_approved_without(session=session, batch=batch, kind="twin")
        return [(item.id, get_scenario(session=session, item=item)) for item in items]


async def stream_twins(
    db: Database, *, writer: RunWriter, grounders: Grounders, config: PipelineConfig, now: datetime
) -> AsyncIterator[TwinResult]:
    """Make the twins that are missing and yield each once it is stored."""
    places = asyncio.Semaphore(OPEN_TWINS)

    async def make(item_id: str, scenario: Scenario) -> TwinResult:
        async with places:
            with calls_about(name_subject(item_id, "twins")):
                outcome = await make_twin(scenario, item_id=item_id, grounders=grounders, config=config, now=now)
            fresh = outcome.passed is not None and await writer.keep_twin(item_id, scenario, outcome)
            return TwinResult(item_id, outcome, fresh)

    waiting = await asyncio.to_thread(find_twinless, db, batch=config.batch)
    for made in asyncio.as_completed([make(item_id, scenario) for item_id, scenario in waiting]):
        yield await made
