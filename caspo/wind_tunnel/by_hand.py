"""A step of CASPO by hand: Eq. 4-6 in plain Python numbers, one at a time, written from the paper's equations.

Nothing here is of `caspo.objective`, and no tensor either: that is what the self-check is worth. A row is one answer
and has a number for each of its tokens, its end token included; there is no padding and no mask.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[float]
Rows = Sequence[Row]

EPS = 1e-6
"""Added to each standard deviation, as the trainer does."""


@dataclass(frozen=True)
class Rules:
    """What the equations leave to a config."""

    mode: str
    lam: float
    signal_floor: float
    zero_outcome: str
    beta: float


@dataclass(frozen=True)
class HandMade:
    """Everything that a step works out of log-probabilities and rewards."""

    signal: list[list[float]] | None
    """r, Eq. 4; None in mode `outcome`."""
    outcome: list[float]
    """R^ of each answer."""
    advantage: list[list[float]]
    """A, Eq. 5."""
    kl: float
    """Divergence from the start, k3, nats a token."""
    loss: float
    """What Eq. 6 maximises, with its sign turned."""
    slopes: list[list[float]]
    """Of the loss, along each token's log-probability under the policy."""


def work_out(
    logp: Rows, reference: Rows, guided: Rows | None, rewards: Sequence[float], groups: Sequence[int], rules: Rules
) -> HandMade:
    """Return a step worked out from what three models say of its answers.

    Args:
        logp: Of each token under the policy.
        reference: Under the policy as it was at the start.
        guided: Under the teacher with the constitution; None in mode `outcome`.
        rewards: Of each answer.
        groups: The prompt of each answer, as a number.
        rules: The rest.
    """
    outcome = [
        _standardise(reward, [other for other, its in zip(rewards, groups, strict=True) if its == group], floor=0.0)
        for reward, group in zip(rewards, groups, strict=True)
    ]
    signal = None if guided is None else [_subtract(there, here) for there, here in zip(guided, logp, strict=True)]
    normal = [[0.0] * len(row) for row in logp] if signal is None else _standardise_signal(signal, groups, rules)
    advantage = [[_weigh(big, small, rules) for small in row] for big, row in zip(outcome, normal, strict=True)]
    ahead = [_subtract(there, here) for there, here in zip(reference, logp, strict=True)]
    kl = _average([[math.exp(d) - 1 - d for d in row] for row in ahead])
    slopes = [
        [(-a + rules.beta * (1 - math.exp(d))) / (len(row) * len(logp)) for a, d in zip(row, away, strict=True)]
        for row, away in zip(advantage, ahead, strict=True)
    ]
    # Strictly on-policy: the importance ratio is 1, so Eq. 6 is the mean of the advantages.
    return HandMade(signal, outcome, advantage, kl, -_average(advantage) + rules.beta * kl, slopes)


def _standardise_signal(signal: Rows, groups: Sequence[int], rules: Rules) -> list[list[float]]:
    """Return r^: each r against all tokens of its group's answers."""
    members = {
        group: [r for row, its in zip(signal, groups, strict=True) if its == group for r in row]
        for group in set(groups)
    }
    return [
        [_standardise(r, members[group], floor=rules.signal_floor) for r in row]
        for row, group in zip(signal, groups, strict=True)
    ]


def _standardise(value: float, members: Sequence[float], *, floor: float) -> float:
    """The hat of section 5.1: less the mean of the members, over their standard deviation."""
    if len(set(members)) <= 1:
        return 0.0
    mean = math.fsum(members) / len(members)
    variance = math.fsum((member - mean) ** 2 for member in members) / (len(members) - 1)
    return (value - mean) / (max(math.sqrt(variance), floor) + EPS)


def _weigh(big: float, small: float, rules: Rules) -> float:
    """Eq. 5 of one token: R^ (1 + lambda sgn(R^) r^); or one of its two parts alone."""
    if rules.mode == "outcome":
        return big
    if rules.mode == "token":
        return small
    if big == 0:
        return rules.lam * small if rules.zero_outcome == "token" else 0.0
    return big * (1 + rules.lam * math.copysign(1, big) * small)


def _subtract(first: Row, second: Row) -> list[float]:
    return [a - b for a, b in zip(first, second, strict=True)]


def _average(rows: Rows) -> float:
    """1/G sum 1/T_i sum: the mean of the answers' means."""
    return math.fsum(math.fsum(row) / len(row) for row in rows) / len(rows)
