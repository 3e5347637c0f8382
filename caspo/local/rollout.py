"""Samples answers in batches, token by token, from the prompts' keys and values; rows that have ended drop out."""

from dataclasses import dataclass

import torch
from torch import Tensor

from caspo.local.reading import begin_answers, run_text
from caspo.local.vlm import EncodedPrompts, Vlm, decode_answers, read_prompts, restrict_logits

STILL_WORTH = 0.85
"""Share of a batch's rows that still go on; with fewer, the others' keys and values are dropped."""


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
    with torch.no_grad():
        ids_BT, logp_BT = _draw(vlm, prompts, max_tokens, temperature)
    end = vlm.tokenizer.eos_token_id
    ended_BT = (ids_BT == end).cumsum(1)
    mask_BT = (ended_BT == 0) | ((ended_BT == 1) & (ids_BT == end))
    logp_BT = logp_BT.masked_fill(~mask_BT, 0)
    return Rollout(ids_BT, mask_BT, logp_BT, ended_BT[:, -1] == 0, tuple(decode_answers(vlm, ids_BT, mask_BT)))


def _draw(vlm: Vlm, prompts: EncodedPrompts, max_tokens: int, temperature: float) -> tuple[Tensor, Tensor]:
    """Return (B, T) tokens, padded after the end token, and their log-probabilities."""
    read, end = read_prompts(vlm, prompts), vlm.tokenizer.eos_token_id
    embed, head = vlm.model.get_input_embeddings(), vlm.model.get_output_embeddings()
    rows_R = torch.arange(len(prompts.ids_BP), device=vlm.device)
    known, whose_R = begin_answers(read, rows_R), rows_R // read.times
    attention_RL, position_R, state_RH = read.attention_UP[whose_R], read.next_U[whose_R], read.last_UH[whose_R]
    ids_BT = torch.full((len(rows_R), max_tokens), vlm.tokenizer.pad_token_id, device=vlm.device)
    logp_BT = torch.zeros(ids_BT.shape, device=vlm.device)
    going_R = torch.ones_like(rows_R, dtype=torch.bool)
    for place in range(max_tokens):
        logp_RV = restrict_logits(vlm, head(state_RH).float(), temperature).log_softmax(-1)
        drawn_R1 = _draw_tokens(logp_RV)
        ids_BT[rows_R[going_R], place] = drawn_R1[going_R, 0]
        logp_BT[rows_R[going_R], place] = logp_RV.gather(1, drawn_R1)[going_R, 0]
        going_R = going_R & (drawn_R1[:, 0] != end)
        left = int(going_R.sum())
        if left == 0 or place + 1 == max_tokens:
            return ids_BT[:, : place + 1], logp_BT[:, : place + 1]
        if left <= STILL_WORTH * len(rows_R):
            kept_K = going_R.nonzero()[:, 0]
            known.batch_select_indices(kept_K)
            rows_R, drawn_R1, going_R = rows_R[kept_K], drawn_R1[kept_K], going_R[kept_K]
            attention_RL, position_R = attention_RL[kept_K], position_R[kept_K]
        attention_RL = torch.nn.functional.pad(attention_RL, (0, 1), value=1)
        positions_3R1 = (position_R + place)[None, :, None].expand(3, -1, -1)
        state_RH = run_text(vlm.text_model, embed(drawn_R1), attention_RL, positions_3R1, known)[:, -1]
    raise AssertionError


def _draw_tokens(logp_RV: Tensor) -> Tensor:
    """Return (R, 1) tokens: for each row the first whose cumulated probability is above a uniform number.

    As `torch.multinomial`, several times faster; what has no probability is never the first.
    """
    reached_RV = logp_RV.exp().cumsum(-1)
    wanted_R1 = torch.rand(len(logp_RV), 1, device=logp_RV.device) * reached_RV[:, -1:]
    return (reached_RV <= wanted_R1).sum(-1, keepdim=True).clamp(max=logp_RV.shape[1] - 1)
