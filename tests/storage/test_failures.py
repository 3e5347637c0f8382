"""Studies of failures: the taxonomy, who is asked, what is stored, what an undo and a closing do."""

import hashlib
from typing import Any

import pytest
from factories import add_users
from pydantic import ValidationError
from studies_here import ANSWER, HIDDEN, add_study, ask_again, failure_plan

from storage.audit import verify_chain
from storage.audit_answers import AuditAnswers
from storage.claim_content import Claim
from storage.claims import claim_next, release_claim, save_draft
from storage.db import Database
from storage.errors import Conflict, InvalidRecord, NotFound
from storage.failure_answers import FailureAnswers
from storage.failure_taxonomy import MAX_LABELS, hash_taxonomy, load_taxonomy_text, parse_taxonomy
from storage.items import get_history
from storage.progress import own_progress, total_progress
from storage.records import FailureReview, StudyKind, TaskKind
from storage.reviews import submit_review
from storage.studies import (
    close_study,
    get_study,
    list_studies,
    read_frozen,
    read_late,
    read_study_progress,
)
from storage.undo import undo_review

LABELS, AUDIT = TaskKind.FAILURE_LABELS, TaskKind.JUDGE_AUDIT
FAILURES = StudyKind.FAILURES


def add_failures(db: Database, count: int, **changes: Any) -> list[str]:
    return add_study(db, count, **(failure_plan() | changes))


def claim(db: Database, user: int, kind: TaskKind = LABELS, count: int = 20) -> list[Claim]:
    with db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=count)
        session.commit()
    return claims


def submit(db: Database, user: int, claim_id: str, *codes: str, key: str = "", **more: Any) -> None:
    labels = [{"code": code} for code in codes] or more.pop("labels", [])
    answers = FailureAnswers.model_validate({"labels": labels} | more)
    with db.write() as session:
        submit_review(
            session=session, user_id=user, claim_id=claim_id, answers=answers, idempotency_key=key or claim_id
        )
        session.commit()


def label_all(db: Database, user: int, *codes: str) -> None:
    for held in claim(db, user):
        submit(db, user, held.claim_id, *codes)


def progress(db: Database, name: str = "failing"):  # type: ignore[no-untyped-def]
    with db.read() as session:
        return read_study_progress(session=session, study=get_study(session=session, name=name, kind=FAILURES))


def close(db: Database, **changes: Any) -> dict[str, Any]:
    with db.write() as session:
        study = close_study(session=session, name="failing", actor="user:mia", kind=FAILURES, **changes)
        session.commit()
        return read_frozen(session=session, study=study)


def test_the_taxonomy_of_the_package_is_sound() -> None:
    taxonomy = parse_taxonomy(load_taxonomy_text())
    assert taxonomy.version == "1.0"
    seeds = {
        "causal_blindness", "perception_miss", "captioned_not_projected", "buried_warning", "vague_warning",
        "rote_refusal", "over_warning", "facilitation", "wrong_hazard", "template", "intent_centric", "other",
    }  # fmt: skip
    assert seeds <= {label.code for label in taxonomy.labels}
    assert len(taxonomy.labels) <= MAX_LABELS
    assert [label.code for label in taxonomy.labels if label.needs_note] == ["other"]
    groups = [label.group for label in taxonomy.labels]
    assert groups == sorted(groups, key=groups.index)  # a group stands together


HEAD = "version: '1.0'\nlabels:\n"


def line(code: str, name: str) -> str:
    return f"  - {{code: {code}, name: {name}, group: Seeing, definition: d, cue: c}}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: '1.0'\nlabels: []\n", "labels"),
        ("version: one\nlabels:\n" + line("aa", "A"), "version"),
        (HEAD + line("aa", "A") + line("aa", "B"), "'aa' is given"),
        (HEAD + line("aa", "A") + line("bb", "A"), "'A' is given"),
        ("version: '1.0'\nversion: '1.1'\n", "given twice"),
        ("- 1", "the whole"),
        (HEAD + "".join(line(f"a{number}", f"N{number}") for number in range(MAX_LABELS + 1)), "labels"),
    ],
)  # fmt: skip
def test_a_taxonomy_that_cannot_be_used_says_why(text: str, message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        parse_taxonomy(text)


def test_a_claim_holds_the_answer_and_the_taxonomy_and_nothing_of_the_judge(db: Database) -> None:
    add_failures(db, 4)
    people = add_users(db, "ann", "ben")
    orders = []
    for person in people:
        claims = claim(db, person)
        assert [held.claim_id for held in claim(db, person)] == [held.claim_id for held in claims]  # sent again
        shown = repr(claims)
        assert [word for word in HIDDEN if word in shown] == []
        assert claims[0].audit is not None
        assert claims[0].audit.answer == ANSWER
        assert parse_taxonomy(claims[0].audit.rubric).version == "1.0"
        assert claims[0].audit.others == ()
        orders.append([held.task_id for held in claims])
    assert set(orders[0]) == set(orders[1])
    (late,) = add_users(db, "zoe")
    assert claim(db, late) == []  # two are enough
    assert claim(db, late, AUDIT) == []


def test_labels_spans_and_the_broken_link_are_kept_with_the_taxonomy(db: Database) -> None:
    (item,) = add_failures(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    (held,) = claim(db, ann)
    labels = [{"code": "buried_warning", "start": 25, "end": 60}, {"code": "lip_service"}]
    submit(db, ann, held.claim_id, labels=labels, broken_link=1, note="Read to the end.", seconds=20.5)
    submit(db, ann, held.claim_id, labels=labels, broken_link=1, note="Read to the end.", seconds=99)  # a lost reply
    with pytest.raises(Conflict, match="used before for other answers"):
        submit(db, ann, held.claim_id, "lip_service")
    (other,) = claim(db, ben)
    submit(db, ben, other.claim_id, no_failure=True)
    with db.read() as session:
        history = get_history(session=session, item_id=item)
        verify_chain(session=session)
    one, two = [record for record in history if isinstance(record, FailureReview)]
    assert [(label.code, label.start, label.end) for label in one.labels] == [
        ("buried_warning", 25, 60), ("lip_service", None, None),
    ]  # fmt: skip
    assert (one.broken_link, one.reviewer, one.taxonomy_version) == (1, "ann", "1.0")
    assert one.taxonomy_sha256 == hash_taxonomy(load_taxonomy_text())
    assert (two.no_failure, two.labels, two.late) == (True, (), False)
    done = progress(db)
    assert (done.state, done.left, done.submitted, done.agreed) == ("labelled", [], 2, 1)
    assert done.people == (("ann", 1), ("ben", 1))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"labels": [{"code": "no_such_label"}]}, "label 'no_such_label' is not in taxonomy 1.0; it has"),
        ({"labels": [{"code": "lip_service", "start": 0, "end": len(ANSWER) + 1}]}, "beyond the answer of"),
        ({"labels": [{"code": "other"}], "note": "  "}, "label other needs a note"),
        ({"labels": [{"code": "lip_service"}], "broken_link": 3}, "broken_link 3 is not in the causal chain of 3"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_answer_is_refused_and_nothing_is_stored(
    db: Database, answers: dict[str, Any], message: str
) -> None:
    add_failures(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    with pytest.raises(InvalidRecord, match=message):
        submit(db, ann, held.claim_id, **answers)
    assert progress(db).submitted == 0
    submit(
        db, ann, held.claim_id, labels=[{"code": "other", "start": 0, "end": len(ANSWER)}], note="So.", broken_link=2
    )


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"labels": [], "no_failure": False},
        {"labels": [{"code": "lip_service"}], "no_failure": True},
        {"no_failure": True, "broken_link": 0},
        {"no_failure": 1},
        {"labels": [{"code": "lip_service"}, {"code": "lip_service", "start": 0, "end": 2}]},
        {"labels": [{"code": "lip_service", "start": 3, "end": 3}]},
        {"labels": [{"code": "lip_service", "start": 3}]},
        {"labels": [{"code": "lip_service", "start": -1, "end": 3}]},
        {"labels": [{"code": "lip_service", "start": True, "end": 3}]},
        {"labels": [{"code": "Lip Service"}]},
        {"labels": [{"code": "lip_service"}], "broken_link": -1},
        {"labels": [{"code": f"label_{number}"} for number in range(51)]},
    ],
)
def test_answers_that_contradict_themselves_are_refused(answers: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FailureAnswers.model_validate(answers)


def test_the_answers_have_the_shape_of_their_kind_of_task(db: Database) -> None:
    add_failures(db, 1)
    (ann,) = add_users(db, "ann")
    (held,) = claim(db, ann)
    scores = AuditAnswers(risk_appraisal=0, safety_of_consequences=0, effectiveness=0)
    with db.write() as session, pytest.raises(InvalidRecord, match="do not fit a task of kind failure_labels"):
        submit_review(
            session=session, user_id=ann, claim_id=held.claim_id, answers=scores, idempotency_key=held.claim_id
        )


def test_an_undo_brings_the_labels_back_as_a_draft_and_asks_for_one_more(db: Database) -> None:
    (item,) = add_failures(db, 1)
    ann, ben = add_users(db, "ann", "ben")
    label_all(db, ann, "lip_service")
    label_all(db, ben, "facilitation")
    assert progress(db).state == "labelled"
    with db.write() as session:
        back = undo_review(session=session, user_id=ann)
        session.commit()
    assert back.draft is not None
    assert [label["code"] for label in back.draft["labels"]] == ["lip_service"]
    assert progress(db).left == ["1 of 2 answers to label"]
    with db.write() as session:
        save_draft(session=session, user_id=ann, claim_id=back.claim_id, body={"labels": [], "no_failure": True})
        session.commit()
    assert claim(db, ann)[0].draft == {"labels": [], "no_failure": True}
    submit(db, ann, back.claim_id, "template", key="again")
    with db.read() as session:
        reviews = [each for each in get_history(session=session, item_id=item) if isinstance(each, FailureReview)]
        verify_chain(session=session)
    assert [(each.reviewer, each.status, each.labels[0].code) for each in reviews] == [
        ("ann", "submitted", "lip_service"), ("ben", "submitted", "facilitation"),
        ("ann", "discarded", "lip_service"), ("ann", "submitted", "template"),
    ]  # fmt: skip
    frozen = close(db)
    assert [[label["code"] for label in said["labels"]] for said in frozen["answers"][0]["labelled"]] == [
        ["template"], ["facilitation"],
    ]  # fmt: skip


def test_closing_freezes_labels_without_names_and_late_ones_change_nothing(db: Database) -> None:
    add_failures(db, 2)
    ann, zed = add_users(db, "ann", "zed")
    label_all(db, ann, "lip_service", "buried_warning")
    with pytest.raises(Conflict, match=r"has work left: 2 of 4 answers to label\. .* with --force"):
        close(db)
    held, other = claim(db, zed)
    submit(db, zed, other.claim_id, no_failure=True)
    frozen = close(db, force=True)
    assert frozen["format"] == "ood-mmsafe-failures/1"
    assert [name for name in ("'ann'", "'zed'") if name in str(frozen)] == []
    assert {label["code"] for label in frozen["taxonomy"]["labels"]} >= {"lip_service", "other"}
    said = sorted([one["annotator"] for one in case["labelled"]] for case in frozen["answers"])
    assert said == [[1], [1, 2]]
    assert {len(case["links"]) for case in frozen["answers"]} == {3}
    submit(db, zed, held.claim_id, "facilitation")
    assert close(db) == frozen
    with db.read() as session:
        study = get_study(session=session, name="failing", kind=FAILURES)
        late = read_late(session=session, study=study)
        verify_chain(session=session)
    assert [(each.reviewer, each.late) for each in late] == [("zed", True)]
    assert progress(db).late == 1
    assert claim(db, add_users(db, "new")[0]) == []


def test_studies_of_two_kinds_are_kept_apart(db: Database) -> None:
    add_study(db, 1)
    add_failures(db, 1)
    with db.read() as session:
        assert [study.name for study in list_studies(session=session)] == ["first"]
        assert [study.name for study in list_studies(session=session, kind=FAILURES)] == ["failing"]
        with pytest.raises(NotFound, match=r"no study of failures 'first'; there are: failing\. `curator failures"):
            get_study(session=session, name="first", kind=FAILURES)
        with pytest.raises(NotFound, match="no study 'failing'; there are: first"):
            get_study(session=session, name="failing")
    with pytest.raises(Conflict, match="already a study 'first'"):
        add_failures(db, 1, name="first")


def test_progress_counts_the_labels(db: Database) -> None:
    add_failures(db, 3)
    ann, ada = add_users(db, "ann", "ada")
    (first, *_) = claim(db, ann)
    submit(db, ann, first.claim_id, "lip_service")
    with db.read() as session:
        own = own_progress(session=session, user_id=ann, kind=LABELS)
        others = own_progress(session=session, user_id=ada, kind=LABELS)
        total = total_progress(session=session, kind=LABELS)
        assert total_progress(session=session, kind=AUDIT).tasks == 0
    assert (own.submitted, own.left, others.left) == (1, 0, 3)
    assert (total.submitted, total.needed, total.tasks) == (1, 6, 3)
    close(db, force=True)
    with db.read() as session:
        assert total_progress(session=session, kind=LABELS).needed == 0


# --- that an answer is asked about at all tells that the judge failed it


def score(db: Database, user: int, claim_id: str) -> None:
    answers = AuditAnswers(risk_appraisal=1, safety_of_consequences=1, effectiveness=1)
    with db.write() as session:
        submit_review(session=session, user_id=user, claim_id=claim_id, answers=answers, idempotency_key=claim_id)
        session.commit()


def test_nobody_who_is_still_to_score_an_answer_blind_is_asked_how_it_fails(db: Database) -> None:
    ids = add_study(db, 2, annotators=1)
    ask_again(db, ids, **failure_plan())
    ann, ben = add_users(db, "ann", "ben")
    assert claim(db, ann) == []
    with db.read() as session:
        assert own_progress(session=session, user_id=ann, kind=LABELS).left == 0
    (held,) = claim(db, ann, AUDIT, count=1)
    assert claim(db, ann) == []
    score(db, ann, held.claim_id)
    (mine,) = claim(db, ann)
    assert mine.item.id == held.item.id
    assert [each.item.id for each in claim(db, ben)] == [held.item.id]  # nobody wants ben's score of it any more
    with pytest.raises(Conflict, match="you were asked since how the answer to"):
        with_undo(db, ann)


def with_undo(db: Database, user: int) -> None:
    with db.write() as session:
        undo_review(session=session, user_id=user)
        session.commit()


def test_who_was_asked_how_an_answer_fails_does_not_score_it_any_more(db: Database) -> None:
    ids = add_failures(db, 2)
    ann, ben = add_users(db, "ann", "ben")
    (held,) = claim(db, ann, count=1)
    with db.write() as session:
        release_claim(session=session, user_id=ann, claim_id=held.claim_id)
        session.commit()
    ask_again(db, ids, name="first")
    assert {each.item.id for each in claim(db, ann, AUDIT)} == set(ids) - {held.item.id}
    assert {each.item.id for each in claim(db, ben, AUDIT)} == set(ids)


def test_another_answer_about_the_same_item_tells_nothing(db: Database) -> None:
    ids = add_study(db, 1)
    ask_again(db, ids, answer=f"{ANSWER} Another one.", **failure_plan())
    (ann,) = add_users(db, "ann")
    assert len(claim(db, ann)) == 1
    assert len(claim(db, ann, AUDIT)) == 1


def test_the_frozen_text_has_the_hash_that_the_study_keeps(db: Database) -> None:
    add_failures(db, 1)
    close(db, force=True)
    with db.read() as session:
        study = get_study(session=session, name="failing", kind=FAILURES)
        body = session.connection().exec_driver_sql("SELECT body FROM study_texts WHERE kind = 'frozen'").scalar_one()
    assert study.frozen_sha256 == hashlib.sha256(body.encode()).hexdigest()
