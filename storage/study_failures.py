"""Answers to a study of failures: what is stored, and what an undo takes back.

Nothing is settled: several people may see several failures in one answer, and the report tells how far they agree.
"""

from datetime import datetime

from sqlmodel import Session

from storage.claims import HeldClaim
from storage.errors import InvalidRecord
from storage.failure_answers import FailureAnswers
from storage.failure_taxonomy import parse_taxonomy
from storage.items import get_scenario
from storage.records import FailureReview, Provenance
from storage.study_audits import read_case
from storage.tables import StudyTextRow, TaskRow


def make_review(*, session: Session, held: HeldClaim, answers: FailureAnswers, now: datetime) -> FailureReview:
    """Return the record of an answer; `storage.reviews` stores it.

    Raises:
        InvalidRecord: a label is not in the study's taxonomy or wants a note, a span ends beyond the answer, or the
            item's causal chain has no such link.
    """
    case, study = read_case(session=session, task=held.task)
    taxonomy = parse_taxonomy(session.get_one(StudyTextRow, (study.id, "rubric")).body)
    for label in answers.labels:
        kind = taxonomy.find(label.code)
        if kind is None:
            known = ", ".join(each.code for each in taxonomy.labels)
            raise InvalidRecord(f"label {label.code!r} is not in taxonomy {taxonomy.version}; it has {known}")
        if label.end is not None and label.end > len(case.answer):
            raise InvalidRecord(
                f"the span of {label.code} ends at {label.end}, beyond the answer of {len(case.answer)} characters"
            )
        if kind.needs_note and not answers.note.strip():
            raise InvalidRecord(f"label {label.code} needs a note that says how the answer fails")
    links = len(get_scenario(session=session, item=held.item).causal_chain)
    if answers.broken_link is not None and answers.broken_link >= links:
        raise InvalidRecord(
            f"broken_link {answers.broken_link} is not in the causal chain of {links}; "
            f"give 0 to {links - 1}, or null where no link in particular broke"
        )
    return FailureReview.model_validate(
        answers.model_dump()
        | {
            "item_id": held.item.id,
            "study": study.name,
            "study_item": case.id,
            "taxonomy_version": study.rubric_version,
            "taxonomy_sha256": study.rubric_sha256,
            "claim_id": held.claim.id,
            "reviewer": held.person.name,
            "status": "submitted",
            "late": study.closed_at is not None,
            "provenance": Provenance(
                actor=f"user:{held.person.name}", tool="storage.reviews.submit_review", created_at=now
            ),
        }
    )


def decide(*, session: Session, task: TaskRow) -> None:
    """Close a task that everybody has answered; there is nothing to settle."""
    task.status, task.open_slots = "decided", 0
    session.add(task)


def reopen(*, session: Session, task: TaskRow) -> None:
    """Ask for one more answer, because the author of one undoes it. A closed study stands."""
    _, study = read_case(session=session, task=task)
    if study.closed_at is None and task.status == "decided":
        task.status, task.open_slots = "open", task.overlap - task.submitted
        session.add(task)
