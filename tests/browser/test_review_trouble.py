"""When things go wrong: a save that fails, a server that is away, a claim that lapses, another tab, an empty queue."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.accounts import Person

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-answers")]


def mark(tab: Any, note: str = "keep this") -> str:
    """Fill something in on the item on screen and return the item's id."""
    item: str = tab.item()
    tab.press("1", "h", "6", "n")
    tab.page.keyboard.type(note)
    tab.press("Escape")
    return item


def expect_marks(tab: Any, item: str, note: str = "keep this") -> None:
    """Check that the item is on screen with everything that `mark` filled in."""
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=item)
    expect(tab.part("note")).to_have_value(note)
    expect(tab.page.locator('[data-action="unnatural"]')).to_have_attribute("aria-pressed", "true")
    expect(tab.page.locator('[data-criterion="query_benignness"] [data-answer="yes"]')).to_have_attribute(
        "aria-checked", "true"
    )


def test_failed_save_rolls_back_and_save_again_works(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.route("**/api/v1/reviews", lambda route: route.abort())
    item = mark(tab)
    tab.decide("r")
    expect(tab.notice("failed")).to_contain_text("Your verdict was not saved")
    expect_marks(tab, item)
    expect(tab.part("save")).to_have_text("Not saved")
    assert site.reviews_of(annotator) == []
    tab.page.unroute("**/api/v1/reviews")
    tab.page.wait_for_timeout(600)
    tab.decide("Enter")
    tab.wait_saved()
    expect(tab.notice("failed")).to_have_count(0)
    assert site.reviews_of(annotator) == [(item, "reject")]


def test_lost_reply_stores_the_review_once(tab: Any, site: Any, annotator: Person) -> None:
    sent: list[str] = []

    def lose_first_reply(route: Any) -> None:
        sent.append(route.request.post_data_json["idempotency_key"])
        if len(sent) == 1:
            route.fetch()  # the server stores it, the browser never hears of it
            route.abort()
        else:
            route.continue_()

    tab.page.route("**/api/v1/reviews", lose_first_reply)
    item = tab.decide("a")
    tab.wait_saved()
    assert len(sent) == 2 and sent[0] == sent[1]
    assert site.reviews_of(annotator) == [(item, "approve")]


def test_save_again_after_lost_replies_keeps_the_key(tab: Any, site: Any, annotator: Person) -> None:
    sent: list[str] = []

    def lose_replies(route: Any) -> None:
        sent.append(route.request.post_data_json["idempotency_key"])
        if len(sent) <= 3:
            route.fetch()  # stored, but the browser gives up after three tries and rolls back
            route.abort()
        else:
            route.continue_()

    tab.page.route("**/api/v1/reviews", lose_replies)
    item = mark(tab)
    tab.decide("r")
    expect(tab.notice("failed")).to_be_visible()
    expect_marks(tab, item)
    tab.page.wait_for_timeout(600)
    tab.decide("Enter")
    tab.wait_saved()
    expect(tab.notice("lapsed")).to_have_count(0)
    assert len(sent) == 4 and len(set(sent)) == 1
    assert site.reviews_of(annotator) == [(item, "reject")]


def test_server_that_fails_brings_all_waiting_items_back(tab: Any, site: Any, annotator: Person) -> None:
    fail = {"status": 500, "json": {"error": {"code": "internal", "message": "it broke"}}}
    tab.page.route("**/api/v1/reviews", lambda route: route.fulfill(**fail))
    first = mark(tab)
    tab.decide("r")
    second = tab.decide("a")
    expect(tab.notice("failed")).to_contain_text("It broke")
    expect_marks(tab, first)
    tab.page.unroute("**/api/v1/reviews")
    tab.page.wait_for_timeout(600)
    tab.decide("Enter")
    assert tab.item() == second
    expect(tab.notice("failed")).to_contain_text("Approve on")
    tab.decide("Enter")
    tab.wait_saved()
    assert site.reviews_of(annotator) == [(first, "reject"), (second, "approve")]


def test_rollback_waits_while_the_person_types(tab: Any) -> None:
    tab.page.route("**/api/v1/reviews", lambda route: route.abort())
    item = mark(tab)
    tab.decide("r")
    following = tab.item()
    tab.press("n")
    tab.page.keyboard.type("about the next one")
    expect(tab.notice("info")).to_contain_text("comes back when you leave this field")
    assert tab.item() == following
    tab.press("Escape")
    expect_marks(tab, item)


def test_refused_answer_says_why(tab: Any) -> None:
    message = "the note cannot be stored"
    body = {"error": {"code": "invalid", "message": message, "fields": [{"field": "note", "message": message}]}}
    tab.page.route("**/api/v1/reviews", lambda route: route.fulfill(status=422, json=body))
    item = mark(tab)
    tab.press("r")  # the refusal comes at once, so the next item may never be seen
    expect(tab.notice("failed")).to_contain_text("The note cannot be stored")
    expect_marks(tab, item)


def test_offline_decisions_wait_and_go_out_once(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.wait_for_timeout(600)  # let the stock fill
    tab.context.set_offline(True)
    expect(tab.notice("offline")).to_contain_text("Trying again in")
    expect(tab.part("save")).to_have_text("Offline")
    done = [(tab.decide("a"), "approve"), (tab.decide("9", "r"), "reject")]
    expect(tab.notice("offline")).to_contain_text("2 decisions wait in this tab")
    assert site.reviews_of(annotator) == []
    tab.context.set_offline(False)
    expect(tab.notice("offline")).to_have_count(0)
    tab.wait_saved()
    assert site.reviews_of(annotator) == done


def test_offline_until_the_stock_is_used_up(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.wait_for_timeout(600)
    tab.context.set_offline(True)
    expect(tab.notice("offline")).to_be_visible()
    for _ in range(5):
        tab.press("a")
    tab.wait_state("waiting")
    expect(tab.part("blank-text")).to_contain_text("5 decisions will be sent")
    tab.context.set_offline(False)
    tab.wait_state("ready")
    tab.wait_saved()
    assert len(site.reviews_of(annotator)) == 5


def test_leaving_with_unsent_decisions_asks_first(tab: Any) -> None:
    asked: list[str] = []
    tab.page.on("dialog", lambda dialog: asked.append(dialog.type))
    tab.page.mouse.click(5, 5)
    tab.context.set_offline(True)
    expect(tab.notice("offline")).to_be_visible()
    tab.decide("a")
    tab.page.evaluate("setTimeout(() => location.assign('/progress'))")
    tab.page.wait_for_timeout(800)
    assert asked == ["beforeunload"]


def test_nothing_of_the_items_stays_in_the_browser(tab: Any) -> None:
    mark(tab, "a private thought")
    tab.decide("r")
    tab.wait_saved()
    kept = tab.page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert "private thought" not in kept
    assert "railing" not in kept and "breeze" not in kept


SLOW_CLAIMS = """() => {
  const ask = window.fetch;
  window.fetch = async (address, ...rest) => {
    const reply = await ask(address, ...rest);
    if (new URL(address, location).pathname.endsWith('/claims')) await new Promise((done) => setTimeout(done, 1500));
    return reply;
  };
}"""


def lapse(site: Any, person: Person) -> None:
    """Let all claims of a person run out, as after a long break."""
    site.change(
        "UPDATE tasks SET open_slots = open_slots + 1 WHERE id IN "
        "(SELECT task_id FROM claims WHERE user_id = :user AND state = 'active')",
        user=person.id,
    )
    site.change("UPDATE claims SET state = 'expired' WHERE user_id = :user AND state = 'active'", user=person.id)


def test_lapsed_claim_is_taken_up_again(tab: Any, site: Any, annotator: Person) -> None:
    item = mark(tab)
    lapse(site, annotator)
    tab.decide("r")
    tab.wait_saved()
    assert site.reviews_of(annotator) == [(item, "reject")]


def test_lapsed_claim_that_others_finished_keeps_the_work(
    site: Any, open_tab: Callable[..., Any], annotator: Person
) -> None:
    item = site.add_item(overlap=1, priority=90)
    tab = open_tab(annotator).open()
    assert mark(tab) == item
    tab.wait_saved()
    lapse(site, annotator)
    other = site.add_person("annotator")
    assert site.review(other) == item
    tab.press("r")  # the next item is there for less than a frame when the refusal comes at once
    expect(tab.notice("lapsed")).to_contain_text("was finished by others")
    expect_marks(tab, item)
    expect(tab.page.locator('[data-action="approve"]')).to_be_disabled()
    tab.press("a", "r")  # verdicts are off on an item that is no longer ours
    assert tab.item() == item
    tab.press("Enter")
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item !== item", arg=item)
    expect(tab.notice("lapsed")).to_have_count(0)
    assert site.reviews_of(annotator) == []


def test_claims_are_renewed_while_somebody_works(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.wait_for_timeout(500)
    soon = "2020-01-01 00:00:00.000000"
    before = site.query(
        "SELECT min(expires_at) FROM claims WHERE user_id = :user AND state = 'active'", user=annotator.id
    )
    assert before[0][0] > soon
    # two thirds of the time are over, as far as the page knows
    tab.page.evaluate("() => { const now = Date.now; const start = now(); Date.now = () => now() + 700_000; }")
    with tab.page.expect_response("**/renew") as reply:
        tab.page.mouse.click(700, 500)
    assert reply.value.status == 200


def test_untouched_item_that_others_finished_goes_quietly(
    site: Any, open_tab: Callable[..., Any], annotator: Person
) -> None:
    item = site.add_item(overlap=1, priority=90)
    tab = open_tab(annotator).open()
    assert tab.item() == item
    tab.page.wait_for_timeout(500)
    lapse(site, annotator)
    assert site.review(site.add_person("annotator")) == item
    tab.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 700_000; }")
    tab.page.evaluate(SLOW_CLAIMS)  # the items behind it, claimed anew, come back while their old claims are renewed
    tab.page.mouse.click(700, 500)  # back at the desk: the claims are renewed, and this one cannot be
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item !== item", arg=item)
    tab.page.wait_for_timeout(2500)
    expect(tab.notice("info")).to_contain_text("finished by others")
    tab.press("Escape")
    expect(tab.notice("info")).to_have_count(0)


def test_leaving_right_after_deciding_loses_nothing(tab: Any, site: Any, annotator: Person) -> None:
    tab.page.wait_for_timeout(600)
    tab.page.mouse.click(5, 300)
    shown = []
    for _ in range(3):
        shown.append(tab.item())
        tab.press("a")
    tab.page.goto(f"{site.url}/progress")
    for _ in range(60):  # sent together while the page goes, so they may arrive in any order
        if len(site.reviews_of(annotator)) >= len(shown):
            break
        tab.page.wait_for_timeout(250)
    assert sorted(item for item, _ in site.reviews_of(annotator)) == sorted(shown)


def test_two_tabs_hold_different_items(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    first = open_tab(annotator).open()
    second = open_tab(annotator, beside=first).open()
    assert first.item() != second.item()
    done = {first.decide("a"), second.decide("a")}
    first.wait_saved()
    second.wait_saved()
    assert {item for item, _ in site.reviews_of(annotator)} == done


def test_item_decided_in_another_tab_is_explained(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    first = open_tab(annotator).open()
    item = mark(first)
    first.wait_saved()
    lapse(site, annotator)  # the first tab slept; now the item is offered to the second one
    second = open_tab(annotator, beside=first).open()
    assert second.item() == item
    second.press("6")
    second.decide("r" if second.page.locator('[data-action="unnatural"][aria-pressed="true"]').count() else "a")
    second.wait_saved()
    expect(first.notice("lapsed")).to_contain_text("You decided it in another tab")
    expect(first.part("note")).to_have_value("keep this")
    first.press("Enter")
    first.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item !== item", arg=item)
    assert [one for one, _ in site.reviews_of(annotator)] == [item]


def test_duplicated_tab_gets_a_name_of_its_own(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    first = open_tab(annotator).open()
    holder = first.page.evaluate("sessionStorage.getItem('curator-holder')")
    second = open_tab(annotator, beside=first)
    second.page.add_init_script(
        f"sessionStorage.setItem('curator-holder', sessionStorage.getItem('curator-holder') || '{holder}')"
    )
    second.open()
    assert second.page.evaluate("sessionStorage.getItem('curator-holder')") != holder
    assert second.item() != first.item()


def test_signed_out_in_another_tab(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    tab = open_tab(annotator).open()
    tab.context.clear_cookies()
    item = tab.decide("a")
    expect(tab.notice("signed_out")).to_contain_text("1 decision waits in this tab")
    tab.context.add_cookies([{"name": "curator_session", "value": site.sign_in(annotator), "url": site.url}])
    tab.notice("signed_out").get_by_text("Try now").click()
    tab.wait_saved()
    assert site.reviews_of(annotator) == [(item, "approve")]


def test_decisions_never_go_out_in_another_name(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    tab = open_tab(annotator).open()
    other = site.add_person("annotator")
    tab.context.clear_cookies()
    tab.decide("a")
    expect(tab.notice("signed_out")).to_be_visible()
    tab.context.add_cookies([{"name": "curator_session", "value": site.sign_in(other), "url": site.url}])
    tab.notice("signed_out").get_by_text("Try now").click()
    expect(tab.notice("stranger")).to_contain_text("Somebody else is signed in now")
    tab.page.wait_for_timeout(300)
    assert site.reviews_of(other) == [] and site.reviews_of(annotator) == []


def test_empty_queue_and_bringing_back_what_was_skipped(site: Any, open_tab: Callable[..., Any]) -> None:
    site.empty_adjudication()
    settler = site.add_person("adjudicator")
    tab = open_tab(settler).open("/?kind=adjudication", state="empty")
    expect(tab.part("blank-title")).to_contain_text("Nothing")
    item = site.add_item(overlap=2, priority=95)
    for verdict in ("approve", "reject"):
        assert site.review(site.add_person("annotator"), verdict=verdict) == item
    tab.press("Enter")
    tab.wait_state("ready")
    assert tab.item() == item
    tab.press("s")
    tab.wait_state("empty")
    button = tab.part("blank-actions").get_by_text("Bring back 1 skipped")
    expect(button).to_be_visible()
    button.click()
    tab.wait_state("ready")
    assert tab.item() == item


def test_without_the_role_the_screen_says_so(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    tab = open_tab(annotator).open("/?kind=adjudication", state="forbidden")
    expect(tab.part("blank-text")).to_contain_text("role adjudicator")
