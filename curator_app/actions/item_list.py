"""Items to choose from, page by page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from curator_app.workspace import Workspace
from storage.errors import InvalidRecord
from storage.item_search import ItemFilter, count_items, list_batches, search_items
from storage.items import label
from storage.stages import Stage

PAGE_SIZE = 50


@dataclass(frozen=True)
class ListedItem:
    """One line of the list."""

    label: str
    stage: str
    batch: str
    query: str


@dataclass(frozen=True)
class ItemPage:
    """One page of the items that a filter leaves."""

    items: tuple[ListedItem, ...]
    total: int
    page: int
    """From 1; held to those there are."""
    pages: int
    wanted: ItemFilter
    batches: tuple[str, ...]
    """All there are."""


def find_label(words: str) -> str:
    """Return the label that somebody typed in place of words, or nothing."""
    return words.strip() if re.fullmatch(r"[Ss]-[0-9]{1,9}", words.strip()) else ""


def read_filter(values: Mapping[str, str]) -> ItemFilter:
    """Return the filter that an address's parameters ask for.

    Raises:
        InvalidRecord: there is no such stage.
    """
    stage = values.get("stage", "")
    if stage and stage not in set(Stage):
        raise InvalidRecord(f"there is no stage {stage!r}; choose one of {', '.join(Stage)}")
    return ItemFilter(
        words=values.get("words", "").strip()[:200],
        stage=Stage(stage) if stage else None,
        batch=values.get("batch", ""),
    )


def find_items(workspace: Workspace, wanted: ItemFilter, *, page: int = 1, size: int = PAGE_SIZE) -> ItemPage:
    """Return one page of the items that fit, `size` at most, the one that changed last on top."""
    with workspace.db.read() as session:
        total = count_items(session=session, wanted=wanted)
        pages = max(1, -(-total // size))
        page = min(max(1, page), pages)
        rows = search_items(session=session, wanted=wanted, offset=(page - 1) * size, limit=size)
        batches = list_batches(session=session)
    items = tuple(ListedItem(label(item.number or 0), item.stage, item.batch, query) for item, query in rows)
    return ItemPage(items=items, total=total, page=page, pages=pages, wanted=wanted, batches=tuple(batches))
