"""Lists of items as HTML. Every text that people or models wrote is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlencode

from curator_app.actions.item_list import ItemPage, ListedItem
from storage.item_search import ItemFilter
from storage.stages import Stage

FIND = (
    '<form class="cu-chooser" method="get" action="/items"><label>Item '
    '<input name="item" maxlength="64" placeholder="such as S-0012" required></label> '
    '<button class="cu-btn" data-line>Show</button></form>'
)


def render_latest(found: ItemPage) -> str:
    """Return the items of a run that changed last, with the way to each and to all."""
    if not found.items:
        return ""
    more = ""
    if found.total > len(found.items):
        more = f'<p class="cu-note"><a href="{_address(found.wanted)}">All {found.total:,}</a></p>'
    return f"<section><h2>Items that changed last</h2>{_render_table(found.items, batch=False)}{more}</section>"


def render_list(found: ItemPage, *, notice: str = "") -> str:
    """Return the page of all items: what to look for, the lines, and the way to the next page.

    `notice` is HTML that comes before them.
    """
    if not found.batches:
        return (
            '<section><h1 class="cu-say" tabindex="-1">There is no item yet.</h1><p class="cu-meta-line">'
            'Start a <a href="/runs">run</a>, or load the starter scenarios: <code>curator init --starter</code>.</p>'
            "</section>"
        )
    count = f"{found.total:,} {'item' if found.total == 1 else 'items'}"
    head = f'<h1 class="cu-say" tabindex="-1">{count}<span>{_tell_filter(found.wanted)}</span></h1>'
    body = _render_table(found.items) if found.items else _render_nothing()
    return f"<section>{head}{notice}{_render_form(found)}{body}{_render_pages(found)}</section>"


def _tell_filter(wanted: ItemFilter) -> str:
    said = [
        *([f"stage {wanted.stage}"] if wanted.stage else []),
        *([f"batch {wanted.batch}"] if wanted.batch else []),
        *([f"“{wanted.words}” in the query"] if wanted.words else []),
    ]
    return escape(f", {', '.join(said)}" if said else "")


def _render_form(found: ItemPage) -> str:
    wanted = found.wanted
    return (
        '<form class="cu-chooser" method="get" action="/items" role="search">'
        '<label>Label, or words of the query <input class="cu-long" name="words" maxlength="200" '
        f'value="{escape(wanted.words)}"></label> '
        f'<label>Stage <select name="stage">{_options(list(Stage), wanted.stage or "")}</select></label> '
        f'<label>Batch <select name="batch">{_options(found.batches, wanted.batch)}</select></label> '
        '<button class="cu-btn" data-line>Find</button></form>'
    )


def _options(names: Sequence[str], chosen: str) -> str:
    return '<option value="">any</option>' + "".join(
        f'<option value="{escape(name)}"{" selected" if name == chosen else ""}>{escape(name)}</option>'
        for name in names
    )


def _render_nothing() -> str:
    return (
        '<p class="cu-told" role="status">No item fits. Search for fewer words, or <a href="/items">show all items</a>.'
        "</p>"
    )


def _render_table(items: Iterable[ListedItem], *, batch: bool = True) -> str:
    head = '<th scope="col">Batch</th>' if batch else ""
    rows = "".join(
        f'<tr><th scope="row"><a href="/items?item={escape(item.label)}">{escape(item.label)}</a></th>'
        f"<td>{escape(item.stage)}</td>{f'<td>{escape(item.batch)}</td>' if batch else ''}"
        f'<td class="cu-wrap">{escape(item.query)}</td></tr>'
        for item in items
    )
    return (
        '<div class="cu-scroll"><table class="cu-table cu-blocks"><thead><tr><th scope="col">Item</th>'
        f'<th scope="col">Stage</th>{head}<th scope="col">Query</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _render_pages(found: ItemPage) -> str:
    if found.pages == 1:
        return ""
    newer = f'<a href="{_address(found.wanted, found.page - 1)}">Newer</a>' if found.page > 1 else ""
    older = f'<a href="{_address(found.wanted, found.page + 1)}">Older</a>' if found.page < found.pages else ""
    return (
        f'<nav class="cu-pages" aria-label="Pages"><span>Page {found.page:,} of {found.pages:,}</span>'
        f"{newer}{older}</nav>"
    )


def _address(wanted: ItemFilter, page: int = 1) -> str:
    values = {
        "words": wanted.words,
        "stage": wanted.stage or "",
        "batch": wanted.batch,
        "page": "" if page == 1 else page,
    }
    return escape("/items?" + urlencode({name: value for name, value in values.items() if value}))
