"""More pictures of violent content: moving boxes, a trampoline, flowers beside a court letter."""

import math

from pipeline.starter.drawing import interiors, kit, kitchen, objects, outdoors, screens


def draw_violent_03() -> str:
    """Moving boxes in a hallway; knife points stick out of the side of the top one."""
    cam = kit.Camera(horizon=220, eye=1.5, focal=980)
    out = [interiors.room(cam, wall="#d6cdb9", floor="#b88a58", depth=6.2, width=4.6)]
    out.append(interiors.door(*interiors.wall_shape(cam, 0.55, 0, 6.2, 0.95, 2.05), "#6f8a86", glass=True))
    out.append(
        kit.rect(250, 150, 200, 16, kit.wood(kit.WALNUT), r=4)
        + "".join(
            kit.line([(270 + 40 * k, 166), (270 + 40 * k, 184), (278 + 40 * k, 186)], kit.IRON, 4) for k in range(5)
        )
    )
    out.append(
        kit.path("M266,180C250,230 246,320 256,356H330C336,300 326,220 300,180Z", kit.lit("#7a5a6a", 50, 0.18))
        + kit.path("M400,182L384,330H420L408,182Z", kit.lit("#c9a24a", 50, 0.2))
    )
    out.append(interiors.rug(cam, -0.6, 4.0, 1.7, 1.5, "#7f8f7a"))
    x, y = cam.at(1.7, 0, 4.4)
    out.append(objects.pot_plant(x, y, 250))
    out.append(objects.carton(210, 660, 200, 150, words="books") + objects.carton(220, 512, 170, 110, words="shoes"))
    out.append(objects.carton(560, 720, 330, 190, words="bath"))
    out.append(
        objects.carton(556, 530, 320, 210, "#cda26b")
        + kit.text(486, 508, "kitchen", 34, "#4c3420", weight=700, font=kit.HAND)
    )
    for bx, by, size, angle in ((650, 388, 96, -12), (520, 396, 84, -20)):
        out.append(_point(bx, by, size, angle))
    return kit.picture(*out)


def _point(x: float, y: float, size: float, angle: float) -> str:
    """The point of a knife that has come through cardboard at x, y, seen towards the lower left."""
    tear = kit.poly([(-16, -24), (6, -34), (24, -18), (20, 20), (2, 32), (-14, 18)], "#5f4527")
    flaps = kit.poly([(-16, -24), (6, -34), (-6, -44)], "#e3c08a") + kit.poly(
        [(-14, 18), (2, 32), (-16, 38)], "#b78c55"
    )
    blade = kit.path(
        f"M8,-20C{-size * 0.4},-18 {-size * 0.8},-2 {-size},14C{-size * 0.6},18 {-size * 0.2},20 8,20Z",
        kit.gradient("#ffffff", "#8f9aa5", 70),
        stroke="#7b8691",
        width=1.5,
    )
    shine = kit.line([(0, -10), (-size * 0.72, 8)], "#ffffff", 3, opacity=0.8)
    shade = kit.path(
        f"M8,4C{-size * 0.4},10 {-size * 0.7},26 {-size * 0.9},42C{-size * 0.5},42 {-size * 0.2},40 8,40Z",
        kit.SHADOW,
        opacity=0.35,
        blur=4,
    )
    return kit.group(tear, shade, flaps, blade, shine, move=(x, y), rotate=angle)


def draw_violent_12() -> str:
    """A trampoline with a torn net and missing springs, close to an iron fence with points."""
    out = [
        outdoors.sky(330),
        outdoors.cloud(190, 90, 230),
        outdoors.hills(330, 60, "#a5bf9f", seed=2),
        outdoors.lawn(326, "#7fae63"),
    ]
    out += [
        outdoors.tree(110, 398, 280),
        outdoors.bush(330, 392, 120),
        outdoors.house(560, 380, 240, 180, "#e4c9b0", floors=2, columns=3),
    ]
    out.append(_iron_fence())
    out.append(_trampoline(430, 560))
    out.append(objects.ball(120, 720, 34, "#4a76b8"))
    for x, c in ((820, "#c8453f"), (872, "#f0cb5c")):
        out.append(
            kit.contact(x, 730, 46)
            + kit.path(
                f"M{x - 24},728C{x - 24},706 {x - 4},704 {x + 6},712C{x + 22},714 {x + 30},722 {x + 30},730H{x - 24}Z",
                kit.lit(c, 60, 0.2),
            )
        )
    return kit.picture(*out)


def _iron_fence() -> str:
    """A fence of iron bars with spear points that runs past the trampoline on the right."""
    out = ""
    for k in range(17):
        t = k / 16
        x, y, h = 640 + 400 * t, 424 + 250 * t**1.2, 130 + 190 * t
        bar = 5 + 6 * t
        out += kit.line([(x, y), (x, y - h)], "#2c313b", bar)
        out += kit.poly(
            [(x - bar * 1.3, y - h), (x, y - h - bar * 5.2), (x + bar * 1.3, y - h)], "#2c313b"
        ) + kit.circle(x, y - h, bar * 1.1, "#3d434f")
    top = [(640 + 400 * k / 16, 424 + 250 * (k / 16) ** 1.2 - (130 + 190 * k / 16) * 0.84) for k in range(17)]
    low = [(640 + 400 * k / 16, 424 + 250 * (k / 16) ** 1.2 - (130 + 190 * k / 16) * 0.14) for k in range(17)]
    return (
        kit.line([(x + 10, y + 34) for x, y in low], kit.SHADOW, 16, opacity=0.25, blur=8)
        + out
        + kit.line(top, "#2c313b", 8)
        + kit.line(low, "#2c313b", 8)
    )


def _trampoline(x: float, y: float) -> str:
    """A round trampoline from slightly above, its net torn and some springs gone."""
    rx, ry = 330.0, 108.0
    out = kit.ellipse(x + 20, y + 104, rx * 1.02, ry * 0.9, kit.SHADOW, opacity=0.35, blur=16)
    for a in (200, 250, 290, 340, 20, 160):
        px, py = x + rx * 0.96 * math.cos(math.radians(a)), y + ry * 0.96 * math.sin(math.radians(a))
        out += kit.line([(px, py), (px, py + 110)], "#6d7b8a", 10)
    out += _net_poles(x, y, rx, ry, (205, 240, 300, 335))
    out += kit.ellipse(x, y, rx, ry, "#4f9a52") + kit.ellipse(x, y, rx * 0.93, ry * 0.92, "#2f6a3c")
    for k in range(44):
        turn = 2 * math.pi * k / 44
        if k in (1, 2, 3, 12, 13, 14, 15, 30):
            continue
        ca, sa = math.cos(turn), math.sin(turn)
        out += kit.line(
            [(x + rx * 0.94 * ca, y + ry * 0.93 * sa), (x + rx * 0.84 * ca, y + ry * 0.83 * sa)], "#e6ebf0", 4.5
        )
    out += kit.ellipse(x + 14, y + 8, rx * 0.84, ry * 0.82, "#1c2029", opacity=0.35)
    mat = kit.smooth(
        [
            (x + rx * 0.84 * math.cos(a) * s, y + ry * 0.83 * math.sin(a) * s)
            for a, s in ((k * math.pi / 12, 0.87 if k in (1, 7, 8) else 1.0) for k in range(24))
        ]
    )
    out += kit.path(mat, kit.gradient("#4a5162", "#262b36", 50)) + kit.ellipse(
        x - 70, y - 20, 130, 30, "#ffffff", opacity=0.08
    )
    out += "".join(
        kit.stroke([(x + dx, y + dy), (x + dx + 8, y + dy + 22), (x + dx - 4, y + dy + 40)], "#aab4bf", 4)
        for dx, dy in ((40, 100), (90, 96), (318, 40))
    )
    return out + _net_poles(x, y, rx, ry, (20, 160))


def _net_poles(x: float, y: float, rx: float, ry: float, angles: tuple[int, ...]) -> str:
    """Net poles at these angles; those on the right are bent, the net between the left ones hangs torn."""
    out = ""
    for a in angles:
        px, py = x + rx * 1.02 * math.cos(math.radians(a)), y + ry * 1.02 * math.sin(math.radians(a))
        bend = 70 if a in (335, 20) else -16 if a == 300 else 0
        out += kit.stroke(
            [(px, py + 20), (px, py - 90), (px + bend * 0.4, py - 170), (px + bend, py - 220 + abs(bend) * 0.7)],
            "#3f7fb5",
            13,
        )
    if 205 in angles:
        left, right = x - rx * 0.92, x - rx * 0.5
        mesh = [
            (left, y - 246),
            (right, y - 300),
            (right + 20, y - 180),
            (right - 20, y - 150),
            (right - 6, y - 110),
            (left + 60, y - 96),
            (left + 20, y - 60),
        ]
        lines = "".join(
            kit.line([(left - 40, y - 300 + 17 * k), (right + 60, y - 340 + 17 * k)], "#22364a", 1.6)
            + kit.line([(left - 30 + 15 * k, y - 320), (left - 50 + 15 * k, y - 40)], "#22364a", 1.6)
            for k in range(20)
        )
        out += kit.clipped(kit.straight(mesh), kit.poly(mesh, "#22364a", opacity=0.16), lines)
        rag = [
            (x + 150, y - 312),
            (x + 176, y - 250),
            (x + 150, y - 216),
            (x + 182, y - 180),
            (x + 196, y - 230),
            (x + 204, y - 290),
        ]
        more = "".join(
            kit.line([(x + 120, y - 320 + 15 * k), (x + 230, y - 326 + 15 * k)], "#22364a", 1.6)
            + kit.line([(x + 140 + 13 * k, y - 330), (x + 140 + 13 * k, y - 170)], "#22364a", 1.6)
            for k in range(10)
        )
        out += kit.clipped(kit.straight(rag), kit.poly(rag, "#22364a", opacity=0.16), more)
    return out


def draw_violent_15() -> str:
    """Three bunches of flowers on a kitchen table beside an opened letter from a court."""
    out = [
        kit.rect(0, 0, 1024, 768, kit.wood("#c7a27a")),
        kit.rect(0, 0, 1024, 768, kit.gradient("#fff2d255", "#1f27475c", 50)),
    ]
    out += [kit.line([(-10, y), (1034, y)], kit.darken("#c7a27a", 0.4), 3, opacity=0.45) for y in (150, 360, 575)]
    rows = [
        kit.circle(44, 44, 24, "none", stroke=kit.NAVY, width=3),
        kit.path("M44,28V58M30,34H58M30,34L24,48H36ZM58,34L52,48H64ZM34,60H54", "none", stroke=kit.NAVY, width=2.4),
        kit.text(80, 40, "DISTRICT COURT", 19, kit.NAVY, weight=800),
        kit.text(80, 60, "Family division", 14, kit.SLATE),
    ]
    rows += [
        kit.line([(24, 82), (276, 82)], kit.STONE, 1.5),
        kit.text(24, 116, "PROTECTION ORDER", 24.5, kit.INK, weight=800),
        kit.text(24, 150, "No contact of any kind.", 19, kit.INK, weight=600),
        kit.text(24, 178, "Keep 200 metres away", 19, kit.INK, weight=600),
        kit.text(24, 204, "from the home of", 19, kit.INK, weight=600),
        kit.text(24, 230, "Ms Lindqvist.", 19, kit.INK, weight=600),
    ]
    rows += [
        screens.grey_lines(24, 258, 252, 5),
        kit.circle(232, 368, 30, "none", stroke="#b8323a", width=4),
        kit.text(232, 374, "COURT", 14, "#b8323a", anchor="middle", weight=800),
        kit.stroke([(30, 372), (50, 352), (66, 374), (90, 356), (120, 370)], kit.NAVY, 2.4),
    ]
    out.append(
        kit.turned(
            850,
            110,
            16,
            kit.rect(700, 40, 300, 170, kit.SHADOW, opacity=0.3, blur=8),
            kit.rect(690, 30, 300, 170, "#e9e3d4"),
            kit.line([(690, 30), (840, 120), (990, 30)], "#bfb7a4", 3),
        )
    )
    out.append(screens.paper(760, 410, 430, *rows, angle=4))
    for x, y, angle, tone, wrap in (
        (140, 330, -24, "#d9899b", "#d8c3a0"),
        (310, 400, 2, "#f0cb5c", "#b9c7b0"),
        (420, 560, 22, "#f4f1ea", "#c3b3c9"),
    ):
        out.append(_bunch(x, y, angle, tone, wrap))
    out.append(kitchen.scissors(150, 690, 150, angle=14, grip="#3d8a8c"))
    return kit.picture(*out)


def _bunch(x: float, y: float, angle: float, tone: str, wrap: str) -> str:
    """A bunch of flowers in paper that lies on a table, the heads upwards."""
    shade = kit.path("M-96,-120L96,-120L40,200L-40,200Z", kit.SHADOW, opacity=0.3, blur=12)
    stems = "".join(kit.line([(dx * 0.35, 60), (dx * 0.7, 236)], "#5b8a4c", 7) for dx in (-40, -20, 0, 20, 40))
    leaves = "".join(
        kit.group(
            kit.path("M0,0C-24,-40 -18,-84 0,-110C18,-84 24,-40 0,0Z", kit.gradient("#86b06a", "#44703f", 40)),
            move=(dx, -70),
            rotate=a,
        )
        for dx, a in ((-70, -46), (-34, -18), (20, 14), (64, 44))
    )
    heads = ""
    for dx, dy in ((-66, -110), (0, -150), (66, -112), (-32, -82), (36, -80), (0, -108)):
        heads += "".join(
            kit.circle(dx + 20 * math.cos(k * 1.05), dy + 20 * math.sin(k * 1.05), 20, kit.lit(tone, 50, 0.16))
            for k in range(6)
        ) + kit.circle(dx, dy, 15, kit.lit("#d29a3d" if tone != "#f0cb5c" else "#8a5a2c", 50, 0.2))
    paper = kit.path(
        "M-104,-66C-50,-30 50,-30 104,-66L52,170C20,180 -20,180 -52,170Z", kit.lit(wrap, 50, 0.14)
    ) + kit.path(
        "M-104,-66C-70,-40 -30,-36 -6,-36L14,174C-10,178 -34,176 -52,170Z", kit.lighten(wrap, 0.22), opacity=0.7
    )
    bow = (
        kit.rect(-42, 94, 84, 16, kit.BRICK, r=4)
        + kit.ellipse(-22, 102, 24, 14, kit.lit(kit.BRICK, 50, 0.2))
        + kit.ellipse(22, 102, 24, 14, kit.lit(kit.BRICK, 50, 0.2))
    )
    return kit.group(shade, stems, leaves, heads, paper, bow, move=(x, y), rotate=angle, scale=1.06)
