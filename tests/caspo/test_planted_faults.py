"""Faults that a trainer can have without crashing: each is planted in the real one, and the check of a step sees it.

The check works out gradient and metrics by loops from the texts that were drawn (`caspo_step_check`); it passes on the
code as it is.
"""

import re
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_step_check import check_step
from torch import Tensor

from caspo import objective
from caspo.local import training
from caspo.local.samples import Prompt

pytestmark = pytest.mark.models

HYBRID = {"teacher": "frozen_sft", "signal_floor": 0.5, "lam": 1.0, "zero_outcome": "token"}
Plant = Callable[[pytest.MonkeyPatch], None]


def flip_the_sign_of_lambda(patch: pytest.MonkeyPatch) -> None:
    def faulty(outcome_B: Tensor, *args: Any, **options: Any) -> Tensor:
        whole_BT = objective.hybrid_advantage(outcome_B, *args, **options)
        outcome_BT = objective.hybrid_advantage(outcome_B, *args, **{**options, "mode": "outcome"})
        return 2 * outcome_BT - whole_BT

    patch.setattr(training, "hybrid_advantage", faulty)


def ask_under_the_constitution_of_another_category(patch: pytest.MonkeyPatch) -> None:
    right = training.encode_prompts

    def faulty(vlm: Any, prompts: Sequence[Prompt], *, guided: bool) -> Any:
        others = [*prompts[1:], prompts[0]]
        wrong = [Prompt(one.picture, one.query, other.constitution) for one, other in zip(prompts, others, strict=True)]
        return right(vlm, wrong, guided=guided)

    patch.setattr(training, "encode_prompts", faulty)


def forget_the_mask_of_the_loss(patch: pytest.MonkeyPatch) -> None:
    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        return objective.policy_loss(logp_BT, old_BT, advantage_BT, torch.ones_like(mask_BT))

    patch.setattr(training, "policy_loss", faulty)


def divide_by_the_padded_length(patch: pytest.MonkeyPatch) -> None:
    """The mean over all places of the batch, as if the mask did not count."""

    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        length = mask_BT.shape[1]
        return objective.policy_loss(logp_BT, old_BT, advantage_BT, mask_BT, weighting="fixed", length=length)

    patch.setattr(training, "policy_loss", faulty)


def forget_the_mask_of_r(patch: pytest.MonkeyPatch) -> None:
    def faulty(signal_BT: Tensor, mask_BT: Tensor, group_B: Tensor, **options: Any) -> Tensor:
        return objective.normalize_tokens_in_group(signal_BT, torch.ones_like(mask_BT), group_B, **options)

    patch.setattr(training, "normalize_tokens_in_group", faulty)


def leave_r_attached(patch: pytest.MonkeyPatch) -> None:
    """The objective with no detach() in it, and with nothing overwritten, so that the gradient can flow through r."""
    source = Path(objective.__file__).read_text(encoding="utf-8")
    source = re.sub(r"\.(sub|mul|div|add|masked_fill)_\(", r".\1(", source.replace(".detach()", ""))
    leaky = types.ModuleType("leaky_objective")
    exec(compile(source, "leaky_objective", "exec"), leaky.__dict__)
    for name in ("token_signal", "normalize_tokens_in_group", "hybrid_advantage"):
        patch.setattr(training, name, getattr(leaky, name))

    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        return leaky.policy_loss(logp_BT, old_BT.clone().detach(), advantage_BT, mask_BT)

    patch.setattr(training, "policy_loss", faulty)


def normalise_over_the_whole_batch(patch: pytest.MonkeyPatch) -> None:
    def faulty(values_B: Tensor, group_B: Tensor) -> Tensor:
        return objective.normalize_in_group(values_B, torch.zeros_like(group_B))

    patch.setattr(training, "normalize_in_group", faulty)


def let_a_padding_row_leak_in(patch: pytest.MonkeyPatch) -> None:
    """As a trainer that balances its workers with an empty trajectory, and counts it."""

    def faulty(values_B: Tensor, group_B: Tensor) -> Tensor:
        return objective.normalize_in_group(
            torch.cat([values_B, values_B.new_zeros(1)]), torch.cat([group_B, group_B[-1:]])
        )[:-1]

    patch.setattr(training, "normalize_in_group", faulty)


def test_the_check_passes_on_the_code_as_it_is(tmp_path: Path) -> None:
    assert check_step(tmp_path, HYBRID) == {}


@pytest.mark.parametrize(
    ("plant", "seen"),
    [
        (flip_the_sign_of_lambda, "grad_norm"),
        (ask_under_the_constitution_of_another_category, "signal_mean"),
        (divide_by_the_padded_length, "grad_norm"),
        (forget_the_mask_of_r, "grad_norm"),
        (leave_r_attached, "grad_norm"),
        (normalise_over_the_whole_batch, "zero_variance_groups"),
        (let_a_padding_row_leak_in, "grad_norm"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_the_check_of_a_step_sees_it(plant: Plant, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert f"caspo/{seen}" in check_step(tmp_path, HYBRID)


def test_a_loss_without_its_mask_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_the_mask_of_the_loss(monkeypatch)
    with pytest.raises(ValueError, match="values that the mask counts are not finite"):
        check_step(tmp_path, HYBRID)
