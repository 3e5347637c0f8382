"""The rewards of the wind tunnel's RL: two learnt from a noisy judge, which can be hacked, and the exact one."""

from pathlib import Path
from typing import Literal

from caspo.local.samples import Reward
from caspo.wind_tunnel.stage_zero import StageZero
from caspo.wind_tunnel.world import World
from storage.records import Frozen

RewardKind = Literal["context", "blind", "oracle"]
"""`context` sees the prompt, `blind` sees the answer only; `oracle` is the world's own score."""


class RewardConfig(Frozen):
    """How a reward is learnt."""

    kind: RewardKind = "context"
    seed: int = 0


def build_reward(world: World, stage_zero: StageZero, config: RewardConfig, *, cache: Path) -> Reward:
    """Return a reward for `train_caspo` whose prompts are scenes of `world`. What `cache` holds is not learnt again."""
    raise NotImplementedError
