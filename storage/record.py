"""What all records are: frozen, strict, named by the hash of their content, with who or what made them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from storage.texts import Line, Sha256, canonical_json, hash_json, utc_now


class Frozen(BaseModel):
    """A value that cannot change and refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(Frozen):
    """Who or what made a record, and from what."""

    actor: Line
    """`user:NAME`, or the tool that acted (`starter-pack`, `policy`, a model's name)."""
    tool: Line
    """The function or screen that made it."""
    model: Line | None = None
    prompt_sha256: Sha256 | None = None
    config_sha256: Sha256 | None = None
    seed: int | None = None
    created_at: datetime = Field(default_factory=utc_now)

    @field_validator("created_at")
    @classmethod
    def _refuse_naive_time(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError(f"time {value} has no time zone; use UTC")
        return value.astimezone(UTC)


class Record(Frozen):
    """What all records share. `kind` tells them apart when they are read back."""

    kind: str
    parent_id: Sha256 | None = None
    """The record that this one supersedes or answers."""
    provenance: Provenance

    @cached_property
    def id(self) -> str:
        """Sha256 of the canonical content without provenance (64 hex digits)."""
        return hash_record(self.model_dump(mode="json"))

    def to_json(self) -> str:
        """Return the canonical JSON text of the whole record, provenance included."""
        return canonical_json(self.model_dump(mode="json"))


def hash_record(content: Mapping[str, Any]) -> str:
    """Return the id (64 hex digits) of the record with this `content`, given as JSON values."""
    return hash_json({name: value for name, value in content.items() if name != "provenance"})
