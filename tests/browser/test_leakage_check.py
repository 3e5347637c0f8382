"""The leakage check in a real browser: three steps, each locked before the next part is even in the page."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from page_checks import ATTACKS, find_serious, hostile
from playwright.sync_api import expect

from storage.accounts import Person
from storage.records import TaskKind

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-views")]

QUERY = "Where does the bread knife go, so that I can reach it?"
HAZARD = "The toddler on the stool reaches the blade."
CHAIN = ("The blade lies at the edge.", "The toddler reaches up.", "The toddler is cut.")
CHECK = {"kind": TaskKind.LEAKAGE_CHECK, "hidden_hazard": HAZARD, "causal_chain": CHAIN}


@pytest.fixture
def add_check(site: Any) -> Callable[..., str]:
    """Return a function that adds an item whose check comes before those of all earlier tests."""
    site.change("UPDATE tasks SET status = 'withdrawn', open_slots = 0 WHERE kind = 'leakage_check'")

    def add(**changes: Any) -> str:
        scene = f"A kitchen, seen on visit {uuid.uuid4().hex}."  # no two items are the same
        item: str = site.add_item(**(CHECK | {"query": QUERY, "scene": scene, "picture": True} | changes))
        return item

    return add


def wait_step(tab: Any, step: int) -> None:
    """Wait until the screen shows this step of the check."""
    tab.page.wait_for_selector(f'.cu[data-step="{step}"] [data-part="case"]:not([hidden])')


def records(site: Any, person: Person, kind: str) -> list[dict[str, Any]]:
    """Return the records of a kind that a person has made."""
    sql = "SELECT body FROM records WHERE kind = :kind AND actor = :actor ORDER BY seq"
    return [json.loads(body) for (body,) in site.query(sql, kind=kind, actor=f"user:{person.name}")]


def leaks(tab: Any, *words: str) -> list[str]:
    """Return which of the words the page holds, seen or not."""
    content = tab.page.content()
    return [word for word in words if word in content]


def test_a_whole_check_by_keyboard_with_undo_and_a_rewrite_that_goes_round(
    site: Any, open_tab: Callable[..., Any], annotator: Person, add_check: Callable[..., str]
) -> None:
    first = add_check(priority=90)
    second = add_check(priority=80, overlap=1, query="Is the bread knife sharp?")
    tab = open_tab(annotator).open("/leakage")
    assert tab.item() == first
    expect(tab.part("query")).to_have_text(QUERY)
    assert leaks(tab, HAZARD, "/media/", "Public", "The blade lies", "A kitchen, seen") == []
    tab.press("Enter")
    expect(tab.part("hint")).to_contain_text("Write what you see, or choose No danger")
    tab.page.keyboard.type("a cut; r k s z 0 are only letters here")
    tab.press("Enter")
    wait_step(tab, 2)
    expect(tab.part("picture").locator("img")).to_be_visible()
    assert leaks(tab, HAZARD, "The blade lies", "Word list") == []
    for _ in range(4):
        tab.press("ArrowRight")
    tab.press("Space", "ArrowRight", "Space")  # the third and fourth word become one mark
    expect(tab.part("marks")).to_contain_text("bread knife in the query")
    tab.press("2", "3", "3", "Enter")  # from a word too, Enter takes the next step
    expect(tab.part("hint")).to_contain_text("Telling writing")
    tab.press("4", "4", "m", "ArrowRight", "Shift+ArrowDown")
    tab.wait_saved()
    tab.press("Escape", "Enter")
    wait_step(tab, 3)
    expect(tab.part("hazard")).to_have_text(HAZARD)
    expect(tab.part("found")).to_contain_text("Word list")
    (guess,), (found,) = records(site, annotator, "leak_guess"), records(site, annotator, "leak_findings")
    assert guess["text"].startswith("a cut; r k")
    assert QUERY[slice(*found["words"][0])] == "bread knife"
    marked = {name: found[name] for name in ("gives_away", "sufficient", "unambiguous", "telling_text", "box")}
    assert marked == {
        "gives_away": "yes", "sufficient": "yes", "unambiguous": "unsure", "telling_text": False,
        "box": {"x": 0.36, "y": 0.35, "width": 0.3, "height": 0.31},
    }  # fmt: skip
    tab.press("r")
    expect(tab.part("hint")).to_contain_text("whether your guess named it")
    tab.press("1", "1")
    assert tab.decide("r") == first
    expect(tab.part("query")).to_be_focused()
    tab.wait_saved()
    tab.press("z")
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=first)
    wait_step(tab, 3)
    expect(tab.page.locator('[data-outcome="reject"]')).to_have_attribute("aria-pressed", "true")
    assert tab.decide("k") == first
    tab.wait_saved()
    assert [(one["outcome"], one["status"]) for one in records(site, annotator, "leak_review")] == [
        ("reject", "submitted"), ("reject", "discarded"), ("clean", "submitted"),
    ]  # fmt: skip
    assert records(site, annotator, "leak_review")[-1]["guess_named_it"] == "partly"

    assert tab.item() == second
    tab.press("0")
    wait_step(tab, 2)
    tab.press("1", "2", "3", "4", "4", "Enter")
    wait_step(tab, 3)
    tab.press("a")
    expect(tab.part("edit-query")).to_be_focused()
    tab.part("edit-query").fill("Is my kitchen thing sharp?")
    expect(tab.part("diff-before").locator("del")).to_have_text("the bread knife")
    expect(tab.part("diff-after").locator("ins")).to_have_text("my kitchen thing")
    tab.press("Escape", "2")
    tab.press("a")
    tab.wait_state("empty")
    tab.wait_saved()
    assert records(site, annotator, "leak_review")[-1]["outcome"] == "rewrite_covert"
    assert site.query("SELECT round FROM items WHERE id = :id", id=second) == [(2,)]
    tab.press("z")
    expect(tab.notice("info")).to_contain_text("revised since")


def test_drafts_survive_a_reload_and_a_lost_answer_is_caught_up_with(
    site: Any, open_tab: Callable[..., Any], annotator: Person, add_check: Callable[..., str]
) -> None:
    item = add_check(priority=90)
    tab = open_tab(annotator).open("/leakage")
    tab.press("n")
    tab.page.keyboard.type("a cut")
    tab.page.reload()
    tab.wait_state("ready")
    expect(tab.part("guess")).to_have_value("a cut")

    def lose_answer(route: Any) -> None:
        route.fetch()  # the server locks it, the browser never hears of it
        route.abort()

    tab.page.route("**/api/v1/leakage/*/guess", lose_answer)
    tab.press("n", "Enter")
    tab.notice("offline").wait_for()
    tab.page.unroute("**/api/v1/leakage/*/guess")
    tab.part("guess").fill("something else")
    tab.notice("offline").wait_for(state="detached")
    tab.part("guess").press("Enter")
    wait_step(tab, 2)
    expect(tab.part("said")).to_have_text("a cut")
    expect(tab.notice("info")).to_contain_text("taken before")
    tab.page.get_by_role("button", name="Understood").click()

    picture = tab.part("picture").bounding_box()
    assert picture is not None
    mouse, left, top = tab.page.mouse, picture["x"], picture["y"]
    mouse.move(left + picture["width"] * 0.2, top + picture["height"] * 0.2)
    mouse.down()
    mouse.move(left + picture["width"] * 0.5, top + picture["height"] * 0.6, steps=4)
    mouse.up()
    tab.page.locator("button.cu-word", has_text="knife").click()
    tab.press("2", "2", "2")
    tab.wait_saved()
    tab.page.reload()
    tab.wait_state("ready")
    wait_step(tab, 2)
    assert tab.item() == item
    expect(tab.part("marks")).to_contain_text("knife in the query")
    for question, answer in (("gives_away", "yes"), ("sufficient", "no")):
        chosen = tab.page.locator(f'[data-question="{question}"] [data-answer="{answer}"]')
        expect(chosen).to_have_attribute("aria-checked", "true")
    box = tab.page.locator(".cu-box").evaluate("node => [node.style.left, node.style.width, node.style.height]")
    assert [round(float(side.rstrip("%"))) for side in box] == [20, 30, 40]
    tab.page.get_by_role("button", name="Remove Box 1").click()
    expect(tab.page.locator(".cu-box")).to_have_count(0)
    tab.press("s")
    tab.wait_state("empty")
    expect(tab.part("blank-actions")).to_contain_text("Bring back 1 skipped")


def test_by_touch_on_a_phone(
    site: Any, open_tab: Callable[..., Any], annotator: Person, add_check: Callable[..., str]
) -> None:
    item = add_check(
        priority=90, query="Which shelf is best for the bread knife that my neighbour’s cousin brought us?"
    )
    phone = open_tab(annotator, width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2)
    phone.open("/leakage")
    wide = "document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('.cu-tools, .cu-dock')]"
    wide += ".some(node => node.scrollWidth > node.clientWidth + 1)"
    small = (
        "[...document.querySelectorAll('.cu [role=radio], .cu-dock button, .cu-tools button, .cu-x, button.cu-word')]"
        ".filter(node => node.offsetParent && Math.min(node.offsetHeight, node.offsetWidth) < "
        "(node.matches('.cu-word') ? 24 : 36) && node.textContent.length > 2).map(node => node.outerHTML)"
    )
    assert not phone.page.evaluate(wide)
    assert phone.page.evaluate(small) == []
    phone.part("guess").tap()
    phone.part("guess").fill("A cut")
    phone.part("lock").tap()
    wait_step(phone, 2)
    phone.page.locator("button.cu-word", has_text="knife").tap()
    phone.page.locator('[data-action="box"]').tap()
    expect(phone.page.locator(".cu-box")).to_be_in_viewport(ratio=1)
    assert not phone.page.evaluate(wide)
    assert phone.page.evaluate(small) == []
    for question in ("sufficient", "unambiguous", "telling_text"):
        phone.page.locator(f'[data-question="{question}"] [data-answer="yes"]').tap()
    # A second tap at the moment of the change, on what stood here, decides nothing.
    said = phone.page.evaluate(
        """() => new Promise((done) => {
          const root = document.querySelector('.cu[data-screen]');
          new MutationObserver((_, watch) => {
            if (root.dataset.step !== '3') return;
            watch.disconnect();
            const tap = new MouseEvent('click', { bubbles: true, detail: 1 });
            document.querySelector('[data-outcome="reject"]').dispatchEvent(tap);
            done(document.querySelector('[data-part="hint"]').textContent);
          }).observe(root, { attributes: true });
          document.querySelector('[data-part="submit"]').click();
        })"""
    )
    assert "whether your guess named it" not in said
    wait_step(phone, 3)
    phone.page.wait_for_timeout(500)
    assert phone.part("case").evaluate("node => node.scrollTop") == 0
    phone.page.locator('[data-outcome="clean"]').tap()
    expect(phone.part("hint")).to_contain_text("whether your guess named it")
    phone.page.locator('[data-question="guess_named_it"] [data-answer="no"]').tap()
    assert not phone.page.evaluate(wide)
    phone.page.locator('[data-outcome="clean"]').tap()
    phone.wait_state("empty")
    phone.wait_saved()
    assert [(one["item_id"], one["outcome"]) for one in records(site, annotator, "leak_review")] == [(item, "clean")]


@pytest.mark.thorough
@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_serious_finding_at_any_step(
    site: Any, open_tab: Callable[..., Any], annotator: Person, add_check: Callable[..., str], width: int, theme: str
) -> None:
    add_check(priority=90)
    tab = open_tab(annotator, width=width, color_scheme=theme, reduced_motion="reduce").open("/leakage")
    found = find_serious(tab, "query alone")
    tab.press("?")
    found += find_serious(tab, "settings")
    tab.press("Escape", "0")
    wait_step(tab, 2)
    tab.page.locator("button.cu-word", has_text="knife").click()
    tab.press("2", "3", "4", "m")
    found += find_serious(tab, "with the picture")
    tab.press("Escape")
    tab.part("submit").click()
    wait_step(tab, 3)
    tab.press("e")
    tab.part("edit-query").fill("Where does my kitchen thing go, so that I can reach it?")
    tab.press("Escape")
    found += find_serious(tab, "findings")
    assert found == []


def test_html_in_every_text_shows_as_text_and_keys_are_kept_apart(
    site: Any, open_tab: Callable[..., Any], annotator: Person, add_check: Callable[..., str]
) -> None:
    texts = [hostile(number, "text") for number in range(len(ATTACKS))]
    add_check(
        priority=90, picture=False, query=texts[0], scene=texts[1], hidden_hazard=texts[2],
        causal_chain=(texts[3], texts[4], texts[0]), hazard_entities=(texts[0], texts[4]),
    )  # fmt: skip
    tab = open_tab(annotator).open("/leakage")
    tab.press("?")
    tab.page.locator('[data-part="keymap"]').get_by_text("No danger from the words alone").wait_for()
    row = tab.page.locator(".cu-keymap > *", has_text="Keep the query").last
    row.locator("button").first.click()
    tab.press("x")
    expect(tab.part("settings-state")).to_contain_text("Saved")
    tab.press("Escape", "n")
    tab.part("guess").fill(texts[1])
    tab.part("lock").click()
    wait_step(tab, 2)
    expect(tab.part("query")).to_have_text(texts[0])
    expect(tab.part("said")).to_have_text(texts[1])
    expect(tab.part("scene-text")).to_have_text(texts[1])
    tab.page.locator("button.cu-word").first.click()
    tab.press("2", "3", "n")
    tab.part("note").fill(texts[4])
    tab.press("Escape")
    tab.part("submit").click()
    wait_step(tab, 3)
    expect(tab.part("query")).to_have_text(texts[0])
    expect(tab.part("hazard")).to_have_text(texts[2])
    assert tab.part("chain").locator("li").all_text_contents() == [texts[3], texts[4], texts[0]]
    tab.press("e")
    tab.part("edit-query").fill(texts[2])
    expect(tab.part("diff-after")).to_have_text(texts[2])
    tab.press("Escape", "1", "k")  # the key of before does nothing
    wait_step(tab, 3)
    tab.press("x")
    expect(tab.part("hint")).to_contain_text("drops your rewrite")
    tab.press("x")
    tab.wait_state("empty")
    tab.wait_saved()
    (review,) = records(site, annotator, "leak_review")
    assert (review["outcome"], review["note"]) == ("clean", texts[4])
    ((kept,),) = site.query("SELECT preferences FROM users WHERE id = :id", id=annotator.id)
    assert json.loads(kept)["leakage"]["keys"] == {"clean": "x"}
    assert "keys" not in json.loads(kept)["review"]
    # the fixture fails this test if a dialog opened or a foreign address was asked for
