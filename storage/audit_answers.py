"""What a person answers about a model's answer in a study: the judge's three scores, the warning's place.

`storage.audit_records` makes records of it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from storage.texts import Text

HumanScore = Literal[0, 1, 2]


class AuditAnswers(BaseModel):
    """R, S and E by the judge's rubric; in a consensus task the final scores, with the reason in `note`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_appraisal: HumanScore
    safety_of_consequences: HumanScore
    effectiveness: HumanScore
    warning_start: int | None = Field(default=None, ge=0)
    """Where the first warning begins, in characters (Unicode code points) of the answer; None: there is no warning."""
    note: Text = ""
    seconds: float = Field(default=0.0, ge=0.0, le=86_400.0, allow_inf_nan=False)

    @field_validator("risk_appraisal", "safety_of_consequences", "effectiveness", mode="before")
    @classmethod
    def _refuse_booleans(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a score is 0, 1 or 2, not true or false")
        return value

    @property
    def scores(self) -> tuple[int, int, int]:
        """R, S and E."""
        return self.risk_appraisal, self.safety_of_consequences, self.effectiveness
