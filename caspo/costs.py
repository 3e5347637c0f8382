"""What a training costs, estimated from its floating-point operations. Nothing of it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from caspo.config import TrainConfig, list_presets, make_config

PROMPTS = 6_583  # the paper's training set
PROMPT_TOKENS = 700
"""Question and picture; ours."""
CONSTITUTION_TOKENS = 400
ANSWER_TOKENS = 500  # the paper: 400 to 600 (Fig. 13)
TRAIN_USE, SAMPLE_USE = 0.30, 0.05
"""Share of the peak that is reached; ours. Sampling waits for memory."""
_SCORED = 2
"""Forward passes without constitution: old and reference log-probabilities."""
_UPDATE = 4
"""Forward passes that an update is worth: forward, twice that back, and forward again for gradient checkpointing."""


@dataclass(frozen=True)
class Cost:
    """Of one training."""

    steps: int
    exaflops: float
    """1e18 operations."""
    gpu_hours: float
    hours: float


def estimate_cost(config: TrainConfig, prompts: int = PROMPTS) -> Cost:
    """Return what a training on so many prompts costs: 2 operations a parameter and token in a forward pass."""
    data = config.data
    steps = prompts // data.prompts_per_step * data.epochs
    answers = steps * config.answers_per_step
    whole = PROMPT_TOKENS + ANSWER_TOKENS
    guided = 0 if config.choose().mode == "outcome" else whole + CONSTITUTION_TOKENS
    a_token = 2 * config.model.billions * 1e9
    trained = answers * a_token * ((_SCORED + _UPDATE) * whole + guided)
    sampled = answers * a_token * whole
    peak = config.machine.teraflops * 1e12
    seconds = trained / (peak * TRAIN_USE) + sampled / (peak * SAMPLE_USE)
    return Cost(steps, (trained + sampled) / 1e18, seconds / 3600, seconds / 3600 / config.machine.gpus)


def write_table(names: Sequence[str] = ()) -> str:
    """Return the costs of presets as a table in Markdown; by default of those for GPUs. The method changes nothing."""
    columns = ("preset", "steps", "answers a step", "1e18 FLOP", "GPU hours", "hours")
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name in names or list_presets():
        config = make_config({"preset": name})
        if not names and (config.machine.device == "cpu" or name.endswith("-recommended")):
            continue
        cost = estimate_cost(config)
        lines.append(
            f"| `{name}` | {cost.steps} | {config.answers_per_step} | {cost.exaflops:,.0f} | {cost.gpu_hours:,.0f} | "
            f"{cost.hours:,.0f} |"
        )
    return "\n".join(lines)
