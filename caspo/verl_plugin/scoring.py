"""Log-probabilities of sampled answers under their constitution, from the engine that verl trains with.

The rows that verl holds in its queue are scored where they lie: prompt, ids and positions are exchanged for those with
the constitution, a worker group scores the rows, and what was there is put back. So pixel values, by far the most of a
row, are neither copied nor read by the trainer.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transfer_queue as tq
from torch import Tensor
from transfer_queue import KVBatchMeta
from verl.workers.utils.padding import response_from_nested

from caspo.errors import VerlUnfit
from caspo.verl_plugin.fixes import repack_positions
from caspo.verl_plugin.prompts import GuidedPrompts
from caspo.verl_plugin.rows import read_rows, write_rows

_EXCHANGED = ("prompts", "input_ids", "position_ids")
_NEEDED = (*_EXCHANGED, "responses", "response_mask", "loss_mask", "multi_modal_inputs")
"""What a worker needs of a row. The picture itself, which stands in the row's messages, is not among it."""


@dataclass(frozen=True)
class Scorer:
    """One worker group that scores, and what its engine asks of a batch."""

    compute: Callable[[KVBatchMeta], Any]
    """Writes `log_probs` of each row into the queue."""
    extra_info: dict[str, Any]
    """What goes to the engine beside the rows."""
    unit: int
    """Rows have to come in multiples of it: ranks, times the micro batch where that is fixed."""
    most_tokens: int | None
    """Longest row that one pass takes, where micro batches are cut by tokens."""


def is_padding(batch: KVBatchMeta) -> list[bool]:
    """Return which rows verl has added so that its ranks get equally many."""
    return [bool(tag.get("is_padding")) for tag in batch.tags]


def score_guided(
    batch: KVBatchMeta, scorer: Scorer, prompts: GuidedPrompts, *, chunk_rows: int | None = None
) -> list[Tensor]:
    """Return log pi(a | s, C) of the answers, one tensor (T,) for each row that is no padding, in the batch's order.

    Padding rows are left out, but for those that fill the last multiple of `scorer.unit`.

    Raises:
        VerlUnfit: Rows do not come in the multiples that the engine asks for, or are longer than it takes.
        PromptUnfit: A constitution cannot be put before a prompt.
    """
    order = choose_rows(is_padding(batch), scorer.unit)
    size = len(order) if chunk_rows is None else -(-chunk_rows // scorer.unit) * scorer.unit
    real = sum(not padding for padding in is_padding(batch))
    scored: list[Tensor] = []
    for start in range(0, len(order), size):
        scored += _score_chunk(batch, order[start : start + size], scorer, prompts)
    return scored[:real]


def choose_rows(padding: Sequence[bool], unit: int) -> list[int]:
    """Return the rows to score: all that are no padding in their order, then as much padding as fills a unit.

    Raises:
        VerlUnfit: There is not enough of it.
    """
    real = [at for at, padded in enumerate(padding) if not padded]
    filling = [at for at, padded in enumerate(padding) if padded][: -len(real) % unit]
    if (len(real) + len(filling)) % unit:
        raise VerlUnfit(
            f"{len(real)} answers cannot be shared out in multiples of {unit} (ranks times log-prob micro batch): "
            "choose the micro batches so that they divide data.train_batch_size x rollout.n"
        )
    return real + filling


def _score_chunk(batch: KVBatchMeta, chosen: list[int], scorer: Scorer, prompts: GuidedPrompts) -> list[Tensor]:
    keys = [batch.keys[at] for at in chosen]
    padding = is_padding(batch)
    columns = _read(keys, batch.partition_id, (*_EXCHANGED, "responses", "extra_info"))
    before = [{name: columns[name][at] for name in _EXCHANGED} for at in range(len(keys))]
    after = [
        row if padding[at] else _guide(row, answer, extra, prompts)
        for at, row, answer, extra in zip(chosen, before, columns["responses"], columns["extra_info"], strict=True)
    ]
    longest = max(len(row["input_ids"]) for row in after)
    if scorer.most_tokens is not None and longest > scorer.most_tokens:
        raise VerlUnfit(
            f"an answer with its prompt and constitution is {longest} tokens long, and a pass takes "
            f"{scorer.most_tokens}: raise log_prob_max_token_len_per_gpu of actor_rollout_ref.rollout and .ref"
        )
    tags = [batch.tags[at] | {"seq_len": len(row["input_ids"])} for at, row in zip(chosen, after, strict=True)]
    meta = KVBatchMeta(
        keys=keys, tags=tags, partition_id=batch.partition_id, fields=list(_NEEDED), extra_info=scorer.extra_info
    )
    with _exchange(meta, before, after):
        scorer.compute(meta)
        found = tq.kv_batch_get(
            keys=keys, partition_id=batch.partition_id, select_fields=["log_probs", "response_mask"]
        )
    return read_rows(response_from_nested(found["log_probs"], found["response_mask"]))


def _guide(row: dict[str, Tensor], answer_T: Tensor, extra: Any, prompts: GuidedPrompts) -> dict[str, Tensor]:
    constitution = extra.get("constitution")
    prompt = prompts.guide(row["prompts"], constitution)
    return {
        "prompts": prompt,
        "input_ids": torch.cat([prompt, answer_T]),
        "position_ids": prompts.move(row["position_ids"], constitution),
    }


@contextmanager
def _exchange(meta: KVBatchMeta, before: list[dict[str, Tensor]], after: list[dict[str, Tensor]]) -> Iterator[None]:
    """Let the rows hold other prompts for the block."""
    tq.kv_batch_put(keys=meta.keys, partition_id=meta.partition_id, fields=write_rows(after))
    try:
        yield
    finally:
        tq.kv_batch_put(keys=meta.keys, partition_id=meta.partition_id, fields=write_rows(before))


def _read(keys: list[str], partition: str, names: Sequence[str]) -> dict[str, list[Any]]:
    data = tq.kv_batch_get(keys=keys, partition_id=partition, select_fields=list(names))
    return {name: read_rows(repack_positions(data[name]) if name == "position_ids" else data[name]) for name in names}
