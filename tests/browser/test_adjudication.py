"""Settling what reviewers could not: their answers side by side, differences marked, a reason always."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-answers")]

ALL_YES = dict.fromkeys(("query_benignness", "linguistic_naturalness", "contextual_relevance", "risk_clarity"), "yes")


@pytest.fixture
def settling(site: Any, open_tab: Callable[..., Any]) -> tuple[Any, Any, str]:
    """An adjudicator's tab on an item that one approves and one rejects: (tab, person, item id)."""
    site.empty_adjudication()
    item = site.add_item(overlap=2, priority=70)
    site.review(site.add_person("annotator"), note="a fine one", answers=ALL_YES)
    answers = ALL_YES | {"risk_clarity": "no"}
    site.review(site.add_person("annotator"), verdict="reject", reasons=("leakage",), note="names it", answers=answers)
    person = site.add_person("adjudicator")
    tab = open_tab(person).open("/?kind=adjudication")
    assert tab.item() == item
    return tab, person, item


def test_answers_stand_side_by_side_and_differences_are_marked(settling: tuple[Any, Any, str]) -> None:
    tab, _, _ = settling
    table = tab.part("others")
    assert table.locator("thead th").all_inner_texts()[1:] == ["Reviewer 1", "Reviewer 2"]
    expect(table).to_contain_text("a fine one")
    expect(table).to_contain_text("names it")
    differing = table.locator("tr[data-differs] th").all_inner_texts()
    assert [text.split("they differ")[0].strip() for text in differing] == ["Verdict", "Danger clear", "Reasons"]
    assert all("they differ" in text for text in differing)
    expect(tab.part("hazard")).to_be_visible()
    expect(tab.page.locator('.cu-nav [aria-current="page"]')).to_have_text("Adjudicate")


def test_settling_needs_a_note(settling: tuple[Any, Any, str], site: Any) -> None:
    tab, person, item = settling
    tab.press("a")
    expect(tab.part("hint")).to_contain_text("Write in the note why")
    expect(tab.part("note")).to_be_focused()
    tab.page.keyboard.type("The word is general enough")
    tab.press("Escape", "a")
    tab.wait_saved()
    assert site.reviews_of(person) == [(item, "approve")]
    assert site.query("SELECT stage FROM items WHERE id = :item", item=item) == [("reviewed",)]


def test_rejecting_needs_a_reason_and_a_note(settling: tuple[Any, Any, str], site: Any) -> None:
    tab, person, item = settling
    tab.press("r")
    expect(tab.part("hint")).to_contain_text("Choose a reason")
    tab.press("l", "r")
    expect(tab.part("note")).to_be_focused()
    tab.page.keyboard.type("It names the railing")
    tab.press("Escape", "r")
    tab.wait_saved()
    assert site.reviews_of(person) == [(item, "reject")]


def test_revising_needs_the_change_itself(settling: tuple[Any, Any, str], site: Any) -> None:
    tab, person, item = settling
    tab.press("n")
    tab.page.keyboard.type("More general now")
    tab.press("Escape", "e")
    expect(tab.part("hint")).to_contain_text("Change the query or the scene")
    expect(tab.part("edit-query")).to_be_focused()
    tab.part("edit-query").fill("Where is the best spot out here?")
    tab.press("Escape", "e")
    tab.wait_saved()
    assert site.reviews_of(person) == [(item, "revise")]
    bodies = site.query(
        "SELECT records.body FROM records JOIN items ON items.scenario_id = records.id WHERE items.id = :item",
        item=item,
    )
    assert json.loads(bodies[0][0])["query"] == "Where is the best spot out here?"


def test_an_answer_is_taken_by_a_key_and_settled_by_enter(settling: tuple[Any, Any, str], site: Any) -> None:
    tab, person, item = settling
    tab.press("7", "8")
    expect(tab.page.locator('.cu-verdict[data-v="reject"]')).to_have_attribute("aria-pressed", "true")
    expect(tab.page.locator('.cu-chip[data-action="leakage"]')).to_have_attribute("aria-pressed", "true")
    tab.press("Enter")
    expect(tab.part("note")).to_be_focused()
    tab.page.keyboard.type("It names the railing")
    tab.press("Escape", "Enter")
    tab.wait_saved()
    assert site.reviews_of(person) == [(item, "reject")]


def test_undo_of_a_settlement(settling: tuple[Any, Any, str], site: Any) -> None:
    tab, person, item = settling
    tab.press("n")
    tab.page.keyboard.type("hasty")
    tab.press("Escape", "a")
    tab.wait_saved()
    tab.press("z")
    tab.wait_state("ready")
    assert tab.item() == item
    expect(tab.part("note")).to_have_value("hasty")
    assert site.reviews_of(person) == []
    tab.press("a")
    tab.wait_saved()


def test_reviewers_never_see_one_another(tab: Any) -> None:
    expect(tab.part("others")).to_be_hidden()
    assert tab.part("others").locator("td").count() == 0
