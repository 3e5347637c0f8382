"""Heads of people: faces, hair, head scarves and hats, from the front, the side and behind.

Local coordinates: the head is 100 units high, its middle at 0, 0, chin at y = 50; side views look to the right.
"""

from dataclasses import dataclass

from pipeline.starter.drawing.kit import INK, circle, darken, ellipse, gradient, group, lighten, lit, mix, path, stroke

SKIN = {
    "pale": "#f2cdb4", "fair": "#e8b896", "olive": "#d3a077", "tan": "#bd8459", "brown": "#93603e", "deep": "#65412d",
}  # fmt: skip
HAIR = {
    "black": "#2a2730", "brown": "#5a3d2e", "chestnut": "#7c4b30", "blond": "#c99f5e", "red": "#a8552f",
    "grey": "#a3a4a9", "white": "#dcdad6",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a person looks; all colours are hex strings or names of SKIN and HAIR.

    hair_style: short, crop, long, bob, bun, ponytail, curly, bald, scarf (head scarf in `hat_colour`).
    hat: "", cap, helmet, beanie, sunhat. beard: draws one in the hair colour.
    top_kind: tee, shirt, sweater, jacket (open, over `accent`), hoodie, dress (skirt of the top's colour), coat (to the
    knee), vest (`accent` vest over long sleeves, as on a site), apron (`accent` apron over a tee), tank.
    bottom_kind: trousers, shorts, skirt. age: adult, elder, teen, child, toddler. build: width, 1 is average.
    mood: calm, smile, worried, asleep, open (speaking).
    """

    skin: str = "fair"
    hair: str = "brown"
    hair_style: str = "short"
    hat: str = ""
    hat_colour: str = "#4a76b8"
    beard: bool = False
    glasses: bool = False
    top: str = "#4a76b8"
    top_kind: str = "tee"
    accent: str = "#f1e6d3"
    bottom: str = "#2b3f6b"
    bottom_kind: str = "trousers"
    shoes: str = "#3a3540"
    age: str = "adult"
    build: float = 1.0
    mood: str = "calm"

    @property
    def skin_colour(self) -> str:
        """Hex colour of the skin."""
        return SKIN.get(self.skin, self.skin)

    @property
    def hair_colour(self) -> str:
        """Hex colour of the hair."""
        return HAIR.get(self.hair, self.hair)


_SKULL = "M-36,-8C-38,-42 -20,-50 0,-50C20,-50 38,-42 36,-8C35,22 21,48 0,50C-21,48 -35,22 -36,-8Z"
_YOUNG = "M-39,-4C-41,-42 -22,-50 0,-50C22,-50 41,-42 39,-4C39,28 22,48 0,49C-22,48 -39,28 -39,-4Z"
_PROFILE = (
    "M-36,-8C-38,-42 -14,-51 4,-50C22,-49 32,-38 33,-20C33,-14 31,-10 32,-6C35,3 41,9 40,13"
    "C39,16 35,17 34,18C36,22 36,25"
    " 34,27C35,30 34,33 32,35C33,44 27,50 17,50C5,49 -7,43 -12,34C-28,28 -35,10 -36,-8Z"
)
_FRONT_HAIR = {
    "short": (
        "M-39,4C-46,-44 -20,-61 4,-59C32,-58 46,-38 39,4C37,-12 32,-24 23,-30C6,-22 -14,-24 -26,-32"
        "C-33,-22 -37,-10 -39,4Z"
    ),
    "crop": (
        "M-37,-6C-41,-44 -20,-56 0,-56C20,-56 41,-44 37,-6C34,-20 30,-31 20,-35C6,-39 -6,-39 -20,-35"
        "C-30,-31 -34,-20 -37,-6Z"
    ),
    "long": (
        "M-40,14C-48,-44 -22,-60 0,-60C24,-60 48,-42 40,14C38,-10 32,-26 6,-36C-2,-24 -28,-22 -34,-8"
        "C-37,0 -39,8 -40,14Z"
    ),
    "bun": "M-38,0C-44,-42 -22,-58 0,-58C22,-58 44,-42 38,0C35,-18 24,-34 0,-36C-24,-34 -35,-18 -38,0Z",
}
_SIDE_HAIR = {
    "short": (
        "M-37,14C-48,-34 -18,-61 8,-58C30,-57 39,-42 35,-24C27,-33 17,-36 9,-33C7,-22 4,-12 0,-4C-6,-10 -11,0 -9,11"
        "C-13,22 -20,28 -27,30C-33,26 -36,20 -37,14Z"
    ),
    "crop": (
        "M-36,6C-44,-36 -16,-57 8,-55C28,-54 36,-42 34,-26C26,-34 14,-38 6,-32C3,-20 2,-12 -2,-6"
        "C-8,-10 -12,2 -12,14C-22,18 -32,14 -36,6Z"
    ),
    "bun": (
        "M-37,8C-46,-36 -18,-60 8,-57C28,-56 37,-42 34,-26C22,-30 12,-24 4,-10C-2,-14 -8,-6 -8,8C-14,20 -30,20 -37,8Z"
    ),
}


def _curls(colour: str, view: str) -> str:
    """A cloud of round locks around the skull."""
    spots = [(-34, -10), (-38, -26), (-28, -44), (-10, -55), (10, -56), (28, -46), (38, -28), (36, -10)]
    if view == "side":
        spots = [
            (-36, 16),
            (-42, -2),
            (-40, -22),
            (-30, -42),
            (-12, -54),
            (8, -56),
            (24, -48),
            (30, -36),
            (-20, 8),
            (-14, -16),
            (0, -36),
        ]
    if view == "behind":
        spots += [(-24, 8), (0, 14), (24, 8), (-12, -26), (14, -24), (0, -6), (-34, 6), (34, 6)]
    return "".join(circle(x, y, 15, lit(colour, 60, 0.1)) for x, y in spots)


def _hair_back(look: Look, view: str) -> str:
    """What hangs or stands behind the face."""
    colour, style = look.hair_colour, look.hair_style
    paint = gradient(darken(colour, 0.05), darken(colour, 0.3), 80)
    if style == "long":
        if view == "side":
            return path(
                "M2,-56C-44,-64 -56,-20 -50,20C-48,48 -56,70 -46,84C-30,92 -14,78 -8,54C-4,30 0,0 2,-56Z", paint
            )
        return path("M-43,-8C-48,-62 48,-62 43,-8C48,30 48,58 38,78C14,88 -14,88 -38,78C-48,56 -48,26 -43,-8Z", paint)
    if style == "bob":
        if view == "side":
            return path("M4,-57C-44,-62 -54,-16 -46,26C-40,46 -14,46 -4,36C0,10 2,-20 4,-57Z", paint)
        return path("M-44,-6C-48,-62 48,-62 44,-6C48,18 46,34 40,44C16,52 -16,52 -40,44C-46,34 -48,18 -44,-6Z", paint)
    if style == "bun":
        x, y = (-40, -32) if view == "side" else (0, -58)
        return circle(x, y, 18, paint)
    if style == "ponytail" and view == "side":
        return path(
            "M-26,-36C-54,-40 -62,-10 -56,18C-54,36 -60,48 -54,60C-40,50 -36,20 -38,0C-34,-10 -30,-20 -26,-36Z", paint
        )
    return ""


def _hair_front(look: Look, view: str) -> str:
    """Hair over the skull."""
    colour, style = look.hair_colour, look.hair_style
    paint = lit(colour, 60, 0.13)
    if style == "bald":
        return ""
    if style == "curly":
        return _curls(colour, view)
    shapes = _SIDE_HAIR if view == "side" else _FRONT_HAIR
    name = {"bob": "long", "ponytail": "bun"}.get(style, style)
    shape = shapes.get(name) or shapes["bun" if view == "side" else "short"]
    shine = stroke([(-24, -36), (-10, -47), (8, -49)], lighten(colour, 0.4), 4, opacity=0.35)
    return path(shape, paint) + shine


def _features(look: Look, shift: float) -> str:
    """Eyes, brows, nose, mouth and cheeks of a front view, moved sideways by `shift` units."""
    skin, young = look.skin_colour, look.age in ("child", "toddler")
    dark, brow = darken(skin, 0.42), darken(look.hair_colour if look.hair_style != "scarf" else "#3a2c28", 0.1)
    low = 6 if young else 0
    out = ""
    for side in (-1, 1):
        x = side * 14.5 + shift
        if look.mood == "asleep":
            out += stroke([(x - 6, 2 + low), (x, 5 + low), (x + 6, 2 + low)], INK, 2.4)
        else:
            out += ellipse(x, 2 + low, 3.6, 4.8, INK) + circle(x - 1.2, 0.4 + low, 1.2, "#ffffff", opacity=0.8)
        rise = side * (-3.5 if look.mood == "worried" else 1.2)
        brow_y = -11 + low * 0.6
        out += stroke([(x - 7, brow_y + rise), (x, brow_y - 2.4), (x + 7, brow_y - rise)], brow, 2 if young else 3)
        out += ellipse(x + side * 5, 17 + low, 7, 5, "#d9604f", opacity=0.16)
    out += stroke(
        [(shift * 1.25, 6 + low), (shift * 1.25 + 3, 15 + low), (shift * 1.25 - 3, 16 + low)], dark, 2.4, opacity=0.8
    )
    x, y = shift, 28 + low * 0.6
    if look.mood == "smile":
        out += path(
            (
                f"M{x - 11},{y - 2}C{x - 6},{y + 9} {x + 6},{y + 9} {x + 11},{y - 2}C{x + 4},{y + 1} {x - 4},{y + 1} "
                f"{x - 11},{y - 2}Z"
            ),
            mix(dark, "#a83a3a", 0.5),
        )
    elif look.mood == "open":
        out += ellipse(x, y, 6, 5.5, mix(dark, "#7a2a2a", 0.6))
    else:
        bend = -3.0 if look.mood == "worried" else 2.0
        out += stroke([(x - 8, y), (x, y + bend), (x + 8, y)], mix(dark, "#a83a3a", 0.3), 2.8)
    if look.age == "elder":
        for side in (-1, 1):
            out += stroke([(x + side * 12, 18), (x + side * 16, 25), (x + side * 15, 31)], dark, 1.6, opacity=0.5)
    if look.glasses:
        for side in (-1, 1):
            out += circle(side * 14.5 + shift, 2 + low, 10.5, "#ffffff22", stroke="#2b2f3d", width=2.2)
        out += stroke([(shift - 4, 1 + low), (shift, -1 + low), (shift + 4, 1 + low)], "#2b2f3d", 2.2)
    return out


def _side_features(look: Look) -> str:
    """Eye, brow, ear and mouth of a profile that looks to the right."""
    skin = look.skin_colour
    dark, brow = darken(skin, 0.42), darken(look.hair_colour, 0.1)
    low = 5 if look.age in ("child", "toddler") else 0
    eye = ellipse(21, low, 3, 4.8, INK)
    if look.mood == "asleep":
        eye = stroke([(16, 1 + low), (21, 4 + low), (26, 2 + low)], INK, 2.4)
    out = eye + stroke([(14, -11 + low), (21, -14 + low), (28, -11 + low)], brow, 2.6)
    mouth = [(34, 27), (28, 29), (23, 26)] if look.mood == "smile" else [(34, 27), (25, 28)]
    out += stroke(mouth, mix(dark, "#a83a3a", 0.3), 2.6) + ellipse(17, 17, 8, 6, "#d9604f", opacity=0.15)
    if look.glasses:
        out += circle(22, low, 10, "#ffffff22", stroke="#2b2f3d", width=2.2) + stroke(
            [(12, -1), (-6, 2)], "#2b2f3d", 2.2
        )
    return out


def _ear(x: float, skin: str) -> str:
    """One ear."""
    return ellipse(x, 4, 6, 9, darken(skin, 0.08)) + ellipse(x, 4, 3, 5, darken(skin, 0.22))


def _beard(look: Look, view: str) -> str:
    """A short full beard."""
    if not look.beard:
        return ""
    paint = gradient(look.hair_colour, darken(look.hair_colour, 0.25))
    if view == "side":
        return path(
            "M34,24C38,30 36,46 24,54C8,54 -8,42 -12,28C-10,18 -6,16 -4,10C2,22 16,24 24,21C28,20 32,20 34,24Z", paint
        )
    return path(
        (
            "M-36,4C-35,30 -22,56 0,57C22,56 35,30 36,4C32,18 24,22 12,21C4,19 -4,19 -12,21C-24,22 -32,18 "
            "-36,4ZM-9,29C-4,33 4,33 9,29C4,27 -4,27 -9,29Z"
        ),
        paint,
    )


def _hat(look: Look, view: str) -> str:
    """The hat, or nothing."""
    paint, dark = lit(look.hat_colour, 60, 0.15), darken(look.hat_colour, 0.3)
    dome = "M-42,-14C-44,-50 -22,-66 0,-66C22,-66 44,-50 42,-14C20,-22 -20,-22 -42,-14Z"
    if look.hat == "helmet":
        rim = path(
            "M-46,-12C-20,-24 20,-24 46,-12C48,-6 46,-5 40,-6C16,-14 -16,-14 -40,-6C-46,-5 -48,-6 -46,-12Z", dark
        )
        return path(dome, paint) + rim + stroke([(0, -66), (0, -22)], lighten(look.hat_colour, 0.35), 5, opacity=0.5)
    if look.hat == "beanie":
        return (
            path(dome, paint)
            + path("M-43,-12C-20,-26 20,-26 43,-12L41,-26C20,-38 -20,-38 -41,-26Z", dark)
            + circle(0, -66, 8, paint)
        )
    if look.hat == "sunhat":
        return ellipse(0, -20, 66, 15, dark) + path(dome, paint) + ellipse(0, -20, 44, 8, dark, opacity=0.7)
    if look.hat == "cap":
        if view == "side":
            return path(dome, paint) + path("M10,-22C34,-30 58,-20 66,-10C46,-14 28,-12 14,-12Z", dark)
        bill = path("M-32,-20C-26,-4 26,-4 32,-20C16,-28 -16,-28 -32,-20Z", dark) if view == "front" else ""
        return path(dome, paint) + bill
    return ""


def _scarf(look: Look, view: str) -> str:
    """A head scarf that covers hair, ears and neck."""
    paint, dark = lit(look.hat_colour, 70, 0.16), darken(look.hat_colour, 0.25)
    if view == "behind":
        return path("M-42,-6C-46,-62 46,-62 42,-6C44,30 54,52 58,72C20,86 -20,86 -58,72C-54,52 -44,30 -42,-6Z", paint)
    if view == "side":
        outer = (
            "M22,-46C-4,-70 -54,-52 -46,0C-42,30 -54,54 -52,76C-20,88 24,84 36,68C30,60 28,54 20,50"
            "C-4,44 -8,10 0,-16C4,-30 16,-36 30,-34C32,-38 30,-42 22,-46Z"
        )
        return path(outer, paint) + stroke([(-6, 30), (4, 50), (30, 64)], dark, 3, opacity=0.6)
    outer = (
        "M-43,-4C-48,-64 48,-64 43,-4C46,30 54,52 58,72C20,88 -20,88 -58,72C-54,52 -46,30 -43,-4"
        "ZM-31,0C-30,24 -18,46 0,47"
        "C18,46 30,24 31,0C30,-22 18,-36 0,-36C-18,-36 -30,-22 -31,0Z"
    )
    return path(outer, paint).replace("<path", '<path fill-rule="evenodd"') + stroke(
        [(-26, 38), (0, 58), (34, 50)], dark, 3, opacity=0.6
    )


def head(
    look: Look,
    x: float,
    y: float,
    size: float,
    *,
    view: str = "front",
    gaze: float = 0,
    tilt: float = 0,
    flip: bool = False,
) -> str:
    """A head `size` pixels high with its middle at x, y.

    view: front, side (looks right, left with `flip`), behind. gaze: -1 to 1 turns a front face. tilt: degrees.
    """
    skin = look.skin_colour
    paint = lit(skin, 50, 0.12)
    scarf = look.hair_style == "scarf"
    front = "" if scarf else _hair_front(look, view)
    if view == "side":
        inner = _hair_back(look, view) + path(_PROFILE, paint) + _side_features(look) + _beard(look, view) + front
        inner += "" if scarf else _ear(-5, skin)
    elif view == "behind":
        skull = path(_SKULL, paint if look.hair_style == "bald" else lit(look.hair_colour, 60, 0.1))
        inner = (
            _ear(-37, skin)
            + _ear(37, skin)
            + skull
            + _hair_back(look, view)
            + (front if look.hair_style == "curly" else "")
        )
    else:
        face = path(_YOUNG if look.age in ("child", "toddler") else _SKULL, paint)
        inner = _hair_back(look, view) + _ear(-37, skin) + _ear(37, skin) + face
        inner += _features(look, gaze * 10) + _beard(look, view) + front
    inner += (_scarf(look, view) if scarf else "") + _hat(look, view)
    scale = size / 100
    return group(inner, move=(x, y), rotate=tilt, scale=(-scale if flip else scale, scale))
