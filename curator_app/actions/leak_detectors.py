"""What the machine found about an item's leaks: from the run that made it, or looked for now without any model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from storage.records import Refinement, Scenario

Source = Literal["run", "offline"]
WAYS = ("words", "picture text", "embedding", "text-only probe")
_LINE = re.compile(rf"^({'|'.join(WAYS)}): (leak|nothing found|not tried); (.*)$", re.M)
_FOUND = {"leak": True, "nothing found": False, "not tried": None}


@dataclass(frozen=True)
class WayFound:
    """One way of looking. `leaks` is None when it was not tried; `evidence` then says why."""

    way: str
    leaks: bool | None
    evidence: str
    score: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class MachineFindings:
    """All ways, the words that the offline detectors point at, and a rewrite if a run proposed one."""

    source: Source
    ways: tuple[WayFound, ...]
    words: tuple[tuple[int, int], ...]
    """Character spans of the query."""
    rewrite: str | None
    strategy: str | None


def read_machine(*, scenario: Scenario, refinements: Sequence[Refinement]) -> MachineFindings:
    """Return what is known of a scenario's leaks. The words are always looked at now, so that they can be marked."""
    named, words = _detect(scenario)
    rewrites = [entry for entry in refinements if scenario.query == entry.query_before != entry.query_after]
    rewrite, strategy = (rewrites[-1].query_after, rewrites[-1].strategy) if rewrites else (None, None)
    for entry in reversed(refinements):
        ways = _parse(entry.evidence) if entry.query_after == scenario.query else ()
        if ways:
            kept = tuple(way if way.way != "words" or way.leaks else named for way in ways)
            return MachineFindings("run", kept, words, rewrite, strategy)
    untried = tuple(WayFound(way, None, "no model has looked at this item") for way in WAYS[1:])
    return MachineFindings("offline", (named, *untried), words, rewrite, strategy)


def _parse(evidence: str) -> tuple[WayFound, ...]:
    """Read what `pipeline.leak_check.LeakCheck.describe` wrote."""
    found = {way: WayFound(way, _FOUND[word], text.strip()) for way, word, text in _LINE.findall(evidence)}
    return tuple(found[way] for way in WAYS if way in found)


def _detect(scenario: Scenario) -> tuple[WayFound, tuple[tuple[int, int], ...]]:
    return _detect_words(scenario.query, scenario.hazard_entities, scenario.scene)


@lru_cache(maxsize=5_000)
def _detect_words(
    query: str, hazard_entities: tuple[str, ...], scene: str
) -> tuple[WayFound, tuple[tuple[int, int], ...]]:
    from pipeline.leakage import detect_leak

    verdict = detect_leak(query=query, hazard_entities=hazard_entities, scene=scene)
    words = tuple(sorted({span for finding in verdict.findings for span in finding.spans}))
    if not verdict.findings:
        return WayFound("words", False, "no detector reached its threshold"), ()
    best = max(verdict.findings, key=lambda finding: finding.score)
    evidence = "; ".join(finding.evidence for finding in verdict.findings)
    return WayFound("words", True, evidence, best.score, best.threshold), words
