"""The page of judge runs for maintainers: list, start, watch, stop, resume, results, answers. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from curator_app.actions import judge_jobs, judge_plans, judge_reading
from curator_app.actions.judge_jobs import JudgeRequest, identify
from curator_app.actions.judge_plans import MAX_CONSTITUTIONS_BYTES, JudgeForm, make_requests
from curator_app.actions.judging import SHIPPED
from curator_app.errors import AppError
from curator_app.screens import judge_answers_view
from curator_app.screens import judge_runs_view as view
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from judge.config import MODES
from judge.metrics import LETTERS
from storage.accounts import Person, Role
from storage.errors import StorageError

EVERY_S = 2.0
UNSEEN = "Nothing has started yet: press Start once more to start this."
CHANGED = "This is not what the last plan was of, so nothing has started: press Start once more to start this."
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
CAPTIONS = [
    ("the model describes the picture first", "own"),
    ("a captioner's, with the picture", "given_with_image"),
    ("a captioner's alone", "given_alone"),
]


def build_judge_runs_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Every handler asks for the role maintainer.

    The address says what is shown (`?run=…`, `?run=…&letter=R&score=0`), so that the page keeps no state.
    """
    gr.HTML(page_bar("judge-runs"), padding=False, apply_default_css=False, js_on_load=None)
    main = _html()
    with gr.Row(visible=False, elem_classes="cu-forms cu-run-acts") as acts:
        stop = gr.Button("Stop", visible=False)
        resume = gr.Button("Resume", variant="primary", visible=False)
    below = _html()
    with gr.Column(visible=False, elem_classes="cu-forms cu-run-form") as desk:
        fields = _build_form()
        planned = gr.Textbox(visible=False)  # which runs the plan on the page is of; the page keeps no other state
        with gr.Row():
            start = gr.Button("Start", variant="primary")
            plan = gr.Button("Show plan")
        outcome = _html()
    timer = gr.Timer(EVERY_S, active=False)
    shown = [main, acts, stop, resume, below, desk, timer]
    offered = [fields[1], fields[2], fields[3], fields[5]]

    def maintainer(request: gr.Request) -> Person:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        return person

    def show(request: gr.Request) -> list[Any]:
        return _show(workspace, maintainer(request), _query(request))

    def offer(request: gr.Request) -> list[Any]:
        maintainer(request)
        return _offer(workspace)

    def ask(act: Any, request: gr.Request) -> list[Any]:
        person = maintainer(request)
        with plain_errors():
            act(workspace, name=_query(request).get("run", ""), actor=person.name)
        return _show(workspace, person, _query(request))

    def stop_run(request: gr.Request) -> list[Any]:
        return ask(judge_jobs.stop_judge_run, request)

    def resume_run(request: gr.Request) -> list[Any]:
        return ask(judge_jobs.resume_judge_run, request)

    def start_runs(request: gr.Request, *values: Any) -> tuple[str, str, str]:
        person = maintainer(request)
        said, known = _start_or_plan(workspace, person, values)
        return _show(workspace, person, {})[0], said, known

    def show_plan(request: gr.Request, *values: Any) -> tuple[str, str]:
        maintainer(request)
        try:
            return _plan(workspace, make_requests(workspace, _read_form(values)), "")
        except (AppError, StorageError) as exc:
            return view.render_page(render_refusal(str(exc))), ""

    pages.load(show, None, shown, api_name="judge_show", **QUIET)
    pages.load(offer, None, offered, api_name="judge_offer", **QUIET)
    timer.tick(show, None, shown, api_name="judge_refresh", **QUIET)
    stop.click(stop_run, None, shown, api_name="judge_stop", **QUIET)
    resume.click(resume_run, None, shown, api_name="judge_resume", **QUIET)
    plans: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "judge-plan", "show_progress": "minimal"}
    start.click(start_runs, [*fields, planned], [main, outcome, planned], api_name="judge_start", **plans)
    plan.click(show_plan, fields, [outcome, planned], api_name="judge_plan", **plans)


def _start_or_plan(workspace: Workspace, person: Person, values: Sequence[Any]) -> tuple[str, str]:
    """Start what the form says if the plan on the page is of it, else show its plan; return HTML and the plan's id."""
    *fields, known = values
    try:
        asked = make_requests(workspace, _read_form(fields))
        if known != identify(asked):
            return _plan(workspace, asked, CHANGED if known else UNSEEN)
        judge_jobs.start_judge_runs(workspace, asked, actor=f"user:{person.name}")
        return view.render_page(view.render_started([request.run for request in asked])), ""
    except (AppError, StorageError) as exc:
        return view.render_page(render_refusal(str(exc))), ""


def _plan(workspace: Workspace, asked: Sequence[JudgeRequest], lead: str) -> tuple[str, str]:
    for request in asked:
        judge_jobs.check_free(workspace, request.run)
    return view.render_page(view.render_plan(judge_plans.plan(workspace, asked), lead=lead)), identify(asked)


def _build_form() -> list[Any]:
    """Return the fields in the order of `JudgeForm`."""
    _html("<h2>Start judge runs</h2>")
    with gr.Row():
        name = gr.Textbox(label="Name (letters, digits, . _ -)", max_length=64, min_width=160)
        release = gr.Dropdown([], label="Release", allow_custom_value=True, min_width=140)
        endpoints = gr.Dropdown([], label="Endpoints file", allow_custom_value=True, min_width=160)
    with gr.Row():
        targets = gr.Dropdown(
            [], label="Target models (none: the role target)", multiselect=True, allow_custom_value=True, min_width=240
        )
        modes = gr.CheckboxGroup(
            [(mode.capitalize(), mode) for mode in MODES], value=["standard"], label="Modes", scale=2, min_width=320
        )
    with gr.Row():
        judges = gr.Dropdown(
            [], label="Judges (none: all that the file has)", multiselect=True, allow_custom_value=True, min_width=240
        )
        samples = gr.Number(label="Answers to each item", value=1, precision=0, min_width=120)
        budget = gr.Number(label="Budget of each run in dollars (0: none)", value=0, minimum=0, min_width=160)
    with gr.Accordion("Sampling", open=False):
        with gr.Row():
            repeats = gr.Number(label="Repeats of each judgment", value=1, precision=0, min_width=140)
            temperature = gr.Number(label="Temperature of the target", value=0.9, min_width=140)
            tokens = gr.Number(label="Tokens of an answer", value=4096, precision=0, min_width=140)
            seed = gr.Number(label="Seed", value=0, precision=0, min_width=100)
        caption = gr.Dropdown(CAPTIONS, value="own", label="Description in Caption mode", min_width=240)
    with gr.Accordion("Constitutions", open=False):
        texts = gr.Textbox(
            label="For Constitution mode", value=SHIPPED, max_length=MAX_CONSTITUTIONS_BYTES, lines=6,
            info=f"“{SHIPPED}” for the six that come with the package, or YAML, a line of `category: text` for each",
        )  # fmt: skip
    return [
        name, release, endpoints, targets, modes, judges, samples, repeats, temperature, tokens, seed, caption, texts,
        budget,
    ]  # fmt: skip


def _read_form(values: Sequence[Any]) -> JudgeForm:
    name, release, endpoints, targets, modes, judges, *numbers, caption, texts, budget = values
    samples, repeats, temperature, tokens, seed = numbers
    return JudgeForm(
        name=str(name or ""),
        release=str(release or ""),
        endpoints=str(endpoints or ""),
        targets=_texts(targets),
        modes=_texts(modes),
        judges=_texts(judges),
        samples=samples,
        repeats=repeats,
        temperature=temperature,
        max_tokens=tokens,
        seed=seed,
        caption=str(caption or ""),
        constitutions=str(texts or ""),
        budget_usd=budget,
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, list | tuple) else ()


def _offer(workspace: Workspace) -> list[Any]:
    """Return what releases, endpoints files, targets and judges become."""
    found = judge_plans.read_choices(workspace)
    return [
        gr.update(choices=list(found.releases), value=next(iter(found.releases), None)),
        gr.update(choices=list(found.endpoints), value=next(iter(found.endpoints), None)),
        gr.update(choices=list(found.targets), value=[]),
        gr.update(choices=list(found.judges), value=list(found.judges)),
    ]


def _query(request: gr.Request) -> dict[str, str]:
    return {name: str(value) for name, value in dict(request.query_params).items()}


def _show(workspace: Workspace, person: Person, query: dict[str, str]) -> list[Any]:
    """Return what `shown` becomes: page, row of buttons, both buttons, what is below them, form, timer."""
    html, below, live, over = _render(workspace, person, query)
    return [
        view.render_page(html),
        gr.update(visible=live or over),
        gr.update(visible=live),
        gr.update(visible=over),
        view.render_page(below) if below else "",
        gr.update(visible=not query.get("run")),
        gr.Timer(active=live),
    ]


def _render(workspace: Workspace, person: Person, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a run lives, or can go on."""
    name = query.get("run")
    try:
        if not name:
            found = judge_reading.list_judge_runs(workspace)
            return view.render_list(found, judge_plans.read_choices(workspace)), "", False, False
        run = judge_reading.read_judge_run(workspace, name=name)
        wanted = judge_reading.read_filter(query)
        if wanted is not None:
            page = judge_reading.find_answers(workspace, name=name, wanted=wanted, person=person)
            return judge_answers_view.render_answers(run, page, workspace.titles), "", False, False
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), "", False, False
    letter = query.get("of", "R")
    body = view.render_run_body(run, letter=letter if letter in LETTERS else "R", titles=workspace.titles)
    return view.render_run_head(run), body, run.is_live, run.job is not None and not run.is_live


def _html(value: str = "") -> gr.HTML:
    return gr.HTML(value, padding=False, apply_default_css=False, js_on_load=None)
