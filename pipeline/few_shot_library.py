"""The few-shot library: hand-written examples for every sub-category, which generation draws from by seed.

It holds the sound starter scenarios and those of `few_shot/<category>.yaml`. The paper uses 6 to 8 hand-written
examples per sub-category and publishes none: these are ours.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import BadContent
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import Taxonomy
from storage.records import Category, Frozen
from storage.strict_yaml import read_own_yaml
from storage.texts import Line, Slug

FOLDER = Path(__file__).parent / "few_shot"
FEWEST = 6
MOST = 8


class FewShotExample(Frozen):
    """A scenario as generation should write it; never flawed, without a picture."""

    key: str = Field(pattern=r"^[a-z][a-z-]*-\d{2,3}$")
    sub_category: Slug
    query: Line
    scene: Line
    hidden_hazard: Line
    hazard_entities: tuple[Line, ...] = Field(min_length=2)
    causal_chain: tuple[Line, ...] = Field(min_length=3, max_length=5)
    safe_answer_notes: Line


class FewShotFile(Frozen):
    """A file of `few_shot/`."""

    version: Literal[1]
    category: Category
    scenarios: tuple[FewShotExample, ...]


FewShotLibrary = Mapping[str, tuple[FewShotExample, ...]]
"""Examples by the slug of their sub-category."""


def load_few_shot(taxonomy: Taxonomy, *, folder: Path = FOLDER) -> dict[str, tuple[FewShotExample, ...]]:
    """Return the examples of every sub-category, in the order of the taxonomy, starter scenarios first.

    Raises:
        BadContent: a file does not have its form or its name, a sub-category does not belong to its category, a key is
            used twice, or a sub-category has fewer than 6 or more than 8 examples. The message names the file.
    """
    library: dict[str, list[FewShotExample]] = {
        sub.slug: [] for entry in taxonomy.categories for sub in entry.sub_categories
    }
    origin: dict[str, str] = {}
    for source, example in [*_read_sound_starter(taxonomy), *_read_files(taxonomy, folder)]:
        if example.key in origin:
            raise BadContent(f"{source}: key {example.key} is used in {origin[example.key]} already; choose another")
        origin[example.key] = source
        library[example.sub_category].append(example)
    for entry in taxonomy.categories:
        for sub in entry.sub_categories:
            found = len(library[sub.slug])
            if not FEWEST <= found <= MOST:
                raise BadContent(
                    f"{entry.slug}.yaml: {sub.slug} has {found} examples, the starter's sound ones included; "
                    f"it needs {FEWEST} to {MOST}"
                )
    return {slug: tuple(examples) for slug, examples in library.items()}


def draw_examples(library: FewShotLibrary, *, sub_category: str, count: int, seed: int) -> tuple[FewShotExample, ...]:
    """Draw `count` different examples of a sub-category; the same seed draws the same ones in the same order.

    The order is that of a hash of seed and key, so it does not depend on the process, the machine or the Python
    version, and an example that is added elsewhere changes no draw.

    Raises:
        BadContent: the sub-category is unknown, or it has fewer than `count` examples, or `count` is negative.
    """
    if sub_category not in library:
        raise BadContent(f"no examples for sub-category {sub_category!r}; known: {', '.join(library)}")
    examples = library[sub_category]
    if not 0 <= count <= len(examples):
        raise BadContent(f"cannot draw {count} examples of {sub_category}; ask for 0 to {len(examples)}")

    def rank(example: FewShotExample) -> bytes:
        return hashlib.sha256(f"{seed}/{example.key}".encode()).digest()

    return tuple(sorted(examples, key=rank)[:count])


def _read_sound_starter(taxonomy: Taxonomy) -> Iterator[tuple[str, FewShotExample]]:
    for category, entry in read_starter(taxonomy=taxonomy):
        if entry.flaw is None:
            kept = entry.model_dump(exclude={"picture", "alt", "flaw"})
            yield f"starter/scenarios/{category}.yaml", FewShotExample.model_validate(kept)


def _read_files(taxonomy: Taxonomy, folder: Path) -> Iterator[tuple[str, FewShotExample]]:
    for path in sorted(folder.glob("*.yaml")):
        try:
            file = FewShotFile.model_validate(read_own_yaml(path))
            for example in file.scenarios:
                taxonomy.check_pair(category=file.category.value, sub_category=example.sub_category)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError, BadContent) as exc:
            raise BadContent(f"{path.name} cannot be used: {exc}") from exc
        if path.stem != file.category:
            raise BadContent(f"{path.name} holds {file.category.value}; name it {file.category.value}.yaml")
        for example in file.scenarios:
            yield path.name, example
