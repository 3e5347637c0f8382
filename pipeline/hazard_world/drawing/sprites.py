"""Every thing once, in both sizes, on nothing: found by name, there is nothing to register."""

from collections.abc import Callable
from functools import cache

from PIL import Image

from pipeline.hazard_world.drawing import things_house, things_papers, things_rooms
from pipeline.hazard_world.drawing.pen import Pen

SMALL_WIDTH, SMALL_HEIGHT = 8, 15


@cache
def find_drawings() -> dict[str, Callable[[Pen], None]]:
    """Return the drawing of every thing by its word: the functions `draw_<word>`."""
    modules = (things_house, things_papers, things_rooms)
    return {
        name.removeprefix("draw_"): value
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("draw_")
    }


@cache
def _draw(word: str) -> Pen:
    pen = Pen()
    find_drawings()[word](pen)
    return pen


@cache
def draw_sprite(word: str) -> Image.Image:
    """Return a thing at 150 x 190 pixels. Shared: do not change it."""
    return _draw(word).finish()


@cache
def draw_small_sprite(word: str) -> Image.Image:
    """Return a thing at 8 x 15 pixels. Shared: do not change it."""
    return _draw(word).finish(SMALL_WIDTH, SMALL_HEIGHT)
