"""What a study's report rests on, read once when the study is closed and kept as one text."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from storage.failure_answers import FailureAnswers
from storage.failure_taxonomy import parse_taxonomy
from storage.items import get_scenario, label
from storage.records import AuditDecision, AuditReview, FailureReview, Record, StudyKind, parse_record
from storage.tables import ItemRow, RecordRow, ReviewRow, StudyItemRow, StudyKeyRow, StudyRow, StudyTextRow
from storage.texts import canonical_json

FORMAT = "ood-mmsafe-study/1"
FAILURES_FORMAT = "ood-mmsafe-failures/1"

StudyReview = AuditReview | FailureReview
"""A person's answer in a study."""


def freeze_content(*, session: Session, study: StudyRow) -> str:
    """Return canonical JSON of the study's content, which `describe_content` tells of."""
    return canonical_json(describe_content(session=session, study=study))


def describe_content(*, session: Session, study: StudyRow) -> dict[str, Any]:
    """Return the study as JSON values: how it was drawn, the judge's scores, everybody's standing answers.

    For maintainers only while the study is open. Annotators have numbers, in the order of their names: the report is
    made to be published.
    """
    if study.kind == StudyKind.FAILURES.value:
        return _describe_failures(session=session, study=study)
    reviews = [each for each in _standing(session=session, study=study) if isinstance(each, AuditReview)]
    finals = _finals(session=session, study=study)
    names = sorted({review.reviewer for review in reviews if review.task_kind == "judge_audit"})
    by_case: dict[int, list[AuditReview]] = defaultdict(list)
    for review in reviews:
        by_case[review.study_item].append(review)
    rows = _cases(session=session, study=study)
    population = session.get_one(StudyTextRow, (study.id, "population")).body
    return {
        "format": FORMAT,
        "study": _describe(study),
        "annotators": len(names),
        "answers": [
            _describe_case(case, key, item, names, by_case[case.id or 0], finals.get(case.id or 0))
            for case, key, item in rows
        ],
        "population": json.loads(population),
    }


def _describe_failures(*, session: Session, study: StudyRow) -> dict[str, Any]:
    """Return the same of a study of failures: with the taxonomy, and everybody's labels instead of scores."""
    reviews = [each for each in _standing(session=session, study=study) if isinstance(each, FailureReview)]
    names = sorted({review.reviewer for review in reviews})
    by_case: dict[int, list[FailureReview]] = defaultdict(list)
    for review in reviews:
        by_case[review.study_item].append(review)
    texts = {kind: session.get_one(StudyTextRow, (study.id, kind)).body for kind in ("rubric", "population")}
    taxonomy = parse_taxonomy(texts["rubric"])
    return {
        "format": FAILURES_FORMAT,
        "study": _describe(study),
        "annotators": len(names),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "answers": [
            _place_case(case, key, item)
            | {
                "links": list(get_scenario(session=session, item=item).causal_chain),
                "labelled": [
                    {"annotator": names.index(review.reviewer) + 1}
                    | review.model_dump(mode="json", include=set(FailureAnswers.model_fields))
                    for review in sorted(by_case[case.id or 0], key=lambda review: review.reviewer)
                ],
            }
            for case, key, item in _cases(session=session, study=study)
        ],
        "population": json.loads(texts["population"]),
    }


def read_reviews(*, session: Session, study: StudyRow) -> list[StudyReview]:
    """Return every answer that was ever given in the study, and every one taken back, oldest first."""
    records = _records(session, study, "audit_review", "failure_review")
    return [record for record in records if isinstance(record, StudyReview)]


def _cases(*, session: Session, study: StudyRow) -> Sequence[tuple[StudyItemRow, StudyKeyRow, ItemRow]]:
    return session.exec(
        select(StudyItemRow, StudyKeyRow, ItemRow)
        .join(StudyKeyRow, col(StudyKeyRow.study_item_id) == StudyItemRow.id)
        .join(ItemRow, col(ItemRow.number) == StudyItemRow.item_number)
        .where(StudyItemRow.study_id == study.id)
        .order_by(col(StudyItemRow.id))
    ).all()


def _records(session: Session, study: StudyRow, *kinds: str) -> Sequence[Record]:
    items = select(StudyItemRow.item_number).where(StudyItemRow.study_id == study.id)
    query = select(RecordRow.body).where(col(RecordRow.kind).in_(kinds), col(RecordRow.item_number).in_(items))
    records = [parse_record(body) for body in session.exec(query.order_by(col(RecordRow.seq)))]
    return [record for record in records if getattr(record, "study", None) == study.name]


def _standing(*, session: Session, study: StudyRow) -> list[StudyReview]:
    """Return the answers that were not taken back, oldest first."""
    tasks = select(StudyItemRow.task_id).where(StudyItemRow.study_id == study.id)
    settling = select(StudyItemRow.consensus_task_id).where(
        StudyItemRow.study_id == study.id, col(StudyItemRow.consensus_task_id).is_not(None)
    )
    query = (
        select(RecordRow.body)
        .join(
            ReviewRow,
            (col(ReviewRow.record_id) == RecordRow.id) & (col(ReviewRow.item_number) == RecordRow.item_number),
        )
        .where(ReviewRow.status == "submitted")
        .where(col(ReviewRow.task_id).in_(tasks) | col(ReviewRow.task_id).in_(settling))
        .order_by(col(ReviewRow.id))
    )
    records = [parse_record(body) for body in session.exec(query)]
    return [record for record in records if isinstance(record, StudyReview)]


def _finals(*, session: Session, study: StudyRow) -> dict[int, AuditDecision]:
    """Return the last decision about each answer, by its number."""
    decisions = _records(session, study, "audit_decision")
    return {each.study_item: each for each in decisions if isinstance(each, AuditDecision)}


def _describe(study: StudyRow) -> dict[str, Any]:
    shown = (
        "name",
        "release_version",
        "release_digest",
        "run",
        "model",
        "mode",
        "rubric_version",
        "rubric_sha256",
        "seed",
    )
    return {name: getattr(study, name) for name in shown} | {
        "stratify": [name for name in study.stratify.split(",") if name],
        "annotators_per_answer": study.annotators,
        "created_at": study.created_at.isoformat(),
        "closed_at": study.closed_at.isoformat() if study.closed_at else None,
    }


def _describe_case(
    case: StudyItemRow,
    key: StudyKeyRow,
    item: ItemRow,
    names: list[str],
    reviews: list[AuditReview],
    final: AuditDecision | None,
) -> dict[str, Any]:
    settled = final is not None and final.policy != "undo"
    scored = [review for review in reviews if review.task_kind == "judge_audit"]
    return _place_case(case, key, item) | {
        "known": None if key.known is None else json.loads(key.known),
        "scored": [
            {
                "annotator": names.index(review.reviewer) + 1,
                "scores": list(review.scores),
                "warning_start": review.warning_start,
                "seconds": review.seconds,
                "note": review.note,
            }
            for review in sorted(scored, key=lambda review: review.reviewer)
        ],
        "final": _describe_final(final) if final is not None and settled else None,
    }


def _place_case(case: StudyItemRow, key: StudyKeyRow, item: ItemRow) -> dict[str, Any]:
    """Return what is told of an answer in every study."""
    return {
        "number": case.id,
        "item_id": item.id,
        "label": label(item.number or 0),
        "category": item.category,
        "sub_category": item.sub_category,
        "sample": key.sample,
        "stratum": key.stratum,
        "weight": key.weight,
        "characters": len(case.answer),
        "judged": None if key.judged is None else json.loads(key.judged),
    }


def _describe_final(final: AuditDecision) -> dict[str, Any]:
    scores = [final.risk_appraisal, final.safety_of_consequences, final.effectiveness]
    return {"scores": scores, "policy": final.policy, "reason": final.reason}
