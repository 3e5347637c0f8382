"""Leakage checks without a browser: claiming, locking, answering, and what stands in the database afterwards."""

from typing import Any

from factories import add_items_in_review
from sqlmodel import select

from storage.claim_content import Claim
from storage.claims import claim_next, open_task
from storage.db import Database
from storage.items import get_history, get_item
from storage.leak_answers import LeakAnswers, LeakMarks, LeakSettlement
from storage.leakage import lock_findings, lock_guess
from storage.records import LeakDecision, TaskKind
from storage.reviews import SubmittedReview, submit_review
from storage.tables import TaskRow
from storage.undo import undo_review

CHECK, SETTLE, REVIEW = TaskKind.LEAKAGE_CHECK, TaskKind.LEAKAGE_ADJUDICATION, TaskKind.SCENARIO_REVIEW
MARKS: dict[str, Any] = {"gives_away": "no", "sufficient": "yes", "unambiguous": "yes", "telling_text": False}


def add_checks(db: Database, count: int, overlap: int = 2) -> list[str]:
    ids = add_items_in_review(db, count)
    with db.write() as session:
        for item_id in ids:
            open_task(session=session, item_id=item_id, kind=CHECK, overlap=overlap)
        session.commit()
    return ids


def claim(db: Database, user: int, kind: TaskKind = CHECK, count: int = 1) -> list[Claim]:
    with db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=count)
        session.commit()
    return claims


def guess(db: Database, user: int, claim_id: str, text: str = "somebody falls") -> None:
    with db.write() as session:
        lock_guess(session=session, user_id=user, claim_id=claim_id, text=text)
        session.commit()


def find(db: Database, user: int, claim_id: str, **changes: Any) -> None:
    with db.write() as session:
        marks = LeakMarks.model_validate(MARKS | changes)
        lock_findings(session=session, user_id=user, claim_id=claim_id, marks=marks)
        session.commit()


def submit(db: Database, user: int, claim_id: str, outcome: str = "clean", **changes: Any) -> None:
    answers = LeakAnswers.model_validate({"outcome": outcome, "guess_named_it": "no"} | changes)
    with db.write() as session:
        submit_review(
            session=session, user_id=user, claim_id=claim_id, answers=answers, idempotency_key=claim_id + outcome
        )
        session.commit()


def check(
    db: Database,
    user: int,
    outcome: str = "clean",
    text: str = "somebody falls",
    marks: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """Answer the next check whole; return the item's id."""
    (held,) = claim(db, user)
    guess(db, user, held.claim_id, text)
    find(db, user, held.claim_id, **(marks or {}))
    submit(db, user, held.claim_id, outcome, **changes)
    return held.item.id


def undo(db: Database, user: int) -> Claim:
    with db.write() as session:
        back = undo_review(session=session, user_id=user)
        session.commit()
    return back


def decisions(db: Database, item_id: str) -> list[str | None]:
    with db.read() as session:
        history = get_history(session=session, item_id=item_id)
    return [record.outcome for record in history if isinstance(record, LeakDecision)]


def stage(db: Database, item_id: str) -> str:
    with db.read() as session:
        return get_item(session=session, item_id=item_id).stage


def tasks(db: Database) -> dict[tuple[str, int], tuple[str, int]]:
    with db.read() as session:
        return {(row.kind, row.round): (row.status, row.open_slots) for row in session.exec(select(TaskRow))}


def settle(db: Database, user: int, claim_id: str, key: str = "settled", **changes: Any) -> SubmittedReview:
    """Settle a difference; by default side with A."""
    answers = LeakSettlement.model_validate({"note": "the word names it"} | (changes or {"side": "A"}))
    with db.write() as session:
        done = submit_review(session=session, user_id=user, claim_id=claim_id, answers=answers, idempotency_key=key)
        session.commit()
    return done
