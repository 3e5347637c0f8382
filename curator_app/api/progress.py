"""Progress and guidelines over HTTP."""

from typing import Any

from fastapi import APIRouter

from curator_app.access import CurrentPerson, allow, check_roles
from curator_app.actions.progress import read_progress
from curator_app.api.claims import REVIEWER
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.api.markdown import render_markdown
from storage import guidelines
from storage.accounts import Role
from storage.records import SETTLING_KINDS, TaskKind

ROUTER = APIRouter(prefix="/api/v1", tags=["progress"])


@ROUTER.get("/progress", dependencies=[allow()])
def progress(
    person: CurrentPerson, workspace: CurrentWorkspace, kind: TaskKind = TaskKind.SCENARIO_REVIEW
) -> dict[str, Any]:
    """Your own progress and the whole queue's. Counts only: no verdicts, and differences not for annotators."""
    if kind in SETTLING_KINDS:
        check_roles(person, {Role.ADJUDICATOR, Role.MAINTAINER})
    return read_progress(workspace, person=person, kind=kind)


@ROUTER.get("/guidelines/{kind}", dependencies=[REVIEWER])
def read_guidelines(kind: TaskKind, workspace: CurrentWorkspace) -> dict[str, Any]:
    """The newest guidelines for a kind of task."""
    with workspace.db.read() as session:
        row = guidelines.current(session=session, kind=kind)
    return {"version": row.version, "html": render_markdown(row.markdown), "markdown": row.markdown}
