"""How answers fail, over HTTP: send the labels of one; for maintainers, how far studies are, and the failure map."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import HTMLResponse

from curator_app.access import CurrentPerson, allow
from curator_app.actions import failures
from curator_app.api.audits import StudyName
from curator_app.api.bodies import FailureBody
from curator_app.api.claims import REVIEWER, store_answers
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.api.runs import POLICY
from storage.accounts import Role
from storage.errors import NotFound

ROUTER = APIRouter(prefix="/api/v1", tags=["failures"])
PAGES = APIRouter(prefix="/failures", include_in_schema=False)
MAINTAINER = allow(Role.MAINTAINER)


@ROUTER.post("/failures", dependencies=[REVIEWER])
def submit(body: FailureBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Send how an answer fails, all labels at once. Undo is that of reviews."""
    return store_answers(body, person=person, workspace=workspace)


@ROUTER.get("/failure-studies", dependencies=[MAINTAINER])
def list_studies(workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far every study of failures is, the newest first. Counts only, no labels."""
    return {"studies": [failures.describe_progress(each) for each in failures.read_all(workspace)]}


@ROUTER.get("/failure-studies/{name}", dependencies=[MAINTAINER])
def read_study(name: StudyName, workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far a study of failures is. Counts only, no labels."""
    return failures.describe_progress(failures.read_progress(workspace, name=name))


@ROUTER.get("/failure-studies/{name}/report", dependencies=[MAINTAINER])
def read_report(name: StudyName, workspace: CurrentWorkspace) -> dict[str, Any]:
    """The report of a closed study of failures: agreement on each label, and the map."""
    return failures.make_report(workspace, names=[name])


@PAGES.get("/map", dependencies=[MAINTAINER])
def show_map(workspace: CurrentWorkspace) -> HTMLResponse:
    """Show the map over all closed studies with the newest taxonomy; nothing in it can run."""
    names = failures.find_reported(workspace)
    if not names:
        raise NotFound("no study of failures is closed yet; `curator failures close NAME` closes one")
    return HTMLResponse(failures.draw_map(workspace, names=names), headers={"Content-Security-Policy": POLICY})


@PAGES.get("/map/{name}", dependencies=[MAINTAINER])
def show_study(name: StudyName, workspace: CurrentWorkspace) -> HTMLResponse:
    """Show the map of one closed study."""
    return HTMLResponse(failures.draw_map(workspace, names=[name]), headers={"Content-Security-Policy": POLICY})
