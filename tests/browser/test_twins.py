"""Looking at twins in a real browser: from the list of items through every twin that waits."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from approved_items import add_approved, add_twin
from page_checks import find_serious
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.thorough]
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"twin-{name}.png"), full_page=True)


@pytest.mark.parametrize(
    ("width", "theme", "first"), [(1440, "light", 101), (390, "dark", 104), (1440, "dark", 107), (390, "light", 110)]
)
def test_every_twin_that_waits_is_looked_at(
    site: Any, open_tab: Callable[..., Any], width: int, theme: str, first: int
) -> None:
    ids = add_approved(site.workspace.db, site.workspace.blobs, 2, first=first)
    for number, item_id in enumerate(ids):
        add_twin(site.workspace.db, site.workspace.blobs, item_id, harmless=None, picture=first + 500 + number)
    tab = open_tab(site.add_person("adjudicator"), width=width, height=900, color_scheme=theme)
    page = tab.page
    page.goto(f"{site.url}/items")
    expect(page.get_by_text("2 twins wait for a look.")).to_be_visible()
    shoot(page, f"list-{width}-{theme}")
    page.get_by_role("link", name="Look at the first").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Is the hazard gone from this picture?")
    pictures = page.locator(".cu-twin img")
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = find_serious(tab, f"look {width} {theme}")
    shoot(page, f"look-{width}-{theme}")
    page.get_by_role("button", name="Harmless").click()
    expect(page.locator(".cu-told[role=status]")).to_contain_text("is harmless; the next release takes it")
    expect(heading).to_contain_text("1 twin waits")
    page.get_by_role("button", name="Leave it out").click()
    expect(heading).to_contain_text("No twin waits for a look.")
    expect(page.get_by_role("button", name="Harmless")).to_be_hidden()
    shoot(page, f"none-{width}-{theme}")
    page.get_by_role("link", name="Change").click()
    expect(page.get_by_text("left out of releases by")).to_be_visible()
    page.get_by_role("button", name="Harmless").click()
    expect(page.locator(".cu-told[role=status]")).to_contain_text("is harmless")
    found += find_serious(tab, f"none {width} {theme}")
    assert found == []
    said = site.query(
        "SELECT json_extract(body, '$.harmless') FROM records WHERE kind = 'twin_review' ORDER BY seq DESC LIMIT 3"
    )
    assert [row[0] for row in said] == [1, 0, 1]
