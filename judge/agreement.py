"""How far raters agree, people with people or people with the judge, and beyond what chance would give.

`ratings` are raters x items, nan where a rater gave none. Where the ratings do not determine a coefficient (one rater,
constant scores, nothing rated twice) it is nan, never 1, and an `UndefinedAgreement` warning says why;
`bootstrap_interval` returns the reason with the value. Distances between categories are distances between their
values, so scores 0, 1, 2 and half points keep their meaning when a category does not occur.

Every coefficient but `dawid_skene` is computed from sums over items (see `judge.resampling`), so that its interval
is quick. docs/judge-statistics.md says what each means and which libraries it was compared with.

Shapes: R raters, I items, K categories, F numbers per item, D dimensions of the rubric.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judge.coefficients import Coefficient, ac1, ac2, cohen, fleiss, krippendorff
from judge.latent_classes import DawidSkene, dawid_skene
from judge.ratings import Floats, UndefinedAgreement, read_pair, read_ratings, read_scores, why_incomparable
from judge.resampling import DEFAULT_RESAMPLES, Interval, check_resampling, from_draws, resample_sums
from storage.intervals import wilson_interval

__all__ = [
    "Consistency",
    "DawidSkene",
    "Interval",
    "UndefinedAgreement",
    "bootstrap_interval",
    "cohen_kappa",
    "consistency_rate",
    "dawid_skene",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "krippendorff_alpha",
]


@dataclass(frozen=True, slots=True)
class Consistency:
    """How often two scorers gave exactly the same score. Shares are between 0 and 1, nan of nothing."""

    per_score: float
    """Equal scores among all scores that both gave: an item with three scores counts three times."""
    per_item: float
    """Items whose scores are all equal, among the items on which both gave every score."""
    by_dimension: tuple[float, ...]
    """The share for each column, in order."""
    per_score_interval: tuple[float, float]
    """Resampled by item, since the scores of one item go together. Nan when resampling shows no spread."""
    per_item_interval: tuple[float, float]
    """After Wilson."""
    scores: int
    items: int
    reason: str = ""
    """Why a share is nan."""


def consistency_rate(
    judge: ArrayLike, human: ArrayLike, *, confidence: float = 0.95, resamples: int = DEFAULT_RESAMPLES, seed: int = 0
) -> Consistency:
    """Return how often judge and human scores are equal, per score and per item.

    The paper reports "consistency 86.5%" and does not say which of the two it means (A.2).

    Args:
        judge: scores, items x dimensions (for R, S, E three columns), or one score per item; nan where there is none.
        human: scores of the same shape.
        confidence: of both intervals.
        resamples: how often the items are drawn.
        seed: of the draws.

    Raises:
        ValueError: shapes differ, or a score is infinite or no number.
    """
    check_resampling(confidence=confidence, resamples=resamples)
    judge_ID, human_ID = read_scores(judge, name="judge"), read_scores(human, name="human")
    if judge_ID.shape != human_ID.shape:
        raise ValueError(
            f"judge has shape {judge_ID.shape} and human {human_ID.shape}; give the same items and dimensions in the "
            f"same order, nan where there is no score"
        )
    both_ID = ~np.isnan(judge_ID) & ~np.isnan(human_ID)
    equal_ID = both_ID & (judge_ID == human_ID)
    whole_I = both_ID.all(axis=1) if both_ID.size else np.zeros(0, dtype=bool)
    scores, items = int(both_ID.sum()), int(whole_I.sum())
    equal_items = int(equal_ID[whole_I].all(axis=1).sum())
    reason = "" if items else "no item has all scores of both" if scores else "no score was given by both"
    sums_I2 = np.stack([equal_ID.sum(axis=1), both_ID.sum(axis=1)], axis=1).astype(float)
    over_items = resample_sums(
        sums_I2, lambda sums: sums[..., 0] / sums[..., 1], confidence=confidence, resamples=resamples, seed=seed
    )
    return Consistency(
        per_score=equal_ID.sum() / scores if scores else nan,
        per_item=equal_items / items if items else nan,
        by_dimension=tuple(
            float(equal / both) if both else nan
            for equal, both in zip(equal_ID.sum(axis=0), both_ID.sum(axis=0), strict=True)
        ),
        per_score_interval=(over_items.low, over_items.high),
        per_item_interval=wilson_interval(equal_items / items, items, confidence=confidence) if items else (nan, nan),
        scores=scores,
        items=items,
        reason=reason,
    )


def cohen_kappa(
    a: ArrayLike, b: ArrayLike, *, weights: str | ArrayLike | None = None, categories: Sequence[float] | None = None
) -> float:
    """Return Cohen's kappa of two raters (Cohen 1960; weighted: Cohen 1968).

    Items that only one of them rated are left out.

    Args:
        a: one rating for each item, (I,).
        b: the other rater's, (I,).
        weights: how much a disagreement counts: None (all alike), "linear" or "quadratic" (distance of the values,
            or its square), or a K x K matrix of disagreement weights in the order of the categories.
        categories: all that may occur, only needed for a matrix; those that occur by default.

    Raises:
        ValueError: lengths differ, a rating is infinite or not among the categories, or the weights are unknown.
    """
    return _value_or_warn("cohen_kappa", cohen(read_pair(a, b), weights=weights, categories=categories))


def fleiss_kappa(ratings: ArrayLike) -> float:
    """Return Fleiss' kappa (Fleiss 1971), in Gwet's form for items with unequal numbers of ratings (as in irrCAC).

    An item with one rating counts for how common the categories are, not for agreement.

    Args:
        ratings: raters x items, nan where there is none. Categories have no order.

    Raises:
        ValueError: not two-dimensional, or a rating is infinite.
    """
    return _value_or_warn("fleiss_kappa", fleiss(read_ratings(ratings)))


def krippendorff_alpha(ratings: ArrayLike, *, level: str = "ordinal") -> float:
    """Return Krippendorff's alpha (Krippendorff 2011). Items with fewer than two ratings are left out.

    Categories that do not occur make no difference, whatever the level.

    Args:
        ratings: raters x items, nan where there is none.
        level: "nominal", "ordinal" or "interval".

    Raises:
        ValueError: not two-dimensional, a rating is infinite, or the level is unknown.
    """
    return _value_or_warn("krippendorff_alpha", krippendorff(read_ratings(ratings), level=level))


def gwet_ac1(ratings: ArrayLike, *, categories: Sequence[float] | None = None) -> float:
    """Return Gwet's AC1 (Gwet 2008), which keeps its meaning where nearly all scores are alike.

    Args:
        ratings: raters x items, nan where there is none.
        categories: all that may occur, for instance (0, 1, 2). The value depends on how many there are; those that
            occur by default.

    Raises:
        ValueError: not two-dimensional, or a rating is infinite or not among the categories.
    """
    return _value_or_warn("gwet_ac1", ac1(read_ratings(ratings), categories=categories))


def gwet_ac2(ratings: ArrayLike, *, weights: str = "quadratic", categories: Sequence[float] | None = None) -> float:
    """Return Gwet's AC2, which is AC1 with partial agreement (Gwet 2014, as in irrCAC).

    Args:
        ratings: raters x items, nan where there is none.
        weights: "linear" or "quadratic": agreement falls with the distance of the values, or its square, from 1 to 0
            over the range of the categories.
        categories: all that may occur, for instance (0, 1, 2). The value depends on them; those that occur by default.

    Raises:
        ValueError: not two-dimensional, a rating is infinite or not among the categories, or the weights are unknown.
    """
    return _value_or_warn("gwet_ac2", ac2(read_ratings(ratings), weights=weights, categories=categories))


def bootstrap_interval(
    statistic: Callable[..., float],
    ratings: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    **options: Any,
) -> Interval:
    """Return a coefficient with its interval over resamples of items, each with all its ratings (BCa).

    Categories are those of all items, also where a resample lacks one. Coverage was measured for 40 items and more.

    Args:
        statistic: a coefficient of this module (`cohen_kappa` reads the two rows of `ratings`), or any function of
            ratings that returns a number, which is then called for every resample: slow.
        ratings: raters x items, nan where there is none.
        confidence: of the interval, between 0 and 1.
        resamples: how often the items are drawn.
        seed: the same seed gives the same interval.
        **options: of the statistic: `level`, `weights`, `categories`.

    Raises:
        ValueError: what the statistic refuses; a confidence or number of resamples that cannot be used.
    """
    check_resampling(confidence=confidence, resamples=resamples)
    table_RI = read_ratings(ratings)
    if statistic not in _BY_SUMS:
        call = partial(statistic, **options)
        return _resample_by_calls(call, table_RI, confidence=confidence, resamples=resamples, seed=seed)
    coefficient = _BY_SUMS[statistic](table_RI, **options)
    value, reason = coefficient.value()
    if reason:
        return Interval(value, nan, nan, confidence, resamples, 0, reason)
    return resample_sums(
        coefficient.features_IF, coefficient.finish, confidence=confidence, resamples=resamples, seed=seed
    )


_BY_SUMS: dict[Callable[..., float], Callable[..., Coefficient]] = {
    cohen_kappa: cohen,
    fleiss_kappa: fleiss,
    gwet_ac1: ac1,
    gwet_ac2: ac2,
    krippendorff_alpha: krippendorff,
}


def _resample_by_calls(
    statistic: Callable[..., float], table_RI: Floats, *, confidence: float, resamples: int, seed: int
) -> Interval:
    """Return the interval of any function of ratings, by calling it for every resample and without each item."""
    items = table_RI.shape[1]
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedAgreement)
        value = float(statistic(table_RI))
        if not isfinite(value):
            reason = why_incomparable(table_RI) or "the statistic gives no number"
            return Interval(nan, nan, nan, confidence, resamples, 0, reason)
        draws = [float(statistic(table_RI[:, rng.integers(items, size=items)])) for _ in range(resamples)]
        left_out = [float(statistic(np.delete(table_RI, item, axis=1))) for item in range(items)]
    return from_draws(value, np.array(draws), left_out=np.array(left_out), confidence=confidence)


def _value_or_warn(name: str, coefficient: Coefficient) -> float:
    """Return the coefficient, with a warning when it is nan."""
    value, reason = coefficient.value()
    if reason:
        warnings.warn(f"{name} is undefined: {reason}", UndefinedAgreement, stacklevel=3)
    return value
