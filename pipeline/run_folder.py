"""The folder of a run: what it was started with, its cache, ledger, events and report.

    runs/NAME/  run.json  config.yaml  ledger.jsonl  cache/  events.jsonl  report.json  report.md  report.html

The same folder again is a resume. One process at a time works in it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from pipeline.config import PipelineConfig
from pipeline.errors import ConfigInvalid, RunBusy
from storage.locks import hold_lock
from storage.texts import utc_now
from storage.whole_files import write_whole


@dataclass(frozen=True)
class RunFolder:
    """An open run folder."""

    path: Path
    started_at: datetime
    """When the run was first started. A resume writes this time into provenances, so that its records are the same."""
    resumed: bool

    @property
    def cache(self) -> Path:
        """Replies that were received."""
        return self.path / "cache"

    @property
    def ledger(self) -> Path:
        """One line per call."""
        return self.path / "ledger.jsonl"

    @property
    def events(self) -> Path:
        """One line per item and stage."""
        return self.path / "events.jsonl"


@contextmanager
def open_run_folder(path: Path, config: PipelineConfig) -> Iterator[RunFolder]:
    """Make the folder of a run, or open the one that is there; nobody else works in it meanwhile.

    Raises:
        ConfigInvalid: the run that lies there was started with another config.
        RunBusy: another process works on the run.
    """
    busy = RunBusy(f"another process works on the run {path}; wait for it, or end it first")
    with hold_lock(path / ".lock", busy=busy):
        yield _open(path, config)


def read_started_at(path: Path) -> datetime | None:
    """Return when the run in `path` was first started; None when there is none."""
    file = path / "run.json"
    return datetime.fromisoformat(json.loads(file.read_text("utf-8"))["started_at"]) if file.exists() else None


def _open(path: Path, config: PipelineConfig) -> RunFolder:
    file = path / "run.json"
    if file.exists():
        started = json.loads(file.read_text("utf-8"))
        if started["config_sha256"] != config.sha256:
            raise ConfigInvalid(
                f"the run {path.name} was started with another config ({path / 'config.yaml'}); "
                "give the changed one another `batch`, or go on with the old one"
            )
        return RunFolder(path, datetime.fromisoformat(started["started_at"]), resumed=True)
    shown = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (path / "config.yaml").write_text(shown, encoding="utf-8")
    now = utc_now()
    # Last: a run that has this file has everything before it.
    write_whole(file, json.dumps({"config_sha256": config.sha256, "started_at": now.isoformat()}))
    return RunFolder(path, now, resumed=False)
