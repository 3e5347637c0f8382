r"""The trainer: verl's synchronous GRPO, with the advantage of Eq. 5 in place of GRPO's.

    VERL_USE_EXTERNAL_MODULES=caspo.verl_plugin.trainer python -m verl.trainer.main_ppo \
        trainer.v1.trainer_mode=caspo algorithm.adv_estimator=grpo +caspo.lam=0.3 ...

Everything else is verl's: rollouts, old and reference log-probabilities, loss, KL (Eq. 6), checkpoints. The row of
the training file carries its constitution in `extra_info.constitution`. Importing this registers the trainer.
"""

import copy
import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
import transfer_queue as tq
from omegaconf import DictConfig, open_dict
from transfer_queue import KVBatchMeta
from verl.single_controller.ray import RayClassWithInitArgs, RayWorkerGroup
from verl.single_controller.ray.base import create_colocated_worker_cls
from verl.trainer.ppo.utils import Role, need_reference_policy
from verl.trainer.ppo.v1.trainer_base import register_trainer
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.utils.debug import marked_timer
from verl.utils.tokenizer import hf_tokenizer
from verl.workers.engine_workers import ActorRolloutRefWorker

from caspo.errors import OptionsInvalid, VerlUnfit
from caspo.metrics_file import MetricsFile
from caspo.verl_plugin.advantage import work_out_advantage
from caspo.verl_plugin.fixes import check_verl, mend_verl
from caspo.verl_plugin.held_out import describe_held_out
from caspo.verl_plugin.options import VerlOptions, parse_options
from caspo.verl_plugin.prompts import GuidedPrompts
from caspo.verl_plugin.rows import number_rows, pad_rows, read_rows, write_rows
from caspo.verl_plugin.scoring import Scorer, is_padding, score_guided

GUIDED_FIELD = "constitution_log_probs"
"""Under this name the teacher's log-probabilities lie in verl's queue beside `old_log_probs`, till the step ends."""
_log = logging.getLogger(__name__)

check_verl()
mend_verl()


def check_config(config: DictConfig, options: VerlOptions) -> None:
    """Refuse what of verl's config does not go with CASPO.

    Raises:
        OptionsInvalid: See above.
    """
    algorithm, wrong = config.algorithm, []
    if algorithm.adv_estimator != "grpo":
        wrong.append(f"algorithm.adv_estimator={algorithm.adv_estimator}: CASPO's outcome term is GRPO's; set grpo")
    if not algorithm.get("norm_adv_by_std_in_grpo", True):
        wrong.append("algorithm.norm_adv_by_std_in_grpo=False: Eq. 5 takes normalised outcomes; set True")
    correction = algorithm.get("rollout_correction") or {}
    if correction.get("bypass_mode", False):
        wrong.append(
            "algorithm.rollout_correction.bypass_mode=True: r needs both its terms from one engine, and the sampler's "
            "are not the trainer's; set False"
        )
    if options.mode != "outcome" and options.teacher == "frozen_sft" and not need_reference_policy(config):
        wrong.append(
            "+caspo.teacher=frozen_sft without a reference policy: it is the teacher; set "
            "actor_rollout_ref.actor.use_kl_loss=True"
        )
    if config.actor_rollout_ref.rollout.n < 2:
        wrong.append(f"actor_rollout_ref.rollout.n={config.actor_rollout_ref.rollout.n}: a group needs 2 answers")
    if wrong:
        raise OptionsInvalid("; ".join(wrong))


@register_trainer("caspo")
class CaspoTrainer(PPOTrainerSync):  # type: ignore[misc]
    """verl's synchronous trainer with CASPO's advantage."""

    def __init__(self, config: DictConfig) -> None:
        self.options = parse_options(config.get("caspo"))
        check_config(config, self.options)
        super().__init__(config)

    @property
    def trainer_mode(self) -> str:
        """What verl asks in many places; with the name that it is registered under, it would train asynchronously."""
        return "sync"

    @trainer_mode.setter
    def trainer_mode(self, name: str) -> None:
        """Ignore what verl sets from the config."""

    def _setup(self) -> None:
        super()._setup()
        self.metrics_file = MetricsFile(Path(self.config.trainer.default_local_dir))
        self.guided_prompts = _read_template(self)
        groups = [self.actor_rollout_wg]
        if self.options.teacher == "frozen_original" and self.options.mode != "outcome":
            self.original_wg = _start_original(self, self.options.original_model)
            groups.append(self.original_wg)
        for group in groups:
            for mended in ray.get([worker.__ray_call__.remote(_mend_worker) for worker in group.workers]):
                _log.info("mended in a worker now: %s", mended or "nothing")

    def _compute_advantage(self, batch: KVBatchMeta, metrics: dict[str, Any]) -> KVBatchMeta:
        """Let verl do as it does for GRPO, then put Eq. 5's advantages in place of what it wrote."""
        batch = super()._compute_advantage(batch, metrics)
        keys = [key for key, padding in zip(batch.keys, is_padding(batch), strict=True) if not padding]
        if any(not key.endswith("_0") for key in keys):
            raise VerlUnfit("an agent loop gave several trajectories to one answer; CASPO knows one: use a single turn")
        reward = "token_level_rewards" if self.config.algorithm.use_kl_in_reward else "rm_scores"
        names = ["uid", "response_mask", "old_log_probs", reward]
        data = tq.kv_batch_get(keys=keys, partition_id=batch.partition_id, select_fields=names)
        columns = {name: read_rows(data[name]) for name in names}
        guided = None
        if self.options.mode != "outcome":
            with marked_timer("constitution", self.timing_raw):
                guided = score_guided(
                    batch, self._find_scorer(), self.guided_prompts, chunk_rows=self.options.chunk_rows
                )
        advantage_BT, found = work_out_advantage(
            self.options,
            reward_B=pad_rows(columns[reward]).sum(1),
            group_B=number_rows([str(uid) for uid in columns["uid"]]),
            mask_BT=pad_rows(columns["response_mask"]),
            logp_BT=pad_rows(columns["old_log_probs"]),
            guided_BT=None if guided is None else pad_rows(guided),
        )
        longest, lengths = self.config.data.max_response_length, [len(mask) for mask in columns["response_mask"]]
        found["caspo/capped"] = sum(length >= longest for length in lengths) / len(lengths)
        metrics.update(found | {"caspo/padding_rows": float(len(batch) - len(keys))})
        rows = [
            {"advantages": row[: len(mask)]} for row, mask in zip(advantage_BT, columns["response_mask"], strict=True)
        ]
        if guided is not None:
            rows = [row | {GUIDED_FIELD: logp} for row, logp in zip(rows, guided, strict=True)]
        tq.kv_batch_put(keys=keys, partition_id=batch.partition_id, fields=write_rows(rows))
        return batch

    def _val_metrics_update(
        self, data_sources: Sequence[str], sample_uids: Sequence[str], told: Mapping[str, Sequence[Any]], *rest: Any,
        **named: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Add R, S, E and false alarms of the held-out split to what verl makes of a validation."""
        metrics: dict[str, Any] = super()._val_metrics_update(data_sources, sample_uids, told, *rest, **named)
        metrics |= describe_held_out(told)
        self.metrics_file.add(self.global_steps, metrics)
        return metrics

    def _compute_metrics(self, batch: KVBatchMeta, metrics: dict[str, Any], *rest: Any, **named: Any) -> None:
        """Let verl work out the metrics of a step, and write them to the run's own file before its loggers do."""
        super()._compute_metrics(batch, metrics, *rest, **named)
        self.metrics_file.add(self.global_steps, metrics)

    def _find_scorer(self) -> Scorer:
        """Return the worker group that the teacher lives in."""
        part = self.config.actor_rollout_ref
        temperature = part.rollout.temperature * self.options.teacher_temperature
        extra = {"calculate_entropy": False, "compute_loss": False, "temperature": temperature}
        if self.options.teacher == "moving":
            return _make_scorer(self.actor_rollout_wg, "actor", part.rollout, extra)
        if self.options.teacher == "frozen_original":
            return _make_scorer(self.original_wg, "ref", part.ref, extra)
        if self.ref_in_actor:  # LoRA: the reference policy is the actor without its adapter
            return _make_scorer(self.actor_rollout_wg, "actor", part.rollout, extra | {"no_lora_adapter": True})
        return _make_scorer(self.ref_policy_wg, "ref", part.ref, extra)


def _make_scorer(group: Any, role: str, engine: DictConfig, extra_info: dict[str, Any]) -> Scorer:
    """Return a scorer.

    Args:
        group: The worker group.
        role: "actor" or "ref".
        engine: The part of the config with the role's `log_prob_...` keys.
        extra_info: As in `Scorer`.
    """
    if role not in group._dispatch_info:
        group._dispatch_info[role] = group._query_dispatch_info(role)
    ranks = max(group._dispatch_info[role]) + 1
    by_tokens = engine.log_prob_use_dynamic_bsz
    return Scorer(
        compute=group.compute_log_prob if role == "actor" else group.compute_ref_log_prob,
        extra_info=extra_info,
        unit=ranks if by_tokens else ranks * engine.log_prob_micro_batch_size_per_gpu,
        most_tokens=engine.log_prob_max_token_len_per_gpu if by_tokens else None,
    )


def _read_template(trainer: CaspoTrainer) -> GuidedPrompts:
    """Return what puts constitutions before prompts, by the chat template that verl's agent loop uses."""
    tokenizer, told = trainer.tokenizer, trainer.config.data.get("apply_chat_template_kwargs") or {}
    templated = tokenizer if trainer.processor is None else trainer.processor
    return GuidedPrompts(
        render=functools.partial(templated.apply_chat_template, tokenize=False, add_generation_prompt=True, **told),
        encode=functools.partial(tokenizer.encode, add_special_tokens=False),
        special_ids=frozenset(tokenizer.all_special_ids) | frozenset(tokenizer.get_added_vocab().values()),
    )


def _start_original(trainer: CaspoTrainer, folder: str | None) -> RayWorkerGroup:
    """Start a third frozen model on the actor's GPUs, sharded like the reference policy.

    Raises:
        OptionsInvalid: It has another vocabulary.
    """
    if hf_tokenizer(folder).get_vocab() != trainer.tokenizer.get_vocab():
        raise OptionsInvalid(
            f"+caspo.original_model={folder}: its vocabulary is not the policy's, so it cannot score the policy's "
            "answers; give the model that the policy was made of"
        )
    config = copy.deepcopy(trainer.config.actor_rollout_ref)
    with open_dict(config):
        config.model.path = folder
        config.model.hf_config_path = config.model.tokenizer_path = config.model.lora_adapter_path = None
        config.model.lora_rank = config.model.lora.rank = 0
    roles = [Role.ActorRolloutRef, Role.ActorRollout]
    role = next(role for role in roles if role in trainer.role_worker_mapping)
    described = RayClassWithInitArgs(cls=ray.remote(ActorRolloutRefWorker), config=config, role="ref")
    group = RayWorkerGroup(
        resource_pool=trainer.resource_pool_manager.get_resource_pool(role),
        ray_cls_with_init=create_colocated_worker_cls(class_dict={"ref": described}),
        device_name=trainer.config.trainer.device,
    ).spawn(prefix_set={"ref"})["ref"]
    group.init_model()
    return group


def _mend_worker(worker: Any) -> list[str]:
    """Mend verl in a worker's process, whether or not it has imported this module by itself."""
    check_verl()
    return mend_verl()
