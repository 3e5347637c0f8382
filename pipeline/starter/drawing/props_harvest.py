"""Mushrooms, a wicker basket and the cook's things around them; origins are at the foot of each thing."""

import math

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke

PALE_CAP, BROWN_CAP, IVORY = "#a9b184", "#8a5433", "#f3ecd9"


def pale_mushroom(height: float, *, cap: float = 0.42, gills: float = 0.3) -> str:
    """A tall pale mushroom with a ring and a sack at its foot, standing on the origin; `height` in pixels.

    `cap` is the cap's half width and `gills` how far the underside opens to the viewer (0..1).
    """
    h, r = height, height * cap
    top, under = -h * 0.74, r * gills
    stem = f"M{-h * 0.07},{-h * 0.05}C{-h * 0.05},{-h * 0.4} {-h * 0.05},{-h * 0.6} {-h * 0.045},{top}H{h * 0.045}"
    stem += f"C{h * 0.05},{-h * 0.6} {h * 0.06},{-h * 0.4} {h * 0.08},{-h * 0.05}Z"
    sack = f"M{-h * 0.1},{-h * 0.16}C{-h * 0.16},{-h * 0.02} {-h * 0.1},{h * 0.05} 0,{h * 0.05}"
    sack += f"C{h * 0.11},{h * 0.05} {h * 0.17},{-h * 0.02} {h * 0.11},{-h * 0.18}"
    sack += f"L{h * 0.06},{-h * 0.11}L{h * 0.01},{-h * 0.17}L{-h * 0.05},{-h * 0.1}Z"
    ring = f"M{-h * 0.055},{-h * 0.56}C{-h * 0.13},{-h * 0.47} {-h * 0.1},{-h * 0.44} {-h * 0.09},{-h * 0.45}"
    ring += f"C{-h * 0.03},{-h * 0.41} {h * 0.05},{-h * 0.41} {h * 0.1},{-h * 0.45}"
    ring += f"C{h * 0.12},{-h * 0.46} {h * 0.12},{-h * 0.49} {h * 0.055},{-h * 0.56}Z"
    dome = f"M{-r},{top}C{-r * 0.95},{top - r * 0.75} {-r * 0.4},{top - r * 0.95} 0,{top - r * 0.95}"
    dome += f"C{r * 0.45},{top - r * 0.95} {r * 0.97},{top - r * 0.7} {r},{top}"
    dome += f"C{r * 0.6},{top + under * 0.9} {-r * 0.6},{top + under * 0.9} {-r},{top}Z"
    rays = "".join(
        line(
            [
                (0.1 * r * math.cos(a), top + 0.1 * under * math.sin(a)),
                (0.93 * r * math.cos(a), top + 0.9 * under * math.sin(a)),
            ],
            "#cdc3a4",
            1.3,
        )
        for a in (math.tau * i / 44 for i in range(44))
    )
    return (
        path(dome, gradient(kit.lighten(PALE_CAP, 0.35), kit.darken(PALE_CAP, 0.22), 50))
        + ellipse(0, top, r * 0.97, under, gradient("#d9cfb2", "#fbf6e8"), stroke="#b7b48d", width=2)
        + rays
        + path(stem, gradient("#fffaf0", "#d2c8ae", 0))
        + ellipse(0, top + 2, h * 0.05, under * 0.16 + 2, "#d8ceb2")
        + path(ring, gradient("#fffdf6", "#d9cfb4", 20), stroke="#c8bea0", width=1.5)
        + "".join(stroke([(x * h, -h * 0.53), (x * h * 1.5, -h * 0.45)], "#cfc5a8", 1.2) for x in (-0.04, -0.01, 0.03))
        + path(sack, gradient("#fffdf5", "#c9bfa1", 20), stroke="#bdb393", width=1.8)
        + ellipse(-r * 0.4, top - r * 0.55, r * 0.22, r * 0.1, "#ffffff", opacity=0.28)
    )


def brown_mushroom(height: float, *, fat: float = 0.5) -> str:
    """A stout brown mushroom with a sponge-like underside, standing on the origin; `fat` is the cap's half width."""
    h, r = height, height * fat
    stem = f"M{-h * 0.2},0C{-h * 0.24},{-h * 0.3} {-h * 0.14},{-h * 0.5} {-h * 0.13},{-h * 0.62}H{h * 0.13}"
    stem += (
        f"C{h * 0.14},{-h * 0.5} {h * 0.25},{-h * 0.3} {h * 0.2},0C{h * 0.1},{h * 0.05}"
        f" {-h * 0.1},{h * 0.05} {-h * 0.2},0Z"
    )
    dome = (
        f"M{-r},{-h * 0.56}C{-r * 1.02},{-h * 0.86} {-r * 0.5},{-h} 0,{-h}C{r * 0.55},{-h}"
        f" {r * 1.03},{-h * 0.84} {r},{-h * 0.56}"
    )
    dome += f"C{r * 0.7},{-h * 0.5} {-r * 0.7},{-h * 0.5} {-r},{-h * 0.56}Z"
    return (
        ellipse(0, -h * 0.55, r * 0.95, h * 0.1, "#cdb878")
        + path(stem, gradient("#efe0c0", "#b99c6f", 0))
        + path(dome, gradient(kit.lighten(BROWN_CAP, 0.3), kit.darken(BROWN_CAP, 0.25), 55))
        + ellipse(-r * 0.35, -h * 0.84, r * 0.25, h * 0.05, "#ffe9cf", opacity=0.35)
    )


def basket_back(width: float, depth: float, arch: float) -> str:
    """The inside and the handle of a basket around its rim's middle at the origin; draw the contents after it."""
    w, d = width / 2, depth / 2
    bow = f"M{-w * 0.94},0C{-w * 0.9},{-arch * 1.25} {w * 0.9},{-arch * 1.25} {w * 0.94},0"
    turns = [i / 26 for i in range(27)]
    wraps = "".join(
        line([(x - 7, y - 5), (x + 7, y + 5)], "#7d5a30", 2.5, opacity=0.6)
        for x, y in (
            (_bezier(t, -w * 0.94, -w * 0.9, w * 0.9, w * 0.94), _bezier(t, 0, -arch * 1.25, -arch * 1.25, 0))
            for t in turns
        )
    )
    inside = ellipse(0, 0, w, d, gradient("#4b331c", "#6e4d2a"))
    return inside + path(bow, stroke="#8d6638", width=20) + path(bow, stroke="#c89a5c", width=11) + wraps


def _bezier(t: float, a: float, b: float, c: float, d: float) -> float:
    """One coordinate of a cubic Bezier curve at t in 0..1."""
    return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t * t * (1 - t) + d * t**3


def basket_front(width: float, depth: float, height: float) -> str:
    """The woven front of the basket whose back `basket_back` drew: covers the lower part of the contents."""
    w, d, rows = width / 2, depth / 2, 8
    shell = f"M{-w},0A{w},{d} 0 0 0 {w},0C{w * 0.98},{height * 0.6} {w * 0.86},{height} {w * 0.78},{height}"
    shell += f"A{w * 0.78},{d * 0.8} 0 0 1 {-w * 0.78},{height}C{-w * 0.86},{height} {-w * 0.98},{height * 0.6} {-w},0Z"
    strands = ""
    for row in range(rows):
        share = (row + 0.35) / rows
        half = w * (1 - 0.2 * share**1.6)
        count = 20
        for i in range(count):
            a0, a1 = (math.pi * (1 - (i + j + 0.5 * (row % 2)) / count) for j in (0, 1))
            am = (a0 + a1) / 2
            x0, x1, xm = (half * math.cos(a) for a in (a0, a1, am))
            y0, y1, ym = (share * height + d * math.sin(a) for a in (a0, a1, am))
            shade = kit.mix("#e0b777", "#7a5630", min(1, max(0, (xm / half + 1) / 2 * 0.8 + 0.12)))
            strands += line(
                [(x0, y0), (xm, ym + (2 if i % 2 else -2)), (x1, y1)], kit.darken(shade, 0.35), height / rows * 0.98
            )
            strands += line([(x0, y0), (xm, ym - 2), (x1, y1)], shade, height / rows * 0.66)
    rim = f"M{-w},0A{w},{d} 0 0 0 {w},0"
    edge = path(rim, stroke="#7d5a30", width=22) + path(rim, stroke="#cfa163", width=13)
    return path(shell, "#6b4a28") + kit.clipped(shell, strands) + edge


def cook_knife(length: float) -> str:
    """A kitchen knife that lies with its tip at the origin and its handle to the right."""
    blade = (
        f"M0,0C{length * 0.2},{-length * 0.07} {length * 0.4},{-length * 0.08}"
        f" {length * 0.58},{-length * 0.08}V{length * 0.03}H{length * 0.1}Z"
    )
    shadow = path(blade, kit.SHADOW, opacity=0.35, blur=5)
    grip = rect(
        length * 0.57, -length * 0.075, length * 0.43, length * 0.09, gradient("#5a3b24", "#2f2018"), r=length * 0.03
    )
    rivets = "".join(circle(length * x, -length * 0.03, 3, kit.STEEL) for x in (0.66, 0.78, 0.9))
    return group(shadow, move=(6, 9)) + path(blade, gradient("#eef2f5", "#98a2ac")) + grip + rivets


def iron_pan(radius: float) -> str:
    """A black pan seen from slightly above, around the middle of its rim; the handle points to the right and back."""
    r, d = radius, radius * 0.36
    body = (
        f"M{-r},0C{-r * 0.98},{r * 0.3} {-r * 0.8},{d + r * 0.22} 0,{d + r * 0.24}"
        f"C{r * 0.8},{d + r * 0.22} {r * 0.98},{r * 0.3} {r},0Z"
    )
    grip = poly(
        [(r * 0.85, -6), (r * 1.75, -r * 0.42), (r * 1.8, -r * 0.32), (r * 0.95, 12)], gradient("#4a505c", "#23262e")
    )
    return (
        grip
        + path(body, gradient("#4c525e", "#1f222a", 30))
        + ellipse(0, 0, r, d, gradient("#6a717d", "#3a3f49"))
        + ellipse(0, 5, r * 0.9, d * 0.86, gradient("#23262d", "#4a505b"))
        + stroke([(-r * 0.7, d * 0.2), (-r * 0.4, d * 0.62), (0, d * 0.75)], "#8d96a3", 3, opacity=0.5)
    )


def cream_jug(height: float) -> str:
    """A white jug of cream, standing on the origin."""
    h = height
    body = f"M{-h * 0.3},{-h * 0.9}C{-h * 0.2},{-h * 0.7} {-h * 0.42},{-h * 0.5} {-h * 0.38},{-h * 0.2}"
    body += (
        f"C{-h * 0.36},{h * 0.03} {h * 0.36},{h * 0.03} {h * 0.38},{-h * 0.2}"
        f"C{h * 0.42},{-h * 0.5} {h * 0.2},{-h * 0.7} {h * 0.27},{-h * 0.9}Z"
    )
    ear = stroke(
        [(h * 0.26, -h * 0.78), (h * 0.58, -h * 0.72), (h * 0.54, -h * 0.38), (h * 0.38, -h * 0.3)], "#c8cfd9", h * 0.07
    )
    lip = path(f"M{-h * 0.3},{-h * 0.9}L{-h * 0.42},{-h * 0.97}L{-h * 0.12},{-h * 0.95}Z", "#f2f4f7")
    return (
        kit.contact(0, 0, h * 0.8)
        + ear
        + path(body, gradient("#ffffff", "#bcc5d2", 15))
        + lip
        + ellipse(-h * 0.015, -h * 0.9, h * 0.285, h * 0.07, "#dfe4ec")
        + ellipse(0, -h * 0.885, h * 0.25, h * 0.05, "#fff6df")
        + path(
            f"M{-h * 0.38},{-h * 0.32}C{-h * 0.2},{-h * 0.26} {h * 0.2},{-h * 0.26} {h * 0.38},{-h * 0.32}",
            stroke=kit.BLUE,
            width=5,
        )
    )
