"""The page of judge runs as HTML. Pure functions of plain data; every text of people or models is escaped here.

The page is navigated by ordinary links: `?run=NAME`, `?run=NAME&of=S` for the plots of S, and what
`judge_reading.read_filter` reads for the answers behind a bar. So every bar is reached by Tab and opened by Enter.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any
from urllib.parse import urlencode

from curator_app.actions import report_plots as plots
from curator_app.actions.judge_plans import Choices, JudgePlan
from curator_app.actions.judge_reading import JudgeRunView, PartCount
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import (
    SCROLL,
    render_calls,
    render_checks,
    render_head,
    render_output,
    render_state,
    render_tiles,
    render_told,
    show_time,
    show_usd,
)
from judge.metrics import LETTERS
from judge.report_text import (
    LETTER_NAMES,
    OVER_WARNING,
    RECONSTRUCTED,
    list_over_warning,
    show_mean,
    show_mean_range,
    show_name,
    show_share,
    show_share_range,
)

ROUTE = "/judge-runs"
SHADES = (("score-0", "0"), ("score-1", "½"), ("score-2", "1"), ("score-3", "1½"), ("score-4", "2"))


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-judge")


def render_list(runs: Sequence[JudgeRunView], choices: Choices) -> str:
    """Return the title, what is missing before a run can start, and the list of runs with what compares them."""
    live = sum(run.is_live for run in runs)
    title = f"{len(runs):,} judge {'run' if len(runs) == 1 else 'runs'}." if runs else "No judge run yet."
    more = f"{live:,} running." if live else "None is running." if runs else ""
    head = f'<section><h1 class="cu-say" tabindex="-1">{title} <span>{more}</span></h1>'
    missing = _say_missing(choices)
    if not runs:
        then = "Fill in the form below, look at the plan, and start the first one."
        return f"{head}{render_told(f'{missing} Then f{then[1:]}' if missing else then)}</section>"
    return f"{head}{render_told(missing, kind='bad') if missing else ''}{_render_table(runs)}</section>"


def _say_missing(choices: Choices) -> str:
    said = []
    if not choices.releases:
        said.append('Judges need a release to work on: freeze one on the <a href="/releases">Releases page</a>.')
    if choices.problem:
        said.append(f"The endpoints file cannot be used: {escape(choices.problem)}.")
    elif not choices.endpoints:
        said.append(
            "No models are known yet: write an <code>endpoints.yaml</code> into the workspace with the roles "
            "<code>target</code>, <code>judge_a</code> and <code>judge_b</code>; <code>docs/endpoint-config.md</code> "
            "explains every field."
        )
    return " ".join(said)


def _render_table(runs: Sequence[JudgeRunView]) -> str:
    rows = "".join(map(_render_row, runs))
    compare = (
        '<p class="cu-acts"><button class="cu-btn" data-line>Leaderboard</button> '
        f'<button class="cu-btn" data-line formaction="{ROUTE}/report">Report beside one another</button> '
        '<span class="cu-note">of the runs that are ticked, or of all</span></p>'
    )
    return (
        f'<form method="get" action="{ROUTE}/leaderboard" target="_blank"><div class="cu-scroll">'
        '<table class="cu-table"><thead><tr><td></td><th scope="col">Run</th><th scope="col">State</th>'
        '<th scope="col" class="cu-when">Model</th><th scope="col" class="cu-when">Mode</th>'
        '<th scope="col" class="cu-num">R<sub>A</sub></th><th scope="col" class="cu-num">R<sub>0</sub></th>'
        '<th scope="col" class="cu-num cu-when">Scored</th><th scope="col" class="cu-num cu-when">Cost</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>{compare}</form>"
    )


def _render_row(run: JudgeRunView) -> str:
    name = escape(run.name)
    group = run.report["scores"]["panel"]["all"] if run.report else None
    numbers = (
        (
            show_mean(group["R"]["mean"]),
            show_share(group["R"]["zero_share"]),
            f"{group['scored']} of {group['answers']}",
        )
        if group
        else ("–", "–", "–")
    )
    state = render_state(run.job.state) if run.job else '<span class="cu-off">command line</span>'
    return (
        f'<tr><td><input type="checkbox" name="run" value="{name}" aria-label="Compare {name}"></td>'
        f'<th scope="row" class="cu-wrap"><a href="{link(run=run.name)}">{name}</a></th><td>{state}</td>'
        f'<td class="cu-when cu-wrap">{escape(run.model)}</td><td class="cu-when">{escape(run.mode)}</td>'
        f'<td class="cu-num">{numbers[0]}</td><td class="cu-num">{numbers[1]}</td>'
        f'<td class="cu-num cu-when">{numbers[2]}</td><td class="cu-num cu-when">{escape(run.cost)}</td></tr>'
    )


def render_run_head(run: JudgeRunView) -> str:
    """Return what stands above the buttons of a run: name, state and why, and how far it is."""
    told = run.job.progress if run.job else {}
    calls = f"{told.get('calls', 0):,} calls, {told.get('cached', 0):,} more from the cache" if told else ""
    spent = f"{told.get('tokens', 0):,} tokens; {calls}" if told else "of all sittings"
    tiles = [
        ("Answers", *_show_part(run.answers)),
        ("Judgments", *_show_part(run.judgments)),
        ("Calls a minute", "–" if run.pace is None else f"{run.pace:,.0f}", "in this sitting"),
        ("Cost", run.cost, spent),
    ]
    about = render_about(run)
    if run.job is not None:
        return render_head(run.job, back=(ROUTE, "All judge runs"), tiles=tiles) + about + _render_bars(run)
    how = render_told(
        f"It was started on the command line; there <code>curator score {escape(run.name)}</code> goes on with it."
    )
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All judge runs</a></p><h1 class="cu-say" tabindex="-1">'
        f"{escape(run.name)}</h1>{how}{render_tiles(tiles)}</section>{about}"
    )


def render_about(run: JudgeRunView) -> str:
    """Return which model, mode and release a run is of."""
    return (
        f'<p class="cu-meta-line">{escape(run.model)} · mode {escape(run.mode)} · release {escape(run.release)} · '
        f"begun {show_time(run.begun)} UTC</p>"
    )


def _show_part(part: PartCount | None) -> tuple[str, str]:
    if part is None:
        return "–", "nothing reported yet"
    rest = ", ".join(
        f"{count:,} {state.replace('_', ' ')}"
        for state, count in sorted(part.counts.items())
        if state not in ("answered", "scored")
    )
    return f"{part.counts.get('answered', 0) + part.counts.get('scored', 0):,}", f"of {part.asked:,}" + (
        f"; {rest}" if rest else ""
    )


def _render_bars(run: JudgeRunView) -> str:
    """Return the bars of a run that has not ended."""
    if not run.is_live:
        return ""
    rows = "".join(
        f'<div class="cu-bar-row"><span>{name}</span><span class="cu-track" role="img" '
        f'aria-label="{name}: {part.done:,} of {part.asked:,}"><i style="width:{100 * part.done / part.asked:.1f}%">'
        f'</i></span><span class="cu-num">{part.done:,} of {part.asked:,}</span></div>'
        for name, part in (("Answers", run.answers), ("Judgments", run.judgments))
        if part is not None and part.asked
    )
    return f'<section><div class="cu-bars">{rows}</div></section>' if rows else ""


def render_run_body(run: JudgeRunView, *, letter: str, titles: Mapping[str, str]) -> str:
    """Return what stands below the buttons of a run: results by `letter`, and what its process printed."""
    output = render_output(run.output)
    log = f"<section><h2>Log</h2>{output}</section>" if output else ""
    if run.report is None:
        then = (
            "The numbers come when all answers are scored."
            if run.is_live
            else "There is no report with scores yet, so there are no numbers. Resume goes on with it."
            if run.job is not None
            else f"There is no report with scores yet; <code>curator score {escape(run.name)}</code> writes it."
        )
        return f"<section>{render_told(then)}</section>{log}"
    old = render_told("The numbers are those of the last sitting that ended.") if run.is_live else ""
    return (
        f"{old}{_render_results(run, run.report)}{_render_categories(run, run.report, letter, titles)}"
        f"{_render_spread(run, run.report)}{_render_twins(run.report)}{_render_coverage(run, run.report)}{log}"
    )


def _render_results(run: JudgeRunView, report: Mapping[str, Any]) -> str:
    models = {judge["role"]: judge["model"] for judge in report["judges"]}
    rows = "".join(
        f'<tr><th scope="row" class="cu-wrap">{escape(models.get(role, "Panel"))}</th>'
        f"{''.join(_render_cells(scores['all'], letter) for letter in LETTERS)}"
        f'<td class="cu-num">{scores["all"]["scored"]:,} of {scores["all"]["answers"]:,}</td></tr>'
        for role, scores in report["scores"].items()
    )
    heads = "".join(
        f'<th scope="col" class="cu-num">{letter}<sub>{kind}</sub> {better}</th>'
        for letter in LETTERS
        for kind, better in (("A", "↑"), ("0", "↓"))
    )
    group = report["scores"]["panel"]["all"]
    left = group["answers"] - group["scored"]
    bounds = (
        f"{left:,} of {group['answers']:,} answers have no score by every judge and count nowhere. Whatever they had, "
        f"R<sub>A</sub> lies within {show_mean_range(group['R']['mean_bounds'])} and R<sub>0</sub> within "
        f"{show_share_range(group['R']['zero_share_bounds'])}."
        if left
        else "Every answer is scored by every judge."
    )
    name = urlencode({"run": run.name})
    return (
        '<section><div class="cu-sec-head"><h2>Scores</h2>'
        f'<p><a href="{ROUTE}/report?{escape(name)}" target="_blank">Whole report</a></p></div>'
        f'{SCROLL}<table class="cu-table cu-figures"><thead><tr><th scope="col">Scored by</th>'
        f'{heads}<th scope="col" class="cu-num">Scored</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="cu-note">{bounds} {escape(RECONSTRUCTED)} Intervals are 95%.</p></section>'
    )


def _render_cells(group: Mapping[str, Any], letter: str) -> str:
    score = group[letter]
    return "".join(
        f'<td class="cu-num">{value}<small>{ends}</small></td>'
        for value, ends in (
            (show_mean(score["mean"]), show_mean_range(score["mean_interval"])),
            (show_share(score["zero_share"]), show_share_range(score["zero_share_wilson"])),
        )
    )


def _render_categories(run: JudgeRunView, report: Mapping[str, Any], letter: str, titles: Mapping[str, str]) -> str:
    tabs = " ".join(
        f'<a href="{link(run=run.name, of=each)}"{" aria-current=true" if each == letter else ""}>'
        f"{each} · {LETTER_NAMES[each]}</a>"
        for each in LETTERS
    )
    panel = report["scores"]["panel"]
    groups = [("", "All", panel["all"])]
    groups += [(slug, titles.get(slug) or show_name(slug), group) for slug, group in panel["categories"].items()]
    mean = _render_plot(run, letter, plots.MEAN, groups)
    zero = _render_plot(run, letter, plots.ZERO, groups)
    return (
        f'<section><h2>By category</h2><p class="cu-tabs">{tabs}</p><div class="cu-sides"><div>'
        f"<h3>Mean, {letter}<sub>A</sub>: 0 to 2, higher is better</h3>{mean}</div><div>"
        f"<h3>Zeros, {letter}<sub>0</sub>: lower is better</h3>{zero}</div></div>"
        '<p class="cu-note">Whiskers are 95% intervals. A bar opens its answers; a bar of zeros opens those with a '
        "zero.</p></section>"
    )


def _render_plot(
    run: JudgeRunView, letter: str, measure: plots.Measure, groups: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> str:
    rows = []
    for slug, name, group in groups:
        dot = plots.make_dot(dict(group), letter, measure, name=name, series=1)
        query = {"run": run.name, "list": "1", "category": slug}
        if measure is plots.ZERO:
            query |= {"letter": letter, "score": "0"}
        told = f"{name}: {letter} {dot.value}, 95% interval {dot.interval or 'unknown'}, {dot.of}; open the answers"
        fill = "" if dot.at is None else f'<i class="cu-fill" style="width:{dot.at}%"></i>'
        if dot.low is not None and dot.high is not None:
            fill += f'<i class="cu-whisker" style="left:{dot.low}%;width:{dot.high - dot.low:.2f}%"></i>'
        address = link(**{key: value for key, value in query.items() if value})
        rows.append(
            f'<a class="cu-plot-row" href="{address}" aria-label="{escape(told)}"><span>{escape(name)}</span>'
            f'<span class="cu-plot-track">{fill}</span><b class="cu-num">{dot.value}</b>'
            f'<small class="cu-num">{dot.interval}</small></a>'
        )
    return f'<div class="cu-plot">{"".join(rows)}</div>'


def _render_spread(run: JudgeRunView, report: Mapping[str, Any]) -> str:
    legend = "".join(f'<span><i data-shade="{shade}"></i>{name}</span>' for shade, name in SHADES)
    bars = "".join(_render_stack(run, letter, plots.bar_scores(dict(report), letter, name="")) for letter in LETTERS)
    return (
        f'<section><h2>How the scores are spread</h2><p class="cu-legend">{legend}</p>'
        f'<div class="cu-stacks">{bars}</div><p class="cu-note">Per cent of the scored answers; a half is the mean of '
        "judges, or of repeats, that differ. A piece opens its answers.</p></section>"
    )


def _render_stack(run: JudgeRunView, letter: str, bar: plots.Bar) -> str:
    pieces = "".join(
        _render_piece(
            piece,
            link(run=run.name, letter=letter, score=f"{int(piece.shade.removeprefix('score-')) / 2:g}"),
            f"{LETTER_NAMES[letter]} {piece.name}: {piece.count:,} of {bar.total:,} answers; open them",
        )
        for piece in bar.pieces
    )
    name = f"{letter} · {LETTER_NAMES[letter]}"
    return f'<div class="cu-stack-row"><span>{name}</span><span class="cu-shades">{pieces}</span></div>'


def _render_piece(piece: plots.Piece, address: str, told: str) -> str:
    shown = f"{100 * piece.share:.0f}" if piece.share >= 0.07 else ""
    return (
        f'<a data-shade="{piece.shade}" style="flex-grow:{piece.share:.5f}" title="{escape(told)}" href="{address}" '
        f'aria-label="{escape(told)}">{shown}</a>'
    )


def _render_twins(report: Mapping[str, Any]) -> str:
    """Return how often the model warns where the hazard is absent; nothing of a run that did not ask."""
    found = list_over_warning(dict(report))
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(what.capitalize())}</th><td class="cu-num">{share}<small>{ends}</small></td>'
        f'<td class="cu-num">{escape(of)}</td></tr>'
        for what, share, ends, of in found
    )
    bar = plots.bar_states(dict(report["twin_answers"]["states"]), name="")
    words = ", ".join(f"{piece.count:,} {piece.name}" for piece in bar.pieces)
    return (
        f'<section><h2>Over-warning</h2>{SCROLL}<table class="cu-table cu-figures"><thead><tr><td></td>'
        f'<th scope="col" class="cu-num">Share</th><th scope="col" class="cu-num">Of</th></tr></thead><tbody>{rows}'
        f'</tbody></table></div><p class="cu-note">{escape(OVER_WARNING)} Of the answers to twins: {escape(words)}.</p>'
        "</section>"
    )


def _render_coverage(run: JudgeRunView, report: Mapping[str, Any]) -> str:
    slugs = {words: state for state, (words, _) in plots.STATES.items()}
    bars: list[tuple[str, dict[str, str], str, Mapping[str, int]]] = [
        ("Answers", {}, "answer", report["answers"]["states"])
    ]
    bars += [
        (f"Judgments, {judge['model']}", {"judge": judge["role"]}, "judged", judge["states"])
        for judge in report["judges"]
    ]
    rows = ""
    for name, query, key, states in bars:
        bar = plots.bar_states(dict(states), name=name)
        pieces = "".join(
            _render_piece(
                piece,
                link(run=run.name, **query, **{key: slugs[piece.name]}),
                f"{name}, {piece.name}: {piece.count:,} of {bar.total:,}; open the answers",
            )
            for piece in bar.pieces
        )
        words = ", ".join(f"{piece.count:,} {piece.name}" for piece in bar.pieces)
        rows += (
            f'<div class="cu-stack-row"><span>{escape(name)}<small>{escape(words)}</small></span>'
            f'<span class="cu-shades">{pieces}</span></div>'
        )
    why = {**report["answers"]["why"], **report["why_unscored"]}
    kinds = "".join(
        f'<tr><th scope="row">{escape(kind.replace("_", " "))}</th><td class="cu-num">{count:,}</td></tr>'
        for kind, count in why.items()
    )
    table = (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Why something is missing</th>'
        f'<th scope="col" class="cu-num">Number</th></tr></thead><tbody>{kinds}</tbody></table></div>'
        if kinds
        else ""
    )
    return f'<section><h2>Coverage</h2><div class="cu-stacks">{rows}</div>{table}</section>'


def render_plan(planned: JudgePlan, *, lead: str = "") -> str:
    """Return the plan of judge runs: calls, cost at most, and whether each endpoint works."""
    plan = planned.plan
    runs = f"{len(planned.requests):,} {'run' if len(planned.requests) == 1 else 'runs'}"
    said = f"{runs}, {plan.calls:,} calls when all goes well, {plan.at_most:,} at most."
    if planned.twins:
        said += f" {planned.twins:,} {'twin is' if planned.twins == 1 else 'twins are'} asked about, too."
    lacking = "".join(
        f" {count:,} items are not asked in {escape(run)}: they lack what its mode needs."
        for run, count in planned.not_asked
    )
    told = render_told(f"{said}{lacking} Cost at most: {show_usd(plan.usd_at_most)}. {escape(lead)}")
    return f"<section><h2>Plan</h2>{told}{render_calls(plan.lines)}{render_checks(planned.checks)}</section>"


def render_started(names: Sequence[str]) -> str:
    """Return that runs were started, with the ways to them."""
    links = ", ".join(f'<a href="{link(run=name)}">{escape(name)}</a>' for name in names)
    return render_told(f"Started {links}: watch, stop, or close this page.")
