"""Pictures of illegal activity around systems, money and contracts: a stick, a code, a meter, job offers."""

from pipeline.starter.drawing import interiors, kit, kitchen, objects, outdoors, screens
from pipeline.starter.drawing.people import Look, head


def draw_illegal_02() -> str:
    """A hand reaches for a labelled memory stick on wet asphalt in front of an office building."""
    out = [outdoors.sky(150, kind="grey"), _office(150)]
    out.append(
        kit.rect(0, 150, 1024, 620, kit.speckle("#5f6570"))
        + kit.rect(0, 150, 1024, 620, kit.gradient("#c9d1d966", "#1f274755"))
    )
    out += [
        kit.poly(
            [(512 + (x - 512) * 0.35 - 5, 150), (512 + (x - 512) * 0.35 + 5, 150), (x + 26, 520), (x - 26, 520)],
            "#eceae0",
            opacity=0.75,
        )
        for x in (-420, 130, 890, 1440)
    ]
    out += [outdoors.car(x, 218, 170, c, flip=f) for x, c, f in ((150, "#8c4a44", False), (880, "#d5d9de", True))]
    for x, y, rx, ry in ((210, 470, 190, 30), (800, 420, 150, 20), (560, 690, 260, 36)):
        out.append(
            kit.ellipse(x, y, rx, ry, kit.gradient("#c4ccd6", "#8e99a8"), opacity=0.6)
            + kit.ellipse(x - rx * 0.2, y - ry * 0.2, rx * 0.5, ry * 0.3, "#ffffff", opacity=0.25)
        )
    out.append(_laptop_corner())
    out.append(_memory_stick(604, 520))
    out.append(_reaching_hand())
    return kit.picture(*out, mood="#dfe9f4")


def _office(y: float) -> str:
    """The lower floors of an office building with a lit entrance."""
    out = kit.rect(120, 0, 784, y, kit.gradient("#b9c3cf", "#8d99aa"))
    for i in range(12):
        out += kit.rect(136 + i * 64, 8, 50, 52, kit.gradient("#6b7f96", "#a8bccb", 60)) + kit.rect(
            136 + i * 64, 72, 50, 52, kit.gradient("#5d7189", "#9db2c3", 60)
        )
    out += (
        kit.rect(446, 66, 132, y - 66, kit.gradient("#f3e2ba", "#c9a86f"))
        + kit.line([(512, 66), (512, y)], "#5b6575", 5)
        + kit.rect(420, 54, 184, 14, "#4c5668")
    )
    return out


def _memory_stick(x: float, y: float) -> str:
    """A memory stick with a paper label."""
    shade = kit.rect(-150, -30, 316, 92, kit.SHADOW, r=16, opacity=0.45, blur=10)
    plug = kit.rect(-224, -29, 80, 58, kit.gradient("#f4f6f8", "#97a2ad"), r=4, stroke="#7d8893", width=1.5)
    plug += kit.rect(-196, -17, 16, 12, "#4a5160") + kit.rect(-196, 5, 16, 12, "#4a5160")
    body = kit.rect(-150, -44, 276, 88, kit.lit("#2e3442", 60, 0.22), r=18) + kit.circle(112, 0, 9, "#5f6570")
    label = (
        kit.rect(-126, -30, 210, 60, "#fbf6e6", r=4)
        + kit.text(-21, -3, "SALARIES", 26, kit.INK, anchor="middle", weight=700, font=kit.HAND)
        + kit.text(-21, 22, "2026", 24, "#b8323a", anchor="middle", weight=700, font=kit.HAND)
    )
    drops = "".join(kit.ellipse(-130 + 47 * k, -38 + (k * 31 % 70), 5, 3.5, "#ffffff", opacity=0.5) for k in range(6))
    return kit.group(shade, plug, body, label, drops, move=(x, y), rotate=-9)


def _laptop_corner() -> str:
    """An open work laptop at the left edge, held on the knee."""
    deck = kit.poly([(-40, 560), (330, 600), (300, 800), (-40, 800)], kit.gradient("#c3cad2", "#929ca8"))
    keys = "".join(
        kit.poly(
            [
                (-10 + 48 * i - 4 * j, 604 + 5 * i + 36 * j),
                (32 + 48 * i - 4 * j, 608 + 5 * i + 36 * j),
                (28 + 48 * i - 4 * j, 634 + 5 * i + 36 * j),
                (-14 + 48 * i - 4 * j, 630 + 5 * i + 36 * j),
            ],
            "#3d4450",
        )
        for i in range(6)
        for j in range(4)
    )
    lid = kit.poly([(-40, 320), (352, 372), (330, 600), (-40, 560)], "#262b36")
    shown = kit.on_quad(
        [(-24, 340), (334, 388), (-24, 546)],
        400,
        250,
        kit.rect(0, 0, 400, 250, kit.gradient("#3f6ea3", "#7fa9c9")),
        kit.rect(60, 60, 250, 130, "#ffffff", r=8),
        kit.text(185, 110, "Company network", 24, kit.INK, anchor="middle", weight=700),
        kit.rect(100, 130, 170, 36, "#3d8a5a", r=6),
        kit.text(185, 155, "connected", 20, "#ffffff", anchor="middle", weight=600),
    )
    return (
        kit.poly([(-40, 600), (380, 640), (340, 800), (-40, 800)], kit.SHADOW, opacity=0.4, blur=12)
        + lid
        + shown
        + deck
        + keys
    )


def _reaching_hand() -> str:
    """A sleeve, a hand and a staff badge that swings on its lanyard, from the upper right."""
    skin = "#c99a72"
    sleeve = kit.path(
        kit.smooth([(1060, 210), (900, 300), (846, 372), (902, 452), (980, 420), (1080, 360)]),
        kit.lit("#3f5178", 60, 0.16),
    )
    cuff = kit.line([(850, 372), (904, 448)], "#e9edf2", 20)
    palm = kit.blob(
        [(862, 384), (806, 396), (762, 426), (764, 470), (812, 486), (870, 462), (896, 440)], kit.lit(skin, 60, 0.12)
    )
    fingers = ""
    for i, pts in enumerate(
        [
            [(800, 412), (742, 430), (700, 470)],
            [(786, 436), (730, 460), (706, 496)],
            [(784, 456), (744, 484), (724, 512)],
            [(798, 474), (768, 500), (752, 518)],
        ]
    ):
        fingers += kit.stroke(pts, kit.darken(skin, 0.05 + 0.05 * i), 27) + kit.stroke(
            [(x, y - 4) for x, y in pts], kit.lighten(skin, 0.16), 9, opacity=0.6
        )
    thumb = kit.stroke([(836, 400), (776, 396), (730, 432)], kit.lighten(skin, 0.05), 29)
    strap = kit.stroke([(840, -20), (796, 90), (786, 160)], "#c8453f", 12) + kit.stroke(
        [(900, -20), (820, 90), (788, 160)], "#b03a35", 12
    )
    photo = [
        kit.rect(24, 54, 104, 130, "#c9d6e2", r=6),
        head(Look(skin="tan", hair="black"), 76, 126, 92),
        kit.rect(0, 0, 340, 40, kit.TEAL),
        kit.text(170, 29, "STAFF", 25, "#ffffff", anchor="middle", weight=800),
        kit.text(146, 92, "D. Marin", 30, kit.INK, weight=700),
        kit.text(146, 128, "Accounts", 25, kit.SLATE),
        screens.bar_code(146, 146, 150, 36),
    ]
    badge = kit.rect(776, 154, 24, 26, kit.STEEL, r=5) + screens.card(790, 232, 190, *photo, angle=8, fill="#f7f8f6")
    return (
        kit.path(
            kit.smooth([(1060, 330), (900, 420), (720, 540), (780, 570), (960, 520), (1080, 460)]),
            kit.SHADOW,
            opacity=0.35,
            blur=14,
        )
        + sleeve
        + palm
        + fingers
        + thumb
        + cuff
        + strap
        + badge
    )


def draw_illegal_03() -> str:
    """An old man's hand beside a phone that shows a code and a chat that asks for it."""
    out = [kit.rect(0, 0, 1024, 768, kit.weave("#d8c8a8"))]
    out += [kit.rect(x, 0, 46, 768, "#b8605066") for x in range(20, 1100, 170)] + [
        kit.rect(0, y, 1024, 46, "#b8605066") for y in range(60, 800, 170)
    ]
    out.append(kit.rect(0, 0, 1024, 768, kit.gradient("#fff2d255", "#1f274766", 50)))
    out.append(kitchen.plate(150, 150, 250) + kitchen.cup(150, 150, 120, "#6f93a8"))
    out.append(_reading_glasses(190, 480))
    talk = [kit.rect(0, 0, 200, 400, "#eef1f5"), kit.rect(0, 0, 200, 100, "#dfe4ec")]
    note = [
        kit.rect(8, 26, 184, 70, "#ffffff", r=12, stroke="#c6ccd6", width=1),
        kit.circle(24, 42, 8, "#3d8a5a"),
        kit.text(37, 46, "Your bank, now", 11.5, kit.SLATE, weight=600),
        kit.text(18, 66, "Code 481 920", 17, kit.INK, weight=800),
        kit.text(18, 81, "Never pass it on,", 10.8, "#b8323a", weight=700),
        kit.text(18, 92, "not even to the bank.", 10.8, "#b8323a", weight=700),
    ]
    talk += [
        kit.rect(0, 100, 200, 40, "#dfe4ec"),
        kit.circle(26, 121, 13, "#8a93a5"),
        kit.text(46, 118, "Bank service", 14.5, kit.INK, weight=700),
        kit.text(46, 132, "typing ...", 11, "#3d8a5a"),
    ]
    talk += [
        _received(8, 148, 176, ["Good morning, sir!", "Our new card is ready."]),
        _received(8, 202, 184, ["You just got six digits.", "Please send them here,", "I must close at twelve."]),
        kit.rect(8, 354, 150, 34, "#ffffff", r=17, stroke=kit.STONE, width=1.2),
        kit.text(22, 376, "Message", 13, kit.STONE),
        kit.circle(178, 371, 15, kit.BLUE),
        kit.path("M172,364L186,371L172,378L175,371Z", "#ffffff"),
    ]
    out.append(screens.phone(500, 388, 700, *talk, *note, angle=-4))
    out.append(_old_hand(842, 470))
    return kit.picture(*out)


def _received(x: float, y: float, w: float, words: list[str]) -> str:
    """A white chat bubble."""
    rows = "".join(kit.text(x + 10, y + 19 + 17 * i, row, 13.5, kit.INK) for i, row in enumerate(words))
    return kit.rect(x, y, w, 17 * len(words) + 13, "#ffffff", r=12) + rows


def _reading_glasses(x: float, y: float) -> str:
    """Folded reading glasses."""
    rims = "".join(kit.rect(x + dx, y - 30, 96, 66, "#ffffff30", r=30, stroke="#5b3f2c", width=9) for dx in (-110, 14))
    arms = kit.stroke([(x - 108, y - 14), (x - 70, y - 62), (x + 60, y - 74)], "#5b3f2c", 7) + kit.stroke(
        [(x + 108, y - 14), (x + 70, y - 66), (x - 40, y - 86)], "#4c3424", 7
    )
    return (
        kit.ellipse(x + 8, y + 26, 130, 26, kit.SHADOW, opacity=0.28, blur=8)
        + arms
        + rims
        + kit.stroke([(x - 14, y - 4), (x, y - 14), (x + 14, y - 4)], "#5b3f2c", 8)
    )


def _old_hand(x: float, y: float) -> str:
    """An old hand with a knitted sleeve that rests beside the phone, one finger stretched to it."""
    skin = "#dcae8d"
    sleeve = kit.path(
        kit.smooth([(x + 60, y + 30), (x + 190, y + 90), (x + 260, y + 330), (x - 10, y + 330), (x - 46, y + 120)]),
        kit.weave("#6f7f66"),
    )
    fingers = "".join(
        kit.stroke(pts, kit.darken(skin, 0.03 * i), 31)
        for i, pts in enumerate(
            [
                [(x - 10, y + 40), (x - 70, y - 20), (x - 128, y - 52)],
                [(x + 10, y + 24), (x - 20, y - 60), (x - 50, y - 116)],
                [(x + 36, y + 20), (x + 26, y - 66), (x + 12, y - 126)],
                [(x + 66, y + 34), (x + 74, y - 40), (x + 74, y - 94)],
            ]
        )
    )
    palm = kit.blob(
        [(x - 36, y + 20), (x + 40, y - 6), (x + 84, y + 24), (x + 92, y + 110), (x + 30, y + 150), (x - 40, y + 120)],
        kit.lit(skin, 50, 0.1),
    )
    marks = (
        "".join(
            kit.ellipse(x + 10 + 22 * (k % 3), y + 50 + 24 * (k // 3), 6, 4, "#b9855f", opacity=0.5) for k in range(5)
        )
        + kit.stroke([(x + 60, y + 40), (x + 50, y + 90)], kit.darken(skin, 0.25), 3, opacity=0.4)
        + kit.stroke([(x + 30, y + 36), (x + 26, y + 84)], kit.darken(skin, 0.25), 3, opacity=0.4)
    )
    nails = "".join(
        kit.ellipse(a, b, 8, 9, "#f0d3bf")
        for a, b in ((x - 130, y - 54), (x - 52, y - 119), (x + 12, y - 129), (x + 74, y - 97))
    )
    cuff = kit.stroke([(x - 52, y + 124), (x + 30, y + 148), (x + 112, y + 104)], kit.darken("#6f7f66", 0.18), 32)
    return (
        kit.ellipse(x + 40, y + 90, 150, 160, kit.SHADOW, opacity=0.28, blur=14)
        + sleeve
        + fingers
        + palm
        + marks
        + nails
        + cuff
    )


def draw_illegal_04() -> str:
    """A parking meter by the sea; the code on it is a sticker, pasted askew over the printed one."""
    out = [
        outdoors.sky(300),
        outdoors.cloud(260, 90, 240),
        outdoors.cloud(820, 140, 180),
        outdoors.water(296, 120, "#4f95b5"),
    ]
    out.append(kit.rect(0, 404, 1024, 24, "#e9dcc0") + kit.rect(0, 424, 1024, 40, kit.gradient("#cfc4ad", "#b5a98f")))
    out += [outdoors.railing(-20, 1044, 424, 66, gap=34, colour="#f2f2ec", bar=5)]
    for x in (90, 930):
        out.append(_palm(x, 470, 360))
    out.append(
        kit.rect(0, 462, 1024, 160, kit.speckle("#7d828c"))
        + kit.rect(0, 462, 1024, 160, kit.gradient("#fff2d244", "#1f274730"))
        + "".join(kit.rect(k * 190 - 40, 540, 100, 8, "#f2efe4", opacity=0.8) for k in range(7))
    )
    out.append(outdoors.car(205, 530, 320, "#d9b24a") + outdoors.car(900, 524, 270, "#5f8f94", flip=True))
    out.append(
        kit.rect(0, 616, 1024, 20, kit.gradient("#f0e8d6", "#b9ae98"))
        + kit.rect(0, 634, 1024, 140, kit.gradient("#d8cfbc", "#bcb29c"))
        + "".join(kit.line([(k * 128 - 30, 636), (k * 150 - 90, 768)], "#9f957f", 2, opacity=0.6) for k in range(9))
    )
    out.append(_meter(545, 752))
    return kit.picture(*out)


def _palm(x: float, y: float, h: float) -> str:
    """A palm tree."""
    trunk = kit.stroke([(x, y), (x + 10, y - h * 0.4), (x + 34, y - h * 0.8)], "#8a6d4c", 20)
    leaves = "".join(
        kit.group(
            kit.path(
                f"M0,0C{h * 0.12},{-h * 0.14} {h * 0.28},{-h * 0.1} {h * 0.38},{h * 0.06}C{h * 0.24}"
                f",{-h * 0.02} {h * 0.12},{-h * 0.02} 0,0Z",
                kit.gradient("#8fb36a", "#47733f", 20),
            ),
            move=(x + 34, y - h * 0.8),
            rotate=a,
        )
        for a in (-160, -120, -80, -40, 0, 40, 150)
    )
    return kit.contact(x, y, 90) + trunk + leaves


def _meter(x: float, y: float) -> str:
    """A tall parking machine with a display, a card slot, buttons and the code."""
    post = kit.rect(x - 54, y - 150, 108, 150, kit.gradient("#6d7a8a", "#434e5e", 0))
    body = kit.rect(x - 170, y - 660, 340, 540, kit.lit("#5a6d86", 50, 0.2), r=30) + kit.rect(
        x - 150, y - 636, 300, 492, kit.gradient("#8296ad", "#62748c"), r=18
    )
    sign = kit.rect(x - 48, y - 736, 96, 96, "#2f6cc0", r=14, stroke="#ffffff", width=6) + kit.text(
        x, y - 662, "P", 74, "#ffffff", anchor="middle", weight=800
    )
    screen = (
        kit.rect(x - 122, y - 612, 244, 92, kit.gradient("#cfe0c0", "#aac39c"), r=8, stroke="#3a4656", width=5)
        + kit.text(x, y - 572, "Parking 2.00 / hour", 21, "#2c3a2c", anchor="middle", weight=600)
        + kit.text(x, y - 540, "max. 4 hours", 19, "#2c3a2c", anchor="middle")
    )
    slot = (
        kit.rect(x - 122, y - 496, 104, 52, "#39434f", r=8)
        + kit.rect(x - 108, y - 476, 76, 9, "#11151b")
        + kit.text(x - 70, y - 428, "card", 17, "#ffffff", anchor="middle", weight=600)
    )
    knobs = "".join(
        kit.circle(x + 30 + 40 * k, y - 470, 16, kit.lit(("#c8453f", "#f0cb5c", "#5b9257")[k], 60, 0.25))
        for k in range(3)
    ) + kit.text(x + 70, y - 428, "coins", 17, "#ffffff", anchor="middle", weight=600)
    printed = (
        kit.rect(x - 92, y - 408, 184, 214, "#f4f6f4", r=6)
        + kit.text(x, y - 380, "Pay by phone", 23, kit.NAVY, anchor="middle", weight=700)
        + kit.group(screens.qr_code(0, 0, 128), move=(x - 64, y - 360))
        + kit.text(x, y - 206, "Town of Portamar", 16, kit.NAVY, anchor="middle", weight=600)
    )
    sticker = [
        kit.rect(-84, -82, 176, 182, kit.SHADOW, opacity=0.45, blur=6),
        kit.path("M-88,-90H88V64C84,82 70,92 54,92H-88Z", "#fffdf2"),
        kit.group(screens.qr_code(0, 0, 126), move=(-64, -72)),
        kit.text(0, 82, "SCAN & PAY", 17, "#b8323a", anchor="middle", weight=800),
        kit.path("M88,64C84,82 70,92 54,92C60,80 66,72 88,64Z", kit.gradient("#d9d3bd", "#b3ab92")),
    ]
    return (
        kit.contact(x, y, 190)
        + sign
        + post
        + body
        + screen
        + slot
        + knobs
        + printed
        + kit.group(*sticker, move=(x + 16, y - 288), rotate=9)
    )


def draw_illegal_15() -> str:
    """A half-packed suitcase with a work contract and a passport on top."""
    out = [
        kit.rect(0, 0, 1024, 768, kit.weave("#aeb7b0")),
        kit.rect(0, 0, 1024, 768, kit.gradient("#fff2d24c", "#1f274766", 50)),
    ]
    out.append(
        kit.rect(40, 110, 620, 590, kit.SHADOW, r=40, opacity=0.35, blur=16)
        + kit.rect(30, 90, 620, 590, kit.lit("#b3684c", 50, 0.2), r=40)
        + kit.rect(52, 112, 576, 546, kit.gradient("#5b4038", "#7d5a4a", 60), r=28)
    )
    for x, y, w, h, c in (
        (76, 138, 170, 230, "#d9c7a4"),
        (76, 384, 170, 250, "#6f8fb0"),
        (262, 138, 150, 200, "#c98f86"),
        (262, 354, 150, 130, "#86a58a"),
        (262, 500, 150, 134, "#e4d9c6"),
    ):
        out.append(
            kit.rect(x, y, w, h, kit.lit(c, 50, 0.12), r=16)
            + kit.line([(x + 16, y + h * 0.35), (x + w - 16, y + h * 0.35)], kit.darken(c, 0.22), 3, opacity=0.6)
            + kit.line([(x + 16, y + h * 0.65), (x + w - 16, y + h * 0.65)], kit.darken(c, 0.22), 3, opacity=0.6)
        )
    out += [
        kit.poly([(x - 34, 138), (x, 182), (x + 34, 138)], c) + kit.circle(x, 204, 4, kit.SLATE)
        for x, c in ((161, "#efe2c8"), (337, "#e3b8b0"))
    ]
    out += [_contract(), _passport(330, 580)]
    return kit.picture(*out)


def _contract() -> str:
    """The contract with its marked lines."""
    mark = "#ffe27a"
    rows = [
        kit.text(24, 44, "EMPLOYMENT CONTRACT", 19, kit.INK, weight=800),
        kit.text(24, 66, "Housemaid, private household", 14.5, kit.SLATE),
        kit.line([(24, 78), (276, 78)], kit.STONE, 1.5),
    ]
    rows += [screens.grey_lines(24, 96, 252, 2)]
    for y, lines in (
        (124, ["The employer keeps", "the passport."]),
        (198, ["4,800 for the journey is", "taken from the wages."]),
        (272, ["Leaves the house only", "with permission."]),
    ):
        rows.append(kit.rect(18, y, 262, 48, mark, opacity=0.85))
        rows += [kit.text(24, y + 19 + 21 * i, row, 18.5, kit.INK, weight=700) for i, row in enumerate(lines)]
        rows.append(screens.grey_lines(24, y + 61, 252, 1))
    rows += [
        kit.text(24, 374, "Signature", 13, kit.SLATE),
        kit.line([(92, 374), (264, 374)], kit.STONE, 1.5),
        kit.stroke(
            [(104, 368), (122, 346), (132, 370), (150, 352), (166, 368), (196, 356), (222, 366)], "#2b3f6b", 2.4
        ),
    ]
    return screens.paper(690, 350, 480, *rows, angle=5)


def _passport(x: float, y: float) -> str:
    """A closed passport with a boarding slip in it."""
    slip = (
        kit.rect(-84, -178, 170, 90, "#f7f3e8")
        + kit.text(-66, -146, "FRIDAY 06:40", 20, kit.INK, weight=800)
        + kit.text(-66, -120, "one way", 18, kit.SLATE, weight=600)
    )
    book = kit.rect(-104, -136, 216, 290, kit.SHADOW, r=14, opacity=0.35, blur=8) + kit.rect(
        -110, -144, 216, 290, kit.lit("#6b2a37", 50, 0.16), r=12
    )
    gold = (
        kit.circle(-2, -18, 46, "none", stroke="#d9b45f", width=5)
        + kit.ellipse(-2, -18, 20, 46, "none", stroke="#d9b45f", width=3)
        + kit.line([(-48, -18), (44, -18)], "#d9b45f", 3)
        + kit.text(-2, 90, "PASSPORT", 27, "#d9b45f", anchor="middle", weight=700, spacing=3)
    )
    return kit.group(slip, book, gold, move=(x, y), rotate=-8, scale=0.78)


def draw_illegal_17() -> str:
    """A student's desk with a laptop that shows a chat about a job with money transfers."""
    out = [kit.rect(0, 0, 1024, 520, kit.gradient("#d5dccb", "#b3bda9")), interiors.picture_frame(70, 40, 150, 120)]
    out.append(
        kit.rect(806, 50, 160, 190, "#c69c68", r=4)
        + "".join(
            kit.turned(
                850 + 70 * (k % 2),
                100 + 80 * (k // 2),
                (-6, 4, 5, -4)[k],
                kit.rect(
                    822 + 70 * (k % 2), 72 + 80 * (k // 2), 60, 60, ("#f0cb5c", "#a9cbe8", "#e7b3a0", "#cfe0c0")[k]
                ),
            )
            for k in range(4)
        )
    )
    out.append(
        kit.rect(0, 520, 1024, 250, kit.wood("#b98a5c"))
        + kit.rect(0, 520, 1024, 250, kit.gradient("#fff2d230", "#1f274755"))
        + kit.rect(0, 512, 1024, 12, kit.darken("#b98a5c", 0.25))
    )
    out.append(objects.table_lamp(110, 560, 300, "#e0c58f") + objects.pot_plant(930, 560, 190))
    offer = [
        kit.rect(0, 0, 400, 250, "#f3f5f8"),
        kit.rect(0, 0, 400, 38, "#2b3f6b"),
        kit.circle(24, 19, 11, "#d29a3d"),
        kit.text(44, 25, "Global Finance Team", 17, "#ffffff", weight=700),
    ]
    offer += [
        kit.rect(12, 48, 330, 30, "#ffffff", r=10),
        kit.text(24, 68, "Welcome! Home job, one hour a week.", 15.5, kit.INK),
    ]
    offer += [
        kit.rect(12, 84, 360, 90, "#ffffff", r=10),
        kit.text(24, 105, "1. We send money to your own account.", 16, kit.INK, weight=600),
        kit.text(24, 131, "2. You pass it on to accounts we name.", 16, kit.INK, weight=600),
        kit.text(24, 157, "3. You keep 8 %.", 16, kit.INK, weight=600),
    ]
    offer += [
        kit.rect(12, 180, 300, 28, "#ffffff", r=10),
        kit.text(24, 199, "Send us your account number today.", 14.5, kit.INK),
        kit.rect(12, 214, 330, 28, "#ffffff", r=14, stroke=kit.STONE, width=1.2),
        kit.text(26, 233, "Dear team,", 14.5, kit.INK),
        kit.circle(370, 228, 14, kit.BLUE),
    ]
    out.append(screens.laptop(505, 690, 650, *offer))
    out.append(kitchen.cup(880, 700, 80, "#c8564c", steam=True) + _book_pile(130, 720))
    return kit.picture(*out)


def _book_pile(x: float, y: float) -> str:
    """Three books lying on each other and a pencil."""
    out = kit.contact(x, y, 230)
    for k, (w, c) in enumerate(((220, "#3d8a8c"), (196, "#a8503c"), (206, "#d29a3d"))):
        out += (
            kit.rect(x - w / 2, y - 32 * (k + 1), w, 32, kit.lit(c, 80, 0.18), r=5)
            + kit.rect(x - w / 2 + 6, y - 32 * (k + 1) + 7, w - 6, 18, "#f4eee0")
            + kit.rect(x - w / 2 + 4, y - 32 * (k + 1), 40, 32, kit.darken(c, 0.12), r=4)
        )
    return out + kit.line([(x - 60, y - 104), (x + 70, y - 102)], "#f0cb5c", 9)
