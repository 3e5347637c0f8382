"""The pages of trainings and training data in a real browser, with real processes; a stand-in takes verl's steps."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from approved_items import add_approved
from page_checks import find_serious
from playwright.sync_api import expect
from trainings_here import stand_in

from curator_app.actions import background_jobs, releases, training_data_jobs
from curator_app.settings import Settings
from curator_app.workspace import create_workspace
from storage.jobs import JobState

pytestmark = [
    pytest.mark.browser, pytest.mark.thorough, pytest.mark.timeout(1800), pytest.mark.xdist_group("browser-views"),
]  # fmt: skip
expect.set_options(timeout=300_000)
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the last step that a training may take."""
    file = tmp_path_factory.mktemp("gate") / "step"
    file.write_text("0")
    return file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any], gate: Path) -> Iterator[Any]:
    """A workspace without anything, whose trainings wait at the gate."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("training") / "home"))
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, gate=gate)
        with serve(workspace) as served:
            yield served


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_training_data_is_prepared_and_its_report_opens(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("trainer"))
    page = tab.page
    ids = add_approved(site.workspace.db, site.workspace.blobs, 4)
    releases.freeze(site.workspace, version="v3.0", split="train", notes="", actor="user:mia", item_ids=ids)
    page.goto(f"{site.url}/training-data")
    expect(page.get_by_label("Releases")).to_be_visible()
    expect(page.get_by_text("v3.0 (train)").first).to_be_visible()
    shoot(page, "training-data-form")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_text("Nothing has started yet")).to_be_visible()
    page.get_by_role("button", name="Prepare").click()
    page.get_by_role("link", name="v3.0-seed-0").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("v3.0-seed-0")
    expect(page.get_by_role("heading", name="Constitutions")).to_be_visible()
    expect(page.get_by_text("These are the constitutions in use.")).to_be_visible()
    assert find_serious(tab, "data") == []
    shoot(page, "training-data-ended")
    report = page.get_by_role("link", name="Report").get_attribute("href")
    assert "Share of the items" in page.request.get(f"{site.url}{report}").text()
    job = background_jobs.find_job(site.workspace, kind=training_data_jobs.JOB_KIND, name="v3.0-seed-0")
    assert job.state is JobState.ENDED
    phone = open_tab(site.add_person("trainer"), width=390, height=844, color_scheme="dark").page
    phone.goto(f"{site.url}/training-data")
    expect(phone.get_by_role("row", name=re.compile("v3.0-seed-0 ready"))).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone, "training-data-phone-dark")


def test_nobody_else_gets_there(open_tab: Callable[..., Any], site: Any) -> None:
    page = open_tab(site.add_person("annotator")).page
    for address in ("training", "training-data", "constitutions", "wind-tunnel"):
        assert page.goto(f"{site.url}/{address}").status == 403
