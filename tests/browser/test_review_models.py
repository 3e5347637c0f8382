"""What models found on the item answered last: beside the own answer, and never before that is stored."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.accounts import Person
from storage.records import TaskKind

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-answers")]


@pytest.fixture
def judged(site: Any, open_tab: Callable[..., Any], annotator: Person) -> Any:
    """The review screen with an item on it that models have judged."""
    item = site.judge(site.add_item(priority=95))
    tab = open_tab(annotator).open()
    assert tab.item() == item
    yield tab
    site.put_last(item)


def ways_in(tab: Any) -> Any:
    return tab.page.locator('.cu-dock [data-action="models"]')


def asked(tab: Any) -> list[str]:
    """Note every question to the server for what models found."""
    found: list[str] = []
    tab.page.on("request", lambda request: found.append(request.url) if "/suggestions" in request.url else None)
    return found


def test_the_own_answer_stands_beside_what_each_filter_and_model_found(
    judged: Any, site: Any, annotator: Person
) -> None:
    label = judged.part("label").inner_text()
    judged.decide("1", "h", "4", "9", "r")
    expect(ways_in(judged)).to_have_text(f"Models on {label} I")
    judged.press("i")
    expect(judged.part("models-title")).to_have_text(f"Models on {label}")
    expect(judged.part("models-sum")).to_have_text(
        "1 of 2 filters passed; a leak was found; 1 model suggested a verdict."
    )
    expect(judged.part("live")).to_contain_text(f"Models on {label}. 1 of 2 filters passed")
    body = judged.part("models-body")
    expect(body.locator(".cu-models-own")).to_have_text("RejectedHazard not visible")
    benign, clear, leak, said = (body.locator(".cu-models-row").nth(place) for place in range(4))
    for row, told in (
        (benign, ["Query harmless", "Passed", "Score 5 of 5, limit 4", "You: yes", "Harmless."]),
        (
            clear,
            [
                "Danger clear",
                "Did not pass",
                "Score 2 of 5, limit 4",
                "You: yes, which differs",
                "Vague <img src=x onerror=alert(1)>.",
            ],
        ),
        (leak, ["The query", "Leak found", "Hazard: latent in the scene"]),
        (said, ["critic-1", "Revise", "Leakage"]),
    ):
        for text in told:
            expect(row).to_contain_text(text)
    shares = clear.locator(".cu-score > *").evaluate_all(
        "nodes => nodes.map((node) => node.style.width || node.style.left)"
    )
    assert shares == ["40%", "80%"]
    looks = "SELECT count(*) FROM audit_events WHERE tag = 'reviews:suggestions:see' AND actor = :actor"
    assert site.query(looks, actor=f"user:{annotator.name}") == [(1,)]
    judged.press("i")
    expect(judged.part("models")).to_be_hidden()
    assert judged.part("models-body").inner_html() == ""


def test_nothing_is_asked_for_before_an_answer(judged: Any) -> None:
    questions = asked(judged)
    expect(ways_in(judged)).to_be_hidden()
    judged.press("i")
    expect(judged.part("hint")).to_contain_text("Answer an item first")
    expect(judged.part("models")).to_be_hidden()
    judged.decide("s")  # a skip is no answer
    judged.wait_saved()
    judged.press("i")
    expect(judged.part("models")).to_be_hidden()
    assert questions == []


@pytest.mark.parametrize("offline", [False, True])
def test_while_the_answer_is_on_its_way_the_drawer_waits(judged: Any, offline: bool) -> None:
    questions, held = asked(judged), []
    if offline:
        judged.page.wait_for_timeout(600)  # let the stock fill
        judged.context.set_offline(True)
        expect(judged.notice("offline")).to_be_visible()
    else:
        judged.page.route("**/api/v1/reviews", lambda route: held.append(route))
    judged.decide("a")
    judged.press("i")
    expect(judged.part("models-body")).to_contain_text("is not saved yet")
    expect(judged.part("models-end")).to_be_hidden()
    assert questions == []
    if offline:
        judged.context.set_offline(False)
    else:
        held[0].continue_()
    expect(judged.part("models-sum")).to_contain_text("1 of 2 filters passed")
    assert len(questions) == 1
    judged.decide("s")
    judged.wait_saved()
    expect(judged.part("models-sum")).to_be_visible()
    assert len(questions) == 1, "a skip changes nothing about the answer before"


def test_after_a_failed_save_the_drawer_says_so_and_stays_closed_to_the_item(judged: Any) -> None:
    questions = asked(judged)
    judged.page.route("**/api/v1/reviews", lambda route: route.abort())
    item = judged.decide("a")
    judged.press("i")
    expect(judged.part("models-body")).to_contain_text("was not saved, so what models found stays closed")
    judged.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=item)
    expect(judged.part("models-end")).to_be_hidden()
    expect(ways_in(judged)).to_be_hidden()
    assert questions == []
    judged.page.unroute("**/api/v1/reviews")
    judged.page.wait_for_timeout(600)
    judged.decide("Enter")  # save again
    expect(judged.part("models")).to_be_hidden()
    judged.press("i")
    expect(judged.part("models-sum")).to_contain_text("1 of 2 filters passed")


def test_undo_takes_the_item_in_the_drawer_back_and_closes_it(judged: Any, site: Any, annotator: Person) -> None:
    item = judged.decide("1", "a")
    judged.press("i")
    expect(judged.part("models-sum")).to_be_visible()
    judged.decide("s")  # another one is skipped meanwhile: the drawer is still about the first
    judged.press("z")
    judged.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=item)
    expect(judged.part("models")).to_be_hidden()
    expect(ways_in(judged)).to_be_hidden()
    expect(judged.page.locator('[data-criterion="query_benignness"] [data-answer="yes"]')).to_have_attribute(
        "aria-checked", "true"
    )
    judged.decide("9", "r")
    judged.wait_saved()
    tags = "SELECT tag FROM audit_events WHERE actor = :actor AND subject = :item AND tag LIKE 'reviews:%' ORDER BY seq"
    assert [tag for (tag,) in site.query(tags, actor=f"user:{annotator.name}", item=item)] == [
        "reviews:review:submit", "reviews:suggestions:see", "reviews:review:undo", "reviews:review:submit",
    ]  # fmt: skip


def test_the_next_answer_closes_the_drawer_and_a_late_reply_shows_nothing(judged: Any) -> None:
    held: list[Any] = []
    judged.page.route("**/suggestions", lambda route: held.append(route))
    judged.page.evaluate(
        "() => { const body = document.querySelector('[data-part=models-body]'); window.said = [];"
        " new MutationObserver(() => window.said.push(body.textContent)).observe(body, { childList: true }); }"
    )
    judged.decide("a")
    judged.wait_saved()
    judged.press("i")
    expect(judged.part("models-body")).to_have_text("Looking it up.")
    following = judged.part("label").inner_text()
    judged.decide("a")
    expect(judged.part("models")).to_be_hidden()
    judged.wait_saved()
    judged.press("i")
    expect(judged.part("models-title")).to_have_text(f"Models on {following}")
    expect(judged.part("models-body")).to_have_text("Looking it up.")
    with judged.page.expect_response("**/suggestions"):
        held[0].continue_()
    held[1].continue_()
    expect(judged.part("models-sum")).to_have_text("No model has looked at this one: it was written by hand.")
    expect(judged.part("models-body").locator(".cu-models-row")).to_have_count(0)
    assert "filters passed" not in "".join(judged.page.evaluate("window.said"))


def test_what_the_server_refuses_or_fails_is_said_and_can_be_tried_again(judged: Any) -> None:
    said = {"error": {"code": "busy", "message": "the database is locked"}}
    judged.page.route("**/suggestions", lambda route: route.fulfill(status=503, json=said))
    judged.decide("a")
    judged.wait_saved()
    judged.press("i")
    expect(judged.part("models-body")).to_contain_text("The database is locked.")
    judged.page.unroute("**/suggestions")
    judged.part("models-body").get_by_text("Try again").click()
    expect(judged.part("models-sum")).to_contain_text("1 of 2 filters passed")


def test_by_keyboard_alone_it_opens_and_gives_the_focus_back(judged: Any) -> None:
    judged.decide("a")
    ways_in(judged).focus()
    judged.press("Enter")
    expect(judged.part("models")).to_be_focused()
    expect(judged.part("models-sum")).to_be_visible()
    reached = set()
    for _ in range(3):
        judged.press("Tab")
        focused = "(({ dataset, tagName }) => dataset.part || dataset.action || tagName)(document.activeElement)"
        reached.add(judged.page.evaluate(focused))
    assert {"models-close", "undo", "SUMMARY"} <= reached
    judged.press("Escape")
    expect(judged.part("models")).to_be_hidden()
    expect(ways_in(judged)).to_be_focused()
    judged.press("i", "g")
    expect(judged.part("guide")).to_be_visible()
    expect(judged.part("models")).to_be_hidden()
    judged.press("i")
    expect(judged.part("guide")).to_be_hidden()
    expect(judged.part("models-sum")).to_be_visible()


def test_the_key_can_be_changed_and_gives_way_to_an_older_choice(site: Any, open_tab: Callable[..., Any]) -> None:
    person = site.add_person("annotator", preferences={"review": {"warned": True, "keys": {"reveal": "i"}}})
    tab = open_tab(person).open()
    tab.press("i")
    expect(tab.part("hazard")).to_be_visible()
    tab.decide("a")
    expect(ways_in(tab).locator("kbd")).to_be_hidden()
    tab.press("?")
    tab.page.click('[data-rekey="models"]')
    tab.press("y")
    expect(tab.page.locator('[data-rekey="models"]')).to_have_text("Y")
    tab.press("Escape", "y")
    expect(tab.part("models-sum")).to_be_visible()


def test_by_touch_on_a_phone(site: Any, open_tab: Callable[..., Any], annotator: Person) -> None:
    tab = open_tab(annotator, width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2).open()
    first = tab.item()
    tab.page.locator('.cu-verdict[data-v="approve"]').tap()
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item !== item", arg=first)
    ways_in(tab).tap()
    expect(tab.part("models-sum")).to_be_visible()
    wide = tab.page.evaluate(
        "[...document.querySelectorAll('.cu-dock *, #cu-models *')].map((node) => node.getBoundingClientRect())"
        ".filter((box) => box.width && (box.right > 391 || box.left < -1)).length"
    )
    assert wide == 0
    heights = tab.page.locator("#cu-models button").evaluate_all("nodes => nodes.map((node) => node.offsetHeight)")
    assert min(heights) >= 36
    tab.page.locator('#cu-models [data-action="undo"]').tap()
    tab.page.wait_for_function("item => document.querySelector('.cu[data-screen]').dataset.item === item", arg=first)
    expect(tab.part("models")).to_be_hidden()


def test_after_the_last_item_the_way_in_is_on_the_empty_screen(site: Any, open_tab: Callable[..., Any]) -> None:
    person, item = site.add_person("annotator"), site.add_item()
    site.change(
        "INSERT INTO claims (id, task_id, user_id, holder, state, expires_at, created_at) "
        "SELECT lower(hex(randomblob(16))), tasks.id, :user, '', 'skipped', tasks.created_at, tasks.created_at "
        "FROM tasks JOIN items ON items.number = tasks.item_number "
        "WHERE items.id != :item AND tasks.kind = 'scenario_review'",
        user=person.id,
        item=item,
    )
    tab = open_tab(person).open()
    label = tab.part("label").inner_text()
    tab.press("a")
    tab.wait_state("empty")
    tab.part("blank-actions").get_by_text(f"Models on {label}").click()
    expect(tab.part("models-sum")).to_contain_text("it was written by hand")
    tab.press("Escape")
    expect(tab.part("models")).to_be_hidden()
    tab.press("i")
    tab.page.locator('#cu-models [data-action="undo"]').click()
    tab.wait_state("ready")
    assert tab.item() == item


def test_settling_and_leakage_checks_have_no_such_key(site: Any, open_tab: Callable[..., Any]) -> None:
    site.empty_adjudication()
    item = site.add_item(overlap=2, priority=90)
    for verdict in ("approve", "reject"):
        assert site.review(site.add_person("annotator"), verdict=verdict) == item
    tab = open_tab(site.add_person("adjudicator")).open("/?kind=adjudication")
    check = site.add_item(kind=TaskKind.LEAKAGE_CHECK, priority=95)  # before what other tests left
    other = open_tab(site.add_person("annotator")).open("/leakage")
    assert (tab.item(), other.item()) == (item, check)
    for screen in (tab, other):
        questions = asked(screen)
        screen.part("query").click()
        screen.press("i", "?")
        expect(screen.part("settings")).to_be_visible()
        expect(screen.page.locator('[data-rekey="undo"]')).to_be_visible()
        expect(screen.page.locator('[data-rekey="models"], [data-action="models"], #cu-models')).to_have_count(0)
        screen.press("Escape")
        assert questions == []
