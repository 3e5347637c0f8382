"""The Runs page for maintainers: list, start, watch, stop, resume, compare. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from curator_app.actions import run_jobs, run_reading, runs
from curator_app.actions.item_list import find_items
from curator_app.actions.run_forms import (
    CRITERIA,
    MAX_CONFIG_BYTES,
    RunForm,
    default_thresholds,
    identify,
    make_request,
)
from curator_app.actions.runs import RunRequest
from curator_app.errors import AppError
from curator_app.screens import runs_view as view
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.screens.item_list_view import render_latest
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError
from storage.item_search import ItemFilter

EVERY_S = 2.0
UNSEEN = "Nothing has started yet: press Start run once more to start this."
CHANGED = "This is not what the last plan was of, so nothing has started: press Start run once more to start this."
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden"}


def build_runs_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Every handler asks for the role maintainer.

    The address says what is shown (`?run=…`, `?left=…&right=…`), so that the page keeps no state.
    """
    gr.HTML(page_bar("runs"), padding=False, apply_default_css=False, js_on_load=None)
    main = _html()
    with gr.Row(visible=False, elem_classes="cu-forms cu-run-acts") as acts:
        stop = gr.Button("Stop", visible=False)
        resume = gr.Button("Resume", variant="primary", visible=False)
    below = _html()
    with gr.Column(visible=False, elem_classes="cu-forms cu-run-form") as desk:
        fields = _build_form()
        planned = gr.Textbox(visible=False)  # which request the plan on the page is of; the page keeps no other state
        with gr.Row():
            start = gr.Button("Start run", variant="primary")
            plan = gr.Button("Show plan")
        outcome = _html()
    timer = gr.Timer(EVERY_S, active=False)
    shown = [main, acts, stop, resume, below, desk, timer]

    def maintainer(request: gr.Request) -> Person:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        return person

    def show(request: gr.Request) -> list[Any]:
        maintainer(request)
        return _show(workspace, _query(request))

    def ask(act: Any, request: gr.Request) -> list[Any]:
        person = maintainer(request)
        with plain_errors():
            act(workspace, name=_query(request).get("run", ""), actor=person.name)
        return _show(workspace, _query(request))

    def stop_run(request: gr.Request) -> list[Any]:
        return ask(run_jobs.stop_run, request)

    def resume_run(request: gr.Request) -> list[Any]:
        return ask(run_jobs.resume_run, request)

    def start_run(request: gr.Request, *values: Any) -> tuple[str, str, str]:
        said, known = _start_or_plan(workspace, maintainer(request), values)
        return _show(workspace, {})[0], said, known

    def show_plan(request: gr.Request, *values: Any) -> tuple[str, str]:
        maintainer(request)
        try:
            return _plan(workspace, make_request(_read_form(values)), "")
        except (AppError, StorageError) as exc:
            return view.render_page(render_refusal(str(exc))), ""

    pages.load(show, None, shown, api_name="runs_show", **QUIET)
    timer.tick(show, None, shown, api_name="runs_refresh", **QUIET)
    stop.click(stop_run, None, shown, api_name="runs_stop", **QUIET)
    resume.click(resume_run, None, shown, api_name="runs_resume", **QUIET)
    plans: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "plan", "show_progress": "minimal"}
    start.click(start_run, [*fields, planned], [main, outcome, planned], api_name="runs_start", **plans)
    plan.click(show_plan, fields, [outcome, planned], api_name="runs_plan", **plans)


def _start_or_plan(workspace: Workspace, person: Person, values: Sequence[Any]) -> tuple[str, str]:
    """Start what the form says if the plan on the page is of it, else show its plan; return HTML and the plan's id."""
    *fields, known = values
    try:
        asked = make_request(_read_form(fields))
        if known != identify(asked):
            return _plan(workspace, asked, CHANGED if known else UNSEEN)
        run_jobs.start_run(workspace, asked, actor=f"user:{person.name}")
        return view.render_page(view.render_started(asked.config.batch)), ""
    except (AppError, StorageError) as exc:
        return view.render_page(render_refusal(str(exc))), ""


def _plan(workspace: Workspace, asked: RunRequest, lead: str) -> tuple[str, str]:
    return view.render_page(view.render_plan(runs.plan(workspace, asked), lead=lead)), identify(asked)


def _build_form() -> list[Any]:
    """Return the fields in the order of `RunForm`."""
    _html("<h2>Start a run</h2>")
    with gr.Row():
        batch = gr.Textbox(label="Name (a-z, 0-9, _)", max_length=64, min_width=160)
        count = gr.Number(label="Scenarios", value=20, precision=0, min_width=120)
        seed = gr.Number(label="Seed", value=0, precision=0, min_width=120)
        budget = gr.Number(label="Budget in dollars (0: none)", value=0, minimum=0, min_width=140)
    with gr.Row():
        choices = [("none: the scene's description", "none"), ("drawn by the image model", "synthetic")]
        pictures = gr.Dropdown(choices, value="none", label="Pictures", min_width=200)
        licence = gr.Textbox(label="Licence of drawn pictures", max_length=200, min_width=200)
    with gr.Accordion("Thresholds", open=False), gr.Row():
        limits = [
            gr.Number(label=name.replace("_", " ").capitalize(), value=value, precision=0, min_width=150)
            for name, value in zip(CRITERIA, default_thresholds(), strict=True)
        ]
        dedup = gr.Number(label="Duplicate from cosine", value=0.9, min_width=150)
        rounds = gr.Number(label="Rewrites at most", value=2, precision=0, min_width=150)
    with gr.Accordion("Or a config as YAML", open=False):
        _html(view.render_opener())
        text = gr.Textbox(
            label="Config", info="used instead of the fields above, but for the budget", lines=8, elem_id="cu-config",
            max_length=MAX_CONFIG_BYTES,
        )  # fmt: skip
    return [batch, seed, count, pictures, licence, *limits, dedup, rounds, budget, text]


def _read_form(values: Sequence[Any]) -> RunForm:
    batch, seed, count, pictures, licence, *limits, dedup, rounds, budget, text = values
    return RunForm(
        str(batch or ""), seed, count, str(pictures), str(licence or ""), tuple(limits), dedup, rounds, budget,
        str(text or ""),
    )  # fmt: skip


def _query(request: gr.Request) -> dict[str, str]:
    return {name: str(value) for name, value in dict(request.query_params).items()}


def _show(workspace: Workspace, query: dict[str, str]) -> list[Any]:
    """Return what `shown` becomes: page, row of buttons, both buttons, what is below them, form, timer."""
    html, below, live, over = _render(workspace, query)
    overview = not (query.get("run") or query.get("left"))
    return [
        view.render_page(html),
        gr.update(visible=live or over),
        gr.update(visible=live),
        gr.update(visible=over),
        view.render_page(below) if below else "",
        gr.update(visible=overview),
        gr.Timer(active=live),
    ]


def _render(workspace: Workspace, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a run lives, or can go on."""
    try:
        if query.get("run"):
            run = run_reading.read_run(workspace, name=query["run"])
            live = run.job.state.is_live
            body = view.render_run_body(
                run, render_latest(find_items(workspace, ItemFilter(batch=run.job.name), size=24))
            )
            return view.render_run_head(run), body, live, not live
        found = run_reading.list_runs(workspace)
        if query.get("left") and query.get("right"):
            both = run_reading.compare_runs(workspace, left=query["left"], right=query["right"])
            return view.render_comparison(both, found), "", False, False
    except StorageError as exc:
        return render_refusal(str(exc)), "", False, False
    return view.render_list(found, runs.find_endpoints_file(workspace)), "", False, False


def _html(value: str = "") -> gr.HTML:
    return gr.HTML(value, padding=False, apply_default_css=False, js_on_load=None)
