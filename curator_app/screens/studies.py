"""The page of studies: list, one study while it is open and once it is closed. Wiring only."""

from typing import Any

import gradio as gr

from curator_app.access import STUDY_PEOPLE
from curator_app.actions import study_forms, study_reading
from curator_app.errors import AppError
from curator_app.screens import studies_view as view
from curator_app.screens import study_report_view as report_view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.frame import page_bar
from curator_app.screens.job_page import QUIET, place_html, read_query
from curator_app.screens.job_view import render_refusal
from curator_app.screens.study_desk import build_closing, build_study_form
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

EVERY_S = 15.0


def build_studies_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. `actions.study_reading` decides what each person is shown.

    The address says which study is shown (`?study=NUMBER`), so that the page keeps no state.
    """
    gr.HTML(page_bar("studies"), padding=False, apply_default_css=False, js_on_load=None)
    main = place_html()
    with gr.Column(visible=False, elem_classes="cu-forms cu-run-form") as closing:
        outcome = build_closing(main, workspace=workspace, person_of=person_of, render=_render)
    with gr.Column(visible=False, elem_classes="cu-forms cu-run-form") as desk:
        runs = build_study_form(main, workspace=workspace, person_of=person_of, render=_render)
    timer = gr.Timer(EVERY_S, active=False)

    def show(request: gr.Request) -> list[Any]:
        person = person_of(request)
        require(person, *STUDY_PEOPLE)
        html, goes_on = _render(workspace, person, read_query(request).get("study", ""))
        return [html, gr.Timer(active=goes_on)]

    def open_page(request: gr.Request) -> list[Any]:
        person, number = person_of(request), read_query(request).get("study", "")
        offered = study_forms.list_runs(workspace) if person.has(Role.MAINTAINER) and not number else []
        return [
            *show(request),
            gr.update(visible=bool(number) and study_forms.may_close(workspace, number=number, person=person)),
            "",
            gr.update(visible=bool(offered)),
            gr.update(choices=offered, value=offered[0][1] if offered else None),
        ]

    pages.load(open_page, None, [main, timer, closing, outcome, desk, runs], api_name="studies_show", **QUIET)
    timer.tick(show, None, [main, timer], api_name="studies_refresh", **QUIET)


def _render(workspace: Workspace, person: Person, number: str) -> tuple[str, bool]:
    """Return the view that the address asks for, and whether it goes on changing."""
    html, goes_on = _render_body(workspace, person, number)
    return view.render_page(html), goes_on


def _render_body(workspace: Workspace, person: Person, number: str) -> tuple[str, bool]:
    try:
        if not number:
            found = study_reading.list_studies(workspace, person=person)
            failed = study_reading.list_failure_studies(workspace, person=person)
            can_make = not found and bool(study_forms.list_runs(workspace))
            html = view.render_list(found, person, can_make=can_make) + view.render_failures(failed)
            return html, any(study.state != "closed" for study in [*found, *failed])
        study = study_reading.find_study(workspace, number=number, person=person)
        if study.of_failures:
            return view.render_head(study) + view.render_people(study), study.state != "closed"
        if study.state == "closed":
            report = study_reading.read_report(workspace, name=study.title, person=person)
            return view.render_head(study) + report_view.render_report(report, workspace.titles), False
        if study.measured:
            measured = study_reading.read_agreement(workspace, name=study.title, person=person)
            return view.render_head(study) + view.render_agreement(measured) + view.render_people(study), True
        return view.render_head(study) + view.render_withheld(study, person) + view.render_people(study), True
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), False
