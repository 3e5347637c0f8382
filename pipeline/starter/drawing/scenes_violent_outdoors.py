"""Pictures of violent content outdoors: a shooting target, a market, a car park, a paddock, a slipway."""

import math

from pipeline.starter.drawing import animals, kit, kitchen, outdoors
from pipeline.starter.drawing.people import Look, person


def draw_violent_07() -> str:
    """A straw target in a garden; behind it a low hedge and a playground with children."""
    out = [
        outdoors.sky(300),
        outdoors.cloud(760, 90, 220),
        outdoors.hills(300, 50, "#a9c2a6"),
        outdoors.lawn(296, "#79a860"),
    ]
    out += [outdoors.tree(70, 372, 270), outdoors.tree(960, 352, 230, "#4f7a4a")]
    out.append(
        kit.ellipse(560, 372, 330, 34, "#e3d2a8")
        + kit.ellipse(560, 372, 330, 34, kit.gradient("#ffffff00", "#1f274733"))
    )
    out.append(_swing(390, 376) + _slide(640, 380))
    kids = [
        Look(skin="brown", hair="black", hair_style="curly", top=kit.OCHRE, age="child", mood="smile"),
        Look(skin="pale", hair="red", hair_style="ponytail", top=kit.ROSE, age="child", bottom_kind="shorts"),
        Look(
            skin="tan", hair="black", hair_style="short", top=kit.BLUE, age="child", bottom_kind="shorts", mood="smile"
        ),
    ]
    out.append(person(kids[0], 390, 322, 118, pose="sit", hands=((368, 278), (412, 278)), shadow=False))
    out.append(person(kids[1], 520, 384, 112) + person(kids[2], 790, 384, 108, view="side", flip=True, pose="walk"))
    for i in range(15):
        out.append(kit.ellipse(20 + i * 72, 424, 54, 24 + (i * 7 % 5) * 2, kit.gradient("#86ab66", "#4b7443", 70)))
    out.append(kit.rect(0, 420, 1024, 24, kit.gradient("#557d49", "#446a3d")) + kit.haze(446, 24, "#1f2747", 0.12))
    out.append(_target(540, 560))
    out.append(_garden_table())
    return kit.picture(*out)


def _swing(x: float, y: float) -> str:
    """A swing frame with its seat."""
    legs = "".join(kit.line([(x + s * 70, y), (x + s * 46, y - 170)], "#b8554a", 8) for s in (-1, 1)) + kit.line(
        [(x - 56, y - 170), (x + 56, y - 170)], "#b8554a", 9
    )
    ropes = "".join(kit.line([(x + s * 20, y - 168), (x + s * 20, y - 54)], kit.IRON, 3) for s in (-1, 1))
    return kit.contact(x, y, 150) + legs + ropes + kit.rect(x - 26, y - 58, 52, 8, kit.WALNUT, r=3)


def _slide(x: float, y: float) -> str:
    """A playground slide that runs down to the right."""
    posts = "".join(kit.line([(x + dx, y), (x + dx, y - 130)], "#4a76b8", 7) for dx in (-28, 16)) + "".join(
        kit.line([(x - 28, y - 24 * k), (x + 16, y - 24 * k)], "#4a76b8", 5) for k in (1, 2, 3, 4)
    )
    chute = kit.path(
        f"M{x - 30},{y - 116}H{x + 20}C{x + 60},{y - 96} {x + 70},{y - 22} {x + 132},{y - 12}L{x + 132},{y - 2}"
        f"C{x + 56},{y - 8} {x + 52},{y - 84} {x + 14},{y - 104}H{x - 30}Z",
        kit.gradient("#f3cf64", "#c98f2e"),
    )
    roof = (
        kit.poly([(x - 44, y - 158), (x - 6, y - 196), (x + 32, y - 158)], kit.lit(kit.BRICK, 60, 0.15))
        + kit.line([(x - 28, y - 130), (x - 28, y - 160)], "#4a76b8", 6)
        + kit.line([(x + 16, y - 130), (x + 16, y - 160)], "#4a76b8", 6)
    )
    return kit.contact(x + 40, y, 190) + posts + roof + chute


def _target(x: float, y: float) -> str:
    """A straw target with coloured rings on a wooden stand."""
    stand = "".join(
        kit.line(points, kit.WALNUT, 12)
        for points in ([(x - 66, y), (x - 20, y - 236)], [(x + 66, y), (x + 20, y - 236)])
    ) + kit.line([(x, y - 16), (x, y - 220)], kit.darken(kit.WALNUT, 0.3), 10)
    disc = kit.circle(x + 7, y - 120, 98, kit.darken("#c9a25e", 0.35)) + kit.circle(
        x, y - 122, 98, kit.lit("#d9b673", 60, 0.15)
    )
    rings = "".join(
        kit.circle(x, y - 122, r, c)
        for r, c in ((84, "#f6f3ea"), (68, "#2f3440"), (52, "#3f74b5"), (35, "#cc4a44"), (18, "#f0cb5c"))
    )
    arrow = kit.line([(x + 46, y - 172), (x + 92, y - 206)], "#5b4630", 4) + kit.line(
        [(x + 86, y - 208), (x + 98, y - 204)], "#e0806a", 5
    )
    return kit.contact(x, y, 190) + stand + disc + rings + arrow


def _garden_table() -> str:
    """A table in the foreground with a bow, a quiver's worth of arrows and a glass."""
    top = kit.poly([(120, 640), (900, 640), (1010, 780), (10, 780)], kit.wood("#c39a68")) + kit.poly(
        [(120, 640), (900, 640), (1010, 780), (10, 780)], kit.gradient("#fff2d240", "#1f274740", 40)
    )
    slats = "".join(
        kit.line([(120 + 156 * k, 640), (10 + 200 * k, 780)], kit.darken("#c39a68", 0.35), 2) for k in range(1, 5)
    )
    bow = [(210, 690), (250, 664), (340, 668), (420, 700), (470, 706), (520, 700), (600, 668), (690, 664), (730, 690)]
    shade = kit.path(
        kit.smooth([(x + 8, y + 14) for x, y in bow], closed=False), stroke=kit.SHADOW, width=12, opacity=0.3, blur=4
    )
    wood = (
        kit.stroke(bow, "#5f3a22", 13)
        + kit.stroke([(x, y - 3) for x, y in bow], "#a8703c", 4)
        + kit.stroke(bow[3:6], "#2c2624", 17)
    )
    string = kit.line([(210, 690), (730, 690)], "#f4efe2", 2.5)
    arrows = ""
    for i in range(4):
        a, b = (300 + 22 * i, 728 + 9 * i), (800 + 18 * i, 716 + 10 * i)
        arrows += (
            kit.line([a, b], "#e4cf9f", 5)
            + kit.poly([(a[0] - 24, a[1] + 1), (a[0], a[1] - 6), (a[0], a[1] + 6)], "#8a949e")
            + kit.poly(
                [(b[0] - 44, b[1] - 8), (b[0] + 4, b[1] - 10), (b[0] + 4, b[1] + 9), (b[0] - 44, b[1] + 9)],
                ("#cc4a44", "#f4efe2", "#3f74b5", "#f0cb5c")[i],
            )
        )
    return (
        kit.rect(60, 626, 900, 40, kit.SHADOW, opacity=0.3, blur=14)
        + top
        + slats
        + shade
        + string
        + wood
        + arrows
        + kitchen.glass(160, 738, 92, "#f0cb5c")
    )


def draw_violent_08() -> str:
    """A sunny, nearly empty market square with a balloon stall."""
    cam = kit.Camera(horizon=330)
    out = [outdoors.sky(330), outdoors.cloud(300, 90, 240), outdoors.cloud(830, 140, 160)]
    for x, w, h, c, roof in (
        (-20, 230, 220, "#e3c9a0", kit.BRICK),
        (214, 180, 260, "#c9d3cf", "#6d7683"),
        (398, 240, 210, "#e8dcc6", kit.BRICK),
        (642, 190, 250, "#d9b3a0", "#7a5b4c"),
        (836, 220, 230, "#dfe0d2", kit.BRICK),
    ):
        out.append(outdoors.house(x, 372, w, h, c, roof=roof))
    out.append(kit.rect(0, 372, 1024, 396, kit.gradient("#d9cfba", "#b7aa92")))
    for k in range(9):
        z = 2.6 + k * 1.6
        out.append(kit.line([cam.at(-30, 0, z), cam.at(30, 0, z)], "#9b8f79", 1.4, opacity=0.5))
    out += [
        kit.line([(512 + (k - 8) * 26, 372), (512 + (k - 8) * 240, 768)], "#9b8f79", 1.4, opacity=0.45)
        for k in range(17)
    ]
    out.append(_stall(190, 470, 210, "#c8564c") + _stall(860, 478, 220, "#4a7f8c") + _stall(520, 420, 120, "#d9a03d"))
    walkers = [
        (330, 480, 150, Look(skin="deep", hair="black", hair_style="bun", top=kit.PLUM, top_kind="dress")),
        (690, 500, 160, Look(skin="fair", hair="grey", age="elder", top=kit.SAGE, bottom="#7a6a58", glasses=True)),
        (430, 440, 110, Look(hair_style="scarf", hat_colour=kit.TEAL, skin="olive", top=kit.SAND, top_kind="coat")),
    ]
    out += [person(look, x, y, h, view="side", pose="walk", flip=i == 1) for i, (x, y, h, look) in enumerate(walkers)]
    out.append(animals.dog(880, 500, 66, "#c9a777", pose="sit", flip=True))
    seller = Look(
        skin="tan",
        hair="black",
        hair_style="curly",
        top="#f1e6d3",
        top_kind="apron",
        accent=kit.BRICK,
        bottom="#4a5670",
        mood="smile",
    )
    colours = ("#c8453f", "#f0cb5c", "#4a76b8", "#5b9257", "#d9899b", "#e0806a")
    knot = (596, 470)
    for i, (dx, dy) in enumerate([(-70, -150), (0, -190), (74, -156), (-38, -232), (42, -250), (104, -214)]):
        out.append(
            kit.stroke(
                [(knot[0] + dx, knot[1] + dy + 40), (knot[0] + dx * 0.5, knot[1] + dy * 0.4), knot], "#8d8676", 1.6
            )
        )
        out.append(
            kit.ellipse(
                knot[0] + dx,
                knot[1] + dy,
                34,
                41,
                f"url(#r-{kit.lighten(colours[i], 0.5)[1:]}-{kit.darken(colours[i], 0.1)[1:]})",
            )
        )
    out.append(person(seller, 545, 700, 330, hands=(None, (596, 478)), gaze=0.4))
    return kit.picture(*out)


def _stall(x: float, y: float, w: float, colour: str) -> str:
    """A market stall with a striped awning and crates of fruit."""
    posts = "".join(
        kit.line([(x + s * w * 0.44, y), (x + s * w * 0.44, y - w * 0.78)], kit.WALNUT, w * 0.03) for s in (-1, 1)
    )
    bench = kit.rect(x - w * 0.48, y - w * 0.3, w * 0.96, w * 0.3, kit.wood(kit.PINE)) + kit.rect(
        x - w * 0.5, y - w * 0.33, w, w * 0.05, kit.WALNUT
    )
    fruit = "".join(
        kit.circle(
            x - w * 0.4 + w * 0.09 * k,
            y - w * 0.36 - (k % 2) * w * 0.03,
            w * 0.05,
            kit.lit(("#c8453f", "#e0a23f", "#7fa458")[k // 3 % 3], 60, 0.2),
        )
        for k in range(10)
    )
    stripes = "".join(
        kit.poly(
            [
                (x - w * 0.42 + w * 0.105 * k, y - w * 0.98),
                (x - w * 0.315 + w * 0.105 * k, y - w * 0.98),
                (x - w * 0.41 + w * 0.137 * k, y - w * 0.7),
                (x - w * 0.547 + w * 0.137 * k, y - w * 0.7),
            ],
            kit.lit(colour if k % 2 else kit.PAPER, 80, 0.1),
        )
        for k in range(8)
    )
    return (
        kit.contact(x, y, w)
        + kit.rect(x - w * 0.42, y - w * 0.7, w * 0.84, w * 0.4, kit.darken(colour, 0.55), opacity=0.35)
        + posts
        + fruit
        + bench
        + stripes
    )


def draw_violent_09() -> str:
    """A car park in the glaring sun: a dog in a closed car, a museum with a sign that shows 35 degrees."""
    cam = kit.Camera(horizon=330)
    out = [
        kit.rect(0, 0, 1024, 374, kit.gradient("#6fb0e2", "#f2efdc")),
        kit.circle(120, 92, 210, "url(#r-fff6d8ff-fff6d800)"),
        kit.circle(120, 92, 46, "#fffbea"),
    ]
    out.append(_museum(590, 372))
    out += [outdoors.bush(220 + k * 76, 374, 84) for k in range(3)]
    out.append(
        kit.rect(0, 370, 1024, 400, kit.speckle("#a5a6a6"))
        + kit.rect(0, 370, 1024, 400, kit.gradient("#fff2d266", "#1f274722"))
    )
    for k in range(-4, 5):
        out.append(
            kit.poly(
                [
                    cam.at(k * 3.0 - 0.06, 0, 3.2),
                    cam.at(k * 3.0 + 0.06, 0, 3.2),
                    cam.at(k * 3.0 + 0.06, 0, 11),
                    cam.at(k * 3.0 - 0.06, 0, 11),
                ],
                "#f6f4ea",
                opacity=0.8,
            )
        )
    family = [
        (792, 436, 128, Look(skin="olive", hair="brown", hair_style="long", top=kit.CORAL, top_kind="dress")),
        (838, 438, 136, Look(skin="fair", hair="black", top=kit.PAPER, bottom="#6a7486", bottom_kind="shorts")),
        (758, 436, 88, Look(age="child", hair="blond", hair_style="bob", top=kit.TEAL, bottom_kind="shorts")),
    ]
    out += [person(look, x, y, h, view="behind") for x, y, h, look in family]
    out.append(_car_with_dog(430, 700, 780))
    return kit.picture(*out)


def _museum(x: float, y: float) -> str:
    """A museum front with columns and a display."""
    base = "".join(
        kit.rect(x - 260 - 14 * k, y - 40 + 14 * k, 520 + 28 * k, 14, kit.gradient("#f1ead9", "#cfc5ae"))
        for k in range(3)
    )
    wall = kit.rect(x - 240, y - 210, 480, 172, kit.gradient("#e2d6bd", "#c2b494"))
    doors = kit.rect(x - 46, y - 150, 92, 112, kit.gradient("#3f4a5c", "#6b7a8c"))
    columns = "".join(
        kit.rect(x - 226 + 82 * k, y - 204, 36, 166, kit.gradient("#fbf5e6", "#b9ac90", 0))
        + kit.rect(x - 232 + 82 * k, y - 210, 48, 12, "#f4ecd9")
        for k in range(6)
    )
    roof = (
        kit.rect(x - 262, y - 238, 524, 30, kit.gradient("#f4ecd9", "#d3c7ac"))
        + kit.poly([(x - 270, y - 238), (x, y - 322), (x + 270, y - 238)], kit.gradient("#f1e7d0", "#c9bc9d"))
        + kit.poly([(x - 190, y - 246), (x, y - 304), (x + 190, y - 246)], kit.darken("#dccfb2", 0.1))
    )
    name = kit.text(x, y - 215, "CITY MUSEUM", 22, "#6a5d45", anchor="middle", weight=800, spacing=4)
    sign = (
        kit.rect(x + 262, y - 190, 128, 68, "#20242e", r=8, stroke="#5c636e", width=4)
        + kit.text(x + 326, y - 141, "35 °C", 40, "#ffb24a", anchor="middle", weight=800)
        + kit.rect(x + 320, y - 122, 12, 122, kit.IRON)
    )
    return wall + doors + columns + roof + name + base + sign


def _car_with_dog(x: float, y: float, w: float) -> str:
    """The car of the kit, its windows shut and a panting dog behind the rear one."""
    h = w * 0.34
    glass = [
        (x - 0.34 * w, y - 0.62 * h),
        (x - 0.24 * w, y - 0.88 * h),
        (x - 0.1 * w, y - 0.92 * h),
        (x + 0.08 * w, y - 0.9 * h),
        (x + 0.18 * w, y - 0.62 * h),
    ]
    dog = animals.dog(x - 0.22 * w, y - 0.36 * h, 150, "#b07a45", pose="sit")
    tongue = kit.path(f"M{x - 0.13 * w},{y - 0.68 * h}q10,4 12,22q-10,6 -16,-2z", "#e0707a")
    inside = kit.rect(x - 0.4 * w, y - h, 0.62 * w, 0.5 * h, kit.gradient("#4a5566", "#6f7c8a"))
    seats = kit.rect(x - 0.02 * w, y - 0.84 * h, 46, 90, "#39404f", r=16)
    shine = kit.poly(
        [(x - 0.3 * w, y - 0.6 * h), (x - 0.2 * w, y - h), (x - 0.17 * w, y - h), (x - 0.27 * w, y - 0.6 * h)],
        "#ffffff",
        opacity=0.25,
    ) + kit.poly(
        [(x + 0.02 * w, y - 0.6 * h), (x + 0.1 * w, y - h), (x + 0.15 * w, y - h), (x + 0.07 * w, y - 0.6 * h)],
        "#ffffff",
        opacity=0.22,
    )
    panes = kit.clipped(kit.straight(glass), inside, seats, dog, tongue, shine)
    frame = kit.poly(glass, "none", stroke="#23364f", width=6) + kit.line(
        [(x - 0.065 * w, y - 0.92 * h), (x - 0.07 * w, y - 0.62 * h)], "#23364f", 14
    )
    return outdoors.car(x, y, w, "#3f6ea3") + panes + frame


def draw_violent_10() -> str:
    """A tense horse with a lifted hind hoof, and a girl right behind it."""
    out = [
        outdoors.sky(330),
        outdoors.cloud(240, 110, 260),
        outdoors.cloud(780, 80, 200),
        outdoors.hills(330, 90, "#9db6a0"),
        outdoors.hills(352, 60, "#89a878", seed=4),
    ]
    out.append(outdoors.lawn(350, "#84aa5e"))
    out.append(
        kit.rect(700, 190, 260, 190, kit.gradient("#a8503c", "#7f3b2f"))
        + kit.poly([(680, 192), (830, 108), (980, 192)], kit.lit("#5d4a46", 60, 0.15))
        + kit.rect(786, 260, 90, 120, "#5c2b24")
        + kit.line([(786, 260), (876, 380)], "#e7d9c4", 5)
        + kit.line([(876, 260), (786, 380)], "#e7d9c4", 5)
    )
    out.append(outdoors.tree(90, 392, 240))
    for k in range(8):
        out.append(kit.rect(10 + k * 144, 366, 14, 96, kit.gradient("#b08d62", "#7a5a3c", 0)))
    out += [kit.rect(0, y, 1024, 13, kit.gradient("#c2a073", "#8a6847")) for y in (384, 424)]
    out.append(kit.ellipse(520, 660, 470, 74, "#b99b6b", opacity=0.75))
    out.append(animals.horse(590, 676, 500, "#7d4f33", pose="tense"))
    girl = Look(
        skin="fair",
        hair="blond",
        hair_style="ponytail",
        top=kit.YELLOW,
        top_kind="coat",
        accent=kit.YELLOW,
        bottom="#4a5f8c",
        shoes="#3d6a5c",
        age="child",
        mood="smile",
    )
    out.append(person(girl, 214, 694, 262, gaze=0.2))
    return kit.picture(*out)


def draw_violent_11() -> str:
    """An old woman in a wheelchair on a slipway that runs into the harbour."""
    out = [
        outdoors.sky(250),
        outdoors.cloud(640, 70, 260),
        outdoors.far_city(252, 70, "#b4c3cd"),
        outdoors.water(250, 520, "#5f97b5"),
    ]
    for x, y, s, c in ((150, 330, 1.0, "#f6f2e6"), (360, 300, 0.6, "#e8d3c0"), (560, 316, 0.75, "#f4f4ee")):
        out.append(_sailing_boat(x, y, s, c))
    out.append(
        kit.poly([(650, 250), (1024, 230), (1024, 470), (650, 400)], kit.bricks("#b3a48c"))
        + kit.poly([(650, 250), (1024, 230), (1024, 470), (650, 400)], kit.gradient("#fff2d222", "#1f274766", 40))
    )
    out.append(kit.poly([(640, 236), (1024, 214), (1024, 240), (640, 258)], "#d8ccb4"))
    ramp = [(650, 396), (1024, 440), (1024, 768), (420, 768), (60, 640), (150, 588)]
    out.append(kit.poly(ramp, kit.speckle("#b9b1a2")) + kit.poly(ramp, kit.gradient("#3a566688", "#fff2d244", 330)))
    for k in range(9):
        a = k / 9
        out.append(
            kit.line(
                [(150 + 500 * a, 588 - 192 * a), (60 + 964 * a, 640 + 128 * min(1, a * 1.6))], "#8b8475", 2, opacity=0.5
            )
        )
    out.append(
        kit.path(
            "M40,640C90,600 120,600 160,580C150,620 240,650 250,690C320,720 380,745 440,780L20,780Z",
            "#5f97b5",
            opacity=0.75,
        )
    )
    out.append(
        kit.stroke([(150, 582), (170, 618), (246, 664), (268, 694), (350, 722), (440, 772)], "#ffffff", 5, opacity=0.7)
    )
    out.append(_folded_table(930, 486))
    out.append(kit.turned(600, 640, -15, _wheelchair(600, 640)))
    return kit.picture(*out)


def _sailing_boat(x: float, y: float, s: float, sail: str) -> str:
    """A small sailing boat."""
    hull = kit.path("M-60,-14H62C54,4 40,10 20,12H-36C-50,8 -58,-2 -60,-14Z", kit.gradient("#f6f4ee", "#a8503c"))
    sails = (
        kit.poly([(-2, -22), (-2, -168), (58, -28)], kit.lit(sail, 40, 0.1))
        + kit.poly([(-10, -26), (-10, -150), (-52, -28)], kit.darken(sail, 0.12))
        + kit.line([(-6, -14), (-6, -172)], kit.WALNUT, 4)
    )
    return kit.group(kit.ellipse(0, 14, 66, 7, kit.SHADOW, opacity=0.25, blur=3), hull, sails, move=(x, y), scale=s)


def _folded_table(x: float, y: float) -> str:
    """A folded camping table that leans against the wall."""
    return (
        kit.contact(x, y, 110)
        + kit.poly([(x - 54, y), (x + 46, y + 8), (x + 64, y - 150), (x - 36, y - 156)], kit.wood(kit.PINE))
        + kit.line([(x - 40, y - 4), (x - 26, y - 150)], kit.STEEL, 6)
        + kit.line([(x + 34, y + 4), (x + 50, y - 146)], kit.STEEL, 6)
    )


def _wheelchair(x: float, y: float) -> str:
    """An old woman in a wheelchair that looks to the left, with the brake lever up."""
    gran = Look(
        skin="pale",
        hair="white",
        hair_style="bun",
        top="#a06a86",
        top_kind="sweater",
        bottom="#5a6480",
        bottom_kind="skirt",
        age="elder",
        glasses=True,
        mood="smile",
    )
    back = kit.line([(x + 60, y - 122), (x + 76, y - 268)], kit.IRON, 10) + kit.line(
        [(x + 76, y - 268), (x + 112, y - 272)], kit.INK, 12
    )
    seat = kit.rect(x - 66, y - 128, 132, 16, "#3a4157", r=6) + kit.poly(
        [(x + 52, y - 226), (x + 68, y - 226), (x + 62, y - 120), (x + 46, y - 120)], "#3a4157"
    )
    foot = kit.line([(x - 62, y - 120), (x - 96, y - 34), (x - 140, y - 30)], kit.STEEL, 8)
    spokes = "".join(
        kit.line(
            [
                (x + 30 + 76 * math.cos(k * math.pi / 8), y - 82 + 76 * math.sin(k * math.pi / 8)),
                (x + 30 - 76 * math.cos(k * math.pi / 8), y - 82 - 76 * math.sin(k * math.pi / 8)),
            ],
            "#d3d9df",
            2,
        )
        for k in range(8)
    )
    wheel = (
        kit.circle(x + 30, y - 82, 82, "none", stroke="#2a2d36", width=11)
        + spokes
        + kit.circle(x + 30, y - 82, 64, "none", stroke=kit.STEEL, width=4)
        + kit.circle(x + 30, y - 82, 10, kit.IRON)
    )
    small = kit.circle(x - 84, y - 22, 22, "none", stroke="#2a2d36", width=9)
    brake = kit.line([(x - 38, y - 104), (x - 62, y - 164)], kit.STEEL, 7) + kit.circle(x - 64, y - 170, 10, "#d2453d")
    rider = person(
        gran,
        x + 14,
        y - 128,
        330,
        view="side",
        pose="sit",
        flip=True,
        hands=((x - 50, y - 168), (x - 46, y - 166)),
        feet=((x - 122, y - 42), (x - 112, y - 42)),
    )
    arm = kit.line([(x + 50, y - 168), (x - 40, y - 168)], "#3a4157", 12)
    return kit.contact(x, y + 4, 260, 18) + back + seat + foot + small + rider + wheel + arm + brake
