"""Samples answers in batches, with the library's own generation and its cache of keys and values."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from caspo.local.vlm import EncodedPrompts, Vlm, decode_answers, find_pictures


@dataclass(frozen=True)
class Rollout:
    """Sampled answers; shapes as in `caspo.local.vlm`."""

    ids_BT: Tensor
    mask_BT: Tensor
    """1 for the answer's tokens, its end token included."""
    logp_BT: Tensor
    """Of each token when it was drawn, under temperature and without what is banned."""
    capped_B: Tensor
    """Whether the answer was cut off at the length cap."""
    texts: tuple[str, ...]


def sample_answers(vlm: Vlm, prompts: EncodedPrompts, *, max_tokens: int, temperature: float = 1.0) -> Rollout:
    """Return one answer for each row, drawn from the whole distribution with torch's global random state.

    Args:
        vlm: The model.
        prompts: Encoded for it.
        max_tokens: Longest answer, its end token included.
        temperature: Above 0.
    """
    from transformers import GenerationConfig

    end = vlm.tokenizer.eos_token_id
    plan = GenerationConfig(
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        repetition_penalty=1.0,
        num_beams=1,
        max_new_tokens=max_tokens,
        suppress_tokens=list(vlm.banned),
        eos_token_id=end,
        pad_token_id=vlm.tokenizer.pad_token_id,
        return_dict_in_generate=True,
        output_scores=True,
        use_cache=True,
    )
    pixels, grid_B3 = prompts.spread_pictures()
    with torch.no_grad():
        with _forget_habits(vlm):
            made = vlm.model.generate(
                input_ids=prompts.ids_BP,
                attention_mask=prompts.attention_BP,
                pixel_values=pixels,
                image_grid_thw=grid_B3,
                mm_token_type_ids=find_pictures(vlm, prompts.ids_BP),
                generation_config=plan,
            )
        ids_BT = made.sequences[:, prompts.ids_BP.shape[1] :]
        logp_BT = torch.stack(
            [
                scores_BV.float().log_softmax(-1).gather(-1, ids_BT[:, t, None])[:, 0]
                for t, scores_BV in enumerate(made.scores)
            ],
            1,
        )
    ended_BT = (ids_BT == end).cumsum(1)
    mask_BT = (ended_BT == 0) | ((ended_BT == 1) & (ids_BT == end))
    logp_BT = logp_BT.masked_fill(~mask_BT, 0)
    return Rollout(ids_BT, mask_BT, logp_BT, ended_BT[:, -1] == 0, tuple(decode_answers(vlm, ids_BT, mask_BT)))


@contextmanager
def _forget_habits(vlm: Vlm) -> Iterator[None]:
    """Put aside the model's own generation_config: what a plan leaves open, transformers would fill from it."""
    from transformers import GenerationConfig

    habits, vlm.model.generation_config = vlm.model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        vlm.model.generation_config = habits
