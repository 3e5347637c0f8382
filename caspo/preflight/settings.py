"""Checks of the config by itself, and of the machine: numbers that do not fit one another, memory, CPUs, versions."""

from collections.abc import Callable, Iterator, Mapping

from caspo.config import ConversationsConfig, RunConfig, Stage, TrainConfig, VerlConfig
from caspo.preflight.finding import GIB, Case, Finding, error, note, warn
from caspo.preflight.memory import estimate_conversations, estimate_gpu, estimate_host

_POOL_CPUS = 3
"""verl reserves so many CPUs for each GPU (`max_colocate_count`)."""
_Wanted = tuple[str, tuple[int, ...], tuple[int, ...], str]
_PICTURES: _Wanted = (
    "torchvision", (0,), (99,), "pip install torchvision; without it there is no processor and no picture",
)  # fmt: skip
_VERL: tuple[_Wanted, ...] = (
    ("verl", (0, 9, 1), (0, 9, 2), "pip install verl==0.9.1"),
    ("transformers", (5,), (5, 11), "pip install 'transformers<5.11'"),
    ("TransferQueue", (0, 1, 10), (0, 2), "pip install 'TransferQueue>=0.1.10,<0.2'"),
    ("tensordict", (0, 10), (0, 11), "pip install 'tensordict>=0.10,<0.11'"),
    _PICTURES,
    ("qwen-vl-utils", (0, 0, 14), (99,), "pip install qwen-vl-utils"),
)
_TRL: tuple[_Wanted, ...] = (
    ("trl", (1, 16), (2,), "pip install '.[models,dpo]' into an environment of its own: verl does not go beside it"),
    ("transformers", (5,), (6,), "pip install 'transformers>=5,<6'"),
    _PICTURES,
)
_WANTED: Mapping[Stage, tuple[_Wanted, ...]] = {"train": _VERL, "sft": _VERL, "dpo": _TRL}


def check_groups(case: Case[TrainConfig]) -> Iterator[Finding]:
    """A group of one has no deviation: verl would take its raw reward for the advantage."""
    size = case.config.data.answers_per_prompt
    if size < 2:
        yield error("groups", f"data.answers_per_prompt={size}: an advantage needs a group", "set it to 2 or more")


def check_batches(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Batches that do not divide end in an assertion of verl's, or in padding."""
    data, update, gpus = case.config.data, case.config.update, case.config.machine.gpus
    answers = case.config.answers_per_step
    if data.prompts_per_step % update.prompts_per_update:
        yield error(
            "batches",
            f"update.prompts_per_update={update.prompts_per_update} does not divide data.prompts_per_step="
            f"{data.prompts_per_step}",
            f"set it to a divisor, {data.prompts_per_step} say",
        )
    if answers % gpus:
        yield error(
            "batches",
            f"{answers} answers a step (prompts_per_step x answers_per_prompt) do not divide by {gpus} GPUs",
            f"make them a multiple of {gpus}",
        )
        return
    per_gpu = {
        "update_rows": update.prompts_per_update * data.answers_per_prompt // gpus,
        "score_rows": answers // gpus,
    }
    for name, rows in per_gpu.items():
        taken = getattr(update, name)
        if rows % taken or not rows:
            yield error(
                "batches",
                f"update.{name}={taken} does not divide the {rows} answers that a GPU gets",
                f"set it to {max((n for n in range(1, taken + 1) if rows and rows % n == 0), default=1)}",
            )


def check_precision(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Look for half precision: r is a small difference of log-probabilities, and bfloat16's rounding is as large."""
    model, cuda = case.config.model, case.config.machine.device == "cuda"
    if not cuda and model.log_probs != "float32":
        yield error("precision", f"model.log_probs={model.log_probs} on a CPU", "set model.log_probs=float32")
    rounded = [one for one in case.config.overrides if "param_dtype" in one and "bf16" in one]
    if rounded and model.log_probs == "float32":
        yield error(
            "precision",
            f"overrides hold {rounded[0]}, which undoes model.log_probs=float32: r would be noise",
            "take it out, or set model.log_probs to flash_attn or fused",
        )
    wants_flash = model.log_probs == "flash_attn" or model.attention == "flash_attention_2"
    if cuda and wants_flash and case.machine.versions.get("flash-attn") is None:
        yield error(
            "precision",
            f"flash-attn is not installed, and model.attention={model.attention}, model.log_probs={model.log_probs} "
            "need it; without it log-probabilities come in bfloat16",
            "install it, or set model.attention=sdpa and model.log_probs=float32",
        )


def check_ray_cpus(case: Case[TrainConfig]) -> Iterator[Finding]:
    """With too few CPUs verl's queue waits for ever, without a word."""
    config, machine = case.config, case.config.machine
    there = (machine.ray_cpus or machine.cpus_per_node) * machine.nodes
    workers = config.sampling.agent_workers + config.reward.workers
    needed = config.storage_units + 2 + _POOL_CPUS * machine.gpus + workers
    if there < needed:
        yield error(
            "ray CPUs",
            f"Ray would have {there} CPUs and verl asks for {needed} (storage_units {config.storage_units}, queue and "
            f"runner 2, {_POOL_CPUS} a GPU, {workers} workers): it would hang at the start",
            f"set machine.ray_cpus={-(-needed // machine.nodes)}, or lower storage_units, sampling.agent_workers and "
            "reward.workers",
        )
    if machine.ray_cpus is None and case.machine.cpus < machine.cpus_per_node:
        yield warn(
            "ray CPUs",
            f"machine.cpus_per_node={machine.cpus_per_node}, and this machine has {case.machine.cpus}",
            "set it to what the training machine has",
        )


def check_gpu_memory(case: Case[TrainConfig]) -> Iterator[Finding]:
    """An estimate; it leaves out what a library holds back."""
    machine = case.config.machine
    if machine.device == "cpu":
        return
    peak, words = estimate_gpu(case.config)
    yield from _compare_gpu(
        case, peak, words, "set update.offload to between or always, lower update.update_rows or sampling.memory_share"
    )


def check_step_memory(case: Case[ConversationsConfig]) -> Iterator[Finding]:
    """An estimate, as for RL."""
    if case.config.machine.device == "cpu":
        return
    peak, words = estimate_conversations(case.config)
    change = {"sft": "set update.offload=true", "dpo": "set update.optimizer=adafactor"}.get(case.config.stage, "")
    yield from _compare_gpu(case, peak, words, f"{change}, lower update.rows")


def _compare_gpu(case: Case[RunConfig], peak: float, words: str, change: str) -> Iterator[Finding]:
    machine = case.config.machine
    if peak > machine.gpu_gib:
        yield error(
            "GPU memory",
            f"about {peak:.0f} GiB on a GPU of {machine.gpu_gib:.0f} GiB ({words})",
            f"{change}, or take more GPUs",
        )
    there = case.machine.gpus_gib
    if not there:
        yield note("GPU memory", "no GPU is seen here, so none was compared", "run preflight where it will train")
    elif len(there) < machine.gpus_per_node or min(there) < machine.gpu_gib * 0.95:
        yield error(
            "GPU memory",
            f"the config counts on {machine.gpus_per_node} GPUs of {machine.gpu_gib:.0f} GiB; here are {len(there)} of "
            f"{min(there):.0f} GiB",
            "set machine.gpus_per_node and machine.gpu_gib to what is there",
        )


def check_host_memory(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Pixel values lie once for each answer in verl's queue."""
    machine = case.config.machine
    total, words = estimate_host(case.config, case.rows)
    if total > machine.memory_gib_per_node * machine.nodes * 0.9:
        yield error(
            "memory",
            f"about {total:.0f} GiB of {machine.memory_gib_per_node * machine.nodes:.0f} GiB ({words})",
            "lower data.prompts_per_step or answers_per_prompt, or make the pictures smaller",
        )
    if case.machine.memory_gib < machine.memory_gib_per_node * 0.9:
        yield warn(
            "memory",
            f"machine.memory_gib_per_node={machine.memory_gib_per_node:.0f}, and this machine has "
            f"{case.machine.memory_gib:.0f} GiB",
            "set it to what the training machine has",
        )


def check_disk(case: Case[RunConfig]) -> Iterator[Finding]:
    """A checkpoint is weights and both moments of Adam in float32; SFT's has the weights twice."""
    logging = case.config.logging
    if logging.save_every < 1:
        yield warn("disk", f"logging.save_every={logging.save_every}: nothing of the run is kept", "set it to 50")
        return
    steps = count_steps(case)
    saved = -(-steps // logging.save_every)
    kept = saved if logging.keep is None else min(saved, logging.keep + 1)
    needed = kept * case.config.model.billions * (16e9 if case.config.stage == "sft" else 12e9) / GIB
    if needed > case.machine.free_gib:
        yield error(
            "disk",
            f"{kept} checkpoints need about {needed:.0f} GiB; {case.machine.free_gib:.0f} GiB are free",
            "set logging.keep lower, logging.save_every higher, or --to on another disk",
        )


def check_versions(case: Case[RunConfig]) -> Iterator[Finding]:
    """What was tried together."""
    found, config = case.machine.versions, case.config
    for name, least, below, remedy in _WANTED[config.stage]:
        version = found.get(name)
        if version is None or not least <= _split(version) < below:
            yield error("versions", f"{name} {version or 'is not installed'}", remedy)
    if isinstance(config, TrainConfig) and config.sampling.engine == "vllm" and found.get("vllm") != "0.24.0":
        yield (error if found.get("vllm") is None else warn)(
            "versions", f"vllm {found.get('vllm') or 'is not installed'}", "pip install vllm==0.24.0, what verl names"
        )
    trl = found.get("trl")
    if isinstance(config, VerlConfig) and trl is not None and _split(trl) >= (1,):
        yield error(
            "versions",
            f"trl {trl} is installed: verl cannot load a model beside it",
            "pip uninstall trl; DPO takes an environment of its own",
        )


def check_attention(case: Case[ConversationsConfig]) -> Iterator[Finding]:
    """Flash-attn is a package by itself."""
    if case.config.model.attention == "flash_attention_2" and case.machine.versions.get("flash-attn") is None:
        yield error(
            "attention",
            f"flash-attn is not installed, and model.attention={case.config.model.attention}",
            "install it, or set model.attention=sdpa",
        )


def check_modules(case: Case[RunConfig]) -> Iterator[Finding]:
    """A module that verl cannot import ends the run in its first second."""
    for name in case.config.modules if isinstance(case.config, VerlConfig) else ():
        if name not in case.machine.modules:
            yield error("modules", f"the module {name} is not found", "install it, or put its folder on PYTHONPATH")


def count_steps(case: Case[RunConfig]) -> int:
    """Return the steps of the whole run."""
    data = case.config.data
    steps = len(case.rows) * case.config.times // case.config.rows_per_step * data.epochs
    return min(steps, data.steps) if data.steps is not None else steps


def _split(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".") if part.isdigit())


SHARED: tuple[Callable[[Case[RunConfig]], Iterator[Finding]], ...] = (check_disk, check_versions, check_modules)
RL: tuple[Callable[[Case[TrainConfig]], Iterator[Finding]], ...] = (
    check_groups, check_batches, check_precision, check_ray_cpus, check_gpu_memory, check_host_memory,
)  # fmt: skip
CONVERSATIONS: tuple[Callable[[Case[ConversationsConfig]], Iterator[Finding]], ...] = (
    check_attention, check_step_memory,
)  # fmt: skip
