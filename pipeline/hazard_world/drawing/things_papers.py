"""Papers and screens: `draw_<word>(pen)`. They lie on a desk, tilted up so that one sees what they are."""

from pipeline.hazard_world.drawing.pen import INK, Pen, person

SHIRTS = ("#3f77c9", "#d0473f", "#3f9a5b", "#e0a92e")
SKINS = ("#f2c9a5", "#8d5a3b", "#d9a273", "#5c3a25")
HAIRS = ("#3a2718", "#171717", "#7a4a1f", "#171717")


def _desk(pen: Pen) -> None:
    """A grey desk under a paper; its top is y = 150."""
    for x in (24, 118):
        pen.rect(x, 156, 8, 34, "#5a6170", line=2)
    pen.rect(8, 150, 134, 10, "#8b93a3", r=3)


def _lines(pen: Pen, x: float, y: float, width: float, count: int, colour: str = "#6d7484", gap: float = 11) -> None:
    for number in range(count):
        pen.line([(x, y + gap * number), (x + width - 9 * (number % 3), y + gap * number)], colour, 2.5)


def draw_laptop(pen: Pen) -> None:
    """A laptop in a call: four faces on its screen."""
    _desk(pen)
    pen.rect(14, 48, 122, 88, "#20242e", r=6)
    pen.rect(21, 55, 108, 74, "#3d6fd6", line=0)
    for number in range(4):
        x, y = 48 + 54 * (number % 2), 91 + 37 * (number // 2)
        pen.rect(x - 25, y - 34, 50, 34, "#a9c4f5", line=1)
        person(pen, x, y, 0.85, SHIRTS[number], SKINS[number], HAIRS[number])
    pen.poly([(10, 136), (140, 136), (148, 152), (2, 152)], "#b9c0cc")


def draw_parcel(pen: Pen) -> None:
    """A parcel with string and an address."""
    pen.poly([(12, 96), (112, 96), (112, 190), (12, 190)], "#c99a62")
    pen.poly([(12, 96), (40, 70), (140, 70), (112, 96)], "#e0b57f")
    pen.poly([(112, 96), (140, 70), (140, 164), (112, 190)], "#a87842")
    pen.line([(62, 97), (62, 188)], "#ffffff", 7)
    pen.line([(62, 96), (90, 71)], "#ffffff", 7)
    pen.rect(72, 130, 34, 30, "#ffffff", line=1.5)
    _lines(pen, 76, 138, 26, 3, gap=8)


def draw_board(pen: Pen) -> None:
    """A notice board of cork on the wall, with notes."""
    pen.rect(6, 20, 138, 118, "#7d5334", r=4)
    pen.rect(14, 28, 122, 102, "#d7a564", line=1.5)
    for x, y, colour in ((22, 36, "#fff27a"), (64, 34, "#ffffff"), (100, 44, "#9fe0ff"), (26, 84, "#ff9ec0"),
                         (72, 82, "#b8f0a0")):  # fmt: skip
        pen.rect(x, y, 30, 36, colour, line=1.5)
        _lines(pen, x + 5, y + 13, 20, 2, gap=9)
        pen.oval(x + 15, y + 3, 4, 4, "#d8262c", line=1)


def draw_nicknames(pen: Pen) -> None:
    """A list headed NICKNAMES, with mocking faces."""
    _desk(pen)
    pen.rect(24, 8, 102, 142, "#ffe96b")
    pen.text(75, 24, "NICKNAMES", 15)
    for number in range(4):
        y = 48 + 27 * number
        pen.oval(42, y, 10, 10, "#ff8f3a", line=1.5)
        pen.arc(42, y + 1, 6, 5, 10, 170, INK, 2)
        pen.line([(38, y - 3), (38, y - 2)], INK, 2)
        pen.line([(46, y - 3), (46, y - 2)], INK, 2)
        pen.line([(60, y), (112 - 8 * (number % 2), y)], "#8a3a10", 4)


def draw_plan(pen: Pen) -> None:
    """A seating plan: round tables with chairs."""
    _desk(pen)
    pen.rect(8, 14, 134, 136, "#eafbe7")
    pen.text(75, 27, "SEATING PLAN", 14)
    for x, y in ((42, 66), (108, 66), (42, 118), (108, 118)):
        for dx, dy in ((-21, 0), (21, 0), (0, -18), (0, 18)):
            pen.rect(x + dx - 5, y + dy - 5, 10, 10, "#2f7d4a", line=1)
        pen.oval(x, y, 15, 13, "#7fce8c", line=2)


def draw_photo(pen: Pen) -> None:
    """A framed photo of a group of people."""
    _desk(pen)
    pen.rect(6, 36, 138, 114, "#c49a2c", r=4)
    pen.rect(16, 46, 118, 94, "#bfe3f7", line=1.5)
    pen.rect(16, 112, 118, 28, "#7db36a", line=0)
    for number, x in enumerate((34, 61, 88, 115)):
        person(pen, x, 138, 1.15, SHIRTS[number], SKINS[number], HAIRS[number])
    for number, x in enumerate((48, 75, 102)):
        person(pen, x, 106, 1.05, SHIRTS[3 - number], SKINS[(number + 2) % 4], HAIRS[number])


def draw_badge(pen: Pen) -> None:
    """A name badge on a lanyard."""
    pen.line([(42, 12), (75, 74), (108, 12)], INK, 12)
    pen.line([(42, 12), (75, 74), (108, 12)], "#7b3fd1", 8)
    pen.rect(34, 2, 82, 12, "#8b93a3", r=5)
    pen.rect(22, 72, 106, 112, "#ffffff", r=9)
    pen.rect(22, 72, 106, 28, "#7b3fd1", r=9)
    pen.text(75, 87, "HELLO", 17, "#ffffff")
    person(pen, 75, 152, 1.25, "#3f77c9", "#f2c9a5", "#3a2718")
    pen.text(75, 168, "SAM REED", 16)


def draw_passport(pen: Pen) -> None:
    """A passport."""
    _desk(pen)
    pen.rect(28, 16, 94, 134, "#173a8a", r=8)
    pen.oval(75, 84, 25, 25, "#e8c860", line=0)
    pen.oval(75, 84, 20, 20, "#173a8a", line=0)
    pen.line([(55, 84), (95, 84)], "#e8c860", 2.5)
    pen.arc(75, 84, 9, 20, 0, 360, "#e8c860", 2.5)
    pen.text(75, 38, "PASSPORT", 16, "#f2d878")
    pen.rect(62, 124, 26, 12, "#e8c860", r=3, line=0)


def draw_letter(pen: Pen) -> None:
    """A love letter: an envelope with a heart."""
    _desk(pen)
    pen.rect(8, 56, 134, 94, "#ffd9e4", r=4)
    pen.line([(10, 58), (75, 108), (140, 58)], "#c76a86", 3)
    pen.oval(63, 94, 17, 16, "#e0193f", line=0)
    pen.oval(87, 94, 17, 16, "#e0193f", line=0)
    pen.poly([(48, 101), (102, 101), (75, 132)], "#e0193f", line=0)
    pen.rect(56, 88, 38, 16, "#e0193f", line=0)


def draw_diary(pen: Pen) -> None:
    """An open diary with a lock and a pen."""
    _desk(pen)
    pen.poly([(4, 66), (75, 76), (146, 66), (146, 148), (75, 154), (4, 148)], "#0f7f7a")
    pen.poly([(10, 58), (75, 70), (75, 146), (10, 138)], "#fffdf3")
    pen.poly([(140, 58), (75, 70), (75, 146), (140, 138)], "#fffdf3")
    pen.text(42, 80, "DEAR", 13)
    pen.text(42, 94, "DIARY", 13)
    _lines(pen, 18, 108, 46, 3, "#3a62a8")
    _lines(pen, 84, 82, 46, 5, "#3a62a8")
    pen.line([(96, 44), (128, 10)], INK, 10)
    pen.line([(98, 42), (127, 12)], "#12a89f", 6)
    pen.poly([(90, 52), (93, 41), (100, 48)], "#f2d0a0", line=1.5)
