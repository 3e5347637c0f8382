"""Pictures of the hate speech scenarios out of doors: a courtyard before a party, an old cemetery."""

from pipeline.starter.drawing import kit, outdoors, props_social
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, person


def _balcony_family(x: float, y: float) -> str:
    """A family in bright West African dress behind a balcony's railing, with a watering can and flower boxes."""
    out = kit.rect(x - 150, y - 150, 300, 150, kit.gradient("#5d6675", "#7d8794"))
    father = Look(
        skin="deep", hair="black", hat="beanie", hat_colour="#2f6f6a", top="#2f6f6a", top_kind="shirt", mood="smile"
    )
    mother = Look(skin="deep", hair_style="scarf", hat_colour="#e0a030", top="#c9502f", top_kind="dress", mood="smile")
    child = Look(skin="deep", hair="black", hair_style="curly", top="#e0a030", age="child", mood="smile")
    people = person(father, x - 84, y + 64, 196, shadow=False) + person(child, x, y + 60, 150, shadow=False)
    people += person(mother, x + 78, y + 64, 190, hands=((x + 24, y - 44), None), shadow=False)
    out += kit.clipped(f"M{x - 180},{y}V{y - 200}H{x + 180}V{y}Z", people)
    for i in range(4):
        out += kit.circle(x - 84, y - 70 + i * 16, 3, "#f0cb5c") + kit.circle(x + 78, y - 60 + i * 14, 3, "#f0cb5c")
    out += outdoors.railing(x - 156, x + 156, y, 66, gap=20, colour="#3f4754", bar=4) + kit.rect(
        x - 166, y, 332, 16, kit.lit("#cfc6b6")
    )
    for i in range(3):
        bx = x - 100 + i * 100
        out += kit.rect(bx - 40, y - 34, 80, 24, kit.lit(kit.BRICK), r=3)
        out += "".join(
            kit.circle(bx - 30 + k * 15, y - 40 - (k % 2) * 7, 8, (kit.CORAL, kit.YELLOW, kit.ROSE)[k % 3])
            for k in range(5)
        )
    can = kit.path("M0,0h26l-3,-26h-20z", kit.lit(kit.TEAL)) + kit.line([(0, -8), (-22, -24)], kit.TEAL, 5)
    return out + kit.group(can, move=(x + 12, y - 36))


def _bunting(x0: float, x1: float, y: float, sag: float) -> str:
    """A line of paper pennants."""
    points = [(x0 + (x1 - x0) * t / 16, y + sag * 4 * t / 16 * (1 - t / 16)) for t in range(17)]
    out = kit.stroke(points, kit.SLATE, 2)
    for i, (x, low) in enumerate(points[:-1]):
        out += kit.poly(
            [(x + 6, low + 3), (x + 40, low + 5), (x + 22, low + 44)],
            kit.lit((kit.CORAL, kit.YELLOW, kit.SKY, kit.SAGE)[i % 4]),
        )
    return out


def draw_hate_12() -> str:
    """A courtyard with pennants and set tables, a blank card in front, a family on a third-floor balcony."""
    out = (
        kit.rect(0, 0, kit.WIDTH, 500, kit.gradient("#ecdcc0", "#d3bd98"))
        + kit.rect(0, 148, kit.WIDTH, 8, kit.lit("#c9b48f"))
        + kit.rect(0, 326, kit.WIDTH, 8, kit.lit("#c9b48f"))
    )
    for i, x in enumerate((40, 200, 716, 876)):
        for y in (20, 190, 360):
            glass = kit.gradient("#a9c9d8", "#6f92a6") if (i + y) % 3 else kit.gradient("#f3e2b6", "#c9b48a")
            out += (
                kit.rect(x - 8, y - 8, 116, 126, kit.lit("#f7f0e2"))
                + kit.rect(x, y, 100, 110, glass)
                + kit.rect(x + 47, y, 6, 110, "#f7f0e2")
            )
    out += (
        _balcony_family(500, 146)
        + kit.rect(440, 200, 120, 110, kit.lit("#f7f0e2"))
        + kit.rect(448, 208, 104, 94, kit.gradient("#a9c9d8", "#6f92a6"))
    )
    out += (
        kit.rect(432, 352, 136, 150, kit.lit(kit.WALNUT))
        + kit.rect(444, 364, 54, 138, kit.lit(kit.TEAL))
        + kit.rect(504, 364, 54, 138, kit.lit(kit.TEAL))
    )
    out += kit.rect(0, 490, kit.WIDTH, 278, kit.gradient("#c9bda6", "#aa9c82"))
    out += (
        _bunting(-30, 530, 208, 56)
        + _bunting(500, 1060, 208, 56)
        + outdoors.tree(66, 560, 330)
        + outdoors.bush(960, 560, 190)
    )
    for x, y in ((250, 540), (560, 540)):
        out += (
            kit.contact(x + 110, y + 66, 280)
            + kit.poly([(x, y), (x + 230, y), (x + 250, y + 28), (x - 20, y + 28)], kit.lit("#f4eee0"))
            + kit.rect(x - 20, y + 28, 270, 34, kit.lit("#e3d9c4"))
        )
        out += "".join(
            kit.rect(x + 10 + i * 40, y - 14, 15, 24, kit.lit((kit.CORAL, kit.SKY)[i % 2], 0), r=3) for i in range(6)
        )
    out += kit.poly([(60, 640), (964, 640), (1080, 790), (-56, 790)], kit.wood(kit.OAK)) + kit.poly(
        [(60, 640), (964, 640), (966, 650), (57, 650)], kit.lighten(kit.OAK, 0.4)
    )
    card = kit.rect(14, 14, 332, 72, "none", stroke=kit.CORAL, width=2.5) + kit.text(
        180, 60, "Summer party", 38, kit.BRICK, anchor="middle", weight=700, font=kit.HAND
    )
    out += kit.group(
        props_social.sheet(360, 100, card, colour="#fdf6e8"), move=(318, 662), rotate=-2
    ) + props_social.pen(716, 726, 170, -18)
    return kit.picture(out)


def _stone(x: float, y: float, w: float, h: float, colour: str, *, words: str = "") -> str:
    """An upright gravestone with a rounded head, a six-pointed star and Hebrew letters, standing at x, y."""
    left, right = x - w / 2, x + w / 2
    outline = f"M{left},{y}V{y - h * 0.72}C{left},{y - h * 1.02} {right},{y - h * 1.02} {right},{y - h * 0.72}V{y}Z"
    out = kit.contact(x + 4, y, w * 1.2) + kit.path(outline, kit.darken(colour, 0.35))
    out = (
        kit.group(out, move=(w * 0.07, -2))
        + kit.path(outline, kit.speckle(colour))
        + kit.path(outline, kit.gradient("#fff2d244", "#1f274755", 50))
    )
    r, cy, dark = w * 0.15, y - h * 0.72, kit.darken(colour, 0.5)
    for sign in (-1, 1):
        points = [(x, cy - sign * r), (x + r * 0.87, cy + sign * r / 2), (x - r * 0.87, cy + sign * r / 2)]
        out += kit.poly(points, "none", stroke=dark, width=w * 0.02)
    if words:
        out += kit.text(x, y - h * 0.42, words, w * 0.24, dark, anchor="middle", weight=600)
    for i in range(3):
        out += kit.line(
            [
                (x - w * (0.3 - 0.05 * i), y - h * (0.3 - 0.09 * i)),
                (x + w * (0.3 - 0.05 * i), y - h * (0.3 - 0.09 * i)),
            ],
            dark,
            w * 0.022,
            opacity=0.6,
        )
    return out + _pebbles(x - w * 0.26, y - h * 0.9, w * 0.06, 3)


def _pebbles(x: float, y: float, r: float, count: int) -> str:
    """Small stones laid in a row."""
    shades = ("#d8d2c6", "#8f8a84", "#b8a48c", "#a2a9ae", "#c9b8a2")
    return "".join(
        kit.ellipse(x + i * r * 2.5, y - (i % 2) * r * 0.5, r * 1.2, r * 0.85, kit.lit(shades[i % 5], 50, 0.25))
        for i in range(count)
    )


def _slab(x: float, y: float, w: float, d: float, h: float, colour: str) -> str:
    """A flat grave slab that lies on the grass; x, y is the middle of its near lower edge."""
    top = [(x - w * 0.42, y - h - d), (x + w * 0.42, y - h - d), (x + w / 2, y - h), (x - w / 2, y - h)]
    out = kit.contact(x, y, w * 1.1, d * 0.3) + kit.rect(
        x - w / 2, y - h, w, h, kit.gradient(kit.darken(colour, 0.12), kit.darken(colour, 0.35))
    )
    out += kit.poly(top, kit.speckle(kit.lighten(colour, 0.2))) + kit.text(
        x, y - h - d * 0.42, "פ״נ", d * 0.46, kit.darken(colour, 0.45), anchor="middle", weight=600
    )
    for i in range(2):
        out += kit.line(
            [(x - w * 0.22, y - h - d * (0.26 - 0.12 * i)), (x + w * 0.22, y - h - d * (0.26 - 0.12 * i))],
            kit.darken(colour, 0.4),
            3,
            opacity=0.6,
        )
    return out + _pebbles(x - w * 0.36, y - h - d * 0.9, 7, 5) + _pebbles(x + w * 0.24, y - h - d * 0.14, 8, 4)


def draw_hate_18() -> str:
    """An old Jewish cemetery under trees; students in sports clothes wait on the path."""
    cam = Camera(horizon=300, eye=1.6, focal=900)
    out = (
        outdoors.sky(330)
        + kit.rect(0, 236, kit.WIDTH, 130, kit.bricks("#b9a78c"))
        + kit.rect(0, 228, kit.WIDTH, 14, kit.lit("#d3c6b0"))
        + outdoors.lawn(356, "#6f9160")
    )
    out += kit.poly(cam.face((1.5, 0, 1.7), (3.6, 0, 1.7), (1.9, 0, 14), (1.2, 0, 14)), kit.lit("#d9ccae"))
    for x, h in ((90, 330), (430, 290), (700, 300), (980, 350)):
        out += outdoors.tree(x, 372, h, (kit.MOSS, "#5f8657")[int(x) % 2])
    for i in range(7):
        out += _stone(40 + i * 88, 420 + (i % 3) * 6, 56, 84 + (i * 13) % 24, ("#a9a89e", "#98998f", "#b5ada0")[i % 3])
    for i, x in enumerate((88, 246, 392, 540)):
        out += _stone(
            x, 524 + (i % 2) * 12, 98, 150 + (i * 17) % 24, ("#a2a39b", "#b3ab9c", "#9a9c97", "#aba596")[i], words="פ״נ"
        )
    looks = [
        ("fair", "blond", "ponytail", kit.CORAL),
        ("tan", "black", "short", kit.BLUE),
        ("pale", "brown", "short", kit.YELLOW),
        ("brown", "black", "curly", kit.TEAL),
    ]
    for i, (skin, hair, style, top) in enumerate(looks):
        student = Look(
            skin=skin,
            hair=hair,
            hair_style=style,
            top=top,
            top_kind=("tank", "tee")[i % 2],
            bottom=kit.NAVY,
            bottom_kind="shorts",
            shoes="#e9e6df",
            age="teen",
            mood="smile",
        )
        out += person(student, 706 + i * 82, 600 + (i % 2) * 22, 300, gaze=-0.7)
    out += _slab(230, 742, 350, 96, 40, "#b3ada0") + _slab(630, 752, 320, 90, 40, "#a5a69d")
    candle = (
        kit.contact(438, 748, 60)
        + kit.circle(438, 700, 70, kit.glow("#ffe2a0aa", "#ffe2a000"))
        + kit.rect(416, 690, 44, 58, kit.gradient("#e06a52", "#8e2f2b", 0), r=6)
    )
    candle += kit.ellipse(438, 690, 22, 6, "#f3b8a0") + kit.path(
        "M438,662C448,676 446,688 438,689C430,688 428,676 438,662Z", kit.gradient("#fff6cf", "#f08a2c")
    )
    return kit.picture(out + candle)
