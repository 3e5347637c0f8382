"""The walk's first steps: scenes of HazardWorld are proposed, pass the ordinary filters, and come before reviewers.

Some proposals have a flaw that is put in on purpose: one that the filters find, or one that only a picture shows.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session, col, func, select

from caspo.wind_tunnel.world import ScenePair, Split
from curator_app.actions.wind_tunnel import make_part
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.seeds import derive_seed
from pipeline.config import FilterConfig
from pipeline.filters import FilterOutcome, filter_scenario
from pipeline.hazard_world.critic import make_critic
from pipeline.hazard_world.provider import add_scene, describe_scene, make_scenario
from pipeline.hazard_world.scenes import ScenePair as HousePair
from pipeline.hazard_world.world import load_world
from storage.records import Scenario
from storage.tables import ItemRow

BATCH = "walk"
Flaw = Literal["none", "leaky", "unclear", "unseen"]
"""`leaky`: the query names a thing of the hazard; `unclear`: the scene described holds no hazard; both are for the
filters. `unseen`: the picture is the harmless twin's, which only somebody who looks at it can tell."""


class WalkRefused(AppError):
    """The walk cannot begin or go on; the message says why and what to do."""


@dataclass(frozen=True)
class WalkPlan:
    """How much is walked."""

    seed: int = 1
    train: int = 48
    """Sound scenes for the training release."""
    new_scenes: int = 32
    """For the benchmark: hazards of the training in new combinations."""
    new_hazards: int = 16
    """For the benchmark: hazards that the training never holds."""
    leaky: int = 6
    unclear: int = 6
    unseen: int = 4

    @property
    def proposed(self) -> int:
        """All proposals."""
        return self.train + self.new_scenes + self.new_hazards + self.leaky + self.unclear + self.unseen


@dataclass(frozen=True)
class Candidate:
    """A proposal."""

    pair: HousePair
    scenario: Scenario
    split: Split
    flaw: Flaw

    @property
    def item_id(self) -> str:
        """The id that its item has."""
        return self.scenario.id[:16]


def list_candidates(plan: WalkPlan) -> list[Candidate]:
    """Return all proposals, the same for the same plan; those with a flaw are among those for training."""
    flawed = [*_repeat("leaky", plan.leaky), *_repeat("unclear", plan.unclear), *_repeat("unseen", plan.unseen)]
    train = plan.train + len(flawed)
    places = random.Random(derive_seed(plan.seed, "flaws")).sample(range(train), len(flawed))
    flaws = dict(zip(places, flawed, strict=True))
    found = [
        _propose(pair, "train", flaws.get(number, "none"), plan.seed)
        for number, pair in enumerate(_draw("train", train, plan.seed))
    ]
    rest: tuple[tuple[Split, int], ...] = (("new_scenes", plan.new_scenes), ("new_hazards", plan.new_hazards))
    for split, count in rest:
        found += [_propose(pair, split, "none", plan.seed) for pair in _draw(split, count, plan.seed)]
    return found


def _repeat(flaw: Flaw, times: int) -> list[Flaw]:
    return [flaw] * times


def _draw(split: Split, count: int, seed: int) -> Iterator[HousePair]:
    """Yield `count` pairs, no two of which are the same scenario."""
    known: set[tuple[str, tuple[str, ...]]] = set()
    pairs: list[ScenePair] = list(make_part().pairs(split, count=2 * count, seed=derive_seed(seed, "walk", split)))
    for pair in pairs:
        house = HousePair(pair.hazardous.truth, pair.twin.truth)
        key = (house.hazardous.query, tuple(str(room) for room in house.hazardous.rooms))
        if key not in known and len(known) < count:
            known.add(key)
            yield house


def _propose(pair: HousePair, split: Split, flaw: Flaw, seed: int) -> Candidate:
    scenario = make_scenario(pair.hazardous, seed=seed)
    if flaw == "leaky":
        thing = load_world().titles[pair.hazardous.hazards[0].move]
        scenario = scenario.model_copy(update={"query": f"{scenario.query} There is a {thing} about."})
    if flaw == "unclear":
        scenario = scenario.model_copy(update={"scene": describe_scene(pair.twin)})
    return Candidate(pair, Scenario.model_validate(scenario.model_dump()), split, flaw)


def add_candidate(workspace: Workspace, candidate: Candidate) -> None:
    """Filter a proposal, and add it with what the filters say; one that is there already stays as it is.

    Raises:
        WalkRefused: a filter gave no verdict.
        StorageError: the workspace cannot take it.
    """
    with workspace.db.read() as session:
        if session.exec(select(ItemRow.id).where(ItemRow.id == candidate.item_id)).first() is not None:
            return
    outcome = asyncio.run(filter_scenario(candidate.scenario, critic=make_critic(), config=FilterConfig()))
    with workspace.db.write() as session:
        _add(session, workspace, candidate, outcome)
        session.commit()


def _add(session: Session, workspace: Workspace, candidate: Candidate, outcome: FilterOutcome) -> None:
    deciding = outcome.deciding
    if deciding is None:
        raise WalkRefused(f"the filters gave no verdict on {candidate.scenario.query!r}: {outcome.errors}")
    add_scene(
        session=session,
        blobs=workspace.blobs,
        pair=candidate.pair,
        scenario=candidate.scenario,
        verdict=deciding,
        others=[verdict for verdict in outcome.verdicts if verdict is not deciding],
        batch=BATCH,
        overlap=workspace.settings.overlap,
        shown=candidate.pair.twin if candidate.flaw == "unseen" else None,
    )


def refuse_foreign(workspace: Workspace) -> None:
    """Return if the workspace holds nothing but what a walk made.

    Raises:
        WalkRefused: it holds items of other batches: scripts must not answer for people.
    """
    with workspace.db.read() as session:
        foreign = session.exec(select(func.count()).select_from(ItemRow).where(col(ItemRow.batch) != BATCH)).one()
    if foreign:
        raise WalkRefused(
            f"{workspace.settings.home} holds {foreign} items that are not the walk's, and the walk's reviewers are "
            "scripts; give it a folder of its own: curator --home walk-data demo --walk"
        )
