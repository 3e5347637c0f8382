"""Faults that a trainer can have without crashing, each to be planted in the real one. Importing this needs torch.

A plant takes `patch`, whose `setattr(object, name, value)` puts the faulty thing in the right one's place.
"""

import re
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from caspo import objective
from caspo.local import training
from caspo.local.samples import Prompt
from caspo.wind_tunnel.world import World
from curator_app.actions.wind_tunnel import make_part


class Patch(Protocol):
    def setattr(self, target: object, name: str, value: object) -> None: ...


Plant = Callable[[Any], None]


class ForGood:
    """A patch that nobody takes back, for a process that ends with it."""

    setattr = staticmethod(setattr)


def flip_the_sign_of_lambda(patch: Patch) -> None:
    def faulty(outcome_B: Tensor, *args: Any, **options: Any) -> Tensor:
        whole_BT = objective.hybrid_advantage(outcome_B, *args, **options)
        outcome_BT = objective.hybrid_advantage(outcome_B, *args, **{**options, "mode": "outcome"})
        return 2 * outcome_BT - whole_BT

    patch.setattr(training, "hybrid_advantage", faulty)


def flip_the_sign_of_r(patch: Patch) -> None:
    def faulty(guided_BT: Tensor, logp_BT: Tensor, mask_BT: Tensor) -> Tensor:
        return -objective.token_signal(guided_BT, logp_BT, mask_BT)

    patch.setattr(training, "token_signal", faulty)


def ask_under_the_constitution_of_another_category(patch: Patch) -> None:
    right = training.encode_prompts

    def faulty(model: Any, prompts: Sequence[Prompt], *, guided: bool) -> Any:
        others = [*prompts[1:], prompts[0]]
        wrong = [Prompt(one.picture, one.query, other.constitution) for one, other in zip(prompts, others, strict=True)]
        return right(model, wrong, guided=guided)

    patch.setattr(training, "encode_prompts", faulty)


def forget_the_mask_of_the_loss(patch: Patch) -> None:
    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        return objective.policy_loss(logp_BT, old_BT, advantage_BT, torch.ones_like(mask_BT))

    patch.setattr(training, "policy_loss", faulty)


def divide_by_the_padded_length(patch: Patch) -> None:
    """The mean over all places of the batch, as if the mask did not count."""

    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        length = mask_BT.shape[1]
        return objective.policy_loss(logp_BT, old_BT, advantage_BT, mask_BT, weighting="fixed", length=length)

    patch.setattr(training, "policy_loss", faulty)


def forget_the_mask_of_r(patch: Patch) -> None:
    def faulty(signal_BT: Tensor, mask_BT: Tensor, group_B: Tensor, **options: Any) -> Tensor:
        return objective.normalize_tokens_in_group(signal_BT, torch.ones_like(mask_BT), group_B, **options)

    patch.setattr(training, "normalize_tokens_in_group", faulty)


def look_at_the_padding(patch: Patch) -> None:
    """What stands before a short prompt in its row is attended to."""
    right = training.encode_prompts

    def faulty(model: Any, prompts: Sequence[Prompt], *, guided: bool) -> Any:
        encoded = right(model, prompts, guided=guided)
        return replace(encoded, attention_BP=torch.ones_like(encoded.attention_BP))

    patch.setattr(training, "encode_prompts", faulty)


def leave_r_attached(patch: Patch) -> None:
    """The objective with no detach() in it, and with nothing overwritten, so that the gradient can flow through r."""
    source = Path(objective.__file__).read_text(encoding="utf-8")
    source = re.sub(r"\.(sub|mul|div|add|masked_fill)_\(", r".\1(", source.replace(".detach()", ""))
    leaky = types.ModuleType("leaky_objective")
    exec(compile(source, "leaky_objective", "exec"), leaky.__dict__)
    for name in ("token_signal", "normalize_tokens_in_group", "hybrid_advantage"):
        patch.setattr(training, name, getattr(leaky, name))

    def faulty(logp_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor) -> Tensor:
        return leaky.policy_loss(logp_BT, old_BT.clone().detach(), advantage_BT, mask_BT)  # type: ignore[no-any-return]

    patch.setattr(training, "policy_loss", faulty)


def normalise_over_the_whole_batch(patch: Patch) -> None:
    def faulty(values_B: Tensor, group_B: Tensor) -> Tensor:
        return objective.normalize_in_group(values_B, torch.zeros_like(group_B))

    patch.setattr(training, "normalize_in_group", faulty)


def let_a_padding_row_leak_in(patch: Patch) -> None:
    """As a trainer that balances its workers with an empty trajectory, and counts it."""

    def faulty(values_B: Tensor, group_B: Tensor) -> Tensor:
        return objective.normalize_in_group(
            torch.cat([values_B, values_B.new_zeros(1)]), torch.cat([group_B, group_B[-1:]])
        )[:-1]

    patch.setattr(training, "normalize_in_group", faulty)


def score_with_a_teacher_that_moves(patch: Patch) -> None:
    """The policy itself where the config has its frozen start."""
    right = training._score_signal

    def faulty(players: Any, *rest: Any) -> Tensor:
        moved = training._Players(players.policy, players.reference, None, players.reward, players.config)
        return right(moved, *rest)

    patch.setattr(training, "_score_signal", faulty)


def count_the_divergence_as_a_gain(patch: Patch) -> None:
    def faulty(*given: Tensor) -> Tensor:
        return -objective.kl_to_reference(*given)

    patch.setattr(training, "kl_to_reference", faulty)


def pay_each_answer_for_its_neighbour(patch: Patch) -> None:
    right = training._ask_reward

    def faulty(players: Any, asked: Sequence[Prompt], texts: Sequence[str]) -> Tensor:
        return right(players, [*asked[1:], asked[0]], texts)

    patch.setattr(training, "_ask_reward", faulty)


def make_part_with_a_fault(plant: Plant) -> World:
    """Plant a fault in this process, a worker of the wind tunnel, and return its world."""
    plant(ForGood())
    return make_part()
