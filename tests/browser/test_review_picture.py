"""The picture: zoom and pan by mouse, keys and fingers, brightness, all kept from item to item."""

from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.thorough, pytest.mark.xdist_group("browser-views")]


def transform(tab: Any) -> list[float]:
    """Return (scale, x, y) of the picture on screen, x and y in px."""
    tab.page.wait_for_timeout(60)
    value = tab.part("picture").evaluate("node => new DOMMatrix(getComputedStyle(node).transform).toFloat64Array()")
    return [value["0"], value["12"], value["13"]] if isinstance(value, dict) else [value[0], value[12], value[13]]


def test_zoom_pan_and_brightness_are_kept(tab: Any) -> None:
    tab.skip_to("picture")
    assert transform(tab) == [1, 0, 0]
    tab.press("+", "+", "+")
    scale, x, _ = transform(tab)
    assert scale == pytest.approx(1.25**3, abs=1e-4)
    expect(tab.part("zoom")).to_have_text("195 %")
    tab.press("ArrowRight")
    assert transform(tab)[1] < x
    tab.part("brightness").fill("150")
    tab.press("Escape")
    before = transform(tab)
    tab.decide("s")
    tab.skip_to("picture")
    assert transform(tab) == before
    expect(tab.part("brightness")).to_have_value("150")
    assert "brightness(1.5)" in tab.part("picture").evaluate("node => getComputedStyle(node).filter")
    tab.press("c")
    assert transform(tab) == [1, 0, 0]


def test_mouse_zooms_at_the_pointer_and_drags(tab: Any) -> None:
    tab.skip_to("picture")
    box = tab.part("picture").bounding_box()
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25
    tab.page.mouse.move(x, y)
    tab.page.mouse.wheel(0, -600)
    scale, moved_x, moved_y = transform(tab)
    assert scale > 2 and moved_x > 0 and moved_y > 0  # the corner under the pointer stays under it
    tab.page.mouse.down()
    tab.page.mouse.move(x - 60, y - 40, steps=4)
    tab.page.mouse.up()
    _, after_x, after_y = transform(tab)
    assert after_x == pytest.approx(moved_x - 60, abs=1) and after_y == pytest.approx(moved_y - 40, abs=1)
    tab.page.mouse.dblclick(x, y)
    assert transform(tab) == [1, 0, 0]


def test_picture_never_leaves_its_frame(tab: Any) -> None:
    tab.skip_to("picture")
    tab.press("+", "+")
    for _ in range(30):
        tab.press("ArrowLeft", "ArrowUp")
    frame, picture = tab.part("canvas").bounding_box(), tab.part("picture").bounding_box()
    untransformed = tab.part("picture").evaluate("node => node.offsetLeft")
    assert picture["x"] <= frame["x"] + untransformed + 1
    assert picture["y"] <= frame["y"] + tab.part("picture").evaluate("node => node.offsetTop") + 1


def test_picture_has_its_alternative_text_and_no_hazard_in_it(tab: Any) -> None:
    tab.skip_to("picture")
    expect(tab.part("picture").locator("img")).to_have_attribute("alt", "A plain test picture")


def test_picture_that_fails_can_be_tried_again(tab: Any) -> None:
    tab.skip_to("picture")
    tab.page.route("**/media/*", lambda route: route.abort())
    tab.page.reload()
    tab.wait_state("ready")
    tab.skip_to("picture")
    expect(tab.part("picture-failed")).to_contain_text("did not load")
    tab.page.unroute("**/media/*")
    tab.part("picture-again").click()
    expect(tab.part("picture-failed")).to_be_hidden()
    tab.page.wait_for_function("document.querySelector('[data-part=picture] img').naturalWidth > 0")


def test_item_without_a_picture_shows_its_scene(tab: Any) -> None:
    tab.skip_to("scene-card")
    expect(tab.part("scene-card")).to_contain_text("No picture yet: judge the scene as described")
    expect(tab.part("scene-text")).to_contain_text("balcony")
    expect(tab.part("tools")).to_be_hidden()
