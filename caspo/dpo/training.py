"""One run of TRL's DPOTrainer. The reference policy is the model that the run starts from, frozen."""

from pathlib import Path
from typing import Any

from transformers import AutoModelForImageTextToText, AutoProcessor, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import DPOConfig, DPOTrainer

from caspo.dpo.config import DpoConfig
from caspo.dpo.pairs import open_pairs
from caspo.metrics_file import MetricsFile


def make_arguments(config: DpoConfig, folder: Path) -> DPOConfig:
    """Return TRL's arguments of a run in `folder`.

    Raises:
        TypeError, ValueError: TRL does not take them.
    """
    update, data, logging = config.update, config.data, config.logging
    told: dict[str, Any] = {
        "output_dir": str(folder / "checkpoints"),
        "beta": update.beta,
        "learning_rate": update.learning_rate,
        "optim": {"adamw": "adamw_torch", "adafactor": "adafactor"}[update.optimizer],
        "per_device_train_batch_size": update.rows,
        "gradient_accumulation_steps": update.accumulation,
        "num_train_epochs": data.epochs,
        "max_steps": -1 if data.steps is None else data.steps,
        "max_length": data.max_tokens,
        "seed": data.seed,
        "gradient_checkpointing": config.model.gradient_checkpointing,
        "model_init_kwargs": {"attn_implementation": config.model.attention, "dtype": "float32"},
        "use_cpu": config.machine.device == "cpu",
        "bf16": config.machine.device == "cuda" and config.model.log_probs != "float32",
        "save_strategy": "no" if logging.save_every < 1 else "steps",
        "save_steps": max(logging.save_every, 1),
        "save_total_limit": logging.keep,
        "logging_steps": 1,
        "report_to": [one for one in logging.trackers if one in ("tensorboard", "wandb")],
        "run_name": folder.name,
    }
    if config.machine.gpus_per_node > 1:
        told["fsdp"] = True
        told["fsdp_config"] = {"version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP"}
    return DPOConfig(**(told | dict(config.arguments)))


class Trainer(DPOTrainer):  # type: ignore[misc]
    """TRL's, which goes on from the weights that it was made with where they are the checkpoint's.

    transformers 5 saves the weights of Qwen2.5-VL under other names than those that they have in memory, and its
    Trainer resumes by the names: it would go on with the weights of the start, with no more than a warning.
    """

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)


def make_trainer(config: DpoConfig, folder: Path, checkpoint: str | None) -> Trainer:
    """Return the trainer, with the weights of a checkpoint if there is one, and the reference policy beside them."""
    arguments, reference = make_arguments(config, folder), None
    if checkpoint is not None and config.machine.gpus_per_node == 1:
        reference = AutoModelForImageTextToText.from_pretrained(config.model.path, **arguments.model_init_kwargs)
    processor = AutoProcessor.from_pretrained(config.model.path)
    processor.tokenizer.padding_side = "left"
    return Trainer(
        model=config.model.path if reference is None else checkpoint,
        ref_model=reference,
        args=arguments,
        train_dataset=open_pairs(config.data.folder / config.table, folder / "pairs"),
        processing_class=processor,
        callbacks=[KeepMetrics(folder)],
    )


def train(config: DpoConfig, folder: Path) -> None:
    """Train, or go on from the last checkpoint, and write the model and its processor to `folder/model`."""
    checkpoints = folder / "checkpoints"
    checkpoint = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    trainer = make_trainer(config, folder, checkpoint)
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model(str(folder / "model"))


class KeepMetrics(TrainerCallback):  # type: ignore[misc]
    """Writes what TRL logs where `caspo.monitor` looks for metrics."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: MetricsFile | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Add a line, from one process of all."""
        if not state.is_world_process_zero or not logs:
            return
        if self._file is None:
            self._file = MetricsFile(self._folder / "checkpoints")
        self._file.add(state.global_step, {f"dpo/{name}": value for name, value in logs.items()})
