"""Eq. 4-7 as plain Python loops over numbers, written from the paper's equations: what caspo.objective must agree with.

Rows are lists of floats; a token counts where its mask is 1. No tensor, no library but `math`.
"""

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]
Mask = Sequence[Sequence[int]]


def normal(value: float, members: list[float], *, eps: float, unbiased: bool, floor: float = 0.0) -> float:
    """The hat of section 5.1: centred by the mean of the members, scaled by their standard deviation."""
    if len(set(members)) <= 1:
        return 0.0
    mean = math.fsum(members) / len(members)
    squares = math.fsum((member - mean) ** 2 for member in members)
    std = math.sqrt(squares / (len(members) - 1 if unbiased else len(members)))
    return (value - mean) / (max(std, floor) + eps)


def normalize_in_group(
    values: Sequence[float], groups: Sequence[int], counts: Sequence[int], *, eps: float, unbiased: bool
) -> list[float]:
    found = []
    for value, group, counted in zip(values, groups, counts, strict=True):
        members = [v for v, g, c in zip(values, groups, counts, strict=True) if g == group and c]
        found.append(normal(value, members, eps=eps, unbiased=unbiased) if counted else 0.0)
    return found


def token_signal(guided: Rows, plain: Rows, mask: Mask, *, clip: float | None) -> list[list[float]]:
    limit = math.inf if clip is None else clip
    return [
        [max(-limit, min(limit, guided[i][t] - plain[i][t])) if mask[i][t] else 0.0 for t in range(len(mask[i]))]
        for i in range(len(mask))
    ]


def normalize_tokens(
    signal: Rows, mask: Mask, groups: Sequence[int], *, eps: float, unbiased: bool, floor: float, scope: str
) -> list[list[float]]:
    found = []
    for i, row in enumerate(mask):
        line = []
        for t, counted in enumerate(row):
            members = [
                signal[j][u]
                for j in range(len(mask))
                if groups[j] == groups[i]
                for u in range(len(mask[j]))
                if mask[j][u] and (scope == "group" or u == t)
            ]
            line.append(normal(signal[i][t], members, eps=eps, unbiased=unbiased, floor=floor) if counted else 0.0)
        found.append(line)
    return found


def hybrid_advantage(
    outcome: Sequence[float], signal: Rows, mask: Mask, *, lam: float, mode: str, zero_outcome: str
) -> list[list[float]]:
    found = []
    for big, row, counts in zip(outcome, signal, mask, strict=True):
        sign = (big > 0) - (big < 0)
        line = []
        for small, counted in zip(row, counts, strict=True):
            if not counted:
                line.append(0.0)
            elif mode == "outcome":
                line.append(big)
            elif mode == "token":
                line.append(small)
            elif big == 0 and zero_outcome == "token":
                line.append(lam * small)
            else:
                line.append(big * (1 + lam * sign * small))
        found.append(line)
    return found


def average(values: Rows, mask: Mask, *, weighting: str, length: int | None) -> float:
    """1/G sum 1/T_i sum ("sequence"), the mean of all tokens ("token"), 1/(G length) sum ("fixed")."""
    kept = [[v for v, counted in zip(row, m, strict=True) if counted] for row, m in zip(values, mask, strict=True)]
    kept = [row for row in kept if row]
    if not kept:
        return 0.0
    if weighting == "token":
        return sum(map(sum, kept)) / sum(map(len, kept))
    return sum(sum(row) / (length or len(row)) for row in kept) / len(kept)


def policy_loss(
    logp: Rows, old: Rows, advantage: Rows, mask: Mask, *, clip: float | None, weighting: str, length: int | None
) -> float:
    gains = []
    for i, row in enumerate(mask):
        line = []
        for t, counted in enumerate(row):
            if not counted:
                line.append(0.0)
                continue
            ratio = math.exp(logp[i][t]) / math.exp(old[i][t])
            gain = ratio * advantage[i][t]
            if clip is not None:
                gain = min(gain, max(1 - clip, min(1 + clip, ratio)) * advantage[i][t])
            line.append(gain)
        gains.append(line)
    return -average(gains, mask, weighting=weighting, length=length)


def kl_to_reference(
    logp: Rows, reference: Rows, mask: Mask, *, estimator: str, weighting: str, length: int | None
) -> float:
    def estimate(here: float, there: float) -> float:
        ratio = math.exp(there - here)
        return {"k1": here - there, "k2": (here - there) ** 2 / 2, "k3": ratio - 1 - math.log(ratio)}[estimator]

    values = [
        [estimate(logp[i][t], reference[i][t]) if mask[i][t] else 0.0 for t in range(len(mask[i]))]
        for i in range(len(mask))
    ]
    return average(values, mask, weighting=weighting, length=length)


def reward_model_loss(
    predicted: Rows, score: Rows, *, gap: float, ranked: Sequence[int], weight: float, present: Mask
) -> float:
    ranking, squares = [], []
    for p in range(len(predicted)):
        difference = score[p][0] - score[p][1]
        if present[p][0] and present[p][1] and ranked[p] and abs(difference) > gap:
            better, worse = (0, 1) if difference > 0 else (1, 0)
            margin = predicted[p][better] - predicted[p][worse]
            ranking.append(-math.log(1 / (1 + math.exp(-margin))))
        else:
            squares += [(predicted[p][k] - score[p][k]) ** 2 for k in (0, 1) if present[p][k]]
    return sum(ranking) / max(1, len(ranking)) + weight * sum(squares) / max(1, len(squares))
