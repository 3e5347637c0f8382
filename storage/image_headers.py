"""Reads what an image file says of itself, without decoding it.

The intake has to know the size of a picture before a decoder reserves memory for it, and whether the file is cut
short, animated or built to keep a decoder busy. Everything after the end of the picture is left out.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Literal, NoReturn

from storage.errors import ImageRefused

Format = Literal["PNG", "JPEG", "WEBP"]

# An ordinary file has at most a few thousand chunks or segments, and at most a dozen scans. A file with more is
# small to send and takes hours to decode.
MAX_PARTS = 20_000
MAX_SCANS = 64

_PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
# A marker: 0xFF, then a byte that is no stuffing (00), no filling (FF), no TEM (01) and no restart (D0 to D7).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])", re.DOTALL)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ACCEPTED = "save it as PNG, JPEG or WebP and send it again"

# What people and attackers send instead; only used to say it by name.
_OTHER_KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"GIF8[79]a"), "a GIF"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"PK[\x03\x05]"), "a zip archive"),
    (re.compile(rb"BM"), "a BMP"),
    (re.compile(rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+"), "a TIFF"),
    (re.compile(rb"....ftyp(avif|avis)", re.DOTALL), "an AVIF"),
    (re.compile(rb"....ftyp", re.DOTALL), "a HEIC picture or a video"),
    (re.compile(rb"8BPS"), "a Photoshop file"),
    (re.compile(rb"\x00\x00\x01\x00"), "an icon"),
    (re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000"),
    (re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "), "a JPEG XL"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(\?xml|svg|!--)", re.IGNORECASE), "an SVG or XML text"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|script|body|head|iframe|img)", re.IGNORECASE), "an HTML page"),
)


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its picture."""

    format: Format
    width_px: int
    height_px: int
    end: int
    """Offset of the first byte behind the picture."""
    lossless: bool


def read_header(data: bytes) -> ImageHeader:
    """Read the header of a PNG, JPEG or WebP file and walk through its parts.

    Raises:
        ImageRefused: the bytes are of another kind, damaged, cut short or animated, or have too many parts.
    """
    if data.startswith(_PNG_START):
        return _read_png(data)
    if data.startswith(_JPEG_START):
        return _read_jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp(data)
    for pattern, kind in _OTHER_KINDS:
        if pattern.match(data):
            raise ImageRefused(f"the file is {kind}; {_ACCEPTED}")
    raise ImageRefused(f"the file is no image that is known here (it begins with {data[:8]!r}); {_ACCEPTED}")


def refuse_damaged(format_name: str, what: str) -> NoReturn:
    """Raise `ImageRefused` for a file that cannot be read to its end."""
    raise ImageRefused(
        f"the {format_name} file is damaged or cut short: {what}; save the picture anew and send it again"
    )


def _refuse_animated(format_name: str) -> NoReturn:
    raise ImageRefused(f"the {format_name} file is animated; save one frame as a still picture and send that")


def _refuse_crowded(format_name: str, what: str) -> NoReturn:
    raise ImageRefused(f"the {format_name} file has {what}; save the picture anew and send it again")


def _read_png(data: bytes) -> ImageHeader:
    view = memoryview(data)
    position, width, height, depth = len(_PNG_START), 0, 0, 0
    for number in range(MAX_PARTS):
        length, kind = int.from_bytes(view[position : position + 4], "big"), bytes(view[position + 4 : position + 8])
        body = position + 8
        position = body + length + 4
        if position > len(data):
            refuse_damaged("PNG", f"it ends inside the chunk at byte {body - 8}")
        if zlib.crc32(view[body - 4 : position - 4]) != int.from_bytes(view[position - 4 : position], "big"):
            refuse_damaged("PNG", f"the checksum of chunk {kind!r} at byte {body - 8} is wrong")
        if (number == 0) != (kind == b"IHDR") or (number == 0 and length != 13):
            refuse_damaged("PNG", "it does not have exactly one header, at its start")
        if kind == b"IHDR":
            width, height = (
                int.from_bytes(view[body : body + 4], "big"),
                int.from_bytes(view[body + 4 : body + 8], "big"),
            )
            depth = view[body + 8]
        elif kind == b"acTL":
            _refuse_animated("PNG")
        elif kind == b"tRNS" and depth == 16:
            # Decoders cut the samples to 8 bits but not the key, so that the wrong pixels would turn transparent.
            raise ImageRefused("the PNG has 16 bits and a transparent colour; save it with 8 bits and send it again")
        elif kind == b"IEND":
            return ImageHeader("PNG", width, height, position, lossless=True)
    _refuse_crowded("PNG", f"more than {MAX_PARTS} chunks")


def _read_jpeg(data: bytes) -> ImageHeader:
    position, size, scans = 2, (0, 0), 0
    for _ in range(MAX_PARTS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            refuse_damaged("JPEG", "it has no end marker")
        marker, position = found[1][0], found.end()
        if marker == 0xD9:
            if not scans:
                refuse_damaged("JPEG", "it holds no picture")
            return ImageHeader("JPEG", *size, position, lossless=False)
        if marker == 0xD8:
            refuse_damaged("JPEG", f"a second picture starts inside it, at byte {position - 2}")
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            refuse_damaged("JPEG", f"the segment at byte {position - 2} has no valid length")
        if marker in _JPEG_FRAMES:
            if size != (0, 0) or length < 8:
                refuse_damaged("JPEG", "it does not have exactly one frame header")
            size = (
                int.from_bytes(data[position + 5 : position + 7], "big"),
                int.from_bytes(data[position + 3 : position + 5], "big"),
            )
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            _refuse_crowded("JPEG", f"more than {MAX_SCANS} scans")
        position += length
    _refuse_crowded("JPEG", f"more than {MAX_PARTS} segments")


def _read_webp(data: bytes) -> ImageHeader:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        refuse_damaged("WebP", f"it announces {end} bytes and has {len(data)}")
    position, sizes, lossless = 12, [], False
    for _ in range(MAX_PARTS):
        if position + 8 > end:
            break
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : min(position + 18, end)]
        position += 8 + length + length % 2
        if position > end + length % 2:  # some writers forget the last padding byte
            refuse_damaged("WebP", f"chunk {kind!r} is longer than the file")
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[:1] and body[0] & 0x02):
            _refuse_animated("WebP")
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            sizes.append(_read_webp_size(kind, body))
            lossless = lossless or kind == b"VP8L"
    else:
        _refuse_crowded("WebP", f"more than {MAX_PARTS} chunks")
    if len(set(sizes)) != 1:
        refuse_damaged("WebP", f"it states {len(set(sizes))} sizes for its picture")
    return ImageHeader("WEBP", *sizes[0], end, lossless)


def _read_webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height in px from the first ten bytes of a chunk."""
    if len(body) < (5 if kind == b"VP8L" else 10):
        refuse_damaged("WebP", f"chunk {kind!r} is too short")
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
