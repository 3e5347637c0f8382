"""Single keys: each person's own, silent while writing, and off when they should be off."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.accounts import Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-answers")]


def test_every_action_shows_its_key(tab: Any) -> None:
    caps = tab.page.eval_on_selector_all(
        "[data-key-of]", "nodes => nodes.map(node => [node.dataset.keyOf, node.textContent, node.hidden])"
    )
    assert all(text and not hidden for _, text, hidden in caps), caps
    keys = {action: text for action, text, _ in caps}
    assert keys["approve"] == "A" and keys["revise"] == "E" and keys["reject"] == "R"
    assert [keys[name] for name in ("not_benign", "image_defect", "leakage", "other")] == ["5", "0", "L", "O"]
    assert len(set(keys.values())) == len(keys), "two actions share a key"
    reasons = tab.page.locator('[data-part="reasons"] [data-action]:not([data-action="edits"])')
    assert reasons.count() == 11
    sizes = tab.page.eval_on_selector_all(
        '[data-part="reasons"] button', "nodes => nodes.map(node => parseFloat(getComputedStyle(node).fontSize))"
    )
    assert min(sizes) >= 13


def test_keys_are_letters_while_writing(tab: Any, site: Any, annotator: Person) -> None:
    item = tab.item()
    tab.press("n")
    tab.page.keyboard.type("a e r s z 5 h ? g")
    assert tab.item() == item
    expect(tab.part("note")).to_have_value("a e r s z 5 h ? g")
    expect(tab.part("hazard")).to_be_hidden()
    tab.press("Escape")
    expect(tab.part("query")).to_be_focused()
    tab.press("h")
    expect(tab.part("hazard")).to_be_visible()
    assert site.reviews_of(annotator) == []


@pytest.mark.parametrize("chord", ["Control+a", "Alt+a", "Meta+a"])
def test_keys_leave_chords_alone(tab: Any, chord: str) -> None:
    item = tab.item()
    tab.press(chord)
    tab.page.wait_for_timeout(150)
    assert tab.item() == item


def test_key_held_down_decides_one_item(tab: Any) -> None:
    tab.page.wait_for_timeout(500)
    tab.page.keyboard.down("a")
    second = tab.item()
    for _ in range(3):
        tab.page.keyboard.down("a")  # what a keyboard repeats
    assert tab.item() == second
    tab.page.keyboard.up("a")


def test_remapped_key_works_here_and_after_a_reload(tab: Any, site: Any, annotator: Person) -> None:
    tab.press("?")
    expect(tab.part("settings")).to_be_visible()
    tab.page.click('[data-rekey="approve"]')
    tab.press("j")
    expect(tab.page.locator('[data-rekey="approve"]')).to_have_text("J")
    expect(tab.part("settings-state")).to_have_text("Saved")
    tab.press("Escape")
    expect(tab.part("settings")).to_be_hidden()
    item = tab.item()
    tab.press("a")
    assert tab.item() == item
    tab.decide("j")
    tab.wait_saved()
    tab.page.reload()
    tab.wait_state("ready")
    expect(tab.page.locator('.cu-verdict [data-key-of="approve"]')).to_have_text("J")
    tab.decide("j")
    tab.wait_saved()
    assert [verdict for _, verdict in site.reviews_of(annotator)] == ["approve", "approve"]


def test_taken_key_changes_places(tab: Any) -> None:
    tab.press("?")
    tab.page.click('[data-rekey="skip"]')
    tab.press("a")
    expect(tab.page.locator('[data-rekey="skip"]')).to_have_text("A")
    expect(tab.page.locator('[data-rekey="approve"]')).to_have_text("S")
    expect(tab.part("settings-state")).to_have_text("Saved. Approve now has S.")
    expect(tab.part("settings-state")).to_be_in_viewport()


def test_keys_needed_elsewhere_are_refused(tab: Any) -> None:
    tab.press("?")
    tab.page.click('[data-rekey="skip"]')
    tab.press("Enter")
    expect(tab.part("settings-state")).to_contain_text("needed elsewhere")
    tab.press("Escape")  # leaves the key as it is, and the dialog open
    expect(tab.page.locator('[data-rekey="skip"]')).to_have_text("S")
    expect(tab.part("settings")).to_be_visible()


def test_single_keys_can_be_switched_off(tab: Any) -> None:
    tab.press("?")
    tab.part("single-keys").uncheck()
    tab.press("Escape")
    item = tab.item()
    tab.press("a", "s", "h")
    assert tab.item() == item
    expect(tab.part("hazard")).to_be_hidden()
    expect(tab.page.locator('.cu-verdict [data-key-of="approve"]')).to_be_hidden()
    tab.page.click('[data-action="approve"]')
    assert tab.item() != item


def test_keys_work_on_a_layout_without_latin_letters(tab: Any) -> None:
    tab.page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'р', code: 'KeyH', bubbles: true }))")
    expect(tab.part("hazard")).to_be_visible()


def test_settings_that_cannot_be_saved_say_so(tab: Any) -> None:
    tab.page.route("**/api/v1/me/preferences", lambda route: route.abort())
    tab.press("?")
    tab.page.click('[data-rekey="skip"]')
    tab.press("y")
    expect(tab.part("settings-state")).to_contain_text("Not saved")


def test_preferences_that_are_nonsense_do_no_harm(site: Any, open_tab: Callable[..., Any]) -> None:
    wrong = {"review": {"keys": {"approve": 7, "skip": "Enter", "nobody": "x"}, "cover": "all", "warned": True}}
    tab = open_tab(site.add_person("annotator", preferences=wrong)).open()
    tab.decide("a")
    tab.decide("s")


def test_keyboard_alone_reaches_everything(tab: Any) -> None:
    tab.skip_to("picture")
    reached: set[str] = set()
    for _ in range(60):
        tab.press("Tab")
        reached.add(
            tab.page.evaluate(
                "(() => { const node = document.activeElement; return node.dataset.action || node.dataset.answer "
                "|| node.dataset.part || node.dataset.page || node.tagName; })()"
            )
        )
    wanted = {
        "approve",
        "revise",
        "reject",
        "undo",
        "skip",
        "flag",
        "reveal",
        "note",
        "canvas",
        "zoom_in",
        "brightness",
    }
    assert wanted | {"guidelines", "settings", "leakage", "edits", "yes", "progress"} <= reached


def test_arrows_choose_within_a_criterion(tab: Any) -> None:
    tab.page.locator('[data-criterion="query_benignness"] [data-answer="yes"]').focus()
    tab.press("ArrowLeft")
    expect(tab.page.locator('[data-criterion="query_benignness"] [data-answer="unsure"]')).to_be_focused()
    expect(tab.page.locator('[data-criterion="query_benignness"] [data-answer="unsure"]')).to_have_attribute(
        "aria-checked", "true"
    )
