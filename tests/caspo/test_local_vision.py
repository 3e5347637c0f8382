"""The vision tower learns which words a picture shows where."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import make_tiny, paint

from caspo.errors import SampleInvalid
from caspo.local.config import SupervisedConfig
from caspo.local.vision import LabelledPicture, find_words, train_vision
from caspo.local.vlm import Vlm

pytestmark = pytest.mark.models

WORDS = ("cup", "stove")


def make_pictures(count: int, *, seed: int) -> list[LabelledPicture]:
    """Return pictures of two tokens by two: each shows a cup (red), a stove (blue), or neither (black)."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        shown = rng.integers(0, 3, (2, 2))
        picture = rng.integers(0, 40, (32, 32, 3), dtype=np.uint8)
        for row, column in np.ndindex(2, 2):
            if (kind := shown[row, column]) < 2:
                picture[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16, 2 * kind] += 200
        made.append(LabelledPicture(picture, tuple((WORDS[kind],) if kind < 2 else () for kind in shown.flat)))
    return made


def find_right(vlm: Vlm, pictures: list[LabelledPicture]) -> float:
    ids_W = torch.tensor(vlm.tokenizer.convert_tokens_to_ids(list(WORDS)))
    with torch.no_grad():
        logits_KW = find_words(vlm, [one.picture for one in pictures], ids_W)
    labels = [token for one in pictures for token in one.words]
    said = [tuple(word for word, logit in zip(WORDS, row, strict=True) if logit > 0) for row in logits_KW.tolist()]
    return sum(a == b for a, b in zip(said, labels, strict=True)) / len(labels)


def test_it_learns_to_see_what_it_was_not_shown(tmp_path: Path) -> None:
    vlm, unseen = make_tiny(), make_pictures(30, seed=1)
    assert find_right(vlm, unseen) < 0.7
    metrics = train_vision(vlm, make_pictures(64, seed=0), WORDS, SupervisedConfig(steps=40, batch=16), cache=tmp_path)
    assert metrics[-1]["vision/tokens_right"] > 0.95
    assert find_right(vlm, unseen) > 0.95


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    right = LabelledPicture(paint(red=True, seed=0), (("cup",),) * 9)
    for words, said in [((("gnu",),) * 9, "'gnu'"), ((("cup",),) * 8, "18 visual tokens and 16 labels")]:
        wrong = dataclasses.replace(right, words=words)
        with pytest.raises(SampleInvalid, match=said):
            train_vision(make_tiny(), [wrong] * 2, WORDS, SupervisedConfig(steps=1, batch=2), cache=tmp_path)
