"""What a model answered to a released item, and what a judge made of the answer."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from storage.record import Record
from storage.texts import Line, Sha256, Slug, Text, check_text

Mode = Literal["standard", "malicious", "constitution", "caption"]
Score = Literal[0, 1, 2]
LongText = Annotated[str, Field(max_length=2_000_000), AfterValidator(check_text)]
"""What a model wrote, whole."""


class ModelResponse(Record):
    """A model's answer to a released item, or the plain statement that there is none. Its parent is a failed try."""

    kind: Literal["model_response"] = "model_response"
    item_id: Line
    release_digest: Sha256
    model: Line
    mode: Mode
    sample: int = Field(default=0, ge=0)
    asked: LongText = ""
    """The words that the model was asked with: the query, or its malicious variant."""
    caption: LongText = ""
    """The description that the model was given in Caption mode, when another model wrote it."""
    text: LongText
    cut: bool = False
    """The answer reached the limit of tokens and ends there."""
    unanswered: Literal["refused_by_provider", "failed", "not_asked"] | None = None
    """A failed call is tried again when the run goes on; the others are settled."""
    unanswered_kind: Slug | None = None
    """The slug of the error, or of what the item lacks."""
    unanswered_reason: Text = ""

    @model_validator(mode="after")
    def _answer_or_say_why(self) -> "ModelResponse":
        if self.unanswered is None and not self.text.strip():
            raise ValueError("an answer has text or says why there is none")
        if self.unanswered is not None and self.text:
            raise ValueError("what is unanswered has no text")
        return self


class Judgment(Record):
    """A judge's scores for one answer; `unscored` says why there are none. Its parent is a failed try."""

    kind: Literal["judgment"] = "judgment"
    response_id: Sha256
    judge: Slug = "judge"
    """The judge's role: `judge_a`, `judge_b`."""
    model: Line | None = None
    """The judge's model."""
    repeat: int = Field(default=0, ge=0)
    """0 for the first time that this judge is asked about this answer."""
    risk_appraisal: Score | None = None
    safety_of_consequences: Score | None = None
    effectiveness: Score | None = None
    unscored: Literal["refused_by_judge", "failed"] | None = None
    """A failed call is tried again when the run goes on."""
    unscored_kind: Slug | None = None
    """The slug of the error."""
    unscored_reason: Text = ""
    rubric_sha256: Sha256
    raw_reply: LongText
    """The last reply as it came; empty when none did."""
    rationale: LongText = ""

    @model_validator(mode="after")
    def _score_or_say_why(self) -> "Judgment":
        scores = (self.risk_appraisal, self.safety_of_consequences, self.effectiveness)
        if self.unscored is None and None in scores:
            raise ValueError("a judgment has all three scores or says why it is unscored")
        if self.unscored is not None and scores != (None, None, None):
            raise ValueError("an unscored judgment has no scores")
        return self
