"""Mounting the Gradio pages behind the gate. Gradio is imported here, on call, and nowhere before."""

import os
import warnings
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request

from curator_app.access import person_of
from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace

if TYPE_CHECKING:
    import gradio


def mount_pages(app: FastAPI, *, workspace: Workspace, desk: SignInDesk) -> "gradio.Blocks":
    """Mount the pages at `/` and return them; `app` gets the mount. Loads gradio, which takes seconds."""
    # Read when gradio is imported: nothing is sent anywhere, and its files stay in the workspace.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(workspace.settings.home / "tmp"))
    import gradio as gr

    from curator_app.screens.frame import head_html
    from curator_app.screens.shell import build_blocks, build_theme

    blocks = build_blocks(workspace=workspace, desk=desk)
    with warnings.catch_warnings():
        # Said of every app with several pages, server-side rendering asked for or not.
        warnings.filterwarnings("ignore", message="SSR mode is not supported")
        gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            auth_dependency=_name_of,
            run_history=False,
            footer_links=[],
            enable_monitoring=False,
            show_error=True,
            ssr_mode=False,
            head=head_html(),
            theme=build_theme(),
        )
    return blocks


def _name_of(request: Request) -> str:
    return person_of(request).name
