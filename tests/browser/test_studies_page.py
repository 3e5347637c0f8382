"""The page of studies in real browsers: who scores is sent nothing that tells of a score until the study is closed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from approved_items import add_approved
from factories import add_users
from page_checks import find_serious
from playwright.sync_api import Response, expect
from written_runs import write_run

from curator_app.actions import studies
from curator_app.actions.judge_reports import report
from curator_app.actions.judging import Place
from curator_app.actions.releases import freeze
from curator_app.settings import Settings
from curator_app.workspace import create_workspace
from storage.audit_answers import AuditAnswers
from storage.claims import claim_next
from storage.records import TaskKind
from storage.reviews import submit_review

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")
COUNT = 12
LONG_MS = 40_000
HIDDEN = ("a-secret-model", "the-run", "judge_a", "judge_b", "one-study", "cu-whisker", "all agreed", "attention check")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    """A server with a study of twelve answers, which two people have scored."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("studies") / "home"))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    answers = {
        item: (f"Answer {place}.", {"judge_a": (place % 3, 1, 1), "judge_b": (2, 1, place % 2)})
        for place, item in enumerate(ids)
    }
    write_run(workspace, "the-run", answers)
    request = studies.StudyRequest(name="one-study", release="v1.0", run="the-run", n=COUNT, seed=3)
    studies.create(workspace, request, actor="tests")
    for number, person in enumerate(add_users(workspace.db, "xan", "yve")):
        with workspace.db.write() as session:
            for held in claim_next(session=session, user_id=person, kind=TaskKind.JUDGE_AUDIT, count=20):
                place = int(held.audit.answer.split()[1].rstrip("."))
                scores = {
                    "risk_appraisal": (place + number * (place % 4 == 0)) % 3, "safety_of_consequences": 1,
                    "effectiveness": place % 2,
                }  # fmt: skip
                submit_review(
                    session=session, user_id=person, claim_id=held.claim_id, idempotency_key=held.claim_id,
                    answers=AuditAnswers.model_validate(scores),
                )  # fmt: skip
            session.commit()
    with serve(workspace) as served:
        yield served


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"studies-{name}.png"), full_page=True)


def listen(page: Any) -> list[tuple[str, str]]:
    """Return the list into which every text goes that the server sends to the page."""
    heard: list[tuple[str, str]] = []

    def note(response: Response) -> None:
        kind = response.headers.get("content-type", "")
        if "/static/" not in response.url and "/assets/" not in response.url and ("json" in kind or "html" in kind):
            heard.append((response.url, response.text()))

    page.on("requestfinished", lambda request: note(request.response()))
    return heard


def test_blind_until_it_is_closed_and_then_the_report_for_all(open_tab: Callable[..., Any], site: Any) -> None:
    annotator = open_tab(site.add_person("annotator"))
    heard = listen(annotator.page)
    for path in ("", "?study=1"):
        annotator.page.goto(f"{site.url}/studies{path}")
        expect(annotator.page.get_by_role("heading", level=1)).to_contain_text(
            "stud", timeout=LONG_MS, ignore_case=True
        )
        expect(annotator.page.get_by_text("24 of 36").first).to_be_visible(timeout=LONG_MS)
    expect(annotator.page.get_by_role("link", name="Go on scoring")).to_be_visible()
    annotator.page.wait_for_load_state("networkidle")
    assert any("studies_show" in url or "run/" in url for url, _ in heard), [url for url, _ in heard]
    told = [(word, url) for url, text in heard for word in HIDDEN if word in text]
    assert told == []
    assert find_serious(annotator, "blind") == []
    shoot(annotator.page, "blind")

    maintainer = open_tab(site.add_person("maintainer"))
    page = maintainer.page
    page.goto(f"{site.url}/studies")
    shoot(page, "list")
    page.get_by_role("link", name="one-study").click()
    expect(page.get_by_role("heading", name="People among one another")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".cu-whisker").first).to_be_attached()
    expect(page.get_by_text("0 of 12 answers are scored by all, 12 by two or more.")).to_be_visible()
    assert page.evaluate("scrollY") == 0, "nothing was asked for, so nothing is scrolled to"
    assert find_serious(maintainer, "open") == []
    shoot(page, "open")

    studies.close(site.workspace, name="one-study", actor="tests", force=True)
    annotator.page.reload()
    expect(annotator.page.get_by_role("heading", level=1)).to_contain_text("one-study is closed.", timeout=LONG_MS)
    expect(annotator.page.get_by_role("heading", name="The run as people would score it")).to_be_visible()
    assert find_serious(annotator, "closed") == []
    shoot(annotator.page, "closed")
    for name, more in (("dark", {"color_scheme": "dark"}), ("phone", {"width": 390, "height": 844}),
                       ("phone-dark", {"width": 390, "height": 844, "color_scheme": "dark"})):  # fmt: skip
        other = open_tab(site.add_person("annotator"), **more)
        other.page.goto(f"{site.url}/studies?study=1")
        expect(other.page.get_by_text("Report").first).to_be_visible(timeout=LONG_MS)
        assert other.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert find_serious(other, name) == []
        shoot(other.page, f"closed-{name}")


def test_a_study_is_made_seen_open_and_closed(open_tab: Callable[..., Any], site: Any) -> None:
    report(Place(site.workspace.settings.home), run="the-run")
    maintainer = open_tab(site.add_person("maintainer"))
    page = maintainer.page
    page.goto(f"{site.url}/studies")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("stud", timeout=LONG_MS)
    page.get_by_label("Name (letters").fill("made-here")
    page.get_by_label("Answers to draw").fill("6")
    page.get_by_label("Category").check()
    shoot(page, "form")
    page.get_by_role("button", name="Show what is drawn").click()
    expect(page.get_by_text("6 answers, each for 3 people: 18 to send in all.")).to_be_visible(timeout=LONG_MS)
    shoot(page, "drawn")
    assert find_serious(maintainer, "drawn") == []
    page.get_by_role("button", name="Make the study").click()
    page.get_by_text("Made made-here.").get_by_role("link").click()
    expect(heading).to_contain_text("made-here is being scored.", timeout=LONG_MS)
    page.get_by_role("button", name="Close this study").click()
    expect(page.get_by_text("Left: 18 of 18 answers to score.").last).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Leave it open").click()
    expect(page.get_by_role("button", name="Close it for good")).to_be_hidden()
    page.get_by_role("button", name="Close this study").click()
    page.get_by_role("button", name="Close it for good").click()
    expect(page.get_by_text("has work left")).to_be_visible(timeout=LONG_MS)
    shoot(page, "closing")
    for name, more in (("dark", {"color_scheme": "dark"}), ("phone", {"width": 390, "height": 844}),
                       ("phone-dark", {"width": 390, "height": 844, "color_scheme": "dark"})):  # fmt: skip
        other = open_tab(site.add_person("maintainer"), **more)
        for view, path in (("form", ""), ("closing", "?study=2")):
            other.page.goto(f"{site.url}/studies{path}")
            button = "Show what is drawn" if view == "form" else "Close this study"
            expect(other.page.get_by_role("button", name=button)).to_be_visible(timeout=LONG_MS)
            if view == "closing":
                other.page.get_by_role("button", name=button).click()
                expect(other.page.get_by_role("button", name="Leave it open")).to_be_visible(timeout=LONG_MS)
            assert other.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (view, name)
            assert find_serious(other, f"{view} {name}") == []
            shoot(other.page, f"{view}-{name}")
    page.get_by_label("Close it though work is left").check()
    page.get_by_role("button", name="Close it for good").click()
    expect(page.get_by_text("made-here is closed.").last).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("heading", name="The run as people would score it")).to_be_visible()
    expect(page.get_by_role("button", name="Close this study")).to_be_hidden()
