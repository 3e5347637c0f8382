"""Items: adding scenarios, attaching records, and the one function that moves an item, `advance`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.errors import InvalidRecord, NotFound, TransitionRefused
from storage.records import Edits, Grounding, Provenance, Record, Scenario, parse_record
from storage.stages import Stage, check_transition
from storage.tables import ItemRow, RecordRow
from storage.texts import utc_now


def label(number: int) -> str:
    """Return how people see an item's number: `S-0412`."""
    return f"S-{number:04d}"


def add_scenario(
    *, session: Session, scenario: Scenario, batch: str, actor: str, now: datetime | None = None
) -> ItemRow:
    """Add an item at stage SCENARIO, or return the one that this very scenario already made.

    The caller commits.
    """
    now = now or utc_now()
    item_id = scenario.id[:16]
    existing = session.exec(select(ItemRow).where(ItemRow.id == item_id)).first()
    if existing is not None:
        return existing
    item = ItemRow(
        id=item_id,
        stage=Stage.SCENARIO.value,
        category=scenario.category.value,
        sub_category=scenario.sub_category,
        batch=batch,
        scenario_id=scenario.id,
        created_at=now,
        updated_at=now,
    )
    session.add(item)
    session.flush()
    append_record(session=session, item=item, record=scenario, actor=actor, now=now)
    payload = {"record": scenario.id, "category": item.category, "sub_category": item.sub_category, "batch": batch}
    record_event(session=session, actor=actor, tag=Tag.ITEM_ADDED, subject=item_id, payload=payload, now=now)
    return item


def advance(
    *, session: Session, item_id: str, to: Stage, record: Record, actor: str, now: datetime | None = None
) -> ItemRow:
    """Move an item: check the table, write the record, the new stage and the audit event. The caller commits.

    Raises:
        NotFound: there is no such item.
        TransitionRefused: the table has no such move, or not by this kind of record.
        InvalidRecord: a failed verdict would move the item forward.
    """
    now = now or utc_now()
    lock_chain(session=session)
    item = get_item(session=session, item_id=item_id, lock=True)
    current = Stage(item.stage)
    check_transition(current=current, to=to, record_kind=record.kind)
    passed = getattr(record, "passed", None)
    if passed is not None and passed == (to is Stage.REJECTED):
        raise InvalidRecord(
            f"a filter verdict with passed={passed} cannot move item {item_id} to {to.value!r}; "
            "send the verdict that does"
        )
    append_record(session=session, item=item, record=record, actor=actor, now=now)
    if isinstance(record, Grounding):
        item.grounding_id = record.id
        item.image_sha256 = record.image.sha256 if record.image else None
    item.stage = to.value
    item.updated_at = now
    session.add(item)
    payload = {"from": current.value, "to": to.value, "record": record.id, "kind": record.kind}
    record_event(session=session, actor=actor, tag=Tag.ITEM_MOVED, subject=item_id, payload=payload, now=now)
    return item


def attach(*, session: Session, item_id: str, record: Record, actor: str, now: datetime | None = None) -> RecordRow:
    """Add a record to an item without moving it. The same record twice is stored once. The caller commits.

    Raises:
        NotFound: there is no such item.
    """
    now = now or utc_now()
    item = get_item(session=session, item_id=item_id)
    existing = session.exec(
        select(RecordRow).where(RecordRow.id == record.id, RecordRow.item_number == item.number)
    ).first()
    if existing is not None:
        return existing
    row = append_record(session=session, item=item, record=record, actor=actor, now=now)
    payload = {"record": record.id, "kind": record.kind}
    record_event(session=session, actor=actor, tag=Tag.RECORD_ATTACHED, subject=item_id, payload=payload, now=now)
    return row


def revise_scenario(
    *, session: Session, item_id: str, edits: Edits, reason: str, actor: str, now: datetime | None = None
) -> Scenario:
    """Write a new scenario record that supersedes the item's, and begin a new round. The caller commits.

    Raises:
        NotFound: there is no such item.
        InvalidRecord: the edits change nothing.
        TransitionRefused: the item is not before the reviewers (stage REFINED).
    """
    now = now or utc_now()
    lock_chain(session=session)
    item = get_item(session=session, item_id=item_id, lock=True)
    if item.stage != Stage.REFINED.value:
        raise TransitionRefused(f"item {item_id} is at stage {item.stage!r}; only an item in review can be revised")
    before = get_scenario(session=session, item=item)
    changes: dict[str, Any] = {name: value for name, value in edits.model_dump().items() if value is not None}
    changes = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not changes:
        raise InvalidRecord("the revision changes nothing; edit the query or the scene, or approve or reject instead")
    provenance = Provenance(actor=actor, tool="storage.items.revise_scenario", created_at=now)
    after = before.model_copy(update={**changes, "parent_id": before.id, "provenance": provenance})
    after = Scenario.model_validate(after.model_dump())  # model_copy alone would skip the checks
    append_record(session=session, item=item, record=after, actor=actor, now=now)
    item.scenario_id = after.id
    item.round += 1
    item.updated_at = now
    session.add(item)
    payload = {"record": after.id, "supersedes": before.id, "round": item.round, "reason": reason}
    record_event(session=session, actor=actor, tag=Tag.ITEM_REVISED, subject=item_id, payload=payload, now=now)
    return after


def get_item(*, session: Session, item_id: str, lock: bool = False) -> ItemRow:
    """Return an item; with `lock` nobody else moves it until the commit.

    Raises:
        NotFound: there is no such item.
    """
    query = select(ItemRow).where(ItemRow.id == item_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    item = session.exec(query).first()
    if item is None:
        raise NotFound(f"there is no item {item_id!r}; look its id up in the list of items")
    return item


def find_labels(*, session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Return the labels of those of these items that there are, by id."""
    rows = session.exec(select(ItemRow.id, ItemRow.number).where(col(ItemRow.id).in_(list(ids))))
    return {item_id: label(number or 0) for item_id, number in rows}


def get_record(*, session: Session, record_id: str, item_number: int) -> Record:
    """Return one record of an item.

    Raises:
        NotFound: the item has no such record.
    """
    query = select(RecordRow.body).where(RecordRow.id == record_id, RecordRow.item_number == item_number)
    body = session.exec(query).first()
    if body is None:
        raise NotFound(f"item {label(item_number)} has no record {record_id}")
    return parse_record(body)


def get_scenario(*, session: Session, item: ItemRow) -> Scenario:
    """Return the item's scenario as it stands."""
    record = get_record(session=session, record_id=item.scenario_id, item_number=item.number or 0)
    assert isinstance(record, Scenario)
    return record


def get_grounding(*, session: Session, item: ItemRow) -> Grounding | None:
    """Return the item's picture record as it stands, None before it has one."""
    if item.grounding_id is None:
        return None
    record = get_record(session=session, record_id=item.grounding_id, item_number=item.number or 0)
    assert isinstance(record, Grounding)
    return record


def get_history(*, session: Session, item_id: str) -> list[Record]:
    """Return every record of an item, oldest first.

    Raises:
        NotFound: there is no such item.
    """
    item = get_item(session=session, item_id=item_id)
    query = select(RecordRow.body).where(RecordRow.item_number == item.number).order_by(col(RecordRow.seq))
    return [parse_record(body) for body in session.exec(query)]


def list_items(
    *,
    session: Session,
    stage: Stage | None = None,
    category: str | None = None,
    batch: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[ItemRow]:
    """Return items in the order of their numbers, from the one after number `after`."""
    query = select(ItemRow).where(col(ItemRow.number) > after).order_by(col(ItemRow.number)).limit(limit)
    if stage is not None:
        query = query.where(ItemRow.stage == stage.value)
    if category is not None:
        query = query.where(ItemRow.category == category)
    if batch is not None:
        query = query.where(ItemRow.batch == batch)
    return list(session.exec(query))


def list_approved_without(*, session: Session, batch: str, kind: str, but: str = "") -> list[ItemRow]:
    """Return the approved, pictured items of a batch whose present scenario has no record of that kind, by number.

    Records whose canonical JSON holds `but` do not count. Items that a release holds are left out: what was released
    does not change.
    """
    had = select(RecordRow.parent_id).where(RecordRow.kind == kind, col(RecordRow.item_number) == col(ItemRow.number))
    if but:
        had = had.where(~col(RecordRow.body).contains(but, autoescape=True))
    query = (
        select(ItemRow)
        .where(ItemRow.batch == batch, ItemRow.stage == Stage.REVIEWED.value)
        .where(col(ItemRow.image_sha256).is_not(None), col(ItemRow.scenario_id).not_in(had))
        .order_by(col(ItemRow.number))
    )
    return list(session.exec(query))


def append_record(*, session: Session, item: ItemRow, record: Record, actor: str, now: datetime) -> RecordRow:
    """Write one record of an item, without an event: for functions that record an event of their own."""
    assert item.number is not None
    row = RecordRow(
        id=record.id,
        item_number=item.number,
        kind=record.kind,
        parent_id=record.parent_id,
        actor=actor,
        body=record.to_json(),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row
