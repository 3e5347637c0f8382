"""Training data for reward models, whose pictures matter: the answer that is right to a red one is wrong to a blue one.

Written by the writer of `caspo.dataset`. No torch.
"""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from caspo.dataset.rows import PAIRS, SCORES, RowWriter

QUERIES = ("is it safe ?", "may the cup go on the stove ?", "put it here ?")
YES, NO, VAGUE = "yes .", "no the cup may burn .", "careful"


def paint(*, red: bool, seed: int) -> bytes:
    """Return the PNG of a red or blue picture with noise."""
    picture = np.random.default_rng(seed).integers(0, 60, (48, 48, 3), dtype=np.uint8)
    picture[..., 0 if red else 2] += 180
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def write_reward_data(
    folder: Path, *, pairs: int, singles: int = 0, seed: int = 0, scores: tuple[float, float] = (6.0, 0.5)
) -> Path:
    """Write a folder of training data: to every second item, whose picture is red, `yes .` is the better answer."""
    folder.mkdir(parents=True)
    files = {}
    if pairs:
        with RowWriter(folder / "reward_pairs.parquet", PAIRS) as writer:
            for n in range(pairs):
                texts = (YES, NO) if n % 2 == 0 else (NO, YES)
                writer.add(
                    _ask(n, seed)
                    | {name: _say(text) for name, text in zip(("chosen", "rejected"), texts, strict=True)}
                    | {"chosen_score": scores[0], "rejected_score": scores[1], "gap": scores[0] - scores[1]}
                    | {"chosen_model": "a", "rejected_model": "b"}
                )
        files["reward_pairs.parquet"] = writer.describe()
    if singles:
        with RowWriter(folder / "reward_scores.parquet", SCORES) as writer:
            for n in range(singles):
                row = {"answer": _say(VAGUE), "score": 2.0 + n % 2, "model": "a"}
                writer.add(_ask(pairs + n, seed) | row)
        files["reward_scores.parquet"] = writer.describe()
    (folder / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    return folder


def _ask(number: int, seed: int) -> dict[str, object]:
    return {
        "prompt": [{"role": "user", "content": f"<image>{QUERIES[number % 3]}"}],
        "images": [{"bytes": paint(red=number % 2 == 0, seed=seed + number)}],
        "trace": {"source": "test", "item_id": f"item-{seed + number}", "category": "self_harm", "twin": False},
    }


def _say(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
