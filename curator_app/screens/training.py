"""The page of trainings on verl: planned, started, watched, stopped, resumed, compared. Wiring only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from caspo.config import list_presets
from caspo.launch import find_version
from curator_app.access import TRAINERS
from curator_app.actions import training_jobs, training_places, training_reading
from curator_app.actions.monitor_page import find_alarms, render_monitor
from curator_app.actions.training_jobs import TrainingAsked
from curator_app.errors import AppError
from curator_app.screens import training_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.job_page import QUIET, JobPage, PlanRefused, build_job_page, place_html
from curator_app.screens.job_view import render_refusal
from curator_app.screens.training_tabs import render_tabs
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import StorageError


def build_training_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown: `?run=…`, `?left=…&right=…`."""
    fields = build_job_page(
        pages,
        JobPage(
            page="training",
            handlers="training",
            roles=TRAINERS,
            start="Start",
            build_form=_build_form,
            read_form=_read_form,
            identify=training_jobs.identify,
            plan=lambda asked, lead: _plan(workspace, asked, lead),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=training_jobs.stop_training,
            resume=training_jobs.resume_training,
            render=lambda person, query: _render(workspace, person, query),
            is_overview=lambda query: not (query.get("run") or query.get("left")),
            wrap=view.render_page,
            above=render_tabs(view.ROUTE),
        ),
        workspace=workspace,
        person_of=person_of,
    )

    def offer(request: gr.Request) -> list[Any]:
        require(person_of(request), *TRAINERS)
        found = (
            training_places.list_data(workspace),
            training_places.list_models(workspace),
            training_places.list_rewards(workspace),
        )
        return [gr.update(choices=each, value=next(iter(each), None)) for each in found]

    pages.load(offer, None, [fields[1], fields[3], fields[4]], api_name="training_offer", **QUIET)


def _build_form() -> list[Any]:
    """Return the fields in the order of `TrainingAsked`."""
    place_html("<h2>Start a training</h2>")
    with gr.Row():
        name = gr.Textbox(label="Name (letters, digits, . _ -)", max_length=64, min_width=160)
        data = gr.Dropdown([], label="Training data", allow_custom_value=True, min_width=180)
        preset = gr.Dropdown(
            list_presets(), value="qwen3-vl-4b-1xh100-recommended", label="Preset", allow_custom_value=True,
            min_width=260,
        )  # fmt: skip
    with gr.Row():
        model = gr.Dropdown(
            [], label="Folder of the model after SFT", allow_custom_value=True, min_width=300,
            info="In the workspace, or in a folder that the server’s settings name.",
        )  # fmt: skip
        reward = gr.Dropdown(
            [], label="Reward", allow_custom_value=True, min_width=300,
            info="A Python file or a server that the server’s settings allow.",
        )  # fmt: skip
    with gr.Accordion("Changes", open=False):
        changes = gr.Textbox(
            label="Further fields of the config, YAML", lines=5, max_length=training_places.MAX_CHANGES,
            placeholder="data: {steps: 100}\nchanges: {lam: 0.6}",
            info="As in a config file (docs/training.md); they go before the preset.",
        )  # fmt: skip
    force = gr.Checkbox(label="Start although preflight finds errors", value=False)
    return [name, data, preset, model, reward, changes, force]


def _read_form(values: Sequence[Any]) -> TrainingAsked:
    name, data, preset, model, reward, changes = (str(value or "") for value in values[:-1])
    return TrainingAsked(name, data, preset, model, reward, changes, force=bool(values[-1]))


def _plan(workspace: Workspace, asked: TrainingAsked, lead: str) -> str:
    planned = training_jobs.plan(workspace, asked)
    if not planned.may_start:
        raise PlanRefused(view.render_plan(planned, lead="Nothing has started."))
    return view.render_plan(planned, lead=lead)


def _begin(workspace: Workspace, asked: TrainingAsked, person: Person) -> str:
    training_jobs.start_training(workspace, asked, actor=f"user:{person.name}")
    return view.render_started(asked.name)


def _render(workspace: Workspace, person: Person, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a job lives, or can go on."""
    try:
        if query.get("run"):
            found = training_reading.read_training(workspace, name=query["run"])
            over = found.job is not None and not found.is_live
            body = view.render_training_body(found, _monitor, runs=person.has(Role.MAINTAINER))
            return view.render_training_head(found), body, found.is_live, over
        trainings = training_reading.list_trainings(workspace)
        if query.get("left") and query.get("right"):
            pair = training_reading.compare_trainings(workspace, left=query["left"], right=query["right"])
            return view.render_pair(pair, [each.name for each in trainings], _monitor), "", False, False
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), "", False, False
    alarms = [len(find_alarms(each.folder)) if each.attempts else 0 for each in trainings]
    return view.render_list(trainings, alarms, _list_lacks(workspace)), "", False, False


def _monitor(folders: Sequence[Path], names: Sequence[str]) -> str:
    return render_monitor(folders, names=names)


def _list_lacks(workspace: Workspace) -> list[str]:
    """Return what is missing before a training can start here, as HTML."""
    return view.list_lacks(
        verl=find_version("verl") is not None,
        data=bool(training_places.list_data(workspace)),
        models=bool(training_places.list_models(workspace)),
        rewards=bool(training_places.list_rewards(workspace)),
    )
