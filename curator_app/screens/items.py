"""The page of one item, for maintainers and adjudicators. Wiring only."""

from typing import Any

import gradio as gr

from curator_app.actions.item_history import give_up_check, read_history
from curator_app.screens import item_view, runs_view
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

FIND = (
    '<form class="cu-chooser" method="get" action="/items"><label>Item '
    '<input name="item" maxlength="64" placeholder="S-0012" required></label> '
    '<button class="cu-btn" data-line>Show</button></form>'
)


def build_item_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says which item: `?item=S-0012`."""
    gr.HTML(page_bar("items"), padding=False, apply_default_css=False, js_on_load=None)
    main = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    shown = gr.Textbox(visible=False)
    with gr.Row(visible=False, elem_classes="cu-forms") as form:
        look = gr.Button("Look at it, and do not ask me")

    def show_item(person: Person, name: str) -> tuple[str, str, Any]:
        try:
            history = read_history(workspace, name=name, person=person)
        except StorageError as exc:
            refusal = runs_view.render_refusal(str(exc))
            return runs_view.render_page(f"<section>{refusal}{FIND}</section>"), "", gr.update(visible=False)
        html = runs_view.render_page(FIND + item_view.render_item(history, workspace.titles))
        return html, history.label, gr.update(visible=history.blind)

    def show(request: gr.Request) -> tuple[str, str, Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER, Role.ADJUDICATOR)
        name = str(dict(request.query_params).get("item", ""))
        if name:
            return show_item(person, name)
        head = '<h1 class="cu-say" tabindex="-1">One item, from its first words to its release.</h1>'
        return runs_view.render_page(f"<section>{head}{FIND}</section>"), "", gr.update(visible=False)

    def show_all(name: str, request: gr.Request) -> tuple[str, str, Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER, Role.ADJUDICATOR)
        with plain_errors():
            give_up_check(workspace, name=str(name), person=person)
        return show_item(person, str(name))

    outputs = [main, shown, form]
    pages.load(show, None, outputs, queue=False, show_progress="hidden", api_name="items_show")
    look.click(show_all, shown, outputs, queue=False, show_progress="hidden", api_name="items_look")
