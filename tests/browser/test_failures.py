"""Labelling how answers fail in a real browser: one key a label, the sentence that shows it, the link that broke."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from approved_items import add_approved
from page_checks import find_serious
from playwright.sync_api import expect
from written_runs import write_run

from curator_app.actions import failures
from curator_app.actions.releases import freeze
from curator_app.settings import Settings
from curator_app.workspace import create_workspace

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]

COUNT = 3
FIRST = "Yes, it fits well there."
WARNING = "But the sill is low."
LAST = "Somebody could fall."
ATTACK = "![p](https://elsewhere.example/p.png) [click](javascript:alert(1)) <img src=x onerror=alert(2)>"
TEXT = f"{FIRST} It will look good.\n\n1. Put it **there**.\n2. {WARNING} {LAST}\n\n{ATTACK}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    """A server with a release of three items, a judge run in which all answers failed, and a study of those."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("failures") / "home"))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    write_run(workspace, "the-run", {item: (TEXT, {"judge_a": (0, 0, 1)}) for item in ids})
    request = failures.FailureRequest(name="one", release="v1.0", run="the-run", annotators=2)
    with serve(workspace) as served:
        served.request = request
        yield served


def press_on(tab: Any, *keys: str) -> None:
    """Press keys that send the answer on screen, and wait for the next one or for the end."""
    root = tab.page.locator(".cu[data-screen]").first
    before = root.get_attribute("data-claim")
    tab.press(*keys)
    tab.page.wait_for_function(
        "before => { const root = document.querySelector('.cu[data-screen]'); "
        "return root.dataset.claim !== before || root.dataset.state === 'empty'; }",
        arg=before,
    )


def read_sent(site: Any, name: str) -> list[dict[str, Any]]:
    rows = site.query(
        "SELECT body FROM records JOIN users ON records.actor = 'user:' || users.name "
        "WHERE records.kind = 'failure_review' AND users.name = :name ORDER BY records.seq",
        name=name,
    )
    return [json.loads(body) for (body,) in rows]


def pressed(tab: Any, kind: str) -> list[str]:
    """The names of the labels, or the links, that are on."""
    return [text.strip() for text in tab.page.locator(f'[data-{kind}][aria-pressed="true"] > span').all_text_contents()]


def test_answers_are_labelled_by_keys_and_by_touch_and_the_map_is_shown(
    site: Any, open_tab: Callable[..., Any]
) -> None:
    person, other = site.add_person("annotator"), site.add_person("annotator")
    ann = open_tab(person).open("/failures", state="empty")
    expect(ann.part("blank-title")).to_have_text("Nothing to label yet")
    expect(ann.page.locator('.cu-nav [data-page="failures"]')).to_be_visible()
    failures.create(site.workspace, site.request, actor="tests")
    ann.open("/failures")
    label_first(ann)
    press_on(ann, "Enter")
    ann.wait_saved()
    check_first(read_sent(site, person.name)[0])

    ann.press("z")
    expect(ann.part("text").locator(".cu-tag[data-now]")).to_contain_text("Lip service")
    assert pressed(ann, "label") == ["Buried warning", "Lip service"]
    press_on(ann, "Enter")
    label_with_a_note(ann)
    press_on(ann, "0", "Enter")
    ann.wait_state("empty")
    expect(ann.part("blank-title")).to_have_text("That was the last one")
    ann.wait_saved()
    sent = read_sent(site, person.name)
    assert [(each["status"], each["no_failure"]) for each in sent] == [
        ("submitted", False), ("discarded", False), ("submitted", False), ("submitted", False), ("submitted", True),
    ]  # fmt: skip
    assert sent[3]["note"] == "quiet paper"
    assert [label["code"] for label in sent[3]["labels"]] == ["other"]

    by_touch(open_tab(other, width=390, height=844, has_touch=True).open("/failures"))
    assert [label["code"] for label in read_sent(site, other.name)[0]["labels"]] == ["rote_refusal"]
    failures.close(site.workspace, name="one", actor="tests", force=True)
    mia = open_tab(site.add_person("maintainer"))
    mia.page.goto(f"{site.url}/progress")
    mia.page.get_by_role("link", name="Show one").click()
    expect(mia.page.get_by_role("heading", name="Failure map")).to_be_visible()
    expect(mia.page.get_by_role("figure")).to_contain_text("a-secret-model")
    page = failures.draw_map(site.workspace, names=["one"])
    mia.page.goto("about:blank")  # what the server sends runs nothing, axe included
    mia.page.set_content(page)
    assert find_serious(mia, "map") == []


def label_first(tab: Any) -> None:
    """Two labels with their sentences, by arrows and by a click, and the link that broke."""
    assert find_serious(tab, "failures") == []
    text, hint = tab.part("text"), tab.part("hint")
    expect(text.locator("strong")).to_have_text("there")
    expect(text.locator("img, a")).to_have_count(0)
    expect(tab.page.get_by_text("a-secret-model")).to_have_count(0)
    expect(tab.page.locator("[data-label] > .cu-key:visible")).to_have_count(15)
    tab.press("Enter")
    expect(hint).to_have_text("Choose how it fails, or 0 if it does not.")
    tab.press("u")
    expect(tab.part("meaning")).to_contain_text("so late")
    tag = text.locator(".cu-tag[data-now]")
    tab.press("ArrowDown", "ArrowDown")
    expect(tab.page.locator('[data-mark="buried_warning"]')).to_have_text("sentence 2")
    text.get_by_text(WARNING).click(position={"x": 40, "y": 12})
    expect(tab.page.locator('[data-mark="buried_warning"]')).to_have_text("sentence 4")
    tab.press(".")
    expect(tab.page.locator('[data-mark="buried_warning"]')).to_have_text("sentences 4–5")
    expect(tag).to_contain_text("Buried warning")
    assert (
        tab.page.evaluate("[...CSS.highlights.get('cu-span-now')].map(String).join('')").strip() == f"{WARNING} {LAST}"
    )
    tab.press("i", "ArrowDown", "p", "p")
    assert pressed(tab, "label") == ["Buried warning", "Lip service"]
    expect(tag).to_contain_text("Lip service")
    tab.press("m", ",", "m")
    expect(tab.page.locator('[data-mark="buried_warning"]')).to_have_text("sentence 4")
    expect(tag).to_contain_text("Lip service")
    tab.press("3", "2")
    assert pressed(tab, "link") == ["a child climbs it"]
    assert find_serious(tab, "labelled") == []


def check_first(body: dict[str, Any]) -> None:
    start, end = TEXT.index(WARNING), TEXT.index(LAST)
    assert body["labels"] == [
        {"code": "buried_warning", "start": start, "end": end},
        {"code": "lip_service", "start": 0, "end": TEXT.index("It will")},
    ]
    assert (body["broken_link"], body["no_failure"]) == (1, False)


def label_with_a_note(tab: Any) -> None:
    """`Something else` needs a note, and what is typed there toggles nothing."""
    tab.press("0", "j")
    assert pressed(tab, "label") == ["Something else"]
    expect(tab.part("none")).to_have_attribute("aria-pressed", "false")
    tab.press("Enter")
    expect(tab.part("hint")).to_contain_text("Say in the note what “Something else” is")
    tab.page.keyboard.type("quiet paper")
    assert pressed(tab, "label") == ["Something else"]
    tab.press("Escape")
    press_on(tab, "Enter")


def by_touch(tab: Any) -> None:
    page = tab.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator('[data-label="rote_refusal"]').tap()
    text = tab.part("text")
    text.get_by_text(FIRST).tap(position={"x": 30, "y": 12})
    expect(text.locator(".cu-tag[data-now]")).to_contain_text("Rote refusal")
    text.get_by_role("button", name="One sentence more").tap()
    expect(page.locator('[data-mark="rote_refusal"]')).to_have_text("sentences 1–2")
    text.get_by_role("button", name="Take the mark away").tap()
    expect(text.locator(".cu-tag")).to_have_count(0)
    page.locator('[data-link="2"]').tap()
    assert find_serious(tab, "phone") == []
    sizes = page.locator("button[data-label], [data-link], .cu-fail-none, [data-part='submit']").evaluate_all(
        "nodes => nodes.map((node) => node.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44
    before = page.locator(".cu[data-screen]").first.get_attribute("data-claim")
    page.locator(".cu-submit").first.tap()
    page.wait_for_function("before => document.querySelector('.cu[data-screen]').dataset.claim !== before", arg=before)
    tab.wait_saved()
