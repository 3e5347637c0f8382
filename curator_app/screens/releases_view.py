"""The releases page as HTML. Pure functions of plain data; every text that people wrote is escaped here.

The page is navigated by ordinary links: `?release=v1.0&page=2`, `?verify=v1.0`, `?before=v1.0&after=v1.1`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from curator_app.actions.releases import ContentsPage, QuotaLine, ReleaseLine
from curator_app.screens.frame import make_link, wrap_page
from storage.release_files import ItemChange, ReleaseDiff, VerifyReport
from storage.release_rows import ReleasedItem

LEGEND = (
    ("cu-sw-released", "Released"),
    ("cu-sw-waiting", "Approved, not yet released"),
    ("cu-sw-open", "Still missing"),
)


link = partial(make_link, "/releases")
render_page = partial(wrap_page, "cu-releases")


def render_quota(lines: Sequence[QuotaLine], *, twins: int = 0) -> str:
    """Return the title line, and a bar per category and sub-category against the quota.

    `twins` is how many wait for a look; a release leaves them out.
    """
    filled, quota = sum(line.filled for line in lines), sum(line.quota for line in lines)
    waiting = sum(line.approved - line.released for line in lines)
    left = f"{quota - filled:,} to go." if filled < quota else "Every sub-category is full."
    legend = "".join(f'<span><i class="{name}"></i>{text}</span>' for name, text in LEGEND)
    return (
        '<div class="cu-title">'
        f'<h1 class="cu-hero" tabindex="-1">{filled:,} of {quota:,} places in the quota are filled. '
        f"<em>{left}</em></h1>"
        f'<span class="cu-s cu-quiet">{waiting:,} approved and not yet released{_render_twins(twins)}</span></div>'
        '<section aria-labelledby="cu-quota"><div class="cu-sec-head">'
        f'<h2 class="cu-label" id="cu-quota">Benchmark quota</h2><div class="cu-legend">{legend}</div></div>'
        f'<div class="cu-quota">{"".join(map(_render_category, lines))}</div></section>'
    )


def _render_twins(twins: int) -> str:
    if not twins:
        return ""
    told = "1 twin waits" if twins == 1 else f"{twins:,} twins wait"
    return f'. <a href="/items?twin=next">{told} for a look</a>; until then a release leaves them out'


def _render_category(line: QuotaLine) -> str:
    parts = "".join(f"<li>{_render_bar(part)}</li>" for part in line.parts)
    return f'<div class="cu-quota-part"><h3>{_render_bar(line)}</h3><ul>{parts}</ul></div>'


def _render_bar(line: QuotaLine) -> str:
    scale = max(line.quota, line.approved, 1)
    released, approved = (f"{100 * number / scale:.1f}%" for number in (line.released, line.approved))
    mark = f'<rect x="{100 * line.quota / scale:.1f}%" y="6" width="2" height="16" class="cu-quota-mark"/>'
    text = f"{line.title}: {line.approved} approved, {line.released} of them released, quota {line.quota}."
    return (
        f'<span class="cu-quota-name">{escape(line.title)}</span>'
        f'<svg role="img" aria-label="{escape(text)}"><rect width="100%" y="9" height="10" rx="3" class="cu-sw-open"/>'
        f'<rect width="{approved}" y="9" height="10" rx="3" class="cu-sw-waiting"/>'
        f'<rect width="{released}" y="9" height="10" rx="3" class="cu-sw-released"/>'
        f"{mark if line.approved > line.quota else ''}</svg>"
        f'<span class="cu-quota-count" aria-hidden="true"><b>{line.approved:,}</b> / {line.quota:,}</span>'
    )


def render_list(lines: Sequence[ReleaseLine]) -> str:
    """Return the list of releases with their links, and the form that compares two of them."""
    if not lines:
        return (
            '<section><div class="cu-sec-head"><h2 class="cu-label">Releases</h2></div><p class="cu-quiet">'
            "There is no release yet. The first one takes everything that is approved.</p></section>"
        )
    rows = "".join(map(_render_release, lines))
    return (
        '<section aria-labelledby="cu-list"><div class="cu-sec-head">'
        f'<h2 class="cu-label" id="cu-list">Releases</h2></div><ul class="cu-list">{rows}</ul>'
        f"{_render_chooser(lines) if len(lines) > 1 else ''}</section>"
    )


def _render_release(line: ReleaseLine) -> str:
    version = escape(line.version)
    about = f"{_count(line.items, 'item')}, {line.created_at:%d %b %Y}, {line.author}"
    acts = (
        ("Contents", link(release=line.version), ""),
        ("Verify", link(verify=line.version), ""),
        ("Download", f"/releases/download/{version}", " download"),
    )
    links = "".join(
        f'<a class="cu-btn" data-line href="{address}"{more}>{text}<span class="cu-sr"> {version}</span></a>'
        for text, address, more in acts
    )
    return (
        f'<li><div class="cu-list-head"><b class="cu-version">{version}</b>{_render_split(line.split)}'
        f'<span class="cu-s cu-quiet">{escape(about)}</span></div>{_render_notes(line)}'
        f'{_render_digest(line.digest)}<div class="cu-list-acts">{links}</div></li>'
    )


def _render_notes(line: ReleaseLine) -> str:
    return f'<p class="cu-list-notes">{escape(line.notes)}</p>' if line.notes else ""


def _render_digest(digest: str) -> str:
    return f'<p class="cu-digest"><span>Digest</span> {escape(digest)}</p>'


def _render_title(text: str, more: str = "") -> str:
    return f'{_render_back()}<div class="cu-title"><h1 class="cu-hero" tabindex="-1">{text}</h1>{more}</div>'


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _render_split(split: str) -> str:
    return f'<span class="cu-cat cu-split">{escape(split.replace("_", " "))}</span>'


def _render_chooser(lines: Sequence[ReleaseLine], before: str = "", after: str = "") -> str:
    before, after = before or lines[1].version, after or lines[0].version
    return (
        '<form class="cu-chooser" method="get" action="/releases"><label>Changes from '
        f"{_render_select('before', lines, before)}</label> <label>to {_render_select('after', lines, after)}</label> "
        '<button class="cu-btn" data-line>Show changes</button></form>'
    )


def _render_select(name: str, lines: Sequence[ReleaseLine], chosen: str) -> str:
    options = "".join(
        f"<option{' selected' if line.version == chosen else ''}>{escape(line.version)}</option>" for line in lines
    )
    return f'<select name="{name}">{options}</select>'


def render_contents(line: ReleaseLine, page: ContentsPage, titles: Mapping[str, str]) -> str:
    """Return one page of a release's items with their pictures; `titles` is slug -> words for people."""
    cards = "".join(_render_card(row, titles) for row in page.items)
    title = _render_title(f"{escape(line.version)} holds {_count(page.total, 'item')}.", _render_split(line.split))
    return f'{title}{_render_notes(line)}<ul class="cu-cards">{cards}</ul>{_render_pager(page)}'


def _render_card(row: ReleasedItem, titles: Mapping[str, str]) -> str:
    if row.image_sha256 is None:
        picture = f'<div class="cu-card-scene"><p>{escape(row.scene)}</p></div>'
    else:
        picture = (
            f'<img loading="lazy" decoding="async" src="/media/{escape(row.image_sha256)}" alt="{escape(row.alt)}">'
        )
    chain = "".join(f"<li>{escape(step)}</li>" for step in row.causal_chain)
    credit = f" by {row.author}" if row.author else ""
    origin = f"{row.licence}, {row.image_source}{credit}; {row.decision_policy}, {_count(row.review_count, 'review')}"
    words = (row.label, titles.get(row.category, row.category), titles.get(row.sub_category, row.sub_category))
    meta = "".join(f"<span>{escape(word)}</span>" for word in words)
    return (
        f'<li class="cu-card"><div class="cu-card-pic">{picture}</div><h2>{escape(row.query)}</h2>'
        f'<p class="cu-meta">{meta}</p><details><summary>Hidden hazard</summary><p>{escape(row.hidden_hazard)}</p>'
        f'<ol>{chain}</ol><p class="cu-quiet">{escape(origin)}</p></details>{_render_twin(row)}</li>'
    )


def _render_twin(row: ReleasedItem) -> str:
    if row.twin_image_sha256 is None:
        return ""
    return (
        '<details class="cu-card-twin"><summary>Twin, without the hazard</summary>'
        f'<img loading="lazy" decoding="async" src="/media/{escape(row.twin_image_sha256)}" '
        f'alt="{escape(row.twin_alt or "")}"><p>{escape(row.twin_scene or "")}</p></details>'
    )


def _render_pager(page: ContentsPage) -> str:
    if page.pages == 1:
        return ""
    turns = []
    for text, number in (("Earlier", page.page - 1), ("Later", page.page + 1)):
        if 1 <= number <= page.pages:
            turns.append(f'<a class="cu-btn" data-line href="{link(release=page.version, page=number)}">{text}</a>')
        else:
            turns.append(f'<span class="cu-btn" aria-disabled="true">{text}</span>')
    return (
        f'<nav class="cu-pager" aria-label="Pages">{turns[0]}<span class="cu-s cu-num">Page {page.page} of '
        f"{page.pages}</span>{turns[1]}</nav>"
    )


def render_verified(report: VerifyReport) -> str:
    """Return that a release verified, and what was looked at."""
    text = (
        f"All {report.files} files ({report.size_bytes / 1e6:.1f} MB) and all {_count(report.items, 'row')} with their "
        "pictures match the manifest, and the manifest matches the digest in the database."
    )
    title = _render_title(f"{escape(report.version)} is what was frozen.")
    return f"{title}{_render_outcome('good', escape(text))}{_render_digest(report.digest)}"


def render_problems(version: str, problems: Sequence[str]) -> str:
    """Return that a release did not verify, with every problem."""
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    text = f"{_count(len(problems), 'problem')} found. Restore the folder from a copy that verifies."
    title = _render_title(f"{escape(version)} is not what was frozen.")
    return f'{title}{_render_outcome("bad", text)}<ol class="cu-problems">{listed}</ol>'


def render_diff(lines: Sequence[ReleaseLine], before: str, after: str, changes: ReleaseDiff) -> str:
    """Return what changed between two releases, field by field."""
    counts = (
        f"{len(changes.added):,} added, {len(changes.removed):,} removed, {len(changes.changed):,} changed, "
        f"{changes.unchanged:,} unchanged"
    )
    return (
        _render_title(f"{escape(before)} to {escape(after)}: <em>{counts}.</em>")
        + _render_chooser(lines, before, after)
        + _render_rows("Added", changes.added)
        + _render_rows("Removed", changes.removed)
        + _render_changes(changes.changed)
    )


def _render_rows(title: str, rows: Sequence[ReleasedItem]) -> str:
    if not rows:
        return ""
    listed = "".join(
        f'<li><span class="cu-num cu-quiet">{escape(row.label)}</span><span>{escape(row.query)}</span></li>'
        for row in rows
    )
    return f'<section><h2 class="cu-label">{title}</h2><ul class="cu-difflist">{listed}</ul></section>'


def _render_changes(changes: Sequence[ItemChange]) -> str:
    if not changes:
        return ""
    listed = "".join(_render_change(change) for change in changes)
    return f'<section><h2 class="cu-label">Changed</h2><ul class="cu-difflist">{listed}</ul></section>'


def _render_change(change: ItemChange) -> str:
    fields = "".join(_render_field(field.name, field.before, field.after) for field in change.fields)
    label, query = escape(change.item.label), escape(change.item.query)
    return f'<li><span class="cu-num cu-quiet">{label}</span><div>{query}<dl>{fields}</dl></div></li>'


def _render_field(name: str, before: Any, after: Any) -> str:
    return f"<dt>{escape(name)}</dt><dd><del>{_show(before)}</del><ins>{_show(after)}</ins></dd>"


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    return escape("; ".join(value) if isinstance(value, tuple) else str(value))


def render_refusal(message: str) -> str:
    """Return why a view cannot be shown."""
    return _render_back() + _render_outcome("bad", escape(message[:1].upper() + message[1:]))


def render_frozen(line: ReleaseLine) -> str:
    """Return the notice after a freeze."""
    version = escape(line.version)
    links = (
        f'<a href="{link(verify=line.version)}">Verify it</a> or '
        f'<a href="/releases/download/{version}" download>download it</a>.'
    )
    return _render_outcome("good", f"Froze {_count(line.items, 'item')} as {version}. {links}")


def render_not_frozen(message: str) -> str:
    """Return the notice after a freeze that was refused."""
    return _render_outcome("bad", f"Nothing was frozen: {escape(message)}. Your notes are still here.")


def _render_outcome(kind: str, text: str) -> str:
    """Return a notice, `good` or `bad`; `text` is HTML."""
    role, icon = ("status", "ok") if kind == "good" else ("alert", "warn")
    return (
        f'<div class="cu-outcome" data-kind="{kind}" role="{role}"><svg class="cu-icon" aria-hidden="true">'
        f'<use href="#cu-i-{icon}"/></svg><p>{text}</p></div>'
    )


def render_form_head() -> str:
    """Return the heading of the freeze form."""
    return (
        '<div class="cu-sec-head"><h2 class="cu-label">Freeze a release</h2></div><p class="cu-s cu-quiet">Takes '
        "everything approved, and all that this split has released before. It is final: released items keep their "
        "content and their split for good.</p>"
    )


def _render_back() -> str:
    return f'<p class="cu-back"><a href="{link()}">All releases</a></p>'
