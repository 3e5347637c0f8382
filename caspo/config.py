"""One training: one YAML file, strictly read. No torch, ray or verl here.

    preset: qwen3-vl-4b-1xh100-recommended
    model: {path: /models/sft}
    data: {folder: training-data/v1.1-seed-0}
    reward: {function: reward.py}

A preset is the sizes of a model and a machine; with `-recommended` at its end, and our method in place of the paper's.
What the file says goes before the preset, field by field. Here stand the parts that all trainings have, and RL on
verl; `caspo.sft` and `caspo.dpo.config` are the two others.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from caspo.config_file import read_fields, say_first
from caspo.errors import OptionsInvalid, PresetUnknown, TrainingRefused
from caspo.presets import Method, PresetName, get_preset
from caspo.verl_plugin.options import VerlOptions, choose_options
from storage.record import Frozen
from storage.strict_yaml import read_own_yaml
from storage.texts import hash_json

PRESET_FOLDER = Path(__file__).parent / "training_presets"
RECOMMENDED = "-recommended"
Family = Literal["qwen2.5-vl", "qwen3-vl"]
PATCH_SIZES: Mapping[Family, int] = {"qwen2.5-vl": 14, "qwen3-vl": 16}
PLUGIN = "caspo.verl_plugin.trainer"
Stage = Literal["sft", "dpo", "train"]
_OTHERS: tuple[Stage, ...] = ("sft", "dpo")
_SHARED = ("model", "machine", "environment")
"""What a preset says for all stages; the rest is RL's, and the other stages have a part of their own."""


class ModelPart(Frozen):
    """The model that a training starts from: for RL the one after SFT."""

    path: str = ""
    """Its folder, with weights, tokenizer and processor."""
    family: Family
    billions: float = Field(gt=0)
    """Parameters, 1e9."""
    vocabulary: int = Field(ge=1)
    layers: int = Field(ge=1)
    hidden: int = Field(ge=1)
    attention: Literal["flash_attention_2", "sdpa", "eager"] = "flash_attention_2"
    log_probs: Literal["flash_attn", "fused", "float32"] = "flash_attn"
    """What makes them exact to float32: flash-attn's cross entropy, verl's fused kernels, or computing in float32."""
    remove_padding: bool = False
    """verl's packing of rows; saves time, and CASPO has not been tried with it."""
    gradient_checkpointing: bool = True

    @property
    def patch_size(self) -> int:
        """Pixels of a patch's side."""
        return PATCH_SIZES[self.family]


class FolderPart(Frozen):
    """What is trained on, in any training."""

    folder: Path = Path()
    """Of `curator caspo prepare`."""
    epochs: int = Field(ge=1)
    steps: int | None = Field(default=None, ge=1)
    """Ends earlier than the epochs do."""
    seed: int = Field(default=0, ge=0)


class ConversationsPart(FolderPart):
    """What SFT and DPO are trained on."""

    max_tokens: int = Field(default=4096, ge=16)
    """Of a prompt with its picture and one answer; ours: RL's 2,048 and 1,024, and a constitution."""


class DataPart(FolderPart):
    """What RL is trained on; the numbers are the paper's."""

    max_prompt_tokens: int = Field(default=2048, ge=1)  # the paper: 2,048
    max_response_tokens: int = Field(default=1024, ge=1)  # the paper: 1,024
    prompts_per_step: int = Field(default=64, ge=1)  # the paper: train batch 64
    answers_per_prompt: int = Field(default=32, ge=1)  # the paper: group 32
    epochs: int = Field(default=3, ge=1)  # the paper: 3
    shuffle: bool = True


class UpdatePart(Frozen):
    """How the policy is updated and answers are scored."""

    learning_rate: float = Field(default=2e-6, gt=0)  # the paper: 2e-6
    prompts_per_update: int = Field(default=64, ge=1)  # not in the paper; all of a step, so that it is on-policy
    update_rows: int = Field(default=1, ge=1)
    """Answers that a GPU has in one pass forward and back."""
    score_rows: int = Field(default=4, ge=1)
    """Answers that a GPU scores at once."""
    offload: Literal["none", "between", "always"] = "none"
    """Weights and optimizer in the machine's memory: never, while answers are sampled, or always (the CPU updates)."""


class StepPart(Frozen):
    """An update of SFT or DPO."""

    learning_rate: float = Field(gt=0, lt=1)
    rows: int = Field(default=4, ge=1)  # the paper, of SFT: per-device batch 4
    """That a GPU has in one pass forward and back."""
    accumulation: int = Field(default=2, ge=1)  # the paper, of SFT: 2
    """Passes in an update."""


class MachinePart(Frozen):
    """What it runs on."""

    device: Literal["cuda", "cpu"] = "cuda"
    nodes: int = Field(default=1, ge=1)
    gpus_per_node: int = Field(ge=1)
    gpu_gib: float = Field(gt=0)
    cpus_per_node: int = Field(ge=1)
    memory_gib_per_node: float = Field(gt=0)
    ray_cpus: int | None = Field(default=None, ge=1)
    """What Ray may count on, where that is not the machine's own number."""
    teraflops: float = Field(gt=0)
    """Peak of one GPU in bfloat16; for the estimate of costs only."""

    @property
    def gpus(self) -> int:
        """All of them."""
        return self.nodes * self.gpus_per_node


class SamplingPart(Frozen):
    """The rollouts."""

    engine: str = "vllm"
    tensor_parallel: int = Field(default=1, ge=1)
    memory_share: float = Field(default=0.6, gt=0, lt=1)
    """Of a GPU, for vLLM."""
    temperature: float = Field(default=1.0, gt=0)
    agent_workers: int = Field(default=8, ge=1)


class RewardPart(Frozen):
    """Where the outcome reward comes from: a function of yours that verl calls for each answer, or a reward server."""

    function: Path = Path()
    """A Python file."""
    name: str = "compute_score"
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    """By name, beside those that verl gives."""
    server: str | None = None
    """Address of a served reward model, in place of a function; several with `|` between them."""
    workers: int = Field(default=8, ge=1)


class LoggingPart(Frozen):
    """What is kept of a run."""

    trackers: tuple[Literal["console", "tensorboard", "wandb", "file"], ...] = ("console", "tensorboard")
    save_every: int = Field(default=50, ge=-1)
    """Steps; -1: never."""
    keep: int | None = Field(default=2, ge=1)
    """So many checkpoints; None: all."""
    test_every: int = Field(default=25, ge=-1)
    """Steps between two looks at `val.parquet`; -1: never."""


class RunConfig(Frozen):
    """What every training has."""

    stage: ClassVar[Stage]
    table: ClassVar[str]
    """The file that is trained on."""
    preset: str
    model: ModelPart
    data: FolderPart
    machine: MachinePart
    logging: LoggingPart = LoggingPart()
    environment: Mapping[str, str] = Field(default_factory=dict)

    @property
    def rows_per_step(self) -> int:
        """Rows of the training file that an update takes."""
        raise NotImplementedError

    @property
    def times(self) -> int:
        """How often an epoch takes each row."""
        return 1

    @property
    def sha256(self) -> str:
        """Hash (64 hex digits) of all fields."""
        return hash_json(self.model_dump(mode="json"))


class VerlConfig(RunConfig):
    """A training on verl."""

    modules: tuple[str, ...]
    """What verl imports in each process."""
    overrides: tuple[str, ...] = ()
    """More of Hydra's, after ours, so that they win."""


class ConversationsConfig(RunConfig):
    """SFT or DPO, on one machine."""

    data: ConversationsPart
    update: StepPart

    @model_validator(mode="after")
    def _check_nodes(self) -> "ConversationsConfig":
        if self.machine.nodes != 1:
            raise ValueError(f"machine.nodes={self.machine.nodes}: {self.stage} is started on one machine; set it to 1")
        return self

    @property
    def rows_per_step(self) -> int:
        """All GPUs' together."""
        return self.update.rows * self.update.accumulation * self.machine.gpus


class TrainConfig(VerlConfig):
    """RL on verl."""

    stage = "train"
    table = "train.parquet"
    data: DataPart
    update: UpdatePart = UpdatePart()
    sampling: SamplingPart = SamplingPart()
    reward: RewardPart = RewardPart()
    method: PresetName = "paper"
    changes: Mapping[str, Any] = Field(default_factory=dict)
    """Options of the method (docs/training.md), in place of the preset's: `{lam: 0.6, chunk_rows: 256}`."""
    storage_units: int = Field(default=8, ge=1)
    """Of verl's queue; each takes a CPU of Ray's."""
    modules: tuple[str, ...] = (PLUGIN,)

    @model_validator(mode="after")
    def _check(self) -> "TrainConfig":
        try:
            self.choose()
        except OptionsInvalid as exc:
            raise ValueError(str(exc)) from exc
        if self.reward.server and self.reward.function.suffix:
            raise ValueError(f"reward.function={self.reward.function} and reward.server={self.reward.server}: give one")
        if PLUGIN not in self.modules:
            raise ValueError(f"modules {list(self.modules)} lack {PLUGIN}, so verl would know no trainer `caspo`")
        return self

    @property
    def chosen_method(self) -> Method:
        """The method with the changes that are its own."""
        own = {name: value for name, value in self.changes.items() if name in Method.model_fields}
        return Method.model_validate(get_preset(self.method).model_dump() | own)

    def choose(self) -> VerlOptions:
        """Return the plugin's options.

        Raises:
            OptionsInvalid: A change cannot be used.
        """
        try:
            method = self.chosen_method
        except ValidationError as exc:
            raise OptionsInvalid(say_first(exc)) from exc
        others = {name: value for name, value in self.changes.items() if name not in Method.model_fields}
        return choose_options(method, **others)

    @property
    def rows_per_step(self) -> int:
        """The prompts of a step."""
        return self.data.prompts_per_step

    @property
    def answers_per_step(self) -> int:
        """All prompts' together."""
        return self.data.prompts_per_step * self.data.answers_per_prompt


C = TypeVar("C", bound=RunConfig)


def list_presets() -> list[str]:
    """Return the names of all presets."""
    sizes = sorted(path.stem for path in PRESET_FOLDER.glob("*.yaml"))
    return [name for size in sizes for name in (size, size + RECOMMENDED)]


def read_preset(name: str, stage: Stage = "train") -> dict[str, Any]:
    """Return the fields that a preset gives a stage.

    Raises:
        PresetUnknown: There is none of that name.
    """
    if name not in list_presets():
        raise PresetUnknown(f"training preset {name!r} is unknown; known: {', '.join(list_presets())}")
    content: dict[str, Any] = read_own_yaml(PRESET_FOLDER / f"{name.removesuffix(RECOMMENDED)}.yaml")
    parts = {other: content.pop(other, {}) for other in _OTHERS}
    if stage != "train":
        return {"preset": name, **_lay_over({part: content.get(part, {}) for part in _SHARED}, parts[stage])}
    method: PresetName = "recommended" if name.endswith(RECOMMENDED) else "paper"
    return {"preset": name, "method": method, **content}


def make_config(given: Mapping[str, Any]) -> TrainConfig:
    """Return the config of an RL training, as `make_run_config`; a reward function's path is made whole, too."""
    config = make_run_config(TrainConfig, given)
    function = config.reward.function.absolute() if config.reward.function.suffix else Path()
    return config.model_copy(update={"reward": config.reward.model_copy(update={"function": function})})


def make_run_config(kind: type[C], given: Mapping[str, Any]) -> C:
    """Return a checked config of a preset and what goes before it; relative paths are made whole.

    Raises:
        PresetUnknown: There is no preset of that name.
        TrainingRefused: A value cannot be used; the message names the field.
    """
    if not isinstance(given.get("preset"), str):
        unknown = sorted(given.keys() - kind.model_fields.keys())
        told = f"; unknown are {', '.join(unknown)}" if unknown else ""
        raise TrainingRefused(f"preset: name one of {', '.join(list_presets())} (got {given.get('preset')!r}{told})")
    fields = _lay_over(read_preset(given["preset"], kind.stage), given)
    try:
        config = kind.model_validate(fields)
    except ValidationError as exc:
        raise TrainingRefused(say_first(exc)) from exc
    data = config.data.model_copy(update={"folder": config.data.folder.absolute()})
    return config.model_copy(update={"data": data})


def read_config(path: Path, given: Mapping[str, Any] | None = None) -> TrainConfig:
    """Return the config of a YAML file, with `given` in place of what it says. Its paths are relative to the file.

    Raises:
        PresetUnknown: As `make_config`.
        TrainingRefused: As `make_config`, or the file cannot be read.
    """
    return make_config(read_given(path, given))


def read_given(path: Path, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the fields of a YAML file, unchecked, with `given` in place of what it says and its paths made whole.

    Raises:
        TrainingRefused: The file cannot be read.
    """
    content = read_fields(path, docs="docs/training.md", refused=TrainingRefused)
    for part, name in (("data", "folder"), ("reward", "function")):
        inner = content.get(part)
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            content[part] = inner | {name: str(path.absolute().parent / inner[name])}
    return _lay_over(content, given or {})


def _lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of both; `above` wins, within parts field by field."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[name] = {**under, **value} if both else value  # type: ignore[dict-item]
    return merged
