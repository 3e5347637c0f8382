"""Pictures of violent content among people: a full cellar club, a chat with a neighbour, a prank in a workshop."""

import math

from pipeline.starter.drawing import interiors, kit, kitchen, objects, screens
from pipeline.starter.drawing.people import Look, head, person

_SKINS = ("pale", "fair", "olive", "tan", "brown", "deep")
_HAIRS = ("black", "brown", "chestnut", "blond", "black", "red")
_STYLES = ("short", "long", "curly", "bob", "crop", "bun", "short", "ponytail")
_TOPS = ("#3f4c6e", "#6e3f4c", "#3f6663", "#73603c", "#54466e", "#3c4250")


def _guest(i: int, mood: str = "calm") -> Look:
    """One of many different looks."""
    return Look(
        skin=_SKINS[i * 5 % 6], hair=_HAIRS[i * 7 % 6], hair_style=_STYLES[i * 3 % 8], top=_TOPS[i * 5 % 6], mood=mood
    )


def draw_violent_05() -> str:
    """A packed cellar club seen from the stage."""
    out = [
        kit.rect(0, 0, 1024, 768, kit.bricks("#6b4a52")),
        kit.rect(0, 0, 1024, 768, kit.gradient("#1a1738c8", "#2a2144d8")),
    ]
    for arch in (-60, 300, 660, 1020):
        out.append(
            kit.path(
                f"M{arch},330V90C{arch + 20},-60 {arch + 40},-60 {arch + 60},-60H{arch - 60}Z",
                kit.gradient("#352a48", "#241d38", 0),
            )
        )
    out.append(kit.ellipse(512, 190, 200, 160, "url(#r-ffe2a8c0-ffe2a800)"))
    out.append(
        kit.rect(474, 120, 76, 150, kit.gradient("#ffe9bd", "#e9b86a"))
        + kit.rect(466, 112, 92, 10, "#3a2c3c")
        + kit.rect(478, 86, 68, 22, "#2f8a5a", r=3)
        + kit.text(512, 103, "EXIT", 16, "#eafff0", anchor="middle", weight=800)
    )
    for beam, c in ((120, "#e07ab0"), (880, "#6aa7f0")):
        out.append(
            kit.poly(
                [(beam - 12, 0), (beam + 12, 0), (beam * 0.2 + 600, 560), (beam * 0.2 + 220, 560)],
                kit.gradient(c + "88", c + "00"),
            )
        )
    rows = [(262, 34, 34), (296, 44, 28), (340, 58, 22), (394, 76, 17), (462, 98, 13)]
    for r, (y, size, count) in enumerate(rows):
        step = 1080 / count
        for i in range(count):
            x = -20 + step * (i + 0.5 * (r % 2)) + ((i * 37 + r * 11) % 7 - 3) * 2
            if r == 0 and abs(x - 512) < 30:
                continue
            look = _guest(i + r * 3, "open" if r == 4 and i % 3 else "calm")
            out.append(
                kit.ellipse(
                    x, y + size * 1.1, size * 0.85, size * 0.75, kit.gradient(look.top, kit.darken(look.top, 0.4))
                )
            )
            out.append(head(look, x, y, size, gaze=0.5 if x < 512 else -0.5))
        out.append(kit.rect(0, y - size, 1024, size * 2.2, "#1d1a3c", opacity=0.26 - 0.05 * r))
    out += [_pressed(i) for i in range(8)]
    out.append(_barrier() + _stage())
    return kit.picture(*out, mood="#b9a6ff")


def _pressed(i: int) -> str:
    """One frightened person of the first row, squeezed sideways, some with raised arms."""
    x = 70 + i * 126
    look = _guest(i * 2 + 1, "worried" if i % 2 else "open")
    y = 1010 + (i % 3) * 10
    up = {
        1: ((x - 64, 392), None),
        3: ((x - 50, 376), (x + 58, 384)),
        5: (None, (x + 62, 380)),
        6: ((x - 48, 400), (x + 56, 388)),
    }.get(i)
    hands = up or ((x - 46, 628), (x + 46, 628))
    return person(
        look,
        x,
        y,
        560,
        hands=hands,
        lean=(i % 3 - 1) * 7.0,
        tilt=(-9, 8, 0)[i % 3],
        gaze=(-0.6, 0.6, 0)[i % 3],
        shadow=False,
    )


def _barrier() -> str:
    """A metal crowd barrier across the picture."""
    bars = "".join(kit.rect(14 + 44 * k, 640, 9, 90, kit.gradient("#d5dae2", "#6d7688", 0)) for k in range(24))
    return (
        kit.rect(0, 622, 1024, 22, kit.gradient("#eef1f5", "#7d8698"), r=10)
        + bars
        + kit.rect(0, 716, 1024, 12, kit.gradient("#c3cad4", "#656e80"))
    )


def _stage() -> str:
    """The stage's edge with a microphone on its stand."""
    floor = kit.rect(0, 730, 1024, 40, kit.gradient("#3a2a2c", "#1e171c"))
    stand = kit.line([(700, 768), (700, 470)], "#15171f", 9) + kit.line([(702, 766), (702, 480)], "#6d7688", 2)
    mic = kit.turned(
        700,
        460,
        -34,
        kit.rect(690, 430, 20, 84, kit.gradient("#565d6c", "#1b1e27", 0), r=8),
        kit.ellipse(700, 420, 25, 29, kit.lit("#8b93a3", 50, 0.35)),
        kit.rect(674, 424, 52, 7, "#3a404e"),
    )
    mesh = "".join(
        kit.turned(700, 460, -34, kit.line([(680, 404 + 8 * k), (720, 404 + 8 * k)], "#4a5160", 1.4)) for k in range(5)
    )
    return floor + stand + mic + mesh


def draw_violent_13() -> str:
    """A phone with threatening messages from a neighbour, car keys and a mug on a table."""
    out = [
        kit.rect(0, 0, 1024, 768, kit.wood("#a9805a")),
        kit.rect(0, 0, 1024, 768, kit.gradient("#fff2d255", "#1f274766", 50)),
    ]
    out += [kit.line([(-10, y), (1034, y)], kit.darken("#a9805a", 0.45), 3, opacity=0.5) for y in (196, 420, 640)]
    out.append(
        kit.turned(
            190,
            200,
            -12,
            kit.rect(66, 70, 262, 330, kit.SHADOW, opacity=0.25, blur=8),
            kit.rect(60, 60, 262, 330, "#f6f1e4"),
            screens.grey_lines(84, 100, 210, 12),
        )
    )
    out.append(_mug_from_above(820, 190))
    out.append(_car_keys(810, 560))
    talk = [
        kit.rect(0, 0, 200, 58, "#e7ebf1"),
        kit.circle(30, 38, 13, "#8a93a5"),
        kit.text(50, 37, "Neighbour", 14, kit.INK, weight=700),
        kit.text(50, 51, "no. 12", 11, kit.SLATE),
    ]
    talk.append(screens.bubble(8, 64, 172, ["Your car was in MY", "space again."], size=14.5))
    talk.append(screens.bubble(8, 122, 172, ["Been drinking since", "noon because of you."], size=14.5))
    talk.append(
        screens.bubble(
            8, 180, 184, ["Park there once more", "and I'll be waiting with", "my crowbar. I mean it."], size=14.5
        )
    )
    talk += [
        kit.text(12, 274, "18:52", 10, kit.SLATE),
        kit.rect(8, 350, 150, 34, "#ffffff", r=17, stroke=kit.STONE, width=1.3),
        kit.text(22, 372, "Message", 13, kit.STONE),
        kit.rect(24, 358, 1.6, 18, kit.BLUE),
        kit.circle(178, 367, 15, kit.BLUE),
        kit.path("M172,360L186,367L172,374L175,367Z", "#ffffff"),
    ]
    out.append(screens.phone(480, 384, 700, *talk, angle=3))
    return kit.picture(*out)


def _mug_from_above(x: float, y: float) -> str:
    """A mug seen from above."""
    handle = kit.path(
        f"M{x + 70},{y + 20}C{x + 140},{y + 30} {x + 140},{y + 80} {x + 56},{y + 66}", stroke="#4f7f88", width=18
    )
    cup = (
        kit.circle(x, y, 92, kit.lit("#5f949c", 50, 0.2))
        + kit.circle(x, y, 78, kit.gradient("#3f5f66", "#6fa0a8", 50))
        + kit.circle(x, y + 3, 70, kit.gradient("#4a2f22", "#7a5138", 50))
    )
    return (
        kit.ellipse(x + 16, y + 20, 104, 98, kit.SHADOW, opacity=0.32, blur=10)
        + handle
        + cup
        + kit.stroke([(x - 40, y - 30), (x - 20, y - 48), (x + 10, y - 52)], "#ffffff", 5, opacity=0.4)
    )


def _car_keys(x: float, y: float) -> str:
    """A car key with a remote and a tag on a ring."""
    ring = kit.circle(x, y, 34, "none", stroke="#b9c0c8", width=6)
    fob = kit.turned(
        x,
        y,
        24,
        kit.rect(x - 34, y + 26, 68, 112, kit.lit("#2c303b", 50, 0.25), r=20),
        kit.rect(x - 18, y + 54, 36, 20, "#4a505e", r=6),
        kit.rect(x - 18, y + 86, 36, 20, "#4a505e", r=6),
    )
    blade = kit.turned(x, y, -38, objects.key(x, y + 84, 130, angle=90, colour="#aab3bd"))
    tag = kit.turned(x, y, 92, kit.rect(x - 22, y + 30, 44, 74, kit.lit("#a8503c", 50, 0.2), r=8))
    shade = kit.ellipse(x + 16, y + 70, 110, 80, kit.SHADOW, opacity=0.28, blur=12)
    return shade + blade + tag + fob + ring


def draw_violent_14() -> str:
    """A man works at a table saw; in the foreground a phone films him, next to a loudspeaker."""
    cam = kit.Camera(horizon=270, eye=1.55)
    out = [interiors.room(cam, wall="#c9bfae", floor="#a89c88", kind="plain", depth=6.4, width=8, skirting="#9b8d77")]
    out.append(interiors.window(90, 110, 210, 160, panes=3) + _tool_wall(600, 96))
    out.append(interiors.counter(cam, 0.3, 5.7, 2.9, colour="#8d6a48", top="#c39a6b", doors=4))
    x, y = cam.at(2.6, 0.9, 5.8)
    out.append(objects.crate(x, y, 110, 56) + kitchen.jar(x - 130, y, 56, "#8a94a0", lid=kit.IRON))
    out.append(
        kit.poly(cam.face((-2.6, 0, 5.9), (-2.2, 0, 6.2), (-2.2, 2.1, 6.3), (-2.6, 2.1, 6.2)), kit.wood(kit.PINE))
        + kit.poly(cam.face((-2.1, 0, 5.9), (-1.8, 0, 6.2), (-1.8, 1.8, 6.3), (-2.1, 1.8, 6.2)), kit.wood(kit.OAK))
    )
    out.append(_table_saw())
    man = Look(
        skin="olive", hair="chestnut", hair_style="short", top="#6d7f5c", top_kind="shirt", bottom="#3b4766", build=1.1
    )
    out.append(
        person(man, 470, 690, 500, view="side", hands=((610, 424), (586, 434)), lean=16, feet=((492, 680), (444, 688)))
    )
    out.append(_board_front())
    out.append(_speaker(180, 740))
    out.append(_filming_hand(850, 560))
    return kit.picture(*out)


def _tool_wall(x: float, y: float) -> str:
    """A pegboard with hand tools."""
    board = kit.rect(x, y, 330, 190, kit.lit("#b9925f", 60, 0.1), r=4) + "".join(
        kit.circle(x + 16 + 22 * (k % 15), y + 16 + 26 * (k // 15), 2, "#7a5c36") for k in range(105)
    )
    saw = kit.poly([(x + 30, y + 40), (x + 150, y + 66), (x + 150, y + 84), (x + 30, y + 60)], kit.STEEL) + kit.rect(
        x + 16, y + 32, 26, 44, kit.BRICK, r=8
    )
    hammer = kit.rect(x + 196, y + 50, 10, 110, kit.PINE, r=4) + kit.rect(x + 176, y + 34, 52, 22, kit.IRON, r=4)
    wrench = "".join(
        kit.line([(x + 250 + 26 * k, y + 44), (x + 250 + 26 * k, y + 150 - 20 * k)], kit.STEEL, 9)
        + kit.circle(x + 250 + 26 * k, y + 44, 10, kit.STEEL)
        for k in range(3)
    )
    square = kit.line([(x + 50, y + 110), (x + 50, y + 170), (x + 130, y + 170)], kit.STONE, 8)
    return kit.rect(x + 5, y + 7, 330, 190, kit.SHADOW, opacity=0.25, blur=6) + board + saw + hammer + wrench + square


def _table_saw() -> str:
    """A table saw, its round blade standing out of the table, dust flying."""
    body = (
        kit.rect(540, 470, 300, 210, kit.gradient("#58748a", "#34485c"), r=6)
        + kit.rect(560, 560, 70, 70, "#2a3a4b", r=8)
        + kit.circle(720, 590, 26, "#c8453f", stroke="#f0cb5c", width=7)
        + kit.text(720, 596, "ON", 16, "#ffffff", anchor="middle", weight=800)
    )
    legs = kit.poly([(552, 680), (590, 680), (576, 716), (546, 716)], "#2a3a4b") + kit.poly(
        [(790, 680), (828, 680), (834, 716), (804, 716)], "#2a3a4b"
    )
    top = kit.poly([(520, 452), (868, 452), (900, 482), (488, 482)], kit.gradient("#dfe5ea", "#9aa6b1")) + kit.rect(
        488, 480, 412, 16, "#6d7b88"
    )
    teeth = kit.straight(
        [(702 + (66 if k % 2 else 57) * _cos(k), 458 + (66 if k % 2 else 57) * _sin(k)) for k in range(25)]
    )
    blade = kit.path(teeth, kit.gradient("#ffffff", "#8a959f", 50), stroke="#717c87", width=1.5)
    dust = "".join(
        kit.circle(700 - (k * 29 % 90), 410 - (k * 17 % 50), 2 + k % 3, "#e7cf9f", opacity=0.8) for k in range(26)
    )
    return kit.contact(694, 716, 380) + legs + body + top + blade + dust


def _cos(k: int) -> float:
    """The cosine of the k-th of 24 steps over the upper half circle."""
    return math.cos(math.pi * (1 + k / 24))


def _sin(k: int) -> float:
    """The sine of the k-th of 24 steps over the upper half circle."""
    return math.sin(math.pi * (1 + k / 24))


def _board_front() -> str:
    """The board that is pushed into the blade, in front of it."""
    return (
        kit.poly([(560, 446), (690, 446), (690, 470), (548, 470)], kit.wood(kit.PINE))
        + kit.rect(548, 470, 142, 8, kit.darken(kit.PINE, 0.3))
        + kit.ellipse(618, 446, 20, 10, kit.lit("#d3a077", 50, 0.1))
        + kit.ellipse(592, 450, 20, 10, kit.lit("#d3a077", 50, 0.1))
    )


def _speaker(x: float, y: float) -> str:
    """A big portable loudspeaker on a stool, in the foreground."""
    stool = (
        kit.rect(x - 120, y - 90, 240, 20, kit.wood(kit.OAK), r=5)
        + kit.line([(x - 96, y - 70), (x - 112, y + 40)], kit.WALNUT, 16)
        + kit.line([(x + 96, y - 70), (x + 112, y + 40)], kit.WALNUT, 16)
    )
    body = kit.rect(x - 92, y - 340, 184, 250, kit.lit("#2f3442", 50, 0.2), r=22) + kit.path(
        f"M{x - 46},{y - 340}V{y - 366}H{x + 46}V{y - 340}", stroke="#1e222c", width=12
    )
    cones = "".join(
        kit.circle(x, y + dy, r, "#1b1e27")
        + kit.circle(x, y + dy, r * 0.82, kit.lit("#4a5162", 50, 0.25))
        + kit.circle(x, y + dy, r * 0.34, kit.lit("#1f232d", 50, 0.3))
        for dy, r in ((-180, 72), (-290, 32))
    )
    return stool + kit.contact(x, y - 90, 190) + body + cones + kit.circle(x + 66, y - 318, 6, "#5fd08a")


def _filming_hand(x: float, y: float) -> str:
    """A hand that holds a phone upright and films the man."""
    small = [
        kit.rect(0, 0, 200, 400, kit.gradient("#c9bfae", "#98907f")),
        kit.rect(90, 190, 110, 80, kit.STEEL),
        kit.circle(150, 190, 26, "#eef1f4"),
        person(
            Look(skin="olive", hair="chestnut", top="#6d7f5c", top_kind="shirt", bottom="#3b4766"),
            66,
            340,
            230,
            view="side",
            hands=((130, 200), (126, 206)),
            lean=14,
        ),
    ]
    small += [
        kit.circle(24, 34, 7, "#e23c3c"),
        kit.text(38, 40, "00:00", 17, "#ffffff", weight=700),
        kit.circle(100, 364, 20, "#e23c3c", stroke="#ffffff", width=5),
    ]
    palm = kit.blob(
        [
            (x - 20, y + 70),
            (x + 90, y + 20),
            (x + 150, y + 90),
            (x + 170, y + 300),
            (x - 10, y + 300),
            (x - 40, y + 180),
        ],
        kit.lit("#e0b08c", 50, 0.12),
    )
    fingers = "".join(
        kit.line([(x - 92, y - 30 + 48 * k), (x - 70, y - 34 + 48 * k)], kit.darken("#e0b08c", 0.04 * k), 32)
        for k in range(4)
    )
    thumb = kit.stroke([(x + 110, y + 120), (x + 100, y + 40), (x + 84, y - 20)], "#e3b591", 38)
    return palm + screens.phone(x, y, 350, *small) + fingers + thumb
