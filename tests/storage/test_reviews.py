"""The review queue: claims, submissions, undo, decisions, blindness."""

from datetime import timedelta

import pytest
from factories import add_items_in_review, add_users, make_answers
from sqlmodel import select

from storage.audit import verify_chain
from storage.claims import add_flag
from storage.db import Database
from storage.errors import ClaimLost, Conflict, InvalidRecord, NotFound
from storage.items import get_history, get_item, get_scenario
from storage.records import Decision, Outcome, Review, TaskKind
from storage.reviews import claim_next, release_claim, renew_claim, save_draft, submit_review, unskip, visible_reviews
from storage.stages import Stage
from storage.tables import ClaimRow, FlagRow, ReviewRow, TaskRow
from storage.texts import utc_now
from storage.undo import undo_review

KIND = TaskKind.SCENARIO_REVIEW


def claim(db, user, count=1, kind=KIND, **more):
    with db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=count, **more)
        session.commit()
    return claims


def submit(db, user, claim_id, verdict="approve", key=None, **more):
    with db.write() as session:
        result = submit_review(
            session=session,
            user_id=user,
            claim_id=claim_id,
            answers=make_answers(verdict, **more),
            idempotency_key=key or f"key-{claim_id}",
        )
        session.commit()
    return result


def undo(db, user, **more):
    with db.write() as session:
        result = undo_review(session=session, user_id=user, **more)
        session.commit()
    return result


def stage_of(db, item_id):
    with db.read() as session:
        return Stage(get_item(session=session, item_id=item_id).stage)


def check_slots(db: Database) -> None:
    """What `open_slots` and `submitted` say is what the rows say, and nobody answered twice."""
    with db.read() as session:
        for task in session.exec(select(TaskRow)):
            reviews = session.exec(
                select(ReviewRow).where(ReviewRow.task_id == task.id, ReviewRow.status == "submitted")
            ).all()
            active = session.exec(select(ClaimRow).where(ClaimRow.task_id == task.id, ClaimRow.state == "active")).all()
            assert task.submitted == len(reviews) <= task.overlap
            assert len({review.user_id for review in reviews}) == len(reviews)
            if task.status == "open":
                assert task.open_slots == task.overlap - len(reviews) - len(active)
        verify_chain(session=session)


def test_two_agreeing_approvals_move_the_item(db: Database) -> None:
    (item,) = add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    submit(db, ann, claim(db, ann)[0].claim_id)
    assert stage_of(db, item) is Stage.REFINED
    submit(db, ben, claim(db, ben)[0].claim_id)
    assert stage_of(db, item) is Stage.REVIEWED
    with db.read() as session:
        decision = get_history(session=session, item_id=item)[-1]
    assert isinstance(decision, Decision)
    assert (decision.outcome, decision.policy, len(decision.review_ids)) == (Outcome.APPROVE, "2 agreeing", 2)
    check_slots(db)


def test_two_agreeing_rejections_end_the_item(db: Database) -> None:
    (item,) = add_items_in_review(db, 1)
    for user in add_users(db, "ann", "ben"):
        submit(db, user, claim(db, user)[0].claim_id, "reject")
    assert stage_of(db, item) is Stage.REJECTED


def test_no_third_person_and_nobody_twice(db: Database) -> None:
    add_items_in_review(db, 1)
    ann, ben, cem = add_users(db, "ann", "ben", "cem")
    first = claim(db, ann)[0]
    assert claim(db, ann, holder="another tab") == []
    assert len(claim(db, ben)) == 1
    assert claim(db, cem) == []
    submit(db, ann, first.claim_id)
    assert claim(db, ann) == []
    check_slots(db)


def test_claiming_again_returns_the_same_claims_renewed(db: Database) -> None:
    add_items_in_review(db, 6)
    (ann,) = add_users(db, "ann")
    start = utc_now()
    first = claim(db, ann, 3, holder="tab", now=start)
    again = claim(db, ann, 4, holder="tab", now=start + timedelta(seconds=60))
    assert [c.claim_id for c in again[:3]] == [c.claim_id for c in first]
    assert again[0].expires_at == first[0].expires_at + timedelta(seconds=60)
    assert len(again) == 4
    other = claim(db, ann, 5, holder="other tab")
    assert len(other) == 2
    assert not {c.item.id for c in other} & {c.item.id for c in again}
    check_slots(db)


def test_higher_priority_comes_first(db: Database) -> None:
    add_items_in_review(db, 5)
    (urgent,) = add_items_in_review(db, 1, priority=10)
    add_items_in_review(db, 5)
    (ann,) = add_users(db, "ann")
    assert claim(db, ann)[0].item.id == urgent


def test_a_lapsed_claim_goes_to_the_next_person(db: Database) -> None:
    add_items_in_review(db, 1, overlap=1)
    ann, ben = add_users(db, "ann", "ben")
    start = utc_now()
    lost = claim(db, ann, now=start, ttl_s=60)[0]
    assert claim(db, ben, now=start + timedelta(seconds=59)) == []
    taken = claim(db, ben, now=start + timedelta(seconds=61))[0]
    with pytest.raises(ClaimLost, match="somebody else has taken it"):
        submit(db, ann, lost.claim_id)
    submit(db, ben, taken.claim_id)
    with pytest.raises(ClaimLost, match="finished by others"):
        submit(db, ann, lost.claim_id)
    check_slots(db)


def test_a_lapsed_claim_is_taken_up_again_while_its_slot_is_free(db: Database) -> None:
    add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    start = utc_now()
    late = claim(db, ann, now=start, ttl_s=60)[0]
    claim(db, ben, now=start + timedelta(seconds=61))  # sweeps ann's claim, and leaves one slot
    with db.write() as session:
        expiry = renew_claim(
            session=session, user_id=ann, claim_id=late.claim_id, ttl_s=60, now=start + timedelta(seconds=70)
        )
        session.commit()
    assert expiry == start + timedelta(seconds=130)
    submit(db, ann, late.claim_id)
    check_slots(db)


def test_sending_a_review_again_stores_it_once(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    claim_id = claim(db, ann)[0].claim_id
    first = submit(db, ann, claim_id, key="k", seconds=3)
    again = submit(db, ann, claim_id, key="k", seconds=5)
    assert again.repeated
    assert not first.repeated
    assert (again.review_id, again.record_id) == (first.review_id, first.record_id)
    with pytest.raises(Conflict, match="used before for other answers"):
        submit(db, ann, claim_id, "reject", key="k")
    with pytest.raises(ClaimLost, match="already submitted"):
        submit(db, ann, claim_id, key="another")
    check_slots(db)


def test_another_persons_claim_is_not_found(db: Database) -> None:
    add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    claim_id = claim(db, ann)[0].claim_id
    for act in (
        lambda s: release_claim(session=s, user_id=ben, claim_id=claim_id),
        lambda s: renew_claim(session=s, user_id=ben, claim_id=claim_id),
        lambda s: save_draft(session=s, user_id=ben, claim_id=claim_id, body={}),
        lambda s: add_flag(session=s, user_id=ben, claim_id=claim_id, note="x"),
        lambda s: submit_review(session=s, user_id=ben, claim_id=claim_id, answers=make_answers(), idempotency_key="k"),
    ):
        with db.write() as session, pytest.raises(NotFound, match="no claim"):
            act(session)


def test_skip_hides_the_item_until_unskip_and_release_does_not(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    for skip, offered in ((False, 1), (True, 0)):
        first = claim(db, ann)[0]
        for _ in range(2):  # sent twice changes nothing
            with db.write() as session:
                release_claim(session=session, user_id=ann, claim_id=first.claim_id, skip=skip)
                session.commit()
        found = claim(db, ann)
        assert len(found) == offered
        for held in found:
            with db.write() as session:
                release_claim(session=session, user_id=ann, claim_id=held.claim_id)
                session.commit()
    with db.write() as session:
        assert unskip(session=session, user_id=ann, kind=KIND) == 1
        session.commit()
    assert len(claim(db, ann)) == 1
    check_slots(db)


def test_a_draft_comes_back_with_the_next_claim_and_goes_with_the_review(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    first = claim(db, ann)[0]
    assert first.draft is None
    with db.write() as session:
        save_draft(session=session, user_id=ann, claim_id=first.claim_id, body={"note": "die Brüstung 🪟"})
        release_claim(session=session, user_id=ann, claim_id=first.claim_id)
        session.commit()
    again = claim(db, ann)[0]
    assert again.draft == {"note": "die Brüstung 🪟"}
    submit(db, ann, again.claim_id)
    assert undo(db, ann).draft["verdict"] == "approve"


@pytest.mark.parametrize("body", [{"a": "x" * 40_000}, {"a": float("nan")}, {"a": "\ud800"}, {"a": "\x00"}])
def test_a_draft_that_cannot_be_kept_is_refused(db: Database, body: dict[str, object]) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    first = claim(db, ann)[0]
    with db.write() as session, pytest.raises(InvalidRecord, match="draft"):
        save_draft(session=session, user_id=ann, claim_id=first.claim_id, body=body)


def test_undo_is_a_new_record_and_gives_the_item_back(db: Database) -> None:
    (item,) = add_items_in_review(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    done = submit(db, ann, claim(db, ann)[0].claim_id, "reject", note="too plain")
    submit(db, ben, claim(db, ben)[0].claim_id, "reject")
    assert stage_of(db, item) is Stage.REJECTED
    back = undo(db, ann)
    assert stage_of(db, item) is Stage.REFINED
    assert back.draft["note"] == "too plain"
    assert undo(db, ann, review_id=done.review_id).claim_id == back.claim_id  # sent twice
    submit(db, ann, back.claim_id, "approve")
    with db.read() as session:
        history = get_history(session=session, item_id=item)
    reviews = [(r.reviewer, r.status, r.verdict.value) for r in history if isinstance(r, Review)]
    assert reviews == [
        ("ann", "submitted", "reject"),
        ("ben", "submitted", "reject"),
        ("ann", "discarded", "reject"),
        ("ann", "submitted", "approve"),
    ]
    outcomes = [r.outcome for r in history if isinstance(r, Decision)]
    assert outcomes == [Outcome.REJECT, Outcome.REOPENED, Outcome.ADJUDICATE]
    check_slots(db)


def test_undo_reaches_ten_reviews_back_and_no_further(db: Database) -> None:
    add_items_in_review(db, 12)
    (ann,) = add_users(db, "ann")
    done = [submit(db, ann, c.claim_id) for c in claim(db, ann, 12)]
    with pytest.raises(NotFound, match="last 10"):
        undo(db, ann, review_id=done[1].review_id)
    undone = [undo(db, ann).item.id for _ in range(10)]
    assert undone == [d.item_id for d in reversed(done[2:])]
    check_slots(db)


def test_a_difference_goes_to_an_adjudicator_who_took_no_part(db: Database) -> None:
    (item,) = add_items_in_review(db, 1)
    ann, ben, ada = add_users(db, "ann", "ben", "ada")
    submit(db, ann, claim(db, ann)[0].claim_id)
    submit(db, ben, claim(db, ben)[0].claim_id, "reject")
    assert claim(db, ann, kind=TaskKind.ADJUDICATION) == []
    held = claim(db, ada, kind=TaskKind.ADJUDICATION)[0]
    assert [review.verdict.value for review in held.others] == ["approve", "reject"]
    with pytest.raises(InvalidRecord, match="needs a note"):
        submit(db, ada, held.claim_id, "approve")
    submit(db, ada, held.claim_id, "approve", note="the railing shows")
    with pytest.raises(Conflict, match="adjudicator has settled"):
        undo(db, ann)
    assert stage_of(db, item) is Stage.REVIEWED
    undo(db, ada)
    assert stage_of(db, item) is Stage.REFINED
    check_slots(db)


def test_undo_withdraws_a_pending_adjudication_and_a_new_difference_reopens_it(db: Database) -> None:
    add_items_in_review(db, 1)
    ann, ben, ada = add_users(db, "ann", "ben", "ada")
    submit(db, ann, claim(db, ann)[0].claim_id)
    submit(db, ben, claim(db, ben)[0].claim_id, "reject")
    held = claim(db, ada, kind=TaskKind.ADJUDICATION)[0]
    back = undo(db, ben)
    with pytest.raises(ClaimLost):
        submit(db, ada, held.claim_id, "approve", note="x")
    assert claim(db, ada, kind=TaskKind.ADJUDICATION) == []
    submit(db, ben, back.claim_id, "revise")
    assert len(claim(db, ada, kind=TaskKind.ADJUDICATION)) == 1
    check_slots(db)


def test_a_revision_makes_a_new_scenario_and_a_new_round(db: Database) -> None:
    (item,) = add_items_in_review(db, 1)
    ann, ben, ada = add_users(db, "ann", "ben", "ada")
    edits = {"query": "Would basil do well here?"}
    for user in (ann, ben):
        submit(db, user, claim(db, user)[0].claim_id, "revise", edits=edits)
    held = claim(db, ada, kind=TaskKind.ADJUDICATION)[0]
    with pytest.raises(InvalidRecord, match="makes the change"):
        submit(db, ada, held.claim_id, "revise", note="as both say")
    submit(db, ada, held.claim_id, "revise", note="as both say", edits=edits)
    with db.read() as session:
        row = get_item(session=session, item_id=item)
        scenario = get_scenario(session=session, item=row)
    assert (row.round, row.stage, scenario.query) == (2, "refined", "Would basil do well here?")
    assert scenario.parent_id is not None
    with pytest.raises(Conflict, match="new round"):
        undo(db, ann)
    again = claim(db, ann)[0]  # the same people may judge the new round
    assert (again.round, again.scenario.query) == (2, "Would basil do well here?")
    check_slots(db)


def test_nobody_sees_anothers_answer_before_all_are_in(db: Database) -> None:
    add_items_in_review(db, 1)
    ann, ben, cem = add_users(db, "ann", "ben", "cem")
    mine = claim(db, ann)[0]

    def seen_by(user: int) -> list[str]:
        with db.read() as session:
            return [r.reviewer for r in visible_reviews(session=session, viewer_id=user, task_id=mine.task_id)]

    submit(db, ann, mine.claim_id, note="secret words")
    other = claim(db, ben)[0]
    assert other.others == ()
    assert "secret words" not in repr(other)
    assert (seen_by(ann), seen_by(ben), seen_by(cem)) == (["ann"], [], [])
    submit(db, ben, other.claim_id, "reject")
    assert (seen_by(ann), seen_by(ben), seen_by(cem)) == (["ann", "ben"], ["ann", "ben"], [])


def test_a_flag_is_kept_for_the_maintainers(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    held = claim(db, ann)[0]
    with db.write() as session:
        add_flag(session=session, user_id=ann, claim_id=held.claim_id, note=" is this a real badge? ")
        session.commit()
    with db.read() as session:
        assert session.exec(select(FlagRow)).one().note == "is this a real badge?"
    with db.write() as session, pytest.raises(InvalidRecord, match="3000 characters"):
        add_flag(session=session, user_id=ann, claim_id=held.claim_id, note="x" * 3000)


@pytest.mark.parametrize("key", ["", "x" * 65, "a\nb"])
def test_a_bad_idempotency_key_is_refused(db: Database, key: str) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    held = claim(db, ann)[0]
    with db.write() as session, pytest.raises(InvalidRecord, match="idempotency_key"):
        submit_review(session=session, user_id=ann, claim_id=held.claim_id, answers=make_answers(), idempotency_key=key)
