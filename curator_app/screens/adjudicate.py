"""The adjudicators' first page: what differs, kind by kind, and the way to the screen that settles it. Wiring only."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from curator_app.actions.differences import Waiting, count_differences
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Role

NOTHING = (
    '<p class="cu-off">Differences come here by themselves: when reviewers or leakage checks of an item do not agree, '
    "and when the annotators of a study scored an answer differently.</p>"
)


def build_adjudicate_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`."""
    gr.HTML(page_bar("adjudicate"), padding=False, apply_default_css=False, js_on_load=None)
    view = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)

    def show(request: gr.Request) -> str:
        person = person_of(request)
        require(person, Role.ADJUDICATOR)
        with plain_errors():
            return render_differences(count_differences(workspace, person=person))

    pages.load(show, None, view, queue=False, show_progress="hidden", api_name="adjudicate_show")


def render_differences(kinds: Sequence[Waiting]) -> str:
    """Return the page as HTML: a card for each kind, the way in on those where something waits."""
    yours = sum(each.yours for each in kinds)
    waits = "difference waits" if yours == 1 else "differences wait"
    said = f"{yours:,} {waits} for you." if yours else "Nothing waits for you."
    nothing = "" if any(each.of for each in kinds) else NOTHING
    cards = f'<ul class="cu-kinds">{"".join(map(_render_card, kinds))}</ul>'
    return f'<main class="cu cu-flow"><section><h1 class="cu-say">{said}</h1>{nothing}{cards}</section></main>'


def _render_card(each: Waiting) -> str:
    kind = each.difference
    href = escape(kind.path)
    look = "cu-submit" if each.yours else "cu-btn"
    line = "" if each.yours else " data-line"
    told = f"{each.settled:,} of {each.of:,} settled" if each.of else "none so far"
    return (
        f"<li><h2>{escape(kind.title)}</h2><p>{escape(kind.text)}</p>"
        f'<p class="cu-count"><b class="cu-num">{each.yours:,}</b> for you <span class="cu-num">{told}</span></p>'
        f'<a class="{look}"{line} href="{href}" data-kind="{kind.kind.value}">'
        f'{"Settle" if each.yours else "Open"}<span class="cu-sr"> {escape(kind.title.lower())}</span></a></li>'
    )
