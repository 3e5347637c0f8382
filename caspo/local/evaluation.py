"""Samples answers to prompts and has them scored by a function from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from caspo.errors import SampleInvalid
from caspo.local.rollout import sample_answers
from caspo.local.samples import AnswerScorer, Prompt
from caspo.local.vlm import Vlm, encode_prompts, score_answers
from endpoints.seeds import derive_seed


@dataclass(frozen=True)
class Evaluation:
    """Answers, one for each prompt in order, with their scores."""

    answers: tuple[str, ...]
    scores: tuple[Mapping[str, float], ...]
    means: dict[str, float]
    """Of each score; besides `entropy` (nats a token), `length` (tokens) and `capped` (share cut off at the cap)."""


def evaluate(
    vlm: Vlm,
    prompts: Sequence[Prompt],
    score: AnswerScorer,
    *,
    guided: bool,
    seed: int,
    temperature: float = 0.9,
    max_tokens: int = 48,
    batch: int = 64,
) -> Evaluation:
    """Return one sampled answer to each prompt and its scores. The global random state stays as it was.

    Args:
        vlm: The model.
        prompts: At least one.
        score: The judge.
        guided: Whether the constitution stands before each query.
        seed: Of the sampling; with another `batch` the answers are others.
        temperature: The paper samples at 0.9.
        max_tokens: Longest answer.
        batch: Prompts at once.

    Raises:
        SampleInvalid: There is no prompt, or `score` gives another number of scores than there are prompts.
    """
    if not prompts:
        raise SampleInvalid("there is no prompt to evaluate: pass at least one")
    answers: list[str] = []
    lengths, entropies, capped = 0, 0.0, 0
    with torch.random.fork_rng(), torch.no_grad():
        for start in range(0, len(prompts), batch):
            torch.manual_seed(derive_seed(seed, "evaluation", start))
            encoded = encode_prompts(vlm, prompts[start : start + batch], guided=guided)
            rollout = sample_answers(vlm, encoded, max_tokens=max_tokens, temperature=temperature)
            found = score_answers(vlm, encoded, rollout.ids_BT, rollout.mask_BT)
            answers += rollout.texts
            lengths += int(rollout.mask_BT.sum())
            entropies += float(found.entropy_BT[rollout.mask_BT].sum())
            capped += int(rollout.capped_B.sum())
    scores = tuple(score(prompts, answers))
    if len(scores) != len(prompts):
        raise SampleInvalid(f"the scoring function gave {len(scores)} scores for {len(prompts)} answers: one for each")
    means = {name: sum(float(each[name]) for each in scores) / len(scores) for name in scores[0]}
    means |= {"entropy": entropies / lengths, "length": lengths / len(answers), "capped": capped / len(answers)}
    return Evaluation(tuple(answers), scores, means)
