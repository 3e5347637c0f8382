"""A wood lathe with its bowl, and what hangs loose above it."""

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke


def wood_lathe() -> str:
    """A lathe in canvas pixels: bed, stand and headstock on the right; the bowl's face is at (600, 420)."""
    metal = "#5f7f78"
    stand = rect(640, 590, 330, 190, gradient(kit.lighten(metal, 0.1), kit.darken(metal, 0.3), 20)) + rect(
        664, 622, 282, 120, "none", r=8, stroke=kit.darken(metal, 0.4), width=3
    )
    bed = (
        rect(430, 556, 600, 40, gradient("#aab3bd", "#59626d"))
        + rect(430, 556, 600, 8, "#dbe1e7")
        + rect(430, 592, 600, 10, kit.SHADOW, opacity=0.3, blur=4)
    )
    block = path(
        "M730,560V380Q730,330 780,330H930Q976,330 976,376V560Z",
        gradient(kit.lighten(metal, 0.25), kit.darken(metal, 0.28), 40),
    )
    face = (
        rect(770, 372, 160, 74, "#2b333b", r=8)
        + circle(806, 409, 22, gradient("#4b545e", "#1d2329", 45))
        + line([(806, 409), (818, 394)], "#ffffff", 3)
        + circle(862, 398, 10, "#4fb066")
        + circle(894, 398, 10, "#c8453f")
        + circle(862, 398, 15, "#4fd06a", opacity=0.35)
    )
    shaft = rect(690, 396, 50, 48, gradient("#e3e8ec", "#6f7984")) + rect(
        672, 380, 28, 80, gradient("#c3cad2", "#5f6974"), r=5
    )
    rest = (
        rect(516, 500, 16, 62, gradient("#8b949f", "#454d57", 0))
        + rect(488, 488, 70, 14, gradient("#d5dbe1", "#76808b"), r=4)
        + rect(496, 548, 60, 16, "#454d57", r=4)
    )
    return kit.contact(800, 770, 380) + stand + bed + shaft + block + face + rest


def spinning_bowl() -> str:
    """The bowl on the lathe, its open face to the left, with streaks of movement around it."""
    outer = path("M610,292C656,300 684,360 686,400V440C684,480 656,540 610,548Z", gradient("#e3b67e", "#9c6736"))
    rings = "".join(
        path(
            f"M{612 + i * 16},{296 + i * 10}C{640 + i * 11},{350 + i * 6}"
            f" {640 + i * 11},{490 - i * 6} {612 + i * 16},{544 - i * 10}",
            stroke="#8a5729",
            width=2,
            opacity=0.55,
        )
        for i in range(5)
    )
    rim = (
        ellipse(608, 420, 40, 130, gradient("#f4d3a0", "#b98652", 60))
        + ellipse(606, 420, 32, 116, gradient("#8d5c31", "#d8a869", 20))
        + ellipse(610, 420, 18, 78, "#a8713e", opacity=0.6)
    )
    blur = "".join(
        path(
            f"M{600 - k},{280 - k}C{552 - k},{310 - k} {548 - k},{380} {548 - k},{412}",
            stroke="#ffffff",
            width=4,
            opacity=0.55,
        )
        for k in (6, 24)
    )
    blur += "".join(
        path(
            f"M{690 + k},{440}C{688 + k},{510 + k} {660 + k},{556 + k} {616 + k},{568 + k}",
            stroke="#ffffff",
            width=4,
            opacity=0.5,
        )
        for k in (6, 22)
    )
    dust = "".join(
        circle(560 - (i * 37) % 130, 560 + (i * 23) % 44 - (i * 37) % 130 * 0.2, 2 + i % 3, "#e9c48f", opacity=0.8)
        for i in range(30)
    )
    return outer + rings + rim + blur + dust


def scarf_ends(x: float, y: float, colour: str) -> str:
    """Two long ends of a scarf that hang from the neck at x, y down towards the lower right, and its loop."""
    dark, light = kit.darken(colour, 0.25), kit.lighten(colour, 0.25)
    one = path(
        f"M{x - 6},{y}C{x + 40},{y + 60} {x + 66},{y + 120} {x + 92},{y + 206}"
        f"L{x + 140},{y + 196}C{x + 116},{y + 110} {x + 84},{y + 40} {x + 44},{y - 10}Z",
        gradient(light, dark, 50),
    )
    two = path(
        f"M{x + 14},{y}C{x + 76},{y + 34} {x + 130},{y + 84} {x + 176},{y + 150}"
        f"L{x + 216},{y + 122}C{x + 166},{y + 60} {x + 110},{y + 10} {x + 50},{y - 24}Z",
        gradient(colour, dark, 30),
    )
    bands = (
        line([(x + 76, y + 150), (x + 122, y + 138)], light, 6)
        + line([(x + 84, y + 174), (x + 130, y + 162)], light, 6)
        + line([(x + 146, y + 118), (x + 188, y + 86)], light, 6)
    )
    fringe = "".join(
        line([(x + 94 + i * 9, y + 206 - i * 2), (x + 98 + i * 10, y + 228 - i * 2)], dark, 3.5) for i in range(6)
    ) + "".join(
        line([(x + 178 + i * 8, y + 149 - i * 6), (x + 192 + i * 8, y + 164 - i * 6)], dark, 3.5) for i in range(6)
    )
    loop = path(
        f"M{x - 46},{y - 26}C{x - 20},{y + 22} {x + 50},{y + 12} {x + 62},{y - 34}"
        f"C{x + 40},{y - 12} {x - 20},{y - 10} {x - 46},{y - 26}Z",
        gradient(light, dark, 60),
        stroke=dark,
        width=1.5,
    )
    return two + one + bands + fringe + loop


def hair_ends(x: float, y: float, colour: str) -> str:
    """Long loose hair that falls forward from the head at x, y."""
    locks = (
        ((0, 0), (34, 60), (44, 130), (70, 200)),
        ((-16, 6), (10, 70), (20, 140), (30, 214)),
        ((14, -8), (56, 50), (76, 110), (104, 170)),
        ((-24, 0), (-10, 70), (0, 130), (-2, 190)),
    )
    return "".join(
        stroke([(x + dx, y + dy) for dx, dy in lock], kit.mix(colour, "#b98a62", 0.12 * i), 15 - 2 * i)
        for i, lock in enumerate(locks)
    )


def tool_wall() -> str:
    """A workshop's back wall with chisels on a rack, a shelf of bowls, wood and a pair of goggles."""
    wall = rect(0, 0, 1024, 620, gradient("#d9c7a8", "#a9946f", 25)) + "".join(
        line([(x, 0), (x, 620)], "#8d7854", 2, opacity=0.4) for x in range(40, 1024, 128)
    )
    floor = rect(0, 610, 1024, 160, gradient("#9a8566", "#6b5a45")) + rect(0, 604, 1024, 10, "#7d6a4d")
    rack = rect(560, 70, 420, 18, kit.wood(kit.WALNUT)) + "".join(
        rect(590 + i * 56, 40, 12, 60, gradient("#c98a4a", "#8a5729", 0), r=5)
        + rect(592 + i * 56, 98, 8, 60 + i * 9 % 40, gradient("#e3e8ec", "#7d8894", 0))
        for i in range(7)
    )
    shelf = rect(560, 262, 420, 16, kit.wood(kit.WALNUT)) + rect(560, 278, 420, 9, kit.SHADOW, opacity=0.2, blur=4)
    bowls = "".join(
        path(
            f"M{x - w},{262 - h}C{x - w},{262 - h * 0.3} {x - w * 0.5},262 {x},262"
            f"C{x + w * 0.5},262 {x + w},{262 - h * 0.3} {x + w},{262 - h}Z",
            gradient(kit.lighten(c, 0.2), kit.darken(c, 0.25), 20),
        )
        + ellipse(x, 262 - h, w, w * 0.16, kit.darken(c, 0.35))
        for x, w, h, c in ((912, 52, 52, "#b98652"), (810, 38, 36, "#8a5729"))
    )
    lens = "".join(
        path(
            f"M{x},{232}C{x},{212} {x + 10},{208} {x + 30},{208}C{x + 52},{208} {x + 58},{214}"
            f" {x + 58},{232}C{x + 58},{252} {x + 46},{258} {x + 30},{258}C{x + 10},{258}"
            f" {x},{252} {x},{232}Z",
            gradient("#d9f0f5", "#8fb9c6", 40),
            stroke="#d0703a",
            width=7,
        )
        for x in (600, 666)
    )
    goggles = (
        stroke([(600, 232), (578, 226), (580, 258)], "#33373f", 9)
        + stroke([(724, 232), (748, 226), (744, 258)], "#33373f", 9)
        + lens
        + rect(652, 226, 18, 9, "#d0703a")
    )
    return (
        wall
        + floor
        + rack
        + shelf
        + bowls
        + goggles
        + poly([(606, 216), (624, 212), (612, 246)], "#ffffff", opacity=0.5)
    )


def shavings(x: float, y: float) -> str:
    """A little heap of curled shavings on the floor."""
    return "".join(
        group(
            stroke([(-12, 0), (-4, -12), (8, -8), (6, 4), (-4, 2)], kit.mix("#e9c48f", "#b98652", (i % 4) / 4), 4),
            move=(x + (i * 47) % 220, y + (i * 29) % 40),
            rotate=i * 50,
        )
        for i in range(16)
    )
