"""People in a simplified editorial style: any age, standing, walking, sitting, kneeling; front, side and behind.

    from pipeline.starter.drawing.people import Look, person
    nurse = Look(skin="brown", hair="black", hair_style="bun", top="#3d8a8c", bottom="#3d8a8c", mood="smile")
    x, y = cam.at(0.4, 0, 4.5)
    person(nurse, x, y, 1.68 * cam.scale(4.5), view="side", hands=(None, (620, 410)))

Hands and feet go where canvas points are given, as far as the limbs reach; elbows and knees follow. Things that are
held are drawn by the scene, after (or before) the person, at the same points.
"""

import math
from dataclasses import dataclass

from pipeline.starter.drawing.heads import HAIR, SKIN, Look, head
from pipeline.starter.drawing.kit import (
    Point,
    contact,
    darken,
    ellipse,
    gradient,
    lighten,
    line,
    lit,
    path,
    rect,
    smooth,
    straight,
    stroke,
)

__all__ = ["HAIR", "SKIN", "Look", "head", "person"]

_TORSO = 0.315


@dataclass(frozen=True)
class _Build:
    """Proportions as shares of the standing height."""

    head: float
    hip: float
    shoulder: float
    half: float
    limb: float


_BUILDS = {
    "adult": _Build(0.142, 0.5, 0.815, 0.108, 1.0),
    "elder": _Build(0.146, 0.485, 0.79, 0.104, 1.0),
    "teen": _Build(0.15, 0.5, 0.805, 0.1, 0.95),
    "child": _Build(0.2, 0.44, 0.75, 0.105, 1.08),
    "toddler": _Build(0.25, 0.36, 0.69, 0.12, 1.3),
}


@dataclass(frozen=True)
class _Frame:
    """Maps body coordinates (u to the front or right, v up, shares of height) to the canvas."""

    x: float
    y: float
    height: float
    sign: int
    hip: Point
    lean: float
    torso: float

    def at(self, u: float, v: float) -> Point:
        return self.x + self.sign * u * self.height, self.y - v * self.height

    def back(self, point: Point) -> Point:
        return (point[0] - self.x) / self.height * self.sign, (self.y - point[1]) / self.height

    def body(self, u: float, t: float) -> Point:
        """Body coordinates of a torso point: u sideways, t from 0 (hip) to 1 (shoulders), leaning."""
        a = math.radians(self.lean)
        rise = t * self.torso
        return self.hip[0] + u * math.cos(a) + rise * math.sin(a), self.hip[1] - u * math.sin(a) + rise * math.cos(a)

    def on(self, u: float, t: float) -> Point:
        """The canvas point of a torso point."""
        return self.at(*self.body(u, t))

    def spots(self, half: float, pairs: list[Point]) -> list[Point]:
        """The canvas points of torso points whose u is given in units of `half`."""
        return [self.on(u * half, t) for u, t in pairs]


def _joint(a: Point, b: Point, upper: float, lower: float, bend: float) -> tuple[Point, Point]:
    """Elbow or knee, and the end actually reached, for a limb from a towards b; `bend` is +1 or -1 for the side."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    far = math.hypot(dx, dy) or 1e-6
    reach = min(max(far, abs(upper - lower) + 1e-4), (upper + lower) * 0.999)
    dx, dy = dx / far, dy / far
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    off = math.sqrt(max(upper**2 - along**2, 0)) * bend
    return (a[0] + dx * along - dy * off, a[1] + dy * along + dx * off), (a[0] + dx * reach, a[1] + dy * reach)


def _limb(points: list[Point], widths: list[float], paint: str) -> str:
    """One rounded outline around a chain of canvas points with a half width at each."""
    left, right = [], []
    edge = min(widths) * 0.7
    for i, (x, y) in enumerate(points):
        before, after = points[max(i - 1, 0)], points[min(i + 1, len(points) - 1)]
        angle = math.atan2(after[1] - before[1], after[0] - before[0])
        w = widths[i] - edge
        nx, ny = -math.sin(angle) * w, math.cos(angle) * w
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return path(straight(left + right[::-1]), paint, stroke=paint, width=edge * 2)


def _between(a: Point, b: Point, share: float) -> Point:
    """The point `share` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _arm(
    f: _Frame, look: Look, start: Point, target: Point | None, rest: Point, bend: float, far: bool, foreshorten: bool
) -> str:
    """One arm with sleeve and hand; `start`, `rest` in body coordinates, `target` on the canvas.

    `foreshorten` draws an arm that reaches a near target shorter, as it points towards the eye.
    """
    b = _BUILDS[look.age]
    total = (b.shoulder - 0.42 if b.shoulder > 0.78 else b.shoulder - 0.36) * 0.84
    aim = f.back(target) if target else rest
    if foreshorten:
        total *= min(1.0, max(0.62, math.dist(start, aim) / total * 1.1))
    elbow, wrist = _joint(start, aim, total * 0.52, total * 0.48, bend)
    s, e, w = f.at(*start), f.at(*elbow), f.at(*wrist)
    unit = f.height * b.limb
    tint = 0.14 if far else 0.0
    skin, cloth = darken(look.skin_colour, tint), darken(look.top, tint)
    angle = math.atan2(w[1] - e[1], w[0] - e[0])
    tip = w[0] + math.cos(angle) * unit * 0.026, w[1] + math.sin(angle) * unit * 0.026
    hand = _limb([w, tip], [unit * 0.018, unit * 0.02], lit(skin, 50, 0.1))
    thumb = angle - 0.9 * f.sign
    at = w[0] + math.cos(thumb) * unit * 0.026, w[1] + math.sin(thumb) * unit * 0.026
    hand += line([w, at], skin, unit * 0.014)
    girth = 0.5 + look.build / 2
    if look.top_kind in ("tee", "apron", "tank", "dress"):
        arm = _limb([s, e, w], [unit * 0.03, unit * 0.025, unit * 0.018], lit(skin, 40, 0.1))
        cut = 0.12 if look.top_kind == "tank" else 0.62
        return (
            hand
            + arm
            + _limb([s, _between(s, e, cut)], [unit * 0.04 * girth, unit * 0.037 * girth], lit(cloth, 40, 0.1))
        )
    return hand + _limb([s, e, w], [unit * 0.038 * girth, unit * 0.034, unit * 0.026], lit(cloth, 40, 0.12))


def _leg_lengths(b: _Build, start: Point, foot: Point) -> tuple[float, float]:
    """Lengths of thigh and shin; a leg that is nearly stretched is drawn straight, as a standing one looks."""
    full, far = b.hip * 0.98, math.dist(start, foot)
    half = min(full, far * 1.004) / 2 if far > full * 0.94 else full / 2
    return half, half


def _shoe(f: _Frame, look: Look, foot: Point, view: str, toe: float = 0.0) -> str:
    """One shoe at the body coordinates of an ankle."""
    x, y = f.at(*foot)
    u = f.height * _BUILDS[look.age].limb
    paint, sole = lit(look.shoes, 60, 0.2), darken(look.shoes, 0.35)
    if view == "side":
        s = f.sign
        top = [
            (x - s * u * 0.028, y - u * 0.02),
            (x + s * u * 0.022, y - u * 0.022),
            (x + s * u * 0.085, y + u * 0.006),
            (x + s * u * 0.088, y + u * 0.022),
        ]
        shape = straight([*top, (x - s * u * 0.03, y + u * 0.022)])
        return path(shape, paint, stroke=paint, width=u * 0.012) + line(
            [(x - s * u * 0.03, y + u * 0.026), (x + s * u * 0.086, y + u * 0.026)], sole, u * 0.008
        )
    wide = u * 0.034
    return ellipse(x + toe * u, y + u * 0.008, wide, u * 0.024, paint) + line(
        [(x + toe * u - wide * 0.8, y + u * 0.025), (x + toe * u + wide * 0.8, y + u * 0.025)], sole, u * 0.008
    )


def _leg(
    f: _Frame, look: Look, start: Point, foot: Point, knee: Point | None, bend: float, view: str, far: bool
) -> str:
    """One leg with trousers, shorts or bare below a skirt."""
    b = _BUILDS[look.age]
    if knee is None:
        knee, foot = _joint(start, foot, *_leg_lengths(b, start, foot), bend)
    s, k, e = f.at(*start), f.at(*knee), f.at(*foot)
    u, tint = f.height * b.limb, 0.16 if far else 0.0
    cloth, skin = darken(look.bottom, tint), darken(look.skin_colour, tint)
    out = _shoe(f, look, foot, view)
    bare = look.bottom_kind in ("shorts", "skirt") or look.top_kind == "dress"
    if bare:
        out += _limb([s, k, e], [u * 0.046, u * 0.034, u * 0.021], lit(skin, 30, 0.1))
    if look.bottom_kind == "shorts" and look.top_kind != "dress":
        out += _limb([s, _between(s, k, 0.82)], [u * 0.056, u * 0.056], lit(cloth, 30, 0.1))
    if not bare:
        girth = 0.5 + look.build / 2
        out += _limb([s, k, e], [u * 0.056 * girth, u * 0.045, u * 0.032], lit(cloth, 30, 0.12))
    return out


def _trim(f: _Frame, look: Look, half: float) -> str:
    """Details of the front of a garment: collar, buttons, zip, apron, vest stripes."""
    u, dark, accent = f.height, darken(look.top, 0.32), look.accent
    if look.top_kind == "apron":
        bib = [(-0.5, 0.86), (0.5, 0.86), (0.8, 0.4), (0.95, -0.45), (-0.95, -0.45), (-0.8, 0.4)]
        out = path(smooth(f.spots(half, bib)), lit(accent, 60, 0.08))
        out += line(f.spots(half, [(-0.42, 0.85), (-0.3, 1.02)]), accent, u * 0.012)
        out += line(f.spots(half, [(0.42, 0.85), (0.3, 1.02)]), accent, u * 0.012)
        return out + line(f.spots(half, [(-0.45, 0.18), (0.45, 0.18)]), darken(accent, 0.2), u * 0.006)
    if look.top_kind == "vest":
        panel = [(0.8, 1.0), (0.1, 0.6), (0.1, 0.02), (1.0, 0.02), (1.0, 0.7)]
        out = path(straight(f.spots(-half, panel)), accent) + path(straight(f.spots(half, panel)), darken(accent, 0.12))
        return out + line(f.spots(half, [(-1, 0.3), (1, 0.3)]), "#f4f4ea", u * 0.02)
    if look.top_kind in ("jacket", "coat"):
        lapel = [(0.34, 1.0), (0.16, 0.55)]
        out = path(straight(f.spots(half, [(-0.3, 1.02), (0.3, 1.02), (0.16, 0.0), (-0.16, 0.0)])), accent)
        return out + line(f.spots(half, lapel), dark, u * 0.01) + line(f.spots(-half, lapel), dark, u * 0.01)
    if look.top_kind == "hoodie":
        out = stroke(f.spots(half, [(-0.7, 1.04), (0, 0.86), (0.7, 1.04)]), lighten(look.top, 0.12), u * 0.035)
        return out + stroke(f.spots(half, [(-0.6, 0.1), (-0.35, 0.34), (0.35, 0.34), (0.6, 0.1)]), dark, u * 0.006)
    if look.top_kind == "shirt":
        out = path(straight(f.spots(half, [(-0.36, 1.06), (0, 0.84), (0.36, 1.06)])), lighten(look.top, 0.3))
        return out + line(f.spots(half, [(0, 0.84), (0, 0.02)]), dark, u * 0.004, opacity=0.6)
    return stroke(f.spots(half, [(-0.36, 1.02), (0, 0.93), (0.36, 1.02)]), dark, u * 0.008, opacity=0.6)


def _torso(f: _Frame, look: Look, view: str) -> str:
    """Neck and upper garment in front, side or back view."""
    b, u = _BUILDS[look.age], f.height
    half = b.half * look.build
    neck = _limb(
        [f.on(0, 0.95), f.on(0.006 if view == "side" else 0, 1.16)],
        [u * 0.034 * b.limb, u * 0.029 * b.limb],
        gradient(darken(look.skin_colour, 0.25), darken(look.skin_colour, 0.08), 270),
    )
    if view == "side":
        belly = 0.86 + 0.5 * (look.build - 1)
        shape = [(-0.35, 1.05), (0.35, 1.05), (0.86, 0.82), (belly, 0.35), (0.8, -0.04), (-0.86, -0.06)]
        outline = smooth(f.spots(half * 0.66, [*shape, (-0.78, 0.35), (-0.95, 0.78)]))
    else:
        waist = (0.74 if look.top_kind in ("dress", "tank") else 0.82) * (0.4 + 0.6 * look.build)
        right = [(0.34, 1.07), (0.86, 0.99), (0.98, 0.86), (0.86, 0.6), (waist, 0.32), (0.9, -0.04)]
        outline = smooth(f.spots(half, right + [(-x, t) for x, t in reversed(right)]))
    body = path(outline, lit(look.top, 50, 0.16))
    if view == "front":
        body += _trim(f, look, half)
    elif look.top_kind == "vest":
        body = path(outline, lit(look.accent, 50, 0.12))
        body += line(f.spots(half, [(-0.6, 0.3), (0.6, 0.3)]), "#f4f4ea", u * 0.02)
    elif look.top_kind == "apron" and view == "side":
        bib = [(0.3, 0.8), (0.95, 0.8), (1.05, 0.2), (1.1, -0.5), (0.2, -0.5), (0.3, 0.2)]
        body += path(smooth(f.spots(half * 0.66, bib)), look.accent)
    return neck + body


def _skirt(f: _Frame, look: Look, pose: str, knees: Point, view: str) -> str:
    """Skirt, dress or coat tails below the hip."""
    if not (look.bottom_kind == "skirt" or look.top_kind in ("dress", "coat")):
        return ""
    colour = look.top if look.top_kind in ("dress", "coat") else look.bottom
    half = _BUILDS[look.age].half * look.build * (0.7 if view == "side" else 1.0)
    if pose == "sit" and view == "side":
        k = f.at(*knees)
        u = f.height
        pts = [
            f.on(-half, 0.1),
            f.on(half, 0.12),
            (k[0] + f.sign * u * 0.02, k[1] - u * 0.05),
            (k[0] + f.sign * u * 0.02, k[1] + u * 0.1),
            f.on(half * 0.2, -0.2),
            f.on(-half, -0.2),
        ]
        return path(straight(pts), lit(colour, 40, 0.14), stroke=lit(colour, 40, 0.14), width=u * 0.02)
    drop = -0.86 if pose != "sit" else -0.5
    pts = [
        f.on(-half * 0.9, 0.1),
        f.on(half * 0.9, 0.1),
        f.on(half * 1.4, drop),
        f.on(0, drop - 0.06),
        f.on(-half * 1.4, drop),
    ]
    folds = line([f.on(half * 0.3, -0.1), f.on(half * 0.5, drop)], darken(colour, 0.25), f.height * 0.005, opacity=0.6)
    return path(straight(pts), lit(colour, 40, 0.16)) + folds


_SIDE_POSES: dict[str, tuple[Point, Point, Point]] = {
    # pose: hip, far foot, near foot (before proportions of the age are applied to the hip's height)
    "stand": ((0, 0.5), (0.03, 0.03), (-0.02, 0.03)),
    "walk": ((0, 0.485), (-0.15, 0.06), (0.14, 0.03)),
    "sit": ((0, 0.055), (0.26, -0.22), (0.23, -0.22)),
    "kneel": ((0, 0.26), (-0.2, 0.03), (-0.18, 0.03)),
    "crouch": ((-0.06, 0.16), (0.05, 0.03), (0.0, 0.03)),
    "floor": ((0, 0.055), (0.42, 0.03), (0.36, 0.03)),
}
_FRONT_POSES: dict[str, tuple[Point, Point, Point]] = {
    "stand": ((0, 0.5), (-0.062, 0.03), (0.062, 0.03)),
    "walk": ((0, 0.49), (-0.04, 0.09), (0.045, 0.03)),
    "sit": ((0, 0.055), (-0.085, -0.24), (0.085, -0.24)),
    "kneel": ((0, 0.26), (-0.07, 0.03), (0.07, 0.03)),
    "crouch": ((0, 0.16), (-0.08, 0.03), (0.08, 0.03)),
    "floor": ((0, 0.055), (-0.12, 0.0), (0.12, 0.0)),
}


def _legs(
    f: _Frame, look: Look, pose: str, view: str, spots: tuple[Point, Point], given: tuple[Point | None, Point | None]
) -> str:
    """Both legs and the skirt; the farther (or left) leg first."""
    b = _BUILDS[look.age]
    out, knees = "", (0.0, 0.0)
    for i in (0, 1):
        foot = (
            f.back(given[i] or (0, 0))
            if given[i]
            else (spots[i][0], spots[i][1] * (b.hip / 0.5 if spots[i][1] < 0 else 1))
        )
        knee: Point | None = None
        if view == "side":
            start, bend = (f.hip[0], f.hip[1]), 1.0
        else:
            side = 2 * i - 1
            start, bend = (f.hip[0] + side * b.half * look.build * 0.46, f.hip[1]), float(side)
            if pose in ("stand", "walk"):
                knee = ((start[0] + foot[0]) / 2 + side * 0.004, (start[1] + foot[1]) / 2)
            elif pose == "sit":
                knee = (start[0] + side * 0.025, f.hip[1] - 0.05)
            elif pose in ("kneel", "crouch", "floor"):
                knee = (start[0] + side * 0.045, max(f.hip[1] - 0.2, 0.06))
        if given[i]:
            knee = None
        out += _leg(f, look, start, foot, knee, bend, view, far=view == "side" and i == 0)
        knees = knee or _joint(start, foot, *_leg_lengths(b, start, foot), bend)[0]
    return out + _skirt(f, look, pose, knees, view)


def person(
    look: Look, x: float, y: float, height: float, *, view: str = "front", pose: str = "stand",
    hands: tuple[Point | None, Point | None] = (None, None), feet: tuple[Point | None, Point | None] = (None, None),
    lean: float = 0, gaze: float = 0, tilt: float = 0, flip: bool = False, face: str = "", shadow: bool = True,
) -> str:  # fmt: skip
    """A person of standing height `height` pixels.

    x, y: between the feet on the ground; for pose "sit" the middle of the seat's surface.
    view: front, side (looks right; left with `flip`), behind.
    pose: stand, walk, sit, kneel, crouch, floor (sits on it).
    hands, feet: canvas points for (left, right) as seen on the canvas in front and behind views, (far, near) in a
    side view; None leaves them at rest.
    lean: degrees forward (side view) or to the right. gaze: -1..1 turns a front face.
    tilt: degrees of the head. face: overrides the view of the head ("side" on a front body looks natural in talk).
    Raises KeyError for an unknown pose or age.
    """
    b = _BUILDS[look.age]
    hip, one, two = (_SIDE_POSES if view == "side" else _FRONT_POSES)[pose]
    rise = hip[1] * b.hip / 0.5 if pose != "sit" and pose != "floor" else hip[1]
    sign = -1 if flip and view == "side" else 1
    f = _Frame(x, y, height, sign, (hip[0], rise), lean, b.shoulder - b.hip)
    legs = _legs(f, look, pose, view, (one, two), feet)
    half = b.half * look.build
    arms = ["", ""]
    for i in (0, 1):
        side = 2 * i - 1
        if view == "side":
            start = f.body(0.012 * (1 if i == 0 else -1), 0.93)
            rest = start[0] + 0.05, start[1] - (b.shoulder - 0.36) * 0.78
            bend = -1.0
        else:
            start = f.body(side * half * 0.82, 0.9)
            rest = start[0] + side * 0.045, start[1] - 1
            bend = float(side)
        arms[i] = _arm(f, look, start, hands[i], rest, bend, far=view == "side" and i == 0, foreshorten=view != "side")
    torso = _torso(f, look, view)
    size = b.head * height
    hx, hy = f.on(0.012 if view == "side" else 0, 1.0)
    up = math.radians(lean * 0.6)
    reach = size * 0.5 + height * (0.03 if look.age in ("adult", "elder", "teen") else 0.005)
    face_view = face or view
    skull = head(
        look,
        hx + sign * math.sin(up) * reach,
        hy - math.cos(up) * reach,
        size,
        view=face_view,
        gaze=gaze,
        tilt=tilt + (lean * 0.5 * sign if view == "side" else lean * 0.3),
        flip=flip and face_view == "side",
    )
    under = contact(x, y, height * 0.24) if shadow and pose != "sit" else ""
    if view == "side":
        return under + arms[0] + legs + torso + skull + arms[1]
    if view == "behind":
        return under + "".join(arms) + legs + torso + skull
    resting = "".join(arm for arm, hand in zip(arms, hands, strict=True) if hand is None)
    return under + resting + legs + torso + skull + "".join(arm for arm, hand in zip(arms, hands, strict=True) if hand)


def baby(look: Look, x: float, y: float, size: float, wrap: str = "#d9dfe8") -> str:
    """A wrapped lying baby, `size` pixels long, its head to the left; x, y is the middle of what it lies on."""
    cloth = rect(x - size * 0.3, y - size * 0.26, size * 0.8, size * 0.26, lit(wrap, 60, 0.12), r=size * 0.13)
    fold = stroke(
        [(x - size * 0.1, y - size * 0.25), (x + size * 0.05, y - size * 0.12), (x - size * 0.04, y)],
        darken(wrap, 0.2),
        max(1.5, size * 0.012),
    )
    return (
        contact(x, y, size * 0.95)
        + cloth
        + fold
        + head(look, x - size * 0.32, y - size * 0.15, size * 0.3, view="front", tilt=-80)
    )
