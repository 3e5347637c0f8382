"""Static files over HTTP: our styles and scripts, cached by the hash in their address."""

import re

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from curator_app.access import allow_everybody
from curator_app.static_urls import STATIC, static_hash

ROUTER = APIRouter(include_in_schema=False)
VERSION = re.compile(r"v-[0-9a-f]{12}")
KEPT = "public, max-age=31536000, immutable"


class HashedFiles(StaticFiles):
    """Files that a browser keeps for good when it asked for them as `v-HASH/NAME`, and asks about otherwise."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its Cache-Control. A page from before an update gets today's file, and keeps none."""
        version, _, name = path.partition("/")
        response = await super().get_response(name if VERSION.fullmatch(version) else path, scope)
        response.headers["Cache-Control"] = KEPT if version == f"v-{static_hash()}" else "no-cache"
        return response


def mount_static(app: FastAPI) -> None:
    """Serve `curator_app/static` at `/static`. `app` gets a mount."""
    app.mount("/static", HashedFiles(directory=STATIC), name="static")


@ROUTER.get("/favicon.ico", dependencies=[allow_everybody()])
async def favicon() -> Response:
    """The mark in the browser's tab."""
    return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
