"""CASPO on one device: groups of answers, their reward, the second scoring under the constitution, one update.

The maths is `caspo.objective`'s. Shapes as in `caspo.local.vlm`; B is prompts times group size, prompt by prompt.
Strictly on-policy: one update for each batch of answers, so that the importance ratio is 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from caspo.errors import SampleInvalid
from caspo.local.config import CaspoConfig
from caspo.local.loop import fingerprint_run, run_loop
from caspo.local.rollout import Rollout, sample_answers
from caspo.local.samples import Prompt, PromptSource, Reward
from caspo.local.supervised import hold_vision
from caspo.local.tracking import Metrics, Tracking
from caspo.local.vlm import (
    AnswerScores,
    EncodedPrompts,
    Vlm,
    copy_frozen,
    encode_prompts,
    hash_weights,
    look,
    rate_tokens,
    score_answers,
)
from caspo.objective import (
    hybrid_advantage,
    kl_to_reference,
    normalize_in_group,
    normalize_tokens_in_group,
    policy_loss,
    token_signal,
)
from caspo.signal_metrics import describe_signal


@dataclass(frozen=True)
class _Players:
    """Who takes part."""

    policy: Vlm
    reference: Vlm
    """The policy as it was at the start."""
    teacher: Vlm | None
    """Who scores under the constitution; None: the policy itself."""
    reward: Reward
    config: CaspoConfig


@dataclass(frozen=True)
class StepPart:
    """Some of a step's groups, whole; most often all of them."""

    rollout: Rollout
    scores: AnswerScores
    signal_BT: Tensor | None
    """r of Eq. 4; None in mode `outcome`, which does not need it."""
    reward_B: Tensor
    outcome_B: Tensor
    """R^ of the rewards."""
    advantage_BT: Tensor
    """A of Eq. 5."""
    loss: float
    """The part's share of the step's loss."""
    kl: float
    """Likewise."""


Watch = Callable[[StepPart], None]
"""Told of each part of a step after its backward pass, before the update."""


def train_caspo(
    vlm: Vlm,
    prompts: PromptSource,
    reward: Reward,
    config: CaspoConfig,
    *,
    folder: Path,
    data: str,
    original: Vlm | None = None,
    tracking: Tracking | None = None,
    watch: Watch | None = None,
) -> list[Metrics]:
    """Train the policy in place and return each step's metrics, named `caspo/...` (docs/caspo-local.md lists them).

    Args:
        vlm: The policy, after SFT; changed. As it is now it is also the reference of the divergence and the teacher
            `frozen_sft`. After a kill pass the same start, not what the killed run had come to.
        prompts: The prompts of each step, each with a constitution.
        reward: The outcome reward. The same answers must get the same rewards, or a resumed run is another run.
        config: Everything else.
        folder: Of this run alone.
        data: Names what `prompts` and `reward` are; a folder goes on only with the same name.
        original: The model before SFT, which the teacher `frozen_original` asks for.
        tracking: TensorBoard and the like.
        watch: Sees what every step worked out; for checks.

    Raises:
        SampleInvalid: A prompt has no constitution, a step no prompts, `reward` gives another number of rewards, or the
            original model is missing.
        RunBusy, RunMismatch, TrainingDiverged, TrackerMissing: See `run_loop`.
    """
    reference = copy_frozen(vlm)
    if config.teacher == "frozen_original" and original is None:
        raise SampleInvalid("the teacher `frozen_original` needs the model before SFT: pass it as `original`")
    teacher = {"moving": None, "frozen_sft": reference, "frozen_original": original}[config.teacher]
    players = _Players(vlm, reference, teacher, reward, config)
    hashes = [data] if original is None else [data, hash_weights(original.model)]
    fingerprint = fingerprint_run(config, vlm.model, *hashes)

    def take_step(step: int) -> Metrics:
        asked = list(prompts(step))
        if not asked:
            raise SampleInvalid(f"step {step} has no prompts: give at least one for every step")
        size = config.groups_per_pass or len(asked)
        parts = [
            _take_part(players, asked[start : start + size], share=len(asked[start : start + size]) / len(asked))
            for start in range(0, len(asked), size)
        ]
        if watch:
            for part in parts:
                watch(part)
        return _measure(parts, config)

    with hold_vision(vlm, frozen=config.freeze_vision):
        return run_loop(
            vlm.model, config, take_step, folder=folder, fingerprint=fingerprint, prefix="caspo", tracking=tracking
        )


def _take_part(players: _Players, asked: Sequence[Prompt], *, share: float) -> StepPart:
    """Sample, score and run backward for whole groups; the gradient adds up to that of the step's mean."""
    config, policy = players.config, players.policy
    group_B = torch.arange(len(asked), device=policy.device).repeat_interleave(config.group_size)
    plain = encode_prompts(policy, asked, guided=False).repeat(config.group_size)
    if config.freeze_vision:  # then policy and reference have one tower: look once for all passes
        plain = look(policy, plain)
    rollout = sample_answers(policy, plain, max_tokens=config.max_tokens, temperature=config.temperature)
    reward_B = _ask_reward(players, asked, rollout.texts)
    mask_BT = rollout.mask_BT

    scores = score_answers(policy, plain, rollout.ids_BT, mask_BT, temperature=config.temperature)
    with torch.no_grad():
        reference_BT = _rate(players.reference, plain, rollout, config)
    signal_BT = None if config.mode == "outcome" else _score_signal(players, asked, plain, rollout, scores)
    outcome_B = normalize_in_group(reward_B, group_B)
    normal_BT = torch.zeros_like(scores.logp_BT)
    if signal_BT is not None:
        normal_BT = normalize_tokens_in_group(signal_BT, mask_BT, group_B, std_floor=config.signal_floor)
    advantage_BT = hybrid_advantage(
        outcome_B, normal_BT, mask_BT, lam=config.lam, mode=config.mode, zero_outcome=config.zero_outcome
    )
    kl = kl_to_reference(scores.logp_BT, reference_BT, mask_BT)
    loss = policy_loss(scores.logp_BT, scores.logp_BT, advantage_BT, mask_BT) + config.beta * kl
    (loss * share).backward()
    return StepPart(
        rollout, scores, signal_BT, reward_B, outcome_B, advantage_BT, loss.item() * share, kl.item() * share
    )


def _score_signal(
    players: _Players, asked: Sequence[Prompt], plain: EncodedPrompts, rollout: Rollout, scores: AnswerScores
) -> Tensor:
    """Return r (B, T): one more forward pass, the teacher's under the constitution."""
    config, policy = players.config, players.policy
    with torch.no_grad():
        guided = encode_prompts(policy, asked, guided=True).repeat(config.group_size)
        if config.teacher != "frozen_original":
            guided = replace(guided, seen_KH=plain.seen_KH)
        guided_BT = _rate(players.teacher or policy, guided, rollout, config, sharper=config.teacher_temperature)
    return token_signal(guided_BT, scores.logp_BT, rollout.mask_BT)


def _rate(vlm: Vlm, prompts: EncodedPrompts, rollout: Rollout, config: CaspoConfig, *, sharper: float = 1.0) -> Tensor:
    return rate_tokens(vlm, prompts, rollout.ids_BT, rollout.mask_BT, temperature=config.temperature * sharper)


def _ask_reward(players: _Players, asked: Sequence[Prompt], texts: Sequence[str]) -> Tensor:
    each = [prompt for prompt in asked for _ in range(players.config.group_size)]
    rewards = list(players.reward(each, texts))
    if len(rewards) != len(texts):
        raise SampleInvalid(f"the reward function gave {len(rewards)} rewards for {len(texts)} answers: one for each")
    return torch.tensor(rewards, dtype=torch.float32, device=players.policy.device)


def _measure(parts: Sequence[StepPart], config: CaspoConfig) -> Metrics:
    """Return the metrics of a step from all its parts."""
    entropy_N = torch.cat([part.scores.entropy_BT[part.rollout.mask_BT] for part in parts])
    reward_B = torch.cat([part.reward_B for part in parts])
    length_B = torch.cat([part.rollout.mask_BT.sum(1) for part in parts]).float()
    capped_B = torch.cat([part.rollout.capped_B for part in parts]).float()
    flat_G = torch.cat([(part.outcome_B.view(-1, config.group_size) == 0).all(1) for part in parts]).float()
    gap = max(
        (part.rollout.logp_BT - part.scores.logp_BT.detach())[part.rollout.mask_BT].abs().max().item() for part in parts
    )
    return {
        "caspo/loss": sum(part.loss for part in parts),
        "caspo/kl": sum(part.kl for part in parts),
        "caspo/reward_mean": reward_B.mean().item(),
        "caspo/reward_std": reward_B.std(unbiased=False).item(),
        "caspo/zero_variance_groups": flat_G.mean().item(),
        **_measure_signal(parts),
        "caspo/entropy": entropy_N.mean().item(),
        "caspo/length": length_B.mean().item(),
        "caspo/capped": capped_B.mean().item(),
        "caspo/rollout_gap": gap,
    }


def _measure_signal(parts: Sequence[StepPart]) -> Metrics:
    """Return what is told of r; nothing where it was not worked out."""
    found = [part.signal_BT[part.rollout.mask_BT] for part in parts if part.signal_BT is not None]
    if not found:
        return {}
    return describe_signal(torch.cat(found))
