"""A thawing lake: far shore, ice, open water, reeds, ducks, skates and a jetty."""

import math

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke


def bare_tree(height: float, spread: int = 5, colour: str = "#5b5560") -> str:
    """A leafless tree standing on the origin, with branches of `spread` generations."""
    out: list[str] = []

    def grow(x: float, y: float, angle: float, length: float, depth: int) -> None:
        tip = x + math.cos(angle) * length, y + math.sin(angle) * length
        out.append(line([(x, y), tip], colour, max(1.0, depth * height / 150)))
        if depth > 1:
            for turn, share in ((-0.5, 0.7), (0.06, 0.78), (0.55, 0.66)):
                grow(*tip, angle + turn * (1 + 0.12 * (depth % 2)), length * share, depth - 1)

    grow(0, 0, -math.pi / 2, height * 0.3, spread)
    return "".join(out)


def far_shore(horizon: float) -> str:
    """A pale winter sky, hills with snow and a row of bare trees behind the lake at y = `horizon`."""
    sky = (
        rect(0, 0, 1024, horizon, gradient("#a9c3da", "#f6e3cd"))
        + circle(190, horizon - 130, 34, "#fff6dc", opacity=0.9)
        + ellipse(190, horizon - 130, 120, 110, "#fff2d2", opacity=0.4, blur=20)
    )
    hills = path(
        f"M0,{horizon - 60}C140,{horizon - 130} 260,{horizon - 120} 400,{horizon - 70}"
        f"C560,{horizon - 150} 760,{horizon - 160} 1024,{horizon - 70}V{horizon}H0Z",
        gradient("#c3cfdd", "#a4b1c4"),
    )
    near = path(
        f"M0,{horizon - 26}C200,{horizon - 60} 420,{horizon - 34} 600,{horizon - 30}"
        f"C760,{horizon - 60} 900,{horizon - 50} 1024,{horizon - 34}V{horizon + 4}H0Z",
        gradient("#e6e9ee", "#9a9c92"),
    )
    wood = "".join(
        group(bare_tree(70 + (i * 37) % 60, 5), move=(x, horizon - 18 - (i % 3) * 6), opacity=0.75)
        for i, x in enumerate((60, 118, 300, 352, 660, 706, 760, 884, 960))
    )
    hut = (
        rect(470, horizon - 62, 70, 40, "#8a5b48")
        + poly([(460, horizon - 60), (505, horizon - 92), (550, horizon - 60)], "#f1f3f6")
        + rect(496, horizon - 48, 18, 26, "#5a3a30")
    )
    return sky + hills + near + wood + hut


def lake_ice(horizon: float) -> str:
    """Wet grey ice from y = `horizon` down, with a hole of open water, dark patches and long cracks."""
    sheet = rect(0, horizon, 1024, 768 - horizon, gradient("#dfe6ea", "#a9bac6"))
    shine = poly([(120, horizon), (270, horizon), (330, 768), (-80, 768)], "#fff6e2", opacity=0.4, blur=18)
    damp = "".join(
        ellipse(x, y, w, h, "#5f7c90", opacity=o, blur=7)
        for x, y, w, h, o in (
            (300, 420, 120, 13, 0.45),
            (600, 520, 150, 24, 0.5),
            (820, 560, 120, 22, 0.45),
            (520, 640, 120, 22, 0.4),
            (180, 370, 110, 8, 0.35),
            (930, 690, 130, 30, 0.45),
        )
    )
    rim = [
        (448, 396),
        (520, 374),
        (610, 380),
        (680, 366),
        (770, 374),
        (850, 396),
        (838, 424),
        (760, 440),
        (690, 462),
        (610, 446),
        (540, 450),
        (470, 430),
    ]
    hole = kit.blob([(x, y + 3) for x, y in rim], "#f4f8fa", stroke="#ffffff", width=9) + kit.blob(
        rim, gradient("#47748a", "#16384d")
    )
    waves = "".join(
        stroke([(x, y), (x + 18, y - 2), (x + 38, y)], "#9cc3d1", 1.6, opacity=0.7)
        for x, y in ((500, 404), (590, 396), (650, 430), (720, 388), (780, 416), (560, 432), (690, 446))
    )
    return sheet + shine + damp + "".join(_crack(p, w) for p, w in _CRACKS) + hole + waves


_CRACKS: list[tuple[list[kit.Point], float]] = [
    ([(470, 436), (430, 470), (440, 500), (380, 540), (396, 580), (330, 640)], 5),
    ([(380, 540), (300, 552), (262, 580)], 3),
    ([(610, 450), (622, 490), (590, 530), (650, 590), (640, 640), (700, 768)], 6),
    ([(650, 590), (740, 620), (776, 668), (880, 700)], 4),
    ([(838, 424), (880, 450), (900, 490), (960, 510), (1024, 560)], 5),
    ([(470, 415), (380, 418), (330, 400), (220, 404), (120, 390)], 3),
    ([(590, 530), (520, 552), (500, 590)], 3),
    ([(776, 668), (770, 720), (800, 768)], 3),
    ([(900, 490), (850, 530), (858, 560)], 2.5),
]


def _crack(points: list[kit.Point], width: float) -> str:
    """A dark line through ice with a bright lip on its lit side."""
    lip = line([(x - width * 0.5, y - width * 0.5) for x, y in points], "#ffffff", width * 0.8, opacity=0.9)
    return lip + line(points, "#2f5468", width, opacity=0.9)


def duck(size: float, colour: str = "#8a6a4a", head: str = "#3f6b4c") -> str:
    """A swimming duck looking left, its waterline on the origin."""
    s = size
    rings = ellipse(0, 2, s * 0.85, s * 0.12, "#b7d6df", opacity=0.5) + ellipse(
        s * 0.1, s * 0.12, s * 0.5, s * 0.07, "#12303f", opacity=0.5
    )
    body = path(
        f"M{-s * 0.5},0C{-s * 0.55},{-s * 0.34} {-s * 0.1},{-s * 0.38}"
        f" {s * 0.2},{-s * 0.3}L{s * 0.58},{-s * 0.36}C{s * 0.5},{-s * 0.08}"
        f" {s * 0.4},{s * 0.02} 0,{s * 0.04}C{-s * 0.3},{s * 0.04} {-s * 0.45},{s * 0.04}"
        f" {-s * 0.5},0Z",
        kit.lit(colour),
    )
    wing = path(
        f"M{-s * 0.2},{-s * 0.24}C0,{-s * 0.34} {s * 0.3},{-s * 0.26}"
        f" {s * 0.44},{-s * 0.28}C{s * 0.3},{-s * 0.06} 0,{-s * 0.04}"
        f" {-s * 0.2},{-s * 0.24}Z",
        kit.lighten(colour, 0.35),
    )
    neck = path(
        f"M{-s * 0.52},{-s * 0.06}C{-s * 0.56},{-s * 0.3} {-s * 0.5},{-s * 0.4}"
        f" {-s * 0.4},{-s * 0.42}L{-s * 0.22},{-s * 0.3}C{-s * 0.26},{-s * 0.1}"
        f" {-s * 0.36},0 {-s * 0.52},{-s * 0.06}Z",
        kit.lit(head),
    )
    skull = (
        ellipse(-s * 0.42, -s * 0.46, s * 0.16, s * 0.14, kit.lit(head))
        + path(f"M{-s * 0.56},{-s * 0.48}L{-s * 0.76},{-s * 0.41}L{-s * 0.55},{-s * 0.39}Z", "#e0b04a")
        + circle(-s * 0.46, -s * 0.49, s * 0.025, "#111111")
    )
    return rings + body + wing + neck + skull


def reeds(count: int, height: float) -> str:
    """A clump of dry reeds in a ring of melt water around the origin."""
    melt = ellipse(0, 0, count * 9, 22, "#f4f8fa", opacity=0.9) + ellipse(
        0, 2, count * 8, 18, gradient("#3f6a80", "#1d4357")
    )
    stems = "".join(
        stroke(
            [
                ((i - count / 2) * 11, (i % 3) * 6 - 4),
                ((i - count / 2) * 12, -height * 0.5),
                ((i - count / 2) * 14 + (i % 4) * 6 - 8, -height * (0.75 + (i * 7 % 5) * 0.07)),
            ],
            kit.mix("#c0a468", "#86704a", (i % 3) / 2),
            3.2,
        )
        + (
            ellipse((i - count / 2) * 14 + (i % 4) * 6 - 8, -height * (0.75 + (i * 7 % 5) * 0.07), 5, 18, "#6a4730")
            if i % 2
            else ""
        )
        for i in range(count)
    )
    return melt + stems


def skate(size: float, colour: str = "#fbfbfd", trim: str = "#b8505c") -> str:
    """A lady's skate seen from the side, toe to the right; the blade stands on the origin's line."""
    s = size
    blade = path(
        f"M{-s * 0.5},{-s * 0.05}H{s * 0.5}C{s * 0.58},{-s * 0.05} {s * 0.6},{-s * 0.12}"
        f" {s * 0.56},{-s * 0.16}L{s * 0.53},{-s * 0.1}H{-s * 0.5}Z",
        gradient("#eef3f7", "#8b97a5"),
    )
    posts = rect(-s * 0.34, -s * 0.2, s * 0.12, s * 0.12, gradient("#c9d1da", "#8893a1")) + rect(
        s * 0.18, -s * 0.2, s * 0.16, s * 0.12, gradient("#c9d1da", "#8893a1")
    )
    sole = path(
        f"M{-s * 0.44},{-s * 0.2}H{s * 0.52}V{-s * 0.25}C{s * 0.3},{-s * 0.27}"
        f" 0,{-s * 0.24} {-s * 0.1},{-s * 0.26}H{-s * 0.44}Z",
        "#6d4a35",
    ) + rect(-s * 0.44, -s * 0.25, s * 0.2, s * 0.06, "#6d4a35")
    boot = path(
        f"M{-s * 0.42},{-s * 0.25}C{-s * 0.48},{-s * 0.5} {-s * 0.36},{-s * 0.62}"
        f" {-s * 0.4},{-s * 0.98}C{-s * 0.3},{-s * 1.04} {-s * 0.1},{-s * 1.02}"
        f" 0,{-s * 0.96}C0,{-s * 0.7} {s * 0.04},{-s * 0.6} {s * 0.22},{-s * 0.54}"
        f"C{s * 0.44},{-s * 0.5} {s * 0.56},{-s * 0.42} {s * 0.54},{-s * 0.24}Z",
        gradient(kit.lighten(colour, 0.3), kit.darken(colour, 0.26), 35),
    )
    cuff = path(
        f"M{-s * 0.4},{-s * 0.98}C{-s * 0.3},{-s * 1.04} {-s * 0.1},{-s * 1.02}"
        f" 0,{-s * 0.96}V{-s * 0.9}C{-s * 0.1},{-s * 0.95} {-s * 0.3},{-s * 0.96}"
        f" {-s * 0.395},{-s * 0.91}Z",
        trim,
    )
    laces = "".join(
        line(
            [(-s * 0.06 + i * s * 0.045, -s * (0.88 - i * 0.065)), (s * 0.03 + i * s * 0.05, -s * (0.84 - i * 0.065))],
            trim,
            s * 0.022,
        )
        for i in range(6)
    )
    bow = stroke(
        [
            (-s * 0.02, -s * 0.9),
            (s * 0.14, -s * 0.98),
            (s * 0.12, -s * 0.86),
            (-s * 0.02, -s * 0.9),
            (s * 0.1, -s * 0.76),
        ],
        trim,
        s * 0.022,
    )
    return (
        group(blade + sole, move=(s * 0.05, s * 0.02), opacity=0.25)
        + kit.contact(s * 0.02, 0, s)
        + blade
        + posts
        + sole
        + boot
        + cuff
        + laces
        + bow
    )


def jetty(top: float) -> str:
    """A wooden jetty from the lower left corner out to y = `top`, its planks across."""
    left, right = (-160.0, 768.0), (470.0, 768.0)
    far_l, far_r = (150.0, top), (330.0, top)
    out = poly(
        [(far_r[0], top + 4), (far_r[0] + 26, top + 14), (right[0] + 70, 790), right], kit.SHADOW, opacity=0.35, blur=6
    )
    out += poly([left, far_l, far_r, right], gradient("#a98761", "#c6a377", 120))
    count = 13
    for i in range(count + 1):
        share = (i / count) ** 1.7
        y = top + (768 - top) * share
        a, b = far_l[0] + (left[0] - far_l[0]) * share, far_r[0] + (right[0] - far_r[0]) * share
        out += line([(a, y), (b, y)], "#4f3b2b", 2 + 3 * share, opacity=0.8) + line(
            [(a, y + 3 + 3 * share), (b, y + 3 + 3 * share)], "#e3c69c", 1.5 + share, opacity=0.6
        )
        out += circle(a + 12 + 14 * share, y - 6 - 12 * share, 1.5 + 2 * share, "#4f3b2b") + circle(
            b - 12 - 14 * share, y - 6 - 12 * share, 1.5 + 2 * share, "#4f3b2b"
        )
    edge = poly([far_r, right, (right[0], 790), (right[0] - 6, 790), (far_r[0], top + 12)], "#5b4432")
    frost = "".join(
        ellipse(x, y, w, w * 0.16, "#ffffff", opacity=0.5, blur=2.5)
        for x, y, w in ((220, 520, 40), (120, 600, 60), (350, 690, 70), (60, 720, 80), (280, 570, 30))
    )
    posts = "".join(
        rect(x - w / 2, y - h, w, h + 8, gradient("#a68561", "#5b4432", 0), r=4)
        + ellipse(x, y - h, w / 2, w * 0.18, "#d9c09a")
        for x, y, w, h in ((338, top + 10, 24, 60), (142, top + 10, 24, 60))
    )
    return out + edge + frost + posts
