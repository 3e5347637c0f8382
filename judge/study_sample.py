"""Which of a run's answers people score: a random sample, simple or stratified, that anybody can draw again.

One answer of an item at most is drawn, so that no two of the sample go together. Stratified samples take equally
many answers of each stratum, as far as it has them; the weights, 1 / the chance of being drawn, undo that later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from judge.errors import StudyInvalid
from storage.texts import hash_json

STRATIFIERS = ("category", "judge-disagreement")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that the whole panel has scored."""

    item_id: str
    sample: int
    category: str
    judges_differ: bool | None
    """Whether two judges gave different scores; None with one judge."""


@dataclass(frozen=True, slots=True)
class DrawnCandidate:
    """A drawn answer with its stratum and its weight."""

    candidate: Candidate
    stratum: str
    """The empty text in a simple random sample."""
    weight: float
    """1 / the chance of being drawn."""


def draw_sample(
    candidates: Iterable[Candidate], *, n: int, seed: int, stratify: Sequence[str] = ()
) -> list[DrawnCandidate]:
    """Return `n` answers of different items; the same for the same candidates, seed and strata.

    Args:
        candidates: the answers that may be drawn.
        n: how many, at least 1.
        seed: of the draw.
        stratify: names of `STRATIFIERS`; strata are crossed.

    Raises:
        StudyInvalid: there are fewer items than `n`, more strata than `n`, an unknown stratifier, or one judge where
            strata are wanted by the judges' disagreement.
    """
    unknown = [name for name in stratify if name not in STRATIFIERS]
    if unknown or len(set(stratify)) < len(stratify):
        raise StudyInvalid(f"--stratify {','.join(stratify)!r}: give some of {', '.join(STRATIFIERS)}, each once")
    by_item: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_item[candidate.item_id].append(candidate)
    if not 1 <= n <= len(by_item):
        raise StudyInvalid(
            f"--n {n} cannot be drawn from {len(by_item)} items with an answer that the judges scored; "
            f"give 1 to {len(by_item)}"
        )
    strata: dict[str, list[Candidate]] = defaultdict(list)
    for item_id in sorted(by_item):
        first = min(by_item[item_id], key=lambda each: hash_json(["sample", seed, item_id, each.sample]))
        strata[_name_stratum(first, stratify)].append(first)
    if len(strata) > n:
        raise StudyInvalid(
            f"--n {n} is less than the {len(strata)} strata by {','.join(stratify)}; draw {len(strata)} or more, "
            "or stratify by less"
        )
    wanted = allocate({name: len(members) for name, members in strata.items()}, n)
    drawn = []
    for name in sorted(strata):
        members = sorted(strata[name], key=lambda each: hash_json(["draw", seed, each.item_id]))
        share = len(members) / wanted[name]
        drawn += [DrawnCandidate(each, name, share * len(by_item[each.item_id])) for each in members[: wanted[name]]]
    return drawn


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Return how many to draw from each stratum: equally many, and all of a stratum that has fewer."""
    wanted: Counter[str] = Counter()
    left = n
    while left:
        open_strata = [name for name in sorted(sizes) if wanted[name] < sizes[name]]
        if not open_strata:
            break
        each = max(1, left // len(open_strata))
        for name in open_strata:
            more = min(each, sizes[name] - wanted[name], left)
            wanted[name] += more
            left -= more
    return {name: wanted[name] for name in sizes}


def _name_stratum(candidate: Candidate, stratify: Sequence[str]) -> str:
    parts = {}
    if "category" in stratify:
        parts["category"] = candidate.category
    if "judge-disagreement" in stratify:
        if candidate.judges_differ is None:
            raise StudyInvalid(
                "--stratify judge-disagreement needs two judges, and the run has one; stratify by category, or score "
                "the run with two"
            )
        parts["judges"] = "differ" if candidate.judges_differ else "agree"
    return ", ".join(f"{name} {value}" for name, value in parts.items())
