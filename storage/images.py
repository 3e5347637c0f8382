"""Safe intake of images: decode, turn upright, convert to sRGB, encode anew.

Nothing of the bytes sent is kept but the pixels: no metadata, no second frame, no transparency (laid on white, so
that a reviewer and a model that drops the alpha channel see the same picture), no bytes behind the end.
The same input gives the same output with the same versions of Pillow and its codecs.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.Image import Transpose

from storage.errors import ImageRefused
from storage.image_headers import ImageHeader, read_header, refuse_damaged

MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
MAX_PROFILE_BYTES = 4_000_000
MAX_HAMMING_BITS = 8
"""Perceptual hashes that differ in at most so many of their 64 bits are taken for one picture's."""

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
# Lossless pixels can be chosen so that the encoded file spells these out and passes for something else as well.
_DISGUISES = re.compile(
    rb"<script|<!doctype|<iframe|<html[ >]|<svg[ >]|<\?php[ \n]|<\?xml |javascript:|%PDF-1|PK\x05\x06\x00\x00",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ImageLimits:
    """What an image may be at most; the size in bytes also holds for the encoded result."""

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    max_side_px: int = 10_000
    min_side_px: int = 16


@dataclass(frozen=True)
class CleanImage:
    """An image as it may be stored."""

    data: bytes
    mime: str
    width_px: int
    height_px: int
    phash: str
    """64-bit perceptual hash of the stored picture, 16 hex digits."""


def clean_image(data: bytes, limits: ImageLimits | None = None) -> CleanImage:
    """Decode `data` and encode its pixels anew.

    JPEG stays JPEG (quality 92, 4:4:4), PNG stays PNG, WebP stays lossless or becomes quality 90. Takes up to half
    a minute and 1 GB for the largest image allowed, so call it outside a write transaction where that matters.

    Raises:
        ImageRefused: no PNG, JPEG or WebP, damaged, animated, or outside the limits.
    """
    limits = limits or ImageLimits()
    if not data:
        raise ImageRefused("the file is empty (0 bytes); send a PNG, JPEG or WebP file")
    if len(data) > limits.max_bytes:
        raise ImageRefused(
            f"the file has {len(data):,} bytes, more than {limits.max_bytes:,}; "
            "scale the picture down and send it again"
        )
    header = read_header(data)
    _check_size(header, limits)
    picture = _decode(data[: header.end], header)
    width, height = picture.size
    encoded = _encode(picture, header)
    del picture  # up to 160 MB, and the check below decodes once more
    if len(encoded) > limits.max_bytes:
        raise ImageRefused(
            f"encoded anew the picture takes {len(encoded):,} bytes, more than {limits.max_bytes:,}; "
            "scale it down and send it again"
        )
    if disguise := _DISGUISES.search(encoded):
        raise ImageRefused(
            f"the pixels spell out {disguise[0]!r} in the encoded file; change the picture a little, for instance "
            "by cropping one row, and send it again"
        )
    return CleanImage(encoded, MIMES[header.format], width, height, hash_picture(encoded))


def _check_size(header: ImageHeader, limits: ImageLimits) -> None:
    width, height = header.width_px, header.height_px
    if max(width, height) > limits.max_side_px:
        raise ImageRefused(
            f"the picture is {width} x {height} px, more than {limits.max_side_px} on a side; "
            "scale it down and send it again"
        )
    if width * height > limits.max_pixels:
        raise ImageRefused(
            f"the picture is {width} x {height} px, more than {limits.max_pixels:,} pixels in all; "
            "scale it down and send it again"
        )
    if min(width, height) < limits.min_side_px:
        raise ImageRefused(
            f"the picture is {width} x {height} px, less than {limits.min_side_px} on a side; send a larger one"
        )


def _decode(data: bytes, header: ImageHeader) -> Image.Image:
    """Return the upright sRGB picture, mode L or RGB, with nothing attached."""
    try:
        with Image.open(BytesIO(data), formats=(header.format,)) as opened:
            if opened.size != (header.width_px, header.height_px):
                refuse_damaged(header.format, f"it states two sizes, {opened.size} among them")
            opened.load()
            profile = opened.info.get("icc_profile")
            turn = _UPRIGHT.get(_read_orientation(opened))
            picture = _convert_to_srgb(_flatten(opened), profile)
    except ImageRefused:
        raise
    except Exception as exc:  # decoders raise a dozen kinds of errors on damaged data; all mean the same here
        # Pillow's message for a header that it cannot use names an object in memory and nothing else.
        why = "its header is not valid" if isinstance(exc, UnidentifiedImageError) else exc
        raise ImageRefused(f"the picture cannot be decoded ({why}); save it anew and send it again") from exc
    if turn is not None:
        picture = picture.transpose(turn)
    # The encoders copy the comment, the colour profile and the XMP from here.
    picture.info.clear()
    return picture


def _read_orientation(opened: Image.Image) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # EXIF is not kept, so a broken one is no reason to refuse the picture
        return 1


def _flatten(opened: Image.Image) -> Image.Image:
    """Return a copy in mode L, RGB or CMYK: 8 bits, no palette, transparency laid on white."""
    if opened.mode == "I" or opened.mode.startswith("I;16"):
        # Pillow's own conversion cuts off at 255 instead of scaling.
        return opened.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if "A" in opened.mode or "transparency" in opened.info:
        seen = opened if opened.mode == "RGBA" else opened.convert("RGBA")
        flat = Image.new("RGB", seen.size, "white")
        flat.paste(seen, mask=seen.getchannel("A"))
        return flat
    if opened.mode in ("L", "RGB", "CMYK"):
        return opened.copy()
    return opened.convert("L" if opened.mode == "1" else "RGB")


def _convert_to_srgb(picture: Image.Image, profile: Any) -> Image.Image:
    """Return `picture` in mode L (as it was) or in sRGB. A profile that cannot be used is ignored, as browsers do."""
    plain = picture if picture.mode == "L" else picture.convert("RGB")
    if not isinstance(profile, bytes) or not profile:
        return plain
    if len(profile) > MAX_PROFILE_BYTES:
        raise ImageRefused(
            f"the colour profile has {len(profile):,} bytes, more than {MAX_PROFILE_BYTES:,}; "
            "convert the picture to sRGB and send it again"
        )
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[picture.mode]:
            return plain
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return plain
    return converted or plain


def _encode(picture: Image.Image, header: ImageHeader) -> bytes:
    options: dict[str, Any] = {}
    if header.format == "JPEG":
        options = {"quality": 92, "subsampling": 0}
    elif header.format == "WEBP":
        options = {"lossless": True} if header.lossless else {"quality": 90}
    buffer = BytesIO()
    picture.save(buffer, header.format, **options)
    return buffer.getvalue()


def hash_picture(data: bytes) -> str:
    """Return the perceptual hash of a picture, upright, in 16 hex digits; for a stored one what `BlobRef.phash` has.

    Raises what Pillow raises for bytes that it cannot decode.
    """
    import imagehash  # brings scipy, which only the intake and the search for duplicates need

    with Image.open(BytesIO(data)) as picture:
        return str(imagehash.phash(ImageOps.exif_transpose(picture)))
