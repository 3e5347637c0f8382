"""The screens of the queue as pages: one piece of HTML each; scripts in `static/` do the rest by the JSON API."""

import gradio as gr

from curator_app.screens.frame import head_html, top_bar
from curator_app.static_urls import STATIC

__all__ = [
    "audit_html",
    "build_audit_page",
    "build_failures_page",
    "build_leakage_page",
    "build_review_page",
    "failures_html",
    "head_html",
    "leakage_html",
    "review_html",
]


def build_review_page() -> None:
    """Place the review screen into the open Blocks or route. Serves `/` and `/?kind=adjudication`."""
    gr.HTML(review_html(), padding=False, apply_default_css=False, js_on_load=None, elem_id="cu-review-page")


def build_audit_page() -> None:
    """Place the audit into the open route. Serves `/audit` and `/audit?kind=judge_consensus`."""
    gr.HTML(audit_html(), padding=False, apply_default_css=False, js_on_load=None, elem_id="cu-audit-page")


def build_failures_page() -> None:
    """Place the labelling of failures into the open route."""
    gr.HTML(failures_html(), padding=False, apply_default_css=False, js_on_load=None, elem_id="cu-failures-page")


def build_leakage_page() -> None:
    """Place the leakage check into the open route. Serves `/leakage` and `/leakage?kind=leakage_adjudication`."""
    gr.HTML(leakage_html(), padding=False, apply_default_css=False, js_on_load=None, elem_id="cu-leakage-page")


def review_html() -> str:
    """Return the page's HTML. It holds no data: items come from the API and enter as text."""
    return _desk_html("review")


def audit_html() -> str:
    """Return the page's HTML. It holds no data, and the API tells neither the judge's scores nor the model's name."""
    return _desk_html("audit")


def failures_html() -> str:
    """Return the page's HTML. It holds no data; the labels come from the API with the study's own taxonomy."""
    return _desk_html("failures")


def leakage_html() -> str:
    """Return the page's HTML. It holds no data, and the API holds back what the person must not see yet."""
    return _desk_html("leakage")


def _desk_html(screen: str) -> str:
    """A screen's own case and dock, with what all screens of the queue share around them."""
    bar = top_bar(screen, status=_read("review-status.html"), rows=_read("review-menu.html"))
    parts = (f"{screen}.html", "desk-blank.html", f"{screen}-dock.html", "desk-dialogs.html")
    body = "".join(_read(name) for name in parts)
    for name in ("desk-picture", "desk-tools", "desk-actions"):  # the same in every screen, in different places
        body = body.replace(f"<!-- {name} -->", _read(f"{name}.html").rstrip())
    return f'<div class="cu" data-screen="{screen}" data-state="loading" hidden>{bar}{body}</div>'


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
