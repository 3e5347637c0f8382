"""How far a reward model agrees with the judge, how sure it may be, what length does to it, and whether it looks."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from caspo.agreement import (
    Floats,
    correlate,
    correlate_ranks,
    count_right,
    mean_or_nan,
    measure_miscalibration,
    sort_into_bins,
)
from caspo.errors import DataRefused
from caspo.reward_model.conversations import Asked
from caspo.reward_model.rows import Rated, RatedPair, RewardRows, read_rows
from storage.intervals import wilson_interval

FEW = 100
"""Pairs below which a report says that they are few."""


class Rater(Protocol):
    """A `RewardModel`, or anything that rates like one."""

    record: dict[str, Any]

    def rate(self, asked: Iterable[Asked], *, batch: int) -> list[float]:
        """Return a reward for each."""


def read_held_out(model: Rater, data: Path, pictures: Path) -> tuple[RewardRows, str]:
    """Return the rows to measure a model on, and in words which those are.

    Of the data that it was trained on, the items that were held out; of any other data, all.

    Raises:
        DataRefused: The data cannot be read, or nothing of it is left.
    """
    said = model.record["config"]
    rows = read_rows(data, pictures, gap=0.0)
    words = "all rows of other data than it was trained on"
    if set(rows.files.values()) & set(model.record["data"]["files"].values()):
        rows = read_rows(
            data, pictures, gap=0.0, part="held-out", held_out_share=said["held_out_share"], seed=said["seed"]
        )
        words = "the items that its training held out"
    if not rows.pairs and not rows.singles:
        raise DataRefused(
            f"{data} leaves nothing to measure on ({words}, held_out_share={said['held_out_share']}); give other data, "
            "or train with a larger held_out_share"
        )
    return rows, words


def evaluate(model: Rater, rows: RewardRows, *, batch: int = 16) -> dict[str, Any]:
    """Return the report. Figures that are undefined are None.

    Args:
        model: As it is; changed by nothing.
        rows: Pairs and single answers.
        batch: Conversations in the model at once.
    """
    answers = [answer for pair in rows.pairs for answer in (pair.chosen, pair.rejected)] + list(rows.singles)
    reward_N = np.array(model.rate((rows.ask(one) for one in answers), batch=batch))
    score_N = np.array([one.score for one in answers])
    words_N = np.array([one.words for one in answers], dtype=np.float64)
    swapped_N = np.array(model.rate((rows.ask(one, pictures=other) for one, other in _swap(answers)), batch=batch))
    pairs = 2 * len(rows.pairs)
    report = {
        "pairs": {**_measure_pairs(reward_N[:pairs], rows.pairs), "count": len(rows.pairs)},
        "scores": _measure_scores(reward_N, score_N),
        "length": _measure_length(reward_N, score_N, words_N, rows.pairs),
        "pictures": {
            "mean_change": mean_or_nan(np.abs(swapped_N - reward_N)),
            "pair_accuracy": _measure_pairs(swapped_N[:pairs], rows.pairs)["accuracy"],
            "correlation": correlate(swapped_N, score_N),
        },
    }
    cleaned: dict[str, Any] = _without_nan(report)
    return cleaned


def describe(report: dict[str, Any]) -> list[str]:
    """Return the report in lines for people."""
    pairs, scores, length, pictures = (report[name] for name in ("pairs", "scores", "length", "pictures"))
    low, high = pairs["interval"] or (None, None)
    lines = [
        f"pairs: {pairs['count']}, of which {_show(pairs['accuracy'], share=True)} are ranked as the judge does "
        f"({_show(low, share=True)} to {_show(high, share=True)}); miscalibration {_show(pairs['miscalibration'])}",
        f"scores: {scores['count']} answers, mean error {_show(scores['mean_absolute_error'])} of 6 points, bias "
        f"{_show(scores['bias'])}, Pearson {_show(scores['pearson'])}, Spearman {_show(scores['spearman'])}, "
        f"miscalibration {_show(scores['miscalibration'])}",
        f"length: the reward correlates with words {_show(length['reward'])}, the judge's score "
        f"{_show(length['score'])}, what is between them {_show(length['residual'])}; pairs right if the "
        f"better answer is longer {_show(length['accuracy_better_longer'], share=True)}, if shorter "
        f"{_show(length['accuracy_better_shorter'], share=True)}",
        f"pictures: another item's picture moves a reward by {_show(pictures['mean_change'])} points and leaves "
        f"{_show(pictures['pair_accuracy'], share=True)} of the pairs right",
    ]
    if pairs["count"] < FEW:
        lines.append(f"FEW PAIRS: {pairs['count']} tell little; look at the interval")
    return lines


def _measure_pairs(reward_N: Floats, pairs: Sequence[RatedPair]) -> dict[str, Any]:
    said_P = reward_N.reshape(-1, 2)[:, 0] - reward_N.reshape(-1, 2)[:, 1]
    right_P = count_right(np.array([pair.chosen.score - pair.rejected.score for pair in pairs]), said_P)
    sure_P = 1 / (1 + np.exp(-np.abs(said_P)))  # of the answer that it prefers, by Bradley-Terry
    bins = sort_into_bins(sure_P, right_P)
    accuracy = mean_or_nan(right_P)
    return {
        "accuracy": accuracy,
        "interval": wilson_interval(accuracy, len(right_P)) if len(right_P) else None,
        "miscalibration": measure_miscalibration(bins),
        "bins": [asdict(one) for one in bins],
    }


def _measure_scores(reward_N: Floats, score_N: Floats) -> dict[str, Any]:
    bins = sort_into_bins(reward_N, score_N)
    return {
        "count": len(score_N),
        "mean_absolute_error": mean_or_nan(np.abs(reward_N - score_N)),
        "bias": mean_or_nan(reward_N - score_N),
        "pearson": correlate(reward_N, score_N),
        "spearman": correlate_ranks(reward_N, score_N),
        "miscalibration": measure_miscalibration(bins),
        "bins": [asdict(one) for one in bins],
    }


def _measure_length(reward_N: Floats, score_N: Floats, words_N: Floats, pairs: Sequence[RatedPair]) -> dict[str, Any]:
    longer_P = np.array([np.sign(pair.chosen.words - pair.rejected.words) for pair in pairs])
    said_P2 = reward_N[: 2 * len(pairs)].reshape(-1, 2)
    right_P = count_right(np.ones(len(pairs)), said_P2[:, 0] - said_P2[:, 1])
    return {
        "reward": correlate(reward_N, words_N),
        "score": correlate(score_N, words_N),
        "residual": correlate(reward_N - score_N, words_N),
        "accuracy_better_longer": mean_or_nan(right_P[longer_P > 0]),
        "accuracy_better_shorter": mean_or_nan(right_P[longer_P < 0]),
    }


def _swap(answers: Sequence[Rated]) -> list[tuple[Rated, tuple[str, ...]]]:
    """Return each answer with the pictures of the next item that has as many, and others; its own if there is none."""
    kinds: dict[int, dict[tuple[str, ...], None]] = {}
    for one in answers:
        of_count = kinds.setdefault(len(one.pictures), {})
        of_count.setdefault(one.pictures)
    rounds = [list(of_count) for of_count in kinds.values()]
    following = {own: of_count[(at + 1) % len(of_count)] for of_count in rounds for at, own in enumerate(of_count)}
    return [(one, following[one.pictures]) for one in answers]


def _show(value: float | None, *, share: bool = False) -> str:
    if value is None:
        return "undefined"
    return f"{value:.1%}" if share else f"{value:.3f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value
