"""What the objective does at its edges: masks, half precision, groups with nothing to learn from, what it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_batches import SCOPES, WEIGHTINGS, make_batch, make_pairs, run_all

from caspo.objective import (
    hybrid_advantage,
    kl_to_reference,
    normalize_in_group,
    normalize_tokens_in_group,
    policy_loss,
    reward_model_loss,
    token_signal,
)

pytestmark = pytest.mark.models


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf, 1e300])
def test_what_stands_under_the_mask_leaks_nowhere(poison: float) -> None:
    for seed in range(6):
        clean, dirty = make_batch(seed), make_batch(seed)
        for name in ("guided", "plain", "logp", "old", "advantage"):
            dirty[name][~dirty["mask"]] = poison
        dirty["outcome"][~dirty["mask"].any(1)] = poison
        for found, wanted in zip(run_all(dirty), run_all(clean), strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    pairs = make_pairs(2)
    wanted_loss = reward_model_loss(pairs["predicted"], pairs["score"], mask_P2=pairs["present"])
    for name in ("predicted", "score"):
        pairs[name] = pairs[name].masked_fill(~pairs["present"], poison)
    predicted = pairs["predicted"].requires_grad_()
    found_loss = reward_model_loss(predicted, pairs["score"], mask_P2=pairs["present"])
    found_loss.backward()
    assert found_loss.item() == wanted_loss.item()
    assert bool(torch.isfinite(predicted.grad).all()) and not predicted.grad[~pairs["present"]].any()


def test_masks_of_integers_and_floats_are_read_as_those_of_booleans() -> None:
    for dtype in (torch.int64, torch.uint8, torch.float32):
        batch, other = make_batch(8), make_batch(8)
        found = {**other, "mask": other["mask"].to(dtype)}
        mask = found["mask"]
        torch.testing.assert_close(token_signal(found["guided"], found["plain"], mask), run_all(batch)[0])
        torch.testing.assert_close(
            normalize_in_group(found["outcome"], found["group"].int(), mask_B=mask.bool().any(1).to(dtype)),
            run_all(batch)[3],
        )
        torch.testing.assert_close(
            policy_loss(found["logp"], found["old"], found["advantage"], mask),
            policy_loss(batch["logp"], batch["old"], batch["advantage"], batch["mask"]),
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_read_and_not_computed_in(dtype: str) -> None:
    batch = {n: v.to(getattr(torch, dtype)) if v.is_floating_point() else v for n, v in make_batch(2).items()}
    exact = {n: v.double() if v.is_floating_point() else v for n, v in batch.items()}
    for half, wanted in zip(run_all(batch)[:-1], run_all(exact)[:-1], strict=True):
        assert half.dtype == torch.float32
        torch.testing.assert_close(half.double(), wanted, rtol=1e-5, atol=1e-5)
    logp = batch["logp"].clone().requires_grad_()
    policy_loss(logp, batch["old"], batch["advantage"], batch["mask"]).backward()
    assert logp.grad.dtype == getattr(torch, dtype) and bool(logp.grad.any())


def test_inputs_are_left_as_they_were_and_the_wider_precision_wins() -> None:
    batch = make_batch(7)
    before = {name: value.clone() for name, value in batch.items()}
    wanted = run_all(batch)
    for name, value in batch.items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    signal = token_signal(batch["guided"].float(), batch["plain"], batch["mask"])
    assert signal.dtype == torch.float64
    torch.testing.assert_close(signal, wanted[0], rtol=0, atol=1e-5)
    mixed = hybrid_advantage(wanted[3], wanted[1].float(), batch["mask"])
    assert mixed.dtype == torch.float64
    torch.testing.assert_close(mixed, wanted[4], rtol=0, atol=1e-5)


def test_float32_keeps_its_digits_over_long_groups_far_from_zero() -> None:
    rng = torch.Generator().manual_seed(0)
    signal = (torch.randn(8, 4096, generator=rng) * 0.5 + 100).float()
    mask, group = torch.ones_like(signal, dtype=torch.bool), torch.tensor([0, 1] * 4)
    found = normalize_tokens_in_group(signal, mask, group).double()
    torch.testing.assert_close(found, normalize_tokens_in_group(signal.double(), mask, group), rtol=0, atol=2e-5)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 10.7, -1e4 / 3])
def test_equal_values_give_exactly_zero_whatever_their_size(value: float) -> None:
    rewards, group = torch.full((7,), value), torch.zeros(7, dtype=torch.long)
    assert normalize_in_group(rewards, group, eps=0.0).tolist() == [0.0] * 7
    mask = torch.ones(7, 5)
    for scope in SCOPES:
        assert not normalize_tokens_in_group(rewards[:, None].expand(7, 5), mask, group, eps=0.0, scope=scope).any()


def test_batches_without_anything_to_learn_from_give_zero() -> None:
    nothing = torch.zeros(3, 4, dtype=torch.bool)
    logp = torch.randn(3, 4, requires_grad=True)
    for weighting, length in WEIGHTINGS:
        loss = policy_loss(logp, torch.zeros(3, 4), torch.ones(3, 4), nothing, weighting=weighting, length=length)
        loss = loss + kl_to_reference(logp, torch.zeros(3, 4), nothing, weighting=weighting, length=length)
        assert loss.item() == 0
        assert not torch.autograd.grad(loss, logp)[0].any()
    assert not normalize_tokens_in_group(torch.ones(3, 4), nothing, torch.arange(3)).any()
    for rows, tokens in ((0, 4), (2, 0), (0, 0)):
        empty, group = torch.zeros(rows, tokens), torch.zeros(rows, dtype=torch.long)
        mask = torch.zeros(rows, tokens, dtype=torch.bool)
        signal = normalize_tokens_in_group(token_signal(empty, empty, mask), mask, group)
        advantage = hybrid_advantage(normalize_in_group(torch.zeros(rows), group), signal, mask)
        assert advantage.shape == (rows, tokens)
        assert policy_loss(empty, empty, advantage, mask).item() == 0
    assert reward_model_loss(torch.zeros(0, 2), torch.zeros(0, 2)).item() == 0


def test_a_group_without_variance_is_silent_unless_its_tokens_are_asked_for() -> None:
    outcome = normalize_in_group(torch.full((3,), 2.5), torch.zeros(3, dtype=torch.long))
    signal, mask = torch.tensor([[1.0, -1.0]] * 3), torch.ones(3, 2)
    assert not hybrid_advantage(outcome, signal, mask).any()
    torch.testing.assert_close(hybrid_advantage(outcome, signal, mask, zero_outcome="token"), 0.3 * signal)


def test_ratios_beyond_any_sense_stay_finite() -> None:
    far = torch.full((1, 1), 400.0, requires_grad=True)
    ones, zeros = torch.ones(1, 1), torch.zeros(1, 1)
    loss = policy_loss(far, zeros, -ones, ones) + kl_to_reference(zeros, far.detach(), ones)
    assert math.isfinite(loss.item()) and math.isfinite(torch.autograd.grad(loss, far)[0].item())


ROWS, MASK, GROUP = torch.zeros(3, 4), torch.ones(3, 4), torch.zeros(3, dtype=torch.long)
NAN = torch.full((3, 4), math.nan)
REFUSED: list[tuple[Any, tuple[Any, ...], dict[str, Any], str]] = [
    (normalize_in_group, (ROWS, GROUP), {}, r"values_B has shape \(3, 4\): pass one reward"),
    (normalize_in_group, (ROWS[:, 0], GROUP[:2]), {}, r"group_B has shape \(2,\) and dtype torch.int64 for 3 traj"),
    (normalize_in_group, (ROWS[:, 0], GROUP.float()), {}, r"dtype torch.float32 for 3 trajectories: pass one integer"),
    (normalize_in_group, (ROWS[:, 0], GROUP), {"eps": -1.0}, r"eps=-1.0: give a finite number of at least 0"),
    (normalize_in_group, (ROWS[:, 0], GROUP), {"mask_B": MASK}, r"mask_B has shape \(3, 4\): pass one dimension"),
    (normalize_in_group, (NAN[:, 0], GROUP), {}, r"values_B\[0\] is nan, and 3 values .* mask them out"),
    (token_signal, (ROWS, ROWS[:2], MASK), {}, r"logp_BT has shape \(2, 4\) and its mask \(3, 4\): pass tensors of"),
    (token_signal, (ROWS.long(), ROWS, MASK), {}, r"logp_constitution_BT has dtype torch.int64: pass floating"),
    (token_signal, (ROWS, ROWS, MASK[0]), {}, r"mask_BT has shape \(4,\): pass \(B, T\)"),
    (token_signal, (ROWS, ROWS, MASK * 2), {}, r"mask_BT holds 2.0: pass booleans, or 0 and 1"),
    (token_signal, (ROWS, ROWS, NAN), {}, r"mask_BT holds nan: pass booleans"),
    (token_signal, (-ROWS.log(), ROWS, MASK), {}, r"logp_constitution_BT\[0, 0\] is inf, and 12 values"),
    (token_signal, (ROWS, ROWS, MASK), {"clip": 0.0}, r"clip=0.0: give the largest absolute value of r in nats"),
    (normalize_tokens_in_group, (ROWS, MASK, GROUP), {"scope": "batch"}, r"scope='batch': choose one of 'group', 'pos"),
    (normalize_tokens_in_group, (ROWS, MASK, GROUP), {"std_floor": -0.5}, r"std_floor=-0.5: give a finite"),
    (normalize_tokens_in_group, (NAN, MASK, GROUP), {}, r"signal_BT\[0, 0\] is nan"),
    (hybrid_advantage, (ROWS[:2, 0], ROWS, MASK), {}, r"outcome_B has shape \(2,\) and mask_BT \(3, 4\): pass one"),
    (hybrid_advantage, (ROWS[:, 0], ROWS, MASK), {"lam": -0.3}, r"lam=-0.3: the correction strength is a finite numb"),
    (hybrid_advantage, (ROWS[:, 0], ROWS, MASK), {"lam": math.nan}, r"lam=nan"),
    (hybrid_advantage, (ROWS[:, 0], ROWS, MASK), {"mode": "both"}, r"mode='both': choose one of 'hybrid', 'outcome'"),
    (hybrid_advantage, (ROWS[:, 0], ROWS, MASK), {"zero_outcome": "x"}, r"zero_outcome='x': choose one of 'drop', 'to"),
    (policy_loss, (ROWS, ROWS, NAN, MASK), {}, r"advantage_BT\[0, 0\] is nan"),
    (policy_loss, (ROWS, ROWS, ROWS, MASK), {"clip_ratio": 1.2}, r"clip_ratio=1.2: give a number between 0 and 1"),
    (policy_loss, (ROWS, ROWS, ROWS, MASK), {"weighting": "fixed"}, r"length=None with weighting='fixed': 'fixed'"),
    (policy_loss, (ROWS, ROWS, ROWS, MASK), {"length": 9}, r"length=9 with weighting='sequence'"),
    (policy_loss, (ROWS, ROWS, ROWS, MASK), {"weighting": "row"}, r"weighting='row': choose one of"),
    (kl_to_reference, (ROWS, ROWS, MASK), {"estimator": "k4"}, r"estimator='k4': choose one of 'k1', 'k2', 'k3'"),
    (reward_model_loss, (ROWS, ROWS), {}, r"predicted_P2 has shape \(3, 4\): pass two replies for each pair"),
    (reward_model_loss, (ROWS[:, :2], ROWS), {}, r"score_P2 has shape \(3, 4\) and its mask \(3, 2\)"),
    (reward_model_loss, (ROWS[:, :2], ROWS[:, :2]), {"gap": -1.0}, r"gap=-1.0: give a finite number"),
    (reward_model_loss, (ROWS[:, :2],) * 2, {"ranked_P": MASK[0]}, r"ranked_P has shape \(4,\) for 3 pairs: pass"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "given", "options", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused_with_the_remedy(
    function: Any, given: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*given, **options)


def test_the_example_of_the_documentation_runs() -> None:
    page = Path(__file__).parents[2] / "docs" / "caspo-objective.md"
    example = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    batch, pairs = make_batch(1), make_pairs(1)
    names: dict[str, Any] = {
        "torch": torch, "mask_BT": batch["mask"], "group_B": batch["group"], "rewards_B": batch["outcome"],
        "logp_BT": batch["logp"].requires_grad_(), "logp_old_BT": batch["old"], "logp_reference_BT": batch["plain"],
        "logp_constitution_BT": batch["guided"], "predicted_P2": pairs["predicted"], "score_P2": pairs["score"],
    }  # fmt: skip
    exec("from caspo.objective import *\n" + example, names)
    assert bool(torch.isfinite(names["loss"])) and names["advantage_BT"].shape == batch["mask"].shape
