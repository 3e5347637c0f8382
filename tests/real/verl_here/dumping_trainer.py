"""The plugin's trainer, `trainer.v1.trainer_mode=caspo_dumped`: changes its options step by step, and dumps each step.

STEPS in the environment is a JSON list of options that replace those of the command line, the first for the first step
of this process. What verl's queue holds when advantages are worked out is written to the folder DUMPS.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
import transfer_queue as tq
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1.trainer_base import register_trainer

from caspo.verl_plugin.fixes import repack_positions
from caspo.verl_plugin.options import parse_options
from caspo.verl_plugin.rows import read_rows
from caspo.verl_plugin.scoring import is_padding
from caspo.verl_plugin.trainer import GUIDED_FIELD, CaspoTrainer

DUMPED = (
    "uid", "prompts", "responses", "response_mask", "input_ids", "position_ids", "old_log_probs", "ref_log_prob",
    "rm_scores", "rollout_log_probs", "advantages", "extra_info",
)  # fmt: skip


@register_trainer("caspo_dumped")
class DumpingTrainer(CaspoTrainer):
    """See above."""

    def _compute_advantage(self, batch: KVBatchMeta, metrics: dict[str, Any]) -> KVBatchMeta:
        given = self.options.model_dump()
        changes = self.__dict__.setdefault("changes", json.loads(os.environ.get("STEPS", "[]")))
        self.options = parse_options(given | (changes.pop(0) if changes else {}))
        batch = super()._compute_advantage(batch, metrics)
        padding = is_padding(batch)
        dump: dict[str, Any] = {"padding": padding, "options": self.options.model_dump(), "step": self.global_steps}
        for name in DUMPED:
            data = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=[name])[name]
            dump[name] = read_rows(repack_positions(data) if name == "position_ids" else data)
        if self.options.mode != "outcome":
            keys = [key for key, padded in zip(batch.keys, padding, strict=True) if not padded]
            data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=[GUIDED_FIELD])
            dump[GUIDED_FIELD] = read_rows(data[GUIDED_FIELD])
        dump["metrics"] = {name: value for name, value in metrics.items() if name.startswith("caspo/")}
        torch.save(dump, Path(os.environ["DUMPS"]) / f"step-{self.global_steps}.pt")
        self.options = parse_options(given)
        return batch
