"""What a model replied about an item, whole, as plain text."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import PlainTextResponse

from curator_app.access import CurrentPerson, allow
from curator_app.actions.item_history import read_reply
from curator_app.api.dependencies import CurrentWorkspace
from storage.accounts import Role

ROUTER = APIRouter(prefix="/items", include_in_schema=False)
# No browser takes the text for anything else, and nothing in it can run.
HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


@ROUTER.get("/reply/{name}/{sha256}", dependencies=[allow(Role.MAINTAINER, Role.ADJUDICATOR)])
def show_reply(
    name: str,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    workspace: CurrentWorkspace,
    person: CurrentPerson,
) -> PlainTextResponse:
    """Show one reply; who may not see the item's history yet does not see it either."""
    text = read_reply(workspace, name=name, request_sha256=sha256, person=person)
    return PlainTextResponse(text.encode("utf-8", "replace"), headers=HEADERS)
