"""Markdown as safe HTML."""

from functools import lru_cache

from markdown_it import MarkdownIt

# HTML in the source is shown as text; links keep to http, https and mailto by the library's own check.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@lru_cache(maxsize=16)
def render_markdown(text: str) -> str:
    """Return `text` as HTML in which nothing can run."""
    html: str = _MARKDOWN.render(text)
    return html
