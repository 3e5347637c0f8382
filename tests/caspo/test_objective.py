"""Eq. 4-7 against plain loops over float64 numbers, on random shapes, masks and groups; gradients; what is refused."""

import math
from typing import Any

import caspo_loops as loops
import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_batches import MODES, WEIGHTINGS, Batch, make_batch, make_pairs

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

SEEDS = range(12)


def as_lists(batch: Batch) -> Batch:
    return {name: value.tolist() for name, value in batch.items()}


def check(seed: int, found: Any, wanted: Any) -> None:
    assert found.dtype == torch.float64
    numbers = torch.tensor(wanted, dtype=torch.float64).reshape(found.shape)
    torch.testing.assert_close(found, numbers, rtol=0, atol=1e-6, msg=lambda said: f"seed {seed}: {said}")


@pytest.mark.parametrize(("eps", "unbiased"), [(1e-6, True), (1e-4, False), (0.0, True)])
def test_outcomes_are_normalised_as_in_a_loop(eps: float, unbiased: bool) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        numbers = as_lists(batch)
        counted = batch["mask"].any(1)
        found = normalize_in_group(batch["outcome"], batch["group"], eps=eps, unbiased=unbiased, mask_B=counted)
        wanted = loops.normalize_in_group(
            numbers["outcome"], numbers["group"], counted.tolist(), eps=eps, unbiased=unbiased
        )
        check(seed, found, wanted)
        all_of_them = loops.normalize_in_group(
            numbers["outcome"], numbers["group"], [1] * len(counted), eps=1e-6, unbiased=True
        )
        check(seed, normalize_in_group(batch["outcome"], batch["group"]), all_of_them)


@pytest.mark.parametrize("clip", [None, 1.5])
def test_the_token_signal_is_the_difference_of_two_log_probabilities(clip: float | None) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        numbers = as_lists(batch)
        found = token_signal(batch["guided"], batch["plain"], batch["mask"], clip=clip)
        check(seed, found, loops.token_signal(numbers["guided"], numbers["plain"], numbers["mask"], clip=clip))


@pytest.mark.parametrize("scope", ["group", "position"])
@pytest.mark.parametrize(("eps", "unbiased", "floor"), [(1e-6, True, 0.0), (1e-4, False, 0.5), (0.0, True, 4.0)])
def test_tokens_are_normalised_as_in_a_loop(scope: Any, eps: float, unbiased: bool, floor: float) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        numbers = as_lists(batch)
        found = normalize_tokens_in_group(
            batch["signal"], batch["mask"], batch["group"], eps=eps, unbiased=unbiased, std_floor=floor, scope=scope
        )
        wanted = loops.normalize_tokens(
            numbers["signal"], numbers["mask"], numbers["group"], eps=eps, unbiased=unbiased, floor=floor, scope=scope
        )
        check(seed, found, wanted)


@pytest.mark.parametrize("mode", ["hybrid", "outcome", "token"])
@pytest.mark.parametrize(("lam", "zero_outcome"), [(0.3, "drop"), (1.0, "token"), (0.0, "drop")])
def test_the_advantage_is_equation_5(mode: Any, lam: float, zero_outcome: Any) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        batch["outcome"] = normalize_in_group(batch["outcome"], batch["group"])
        numbers = as_lists(batch)
        found = hybrid_advantage(
            batch["outcome"], batch["signal"], batch["mask"], lam=lam, mode=mode, zero_outcome=zero_outcome
        )
        wanted = loops.hybrid_advantage(
            numbers["outcome"], numbers["signal"], numbers["mask"], lam=lam, mode=mode, zero_outcome=zero_outcome
        )
        check(seed, found, wanted)


@pytest.mark.parametrize(("weighting", "length"), WEIGHTINGS)
@pytest.mark.parametrize("clip", [None, 0.2])
def test_the_policy_loss_is_minus_the_first_term_of_equation_6(
    weighting: Any, length: int | None, clip: float | None
) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        numbers = as_lists(batch)
        given = ["logp", "old", "advantage", "mask"]
        found = policy_loss(*(batch[n] for n in given), clip_ratio=clip, weighting=weighting, length=length)
        check(
            seed, found, loops.policy_loss(*(numbers[n] for n in given), clip=clip, weighting=weighting, length=length)
        )


@pytest.mark.parametrize(("weighting", "length"), WEIGHTINGS)
@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_the_divergence_is_estimated_as_in_a_loop(weighting: Any, length: int | None, estimator: Any) -> None:
    for seed in SEEDS:
        batch = make_batch(seed)
        numbers = as_lists(batch)
        given, options = ["logp", "old", "mask"], {"estimator": estimator, "weighting": weighting, "length": length}
        found = kl_to_reference(*(batch[n] for n in given), **options)
        check(seed, found, loops.kl_to_reference(*(numbers[n] for n in given), **options))


@pytest.mark.parametrize(("gap", "weight"), [(4.0, 1.0), (1.0, 0.3), (0.0, 0.0), (100.0, 2.0)])
def test_the_reward_model_is_trained_on_equation_7(gap: float, weight: float) -> None:
    for seed in range(30):
        pairs = make_pairs(seed)
        numbers = as_lists(pairs)
        found = reward_model_loss(
            pairs["predicted"], pairs["score"], gap=gap, ranked_P=pairs["ranked"], regression_weight=weight,
            mask_P2=pairs["present"],
        )  # fmt: skip
        check(seed, found, loops.reward_model_loss(**numbers, gap=gap, weight=weight))


def test_a_worked_pair() -> None:
    # 6 against 1 differs by 5 > 4: ranked, and the prediction 0.5 against -0.5 has a margin of 1. 4 against 0 differs
    # by 4, which is not more: regressed, errors 1 and 2.
    predicted = torch.tensor([[-0.5, 0.5], [5.0, 2.0]], dtype=torch.float64)
    score = torch.tensor([[1, 6], [4, 0]])
    check(0, reward_model_loss(predicted, score), math.log(1 + math.exp(-1)) + (1 + 4) / 2)


@pytest.mark.parametrize(("weighting", "length"), WEIGHTINGS)
def test_gradients_agree_with_finite_differences(weighting: Any, length: int | None) -> None:
    for seed in (1, 2, 3):
        batch = make_batch(seed)
        rest = (batch["old"], batch["advantage"], batch["mask"])
        logp = batch["logp"].requires_grad_()
        for clip in (None, 0.2):
            options = {"clip_ratio": clip, "weighting": weighting, "length": length}
            assert torch.autograd.gradcheck(lambda x, o=options, r=rest: policy_loss(x, *r, **o), logp)
        for estimator in ("k1", "k2", "k3"):
            options = {"estimator": estimator, "weighting": weighting, "length": length}
            assert torch.autograd.gradcheck(
                lambda x, o=options, b=batch: kl_to_reference(x, b["old"], b["mask"], **o), logp
            )


def test_the_gradient_of_the_reward_model_agrees_with_finite_differences() -> None:
    for seed in range(5):
        pairs = make_pairs(seed)
        predicted = pairs["predicted"].requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x, p=pairs: reward_model_loss(x, p["score"], gap=2.0, ranked_P=p["ranked"], mask_P2=p["present"]),
            predicted,
        )


def test_the_gradient_at_the_sampling_policy_is_the_policy_gradient() -> None:
    # d/dlogp of -1/G sum_i 1/T_i sum_t ratio A is -A / (G T_i) where ratio = 1; the clip changes nothing there.
    batch = make_batch(5)
    logp = batch["logp"].clone().requires_grad_()
    policy_loss(logp, batch["logp"], batch["advantage"], batch["mask"]).backward()
    lengths = batch["mask"].sum(1, keepdim=True)
    wanted = -batch["advantage"] / lengths.clamp(min=1) / (lengths > 0).sum()
    torch.testing.assert_close(logp.grad, torch.where(batch["mask"], wanted, 0))


@pytest.mark.parametrize(
    ("advantage", "log_ratio", "moves"),
    [(1.0, 0.5, False), (1.0, -0.5, True), (-1.0, -0.5, False), (-1.0, 0.5, True), (1.0, 0.1, True)],
)
def test_the_clip_stops_a_token_once_it_has_gained_enough(advantage: float, log_ratio: float, moves: bool) -> None:
    logp = torch.full((1, 1), log_ratio, dtype=torch.float64, requires_grad=True)
    old, ones = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    policy_loss(logp, old, advantage * ones, ones).backward()
    assert (logp.grad.item() != 0) == moves


def test_the_estimators_average_to_the_divergence_and_its_gradient() -> None:
    # A vocabulary of six: the expectation under the policy is a weighted sum over it, and nothing is sampled.
    rng = torch.Generator().manual_seed(3)
    logits, other = (torch.randn(6, generator=rng, dtype=torch.float64) for _ in range(2))
    logits.requires_grad_()
    policy, reference = logits.log_softmax(0), other.log_softmax(0)
    weight = policy.exp().detach()

    def expect(estimator: Any) -> Any:
        ones = torch.ones(1, 1)
        each = [
            kl_to_reference(policy[a].view(1, 1), reference[a].view(1, 1), ones, estimator=estimator) for a in range(6)
        ]
        return sum(w * k for w, k in zip(weight, each, strict=True))

    def gradient(value: Any) -> Any:
        return torch.autograd.grad(value, logits, retain_graph=True)[0]

    divergence = (policy.exp() * (policy - reference)).sum()
    for name in ("k1", "k3"):
        torch.testing.assert_close(expect(name), divergence)
    torch.testing.assert_close(gradient(expect("k2")), gradient(divergence))
    other_way = (reference.exp() * (reference - policy)).sum()
    torch.testing.assert_close(gradient(expect("k3")), gradient(other_way))
    torch.testing.assert_close(gradient(expect("k1")), torch.zeros(6, dtype=torch.float64))


def test_signals_and_advantages_carry_no_gradient() -> None:
    batch = make_batch(4)
    tracked = {
        n: batch[n].clone().requires_grad_() for n in ("guided", "plain", "signal", "outcome", "old", "advantage")
    }
    signal = token_signal(tracked["guided"], tracked["plain"], batch["mask"])
    normal = normalize_tokens_in_group(tracked["signal"], batch["mask"], batch["group"])
    outcome = normalize_in_group(tracked["outcome"], batch["group"])
    advantages = [hybrid_advantage(tracked["outcome"], tracked["signal"], batch["mask"], mode=m) for m in MODES]
    assert not any(made.requires_grad for made in (signal, normal, outcome, *advantages))
    logp = batch["logp"].requires_grad_()
    loss = policy_loss(logp, tracked["old"], tracked["advantage"], batch["mask"])
    (loss + kl_to_reference(logp, tracked["old"], batch["mask"])).backward()
    assert logp.grad is not None and all(t.grad is None for t in tracked.values())
