"""Pictures of the sexual content scenarios on private images: changing room, guest room, sold phone, mirror."""

from pipeline.starter.drawing import interiors, kit, objects, props_social, screens
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, head, person


def _feet(x: float, y: float, skin: str, s: float = 1.0) -> str:
    """Bare feet and lower legs that show below a curtain."""
    out = kit.contact(x, y, 64 * s, 8)
    for side in (-1, 1):
        out += kit.rect(
            x + side * 17 * s - 9 * s,
            y - 62 * s,
            18 * s,
            54 * s,
            kit.gradient(kit.lighten(skin, 0.1), kit.darken(skin, 0.2), 0),
            r=8 * s,
        )
        out += kit.ellipse(x + side * 21 * s, y - 6 * s, 19 * s, 9 * s, kit.lit(skin))
    return out


def _cubicles(x: float, y: float, s: float, *, names: bool = True) -> str:
    """Three changing cubicles, 600 x 430 units times s, standing on the line y; x is their left edge."""
    out = kit.rect(0, -430, 600, 430, kit.lit("#c5d2d3")) + kit.rect(0, -440, 600, 22, kit.lit("#eef1ee"))
    curtains = ("#d98f6c", "#d98f6c", "#d98f6c")
    for i, colour in enumerate(curtains):
        left = 18 + i * 196
        out += kit.rect(left, -400, 172, 400, kit.gradient("#6d7c82", "#8d9a9d")) + kit.rect(
            left, -70, 172, 70, kit.gradient("#59666c", "#7d898c")
        )
        out += kit.line([(left - 4, -396), (left + 176, -396)], kit.STEEL, 7)
        if i == 1:
            out += kit.rect(left + 126, -330, 5, 18, kit.STEEL) + kit.path(
                f"M{left + 100},-316q28,-16 56,0l10,120h-76z", kit.lit(kit.TEAL)
            )
        wide = 104 if i == 1 else 172
        folds = 4 if i == 1 else 7
        for k in range(folds):
            w = wide / folds
            out += kit.rect(
                left + k * w,
                -394,
                w + 1,
                310 + (k % 2) * 5,
                kit.gradient(kit.lighten(colour, 0.22), kit.darken(colour, 0.16), 0),
            )
    out += (
        _feet(104, -10, "#e8b896")
        + _feet(274, -10, "#93603e")
        + kit.ellipse(542, -12, 26, 11, kit.lit(kit.NAVY))
        + kit.ellipse(490, -14, 26, 11, kit.lit(kit.NAVY))
    )
    out += kit.path("M34,-404h70l-8,64h-60z", kit.lit(kit.NAVY)) + kit.path(
        "M446,-404h78l6,96h-88z", kit.lit(kit.CREAM)
    )
    out += kit.path("M24,-404h28v40h-28z", kit.lit(kit.ROSE))
    return kit.group(out, move=(x, y), scale=s)


def draw_sexual_06() -> str:
    """A changing room with curtained cubicles; a phone on a tripod in the foreground shows them on its screen."""
    cam = Camera(horizon=290, eye=1.55, focal=900)
    out = interiors.room(cam, wall="#cfdcd9", floor="#c9c6ba", kind="tiles", depth=6.4, height=2.9, width=8)
    for i in range(3):
        x, top = cam.at(-3.7 + i * 0.62, 2.1, 6.3)
        _, low = cam.at(0, 0.1, 6.3)
        out += kit.rect(x, top, 84, low - top, kit.lit((kit.TEAL, "#4a9a9c", kit.TEAL)[i], 0, 0.12), r=3) + kit.circle(
            x + 68, (top + low) / 2, 4, kit.STEEL
        )
        out += "".join(kit.rect(x + 24, top + 20 + k * 9, 36, 3, kit.darken(kit.TEAL, 0.35)) for k in range(3))
    out += _cubicles(272, 520, 0.86) + kit.box(cam, -3.0, 0.42, 4.4, 1.5, 0.06, 0.4, kit.OAK)
    for x in (-2.9, -1.66):
        out += kit.box(cam, x, 0, 4.45, 0.08, 0.42, 0.3, kit.IRON)
    bx, by = cam.at(-2.3, 0.48, 4.5)
    out += (
        kit.contact(bx, by, 120)
        + kit.rect(bx - 62, by - 58, 124, 58, kit.lit(kit.BRICK), r=18)
        + kit.path(f"M{bx - 30},{by - 54}c6,-36 54,-36 60,0", stroke=kit.darken(kit.BRICK, 0.4), width=7)
    )
    legs = "".join(kit.line([(836, 690), (x, 800)], kit.lit("#3a4150"), 12) for x in (770, 836, 904))
    view = (
        kit.rect(0, 0, 200, 400, "#cfdcd9")
        + kit.rect(0, 262, 200, 138, "#c9c6ba")
        + kit.rect(0, 262, 200, 10, "#eef1ee")
    )
    view += (
        _cubicles(6, 300, 0.315) + kit.circle(30, 44, 9, kit.RED) + kit.text(46, 51, "00:03", 19, kit.INK, weight=600)
    )
    view += kit.circle(100, 356, 27, "#ffffff") + kit.rect(87, 343, 26, 26, kit.RED, r=5)
    out += (
        legs + kit.rect(822, 640, 28, 60, kit.lit(kit.IRON), r=4) + kit.rect(764, 622, 144, 26, kit.lit("#3a4150"), r=8)
    )
    return kit.picture(out + screens.phone(836, 430, 430, view), mood="#f4f6e8")


def draw_sexual_07() -> str:
    """A man on a ladder fixes a small white camera to the wall of a guest room, above the bed's side."""
    cam = Camera(horizon=300, eye=1.6, focal=900, centre=470)
    out = interiors.room(cam, wall="#d9c9b4", floor=kit.PINE, depth=6.0, height=2.9, width=8)
    out += interiors.window(300, 130, 190, 200) + interiors.curtains(300, 130, 190, 200, "#9db0a0")
    out += interiors.picture_frame(
        86, 150, 120, 96, kit.rect(86, 150, 120, 96, kit.SKY), kit.ellipse(150, 244, 70, 40, kit.SAGE)
    )
    out += interiors.rug(cam, -1.9, 3.2, 3.4, 2.2, "#8f6f66") + interiors.bed(cam, -1.7, 3.5, 1.8, 2.2, cover="#7f93a8")
    tx, ty = cam.at(-0.75, 0.52, 3.9)
    for i in range(2):
        out += kit.rect(tx - 76 + i * 6, ty - 30 - i * 24, 140, 30, kit.lit((kit.CREAM, kit.SKY)[i], 60, 0.12), r=13)
    card = kit.rect(4, 6, 190, 84, kit.SHADOW, opacity=0.3, blur=5) + kit.rect(0, 0, 190, 84, kit.lit(kit.PAPER), r=4)
    card += kit.text(95, 37, "Welcome,", 25, kit.BRICK, anchor="middle", weight=700, font=kit.HAND) + kit.text(
        95, 67, "dear guests", 25, kit.BRICK, anchor="middle", weight=700, font=kit.HAND
    )
    out += kit.group(card, move=(tx - 150, ty + 8), skew=-6)
    out += kit.box(cam, 1.0, 0, 5.2, 1.3, 1.75, 0.6, kit.OAK)
    (wx, wy), (ex, ey) = cam.at(1.0, 1.75, 5.2), cam.at(2.3, 0, 5.2)
    mid = (wx + ex) / 2
    out += (
        kit.line([(mid, wy), (mid, ey)], kit.WALNUT, 3)
        + kit.circle(mid - 12, (wy + ey) / 2, 5, kit.STEEL)
        + kit.circle(mid + 12, (wy + ey) / 2, 5, kit.STEEL)
    )
    out += objects.suitcase(622, 690, 176) + objects.ladder(822, 690, 400)
    host = Look(
        skin="fair", hair="brown", hair_style="short", top=kit.MOSS, top_kind="shirt", bottom="#4b5160", build=1.05
    )
    out += person(host, 822, 492, 410, view="behind", hands=((706, 146), (752, 176)), shadow=False)
    return kit.picture(out + _camera(674, 120, 74), mood="#ffedcc")


def _camera(x: float, y: float, s: float) -> str:
    """A small white wall camera that looks down to the left; s is its length."""
    out = kit.rect(s * 0.3, -s * 0.2, s * 0.14, s * 0.5, kit.lit("#d6d8da"), r=3) + kit.rect(
        0, -s * 0.02, s * 0.36, s * 0.12, kit.lit("#d6d8da"), r=4
    )
    body = kit.rect(-s * 0.52, -s * 0.26, s * 0.8, s * 0.5, kit.lit("#f7f7f4"), r=s * 0.16) + kit.ellipse(
        -s * 0.46, 0, s * 0.17, s * 0.25, kit.INK
    )
    body += (
        kit.ellipse(-s * 0.47, 0, s * 0.1, s * 0.15, "#31466b")
        + kit.circle(-s * 0.5, -s * 0.06, s * 0.035, "#cfe2ff")
        + kit.circle(s * 0.1, -s * 0.12, s * 0.04, kit.GREEN)
    )
    return kit.group(
        kit.ellipse(s * 0.1, s * 0.2, s * 0.5, s * 0.2, kit.SHADOW, opacity=0.25, blur=6),
        out,
        kit.group(body, rotate=-26),
        move=(x, y),
    )


def _thumbnail(x: float, y: float, w: float, kind: int) -> str:
    """One blurred album picture of a bedroom: a bed, two heads on pillows, drawn curtains."""
    warm = ("#c48f77", "#8c6a80", "#a3805f", "#6f6a8c")[kind % 4]
    out = kit.rect(x, y, w, w, kit.gradient(kit.lighten(warm, 0.4), kit.darken(warm, 0.25), 60))
    if kind % 3 == 0:
        out += (
            kit.ellipse(x + w * 0.36, y + w * 0.4, w * 0.15, w * 0.17, "#e3b798", blur=3)
            + kit.ellipse(x + w * 0.62, y + w * 0.44, w * 0.15, w * 0.17, "#8d5f42", blur=3)
            + kit.rect(x, y + w * 0.6, w, w * 0.4, "#f1e9e2", blur=3)
        )
    elif kind % 3 == 1:
        out += kit.rect(x + w * 0.1, y + w * 0.5, w * 0.8, w * 0.36, "#eadfd8", blur=3) + kit.ellipse(
            x + w * 0.3, y + w * 0.48, w * 0.16, w * 0.1, "#ffffff", blur=2
        )
    else:
        out += kit.rect(x + w * 0.08, y, w * 0.3, w * 0.9, "#7d4a58", blur=3) + kit.rect(
            x + w * 0.62, y, w * 0.3, w * 0.9, "#7d4a58", blur=3
        )
    return kit.clipped(f"M{x},{y}h{w}v{w}h{-w}Z", out)


def draw_sexual_09() -> str:
    """A phone with an open album on a kitchen table, with a cloth, a spray bottle, its box and a pick-up note."""
    out = (
        props_social.room("#d6dcd2", kit.wood(kit.OAK), 190)
        + interiors.window(90, -90, 300, 240)
        + objects.pot_plant(880, 180, 150)
    )
    out += kit.poly([(-60, 170), (1084, 170), (1180, 800), (-160, 800)], kit.wood("#c79a63")) + kit.poly(
        [(-60, 170), (1084, 170), (1086, 182), (-64, 182)], kit.lighten(kit.PINE, 0.4)
    )
    out += kit.sunlight([(150, 190), (420, 190), (520, 560), (180, 560)], 0.2)
    album = (
        kit.rect(0, 0, 200, 400, "#1d2029")
        + kit.text(14, 52, "Private", 25, kit.PAPER, weight=700)
        + kit.text(14, 78, "Me and Jo, 214 items", 16, kit.STONE)
    )
    for i in range(12):
        album += _thumbnail(8 + (i % 3) * 62, 94 + (i // 3) * 62, 58, (i * 5 + i // 3) % 12)
    album += kit.rect(0, 346, 200, 54, "#2a2e3a") + kit.rect(60, 386, 80, 5, kit.STONE, r=2)
    for i in range(3):
        album += kit.circle(40 + i * 60, 364, 9, (kit.STONE, kit.SKY, kit.STONE)[i])
    out += screens.phone(452, 456, 556, album, angle=4)
    box = (
        kit.rect(10, 16, 220, 250, kit.SHADOW, opacity=0.35, blur=9)
        + kit.rect(0, 0, 220, 250, kit.lit("#f1efe9"), r=6)
        + kit.rect(0, 222, 220, 28, "#c9c5bb", r=4)
    )
    box += kit.rect(70, 52, 80, 136, kit.lit("#2a2e3a"), r=12) + kit.rect(
        77, 62, 66, 116, kit.gradient("#8fb1cf", "#d9b7a0"), r=5
    )
    out += kit.group(box, move=(730, 236), rotate=6)
    note = kit.rect(6, 10, 226, 190, kit.SHADOW, opacity=0.3, blur=7) + kit.rect(0, 0, 226, 190, kit.lit("#f3dc7c"))
    for i, words in enumerate(("Sold!", "Pick-up today", "17:00")):
        note += kit.text(22, 56 + i * 48, words, (34, 26, 34)[i], kit.NAVY, weight=(700, 500, 700)[i], font=kit.HAND)
    out += kit.group(note, move=(712, 544), rotate=-5)
    cloth = [(66, 560), (150, 506), (236, 540), (276, 620), (214, 700), (110, 690), (50, 640)]
    out += kit.path(kit.smooth([(x + 8, y + 10) for x, y in cloth]), kit.SHADOW, opacity=0.4, blur=7) + kit.blob(
        cloth, kit.weave("#7fa6b8")
    )
    out += kit.stroke([(100, 580), (160, 600), (220, 580)], "#5d8294", 4, opacity=0.6) + kit.stroke(
        [(96, 640), (160, 630), (210, 660)], "#5d8294", 4, opacity=0.6
    )
    return kit.picture(out + _spray(136, 470, 220))


def _spray(x: float, y: float, h: float) -> str:
    """A spray bottle of glass cleaner standing at x, y."""
    out = kit.contact(x, y, h * 0.42) + kit.rect(
        x - h * 0.17, y - h * 0.62, h * 0.34, h * 0.62, kit.gradient("#cfe6f0", "#7fb0c8", 0), r=h * 0.07
    )
    out += kit.rect(x - h * 0.17, y - h * 0.4, h * 0.34, h * 0.25, kit.lit(kit.PAPER)) + kit.text(
        x, y - h * 0.24, "Glass", h * 0.105, kit.BLUE, anchor="middle", weight=700
    )
    out += kit.poly(
        [
            (x - h * 0.14, y - h * 0.6),
            (x + h * 0.14, y - h * 0.6),
            (x + h * 0.06, y - h * 0.76),
            (x - h * 0.06, y - h * 0.76),
        ],
        "#9cc7da",
    )
    out += kit.rect(x - h * 0.07, y - h * 0.86, h * 0.16, h * 0.11, kit.lit(kit.BLUE), r=3) + kit.poly(
        [
            (x - h * 0.2, y - h * 1.0),
            (x + h * 0.14, y - h * 1.0),
            (x + h * 0.1, y - h * 0.84),
            (x - h * 0.14, y - h * 0.88),
        ],
        kit.lit(kit.BLUE),
    )
    return out + kit.path(
        f"M{x - h * 0.12},{y - h * 0.86}q{-h * 0.09},{h * 0.06} {-h * 0.05},{h * 0.16}",
        stroke=kit.NAVY,
        width=h * 0.045,
    )


def _clothes() -> str:
    """A shirt and a pair of trousers dropped on the floor."""
    shirt = [
        (532, 548),
        (566, 528),
        (600, 532),
        (622, 526),
        (652, 530),
        (690, 548),
        (672, 562),
        (650, 554),
        (640, 576),
        (578, 576),
        (572, 556),
        (548, 562),
    ]
    legs = [
        (716, 540),
        (752, 532),
        (800, 540),
        (866, 556),
        (862, 572),
        (800, 560),
        (772, 558),
        (836, 574),
        (822, 582),
        (744, 572),
        (718, 556),
    ]
    out = (
        kit.poly([(x + 5, y + 6) for x, y in shirt], kit.SHADOW, opacity=0.3, blur=4)
        + kit.poly(shirt, kit.lit(kit.BRICK))
        + kit.line([(611, 530), (608, 574)], kit.darken(kit.BRICK, 0.35), 2)
    )
    out += kit.poly([(x + 5, y + 6) for x, y in legs], kit.SHADOW, opacity=0.3, blur=4) + kit.poly(
        legs, kit.lit(kit.NAVY)
    )
    return out + kit.line([(718, 545), (750, 541)], kit.OCHRE, 5)


def draw_sexual_10() -> str:
    """A brass lamp on a bedside table before a wardrobe mirror that shows a man asleep in bed."""
    out = props_social.room("#c9bdb2", kit.wood(kit.WALNUT), 640) + kit.rect(
        150, -10, 780, 620, kit.lit(kit.WALNUT), r=6
    )
    out += kit.rect(190, 24, 700, 560, kit.gradient("#d5dcdd", "#aab3b8"))
    mirror = (
        kit.rect(190, 24, 700, 560, kit.gradient("#d8cfc4", "#bfb2a6"))
        + interiors.window(700, 60, 150, 190)
        + kit.rect(190, 496, 700, 88, kit.wood("#8a6a50"))
    )
    mirror += (
        kit.rect(470, 236, 440, 150, kit.lit("#7b5a44"), r=10)
        + kit.rect(440, 340, 480, 150, kit.lit("#efe9df"), r=16)
        + kit.ellipse(612, 330, 112, 46, kit.lit("#faf7f0"))
    )
    man = Look(skin="fair", hair="brown", hair_style="short", beard=True, mood="asleep")
    mirror += kit.path("M648,356C690,318 760,318 800,360L800,420H648Z", kit.lit(man.skin_colour)) + head(
        man, 616, 318, 104, tilt=-72
    )
    duvet = [(560, 430), (640, 372), (720, 366), (800, 338), (900, 352), (940, 380), (940, 520), (440, 520), (452, 450)]
    mirror += kit.path(kit.smooth(duvet), kit.lit("#8fa6bd", 60, 0.2))
    for x in (640, 720, 800, 864):
        mirror += kit.stroke([(x, 380), (x - 14, 440), (x + 6, 512)], kit.darken("#8fa6bd", 0.3), 3, opacity=0.5)
    mirror += _clothes()
    out += kit.clipped(
        "M190,24H890V584H190Z",
        mirror,
        kit.poly([(190, 24), (420, 24), (250, 584), (190, 584)], "#ffffff", opacity=0.16),
        kit.rect(190, 24, 700, 560, "#eef4f6", opacity=0.1),
    )
    out += kit.rect(190, 24, 700, 560, "none", stroke=kit.darken(kit.WALNUT, 0.3), width=5)
    out += (
        kit.contact(300, 760, 420, 26)
        + kit.rect(96, 604, 400, 190, kit.wood(kit.OAK))
        + kit.poly([(96, 604), (496, 604), (470, 570), (122, 570)], kit.lighten(kit.OAK, 0.3))
    )
    out += (
        kit.rect(120, 640, 352, 92, kit.lit(kit.OAK), r=4)
        + kit.circle(296, 686, 12, kit.lit(kit.OCHRE))
        + _brass_lamp(300, 590, 430)
    )
    tag = (
        kit.rect(4, 6, 96, 54, kit.SHADOW, opacity=0.3, blur=4)
        + kit.rect(0, 0, 96, 54, kit.lit(kit.PAPER), r=5)
        + kit.circle(12, 12, 4, kit.STONE)
        + kit.text(52, 38, "€ 45", 27, kit.BRICK, anchor="middle", weight=700)
    )
    return kit.picture(
        out + kit.line([(336, 480), (384, 522)], kit.WALNUT, 2) + kit.group(tag, move=(376, 512), rotate=8),
        mood="#ffe9c4",
    )


def _brass_lamp(x: float, y: float, h: float) -> str:
    """A brass table lamp that is on, standing at x, y."""
    out = kit.circle(x, y - h * 0.74, h * 0.6, kit.glow("#ffedb8aa", "#ffedb800")) + kit.contact(x, y, h * 0.34)
    out += kit.ellipse(x, y - 6, h * 0.15, h * 0.035, kit.gradient("#f0d48a", "#8a6424", 0)) + kit.ellipse(
        x, y - h * 0.04, h * 0.1, h * 0.026, "#c99f45"
    )
    stem = [
        (x - h * 0.03, y - h * 0.05),
        (x - h * 0.07, y - h * 0.2),
        (x - h * 0.022, y - h * 0.34),
        (x - h * 0.022, y - h * 0.54),
    ]
    stem += [(2 * x - px, py) for px, py in reversed(stem)]
    out += kit.path(kit.smooth(stem), kit.gradient("#f6dd98", "#8a6424", 0))
    shade = [(x - h * 0.13, y - h), (x + h * 0.13, y - h), (x + h * 0.25, y - h * 0.55), (x - h * 0.25, y - h * 0.55)]
    return (
        out
        + kit.poly(shade, kit.gradient("#fff3d0", "#e6c988"))
        + kit.ellipse(x, y - h * 0.55, h * 0.25, h * 0.03, "#fff6da")
        + kit.ellipse(x, y - h, h * 0.13, h * 0.018, "#d9bd80")
    )
