"""Studies of the judge over HTTP: send the scores of an answer; for maintainers, how far the studies are."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from curator_app.access import CurrentPerson, allow
from curator_app.actions import studies
from curator_app.api.bodies import AuditBody
from curator_app.api.claims import REVIEWER, store_answers
from curator_app.api.dependencies import CurrentWorkspace
from storage.accounts import Role

ROUTER = APIRouter(prefix="/api/v1", tags=["studies"])
MAINTAINER = allow(Role.MAINTAINER)
StudyName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Name of a study")]


@ROUTER.post("/audits", dependencies=[REVIEWER])
def submit(body: AuditBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Send the scores of an answer, or the final ones where the annotators differ. Undo is that of reviews."""
    return store_answers(body, person=person, workspace=workspace)


@ROUTER.get("/studies", dependencies=[MAINTAINER])
def list_studies(workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far every study is, the newest first. Counts only, no scores."""
    return {"studies": [studies.progress_as_json(each) for each in studies.read_all(workspace)]}


@ROUTER.get("/studies/{name}", dependencies=[MAINTAINER])
def read_study(name: StudyName, workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far a study is. Counts only, no scores."""
    return studies.progress_as_json(studies.read_progress(workspace, name=name))


@ROUTER.get("/studies/{name}/report", dependencies=[MAINTAINER])
def read_report(name: StudyName, workspace: CurrentWorkspace) -> dict[str, Any]:
    """The report of a closed study, with everything that its tables and plots show."""
    return studies.make_report(workspace, name=name)
