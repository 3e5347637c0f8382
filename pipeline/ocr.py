"""Text in a picture, read by RapidOCR (its models are in the package; nothing is downloaded)."""

import importlib
import importlib.util
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np

from pipeline.errors import OcrMissing

MIN_SCORE = 0.8
"""Below this the reader sees words in textures; measured on photographs without any text."""


@dataclass(frozen=True, slots=True)
class TextBox:
    """A line of text in a picture."""

    text: str
    score: float
    """How sure the reader is, 0 to 1."""
    corners: tuple[tuple[float, float], ...]
    """Four points (x, y) in pixels of the picture, clockwise from the top left."""


TextReader = Callable[[bytes], tuple[TextBox, ...]]

_reading = threading.Lock()


def is_installed() -> bool:
    """Return whether text in pictures can be read here."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def read_text(image: bytes, *, min_score: float = MIN_SCORE) -> tuple[TextBox, ...]:
    """Return the lines of text in a picture, from top to bottom.

    Takes about half a second of CPU and 400 MB; the first call loads the models. Calls wait for one another.

    Args:
        image: an encoded picture as the blob store holds it (PNG, JPEG or WebP).
        min_score: lines of which the reader is less sure are left out.

    Raises:
        OcrMissing: the reader is not installed.
    """
    from PIL import Image

    engine = _load_engine()
    with Image.open(BytesIO(image)) as picture:
        pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
    with _reading:  # the engine keeps state between its steps
        result = engine(np.ascontiguousarray(pixels))
    if result.txts is None:
        return ()
    boxes = [
        TextBox(text, float(score), tuple((float(x), float(y)) for x, y in corners))
        for text, score, corners in zip(result.txts, result.scores, result.boxes, strict=True)
        if score >= min_score and text.strip()
    ]
    return tuple(sorted(boxes, key=lambda box: (min(y for _, y in box.corners), min(x for x, _ in box.corners))))


@cache
def _load_engine() -> Any:
    try:
        module = importlib.import_module("rapidocr")
        importlib.import_module("onnxruntime")
    except ImportError as exc:
        raise OcrMissing(
            "text in pictures cannot be read: rapidocr is not installed. Install it with "
            "`pip install 'ood-mmsafe-curator[models]'`, or leave the check of pictures out (read_image=None)"
        ) from exc
    one_thread = {
        f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")
    }  # more threads spin on a busy machine and gain nothing on small pictures
    engine = module.RapidOCR(params={"Global.log_level": "error", **one_thread})
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return engine
