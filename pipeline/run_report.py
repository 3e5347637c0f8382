"""The report of a run: funnel, reasons, cost, latency, prompts. Read from the database, the ledger and the events.

So it can be written at any time, also after a kill, and says the same however often the run was resumed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from statistics import quantiles

from sqlmodel import col, select

from endpoints.ledger import REPLY, Ledger, Totals, format_cost, read_lines
from pipeline.after_queue import APPROVED, KINDS, AfterCount, AfterStep
from pipeline.benchmark_gate import BENCHMARK_QUERY
from pipeline.config import PipelineConfig, spread_quotas
from pipeline.dedup import FILTER_NAME as DUPLICATE
from pipeline.prompting import PROMPTS, load_prompt
from pipeline.run_events import read_events
from pipeline.run_folder import RunFolder
from pipeline.taxonomy import Taxonomy
from pipeline.validation import DUPLICATE_PICTURE, PICTURE_CRITERIA, PICTURE_TEXT
from storage.db import Database
from storage.records import FilterVerdict, Record, Refinement, parse_record
from storage.stages import Stage
from storage.tables import ItemRow, RecordRow

STEPS = ("written", "passed the filters", "not a duplicate", "pictured", "refined, before reviewers")
WAITING = {Stage.SCENARIO: 1, Stage.FILTERED: 2, Stage.GROUNDED: 4}
"""Stage -> steps passed by an item that stands there. That a filtered item is no duplicate shows when it moves on."""
PAGE_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the funnel."""

    name: str
    items: int
    dropped: int
    """Items that went no further than this step's question: rejected by it."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one role took of one model. `cost` is in words: an unknown cost is `unknown`, never 0."""

    role: str
    model: str
    calls: int
    cached: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cost: str
    median_s: float | None
    slow_s: float | None
    """95th percentile of the latency."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that the three files show."""

    run: str
    started_at: str
    stopped: str
    asked: int
    funnel: tuple[Step, ...]
    approved: int
    """Items that people have approved, released ones included."""
    after: tuple[AfterStep, ...]
    """The stages after the review queue that the config asks for."""
    waiting: dict[str, int]
    """Stage -> items that stand there, for a resume."""
    reasons: tuple[tuple[str, str, int], ...]
    """Stage, reason, items; the commonest first."""
    errors: tuple[tuple[str, str, int], ...]
    """Stage, kind of error, items (or calls) that had one in any sitting."""
    spending: tuple[Spending, ...]
    cost: str
    prompts: dict[str, str]
    config_sha256: str


def make_report(
    *, folder: RunFolder, config: PipelineConfig, taxonomy: Taxonomy, db: Database, ledger: Ledger, stopped: str = ""
) -> RunReport:
    """Read what a run came to so far."""
    passed: Counter[int] = Counter()
    dropped: Counter[int] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    waiting: Counter[str] = Counter()
    after = AfterCount()
    for stage, records in _read_items(db, config.batch):
        if stage in APPROVED:
            after.add(records)
        if stage in WAITING:
            waiting[stage.value] += 1
            reached = WAITING[stage]
        else:
            reached, reason = _place_rejection(records) if stage is Stage.REJECTED else (len(STEPS), None)
            if reason is not None:
                dropped[reached] += 1
                reasons[STEPS[reached], reason] += 1
        for step in range(reached):
            passed[step] += 1
    funnel = tuple(Step(name, passed[place], dropped[place]) for place, name in enumerate(STEPS))
    return RunReport(
        run=config.batch,
        started_at=folder.started_at.isoformat(timespec="seconds"),
        stopped=stopped,
        asked=sum(spread_quotas(config, taxonomy).values()),
        funnel=funnel,
        approved=after.approved,
        after=after.list_steps(config, folder.ledger),
        waiting=dict(waiting),
        reasons=tuple((step, reason, count) for (step, reason), count in _by_count(reasons + after.reasons)),
        errors=_count_errors(folder.events),
        spending=_sum_spending(ledger, folder.ledger),
        cost=format_cost(ledger.total),
        prompts={path.stem: load_prompt(path.stem).sha256 for path in sorted(PROMPTS.glob("*.md"))},
        config_sha256=config.sha256,
    )


def write_report(report: RunReport, folder: Path) -> None:
    """Write `report.json`, `report.md` and `report.html` into the run's folder."""
    (folder / "report.json").write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "report.md").write_text(show_markdown(report), "utf-8")
    (folder / "report.html").write_text(show_html(report), "utf-8")


def _read_items(db: Database, batch: str) -> Iterable[tuple[Stage, list[Record]]]:
    """Yield the stage of every item of a run, a page at a time; with its records when it was rejected or approved."""
    after = 0
    while True:
        with db.read() as session:
            query = select(ItemRow).where(ItemRow.batch == batch, col(ItemRow.number) > after)
            items = session.exec(query.order_by(col(ItemRow.number)).limit(PAGE_ITEMS)).all()
            if not items:
                return
            numbers = [item.number for item in items if item.stage in (Stage.REJECTED, *APPROVED)]
            rows = session.exec(
                select(RecordRow.item_number, RecordRow.body)
                .where(
                    col(RecordRow.item_number).in_(numbers),
                    col(RecordRow.kind).in_(("filter_verdict", "refinement", *KINDS)),
                )
                .order_by(col(RecordRow.seq))
            ).all()
        records: defaultdict[int | None, list[Record]] = defaultdict(list)
        for number, body in rows:
            records[number].append(parse_record(body))
        for item in items:
            yield Stage(item.stage), records[item.number]
        after = items[-1].number or after


def _place_rejection(records: Sequence[Record]) -> tuple[int, str | None]:
    """Return how many steps a rejected item passed, and the reason; without a reason people rejected it."""
    refinements = [record for record in records if isinstance(record, Refinement)]
    failed = [record for record in records if isinstance(record, FilterVerdict) and not record.passed]
    repeats = any(verdict.filter_name == BENCHMARK_QUERY for verdict in failed)
    if refinements:
        last = refinements[-1]
        if repeats:
            return 4, "repeats a benchmark"
        if last.hazard_type == "undeclared_premise":
            return 4, "undeclared premise"
        if not last.evidence.startswith("dropped"):
            return len(STEPS), None
        return 4, last.evidence.splitlines()[0].removeprefix("dropped: ")
    if repeats:
        return 2, "repeats a benchmark"
    for verdict in failed:
        if verdict.filter_name == DUPLICATE:
            return 2, "near-duplicate"
        if verdict.filter_name in (*PICTURE_CRITERIA, PICTURE_TEXT, DUPLICATE_PICTURE):
            return 3, verdict.filter_name
    return 1, failed[0].filter_name if failed else "unknown"


def _count_errors(events: Path) -> tuple[tuple[str, str, int], ...]:
    seen = {
        (event["stage"], event["kind"], event["item"] or event.get("call_failed", ""))
        for event in read_events(events)
        if event["outcome"] == "error"
    }
    counted = Counter((stage, kind) for stage, kind, _ in seen)
    return tuple((stage, kind, count) for (stage, kind), count in _by_count(counted))


def _sum_spending(ledger: Ledger, path: Path) -> tuple[Spending, ...]:
    latencies: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for line in read_lines(path):
        if line["outcome"] == REPLY and isinstance(line.get("latency_s"), int | float):
            latencies[line["role"], line["model"]].append(line["latency_s"])
    return tuple(
        _spend(role, model, totals, latencies[role, model])
        for (role, model), totals in sorted(ledger.totals("role", "model").items())
    )


def _spend(role: str, model: str, totals: Totals, latencies: list[float]) -> Spending:
    cuts = quantiles(latencies, n=20, method="inclusive") if len(latencies) > 1 else latencies * 19
    return Spending(
        role=role,
        model=model,
        calls=totals.calls,
        cached=totals.cached,
        failed=totals.failed,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        cost=format_cost(totals),
        median_s=round(cuts[9], 3) if cuts else None,
        slow_s=round(cuts[18], 3) if cuts else None,
    )


def _by_count(counted: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))


# --- the files for people

SPENDING_HEAD = (
    "role",
    "model",
    "calls",
    "from cache",
    "failed",
    "tokens in",
    "tokens out",
    "cost",
    "median s",
    "95% s",
)


def _spending_rows(report: RunReport) -> list[tuple[str, ...]]:
    return [
        (s.role, s.model, str(s.calls), str(s.cached), str(s.failed), str(s.prompt_tokens), str(s.completion_tokens),
         s.cost, _seconds(s.median_s), _seconds(s.slow_s))
        for s in report.spending
    ]  # fmt: skip


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _tables(report: RunReport) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    funnel = [(step.name, str(step.items), str(step.dropped)) for step in report.funnel]
    after = [(step.name, str(step.items), str(step.dropped), str(step.calls), step.cost) for step in report.after]
    approved = [("approved by people", str(report.approved), "", "", "")] if after else []
    return [
        ("Funnel", ("step", "items", "dropped here"), [("asked for", str(report.asked), ""), *funnel]),
        ("After the review queue", ("step", "items", "dropped here", "calls", "cost"), [*approved, *after]),
        ("Waiting for a resume", ("stage", "items"), [(k, str(v)) for k, v in report.waiting.items()]),
        ("Reasons", ("step", "reason", "items"), [(s, r, str(n)) for s, r, n in report.reasons]),
        ("Errors", ("stage", "kind", "items or calls"), [(s, k, str(n)) for s, k, n in report.errors]),
        (f"Calls and cost: {report.cost}", SPENDING_HEAD, _spending_rows(report)),
        ("Prompts", ("prompt", "sha256"), list(report.prompts.items())),
    ]


def show_markdown(report: RunReport) -> str:
    """Return the report as Markdown."""
    lines = [f"# Run {report.run}", "", f"Started {report.started_at}. Config `{report.config_sha256[:16]}`.", ""]
    if report.stopped:
        lines += [f"Ended early: {_cell(report.stopped)}", ""]
    for title, head, rows in _tables(report):
        if rows:
            lines += [f"## {title}", "", _row(head), _row(["---"] * len(head)), *[_row(row) for row in rows], ""]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #c8d0d8;padding:.25rem .6rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}svg text{font:14px system-ui,sans-serif;fill:#1c2733}"
)


def show_html(report: RunReport) -> str:
    """Return the report as one HTML page without scripts or references to other files."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Run {escape(report.run)}</title>',
        f"<style>{STYLE}</style><h1>Run {escape(report.run)}</h1>",
        f"<p>Started {escape(report.started_at)}. Config <code>{report.config_sha256[:16]}</code>.</p>",
        f"<p><strong>Ended early:</strong> {escape(report.stopped)}</p>" if report.stopped else "",
        draw_funnel(report),
    ]
    for title, head, rows in _tables(report):
        if rows:
            cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
            headings = "".join(f"<th>{escape(name)}</th>" for name in head)
            parts.append(f"<h2>{escape(title)}</h2><table><tr>{headings}</tr>{cells}</table>")
    return "\n".join(part for part in parts if part) + "</html>\n"


def draw_funnel(report: RunReport) -> str:
    """Return the funnel as an inline SVG: one bar a step, the share of the scenarios asked for."""
    bars = [("asked for", report.asked), *((step.name, step.items) for step in report.funnel)]
    widest = max((items for _, items in bars), default=0) or 1
    rows = []
    for place, (name, items) in enumerate(bars):
        y, width = 8 + place * 32, round(460 * items / widest, 1)
        rows.append(
            f'<rect x="220" y="{y}" width="{width}" height="22" rx="3" fill="#2f6f8f"/>'
            f'<text x="210" y="{y + 16}" text-anchor="end">{escape(name)}</text>'
            f'<text x="{228 + width}" y="{y + 16}">{items}</text>'
        )
    told = "; ".join(f"{escape(name)} {items}" for name, items in bars)
    height = 16 + 32 * len(bars)
    return f'<svg role="img" aria-label="Funnel: {told}" viewBox="0 0 760 {height}" width="100%">{"".join(rows)}</svg>'
