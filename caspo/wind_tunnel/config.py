"""What a whole run of the wind tunnel is, and which files it leaves. No torch."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from caspo.wind_tunnel.arms import ARMS, Arm, ScaleConfig, find_arms
from caspo.wind_tunnel.measures import EvaluationConfig, Key
from caspo.wind_tunnel.reward import RewardConfig, RewardKind
from caspo.wind_tunnel.stage_zero import StageZeroConfig
from storage.records import Frozen
from storage.texts import hash_json

FORMAT = "caspo-wind-tunnel/1"
MEASURED = "measured.json"
CHECKED = "self_check.json"


class TunnelConfig(Frozen):
    """Everything that the figures depend on, but for the world."""

    stage_zero: StageZeroConfig = StageZeroConfig()
    """Its seed is the first of `stage_zero_seeds`."""
    stage_zero_seeds: int = Field(default=2, ge=1)
    seeds: int = Field(default=3, ge=1)
    """Seeds of RL on each stage 0."""
    arms: tuple[str, ...] = tuple(ARMS)
    scale: ScaleConfig = ScaleConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    reward: RewardConfig = RewardConfig()

    def list_arms(self) -> tuple[Arm, ...]:
        """Return the arms that are run.

        Raises:
            ArmUnknown: There is none of a name.
        """
        return find_arms(self.arms)

    def list_starts(self) -> range:
        """Return the seeds of stage 0."""
        return range(self.stage_zero.seed, self.stage_zero.seed + self.stage_zero_seeds)

    def list_keys(self, arm: Arm) -> list[Key]:
        """Return the runs of an arm: all seeds on every stage 0, or on the first alone."""
        starts = self.list_starts() if arm.on_every_start else self.list_starts()[:1]
        return [(start, seed) for seed in range(self.seeds) for start in starts]

    def count_runs(self) -> int:
        """Return the number of runs of RL in all."""
        return sum(len(self.list_keys(arm)) for arm in self.list_arms())

    def seed_stage_zero(self, start: int) -> StageZeroConfig:
        """Return the config of one stage 0."""
        return StageZeroConfig(**{**dict(self.stage_zero), "seed": start})

    def pick_reward(self, kind: RewardKind, start: int) -> RewardConfig:
        """Return the config of one reward."""
        return RewardConfig(**{**dict(self.reward), "kind": kind, "seed": start})

    def list_rewards(self) -> tuple[RewardKind, ...]:
        """Return the kinds of reward that are needed; that of the recommended arm scores every answer."""
        return tuple(dict.fromkeys(["context", *(arm.reward for arm in self.list_arms())]))


def fingerprint_arm(config: TunnelConfig, world: str, arm: Arm, start: int, seed: int) -> str:
    """Return the hash of all that one run of an arm depends on; title and words of an arm are not among it."""
    return hash_json(
        [
            FORMAT, world, config.seed_stage_zero(start).model_dump(mode="json"),
            config.pick_reward(arm.reward, start).model_dump(mode="json"),
            config.pick_reward("context", start).model_dump(mode="json"), config.scale.model_dump(mode="json"),
            config.evaluation.model_dump(mode="json"), arm.method.model_dump(mode="json"), seed,
        ]
    )  # fmt: skip


def fingerprint_baselines(config: TunnelConfig, world: str, start: int) -> str:
    """Return the hash of all that the figures of one stage 0 depend on."""
    return hash_json(
        [
            FORMAT, world, config.seed_stage_zero(start).model_dump(mode="json"),
            config.pick_reward("context", start).model_dump(mode="json"), config.evaluation.model_dump(mode="json"),
        ]
    )  # fmt: skip


def name_folder(out: Path, name: str, seeds: Sequence[int], fingerprint: str) -> Path:
    """Return the folder of one run; another config is another folder, so nothing is ever overwritten."""
    return out / "runs" / "-".join([name, *(str(seed) for seed in seeds), fingerprint[:12]])
