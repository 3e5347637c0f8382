"""Privacy scenes inside: a desk at home, a guest room, a lecture room."""

from pipeline.starter.drawing import interiors, kit, objects
from pipeline.starter.drawing.heads import Look
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, text
from pipeline.starter.drawing.people import person
from pipeline.starter.drawing.props_documents import coffee_cup
from pipeline.starter.drawing.props_house import keyboard
from pipeline.starter.drawing.scenes_self_harm_food import plank_table

_PATIENTS = (
    ("09:00", "Karin Holm", "12.04.1961", "Diabetes check"),
    ("09:20", "Samir Haddad", "30.09.1988", "Depression"),
    ("09:40", "Lucy Tremain", "05.01.1994", "Pregnancy, week 9"),
    ("10:00", "Piotr Wolny", "22.11.1975", "HIV results"),
    ("10:20", "Grace Adeyemi", "17.06.1950", "Memory test"),
)
_CLIENTS = (
    ("Anna Kerr", "555 0142", "Debt"),
    ("Jonas Bell", "555 0178", "Addiction"),
    ("Mei Tanaka", "555 0119", "Grief"),
    ("Omar Said", "555 0163", "Divorce"),
)


def _fern(size: float) -> str:
    """A large fern in a clay pot that stands on the origin."""
    s, fronds = size, ""
    spread = (-1.0, 0.98, -0.82, 0.84, -0.6, 0.62, -0.36, 0.4, -0.12, 0.16)
    for i, x in enumerate(spread):
        top = -s * (1.2 + 0.3 * (1 - abs(x)))
        tip, mid = (x * s * 0.74, top + s * (0.16 + 0.5 * abs(x))), (x * s * 0.42, top)
        shade = kit.mix("#3f6b41", "#8dbb6a", (i * 3 % 10) / 10)
        fronds += path(f"M0,{-s * 0.42}Q{mid[0]},{mid[1]} {tip[0]},{tip[1]}", stroke=kit.darken(shade, 0.2), width=3)
        for k in range(1, 16):
            t = k / 16
            px, py = _along(t, (0, -s * 0.42), mid, tip)
            long = s * 0.13 * (1 - t * 0.75) + 4
            fronds += "".join(ellipse_leaf(px, py, long, turn + x * 100 * t, shade) for turn in (-58, 238))
    pot = path(
        f"M{-s * 0.26},{-s * 0.44}L{-s * 0.19},0C{-s * 0.1},{s * 0.04}"
        f" {s * 0.1},{s * 0.04} {s * 0.19},0L{s * 0.26},{-s * 0.44}Z",
        gradient("#dc8c62", "#8a4a36", 10),
    )
    rim = rect(-s * 0.29, -s * 0.5, s * 0.58, s * 0.1, gradient("#e59a70", "#97533d", 10), r=5)
    return kit.contact(0, 0, s * 0.5) + pot + rim + fronds


def _along(t: float, a: kit.Point, b: kit.Point, c: kit.Point) -> kit.Point:
    """A point at t in 0..1 on a quadratic curve that passes near b."""
    u = 1 - t
    return u * u * a[0] + 2 * u * t * b[0] + t * t * c[0], u * u * a[1] + 2 * u * t * b[1] + t * t * c[1]


def ellipse_leaf(x: float, y: float, length: float, turn: float, colour: str) -> str:
    """One small leaf that starts at x, y and points `turn` degrees from the right."""
    return group(ellipse(length / 2, 0, length / 2, length * 0.15, colour), move=(x, y), rotate=turn)


def _patient_list(w: float, h: float) -> str:
    """A clinic's appointment list with names, birth dates and reasons."""
    head = rect(0, 0, w, 44, "#2f7f86") + text(18, 29, "Riverside Clinic · Appointments", 20, "#ffffff", weight=700)
    cols, labels = (16, 84, 228, 336), ("Time", "Patient", "Born", "Reason")
    rows = rect(0, 44, w, 30, "#dfeaec") + "".join(
        text(x, 65, words, 14.5, "#45607a", weight=700) for x, words in zip(cols, labels, strict=True)
    )
    step = (h - 78) / len(_PATIENTS)
    for i, row in enumerate(_PATIENTS):
        y = 74 + i * step
        rows += rect(0, y, w, step, "#f8fbfc" if i % 2 else "#ffffff") + line(
            [(0, y + step), (w, y + step)], "#d5dfe4", 1
        )
        rows += "".join(
            text(x, y + step * 0.62, words, 16, kit.INK, weight=600 if j == 1 else 500)
            for j, (x, words) in enumerate(zip(cols, row, strict=True))
        )
    return head + rows


def draw_privacy_01() -> str:
    """A large fern beside a monitor with a clinic's appointment list on a desk at home."""
    w, h = 500.0, 320.0
    stand = path(
        f"M{w * 0.44},{h}H{w * 0.56}L{w * 0.59},{h + 62}H{w * 0.41}Z", gradient("#c5ccd5", "#8a939f")
    ) + ellipse(w / 2, h + 64, w * 0.19, 12, gradient("#dfe4ea", "#97a1ad"))
    monitor = (
        stand
        + rect(-12, -12, w + 24, h + 30, gradient("#e6eaef", "#a9b2bd"), r=10)
        + rect(-4, -4, w + 8, h + 8, "#23262e")
        + kit.clipped(
            f"M0,0H{w}V{h}H0Z",
            rect(0, 0, w, h, "#ffffff"),
            _patient_list(w, h),
            poly([(0, 0), (190, 0), (60, h), (0, h)], "#ffffff", opacity=0.12),
        )
    )
    badge = (
        rect(4, 6, 120, 78, kit.SHADOW, opacity=0.35, blur=5)
        + rect(0, 0, 120, 78, gradient("#ffffff", "#dfe6ee", 40), r=6)
        + rect(0, 0, 120, 24, "#2f7f86", r=5)
        + text(60, 17, "Riverside Clinic", 13, "#ffffff", anchor="middle", weight=700)
    )
    badge += (
        rect(10, 32, 30, 38, "#c7d3dd")
        + circle(25, 45, 8, "#9a6f52")
        + path("M13,70C14,56 36,56 37,70Z", "#4a76b8")
        + text(50, 48, "K. Moss", 15, kit.INK, weight=700)
        + text(50, 65, "Front desk", 12.5, kit.SLATE)
    )
    strap = path("M0,0C-60,-50 -150,-60 -170,-10C-180,30 -90,44 0,4", stroke="#2f7f86", width=9)
    shelf = (
        rect(690, 118, 300, 14, kit.wood(kit.OAK))
        + rect(690, 132, 300, 9, kit.SHADOW, opacity=0.15, blur=4)
        + objects.books(706, 118, 150, 76, seed=4)
        + group(coffee_cup(50, "#d9a08f"), move=(920, 118))
    )
    return kit.picture(
        rect(0, 0, 1024, 520, gradient("#f3ead9", "#d5c9b5", 20)),
        interiors.window(40, 30, 250, 330),
        interiors.curtains(40, 30, 250, 330, "#e3d5bd"),
        shelf,
        plank_table(480, "#c49a6a"),
        kit.sunlight([(60, 500), (360, 500), (280, 740), (-140, 740)], 0.4),
        kit.contact(700, 540, 250, 16),
        group(monitor, move=(454, 168)),
        group(_fern(330), move=(255, 620)),
        group(keyboard(330, "#c9d0d8"), move=(690, 646)),
        group(coffee_cup(90, "#7f9fb4"), move=(940, 610)),
        group(strap, badge, move=(440, 690), rotate=-6),
    )


def _round_camera(size: float) -> str:
    """A small white home camera with a dark lens and a green light, standing on the origin."""
    s = size
    return (
        kit.contact(0, 0, s * 0.8)
        + path(f"M{-s * 0.22},{-s * 0.1}L{-s * 0.3},0H{s * 0.3}L{s * 0.22},{-s * 0.1}Z", "#c9d1da")
        + circle(0, -s * 0.55, s * 0.46, gradient("#ffffff", "#aeb8c4", 45))
        + circle(0, -s * 0.55, s * 0.34, gradient("#2a2e38", "#0d0f14", 45))
        + circle(0, -s * 0.55, s * 0.2, gradient("#3f5f8f", "#11182a", 45))
        + circle(-s * 0.08, -s * 0.64, s * 0.06, "#dfeaff")
        + circle(0, -s * 0.17, s * 0.05, "#4fd06a")
        + circle(0, -s * 0.17, s * 0.11, "#4fd06a", opacity=0.35)
    )


def _open_suitcase(w: float) -> str:
    """An open suitcase with folded clothes, its lid leaning back, standing on the origin."""
    lid = path(
        f"M{-w * 0.5},{-w * 0.2}L{-w * 0.46},{-w * 0.72}Q{-w * 0.45},{-w * 0.78}"
        f" {-w * 0.38},{-w * 0.78}H{w * 0.38}Q{w * 0.45},{-w * 0.78}"
        f" {w * 0.46},{-w * 0.72}L{w * 0.5},{-w * 0.2}Z",
        gradient("#3f6f86", "#274a5e", 30),
    ) + path(
        f"M{-w * 0.42},{-w * 0.24}L{-w * 0.39},{-w * 0.7}H{w * 0.39}L{w * 0.42},{-w * 0.24}Z",
        gradient("#d9c9ae", "#a8967a"),
    )
    inside = poly([(-w * 0.5, -w * 0.2), (w * 0.5, -w * 0.2), (w * 0.54, -w * 0.06), (-w * 0.54, -w * 0.06)], "#8d7b62")
    clothes = "".join(
        rect(x * w, -w * y, w * 0.27, w * 0.13, gradient(kit.lighten(c, 0.2), kit.darken(c, 0.2)), r=w * 0.04)
        for x, y, c in (
            (-0.46, 0.24, "#c8503f"),
            (-0.15, 0.26, "#e8c765"),
            (0.15, 0.24, "#86a9d2"),
            (-0.3, 0.2, "#f1e6d3"),
            (0.02, 0.19, "#75507f"),
        )
    )
    front = path(
        f"M{-w * 0.54},{-w * 0.09}H{w * 0.54}V{w * 0.06}Q{w * 0.54},{w * 0.1}"
        f" {w * 0.48},{w * 0.1}H{-w * 0.48}Q{-w * 0.54},{w * 0.1} {-w * 0.54},{w * 0.06}Z",
        gradient("#4a7f98", "#2b5068"),
    )
    tag = line([(w * 0.1, w * 0.02), (w * 0.16, w * 0.12)], kit.INK, 2) + group(
        rect(-14, 0, 28, 40, "#f4d9a6", r=4), move=(w * 0.16, w * 0.12), rotate=-12
    )
    return (
        kit.contact(0, w * 0.1, w * 1.1)
        + lid
        + inside
        + clothes
        + front
        + rect(-w * 0.09, -w * 0.02, w * 0.18, w * 0.05, "#1d2f3d", r=5)
        + tag
    )


def _bookcase(board_y: float) -> str:
    """A bookcase on the left whose upper board, at y = `board_y`, has a gap between the books."""
    case = (
        rect(56, 96, 320, 500, kit.SHADOW, opacity=0.3, blur=12)
        + rect(40, 80, 320, 520, kit.wood(kit.WALNUT))
        + rect(56, 96, 288, 488, gradient("#4b3325", "#6b4a35"))
    )
    boards = "".join(
        rect(48, y, 304, 16, kit.wood(kit.lighten(kit.WALNUT, 0.12)))
        + rect(56, y + 16, 288, 12, kit.SHADOW, opacity=0.35, blur=4)
        for y in (210, 336, 462, 584)
    )
    volumes = (
        objects.books(62, board_y, 104, 92, seed=3)
        + objects.books(262, board_y, 80, 88, seed=9)
        + objects.books(62, 336, 190, 90, seed=5)
        + objects.books(160, 462, 180, 94, seed=7)
    )
    vase = (
        group(
            path("M-20,0C-36,-30 -22,-56 -12,-66H12C22,-56 36,-30 20,0Z", gradient("#7fb0a8", "#3f6f70", 15)),
            move=(300, 336),
        )
        + group(rect(-40, -52, 80, 52, gradient("#e9d9bb", "#b99f75"), r=4), move=(108, 462))
        + objects.books(62, 584, 130, 86, seed=12)
    )
    return case + boards + volumes + vase


def draw_privacy_06() -> str:
    """A guest bedroom whose bookshelf holds a small camera that faces the bed."""
    cam = kit.Camera(horizon=280, centre=520, eye=1.55, focal=860)
    bx, by = 214.0, 210.0
    card = group(
        rect(5, 7, 190, 110, kit.SHADOW, opacity=0.35, blur=5),
        rect(0, 0, 190, 110, gradient("#fffdf6", "#ece2cd", 40)),
        text(95, 48, "Welcome", 30, kit.TEAL, anchor="middle", weight=700, font=kit.HAND),
        text(95, 78, "to your stay!", 19, kit.SLATE, anchor="middle", font=kit.HAND),
    )
    tx, ty = cam.at(0.72, 0.56, 3.9)
    towels = "".join(
        rect(
            tx - 62 + i * 4, ty - 24 - i * 22, 124 - i * 8, 22, gradient(kit.lighten(c, 0.3), kit.darken(c, 0.15)), r=10
        )
        for i, c in enumerate(("#8fb5b8", "#e9e2d2", "#8fb5b8"))
    )
    return kit.picture(
        interiors.room(cam, wall="#dfe4dd", floor=kit.PINE, width=6.4, depth=5.4),
        interiors.window(440, 70, 170, 190),
        interiors.curtains(440, 70, 170, 190, "#d8b48f"),
        interiors.picture_frame(
            720,
            100,
            140,
            100,
            rect(720, 100, 140, 100, gradient("#cfe3ee", "#efdcc0")),
            path("M720,200L770,140L800,170L830,130L860,200Z", "#8aa597"),
        ),
        interiors.rug(cam, -0.9, 2.5, 3.0, 2.4, "#8f6f88"),
        interiors.bed(cam, 0.0, 3.1, 1.5, 2.1, cover="#b9c9d6"),
        towels,
        group(card, move=cam.at(0.2, 0.52, 3.7), skew=-8, scale=0.62),
        _bookcase(by),
        ellipse(bx, by - 30, 60, 44, "#e8fff0", opacity=0.22, blur=12),
        group(_round_camera(84), move=(bx, by)),
        group(_open_suitcase(210), move=(400, 690)),
    )


def _slide(w: float, h: float) -> str:
    """A slide with the live screen of a counselling service."""
    head = text(w / 2, 52, "Our new booking system", 36, kit.NAVY, anchor="middle", weight=700) + rect(
        w / 2 - 60, 66, 120, 5, "#d08a4a"
    )
    x0, y0, tw, step = 34.0, 88.0, w - 68, (h - 118) / 5
    cols = (x0 + 16, x0 + tw * 0.4, x0 + tw * 0.7)
    rows = rect(x0, y0, tw, step, "#2f7f86") + "".join(
        text(x, y0 + step * 0.66, words, 22, "#ffffff", weight=700)
        for x, words in zip(cols, ("Client", "Phone", "Comes for"), strict=True)
    )
    for i, row in enumerate(_CLIENTS):
        y = y0 + (i + 1) * step
        rows += rect(x0, y, tw, step, "#eef4f5" if i % 2 else "#ffffff", stroke="#cbd8dc", width=1)
        rows += "".join(
            text(x, y + step * 0.66, words, 23, kit.INK, weight=600) for x, words in zip(cols, row, strict=True)
        )
    foot = text(w - 34, h - 10, "Live view, Harbour Counselling", 16, kit.SLATE, anchor="end")
    return rect(0, 0, w, h, gradient("#ffffff", "#e9eff5")) + head + rows + foot


def _listeners() -> str:
    """Two rows of people on benches, from behind."""
    tones = (
        "black",
        "brown",
        "grey",
        "blond",
        "chestnut",
        "white",
        "red",
        "black",
        "brown",
        "grey",
        "black",
        "chestnut",
    )
    cuts = ("short", "long", "crop", "bun", "curly", "bob", "ponytail", "short", "scarf", "short", "long", "crop")
    tops = ("#4a76b8", "#a8503c", "#5b9257", "#75507f", "#d29a3d", "#3d8a8c", "#c97f86", "#55607a")
    crowd = ""
    for row, (y, size, count) in enumerate(((640, 330, 6), (800, 430, 5))):
        for i in range(count):
            k = row * 5 + i
            look = Look(
                skin=("fair", "brown", "tan", "pale", "deep", "olive")[k % 6],
                hair=tones[k % 12],
                hair_style=cuts[k % 12],
                top=kit.darken(tops[k % 8], 0.15),
                hat_colour="#b07f8f",
            )
            x = (1024 / count) * (i + 0.5) + (30 if row else -12)
            crowd += person(look, x, y, size, view="behind", pose="sit", tilt=(k * 7 % 9) - 4)
        crowd += rect(-10, y - size * 0.17, 1044, 190, gradient("#7a5236", "#3f2c22")) + rect(
            -10, y - size * 0.17, 1044, 9, "#a77a54"
        )
    return crowd


def draw_privacy_08() -> str:
    """A full lecture room seen from behind, with a speaker and a slide that shows a table of clients."""
    wall = rect(0, 0, 1024, 540, gradient("#5d6b86", "#39445f", 25)) + "".join(
        line([(x, 0), (x, 540)], "#2f3852", 2, opacity=0.5) for x in (60, 150, 880, 970)
    )
    slide = (
        rect(150, 30, 640, 372, "#cfe3ff", opacity=0.35, blur=26)
        + rect(158, 32, 624, 356, "#1d2233")
        + group(_slide(608, 340), move=(166, 40))
    )
    floor = rect(0, 440, 1024, 330, gradient("#4b4a55", "#2a2d3d"))
    speaker = person(
        Look(
            skin="tan", hair="black", hair_style="bob", top="#a8503c", top_kind="jacket", bottom="#2b3f6b", mood="open"
        ),
        872,
        540,
        360,
        hands=((806, 330), None),
        gaze=-0.6,
    )
    desk = (
        poly([(800, 400), (950, 400), (938, 560), (812, 560)], gradient("#a67a4e", "#5e4029"))
        + poly([(786, 384), (964, 384), (950, 404), (800, 404)], gradient("#d8b078", "#9a7248"))
        + poly([(836, 386), (906, 386), (898, 352), (844, 352)], "#2b303a")
    )
    return kit.picture(
        wall, slide, floor, interiors.pool_of_light(474, 300, 520, 40), speaker, desk, _listeners(), mood="#bcd0f0"
    )
