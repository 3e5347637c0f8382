"""Static files over HTTP: our styles and scripts, cached by the hash in their address."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.datastructures import QueryParams
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from curator_app.access import allow_everybody

ROUTER = APIRouter(include_in_schema=False)
STATIC = Path(__file__).parent.parent / "static"


class HashedFiles(StaticFiles):
    """Files that a browser keeps for good when they were asked for as `name?v=HASH`, and asks about otherwise."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its Cache-Control."""
        response = await super().get_response(path, scope)
        hashed = "v" in QueryParams(scope["query_string"])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def mount_static(app: FastAPI) -> None:
    """Serve `curator_app/static` at `/static`. `app` gets a mount."""
    app.mount("/static", HashedFiles(directory=STATIC), name="static")


@ROUTER.get("/favicon.ico", dependencies=[allow_everybody()])
async def favicon() -> Response:
    """The mark in the browser's tab."""
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
