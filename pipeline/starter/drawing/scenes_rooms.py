"""Pictures for both categories: a children's room, a depot gate, a wardrobe, a kitchen and a corridor."""

from pipeline.starter.drawing import interiors, kit, kitchen, objects, outdoors
from pipeline.starter.drawing.people import Look, person


def draw_violent_04() -> str:
    """A children's room with bunk beds and a hunting rifle on hooks beside the upper mattress."""
    cam = kit.Camera(horizon=280, eye=1.4, focal=1050)
    out = [interiors.room(cam, wall="#c9d8e0", floor="#c99a63", depth=6.0, width=6.4, height=2.7)]
    x, y, w, h = interiors.wall_shape(cam, -2.6, 0.95, 6.0, 1.5, 1.2)
    out.append(
        interiors.window(x, y, w, h)
        + kit.rect(x + w * 0.5, y + h - 34, 66, 40, kit.lit("#a8503c", 50, 0.15), r=3)
        + kit.text(x + w * 0.5 + 33, y + h - 8, "12 / 70", 15, kit.PAPER, anchor="middle", weight=700)
    )
    out.append(interiors.curtains(x, y, w, h, "#e0a86a"))
    out.append(interiors.rug(cam, -2.0, 4.2, 2.2, 1.4, "#6f9aa8"))
    out.append(_bunk_bed(480, 640) + _rifle(680, 172))
    out.append(objects.blocks(300, 690, 34) + objects.ball(170, 650, 32, "#4a76b8") + _toy_train(420, 728))
    return kit.picture(*out)


def _bunk_bed(x: float, y: float) -> str:
    """A wooden bunk bed with a ladder; x is its left edge."""
    out = kit.contact(x + 240, y, 520, 22)
    for level, cover in ((-90, "#d98a6a"), (-340, "#6fa08a")):
        out += kit.rect(x, y + level - 46, 480, 62, kit.gradient("#f4f0e6", "#d9d2c2"), r=10) + kit.rect(
            x + 130, y + level - 52, 350, 66, kit.lit(cover, 60, 0.14), r=10
        )
        out += "".join(
            kit.circle(x + 170 + 60 * k, y + level - 20, 9, kit.lighten(cover, 0.5), opacity=0.7) for k in range(5)
        )
        out += kit.rect(x + 14, y + level - 74, 104, 44, kit.lit("#ffffff", 60, 0.1), r=18) + kit.rect(
            x - 10, y + level + 8, 500, 34, kit.wood(kit.PINE), r=4
        )
    out += kit.rect(x + 150, y - 412, 340, 22, kit.wood(kit.PINE), r=4)
    for px in (x - 22, x + 478):
        out += kit.rect(px, y - 450, 26, 450, kit.lit(kit.PINE, 0, 0.2), r=5)
    rails = "".join(kit.rect(x + dx, y - 400, 14, 400, kit.lit(kit.OAK, 0, 0.2), r=4) for dx in (40, 110))
    return (
        out
        + rails
        + "".join(kit.rect(x + 40, y - 60 - 66 * k, 84, 13, kit.lit(kit.OAK, 90, 0.2), r=4) for k in range(5))
    )


def _rifle(x: float, y: float) -> str:
    """A hunting rifle on two wall hooks, its stock to the left."""
    stock = kit.path(
        f"M{x - 190},{y - 8}C{x - 150},{y - 16} {x - 110},{y - 12} {x - 70},{y - 10}L{x + 60},{y - 10}L{x + 64}"
        f",{y + 6}L{x - 60},{y + 8}C{x - 76},{y + 14} {x - 84},{y + 26} {x - 92},{y + 26}C{x - 104},{y + 16} "
        f"{x - 140},{y + 26} {x - 188},{y + 44}Z",
        kit.gradient("#a8703c", "#5f3a22"),
    )
    barrel = kit.rect(x - 60, y - 18, 262, 9, kit.gradient("#7d8896", "#2c313b"), r=4) + kit.rect(
        x - 66, y - 20, 66, 16, kit.gradient("#8d97a4", "#3a404c"), r=4
    )
    scope = (
        kit.rect(x - 56, y - 42, 92, 13, kit.gradient("#4a5162", "#1b1e27"), r=6)
        + kit.rect(x - 40, y - 32, 7, 14, "#2c313b")
        + kit.rect(x + 10, y - 32, 7, 14, "#2c313b")
    )
    guard = kit.path(
        f"M{x - 70},{y + 8}C{x - 66},{y + 26} {x - 40},{y + 26} {x - 36},{y + 8}", stroke="#2c313b", width=4
    )
    hooks = "".join(
        kit.path(
            f"M{x + dx},{y - 24}V{y + 16}C{x + dx},{y + 26} {x + dx + 18},{y + 26} {x + dx + 18},{y + 12}",
            stroke="#8a6a3a",
            width=8,
        )
        for dx in (-130, 90)
    )
    return (
        kit.rect(x - 180, y + 10, 370, 18, kit.SHADOW, r=8, opacity=0.3, blur=7)
        + stock
        + barrel
        + scope
        + guard
        + hooks
    )


def _toy_train(x: float, y: float) -> str:
    """A wooden toy train."""
    out = kit.contact(x, y, 190)
    for k, c in enumerate(("#c8453f", "#f0cb5c", "#4a76b8")):
        out += kit.rect(x - 90 + 64 * k, y - 42, 54, 30, kit.lit(c, 60, 0.18), r=5) + "".join(
            kit.circle(x - 78 + 64 * k + 30 * j, y - 9, 9, "#4c3424") for j in (0, 1)
        )
    return (
        out
        + kit.rect(x - 84, y - 66, 22, 26, kit.lit("#c8453f", 60, 0.18), r=3)
        + kit.rect(x - 54, y - 56, 9, 16, kit.INK)
    )


def draw_violent_16() -> str:
    """A driver walks out of a bus depot in the evening, alone along a wall."""
    out = [
        outdoors.sky(420, kind="night"),
        outdoors.far_city(420, 120, "#3d466e"),
        kit.rect(0, 420, 1024, 350, kit.speckle("#4a4c5c"))
        + kit.rect(0, 420, 1024, 350, kit.gradient("#1f274799", "#1f274733")),
    ]
    out.append(
        kit.rect(330, 250, 380, 180, kit.gradient("#2b3150", "#232845"))
        + kit.rect(352, 270, 336, 160, kit.gradient("#f3d69a", "#b98f55"))
    )
    out.append(
        kit.rect(384, 296, 272, 134, kit.lit("#3f7a80", 60, 0.15), r=14)
        + kit.rect(400, 310, 240, 62, kit.gradient("#28384a", "#5f7f91"), r=8)
        + kit.text(520, 334, "DEPOT", 18, "#ffb24a", anchor="middle", weight=800)
        + "".join(kit.ellipse(x, 404, 16, 11, "#fff4cf") for x in (412, 628))
    )
    out.append(
        kit.rect(330, 220, 380, 34, "#3a4166")
        + kit.text(520, 245, "BUS DEPOT", 24, "#f4f0e2", anchor="middle", weight=800, spacing=4)
        + interiors.wall_clock(520, 180, 38, 10.83)
    )
    out.append(
        kit.poly([(700, 240), (1024, 130), (1024, 640), (700, 440)], kit.bricks("#6d5560"))
        + kit.poly([(700, 240), (1024, 130), (1024, 640), (700, 440)], kit.gradient("#1f274755", "#1f2747aa", 0))
    )
    out.append(kit.poly([(0, 170), (330, 250), (330, 436), (0, 600)], kit.gradient("#262b4a", "#333a60", 0)))
    out.append(
        outdoors.street_lamp(800, 560, 420, on=True) + kit.ellipse(840, 600, 260, 60, "url(#r-fff2d260-fff2d200)")
    )
    driver = Look(
        skin="tan",
        hair="grey",
        hair_style="short",
        hat="cap",
        hat_colour="#26324f",
        top="#34507a",
        top_kind="jacket",
        accent="#cfdbe6",
        bottom="#26324f",
        build=1.1,
    )
    out.append(
        person(driver, 600, 690, 380, pose="walk", hands=(None, (656, 540)))
        + kit.rect(634, 546, 52, 58, kit.lit("#b9835a", 50, 0.15), r=6)
        + kit.path("M646,546C646,530 674,530 674,546", stroke="#6d4a30", width=5)
    )
    return kit.picture(*out, mood="#b9c4f0")


def draw_illegal_12() -> str:
    """A wardrobe lined with foil; tall plants under a purple lamp, and a note on its door."""
    cam = kit.Camera(horizon=300, eye=1.5)
    out = [interiors.room(cam, wall="#cdbfae", floor="#a97f52", depth=6.4, width=7)]
    out.append(interiors.picture_frame(110, 150, 150, 110) + interiors.bed(cam, -3.3, 4.2, 1.3, 1.9, cover="#7f8fa6"))
    out.append(
        kit.rect(440, 74, 420, 600, kit.SHADOW, opacity=0.35, blur=14)
        + kit.rect(430, 64, 420, 606, kit.wood(kit.WALNUT), r=6)
    )
    foil = "".join(
        kit.poly(
            [(456 + 46 * i, 90 + 62 * j), (502 + 46 * i, 90 + 62 * j), (479 + 46 * i + (i * j % 3) * 9, 152 + 62 * j)],
            "#ffffff",
            opacity=0.1 + 0.05 * ((i * 3 + j) % 4),
        )
        for i in range(8)
        for j in range(8)
    )
    out.append(kit.rect(452, 86, 376, 562, kit.gradient("#8d7bc0", "#5b4a86")) + foil)
    out.append(kit.poly([(520, 118), (760, 118), (824, 640), (456, 640)], kit.gradient("#f0a8ff99", "#b06af022")))
    out.append(
        kit.line([(580, 88), (580, 106)], kit.INK, 4)
        + kit.line([(700, 88), (700, 106)], kit.INK, 4)
        + kit.rect(520, 104, 240, 26, kit.lit("#2c313b", 60, 0.2), r=6)
        + "".join(kit.ellipse(542 + 28 * k, 131, 10, 6, ("#ff7ad9", "#a87aff")[k % 2]) for k in range(8))
    )
    for x, y, h in (
        (500, 600, 330),
        (640, 590, 370),
        (775, 600, 340),
        (560, 640, 360),
        (706, 640, 330),
        (640, 650, 280),
    ):
        out.append(_leafy_plant(x, y, h))
    out.append(
        kit.poly([(850, 64), (1000, 20), (1000, 740), (850, 670)], kit.wood("#6d4832"))
        + kit.poly([(850, 64), (1000, 20), (1000, 740), (850, 670)], kit.gradient("#1f274700", "#1f274755", 0))
        + kit.poly([(430, 64), (300, 30), (300, 730), (430, 670)], kit.wood("#7f563c"))
        + kit.circle(320, 390, 9, kit.STEEL)
    )
    note = [
        kit.rect(-58, -66, 122, 142, kit.SHADOW, opacity=0.3, blur=5),
        kit.rect(-62, -72, 124, 144, kit.gradient("#fff3b0", "#f0d46a", 60)),
    ]
    note += [
        kit.text(0, dy, t, 19, kit.INK, anchor="middle", weight=700, font=kit.HAND)
        for t, dy in (("Leo's,", -38), ("back 20th.", -10), ("Keep the", 22), ("doors shut!", 50))
    ]
    out.append(kit.group(*note, move=(925, 300), rotate=-3, scale=(0.94, 1.05)))
    out.append(_watering_can(200, 716))
    return kit.picture(*out)


def _leafy_plant(x: float, y: float, h: float) -> str:
    """A tall potted plant with leaves of seven narrow fingers."""
    stem = kit.stroke([(x, y - 40), (x + 4, y - h * 0.5), (x, y - h)], "#4c7a3f", 6)
    fans = ""
    for k in range(6):
        s = -1 if k % 2 else 1
        fx, fy, size = x + s * (26 + 6 * (k % 3)), y - h * (0.3 + 0.13 * k), h * (0.17 - 0.012 * k)
        fans += kit.line([(x, fy + 16), (fx, fy)], "#4c7a3f", 3)
        for j, (a, long) in enumerate(
            ((-78, 0.55), (-52, 0.8), (-26, 0.95), (0, 1.0), (26, 0.95), (52, 0.8), (78, 0.55))
        ):
            n = size * long
            teeth = kit.straight(
                [
                    (0, 0),
                    (-n * 0.1, -n * 0.25),
                    (-n * 0.06, -n * 0.3),
                    (-n * 0.12, -n * 0.5),
                    (-n * 0.06, -n * 0.55),
                    (-n * 0.08, -n * 0.75),
                    (0, -n),
                    (n * 0.08, -n * 0.75),
                    (n * 0.06, -n * 0.55),
                    (n * 0.12, -n * 0.5),
                    (n * 0.06, -n * 0.3),
                    (n * 0.1, -n * 0.25),
                ]
            )
            fans += kit.group(
                kit.path(
                    teeth, kit.gradient("#8fc46a", "#3f7a3c", 60) if j % 2 else kit.gradient("#7ab35c", "#35692f", 60)
                ),
                move=(fx, fy),
                rotate=a + s * 26,
            )
    pot = kit.poly(
        [(x - 34, y - 48), (x + 34, y - 48), (x + 26, y), (x - 26, y)], kit.gradient("#4a4f5c", "#23262f", 10)
    )
    return kit.contact(x, y, 70) + stem + fans + pot


def _watering_can(x: float, y: float) -> str:
    """A watering can."""
    body = kit.poly(
        [(x - 50, y - 96), (x + 50, y - 96), (x + 62, y), (x - 62, y)], kit.gradient("#8fb7a8", "#4f7f70", 10)
    )
    spout = kit.poly(
        [(x + 50, y - 44), (x + 126, y - 112), (x + 136, y - 104), (x + 58, y - 14)], kit.lit("#5f9483", 50, 0.15)
    ) + kit.turned(x + 134, y - 110, 45, kit.ellipse(x + 134, y - 110, 9, 22, "#4f7f70"))
    return (
        kit.contact(x, y, 150)
        + kit.path(
            f"M{x - 52},{y - 30}C{x - 120},{y - 50} {x - 110},{y - 130} {x - 40},{y - 120}", stroke="#4f7f70", width=11
        )
        + spout
        + body
        + kit.ellipse(x, y - 96, 50, 12, "#3f665a")
    )


def draw_illegal_14() -> str:
    """A pot of pumpkin soup, a small grater and a nutmeg on a board, a spice rack on the wall."""
    out = [kit.rect(0, 0, 1024, 400, kit.gradient("#efe4cf", "#d3c3a6"))]
    out += [kit.line([(0, 40 + 60 * k), (1024, 40 + 60 * k)], "#cbbb9d", 2, opacity=0.7) for k in range(6)] + [
        kit.line([(30 + 90 * k, 0), (30 + 90 * k, 400)], "#cbbb9d", 2, opacity=0.7) for k in range(12)
    ]
    out.append(
        kit.rect(0, 396, 1024, 380, kit.wood("#b98a5c"))
        + kit.rect(0, 396, 1024, 380, kit.gradient("#fff2d244", "#1f27474d", 60))
        + kit.rect(0, 388, 1024, 12, kit.darken("#b98a5c", 0.3))
    )
    out.append(
        kit.rect(560, 216, 400, 18, kit.wood(kit.WALNUT), r=3)
        + kit.rect(560, 230, 400, 12, kit.SHADOW, opacity=0.25, blur=5)
        + "".join(
            kitchen.jar(610 + 76 * k, 218, 96, c, lid="#7a5236")
            for k, c in enumerate(("#b5502c", "#d9a83d", "#6d8a4a", "#7a4a2c", "#d9c7a0"))
        )
    )
    out.append(
        kitchen.pot(320, 560, 400, "#c8643c", lid=False)
        + kit.ellipse(320, 336, 176, 30, kit.gradient("#f0a23c", "#d9822c"))
        + kit.stroke([(230, 336), (300, 328), (350, 342), (410, 330)], "#f7c877", 6, opacity=0.8)
    )
    out.append(
        "".join(
            kit.stroke(
                [(270 + 60 * k, 290), (258 + 60 * k, 240), (282 + 60 * k, 190), (268 + 60 * k, 130)],
                "#ffffff",
                9,
                opacity=0.4,
            )
            for k in range(3)
        )
    )
    out.append(_pumpkin(90, 690) + kitchen.tray(690, 640, 420, kit.PINE))
    out.append(
        kit.contact(620, 588, 90, 9)
        + kit.poly([(570, 586), (590, 470), (650, 470), (670, 586)], kit.gradient("#f2f5f7", "#97a2ad", 20))
        + "".join(kit.circle(592 + 14 * (k % 5), 490 + 18 * (k // 5), 3.4, "#5f6a76") for k in range(25))
        + kit.path("M600,470C600,430 640,430 640,470", stroke="#6d4a30", width=12)
    )
    out.append(
        kit.contact(770, 610, 70, 9)
        + kit.ellipse(770, 588, 36, 27, kit.lit("#8f6038", 50, 0.25))
        + "".join(
            kit.stroke([(742 + 12 * k, 580), (746 + 12 * k, 590), (742 + 12 * k, 600)], "#5f3c20", 2, opacity=0.7)
            for k in range(5)
        )
        + "".join(kit.circle(690 + (k * 29 % 60), 606 + (k * 7 % 12), 2.2, "#8f6038") for k in range(22))
    )
    out += [
        kitchen.bowl(480 + 150 * k, 744, 120, c) for k, c in enumerate(("#7f9fb4", "#a5bd97", "#7f9fb4", "#a5bd97"))
    ]
    return kit.picture(*out)


def _pumpkin(x: float, y: float) -> str:
    """A whole pumpkin."""
    ribs = "".join(
        kit.ellipse(x + dx, y - 74, rx, 74, kit.gradient("#f2a548", "#b8641f", 50))
        for dx, rx in ((-66, 46), (66, 46), (-34, 48), (34, 48), (0, 46))
    )
    return (
        kit.contact(x, y, 200)
        + ribs
        + kit.path(
            f"M{x - 10},{y - 140}C{x - 12},{y - 170} {x + 4},{y - 184} {x + 22},{y - 186}L{x + 26},{y - 170}"
            f"C{x + 14},{y - 168} {x + 10},{y - 158} {x + 12},{y - 140}Z",
            kit.lit("#6d7a44", 50, 0.2),
        )
    )


def draw_illegal_18() -> str:
    """A corridor with a narrow door that has a bolt on the outside and a small barred window."""
    cam = kit.Camera(horizon=270, eye=1.5, centre=300)
    out = [interiors.room(cam, wall="#cfc4b0", floor="#9c7a55", depth=7.5, width=3.2, height=2.7)]
    out.append(
        kit.rect(512, 0, 512, 768, kit.gradient("#ddd2bd", "#b9ad97", 0))
        + kit.rect(512, 690, 512, 80, kit.gradient("#8f6f4c", "#6d5238"))
        + kit.rect(512, 668, 512, 24, "#f4efe2")
        + kit.line([(512, 0), (512, 690)], kit.SHADOW, 5, opacity=0.3)
    )
    lx, ly, lw, lh = interiors.wall_shape(cam, -0.9, 0, 7.5, 0.9, 2.0)
    out.append(
        interiors.door(lx, ly, lw, lh, "#e3ddd0")
        + kit.rect(lx + lw + 26, ly + 60, 60, 34, "#ffffff", r=4)
        + kit.text(lx + lw + 56, ly + 82, "Laundry", 13, kit.SLATE, anchor="middle", weight=700)
    )
    out.append(
        kit.rect(596, 90, 312, 582, kit.darken("#f4efe2", 0.12))
        + kit.rect(616, 110, 272, 562, kit.wood("#8a6a4c"))
        + kit.rect(616, 110, 272, 562, kit.gradient("#fff2d230", "#1f274744", 40))
    )
    room = [
        kit.rect(666, 160, 172, 150, kit.gradient("#e8d9b0", "#b79a6a")),
        kit.rect(680, 262, 130, 48, kit.lit("#7f8fa6", 60, 0.15), r=6),
        kit.rect(684, 250, 44, 24, "#f7f4ec", r=8),
        kit.line([(796, 176), (796, 184)], kit.IRON, 4),
        kit.path("M780,184H814L822,252H772Z", kit.lit("#3f4866", 50, 0.15)),
        kit.path("M788,192H806L810,246H784Z", "#f7f4ec"),
    ]
    out.append(
        kit.rect(656, 150, 192, 170, kit.darken("#8a6a4c", 0.45), r=4)
        + "".join(room)
        + "".join(kit.rect(688 + 32 * k, 158, 9, 154, kit.gradient("#c6ced6", "#5c636e", 0)) for k in range(5))
    )
    out.append(
        kit.rect(640, 424, 110, 36, kit.lit("#6d7683", 60, 0.2), r=5)
        + kit.rect(556, 432, 190, 20, kit.gradient("#eef1f4", "#7d8793"), r=9)
        + kit.rect(700, 414, 14, 34, kit.lit("#8d97a3", 0, 0.2), r=5)
        + kit.rect(566, 420, 36, 44, kit.lit("#5c636e", 60, 0.2), r=5)
        + "".join(kit.circle(x, y, 3.5, "#2c313b") for x in (648, 742) for y in (431, 453))
    )
    out.append(
        kit.circle(860, 440, 15, kit.lit(kit.STEEL, 50, 0.3))
        + objects.basket(430, 716, 150, 96)
        + kit.blob(
            [(366, 622), (400, 596), (440, 612), (480, 594), (500, 624), (430, 640)], kit.lit("#f4f1ea", 60, 0.1)
        )
        + interiors.ceiling_lamp(300, 110, 90, "#b9a98a", cord=90)
    )
    return kit.picture(*out)
