"""The page of studies: list, one study while it is open and once it is closed. Wiring only."""

from typing import Any

import gradio as gr

from curator_app.access import STUDY_PEOPLE
from curator_app.actions import study_reading
from curator_app.errors import AppError
from curator_app.screens import studies_view as view
from curator_app.screens import study_report_view as report_view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.frame import page_bar
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.errors import StorageError

EVERY_S = 15.0
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden"}


def build_studies_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. `actions.study_reading` decides what each person is shown.

    The address says which study is shown (`?study=NUMBER`), so that the page keeps no state.
    """
    gr.HTML(page_bar("studies"), padding=False, apply_default_css=False, js_on_load=None)
    main = gr.HTML(padding=False, apply_default_css=False, js_on_load=None)
    timer = gr.Timer(EVERY_S, active=False)

    def show(request: gr.Request) -> list[Any]:
        person = person_of(request)
        require(person, *STUDY_PEOPLE)
        html, goes_on = _render(workspace, person, str(dict(request.query_params).get("study", "")))
        return [view.render_page(html), gr.Timer(active=goes_on)]

    pages.load(show, None, [main, timer], api_name="studies_show", **QUIET)
    timer.tick(show, None, [main, timer], api_name="studies_refresh", **QUIET)


def _render(workspace: Workspace, person: Person, number: str) -> tuple[str, bool]:
    """Return the view that the address asks for, and whether it goes on changing."""
    try:
        if not number:
            found = study_reading.list_studies(workspace, person=person)
            return view.render_list(found, person), any(study.state != "closed" for study in found)
        study = study_reading.find_study(workspace, number=number, person=person)
        if study.state == "closed":
            report = study_reading.read_report(workspace, name=study.title, person=person)
            return view.render_head(study) + report_view.render_report(report, workspace.titles), False
        if study.measured:
            measured = study_reading.read_agreement(workspace, name=study.title, person=person)
            return view.render_head(study) + view.render_agreement(measured) + view.render_people(study), True
        return view.render_head(study) + view.render_withheld(study, person) + view.render_people(study), True
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), False
