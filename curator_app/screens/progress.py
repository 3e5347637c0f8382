"""The progress page: your own share, the whole, and for maintainers who did how much."""

from html import escape
from typing import Any

import gradio as gr

from curator_app.actions.progress import read_people, read_progress
from curator_app.screens.asking import PersonOf, plain_errors
from curator_app.workspace import Workspace
from storage.accounts import Role
from storage.progress import PersonProgress
from storage.records import TaskKind

KINDS = {TaskKind.SCENARIO_REVIEW: "Scenario review", TaskKind.ADJUDICATION: "Adjudication"}


def build_progress_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Everybody signed in may see it."""
    view = gr.HTML(padding=False, apply_default_css=False)

    def show_progress(request: gr.Request) -> str:
        person = person_of(request)
        with plain_errors():
            by_kind = {
                kind: read_progress(workspace, person=person, kind=kind)
                for kind in KINDS
                if kind is TaskKind.SCENARIO_REVIEW or person.has(Role.ADJUDICATOR)
            }
            return render_progress(by_kind, read_people(workspace, person=person))

    pages.load(show_progress, None, view, queue=False, show_progress="hidden", api_name="progress_show")
    refresh = gr.Button("Refresh", size="sm")
    refresh.click(show_progress, None, view, queue=False, show_progress="hidden", api_name="progress_refresh")


def render_progress(by_kind: dict[TaskKind, dict[str, Any]], people: list[PersonProgress]) -> str:
    """Return the page as HTML; every text is escaped."""
    return f"<pre>{escape(str(by_kind))}{escape(str(people))}</pre>"
