"""Phones, laptops, monitors, papers and cards: things that carry text or pictures.

They take content drawn on a sheet of their own: the phone's sheet is 200 x 400, laptop and monitor 400 x 250,
paper 300 x 400, card 340 x 214. Text under 15 units on a sheet is too small to read.
"""

from pipeline.starter.drawing.kit import (
    BLUE,
    INK,
    MIST,
    PAPER,
    SHADOW,
    SLATE,
    STEEL,
    STONE,
    circle,
    clipped,
    contact,
    darken,
    gradient,
    group,
    lighten,
    line,
    lit,
    path,
    poly,
    rect,
    text,
)


def phone(
    x: float, y: float, h: float, *content: str, angle: float = 0, colour: str = "#23262f", back: str = PAPER
) -> str:
    """A phone seen flat from above or upright, its middle at x, y; content on a 200 x 400 sheet."""
    body = rect(-110, -215, 220, 430, SHADOW, r=34, opacity=0.35, blur=9) + rect(
        -108, -212, 216, 424, lit(colour, 60, 0.22), r=32
    )
    screen = "M-84,-200H84Q100,-200 100,-184V184Q100,200 84,200H-84Q-100,200 -100,184V-184Q-100,-200 -84,-200Z"
    shown = clipped(
        screen,
        rect(-100, -200, 200, 400, back),
        group(*content, move=(-100, -200)),
        poly([(-100, -200), (20, -200), (-100, 120)], "#ffffff", opacity=0.08),
    )
    bar = rect(-26, -194, 52, 12, "#23262f", r=6)
    return group(body, shown, bar, move=(x, y), rotate=angle, scale=h / 424)


def phone_back(x: float, y: float, h: float, *, angle: float = 0, colour: str = "#3a4157") -> str:
    """A phone from behind, as somebody else holds it."""
    lens = (
        rect(-90, -195, 78, 78, darken(colour, 0.35), r=20)
        + circle(-66, -171, 15, INK)
        + circle(-36, -141, 15, INK)
        + circle(-66, -171, 6, SLATE)
    )
    return group(
        rect(-108, -212, 216, 424, lit(colour, 60, 0.25), r=32), lens, move=(x, y), rotate=angle, scale=h / 424
    )


def laptop(x: float, y: float, w: float, *content: str, back: str = PAPER, colour: str = "#aeb6c0") -> str:
    """An open laptop from the front, standing on the line y; content on a 400 x 250 sheet."""
    k = w / 440
    lid = rect(-212, -292, 424, 276, lit("#2a2e38", 60, 0.15), r=12)
    shown = clipped(
        "M-200,-280H200V-30H-200Z",
        rect(-200, -280, 400, 250, back),
        group(*content, move=(-200, -280)),
        poly([(-200, -280), (40, -280), (-140, -30), (-200, -30)], "#ffffff", opacity=0.06),
    )
    deck = poly([(-212, -16), (212, -16), (250, 22), (-250, 22)], gradient(lighten(colour, 0.25), colour)) + poly(
        [(-186, -10), (186, -10), (206, 8), (-206, 8)], darken(colour, 0.5)
    )
    deck += rect(-40, 11, 80, 9, darken(colour, 0.12), r=2) + rect(-250, 22, 500, 6, darken(colour, 0.35), r=3)
    keys = "".join(
        line([(-184 - 6 * r, -6 + 5 * r), (184 + 6 * r, -6 + 5 * r)], lighten(colour, 0.1), 2, opacity=0.35)
        for r in range(3)
    )
    return contact(x, y, w * 1.1, w * 0.05) + group(lid, shown, deck, keys, move=(x, y - 28 * k), scale=k)


def laptop_back(x: float, y: float, w: float, colour: str = "#aeb6c0") -> str:
    """An open laptop from behind."""
    k = w / 440
    return contact(x, y, w, w * 0.05) + group(
        rect(-212, -276, 424, 270, lit(colour, 60, 0.22), r=12),
        circle(0, -140, 20, lighten(colour, 0.4)),
        rect(-220, -10, 440, 14, darken(colour, 0.3), r=5),
        move=(x, y - 4 * k),
        scale=k,
    )


def monitor(x: float, y: float, w: float, *content: str, back: str = PAPER) -> str:
    """A desktop screen on its foot; content on a 400 x 250 sheet."""
    k = w / 420
    foot = path("M-26,-60L-34,-8H34L26,-60Z", gradient(STEEL, STONE)) + rect(
        -74, -10, 148, 10, lit(STEEL, 90, 0.2), r=5
    )
    shown = clipped(
        "M-200,-310H200V-60H-200Z",
        rect(-200, -310, 400, 250, back),
        group(*content, move=(-200, -310)),
        poly([(-200, -310), (10, -310), (-200, -90)], "#ffffff", opacity=0.06),
    )
    return contact(x, y, w * 0.5) + group(
        foot, rect(-210, -320, 420, 272, lit("#2a2e38", 60, 0.15), r=10), shown, move=(x, y), scale=k
    )


def paper(
    x: float,
    y: float,
    w: float,
    *content: str,
    angle: float = 0,
    lines: int = 0,
    title: str = "",
    h: float = 400,
    fill: str = "#fdfcf8",
) -> str:
    """A sheet lying flat, its middle at x, y, w pixels wide; content on a sheet 300 wide and `h` high.

    `title` writes a heading; `lines` adds that many grey lines as unreadable text below it.
    """
    body = rect(-150, -h / 2 + 6, 306, h, SHADOW, opacity=0.28, blur=6) + rect(
        -150, -h / 2, 300, h, gradient(fill, darken(fill, 0.06), 50)
    )
    inner = (text(24, 46, title, 24, INK, weight=700) if title else "") + grey_lines(
        24, 76 if title else 36, 252, lines
    )
    return group(body, group(inner, *content, move=(-150, -h / 2)), move=(x, y), rotate=angle, scale=w / 300)


def grey_lines(x: float, y: float, w: float, count: int, *, gap: float = 20, colour: str = STONE) -> str:
    """Lines that stand for running text."""
    return "".join(
        line([(x, y + i * gap), (x + w * (1 if (i * 7 + count) % 5 else 0.62), y + i * gap)], colour, 5, opacity=0.45)
        for i in range(count)
    )


def card(x: float, y: float, w: float, *content: str, angle: float = 0, fill: str = "#dfe8ee") -> str:
    """A plastic card (identity, bank, badge), its middle at x, y; content on a 340 x 214 sheet."""
    body = rect(-168, -100, 342, 214, SHADOW, r=18, opacity=0.32, blur=7) + rect(
        -170, -107, 340, 214, lit(fill, 50, 0.1), r=18
    )
    return group(body, group(*content, move=(-170, -107)), move=(x, y), rotate=angle, scale=w / 340)


def bubble(x: float, y: float, w: float, words: list[str], *, mine: bool = False, size: float = 15) -> str:
    """A chat message on a sheet, one string a line; `mine` colours it and sits it at the right edge x."""
    h = len(words) * size * 1.35 + size * 0.9
    left = x - w if mine else x
    fill, ink = (BLUE, "#ffffff") if mine else (MIST, INK)
    return rect(left, y, w, h, fill, r=size * 0.8) + "".join(
        text(left + size * 0.7, y + size * (1.35 + 1.35 * i), row, size, ink) for i, row in enumerate(words)
    )


def button(
    x: float, y: float, w: float, words: str, *, fill: str = BLUE, size: float = 16, ink: str = "#ffffff"
) -> str:
    """A button with a label in its middle, on a sheet."""
    return rect(x, y, w, size * 2.1, fill, r=size * 0.6) + text(
        x + w / 2, y + size * 1.4, words, size, ink, anchor="middle", weight=600
    )


def field(x: float, y: float, w: float, label: str, value: str, *, size: float = 15) -> str:
    """A labelled input field on a sheet."""
    return (
        text(x, y, label, size * 0.85, SLATE)
        + rect(x, y + size * 0.5, w, size * 2, "#ffffff", r=5, stroke=STONE, width=1.4)
        + text(x + size * 0.6, y + size * 1.85, value, size, INK)
    )


def toggle(x: float, y: float, w: float, on: bool) -> str:
    """A switch on a sheet, w units wide."""
    h = w * 0.56
    return rect(x, y, w, h, "#3d8a5a" if on else STONE, r=h / 2) + circle(
        x + (w - h / 2 if on else h / 2), y + h / 2, h * 0.4, "#ffffff"
    )


def bar_code(x: float, y: float, w: float, h: float) -> str:
    """A bar code on a sheet."""
    out, at = "", x
    for i in range(60):
        wide = 1 + (i * 7 % 4) * 0.9
        if at + wide > x + w:
            break
        out += rect(at, y, wide, h, INK) if i % 2 == 0 else ""
        at += wide
    return out


def qr_code(x: float, y: float, size: float) -> str:
    """A square code on a sheet (a pattern, it holds no message)."""
    cell = size / 15
    out = rect(x - cell, y - cell, size + 2 * cell, size + 2 * cell, "#ffffff")
    for i in range(15):
        for j in range(15):
            corner = (i < 5 and j < 5) or (i > 9 and j < 5) or (i < 5 and j > 9)
            if not corner and (i * 7 + j * 11 + i * j * 3) % 5 < 2:
                out += rect(x + i * cell, y + j * cell, cell, cell, INK)
    for i, j in ((0, 0), (10, 0), (0, 10)):
        out += (
            rect(x + i * cell, y + j * cell, cell * 5, cell * 5, INK)
            + rect(x + (i + 1) * cell, y + (j + 1) * cell, cell * 3, cell * 3, "#ffffff")
            + rect(x + (i + 1.7) * cell, y + (j + 1.7) * cell, cell * 1.6, cell * 1.6, INK)
        )
    return out
