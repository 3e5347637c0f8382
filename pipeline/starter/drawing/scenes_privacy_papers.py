"""Privacy scenes in which papers, cards or chats lie in plain sight."""

from pipeline.starter.drawing import kit
from pipeline.starter.drawing.heads import Look
from pipeline.starter.drawing.kit import circle, ellipse, gradient, group, line, path, poly, rect, text
from pipeline.starter.drawing.props_documents import bank_card, boarding_pass, identity_card, passport_page
from pipeline.starter.drawing.props_hand import palm_behind, phone, sleeve, thumb


def _bus_seats() -> str:
    """A double bus seat in a patterned cloth under a window, seen from the aisle."""
    cloth = "#35558a"
    tiles = "".join(
        group(
            rect(-15, -15, 30, 30, "#4668a3", r=4)
            + circle(0, 0, 6, "#d08a4a")
            + line([(-24, 24), (-10, 38)], "#8db4d6", 5),
            move=(x + (40 if row % 2 else 0), 296 + row * 62),
            rotate=20 * ((x // 80 + row) % 4),
            opacity=0.75,
        )
        for row in range(9)
        for x in range(-40, 1080, 80)
    )
    wall = rect(0, 0, 1024, 330, gradient("#d8dde0", "#b9c1c7"))
    view = rect(60, -30, 900, 200, gradient("#cfe6f2", "#a9c6cc")) + rect(60, 90, 900, 80, "#8ba79a")
    view += "".join(
        rect(x, y, w, 170 - y, c)
        for x, y, w, c in (
            (110, 10, 120, "#c9a48a"),
            (250, 40, 90, "#b88f7c"),
            (520, 0, 170, "#cdb79c"),
            (760, 50, 140, "#a98b80"),
        )
    )
    view += "".join(
        rect(x, y, 16, 24, "#e9eef0", opacity=0.8) for x in (130, 165, 200, 545, 580, 615, 650) for y in (30, 80)
    )
    view += rect(488, 190, 48, 170, gradient("#8d979f", "#5b6670"))
    frame = rect(60, -30, 900, 200, "none", stroke="#4b545e", width=18) + rect(505, -30, 12, 200, "#4b545e")
    back = path(
        "M-40,330V250C-40,196 20,190 90,190H430C490,190 500,220 500,250V345H-40Z",
        gradient(cloth, kit.darken(cloth, 0.15)),
    )
    back += path(
        "M524,345V250C524,220 534,190 594,190H940C1010,190 1070,196 1070,250V330Z",
        gradient(cloth, kit.darken(cloth, 0.15)),
    )
    seat = path(
        "M-80,352C200,330 820,330 1110,352L1200,800H-180Z", gradient(kit.lighten(cloth, 0.1), kit.darken(cloth, 0.12))
    )
    outline = (
        "M-40,330V250C-40,196 20,190 90,190H430C490,190 500,220 500,250V352H524V250"
        "C524,220 534,190 594,190H940C1010,190 1070,196 1070,250V800H-40Z"
    )
    crease = path("M-60,350C200,326 820,326 1090,350", stroke=kit.SHADOW, width=22, opacity=0.45, blur=6)
    split = path("M512,336C508,470 512,620 514,790", stroke=kit.SHADOW, width=8, opacity=0.4, blur=2)
    grab = rect(30, 205, 430, 22, gradient("#e8b93a", "#b98722"), r=11) + rect(
        564, 205, 430, 22, gradient("#e8b93a", "#b98722"), r=11
    )
    return wall + view + frame + back + seat + kit.clipped(outline, tiles) + crease + split + grab


def _wallet() -> str:
    """An open wallet around the origin: an identity card in the clear pocket, a bank card rising from a slot."""
    leather = "#7d4d2e"
    rose = Look(skin="olive", hair="black", hair_style="long", top="#a8503c", mood="smile")
    shade = path("M-400,-190H400V210H-400Z", kit.SHADOW, opacity=0.5, blur=14)
    cover = rect(-404, -196, 808, 400, gradient(kit.lighten(leather, 0.15), kit.darken(leather, 0.3), 30), r=26)
    seams = rect(-392, -184, 784, 376, "none", r=20, stroke="#d8a777", width=2.5, opacity=0.65)
    fold = rect(-14, -196, 28, 400, gradient("#1f274700", "#1f274788", 0)) + line(
        [(0, -190), (0, 200)], kit.darken(leather, 0.5), 4
    )
    card = group(
        identity_card(rose, "Marisol", "Quintana", "14.03.1987", "9 Lindner Row, Ashby", "ID 4471 0928 X"),
        move=(-378, -126),
        scale=1.03,
    )
    pocket = rect(-384, -136, 364, 236, "#ffffff", r=10, opacity=0.1) + rect(
        -384, -136, 364, 236, "none", r=10, stroke="#e9d5bd", width=3, opacity=0.8
    )
    glare = poly([(-330, -136), (-270, -136), (-350, 100), (-384, 100), (-384, 20)], "#ffffff", opacity=0.16)
    lower = path(
        "M-392,120H-14V192H-372Q-392,192 -392,172Z", gradient(kit.lighten(leather, 0.1), kit.darken(leather, 0.2))
    )
    bank = group(bank_card("M QUINTANA", "5300 0142 7781 9036"), move=(36, -166), scale=1.02)
    slots = "".join(
        path(f"M22,{y}H388V{y + 78}H22Z", gradient(kit.lighten(leather, 0.12), kit.darken(leather, 0.2)))
        + rect(22, y - 7, 366, 10, kit.SHADOW, opacity=0.3, blur=3)
        for y in (0, 62, 118)
    )
    edge = "".join(line([(26, y + 6), (384, y + 6)], "#d8a777", 2, opacity=0.6) for y in (0, 62, 118))
    return shade + cover + seams + card + pocket + glare + lower + bank + slots + edge + fold


def draw_privacy_03() -> str:
    """An open wallet with readable cards on a bus seat."""
    rows = "".join(
        text(14, 70 + 24 * i, words, 15, "#6a6f7a", font=kit.MONO)
        for i, words in enumerate(("bread     2.40", "pears     3.10", "stamps    4.80"))
    )
    paper = poly(
        [
            (0, 0),
            (180, 6),
            (172, 190),
            (160, 180),
            (146, 192),
            (130, 182),
            (112, 192),
            (90, 182),
            (70, 192),
            (46, 182),
            (20, 192),
            (-4, 184),
        ],
        gradient("#ffffff", "#d9dbe0", 30),
    )
    receipt = group(
        poly([(8, 10), (188, 16), (180, 200), (4, 196)], kit.SHADOW, opacity=0.35, blur=6),
        paper,
        text(14, 38, "CORNER SHOP", 17, kit.INK, weight=700),
        rows,
        move=(800, 400),
        rotate=14,
    )
    return kit.picture(
        _bus_seats(),
        kit.sunlight([(80, 350), (470, 350), (300, 768), (-160, 768)], 0.16),
        receipt,
        group(_wallet(), move=(452, 552), rotate=-5, scale=0.9),
    )


def _apron_view() -> str:
    """An airport window with an aircraft at the gate behind it."""
    sky = (
        rect(0, 0, 1024, 470, gradient("#9cc4e4", "#f3e3cb"))
        + ellipse(700, 110, 210, 20, "#ffffff", opacity=0.55, blur=9)
        + ellipse(240, 200, 170, 14, "#ffffff", opacity=0.45, blur=8)
    )
    field = (
        rect(0, 330, 1024, 60, "#8fa88b")
        + rect(0, 372, 1024, 400, gradient("#b7bcc2", "#8b929c"))
        + line([(0, 470), (1024, 450)], "#e8c765", 6, opacity=0.8)
        + line([(0, 560), (1024, 600)], "#f1f3f5", 4, opacity=0.5)
    )
    tower = (
        rect(60, 220, 26, 120, gradient("#d6dade", "#98a0aa", 0))
        + poly([(44, 224), (52, 192), (94, 192), (102, 224)], "#56707f")
        + rect(110, 300, 220, 44, gradient("#cfd5da", "#a4adb7"))
    )
    hull = path(
        "M300,330C330,296 400,290 480,290H900"
        "C960,290 1000,262 1040,250V372C980,386 940,392 880,392H470C380,392 310,372 300,330Z",
        gradient("#ffffff", "#b7c1cd"),
    )
    tail = path("M880,296L960,150H1030V270Z", gradient("#3d9a97", "#236a72", 20)) + path(
        "M300,330C320,350 380,356 470,356H1040V372C980,386 940,392 880,392H470C380,392 310,372 300,330Z",
        "#3d8a8c",
        opacity=0.85,
    )
    panes = (
        "".join(rect(x, 312, 13, 18, "#48596b", r=6) for x in range(430, 900, 30))
        + path("M318,318L352,300H384L376,318Z", "#33414f")
        + rect(400, 306, 20, 50, "none", stroke="#8e9aa8", width=2, r=5)
    )
    wing = (
        path("M560,362L820,470L860,468L720,360Z", gradient("#e3e8ee", "#9aa6b4"))
        + path("M600,400C600,384 690,384 694,400V430C690,446 606,446 600,430Z", gradient("#f2f5f8", "#7d8a99"))
        + ellipse(604, 415, 10, 19, "#39434f")
    )
    gear = "".join(
        line([(x, 390), (x, 440)], "#5c636e", 8) + circle(x, 446, 16, "#23262d") + circle(x, 446, 6, "#8a929e")
        for x in (420, 820)
    )
    frame = (
        "".join(rect(x, 0, 22, 768, gradient("#56616e", "#2f3742", 0)) for x in (-6, 470, 1000))
        + rect(0, 620, 1024, 150, gradient("#48525e", "#2b323c"))
        + rect(0, 612, 1024, 12, "#7d8894")
    )
    return (
        sky
        + field
        + tower
        + gear
        + tail
        + hull
        + panes
        + wing
        + poly([(60, 0), (240, 0), (20, 600), (-160, 600)], "#ffffff", opacity=0.12)
        + frame
    )


def draw_privacy_02() -> str:
    """A hand holds an open passport and a boarding pass before an airport window with an aircraft."""
    skin = "#93603e"
    ines = Look(skin="brown", hair="black", hair_style="curly", top="#4a76b8", mood="smile")
    cover = rect(-8, -250, 376, 506, gradient("#7d3140", "#4b1d2b", 30), r=12) + rect(
        2, -242, 356, 238, gradient("#efe6dc", "#d8c6c8", 30), r=8
    )
    stamps = group(
        circle(0, 0, 46, "none", stroke="#4a76b8", width=4),
        text(0, 8, "ENTRY", 22, "#4a76b8", anchor="middle", weight=700),
        move=(100, -120),
        rotate=-14,
        opacity=0.55,
    )
    stamps += group(
        rect(-60, -30, 120, 60, "none", stroke="#a8503c", width=4, r=6),
        text(0, 8, "ARRIVED", 22, "#a8503c", anchor="middle", weight=700),
        move=(250, -150),
        rotate=9,
        opacity=0.55,
    )
    book = (
        rect(4, -236, 380, 506, kit.SHADOW, opacity=0.35, blur=12)
        + cover
        + stamps
        + passport_page(ines, "Ines", "Okoro", "14.06.1991", "K 482 0917")
    )
    fold = rect(-8, -8, 376, 16, gradient("#1f274700", "#1f274766")) + rect(-8, 0, 376, 2, "#a48a8e")
    slip = rect(8, 12, 460, 200, kit.SHADOW, opacity=0.35, blur=10) + boarding_pass("OKORO / INES", "X7QM4D")
    return kit.picture(
        _apron_view(),
        group(palm_behind(170, skin), move=(520, 700)),
        group(slip, move=(536, 348), rotate=-8),
        group(book, fold, move=(164, 330), rotate=-7, scale=1.03),
        group(thumb(200, skin), move=(548, 716), rotate=-14),
        group(sleeve(180, 260, "#d29a3d", "#b17c28"), move=(522, 688)),
    )


def _flat_chat(w: float, h: float) -> str:
    """A chat in which an unknown flat owner asks for both sides of a card, a selfie and a deposit."""
    head_ = (
        rect(0, 0, w, 84, "#35507f")
        + circle(46, 54, 20, "#9aa3b5")
        + circle(46, 49, 7, "#eef1f5")
        + path("M33,66C34,56 58,56 59,66Z", "#eef1f5")
    )
    head_ += text(78, 50, "Flat owner", 19, "#ffffff", weight=700) + text(78, 70, "unknown number", 14, "#c5d2ea")
    said = (
        (False, ("The flat is yours! No viewing", "yet, I am abroad.")),
        (False, ("Send me both sides of your", "ID card and a selfie with it.")),
        (False, ("And the deposit today, or I", "give it to someone else.")),
        (True, ("Great! I'll take the", "photos right now.")),
    )
    rows, y = "", 202.0
    for own, words in said:
        wide, tall = (246 if own else 286), 66
        x = w - wide - 14 if own else 14
        rows += rect(x, y, wide, tall, "#cfe6d6" if own else "#ffffff", r=14, stroke="#d5dbe4", width=1.2)
        rows += "".join(text(x + 14, y + 27 + 24 * i, part, 18.5, kit.INK, weight=500) for i, part in enumerate(words))
        y += tall + 16
    room = (
        rect(14, 98, 150, 90, gradient("#f0e2c8", "#cfae86"), r=8)
        + rect(30, 112, 46, 40, "#cfe4ee", stroke="#ffffff", width=4)
        + rect(84, 146, 70, 26, "#7d97ad", r=6)
    )
    box = rect(14, h - 62, w - 28, 44, "#ffffff", r=22, stroke="#c3ccd8", width=1.5) + text(
        34, h - 34, "Message", 17, kit.STONE
    )
    return rect(0, 0, w, h, "#e9eef4") + head_ + rows + room + box


def draw_privacy_04() -> str:
    """An identity card and a phone with a chat about a flat on a table under a lamp."""
    boards = rect(0, 0, 1024, 768, kit.wood("#a5764a")) + "".join(
        line([(0, y), (1024, y)], "#5e3f28", 3, opacity=0.6)
        + line([(0, y + 4), (1024, y + 4)], "#d8ab78", 2, opacity=0.4)
        for y in (150, 318, 486, 654)
    )
    glow = ellipse(350, 330, 620, 470, kit.glow("#ffe9b8aa", "#ffe9b800")) + rect(
        0, 0, 1024, 768, gradient("#1f274700", "#1f274766", 45)
    )
    man = Look(skin="fair", hair="chestnut", hair_style="short", beard=True, top="#5b9257")
    card = rect(10, 14, 340, 214, kit.SHADOW, r=14, opacity=0.4, blur=8) + identity_card(
        man, "Tobias", "Lindqvist", "02.11.1996", "31 Mill Lane, Ashby", "ID 7720 4416 R"
    )
    tea = (
        ellipse(22, 24, 92, 92, kit.SHADOW, opacity=0.35, blur=10)
        + circle(0, 0, 96, gradient("#ffffff", "#c7cdd6", 45))
        + circle(0, 0, 66, gradient("#d5dbe4", "#ffffff", 45))
        + circle(0, 0, 60, gradient("#6d9aa3", "#3b6470", 45))
        + circle(0, 0, 52, gradient("#8a4f26", "#c47a38", 45))
        + path("M58,-16C112,-26 112,32 56,22", stroke="#5d8a94", width=15)
    )
    pen = (
        rect(8, 10, 260, 16, kit.SHADOW, opacity=0.35, blur=5)
        + rect(0, 0, 230, 16, gradient("#4a6fae", "#22365f"), r=6)
        + poly([(230, 0), (262, 8), (230, 16)], "#d5dbe4")
        + rect(20, -5, 80, 5, kit.STEEL, r=2)
    )
    lamp = (
        circle(56, 66, 168, kit.SHADOW, opacity=0.3)
        + line([(-60, -120), (30, 30)], "#8c939e", 20)
        + circle(26, 22, 160, gradient("#e58a72", "#8f3d30", 50))
    )
    lamp += (
        circle(22, 16, 120, gradient("#d8705a", "#a04a3a", 230), opacity=0.6)
        + circle(20, 14, 30, gradient("#f4d6c8", "#8f3d30", 50))
        + line([(-60, -130), (14, 8)], "#a9b1bc", 15)
    )
    device = rect(0, 6, 370, 670, kit.SHADOW, r=46, opacity=0.45, blur=12) + phone(336, 636, _flat_chat(336, 636))
    return kit.picture(
        boards,
        glow,
        lamp,
        group(tea, move=(470, 190)),
        group(card, move=(88, 310), rotate=-7, scale=1.25),
        group(pen, move=(150, 690), rotate=-12),
        group(device, move=(628, 66), rotate=4),
    )
