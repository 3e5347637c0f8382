"""The page of constitutions as HTML. Pure functions of plain data; every text that people wrote is escaped here.

It is navigated by ordinary links: `?category=self_harm`, with `&version=2` or `&before=1&after=2`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape

from curator_app.actions.constitutions import History, Version
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.item_view import render_diff
from curator_app.screens.job_view import render_told, show_time

ROUTE = "/constitutions"
_WRAPPED = re.compile(r"(?<=[^\n])\n(?!(?:</?(?:del|ins)>)*\s*(?:[-*#\n]|\d+\.|$)) *")
"""The end of a line within a paragraph or an entry of a list, in HTML."""


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-training")


def render_list(histories: Sequence[History], titles: Mapping[str, str], *, edits: bool) -> str:
    """Return all constitutions. `edits` says whether the person may change them."""
    own = sum(history.current.number > 0 for history in histories)
    more = f"{own} of them edited here." if own else "As the package brings them."
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(category=history.category.value)}">'
        f"{escape(titles[history.category.value])}</a></th>"
        f"<td>{_name(history.current)}</td>"
        f'<td class="cu-num">{len(history.current.constitution.text.split()):,}</td>'
        f'<td class="cu-when">{escape(_author(history.current))}</td>'
        f'<td class="cu-num cu-when">{show_time(history.current.at)}</td></tr>'
        for history in histories
    )
    how = "Open one to edit it." if edits else "Maintainers edit them."
    return (
        f'<section><h1 class="cu-say" tabindex="-1">{len(histories)} constitutions. <span>{more}</span></h1>'
        + render_told(
            "A constitution is the safety policy of one category. It is put before a query as the system turn: in "
            "Constitution mode of judge runs, and for whoever scores the tokens in CASPO. Training data is prepared "
            f"with the versions that are in use at that moment, and pinned to their hashes. {how}"
        )
        + '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Category</th>'
        '<th scope="col">In use</th><th scope="col" class="cu-num">Words</th><th scope="col" class="cu-when">By</th>'
        '<th scope="col" class="cu-num cu-when">Since, UTC</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def render_one(history: History, titles: Mapping[str, str], shown: Version) -> str:
    """Return one constitution: the version `shown`, and against the one in use where that is another."""
    title = escape(titles[history.category.value])
    current = history.current
    if shown.number == current.number:
        told, note = f"{_name(current)} is in use.", ""
    else:
        told = f"{_name(shown)}, an older one."
        note = f'<p class="cu-note">Marked is what differs from {_name(current).lower()}, which is in use.</p>'
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All constitutions</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{title} <span>{told}</span></h1>{note}'
        f"{_render_policy(current, shown.constitution.text)}"
        f'<p class="cu-note">SHA-256 <code>{shown.constitution.sha256}</code>, of category, version and text.</p>'
        f"</section>{_render_versions(history)}"
    )


def _render_versions(history: History) -> str:
    slug, newest = history.category.value, history.current.number
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(category=slug, version=version.number)}">{_name(version)}</a></th>'
        f'<td class="cu-num">{show_time(version.at)}</td><td>{escape(_author(version))}</td>'
        f'<td class="cu-wrap">{escape(version.reason) or "–"}</td>'
        f"<td>{_link_change(slug, version)}</td></tr>"
        for version in reversed(history.versions)
    )
    only = "" if newest else '<p class="cu-note">Nobody has changed it yet.</p>'
    return (
        '<section><h2>Versions</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">Version</th><th scope="col" class="cu-num">When, UTC</th><th scope="col">By</th>'
        '<th scope="col">Reason</th>'
        f'<th scope="col">Change</th></tr></thead><tbody>{rows}</tbody></table></div>{only}</section>'
    )


def _link_change(slug: str, version: Version) -> str:
    if not version.number:
        return "–"
    address = link(category=slug, before=version.number - 1, after=version.number)
    return f'<a href="{address}">What changed</a>'


def render_change(history: History, titles: Mapping[str, str], before: Version, after: Version) -> str:
    """Return the difference between two versions, word by word."""
    slug = history.category.value
    said = (
        f'<p class="cu-note">{escape(_author(after))}, {show_time(after.at)}: {escape(after.reason)}</p>'
        if after.number
        else ""
    )
    return (
        f'<section><p class="cu-back"><a href="{link(category=slug)}">{escape(titles[slug])}</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{escape(titles[slug])} <span>{_name(before)} to '
        f"{_name(after).lower()}.</span></h1>{said}{_render_policy(before, after.constitution.text)}</section>"
    )


def render_preview(current: Version, text: str) -> str:
    """Return what would change if `text` were saved."""
    if text == current.constitution.text:
        return render_told("This is the text that is in use.")
    return f"<section><h2>What would change</h2>{_render_policy(current, text)}</section>"


def _render_policy(before: Version, text: str) -> str:
    """Return a text with what differs from `before` marked; its lines break where the page ends, not as typed."""
    return f'<div class="cu-policy">{_WRAPPED.sub(" ", render_diff(before.constitution.text, text))}</div>'


def render_saved(history: History, saved: Version) -> str:
    """Return that a version was saved, with the way to what changed."""
    slug = history.category.value
    return render_told(
        f"Saved as {_name(saved).lower()}, and in use from now on. {_link_change(slug, saved)}. Training data that was "
        "prepared before keeps the version that it has."
    )


def say_back(version: Version) -> str:
    """Return the reason that is offered for going back to a version."""
    return f"Back to version {version.number}" if version.number else "Back to the package’s text"


def _name(version: Version) -> str:
    if version.number:
        return f"Version {version.number}"
    return f"The package’s {escape(version.constitution.version)}"


def _author(version: Version) -> str:
    return version.author.removeprefix("user:") or "the package"
