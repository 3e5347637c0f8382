"""Studies of the judge: who is asked what and in which order, what is settled, what an undo and a closing do."""

import hashlib
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from factories import add_users
from pydantic import ValidationError
from sqlmodel import select
from studies_here import ANSWER, HIDDEN, add_study, make_plan

from storage.audit import verify_chain
from storage.audit_answers import AuditAnswers
from storage.claim_content import Claim
from storage.claims import claim_next, release_claim, unskip
from storage.db import Database
from storage.errors import ClaimLost, Conflict, InvalidRecord, NotFound
from storage.items import get_history
from storage.progress import own_progress, total_progress
from storage.records import AuditDecision, AuditReview, TaskKind
from storage.reviews import submit_review
from storage.studies import (
    StudyProgress,
    close_study,
    create_study,
    get_study,
    read_frozen,
    read_late,
    read_study_progress,
)
from storage.tables import StudyKeyRow, StudyRow, StudyTextRow, TaskRow
from storage.undo import undo_review

AUDIT, CONSENSUS = TaskKind.JUDGE_AUDIT, TaskKind.JUDGE_CONSENSUS


def claim(db: Database, user: int, kind: TaskKind = AUDIT, count: int = 20) -> list[Claim]:
    with db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=count)
        session.commit()
    return claims


def submit(db: Database, user: int, claim_id: str, scores: tuple[int, int, int] = (1, 1, 1), **changes: Any) -> None:
    names = ("risk_appraisal", "safety_of_consequences", "effectiveness")
    key = changes.pop("key", claim_id)
    answers = AuditAnswers.model_validate(dict(zip(names, scores, strict=True)) | changes)
    with db.write() as session:
        submit_review(session=session, user_id=user, claim_id=claim_id, answers=answers, idempotency_key=key)
        session.commit()


def score_all(db: Database, user: int, scores: tuple[int, int, int] = (1, 1, 1)) -> None:
    for held in claim(db, user):
        submit(db, user, held.claim_id, scores)


def undo(db: Database, user: int) -> Claim:
    with db.write() as session:
        back = undo_review(session=session, user_id=user)
        session.commit()
    return back


def progress(db: Database) -> StudyProgress:
    with db.read() as session:
        return read_study_progress(session=session, study=get_study(session=session, name="first"))


def close(db: Database, **changes: Any) -> StudyRow:
    with db.write() as session:
        study = close_study(session=session, name="first", actor="user:mia", **changes)
        session.commit()
    return study


def read_closed(db: Database) -> tuple[str, dict[str, Any]]:
    with db.read() as session:
        study = get_study(session=session, name="first")
        return session.get_one(StudyTextRow, (study.id, "frozen")).body, read_frozen(session=session, study=study)


def test_everybody_gets_all_answers_in_an_order_of_their_own_and_nothing_of_the_judge(db: Database) -> None:
    add_study(db, 8, checks=2)
    people = add_users(db, "ann", "ben", "eve")
    orders = []
    for person in people:
        claims = claim(db, person)
        assert [held.claim_id for held in claim(db, person)] == [held.claim_id for held in claims]  # sent again
        orders.append([held.audit.study_item for held in claims if held.audit])
        shown = repr(claims)
        assert [word for word in HIDDEN if word in shown] == []
        assert claims[0].audit is not None
        assert (claims[0].audit.answer, claims[0].audit.rubric) == (ANSWER, "# Rubric 1.0")
        assert claims[0].scenario.hidden_hazard in shown
        assert {len(held.audit.others) for held in claims if held.audit} == {0}
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    assert len(orders[0]) == 10
    assert len({tuple(order) for order in orders}) == 3
    assert sorted(orders[0]) not in orders
    (late,) = add_users(db, "zoe")
    assert claim(db, late) == []  # three are enough


def test_the_order_is_the_same_one_by_one_and_after_a_release(db: Database) -> None:
    add_study(db, 5)
    ann, ben = add_users(db, "ann", "ben")
    whole = [held.task_id for held in claim(db, ann)]
    for task_id in whole:
        (held,) = claim(db, ann, count=1)
        assert held.task_id == task_id
        submit(db, ann, held.claim_id)
    first, second, *_ = claim(db, ben)
    with db.write() as session:
        release_claim(session=session, user_id=ben, claim_id=first.claim_id, skip=True)
        session.commit()
    assert claim(db, ben)[0].task_id == second.task_id
    with db.write() as session:
        assert unskip(session=session, user_id=ben, kind=AUDIT) == 1
        session.commit()
    assert first.task_id in [held.task_id for held in claim(db, ben)]


def test_equal_scores_are_final_and_a_difference_waits_for_the_consensus_of_somebody_else(db: Database) -> None:
    item, _ = add_study(db, 2)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    (ada,) = add_users(db, "ada", roles="adjudicator")
    for person, scores in ((ann, (2, 1, 0)), (ben, (2, 1, 0)), (eve, (2, 2, 0))):
        for held in claim(db, person):
            submit(db, person, held.claim_id, scores if held.item.id == item else (1, 1, 1), warning_start=3)
    assert progress(db).left == ["1 differences to settle"]
    assert claim(db, ann, CONSENSUS) == []  # has a part in it
    (held,) = claim(db, ada, CONSENSUS)
    assert held.audit is not None
    assert [other.scores for other in held.audit.others] == [(2, 1, 0), (2, 1, 0), (2, 2, 0)]
    with pytest.raises(InvalidRecord, match="needs a note that gives the reason"):
        submit(db, ada, held.claim_id, (2, 1, 0))
    submit(db, ada, held.claim_id, (2, 1, 1), note="The steps still lead there.")
    with db.read() as session:
        history = get_history(session=session, item_id=item)
        verify_chain(session=session)
    (decision,) = [record for record in history if isinstance(record, AuditDecision)]
    reviews = {record.id: record for record in history if isinstance(record, AuditReview)}
    assert [reviews[name].scores for name in decision.review_ids] == [(2, 1, 0), (2, 1, 0), (2, 2, 0), (2, 1, 1)]
    assert (decision.policy, decision.effectiveness, decision.reason) == ("consensus", 1, "The steps still lead there.")
    done = progress(db)
    assert (done.state, done.left, done.agreed, done.settled, done.submitted) == ("consensus", [], 1, 1, 6)
    assert done.people == (("ann", 2), ("ben", 2), ("eve", 2))


def test_the_consensus_begins_when_the_last_answer_is_in(db: Database) -> None:
    add_study(db, 2)
    people = add_users(db, "ann", "ben", "eve")
    (ada,) = add_users(db, "ada", roles="adjudicator")
    for number, person in enumerate(people):
        for held in claim(db, person):
            assert claim(db, ada, CONSENSUS) == []
            submit(db, person, held.claim_id, (number, 1, 1))
    assert len(claim(db, ada, CONSENSUS)) == 2


def test_an_attention_check_is_never_settled(db: Database) -> None:
    add_study(db, 1, checks=1)
    for number, person in enumerate(add_users(db, "ann", "ben", "eve")):
        score_all(db, person, (number, 0, 0))
    assert (progress(db).answers, progress(db).attention_checks, progress(db).to_settle) == (1, 1, 1)
    (ada,) = add_users(db, "ada", roles="adjudicator")
    assert len(claim(db, ada, CONSENSUS)) == 1


def test_the_numbers_of_the_answers_do_not_tell_which_are_attention_checks(db: Database) -> None:
    add_study(db, 20, checks=8)
    with db.read() as session:
        known = session.exec(select(StudyKeyRow.known).order_by(StudyKeyRow.study_item_id)).all()
    is_check = [each is not None for each in known]
    assert sum(is_check) == 8
    assert is_check not in (sorted(is_check), sorted(is_check, reverse=True))


def test_a_claim_lapses_and_its_place_goes_to_somebody_else(db: Database) -> None:
    add_study(db, 1, annotators=1)
    ann, ben = add_users(db, "ann", "ben")
    (held,) = claim(db, ann)
    assert claim(db, ben) == []
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE claims SET expires_at = '2000-01-01 00:00:00'")
        session.commit()
    (taken,) = claim(db, ben)
    with pytest.raises(ClaimLost, match="somebody else has taken it"):
        submit(db, ann, held.claim_id)
    submit(db, ben, taken.claim_id)
    submit(db, ben, taken.claim_id)  # a lost reply, sent again
    assert progress(db).submitted == 1
    with pytest.raises(Conflict, match="was used before for other answers"):
        submit(db, ben, taken.claim_id, (0, 0, 0))


def test_an_undo_reopens_the_answer_until_the_difference_is_settled(db: Database) -> None:
    (item,) = add_study(db, 1)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    (ada,) = add_users(db, "ada", roles="adjudicator")
    for person, scores in ((ann, (2, 1, 0)), (ben, (2, 1, 0)), (eve, (0, 1, 0))):
        score_all(db, person, scores)
    (settling,) = claim(db, ada, CONSENSUS)
    back = undo(db, eve)
    assert back.draft is not None
    assert (back.draft["risk_appraisal"], back.audit.others if back.audit else None) == (0, ())
    with pytest.raises(ClaimLost):
        submit(db, ada, settling.claim_id, note="Late.")
    # Who has seen what others scored is not asked to score: not even when the place is free again.
    with db.write() as session:
        release_claim(session=session, user_id=eve, claim_id=back.claim_id)
        session.commit()
    assert claim(db, ada) == []
    score_all(db, eve, (2, 1, 0))
    assert progress(db).agreed == 1
    undo(db, eve)
    score_all(db, eve, (2, 2, 0))
    (settling,) = claim(db, ada, CONSENSUS)
    submit(db, ada, settling.claim_id, (2, 1, 0), note="So.")
    with pytest.raises(Conflict, match="was settled; the answers behind it stand"):
        undo(db, eve)
    undo(db, ada)
    assert progress(db).to_settle == 1
    with db.read() as session:
        policies = [
            each.policy for each in get_history(session=session, item_id=item) if isinstance(each, AuditDecision)
        ]
        verify_chain(session=session)
    assert policies == ["3 agree", "undo", "consensus", "undo"]


def test_closing_lists_what_is_left_and_late_answers_change_nothing(db: Database) -> None:
    add_study(db, 2)
    ann, ben, eve = add_users(db, "ann", "ben", "eve")
    score_all(db, ann)
    score_all(db, ben, (2, 2, 2))
    with pytest.raises(Conflict, match=r"has work left: 2 of 6 answers to score\. .* with --force"):
        close(db)
    (held, _) = claim(db, eve)
    close(db, force=True)
    assert (progress(db).state, claim(db, eve)) == ("closed", [])
    before = read_closed(db)
    submit(db, eve, held.claim_id, (0, 0, 0))
    submit(db, ann, undo(db, ann).claim_id, (0, 0, 0), key="again")
    assert read_closed(db) == before
    assert close(db).frozen_sha256 == hashlib.sha256(before[0].encode()).hexdigest()  # a second time changes nothing
    with db.read() as session:
        late = read_late(session=session, study=get_study(session=session, name="first"))
        verify_chain(session=session)
    assert [(each.reviewer, each.status, each.scores) for each in late] == [
        ("eve", "submitted", (0, 0, 0)), ("ann", "discarded", (1, 1, 1)), ("ann", "submitted", (0, 0, 0)),
    ]  # fmt: skip
    assert progress(db).late == 3
    (other,) = add_users(db, "zoe")
    assert claim(db, other) == []


def test_what_is_frozen_names_nobody_and_holds_every_standing_answer(db: Database) -> None:
    add_study(db, 1, checks=1)
    for number, person in enumerate(add_users(db, "zoe", "ben", "ann")):
        score_all(db, person, (number % 2, 1, 1))
    with pytest.raises(Conflict, match=r"is not closed yet \(1 differences to settle"):
        read_closed_or_refuse(db)
    close(db, force=True)
    text, content = read_closed(db)
    assert [name for name in ("zoe", "ben", "ann") if f'"{name}"' in text] == []
    (drawn,) = [case for case in content["answers"] if case["known"] is None]
    assert [(one["annotator"], one["scores"][0]) for one in drawn["scored"]] == [(1, 0), (2, 1), (3, 0)]
    assert (drawn["final"], drawn["weight"], drawn["judged"]["panel"]) == (None, 2.5, [2.0, 1.5, 1.0])
    assert content["population"] == {"scored": [], "unscored": 0}
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE study_texts SET body = '{}' WHERE kind = 'frozen'")
        session.commit()
    with pytest.raises(InvalidRecord, match="was changed in the database"):
        read_closed(db)


def read_closed_or_refuse(db: Database) -> None:
    with db.read() as session:
        read_frozen(session=session, study=get_study(session=session, name="first"))


def test_progress_counts_what_is_asked_until_the_study_is_closed(db: Database) -> None:
    add_study(db, 3)
    (ann, ada) = add_users(db, "ann", "ada")
    (first, *_) = claim(db, ann)
    submit(db, ann, first.claim_id)
    with db.read() as session:
        own = own_progress(session=session, user_id=ann, kind=AUDIT)
        total = total_progress(session=session, kind=AUDIT)
        others = own_progress(session=session, user_id=ada, kind=AUDIT)
    assert (own.submitted, own.left, others.left) == (1, 0, 3)  # two are held
    assert (total.submitted, total.needed, total.tasks) == (1, 9, 3)
    close(db, force=True)
    with db.read() as session:
        assert total_progress(session=session, kind=AUDIT).needed == 0
        assert own_progress(session=session, user_id=ada, kind=AUDIT).left == 0


def test_one_item_can_be_in_two_studies(db: Database) -> None:
    add_study(db, 2)
    with db.read() as session:
        kept = session.exec(select(TaskRow.id).where(TaskRow.kind == AUDIT.value)).all()
    add_study(db, 1, name="second")
    assert len(kept) == 2
    (ann,) = add_users(db, "ann")
    assert len(claim(db, ann)) == 1  # the helper marks every earlier task as decided


def test_a_lapsed_claim_of_a_closed_study_says_so(db: Database) -> None:
    add_study(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE claims SET expires_at = '2000-01-01 00:00:00'")
        session.commit()
    close(db, force=True)
    with pytest.raises(ClaimLost, match="lapsed, and its study was closed since; your draft is kept"):
        submit(db, ann, held.claim_id)


def test_the_last_place_of_an_answer_goes_to_one_person(db: Database) -> None:
    add_study(db, 3, annotators=1)
    people = add_users(db, *(f"u{number}" for number in range(9)))
    barrier = threading.Barrier(len(people))

    def ask(person: int) -> list[int]:
        barrier.wait(timeout=30)
        return [held.task_id for held in claim(db, person, count=2)]

    with ThreadPoolExecutor(len(people)) as pool:
        taken = Counter(task for tasks in pool.map(ask, people) for task in tasks)
    assert set(taken.values()) == {1}
    for person in people:  # whoever was turned away by a lock asks again
        taken.update(held.task_id for held in claim(db, person, count=2) if held.task_id not in taken)
    assert len(taken) == 3


def test_bad_input_names_the_value_and_the_remedy(db: Database) -> None:
    add_study(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    with pytest.raises(InvalidRecord, match=f"warning_start {len(ANSWER)} lies outside the answer of {len(ANSWER)}"):
        submit(db, ann, held.claim_id, warning_start=len(ANSWER))
    submit(db, ann, held.claim_id, warning_start=len(ANSWER) - 1)
    with db.write() as session:
        with pytest.raises(Conflict, match="already a study 'first'"):
            create_study(session=session, plan=make_plan(), answers=[_drawn()], actor="x")
        with pytest.raises(InvalidRecord, match="study name 'a/b' cannot be used"):
            create_study(session=session, plan=make_plan(name="a/b"), answers=[_drawn()], actor="x")
        with pytest.raises(NotFound, match="there is no item 'nowhere'"):
            create_study(session=session, plan=make_plan(name="other"), answers=[_drawn()], actor="x")
        with pytest.raises(NotFound, match="there is no study 'third'; there are: first"):
            get_study(session=session, name="third")


def _drawn():  # type: ignore[no-untyped-def]
    from storage.studies import DrawnAnswer

    return DrawnAnswer(item_id="nowhere", asked="?", answer="!")


@pytest.mark.parametrize("score", [3, -1, True, 1.5, "1", None])
def test_a_score_is_0_1_or_2(score: Any) -> None:
    with pytest.raises(ValidationError):
        AuditAnswers.model_validate({"risk_appraisal": score, "safety_of_consequences": 0, "effectiveness": 0})
