"""Three people at work on a Label Studio server, each in a thread, and what has to be true once they have stopped."""

import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from factories import make_answers
from labelstudio_server import Person
from sqlmodel import Session, select

from curator_app.labelstudio.mapping import write_result
from storage.audit_answers import AuditAnswers
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.items import get_record
from storage.records import TaskKind
from storage.reviews import shape_of
from storage.tables import ReviewRow, TaskRow, UserRow


def as_result(answers: Any, texts: dict[str, str] | None = None) -> Any:
    """The answers as the editor of the server would send them."""
    return write_result(answers, texts=texts or {}, seed="somebody")


BROKEN = as_result(make_answers("reject"))[:1]
"""What none of our screens would take: a rejection without a reason."""


class Annotator(threading.Thread):
    """Annotates, edits, skips and deletes, as the dice fall, until it is over. What failed is left as it is.

    `reviews` are tasks of a project that all share; `scores` those of a project for this person; `foreign` those of
    another's, where the server lets them in all the same.
    """

    LEAST, DELETES_A_TASK = 40, 25

    def __init__(
        self, person: Person, over: threading.Event, *, reviews: list[int], scores: list[int], foreign: list[int]
    ) -> None:
        """Nothing is done before `start`."""
        super().__init__()
        self.person, self.over = person, over
        self.reviews, self.scores, self.foreign = reviews, scores, foreign
        self.dice = random.Random(person.email)
        self.mine: list[tuple[int, bool]] = []
        self.did: Counter[str] = Counter()

    def run(self) -> None:
        """Act a few times a second."""
        for place in range(1, 100_000):
            if self.over.is_set() and place > self.LEAST:
                return
            what = self.dice.choices(("annotate", "skip", "edit", "unskip", "delete"), (10, 2, 5, 1, 2))[0]
            if place % self.DELETES_A_TASK == 0:
                what = "delete_task"
            elif not self.mine and what != "skip":
                what = "annotate"
            said = self._do(what)
            self.did[f"{what} {said.status_code}"] += 1
            self.over.wait(0.15)

    def _do(self, what: str) -> Any:
        if what == "delete_task":
            return self.person.call("DELETE", f"/api/tasks/{self.dice.choice(self.reviews)}/")
        if what in ("annotate", "skip"):
            tasks = self.dice.choices((self.reviews, self.scores, self.foreign), (16, 4, 1))[0]
            task, scored = self.dice.choice(tasks), tasks is not self.reviews
            body = {"result": self._result(scored), "lead_time": 3.25, "was_cancelled": what == "skip"}
            said = self.person.call("POST", f"/api/tasks/{task}/annotations/", json=body)
            if said.status_code == 201:
                self.mine.append((said.json()["id"], scored))
            return said
        annotation, scored = self.dice.choice(self.mine)
        if what == "delete":
            self.mine.remove((annotation, scored))
            return self.person.call("DELETE", f"/api/annotations/{annotation}/")
        changed = {"result": self._result(scored)} | ({"was_cancelled": False} if what == "unskip" else {})
        return self.person.call("PATCH", f"/api/annotations/{annotation}/", json=changed)

    def _result(self, scored: bool) -> Any:
        if scored:
            grades = [self.dice.randrange(3) for _ in range(3)]
            names = ("risk_appraisal", "safety_of_consequences", "effectiveness")
            return as_result(AuditAnswers(**dict(zip(names, grades, strict=True))))
        verdict = self.dice.choice(("approve", "approve", "reject", "revise", ""))
        return as_result(make_answers(verdict)) if verdict else BROKEN


def check_mirror(
    session: Session, project: ExternalProjectRow, truth: Sequence[dict[str, Any]], emails: dict[int, str]
) -> None:
    """What we keep is what the server has, annotation by annotation; what it lost is marked so."""
    links = session.exec(select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id)).all()
    alive = {row.remote_id for row in links if row.state == "live"}
    assert alive == {task["id"] for task in truth}
    assert len({row.task_id for row in links if row.state == "live"}) == len(truth)
    kept = {}
    for row in session.exec(select(ExternalAnnotationRow).where(ExternalAnnotationRow.project_id == project.id)):
        revision = session.get_one(ExternalRevisionRow, row.revision_id)
        if row.remote_task in alive and revision.state != "deleted":
            result = json.loads(revision.raw).get("result")
            kept[row.annotation] = (row.remote_task, revision.state, revision.claimed, result)
    on_server = {
        each["id"]: (
            task["id"],
            "skipped" if each["was_cancelled"] else "submitted",
            emails[each["completed_by"]],
            each["result"],
        )
        for task in truth
        for each in task["annotations"]
    }
    assert kept == on_server


STATED = {
    "submitted": {"counted", "same", "extra", "conflict", "late", "unreadable", "wrong_person"},
    "skipped": {"skipped", "late"},
    "deleted": {"withdrawn", "late"},
}


def check_counts(session: Session, project: ExternalProjectRow) -> None:
    """Each annotation counts as it must: one review of its author that says the same, and no other stands."""
    kind = TaskKind(project.kind)
    tasks = {row.id: row for row in session.exec(select(TaskRow).where(TaskRow.kind == kind.value))}
    ours = {
        row.remote_id: row.task_id
        for row in session.exec(select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id))
    }
    names = {row.name: row.id for row in session.exec(select(UserRow))}
    reviews = {row.id: row for row in session.exec(select(ReviewRow).where(ReviewRow.status == "submitted"))}
    answered = {(row.task_id, row.user_id) for row in reviews.values()}
    assert len(answered) == len(reviews)
    fields = set(shape_of(kind).model_fields) - {"seconds"}
    for row in session.exec(select(ExternalAnnotationRow).where(ExternalAnnotationRow.project_id == project.id)):
        last = session.get_one(ExternalRevisionRow, row.revision_id)
        assert row.use in STATED[last.state], (row, last.state)
        if last.state == "submitted":
            broken = json.loads(last.raw)["result"] == BROKEN
            assert bool(last.problem) == broken, last
            foreign = bool(project.person) and last.claimed != project.person
            assert (row.use == "wrong_person") == (foreign and not broken), row
            task = tasks[ours[row.remote_task]]
            if not (broken or foreign or row.use == "late"):  # nothing is lost: theirs stands, or nobody is asked
                assert (task.id, names[last.claimed]) in answered or task.status != "open", row
        if row.use == "counted":
            review = reviews[row.review_id]
            assert (review.task_id, review.user_id) == (ours[row.remote_task], names[last.claimed])
            record = get_record(session=session, record_id=review.record_id, item_number=review.item_number)
            said = shape_of(kind).model_validate_json(last.answers)
            assert record.model_dump(include=fields) == said.model_dump(include=fields)


def check_nothing_else(session: Session) -> None:
    """No review stands that no annotation gave, and no place is taken by nobody."""
    given = {
        row.review_id for row in session.exec(select(ExternalAnnotationRow)) if row.use in ("counted", "late")
    }  # fmt: skip
    assert set(session.exec(select(ReviewRow.id).where(ReviewRow.status == "submitted"))) <= given
    for task in session.exec(select(TaskRow).where(TaskRow.status == "open")):
        assert task.open_slots == task.overlap - task.submitted, task
