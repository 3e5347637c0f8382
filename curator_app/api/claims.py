"""Claims over HTTP: take items, keep them, give them back, keep a draft, flag."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from curator_app.access import CurrentPerson, allow, check_roles
from curator_app.api.bodies import (
    MAX_DRAFT_BYTES,
    AuditBody,
    ClaimsBody,
    FailureBody,
    FlagBody,
    FreeObject,
    LeakReviewBody,
    LeakSettlementBody,
    PathClaimId,
    ReviewBody,
    UnskipBody,
    check_size,
)
from curator_app.api.claim_views import describe_claim, to_iso
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.workspace import Workspace
from storage import reviews
from storage.accounts import Person, Role
from storage.records import TaskKind

ROUTER = APIRouter(prefix="/api/v1/claims", tags=["claims"])
ROLE_OF_KIND = {
    TaskKind.SCENARIO_REVIEW: Role.ANNOTATOR,
    TaskKind.ADJUDICATION: Role.ADJUDICATOR,
    TaskKind.LEAKAGE_CHECK: Role.ANNOTATOR,
    TaskKind.LEAKAGE_ADJUDICATION: Role.ADJUDICATOR,
    TaskKind.JUDGE_AUDIT: Role.ANNOTATOR,
    TaskKind.JUDGE_CONSENSUS: Role.ADJUDICATOR,
    TaskKind.FAILURE_LABELS: Role.ANNOTATOR,
}
REVIEWER = allow(Role.ANNOTATOR, Role.ADJUDICATOR)
AnyBody = ReviewBody | LeakReviewBody | LeakSettlementBody | AuditBody | FailureBody
"""What may be sent under a claim."""


def check_kind(person: Person, kind: TaskKind) -> None:
    """Return if the person may do this kind of task.

    Raises:
        Forbidden: their roles do not allow it.
    """
    check_roles(person, {ROLE_OF_KIND[kind]})


def store_answers(body: AnyBody, *, person: Person, workspace: Workspace) -> Response:
    """Store what a person answered under a claim of theirs."""
    with workspace.db.write() as session:
        submitted = reviews.submit_review(
            session=session,
            user_id=person.id,
            claim_id=body.claim_id,
            answers=body.to_answers(),
            idempotency_key=body.idempotency_key,
        )
        check_kind(person, submitted.kind)  # the role may have been taken away since the claim was given out
        session.commit()
    return JSONResponse(
        {"review_id": submitted.review_id, "item_id": submitted.item_id, "repeated": submitted.repeated}
    )


@ROUTER.post("", dependencies=[REVIEWER])
def claim_items(body: ClaimsBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Hold up to `count` items: those held already by this holder come first."""
    check_kind(person, body.kind)
    with workspace.db.write() as session:
        claims = reviews.claim_next(
            session=session,
            user_id=person.id,
            kind=body.kind,
            count=body.count,
            holder=body.holder,
            ttl_s=workspace.settings.claim_ttl_s,
        )
        session.commit()
    described = [describe_claim(claim, workspace.titles) for claim in claims]
    # A finished response spares the busiest routes FastAPI's look at every value, and a trip to another thread.
    return JSONResponse({"claims": described, "server_time": to_iso(datetime.now(UTC))})


@ROUTER.post("/unskip", dependencies=[REVIEWER])
def unskip(body: UnskipBody, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, int]:
    """Be offered again what you skipped."""
    check_kind(person, body.kind)
    with workspace.db.write() as session:
        restored = reviews.unskip(session=session, user_id=person.id, kind=body.kind)
        session.commit()
    return {"restored": restored}


@ROUTER.post("/{claim_id}/renew", dependencies=[REVIEWER])
def renew(claim_id: PathClaimId, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, str]:
    """Keep a claim for another while."""
    with workspace.db.write() as session:
        expires_at = reviews.renew_claim(
            session=session, user_id=person.id, claim_id=claim_id, ttl_s=workspace.settings.claim_ttl_s
        )
        session.commit()
    return {"expires_at": to_iso(expires_at)}


@ROUTER.post("/{claim_id}/release", dependencies=[REVIEWER], status_code=204)
def release(claim_id: PathClaimId, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Give a claim back to the queue."""
    with workspace.db.write() as session:
        reviews.release_claim(session=session, user_id=person.id, claim_id=claim_id)
        session.commit()
    return Response(status_code=204)


@ROUTER.post("/{claim_id}/skip", dependencies=[REVIEWER], status_code=204)
def skip(claim_id: PathClaimId, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Give a claim back and do not be offered it again until `unskip`."""
    with workspace.db.write() as session:
        reviews.release_claim(session=session, user_id=person.id, claim_id=claim_id, skip=True)
        session.commit()
    return Response(status_code=204)


@ROUTER.put("/{claim_id}/draft", dependencies=[REVIEWER])
def save_draft(
    claim_id: PathClaimId, body: FreeObject, person: CurrentPerson, workspace: CurrentWorkspace
) -> dict[str, str]:
    """Keep what is filled in so far; any JSON object up to 30,000 bytes."""
    check_size(body, MAX_DRAFT_BYTES)
    with workspace.db.write() as session:
        saved_at = reviews.save_draft(session=session, user_id=person.id, claim_id=claim_id, body=body)
        session.commit()
    return {"saved_at": to_iso(saved_at)}


@ROUTER.post("/{claim_id}/flag", dependencies=[REVIEWER], status_code=204)
def flag(claim_id: PathClaimId, body: FlagBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Call a maintainer's attention to the item."""
    with workspace.db.write() as session:
        reviews.add_flag(session=session, user_id=person.id, claim_id=claim_id, note=body.note)
        session.commit()
    return Response(status_code=204)
