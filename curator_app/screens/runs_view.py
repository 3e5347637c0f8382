"""The Runs page as HTML. Pure functions of plain data; every text that people or models wrote is escaped here.

The page is navigated by ordinary links: `?run=NAME`, `?left=NAME&right=NAME`.
"""

from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path

from curator_app.actions.run_reading import Comparison, RunView, Spent, StageCount
from curator_app.actions.runs import DryRun
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import (
    render_calls,
    render_checks,
    render_chooser,
    render_head,
    render_output,
    render_state,
    render_told,
    show_time,
    show_usd,
)

PARTS = ("passed", "rejected", "errors")


link = partial(make_link, "/runs")
render_page = partial(wrap_page, "cu-flow cu-runs")


def render_list(runs: Sequence[RunView], endpoints_file: Path) -> str:
    """Return the title, what is missing before a run can start, and the list of runs."""
    live = sum(run.job.state.is_live for run in runs)
    count = f"{len(runs):,} {'run' if len(runs) == 1 else 'runs'}"
    more = f"{live:,} running." if live else "None is running." if runs else ""
    title = f'<h1 class="cu-say" tabindex="-1">{count if runs else "No run yet."}{"." if runs else ""} '
    head = f"<section>{title}<span>{more}</span></h1>"
    missing = "" if endpoints_file.is_file() else _say_no_models(endpoints_file)
    if not runs:
        then = f"{'Then fill' if missing else 'Fill'} in the form below, look at the plan, and start the first one."
        return f"{head}{render_told(f'{missing} {then}' if missing else then)}</section>"
    told = render_told(missing, kind="bad") if missing else ""
    chooser = render_chooser("/runs", _names(runs), runs[1].job.name, runs[0].job.name) if len(runs) > 1 else ""
    return f"{head}{told}{_render_table(runs)}{chooser}</section>"


def _say_no_models(file: Path) -> str:
    return (
        f"No models are known yet: there is no file <code>{escape(str(file))}</code>. Copy "
        "<code>pipeline/examples/endpoints.yaml</code> there and say which models play which roles; "
        "<code>docs/endpoint-config.md</code> explains every field. Keys stay in environment variables."
    )


def _render_table(runs: Sequence[RunView]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(run=run.job.name)}">{escape(run.job.name)}</a></th>'
        f"<td>{render_state(run.job.state)}</td>"
        f'<td class="cu-num cu-when">{show_time(run.job.started_at or run.job.created_at)}</td>'
        f'<td class="cu-num">{run.done:,} of {run.asked:,}</td><td class="cu-num">{escape(run.cost)}</td></tr>'
        for run in runs
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Run</th><th scope="col">State</th>'
        '<th scope="col" class="cu-num cu-when">Begun, UTC</th><th scope="col" class="cu-num">Done</th>'
        f'<th scope="col" class="cu-num">Cost</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _names(runs: Sequence[RunView]) -> list[str]:
    return [run.job.name for run in runs]


def render_run_head(run: RunView) -> str:
    """Return what stands above the buttons of a run: its name, its state and why, its numbers."""
    return render_head(run.job, back=("/runs", "All runs"), tiles=_list_tiles(run))


def render_run_body(run: RunView, items: str = "") -> str:
    """Return what stands below the buttons of a run: funnel, reasons, `items` as they are, log."""
    name = escape(run.job.name)
    report = f'<a href="/runs/report/{name}" target="_blank">Report</a>' if run.has_report else ""
    config = f'<a href="/runs/config/{name}" download>Config</a>' if "config" in run.job.request else ""
    return (
        f'<section><div class="cu-sec-head"><h2>Funnel</h2><p>{report} {config}</p></div>'
        f"{_render_legend()}{_render_funnel(run)}"
        f"</section>{_render_after(run)}{_render_reasons(run.reasons)}{items}{_render_log(run)}"
    )


def _list_tiles(run: RunView) -> list[tuple[str, str, str]]:
    progress = run.job.progress
    pace = "–" if run.pace is None else f"{run.pace:.1f}"
    cached = f"{progress.get('cached', 0):,} more from the cache, {progress.get('failed', 0):,} failed"
    return [
        ("Before reviewers", f"{run.done:,}", f"of {run.asked:,} asked for"),
        ("A minute", pace, "scenarios, in this sitting"),
        ("Calls", f"{progress.get('calls', 0):,}", cached),
        ("Cost", run.cost, f"{progress.get('tokens', 0):,} tokens"),
    ]


def _render_legend() -> str:
    return f'<p class="cu-legend">{"".join(f"<span><i data-part={part}></i>{part}</span>" for part in PARTS)}</p>'


def _render_funnel(run: RunView) -> str:
    most = max(run.asked, *(line.passed + line.rejected + line.errors for line in run.funnel), 1)
    return f'<div class="cu-bars">{"".join(_render_bar(line, most) for line in run.funnel)}</div>'


def _render_after(run: RunView) -> str:
    if not run.after:
        return ""
    most = max(*(stage.count.passed + stage.count.rejected + stage.count.errors for stage in run.after), 1)
    bars = "".join(_render_bar(stage.count, most) for stage in run.after)
    spent = " ".join(
        f"{stage.count.stage.capitalize()}: {stage.calls:,} {'call' if stage.calls == 1 else 'calls'}, "
        f"cost {escape(stage.cost)}."
        for stage in run.after
    )
    return (
        f'<section><h2>After review</h2><div class="cu-bars">{bars}</div>'
        f'<p class="cu-note">For scenarios that people have approved. {spent}</p></section>'
    )


def _render_bar(line: StageCount, most: int) -> str:
    counts = dict(zip(PARTS, (line.passed, line.rejected, line.errors), strict=True))
    pieces = "".join(
        f'<i data-part="{part}" style="width:{100 * count / most:.1f}%"></i>' for part, count in counts.items() if count
    )
    told = ", ".join(f"{count} {part}" for part, count in counts.items())
    numbers = f"<b>{line.passed:,}</b> / {line.rejected:,} / {line.errors:,}"
    return (
        f'<div class="cu-bar-row"><span>{line.stage.capitalize()}</span><span class="cu-track cu-stack" role="img" '
        f'aria-label="{line.stage}: {told}">{pieces}</span><span class="cu-num">{numbers}</span></div>'
    )


def _render_reasons(reasons: Sequence[tuple[str, str, int]]) -> str:
    if not reasons:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(kind.replace("_", " "))}</th><td>{escape(stage)}</td>'
        f'<td class="cu-num">{count:,}</td></tr>'
        for stage, kind, count in reasons
    )
    return (
        '<section><h2>Why items went no further</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">Reason</th><th scope="col">Stage</th><th scope="col" class="cu-num">Items</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _render_log(run: RunView) -> str:
    lines = "\n".join(reversed(run.log)) or "Nothing has happened yet."
    log = f'<pre class="cu-log" tabindex="0">{escape(lines)}</pre>'
    return f"<section><h2>Log, the latest first</h2>{log}{render_output(run.output)}</section>"


def render_comparison(both: Comparison, runs: Sequence[RunView]) -> str:
    """Return two runs beside each other."""
    views = (both.left, both.right)
    sides = "".join(
        f'<div><h2><a href="{link(run=view.job.name)}">{escape(view.job.name)}</a> {render_state(view.job.state)}</h2>'
        f"<p>{view.done:,} of {view.asked:,} before reviewers, cost {escape(view.cost)}</p>{_render_funnel(view)}"
        f"{_render_after(view)}{_render_spent(spent)}{_render_reasons(view.reasons)}</div>"
        for view, spent in zip(views, both.spent, strict=True)
    )
    names = [escape(view.job.name) for view in views]
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="cu-wrap">{escape(left)}</td>'
        f'<td class="cu-wrap">{escape(right)}</td></tr>'
        for name, left, right in both.config
    )
    return (
        '<section><p class="cu-back"><a href="/runs">All runs</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{names[0]} <span>beside</span> {names[1]}</h1>'
        f"{render_chooser('/runs', _names(runs), both.left.job.name, both.right.job.name)}</section>"
        '<section><h2>What differs in the config</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        f'<th scope="col">Field</th><th scope="col">{names[0]}</th><th scope="col">{names[1]}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
        f'<section>{_render_legend()}<div class="cu-sides">{sides}</div></section>'
    )


def _render_spent(spent: Sequence[Spent]) -> str:
    if not spent:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(line.role)}</th><td>{escape(line.model)}</td>'
        f'<td class="cu-num">{line.calls:,}</td><td class="cu-num">{escape(line.cost)}</td>'
        f'<td class="cu-num">{"–" if line.median_s is None else f"{line.median_s:.2f} s"}</td></tr>'
        for line in spent
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Role</th><th scope="col">Model</th>'
        '<th scope="col" class="cu-num">Calls</th><th scope="col" class="cu-num">Cost</th>'
        f'<th scope="col" class="cu-num">Median</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def render_plan(planned: DryRun, *, lead: str = "") -> str:
    """Return the plan of a run: calls, cost at most, and whether each endpoint works. `lead` says what comes next."""
    plan = planned.plan
    said = f"{plan.scenarios:,} scenarios, {plan.calls:,} calls when all goes well, {plan.at_most:,} at most."
    told = render_told(f"{said} Cost at most: {show_usd(plan.usd_at_most)}. {escape(lead)}")
    return f"<section><h2>Plan</h2>{told}{render_calls(plan.lines)}{render_checks(planned.checks)}</section>"


def render_opener() -> str:
    """Return what opens a YAML file from the disk into the field below it; `static/config_file.js` reads it."""
    return (
        '<div class="cu cu-open"><label class="cu-btn" data-line>Open a YAML file'
        '<input type="file" accept=".yaml,.yml,text/plain" data-part="config-file"></label>'
        '<span class="cu-note" role="status" data-part="config-said"></span></div>'
    )


def render_started(name: str) -> str:
    """Return that a run was started, with the way to it."""
    return render_told(f'Started <a href="{link(run=name)}">{escape(name)}</a>: watch it, stop it, or close this page.')
