"""With lambda 0 the advantage is verl's GRPO advantage, and loss and KL are verl's: values frozen from verl 0.9.1.

freeze_verl_values.py says how the file was made, and makes it again.
"""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch

from caspo.objective import (
    hybrid_advantage,
    kl_to_reference,
    normalize_in_group,
    normalize_tokens_in_group,
    policy_loss,
    token_signal,
)

pytestmark = pytest.mark.models

VERL: dict[str, Any] = json.loads(Path(__file__).with_name("verl_values.json").read_text(encoding="utf-8"))
ALONE, NO_VARIANCE = 6, [3, 8, 9]


def tensor(name: str) -> Any:
    return torch.tensor(VERL[name], dtype=torch.float64)


def advantage(lam: float, mode: Any) -> Any:
    mask, group = tensor("mask"), torch.tensor(VERL["groups"])
    outcome = normalize_in_group(tensor("rewards"), group, eps=1e-6, unbiased=True)
    signal = token_signal(tensor("logp_reference"), tensor("logp"), mask)
    return hybrid_advantage(outcome, normalize_tokens_in_group(signal, mask, group), mask, lam=lam, mode=mode)


@pytest.mark.parametrize(("lam", "mode"), [(0.0, "hybrid"), (0.3, "outcome")])
def test_without_the_token_term_the_advantage_is_that_of_grpo(lam: float, mode: Any) -> None:
    ours, theirs = advantage(lam, mode), tensor("grpo_advantage")
    others = [row for row in range(len(ours)) if row != ALONE]
    torch.testing.assert_close(ours[others], theirs[others], rtol=0, atol=1e-9)
    assert theirs[others].abs().max() > 0.5 and not theirs[NO_VARIANCE].any()


def test_a_group_of_one_is_where_we_differ() -> None:
    assert VERL["groups"].count(VERL["groups"][ALONE]) == 1
    assert not advantage(0.0, "hybrid")[ALONE].any()
    left = tensor("grpo_advantage")[ALONE]
    torch.testing.assert_close(left, tensor("mask")[ALONE] * VERL["rewards"][ALONE] / (1 + 1e-6))


def test_the_token_term_changes_the_advantage() -> None:
    assert (advantage(0.3, "hybrid") - advantage(0.0, "hybrid")).abs().max() > 0.1


@pytest.mark.parametrize(
    ("weighting", "length", "mode"),
    [
        ("sequence", None, "seq-mean-token-mean"),
        ("token", None, "token-mean"),
        ("fixed", 6, "seq-mean-token-sum-norm"),
    ],
)
def test_the_policy_loss_is_verls(weighting: Any, length: int | None, mode: str) -> None:
    given = [tensor(name) for name in ("logp", "logp_old", "grpo_advantage", "mask")]
    ours = policy_loss(*given, clip_ratio=0.2, weighting=weighting, length=length).item()
    assert ours == pytest.approx(VERL["policy_loss"][mode], abs=1e-7)
    unclipped = policy_loss(*given, clip_ratio=None, weighting=weighting, length=length).item()
    assert abs(unclipped - ours) > 1e-3  # the batch has tokens that the clip stops


@pytest.mark.parametrize(("estimator", "name"), [("k1", "k1"), ("k2", "k2"), ("k3", "low_var_kl")])
def test_the_estimators_are_verls_token_by_token(estimator: Any, name: str) -> None:
    logp, reference, mask = tensor("logp"), tensor("logp_reference"), tensor("mask")
    for row, token in mask.nonzero().tolist():
        place = (slice(row, row + 1), slice(token, token + 1))
        ours = kl_to_reference(logp[place], reference[place], mask[place], estimator=estimator).item()
        assert ours == pytest.approx(VERL["kl"][name][row][token], abs=1e-12)
