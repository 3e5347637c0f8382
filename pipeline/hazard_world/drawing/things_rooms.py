"""What hangs, lies and stands in rooms: `draw_<word>(pen)`."""

from pipeline.hazard_world.drawing.pen import INK, Pen


def draw_window(pen: Pen) -> None:
    """An open window with another house behind it."""
    pen.rect(22, 14, 106, 122, "#8fd0ff", r=2)
    pen.oval(108, 34, 11, 11, "#ffe25a", line=0)
    pen.rect(48, 72, 54, 62, "#e08b6a", line=2)
    pen.poly([(42, 74), (75, 46), (108, 74)], "#8e3b2c", line=2)
    for x in (56, 82):
        pen.rect(x, 86, 13, 16, "#fff2a8", line=1.5)
    pen.rect(69, 110, 13, 24, "#6b4226", line=1.5)
    for points in ([(22, 14), (2, 30), (2, 150), (22, 136)], [(128, 14), (148, 30), (148, 150), (128, 136)]):
        pen.poly(points, "#e9f6ff")
    pen.rect(12, 136, 126, 11, "#ffffff", r=3)


def draw_camera(pen: Pen) -> None:
    """A camera on a tripod, its red light on."""
    for x in (28, 75, 122):
        pen.line([(75, 96), (x, 187)], INK, 7)
    pen.rect(66, 88, 18, 22, "#5a6170", r=3)
    pen.rect(18, 34, 100, 58, "#23262e", r=8)
    pen.rect(40, 18, 44, 18, "#23262e", r=4)
    pen.oval(66, 63, 25, 25, "#aab4c4")
    pen.oval(66, 63, 17, 17, "#1c3b6b")
    pen.oval(60, 57, 5, 5, "#cfe6ff", line=0)
    pen.oval(104, 46, 7, 7, "#ff2a2a", line=1.5)
    pen.text(130, 24, "REC", 14, "#d31212")


def draw_rug(pen: Pen) -> None:
    """A prayer rug with an arch, seen from the front and above."""
    pen.poly([(30, 66), (120, 66), (148, 186), (2, 186)], "#0f6e4c")
    pen.poly([(38, 76), (112, 76), (134, 178), (16, 178)], "#d9a62e", line=1.5)
    pen.poly([(44, 82), (106, 82), (124, 172), (26, 172)], "#128a5c", line=1.5)
    pen.poly([(40, 168), (50, 120), (75, 92), (100, 120), (110, 168)], "#f3dfa0", line=2)
    pen.poly([(54, 166), (60, 128), (75, 110), (90, 128), (96, 166)], "#128a5c", line=1.5)
    for x in range(6, 148, 8):
        pen.line([(x, 186), (x, 189)], "#f3dfa0", 2.5)


def draw_cabin(pen: Pen) -> None:
    """A changing cabin: a door that leaves feet free, clothes over it."""
    pen.rect(10, 12, 130, 170, "#9adbd0", r=3)
    pen.rect(20, 22, 110, 160, "#3f5a66", line=1.5)
    pen.oval(58, 182, 13, 6, "#e6b48f", line=1.5)
    pen.oval(94, 182, 13, 6, "#e6b48f", line=1.5)
    for x in (53, 89):
        pen.rect(x, 150, 12, 30, "#e6b48f", line=1.5)
    for x in range(18, 130, 19):
        pen.rect(x, 48, 19, 104, "#ff9f8a" if x % 38 == 18 else "#fff6ef", line=1.5)
    pen.poly([(26, 42), (58, 42), (58, 92), (50, 86), (42, 92), (34, 86), (26, 92)], "#5a7fe0", line=2)
    pen.poly([(82, 42), (120, 42), (112, 76), (90, 76)], "#f2c53a", line=2)
    pen.rect(30, 0, 90, 20, "#ffffff", r=4)
    pen.text(75, 10, "CHANGING", 14)
