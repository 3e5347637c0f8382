"""Finds the scene functions, and turns their SVG into WebP pictures through a headless Chromium."""

import importlib
import io
import os
import pkgutil
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import pipeline.starter.drawing as package
from pipeline.starter.drawing.kit import HEIGHT, WIDTH

PICTURES = Path(__file__).resolve().parent.parent / "pictures"
MAX_BYTES = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A container runs this as root, where Chromium starts only without its sandbox; it shows nothing but our own SVG.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
QUIET = ("--disable-sync", "--no-first-run", "--force-color-profile=srgb", "--font-render-hinting=none")

Scene = Callable[[], str]


class RenderError(Exception):
    """A picture cannot be rendered: no browser, an unknown key, or a file that does not fit its limit."""


def collect_scenes() -> dict[str, Scene]:
    """Every `draw_<key>` function of the modules `scenes_*`, by scenario key (`draw_hate_02`: `hate-02`)."""
    scenes: dict[str, Scene] = {}
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        if not found.name.startswith("scenes_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for name, value in vars(module).items():
            if name.startswith("draw_") and getattr(value, "__module__", "") == module.__name__:
                scenes[name.removeprefix("draw_").replace("_", "-")] = value
    return scenes


def find_browser() -> str:
    """The path of a Chromium: the variable CHROMIUM, else the first on PATH. Raises RenderError when there is none."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *BROWSERS)):
        found = shutil.which(name)
        if found:
            return found
    raise RenderError("no Chromium found: install one, or set CHROMIUM to its path")


def encode(png: bytes) -> bytes:
    """WebP bytes of a screenshot, at the best quality that stays under MAX_BYTES. Raises RenderError if none does."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in (90, 84, 78, 70, 60, 50):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() < MAX_BYTES:
            return out.getvalue()
    raise RenderError(f"a picture is larger than {MAX_BYTES} bytes even at quality 50: remove texture")


def render(keys: Iterable[str] = (), target: Path = PICTURES, *, png: bool = False) -> list[Path]:
    """Render the scenes of `keys` (all, when empty) into `target`; returns the files written.

    `png` writes lossless PNG copies instead, to look at. Raises RenderError for an unknown key or a missing browser.
    """
    scenes = collect_scenes()
    wanted = list(keys) or sorted(scenes)
    unknown = [key for key in wanted if key not in scenes]
    if unknown:
        raise RenderError(f"no scene function for {', '.join(unknown)}; there are {', '.join(sorted(scenes))}")
    target.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=[*FLAGS, *QUIET])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for key in wanted:
            page.set_content(f"<style>*{{margin:0}}svg{{display:block}}</style>{scenes[key]()}")
            shot = page.screenshot(type="png")
            path = target / f"{key}.{'png' if png else 'webp'}"
            path.write_bytes(shot if png else encode(shot))
            written.append(path)
        browser.close()
    return written
