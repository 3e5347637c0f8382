"""Animals: x is their middle, y the ground, h or w their size in pixels; they look to the right, left with `flip`."""

from pipeline.starter.drawing.kit import (
    INK,
    circle,
    contact,
    darken,
    ellipse,
    gradient,
    group,
    lighten,
    lit,
    path,
    smooth,
    stroke,
)


def _placed(x: float, y: float, scale: float, flip: bool, shadow: float, *parts: str) -> str:
    """Parts drawn around 0, 0 in units of 1/100 of the size, put on the ground at x, y."""
    return contact(x, y, shadow * scale) + group(*parts, move=(x, y), scale=(-scale if flip else scale, scale))


def dog(x: float, y: float, h: float, colour: str = "#b07a45", *, pose: str = "stand", flip: bool = False) -> str:
    """A dog, h pixels high at the head; pose: stand, sit."""
    dark, paint = darken(colour, 0.25), lit(colour, 55, 0.16)
    face = path(
        smooth([(20, -86), (32, -96), (46, -92), (54, -82), (70, -78), (71, -68), (54, -64), (40, -60), (24, -66)]),
        paint,
    )
    face += (
        ellipse(70, -76, 4.5, 4, INK)
        + circle(50, -84, 2.6, INK)
        + path(smooth([(24, -94), (34, -96), (34, -78), (26, -64), (18, -72)]), dark)
    )
    face += stroke([(68, -69), (60, -67), (54, -69)], darken(colour, 0.5), 1.6)
    collar = stroke([(17, -64), (28, -56), (41, -60)], "#c8453f", 5)
    if pose == "sit":
        body = path(
            smooth(
                [
                    (16, -72),
                    (40, -62),
                    (40, -30),
                    (38, 0),
                    (24, 0),
                    (22, -22),
                    (8, 0),
                    (-34, 0),
                    (-38, -22),
                    (-20, -46),
                    (4, -64),
                ]
            ),
            paint,
        )
        haunch = (
            ellipse(-18, -15, 21, 16, gradient(lighten(colour, 0.1), dark, 60))
            + ellipse(2, -4, 15, 5, paint)
            + ellipse(34, -3, 11, 4.5, paint)
        )
        tail = stroke([(-34, -6), (-52, -6), (-62, -20)], colour, 9)
        return _placed(x, y, h / 100, flip, 90, tail, body, haunch, collar, face)
    legs = "".join(
        path(f"M{a},-40L{a + 2},0H{a + 13}L{a + 15},-40Z", dark if i % 2 else paint)
        for i, a in enumerate((20, 6, -40, -54))
    )
    body = path(
        smooth([(18, -72), (38, -62), (38, -38), (10, -30), (-40, -32), (-56, -40), (-54, -60), (-20, -64)]), paint
    )
    tail = stroke([(-52, -56), (-70, -66), (-74, -84)], colour, 8)
    return _placed(x, y, h / 100, flip, 110, tail, legs, body, collar, face)


def cat(x: float, y: float, h: float, colour: str = "#d08c46", *, pose: str = "sit", flip: bool = False) -> str:
    """A cat, h pixels high at the head; pose: sit, walk."""
    dark, paint = darken(colour, 0.22), lit(colour, 55, 0.16)
    hx, hy = (10, -80) if pose == "sit" else (52, -74)
    skull = path(
        (
            f"M{hx - 20},{hy - 8}L{hx - 19},{hy - 30}L{hx - 6},{hy - 19}Q{hx},{hy - 21} {hx + 6},{hy - 19}"
            f"L{hx + 19},{hy - 30}L{hx + 20},{hy - 8}C{hx + 24},{hy + 8} {hx + 12},{hy + 18} {hx},{hy + 18}"
            f"C{hx - 12},{hy + 18} {hx - 24},{hy + 8} {hx - 20},{hy - 8}Z"
        ),
        paint,
    )
    skull += "".join(
        ellipse(hx + s * 8.5, hy - 1, 3.4, 4.4, "#dfe6a8") + ellipse(hx + s * 8.5, hy - 1, 1.5, 4, INK) for s in (-1, 1)
    )
    skull += path(f"M{hx - 3},{hy + 6}H{hx + 3}L{hx},{hy + 9}Z", "#b8625c") + "".join(
        stroke([(hx + s * 5, hy + 8), (hx + s * 20, hy + 5)], "#ffffff", 0.9, opacity=0.7)
        + stroke([(hx + s * 5, hy + 10), (hx + s * 19, hy + 11)], "#ffffff", 0.9, opacity=0.7)
        for s in (-1, 1)
    )
    stripes = "".join(stroke([(hx + d, hy - 18), (hx + d * 0.8, hy - 11)], dark, 2) for d in (-5, 0, 5))
    if pose == "sit":
        body = path(
            smooth([(0, -66), (22, -64), (30, -36), (32, -6), (24, 0), (-28, 0), (-36, -14), (-30, -36), (-14, -54)]),
            paint,
        )
        paws = (
            ellipse(20, -4, 10, 5, lighten(colour, 0.3))
            + ellipse(4, -4, 9, 5, lighten(colour, 0.3))
            + stroke([(12, -8), (13, -34)], dark, 1.6, opacity=0.6)
        )
        tail = stroke([(-28, -6), (-50, -4), (-56, -22), (-48, -34)], colour, 9)
        bands = "".join(
            stroke([(-32 + k * 2, -18 - 9 * k), (-20 + k * 2, -22 - 9 * k)], dark, 2.6, opacity=0.7) for k in range(4)
        )
        return _placed(x, y, h / 110, flip, 80, tail, body, bands, paws, skull, stripes)
    legs = "".join(
        path(f"M{a},-40L{a + b},0H{a + b + 11}L{a + 13},-40Z", dark if i % 2 else paint)
        for i, (a, b) in enumerate(((34, 8), (22, -6), (-42, 6), (-54, -8)))
    )
    body = path(smooth([(50, -66), (54, -44), (30, -34), (-38, -34), (-58, -44), (-50, -64), (0, -66)]), paint)
    tail = stroke([(-54, -58), (-74, -72), (-70, -96)], colour, 8)
    return _placed(x, y, h / 104, flip, 110, tail, legs, body, skull, stripes)


def bird(x: float, y: float, h: float, colour: str = "#4a76b8", *, flip: bool = False) -> str:
    """A small perched bird, h pixels high."""
    body = path(
        smooth([(10, -94), (28, -84), (30, -60), (14, -22), (-24, -14), (-40, -10), (-22, -40), (-10, -76)]),
        lit(colour, 55, 0.2),
    )
    wing = path(smooth([(0, -62), (8, -40), (-20, -18), (-50, -6), (-24, -38)]), darken(colour, 0.28))
    bits = (
        path("M29,-80L46,-75L29,-70Z", "#e09a3c")
        + circle(18, -80, 3.4, INK)
        + stroke([(2, -16), (4, 0)], "#8a6a3a", 3)
        + stroke([(-8, -16), (-6, 0)], "#8a6a3a", 3)
    )
    return _placed(x, y, h / 100, flip, 50, body, wing, bits)


def horse(x: float, y: float, h: float, colour: str = "#8a5a3a", *, flip: bool = False, pose: str = "stand") -> str:
    """A horse, h pixels high at the ears; pose: stand, or tense (ears flat back, one hind hoof lifted)."""
    dark, paint = darken(colour, 0.28), lit(colour, 55, 0.16)
    legs = "".join(
        path(f"M{a},-44L{a + 2},0H{a + 7}L{a + 10},-44Z", dark if i % 2 else paint)
        + path(f"M{a + 1},-5L{a + 1},0H{a + 9}L{a + 8},-5Z", INK)
        for i, a in enumerate((24, 14, -34, -44))
        if pose != "tense" or a != -44
    )
    ear = "M37,-97L38,-106L43,-98Z"
    if pose == "tense":
        legs += path("M-46,-48L-52,-28L-66,-16L-63,-8L-55,-14L-43,-26L-34,-46Z", paint)
        legs += path("M-66,-17L-73,-8L-65,-4L-61,-10Z", INK)
        ear = "M41,-97L25,-101L33,-93Z"
    body = path(
        smooth([(20, -68), (36, -62), (36, -44), (16, -36), (-28, -37), (-46, -44), (-46, -60), (-30, -66), (0, -63)]),
        paint,
    )
    neck = path(
        smooth(
            [
                (14, -66),
                (26, -84),
                (36, -98),
                (44, -98),
                (62, -78),
                (60, -71),
                (52, -71),
                (44, -79),
                (40, -66),
                (36, -52),
                (20, -54),
            ]
        ),
        paint,
    )
    mane = (
        stroke([(36, -98), (26, -86), (18, -70)], dark, 6)
        + path(ear, lit(colour, 55, 0.24), stroke=dark, width=0.6)
        + circle(46, -88, 1.8, INK)
    )
    tail = stroke([(-45, -60), (-56, -46), (-54, -22)], dark, 7)
    return _placed(x, y, h / 100, flip, 100, tail, legs, body, neck, mane)


def cow(
    x: float,
    y: float,
    h: float,
    colour: str = "#ece6da",
    *,
    patch: str = "#4b3a33",
    flip: bool = False,
    horns: bool = True,
) -> str:
    """A cow or bull, h pixels high at the shoulder."""
    paint, dark = lit(colour, 55, 0.12), darken(colour, 0.28)
    legs = "".join(
        path(f"M{a},-46L{a + 3},0H{a + 13}L{a + 16},-46Z", dark if i % 2 else paint)
        + path(f"M{a + 3},-7V0H{a + 13}V-7Z", INK)
        for i, a in enumerate((40, 26, -62, -76))
    )
    body = path(
        smooth([(40, -96), (62, -88), (62, -50), (40, -38), (-50, -38), (-80, -48), (-82, -86), (-60, -96)]), paint
    )
    spots = path(smooth([(-60, -94), (-30, -94), (-22, -70), (-46, -58), (-66, -72)]), patch) + path(
        smooth([(10, -94), (34, -90), (30, -62), (10, -60), (2, -78)]), patch
    )
    face = (
        path(smooth([(58, -98), (80, -100), (96, -74), (98, -62), (84, -58), (70, -70), (56, -80)]), paint)
        + ellipse(93, -65, 9, 7, "#d9a9a0")
        + circle(80, -86, 2.6, INK)
        + ellipse(60, -96, 10, 4.5, patch)
    )
    tips = (
        stroke([(66, -100), (62, -112), (70, -118)], "#e5d9b8", 4.5)
        + stroke([(78, -100), (86, -110), (84, -118)], "#e5d9b8", 4.5)
        if horns
        else ""
    )
    tail = stroke([(-80, -84), (-92, -60), (-90, -34)], dark, 4) + ellipse(-90, -30, 4, 8, patch)
    return _placed(x, y, h / 100, flip, 150, tail, legs, body, spots, tips, face)
