"""The reports of trainings and of training data as pages of their own, in which nothing can run."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from curator_app.access import TRAINERS, allow
from curator_app.actions.training_reading import find_data_report, find_judged_page
from curator_app.actions.tunnel_reading import read_page
from curator_app.api.dependencies import CurrentWorkspace

ROUTER = APIRouter(prefix="/training", include_in_schema=False)
POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'; sandbox"
}


@ROUTER.get("/report/{name}", dependencies=[allow(*TRAINERS)])
def show_report(name: str, workspace: CurrentWorkspace) -> HTMLResponse:
    """Show the report of a wind tunnel (`quick`, `whole`) or of the walk (`walk`)."""
    return HTMLResponse(read_page(workspace, name), headers=POLICY)


@ROUTER.get("/data/{name}", dependencies=[allow(*TRAINERS)])
def show_data_report(name: str, workspace: CurrentWorkspace) -> HTMLResponse:
    """Show the report on training data."""
    return HTMLResponse(find_data_report(workspace, name).read_text(encoding="utf-8"), headers=POLICY)


@ROUTER.get("/judged/{name}", dependencies=[allow(*TRAINERS)])
def show_judged(name: str, workspace: CurrentWorkspace) -> HTMLResponse:
    """Show how the result of a training was judged."""
    return HTMLResponse(find_judged_page(workspace, name).read_text(encoding="utf-8"), headers=POLICY)
