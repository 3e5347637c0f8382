"""The loop of every training here: seeds, learning rate, clipping, checkpoints, metrics; exact after a kill.

A step depends on weights, optimizer, step number and torch's random state, and the checkpoint holds all four. So a run
that was killed and started again gives the very numbers of one that was not, on one machine with one number of threads.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from caspo.errors import RunBusy, RunMismatch, TrainingDiverged
from caspo.local.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from caspo.local.config import LoopConfig
from caspo.local.team import find_place, hand_out
from caspo.local.tracking import Metrics, Tracking, open_metrics, read_metrics
from caspo.local.vlm import hash_weights
from storage.locks import hold_lock
from storage.texts import hash_json

TakeStep = Callable[[int], Metrics]
"""Computes the loss of a step, calls backward() and returns metrics."""


def fingerprint_run(config: LoopConfig, module: torch.nn.Module, *data: str) -> str:
    """Return the hash that names a run: its config, the weights that it begins with, and `data`, hashes or names."""
    return hash_json([type(config).__name__, config.model_dump(mode="json"), hash_weights(module), *data])


def run_loop(
    module: torch.nn.Module,
    config: LoopConfig,
    take_step: TakeStep,
    *,
    folder: Path,
    fingerprint: str,
    prefix: str,
    tracking: Tracking | None = None,
) -> list[Metrics]:
    """Make the steps that the folder's checkpoint lacks, change the module's weights, return every step's metrics.

    A folder whose run is finished only gives its weights: that is the cache of a training. In a team
    (`caspo.local.team`) the first process alone has to do with the folder, and the other gets no metrics.

    Args:
        module: What is trained; parameters that want no gradient stay as they are.
        config: Steps, rate and so on.
        take_step: See `TakeStep`.
        folder: Of this run alone; made when it is not there.
        fingerprint: Of `fingerprint_run`.
        prefix: Before the names of the loop's own metrics, `PREFIX/learning_rate` and `PREFIX/grad_norm`.
        tracking: TensorBoard and the like.

    Raises:
        RunBusy: Another process trains in the folder.
        RunMismatch: The folder holds another run, or the team is not one.
        TrainingDiverged: The gradient is not finite; the checkpoint before it stays.
        TrackerMissing: A tracker's package is not installed.
    """
    busy = RunBusy(f"another process trains in {folder}; wait for it, or give another folder")
    first = find_place()[0] == 0
    with hold_lock(folder / "lock", busy=busy) if first else nullcontext(), torch.random.fork_rng():
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=config.weight_decay)
        theirs, found = hand_out((fingerprint, read_checkpoint(folder, fingerprint) if first else None))
        if theirs != fingerprint:
            raise RunMismatch(f"the first process of the team trains {theirs[:12]}, and this one {fingerprint[:12]}")
        if found:
            module.load_state_dict(found.weights)
            optimizer.load_state_dict(found.optimizer)
            _set_random_state(found.random_state)
        else:
            torch.manual_seed(config.seed)
        done = found.done if found else 0
        told = config.model_dump(mode="json")
        writing = open_metrics(folder, tracking or Tracking(), fingerprint=fingerprint, done=done, config=told)
        with writing if first else nullcontext(_record_nothing) as record:
            for step in range(done, config.steps):
                rate = _set_rate(optimizer, config, step)
                optimizer.zero_grad()
                metrics = take_step(step)
                norm = float(torch.nn.utils.clip_grad_norm_(trained, config.clip_norm))
                _check_finite(step, norm, metrics)
                optimizer.step()
                record(step, {**metrics, f"{prefix}/learning_rate": rate, f"{prefix}/grad_norm": norm})
                if first and ((step + 1) % config.save_every == 0 or step + 1 == config.steps):
                    write_checkpoint(folder, _take_checkpoint(fingerprint, step + 1, module, optimizer))
        return read_metrics(folder) if first else []


def _record_nothing(step: int, metrics: Mapping[str, float]) -> None:
    """Of a process whose team's first one records."""


def find_rate(config: LoopConfig, step: int) -> float:
    """Return the learning rate of a step: a linear rise, then half a cosine down to `final_share` of it."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    way = (step - config.warmup) / max(1, config.steps - 1 - config.warmup)
    share = config.final_share + (1 - config.final_share) * (1 + math.cos(math.pi * min(way, 1.0))) / 2
    return config.learning_rate * share


def _set_rate(optimizer: torch.optim.Optimizer, config: LoopConfig, step: int) -> float:
    rate = find_rate(config, step)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def _check_finite(step: int, norm: float, metrics: Metrics) -> None:
    wrong = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if not math.isfinite(norm):
        wrong.append(f"the gradient's norm is {norm}")
    if wrong:
        raise TrainingDiverged(
            f"step {step}: {', '.join(wrong)}; the last checkpoint stays: begin again with a lower learning rate"
        )


def _take_checkpoint(
    fingerprint: str, done: int, module: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> Checkpoint:
    random_state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random_state["cuda"] = torch.cuda.get_rng_state()
    return Checkpoint(fingerprint, done, module.state_dict(), optimizer.state_dict(), random_state)


def _set_random_state(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])
