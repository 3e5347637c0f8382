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
from curator_app.screens import runs_view as view
from curator_app.screens.asking import PersonOf
from curator_app.screens.item_list_view import render_latest
from curator_app.screens.job_page import JobPage, build_job_page, place_html
from curator_app.screens.job_view import render_refusal
from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.errors import StorageError
from storage.item_search import ItemFilter


def build_runs_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown: `?run=…`, `?left=…&right=…`."""
    build_job_page(
        pages,
        JobPage(
            page="runs",
            handlers="runs",
            start="Start run",
            build_form=_build_form,
            read_form=lambda values: make_request(_read_form(values)),
            identify=identify,
            plan=lambda asked, lead: view.render_plan(runs.plan(workspace, asked), lead=lead),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=run_jobs.stop_run,
            resume=run_jobs.resume_run,
            render=lambda _, query: _render(workspace, query),
            is_overview=lambda query: not (query.get("run") or query.get("left")),
            wrap=view.render_page,
        ),
        workspace=workspace,
        person_of=person_of,
    )


def _begin(workspace: Workspace, asked: RunRequest, person: Person) -> str:
    run_jobs.start_run(workspace, asked, actor=f"user:{person.name}")
    return view.render_started(asked.config.batch)


def _build_form() -> list[Any]:
    """Return the fields in the order of `RunForm`."""
    place_html("<h2>Start a run</h2>")
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
        place_html(view.render_opener())
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
