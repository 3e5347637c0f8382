"""Searching items by the words of their queries, by stage and by batch, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from factories import make_scenario
from sqlmodel import Session

from storage.db import Database
from storage.item_search import ItemFilter, count_items, list_batches, search_items
from storage.items import add_scenario
from storage.stages import Stage

START = datetime(2026, 1, 1, tzinfo=UTC)
QUERIES = ("Which plant likes SHADE?", 'Is "50% off" cheap?', "Is 505 off the list?", "Where do I put the péch_e?")
WANTED: tuple[tuple[dict[str, Any], tuple[int, ...]], ...] = (
    ({}, (3, 2, 1, 0)),
    ({"words": "shade"}, (0,)),
    ({"words": "50% OFF"}, (1,)),
    ({"words": '"50'}, (1,)),
    ({"words": "h_e"}, (3,)),
    ({"words": "péch"}, (3,)),
    ({"words": "railing"}, ()),  # of the scene
    ({"words": "is", "batch": "two"}, (2,)),
    ({"batch": "one"}, (1, 0)),
    ({"batch": "none"}, ()),
    ({"stage": Stage.SCENARIO}, (3, 2, 1, 0)),
    ({"stage": Stage.RELEASED}, ()),
)


def add_items(session: Session) -> list[str]:
    """Add four items, each a minute after the one before; the last two in another batch. Return their ids."""
    return [
        add_scenario(
            session=session,
            scenario=make_scenario(query=query, scene="A railing."),
            batch="one" if place < 2 else "two",
            actor="test",
            now=START + timedelta(minutes=place),
        ).id
        for place, query in enumerate(QUERIES)
    ]


def test_words_of_the_query_stage_and_batch_choose(db: Database) -> None:
    with db.write() as session:
        add_items(session)
        session.commit()
    with db.read() as session:
        assert list_batches(session=session) == ["one", "two"]
        for values, places in WANTED:
            wanted = ItemFilter(**values)
            found = search_items(session=session, wanted=wanted)
            assert [query for _, query in found] == [QUERIES[place] for place in places], values
            assert count_items(session=session, wanted=wanted) == len(places), values


def test_pages_follow_one_another(db: Database) -> None:
    with db.write() as session:
        ids = add_items(session)
        session.commit()
    with db.read() as session:
        pages = [search_items(session=session, wanted=ItemFilter(), offset=start, limit=3) for start in (0, 3, 6)]
        assert [[item.id for item, _ in page] for page in pages] == [ids[:0:-1], ids[:1], []]
