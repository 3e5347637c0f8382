"""The page of Label Studio: connection, projects, pushing, pulling, whose e-mail is whose. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from curator_app.actions import label_studio_jobs, label_studio_reading
from curator_app.errors import AppError
from curator_app.labelstudio.configs import KINDS
from curator_app.labelstudio.pushing import PushRequest
from curator_app.screens import label_studio_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.job_page import QUIET, JobPage, build_job_page, place_html, read_query
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

PICTURES = {"inline": "In the tasks themselves", "url": "From here, by addresses that end"}


def build_label_studio_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown: `?project=…`, `?run=…`.

    How it stands with the server is asked by itself, so that the page does not wait for it.
    """
    parts: dict[str, Any] = {}
    fields = build_job_page(
        pages,
        JobPage(
            page="label-studio",
            handlers="label_studio",
            start="Push",
            build_form=lambda: _build_form(parts),
            read_form=_read_form,
            identify=label_studio_jobs.identify,
            plan=lambda asked, lead: view.render_plan(
                asked, label_studio_jobs.foresee(workspace, asked), lead=lead
            ),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=label_studio_jobs.stop,
            resume=label_studio_jobs.resume,
            render=lambda _, query: _render(workspace, query),
            is_overview=lambda query: not query.get("run") and not query.get("project"),
            wrap=view.render_page,
            place_above=lambda: parts.update(state=place_html()),
        ),
        workspace=workspace,
        person_of=person_of,
    )  # fmt: skip

    def maintainer(request: gr.Request) -> Person:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        return person

    def look(request: gr.Request) -> str:
        maintainer(request)
        return _render_state(workspace, read_query(request))

    def offer(request: gr.Request) -> list[Any]:
        maintainer(request)
        return _offer(workspace)

    def pull(request: gr.Request) -> str:
        person = maintainer(request)
        try:
            name = label_studio_jobs.start_pull(workspace, actor=f"user:{person.name}")
        except (AppError, StorageError) as exc:
            return view.render_page(render_refusal(str(exc)))
        return view.render_page(view.render_started(name, "Pull"))

    def name_person(email: Any, account: Any, request: gr.Request) -> list[Any]:
        person = maintainer(request)
        try:
            counted = label_studio_jobs.name_person(
                workspace, email=str(email or ""), account=str(account or ""), actor=f"user:{person.name}"
            )
        except (AppError, StorageError) as exc:
            return [view.render_page(render_refusal(str(exc))), gr.update(), gr.update()]
        return [view.render_page(view.render_named(str(email), str(account), counted)), *_offer(workspace)[:2]]

    offered = [parts["naming"], parts["email"], parts["account"], *fields[1:3]]
    pages.load(look, None, parts["state"], api_name="label_studio_look", **QUIET)
    pages.load(offer, None, offered, api_name="label_studio_offer", **QUIET)
    parts["pull"].click(pull, None, parts["pulled"], api_name="label_studio_pull", **QUIET)
    given, named = [parts["email"], parts["account"]], [parts["named"], parts["naming"], parts["email"]]
    parts["name"].click(name_person, given, named, api_name="label_studio_name", **QUIET)


def _build_form(parts: dict[str, Any]) -> list[Any]:
    with gr.Column(visible=False, elem_classes="cu-label-studio-part") as parts["naming"]:
        place_html("<h2>Whose e-mail is whose</h2>")
        with gr.Row(elem_classes="cu-level"):
            parts["email"] = gr.Dropdown([], label="E-mail of nobody here", allow_custom_value=True, min_width=240)
            parts["account"] = gr.Dropdown([], label="Account", allow_custom_value=True, min_width=200)
            parts["name"] = gr.Button("This is the same person", min_width=180)
    parts["named"] = place_html()
    place_html("<h2>Pull</h2>")
    with gr.Row():
        parts["pull"] = gr.Button("Pull what changed", variant="primary")
    parts["pulled"] = place_html()
    place_html(view.render_page(view.render_limits()))
    place_html("<h2>Push</h2>")
    with gr.Row():
        kinds = [(kind.value.replace("_", " ").capitalize(), kind.value) for kind in KINDS]
        kind = gr.Dropdown(kinds, value=kinds[0][1], label="What is asked", min_width=200)
        study = gr.Dropdown([], label="Study (for scores and failures)", allow_custom_value=True, min_width=220)
        person = gr.Dropdown([], label="For one person (a study needs it)", allow_custom_value=True, min_width=220)
        chosen = [(PICTURES.get(each, each), each) for each in label_studio_jobs.PICTURES]
        pictures = gr.Dropdown(chosen, value=chosen[0][1], label="Pictures", min_width=180)
    again = gr.Checkbox(label="Push again what was deleted there", value=False)
    renew = gr.Checkbox(label="New addresses for all pictures of open tasks", value=False)
    return [kind, study, person, pictures, again, renew]


def _read_form(values: Sequence[Any]) -> PushRequest:
    kind, study, person, pictures, again, renew = values
    return label_studio_jobs.make_request(
        kind=str(kind or ""), study=str(study or ""), person=str(person or ""), pictures=str(pictures or ""),
        again=bool(again), renew=bool(renew),
    )  # fmt: skip


def _begin(workspace: Workspace, asked: PushRequest, person: Person) -> str:
    name = label_studio_jobs.start_push(workspace, asked, actor=f"user:{person.name}")
    return view.render_started(name, "Push")


def _offer(workspace: Workspace) -> list[Any]:
    """Return whether an e-mail can be named, and the choices of e-mail, account, study and person."""
    choices = label_studio_jobs.list_choices(workspace)
    emails = [email for email, _ in label_studio_reading.read_overview(workspace).unknown]
    return [
        gr.update(visible=bool(emails)),
        gr.update(choices=emails, value=emails[0] if emails else None),
        gr.update(choices=list(choices.people)),
        gr.update(choices=list(choices.studies)),
        gr.update(choices=list(choices.people)),
    ]


def _render_state(workspace: Workspace, query: dict[str, str]) -> str:
    """Return how it stands with the server, or with a project's config there; empty where a job is shown."""
    if query.get("run"):
        return ""
    if not query.get("project"):
        return view.render_page(view.render_connection(label_studio_reading.read_connection(workspace)))
    try:
        project, _ = label_studio_reading.find_project(workspace, query["project"])
    except StorageError:
        return ""
    try:
        return view.render_page(
            view.render_config(project, drift=label_studio_reading.compare_config(workspace, project))
        )
    except AppError as exc:
        return view.render_page(view.render_config(project, problem=str(exc)))


def _render(workspace: Workspace, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a job lives, or can go on."""
    try:
        if query.get("run"):
            job, output = label_studio_reading.find_job(workspace, query["run"])
            return *view.render_job(job, output), job.state.is_live, not job.state.is_live
        if query.get("project"):
            project, odd = label_studio_reading.find_project(workspace, query["project"])
            return view.render_project(project, odd), "", False, False
        overview = label_studio_reading.read_overview(workspace)
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), "", False, False
    return view.render_overview(overview), "", False, False
