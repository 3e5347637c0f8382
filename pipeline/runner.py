"""The run: streams items through all stages, from synthesis to the review queue.

An item goes on as soon as its own calls have come back. Only what compares scenarios with each other needs an order:
deduplication, and the choice of pictures, take them in the order of the plan, so that the same replies give the same
answer whatever arrives first.

A resume is the same run again. Replies that were received come from the cache, so what was done is computed anew
without a call, and only what is not in the database yet is written. An item that fails keeps its stage and has its
error in the events; a resume tries it again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from endpoints.batch import count_open
from endpoints.ledger import calls_about
from pipeline.benchmark_gate import BENCHMARK_QUERY, BenchmarkGate, list_pictures
from pipeline.config import spread_quotas
from pipeline.dedup_gate import DedupGate, Screened
from pipeline.errors import ItemError
from pipeline.filters import FilterOutcome, filter_scenario
from pipeline.grounding import GroundingOutcome, describe_scene, ground_scenario
from pipeline.mining import SCORERS, Target, stream_mining
from pipeline.photo_matching import NO_PHOTO, PhotoMatcher, ground_by_own_photo
from pipeline.photo_synthesis import PhotoResult, PhotoSynthesis
from pipeline.picture_gate import PictureGate
from pipeline.plan_order import PhotoOrder, PlanOrder
from pipeline.refinement import RefinementOutcome, refine_scenario
from pipeline.run_events import EventLog, RunStage, read_events
from pipeline.run_parts import RunParts, needed_roles, pick_drawers, pick_grounders, pick_photo_parts, pick_refiners
from pipeline.run_writer import RunWriter, Standing
from pipeline.synthesis import Generator, Synthesis, SynthesisResult, prepare_synthesis, stream_synthesis
from pipeline.twin_stage import stream_twins
from storage.items import get_grounding, get_item
from storage.records import Scenario
from storage.stages import Stage

OPEN_ITEMS = 64  # items between deduplication and the queue at once: each may hold several pictures in memory


@dataclass
class RunState:
    """How far a run is, for whoever shows it."""

    asked: int
    counts: Counter[tuple[RunStage, str]] = field(default_factory=Counter)
    """(stage, `passed` | `rejected` | `error`) -> items in this sitting."""
    stopped: str = ""
    """Why the run ends early; empty while it does not."""


Window = list[tuple[Screened, Standing]]
"""The scenarios of one call that passed the filters."""

Observer = Callable[[RunState], None]


class Runner:
    """One sitting of a run."""

    def __init__(self, parts: RunParts, *, observer: Observer | None = None) -> None:
        """Check the parts against each other; nothing is asked yet.

        Raises:
            ConfigInvalid: the config asks for something impossible.
            BadConfig: a role that the run needs has no endpoint, or one that cannot work.
        """
        roles, config = parts.roles, parts.config
        roles.require(*needed_roles(config))
        self.parts = parts
        self.now = parts.folder.started_at
        generators = [Generator(shared.endpoint, shared.weight) for shared in roles.generators]
        self.synthesis: Synthesis = prepare_synthesis(
            config=config, taxonomy=parts.taxonomy, library=parts.library, generators=generators, now=self.now
        )
        self.state = RunState(asked=sum(spread_quotas(config, parts.taxonomy).values()))
        self._observer = observer or (lambda state: None)
        self._critic = roles.chat("critic")
        self._refiners = pick_refiners(parts)
        self._grounders = pick_grounders(parts)
        self._photos = pick_photo_parts(parts)
        self._from_photos = self._matcher = None
        if config.synthesis.from_photos:
            self._from_photos = PhotoSynthesis(self.synthesis, db=parts.db, blobs=parts.blobs)
        elif self._photos is not None:
            self._matcher = PhotoMatcher(self._photos, now=self.now)
        asked = (self._critic, self._refiners.rewriter, self._refiners.probe)
        self._places = asyncio.Semaphore(count_open(OPEN_ITEMS, *asked))
        self._seen: set[str] = set()

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is under way finishes its stage."""
        self.state.stopped = self.state.stopped or reason

    async def run(self) -> RunState:
        """Run until nothing is left to do, or until something stops it.

        Raises:
            StorageError: the database or the blob store cannot go on. Everything before is kept.
        """
        parts = self.parts
        self._known_calls = {event.get("call") for event in read_events(parts.folder.events) if event.get("call")}
        self._events = EventLog(parts.folder.events)
        self._writer = RunWriter(db=parts.db, blobs=parts.blobs, batch=parts.config.batch, overlap=parts.overlap)
        self._gate = await asyncio.to_thread(
            DedupGate,
            embeddings=parts.roles.embedding,
            threshold=parts.config.dedup_threshold,
            folder=parts.dedup_folder,
            db=parts.db,
            now=self.now,
            releases=parts.releases,
        )
        self._benchmarks = await asyncio.to_thread(
            BenchmarkGate,
            parts.benchmarks,
            embeddings=parts.roles.embedding,
            threshold=parts.config.benchmark_threshold,
            folder=parts.dedup_folder,
            now=self.now,
        )
        self._pictures = await asyncio.to_thread(
            PictureGate,
            db=parts.db,
            batch=parts.config.batch,
            max_bits=parts.config.grounding.duplicate_bits,
            now=self.now,
            releases=parts.releases,
            benchmarks=list_pictures(parts.benchmarks),
        )
        self._order: PlanOrder[Window] = PlanOrder(self.synthesis)
        self._photo_order: PhotoOrder[Window] = PhotoOrder()
        self._windows: asyncio.Queue[Window | None] = asyncio.Queue()
        try:
            await self._read_photos()
            await self._run_stages()
            if self.parts.config.twin and not self.state.stopped:
                await self._make_twins()
            if self.parts.config.mining.targets and not self.state.stopped:
                await self._mine()
        except* Exception as group:
            raise _first_leaf(group) from None
        finally:
            self._writer.close()
            self._events.close()
        return self.state

    async def _read_photos(self) -> None:
        for failure in await self._matcher.prepare() if self._matcher else []:
            self._fail("grounding", "", failure.error, photo=failure.sha256)

    async def _run_stages(self) -> None:
        async with asyncio.TaskGroup() as finishing:
            finishing.create_task(self._pass_gate(finishing))
            # Closing the stream early cancels the calls that are still in flight; it is a generator.
            written = self._from_photos.stream() if self._from_photos else stream_synthesis(self.synthesis)
            stream = cast("AsyncGenerator[SynthesisResult | PhotoResult, None]", written)
            async with asyncio.TaskGroup() as screening, aclosing(stream) as results:
                async for result in results:
                    screening.create_task(self._screen(result))
                    if self.state.stopped:
                        break
            self._windows.put_nowait(None)
            self._note_missing()

    def _note_missing(self) -> None:
        """Say how many scenarios the photos did not give."""
        missing = self._from_photos.missing if self._from_photos and not self.state.stopped else 0
        if missing:
            told = (
                f"{missing} of {self.state.asked} scenarios could not be written from the photos; import more "
                "(`curator import images`), or raise `synthesis.refill_rounds` in a run of another name"
            )
            self._fail("synthesis", "", ItemError(NO_PHOTO, told))

    # --- synthesis and filters

    async def _screen(self, result: SynthesisResult | PhotoResult) -> None:
        """Add the scenarios of one call, filter them, and hand on those that are now in order."""
        self._note_call(result)
        scenarios, standings = await self._add(result)
        window = await asyncio.gather(
            *(
                self._filter(scenario, standing)
                for scenario, standing in zip(scenarios, standings, strict=True)
                if self._is_mine(standing)
            )
        )
        passed = [entry for entry in window if entry is not None]
        in_order = (
            self._photo_order.arrive(result, passed)
            if isinstance(result, PhotoResult)
            else self._order.arrive(result, passed)
        )
        for ready in in_order:
            self._windows.put_nowait(ready)

    async def _add(self, result: SynthesisResult | PhotoResult) -> tuple[Sequence[Scenario], Sequence[Standing]]:
        if not result.scenarios:
            return (), ()
        photo = result.call.photo.image.sha256 if isinstance(result, PhotoResult) else None
        standings = await self._writer.add(result.scenarios, photo=photo)
        if not standings:
            self._fail("synthesis", "", ItemError("photo_taken", f"another run has taken the photo {photo}"))
            return (), ()
        return result.scenarios, standings

    def _note_call(self, result: SynthesisResult | PhotoResult) -> None:
        call = result.call.name
        if result.error is not None:
            self._fail("synthesis", "", result.error, call_failed=call)
        elif call not in self._known_calls:
            bad = [{"position": b.position, "kind": b.error.kind, "message": b.error.message} for b in result.bad]
            items = [scenario.id[:16] for scenario in result.scenarios]
            self._events.write("synthesis", "note", call=call, scenarios=len(items), items=items, bad=bad)

    def _is_mine(self, standing: Standing) -> bool:
        if standing.item_id in self._seen:
            return False
        self._seen.add(standing.item_id)
        if standing.batch != self.parts.config.batch:
            self._events.write(
                "synthesis", "note", item=standing.item_id, kind="known", message=f"is in batch {standing.batch}"
            )
            return False
        self._tell("synthesis", "passed")
        if standing.added:
            self._events.write("synthesis", "passed", item=standing.item_id)
        return True

    async def _filter(self, scenario: Scenario, standing: Standing) -> tuple[Screened, Standing] | None:
        """Judge one scenario; None when it does not go on."""
        if self.state.stopped and standing.stage is Stage.SCENARIO:
            return None
        with calls_about(standing.item_id):
            outcome = await filter_scenario(
                scenario, critic=self._critic, config=self.parts.config.filters, now=self.now
            )
        deciding = outcome.deciding
        if standing.stage is Stage.SCENARIO:
            if deciding is None:
                self._fail("filters", standing.item_id, *outcome.errors)
                return None
            await self._writer.keep_filters(standing.item_id, verdicts=outcome.verdicts, deciding=deciding)
            self._note_verdict("filters", standing.item_id, outcome)
        elif deciding is None and standing.stage is Stage.FILTERED:
            # Filtered in an earlier sitting and its replies are gone from the cache: the database knows that it passed.
            return Screened(standing.item_id, scenario, points=0.0), standing
        if deciding is None or not deciding.passed:
            return None
        self._tell("filters", "passed")
        points = sum(verdict.score or 0.0 for verdict in outcome.verdicts)
        return Screened(standing.item_id, scenario, points), standing

    def _note_verdict(self, stage: RunStage, item_id: str, outcome: FilterOutcome) -> None:
        deciding = outcome.deciding
        assert deciding is not None
        if deciding.passed:
            self._events.write(stage, "passed", item=item_id)
        else:
            self._reject(stage, item_id, kind=deciding.filter_name, message=deciding.reason)

    # --- deduplication

    async def _pass_gate(self, finishing: asyncio.TaskGroup) -> None:
        """Take windows in the order of the plan; start the pictures of the scenarios that are kept."""
        while (whole := await self._windows.get()) is not None:
            window = await self._drop_repeated(whole)
            verdicts = await asyncio.to_thread(self._gate.judge, [screened for screened, _ in window])
            await self._writer.keep_duplicates(verdicts)
            for screened, standing in window:
                verdict = verdicts.get(screened.item_id)
                fresh = standing.stage in (Stage.SCENARIO, Stage.FILTERED)
                if verdict is not None and not verdict.passed:
                    if fresh:
                        self._reject("dedup", screened.item_id, kind="duplicate", message=verdict.reason)
                    continue
                self._tell("dedup", "passed")
                if fresh:
                    self._events.write("dedup", "passed", item=screened.item_id)
                place = self._pictures.take(screened.item_id)
                if fresh or standing.stage is Stage.GROUNDED:
                    finishing.create_task(self._finish(screened, standing, place, self._take_turn(standing)))
                else:
                    self._pictures.turns.leave(place)

    async def _drop_repeated(self, window: Window) -> Window:
        """Reject what asks the same as a public benchmark, and return the others."""
        asked = [(screened.scenario.query, screened.scenario.id) for screened, _ in window]
        found = await asyncio.to_thread(self._benchmarks.judge, asked)
        repeated = {screened.item_id: verdict for (screened, _), verdict in zip(window, found, strict=True) if verdict}
        await self._writer.keep_duplicates(repeated, stages=(Stage.FILTERED, Stage.GROUNDED))
        for screened, standing in window:
            verdict = repeated.get(screened.item_id)
            if verdict is not None and standing.stage in (Stage.SCENARIO, Stage.FILTERED, Stage.GROUNDED):
                self._reject("dedup", screened.item_id, kind=BENCHMARK_QUERY, message=verdict.reason)
        return [(screened, standing) for screened, standing in window if screened.item_id not in repeated]

    # --- pictures and refinement

    def _take_turn(self, standing: Standing) -> int | None:
        """Return the place in the row of those who choose a photo; None when there is nothing to choose."""
        return None if self._matcher is None or standing.stage is Stage.GROUNDED else self._matcher.turns.take()

    async def _finish(self, screened: Screened, standing: Standing, place: int, turn: int | None) -> None:
        try:
            async with self._places:
                if not self.state.stopped:
                    with calls_about(screened.item_id):
                        await self._picture_and_refine(screened, standing, place, turn)
        finally:
            self._pictures.turns.leave(place)
            if self._matcher is not None and turn is not None:
                self._matcher.turns.leave(turn)

    async def _picture_and_refine(self, screened: Screened, standing: Standing, place: int, turn: int | None) -> None:
        image: bytes | None = None
        if standing.stage is Stage.GROUNDED:
            self._pictures.turns.leave(place)
            self._tell("grounding", "passed")
            image = await asyncio.to_thread(self._read_picture, screened.item_id)
        else:
            outcome = await self._ground(screened, place, turn)
            if not outcome.passed:
                return
            image = outcome.picture.data if outcome.picture else None
        if not self.state.stopped:
            await self._refine(screened, image)

    async def _picture(self, item_id: str, scenario: Scenario, turn: int | None) -> GroundingOutcome:
        compare_photos = partial(self._pictures.compare_photos, scenario, item_id=item_id)
        if self._from_photos is not None and self._photos is not None:
            photo = self._from_photos.photo_of[scenario.id]
            return await ground_by_own_photo(scenario, photo, parts=self._photos, now=self.now, compare=compare_photos)
        if self._matcher is not None and turn is not None:
            outcome = await self._matcher.match(scenario, turn=turn, compare=compare_photos)
            self._matcher.turns.leave(turn)
            if self._grounders is None or not any(error.kind == NO_PHOTO for error in outcome.errors):
                return outcome
        if self._grounders is not None:
            return await ground_scenario(
                scenario,
                grounders=self._grounders,
                config=self.parts.config,
                now=self.now,
                compare=partial(self._pictures.compare, scenario, item_id=item_id),
            )
        return GroundingOutcome(grounding=describe_scene(scenario, now=self.now), passed=True)

    async def _ground(self, screened: Screened, place: int, turn: int | None) -> GroundingOutcome:
        outcome = await self._picture(screened.item_id, screened.scenario, turn)
        if outcome.grounding is not None:
            self._pictures.keep(screened.item_id, outcome.grounding)
        self._pictures.turns.leave(place)
        if outcome.passed is None:
            self._fail("grounding", screened.item_id, *outcome.errors)
            return outcome
        await self._writer.keep_grounding(screened.item_id, outcome)
        candidates = [
            {"number": c.number, "points": c.check.points if c.check else None, "refused": c.refused}
            for c in outcome.candidates
        ]
        if outcome.passed:
            self._events.write("grounding", "passed", item=screened.item_id, candidates=candidates)
            self._tell("grounding", "passed")
        elif outcome.deciding is not None:
            deciding = outcome.deciding
            self._reject("grounding", screened.item_id, kind=deciding.filter_name, message=deciding.reason)
        return outcome

    async def _refine(self, screened: Screened, image: bytes | None) -> None:
        item_id = screened.item_id
        outcome: RefinementOutcome = await refine_scenario(
            screened.scenario, refiners=self._refiners, config=self.parts.config, image=image, now=self.now
        )
        if outcome.passed is None:
            self._fail("refinement", item_id, *outcome.errors)
            return
        last, repeats = outcome.records[-1], None
        if outcome.passed and last.query_after != screened.scenario.query:
            asked = [(last.query_after, screened.scenario.id)]
            (repeats,) = await asyncio.to_thread(self._benchmarks.judge, asked)
        await self._writer.keep_refinement(item_id, outcome, repeats=repeats)
        for note in outcome.notes:
            self._events.write("refinement", "note", item=item_id, kind=note.kind, message=note.message)
        if repeats is not None:
            self._reject("refinement", item_id, kind=BENCHMARK_QUERY, message=repeats.reason)
        elif outcome.passed:
            self._events.write("refinement", "passed", item=item_id, rounds=last.round)
            self._tell("refinement", "passed")
        else:
            kind = "undeclared_premise" if last.hazard_type == "undeclared_premise" else "no_clean_query"
            self._reject("refinement", item_id, kind=kind, message=last.evidence)

    async def _make_twins(self) -> None:
        """Make twins for what people have approved since the last sitting."""
        parts = self.parts
        twins = stream_twins(
            parts.db, writer=self._writer, grounders=pick_drawers(parts), config=parts.config, now=self.now
        )
        async for result in twins:
            outcome = result.outcome
            if outcome.passed is None:
                self._fail("twins", result.item_id, *outcome.errors)
            elif result.fresh and outcome.deciding is not None:
                deciding = outcome.deciding
                self._reject("twins", result.item_id, kind=deciding.filter_name, message=deciding.reason)
            elif result.fresh:
                self._events.write("twins", "passed", item=result.item_id)
                self._tell("twins", "passed")

    async def _mine(self) -> None:
        """Try the target models on what people have approved since the last sitting."""
        parts = self.parts
        targets = [Target(role, parts.roles.chat(role)) for role in parts.config.mining.targets]
        scorer = SCORERS[parts.config.mining.scorer]
        found = stream_mining(
            parts.db, writer=self._writer, blobs=parts.blobs, targets=targets, scorer=scorer, config=parts.config,
            now=self.now,
        )  # fmt: skip
        async for result in found:
            if result.error is not None:
                self._fail("mining", result.item_id, result.error)
            elif result.mined is not None:
                self._events.write("mining", "passed", item=result.item_id, priority=result.mined.priority)
                self._tell("mining", "passed")

    def _read_picture(self, item_id: str) -> bytes | None:
        with self.parts.db.read() as session:
            grounding = get_grounding(session=session, item=get_item(session=session, item_id=item_id))
        if grounding is None or grounding.image is None:
            return None
        return self.parts.blobs.read(grounding.image)

    # --- what happened

    def _tell(self, stage: RunStage, outcome: str) -> None:
        self.state.counts[stage, outcome] += 1
        self._observer(self.state)

    def _reject(self, stage: RunStage, item_id: str, *, kind: str, message: str) -> None:
        self._events.write(stage, "rejected", item=item_id, kind=kind, message=message)
        self._tell(stage, "rejected")

    def _fail(self, stage: RunStage, item_id: str, *errors: ItemError, **more: str) -> None:
        for error in errors:
            self._events.write(stage, "error", item=item_id, kind=error.kind, message=error.message, **more)
            if error.stops_run and not self.state.stopped:
                self.stop(f"{error.kind}: {error.message}")
                self._events.write("run", "error", kind=error.kind, message=error.message)
        self._tell(stage, "error")


def _first_leaf(group: BaseExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first_leaf(inner) if isinstance(inner, BaseExceptionGroup) else inner
