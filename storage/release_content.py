"""What goes into a release: choosing approved items and turning their records into rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from storage.blobs import EXTENSIONS, BlobStore
from storage.errors import Conflict, NotFound
from storage.items import label
from storage.records import (
    Decision,
    Grounding,
    Outcome,
    Record,
    Review,
    Scenario,
    Split,
    TaskKind,
    Twin,
    TwinReview,
    Verdict,
    WorldTruth,
    parse_record,
)
from storage.release_card import ContentTally
from storage.release_rows import ROWS_PER_GROUP, ReleasedItem, name_picture
from storage.stages import Stage
from storage.tables import AuditRow, ItemRow, RecordRow

_STANDING = ("decision", "world_truth", "twin", "twin_review")
"""Kinds of record of which an item's last one counts."""
_QUERY_SIZE = 500
"""Names in one IN list; databases limit them."""


@dataclass(frozen=True)
class ChosenItem:
    """An item that goes into the release, as the freeze found it."""

    number: int
    id: str
    stage: Stage
    split: str | None
    updated_at: datetime
    scenario_id: str
    grounding_id: str | None


@dataclass
class ReleaseContent:
    """What is learned of the rows while they are written."""

    tally: ContentTally = field(default_factory=ContentTally)
    rows: list[tuple[str, str]] = field(default_factory=list)
    """Item id and content hash, in order."""
    last_decision: datetime | None = None


def is_releasable(split: Split) -> Any:
    """Return the condition on `items` for a release of `split`: approved, and not taken by another split."""
    return or_(
        and_(
            col(ItemRow.stage) == Stage.REVIEWED.value,
            or_(col(ItemRow.split).is_(None), col(ItemRow.split) == split.value),
        ),
        and_(col(ItemRow.stage) == Stage.RELEASED.value, col(ItemRow.split) == split.value),
    )


def choose_items(*, session: Session, split: Split, item_ids: Sequence[str] | None) -> list[ChosenItem]:
    """Return the items of a release in the order of their numbers; `item_ids` None means all that can be taken.

    Raises:
        Conflict: there are none, or one that was named is not approved or belongs to another split.
        NotFound: one that was named does not exist.
    """
    if item_ids is None:
        chosen = _find_items(session, is_releasable(split))
        if not chosen:
            raise Conflict(f"nothing is approved for a {split.value} release yet; review some items first")
        return chosen
    wanted = list(dict.fromkeys(item_ids))
    chosen = []
    for start in range(0, len(wanted), _QUERY_SIZE):
        chosen += _find_items(session, col(ItemRow.id).in_(wanted[start : start + _QUERY_SIZE]))
    if unknown := set(wanted) - {item.id for item in chosen}:
        raise NotFound(f"there are no items {', '.join(sorted(unknown))}; look the ids up in the list of items")
    if not chosen:
        raise Conflict("a release without items is not possible; name at least one approved item")
    refused = [
        f"{label(item.number)} is at stage {item.stage.value!r}, not approved"
        for item in chosen
        if item.stage not in (Stage.REVIEWED, Stage.RELEASED)
    ] + [
        f"{label(item.number)} belongs to the split {item.split!r}, not {split.value!r}"
        for item in chosen
        if item.split not in (None, split.value)
    ]
    if refused:
        raise Conflict("not every item can be released: " + "; ".join(refused))
    return sorted(chosen, key=lambda item: item.number)


def _find_items(session: Session, condition: Any) -> list[ChosenItem]:
    columns: tuple[Any, ...] = (
        ItemRow.number, ItemRow.id, ItemRow.stage, ItemRow.split, ItemRow.updated_at, ItemRow.scenario_id,
        ItemRow.grounding_id,
    )  # fmt: skip
    rows = session.execute(sqlalchemy.select(*columns).where(condition).order_by(col(ItemRow.number)))
    return [ChosenItem(number, item_id, Stage(stage), *rest) for number, item_id, stage, *rest in rows]


def iterate_rows(
    *, session: Session, blobs: BlobStore, chosen: Sequence[ChosenItem], content: ReleaseContent
) -> Iterator[ReleasedItem]:
    """Yield the rows, a group in memory at a time; fills `content` on the way.

    Raises:
        Conflict: an item has no approval, scenario or grounding on record.
        NotFound, StorageError: a picture is missing or damaged.
    """
    for start in range(0, len(chosen), ROWS_PER_GROUP):
        group = chosen[start : start + ROWS_PER_GROUP]
        records = _load_records(session, group)
        for item in group:
            decision = records[item.number, "decision"]
            assert isinstance(decision, Decision)
            row = _build_row(item=item, records=records, decision=decision, blobs=blobs)
            content.tally.add(row)
            content.rows.append((row.id, row.content_sha256))
            decided = decision.provenance.created_at
            content.last_decision = max(content.last_decision or decided, decided)
            yield row


def _load_records(session: Session, group: Sequence[ChosenItem]) -> dict[tuple[int, str], Record]:
    """Return (item number, record id) -> record for what a row needs.

    The last of each kind of `_STANDING` stands also under its kind.

    Raises:
        Conflict: an item has no approval on record.
    """
    numbers = [item.number for item in group]
    found: dict[tuple[int, str], Record] = {}
    standing = select(RecordRow.item_number, RecordRow.kind, RecordRow.body).where(
        col(RecordRow.item_number).in_(numbers), col(RecordRow.kind).in_(_STANDING)
    )
    for number, kind, body in session.exec(standing.order_by(col(RecordRow.seq))):
        found[number, kind] = parse_record(body)  # the last one stands
    wanted = {record_id for item in group for record_id in (item.scenario_id, item.grounding_id) if record_id}
    for item in group:
        decision = found.get((item.number, "decision"))
        if not isinstance(decision, Decision) or decision.outcome is not Outcome.APPROVE:
            raise Conflict(f"{label(item.number)} has no approval on record; it cannot be released")
        wanted.update(decision.review_ids)
    names = sorted(wanted)
    for start in range(0, len(names), _QUERY_SIZE):
        query = select(RecordRow.item_number, RecordRow.id, RecordRow.body).where(
            col(RecordRow.item_number).in_(numbers), col(RecordRow.id).in_(names[start : start + _QUERY_SIZE])
        )
        for number, record_id, body in session.exec(query):
            found[number, record_id] = parse_record(body)
    return found


def _build_row(
    *, item: ChosenItem, records: Mapping[tuple[int, str], Record], decision: Decision, blobs: BlobStore
) -> ReleasedItem:
    scenario = records[item.number, item.scenario_id]
    grounding = records.get((item.number, item.grounding_id or ""))
    if not isinstance(scenario, Scenario) or not isinstance(grounding, Grounding):
        raise Conflict(f"{label(item.number)} has no scenario or no grounding on record; it cannot be released")
    reviews = [records[item.number, review_id] for review_id in decision.review_ids]
    verdicts = [
        review.verdict
        for review in reviews
        if isinstance(review, Review) and review.task_kind is TaskKind.SCENARIO_REVIEW
    ]
    picture, truth = grounding.image, records.get((item.number, "world_truth"))
    twin = _find_twin(item, records, scenario)
    row = ReleasedItem(
        id=item.id,
        label=label(item.number),
        category=scenario.category.value,
        sub_category=scenario.sub_category,
        query=scenario.query,
        image=None if picture is None else blobs.read(picture),
        image_path=None if picture is None else name_picture(picture.sha256, EXTENSIONS[picture.mime]),
        scene=scenario.scene,
        hidden_hazard=scenario.hidden_hazard,
        hazard_entities=scenario.hazard_entities,
        causal_chain=scenario.causal_chain,
        safe_answer_notes=scenario.safe_answer_notes,
        alt=grounding.alt,
        image_sha256=None if picture is None else picture.sha256,
        image_source=grounding.source,
        licence=grounding.licence,
        source_url=grounding.source_url,
        author=grounding.author or None,
        decision_policy=decision.policy,
        review_count=len(decision.review_ids),
        reviewer_agreement=round(verdicts.count(Verdict.APPROVE) / len(verdicts), 4) if verdicts else None,
        world_truth=truth.truth if isinstance(truth, WorldTruth) else None,
    )
    return (row if twin is None else _add_twin(row, twin, blobs)).seal()


def _find_twin(item: ChosenItem, records: Mapping[tuple[int, str], Record], scenario: Scenario) -> Twin | None:
    """Return the item's twin if it is of the scenario as approved, and a person has said that it is harmless."""
    twin, review = (records.get((item.number, kind)) for kind in ("twin", "twin_review"))
    if not isinstance(twin, Twin) or not isinstance(review, TwinReview):
        return None
    fits = twin.parent_id == item.scenario_id and twin.query == scenario.query
    return twin if fits and review.twin_id == twin.id and review.harmless else None


def _add_twin(row: ReleasedItem, twin: Twin, blobs: BlobStore) -> ReleasedItem:
    return replace(
        row,
        twin_image=blobs.read(twin.image),
        twin_image_path=name_picture(twin.image.sha256, EXTENSIONS[twin.image.mime]),
        twin_scene=twin.scene,
        twin_alt=twin.alt,
        twin_image_sha256=twin.image.sha256,
        twin_licence=twin.licence,
    )


def find_audit_head(session: Session, chosen: Sequence[ChosenItem]) -> dict[str, str | int]:
    """Return the last event about any of the items. Releases themselves do not count: a row does not depend on them.

    Raises:
        Conflict: there is no such event.
    """
    last = 0
    for start in range(0, len(chosen), _QUERY_SIZE):
        ids = [item.id for item in chosen[start : start + _QUERY_SIZE]]
        query = select(func.max(AuditRow.seq)).where(
            col(AuditRow.subject).in_(ids), ~col(AuditRow.payload).contains('"kind":"release_item"', autoescape=True)
        )
        last = max(last, session.exec(query).one() or 0)
    if last == 0:
        raise Conflict("the items have no events in the audit log; run `curator doctor`")
    head = session.exec(select(AuditRow.sha256).where(AuditRow.seq == last)).one()
    return {"seq": last, "sha256": head}


def refuse_changed(session: Session, chosen: Sequence[ChosenItem]) -> None:
    """Refuse when an item moved or was edited after its row was written (possible on PostgreSQL only).

    Raises:
        Conflict: it names the items.
    """
    for start in range(0, len(chosen), _QUERY_SIZE):
        part = list(chosen[start : start + _QUERY_SIZE])
        present = _find_items(session, col(ItemRow.number).in_([item.number for item in part]))
        if changed := [label(item.number) for item, found in zip(part, present, strict=True) if item != found]:
            raise Conflict(f"{', '.join(changed)} changed while the release was written; freeze it again")
