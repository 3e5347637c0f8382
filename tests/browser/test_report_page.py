"""The report's page in a browser: as wide as the screen, silent on the network, and axe finds nothing serious."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from page_checks import find_serious
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from judge_runs import make_item, make_release, run_scripted

from curator_app.actions.judge_reports import rank, report
from curator_app.actions.judging import Place
from curator_app.actions.report_pages import draw_leaderboard, draw_reports

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]
LONG = "a-model-with-a-name-that-has-no-place-to-break-and-is-far-wider-than-any-phone"


@dataclass
class Shown:
    """What the accessibility check looks at."""

    page: Page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages about two runs; made before a browser lives, whose event loop would be in the way."""
    home = tmp_path_factory.mktemp("pages")
    release = make_release(home / "v1.0", [make_item(n, query=f"At window {n}? {LONG}") for n in range(12)])
    judges = {"gpt-judge": lambda n: (n % 3, n % 2, 0), f"{LONG}-judge": lambda n: (n % 2, 0, n % 3)}
    for run, model in (("first", "m"), ("second", LONG)):
        run_scripted(home, release, run=run, judges=judges, model=model, answer=lambda n: f"{LONG * 20} {n}")
    place = Place(home)
    made = {
        "report": draw_reports([report(place, run="first"), report(place, run="second")]),
        "leaderboard": draw_leaderboard(rank(place)),
    }
    for name, text in made.items():
        (home / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: home / f"{name}.html" for name in made}


@pytest.mark.parametrize("name", ["report", "leaderboard"])
@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_it_fits_the_screen_asks_for_nothing_and_can_be_read_by_all(
    pages: dict[str, Path], chromium: Browser, width: int, theme: Literal["light", "dark"], name: str
) -> None:
    url = pages[name].as_uri()
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(url)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [url] and said == []
    assert find_serious(Shown(tab), name) == []
    context.close()
