"""Loads the models that a run of the wind tunnel left, so that they can be asked outside of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from caspo.errors import RunMismatch
from caspo.local.samples import Prompt
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, copy_trainable
from caspo.wind_tunnel.arms import ARMS, make_caspo_config
from caspo.wind_tunnel.config import MEASURED, TunnelConfig, fingerprint_arm, name_folder
from caspo.wind_tunnel.stage_zero import build_stage_zero
from caspo.wind_tunnel.world import World


@dataclass(frozen=True)
class TrainedPair:
    """Where RL began, and what it came to."""

    start: Vlm
    trained: Vlm


def reload_models(world: World, config: TunnelConfig, out: Path, *, arm: str, start: int, seed: int) -> TrainedPair:
    """Return the models of one finished run of an arm. Nothing is trained: what is not there is refused.

    Args:
        world: The run's own.
        config: The run's own.
        out: The folder of the wind tunnel.
        arm: Its name.
        start: The seed of its stage 0.
        seed: Its seed of RL.

    Raises:
        RunMismatch: There is no such run, or it did not come to its end.
    """
    chosen = ARMS[arm]
    fingerprint = fingerprint_arm(config, world.name, chosen, start, seed)
    folder = name_folder(out, arm, [start, seed], fingerprint)
    if not (folder / MEASURED).exists():
        raise RunMismatch(f"{folder} holds no finished run of the arm {arm!r}; train it first")
    found = build_stage_zero(world, config.seed_stage_zero(start), cache=out / "cache")
    policy = copy_trainable(found.sft)

    def refuse(*_: object) -> NoReturn:
        raise RunMismatch(f"{folder} holds figures of the arm {arm!r} and not all of its training; remove the folder")

    def no_prompts(step: int) -> Sequence[Prompt]:
        refuse(step)

    train_caspo(
        policy, no_prompts, refuse, make_caspo_config(chosen.method, config.scale, seed=seed), folder=folder,
        data=fingerprint, original=found.base if chosen.method.teacher == "frozen_original" else None,
    )  # fmt: skip
    policy.model.eval()
    policy.model.requires_grad_(False)
    return TrainedPair(found.sft, policy)
