"""A tiny model of few words and prompts for it, for the tests of `caspo.local`. Importing this needs torch."""

import numpy as np
import torch

from caspo.local.samples import Prompt
from caspo.local.tiny_vlm import build_tiny_vlm
from caspo.local.vlm import Vlm

torch.set_num_threads(1)

WORDS = [
    "is",
    "it",
    "safe",
    "to",
    "put",
    "the",
    "cup",
    "on",
    "stove",
    "?",
    "yes",
    "no",
    "careful",
    "may",
    "burn",
    ".",
    "go",
    "ahead",
    "say",
    "what",
    "happens",
    "near",
    "here",
]
QUERIES = ("is it safe ?", "may the cup go on the stove ?", "put it here ?")
POLICIES = ("careful say what happens .", "no .", "say no near the stove .")


def make_tiny(seed: int = 0) -> Vlm:
    """Return a model with random weights, so large that its answers depend on the prompt."""
    vlm = build_tiny_vlm(WORDS, seed=seed, layers=2)
    with torch.no_grad():
        vlm.model.get_input_embeddings().weight.mul_(2)
        for name, weight in vlm.model.model.language_model.layers.named_parameters():
            if name.endswith("proj.weight"):
                weight.mul_(8)
    return vlm


def paint(*, red: bool, seed: int, side: tuple[int, int] = (48, 48)) -> np.ndarray:
    """Return a picture that is red or blue, with noise."""
    picture = np.random.default_rng(seed).integers(0, 60, (*side, 3), dtype=np.uint8)
    picture[..., 0 if red else 2] += 180
    return picture


def make_prompts(count: int, *, seed: int = 0) -> list[Prompt]:
    """Return prompts with queries and policies of different lengths; every second picture is red, sizes differ."""
    return [
        Prompt(
            paint(red=n % 2 == 0, seed=seed + n, side=(48, 64) if n % 3 == 1 else (48, 48)),
            QUERIES[n % len(QUERIES)],
            POLICIES[n % len(POLICIES)],
        )
        for n in range(count)
    ]
