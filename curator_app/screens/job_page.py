"""What the pages of long jobs share: list, form, plan before a start, watch, stop, resume. Wiring only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import gradio as gr

from curator_app.errors import AppError
from curator_app.screens.asking import PersonOf, plain_errors, require
from curator_app.screens.frame import page_bar
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError

EVERY_S = 2.0
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
Asked = TypeVar("Asked")
Query = dict[str, str]


class PlanRefused(AppError):
    """What was asked for must not start; carries the plan as HTML, which says why."""

    def __init__(self, html: str) -> None:
        self.html = html
        super().__init__("this cannot start as it is planned; the plan says why")


class Act(Protocol):
    """Stops a job, or lets it go on."""

    def __call__(self, workspace: Workspace, *, name: str, actor: str) -> object:
        """Ask for it in the name of `actor`."""


@dataclass(frozen=True)
class JobPage(Generic[Asked]):
    """One kind of job. `Asked` is what its form asks for; what refuses raises an AppError or a StorageError."""

    page: str
    """Its name in the top bar."""
    handlers: str
    """What the names of its handlers begin with."""
    start: str
    """The words on the button."""
    build_form: Callable[[], list[Any]]
    read_form: Callable[[Sequence[Any]], Asked]
    identify: Callable[[Asked], str]
    """Tells requests from others: only what the plan on the page is of is started."""
    plan: Callable[[Asked, str], str]
    """HTML of the plan, led by a sentence."""
    begin: Callable[[Asked, Person], str]
    """Start it; HTML of what was started."""
    stop: Act
    resume: Act
    render: Callable[[Person, Query], tuple[str, str, bool, bool]]
    """What the address asks for, above and below the buttons; whether a job lives, or can go on."""
    is_overview: Callable[[Query], bool]
    """Whether the form is shown."""
    wrap: Callable[[str], str]
    """Puts HTML into the element that the page's styles apply to."""
    roles: Iterable[Role] = (Role.MAINTAINER,)
    """Of which one is needed."""
    above: str = ""
    """HTML between the bar and the page."""
    place_above: Callable[[], object] = lambda: None
    """Places what else comes before the page, with handlers of its own."""

    def show(self, person: Person, query: Query) -> list[Any]:
        """Return page, row of buttons, both buttons, what is below them, form, timer."""
        html, below, live, over = self.render(person, query)
        return [
            self.wrap(html),
            gr.update(visible=live or over),
            gr.update(visible=live),
            gr.update(visible=over),
            self.wrap(below) if below else "",
            gr.update(visible=self.is_overview(query)),
            gr.Timer(active=live),
        ]

    def show_plan(self, asked: Asked, lead: str = "") -> tuple[str, str]:
        """Return the plan as HTML, and what it is of."""
        return self.wrap(self.plan(asked, lead)), self.identify(asked)

    def start_or_plan(self, person: Person, values: Sequence[Any]) -> tuple[str, str]:
        """Start what the form says if the plan on the page is of it, else show its plan; return HTML and its id."""
        *fields, known = values
        asked = self.read_form(fields)
        if known != self.identify(asked):
            was = (
                "This is not what the last plan was of, so nothing has started" if known else "Nothing has started yet"
            )
            return self.show_plan(asked, f"{was}: press {self.start} once more to start this.")
        return self.wrap(self.begin(asked, person)), ""

    def refused(self, exc: Exception) -> tuple[str, str]:
        """Return why it was refused, in place of a plan."""
        return self.wrap(exc.html if isinstance(exc, PlanRefused) else render_refusal(str(exc))), ""


def build_job_page(pages: gr.Blocks, job: JobPage[Any], *, workspace: Workspace, person_of: PersonOf) -> list[Any]:
    """Place the page into the open route of `pages` and return the fields of its form.

    Every handler asks for one of the page's roles. The address says what is shown, so that the page keeps no state.
    """
    gr.HTML(page_bar(job.page), padding=False, apply_default_css=False, js_on_load=None)
    if job.above:
        place_html(job.above)
    job.place_above()
    main = place_html()
    with gr.Row(visible=False, elem_classes="cu-forms cu-run-acts") as acts:
        stop = gr.Button("Stop", visible=False)
        resume = gr.Button("Resume", variant="primary", visible=False)
    below = place_html()
    with gr.Column(visible=False, elem_classes="cu-forms cu-run-form") as desk:
        fields = job.build_form()
        planned = gr.Textbox(visible=False)  # what the plan on the page is of; the page keeps no other state
        with gr.Row():
            start = gr.Button(job.start, variant="primary")
            plan = gr.Button("Show plan")
        outcome = place_html()
    timer = gr.Timer(EVERY_S, active=False)
    shown = [main, acts, stop, resume, below, desk, timer]

    def worker(request: gr.Request) -> Person:
        person = person_of(request)
        require(person, *job.roles)
        return person

    def show(request: gr.Request) -> list[Any]:
        return job.show(worker(request), read_query(request))

    def ask(act: Act, request: gr.Request) -> list[Any]:
        person, query = worker(request), read_query(request)
        with plain_errors():
            act(workspace, name=query.get("run", ""), actor=person.name)
        return job.show(person, query)

    def stop_job(request: gr.Request) -> list[Any]:
        return ask(job.stop, request)

    def resume_job(request: gr.Request) -> list[Any]:
        return ask(job.resume, request)

    def start_job(request: gr.Request, *values: Any) -> tuple[str, str, str]:
        person = worker(request)
        try:
            said, known = job.start_or_plan(person, values)
        except (AppError, StorageError) as exc:
            said, known = job.refused(exc)
        return job.show(person, {})[0], said, known

    def show_plan(request: gr.Request, *values: Any) -> tuple[str, str]:
        worker(request)
        try:
            return job.show_plan(job.read_form(values))
        except (AppError, StorageError) as exc:
            return job.refused(exc)

    name = job.handlers
    pages.load(show, None, shown, api_name=f"{name}_show", **QUIET)
    timer.tick(show, None, shown, api_name=f"{name}_refresh", **QUIET)
    stop.click(stop_job, None, shown, api_name=f"{name}_stop", **QUIET)
    resume.click(resume_job, None, shown, api_name=f"{name}_resume", **QUIET)
    plans: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": f"{name}-plan", "show_progress": "minimal"}
    start.click(start_job, [*fields, planned], [main, outcome, planned], api_name=f"{name}_start", **plans)
    plan.click(show_plan, fields, [outcome, planned], api_name=f"{name}_plan", **plans)
    return fields


def read_query(request: gr.Request) -> Query:
    """Return what the address asks for."""
    return {name: str(value) for name, value in dict(request.query_params).items()}


def place_html(value: str = "") -> gr.HTML:
    """Place HTML without Gradio's own styles."""
    return gr.HTML(value, padding=False, apply_default_css=False, js_on_load=None)
