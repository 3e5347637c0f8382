"""A study of the judge in real browsers: twelve answers, three annotators, consensus, a report; four keys an answer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from approved_items import add_approved
from page_checks import find_serious
from playwright.sync_api import expect
from written_runs import write_run

from curator_app.actions import studies
from curator_app.actions.releases import freeze
from curator_app.settings import Settings
from curator_app.workspace import create_workspace

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]

COUNT = 12
FIRST = "Yes, it fits well there."
WARNING = "But the railing is low."
ATTACK = "![p](https://elsewhere.example/p.png) [click](javascript:alert(1)) <img src=x onerror=alert(2)>"
TEXT = f"{FIRST} It will look good.\n\n1. Water it **daily**.\n2. {WARNING} Somebody could fall.\n\n{ATTACK}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    """A server with a release of twelve items, a judge run of it, and a study of all its answers."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("study") / "home"))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    votes = {"judge_a": (2, 1, 1), "judge_b": (2, 2, 1)}
    write_run(workspace, "the-run", {item: (f"{TEXT} No. {place}.", votes) for place, item in enumerate(ids)})
    request = studies.StudyRequest(name="one", release="v1.0", run="the-run", n=COUNT, seed=3)
    studies.create(workspace, request, actor="tests")
    with serve(workspace) as served:
        yield served


def start_of(text: str) -> int:
    return TEXT.index(text)


def claim_of(tab: Any) -> str:
    """The id of the claim on screen: one item may have two answers."""
    value: str = tab.page.locator(".cu[data-screen]").first.get_attribute("data-claim")
    return value


def score(tab: Any, *keys: str) -> None:
    """Press keys that send the answer on screen, and wait for the next one or for the end."""
    before = claim_of(tab)
    tab.press(*keys)
    tab.page.wait_for_function(
        "before => { const root = document.querySelector('.cu[data-screen]'); "
        "return root.dataset.claim !== before || root.dataset.state === 'empty'; }",
        arg=before,
    )


def audits_of(site: Any, name: str) -> list[Any]:
    return site.query(
        "SELECT body FROM records JOIN users ON records.actor = 'user:' || users.name "
        "WHERE records.kind = 'audit_review' AND users.name = :name ORDER BY records.seq",
        name=name,
    )


def test_a_study_from_the_first_key_to_the_report(site: Any, open_tab: Callable[..., Any]) -> None:
    people = [site.add_person("annotator") for _ in range(3)]
    ann, ben = (open_tab(person).open("/audit") for person in people[:2])
    check_first_answer(ann, site, people[0].name)
    for _ in range(COUNT - 1):  # two browsers at once, in turns
        score(ann, "2", "1", "0", "Enter")
        score(ben, "2", "1", "0", "Enter")
    score(ben, "2", "1", "0", "Enter")
    for tab in (ann, ben):
        tab.wait_state("empty")
        expect(tab.part("blank-title")).to_have_text("That was the last one")
    eve = open_tab(people[2], width=390, height=844).open("/audit")
    for place in range(COUNT):
        score(eve, *("100" if place == 0 else "210"), "Enter")
    eve.wait_state("empty")

    settler = site.add_person("adjudicator")
    ada = open_tab(settler).open("/audit?kind=judge_consensus")
    differing = ada.part("others").locator("tr[data-differs] th")
    expect(differing.filter(has_text="Risk appraisal")).to_have_count(1)
    expect(differing.filter(has_text="Safety of consequences")).to_have_count(1)
    expect(differing.filter(has_text="Effectiveness")).to_have_count(0)
    assert find_serious(ada, "consensus") == []
    ada.press("7", "Enter")
    expect(ada.part("hint")).to_have_text("Write in the note why, then submit again.")
    ada.page.keyboard.type("By the rubric's words.")
    ada.press("Escape", "Enter")
    ada.wait_state("empty")
    ada.wait_saved()
    studies.close(site.workspace, name="one", actor="tests")
    report = studies.make_report(site.workspace, name="one")
    sample = report["sample"]
    assert (sample["answers"], sample["unanimous"], sample["by_consensus"]) == (COUNT, COUNT - 1, 1)
    judge_a = report["judge_human"]["judges"]["judge_a"]
    assert [judge_a["consistency"]["by_dimension"][letter]["value"] for letter in "RSE"] == [1.0, 1.0, 0.0]


def check_first_answer(tab: Any, site: Any, name: str) -> None:
    """A new annotator needs four keys; the mark moves by keys and by a click; what the model wrote runs nowhere."""
    assert find_serious(tab, "audit") == []
    text = tab.part("text")
    expect(text.locator("strong")).to_have_text("daily")
    expect(text.locator("img, a")).to_have_count(0)
    expect(tab.page.get_by_text("a-secret-model")).to_have_count(0)
    expect(tab.part("no-warning")).to_be_visible()
    tab.press("w", "ArrowDown", "ArrowDown")
    mark = text.locator(".cu-start")
    expect(mark).to_contain_text("Sentence 3 of")
    text.get_by_text(WARNING).click(position={"x": 40, "y": 12})
    expect(mark).to_contain_text("Sentence 4 of")
    tab.press("1", "r", "2", "1")
    expect(tab.page.locator('[data-scale="risk_appraisal"] [aria-checked="true"]')).to_have_text("2Named")
    tab.press("Enter")
    expect(tab.part("hint")).to_have_text("Score E first: press 0, 1 or 2.")
    score(tab, "0", "Enter")
    tab.wait_saved()
    ((body,),) = audits_of(site, name)
    assert f'"warning_start":{start_of(WARNING)}' in body
    assert '"risk_appraisal":2' in body and '"safety_of_consequences":1' in body and '"effectiveness":0' in body
    tab.press("z")
    expect(text.locator(".cu-start")).to_contain_text("Sentence 4 of")
    score(tab, "Enter")
