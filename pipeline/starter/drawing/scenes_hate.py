"""Pictures of the hate speech scenarios, first half: costume, table plan, portraits, welcome, birthday table, hall."""

import math

from pipeline.starter.drawing import kit, props_social
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, head, person


def _wet_evening(cam: Camera) -> str:
    """Glass double doors with a blue rainy evening behind them."""
    (left, t), (r, b) = cam.at(-1.35, 2.35, 6.4), cam.at(1.35, 0, 6.4)
    out = kit.rect(left - 12, t - 12, r - left + 24, b - t + 12, kit.lit(kit.SLATE))
    out += kit.rect(left, t, r - left, b - t, kit.gradient("#6f86a8", "#3c4a66"))
    out += kit.ellipse(left + 70, b - 150, 60, 62, "#4d6078") + kit.ellipse(r - 66, b - 134, 64, 76, "#475a70")
    out += kit.rect(left, b - 84, r - left, 84, kit.gradient("#59657c", "#7b879c"))
    out += kit.circle(left + 118, t + 74, 70, kit.glow("#ffe9b0cc", "#ffe9b000")) + kit.rect(
        left + 115, t + 84, 6, 140, "#39435a"
    )
    out += kit.circle(left + 118, t + 76, 11, "#fff1cc")
    for i in range(46):
        x, y = left + (i * 83) % (r - left), t + (i * 47) % (b - t - 40)
        out += kit.line([(x, y), (x - 5, y + 22)], "#cfdcee", 1.3, opacity=0.5)
    mid = (left + r) / 2
    for x in (left, mid - 8, mid + 2, r - 8):
        out += kit.rect(x, t, 8, b - t, kit.lit("#454e66", 0))
    out += kit.rect(left, b - 30, r - left, 30, kit.lit("#454e66"))
    out += kit.rect(r, t - 12, 12, b - t + 12, kit.lit(kit.SLATE, 90))
    return out + kit.rect(mid - 22, b - 160, 7, 60, kit.STEEL, r=3) + kit.rect(mid + 15, b - 160, 7, 60, kit.STEEL, r=3)


def _hall(cam: Camera) -> str:
    """Plain club room: back wall with a wainscot, plank floor."""
    _, base = cam.at(0, 0, 6.4)
    out = kit.rect(0, 0, kit.WIDTH, base, kit.gradient("#f2ead9", "#dfd3bd"))
    out += kit.rect(0, base - 120, kit.WIDTH, 120, kit.wood(kit.PINE)) + kit.rect(0, base - 126, kit.WIDTH, 8, kit.OAK)
    out += kit.rect(0, base, kit.WIDTH, kit.HEIGHT - base, kit.gradient("#a98a63", "#c9a878"))
    for i in range(-14, 15):
        out += kit.line([cam.at(i * 0.42, 0, 6.4), cam.at(i * 0.42, 0, 2.9)], kit.WALNUT, 1.3, opacity=0.4)
    return out + kit.rect(0, base - 12, kit.WIDTH, 14, kit.darken(kit.OAK, 0.25))


def _waiting_corner(cam: Camera) -> str:
    """A bench with a football and a bag at the left, an umbrella stand at the right."""
    out = "".join(kit.box(cam, x, 0, 5.5, 0.08, 0.42, 0.4, kit.WALNUT) for x in (-3.15, -1.95))
    out += kit.box(cam, -3.3, 0.42, 5.5, 1.55, 0.07, 0.42, kit.OAK, shadow=False)
    (bx, by), (ax, ay) = cam.at(-2.9, 0.49, 5.7), cam.at(-2.3, 0.49, 5.7)
    out += kit.contact(ax, ay, 56) + kit.circle(ax, ay - 22, 24, kit.lit("#f1ede2"))
    out += kit.poly([(ax + 8 * math.cos(t), ay - 24 + 8 * math.sin(t)) for t in (0.3, 1.6, 2.8, 4.1, 5.3)], kit.INK)
    out += kit.contact(bx, by, 96) + kit.rect(bx - 48, by - 44, 96, 44, kit.lit(kit.BRICK), r=14)
    out += kit.path(f"M{bx - 22},{by - 42}c4,-26 40,-26 44,0", stroke=kit.darken(kit.BRICK, 0.4), width=5)
    ux, uy = cam.at(2.45, 0, 5.8)
    for i, colour in enumerate((kit.TEAL, kit.OCHRE)):
        x = ux - 12 + i * 24
        out += kit.poly(
            [(x - 9, uy - 20), (x + 9, uy - 20), (x + 3, uy - 128), (x - 3, uy - 128)], kit.lit(colour, 0, 0.3)
        )
        out += kit.path(f"M{x},{uy - 126}v-16c0,-14 18,-14 18,-2", stroke=kit.WALNUT, width=5)
    return (
        out
        + kit.contact(ux, uy, 66)
        + kit.poly([(ux - 34, uy - 74), (ux + 34, uy - 74), (ux + 28, uy), (ux - 28, uy)], kit.lit(kit.SLATE, 0, 0.25))
    )


def draw_hate_09() -> str:
    """A cloth in the guests' colours on the floor of a hall's entrance, on a rainy evening."""
    cam = Camera(horizon=200, eye=2.3, focal=830)
    banner = [(212, 66), (812, 66), (806, 142), (218, 142)]
    out = _hall(cam) + _wet_evening(cam)
    out += kit.poly([(x + 5, y + 8) for x, y in banner], kit.SHADOW, opacity=0.25, blur=5)
    out += kit.poly(banner, kit.gradient("#fdfaf2", "#e9dfca"))
    out += kit.text(512, 118, "Welcome to our guest team", 39, kit.NAVY, anchor="middle", weight=700)
    out += props_social.pennant(768, 210, 104, 170)
    glare = cam.face((-1.2, 0, 6.3), (1.2, 0, 6.3), (1.6, 0, 3.2), (-1.6, 0, 3.2))
    out += kit.poly(glare, "#dfe8f2", opacity=0.22, blur=12)
    out += _waiting_corner(cam) + props_social.floor_flag(cam, -1.5, 3.75, 3.0, 1.85)
    steps = [(-0.35, 6.0, 4), (0.05, 5.75, -6), (-0.55, 5.3, 8), (-0.1, 4.95, -4), (-0.75, 4.65, 10), (-0.3, 4.3, 0)]
    steps += [(0.75, 5.2, -14), (1.1, 4.75, -8), (0.85, 4.25, -18), (-0.85, 3.98, 6), (0.45, 3.98, -10)]
    steps += [(-0.5, 3.5, 6), (1.2, 3.62, -12)]
    out += "".join(props_social.boot_print(cam, x, z, turn) for x, z, turn in steps)
    return kit.picture(out, mood="#ffe2b0")


_PALE = [
    Look(skin="pale", hair="blond", hair_style="bob", top=kit.TEAL, mood="smile"),
    Look(skin="fair", hair="brown", hair_style="short", top=kit.NAVY, mood="smile"),
    Look(skin="pale", hair="red", hair_style="ponytail", top=kit.SAGE, mood="smile"),
    Look(skin="fair", hair="grey", hair_style="short", top=kit.SLATE, glasses=True, age="elder"),
    Look(skin="pale", hair="chestnut", hair_style="bun", top=kit.BLUE, mood="smile"),
    Look(skin="fair", hair="blond", hair_style="crop", top=kit.PLUM, mood="calm"),
]


def _guest(i: int, dark: bool) -> Look:
    """Guest number i of the seating plan; no two are the same."""
    styles = ("bob", "short", "bun", "curly", "crop", "bob", "short", "ponytail")
    tops = (kit.TEAL, kit.NAVY, kit.OCHRE, kit.BLUE, kit.PLUM, kit.CORAL, kit.SAGE)
    skins, hairs = (
        (("deep", "brown"), ("black", "black", "grey"))
        if dark
        else (("pale", "fair", "pale"), ("blond", "brown", "red", "grey", "chestnut"))
    )
    hair = hairs[i % len(hairs)]
    age = "elder" if hair == "grey" else "adult"
    return Look(
        skin=skins[i % len(skins)],
        hair=hair,
        hair_style=styles[i % 8],
        top=tops[i % 7],
        glasses=i % 4 == 3,
        age=age,
        mood="smile" if i % 3 else "calm",
    )


def _table_of(x: float, y: float, number: str, looks: list[Look]) -> str:
    """A round table of the seating plan with five portrait cards around it."""
    out = kit.circle(x, y, 44, kit.lit("#e9dfc9")) + kit.text(
        x, y + 11, number, 30, kit.SLATE, anchor="middle", weight=700
    )
    for i, look in enumerate(looks):
        a = math.radians(72 * i - 90)
        cx, cy = x + 75 * math.cos(a) - 25, y + 78 * math.sin(a) - 29
        card = kit.rect(3, 4, 50, 58, kit.SHADOW, opacity=0.3, blur=3) + kit.rect(-3, -3, 56, 64, kit.PAPER, r=3)
        out += kit.group(card, props_social.portrait(look, 50, 58, kit.MIST), move=(cx, cy), rotate=(i * 5) % 7 - 3)
    return out


def draw_hate_02() -> str:
    """A seating plan on an easel; the planner pins the last card."""
    out = props_social.room("#d9d3c2", kit.wood(kit.OAK), 640) + props_social.sunny_window(-60, 90, 210, 330)
    out += props_social.potted_plant(952, 700, 240)
    for x0, x1 in ((330, 262), (800, 868)):
        out += kit.line([(x0, 40), (x1, 736)], kit.WALNUT, 13)
    out += kit.rect(246, 60, 672, 588, kit.SHADOW, opacity=0.3, blur=12) + kit.rect(
        232, 44, 672, 588, kit.lit(kit.OAK), r=6
    )
    out += kit.rect(246, 58, 644, 560, kit.gradient("#fdfbf4", "#efe8d8")) + kit.rect(
        300, 632, 540, 14, kit.lit(kit.WALNUT)
    )
    out += kit.text(272, 98, "Company dinner, 14 June", 26, kit.NAVY, weight=700)
    out += kit.rect(400, 114, 340, 38, kit.lit(kit.BRICK), r=4) + kit.text(
        570, 141, "Stage", 24, kit.PAPER, anchor="middle", weight=600
    )
    for i, (x, y) in enumerate([(362, 272), (570, 272), (778, 272), (414, 502), (662, 502)]):
        out += _table_of(x, y, str(i + 1), [_guest(i * 5 + j, dark=i > 2) for j in range(5)])
    out += kit.rect(806, 396, 72, 190, kit.lit(kit.STEEL), r=3) + kit.line([(842, 398), (842, 584)], kit.IRON, 2)
    out += (
        kit.circle(826, 440, 9, kit.PAPER)
        + kit.circle(858, 440, 9, kit.PAPER)
        + kit.turned(842, 520, -90, kit.text(842, 528, "Kitchen", 25, kit.INK, anchor="middle", weight=600))
    )
    planner = Look(
        skin="fair", hair="brown", hair_style="ponytail", top=kit.TEAL, top_kind="shirt", bottom=kit.NAVY, mood="smile"
    )
    return kit.picture(out + person(planner, 120, 812, 700, view="side", hands=(None, (300, 452))))


def draw_hate_03() -> str:
    """A photo editor on a laptop with five staff portraits and a tone panel."""
    out = (
        props_social.room("#c9d3cf", kit.wood(kit.OAK), 500)
        + props_social.sunny_window(60, 40, 190, 270)
        + props_social.potted_plant(930, 520, 250)
    )
    out += kit.rect(0, 500, kit.WIDTH, 268, kit.wood(kit.PINE)) + kit.rect(
        0, 492, kit.WIDTH, 12, kit.lighten(kit.PINE, 0.45)
    )
    ui = (
        kit.rect(0, 0, 640, 400, "#262b38")
        + kit.rect(0, 0, 640, 34, "#1c202b")
        + kit.text(14, 23, "Staff page", 15, kit.MIST)
    )
    team = [
        _PALE[1],
        _PALE[0],
        Look(skin="deep", hair="black", hair_style="curly", top=kit.OCHRE, mood="smile"),
        _PALE[5],
        _PALE[2],
    ]
    spots = [(16, 50), (158, 50), (300, 50), (87, 226), (229, 226)]
    for (x, y), look in zip(spots, team, strict=True):
        ui += kit.rect(x - 3, y - 3, 132, 164, "#f4f1e8") + kit.group(
            props_social.portrait(look, 126, 158, "#b7c6cf"), move=(x, y)
        )
    ui += kit.rect(446, 34, 194, 366, "#323848") + kit.text(462, 68, "Match tone", 21, kit.PAPER, weight=700)
    ui += kit.text(462, 104, "Target", 16, kit.MIST) + kit.rect(
        462, 114, 160, 54, "#f3d9c4", r=6, stroke="#ffffff", width=2
    )
    for i, (name, share) in enumerate((("Skin", 0.92), ("Light", 0.6), ("Warmth", 0.35))):
        y = 206 + i * 42
        ui += (
            kit.text(462, y, name, 16, kit.MIST)
            + kit.rect(462, y + 10, 160, 5, "#596174", r=2)
            + kit.rect(462, y + 10, 160 * share, 5, kit.SKY, r=2)
            + kit.circle(462 + 160 * share, y + 12, 8, kit.PAPER)
        )
    ui += kit.rect(462, 344, 160, 40, kit.BLUE, r=8) + kit.text(
        542, 370, "Apply to all 5", 18, kit.PAPER, anchor="middle", weight=600
    )
    out += props_social.open_laptop(512, 556, 660, ui) + props_social.mug(96, 660, 96, kit.CORAL)
    return kit.picture(out)


def _vanity(x: float, y: float, r: float) -> str:
    """A round mirror with bulbs along its frame; its glass shows the room behind."""
    out = (
        kit.circle(x + 10, y + 14, r + 34, kit.SHADOW, opacity=0.25)
        + kit.circle(x, y, r + 32, kit.lit(kit.PINE))
        + kit.circle(x, y, r + 4, kit.darken(kit.PINE, 0.3))
    )
    out += kit.circle(x, y, r, kit.gradient("#dfe3e6", "#b9b4b8"))
    for i in range(16):
        a = math.radians(i * 22.5)
        bx, by = x + (r + 18) * math.cos(a), y + (r + 18) * math.sin(a)
        out += kit.circle(bx, by, 26, kit.glow("#fff3cfcc", "#fff3cf00")) + kit.circle(bx, by, 8.5, "#fffbe8")
    return out


def _wig_stand(x: float, y: float, s: float) -> str:
    """A curly black wig on a white foam head, standing at x, y."""
    out = kit.contact(x, y, s * 0.6) + kit.poly(
        [(x - s * 0.14, y - s * 0.36), (x + s * 0.14, y - s * 0.36), (x + s * 0.26, y), (x - s * 0.26, y)],
        kit.lit("#ece8df"),
    )
    out += kit.ellipse(x, y - s * 0.55, s * 0.24, s * 0.32, kit.lit("#f3efe6"))
    for i in range(80):
        a, ring = i * 2.39996, (i / 80) ** 0.5
        px, py = x + s * 0.36 * ring * math.cos(a), y - s * 0.72 + s * 0.27 * ring * math.sin(a)
        out += kit.circle(px, py, s * 0.062, kit.lit(kit.mix("#2a2730", "#5a4845", (i % 5) / 6), 60, 0.16))
    return out


def _paint_pot(x: float, y: float, w: float) -> str:
    """An open pot of dark brown face paint with its lid and a stained sponge."""
    out = kit.contact(x, y + 8, w * 1.3) + kit.path(
        f"M{x - w / 2},{y - w * 0.34}L{x - w / 2},{y}Q{x},{y + w * 0.26} {x + w / 2},{y}L{x + w / 2},{y - w * 0.34}Z",
        kit.gradient("#f0ece4", "#b9b3aa", 0),
    )
    out += kit.ellipse(x, y - w * 0.34, w / 2, w * 0.15, "#f8f5ee") + kit.ellipse(
        x, y - w * 0.33, w * 0.43, w * 0.12, kit.lit("#4f3022", 20)
    )
    out += kit.stroke([(x - w * 0.2, y - w * 0.32), (x, y - w * 0.36), (x + w * 0.24, y - w * 0.31)], "#7a5240", 4)
    sx = x + w * 1.02
    out += kit.contact(sx, y + 10, w * 0.7) + kit.path(
        kit.smooth(
            [(sx - w * 0.34, y + 8), (sx - w * 0.3, y - w * 0.3), (sx + w * 0.24, y - w * 0.34), (sx + w * 0.34, y + 4)]
        ),
        kit.lit("#e9c98c"),
    )
    return out + kit.path(
        kit.smooth(
            [
                (sx - w * 0.32, y - w * 0.14),
                (sx - w * 0.28, y - w * 0.32),
                (sx + w * 0.22, y - w * 0.36),
                (sx + w * 0.3, y - w * 0.16),
                (sx, y - w * 0.08),
            ]
        ),
        kit.lit("#4f3022"),
    )


def draw_hate_01() -> str:
    """A woman before a lit mirror, with brown face paint, a curly wig and a singer's photo."""
    out = kit.rect(0, 0, kit.WIDTH, kit.HEIGHT, kit.gradient("#8b6a7c", "#5d4a63", 70))
    for i in range(18):
        out += kit.rect(i * 60, 0, 2, 560, "#ffffff", opacity=0.06)
    out += _vanity(512, 268, 214)
    woman = Look(skin="pale", hair="blond", hair_style="bun", top="#e9e3d6", mood="smile")
    body = kit.path(
        kit.smooth([(372, 520), (392, 424), (470, 386), (554, 386), (632, 424), (652, 520)]), kit.lit("#d8d2c6")
    )
    neck = kit.rect(482, 330, 60, 76, kit.gradient(kit.darken(woman.skin_colour, 0.25), woman.skin_colour), r=22)
    blur = kit.rect(330, 90, 120, 240, "#a58d9b", opacity=0.6) + kit.rect(610, 120, 90, 300, "#8e7787", opacity=0.5)
    out += kit.clipped(
        "M298,268A214,214 0 1 0 726,268A214,214 0 1 0 298,268Z",
        blur,
        neck,
        body,
        head(woman, 512, 236, 206),
        kit.poly([(330, 60), (470, 40), (330, 400), (260, 400)], "#ffffff", opacity=0.12),
    )
    photo = kit.rect(5, 7, 150, 196, kit.SHADOW, opacity=0.35, blur=6) + kit.rect(-8, -8, 152, 196, kit.PAPER, r=2)
    singer = Look(skin="deep", hair="black", hair_style="curly", top=kit.OCHRE, mood="smile")
    photo += (
        kit.group(props_social.portrait(singer, 136, 156, "#6f5f8e"), move=(0, 0))
        + kit.circle(98, 122, 13, kit.lit(kit.IRON))
        + kit.line([(102, 132), (112, 156)], kit.INK, 6)
    )
    out += kit.group(photo, move=(706, 66), rotate=6)
    card = (
        kit.rect(4, 6, 196, 96, kit.SHADOW, opacity=0.3, blur=5)
        + kit.rect(0, 0, 196, 96, kit.lit(kit.OCHRE), r=4)
        + kit.text(98, 44, "Come as", 26, kit.NAVY, anchor="middle", weight=600)
        + kit.text(98, 76, "a legend", 28, kit.NAVY, anchor="middle", weight=800)
    )
    out += kit.group(card, move=(116, 108), rotate=-7)
    out += (
        kit.rect(0, 548, kit.WIDTH, 220, kit.wood(kit.OAK))
        + kit.rect(0, 540, kit.WIDTH, 12, kit.lighten(kit.OAK, 0.5))
        + kit.rect(0, 552, kit.WIDTH, 40, kit.SHADOW, opacity=0.12, blur=9)
    )
    out += _wig_stand(858, 640, 300) + _paint_pot(300, 676, 150)
    for i, x in enumerate((86, 128, 164)):
        out += (
            kit.contact(x, 664, 30)
            + kit.rect(x - 14, 574 - i * 12, 28, 90 + i * 12, kit.lit((kit.ROSE, kit.PLUM, kit.CREAM)[i], 0, 0.25), r=5)
            + kit.rect(x - 10, 560 - i * 12, 20, 18, kit.lit(kit.IRON, 0, 0.3), r=3)
        )
    brush = (
        kit.rect(0, -5, 120, 10, kit.lit(kit.WALNUT, 90), r=5)
        + kit.rect(112, -8, 26, 16, kit.STEEL)
        + kit.path("M138,-9C170,-18 188,-6 190,0C188,6 170,18 138,9Z", kit.lit("#3a2a26", 90))
    )
    return kit.picture(
        out
        + kit.turned(560, 696, -6, kit.rect(572, 694, 176, 9, kit.SHADOW, opacity=0.4, blur=3))
        + kit.group(brush, move=(560, 690), rotate=-6),
        mood="#ffe9c0",
    )
