"""Health over HTTP: is the process up, and can it do its work."""

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from curator_app.access import allow_everybody
from curator_app.api.dependencies import CurrentWorkspace
from storage.errors import StorageError

ROUTER = APIRouter(tags=["health"])


@ROUTER.get("/healthz", dependencies=[allow_everybody()])
async def healthz() -> dict[str, str]:
    """Answers while the process is up."""
    return {"status": "ok"}


@ROUTER.get("/readyz", dependencies=[allow_everybody()])
def readyz(workspace: CurrentWorkspace) -> Response:
    """Answers 200 while the database answers and pictures can be written, else 503 with what is wrong.

    It says which part fails and nothing more: anybody may ask.
    """
    state = {"database": "ok", "blobs": "ok"}
    try:
        with workspace.db.read() as session:
            session.connection().execute(text("SELECT 1"))
    except (SQLAlchemyError, StorageError):
        state["database"] = "no answer"
    try:
        workspace.blobs.check_writable()
    except StorageError:
        state["blobs"] = "not writable"
    ready = set(state.values()) == {"ok"}
    return JSONResponse({"status": "ok" if ready else "not ready", **state}, status_code=200 if ready else 503)
