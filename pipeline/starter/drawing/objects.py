"""Things that stand on something: x is their middle, y the line they stand on, sizes in canvas pixels.

Each brings its contact shadow. For things that are held or hang, pass `shadow=False` where it is offered.
"""

from pipeline.starter.drawing.kit import (
    GREEN,
    INK,
    MOSS,
    PAPER,
    PINE,
    SHADOW,
    STEEL,
    TEAL,
    WALNUT,
    YELLOW,
    circle,
    contact,
    darken,
    ellipse,
    gradient,
    group,
    lighten,
    line,
    lit,
    path,
    poly,
    rect,
    smooth,
    stroke,
    text,
    weave,
    wood,
)
from pipeline.starter.drawing.kitchen import tube


def carton(
    x: float,
    y: float,
    w: float,
    h: float,
    colour: str = "#c79a63",
    *,
    depth: float = 0.3,
    tape: bool = True,
    words: str = "",
) -> str:
    """A cardboard box in a three-quarter view: its front is w x h, its right side `depth` * w wide."""
    d, up = w * depth, w * depth * 0.42
    left = x - w / 2
    top = poly(
        [(left, y - h), (left + d, y - h - up), (left + w + d, y - h - up), (left + w, y - h)], lighten(colour, 0.28)
    )
    side = poly(
        [(left + w, y), (left + w + d, y - up), (left + w + d, y - h - up), (left + w, y - h)],
        gradient(darken(colour, 0.2), darken(colour, 0.35)),
    )
    out = contact(x + d / 2, y, (w + d) * 1.0) + rect(left, y - h, w, h, lit(colour, 50, 0.1)) + top + side
    if tape:
        out += poly(
            [
                (x - w * 0.06, y - h),
                (x - w * 0.06 + d, y - h - up),
                (x + w * 0.06 + d, y - h - up),
                (x + w * 0.06, y - h),
            ],
            "#e6d2a8",
        ) + rect(x - w * 0.06, y - h, w * 0.12, h * 0.2, "#e0cba0")
    return out + (
        text(
            x,
            y - h * 0.3,
            words,
            min(h * 0.2, w * 1.4 / max(len(words), 1)),
            darken(colour, 0.6),
            anchor="middle",
            weight=700,
        )
        if words
        else ""
    )


def backpack(x: float, y: float, h: float, colour: str = TEAL) -> str:
    """A school or travel backpack from the front."""
    w = h * 0.74
    loop = path(
        f"M{x - w * 0.12},{y - h * 0.96}C{x - w * 0.12},{y - h * 1.1} "
        f"{x + w * 0.12},{y - h * 1.1} {x + w * 0.12},{y - h * 0.96}",
        stroke=darken(colour, 0.4),
        width=h * 0.03,
    )
    body = path(
        (
            f"M{x - w / 2},{y - h * 0.06}C{x - w * 0.54},{y - h * 0.7} {x - w * 0.4},{y - h} {x},{y - h}"
            f"C{x + w * 0.4},{y - h} {x + w * 0.54},{y - h * 0.7} {x + w / 2},{y - h * 0.06}Q{x + w * 0.48},{y} "
            f"{x + w * 0.4},{y}H{x - w * 0.4}Q{x - w * 0.48},{y} {x - w / 2},{y - h * 0.06}Z"
        ),
        lit(colour, 50, 0.2),
    )
    pocket = rect(
        x - w * 0.36,
        y - h * 0.42,
        w * 0.72,
        h * 0.36,
        lit(lighten(colour, 0.08), 60, 0.12),
        r=h * 0.06,
        stroke=darken(colour, 0.3),
        width=1.6,
    )
    zips = line([(x - w * 0.3, y - h * 0.34), (x + w * 0.3, y - h * 0.34)], darken(colour, 0.45), 2.5) + stroke(
        [
            (x - w * 0.4, y - h * 0.5),
            (x - w * 0.36, y - h * 0.8),
            (x, y - h * 0.9),
            (x + w * 0.36, y - h * 0.8),
            (x + w * 0.4, y - h * 0.5),
        ],
        darken(colour, 0.35),
        2.5,
    )
    return contact(x, y, w) + loop + body + zips + pocket


def suitcase(x: float, y: float, h: float, colour: str = "#b35a44", *, handle: float = 0.35) -> str:
    """A wheeled suitcase; its telescopic handle stands out by `handle` of its height."""
    w = h * 0.68
    bar = "".join(
        line([(x + k * w * 0.18, y - h), (x + k * w * 0.18, y - h * (1 + handle))], STEEL, h * 0.022) for k in (-1, 1)
    ) + line([(x - w * 0.22, y - h * (1 + handle)), (x + w * 0.22, y - h * (1 + handle))], INK, h * 0.04)
    wheels = "".join(circle(x + k * w * 0.36, y - h * 0.025, h * 0.035, INK) for k in (-1, 1))
    ribs = "".join(
        line([(x + k * w * 0.2, y - h * 0.9), (x + k * w * 0.2, y - h * 0.14)], darken(colour, 0.25), 3, opacity=0.6)
        for k in (-1.4, -0.5, 0.5, 1.4)
    )
    return (
        contact(x, y, w) + bar + wheels + rect(x - w / 2, y - h, w, h * 0.95, lit(colour, 50, 0.2), r=h * 0.08) + ribs
    )


def basket(x: float, y: float, w: float, h: float, colour: str = "#b98b52") -> str:
    """A woven basket, open at the top."""
    body = path(
        (
            f"M{x - w / 2},{y - h}L{x - w * 0.42},{y - h * 0.06}Q{x - w * 0.4},{y} {x - w * 0.32},{y}"
            f"H{x + w * 0.32}Q{x + w * 0.4},{y} {x + w * 0.42},{y - h * 0.06}L{x + w / 2},{y - h}"
            "Z"
        ),
        weave(colour),
    )
    shade = path(
        f"M{x - w / 2},{y - h}L{x - w * 0.42},{y}H{x + w * 0.42}L{x + w / 2},{y - h}Z",
        gradient(SHADOW + "00", SHADOW + "70", 20),
    )
    return (
        contact(x, y, w * 0.9)
        + body
        + shade
        + ellipse(x, y - h, w / 2, w * 0.1, darken(colour, 0.45))
        + ellipse(x, y - h, w / 2, w * 0.1, "none", stroke=lighten(colour, 0.15), width=w * 0.035)
    )


def pot_plant(
    x: float, y: float, h: float, *, pot_colour: str = "#b9674a", leaf: str = GREEN, kind: str = "leafy"
) -> str:
    """A house plant in a pot; kind: leafy, cactus, flower, palm."""
    ph = h * 0.32
    base = path(
        f"M{x - ph * 0.55},{y - ph}L{x - ph * 0.4},{y}H{x + ph * 0.4}L{x + ph * 0.55},{y - ph}Z",
        gradient(lighten(pot_colour, 0.2), darken(pot_colour, 0.25), 0),
    ) + rect(x - ph * 0.62, y - ph * 1.08, ph * 1.24, ph * 0.2, lit(pot_colour, 0, 0.18), r=3)
    top = y - ph
    if kind == "cactus":
        green = gradient(lighten(leaf, 0.2), darken(leaf, 0.2), 0)
        crown = rect(x - h * 0.09, y - h, h * 0.18, h * 0.7, green, r=h * 0.09) + path(
            f"M{x + h * 0.06},{top - h * 0.2}H{x + h * 0.2}V{top - h * 0.36}", stroke=leaf, width=h * 0.09
        )
        return contact(x, y, ph) + crown + base
    crown = ""
    spread = [
        (-62, 0.62),
        (-38, 0.8),
        (-14, 0.98),
        (12, 0.95),
        (36, 0.82),
        (60, 0.64),
        (-50, 0.46),
        (48, 0.48),
        (0, 0.6),
    ]
    for i, (angle, share) in enumerate(spread):
        long, wide = (h - ph) * share, h * (0.05 if kind == "palm" else 0.1)
        tone = lighten(leaf, 0.24) if i % 3 == 0 else darken(leaf, 0.12) if i % 3 == 1 else leaf
        blade = path(
            (
                f"M0,0C{-wide},{-long * 0.4} {-wide},{-long * 0.8} 0,{-long}C{wide},{-long * 0.8} {wide},{-long * 0.4} "
                "0,0Z"
            ),
            gradient(lighten(tone, 0.12), darken(tone, 0.15), 30),
        )
        crown += group(
            blade,
            line([(0, -long * 0.1), (0, -long * 0.9)], lighten(tone, 0.25), 1.2, opacity=0.6),
            move=(x, top),
            rotate=angle,
        )
    if kind == "flower":
        crown += "".join(
            circle(x + h * dx, top - h * dy, h * 0.075, lit("#d9899b", 60, 0.2))
            + circle(x + h * dx, top - h * dy, h * 0.025, YELLOW)
            for dx, dy in ((-0.18, 0.42), (0.02, 0.58), (0.2, 0.4))
        )
    return contact(x, y, ph) + crown + base


def vase(x: float, y: float, h: float, colour: str = "#8aa7b5", *, flowers: str = "#d9899b") -> str:
    """A vase with a bunch of flowers (`flowers` is their colour; "" leaves it empty)."""
    out = ""
    if flowers:
        for i, (dx, dy) in enumerate(
            [(-0.22, 0.86), (-0.08, 0.98), (0.08, 0.9), (0.22, 0.84), (0.0, 0.78), (-0.16, 0.74), (0.15, 0.73)]
        ):
            out += stroke([(x, y - h * 0.4), (x + h * dx * 0.6, y - h * 0.6), (x + h * dx, y - h * dy)], MOSS, 2.5)
            out += "".join(
                circle(
                    x + h * dx + h * 0.035 * a, y - h * dy + h * 0.035 * b, h * 0.036, lighten(flowers, 0.1 * (i % 3))
                )
                for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
            ) + circle(x + h * dx, y - h * dy, h * 0.025, YELLOW)
    body = smooth(
        [
            (x - h * 0.07, y - h * 0.5),
            (x + h * 0.07, y - h * 0.5),
            (x + h * 0.09, y - h * 0.4),
            (x + h * 0.15, y - h * 0.22),
            (x + h * 0.09, y),
            (x - h * 0.09, y),
            (x - h * 0.15, y - h * 0.22),
            (x - h * 0.09, y - h * 0.4),
        ]
    )
    return contact(x, y, h * 0.26) + out + path(body, gradient(lighten(colour, 0.28), darken(colour, 0.25), 0))


def candle(x: float, y: float, h: float, colour: str = "#f3ead6", *, lit_flame: bool = True) -> str:
    """A candle with its flame."""
    out = (
        contact(x, y, h * 0.4)
        + tube(x, y, h * 0.28, h * 0.72, colour)
        + line([(x, y - h * 0.74), (x, y - h * 0.8)], INK, 2)
    )
    if lit_flame:
        out += ellipse(x, y - h * 0.88, h * 0.5, h * 0.5, "url(#r-ffd98a90-ffd98a00)") + path(
            (
                f"M{x},{y - h}C{x + h * 0.09},{y - h * 0.88} {x + h * 0.07},{y - h * 0.78} {x},{y - h * 0.78}"
                f"C{x - h * 0.07},{y - h * 0.78} {x - h * 0.09},{y - h * 0.88} {x},{y - h}Z"
            ),
            gradient("#fff3c4", "#f09a3c"),
        )
    return out


def table_lamp(x: float, y: float, h: float, colour: str = "#e6cf9d", *, on: bool = True) -> str:
    """A lamp with a cloth shade."""
    out = (
        contact(x, y, h * 0.3)
        + ellipse(x, y - h * 0.02, h * 0.13, h * 0.035, lit(WALNUT, 60, 0.2))
        + line([(x, y - h * 0.04), (x, y - h * 0.6)], WALNUT, h * 0.035)
    )
    shade = path(
        f"M{x - h * 0.15},{y - h}H{x + h * 0.15}L{x + h * 0.25},{y - h * 0.58}H{x - h * 0.25}Z",
        gradient(lighten(colour, 0.35 if on else 0.1), darken(colour, 0.08)),
    )
    return (ellipse(x, y - h * 0.76, h * 0.75, h * 0.75, "url(#r-fff2d290-fff2d200)") if on else "") + out + shade


def ladder(x: float, y: float, h: float, colour: str = "#c9ced4") -> str:
    """A step ladder from the front, h pixels high."""
    w = h * 0.3
    back = "".join(
        line([(x + k * w * 0.42, y - h * 0.04), (x + k * w * 0.24, y - h)], darken(colour, 0.35), h * 0.016)
        for k in (-1, 1)
    )
    rails = "".join(line([(x + k * w * 0.62, y), (x + k * w * 0.3, y - h)], colour, h * 0.026) for k in (-1, 1))
    steps = "".join(
        rect(
            x - w * (0.62 - 0.32 * t),
            y - h * t - h * 0.012,
            w * 2 * (0.62 - 0.32 * t),
            h * 0.03,
            gradient(lighten(colour, 0.3), darken(colour, 0.15)),
            r=2,
        )
        for t in (0.16, 0.34, 0.52, 0.7, 0.88, 0.98)
    )
    return contact(x, y, w * 1.3) + back + rails + steps


def bin_(x: float, y: float, h: float, colour: str = "#5d6b62") -> str:
    """A wheeled rubbish bin."""
    w = h * 0.62
    body = poly(
        [(x - w / 2, y - h * 0.88), (x + w / 2, y - h * 0.88), (x + w * 0.4, y), (x - w * 0.4, y)],
        gradient(lighten(colour, 0.16), darken(colour, 0.25), 10),
    )
    return (
        contact(x, y, w)
        + body
        + rect(x - w * 0.56, y - h, w * 1.12, h * 0.13, lit(colour, 60, 0.2), r=6)
        + circle(x + w * 0.36, y - h * 0.04, h * 0.06, INK)
    )


def key(x: float, y: float, length: float, *, angle: float = 0, colour: str = "#c9a24a") -> str:
    """A door key lying at x, y."""
    r = length * 0.2
    ring = circle(-length * 0.35, 0, r, "none", stroke=colour, width=length * 0.09)
    shaft = (
        line([(-length * 0.15, 0), (length * 0.5, 0)], colour, length * 0.08)
        + rect(length * 0.3, 0, length * 0.07, length * 0.16, colour)
        + rect(length * 0.42, 0, length * 0.07, length * 0.13, colour)
    )
    return group(
        rect(-length * 0.5, 4, length, 5, SHADOW, opacity=0.25, blur=3), ring, shaft, move=(x, y), rotate=angle
    )


def ball(x: float, y: float, r: float, colour: str = "#c8453f", *, band: str = PAPER) -> str:
    """A toy ball."""
    return (
        contact(x, y, r * 1.6)
        + circle(x, y - r, r, f"url(#r-{lighten(colour, 0.4)[1:]}-{darken(colour, 0.2)[1:]})")
        + stroke(
            [(x - r * 0.92, y - r * 1.3), (x, y - r * 0.9), (x + r * 0.92, y - r * 1.3)], band, r * 0.2, opacity=0.8
        )
    )


def blocks(x: float, y: float, size: float) -> str:
    """A small heap of toy blocks."""
    spots = [(-1.0, 0, "#c8453f"), (0.1, 0, "#4a76b8"), (1.2, 0, "#5b9257"), (-0.45, 1, "#f0cb5c")]
    return contact(x, y, size * 4) + "".join(
        rect(x + size * dx - size / 2, y - size * (dy + 1), size, size, lit(c, 50, 0.18), r=3) for dx, dy, c in spots
    )


def crate(x: float, y: float, w: float, h: float, colour: str = PINE) -> str:
    """A slatted wooden crate from the front."""
    slats = "".join(
        rect(x - w / 2, y - h + h * k, w, h * 0.26, wood(colour), stroke=darken(colour, 0.35), width=1.2)
        for k in (0.02, 0.37, 0.72)
    )
    return (
        contact(x, y, w)
        + rect(x - w / 2, y - h, w, h, darken(colour, 0.6))
        + slats
        + "".join(
            rect(x + k * w / 2 - (w * 0.07 if k > 0 else 0), y - h, w * 0.07, h, lit(colour, 0, 0.15)) for k in (-1, 1)
        )
    )


def books(x: float, y: float, w: float, h: float, *, seed: int = 1) -> str:
    """A row of book spines standing on the line y, from x over width w (canvas pixels)."""
    shades = ["#a8503c", "#4a76b8", "#d29a3d", "#3d8a8c", "#75507f", "#dcc5a0", "#41633f", "#55607a", "#f1e6d3"]
    out, at, i = "", x, seed
    while at < x + w - 6:
        bw, bh = w * 0.05 + (i * 29 % 7) * w * 0.008, h * (0.72 + (i * 17 % 9) * 0.03)
        bw = min(bw, x + w - at)
        tone = shades[i * 5 % 9]
        out += rect(at, y - bh, bw - 1, bh, gradient(lighten(tone, 0.15), darken(tone, 0.2), 0), r=1) + rect(
            at, y - bh * 0.8, bw - 1, bh * 0.08, lighten(tone, 0.5), opacity=0.6
        )
        at += bw
        i += 1
    return out
