"""What models found about an item, as its reviewer gets it after their own answer."""

from typing import Any

from curator_app.api.claim_views import describe_answer
from storage.records import FilterVerdict, Record, Refinement, Suggestion
from storage.suggestions import Found, Suggestions


def describe_suggestions(seen: Suggestions) -> dict[str, Any]:
    """Return the person's own answer and, by kind, what filters and models said."""
    return {
        "review_id": seen.review_id,
        "item": {"id": seen.item_id, "label": seen.label, "query": seen.query},
        "round": seen.own.round,
        "own": describe_answer(seen.own) | {"undone": seen.undone},
        "verdicts": [_describe(found) for found in seen.found if isinstance(found.record, FilterVerdict)],
        "refinements": [_describe(found) for found in seen.found if isinstance(found.record, Refinement)],
        "suggestions": [_describe(found) for found in seen.found if isinstance(found.record, Suggestion)],
        "written_by_hand": seen.written_by_hand,
    }


def _describe(found: Found) -> dict[str, Any]:
    made = found.record.provenance
    return _describe_record(found.record) | {"by": made.model or made.actor, "earlier_wording": found.earlier}


def _describe_record(record: Record) -> dict[str, Any]:
    """Field by field: what a record comes to hold later shows here only on purpose."""
    if isinstance(record, FilterVerdict):
        return {
            "name": record.filter_name,
            "passed": record.passed,
            "score": record.score,
            "threshold": record.threshold,
            "reason": record.reason,
        }
    if isinstance(record, Refinement):
        return {
            "round": record.round,
            "hazard_type": record.hazard_type,
            "leak_found": record.leak_found,
            "evidence": record.evidence,
            "strategy": record.strategy,
            "query_before": record.query_before,
            "query_after": record.query_after,
        }
    assert isinstance(record, Suggestion)
    return {
        "verdict": record.verdict.value,
        "reasons": [reason.value for reason in record.reasons],
        "note": record.note,
        "score": record.score,
    }
