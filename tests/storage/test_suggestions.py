"""What models found: shown to a person after their own first answer, never what people said, and the look is kept."""

import json

import pytest
from factories import add_item_in_review, add_users, make_answers, make_provenance
from sqlmodel import Session, select, update

from storage import leak_looks
from storage.audit import verify_chain
from storage.db import Database
from storage.errors import Conflict, InvalidRecord, NotFound
from storage.items import attach, get_item, get_scenario, revise_scenario
from storage.leak_answers import LeakAnswers, LeakMarks
from storage.leakage import begin_round, lock_findings, lock_guess
from storage.records import (
    Edits,
    FilterVerdict,
    GroundTruth,
    Record,
    Refinement,
    Scenario,
    Suggestion,
    TaskKind,
    WorldTruth,
)
from storage.reviews import claim_next, open_task, release_claim, submit_review
from storage.suggestions import WRITTEN_BY_HAND, Suggestions, look_at_suggestions
from storage.tables import AuditRow, ClaimRow, ItemRow
from storage.undo import undo_review

KIND = TaskKind.SCENARIO_REVIEW
MADE = make_provenance(actor="critic-1", model="critic-1", tool="pipeline.filters")


def make_verdict(name: str, score: float, wording: Scenario | None) -> FilterVerdict:
    return FilterVerdict(
        filter_name=name,
        passed=score >= 4,
        score=score,
        threshold=4,
        reason=f"{name} got {score:g}",
        parent_id=wording.id if wording else None,
        provenance=MADE,
    )


def add(session: Session, item: ItemRow, *records: Record) -> None:
    for record in records:
        attach(session=session, item_id=item.id, record=record, actor="run:tests")


def add_judged_item(session: Session, **changes: object) -> ItemRow:
    """An item in review that a critic judged twice and a model answered."""
    item = add_item_in_review(session, **changes)
    wording = get_scenario(session=session, item=item)
    suggestion = Suggestion(item_id=item.id, task_kind=KIND, verdict="reject", reasons=("leakage",), provenance=MADE)
    check = Suggestion(item_id=item.id, task_kind=TaskKind.LEAKAGE_CHECK, verdict="approve", provenance=MADE)
    verdicts = (make_verdict("query_benignness", 5, wording), make_verdict("risk_clarity", 2, wording))
    add(session, item, *verdicts, suggestion, check)
    add(session, item, GroundTruth(item_id=item.id, flaw="leaky", note="planted", provenance=make_provenance()))
    add(session, item, WorldTruth(truth="{}", provenance=make_provenance()))
    return item


def answer(session: Session, user: int, verdict: str = "approve", kind: TaskKind = KIND, **more: object) -> int:
    (claim,) = claim_next(session=session, user_id=user, kind=kind)
    answers = make_answers(verdict, **more)
    done = submit_review(
        session=session, user_id=user, claim_id=claim.claim_id, answers=answers, idempotency_key=claim.claim_id
    )
    return done.review_id


def look(session: Session, user: int, review_id: int) -> Suggestions:
    return look_at_suggestions(session=session, user_id=user, review_id=review_id)


def said(seen: Suggestions) -> list[tuple[str, bool]]:
    """What was found, by its name, and whether it is about an earlier wording."""
    return [(getattr(found.record, "filter_name", found.record.kind), found.earlier) for found in seen.found]


def events(session: Session, item: ItemRow) -> list[tuple[str, str]]:
    """(actor, tag) of what people did with the item, in order."""
    query = select(AuditRow).where(AuditRow.subject == item.id).order_by(AuditRow.seq)
    return [
        (row.actor.removeprefix("user:"), row.tag.split(":", 1)[1])
        for row in session.exec(query)
        if row.tag.startswith(("reviews:review", "reviews:suggestions"))
    ]


def test_after_the_own_answer_all_that_models_found_shows_and_nothing_of_people(db: Database) -> None:
    ann, ben = add_users(db, "ann", "ben")
    with db.write() as session:
        item = add_judged_item(session)
        answer(session, ben, "reject", note="ben's secret")
        review_id = answer(session, ann, note="mine")
        twin = make_verdict("twin_scene", 5, get_scenario(session=session, item=item))
        add(session, item, twin)  # such verdicts are made once people have approved an item
        seen = look(session, ann, review_id)
        session.commit()
    assert said(seen) == [
        ("by_hand", False), ("query_benignness", False), ("risk_clarity", False), ("refinement", False),
        ("suggestion", False),
    ]  # fmt: skip
    clarity, suggestion = seen.found[2].record, seen.found[4].record
    assert isinstance(clarity, FilterVerdict) and isinstance(suggestion, Suggestion)
    assert (clarity.passed, clarity.score, clarity.threshold, clarity.reason) == (False, 2, 4, "risk_clarity got 2")
    assert suggestion.task_kind is KIND, "a model's answer to the leakage check is none of a review's business"
    assert (seen.own.reviewer, seen.own.note, seen.undone, seen.written_by_hand) == ("ann", "mine", False, False)
    assert (seen.label, seen.query) == ("S-0001", get_scenario_query(db, item.id))


def get_scenario_query(db: Database, item_id: str) -> str:
    with db.read() as session:
        return get_scenario(session=session, item=get_item(session=session, item_id=item_id)).query


def test_nobody_sees_it_before_their_own_answer_or_through_somebody_elses(db: Database) -> None:
    ann, ben = add_users(db, "ann", "ben")
    with db.write() as session:
        item = add_judged_item(session)
        review_id = answer(session, ann)
        claim_next(session=session, user_id=ben, kind=KIND)  # ben holds the item, and has not answered
        for wrong in (review_id, review_id + 1):
            with pytest.raises(NotFound, match=f"you have no review {wrong}; submit your own first"):
                look(session, ben, wrong)
        assert ("ben", "suggestions:see") not in events(session, item)


def test_that_somebody_looked_is_kept_once_and_tells_a_change_of_mind_from_a_first_answer(db: Database) -> None:
    ann, ben = add_users(db, "ann", "ben")
    with db.write() as session:
        item = add_judged_item(session)
        first, bens = answer(session, ann), answer(session, ben)
        look(session, ann, first)
        undo_review(session=session, user_id=ann, review_id=first)
        undone = look(session, ann, first)
        second = answer(session, ann, "reject")
        again = look(session, ann, second)
        look(session, ben, bens)
        session.commit()
    with db.read() as session:
        assert events(session, item) == [
            ("ann", "review:submit"), ("ben", "review:submit"), ("ann", "suggestions:see"), ("ann", "review:undo"),
            ("ann", "review:submit"), ("ben", "suggestions:see"),
        ]  # fmt: skip
        query = select(AuditRow.payload).where(AuditRow.tag == "reviews:suggestions:see")
        payloads = [json.loads(payload) for payload in session.exec(query)]
        verify_chain(session=session)
    assert payloads[0] == {"round": 1, "review": undone.own.id}
    assert (undone.undone, undone.own.verdict, again.undone, again.own.verdict) == (True, "approve", False, "reject")


@pytest.mark.parametrize("kind", [TaskKind.ADJUDICATION, TaskKind.LEAKAGE_CHECK])
def test_only_a_scenario_review_has_suggestions(db: Database, kind: TaskKind) -> None:
    (ann,) = add_users(db, "ann")
    with db.write() as session:
        item = add_item_in_review(session)
        open_task(session=session, item_id=item.id, kind=kind, overlap=1)
        if kind is TaskKind.ADJUDICATION:
            review_id = answer(session, ann, kind=kind, note="settled")
        else:
            review_id = check_for_leaks(session, ann)
        with pytest.raises(InvalidRecord, match="only a scenario review has suggestions"):
            look(session, ann, review_id)


def check_for_leaks(session: Session, user: int) -> int:
    (claim,) = claim_next(session=session, user_id=user, kind=TaskKind.LEAKAGE_CHECK)
    whose = {"session": session, "user_id": user, "claim_id": claim.claim_id}
    lock_guess(**whose, text="a fall")
    marks = LeakMarks(gives_away="no", sufficient="yes", unambiguous="yes", telling_text=False)
    lock_findings(**whose, marks=marks)
    answers = LeakAnswers(outcome="clean", guess_named_it="no")
    return submit_review(**whose, answers=answers, idempotency_key="check").review_id


def test_being_given_a_review_rules_out_the_leakage_check_and_without_that_nothing_shows(db: Database) -> None:
    ann, ben = add_users(db, "ann", "ben")
    with db.write() as session:
        item = add_judged_item(session)
        open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_CHECK, overlap=2)
        review_id = answer(session, ann)
        again = undo_review(session=session, user_id=ann, review_id=review_id)
        release_claim(session=session, user_id=ann, claim_id=again.claim_id)
        asked = [leak_looks.may_be_asked(session=session, user_id=user, item=item) for user in (ann, ben)]
        assert asked == [False, True]
        assert look(session, ann, review_id).undone
        # whatever else may come to put the review into the hands of somebody who can still be asked
        session.exec(update(ClaimRow).values(user_id=ben))
        session.expire_all()
        with pytest.raises(Conflict, match="may still be asked for the leakage check of S-0001"):
            look(session, ann, review_id)


def test_a_new_wording_is_answered_before_anything_shows_and_says_what_is_of_an_earlier_one(db: Database) -> None:
    ann, ben = add_users(db, "ann", "ben")
    with db.write() as session:
        item = add_judged_item(session)
        first = answer(session, ann)
        look(session, ann, first)
        edits = Edits(query="Does it get enough air here?")
        new = revise_scenario(session=session, item_id=item.id, edits=edits, reason="r", actor="user:ada")
        begin_round(session=session, item_id=item.id, old_round=1, actor="user:ada", now=new.provenance.created_at)
        add(session, item, make_verdict("query_benignness", 3, new))
        given_up = Scenario.model_validate(new.model_dump() | {"query": "A rewrite that nobody kept?"})
        add(session, item, make_verdict("linguistic_naturalness", 1, given_up))
        with pytest.raises(Conflict, match="S-0001 was revised since your review"):
            look(session, ann, first)
        answer(session, ben)
        second = answer(session, ann)
        seen, old = look(session, ann, second), look(session, ann, first)
        looks = [event for event in events(session, item) if event[1] == "suggestions:see"]
    assert (seen.query, seen.own.round, old.own.round) == ("Does it get enough air here?", 2, 1)
    assert said(seen) == [
        ("by_hand", True), ("query_benignness", False), ("risk_clarity", True), ("refinement", True),
        ("suggestion", True),
    ]  # fmt: skip
    assert [found.record.score for found in old.found[1:3]] == [5, 2], "the first answer met the first wording"
    assert {earlier for _, earlier in said(old)} == {False}
    assert looks == [("ann", "suggestions:see")] * 2, "once in each round"


def test_a_scenario_written_by_hand_says_that_nothing_looked_at_it(db: Database) -> None:
    (ann,) = add_users(db, "ann")
    with db.write() as session:
        item = add_item_in_review(session)
        add(session, item, FilterVerdict(filter_name=WRITTEN_BY_HAND, passed=True, provenance=make_provenance()))
        query = get_scenario(session=session, item=item).query
        nobody = {"round": 0, "hazard_type": "unclassified", "query_before": query, "query_after": query}
        add(session, item, Refinement(**nobody, evidence="nobody has looked", provenance=make_provenance()))
        seen = look(session, ann, answer(session, ann))
    assert seen.written_by_hand
    assert said(seen) == [("by_hand", False), ("refinement", False)], "what the helpers of these tests add"
