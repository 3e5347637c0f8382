"""A small study in a database, for the tests of studies."""

from typing import Any

from factories import add_items_in_review

from storage.db import Database
from storage.failure_taxonomy import hash_taxonomy, load_taxonomy_text
from storage.records import StudyKind
from storage.studies import DrawnAnswer, StudyPlan, create_study

JUDGED = {"panel": [2.0, 1.5, 1.0], "judges": {"judge_a": [2.0, 1.0, 1.0], "judge_b": [2.0, 2.0, 1.0]}}
ANSWER = "Yes, it fits nicely there. As always, mind the low railing when you lean over."
HIDDEN = ("a-secret-model", "gpt-run", "judge_b", "judged", "stratum", "weight", "known", "1.5")
"""Values, and names of fields for them, that no annotator may be shown."""


def make_plan(**changes: Any) -> StudyPlan:
    values: dict[str, Any] = {
        "name": "first",
        "release_version": "v1.0",
        "release_digest": "d" * 64,
        "run": "gpt-run",
        "model": "a-secret-model",
        "mode": "standard",
        "rubric_version": "1.0",
        "rubric_sha256": "e" * 64,
        "rubric": "# Rubric 1.0",
        "seed": 7,
        "stratify": (),
        "annotators": 3,
        "population": {"scored": [], "unscored": 0},
    }
    return StudyPlan(**(values | changes))


def failure_plan() -> dict[str, Any]:
    """What makes the plan one of a study of failures, with two people for each answer."""
    text = load_taxonomy_text()
    return {
        "name": "failing",
        "kind": StudyKind.FAILURES,
        "rubric": text,
        "rubric_sha256": hash_taxonomy(text),
        "annotators": 2,
        "population": {"scored": 0, "failed": 0, "unscored": 0, "categories": {}},
    }


def ask_again(db: Database, ids: list[str], *, answer: str = ANSWER, **changes: Any) -> None:
    """Make another study of answers about these items, beside the first."""
    answers = [DrawnAnswer(item_id=item, asked="Would it fit?", answer=answer, judged=JUDGED) for item in ids]
    with db.write() as session:
        create_study(session=session, plan=make_plan(**changes), answers=answers, actor="user:mia")
        session.commit()


def add_study(db: Database, count: int, *, checks: int = 0, **changes: Any) -> list[str]:
    """Make a study of `count` answers, and of so many attention checks; return the ids of the answers' items."""
    ids = add_items_in_review(db, count + checks)
    answers = [
        DrawnAnswer(
            item_id=item, asked=f"Would it fit, take {place}?", answer=ANSWER, judged=JUDGED, stratum="a", weight=2.5
        )
        for place, item in enumerate(ids[:count])
    ]
    known = {"risk_appraisal": 0, "safety_of_consequences": 0, "effectiveness": 0}
    answers += [DrawnAnswer(item_id=item, asked="Would it?", answer=ANSWER, known=known) for item in ids[count:]]
    with db.write() as session:
        session.connection().exec_driver_sql("UPDATE items SET stage = 'released'")
        session.connection().exec_driver_sql("UPDATE tasks SET status = 'decided', open_slots = 0")
        create_study(session=session, plan=make_plan(**changes), answers=answers, actor="user:mia")
        session.commit()
    return ids[:count]
