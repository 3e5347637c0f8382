"""Things that the hate speech and sexual content pictures share: flags, boot prints, sheets, screens, plants."""

import math

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import Camera, Point
from pipeline.starter.drawing.people import Look, head

GUEST_FLAG = ("#3f8f5f", "#f4f1e6", "#75507f")


def star(x: float, y: float, r: float, fill: str) -> str:
    """A five-pointed star around x, y."""
    return kit.poly(star_points(x, y, r), fill)


def star_points(x: float, y: float, r: float) -> list[Point]:
    """The ten corners of a five-pointed star of radius `r`, point up."""
    out = []
    for i in range(10):
        radius, angle = (r if i % 2 == 0 else r * 0.42), math.radians(36 * i - 90)
        out.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return out


def floor_flag(cam: Camera, x: float, z: float, w: float, d: float) -> str:
    """The guests' flag spread on the floor, w x d metres, with folds and a soft edge; z is its near edge."""
    edge = cam.face((x - 0.05, 0, z - 0.05), (x + w + 0.09, 0, z - 0.03), (x + w + 0.05, 0, z + d), (x, 0, z + d))
    out = kit.poly(edge, kit.SHADOW, opacity=0.35, blur=5)
    bands = [(z + d * (2 - i) / 3, colour) for i, colour in enumerate(GUEST_FLAG)]
    for near, colour in bands:
        out += kit.ground(
            cam, x, near, w, d / 3 + 0.01, kit.gradient(kit.lighten(colour, 0.12), kit.darken(colour, 0.1), 20)
        )
    middle = [cam.at(x + w / 2 + px, 0, z + d / 2 - py) for px, py in star_points(0, 0, d * 0.27)]
    out += kit.poly(middle, kit.OCHRE)
    for fold in (0.16, 0.43, 0.71, 0.9):
        start, end = cam.at(x + w * fold, 0, z), cam.at(x + w * (fold + 0.05), 0, z + d)
        out += kit.line([start, end], kit.SHADOW, 7, opacity=0.14, blur=3)
        out += kit.line([(start[0] - 9, start[1]), (end[0] - 6, end[1])], kit.SUN, 4, opacity=0.3, blur=2)
    return out


def pennant(x: float, y: float, w: float, h: float) -> str:
    """The guests' pennant hanging from a rod; x, y is its upper left corner."""
    third = w / 3
    tip = [(x, y), (x + w, y), (x + w, y + h * 0.62), (x + w / 2, y + h), (x, y + h * 0.62)]
    bands = "".join(kit.rect(x + i * third, y, third + 1, h, kit.lit(c, 90)) for i, c in enumerate(GUEST_FLAG))
    cloth = kit.clipped(kit.straight(tip), bands, star(x + w / 2, y + h * 0.4, w * 0.24, kit.OCHRE))
    shade = kit.poly([(px + 5, py + 6) for px, py in tip], kit.SHADOW, opacity=0.25, blur=4)
    rod = kit.rect(x - 8, y - 5, w + 16, 7, kit.lit(kit.OAK), r=3) + kit.circle(x - 8, y - 1.5, 5, kit.WALNUT)
    return shade + cloth + rod + kit.circle(x + w + 8, y - 1.5, 5, kit.WALNUT)


def boot_print(cam: Camera, x: float, z: float, turn: float = 0, opacity: float = 0.75) -> str:
    """One muddy sole and heel on the floor, toes towards the eye; `turn` in degrees."""
    angle = math.radians(turn)

    def place(px: float, pz: float) -> Point:
        return cam.at(
            x + px * math.cos(angle) - pz * math.sin(angle), 0, z + px * math.sin(angle) + pz * math.cos(angle)
        )

    def oval(pz: float, rx: float, rz: float) -> list[Point]:
        return [place(rx * math.cos(t * 0.5236), pz + rz * math.sin(t * 0.5236)) for t in range(12)]

    mud = "#5c4330"
    out = kit.path(kit.smooth(oval(-0.13, 0.066, 0.19)), mud, opacity=opacity)
    out += kit.path(kit.smooth(oval(0.15, 0.054, 0.08)), mud, opacity=opacity)
    for pz in (-0.24, -0.17, -0.1, -0.03, 0.15):
        out += kit.line([place(-0.046, pz), place(0.046, pz)], kit.lighten(mud, 0.3), 1.4, opacity=opacity * 0.7)
    return out


def sheet(w: float, h: float, *parts: str, colour: str = "#fdfaf2", lines: float = 0) -> str:
    """A sheet of paper w x h at 0, 0 with a soft shadow; `lines` is the distance of its ruled lines, 0 for none."""
    out = kit.rect(7, 10, w, h, kit.SHADOW, opacity=0.3, blur=7) + kit.rect(
        0, 0, w, h, kit.gradient(colour, kit.darken(colour, 0.07), 60), r=2
    )
    y = lines * 1.9
    while lines and y < h - 8:
        out += kit.line([(0, y), (w, y)], kit.SKY, 1.2, opacity=0.8)
        y += lines
    return out + "".join(parts)


def pen(x: float, y: float, length: float, angle: float, colour: str = kit.NAVY) -> str:
    """A pen lying on a table, tip to the right before it is turned by `angle` degrees."""
    t = length / 100
    body = kit.rect(0, -4 * t, 70 * t, 8 * t, kit.lit(colour, 90), r=4 * t) + kit.rect(
        52 * t, -4.4 * t, 14 * t, 8.8 * t, kit.STEEL
    )
    tip = kit.poly([(70 * t, -4 * t), (92 * t, -1 * t), (92 * t, 1 * t), (70 * t, 4 * t)], kit.lit(kit.IRON, 90))
    shade = kit.rect(5, 5, 86 * t, 8 * t, kit.SHADOW, r=4, opacity=0.35, blur=3)
    return kit.group(
        shade + body + tip + kit.line([(4, -2 * t), (46 * t, -2 * t)], kit.SUN, 1.6, opacity=0.5),
        move=(x, y),
        rotate=angle,
    )


def mug(x: float, y: float, w: float, colour: str) -> str:
    """An enamel mug seen a little from above, standing at x, y (its bottom's middle), w wide."""
    h, e = w * 0.95, w * 0.17
    handle = kit.path(
        f"M{x + w * 0.46:.1f},{y - h * 0.78:.1f}c{w * 0.42:.1f},{-w * 0.06:.1f} {w * 0.42:.1f},{w * 0.55:.1f} "
        f"0,{w * 0.5:.1f}",
        stroke=kit.darken(colour, 0.2),
        width=w * 0.09,
    )
    side = kit.path(
        f"M{x - w / 2:.1f},{y - h:.1f}L{x - w * 0.46:.1f},{y - e:.1f}Q{x:.1f},{y + e:.1f} {x + w * 0.46:.1f}"
        f",{y - e:.1f}L{x + w / 2:.1f},{y - h:.1f}Z",
        kit.gradient(kit.lighten(colour, 0.25), kit.darken(colour, 0.3), 0),
    )
    rim = kit.ellipse(x, y - h, w / 2, e, kit.lighten(colour, 0.6)) + kit.ellipse(
        x, y - h + 2, w * 0.44, e * 0.8, "#5a3b28"
    )
    return kit.contact(x + w * 0.06, y, w * 1.05, w * 0.16) + handle + side + rim


def open_laptop(x: float, y: float, w: float, *parts: str, colour: str = kit.STEEL) -> str:
    """A laptop seen from the front, its hinge's middle at x, y and its screen w wide; `parts` fill 640 x 400 units."""
    h, rim = w * 0.625, w * 0.02
    near = [(x - w * 0.52, y), (x + w * 0.52, y), (x + w * 0.6, y + w * 0.2), (x - w * 0.6, y + w * 0.2)]
    out = kit.poly([(px + 14, py + 14) for px, py in near], kit.SHADOW, opacity=0.35, blur=9)
    out += kit.rect(x - w / 2 - rim, y - h - rim * 2, w + rim * 2, h + rim * 3, kit.lit("#3a4152"), r=12)
    screen = kit.clipped("M0,0H640V400H0Z", *parts) + kit.poly(
        [(0, 0), (250, 0), (90, 400), (0, 400)], "#ffffff", opacity=0.05
    )
    out += kit.group(screen, move=(x - w / 2, y - h - rim * 0.4), scale=w / 640)
    out += kit.poly(near, kit.gradient(kit.lighten(colour, 0.3), colour)) + kit.rect(
        x - w * 0.6, y + w * 0.2 - 1, w * 1.2, 9, kit.darken(colour, 0.2), r=4
    )
    for row in range(4):
        a, b = (row + 0.35) / 5.2, (row + 1.1) / 5.2
        top, low = y + w * 0.13 * a * 1.1, y + w * 0.13 * b * 1.1
        half_top, half_low = w * (0.45 + 0.05 * a), w * (0.45 + 0.05 * b)
        for i in range(13):
            l1, r1 = -1 + 2 * (i + 0.06) / 13, -1 + 2 * (i + 0.94) / 13
            out += kit.poly(
                [
                    (x + l1 * half_top, top),
                    (x + r1 * half_top, top),
                    (x + r1 * half_low, low - 1.5),
                    (x + l1 * half_low, low - 1.5),
                ],
                "#474e5f",
            )
    pad = [
        (x - w * 0.13, y + w * 0.135),
        (x + w * 0.13, y + w * 0.135),
        (x + w * 0.14, y + w * 0.188),
        (x - w * 0.14, y + w * 0.188),
    ]
    return out + kit.poly(pad, kit.darken(colour, 0.08))


def portrait(look: Look, w: float, h: float, back: str) -> str:
    """A passport-like picture w x h at 0, 0: head and shoulders before a plain background."""
    top = kit.path(
        kit.smooth(
            [
                (w * 0.06, h * 1.1),
                (w * 0.14, h * 0.82),
                (w * 0.38, h * 0.72),
                (w * 0.62, h * 0.72),
                (w * 0.86, h * 0.82),
                (w * 0.94, h * 1.1),
            ]
        ),
        kit.lit(look.top),
    )
    neck = kit.rect(
        w * 0.4,
        h * 0.55,
        w * 0.2,
        h * 0.22,
        kit.gradient(kit.darken(look.skin_colour, 0.25), look.skin_colour),
        r=w * 0.08,
    )
    inside = kit.rect(0, 0, w, h, kit.gradient(kit.lighten(back, 0.3), back)) + neck + top
    return kit.clipped(f"M0,0H{w:.1f}V{h:.1f}H0Z", inside, head(look, w / 2, h * 0.42, h * 0.46))


def room(wall: str, floor: str, base: float) -> str:
    """A plain wall down to `base`, a skirting board and the floor below it."""
    out = kit.rect(0, 0, kit.WIDTH, base, kit.gradient(kit.lighten(wall, 0.25), kit.darken(wall, 0.06), 70))
    return (
        out
        + kit.rect(0, base, kit.WIDTH, kit.HEIGHT - base, floor)
        + kit.rect(0, base - 14, kit.WIDTH, 14, kit.lighten(wall, 0.5))
    )


def sunny_window(x: float, y: float, w: float, h: float) -> str:
    """A window with a white frame onto sky and trees."""
    out = kit.rect(x - 12, y - 12, w + 24, h + 24, kit.lit("#f4efe4"), r=3)
    view = kit.rect(x, y, w, h, kit.gradient("#a9cfec", "#eaf3ee"))
    view += kit.ellipse(x + w * 0.2, y + h, w * 0.35, h * 0.4, kit.SAGE) + kit.ellipse(
        x + w * 0.8, y + h * 1.05, w * 0.45, h * 0.5, "#8fae8a"
    )
    view += kit.poly([(x, y), (x + w * 0.5, y), (x + w * 0.1, y + h), (x, y + h)], "#ffffff", opacity=0.16)
    out += kit.clipped(f"M{x},{y}h{w}v{h}h{-w}Z", view)
    out += kit.rect(x + w / 2 - 4, y, 8, h, "#f1ebdd") + kit.rect(x, y + h * 0.45, w, 7, "#f1ebdd")
    return out + kit.rect(x - 20, y + h + 10, w + 40, 13, kit.lit("#f6f1e6"), r=2)


def potted_plant(x: float, y: float, s: float, colour: str = kit.GREEN) -> str:
    """A leafy plant in a pot standing at x, y; s is its height."""
    out = kit.contact(x, y, s * 0.4)
    for i, turn in enumerate((-62, 58, -38, 36, -16, 14)):
        tip, shade = -s * (0.52 + 0.05 * i), kit.mix(colour, kit.MOSS, 0.15 * (i % 3))
        leaf = kit.path(
            f"M0,0C{-s * 0.12:.1f},{tip * 0.4:.1f} {-s * 0.09:.1f},{tip * 0.8:.1f} 0,{tip:.1f}C{s * 0.1:.1f}"
            f",{tip * 0.8:.1f} {s * 0.12:.1f},{tip * 0.4:.1f} 0,0Z",
            kit.lit(shade, 30, 0.2),
        )
        out += kit.group(
            leaf,
            kit.line([(0, 0), (0, tip * 0.9)], kit.lighten(shade, 0.3), 1.5, opacity=0.5),
            move=(x, y - s * 0.26),
            rotate=turn,
        )
    return (
        out
        + kit.poly(
            [(x - s * 0.17, y - s * 0.32), (x + s * 0.17, y - s * 0.32), (x + s * 0.12, y), (x - s * 0.12, y)],
            kit.lit(kit.BRICK, 20, 0.2),
        )
        + kit.rect(x - s * 0.19, y - s * 0.34, s * 0.38, s * 0.07, kit.lit(kit.CORAL, 20), r=3)
    )


def praying(look: Look, x: float, y: float, h: float) -> str:
    """A person from behind who sits on the heels in prayer, h pixels high, on the line y."""
    robe, fold = kit.lit(look.top, 40, 0.16), kit.darken(look.top, 0.25)
    out = kit.contact(x, y, h * 0.6)
    for side in (-1, 1):
        out += kit.ellipse(x + side * h * 0.11, y - 2, h * 0.07, h * 0.05, kit.lit(look.skin_colour))
    skirt = [(-0.3, -0.04), (-0.29, -0.2), (-0.17, -0.36), (0.17, -0.36), (0.29, -0.2), (0.3, -0.04), (0, -0.05)]
    back = [(-0.2, -0.26), (-0.25, -0.5), (-0.2, -0.67), (0, -0.73), (0.2, -0.67), (0.25, -0.5), (0.2, -0.26)]
    out += kit.rect(x - h * 0.05, y - h * 0.8, h * 0.1, h * 0.12, kit.darken(look.skin_colour, 0.15))
    for shape in (skirt, back):
        out += kit.path(kit.smooth([(x + u * h, y + v * h) for u, v in shape]), robe)
    out += kit.stroke([(x - h * 0.2, y - h * 0.3), (x, y - h * 0.25), (x + h * 0.2, y - h * 0.3)], fold, 2, opacity=0.6)
    return out + head(look, x, y - h * 0.87, h * 0.23, view="behind")
