"""The Runs page in a real browser, with a real server, a real child process, and models that answer by script."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from run_workspace import is_over, open_models, wait_for, write_endpoints

from storage.jobs import JobState

pytestmark = [pytest.mark.browser, pytest.mark.thorough]
expect.set_options(timeout=40_000)
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")


def shoot(page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_start_watch_stop_resume_kill_and_compare(open_tab: Callable, site) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/runs")
    expect(page.get_by_role("heading", level=1)).to_contain_text("No run yet.")
    expect(page.get_by_text("No models are known yet")).to_be_visible()
    shoot(page, "empty")
    with open_models(latency_s=0.2) as models:
        write_endpoints(site.workspace.settings.home, models.url, max_concurrency=2)
        page.reload()
        page.get_by_label("Name").fill("Not a name!")
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_text("`batch` is 'Not a name!'")).to_be_visible()
        page.get_by_label("Name").fill("first_run")
        page.get_by_role("button", name="Show plan").click()
        expect(page.get_by_text("20 scenarios,")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Cost at most: unknown")).to_be_visible()
        shoot(page, "plan")
        page.get_by_role("button", name="Start run").click()
        page.get_by_role("link", name="first_run").last.click()
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_contain_text("is running")
        expect(page.get_by_role("img", name=re.compile(r"synthesis: [1-9]\d* passed"))).to_be_visible(timeout=60_000)
        shoot(page, "live")
        page.get_by_role("button", name="Stop").click()
        expect(heading).to_contain_text("finishes what is under way")
        expect(heading).to_contain_text("has ended")
        expect(page.get_by_text(re.compile("stopped by maintainer-"))).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        expect(heading).to_contain_text("is running")
        job = wait_for(site.workspace, "first_run", lambda job: job.state is JobState.RUNNING)
        os.kill(int(job.owner.split(":")[1]), signal.SIGKILL)
        expect(heading).to_contain_text("was interrupted")
        shoot(page, "interrupted")
        models.latency_s = 0
        page.get_by_role("button", name="Resume").click()
        wait_for(site.workspace, "first_run", lambda job: job.sitting == 3 and is_over(job))
        expect(heading).to_contain_text("has ended")
        report = page.get_by_role("link", name="Report").get_attribute("href")
        assert page.request.get(f"{site.url}{report}").text().startswith("<!doctype html>")
        page.goto(f"{site.url}/runs")
        page.get_by_role("button", name="Or a config as YAML").click()
        text = "batch: second_run\nseed: 5\nquotas: {dependants: 6}\nfilters: {severity: 2}\n"
        page.locator('[data-part="config-file"]').set_input_files(
            [{"name": "big.yaml", "mimeType": "text/yaml", "buffer": b"#" * 50_001}]
        )
        expect(page.get_by_text("big.yaml has 50,001 bytes")).to_be_visible()
        page.locator('[data-part="config-file"]').set_input_files(
            [{"name": "second.yaml", "mimeType": "text/yaml", "buffer": text.encode()}]
        )
        expect(page.locator("#cu-config textarea")).to_have_value(text)
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_text("Nothing has started yet")).to_be_visible()
        shoot(page, "yaml")
        page.get_by_role("button", name="Start run").click()
        expect(page.get_by_text("Started second_run")).to_be_visible()
        wait_for(site.workspace, "second_run", is_over)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 runs. None is running.")
    shoot(page, "list")
    page.get_by_role("button", name="Show both").click()
    expect(page.get_by_role("row", name="filters.severity 3 2")).to_be_visible()
    shoot(page, "compare")
    if SHOTS:
        for name, more in (("dark", {"color_scheme": "dark"}), ("phone", {"width": 390, "height": 844}),
                           ("phone-dark", {"width": 390, "height": 844, "color_scheme": "dark"})):  # fmt: skip
            other = open_tab(site.add_person("maintainer"), **more).page
            for view, path in (("list", "/runs"), ("run", "/runs?run=first_run"),
                               ("compare", "/runs?left=first_run&right=second_run")):  # fmt: skip
                other.goto(f"{site.url}{path}")
                expect(other.get_by_role("heading", level=1)).to_be_visible()
                shoot(other, f"{view}-{name}")


def test_nobody_but_maintainers_gets_there(open_tab: Callable, site) -> None:
    page = open_tab(site.add_person("annotator")).page
    assert page.goto(f"{site.url}/runs").status == 403
