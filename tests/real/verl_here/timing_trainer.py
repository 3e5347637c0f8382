"""The plugin's trainer, `trainer.v1.trainer_mode=caspo_timed`: every other step is GRPO's; CPU times of all are kept.

One JSON line a step in the folder DUMPS, in CPU seconds: `engine` is the process that holds policy and reference,
`sampling` the one that generates, `all` every process of this Ray cluster.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import psutil
import ray
from generate_rollout import SERVER
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1.trainer_base import register_trainer

from caspo.verl_plugin.trainer import CaspoTrainer


@register_trainer("caspo_timed")
class TimingTrainer(CaspoTrainer):
    """See above."""

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, float]) -> KVBatchMeta:
        whole = self.options
        mode = "outcome" if self.global_steps % 2 else "hybrid"
        self.options = whole.model_copy(update={"mode": mode})
        before = self.read_clocks()
        batch = super().step(metrics, timing_raw)
        taken = {name: after - before[name] for name, after in self.read_clocks().items()}
        self.options = whole
        lengths = [tag["seq_len"] for tag in batch.tags]
        with (Path(os.environ["DUMPS"]) / "steps.jsonl").open("a") as out:
            line = {"step": self.global_steps, "mode": mode, **taken, "tokens": sum(lengths), "rows": len(lengths)}
            out.write(json.dumps(line) + "\n")
        return batch

    def read_clocks(self) -> dict[str, float]:
        engine = ray.get(self.actor_rollout_wg.workers[0].__ray_call__.remote(read_own_clock))
        sampling = ray.get(ray.get_actor(SERVER).__ray_call__.remote(read_own_clock))
        children = psutil.Process(os.getppid()).children(recursive=True)
        times = [child.cpu_times() for child in children]
        return {
            "engine": engine,
            "sampling": sampling,
            "all": sum(one.user + one.system for one in times),
        }


def read_own_clock(_: Any) -> float:
    return time.process_time()
