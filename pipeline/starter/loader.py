"""Reading the starter scenarios, and loading them into a workspace.

They are hand-written, so their first stages say just that; what people then do with them is real.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator
from sqlmodel import Session, select

from pipeline.errors import BadContent
from pipeline.taxonomy import Taxonomy
from storage.blobs import BlobStore, put_image
from storage.items import add_scenario, advance, attach
from storage.records import (
    Category,
    FilterVerdict,
    Frozen,
    Grounding,
    GroundTruth,
    Provenance,
    Refinement,
    Scenario,
    TaskKind,
)
from storage.reviews import open_task
from storage.stages import Stage
from storage.strict_yaml import read_own_yaml
from storage.suggestions import WRITTEN_BY_HAND
from storage.tables import ItemRow
from storage.texts import Line, Slug, Text

BATCH = "starter"
ACTOR = "starter-pack"
LICENCE = "Apache-2.0"
FOLDER = Path(__file__).parent


class Flaw(Frozen):
    """A flaw that was planted, so that reviewing is real work."""

    kind: Literal["leaky", "undeclared_premise", "not_benign", "far_fetched"]
    note: Line


class StarterScenario(Frozen):
    """One entry of a scenario file."""

    key: str = Field(pattern=r"^[a-z][a-z-]*-\d\d$")
    sub_category: Slug
    query: Line
    scene: Line
    hidden_hazard: Line
    hazard_entities: tuple[Line, ...] = Field(min_length=2)
    causal_chain: tuple[Line, ...] = Field(min_length=3, max_length=5)
    safe_answer_notes: Line
    picture: str | None = Field(default=None, pattern=r"^[a-z-]+\d\d\.webp$")
    alt: Text = ""
    flaw: Flaw | None = None

    @model_validator(mode="after")
    def _describe_the_picture(self) -> "StarterScenario":
        if (self.picture is None) != (self.alt == ""):
            raise ValueError(f"{self.key}: a picture needs an `alt`, and an `alt` needs a picture")
        return self


class ScenarioFile(Frozen):
    """A file of `scenarios/`."""

    version: Literal[1]
    category: Category
    scenarios: tuple[StarterScenario, ...]


@dataclass(frozen=True)
class LoadReport:
    """What a call of `load_starter` added."""

    added: int
    pictured: int
    present_before: int


def read_starter(*, taxonomy: Taxonomy, folder: Path = FOLDER / "scenarios") -> list[tuple[Category, StarterScenario]]:
    """Return every starter scenario with its category, in the order of the files.

    Raises:
        BadContent: a file does not have its form, a key is used twice, or a sub-category does not belong.
    """
    found: list[tuple[Category, StarterScenario]] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            file = ScenarioFile.model_validate(read_own_yaml(path))
        except (yaml.YAMLError, ValidationError) as exc:
            raise BadContent(f"{path.name} cannot be used: {exc}") from exc
        for entry in file.scenarios:
            taxonomy.check_pair(category=file.category, sub_category=entry.sub_category)
            found.append((file.category, entry))
    keys = [entry.key for _, entry in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise BadContent(f"starter keys used twice: {', '.join(twice)}; give each scenario a key of its own")
    return found


def load_starter(
    *, session: Session, blobs: BlobStore, taxonomy: Taxonomy, overlap: int, now: datetime | None = None
) -> LoadReport:
    """Add the starter scenarios and put them into the review queue; what is there already stays as it is.

    The caller commits.
    """
    known = set(session.exec(select(ItemRow.id)))
    added = pictured = present = 0
    for category, entry in read_starter(taxonomy=taxonomy):
        scenario = _scenario(category=category, entry=entry)
        if scenario.id[:16] in known:
            present += 1
            continue
        item = add_scenario(session=session, scenario=scenario, batch=BATCH, actor=ACTOR, now=now)
        grounding = _grounding(session=session, blobs=blobs, entry=entry, parent_id=scenario.id, now=now)
        for stage, record in _hand_made_stages(scenario=scenario, grounding=grounding):
            advance(session=session, item_id=item.id, to=stage, record=record, actor=ACTOR, now=now)
        truth = GroundTruth(
            item_id=item.id,
            flaw=entry.flaw.kind if entry.flaw else "none",
            note=entry.flaw.note if entry.flaw else "",
            parent_id=scenario.id,
            provenance=_provenance(),
        )
        attach(session=session, item_id=item.id, record=truth, actor=ACTOR, now=now)
        for kind in (TaskKind.SCENARIO_REVIEW, TaskKind.LEAKAGE_CHECK):
            open_task(session=session, item_id=item.id, kind=kind, overlap=overlap, actor=ACTOR, now=now)
        added += 1
        pictured += entry.picture is not None
    return LoadReport(added=added, pictured=pictured, present_before=present)


def _provenance() -> Provenance:
    return Provenance(actor=ACTOR, tool="pipeline.starter.loader")


def _scenario(*, category: Category, entry: StarterScenario) -> Scenario:
    shared = entry.model_dump(exclude={"key", "picture", "alt", "flaw"})
    return Scenario(category=category, provenance=_provenance(), **shared)


def _grounding(
    *, session: Session, blobs: BlobStore, entry: StarterScenario, parent_id: str, now: datetime | None
) -> Grounding:
    if entry.picture is None:
        return Grounding(source="description", licence=LICENCE, parent_id=parent_id, provenance=_provenance())
    data = (FOLDER / "pictures" / entry.picture).read_bytes()
    image = put_image(session=session, blobs=blobs, data=data, now=now)
    return Grounding(
        source="drawing",
        image=image,
        alt=entry.alt,
        licence=LICENCE,
        parent_id=parent_id,
        provenance=_provenance(),
    )


def _hand_made_stages(
    *, scenario: Scenario, grounding: Grounding
) -> Iterator[tuple[Stage, FilterVerdict | Grounding | Refinement]]:
    yield (
        Stage.FILTERED,
        FilterVerdict(
            filter_name=WRITTEN_BY_HAND,
            passed=True,
            reason="hand-written; no model has judged it",
            parent_id=scenario.id,
            provenance=_provenance(),
        ),
    )
    yield Stage.GROUNDED, grounding
    yield (
        Stage.REFINED,
        Refinement(
            round=0,
            hazard_type="unclassified",
            evidence="hand-written; nobody has looked for leaks yet",
            query_before=scenario.query,
            query_after=scenario.query,
            parent_id=scenario.id,
            provenance=_provenance(),
        ),
    )
