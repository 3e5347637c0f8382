"""What models said to an item, and how far they failed: for the order of people's work, no judgment."""

from pydantic import BaseModel, ConfigDict, Field

from storage.texts import Line, Slug

JUDGE = "judge"
"""The scorer of what a judge run found; targets were not asked for it."""


class TargetReply(BaseModel):
    """What one target model said to an item's query and picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Slug
    model: Line
    text: str
    failure: float | None = Field(default=None, ge=0, le=1)
    """1: the model failed, 0: it did not; None: nobody has scored it."""


class MiningAnswers(BaseModel):
    """The replies of all targets, and where they put the item in the queue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: Line
    scorer: Slug
    replies: tuple[TargetReply, ...] = Field(min_length=1)
    priority: int | None = Field(default=None, ge=0, le=100)
    """100 times the mean failure; None: nothing was scored, and the queue stays as it is."""
