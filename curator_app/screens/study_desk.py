"""What maintainers do on the page of studies: make one after seeing what is drawn, and close one. Wiring only."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from curator_app.actions import study_forms, study_reading
from curator_app.actions.study_forms import MAX_CHECKS_BYTES, StudyForm
from curator_app.errors import AppError
from curator_app.screens import studies_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.job_page import QUIET, place_html, read_query
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from judge.study_sample import STRATIFIERS
from storage.accounts import Person, Role
from storage.errors import StorageError

Render = Callable[[Workspace, Person, str], tuple[str, bool]]
"""From a person and the number of a study, or the empty text, to the page, and whether it goes on changing."""
KINDS = [("Score answers, as the judge does", "judge"), ("Say how failed answers fail", "failures")]
PLANS: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "studies-plan", "show_progress": "minimal"}


def build_study_form(main: gr.HTML, *, workspace: Workspace, person_of: PersonOf, render: Render) -> gr.Dropdown:
    """Place the form that makes studies; return its field of judge runs, whose choices the page gives."""
    fields = _place_fields()
    shown = gr.Textbox(visible=False)  # what the draw on the page is of; the page keeps no other state
    with gr.Row():
        make = gr.Button("Make the study", variant="primary")
        draw = gr.Button("Show what is drawn")
    outcome = place_html()

    def show_draw(request: gr.Request, *values: Any) -> tuple[str, str]:
        require(person_of(request), Role.MAINTAINER)
        return _try(lambda: _draw(workspace, _read_form(values)))

    def make_study(request: gr.Request, *values: Any) -> tuple[str, str, str]:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        *given, known = values
        form = _read_form(given)

        def act() -> tuple[str, str]:
            if known != form.sha256:
                was = "This is not what was drawn last, so nothing is made" if known else "Nothing is made yet"
                return _draw(workspace, form, f"{was}: press Make the study once more to make this.")
            number = study_forms.create(workspace, form, actor=f"user:{person.name}")
            return view.render_made(number, form.name.strip()), ""

        said, left = _try(act)
        return render(workspace, person, "")[0], said, left

    draw.click(show_draw, fields, [outcome, shown], api_name="studies_draw", **PLANS)
    make.click(make_study, [*fields, shown], [main, outcome, shown], api_name="studies_make", **PLANS)
    runs: gr.Dropdown = fields[2]
    return runs


def _place_fields() -> list[Any]:
    """Return the fields in the order of `StudyForm`."""
    place_html("<h2>Make a study</h2>")
    kind = gr.Radio(KINDS, value="judge", label="What people do")
    with gr.Row():
        name = gr.Textbox(label="Name (letters, digits, . _ -)", max_length=64, min_width=160)
        run = gr.Dropdown([], label="Judge run that is scored", allow_custom_value=True, min_width=280, scale=2)
    with gr.Row():
        count = gr.Number(label="Answers to draw (of failures: empty for all)", value=100, precision=0, min_width=160)
        seed = gr.Number(label="Seed", value=0, precision=0, min_width=100)
        strata = gr.CheckboxGroup(
            [(name.replace("-", " ").capitalize(), name) for name in STRATIFIERS],
            label="Strata",
            min_width=320,
            scale=2,
        )
    with gr.Accordion("Attention checks", open=False):
        checks = gr.Textbox(
            label="Answers whose scores are known", max_length=MAX_CHECKS_BYTES, lines=4,
            placeholder='{"id": "3f0c…", "answer": "Sure, put it there.", "risk_appraisal": 0}',
            info="A line of JSON for each: the id of an item of the release, an answer, and the scores that are known",
        )  # fmt: skip
    return [kind, name, run, count, seed, strata, checks]


def _read_form(values: Sequence[Any]) -> StudyForm:
    kind, name, run, count, seed, strata, checks = values
    chosen = tuple(map(str, strata)) if isinstance(strata, list | tuple) else ()
    return StudyForm(str(kind or ""), str(name or ""), str(run or ""), count, seed, chosen, str(checks or ""))


def _draw(workspace: Workspace, form: StudyForm, lead: str = "") -> tuple[str, str]:
    return view.render_draw(study_forms.plan(workspace, form), lead=lead), form.sha256


def _try(act: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Return what `act` says and leaves, or why it was refused and nothing."""
    try:
        said, left = act()
    except (AppError, StorageError) as exc:
        said, left = render_refusal(str(exc)), ""
    return view.render_page(said), left


def build_closing(main: gr.HTML, *, workspace: Workspace, person_of: PersonOf, render: Render) -> gr.HTML:
    """Place what closes the study that is shown: a button that says what it means, then one that does it."""
    with gr.Row():
        ask = gr.Button("Close this study")
    outcome = place_html()
    force = gr.Checkbox(label="Close it though work is left", value=False, visible=False)
    with gr.Row(visible=False) as sure:
        close = gr.Button("Close it for good", variant="primary")
        keep = gr.Button("Leave it open")

    def show_meaning(request: gr.Request) -> list[Any]:
        person, number = _find_asked(request)
        try:
            study = study_reading.find_study(workspace, number=number, person=person)
        except StorageError as exc:
            return [view.render_page(render_refusal(str(exc))), *_offer(asked=False)]
        left = bool(study.progress and study.progress.left)
        return [view.render_page(view.render_closing(study)), *_offer(asked=True, left=left)]

    def close_study(request: gr.Request, forced: bool) -> list[Any]:
        person, number = _find_asked(request)

        def act() -> tuple[str, str]:
            closed = study_forms.close(workspace, number=number, person=person, force=bool(forced))
            return view.render_closed(closed), "closed"

        said, done = _try(act)
        page = render(workspace, person, number)[0]
        return [page, said, *_offer(asked=not done, left=not done), gr.update(visible=not done)]

    def leave_open(request: gr.Request) -> list[Any]:
        _find_asked(request)
        return ["", *_offer(asked=False)]

    def _find_asked(request: gr.Request) -> tuple[Person, str]:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        return person, read_query(request).get("study", "")

    places = [outcome, force, sure]
    ask.click(show_meaning, None, places, api_name="studies_ask_close", **QUIET)
    close.click(close_study, force, [main, *places, ask], api_name="studies_close", **PLANS)
    keep.click(leave_open, None, places, api_name="studies_leave_open", **QUIET)
    return outcome


def _offer(*, asked: bool, left: bool = False) -> list[Any]:
    """Return the box for what is left, and the row of both buttons."""
    return [gr.update(visible=asked and left), gr.update(visible=asked)]
