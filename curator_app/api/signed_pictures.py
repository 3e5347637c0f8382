"""Pictures for whoever holds their signed address, until it ends: for people who annotate in Label Studio.

Nobody has to be signed in here, so there is nothing but what the signature covers: one picture, by its hash.
"""

from fastapi import APIRouter
from starlette.responses import Response

from curator_app.access import allow_everybody
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.api.media import send_picture
from curator_app.labelstudio.picture_urls import PATH, check_signature, read_key
from storage.texts import utc_now

ROUTER = APIRouter(include_in_schema=False)
HEADERS = {
    "Cache-Control": "private, max-age=3600",
    # It is shown on the pages of another server, and drawn on there.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}


# Plain texts, checked here: what does not fit must not be repeated in an error.
@ROUTER.get(PATH + "/{sha256}", dependencies=[allow_everybody()], response_class=Response)
def read_signed_picture(sha256: str, workspace: CurrentWorkspace, until: str = "", signature: str = "") -> Response:
    """Send the picture."""
    key = read_key(workspace.settings)
    check_signature(key, sha256=sha256, until=until, signature=signature, now=utc_now())
    return send_picture(workspace, sha256, headers=HEADERS)
