"""Bottles, jars, crockery, cookware, blades and medicines: the small things of a table or a worktop.

The same conventions as in `objects`: x is the middle, y the line they stand on, sizes in canvas pixels.
"""

from pipeline.starter.drawing.kit import (
    BRICK,
    CREAM,
    INK,
    IRON,
    OAK,
    OCHRE,
    PAPER,
    SHADOW,
    STEEL,
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
    stroke,
    text,
    turned,
    wood,
)


def tube(x: float, y: float, w: float, h: float, colour: str, *, lip: float = 0.14) -> str:
    """An upright cylinder seen from slightly above; no shadow."""
    side = gradient(lighten(colour, 0.22), darken(colour, 0.24), 0)
    body = path(
        f"M{x - w / 2},{y - h}V{y - w * lip / 2}A{w / 2},{w * lip} 0 0 0 {x + w / 2},{y - w * lip / 2}V{y - h}Z", side
    )
    return body + ellipse(x, y - h, w / 2, w * lip, lighten(colour, 0.3))


def bottle(
    x: float,
    y: float,
    h: float,
    colour: str = "#4f7f5c",
    *,
    label: str = "",
    words: str = "",
    cap: str = "#d8d3c4",
    shadow: bool = True,
) -> str:
    """A slim bottle; `label` is the colour of its label ("" for none), `words` a short text on it."""
    w = h * 0.32
    d = (
        f"M{x - w * 0.2},{y - h * 0.95}V{y - h * 0.74}C{x - w * 0.2},{y - h * 0.66} {x - w * 0.5},{y - h * 0.64} "
        f"{x - w * 0.5},{y - h * 0.52}"
        f"V{y - h * 0.03}Q{x - w * 0.5},{y} {x - w * 0.4},{y}H{x + w * 0.4}Q{x + w * 0.5},{y}"
        f" {x + w * 0.5},{y - h * 0.03}"
        f"V{y - h * 0.52}"
        f"C{x + w * 0.5},{y - h * 0.64} {x + w * 0.2},{y - h * 0.66} {x + w * 0.2},{y - h * 0.74}V{y - h * 0.95}Z"
    )
    out = (contact(x, y, w * 1.2) if shadow else "") + path(d, gradient(lighten(colour, 0.3), darken(colour, 0.25), 0))
    out += rect(x - w * 0.24, y - h, w * 0.48, h * 0.08, lit(cap, 0, 0.2), r=2)
    if label:
        out += rect(x - w * 0.5, y - h * 0.42, w, h * 0.3, gradient(lighten(label, 0.12), darken(label, 0.12), 0))
    if words:
        out += text(
            x,
            y - h * 0.24,
            words,
            min(h * 0.1, w * 1.6 / max(len(words), 1)),
            INK if label else PAPER,
            anchor="middle",
            weight=700,
        )
    return out + rect(x - w * 0.36, y - h * 0.5, w * 0.09, h * 0.44, "#ffffff", r=3, opacity=0.35)


def spray_bottle(
    x: float, y: float, h: float, colour: str = "#7fb6d6", *, label: str = PAPER, words: str = "", head: str = "#c8453f"
) -> str:
    """A trigger spray bottle, nozzle to the left."""
    w = h * 0.4
    body = path(
        (
            f"M{x - w * 0.16},{y - h * 0.74}C{x - w * 0.18},{y - h * 0.6} {x - w * 0.5},{y - h * 0.58}"
            f" {x - w * 0.46},{y - h * 0.4}"
            f"L{x - w * 0.5},{y}H{x + w * 0.5}L{x + w * 0.46},{y - h * 0.4}C{x + w * 0.5},{y - h * 0.58} "
            f"{x + w * 0.18},{y - h * 0.6} {x + w * 0.16},{y - h * 0.74}Z"
        ),
        gradient(lighten(colour, 0.3), darken(colour, 0.2), 0),
    )
    trigger = path(
        (
            f"M{x + w * 0.34},{y - h * 0.98}L{x - w * 0.62},{y - h}L{x - w * 0.62},{y - h * 0.9}"
            f"L{x - w * 0.2},{y - h * 0.88}L{x - w * 0.34},{y - h * 0.72}L{x - w * 0.22},{y - h * 0.72}"
            f"L{x - w * 0.06},{y - h * 0.84}L{x - w * 0.16},{y - h * 0.72}H{x + w * 0.18}L{x + w * 0.3},{y - h * 0.86}"
            "Z"
        ),
        lit(head, 60, 0.15),
    )
    tag = rect(x - w * 0.4, y - h * 0.38, w * 0.8, h * 0.28, label, r=3)
    mark = (
        text(x, y - h * 0.21, words, min(h * 0.1, w * 1.2 / max(len(words), 1)), INK, anchor="middle", weight=700)
        if words
        else ""
    )
    return contact(x, y, w * 1.2) + body + trigger + tag + mark


def jar(
    x: float, y: float, h: float, filling: str = OCHRE, *, lid: str = BRICK, words: str = "", level: float = 0.8
) -> str:
    """A glass jar with a screw lid, filled up to `level`."""
    w = h * 0.72
    glass = rect(x - w / 2, y - h * 0.86, w, h * 0.86, gradient("#eef4f4", "#b9c8cc", 0), r=w * 0.14, opacity=0.85)
    inside = rect(
        x - w * 0.44,
        y - h * 0.82 * level,
        w * 0.88,
        h * 0.82 * level - h * 0.03,
        gradient(lighten(filling, 0.2), darken(filling, 0.22), 0),
        r=w * 0.1,
    )
    tag = (
        rect(x - w * 0.34, y - h * 0.52, w * 0.68, h * 0.26, PAPER, r=2)
        + text(x, y - h * 0.35, words, min(h * 0.13, w * 1.05 / max(len(words), 1)), INK, anchor="middle", weight=600)
        if words
        else ""
    )
    top = rect(x - w * 0.44, y - h, w * 0.88, h * 0.17, lit(lid, 0, 0.2), r=4)
    return (
        contact(x, y, w)
        + glass
        + inside
        + tag
        + top
        + rect(x - w * 0.4, y - h * 0.78, w * 0.08, h * 0.6, "#ffffff", r=4, opacity=0.4)
    )


def canister(x: float, y: float, h: float, colour: str = "#c8453f", *, words: str = "") -> str:
    """A plastic jerry can with a handle and a spout."""
    w = h * 0.78
    body = path(
        f"M{x - w / 2},{y}V{y - h * 0.66}L{x - w * 0.3},{y - h * 0.86}H{x + w / 2}V{y}Z",
        gradient(lighten(colour, 0.2), darken(colour, 0.25), 20),
        stroke=darken(colour, 0.1),
        width=3,
    )
    grip = rect(x - w * 0.16, y - h * 0.8, w * 0.5, h * 0.1, darken(colour, 0.5), r=h * 0.05)
    spout = turned(
        x - w * 0.38, y - h * 0.76, -38, rect(x - w * 0.48, y - h * 0.88, w * 0.2, h * 0.16, darken(colour, 0.6), r=3)
    )
    tag = (
        rect(x - w * 0.34, y - h * 0.5, w * 0.68, h * 0.26, PAPER, r=3)
        + text(x, y - h * 0.32, words, min(h * 0.14, w / max(len(words), 1)), INK, anchor="middle", weight=700)
        if words
        else ""
    )
    return contact(x, y, w) + spout + body + grip + tag


def cup(x: float, y: float, h: float, colour: str = CREAM, *, steam: bool = False, inside: str = "#5a3d2e") -> str:
    """A mug with its handle to the right."""
    w = h * 0.86
    handle = path(
        f"M{x + w * 0.46},{y - h * 0.78}C{x + w * 0.86},{y - h * 0.8} "
        f"{x + w * 0.86},{y - h * 0.2} {x + w * 0.42},{y - h * 0.24}",
        stroke=darken(colour, 0.12),
        width=h * 0.1,
    )
    out = contact(x, y, w) + handle + tube(x, y, w, h, colour) + ellipse(x, y - h, w * 0.43, w * 0.11, inside)
    if steam:
        out += "".join(
            stroke(
                [(x + k + h * dx, y - h * dy) for dx, dy in ((0, 1.15), (-0.08, 1.4), (0.07, 1.65), (0, 1.9))],
                "#ffffff",
                h * 0.06,
                opacity=0.45,
            )
            for k in (-w * 0.18, w * 0.16)
        )
    return out


def glass(x: float, y: float, h: float, drink: str = "#e9c46a", *, level: float = 0.7) -> str:
    """A drinking glass."""
    w = h * 0.62
    body = path(f"M{x - w / 2},{y - h}L{x - w * 0.38},{y}H{x + w * 0.38}L{x + w / 2},{y - h}Z", "#dfe9ec", opacity=0.6)
    half = w * (0.38 + 0.12 * level)
    liquid = path(
        f"M{x - half},{y - h * level}L{x - w * 0.36},{y - h * 0.05}H{x + w * 0.36}L{x + half},{y - h * level}Z",
        gradient(lighten(drink, 0.25), darken(drink, 0.12), 0),
        opacity=0.9,
    )
    return (
        contact(x, y, w * 0.8)
        + body
        + liquid
        + ellipse(x, y - h * level, half, w * 0.08, lighten(drink, 0.4))
        + ellipse(x, y - h, w / 2, w * 0.09, "none", stroke="#ffffff", width=1.6, opacity=0.7)
    )


def plate(x: float, y: float, w: float, colour: str = PAPER) -> str:
    """An empty plate lying flat."""
    return (
        contact(x, y + w * 0.04, w)
        + ellipse(x, y, w / 2, w * 0.2, lit(colour, 70, 0.12))
        + ellipse(x, y - 1, w * 0.34, w * 0.125, gradient(darken(colour, 0.1), colour))
    )


def bowl(x: float, y: float, w: float, colour: str = "#7f9fb4", filling: str = "") -> str:
    """A bowl; `filling` is the colour of what is in it."""
    h = w * 0.42
    body = path(
        (
            f"M{x - w / 2},{y - h}C{x - w * 0.46},{y - h * 0.2} {x - w * 0.2},{y} {x},{y}C{x + w * 0.2},{y} "
            f"{x + w * 0.46},{y - h * 0.2} {x + w / 2},{y - h}Z"
        ),
        gradient(lighten(colour, 0.2), darken(colour, 0.25), 10),
    )
    inner = ellipse(x, y - h, w / 2, w * 0.13, lighten(colour, 0.35)) + ellipse(
        x, y - h + 1, w * 0.45, w * 0.11, filling or darken(colour, 0.15)
    )
    return contact(x, y, w * 0.7) + body + inner


def pot(x: float, y: float, w: float, colour: str = "#6d7683", *, lid: bool = True) -> str:
    """A cooking pot with two handles."""
    h = w * 0.56
    ears = "".join(rect(x + k * w * 0.56 - w * 0.08, y - h * 0.8, w * 0.16, h * 0.14, INK, r=4) for k in (-1, 1))
    out = contact(x, y, w) + ears + tube(x, y, w, h, colour, lip=0.1)
    if lid:
        out += path(
            (
                f"M{x - w / 2},{y - h}C{x - w * 0.3},{y - h - w * 0.16}"
                f" {x + w * 0.3},{y - h - w * 0.16} {x + w / 2},{y - h}"
                f"A{w / 2},{w * 0.1} 0 0 1 {x - w / 2},{y - h}Z"
            ),
            lit(lighten(colour, 0.15), 50, 0.2),
        )
        return out + rect(x - w * 0.06, y - h - w * 0.18, w * 0.12, w * 0.07, INK, r=4)
    return out + ellipse(x, y - h, w * 0.46, w * 0.08, darken(colour, 0.4))


def pan(x: float, y: float, w: float, colour: str = "#43474f", *, flip: bool = False, filling: str = "") -> str:
    """A frying pan, its handle to the right (left with `flip`)."""
    s = -1 if flip else 1
    handle = line([(x + s * w * 0.46, y - w * 0.12), (x + s * w * 1.05, y - w * 0.22)], "#2c2624", w * 0.08)
    body = path(
        (
            f"M{x - w / 2},{y - w * 0.14}C{x - w * 0.46},{y} {x - w * 0.3},{y} {x},{y}C{x + w * 0.3},{y} "
            f"{x + w * 0.46},{y} {x + w / 2},{y - w * 0.14}Z"
        ),
        gradient(lighten(colour, 0.2), darken(colour, 0.3), 0),
    )
    return (
        contact(x, y, w)
        + handle
        + body
        + ellipse(x, y - w * 0.14, w / 2, w * 0.12, lighten(colour, 0.15))
        + ellipse(x, y - w * 0.135, w * 0.44, w * 0.095, filling or darken(colour, 0.3))
    )


def knife(x: float, y: float, length: float, *, angle: float = 0, grip: str = "#2c2624", shadow: bool = True) -> str:
    """A kitchen knife lying at x, y (its middle), the tip to the left, turned by `angle` degrees."""
    w = length * 0.1
    blade = path(
        (
            f"M{-length * 0.5},{w * 0.1}C{-length * 0.4},{-w * 0.6} {-length * 0.2},{-w * 0.6}"
            f" {length * 0.14},{-w * 0.6}"
            f"V{w * 0.55}H{-length * 0.2}C{-length * 0.36},{w * 0.5} {-length * 0.44},{w * 0.4}"
            f" {-length * 0.5},{w * 0.1}"
            "Z"
        ),
        gradient("#f2f5f7", "#9aa4ae"),
    )
    hilt = (
        rect(length * 0.14, -w * 0.55, length * 0.36, w * 1.0, lit(grip, 90, 0.2), r=w * 0.3)
        + circle(length * 0.24, 0, w * 0.12, STEEL)
        + circle(length * 0.4, 0, w * 0.12, STEEL)
    )
    under = (
        rect(-length * 0.44, w * 0.2, length * 0.92, w * 0.9, SHADOW, r=w * 0.4, opacity=0.3, blur=3) if shadow else ""
    )
    return group(under, blade, hilt, move=(x, y), rotate=angle)


def scissors(x: float, y: float, length: float, *, angle: float = 0, grip: str = "#c8453f") -> str:
    """Half-open scissors lying at x, y, points to the left."""
    w = length * 0.09
    out = ""
    for s in (-1, 1):
        blade = poly(
            [(-length * 0.55, 0), (0, -w * 0.7), (length * 0.06, w * 0.4), (0, w * 0.6)], gradient("#eef2f5", "#99a3ad")
        )
        loop = ellipse(length * 0.32, s * -w * 0.4, length * 0.13, length * 0.085, "none", stroke=grip, width=w * 0.7)
        out += group(blade, loop, line([(0, 0), (length * 0.2, s * -w * 0.3)], grip, w * 0.8), rotate=s * 11)
    return group(
        rect(-length * 0.4, w, length * 0.8, w, SHADOW, opacity=0.22, blur=4),
        out,
        circle(0, 0, w * 0.3, IRON),
        move=(x, y),
        rotate=angle,
    )


def tray(x: float, y: float, w: float, colour: str = OAK) -> str:
    """A flat tray or board lying on a table."""
    return (
        contact(x, y, w, w * 0.05)
        + poly(
            [(x - w * 0.42, y - w * 0.2), (x + w * 0.42, y - w * 0.2), (x + w * 0.5, y), (x - w * 0.5, y)], wood(colour)
        )
        + poly(
            [(x - w * 0.5, y), (x + w * 0.5, y), (x + w * 0.5, y + w * 0.03), (x - w * 0.5, y + w * 0.03)],
            darken(colour, 0.3),
        )
    )


def pills(x: float, y: float, size: float, colours: tuple[str, ...] = ("#e0806a", PAPER, "#a9cbe8")) -> str:
    """A few capsules lying about x, y."""
    spots = [(-0.5, 0, 20), (0.1, -0.25, -35), (0.55, 0.1, 10), (-0.1, 0.3, 70)]
    return "".join(
        group(
            rect(-size * 0.2, 3, size * 0.42, size * 0.14, SHADOW, r=4, opacity=0.3, blur=2),
            rect(
                -size * 0.21,
                -size * 0.09,
                size * 0.42,
                size * 0.18,
                lit(colours[i % len(colours)], 60, 0.15),
                r=size * 0.09,
            ),
            rect(0, -size * 0.09, size * 0.21, size * 0.18, PAPER, r=size * 0.09),
            move=(x + size * dx, y + size * dy),
            rotate=a,
        )
        for i, (dx, dy, a) in enumerate(spots)
    )


def pill_box(x: float, y: float, h: float, colour: str = "#e8943c", *, words: str = "") -> str:
    """An amber medicine bottle with a white lid and a label."""
    w = h * 0.56
    tag = rect(x - w / 2, y - h * 0.56, w, h * 0.36, PAPER) + text(
        x, y - h * 0.34, words, min(h * 0.13, w * 1.5 / max(len(words), 1)), INK, anchor="middle", weight=600
    )
    return (
        contact(x, y, w)
        + rect(x - w / 2, y - h * 0.8, w, h * 0.8, gradient(lighten(colour, 0.3), darken(colour, 0.2), 0), r=w * 0.1)
        + tag
        + rect(x - w * 0.54, y - h, w * 1.08, h * 0.23, gradient("#ffffff", "#c5c9cf", 0), r=4)
    )
