"""A release as one zip file: `/releases/download/{version}`, for maintainers and trainers, in a browser or a script."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response, StreamingResponse

from curator_app.access import TRAINERS, allow
from curator_app.actions.releases import open_download
from curator_app.api.dependencies import CurrentWorkspace
from storage.releases import VERSION_PATTERN

ROUTER = APIRouter(tags=["releases"])


@ROUTER.get("/releases/download/{version}", dependencies=[allow(*TRAINERS)], response_class=Response)
def download_release(
    version: Annotated[str, Path(pattern=f"^{VERSION_PATTERN}$")], workspace: CurrentWorkspace
) -> Response:
    """The release folder as a zip file, made while it is sent. Unpack it and run `curator release verify`."""
    download = open_download(workspace, version=version)
    headers = {"Content-Disposition": f'attachment; filename="{download.file_name}"'}
    return StreamingResponse(download.pieces, media_type="application/zip", headers=headers)
