"""Small scenes of HazardWorld per minute, beside drawing the large picture and scaling it down.

    python -m bench.hazard_world [--scenes 2000]

A scene is a hazardous one and its twin, composed and drawn at 48 x 48, counted as two; the baseline draws the same ones
at 960 x 720 and scales them with Pillow. All times are CPU seconds on one thread.

Held to: at least 1,000 small scenes a minute.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from bench.results_file import write_results
from pipeline.hazard_world.answers import AnswerKind, write_answer
from pipeline.hazard_world.drawing.house import SMALL_SIDE, draw_large, draw_small
from pipeline.hazard_world.oracle import score_answer
from pipeline.hazard_world.scenes import Scene, compose_pair

LEAST_PER_MINUTE = 1_000


def scale_down(scene: Scene) -> np.ndarray:
    """Return the small picture as somebody would get it who has only the large one."""
    return np.asarray(draw_large(scene).resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX))


def measure(draw: Callable[[Scene], np.ndarray], scenes: int) -> dict[str, float]:
    """Return the rate of composing and drawing `scenes` scenes."""
    draw(compose_pair(0, 0).hazardous)  # fills the caches of sprites
    started = time.process_time()
    for index in range(scenes // 2):
        pair = compose_pair(1, index)
        draw(pair.hazardous)
        draw(pair.twin)
    seconds = time.process_time() - started
    return {"scenes": scenes, "cpu_s": round(seconds, 2), "per_minute": round(60 * scenes / seconds)}


def measure_oracle(answers: int) -> dict[str, float]:
    """Return the rate of scoring answers of all kinds to scenes and twins; most sentences are new."""
    said = [
        (write_answer(pair.hazardous, kind, seed=index), scene)
        for index in range(answers // 8)
        for pair in [compose_pair(2, index)]
        for kind in AnswerKind
        for scene in (pair.hazardous, pair.twin)
    ]
    started = time.process_time()
    for text, scene in said:
        score_answer(text, scene)
    seconds = time.process_time() - started
    return {"answers": len(said), "cpu_s": round(seconds, 2), "per_second": round(len(said) / seconds)}


def main() -> int:
    """Measure, print, keep; return 1 when the rate misses what it is held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=2_000)
    scenes = parser.parse_args().scenes
    small, scaled = measure(draw_small, scenes), measure(scale_down, scenes // 10)
    figures = {
        "small": small,
        "large_scaled_down": scaled,
        "ratio_to_large_scaled_down": round(small["per_minute"] / scaled["per_minute"], 1),
        "oracle": measure_oracle(scenes),
        "held": small["per_minute"] >= LEAST_PER_MINUTE,
    }
    for name in ("small", "large_scaled_down"):
        print(f"{name:<18} {figures[name]['per_minute']:>9,} scenes a minute")
    print(
        f"ratio {figures['ratio_to_large_scaled_down']} | oracle {figures['oracle']['per_second']:,} answers a second"
    )
    print("held:", figures["held"], "| kept in", write_results("hazard_world", figures))
    return 0 if figures["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
