"""A pen on a transparent picture of one thing: 150 x 190 units, y downwards, the thing stands on y = 190."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 150, 190
SCALE = 4
INK = "#2a2d3a"

Points = Sequence[tuple[float, float]]


class Pen:
    """Draws shapes with an ink outline. Coordinates are units; colours are anything that Pillow knows."""

    def __init__(self) -> None:
        self._picture = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._picture)

    def rect(self, x: float, y: float, w: float, h: float, fill: str, *, r: float = 0, line: float = 2.5) -> None:
        """Draw a rectangle from its upper left corner, with corners of radius `r`."""
        box = (x * SCALE, y * SCALE, (x + w) * SCALE, (y + h) * SCALE)
        self._draw.rounded_rectangle(box, r * SCALE, fill, INK if line else None, round(line * SCALE) or 1)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str | None, *, line: float = 2.5) -> None:
        """Draw an ellipse around x, y."""
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        self._draw.ellipse(box, fill, INK if line else None, round(line * SCALE) or 1)

    def poly(self, points: Points, fill: str, *, line: float = 2.5) -> None:
        """Draw a closed polygon."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.polygon(scaled, fill)
        if line:
            self._draw.line([*scaled, scaled[0], scaled[1]], INK, round(line * SCALE), joint="curve")

    def line(self, points: Points, colour: str = INK, width: float = 2.5) -> None:
        """Draw a line with round ends."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, colour, round(width * SCALE), joint="curve")
        r = width * SCALE / 2
        for x, y in (scaled[0], scaled[-1]):
            self._draw.ellipse((x - r, y - r, x + r, y + r), colour)

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float, colour: str = INK,
            width: float = 2.5) -> None:  # fmt: skip
        """Draw a part of an ellipse, from `start` to `end` degrees, 0 to the right, clockwise."""
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        self._draw.arc(box, start, end, colour, round(width * SCALE))

    def text(self, x: float, y: float, words: str, size: float, colour: str = INK) -> None:
        """Write `words` around x, y."""
        font = ImageFont.load_default(size * SCALE)
        self._draw.text((x * SCALE, y * SCALE), words, colour, font, anchor="mm")

    def finish(self, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
        """Return the picture, scaled to `width` x `height` pixels."""
        return self._picture.resize(
            (width, height), Image.Resampling.BOX if width < WIDTH else Image.Resampling.LANCZOS
        )


def person(pen: Pen, x: float, y: float, scale: float, shirt: str, skin: str, hair: str) -> None:
    """Draw head and shoulders, the shoulders ending at y."""
    pen.rect(x - 13 * scale, y - 14 * scale, 26 * scale, 14 * scale, shirt, r=6 * scale, line=1.5)
    pen.oval(x, y - 24 * scale, 9 * scale, 11 * scale, skin, line=1.5)
    pen.arc(x, y - 25 * scale, 9 * scale, 10 * scale, 180, 360, hair, 5 * scale)
