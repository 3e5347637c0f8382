"""Privacy scenes outside: a run on a phone, a drone over gardens, a bus stop."""

from pipeline.starter.drawing import interiors, kit, objects, outdoors
from pipeline.starter.drawing.heads import Look
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke, text
from pipeline.starter.drawing.people import person
from pipeline.starter.drawing.props_hand import fingertips, palm_behind, phone, sleeve, thumb

_GIRL = Look(skin="tan", hair="black", hair_style="bun", age="toddler", top="#f0cb5c", top_kind="tank", mood="smile")
_MOTHER = Look(
    skin="tan",
    hair="black",
    hair_style="long",
    top="#3d8a8c",
    top_kind="tank",
    bottom="#3d8a8c",
    bottom_kind="shorts",
    mood="smile",
    hat="sunhat",
    hat_colour="#e6cf9d",
)
_FATHER = Look(
    skin="tan",
    hair="black",
    hair_style="short",
    beard=True,
    top="#e6e2d6",
    top_kind="tank",
    bottom="#4a76b8",
    bottom_kind="shorts",
    mood="smile",
)
_READER = Look(
    skin="fair", hair="chestnut", hair_style="long", top="#c23f3a", top_kind="coat", bottom="#33394a", mood="smile"
)
_OLD_MAN = Look(
    skin="pale",
    hair="white",
    hair_style="short",
    age="elder",
    top="#5b6650",
    top_kind="coat",
    glasses=True,
    bottom="#4a4238",
)
_STREETS = (
    [(-10, 90), (320, 60)],
    [(-10, 190), (320, 170)],
    [(-10, 290), (320, 285)],
    [(60, -10), (80, 360)],
    [(160, -10), (175, 360)],
    [(250, -10), (262, 360)],
)


def _run_map(w: float, h: float) -> str:
    """A running app: a map with a loop that starts and ends at one house, and what is shared with whom."""
    blocks = rect(0, 0, w, 352, "#e9e6dc") + rect(176, 182, 84, 102, "#b9d6a4") + ellipse(214, 236, 26, 18, "#9cc6de")
    blocks += "".join(line(points, "#ffffff", 15) for points in _STREETS)
    blocks += "".join(
        rect(x, y, 15, 13, "#d3c6b4") for x in (90, 112, 134) for y in (98, 122, 146, 206, 230, 254)
    ) + "".join(rect(x, y, 15, 13, "#d3c6b4") for x in (8, 30, 190, 212, 234) for y in (100, 124, 150))
    loop = [
        (73, 228),
        (69, 186),
        (64, 90),
        (110, 80),
        (166, 76),
        (254, 68),
        (258, 172),
        (262, 286),
        (176, 288),
        (76, 290),
    ]
    trace = line([*loop, loop[0]], "#ffffff", 11) + line([*loop, loop[0]], "#e0663a", 7)
    home = rect(84, 216, 28, 24, "#a8503c") + poly([(80, 218), (98, 202), (116, 218)], "#7c3a2c")
    pin = path("M73,228C50,196 48,164 73,160C98,164 96,196 73,228Z", "#2b3f6b") + circle(73, 184, 10, "#ffffff")
    flag = rect(96, 158, 108, 34, "#2b3f6b", r=8) + text(
        150, 181, "Start / finish", 15.5, "#ffffff", anchor="middle", weight=600
    )
    card = (
        rect(0, 340, w, h - 340, "#ffffff", r=18)
        + circle(42, 390, 22, "#d08a4a")
        + text(42, 397, "A", 20, "#ffffff", anchor="middle", weight=700)
    )
    card += text(76, 385, "Ana R.", 21, kit.INK, weight=700) + text(76, 408, "Morning loop · 5.2 km", 16.5, kit.SLATE)
    when = rect(18, 430, w - 36, 46, "#fbeee4", r=10) + circle(42, 453, 10, "none", stroke="#c8603a", width=3)
    when += line([(42, 447), (42, 453), (47, 456)], "#c8603a", 2.5) + text(
        64, 460, "Every weekday, 6:10", 19, kit.INK, weight=600
    )
    who = rect(18, 486, w - 36, 46, "#e6eefb", r=10) + circle(42, 509, 11, "none", stroke=kit.BLUE, width=2.5)
    who += ellipse(42, 509, 5, 11, "none", stroke=kit.BLUE, width=2) + line([(31, 509), (53, 509)], kit.BLUE, 2)
    who += text(64, 516, "Visible to everyone", 19, kit.INK, weight=600)
    share = rect(18, 546, w - 36, 44, "#e0663a", r=22) + text(
        w / 2, 575, "Share", 20, "#ffffff", anchor="middle", weight=700
    )
    return blocks + trace + home + pin + flag + card + when + who + share


def draw_privacy_05() -> str:
    """A hand holds a phone with a running map on a street of brick houses at dawn."""
    skin, x, y, w, h = "#d3a077", 372.0, 44.0, 300.0, 606.0
    cam = kit.Camera(horizon=420, centre=300, eye=1.6, focal=700)
    row = "".join(
        outdoors.house(i, 560, 190, 330, colour, floors=3, columns=2, brick=True)
        for i, colour in (
            (-40, "#a8644e"),
            (150, "#96563f"),
            (340, "#b0705a"),
            (530, "#9c5d4a"),
            (720, "#a8644e"),
            (910, "#8f5442"),
        )
    )
    street = rect(0, 556, 1024, 212, gradient("#9a9aa0", "#5e626c")) + rect(
        0, 556, 1024, 40, gradient("#c9c2b4", "#a49f97")
    )
    street += rect(0, 596, 1024, 8, "#7d7a78") + "".join(
        rect(i, 690, 90, 9, "#e8e3d6", opacity=0.7) for i in range(-20, 1050, 190)
    )
    car = outdoors.car(150, 640, 250, "#4f7f86") + outdoors.street_lamp(820, 596, 380, on=True)
    hand = group(palm_behind(250, skin), move=(500, 790))
    return kit.picture(
        outdoors.sky(cam.horizon, kind="dusk"),
        row,
        street,
        outdoors.tree(930, 590, 250, "#5b6f4c"),
        car,
        rect(0, 0, 1024, 768, "#f4c9a0", opacity=0.16),
        hand,
        rect(x + 14, y + 18, w, h, kit.SHADOW, r=40, opacity=0.4, blur=14),
        group(phone(w, h, _run_map(w, h)), move=(x, y)),
        group(fingertips(40, 62, skin), move=(x + w + 12, y + 352)),
        group(thumb(168, skin), move=(x - 2, y + 616), rotate=15),
        group(sleeve(220, 220, "#3f5f8f", "#2b3f6b"), move=(505, 748)),
        mood="#ffd9a8",
    )


def _drone(size: float) -> str:
    """A small drone with four rotors and a camera that looks to the lower right; its middle is the origin."""
    s = size
    arms = "".join(
        line([(0, 0), (x * s, y * s)], "#4b525e", s * 0.06)
        for x, y in ((-0.5, -0.1), (0.5, -0.1), (-0.36, 0.08), (0.4, 0.1))
    )
    rotors = "".join(
        rect(x * s - s * 0.02, y * s - s * 0.09, s * 0.04, s * 0.1, "#23262e")
        + ellipse(x * s, y * s - s * 0.1, s * 0.25, s * 0.035, "#8a94a3", opacity=0.45)
        + line([(x * s - s * 0.22, y * s - s * 0.1), (x * s + s * 0.22, y * s - s * 0.1)], "#3b4049", 2.5, opacity=0.7)
        for x, y in ((-0.5, -0.1), (0.5, -0.1), (-0.36, 0.08), (0.4, 0.1))
    )
    body = path(
        f"M{-s * 0.26},{-s * 0.02}C{-s * 0.24},{-s * 0.16} {s * 0.2},{-s * 0.18}"
        f" {s * 0.28},{-s * 0.04}C{s * 0.28},{s * 0.1} {-s * 0.24},{s * 0.12}"
        f" {-s * 0.26},{-s * 0.02}Z",
        gradient("#f2f5f8", "#8f99a8", 50),
    )
    feet = line([(-s * 0.16, s * 0.06), (-s * 0.22, s * 0.26), (-s * 0.1, s * 0.26)], "#4b525e", s * 0.025) + circle(
        -s * 0.18, -s * 0.02, s * 0.03, "#5fd077"
    )
    eye = group(
        rect(-s * 0.07, -s * 0.08, s * 0.18, s * 0.16, gradient("#454c59", "#14171d"), r=s * 0.04)
        + circle(s * 0.11, 0, s * 0.075, "#20242d")
        + circle(s * 0.125, 0, s * 0.05, gradient("#6f9ad0", "#1c2c4c", 45))
        + circle(s * 0.11, -s * 0.02, s * 0.016, "#ffffff"),
        move=(s * 0.2, s * 0.13),
        rotate=32,
    )
    return arms + rotors + feet + body + eye


def _own_house() -> str:
    """The corner of a brick house with a tiled roof and its gutter, on the left."""
    wall = rect(0, 270, 330, 500, kit.bricks("#b4735a")) + rect(0, 270, 330, 500, gradient("#1f274700", "#1f274744", 0))
    roof = poly([(-20, 20), (230, 40), (382, 262), (-20, 262)], gradient("#8a4a3c", "#5f3330", 40))
    tiles = "".join(
        line([(-20, 40 + i * 25), (226 + i * 17, 48 + i * 24)], "#4b2826", 2.5, opacity=0.5) for i in range(9)
    )
    gutter = (
        rect(-20, 258, 408, 24, gradient("#e9edf0", "#8a95a1"), r=10)
        + rect(-20, 258, 404, 6, "#5c6672")
        + ellipse(388, 270, 7, 12, "#6b7683")
    )
    leaves = "".join(
        ellipse(x, 256, 11, 5, c)
        for x, c in ((40, "#a8773c"), (120, "#8b6a34"), (134, "#b98a45"), (240, "#a8773c"), (310, "#7f8a45"))
    )
    pipe = rect(306, 280, 16, 490, gradient("#e0e5e9", "#8d98a4", 0)) + "".join(
        rect(302, y, 24, 8, "#76818d") for y in (360, 520, 680)
    )
    return (
        wall
        + rect(0, 282, 330, 26, kit.SHADOW, opacity=0.3, blur=8)
        + roof
        + tiles
        + leaves
        + gutter
        + pipe
        + interiors.window(80, 370, 150, 180)
    )


def _family() -> str:
    """A couple and a small child around a paddling pool; the woman sits on a lounger."""
    pool = ellipse(690, 532, 118, 30, kit.SHADOW, opacity=0.3, blur=6) + path(
        "M572,496C572,540 600,552 680,552C760,552 788,540 788,496Z", gradient("#e8806a", "#b8503f")
    )
    pool += ellipse(680, 496, 108, 27, "#f4b09c") + ellipse(680, 497, 96, 22, gradient("#8fd0e6", "#4f9cc4"))
    pool += "".join(
        stroke([(x, y), (x + 14, y - 3), (x + 28, y)], "#e2f6fb", 2)
        for x, y in ((610, 500), (700, 508), (730, 494), (640, 488))
    )
    girl = person(_GIRL, 668, 510, 150, pose="floor", shadow=False)
    water = path(
        "M584,502C600,516 640,520 680,520C720,520 760,516 776,502C770,522 600,522 584,502Z", "#6db8d8", opacity=0.9
    )
    mother = person(_MOTHER, 880, 506, 300, view="side", pose="sit", flip=True, lean=-6, hands=((800, 440), (806, 450)))
    lounger = (
        line([(820, 508), (930, 508), (990, 420)], "#f4efe2", 12)
        + line([(846, 510), (834, 560)], "#b98652", 7)
        + line([(936, 510), (950, 560)], "#b98652", 7)
    )
    father = person(_FATHER, 530, 560, 300, view="side", pose="kneel", lean=14, hands=((610, 470), (604, 480)))
    return lounger + mother + pool + girl + water + father


def draw_privacy_07() -> str:
    """A drone beside a roof; behind the fence a family sits around a paddling pool."""
    grass = rect(0, 330, 1024, 440, gradient("#a3bf78", "#5f8f52")) + rect(
        0, 640, 1024, 130, gradient("#7fa863", "#4c7a45")
    )
    towel = (
        poly([(852, 596), (984, 586), (1010, 612), (862, 622)], gradient("#d9899b", "#b0606f"))
        + line([(900, 592), (920, 616)], "#ffffff", 5)
        + line([(944, 589), (966, 613)], "#ffffff", 5)
    )
    fence = "".join(
        rect(x, 628 - (x % 3), 37, 150, gradient(kit.mix("#c49a66", "#a87a4c", (x % 5) / 5), "#7f5a38"))
        for x in range(332, 1040, 40)
    )
    fence += rect(326, 652, 700, 12, gradient("#8f6842", "#6b4a30")) + rect(
        326, 734, 700, 12, gradient("#8f6842", "#6b4a30")
    )
    far = "".join(
        outdoors.tree(x, 372, h, c) for x, h, c in ((470, 170, "#5d7f55"), (600, 130, "#6f9161"), (985, 220, "#557a50"))
    )
    pilot = person(
        Look(skin="fair", hair="grey", hair_style="short", top="#4a76b8", top_kind="shirt", bottom="#55607a"),
        236,
        900,
        480,
        view="behind",
        hands=((196, 630), (276, 630)),
        tilt=5,
    )
    return kit.picture(
        outdoors.sky(345),
        outdoors.cloud(560, 90, 220),
        outdoors.cloud(860, 60, 160),
        grass,
        far,
        outdoors.house(640, 400, 270, 170, "#efe3cb", floors=2, columns=4),
        outdoors.bush(460, 404, 130),
        outdoors.bush(940, 410, 150),
        towel,
        _family(),
        kit.contact(700, 640, 620, 14),
        fence,
        _own_house(),
        pilot,
        group(_drone(210), move=(505, 205), rotate=4),
    )


def _shelter() -> str:
    """A bus shelter with a glass back, a roof and a bench."""
    glass = rect(250, 210, 460, 360, "#dfeaf0", opacity=0.34) + "".join(
        poly([(x, 210), (x + 60, 210), (x - 40, 570), (x - 100, 570)], "#ffffff", opacity=0.16) for x in (380, 470, 640)
    )
    posts = "".join(rect(x, 200, 14, 420, gradient("#6d7783", "#343c47", 0)) for x in (244, 400, 556, 704))
    roof = poly([(214, 196), (744, 196), (724, 164), (240, 164)], gradient("#8fa0ae", "#56626f")) + rect(
        214, 194, 530, 14, "#343c47"
    )
    bench = (
        rect(290, 516, 360, 16, kit.wood(kit.OAK))
        + rect(290, 500, 360, 9, kit.wood(kit.lighten(kit.OAK, 0.2)))
        + "".join(rect(x, 530, 12, 78, "#4b545f") for x in (320, 610))
    )
    return kit.contact(480, 614, 520, 22) + glass + posts + roof + bench


def _stop_sign() -> str:
    """A stop's pole with a bus on its plate and a timetable."""
    pole = kit.contact(850, 640, 60) + rect(844, 150, 12, 490, gradient("#aab3bd", "#5c6672", 0))
    plate = circle(850, 160, 52, gradient("#f4d25c", "#d29a2d", 45)) + circle(
        850, 160, 52, "none", stroke="#2f6b4a", width=8
    )
    bus = (
        rect(822, 138, 56, 36, "#2f6b4a", r=6)
        + "".join(rect(826 + i * 17, 144, 14, 13, "#f6e6a8") for i in range(3))
        + circle(834, 177, 6, "#2f6b4a")
        + circle(866, 177, 6, "#2f6b4a")
    )
    sheet = (
        rect(800, 300, 100, 160, "#39434e", r=4)
        + rect(806, 306, 88, 148, "#fbfaf4")
        + rect(806, 306, 88, 24, "#2f6b4a")
        + text(850, 324, "Line 7", 16, "#ffffff", anchor="middle", weight=700)
    )
    hours = "".join(
        text(814, 348 + i * 17, f"{7 + i * 2}", 13, kit.INK, weight=700) + text(840, 348 + i * 17, words, 12, kit.SLATE)
        for i, words in enumerate(("05 25 45", "05 35", "05 35", "05 25 45", "05 25 45", "05 35"))
    )
    return pole + plate + bus + sheet + hours


def _waiting() -> str:
    """A woman in a red coat with a book on the bench, her bag, and an older man under an umbrella."""
    reader = person(_READER, 450, 508, 330, pose="sit", hands=((424, 440), (476, 440)), tilt=4)
    book = (
        poly([(412, 424), (450, 434), (450, 468), (412, 458)], gradient("#f4ecd8", "#d6c8a8"))
        + poly([(488, 424), (450, 434), (450, 468), (488, 458)], gradient("#e6dabd", "#bfae88"))
        + poly(
            [
                (408, 426),
                (412, 424),
                (412, 460),
                (450, 472),
                (488, 460),
                (488, 424),
                (492, 426),
                (492, 464),
                (450, 476),
                (408, 464),
            ],
            "#3d6a6c",
        )
    )
    man = person(_OLD_MAN, 140, 650, 390, hands=(None, (176, 430)))
    umbrella = (
        line([(178, 440), (178, 190)], "#4b3a2c", 6)
        + path(
            "M20,262C40,170 110,150 178,148C246,150 316,170 336,262"
            "C310,246 286,246 258,262C232,246 204,246 178,262C152,246 124,246 98,262C70,246 46,246 20,262Z",
            gradient("#3f6f8f", "#22405a", 30),
        )
        + "".join(
            stroke([(178, 148), ((178 + x) / 2 + (x - 178) * 0.2, 190), (x, 262)], "#1d3448", 2) for x in (98, 258)
        )
    )
    return reader + book + objects.backpack(560, 504, 84, "#6b7f5a") + man + umbrella


def draw_privacy_14() -> str:
    """A bus stop in the rain with a woman who reads and an older man under an umbrella."""
    houses = (
        outdoors.house(-30, 500, 230, 380, "#c9b8a4", floors=4, columns=3, shop="#7d9aa8")
        + outdoors.house(205, 500, 250, 330, "#b7a3a0", floors=3, columns=4)
        + outdoors.house(460, 500, 260, 400, "#c4c0b2", floors=4, columns=4, shop="#a8645a")
        + outdoors.house(725, 500, 330, 350, "#aeb6b8", floors=3, columns=5)
    )
    ground_ = (
        rect(0, 498, 1024, 170, gradient("#a9adb3", "#878c95"))
        + rect(0, 660, 1024, 14, "#6b7079")
        + rect(0, 672, 1024, 100, gradient("#565c68", "#3d434f"))
    )
    wet = "".join(
        ellipse(x, y, w, w * 0.1, "#dbe6ee", opacity=0.5)
        for x, y, w in ((180, 640, 90), (620, 650, 130), (940, 655, 80), (300, 720, 160), (780, 730, 150))
    ) + rect(430, 620, 60, 46, "#b8403c", opacity=0.14, blur=8)
    rain = "".join(
        line([(x, y), (x - 7, y + 34)], "#f3f8fb", 1.6, opacity=0.4)
        for i in range(120)
        for x, y in [((i * 211) % 1040, (i * 137) % 740)]
    )
    return kit.picture(
        outdoors.sky(500, kind="grey"),
        houses,
        kit.haze(480, 240, "#cfd6dc", 0.5),
        ground_,
        wet,
        _shelter(),
        _stop_sign(),
        _waiting(),
        rain,
        mood="#dfe8f0",
    )
