"""The file of metrics that every run writes, for `caspo.monitor`. No verl here.

verl has a file logger of its own. It empties its file at each start, so that a resumed run forgets what was before, and
finds it by an environment variable, which does not reach every machine of a cluster. This one is beside the
checkpoints, which all machines have to reach, and is only ever added to.
"""

import json
import numbers
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.texts import utc_now

METRICS = "metrics.jsonl"


class MetricsFile:
    """One line each time that metrics are told: `{"step": 7, "data": {...}, "at": "2026-..."}`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / METRICS
        self._end_last_line()

    def _end_last_line(self) -> None:
        """Keep what a killed process left half-written from spoiling the next line."""
        if self._path.exists() and self._path.stat().st_size:
            with self._path.open("r+b") as file:
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def add(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Add what is a number; NaN and infinity stay what they are, as Python's `json` writes and reads them."""
        data = {name: float(value) for name, value in metrics.items() if isinstance(value, numbers.Real)}
        line = json.dumps({"step": int(step), "data": data, "at": utc_now().isoformat()})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
