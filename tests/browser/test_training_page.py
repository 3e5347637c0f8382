"""The pages of trainings and training data in a real browser, with real processes; a stand-in takes verl's steps."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from approved_items import add_approved
from page_checks import find_serious
from playwright.sync_api import expect
from trainings_here import add_material, stand_in

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


def test_plan_start_watch_stop_resume_and_compare(
    open_tab: Callable[..., Any], site: Any, gate: Path, tmp_path: Path
) -> None:
    tab = open_tab(site.add_person("trainer"))
    page = tab.page
    page.goto(f"{site.url}/training")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("No training yet.")
    expect(page.get_by_text("There is no training data:")).to_be_visible()
    assert find_serious(tab, "empty") == []
    shoot(page, "training-empty")
    asked = add_material(site.workspace, tmp_path)
    page.reload()
    expect(page.get_by_text("There is no training data:")).not_to_be_visible()
    expect(page.get_by_label("Training data")).to_have_value(asked.data)
    page.get_by_label("Name").fill("tides")
    page.get_by_label("Preset").fill("tiny-cpu")
    page.get_by_label("Preset").press("Enter")
    page.get_by_role("button", name="Changes").click()
    page.get_by_label("Further fields of the config").fill(asked.changes)
    page.get_by_label("Start although preflight finds errors").check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("once more to start this")).to_be_visible()
    expect(page.get_by_text("is a llama, and model.family=qwen3-vl")).to_be_visible()
    page.get_by_text("The command that it becomes").click()
    expect(page.get_by_text("verl.trainer.main_ppo")).to_be_visible()
    assert find_serious(tab, "plan") == []
    shoot(page, "training-plan")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("link", name="tides").last.click()
    expect(heading).to_contain_text("is running")
    gate.write_text("1")
    expect(page.get_by_text("step:1 - critic")).to_be_visible()
    expect(page.get_by_text("Entropy").first).to_be_visible()
    shoot(page, "training-live")
    page.get_by_text("Pinned to").click()
    expect(page.get_by_text("it holds one run")).to_be_visible()
    gate.write_text("2")
    expect(page.get_by_text("step:2 - critic")).to_be_visible()
    expect(page.get_by_text("it holds one run")).to_be_visible()  # what is drawn anew stays open
    beyond = "log => log.firstElementChild.getBoundingClientRect().bottom - log.getBoundingClientRect().bottom"
    assert page.locator(".cu-tail").evaluate(beyond) <= 0  # the log's end is in sight
    page.get_by_role("button", name="Stop").click()
    expect(heading).to_contain_text("has ended")
    expect(page.get_by_text(re.compile("stopped by trainer-")).first).to_be_visible()
    gate.write_text("3")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("step:3 - critic")).to_be_visible()
    expect(heading).to_contain_text("has ended")
    expect(page.get_by_text("the last one came to its end")).to_be_visible()
    assert find_serious(tab, "ended") == []
    shoot(page, "training-ended")

    add_another(site.workspace.settings.home / "training-runs", like="tides")
    page.goto(f"{site.url}/training")
    expect(page.get_by_role("row", name=re.compile("tides ended"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("waves from the command line"))).to_be_visible()
    shoot(page, "training-list")
    page.goto(f"{site.url}/training?left=tides&right=waves")
    expect(heading).to_contain_text("beside")
    expect(page.get_by_role("row", name=re.compile("changes.lam – 0.6"))).to_be_visible()
    assert find_serious(tab, "compared") == []
    shoot(page, "training-compared")
    phone = open_tab(site.add_person("trainer"), width=390, height=844, color_scheme="dark").page
    for address, name, words in (
        ("?run=tides", "ended", "has ended"), ("?left=tides&right=waves", "compared", "beside"),
        ("", "list", "2 trainings"),
    ):  # fmt: skip
        phone.goto(f"{site.url}/training{address}")
        expect(phone.get_by_role("heading", level=1)).to_contain_text(words)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        shoot(phone, f"training-{name}-phone-dark")
    assert tab.problems == []


def add_another(runs: Path, *, like: str) -> None:
    """Leave a run of the command line with another method."""
    shutil.copytree(runs / like, runs / "waves")
    config = yaml.safe_load((runs / "waves" / "config.yaml").read_text())
    (runs / "waves" / "config.yaml").write_text(yaml.safe_dump(config | {"changes": {"lam": 0.6}}))


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
