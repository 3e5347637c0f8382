"""Every record of the path, in its order.

Scenario -> FilterVerdict -> Grounding -> Refinement -> Review, Decision -> ReleaseItem -> ModelResponse, Judgment
-> TrainingExample, TrainingRun. Records are frozen and refuse unknown fields. A record's `id` is the sha256 of its
canonical content without its provenance, so the same content has the same id on every machine. Nothing is overwritten:
a change is a new record whose `parent_id` is the id of the one it supersedes.
"""

import json
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from storage.audit_records import AuditDecision as AuditDecision
from storage.audit_records import AuditReview as AuditReview
from storage.failure_records import FailureReview as FailureReview
from storage.judgment_records import Judgment as Judgment
from storage.judgment_records import ModelResponse as ModelResponse
from storage.leak_answers import LeakAnswers, LeakMarks, LeakOutcome, Letter
from storage.mining_answers import MiningAnswers
from storage.record import Frozen as Frozen
from storage.record import Provenance as Provenance
from storage.record import Record as Record
from storage.texts import FilledText, Line, Sha256, Slug, Text


class Category(StrEnum):
    """The six safety domains of the paper (section 4.1)."""

    VIOLENT = "violent_content"
    ILLEGAL = "illegal_activity"
    HATE = "hate_speech"
    SEXUAL = "sexual_content"
    PRIVACY = "privacy_violation"
    SELF_HARM = "self_harm"


class Split(StrEnum):
    """What a release may be used for. An item belongs to one split for good."""

    BENCHMARK = "benchmark"
    TRAIN = "train"
    HELD_OUT = "held_out"


class TaskKind(StrEnum):
    """What a person is asked to do with an item."""

    SCENARIO_REVIEW = "scenario_review"
    ADJUDICATION = "adjudication"
    LEAKAGE_CHECK = "leakage_check"
    LEAKAGE_ADJUDICATION = "leakage_adjudication"
    """Settle a leakage check about which no majority agrees."""
    JUDGE_AUDIT = "judge_audit"
    """Score a model's answer as the judge does, blind."""
    JUDGE_CONSENSUS = "judge_consensus"
    """Settle an answer that the annotators scored differently."""
    FAILURE_LABELS = "failure_labels"
    """Say how a model's answer fails."""


STUDY_KINDS = frozenset({TaskKind.JUDGE_AUDIT, TaskKind.JUDGE_CONSENSUS, TaskKind.FAILURE_LABELS})
"""What a study asks about released items; the others are asked about items on their way."""


class StudyKind(StrEnum):
    """What a study asks people about a judge run's answers."""

    JUDGE = "judge"
    """Score them as the judge did."""
    FAILURES = "failures"
    """Say how those fail that the judge scored as failed."""


SETTLING_KINDS = frozenset({TaskKind.ADJUDICATION, TaskKind.LEAKAGE_ADJUDICATION, TaskKind.JUDGE_CONSENSUS})
"""Differences. An adjudicator who gave none of the answers sees all of them, and settles with a reason."""


class Verdict(StrEnum):
    """A reviewer's answer to the whole item."""

    APPROVE = "approve"
    REVISE = "revise"
    REJECT = "reject"


class Reason(StrEnum):
    """Why an item is to be revised or rejected."""

    NOT_BENIGN = "not_benign"
    UNNATURAL = "unnatural"
    FAR_FETCHED = "far_fetched_chain"
    UNDECLARED_PREMISE = "undeclared_premise"
    HAZARD_NOT_VISIBLE = "hazard_not_visible"
    IMAGE_DEFECT = "image_defect"
    LEAKAGE = "leakage"
    DUPLICATE = "duplicate"
    WRONG_CATEGORY = "wrong_category"
    TOO_DISTURBING = "too_disturbing"
    OTHER = "other"


class Criterion(StrEnum):
    """The four criteria of the paper. The first two are judged from the query alone."""

    BENIGNNESS = "query_benignness"
    NATURALNESS = "linguistic_naturalness"
    RELEVANCE = "contextual_relevance"
    RISK_CLARITY = "risk_clarity"


class Answer(StrEnum):
    """A reviewer's answer to one criterion."""

    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


class Outcome(StrEnum):
    """What was settled about an item."""

    APPROVE = "approve"
    REJECT = "reject"
    REVISE = "revise"
    """The item was changed and goes round review again."""
    ADJUDICATE = "adjudicate"
    """The reviewers differ, or agree on a revision that somebody has to make."""
    REOPENED = "reopened"
    """An earlier decision was taken back because a review under it was undone."""


class BlobRef(Frozen):
    """A stored image, by content."""

    sha256: Sha256
    mime: Literal["image/png", "image/jpeg", "image/webp"]
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    size_bytes: int = Field(gt=0)
    phash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """64-bit perceptual hash; near-duplicates differ in few bits."""


class Scenario(Record):
    """What may go wrong, before there is a picture."""

    kind: Literal["scenario"] = "scenario"
    category: Category
    sub_category: Slug
    query: Line
    scene: Text
    """What the picture shows, the evidence included."""
    hidden_hazard: Line
    """Who is harmed, and how, when a plain answer is acted on."""
    hazard_entities: tuple[Line, ...] = Field(min_length=1, max_length=30)
    """The visible things that make the hazard; the query must not name them."""
    causal_chain: tuple[Line, ...] = Field(min_length=1, max_length=20)
    """Steps from the plain answer to the harm, in order."""
    safe_answer_notes: Text = ""


class FilterVerdict(Record):
    """One filter's answer about one scenario."""

    kind: Literal["filter_verdict"] = "filter_verdict"
    filter_name: Slug
    passed: bool
    score: float | None = None
    threshold: float | None = None
    reason: Text = ""
    duplicate_cluster: Slug | None = None


class Grounding(Record):
    """The picture of a scenario, or the plain statement that there is none yet."""

    kind: Literal["grounding"] = "grounding"
    source: Literal["synthetic", "photo", "drawing", "description"]
    image: BlobRef | None = None
    alt: Text = ""
    """Describes the picture without naming the hazard."""
    prompt: Text = ""
    model: Line | None = None
    seed: int | None = None
    licence: Line
    source_url: Text = ""
    author: Text = ""
    """Who made the picture and has to be named with it."""

    @model_serializer(mode="wrap")
    def _leave_out_no_author(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write nothing of an author who is not named: so do the records of earlier versions, whose ids must stand."""
        content: dict[str, Any] = write(self)
        if not self.author:
            del content["author"]
        return content

    @model_validator(mode="after")
    def _match_image_to_source(self) -> "Grounding":
        if (self.image is None) != (self.source == "description"):
            raise ValueError(f"source {self.source!r} and image do not agree; only 'description' goes without an image")
        return self


class Twin(Record):
    """The same query with a picture in which the hazard is absent. Its parent is the scenario that it belongs to."""

    kind: Literal["twin"] = "twin"
    item_id: Line
    query: Line
    scene: Text
    image: BlobRef
    alt: Text = ""
    prompt: Text = ""
    model: Line | None = None
    seed: int | None = None
    licence: Line


class TwinReview(Record):
    """What a person says of a twin's picture. The last one counts; its parent is the one before it, or the twin."""

    kind: Literal["twin_review"] = "twin_review"
    item_id: Line
    twin_id: Sha256
    reviewer: Line
    harmless: bool
    """The hazard is absent from the picture, and nothing else speaks against it."""


class Refinement(Record):
    """One round of the causal refinement (paper, phase III)."""

    kind: Literal["refinement"] = "refinement"
    round: int = Field(ge=0)
    hazard_type: Literal["direct_action", "latent_scene", "undeclared_premise", "unclassified"]
    leak_found: bool | None = None
    """None: nobody has looked."""
    evidence: Text = ""
    strategy: Literal["none", "generic", "covert"] = "none"
    query_before: Line
    query_after: Line
    malicious_variant: Text = ""


class Edits(Frozen):
    """Changes that a reviewer suggests or an adjudicator makes. None: leave as it is."""

    query: Line | None = None
    scene: FilledText | None = None

    def __bool__(self) -> bool:
        return self.query is not None or self.scene is not None


class ReviewAnswers(Frozen):
    """What a person answers about an item; the same for a browser, a script and an import."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    note: Text = ""
    answers: dict[Criterion, Answer] = Field(default_factory=dict)
    edits: Edits = Edits()
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _agree(self) -> "ReviewAnswers":
        if len(set(self.reasons)) != len(self.reasons):
            raise ValueError("a reason is named twice; send each once")
        if self.verdict is Verdict.APPROVE and (self.reasons or self.edits):
            raise ValueError("approve takes no reasons and no edits; choose revise or reject, or clear them")
        if self.verdict is Verdict.REJECT and self.edits:
            raise ValueError("reject takes no edits; choose revise, or clear them")
        if self.verdict is not Verdict.APPROVE and not (self.reasons or self.edits):
            raise ValueError(f"{self.verdict.value} needs at least one reason (or, for revise, an edit)")
        if Reason.OTHER in self.reasons and not self.note.strip():
            raise ValueError("reason 'other' needs a note that says what it is")
        return self


class Review(Record, ReviewAnswers):
    """A person's answer. `discarded` is the record of an undo, its parent the review undone."""

    kind: Literal["review"] = "review"
    item_id: Line
    task_kind: TaskKind
    round: int = Field(ge=1)
    """Which round of review; a revised item starts a new one."""
    claim_id: Line
    reviewer: Line
    status: Literal["draft", "submitted", "discarded"]


class LeakGuess(Record):
    """What a person reads from the query alone. Locked before the picture is shown; never changed."""

    kind: Literal["leak_guess"] = "leak_guess"
    item_id: Line
    round: int = Field(ge=1)
    reviewer: Line
    text: Text
    """Empty: they see no danger."""
    sure: Literal["guess", "fairly", "sure"] = "guess"
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)


class LeakFindings(Record, LeakMarks):
    """A person's marks, locked before the machine's findings are shown; never changed."""

    kind: Literal["leak_findings"] = "leak_findings"
    item_id: Line
    round: int = Field(ge=1)
    reviewer: Line


class LeakReview(Record, LeakAnswers):
    """A person's whole leakage check; guess and findings are records of their own."""

    kind: Literal["leak_review"] = "leak_review"
    item_id: Line
    task_kind: Literal[TaskKind.LEAKAGE_CHECK] = TaskKind.LEAKAGE_CHECK
    round: int = Field(ge=1)
    claim_id: Line
    reviewer: Line
    status: Literal["draft", "submitted", "discarded"]
    guess_id: Sha256
    findings_id: Sha256


class LeakAdjudication(Record):
    """How an adjudicator settled a leakage check. The checks that differ stay; the decision names them all."""

    kind: Literal["leak_adjudication"] = "leak_adjudication"
    item_id: Line
    task_kind: Literal[TaskKind.LEAKAGE_ADJUDICATION] = TaskKind.LEAKAGE_ADJUDICATION
    round: int = Field(ge=1)
    claim_id: Line
    reviewer: Line
    status: Literal["draft", "submitted", "discarded"]
    side: Letter | None
    """Whose answer was taken as it stands; None: what follows is new."""
    sided_with: Sha256 | None
    """The id of that answer."""
    marks: LeakMarks
    outcome: LeakOutcome
    rewrite: Line | None
    note: FilledText
    """The reason."""
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)


class LeakDecision(Record):
    """What was settled about an item's leaks. None: an earlier decision was taken back."""

    kind: Literal["leak_decision"] = "leak_decision"
    item_id: Line
    round: int = Field(ge=1)
    outcome: Literal["clean", "rewrite", "reject"] | None
    review_ids: tuple[Sha256, ...]
    """The checks, and after them the adjudication."""
    policy: Line
    """`2 of 3 agree`, `adjudicator`, or `undo`."""
    rewrite: Line | None = None
    stage_before: Line


class Suggestion(Record):
    """A model's answer in the shape of a person's. Shown only after the person's own."""

    kind: Literal["suggestion"] = "suggestion"
    item_id: Line
    task_kind: TaskKind
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    note: Text = ""
    score: float | None = None


class Decision(Record):
    """What was settled about an item, by the policy or by an adjudicator."""

    kind: Literal["decision"] = "decision"
    item_id: Line
    round: int = Field(ge=1)
    outcome: Outcome
    review_ids: tuple[Sha256, ...]
    policy: Line
    """The rule that was applied, for instance `2 agreeing`, or `adjudicator`."""
    reason: Text = ""
    edits: Edits = Edits()


class GroundTruth(Record):
    """What the author of a planted flaw knows. Never part of what an annotator sees."""

    kind: Literal["ground_truth"] = "ground_truth"
    item_id: Line
    flaw: Literal["none", "leaky", "undeclared_premise", "not_benign", "far_fetched"]
    note: Text = ""


class WorldTruth(Record):
    """What a toy world knows of an item, as JSON. Unlike `GroundTruth` it travels in a release."""

    kind: Literal["world_truth"] = "world_truth"
    truth: FilledText


class ReleaseItem(Record):
    """One row of a release: the item as it was approved."""

    kind: Literal["release_item"] = "release_item"
    item_id: Line
    version: Line
    split: Split
    content_sha256: Sha256
    """Hash of the row as the release file holds it, image bytes by their own hash."""


class Mining(Record, MiningAnswers):
    """What target models said to an approved item, or by a judge run to a released one. Its parent is the scenario."""

    kind: Literal["mining"] = "mining"


class TrainingExample(Record):
    """One row of a training file, traced to its release item."""

    kind: Literal["training_example"] = "training_example"
    item_id: Line
    release_digest: Sha256
    constitution_sha256: Sha256
    prompt: str


class TrainingRun(Record):
    """One launched run and everything it was launched with."""

    kind: Literal["training_run"] = "training_run"
    release_digest: Sha256
    constitution_sha256: Sha256
    config_sha256: Sha256
    packages: dict[str, str]
    checkpoint: Text = ""


class RecordKinds:
    """Record classes by `kind`."""

    BY_KIND: ClassVar[dict[str, type[Record]]] = {cls.model_fields["kind"].default: cls for cls in (
        Scenario, FilterVerdict, Grounding, Twin, TwinReview, Refinement, Review, LeakGuess, LeakFindings, LeakReview,
        LeakAdjudication, LeakDecision, Suggestion, Decision, GroundTruth, WorldTruth, AuditReview, AuditDecision,
        FailureReview, ReleaseItem, ModelResponse, Mining, Judgment, TrainingExample, TrainingRun,
    )}  # fmt: skip


def parse_record(text: str) -> Record:
    """Return the record that `to_json` wrote.

    Raises:
        ValueError: the text is no JSON, its kind is unknown, or a field does not fit.
    """
    body = json.loads(text)
    kind = body.get("kind") if isinstance(body, dict) else None
    if kind not in RecordKinds.BY_KIND:
        raise ValueError(f"record kind {kind!r} is unknown; known: {', '.join(sorted(RecordKinds.BY_KIND))}")
    return RecordKinds.BY_KIND[kind].model_validate(body)
