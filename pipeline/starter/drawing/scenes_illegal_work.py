"""More pictures of illegal activity: a reception, an old house front, a strawberry field."""

from pipeline.starter.drawing import interiors, kit, objects, outdoors, screens
from pipeline.starter.drawing.people import Look, person

_TEAM = (
    Look(
        skin="pale",
        hair="blond",
        hair_style="ponytail",
        top="#ffffff",
        top_kind="shirt",
        bottom="#dfe8ea",
        mood="smile",
    ),
    Look(skin="deep", hair="black", hair_style="crop", beard=True, top="#6fb3ad", bottom="#6fb3ad", mood="smile"),
    Look(
        skin="olive",
        hair_style="scarf",
        hat_colour="#7d93b5",
        top="#6fb3ad",
        top_kind="sweater",
        bottom="#3f5f66",
        mood="smile",
    ),
    Look(
        skin="fair",
        hair="grey",
        age="elder",
        glasses=True,
        top="#ffffff",
        top_kind="coat",
        accent="#a9cbe8",
        bottom="#5b6575",
        mood="smile",
    ),
)

_PICKERS = (
    (
        430,
        520,
        210,
        Look(
            skin="tan",
            hair="black",
            hair_style="crop",
            top="#b8a06a",
            bottom="#5b5f70",
            age="child",
            mood="worried",
        ),
    ),
    (
        690,
        610,
        250,
        Look(skin="brown", hair="black", hair_style="ponytail", top="#8a5f6a", bottom="#4f5a4a", age="child"),
    ),
    (
        330,
        690,
        270,
        Look(
            skin="olive",
            hair="brown",
            hair_style="short",
            hat="cap",
            hat_colour="#7a6a4a",
            top="#5f7f86",
            bottom="#6a5a48",
            age="child",
        ),
    ),
)


def draw_illegal_01() -> str:
    """A dental reception with a monitor that carries a note; a photo light stands before it."""
    cam = kit.Camera(horizon=240, eye=1.5)
    out = [interiors.room(cam, wall="#cfe0dd", floor="#d6d2c6", kind="tiles", depth=6.5, width=8)]
    out.append(
        kit.rect(90, 90, 300, 84, "#ffffff", r=12)
        + kit.path(
            "M124,104C112,104 106,114 110,128C113,138 114,158 121,158C127,158 126,142 132,142C138,142 137,158 "
            "143,158C150,158 151,138 154,128C158,114 152,104 140,104C136,104 134,107 132,107C130,107 128,104 "
            "124,104Z",
            kit.TEAL,
        )
        + kit.text(172, 132, "Dental practice", 24, kit.TEAL, weight=700)
        + kit.text(172, 156, "Hill Street", 18, kit.SLATE)
    )
    out.append(interiors.door(*interiors.wall_shape(cam, 2.0, 0, 6.5, 0.9, 2.05), "#e3e7e3"))
    for i, x in enumerate((-3.2, -2.5)):
        cx, cy = cam.at(x, 0, 5.8)
        out.append(interiors.chair(cx, cy, 160, ("#3d8a8c", "#d29a3d")[i]))
    for i, look in enumerate(_TEAM):
        px, py = cam.at(-1.5 + 0.62 * i, 0, 5.6)
        out.append(person(look, px, py, (1.66, 1.8, 1.64, 1.74)[i] * cam.scale(5.6), gaze=0.3 - 0.2 * i))
    out.append(
        kit.poly([(430, 560), (1040, 560), (1040, 600), (400, 600)], kit.gradient("#f4f1e8", "#d8d3c6"))
        + kit.rect(400, 600, 640, 180, kit.gradient("#86a8a4", "#557a78"))
        + "".join(kit.line([(400 + 128 * k, 604), (400 + 128 * k, 768)], "#4d716f", 3) for k in range(1, 5))
    )
    rows = [kit.rect(0, 0, 400, 44, kit.TEAL), kit.text(18, 31, "Appointments", 24, "#ffffff", weight=700)]
    for k in range(5):
        rows.append(
            kit.rect(14, 58 + 37 * k, 372, 29, ("#e3eff0", "#f6f3e8")[k % 2], r=5)
            + kit.text(26, 79 + 37 * k, f"{8 + k}:30", 17, kit.SLATE, weight=600)
            + kit.line([(100, 73 + 37 * k), (240 + 24 * (k % 3), 73 + 37 * k)], kit.STONE, 7, opacity=0.6)
        )
    out.append(screens.monitor(740, 584, 400, *rows) + _note(894, 500))
    out.append(_photo_light(120, 752))
    return kit.picture(*out)


def _note(x: float, y: float) -> str:
    """A yellow note with a login, stuck to a frame."""
    words = [
        ("patient system", -44, 18, 500),
        ("user: front", -14, 21, 700),
        ("password:", 14, 20, 500),
        ("Molar-2019", 42, 21, 700),
    ]
    sheet = (
        kit.rect(-70, -66, 150, 142, kit.SHADOW, opacity=0.35, blur=6)
        + kit.path("M-76,-72H76V56C74,66 66,72 56,72H-76Z", kit.gradient("#fff0a0", "#f2cf55", 60))
        + kit.path("M76,56C74,66 66,72 56,72C60,64 66,58 76,56Z", "#cfa93a")
    )
    return kit.group(
        sheet,
        "".join(kit.text(-66, dy, t, s, kit.INK, weight=w, font=kit.HAND) for t, dy, s, w in words),
        move=(x, y),
        rotate=5,
    )


def _photo_light(x: float, y: float) -> str:
    """A soft box on a tripod."""
    legs = "".join(kit.line([(x, y - 170), (x + dx, y)], "#2c313b", 8) for dx in (-70, 0, 74)) + kit.line(
        [(x, y - 170), (x, y - 360)], "#2c313b", 9
    )
    box = kit.poly([(x - 90, y - 540), (x + 70, y - 560), (x + 110, y - 380), (x - 60, y - 350)], "#23262f") + kit.poly(
        [(x - 70, y - 524), (x + 62, y - 540), (x + 96, y - 394), (x - 44, y - 368)], kit.gradient("#ffffff", "#fff0cc")
    )
    return kit.contact(x, y, 170) + kit.ellipse(x + 60, y - 440, 260, 240, "url(#r-fff6d870-fff6d800)") + legs + box


def draw_illegal_06() -> str:
    """A timbered house front of 1642 with wall paintings and a plate; paint and a roller stand ready."""
    out = [outdoors.sky(200), kit.rect(0, 0, 1024, 640, kit.gradient("#f1e4c8", "#dac6a0", 50))]
    beam = "#5b3a26"
    for x in (0, 250, 420, 640, 800, 1000):
        out.append(kit.rect(x, 0, 30, 640, kit.wood(beam)))
    for y in (0, 268, 600):
        out.append(kit.rect(0, y, 1024, 34, kit.wood(beam)) + kit.rect(0, y + 32, 1024, 5, kit.SHADOW, opacity=0.3))
    for a, b in (((30, 268), (250, 34)), ((1000, 268), (830, 34))):
        out.append(kit.line([a, b], beam, 26))
    out.append(
        _painted_panel(280, 40, 0)
        + _painted_panel(670, 40, 1)
        + _painted_panel(60, 330, 2)
        + _painted_panel(840, 330, 0)
    )
    out.append(
        interiors.window(460, 70, 150, 160, frame="#7f9a6a")
        + kit.rect(440, 274, 190, 24, "#5b3a26")
        + kit.text(535, 294, "ANNO  1642", 24, "#e9c877", anchor="middle", weight=700, font=kit.HAND, spacing=3)
    )
    out.append(interiors.door(462, 326, 150, 310, "#7b5334") + interiors.window(282, 350, 120, 170, frame="#7f9a6a"))
    out.append(_monument_plate(722, 440))
    out.append(
        kit.rect(0, 636, 1024, 140, kit.speckle("#a79f93"))
        + kit.rect(0, 636, 1024, 140, kit.gradient("#1f274755", "#fff2d222"))
    )
    out += [kit.line([(-20, 660 + 36 * k), (1044, 660 + 36 * k)], "#857d72", 2, opacity=0.5) for k in range(3)]
    out.append(
        objects.ladder(320, 700, 560)
        + _paint_bucket(560, 726, "#9fdcc0")
        + _paint_bucket(680, 738, "#9fdcc0")
        + _roller(820, 720)
    )
    return kit.picture(*out)


def _painted_panel(x: float, y: float, kind: int) -> str:
    """An old wall painting between the beams: a vine with birds, a sun over a field, or a miller."""
    out = ""
    if kind == 0:
        out += kit.stroke(
            [(x + 70, y + 222), (x + 30, y + 160), (x + 110, y + 110), (x + 50, y + 60), (x + 80, y + 10)], "#4f7a55", 7
        )
        out += "".join(
            kit.ellipse(x + a, y + b, 20, 10, "#6a9a5f")
            for a, b in ((24, 180), (90, 140), (100, 84), (40, 76), (100, 36))
        ) + "".join(
            kit.circle(x + a, y + b, 15, kit.lit("#b5483c", 50, 0.2))
            for a, b in ((60, 196), (16, 140), (120, 108), (34, 44))
        )
    elif kind == 1:
        out += kit.circle(x + 65, y + 74, 34, "#dba13c") + "".join(
            kit.turned(
                x + 65, y + 74, 30 * k, kit.poly([(x + 59, y + 34), (x + 65, y + 8), (x + 71, y + 34)], "#c9882e")
            )
            for k in range(12)
        )
        out += "".join(
            kit.stroke(
                [(x + 10 + 18 * k, y + 222), (x + 12 + 18 * k, y + 170), (x + 8 + 18 * k, y + 140)], "#b0843a", 5
            )
            for k in range(7)
        )
    else:
        out += (
            kit.ellipse(x + 90, y + 70, 28, 32, "#cfa07a")
            + kit.circle(x + 80, y + 68, 3, "#5b3a26")
            + kit.circle(x + 100, y + 68, 3, "#5b3a26")
            + kit.stroke([(x + 80, y + 86), (x + 90, y + 91), (x + 100, y + 86)], "#5b3a26", 3)
            + kit.path(f"M{x + 50},{y + 60}C{x + 60},{y + 10} {x + 120},{y + 10} {x + 130},{y + 60}Z", "#7a3f36")
            + kit.path(
                f"M{x + 40},{y + 236}C{x + 44},{y + 130} {x + 60},{y + 104} {x + 90},{y + 104}C{x + 120}"
                f",{y + 104} {x + 138},{y + 130} {x + 142},{y + 236}Z",
                "#3f6a80",
            )
            + kit.line([(x + 150, y + 236), (x + 158, y + 60)], "#7b5334", 8)
            + kit.poly([(x + 60, y + 160), (x + 120, y + 160), (x + 126, y + 236), (x + 54, y + 236)], "#d9c9a0")
        )
    return f'<g opacity="0.82">{out}</g>'


def _monument_plate(x: float, y: float) -> str:
    """An enamel plate with a blue and white shield."""
    board = kit.rect(x - 72, y - 88, 148, 180, kit.SHADOW, r=8, opacity=0.35, blur=5) + kit.rect(
        x - 76, y - 94, 148, 180, kit.lit("#fbfaf4", 60, 0.06), r=8, stroke="#2c4a8a", width=5
    )
    shield = kit.path(
        f"M{x - 40},{y - 78}H{x + 36}V{y - 34}C{x + 36},{y - 8} {x + 14},{y + 6} {x - 2},{y + 14}C{x - 18}"
        f",{y + 6} {x - 40},{y - 8} {x - 40},{y - 34}Z",
        "#ffffff",
        stroke="#2c4a8a",
        width=4,
    )
    cross = kit.path(
        f"M{x - 40},{y - 78}H{x - 2}V{y - 34}H{x - 40}ZM{x - 2},{y - 34}H{x + 36}C{x + 36},{y - 8} {x + 14}"
        f",{y + 6} {x - 2},{y + 14}Z",
        "#2c5fb0",
    )
    return (
        board
        + shield
        + cross
        + kit.text(x - 2, y + 46, "PROTECTED", 20, "#22386b", anchor="middle", weight=800)
        + kit.text(x - 2, y + 70, "MONUMENT", 20, "#22386b", anchor="middle", weight=800)
    )


def _paint_bucket(x: float, y: float, paint: str) -> str:
    """A bucket of paint, open, with a drip."""
    body = kit.poly(
        [(x - 46, y - 92), (x + 46, y - 92), (x + 38, y), (x - 38, y)], kit.gradient("#f2f3f1", "#a9b0b5", 10)
    ) + kit.rect(x - 40, y - 66, 80, 40, paint)
    return (
        kit.contact(x, y, 90)
        + kit.path(
            f"M{x - 46},{y - 92}C{x - 60},{y - 40} {x + 60},{y - 40} {x + 46},{y - 92}", stroke="#7b858e", width=4
        )
        + body
        + kit.ellipse(x, y - 92, 46, 13, "#d7dbdc")
        + kit.ellipse(x, y - 91, 40, 10, kit.lit(paint, 60, 0.15))
        + kit.path(f"M{x + 18},{y - 84}q4,30 8,30q5,0 4,-32z", paint)
    )


def _roller(x: float, y: float) -> str:
    """A paint roller that lies in a tray."""
    tray = kit.poly(
        [(x - 80, y - 40), (x + 70, y - 40), (x + 92, y), (x - 96, y)], kit.lit("#3f464f", 60, 0.2)
    ) + kit.poly([(x - 64, y - 32), (x + 56, y - 32), (x + 70, y - 8), (x - 74, y - 8)], kit.lit("#9fdcc0", 60, 0.12))
    return (
        kit.contact(x, y, 190)
        + tray
        + kit.rect(x - 50, y - 58, 90, 32, kit.gradient("#c9f0dd", "#7dbfa0"), r=12)
        + kit.path(f"M{x + 40},{y - 42}H{x + 62}V{y - 78}H{x + 100}", stroke=kit.STEEL, width=6)
        + kit.line([(x + 100, y - 78), (x + 160, y - 84)], kit.BRICK, 15)
    )


def draw_illegal_16() -> str:
    """Children pick strawberries under the eyes of a man with a list; a shed with mattresses has a padlock outside."""
    out = [
        kit.rect(0, 0, 1024, 340, kit.gradient("#8fbfe0", "#f4eed8")),
        outdoors.cloud(700, 80, 240),
        outdoors.hills(320, 60, "#a4b890"),
        outdoors.hills(338, 30, "#8fa873", seed=5),
    ]
    out.append(_field())
    out.append(_locked_shed(200, 420))
    for i, (x, y, h, look) in enumerate(_PICKERS):
        flip = i == 1
        s = -1 if flip else 1
        out.append(
            person(
                look,
                x,
                y,
                h,
                view="side",
                pose="crouch",
                flip=flip,
                lean=26,
                hands=((x + s * h * 0.34, y - h * 0.12), (x + s * h * 0.3, y - h * 0.08)),
            )
        )
        out.append(_full_basket(x + s * h * 0.52, y + 6, h * 0.34))
    boss = Look(
        skin="fair",
        hair="grey",
        hat="sunhat",
        hat_colour="#d9c08a",
        top="#e9e2d0",
        top_kind="shirt",
        bottom="#4a5162",
        build=1.15,
    )
    out.append(person(boss, 880, 520, 330, view="side", flip=True, hands=((826, 352), (832, 358))))
    out.append(
        kit.turned(
            812,
            338,
            -14,
            kit.rect(784, 306, 54, 70, kit.WALNUT, r=4),
            kit.rect(789, 313, 44, 58, "#fdfcf6"),
            *(kit.line([(794, 324 + 9 * k), (826, 324 + 9 * k)], kit.STONE, 2.5) for k in range(5)),
        )
    )
    return kit.picture(*out)


def _field() -> str:
    """Rows of strawberry plants that run towards the eye."""
    out = kit.rect(0, 330, 1024, 440, kit.speckle("#9a7450")) + kit.rect(
        0, 330, 1024, 440, kit.gradient("#fff2d255", "#1f274730")
    )
    for k in range(-7, 8):
        a, b = 512 + k * 46, 512 + k * 190
        out += kit.poly(
            [(a - 12, 336), (a + 12, 336), (b + 58, 768), (b - 58, 768)], kit.gradient("#7fa65a", "#4c7a3f")
        )
        for j in range(9):
            t = ((j + 0.5) / 9) ** 1.7
            out += kit.circle(
                a + (b - a) * t + (14 if j % 2 else -12) * (0.3 + t),
                340 + 428 * t,
                2 + 8 * t,
                kit.lit("#cf3a34", 50, 0.25),
            )
    return out


def _full_basket(x: float, y: float, w: float) -> str:
    """A basket heaped with strawberries."""
    fruit = "".join(
        kit.circle(x + w * dx, y - w * (0.62 + dy), w * 0.1, kit.lit("#cf3a34", 50, 0.25))
        for dx, dy in (
            (-0.34, 0),
            (-0.16, 0.04),
            (0.02, 0.03),
            (0.2, 0.05),
            (0.36, 0),
            (-0.24, 0.14),
            (-0.05, 0.16),
            (0.14, 0.15),
            (0.28, 0.12),
            (0.02, 0.26),
        )
    )
    return objects.basket(x, y, w, w * 0.6) + fruit


def _locked_shed(x: float, y: float) -> str:
    """A wooden shed; through its half-open door one sees mattresses, a bolt with a padlock hangs on its outside."""
    walls = (
        kit.rect(x - 180, y - 190, 360, 190, kit.wood("#8d7356"))
        + "".join(kit.line([(x - 180 + 36 * k, y - 188), (x - 180 + 36 * k, y)], "#5f4b36", 2) for k in range(11))
        + kit.poly(
            [(x - 204, y - 186), (x + 204, y - 186), (x + 176, y - 250), (x - 176, y - 250)],
            kit.lit("#6d6a6c", 80, 0.18),
        )
    )
    inside = kit.rect(x - 60, y - 160, 150, 160, "#2a2430")
    beds = "".join(
        kit.rect(x - 54, y - 26 - 40 * k, 138, 24, kit.gradient(c, kit.darken(c, 0.25)), r=6)
        + kit.rect(x - 50, y - 34 - 40 * k, 36, 14, "#e9e4d8", r=5)
        for k, c in enumerate(("#7f8fa6", "#a68f7f", "#8fa08a"))
    )
    leaf = kit.poly(
        [(x + 90, y - 160), (x + 150, y - 176), (x + 150, y + 22), (x + 90, y)],
        kit.wood("#a5835c"),
        stroke="#5f4b36",
        width=3,
    )
    hasp = (
        kit.rect(x + 128, y - 96, 36, 12, kit.IRON, r=3)
        + kit.path(f"M{x + 142},{y - 76}V{y - 92}A13,13 0 0 1 {x + 168},{y - 92}V{y - 76}", stroke="#6d7683", width=6)
        + kit.rect(x + 134, y - 78, 42, 36, kit.lit("#d6a531", 50, 0.25), r=6)
        + kit.circle(x + 155, y - 62, 5, kit.INK)
    )
    bars = kit.rect(x - 150, y - 140, 64, 56, "#2a2430") + "".join(
        kit.line([(x - 150 + 16 * k, y - 140), (x - 150 + 16 * k, y - 84)], kit.STEEL, 4) for k in range(5)
    )
    return kit.contact(x, y, 400, 16) + walls + inside + beds + leaf + hasp + bars
