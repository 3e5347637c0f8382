"""The page of constitutions: everybody who trains reads them, maintainers edit them. Wiring only."""

from typing import Any

import gradio as gr

from caspo.constitution import MAX_CHARACTERS
from curator_app.access import TRAINERS
from curator_app.actions import constitutions
from curator_app.errors import AppError
from curator_app.screens import constitutions_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.frame import page_bar
from curator_app.screens.job_page import QUIET, place_html, read_query
from curator_app.screens.job_view import render_refusal
from curator_app.screens.training_tabs import render_tabs
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.constitutions import MAX_REASON
from storage.errors import StorageError


def build_constitutions_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown, so that the page keeps no state.

    `?category=…` opens one, with `&version=…` an old version of it, which can be saved as the newest.
    """
    gr.HTML(page_bar("training"), padding=False, apply_default_css=False, js_on_load=None)
    place_html(render_tabs(view.ROUTE))
    main = place_html()
    with gr.Column(visible=False, elem_classes="cu-forms cu-policy-form") as desk:
        place_html("<h2>Edit</h2>")
        text = gr.Textbox(label="Text", lines=16, max_lines=40, max_length=MAX_CHARACTERS, elem_id="cu-policy-text")
        reason = gr.Textbox(label="Reason: what changes, and why", max_length=MAX_REASON)
        based_on = gr.Textbox(visible=False)  # number of the version in use when the page was loaded
        with gr.Row():
            save = gr.Button("Save as a new version", variant="primary")
            compare = gr.Button("Show difference")
        outcome = place_html()

    def reader(request: gr.Request) -> Person:
        person = person_of(request)
        require(person, *TRAINERS)
        return person

    def show(request: gr.Request) -> list[Any]:
        person, query = reader(request), read_query(request)
        edits = person.has(Role.MAINTAINER)
        hidden = [gr.update(visible=False), "", "", ""]
        try:
            if not query.get("category"):
                listed = view.render_list(constitutions.list_histories(workspace), workspace.titles, edits=edits)
                return [view.render_page(listed), *hidden]
            history = constitutions.read_history(workspace, query["category"])
            if query.get("after"):
                both = history.find(query.get("before", "0")), history.find(query["after"])
                return [view.render_page(view.render_change(history, workspace.titles, *both)), *hidden]
            shown = history.find(query["version"]) if query.get("version") else history.current
        except StorageError as exc:
            return [view.render_page(render_refusal(str(exc))), *hidden]
        why = "" if shown.number == history.current.number else view.say_back(shown)
        body = view.render_page(view.render_one(history, workspace.titles, shown))
        return [body, gr.update(visible=edits), shown.constitution.text, why, str(history.current.number)]

    def preview(text: str, request: gr.Request) -> str:
        require(person_of(request), Role.MAINTAINER)
        try:
            history = constitutions.read_history(workspace, read_query(request).get("category", ""))
            return view.render_page(view.render_preview(history.current, constitutions.check(text)))
        except (AppError, StorageError) as exc:
            return view.render_page(render_refusal(str(exc)))

    def store(text: str, reason: str, based_on: str, request: gr.Request) -> list[Any]:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        category = read_query(request).get("category", "")
        try:
            saved = constitutions.save(
                workspace, category=category, text=text, reason=reason, based_on=based_on, actor=f"user:{person.name}"
            )
            history = constitutions.read_history(workspace, category)
        except (AppError, StorageError) as exc:
            return [gr.update(), text, reason, based_on, view.render_page(render_refusal(str(exc)))]
        body = view.render_page(view.render_one(history, workspace.titles, saved))
        told = view.render_page(view.render_saved(history, saved))
        return [body, saved.constitution.text, "", str(saved.number), told]

    pages.load(show, None, [main, desk, text, reason, based_on], api_name="constitutions_show", **QUIET)
    compare.click(preview, text, outcome, api_name="constitutions_compare", **QUIET)
    outputs = [main, text, reason, based_on, outcome]
    save.click(store, [text, reason, based_on], outputs, api_name="constitutions_save", **QUIET)
