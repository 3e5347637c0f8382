"""What people said of how an answer fails."""

from typing import Literal

from pydantic import Field

from storage.failure_answers import FailureAnswers
from storage.record import Record
from storage.texts import Line, Sha256


class FailureReview(Record, FailureAnswers):
    """A person's labels of one answer. `discarded` is the record of an undo, its parent the review undone."""

    kind: Literal["failure_review"] = "failure_review"
    item_id: Line
    study: Line
    study_item: int = Field(ge=1)
    task_kind: Literal["failure_labels"] = "failure_labels"
    taxonomy_version: Line
    taxonomy_sha256: Sha256
    claim_id: Line
    reviewer: Line
    status: Literal["submitted", "discarded"]
    late: bool = False
    """It came after the study was closed, and changes nothing in it."""
