"""What one worker of the wind tunnel does: stage 0, a reward, the figures of stage 0, one run of an arm."""

import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from caspo.errors import TrainingDiverged
from caspo.local.samples import Prompt, PromptSource, Reward
from caspo.local.team import join_team
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, copy_trainable
from caspo.wind_tunnel.arms import ARMS, BASELINES, Arm, make_caspo_config
from caspo.wind_tunnel.config import (
    MEASURED,
    TunnelConfig,
    fingerprint_arm,
    fingerprint_baselines,
    name_folder,
)
from caspo.wind_tunnel.measures import BASELINE, Measured
from caspo.wind_tunnel.reward import RewardKind, build_reward
from caspo.wind_tunnel.sampling import measure_model
from caspo.wind_tunnel.self_check import check_constitutions, check_trainer
from caspo.wind_tunnel.stage_zero import StageZero, build_stage_zero
from caspo.wind_tunnel.world import ScenePair, World
from endpoints.seeds import derive_seed
from storage.whole_files import write_whole

Tell = Callable[[str, int, int], None]
"""What is being done, how many of its steps are done, how many there are."""


class Tunnel:
    """Keeps stage 0 and rewards between jobs, since all runs of a stage 0 begin with them."""

    def __init__(self, world: World, config: TunnelConfig, out: Path) -> None:
        """Take one torch thread: with two, a model so small is slower."""
        torch.set_num_threads(1)
        self._world, self._config, self._out = world, config, out
        self._starts: dict[int, StageZero] = {}
        self._rewards: dict[tuple[int, RewardKind], Reward] = {}
        self._pool: Sequence[ScenePair] | None = None

    @property
    def _cache(self) -> Path:
        return self._out / "cache"

    def prepare(self, start: int, tell: Tell) -> dict[str, Any]:
        """Make one stage 0 and return its gate as JSON values."""
        return self._start(start, tell).gate.model_dump(mode="json")

    def prepare_together(self, start: int, place: int, meeting: Path, tell: Tell) -> dict[str, Any]:
        """Do the same with another worker, each half of the work."""
        with join_team(meeting, place=place):
            return self.prepare(start, tell if place == 0 else lambda *told: None)

    def learn_reward(self, start: int, kind: RewardKind, tell: Tell) -> None:
        """Make one reward."""
        tell(f"reward model {kind}", 0, 1)
        self._reward(start, kind)

    def measure_baselines(self, start: int, tell: Tell) -> None:
        """Measure what stage 0 left, with and without the constitution."""
        fingerprint = fingerprint_baselines(self._config, self._world.name, start)
        for done, baseline in enumerate(BASELINES.values()):
            folder = name_folder(self._out, baseline.name, [start], fingerprint)
            tell(baseline.title, done, len(BASELINES))
            if (folder / MEASURED).exists():
                continue
            begun, found = time.process_time(), self._start(start)
            model = found.base if baseline.model == "base" else found.sft
            measured = self._measure(model, start, guided=baseline.guided, seed=BASELINE)
            _write(folder, fingerprint, measured, cpu_s=time.process_time() - begun)

    def check_arm(self, name: str, start: int, tell: Tell) -> dict[str, Any]:
        """Check a step of the trainer with one arm, and the constitutions of all its prompts; return JSON values."""
        arm, found = ARMS[name], self._start(start)
        tell(f"{arm.title}: self-check", 0, 1)
        pool = self._list_pool()
        config = make_caspo_config(arm.method, self._config.scale, seed=0)
        asked = draw_prompts(pool, arm, self._config.scale.prompts, seed=0)(0)
        checked = check_trainer(
            found.sft, asked, self._reward(start, arm.reward), config,
            original=found.base if arm.method.teacher == "frozen_original" else None,
        )  # fmt: skip
        wrong = check_constitutions(self._world, (scene for pair in pool for scene in (pair.hazardous, pair.twin)))
        return {
            "arm": name,
            "stage_zero": start,
            "answers": len(checked.lengths),
            "tokens": [min(checked.lengths, default=0), max(checked.lengths, default=0)],
            "compared": ["constitutions", *checked.compared],
            "differs": [*wrong, *checked.differs],
        }

    def run_arm(self, name: str, start: int, seed: int, tell: Tell) -> None:
        """Train one arm from one stage 0 with one seed, and measure it. A run that diverges is written down as that."""
        arm = ARMS[name]
        fingerprint = fingerprint_arm(self._config, self._world.name, arm, start, seed)
        folder = name_folder(self._out, name, [start, seed], fingerprint)
        begun, found = time.process_time(), self._start(start)
        policy = copy_trainable(found.sft)
        config = make_caspo_config(arm.method, self._config.scale, seed=seed)
        draw, steps = draw_prompts(self._list_pool(), arm, self._config.scale.prompts, seed=seed), config.steps

        def prompts(step: int) -> Sequence[Prompt]:
            tell(f"{arm.title}, stage 0 {start}, seed {seed}", step, steps)
            return draw(step)

        try:
            train_caspo(
                policy, prompts, self._reward(start, arm.reward), config, folder=folder, data=fingerprint,
                original=found.base if arm.method.teacher == "frozen_original" else None,
            )  # fmt: skip
        except TrainingDiverged as exc:
            _write(folder, fingerprint, None, cpu_s=time.process_time() - begun, diverged=str(exc))
            return
        trained = time.process_time() - begun
        tell(f"{arm.title}, stage 0 {start}, seed {seed}: measuring", steps, steps)
        measured = self._measure(policy, start, guided=False, seed=seed)
        _write(folder, fingerprint, measured, cpu_s=trained, measuring_cpu_s=time.process_time() - begun - trained)

    def _start(self, start: int, tell: Tell | None = None) -> StageZero:
        if start not in self._starts:
            config = self._config.seed_stage_zero(start)
            self._starts[start] = build_stage_zero(self._world, config, cache=self._cache, progress=tell)
        return self._starts[start]

    def _reward(self, start: int, kind: RewardKind) -> Reward:
        if (start, kind) not in self._rewards:
            config = self._config.pick_reward(kind, start)
            self._rewards[start, kind] = build_reward(self._world, self._start(start), config, cache=self._cache)
        return self._rewards[start, kind]

    def _list_pool(self) -> Sequence[ScenePair]:
        if self._pool is None:
            seed = derive_seed(self._config.evaluation.seed, "pool of RL")
            self._pool = self._world.pairs("train", count=self._config.scale.pool, seed=seed)
        return self._pool

    def _measure(self, model: Vlm, start: int, *, guided: bool, seed: int) -> Measured:
        return measure_model(
            model, self._world, self._reward(start, "context"), self._config.evaluation, guided=guided,
            reference=self._start(start).sft, seed=derive_seed(seed, "held out"),
        )  # fmt: skip


def draw_prompts(pool: Sequence[ScenePair], arm: Arm, count: int, *, seed: int) -> PromptSource:
    """Return the prompts of each step: different pairs, of which the arm's share is asked as the harmless twin.

    Arms with one seed ask about the same pairs in the same step.
    """
    twins = round(arm.method.twin_share * count)

    def draw(step: int) -> list[Any]:
        chosen = random.Random(derive_seed(seed, "prompts", step)).sample(range(len(pool)), count)
        return [pool[n].twin if place < twins else pool[n].hazardous for place, n in enumerate(chosen)]

    return draw


def _write(folder: Path, fingerprint: str, measured: Measured | None, **more: Any) -> None:
    """Write what was measured, whole or not at all."""
    body = {"fingerprint": fingerprint, **more}
    if measured:
        body |= {"columns": measured.columns, "answers": measured.answers}
    write_whole(folder / MEASURED, json.dumps(body))
