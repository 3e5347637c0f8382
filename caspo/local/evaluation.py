"""Samples answers to prompts and has them scored by a function from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from caspo.errors import SampleInvalid
from caspo.local.rollout import Rollout, sample_answers
from caspo.local.samples import AnswerScorer, Prompt
from caspo.local.vlm import EncodedPrompts, Vlm, diverge, encode_prompts, look, measure_entropy, read_distributions
from endpoints.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """One answer."""

    length: int
    """Tokens, the end token included."""
    entropy: float
    """Nats, summed over its tokens; at temperature 1, as is the divergence."""
    capped: bool
    """Whether it was cut off at the cap."""
    kl: float
    """Divergence from the reference, of whole distributions, summed over its tokens; 0 without a reference."""


@dataclass(frozen=True)
class Evaluation:
    """Answers, one for each prompt in order, with their scores."""

    answers: tuple[str, ...]
    scores: tuple[Mapping[str, float], ...]
    means: dict[str, float]
    """Of each score; besides `entropy` and `kl` (nats a token), `length` (tokens) and `capped` (share cut off)."""
    figures: tuple[AnswerFigures, ...]


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
    reference: Vlm | None = None,
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
        reference: The model that `kl` is taken from, without the constitution.

    Raises:
        SampleInvalid: There is no prompt, or `score` gives another number of scores than there are prompts.
    """
    if not prompts:
        raise SampleInvalid("there is no prompt to evaluate: pass at least one")
    answers: list[str] = []
    figures: list[AnswerFigures] = []
    with torch.random.fork_rng(), torch.no_grad():
        for start in range(0, len(prompts), batch):
            torch.manual_seed(derive_seed(seed, "evaluation", start))
            asked = prompts[start : start + batch]
            encoded = look(vlm, encode_prompts(vlm, asked, guided=guided))
            rollout = sample_answers(vlm, encoded, max_tokens=max_tokens, temperature=temperature)
            answers += rollout.texts
            figures += _measure(vlm, reference, asked, encoded, rollout)
    scores = tuple(score(prompts, answers))
    if len(scores) != len(prompts):
        raise SampleInvalid(f"the scoring function gave {len(scores)} scores for {len(prompts)} answers: one for each")
    means = {name: sum(float(each[name]) for each in scores) / len(scores) for name in scores[0]}
    tokens = sum(one.length for one in figures)
    means |= {
        "entropy": sum(one.entropy for one in figures) / tokens,
        "kl": sum(one.kl for one in figures) / tokens,
        "length": tokens / len(answers),
        "capped": sum(one.capped for one in figures) / len(answers),
    }
    return Evaluation(tuple(answers), scores, means, tuple(figures))


def _measure(
    vlm: Vlm, reference: Vlm | None, asked: Sequence[Prompt], encoded: EncodedPrompts, rollout: Rollout
) -> list[AnswerFigures]:
    mask_BT = rollout.mask_BT
    logp_NV = read_distributions(vlm, encoded, rollout.ids_BT, mask_BT)
    entropy_N = measure_entropy(logp_NV)
    kl_N = torch.zeros_like(entropy_N)
    if reference is not None:
        plain = encode_prompts(reference, asked, guided=False)
        kl_N = diverge(logp_NV, read_distributions(reference, plain, rollout.ids_BT, mask_BT))
    entropy_B, kl_B = (torch.zeros(mask_BT.shape).masked_scatter(mask_BT, each).sum(1) for each in (entropy_N, kl_N))
    columns = (mask_BT.sum(1), entropy_B, rollout.capped_B, kl_B)
    return [AnswerFigures(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
