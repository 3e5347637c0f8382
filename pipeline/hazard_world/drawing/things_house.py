"""Things of a household: `draw_<word>(pen)`."""

from pipeline.hazard_world.drawing.pen import INK, Pen

WOOD, DARK_WOOD = "#b9824f", "#7d5334"


def _stand(pen: Pen) -> None:
    """A small table that something stands on; its top is y = 130."""
    for x in (38, 106):
        pen.rect(x, 138, 7, 52, DARK_WOOD, line=2)
    pen.rect(24, 130, 102, 11, WOOD, r=3)


def draw_knife(pen: Pen) -> None:
    """A kitchen knife that stands on its tip on a board, larger than life."""
    _stand(pen)
    pen.rect(18, 112, 114, 20, "#3f9a5b", r=4)
    pen.poly([(58, 118), (58, 48), (102, 48), (101, 76), (88, 100), (68, 116)], "#c3d3e4")
    pen.line([(66, 106), (66, 54)], "#ffffff", 5)
    pen.rect(56, 2, 26, 50, "#1d1f27", r=5)
    for y in (14, 27, 40):
        pen.oval(69, y, 3.5, 3.5, "#c9ced6", line=0)


def draw_cot(pen: Pen) -> None:
    """A cot with bars, and a baby that looks out."""
    pen.rect(8, 70, 134, 112, "#fff3d6", r=6)
    pen.rect(14, 140, 122, 34, "#f2a7bb", r=8, line=1.5)
    pen.oval(75, 112, 25, 24, "#f6cfae")
    pen.arc(75, 98, 10, 10, 200, 350, "#8a5a33", 3)
    for x in (66, 84):
        pen.oval(x, 110, 3, 4, INK, line=0)
    pen.arc(75, 118, 8, 7, 20, 160, "#a8453f", 2.5)
    for x in (10, 34, 108, 132):
        pen.rect(x, 72, 8, 108, "#ffffff", r=3, line=2)
    pen.rect(4, 62, 142, 13, "#ffffff", r=6)
    pen.rect(4, 168, 142, 13, "#ffffff", r=6)
    for x in (12, 128):
        pen.rect(x, 180, 10, 10, DARK_WOOD, line=2)


def draw_dog(pen: Pen) -> None:
    """A big dog that sits and shows its teeth."""
    coat, dark = "#8b5a2b", "#5e3a1a"
    pen.poly([(118, 172), (146, 120), (138, 118), (112, 150)], coat)
    pen.oval(82, 142, 42, 48, coat)
    for x in (44, 78):
        pen.rect(x, 128, 20, 62, coat, r=8)
    pen.oval(52, 74, 40, 36, coat)
    pen.poly([(22, 52), (12, 16), (44, 42)], dark)
    pen.poly([(66, 42), (92, 14), (88, 56)], dark)
    pen.oval(42, 92, 29, 20, "#e3c19a")
    pen.oval(30, 80, 9, 7, INK, line=0)
    pen.rect(24, 94, 34, 10, "#ffffff", r=2, line=1.5)
    for x in (32, 40, 49):
        pen.line([(x, 94), (x, 104)], INK, 1.5)
    for x in (38, 66):
        pen.oval(x, 66, 4, 5, INK, line=0)
    pen.rect(46, 112, 52, 9, "#d33a34", r=4, line=2)


def draw_candle(pen: Pen) -> None:
    """A thick candle that burns."""
    _stand(pen)
    pen.oval(75, 130, 40, 8, "#c8a13c")
    pen.rect(46, 62, 58, 68, "#8d2f8f", r=5)
    pen.poly([(46, 66), (58, 66), (58, 92), (52, 98), (46, 92)], "#c06ac2", line=1.5)
    pen.line([(75, 62), (75, 48)], INK, 3)
    pen.oval(75, 32, 46, 31, "#ffe27a", line=0)
    pen.poly([(75, 2), (95, 34), (88, 52), (75, 57), (62, 52), (55, 34)], "#ff8a0f", line=2)
    pen.oval(75, 42, 9, 13, "#fff06a", line=0)


def draw_curtain(pen: Pen) -> None:
    """A long red curtain on a rod."""
    pen.rect(10, 10, 130, 174, "#b3202c")
    for x in range(10, 140, 26):
        pen.rect(x, 10, 13, 174, "#d9434c", line=0)
        pen.line([(x + 13, 14), (x + 13, 182)], "#7c121b", 2)
    for x in (10, 140):
        pen.line([(x, 10), (x, 184)], INK, 2.5)
    pen.line([(10, 184), (140, 184)], INK, 2.5)
    pen.rect(0, 4, 150, 9, "#d9b44a", r=4)
    pen.line([(12, 120), (138, 120)], "#e8c860", 6)


def draw_heater(pen: Pen) -> None:
    """An electric heater with glowing bars."""
    for x in (22, 112):
        pen.rect(x, 168, 16, 22, "#3a3f4a", r=3)
    pen.rect(10, 84, 130, 88, "#4a515e", r=8)
    pen.rect(20, 94, 110, 68, "#23262e", r=4)
    for y in (104, 124, 144):
        pen.rect(26, y, 98, 10, "#ff5a1f", r=5, line=0)
        pen.rect(30, y + 3, 90, 4, "#ffd24a", r=2, line=0)
    for x in (45, 75, 105):
        pen.line([(x, 74), (x - 7, 62), (x + 7, 50), (x, 38)], "#ff8a4a", 4)


def draw_pool(pen: Pen) -> None:
    """A round paddling pool with water and a duck."""
    pen.oval(75, 160, 74, 29, "#1b7fd1")
    pen.rect(2, 138, 146, 26, "#1b7fd1", line=0)
    for x in (12, 52, 92, 128):
        pen.oval(x + 6, 162, 8, 9, "#ffe14a", line=0)
    pen.oval(75, 136, 73, 25, "#7fd4ff")
    pen.oval(75, 139, 60, 18, "#36b6f2", line=0)
    pen.oval(86, 126, 26, 15, "#ffd21f")
    pen.oval(66, 104, 15, 14, "#ffd21f")
    pen.poly([(54, 103), (40, 108), (54, 112)], "#ff7a1a", line=1.5)
    pen.oval(63, 101, 2.5, 2.5, INK, line=0)


def draw_wine(pen: Pen) -> None:
    """A bottle of red wine with a full glass."""
    _stand(pen)
    pen.poly([(40, 130), (40, 66), (51, 48), (51, 12), (67, 12), (67, 48), (78, 66), (78, 130)], "#1f5a35")
    pen.rect(49, 8, 20, 14, "#7c1230", r=2)
    pen.rect(41, 80, 36, 30, "#f6efd9", line=1.5)
    pen.text(59, 95, "WINE", 11)
    pen.poly([(90, 66), (124, 66), (119, 98), (95, 98)], "#f3f6fa", line=2)
    pen.poly([(93, 76), (121, 76), (118, 97), (96, 97)], "#8e1238", line=0)
    pen.line([(107, 98), (107, 126)], INK, 4)
    pen.line([(94, 128), (120, 128)], INK, 5)


def draw_pills(pen: Pen) -> None:
    """An open jar of pills, some of them beside it."""
    _stand(pen)
    pen.rect(44, 46, 60, 84, "#f08a1d", r=7)
    pen.rect(40, 26, 68, 22, "#ffffff", r=4)
    pen.rect(46, 66, 56, 42, "#ffffff", line=1.5)
    pen.rect(69, 72, 10, 30, "#d8262c", line=0)
    pen.rect(59, 82, 30, 10, "#d8262c", line=0)
    for x, colour in ((26, "#ffffff"), (118, "#e23b6d"), (132, "#ffffff")):
        pen.oval(x, 124, 8, 6, colour, line=2)


def draw_ladder(pen: Pen) -> None:
    """A step ladder, opened."""
    pen.line([(96, 14), (140, 188)], "#8a6a10", 8)
    for x, dx in ((26, 30), (94, -6)):
        pen.line([(x, 188), (x + dx, 14)], INK, 13)
        pen.line([(x, 188), (x + dx, 14)], "#f7c331", 8)
    for step in range(5):
        y = 42 + 30 * step
        left, right = 56 - (y - 14) * 30 / 174, 88 + (y - 14) * 6 / 174
        pen.line([(left, y), (right, y)], INK, 12)
        pen.line([(left, y), (right, y)], "#ffe07a", 7)
    pen.rect(46, 6, 54, 14, "#e03b2f", r=3)
