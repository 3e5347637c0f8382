"""The frame of every page: the top bar with its menus, and what the pages need in their head.

The bar is the same HTML for everybody; the script `static/frame.js` shows the links of the person's roles. That is
a courtesy only: the server checks the role of every page and every call.
"""

from dataclasses import dataclass
from functools import cache
from html import escape
from string import Template
from urllib.parse import urlencode

from curator_app.static_urls import STATIC, static_url

FIRST_STYLES = ("tokens.css", "components.css", "frame.css")
"""Read before the styles of single pages, which build on them."""
PLAIN_STYLES = frozenset({"plain.css"})
"""Styles of the pages without Gradio, which link them themselves."""


@dataclass(frozen=True)
class Page:
    """A link of the top bar."""

    slug: str
    path: str
    title: str
    roles: tuple[str, ...] = ()
    """Roles of which one is needed; empty: everybody. An admin sees all."""
    manages: bool = False
    """About the whole rather than the next item; for who has many pages, it moves into the menu `Manage`."""


PAGES = (
    Page("review", "/", "Review", ("annotator",)),
    Page("audit", "/audit", "Audit", ("annotator",)),
    Page("failures", "/failures", "Failures", ("annotator",)),
    Page("leakage", "/leakage", "Leakage", ("annotator",)),
    Page("adjudicate", "/adjudicate", "Adjudicate", ("adjudicator",)),
    Page("progress", "/progress", "Progress"),
    Page("runs", "/runs", "Runs", ("maintainer",), manages=True),
    Page("judge-runs", "/judge-runs", "Judge", ("maintainer",), manages=True),
    Page("training", "/training", "Training", ("trainer", "maintainer"), manages=True),
    Page("studies", "/studies", "Studies", ("annotator", "adjudicator", "maintainer"), manages=True),
    Page("label-studio", "/label-studio", "Label Studio", ("maintainer",), manages=True),
    Page("items", "/items", "Items", ("maintainer", "adjudicator"), manages=True),
    Page("releases", "/releases", "Releases", ("trainer", "maintainer"), manages=True),
    Page("people", "/people", "People", ("admin",), manages=True),
)


def head_html() -> str:
    """Return what goes into the head of every page: the styles in their order, and the script of the frame.

    Pass it to `mount_gradio_app(head=...)`. Style sheets of single pages in `curator_app/static` are included.
    """
    found = {path.name for path in STATIC.glob("*.css")} - PLAIN_STYLES - set(FIRST_STYLES)
    styles = [f'<link rel="stylesheet" href="{static_url(name)}">' for name in (*FIRST_STYLES, *sorted(found))]
    modules = [
        f'<link rel="modulepreload" href="{static_url(path.relative_to(STATIC).as_posix())}">'
        for path in [STATIC / "bar.js", STATIC / "person.js", *sorted(STATIC.glob("review/*.js"))]
    ]
    script = f'<script type="module" src="{static_url("frame.js")}"></script>'
    return "\n".join([*styles, *modules, script])


def page_bar(current: str) -> str:
    """Return the top bar alone, as the first HTML of a page made of Gradio's components.

    Args:
        current: the `slug` of the page in `PAGES`.
    """
    return f'<div class="cu" data-screen="frame" hidden>{top_bar(current)}</div>'


def top_bar(current: str, *, status: str = "", rows: str = "") -> str:
    """Return the top bar: mark, links, menu for phones, account menu with theme and sign-out.

    Args:
        current: the `slug` of the page in `PAGES`.
        status: HTML between the links and the account menu.
        rows: HTML of rows that the page adds to the account menu.
    """
    links = "".join(_link(page, current, "") for page in PAGES)
    menu = "".join(_link(page, current, ' class="cu-row"') for page in PAGES)
    manage = "".join(_link(page, current, ' class="cu-row"') for page in PAGES if page.manages)
    title = escape(next(page.title for page in PAGES if page.slug == current))
    bar = Template((STATIC / "bar.html").read_text(encoding="utf-8"))
    return _sprite() + bar.substitute(links=links, menu=menu, manage=manage, title=title, status=status, rows=rows)


def _link(page: Page, current: str, more: str) -> str:
    here = ' aria-current="page"' if page.slug == current else ""
    hidden = " hidden" if page.roles else ""
    names = f'data-page="{page.slug}" data-roles="{" ".join(page.roles)}"' + (" data-manages" if page.manages else "")
    return f'<a href="{escape(page.path)}" {names}{here}{hidden}{more}>{escape(page.title)}</a>'


def make_link(route: str, **query: str | int) -> str:
    """Return the address of a view of a page, ready for an attribute."""
    return escape(f"{route}?{urlencode(query)}" if query else route)


def wrap_page(classes: str, body: str) -> str:
    """Return `body` inside the element that our styles apply to."""
    return f'<div class="cu {classes}">{body}</div>'


@cache
def _sprite() -> str:
    return (STATIC / "icons.svg").read_text(encoding="utf-8").strip()
