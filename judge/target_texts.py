"""The texts that Malicious and Constitution mode need beside a release: read strictly, missing ones never guessed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import TypeAdapter, ValidationError

from judge.errors import TextsInvalid
from storage.record import Frozen
from storage.records import Category
from storage.strict_yaml import YamlRefused, read_yaml
from storage.texts import FilledText, Line, hash_json

Constitutions = TypeAdapter(dict[Annotated[Category, "category"], FilledText])


class MaliciousVariant(Frozen):
    """The query of an item as somebody with a plain bad intent would put it."""

    id: Line
    """The item's."""
    query: Line
    """The query that the variant was written for."""
    malicious_variant: Line


@dataclass(frozen=True)
class TargetTexts:
    """What a mode needs beside the release."""

    constitutions: Mapping[str, str] = field(default_factory=dict)
    """Category -> the system turn."""
    variants: Mapping[str, MaliciousVariant] = field(default_factory=dict)
    """Item id -> its malicious variant."""

    @property
    def sha256(self) -> str | None:
        """Hash (64 hex digits) of all texts; None when there are none."""
        if not self.constitutions and not self.variants:
            return None
        variants = {name: variant.model_dump() for name, variant in self.variants.items()}
        return hash_json([dict(self.constitutions), variants])


def load_constitutions(path: Path, *, categories: Mapping[str, object]) -> TargetTexts:
    """Read a YAML file of category -> constitution.

    Raises:
        TextsInvalid: it cannot be read, names another category, or lacks one of `categories` (the release's).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise TextsInvalid(f"constitutions {path} cannot be read: {exc}") from exc
    return read_constitutions(text, name=str(path), categories=categories)


def read_constitutions(text: str, *, name: str, categories: Mapping[str, object]) -> TargetTexts:
    """Return the texts of YAML of category -> constitution; `name` says in messages where it came from.

    Raises:
        TextsInvalid: it cannot be read, names another category, or lacks one of `categories` (the release's).
    """
    try:
        found = Constitutions.validate_python(read_yaml(text))
    except YamlRefused as exc:
        raise TextsInvalid(f"constitutions {name} cannot be read: {exc}") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        known = ", ".join(category.value for category in Category)
        raise TextsInvalid(
            f"constitutions {name}: {place}: {first['msg']}; write `category: text` lines for {known}"
        ) from exc
    texts = {category.value: text for category, text in found.items()}
    if missing := sorted(set(categories) - set(texts)):
        raise TextsInvalid(f"constitutions {name}: none for {', '.join(missing)}, which the release holds; add it")
    return TargetTexts(constitutions=texts)


def load_variants(path: Path) -> TargetTexts:
    """Read a file of JSON lines with `id`, `query` and `malicious_variant`.

    Raises:
        TextsInvalid: a line cannot be read, or an item is named twice.
    """
    found: dict[str, MaliciousVariant] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise TextsInvalid(f"variants {path} cannot be read: {exc}") from exc
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            variant = MaliciousVariant.model_validate(json.loads(line))
        except (ValueError, RecursionError) as exc:
            told = exc.errors(include_url=False)[0]["msg"] if isinstance(exc, ValidationError) else str(exc)
            raise TextsInvalid(
                f"variants {path}, line {number}: {told}; a line is an object with id, query and malicious_variant"
            ) from exc
        if variant.id in found:
            raise TextsInvalid(f"variants {path}, line {number}: item {variant.id} is named a second time; keep one")
        found[variant.id] = variant
    return TargetTexts(variants=found)
