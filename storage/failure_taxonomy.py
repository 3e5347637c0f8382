"""The failure taxonomy: how an answer can fail, as a file of ours that is versioned and hashed.

A study of failures keeps the text that it was made with, so a later version of the file changes nothing in it.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from storage.errors import InvalidRecord
from storage.record import Frozen
from storage.strict_yaml import YamlRefused, read_yaml
from storage.texts import Line, Slug

TAXONOMY = Path(__file__).parent / "failures.yaml"
MAX_LABELS = 17
"""As many single keys as the labelling screen has to give."""


class FailureKind(Frozen):
    """One way in which an answer fails."""

    code: Slug
    name: Line
    group: Line
    """What goes wrong: seeing, warning or acting. The screen shows a group together."""
    definition: Line
    cue: Line
    """What it looks like, made up."""
    needs_note: bool = False


class Taxonomy(Frozen):
    """All ways, in the order in which they are shown."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    labels: tuple[FailureKind, ...] = Field(min_length=1, max_length=MAX_LABELS)

    @model_validator(mode="after")
    def _refuse_twins(self) -> "Taxonomy":
        for what in ("code", "name"):
            values = [getattr(label, what) for label in self.labels]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is given to two labels; choose another")
        return self

    def find(self, code: str) -> FailureKind | None:
        """Return the label with this code."""
        return next((label for label in self.labels if label.code == code), None)


def load_taxonomy_text(path: Path = TAXONOMY) -> str:
    """Return the text of the taxonomy file.

    Raises:
        InvalidRecord: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidRecord(f"the failure taxonomy {path} cannot be read: {exc}") from exc


@lru_cache(maxsize=16)
def parse_taxonomy(text: str) -> Taxonomy:
    """Return the taxonomy that a text holds.

    Raises:
        InvalidRecord: it is no YAML, lacks something, or names a label twice.
    """
    try:
        return Taxonomy.model_validate(read_yaml(text, aliases=False))
    except YamlRefused as exc:
        raise InvalidRecord(f"the failure taxonomy cannot be read: {exc}") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise InvalidRecord(f"the failure taxonomy cannot be used: {place}: {first['msg']}") from exc


def hash_taxonomy(text: str) -> str:
    """Return the hash (64 hex digits) of a taxonomy's text; goes into every answer under it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
