"""Pictures of the sexual content scenarios on consent: a chat, a massage, a booking."""

from pipeline.starter.drawing import interiors, kit, objects, props_social, screens
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, head, person


def _cafe() -> str:
    """A café behind the table: a street window, a shelf, hanging lamps, all a little out of focus."""
    out = props_social.room("#b9a58e", kit.wood(kit.WALNUT), 330)
    out += interiors.window(60, 30, 300, 220) + kit.rect(440, 70, 420, 12, kit.lit(kit.WALNUT))
    out += kit.rect(440, 190, 420, 12, kit.lit(kit.WALNUT))
    for i in range(9):
        colour = (kit.TEAL, kit.CREAM, kit.BRICK, kit.SAGE)[i % 4]
        tall = 44 + (i * 17) % 26
        out += kit.rect(458 + i * 44, 70 - tall, 30, tall, kit.lit(colour, 0, 0.2), r=5)
        out += kit.rect(
            456 + i * 44, 190 - tall * 0.7, 32, tall * 0.7, kit.lit((kit.PAPER, kit.OCHRE)[i % 2], 0, 0.2), r=6
        )
    return kit.group(out, move=(0, -180)) + kit.haze(80, 150, "#d8c6ae", 0.35)


def _bouquet(x: float, y: float, s: float) -> str:
    """A wrapped bouquet lying on the table, blooms at the upper left; s is its length."""
    out = kit.contact(s * 0.1, s * 0.12, s * 0.95, s * 0.09)
    paper = [(-s * 0.28, -s * 0.26), (s * 0.5, -s * 0.05), (s * 0.52, s * 0.07), (-s * 0.28, s * 0.27), (-s * 0.36, 0)]
    for i in range(7):
        angle = -26 + i * 9
        leaf = kit.path(
            f"M0,0C{-s * 0.2:.0f},{-s * 0.07:.0f} {-s * 0.44:.0f},{-s * 0.05:.0f} {-s * 0.54:.0f}"
            f",0C{-s * 0.44:.0f},{s * 0.05:.0f} {-s * 0.2:.0f},{s * 0.07:.0f} 0,0Z",
            kit.lit(kit.MOSS, 20, 0.2),
        )
        out += kit.group(leaf, rotate=angle)
    for i, (u, v) in enumerate(
        ((-0.42, -0.2), (-0.5, -0.05), (-0.46, 0.12), (-0.34, -0.27), (-0.36, 0.02), (-0.32, 0.22), (-0.28, -0.11))
    ):
        out += _rose(u * s, v * s, s * 0.088, (kit.RED, kit.ROSE, kit.CORAL)[i % 3])
    out += kit.poly([(px, py) for px, py in paper], kit.gradient("#f7ecd9", "#cdb995", 20))
    out += kit.line([(-s * 0.3, -s * 0.2), (s * 0.44, 0)], "#b49f7a", 2, opacity=0.6) + kit.line(
        [(-s * 0.3, s * 0.2), (s * 0.44, s * 0.03)], "#b49f7a", 2, opacity=0.6
    )
    out += kit.rect(s * 0.28, -s * 0.13, s * 0.05, s * 0.24, kit.lit(kit.BRICK), r=4)
    out += kit.ellipse(s * 0.305, -s * 0.15, s * 0.07, s * 0.035, kit.lit(kit.BRICK)) + kit.ellipse(
        s * 0.38, -s * 0.11, s * 0.06, s * 0.03, kit.lit(kit.RED)
    )
    return kit.group(out, move=(x, y), rotate=14)


def _rose(x: float, y: float, r: float, colour: str) -> str:
    """A rose bloom from above."""
    out = kit.circle(x, y, r, kit.lit(colour, 50, 0.24))
    for i, share in enumerate((0.76, 0.54, 0.32)):
        dx, dy = (r * 0.07, -r * 0.06) if i % 2 else (-r * 0.06, r * 0.05)
        out += kit.circle(x + dx, y + dy, r * share, kit.lit(kit.darken(colour, 0.08 + 0.08 * i), 50, 0.2))
    return out


def draw_sexual_01() -> str:
    """A café table with a phone that shows a chat, a bouquet, a blank card and a pen."""
    out = _cafe() + kit.poly([(-40, 132), (1064, 132), (1160, 790), (-136, 790)], kit.wood("#a2764c"))
    out += kit.poly([(-40, 132), (1064, 132), (1066, 143), (-43, 143)], kit.lighten(kit.OAK, 0.3))
    chat = (
        kit.rect(0, 0, 200, 52, "#eef1f5")
        + kit.circle(30, 32, 13, kit.lit(kit.PLUM))
        + kit.text(52, 38, "Mara", 17, weight=700)
    )
    chat += screens.bubble(10, 66, 164, ["Please stop.", "I said no. Do not", "write or come by."], size=16)
    chat += screens.bubble(190, 158, 92, ["Hey you :)"], mine=True, size=15)
    chat += screens.bubble(190, 204, 150, ["Just one coffee?"], mine=True, size=15)
    chat += screens.bubble(190, 250, 176, ["Thinking of you", "all day today"], mine=True, size=15)
    chat += kit.text(190, 330, "Seen yesterday", 13, kit.SLATE, anchor="end") + kit.rect(
        12, 352, 176, 32, "#eef1f5", r=16
    )
    out += screens.phone(290, 440, 580, chat, angle=-5) + _bouquet(770, 372, 460)
    card = props_social.sheet(280, 160, kit.rect(14, 14, 252, 132, "none", stroke=kit.ROSE, width=2), colour="#fbf1ea")
    out += kit.group(card, move=(580, 574), rotate=-4) + props_social.pen(690, 700, 190, -28)
    return kit.picture(out + props_social.mug(946, 712, 104, kit.SAGE))


def _client() -> str:
    """A person face down on the massage table, in a shirt, covered by a blanket from the waist."""
    skin = "#e8b896"
    out = kit.rect(170, 424, 660, 40, kit.lit("#e9e2d4"), r=18) + kit.rect(176, 458, 648, 22, kit.lit(kit.TEAL), r=8)
    out += kit.rect(104, 426, 80, 30, kit.lit("#e9e2d4"), r=15)
    out += kit.group(
        head(Look(skin="fair", hair="chestnut", hair_style="bun", mood="asleep"), 0, 0, 92, view="side"),
        move=(156, 396),
        rotate=82,
        scale=(1, -1),
    )
    body = [(204, 426), (214, 372), (262, 346), (340, 344), (430, 362), (480, 376), (480, 428)]
    out += kit.path(kit.smooth(body), kit.lit("#f2efe8", 60, 0.16)) + kit.stroke(
        [(262, 352), (280, 384), (274, 424)], kit.STONE, 2, opacity=0.6
    )
    out += kit.line([(262, 392), (330, 424), (420, 424)], skin, 26) + kit.line(
        [(254, 386), (306, 412)], kit.lit("#f2efe8"), 36
    )
    blanket = [(430, 436), (438, 366), (500, 350), (570, 366), (680, 372), (780, 386), (812, 410), (816, 440)]
    out += kit.path(kit.smooth(blanket), kit.lit("#8fa6bd", 60, 0.2)) + kit.rect(
        426, 424, 408, 62, kit.gradient("#8fa6bd", "#657d97"), r=8
    )
    for x in (470, 540, 620, 700, 770):
        out += kit.stroke([(x, 374), (x + 10, 420), (x + 4, 482)], kit.darken("#8fa6bd", 0.3), 2.4, opacity=0.5)
    return out


def draw_sexual_02() -> str:
    """A massage: a covered client, a therapist, and a signed form on a clipboard."""
    cam = Camera(horizon=270, eye=1.5, focal=900)
    out = interiors.room(cam, wall="#cdd6c9", floor=kit.PINE, depth=5.6, height=2.7) + interiors.window(
        150, 90, 190, 190
    )
    out += interiors.curtains(150, 90, 190, 190, "#efe5d2", open_share=0.55)
    out += interiors.shelf(cam, 0.9, 5.1, 1.3, 1.7, boards=3)
    for i, (x, y) in enumerate(((690, 214), (736, 214), (782, 214), (712, 192), (758, 192))):
        colour = (kit.CREAM, kit.SAGE, kit.SKY)[i % 3]
        out += kit.circle(x, y, 22, kit.lit(colour)) + kit.circle(
            x, y, 13, "none", stroke=kit.darken(colour, 0.2), width=2
        )
    out += objects.vase(716, 306, 66) + objects.candle(790, 306, 40) + objects.candle(836, 306, 54)
    therapist = Look(
        skin="tan", hair="black", hair_style="ponytail", top=kit.TEAL, top_kind="shirt", bottom=kit.TEAL, mood="calm"
    )
    out += person(therapist, 316, 640, 520, hands=((262, 352), (352, 350)), tilt=-4)
    for x in (220, 760):
        out += kit.contact(x, 634, 60) + kit.rect(x - 11, 478, 22, 156, kit.lit(kit.WALNUT, 0, 0.2))
    out += (
        kit.rect(220, 560, 540, 12, kit.lit(kit.WALNUT))
        + _client()
        + kit.circle(270, 350, 13, "#bd8459")
        + kit.circle(346, 348, 13, "#a9744c")
    )
    out += kit.contact(760, 770, 480, 24) + kit.poly(
        [(560, 660), (1024, 640), (1070, 790), (520, 790)], kit.wood(kit.OAK)
    )
    form = kit.rect(0, 0, 360, 250, kit.lit(kit.WALNUT), r=12) + kit.rect(16, 20, 328, 222, kit.PAPER)
    form += kit.rect(130, -10, 100, 34, kit.lit(kit.STEEL), r=8) + kit.text(
        36, 66, "My treatment", 25, kit.INK, weight=700
    )
    for i, words in enumerate(("Shoulders only.", "Please do not touch", "my hips or legs.")):
        out_y = 112 + i * 35
        form += kit.text(36, out_y, words, 26, kit.NAVY, font=kit.HAND, weight=600 if i == 0 else 500)
    form += kit.stroke(
        [(190, 222), (214, 200), (222, 224), (244, 204), (252, 222), (300, 212)], kit.NAVY, 2.6
    ) + kit.line([(180, 230), (324, 230)], kit.STONE, 1.4)
    out += kit.group(kit.rect(10, 16, 360, 250, kit.SHADOW, opacity=0.35, blur=9), form, move=(612, 508), rotate=-3)
    return kit.picture(out + props_social.pen(590, 730, 130, -16, kit.BRICK), mood="#ffeccb")


def _room_photo(w: float, h: float) -> str:
    """A small picture of a hotel room with one double bed, at 0, 0."""
    out = kit.rect(0, 0, w, h, kit.gradient("#e7dcc6", "#cbb998")) + kit.rect(0, h * 0.78, w, h * 0.22, kit.OAK)
    out += kit.rect(w * 0.18, h * 0.3, w * 0.64, h * 0.34, kit.lit(kit.WALNUT), r=6) + kit.rect(
        w * 0.2, h * 0.5, w * 0.6, h * 0.36, kit.lit("#fbf8f0"), r=8
    )
    out += kit.rect(w * 0.25, h * 0.46, w * 0.22, h * 0.14, kit.lit("#ffffff"), r=8) + kit.rect(
        w * 0.53, h * 0.46, w * 0.22, h * 0.14, kit.lit("#ffffff"), r=8
    )
    out += kit.rect(w * 0.2, h * 0.66, w * 0.6, h * 0.22, kit.lit(kit.BRICK), r=6)
    for x in (0.08, 0.92):
        out += kit.circle(w * x, h * 0.42, h * 0.2, kit.glow("#fff2d2dd", "#fff2d200")) + kit.rect(
            w * x - 9, h * 0.36, 18, 18, kit.CREAM, r=3
        )
        out += kit.rect(w * x - 12, h * 0.6, 24, h * 0.22, kit.WALNUT)
    return out


def _name_badge(x: float, y: float, name: str, title: str, angle: float) -> str:
    """A conference badge on a ribbon, lying on the desk."""
    ribbon = kit.stroke([(100, 6), (60, -60), (150, -96), (196, -50), (116, 6)], kit.BRICK, 9)
    plate = (
        kit.rect(5, 8, 216, 116, kit.SHADOW, opacity=0.35, blur=6)
        + kit.rect(0, 0, 216, 116, kit.lit(kit.PAPER), r=10)
        + kit.rect(0, 0, 216, 26, kit.NAVY, r=8)
    )
    words = kit.text(108, 66, name, 29, kit.INK, anchor="middle", weight=700) + kit.text(
        108, 98, title, 24, kit.SLATE, anchor="middle"
    )
    return kit.group(ribbon, plate, words, move=(x, y), rotate=angle)


def draw_sexual_03() -> str:
    """A laptop with a hotel booking for two, and two conference badges on the desk."""
    out = (
        props_social.room("#8d9bab", kit.wood(kit.OAK), 520)
        + interiors.window(690, 40, 280, 250, day=False)
        + interiors.wall_clock(90, 110, 56, 7.3)
    )
    out += kit.rect(0, 520, kit.WIDTH, 248, kit.wood("#9a6d45")) + kit.rect(
        0, 512, kit.WIDTH, 12, kit.lighten(kit.OAK, 0.35)
    )
    out += objects.table_lamp(936, 600, 300) + interiors.pool_of_light(900, 470, 260, 90)
    ui = (
        kit.rect(0, 0, 640, 400, "#fbfaf6")
        + kit.rect(0, 0, 640, 44, kit.NAVY)
        + kit.text(20, 30, "Hotel by the Fair", 22, kit.PAPER, weight=700)
    )
    ui += kit.group(_room_photo(270, 190), move=(20, 62)) + kit.text(
        20, 284, "1 room, 1 double bed", 23, kit.INK, weight=700
    )
    ui += (
        kit.text(20, 314, "3 nights, 12 to 15 May", 19, kit.SLATE)
        + kit.text(20, 366, "€ 420", 34, kit.GREEN, weight=800)
        + kit.text(128, 364, "€ 560", 22, kit.STONE)
        + kit.line([(126, 357), (196, 357)], kit.STONE, 2)
    )
    ui += kit.text(316, 92, "Guests in this room", 21, kit.INK, weight=700)
    for i, (name, role) in enumerate((("H. Berger", "Director"), ("L. Sato", "Intern, 19"))):
        y = 110 + i * 84
        ui += kit.rect(316, y, 300, 70, "#eef1f5", r=10) + kit.circle(
            352, y + 35, 21, kit.lit((kit.SLATE, kit.CORAL)[i])
        )
        ui += kit.text(388, y + 31, name, 22, kit.INK, weight=600) + kit.text(388, y + 56, role, 18, kit.SLATE)
    ui += screens.button(316, 330, 300, "Confirm", fill=kit.BLUE, size=23)
    out += props_social.open_laptop(430, 586, 610, ui)
    out += _name_badge(800, 640, "H. Berger", "Director", -6) + _name_badge(40, 640, "L. Sato", "Intern", 5)
    return kit.picture(out, mood="#d8dcf2")


def _sleeper() -> str:
    """A woman in a coat asleep on the sofa, one arm hanging down to a glass; her head is at the left."""
    coat, skin = "#75507f", "#e8b896"
    out = kit.ellipse(236, 470, 92, 40, kit.lit(kit.CREAM)) + kit.line([(604, 540), (712, 548)], "#3a3540", 34)
    out += kit.group(kit.rect(-4, -22, 62, 36, kit.lit(kit.INK), r=14), move=(706, 546), rotate=4)
    out += head(Look(skin="fair", hair="chestnut", hair_style="bob", mood="asleep"), 250, 446, 96, tilt=-74)
    body = [(292, 470), (330, 426), (420, 416), (520, 444), (600, 500), (640, 530), (620, 566), (420, 566), (310, 548)]
    out += kit.path(kit.smooth(body), kit.lit(coat, 60, 0.2)) + kit.stroke(
        [(420, 424), (470, 480), (466, 562)], kit.darken(coat, 0.35), 4, opacity=0.7
    )
    out += kit.line([(350, 470), (372, 560)], kit.lit(coat), 44) + kit.line(
        [(372, 560), (384, 628)], kit.darken(coat, 0.08), 38
    )
    out += kit.line([(384, 628), (388, 654)], skin, 22) + kit.ellipse(390, 664, 15, 17, kit.lit(skin))
    for y in (470, 512):
        out += kit.circle(440, y, 6, kit.OCHRE)
    return out


def _wine_bottle(x: float, y: float, h: float, *, lying: bool = False) -> str:
    """An empty green wine bottle standing at x, y, or lying there with its neck to the right."""
    shape = "M-14,0V-62C-14,-78 -6,-80 -6,-100H6C6,-80 14,-78 14,-62V0Z"
    label = kit.rect(-14, -50, 28, 28, kit.lit("#f2e9d3"))
    bottle = (
        kit.path(shape, kit.gradient("#7fa07a", "#2f4a36", 0))
        + label
        + kit.line([(-8, -60), (-8, -8)], "#dff0d8", 3, opacity=0.5)
    )
    out = kit.contact(x + (h * 0.5 if lying else 0), y, h * (1.1 if lying else 0.34))
    return out + kit.group(bottle, move=(x, y - (h * 0.13 if lying else 0)), rotate=90 if lying else 0, scale=h / 100)


def draw_sexual_04() -> str:
    """A living room late at night: a woman asleep on the sofa, empty bottles, an open door to a single bed."""
    cam = Camera(horizon=300, eye=1.6, focal=900)
    out = interiors.room(cam, wall="#b9b3b8", floor=kit.OAK, depth=5.6, height=2.9, width=9)
    out += interiors.window(90, 90, 230, 190, day=False) + interiors.wall_clock(420, 130, 46, 2.1)
    out += (
        kit.rect(700, 96, 226, 460, kit.lit("#efe8da"))
        + kit.rect(716, 112, 194, 444, kit.gradient("#8d8798", "#a59fae"))
        + kit.rect(716, 500, 194, 56, kit.wood(kit.OAK))
    )
    out += (
        kit.rect(738, 372, 150, 60, kit.lit(kit.WALNUT), r=5)
        + kit.rect(740, 420, 146, 76, kit.lit("#f1ede4"), r=8)
        + kit.rect(766, 408, 94, 32, kit.lit(kit.PAPER), r=12)
        + kit.rect(738, 446, 150, 66, kit.lit("#6f8fa8"), r=8)
    )
    out += kit.poly([(910, 112), (1000, 90), (1000, 620), (910, 556)], kit.lit("#d9d0c0")) + kit.circle(
        986, 350, 7, kit.OCHRE
    )
    out += (
        objects.table_lamp(110, 480, 260)
        + interiors.night(0.24)
        + interiors.pool_of_light(130, 330, 330, 130)
        + interiors.pool_of_light(813, 330, 170, 70)
    )
    out += (
        kit.contact(440, 676, 640, 26)
        + kit.rect(150, 380, 580, 160, kit.lit("#5f7d86"), r=26)
        + kit.rect(140, 520, 600, 120, kit.lit("#6a8b94"), r=18)
        + kit.rect(170, 520, 540, 46, kit.lit("#7b9ca4"), r=14)
    )
    out += (
        kit.rect(112, 440, 72, 210, kit.lit("#5f7d86"), r=24)
        + kit.rect(704, 440, 72, 210, kit.lit("#54727b"), r=24)
        + _sleeper()
    )
    out += (
        kit.contact(512, 760, 700, 26)
        + kit.poly([(230, 690), (800, 690), (850, 752), (180, 752)], kit.wood(kit.WALNUT))
        + kit.rect(180, 750, 670, 16, kit.darken(kit.WALNUT, 0.2))
    )
    out += "".join(
        _wine_bottle(x, y, h) for x, y, h in ((530, 722, 150), (590, 730, 158), (720, 722, 150))
    ) + _wine_bottle(250, 738, 140, lying=True)
    for x in (470, 660):
        out += (
            kit.contact(x, 736, 40)
            + kit.path(f"M{x - 22},{672}Q{x},{736} {x + 22},{672}Z", "#dfeaf0", opacity=0.65)
            + kit.line([(x, 704), (x, 734)], "#dfeaf0", 4)
            + kit.ellipse(x, 735, 18, 4, "#dfeaf0", opacity=0.8)
            + kit.ellipse(x, 690, 14, 4, "#9c3a4a")
        )
    bucket = (
        kit.contact(900, 740, 130)
        + kit.poly([(846, 636), (958, 636), (944, 740), (860, 740)], kit.gradient("#e0806a", "#a8503c", 0))
        + kit.ellipse(902, 636, 56, 14, "#7a3a30")
        + kit.path("M848,640C850,720 954,720 956,640", stroke=kit.STEEL, width=4)
    )
    return kit.picture(out + bucket, mood="#c9d0f0")
