"""The checks after a fault would notice one: each planted fault in sound books is found."""

from collections.abc import Callable
from pathlib import Path

import pytest
from factories import add_items_in_review, add_users, make_answers
from fault_checks import check_everything
from fault_clients import Sent
from sqlalchemy import text

from storage.db import Database, open_database
from storage.records import TaskKind
from storage.reviews import claim_next, submit_review
from storage.schema import migrate
from storage.undo import undo_review

pytestmark = pytest.mark.faults

PLANTED = {
    "an acknowledged review is gone": ("DELETE FROM reviews WHERE id = 2", "is stored 0 times"),
    "its record is gone": ("DELETE FROM records WHERE kind = 'review' AND body LIKE '%ben-0%'", "ben-0"),
    "it was stored under another id": ("UPDATE reviews SET id = 900 WHERE id = 1", "is stored as 900"),
    "its verdict changed": ("UPDATE reviews SET verdict = 'reject' WHERE id = 1", "became"),
    "an undo was forgotten": ("UPDATE reviews SET status = 'submitted' WHERE status = 'discarded'", "undo"),
    "a slot is lost": ("UPDATE tasks SET open_slots = open_slots - 1 WHERE open_slots > 0", "free slots"),
    "a slot is given twice": ("UPDATE tasks SET open_slots = open_slots + 1 WHERE status = 'open'", "free slots"),
    "a claim came back": ("UPDATE claims SET state = 'active' WHERE state = 'submitted'", "submitted claims"),
    "an item did not move": ("UPDATE items SET stage = 'refined' WHERE stage = 'reviewed'", "should be reviewed"),
    "a decision is gone": ("DELETE FROM decisions", "should say approve"),
    "an audit event changed": ("UPDATE audit_events SET actor = 'user:eve' WHERE seq = 5", "event 5"),
}


@pytest.fixture
def books(tmp_path: Path) -> tuple[Database, list[Sent], dict[int, str]]:
    """Three items: one approved by both, one approved by one, one whose review was taken back."""
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    migrate(db=db)
    add_items_in_review(db, 3)
    people = dict(zip(add_users(db, "ann", "ben"), ("ann", "ben"), strict=True))
    ledger = []
    for user_id, name in people.items():
        with db.write() as session:
            for number in range(2 if name == "ann" else 1):
                claim = claim_next(session=session, user_id=user_id, kind=TaskKind.SCENARIO_REVIEW)[0]
                key = f"{name}-{number}"
                told = submit_review(
                    session=session,
                    user_id=user_id,
                    claim_id=claim.claim_id,
                    answers=make_answers(note=key),
                    idempotency_key=key,
                )
                sent = Sent(name, key, claim.claim_id, claim.item.id, "approve", "acknowledged", told.review_id)
                ledger.append(sent)
            session.commit()
    with db.write() as session:
        undo_review(session=session, user_id=next(iter(people)), review_id=2)
        session.commit()
    ledger[1].undone = "yes"
    return db, ledger, people


def test_sound_books_pass(books: tuple[Database, list[Sent], dict[int, str]]) -> None:
    db, ledger, people = books
    assert len(check_everything(db, ledger, people).decisions) == 1


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, books: tuple[Database, list[Sent], dict[int, str]]) -> None:
    db, ledger, people = books
    statement, complaint = PLANTED[fault]
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        assert connection.execute(text(statement)).rowcount
        connection.commit()
    with pytest.raises(Exception, match=complaint):
        check_everything(db, ledger, people)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda ledger: ledger.pop(), "that nobody sent"),
        (lambda ledger: setattr(ledger[0], "state", "refused"), "is stored 1 times"),
        (lambda ledger: setattr(ledger[0], "undone", "yes"), "is submitted"),
        (lambda ledger: setattr(ledger[1], "undone", "no"), "is discarded"),
    ],
)
def test_books_that_differ_from_what_was_told_are_found(
    change: Callable[[list[Sent]], object], complaint: str, books: tuple[Database, list[Sent], dict[int, str]]
) -> None:
    db, ledger, people = books
    change(ledger)
    with pytest.raises(AssertionError, match=complaint):
        check_everything(db, ledger, people)
