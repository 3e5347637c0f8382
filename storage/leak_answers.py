"""What a person answers in a leakage check: marks with the picture, then an outcome; and how a difference is settled.

`storage.records` makes records of it.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from storage.texts import Line, Text

ThreeWay = Literal["yes", "unsure", "no"]
Letter = Annotated[str, Field(pattern=r"^[A-T]$")]
"""By which an answer is called where nobody is named: A is the first. No task has more than twenty."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeakOutcome(StrEnum):
    """What a person who checked for leaks wants done."""

    CLEAN = "clean"
    REWRITE_GENERIC = "rewrite_generic"
    REWRITE_COVERT = "rewrite_covert"
    REJECT = "reject"


class Box(_Frozen):
    """A rectangle on a picture, in fractions of its width and height."""

    x: float = Field(ge=0.0, le=1.0)
    y: float = Field(ge=0.0, le=1.0)
    width: float = Field(gt=0.0, le=1.0)
    height: float = Field(gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _stay_inside(self) -> "Box":
        if self.x + self.width > 1.001 or self.y + self.height > 1.001:
            raise ValueError("the box reaches beyond the picture; keep x + width and y + height at 1 or below")
        return self


class LeakMarks(_Frozen):
    """What a person finds with the picture, before the hazard and the detectors are shown."""

    gives_away: ThreeWay
    words: tuple[tuple[int, int], ...] = Field(default=(), max_length=50)
    """Telling words as character spans of the query, end excluded."""
    sufficient: ThreeWay
    unambiguous: ThreeWay
    box: Box | None = None
    """Where the evidence is."""
    telling_text: bool

    @model_validator(mode="after")
    def _agree(self) -> "LeakMarks":
        bad = [span for span in self.words if not 0 <= span[0] < span[1]]
        if bad or any(a[1] > b[0] for a, b in zip(self.words, self.words[1:], strict=False)):
            raise ValueError(f"words {bad or self.words} are no spans; send [start, end] in order, without overlap")
        if self.words and self.gives_away == "no":
            raise ValueError("words are marked but gives_away is 'no'; answer yes or unsure, or clear the words")
        return self


class LeakAnswers(_Frozen):
    """The last step of a leakage check, with the hazard and the machine's findings known."""

    outcome: LeakOutcome
    guess_named_it: Literal["yes", "partly", "no"]
    """Whether the person's own guess from the words alone named the hazard."""
    rewrite: Line | None = None
    note: Text = ""
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _agree(self) -> "LeakAnswers":
        _check_rewrite(self.outcome, self.rewrite)
        return self


class LeakSettlement(_Frozen):
    """How a difference is settled: with one of the answers as it stands, or with a new one. The reason is in `note`."""

    side: Letter | None = None
    """Whose marks, outcome and rewrite are taken; None: those sent here."""
    marks: LeakMarks | None = None
    outcome: LeakOutcome | None = None
    rewrite: Line | None = None
    note: Text = ""
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _agree(self) -> "LeakSettlement":
        own = (self.marks, self.outcome, self.rewrite)
        if self.side is not None:
            if own != (None, None, None):
                raise ValueError("side takes an answer as it stands; send no marks, outcome or rewrite with it")
        elif self.marks is None or self.outcome is None:
            raise ValueError("send the letter of an answer as `side`, or `marks` and `outcome` of a new one")
        else:
            _check_rewrite(self.outcome, self.rewrite)
        return self


def _check_rewrite(outcome: LeakOutcome, rewrite: str | None) -> None:
    rewrites = outcome in (LeakOutcome.REWRITE_GENERIC, LeakOutcome.REWRITE_COVERT)
    if rewrites != (rewrite is not None):
        need = "needs the new query in `rewrite`" if rewrites else "takes no rewrite; clear it"
        raise ValueError(f"outcome {outcome.value!r} {need}")
