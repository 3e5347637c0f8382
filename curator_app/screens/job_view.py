"""What the pages of long jobs share as HTML: states, tiles, log, plan, refusals. Every text is escaped here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from endpoints.config import EndpointCheck
from pipeline.run_plan import PlannedCalls
from storage.jobs import Job, JobState

SAID = {
    JobState.QUEUED: "is about to begin",
    JobState.RUNNING: "is running",
    JobState.STOPPING: "finishes what is under way",
    JobState.ENDED: "has ended",
    JobState.FAILED: "has failed",
    JobState.INTERRUPTED: "was interrupted",
}

SCROLL = '<div class="cu-scroll" tabindex="0" role="region" aria-label="Table">'
"""What begins a wide table without links: it is scrolled by keys, too."""


def render_state(state: JobState) -> str:
    """Return the state of a job, with its mark."""
    return f'<span class="cu-state" data-state="{state.value}">{state.value}</span>'


def render_head(job: Job, *, back: tuple[str, str], tiles: Sequence[tuple[str, str, str]], title: str = "") -> str:
    """Return what stands above the buttons of a job: the way `back` (address, words), name, state and why, tiles.

    `title` stands in place of the job's name.
    """
    why = render_told(escape(job.message), kind="bad" if job.state is JobState.FAILED else "") if job.message else ""
    if job.state is JobState.INTERRUPTED:
        gone = "Its process is gone. What was finished is kept; Resume goes on from there."
        why = render_told(f"{gone} {escape(job.message)}".rstrip(), kind="bad")
    if job.state is JobState.STOPPING:
        why += render_told("Stop once more ends it at once, and loses what is under way.")
    return (
        f'<section><p class="cu-back"><a href="{escape(back[0])}">{escape(back[1])}</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{escape(title or job.name)} <span>{SAID[job.state]}.</span></h1>{why}'
        f"{render_tiles(tiles)}</section>"
    )


def render_tiles(tiles: Iterable[tuple[str, str, str]]) -> str:
    """Return tiles of name, value and note."""
    inner = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="cu-num">{escape(value)}</dd><dd class="cu-note">{escape(note)}</dd>'
        "</div>"
        for name, value, note in tiles
    )
    return f'<dl class="cu-tiles">{inner}</dl>'


def render_chooser(route: str, names: Sequence[str], left: str, right: str) -> str:
    """Return the form that shows two jobs of a page beside each other."""
    return (
        f'<form class="cu-chooser" method="get" action="{escape(route)}"><label>Compare '
        f"{_render_select('left', names, left)}</label> <label>with {_render_select('right', names, right)}</label> "
        '<button class="cu-btn" data-line>Show both</button></form>'
    )


def _render_select(field: str, names: Sequence[str], chosen: str) -> str:
    options = "".join(f"<option{' selected' if name == chosen else ''}>{escape(name)}</option>" for name in names)
    return f'<select name="{field}">{options}</select>'


def render_output(output: str) -> str:
    """Return what the process of a job printed, with its end in sight."""
    if not output:
        return ""
    log = f'<div class="cu-log cu-tail" tabindex="0"><pre>{escape(output)}</pre></div>'
    return f"<h3>What its process printed</h3>{log}"


def render_calls(lines: Iterable[PlannedCalls]) -> str:
    """Return the table of planned calls."""
    rows = "".join(
        f'<tr><th scope="row">{escape(line.what)}</th><td>{escape(line.model)}</td>'
        f'<td class="cu-num">{line.calls:,}</td>'
        f'<td class="cu-num">{line.at_most:,}</td><td class="cu-num">{show_usd(line.usd_at_most)}</td></tr>'
        for line in lines
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Call</th><th scope="col">Model</th>'
        '<th scope="col" class="cu-num">Calls</th><th scope="col" class="cu-num">At most</th>'
        f'<th scope="col" class="cu-num">Cost at most</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def render_checks(checks: Iterable[EndpointCheck]) -> str:
    """Return whether each endpoint works."""
    rows = "".join(
        f"<li{'' if check.ok else ' data-kind=bad'}><b>{escape(check.name)}</b>: "
        f"{escape(check.problem or 'works')} {escape(check.note)}</li>"
        for check in checks
    )
    return f'<ul class="cu-checks">{rows}</ul>'


def render_refusal(text: str) -> str:
    """Return a refusal."""
    return render_told(escape(text[:1].upper() + text[1:]), kind="bad")


def render_told(html: str, *, kind: str = "") -> str:
    """Return `html`, which is safe already, as something that the page says."""
    return f'<p class="cu-told" role="status"{f" data-kind={kind}" if kind else ""}>{html}</p>'


def show_usd(usd: float | None) -> str:
    """Return dollars in words."""
    return "unknown" if usd is None else f"${usd:,.2f}"


def show_time(moment: datetime | None) -> str:
    """Return a moment in UTC to the minute."""
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
