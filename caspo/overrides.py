"""A training's config as Hydra overrides for `python -m verl.trainer.main_ppo`. No torch, ray or verl here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caspo.config import TrainConfig, VerlConfig
from caspo.errors import TrainingRefused
from caspo.verl_plugin.options import write_overrides
from caspo.verl_rewards import write_reward_overrides

HELD_OUT_TEMPERATURE = 0.9  # the paper: answers are judged at 0.9; verl would take the likeliest token
SINGLE = "{param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}"


def list_overrides(config: TrainConfig, folder: Path) -> list[str]:
    """Return the overrides of a run in `folder`, one an argument; those of the config come last, so that they win."""
    return [
        *write_values(_list_data(config)),
        *write_values(_list_actor(config)),
        *write_values(_list_scoring(config)),
        *write_values(_list_trainer(config, folder)),
        *_list_precision(config),
        *_list_ray(config),
        *_list_reward(config),
        *write_overrides(config.choose()),
        *config.overrides,
    ]


def list_environment(config: VerlConfig) -> dict[str, str]:
    """Return what the process needs in its environment, beside what it inherits."""
    found = {
        "VERL_USE_EXTERNAL_MODULES": ",".join(config.modules),
        "TOKENIZERS_PARALLELISM": "true" if config.machine.device == "cuda" else "false",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    if config.machine.nodes > 1:
        found["RAY_ADDRESS"] = "auto"
    return found | dict(config.environment)


def _list_data(config: TrainConfig) -> dict[str, Any]:
    data = config.data
    held_out = data.folder / "val.parquet"
    return {
        "data.train_files": data.folder / "train.parquet",
        "data.val_files": held_out if held_out.exists() else data.folder / "train.parquet",
        "data.train_batch_size": data.prompts_per_step,
        "data.max_prompt_length": data.max_prompt_tokens,
        "data.max_response_length": data.max_response_tokens,
        "data.filter_overlong_prompts": True,
        "data.truncation": "error",
        "data.shuffle": data.shuffle,
        "data.seed": data.seed,
        "data.image_patch_size": config.model.patch_size,
        "data.dataloader_num_workers": 0,
    }


def _list_actor(config: TrainConfig) -> dict[str, Any]:
    model, update = config.model, config.update
    actor = "actor_rollout_ref.actor"
    return {
        "actor_rollout_ref.model.path": model.path,
        "actor_rollout_ref.model.use_remove_padding": model.remove_padding,
        "actor_rollout_ref.model.use_fused_kernels": model.log_probs == "fused",
        "actor_rollout_ref.model.enable_gradient_checkpointing": model.gradient_checkpointing,
        "+actor_rollout_ref.model.override_config.attn_implementation": model.attention,
        f"{actor}.strategy": "fsdp2",
        f"{actor}.optim.lr": update.learning_rate,
        f"{actor}.ppo_mini_batch_size": update.prompts_per_update,
        f"{actor}.ppo_micro_batch_size_per_gpu": update.update_rows,
        f"{actor}.use_dynamic_bsz": False,
        f"{actor}.use_kl_loss": True,
        f"{actor}.kl_loss_coef": config.chosen_method.beta,
        f"{actor}.kl_loss_type": "low_var_kl",
        f"{actor}.loss_agg_mode": "seq-mean-token-mean",
        f"{actor}.fsdp_config.param_offload": update.offload == "between",
        f"{actor}.fsdp_config.optimizer_offload": update.offload == "between",
        f"{actor}.fsdp_config.offload_policy": update.offload == "always",
    }


def _list_scoring(config: TrainConfig) -> dict[str, Any]:
    sampling, data = config.sampling, config.data
    rollout = "actor_rollout_ref.rollout"
    return {
        "algorithm.adv_estimator": "grpo",
        "algorithm.use_kl_in_reward": False,
        "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": config.update.score_rows,
        f"{rollout}.log_prob_micro_batch_size_per_gpu": config.update.score_rows,
        f"{rollout}.name": sampling.engine,
        f"{rollout}.n": data.answers_per_prompt,
        f"{rollout}.temperature": sampling.temperature,
        f"{rollout}.tensor_model_parallel_size": sampling.tensor_parallel,
        f"{rollout}.gpu_memory_utilization": sampling.memory_share,
        f"{rollout}.calculate_log_probs": True,
        f"{rollout}.val_kwargs.do_sample": True,
        f"{rollout}.val_kwargs.temperature": HELD_OUT_TEMPERATURE,
        f"{rollout}.agent.num_workers": sampling.agent_workers,
        "reward.num_workers": config.reward.workers,
    }


def _list_trainer(config: TrainConfig, folder: Path) -> dict[str, Any]:
    machine, logging = config.machine, config.logging
    held_out = logging.test_every > 0 and (config.data.folder / "val.parquet").exists()
    found = {
        "trainer.v1.trainer_mode": "caspo",
        "trainer.device": machine.device,
        "trainer.nnodes": machine.nodes,
        "trainer.n_gpus_per_node": machine.gpus_per_node,
        "trainer.total_epochs": config.data.epochs,
        "trainer.logger": list(logging.trackers),
        "trainer.save_freq": logging.save_every,
        "trainer.max_actor_ckpt_to_keep": logging.keep,
        "trainer.test_freq": logging.test_every if held_out else -1,
        "trainer.val_before_train": held_out,
        "trainer.project_name": "caspo",
        "trainer.experiment_name": folder.name,
        "trainer.default_local_dir": folder / "checkpoints",
        "trainer.resume_mode": "auto",
        "hydra.run.dir": folder / "hydra",
        "transfer_queue.backend.SimpleStorage.num_data_storage_units": config.storage_units,
    }
    if config.data.steps is not None:
        found["trainer.total_training_steps"] = config.data.steps
    return found


def _list_precision(config: TrainConfig) -> list[str]:
    """Return what makes the model compute in float32, where that is how log-probabilities become exact."""
    if config.model.log_probs != "float32":
        return []
    parts = ("actor_rollout_ref.actor", "actor_rollout_ref.ref")
    return [f"+{part}.fsdp_config.mixed_precision={SINGLE}" for part in parts] + [
        "actor_rollout_ref.ref.fsdp_config.model_dtype=fp32"
    ]


def _list_ray(config: TrainConfig) -> list[str]:
    """Return what Ray is told: how many CPUs on one machine, and on several, to import the plugin on all of them."""
    if config.machine.nodes == 1:
        return [f"ray_kwargs.ray_init.num_cpus={config.machine.ray_cpus or config.machine.cpus_per_node}"]
    return _list_shared(config)


def list_joining(config: TrainConfig, environment: Mapping[str, str]) -> list[str]:
    """Return what is told beside the overrides where verl finds a Ray cluster and joins it.

    A cluster has its CPUs, and its processes do not inherit verl's environment. None of it makes another run.
    """
    own = any("ray_kwargs.ray_init.address=" in override for override in config.overrides)
    if "RAY_ADDRESS" not in environment or own or config.machine.nodes > 1:
        return []
    return ["ray_kwargs.ray_init.num_cpus=null", *_list_shared(config)]


def _list_shared(config: TrainConfig) -> list[str]:
    """Return what gives all processes of a cluster the environment of the training."""
    inner = "+ray_kwargs.ray_init.runtime_env.env_vars"
    told = {"VERL_USE_EXTERNAL_MODULES": ",".join(config.modules), **config.environment}
    return [f"{inner}.{name}={quote(value)}" for name, value in told.items()]


def _list_reward(config: TrainConfig) -> list[str]:
    """Return what gives verl the function, or the server and the manager that hands pictures to it."""
    reward, inner = config.reward, "+reward.custom_reward_function.reward_kwargs"
    arguments = write_values({f"{inner}.{name}": value for name, value in reward.arguments.items()})
    if reward.server is not None:
        return write_reward_overrides(reward.server) + arguments
    told = {
        "reward.reward_manager.source": "importlib",
        "reward.reward_manager.name": "TwinRewardManager",
        "reward.reward_manager.module.path": "pkg://caspo.verl_plugin.rewards",
        "reward.custom_reward_function.path": reward.function,
        "reward.custom_reward_function.name": reward.name,
    }
    return write_values(told) + arguments


def write_values(values: Mapping[str, Any]) -> list[str]:
    """Return overrides that set each name to its value, as Hydra's grammar has it.

    Raises:
        TrainingRefused: As `quote`.
    """
    return [f"{name}={quote(value)}" for name, value in values.items()]


def quote(value: Any) -> str:
    """Return a value as Hydra's grammar has it.

    Raises:
        TrainingRefused: It holds `${`, which verl resolves more than once, so that no escape helps.
    """
    if value is None:
        return "null"
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str) and "${" in value:
        raise TrainingRefused(f"{value!r} holds `${{`, which verl takes for a reference; use a name without it")
    if isinstance(value, list):
        return "[" + ",".join(quote(each) for each in value) + "]"
    if isinstance(value, str) and (
        not all(c.isalnum() or c in "_-./:" for c in value) or "://" in value or _reads_as_other(value)
    ):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _reads_as_other(word: str) -> bool:
    """Whether Hydra takes a word without quotes for nothing, a truth value or a number."""
    try:
        float(word or "0")
    except ValueError:
        return word.lower() in ("null", "true", "false")
    return True
