"""The page of training data: prepared out of releases and judge runs of the workspace. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from caspo.presets import PRESETS
from curator_app.access import TRAINERS
from curator_app.actions import training_data_jobs, training_reading
from curator_app.actions.training_data_jobs import DataAsked
from curator_app.errors import AppError
from curator_app.screens import training_data_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.job_page import QUIET, JobPage, build_job_page, place_html
from curator_app.screens.job_view import render_refusal
from curator_app.screens.training_tabs import render_tabs
from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.errors import StorageError


def build_training_data_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown: `?run=…`."""
    fields = build_job_page(
        pages,
        JobPage(
            page="training",
            handlers="training_data",
            roles=TRAINERS,
            start="Prepare",
            build_form=_build_form,
            read_form=lambda values: _read_form(workspace, values),
            identify=training_data_jobs.identify,
            plan=lambda asked, lead: _plan(workspace, asked, lead),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=training_data_jobs.stop_preparing,
            resume=training_data_jobs.resume_preparing,
            render=lambda _, query: _render(workspace, query),
            is_overview=lambda query: not query.get("run"),
            wrap=view.render_page,
            above=render_tabs(view.ROUTE),
        ),
        workspace=workspace,
        person_of=person_of,
    )

    def offer(request: gr.Request) -> list[Any]:
        require(person_of(request), *TRAINERS)
        releases, runs = training_data_jobs.list_sources(workspace)
        choices = [(f"{version} ({split.replace('_', ' ')})", version) for version, split in releases]
        return [gr.update(choices=choices, value=[version for _, version in choices[:1]]), gr.update(choices=runs)]

    pages.load(offer, None, fields[1:3], api_name="training_data_offer", **QUIET)


def _build_form() -> list[Any]:
    place_html("<h2>Prepare training data</h2>")
    with gr.Row():
        name = gr.Textbox(label="Name (none: the release and the seed)", max_length=64, min_width=200)
        releases = gr.Dropdown([], label="Releases", multiselect=True, allow_custom_value=True, min_width=220)
        runs = gr.Dropdown(
            [], label="Judge runs on them, for answers (may be none)", multiselect=True, allow_custom_value=True,
            min_width=260,
        )  # fmt: skip
    with gr.Row():
        preset = gr.Dropdown(list(PRESETS), value="recommended", label="Share of twins as in preset", min_width=180)
        seed = gr.Number(label="Seed", value=0, precision=0, min_width=100)
    drop = gr.Checkbox(
        label="Leave out what matches a benchmark", value=False, info="Otherwise a match refuses everything."
    )
    return [name, releases, runs, preset, seed, drop]


def _read_form(workspace: Workspace, values: Sequence[Any]) -> DataAsked:
    name, releases, runs, preset, seed, drop = values
    return training_data_jobs.make_asked(
        workspace,
        name=str(name or ""),
        releases=_texts(releases),
        judge_runs=_texts(runs),
        preset=str(preset or ""),
        seed=seed,
        drop_matches=bool(drop),
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, list | tuple) else ()


def _plan(workspace: Workspace, asked: DataAsked, lead: str) -> str:
    taken = training_data_jobs.find_folder(workspace, asked.name).exists()
    return view.render_plan(asked, taken=taken, lead=lead)


def _begin(workspace: Workspace, asked: DataAsked, person: Person) -> str:
    training_data_jobs.start_preparing(workspace, asked, actor=f"user:{person.name}")
    return view.render_started(asked.name)


def _render(workspace: Workspace, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a job lives, or can go on."""
    try:
        if not query.get("run"):
            releases, _ = training_data_jobs.list_sources(workspace)
            found = training_reading.list_training_data(workspace)
            return view.render_list(found, releases=bool(releases)), "", False, False
        one = training_reading.read_training_data(workspace, name=query["run"])
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), "", False, False
    again = one.job is not None and not one.is_live and one.manifest is None
    return view.render_data_head(one), view.render_data_body(one, workspace.titles), one.is_live, again
