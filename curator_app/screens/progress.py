"""The progress page: your own share, the whole, and for maintainers who did how much."""

from datetime import datetime
from html import escape
from typing import Any

import gradio as gr

from curator_app.actions.leak_checks import LeakRates
from curator_app.actions.progress import Overview, read_overview, read_people, read_progress, resolve_flag
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import InvalidRecord
from storage.flags import Flag
from storage.intervals import Share
from storage.progress import CategoryProgress, FlawProgress, PersonProgress
from storage.records import TaskKind
from storage.studies import StudyProgress


def build_progress_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Everybody signed in may see it."""
    gr.HTML(page_bar("progress"), padding=False, apply_default_css=False, js_on_load=None)
    view = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    with gr.Row(visible=False, elem_classes="cu-forms cu-flag-form") as form:
        chosen = gr.Dropdown(label="Flag", choices=[], interactive=True)
        button = gr.Button("Mark as resolved")

    def show(person: Person) -> tuple[str, Any, Any]:
        overview = read_overview(workspace, person=person)
        people = read_people(workspace, person=person)
        html = render_progress(_read_kinds(workspace, person), people, overview, workspace.titles)
        flags = overview.flags if overview else []
        choices = [(f"{flag.label}, {flag.by}: {flag.note[:60] or 'no note'}", flag.id) for flag in flags]
        return html, gr.update(visible=bool(choices)), gr.update(choices=choices, value=None)

    def show_progress(request: gr.Request) -> tuple[str, Any, Any]:
        with plain_errors():
            return show(person_of(request))

    def resolve(flag_id: int | None, request: gr.Request) -> tuple[str, Any, Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        with plain_errors():
            if flag_id is None:
                raise InvalidRecord("no flag is chosen; choose one first")
            resolve_flag(workspace, person=person, flag_id=int(flag_id))
            return show(person)

    outputs = [view, form, chosen]
    pages.load(show_progress, None, outputs, queue=False, show_progress="hidden", api_name="progress_show")
    button.click(resolve, chosen, outputs, queue=False, show_progress="hidden", api_name="progress_resolve_flag")


def _read_kinds(workspace: Workspace, person: Person) -> dict[TaskKind, dict[str, Any]]:
    kinds = [TaskKind.SCENARIO_REVIEW, TaskKind.LEAKAGE_CHECK]
    if person.has(Role.ADJUDICATOR):
        kinds += [TaskKind.ADJUDICATION, TaskKind.LEAKAGE_ADJUDICATION]
    by_kind = {kind: read_progress(workspace, person=person, kind=kind) for kind in kinds}
    if not person.has(Role.ANNOTATOR):  # who does not review has no share
        by_kind[TaskKind.SCENARIO_REVIEW]["own"] = by_kind[TaskKind.LEAKAGE_CHECK]["own"] = None
    return by_kind


def render_progress(
    by_kind: dict[TaskKind, dict[str, Any]],
    people: list[PersonProgress],
    overview: Overview | None,
    titles: dict[str, str],
) -> str:
    """Return the page as HTML; every text is escaped."""
    parts = [
        _render_kind(kind, numbers)
        for kind, numbers in by_kind.items()
        if kind is TaskKind.SCENARIO_REVIEW or numbers["total"]["items"]
    ]
    if overview is not None:
        parts.append(_render_categories(overview.categories, titles) + _render_flaws(overview.flaws))
        parts.append(_render_leaks(overview.leaks))
        parts.append(_render_failures(overview.failures))
    parts.append(_render_people(people))
    if overview is not None:
        parts.append(_render_flags(overview.flags))
    return f'<main class="cu cu-flow">{"".join(parts)}</main>'


def _render_categories(categories: list[CategoryProgress], titles: dict[str, str]) -> str:
    if not categories:
        return ""
    most = max(row.approved + row.rejected + row.waiting for row in categories) or 1
    lines = []
    for row in categories:
        parts = (("approved", row.approved), ("rejected", row.rejected), ("waiting", row.waiting))
        pieces = "".join(
            f'<i data-part="{name}" style="width:{100 * count / most:.1f}%"></i>' for name, count in parts if count
        )
        title = titles.get(row.category, row.category)
        text = f"{title}: {row.approved} approved, {row.rejected} rejected, {row.waiting} waiting"
        lines.append(
            f'<div class="cu-bar-row"><span>{escape(title)}</span>'
            f'<span class="cu-track cu-stack" role="img" aria-label="{escape(text)}">{pieces}</span>'
            f'<span class="cu-num"><b>{row.approved}</b> / {row.rejected} / {row.waiting}</span></div>'
        )
    legend = "".join(
        f'<span><i data-part="{name.lower()}"></i>{name}</span>' for name in ("Approved", "Rejected", "Waiting")
    )
    return (
        f'<section><h2>By category</h2><p class="cu-legend">{legend}</p>'
        f'<div class="cu-bars">{"".join(lines)}</div></section>'
    )


def _render_flaws(flaws: FlawProgress) -> str:
    if not flaws.flawed + flaws.sound:
        return ""
    return (
        '<section><h2>Planted flaws</h2><dl class="cu-tiles">'
        f'<div><dt>Caught</dt><dd class="cu-num">{flaws.caught} of {flaws.flawed}</dd>'
        '<dd class="cu-note">flawed on purpose, and settled</dd></div>'
        f'<div><dt>Rejected though sound</dt><dd class="cu-num">{flaws.sound_rejected} of {flaws.sound}</dd>'
        '<dd class="cu-note">nothing was planted in these</dd></div></dl></section>'
    )


def _render_leaks(leaks: LeakRates) -> str:
    """The rate of right guesses from the words alone, and under it who found leaks in the same wordings."""
    if not leaks.all.of:
        return ""
    tiles = "".join(
        f'<div><dt>{name}</dt><dd class="cu-num">{_percent(share)}</dd>'
        f'<dd class="cu-note">{share.hits:,} of {share.of:,} answers{_between(share)}; '
        f"{partly:,} partly right</dd></div>"
        for name, share, partly in (
            ("Present wordings", leaks.present, leaks.present_partly),
            ("All wordings checked", leaks.all, leaks.all_partly),
        )
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="cu-num">{share.hits:,} of {share.of:,}</td>'
        f'<td class="cu-num">{_percent(share)}</td><td class="cu-num">{_between(share, start="")}</td></tr>'
        for name, share in leaks.finders
    )
    return (
        f'<section><h2>Hazard named from the words alone</h2><dl class="cu-tiles">{tiles}</dl>'
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Leak found by</th>'
        '<th scope="col" class="cu-num">Wordings</th><th scope="col" class="cu-num">Share</th>'
        f'<th scope="col" class="cu-num">95% interval</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _render_failures(found: list[StudyProgress]) -> str:
    """Studies of how answers fail, and their maps once they are closed."""
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(study.name)}</th><td>{escape(study.run)}</td><td>{study.state}</td>'
        f'<td class="cu-num">{study.submitted:,} of {study.needed:,}</td>'
        f'<td class="cu-num">{study.agreed:,} of {study.answers:,}</td><td>{_link_map(study)}</td></tr>'
        for study in found
    )
    closed = sum(study.state == "closed" for study in found)
    whole = '<p><a class="cu-btn" data-line href="/failures/map">One map of all closed studies</a></p>'
    whole = whole if closed > 1 else ""
    return (
        '<section><h2>How answers fail</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">Study</th><th scope="col">Judge run</th><th scope="col">State</th>'
        '<th scope="col" class="cu-num">Labels sent</th><th scope="col" class="cu-num">Answers finished</th>'
        f'<th scope="col">Failure map</th></tr></thead><tbody>{rows}</tbody></table></div>{whole}</section>'
    )


def _link_map(study: StudyProgress) -> str:
    if study.state != "closed":
        return '<span class="cu-off">once it is closed</span>'
    name = escape(study.name)
    return (
        f'<a class="cu-btn cu-btn-s" data-line href="/failures/map/{name}">Show<span class="cu-sr"> {name}</span></a>'
    )


def _percent(share: Share) -> str:
    return "–" if share.rate is None else f"{share.rate:.1%}"


def _between(share: Share, *, start: str = ", 95% interval ") -> str:
    if share.interval is None:
        return ""
    low, high = share.interval
    return f"{start}{100 * low:.1f} to {100 * high:.1f}%"


def _render_flags(flags: list[Flag]) -> str:
    if not flags:
        return '<section><h2>Flags</h2><p class="cu-off">Nobody is asking for your eyes.</p></section>'
    rows = "".join(
        f'<tr><th scope="row" class="cu-num"><a href="/items?item={escape(flag.label)}">{escape(flag.label)}</a></th>'
        f'<td class="cu-wrap">{escape(flag.query)}</td>'
        f'<td class="cu-wrap">{escape(flag.note) or "–"}</td><td>{escape(flag.by)}</td>'
        f'<td class="cu-num">{_time(flag.created_at)}</td></tr>'
        for flag in flags
    )
    return (
        '<section><h2>Flags</h2><div class="cu-scroll"><table class="cu-table cu-blocks"><thead><tr>'
        '<th scope="col">Item</th><th scope="col">Query</th><th scope="col">Note</th><th scope="col">By</th>'
        f'<th scope="col" class="cu-num">At, UTC</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _render_kind(kind: TaskKind, numbers: dict[str, Any]) -> str:
    own, total = numbers["own"], numbers["total"]
    open_reviews = max(0, total["needed"] - total["submitted"])
    if kind is TaskKind.SCENARIO_REVIEW:
        title = f"{total['submitted']:,} of {total['needed']:,} reviews are in."
        heading = f'<h1 class="cu-say">{title} <span>{_to_go(open_reviews)}</span></h1>'
        items, verb = "scenarios", "reviewed"
    elif kind is TaskKind.LEAKAGE_CHECK:
        title = f"{total['submitted']:,} of {total['needed']:,} leakage checks are in."
        heading = f'<h2 class="cu-say">{title} <span>{_to_go(open_reviews)}</span></h2>'
        items, verb = "scenarios", "checked"
    else:
        between = "between reviewers" if kind is TaskKind.ADJUDICATION else "in leakage checks"
        title = f"{total['items_decided']:,} of {total['items']:,} differences {between} are settled."
        heading = f'<h2 class="cu-say">{title} <span>{_to_go(total["items"] - total["items_decided"])}</span></h2>'
        items, verb = "differences", "settled"
    answers = {TaskKind.SCENARIO_REVIEW: "Reviews", TaskKind.LEAKAGE_CHECK: "Checks"}.get(kind)
    bars = _bar(answers, total["submitted"], total["needed"]) if answers else ""
    bars += _bar(items.capitalize(), total["items_decided"], total["items"], verb)
    if own is None:
        return f'<section>{heading}<div class="cu-bars">{bars}</div></section>'
    rate = "–" if own["per_hour"] is None else f"{own['per_hour']:,.0f}"
    tiles = [
        ("Yours today", f"{own['today']:,}", "since midnight UTC"),
        ("Yours in all", f"{own['submitted']:,}", "undone ones left out"),
        ("Per hour", rate, "over your last thirty, breaks left out"),
        ("Left for you", f"{own['left']:,}", f"and {own['skipped']:,} skipped"),
    ]
    tiles_html = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="cu-num">{escape(value)}</dd>'
        f'<dd class="cu-note">{escape(note)}</dd></div>'
        for name, value, note in tiles
    )
    return f'<section>{heading}<div class="cu-bars">{bars}</div><dl class="cu-tiles">{tiles_html}</dl></section>'


def _to_go(count: int) -> str:
    return f"{count:,} to go." if count else "Nothing is left."


def _bar(name: str, done: int, needed: int, verb: str = "in") -> str:
    percent = round(100 * done / needed, 1) if needed else 0.0
    label = f"{name}: {done:,} of {needed:,} {verb}"
    return (
        f'<div class="cu-bar-row"><span>{escape(name)}</span>'
        f'<span class="cu-track" role="img" aria-label="{escape(label)}"><i style="width:{percent}%"></i></span>'
        f'<span class="cu-num">{done:,} of {needed:,}</span></div>'
    )


def _render_people(people: list[PersonProgress]) -> str:
    if not people:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(person.name)}</th><td class="cu-num">{person.submitted:,}</td>'
        f'<td class="cu-num">{_seconds(person.seconds_mean)}</td><td class="cu-num">{_time(person.last_at)}</td></tr>'
        for person in people
    )
    return (
        '<section><h2>Who has reviewed</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">Person</th><th scope="col" class="cu-num">Reviews</th>'
        '<th scope="col" class="cu-num">Mean time</th>'
        f'<th scope="col" class="cu-num">Last, UTC</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _seconds(mean: float | None) -> str:
    return "–" if mean is None else f"{mean:.0f} s"


def _time(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
