"""The house that a scene shows: nine rooms, three by three, cut open. Both sizes are exact functions of the scene.

The small picture is 48 x 48 pixels, a room 16 x 16: with patches of 8 pixels that are merged two by two, as in the
vision towers of Qwen's models, a room is one visual token, and what stands left and right in it are two patches each.
"""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from pipeline.hazard_world.drawing.pen import HEIGHT, WIDTH
from pipeline.hazard_world.drawing.sprites import SMALL_WIDTH, draw_small_sprite, draw_sprite
from pipeline.hazard_world.scenes import WALLPAPERS, Scene

SIDE = 3
LARGE_WIDTH, LARGE_HEIGHT = 960, 720
SMALL_SIDE = 48
ROOM_WIDTH, ROOM_HEIGHT, SMALL_ROOM = LARGE_WIDTH // SIDE, LARGE_HEIGHT // SIDE, SMALL_SIDE // SIDE

_FLOOR, _MARGIN = 46, 10
"""Height of a floor, and room for the walls, in pixels of the large picture."""
_BEAM = "#3b3540"
_WALLS = ("#f3e7d0", "#cfe0c8", "#c6dcec", "#ecd0d2", "#d9cfe8", "#8fa3ad", "#e6cf9a", "#7f9a86")
_FLOORS = ("#a9835b", "#8d6b4a", "#b59a78", "#7a6552", "#9c7a64", "#5f5a58", "#94724a", "#54473d")
assert len(_WALLS) == len(_FLOORS) == WALLPAPERS


def draw_large(scene: Scene) -> Image.Image:
    """Return the picture for people: 960 x 720 pixels, RGB."""
    picture = Image.new("RGB", (LARGE_WIDTH, LARGE_HEIGHT))
    for number, pair in enumerate(scene.rooms):
        x, y = number % SIDE * ROOM_WIDTH, number // SIDE * ROOM_HEIGHT
        picture.paste(_draw_room(scene.walls[number]), (x, y))
        for side, word in enumerate(pair or ()):
            sprite = draw_sprite(word)
            picture.paste(sprite, (x + _MARGIN + side * WIDTH, y + ROOM_HEIGHT - 22 - HEIGHT), sprite)
    _draw_beams(picture)
    return picture


def encode_large(scene: Scene) -> bytes:
    """Return the picture for people as a quickly made PNG; the same bytes with the same version of Pillow."""
    buffer = io.BytesIO()
    draw_large(scene).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def draw_small(scene: Scene) -> np.ndarray:
    """Return the picture for a tiny model: (48, 48, 3) bytes, RGB."""
    pixels = np.empty((SMALL_SIDE, SMALL_SIDE, 3), dtype=np.uint8)
    for number, pair in enumerate(scene.rooms):
        x, y = number % SIDE * SMALL_ROOM, number // SIDE * SMALL_ROOM
        tile = pixels[y : y + SMALL_ROOM, x : x + SMALL_ROOM]
        wall = scene.walls[number]
        if pair is None:
            tile[:] = _draw_small_room(wall)
            continue
        for side, word in enumerate(pair):
            tile[:, side * SMALL_WIDTH : (side + 1) * SMALL_WIDTH] = _draw_small_half(word, wall, side)
    return pixels


@cache
def _draw_room(wall: int) -> Image.Image:
    """Return an empty room; every second wallpaper has stripes."""
    room = Image.new("RGB", (ROOM_WIDTH, ROOM_HEIGHT), _WALLS[wall])
    draw = ImageDraw.Draw(room, "RGBA")
    if wall % 2:
        for x in range(0, ROOM_WIDTH, 40):
            draw.rectangle((x, 0, x + 19, ROOM_HEIGHT), (255, 255, 255, 40))
    top = ROOM_HEIGHT - _FLOOR
    draw.rectangle((0, top, ROOM_WIDTH, ROOM_HEIGHT), _FLOORS[wall])
    draw.rectangle((0, top - 7, ROOM_WIDTH, top), "#fbf8f2")
    for y in range(top + 14, ROOM_HEIGHT, 14):
        draw.line((0, y, ROOM_WIDTH, y), (0, 0, 0, 40), 2)
    return room


def _draw_beams(picture: Image.Image) -> None:
    draw = ImageDraw.Draw(picture)
    for step in range(SIDE + 1):
        x, y = step * ROOM_WIDTH, step * ROOM_HEIGHT
        draw.rectangle((x - 6, 0, x + 5, LARGE_HEIGHT), _BEAM)
        draw.rectangle((0, y - 6, LARGE_WIDTH, y + 5), _BEAM)


@cache
def _draw_small_room(wall: int) -> np.ndarray:
    """Return an empty room: (16, 16, 3) bytes, with a lighter edge towards the rooms at its left and above."""
    room = _draw_room(wall).resize((SMALL_ROOM, SMALL_ROOM), Image.Resampling.BOX)
    return np.asarray(room, dtype=np.uint8)


@cache
def _draw_small_half(word: str, wall: int, side: int) -> np.ndarray:
    """Return the half of a room with a thing before its wall: (16, 8, 3) bytes."""
    room = Image.fromarray(_draw_small_room(wall)).copy()
    sprite = draw_small_sprite(word)
    room.paste(sprite, (side * SMALL_WIDTH, SMALL_ROOM - sprite.height), sprite)
    return np.asarray(room, dtype=np.uint8)[:, side * SMALL_WIDTH : (side + 1) * SMALL_WIDTH]
