"""Large hands that hold a phone or papers up to the viewer; sizes in pixels, skins as hex colours."""

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, path, rect, stroke


def _skin(colour: str, angle: int = 30) -> str:
    """The paint of lit skin."""
    return gradient(kit.lighten(colour, 0.22), kit.darken(colour, 0.2), angle)


def sleeve(width: float, length: float, colour: str, cuff: str) -> str:
    """A sleeve that comes up from below; the middle of its upper edge is the origin."""
    w = width / 2
    arm = path(
        f"M{-w},0C{-w * 1.1},{length * 0.4} {-w * 1.3},{length * 0.7} {-w * 1.4},{length}"
        f"H{w * 1.6}C{w * 1.4},{length * 0.6} {w * 1.15},{length * 0.3} {w},0Z",
        gradient(kit.lighten(colour, 0.2), kit.darken(colour, 0.28), 15),
    )
    folds = "".join(
        stroke(
            [
                (-w * 0.6 + i * w * 0.5, length * 0.25 + i * 14),
                (-w * 0.2 + i * w * 0.4, length * 0.4 + i * 10),
                (i * w * 0.4, length * 0.7),
            ],
            kit.darken(colour, 0.35),
            3,
            opacity=0.45,
        )
        for i in range(3)
    )
    band = path(
        f"M{-w * 1.04},-4C{-w * 0.5},14 {w * 0.5},14 {w * 1.04},-4L{w * 1.1},34"
        f"C{w * 0.5},54 {-w * 0.5},54 {-w * 1.1},34Z",
        gradient(kit.lighten(cuff, 0.2), kit.darken(cuff, 0.25), 10),
    )
    return arm + folds + band


def palm_behind(width: float, skin: str) -> str:
    """Wrist, palm and the ball of the thumb, for what is held to be drawn over; the wrist's middle is the origin."""
    w = width / 2
    shape = (
        f"M{-w * 0.8},20C{-w * 0.9},{-w * 0.5} {-w * 1.5},{-w * 0.9} {-w * 1.5},{-w * 1.8}"
        f"C{-w * 1.4},{-w * 2.8} {w * 1.3},{-w * 2.8} {w * 1.4},{-w * 1.8}"
        f"C{w * 1.4},{-w * 0.9} {w * 0.8},{-w * 0.4} {w * 0.85},20Z"
    )
    crease = stroke(
        [(-w * 0.5, -w * 0.2), (0, -w * 0.05), (w * 0.5, -w * 0.2)], kit.darken(skin, 0.25), 2.5, opacity=0.6
    )
    return path(shape, _skin(skin)) + crease


def thumb(length: float, skin: str) -> str:
    """A thumb that points up; the middle of its root is the origin."""
    s = length
    shape = (
        f"M{-s * 0.26},{s * 0.1}C{-s * 0.24},{-s * 0.2} {-s * 0.2},{-s * 0.4}"
        f" {-s * 0.19},{-s * 0.56}C{-s * 0.21},{-s * 0.8} {-s * 0.14},{-s} 0,{-s}"
        f"C{s * 0.14},{-s} {s * 0.2},{-s * 0.8} {s * 0.18},{-s * 0.58}"
        f"C{s * 0.18},{-s * 0.4} {s * 0.28},{-s * 0.1} {s * 0.33},{s * 0.14}"
        f"C{s * 0.36},{s * 0.5} {-s * 0.3},{s * 0.5} {-s * 0.26},{s * 0.1}Z"
    )
    nail = path(
        f"M{-s * 0.08},{-s * 0.76}C{-s * 0.09},{-s * 0.92} {-s * 0.05},{-s * 0.96}"
        f" {s * 0.01},{-s * 0.96}C{s * 0.07},{-s * 0.96} {s * 0.1},{-s * 0.9}"
        f" {s * 0.09},{-s * 0.76}C{s * 0.05},{-s * 0.72} {-s * 0.04},{-s * 0.72}"
        f" {-s * 0.08},{-s * 0.76}Z",
        kit.lighten(skin, 0.5),
        stroke=kit.darken(skin, 0.12),
        width=1.5,
    )
    lines = "".join(
        stroke([(-s * 0.1, -s * y), (0, -s * (y - 0.015)), (s * 0.1, -s * y)], kit.darken(skin, 0.25), 2, opacity=0.5)
        for y in (0.56, 0.52)
    )
    shade = path(shape, kit.SHADOW, opacity=0.3, blur=6)
    return group(shade, move=(s * 0.05, s * 0.05)) + path(shape, _skin(skin)) + nail + lines


def fingertips(reach: float, gap: float, skin: str, count: int = 4) -> str:
    """Fingers that come round the right edge of something; the edge is x = 0, the first finger's middle y = 0."""
    out = ""
    for i in range(count):
        r, long = gap * 0.42, reach * (0.86, 1.0, 0.94, 0.74)[i % 4]
        y = i * gap
        out += rect(-long + 5, y - r + 5, long + 30, r * 2, kit.SHADOW, r=r, opacity=0.28, blur=4)
        out += rect(-long, y - r, long + 34, r * 2, gradient(kit.lighten(skin, 0.2), kit.darken(skin, 0.22)), r=r)
        out += ellipse(-long + r * 0.75, y, r * 0.5, r * 0.62, kit.lighten(skin, 0.45), opacity=0.75)
    return out


def phone(w: float, h: float, *screen: str, case: str = "#23262e") -> str:
    """An upright phone whose screen, w x h with its upper left corner at the origin, shows what is passed."""
    m = w * 0.045
    d = (
        f"M{w * 0.07},0H{w * 0.93}Q{w},0 {w},{w * 0.07}V{h - w * 0.07}Q{w},{h}"
        f" {w * 0.93},{h}H{w * 0.07}Q0,{h} 0,{h - w * 0.07}V{w * 0.07}Q0,0 {w * 0.07},0Z"
    )
    body = rect(-m, -m, w + 2 * m, h + 2 * m, gradient(kit.lighten(case, 0.25), kit.darken(case, 0.3), 20), r=w * 0.12)
    button = rect(w + m - 1, h * 0.2, 5, h * 0.1, kit.darken(case, 0.2), r=2)
    glare = path(f"M0,0H{w * 0.42}L{w * 0.12},{h * 0.5}H0Z", "#ffffff", opacity=0.07)
    hole = circle(w / 2, w * 0.05, w * 0.018, "#0d0f14")
    return button + body + kit.clipped(d, rect(0, 0, w, h, "#ffffff"), *screen, glare) + hole
