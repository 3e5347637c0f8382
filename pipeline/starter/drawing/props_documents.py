"""Identity papers and bank cards: flat sheets with the upper left corner as origin; all names are invented."""

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.heads import Look, head
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, rect, text

ID_SIZE = (340, 214)
BANK_SIZE = (330, 208)
PAGE_SIZE = (360, 250)
PASS_SIZE = (460, 200)


def portrait(look: Look, w: float, h: float, back: str = "#dfe6ec") -> str:
    """A passport photo of somebody, w x h, cut to its frame."""
    outline = f"M0,0H{w}V{h}H0Z"
    bust = path(
        f"M{w * 0.06},{h}C{w * 0.1},{h * 0.76} {w * 0.35},{h * 0.76} {w * 0.4},{h * 0.7}"
        f"H{w * 0.6}C{w * 0.65},{h * 0.76} {w * 0.9},{h * 0.76} {w * 0.94},{h}Z",
        kit.lit(look.top),
    )
    neck = rect(w * 0.4, h * 0.58, w * 0.2, h * 0.2, kit.darken(look.skin_colour, 0.14), r=w * 0.08)
    return kit.clipped(
        outline,
        rect(0, 0, w, h, gradient(kit.lighten(back, 0.4), back)),
        bust,
        neck,
        head(look, w / 2, h * 0.42, h * 0.56, view="front"),
    )


def _field(x: float, y: float, label: str, value: str, size: float = 15) -> str:
    """A small grey label with its value below it."""
    return text(x, y, label, size * 0.58, "#5d6f86", weight=500) + text(
        x, y + size * 1.05, value, size, kit.INK, weight=600
    )


def _waves(w: float, h: float, colour: str) -> str:
    """The faint wavy lines of a document's background."""
    return "".join(
        kit.stroke(
            [(x, h * 0.16 * i + (6 if (x // 40) % 2 else -6)) for x in range(-10, int(w) + 50, 40)],
            colour,
            1.2,
            opacity=0.4,
        )
        for i in range(1, 7)
    )


def identity_card(look: Look, first: str, last: str, born: str, street: str, number: str) -> str:
    """An identity card, 340 x 214, with photo, name, birth date, address and number."""
    w, h = ID_SIZE
    sheet = rect(0, 0, w, h, gradient("#eaf3f4", "#bfd6dc", 40), r=14, stroke="#9db4bd", width=1.5)
    bar = path(f"M0,14A14,14 0 0 1 14,0H{w - 14}A14,14 0 0 1 {w},14V40H0Z", gradient("#3d7f8f", "#2c5f74", 0))
    title = (
        text(16, 27, "IDENTITY CARD", 17, "#ffffff", weight=700, spacing=1.5)
        + circle(w - 26, 20, 11, "#e8c765")
        + circle(w - 26, 20, 6, "#2c5f74")
    )
    photo = group(portrait(look, 92, 118), move=(16, 54)) + rect(16, 54, 92, 118, "none", stroke="#8ba5af", width=1.5)
    fields = _field(122, 62, "Surname", last) + _field(122, 97, "Given name", first) + _field(244, 62, "Born", born)
    fields += _field(122, 132, "Address", street, 14) + text(
        16, 198, number, 18, kit.INK, weight=600, font=kit.MONO, spacing=1
    )
    sign = kit.stroke(
        [(232, 196), (244, 182), (250, 198), (262, 184), (270, 196), (288, 186), (312, 194)], "#2b3f6b", 2.2
    )
    return sheet + kit.clipped(f"M0,0H{w}V{h}H0Z", _waves(w, h, "#8fb7bf")) + bar + title + photo + fields + sign


def bank_card(holder: str, number: str, colour: str = "#7a3b52") -> str:
    """A bank card, 330 x 208, with chip, number and holder."""
    w, h = BANK_SIZE
    sheet = rect(0, 0, w, h, gradient(kit.lighten(colour, 0.22), kit.darken(colour, 0.3), 35), r=16)
    arcs = kit.clipped(
        f"M0,0H{w}V{h}H0Z",
        circle(w * 0.9, h * 0.1, 120, "#ffffff", opacity=0.08),
        circle(w * 0.95, h * 0.9, 90, "#ffffff", opacity=0.07),
    )
    chip = (
        rect(28, 56, 50, 38, gradient("#f2dda0", "#b98f3f", 30), r=6)
        + line([(28, 75), (78, 75)], "#8a6a2c", 1.2)
        + line([(53, 56), (53, 94)], "#8a6a2c", 1.2)
    )
    words = text(28, 36, "BANK CARD", 17, "#ffffff", weight=700, spacing=2) + text(
        28, 134, number, 23, "#ffffff", weight=600, font=kit.MONO
    )
    words += text(28, 184, holder, 16, "#f5e9ee", weight=600, spacing=1) + text(
        w - 28, 184, "09/29", 16, "#f5e9ee", anchor="end", weight=600
    )
    return sheet + arcs + chip + words


def passport_page(look: Look, first: str, last: str, born: str, number: str) -> str:
    """The photo page of a passport, 360 x 250, with the machine-readable lines at its foot."""
    w, h = PAGE_SIZE
    sheet = rect(0, 0, w, h, gradient("#f6efe4", "#e3d3d6", 30), r=10) + kit.clipped(
        f"M0,0H{w}V{h}H0Z", _waves(w, h, "#d49fa8")
    )
    photo = group(portrait(look, 104, 134), move=(18, 44)) + rect(18, 44, 104, 134, "none", stroke="#b79aa0", width=1.5)
    words = text(18, 28, "PASSPORT", 17, "#7d2f3c", weight=700, spacing=2) + text(
        w - 18, 28, number, 17, kit.INK, anchor="end", weight=600, font=kit.MONO
    )
    fields = _field(138, 56, "Surname", last, 17) + _field(138, 96, "Given name", first, 17)
    fields += _field(138, 136, "Date of birth", born, 16) + _field(262, 136, "Sex", "F", 16)
    seal = circle(300, 88, 36, "none", stroke="#c88e98", width=2, opacity=0.5) + circle(
        300, 88, 26, "none", stroke="#c88e98", width=2, opacity=0.5
    )
    zone = rect(0, 192, w, 58, "#fbf8f2") + text(
        14, 216, f"P<{last.upper()}<<{first.upper()}<<<<<<<<<<<<<<<<"[:30], 16.5, kit.INK, font=kit.MONO
    )
    zone += text(
        14, 238, f"{number.replace(' ', '')}<8{born.replace('.', '')}F3108<<<<<<<<<"[:30], 16.5, kit.INK, font=kit.MONO
    )
    return (
        sheet
        + seal
        + photo
        + words
        + fields
        + kit.clipped(f"M0,0H{w}V{h - 10}A10,10 0 0 1 {w - 10},{h}H10A10,10 0 0 1 0,{h - 10}Z", zone)
    )


def barcode(x: float, y: float, w: float, h: float) -> str:
    """Upright bars of uneven width across w x h."""
    bars, at, i = "", 0.0, 0
    while at < w - 4:
        wide = 1.5 + (i * 7 % 5) * 0.9
        bars += rect(x + at, y, min(wide, w - at), h, kit.INK)
        at += wide + 1.6 + (i * 5 % 3) * 0.9
        i += 1
    return bars


def boarding_pass(name: str, code: str) -> str:
    """A boarding pass, 460 x 200, with name, booking code and barcode."""
    w, h = PASS_SIZE
    sheet = rect(0, 0, w, h, gradient("#ffffff", "#e4e8ee", 40), r=10)
    bar = path(f"M0,10A10,10 0 0 1 10,0H{w - 10}A10,10 0 0 1 {w},10V38H0Z", gradient("#2f8a8b", "#246a72", 0))
    words = text(18, 26, "BOARDING PASS", 17, "#ffffff", weight=700, spacing=1.5) + text(
        w - 18, 26, "MERIDIAN AIR", 14, "#d9f0ee", anchor="end", weight=600
    )
    fields = _field(18, 60, "Passenger", name, 18) + _field(250, 60, "Booking code", code, 22)
    fields += (
        _field(18, 104, "From", "LIS", 24)
        + _field(110, 104, "To", "YYZ", 24)
        + _field(250, 104, "Gate", "B14", 20)
        + _field(320, 104, "Seat", "23A", 20)
    )
    plane = path("M84,122L104,112L84,102L88,112Z", "#2f8a8b")
    tear = "".join(circle(w - 78, y, 1.6, "#9aa3b5") for y in range(46, 196, 8))
    return (
        sheet
        + bar
        + words
        + fields
        + plane
        + tear
        + barcode(18, 148, 340, 38)
        + group(barcode(0, 0, 130, 34), move=(w - 22, 54), rotate=90)
    )


def coffee_cup(size: float, colour: str = "#d9dfe8", drink: str = "#5b3a24") -> str:
    """A cup seen from the side and a little above, standing on the origin; `size` is its height."""
    s = size
    body = (
        f"M{-s * 0.48},{-s * 0.92}C{-s * 0.48},{-s * 0.3} {-s * 0.4},{s * 0.02}"
        f" 0,{s * 0.02}C{s * 0.4},{s * 0.02} {s * 0.48},{-s * 0.3} {s * 0.48},{-s * 0.92}Z"
    )
    ear = path(
        f"M{s * 0.44},{-s * 0.74}C{s * 0.85},{-s * 0.8} {s * 0.82},{-s * 0.2} {s * 0.36},{-s * 0.26}",
        stroke=kit.darken(colour, 0.12),
        width=s * 0.11,
    )
    top = ellipse(0, -s * 0.92, s * 0.48, s * 0.15, kit.lighten(colour, 0.5)) + ellipse(
        0, -s * 0.905, s * 0.42, s * 0.115, drink
    )
    return (
        kit.contact(0, 0, s * 0.9)
        + ear
        + path(body, gradient(kit.lighten(colour, 0.5), kit.darken(colour, 0.22), 10))
        + top
    )
