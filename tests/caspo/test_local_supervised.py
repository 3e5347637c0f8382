"""Supervised training: batches in parts, and the weight of an answer's first words."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

from caspo_tiny import POLICIES, QUERIES, make_tiny, paint

from caspo.local.config import SupervisedConfig
from caspo.local.samples import Example, Prompt
from caspo.local.supervised import train_supervised
from caspo.local.vlm import encode_answers, encode_prompts, score_answers

pytestmark = pytest.mark.models

ANSWERS = ("yes .", "no the cup may burn .", "go ahead .", "careful .", "no .", "yes yes yes .")
EXAMPLES = [
    Example(Prompt(paint(red=number % 2 == 0, seed=number), QUERIES[number % 3], POLICIES[number % 3]), answer, even)
    for number, (answer, even) in enumerate(zip(ANSWERS, (True, False) * 3, strict=True))
]


def test_the_first_words_weigh_what_they_are_given(tmp_path: Path) -> None:
    vlm, weighed, weights = make_tiny(), 0.0, 0.0
    for one in EXAMPLES:
        ids_BT, mask_BT = encode_answers(vlm, [one.answer])
        logp_BT = score_answers(vlm, encode_prompts(vlm, [one.prompt], guided=one.guided), ids_BT, mask_BT).logp_BT
        for place, logp in enumerate(logp_BT[0].tolist()):
            weight = 3.0 if place < 2 else 1.0
            weighed, weights = weighed - weight * logp, weights + weight
    config = SupervisedConfig(steps=1, batch=6, parts=2, opening=2, opening_weight=3.0)
    found = train_supervised(vlm, EXAMPLES, config, cache=tmp_path)[0]
    assert found["sft/loss"] == pytest.approx(weighed / weights, rel=1e-4)


@pytest.mark.parametrize("parts", [2, 3, 9])
def test_a_batch_in_parts_has_loss_entropy_and_gradient_of_the_whole(tmp_path: Path, parts: int) -> None:
    whole, cut = (
        train_supervised(make_tiny(), EXAMPLES, SupervisedConfig(steps=1, batch=5, parts=count), cache=tmp_path)[0]
        for count in (1, parts)
    )
    assert set(whole) == {"sft/loss", "sft/entropy", "sft/learning_rate", "sft/grad_norm"}
    assert cut == pytest.approx(whole, rel=1e-4)
