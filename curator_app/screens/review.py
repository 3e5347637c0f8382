"""The review screen as a page: one piece of HTML; `static/review/` does the rest in the browser, by the JSON API."""

import gradio as gr

from curator_app.screens.frame import STATIC, head_html, top_bar

__all__ = ["build_review_page", "head_html", "review_html"]


def build_review_page() -> None:
    """Place the review screen into the open Blocks or route. Serves `/` and `/?kind=adjudication`."""
    gr.HTML(review_html(), padding=False, apply_default_css=False, js_on_load=None, elem_id="cu-review-page")


def review_html() -> str:
    """Return the page's HTML. It holds no data: items come from the API and enter as text."""
    status = _read("review-status.html")
    rows = _read("review-menu.html")
    bar = top_bar("review", status=status, rows=rows)
    return f'<div class="cu" data-screen="review" data-state="loading" hidden>{bar}{_read("review.html")}</div>'


def _read(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
