"""Training with Eq. 7, in one process or in many that `accelerate launch` started.

Every pass of every process holds the same number of pairs and of single answers. So the mean over passes and processes
of each term's mean is the mean over the whole update, and N processes make the steps that one makes with N times the
passes. What a pass holds hangs on seed, step and process alone: a run that was killed goes on from its checkpoint.

P pairs, S single answers.
"""

import json
import math
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from caspo.errors import DataRefused, RunBusy, RunMismatch, TrainingDiverged
from caspo.local.config import LoopConfig
from caspo.local.loop import find_rate
from caspo.local.tracking import METRICS, Metrics, Tracking, open_metrics, read_metrics
from caspo.objective import reward_model_loss
from caspo.reward_model.config import RewardTraining
from caspo.reward_model.conversations import encode, move
from caspo.reward_model.model import RewardModel, hash_base, load_base, read_record, save_reward_model
from caspo.reward_model.rows import Rated, RatedPair, RewardRows, read_rows
from storage.locks import hold_lock
from storage.texts import canonical_json, hash_json
from storage.whole_files import write_whole

STATE = "state.json"


def train(config: RewardTraining) -> list[Metrics]:
    """Train a reward model, write its folder, and return each step's metrics, as the main process saw them.

    A folder that holds this very training is left as it is. What is needed to go on after a kill lies beside it, in
    `.NAME.training`, until it is done.

    Raises:
        DataRefused, RewardModelInvalid, SampleInvalid: Data, base model or a conversation cannot be used.
        RunMismatch: The folder holds something else. RunBusy: Another process trains it.
        TrainingDiverged: A loss or a gradient is not finite.
    """
    spread = DistributedDataParallelKwargs(find_unused_parameters=True)  # some towers compute more than they pass on
    accelerator = Accelerator(
        mixed_precision=config.mixed_precision,
        gradient_accumulation_steps=config.accumulation,
        kwargs_handlers=[spread],
    )
    work = config.to.with_name(f".{config.to.name}.training")
    with ExitStack() as stack:
        if accelerator.is_main_process:
            busy = RunBusy(f"another process trains {config.to}; wait for it, or give another folder")
            stack.enter_context(hold_lock(work.parent / f"{work.name}.lock", busy=busy))
        with accelerator.local_main_process_first():  # unpacks the pictures for those beside it
            rows = read_rows(
                config.data, work / "pictures", gap=config.gap, part="train",
                held_out_share=config.held_out_share, seed=config.seed,
            )  # fmt: skip
        described = _describe(config, rows, accelerator.num_processes)
        if config.to.exists():
            return _return_known(config.to, described)
        steps = count_steps(config, rows, accelerator.num_processes)
        return _train(accelerator, config, rows, work, described | {"steps": steps}, steps)


def compute_loss(
    predicted_P2: Tensor, score_P2: Tensor, predicted_S: Tensor, score_S: Tensor, *, gap: float, weight: float
) -> tuple[Tensor, Tensor]:
    """Return the two terms of Eq. 7, Bradley-Terry over the pairs and `weight` times squared error over the singles.

    Their sum is `caspo.objective.reward_model_loss` of all of them. An empty set gives 0.
    """
    ranking = reward_model_loss(predicted_P2, score_P2, gap=gap)
    alone_S2 = torch.tensor([[True, False]], device=predicted_S.device).expand(len(predicted_S), 2)
    regression = reward_model_loss(
        torch.stack([predicted_S, predicted_S.detach()], 1), torch.stack([score_S, score_S], 1),
        gap=gap, regression_weight=weight, mask_P2=alone_S2,
    )  # fmt: skip
    return ranking, regression


def count_steps(config: RewardTraining, rows: RewardRows, processes: int) -> int:
    """Return the updates of a training.

    Raises:
        DataRefused: There is nothing to learn from.
    """
    sets = [(len(rows.pairs), config.pairs), (len(rows.singles), config.scores)]
    passes = [math.ceil(count / each) for count, each in sets if count and each]
    if not passes:
        raise DataRefused(
            f"{len(rows.pairs)} pairs with pairs={config.pairs} and {len(rows.singles)} scores with "
            f"scores={config.scores} leave nothing to learn from; prepare more data, or raise these options"
        )
    return config.steps or max(1, math.ceil(config.epochs * max(passes) / (processes * config.accumulation)))


def pick(count: int, wanted: int, start: int, *, seed: int, name: str) -> list[int]:
    """Return the `wanted` numbers below `count` that stand at `start` in an endless row of shuffled rounds."""
    return [_shuffle(count, seed, name, place // count)[place % count] for place in range(start, start + wanted)]


@lru_cache(maxsize=4)
def _shuffle(count: int, seed: int, name: str, turn: int) -> tuple[int, ...]:
    numbers = list(range(count))
    Random(f"{seed} {name} {turn}").shuffle(numbers)
    return tuple(numbers)


def _describe(config: RewardTraining, rows: RewardRows, processes: int) -> dict[str, Any]:
    choices = config.describe()
    described = {
        "config": choices,
        "config_sha256": hash_json(choices),
        "base": hash_base(config.model),
        "data": {"files": rows.files, "pairs": len(rows.pairs), "scores": len(rows.singles)},
        "processes": processes,
    }
    return described | {"fingerprint": hash_json(described)}


def _return_known(to: Path, described: dict[str, Any]) -> list[Metrics]:
    if read_record(to).get("fingerprint") != described["fingerprint"]:
        raise RunMismatch(
            f"{to} holds a reward model of another config, other data, another base model or number of processes; give "
            "another folder, or move it away"
        )
    return read_metrics(to)


def _train(
    accelerator: Accelerator,
    config: RewardTraining,
    rows: RewardRows,
    work: Path,
    described: dict[str, Any],
    steps: int,
) -> list[Metrics]:
    torch.manual_seed(config.seed)
    module = load_base(config.model, max_tokens=config.max_tokens)
    if config.gradient_checkpointing:
        module.backbone.gradient_checkpointing_enable({"use_reentrant": False})
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    model, optimizer = accelerator.prepare(module, optimizer)
    done = _read_done(work, described["fingerprint"])
    if done:
        accelerator.load_state(str(work / f"step-{done}"))
    rates = LoopConfig(
        steps=steps, learning_rate=config.learning_rate, warmup=min(steps, round(steps * config.warmup_share))
    )
    with ExitStack() as stack:
        record = None
        if accelerator.is_main_process:
            tracking = Tracking(tensorboard=config.tensorboard)
            record = stack.enter_context(
                open_metrics(
                    work, tracking, fingerprint=described["fingerprint"], done=done, config=described["config"]
                )
            )
        for step in range(done, steps):
            rate = find_rate(rates, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            metrics = _take_step(accelerator, model, module, optimizer, config, rows, step)
            if record:
                record(step, metrics | {"rm/learning_rate": rate})
            if (step + 1) % config.save_every == 0 and step + 1 < steps:
                _save_state(accelerator, work, described["fingerprint"], step + 1)
    state = accelerator.get_state_dict(model)
    if accelerator.is_main_process:
        config.to.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(config.to.with_name(f".{config.to.name}.partial"), ignore_errors=True)
        save_reward_model(module, state, config.to, described, extra=[work / METRICS])
        shutil.rmtree(work)
    accelerator.wait_for_everyone()
    return read_metrics(config.to)


def _take_step(
    accelerator: Accelerator,
    model: Any,
    module: RewardModel,
    optimizer: Any,
    config: RewardTraining,
    rows: RewardRows,
    step: int,
) -> Metrics:
    """Make one update and return its metrics, the means over passes and processes."""
    parts = []
    for number in range(config.accumulation):
        turn = (step * config.accumulation + number) * accelerator.num_processes + accelerator.process_index
        pairs, singles = _draw(config, rows, turn)
        with accelerator.accumulate(model):
            ranking, regression = _predict(accelerator, model, module, config, rows, pairs, singles)
            accelerator.backward(ranking + regression)
            if accelerator.sync_gradients:
                norm = float(accelerator.clip_grad_norm_(model.parameters(), config.clip_norm))
            optimizer.step()
            optimizer.zero_grad()
        parts.append(torch.stack([ranking.detach(), regression.detach()]))
    mean_2 = accelerator.reduce(torch.stack(parts).mean(0), "mean").tolist()
    metrics = {"rm/ranking": mean_2[0], "rm/regression": mean_2[1], "rm/loss": sum(mean_2), "rm/grad_norm": norm}
    wrong = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if wrong:
        raise TrainingDiverged(
            f"step {step}: {', '.join(wrong)}; the last checkpoint stays: begin again with a lower learning_rate"
        )
    return metrics


def _draw(config: RewardTraining, rows: RewardRows, turn: int) -> tuple[list[RatedPair], list[Rated]]:
    """Return what one pass holds; `turn` counts passes over all processes."""
    pairs = config.pairs if rows.pairs else 0
    scores = config.scores if rows.singles else 0
    chosen = pick(len(rows.pairs), pairs, turn * pairs, seed=config.seed, name="pairs")
    others = pick(len(rows.singles), scores, turn * scores, seed=config.seed, name="scores")
    return [rows.pairs[at] for at in chosen], [rows.singles[at] for at in others]


def _predict(
    accelerator: Accelerator,
    model: Any,
    module: RewardModel,
    config: RewardTraining,
    rows: RewardRows,
    pairs: Sequence[RatedPair],
    singles: Sequence[Rated],
) -> tuple[Tensor, Tensor]:
    answers = [answer for pair in pairs for answer in (pair.chosen, pair.rejected)]
    both = [*answers, *singles]
    batch = encode(module.processor, [rows.ask(one) for one in both], max_tokens=config.max_tokens)
    predicted = model(move(batch, accelerator.device)).float()
    score = torch.tensor([one.score for one in both], device=predicted.device)
    cut = len(answers)
    return compute_loss(
        predicted[:cut].view(len(pairs), 2), score[:cut].view(len(pairs), 2), predicted[cut:], score[cut:],
        gap=config.gap, weight=config.regression_weight,
    )  # fmt: skip


def _read_done(work: Path, fingerprint: str) -> int:
    file = work / STATE
    if not file.exists():
        return 0
    said = json.loads(file.read_text(encoding="utf-8"))
    if said["fingerprint"] != fingerprint:
        raise RunMismatch(
            f"{work} holds the beginning of a training with another config, other data, another base model or number "
            "of processes; go on with the old ones, or remove the folder"
        )
    return int(said["done"])


def _save_state(accelerator: Accelerator, work: Path, fingerprint: str, done: int) -> None:
    accelerator.save_state(str(work / f"step-{done}"))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        write_whole(work / STATE, canonical_json({"fingerprint": fingerprint, "done": done}) + "\n")
        for older in work.glob("step-*"):
            if older.name != f"step-{done}":
                shutil.rmtree(older)
    accelerator.wait_for_everyone()
