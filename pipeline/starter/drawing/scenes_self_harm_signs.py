"""Self-harm scenes that are read from small signs: a student room, a river, a gym, a steep lawn."""

import math

from pipeline.starter.drawing import interiors, kit, outdoors
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke, text


def _name_tag(x: float, y: float, name: str, turn: float = -8) -> str:
    """A paper tag on a string with a name; its hole is at x, y."""
    tag = poly([(0, 0), (16, -16), (118, -16), (118, 26), (16, 26), (0, 10)], gradient("#fdf6e4", "#dcc9a0", 30))
    shade = poly([(4, 6), (20, -10), (122, -10), (122, 32), (20, 32), (4, 16)], kit.SHADOW, opacity=0.3, blur=4)
    words = text(67, 11, name, 20, kit.NAVY, anchor="middle", weight=600, font=kit.HAND)
    return stroke([(x - 16, y - 34), (x - 14, y - 12), (x + 8, y + 5)], "#8a6a48", 2.5) + group(
        shade, tag, words, circle(12, 5, 4, "#8a6a48"), move=(x, y), rotate=turn
    )


def _guitar(height: float) -> str:
    """A guitar that leans a little, its lower end on the origin."""
    h = height
    body = path(
        f"M0,0C{-h * 0.2},0 {-h * 0.22},{-h * 0.18} {-h * 0.13},{-h * 0.25}"
        f"C{-h * 0.17},{-h * 0.36} {-h * 0.1},{-h * 0.42} 0,{-h * 0.42}"
        f"C{h * 0.1},{-h * 0.42} {h * 0.17},{-h * 0.36} {h * 0.13},{-h * 0.25}"
        f"C{h * 0.22},{-h * 0.18} {h * 0.2},0 0,0Z",
        gradient("#dd9a4e", "#8f5527", 40),
        stroke="#5f3a20",
        width=3,
    )
    neck = rect(-h * 0.022, -h * 0.88, h * 0.044, h * 0.6, gradient("#6b4630", "#3f2a1e", 0)) + rect(
        -h * 0.036, -h, h * 0.072, h * 0.13, gradient("#5a3a28", "#33221a", 0), r=4
    )
    hole = circle(0, -h * 0.27, h * 0.055, "#2a1c14", stroke="#e8c48a", width=3) + rect(
        -h * 0.07, -h * 0.125, h * 0.14, h * 0.02, "#3f2a1e", r=2
    )
    strings = "".join(
        line([(i * h * 0.007, -h * 0.94), (i * h * 0.007, -h * 0.12)], "#efe6d0", 1) for i in (-2, -1, 0, 1, 2)
    )
    frets = "".join(
        line([(-h * 0.022, -h * y), (h * 0.022, -h * y)], "#c9c2b0", 1.4) for y in (0.48, 0.56, 0.64, 0.71, 0.78, 0.84)
    )
    return kit.contact(0, 0, h * 0.36) + body + neck + hole + frets + strings


def _cat_carrier(width: float) -> str:
    """A pet carrier with a wire door behind which a cat sits, standing on the origin."""
    w, h = width, width * 0.68
    shell = path(
        f"M{-w * 0.5},0V{-h * 0.6}C{-w * 0.5},{-h * 0.95} {-w * 0.4},{-h} {-w * 0.25},{-h}"
        f"H{w * 0.25}C{w * 0.4},{-h} {w * 0.5},{-h * 0.95} {w * 0.5},{-h * 0.6}V0Z",
        gradient("#9fb7c4", "#587486", 30),
    )
    inner = rect(-w * 0.36, -h * 0.82, w * 0.72, h * 0.74, gradient("#3a4552", "#1f2630"), r=16)
    cat = ellipse(0, -h * 0.26, w * 0.2, h * 0.24, kit.lit("#d08c46")) + circle(
        0, -h * 0.54, w * 0.13, kit.lit("#d99a54")
    )
    cat += poly([(-w * 0.12, -h * 0.6), (-w * 0.1, -h * 0.78), (-w * 0.02, -h * 0.66)], "#c98340") + poly(
        [(w * 0.12, -h * 0.6), (w * 0.1, -h * 0.78), (w * 0.02, -h * 0.66)], "#b9753a"
    )
    cat += "".join(ellipse(x * w, -h * 0.56, w * 0.02, w * 0.028, "#22301f") for x in (-0.05, 0.05)) + poly(
        [(-w * 0.015, -h * 0.5), (w * 0.015, -h * 0.5), (0, -h * 0.475)], "#8a4a3a"
    )
    bars = "".join(
        line([(x * w, -h * 0.81), (x * w, -h * 0.09)], "#dbe2e8", 3.5) for x in (-0.28, -0.19, -0.1, 0, 0.1, 0.19, 0.28)
    ) + "".join(line([(-w * 0.35, -h * y), (w * 0.35, -h * y)], "#dbe2e8", 3.5) for y in (0.3, 0.62))
    grip = path(f"M{-w * 0.18},{-h}V{-h * 1.12}H{w * 0.18}V{-h}", stroke="#47606f", width=11)
    return kit.contact(0, 0, w) + grip + shell + inner + cat + bars


def _letter(x: float, y: float, words: str, turn: float) -> str:
    """A sealed envelope lying at x, y with words on it."""
    sheet = poly([(6, 8), (164, 8), (176, 84), (0, 84)], kit.SHADOW, opacity=0.35, blur=5) + poly(
        [(6, 0), (164, 0), (174, 74), (-4, 74)], gradient("#fffdf6", "#e3dccb", 30)
    )
    return group(
        sheet,
        line([(6, 0), (86, 36), (164, 0)], "#c9c0ab", 2),
        text(85, 60, words, 23, kit.NAVY, anchor="middle", weight=600, font=kit.HAND),
        move=(x, y),
        rotate=turn,
    )


def _torn_calendar(x: float, y: float) -> str:
    """A wall calendar whose week ends on Sunday; what came below is torn off."""
    edge = [(x + 190 - i * 14, y + 178 + (7 if i % 2 else -5) + (i * 5 % 7)) for i in range(14)]
    sheet = poly([(x, y), (x + 190, y), *edge, (x, y + 176)], gradient("#fdfbf4", "#e6dfcf", 40))
    head = rect(x, y, 190, 40, kit.BRICK) + text(x + 95, y + 28, "NOVEMBER", 21, "#ffffff", anchor="middle", weight=700)
    names = "".join(
        text(x + 15 + i * 26.5, y + 62, day, 15, kit.SLATE, anchor="middle", weight=600)
        for i, day in enumerate("MTWTFSS")
    )
    days = "".join(
        text(x + 15 + i * 26.5, y + 90 + row * 32, str(1 + i + row * 7), 16, kit.INK, anchor="middle")
        for row in range(3)
        for i in range(7)
    )
    crosses = "".join(
        line([(x + 7 + i * 26.5, y + 92 + row * 32), (x + 23 + i * 26.5, y + 76 + row * 32)], kit.RED, 2.5, opacity=0.8)
        for row in range(3)
        for i in range(7)
        if row * 7 + i < 19
    )
    ring = circle(x + 15 + 6 * 26.5, y + 148, 15, "none", stroke=kit.RED, width=3.5)
    return (
        poly([(x + 6, y + 8), (x + 198, y + 8), (x + 196, y + 184), (x + 8, y + 180)], kit.SHADOW, opacity=0.25, blur=6)
        + sheet
        + head
        + names
        + days
        + crosses
        + ring
    )


def draw_self_harm_10() -> str:
    """An almost bare student room: tagged belongings by the door, letters on the desk, a torn calendar."""
    cam = kit.Camera(horizon=320, centre=512, eye=1.5, focal=880)
    marks = "".join(
        rect(x, y, w, h, "#f3ecdd", opacity=0.7) for x, y, w, h in ((560, 120, 90, 120), (670, 150, 70, 90))
    )
    desk = (
        poly([(20, 470), (430, 470), (480, 560), (-40, 560)], kit.wood(kit.OAK))
        + rect(-40, 560, 520, 22, kit.darken(kit.OAK, 0.25))
        + rect(440, 582, 26, 180, kit.darken(kit.OAK, 0.35))
        + poly([(20, 470), (430, 470), (480, 560), (-40, 560)], gradient("#fff2d233", "#1f274733", 20))
    )
    helmet = (
        kit.contact(590, 646, 130)
        + path(
            "M524,646C520,580 556,552 596,552C640,552 664,590 660,646C620,634 564,634 524,646Z",
            gradient("#e8806a", "#a8453c", 40),
        )
        + "".join(
            path(f"M{x},{566}C{x - 8},{590} {x - 8},{610} {x - 6},{628}", stroke="#6f2f2c", width=8)
            for x in (566, 596, 626)
        )
    )
    camera = (
        kit.contact(880, 716, 120)
        + rect(822, 646, 118, 70, gradient("#454c59", "#1d2029", 40), r=10)
        + rect(850, 632, 40, 18, "#2b303a", r=5)
        + circle(880, 682, 28, "#14171d")
        + circle(880, 682, 19, gradient("#6f9ad0", "#1c2c4c", 45))
        + circle(873, 675, 5, "#ffffff")
    )
    bed = interiors.bed(cam, -0.4, 3.9, 1.2, 1.5, cover="#e4e0d6")
    return kit.picture(
        interiors.room(cam, wall="#dcd8cf", floor=kit.PINE, width=6.6, depth=5.6),
        interiors.window(60, 60, 200, 240),
        _torn_calendar(320, 90),
        marks,
        interiors.door(800, 100, 170, 442, "#b9a58c"),
        bed,
        kit.sunlight([(150, 590), (420, 590), (600, 740), (240, 740)], 0.25),
        desk,
        _letter(70, 480, "Mum", -4),
        _letter(240, 478, "I am sorry", 3),
        group(_guitar(380), move=(760, 640), rotate=6),
        group(helmet, move=(300, -26)),
        group(_cat_carrier(210), move=(590, 752)),
        camera,
        _name_tag(806, 380, "for Sam", 6),
        _name_tag(884, 560, "for Ben", -6),
        _name_tag(660, 640, "for Mia", 8),
        _name_tag(900, 690, "for Lou", -5),
    )


def _kayak_on_the_bank() -> str:
    """The near bank with an orange kayak and its paddle."""
    bank = path("M-20,610C160,590 330,640 470,700C560,740 600,780 610,800H-20Z", gradient("#9bb56f", "#5f8149")) + path(
        "M330,640C430,672 560,730 612,800H560C520,740 420,680 330,640Z", gradient("#c9b48a", "#9a8460")
    )
    boat = (
        path("M-290,0C-200,-66 180,-74 300,-8C190,52 -190,56 -290,0Z", gradient("#ee8a4a", "#b34a28", 50))
        + path("M-282,0C-180,-30 190,-36 292,-8C190,16 -190,20 -282,0Z", "#f6b27c", opacity=0.55)
        + ellipse(-6, -12, 84, 24, "#3a2420")
        + ellipse(-6, -8, 74, 18, "#1d1413")
        + rect(150, -20, 60, 6, "#5f2d1c", r=3)
    )
    paddle = (
        line([(-150, 70), (210, -86)], "#3b4049", 9)
        + group(ellipse(0, 0, 46, 19, gradient("#f0cb5c", "#c9962d")), move=(-176, 81), rotate=-23)
        + group(ellipse(0, 0, 46, 19, gradient("#f0cb5c", "#c9962d")), move=(236, -97), rotate=-23)
    )
    there = group(boat, move=(290, 674), rotate=7) + group(paddle, move=(300, 690))
    return bank + kit.contact(290, 706, 520, 20) + there


def draw_self_harm_11() -> str:
    """A kayak on a river bank above a straight edge in the water, with mist and a row of buoys."""
    far = outdoors.hills(250, 60, "#9bb5a4", seed=3) + "".join(
        outdoors.fir(x, 306, h) for x, h in ((40, 150), (110, 190), (180, 140), (850, 180), (930, 210), (990, 150))
    )
    below = rect(0, 290, 1024, 80, gradient("#b9cfcb", "#dfe9e6"))
    trunks = group(rect(-60, -9, 120, 18, gradient("#7d5c42", "#4a3528"), r=9), move=(430, 326), rotate=-9) + group(
        rect(-40, -7, 80, 14, gradient("#7d5c42", "#4a3528"), r=7), move=(590, 322), rotate=14
    )
    banks = path(
        "M0,300C120,290 200,300 236,330L212,366C150,420 60,500 -20,560V300Z", gradient("#8fae72", "#5f8650")
    ) + path("M1024,290C900,288 800,296 760,330L796,366C860,420 960,520 1044,600V290Z", gradient("#86a66b", "#55794a"))
    river = path(
        "M212,366H796C860,420 960,520 1044,600V790H-20V560C60,500 150,420 212,366Z", gradient("#4f7f8a", "#1f4656")
    )
    glass = "".join(
        stroke([(x, y), (x + 60 + y * 0.12, y + 2), (x + 120 + y * 0.3, y)], "#a9cdd2", 2, opacity=0.35)
        for i in range(16)
        for x, y in [(170 + (i * 137) % 560, 410 + i * 20)]
    )
    lip = rect(210, 358, 588, 10, gradient("#eaf5f5", "#7fa9ae")) + rect(
        212, 366, 586, 14, gradient("#16384677", "#16384600")
    )
    foam = "".join(
        ellipse(220 + i * 20, 350 + math.sin(i * 1.7) * 4, 20, 9, "#ffffff", opacity=0.85, blur=3) for i in range(30)
    )
    mist = (
        ellipse(500, 316, 340, 44, "#ffffff", opacity=0.5, blur=18)
        + ellipse(360, 292, 150, 34, "#ffffff", opacity=0.45, blur=16)
        + ellipse(650, 290, 170, 36, "#ffffff", opacity=0.45, blur=16)
    )
    buoys = stroke([(150, 438), (360, 452), (620, 452), (880, 436)], "#3a3f46", 3) + "".join(
        ellipse(x, y + 9, 19, 5, "#12303f", opacity=0.5) + circle(x, y, 14, gradient("#f7a04a", "#cf5a1e", 45))
        for x, y in ((190, 440), (290, 446), (390, 450), (500, 452), (610, 450), (720, 446), (820, 440))
    )
    return kit.picture(
        outdoors.sky(300),
        far,
        below,
        trunks,
        banks,
        foam,
        river,
        glass,
        lip,
        mist,
        buoys,
        _kayak_on_the_bank(),
    )
