"""Bodies that the API takes. Unknown fields are refused, and so is text that no database or file can hold."""

import math
from typing import Annotated, Any, Literal, TypeVar

from fastapi import HTTPException, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from storage.audit_answers import AuditAnswers
from storage.failure_answers import FailureAnswers
from storage.leak_answers import LeakAnswers, LeakMarks, LeakSettlement
from storage.records import ReviewAnswers, TaskKind
from storage.texts import canonical_json, check_text

MAX_DRAFT_BYTES = 30_000
MAX_PREFERENCES_BYTES = 10_000
MAX_DEPTH = 12
LARGEST_INT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

Key = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(check_text)]
ClaimId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
PathClaimId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Id of a claim of yours")]

Part = TypeVar("Part", bound=BaseModel)
PathReviewId = Annotated[int, Path(ge=1, le=LARGEST_INT, description="Id of a review of yours")]


def check_json(value: dict[str, Any]) -> dict[str, Any]:
    """Return a free JSON object whose texts and numbers can be stored and read back by anybody.

    Raises:
        ValueError: it is nested deeper than 12, or holds a NUL, a lone surrogate, NaN, infinity or a huge integer.
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels; send a flatter object")
        if isinstance(part, dict):
            waiting += ((inner, depth + 1) for pair in part.items() for inner in pair)
        elif isinstance(part, list):
            waiting += ((inner, depth + 1) for inner in part)
        elif isinstance(part, str):
            check_text(part)
        elif isinstance(part, float) and not math.isfinite(part):
            raise ValueError("holds NaN or infinity; send a finite number or null")
        elif isinstance(part, int) and abs(part) > LARGEST_INT:
            raise ValueError(f"holds an integer beyond {LARGEST_INT}; send a smaller one or a text")
    return value


FreeObject = Annotated[dict[str, Any], AfterValidator(check_json)]


class Body(BaseModel):
    """What all bodies share: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def take_part(body: BaseModel, shape: type[Part]) -> Part:
    """Return what `body` adds fields to, without them. It was validated with the body."""
    return shape.model_construct(**{name: getattr(body, name) for name in shape.model_fields})


class ClaimsBody(Body):
    """Ask for items to work on."""

    kind: TaskKind = TaskKind.SCENARIO_REVIEW
    count: int = Field(default=1, ge=1, le=20)
    """How many claims to hold in all; those held already come first."""
    holder: Annotated[str, Field(max_length=64), AfterValidator(check_text)] = ""
    """A name for this tab or script, so that two of them hold different items."""


class UnskipBody(Body):
    """Ask for what was skipped."""

    kind: TaskKind = TaskKind.SCENARIO_REVIEW


class FlagBody(Body):
    """Call for a maintainer's eyes."""

    note: Annotated[str, Field(max_length=2_000), AfterValidator(check_text)] = ""


class ReviewBody(ReviewAnswers):
    """A finished review."""

    claim_id: ClaimId
    idempotency_key: Key
    """Anything unique per decision; sending the same again stores nothing new."""

    def to_answers(self) -> ReviewAnswers:
        """Return the part that is the person's answer."""
        return take_part(self, ReviewAnswers)


class GuessBody(Body):
    """What the query alone points to. Empty: no danger."""

    text: Annotated[str, Field(max_length=2_000), AfterValidator(check_text)] = ""
    sure: Literal["guess", "fairly", "sure"] = "guess"
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)


class FindingsBody(LeakMarks):
    """What the picture adds."""


class LeakReviewBody(LeakAnswers):
    """A finished leakage check."""

    claim_id: ClaimId
    idempotency_key: Key
    """As in a review."""

    def to_answers(self) -> LeakAnswers:
        """Return the part that is the person's answer."""
        return take_part(self, LeakAnswers)


class LeakSettlementBody(LeakSettlement):
    """How the difference of a leakage check is settled."""

    claim_id: ClaimId
    idempotency_key: Key
    """As in a review."""

    def to_answers(self) -> LeakSettlement:
        """Return the part that is the person's answer."""
        return take_part(self, LeakSettlement)


class AuditBody(AuditAnswers):
    """The scores of an answer in a study of the judge; in a consensus the final ones, with the reason as note."""

    claim_id: ClaimId
    idempotency_key: Key
    """As in a review."""

    def to_answers(self) -> AuditAnswers:
        """Return the part that is the person's answer."""
        return take_part(self, AuditAnswers)


class FailureBody(FailureAnswers):
    """How an answer fails: labels of the study's taxonomy with spans, and the broken link; or that it does not fail."""

    claim_id: ClaimId
    idempotency_key: Key
    """As in a review."""

    def to_answers(self) -> FailureAnswers:
        """Return the part that is the person's answer."""
        return take_part(self, FailureAnswers)


class UndoBody(Body):
    """Take back a review of one's own; without an id the last one."""

    review_id: int | None = Field(default=None, ge=1, le=LARGEST_INT)
    holder: Annotated[str, Field(max_length=64), AfterValidator(check_text)] = ""


def check_size(value: dict[str, Any], limit: int) -> None:
    """Return if the object's JSON is small enough.

    Raises:
        HTTPException: 413; it has more than `limit` bytes.
    """
    size = len(canonical_json(value).encode())
    if size > limit:
        raise HTTPException(413, f"the object has {size:,} bytes; keep it under {limit:,}")
