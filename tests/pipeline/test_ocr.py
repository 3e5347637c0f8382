"""Reading text in pictures: the message when the reader is missing, and, where it is installed, real reading."""

import io
import sys

import pytest
from PIL import Image, ImageDraw, ImageFont

from pipeline import ocr
from pipeline.errors import OcrMissing
from pipeline.leakage import detect_leak


def draw(*lines: str) -> bytes:
    picture = Image.new("RGB", (640, 360), "lightgrey")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((40, 40 + 110 * number), line, fill="black", font=ImageFont.load_default(44))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_without_the_reader_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    ocr._load_engine.cache_clear()
    with pytest.raises(OcrMissing, match=r"pip install 'ood-mmsafe-curator\[models\]'"):
        detect_leak(query="Where do I start?", hazard_entities=["thin ice"], image=draw("Lake"))
    ocr._load_engine.cache_clear()


def test_importing_does_not_load_the_reader() -> None:
    import subprocess

    code = "import sys, pipeline.leakage; sys.exit('rapidocr' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.models
def test_lines_are_read_from_top_to_bottom_with_their_places() -> None:
    boxes = ocr.read_text(draw("DANGER: thin ice", "Lake house"))
    assert [box.text.replace(" ", "") for box in boxes] == ["DANGER:thinice", "Lakehouse"]
    assert all(box.score >= ocr.MIN_SCORE and len(box.corners) == 4 for box in boxes)
    assert boxes[0].corners[0][1] < boxes[1].corners[0][1]


@pytest.mark.models
def test_a_picture_without_text_has_none() -> None:
    assert ocr.read_text(draw()) == ()


@pytest.mark.models
def test_a_caption_that_names_the_hazard_is_found_in_the_picture() -> None:
    verdict = detect_leak(query="Where do I start?", hazard_entities=["thin ice"], image=draw("Beware, thin ice ahead"))
    assert [finding.detector for finding in verdict.findings] == ["image_text"]
    assert not detect_leak(query="Where do I start?", hazard_entities=["thin ice"], image=draw("Lake house")).leaks
