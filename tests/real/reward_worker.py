"""verl's own reward worker on rows of verl's own dataset: `reward_worker.py MODEL TABLE URL OUT`, writes JSON.

Everything on the way from the training file to the server is verl's or ours, but for Ray and the rollout: a
trajectory is put together as `AgentLoopWorker._compute_score` does.
"""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_module
from tensordict import TensorDict
from verl import DataProto
from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
from verl.utils import hf_processor, hf_tokenizer
from verl.utils.dataset.rl_dataset import RLHFDataset

from caspo.verl_rewards import write_reward_overrides

model, table, url, out = sys.argv[1:]
ANSWERS = ("yes, go on.", "no: it may burn you.")

with initialize_config_module("verl.trainer.config", version_base=None):
    overrides = [f"actor_rollout_ref.model.path={model}", f"data.train_files={table}", *write_reward_overrides(url)]
    config = compose("ppo_trainer", overrides=overrides)
tokenizer, processor = hf_tokenizer(model), hf_processor(model)
dataset = RLHFDataset(data_files=table, tokenizer=tokenizer, processor=processor, config=config.data)
worker = RewardLoopWorker(config)


def make_trajectory(row: dict[str, object], answer: str) -> DataProto:
    ids = torch.tensor([[*tokenizer.encode(answer), tokenizer.eos_token_id]])
    fields = {name: np.array([value] * 1) for name, value in row.items() if not isinstance(value, torch.Tensor)}
    fields |= {"__num_turns__": np.array([2]), "tool_extra_fields": np.array([{}], dtype=object)}
    batch = TensorDict({"responses": ids, "attention_mask": torch.ones_like(ids)}, batch_size=1)
    return DataProto(batch=batch, non_tensor_batch=fields)


async def rate_all() -> list[dict[str, object]]:
    data = [make_trajectory(dataset[at], answer) for at in range(len(dataset)) for answer in ANSWERS]
    return await asyncio.gather(*(worker.compute_score(one) for one in data))


found = worker.loop.run_until_complete(rate_all())
told = [{"reward": one["reward_score"], "extra": one["reward_extra_info"]} for one in found]
Path(out).write_text(json.dumps({"answers": ANSWERS, "rewards": told}))
