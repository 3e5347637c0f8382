"""What one person could do to the queue, and to the blindness of its reviews, and must not."""

import pytest
from factories import add_items_in_review, add_users, make_answers
from sqlmodel import select

from storage.claims import MAX_HELD, MAX_OPEN_FLAGS, add_flag
from storage.errors import ClaimLost, Conflict
from storage.progress import total_progress
from storage.records import TaskKind
from storage.reviews import claim_next, release_claim, submit_review
from storage.tables import ClaimRow, FlagRow
from storage.texts import utc_now
from storage.undo import MAX_UNDOS, undo_review

KIND = TaskKind.SCENARIO_REVIEW


def claim(db, user, count=1, kind=KIND, **more):
    with db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=count, **more)
        session.commit()
    return claims


def submit(db, user, claim_id, verdict="approve"):
    with db.write() as session:
        result = submit_review(
            session=session,
            user_id=user,
            claim_id=claim_id,
            answers=make_answers(verdict),
            idempotency_key=f"{user}-{claim_id}",
        )
        session.commit()
    return result


def test_one_person_cannot_hold_the_whole_queue(db):
    add_items_in_review(db, MAX_HELD + 5)
    (ann,) = add_users(db, "ann")
    tabs = [f"tab {number}" for number in range(MAX_HELD // 20)]
    held = [found for tab in tabs[:-1] for found in claim(db, ann, 20, holder=tab)]
    held += claim(db, ann, 19, holder=tabs[-1])
    assert len(claim(db, ann, 20, holder="one more")) == 1, "the last of those that may be held"
    with pytest.raises(Conflict, match=f"you hold {MAX_HELD} items"):
        claim(db, ann, 20, holder="too many")
    assert len(claim(db, ann, 20, holder=tabs[0])) == 20, "what is held is still given back"
    with db.write() as session:
        release_claim(session=session, user_id=ann, claim_id=held[0].claim_id)
        session.commit()
    assert len(claim(db, ann, 20, holder="too many")) == 1


def differ(db, ann, ben):
    """Let two people disagree on the first item; return the number of the first one's review."""
    (first,), (second,) = claim(db, ann), claim(db, ben)
    assert first.task_id == second.task_id
    review = submit(db, ann, first.claim_id, "approve")
    submit(db, ben, second.claim_id, "reject")
    return review.review_id, first.task_id


def undo_and_give_back(db, user, review_id):
    with db.write() as session:
        again = undo_review(session=session, user_id=user, review_id=review_id)
        release_claim(session=session, user_id=user, claim_id=again.claim_id, skip=True)
        session.commit()


def test_who_has_seen_a_difference_does_not_review_the_item_blind(db):
    add_items_in_review(db, 2)
    ann, ben, dan, eve = add_users(db, "ann", "ben", "dan", "eve")
    review_id, task_id = differ(db, ann, ben)
    (seen,) = claim(db, dan, kind=TaskKind.ADJUDICATION)
    assert [other.verdict.value for other in seen.others] == ["approve", "reject"]
    undo_and_give_back(db, ann, review_id)
    assert task_id not in {found.task_id for found in claim(db, dan, 20)}
    assert task_id in {found.task_id for found in claim(db, eve, 20)}


def test_a_lapsed_claim_is_not_taken_up_by_who_has_seen_the_difference(db):
    add_items_in_review(db, 1)
    ann, ben, dan = add_users(db, "ann", "ben", "dan")
    (lapsed,) = claim(db, dan)
    with db.write() as session:
        row = session.exec(select(ClaimRow).where(ClaimRow.user_id == dan)).one()
        row.expires_at = utc_now().replace(year=2020)
        session.add(row)
        session.commit()
    review_id, _ = differ(db, ann, ben)
    claim(db, dan, kind=TaskKind.ADJUDICATION)
    undo_and_give_back(db, ann, review_id)
    with pytest.raises(ClaimLost, match="seen what others said"):
        submit(db, dan, lapsed.claim_id)


def test_nobody_tries_answers_out_without_end(db):
    add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    submit(db, ben, claim(db, ben)[0].claim_id)
    claim_id = claim(db, ann)[0].claim_id
    for number in range(MAX_UNDOS):
        review = submit(db, ann, claim_id, ("approve", "reject")[number % 2])
        with db.write() as session:
            claim_id = undo_review(session=session, user_id=ann, review_id=review.review_id).claim_id
            session.commit()
    review = submit(db, ann, claim_id)
    with db.write() as session, pytest.raises(Conflict, match="this answer stands"):
        undo_review(session=session, user_id=ann, review_id=review.review_id)


def test_a_withdrawn_difference_is_not_counted(db):
    add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    review_id, _ = differ(db, ann, ben)
    with db.read() as session:
        assert total_progress(session=session, kind=TaskKind.ADJUDICATION).tasks == 1
    undo_and_give_back(db, ann, review_id)
    with db.read() as session:
        total = total_progress(session=session, kind=TaskKind.ADJUDICATION)
    assert (total.tasks, total.needed) == (0, 0)


def test_flags_are_not_doubled_and_not_without_end(db):
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)

    def flag(note):
        with db.write() as session:
            add_flag(session=session, user_id=ann, claim_id=held.claim_id, note=note)
            session.commit()

    for number in range(MAX_OPEN_FLAGS):
        flag(f"note {number}")
        flag(f"note {number}")
    with pytest.raises(Conflict, match="open flags"):
        flag("one more")
    with db.write() as session:
        rows = session.exec(select(FlagRow)).all()
        assert len(rows) == MAX_OPEN_FLAGS
        rows[0].resolved_at = utc_now()
        session.add(rows[0])
        session.commit()
    flag("one more")
