"""What people found at the leakage checks, answer by answer, for the rates."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from storage.intervals import Share
from storage.leak_answers import ThreeWay
from storage.records import LeakFindings, LeakGuess, LeakReview, TaskKind, parse_record
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow, ReviewRow, TaskRow


@dataclass(frozen=True)
class CheckAnswer:
    """One person's finished check of one wording; those taken back are left out."""

    item_number: int
    scenario_id: str
    """The wording that was checked."""
    present: bool
    """The item still has this wording and is not rejected."""
    named: str
    """Whether the guess from the words alone named the hazard: yes, partly or no."""
    gave_away: ThreeWay


def read_answers(*, session: Session) -> list[CheckAnswer]:
    """Return all standing answers, the oldest first."""
    kinds = ("leak_guess", "leak_findings")
    locked = {
        (number, record_id): parse_record(body)
        for number, record_id, body in session.exec(
            select(RecordRow.item_number, RecordRow.id, RecordRow.body).where(col(RecordRow.kind).in_(kinds))
        )
    }
    rows = session.exec(
        select(RecordRow.body, ItemRow.number, ItemRow.scenario_id, ItemRow.stage)
        .join(
            ReviewRow,
            (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
        )
        .join(TaskRow, col(TaskRow.id) == ReviewRow.task_id)
        .join(ItemRow, col(ItemRow.number) == ReviewRow.item_number)
        .where(TaskRow.kind == TaskKind.LEAKAGE_CHECK.value, ReviewRow.status == "submitted")
        .order_by(col(ReviewRow.id))
    )
    answers = []
    for body, number, scenario_id, stage in rows:
        review = parse_record(body)
        assert isinstance(review, LeakReview) and number is not None
        guess, findings = locked[number, review.guess_id], locked[number, review.findings_id]
        assert isinstance(guess, LeakGuess) and isinstance(findings, LeakFindings) and guess.parent_id is not None
        present = guess.parent_id == scenario_id and stage != Stage.REJECTED.value
        answers.append(
            CheckAnswer(number, guess.parent_id, present, named=review.guess_named_it, gave_away=findings.gives_away)
        )
    return answers


def share_named(answers: Sequence[CheckAnswer]) -> Share:
    """Return how many guesses from the words alone named the hazard. Partly right ones do not count."""
    return Share(sum(answer.named == "yes" for answer in answers), len(answers))
