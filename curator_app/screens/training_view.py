"""The page of trainings on verl as HTML. Pure functions of plain data; what models or people wrote is escaped here.

It is navigated by ordinary links: `?run=NAME`, `?left=NAME&right=NAME`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from caspo.preflight import Finding
from curator_app.actions.training_jobs import TrainingPlan
from curator_app.actions.training_reading import TrainingPair, TrainingView
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import (
    SCROLL,
    render_chooser,
    render_head,
    render_output,
    render_state,
    render_tiles,
    render_told,
    show_time,
)

ROUTE = "/training"
Monitor = Callable[[Sequence[Path], Sequence[str]], str]
"""Folders and names of runs -> alarms and curves as HTML."""


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-training")


def render_list(views: Sequence[TrainingView], alarms: Sequence[int], lacks: Sequence[str]) -> str:
    """Return the trainings, and what is missing before one can start.

    Args:
        views: of the trainings, the newest first.
        alarms: how many each has.
        lacks: what is missing, as HTML.
    """
    live = sum(view.is_live for view in views)
    count = f"{len(views):,} {'training' if len(views) == 1 else 'trainings'}."
    more = f"{live:,} running." if live else "None is running." if views else ""
    head = f'<h1 class="cu-say" tabindex="-1">{count if views else "No training yet."} <span>{more}</span></h1>'
    missing = "".join(f"<li>{lack}</li>" for lack in lacks)
    steps = f'<ul class="cu-lacks">{missing}</ul>' if missing else ""
    if not views:
        then = (
            "Before the first one can start:"
            if missing
            else "Fill in the form below, look at the plan, and start the first one."
        )
        return f"<section>{head}{render_told(_ABOUT)}<p class=cu-lead>{then}</p>{steps}</section>"
    lead = f'<p class="cu-lead">Before another one can start:</p>{steps}' if missing else ""
    names = [view.name for view in views]
    chooser = render_chooser(ROUTE, names, names[1], names[0]) if len(views) > 1 else ""
    return f"<section>{head}{lead}{_render_table(views, alarms)}{chooser}</section>"


_ABOUT = (
    "A training on verl makes a policy of a model after SFT, with CASPO, on training data of this workspace. Presets "
    "for large models need GPUs; <code>tiny-cpu</code> tries the path. <b>No training on a GPU was ever run with this "
    "program.</b>"
)


def _render_table(views: Sequence[TrainingView], alarms: Sequence[int]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(run=view.name)}">{escape(view.name)}</a></th>'
        f'<td class="cu-wrap cu-narrow">{_show_state(view)}</td><td>{_show_alarms(count)}</td>'
        f'<td class="cu-when">{escape(view.preset) or "–"}</td><td class="cu-num">{_show_step(view)}</td>'
        f'<td class="cu-num cu-when">{show_time(view.begun)}</td></tr>'
        for view, count in zip(views, alarms, strict=True)
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Training</th>'
        '<th scope="col">State</th><th scope="col">Alarms</th><th scope="col" class="cu-when">Preset</th>'
        '<th scope="col" class="cu-num">Step</th><th scope="col" class="cu-num cu-when">Begun, UTC</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _show_state(view: TrainingView) -> str:
    return render_state(view.job.state) if view.job else "from the command line"


def _show_alarms(count: int) -> str:
    return f'<b class="cu-alarmed">{count}</b>' if count else "none"


def _show_step(view: TrainingView) -> str:
    if view.step is None:
        return "–"
    return f"{view.step:,} of {view.steps:,}" if view.steps else f"{view.step:,}"


def render_training_head(view: TrainingView) -> str:
    """Return what stands above the buttons of a training: name, state and why, how far it is."""
    tiles = [
        ("Step", "–" if view.step is None else f"{view.step:,}", f"of {view.steps:,}" if view.steps else ""),
        ("Preset", view.preset or "–", ""),
        ("Starts", f"{len(view.attempts):,}", _show_end(view)),
        ("Begun", show_time(view.begun), "UTC"),
    ]
    if view.job is None:
        return (
            f'<section><p class="cu-back"><a href="{ROUTE}">All trainings</a></p><h1 class="cu-say" tabindex="-1">'
            f"{escape(view.name)} <span>was started from the command line.</span></h1>{render_tiles(tiles)}</section>"
        )
    return render_head(view.job, back=(ROUTE, "All trainings"), tiles=tiles)


def _show_end(view: TrainingView) -> str:
    if not view.attempts:
        return "verl was not started"
    last = view.attempts[-1]
    if last.ended is None:
        return "the last one goes on" if view.is_live else "nobody saw the end of the last"
    return "the last one came to its end" if last.code == 0 else f"the last one ended with code {last.code}"


def render_training_body(view: TrainingView, monitor: Monitor, *, runs: bool) -> str:
    """Return what stands below the buttons: the judge report, alarms and curves, what it is pinned to, the log.

    `runs` says whether the person may open judge runs.
    """
    curves = monitor([view.folder], [view.name]) if view.attempts else ""
    log = render_output(view.output) or '<p class="cu-off">Nothing was printed yet.</p>'
    pinned = f"{_render_pins(view)}{_render_config(view)}"
    return f"{_render_judged(view, runs)}{curves}{pinned}<section><h2>Log</h2>{log}</section>"


def _render_judged(view: TrainingView, runs: bool) -> str:
    if view.evaluations:
        rows = "".join(_render_evaluation(one, runs) for one in view.evaluations)
        return (
            '<section><h2>Judged against its base</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
            '<th scope="col">Evaluation</th><th scope="col">Release</th><th scope="col">Mode</th>'
            f'<th scope="col">Judge runs</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
        )
    if view.is_live or not view.attempts or view.attempts[-1].code != 0:
        return ""
    return (
        '<section><h2>Judged</h2><p class="cu-note">Not yet. <code>curator caspo evaluate</code> judges what this '
        "training made against the model that it began with, and this page then links to the report.</p></section>"
    )


def _render_evaluation(told: Mapping[str, Any], opens: bool) -> str:
    name, release, runs = str(told.get("name")), told.get("release"), told.get("judge_runs")
    version = str(release.get("version")) if isinstance(release, Mapping) else "–"
    links = ", ".join(
        f'<a href="/judge-runs?{escape(urlencode({"run": str(run)}))}">{escape(str(run))}</a>'
        if opens
        else escape(str(run))
        for run in (runs.values() if isinstance(runs, Mapping) else ())
    )
    page = escape(quote(name, safe=""))
    return (
        f'<tr><th scope="row"><a href="/training/judged/{page}" target="_blank">{escape(name)}</a></th>'
        f"<td>{escape(version)}</td><td>{escape(str(told.get('mode')))}</td><td>{links or '–'}</td></tr>"
    )


def _render_pins(view: TrainingView) -> str:
    if not view.pinned:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td class="cu-wrap"><code>{escape(value)}</code></td></tr>'
        for title, value in view.pinned
    )
    return (
        "<section><details><summary><h2>Pinned to</h2></summary>"
        '<p class="cu-note">With any of these another, the folder is refused: it holds one run.</p>'
        f'<div class="cu-scroll"><table class="cu-table"><tbody>{rows}</tbody></table></div></details></section>'
    )


def _render_config(view: TrainingView) -> str:
    if not view.config:
        return ""
    text = yaml.safe_dump(dict(view.config), sort_keys=False, allow_unicode=True)
    return (
        "<section><details><summary><h2>Config</h2></summary>"
        f'<pre class="cu-log" tabindex="0">{escape(text)}</pre></details></section>'
    )


def render_pair(pair: TrainingPair, names: Sequence[str], monitor: Monitor) -> str:
    """Return two trainings beside each other."""
    sides = (pair.left, pair.right)
    heads = "".join(
        f'<div><h2><a href="{link(run=view.name)}">{escape(view.name)}</a></h2><p>{_show_state(view)}, '
        f"{escape(view.preset)}, step {_show_step(view)}</p></div>"
        for view in sides
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="cu-wrap">{escape(left)}</td>'
        f'<td class="cu-wrap">{escape(right)}</td></tr>'
        for name, left, right in pair.differences
    )
    left, right = escape(pair.left.name), escape(pair.right.name)
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All trainings</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{left} <span>beside</span> {right}</h1>'
        f"{render_chooser(ROUTE, names, pair.left.name, pair.right.name)}"
        f'<div class="cu-sides">{heads}</div></section>'
        f"{monitor([view.folder for view in sides], [view.name for view in sides])}"
        f'<section><h2>What differs</h2>{SCROLL}<table class="cu-table"><thead><tr>'
        f'<th scope="col">Field</th><th scope="col">{left}</th><th scope="col">{right}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def render_plan(planned: TrainingPlan, *, lead: str = "") -> str:
    """Return what a start would do: findings, each with what to change, then the command and the files."""
    said = _say_plan(planned)
    told = render_told(escape(f"{said} {lead}".strip()), kind="" if planned.may_start else "bad")
    return (
        f"<section><h2>Plan</h2>{told}{_render_findings(planned.findings)}{_render_verl(planned)}</section>"
        f"{_render_command(planned)}"
    )


def _say_plan(planned: TrainingPlan) -> str:
    if not planned.findings and not planned.errors:
        return "Preflight found nothing."
    counts = {level: sum(finding.level == level for finding in planned.findings) for level in _LEVELS}
    counts["error"] = planned.errors
    told = ", ".join(f"{count} {level if count == 1 else f'{level}s'}" for level, count in counts.items() if count)
    if not planned.errors:
        return f"Preflight found {told}, which keep nothing from starting."
    if planned.asked.force:
        return f"Preflight found {told}. It starts all the same, as you asked."
    return f"Preflight found {told}. Mend the errors, or set the tick at Start although preflight finds errors."


_LEVELS = ("error", "warning", "note")


def _render_findings(findings: Sequence[Finding]) -> str:
    rows = "".join(
        f'<li data-level="{escape(finding.level)}"><b>{escape(finding.level.capitalize())}</b>'
        f"<div><p><b>{escape(finding.check)}</b>: {escape(finding.wrong)}</p><p>{escape(finding.change)}</p></div></li>"
        for finding in findings
    )
    return f'<ul class="cu-findings">{rows}</ul>' if rows else ""


def _render_verl(planned: TrainingPlan) -> str:
    if planned.dry.complaint is not None:
        return render_told(f"verl does not take the config: {escape(planned.dry.complaint)}", kind="bad")
    if planned.dry.asked:
        return '<p class="cu-note">verl’s own config classes take it.</p>'
    return (
        '<p class="cu-note">verl is not installed here, so it could not be asked whether it takes the config '
        "(<code>make setup-models</code>).</p>"
    )


def _render_command(planned: TrainingPlan) -> str:
    files = "".join(f"<li>{escape(name)}</li>" for name in planned.dry.files)
    pinned = escape(json.dumps(dict(planned.dry.pinned), indent=2))
    return (
        "<section><h2>By hand</h2>"
        '<p class="cu-note">This file, given to <code>curator caspo train FILE</code>, is the same training.</p>'
        f'<pre class="cu-log cu-copy" tabindex="0">{escape(planned.config)}</pre>'
        "<details><summary>The command that it becomes</summary>"
        f'<pre class="cu-log cu-copy" tabindex="0">{escape(planned.dry.command)}</pre></details>'
        f"<details><summary>Files that a start writes</summary><ul>{files}</ul></details>"
        "<details><summary>What it would be pinned to</summary>"
        f'<pre class="cu-log" tabindex="0">{pinned}</pre></details>'
        "</section>"
    )


def render_started(name: str) -> str:
    """Return that a training was started, with the way to it."""
    return render_told(f'Started <a href="{link(run=name)}">{escape(name)}</a>: watch it, stop it, or close this page.')


def list_lacks(*, verl: bool, data: bool, models: bool, rewards: bool) -> list[str]:
    """Return what is missing before a training can start on this server, and what to do about it, as HTML."""
    found = (
        (data, 'there is no training data: <a href="/training-data">prepare some</a> out of a release'),
        (models, "no model lies in <code>models</code> of the workspace, or in a folder of the setting "
                 "<code>CURATOR_MODEL_FOLDERS</code>: put one there that has been through SFT"),
        (rewards, "no reward is allowed: put a Python file into <code>rewards</code> of the workspace, or let who runs "
                  "the server set <code>CURATOR_REWARD_FOLDERS</code> or <code>CURATOR_REWARD_SERVERS</code>"),
        (verl, "this server has no verl: <code>make setup-models</code> installs it"),
    )  # fmt: skip
    return [told[0].upper() + told[1:] + "." for there, told in found if not there]
