"""Pictures of the hate speech scenarios on religion and belief: a mosque's court, a shrine, a class photo, a feast."""

import math
from dataclasses import replace

from pipeline.starter.drawing import kit, outdoors, people, props_social
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, person


def _arch(x: float, y: float, w: float, h: float) -> str:
    """Path data of a pointed arch standing on the line y."""
    r = x + w
    left = f"M{x},{y}V{y - h * 0.55}C{x},{y - h * 0.8} {x + w * 0.36},{y - h * 0.9} {x + w / 2},{y - h}"
    return left + f"C{r - w * 0.36},{y - h * 0.9} {r},{y - h * 0.8} {r},{y - h * 0.55}V{y}Z"


def _court() -> str:
    """The arcade, dome and minaret of a mosque, and the paved court before it."""
    out = outdoors.sky(420) + outdoors.cloud(820, 84, 210, opacity=0.6)
    out += (
        kit.rect(836, 30, 46, 300, kit.lit("#e8d9bb", 0))
        + kit.path("M830,34C840,4 856,-14 859,-30C862,-14 878,4 888,34Z", kit.lit(kit.TEAL))
        + kit.rect(826, 120, 66, 14, kit.lit("#d8c6a2", 0))
    )
    out += kit.path("M372,190C366,96 470,60 512,18C554,60 658,96 652,190Z", kit.lit(kit.TEAL, 30, 0.24)) + kit.line(
        [(512, 20), (512, -6)], kit.OCHRE, 5
    )
    out += kit.rect(0, 176, kit.WIDTH, 260, kit.gradient("#f2e6cb", "#dcc9a2")) + kit.rect(
        0, 168, kit.WIDTH, 14, kit.lit("#e6d5b0")
    )
    for i in range(52):
        out += kit.poly(
            [(i * 20, 190), (i * 20 + 10, 198), (i * 20, 206), (i * 20 - 10, 198)],
            (kit.TEAL, kit.BLUE, kit.OCHRE)[i % 3],
            opacity=0.7,
        )
    for i in range(7):
        x = -40 + i * 158
        out += kit.path(_arch(x + 6, 436, 132, 222), kit.lighten("#e2cfa8", 0.5)) + kit.path(
            _arch(x + 16, 436, 112, 204), kit.gradient("#5d5648", "#8d7c5f")
        )
        out += kit.path(_arch(x + 48, 430, 48, 100), kit.gradient("#38332f", "#4c4438"))
        out += kit.rect(x - 15, 318, 16, 118, kit.lit("#f3ead6", 0, 0.2)) + kit.rect(
            x - 20, 310, 26, 10, kit.lit("#e6d5b0")
        )
    out += kit.rect(0, 436, kit.WIDTH, 332, kit.gradient("#e9dec7", "#d6c19a"))
    cam = Camera(horizon=300, eye=1.6, focal=900)
    for i in range(-9, 10):
        out += kit.line([cam.at(i * 0.8, 0, 10.5), cam.at(i * 0.8, 0, 2.9)], "#a58e66", 1.3, opacity=0.45)
    for z in (10.5, 8.4, 6.9, 5.8, 4.9, 4.2, 3.6, 3.15):
        out += kit.line([(0, cam.at(0, 0, z)[1]), (kit.WIDTH, cam.at(0, 0, z)[1])], "#a58e66", 1.3, opacity=0.45)
    return out + kit.poly([(0, 436), (1024, 436), (1024, 462), (0, 478)], kit.SHADOW, opacity=0.2, blur=6)


def _fountain(x: float, y: float, w: float) -> str:
    """An eight-sided washing fountain with thin jets, standing at x, y."""
    out = kit.contact(x, y + 6, w, 22) + kit.path(
        f"M{x - w / 2},{y - 60}L{x - w * 0.44},{y}Q{x},{y + 26} {x + w * 0.44},{y}L{x + w / 2},{y - 60}Z",
        kit.gradient("#f2ead8", "#b7a98b", 0),
    )
    for share in (-0.27, 0, 0.27):
        out += kit.line([(x + w * share, y - 44), (x + w * share * 0.94, y + 8 - abs(share) * 14)], "#a99b7d", 2)
    out += kit.ellipse(x, y - 60, w / 2, 24, "#f4eddd") + kit.ellipse(x, y - 59, w * 0.44, 18, kit.lit("#7fb3c4"))
    out += kit.rect(x - 12, y - 118, 24, 62, kit.lit("#e9dfc8", 0, 0.2)) + kit.ellipse(
        x, y - 118, 46, 12, kit.lit("#efe6d2")
    )
    for side in (-1, 1):
        out += kit.stroke(
            [(x + side * 30, y - 122), (x + side * 60, y - 108), (x + side * 70, y - 62)], "#e6f4fa", 4, opacity=0.8
        )
    return out


def _lunch(x: float, y: float) -> str:
    """An open hamper with a ham, sausages, bread and two beer bottles on a cloth; x, y is the cloth's middle."""
    out = kit.poly([(x - 250, y - 52), (x + 214, y - 60), (x + 280, y + 62), (x - 312, y + 66)], kit.lit("#e9ded0"))
    for i in range(7):
        out += kit.line([(x - 244 + i * 66, y - 54), (x - 296 + i * 84, y + 64)], kit.CORAL, 10, opacity=0.42)
    out += "".join(
        kit.line([(x - 262 - i * 16, y - 30 + i * 32), (x + 230 + i * 17, y - 36 + i * 32)], kit.CORAL, 9, opacity=0.42)
        for i in range(3)
    )
    out += kit.contact(x - 130, y + 12, 230, 20) + kit.path(
        f"M{x - 240},{y - 78}H{x - 20}L{x - 34},{y + 12}H{x - 226}Z", kit.weave("#b88a4e")
    )
    out += kit.path(f"M{x - 250},{y - 84}H{x - 10}V{y - 66}H{x - 250}Z", kit.lit(kit.OAK)) + kit.path(
        f"M{x - 214},{y - 82}C{x - 206},{y - 176} {x - 54},{y - 176} {x - 46},{y - 82}", stroke=kit.WALNUT, width=9
    )
    for bx, tall in ((x + 168, 150), (x + 214, 146)):
        out += kit.contact(bx, y + 8, 48) + kit.path(
            f"M{bx - 21},{y + 6}V{y - tall * 0.55}C{bx - 21},{y - tall * 0.74} {bx - 9},{y - tall * 0.74} "
            f"{bx - 8},{y - tall}H{bx + 8}C{bx + 9},{y - tall * 0.74} {bx + 21},{y - tall * 0.74} {bx + 21}"
            f",{y - tall * 0.55}V{y + 6}Z",
            kit.gradient("#8a5a2c", "#4a2c16", 0),
        )
        out += (
            kit.rect(bx - 21, y - 74, 42, 46, kit.lit("#f2e3b6"))
            + kit.text(bx, y - 44, "Beer", 17, kit.BRICK, anchor="middle", weight=800)
            + kit.rect(bx - 9, y - tall - 6, 18, 10, kit.lit(kit.OCHRE), r=2)
        )
    out += (
        kit.contact(x + 62, y + 34, 170, 14)
        + kit.ellipse(x + 62, y + 24, 98, 26, kit.lit("#f6f1e6"))
        + kit.ellipse(x + 62, y + 22, 84, 20, "#e7dfcf")
    )
    out += kit.blob(
        [(x - 8, y + 16), (x + 4, y - 26), (x + 46, y - 42), (x + 86, y - 22), (x + 92, y + 14), (x + 40, y + 26)],
        kit.lit("#c8685f", 50, 0.2),
    )
    out += (
        kit.ellipse(x + 12, y - 2, 25, 27, kit.lit("#f0c3b4"))
        + kit.ellipse(x + 12, y - 2, 18, 20, kit.lit("#e08d84"))
        + kit.circle(x + 12, y - 2, 6, "#f6eee2")
    )
    for i in range(3):
        sx, sy = x + 84 + i * 20, y + 30 - i * 11
        out += kit.stroke([(sx - 22, sy - 4), (sx, sy + 3), (sx + 24, sy - 6)], "#6e3022", 16)
        out += kit.stroke([(sx - 21, sy - 6), (sx, sy + 1), (sx + 22, sy - 8)], "#b0603f", 11)
        out += kit.stroke([(sx - 16, sy - 8), (sx, sy - 3), (sx + 14, sy - 8)], "#e0a07a", 3, opacity=0.7)
    return out


def _shoes(x: float, y: float, count: int) -> str:
    """A row of shoe pairs on the floor."""
    out = ""
    for i in range(count):
        colour = ("#3a3540", kit.WALNUT, "#6a5244", kit.SLATE)[i % 4]
        for side in (0, 13):
            out += (
                kit.ellipse(x + i * 38 + side + 3, y + 3, 7, 4, kit.SHADOW, opacity=0.3)
                + kit.ellipse(x + i * 38 + side, y, 5.5, 10, kit.lit(colour))
                + kit.ellipse(x + i * 38 + side, y + 3, 3.2, 4.5, kit.darken(colour, 0.5))
            )
    return out


def draw_hate_13() -> str:
    """Noon in a mosque's court: men at the fountain and at prayer, a hiker's lunch in the foreground."""
    out = _court()
    out += kit.poly([(642, 462), (1060, 462), (1080, 548), (614, 548)], kit.lit("#9a4a44")) + kit.poly(
        [(658, 470), (1050, 470), (1066, 538), (634, 538)], kit.lit("#7d3640")
    )
    for i in range(4):
        out += kit.path(_arch(672 + i * 96, 534, 72, 60), "#b98a52", opacity=0.55)
    robes = [("#eae4d6", "black"), ("#c9d3d6", "grey"), ("#dcd0b4", "brown"), ("#b9c3b0", "black")]
    for i, (robe, hair) in enumerate(robes):
        hat = "beanie" if i % 2 == 0 else ""
        man = Look(skin=("olive", "tan", "brown", "olive")[i], hair=hair, top=robe, hat=hat, hat_colour="#f2eee4")
        out += props_social.praying(man, 704 + i * 96, 526, 160)
    out += _shoes(806, 574, 5) + _fountain(330, 548, 250)
    washer = Look(skin="tan", hair="black", beard=True, top="#e6dcc6", bottom="#cfc4ac", top_kind="shirt")
    other = Look(
        skin="olive",
        hair="grey",
        age="elder",
        beard=True,
        top="#8fa3a8",
        bottom="#77898f",
        hat="beanie",
        hat_colour="#f2eee4",
    )
    out += person(washer, 168, 556, 272, view="side", lean=24, hands=((232, 462), (226, 468))) + person(
        other, 494, 556, 264, view="side", flip=True, lean=22, hands=((436, 464), (442, 470))
    )
    return kit.picture(out + _lunch(520, 684), mood="#fff0c4")


_SIKH = Look(skin="tan", hair="black", top=kit.SAGE, bottom="#4b5160", age="child", mood="smile")


def _pupils() -> list[tuple[float, float, float, Look]]:
    """Feet (x, y), height and looks of eleven children, the back row first."""
    rows = [
        ("olive", "brown", "short", "", kit.INK, kit.OCHRE),
        ("pale", "blond", "short", "cap", kit.RED, kit.TEAL),
        ("brown", "black", "short", "cap", kit.NAVY, kit.YELLOW),
        ("olive", "black", "scarf", "", "#8a6aa0", kit.NAVY),
        ("", "", "", "", "", ""),
        ("fair", "red", "ponytail", "", kit.INK, kit.PLUM),
        ("deep", "black", "curly", "", kit.INK, kit.CORAL),
        ("fair", "brown", "bob", "", kit.INK, kit.BLUE),
        ("pale", "chestnut", "short", "cap", kit.NAVY, kit.BRICK),
        ("tan", "black", "bun", "", kit.INK, kit.ROSE),
        ("fair", "blond", "ponytail", "cap", kit.RED, kit.GREEN),
    ]
    out: list[tuple[float, float, float, Look]] = []
    for i, (skin, hair, style, hat, hat_colour, top) in enumerate(rows):
        kind, bottom = ("sweater", "tee", "hoodie")[i % 3], (kit.NAVY, "#4b5160", "#6b5b4e")[i % 3]
        kid = Look(skin=skin, hair=hair, hair_style=style, hat=hat, hat_colour=hat_colour, top=top, top_kind=kind)
        kid = replace(kid, bottom=bottom, age="child", mood="smile") if skin else _SIKH
        out.append((82 + i * 172, 478, 282, kid) if i < 6 else (168 + (i - 6) * 172, 596, 312, kid))
    return out


def draw_hate_15() -> str:
    """A class lined up on the school steps; caps, a headscarf and a patka; a camera on a tripod in front."""
    cam = Camera(horizon=250, eye=1.7, focal=900)
    out = kit.rect(0, 0, kit.WIDTH, 470, kit.bricks("#b5705a")) + kit.rect(
        0, 0, kit.WIDTH, 470, kit.gradient("#fff2d255", "#1f274744", 40)
    )
    out += (
        kit.rect(382, 40, 260, 400, kit.lit("#efe6d3"))
        + kit.rect(400, 58, 224, 382, kit.lit("#3f6a6c"))
        + kit.rect(508, 58, 7, 382, "#2f5254")
    )
    out += "".join(kit.rect(x, 80, 72, 130, kit.lit("#a9c9d6")) for x in (420, 532))
    out += kit.rect(420, 0, 184, 34, kit.lit(kit.NAVY), r=3)
    out += kit.text(512, 27, "School", 24, kit.PAPER, anchor="middle", weight=700)
    for x in (66.0, 806.0):
        out += (
            kit.rect(x - 10, 90, 172, 210, kit.lit("#efe6d3"))
            + kit.rect(x, 100, 152, 190, kit.gradient("#b9d6e2", "#7fa3b4"))
            + kit.rect(x + 72, 100, 7, 190, "#efe6d3")
            + kit.rect(x, 190, 152, 7, "#efe6d3")
        )
    out += kit.ground(cam, -9, 1.2, 18, 8, kit.gradient("#cfc8ba", "#b9b1a0"))
    for i in range(3):
        out += kit.box(cam, -3.2, 0, 5.2 - i * 0.5, 6.4, 0.5 - i * 0.17, 0.5, "#c3bbab")
    for x, y, tall, kid in _pupils():
        out += person(kid, x, y, tall)
        if kid == _SIKH:
            out += _patka(x, y - 0.857 * tall, tall * 0.2)
    legs = "".join(kit.line([(760, 640), (x, 800)], kit.INK, 10) for x in (690, 760, 836))
    out += (
        legs
        + kit.rect(738, 600, 44, 60, kit.lit(kit.IRON), r=4)
        + kit.rect(680, 500, 160, 106, kit.lit("#343a48"), r=14)
        + kit.rect(724, 478, 70, 30, kit.lit("#343a48"), r=8)
    )
    out += kit.rect(704, 524, 104, 66, kit.gradient("#9db6bf", "#6f8790"), r=3) + kit.rect(
        716, 476, 20, 9, kit.RED, r=3
    )
    for i in range(5):
        out += kit.circle(720 + i * 18, 552, 5, "#3d4657") + kit.rect(
            714 + i * 18, 558, 12, 20, (kit.TEAL, kit.OCHRE, kit.PLUM, kit.NAVY, kit.SAGE)[i], r=4
        )
    return kit.picture(out)


def _patka(x: float, y: float, size: float) -> str:
    """A Sikh boy's patka on a head `size` pixels high with its middle at x, y."""
    cloth = "#e0883a"
    dome = kit.path(
        "M-41,-2C-47,-50 -22,-64 0,-64C22,-64 47,-50 41,-2C36,-12 20,-22 0,-22C-20,-22 -36,-12 -41,-2Z",
        kit.lit(cloth, 50, 0.18),
    )
    folds = kit.stroke([(-30, -24), (-18, -44), (0, -56)], kit.darken(cloth, 0.3), 3, opacity=0.6) + kit.stroke(
        [(30, -24), (18, -44), (0, -56)], kit.darken(cloth, 0.3), 3, opacity=0.6
    )
    knot = kit.circle(0, -70, 14, kit.lit(cloth, 50, 0.22)) + kit.stroke(
        [(-13, -63), (0, -58), (13, -63)], kit.darken(cloth, 0.35), 4
    )
    return kit.group(dome, folds, knot, move=(x, y), scale=size / 100)


def _oil_lamp(x: float, y: float, w: float) -> str:
    """A clay lamp with a small flame and its glow."""
    out = kit.circle(x, y - w * 0.5, w * 1.2, kit.glow("#ffd98a99", "#ffd98a00")) + kit.contact(x, y, w * 0.9)
    out += (
        kit.path(
            f"M{x - w / 2},{y - w * 0.26}Q{x},{y + w * 0.3} {x + w / 2},{y - w * 0.26}Z", kit.lit(kit.BRICK, 30, 0.2)
        )
        + kit.ellipse(x, y - w * 0.26, w / 2, w * 0.12, "#d98a5c")
        + kit.ellipse(x, y - w * 0.25, w * 0.38, w * 0.08, "#7a4a22")
    )
    return out + kit.path(
        f"M{x},{y - w * 0.95}C{x + w * 0.2},{y - w * 0.6} {x + w * 0.14},{y - w * 0.3} {x},{y - w * 0.28}"
        f"C{x - w * 0.14},{y - w * 0.3} {x - w * 0.2},{y - w * 0.6} {x},{y - w * 0.95}Z",
        kit.gradient("#fff6cf", "#f08a2c"),
    )


def _garland(x: float, y: float, w: float, sag: float) -> str:
    """A hanging chain of marigolds."""
    out = ""
    for i in range(int(w / 17) + 1):
        t = i * 17 / w
        px, py = x + w * t, y + sag * 4 * t * (1 - t)
        out += kit.circle(px, py, 12, kit.lit(kit.OCHRE if i % 3 else "#d9662e", 50, 0.2)) + kit.circle(
            px - 2, py - 2, 5, kit.YELLOW, opacity=0.6
        )
    return out


def _goddess(x: float, y: float, w: float, h: float) -> str:
    """A framed picture of a seated Hindu goddess on a lotus, x, y its upper left corner."""
    mid = x + w / 2
    out = (
        kit.rect(x + 8, y + 10, w, h, kit.SHADOW, opacity=0.3, blur=7)
        + kit.rect(x, y, w, h, kit.lit(kit.OCHRE), r=4)
        + kit.rect(x + 14, y + 14, w - 28, h - 28, kit.gradient("#7fa9c4", "#e9d7a8"))
    )
    out += kit.circle(mid, y + h * 0.33, w * 0.25, kit.glow("#fff3c0ff", "#ffdc8055"))
    out += kit.path(
        kit.smooth(
            [
                (mid - w * 0.3, y + h * 0.8),
                (mid - w * 0.18, y + h * 0.5),
                (mid, y + h * 0.44),
                (mid + w * 0.18, y + h * 0.5),
                (mid + w * 0.3, y + h * 0.8),
                (mid, y + h * 0.85),
            ]
        ),
        kit.lit(kit.RED),
    )
    for i in range(7):
        petal = kit.path("M0,0C-16,-14 -12,-40 0,-54C12,-40 16,-14 0,0Z", kit.lit(kit.ROSE, 60, 0.2))
        out += kit.group(petal, move=(mid, y + h * 0.93), rotate=-84 + i * 28)
    for side in (-1, 1):
        out += kit.stroke(
            [
                (mid + side * w * 0.14, y + h * 0.52),
                (mid + side * w * 0.27, y + h * 0.6),
                (mid + side * w * 0.25, y + h * 0.45),
            ],
            "#d3a077",
            9,
        ) + kit.circle(mid + side * w * 0.26, y + h * 0.41, 10, kit.ROSE)
    out += kit.rect(mid - 9, y + h * 0.4, 18, 22, kit.darken("#d3a077", 0.15), r=6)
    out += people.head(Look(skin="olive", hair="black", hair_style="bun", mood="smile"), mid, y + h * 0.33, h * 0.22)
    return out + kit.path(
        f"M{mid - 19},{y + h * 0.245}L{mid - 14},{y + h * 0.17}L{mid},{y + h * 0.14}L{mid + 14},{y + h * 0.17}"
        f"L{mid + 19},{y + h * 0.245}Z",
        kit.lit(kit.YELLOW),
    )


def _pot(x: float, y: float, w: float) -> str:
    """A red casserole full of meat with a card "Beef stew" before it."""
    h = w * 0.46
    out = kit.contact(x, y, w * 1.05, w * 0.13) + "".join(
        kit.rect(x + side * w * 0.56 - 20, y - h * 0.86, 40, 16, kit.lit(kit.BRICK), r=8) for side in (-1, 1)
    )
    out += kit.path(
        f"M{x - w / 2},{y - h}L{x - w * 0.45},{y - 14}Q{x},{y + 22} {x + w * 0.45},{y - 14}L{x + w / 2},{y - h}Z",
        kit.gradient("#d8604f", "#8e2f2b", 0),
    )
    out += kit.ellipse(x, y - h, w / 2, w * 0.13, "#e98d7c") + kit.ellipse(
        x, y - h + 2, w * 0.45, w * 0.105, kit.lit("#6b3820")
    )
    for i in range(13):
        a = i * 2.4
        px, py = x + w * 0.36 * math.cos(a) * (i / 13) ** 0.5, y - h + 2 + w * 0.075 * math.sin(a) * (i / 13) ** 0.5
        out += kit.blob(
            [(px - 15, py), (px - 6, py - 10), (px + 12, py - 7), (px + 14, py + 4), (px - 4, py + 8)],
            kit.lit("#93563a" if i % 4 else "#d9843a", 50, 0.2),
        )
    for i in (-1, 0, 1):
        out += kit.path(
            kit.smooth(
                [
                    (x + i * 44, y - h - 26),
                    (x + i * 44 + 12, y - h - 56),
                    (x + i * 44 - 8, y - h - 84),
                    (x + i * 44 + 8, y - h - 116),
                ],
                closed=False,
            ),
            stroke="#ffffff",
            width=9,
            opacity=0.28,
            blur=4,
        )
    card = (
        kit.rect(4, 6, 176, 64, kit.SHADOW, opacity=0.35, blur=5)
        + kit.rect(0, 0, 176, 64, kit.lit(kit.PAPER), r=4)
        + kit.text(88, 43, "Beef stew", 31, kit.NAVY, anchor="middle", weight=700, font=kit.HAND)
    )
    return out + kit.group(card, move=(x - 88, y - 14), skew=-4)


def draw_hate_16() -> str:
    """An office Diwali table with lamps, sweets and a goddess's picture; a guest's pot stands on its near edge."""
    out = (
        props_social.room("#cfc1b4", kit.wood(kit.OAK), 560)
        + _garland(-10, 36, 380, 70)
        + _garland(360, 36, 320, 46)
        + _garland(670, 36, 370, 70)
    )
    out += _goddess(404, 112, 216, 264)
    woman = Look(skin="brown", hair="black", hair_style="bun", top="#b23f6a", top_kind="dress", mood="smile")
    man = Look(
        skin="tan",
        hair="black",
        top="#e6cf8c",
        top_kind="shirt",
        bottom="#e6cf8c",
        glasses=True,
        mood="smile",
        beard=True,
    )
    elder = Look(skin="brown", hair="grey", hair_style="bun", age="elder", top=kit.TEAL, top_kind="dress", mood="smile")
    out += (
        person(man, 196, 800, 640, gaze=0.8)
        + person(woman, 744, 800, 610, gaze=-0.6)
        + person(elder, 906, 800, 580, gaze=-0.8)
    )
    out += kit.path(
        "M700,300C716,360 740,430 806,500L778,520C716,460 690,390 684,316Z", kit.lit(kit.OCHRE), opacity=0.95
    )
    out += kit.poly([(30, 500), (994, 500), (1130, 790), (-106, 790)], kit.gradient("#b8404a", "#8c2c3c")) + kit.poly(
        [(30, 500), (994, 500), (998, 512), (26, 512)], kit.OCHRE
    )
    out += kit.poly([(-60, 724), (1086, 724), (1094, 740), (-68, 740)], kit.OCHRE, opacity=0.85)
    out += "".join(_oil_lamp(92 + i * 93, 544, 46) for i in range(10))
    for x, y, colour in ((214, 636, "#e8a33c"), (420, 622, "#efe3cd"), (880, 640, "#d98ba0")):
        out += (
            kit.contact(x, y, 170, 20)
            + kit.path(f"M{x - 84},{y - 44}Q{x},{y + 58} {x + 84},{y - 44}Z", kit.gradient("#d9b25a", "#8a6428", 0))
            + kit.ellipse(x, y - 44, 84, 22, "#e8cb7e")
        )
        for i in range(9):
            out += kit.circle(
                x - 54 + (i % 5) * 27 + (i // 5) * 13, y - 44 - (i // 5) * 17, 16, kit.lit(colour, 50, 0.2)
            )
    out += "".join(_oil_lamp(x, 694, 56) for x in (76, 330, 966)) + _pot(644, 692, 262)
    return kit.picture(out, mood="#ffe0a0")
