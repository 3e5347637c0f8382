"""The page of one item, for maintainers and adjudicators. Wiring only."""

import gradio as gr

from curator_app.actions.item_history import read_history
from curator_app.screens import item_view, runs_view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Role
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

    def show(request: gr.Request) -> str:
        person = person_of(request)
        require(person, Role.MAINTAINER, Role.ADJUDICATOR)
        name = str(dict(request.query_params).get("item", ""))
        if not name:
            head = '<h1 class="cu-say" tabindex="-1">One item, from its first words to its release.</h1>'
            return runs_view.render_page(f"<section>{head}{FIND}</section>")
        try:
            history = read_history(workspace, name=name, person=person)
        except StorageError as exc:
            return runs_view.render_page(f"<section>{runs_view.render_refusal(str(exc))}{FIND}</section>")
        return runs_view.render_page(FIND + item_view.render_item(history, workspace.titles))

    pages.load(show, None, main, queue=False, show_progress="hidden", api_name="items_show")
