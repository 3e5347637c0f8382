"""SFT with verl's own trainer: its config, and that as Hydra overrides. No torch or verl here.

preset: qwen3-vl-4b-1xh100
model: {path: /models/Qwen3-VL-4B-Instruct}
data: {folder: training-data/v1.1, prompt: standard}
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from caspo.config import ConversationsConfig, ConversationsPart, StepPart, VerlConfig
from caspo.metrics_file import METRICS
from caspo.overrides import SINGLE, list_environment, write_values

PLUGIN = "caspo.verl_plugin.supervised"
PromptForm = Literal["standard", "constitution", "both"]


class SftDataPart(ConversationsPart):
    """Answers, and how their questions are asked."""

    epochs: int = Field(default=2, ge=1)  # the paper: 2
    prompt: PromptForm = "standard"
    """The question alone; with its category's constitution as system turn; or each row once so and once so."""


class SftStepPart(StepPart):
    """An update of SFT."""

    learning_rate: float = Field(default=1e-5, gt=0, lt=1)  # the paper: 1e-5
    offload: bool = False
    """Weights and optimizer in the machine's memory; the CPU updates."""


class SftConfig(ConversationsConfig, VerlConfig):
    """SFT on verl."""

    stage = "sft"
    table = "sft.parquet"
    data: SftDataPart = SftDataPart()
    update: SftStepPart = SftStepPart()
    modules: tuple[str, ...] = (PLUGIN,)

    @model_validator(mode="after")
    def _check_modules(self) -> "SftConfig":
        if PLUGIN not in self.modules:
            raise ValueError(f"modules {list(self.modules)} lack {PLUGIN}, which puts constitutions before questions")
        return self

    @property
    def times(self) -> int:
        """Once in each form."""
        return 2 if self.data.prompt == "both" else 1


def list_sft_environment(config: SftConfig, folder: Path) -> dict[str, str]:
    """Return what the processes need in their environment, beside what they inherit."""
    return list_environment(config) | {"VERL_FILE_LOGGER_PATH": str(folder / "checkpoints" / METRICS)}


def list_sft_overrides(config: SftConfig, folder: Path) -> list[str]:
    """Return the overrides of a run in `folder`, one an argument; those of the config come last, so that they win."""
    model, data, update = config.model, config.data, config.update
    told: dict[str, Any] = {
        "data.train_files": data.folder / config.table,
        "data.train_batch_size": config.rows_per_step,
        "data.micro_batch_size_per_gpu": update.rows,
        "data.use_dynamic_bsz": False,
        "data.max_length": data.max_tokens,
        "data.truncation": "error",
        "data.num_workers": 0,
        "+data.image_patch_size": model.patch_size,
        "+data.prompt": data.prompt,
        "data.custom_cls.path": f"pkg://{PLUGIN}",
        "data.custom_cls.name": "PromptedAnswers",
        "model.path": model.path,
        "model.use_remove_padding": model.remove_padding,
        "model.enable_gradient_checkpointing": model.gradient_checkpointing,
        "+model.override_config.attn_implementation": model.attention,
        "engine.strategy": "fsdp2",
        "engine.seed": data.seed,
        "engine.offload_policy": update.offload,
        "optim.lr": update.learning_rate,
        **_list_trainer(config, folder),
    }
    precision = [f"+engine.mixed_precision={SINGLE}"] if model.log_probs == "float32" else []
    return [*write_values(told), *precision, *config.overrides]


def _list_trainer(config: SftConfig, folder: Path) -> dict[str, Any]:
    machine, logging = config.machine, config.logging
    told: dict[str, Any] = {
        # With `hf_model`, each checkpoint holds a folder of transformers', which RL starts from.
        "checkpoint.save_contents": ["model", "optimizer", "extra", "hf_model"],
        "checkpoint.load_contents": ["model", "optimizer", "extra"],
        "trainer.device": machine.device,
        "trainer.nnodes": machine.nodes,
        "trainer.n_gpus_per_node": machine.gpus_per_node,
        "trainer.total_epochs": config.data.epochs,
        "trainer.seed": config.data.seed,
        "trainer.logger": list(dict.fromkeys([*logging.trackers, "file"])),
        "trainer.save_freq": logging.save_every,
        "trainer.test_freq": -1,
        "trainer.max_ckpt_to_keep": logging.keep,
        "trainer.project_name": "sft",
        "trainer.experiment_name": folder.name,
        "trainer.default_local_dir": folder / "checkpoints",
        "trainer.resume_mode": "auto",
        "hydra.run.dir": folder / "hydra",
    }
    if config.data.steps is not None:
        told["trainer.total_training_steps"] = config.data.steps
    return told
