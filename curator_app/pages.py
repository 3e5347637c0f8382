"""Our own plain pages: sign-in, one-time links, account, notices. They work without JavaScript.

Every value that goes into a page is escaped here, in one place.
"""

import html
from functools import cache
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).with_name("templates")

PLAIN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy of these pages: HTML and a style sheet, nothing else."""


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / name).read_text(encoding="utf-8"))


def render_page(
    template: str, /, *, status: int = 200, headers: dict[str, str] | None = None, **values: str
) -> HTMLResponse:
    """Return a page of `templates/`, with every value escaped.

    Raises:
        KeyError: the template asks for a value that is not given.
    """
    texts = {key: html.escape(value, quote=True) for key, value in values.items()}
    frame = _template("frame.html")
    body = _template(template).substitute(texts)
    page = frame.substitute(title=texts["title"], body=body)
    policy = {"Content-Security-Policy": PLAIN_POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return HTMLResponse(page, status_code=status, headers={**policy, **(headers or {})})
