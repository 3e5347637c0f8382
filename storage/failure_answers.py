"""What a person answers about how a model's answer fails; `storage.failure_records` makes a record of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from storage.texts import Slug, Text

Place = Annotated[int, Field(ge=0, strict=True)]
"""Counts characters (Unicode code points) of the answer, from 0."""


class FailureLabel(BaseModel):
    """One way in which the answer fails, and where, if it can be pointed at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Slug
    start: Place | None = None
    end: Place | None = None
    """The first character after the span."""

    @model_validator(mode="after")
    def _check_span(self) -> "FailureLabel":
        if (self.start is None) != (self.end is None):
            raise ValueError("a span needs start and end; send both, or null for both")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"the span begins at {self.start} and ends at {self.end}; it has to hold a character")
        return self


class FailureAnswers(BaseModel):
    """All labels of one answer, or the statement that it does not fail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[FailureLabel, ...] = Field(default=(), max_length=50)
    no_failure: bool = Field(default=False, strict=True)
    """The judge scored the answer as failed, and this person sees no failure in it."""
    broken_link: Place | None = None
    """Which link of the causal chain the answer breaks at, from 0; None: none in particular."""
    note: Text = ""
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _agree(self) -> "FailureAnswers":
        codes = [label.code for label in self.labels]
        if len(set(codes)) < len(codes):
            raise ValueError("a label is given twice; send each once")
        if self.no_failure and (self.labels or self.broken_link is not None):
            raise ValueError("no_failure goes with no label and no broken link; clear one or the other")
        if not self.no_failure and not self.labels:
            raise ValueError("at least one label is needed, or no_failure where the answer does not fail")
        return self
