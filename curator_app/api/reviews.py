"""Reviews over HTTP: submit one, take one back, and see what models found about an item that one has answered."""

from typing import Any

from fastapi import APIRouter, Response

from curator_app.access import CurrentPerson, allow
from curator_app.api.bodies import PathReviewId, ReviewBody, UndoBody
from curator_app.api.claim_views import describe_claim
from curator_app.api.claims import REVIEWER, check_kind, store_answers
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.api.suggestion_views import describe_suggestions
from storage.accounts import Role
from storage.suggestions import look_at_suggestions
from storage.undo import undo_review

ROUTER = APIRouter(prefix="/api/v1/reviews", tags=["reviews"])


@ROUTER.post("", dependencies=[REVIEWER])
def submit(body: ReviewBody, person: CurrentPerson, workspace: CurrentWorkspace) -> Response:
    """Store a review under a claim of yours. The answer never tells what others said."""
    return store_answers(body, person=person, workspace=workspace)


@ROUTER.post("/undo", dependencies=[REVIEWER])
def undo(body: UndoBody, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """Take back one of your last ten reviews; the item is yours again, the old answers are its draft."""
    with workspace.db.write() as session:
        claim = undo_review(
            session=session,
            user_id=person.id,
            review_id=body.review_id,
            holder=body.holder,
            ttl_s=workspace.settings.claim_ttl_s,
        )
        check_kind(person, claim.kind)  # an adjudication comes back with what others said
        session.commit()
    return {"claim": describe_claim(claim, workspace.titles)}


@ROUTER.post("/{review_id}/suggestions", dependencies=[allow(Role.ANNOTATOR)])
def suggestions(review_id: PathReviewId, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """See what models had found when you answered. That you looked is kept, once for each item and round."""
    with workspace.db.write() as session:
        found = look_at_suggestions(session=session, user_id=person.id, review_id=review_id)
        session.commit()
    return describe_suggestions(found)
