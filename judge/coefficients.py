"""The coefficients of agreement as functions of sums over items.

Each function here returns what every item adds and how the coefficient follows from the sums, so that `judge.agreement`
computes it once and `judge.resampling` for thousands of resamples at a time. The categories are fixed beforehand,
so a resample in which one of them is missing is measured on the same scale.

Shapes: R raters, I items, K categories, F numbers per item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import ArrayLike

from judge.ratings import Floats, count_by_item, read_categories, why_incomparable
from judge.resampling import Finish

_NOTHING = np.zeros((0, 1))


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient as a function of sums over items."""

    features_IF: Floats
    finish: Finish
    reason: str = ""
    """Why the coefficient is undefined; empty when it is not."""

    def value(self) -> tuple[float, str]:
        """Return the coefficient over all items, and why it is nan when it is."""
        if self.reason:
            return nan, self.reason
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(self.finish(self.features_IF.sum(axis=0)))
        return (value, "") if isfinite(value) else (nan, "with these weights chance is not expected to disagree")


def cohen(
    table_RI: Floats, *, weights: str | ArrayLike | None = None, categories: Sequence[float] | None = None
) -> Coefficient:
    """Return Cohen's kappa (1960, 1968): 1 minus the weighted disagreement over what two independent raters would have.

    Raises:
        ValueError: there are not two raters, a rating is not among the categories, or the weights are unknown.
    """
    categories_K = read_categories(table_RI, categories)
    disagreement_KK = _read_disagreement(weights, categories_K)
    if table_RI.size and len(table_RI) != 2:
        raise ValueError(f"Cohen's kappa is of two raters and there are {len(table_RI)}; use fleiss_kappa")
    reason = why_incomparable(table_RI)
    if reason:
        return Coefficient(_NOTHING, _never, reason)
    a_IK, b_IK = ((row[:, None] == categories_K).astype(float) for row in table_RI)
    size = len(categories_K)

    def finish(sums: Floats) -> Floats:
        joint = sums.reshape(*sums.shape[:-1], size, size)
        expected = joint.sum(axis=-1)[..., :, None] * joint.sum(axis=-2)[..., None, :] / _total(joint)[..., None, None]
        return np.asarray(1 - _total(disagreement_KK * joint) / _total(disagreement_KK * expected))

    return Coefficient((a_IK[:, :, None] * b_IK[:, None, :]).reshape(-1, size * size), finish)


def fleiss(table_RI: Floats) -> Coefficient:
    """Return Fleiss' kappa (1971), generalised to unequal numbers of ratings per item as by Gwet (2014)."""
    reason = why_incomparable(table_RI)
    if reason:
        return Coefficient(_NOTHING, _never, reason)
    categories_K = read_categories(table_RI, None)

    def finish(sums: Floats) -> Floats:
        agreed, shares_K = _agreed_and_shares(sums)
        chance = (shares_K**2).sum(axis=-1)
        return np.asarray((agreed - chance) / (1 - chance))

    return Coefficient(_pair_features(table_RI, categories_K, np.eye(len(categories_K))), finish)


def ac1(table_RI: Floats, *, categories: Sequence[float] | None = None) -> Coefficient:
    """Return Gwet's AC1 (2008).

    Raises:
        ValueError: a rating is not among the categories.
    """
    categories_K = read_categories(table_RI, categories)
    return _gwet(table_RI, categories_K, np.eye(len(categories_K)))


def ac2(table_RI: Floats, *, weights: str = "quadratic", categories: Sequence[float] | None = None) -> Coefficient:
    """Return Gwet's AC2 (2014).

    Raises:
        ValueError: a rating is not among the categories, or the weights are unknown.
    """
    if weights not in ("linear", "quadratic"):
        raise ValueError(f"weights={weights!r} is unknown; give 'linear' or 'quadratic', or use gwet_ac1 for none")
    categories_K = read_categories(table_RI, categories)
    distance_KK = np.abs(categories_K[:, None] - categories_K)
    if len(categories_K) > 1:
        distance_KK /= np.ptp(categories_K)
    return _gwet(table_RI, categories_K, 1 - distance_KK ** (1 if weights == "linear" else 2))


def krippendorff(table_RI: Floats, *, level: str = "ordinal") -> Coefficient:
    """Return Krippendorff's alpha (2011): 1 minus observed over expected disagreement among pairable values.

    Raises:
        ValueError: the level is unknown.
    """
    if level not in ("nominal", "ordinal", "interval"):
        raise ValueError(f"level={level!r} is unknown; give 'nominal', 'ordinal' or 'interval'")
    reason = why_incomparable(table_RI)
    if reason:
        return Coefficient(_NOTHING, _never, reason)
    categories_K = read_categories(table_RI, None)
    counts_IK = count_by_item(table_RI, categories_K)
    given_I = counts_IK.sum(axis=1)
    pairs_IKK = counts_IK[:, :, None] * counts_IK[:, None, :] - np.eye(len(categories_K)) * counts_IK[:, :, None]
    pairs_IKK /= np.maximum(given_I - 1, 1)[:, None, None]
    size = len(categories_K)

    def finish(sums: Floats) -> Floats:
        joint = sums.reshape(*sums.shape[:-1], size, size)
        values_K = joint.sum(axis=-1)
        squared = _alpha_distances(values_K, categories_K, level)
        expected = _total(values_K[..., :, None] * values_K[..., None, :] * squared)
        return np.asarray(1 - (values_K.sum(axis=-1) - 1) * _total(joint * squared) / expected)

    return Coefficient(pairs_IKK.reshape(-1, size * size), finish)


def _gwet(table_RI: Floats, categories_K: Floats, weights_KK: Floats) -> Coefficient:
    """Return Gwet's coefficient with these weights of agreement."""
    reason = why_incomparable(table_RI)
    if reason:
        return Coefficient(_NOTHING, _never, reason)
    size = len(categories_K)
    hard = weights_KK.sum() / (size * (size - 1))

    def finish(sums: Floats) -> Floats:
        agreed, shares_K = _agreed_and_shares(sums)
        chance = hard * (shares_K * (1 - shares_K)).sum(axis=-1)
        return np.asarray((agreed - chance) / (1 - chance))

    return Coefficient(_pair_features(table_RI, categories_K, weights_KK), finish)


def _pair_features(table_RI: Floats, categories_K: Floats, weights_KK: Floats) -> Floats:
    """Return what each item adds, (I, 3 + K).

    Its share of agreeing pairs, 1 if it has pairs, 1 if it was rated, and the share of its ratings in each category.
    """
    counts_IK = count_by_item(table_RI, categories_K)
    given_I = counts_IK.sum(axis=1)
    agreeing_I = (counts_IK * (counts_IK @ weights_KK - 1)).sum(axis=1)
    paired_I = given_I >= 2
    return np.column_stack(
        [
            np.where(paired_I, agreeing_I / np.maximum(given_I * (given_I - 1), 1), 0.0),
            paired_I,
            given_I >= 1,
            counts_IK / np.maximum(given_I, 1)[:, None],
        ]
    )


def _agreed_and_shares(sums: Floats) -> tuple[Floats, Floats]:
    """Return observed agreement and the shares of the categories from sums of `_pair_features`."""
    return sums[..., 0] / sums[..., 1], sums[..., 3:] / sums[..., 2:3]


def _alpha_distances(values_K: Floats, categories_K: Floats, level: str) -> Floats:
    """Return Krippendorff's squared differences between categories, (..., K, K).

    Ordinal: the squared difference of mid-ranks among the pairable values, which is his sum over what lies between.
    """
    if level == "nominal":
        return 1 - np.eye(len(categories_K))
    place = categories_K if level == "interval" else np.cumsum(values_K, axis=-1) - values_K / 2
    return np.asarray((place[..., :, None] - place[..., None, :]) ** 2)


def _read_disagreement(weights: str | ArrayLike | None, categories_K: Floats) -> Floats:
    """Return how much each disagreement counts, (K, K).

    Raises:
        ValueError: unknown name; or a matrix of the wrong shape, with a negative weight, or with weight on agreement.
    """
    distance_KK = np.abs(categories_K[:, None] - categories_K)
    if weights is None:
        return np.asarray(1 - np.eye(len(categories_K)))
    if isinstance(weights, str):
        if weights not in ("linear", "quadratic"):
            raise ValueError(f"weights={weights!r} is unknown; give None, 'linear', 'quadratic' or a matrix")
        return np.asarray(distance_KK ** (1 if weights == "linear" else 2))
    given_KK = np.asarray(weights, dtype=float)
    if given_KK.shape != distance_KK.shape:
        raise ValueError(
            f"weights has shape {given_KK.shape} and there are {len(categories_K)} categories "
            f"({categories_K.tolist()}); give a row and a column for each, and name them by categories="
        )
    if not np.isfinite(given_KK).all() or (given_KK < 0).any() or np.diag(given_KK).any():
        raise ValueError(
            f"weights={given_KK.tolist()} must be weights of disagreement: finite, none negative, 0 on the diagonal"
        )
    return given_KK


def _total(table: Floats) -> Floats:
    return np.asarray(table.sum(axis=(-2, -1)))


def _never(sums: Floats) -> Floats:
    return np.full(sums.shape[:-1], nan)
