"""What must hold after any fault: every acknowledged review is there once, and all the books agree.

Each function raises AssertionError with the first thing that does not fit.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable

from fault_clients import Sent
from sqlalchemy import text
from sqlmodel import col, select

from storage.audit import Tag, verify_chain
from storage.db import Database
from storage.records import Decision, Review, parse_record
from storage.tables import AuditRow, ClaimRow, DecisionRow, ItemRow, RecordRow, ReviewRow, TaskRow

REVIEW = "scenario_review"


class Books:
    """Everything in a database that the checks read, loaded at once."""

    def __init__(self, db: Database) -> None:
        with db.read() as session:
            self.report = verify_chain(session=session)
            self.items = {row.number: row for row in session.exec(select(ItemRow))}
            self.tasks = {row.id: row for row in session.exec(select(TaskRow))}
            self.claims = list(session.exec(select(ClaimRow)))
            self.reviews = list(session.exec(select(ReviewRow).order_by(col(ReviewRow.id))))
            self.decisions = list(session.exec(select(DecisionRow).order_by(col(DecisionRow.id))))
            query = select(RecordRow).where(col(RecordRow.kind).in_(("review", "decision")))
            self.records = [(row.item_number, parse_record(row.body)) for row in session.exec(query)]
            events = list(session.exec(select(AuditRow)))
        self.events = Counter((row.tag, json.loads(row.payload).get("record")) for row in events)
        self.submitted: dict[int, list[ReviewRow]] = defaultdict(list)
        for row in self.reviews:
            if row.status == "submitted":
                self.submitted[row.task_id].append(row)
        self.decision_records = {(number, r.id): r for number, r in self.records if isinstance(r, Decision)}


def check_everything(db: Database, ledger: Iterable[Sent], names: dict[int, str]) -> Books:
    """Check a database that nobody writes to against what its clients were told; return what was read.

    Args:
        db: the database.
        ledger: every submission of every client.
        names: user id -> the client's name.
    """
    books = Books(db)
    check_ledger(books, ledger, names)
    check_people(books)
    check_slots(books)
    check_decisions(books)
    if db.is_sqlite:
        with db.read() as session:
            assert session.connection().execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert session.connection().execute(text("PRAGMA foreign_key_check")).all() == []
    return books


def check_ledger(books: Books, ledger: Iterable[Sent], names: dict[int, str]) -> None:
    """Acknowledged: stored once, as acknowledged. Unanswered: once or never. Refused: never."""
    rows: dict[tuple[str, str], list[ReviewRow]] = defaultdict(list)
    for row in books.reviews:
        rows[names[row.user_id], row.idempotency_key].append(row)
    records: dict[str, list[tuple[int, Review]]] = defaultdict(list)
    for number, record in books.records:
        if isinstance(record, Review):
            records[record.note].append((number, record))
    for sent in ledger:
        stored, written = rows.pop((sent.person, sent.key), []), records.pop(sent.key, [])
        allowed = {"acknowledged": {1}, "unanswered": {0, 1}, "refused": {0}}[sent.state]
        assert len(stored) in allowed, f"{sent} is stored {len(stored)} times"
        if stored:
            _check_stored(books, sent, stored[0], written)
        else:
            assert not written, f"{sent} has a record and no row"
    assert not rows, f"reviews that nobody sent: {sorted(rows)[:5]}"
    assert not records, f"records that nobody sent: {sorted(records)[:5]}"


def _check_stored(books: Books, sent: Sent, row: ReviewRow, written: list[tuple[int, Review]]) -> None:
    item = books.items[row.item_number]
    assert (row.claim_id, row.verdict, item.id) == (sent.claim_id, sent.verdict, sent.item_id), f"{sent} became {row}"
    if sent.state == "acknowledged":
        assert row.id == sent.review_id, f"{sent} is stored as {row.id}"
    originals = [(number, record) for number, record in written if record.status == "submitted"]
    assert [(number, record.id) for number, record in originals] == [(row.item_number, row.record_id)], sent
    review = originals[0][1]
    assert (review.reviewer, review.verdict.value, review.claim_id) == (sent.person, sent.verdict, sent.claim_id), sent
    taken_back = [record for _, record in written if record.status == "discarded"]
    assert len(taken_back) == (row.status == "discarded"), f"{sent}: {row.status}, {len(taken_back)} records of an undo"
    assert all(record.parent_id == row.record_id for record in taken_back), sent
    if sent.undone != "perhaps":
        assert row.status == {"no": "submitted", "yes": "discarded"}[sent.undone], f"{sent} is {row.status}"
    assert books.events[Tag.REVIEW_SUBMITTED.value, row.record_id] == 1, f"{sent}: events of its submission"
    undo_events = sum(books.events[Tag.REVIEW_UNDONE.value, record.id] for record in taken_back)
    assert undo_events == len(taken_back), f"{sent}: events of its undo"


def check_people(books: Books) -> None:
    """No task has more reviews than it asked for, and nobody is twice on one item in one round."""
    for task_id, rows in books.submitted.items():
        task = books.tasks[task_id]
        assert len(rows) <= task.overlap, f"{task} has {len(rows)} reviews"
    rounds = [
        (r.user_id, r.item_number, books.tasks[r.task_id].round) for rows in books.submitted.values() for r in rows
    ]
    twice = [key for key, times in Counter(rounds).items() if times > 1]
    assert not twice, f"(user, item, round) more than once: {twice[:5]}"
    holding = Counter((c.user_id, c.task_id) for c in books.claims if c.state in ("active", "submitted"))
    assert set(holding.values()) <= {1}, "somebody holds a task twice"
    assert Counter(c.id for c in books.claims if c.state == "submitted") == Counter(
        r.claim_id for rows in books.submitted.values() for r in rows
    ), "submitted claims are not those of the submitted reviews"


def check_slots(books: Books) -> None:
    """What a task derives from other rows is what those rows say."""
    active = Counter(claim.task_id for claim in books.claims if claim.state == "active")
    for task in books.tasks.values():
        assert task.id is not None
        submitted = len(books.submitted[task.id])
        assert task.submitted == submitted, f"{task} counts {task.submitted} reviews, there are {submitted}"
        if task.status == "open":
            free = task.overlap - submitted - active[task.id]
            assert task.open_slots == free >= 0, f"{task} says {task.open_slots} free slots, there are {free}"
        else:
            assert (task.open_slots, active[task.id]) == (0, 0), f"{task} is closed, with slots or claims"


def check_decisions(books: Books) -> None:
    """Every item stands where its reviews put it, with the record of the decision that did."""
    tasks = {(task.item_number, task.round, task.kind): task for task in books.tasks.values()}
    last: dict[int, DecisionRow] = {}
    for row in books.decisions:
        assert (row.item_number, row.record_id) in books.decision_records, f"{row} has no record"
        assert books.events[Tag.DECISION_MADE.value, row.record_id] == 1, f"{row}: events"
        last[row.task_id] = row
    for (number, round_, kind), task in tasks.items():
        if kind == REVIEW:
            other = tasks.get((number, round_, "adjudication"))
            _check_round(books, books.items[number], task, other, last)


def _check_round(
    books: Books, item: ItemRow, task: TaskRow, other: TaskRow | None, last: dict[int, DecisionRow]
) -> None:
    """Compare one round of one item with what its reviews should have led to."""
    assert task.id is not None
    reviews = books.submitted[task.id]
    stage = "refined"
    if len(reviews) < task.overlap:
        assert task.status == "open", f"{task} is closed too early"
        assert other is None or other.status == "withdrawn", f"{other} stands without its cause"
        assert task.id not in last or last[task.id].outcome == "reopened", f"{last[task.id]} stands on too little"
    else:
        verdicts = {row.verdict for row in reviews}
        agreed = verdicts.pop() if len(verdicts) == 1 else "revise"
        outcome = agreed if agreed != "revise" else "adjudicate"
        _check_decision(books, last.get(task.id), outcome, reviews)
        if outcome != "adjudicate":
            assert task.status == "decided" and (other is None or other.status == "withdrawn"), f"{task}, {other}"
            stage = {"approve": "reviewed", "reject": "rejected"}[outcome]
        else:
            assert other is not None and other.id is not None, f"{task} has no adjudication"
            settled = books.submitted[other.id]
            expected = ("decided", "decided") if settled else ("adjudicating", "open")
            assert (task.status, other.status) == expected, f"{task}, {other}"
            if settled:
                _check_decision(books, last.get(other.id), settled[0].verdict, [*reviews, *settled])
                stage = {"approve": "reviewed", "reject": "rejected"}.get(settled[0].verdict, "revised")
    if stage == "revised":
        assert item.round > task.round, f"{item} was revised in round {task.round} and has no new one"
    else:
        assert (item.round, item.stage) == (task.round, stage), f"{item} should be {stage} in round {task.round}"


def _check_decision(books: Books, row: DecisionRow | None, outcome: str, reviews: list[ReviewRow]) -> None:
    assert row is not None and row.outcome == outcome, f"{row} should say {outcome}"
    record = books.decision_records[row.item_number, row.record_id]
    assert record.outcome.value == outcome, record
    assert sorted(record.review_ids) == sorted(review.record_id for review in reviews), record
