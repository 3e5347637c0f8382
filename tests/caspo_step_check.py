"""One step of CASPO against the same numbers worked out from the texts that it drew. Importing this needs torch."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import caspo_loops as loops
import pytest
import torch
from caspo_tiny import make_prompts, make_tiny
from torch import Tensor

from caspo.local.config import CaspoConfig
from caspo.local.samples import Prompt
from caspo.local.tracking import Metrics
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, score_answers

CAP, SIZE, BETA = 8, 3, 0.2


def reward(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
    """Return how many words an answer has, but the same for all answers to the first query."""
    return [
        1.0 if prompt.query.startswith("is") else float(len(answer.split()))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


class Witness:
    """Rewards answers, and notes them beside the policy's weights at that moment."""

    def __init__(self, vlm: Vlm) -> None:
        self.vlm = vlm
        self.steps: dict[int, Any] = {}
        self.step = -1

    def prompts(self, step: int) -> list[Prompt]:
        self.step = step
        self.steps[step] = ([], copy.deepcopy(self.vlm.model))
        return make_prompts(3, seed=step)

    def reward(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        self.steps[self.step][0].extend(answers)
        return reward(prompts, answers)


def train(folder: Path, **changed: Any) -> tuple[Witness, list[Metrics], Vlm, Vlm]:
    vlm, start, original = make_tiny(), make_tiny(), make_tiny(seed=1)
    witness = Witness(vlm)
    config = CaspoConfig(steps=2, group_size=SIZE, max_tokens=CAP, beta=BETA, learning_rate=0.01, **changed)
    metrics = train_caspo(vlm, witness.prompts, witness.reward, config, folder=folder, data="words", original=original)
    return witness, metrics, start, original


def score(vlm: Vlm, answers: Sequence[str], *, guided: bool, temperature: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return log-probabilities, entropies and mask of the second step's answers, from their texts alone."""
    encoded = encode_prompts(vlm, make_prompts(3, seed=1), guided=guided).repeat(SIZE)
    ids_BT, mask_BT = (tensor[:, :CAP] for tensor in encode_answers(vlm, answers))  # an answer cut off has no end token
    found = score_answers(vlm, encoded, ids_BT, mask_BT, temperature=temperature)
    return found.logp_BT, found.entropy_BT, mask_BT


def check_step(folder: Path, changed: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Train two steps and return what of the second is wrong: (found, wanted) of the gradient and the metrics."""
    witness, metrics, start, original = train(folder, **changed)
    answers, model = witness.steps[1]
    policy = Vlm(model.requires_grad_(True), start.processor)
    teacher = {"moving": policy, "frozen_sft": start, "frozen_original": original}[changed.get("teacher", "moving")]
    logp_BT, entropy_BT, mask_BT = score(policy, answers, guided=False)
    with torch.no_grad():
        reference_BT = score(start, answers, guided=False)[0]
        guided_BT = score(teacher, answers, guided=True, temperature=changed.get("teacher_temperature", 1.0))[0]

    groups = [number // SIZE for number in range(len(answers))]
    mask = mask_BT.int().tolist()
    rewards = reward([prompt for prompt in make_prompts(3, seed=1) for _ in range(SIZE)], answers)
    signal_BT = (guided_BT - logp_BT.detach()).masked_fill(~mask_BT, 0).double()
    outcome = loops.normalize_in_group(rewards, groups, [1] * len(groups), eps=1e-6, unbiased=True)
    floor = changed.get("signal_floor", 0.0)
    normal = loops.normalize_tokens(
        signal_BT.tolist(), mask, groups, eps=1e-6, unbiased=True, floor=floor, scope="group"
    )
    advantage = loops.hybrid_advantage(
        outcome, normal, mask, lam=changed.get("lam", 0.3), mode=changed.get("mode", "hybrid"),
        zero_outcome=changed.get("zero_outcome", "drop"),
    )  # fmt: skip
    length_B = mask_BT.sum(1)
    gain_B = (torch.tensor(advantage) * logp_BT).masked_fill(~mask_BT, 0).sum(1) / length_B
    ahead_BT = (reference_BT - logp_BT).masked_fill(~mask_BT, 0)
    kl = ((ahead_BT.exp() - 1 - ahead_BT).sum(1) / length_B).mean()
    policy.model.zero_grad()
    (-gain_B.mean() + BETA * kl).backward()
    kl = kl.detach()
    norm = torch.stack([p.grad.norm() for p in policy.model.parameters() if p.grad is not None]).norm()

    found = metrics[1]
    counted_N = signal_BT[mask_BT]
    wanted = {
        "caspo/grad_norm": norm,
        "caspo/kl": kl,
        "caspo/signal_mean": counted_N.mean(),
        "caspo/signal_std": counted_N.std(unbiased=False),
        "caspo/signal_p01": counted_N.quantile(0.01),
        "caspo/signal_p99": counted_N.quantile(0.99),
        "caspo/signal_far": (counted_N.abs() > 5).double().mean(),
        "caspo/entropy": entropy_BT[mask_BT].mean(),
        "caspo/reward_mean": torch.tensor(rewards).mean(),
        "caspo/reward_std": torch.tensor(rewards).std(unbiased=False),
        "caspo/length": length_B.float().mean(),
        "caspo/capped": sum(len(answer.split()) == CAP for answer in answers) / len(answers),
    }
    if changed.get("mode") == "outcome":  # without a second scoring
        wanted = {name: value for name, value in wanted.items() if "signal" not in name}
        assert not any("signal" in name for name in found)
    flat = [len(set(rewards[at : at + SIZE])) == 1 for at in range(0, len(rewards), SIZE)]
    assert 0 < sum(flat) < 3
    assert kl > 0.001
    wanted |= {"caspo/zero_variance_groups": sum(flat) / 3, "caspo/rollout_gap": 0.0}
    room = {"caspo/rollout_gap": 1e-4}
    return {
        name: (found[name], float(value))
        for name, value in wanted.items()
        if found[name] != pytest.approx(float(value), rel=2e-3, abs=room.get(name, 1e-5))
    }
