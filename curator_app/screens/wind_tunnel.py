"""The page of the wind tunnel: it is started, watched, stopped, resumed. Wiring only."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from curator_app.access import TRAINERS
from curator_app.actions import tunnel_jobs, tunnel_reading
from curator_app.actions.tunnel_jobs import SIZES, TunnelAsked
from curator_app.actions.wind_tunnel import WHOLE, TunnelRefused
from curator_app.errors import AppError
from curator_app.screens import wind_tunnel_view as view
from curator_app.screens.asking import PersonOf
from curator_app.screens.job_page import JobPage, build_job_page, place_html
from curator_app.screens.job_view import render_refusal
from curator_app.screens.training_tabs import render_tabs
from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.errors import NotFound, StorageError
from storage.texts import hash_json


def build_wind_tunnel_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. The address says what is shown: `?run=quick`, `?run=whole`."""
    build_job_page(
        pages,
        JobPage(
            page="training",
            handlers="wind_tunnel",
            roles=TRAINERS,
            start="Start",
            build_form=_build_form,
            read_form=_read_form,
            identify=lambda asked: hash_json(asked.to_json()),
            plan=lambda asked, lead: _plan(workspace, asked, lead),
            begin=lambda asked, person: _begin(workspace, asked, person),
            stop=tunnel_jobs.stop_tunnel,
            resume=tunnel_jobs.resume_tunnel,
            render=lambda _, query: _render(workspace, query),
            is_overview=lambda query: not query.get("run"),
            wrap=view.render_page,
            above=render_tabs(view.ROUTE),
        ),
        workspace=workspace,
        person_of=person_of,
    )


def _build_form() -> list[Any]:
    """Return the fields in the order of `TunnelAsked`."""
    place_html("<h2>Start a wind tunnel</h2>")
    size = gr.Radio(
        [("Quick: minutes, decides nothing", "quick"), (f"Whole: {WHOLE.count_runs()} runs, an hour", "whole")],
        value="quick", label="Size",
    )  # fmt: skip
    force = gr.Checkbox(
        label="Start RL although stage 0 does not pass its gate", value=False,
        info="The gate keeps RL from beginning with a model that has not learnt what it needs.",
    )  # fmt: skip
    return [size, force]


def _read_form(values: Sequence[Any]) -> TunnelAsked:
    size, force = values
    for known in SIZES:
        if size == known:
            return TunnelAsked(known, bool(force))
    raise TunnelRefused(f"there is no size {str(size)[:80]!r}; choose one of {', '.join(SIZES)}")


def _plan(workspace: Workspace, asked: TunnelAsked, lead: str) -> str:
    tunnel_jobs.check_installed()
    try:
        known = tunnel_reading.read_tunnel(workspace, name=asked.size)
    except NotFound:
        known = None
    return view.render_plan(asked, known, lead=lead)


def _begin(workspace: Workspace, asked: TunnelAsked, person: Person) -> str:
    tunnel_jobs.start_tunnel(workspace, asked, actor=f"user:{person.name}")
    return view.render_started(asked.size)


def _render(workspace: Workspace, query: dict[str, str]) -> tuple[str, str, bool, bool]:
    """Return the view that the address asks for, above and below the buttons; whether a job lives, or can go on."""
    try:
        if not query.get("run"):
            return view.render_list(tunnel_reading.read_training(workspace)), "", False, False
        found = tunnel_reading.read_tunnel(workspace, name=query["run"])
    except (StorageError, AppError) as exc:
        return render_refusal(str(exc)), "", False, False
    over = found.job is not None and not found.is_live
    return view.render_tunnel_head(found), view.render_tunnel_body(found), found.is_live, over
