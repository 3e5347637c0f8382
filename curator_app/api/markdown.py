"""Markdown as safe HTML."""

import re
from functools import lru_cache
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt

# HTML in the source is shown as text; links keep to http, https and mailto by the library's own check.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# What a model wrote asks for nothing from anywhere: no picture is fetched, and no link leads out.
_ANSWER = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
_ENDS = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]*_]*\s+|\n+")
_MARKUP = re.compile(r"(?:\s|[#>|*_`~]|[-+](?=\s)|\d{1,9}[.)](?=\s)|[-=:|\s]+$)*")


@lru_cache(maxsize=16)
def render_markdown(text: str) -> str:
    """Return `text` as HTML in which nothing can run."""
    html: str = _MARKDOWN.render(text)
    return html


def find_sentences(text: str) -> list[int]:
    """Return where the sentences of a Markdown text begin, in characters, behind the marks of lists and headings.

    A line counts as a sentence's end, so that every point of a list has a place of its own.
    """
    ends = [0, *(found.end() for found in _ENDS.finditer(text)), len(text)]
    starts = []
    for begin, end in pairwise(ends):
        markup = _MARKUP.match(text, begin, end)
        start = begin if markup is None else markup.end()
        if start < end and any(char.isalnum() for char in text[start:end]):
            starts.append(start)
    return starts


def render_answer(text: str) -> str:
    """Return a model's answer as HTML, with an empty `<span data-start="N">` before every sentence.

    N is the place in `text` in characters. Nothing in the HTML can run, and nothing is fetched from anywhere.
    """
    mark = next(char for char in map(chr, range(0xE000, 0xF8FF)) if char not in text)
    starts = find_sentences(text)
    parts = [text[begin:end] for begin, end in zip([0, *starts], [*starts, len(text)], strict=True)]
    html: str = _ANSWER.render(mark.join(parts))
    pieces = html.split(mark)
    if len(pieces) != len(parts):  # the library has moved or dropped a mark, as within a definition of a link
        return f'<p><span data-start="{starts[0] if starts else 0}"></span>{escape(text)}</p>'
    return pieces[0] + "".join(
        f'<span data-start="{start}"></span>{piece}' for start, piece in zip(starts, pieces[1:], strict=True)
    )
