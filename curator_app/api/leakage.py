"""Leakage checks over HTTP: lock the guess, lock the findings, submit the outcome; and settle where they differ."""

from typing import Any

from fastapi import APIRouter, Response

from curator_app.access import CurrentPerson, allow
from curator_app.actions.leak_checks import rates_as_json, read_rates
from curator_app.api.bodies import FindingsBody, GuessBody, LeakReviewBody, LeakSettlementBody, PathClaimId
from curator_app.api.claim_views import describe_claim
from curator_app.api.claims import store_answers
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.workspace import Workspace
from storage import leakage
from storage.accounts import Person, Role
from storage.claim_content import read_claim

ROUTER = APIRouter(prefix="/api/v1/leakage", tags=["leakage"])
CHECKER = allow(Role.ANNOTATOR)
MAINTAINER = allow(Role.MAINTAINER)


@ROUTER.get("/rates", dependencies=[MAINTAINER])
def rates(workspace: CurrentWorkspace) -> dict[str, Any]:
    """How often people named the hazard from the words alone, with 95% intervals, beside the detectors."""
    return rates_as_json(read_rates(workspace))


@ROUTER.post("/{claim_id}/guess", dependencies=[CHECKER])
def lock_guess(
    claim_id: PathClaimId, body: GuessBody, person: CurrentPerson, workspace: CurrentWorkspace
) -> dict[str, Any]:
    """Lock what you read from the query alone; the answer holds the picture. It cannot be changed afterwards."""
    with workspace.db.write() as session:
        leakage.lock_guess(
            session=session,
            user_id=person.id,
            claim_id=claim_id,
            text=body.text,
            sure=body.sure,
            seconds=body.seconds,
        )
        session.commit()
    return _read(workspace, person=person, claim_id=claim_id)


@ROUTER.post("/{claim_id}/findings", dependencies=[CHECKER])
def lock_findings(
    claim_id: PathClaimId, body: FindingsBody, person: CurrentPerson, workspace: CurrentWorkspace
) -> dict[str, Any]:
    """Lock what you find with the picture; the answer holds the hazard and what the machine found."""
    with workspace.db.write() as session:
        leakage.lock_findings(session=session, user_id=person.id, claim_id=claim_id, marks=body)
        session.commit()
    return _read(workspace, person=person, claim_id=claim_id)


@ROUTER.post("/reviews", dependencies=[CHECKER])
def submit(body: LeakReviewBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Submit the outcome. Undo is that of reviews; guess and findings stay as they were locked."""
    return store_answers(body, person=person, workspace=workspace)


@ROUTER.post("/adjudications", dependencies=[allow(Role.ADJUDICATOR)])
def settle(body: LeakSettlementBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Settle checks that differ: side with one of them by its letter, or send a new answer; `note` gives the reason."""
    return store_answers(body, person=person, workspace=workspace)


def _read(workspace: Workspace, *, person: Person, claim_id: str) -> dict[str, Any]:
    with workspace.db.read() as session:
        claim = read_claim(session=session, user_id=person.id, claim_id=claim_id)
    return {"claim": describe_claim(claim, workspace.titles)}
