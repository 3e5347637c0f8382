"""The events of a run: one JSON line per item and stage, appended as it happens, for the live funnel and the log."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from storage.texts import canonical_json, utc_now

RunStage = Literal["synthesis", "filters", "dedup", "grounding", "refinement", "twins", "mining", "run"]
STAGES: tuple[RunStage, ...] = ("synthesis", "filters", "dedup", "grounding", "refinement")
AFTER: tuple[RunStage, ...] = ("twins", "mining")
"""Stages that begin with what people have approved."""
EventOutcome = Literal["passed", "rejected", "error", "note"]
SHOWN_CHARACTERS = 1_000


def name_subject(item_id: str, stage: str) -> str:
    """Return what the ledger says a call about an item is about when a stage after the queue makes it."""
    return f"{item_id}/{stage}"


class EventLog:
    """Appends to a run's `events.jsonl`. A line torn by a kill is ended, and passed over when read."""

    def __init__(self, path: Path) -> None:
        """Open the file for appending."""
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def write(
        self, stage: RunStage, outcome: EventOutcome, *, item: str = "", kind: str = "", message: str = "", **more: Any
    ) -> None:
        """Append one event. `kind` is the slug of the reason or error; `more` are further fields, JSON values."""
        line = {
            "at": utc_now().isoformat(timespec="milliseconds"),
            "stage": stage,
            "outcome": outcome,
            "item": item,
            "kind": kind,
            "message": message[:SHOWN_CHARACTERS],
            **more,
        }
        os.write(self._file, canonical_json(line).encode("utf-8", "replace") + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole events of a file in order; none when there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict) and {"stage", "outcome", "item", "kind", "message"} <= line.keys():
                yield line
