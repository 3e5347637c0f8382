"""Reviewing from the first item to the last key: nothing but keys, and every answer lands once."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.accounts import Person

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-answers")]


def test_twelve_items_by_keys_alone(tab: Any, site: Any, annotator: Person) -> None:
    done = []
    for turn in range(12):
        tab.press("1", "2", "h", "3", "4")
        if turn % 3 == 0:
            done.append((tab.decide("a"), "approve"))
        elif turn % 3 == 1:
            done.append((tab.decide("5", "r"), "reject"))
        else:
            tab.press("l", "n")
            tab.page.keyboard.type("says too much")
            tab.press("Escape")
            done.append((tab.decide("e"), "revise"))
    tab.wait_saved()
    assert site.reviews_of(annotator) == done
    sql = "SELECT body FROM records WHERE kind = 'review' AND actor = :actor"
    bodies = site.query(sql, actor=f"user:{annotator.name}")
    records = [json.loads(body) for (body,) in bodies]
    assert len(records) == 12
    assert all(len(record["answers"]) == 4 and set(record["answers"].values()) == {"yes"} for record in records)
    assert [record["note"] for record in records if record["verdict"] == "revise"] == ["says too much"] * 4
    assert all(record["seconds"] > 0 for record in records[1:])


def test_rapid_keys_neither_lose_nor_double(tab: Any, site: Any, annotator: Person) -> None:
    shown = []
    for _ in range(5):  # as many as are in stock: no waiting in between
        shown.append(tab.item())
        tab.press("a")
    tab.wait_state("ready")
    tab.wait_saved()
    assert [item for item, _ in site.reviews_of(annotator)] == shown


def test_next_item_is_there_at_once_with_its_picture(tab: Any) -> None:
    tab.page.wait_for_timeout(600)  # let the stock load
    pictures = tab.page.evaluate(
        """async () => {
          const root = document.querySelector('.cu[data-screen]');
          let pictures = 0;
          for (let turn = 0; turn < 4; turn += 1) {
            const before = root.dataset.item;
            document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', code: 'KeyA', bubbles: true }));
            if (root.dataset.item === before) throw new Error('the next item was not shown in the same moment');
            const img = root.querySelector('[data-part="picture"]:not([hidden]) img');
            if (img) {
              await img.decode();
              pictures += 1;
            }
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          }
          return pictures;
        }"""
    )
    assert pictures >= 1, "how soon each is painted is measured by bench/review_latency.py"


def test_undo_takes_back_ten(tab: Any, site: Any, annotator: Person) -> None:
    done = [tab.decide("8", "r") for _ in range(11)]
    tab.wait_saved()
    for item in reversed(done[1:]):
        tab.press("z")
        tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=item)
        expect(tab.page.locator('[data-action="undeclared_premise"]')).to_have_attribute("aria-pressed", "true")
    assert site.reviews_of(annotator) == [(done[0], "reject")]
    assert tab.decide("8", "a", "a") == done[1]  # approve asks once before it drops the reason
    tab.wait_saved()
    assert site.reviews_of(annotator)[-1] == (done[1], "approve")


def test_undo_reaches_back_past_a_reload(tab: Any, site: Any, annotator: Person) -> None:
    first = tab.decide("a")
    tab.wait_saved()
    tab.page.reload()
    tab.wait_state("ready")
    tab.press("z")
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=first)
    assert site.reviews_of(annotator) == []


def test_skip_and_undo_of_a_skip(tab: Any, site: Any, annotator: Person) -> None:
    first = tab.decide("s")
    tab.wait_saved()
    assert site.query("SELECT state FROM claims WHERE user_id = :user AND state = 'skipped'", user=annotator.id)
    tab.press("z")
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=first)
    assert tab.decide("a") == first
    tab.wait_saved()
    assert site.reviews_of(annotator) == [(first, "approve")]


def test_draft_is_restored_after_a_reload(tab: Any) -> None:
    item = tab.item()
    tab.press("1", "1", "h", "w", "n")
    tab.page.keyboard.type("this belongs elsewhere")
    tab.press("Escape")
    expect(tab.part("save")).to_have_attribute("data-save", "saved")
    expect(tab.part("save")).to_contain_text("Saved")
    tab.page.reload()
    tab.wait_state("ready")
    assert tab.item() == item
    expect(tab.part("note")).to_have_value("this belongs elsewhere")
    expect(tab.page.locator('[data-action="wrong_category"]')).to_have_attribute("aria-pressed", "true")
    expect(tab.page.locator('[data-criterion="query_benignness"] [data-answer="unsure"]')).to_have_attribute(
        "aria-checked", "true"
    )
    expect(tab.part("fold")).to_have_attribute("open", "")


def test_draft_that_was_not_saved_yet_survives_a_reload(tab: Any) -> None:
    item = tab.item()
    tab.press("n")
    tab.page.keyboard.type("typed and gone")
    tab.page.reload()  # before the pause after which a draft is saved
    tab.wait_state("ready")
    assert tab.item() == item
    expect(tab.part("note")).to_have_value("typed and gone")


def test_hazard_is_hidden_until_revealed(tab: Any) -> None:
    expect(tab.part("hazard")).to_be_hidden()
    tab.press("3")  # the third criterion needs the hazard: the key shows it and answers nothing
    expect(tab.part("hazard")).to_be_visible()
    expect(tab.page.locator('[data-criterion="contextual_relevance"] [aria-checked="true"]')).to_have_count(0)
    tab.press("3", "3")
    expect(tab.page.locator('[data-criterion="contextual_relevance"] [data-answer="unsure"]')).to_have_attribute(
        "aria-checked", "true"
    )


def test_verdict_says_what_it_still_needs(tab: Any, site: Any, annotator: Person) -> None:
    item = tab.item()
    tab.press("r")
    expect(tab.part("hint")).to_contain_text("Choose a reason")
    tab.press("o", "r")
    expect(tab.part("hint")).to_contain_text("Other")
    expect(tab.part("note")).to_be_focused()
    tab.page.keyboard.type("r is only a letter here")
    tab.press("Escape")
    assert tab.item() == item
    tab.decide("r")
    tab.wait_saved()
    assert site.reviews_of(annotator) == [(item, "reject")]


def test_suggested_edits_go_with_revise_only(tab: Any, site: Any, annotator: Person) -> None:
    tab.press("m")
    expect(tab.part("edit-query")).to_be_focused()
    query = tab.part("query").inner_text()
    expect(tab.part("edit-query")).to_have_value(query)
    tab.part("edit-query").fill("Which corner gets the most light?")
    tab.press("Escape", "a")
    expect(tab.part("hint")).to_contain_text("drops the edits")
    tab.decide("e")
    tab.wait_saved()
    ((body,),) = site.query(
        "SELECT body FROM records WHERE kind = 'review' AND actor = :actor", actor=f"user:{annotator.name}"
    )
    assert json.loads(body)["edits"] == {"query": "Which corner gets the most light?", "scene": None}


def test_flag_reaches_the_maintainers(tab: Any, site: Any, annotator: Person) -> None:
    item = tab.item()
    tab.press("f")
    tab.part("flag-send").click()
    expect(tab.part("flag-error")).to_contain_text("Write a few words")
    tab.part("flag-note").fill("A real person may be in the picture")
    tab.part("flag-send").click()
    expect(tab.part("flag-text")).to_have_text("Flagged")
    rows = site.query(
        "SELECT items.id, flags.note FROM flags JOIN items ON items.number = flags.item_number "
        "WHERE flags.user_id = :user",
        user=annotator.id,
    )
    assert rows == [(item, "A real person may be in the picture")]
    assert tab.item() == item


def test_focus_and_live_region_follow_the_decision(tab: Any) -> None:
    tab.page.click('[data-action="approve"]')
    expect(tab.part("query")).to_be_focused()
    expect(tab.part("live")).to_contain_text("Approved S-")


def test_progress_counts(tab: Any) -> None:
    expect(tab.part("own-done")).to_have_text("0")
    before = int(tab.part("own-all").inner_text())
    tab.decide("a")
    expect(tab.part("own-done")).to_have_text("1")
    expect(tab.part("left")).to_have_text(str(before - 1))
    assert int(tab.part("own-all").inner_text()) == before


def test_guidelines_open_with_their_version(tab: Any) -> None:
    tab.press("g")
    expect(tab.part("guide")).to_be_visible()
    expect(tab.part("guide-version")).to_have_text("Version 1")
    expect(tab.part("guide-body")).to_contain_text("linguistic naturalness")
    tab.press("Escape")
    expect(tab.part("guide")).to_be_hidden()


def test_claims_are_given_back_on_leaving(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.goto(f"{site.url}/progress")
    tab.page.wait_for_timeout(500)
    states = {state for (state,) in site.query("SELECT state FROM claims WHERE user_id = :user", user=annotator.id)}
    assert states == {"released"}
