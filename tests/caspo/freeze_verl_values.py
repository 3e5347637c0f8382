"""Writes verl_values.json: what verl 0.9.1 computes on one small batch, for test_objective_against_verl.py.

    python -m venv v && v/bin/pip install verl==0.9.1 torch && v/bin/python tests/caspo/freeze_verl_values.py

Not a test. verl is not installed with the project: its function `compute_grpo_outcome_advantage`, its KL estimators and
its policy loss are called here as they are. Log-ratios stay small, so that none of verl's own caps (k3 at 10, ratios
at 3 where the advantage is negative) touches a value. All numbers are float64.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, compute_policy_loss_vanilla, kl_penalty
from verl.workers.config import ActorConfig

GROUPS = ["p7", "p2", "p7", "p9", "p2", "p7", "p4", "p2", "p9", "p9", "p7"]  # p4: alone; p9: one reward for all
LENGTHS = [6, 1, 4, 3, 6, 2, 5, 6, 3, 4, 1]


def main() -> None:
    """Write the file beside this one."""
    rng = np.random.default_rng(20261129)
    rewards = np.round(rng.normal(3.0, 1.5, len(GROUPS)), 3)
    rewards[[i for i, name in enumerate(GROUPS) if name == "p9"]] = 2.5
    mask = torch.tensor([[1.0] * length + [0.0] * (6 - length) for length in LENGTHS], dtype=torch.float64)
    old, reference, logp = (
        torch.tensor(np.round(-rng.gamma(1.2, 1.0, mask.shape) if i == 0 else rng.normal(0, 0.35, mask.shape), 4))
        for i in range(3)
    )
    reference, logp = old + reference, old + logp
    at_the_end = torch.zeros_like(mask)
    at_the_end[torch.arange(len(LENGTHS)), torch.tensor(LENGTHS) - 1] = torch.tensor(rewards)
    advantage, _ = compute_grpo_outcome_advantage(at_the_end.clone(), mask, np.array(GROUPS, dtype=object))
    config = ActorConfig(strategy="fsdp", rollout_n=1, ppo_mini_batch_size=1, ppo_micro_batch_size_per_gpu=1)
    assert config.clip_ratio == 0.2
    values = {
        "verl": version("verl"),
        "groups": [int(name[1:]) for name in GROUPS],
        "rewards": rewards.tolist(),
        "mask": mask.int().tolist(),
        "logp": logp.tolist(),
        "logp_old": old.tolist(),
        "logp_reference": reference.tolist(),
        "grpo_advantage": advantage.tolist(),
        "policy_loss": {
            mode: compute_policy_loss_vanilla(old, logp, advantage, mask, loss_agg_mode=mode, config=config)[0].item()
            for mode in ("seq-mean-token-mean", "token-mean", "seq-mean-token-sum-norm")
        },
        "kl": {name: (kl_penalty(logp, reference, name) * mask).tolist() for name in ("k1", "k2", "low_var_kl")},
    }
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items())
    Path(__file__).with_name("verl_values.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
