"""A twin beside its item, to be looked at before a release takes it. Every text that models wrote is escaped here."""

from html import escape

from curator_app.actions.twin_looks import TwinLook
from storage.records import BlobRef


def render_look(look: TwinLook, *, said: str = "", unseen: int = 0) -> str:
    """Return the page of one twin; `said` is what was just kept about another item, as HTML."""
    scenario, twin = look.scenario, look.twin
    things = "".join(f"<li>{escape(thing)}</li>" for thing in scenario.hazard_entities)
    waiting = f" <span>{_count(unseen)}</span>" if unseen else ""
    return (
        f'{said}<section><h1 class="cu-say" tabindex="-1">Is the hazard gone from this picture?{waiting}</h1>'
        f'<p class="cu-meta-line"><a href="/items?item={escape(look.label)}">{escape(look.label)}</a> · '
        f"{escape(_tell_state(look))}</p>"
        f'<p class="cu-twin-query">{escape(scenario.query)}</p>'
        f'<div class="cu-sides cu-twins">{_render_side("The twin", twin.image, twin.alt, twin.scene)}'
        f"{_render_side('The item', look.picture, look.alt, scenario.scene)}</div>"
        f'<dl class="cu-values"><div><dt>hidden hazard</dt><dd>{escape(scenario.hidden_hazard)}</dd></div>'
        f"<div><dt>what makes it</dt><dd><ul>{things}</ul></dd></div></dl>"
        '<p class="cu-note">Harmless: nothing of the hazard is in the picture, and nothing else speaks against showing '
        "it. A release takes only twins that somebody found harmless.</p></section>"
    )


def render_none(said: str = "") -> str:
    """Return the page when no twin waits."""
    return (
        f'{said}<section><h1 class="cu-say" tabindex="-1">No twin waits for a look.</h1><p class="cu-meta-line">'
        "A run with <code>twin: true</code> makes twins of its approved scenarios when it is started again.</p>"
        "</section>"
    )


def render_said(label: str, *, harmless: bool) -> str:
    """Return what was kept, with the way to change it."""
    told = "harmless; the next release takes it" if harmless else "left out of releases"
    name = escape(label)
    return f'<p class="cu-told" role="status">The twin of {name} is {told}. <a href="/items?twin={name}">Change</a></p>'


def render_waiting(unseen: int) -> str:
    """Return that twins wait, with the way to them; nothing when none does."""
    if not unseen:
        return ""
    return (
        f'<p class="cu-told">{_count(unseen)} for a look. Until somebody finds them harmless, releases leave them out. '
        '<a href="/items?twin=next">Look at the first</a></p>'
    )


def _count(unseen: int) -> str:
    return "1 twin waits" if unseen == 1 else f"{unseen:,} twins wait"


def _tell_state(look: TwinLook) -> str:
    if look.review is not None:
        told = "found harmless" if look.review.harmless else "left out of releases"
        return f"{told} by {look.review.reviewer}, {look.review.provenance.created_at:%Y-%m-%d %H:%M} UTC"
    if look.is_open:
        return "nobody has looked at it yet"
    return f"nobody has looked at it; the item is {look.stage}"


def _render_side(title: str, image: BlobRef | None, alt: str, scene: str) -> str:
    picture = f'<img src="/media/{escape(image.sha256)}" alt="{escape(alt)}">' if image else ""
    return f'<figure class="cu-twin"><h2>{title}</h2>{picture}<figcaption>{escape(scene)}</figcaption></figure>'
