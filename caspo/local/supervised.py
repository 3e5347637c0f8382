"""Pretraining and SFT: the mean of the answers' negative log-probabilities over the tokens of a batch."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from caspo.errors import SampleInvalid
from caspo.local.config import SupervisedConfig
from caspo.local.loop import fingerprint_run, run_loop
from caspo.local.samples import Example, hash_examples
from caspo.local.team import add_halves
from caspo.local.tracking import Metrics, Tracking
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, score_answers
from endpoints.seeds import derive_seed

Row = TypeVar("Row")
Half = Sequence[tuple[list[Example], Tensor, Tensor]]
"""Parts of a batch, each with its answers' tokens and mask."""


def train_supervised(
    vlm: Vlm, examples: Sequence[Example], config: SupervisedConfig, *, cache: Path, tracking: Tracking | None = None
) -> list[Metrics]:
    """Train the model in place and return each step's metrics: `sft/loss` in nats a token, weighed, and the loop's.

    The run's folder in `cache` is named by the hash of config, examples and start weights, so the same training is made
    once, and one that was cut short goes on. In a team (`caspo.local.team`) each process takes half of the parts.

    Args:
        vlm: The model, changed.
        examples: What it learns; each is seen once before any is seen again.
        config: Steps, batch and so on.
        cache: Folder of all trainings.
        tracking: TensorBoard and the like.

    Raises:
        SampleInvalid: A text holds a word that the tokenizer does not know, or there are fewer examples than a batch.
        RunBusy, RunMismatch, TrainingDiverged, TrackerMissing: See `run_loop`.
    """
    fingerprint = fingerprint_run(config, vlm.model, hash_examples(examples))

    def take_step(step: int) -> Metrics:
        batch = draw_batch(examples, config.batch, seed=config.seed, step=step)
        parts = [(part, *encode_answers(vlm, [one.answer for one in part])) for part in _part(batch, config.parts)]
        weight = sum(float(_weigh(mask_BT, config).sum()) for _, _, mask_BT in parts)
        tokens = sum(int(mask_BT.sum()) for _, _, mask_BT in parts)

        def run_backward(half: Half) -> list[float]:
            loss = entropy = 0.0
            for part, ids_BT, mask_BT in half:
                prompts = encode_prompts(vlm, [one.prompt for one in part], guided=[one.guided for one in part])
                scores = score_answers(vlm, prompts, ids_BT, mask_BT)
                share = -(scores.logp_BT * _weigh(mask_BT, config))[mask_BT].sum() / weight
                share.backward()
                loss += share.item()
                entropy += scores.entropy_BT[mask_BT].sum().item() / tokens
            return [loss, entropy]

        loss, entropy = add_halves(vlm.model, [partial(run_backward, half) for half in _deal(parts)])
        return {"sft/loss": loss, "sft/entropy": entropy}

    with hold_vision(vlm, frozen=config.freeze_vision):
        return run_loop(
            vlm.model, config, take_step, folder=cache / fingerprint[:16], fingerprint=fingerprint, prefix="sft",
            tracking=tracking,
        )  # fmt: skip


def draw_batch(rows: Sequence[Row], size: int, *, seed: int, step: int) -> list[Row]:
    """Return the rows of a step: all rows in an order drawn anew for each round, cut into batches.

    What does not fill a batch at the end of a round is left for the next.

    Raises:
        SampleInvalid: There are fewer rows than a batch has.
    """
    per_round = len(rows) // size
    if per_round == 0:
        raise SampleInvalid(f"{len(rows)} rows do not fill a batch of {size}: give more rows or a smaller batch")
    order = list(range(len(rows)))
    random.Random(derive_seed(seed, "order", step // per_round)).shuffle(order)
    start = step % per_round * size
    return [rows[number] for number in order[start : start + size]]


def _weigh(mask_BT: Tensor, config: SupervisedConfig) -> Tensor:
    """Return the weight of each token of the answers, 0 where the mask is."""
    weight_BT = mask_BT.float()
    weight_BT[:, : config.opening] *= config.opening_weight
    return weight_BT


def _part(batch: list[Example], parts: int) -> list[list[Example]]:
    """Cut a batch into `parts`, rows of like length together; one part keeps the order."""
    if parts == 1:
        return [batch]
    ordered = sorted(batch, key=_count_words)
    size = -(-len(batch) // parts)
    return [ordered[start : start + size] for start in range(0, len(batch), size)]


def _deal(parts: Half) -> tuple[Half, Half]:
    """Return two halves, about as long, of parts that come by length: first, fourth, fifth, eighth, and the rest."""
    first = [part for number, part in enumerate(parts) if number % 4 in (0, 3)]
    return first, [part for number, part in enumerate(parts) if number % 4 in (1, 2)]


def _count_words(example: Example) -> int:
    prompt = example.prompt
    texts = [prompt.query, example.answer, *([prompt.constitution] if example.guided else [])]
    return sum(len(text.split()) for text in texts)


@contextmanager
def hold_vision(vlm: Vlm, *, frozen: bool) -> Iterator[None]:
    """Keep the vision tower from training for as long as the block runs, if `frozen`."""
    parameters = [one for one in vlm.model.model.visual.parameters() if one.requires_grad] if frozen else []
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
