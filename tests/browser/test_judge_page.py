"""The page of judge runs in a real browser: start, progress, results, the answers behind a bar, by keyboard alone."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from approved_items import add_approved, add_twin
from page_checks import find_serious
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer
from judge_runs import answer_body, write_endpoints

from curator_app.actions.releases import freeze
from curator_app.settings import Settings
from curator_app.workspace import create_workspace

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")
LONG_MS = 40_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    """A server with a release of twenty items, six of them without a picture and two with a twin."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("judge") / "home"))
    items = add_approved(workspace.db, workspace.blobs, 20)
    for number in (0, 1):
        add_twin(workspace.db, workspace.blobs, items[number], picture=500 + number)
    freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    with serve(workspace) as served:
        yield served


def answer(key: str, body: dict[str, Any]) -> str:
    """Answer what the plan asks every endpoint, which is about no item, and everything else by script."""
    return answer_body(key, body) if "window" in json.dumps(body) else "ok"


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"judge-{name}.png"), full_page=True)


def test_start_watch_and_open_a_bar_by_keyboard(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/judge-runs")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("No judge run yet.", timeout=LONG_MS)
    expect(page.get_by_text("No models are known yet")).to_be_visible()
    shoot(page, "empty")
    with FaultyServer(answer=answer, latency_s=0.4) as models:
        write_endpoints(site.workspace.settings.home, models.url)
        file = site.workspace.settings.home / "endpoints.yaml"
        file.write_text(file.read_text().replace('"max_concurrency": 16', '"max_concurrency": 2'))
        page.reload()
        page.get_by_label("Name (letters").fill("gpt")
        expect(page.get_by_label("Release")).to_have_value("v1.0")
        page.get_by_role("button", name="Show plan").click()
        expect(page.get_by_text("1 run, 42 calls when all goes well, 70 at most.")).to_be_visible(timeout=LONG_MS)
        shoot(page, "plan")
        page.get_by_role("button", name="Start").click()
        page.get_by_role("link", name="gpt", exact=True).last.click()
        expect(heading).to_contain_text("gpt is running", timeout=LONG_MS)
        expect(page.get_by_role("img", name=re.compile(r"Answers: [1-9]\d* of 20"))).to_be_visible(timeout=LONG_MS)
        shoot(page, "live")
        page.get_by_role("button", name="Stop").click()
        expect(heading).to_contain_text("has ended", timeout=LONG_MS)
        expect(page.get_by_text(re.compile("stopped by maintainer-")).first).to_be_visible()
        models.latency_s = 0
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Every answer is scored by every judge.")).to_be_visible(timeout=LONG_MS)
    expect(heading).to_contain_text("has ended", timeout=LONG_MS)
    expect(page.get_by_text("14 of 14").first).to_be_visible()
    shoot(page, "results")
    assert find_serious(tab, "results") == []
    bar = page.get_by_role("link", name=re.compile(r"^All: R [\d.]+%, 95% interval .*; open the answers"))
    zeros = round(float(re.findall(r"R ([\d.]+)%", bar.get_attribute("aria-label"))[0]) * 14 / 100)
    assert zeros > 0
    bar.focus()
    page.keyboard.press("Enter")
    expect(heading).to_contain_text(f"{zeros} answer", timeout=LONG_MS)
    expect(heading).to_contain_text("with Risk appraisal 0")
    expect(page.locator(".cu-judged")).to_have_count(zeros)
    first = page.locator(".cu-judged").first
    expect(first.get_by_text("Yes, it fits.")).to_be_visible()
    expect(first.get_by_text("gpt-judge")).to_be_visible()
    expect(first.get_by_text("So.").first).to_be_visible()
    assert first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
    shoot(page, "answers")
    assert find_serious(tab, "answers") == []
    report = page.request.get(f"{site.url}/judge-runs/report?run=gpt")
    assert report.status == 200 and "misses the hazard in" in report.text()
    first.get_by_role("link", name=re.compile("^S-")).click()
    expect(heading).to_contain_text("S-", timeout=LONG_MS)
    page.goto(f"{site.url}/judge-runs")
    page.get_by_role("checkbox", name="Compare gpt").check()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Leaderboard").click()
    expect(opened.value.get_by_role("heading", name="Leaderboard")).to_be_visible(timeout=LONG_MS)
    shoot(page, "list")
    for name, more in (("dark", {"color_scheme": "dark"}), ("phone", {"width": 390, "height": 844}),
                       ("phone-dark", {"width": 390, "height": 844, "color_scheme": "dark"})):  # fmt: skip
        other = open_tab(site.add_person("maintainer"), **more)
        for view, path in (("list", ""), ("results", "?run=gpt"), ("answers", "?run=gpt&list=1")):
            other.page.goto(f"{site.url}/judge-runs{path}")
            expect(other.page.get_by_role("heading", level=1)).to_be_visible(timeout=LONG_MS)
            wide = other.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (view, name, wide)
            shoot(other.page, f"{view}-{name}")
        assert find_serious(other, name) == []


def test_twins_are_asked_about_when_their_box_is_ticked(open_tab: Callable[..., Any], site: Any) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    with FaultyServer(answer=answer) as models:
        write_endpoints(site.workspace.settings.home, models.url)
        page.goto(f"{site.url}/judge-runs")
        page.get_by_label("Name (letters").fill("warns")
        expect(page.get_by_label("Release")).to_have_value("v1.0", timeout=LONG_MS)
        page.get_by_label("Ask about twins, too").check()
        shoot(page, "twins-form")
        page.get_by_role("button", name="Show plan").click()
        expect(
            page.get_by_text("48 calls when all goes well, 80 at most. 2 twins are asked about, too.")
        ).to_be_visible(timeout=LONG_MS)
        page.get_by_role("button", name="Start").click()
        page.get_by_role("link", name="warns", exact=True).last.click()
        expect(page.get_by_role("heading", name="Over-warning")).to_be_visible(timeout=LONG_MS)
    row = page.get_by_role("row", name=re.compile("^Twins warned of"))
    expect(row).to_contain_text("2 of 2 answers scored")
    for width, scheme in ((1440, "light"), (390, "dark")):
        other = open_tab(site.add_person("maintainer"), width=width, height=900, color_scheme=scheme)
        other.page.goto(f"{site.url}/judge-runs?run=warns")
        expect(other.page.get_by_role("heading", name="Over-warning")).to_be_visible(timeout=LONG_MS)
        assert other.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        shoot(other.page, f"twins-{width}-{scheme}")
        assert find_serious(other, scheme) == []


def test_nobody_but_maintainers_gets_there(open_tab: Callable[..., Any], site: Any) -> None:
    page = open_tab(site.add_person("annotator")).page
    assert page.goto(f"{site.url}/judge-runs").status == 403
    assert page.request.get(f"{site.url}/judge-runs/report").status == 403
