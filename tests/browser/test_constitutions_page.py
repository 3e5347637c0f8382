"""The page of constitutions in a real browser: edited with a reason, shown word by word, gone back to, only read."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_checks import find_serious
from playwright.sync_api import expect

from caspo.constitution import get_constitution
from curator_app.actions.constitutions import read_history

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_a_maintainer_edits_sees_the_difference_and_goes_back(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/constitutions")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("6 constitutions.")
    shoot(page, "constitutions-list")
    page.get_by_role("link", name="Self-Harm").click()
    expect(heading).to_contain_text("The package’s 1.0 is in use.")
    field = page.get_by_label("Text")
    shipped = get_constitution("self_harm").text
    expect(field).to_have_value(shipped)
    field.fill(shipped.replace("Play it through", "Play it through <img src=x onerror=alert(1)>", 1))
    page.get_by_role("button", name="Show difference").click()
    expect(page.locator("ins")).to_contain_text("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("The reason is missing")).to_be_visible()
    page.get_by_label("Reason").fill("Sharper.")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    expect(heading).to_contain_text("Version 1 is in use.")
    shoot(page, "constitutions-saved")
    page.get_by_role("link", name="What changed").last.click()
    expect(heading).to_contain_text("The package’s 1.0 to version 1.")
    assert find_serious(tab, "difference") == []
    page.go_back()
    page.get_by_role("link", name="The package’s 1.0").click()
    expect(heading).to_contain_text("an older one")
    expect(page.get_by_label("Reason")).to_have_value("Back to the package’s text")
    assert find_serious(tab, "older") == []
    shoot(page, "constitutions-older")
    page.get_by_role("button", name="Save as a new version").click()
    expect(heading).to_contain_text("Version 2 is in use.")
    history = read_history(site.workspace, "self_harm")
    assert [version.reason for version in history.versions] == ["", "Sharper.", "Back to the package’s text"]
    assert history.current.constitution.text == shipped
    assert tab.problems == []


def test_who_trains_reads_on_a_phone_and_does_not_edit(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("trainer"), width=390, height=844, color_scheme="dark")
    page = tab.page
    page.goto(site.url)
    expect(page).to_have_url(re.compile("/training"))  # the first page of who does nothing else
    page.goto(f"{site.url}/constitutions?category=hate_speech")
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    expect(page.get_by_label("Text")).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert find_serious(tab, "phone") == []
    shoot(page, "constitutions-phone-dark")
    page.goto(f"{site.url}/releases")
    expect(page.get_by_text("Benchmark quota")).to_be_visible()
    expect(page.get_by_role("button", name="Freeze release")).not_to_be_visible()
    assert page.goto(f"{site.url}/runs").status == 403
