"""The constitutions: one safety policy a category, files of ours under `constitutions/`, versioned and hashed.

A constitution stands before a query as the system turn: in the judge's Constitution mode, in token-shift analysis, and
as C of CASPO's token signal (Eq. 4). The paper's texts are not published where we could read them: these are our own,
from what its prose says of them (sections 4.1 and 4.2, appendix A.2). Runs under different hashes must not be compared.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from caspo.dataset.plain_texts import is_plain
from caspo.errors import ConstitutionInvalid
from storage.records import Category
from storage.strict_yaml import read_yaml
from storage.texts import check_filled, hash_json

FOLDER = Path(__file__).parent / "constitutions"
MAX_CHARACTERS = 8_000
"""Of a policy: near 1,600 tokens, beside a prompt of 2,048. Those of the package have less than 1,700 characters."""
_HEAD = re.compile(r"# Constitution (\d+\.\d+): ([a-z_]+)\n")


@dataclass(frozen=True, slots=True)
class Constitution:
    """The safety policy of one category."""

    category: Category
    version: str
    text: str
    """The system turn: the file without its first line."""

    @property
    def sha256(self) -> str:
        """Hash (64 hex digits) of category, version and text."""
        return hash_json([self.category.value, self.version, self.text])


def check_policy(text: str) -> str:
    """Return the text of a policy without white space around it, and with the line ends of Unix.

    Raises:
        ConstitutionInvalid: It is empty, too long, or holds what a chat template or verl takes for something else.
    """
    try:
        text = check_filled(text.replace("\r\n", "\n").replace("\r", "\n"))
    except ValueError as exc:
        raise ConstitutionInvalid(f"a constitution cannot be used: {exc}") from exc
    if len(text) > MAX_CHARACTERS:
        raise ConstitutionInvalid(f"a constitution has {len(text):,} characters; use at most {MAX_CHARACTERS:,}")
    if not is_plain(text):
        raise ConstitutionInvalid(
            "a constitution holds a token of chat templates such as `<|im_end|>`, or a placeholder such as `<image>`: "
            "models would take it for the end of a turn, or for a picture; write it in other words"
        )
    return text


def read_constitution(path: Path) -> Constitution:
    """Read one file, `CATEGORY.md`.

    Raises:
        ConstitutionInvalid: it cannot be read, its name or first line is wrong, or it says nothing.
    """
    try:
        text = check_filled(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConstitutionInvalid(f"constitution {path} cannot be read: {exc}") from exc
    known = ", ".join(Category)
    if path.stem not in set(Category):
        raise ConstitutionInvalid(f"constitution {path} is of no category; name the file CATEGORY.md, of {known}")
    head = _HEAD.match(f"{text}\n")
    if head is None or head[2] != path.stem:
        raise ConstitutionInvalid(
            f"constitution {path} begins with {text[:60]!r}; its first line has to be like "
            f"`# Constitution 1.0: {path.stem}`"
        )
    policy = text[head.end() :].strip()
    if not policy:
        raise ConstitutionInvalid(f"constitution {path} has no text after its first line; write the policy")
    try:
        return Constitution(Category(path.stem), head[1], check_policy(policy))
    except ConstitutionInvalid as exc:
        raise ConstitutionInvalid(f"constitution {path}: {exc}") from exc


def read_policies(path: Path) -> Mapping[Category, Constitution]:
    """Return the constitutions of a YAML file of `category: text`, with a text for each category.

    Raises:
        ConstitutionInvalid: It cannot be read, a category is missing or unknown, or a text cannot be used.
    """
    try:
        texts = TypeAdapter(dict[Category, str]).validate_python(read_yaml(path.read_text(encoding="utf-8")))
    except (OSError, ValidationError, ValueError) as exc:
        raise ConstitutionInvalid(
            f"constitutions {path} cannot be read: {exc}; write `category: text` lines for {', '.join(Category)}"
        ) from exc
    if missing := [category for category in Category if category not in texts]:
        raise ConstitutionInvalid(f"constitutions {path}: none for {', '.join(missing)}; add it")
    found = {}
    for category in Category:
        try:
            found[category] = Constitution(category, path.name, check_policy(texts[category]))
        except ConstitutionInvalid as exc:
            raise ConstitutionInvalid(f"constitutions {path}, {category}: {exc}") from exc
    return MappingProxyType(found)


def list_constitutions(folder: Path = FOLDER) -> Mapping[Category, Constitution]:
    """Return the constitution of every category, in the order of `Category`.

    Raises:
        ConstitutionInvalid: a file cannot be used, or a category has none.
    """
    found = {one.category: one for one in map(read_constitution, sorted(folder.glob("*.md")))}
    missing = [category for category in Category if category not in found]
    if missing:
        raise ConstitutionInvalid(f"{folder} has no constitution for {', '.join(missing)}; add {missing[0]}.md")
    return MappingProxyType({category: found[category] for category in Category})


def get_constitution(category: str, folder: Path = FOLDER) -> Constitution:
    """Return the constitution of one category.

    Raises:
        ConstitutionInvalid: there is no such category, or its file cannot be used.
    """
    if category not in set(Category):
        raise ConstitutionInvalid(f"category {category!r} is unknown; known: {', '.join(Category)}")
    return read_constitution(folder / f"{category}.md")


def hash_constitutions(constitutions: Mapping[Category, Constitution]) -> str:
    """Return one hash (64 hex digits) of several, whatever their order: what a run is pinned to."""
    return hash_json({category.value: one.sha256 for category, one in constitutions.items()})
