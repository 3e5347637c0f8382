"""Things of a flat that carry these scenes: an office chair, a tub, cleaner bottles, a chat on a monitor, a lathe."""

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, line, path, poly, rect, stroke, text


def office_chair(size: float, colour: str = "#3f5f7f") -> str:
    """A swivel chair on five castors, turned a little to the right; the castors stand on the origin's line."""
    s, metal = size, "#3b4049"
    arms = ((-0.3, 0.0), (-0.13, 0.07), (0.16, 0.07), (0.31, 0.0), (0.03, -0.05))
    feet = "".join(line([(0, -s * 0.13), (x * s, -s * 0.06 + y * s)], metal, s * 0.035) for x, y in arms)
    wheels = "".join(
        ellipse(x * s, -s * 0.03 + y * s, s * 0.032, s * 0.036, "#1d2027")
        + ellipse(x * s - 2, -s * 0.035 + y * s, s * 0.014, s * 0.017, "#8a929e")
        for x, y in arms
    )
    column = rect(-s * 0.025, -s * 0.4, s * 0.05, s * 0.28, gradient("#9aa3ae", "#4a505b", 0)) + rect(
        -s * 0.038, -s * 0.25, s * 0.076, s * 0.13, metal, r=3
    )
    back = path(
        f"M{-s * 0.17},{-s * 0.6}C{-s * 0.24},{-s * 0.98} {-s * 0.14},{-s} {s * 0.06},{-s}"
        f"C{s * 0.26},{-s} {s * 0.3},{-s * 0.96} {s * 0.25},{-s * 0.6}"
        f"C{s * 0.2},{-s * 0.54} {-s * 0.12},{-s * 0.54} {-s * 0.17},{-s * 0.6}Z",
        gradient(kit.lighten(colour, 0.28), kit.darken(colour, 0.25), 40),
    )
    ribs = "".join(
        stroke(
            [(-s * 0.15, -s * y), (s * 0.04, -s * (y - 0.015)), (s * 0.24, -s * y)],
            kit.darken(colour, 0.35),
            2,
            opacity=0.5,
        )
        for y in (0.68, 0.76, 0.84, 0.92)
    )
    seat_top = ellipse(0, -s * 0.44, s * 0.29, s * 0.085, gradient(kit.lighten(colour, 0.34), colour, 60))
    seat = path(
        f"M{-s * 0.29},{-s * 0.44}V{-s * 0.4}C{-s * 0.26},{-s * 0.31}"
        f" {s * 0.26},{-s * 0.31} {s * 0.29},{-s * 0.4}V{-s * 0.44}Z",
        kit.darken(colour, 0.3),
    )
    rests = "".join(
        line([(x * s, -s * 0.4), (x * s * 1.12, -s * 0.6)], metal, s * 0.026)
        + line([(x * s * 1.12 - s * 0.06, -s * 0.61), (x * s * 1.12 + s * 0.1, -s * 0.6)], "#23262d", s * 0.045)
        for x in (-0.29, 0.3)
    )
    spine = rect(s * 0.02, -s * 0.58, s * 0.05, s * 0.14, metal)
    return feet + wheels + column + spine + back + ribs + seat + seat_top + rests


def bulb_box(size: float) -> str:
    """A small carton with a picture of a light bulb, standing on the origin."""
    s = size
    front = rect(-s * 0.4, -s, s * 0.8, s, gradient("#fff7dd", "#eccf7d", 30)) + rect(
        -s * 0.4, -s * 0.24, s * 0.8, s * 0.24, "#c8503f"
    )
    side = poly([(s * 0.4, -s), (s * 0.6, -s * 1.08), (s * 0.6, -s * 0.1), (s * 0.4, 0)], "#b8923f") + poly(
        [(-s * 0.4, -s), (-s * 0.2, -s * 1.08), (s * 0.6, -s * 1.08), (s * 0.4, -s)], "#fff8e4"
    )
    bulb = circle(0, -s * 0.66, s * 0.2, "#ffd24a", stroke="#7a5a18", width=2) + rect(
        -s * 0.09, -s * 0.48, s * 0.18, s * 0.14, "#8a8f98"
    )
    return (
        kit.contact(s * 0.1, 0, s)
        + side
        + front
        + bulb
        + text(0, -s * 0.07, "E27", s * 0.17, "#ffffff", anchor="middle", weight=700)
    )


def cleaner_bottle(height: float, colour: str, cap: str, head: str, *lines: str) -> str:
    """An opened bottle of cleaner on the origin: `head` and `lines` on its label, its cap beside it."""
    h = height
    shape = (
        f"M{-h * 0.085},{-h * 0.93}V{-h * 0.84}C{-h * 0.1},{-h * 0.76}"
        f" {-h * 0.27},{-h * 0.74} {-h * 0.27},{-h * 0.6}V{-h * 0.04}Q{-h * 0.27},0"
        f" {-h * 0.23},0"
    )
    shape += (
        f"H{h * 0.23}Q{h * 0.27},0 {h * 0.27},{-h * 0.04}V{-h * 0.6}"
        f"C{h * 0.27},{-h * 0.74} {h * 0.1},{-h * 0.76} {h * 0.085},{-h * 0.84}"
        f"V{-h * 0.93}Z"
    )
    neck = ellipse(
        0, -h * 0.93, h * 0.085, h * 0.024, kit.darken(colour, 0.5), stroke=kit.lighten(colour, 0.4), width=3
    )
    thread = "".join(
        line([(-h * 0.085, -h * y), (h * 0.085, -h * y)], kit.darken(colour, 0.3), 2.5) for y in (0.9, 0.87)
    )
    paper = rect(-h * 0.25, -h * 0.57, h * 0.5, h * 0.42, gradient("#ffffff", "#dde3ea", 20), r=6) + rect(
        -h * 0.25, -h * 0.57, h * 0.5, h * 0.13, kit.darken(cap, 0.1)
    )
    words = text(0, -h * 0.482, head, h * 0.07, "#ffffff", anchor="middle", weight=800)
    words += "".join(
        text(0, -h * (0.365 - 0.085 * i), row, h * 0.066, kit.INK, anchor="middle", weight=700)
        for i, row in enumerate(lines)
    )
    drops = path(
        f"M{-h * 0.06},{-h * 0.17}q{-h * 0.02},{-h * 0.03} 0,{-h * 0.05}q{h * 0.02},{h * 0.02} 0,{h * 0.05}Z",
        kit.BLUE,
        opacity=0,
    )
    shine = path(
        f"M{-h * 0.22},{-h * 0.62}C{-h * 0.21},{-h * 0.7} {-h * 0.14},{-h * 0.72} {-h * 0.1},{-h * 0.75}",
        stroke="#ffffff",
        width=h * 0.02,
        opacity=0.6,
    )
    lid = rect(
        h * 0.34, -h * 0.1, h * 0.18, h * 0.1, gradient(kit.lighten(cap, 0.25), kit.darken(cap, 0.25), 0), r=4
    ) + ellipse(h * 0.43, -h * 0.1, h * 0.09, h * 0.024, kit.darken(cap, 0.4))
    return (
        kit.contact(0, 0, h * 0.6)
        + kit.contact(h * 0.43, 0, h * 0.2)
        + path(shape, gradient(kit.lighten(colour, 0.3), kit.darken(colour, 0.25), 5))
        + thread
        + neck
        + paper
        + words
        + drops
        + shine
        + lid
    )


def bucket(size: float, colour: str = "#d29a3d") -> str:
    """A bucket of water with a scrubbing brush across its rim, standing on the origin."""
    s = size
    body = path(
        f"M{-s * 0.5},{-s * 0.9}L{-s * 0.38},0C{-s * 0.2},{s * 0.06} {s * 0.2},{s * 0.06}"
        f" {s * 0.38},0L{s * 0.5},{-s * 0.9}Z",
        gradient(kit.lighten(colour, 0.25), kit.darken(colour, 0.3), 10),
    )
    top = ellipse(0, -s * 0.9, s * 0.5, s * 0.13, kit.lighten(colour, 0.4)) + ellipse(
        0, -s * 0.88, s * 0.44, s * 0.1, gradient("#bfdde4", "#7fa9b8")
    )
    handle = path(
        f"M{-s * 0.48},{-s * 0.88}C{-s * 0.4},{-s * 0.3} {s * 0.4},{-s * 0.3} {s * 0.48},{-s * 0.88}",
        stroke="#6b727d",
        width=5,
    )
    brush = line([(-s * 0.42, -s * 1.02), (s * 0.66, -s * 1.12)], "#c99a62", s * 0.1) + "".join(
        line([(s * (0.2 + 0.05 * i), -s * 1.02), (s * (0.19 + 0.05 * i), -s * 0.9)], "#f2ead8", 4) for i in range(9)
    )
    return kit.contact(0, 0, s) + body + top + handle + brush


_TALK = (
    ("23:48", "Dana", "Could you add the figures for tomorrow?", False),
    ("23:52", "You", "On it.", True),
    ("01:15", "Dana", "One more round on page 9?", False),
    ("01:21", "You", "Doing it now.", True),
    ("02:40", "Priya", "Client wants two changes by eight.", False),
    ("02:41", "You", "Yes. I will stay on it.", True),
)


def night_monitor(w: float, h: float) -> str:
    """A monitor with a chat full of night-time work messages; the upper left corner of the screen is the origin."""
    stand = path(f"M{w * 0.44},{h}H{w * 0.56}L{w * 0.6},{h + 74}H{w * 0.4}Z", gradient("#3a404c", "#1e222b")) + ellipse(
        w / 2, h + 76, w * 0.19, 13, "#2b303a"
    )
    frame = rect(-14, -14, w + 28, h + 34, gradient("#3a404c", "#171a22"), r=12) + rect(
        0, 0, w, h, gradient("#f4f7fb", "#dfe8f2", 40)
    )
    bar = (
        rect(0, 0, w, 36, "#35507f")
        + text(16, 24, "Project team", 17, "#ffffff", weight=700)
        + rect(0, 36, 92, h - 36, "#e1e8f1")
    )
    side = "".join(
        circle(46, 70 + i * 50, 15, c) for i, c in enumerate(("#d08a4a", "#3d8a8c", "#75507f", "#a8503c", "#9aa3b5"))
    )
    rows, step = "", (h - 46) / len(_TALK)
    for i, (hour, who, words, own) in enumerate(_TALK):
        y = 44 + i * step
        wide = 78 + len(words) * 8.4
        x = w - wide - 16 if own else 108
        rows += rect(x, y, wide, step - 7, "#cfe0f7" if own else "#ffffff", r=9, stroke="#c3cfdf", width=1)
        rows += text(x + 12, y + step * 0.36, f"{who}", 13, "#4a5b7c", weight=700) + text(
            x + wide - 12, y + step * 0.36, hour, 14, "#a8503c", anchor="end", weight=700
        )
        rows += text(x + 12, y + step * 0.74, words, 15.5, kit.INK, weight=500)
    return stand + frame + bar + side + rows


def keyboard(w: float, colour: str = "#454c5a") -> str:
    """A keyboard lying on a table, seen from above the near edge; its middle is the origin."""
    deck = poly(
        [(-w * 0.47, -w * 0.1), (w * 0.47, -w * 0.1), (w * 0.5, w * 0.1), (-w * 0.5, w * 0.1)],
        gradient(kit.lighten(colour, 0.1), kit.darken(colour, 0.3)),
    )
    keys = "".join(
        rect(
            -w * 0.455 + i * w * 0.0655 + (row - 1.5) * -w * 0.004,
            -w * 0.083 + row * w * 0.045,
            w * 0.052,
            w * 0.033,
            kit.lighten(colour, 0.22),
            r=2,
        )
        for row in range(4)
        for i in range(14)
        if not (row == 3 and 4 <= i <= 8)
    )
    return (
        poly(
            [(-w * 0.48, -w * 0.08), (w * 0.5, -w * 0.08), (w * 0.54, w * 0.14), (-w * 0.46, w * 0.14)],
            kit.SHADOW,
            opacity=0.4,
            blur=6,
        )
        + deck
        + keys
        + rect(-w * 0.19, w * 0.052, w * 0.32, w * 0.033, kit.lighten(colour, 0.22), r=2)
    )


def desk_lamp(height: float, colour: str = "#b8503f") -> str:
    """A jointed desk lamp, lit, its foot on the origin and its shade to the right."""
    h = height
    foot = (
        kit.contact(0, 0, h * 0.36)
        + ellipse(0, 0, h * 0.16, h * 0.04, kit.darken(colour, 0.3))
        + ellipse(0, -h * 0.02, h * 0.15, h * 0.035, colour)
    )
    arm = line([(0, -h * 0.03), (-h * 0.13, -h * 0.5), (h * 0.16, -h * 0.88)], "#8c939e", h * 0.03) + circle(
        -h * 0.13, -h * 0.5, h * 0.03, "#5c636e"
    )
    shade = poly(
        [(h * 0.08, -h * 0.94), (h * 0.22, -h), (h * 0.5, -h * 0.76), (h * 0.24, -h * 0.62)],
        gradient(kit.lighten(colour, 0.3), kit.darken(colour, 0.25), 40),
    )
    light = poly(
        [(h * 0.5, -h * 0.76), (h * 0.24, -h * 0.62), (-h * 0.1, 0), (h * 1.3, h * 0.1)],
        "#ffe2a0",
        opacity=0.22,
        blur=14,
    ) + ellipse(h * 0.37, -h * 0.69, h * 0.14, h * 0.05, "#fff3cf")
    return foot + arm + light + shade
