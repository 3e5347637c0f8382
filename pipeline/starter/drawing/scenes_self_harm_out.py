"""Self-harm scenes in the open: a headland, a frozen lake, a seafront."""

from itertools import pairwise

from pipeline.starter.drawing import kit, objects, outdoors
from pipeline.starter.drawing.heads import Look
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke
from pipeline.starter.drawing.people import person
from pipeline.starter.drawing.props_winter import duck, far_shore, jetty, lake_ice, reeds, skate


def _lighthouse(height: float) -> str:
    """A white lighthouse with a red gallery, standing on the origin."""
    h = height
    tower = poly(
        [(-h * 0.13, 0), (-h * 0.085, -h * 0.76), (h * 0.085, -h * 0.76), (h * 0.13, 0)],
        gradient("#ffffff", "#aab4c4", 0),
    )
    bands = poly(
        [(-h * 0.113, -h * 0.28), (-h * 0.1, -h * 0.5), (h * 0.1, -h * 0.5), (h * 0.113, -h * 0.28)],
        gradient("#d8584e", "#8f3531", 0),
    )
    room = rect(-h * 0.065, -h * 0.9, h * 0.13, h * 0.14, gradient("#fff3c4", "#d2b262", 0)) + rect(
        -h * 0.11, -h * 0.78, h * 0.22, h * 0.03, "#5b2f2f"
    )
    cap = path(f"M{-h * 0.085},{-h * 0.9}Q0,{-h * 1.04} {h * 0.085},{-h * 0.9}Z", "#a33d38") + line(
        [(0, -h * 0.97), (0, -h * 1.05)], "#5b2f2f", 3
    )
    frames = "".join(line([(x * h, -h * 0.9), (x * h, -h * 0.77)], "#5b2f2f", 2) for x in (-0.065, -0.02, 0.02, 0.065))
    house = rect(h * 0.16, -h * 0.2, h * 0.34, h * 0.2, gradient("#f4f1ea", "#c6c3bd")) + poly(
        [(h * 0.13, -h * 0.2), (h * 0.2, -h * 0.31), (h * 0.46, -h * 0.31), (h * 0.53, -h * 0.2)], "#a0503f"
    )
    return house + rect(h * 0.28, -h * 0.13, h * 0.06, h * 0.06, "#5f7287") + tower + bands + room + frames + cap


def _tripod_phone(height: float) -> str:
    """A phone on a tripod seen from behind and aside; its camera points to the right. Stands on the origin."""
    h, dark = height, "#2b2f38"
    legs = "".join(
        line([(0, -h * 0.62), (x * h, y * h)], dark, 8)
        + line([(0, -h * 0.62), (x * h * 0.5, -h * 0.31 + y * h * 0.5)], "#565d69", 5)
        for x, y in ((-0.27, 0.02), (0.26, -0.02), (0.03, 0.07))
    )
    post = (
        line([(0, -h * 0.62), (0, -h * 0.8)], dark, 9)
        + circle(0, -h * 0.8, 9, "#565d69")
        + rect(-12, -h * 0.65, 24, 16, "#565d69", r=4)
    )
    phone = poly(
        [(-h * 0.13, -h * 1.02), (h * 0.1, -h * 1.05), (h * 0.1, -h * 0.81), (-h * 0.13, -h * 0.84)],
        gradient("#454c59", "#1e222b"),
        stroke="#14171d",
        width=4,
    )
    screen = poly(
        [(-h * 0.112, -h), (h * 0.085, -h * 1.025), (h * 0.085, -h * 0.835), (-h * 0.112, -h * 0.86)],
        gradient("#9fc7dc", "#7ba06a"),
    )
    view = poly(
        [(h * 0.03, -h * 0.9), (h * 0.035, -h * 0.99), (h * 0.047, -h * 0.99), (h * 0.052, -h * 0.9)], "#ffffff"
    )
    return (
        legs
        + post
        + phone
        + screen
        + view
        + poly(
            [(-h * 0.112, -h * 0.89), (h * 0.085, -h * 0.9), (h * 0.085, -h * 0.835), (-h * 0.112, -h * 0.86)],
            "#6b9460",
        )
    )


def _tufts(spots: list[tuple[float, float, float]], colour: str) -> str:
    """Tufts of grass with their feet at x, y and a size."""
    blades = ((-0.5, -0.8), (-0.2, -1.1), (0.1, -1.2), (0.35, -0.95), (0.6, -0.7))
    return "".join(
        stroke(
            [(x, y), (x + dx * s * 0.4, y + dy * s * 0.6), (x + dx * s, y + dy * s)],
            kit.mix(colour, "#dfe3a0", 0.12 * i),
            max(1.6, s * 0.1),
        )
        for x, y, s in spots
        for i, (dx, dy) in enumerate(blades)
    )


def _headland_sea() -> str:
    """The evening sky, the sea, the next point with its lighthouse, and foam around rocks below."""
    sky = (
        rect(0, 0, 1024, 330, gradient("#8fb9d8", "#f8dfb9"))
        + ellipse(180, 90, 190, 16, "#ffffff", opacity=0.5, blur=8)
        + ellipse(560, 150, 240, 14, "#ffffff", opacity=0.45, blur=8)
    )
    sea = rect(0, 320, 1024, 448, gradient("#8fb6c0", "#1f5566")) + poly(
        [(150, 321), (420, 321), (300, 520), (60, 520)], "#fff2d2", opacity=0.22, blur=12
    )
    ripples = "".join(
        line([(x, y), (x + 20 + (y - 320) / 5, y)], "#e4f2f3", 1 + (y - 320) / 160, opacity=0.35)
        for i in range(70)
        for x, y in [((i * 173) % 1024, 330 + (i * 61) % 420)]
    )
    point = path(
        "M620,332C690,318 700,286 760,276C830,262 900,268 1060,240V400C900,372 760,352 620,332Z",
        gradient("#7f9a6d", "#55704f"),
    )
    rock = path(
        "M620,332C700,322 760,326 800,322C880,330 960,322 1060,318"
        "V420C980,392 900,372 800,356C740,346 680,340 620,332Z",
        gradient("#a48b76", "#6a5a55"),
    )
    surf = stroke([(630, 334), (720, 346), (820, 361), (920, 382), (1040, 416)], "#f4fafa", 5, opacity=0.8)
    return (
        sky
        + sea
        + ripples
        + point
        + rock
        + surf
        + group(_lighthouse(190), move=(838, 282))
        + kit.haze(330, 90, "#fbe8cc", 0.45)
    )


def _rocks(spots: list[tuple[float, float, float]]) -> str:
    """Rocks with foam around them in the sea."""
    return "".join(
        ellipse(x, y + r * 0.2, r * 1.7, r * 0.42, "#f2f9f9", opacity=0.75, blur=4)
        + poly(
            [
                (x - r, y + r * 0.2),
                (x - r * 0.6, y - r * 0.5),
                (x - r * 0.1, y - r * 0.8),
                (x + r * 0.5, y - r * 0.4),
                (x + r, y + r * 0.25),
                (x, y + r * 0.4),
            ],
            gradient("#8a7568", "#3f3a40", 50),
        )
        + stroke(
            [(x - r * 1.2, y + r * 0.28), (x, y + r * 0.48), (x + r * 1.2, y + r * 0.3)], "#ffffff", 4, opacity=0.9
        )
        for x, y, r in spots
    )


def _posts(line_: list[tuple[float, float, float]]) -> str:
    """A row of weathered fence posts with two wires between them."""
    wires = "".join(
        stroke(
            [(a[0], a[1] - a[2] * k), ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - a[2] * k + 6), (b[0], b[1] - b[2] * k)],
            "#6a6f78",
            2,
        )
        for a, b in pairwise(line_)
        for k in (0.85, 0.5)
    )
    return (
        "".join(
            kit.contact(x, y, h * 0.3)
            + poly(
                [(x - h * 0.07, y), (x - h * 0.06, y - h), (x + h * 0.06, y - h * 0.97), (x + h * 0.07, y)],
                gradient("#b49a7c", "#6b5847", 0),
            )
            for x, y, h in line_
        )
        + wires
    )


def _turf_edge() -> str:
    """The end of the headland: a cliff that is hollow below, and turf with a path that hangs out over it."""
    cliff = path(
        "M560,500C600,520 650,536 700,530C640,560 590,580 575,640C560,690 590,730 600,800H-40V560Z",
        gradient("#c79b72", "#5f4a46", 20),
    )
    layers = "".join(
        stroke([(x, y), (x + 90, y + 12), (x + 150 - i * 4, y + 4)], "#7d5c4a", 4, opacity=0.5)
        for i, (x, y) in enumerate(((430, 600), (450, 650), (420, 700), (470, 745), (380, 660)))
    )
    hollow = path(
        "M470,520C560,540 660,545 704,530C640,560 592,580 576,640C566,676 572,700 580,730C520,690 500,600 470,520Z",
        "#3a2c33",
        opacity=0.6,
    )
    roots = "".join(
        stroke([(x, 536), (x + 5, 536 + n / 2), (x - 4 + i % 3 * 5, 536 + n)], "#4b3429", 2.5)
        for i, (x, n) in enumerate(((560, 40), (586, 60), (610, 36), (634, 44), (658, 22), (676, 30)))
    )
    turf = path(
        "M-40,470C120,440 280,432 400,424C520,418 610,424 680,452"
        "C730,474 744,500 716,524C690,540 600,540 560,528C470,560 420,640 400,800H-40Z",
        gradient("#a9b866", "#5d8148", 50),
    )
    lip = path(
        "M560,528C600,540 690,540 712,526C716,520 718,516 716,512C700,520 650,526 556,518Z",
        gradient("#6f5136", "#4a3529"),
    )
    trail = path(
        "M120,800C180,690 300,590 420,530C500,494 600,476 668,480"
        "C690,486 690,502 660,506C580,508 500,530 440,570C350,630 300,700 270,800Z",
        gradient("#d6bf8d", "#c0a271"),
        opacity=0.8,
    )
    return cliff + layers + hollow + roots + lip + turf + trail


def draw_self_harm_01() -> str:
    """A phone on a tripod before a lip of turf above the sea, in line with a lighthouse."""
    gap = [(470, 419), (486, 440), (476, 456), (500, 470), (496, 486), (520, 500), (514, 514), (540, 532)]
    crack = (
        line([(x - 2, y + 2) for x, y in gap], "#2d2227", 13)
        + line([(x + 3, y) for x, y in gap], "#5a4334", 4)
        + line([(x - 9, y) for x, y in gap], "#c6cf86", 3, opacity=0.7)
    )
    side = line([(500, 470), (524, 466), (540, 470)], "#2d2227", 5) + line([(520, 500), (556, 504)], "#2d2227", 4)
    hanging = stroke([(462, 372), (560, 420), (640, 470), (722, 560)], "#6a6f78", 2.5) + group(
        poly([(-7, 0), (-6, -90), (7, -88), (8, 0)], gradient("#b49a7c", "#6b5847", 0)), move=(748, 640), rotate=-24
    )
    tufts = [
        (30 + (i * 97) % 380, 470 + (i * 53) % 290, 14 + (i * 53 % 290) / 14)
        for i in range(26)
        if not 0.6 < ((i * 97) % 380) / 400 + (i * 53 % 290) / 600 < 0.9
    ]
    return kit.picture(
        _headland_sea(),
        _rocks([(700, 690, 46), (800, 620, 30), (900, 730, 60), (640, 760, 40), (980, 600, 22)]),
        _turf_edge(),
        crack,
        side,
        _posts([(60, 462, 96), (200, 446, 90), (335, 434, 84), (462, 424, 78)]),
        hanging,
        _tufts([*tufts, (600, 430, 18), (650, 442, 18), (705, 470, 16), (722, 500, 14), (560, 424, 16)], "#5d7f3f"),
        kit.contact(250, 640, 150, 14),
        group(_tripod_phone(290), move=(250, 634)),
    )


def draw_self_harm_02() -> str:
    """New skates on a jetty at a thawing lake with ducks on open water."""
    birds = (
        group(duck(46), move=(600, 414))
        + group(duck(40, "#a08a70", "#8b6f50"), move=(690, 404))
        + group(duck(42), move=(752, 424), scale=(-1, 1))
    )
    return kit.picture(
        far_shore(330),
        lake_ice(330),
        kit.haze(332, 70, "#f6ead9", 0.55),
        birds,
        group(reeds(13, 190), move=(930, 470)),
        group(reeds(8, 120), move=(60, 400)),
        jetty(440),
        kit.sunlight([(150, 450), (250, 450), (170, 768), (-120, 768)], 0.22),
        group(skate(150), move=(150, 620), rotate=-3),
        group(skate(160), move=(262, 672), rotate=2),
    )


def _hotel() -> str:
    """A white hotel of many floors in a slight side view, with balconies and an awning."""
    front = poly([(120, 60), (560, 110), (560, 610), (120, 640)], gradient("#ffffff", "#dfe0df", 0)) + poly(
        [(560, 110), (700, 90), (700, 600), (560, 610)], gradient("#c3c8cf", "#a2aab6", 0)
    )
    rows = ""
    for floor in range(9):
        for col in range(6):
            x0, x1 = (120 + 440 * (col + k) / 6 for k in (0.16, 0.84))
            y0 = [60 + 50 * (x - 120) / 440 + (580 - 80 * (x - 120) / 440) * (floor + 0.35) / 10 for x in (x0, x1)]
            tall = 30.0
            rows += poly(
                [(x0 + 8, y0[0]), (x1 - 8, y0[1]), (x1 - 8, y0[1] + tall), (x0 + 8, y0[0] + tall)],
                gradient("#7fa6c0", "#4f7590", 60),
            )
            rows += poly(
                [(x0 - 4, y0[0] + 20), (x1 + 4, y0[1] + 20), (x1 + 4, y0[1] + 36), (x0 - 4, y0[0] + 36)],
                gradient("#f7f4ec", "#c9ccd2"),
            )
            rows += line([(x0 - 4, y0[0] + 20), (x1 + 4, y0[1] + 20)], "#8a94a3", 2)
        rows += "".join(
            rect(596 + col * 46, 134 + floor * 49, 24, 28, gradient("#6f8fa8", "#4a657d")) for col in range(2)
        )
    roof = (
        poly([(112, 62), (566, 112), (706, 92), (706, 80), (566, 98), (112, 44)], "#b8674f")
        + rect(250, 24, 170, 44, "#f4efe2", r=6)
        + kit.text(335, 55, "HOTEL", 30, "#b8503f", anchor="middle", weight=700, spacing=5)
    )
    door = (
        rect(292, 560, 110, 74, gradient("#5f7f8f", "#33495a"))
        + line([(347, 560), (347, 634)], "#dfe6ea", 4)
        + poly([(264, 548), (430, 548), (450, 582), (244, 582)], gradient("#d8705a", "#a8503c"))
    )
    return (
        kit.contact(400, 632, 640, 22)
        + front
        + rows
        + roof
        + door
        + "".join(line([(264 + i * 33, 548), (250 + i * 39, 582)], "#f4d9cc", 9) for i in range(0, 6, 1) if i % 2 == 0)
    )


def _palm(height: float) -> str:
    """A palm tree that stands on the origin."""
    h = height
    trunk = path(
        f"M{-h * 0.035},0C{-h * 0.02},{-h * 0.4} {h * 0.03},{-h * 0.6}"
        f" {h * 0.06},{-h * 0.84}L{h * 0.1},{-h * 0.83}C{h * 0.08},{-h * 0.5}"
        f" {h * 0.05},{-h * 0.3} {h * 0.045},0Z",
        gradient("#b98f64", "#6f5238", 0),
    )
    rings = "".join(
        line(
            [(-h * 0.03 + h * 0.1 * t, -h * 0.84 * t), (h * 0.045 + h * 0.04 * t, -h * 0.84 * t)],
            "#6f5238",
            2,
            opacity=0.5,
        )
        for t in (i / 14 for i in range(1, 14))
    )
    leaves = "".join(
        path(
            f"M{h * 0.08},{-h * 0.84}C{h * (0.08 + dx * 0.5)},{-h * (0.84 + up)}"
            f" {h * (0.08 + dx)},{-h * (0.84 + up * 0.5)}"
            f" {h * (0.08 + dx * 1.25)},{-h * (0.84 - drop)}"
            f"C{h * (0.08 + dx * 0.9)},{-h * (0.8 + up * 0.2)}"
            f" {h * (0.08 + dx * 0.5)},{-h * (0.8 + up * 0.4)} {h * 0.08},{-h * 0.82}Z",
            gradient(c, kit.darken(c, 0.3), 40),
        )
        for dx, up, drop, c in (
            (-0.3, 0.12, 0.12, "#5d8f54"),
            (0.3, 0.12, 0.14, "#4f7f4c"),
            (-0.22, 0.24, -0.02, "#6fa05f"),
            (0.22, 0.24, 0.0, "#5d8f54"),
            (-0.1, 0.3, -0.16, "#7fae6a"),
            (0.12, 0.3, -0.14, "#6fa05f"),
            (-0.34, 0.02, 0.26, "#4a7a48"),
            (0.34, 0.02, 0.28, "#446f44"),
        )
    )
    return kit.contact(0, 0, h * 0.16) + trunk + rings + leaves


def _promenade() -> str:
    """A bay in the evening with a boat, a strip of sand and a paved walk."""
    sky = (
        rect(0, 0, 1024, 440, gradient("#7fb5dd", "#fbe3c2"))
        + circle(900, 330, 40, "#fff4cf")
        + ellipse(900, 330, 130, 110, "#fff2d2", opacity=0.4, blur=20)
    )
    bay = (
        rect(0, 410, 1024, 140, gradient("#9cc7d8", "#4f8fae"))
        + rect(780, 412, 240, 120, "#fff2d2", opacity=0.3, blur=14)
        + "".join(
            line([(700 + (i * 61) % 310, 424 + i * 8), (726 + (i * 61) % 310, 424 + i * 8)], "#f4fafb", 2, opacity=0.6)
            for i in range(14)
        )
    )
    sand = rect(0, 536, 1024, 120, gradient("#ecdfc0", "#d9c59c"))
    cape = path("M620,416C700,380 800,372 1024,392V420H620Z", gradient("#8fa89b", "#6f8d86"))
    walk = (
        poly([(-20, 630), (720, 596), (1044, 560), (1044, 790), (-20, 790)], gradient("#e9dcc4", "#bfae94"))
        + "".join(
            line([(300 + i * 90, 612 - i * 5), (i * 190 - 260, 790)], "#a89878", 2, opacity=0.5) for i in range(9)
        )
        + "".join(line([(-20, y), (1044, y - 34)], "#a89878", 2, opacity=0.5) for y in (668, 704, 748))
    )
    wall = poly([(720, 560), (1044, 536), (1044, 580), (720, 606)], gradient("#f4efe4", "#cfc6b4"))
    boat = (
        poly([(830, 470), (900, 470), (886, 486), (842, 486)], "#ffffff")
        + poly([(864, 466), (864, 410), (898, 462)], "#f4e6d2")
        + poly([(860, 466), (860, 420), (838, 462)], "#e8a08f")
    )
    return sky + sand + bay + cape + boat + wall + walk


def draw_self_harm_15() -> str:
    """A white hotel with balconies on a seafront, and a couple with suitcases who walk towards it."""
    woman = person(
        Look(skin="brown", hair="black", hair_style="curly", top="#d9899b", top_kind="dress", shoes="#e9dcc4"),
        590,
        736,
        300,
        view="behind",
        pose="walk",
        hands=(None, (648, 606)),
    )
    man = person(
        Look(skin="pale", hair="blond", top="#f1e6d3", top_kind="shirt", bottom="#55607a"),
        478,
        740,
        320,
        view="behind",
        pose="walk",
        hands=((420, 610), None),
    )
    return kit.picture(
        _promenade(),
        outdoors.cloud(820, 120, 190),
        outdoors.cloud(60, 130, 120),
        _hotel(),
        group(_palm(330), move=(70, 668)),
        group(_palm(260), move=(742, 628)),
        objects.suitcase(404, 744, 96, "#3d8a8c", handle=0.4),
        objects.suitcase(660, 742, 92, "#b35a44", handle=0.42),
        man,
        woman,
    )
