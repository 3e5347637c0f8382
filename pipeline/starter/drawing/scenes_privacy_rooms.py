"""Privacy scenes of a classroom, a window at dusk and a bright living room."""

from pipeline.starter.drawing import interiors, kit, objects, outdoors
from pipeline.starter.drawing.heads import Look, head
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, stroke, text
from pipeline.starter.drawing.people import person

_PUPILS = (
    ("Emil Novak", "brown", "fair", "level 3", "none", "yes"),
    ("Zoya Rahman", "black", "tan", "level 1", "insulin", "no"),
    ("Theo Marsh", "blond", "pale", "level 2", "asthma", "yes"),
    ("Abena Osei", "black", "deep", "level 4", "none", "no"),
    ("Lina Costa", "chestnut", "olive", "level 1", "epilepsy", "yes"),
)


def _pupil_chart(w: float, h: float) -> str:
    """A large sheet with pupils' faces and names beside reading level, medicine and family support."""
    sheet = rect(8, 10, w, h, kit.SHADOW, opacity=0.3, blur=7) + rect(0, 0, w, h, gradient("#fffdf6", "#efe7d4", 40))
    title = text(w / 2, 46, "Our class", 34, kit.TEAL, anchor="middle", weight=700, font=kit.HAND)
    cols = (86.0, w * 0.45, w * 0.605, w * 0.795)
    rows = rect(14, 62, w - 28, 34, "#3d8a8c")
    heads = ("Name", "Reading", "Medicine", "Free lunch")
    rows += "".join(text(x, 85, words, 16, "#ffffff", weight=700) for x, words in zip(cols, heads, strict=True))
    step = (h - 112) / len(_PUPILS)
    for i, (name, hair, skin, *rest) in enumerate(_PUPILS):
        y = 96 + i * step
        style = ("short", "long", "crop", "curly", "ponytail")[i]
        rows += rect(14, y, w - 28, step, "#f3efe2" if i % 2 else "#fbf8ef") + line(
            [(14, y), (w - 14, y)], "#d8cfb8", 1
        )
        face = head(
            Look(skin=skin, hair=hair, hair_style=style, age="child", mood="smile"), 0, 0, step * 0.6, view="front"
        )
        rows += circle(46, y + step / 2, step * 0.4, "#cfe0e6") + group(face, move=(46, y + step * 0.52))
        words = zip(cols, (name, *rest), (700, 500, 600, 500), strict=True)
        rows += "".join(text(x, y + step * 0.6, word, 19, kit.INK, weight=weight) for x, word, weight in words)
    pins = "".join(circle(x, 14, 8, kit.RED) for x in (20, w - 20))
    return sheet + title + rows + pins


def _child_drawing(w: float, h: float, colour: str, kind: int) -> str:
    """A child's crayon drawing on paper: a house, a sun or a tree."""
    paper = rect(4, 5, w, h, kit.SHADOW, opacity=0.25, blur=4) + rect(0, 0, w, h, "#fdfbf5")
    if kind == 0:
        walls = [
            (w * 0.25, h * 0.85),
            (w * 0.25, h * 0.5),
            (w * 0.5, h * 0.25),
            (w * 0.75, h * 0.5),
            (w * 0.75, h * 0.85),
        ]
        return paper + line([*walls, walls[0]], colour, 5) + rect(w * 0.43, h * 0.62, w * 0.14, h * 0.22, colour)
    if kind == 1:
        rays = (
            (-0.3, -0.05),
            (-0.2, -0.26),
            (0, -0.34),
            (0.2, -0.26),
            (0.3, -0.05),
            (0.2, 0.2),
            (0, 0.27),
            (-0.2, 0.2),
        )
        sun = "".join(line([(w * 0.5, h * 0.5), (w * (0.5 + x), h * (0.5 + y))], colour, 4) for x, y in rays)
        return paper + sun + circle(w * 0.5, h * 0.5, w * 0.17, colour)
    trunk = rect(w * 0.45, h * 0.5, w * 0.1, h * 0.38, kit.OAK)
    return paper + trunk + circle(w * 0.5, h * 0.38, w * 0.24, colour)


def _pupil_desk(x: float, y: float, w: float) -> str:
    """A school desk seen from the front and above, its front feet on the line y, with a chair behind it."""
    chair = rect(x - w * 0.2, y - w * 0.75, w * 0.4, w * 0.26, gradient("#e0a94f", "#b07d2c"), r=8)
    legs = "".join(
        rect(x + d * w - 5, y - w * 0.42, 10, w * 0.42, gradient("#8c96a2", "#4f5863", 0)) for d in (-0.44, 0.44)
    )
    top = poly(
        [
            (x - w * 0.42, y - w * 0.56),
            (x + w * 0.42, y - w * 0.56),
            (x + w * 0.52, y - w * 0.4),
            (x - w * 0.52, y - w * 0.4),
        ],
        gradient(kit.lighten(kit.PINE, 0.3), kit.PINE),
    )
    edge = rect(x - w * 0.52, y - w * 0.4, w * 1.04, w * 0.05, kit.darken(kit.PINE, 0.25))
    book = poly(
        [
            (x - w * 0.1, y - w * 0.52),
            (x + w * 0.12, y - w * 0.53),
            (x + w * 0.16, y - w * 0.44),
            (x - w * 0.08, y - w * 0.43),
        ],
        gradient("#5f8fc0", "#34557f"),
    )
    return kit.contact(x, y, w) + chair + legs + top + edge + book


def draw_privacy_09() -> str:
    """A classroom whose wall carries a chart of pupils between a blackboard and children's drawings."""
    cam = kit.Camera(horizon=330, centre=512, eye=1.6, focal=900)
    board = rect(22, 122, 330, 220, kit.SHADOW, opacity=0.25, blur=8) + rect(10, 110, 330, 220, kit.wood(kit.WALNUT))
    board += rect(24, 124, 302, 192, gradient("#3f6657", "#2b4a40", 30)) + rect(10, 330, 330, 12, kit.wood(kit.OAK))
    board += text(52, 190, "Parents' evening", 27, "#e9efe6", font=kit.HAND) + text(
        52, 232, "Thursday, 6 pm", 24, "#d5dfd3", font=kit.HAND
    )
    board += stroke([(52, 256), (120, 250), (190, 258), (262, 252)], "#e9efe6", 3, opacity=0.8)
    kinds = ((892, 96, "#c8503f", 0), (904, 216, "#e0a12f", 1), (890, 338, "#4f8f55", 2))
    art = "".join(
        group(_child_drawing(100, 104, c, i), move=(x, y), rotate=(-3, 2, -2)[i])
        for i, (x, y, c, _) in enumerate(kinds)
    )
    desks = "".join(_pupil_desk(x, y, w) for x, y, w in ((190, 640, 190), (512, 640, 190), (834, 640, 190)))
    desks += "".join(_pupil_desk(x, y, w) for x, y, w in ((60, 800, 270), (480, 800, 270), (900, 800, 270)))
    return kit.picture(
        interiors.room(cam, wall="#e8dfc8", floor=kit.PINE, width=8, depth=5.2, height=3.2),
        board,
        group(_pupil_chart(500, 372), move=(370, 84)),
        art,
        kit.sunlight([(-40, 560), (240, 560), (420, 768), (20, 768)], 0.25),
        desks,
        objects.pot_plant(968, 618, 130),
    )


def _lit_room(x: float, y: float, w: float, h: float, wall: str, *inside: str) -> str:
    """A lit window across the yard with what happens behind it, cut to its frame."""
    light = rect(x, y, w, h, gradient(kit.lighten(wall, 0.45), wall)) + ellipse(
        x + w * 0.5, y + h * 0.2, w * 0.5, h * 0.4, "#fff0c4", opacity=0.5, blur=8
    )
    frame = rect(x, y, w, h, "none", stroke="#e6dccb", width=6) + rect(x - 8, y + h, w + 16, 8, "#b9ad9a")
    glow_ = rect(x - 10, y - 10, w + 20, h + 20, "#ffd98a", opacity=0.3, blur=14)
    return glow_ + kit.clipped(f"M{x},{y}H{x + w}V{y + h}H{x}Z", light, *inside) + frame


def _facing_block(scale: float) -> str:
    """The block across the yard at dusk, in its own 1024 x 600 pixels: dark windows, and two rooms with people."""
    wall = rect(0, 0, 1024, 600, kit.bricks("#8a6259")) + rect(0, 0, 1024, 600, gradient("#2b3157aa", "#2b315766"))
    dark = "".join(
        rect(x, y, 150, 170, gradient("#3c4a68", "#262f4b")) + rect(x, y, 150, 170, "none", stroke="#a59a8c", width=6)
        for x, y in ((60, 40), (820, 40), (60, 330), (440, 330))
    )
    mother = person(
        Look(skin="fair", hair="red", hair_style="bun", top="#8f6f9a", mood="smile"),
        330,
        210,
        250,
        pose="sit",
        shadow=False,
    )
    baby = ellipse(338, 156, 36, 19, gradient("#f7efe0", "#d8c9b4")) + circle(312, 148, 14, "#eec3a4")
    nurse = person(
        Look(skin="tan", hair="black", hair_style="ponytail", top="#3d8a8c"),
        590,
        296,
        226,
        view="side",
        hands=((650, 150), (648, 172)),
        shadow=False,
    )
    patient = person(
        Look(skin="pale", hair="white", age="elder", top="#e3d9cb", top_kind="tank"), 690, 296, 222, shadow=False
    )
    robe = path("M660,122C700,114 730,122 742,140L752,200L724,190L716,150L668,154Z", gradient("#7d93b5", "#4d628a"))
    cook = person(
        Look(skin="brown", hair="black", hair_style="curly", top="#d29a3d"), 900, 600, 250, view="behind", shadow=False
    )
    rooms = _lit_room(
        250, 40, 170, 190, "#e8b878", rect(264, 100, 132, 140, gradient("#8a5a50", "#5f3d3c"), r=24), mother, baby
    ) + _lit_room(545, 40, 210, 190, "#e3c08a", nurse, patient, robe)
    rooms += _lit_room(820, 330, 160, 180, "#dcae72", cook)
    return group(wall, dark, rooms, scale=scale)


def draw_privacy_12() -> str:
    """A camera on a tripod at a window at dusk; its display shows the lit rooms across the yard."""
    block = group(_facing_block(0.86), move=(90, 60))
    sky = rect(0, 0, 1024, 620, gradient("#46538a", "#d08f7a"))
    wall = "".join(
        rect(x, y, w, h, gradient("#4b4a63", "#34344c", 20))
        for x, y, w, h in ((0, 0, 120, 768), (910, 0, 114, 768), (0, 0, 1024, 56), (0, 584, 1024, 190))
    )
    frame = rect(120, 56, 790, 528, "none", stroke="#d9d3cf", width=18) + rect(
        102, 582, 826, 22, gradient("#e9e3dc", "#a9a2a5")
    )
    drapes = path("M60,20H190C176,200 168,420 186,600H60Z", gradient("#6f5f86", "#4a4166", 0)) + path(
        "M850,20H980V600H846C862,420 862,200 850,20Z", gradient("#6f5f86", "#433b5e", 0)
    )
    folds = "".join(
        stroke([(x, 24), (x - 6, 300), (x, 596)], "#3a3355", 3, opacity=0.6) for x in (86, 116, 148, 884, 916, 948)
    )
    legs = "".join(line([(512, 610), (x, 780)], "#1d2029", 13) for x in (380, 520, 650)) + rect(
        490, 560, 44, 60, gradient("#454c59", "#1d2029", 0), r=6
    )
    body = (
        rect(372, 318, 280, 236, gradient("#3f4450", "#191c24", 40), r=20)
        + rect(452, 292, 120, 40, gradient("#4a505d", "#23262f"), r=10)
        + rect(590, 304, 44, 18, "#5c636f", r=5)
    )
    show = group(rect(0, 0, 1024, 600, "#222842"), _facing_block(1), scale=0.2)
    display = rect(388, 344, 226, 148, "#0c0e14", r=5) + kit.clipped(
        "M394,350H606V486H394Z", group(show, move=(397, 372))
    )
    marks = (
        rect(394, 350, 212, 26, "#0c0e14")
        + circle(408, 364, 5, "#f0504a")
        + text(418, 369, "REC", 13, "#ffffff", weight=700)
        + text(600, 369, "every 5 s", 13, "#ffffff", anchor="end", weight=600)
    )
    keys = "".join(circle(632, y, 8, "#5c636f") for y in (366, 400, 434)) + circle(
        500, 522, 18, "#2b2f3a", stroke="#5c636f", width=4
    )
    return kit.picture(
        sky,
        outdoors.cloud(500, 40, 200, "#e8b3a0", 0.4),
        block,
        frame,
        wall,
        frame,
        drapes,
        folds,
        legs,
        body,
        display,
        marks,
        keys,
        mood="#b7a8d8",
    )


def draw_privacy_16() -> str:
    """A bright living room high above a park, with bare windows and two fabric samples over a chair."""
    cam = kit.Camera(horizon=330, centre=480, eye=1.5, focal=880)
    park = rect(250, 60, 620, 330, gradient("#bfe0f2", "#e9f3ea")) + rect(250, 300, 620, 100, "#9cbf88")
    park += "".join(
        outdoors.tree(x, 392, h, c)
        for x, h, c in (
            (290, 110, "#6f9b5f"),
            (380, 84, "#7faa6b"),
            (480, 120, "#5f8f55"),
            (640, 92, "#7faa6b"),
            (730, 126, "#66965a"),
            (820, 100, "#79a566"),
        )
    )
    panes = "".join(
        interiors.window(x, 70, 190, 310, view=kit.clipped(f"M{x},70H{x + 190}V380H{x}Z", park), panes=1)
        for x in (262, 466, 670)
    )
    set_ = (
        rect(40, 432, 130, 86, "#2a2f3a", r=5)
        + rect(46, 438, 118, 74, gradient("#3c4454", "#1c212b", 40))
        + circle(160, 514, 2.5, "#e0504a")
    )
    stand = kit.contact(110, 596, 180) + rect(24, 518, 170, 76, kit.wood(kit.OAK))
    cloths = poly([(826, 500), (892, 494), (898, 640), (834, 648)], gradient("#f6edda", "#d9ccb0", 30)) + poly(
        [(890, 494), (956, 500), (962, 634), (900, 640)], gradient("#b3c2a0", "#879a76", 30)
    )
    weave_ = "".join(
        line([(840 + i * 13, 502), (846 + i * 13, 640)], "#ffffff" if i < 5 else "#6f8461", 1.5, opacity=0.45)
        for i in range(9)
    )
    return kit.picture(
        interiors.room(cam, wall="#efe8dc", floor=kit.PINE, width=6.6, depth=5.2),
        panes,
        kit.sunlight([(330, 540), (820, 540), (980, 740), (420, 740)], 0.35),
        interiors.rug(cam, -1.6, 2.9, 2.9, 1.7, "#8aa3a8"),
        stand,
        set_,
        interiors.sofa(cam, -1.05, 4.0, 2.1, colour="#c08a6a"),
        objects.pot_plant(772, 602, 170),
        interiors.chair(896, 742, 280, kit.WALNUT, view="behind"),
        cloths,
        weave_,
    )
