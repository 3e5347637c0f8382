"""Makes a few hundred hostile or odd image files, each with what the intake must do with it.

Every text or archive smuggled into a file holds `MARK`, so that a test can look for it in what was stored.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image, ImageCms

MARK = b"HOSTILE-PAYLOAD"
REFUSED, HARMLESS, EITHER = "refused", "harmless", "either"

SCRIPT = b"<script>alert('" + MARK + b"')</script>"
HTML = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
PHP = b"<?php echo '" + MARK + b"'; ?>"
PDF = b"%PDF-1.4\n%" + MARK + b"\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


class Hostile(NamedTuple):
    """A file, what the intake must do with it, and a piece of the refusal's message where that matters."""

    name: str
    data: bytes
    outcome: str
    says: str = ""


def make_hostile_images() -> list[Hostile]:
    """Return all of them, the same bytes every time."""
    makers = (
        _bombs, _crowded, _truncated, _other_kinds, _not_images, _trailing, _hidden_texts, _metadata, _profiles,
        _animated, _odd_modes, _damaged_png, _damaged_jpeg, _damaged_webp, _flipped, _sizes,
    )  # fmt: skip
    return [case for maker in makers for case in maker()]


def draw_picture(mode: str = "RGB", size: tuple[int, int] = (96, 64), seed: int = 1) -> Image.Image:
    """Return a picture with shapes and gradients; `seed` moves them."""
    red = Image.linear_gradient("L").resize(size).rotate(seed * 37)
    green = Image.radial_gradient("L").resize(size)
    picture = Image.merge("RGB", (red, green, Image.linear_gradient("L").rotate(90).resize(size)))
    picture.paste((200, 30 + seed % 200, 60), (10, 12, size[0] // 2, size[1] // 2))
    return picture.convert(mode)


def encode(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of `picture` in a format, with other settings than the intake's own."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **{"PNG": {"compress_level": 1}, "WEBP": {"method": 0}}.get(format, {}) | options)
    return buffer.getvalue()


def make_chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(width: int, height: int, depth: int, colour: int, idat: bytes, *before: bytes) -> bytes:
    """Return a PNG from its header values, its compressed data and other chunks before that."""
    header = make_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n" + header + b"".join(before)
    return start + make_chunk(b"IDAT", idat) + make_chunk(b"IEND")


def insert_chunk(png: bytes, *chunks: bytes) -> bytes:
    """Return `png` with chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def insert_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Return `jpeg` with a segment at its start."""
    return jpeg[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def make_webp_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a RIFF chunk, padded."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def make_webp(*chunks: bytes) -> bytes:
    """Return a WebP file of these chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _resize_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    at = next(i for i in range(len(jpeg)) if jpeg[i] == 0xFF and jpeg[i + 1] in (0xC0, 0xC2))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def _resize_webp(webp: bytes, width: int, height: int) -> bytes:
    if webp[12:16] == b"VP8L":
        bits = struct.unpack("<I", webp[21:25])[0] & 0xF0000000 | (width - 1) | (height - 1) << 14
        return webp[:21] + struct.pack("<I", bits) + webp[25:]
    return webp[:26] + struct.pack("<HH", width, height) + webp[30:]


def _squeeze_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    packed = [packer.compress(block) for _ in range(size >> 20)]
    return b"".join([*packed, packer.compress(bytes(size & 0xFFFFF)), packer.flush()])


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("Evil.class"), MARK)
    return buffer.getvalue()


def _plain() -> dict[str, bytes]:
    picture = draw_picture()
    return {
        "png": encode(picture),
        "jpeg": encode(picture, "JPEG"),
        "progressive": encode(picture, "JPEG", progressive=True),
        "webp": encode(picture, "WEBP"),
        "lossless-webp": encode(picture, "WEBP", lossless=True),
    }


def _bombs() -> Iterator[Hostile]:
    for side in (20_000, 30_000):
        packed = _squeeze_zeros(side * (side // 8 + 1))
        yield Hostile(f"bomb-png-1bit-{side}", make_png(side, side, 1, 0, packed), REFUSED, "on a side")
    packed = _squeeze_zeros(50_000_000)
    for depth, colour in ((8, 2), (16, 2), (16, 6), (8, 6), (8, 0)):
        for size in (
            (7_000, 7_000),
            (30_000, 30_000),
            (2**31 - 1, 2**31 - 1),
            (2**32 - 1, 1),
            (30_000, 16),
            (16, 30_000),
        ):
            name = f"bomb-png-{depth}bit-type{colour}-{size[0]}x{size[1]}"
            yield Hostile(name, make_png(*size, depth, colour, packed), REFUSED, "more than")
    yield Hostile("bomb-png-idat-longer-than-picture", make_png(64, 64, 8, 2, packed), HARMLESS)
    png = encode(draw_picture())
    text_bomb = _squeeze_zeros(300_000_000)
    yield Hostile(
        "bomb-png-ztxt", insert_chunk(png, make_chunk(b"zTXt", b"Comment\0\0" + text_bomb)), REFUSED, "too large"
    )
    yield Hostile(
        "bomb-png-itxt", insert_chunk(png, make_chunk(b"iTXt", b"C\0\1\0\0\0" + text_bomb)), REFUSED, "too large"
    )
    yield Hostile("bomb-png-iccp", insert_chunk(png, make_chunk(b"iCCP", b"p\0\0" + text_bomb)), REFUSED, "too large")
    many = [make_chunk(b"zTXt", b"k%d\0\0" % i + _squeeze_zeros(1_000_000)) for i in range(100)]
    yield Hostile("bomb-png-100-ztxt", insert_chunk(png, *many), REFUSED, "memory")
    for kind in ("jpeg", "progressive"):
        for size in ((65_500, 65_500), (30_000, 30_000), (8_000, 8_000), (30_000, 16), (16, 30_000)):
            data = _resize_jpeg(_plain()[kind], *size)
            yield Hostile(f"bomb-{kind}-{size[0]}x{size[1]}", data, REFUSED, "more than")
        yield Hostile(f"bomb-{kind}-6000x6000-no-data", _resize_jpeg(_plain()[kind], 6_000, 6_000), HARMLESS)
    for kind in ("webp", "lossless-webp"):
        for size in ((16_383, 16_383), (8_000, 8_000), (16_383, 16)):
            data = _resize_webp(_plain()[kind], *size)
            yield Hostile(f"bomb-{kind}-{size[0]}x{size[1]}", data, REFUSED, "more than")
    canvas = b"\0" * 4 + b"\xff" * 6
    yield Hostile("bomb-webp-canvas", make_webp(make_webp_chunk(b"VP8X", canvas)), REFUSED, "on a side")
    screen = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    yield Hostile("bomb-gif", screen + b",\0\0\0\0\xff\xff\xff\xff\0\x08\xff" + MARK + b"\0;", REFUSED, "a GIF")
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    yield Hostile("bomb-bmp", bmp, REFUSED, "a BMP")
    tiff = encode(draw_picture(), "TIFF").replace(
        struct.pack("<HHIHH", 256, 4, 1, 96, 0), struct.pack("<HHII", 256, 4, 1, 90_000)
    )
    yield Hostile("bomb-tiff", tiff, REFUSED, "a TIFF")


def _crowded() -> Iterator[Hostile]:
    plain = _plain()
    jpeg, scan = plain["progressive"], plain["progressive"].rindex(b"\xff\xda")
    yield Hostile("crowded-jpeg-scans", jpeg[:scan] + jpeg[scan:-2] * 2_000 + jpeg[-2:], REFUSED, "scans")
    comments = b"\xff\xfe\x00\x02" * 50_000
    yield Hostile("crowded-jpeg-comments", jpeg[:2] + comments + jpeg[2:], REFUSED, "segments")
    yield Hostile("crowded-jpeg-filling", b"\xff\xd8" + b"\xff" * 5_000_000, REFUSED, "end marker")
    yield Hostile("crowded-jpeg-stuffing", b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00" * 2_500_000, REFUSED, "end marker")
    data = insert_chunk(plain["png"], make_chunk(b"tEXt", b"a\0b") * 50_000)
    yield Hostile("crowded-png-chunks", data, REFUSED, "chunks")
    chunks = [plain["webp"][12:], *[make_webp_chunk(b"JUNK", b"")] * 50_000]
    yield Hostile("crowded-webp-chunks", make_webp(*chunks), REFUSED, "chunks")


def _truncated() -> Iterator[Hostile]:
    for kind, data in _plain().items():
        size = len(data)
        for cut in (3, 9, 13, 25, 40, size // 5, size // 3, size // 2, size * 4 // 5, size - 13, size - 2, size - 1):
            yield Hostile(f"truncated-{kind}-{cut}", data[:cut], REFUSED)


def _other_kinds() -> Iterator[Hostile]:
    picture = draw_picture()
    for format in (
        "GIF",
        "BMP",
        "TIFF",
        "ICO",
        "PPM",
        "TGA",
        "PCX",
        "JPEG2000",
        "AVIF",
        "DDS",
        "EPS",
        "PDF",
        "SGI",
        "ICNS",
    ):
        yield Hostile(f"other-{format.lower()}-named-png", encode(picture, format), REFUSED, "PNG, JPEG or WebP")
    entity = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    texts = {
        "svg": SVG, "svg-declared": b'<?xml version="1.0"?>\n' + SVG, "svg-bom": b"\xef\xbb\xbf" + SVG,
        "svg-spaced": b"\n\n   " + SVG, "svg-upper": SVG.replace(b"<svg", b"<SVG"),
        "svg-commented": b"<!-- " + MARK + b" -->" + SVG, "svg-entities": entity + SVG,
        "svgz": zlib.compress(SVG, wbits=31), "svg-utf16": SVG.decode().encode("utf-16"), "html": HTML,
        "html-bare": SCRIPT, "html-spaced": b" \r\n" + HTML, "html-frame": b"<iframe src=javascript:alert(1)>" + MARK,
    }  # fmt: skip
    for name, data in texts.items():
        says = "SVG or XML" if name in ("svg", "svg-declared", "svg-bom", "svg-upper") else "PNG, JPEG or WebP"
        yield Hostile(f"other-{name}-named-jpg", data, REFUSED, says)


def _not_images() -> Iterator[Hostile]:
    texts = {
        "empty": b"", "one-byte": b"\x89", "text": MARK, "json": b'{"image": "' + MARK + b'"}', "php": PHP, "pdf": PDF,
        "zip": _zip(), "shell": b"#!/bin/sh\necho " + MARK, "elf": b"\x7fELF" + MARK, "exe": b"MZ" + MARK,
        "mp4": b"\0\0\0\x20ftypisom" + MARK, "zeros": bytes(10_000), "ones": b"\xff" * 10_000,
        "gif-zip": b"GIF89a" + _zip(), "data-url": b"data:image/png;base64,iVBORw0KGgo=",
        "png-start-only": b"\x89PNG\r\n\x1a\n", "jpeg-start-only": b"\xff\xd8\xff", "riff-only": b"RIFF\x04\0\0\0WEBP",
        "jpeg-ends-only": b"\xff\xd8\xff\xd9", "wave": b"RIFF\x24\0\0\0WAVEfmt " + MARK,
    }  # fmt: skip
    for name, data in texts.items():
        yield Hostile(f"not-{name}", data, REFUSED)
    for seed in range(6):
        noise = random.Random(seed).randbytes(3_000)
        yield Hostile(f"not-random-{seed}", noise, REFUSED)
        starts = {
            "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "jpeg": b"\xff\xd8\xff\xe0",
            "webp": b"RIFF\xa0\x0b\0\0WEBPVP8 ",
        }
        for name, start in starts.items():
            yield Hostile(f"not-random-{seed}-behind-{name}-start", start + noise, REFUSED)
    for kind, data in _plain().items():
        yield Hostile(f"not-{kind}-behind-a-script", SCRIPT + data, REFUSED)


def _trailing() -> Iterator[Hostile]:
    tails = {
        "zip": _zip(),
        "html": HTML,
        "php": PHP,
        "pdf": PDF,
        "svg": SVG,
        "noise": random.Random(5).randbytes(50_000),
    }
    for kind, data in _plain().items():
        for name, tail in tails.items():
            yield Hostile(f"trailing-{kind}-{name}", data + tail, HARMLESS)
        yield Hostile(
            f"trailing-{kind}-second-picture", data + encode(draw_picture(seed=9), "JPEG", comment=MARK), HARMLESS
        )


def _hidden_texts() -> Iterator[Hostile]:
    plain = _plain()
    for name, text in {
        "script": SCRIPT,
        "php": PHP,
        "pdf": PDF,
        "zip": _zip(),
        "svg": SVG,
        "js": b"*/=1;alert(1)//" + MARK,
    }.items():
        for marker, place in ((0xFE, "comment"), (0xED, "app13"), (0xEF, "app15"), (0xE1, "app1"), (0xE2, "app2")):
            yield Hostile(f"hidden-jpeg-{place}-{name}", insert_segment(plain["jpeg"], marker, text), HARMLESS)
        for kind in (b"tEXt", b"prIv", b"tIME", b"iTXt"):
            body = b"Comment\0" + text if kind != b"iTXt" else b"Comment\0\0\0\0\0" + text
            data = insert_chunk(plain["png"], make_chunk(kind, body))
            yield Hostile(f"hidden-png-{kind.decode()}-{name}", data, HARMLESS)
        extra = make_webp_chunk(b"EVIL", text)
        yield Hostile(f"hidden-webp-chunk-{name}", make_webp(plain["webp"][12:], extra), HARMLESS)
    # The length of the first segment reads as the start of a JavaScript comment.
    body = b"\0" * (0x2F2A - 2)
    data = b"\xff\xd8\xff\xe0\x2f\x2a" + body + plain["jpeg"][2:] + b"*/=alert('" + MARK + b"')"
    yield Hostile("hidden-jpeg-javascript", data, HARMLESS)
    noise = random.Random(3).randbytes(96 * 64 * 3)
    for repeat in (1, 20):
        pixels = (SCRIPT + b" ") * repeat
        picture = Image.frombytes("RGB", (96, 64), pixels + noise[len(pixels) :])
        yield Hostile(f"hidden-png-pixels-{repeat}", encode(picture, compress_level=0), EITHER)
        yield Hostile(f"hidden-webp-pixels-{repeat}", encode(picture, "WEBP", lossless=True), EITHER)
    palette = Image.frombytes("P", (64, 64), random.Random(4).randbytes(64 * 64))
    palette.putpalette((SCRIPT * 20)[:768])
    yield Hostile("hidden-png-palette", encode(palette), HARMLESS)
    ghost = draw_picture("RGBA")
    ghost.putalpha(0)
    yield Hostile("hidden-png-under-transparency", encode(ghost), HARMLESS)


def _metadata() -> Iterator[Hostile]:
    picture = draw_picture()
    exif = Image.Exif()
    exif[0x010E] = (MARK + SCRIPT).decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>' + SCRIPT + b"</rdf:RDF></x:xmpmeta>"
    for format in ("PNG", "JPEG", "WEBP"):
        yield Hostile(f"metadata-{format}-gps", encode(picture, format, exif=exif), HARMLESS)
        for value in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65_535):
            turned = Image.Exif()
            turned[0x0112] = value
            yield Hostile(f"metadata-{format}-orientation-{value}", encode(picture, format, exif=turned), HARMLESS)
        start = b"Exif\0\0"
        loop = start + b"II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0"
        noise = start + random.Random(1).randbytes(90)
        for name, broken in {"cut": exif.tobytes()[:30], "noise": noise, "loop": loop}.items():
            yield Hostile(f"metadata-{format}-exif-{name}", encode(picture, format, exif=broken), HARMLESS)
    jpeg = encode(picture, "JPEG")
    yield Hostile("metadata-JPEG-xmp", insert_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp), HARMLESS)
    yield Hostile(
        "metadata-PNG-xmp",
        insert_chunk(encode(picture), make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)),
        HARMLESS,
    )
    yield Hostile("metadata-WEBP-xmp", encode(picture, "WEBP", xmp=xmp), HARMLESS)
    thumbnail = bytes((8, 8)) + (MARK * 20)[:192]
    yield Hostile(
        "metadata-JPEG-thumbnail",
        jpeg[:2] + b"\xff\xe0" + struct.pack(">H", 16 + 192) + b"JFIF\0\1\1\0\0\1\0\1" + thumbnail + jpeg[2:],
        HARMLESS,
    )
    second = draw_picture(seed=7)
    yield Hostile(
        "metadata-JPEG-mpo", encode(picture, "MPO", save_all=True, append_images=[second], comment=MARK), HARMLESS
    )


def _profiles() -> Iterator[Hostile]:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    noise = random.Random(8).randbytes(len(srgb))
    profiles = {
        "srgb": srgb, "lab": lab, "noise": noise, "cut": srgb[:60], "one-byte": b"x",
        "broken": srgb[:128] + noise[128:], "script": srgb[:100] + SCRIPT + srgb[100 + len(SCRIPT) :],
        "says-cmyk": srgb[:16] + b"CMYK" + srgb[20:], "says-grey": srgb[:16] + b"GRAY" + srgb[20:],
    }  # fmt: skip
    for name, profile in profiles.items():
        for format, mode in (("PNG", "RGB"), ("PNG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGB")):
            data = encode(draw_picture(mode), format, icc_profile=profile)
            yield Hostile(f"profile-{format}-{mode}-{name}", data, HARMLESS)
    yield Hostile("profile-JPEG-5MB", encode(draw_picture(), "JPEG", icc_profile=srgb + bytes(5_000_000)), REFUSED)


def _animated() -> Iterator[Hostile]:
    frames = [draw_picture(seed=seed) for seed in range(2, 5)]
    for format in ("GIF", "PNG", "WEBP"):
        data = encode(draw_picture(), format, save_all=True, append_images=frames)
        yield Hostile(f"animated-{format}", data, REFUSED, "GIF" if format == "GIF" else "animated")
    one = make_chunk(b"acTL", struct.pack(">II", 1, 0))
    yield Hostile("animated-PNG-of-one-frame", insert_chunk(encode(draw_picture()), one), REFUSED, "animated")
    png = encode(draw_picture())
    yield Hostile("animated-PNG-said-late", png[:-12] + one + png[-12:], REFUSED, "animated")
    endless = make_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield Hostile("animated-PNG-of-2-billion-frames", insert_chunk(png, endless), REFUSED, "animated")
    webp = encode(draw_picture(), "WEBP", save_all=True, append_images=frames)
    yield Hostile("animated-WEBP-unflagged", webp[:20] + bytes([webp[20] & ~2]) + webp[21:], REFUSED, "animated")


def _odd_modes() -> Iterator[Hostile]:
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        picture = draw_picture("I").point(lambda v: v * 256).convert("I;16") if mode == "I;16" else draw_picture(mode)
        yield Hostile(f"mode-png-{mode}", encode(picture), HARMLESS)
    for transparency in (0, 255, b"\0\x80\xff" * 80):
        data = encode(draw_picture("P"), transparency=transparency)
        yield Hostile(f"mode-png-palette-transparent-{len(data)}-{type(transparency).__name__}", data, HARMLESS)
    yield Hostile("mode-png-colour-key", encode(draw_picture(), transparency=(200, 31, 60)), HARMLESS)
    yield Hostile("mode-png-grey-key", encode(draw_picture("L"), transparency=7), HARMLESS)
    for bits in (1, 2, 4):
        yield Hostile(f"mode-png-palette-{bits}-bits", encode(draw_picture().quantize(2**bits), bits=bits), HARMLESS)
    for colour, samples in ((0, 1), (2, 3), (4, 2), (6, 4)):
        rows = b"".join(b"\0" + random.Random(row).randbytes(32 * samples * 2) for row in range(32))
        yield Hostile(f"mode-png-16-bit-type{colour}", make_png(32, 32, 16, colour, zlib.compress(rows)), HARMLESS)
        if colour in (0, 2):
            key = make_chunk(b"tRNS", b"\1\2" * samples)
            data = make_png(32, 32, 16, colour, zlib.compress(rows), key)
            yield Hostile(f"mode-png-16-bit-key-type{colour}", data, REFUSED, "transparent colour")
    for mode in ("CMYK", "L", "YCbCr"):
        yield Hostile(f"mode-jpeg-{mode}", encode(draw_picture(mode), "JPEG"), HARMLESS)
    yield Hostile("mode-webp-alpha", encode(draw_picture("RGBA"), "WEBP"), HARMLESS)
    ghost = draw_picture("RGBA")
    ghost.putalpha(Image.linear_gradient("L").resize(ghost.size))
    for lossless in (False, True):
        data = encode(ghost, "WEBP", lossless=lossless, exact=True)
        yield Hostile(f"mode-webp-alpha-gradient-{lossless}", data, HARMLESS)


def _damaged_png() -> Iterator[Hostile]:
    png = encode(draw_picture())
    idat = zlib.compress(bytes(33 * 32))
    header = png[8:33]
    cases = {
        "wrong-checksum": png[:29] + b"\0\0\0\0" + png[33:],
        "wrong-data-checksum": png[:60] + bytes([png[60] ^ 1]) + png[61:],
        "two-headers": png[:33] + header + png[33:], "no-header": png[:8] + png[33:],
        "no-data": png[:33] + make_chunk(b"IEND"),
        "no-end": png[:-12],
        "short-data": make_png(32, 32, 8, 0, zlib.compress(bytes(40))),
        "no-zlib": make_png(32, 32, 8, 0, MARK * 30),
        "bad-filter": make_png(32, 32, 8, 0, zlib.compress(b"\x09" * 33 * 32)),
        "endless-chunk": png[:33] + b"\xff\xff\xff\xff" + png[37:],
        "short-header": png[:8] + make_chunk(b"IHDR", b"\0\0\0\x20") + png[33:],
        "long-header": png[:8] + make_chunk(b"IHDR", png[16:29] + MARK) + png[33:],
    }  # fmt: skip
    for name, data in cases.items():
        yield Hostile(f"damaged-png-{name}", data, REFUSED)
    for values in ((0, 32, 8, 0), (32, 0, 8, 0), (0, 0, 8, 0), (32, 32, 3, 0), (32, 32, 8, 5)):
        yield Hostile(f"damaged-png-header-{values}", make_png(*values, idat), REFUSED)
    yield Hostile("damaged-png-no-palette", make_png(32, 32, 8, 3, idat), HARMLESS)
    yield Hostile("damaged-png-wild-frame", insert_chunk(png, make_chunk(b"fcTL", b"\xff" * 26)), EITHER)


def _damaged_jpeg() -> Iterator[Hostile]:
    jpeg = encode(draw_picture(), "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    segment = jpeg[frame : frame + 19]
    cases = {
        "two-frames": jpeg[:frame] + segment + jpeg[frame:],
        "second-frame-huge": jpeg[:frame]
        + segment
        + segment[:5]
        + b"\xff\x00\xff\x00"
        + segment[9:]
        + jpeg[frame + 19 :],
        "no-frame": jpeg[:frame] + jpeg[frame + 19 :],
        "height-0": _resize_jpeg(jpeg, 96, 0), "width-0": _resize_jpeg(jpeg, 0, 64),
        "12-bit": jpeg[: frame + 4] + b"\x0c" + jpeg[frame + 5 :],
        "lossless": jpeg[: frame + 1] + b"\xc3" + jpeg[frame + 2 :],
        "9-components": jpeg[: frame + 9] + b"\x09" + jpeg[frame + 10 :],
        "length-0": jpeg[:2] + b"\xff\xfe\0\0" + jpeg[2:], "length-1": jpeg[:2] + b"\xff\xfe\0\1" + jpeg[2:],
        "length-too-long": jpeg[:4] + b"\xff\xff" + jpeg[6:],
        "start-twice": jpeg[:2] + jpeg, "no-quantization": jpeg.replace(b"\xff\xdb", b"\xff\xec"),
        "no-scan": jpeg[: jpeg.index(b"\xff\xda")] + b"\xff\xd9",
    }  # fmt: skip
    for name, data in cases.items():
        yield Hostile(f"damaged-jpeg-{name}", data, REFUSED)
    yield Hostile("damaged-jpeg-arithmetic", jpeg[: frame + 1] + b"\xc9" + jpeg[frame + 2 :], EITHER)
    yield Hostile("damaged-jpeg-no-tables", jpeg.replace(b"\xff\xc4", b"\xff\xec"), EITHER)
    scan = jpeg.index(b"\xff\xda") + 14
    noise = random.Random(2).randbytes(400).replace(b"\xff", b"\xfe")
    yield Hostile("damaged-jpeg-noise-as-data", jpeg[:scan] + noise + b"\xff\xd9", EITHER)


def _damaged_webp() -> Iterator[Hostile]:
    plain = _plain()
    lossy, lossless = plain["webp"], plain["lossless-webp"]
    canvas = make_webp_chunk(b"VP8X", b"\0\0\0\0" + struct.pack("<I", 199)[:3] + struct.pack("<I", 99)[:3])
    cases = {
        "canvas-differs": make_webp(canvas, lossy[12:]),
        "two-pictures": make_webp(lossy[12:], encode(draw_picture(size=(48, 48)), "WEBP")[12:]),
        "no-picture": make_webp(make_webp_chunk(b"JUNK", MARK)),
        "chunk-too-long": lossy[:16] + b"\xff\xff\xff\x7f" + lossy[20:],
        "riff-too-long": lossy[:4] + b"\xff\xff\xff\xff" + lossy[8:],
        "riff-too-short": lossy[:4] + b"\x10\0\0\0" + lossy[8:],
        "no-start-code": lossy[:23] + b"\0\0\0" + lossy[26:],
        "no-signature": lossless[:20] + b"\0" + lossless[21:],
        "tiny-chunk": make_webp(make_webp_chunk(b"VP8L", b"\x2f\0")),
        "noise": make_webp(make_webp_chunk(b"VP8 ", lossy[20:30] + random.Random(6).randbytes(9))),
    }
    for name, data in cases.items():
        yield Hostile(f"damaged-webp-{name}", data, REFUSED)


def _flipped() -> Iterator[Hostile]:
    for kind, data in _plain().items():
        for seed in range(8):
            chance = random.Random(seed)
            changed = bytearray(data)
            for _ in range(1 + seed):
                changed[chance.randrange(4, len(data))] ^= 1 << chance.randrange(8)
            yield Hostile(f"flipped-{kind}-{seed}", bytes(changed), REFUSED if kind == "png" else EITHER)


def _sizes() -> Iterator[Hostile]:
    for format in ("PNG", "JPEG", "WEBP"):
        for size in ((1, 1), (15, 64), (64, 15)):
            data = encode(draw_picture(size=(64, 64)).resize(size), format)
            yield Hostile(f"size-{format}-{size[0]}x{size[1]}", data, REFUSED, "less than 16")
        data = encode(Image.new("L" if format != "WEBP" else "RGB", (10_001, 16)), format)
        yield Hostile(f"size-{format}-10001x16", data, REFUSED, "on a side")
        data = encode(draw_picture(), format)
        yield Hostile(f"size-{format}-20MB", data + bytes(20_000_001 - len(data)), REFUSED, "bytes")
