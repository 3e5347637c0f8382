"""Many people at once, on both databases: no slot is given twice, nothing is lost, nothing deadlocks."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from factories import add_items_in_review, add_users, make_answers
from sqlmodel import select

from storage.audit import Tag, record_event, verify_chain
from storage.db import Database, open_database
from storage.errors import Busy, ClaimLost, Conflict, NotFound
from storage.records import TaskKind
from storage.reviews import claim_next, submit_review
from storage.tables import AuditRow, ReviewRow, TaskRow
from storage.undo import undo_review


def run_all(work, arguments):
    """Run in threads that start together; return the results, raise the first error."""
    barrier = threading.Barrier(len(arguments))

    def start(argument):
        barrier.wait(timeout=30)
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(start, arguments))


def test_the_last_slot_goes_to_one_person(db: Database) -> None:
    add_items_in_review(db, 3, overlap=1)
    users = add_users(db, *(f"u{n}" for n in range(12)))

    def claim(user: int) -> list[int]:
        with db.write() as session:
            claims = claim_next(session=session, user_id=user, kind=TaskKind.SCENARIO_REVIEW, count=2)
            time.sleep(0.01)  # widens the window in which two could see the same free slot
            session.commit()
        return [claim.task_id for claim in claims]

    taken = Counter(task for tasks in run_all(claim, users) for task in tasks)
    assert set(taken.values()) == {1}
    assert len(taken) == 3


def test_two_tabs_of_one_person_get_different_items(db: Database) -> None:
    add_items_in_review(db, 8, overlap=3)
    (ann,) = add_users(db, "ann")

    def claim(tab: str) -> list[int]:
        with db.write() as session:
            claims = claim_next(session=session, user_id=ann, kind=TaskKind.SCENARIO_REVIEW, count=2, holder=tab)
            session.commit()
        return [claim.task_id for claim in claims]

    taken = Counter(task for tasks in run_all(claim, ["a", "b", "c", "d"]) for task in tasks)
    assert set(taken.values()) == {1}
    assert len(taken) == 8


def test_one_review_sent_by_many_connections_is_stored_once(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    with db.write() as session:
        held = claim_next(session=session, user_id=ann, kind=TaskKind.SCENARIO_REVIEW)[0]
        session.commit()

    def send(_: int) -> tuple[int, bool]:
        with db.write() as session:
            done = submit_review(
                session=session, user_id=ann, claim_id=held.claim_id, answers=make_answers(), idempotency_key="k"
            )
            session.commit()
        return done.review_id, done.repeated

    results = run_all(send, range(6))
    assert len({review_id for review_id, _ in results}) == 1
    assert [repeated for _, repeated in results].count(False) == 1


def test_claiming_submitting_and_undoing_at_once_keeps_the_books(db: Database) -> None:
    add_items_in_review(db, 25, overlap=2)
    users = add_users(db, *(f"u{n}" for n in range(6)))

    def work(user: int) -> int:
        stored = 0
        for turn in range(12):
            try:
                with db.write() as session:
                    claims = claim_next(session=session, user_id=user, kind=TaskKind.SCENARIO_REVIEW)
                    session.commit()
                if not claims:
                    break
                with db.write() as session:
                    verdict = "approve" if (user + turn) % 3 else "reject"
                    submit_review(
                        session=session,
                        user_id=user,
                        claim_id=claims[0].claim_id,
                        answers=make_answers(verdict),
                        idempotency_key=f"{user}-{turn}",
                    )
                    session.commit()
                stored += 1
                if turn % 4 == 3:
                    with db.write() as session:
                        undo_review(session=session, user_id=user)
                        session.commit()
                    stored -= 1
            except (ClaimLost, Conflict, NotFound):
                pass  # somebody was faster; nothing was stored
        return stored

    stored = sum(run_all(work, users))
    with db.read() as session:
        reviews = session.exec(select(ReviewRow).where(ReviewRow.status == "submitted")).all()
        assert len(reviews) == stored > 20
        assert set(Counter((r.task_id, r.user_id) for r in reviews).values()) == {1}
        for task in session.exec(select(TaskRow).where(TaskRow.kind == "scenario_review")):
            assert task.submitted == sum(r.task_id == task.id for r in reviews) <= task.overlap
        verify_chain(session=session)


def test_the_chain_has_no_gap_and_no_fork_under_many_writers(db: Database) -> None:
    def write(number: int) -> None:
        for _ in range(10):
            with db.write() as session:
                record_event(session=session, actor=f"u{number}", tag=Tag.ITEM_ADDED, subject="s", payload={})
                session.commit()

    run_all(write, range(8))
    with db.read() as session:
        assert verify_chain(session=session).events == 80
        assert len(session.exec(select(AuditRow)).all()) == 80


def test_a_database_locked_by_another_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.db.BUSY_TIMEOUT_S", 0.2)
    url = f"sqlite:///{tmp_path / 'c.db'}"
    mine, other = open_database(url), open_database(url)
    with mine.write(), pytest.raises(Busy, match=r"locked for 0\.2 s.*send it again"), other.write():
        pass
    mine.close()
    other.close()
