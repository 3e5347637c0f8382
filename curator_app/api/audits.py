"""Studies of the judge over HTTP: send the scores of an answer; how far the studies are, and what came out."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from curator_app.access import STUDY_PEOPLE, CurrentPerson, allow
from curator_app.actions import study_reading
from curator_app.api.bodies import AuditBody
from curator_app.api.claims import REVIEWER, store_answers
from curator_app.api.dependencies import CurrentWorkspace
from storage.accounts import Role

ROUTER = APIRouter(prefix="/api/v1", tags=["studies"])
STUDIES = allow(*STUDY_PEOPLE)
StudyName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Name of a study")]


@ROUTER.post("/audits", dependencies=[REVIEWER])
def submit(body: AuditBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Send the scores of an answer, or the final ones where the annotators differ. Undo is that of reviews."""
    return store_answers(body, person=person, workspace=workspace)


@ROUTER.get("/studies", dependencies=[STUDIES])
def list_studies(person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far every study is, the newest first. Counts only; of an open one, no name but for maintainers."""
    found = study_reading.list_studies(workspace, person=person)
    return {"studies": [study_reading.shown_as_json(each) for each in found]}


@ROUTER.get("/studies/{name}", dependencies=[STUDIES])
def read_study(name: StudyName, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """How far a study is. Counts only; an open one is there for maintainers alone."""
    return study_reading.shown_as_json(study_reading.read_study(workspace, name=name, person=person))


@ROUTER.get("/studies/{name}/agreement", dependencies=[allow(Role.MAINTAINER)])
def read_agreement(name: StudyName, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """The agreement so far in an open study, with intervals; for maintainers who do not score in it."""
    return study_reading.read_agreement(workspace, name=name, person=person)


@ROUTER.get("/studies/{name}/report", dependencies=[STUDIES])
def read_report(name: StudyName, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """The report of a closed study, with everything that its tables and plots show; for annotators too."""
    return study_reading.read_report(workspace, name=name, person=person)
