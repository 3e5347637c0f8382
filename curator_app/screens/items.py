"""The page of all items and of one, for maintainers and adjudicators. Wiring only."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from curator_app.actions.item_history import give_up_check, read_history
from curator_app.actions.item_list import find_items, find_label, read_filter
from curator_app.screens import item_view, runs_view
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.screens.item_list_view import FIND, render_list
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

BACK = '<p class="cu-back"><a href="/items">All items</a></p>'


def build_item_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says which item, `?item=S-0012`, or what to list."""
    gr.HTML(page_bar("items"), padding=False, apply_default_css=False, js_on_load=None)
    main = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    shown = gr.Textbox(visible=False)
    with gr.Row(visible=False, elem_classes="cu-forms") as form:
        look = gr.Button("Look at it, and do not ask me")

    def show_item(person: Person, name: str) -> tuple[str, str, Any]:
        try:
            history = read_history(workspace, name=name, person=person)
        except StorageError as exc:
            refusal = render_refusal(str(exc))
            return runs_view.render_page(f"<section>{BACK}{refusal}{FIND}</section>"), "", gr.update(visible=False)
        html = runs_view.render_page(BACK + item_view.render_item(history, workspace.titles))
        return html, history.label, gr.update(visible=history.blind)

    def show_list(values: Mapping[str, str]) -> str:
        try:
            page = values.get("page", "1")
            found = find_items(workspace, read_filter(values), page=int(page) if page.isdecimal() else 1)
        except StorageError as exc:
            return runs_view.render_page(f"<section>{render_refusal(str(exc))}{FIND}</section>")
        return runs_view.render_page(render_list(found))

    def show(request: gr.Request) -> tuple[str, str, Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER, Role.ADJUDICATOR)
        values = {name: str(value) for name, value in dict(request.query_params).items()}
        if name := values.get("item", "") or find_label(values.get("words", "")):
            return show_item(person, name)
        return show_list(values), "", gr.update(visible=False)

    def show_all(name: str, request: gr.Request) -> tuple[str, str, Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER, Role.ADJUDICATOR)
        with plain_errors():
            give_up_check(workspace, name=str(name), person=person)
        return show_item(person, str(name))

    outputs = [main, shown, form]
    pages.load(show, None, outputs, queue=False, show_progress="hidden", api_name="items_show")
    look.click(show_all, shown, outputs, queue=False, show_progress="hidden", api_name="items_look")
