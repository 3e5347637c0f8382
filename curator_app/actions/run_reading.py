"""What the Runs page shows: the list of runs, one run as it goes, two runs beside each other.

A live funnel comes from the run's events, of which only what is new is read. A run that was killed may have written
its last items into the database and not yet into the events; its report, made when it ends, is exact.
"""

import json
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from curator_app.actions.background_jobs import LOG_LINES, list_jobs, read_output
from curator_app.actions.run_jobs import find_run
from curator_app.actions.runs import JOB_KIND, runs_folder
from curator_app.workspace import Workspace
from endpoints.ledger import Totals, format_cost
from pipeline.after_queue import add_after
from pipeline.run_events import AFTER, STAGES, name_subject
from storage.errors import NotFound
from storage.jobs import Job


@dataclass(frozen=True)
class StageCount:
    """Items that one stage passed, rejected, or could not settle because a call failed."""

    stage: str
    passed: int
    rejected: int
    errors: int


@dataclass(frozen=True)
class AfterStage:
    """One stage after the review queue, and what its calls took."""

    count: StageCount
    calls: int
    cost: str
    """In words; `unknown` when nobody knows it."""


@dataclass(frozen=True)
class RunView:
    """One run as it stands."""

    job: Job
    asked: int
    funnel: tuple[StageCount, ...]
    after: tuple[AfterStage, ...]
    """The stages after the review queue that the run has."""
    reasons: tuple[tuple[str, str, int], ...]
    """Stage, reason, items; the commonest first."""
    log: tuple[str, ...]
    output: str
    """The end of what its process printed."""
    has_report: bool

    @property
    def done(self) -> int:
        """Scenarios before reviewers."""
        return self.funnel[-1].passed

    @property
    def cost(self) -> str:
        """In words; `unknown` when nobody knows it."""
        return str(self.job.progress.get("cost", "unknown"))

    @property
    def pace(self) -> float | None:
        """Scenarios a minute in this sitting; None before there is one."""
        seconds, done = self.job.progress.get("seconds", 0), self.job.progress.get("done", 0)
        return 60 * done / seconds if seconds and done else None


@dataclass(frozen=True)
class Spent:
    """What one role took, from the run's report."""

    role: str
    model: str
    calls: int
    cost: str
    median_s: float | None


@dataclass(frozen=True)
class Comparison:
    """Two runs beside each other."""

    left: RunView
    right: RunView
    config: tuple[tuple[str, str, str], ...]
    """Field, value on the left, value on the right: those that differ."""
    spent: tuple[tuple[Spent, ...], tuple[Spent, ...]]


@dataclass
class _AfterSpent:
    """What the stages after the queue took by a run's ledger, read so far."""

    offset: int = 0
    sums: dict[str, Totals] = field(default_factory=lambda: {stage: Totals() for stage in AFTER})

    def read_on(self, path: Path) -> None:
        """Take in the lines since the last time; most are about other stages, and are never parsed."""
        if path.exists() and path.stat().st_size < self.offset:
            self.offset, self.sums = 0, {stage: Totals() for stage in AFTER}
        for raw in _read_new(path, self.offset):
            self.offset += len(raw)
            if any(name_subject("", stage).encode() in raw for stage in AFTER):
                with suppress(ValueError, KeyError, TypeError):  # a line of another version
                    add_after(self.sums, json.loads(raw))


def _read_new(path: Path, offset: int) -> Iterator[bytes]:
    """Yield the whole lines behind `offset`; none when there is no file."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            yield raw


@dataclass
class _Tally:
    """The events of one run, read so far."""

    path: Path
    offset: int = 0
    outcomes: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(stage, item or call) -> (outcome, reason), the latest."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    spent: _AfterSpent = field(default_factory=_AfterSpent)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read_on(self) -> None:
        """Take in what was written since the last time; a line without its end waits."""
        self.spent.read_on(self.path.with_name("ledger.jsonl"))
        if self.path.exists() and self.path.stat().st_size < self.offset:  # another file: begin anew
            self.offset, self.outcomes = 0, {}
            self.lines.clear()
        for raw in _read_new(self.path, self.offset):
            self.offset += len(raw)
            self._take(raw)

    def _take(self, raw: bytes) -> None:
        try:
            event = json.loads(raw)
            at, stage, outcome, kind = event["at"][11:19], event["stage"], event["outcome"], event["kind"]
        except (ValueError, KeyError, TypeError):
            return
        subject = event["item"] or event.get("call_failed", "")
        if outcome in ("passed", "rejected", "error"):
            self.outcomes[stage, subject] = (outcome, kind)
        words = " ".join(part for part in (subject[:12], kind, event["message"].replace("\n", " ")[:200]) if part)
        self.lines.append(f"{at}  {stage:<10} {outcome:<8} {words}".rstrip())


_tallies: dict[Path, _Tally] = {}


def list_runs(workspace: Workspace) -> list[RunView]:
    """Return every run, the newest first."""
    return [_view(workspace, job) for job in list_jobs(workspace, kind=JOB_KIND)]


def read_run(workspace: Workspace, *, name: str) -> RunView:
    """Return one run.

    Raises:
        NotFound: there is no such run.
    """
    return _view(workspace, find_run(workspace, name=name))


def compare_runs(workspace: Workspace, *, left: str, right: str) -> Comparison:
    """Return two runs beside each other.

    Raises:
        NotFound: there is no such run.
    """
    views = read_run(workspace, name=left), read_run(workspace, name=right)
    flat = [flatten(view.job.request.get("config", {})) for view in views]
    names = dict.fromkeys([*flat[0], *flat[1]])
    changed = tuple(
        (name, flat[0].get(name, "–"), flat[1].get(name, "–"))
        for name in names
        if flat[0].get(name) != flat[1].get(name)
    )
    return Comparison(*views, changed, (_read_spent(workspace, left), _read_spent(workspace, right)))


def find_report(workspace: Workspace, *, name: str) -> Path | None:
    """Return the report of a run as HTML, None when it has none.

    Raises:
        NotFound: there is no such run.
    """
    path = runs_folder(workspace) / find_run(workspace, name=name).name / "report.html"
    return path if path.is_file() else None


def read_config_file(workspace: Workspace, *, name: str) -> str:
    """Return the config that a run was started with as YAML, defaults filled in; `curator run` takes it as it is.

    Raises:
        NotFound: there is no such run, or nobody knows its config.
    """
    config = find_run(workspace, name=name).request.get("config")
    if config is None:
        raise NotFound(f"nobody knows the config of the run {name}; it was not started as a job")
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def _view(workspace: Workspace, job: Job) -> RunView:
    folder = runs_folder(workspace) / job.name
    tally = _tallies.setdefault(folder, _Tally(folder / "events.jsonl"))
    with tally.lock:
        tally.read_on()
        outcomes, log, spent = dict(tally.outcomes), tuple(tally.lines), deepcopy(tally.spent.sums)
    counted = Counter((stage, outcome) for (stage, _), (outcome, _) in outcomes.items())
    reasons = Counter((stage, kind) for (stage, _), (outcome, kind) in outcomes.items() if outcome != "passed" and kind)
    lines = {
        stage: StageCount(stage, *(counted[stage, outcome] for outcome in ("passed", "rejected", "error")))
        for stage in (*STAGES, *AFTER)
    }
    return RunView(
        job=job,
        asked=_asked(job),
        funnel=tuple(lines[stage] for stage in STAGES),
        after=tuple(
            AfterStage(lines[stage], spent[stage].calls, format_cost(spent[stage]))
            for stage in AFTER
            if _has_stage(job, stage) or spent[stage].calls
        ),
        reasons=tuple((stage, kind, count) for (stage, kind), count in reasons.most_common()),
        log=log,
        output=read_output(folder),
        has_report=(folder / "report.html").is_file(),
    )


def _has_stage(job: Job, stage: str) -> bool:
    config = job.request.get("config", {})
    return bool(config.get("twin") if stage == "twins" else (config.get("mining") or {}).get("targets"))


def _asked(job: Job) -> int:
    if "asked" in job.progress:
        return int(job.progress["asked"])
    config = job.request.get("config", {})
    return int(config.get("count") or sum((config.get("quotas") or {}).values()))


def _read_spent(workspace: Workspace, name: str) -> tuple[Spent, ...]:
    try:
        report = json.loads((runs_folder(workspace) / name / "report.json").read_text(encoding="utf-8"))
        return tuple(
            Spent(line["role"], line["model"], line["calls"], line["cost"], line["median_s"])
            for line in report["spending"]
        )
    except (OSError, ValueError, KeyError):
        return ()


def flatten(values: Mapping[str, Any], place: str = "") -> dict[str, str]:
    """Return the fields of a config, inner ones as `part.field`."""
    found: dict[str, str] = {}
    for name, value in values.items():
        where = f"{place}.{name}" if place else name
        if isinstance(value, Mapping):
            found |= flatten(value, where)
        else:
            found[where] = "–" if value is None else str(value)
    return found
