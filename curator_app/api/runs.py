"""The report of a run as its own page, and its config as a file."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from curator_app.access import allow
from curator_app.actions.run_reading import find_report, read_config_file
from curator_app.api.dependencies import CurrentWorkspace
from storage.accounts import Role
from storage.errors import NotFound

ROUTER = APIRouter(prefix="/runs", include_in_schema=False)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; sandbox"


@ROUTER.get("/report/{name}", dependencies=[allow(Role.MAINTAINER)])
def show_report(name: str, workspace: CurrentWorkspace) -> HTMLResponse:
    """Show the report that a run wrote; nothing in it can run."""
    path = find_report(workspace, name=name)
    if path is None:
        raise NotFound(f"the run {name} has no report yet; it is written when the run ends")
    return HTMLResponse(path.read_text(encoding="utf-8"), headers={"Content-Security-Policy": POLICY})


@ROUTER.get("/config/{name}", dependencies=[allow(Role.MAINTAINER)])
def download_config(name: str, workspace: CurrentWorkspace) -> Response:
    """Hand out the config that a run was started with."""
    text = read_config_file(workspace, name=name)  # only a slug is a run's name, so it can stand in a header
    headers = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
    return Response(text, media_type="application/yaml; charset=utf-8", headers=headers)
