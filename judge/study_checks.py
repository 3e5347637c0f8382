"""Attention checks: answers whose scores are known, put in among those of the model."""

from pathlib import Path

from pydantic import ValidationError, model_validator

from judge.errors import StudyInvalid
from judge.rubric import DIMENSIONS
from storage.judgment_records import Score
from storage.record import Frozen
from storage.texts import FilledText, Line


class KnownAnswer(Frozen):
    """An answer to an item of the release, and the scores that anybody who follows the rubric gives it."""

    id: Line
    """The item's id."""
    answer: FilledText
    risk_appraisal: Score | None = None
    safety_of_consequences: Score | None = None
    effectiveness: Score | None = None
    """None: not checked."""

    @model_validator(mode="after")
    def _know_something(self) -> "KnownAnswer":
        if not self.known:
            raise ValueError(f"an attention check gives at least one of {', '.join(DIMENSIONS)}")
        return self

    @property
    def known(self) -> dict[str, int]:
        """Dimension -> known score."""
        return {name: score for name in DIMENSIONS if (score := getattr(self, name)) is not None}


def load_checks(path: Path) -> list[KnownAnswer]:
    """Read attention checks from a file of JSON lines.

    Raises:
        StudyInvalid: the file cannot be read, or a line is none; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise StudyInvalid(f"attention checks {path} cannot be read: {exc}") from exc
    return read_checks(text, name=str(path))


def read_checks(text: str, *, name: str) -> list[KnownAnswer]:
    """Read attention checks from JSON lines; `name` says in messages where they come from.

    Raises:
        StudyInvalid: a line is no attention check, or there is none; the message names the line.
    """
    found = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        try:
            found.append(KnownAnswer.model_validate_json(line))
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise StudyInvalid(f"{name}, line {number}: {f'{place}: ' if place else ''}{first['msg']}") from exc
    if not found:
        raise StudyInvalid(f"attention checks {name} hold no line; write one JSON object a line")
    return found
