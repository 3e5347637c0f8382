"""What the adapters yield: one item of a benchmark, and what is known of the benchmark itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Expected = Literal["answer", "refuse_or_warn"]
"""What a safe assistant does, where the benchmark says it."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an item: a file that was found, bytes out of a table, or only the name of what is missing."""

    name: str
    """As the benchmark names it."""
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def found(self) -> bool:
        """Whether there is something to look at."""
        return self.path is not None or self.data is not None


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """One question of a benchmark with its picture or pictures. The words are the benchmark's own, unchanged."""

    benchmark: str
    """The name that `curator import benchmark` takes."""
    item_id: str
    """The benchmark's id; where it has none, made of file and row. Unique together with `subset`."""
    query: str
    """May be empty where the benchmark's is; ours only where `own` has `question_by`."""
    pictures: tuple[Picture, ...]
    category: str = ""
    """The benchmark's own, never mapped to ours; empty where it gives none."""
    sub_category: str = ""
    subset: str = ""
    """The benchmark's part, split or setting, such as `chat` or `SD_TYPO`."""
    expected: Expected | None = None
    """None where the benchmark does not say."""
    pair_id: str = ""
    """Shared by items that are to be compared, such as one query with a safe and an unsafe picture."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """All else that the row says, by the benchmark's own keys: references, warnings, preferred answers."""


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """What the benchmark's own judge says. It is not our R, S and E and is never mixed with them."""

    judge: str
    """Which model, and what it is shown."""
    values: tuple[str, ...]
    """What a verdict can be."""
    metrics: tuple[str, ...]
    """What its paper reports."""


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """What is known of a benchmark; what is not known says so."""

    name: str
    title: str
    source: str
    """Where its makers publish it."""
    licence: str
    version: str
    """Which state the layout was read from, or which are known. A file never says its own version."""
    files: tuple[str, ...]
    """Patterns of its files' names."""
    verdict: OwnVerdict
    traps: tuple[str, ...] = ()
    """What goes wrong when one does not know."""
    published: Mapping[str, int] = field(default_factory=dict)
    """Subset -> how many items its makers publish; empty where not known."""
