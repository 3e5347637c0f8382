"""Pictures of illegal activity around controlled goods: souvenirs in a suitcase, medicine in a parcel."""

from pipeline.starter.drawing import kit, screens


def draw_illegal_10() -> str:
    """An open suitcase on a hotel bed with a turtle shell, coral and carved tusks."""
    out = [
        kit.rect(0, 0, 1024, 240, kit.gradient("#c9b9a2", "#a8977f")),
        kit.rect(0, 60, 1024, 190, kit.lit("#6d4c38", 80, 0.15), r=30),
    ]
    out += [kit.rect(60 + 480 * k, 120, 410, 190, kit.lit("#f7f4ec", 60, 0.09), r=60) for k in (0, 1)]
    out.append(
        kit.rect(0, 262, 1024, 520, kit.weave("#e9e3d6"))
        + kit.rect(0, 262, 1024, 520, kit.gradient("#fff2d244", "#1f274744", 60))
        + kit.rect(0, 600, 1024, 170, kit.gradient("#5f7f8a", "#3f5a66"))
    )
    out.append(kit.poly([(90, 330), (760, 330), (850, 700), (30, 700)], kit.SHADOW, opacity=0.35, blur=16))
    out.append(
        kit.poly([(110, 190), (730, 190), (756, 372), (96, 372)], kit.lit("#3f5f7a", 60, 0.18))
        + kit.poly([(132, 206), (710, 206), (732, 362), (120, 362)], kit.gradient("#c9b48f", "#a58f6c"))
    )
    out.append(
        "".join(kit.line([(150 + 115 * k, 208), (146 + 118 * k, 360)], "#96815f", 2, opacity=0.6) for k in range(6))
    )
    out.append(
        kit.poly([(96, 372), (756, 372), (812, 662), (46, 662)], kit.gradient("#a58f6c", "#d9c7a0"))
        + kit.poly([(46, 662), (812, 662), (812, 722), (46, 722)], kit.gradient("#3f5f7a", "#2a4258"))
        + kit.rect(400, 680, 70, 20, kit.STEEL, r=8)
    )
    for pts, c in (
        ([(112, 384), (330, 384), (318, 520), (86, 520)], "#7f9fb7"),
        ([(345, 384), (540, 384), (546, 520), (334, 520)], "#e0c9a4"),
        ([(556, 384), (742, 384), (770, 520), (560, 520)], "#a9b99a"),
        ([(80, 532), (420, 532), (420, 648), (56, 648)], "#c98f7e"),
        ([(434, 532), (776, 532), (800, 648), (436, 648)], "#5f7391"),
    ):
        out.append(
            kit.poly(pts, kit.lit(c, 60, 0.14), stroke=kit.darken(c, 0.15), width=3)
            + kit.line([pts[3], pts[2]], kit.darken(c, 0.3), 4, opacity=0.5)
        )
    out.append(_turtle_shell(250, 500) + _coral(500, 500) + _tusk(600, 620, -8) + _tusk(650, 560, 10))
    out.append(_boarding_pass(884, 500))
    return kit.picture(*out)


def _turtle_shell(x: float, y: float) -> str:
    """A polished sea turtle shell with its pattern of plates."""
    outline = kit.smooth(
        [
            (x - 128, y + 6),
            (x - 104, y - 66),
            (x - 20, y - 100),
            (x + 74, y - 84),
            (x + 126, y - 20),
            (x + 152, y + 24),
            (x + 104, y + 62),
            (x - 10, y + 84),
            (x - 98, y + 60),
        ]
    )
    plates = ""
    for row, (dy, n) in enumerate(((-50, 4), (0, 5), (46, 4))):
        for k in range(n):
            cx, cy = x - 84 + (k + 0.5 * (n == 4)) * 48, y + dy
            plates += kit.poly(
                [
                    (cx - 26, cy),
                    (cx - 13, cy - 25),
                    (cx + 13, cy - 25),
                    (cx + 26, cy),
                    (cx + 13, cy + 25),
                    (cx - 13, cy + 25),
                ],
                kit.lit(("#8a5a2b", "#6b431f", "#a8763c")[(k + row) % 3], 50, 0.2),
                stroke="#3b2412",
                width=3.5,
            )
    rim = kit.path(outline, "none", stroke="#5b3a1c", width=10)
    shine = kit.stroke([(x - 84, y - 46), (x - 30, y - 78), (x + 40, y - 74)], "#fff6dc", 9, opacity=0.5)
    return (
        kit.ellipse(x + 14, y + 56, 150, 44, kit.SHADOW, opacity=0.4, blur=10)
        + kit.path(outline, kit.lit("#7a4f28", 50, 0.2))
        + kit.clipped(outline, plates, kit.ellipse(x + 40, y + 60, 170, 60, kit.SHADOW, opacity=0.3, blur=14))
        + rim
        + shine
    )


def _coral(x: float, y: float) -> str:
    """A branch of red coral."""
    twigs = [
        [(x, y + 70), (x - 6, y + 10), (x + 4, y - 60), (x - 8, y - 128)],
        [(x - 4, y + 20), (x - 50, y - 20), (x - 62, y - 78)],
        [(x, y - 10), (x + 44, y - 40), (x + 62, y - 100)],
        [(x - 42, y - 14), (x - 78, y - 24), (x - 96, y - 50)],
        [(x + 34, y - 34), (x + 78, y - 42), (x + 96, y - 70)],
        [(x + 2, y - 60), (x + 26, y - 92), (x + 26, y - 122)],
        [(x - 2, y + 40), (x + 38, y + 20), (x + 60, y - 6)],
    ]
    shade = "".join(
        kit.path(
            kit.smooth([(a + 9, b + 11) for a, b in t], closed=False), stroke=kit.SHADOW, width=16, opacity=0.28, blur=5
        )
        for t in twigs
    )
    body = "".join(kit.stroke(t, "#b8322f", 19 - 2 * (i > 2)) for i, t in enumerate(twigs))
    light = "".join(kit.stroke([(a - 3, b - 2) for a, b in t], "#ea7a66", 6, opacity=0.85) for t in twigs)
    return shade + body + light


def _tusk(x: float, y: float, angle: float) -> str:
    """A small carved ivory tusk."""
    outline = kit.smooth([(-128, 10), (-60, -20), (30, -34), (116, -20), (118, 24), (30, 16), (-60, 14)])
    bands = "".join(
        kit.stroke([(92 - 34 * k, -26 - (k < 3)), (88 - 34 * k, 20)], "#a8905f", 3.5)
        + kit.circle(74 - 34 * k, -6, 8, "none", stroke="#a8905f", width=3)
        for k in range(5)
    )
    return kit.group(
        kit.ellipse(6, 26, 128, 16, kit.SHADOW, opacity=0.4, blur=7),
        kit.path(outline, kit.gradient("#fffaf0", "#d3bf94", 80)),
        kit.clipped(outline, bands),
        kit.ellipse(116, 2, 8, 21, "#c9b184"),
        move=(x, y),
        rotate=angle,
    )


def _boarding_pass(x: float, y: float) -> str:
    """A passport and a boarding pass."""
    book = kit.group(
        kit.rect(-76, -106, 160, 220, kit.SHADOW, r=12, opacity=0.35, blur=7),
        kit.rect(-80, -112, 160, 220, kit.lit("#27406b", 50, 0.18), r=10),
        kit.circle(0, -16, 36, "none", stroke="#d9b45f", width=4),
        kit.text(0, 66, "PASSPORT", 20, "#d9b45f", anchor="middle", weight=700, spacing=2),
        move=(x + 24, y - 60),
        rotate=8,
    )
    rows = [
        kit.rect(-106, -66, 216, 138, kit.SHADOW, r=10, opacity=0.35, blur=6),
        kit.rect(-110, -72, 216, 138, "#fbfaf5", r=8),
        kit.rect(-110, -72, 216, 34, "#3d8a8c", r=8),
        kit.text(-98, -48, "BOARDING PASS", 19, "#ffffff", weight=800),
        kit.text(-98, -10, "TODAY 21:15", 23, kit.INK, weight=800),
        kit.text(-98, 16, "Gate 14  Seat 22A", 18, kit.SLATE, weight=600),
        screens.bar_code(-98, 28, 180, 28),
    ]
    return book + kit.group(*rows, move=(x + 8, y + 118), rotate=-7)


def draw_illegal_11() -> str:
    """An open parcel with sweets, socks and two bottles of prescription medicine, and a customs form."""
    out = [
        kit.rect(0, 0, 1024, 290, kit.gradient("#dfe3d6", "#c3cab8")),
        kit.rect(690, -20, 240, 230, "#ffffff", r=4),
        kit.rect(702, -20, 216, 218, kit.gradient("#b4d6ea", "#ecf3ee")),
        kit.rect(804, -20, 12, 220, "#ffffff"),
    ]
    out.append(
        kit.rect(0, 284, 1024, 490, kit.wood("#c79a68"))
        + kit.rect(0, 284, 1024, 490, kit.gradient("#fff2d240", "#1f27474d", 60))
        + kit.rect(0, 276, 1024, 12, kit.darken("#c79a68", 0.3))
    )
    out.append(kit.poly([(120, 640), (640, 640), (700, 690), (110, 690)], kit.SHADOW, opacity=0.35, blur=14))
    out.append(
        kit.poly([(70, 250), (180, 350), (180, 500), (60, 380)], kit.lit("#b98b55", 20, 0.12))
        + kit.poly([(180, 350), (560, 350), (610, 270), (140, 270)], kit.gradient("#d9b07a", "#b98b55"))
    )
    out.append(kit.poly([(180, 350), (560, 350), (620, 520), (120, 520)], kit.gradient("#7a5a38", "#a47d4c")))
    out.append(
        "".join(
            kit.ellipse(180 + (k * 83 % 400), 490 + (k * 31 % 34), 46, 20, kit.gradient("#f3ead2", "#cfc0a0"))
            for k in range(13)
        )
    )
    out.append(_socks(250, 510) + _chocolate(500, 480))
    out.append(_medicine(350, 560, 210) + _medicine(462, 566, 196))
    out.append(
        kit.poly([(120, 520), (620, 520), (620, 690), (120, 690)], kit.gradient("#cfa269", "#a87d48"))
        + kit.rect(330, 520, 80, 170, "#e3cda0", opacity=0.8)
        + kit.poly([(120, 520), (620, 520), (690, 566), (60, 566)], kit.gradient("#dcb580", "#c0925a"))
        + kit.line([(60, 566), (690, 566)], kit.darken("#c0925a", 0.25), 3)
    )
    out += [_get_well_card(), _customs_form()]
    return kit.picture(*out)


def _get_well_card() -> str:
    """A hand-written card that lies behind the parcel."""
    heart = "M756,448C740,432 738,424 746,422C752,421 755,426 756,430C757,426 760,421 766,422C774,424 772,432 756,448Z"
    parts = [
        kit.rect(664, 330, 200, 140, kit.SHADOW, opacity=0.3, blur=7),
        kit.rect(656, 320, 200, 140, "#fbf3ea"),
        kit.text(756, 376, "Get well", 34, kit.BRICK, anchor="middle", weight=700, font=kit.HAND),
        kit.text(756, 414, "soon, sis", 34, kit.BRICK, anchor="middle", weight=700, font=kit.HAND),
        kit.path(heart, "#c8453f"),
    ]
    return kit.turned(760, 420, -5, *parts)


def _customs_form() -> str:
    """A half-filled customs form and a pen."""
    form = [
        kit.rect(0, 0, 300, 52, "#3f6b52"),
        kit.text(20, 36, "CUSTOMS FORM", 27, "#ffffff", weight=800),
        screens.field(20, 84, 258, "To", "Sister, abroad", size=22),
        screens.field(20, 160, 258, "Contents", "gift", size=22),
        screens.grey_lines(20, 240, 250, 2),
    ]
    return screens.paper(848, 620, 270, *form, angle=7, h=290) + kit.turned(
        690,
        736,
        -8,
        kit.rect(550, 742, 160, 10, kit.SHADOW, r=5, opacity=0.3, blur=4),
        kit.rect(560, 729, 150, 14, kit.lit("#2b3f6b", 90, 0.25), r=7),
        kit.poly([(560, 729), (560, 743), (538, 736)], kit.STEEL),
    )


def _medicine(x: float, y: float, h: float) -> str:
    """An amber bottle of tablets with a pharmacy label."""
    w = h * 0.52
    body = kit.rect(x - w / 2, y - h * 0.84, w, h * 0.84, kit.gradient("#f4b468", "#b5621c", 0), r=12)
    lid = kit.rect(x - w * 0.54, y - h, w * 1.08, h * 0.2, kit.gradient("#ffffff", "#bfc5cc", 0), r=6) + "".join(
        kit.line(
            [(x - w * 0.46 + w * 0.102 * k, y - h * 0.97), (x - w * 0.46 + w * 0.102 * k, y - h * 0.83)], "#a9b0b8", 1.5
        )
        for k in range(10)
    )
    words = [("T. Okafor", 0.6, 0.075), ("MORPHINE", 0.48, 0.088), ("30 mg", 0.38, 0.085), ("Rx only", 0.27, 0.08)]
    tag = kit.rect(x - w / 2, y - h * 0.7, w, h * 0.5, "#fdfcf6") + "".join(
        kit.text(x, y - h * t, s, h * size, "#b8323a" if s == "Rx only" else kit.INK, anchor="middle", weight=800)
        for s, t, size in words
    )
    return kit.contact(x, y, w) + body + tag + lid


def _socks(x: float, y: float) -> str:
    """A pair of woollen socks."""
    one = kit.path(
        "M-40,-150H24V-60C30,-40 78,-34 92,-14C98,8 84,22 60,22H-10C-34,20 -42,0 -40,-24Z", kit.lit("#7a8fb0", 50, 0.16)
    ) + "".join(kit.rect(-40, -136 + 26 * k, 64, 11, ("#f1e6d3", "#c8564c")[k % 2], opacity=0.9) for k in range(3))
    return kit.group(one, move=(x - 46, y - 6), rotate=-12) + kit.group(one, move=(x + 16, y), rotate=-4)


def _chocolate(x: float, y: float) -> str:
    """A bar of chocolate in its wrapper."""
    return kit.turned(
        x + 60,
        y,
        14,
        kit.rect(x + 8, y - 120, 110, 190, kit.lit("#5d3f6b", 50, 0.18), r=5),
        kit.rect(x + 8, y - 120, 110, 26, "#d9dee4"),
        kit.rect(x + 22, y - 70, 82, 64, "#f1e6d3", r=6),
        kit.text(x + 63, y - 32, "choco", 22, "#5a3d2e", anchor="middle", weight=800),
    )
