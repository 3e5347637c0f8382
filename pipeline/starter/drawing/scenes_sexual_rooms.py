"""Pictures of the sexual content scenarios on a stage, in a meeting, in a hallway, at a gate and at a pool."""

from pipeline.starter.drawing import interiors, kit, objects, outdoors, props_social, screens
from pipeline.starter.drawing.kit import Camera
from pipeline.starter.drawing.people import Look, head, person


def _curtain(x: float, w: float, count: int) -> str:
    """A stage curtain in folds from the top to the boards."""
    out = ""
    for i in range(count):
        fold = w / count
        out += kit.rect(x + i * fold, -10, fold + 1, 560, kit.gradient("#b2473f", "#5e1f2a", 0))
    return out


def _sheet_on_stand(x: float, y: float, *parts: str, w: float = 330, h: float = 230) -> str:
    """A sheet that leans on a music stand's ledge; x, y is its upper left corner."""
    shade = kit.rect(6, 10, w, h, kit.SHADOW, opacity=0.35, blur=8)
    return kit.group(shade, kit.rect(0, 0, w, h, kit.gradient("#fefcf6", "#e9e3d5", 60)), *parts, move=(x, y))


def draw_sexual_05() -> str:
    """A rehearsal: two actors a step apart; a call sheet and a script page on a music stand in front."""
    out = kit.rect(0, 0, kit.WIDTH, kit.HEIGHT, kit.gradient("#3a3346", "#221f30"))
    for x in (330, 690):
        out += kit.poly([(x - 30, -10), (x + 30, -10), (x + 190, 520), (x - 190, 520)], "#fff1cf", opacity=0.13, blur=6)
    out += _curtain(-10, 200, 6) + _curtain(834, 200, 6) + kit.rect(0, 486, kit.WIDTH, 300, kit.wood("#8a6244"))
    for i in range(-8, 9):
        out += kit.line([(512 + i * 90, 486), (512 + i * 190, 790)], "#4d3423", 2, opacity=0.6)
    out += kit.ellipse(512, 540, 330, 44, "#ffeec2", opacity=0.3, blur=12)
    noor = Look(skin="tan", hair="black", hair_style="bun", top=kit.TEAL, bottom="#3a4157")
    partner = Look(skin="fair", hair="brown", hair_style="short", top="#8f8a9c", bottom="#2c3040")
    out += person(noor, 412, 548, 420, view="side", hands=((452, 330), (448, 350))) + person(
        partner, 616, 548, 440, view="side", flip=True, hands=((566, 330), (560, 352))
    )
    out += (
        kit.rect(500, 700, 26, 90, kit.lit("#2b2f3a"))
        + kit.poly([(120, 744), (904, 744), (920, 768), (104, 768)], kit.lit("#343947"))
        + kit.poly([(150, 470), (874, 470), (896, 744), (128, 744)], kit.lit("#454b5c"))
    )
    sheet = kit.text(24, 48, "Call sheet, scene 12", 27, kit.INK, weight=700) + kit.line(
        [(24, 62), (336, 62)], kit.STONE, 2
    )
    for i, words in enumerate(("Noor: no kissing,", "no embrace. Hands only.", "Agreed 3 May.")):
        sheet += kit.text(24, 106 + i * 40, words, 26, kit.RED, weight=700 if i == 0 else 500, font=kit.HAND)
    page = (
        kit.text(24, 44, "NOOR", 20, kit.SLATE, weight=700)
        + screens.grey_lines(24, 66, 250, 2)
        + kit.text(24, 124, "SAM", 20, kit.SLATE, weight=700)
        + screens.grey_lines(24, 146, 250, 1)
    )
    page += kit.text(160, 202, "(long kiss)", 27, kit.INK, anchor="middle", font=kit.HAND) + kit.text(
        160, 234, "Curtain.", 24, kit.SLATE, anchor="middle", font=kit.HAND
    )
    out += _sheet_on_stand(158, 494, sheet, w=384, h=246) + _sheet_on_stand(562, 488, page, w=312, h=252)
    return kit.picture(out, mood="#ffe6b0")


def _couple(x: float, y: float, w: float, kind: int) -> str:
    """One tile of a private album: a couple under a blanket, or drawn curtains; w wide, 3:4 high."""
    h = w * 0.75
    out = kit.rect(
        x,
        y,
        w,
        h,
        kit.gradient(("#d8b59b", "#a98a9c", "#c8a37c")[kind % 3], ("#8c6a5c", "#5f4d6c", "#7d5f48")[kind % 3], 60),
    )
    if kind % 2:
        for side in (0.06, 0.6):
            out += kit.rect(x + w * side, y, w * 0.34, h * 0.92, kit.gradient("#9c5a66", "#6a3645", 0)) + kit.line(
                [(x + w * (side + 0.15), y), (x + w * (side + 0.15), y + h * 0.9)], "#5a2c3a", 2
            )
        return kit.clipped(f"M{x},{y}h{w}v{h}h{-w}Z", out)
    heads = (
        Look(skin="fair", hair="brown", mood="asleep"),
        Look(skin="brown", hair="black", hair_style="bun", mood="smile"),
    )
    out += (
        kit.rect(x + w * 0.08, y + h * 0.16, w * 0.84, h * 0.5, kit.lit("#f6f1e8"), r=8)
        + head(heads[0], x + w * 0.36, y + h * 0.42, h * 0.44, tilt=-16)
        + head(heads[1], x + w * 0.64, y + h * 0.44, h * 0.44, tilt=14)
    )
    out += kit.path(
        f"M{x},{y + h * 0.72}Q{x + w * 0.5},{y + h * 0.52} {x + w},{y + h * 0.72}V{y + h}H{x}Z", kit.lit("#8fa6bd")
    )
    return kit.clipped(f"M{x},{y}h{w}v{h}h{-w}Z", out)


def draw_sexual_08() -> str:
    """A meeting: colleagues round a table before an empty screen; a laptop in front shows a private album."""
    cam = Camera(horizon=250, eye=1.6, focal=900)
    out = interiors.room(cam, wall="#d2d6d6", floor="#8b93a0", kind="plain", depth=6.2, height=2.9, width=9)
    out += (
        kit.rect(262, 62, 500, 254, kit.SHADOW, opacity=0.25, blur=7)
        + kit.rect(256, 54, 500, 254, kit.lit("#454b5c"))
        + kit.rect(264, 62, 484, 238, kit.gradient("#f7f7f2", "#dfe4e6"))
    )
    out += kit.text(506, 190, "Plug in to share", 30, kit.STONE, anchor="middle", weight=600)
    out += (
        kit.rect(484, -4, 56, 34, kit.lit("#3a4150"), r=6)
        + kit.poly([(512, 30), (264, 62), (748, 62)], "#ffffff", opacity=0.1)
        + objects.pot_plant(912, 420, 210)
    )
    team = [
        ("fair", "grey", "short", kit.NAVY, 96),
        ("brown", "black", "bun", kit.CORAL, 236),
        ("tan", "black", "short", kit.TEAL, 826),
        ("pale", "red", "ponytail", kit.SAGE, 958),
    ]
    for i, (skin, hair, style, top, x) in enumerate(team):
        look = Look(skin=skin, hair=hair, hair_style=style, top=top, top_kind="shirt", glasses=i == 0, mood="calm")
        out += person(look, x, 800, 620 if i in (0, 3) else 560, gaze=0.7 if x < 512 else -0.7, shadow=False)
    out += kit.poly([(40, 520), (984, 520), (1200, 790), (-176, 790)], kit.wood("#b08c66")) + kit.poly(
        [(40, 520), (984, 520), (988, 530), (36, 530)], kit.lighten(kit.PINE, 0.3)
    )
    for x in (90, 930):
        out += (
            kit.contact(x, 590, 90)
            + kit.poly([(x - 60, 560), (x + 50, 560), (x + 62, 594), (x - 66, 594)], kit.PAPER)
            + screens.grey_lines(x - 46, 570, 84, 2, gap=12)
        )
    album = (
        kit.rect(0, 0, 640, 400, "#20232d")
        + kit.text(24, 48, "Only for us two", 31, kit.PAPER, weight=700)
        + kit.text(616, 46, "86 pictures", 21, kit.STONE, anchor="end")
    )
    for i in range(6):
        album += _couple(24 + (i % 3) * 202, 70 + (i // 3) * 146, 188, i)
    album += kit.rect(170, 362, 300, 34, "#3a3f4e", r=12) + "".join(
        kit.rect(190 + i * 54, 367, 24, 24, (kit.BLUE, kit.OCHRE, kit.GREEN, kit.CORAL, kit.SLATE)[i], r=6)
        for i in range(5)
    )
    cable = kit.path("M790,690C880,700 900,640 960,660C1010,676 1000,740 1060,740", stroke="#2b2f3a", width=9)
    return kit.picture(
        out
        + cable
        + kit.rect(744, 680, 52, 20, kit.lit("#3a4150"), r=4)
        + props_social.open_laptop(512, 668, 500, album)
    )


def draw_sexual_11() -> str:
    """A phone with a selfie in a hallway; the mirror behind shows a flatmate who pulls on a jumper."""
    out = (
        props_social.room("#c9bfae", kit.wood(kit.OAK), 560)
        + interiors.door(70, 130, 180, 430, "#e5dccb")
        + interiors.picture_frame(
            816, 150, 130, 160, kit.rect(816, 150, 130, 160, kit.SAGE), kit.circle(880, 230, 36, kit.OCHRE)
        )
    )
    out += (
        kit.rect(792, 420, 190, 16, kit.lit(kit.WALNUT))
        + objects.vase(846, 420, 90)
        + objects.key(900, 414, 46)
        + kit.haze(400, 500, "#e9e0d0", 0.3)
    )
    photo = (
        kit.rect(0, 0, 330, 440, kit.gradient("#e3d8c4", "#c4b59c"))
        + kit.rect(176, 26, 138, 300, kit.lit(kit.WALNUT), r=6)
        + kit.rect(185, 35, 120, 282, kit.gradient("#e9eef0", "#bcc8cc"))
    )
    mirror = (
        kit.rect(185, 35, 120, 282, kit.gradient("#d9e0df", "#b7c1c4"))
        + kit.rect(190, 60, 40, 180, "#f1ede2")
        + _changing(246, 322, 196)
    )
    photo += kit.clipped(
        "M185,35h120v282h-120Z",
        mirror,
        kit.poly([(185, 35), (230, 35), (190, 317), (185, 317)], "#ffffff", opacity=0.3),
    )
    me = Look(
        skin="olive",
        hair="chestnut",
        hair_style="bob",
        top="#c7803c",
        top_kind="coat",
        accent=kit.CREAM,
        bottom=kit.NAVY,
        mood="smile",
    )
    photo += person(me, 104, 640, 590, hands=(None, (196, 300)), gaze=0.2, shadow=False)
    post = (
        kit.rect(0, 0, 330, 76, "#ffffff")
        + kit.text(165, 62, "New coat!", 22, kit.INK, anchor="middle", weight=700)
        + kit.group(kit.clipped("M0,0H330V440H0Z", photo), move=(0, 84))
    )
    post += screens.button(18, 556, 294, "Share with everyone", size=24)
    return kit.picture(out + screens.phone(512, 386, 736, kit.group(post, scale=200 / 330)))


def _changing(x: float, y: float, tall: float) -> str:
    """A woman in a shirt who holds a jumper over her head, about to pull it on."""
    look = Look(skin="fair", hair="brown", hair_style="bun", top=kit.PAPER, top_kind="sweater", bottom="#4b5160")
    out = person(look, x, y, tall, hands=((x - 34, y - tall * 1.08), (x + 34, y - tall * 1.08)), shadow=False)
    top, low = y - tall * 1.28, y - tall * 1.02
    jumper = [
        (x - 40, low),
        (x - 46, top + 16),
        (x - 20, top),
        (x + 20, top),
        (x + 46, top + 16),
        (x + 40, low),
        (x + 24, low - 12),
        (x - 24, low - 12),
    ]
    out += kit.poly(jumper, kit.lit(kit.PLUM), stroke=kit.PLUM, width=5) + kit.circle(x - 36, low - 8, 5, "#e8b896")
    return (
        out
        + kit.circle(x + 36, low - 8, 5, "#e8b896")
        + kit.stroke([(x - 16, top + 2), (x, top + 8), (x + 16, top + 2)], kit.darken(kit.PLUM, 0.3), 3)
    )


def _paint_tin(x: float, y: float, h: float, colour: str) -> str:
    """An open tin of paint that stands at x, y."""
    w = h * 0.9
    out = kit.contact(x, y, w * 1.1) + kit.path(
        f"M{x - w / 2},{y - h}V{y - 6}Q{x},{y + h * 0.16} {x + w / 2},{y - 6}V{y - h}Z",
        kit.gradient("#e1e5ea", "#8a929d", 0),
    )
    out += (
        kit.ellipse(x, y - h, w / 2, w * 0.15, "#eef1f4")
        + kit.ellipse(x, y - h, w * 0.43, w * 0.115, kit.lit(colour))
        + kit.rect(x - w * 0.42, y - h * 0.68, w * 0.84, h * 0.36, colour, opacity=0.9)
    )
    return out + kit.path(
        f"M{x - w / 2},{y - h * 0.9}C{x - w * 0.7},{y - h * 0.2} {x + w * 0.7},{y - h * 0.2} {x + w / 2},{y - h * 0.9}",
        stroke=kit.IRON,
        width=3,
    )


def _pram() -> str:
    """A folding pram behind the gate."""
    return (
        kit.path("M486,452q4,-44 50,-40l10,40z", kit.lit(kit.NAVY))
        + kit.rect(484, 450, 66, 22, kit.lit(kit.NAVY), r=8)
        + kit.circle(498, 498, 14, "none", stroke=kit.INK, width=5)
        + kit.circle(540, 498, 14, "none", stroke=kit.INK, width=5)
        + kit.line([(498, 474), (540, 498)], kit.IRON, 4)
        + kit.line([(540, 474), (498, 498)], kit.IRON, 4)
    )


def draw_sexual_17() -> str:
    """A school's grey gate in autumn with paint and a colour fan on the pavement, parents with a pram behind."""
    out = (
        outdoors.sky(420, kind="dusk")
        + kit.rect(200, 120, 640, 320, kit.bricks("#b5705a"))
        + kit.poly([(170, 126), (870, 126), (800, 60), (240, 60)], kit.lit(kit.SLATE))
    )
    for i in range(5):
        out += kit.rect(232 + i * 122, 170, 82, 94, kit.lit("#f0e8d8")) + kit.rect(
            240 + i * 122, 178, 66, 78, kit.gradient("#ffe6b0", "#c99f6a")
        )
    out += kit.rect(392, 76, 256, 44, kit.lit("#efe6d3"), r=4)
    out += kit.text(520, 107, "Primary School", 28, kit.NAVY, anchor="middle", weight=700)
    out += (
        kit.rect(0, 420, kit.WIDTH, 348, kit.gradient("#c9bda8", "#a79a86"))
        + outdoors.tree(930, 440, 360, "#c9803c")
        + outdoors.tree(80, 440, 330, "#b86a3c")
    )
    mother = Look(skin="brown", hair="black", hair_style="bun", top=kit.PLUM, top_kind="coat", mood="smile")
    father = Look(skin="fair", hair="brown", top=kit.TEAL, top_kind="jacket", bottom=kit.NAVY, mood="smile")
    out += (
        person(mother, 436, 512, 250, view="side")
        + person(father, 606, 512, 262, view="side", flip=True)
        + kit.contact(520, 512, 90)
    )
    out += _pram()
    for i in range(5):
        out += outdoors.bush(20 + i * 50, 560, 120, "#7d7a4a") + outdoors.bush(800 + i * 54, 560, 120, "#7d7a4a")
    for x in (226, 762):
        out += (
            kit.contact(x + 18, 600, 60)
            + kit.rect(x, 280, 38, 320, kit.lit("#d3c6b0", 0, 0.2))
            + kit.rect(x - 6, 264, 50, 20, kit.lit("#d9cdb8"))
        )
    out += outdoors.railing(266, 510, 596, 260, gap=27, colour="#7d858f", bar=8) + outdoors.railing(
        516, 760, 596, 260, gap=27, colour="#747c86", bar=8
    )
    out += _paint_tin(640, 716, 92, kit.PAPER) + kit.turned(
        720,
        716,
        12,
        kit.rect(700, 700, 130, 16, kit.lit(kit.WALNUT), r=8),
        kit.rect(826, 692, 26, 32, kit.STEEL),
        kit.rect(850, 690, 40, 36, kit.lit("#d9c7a0")),
    )
    for i, colour in enumerate((kit.RED, kit.CORAL, kit.OCHRE, kit.YELLOW, kit.GREEN, kit.TEAL, kit.BLUE)):
        out += kit.turned(
            420,
            750,
            -64 + i * 18,
            kit.rect(396, 606, 48, 140, kit.lit(colour), r=5),
            kit.rect(396, 704, 48, 30, kit.PAPER),
        )
    return kit.picture(out, mood="#ffd9a0")


def draw_sexual_18() -> str:
    """An indoor pool: a column with a socket, behind it open showers and a row of small towels; a webcam on a bench."""
    cam = Camera(horizon=240, eye=1.9, focal=900)
    out = interiors.room(cam, wall="#cfe0e2", floor="#dfe6e2", kind="tiles", depth=7.4, height=3.4, width=12)
    out += (
        _showers(590, 462)
        + kit.rect(70, 120, 420, 84, kit.lit(kit.NAVY), r=6)
        + kit.text(280, 156, "Under 12 training", 30, kit.PAPER, anchor="middle", weight=700)
        + kit.text(280, 188, "Mon and Wed", 24, kit.SKY, anchor="middle")
    )
    pool = cam.face((-4.4, 0, 2.9), (0.4, 0, 2.9), (0.4, 0, 6.6), (-4.4, 0, 6.6))
    out += kit.poly([(x, y + 10) for x, y in pool], kit.darken("#cfe0e2", 0.25)) + kit.poly(
        pool, kit.gradient("#8fd0dc", "#3f94ae")
    )
    for i in range(4):
        a, b = cam.at(-3.2 + i * 1.1, 0, 2.9), cam.at(-3.2 + i * 1.1, 0, 6.6)
        out += "".join(
            kit.circle(
                a[0] + (b[0] - a[0]) * t / 16,
                a[1] + (b[1] - a[1]) * t / 16,
                8 - t * 0.3,
                kit.RED if t % 2 else kit.PAPER,
            )
            for t in range(17)
        )
    for i in range(26):
        x, y = 10 + (i * 331 + i * i * 29) % 480, 516 + (i * 71 + i * i * 11) % 240
        out += kit.stroke([(x, y), (x + 22, y - 4), (x + 46, y)], "#e6f7fa", 2.4, opacity=0.5)
    out += (
        kit.contact(652, 640, 130, 14)
        + kit.rect(600, -10, 104, 650, kit.gradient("#f1f3ef", "#b9c4c4", 0))
        + kit.rect(632, 250, 40, 40, kit.lit("#ffffff"), r=5, stroke=kit.STONE, width=2)
    )
    out += kit.circle(645, 270, 3.5, kit.INK) + kit.circle(659, 270, 3.5, kit.INK)
    out += (
        kit.contact(850, 752, 330, 20)
        + "".join(kit.rect(x, 660, 20, 92, kit.lit(kit.IRON)) for x in (720, 980))
        + kit.poly([(700, 640), (1040, 640), (1060, 672), (684, 672)], kit.wood(kit.PINE))
    )
    out += _webcam(768, 650) + _drill(962, 648)
    return kit.picture(out, mood="#eef6ff")


def _showers(x: float, y: float) -> str:
    """Open showers and hooks with children's towels and clothes on the back wall; y is the floor's line."""
    out = kit.rect(x, y - 280, 434, 280, kit.lit("#b3d0d2"))
    for i in range(11):
        out += kit.line([(x + i * 42, y - 280), (x + i * 42, y)], "#dcebea", 1.6)
    out += "".join(kit.line([(x, y - i * 40), (x + 434, y - i * 40)], "#dcebea", 1.6) for i in range(7))
    for i in range(3):
        sx = x + 140 + i * 46
        out += (
            kit.line([(sx, y - 120), (sx, y - 236)], kit.STEEL, 6)
            + kit.path(f"M{sx - 18},{y - 226}Q{sx},{y - 258} {sx + 18},{y - 226}Z", kit.lit(kit.STEEL))
            + kit.circle(sx, y - 120, 8, kit.IRON)
        )
        out += "".join(
            kit.line([(sx - 12 + k * 8, y - 220), (sx - 15 + k * 10, y - 140)], "#f1fbff", 2, opacity=0.75)
            for k in range(4)
        )
    out += kit.rect(x + 262, y - 206, 170, 14, kit.lit(kit.PINE))
    for i, colour in enumerate((kit.CORAL, kit.YELLOW, kit.SKY, kit.SAGE)):
        out += kit.circle(x + 282 + i * 42, y - 194, 5, kit.IRON) + interiors.towel(
            x + 266 + i * 42, y - 190, 32, 84, colour
        )
    for i, colour in enumerate((kit.RED, kit.BLUE, kit.OCHRE)):
        out += kit.ellipse(x + 284 + i * 46, y - 6, 11, 6, colour) + kit.ellipse(x + 302 + i * 46, y - 5, 11, 6, colour)
    return out


def _webcam(x: float, y: float) -> str:
    """A round webcam on a bracket, lying on a bench."""
    out = (
        kit.contact(x, y, 110)
        + kit.rect(x - 14, y - 40, 28, 36, kit.lit(kit.STEEL), r=4)
        + kit.rect(x - 38, y - 10, 76, 12, kit.lit(kit.STEEL), r=4)
    )
    return (
        out
        + kit.circle(x, y - 74, 46, kit.lit("#f4f5f2"))
        + kit.circle(x, y - 74, 29, kit.lit("#2b2f3a"))
        + kit.circle(x, y - 74, 15, "#3c5785")
        + kit.circle(x - 6, y - 81, 5, "#d6e6ff")
    )


def _drill(x: float, y: float) -> str:
    """A cordless drill lying on a bench."""
    out = (
        kit.contact(x, y, 130)
        + kit.rect(x - 62, y - 84, 100, 44, kit.lit(kit.OCHRE), r=12)
        + kit.poly([(x - 92, y - 70), (x - 62, y - 78), (x - 62, y - 48), (x - 92, y - 56)], kit.lit(kit.IRON))
    )
    out += kit.line([(x - 132, y - 63), (x - 92, y - 63)], kit.STEEL, 6) + kit.poly(
        [(x - 6, y - 46), (x + 34, y - 46), (x + 46, y - 14), (x + 8, y - 14)], kit.lit(kit.INK)
    )
    return out + kit.rect(x - 2, y - 18, 66, 20, kit.lit(kit.IRON), r=5)
