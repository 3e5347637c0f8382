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
from judge.ratings import (
    Floats,
    UndefinedAgreement,
    read_pair,
    read_ratings,
    read_scores,
    read_weights,
    sum_by_cluster,
    why_incomparable,
)
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
    """After Wilson; resampled where the items have weights."""
    scores: int
    items: int
    reason: str = ""
    """Why a share is nan."""


def consistency_rate(
    judge: ArrayLike,
    human: ArrayLike,
    *,
    item_weights: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
) -> Consistency:
    """Return how often judge and human scores are equal, per score and per item.

    The paper reports "consistency 86.5%" and does not say which of the two it means (A.2).

    Args:
        judge: scores, items x dimensions (for R, S, E three columns), or one score per item; nan where there is none.
        human: scores of the same shape.
        item_weights: 1 / each item's chance of being drawn, where the sample was stratified.
        confidence: of both intervals.
        resamples: how often the items are drawn.
        seed: of the draws.

    Raises:
        ValueError: shapes differ, a score is infinite or no number, or a weight is not above 0.
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
    weight_I = read_weights(item_weights, len(judge_ID))
    whole_I = both_ID.all(axis=1) if both_ID.size else np.zeros(len(judge_ID), dtype=bool)
    scores, items = int(both_ID.sum()), int(whole_I.sum())

    def weigh(equal_I: Floats, of_I: Floats) -> Interval:
        return resample_sums(
            np.stack([equal_I, of_I], axis=1) * weight_I[:, None],
            lambda sums: sums[..., 0] / sums[..., 1],
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )

    per_score = weigh(equal_ID.sum(axis=1), both_ID.sum(axis=1))
    per_item = weigh((equal_ID.all(axis=1) & whole_I).astype(float), whole_I.astype(float))
    plain, wilson = item_weights is None and items > 0, partial(wilson_interval, confidence=confidence)
    reason = "" if items else "no item has all scores of both" if scores else "no score was given by both"
    return Consistency(
        per_score=per_score.value,
        per_item=per_item.value,
        by_dimension=tuple(_divide(weight_I @ equal_ID, weight_I @ both_ID)),
        per_score_interval=(per_score.low, per_score.high),
        per_item_interval=wilson(per_item.value, items) if plain else (per_item.low, per_item.high),
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
    item_weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
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
        item_weights: 1 / each item's chance of being drawn, where the sample was stratified. The value is weighted;
            the interval makes no use of the strata. For the coefficients of this module.
        clusters: a number for each item; items of one number are drawn together, such as R, S and E of one answer.
            For the coefficients of this module.
        confidence: of the interval, between 0 and 1.
        resamples: how often the items are drawn.
        seed: the same seed gives the same interval.
        **options: of the statistic: `level`, `weights`, `categories`.

    Raises:
        ValueError: what the statistic refuses; a confidence or number of resamples that cannot be used; weights or
            clusters that are not one for each item, or that the statistic cannot take.
    """
    check_resampling(confidence=confidence, resamples=resamples)
    table_RI = read_ratings(ratings)
    if statistic not in _BY_SUMS:
        if item_weights is not None or clusters is not None:
            raise ValueError("item_weights and clusters need a coefficient of judge.agreement; leave them out")
        call = partial(statistic, **options)
        return _resample_by_calls(call, table_RI, confidence=confidence, resamples=resamples, seed=seed)
    coefficient = _BY_SUMS[statistic](table_RI, **options)
    value, reason = coefficient.value()
    if reason:
        return Interval(value, nan, nan, confidence, resamples, 0, reason)
    features_IF = coefficient.features_IF * read_weights(item_weights, table_RI.shape[1])[:, None]
    if clusters is not None:
        features_IF = sum_by_cluster(features_IF, clusters)
    return resample_sums(features_IF, coefficient.finish, confidence=confidence, resamples=resamples, seed=seed)


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


def _divide(part_D: Floats, whole_D: Floats) -> list[float]:
    """Return the shares; nan of nothing."""
    return [float(part / whole) if whole else nan for part, whole in zip(part_D, whole_D, strict=True)]


def _value_or_warn(name: str, coefficient: Coefficient) -> float:
    """Return the coefficient, with a warning when it is nan."""
    value, reason = coefficient.value()
    if reason:
        warnings.warn(f"{name} is undefined: {reason}", UndefinedAgreement, stacklevel=3)
    return value
