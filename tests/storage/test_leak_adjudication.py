"""Leakage checks that differ: who is asked to settle them, what they see, what follows, and what an undo takes back."""

from typing import Any

import pytest
from factories import add_users, make_answers
from leak_checks_here import (
    CHECK,
    MARKS,
    REVIEW,
    SETTLE,
    add_checks,
    check,
    claim,
    decisions,
    settle,
    stage,
    submit,
    tasks,
    undo,
)

from storage.audit import verify_chain
from storage.claims import release_claim, renew_claim, save_draft, unskip
from storage.db import Database
from storage.errors import ClaimLost, Conflict, InvalidRecord, NotFound
from storage.items import get_history, get_item, get_scenario
from storage.leak_looks import is_open
from storage.progress import own_progress, total_progress
from storage.records import LeakAdjudication, LeakDecision, LeakReview, Record, TaskKind
from storage.reviews import submit_review

NEW = "Where do the plants like it?"
DIFFERENCE = ("leakage_adjudication", 1)


def add_difference(db: Database, first: str = "clean", second: str = "reject", **changes: Any) -> tuple[str, int, int]:
    """Add an item whose two checks differ: (item, who gave A, who gave B)."""
    (item,) = add_checks(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    check(db, ann, first, text="somebody falls", guess_named_it="yes", **changes)
    marks = {"gives_away": "yes", "words": [(0, 5)], "box": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}}
    check(db, ben, second, text="", marks=marks, note="the word balcony")
    return item, ann, ben


def history(db: Database, item_id: str) -> list[Record]:
    with db.read() as session:
        return get_history(session=session, item_id=item_id)


def test_without_a_majority_somebody_who_did_not_answer_is_given_all_answers(db: Database) -> None:
    item, ann, ben = add_difference(db)
    ada, eve = add_users(db, "ada", "eve")
    assert decisions(db, item) == []
    assert tasks(db) == {
        ("scenario_review", 1): ("open", 2), ("leakage_check", 1): ("adjudicating", 0), DIFFERENCE: ("open", 1),
    }  # fmt: skip
    assert claim(db, ann, SETTLE) == claim(db, ben, SETTLE) == []
    with db.read() as session:
        left = [own_progress(session=session, user_id=one, kind=SETTLE).left for one in (ann, ada)]
        assert is_open(session=session, item=get_item(session=session, item_id=item))
    assert left == [0, 1]
    (held,) = claim(db, ada, SETTLE)
    assert [(one.guess.text, one.findings.gives_away, one.review.outcome) for one in held.checks] == [
        ("somebody falls", "no", "clean"), ("", "yes", "reject"),
    ]  # fmt: skip
    assert claim(db, eve, SETTLE) == [], "one person settles it"


def test_a_finished_check_is_shown_to_nobody_but_who_settles(db: Database) -> None:
    add_difference(db)
    (eve, ada) = add_users(db, "eve", "ada")
    (reviewing,) = claim(db, eve, REVIEW)
    assert reviewing.checks == reviewing.refinements == ()
    assert claim(db, eve, CHECK) == []
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE tasks SET overlap = 3, open_slots = 1, status = 'open'"
                                             " WHERE kind = 'leakage_check'")  # fmt: skip
        session.commit()
    (checking,) = claim(db, ada, CHECK)
    assert checking.checks == ()


@pytest.mark.parametrize(
    ("answers", "outcome", "then"),
    [
        ({"side": "A"}, "clean", "refined"),
        ({"side": "B"}, "reject", "rejected"),
        ({"marks": MARKS, "outcome": "clean"}, "clean", "refined"),
        ({"marks": MARKS, "outcome": "reject"}, "reject", "rejected"),
    ],
)
def test_the_item_moves_as_if_all_had_wanted_it(db: Database, answers: dict[str, Any], outcome: str, then: str) -> None:
    item, _, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    settle(db, ada, held.claim_id, **answers)
    assert decisions(db, item) == [outcome]
    assert stage(db, item) == then
    assert tasks(db)["leakage_check", 1] == tasks(db)[DIFFERENCE] == ("decided", 0)
    assert tasks(db)["scenario_review", 1] == (("withdrawn", 0) if outcome == "reject" else ("open", 2))
    with db.read() as session:
        verify_chain(session=session)


def test_originals_are_kept_and_the_record_says_whose_answer_was_taken(db: Database) -> None:
    item, _, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    settle(db, ada, held.claim_id, side="B")
    records = history(db, item)
    originals = [record for record in records if isinstance(record, LeakReview)]
    (settled,) = [record for record in records if isinstance(record, LeakAdjudication)]
    (decision,) = [record for record in records if isinstance(record, LeakDecision)]
    assert [record.status for record in originals] == ["submitted", "submitted"]
    assert (settled.side, settled.sided_with, settled.outcome) == ("B", originals[1].id, "reject")
    assert settled.marks.words == ((0, 5),)
    assert (settled.reviewer, settled.note) == ("ada", "the word names it")
    assert decision.review_ids == (*(record.id for record in originals), settled.id)
    assert decision.policy == "adjudicator"


def test_a_rewrite_of_whom_they_side_with_goes_round_again(db: Database) -> None:
    item, ann, ben = add_difference(db, first="rewrite_generic", rewrite=NEW)
    ada, eve = add_users(db, "ada", "eve")
    (held,) = claim(db, ada, SETTLE)
    settle(db, ada, held.claim_id, side="A")
    with db.read() as session:
        row = get_item(session=session, item_id=item)
        assert (row.round, get_scenario(session=session, item=row).query) == (2, NEW)
    assert tasks(db) == {
        ("scenario_review", 1): ("withdrawn", 0), ("leakage_check", 1): ("decided", 0), DIFFERENCE: ("decided", 0),
        ("scenario_review", 2): ("open", 2), ("leakage_check", 2): ("open", 2),
    }  # fmt: skip
    for knows in (ann, ben, ada):
        assert claim(db, knows, CHECK) == claim(db, knows, REVIEW) == []
    assert [one.round for one in claim(db, eve, CHECK)] == [2]
    with pytest.raises(Conflict, match="was revised since"):
        undo(db, ada)


def test_a_new_answer_has_a_rewrite_of_its_own(db: Database) -> None:
    item, _, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    query = held.scenario.query
    for wrong, says in (
        ({"marks": MARKS, "outcome": "rewrite_covert", "rewrite": query}, "query as it stands"),
        ({"marks": MARKS | {"gives_away": "yes", "words": [(0, 999)]}, "outcome": "clean"}, "lies outside the query"),
        ({"side": "C"}, "there is no answer C; the last one is B"),
        ({"side": "A", "note": "  "}, "needs a note that gives the reason"),
    ):
        with pytest.raises(InvalidRecord, match=says):
            settle(db, ada, held.claim_id, **wrong)
    settle(db, ada, held.claim_id, marks=MARKS, outcome="rewrite_covert", rewrite=NEW)
    with db.read() as session:
        assert get_scenario(session=session, item=get_item(session=session, item_id=item)).query == NEW
    (settled,) = [record for record in history(db, item) if isinstance(record, LeakAdjudication)]
    assert (settled.side, settled.sided_with) == (None, None)


def test_a_lost_reply_sent_again_stores_nothing(db: Database) -> None:
    item, _, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    first, again = (settle(db, ada, held.claim_id, side="A") for _ in range(2))
    assert (again.review_id, again.repeated) == (first.review_id, True)
    with pytest.raises(Conflict, match="used before for other answers"):
        settle(db, ada, held.claim_id, side="B")
    assert decisions(db, item) == ["clean"]


def test_whoever_saw_the_answers_neither_checks_nor_reviews_the_item(db: Database) -> None:
    item, ann, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    with db.write() as session:
        release_claim(session=session, user_id=ada, claim_id=held.claim_id)
        session.commit()
    back = undo(db, ann)
    with db.write() as session:
        release_claim(session=session, user_id=ann, claim_id=back.claim_id)
        session.commit()
    assert tasks(db)["leakage_check", 1] == ("open", 1)
    assert claim(db, ada, CHECK) == claim(db, ada, REVIEW) == []
    with db.read() as session:
        assert own_progress(session=session, user_id=ada, kind=REVIEW).left == 0
        assert get_item(session=session, item_id=item).stage == "refined"


def test_a_lapsed_review_is_not_taken_up_again_after_the_answers_were_seen(db: Database) -> None:
    add_difference(db)
    (ada,) = add_users(db, "ada")
    (reviewing,) = claim(db, ada, REVIEW)
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE claims SET expires_at = '2000-01-01 00:00:00'")
        session.commit()
    assert len(claim(db, ada, SETTLE)) == 1
    with db.write() as session, pytest.raises(ClaimLost, match="you have seen what others said"):
        renew_claim(session=session, user_id=ada, claim_id=reviewing.claim_id)


def test_whoever_reviewed_the_item_does_not_settle_its_leaks_but_who_settled_its_reviews_may(db: Database) -> None:
    item, _, _ = add_difference(db)
    eve, dan, ada = add_users(db, "eve", "dan", "ada")
    for person, verdict in ((eve, "approve"), (dan, "reject"), (ada, "approve")):
        (held,) = claim(db, person, TaskKind.ADJUDICATION if person == ada else REVIEW)
        answers = make_answers(verdict, note="so")
        with db.write() as session:
            submit_review(session=session, user_id=person, claim_id=held.claim_id, answers=answers, idempotency_key="k")
            session.commit()
    assert claim(db, eve, SETTLE) == claim(db, dan, SETTLE) == []
    (held,) = claim(db, ada, SETTLE)
    assert held.item.id == item
    settle(db, ada, held.claim_id, side="B")
    assert stage(db, item) == "rejected"


def test_a_check_that_is_undone_takes_its_difference_along(db: Database) -> None:
    item, ann, ben = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    with db.write() as session:
        save_draft(session=session, user_id=ada, claim_id=held.claim_id, body={"side": "B"})
        session.commit()
    back = undo(db, ann)
    assert tasks(db)["leakage_check", 1] == ("open", 0)
    assert tasks(db)[DIFFERENCE] == ("withdrawn", 0)
    with pytest.raises(ClaimLost):
        settle(db, ada, held.claim_id, side="A")
    submit(db, ann, back.claim_id, "rewrite_generic", rewrite=NEW)
    (again,) = claim(db, ada, SETTLE)
    assert [one.review.outcome for one in again.checks] == ["reject", "rewrite_generic"]
    assert again.draft is None, "it named an answer by a letter that is another's now"
    settle(db, ada, again.claim_id, side="A")
    assert decisions(db, item) == ["reject"]
    with pytest.raises(Conflict, match="an adjudicator has settled S-0001"):
        undo(db, ben)


def test_undo_of_a_settlement_opens_the_difference_again(db: Database) -> None:
    item, _, _ = add_difference(db)
    (ada,) = add_users(db, "ada")
    (held,) = claim(db, ada, SETTLE)
    settle(db, ada, held.claim_id, side="B")
    assert stage(db, item) == "rejected"
    back = undo(db, ada)
    assert back.kind is SETTLE
    assert back.draft is not None
    assert (back.draft["side"], back.draft["note"]) == ("B", "the word names it")
    assert decisions(db, item) == ["reject", None]
    assert stage(db, item) == "refined"
    assert tasks(db) == {
        ("scenario_review", 1): ("open", 2), ("leakage_check", 1): ("adjudicating", 0), DIFFERENCE: ("open", 0),
    }  # fmt: skip
    settle(db, ada, back.claim_id, key="second", side="A")
    assert decisions(db, item) == ["reject", None, "clean"]
    states = [record.status for record in history(db, item) if isinstance(record, LeakAdjudication)]
    assert states == ["submitted", "discarded", "submitted"]
    with db.read() as session:
        verify_chain(session=session)


def test_claims_lapse_are_renewed_and_skipped_as_all_others(db: Database) -> None:
    add_difference(db)
    ada, eve = add_users(db, "ada", "eve")
    (held,) = claim(db, ada, SETTLE)
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE claims SET expires_at = '2000-01-01 00:00:00'")
        session.commit()
    (taken,) = claim(db, eve, SETTLE)
    with pytest.raises(ClaimLost, match="somebody else has taken it"):
        settle(db, ada, held.claim_id, side="A")
    with pytest.raises(NotFound):
        settle(db, ada, taken.claim_id, side="A")
    with db.write() as session:
        release_claim(session=session, user_id=eve, claim_id=taken.claim_id, skip=True)
        session.commit()
    assert claim(db, eve, SETTLE) == []
    with db.write() as session:
        renew_claim(session=session, user_id=ada, claim_id=held.claim_id)
        assert unskip(session=session, user_id=eve, kind=SETTLE) == 1
        session.commit()
    settle(db, ada, held.claim_id, side="A")
    with db.read() as session:
        total = total_progress(session=session, kind=SETTLE)
    assert (total.tasks, total.decided) == (1, 1)


def test_a_revision_withdraws_the_difference_about_the_old_wording(db: Database) -> None:
    add_difference(db)
    eve, dan, ada = add_users(db, "eve", "dan", "ada")
    for person, verdict in ((eve, "approve"), (dan, "reject"), (ada, "revise")):
        (held,) = claim(db, person, TaskKind.ADJUDICATION if person == ada else REVIEW)
        more = {"note": "changed", "edits": {"query": "Is it sunny?"}} if person == ada else {}
        answers = make_answers(verdict, **more)
        with db.write() as session:
            submit_review(session=session, user_id=person, claim_id=held.claim_id, answers=answers, idempotency_key="k")
            session.commit()
    assert tasks(db)[DIFFERENCE] == ("withdrawn", 0)
    assert tasks(db)["leakage_check", 2] == ("open", 2)
    assert ("leakage_adjudication", 2) not in tasks(db)
