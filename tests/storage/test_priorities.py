"""Where tasks stand in the queue: moved for the present round, held claims untouched, what mining found remembered."""

import pytest
from factories import add_items_in_review, add_users, make_provenance
from sqlmodel import select

from storage.audit import Tag, verify_chain
from storage.claim_content import Claim
from storage.claims import claim_next, open_task
from storage.db import Database
from storage.errors import InvalidRecord, NotFound
from storage.items import attach, get_item, revise_scenario
from storage.mining_answers import TargetReply
from storage.priorities import make_rank, rank_tasks
from storage.records import Edits, Mining, TaskKind
from storage.tables import AuditRow, TaskRow


def move(db: Database, item_id: str, priority: int) -> int:
    with db.write() as session:
        moved = rank_tasks(session=session, item_id=item_id, priority=priority)
        session.commit()
    return moved


def claim(db: Database, person: int, kind: TaskKind = TaskKind.SCENARIO_REVIEW, count: int = 1) -> list[Claim]:
    with db.write() as session:
        claims = claim_next(session=session, user_id=person, kind=kind, count=count)
        session.commit()
    return claims


def add_mining(db: Database, item_id: str, priority: int | None) -> None:
    with db.write() as session:
        mined = Mining(
            item_id=item_id,
            scorer="words",
            replies=(TargetReply(role="target", model="m", text="Go on."),),
            priority=priority,
            parent_id=get_item(session=session, item_id=item_id).scenario_id,
            provenance=make_provenance(),
        )
        attach(session=session, item_id=item_id, record=mined, actor="tests")
        session.commit()


def open_check(db: Database, item_id: str) -> int:
    """Open a leakage check and return its rank."""
    with db.write() as session:
        rank = open_task(session=session, item_id=item_id, kind=TaskKind.LEAKAGE_CHECK, overlap=1).rank
        session.commit()
    return rank


def test_what_is_moved_comes_first_and_once_is_enough(db: Database) -> None:
    ids = add_items_in_review(db, 6)
    last = max(ids, key=lambda item_id: make_rank(item_id=item_id, priority=0))
    assert (move(db, last, 100), move(db, last, 100)) == (1, 0)
    (ann,) = add_users(db, "ann")
    assert claim(db, ann)[0].item.id == last
    with db.read() as session:
        events = session.exec(select(AuditRow).where(AuditRow.tag == Tag.TASK_RANKED.value)).all()
        assert [event.subject for event in events] == [last]
        verify_chain(session=session)


def test_who_holds_a_task_keeps_it(db: Database) -> None:
    (item_id,) = add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    held = claim(db, ann)
    move(db, item_id, -100)
    assert [again.claim_id for again in claim(db, ann)] == [held[0].claim_id]


def test_a_priority_out_of_range_or_an_unknown_item_is_refused(db: Database) -> None:
    (item_id,) = add_items_in_review(db, 1)
    with pytest.raises(InvalidRecord, match="priority 101 is out of range"):
        move(db, item_id, 101)
    with pytest.raises(NotFound):
        move(db, "0" * 16, 5)


@pytest.mark.parametrize(("found", "expected"), [(70, 70), (None, 0)])
def test_a_task_opened_later_starts_where_mining_put_the_item(db: Database, found: int | None, expected: int) -> None:
    (item_id,) = add_items_in_review(db, 1)
    add_mining(db, item_id, 20)
    add_mining(db, item_id, found)
    assert open_check(db, item_id) == make_rank(item_id=item_id, priority=expected)


def test_what_was_found_for_an_earlier_wording_counts_no_more(db: Database) -> None:
    (item_id,) = add_items_in_review(db, 1)
    add_mining(db, item_id, 70)
    with db.write() as session:
        revise_scenario(session=session, item_id=item_id, edits=Edits(query="Another?"), reason="test", actor="tests")
        session.commit()
    assert open_check(db, item_id) == make_rank(item_id=item_id, priority=0)
    assert move(db, item_id, 50) == 1  # the check of this round; the review of the round before stays
    with db.read() as session:
        ranks = {task.kind: task.rank for task in session.exec(select(TaskRow))}
    assert ranks[TaskKind.SCENARIO_REVIEW.value] == make_rank(item_id=item_id, priority=0)
