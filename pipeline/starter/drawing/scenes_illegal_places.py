"""Pictures of illegal activity around property: ruins, a backyard, a garden fence, a lobby; and a school raffle."""

from pipeline.starter.drawing import interiors, kit, kitchen, objects, outdoors
from pipeline.starter.drawing.people import Look, person


def draw_illegal_05() -> str:
    """Temple ruins with painted shards on the ground, a backpack and a sign."""
    out = [
        kit.rect(0, 0, 1024, 400, kit.gradient("#6fa6d6", "#f6e6c4")),
        outdoors.cloud(800, 90, 200),
        outdoors.hills(330, 110, "#b3a77f", seed=3),
        outdoors.hills(380, 60, "#a3965f", seed=6),
    ]
    out += [outdoors.bush(60 + 110 * k, 398, 110, "#7d8650") for k in range(10)]
    out.append(
        kit.rect(0, 396, 1024, 374, kit.speckle("#d3b683"))
        + kit.rect(0, 396, 1024, 374, kit.gradient("#fff2d266", "#1f274738"))
    )
    out.append(
        kit.poly([(130, 420), (700, 420), (740, 446), (90, 446)], kit.gradient("#ead9b6", "#bda77c"))
        + kit.poly([(90, 446), (740, 446), (780, 474), (50, 474)], kit.gradient("#dcc79e", "#ab946a"))
    )
    for x, h in ((190, 290), (310, 290), (430, 210), (560, 290), (660, 120)):
        out.append(_column(x, 424, h))
    out.append(
        kit.poly([(150, 100), (350, 100), (350, 136), (150, 136)], kit.gradient("#eddcba", "#b8a178"))
        + kit.poly([(140, 84), (362, 84), (356, 102), (146, 102)], "#f3e5c6")
    )
    out.append(
        kit.turned(
            470,
            470,
            8,
            kit.rect(420, 440, 130, 44, kit.gradient("#f0e0bd", "#a8936a"), r=20)
            + "".join(kit.line([(432, 448 + 9 * k), (540, 448 + 9 * k)], "#b39d73", 2) for k in range(4)),
        )
    )
    out.append(_site_sign(850, 560))
    for x, y, s, a, c in (
        (330, 600, 1.1, -8, "#b5583c"),
        (460, 660, 1.35, 12, "#c7703f"),
        (590, 590, 0.95, 30, "#a64f38"),
        (250, 690, 1.0, -30, "#c98a4f"),
        (690, 690, 1.15, -16, "#b5583c"),
    ):
        out.append(_shard(x, y, s, a, c))
    out.append(
        _carved_head(560, 700) + objects.backpack(110, 706, 230, "#3f7a80") + _shard(120, 500, 0.55, 160, "#b5583c")
    )
    return kit.picture(*out)


def _column(x: float, y: float, h: float) -> str:
    """A fluted column; broken off when shorter than 250."""
    shaft = kit.poly(
        [(x - 30, y - 16), (x - 25, y - h + (24 if h < 250 else 0)), (x + 25, y - h), (x + 30, y - 16)],
        kit.gradient("#f6e9cc", "#a8936a", 0),
    )
    flutes = "".join(
        kit.line([(x - 20 + 10 * k, y - 20), (x - 17 + 8.6 * k, y - h + 26)], "#9c8760", 2, opacity=0.5)
        for k in range(5)
    )
    head = (
        kit.rect(x - 36, y - h - 12, 72, 14, "#f1e2c1", r=3)
        + kit.rect(x - 42, y - h - 24, 84, 13, kit.gradient("#f6e9cc", "#c2ac80"))
        if h > 250
        else ""
    )
    return (
        kit.contact(x + 10, y, 100)
        + shaft
        + flutes
        + head
        + kit.rect(x - 38, y - 18, 76, 18, kit.gradient("#f1e2c1", "#b59f74"), r=4)
    )


def _site_sign(x: float, y: float) -> str:
    """The sign of a protected dig."""
    posts = kit.rect(x - 96, y - 200, 14, 200, kit.WALNUT) + kit.rect(x + 82, y - 200, 14, 200, kit.WALNUT)
    board = kit.rect(x - 130, y - 260, 260, 148, kit.lit("#7a4a2c", 60, 0.12), r=8, stroke="#f3e5c6", width=5)
    rows = ((-212, "ARCHAEOLOGICAL", 23), (-182, "SITE", 23), (-142, "Protected by law", 22))
    return (
        kit.contact(x, y, 210)
        + posts
        + board
        + "".join(kit.text(x, y + dy, t, s, "#fbf1da", anchor="middle", weight=700) for dy, t, s in rows)
    )


def _shard(x: float, y: float, s: float, angle: float, colour: str) -> str:
    """A piece of painted pottery."""
    outline = kit.straight([(-60, -14), (-28, -42), (34, -36), (62, -6), (38, 30), (-18, 24), (-48, 32)])
    paint = (
        kit.stroke([(-70, -2), (-30, -24), (30, -20), (70, 4)], "#2c2420", 7)
        + "".join(kit.poly([(-44 + 24 * k, 14), (-34 + 24 * k, -4), (-22 + 24 * k, 14)], "#2c2420") for k in range(4))
        + kit.stroke([(-60, 22), (0, 18), (60, 20)], "#2c2420", 4)
    )
    edge = kit.path(
        kit.straight(
            [(-60, -14), (-48, 32), (-18, 24), (38, 30), (62, -6), (62, 4), (40, 40), (-18, 34), (-48, 42), (-62, -4)]
        ),
        kit.darken(colour, 0.4),
    )
    face = kit.path(outline, kit.lit(colour, 50, 0.2)) + kit.clipped(outline, paint)
    return kit.ellipse(x + 10 * s, y + 20 * s, 72 * s, 24 * s, kit.SHADOW, opacity=0.35, blur=6) + kit.group(
        edge, face, move=(x, y), rotate=angle, scale=s
    )


def _carved_head(x: float, y: float) -> str:
    """A small carved stone head that lies on its side."""
    face = kit.path(
        "M-6,-62C28,-64 44,-40 44,-14C52,-4 54,0 45,4C47,14 44,18 42,22C40,38 22,44 4,40C-30,36 -50,12 "
        "-48,-14C-46,-44 -30,-60 -6,-62Z",
        kit.gradient("#fbf3e0", "#b9a983", 60),
    )
    curls = "".join(
        kit.circle(-36 + 11 * k, -44 - 9 * (k % 3) + 3 * k, 10, kit.lit("#e0d0ab", 60, 0.15)) for k in range(6)
    ) + "".join(kit.circle(-42 + 4 * k, -26 + 16 * k, 10, kit.lit("#d3c198", 60, 0.15)) for k in range(3))
    bits = (
        kit.ellipse(24, -14, 7, 5, "#a4936c")
        + kit.stroke([(14, -26), (26, -30), (36, -26)], "#a4936c", 3)
        + kit.stroke([(44, 20), (32, 22)], "#8f7f5c", 3)
    )
    return kit.ellipse(x + 8, y + 30, 66, 18, kit.SHADOW, opacity=0.38, blur=6) + kit.group(
        face, curls, bits, move=(x, y), rotate=-38, scale=1.05
    )


def draw_illegal_07() -> str:
    """A bicycle with a cut chain against a brick wall in a yard at dusk."""
    out = [
        kit.rect(0, 0, 1024, 560, kit.bricks("#9a5f4e")),
        kit.rect(0, 0, 1024, 560, kit.gradient("#2b2f5a66", "#2b2f5a99", 60)),
    ]
    out.append(
        kit.rect(0, 552, 1024, 220, kit.speckle("#6d6a70"))
        + kit.rect(0, 552, 1024, 220, kit.gradient("#1f274788", "#1f274733"))
    )
    out.append(
        interiors.door(700, 150, 200, 400, "#4c5d5a")
        + kit.ellipse(640, 150, 240, 240, "url(#r-ffd48ccc-ffd48c00)")
        + kit.path("M600,120H680L700,160H580Z", kit.lit("#3a404e", 60, 0.2))
        + kit.rect(604, 158, 72, 10, "#fff0c8", r=4)
    )
    out += [objects.bin_(950, 600, 210, "#4f6358"), objects.crate(110, 610, 130, 90)]
    out.append(_electric_bike(420, 640))
    out.append(_bolt_cutter(770, 636) + _price_board(610, 690))
    out.append(kit.ellipse(520, 650, 460, 120, "url(#r-ffd48c40-ffd48c00)"))
    return kit.picture(*out, mood="#ffd9a0")


def _electric_bike(x: float, y: float) -> str:
    """A new bicycle with a battery, a sawn chain lock hanging from its frame."""
    w = 560.0
    bike = outdoors.bicycle(x, y, w, "#3f8f9a")
    battery = kit.poly(
        [(x - 8, y - 128), (x + 18, y - 116), (x + 96, y - 232), (x + 70, y - 246)], kit.lit("#262a33", 40, 0.25)
    ) + kit.circle(x + 40, y - 180, 5, "#5fd08a")
    mud = kit.stroke(
        [(x + 62, y - 130), (x + 100, y - 214), (x + 170, y - 226), (x + 250, y - 190)], "#262a33", 7
    ) + kit.stroke([(x - 274, y - 130), (x - 230, y - 212), (x - 160, y - 226), (x - 96, y - 180)], "#262a33", 7)
    links = ""
    for k, (dx, dy) in enumerate(
        [
            (-64, -250),
            (-70, -226),
            (-72, -201),
            (-70, -176),
            (-63, -152),
            (-52, -130),
            (-84, -262),
            (-102, -248),
            (-112, -226),
            (-116, -202),
            (-112, -178),
        ]
    ):
        links += kit.turned(
            x + dx,
            y + dy,
            70 + 25 * (k % 2),
            kit.rect(x + dx - 17, y + dy - 9, 34, 18, "none", r=9, stroke="#d6a531", width=6.5),
        )
    cut = kit.line([(x - 116, y - 166), (x - 104, y - 158)], "#f6f8fa", 6) + kit.line(
        [(x - 44, y - 116), (x - 34, y - 122)], "#f6f8fa", 6
    )
    lock = kit.rect(x - 98, y - 290, 52, 40, kit.lit("#c8a23c", 50, 0.25), r=7) + kit.circle(
        x - 72, y - 270, 7, "#3a2f18"
    )
    return bike + mud + battery + links + lock + cut


def _bolt_cutter(x: float, y: float) -> str:
    """A bolt cutter that leans against the wall."""
    arms = kit.stroke([(x - 46, y), (x - 26, y - 130), (x - 4, y - 220)], "#c8453f", 15) + kit.stroke(
        [(x + 44, y + 4), (x + 30, y - 130), (x + 8, y - 220)], "#b03a35", 15
    )
    grips = kit.line([(x - 46, y), (x - 38, y - 64)], "#23262f", 20) + kit.line(
        [(x + 44, y + 4), (x + 37, y - 60)], "#23262f", 20
    )
    jaw = (
        kit.poly([(x - 22, y - 216), (x - 14, y - 280), (x + 1, y - 300), (x + 1, y - 212)], kit.STEEL)
        + kit.poly([(x + 26, y - 216), (x + 18, y - 280), (x + 4, y - 300), (x + 4, y - 212)], "#8c96a1")
        + kit.circle(x + 2, y - 218, 9, "#4a5160")
    )
    return kit.contact(x, y + 4, 120) + arms + grips + jaw


def _price_board(x: float, y: float) -> str:
    """A piece of cardboard with a hand-written price."""
    return (
        kit.contact(x, y, 150)
        + kit.poly([(x - 76, y - 4), (x + 70, y), (x + 66, y - 96), (x - 68, y - 104)], kit.lit("#c79a63", 50, 0.12))
        + kit.turned(x, y - 50, 2, kit.text(x, y - 26, "40,-", 62, kit.INK, anchor="middle", weight=700, font=kit.HAND))
    )


def draw_illegal_08() -> str:
    """A vegetable bed in the shade of an apple tree that stands behind the neighbour's fence."""
    out = [
        outdoors.sky(330),
        outdoors.cloud(180, 90, 220),
        outdoors.hills(330, 50, "#a5bf9f"),
        outdoors.lawn(320, "#8ab56a"),
    ]
    out.append(outdoors.house(640, 388, 300, 200, "#ecd9bd", floors=2, columns=3) + outdoors.bush(960, 404, 130))
    out.append(_apple_tree(420, 452))
    out.append(outdoors.picket_fence(-10, 1040, 522, 128))
    out.append(
        kit.poly([(120, 590), (820, 590), (960, 768), (-20, 768)], kit.speckle("#6f5238"))
        + kit.poly([(120, 590), (820, 590), (960, 768), (-20, 768)], kit.gradient("#1f274788", "#1f274733"))
    )
    out.append(kit.ellipse(420, 640, 470, 120, kit.SHADOW, opacity=0.34, blur=14))
    for row, (y, n, s) in enumerate(((650, 6, 100), (742, 6, 136))):
        out += [_tomato(150 + (640 + 60 * row) / (n - 1) * k - 40 * row, y, s) for k in range(n)]
    out.append(_axe(908, 600) + objects.basket(70, 700, 110, 66))
    return kit.picture(*out)


def _apple_tree(x: float, y: float) -> str:
    """A big apple tree with a swing on a branch."""
    trunk = kit.path(
        f"M{x - 44},{y}C{x - 22},{y - 90} {x - 26},{y - 160} {x - 60},{y - 220}L{x - 20},{y - 240}L{x + 6}"
        f",{y - 190}L{x + 30},{y - 250}L{x + 70},{y - 230}C{x + 30},{y - 150} {x + 24},{y - 80} {x + 48},{y}Z",
        kit.gradient("#9b7652", "#54392a", 0),
    )
    branch = kit.stroke([(x + 20, y - 170), (x + 130, y - 214), (x + 260, y - 220)], "#6d4d36", 20)
    crown = ""
    for dx, dy, r in (
        (-170, -230, 96),
        (170, -250, 104),
        (260, -240, 70),
        (-90, -310, 110),
        (90, -320, 116),
        (0, -240, 92),
        (0, -370, 84),
        (-230, -260, 64),
    ):
        crown += kit.circle(x + dx, y + dy, r, kit.gradient("#9cc077", "#47753f", 55))
    fruit = "".join(
        kit.circle(x - 180 + (k * k * 37 % 420), y - 370 + (k * 89 % 170), 10, kit.lit("#cf4a3d", 50, 0.3))
        for k in range(26)
    )
    ropes = (
        kit.line([(x + 178, y - 180), (x + 178, y - 104)], "#f4ead2", 5)
        + kit.line([(x + 240, y - 180), (x + 240, y - 104)], "#f4ead2", 5)
        + kit.rect(x + 162, y - 108, 96, 15, kit.lit("#c8453f", 60, 0.15), r=4)
    )
    return kit.contact(x, y, 240, 18) + trunk + branch + crown + fruit + ropes


def _tomato(x: float, y: float, h: float) -> str:
    """A tomato plant at a stake."""
    leaves = "".join(
        kit.ellipse(x + h * dx, y - h * dy, h * 0.17, h * 0.09, kit.gradient("#86ad62", "#46703f", 50))
        for dx, dy in ((-0.16, 0.28), (0.16, 0.36), (-0.15, 0.52), (0.15, 0.62), (-0.08, 0.76))
    )
    fruit = "".join(
        kit.circle(x + h * dx, y - h * dy, h * 0.065, kit.lit(c, 50, 0.25))
        for dx, dy, c in ((-0.12, 0.4, "#9fb35c"), (0.13, 0.5, "#d98a4a"), (0.02, 0.24, "#9fb35c"))
    )
    return kit.contact(x, y, h * 0.4) + kit.line([(x, y), (x, y - h)], kit.PINE, h * 0.04) + leaves + fruit


def _axe(x: float, y: float) -> str:
    """A felling axe that leans against the fence."""
    handle = kit.stroke([(x + 40, y + 8), (x + 10, y - 90), (x - 16, y - 196)], "#b98a52", 15) + kit.stroke(
        [(x + 36, y), (x + 6, y - 90), (x - 18, y - 190)], "#dcb57c", 4
    )
    blade = kit.path(
        f"M{x - 34},{y - 218}L{x + 12},{y - 208}L{x + 16},{y - 172}L{x - 26},{y - 168}C{x - 50},{y - 150} "
        f"{x - 76},{y - 146} {x - 92},{y - 150}C{x - 84},{y - 180} {x - 84},{y - 210} {x - 96},{y - 236}"
        f"C{x - 72},{y - 236} {x - 52},{y - 230} {x - 34},{y - 218}Z",
        kit.gradient("#8d2f2b", "#c8453f", 0),
    )
    edge = kit.path(
        f"M{x - 96},{y - 236}C{x - 84},{y - 210} {x - 84},{y - 180} {x - 92},{y - 150}L{x - 76},{y - 152}"
        f"C{x - 68},{y - 180} {x - 68},{y - 210} {x - 76},{y - 232}Z",
        kit.gradient("#ffffff", "#a4aeb8"),
    )
    return kit.contact(x + 40, y + 10, 70) + handle + blade + edge


def draw_illegal_09() -> str:
    """A bright lobby with a stone desk and a guard who reads a newspaper."""
    cam = kit.Camera(horizon=290, eye=1.6)
    out = [
        interiors.room(
            cam, wall="#dfe0da", floor="#cfc9bd", kind="tiles", depth=7.5, width=9, height=3.4, skirting="#b9b3a6"
        )
    ]
    out += [_lift(cam, -3.3), _lift(cam, -1.9)]
    out.append(interiors.window(*interiors.wall_shape(cam, 1.6, 0.5, 7.5, 2.4, 2.3), panes=3, sill=False))
    out.append(kit.sunlight([cam.at(0.4, 0, 4.2), cam.at(2.0, 0, 4.0), cam.at(3.2, 0, 7.0), cam.at(1.8, 0, 7.0)], 0.4))
    x, y = cam.at(3.2, 0, 6.2)
    out.append(objects.pot_plant(x, y, 270, pot_colour="#5f6b77", kind="palm"))
    guard = Look(
        skin="brown",
        hair="black",
        hair_style="crop",
        hat="cap",
        hat_colour="#26324f",
        top="#34446b",
        top_kind="shirt",
        bottom="#26324f",
    )
    x, y = cam.at(0.55, 0.86, 5.6)
    out.append(
        person(guard, x, y, 1.75 * cam.scale(5.6), pose="sit", hands=((x - 80, y - 70), (x + 80, y - 70)), tilt=4)
    )
    out.append(_newspaper(x, y - 62))
    out.append(
        kit.poly(
            cam.face((-0.9, 0, 4.6), (2.0, 0, 4.6), (2.0, 1.1, 4.6), (-0.9, 1.1, 4.6)),
            kit.gradient("#a59c8c", "#776f61"),
        )
        + kit.box(cam, -1.0, 1.05, 4.5, 3.1, 0.08, 0.7, "#e9e4d8", shadow=False)
    )
    out += [
        kit.line([cam.at(-0.9 + 0.97 * k, 0.06, 4.6), cam.at(-0.9 + 0.97 * k, 1.04, 4.6)], "#6b6356", 2) for k in (1, 2)
    ]
    x, y = cam.at(-0.45, 1.13, 4.8)
    out.append(
        kit.rect(x - 40, y - 56, 80, 56, "#39414f", r=4)
        + "".join(
            kit.line([(x - 30, y - 42 + 11 * k), (x + 28 - 12 * (k % 2), y - 42 + 11 * k)], "#c9cfd8", 2)
            for k in range(4)
        )
    )
    x, y = cam.at(1.7, 1.13, 4.8)
    out.append(objects.vase(x, y, 120, "#6f8f9a"))
    return kit.picture(*out)


def _newspaper(x: float, y: float) -> str:
    """An open newspaper seen from outside, its middle at x, y."""
    pages = kit.rect(-84, -52, 84, 104, kit.gradient("#f3efe2", "#d9d2bf"))
    pages += kit.rect(0, -52, 84, 104, kit.gradient("#fbf8ee", "#e4ddca"))
    lines = "".join(
        kit.line([(left, -18 + 9 * j), (left + 66, -18 + 9 * j)], kit.STONE, 2, opacity=0.6)
        for left in (-76, 8)
        for j in range(7)
    )
    return kit.group(pages, kit.text(-76, -32, "NEWS", 18, kit.INK, weight=800), lines, move=(x, y))


def _lift(cam: kit.Camera, x: float) -> str:
    """A lift with closed steel doors in the back wall, its left edge at x metres."""
    lx, ly, lw, lh = interiors.wall_shape(cam, x, 0, 7.5, 1.1, 2.2)
    doors = kit.rect(lx, ly, lw / 2 - 1, lh, kit.gradient("#eef1f3", "#9fa9b3", 20))
    doors += kit.rect(lx + lw / 2 + 1, ly, lw / 2, lh, kit.gradient("#e2e7ea", "#929da8", 20))
    floor = kit.rect(lx + lw / 2 - 24, ly - 36, 48, 20, "#262b36", r=3)
    floor += kit.text(lx + lw / 2, ly - 20, "2", 15, "#ffb24a", anchor="middle", weight=700)
    button = kit.circle(lx + lw + 20, ly + lh * 0.5, 5, "#5b6575")
    return kit.rect(lx - 8, ly - 8, lw + 16, lh + 8, "#8c8577") + doors + floor + button


def draw_illegal_13() -> str:
    """Children queue at a school raffle table with bears and bottles of spirits."""
    cam = kit.Camera(horizon=250, eye=1.5)
    out = [interiors.room(cam, wall="#e8dcc0", floor="#c99a63", depth=7.5, width=10, height=3.2)]
    out.append(
        interiors.window(*interiors.wall_shape(cam, -3.8, 1.2, 7.5, 1.6, 1.4))
        + kit.rect(640, 70, 320, 130, "#3f5f4f", r=5, stroke="#9b7550", width=9)
        + kit.text(800, 126, "SCHOOL FAIR", 36, "#f4f2e4", anchor="middle", weight=700)
        + kit.text(800, 170, "Class 6b raffle", 27, "#f4f2e4", anchor="middle")
    )
    for k in range(16):
        x, y = 20 + k * 66, 30 + 26 * (1 - ((k % 8) / 3.5 - 1) ** 2)
        out.append(
            kit.poly(
                [(x, y), (x + 48, y), (x + 24, y + 42)],
                kit.lit(("#c8453f", "#f0cb5c", "#4a76b8", "#5b9257")[k % 4], 60, 0.15),
            )
        )
    out.append(_prize_table())
    looks = [
        Look(
            skin="fair", hair="blond", hair_style="ponytail", top=kit.CORAL, age="child", bottom="#3f4f7a", mood="smile"
        ),
        Look(
            skin="deep",
            hair="black",
            hair_style="crop",
            top=kit.TEAL,
            age="child",
            bottom_kind="shorts",
            bottom="#6a5a48",
            mood="smile",
        ),
        Look(
            skin="olive",
            hair_style="scarf",
            hat_colour="#7a6aa8",
            top="#c9a7c0",
            top_kind="sweater",
            age="child",
            bottom="#54466e",
        ),
    ]
    for i, (x, y, h) in enumerate(((306, 730, 330), (182, 716, 318), (66, 730, 330))):
        out.append(person(looks[i], x, y, h, view="side", hands=(None, (x + 84, y - 176)), feet=(None, None)))
        out.append(
            kit.turned(
                x + 92,
                y - 190,
                -14 + 10 * i,
                kit.rect(x + 74, y - 214, 40, 26, "#f0cb5c", r=3)
                + kit.text(x + 94, y - 196, str(17 + i), 16, kit.INK, anchor="middle", weight=700),
            )
        )
    return kit.picture(*out)


def _prize_table() -> str:
    """The raffle table with a cloth, numbered prizes and a drum."""
    top = kit.poly([(430, 470), (1000, 470), (1060, 520), (400, 520)], kit.gradient("#f7f2e4", "#e4dbc6"))
    cloth = (
        kit.rect(400, 520, 660, 190, kit.gradient("#c8564c", "#93392f"))
        + "".join(kit.line([(420 + 60 * k, 524), (414 + 60 * k, 708)], "#8a342c", 3, opacity=0.6) for k in range(11))
        + kit.poly([(400, 520), (1060, 520), (1060, 540), (400, 540)], "#f0cb5c", opacity=0.85)
    )
    back = "".join(_bear(x, 486, 96, c) for x, c in ((500, "#b5834f"), (730, "#8f6a4a"), (960, "#c9a06a")))
    bottles = [
        (446, 512, 160, "#c9882e", "RUM"),
        (566, 512, 168, "#dfe7ea", "SCHNAPPS"),
        (632, 514, 160, "#3f5f3f", "WINE"),
        (806, 512, 168, "#a8632e", "WHISKY"),
        (876, 514, 156, "#4a6a48", "WINE"),
    ]
    front = "".join(kitchen.bottle(x, y, h, c, label="#f7efdc", words=w) for x, y, h, c, w in bottles)
    tags = "".join(
        kit.rect(x - 15, 514, 30, 22, "#ffffff", r=3, stroke=kit.STONE, width=1)
        + kit.text(x, 531, str(n), 16, kit.INK, anchor="middle", weight=700)
        for n, x in enumerate((446, 500, 566, 632, 730, 806, 876, 960), start=21)
    )
    return kit.contact(730, 708, 640, 20) + cloth + top + back + front + tags


def _bear(x: float, y: float, h: float, colour: str) -> str:
    """A sitting teddy bear."""
    paint, dark = kit.lit(colour, 55, 0.18), kit.darken(colour, 0.2)
    ears = "".join(
        kit.circle(x + s * h * 0.2, y - h * 0.9, h * 0.1, paint)
        + kit.circle(x + s * h * 0.2, y - h * 0.9, h * 0.05, dark)
        for s in (-1, 1)
    )
    limbs = "".join(
        kit.ellipse(x + s * h * 0.26, y - h * 0.1, h * 0.15, h * 0.11, paint)
        + kit.ellipse(x + s * h * 0.27, y - h * 0.36, h * 0.09, h * 0.15, paint)
        for s in (-1, 1)
    )
    face = (
        kit.circle(x, y - h * 0.72, h * 0.25, paint)
        + kit.ellipse(x, y - h * 0.66, h * 0.11, h * 0.09, kit.lighten(colour, 0.4))
        + "".join(kit.circle(x + s * h * 0.09, y - h * 0.76, h * 0.025, kit.INK) for s in (-1, 1))
        + kit.ellipse(x, y - h * 0.69, h * 0.035, h * 0.025, kit.INK)
    )
    return kit.contact(x, y, h * 0.7) + kit.ellipse(x, y - h * 0.28, h * 0.25, h * 0.28, paint) + limbs + ears + face
