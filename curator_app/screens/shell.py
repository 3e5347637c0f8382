"""The pages put together: one Gradio app, one page per route, no state of its own."""

import gradio as gr

from curator_app.screens.asking import make_person_of
from curator_app.screens.people import build_people_page
from curator_app.screens.progress import build_progress_page
from curator_app.screens.review import build_review_page
from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace


def build_blocks(*, workspace: Workspace, desk: SignInDesk) -> gr.Blocks:
    """Return the pages `/`, `/progress`, `/releases` and `/people`."""
    person_of = make_person_of(desk)
    with gr.Blocks(title="Curator", analytics_enabled=False, fill_width=True) as pages:
        gr.Navbar(visible=False)
        build_review_page()
    with pages.route("Progress", "/progress"):
        gr.Navbar(visible=False)
        build_progress_page(pages, workspace=workspace, person_of=person_of)
    with pages.route("People", "/people"):
        gr.Navbar(visible=False)
        build_people_page(pages, workspace=workspace, desk=desk, person_of=person_of)
    return pages


def build_theme() -> gr.themes.Base:
    """Return the host's theme: system fonts, so that nothing is fetched, and our accent."""
    font = ["-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=font, font_mono=mono).set(
        button_primary_background_fill="#2f54d0",
        button_primary_background_fill_hover="#2745b3",
        button_primary_text_color="#ffffff",
    )
