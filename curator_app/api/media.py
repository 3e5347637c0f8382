"""Pictures over HTTP: `/media/{sha256}`. Content-addressed, so a browser may keep them for good."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, Response

from curator_app.access import allow
from curator_app.api.dependencies import CurrentWorkspace
from curator_app.workspace import Workspace
from storage import blobs

ROUTER = APIRouter(tags=["media"])
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
}


@ROUTER.get("/media/{sha256}", dependencies=[allow()], response_class=Response)
def read_media(sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], workspace: CurrentWorkspace) -> Response:
    """A stored picture by its hash."""
    return send_picture(workspace, sha256, headers={"Cache-Control": "private, max-age=31536000, immutable"})


def send_picture(workspace: Workspace, sha256: str, *, headers: dict[str, str]) -> Response:
    """Return the response that holds a stored picture.

    Raises:
        NotFound: there is none of this hash.
    """
    with workspace.db.read() as session:
        ref = blobs.get_blob(session=session, sha256=sha256)
    path = workspace.blobs.local_path(ref.sha256, ref.mime)
    sent = HEADERS | {"ETag": f'"{ref.sha256}"'} | headers
    if path is not None:
        return FileResponse(path, media_type=ref.mime, headers=sent)
    return Response(workspace.blobs.read(ref.sha256, ref.mime), media_type=ref.mime, headers=sent)
