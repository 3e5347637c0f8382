"""Reports of judge runs and the leaderboard as pages of their own, in which nothing can run."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from curator_app.access import CurrentPerson, allow
from curator_app.actions import judge_pages
from curator_app.api.dependencies import CurrentWorkspace
from storage.accounts import Role

ROUTER = APIRouter(prefix="/judge-runs", include_in_schema=False)
POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'; sandbox"
}
Runs = Annotated[list[str] | None, Query(alias="run", max_length=40)]


@ROUTER.get("/report", dependencies=[allow(Role.MAINTAINER)])
def show_report(workspace: CurrentWorkspace, person: CurrentPerson, runs: Runs = None) -> HTMLResponse:
    """Show the report of one judge run, or of several beside one another; without names of all."""
    return HTMLResponse(judge_pages.draw_report_page(workspace, runs=runs or (), person=person), headers=POLICY)


@ROUTER.get("/leaderboard", dependencies=[allow(Role.MAINTAINER)])
def show_leaderboard(workspace: CurrentWorkspace, runs: Runs = None) -> HTMLResponse:
    """Show the leaderboard over some judge runs; without names over all."""
    return HTMLResponse(judge_pages.draw_leaderboard_page(workspace, runs=runs or ()), headers=POLICY)
