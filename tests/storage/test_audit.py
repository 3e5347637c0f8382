"""The audit chain: any change to stored history is found and named."""

import shutil
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, select, update

from storage.audit import FIRST_LINK, Tag, record_event, verify_chain
from storage.db import Database, open_database
from storage.errors import ChainBroken
from storage.tables import AuditRow


def fill(db: Database, count: int = 5) -> str:
    with db.write() as session:
        for number in range(count):
            row = record_event(
                session=session,
                actor=f"user:u{number}",
                tag=Tag.ITEM_ADDED,
                subject=f"i{number}",
                payload={"n": number},
            )
        session.commit()
        return row.sha256


def change(db: Database, statement: object) -> None:
    with db.write() as session:
        session.exec(statement)
        session.commit()


def test_an_empty_chain_verifies(db: Database) -> None:
    with db.read() as session:
        assert verify_chain(session=session).head == FIRST_LINK


def test_an_untouched_chain_verifies(db: Database) -> None:
    head = fill(db, 2500)  # more than one fetch
    with db.read() as session:
        report = verify_chain(session=session, expected_head=head)
    assert (report.events, report.head) == (2500, head)


@pytest.mark.parametrize(
    ("field", "value"),
    [("actor", "user:eve"), ("tag", "items:item:advance"), ("subject", "i9"), ("payload", '{"n":7}'),
     ("payload", '{"n": 3}'), ("payload", "{"), ("sha256", "0" * 64), ("previous_sha256", "0" * 64)],
)  # fmt: skip
def test_a_changed_event_is_named(db: Database, field: str, value: str) -> None:
    fill(db)
    change(db, update(AuditRow).where(AuditRow.seq == 4).values({field: value}))
    with db.read() as session, pytest.raises(ChainBroken, match=r"event [45]"):
        verify_chain(session=session)


def test_a_removed_event_is_named(db: Database) -> None:
    fill(db)
    change(db, delete(AuditRow).where(AuditRow.seq == 3))
    with db.read() as session, pytest.raises(ChainBroken, match="event 3 is missing"):
        verify_chain(session=session)


def test_a_cut_off_end_shows_against_a_noted_head(db: Database) -> None:
    head = fill(db)
    change(db, delete(AuditRow).where(AuditRow.seq == 5))
    with db.read() as session:
        assert verify_chain(session=session).events == 4
        with pytest.raises(ChainBroken, match="cut off"):
            verify_chain(session=session, expected_head=head)


def test_what_a_savepoint_takes_back_leaves_no_gap(db: Database) -> None:
    with db.write() as session:
        add = partial(record_event, session=session, actor="user:u", tag=Tag.ITEM_ADDED, payload={})
        add(subject="stays")
        with pytest.raises(ValueError, match="taken back"), session.begin_nested():
            add(subject="goes")
            raise ValueError("taken back")
        add(subject="stays as well")
        session.commit()
    with db.read() as session:
        assert verify_chain(session=session).events == 2


def test_an_unknown_tag_is_refused(db: Database) -> None:
    with db.write() as session, pytest.raises(ValueError, match="not a valid Tag"):
        record_event(session=session, actor="a", tag="items:item:vanish", subject="s", payload={})


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(texts, texts, st.dictionaries(texts, texts | st.integers() | st.booleans())), min_size=1),
    data=st.data(),
)
def test_any_swap_of_two_events_breaks_the_chain(
    tmp_path: Path, migrated_file: Path, events: list[tuple[str, str, dict[str, object]]], data: st.DataObject
) -> None:
    copy = shutil.copy(migrated_file, tmp_path / f"{uuid4()}.db")
    db = open_database(f"sqlite:///{copy}")
    with db.write() as session:
        for actor, subject, payload in events:
            record_event(session=session, actor=actor, tag=Tag.ITEM_ADDED, subject=subject, payload=payload)
        verify_chain(session=session)
        rows = session.exec(select(AuditRow).order_by(AuditRow.seq)).all()
        if len(rows) > 1:
            place = data.draw(st.integers(0, len(rows) - 2))
            _swap(session, rows[place].seq)
            with pytest.raises(ChainBroken):
                verify_chain(session=session)
    db.close()


def _swap(session: Session, seq: int) -> None:
    for old, new in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
        session.exec(update(AuditRow).where(AuditRow.seq == old).values(seq=new))
    session.expire_all()
