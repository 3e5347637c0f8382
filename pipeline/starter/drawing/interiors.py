"""Rooms and furniture, placed in metres with a `kit.Camera`.

Draw from the back to the front: `room`, what hangs on the walls, far furniture, near furniture. Functions that take a
`cam` use metres (x to the right of the middle, z away from the eye); the others use canvas pixels.
"""

import math

from pipeline.starter.drawing.kit import (
    CREAM,
    HEIGHT,
    INK,
    MIST,
    OAK,
    PAPER,
    PINE,
    SHADOW,
    SKY,
    SLATE,
    STEEL,
    SUN,
    WALNUT,
    WIDTH,
    Camera,
    box,
    clipped,
    contact,
    darken,
    ellipse,
    gradient,
    group,
    lighten,
    line,
    lit,
    mix,
    path,
    poly,
    rect,
    smooth,
    wood,
)
from pipeline.starter.drawing.outdoors import skyline


def planks(
    cam: Camera, colour: str = PINE, *, half: float = 6, near: float = 1.2, far: float = 8, wide: float = 0.22
) -> str:
    """A floor of boards that run away from the eye, from x = -half to half."""
    out = poly(
        cam.face((-half, 0, near), (half, 0, near), (half, 0, far), (-half, 0, far)),
        gradient(darken(colour, 0.12), lighten(colour, 0.1)),
    )
    count = int(2 * half / wide)
    for i in range(count):
        x = -half + i * wide
        shade = mix(darken(colour, 0.18), lighten(colour, 0.22), ((i * 37) % 11) / 10)
        out += poly(cam.face((x, 0, near), (x + wide, 0, near), (x + wide, 0, far), (x, 0, far)), shade, opacity=0.35)
        out += line(cam.face((x, 0, near), (x, 0, far)), darken(colour, 0.38), 1.1, opacity=0.4)
        joint = near + ((i * 53) % 17) / 17 * (far - near)
        out += line(cam.face((x, 0, joint), (x + wide, 0, joint)), darken(colour, 0.38), 1.1, opacity=0.4)
    return out


def tiles(
    cam: Camera,
    a: str = CREAM,
    b: str = "#dcd6c8",
    *,
    half: float = 6,
    near: float = 1.2,
    far: float = 8,
    side: float = 0.5,
) -> str:
    """A checked floor of square tiles."""
    out = poly(cam.face((-half, 0, near), (half, 0, near), (half, 0, far), (-half, 0, far)), a)
    nx, nz = int(2 * half / side), int((far - near) / side) + 1
    for i in range(nx):
        for j in range(nz):
            if (i + j) % 2:
                x, z = -half + i * side, near + j * side
                out += poly(
                    cam.face(
                        (x, 0, z), (x + side, 0, z), (x + side, 0, min(z + side, far)), (x, 0, min(z + side, far))
                    ),
                    b,
                )
    return out + poly(
        cam.face((-half, 0, near), (half, 0, near), (half, 0, far), (-half, 0, far)),
        gradient(SHADOW + "30", SHADOW + "00", 250),
    )


def plain_floor(cam: Camera, colour: str = MIST, *, half: float = 8, near: float = 1.2, far: float = 8) -> str:
    """A smooth floor: concrete, lino, carpet, sand."""
    return poly(
        cam.face((-half, 0, near), (half, 0, near), (half, 0, far), (-half, 0, far)),
        gradient(lighten(colour, 0.12), darken(colour, 0.14)),
    )


def room(
    cam: Camera, *, wall: str = "#e6ddcb", floor: str = PINE, ceiling: str = PAPER, kind: str = "planks",
    width: float = 7, depth: float = 7, height: float = 2.8, skirting: str = PAPER,
) -> str:  # fmt: skip
    """A whole room: back wall at z = depth, side walls at x = ±width/2; `kind`: planks, tiles, plain."""
    half, near = width / 2, 1.2
    face = cam.face
    if kind == "tiles":
        out = tiles(cam, lighten(floor, 0.2), darken(floor, 0.06), half=half, near=near, far=depth)
    elif kind == "plain":
        out = plain_floor(cam, floor, half=half, near=near, far=depth)
    else:
        out = planks(cam, floor, half=half, near=near, far=depth)
    out += poly(
        face((-half, height, near), (half, height, near), (half, height, depth), (-half, height, depth)),
        gradient(darken(ceiling, 0.12), ceiling),
    )
    out += poly(
        face((-half, 0, depth), (half, 0, depth), (half, height, depth), (-half, height, depth)),
        gradient(lighten(wall, 0.22), darken(wall, 0.1), 55),
    )
    out += poly(
        face((-half, 0, near), (-half, 0, depth), (-half, height, depth), (-half, height, near)),
        gradient(darken(wall, 0.22), darken(wall, 0.1), 0),
    )
    out += poly(
        face((half, 0, near), (half, 0, depth), (half, height, depth), (half, height, near)),
        gradient(lighten(wall, 0.08), darken(wall, 0.1), 0),
    )
    low, s = 0.1, skirting
    out += poly(face((-half, 0, depth), (half, 0, depth), (half, low, depth), (-half, low, depth)), darken(s, 0.06))
    out += poly(face((-half, 0, near), (-half, 0, depth), (-half, low, depth), (-half, low, near)), darken(s, 0.2))
    out += poly(face((half, 0, near), (half, 0, depth), (half, low, depth), (half, low, near)), s)
    return out + poly(
        face((-half, 0, depth - 0.7), (half, 0, depth - 0.7), (half, 0, depth), (-half, 0, depth)),
        SHADOW,
        opacity=0.12,
        blur=8,
    )


def wall_shape(cam: Camera, x: float, y: float, z: float, w: float, h: float) -> tuple[float, float, float, float]:
    """Canvas x, y, width and height of an upright rectangle at depth z (x left edge, y lower edge, in metres)."""
    left, top = cam.at(x, y + h, z)
    right, bottom = cam.at(x + w, y, z)
    return left, top, right - left, bottom - top


def window(
    x: float,
    y: float,
    w: float,
    h: float,
    *,
    view: str = "",
    frame: str = PAPER,
    panes: int = 2,
    sill: bool = True,
    day: bool = True,
) -> str:
    """A window in a front wall (canvas pixels); `view` is SVG drawn in the same pixels, a skyline by default."""
    edge = max(5.0, w * 0.035)
    out = rect(x - edge + 4, y - edge + 6, w + 2 * edge, h + 2 * edge, SHADOW, opacity=0.2, blur=4)
    out += rect(x - edge, y - edge, w + 2 * edge, h + 2 * edge, lit(frame, 60, 0.08))
    inner = f"M{x:.1f},{y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}Z"
    out += clipped(
        inner,
        view or skyline(x, y, w, h, day=day),
        poly([(x, y + h), (x + w * 0.45, y), (x + w * 0.65, y), (x + w * 0.2, y + h)], "#ffffff", opacity=0.13),
    )
    for i in range(1, panes):
        out += rect(x + w * i / panes - edge / 2, y, edge, h, lit(frame, 60, 0.08))
    out += rect(x, y, w, edge * 0.7, SHADOW, opacity=0.22)
    if sill:
        out += rect(
            x - edge * 2.2,
            y + h + edge * 0.6,
            w + edge * 4.4,
            edge * 1.1,
            gradient(lighten(frame, 0.1), darken(frame, 0.18)),
            r=2,
        )
    return out


def curtains(x: float, y: float, w: float, h: float, colour: str = "#c9b79c", *, open_share: float = 0.75) -> str:
    """A pair of curtains over a window of this size, drawn apart by `open_share`."""
    out = line([(x - w * 0.16, y - 14), (x + w * 1.16, y - 14)], darken(WALNUT, 0.1), 6)
    wide = w * (0.16 + 0.5 * (1 - open_share))
    for left in (x - w * 0.14, x + w * 1.14 - wide):
        out += rect(left, y - 12, wide, h + 50, gradient(lighten(colour, 0.15), darken(colour, 0.15), 0))
        out += "".join(
            line(
                [(left + wide * k / 5, y - 8), (left + wide * (k + 0.2) / 5, y + h + 36)],
                darken(colour, 0.25),
                2.5,
                opacity=0.5,
            )
            for k in (1, 2, 3, 4)
        )
    return out


def door(x: float, y: float, w: float, h: float, colour: str = OAK, *, knob: str = "right", glass: bool = False) -> str:
    """A closed door in a front wall; x, y is its upper left corner on the canvas."""
    edge = w * 0.07
    out = rect(x - edge, y - edge, w + 2 * edge, h + edge, darken(PAPER, 0.08)) + rect(x, y, w, h, lit(colour, 60, 0.1))
    panels = [(0.14, 0.07, 0.72, 0.36), (0.14, 0.54, 0.72, 0.38)]
    for i, (px, py, pw, ph) in enumerate(panels):
        fill = (
            gradient("#cfe0ea", "#9fb9c9", 60)
            if glass and i == 0
            else gradient(darken(colour, 0.1), lighten(colour, 0.06))
        )
        out += rect(x + w * px, y + h * py, w * pw, h * ph, fill, stroke=darken(colour, 0.25), width=2)
    kx = x + w * (0.9 if knob == "right" else 0.1)
    return (
        out
        + ellipse(kx, y + h * 0.51, w * 0.04, w * 0.04, lit(STEEL, 60, 0.3))
        + rect(x, y, w, h, SHADOW, opacity=0.04)
    )


def picture_frame(x: float, y: float, w: float, h: float, *parts: str, frame: str = WALNUT) -> str:
    """A framed picture on a front wall; `parts` are drawn in canvas pixels and cut to the inside."""
    b = max(4.0, min(w, h) * 0.07)
    inner = f"M{x + b:.1f},{y + b:.1f}h{w - 2 * b:.1f}v{h - 2 * b:.1f}h{2 * b - w:.1f}Z"
    art = "".join(parts) or rect(x, y, w, h, gradient("#c9dbe4", "#e9dcc0")) + ellipse(
        x + w * 0.4, y + h, w * 0.5, h * 0.4, "#8ba58a"
    )
    return (
        rect(x + 4, y + 6, w, h, SHADOW, opacity=0.25, blur=4)
        + rect(x, y, w, h, lit(frame, 60, 0.15))
        + clipped(inner, rect(x, y, w, h, PAPER), art)
    )


def table(
    cam: Camera, x: float, z: float, w: float, d: float, *, h: float = 0.74, colour: str = OAK, thick: float = 0.05
) -> str:
    """A table with four legs: x left edge, z near edge; its surface is at height h."""
    leg = 0.07
    r, b = x + w, z + d
    out = poly(cam.face((x, 0, z), (r + 0.2, 0, z), (r + 0.2, 0, b), (x, 0, b)), SHADOW, opacity=0.25, blur=10)
    for lx, lz in ((x, b - leg), (r - leg, b - leg), (x, z), (r - leg, z)):
        out += box(cam, lx, 0, lz, leg, h - thick, leg, darken(colour, 0.15), shadow=False)
    return out + box(
        cam,
        x - 0.04,
        h - thick,
        z - 0.04,
        w + 0.08,
        thick,
        d + 0.08,
        colour,
        shadow=False,
        top=gradient(lighten(colour, 0.28), lighten(colour, 0.06), 60),
        front=wood(darken(colour, 0.08)),
    )


def counter(
    cam: Camera,
    x: float,
    z: float,
    w: float,
    *,
    d: float = 0.62,
    h: float = 0.9,
    colour: str = "#dfe3e2",
    top: str = WALNUT,
    doors: int = 3,
) -> str:
    """A kitchen counter with cupboard doors; its surface is at height h."""
    out = box(cam, x, 0, z, w, h - 0.05, d, colour)
    for i in range(doors):
        a, b = x + w * i / doors + 0.03, x + w * (i + 1) / doors - 0.03
        out += poly(
            cam.face((a, 0.1, z), (b, 0.1, z), (b, h - 0.1, z), (a, h - 0.1, z)),
            gradient(lighten(colour, 0.12), darken(colour, 0.1)),
            stroke=darken(colour, 0.25),
            width=1.4,
        )
        out += line(cam.face((b - 0.06, h - 0.2, z), (b - 0.06, h - 0.36, z)), STEEL, 4)
    return out + box(cam, x - 0.02, h - 0.05, z - 0.03, w + 0.04, 0.05, d + 0.03, top, shadow=False)


def shelf(
    cam: Camera,
    x: float,
    z: float,
    w: float,
    h: float,
    *,
    d: float = 0.32,
    boards: int = 4,
    colour: str = OAK,
    y: float = 0,
) -> str:
    """An open shelf with a back; board i (0 is the lowest) has its surface at y + (i + 0.06) * h / boards."""
    r, t = x + w, y + h
    out = box(
        cam,
        x,
        y,
        z,
        w,
        h,
        d,
        darken(colour, 0.2),
        shadow=y == 0,
        front=gradient(darken(colour, 0.42), darken(colour, 0.3)),
    )
    for i in range(boards + 1):
        level = y + i * h / boards
        out += box(cam, x, level, z, w, min(0.035, t - level + 0.035), d * 0.9, colour, shadow=False)
    for a in (x - 0.03, r):
        out += poly(
            cam.face((a, y, z), (a + 0.03, y, z), (a + 0.03, t + 0.03, z), (a, t + 0.03, z)), lit(colour, 0, 0.1)
        )
    return out


def chair(x: float, y: float, size: float, colour: str = WALNUT, *, view: str = "front", flip: bool = False) -> str:
    """A wooden chair, `size` pixels high; its seat is at y - size * 0.5. view: front, side, behind."""
    seat, dark = y - size * 0.5, darken(colour, 0.3)
    half, leg = size * 0.24, size * 0.045
    if view == "side":
        s = -1 if flip else 1
        out = line([(x - s * half, y), (x - s * half, seat - size * 0.48)], dark, leg * 1.5) + line(
            [(x + s * half, y), (x + s * half, seat)], colour, leg * 1.5
        )
        out += rect(x - half - leg, seat, half * 2 + leg * 2, size * 0.05, lit(colour, 60, 0.15), r=3) + line(
            [(x - s * half, y - size * 0.2), (x + s * half, y - size * 0.2)], dark, leg * 0.8
        )
        return contact(x, y, size * 0.6) + out
    back = rect(x - half, y - size, leg, size * 0.5, colour) + rect(x + half - leg, y - size, leg, size * 0.5, colour)
    back += "".join(
        rect(x - half, y - size + size * k, half * 2, size * 0.07, lit(colour, 60, 0.15), r=3)
        for k in (0.02, 0.16, 0.3)
    )
    legs = "".join(line([(x + k * half * 0.95, seat), (x + k * half * 0.95, y)], colour, leg * 1.4) for k in (-1, 1))
    legs = (
        "".join(line([(x + k * half * 0.7, seat), (x + k * half * 0.7, y - size * 0.06)], dark, leg) for k in (-1, 1))
        + legs
    )
    seat_shape = poly(
        [
            (x - half * 0.9, seat - size * 0.06),
            (x + half * 0.9, seat - size * 0.06),
            (x + half * 1.12, seat + size * 0.02),
            (x - half * 1.12, seat + size * 0.02),
        ],
        lit(colour, 60, 0.2),
    )
    seat_shape += rect(x - half * 1.12, seat + size * 0.02, half * 2.24, size * 0.04, dark)
    parts = legs + seat_shape + back if view == "behind" else back + legs + seat_shape
    return contact(x, y, size * 0.6) + parts


def sofa(cam: Camera, x: float, z: float, w: float = 2.0, *, colour: str = "#7f93a8", d: float = 0.85) -> str:
    """A sofa that faces the eye; its seat is at 0.44 m."""
    out = box(cam, x, 0.12, z + d - 0.25, w, 0.72, 0.25, colour, shadow=False)
    out += poly(
        cam.face((x, 0, z), (x + w + 0.2, 0, z), (x + w + 0.2, 0, z + d), (x, 0, z + d)), SHADOW, opacity=0.35, blur=8
    )
    out += box(cam, x, 0.1, z, w, 0.34, d - 0.25, lighten(colour, 0.08), shadow=False)
    third = (w - 0.44) / 2
    for i in (0, 1):
        a, b, c, e = wall_shape(cam, x + 0.22 + i * third, 0.42, z + d - 0.28, third - 0.02, 0.4)
        out += rect(a, b, c, e, lit(lighten(colour, 0.1), 60, 0.12), r=e * 0.16)
        a, b, c, e = wall_shape(cam, x + 0.22 + i * third, 0.3, z, third - 0.02, 0.15)
        out += rect(a, b, c, e, lit(lighten(colour, 0.14), 60, 0.12), r=e * 0.3)
    for a in (x, x + w - 0.22):
        out += box(cam, a, 0.08, z, 0.22, 0.54, d, colour, shadow=False)
    return out


def bed(
    cam: Camera, x: float, z: float, w: float = 1.4, d: float = 2.0, *, cover: str = "#8fa6bd", frame: str = OAK
) -> str:
    """A bed with its head at the far end; the cover is at 0.5 m."""
    out = box(cam, x - 0.04, 0.1, z + d, w + 0.08, 0.95, 0.06, frame, shadow=False)
    out += box(cam, x, 0, z, w, 0.3, d, frame)
    out += box(cam, x, 0.3, z, w, 0.2, d, "#ece8df", shadow=False)
    for i in (0, 1):
        px, py = cam.at(x + w * (0.28 + 0.44 * i), 0.56, z + d - 0.3)
        s = cam.scale(z + d - 0.3)
        out += rect(px - w * 0.2 * s, py - 0.16 * s, w * 0.4 * s, 0.24 * s, lit(PAPER, 60, 0.1), r=0.1 * s)
    out += box(cam, x - 0.02, 0.24, z - 0.02, w + 0.04, 0.28, d - 0.65, cover, shadow=False)
    return out


def rug(cam: Camera, x: float, z: float, w: float, d: float, colour: str = "#a8655a") -> str:
    """A rug with a border."""
    b = 0.12
    outer = poly(cam.face((x, 0, z), (x + w, 0, z), (x + w, 0, z + d), (x, 0, z + d)), darken(colour, 0.12))
    mid = poly(
        cam.face((x + b, 0, z + b), (x + w - b, 0, z + b), (x + w - b, 0, z + d - b), (x + b, 0, z + d - b)),
        lighten(colour, 0.28),
    )
    b = 0.18
    return (
        outer
        + mid
        + poly(
            cam.face((x + b, 0, z + b), (x + w - b, 0, z + b), (x + w - b, 0, z + d - b), (x + b, 0, z + d - b)),
            gradient(lighten(colour, 0.1), darken(colour, 0.06), 50),
        )
    )


def ceiling_lamp(x: float, y: float, size: float, colour: str = "#d29a3d", *, cord: float = 120) -> str:
    """A hanging lamp: x, y is the middle of its lower rim; `cord` pixels of cable above."""
    shade = path(
        (
            f"M{x - size * 0.5},{y}C{x - size * 0.4},{y - size * 0.4} {x - size * 0.2},{y - size * 0.5} "
            f"{x},{y - size * 0.52}C{x + size * 0.2},{y - size * 0.5} {x + size * 0.4},{y - size * 0.4} "
            f"{x + size * 0.5},{y}Z"
        ),
        lit(colour, 50, 0.22),
    )
    light = ellipse(x, y, size * 1.4, size * 0.9, "url(#r-fff2d288-fff2d200)")
    return (
        line([(x, y - size * 0.5 - cord), (x, y - size * 0.5)], INK, 2.5)
        + light
        + shade
        + ellipse(x, y, size * 0.5, size * 0.07, lighten(SUN, 0.3))
    )


def stairs(
    cam: Camera,
    x: float,
    z: float,
    w: float,
    *,
    steps: int = 6,
    rise: float = 0.18,
    run: float = 0.28,
    colour: str = OAK,
) -> str:
    """A flight of stairs that climbs away from the eye; step i has its surface at (i + 1) * rise."""
    return "".join(
        box(cam, x, 0, z + i * run, w, (i + 1) * rise, run, colour, shadow=i == 0) for i in reversed(range(steps))
    )


def night(strength: float = 0.45) -> str:
    """A cool veil over everything drawn before: turns day into evening."""
    return rect(0, 0, WIDTH, HEIGHT, gradient("#141c3f", "#26305e"), opacity=strength)


def pool_of_light(x: float, y: float, r: float, strength: int = 150) -> str:
    """A round warm glow, for a lamp or a screen in a dark room; strength 0 to 255."""
    return ellipse(x, y, r, r, f"url(#r-fff2d2{strength:02x}-fff2d200)")


def towel(x: float, y: float, w: float, h: float, colour: str = SKY) -> str:
    """A towel hanging from the line y."""
    fold = smooth([(x, y), (x + w, y), (x + w * 0.98, y + h), (x + w * 0.5, y + h * 1.02), (x + w * 0.02, y + h)])
    return path(fold, lit(colour, 60, 0.15)) + line(
        [(x + w * 0.1, y + h * 0.8), (x + w * 0.9, y + h * 0.8)], lighten(colour, 0.5), h * 0.03
    )


def wall_clock(x: float, y: float, r: float, hour: float, *, rim: str = SLATE) -> str:
    """A round clock that shows `hour` (0 to 12, fractions are minutes)."""
    ticks = "".join(
        line(
            [
                (x + math.sin(k * math.pi / 6) * r * 0.74, y - math.cos(k * math.pi / 6) * r * 0.74),
                (x + math.sin(k * math.pi / 6) * r * 0.84, y - math.cos(k * math.pi / 6) * r * 0.84),
            ],
            INK,
            2,
        )
        for k in range(12)
    )
    hands = ""
    for turn, long, wide in ((hour / 12, 0.45, 4.5), (hour % 1, 0.68, 3)):
        a = turn * 2 * math.pi
        hands += line([(x, y), (x + math.sin(a) * r * long, y - math.cos(a) * r * long)], INK, wide)
    face = (
        ellipse(x + 3, y + 5, r, r, SHADOW, opacity=0.25, blur=3)
        + ellipse(x, y, r, r, lit(rim, 60, 0.2))
        + ellipse(x, y, r * 0.88, r * 0.88, PAPER)
    )
    return group(face, ticks, hands)
