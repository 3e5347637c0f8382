"""The page of the wind tunnel as HTML. Pure functions of plain data; what models or people wrote is escaped here.

It is navigated by ordinary links: `?run=quick`, `?run=whole`.
"""

import re
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

from curator_app.actions.curves import Panel
from curator_app.actions.tunnel_jobs import Size, TunnelAsked
from curator_app.actions.tunnel_reading import WALK, Training, TunnelView
from curator_app.actions.wind_tunnel import WHOLE
from curator_app.actions.wind_tunnel_page import count_verdicts, list_notices, say_result, show_estimate
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import (
    SAID,
    SCROLL,
    render_head,
    render_output,
    render_refusal,
    render_state,
    render_tiles,
    render_told,
    show_time,
)
from pipeline.hazard_world.world import NOTICE

ROUTE = "/wind-tunnel"
REPORTS = "/training/report"
TITLES: dict[Size, str] = {"quick": "Quick wind tunnel", "whole": "Whole wind tunnel"}
COSTS: dict[Size, str] = {
    "quick": "A small part of the world, two arms, one seed. Minutes on two idle cores, and about 60 MB on the disk. "
    "It shows that the machinery learns, and decides nothing.",
    "whole": f"Everything: {WHOLE.stage_zero_seeds} stages 0, {len(WHOLE.arms)} arms, {WHOLE.seeds} seeds of RL, "
    f"{WHOLE.count_runs()} runs. About an hour on two idle cores, and nearly 1 GB on the disk.",
}
ABOUT = (
    "The wind tunnel trains a tiny model on a CPU with the paper's method and with others, in a world of toy scenes "
    "whose hazards are known exactly, and says which of the paper's claims that reproduces. It needs neither GPU nor "
    "network, and no release."
)


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-training")


def render_list(training: Training) -> str:
    """Return what the wind tunnel is, what has been run, and why nothing can be, if so."""
    live = [view for view in training.tunnels if view.is_live]
    if not training.tunnels:
        title, more = "No wind tunnel has been run yet.", ""
    else:
        title = "Wind tunnel."
        more = f"{TITLES[live[0].size]} {SAID[live[0].job.state]}." if live and live[0].job else "None is running."
    head = f'<h1 class="cu-say" tabindex="-1">{title} <span>{more}</span></h1>'
    told = render_told(f"<b>{escape(NOTICE)}</b> {escape(ABOUT)}")
    missing = render_refusal(training.problem) if training.problem else ""
    table = _render_table(training.tunnels) if training.tunnels else ""
    walked = (
        f'<p class="cu-note"><a href="{REPORTS}/{WALK}" target="_blank">Report of the walk</a>: the whole path '
        "from a proposed scene to a judged model, by <code>curator demo --walk</code>.</p>"
        if training.walked
        else ""
    )
    costs = "".join(f'<p class="cu-note"><b>{size.capitalize()}</b>: {escape(COSTS[size])}</p>' for size in COSTS)
    return f"<section>{head}{told}{missing}{costs}{table}{walked}</section>"


def _render_table(tunnels: Sequence[TunnelView]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(run=view.size)}">{TITLES[view.size]}</a></th>'
        f"<td>{render_state(view.job.state) if view.job else 'from the command line'}</td>"
        f'<td class="cu-num cu-when">{_show_begun(view)}</td>'
        f'<td class="cu-num">{view.runs_done:,} of {view.runs:,}</td>'
        f"<td>{_link_report(view.size) if view.report else '–'}</td></tr>"
        for view in tunnels
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Run</th><th scope="col">State</th>'
        '<th scope="col" class="cu-num cu-when">Begun, UTC</th><th scope="col" class="cu-num">Runs of arms</th>'
        f'<th scope="col">Report</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _show_begun(view: TunnelView) -> str:
    return show_time((view.job.started_at or view.job.created_at) if view.job else None)


def _link_report(name: str) -> str:
    return f'<a href="{REPORTS}/{name}" target="_blank">Report</a>'


def render_tunnel_head(view: TunnelView) -> str:
    """Return what stands above the buttons of a wind tunnel: name, state and why, how far it is."""
    if view.job is None:
        return (
            f'<section><p class="cu-back"><a href="{ROUTE}">Wind tunnel</a></p><h1 class="cu-say" tabindex="-1">'
            f"{TITLES[view.size]} <span>was run from the command line.</span></h1>{render_tiles(_list_tiles(view))}"
            "</section>"
        )
    return render_head(view.job, back=(ROUTE, "Wind tunnel"), tiles=_list_tiles(view), title=TITLES[view.size])


def _list_tiles(view: TunnelView) -> list[tuple[str, str, str]]:
    tiles = [("Runs of arms", f"{view.runs_done:,}", f"of {view.runs:,} trained and measured")]
    if view.job is None:
        return tiles
    progress = view.job.progress
    done, total = progress.get("done", 0.0), progress.get("total", 0.0)
    share = f"{done / total:.0%}" if total else "–"
    left = progress.get("seconds_left")
    return [
        *tiles,
        ("This sitting", share, "of what was left when it began"),
        ("Time left", _show_left(left) if view.is_live else "–", "at the pace so far" if view.is_live else ""),
    ]


def _show_left(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def render_tunnel_body(view: TunnelView) -> str:
    """Return what stands below the buttons: what runs now, the result, the log."""
    running = _render_running(view.job.progress.get("running", [])) if view.is_live and view.job else ""
    result = _render_result(view.report, view) if view.report else _say_no_result(view)
    log = f"<section><h2>Log</h2>{render_output(view.output) or '<p class=cu-off>Nothing was printed.</p>'}</section>"
    return f"{running}{_render_alarms(view)}{result}{log if view.job else ''}"


def _render_running(running: Sequence[dict[str, Any]]) -> str:
    rows = "".join(
        f'<div class="cu-bar-row"><span>{escape(str(one["told"]))}</span><span class="cu-track" role="img" '
        f'aria-label="{escape(str(one["name"]))}: {float(one["share"]):.0%}">'
        f'<i data-part="passed" style="width:{100 * float(one["share"]):.1f}%"></i></span>'
        f'<span class="cu-num">{float(one["share"]):.0%}</span></div>'
        for one in running
    )
    return f'<section><h2>Now</h2><div class="cu-bars">{rows}</div></section>' if rows else ""


def _render_alarms(view: TunnelView) -> str:
    """Return what the monitor says of the runs, by arm; arms without alarms are counted."""
    if not view.alarms:
        return ""
    alarmed = [arm for arm in view.alarms if arm.alarmed]
    calm = len(view.alarms) - len(alarmed)
    rows = "".join(
        f'<tr><th scope="row" class="cu-wrap">{escape(arm.title)}</th>'
        f'<td class="cu-num">{arm.alarmed} of {arm.runs}</td>'
        f'<td class="cu-wrap">{escape("; ".join(f"{kind} ({count})" for kind, count in arm.kinds))}</td></tr>'
        for arm in alarmed
    )
    table = (
        f'{SCROLL}<table class="cu-table"><thead><tr><th scope="col">Arm</th>'
        '<th scope="col" class="cu-num">Alarmed runs</th><th scope="col">What goes wrong</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    said = f"{calm} arm{'s' if calm != 1 else ''} without an alarm." if calm else "No arm is without one."
    return f'<section><h2>Alarms</h2><p class="cu-note">{said}</p>{table if alarmed else ""}</section>'


def _say_no_result(view: TunnelView) -> str:
    if view.is_live:
        return ""
    return f'<section><p class="cu-off">There is no result yet. {escape(COSTS[view.size])}</p></section>'


def _render_result(report: dict[str, Any], view: TunnelView) -> str:
    said = say_result(report)
    notices = "".join(
        render_told(escape(text), kind="bad" if kind == "bad" else "") for kind, text in list_notices(report)
    )
    counts = ", ".join(f"{count} {verdict}" for verdict, count in count_verdicts(report))
    return (
        f'<section><div class="cu-sec-head"><h2>Result</h2><p>{_link_report(view.size)}</p></div>'
        f'<p class="cu-lead">{escape(said["said"])} {escape(said["rest"])}</p>{notices}{_render_ranking(report)}'
        f'</section><section><h2>The paper’s claims</h2><p class="cu-note">{escape(counts)}.</p>'
        f"{_render_claims(report)}</section>"
        f"{_render_curves(view.panels, view.curve_names)}"
    )


def _render_ranking(report: dict[str, Any]) -> str:
    arms = {arm["name"]: arm for arm in report["arms"]}
    rows = "".join(
        f'<tr><th scope="row" class="cu-wrap">{escape(arms[place["arm"]]["title"].split(":")[0])}</th>'
        f'<td class="cu-num">{place["met"]} of {place["runs"] + place["diverged"]}</td>'
        f"{_render_figures(arms[place['arm']])}"
        f'<td class="cu-num">{show_estimate(place["worth"], "mean")}</td></tr>'
        for place in report["ranking"]
    )
    return (
        f'{SCROLL}<table class="cu-table cu-figures"><thead><tr><th scope="col">Arm</th>'
        '<th scope="col" class="cu-num">Goal met</th><th scope="col" class="cu-num">R<sub>0</sub></th>'
        '<th scope="col" class="cu-num">R<sub>A</sub></th><th scope="col" class="cu-num">False alarms</th>'
        f'<th scope="col" class="cu-num">R + S + E</th></tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="cu-note">On new scenes; small: 95% intervals. R + S + E over all held-out scenes and twins.</p>'
    )


def _render_figures(arm: dict[str, Any]) -> str:
    pooled = arm["pooled"]["new_scenes"] if arm["pooled"] else {}
    cells = ""
    for name, kind in (("r_0", "rate"), ("r_a", "mean"), ("false_alarms", "rate")):
        found = pooled.get(name)
        ends = f"<small>{show_estimate(found, kind, ends=True)}</small>" if found else ""
        cells += f'<td class="cu-num">{show_estimate(found, kind)}{ends}</td>'
    return cells


def _render_claims(report: dict[str, Any]) -> str:
    rows = "".join(
        f'<li data-verdict="{escape(claim["verdict"].replace(" ", "-"))}"><b>{escape(claim["verdict"])}</b>'
        f"<span>{_show_math(claim['says'])}</span></li>"
        for claim in report["claims"]
    )
    return f'<ul class="cu-claims">{rows}</ul>'


def _show_math(text: str) -> str:
    """Return a text of ours with R_0 and the like as people write them."""
    return re.sub(r"\b([XRSE])_([A0])\b", r"\1<sub>\2</sub>", escape(text))


def _render_curves(panels: Sequence[Panel], names: Sequence[tuple[str, int]]) -> str:
    if not panels:
        return ""
    legend = "".join(
        f'<span><svg viewBox="0 0 24 8" aria-hidden="true"><path data-series="{series}" d="M0 4L24 4"/></svg>'
        f"{escape(name)}</span>"
        for name, series in names
    )
    drawn = "".join(map(_render_panel, panels))
    return (
        f'<section><h2>Training</h2><p class="cu-legend cu-lines">{legend}</p><div class="cu-panels">{drawn}</div>'
        '<p class="cu-note">Each step of RL; the mean of all runs, every step with other prompts.</p></section>'
    )


def _render_panel(panel: Panel) -> str:
    ends = ", ".join(f"{line.name} {line.last}" for line in panel.lines)
    lines = "".join(f'<path data-series="{line.series}" d="{line.path}"/>' for line in panel.lines)
    return (
        f"<figure><figcaption>{escape(panel.title)} <span>{escape(panel.unit)}</span></figcaption>"
        f'<div class="cu-lines"><svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(panel.title)} at the last step: {escape(ends)}">{lines}</svg>'
        f"<b>{panel.high}</b><b>{panel.low}</b></div>"
        f"<p><span>step {panel.first}</span><span>{panel.steps}</span></p></figure>"
    )


def render_plan(asked: TunnelAsked, view: TunnelView | None, *, lead: str = "") -> str:
    """Return what a start would do. `lead` says what comes next."""
    known = view.runs_done if view else 0
    goes_on = f" {known:,} of its {view.runs:,} runs are done and cost nothing more." if view and known else ""
    forced = " RL starts although stage 0 did not pass its gate, and the report says so." if asked.force else ""
    text = f"{TITLES[asked.size]}. {COSTS[asked.size]}{goes_on}{forced}"
    return f"<section><h2>Plan</h2>{render_told(escape(f'{text} {lead}'.strip()))}</section>"


def render_started(size: Size) -> str:
    """Return that one was started, with the way to it."""
    return render_told(
        f'Started the <a href="{link(run=size)}">{TITLES[size].lower()}</a>: watch it, stop it, or close this page.'
    )
