"""On a phone: 390 px, fingers only."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.accounts import Person

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]


@pytest.fixture
def phone(open_tab: Callable[..., Any], annotator: Person) -> Any:
    """The review screen on a phone."""
    return open_tab(annotator, width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2).open()


def test_reviewing_by_touch(phone: Any, site: Any, annotator: Person) -> None:
    done = []
    for turn in range(3):
        done.append(phone.item())
        phone.page.locator('[data-criterion="query_benignness"] [data-answer="yes"]').tap()
        phone.page.locator('[data-action="reveal"]').tap()
        expect(phone.part("hazard")).to_be_visible()
        if turn:
            phone.page.locator('[data-action="unnatural"]').tap()
            phone.page.locator('.cu-verdict[data-v="reject"]').tap()
        else:
            phone.page.locator('.cu-verdict[data-v="approve"]').tap()
        phone.page.wait_for_function(
            "item => document.querySelector('.cu[data-screen]').dataset.item !== item", arg=done[-1]
        )
        assert phone.part("case").evaluate("node => node.scrollTop") == 0
    phone.wait_saved()
    assert [item for item, _ in site.reviews_of(annotator)] == done


def test_the_hazard_comes_into_view_when_it_is_shown(phone: Any) -> None:
    phone.page.locator('[data-action="reveal"]').tap()
    expect(phone.part("chain")).to_be_in_viewport(ratio=1)


def test_the_way_out_of_the_guidelines_stays_in_sight(phone: Any) -> None:
    phone.page.locator('[data-action="guidelines"]').tap()
    expect(phone.part("guide-body")).to_contain_text("Approve")
    phone.part("guide").evaluate("node => node.scrollTo(0, 9999)")
    assert phone.part("guide").evaluate("node => node.scrollTop") > 100
    expect(phone.part("guide-close")).to_be_in_viewport(ratio=1)
    head = (
        "node => node.querySelector('.cu-drawer-head').getBoundingClientRect().top - node.getBoundingClientRect().top"
    )
    assert abs(phone.part("guide").evaluate(head)) <= 1, "text shows above the head"


def test_the_window_is_named_after_the_page(phone: Any) -> None:
    expect(phone.page).to_have_title("Review · Curator")


def test_nothing_is_wider_than_the_screen(phone: Any) -> None:
    phone.page.locator('[data-action="reveal"]').tap()
    phone.page.locator('[data-action="edits"]').first.tap()
    wide = phone.page.evaluate(
        """() => [...document.querySelectorAll('.cu *')].filter((node) => {
          const box = node.getBoundingClientRect();
          return box.width && (box.right > 391 || box.left < -1) && getComputedStyle(node).position !== 'absolute'
            && !node.closest('.cu-pic, .cu-sr, dialog, details:not([open]) > :not(summary)');
        }).map((node) => node.className || node.tagName)"""
    )
    assert wide == []
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_targets_are_big_enough(phone: Any) -> None:
    small = phone.page.evaluate(
        """() => [...document.querySelectorAll('.cu button, .cu summary, .cu a, .cu [role=radio], .cu input')]
          .filter((node) => !node.closest('details:not([open]) > :not(summary)'))
          .map((node) => [node.dataset.action || node.className, node.getBoundingClientRect()])
          .filter(([, box]) => box.width && box.height < 36)
          .map(([name, box]) => `${name} ${Math.round(box.height)}`)"""
    )
    assert small == []
    for verdict in ("approve", "revise", "reject"):
        assert phone.page.locator(f'.cu-verdict[data-v="{verdict}"]').bounding_box()["height"] >= 44


def test_two_fingers_zoom_the_picture(phone: Any) -> None:
    phone.skip_to("picture")
    box = phone.part("picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client = phone.context.new_cdp_session(phone.page)
    for kind, spread in (("touchStart", 40), ("touchMove", 70), ("touchMove", 110), ("touchEnd", 0)):
        points = [{"x": x - spread, "y": y}, {"x": x + spread, "y": y}] if spread else []
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    phone.page.wait_for_timeout(100)
    zoom = float(phone.part("zoom").inner_text().removesuffix(" %"))
    assert zoom == pytest.approx(275, abs=30)
    assert phone.page.evaluate("visualViewport.scale") == pytest.approx(1)  # the page itself stays as it was
    # one finger moves the zoomed picture
    before = phone.part("picture").bounding_box()["x"]
    for kind, shift in (("touchStart", 0), ("touchMove", 30), ("touchMove", 60)):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + shift, "y": y}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.page.wait_for_timeout(100)
    assert phone.part("picture").bounding_box()["x"] - before == pytest.approx(60, abs=5)


def test_menu_holds_pages_and_account(phone: Any) -> None:
    phone.page.locator("summary.cu-menu").tap()
    expect(phone.page.locator(".cu-phone .cu-sheet-start").get_by_text("Progress")).to_be_visible()
    expect(phone.page.locator(".cu-phone .cu-sheet-start").get_by_text("People")).to_be_hidden()
    phone.page.locator('summary[aria-label="Account and theme"]').tap()
    expect(phone.page.locator(".cu-phone .cu-sheet-start")).to_be_hidden()
    phone.page.locator('[data-theme-choice="dark"]').tap()
    assert phone.page.locator(".cu[data-screen]").get_attribute("data-theme") == "dark"
    phone.page.reload()
    phone.wait_state("ready")
    assert phone.page.locator(".cu[data-screen]").get_attribute("data-theme") == "dark"
    phone.page.locator('summary[aria-label="Account and theme"]').tap()
    phone.page.get_by_text("Sign out").tap()
    phone.page.wait_for_url("**/sign-in*")
