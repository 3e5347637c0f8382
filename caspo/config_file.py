"""Reading the YAML files that describe a training, its data and its reward model."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caspo.errors import CaspoError
from storage.strict_yaml import read_yaml


def read_fields(path: Path, *, docs: str, refused: type[CaspoError]) -> dict[str, Any]:
    """Return the fields of a file.

    Args:
        path: The file.
        docs: The page that describes it.
        refused: Raised when it cannot be read, or holds no fields.
    """
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise refused(f"{path} cannot be read: {exc}") from exc
    if not isinstance(content, dict):
        raise refused(f"{path} holds no fields; see {docs}")
    return content


def say_first(exc: ValidationError) -> str:
    """Return the first of pydantic's errors in one line, with the field and the value."""
    first = exc.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (got {str(first.get('input'))[:80]!r})" if place else message
