"""The image intake against a few hundred hostile files, and what it does to honest ones."""

import importlib.util
import json
import random
import subprocess
import sys
import textwrap
import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageStat

from storage.errors import ImageRefused
from storage.images import ImageLimits, clean_image

GENERATOR = Path(__file__).with_name("hostile_images.py")
_spec = importlib.util.spec_from_file_location("hostile_images", GENERATOR)
assert _spec is not None
assert _spec.loader is not None
hostile: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hostile)

CASES = hostile.make_hostile_images()
# What our encoders write, and nothing else: no text, no profile, no EXIF, no second frame.
PARTS = {
    "image/png": {b"IHDR", b"IDAT", b"IEND"},
    "image/jpeg": {0xE0, 0xDB, 0xC0, 0xC4, 0xDA},
    "image/webp": {b"VP8 ", b"VP8L"},
}


def list_parts(data: bytes, mime: str) -> set[Any]:
    """Return the kinds of chunks or segments of an encoded file, and fail when anything stands behind its end."""
    kinds: set[Any] = set()
    if mime == "image/png":
        at = 8
        while at < len(data):
            kinds.add(data[at + 4 : at + 8])
            at += 12 + int.from_bytes(data[at : at + 4], "big")
        assert data[-8:-4] == b"IEND"
    elif mime == "image/webp":
        assert int.from_bytes(data[4:8], "little") == len(data) - 8
        at = 12
        while at < len(data):
            kinds.add(data[at : at + 4])
            at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") + 1) // 2 * 2
    else:
        at = 2
        while data[at + 1] != 0xDA:
            assert data[at] == 0xFF
            kinds.add(data[at + 1])
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        kinds.add(0xDA)
        assert data.index(b"\xff\xd9", at) == len(data) - 2
    return kinds


def check_harmless(sent: bytes) -> None:
    """Fail unless the intake refuses `sent` or makes a plain picture of it."""
    image = clean_image(sent)
    assert image.data != sent
    assert hostile.MARK not in image.data
    assert list_parts(image.data, image.mime) <= PARTS[image.mime]
    with Image.open(BytesIO(image.data)) as stored:
        stored.load()
        assert stored.get_format_mimetype() == image.mime
        assert stored.size == (image.width_px, image.height_px)
        assert stored.mode in ("L", "RGB")
        assert getattr(stored, "n_frames", 1) == 1
        assert not stored.getexif()
        assert not {"icc_profile", "exif", "xmp", "comment", "transparency", "photoshop"} & set(stored.info)


def test_there_are_enough_hostile_images() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.data for case in CASES}) > 0.98 * len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_hostile_image_is_refused_or_made_harmless(case: Any) -> None:
    try:
        check_harmless(case.data)
    except ImageRefused as refusal:
        assert case.outcome in (hostile.REFUSED, hostile.EITHER), refusal
        assert case.says in str(refusal)
        assert "send" in str(refusal), "the message must name a remedy"
        assert "object at 0x" not in str(refusal)
    else:
        assert case.outcome in (hostile.HARMLESS, hostile.EITHER)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and sets RLIMIT_AS")
def test_every_bomb_is_refused_within_a_modest_memory_limit(tmp_path: Path) -> None:
    """In a process of its own that may take 300 MB more than it has after its imports."""
    bombs = [case for case in CASES if case.name.startswith(("bomb", "crowded")) and case.outcome == hostile.REFUSED]
    assert len(bombs) >= 50
    for number, case in enumerate(bombs):
        (tmp_path / f"{number}.bin").write_bytes(case.data)
    script = textwrap.dedent(
        """
        import json, pathlib, resource, sys, time
        import PIL.PngImagePlugin, PIL.JpegImagePlugin, PIL.WebPImagePlugin
        from storage.errors import ImageRefused
        from storage.images import clean_image

        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
        seen = {}
        for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
            start = time.process_time()
            try:
                clean_image(path.read_bytes())
                seen[path.stem] = "accepted"
            except ImageRefused as refusal:
                seen[path.stem] = "MemoryError" if isinstance(refusal.__cause__, MemoryError) else ""
            if time.process_time() - start > 5:
                seen[path.stem] += f" {time.process_time() - start:.1f} s"
        print(json.dumps(seen))
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    bad = {bombs[int(number)].name: what for number, what in json.loads(done.stdout).items() if what}
    assert bad == {}
    assert len(json.loads(done.stdout)) == len(bombs)


def test_python_memory_stays_near_the_size_of_the_file() -> None:
    """The walk through 5 MB of markers and chunks keeps no copies of them."""
    crowded = [case for case in CASES if case.name.startswith("crowded")]
    for case in crowded:
        tracemalloc.start()
        with pytest.raises(ImageRefused):
            clean_image(case.data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * len(case.data) + 2_000_000, case.name


@pytest.mark.parametrize(("format", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_same_input_gives_same_bytes_and_keeps_the_format(format: str, mime: str) -> None:
    sent = hostile.encode(hostile.draw_picture(size=(320, 200)), format)
    first, second = clean_image(sent), clean_image(sent)
    assert first == second
    assert first.mime == mime
    assert (first.width_px, first.height_px) == (320, 200)
    assert len(first.phash) == 16
    assert int(first.phash, 16) > 0


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_lossless_stays_lossless(format: str, options: dict[str, Any]) -> None:
    picture = hostile.draw_picture(size=(320, 200))
    image = clean_image(hostile.encode(picture, format, **options))
    with Image.open(BytesIO(image.data)) as stored:
        assert ImageChops.difference(stored.convert("RGB"), picture).getbbox() is None
    assert clean_image(image.data).data == image.data, "our own form comes out of the intake as it went in"


def test_lossy_stays_close_and_small() -> None:
    picture = hostile.draw_picture(size=(320, 200))
    for format in ("JPEG", "WEBP"):
        image = clean_image(hostile.encode(picture, format, quality=95))
        with Image.open(BytesIO(image.data)) as stored:
            error = ImageStat.Stat(ImageChops.difference(stored.convert("RGB"), picture)).mean
        assert max(error) < 3
    lossy, lossless = (hostile.encode(picture, "WEBP", lossless=lossless) for lossless in (False, True))
    assert b"VP8 " in clean_image(lossy).data[:16]
    assert b"VP8L" in clean_image(lossless).data[:16]


def test_jpeg_keeps_full_colour_resolution() -> None:
    image = clean_image(hostile.encode(hostile.draw_picture(), "JPEG"))
    frame = image.data.index(b"\xff\xc0")
    assert image.data[frame + 11] == 0x11, "the sampling factors of the first component"


# Where the red corner of the picture as it is stored must be shown, by EXIF orientation.
CORNERS = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left",
           5: "top left", 6: "top right", 7: "bottom right", 8: "bottom left"}  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_orientation_is_applied(format: str, orientation: int) -> None:
    picture = Image.new("RGB", (120, 80), "white")
    picture.paste((255, 0, 0), (0, 0, 40, 30))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = clean_image(hostile.encode(picture, format, exif=exif))
    assert (image.width_px, image.height_px) == ((120, 80) if orientation < 5 else (80, 120))
    vertical, horizontal = CORNERS[orientation].split()
    x = 5 if horizontal == "left" else image.width_px - 6
    y = 5 if vertical == "top" else image.height_px - 6
    with Image.open(BytesIO(image.data)) as stored:
        shown = stored.convert("RGB")
    red = [(x, y) for x in (5, image.width_px - 6) for y in (5, image.height_px - 6) if shown.getpixel((x, y))[1] < 100]
    assert red == [(x, y)]


def make_swapped_profile() -> bytes:
    """Return an RGB profile whose red and green primaries are exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    tags = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    data[red + 4 : red + 12], data[green + 4 : green + 12] = data[green + 4 : green + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_colour_profile_is_applied_and_dropped(format: str) -> None:
    picture = Image.new("RGB", (64, 64), (250, 10, 10))
    image = clean_image(hostile.encode(picture, format, icc_profile=make_swapped_profile()))
    with Image.open(BytesIO(image.data)) as stored:
        red, green, _ = stored.convert("RGB").getpixel((32, 32))
    assert green > 240 > 30 > red


def test_transparency_is_laid_on_white() -> None:
    """A model that drops the alpha channel must not see what a reviewer cannot."""
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste((10, 20, 200, 255), (0, 0, 32, 64))
    palette = picture.convert("RGB").quantize(4)
    palette_key = palette.getpixel((50, 50))
    for sent in (
        hostile.encode(picture),
        hostile.encode(picture, "WEBP", lossless=True, exact=True),
        hostile.encode(palette, transparency=palette_key),
        hostile.encode(picture.convert("RGB"), transparency=(0, 0, 0)),
    ):
        with Image.open(BytesIO(clean_image(sent).data)) as stored:
            assert stored.mode == "RGB"
            assert stored.getpixel((50, 50)) == (255, 255, 255)
            assert max(abs(a - b) for a, b in zip(stored.getpixel((5, 5)), (10, 20, 200), strict=True)) < 3


def test_16_bits_are_scaled_not_cut_off() -> None:
    grey = Image.new("I;16", (32, 32), 0x8000)
    with Image.open(BytesIO(clean_image(hostile.encode(grey)).data)) as stored:
        assert stored.mode == "L"
        assert stored.getpixel((0, 0)) == 128
    white = Image.new("I;16", (32, 32), 0xFFFF)
    with Image.open(BytesIO(clean_image(hostile.encode(white)).data)) as stored:
        assert stored.getpixel((0, 0)) == 255


def test_cmyk_becomes_rgb() -> None:
    sent = hostile.encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG")
    with Image.open(BytesIO(clean_image(sent).data)) as stored:
        red, green, blue = stored.getpixel((5, 5))
    assert red > 200 > 80 > max(green, blue)


def test_only_the_first_picture_of_a_phone_jpeg_is_kept() -> None:
    first, second = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    sent = hostile.encode(first, "MPO", save_all=True, append_images=[second])
    image = clean_image(sent)
    assert image.mime == "image/jpeg"
    with Image.open(BytesIO(image.data)) as stored:
        assert stored.format == "JPEG"
        assert stored.getpixel((5, 5))[0] > 240


def test_pixels_that_spell_out_a_script_are_refused() -> None:
    """Noise does not compress, so that chosen pixels can stand in the encoded file as they are."""
    for seed in range(300):
        pixels = bytearray(random.Random(seed).randbytes(16 * 256 * 3))
        for row in range(16):
            at = row * 256 * 3 + 300
            pixels[at : at + 7] = b"<sCrIpt"
        sent = hostile.encode(Image.frombytes("RGB", (256, 16), bytes(pixels)), compress_level=6)
        if b"<sCrIpt" in sent:
            with pytest.raises(ImageRefused, match="spell out"):
                clean_image(sent)
            return
    pytest.fail("no seed gave a file with the script in it")


def test_limits_are_those_of_the_caller() -> None:
    sent = hostile.encode(hostile.draw_picture(size=(100, 50)))
    exact = ImageLimits(max_bytes=len(sent) * 2, max_pixels=5_000, max_side_px=100, min_side_px=50)
    assert clean_image(sent, exact).width_px == 100
    for limits, says in (
        (ImageLimits(max_bytes=len(sent) - 1), f"{len(sent):,} bytes"),
        (ImageLimits(max_pixels=4_999), "4,999"),
        (ImageLimits(max_side_px=99), "100 x 50 px, more than 99"),
        (ImageLimits(min_side_px=51), "less than 51"),
    ):
        with pytest.raises(ImageRefused, match=says):
            clean_image(sent, limits)


def test_a_file_that_grows_beyond_the_limit_is_refused() -> None:
    sent = hostile.encode(Image.effect_noise((200, 200), 90).convert("RGB"), "JPEG", quality=5)
    with pytest.raises(ImageRefused, match="encoded anew"):
        clean_image(sent, ImageLimits(max_bytes=len(sent) + 100))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_changed_file_never_gives_anything_but_a_refusal_or_a_picture(data: st.DataObject) -> None:
    format, options = data.draw(
        st.sampled_from([("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})])
    )
    sent = bytearray(hostile.encode(hostile.draw_picture(size=(40, 32)), format, **options))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(sent) - 1))
        sent[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    changed = bytes(sent)
    try:
        image = clean_image(changed)
    except ImageRefused:
        return
    assert list_parts(image.data, image.mime) <= PARTS[image.mime]
