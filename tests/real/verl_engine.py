"""verl's `TrainingWorker` in this process on this CPU: no Ray, no queue, no sampler.

Needs `verl_here` on PYTHONPATH and VERL_USE_EXTERNAL_MODULES=cpu_platform. What goes in and comes out are lists of
rows, one an answer; between them stands verl's own code, from its config classes to its optimizer.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig
from verl.workers.engine_workers import TrainingWorker
from verl.workers.utils.losses import ppo_loss
from verl.workers.utils.padding import response_from_nested

from caspo.verl_plugin.advantage import work_out_advantage
from caspo.verl_plugin.options import VerlOptions
from caspo.verl_plugin.rows import number_rows, pad_rows, read_rows, write_rows
from caspo.verl_plugin.validation import compose_config


@dataclass(frozen=True)
class Answer:
    """One sampled answer, as verl's queue would hold it."""

    prompt: Tensor
    """Token ids (P,)."""
    positions: Tensor
    """(4, P + T): the text's and M-RoPE's three."""
    tokens: Tensor
    """(T,)."""
    pictures: dict[str, Tensor]
    """`pixel_values` and `image_grid_thw`."""

    def as_row(self) -> dict[str, Any]:
        counted = torch.ones_like(self.tokens)
        return {
            "prompts": self.prompt, "responses": self.tokens, "response_mask": counted, "loss_mask": counted,
            "input_ids": torch.cat([self.prompt, self.tokens]), "position_ids": self.positions,
            "multi_modal_inputs": dict(self.pictures),
        }  # fmt: skip


class Engine:
    """A worker that trains, built from Hydra overrides as verl's actor worker builds it."""

    def __init__(self, overrides: Sequence[str]) -> None:
        config = compose_config(overrides).actor_rollout_ref
        self.rollout = config.rollout
        self.actor = omega_conf_to_dataclass(config.actor)
        self.actor.model_config = omega_conf_to_dataclass(config.model)
        engine = self.actor.engine
        engine.use_dynamic_bsz = False
        engine.micro_batch_size_per_gpu = config.actor.ppo_micro_batch_size_per_gpu
        engine.infer_micro_batch_size_per_gpu = config.rollout.log_prob_micro_batch_size_per_gpu
        told = TrainingWorkerConfig(
            model_type="language_model", model_config=self.actor.model_config, engine_config=engine,
            optimizer_config=self.actor.optim, checkpoint_config=self.actor.checkpoint,
        )  # fmt: skip
        self.worker = TrainingWorker(told)
        self.worker.reset()
        self.worker.set_loss_fn(functools.partial(ppo_loss, config=self.actor))

    def rate(self, answers: Sequence[Answer], *, temperature: float = 1.0) -> list[Tensor]:
        """Return the log-probabilities (T,) of each answer's tokens; `temperature` is times that of sampling."""
        data = self._pack([answer.as_row() for answer in answers])
        sharper = temperature * self.rollout.temperature
        tu.assign_non_tensor(data, calculate_entropy=False, compute_loss=False, temperature=sharper)
        found = self.worker.infer_batch(data)
        return read_rows(response_from_nested(found["log_probs"], data["response_mask"]))

    def update(
        self,
        answers: Sequence[Answer],
        options: VerlOptions,
        *,
        names: Sequence[str],
        rewards: Sequence[float],
        guided: list[Tensor] | None,
        reference: list[Tensor] | None = None,
    ) -> dict[str, Any]:
        """Take one step by the plugin's advantages; return its metrics, and `advantages`."""
        old = self.rate(answers)
        advantage_BT, found = work_out_advantage(
            options,
            reward_B=torch.tensor(rewards),
            group_B=number_rows(names),
            mask_BT=pad_rows([torch.ones_like(answer.tokens) for answer in answers]),
            logp_BT=pad_rows(old),
            guided_BT=None if guided is None else pad_rows(guided),
        )
        rows = [
            answer.as_row() | {"old_log_probs": logp, "ref_log_prob": base, "advantages": row[: len(logp)]}
            for answer, logp, base, row in zip(answers, old, reference or old, advantage_BT, strict=True)
        ]
        data = self._pack(rows)
        size = len(answers)
        tu.assign_non_tensor(
            data, calculate_entropy=False, global_batch_size=size, mini_batch_size=size, epochs=1, seed=0,
            dataloader_kwargs={"shuffle": False}, temperature=self.rollout.temperature,
        )  # fmt: skip
        output = self.worker.train_mini_batch(data)
        return {**found, **tu.get(output, "metrics"), "advantages": advantage_BT}

    def read_weights(self) -> dict[str, Tensor]:
        """Return the weights as verl hands them to its sampler, in float32."""
        found, _ = self.worker.engine.get_per_tensor_param()
        return {name: value.detach().float().cpu().clone() for name, value in found}

    def save(self, folder: Any, step: int) -> None:
        self.worker.save_checkpoint(str(folder), global_step=step)

    def _pack(self, rows: Sequence[dict[str, Any]]) -> Any:
        data = write_rows(rows)
        for name, first in rows[0].items():
            if isinstance(first, Tensor):  # also where all rows are equally long, which `write_rows` would stack
                data[name] = tu.nested_tensor_from_tensor_list([row[name] for row in rows])
        return data
