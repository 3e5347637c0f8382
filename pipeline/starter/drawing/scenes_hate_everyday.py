"""Pictures of the hate speech scenarios at a desk, in a stairwell and at a shared meal."""

import math

from pipeline.starter.drawing import interiors, kit, objects, props_social, screens
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, head, person

_DARK_HAIR = "#2a2730"


def _braids(x: float, y: float, s: float) -> str:
    """Two bunches of braids that hang beside a face whose middle is x, y; s is the head's height."""
    out = ""
    for side in (-1, 1):
        for k in range(3):
            for i in range(7):
                px, py = x + side * s * (0.36 + 0.07 * k), y - s * 0.16 + i * s * 0.1 + k * s * 0.04
                out += kit.ellipse(px, py, s * 0.045, s * 0.06, kit.lit(_DARK_HAIR, 60, 0.2))
            out += kit.circle(
                x + side * s * (0.36 + 0.07 * k),
                y + s * (0.56 + 0.04 * k),
                s * 0.045,
                (kit.CORAL, kit.YELLOW, kit.SKY)[k],
            )
    return out


def _pupil(x: float, y: float, s: float, look: Look, extra: str = "") -> str:
    """Head and shoulders of a child in the class photo; `extra` is braids or puffs."""
    body = [
        (x - s * 0.7, y + s * 1.5),
        (x - s * 0.6, y + s * 0.8),
        (x - s * 0.24, y + s * 0.6),
        (x + s * 0.24, y + s * 0.6),
        (x + s * 0.6, y + s * 0.8),
        (x + s * 0.7, y + s * 1.5),
    ]
    out = kit.rect(
        x - s * 0.13, y + s * 0.36, s * 0.26, s * 0.36, kit.darken(look.skin_colour, 0.16), r=s * 0.1
    ) + kit.path(kit.smooth(body), kit.lit(look.top))
    if extra == "puffs":
        out += "".join(
            kit.circle(x + side * s * 0.46, y - s * 0.42, s * 0.27, kit.lit(_DARK_HAIR, 60, 0.22)) for side in (-1, 1)
        )
    return out + (_braids(x, y, s) if extra == "braids" else "") + head(look, x, y, s)


def _class_photo() -> str:
    """A printed photo of a class in two rows, 440 x 290 at 0, 0."""
    rows = [
        ("pale", "blond", "bob", kit.TEAL, ""),
        ("fair", "brown", "short", kit.OCHRE, ""),
        ("deep", "black", "bun", kit.CORAL, "braids"),
        ("pale", "red", "short", kit.NAVY, ""),
        ("fair", "chestnut", "bun", kit.SAGE, ""),
    ]
    rows += [
        ("brown", "black", "bun", kit.YELLOW, "puffs"),
        ("fair", "blond", "short", kit.BLUE, ""),
        ("deep", "black", "bun", kit.ROSE, "braids"),
        ("pale", "brown", "bob", kit.PLUM, ""),
    ]
    inside = kit.rect(0, 0, 416, 266, kit.gradient("#bfd6dc", "#dfe6d8"))
    for i, (skin, hair, style, top, extra) in enumerate(rows):
        look = Look(skin=skin, hair=hair, hair_style=style, top=top, age="child", mood="smile")
        x, y = (50 + i * 79, 76) if i < 5 else (88 + (i - 5) * 80, 172)
        inside += _pupil(x, y, 62, look, extra)
    return (
        kit.rect(8, 12, 440, 290, kit.SHADOW, opacity=0.35, blur=8)
        + kit.rect(0, 0, 440, 290, kit.PAPER)
        + kit.group(kit.clipped("M0,0H416V266H0Z", inside), move=(12, 12))
    )


def _desk(edge: float) -> str:
    """A wooden desk from `edge` down to the viewer, before a classroom wall with a window."""
    out = props_social.room("#d3d9cf", kit.wood(kit.OAK), edge) + interiors.window(90, -60, 300, edge + 10)
    out += kit.poly([(-40, edge), (1064, edge), (1160, 790), (-136, 790)], kit.wood("#b98a58"))
    return out + kit.poly([(-40, edge), (1064, edge), (1066, edge + 12), (-43, edge + 12)], kit.lighten(kit.PINE, 0.35))


def draw_hate_04() -> str:
    """A teacher's desk with a handwritten list of rules about hair and a class photo."""
    out = _desk(150) + objects.pot_plant(900, 146, 130)
    words = kit.text(34, 56, "Neat heads, term 2", 34, kit.NAVY, weight=700, font=kit.HAND)
    for i, rule in enumerate(("No braids", "No locs", "No puffs", "Hair must lie flat")):
        words += kit.circle(46, 116 + i * 62, 6, kit.BRICK) + kit.text(
            68, 127 + i * 62, rule, 34, kit.NAVY, font=kit.HAND
        )
    sheet = props_social.sheet(430, 400, kit.line([(26, 72), (400, 72)], kit.BRICK, 3), words, lines=0)
    out += kit.group(sheet, move=(80, 262), rotate=-4) + kit.group(_class_photo(), move=(560, 230), rotate=5)
    for i, colour in enumerate((kit.RED, kit.OCHRE, kit.GREEN, kit.BLUE)):
        out += props_social.pen(590 + i * 34, 640 + i * 22, 170, -14 + i * 6, colour)
    return kit.picture(out + props_social.mug(938, 690, 112, kit.TEAL))


def _application(name: str, street: str, colour: str) -> str:
    """A printed application with a name, an address and a list of jobs, 300 x 330 at 0, 0."""
    out = (
        kit.rect(0, 0, 300, 330, kit.gradient("#fefdfa", "#ebe7dd", 60))
        + kit.rect(0, 0, 300, 12, colour)
        + kit.text(24, 58, name, 30, kit.INK, weight=700)
        + kit.text(24, 88, street, 20, kit.SLATE)
    )
    for i, job in enumerate(("Cook", "Shift lead", "Driver")):
        out += kit.text(24, 138 + i * 60, job, 22, kit.INK, weight=600) + screens.grey_lines(
            24, 154 + i * 60, 240, 2, gap=15
        )
    return out


def _tray(x: float, y: float, colour: str, page: str) -> str:
    """A letter tray with a pile of papers and `page` on top; x, y is the upper left corner of the top page."""
    out = kit.contact(x + 160, y + 366, 400, 26)
    out += kit.poly(
        [(x - 40, y + 60), (x + 340, y + 60), (x + 364, y + 372), (x - 64, y + 372)], kit.lit(kit.darken(colour, 0.3))
    )
    for i in range(6):
        out += kit.group(
            kit.rect(0, 0, 300, 330, "#e9e5db", stroke="#c9c4b8", width=1),
            move=(x + 4 - i % 3 * 3, y + 24 - i * 4),
            rotate=(i % 3) - 1,
        )
    out += kit.group(page, move=(x, y))
    return (
        out
        + kit.poly([(x - 64, y + 330), (x + 364, y + 330), (x + 360, y + 384), (x - 60, y + 384)], kit.lit(colour))
        + kit.rect(x + 110, y + 346, 80, 22, kit.PAPER, r=4)
    )


def draw_hate_06() -> str:
    """Two letter trays full of applications on an office desk."""
    out = _desk(140) + objects.table_lamp(522, 250, 220) + objects.pot_plant(940, 132, 120)
    out += _tray(120, 300, kit.TEAL, _application("Anna Lindner", "4 Park Street", kit.TEAL))
    out += _tray(610, 300, kit.OCHRE, _application("Kofi Asante", "9 Station Road", kit.TEAL))
    return kit.picture(out + props_social.mug(508, 560, 96, kit.CORAL) + props_social.pen(462, 660, 130, 24))


def _marigolds(x0: float, x1: float, y: float, sag: float) -> str:
    """A swag of marigolds with hanging strands at both ends."""
    out = ""
    count = int((x1 - x0) / 14)
    for i in range(count + 1):
        t = i / count
        out += kit.circle(
            x0 + (x1 - x0) * t,
            y + sag * 4 * t * (1 - t),
            11,
            kit.lit((kit.OCHRE, "#d9662e", kit.YELLOW)[i % 3], 50, 0.2),
        )
    for x in (x0, x1):
        out += "".join(kit.circle(x, y + i * 18, 11, kit.lit((kit.OCHRE, "#d9662e")[i % 2], 50, 0.2)) for i in range(7))
        out += kit.path(f"M{x - 9},{y + 124}q9,34 18,0z", kit.lit(kit.GREEN))
    return out


def _flat_door(x: float, y: float, w: float, h: float) -> str:
    """A plain flat door with a bell and a peephole; x, y is its upper left corner."""
    out = interiors.door(x, y, w, h, "#6d7f86")
    return (
        out
        + kit.circle(x + w / 2, y + h * 0.3, w * 0.03, kit.OCHRE)
        + kit.rect(x + w * 1.16, y + h * 0.48, w * 0.09, w * 0.13, kit.PAPER, r=2)
    )


def draw_hate_11() -> str:
    """A stairwell: one flat door with marigolds, sandals and a name plate; a hand holds tape to it."""
    cam = Camera(horizon=330, eye=1.55, focal=900, centre=640)
    out = interiors.room(cam, wall="#d9d4c4", floor="#b9b4a8", kind="tiles", depth=5.4, height=2.9, width=9)
    out += (
        _flat_door(760, 200, 108, 384)
        + _flat_door(926, 200, 108, 384)
        + kit.rect(604, 240, 124, 104, kit.lit(kit.OAK), r=3)
        + kit.rect(612, 248, 108, 88, kit.speckle("#c99f68"))
    )
    out += kit.text(666, 230, "Notices", 20, kit.SLATE, anchor="middle", weight=600)
    out += (
        kit.rect(96, 24, 420, 700, kit.lit("#efe8da"))
        + kit.rect(122, 48, 368, 676, kit.lit("#7d5a48"))
        + kit.contact(306, 726, 430, 12)
    )
    for y, h in ((330, 150), (510, 170)):
        out += kit.rect(160, y, 292, h, "none", stroke=kit.darken("#7d5a48", 0.25), width=4) + kit.rect(
            164, y + 4, 292, h, "none", stroke=kit.lighten("#7d5a48", 0.25), width=2
        )
    out += (
        kit.circle(466, 430, 15, kit.lit(kit.OCHRE))
        + kit.rect(196, 176, 220, 58, kit.lit("#d8b765"), r=4)
        + kit.text(306, 213, "Family Krishnan", 25, kit.INK, anchor="middle", weight=600)
    )
    out += (
        _marigolds(128, 484, 62, 26)
        + kit.poly([(110, 726), (500, 726), (540, 766), (76, 766)], kit.lit("#b5453f"))
        + kit.poly([(130, 734), (484, 734), (512, 758), (104, 758)], kit.lit("#c9763f"))
    )
    for i in range(4):
        for side in (0, 20):
            x, size = 556 + i * 58 + side, (22, 20, 15, 13)[i]
            out += (
                kit.ellipse(x + 3, 712, size * 0.42, 6, kit.SHADOW, opacity=0.3, blur=2)
                + kit.ellipse(x, 706, size * 0.36, size, kit.lit(("#6a4630", "#8e2f4b", kit.TEAL, kit.OCHRE)[i]))
                + kit.stroke([(x - size * 0.3, 704), (x, 696), (x + size * 0.3, 704)], kit.CREAM, 3)
            )
    return kit.picture(out + _taping_arm())


def _taping_arm() -> str:
    """An arm from the lower right that presses a strip of tape and a blank sheet against the door."""
    skin, sleeve = "#e8b896", kit.NAVY
    sheet = (
        kit.rect(6, 8, 196, 150, kit.SHADOW, opacity=0.3, blur=5)
        + kit.rect(0, 0, 196, 150, kit.lit(kit.PAPER))
        + kit.rect(66, -14, 64, 28, "#f6ecb8", opacity=0.85)
    )
    out = kit.group(sheet, move=(214, 300), rotate=-3)
    out += kit.line([(860, 760), (640, 560)], kit.darken(sleeve, 0.1), 112) + kit.line(
        [(852, 744), (640, 548)], kit.lighten(sleeve, 0.12), 40, opacity=0.35
    )
    out += kit.line([(640, 560), (450, 400)], kit.lit(skin), 58) + kit.ellipse(428, 384, 44, 38, kit.lit(skin))
    for i, (x, y) in enumerate(((352, 322), (368, 306), (390, 298))):
        out += kit.line([(412 + i * 12, 372 - i * 6), (x, y)], kit.mix(skin, kit.darken(skin, 0.12), i / 3), 23)
    return out + kit.line([(420, 398), (376, 384)], kit.darken(skin, 0.06), 24)


def _feast_table() -> str:
    """A long table with dates, soup, water and flat bread."""
    out = kit.poly([(-20, 452), (1044, 452), (1160, 790), (-136, 790)], kit.gradient("#f4eee0", "#ddd2bd")) + kit.poly(
        [(430, 452), (594, 452), (640, 790), (384, 790)], kit.weave("#3d7a72")
    )
    for x in (96, 274, 742, 926):
        out += (
            kit.contact(x, 520, 100)
            + kit.path(f"M{x - 54},476Q{x},562 {x + 54},476Z", kit.gradient("#7fa6b8", "#3f6478", 0))
            + kit.ellipse(x, 476, 54, 15, "#e3edf0")
            + kit.ellipse(x, 477, 46, 11, kit.lit("#d98f3c"))
        )
    for x in (188, 836):
        out += kit.contact(x, 530, 44) + kit.rect(
            x - 17, 460, 34, 68, kit.gradient("#eef6f8", "#a9c6d0", 0), r=5, opacity=0.9
        )
    out += (
        kit.contact(512, 530, 190, 20)
        + kit.ellipse(512, 516, 98, 30, kit.lit("#c99f5a"))
        + kit.ellipse(512, 512, 84, 23, "#e6cf9d")
    )
    for i in range(17):
        a, r = i * 2.4, (i / 17) ** 0.5
        out += kit.group(
            kit.ellipse(0, 0, 14, 9, kit.lit("#6e3a22", 50, 0.25)),
            move=(512 + 66 * r * math.cos(a), 508 + 16 * r * math.sin(a)),
            rotate=i * 47,
        )
    for i, (x, y) in enumerate(((214, 620), (238, 608))):
        out += (
            kit.contact(x, y + 24, 170, 16)
            + kit.ellipse(x, y, 96, 32, kit.lit(("#d9a860", "#e6bd7a")[i]))
            + "".join(kit.circle(x - 50 + k * 24, y - 6 + (k * 7) % 14, 5, "#b5803c", opacity=0.6) for k in range(5))
        )
    return out


def _sausages() -> str:
    """A plate of grilled sausages with a pig on a paper flag."""
    out = (
        kit.contact(570, 690, 300, 26)
        + kit.ellipse(566, 668, 160, 48, kit.lit("#f6f1e6"))
        + kit.ellipse(566, 664, 132, 36, "#e2dccd")
    )
    for i in range(4):
        x, y = 500 + i * 42, 668 - (i % 2) * 10
        out += kit.stroke([(x - 46, y + 8), (x, y + 13), (x + 46, y - 4)], "#6e3022", 27) + kit.stroke(
            [(x - 45, y + 5), (x, y + 10), (x + 44, y - 7)], "#b4643f", 20
        )
        out += "".join(kit.line([(x - 22 + k * 22, y - 2), (x - 14 + k * 22, y + 15)], "#6e3022", 3) for k in range(3))
    out += (
        kit.line([(560, 664), (548, 548)], kit.PINE, 5)
        + kit.poly([(549, 548), (648, 556), (646, 624), (556, 616)], kit.lit(kit.PAPER))
        + _pig(600, 588, 34)
    )
    return out


def draw_hate_17() -> str:
    """Families at a table at sunset; a guest holds a plate of sausages with a pig on a paper flag."""
    cam = Camera(horizon=300, eye=1.6, focal=900)
    sunset = (
        kit.rect(0, 0, kit.WIDTH, 400, kit.gradient("#e8875a", "#f7d79a"))
        + kit.circle(512, 250, 56, "#fff0c0")
        + kit.ellipse(300, 300, 400, 60, "#8a5a6a")
        + kit.ellipse(800, 306, 400, 56, "#7d5266")
    )
    out = interiors.room(cam, wall="#dccbb0", floor=kit.OAK, depth=5.6, height=2.9, width=9) + interiors.window(
        352, 90, 320, 190, view=sunset
    )
    for x in (150, 874):
        out += (
            kit.circle(x, 170, 60, kit.glow("#ffe2a0cc", "#ffe2a000"))
            + kit.line([(x, 30), (x, 140)], kit.WALNUT, 3)
            + kit.path(f"M{x - 24},150L{x},138L{x + 24},150L{x + 16},196H{x - 16}Z", kit.lit(kit.OCHRE))
            + kit.rect(x - 10, 156, 20, 34, "#fff1c4", r=4)
        )
    family = [
        ("olive", "scarf", kit.TEAL, "adult", 96),
        ("tan", "short", "#e8e0cc", "adult", 240),
        ("tan", "short", kit.OCHRE, "child", 356),
        ("brown", "scarf", kit.PLUM, "elder", 640),
        ("brown", "short", "#c9d3d6", "elder", 780),
        ("olive", "scarf", kit.ROSE, "teen", 920),
    ]
    for i, (skin, style, top, age, x) in enumerate(family):
        hat = "beanie" if style == "short" and age != "child" else ""
        look = Look(
            skin=skin,
            hair="grey" if age == "elder" else "black",
            hair_style=style,
            hat=hat,
            hat_colour=(top if style == "scarf" else "#f4f0e4"),
            top=kit.darken(top, 0.1),
            top_kind="shirt",
            age=age,
            beard=i in (1, 4),
            mood="smile",
        )
        out += person(look, x, 780, 600 if age != "child" else 500, gaze=0.5 if x < 512 else -0.5, shadow=False)
    out += (
        _feast_table()
        + kit.line([(900, 800), (726, 704)], kit.lit(kit.CORAL), 92)
        + kit.line([(726, 704), (660, 676)], "#e8b896", 46)
    )
    out += _sausages()
    return kit.picture(out + kit.line([(672, 684), (716, 664)], kit.darken("#e8b896", 0.06), 24), mood="#ffd9a0")


def _pig(x: float, y: float, r: float) -> str:
    """A small drawing of a pig's head."""
    pink, dark = "#eaa6a6", "#b86a70"
    out = "".join(
        kit.poly(
            [(x + s * r * 0.2, y - r * 0.6), (x + s * r * 0.85, y - r * 0.85), (x + s * r * 0.7, y - r * 0.1)], dark
        )
        for s in (-1, 1)
    )
    out += kit.circle(x, y, r * 0.78, pink) + kit.ellipse(x, y + r * 0.22, r * 0.36, r * 0.26, dark, opacity=0.7)
    out += "".join(
        kit.circle(x + s * r * 0.13, y + r * 0.22, r * 0.07, "#6e3a40")
        + kit.circle(x + s * r * 0.32, y - r * 0.2, r * 0.08, kit.INK)
        for s in (-1, 1)
    )
    return out
