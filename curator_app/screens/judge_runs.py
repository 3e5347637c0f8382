"""The page of judge runs for maintainers: list, start, watch, stop, resume, results, answers. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from curator_app.actions import judge_jobs, judge_plans, judge_reading
from curator_app.actions.constitutions import SHIPPED, WORKSPACE
from curator_app.actions.judge_jobs import JudgeRequest, identify
from curator_app.actions.judge_plans import MAX_CONSTITUTIONS_BYTES, JudgeForm, make_requests
from curator_app.errors import AppError
from curator_app.screens import judge_answers_view
from curator_app.screens import judge_runs_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.job_page import QUIET, JobPage, build_job_page, place_html
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from judge.config import MODES
from judge.metrics import LETTERS
from storage.accounts import Person, Role
from storage.errors import StorageError

CAPTIONS = [
    ("the model describes the picture first", "own"),
    ("a captioner's, with the picture", "given_with_image"),
    ("a captioner's alone", "given_alone"),
]


def build_judge_runs_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`.

    The address says what is shown: `?run=…`, `?run=…&letter=R&score=0`.
    """
    fields = build_job_page(
        pages,
        JobPage(
            page="judge-runs",
            handlers="judge",
            start="Start",
            build_form=_build_form,
            read_form=lambda values: make_requests(workspace, _read_form(values)),
            identify=identify,
            plan=lambda asked, lead: _plan(workspace, asked, lead),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=judge_jobs.stop_judge_run,
            resume=judge_jobs.resume_judge_run,
            render=lambda person, query: _render(workspace, person, query),
            is_overview=lambda query: not query.get("run"),
            wrap=view.render_page,
        ),
        workspace=workspace,
        person_of=person_of,
    )

    def offer(request: gr.Request) -> list[Any]:
        require(person_of(request), Role.MAINTAINER)
        return _offer(workspace)

    pages.load(offer, None, [fields[1], fields[2], fields[3], fields[5]], api_name="judge_offer", **QUIET)


def _begin(workspace: Workspace, asked: Sequence[JudgeRequest], person: Person) -> str:
    judge_jobs.start_judge_runs(workspace, asked, actor=f"user:{person.name}")
    return view.render_started([request.run for request in asked])


def _plan(workspace: Workspace, asked: Sequence[JudgeRequest], lead: str) -> str:
    for request in asked:
        judge_jobs.check_free(workspace, request.run)
    return view.render_plan(judge_plans.plan(workspace, asked), lead=lead)


def _build_form() -> list[Any]:
    """Return the fields in the order of `JudgeForm`."""
    place_html("<h2>Start judge runs</h2>")
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
    twins = gr.Checkbox(
        label="Ask about twins, too", value=False,
        info="The queries again, with the pictures in which the hazard is absent: how often does a model warn there?",
    )  # fmt: skip
    with gr.Accordion("Sampling", open=False):
        with gr.Row():
            repeats = gr.Number(label="Repeats of each judgment", value=1, precision=0, min_width=140)
            temperature = gr.Number(label="Temperature of the target", value=0.9, min_width=140)
            tokens = gr.Number(label="Tokens of an answer", value=4096, precision=0, min_width=140)
            seed = gr.Number(label="Seed", value=0, precision=0, min_width=100)
        caption = gr.Dropdown(CAPTIONS, value="own", label="Description in Caption mode", min_width=240)
    with gr.Accordion("Constitutions", open=False):
        texts = gr.Textbox(
            label="For Constitution mode", value=WORKSPACE, max_length=MAX_CONSTITUTIONS_BYTES, lines=6,
            info=f"“{WORKSPACE}” for those of the page of constitutions as they are now, “{SHIPPED}” for the six "
            "that come with the package, or YAML, a line of `category: text` for each",
        )  # fmt: skip
    return [
        name, release, endpoints, targets, modes, judges, samples, repeats, temperature, tokens, seed, caption, texts,
        budget, twins,
    ]  # fmt: skip


def _read_form(values: Sequence[Any]) -> JudgeForm:
    name, release, endpoints, targets, modes, judges, *numbers, caption, texts, budget, twins = values
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
        twins=bool(twins),
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
