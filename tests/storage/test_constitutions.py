"""Versions of constitutions: appended, never changed, with author, time and reason, and never on a stale text."""

import json
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from storage.audit import Tag, verify_chain
from storage.constitutions import MAX_REASON, add_version, list_newest, list_versions
from storage.errors import Conflict, InvalidRecord
from storage.records import Category
from storage.tables import AuditRow
from storage.texts import hash_json

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)


def add(db, text, *, based_on, category=Category.SELF_HARM, reason="shorter", author="user:mia"):
    with db.write() as session:
        row = add_version(
            session=session, category=category, text=text, reason=reason, author=author, based_on=based_on, now=NOW
        )
        session.commit()
        return row.version


def test_versions_are_counted_in_each_category_and_old_ones_stay_as_they_were(db):
    assert add(db, "First.", based_on=0) == 1
    assert add(db, "Second.", based_on=1, reason="twins", author="user:ada") == 2
    assert add(db, "Other.", based_on=0, category=Category.HATE) == 1
    assert add(db, "First.", based_on=2, reason="back to version 1") == 3  # an old text is a new version
    with db.read() as session:
        rows = list_versions(session=session, category=Category.SELF_HARM)
        assert [(row.version, row.text, row.reason, row.author) for row in rows] == [
            (1, "First.", "shorter", "user:mia"),
            (2, "Second.", "twins", "user:ada"),
            (3, "First.", "back to version 1", "user:mia"),
        ]
        assert {row.created_at for row in rows} == {NOW}
        newest = list_newest(session=session)
        assert {category: row.version for category, row in newest.items()} == {Category.SELF_HARM: 3, Category.HATE: 1}


def test_each_is_an_event_of_the_chain_with_the_hash_of_the_text(db):
    add(db, "First.", based_on=0)
    with db.read() as session:
        (event,) = session.exec(select(AuditRow).where(AuditRow.tag == Tag.CONSTITUTION_CHANGED.value)).all()
        assert (event.subject, event.actor) == ("constitution:self_harm", "user:mia")
        assert json.loads(event.payload) == {"version": 1, "text_sha256": hash_json("First."), "reason": "shorter"}
        assert verify_chain(session=session).events == 1


def test_who_was_slower_is_told_and_overwrites_nothing(db):
    add(db, "First.", based_on=0)
    for based_on in (0, 2):
        with pytest.raises(Conflict, match="has version 1 by user:mia, and this text is based on version"):
            add(db, "Mine.", based_on=based_on)
    with pytest.raises(Conflict, match="has no version yet"):
        add(db, "Mine.", based_on=1, category=Category.HATE)
    with pytest.raises(Conflict, match="the text of version 1 already"):
        add(db, " First.\n", based_on=1)
    with db.read() as session:
        assert [row.text for row in list_versions(session=session, category=Category.SELF_HARM)] == ["First."]


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("  ", "why", "the constitution cannot be stored: text is empty"),
        ("a\x00b", "why", "NUL"),
        ("Text.", " ", "the reason cannot be stored: text is empty"),
        ("Text.", "x" * (MAX_REASON + 1), "the reason has 501 characters"),
    ],
)
def test_what_cannot_be_stored_is_refused(db, text, reason, told):
    with pytest.raises(InvalidRecord, match=told):
        add(db, text, based_on=0, reason=reason)
