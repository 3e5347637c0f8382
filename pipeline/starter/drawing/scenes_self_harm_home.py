"""Self-harm scenes inside: a lamp, a workshop, a bathroom, a desk at night."""

from pipeline.starter.drawing import interiors, kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke
from pipeline.starter.drawing.people import Look, person
from pipeline.starter.drawing.props_documents import coffee_cup
from pipeline.starter.drawing.props_house import (
    bucket,
    bulb_box,
    cleaner_bottle,
    desk_lamp,
    keyboard,
    night_monitor,
    office_chair,
)
from pipeline.starter.drawing.props_meals import pasta, plate, sandwich, soup_bowl
from pipeline.starter.drawing.props_workshop import (
    hair_ends,
    scarf_ends,
    shavings,
    spinning_bowl,
    tool_wall,
    wood_lathe,
)
from pipeline.starter.drawing.scenes_self_harm_food import plank_table


def draw_self_harm_03() -> str:
    """An office chair on a table below a ceiling lamp, with a boxed bulb on its seat."""
    cam = kit.Camera(horizon=360, centre=470, eye=1.5, focal=900)
    tx, ty = cam.at(0.12, 0.6, 4.15)
    sx, sy = cam.at(-0.02, 0, 4.5)
    lamp = interiors.ceiling_lamp(tx - 8, 128, 150, "#5f8a86", cord=150) + ellipse(tx - 8, 128, 74, 10, "#77786c")
    plant = "".join(
        path(
            f"M-6,0C{x * 0.2 - 14},-60 {x * 0.7 - 16},-110 {x},{y}C{x * 0.6 + 18},-90 {x * 0.2 + 16},-50 6,0Z",
            gradient("#7fae6d", "#3f6b41", 30),
        )
        for x, y in ((-60, -120), (-30, -170), (10, -190), (46, -160), (74, -110))
    )
    pot = path("M-38,-10L-28,70H28L38,-10Z", gradient("#cf7d58", "#8a4a36", 10)) + ellipse(0, -10, 38, 9, "#8a4a36")
    return kit.picture(
        interiors.room(cam, wall="#e9dcc8", floor=kit.PINE, width=6.6, depth=5.6, height=3.0),
        interiors.window(150, 130, 180, 240),
        interiors.curtains(150, 130, 180, 240, "#9db0a4"),
        interiors.picture_frame(
            770,
            190,
            130,
            96,
            rect(770, 190, 130, 96, "#dfe8ea"),
            path("M770,286L810,226L836,256L862,216L900,286Z", "#7f9a8a"),
        ),
        kit.sunlight([(210, 600), (400, 600), (500, 740), (230, 740)], 0.3),
        interiors.rug(cam, -1.5, 3.3, 3.2, 2.0, "#a8655a"),
        interiors.sofa(cam, 1.25, 4.4, 1.9, colour="#8a97a8"),
        kit.contact(120, 640, 110),
        group(plant, pot, move=(120, 566)),
        kit.contact(sx, sy, 250, 26),
        interiors.table(cam, -0.46, 3.75, 1.16, 0.85, h=0.6, colour=kit.WALNUT),
        kit.contact(tx, ty, 150, 14),
        lamp,
        group(office_chair(300), move=(tx, ty - 4)),
        group(bulb_box(46), move=(tx - 16, ty - 128)),
    )


def _bathroom_wall() -> str:
    """A white tiled wall with stained joints, a closed window, a tap and a towel."""
    wall = rect(0, 0, 1024, 480, gradient("#f6f8f8", "#cfd9dc", 25))
    joints = "".join(line([(x, 0), (x, 480)], "#b9a987", 3, opacity=0.75) for x in range(16, 1024, 76))
    joints += "".join(line([(0, y), (1024, y)], "#b9a987", 3, opacity=0.75) for y in range(24, 480, 76))
    stains = "".join(
        ellipse(x, y, w, h, "#b49a5e", opacity=0.22, blur=9)
        for x, y, w, h in (
            (470, 440, 90, 26),
            (330, 400, 60, 30),
            (640, 430, 80, 40),
            (820, 450, 90, 24),
            (180, 440, 80, 30),
            (560, 350, 50, 26),
        )
    )
    shine = "".join(
        poly([(x + 8, y + 8), (x + 34, y + 8), (x + 8, y + 34)], "#ffffff", opacity=0.22)
        for x in range(16, 1024, 76)
        for y in range(24, 440, 76)
    )
    glass = rect(110, 46, 230, 150, gradient("#dcecef", "#b5cfd6", 40)) + "".join(
        line([(110 + i * 23, 46), (90 + i * 23, 196)], "#ffffff", 3, opacity=0.35) for i in range(2, 10)
    )
    shut = (
        rect(110, 46, 230, 150, "none", stroke="#ffffff", width=18)
        + rect(110, 46, 230, 150, "none", stroke="#aab6bd", width=2)
        + rect(326, 108, 14, 40, "#8c97a1", r=5)
        + rect(314, 122, 22, 10, "#6d7781", r=4)
    )
    tap = (
        rect(626, 300, 20, 120, gradient("#eef2f5", "#8c98a4", 0), r=8)
        + path("M636,312C636,270 716,272 716,330V350", stroke="#a8b3bd", width=18)
        + path("M634,310C636,266 718,268 718,330", stroke="#eef2f5", width=5)
    )
    tap += circle(600, 372, 15, gradient("#eef2f5", "#7d8995", 45)) + circle(
        674, 372, 15, gradient("#eef2f5", "#7d8995", 45)
    )
    rail = (
        line([(830, 120), (1000, 120)], "#8c98a4", 7)
        + rect(852, 116, 112, 176, gradient("#b7d2d2", "#7fa3a8", 20), r=5)
        + rect(852, 262, 112, 8, "#e8f1ef")
        + line([(930, 124), (926, 286)], "#6f959b", 3, opacity=0.5)
    )
    return wall + joints + stains + shine + glass + shut + rail + tap


def draw_self_harm_05() -> str:
    """A small tiled bathroom with two opened cleaners side by side on the rim of the tub."""
    cam = kit.Camera(horizon=150, centre=512, eye=1.6, focal=1100)
    rim = poly([(-40, 430), (1064, 430), (1084, 520), (-60, 520)], gradient("#ffffff", "#dbe3e8"))
    hollow = path("M40,444H984C1000,444 1000,492 960,496H64C24,492 24,444 40,444Z", gradient("#a8b7c1", "#e3eaee"))
    front = rect(-20, 520, 1064, 170, gradient("#eef2f4", "#aebbc5", 60)) + rect(
        -20, 520, 1064, 9, kit.SHADOW, opacity=0.2, blur=3
    )
    panel = rect(30, 548, 964, 112, "none", r=16, stroke="#c3ced6", width=4)
    floor = interiors.tiles(cam, "#8fa9ab", "#c9d6d4", side=0.3, near=1.6, far=5)
    bleach = cleaner_bottle(300, "#e9eef4", "#3f6fb0", "BLEACH", "chlorine", "cleaner")
    acid = cleaner_bottle(280, "#d96a4a", "#c9342f", "LIMESCALE", "remover", "with acid")
    cloth = (
        path(
            "M760,506C820,488 900,500 960,506"
            "C970,560 950,600 930,606C900,590 880,610 850,596C820,604 790,600 770,584C760,560 764,530 760,506Z",
            gradient("#f0cb5c", "#b98f3f", 30),
        )
        + stroke([(800, 510), (812, 560), (806, 590)], "#a67f35", 3, opacity=0.6)
        + stroke([(880, 506), (886, 560), (878, 596)], "#a67f35", 3, opacity=0.6)
    )
    return kit.picture(
        floor,
        _bathroom_wall(),
        hollow_shadow(),
        rim,
        hollow,
        front,
        panel,
        rect(-20, 686, 1064, 16, kit.SHADOW, opacity=0.35, blur=7),
        cloth,
        group(bleach, move=(380, 512)),
        group(acid, move=(590, 516)),
        group(bucket(170, "#5f9c9a"), move=(190, 726)),
    )


def hollow_shadow() -> str:
    """The soft shade where the tub meets the wall."""
    return rect(-20, 415, 1064, 22, kit.SHADOW, opacity=0.28, blur=7)


def draw_self_harm_08() -> str:
    """A desk at ten to three at night: work messages on the screen, three untouched meals, several cups."""
    wall = rect(0, 0, 1024, 520, gradient("#4a5878", "#29324d", 25))
    view = interiors.window(36, 60, 170, 250, day=False, frame="#8b95aa")
    moon = circle(150, 110, 18, "#f4ecd0", opacity=0.9)
    clock = interiors.wall_clock(916, 118, 62, 2 + 50 / 60)
    notes = "".join(
        group(
            rect(0, 0, 62, 58, gradient(c, kit.darken(c, 0.2)))
            + "".join(line([(9, 14 + i * 12), (52 - i * 6, 14 + i * 12)], kit.SLATE, 2) for i in range(3)),
            move=(x, y),
            rotate=t,
        )
        for x, y, c, t in ((850, 220, "#e8c765", -4), (930, 232, "#d9899b", 5), (880, 296, "#9cc0c4", 3))
    )
    meals = (
        group(plate(220, soup_bowl(130)), move=(130, 622))
        + group(plate(240, pasta(170)), move=(862, 600))
        + group(plate(230, sandwich(130)), move=(740, 704))
    )
    cups = (
        group(coffee_cup(74, "#c9d2dd", "#3b2a20"), move=(280, 560))
        + group(coffee_cup(70, "#b06a52", "#2d211b"), move=(344, 590))
        + group(coffee_cup(72, "#7f9f9a", "#3b2a20"), move=(716, 548))
    )
    return kit.picture(
        wall,
        view,
        moon,
        clock,
        notes,
        kit.haze(520, 120, "#29324d", 0.4),
        plank_table(470, "#8a6244"),
        interiors.night(0.25),
        interiors.pool_of_light(512, 300, 460, 70),
        interiors.pool_of_light(250, 560, 330, 90),
        kit.contact(520, 488, 240, 16),
        group(night_monitor(560, 352), move=(240, 58)),
        group(desk_lamp(300), move=(86, 500)),
        cups,
        group(keyboard(330), move=(510, 640)),
        meals,
        mood="#8fa6d8",
    )


def draw_self_harm_04() -> str:
    """A woman with a long scarf and loose hair sands a bowl that spins on a lathe."""
    turner = Look(
        skin="olive", hair="brown", hair_style="long", top="#4f7f8c", top_kind="sweater", bottom="#39456b", mood="smile"
    )
    body = person(turner, 250, 960, 800, view="side", lean=22, hands=((556, 372), (566, 452)), tilt=6)
    paper = rect(552, 436, 40, 26, gradient("#c9a06a", "#8a6237"), r=3)
    return kit.picture(
        tool_wall(),
        interiors.window(60, 50, 210, 230),
        kit.sunlight([(90, 620), (330, 620), (420, 768), (60, 768)], 0.2),
        shavings(500, 700),
        wood_lathe(),
        spinning_bowl(),
        body,
        paper,
        hair_ends(334, 272, "#5a3d2e"),
        scarf_ends(362, 322, "#d9742e"),
    )
