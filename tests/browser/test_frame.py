"""The frame's own HTML: every file that it names exists, and nothing in it runs by itself."""

import re
from pathlib import Path

import pytest

from curator_app import static_urls
from curator_app.screens import frame, review
from curator_app.static_urls import STATIC


def test_head_names_files_that_exist() -> None:
    names = re.findall(r'(?:href|src)="/static/v-[0-9a-f]{12}/([^"?]+)"', frame.head_html())
    assert "frame.js" in names and "review.css" in names and "review/dom.js" in names
    assert len(names) == len(re.findall(r"(?:href|src)=", frame.head_html()))
    for name in names:
        assert (STATIC / name).is_file(), name


def test_styles_come_in_their_order() -> None:
    styles = re.findall(r'stylesheet" href="/static/v-[0-9a-f]{12}/([^"?]+)', frame.head_html())
    assert styles[:3] == ["tokens.css", "components.css", "frame.css"]
    assert "plain.css" not in styles


def test_every_address_of_an_entry_carries_the_hash() -> None:
    assert re.fullmatch(r"/static/v-[0-9a-f]{12}/frame\.js", static_urls.static_url("frame.js"))
    with pytest.raises(FileNotFoundError, match="missing"):
        static_urls.static_url("missing.js")


def test_hash_follows_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_urls, "STATIC", tmp_path)
    seen = set()
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b/c.js", "2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        static_urls.static_hash.cache_clear()
        seen.add(static_urls.static_hash())
    static_urls.static_hash.cache_clear()
    assert len(seen) == 3


@pytest.mark.parametrize("page", [entry.slug for entry in frame.PAGES])
def test_bar_marks_one_page_and_hides_what_needs_a_role(page: str) -> None:
    html = frame.page_bar(page)
    manages = {entry.slug: entry.manages for entry in frame.PAGES}
    assert html.count('aria-current="page"') == 2 + manages[page]  # the bar, the phone's menu and Manage
    for entry in frame.PAGES:
        assert html.count(f'data-page="{entry.slug}"') == 2 + entry.manages
    for link in re.findall(r"<a [^>]*data-roles=[^>]*>", html):
        assert (" hidden" in link) == ('data-roles=""' not in link)


def test_page_holds_no_script_and_no_inline_handler() -> None:
    html = review.review_html()
    assert "<script" not in html
    assert not re.search(r"\son[a-z]+=", html)
    assert not re.search(r"\sstyle=", html)


def test_every_icon_that_is_used_exists() -> None:
    sources = [review.review_html(), *(path.read_text() for path in STATIC.rglob("*.js"))]
    used = {name for source in sources for name in re.findall(r"cu-i-[a-z]+", source)}
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    assert used <= drawn


def test_scripts_import_only_what_is_there() -> None:
    for path in STATIC.rglob("*.js"):
        for target in re.findall(r"from '(\.[^']+)'", path.read_text()):
            assert (path.parent / target).is_file(), f"{path.name} imports {target}"


def test_scripts_never_write_html() -> None:
    for path in STATIC.rglob("*.js"):
        source = path.read_text()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert word not in source, f"{path.name} uses {word}"
