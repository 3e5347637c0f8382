"""Estimates of memory, by arithmetic; nothing of it was measured on a GPU."""

from collections.abc import Sequence

from caspo.config import ConversationsConfig, ModelPart, TrainConfig
from caspo.dpo.config import DpoConfig
from caspo.preflight.rows import TrainRow
from caspo.sft import SftConfig

GIB = 1 << 30
_ADAM_BYTES = 16
"""A parameter's weight, gradient and two moments in float32."""
_ADAFACTOR_BYTES = 8
"""A parameter's weight and gradient."""
_PICTURE_TOKENS_LEAST = 4


def estimate_gpu(config: TrainConfig) -> tuple[float, str]:
    """Return the peak of one GPU in GiB, and what it is made of.

    Updating: weights, gradients and Adam's moments in shards, one layer's activations and, with gradient
    checkpointing, the inputs of all layers, and the logits with their gradient. Sampling: vLLM's share, and the shards
    that stay.
    """
    model, update, machine = config.model, config.update, config.machine
    parameters = model.billions * 1e9
    tokens = update.update_rows * (config.data.max_prompt_tokens + config.data.max_response_tokens)
    states = 0.0 if update.offload == "always" else parameters * _ADAM_BYTES / machine.gpus
    activations, logits, gathered = _estimate_pass(model, tokens, fused=model.log_probs == "fused")
    updating = states + activations + logits + gathered
    stays = 0.0 if update.offload != "none" else parameters * _ADAM_BYTES / machine.gpus
    sampling = config.sampling.memory_share * machine.gpu_gib * GIB + stays
    weights = parameters * 2 / config.sampling.tensor_parallel
    short = weights > config.sampling.memory_share * machine.gpu_gib * GIB * 0.9
    words = (
        f"updating {updating / GIB:.0f}: states {states / GIB:.0f}, activations {activations / GIB:.0f}, logits "
        f"{logits / GIB:.0f}; sampling {sampling / GIB:.0f}, of which vLLM's weights {weights / GIB:.0f}"
    )
    return max(updating, sampling, float("inf") if short else 0.0) / GIB, words


def estimate_conversations(config: ConversationsConfig) -> tuple[float, str]:
    """Return the peak of one GPU in SFT or DPO in GiB, and what it is made of."""
    model, parameters = config.model, config.model.billions * 1e9
    tokens, states, reference = config.update.rows * config.data.max_tokens, parameters * _ADAM_BYTES, 0.0
    if isinstance(config, SftConfig) and config.update.offload:
        states = 0.0
    if isinstance(config, DpoConfig):
        tokens, reference = tokens * 2, parameters * 4
        states = parameters * _ADAFACTOR_BYTES if config.update.optimizer == "adafactor" else states
    activations, logits, gathered = _estimate_pass(model, tokens, fused=config.stage == "dpo")
    kept = (states + reference) / config.machine.gpus
    words = (
        f"states {states / config.machine.gpus / GIB:.0f}, reference policy {reference / config.machine.gpus / GIB:.0f}"
        f", activations {activations / GIB:.0f}, logits {logits / GIB:.0f}"
    )
    return (kept + activations + logits + gathered) / GIB, words


def _estimate_pass(model: ModelPart, tokens: int, *, fused: bool) -> tuple[float, float, float]:
    """Return the bytes of a pass forward and back: activations, logits with their gradient, gathered shards.

    There are no logits where the cross entropy is fused with the last layer.
    """
    kept_layers = 1 if model.gradient_checkpointing else 16
    half = 4 if model.log_probs == "float32" else 2
    activations = tokens * model.hidden * half * (model.layers * kept_layers + 34)
    logits = 0.0 if fused else tokens * model.vocabulary * (half + 4.0)
    return float(activations), logits, model.billions * 1e9 / model.layers * half * 2


def estimate_host(config: TrainConfig, rows: Sequence[TrainRow]) -> tuple[float, str]:
    """Return the memory of all machines in GiB, and what it is made of."""
    pixels = sum(count_pixel_bytes(row, config.model.patch_size) for row in rows) / max(len(rows), 1)
    pictures = pixels * config.answers_per_step
    offloaded = 0.0 if config.update.offload == "none" else config.model.billions * 1e9 * _ADAM_BYTES
    reference = config.model.billions * 1e9 * 4
    words = (
        f"pixel values {pictures / GIB:.1f}, {pixels / 2**20:.1f} MiB an answer; offloaded {offloaded / GIB:.0f}, "
        f"reference policy {reference / GIB:.0f}"
    )
    return (pictures + offloaded + reference) / GIB, words


def count_pixel_bytes(row: TrainRow, patch: int) -> int:
    """Return what a row's pixel values take: two frames of three colours in float32 for each patch."""
    return sum(count_picture_tokens(size, patch) * 4 * (3 * 2 * patch**2) * 4 for size in row.sizes)


def count_picture_tokens(size: tuple[int, int], patch: int) -> int:
    """Return the tokens of a picture that is not made smaller: one for each 2 x 2 patches, at least four."""
    side = patch * 2
    return max(round(size[0] / side) * round(size[1] / side), _PICTURE_TOKENS_LEAST)
