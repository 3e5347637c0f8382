"""The page of all items, of one, and of one's twin, for maintainers and adjudicators. Wiring only."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from curator_app.actions import twin_looks
from curator_app.actions.item_history import give_up_check, read_history
from curator_app.actions.item_list import find_items, find_label, read_filter
from curator_app.screens import item_view, runs_view, twin_view
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.screens.item_list_view import FIND, render_list
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

BACK = '<p class="cu-back"><a href="/items">All items</a></p>'
Shown = tuple[str, str, str, Any, Any]
"""The page as HTML, the item's label, its twin's id, and the rows of buttons."""


def build_item_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`.

    The address says which item, `?item=S-0012`, which twin, `?twin=S-0012` or `?twin=next`, or what to list.
    """
    gr.HTML(page_bar("items"), padding=False, apply_default_css=False, js_on_load=None)
    main = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    shown, twin_shown = gr.Textbox(visible=False), gr.Textbox(visible=False)
    with gr.Row(visible=False, elem_classes="cu-forms") as form:
        look = gr.Button("Look at it, and do not ask me")
    with gr.Row(visible=False, elem_classes="cu-forms cu-twin-acts") as twin_form:
        good = gr.Button("Harmless", variant="primary")
        bad = gr.Button("Leave it out")

    def show(request: gr.Request) -> Shown:
        person = _admit(person_of(request))
        values = {name: str(value) for name, value in dict(request.query_params).items()}
        if name := values.get("twin", ""):
            return show_twin(workspace, person, name)
        if name := values.get("item", "") or find_label(values.get("words", "")):
            return show_item(workspace, person, name)
        return _place(show_list(workspace, values))

    def show_all(name: str, request: gr.Request) -> Shown:
        person = _admit(person_of(request))
        with plain_errors():
            give_up_check(workspace, name=str(name), person=person)
        return show_item(workspace, person, str(name))

    def keep(name: str, twin_id: str, request: gr.Request, *, harmless: bool) -> Shown:
        person = _admit(person_of(request))
        with plain_errors():
            label = twin_looks.say(workspace, name=str(name), twin_id=str(twin_id), harmless=harmless, person=person)
        return show_twin(workspace, person, "next", said=twin_view.render_said(label, harmless=harmless))

    def keep_harmless(name: str, twin_id: str, request: gr.Request) -> Shown:
        return keep(name, twin_id, request, harmless=True)

    def keep_harmful(name: str, twin_id: str, request: gr.Request) -> Shown:
        return keep(name, twin_id, request, harmless=False)

    outputs = [main, shown, twin_shown, form, twin_form]
    pages.load(show, None, outputs, queue=False, show_progress="hidden", api_name="items_show")
    look.click(show_all, shown, outputs, queue=False, show_progress="hidden", api_name="items_look")
    told = [shown, twin_shown]
    good.click(keep_harmless, told, outputs, queue=False, show_progress="hidden", api_name="items_twin_harmless")
    bad.click(keep_harmful, told, outputs, queue=False, show_progress="hidden", api_name="items_twin_leave_out")


def show_item(workspace: Workspace, person: Person, name: str) -> Shown:
    """Return the page of one item, or why it cannot be shown."""
    try:
        history = read_history(workspace, name=name, person=person)
    except StorageError as exc:
        return _place(f"<section>{BACK}{render_refusal(str(exc))}{FIND}</section>")
    page = BACK + item_view.render_item(history, workspace.titles)
    return _place(page, label=history.label, blind=history.blind)


def show_twin(workspace: Workspace, person: Person, name: str, *, said: str = "") -> Shown:
    """Return the page of one item's twin, of the first that waits for `next`, or why it cannot be shown."""
    unseen = twin_looks.count_unseen(workspace)
    if name == "next" and not (name := twin_looks.find_next(workspace, person=person)):
        return _place(BACK + twin_view.render_none(said))
    try:
        look = twin_looks.read_look(workspace, name=name, person=person)
    except StorageError as exc:
        return _place(f"<section>{BACK}{render_refusal(str(exc))}{FIND}</section>")
    page = BACK + twin_view.render_look(look, said=said, unseen=unseen)
    return _place(page, label=look.label, twin_id=look.twin.id if look.is_open else "")


def show_list(workspace: Workspace, values: Mapping[str, str]) -> str:
    """Return the list of items that the address asks for."""
    try:
        page = values.get("page", "1")
        found = find_items(workspace, read_filter(values), page=int(page) if page.isdecimal() else 1)
    except StorageError as exc:
        return f"<section>{render_refusal(str(exc))}{FIND}</section>"
    return render_list(found, notice=twin_view.render_waiting(twin_looks.count_unseen(workspace)))


def _admit(person: Person) -> Person:
    require(person, Role.MAINTAINER, Role.ADJUDICATOR)
    return person


def _place(page: str, *, label: str = "", twin_id: str = "", blind: bool = False) -> Shown:
    html = runs_view.render_page(page)
    return html, label, twin_id, gr.update(visible=blind), gr.update(visible=bool(twin_id))
