"""The pages put together: one Gradio app, one page per route, no state of its own."""

import gradio as gr

from curator_app.screens.adjudicate import build_adjudicate_page
from curator_app.screens.asking import make_person_of
from curator_app.screens.constitutions import build_constitutions_page
from curator_app.screens.items import build_item_page
from curator_app.screens.judge_runs import build_judge_runs_page
from curator_app.screens.label_studio import build_label_studio_page
from curator_app.screens.people import build_people_page
from curator_app.screens.progress import build_progress_page
from curator_app.screens.releases import build_releases_page
from curator_app.screens.review import (
    build_audit_page,
    build_failures_page,
    build_leakage_page,
    build_review_page,
)
from curator_app.screens.runs import build_runs_page
from curator_app.screens.studies import build_studies_page
from curator_app.screens.training import build_training_page
from curator_app.screens.training_data import build_training_data_page
from curator_app.screens.wind_tunnel import build_wind_tunnel_page
from curator_app.sessions import SignInDesk
from curator_app.workspace import Workspace

_DESKS = (
    ("Audit", "/audit", build_audit_page),
    ("Failures", "/failures", build_failures_page),
    ("Leakage", "/leakage", build_leakage_page),
)
_PAGES = (
    ("Adjudicate", "/adjudicate", build_adjudicate_page),
    ("Progress", "/progress", build_progress_page),
    ("Runs", "/runs", build_runs_page),
    ("Judge", "/judge-runs", build_judge_runs_page),
    ("Training", "/training", build_training_page),
    ("Training data", "/training-data", build_training_data_page),
    ("Constitutions", "/constitutions", build_constitutions_page),
    ("Wind tunnel", "/wind-tunnel", build_wind_tunnel_page),
    ("Studies", "/studies", build_studies_page),
    ("Label Studio", "/label-studio", build_label_studio_page),
    ("Items", "/items", build_item_page),
    ("Releases", "/releases", build_releases_page),
)


def build_blocks(*, workspace: Workspace, desk: SignInDesk) -> gr.Blocks:
    """Return all pages; `access.PAGE_ROLES` names them and says who may open each."""
    person_of = make_person_of(desk)
    with gr.Blocks(title="Curator", analytics_enabled=False, fill_width=True) as pages:
        gr.Navbar(visible=False)
        build_review_page()
    for title, path, build_desk in _DESKS:
        with pages.route(title, path):
            gr.Navbar(visible=False)
            build_desk()
    for title, path, build_page in _PAGES:
        with pages.route(title, path):
            gr.Navbar(visible=False)
            build_page(pages, workspace=workspace, person_of=person_of)
    with pages.route("People", "/people"):
        gr.Navbar(visible=False)
        build_people_page(pages, workspace=workspace, desk=desk, person_of=person_of)
    return pages


def build_theme() -> gr.themes.Base:
    """Return the host's theme: the colours of `static/tokens.css`, and system fonts, so that nothing is fetched."""
    font = ["-apple-system", "Segoe UI", "Inter", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    surface, surface_dark = "#ffffff", "#15171b"
    ink, ink_dark = "#15171c", "#eef0f3"
    quiet, quiet_dark = "#474c57", "#b9bec8"
    line, line_dark = "#858b98", "#6f7684"
    accent, accent_dark = "#2f54d0", "#8faaff"
    return gr.themes.Default(font=font, font_mono=mono).set(
        body_background_fill=surface,
        body_background_fill_dark=surface_dark,
        body_text_color=ink,
        body_text_color_dark=ink_dark,
        background_fill_primary=surface,
        background_fill_primary_dark=surface_dark,
        block_background_fill=surface,
        block_background_fill_dark=surface_dark,
        block_border_width="0px",
        block_border_width_dark="0px",
        block_padding="4px 0",
        block_label_text_color=quiet,
        block_label_text_color_dark=quiet_dark,
        block_title_text_color=ink,
        block_title_text_color_dark=ink_dark,
        block_title_text_size="13px",
        block_title_text_weight="600",
        block_info_text_color=quiet,
        block_info_text_color_dark=quiet_dark,
        input_background_fill=surface,
        input_background_fill_dark=surface_dark,
        input_border_color=line,
        input_border_color_dark=line_dark,
        input_border_width="1px",
        input_border_width_dark="1px",
        checkbox_background_color_selected=accent,
        checkbox_background_color_selected_dark=accent_dark,
        checkbox_border_color_selected=accent,
        checkbox_border_color_selected_dark=accent_dark,
        checkbox_border_color=line,
        checkbox_border_color_dark=line_dark,
        checkbox_label_background_fill=surface,
        checkbox_label_background_fill_dark=surface_dark,
        checkbox_label_background_fill_selected=surface,
        checkbox_label_background_fill_selected_dark=surface_dark,
        button_large_text_size="15px",
        button_large_text_weight="500",
        button_large_radius="8px",
        button_primary_background_fill=accent,
        button_primary_background_fill_dark=accent_dark,
        button_primary_background_fill_hover="#2745b3",
        button_primary_background_fill_hover_dark="#adc1ff",
        button_primary_border_color=accent,
        button_primary_border_color_dark=accent_dark,
        button_primary_border_color_hover="#2745b3",
        button_primary_border_color_hover_dark="#adc1ff",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#0c1330",
        button_secondary_background_fill=surface,
        button_secondary_background_fill_dark=surface_dark,
        button_secondary_background_fill_hover="#eceef1",
        button_secondary_background_fill_hover_dark="#262a32",
        button_secondary_border_color=line,
        button_secondary_border_color_dark=line_dark,
        button_secondary_text_color=ink,
        button_secondary_text_color_dark=ink_dark,
        button_border_width="1px",
        button_border_width_dark="1px",
        color_accent=accent,
        color_accent_soft="#ebeffc",
        color_accent_soft_dark="#1d2745",
    )
