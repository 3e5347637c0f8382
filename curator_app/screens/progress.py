"""The progress page: your own share, the whole, and for maintainers who did how much."""

from datetime import datetime
from html import escape
from typing import Any

import gradio as gr

from curator_app.actions.progress import read_people, read_progress
from curator_app.screens.asking import PersonOf, plain_errors
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.progress import PersonProgress
from storage.records import TaskKind


def build_progress_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Everybody signed in may see it."""
    gr.HTML(page_bar("progress"), padding=False, apply_default_css=False, js_on_load=None)
    view = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)

    def show_progress(request: gr.Request) -> str:
        person = person_of(request)
        with plain_errors():
            return render_progress(_read_kinds(workspace, person), read_people(workspace, person=person))

    pages.load(show_progress, None, view, queue=False, show_progress="hidden", api_name="progress_show")


def _read_kinds(workspace: Workspace, person: Person) -> dict[TaskKind, dict[str, Any]]:
    kinds = [TaskKind.SCENARIO_REVIEW]
    if person.has(Role.ADJUDICATOR):
        kinds.append(TaskKind.ADJUDICATION)
    return {kind: read_progress(workspace, person=person, kind=kind) for kind in kinds}


def render_progress(by_kind: dict[TaskKind, dict[str, Any]], people: list[PersonProgress]) -> str:
    """Return the page as HTML; every text is escaped."""
    parts = [
        _render_kind(kind, numbers)
        for kind, numbers in by_kind.items()
        if kind is TaskKind.SCENARIO_REVIEW or numbers["total"]["items"]
    ]
    return f'<main class="cu cu-flow">{"".join(parts)}{_render_people(people)}</main>'


def _render_kind(kind: TaskKind, numbers: dict[str, Any]) -> str:
    own, total = numbers["own"], numbers["total"]
    open_reviews = max(0, total["needed"] - total["submitted"])
    if kind is TaskKind.SCENARIO_REVIEW:
        title = f"{total['submitted']:,} of {total['needed']:,} reviews are in."
        heading = f'<h1 class="cu-say">{title} <span>{_to_go(open_reviews)}</span></h1>'
        items, verb = "scenarios", "decided"
    else:
        title = f"{total['items_decided']:,} of {total['items']:,} differences are settled."
        heading = f'<h2 class="cu-say">{title} <span>{_to_go(total["items"] - total["items_decided"])}</span></h2>'
        items, verb = "differences", "settled"
    bars = _bar("Reviews", total["submitted"], total["needed"]) if kind is TaskKind.SCENARIO_REVIEW else ""
    bars += _bar(items.capitalize(), total["items_decided"], total["items"], verb)
    rate = "–" if own["per_hour"] is None else f"{own['per_hour']:g}"
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
