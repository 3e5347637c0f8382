"""Leakage checks: what is locked, who may be asked, what follows, and what an undo takes back."""

import json
from typing import Any

import pytest
from factories import add_items_in_review, add_users, make_answers
from leak_checks_here import (
    CHECK,
    MARKS,
    REVIEW,
    add_checks,
    check,
    claim,
    decisions,
    find,
    guess,
    stage,
    submit,
    tasks,
    undo,
)
from pydantic import ValidationError

from storage.audit import verify_chain
from storage.claims import release_claim
from storage.db import Database
from storage.errors import ClaimLost, Conflict, InvalidRecord
from storage.intervals import Share
from storage.items import get_history, get_item, get_scenario, revise_scenario
from storage.leak_answers import Box, LeakAnswers, LeakMarks, LeakSettlement
from storage.leak_looks import give_up_check, may_be_asked
from storage.leak_rates import read_answers, share_named
from storage.progress import own_progress
from storage.records import Edits, LeakReview, TaskKind
from storage.reviews import submit_review


def test_a_locked_guess_cannot_be_changed_and_comes_back_with_the_claim(db: Database) -> None:
    add_checks(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    assert held.guess is None
    guess(db, ann, held.claim_id, " a  fall ")
    guess(db, ann, held.claim_id, "a fall")  # a lost reply, sent again
    with pytest.raises(Conflict, match="is locked: 'a fall'"):
        guess(db, ann, held.claim_id, "a fire")
    (again,) = claim(db, ann)
    assert again.guess is not None
    assert (again.guess.text, again.findings) == ("a fall", None)
    find(db, ann, held.claim_id, gives_away="yes", words=[(0, 2)])
    with pytest.raises(Conflict, match="findings on S-0001 are locked"):
        find(db, ann, held.claim_id, gives_away="no")
    (again,) = claim(db, ann)
    assert again.findings is not None
    assert again.findings.words == ((0, 2),)


def test_the_steps_have_one_order(db: Database) -> None:
    add_checks(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    with pytest.raises(Conflict, match="lock it first"):
        find(db, ann, held.claim_id)
    with pytest.raises(Conflict, match="the outcome comes last"):
        submit(db, ann, held.claim_id)
    guess(db, ann, held.claim_id, "")
    with pytest.raises(Conflict, match="the outcome comes last"):
        submit(db, ann, held.claim_id)
    with pytest.raises(InvalidRecord, match=r"span \[0, 999\] lies outside the query"):
        find(db, ann, held.claim_id, gives_away="yes", words=[(0, 999)])
    find(db, ann, held.claim_id)
    with pytest.raises(InvalidRecord, match="guess_named_it must be 'no'"):
        submit(db, ann, held.claim_id, guess_named_it="yes")
    submit(db, ann, held.claim_id)


def test_answers_of_one_kind_do_not_fit_a_task_of_the_other(db: Database) -> None:
    add_checks(db, 2)
    ann, ben = add_users(db, "ann", "ben")
    (checking,) = claim(db, ann)
    (reviewing,) = claim(db, ben, REVIEW)
    with db.write() as session, pytest.raises(InvalidRecord, match="do not fit a task of kind leakage_check"):
        submit_review(
            session=session, user_id=ann, claim_id=checking.claim_id, answers=make_answers(), idempotency_key="a"
        )
    with pytest.raises(InvalidRecord, match="do not fit a task of kind scenario_review"):
        submit(db, ben, reviewing.claim_id)
    with pytest.raises(InvalidRecord, match="is for scenario_review; nothing is locked there"):
        guess(db, ben, reviewing.claim_id)


def test_whoever_was_given_the_picture_is_not_asked_what_the_words_alone_say(db: Database) -> None:
    ids = add_checks(db, 2)
    ann, ben = add_users(db, "ann", "ben")
    (seen,) = claim(db, ann, REVIEW)
    with db.write() as session:
        release_claim(session=session, user_id=ann, claim_id=seen.claim_id)  # given back, but seen
        session.commit()
    offered = claim(db, ann, count=5)
    assert [held.item.id for held in offered] == [item for item in ids if item != seen.item.id]
    with db.read() as session:
        left = {kind: own_progress(session=session, user_id=ann, kind=kind).left for kind in (CHECK, REVIEW)}
    assert left == {CHECK: 0, REVIEW: 1}
    # And while a check is held, its item is not given out for review, picture and all.
    assert {held.item.id for held in claim(db, ann, REVIEW, count=5)} == {seen.item.id}
    # Whoever has finished a check has read the hazard, and does not review the item; nor after an undo.
    done = check(db, ben)
    assert done not in {held.item.id for held in claim(db, ben, REVIEW, count=5)}
    back = undo(db, ben)
    with db.write() as session:
        release_claim(session=session, user_id=ben, claim_id=back.claim_id)
        session.commit()
    assert done not in {held.item.id for held in claim(db, ben, REVIEW, count=5)}


def test_a_lapsed_check_cannot_be_taken_up_after_the_picture_was_given_out(db: Database) -> None:
    add_checks(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE claims SET expires_at = '2000-01-01 00:00:00'")
        session.commit()
    (review,) = claim(db, ann, REVIEW)  # this call also lets the check lapse
    assert review.item.id == held.item.id
    with pytest.raises(ClaimLost, match="for review since, picture included"):
        guess(db, ann, held.claim_id)


def test_agreement_that_it_is_clean_leaves_the_item_where_it_is(db: Database) -> None:
    (item,) = add_checks(db, 1)
    for person in add_users(db, "ann", "ben"):
        check(db, person)
    assert decisions(db, item) == ["clean"]
    assert stage(db, item) == "refined"
    assert tasks(db) == {("scenario_review", 1): ("open", 2), ("leakage_check", 1): ("decided", 0)}
    with db.read() as session:
        verify_chain(session=session)


def test_more_than_half_decide(db: Database) -> None:
    (item,) = add_checks(db, 1, overlap=3)
    for person, outcome in zip(add_users(db, "ann", "ben", "eve"), ("clean", "reject", "reject"), strict=True):
        check(db, person, outcome)
    assert decisions(db, item) == ["reject"]
    assert stage(db, item) == "rejected"
    assert tasks(db) == {("scenario_review", 1): ("withdrawn", 0), ("leakage_check", 1): ("decided", 0)}


def test_generic_and_covert_count_as_one_wish_and_the_rewrite_goes_round_again(db: Database) -> None:
    (item,) = add_checks(db, 1)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    check(db, ann, "rewrite_generic", rewrite="Where do the plants like it?")
    check(db, ben, "rewrite_covert", rewrite="Would the plants be happy out here?")
    with db.read() as session:
        row = get_item(session=session, item_id=item)
        scenario = get_scenario(session=session, item=row)
        assert (row.round, row.stage, scenario.query) == (2, "refined", "Would the plants be happy out here?")
        assert scenario.parent_id is not None
    assert tasks(db) == {
        ("scenario_review", 1): ("withdrawn", 0),
        ("leakage_check", 1): ("decided", 0),
        ("scenario_review", 2): ("open", 2),
        ("leakage_check", 2): ("open", 2),
    }
    assert claim(db, ann) == []  # they know the picture now
    assert [held.round for held in claim(db, eve)] == [2]


def test_a_rewrite_takes_an_approved_item_back_into_review(db: Database) -> None:
    (item,) = add_checks(db, 1, overlap=1)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    for person in (ann, ben):
        (held,) = claim(db, person, REVIEW)
        with db.write() as session:
            submit_review(
                session=session, user_id=person, claim_id=held.claim_id, answers=make_answers(), idempotency_key="k"
            )
            session.commit()
    assert stage(db, item) == "reviewed"
    check(db, eve, "rewrite_generic", rewrite="Where do the plants like it?")
    assert stage(db, item) == "refined"
    assert tasks(db)["scenario_review", 2] == ("open", 2)


def test_a_revision_by_an_adjudicator_starts_the_check_anew(db: Database) -> None:
    add_checks(db, 1)
    ann, ben, ada, eve = add_users(db, "ann", "ben", "ada", "eve")
    (stale,) = claim(db, eve)
    for person, verdict in ((ann, "approve"), (ben, "reject"), (ada, "revise")):
        (held,) = claim(db, person, TaskKind.ADJUDICATION if person == ada else REVIEW)
        more = {"note": "changed", "edits": {"query": "Is it sunny?"}} if person == ada else {}
        with db.write() as session:
            submit_review(
                session=session,
                user_id=person,
                claim_id=held.claim_id,
                answers=make_answers(verdict, **more),
                idempotency_key="k",
            )
            session.commit()
    assert tasks(db)["leakage_check", 1][0] == "withdrawn"
    assert tasks(db)["leakage_check", 2] == ("open", 2)
    with pytest.raises(ClaimLost):
        guess(db, eve, stale.claim_id)


def test_undo_takes_back_the_outcome_and_keeps_what_was_locked(db: Database) -> None:
    (item,) = add_checks(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    check(db, ann, "reject", note="the word balcony")
    check(db, ben, "reject")
    assert stage(db, item) == "rejected"
    back = undo(db, ben)
    assert back.guess is not None
    assert back.findings is not None
    assert back.draft is not None
    assert back.draft["outcome"] == "reject"
    assert stage(db, item) == "refined"
    assert decisions(db, item) == ["reject", None]
    assert tasks(db) == {("scenario_review", 1): ("open", 2), ("leakage_check", 1): ("open", 0)}
    submit(db, ben, back.claim_id, "clean")
    assert decisions(db, item) == ["reject", None]  # they differ now: an adjudicator is asked
    assert tasks(db)["leakage_check", 1] == ("adjudicating", 0)
    with db.read() as session:
        history = get_history(session=session, item_id=item)
    states = [record.status for record in history if isinstance(record, LeakReview)]
    assert states == ["submitted", "submitted", "discarded", "submitted"]


def test_undo_ends_when_the_rewrite_has_gone_round_again(db: Database) -> None:
    add_checks(db, 1, overlap=1)
    (ann,) = add_users(db, "ann")
    check(db, ann, "rewrite_generic", rewrite="Where do the plants like it?")
    with pytest.raises(Conflict, match="was revised since"):
        undo(db, ann)


def test_undo_of_a_review_does_not_bring_back_what_the_check_rejected(db: Database) -> None:
    (item,) = add_checks(db, 1, overlap=1)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    for person in (ann, ben):
        (held,) = claim(db, person, REVIEW)
        with db.write() as session:
            submit_review(
                session=session, user_id=person, claim_id=held.claim_id, answers=make_answers(), idempotency_key="k"
            )
            session.commit()
    check(db, eve, "reject")
    assert stage(db, item) == "rejected"
    with pytest.raises(Conflict, match="the leakage check rejected S-0001"):
        undo(db, ann)
    undo(db, eve)
    assert stage(db, item) == "reviewed"


@pytest.mark.parametrize(
    ("shape", "body", "says"),
    [
        (LeakMarks, MARKS | {"words": [(0, 4)]}, "words are marked but gives_away is 'no'"),
        (LeakMarks, MARKS | {"gives_away": "yes", "words": [(4, 9), (0, 5)]}, "in order, without overlap"),
        (LeakMarks, MARKS | {"gives_away": "yes", "words": [(4, 4)]}, "are no spans"),
        (LeakMarks, MARKS | {"gives_away": "maybe"}, "yes"),
        (Box, {"x": 0.6, "y": 0.1, "width": 0.5, "height": 0.2}, "reaches beyond the picture"),
        (Box, {"x": 0.6, "y": 0.1, "width": 0.0, "height": 0.2}, "greater than 0"),
        (LeakAnswers, {"outcome": "rewrite_covert", "guess_named_it": "no"}, "needs the new query in `rewrite`"),
        (LeakAnswers, {"outcome": "clean", "guess_named_it": "no", "rewrite": "x"}, "takes no rewrite"),
        (LeakAnswers, {"outcome": "clean", "guess_named_it": "no", "extra": 1}, "not permitted"),
        (LeakSettlement, {"note": "so"}, "send the letter of an answer as `side`"),
        (LeakSettlement, {"outcome": "clean", "note": "so"}, "or `marks` and `outcome` of a new one"),
        (LeakSettlement, {"side": "A", "outcome": "clean"}, "takes an answer as it stands"),
        (LeakSettlement, {"side": "a"}, "match pattern"),
        (LeakSettlement, {"marks": MARKS, "outcome": "rewrite_covert"}, "needs the new query in `rewrite`"),
    ],
)
def test_bad_answers_are_refused_with_the_remedy(shape: Any, body: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("(", r"\(")):
        shape.model_validate_json(json.dumps(body))


def may_look(db: Database, user: int, item_id: str) -> bool:
    with db.read() as session:
        item = get_item(session=session, item_id=item_id)
        return not may_be_asked(session=session, user_id=user, item=item)


def test_who_may_still_be_asked_may_not_look_at_the_rest(db: Database) -> None:
    (item,) = add_checks(db, 1, overlap=1)
    (unasked,) = add_items_in_review(db, 1, query="Is there a bench?")
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    assert may_look(db, ann, unasked), "nobody is asked for its check"
    assert not may_look(db, ann, item)
    (reviewing,) = [held for held in claim(db, eve, REVIEW, count=2) if held.item.id == item]
    assert may_look(db, eve, item), f"{reviewing.claim_id} has shown them the picture"
    (held,) = claim(db, ann)
    assert may_look(db, ben, item), "the only place is taken"
    guess(db, ann, held.claim_id)
    assert not may_look(db, ann, item), "the hazard comes after the findings"
    find(db, ann, held.claim_id)
    assert may_look(db, ann, item)


def test_whoever_looks_at_the_whole_item_is_not_asked_any_more(db: Database) -> None:
    (item,) = add_checks(db, 1, overlap=1)
    ann, ben = add_users(db, "ann", "ben")
    (held,) = claim(db, ann)
    for _ in range(2):
        with db.write() as session:
            give_up_check(session=session, user_id=ann, item=get_item(session=session, item_id=item))
            session.commit()
    assert may_look(db, ann, item)
    assert tasks(db)["leakage_check", 1] == ("open", 1), "the place is free again"
    assert claim(db, ann) == []
    with pytest.raises(ClaimLost):
        guess(db, ann, held.claim_id)
    check(db, ben, "rewrite_generic", rewrite="Where do the plants like it?")
    assert claim(db, ann) == [], "nor about the new wording"


def test_rates_count_standing_answers_and_tell_present_wordings_apart(db: Database) -> None:
    add_checks(db, 2)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    first = check(db, ann, guess_named_it="yes")
    check(db, ben, guess_named_it="partly")
    check(db, eve, "rewrite_generic", rewrite="Where do the plants like it?", guess_named_it="yes")
    undo(db, eve)
    with db.read() as session:
        answers = read_answers(session=session)
    assert [(one.named, one.gave_away, one.present) for one in answers] == [("yes", "no", True), ("partly", "no", True)]
    with db.write() as session:
        edits = Edits(query="Which corner is sunny?")
        revise_scenario(session=session, item_id=first, edits=edits, reason="changed", actor="test")
        session.commit()
    with db.read() as session:
        answers = read_answers(session=session)
    assert share_named(answers) == Share(1, 2)
    assert [one.present for one in answers] == [False, False]


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_intervals_are_those_of_wilson(hits: int, of: int, low: float, high: float) -> None:
    """Against published values: 81 of 263 is the example of Newcombe (1998), 0.2553 to 0.3662."""
    assert Share(hits, of).interval == pytest.approx((low, high), abs=5e-5)
    assert Share(0, 0).interval is Share(0, 0).rate is None
