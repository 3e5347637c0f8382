"""Leakage checks that differ, settled in a real browser: side with one by a key, or write a new answer."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from page_checks import find_serious, hostile
from playwright.sync_api import expect

from storage.accounts import Person
from storage.claims import claim_next
from storage.leak_answers import LeakAnswers, LeakMarks
from storage.leakage import lock_findings, lock_guess
from storage.records import TaskKind
from storage.reviews import submit_review

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]

QUERY = "Where does the bread knife go, so that I can reach it?"
HAZARD = "The toddler on the stool reaches the blade."
REWRITE = "Where do my kitchen things go, so that I can reach them?"
WIDE = "document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('.cu-tools, .cu-dock')]"
WIDE += ".concat(...document.querySelectorAll('.cu-verdict')).some(node => node.scrollWidth > node.clientWidth + 1)"


def check(site: Any, **answer: Any) -> None:
    """Let somebody new answer the next leakage check, behind the browser's back."""
    person = site.add_person("annotator")
    text = answer.pop("text", "")
    marks = {"sufficient": "yes", "unambiguous": "yes", "telling_text": False} | answer.pop("marks")
    with site.workspace.db.write() as session:
        (claim,) = claim_next(session=session, user_id=person.id, kind=TaskKind.LEAKAGE_CHECK)
        ask = {"session": session, "user_id": person.id, "claim_id": claim.claim_id}
        lock_guess(**ask, text=text)
        lock_findings(**ask, marks=LeakMarks.model_validate(marks))
        answers = LeakAnswers.model_validate({"guess_named_it": "no"} | answer)
        submit_review(**ask, answers=answers, idempotency_key="script")
        session.commit()


def add_difference(site: Any, **second: Any) -> str:
    """Add an item that one keeps and one rejects, or as `second` says; return its id."""
    site.change(
        "UPDATE tasks SET status = 'withdrawn', open_slots = 0 WHERE kind IN ('leakage_check', 'leakage_adjudication')"
    )
    item: str = site.add_item(
        kind=TaskKind.LEAKAGE_CHECK, overlap=2, priority=90, picture=True, query=QUERY, hidden_hazard=HAZARD,
        scene=f"A kitchen, seen on visit {uuid.uuid4().hex}.",
    )  # fmt: skip
    box = {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    check(site, outcome="clean", text="a cut", guess_named_it="yes", note=hostile(0, "note"),
          marks={"gives_away": "no", "box": box})  # fmt: skip
    told = {"gives_away": "yes", "words": [(15, 26)], "box": box | {"x": 0.11}}
    check(site, **({"outcome": "reject", "marks": told} | second))
    return item


def records(site: Any, item: str, kind: str) -> list[dict[str, Any]]:
    """Return the item's records of a kind."""
    sql = (
        "SELECT body FROM records JOIN items ON items.number = records.item_number "
        "WHERE items.id = :item AND records.kind = :kind ORDER BY seq"
    )
    return [json.loads(body) for (body,) in site.query(sql, item=item, kind=kind)]


def differing_rows(tab: Any) -> list[str]:
    texts = tab.part("others").locator("tr[data-differs] th").all_inner_texts()
    return [text.split("they differ")[0].strip() for text in texts]


@pytest.fixture
def adjudicator(site: Any) -> Person:
    """Somebody who settles, and has answered nothing."""
    person: Person = site.add_person("adjudicator")
    return person


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_from_the_page_of_all_kinds_to_a_difference_settled_by_keys(
    site: Any, open_tab: Callable[..., Any], adjudicator: Person, width: int, theme: str
) -> None:
    site.empty_adjudication()
    item = add_difference(site)
    tab = open_tab(adjudicator, width=width, height=844, color_scheme=theme, reduced_motion="reduce")
    tab.page.goto(f"{site.url}/adjudicate")
    expect(tab.page.locator("h1.cu-say")).to_have_text("1 difference waits for you.")
    found = find_serious(tab, "all kinds")
    tab.page.locator('a[data-kind="leakage_adjudication"]').click()
    tab.wait_state("ready")
    assert tab.item() == item
    table = tab.part("others")
    assert table.locator("thead th").all_inner_texts()[1:] == ["A", "B"]
    expect(table).to_contain_text(hostile(0, "note"))
    assert differing_rows(tab) == [
        "Outcome", "From the words alone", "Guess named it", "Query gives it away", "Words that tell",
    ]  # fmt: skip
    expect(table.locator("mark")).to_have_text("bread knife")
    expect(tab.page.locator(".cu-hero [data-theirs]")).to_have_count(3)
    expect(tab.page.locator(".cu-box[data-other]")).to_have_count(2)
    expect(tab.part("hazard")).to_have_text(HAZARD)
    expect(tab.part("guess")).to_be_hidden()
    expect(tab.part("edits")).to_be_hidden()
    current = tab.page.locator(".cu-top [aria-current='page']")
    assert set(current.all_text_contents()) == {"Adjudicate"}
    assert not tab.page.evaluate(WIDE)

    tab.press("Enter")
    expect(tab.part("hint")).to_contain_text("Take one of the answers")
    tab.press("7", "8")
    expect(table.locator('[data-action="take_2"]')).to_have_attribute("aria-pressed", "true")
    expect(table.locator('[data-action="take_1"]')).to_have_attribute("aria-pressed", "false")
    found += find_serious(tab, "siding")
    tab.press("Enter")
    expect(tab.part("note")).to_be_focused()
    tab.page.keyboard.type("The knife is the hazard")
    tab.press("Escape", "Enter")
    tab.wait_state("empty")
    tab.wait_saved()
    (settled,) = records(site, item, "leak_adjudication")
    assert (settled["side"], settled["outcome"], settled["note"]) == ("B", "reject", "The knife is the hazard")
    assert [one["outcome"] for one in records(site, item, "leak_review")] == ["clean", "reject"]
    assert site.query("SELECT stage FROM items WHERE id = :item", item=item) == [("rejected",)]

    tab.press("z")
    tab.wait_state("ready")
    expect(tab.part("note")).to_have_value("The knife is the hazard")
    expect(table.locator('[data-action="take_2"]')).to_have_attribute("aria-pressed", "true")
    assert site.query("SELECT stage FROM items WHERE id = :item", item=item) == [("refined",)]
    tab.press("w")
    assert not tab.page.evaluate(WIDE)
    found += find_serious(tab, "new answer")
    assert found == []


def test_a_new_answer_is_written_with_the_form_of_a_check(
    site: Any, open_tab: Callable[..., Any], adjudicator: Person
) -> None:
    item = add_difference(site, outcome="rewrite_covert", rewrite=REWRITE, marks={"gives_away": "unsure"})
    tab = open_tab(adjudicator).open("/leakage?kind=leakage_adjudication")
    changed = tab.part("others").locator("ins")
    expect(changed.first).to_have_text("do my kitchen things")
    assert "Box" in differing_rows(tab)
    tab.press("k")  # opens a new answer, and settles nothing yet
    expect(tab.page.locator('[data-outcome="clean"]')).to_have_attribute("aria-pressed", "true")
    tab.press("7", "8", "w")  # from B's answer
    expect(tab.part("diff-after").locator("ins").first).to_have_text("do my kitchen things")
    chosen = tab.page.locator('[data-question="strategy"] [data-answer="covert"]')
    expect(chosen).to_have_attribute("aria-checked", "true")
    tab.page.locator("button.cu-word", has_text="knife").click()
    tab.press("m", "ArrowRight", "Escape", "3", "5")
    tab.press("e")
    tab.part("edit-query").fill("Where do my things go, so that I can reach them?")
    tab.press("Escape", "n")
    tab.page.keyboard.type("Shorter, and it says as much")
    tab.press("Escape")
    tab.wait_saved()
    tab.page.reload()
    tab.wait_state("ready")
    expect(tab.part("marks")).to_contain_text("knife in the query")
    tab.press("a")
    tab.wait_state("empty")
    tab.wait_saved()
    (settled,) = records(site, item, "leak_adjudication")
    assert (settled["side"], settled["outcome"]) == (None, "rewrite_generic")
    assert settled["rewrite"] == "Where do my things go, so that I can reach them?"
    marks = settled["marks"]
    assert (marks["gives_away"], marks["unambiguous"], marks["words"]) == ("unsure", "unsure", [[21, 26]])
    assert marks["box"]["x"] == 0.36
    assert site.query("SELECT round FROM items WHERE id = :item", item=item) == [(2,)]


def test_annotators_do_not_settle_and_adjudicators_are_sent_to_their_page(
    site: Any, open_tab: Callable[..., Any], annotator: Person, adjudicator: Person
) -> None:
    tab = open_tab(annotator).open("/leakage?kind=leakage_adjudication", state="forbidden")
    expect(tab.part("blank-text")).to_contain_text("role adjudicator")
    settler = open_tab(adjudicator)
    settler.page.goto(f"{site.url}/leakage")
    settler.page.wait_for_url("**/adjudicate")
    expect(settler.page.locator(".cu-kinds li")).to_have_count(3)
