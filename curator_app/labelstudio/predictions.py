"""What the filters found, as predictions for Label Studio: where that spoils no study, no guess and no score.

There is one honest source: the pipeline's four filters answer the four criteria of a scenario review. No model here
says a verdict, its reasons, a guess or a label that a person could begin with, so none is made up.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.mapping import Result, write_criteria
from curator_app.labelstudio.outgoing import Outgoing
from storage.records import Answer, Criterion, FilterVerdict, Scenario, TaskKind, parse_record
from storage.tables import ItemRow, RecordRow, TaskRow

MODEL = "curator filters"
"""Of all predictions: a project of Label Studio shows those of one model."""
_STUDY = "in a study nobody may know what a model said before they have answered"
_REFUSED = {
    TaskKind.LEAKAGE_CHECK: "a leakage check rests on what a person guesses from the words alone",
    TaskKind.JUDGE_AUDIT: _STUDY,
    TaskKind.FAILURE_LABELS: _STUDY,
}


def check_predictions(kind: TaskKind) -> None:
    """Return if predictions may be pushed with this kind of task.

    Raises:
        LabelStudioRefused: blindness forbids it; says why.
    """
    if kind is not TaskKind.SCENARIO_REVIEW:
        why = _REFUSED.get(kind, "differences are settled here")
        raise LabelStudioRefused(f"predictions cannot be pushed with {kind.value}: {why}; leave --predictions out")


def gather_predictions(*, session: Session, rows: Sequence[Outgoing]) -> dict[int, Result]:
    """Return what the filters found about the wording that each task asks about, by task; others are left out.

    Raises:
        LabelStudioRefused: no filter has judged any of them.
    """
    found = {row.task_id: result for row in rows if (result := _read(session=session, task_id=row.task_id))}
    if rows and not found:
        raise LabelStudioRefused(
            f"no filter has judged any of these {len(rows)} items, as it is with what is written by hand, so nothing "
            "can be predicted; leave --predictions out"
        )
    return found


def _read(*, session: Session, task_id: int) -> Result:
    task = session.get_one(TaskRow, task_id)
    item = session.get_one(ItemRow, task.item_number)
    query = select(RecordRow.body).where(
        RecordRow.item_number == item.number, col(RecordRow.kind).in_(("scenario", "filter_verdict"))
    )
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    first = next((record.id for record in records if isinstance(record, Scenario)), "")
    answers: dict[Criterion, Answer] = {}
    for record in records:
        known = isinstance(record, FilterVerdict) and record.filter_name in set(Criterion)
        if known and isinstance(record, FilterVerdict) and (record.parent_id or first) == item.scenario_id:
            answers[Criterion(record.filter_name)] = Answer.YES if record.passed else Answer.NO
    return write_criteria(answers, seed=f"filters/{task_id}") if answers else []


def as_task(data: dict[str, Any], predictions: Mapping[int, Result]) -> dict[str, Any]:
    """Return a task as it is imported, with its prediction if there is one."""
    result = predictions.get(data["curator_task"])
    made = {"predictions": [{"model_version": MODEL, "result": result}]} if result else {}
    return {"data": data} | made
