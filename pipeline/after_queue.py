"""The stages after the review queue, counted: twins, and mining. They begin with what people have approved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endpoints.ledger import Totals, format_cost, read_lines
from pipeline.config import PipelineConfig
from pipeline.run_events import AFTER, name_subject
from pipeline.twins import PREFIX
from storage.mining_answers import JUDGE
from storage.records import FilterVerdict, Mining, Record, Twin
from storage.stages import Stage

APPROVED = (Stage.REVIEWED, Stage.RELEASED)
KINDS = ("twin", "mining")
"""The records that these stages leave, besides a twin's verdicts."""


@dataclass(frozen=True, slots=True)
class AfterStep:
    """One stage after the queue."""

    name: str
    items: int
    """Approved items that passed it: that have a twin, or that target models were tried on."""
    dropped: int
    """Approved items whose twin failed by a verdict; they stand as they are."""
    calls: int
    cost: str
    """In words; an unknown cost is `unknown`, never 0."""


def list_after(config: PipelineConfig) -> tuple[str, ...]:
    """Return the stages after the queue that a run has."""
    return tuple(stage for stage in AFTER if (config.twin if stage == "twins" else config.mining.targets))


class AfterCount:
    """Counts approved items by what became of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.approved = 0
        self.reasons: Counter[tuple[str, str]] = Counter()
        self._passed: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def add(self, records: Sequence[Record]) -> None:
        """Count an approved item by its records."""
        self.approved += 1
        self._passed["mining"] += any(isinstance(r, Mining) and r.scorer != JUDGE for r in records)
        verdicts = [r for r in records if isinstance(r, FilterVerdict) and r.filter_name.startswith(PREFIX)]
        failed = next((verdict for verdict in verdicts if not verdict.passed), None)
        if any(isinstance(record, Twin) for record in records):
            self._passed["twins"] += 1
        elif failed is not None:
            self._dropped["twins"] += 1
            self.reasons["twins", failed.filter_name] += 1

    def list_steps(self, config: PipelineConfig, ledger: Path) -> tuple[AfterStep, ...]:
        """Return the steps of a run, with what their calls cost by its ledger."""
        spent: dict[str, Totals] = {stage: Totals() for stage in AFTER}
        for line in read_lines(ledger):
            add_after(spent, line)
        return tuple(
            AfterStep(stage, self._passed[stage], self._dropped[stage], spent[stage].calls, format_cost(spent[stage]))
            for stage in list_after(config)
        )


def add_after(sums: Mapping[str, Totals], line: Mapping[str, Any]) -> None:
    """Add a line of a ledger to the sum of the stage after the queue that made the call, if one did."""
    about = str(line.get("about", ""))
    for stage, totals in sums.items():
        if about.endswith(name_subject("", stage)):
            totals.add(line)
