"""The top bar in a real browser: it fits whatever the person may open, and folds what many pages need."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]

LONG_MS = 40_000
ROLES = [("admin",), ("annotator",), ("annotator", "adjudicator")]


@pytest.mark.parametrize("roles", ROLES, ids="-".join)
def test_the_bar_fits_whatever_the_person_may_open(
    open_tab: Callable[..., Any], site: Any, roles: tuple[str, ...]
) -> None:
    tab = open_tab(site.add_person(*roles))
    for path in ("/studies", "/"):
        tab.page.goto(f"{site.url}{path}")
        page_of_role = tab.page.locator('.cu-nav a[data-page="studies"]')
        expect(page_of_role).not_to_have_attribute("hidden", "", timeout=LONG_MS)
        if path == "/":
            counts = tab.page.locator('[data-part="own-meter"]')
            expect(counts).not_to_have_attribute("hidden", "", timeout=LONG_MS)
        for width in (1440, 1280, 1200, 1121, 1000, 861, 850, 390):
            tab.page.set_viewport_size({"width": width, "height": 900})
            tab.page.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
            assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (width, path)
            name = tab.page.get_by_label("Account and theme").bounding_box()
            assert name["x"] + name["width"] <= width, (width, path, name)
            ways = tab.page.locator(".cu-nav:visible, .cu-top .cu-menu:visible")
            assert ways.count() == 1, (width, path)


def test_pages_about_the_whole_fold_into_a_menu_for_who_has_many(open_tab: Callable[..., Any], site: Any) -> None:
    page = open_tab(site.add_person("admin"), width=1440).page
    page.goto(f"{site.url}/studies")
    expect(page.locator('.cu-nav a[data-page="studies"]')).to_be_visible(timeout=LONG_MS)
    expect(page.locator('.cu-nav a[data-page="releases"]')).to_be_hidden()
    page.locator("summary", has_text="Manage").click()
    page.get_by_role("navigation", name="Manage").get_by_role("link", name="Releases").click()
    page.wait_for_url("**/releases")
    few = open_tab(site.add_person("maintainer"), width=1440).page
    few.goto(f"{site.url}/studies")
    expect(few.locator('.cu-nav a[data-page="releases"]')).to_be_visible(timeout=LONG_MS)
    expect(few.locator("summary", has_text="Manage")).to_be_hidden()
