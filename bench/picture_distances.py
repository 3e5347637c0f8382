"""How far apart the perceptual hashes of pictures are: of different ones, and of one picture in other guises.

    python -m bench.picture_distances

For the choice of `grounding.duplicate_bits`: below the distance of any two pictures that differ, above that of what a
picture goes through when somebody saves it anew. Tiny FLUX.2 and Qwen-Image pipelines are left out without the extra
`models`.
"""

import asyncio
import importlib.util
import io
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import imagehash
import numpy as np
from PIL import Image, ImageEnhance

from bench.results_file import write_results
from endpoints.images import draw_shapes
from pipeline.hazard_world.drawing.house import draw_large
from pipeline.hazard_world.provider import iterate_items
from storage.images import MAX_HAMMING_BITS

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "pipeline" / "starter" / "pictures"
SHAPES, SCENES, NOISE = 300, 100, 40


def hash_one(picture: Image.Image) -> int:
    """Return the 64-bit hash of a picture as the database has it."""
    return int(str(imagehash.phash(picture)), 16)


def summarize(distances: Iterable[int]) -> dict[str, Any]:
    """Return the least, the median and the greatest distance, and how many the default would call one picture."""
    found = sorted(distances)
    near = sum(bits <= MAX_HAMMING_BITS for bits in found)
    return {"pairs": len(found), "least": found[0], "median": found[len(found) // 2], "most": found[-1], "near": near}


def compare_all(pictures: Iterable[Image.Image]) -> dict[str, Any]:
    """Return the distances of all pairs."""
    hashes = [hash_one(picture) for picture in pictures]
    return summarize((a ^ b).bit_count() for a, b in itertools.combinations(hashes, 2))


def open_png(data: bytes) -> Image.Image:
    """Return a picture in RGB."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def save_as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """Return what a JPEG file leaves of a picture."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return open_png(file.getvalue())


def crop(picture: Image.Image, percent: int) -> Image.Image:
    """Return a picture without `percent` of it at each edge."""
    across, along = picture.width * percent // 100, picture.height * percent // 100
    return picture.crop((across, along, picture.width - across, picture.height - along))


def add_grain(picture: Image.Image) -> Image.Image:
    """Return a picture with noise of 10 of 255 steps."""
    noise = np.random.default_rng(0).normal(0, 10, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


GUISES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 50": lambda picture: save_as_jpeg(picture, 50),
    "half as large": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "grain": add_grain,
    "contrast 0.7": lambda picture: ImageEnhance.Contrast(picture).enhance(0.7),
    "brighter by a fifth": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "1% cut off each edge": lambda picture: crop(picture, 1),
    "2% cut off each edge": lambda picture: crop(picture, 2),
    "5% cut off each edge": lambda picture: crop(picture, 5),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def draw_noise(kind: Literal["flux2", "qwen_image"]) -> list[Image.Image]:
    """Return pictures of a tiny pipeline with random weights, as the tests build it: coloured noise."""
    sys.path[:0] = [str(ROOT / "tests" / "models")]
    import tiny_images

    from endpoints.diffusers_images import DiffusersImages

    build = tiny_images.build_tiny_flux2 if kind == "flux2" else tiny_images.build_tiny_qwen_image
    with tempfile.TemporaryDirectory() as place:
        endpoint = DiffusersImages(
            name="tiny", model=str(build(Path(place) / kind)), pipeline=kind, size="64x64", steps=2
        )
        prompts = [f"A room with thing number {number}." for number in range(NOISE // 4)]
        drawn = [asyncio.run(endpoint.generate(p, seed=n, count=4)) for n, p in enumerate(prompts)]
    return [open_png(data) for some in drawn for data in some]


def main() -> None:
    """Measure and write the figures."""
    starter = [Image.open(path).convert("RGB") for path in sorted(STARTER.glob("*.webp"))]
    different = {"starter pictures": compare_all(starter)}
    for side in (64, 256):
        shapes = [open_png(draw_shapes(f"A ladder {n}", n, side_px=side)) for n in range(SHAPES)]
        different[f"scripted shapes, {side} px"] = compare_all(shapes)
    pairs = list(iterate_items(count=SCENES, seed=1))
    different["HazardWorld"] = compare_all(draw_large(pair.hazardous) for pair in pairs)
    twins = ((draw_large(pair.hazardous), draw_large(pair.twin)) for pair in pairs)
    different["HazardWorld, scene and its twin"] = summarize(
        (hash_one(scene) ^ hash_one(twin)).bit_count() for scene, twin in twins
    )
    if importlib.util.find_spec("diffusers"):
        for kind in ("flux2", "qwen_image"):
            different[f"tiny {kind}, noise"] = compare_all(draw_noise(kind))
    guises = {
        name: summarize((hash_one(change(picture)) ^ hash_one(picture)).bit_count() for picture in starter)
        for name, change in GUISES.items()
    }
    figures = {"default_bits": MAX_HAMMING_BITS, "different_pictures": different, "one_picture_in_guises": guises}
    for name, told in [*different.items(), *guises.items()]:
        print(f"{name:<28} {told}")
    print(write_results("picture_distances", figures))


if __name__ == "__main__":
    main()
