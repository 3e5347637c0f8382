"""What the routes ask for: the workspace and the desk that knows people."""

from typing import Annotated

from fastapi import Depends, Request

from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace


# Async though they wait for nothing: FastAPI would send a plain function to a thread.
async def _workspace_of(request: Request) -> Workspace:
    workspace = request.app.state.workspace
    assert isinstance(workspace, Workspace)
    return workspace


async def _desk_of(request: Request) -> SignInDesk:
    desk = request.app.state.desk
    assert isinstance(desk, SignInDesk)
    return desk


CurrentWorkspace = Annotated[Workspace, Depends(_workspace_of)]
CurrentDesk = Annotated[SignInDesk, Depends(_desk_of)]
