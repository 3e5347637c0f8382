"""The calls to models that concern one item, with the replies as they came.

The run's ledger names each call by the hash of its request and says which item it was about; under that hash the run's
cache holds the reply. A call that wrote several scenarios stands in the run's events with the items it gave.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator_app.actions.runs import runs_folder
from curator_app.workspace import Workspace
from endpoints.cache import read_kept
from endpoints.ledger import CACHED, REPLY
from pipeline.run_events import AFTER, name_subject

UNTEXTED = frozenset({"image"})
"""Roles whose replies are no text."""


@dataclass(frozen=True)
class ModelCall:
    """One request, however often it was sent."""

    at: str
    """When it was first sent: ISO, UTC."""
    role: str
    model: str
    request_sha256: str
    latency_s: float | None
    """Of the reply; None when none came in this run."""
    failures: tuple[str, ...]
    """What went wrong at the attempts that gave no reply, in order."""
    text: str | None
    """The reply as it came; None when it is not kept: the cache holds no reply that was of no use, and may be gone."""


def read_calls(workspace: Workspace, *, batch: str, item_id: str) -> tuple[ModelCall, ...]:
    """Return the calls of the run `batch` that concern an item, the oldest first; none when there was no such run."""
    folder = runs_folder(workspace) / batch
    later = (name_subject(item_id, stage) for stage in AFTER)
    subjects = {item_id, *later, *_find_origins(folder / "events.jsonl", item_id)}
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in _read_lines(folder / "ledger.jsonl", subjects):
        if line.get("about") in subjects and line.get("role") not in UNTEXTED:
            lines.setdefault(str(line.get("request_sha256")), []).append(line)
    kept = read_kept(folder / "cache", lines)
    return tuple(
        ModelCall(
            at=str(tries[0].get("at", "")),
            role=str(tries[0].get("role")),
            model=str(tries[0].get("model")),
            request_sha256=key,
            latency_s=next((try_["latency_s"] for try_ in tries if try_.get("outcome") == REPLY), None),
            failures=tuple(str(try_.get("outcome")) for try_ in tries if try_.get("outcome") not in (REPLY, CACHED)),
            text="\n\n".join((kept[key].text, *kept[key].others)) if key in kept else None,
        )
        for key, tries in lines.items()
    )


def _find_origins(events: Path, item_id: str) -> Iterator[str]:
    for event in _read_lines(events, {item_id}):
        if "call" in event and item_id in event.get("items", ()):
            yield str(event["call"])


def _read_lines(path: Path, words: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines that hold one of `words`. Most lines of a long run do not, and are never parsed."""
    if not path.is_file():
        return
    wanted = [word.encode() for word in words]
    with path.open("rb") as file:
        for raw in file:
            if not any(word in raw for word in wanted):
                continue
            try:
                line = json.loads(raw)
            except ValueError:  # torn by a kill
                continue
            if isinstance(line, dict):
                yield line
