"""Searching items, the one that changed last on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ColumnElement, cast, func, type_coerce
from sqlmodel import Session, col, select

from storage.stages import Stage
from storage.tables import ItemRow, RecordRow


@dataclass(frozen=True)
class ItemFilter:
    """Which items; None or an empty text leaves the choice open."""

    words: str = ""
    """Part of the query, in any case. The rest of a scenario is not searched, or a find would tell what it hides."""
    stage: Stage | None = None
    batch: str = ""


def search_items(
    *, session: Session, wanted: ItemFilter, offset: int = 0, limit: int = 50
) -> Sequence[tuple[ItemRow, str]]:
    """Return items with their queries as they are now, `limit` at most, from the one at `offset`."""
    last_first = _choose(session, wanted).order_by(col(ItemRow.updated_at).desc(), col(ItemRow.number).desc())
    return [(item, text) for item, text in session.exec(last_first.offset(offset).limit(limit))]


def count_items(*, session: Session, wanted: ItemFilter) -> int:
    """Return how many items fit."""
    return session.exec(select(func.count()).select_from(_choose(session, wanted).subquery())).one()


def list_batches(*, session: Session) -> list[str]:
    """Return the names of all batches, in order."""
    return list(session.exec(select(ItemRow.batch).distinct().order_by(ItemRow.batch)))


def _choose(session: Session, wanted: ItemFilter) -> Any:
    text = _query_text(session)
    query = select(ItemRow, text.label("words")).join(
        RecordRow, (col(RecordRow.id) == ItemRow.scenario_id) & (RecordRow.item_number == ItemRow.number)
    )
    if wanted.stage is not None:
        query = query.where(col(ItemRow.stage) == wanted.stage.value)
    if wanted.batch:
        query = query.where(col(ItemRow.batch) == wanted.batch)
    if wanted.words:
        query = query.where(text.icontains(wanted.words, autoescape=True))
    return query


def _query_text(session: Session) -> ColumnElement[str]:
    """The field `query` within the JSON text of a scenario; SQLite reads text as JSON, PostgreSQL wants it cast."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    body: Any = type_coerce(RecordRow.body, JSON) if sqlite else cast(RecordRow.body, JSON)
    text: ColumnElement[str] = body["query"].as_string()
    return text
