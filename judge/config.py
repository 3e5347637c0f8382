"""What a judge run is: one release, model and mode; and how its answers are scored. Written once, then only read."""

from typing import Annotated, Literal

from pydantic import Field

from storage.judgment_records import Mode
from storage.record import Frozen
from storage.texts import Line, Sha256, hash_json

MODES: tuple[Mode, ...] = ("standard", "malicious", "constitution", "caption")
CaptionWay = Literal["own", "given_with_image", "given_alone"]
"""Caption mode. `own`: the model describes the picture before it answers, as in the paper. `given_…`: a captioner has
described it; the target reads the description, with the picture or alone."""

JudgeRole = Literal["judge_a", "judge_b"]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class AnswerConfig(Frozen):
    """How answers are sampled. Defaults are the paper's (section 4.1)."""

    release_version: Line
    release_digest: Sha256
    mode: Mode = "standard"
    target: Line
    """The endpoint's name in the endpoints file."""
    model: Line
    samples: int = Field(default=1, ge=1, le=64)
    """Answers to each item."""
    temperature: Temperature | None = 0.9
    """None leaves the server's default, for models that take no other."""
    max_tokens: int = Field(default=4096, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0)
    caption: CaptionWay = "own"
    captioner_model: Line | None = None
    twins: bool = False
    """Also ask about the twins that the release holds, to measure over-warning. They count in no score of hazards."""
    texts_sha256: Sha256 | None = None
    """Hash of the constitutions or malicious variants that are used."""
    prompt_sha256: Sha256
    """Hash of everything of ours that the target or the captioner reads."""

    @property
    def sha256(self) -> str:
        """Hash (64 hex digits) of all values."""
        return hash_json(self.model_dump(mode="json"))


class JudgeSeat(Frozen):
    """One judge of the panel."""

    role: JudgeRole
    endpoint: Line
    model: Line


class ScoreConfig(Frozen):
    """How answers are scored. Temperature 0 is the paper's (appendix A.1)."""

    judges: tuple[JudgeSeat, ...] = Field(min_length=1)
    repeats: int = Field(default=1, ge=1, le=32)
    """How often each judge is asked about each answer."""
    temperature: Temperature | None = 0.0
    max_tokens: int = Field(default=2048, ge=64, le=1_000_000)
    seed: int = Field(default=0, ge=0)
    rubric_version: Line
    rubric_sha256: Sha256
    prompt_sha256: Sha256
    twin_prompt_sha256: Sha256 | None = None
    """Hash of what a judge reads of ours about answers to twins; None when the run asks about none."""

    @property
    def sha256(self) -> str:
        """Hash (64 hex digits) of all values."""
        return hash_json(self.model_dump(mode="json"))
