"""Self-harm scenes around food and medicine."""

from pipeline.starter.drawing import interiors, kit
from pipeline.starter.drawing.kit import circle, contact, ellipse, gradient, group, line, path, poly, rect, text
from pipeline.starter.drawing.props_harvest import (
    basket_back,
    basket_front,
    brown_mushroom,
    cook_knife,
    cream_jug,
    iron_pan,
    pale_mushroom,
)
from pipeline.starter.drawing.props_meals import (
    boiled_egg,
    half_grapefruit,
    juice_glass,
    plate,
    tablet_box,
    tablet_strip,
    toast,
    whole_grapefruit,
)


def plank_table(edge: float, colour: str = kit.OAK) -> str:
    """A table top that fills the picture below y = `edge`, with planks running towards the viewer."""
    top = poly([(-60, edge), (1084, edge), (1400, 800), (-380, 800)], kit.wood(colour))
    joints = "".join(
        line(
            [(512 + (x - 512) * 0.72, edge), (512 + (x - 512) * 1.35, 790)], kit.darken(colour, 0.4), 2.5, opacity=0.55
        )
        for x in range(-560, 1600, 190)
    )
    return (
        top
        + joints
        + rect(0, edge, 1024, 768 - edge, gradient("#fff2d266", "#1f274755"))
        + rect(0, edge - 2, 1024, 5, kit.lighten(colour, 0.4))
    )


def sunny_kitchen_wall(edge: float, light: str = "#f3ead8", tile: str = "#f1efe4") -> str:
    """A softly lit kitchen wall down to y = `edge`: a window on the left, a shelf with jars on the right."""
    tiles = "".join(line([(x, 190), (x, edge)], "#c9cfc4", 2, opacity=0.7) for x in range(-20, 1060, 62))
    tiles += "".join(line([(0, y), (1024, y)], "#c9cfc4", 2, opacity=0.7) for y in range(190, int(edge), 48))
    wall = rect(0, 0, 1024, edge, gradient(light, kit.darken(light, 0.13), 20)) + rect(
        0, 190, 1024, edge - 190, gradient(tile, kit.darken(tile, 0.15), 15)
    )
    leaves = ellipse(150, 220, 120, 60, "#6f9f69", opacity=0.7) + ellipse(290, 240, 100, 70, "#56875a", opacity=0.7)
    glass = rect(70, -20, 270, 270, gradient("#dff0f7", "#a8cfa6")) + kit.clipped("M70,-20H340V250H70Z", leaves)
    frame = rect(70, -20, 270, 270, "none", stroke="#f8f4ea", width=16) + rect(199, -20, 10, 270, "#f8f4ea")
    sill = rect(48, 252, 316, 16, gradient("#fffaf0", "#cfc4ae"), r=3)
    shelf = rect(560, 150, 420, 16, kit.wood(kit.OAK), r=2) + rect(560, 166, 420, 10, kit.SHADOW, opacity=0.15, blur=5)
    jars = "".join(
        rect(x, 150 - h, 54, h, gradient(c, kit.darken(c, 0.35), 20), r=8)
        + rect(x + 4, 138 - h, 46, 16, "#b98652", r=4)
        for x, h, c in ((590, 80, "#d8c49a"), (660, 96, "#a8653f"), (730, 72, "#8b9a62"), (860, 88, "#e2cfa8"))
    )
    return wall + tiles + glass + frame + sill + shelf + jars


def draw_self_harm_06() -> str:
    """A basket of brown and pale mushrooms on a kitchen table, with a pan, a knife and a jug of cream."""
    crowd = [
        (brown_mushroom(120), -190, 20, -16),
        (brown_mushroom(110), 180, 22, 14),
        (pale_mushroom(230, gills=0.2), -84, 92, -10),
        (brown_mushroom(150), 40, 34, 4),
        (pale_mushroom(250, gills=0.28), 130, 96, 16),
        (brown_mushroom(130), -150, 56, -8),
        (brown_mushroom(128), -22, 60, 6),
        (brown_mushroom(118), 196, 60, 20),
        (brown_mushroom(104), 84, 70, -6),
    ]
    heap = "".join(group(shape, move=(x, y), rotate=turn) for shape, x, y, turn in crowd)
    basket = group(basket_back(500, 130, 330), heap, basket_front(500, 130, 190), move=(430, 430))
    lying = group(pale_mushroom(250, gills=0.62), move=(905, 690), rotate=-72)
    near = group(brown_mushroom(120), move=(606, 722), rotate=-66)
    return kit.picture(
        sunny_kitchen_wall(400),
        plank_table(400),
        kit.sunlight([(40, 420), (330, 420), (250, 600), (-120, 600)], 0.3),
        contact(830, 500, 300),
        group(iron_pan(140), move=(815, 440)),
        contact(440, 640, 480, 36),
        basket,
        group(cream_jug(150), move=(110, 610)),
        contact(800, 706, 260, 16),
        lying,
        contact(560, 722, 110),
        near,
        group(cook_knife(300), move=(90, 712), rotate=-6),
    )


def draw_self_harm_07() -> str:
    """A breakfast with grapefruit and its juice beside a box of tablets with a pharmacy sticker."""
    cloth = poly([(-60, 400), (1084, 400), (1400, 800), (-380, 800)], gradient("#f7f3ea", "#d9cfc0"))
    stripes = "".join(
        line([(512 + (x - 512) * 0.72, 400), (512 + (x - 512) * 1.4, 790)], "#9fb4c9", 5, opacity=0.45)
        for x in range(-500, 1560, 110)
    )
    cross = "".join(
        line([(0, y), (1024, y)], "#9fb4c9", 2 + (y - 400) / 110, opacity=0.4) for y in (424, 462, 512, 576, 656, 752)
    )
    flowers = "".join(
        line([(0, 0), (x, y)], kit.MOSS, 4)
        + circle(x, y, 17, gradient("#f6d36b", "#d99a36"))
        + circle(x, y, 6, "#8a5a24")
        for x, y in ((-40, -140), (0, -170), (44, -146))
    )
    vase = kit.contact(0, 60, 80) + path(
        "M-26,-10C-46,20 -40,60 0,60C40,60 46,20 26,-10Z", gradient("#7fb0a8", "#3f6f70", 15)
    )
    spread = plate(300, group(toast(150), move=(-30, 8)), group(boiled_egg(104), move=(88, 20)))
    return kit.picture(
        sunny_kitchen_wall(400, "#dbe6ea", "#cfdfe6"),
        cloth,
        stripes,
        cross,
        kit.sunlight([(60, 410), (400, 410), (330, 640), (-140, 640)], 0.4),
        group(flowers + vase, move=(430, 392)),
        group(whole_grapefruit(58), move=(130, 500)),
        group(juice_glass(220), move=(265, 540)),
        group(half_grapefruit(92), move=(130, 662)),
        group(spread, move=(420, 650)),
        group(tablet_box(350), move=(590, 570), rotate=-2),
        group(tablet_strip(240), move=(660, 630)),
    )


def _starred_month(w: float, h: float) -> str:
    """A hand-drawn month with the title "No dinner days" and a gold star on nearly every date."""
    sheet = rect(6, 8, w, h, kit.SHADOW, opacity=0.3, blur=6) + rect(0, 0, w, h, gradient("#fffdf6", "#ece4d2", 40))
    title = text(w / 2, 44, "No dinner days", 28, kit.PLUM, anchor="middle", weight=700, font=kit.HAND)
    cell = (w - 28) / 7
    grid = "".join(line([(14, 64 + i * cell), (w - 14, 64 + i * cell)], kit.STONE, 1.6) for i in range(6))
    grid += "".join(line([(14 + i * cell, 64), (14 + i * cell, 64 + 5 * cell)], kit.STONE, 1.6) for i in range(8))
    star = "M0,-15L4.4,-5.2L14.8,-4.6L6.8,2.2L9.4,12.4L0,6.8L-9.4,12.4L-6.8,2.2L-14.8,-4.6L-4.4,-5.2Z"
    days = ""
    for day in range(1, 32):
        col, row = (day - 1) % 7, (day - 1) // 7
        x, y = 14 + col * cell, 64 + row * cell
        days += text(x + 4, y + 13, str(day), 11, kit.SLATE)
        if day <= 25 and day != 4:
            days += group(
                kit.path(star, gradient("#ffe27a", "#d99a20", 50), stroke="#b97f18", width=1.2),
                move=(x + cell * 0.56, y + cell * 0.56),
                rotate=day * 23 % 40 - 20,
                scale=cell / 44,
            )
    return sheet + title + grid + days


def _dress_photo(w: float, h: float) -> str:
    """A glossy picture of a white wedding dress on a stand."""
    gown = kit.path(
        f"M{w * 0.4},{h * 0.2}L{w * 0.44},{h * 0.34}C{w * 0.36},{h * 0.5}"
        f" {w * 0.2},{h * 0.7} {w * 0.14},{h * 0.88}H{w * 0.86}C{w * 0.8},{h * 0.7}"
        f" {w * 0.64},{h * 0.5} {w * 0.56},{h * 0.34}L{w * 0.6},{h * 0.2}"
        f"C{w * 0.54},{h * 0.25} {w * 0.46},{h * 0.25} {w * 0.4},{h * 0.2}Z",
        gradient("#ffffff", "#d5dbe8", 30),
    )
    folds = "".join(
        line([(w * (0.48 + 0.01 * i), h * 0.42), (w * (0.26 + 0.12 * i), h * 0.86)], "#c2cadb", 1.5) for i in range(5)
    )
    stand = line([(w / 2, h * 0.1), (w / 2, h * 0.2)], kit.WALNUT, 4) + circle(w / 2, h * 0.1, 4, kit.WALNUT)
    return (
        rect(5, 6, w, h, kit.SHADOW, opacity=0.3, blur=5)
        + rect(0, 0, w, h, "#fdfdfb")
        + rect(8, 8, w - 16, h - 32, gradient("#d9b9b4", "#a98d97"))
        + stand
        + gown
        + folds
    )


def draw_self_harm_09() -> str:
    """A kitchen with a month of gold stars and a picture of a dress on the fridge, and one empty plate on the table."""
    cam = kit.Camera(horizon=330, centre=470, eye=1.5, focal=980)
    fx, fy, fw, fh = 250.0, 64.0, 380.0, 600.0
    body = rect(fx + fw - 10, fy + 14, 46, fh - 10, gradient("#6f8f80", "#56756a", 0), r=10) + rect(
        fx, fy, fw, fh, gradient("#cfe3d3", "#8fb3a0", 25), r=26
    )
    split = rect(fx, fy + 128, fw, 7, kit.darken("#9dbfae", 0.3)) + rect(
        fx + 4, fy + 135, fw - 8, 3, "#e6f3ea", opacity=0.8
    )
    grips = "".join(
        rect(fx + fw - 42, y, 16, h, gradient("#f4f7f8", "#87929e", 0), r=8)
        for y, h in ((fy + 44, 62), (fy + 160, 110))
    )
    feet = rect(fx + 24, fy + fh - 4, 40, 14, kit.INK) + rect(fx + fw - 64, fy + fh - 4, 40, 14, kit.INK)
    chart = group(_starred_month(272, 268), move=(fx + 26, fy + 158), rotate=-1.5)
    dress = group(_dress_photo(124, 160), move=(fx + 200, fy + 434), rotate=4) + circle(fx + 262, fy + 444, 9, kit.RED)
    note = group(
        rect(0, 0, 116, 60, gradient("#f7dfe2", "#e7b9c1"))
        + text(58, 27, "6 weeks", 20, kit.PLUM, anchor="middle", font=kit.HAND, weight=700)
        + text(58, 48, "to go", 18, kit.PLUM, anchor="middle", font=kit.HAND),
        move=(fx + 50, fy + 470),
        rotate=-5,
    ) + circle(fx + 108, fy + 470, 8, kit.TEAL)
    magnets = circle(fx + 44, fy + 168, 9, kit.TEAL) + circle(fx + 280, fy + 162, 9, kit.OCHRE)
    tx, ty = cam.at(1.0, 0.75, 2.9)
    setting = group(plate(190), move=(tx + 60, ty - 26)) + "".join(
        line([(tx + x, ty + 4), (tx + x + 14, ty - 56)], kit.STEEL, 5) for x in (-56, 174)
    )
    return kit.picture(
        interiors.room(cam, wall="#efe2cd", floor="#d9d2c0", kind="tiles", width=6.4, depth=4.6),
        interiors.window(716, 70, 200, 200, day=True),
        interiors.curtains(716, 70, 200, 200, "#d8a08f"),
        interiors.counter(cam, -3.4, 3.8, 1.9, doors=2),
        kit.contact(fx + fw / 2 + 20, fy + fh + 8, fw + 40, 26),
        body,
        split,
        grips,
        feet,
        chart,
        dress,
        note,
        magnets,
        interiors.chair(915, 590, 320, kit.WALNUT, view="behind"),
        interiors.table(cam, 0.72, 2.7, 1.5, 0.8),
        setting,
    )
