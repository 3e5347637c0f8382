"""Sky, ground, streets, houses, trees, water and vehicles."""

from pipeline.starter.drawing.kit import (
    BRICK,
    CREAM,
    GREEN,
    HEIGHT,
    INK,
    IRON,
    MOSS,
    PAPER,
    SHADOW,
    STEEL,
    SUN,
    WALNUT,
    WIDTH,
    Camera,
    bricks,
    circle,
    contact,
    darken,
    ellipse,
    gradient,
    ground,
    lighten,
    line,
    lit,
    mix,
    path,
    poly,
    rect,
    smooth,
    speckle,
    stroke,
)


def sky(horizon: float, *, kind: str = "day") -> str:
    """The sky down to `horizon`; kind: day, dusk, grey, night."""
    pairs = {
        "day": ("#7fb2de", "#e8f0f0"),
        "dusk": ("#5b6a9c", "#f3c9a0"),
        "grey": ("#9aa7b5", "#dde1e2"),
        "night": ("#10173a", "#3b4676"),
    }
    return rect(0, 0, WIDTH, horizon + 2, gradient(*pairs[kind]))


def cloud(x: float, y: float, w: float, colour: str = "#ffffff", opacity: float = 0.8) -> str:
    """A flat cloud, w pixels wide, around x, y."""
    bumps = [(-0.32, 0, 0.16), (-0.12, -0.07, 0.2), (0.12, -0.04, 0.18), (0.32, 0.01, 0.14)]
    body = "".join(ellipse(x + w * dx, y + w * dy, w * r, w * r * 0.62, colour) for dx, dy, r in bumps)
    return f'<g opacity="{opacity:.2f}">{body}{rect(x - w * 0.44, y, w * 0.88, w * 0.09, colour, r=w * 0.045)}</g>'


def hills(y: float, h: float, colour: str = "#9bb39a", *, seed: int = 1) -> str:
    """A soft range of hills: its mean line at y, height h; fills down to the bottom of the canvas."""
    points = (
        [(-80.0, HEIGHT + 60.0)]
        + [(-80 + i * 150.0, y - h * ((i * 37 + seed * 29) % 10) / 10) for i in range(9)]
        + [(WIDTH + 100.0, HEIGHT + 60.0)]
    )
    return path(smooth(points), gradient(colour, lighten(colour, 0.25)))


def lawn(horizon: float, colour: str = GREEN) -> str:
    """Grass from the horizon to the bottom, with tufts that grow towards the eye."""
    out = rect(0, horizon, WIDTH, HEIGHT - horizon, gradient(lighten(colour, 0.32), darken(colour, 0.14)))
    for i in range(90):
        depth = ((i * 61) % 97) / 97
        x, y = (i * 173) % WIDTH, horizon + 12 + depth**1.4 * (HEIGHT - horizon - 14)
        size = 3 + 11 * depth
        out += stroke(
            [(x - size * 0.4, y - size), (x, y), (x + size * 0.4, y - size * 1.1)],
            darken(colour, 0.3),
            1 + depth,
            opacity=0.35,
        )
    return out


def road(
    cam: Camera,
    x: float,
    w: float,
    *,
    near: float = 1.5,
    far: float = 60,
    colour: str = "#6d727c",
    stripes: bool = True,
) -> str:
    """A road that runs away from the eye, its left edge at x metres."""
    out = ground(cam, x, near, w, far - near, gradient(lighten(colour, 0.25), colour))
    if stripes:
        for i in range(14):
            z = near + 1 + i * 2.6
            out += ground(cam, x + w / 2 - 0.07, z, 0.14, 1.2, PAPER, opacity=0.8)
    return out


def pavement(cam: Camera, x: float, w: float, *, near: float = 1.5, far: float = 60, colour: str = "#c6c1b6") -> str:
    """A paved way of slabs that runs away from the eye."""
    out = ground(cam, x, near, w, far - near, gradient(lighten(colour, 0.15), darken(colour, 0.05)))
    z = near
    while z < far:
        out += line(cam.face((x, 0, z), (x + w, 0, z)), darken(colour, 0.3), 1, opacity=0.5)
        z += 0.8
    return (
        out
        + line(cam.face((x, 0, near), (x, 0, far)), darken(colour, 0.3), 1.5)
        + line(cam.face((x + w, 0, near), (x + w, 0, far)), darken(colour, 0.3), 1.5)
    )


def house(
    x: float,
    y: float,
    w: float,
    h: float,
    colour: str = CREAM,
    *,
    floors: int = 3,
    columns: int = 4,
    roof: str = BRICK,
    brick: bool = False,
    shop: str = "",
) -> str:
    """A house front standing on the line y; `shop` is the colour of an awning on the ground floor."""
    out = rect(x, y - h, w, h, bricks(colour) if brick else gradient(lighten(colour, 0.14), darken(colour, 0.12), 50))
    if roof:
        out += poly(
            [
                (x - w * 0.03, y - h),
                (x + w * 1.03, y - h),
                (x + w * 0.94, y - h - w * 0.16),
                (x + w * 0.06, y - h - w * 0.16),
            ],
            lit(roof, 60, 0.12),
        )
    level = h / floors
    for f in range(floors):
        if f == 0 and shop:
            continue
        for c in range(columns):
            wx, wy = x + w * (c + 0.28) / columns, y - level * f - level * 0.8
            ww, wh = w * 0.44 / columns, level * 0.55
            out += (
                rect(wx - 2, wy - 2, ww + 4, wh + 4, lighten(colour, 0.5))
                + rect(wx, wy, ww, wh, gradient("#5f7891", "#a9bfcc", 60))
                + line([(wx + ww / 2, wy), (wx + ww / 2, wy + wh)], lighten(colour, 0.5), 2)
            )
    if shop:
        out += rect(x + w * 0.06, y - level * 0.8, w * 0.88, level * 0.8, gradient("#50647a", "#8ea5b4", 60))
        out += poly(
            [
                (x + w * 0.02, y - level * 0.68),
                (x + w * 0.98, y - level * 0.68),
                (x + w * 0.94, y - level * 0.95),
                (x + w * 0.06, y - level * 0.95),
            ],
            lit(shop, 90, 0.15),
        )
    return out


def tree(x: float, y: float, h: float, colour: str = MOSS) -> str:
    """A broad tree, h pixels high."""
    trunk = path(
        (
            f"M{x - h * 0.035},{y}C{x - h * 0.02},{y - h * 0.2} {x - h * 0.02},{y - h * 0.35} "
            f"{x - h * 0.06},{y - h * 0.5}"
            f"L{x + h * 0.06},{y - h * 0.5}C{x + h * 0.02},{y - h * 0.35} {x + h * 0.02},{y - h * 0.2} "
            f"{x + h * 0.04},{y}"
            "Z"
        ),
        lit(WALNUT, 0, 0.2),
    )
    tufts = [
        (0.16, -0.5, 0.2),
        (-0.18, -0.52, 0.2),
        (0, -0.6, 0.26),
        (0.13, -0.74, 0.19),
        (-0.13, -0.77, 0.19),
        (0, -0.86, 0.14),
    ]
    crown = "".join(
        circle(x + h * dx, y + h * dy, h * r, gradient(lighten(colour, 0.26), darken(colour, 0.16), 55))
        for dx, dy, r in tufts
    )
    return contact(x, y, h * 0.5, h * 0.035) + trunk + crown


def fir(x: float, y: float, h: float, colour: str = "#3f6350") -> str:
    """A conifer, h pixels high."""
    out = rect(x - h * 0.025, y - h * 0.12, h * 0.05, h * 0.12, WALNUT)
    for k in range(4):
        top, half = y - h * (0.42 + 0.19 * k), h * (0.24 - 0.045 * k)
        out += poly(
            [(x, top - h * 0.03), (x + half, top + h * 0.32), (x - half, top + h * 0.32)],
            gradient(lighten(colour, 0.15 + 0.04 * k), darken(colour, 0.14), 20),
        )
    return contact(x, y, h * 0.3, h * 0.025) + out


def bush(x: float, y: float, w: float, colour: str = "#5f8657") -> str:
    """A low bush, w pixels wide."""
    spots = [(-0.3, -0.14, 0.2), (0.3, -0.14, 0.2), (-0.1, -0.24, 0.24), (0.14, -0.22, 0.22), (0, -0.1, 0.24)]
    return contact(x, y, w) + "".join(
        ellipse(x + w * dx, y + w * dy, w * r, w * r * 0.8, gradient(lighten(colour, 0.25), darken(colour, 0.16), 55))
        for dx, dy, r in spots
    )


def water(y: float, h: float, colour: str = "#6f9fbd") -> str:
    """A sheet of water from y over height h, with glints."""
    out = rect(0, y, WIDTH, h, gradient(lighten(colour, 0.3), darken(colour, 0.12)))
    for i in range(46):
        depth = ((i * 53) % 47) / 47
        out += line(
            [
                ((i * 211) % WIDTH, y + 6 + depth * h * 0.95),
                ((i * 211) % WIDTH + 14 + 60 * depth, y + 6 + depth * h * 0.95),
            ],
            "#ffffff",
            1 + 1.6 * depth,
            opacity=0.3,
        )
    return out


def rock(x: float, y: float, w: float, h: float, colour: str = "#8b8d93") -> str:
    """A rock standing at x, y."""
    outline = [
        (x - w * 0.5, y),
        (x - w * 0.42, y - h * 0.55),
        (x - w * 0.12, y - h),
        (x + w * 0.2, y - h * 0.88),
        (x + w * 0.46, y - h * 0.4),
        (x + w * 0.5, y),
    ]
    facet = [
        (x - w * 0.12, y - h),
        (x + w * 0.2, y - h * 0.88),
        (x + w * 0.46, y - h * 0.4),
        (x + w * 0.5, y),
        (x + w * 0.05, y),
        (x + w * 0.02, y - h * 0.5),
    ]
    return contact(x, y, w) + poly(outline, lit(colour, 60, 0.2)) + poly(facet, darken(colour, 0.25), opacity=0.6)


def railing(x0: float, x1: float, y: float, h: float, *, gap: float = 26, colour: str = IRON, bar: float = 4) -> str:
    """An upright railing between x0 and x1, its foot at y, with bars every `gap` pixels."""
    count = max(1, int((x1 - x0) / gap))
    bars = "".join(
        line([(x0 + (x1 - x0) * i / count, y), (x0 + (x1 - x0) * i / count, y - h)], colour, bar)
        for i in range(count + 1)
    )
    return (
        bars
        + rect(x0 - 4, y - h - bar, x1 - x0 + 8, bar * 2.4, lit(colour, 90, 0.25), r=3)
        + line([(x0, y - h * 0.08), (x1, y - h * 0.08)], colour, bar * 1.2)
    )


def picket_fence(x0: float, x1: float, y: float, h: float, colour: str = PAPER) -> str:
    """A garden fence of pointed boards."""
    out = "".join(rect(x0, y - h * k, x1 - x0, h * 0.1, darken(colour, 0.14)) for k in (0.3, 0.78))
    step = h * 0.28
    for i in range(int((x1 - x0) / step)):
        x = x0 + i * step
        out += poly(
            [
                (x, y),
                (x, y - h * 0.86),
                (x + step * 0.36, y - h),
                (x + step * 0.72, y - h * 0.86),
                (x + step * 0.72, y),
            ],
            gradient(lighten(colour, 0.05), darken(colour, 0.12), 0),
        )
    return out


def street_lamp(x: float, y: float, h: float, *, on: bool = False) -> str:
    """A street lamp, h pixels high."""
    out = line([(x, y), (x, y - h)], IRON, h * 0.018) + line(
        [(x, y - h), (x + h * 0.12, y - h * 1.01)], IRON, h * 0.014
    )
    light = ellipse(x + h * 0.12, y - h * 0.95, h * 0.4, h * 0.4, "url(#r-fff2d2b0-fff2d200)") if on else ""
    return (
        contact(x, y, h * 0.08)
        + light
        + out
        + rect(x + h * 0.07, y - h * 1.02, h * 0.11, h * 0.03, lit(STEEL, 90, 0.2), r=4)
    )


def car(x: float, y: float, w: float, colour: str = "#4a76b8", *, flip: bool = False) -> str:
    """A car from the side, w pixels long, wheels on the line y; it looks to the right (left with `flip`)."""
    s, h = (-1 if flip else 1), w * 0.34

    def at(u: float, v: float) -> tuple[float, float]:
        return x + s * u * w, y - v * h

    body = [
        at(-0.5, 0.22),
        at(-0.49, 0.52),
        at(-0.4, 0.6),
        at(-0.26, 0.94),
        at(-0.1, 1.0),
        at(0.1, 0.98),
        at(0.24, 0.64),
        at(0.42, 0.56),
        at(0.5, 0.42),
        at(0.5, 0.2),
        at(0.46, 0.14),
        at(-0.46, 0.14),
    ]
    glass = [at(-0.34, 0.62), at(-0.24, 0.88), at(-0.1, 0.92), at(0.08, 0.9), at(0.18, 0.62)]
    out = contact(x, y, w * 0.96, w * 0.04, 0.5) + path(
        smooth(body), gradient(lighten(colour, 0.3), darken(colour, 0.25))
    )
    out += poly(glass, gradient("#38465a", "#8ba2b3", 70)) + line(
        [at(-0.06, 0.92), at(-0.08, 0.2)], darken(colour, 0.25), w * 0.012
    )
    for u in (-0.3, 0.3):
        wx, wy = at(u, 0.16)
        out += (
            circle(wx, wy - 0, w * 0.085, "#2a2c33")
            + circle(wx, wy, w * 0.048, lit(STEEL, 60, 0.3))
            + circle(wx, wy, w * 0.015, INK)
        )
    lamp, tail = at(0.475, 0.44), at(-0.49, 0.46)
    return (
        out
        + ellipse(lamp[0], lamp[1], w * 0.02, w * 0.016, "#fff4cf")
        + ellipse(tail[0], tail[1], w * 0.012, w * 0.02, "#c8453f")
        + line([at(-0.14, 0.52), at(-0.2, 0.52)], darken(colour, 0.4), w * 0.01)
    )


def bicycle(x: float, y: float, w: float, colour: str = "#a8503c") -> str:
    """A bicycle from the side, w pixels long, looking to the right."""
    r, dark = w * 0.19, "#30323a"
    a, b = (x - w * 0.3, y - r), (x + w * 0.3, y - r)
    crank, seat, bar = (x - w * 0.03, y - r), (x - w * 0.11, y - w * 0.46), (x + w * 0.21, y - w * 0.48)
    wheels = "".join(
        circle(cx, cy, r, "none", stroke=dark, width=w * 0.018)
        + "".join(
            line([(cx - r * 0.9 * c, cy - r * 0.9 * s), (cx + r * 0.9 * c, cy + r * 0.9 * s)], STEEL, 1)
            for c, s in ((1, 0), (0, 1), (0.7, 0.7), (0.7, -0.7))
        )
        for cx, cy in (a, b)
    )
    frame = "".join(
        line(list(p), colour, w * 0.02)
        for p in ((a, seat), (a, crank), (crank, seat), (crank, bar), (seat, bar), (b, bar))
    )
    extras = line([(seat[0] - w * 0.06, seat[1] - w * 0.02), (seat[0] + w * 0.05, seat[1] - w * 0.02)], dark, w * 0.03)
    extras += line(
        [bar, (bar[0] - w * 0.02, bar[1] - w * 0.05), (bar[0] + w * 0.05, bar[1] - w * 0.07)], dark, w * 0.018
    ) + circle(crank[0], crank[1], w * 0.03, dark)
    return contact(x, y, w * 0.9, w * 0.025) + wheels + frame + extras


def sand(y: float, colour: str = "#e2cfa4") -> str:
    """A beach from the line y to the bottom."""
    return rect(0, y, WIDTH, HEIGHT - y, speckle(colour)) + rect(
        0, y, WIDTH, HEIGHT - y, gradient(SUN + "00", SHADOW + "2e")
    )


def far_city(y: float, h: float, colour: str = "#a9b7c6") -> str:
    """A row of distant blocks on the horizon y, up to h pixels high."""
    out = ""
    for i in range(22):
        w, bh = 34 + (i * 31 % 5) * 9, h * (0.35 + (i * 17 % 11) / 17)
        x = i * 48 - 10
        out += rect(x, y - bh, w, bh, gradient(mix(colour, "#ffffff", (i * 7 % 5) / 9), mix(colour, PAPER, 0.4)))
    return out


def skyline(x: float, y: float, w: float, h: float, *, day: bool = True) -> str:
    """A view of houses and sky that fills a rectangle, to stand behind a window."""
    sky = gradient("#9cc4e6", "#e6eef2") if day else gradient("#141b38", "#3a3f68")
    out = rect(x, y, w, h, sky)
    for i in range(9):
        bw, bh = w * (0.1 + (i * 7 % 5) * 0.018), h * (0.18 + (i * 13 % 7) * 0.055)
        bx = x + w * i / 9 - bw * 0.1
        shade = mix("#8fa3bd", "#c3ccd6", (i * 5 % 7) / 7) if day else mix("#1c2444", "#2c3358", (i * 5 % 7) / 7)
        out += rect(bx, y + h - bh, bw, bh, shade)
        if not day:
            out += "".join(
                rect(bx + bw * (0.2 + 0.3 * (k % 2)), y + h - bh + 6 + 12 * k, 3, 4, "#f3d27a", opacity=0.8)
                for k in range(int(bh / 16))
            )
    return out
