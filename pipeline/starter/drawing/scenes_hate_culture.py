"""Pictures of the hate speech scenarios on culture and nationality: a welcome, a birthday table, a debate, a shrine."""

from pipeline.starter.drawing import interiors, kit, people, props_social
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, person


def _badge(x: float, y: float, name: str) -> str:
    """A newcomer's badge on a cord around the neck; x, y is the middle of its upper edge."""
    cord = kit.line([(x - 20, y - 44), (x, y), (x + 20, y - 44)], kit.BRICK, 3)
    card = kit.rect(x - 46, y, 92, 58, kit.lit(kit.PAPER), r=5, stroke=kit.BRICK, width=2.5)
    return (
        cord
        + card
        + kit.text(x, y + 22, "New here", 16, kit.SLATE, anchor="middle")
        + kit.text(x, y + 46, name, 23, kit.NAVY, anchor="middle", weight=700)
    )


def _board() -> str:
    """The blackboard with its debate question, and children's drawings beside it."""
    out = (
        kit.rect(136, 42, 620, 300, kit.SHADOW, opacity=0.3, blur=8)
        + kit.rect(126, 30, 620, 300, kit.lit(kit.OAK), r=4)
        + kit.rect(140, 44, 592, 272, kit.gradient("#4a7263", "#345648"))
    )
    out += kit.text(452, 98, "Debate", 38, kit.YELLOW, anchor="middle", weight=700, font=kit.HAND)
    out += kit.text(452, 158, "Should newcomers", 44, kit.PAPER, anchor="middle", weight=600, font=kit.HAND) + kit.text(
        452, 210, "stay in our town?", 44, kit.PAPER, anchor="middle", weight=600, font=kit.HAND
    )
    out += (
        kit.text(260, 282, "Yes", 36, kit.PAPER, font=kit.HAND)
        + kit.text(560, 282, "No", 36, kit.PAPER, font=kit.HAND)
        + kit.line([(436, 236), (436, 304)], kit.PAPER, 3, opacity=0.8)
    )
    out += kit.rect(300, 318, 120, 8, kit.PAPER, opacity=0.9)
    for i in range(3):
        out += kit.rect(800 + (i % 2) * 104, 50 + i * 74, 92, 66, kit.lit(kit.PAPER)) + kit.ellipse(
            846 + (i % 2) * 104, 86 + i * 74, 26, 20, (kit.CORAL, kit.SKY, kit.OCHRE)[i]
        )
    return out


def _classmates() -> str:
    """Six children from behind in the foreground, one with a raised hand."""
    out = ""
    rows = [
        (64, "blond", "short", kit.BLUE),
        (226, "brown", "ponytail", kit.CORAL),
        (392, "red", "short", kit.GREEN),
        (556, "chestnut", "bob", kit.PLUM),
        (720, "blond", "long", kit.TEAL),
        (892, "brown", "crop", kit.SAND),
    ]
    for i, (x, hair, style, top) in enumerate(rows):
        y = 792 + (i % 2) * 14
        back = [
            (x - 92, y + 40),
            (x - 84, y - 44),
            (x - 44, y - 78),
            (x + 44, y - 78),
            (x + 84, y - 44),
            (x + 92, y + 40),
        ]
        shoulder = kit.path(kit.smooth(back), kit.gradient(kit.darken(top, 0.05), kit.darken(top, 0.3)))
        neck = kit.rect(x - 20, y - 104, 40, 40, kit.darken("#e8b896", 0.2), r=10)
        out += (
            neck
            + shoulder
            + people.head(Look(skin="fair", hair=hair, hair_style=style, age="child"), x, y - 148, 116, view="behind")
        )
    out += (
        kit.line([(392 + 70, 770), (500, 690), (502, 628)], kit.darken(kit.GREEN, 0.1), 30)
        + kit.line([(502, 628), (504, 596)], "#e8b896", 22)
        + kit.circle(505, 586, 15, kit.lit("#e8b896"))
    )
    return out


def draw_hate_10() -> str:
    """A class before a board with a debate question; two newcomers with badges stand beside the teacher."""
    out = props_social.room("#d6dccb", kit.wood(kit.PINE), 560)
    out += _board()
    out += props_social.potted_plant(974, 580, 190)
    teacher = Look(
        skin="fair",
        hair="grey",
        hair_style="short",
        top=kit.BRICK,
        top_kind="jacket",
        bottom=kit.SLATE,
        glasses=True,
        mood="open",
    )
    out += person(teacher, 76, 668, 560, hands=(None, (176, 286)), gaze=0.7)
    girl = Look(
        skin="olive",
        hair_style="scarf",
        hat_colour=kit.TEAL,
        top=kit.ROSE,
        top_kind="sweater",
        bottom=kit.NAVY,
        age="child",
        mood="worried",
    )
    boy = Look(
        skin="tan",
        hair="black",
        hair_style="short",
        top=kit.OCHRE,
        top_kind="tee",
        bottom="#4b5160",
        age="child",
        mood="worried",
    )
    out += person(girl, 742, 676, 384) + person(boy, 878, 680, 400, gaze=-0.4)
    out += _badge(742, 492, "Amina") + _badge(878, 484, "Yusuf")
    out += _classmates()
    return kit.picture(out)


def _sombrero(x: float, y: float, w: float, colour: str = kit.SAND) -> str:
    """A wide straw hat; x, y is the middle of its brim."""
    out = kit.path(
        f"M{x - w / 2},{y - w * 0.07}C{x - w * 0.4},{y + w * 0.17} {x + w * 0.4},{y + w * 0.17} {x + w / 2}"
        f",{y - w * 0.07}C{x + w * 0.3},{y - w * 0.01} {x - w * 0.3},{y - w * 0.01} {x - w / 2},{y - w * 0.07}"
        "Z",
        kit.lit(colour, 40, 0.2),
    )
    out += kit.path(
        f"M{x - w * 0.45},{y - w * 0.035}C{x - w * 0.34},{y + w * 0.12} {x + w * 0.34},{y + w * 0.12} "
        f"{x + w * 0.45},{y - w * 0.035}",
        stroke=kit.RED,
        width=w * 0.022,
    )
    out += kit.path(
        f"M{x - w * 0.17},{y + w * 0.02}C{x - w * 0.16},{y - w * 0.24} {x - w * 0.09},{y - w * 0.32} {x}"
        f",{y - w * 0.32}C{x + w * 0.09},{y - w * 0.32} {x + w * 0.16},{y - w * 0.24} {x + w * 0.17}"
        f",{y + w * 0.02}C{x + w * 0.06},{y + w * 0.06} {x - w * 0.06},{y + w * 0.06} {x - w * 0.17}"
        f",{y + w * 0.02}Z",
        kit.lit(colour, 30, 0.24),
    )
    band = [(x - w * 0.165, y - w * 0.05), (x, y - w * 0.01), (x + w * 0.165, y - w * 0.05)]
    return (
        out
        + kit.stroke(band, kit.GREEN, w * 0.035)
        + kit.stroke([(px, py - w * 0.04) for px, py in band], kit.RED, w * 0.02)
    )


def _moustache(x: float, y: float, w: float, stick: float = 0) -> str:
    """A black paper moustache around x, y, on a stick `stick` pixels long."""
    rod = kit.line([(x + w * 0.3, y), (x + w * 0.36, y + stick)], kit.PINE, 5) if stick else ""
    half = "M0,-3C8,-12 26,-10 34,0C40,6 50,4 52,-6C58,10 40,18 24,14C12,12 2,8 0,4Z"
    return (
        rod
        + kit.group(kit.path(half, kit.INK), move=(x, y), scale=w / 104)
        + kit.group(kit.path(half, kit.INK), move=(x, y), scale=(-w / 104, w / 104))
    )


def _team() -> str:
    """Four colleagues, two in sombreros, one with a paper moustache."""
    left = Look(
        skin="pale", hair="blond", hair_style="bob", top=kit.TEAL, top_kind="sweater", bottom=kit.SLATE, mood="smile"
    )
    two = Look(skin="fair", hair="brown", top=kit.BLUE, top_kind="shirt", bottom=kit.INK, mood="smile", glasses=True)
    three = Look(
        skin="pale", hair="red", hair_style="ponytail", top=kit.OCHRE, top_kind="shirt", bottom=kit.NAVY, mood="smile"
    )
    four = Look(skin="fair", hair="grey", top=kit.PLUM, top_kind="jacket", bottom=kit.SLATE, mood="smile", build=1.1)
    out = (
        person(left, 92, 780, 566, gaze=0.6)
        + _sombrero(92, 232, 196)
        + person(two, 262, 770, 590, gaze=0.5, hands=(None, (316, 396)))
    )
    out += _moustache(266, 252, 70, 0) + kit.line([(296, 254), (316, 396)], kit.PINE, 5)
    out += (
        person(three, 760, 774, 560, gaze=-0.6, hands=((664, 560), None))
        + person(four, 930, 780, 596, gaze=-0.6)
        + _sombrero(930, 206, 204, "#e3c27e")
    )
    return out


def draw_hate_07() -> str:
    """Colleagues round a box of straw sombreros and paper moustaches; a new colleague comes in behind the glass."""
    out = props_social.room("#d5dbe0", kit.gradient("#9aa3ad", "#7f8894"), 548)
    out += (
        kit.rect(404, 150, 236, 398, kit.lit("#5a6478"))
        + kit.rect(416, 162, 212, 386, kit.gradient("#cfe0e8", "#a5b9c6"))
        + kit.rect(416, 440, 212, 108, "#93a2ae", opacity=0.6)
    )
    guest = Look(
        skin="olive",
        hair="black",
        hair_style="bun",
        top=kit.NAVY,
        top_kind="jacket",
        bottom=kit.NAVY,
        mood="smile",
        shoes="#2a2730",
    )
    out += (
        person(guest, 520, 546, 344)
        + kit.rect(552, 414, 62, 50, kit.lit(kit.WALNUT), r=6)
        + kit.path("M566,414c4,-30 30,-30 34,0", stroke=kit.WALNUT, width=4)
    )
    out += kit.poly([(416, 162), (520, 162), (440, 548), (416, 548)], "#ffffff", opacity=0.26) + kit.rect(
        604, 350, 9, 70, kit.STEEL, r=4
    )
    banner = "M120,46C380,92 640,92 904,46L904,116C640,162 380,162 120,116Z"
    out += (
        kit.path(banner, kit.SHADOW, opacity=0.2, blur=6)
        + kit.path(banner, kit.gradient("#fffaf0", "#eaddc2"))
        + kit.text(512, 126, "Welcome, Guadalupe", 50, kit.BRICK, anchor="middle", weight=800)
    )
    out += _team()
    out += kit.poly([(150, 610), (880, 610), (1010, 790), (20, 790)], kit.wood(kit.OAK)) + kit.poly(
        [(150, 610), (880, 610), (884, 618), (146, 618)], kit.lighten(kit.OAK, 0.5)
    )
    out += kit.contact(512, 726, 340, 22) + _sombrero(440, 604, 220, "#e3c27e") + _sombrero(590, 596, 226)
    for i, x in enumerate((420, 500, 616)):
        out += _moustache(x, 574 - i % 2 * 22, 84, 60)
    out += _sombrero(516, 640, 236, "#dcb878")
    out += kit.poly([(356, 640), (668, 640), (650, 732), (374, 732)], kit.lit("#b98f5c", 20, 0.16)) + kit.poly(
        [(356, 640), (668, 640), (700, 612), (660, 626), (362, 626), (322, 612)], "#d3ab74"
    )
    out += (
        kit.contact(244, 716, 130)
        + kit.rect(184, 668, 122, 48, kit.lit("#f4e3d0"), r=6)
        + kit.ellipse(245, 668, 61, 15, "#fff6ea")
        + kit.stroke([(184, 690), (214, 698), (245, 690), (276, 698), (306, 690)], kit.CORAL, 7)
    )
    out += kit.line([(245, 664), (245, 634)], kit.SKY, 6) + kit.ellipse(245, 626, 5, 9, "#ffcf6a")
    return kit.picture(out)


def draw_hate_08() -> str:
    """A birthday dinner table: upright chopsticks in the rice, white chrysanthemums, a framed portrait."""
    out = props_social.room("#cfc3b0", kit.wood(kit.WALNUT), 420) + kit.rect(60, 30, 300, 300, kit.lit("#7a5a40"))
    for i in range(3):
        for j in range(4):
            out += kit.rect(72 + i * 96, 42 + j * 72, 86, 64, kit.gradient("#fbf4e2", "#eadfc4"))
    out += interiors.picture_frame(
        706,
        60,
        240,
        170,
        kit.rect(700, 50, 260, 190, kit.gradient("#c9dbe2", "#f0e3cf")),
        kit.poly([(716, 220), (830, 96), (940, 220)], kit.SLATE),
        kit.poly([(800, 130), (830, 96), (860, 132), (840, 126), (826, 138)], kit.PAPER),
    )
    out += kit.poly([(20, 372), (1004, 372), (1160, 790), (-136, 790)], kit.wood("#a8764a")) + kit.poly(
        [(20, 372), (1004, 372), (1008, 384), (16, 384)], kit.lighten(kit.OAK, 0.3)
    )
    out += (
        kit.contact(512, 424, 190)
        + kit.rect(426, 216, 172, 208, kit.lit("#26242c"), r=3)
        + kit.group(
            props_social.portrait(
                Look(skin="fair", hair="grey", hair_style="bun", age="elder", top=kit.SLATE, mood="calm"),
                140,
                176,
                "#c9c6c2",
            ),
            move=(442, 232),
        )
    )
    for side in (-1, 1):
        out += kit.poly(
            [(512, 218), (512 + side * 92, 244), (512 + side * 88, 268), (512, 236)], "#16151b", opacity=0.94
        )
    for x in (318, 706):
        out += kit.contact(x, 436, 76) + kit.path(
            f"M{x - 26},{348}C{x - 40},{384} {x - 36},{430} {x},{438}C{x + 36},{430} {x + 40},{384} {x + 26},{348}Z",
            kit.gradient("#e5edf0", "#8fa3ad", 0),
        )
        for i, (dx, dy) in enumerate(((-46, -34), (44, -38), (0, -76), (-24, -4), (28, -2))):
            out += kit.line([(x, 352), (x + dx, 344 + dy)], kit.MOSS, 4) + _chrysanthemum(x + dx, 336 + dy, 34 - i)
    for x, y, s in ((214, 520, 0.86), (810, 520, 0.86), (252, 690, 1.16), (772, 690, 1.16)):
        out += _place(x, y, s)
    out += kit.rect(424, 588, 190, 92, kit.SHADOW, opacity=0.35, blur=7)
    for i in range(4):
        y = 672 - i * 11
        cloth = [(430, y - 92), (590, y - 92), (606, y), (414, y)]
        out += kit.poly(cloth, kit.lit("#e8a79a", 60, 0.1)) + kit.line(
            [(414, y), (606, y)], kit.darken("#e8a79a", 0.3), 2
        )
    out += kit.line([(512, 547), (512, 639)], kit.darken("#e8a79a", 0.2), 2, opacity=0.6)
    return kit.picture(out, mood="#ffe3b8")


def _chrysanthemum(x: float, y: float, r: float) -> str:
    """A white chrysanthemum bloom."""
    side, tall = r * 0.16, f"{-r:.1f}"
    petal = (
        f"M0,0C{-side:.1f},{-r * 0.4:.1f} {-side:.1f},{tall} 0,{tall}C{side:.1f},{tall} {side:.1f},{-r * 0.4:.1f} 0,0Z"
    )
    out = kit.circle(x, y, r * 0.7, "#d9d7cc")
    for ring, count in ((1.0, 18), (0.72, 14), (0.42, 9)):
        for i in range(count):
            out += kit.group(
                kit.path(petal, "#fdfcf6" if i % 2 else "#eceade"),
                move=(x, y),
                rotate=i * 360 / count + ring * 40,
                scale=ring,
            )
    return out + kit.circle(x, y, r * 0.14, "#e4dca0")


def _place(x: float, y: float, s: float) -> str:
    """One setting: a mat with grilled fish and a rice bowl in which chopsticks stand upright; scale s."""
    out = kit.poly([(-132, -46), (132, -46), (146, 44), (-146, 44)], kit.weave("#5d6f5e")) + kit.contact(
        58, 26, 150, 14
    )
    out += kit.ellipse(62, 10, 76, 25, kit.lit("#dfe6e4")) + kit.ellipse(62, 8, 62, 18, "#c9d3d2")
    out += kit.path(
        "M10,8C30,-12 76,-12 98,4L118,-6L112,18L98,10C74,22 32,22 10,8Z", kit.lit("#b98a58", 50, 0.25)
    ) + kit.circle(26, 5, 2.5, kit.INK)
    for i in range(3):
        out += kit.line([(48 + i * 14, -1), (42 + i * 14, 13)], "#6e4526", 3)
    out += kit.contact(-66, 30, 110, 14) + kit.path(
        "M-122,-38C-120,6 -96,28 -66,28C-36,28 -12,6 -10,-38Z", kit.gradient("#5f7fa6", "#2b3f6b", 0)
    )
    out += kit.ellipse(-66, -38, 56, 15, "#dfe6ea") + kit.path(
        "M-116,-38C-104,-74 -28,-74 -16,-38C-40,-26 -92,-26 -116,-38Z", kit.lit("#fbf8ef", 50, 0.12)
    )
    for i in range(14):
        out += kit.ellipse(-104 + (i * 29) % 78, -46 - (i * 7) % 16, 5, 2.4, "#e3dccb")
    for dx in (-6, 9):
        out += kit.line([(-68 + dx, -54), (-70 + dx * 2.0, -152)], kit.darken(kit.RED, 0.25), 6.5) + kit.line(
            [(-70 + dx * 2, -152), (-70 + dx * 1.9, -140)], kit.OCHRE, 6.5
        )
    return kit.group(out, move=(x, y), scale=s)


def draw_hate_14() -> str:
    """A seated stone Buddha with people at prayer; a tourist has climbed onto the plinth and spreads his arms."""
    stone = "#b3ab9b"
    out = kit.rect(0, 0, kit.WIDTH, 520, kit.gradient("#a9cfe2", "#e9efdc"))
    for i in range(16):
        x, r = i * 72 - 20, 70 + (i * 37) % 44
        out += kit.ellipse(
            x, 380 - (i * 53) % 90, r, r * 1.1, kit.lit(kit.mix("#7fa078", "#4f7558", ((i * 3) % 8) / 8))
        )
    out += kit.haze(400, 160, "#eef0dc", 0.5) + kit.rect(0, 470, kit.WIDTH, 298, kit.gradient("#ddd0b4", "#c4b491"))
    cam = Camera(horizon=330, eye=1.5, focal=900)
    out += "".join(
        kit.line([cam.at(i * 0.9, 0, 9.6), cam.at(i * 0.9, 0, 3)], "#a39473", 1.3, opacity=0.5) for i in range(-9, 10)
    )
    out += (
        kit.contact(512, 560, 640, 30)
        + kit.rect(226, 470, 572, 90, kit.gradient(kit.lighten(stone, 0.1), kit.darken(stone, 0.26)))
        + kit.rect(206, 450, 612, 28, kit.lit(stone))
    )
    for i in range(13):
        out += kit.path(f"M{232 + i * 44},504c6,-22 32,-22 38,0c-6,26 -32,26 -38,0Z", kit.darken(stone, 0.1))
    out += _buddha(512, 452, stone)
    lad = Look(
        skin="pale",
        hair="blond",
        hat="cap",
        hat_colour=kit.RED,
        top=kit.CORAL,
        bottom=kit.NAVY,
        bottom_kind="shorts",
        shoes="#4a3a30",
        mood="smile",
    )
    out += person(lad, 716, 452, 250, hands=((610, 276), (826, 262)), feet=((652, 404), (734, 448)), shadow=False)
    for x in (262, 330, 398):
        out += kit.contact(x, 584, 50) + kit.path(f"M{x - 22},{556}Q{x},{600} {x + 22},{556}Z", kit.lit(kit.OCHRE))
        for j in (-8, 0, 8):
            out += kit.line([(x + j * 0.6, 560), (x + j, 512)], kit.BRICK, 2.4) + kit.stroke(
                [(x + j, 510), (x + j - 8, 478), (x + j + 5, 446)], "#ffffff", 4, opacity=0.3
            )
    for i in range(15):
        out += kit.circle(
            446 + (i * 23) % 150, 566 + (i * 11) % 20, 10, kit.lit((kit.ROSE, "#fbf6ec", kit.YELLOW)[i % 3], 50, 0.2)
        )
    for i, x in enumerate((150, 330, 520, 690)):
        prays = Look(
            skin=("brown", "deep", "brown", "tan")[i],
            hair=("black", "grey", "black", "black")[i],
            hair_style=("bun", "crop", "bun", "short")[i],
            top="#f1ede2",
        )
        out += props_social.praying(prays, x, 712, 210)
    return kit.picture(out)


def _buddha(x: float, y: float, stone: str) -> str:
    """A seated stone Buddha in meditation on the line y."""
    light, dark = kit.lighten(stone, 0.25), kit.darken(stone, 0.3)
    paint = kit.gradient(light, dark, 50)
    out = kit.blob(
        [
            (x - 220, y - 6),
            (x - 206, y - 60),
            (x - 90, y - 92),
            (x + 90, y - 92),
            (x + 206, y - 60),
            (x + 220, y - 6),
            (x, y + 4),
        ],
        paint,
    )
    out += kit.stroke([(x - 150, y - 30), (x - 20, y - 46), (x + 130, y - 22)], dark, 5, opacity=0.5)
    out += kit.blob(
        [
            (x - 128, y - 80),
            (x - 132, y - 190),
            (x - 84, y - 248),
            (x, y - 262),
            (x + 84, y - 248),
            (x + 132, y - 190),
            (x + 128, y - 80),
            (x, y - 60),
        ],
        paint,
    )
    for side in (-1, 1):
        out += kit.stroke(
            [(x + side * 110, y - 222), (x + side * 146, y - 140), (x + side * 108, y - 78), (x + side * 24, y - 66)],
            kit.mix(stone, dark, 0.3 if side > 0 else 0.05),
            46,
        )
    out += kit.ellipse(x, y - 66, 46, 20, kit.lit(stone)) + kit.stroke(
        [(x + 70, y - 246), (x - 10, y - 190), (x - 96, y - 110)], dark, 5, opacity=0.6
    )
    return out + _stone_face(x, y, stone, dark, paint)


def _stone_face(x: float, y: float, stone: str, dark: str, paint: str) -> str:
    """Neck and head of the statue on the line y."""
    out = kit.rect(x - 30, y - 286, 60, 50, kit.gradient(dark, stone), r=14)
    for side in (-1, 1):
        out += kit.ellipse(x + side * 62, y - 318, 11, 34, kit.mix(stone, dark, 0.35))
    out += (
        kit.ellipse(x, y - 334, 60, 72, paint)
        + kit.path(
            f"M{x - 64},{y - 344}C{x - 66},{y - 424} {x + 66},{y - 424} {x + 64},{y - 344}C{x + 40},{y - 376} "
            f"{x - 40},{y - 376} {x - 64},{y - 344}Z",
            kit.gradient(stone, dark, 50),
        )
        + kit.ellipse(x, y - 412, 24, 18, kit.lit(stone))
    )
    for i in range(26):
        out += kit.circle(
            x - 44 + (i * 31) % 88, y - 390 + (i * 13) % 22 + abs((i * 31) % 88 - 44) * 0.3, 5, dark, opacity=0.35
        )
    for side in (-1, 1):
        out += kit.stroke(
            [(x + side * 38, y - 332), (x + side * 24, y - 325), (x + side * 11, y - 331)], dark, 3.5
        ) + kit.stroke([(x + side * 40, y - 350), (x + side * 24, y - 357), (x + side * 9, y - 347)], dark, 3)
    return (
        out
        + kit.stroke([(x, y - 342), (x + 5, y - 314), (x - 5, y - 311)], dark, 3)
        + kit.stroke([(x - 15, y - 292), (x, y - 288), (x + 15, y - 292)], dark, 4)
    )
