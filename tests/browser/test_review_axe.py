"""axe finds nothing serious: light and dark, wide and narrow, in every state that has a look of its own."""

from collections.abc import Callable
from typing import Any

import pytest
from page_checks import find_serious

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_serious_finding_in_any_state(site: Any, open_tab: Callable[..., Any], width: int, theme: str) -> None:
    person, judged = site.add_person("annotator", preferences={}), site.judge(site.add_item(priority=95))
    tab = open_tab(person, width=width, height=900, color_scheme=theme, reduced_motion="reduce").open()
    found = find_serious(tab, "warning")
    tab.part("warning-start").click()
    found += find_serious(tab, "ready")
    tab.press("1", "2", "h", "3", "5", "m")
    tab.press("Escape")
    found += find_serious(tab, "revealed, with edits")
    tab.press("m", "g")
    tab.page.wait_for_selector(".cu-prose h2")
    found += find_serious(tab, "drawer")
    tab.press("Escape", "?")
    found += find_serious(tab, "settings")
    tab.press("Escape", "f")
    found += find_serious(tab, "flag")
    tab.press("Escape")
    tab.page.click('summary[aria-label="Account and theme"]')
    found += find_serious(tab, "menu")
    tab.press("Escape")
    assert tab.decide("9", "r") == judged
    tab.press("i")
    tab.page.wait_for_selector(".cu-models-row .cu-score")
    found += find_serious(tab, "models")
    tab.press("Escape")
    site.put_last(judged)
    tab.decide("s")
    tab.decide("a")
    tab.press("i")
    tab.page.wait_for_selector(".cu-models-none")
    found += find_serious(tab, "no model")
    tab.press("Escape")
    tab.page.route("**/api/v1/reviews", lambda route: route.abort())
    tab.decide("9", "r")
    tab.notice("failed").wait_for()
    found += find_serious(tab, "error")
    tab.page.unroute("**/api/v1/reviews")
    tab.context.set_offline(True)
    tab.notice("offline").wait_for()
    found += find_serious(tab, "offline")
    tab.context.set_offline(False)
    assert found == []


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_serious_finding_when_empty_and_when_settling(
    site: Any, open_tab: Callable[..., Any], width: int, theme: str
) -> None:
    site.empty_adjudication()
    person = site.add_person("adjudicator")
    tab = open_tab(person, width=width, color_scheme=theme).open("/?kind=adjudication", state="empty")
    found = find_serious(tab, "empty")
    item = site.add_item(overlap=2, priority=60)
    for verdict in ("approve", "reject"):
        assert site.review(site.add_person("annotator"), verdict=verdict) == item
    tab.press("Enter")
    tab.wait_state("ready")
    found += find_serious(tab, "settling")
    tab.press("n")
    tab.page.keyboard.type("done")
    tab.press("Escape", "a")
    tab.wait_state("empty")
    tab.wait_saved()
    assert found == []
