"""The page of the wind tunnel in a real browser, a real server, real processes, a few steps."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_checks import find_serious
from playwright.sync_api import expect
from run_workspace import is_over, wait_for

from curator_app.actions.tunnel_jobs import find_tunnel_job
from curator_app.settings import Settings
from curator_app.workspace import create_workspace
from storage.jobs import JobState

pytestmark = [
    pytest.mark.browser, pytest.mark.thorough, pytest.mark.models, pytest.mark.timeout(1800),
    pytest.mark.xdist_group("browser-views"),
]  # fmt: skip
expect.set_options(timeout=300_000)
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    """A workspace without anything, whose quick wind tunnel has a few steps."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("training") / "home"))
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        with serve(workspace, "import tiny_tunnel; tiny_tunnel.serve()") as served:
            yield served


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def find(workspace: Any, *, name: str) -> Any:
    return find_tunnel_job(workspace, name=name)


def test_start_watch_stop_resume_kill_and_read_the_result(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/wind-tunnel")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("No wind tunnel has been run yet.")
    expect(page.get_by_text("says nothing about real models")).to_be_visible()
    assert find_serious(tab, "empty") == []
    shoot(page, "empty")
    page.get_by_label("Start RL although stage 0 does not pass its gate").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Nothing has started yet")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="quick wind tunnel").last.click()
    expect(heading).to_contain_text("is running")
    expect(page.get_by_role("heading", name="Now")).to_be_visible()
    shoot(page, "live")
    page.get_by_role("button", name="Stop").click()
    expect(heading).to_contain_text("has ended")
    expect(page.get_by_text(re.compile("stopped by maintainer-")).first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(heading).to_contain_text("is running")
    job = wait_for(
        site.workspace,
        "quick",
        lambda job: job.state is JobState.RUNNING and bool(job.progress),
        find=find,
        timeout_s=300,
    )
    os.kill(int(job.owner.split(":")[1]), signal.SIGKILL)
    expect(heading).to_contain_text("was interrupted")
    page.get_by_role("button", name="Resume").click()
    wait_for(site.workspace, "quick", lambda job: job.sitting == 3 and is_over(job), find=find, timeout_s=600)
    expect(heading).to_contain_text("has ended")
    expect(page.get_by_role("heading", name="The paper’s claims")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^OutR"))).to_be_visible()
    expect(page.get_by_text("RL was started all the same")).to_be_visible()
    assert find_serious(tab, "result") == []
    shoot(page, "result")
    report = page.get_by_role("link", name="Report").get_attribute("href")
    assert "Toy world" in page.request.get(f"{site.url}{report}").text()
    page.goto(f"{site.url}/wind-tunnel")
    expect(page.get_by_role("row", name=re.compile("Quick wind tunnel ended .* 2 of 2"))).to_be_visible()
    shoot(page, "list")
    phone = open_tab(site.add_person("maintainer"), width=390, height=844, color_scheme="dark").page
    phone.goto(f"{site.url}/wind-tunnel?run=quick")
    expect(phone.get_by_role("heading", name="The paper’s claims")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(phone, "result-phone-dark")


def test_nobody_but_maintainers_gets_there(open_tab: Callable[..., Any], site: Any) -> None:
    page = open_tab(site.add_person("annotator")).page
    assert page.goto(f"{site.url}/wind-tunnel").status == 403
