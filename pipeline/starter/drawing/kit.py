"""Canvas, shapes, colours, gradients, textures, shadows and perspective for the starter pictures.

Everything is a string of SVG. Paints name themselves: `gradient("#ffffff", "#c0c8d8")` returns a reference such as
`url(#g90-ffffff-c0c8d8)`, and `picture` writes the definition of every reference it finds, so that parts need no shared
state and the same call always yields the same picture.

    from pipeline.starter.drawing import kit
    cam = kit.Camera(horizon=300)
    back = kit.rect(0, 0, 1024, 768, kit.gradient("#f4ead9", "#d8c7ac"))
    svg = kit.picture(back, kit.box(cam, -0.5, 0, 4, 1, 0.8, 0.6, kit.OAK))
"""

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

Point = tuple[float, float]

WIDTH, HEIGHT = 1024, 768

# One palette for all pictures: warm paper, muted blues and greens, one brick red, one ochre.
INK, SLATE, STONE, MIST, PAPER, CREAM = "#22283a", "#55607a", "#9aa3b5", "#d5dbe4", "#faf7f0", "#f1e6d3"
NAVY, BLUE, SKY, TEAL, GREEN, SAGE, MOSS = "#2b3f6b", "#4a76b8", "#a9cbe8", "#3d8a8c", "#5b9257", "#a5bd97", "#41633f"
BRICK, RED, CORAL, PEACH, OCHRE, YELLOW, SAND = (
    "#a8503c",
    "#c8453f",
    "#e0806a",
    "#f0bd9b",
    "#d29a3d",
    "#f0cb5c",
    "#dcc5a0",
)
OAK, WALNUT, PINE, PLUM, ROSE, STEEL, IRON = "#b98652", "#7a5236", "#d8b078", "#75507f", "#d9899b", "#b4bcc6", "#5c636e"
SHADOW, SUN = "#1f2747", "#fff2d2"

FONT = "Inter, 'DejaVu Sans', Arial, sans-serif"
MONO = "'DejaVu Sans Mono', monospace"
HAND = "'DejaVu Serif', Georgia, serif"


def num(value: float) -> str:
    """A number for SVG, one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def mix(a: str, b: str, share: float) -> str:
    """The colour `share` (0..1) of the way from `a` to `b`; six-digit hex in and out."""
    pairs = zip((a[1:3], a[3:5], a[5:7]), (b[1:3], b[3:5], b[5:7]), strict=True)
    return "#" + "".join(f"{round(int(p, 16) + (int(q, 16) - int(p, 16)) * share):02x}" for p, q in pairs)


def lighten(colour: str, share: float = 0.2) -> str:
    """`colour` in the light: mixed with a warm white."""
    return mix(colour, SUN, share)


def darken(colour: str, share: float = 0.2) -> str:
    """`colour` in the shade: mixed with a deep blue, which keeps all shadows of one family."""
    return mix(colour, SHADOW, share)


def gradient(first: str, last: str, angle: int = 90) -> str:
    """A linear paint over the shape's bounding box; `angle` in degrees, 0 = to the right, 90 = downwards."""
    return f"url(#g{angle % 360}-{first[1:]}-{last[1:]})"


def lit(colour: str, angle: int = 60, strength: float = 0.14) -> str:
    """The usual paint of a solid thing: lighter at the upper left, darker at the lower right."""
    return gradient(lighten(colour, strength), darken(colour, strength), angle)


def glow(inner: str, outer: str) -> str:
    """A radial paint, `inner` at the middle; colours may carry alpha (`#fff2d200`)."""
    return f"url(#r-{inner[1:]}-{outer[1:]})"


def wood(colour: str) -> str:
    """A paint with horizontal grain."""
    return f"url(#wood-{colour[1:]})"


def bricks(colour: str) -> str:
    """A paint of brickwork seen from the front."""
    return f"url(#bricks-{colour[1:]})"


def weave(colour: str) -> str:
    """A paint of woven cloth."""
    return f"url(#weave-{colour[1:]})"


def speckle(colour: str) -> str:
    """A paint of fine irregular dots: stone, asphalt, soil, sand."""
    return f"url(#speckle-{colour[1:]})"


def _attrs(stroke: str, width: float, opacity: float, blur: float) -> str:
    """Stroke, opacity and blur attributes, only those that are not the default."""
    out = (
        f' stroke="{stroke}" stroke-width="{num(width)}" stroke-linecap="round" stroke-linejoin="round"'
        if width
        else ""
    )
    out += f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    return out + (f' filter="url(#soft-{num(blur)})"' if blur else "")


def rect(
    x: float, y: float, w: float, h: float, fill: str, *, r: float = 0, stroke: str = INK, width: float = 0,
    opacity: float = 1, blur: float = 0,
) -> str:  # fmt: skip
    """A rectangle with its upper left corner at x, y and corners of radius `r`."""
    size = f'x="{num(x)}" y="{num(y)}" width="{num(w)}" height="{num(h)}"' + (f' rx="{num(r)}"' if r else "")
    return f'<rect {size} fill="{fill}"{_attrs(stroke, width, opacity, blur)}/>'


def ellipse(
    x: float, y: float, rx: float, ry: float, fill: str, *, stroke: str = INK, width: float = 0, opacity: float = 1,
    blur: float = 0,
) -> str:  # fmt: skip
    """An ellipse around x, y."""
    size = f'cx="{num(x)}" cy="{num(y)}" rx="{num(rx)}" ry="{num(ry)}"'
    return f'<ellipse {size} fill="{fill}"{_attrs(stroke, width, opacity, blur)}/>'


def circle(x: float, y: float, r: float, fill: str, *, stroke: str = INK, width: float = 0, opacity: float = 1) -> str:
    """A circle around x, y."""
    return ellipse(x, y, r, r, fill, stroke=stroke, width=width, opacity=opacity)


def path(
    d: str, fill: str = "none", *, stroke: str = INK, width: float = 0, opacity: float = 1, blur: float = 0
) -> str:
    """A path from SVG path data."""
    return f'<path d="{d}" fill="{fill}"{_attrs(stroke, width, opacity, blur)}/>'


def poly(
    points: Iterable[Point], fill: str, *, stroke: str = INK, width: float = 0, opacity: float = 1, blur: float = 0
) -> str:
    """A closed polygon."""
    return path(straight(points), fill, stroke=stroke, width=width, opacity=opacity, blur=blur)


def line(points: Iterable[Point], stroke: str, width: float = 2, *, opacity: float = 1, blur: float = 0) -> str:
    """An open polyline with round ends."""
    return path(straight(points, closed=False), stroke=stroke, width=width, opacity=opacity, blur=blur)


def straight(points: Iterable[Point], *, closed: bool = True) -> str:
    """Path data of straight segments through `points`."""
    return "M" + "L".join(f"{num(x)},{num(y)}" for x, y in points) + ("Z" if closed else "")


def smooth(points: Iterable[Point], *, closed: bool = True) -> str:
    """Path data of a soft curve through all `points` (Catmull-Rom as cubic Beziers)."""
    pts = list(points)
    count = len(pts)

    def at(i: int) -> Point:
        return pts[i % count] if closed else pts[min(max(i, 0), count - 1)]

    out = f"M{num(pts[0][0])},{num(pts[0][1])}"
    for i in range(count if closed else count - 1):
        before, here, there, after = at(i - 1), at(i), at(i + 1), at(i + 2)
        c1 = here[0] + (there[0] - before[0]) / 6, here[1] + (there[1] - before[1]) / 6
        c2 = there[0] - (after[0] - here[0]) / 6, there[1] - (after[1] - here[1]) / 6
        out += "C" + " ".join(f"{num(x)},{num(y)}" for x, y in (c1, c2, there))
    return out + ("Z" if closed else "")


def blob(points: Iterable[Point], fill: str, *, stroke: str = INK, width: float = 0, opacity: float = 1) -> str:
    """A closed soft shape through `points`."""
    return path(smooth(points), fill, stroke=stroke, width=width, opacity=opacity)


def stroke(points: Iterable[Point], colour: str, width: float = 2, *, opacity: float = 1) -> str:
    """An open soft curve through `points`."""
    return path(smooth(points, closed=False), stroke=colour, width=width, opacity=opacity)


def text(
    x: float, y: float, words: str, size: float, fill: str = INK, *, anchor: str = "start", weight: int = 500,
    font: str = FONT, spacing: float = 0,
) -> str:  # fmt: skip
    """One line of text; y is the baseline; `anchor` is start, middle or end; `words` is escaped here."""
    safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    face = f'font-family="{font}" font-size="{num(size)}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}"'
    gap = f' letter-spacing="{num(spacing)}"' if spacing else ""
    return f'<text x="{num(x)}" y="{num(y)}" {face}{gap}>{safe}</text>'


def group(
    *parts: str, move: Point = (0, 0), scale: float | Point = 1, rotate: float = 0, skew: float = 0, opacity: float = 1
) -> str:
    """Parts moved to `move`, then turned by `rotate` degrees, skewed in x and scaled (a pair: x and y)."""
    sx, sy = scale if isinstance(scale, tuple) else (scale, scale)
    how = f"translate({num(move[0])} {num(move[1])})" + (f" rotate({num(rotate)})" if rotate else "")
    how += (f" skewX({num(skew)})" if skew else "") + (f" scale({sx:.4f} {sy:.4f})" if (sx, sy) != (1, 1) else "")
    fade = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<g transform="{how}"{fade}>{"".join(parts)}</g>'


def turned(x: float, y: float, degrees: float, *parts: str) -> str:
    """Parts, drawn in canvas coordinates, turned around the point x, y."""
    return f'<g transform="rotate({num(degrees)} {num(x)} {num(y)})">{"".join(parts)}</g>'


def clipped(d: str, *parts: str) -> str:
    """Parts, cut to the outline given as path data."""
    name = f"clip{zlib.crc32(d.encode()):08x}"
    return f'<clipPath id="{name}"><path d="{d}"/></clipPath><g clip-path="url(#{name})">{"".join(parts)}</g>'


def on_quad(corners: list[Point], w: float, h: float, *parts: str) -> str:
    """Parts drawn on a flat w x h sheet, laid onto the parallelogram upper left, upper right, lower left.

    Good for screens, papers and pictures seen at an angle (`corners` has those three points; no true perspective).
    """
    (ax, ay), (bx, by), (cx, cy) = corners
    cells = ((bx - ax) / w, (by - ay) / w, (cx - ax) / h, (cy - ay) / h, ax, ay)
    return f'<g transform="matrix({" ".join(f"{c:.4f}" for c in cells)})">{"".join(parts)}</g>'


def contact(x: float, y: float, w: float, h: float = 0, strength: float = 0.38) -> str:
    """The soft shadow under a thing of width `w` standing at x, y; it falls a little to the right."""
    height = h or max(4.0, w * 0.14)
    wide = ellipse(x + w * 0.08, y, w * 0.58, height, SHADOW, opacity=strength * 0.6, blur=max(3.0, height * 0.5))
    return wide + ellipse(x, y, w * 0.44, height * 0.5, SHADOW, opacity=strength * 0.7, blur=max(2.0, height * 0.25))


def sunlight(points: Iterable[Point], strength: float = 0.35) -> str:
    """A soft patch of warm light, for instance the light of a window on a floor."""
    return poly(points, SUN, opacity=strength, blur=5)


def haze(y: float, h: float, colour: str = PAPER, strength: float = 0.5) -> str:
    """A horizontal veil that fades out upwards and downwards: pushes what was drawn before into the distance."""
    half = colour + f"{round(255 * strength):02x}"
    up, down = gradient(colour + "00", half), gradient(half, colour + "00")
    return rect(0, y - h / 2, WIDTH, h / 2, up) + rect(0, y, WIDTH, h / 2, down)


@dataclass(frozen=True)
class Camera:
    """One-point perspective: metres to pixels. x right of the middle, y above the floor, z away from the eye.

    `horizon` and `centre` are the vanishing point on the canvas, `eye` the eye's height in metres, `focal` pixels per
    metre at z = 1. With the defaults the floor leaves the canvas at z = 3.4; things at z = 4 to 7 look natural. For a
    table top take a small world: `Camera(horizon=40, eye=0.55, focal=1100)` and z from 0.8 to 1.6.
    """

    horizon: float = 300
    centre: float = 512
    eye: float = 1.6
    focal: float = 1000

    def at(self, x: float, y: float, z: float) -> Point:
        """The canvas point of a place in the world; z must be positive."""
        scale = self.focal / z
        return self.centre + x * scale, self.horizon + (self.eye - y) * scale

    def scale(self, z: float) -> float:
        """Pixels per metre at depth z."""
        return self.focal / z

    def face(self, *corners: tuple[float, float, float]) -> list[Point]:
        """The canvas points of several places, for `poly`."""
        return [self.at(*corner) for corner in corners]


def ground(cam: Camera, x: float, z: float, w: float, d: float, fill: str, *, y: float = 0, opacity: float = 1) -> str:
    """A flat rectangle w wide and d deep at height `y`: x is its left edge, z its near edge."""
    return poly(cam.face((x, y, z), (x + w, y, z), (x + w, y, z + d), (x, y, z + d)), fill, opacity=opacity)


def box(
    cam: Camera, x: float, y: float, z: float, w: float, h: float, d: float, colour: str, *, front: str = "",
    top: str = "", shadow: bool = True,
) -> str:  # fmt: skip
    """A box in the world: x left edge, y lower edge, z near edge, all in metres.

    Shows the front and whichever of top, bottom, left and right the eye sees. `front` and `top` override the paints.
    `shadow` adds a floor shadow, when the box stands on the floor (y = 0).
    """
    out = ""
    if shadow and y == 0:
        s = 0.25 * min(h, 1.0)
        dark = cam.face((x - 0.03, 0, z - 0.04), (x + w + s, 0, z - 0.02), (x + w + s, 0, z + d), (x, 0, z + d))
        out += poly(dark, SHADOW, opacity=0.32, blur=6)
    r, t, b = x + w, y + h, z + d
    if t < cam.eye:
        out += poly(
            cam.face((x, t, z), (r, t, z), (r, t, b), (x, t, b)),
            top or gradient(lighten(colour, 0.3), lighten(colour, 0.12)),
        )
    if y > cam.eye:
        out += poly(cam.face((x, y, z), (r, y, z), (r, y, b), (x, y, b)), darken(colour, 0.45))
    if x > 0:
        out += poly(
            cam.face((x, y, z), (x, t, z), (x, t, b), (x, y, b)), gradient(lighten(colour, 0.04), darken(colour, 0.1))
        )
    if r < 0:
        out += poly(
            cam.face((r, y, z), (r, t, z), (r, t, b), (r, y, b)), gradient(darken(colour, 0.28), darken(colour, 0.42))
        )
    face = cam.face((x, y, z), (r, y, z), (r, t, z), (x, t, z))
    return out + poly(face, front or gradient(colour, darken(colour, 0.18)))


def _vector(angle: int) -> str:
    """The gradient line across the bounding box for an angle in degrees."""
    dx, dy = math.cos(math.radians(angle)) / 2, math.sin(math.radians(angle)) / 2
    return f'x1="{0.5 - dx:.3f}" y1="{0.5 - dy:.3f}" x2="{0.5 + dx:.3f}" y2="{0.5 + dy:.3f}"'


def _stop(where: int, code: str) -> str:
    """A gradient stop from six or eight hex digits."""
    alpha = f' stop-opacity="{int(code[6:8], 16) / 255:.3f}"' if len(code) == 8 else ""
    return f'<stop offset="{where}" stop-color="#{code[:6]}"{alpha}/>'


def _dots(seed: int, count: int, w: int, h: int) -> list[tuple[int, int, int]]:
    """Repeatable scattered x, y, value triples (a linear congruence, so that no random module is involved)."""
    out, state = [], seed
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(((state >> 8) % w, (state >> 17) % h, (state >> 4) % 100))
    return out


def _texture(kind: str, code: str) -> str:
    """The pattern definition behind `wood`, `bricks`, `weave` and `speckle`."""
    colour = "#" + code
    dark, light = darken(colour, 0.16), lighten(colour, 0.2)
    if kind == "wood":
        w, h = 320, 96
        marks = [
            stroke([(x - 60, y), (x, y + v / 30 - 1.5), (x + 70, y)], dark, 1 + v / 70, opacity=0.5)
            for x, y, v in _dots(7, 34, w, h)
        ]
    elif kind == "bricks":
        w, h = 96, 48
        shades = [mix(colour, dark, 0.1), colour, mix(colour, light, 0.25), mix(colour, dark, 0.4)]
        marks = [
            rect(x, y, 45, 21, shades[i % 4], r=2)
            for i, (x, y) in enumerate([(1, 1), (49, 1), (-23, 25), (25, 25), (73, 25)])
        ]
    elif kind == "weave":
        w, h = 12, 12
        marks = [line([(0, 3), (6, 3)], light, 1.4, opacity=0.5), line([(9, 6), (9, 12)], dark, 1.4, opacity=0.5)]
    else:
        w, h = 180, 140
        marks = [circle(x, y, 0.7 + v / 70, dark if v % 2 else light, opacity=0.4) for x, y, v in _dots(11, 110, w, h)]
    back = rect(0, 0, w, h, darken(colour, 0.3) if kind == "bricks" else colour)
    size = f'width="{w}" height="{h}" patternUnits="userSpaceOnUse"'
    return f'<pattern id="{kind}-{code}" {size}>{back}{"".join(marks)}</pattern>'


def _definition(name: str) -> str:
    """The SVG definition behind one paint or filter name; raises ValueError for a name that no function here makes."""
    kind, *codes = name.split("-")
    if kind in ("wood", "bricks", "weave", "speckle"):
        return _texture(kind, codes[0])
    if kind == "soft":
        area = 'x="-60%" y="-60%" width="220%" height="220%"'
        return f'<filter id="{name}" {area}><feGaussianBlur stdDeviation="{codes[0]}"/></filter>'
    if kind == "r":
        return f'<radialGradient id="{name}">{_stop(0, codes[0])}{_stop(1, codes[1])}</radialGradient>'
    if re.fullmatch(r"g\d+", kind):
        stops = _stop(0, codes[0]) + _stop(1, codes[1])
        return f'<linearGradient id="{name}" {_vector(int(kind[1:]))}>{stops}</linearGradient>'
    raise ValueError(f"unknown paint {name!r}: use the functions of kit")


def picture(*parts: str, mood: str = SUN) -> str:
    """The whole SVG document, 1024 x 768: the parts, a gentle light from the upper left and a soft edge.

    `mood` is the colour of that light (a cool one for night scenes). Raises ValueError for an unknown paint name.
    """
    light = '<rect width="1024" height="768" fill="url(#mood)"/><rect width="1024" height="768" fill="url(#edge)"/>'
    body = "".join(parts)
    names = sorted(set(re.findall(r"url\(#([a-z]+\d*-[0-9a-f.\-]+)\)", body)))
    defs = "".join(_definition(name) for name in names)
    defs += '<radialGradient id="mood" cx="0.12" cy="0.05" r="0.9">'
    defs += f'<stop offset="0" stop-color="{mood}" stop-opacity=".2"/>'
    defs += f'<stop offset="1" stop-color="{mood}" stop-opacity="0"/></radialGradient>'
    defs += f'<radialGradient id="edge" r="0.75"><stop offset=".7" stop-color="{SHADOW}" stop-opacity="0"/>'
    defs += f'<stop offset="1" stop-color="{SHADOW}" stop-opacity=".16"/></radialGradient>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
    return f"{head}<defs>{defs}</defs>{body}{light}</svg>"
