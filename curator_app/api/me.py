"""The signed-in person over HTTP."""

from typing import Any

from fastapi import APIRouter

from curator_app.access import CurrentPerson, allow
from curator_app.api.bodies import MAX_PREFERENCES_BYTES, FreeObject, check_size
from curator_app.api.dependencies import CurrentWorkspace
from storage import accounts

ROUTER = APIRouter(prefix="/api/v1/me", tags=["me"])


@ROUTER.get("", dependencies=[allow()])
def read_me(person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """Your name, roles and preferences."""
    with workspace.db.read() as session:
        preferences = accounts.get_preferences(session=session, user_id=person.id)
    return {"name": person.name, "roles": sorted(role.value for role in person.roles), "preferences": preferences}


@ROUTER.put("/preferences", dependencies=[allow()])
def write_preferences(body: FreeObject, person: CurrentPerson, workspace: CurrentWorkspace) -> dict[str, Any]:
    """Replace your preferences; any JSON object up to 10,000 bytes."""
    check_size(body, MAX_PREFERENCES_BYTES)
    with workspace.db.write() as session:
        accounts.set_preferences(session=session, user_id=person.id, preferences=body)
        session.commit()
    return {"preferences": body}
