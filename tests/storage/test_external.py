"""Answers given in another annotation tool: kept revision by revision, and counted as if they had been given here."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from factories import add_items_in_review, add_users, make_answers
from sqlmodel import Session, select
from studies_here import add_study

from storage.audit import verify_chain
from storage.audit_answers import AuditAnswers
from storage.db import Database
from storage.errors import ClaimLost, StorageError
from storage.external import Received, keep_revisions, map_person, name_people
from storage.external_counts import RETRIED, Use, count_annotations
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.items import get_item
from storage.records import TaskKind, parse_record
from storage.reviews import claim_next, release_claim, submit_review
from storage.studies import close_study
from storage.tables import AuditRow, ClaimRow, DecisionRow, FlagRow, ItemRow, RecordRow, ReviewRow, TaskRow
from storage.texts import canonical_json, utc_now
from storage.undo import undo_review


@pytest.fixture(autouse=True)
def chain_that_verifies(db: Database) -> Iterator[None]:
    """Whatever is pulled, late or in conflict, the audit log stays whole."""
    yield
    with db.read() as session:
        verify_chain(session=session)


def link(db: Database, kind: TaskKind = TaskKind.SCENARIO_REVIEW, **changes: Any) -> ExternalProjectRow:
    """A project with every open task of the kind; the other server numbers them from 101."""
    with db.write() as session:
        values = {"source": "http://ls", "marker": "m", "remote_id": 7, "kind": kind.value, "config": "<View/>"}
        project = ExternalProjectRow(**values | {"created_at": utc_now()} | changes)
        session.add(project)
        session.flush()
        assert project.id is not None
        tasks = session.exec(select(TaskRow).where(TaskRow.kind == kind.value).order_by(TaskRow.id)).all()
        for place, task in enumerate(tasks):
            session.add(ExternalTaskRow(project_id=project.id, remote_id=101 + place, task_id=task.id))
        session.commit()
    return project


def pull(db: Database, project: ExternalProjectRow, annotation: int, answers: Any = None, **changes: Any) -> Use | None:
    """One annotation arrives; None: it was known."""
    values: dict[str, Any] = {
        "remote_task": 101, "annotation": annotation, "updated_at": "t1", "state": "submitted", "raw": "{}",
        "claimed": "ann@example.com", "answers": canonical_json(answers.model_dump(mode="json")) if answers else "",
    }  # fmt: skip
    values["result_sha256"] = values["answers"][:64]
    with db.write() as session:
        kept = select(ExternalAnnotationRow).where(ExternalAnnotationRow.annotation == annotation)
        known = {row.annotation: row for row in session.exec(kept)}
        received = Received(**values | changes)
        made = keep_revisions(session=session, project=project, received=[received], known=known)
        uses = count_annotations(session=session, project=project, rows=made)
        session.commit()
    return uses[0] if uses else None


def review_here(db: Database, user_id: int, answers: Any, kind: TaskKind = TaskKind.SCENARIO_REVIEW) -> None:
    with db.write() as session:
        (claim,) = claim_next(session=session, user_id=user_id, kind=kind)
        key = f"key-{user_id}-{claim.claim_id}"[:64]
        submit_review(session=session, user_id=user_id, claim_id=claim.claim_id, answers=answers, idempotency_key=key)
        session.commit()


def standing(session: Session) -> list[tuple[int, str]]:
    rows = session.exec(select(ReviewRow).where(ReviewRow.status == "submitted").order_by(ReviewRow.id))
    return [(row.user_id, row.verdict) for row in rows]


MAILS = ("ann@example.com", "ben@example.com", "eve@example.com")


@pytest.mark.parametrize(
    "verdicts", [("approve",) * 3, ("reject",) * 3, ("approve", "reject", "approve"), ("revise",) * 3]
)
def test_two_answers_from_there_and_one_from_here_decide_what_three_from_here_do(
    db: Database, verdicts: tuple[str, ...]
) -> None:
    people = add_users(db, *MAILS)
    add_items_in_review(db, 2, overlap=3)
    project = link(db)
    with db.read() as session:
        first, second = session.exec(select(TaskRow).order_by(TaskRow.id)).all()
    answers = [make_answers(verdict) for verdict in verdicts]
    for place in range(2):
        assert pull(db, project, place + 1, answers[place], claimed=MAILS[place]) is Use.COUNTED
    with db.write() as session:  # the third answers the first item here, and all three answer the second one here
        session.connection().exec_driver_sql(f"UPDATE tasks SET rank = -1 WHERE id = {first.id}")
        session.commit()
    review_here(db, people[2], answers[2])
    for user_id, answer in zip(people, answers, strict=True):
        review_here(db, user_id, answer)
    with db.read() as session:
        decisions = {}
        for task in (first, second):
            row = session.exec(select(DecisionRow).where(DecisionRow.task_id == task.id)).one()
            decision = json.loads(session.exec(select(RecordRow.body).where(RecordRow.id == row.record_id)).one())
            said = [decision[name] for name in ("outcome", "policy", "reason")] + [len(decision["review_ids"])]
            item = session.get_one(ItemRow, task.item_number)
            decisions[task.id] = (*said, item.stage, session.get_one(TaskRow, task.id).status)
        assert decisions[first.id] == decisions[second.id]
        assert verify_chain(session=session).events > 10


def test_scores_from_there_settle_an_answer_of_a_study_as_scores_from_here(db: Database) -> None:
    people = add_users(db, *MAILS)
    add_study(db, 2)
    scores = AuditAnswers(risk_appraisal=1, safety_of_consequences=2, effectiveness=0, warning_start=3)
    project = link(db, TaskKind.JUDGE_AUDIT, study="first")
    for place in range(2):
        assert pull(db, project, place + 1, scores, claimed=MAILS[place]) is Use.COUNTED
    for user_id in people:
        while True:
            with db.read() as session:
                done = session.exec(select(ReviewRow.id).where(ReviewRow.user_id == user_id)).all()
            if len(done) == 2:
                break
            review_here(db, user_id, scores, TaskKind.JUDGE_AUDIT)
    with db.read() as session:
        rows = session.exec(select(RecordRow.body).where(RecordRow.kind == "audit_decision")).all()
        finals = [parse_record(body).model_dump(include={"policy", "risk_appraisal", "reason"}) for body in rows]
    assert finals == [{"policy": "3 agree", "risk_appraisal": 1, "reason": ""}] * 2


def test_a_revision_that_is_known_adds_nothing_and_a_late_answer_is_said_to_be_claimed(db: Database) -> None:
    add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    raw = '{"id":1,"unknown":{"kept":"as it is"}}'
    assert pull(db, project, 1, make_answers(), raw=raw) is Use.COUNTED
    assert pull(db, project, 1, make_answers(), raw=raw) is None
    with db.read() as session:
        assert [row.raw for row in session.exec(select(ExternalRevisionRow))] == [raw]
        assert len(standing(session)) == 1
        (event,) = session.exec(select(AuditRow).where(AuditRow.tag == "reviews:external:count")).all()
        assert json.loads(event.payload)["claimed"] == "ann@example.com"
        assert event.actor == "label-studio"


def test_an_edit_supersedes_a_skip_or_deletion_takes_back_and_all_revisions_stay(db: Database) -> None:
    (ann, *_) = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    for place in range(8):  # more often than an undo in the browser may be repeated
        verdict = "reject" if place % 2 else "approve"
        assert pull(db, project, 1, make_answers(verdict), updated_at=f"t{place}") is Use.COUNTED
        with db.read() as session:
            assert standing(session) == [(ann, verdict)]
    assert pull(db, project, 1, None, updated_at="t8", state="skipped") is Use.SKIPPED
    with db.read() as session:
        assert standing(session) == []
        assert session.exec(select(TaskRow.open_slots)).one() == 2
    assert pull(db, project, 1, make_answers(), updated_at="t9") is Use.COUNTED
    assert pull(db, project, 1, None, updated_at="t9", state="deleted") is Use.WITHDRAWN
    with db.read() as session:
        assert standing(session) == []
        assert len(session.exec(select(ExternalRevisionRow)).all()) == 11
        verify_chain(session=session)


def test_the_same_person_in_both_tools_keeps_both_and_calls_a_maintainer_once(db: Database) -> None:
    (ann, *_) = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    review_here(db, ann, make_answers("approve"))
    assert pull(db, project, 1, make_answers("approve", seconds=99)) is Use.SAME
    assert pull(db, project, 1, make_answers("reject"), updated_at="t2") is Use.CONFLICT
    assert pull(db, project, 1, make_answers("revise"), updated_at="t3") is Use.CONFLICT
    with db.read() as session:
        assert standing(session) == [(ann, "approve")]
        assert len(session.exec(select(FlagRow)).all()) == 1


def test_an_answer_waits_for_a_claim_here_and_counts_once_that_has_lapsed(db: Database) -> None:
    (*_, cem) = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    with db.write() as session:
        claim_next(session=session, user_id=cem, kind=TaskKind.SCENARIO_REVIEW)
        session.commit()
    assert pull(db, project, 1, make_answers()) is Use.COUNTED
    assert pull(db, project, 2, make_answers(), claimed=MAILS[1]) is Use.WAITING
    assert retry(db, project) == {2: "waiting"}
    with db.write() as session:
        (claim,) = session.exec(select(ClaimRow).where(ClaimRow.user_id == cem)).all()
        claim.expires_at = utc_now() - timedelta(seconds=1)
        session.commit()
    assert retry(db, project) == {2: "counted"}


def test_answers_that_are_counted_together_come_to_what_they_come_to_one_by_one(db: Database) -> None:
    people = add_users(db, *MAILS)
    add_items_in_review(db, 2)
    project = link(db)
    for number in range(6):  # two tasks, three people: the third is one too many for each
        pull(db, project, number, None, remote_task=101 + number % 2, claimed=MAILS[number // 2], state="skipped")
    with db.write() as session:
        rows = session.exec(select(ExternalAnnotationRow).order_by(ExternalAnnotationRow.annotation)).all()
        approve = canonical_json(make_answers().model_dump(mode="json"))
        for revision in session.exec(select(ExternalRevisionRow)):
            revision.state, revision.answers = "submitted", approve
        uses = count_annotations(session=session, project=project, rows=rows)
        session.commit()
    assert uses == [Use.COUNTED] * 4 + [Use.EXTRA] * 2
    with db.read() as session:
        assert sorted(standing(session)) == sorted([(people[0], "approve"), (people[1], "approve")] * 2)
        assert set(session.exec(select(TaskRow.status))) == {"decided"}


def test_an_answer_that_was_not_needed_counts_once_it_is(db: Database) -> None:
    people = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    assert pull(db, project, 1, make_answers("approve")) is Use.COUNTED
    assert pull(db, project, 2, make_answers("approve")) is Use.SAME
    assert pull(db, project, 3, make_answers("reject")) is Use.CONFLICT
    assert pull(db, project, 4, make_answers(), claimed=MAILS[1]) is Use.COUNTED
    assert pull(db, project, 5, make_answers(), claimed=MAILS[2]) is Use.EXTRA
    assert retry(db, project) == {2: "same", 3: "conflict", 5: "extra"}
    assert pull(db, project, 4, None, updated_at="t2", state="deleted", claimed=MAILS[1]) is Use.WITHDRAWN
    assert pull(db, project, 1, None, updated_at="t2", state="deleted") is Use.WITHDRAWN
    assert retry(db, project) == {2: "counted", 3: "conflict", 5: "counted"}
    with db.read() as session:
        assert standing(session) == [(people[0], "approve"), (people[2], "approve")]
        assert len(session.exec(select(FlagRow)).all()) == 1


def retry(db: Database, project: ExternalProjectRow) -> dict[int, str]:
    """What comes of the annotations that counted for nothing, tried again."""
    with db.write() as session:
        query = select(ExternalAnnotationRow).order_by(ExternalAnnotationRow.id)
        rows = [row for row in session.exec(query) if row.use not in ("counted", "withdrawn")]
        count_annotations(session=session, project=project, rows=rows)
        session.commit()
        return {row.annotation: row.use for row in rows}


def test_an_edit_after_the_item_was_settled_by_an_adjudicator_is_late(db: Database) -> None:
    people = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    assert pull(db, project, 1, make_answers("approve")) is Use.COUNTED
    assert pull(db, project, 2, make_answers("reject"), claimed=MAILS[1]) is Use.COUNTED
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE users SET roles = 'adjudicator annotator'")
        session.commit()
    review_here(db, people[2], make_answers("approve", note="The window is seen."), TaskKind.ADJUDICATION)
    assert pull(db, project, 1, make_answers("reject"), updated_at="t2") is Use.LATE
    assert pull(db, project, 3, make_answers("reject"), claimed=MAILS[2]) is not Use.COUNTED
    with db.read() as session:
        assert [verdict for _, verdict in standing(session)] == ["approve", "reject", "approve"]


def test_what_comes_after_a_study_was_closed_is_kept_and_changes_nothing(db: Database) -> None:
    add_users(db, *MAILS)
    add_study(db, 1)
    project = link(db, TaskKind.JUDGE_AUDIT, study="first")
    scores = AuditAnswers(risk_appraisal=1, safety_of_consequences=2, effectiveness=0)
    assert pull(db, project, 1, scores) is Use.COUNTED
    with db.write() as session:
        close_study(session=session, name="first", actor="user:mia", force=True)
        session.commit()
    changed = scores.model_copy(update={"effectiveness": 2})
    assert pull(db, project, 1, changed, updated_at="t2") is Use.LATE
    assert pull(db, project, 2, scores, claimed=MAILS[1]) is Use.LATE
    assert pull(db, project, 1, None, updated_at="t3", state="deleted") is Use.LATE
    with db.read() as session:
        assert len(standing(session)) == 1


def test_who_answers_decides_what_may_count(db: Database) -> None:
    add_users(db, "ann", "ben@example.com")
    add_users(db, "mia@example.com", roles="maintainer")
    (item,) = add_items_in_review(db, 1)
    project = link(db)
    assert pull(db, project, 1, make_answers()) is Use.UNKNOWN_PERSON
    assert pull(db, project, 2, make_answers(), claimed="mia@example.com") is Use.UNKNOWN_PERSON
    assert pull(db, project, 3, make_answers(), claimed="") is Use.UNKNOWN_PERSON
    with db.write() as session:
        with pytest.raises(StorageError, match="no account 'nobody'"):
            name_people(session=session, project=project, people={"x@y": "nobody"})
        name_people(session=session, project=project, people={"Ann@Example.com": "ann"})
        session.commit()
    assert pull(db, project, 1, make_answers(), updated_at="t2") is Use.COUNTED
    other = link(db, marker="bens", person="ben@example.com")
    assert pull(db, other, 9, make_answers()) is Use.UNKNOWN_PERSON
    assert pull(db, other, 10, make_answers(), claimed=MAILS[1]) is Use.COUNTED
    with db.read() as session:
        assert get_item(session=session, item_id=item).stage == "reviewed"


def test_in_a_project_of_one_person_nobody_else_counts(db: Database) -> None:
    add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db, person=MAILS[1])
    assert pull(db, project, 1, make_answers()) is Use.WRONG_PERSON


def test_what_cannot_be_read_or_placed_counts_for_nothing(db: Database) -> None:
    (ann, *_) = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    assert pull(db, project, 1, make_answers()) is Use.COUNTED
    assert pull(db, project, 1, None, updated_at="t2", problem="verdict is missing") is Use.UNREADABLE
    assert pull(db, project, 2, make_answers(), remote_task=999) is Use.FOREIGN
    with db.read() as session:
        assert standing(session) == []
    with db.write() as session:
        assert claim_next(session=session, user_id=ann, kind=TaskKind.SCENARIO_REVIEW)
        session.commit()
    assert pull(db, project, 3, make_answers(), updated_at="t3") is Use.NOT_BLIND


# Who answers differently in both tools


def pull_again(db: Database, project: ExternalProjectRow) -> dict[int, str]:
    """What a pull that brings nothing new does; annotation -> what came of it."""
    with db.write() as session:
        rows = session.exec(select(ExternalAnnotationRow).order_by(ExternalAnnotationRow.id)).all()
        again = [row for row in rows if row.use in RETRIED]
        count_annotations(session=session, project=project, rows=again, retried=True)
        session.commit()
        return {row.annotation: row.use for row in session.exec(select(ExternalAnnotationRow))}


def decisions(db: Database) -> list[tuple[str, str, str]]:
    with db.read() as session:
        bodies = session.exec(
            select(RecordRow.body).where(RecordRow.kind.in_(("decision", "audit_decision"))).order_by(RecordRow.seq)
        )
        told = [json.loads(body) for body in bodies]
    return [(each.get("outcome", ""), each["policy"], each["reason"]) for each in told]


def state(db: Database) -> tuple[str, str]:
    """Stage of the one item, and status of its review task."""
    with db.read() as session:
        task = session.exec(select(TaskRow).where(TaskRow.kind == "scenario_review")).one()
        return session.exec(select(ItemRow.stage)).one(), task.status


def settle(db: Database, user_id: int, verdict: str = "approve") -> None:
    review_here(db, user_id, make_answers(verdict, note="The window is seen."), TaskKind.ADJUDICATION)


CONTRADICTED = "a reviewer answered differently in Label Studio"


def test_who_contradicts_themselves_cannot_agree_and_an_adjudicator_sees_both_answers(db: Database) -> None:
    ann, ben, eve = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    review_here(db, ann, make_answers("approve"))
    assert pull(db, project, 1, make_answers("reject")) is Use.CONFLICT
    assert state(db) == ("refined", "open")
    review_here(db, ben, make_answers("approve"))
    assert state(db) == ("refined", "adjudicating")
    assert decisions(db) == [("adjudicate", "2 agreeing", CONTRADICTED)]
    with db.write() as session:
        for nobody in (ann, ben):
            assert claim_next(session=session, user_id=nobody, kind=TaskKind.ADJUDICATION) == []
        (claim,) = claim_next(session=session, user_id=eve, kind=TaskKind.ADJUDICATION)
        session.commit()
    assert [review.verdict.value for review in claim.others] == ["approve", "approve"]
    assert [(name, answers.verdict.value) for name, answers in claim.elsewhere] == [(MAILS[0], "reject")]
    assert pull_again(db, project) == {1: "conflict"}
    settle(db, eve)
    assert state(db) == ("reviewed", "decided")
    assert pull_again(db, project) == {1: "settled"}
    assert pull(db, project, 1, make_answers("revise"), updated_at="t2") is Use.LATE
    assert decisions(db)[1:] == [("approve", "adjudicator", "The window is seen.")]
    with db.read() as session:
        assert verify_chain(session=session).events > 5


def test_what_was_settled_by_agreement_is_opened_again_and_closed_when_the_difference_is_gone(db: Database) -> None:
    ann, ben, eve = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    for user_id in (ann, ben):
        review_here(db, user_id, make_answers("reject"))
    assert state(db) == ("rejected", "decided")
    assert pull(db, project, 1, make_answers("approve")) is Use.CONFLICT
    assert state(db) == ("refined", "adjudicating")
    with db.write() as session:
        (claim,) = claim_next(session=session, user_id=eve, kind=TaskKind.ADJUDICATION)
        session.commit()
    assert pull(db, project, 1, make_answers("revise"), updated_at="t2") is Use.CONFLICT  # they had not seen this one
    with pytest.raises(ClaimLost), db.write() as session:
        note = make_answers("approve", note="Seen.")
        submit_review(session=session, user_id=eve, claim_id=claim.claim_id, answers=note, idempotency_key="k")
    assert pull(db, project, 1, make_answers("reject"), updated_at="t3") is Use.SAME
    assert state(db) == ("rejected", "decided")
    assert [outcome for outcome, _, _ in decisions(db)] == [
        "reject", "reopened", "adjudicate", "reopened", "adjudicate", "reopened", "reject",
    ]  # fmt: skip
    with db.write() as session:
        assert claim_next(session=session, user_id=eve, kind=TaskKind.ADJUDICATION) == []
        verify_chain(session=session)


def test_another_note_alone_is_kept_and_settles_nothing(db: Database) -> None:
    ann, ben, _ = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    review_here(db, ann, make_answers("approve"))
    assert pull(db, project, 1, make_answers("approve", note="A fine one.")) is Use.CONFLICT
    review_here(db, ben, make_answers("approve"))
    assert state(db) == ("reviewed", "decided")
    assert pull_again(db, project) == {1: "conflict"}
    assert [outcome for outcome, _, _ in decisions(db)] == ["approve"]


def test_when_the_answer_here_is_undone_the_one_from_there_counts(db: Database) -> None:
    ann, *_ = add_users(db, *MAILS)
    add_items_in_review(db, 1)
    project = link(db)
    review_here(db, ann, make_answers("approve"))
    assert pull(db, project, 1, make_answers("reject")) is Use.CONFLICT
    with db.write() as session:
        claim = undo_review(session=session, user_id=ann)
        session.commit()
    assert pull_again(db, project) == {1: "not_blind"}  # they hold it here
    with db.write() as session:
        release_claim(session=session, user_id=ann, claim_id=claim.claim_id)
        session.commit()
    assert pull_again(db, project) == {1: "counted"}
    with db.read() as session:
        assert standing(session) == [(ann, "reject")]


def test_scores_that_contradict_go_to_the_consensus_of_the_study(db: Database) -> None:
    people = add_users(db, *MAILS, "zoe")
    add_study(db, 1)
    scores = AuditAnswers(risk_appraisal=1, safety_of_consequences=2, effectiveness=0)
    project = link(db, TaskKind.JUDGE_AUDIT, study="first")
    for user_id in people[:3]:
        review_here(db, user_id, scores, TaskKind.JUDGE_AUDIT)
    assert [policy for _, policy, _ in decisions(db)] == ["3 agree"]
    other = scores.model_copy(update={"effectiveness": 2})
    assert pull(db, project, 1, other) is Use.CONFLICT
    assert pull(db, project, 1, scores, updated_at="t2") is Use.SAME
    assert pull(db, project, 1, other, updated_at="t3") is Use.CONFLICT
    with db.write() as session:
        (claim,) = claim_next(session=session, user_id=people[3], kind=TaskKind.JUDGE_CONSENSUS)
        session.commit()
    assert claim.audit is not None and len(claim.audit.others) == 3
    assert [(name, answers.effectiveness) for name, answers in claim.audit.elsewhere] == [(MAILS[0], 2)]
    review_here(db, people[3], scores.model_copy(update={"note": "None is given."}), TaskKind.JUDGE_CONSENSUS)
    assert pull_again(db, project) == {1: "settled"}
    assert [policy for _, policy, _ in decisions(db)] == ["3 agree", "undo", "3 agree", "undo", "consensus"]
    assert pull(db, project, 1, scores.model_copy(update={"effectiveness": 1}), updated_at="t4") is Use.LATE


def test_an_e_mail_that_a_maintainer_names_counts_at_once_and_the_audit_log_says_who_did(db: Database) -> None:
    add_users(db, "ann", "ben@example.com")
    add_users(db, "mia", roles="maintainer")
    add_items_in_review(db, 2)
    project = link(db)
    assert pull(db, project, 1, make_answers(), claimed="a.smith@example.com") is Use.UNKNOWN_PERSON
    assert pull(db, project, 2, make_answers(), claimed="other@example.com") is Use.UNKNOWN_PERSON
    with db.write() as session:
        for email, name, said in (
            ("", "ann", "no e-mail"),
            ("x@y", "zed", "no account 'zed'"),
            ("x@y", "mia", "mia may"),
        ):
            with pytest.raises(StorageError, match=said):
                map_person(session=session, email=email, name=name, actor="user:mia")
        assert map_person(session=session, email="A.Smith@example.com ", name="ann", actor="user:mia") == 1
        session.commit()
    assert pull_again(db, project) == {1: "counted", 2: "unknown_person"}
    with db.read() as session:
        (event,) = session.exec(select(AuditRow).where(AuditRow.tag == "reviews:external:name")).all()
        assert (event.actor, json.loads(event.payload)) == (
            "user:mia", {"account": "ann", "claimed": "a.smith@example.com"},
        )  # fmt: skip
