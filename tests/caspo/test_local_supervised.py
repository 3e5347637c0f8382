"""Supervised training in parts is the training in one."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

from caspo_tiny import POLICIES, QUERIES, make_tiny, paint

from caspo.local.config import SupervisedConfig
from caspo.local.samples import Example, Prompt
from caspo.local.supervised import train_supervised

pytestmark = pytest.mark.models

ANSWERS = ("yes .", "no the cup may burn .", "go ahead .", "careful .", "no .", "yes yes yes .")


@pytest.mark.parametrize("parts", [2, 3, 9])
def test_a_batch_in_parts_has_loss_entropy_and_gradient_of_the_whole(tmp_path: Path, parts: int) -> None:
    examples = [
        Example(
            Prompt(paint(red=number % 2 == 0, seed=number), QUERIES[number % 3], POLICIES[number % 3]), answer, even
        )
        for number, (answer, even) in enumerate(zip(ANSWERS, (True, False) * 3, strict=True))
    ]
    whole, cut = (
        train_supervised(make_tiny(), examples, SupervisedConfig(steps=1, batch=5, parts=count), cache=tmp_path)[0]
        for count in (1, parts)
    )
    assert set(whole) == {"sft/loss", "sft/entropy", "sft/learning_rate", "sft/grad_norm"}
    assert cut == pytest.approx(whole, rel=1e-4)
