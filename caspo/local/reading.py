"""Reads prompts once for all of their answers: the answers then go on from the prompts' keys and values.

Shapes as in `caspo.local.vlm`; U prompts, each with `times` of the B answers, next to each other; H width of a state.
Answers of like length go through together, so that the model reads little padding. Gradients are those of one pass.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

LEAST_ROWS = 16
"""Answers that are worth a pass of their own."""
MOST_PASSES = 4

KeysAndValues = tuple[tuple[Tensor, Tensor], ...]
"""Of each layer, each (rows, heads, tokens, width of a head)."""


@dataclass(frozen=True)
class ReadPrompts:
    """What a model knows after its prompts."""

    layers: KeysAndValues
    attention_UP: Tensor
    next_U: Tensor
    """Position of the first token after the prompt, the same on all three axes."""
    last_UH: Tensor
    """State of the prompt's last token, which foretells the answer's first."""
    times: int


def read_prompts(
    model: Any, embedded_UPH: Tensor, attention_UP: Tensor, positions_3UP: Tensor, *, times: int
) -> ReadPrompts:
    """Return what the text model `model` knows after prompts, padded left."""
    from transformers import DynamicCache

    known = DynamicCache()
    states_UPH = run_text(model, embedded_UPH, attention_UP, positions_3UP, known)
    layers = tuple((layer.keys, layer.values) for layer in known.layers)
    return ReadPrompts(layers, attention_UP, find_next(positions_3UP, attention_UP), states_UPH[:, -1], times)


def find_next(positions_3UP: Tensor, attention_UP: Tensor) -> Tensor:
    """Return (U,) positions that follow prompts: on all three axes one after the largest in the prompt."""
    return positions_3UP.masked_fill(attention_UP == 0, -1).amax((0, 2)) + 1


def run_text(model: Any, embedded_BTH: Tensor, attention_BL: Tensor, positions_3BT: Tensor, known: Any) -> Tensor:
    """Return (B, T, H) states of the last layer for tokens that follow what the cache `known` holds, which grows."""
    return model(
        inputs_embeds=embedded_BTH, attention_mask=attention_BL, position_ids=positions_3BT, use_cache=True,
        **{_name_cache(type(model).forward): known},
    ).last_hidden_state  # fmt: skip


def begin_answers(read: ReadPrompts, rows_R: Tensor) -> Any:
    """Return a cache that holds the prompts of these rows of the answers."""
    from transformers import DynamicCache

    known, whose_R = DynamicCache(), rows_R // read.times
    for number, (keys, values) in enumerate(read.layers):
        known.update(keys[whose_R], values[whose_R], number)
    return known


def read_on(
    model: Any, read: ReadPrompts, embed: Callable[[Tensor], Tensor], ids_BT: Tensor, mask_BT: Tensor
) -> Tensor:
    """Return (B, T, H) states of the answers' tokens, 0 where the mask is."""
    length_B = mask_BT.sum(1)
    order_B = length_B.argsort()
    passes = min(MOST_PASSES, max(1, len(order_B) // LEAST_ROWS))
    found = []
    for rows_R in order_B.chunk(passes):
        width = max(1, int(length_B[rows_R].max()))
        ids_RW, whose_R = ids_BT[rows_R, :width], rows_R // read.times
        attention_RL = torch.cat([read.attention_UP[whose_R], mask_BT[rows_R, :width].to(read.attention_UP.dtype)], 1)
        positions_RW = read.next_U[whose_R, None] + torch.arange(width, device=ids_BT.device)
        states_RWH = run_text(
            model, embed(ids_RW), attention_RL, positions_RW.expand(3, -1, -1), begin_answers(read, rows_R)
        )
        found.append(torch.nn.functional.pad(states_RWH, (0, 0, 0, ids_BT.shape[1] - width)))
    return torch.cat(found)[order_B.argsort()] * mask_BT[..., None]


@cache
def _name_cache(forward: Any) -> str:
    """Return what the text model calls its cache: transformers has renamed it."""
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"
