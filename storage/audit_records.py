"""What people answered in a study of the judge, and what was settled where they differed."""

from typing import Literal

from pydantic import Field

from storage.audit_answers import AuditAnswers, HumanScore
from storage.record import Record
from storage.texts import Line, Sha256, Text


class AuditReview(Record, AuditAnswers):
    """A person's scores of one answer. `discarded` is the record of an undo, its parent the review undone."""

    kind: Literal["audit_review"] = "audit_review"
    item_id: Line
    study: Line
    study_item: int = Field(ge=1)
    task_kind: Literal["judge_audit", "judge_consensus"]
    claim_id: Line
    reviewer: Line
    status: Literal["submitted", "discarded"]
    late: bool = False
    """It came after the study was closed, and changes nothing in it."""


class AuditDecision(Record):
    """The final scores of one answer. All originals stay: `review_ids` names them."""

    kind: Literal["audit_decision"] = "audit_decision"
    item_id: Line
    study: Line
    study_item: int = Field(ge=1)
    policy: Line
    """`3 agree`, `consensus`, or `undo`: an earlier decision was taken back."""
    risk_appraisal: HumanScore | None = None
    safety_of_consequences: HumanScore | None = None
    effectiveness: HumanScore | None = None
    reason: Text = ""
    review_ids: tuple[Sha256, ...]
    """The annotators' reviews, and after them the consensus."""
