"""Plates, drinks, fruit and medicine for a table; every thing stands on the origin, seen from a little above."""

import math

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke, text

FLAT = 0.36


def plate(width: float, *food: str, colour: str = "#f4f3ef") -> str:
    """A round plate, `width` pixels wide, with what lies on it."""
    r = width / 2
    rim = ellipse(0, r * 0.06, r, r * FLAT, kit.darken(colour, 0.3)) + ellipse(
        0, 0, r, r * FLAT, gradient("#ffffff", kit.darken(colour, 0.14), 40)
    )
    well = ellipse(0, r * 0.015, r * 0.7, r * FLAT * 0.68, gradient(kit.darken(colour, 0.12), "#ffffff", 50)) + ellipse(
        0, 0, r * 0.97, r * FLAT * 0.97, "none", stroke="#9fb4c4", width=1.6, opacity=0.7
    )
    return kit.contact(0, r * FLAT * 0.7, width * 0.9, r * 0.2) + rim + well + "".join(food)


def pasta(width: float) -> str:
    """A heap of pasta with sauce, gone dry."""
    r = width / 2
    strands = "".join(
        stroke(
            [
                (r * 0.8 * math.cos(i * 2.4), -r * 0.12 + r * 0.24 * math.sin(i * 2.4)),
                (r * 0.4 * math.cos(i * 2.4 + 1), -r * 0.3 + r * 0.1 * math.sin(i)),
                (r * 0.75 * math.cos(i * 2.4 + 2), -r * 0.1 + r * 0.22 * math.sin(i * 2.4 + 2)),
            ],
            kit.mix("#efd48c", "#c9a052", (i % 4) / 4),
            max(3, r * 0.08),
        )
        for i in range(26)
    )
    sauce = kit.blob(
        [
            (-r * 0.42, -r * 0.26),
            (-r * 0.1, -r * 0.44),
            (r * 0.34, -r * 0.36),
            (r * 0.46, -r * 0.16),
            (r * 0.1, -r * 0.06),
            (-r * 0.3, -r * 0.1),
        ],
        gradient("#b4442e", "#7f2a20"),
    )
    herb = "".join(
        ellipse(x * r, y * r, r * 0.06, r * 0.03, kit.MOSS) for x, y in ((-0.1, -0.34), (0.12, -0.28), (0.02, -0.2))
    )
    return ellipse(0, -r * 0.06, r * 0.9, r * 0.28, "#d9b765") + strands + sauce + herb


def soup_bowl(width: float, colour: str = "#7d9bb0", soup: str = "#d1803c") -> str:
    """A full bowl of soup with a spoon lying beside it."""
    r = width / 2
    body = path(
        f"M{-r},{-r * 0.5}C{-r * 0.95},{r * 0.16} {-r * 0.5},{r * 0.3} 0,{r * 0.3}"
        f"C{r * 0.5},{r * 0.3} {r * 0.95},{r * 0.16} {r},{-r * 0.5}Z",
        gradient(kit.lighten(colour, 0.35), kit.darken(colour, 0.3), 20),
    )
    top = ellipse(0, -r * 0.5, r, r * FLAT, kit.lighten(colour, 0.5)) + ellipse(
        0, -r * 0.48, r * 0.88, r * FLAT * 0.82, gradient(kit.lighten(soup, 0.15), kit.darken(soup, 0.15))
    )
    bits = "".join(
        ellipse(x * r, -r * 0.48 + y * r, r * 0.08, r * 0.035, c)
        for x, y, c in (
            (-0.4, -0.05, kit.MOSS),
            (0.1, 0.1, "#f0d9a6"),
            (0.4, -0.02, "#f0d9a6"),
            (-0.1, -0.14, kit.MOSS),
        )
    )
    spoon = line([(r * 1.12, r * 0.3), (r * 1.6, -r * 0.3)], kit.STEEL, r * 0.07) + ellipse(
        r * 1.66, -r * 0.4, r * 0.1, r * 0.16, "#d3d9df"
    )
    return kit.contact(0, r * 0.26, width * 0.8) + body + top + bits + spoon


def sandwich(width: float) -> str:
    """A sandwich with salad, cut straight, on the middle of a plate."""
    r = width / 2
    layers = (
        (0.06, "#d7a96c", 0.16),
        (-0.1, "#6f9a4d", 0.07),
        (-0.16, "#d65b4a", 0.07),
        (-0.22, "#f0cb5c", 0.05),
        (-0.26, "#dfb67c", 0.16),
    )
    sides = "".join(rect(-r * 0.62, y * r - h * r, r * 1.24, h * r, c, r=r * 0.06) for y, c, h in layers)
    top = path(
        f"M{-r * 0.62},{-r * 0.36}L{-r * 0.44},{-r * 0.56}H{r * 0.46}L{r * 0.62},{-r * 0.36}Z",
        gradient("#edca92", "#c99a5a"),
    )
    return sides + top


def toast(width: float) -> str:
    """Two slices of toast, one leaning on the other."""
    w = width
    slice_ = (
        f"M{-w * 0.4},{-w * 0.06}V{-w * 0.5}C{-w * 0.52},{-w * 0.7} {-w * 0.3},{-w * 0.78}"
        f" 0,{-w * 0.76}C{w * 0.3},{-w * 0.78} {w * 0.52},{-w * 0.7} {w * 0.4},{-w * 0.5}"
        f"V{-w * 0.06}Z"
    )
    one = path(slice_, gradient("#8d5a2e", "#6b4222")) + group(
        path(slice_, gradient("#eec88b", "#cf9a52", 50)), scale=0.88, move=(0, -w * 0.04)
    )
    return group(one, move=(w * 0.18, -w * 0.02), rotate=10) + group(one, move=(-w * 0.12, w * 0.06), rotate=-8)


def boiled_egg(size: float) -> str:
    """An egg in a blue cup."""
    s = size
    cup = path(
        f"M{-s * 0.3},{-s * 0.5}C{-s * 0.28},{-s * 0.2} {-s * 0.12},{-s * 0.16}"
        f" {-s * 0.1},{-s * 0.08}L{-s * 0.24},0H{s * 0.24}L{s * 0.1},{-s * 0.08}"
        f"C{s * 0.12},{-s * 0.16} {s * 0.28},{-s * 0.2} {s * 0.3},{-s * 0.5}Z",
        gradient("#86a9d2", "#33537f", 10),
    )
    return (
        kit.contact(0, 0, s * 0.6)
        + ellipse(0, -s * 0.66, s * 0.25, s * 0.34, gradient("#fbe8d3", "#d4a987", 30))
        + cup
        + ellipse(-s * 0.08, -s * 0.84, s * 0.06, s * 0.09, "#ffffff", opacity=0.6)
    )


def half_grapefruit(radius: float) -> str:
    """A halved grapefruit, its pink cut face tipped to the viewer."""
    r = radius
    shell = path(
        f"M{-r},{-r * 0.55}C{-r},{r * 0.1} {-r * 0.6},{r * 0.32} 0,{r * 0.32}"
        f"C{r * 0.6},{r * 0.32} {r},{r * 0.1} {r},{-r * 0.55}Z",
        gradient("#f7c76a", "#d98a3c", 20),
    )
    face = ellipse(0, 0, r, r, "#f3b55a") + circle(0, 0, r * 0.94, "#fdf1e2") + circle(0, 0, r * 0.85, "#f7c9bd")
    wedges = "".join(
        path(
            f"M{r * 0.1 * math.cos(a):.1f},{r * 0.1 * math.sin(a):.1f}"
            f"L{r * 0.78 * math.cos(a - 0.25):.1f},{r * 0.78 * math.sin(a - 0.25):.1f}"
            f"Q{r * 0.86 * math.cos(a):.1f},{r * 0.86 * math.sin(a):.1f}"
            f" {r * 0.78 * math.cos(a + 0.25):.1f},{r * 0.78 * math.sin(a + 0.25):.1f}Z",
            gradient("#f0776c", "#d9514f"),
            stroke="#e8695f",
            width=4,
        )
        for a in (math.tau * i / 10 for i in range(10))
    )
    shine = "".join(
        line(
            [(r * d * math.cos(a), r * d * math.sin(a)), (r * (d + 0.12) * math.cos(a), r * (d + 0.12) * math.sin(a))],
            "#ffd9d0",
            3,
            opacity=0.8,
        )
        for i, a in enumerate(math.tau * k / 10 for k in range(10))
        for d in ((0.45, 0.6)[i % 2],)
    )
    return (
        kit.contact(0, r * 0.28, r * 1.7)
        + shell
        + group(face + wedges + circle(0, 0, r * 0.09, "#fdf1e2") + shine, move=(0, -r * 0.52), scale=(1, 0.56))
    )


def whole_grapefruit(radius: float) -> str:
    """A whole grapefruit."""
    r = radius
    return (
        kit.contact(0, 0, r * 1.6)
        + circle(0, -r * 0.92, r, gradient("#fbd27c", "#d5813a", 55))
        + ellipse(-r * 0.35, -r * 1.35, r * 0.26, r * 0.16, "#ffffff", opacity=0.4)
        + circle(r * 0.15, -r * 1.72, r * 0.05, "#8a6a35")
    )


def juice_glass(height: float, juice: str = "#ef7f6d") -> str:
    """A tall glass of juice."""
    h = height
    shape = f"M{-h * 0.23},{-h}L{-h * 0.17},0H{h * 0.17}L{h * 0.23},{-h}Z"
    fill = f"M{-h * 0.22},{-h * 0.84}L{-h * 0.165},{-h * 0.03}H{h * 0.165}L{h * 0.22},{-h * 0.84}Z"
    return (
        kit.contact(0, 0, h * 0.42)
        + ellipse(h * 0.3, 0, h * 0.24, h * 0.05, juice, opacity=0.35, blur=5)
        + path(fill, gradient(kit.lighten(juice, 0.25), kit.darken(juice, 0.14), 20))
        + ellipse(0, -h * 0.84, h * 0.22, h * 0.055, kit.lighten(juice, 0.4))
        + path(shape, "#ffffff", stroke="#e5eef2", width=2.5, opacity=0.28)
        + ellipse(0, -h, h * 0.23, h * 0.055, "none", stroke="#e5eef2", width=2.5)
        + line([(-h * 0.15, -h * 0.8), (-h * 0.12, -h * 0.15)], "#ffffff", 6, opacity=0.5)
    )


def tablet_box(width: float) -> str:
    """A box of heart tablets with a pharmacy sticker, its front to the viewer, a tablet strip before it."""
    w, h = width, width * 0.56
    side = poly([(w, -h), (w * 1.1, -h * 1.12), (w * 1.1, -h * 0.14), (w, 0)], gradient("#b9c6d4", "#8b9bb0"))
    top = poly([(0, -h), (w * 0.1, -h * 1.12), (w * 1.1, -h * 1.12), (w, -h)], "#f2f5f9")
    front = rect(0, -h, w, h, gradient("#ffffff", "#dbe3ec", 30)) + rect(0, -h, w * 0.06, h, "#4a76b8")
    heart = path(
        f"M{w * 0.8},{-h * 0.68}C{w * 0.72},{-h * 0.82} {w * 0.67},{-h * 0.96}"
        f" {w * 0.74},{-h * 0.96}C{w * 0.78},{-h * 0.96} {w * 0.8},{-h * 0.9}"
        f" {w * 0.8},{-h * 0.88}C{w * 0.8},{-h * 0.9} {w * 0.82},{-h * 0.96}"
        f" {w * 0.86},{-h * 0.96}C{w * 0.93},{-h * 0.96} {w * 0.88},{-h * 0.82}"
        f" {w * 0.8},{-h * 0.68}Z",
        "#c8453f",
    )
    words = text(w * 0.11, -h * 0.78, "Heart tablets", w * 0.085, kit.NAVY, weight=700) + text(
        w * 0.11, -h * 0.64, "once a day, morning", w * 0.047, kit.SLATE
    )
    label = poly(
        [(w * 0.1, -h * 0.54), (w * 0.95, -h * 0.56), (w * 0.955, -h * 0.08), (w * 0.105, -h * 0.06)],
        gradient("#ffe27a", "#f0c33c"),
    )
    label += text(w * 0.53, -h * 0.36, "DO NOT TAKE WITH", w * 0.072, "#3a2a08", anchor="middle", weight=700)
    label += text(w * 0.53, -h * 0.17, "GRAPEFRUIT", w * 0.098, "#3a2a08", anchor="middle", weight=800)
    return kit.contact(w * 0.55, 0, w * 1.1, 16) + side + top + front + heart + words + label


def tablet_strip(width: float) -> str:
    """A strip of tablets lying flat; two are used."""
    w = width
    sheet = poly(
        [(0, 0), (w, -w * 0.06), (w * 1.08, w * 0.22), (w * 0.06, w * 0.28)], gradient("#eef2f6", "#a9b4c1", 30)
    )
    pills = "".join(
        ellipse(
            w * (0.15 + 0.175 * i) + j * w * 0.03,
            w * (0.06 + 0.13 * j - 0.012 * i),
            w * 0.06,
            w * 0.04,
            gradient("#f7d7d2", "#d79a92") if (i, j) not in ((0, 0), (1, 0)) else gradient("#8d98a6", "#d5dce3"),
        )
        for i in range(5)
        for j in range(2)
    )
    return ellipse(w * 0.55, w * 0.25, w * 0.5, w * 0.05, kit.SHADOW, opacity=0.3, blur=5) + sheet + pills
