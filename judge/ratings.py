"""Tables of ratings as the statistics of agreement read them.

Shapes: R raters, I items, K categories. A missing rating is nan.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class UndefinedAgreement(UserWarning):
    """A coefficient is nan because the ratings do not determine it. The message says why."""


def read_ratings(ratings: ArrayLike, *, name: str = "ratings") -> Floats:
    """Return ratings as floats, raters x items.

    Raises:
        ValueError: no numbers, not two-dimensional, or infinite.
    """
    table_RI = _to_floats(ratings, name)
    if table_RI.size == 0:
        return table_RI.reshape(table_RI.shape if table_RI.ndim == 2 else (0, 0))
    if table_RI.ndim != 2:
        raise ValueError(
            f"{name} has {table_RI.ndim} dimension(s), shape {table_RI.shape}; give raters x items, "
            f"one row of ratings for each rater, nan where there is none"
        )
    return table_RI


def read_pair(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return two raters' ratings of the same items as a table of two rows.

    Raises:
        ValueError: not one-dimensional, of different length, or infinite.
    """
    rows = [_to_floats(a, "a"), _to_floats(b, "b")]
    for name, row in zip("ab", rows, strict=True):
        if row.ndim != 1:
            raise ValueError(f"{name} has shape {row.shape}; give one rating for each item, nan where there is none")
    if len(rows[0]) != len(rows[1]):
        raise ValueError(
            f"a has {len(rows[0])} ratings and b has {len(rows[1])}; give both for the same items in the same order, "
            f"nan where there is none"
        )
    return np.stack(rows)


def read_scores(scores: ArrayLike, *, name: str) -> Floats:
    """Return scores as items x dimensions; one score per item becomes one column.

    Raises:
        ValueError: no numbers, more than two-dimensional, or infinite.
    """
    array = _to_floats(scores, name)
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {array.shape}; give items x dimensions, nan where there is no score")
    return array[:, None] if array.ndim == 1 else array


def read_categories(table_RI: Floats, categories: Sequence[float] | None) -> Floats:
    """Return the categories in order: those given, or those that occur.

    Raises:
        ValueError: a category is missing from those given, twice among them, or no number.
    """
    seen = np.unique(table_RI[~np.isnan(table_RI)])
    if categories is None:
        return seen
    given_K = _to_floats(categories, "categories")
    if given_K.ndim != 1 or np.isnan(given_K).any() or len(np.unique(given_K)) != len(given_K):
        raise ValueError(f"categories={categories!r} must be different numbers, for instance (0, 1, 2)")
    given_K = np.sort(given_K)
    unknown = np.setdiff1d(seen, given_K)
    if len(unknown):
        raise ValueError(
            f"rating {unknown[0]:g} is not among categories={given_K.tolist()}; add it, or correct the rating"
        )
    return given_K


def read_weights(item_weights: ArrayLike | None, items: int) -> Floats:
    """Return a weight for each item, of mean 1; all 1 when none are given.

    Raises:
        ValueError: they are not one for each item, or one is not above 0.
    """
    if item_weights is None:
        return np.ones(items)
    weight_I = _to_floats(item_weights, "item_weights")
    if weight_I.shape != (items,):
        raise ValueError(f"item_weights has shape {weight_I.shape} and there are {items} items; give one for each")
    if not (weight_I > 0).all():
        raise ValueError(f"item_weights holds {weight_I.min():g}; give numbers above 0: 1 / the chance of being drawn")
    return weight_I / weight_I.mean() if items else weight_I


def sum_by_cluster(features_IF: Floats, clusters: ArrayLike) -> Floats:
    """Return what the items of each cluster add together, (clusters, F), in the order of their numbers.

    Raises:
        ValueError: there is not one number for each item.
    """
    numbers_I = _to_floats(clusters, "clusters")
    if numbers_I.shape != features_IF.shape[:1]:
        raise ValueError(f"clusters has shape {numbers_I.shape} and there are {len(features_IF)} items; give one each")
    place_I = np.unique(numbers_I, return_inverse=True)[1]
    sums = np.zeros((place_I.max() + 1 if len(place_I) else 0, features_IF.shape[1]))
    np.add.at(sums, place_I, features_IF)
    return sums


def count_by_item(table_RI: Floats, categories_K: Floats) -> Floats:
    """Return how many raters put each item into each category, (I, K)."""
    return np.stack([(table_RI == category).sum(axis=0) for category in categories_K], axis=1).astype(float)


def why_incomparable(table_RI: Floats) -> str:
    """Return why no agreement beyond chance can be told from these ratings, or an empty text.

    Only items with two ratings or more say anything about agreement.
    """
    present_RI = ~np.isnan(table_RI)
    if not present_RI.any():
        return "there are no ratings"
    if present_RI.any(axis=1).sum() < 2:
        return "there is one rater only; agreement needs two"
    paired_I = present_RI.sum(axis=0) >= 2
    if not paired_I.any():
        return "no item has two ratings"
    values = np.unique(table_RI[:, paired_I][present_RI[:, paired_I]])
    if len(values) == 1:
        return f"every rating that can be compared is {values[0]:g}; chance alone would agree as well"
    return ""


def _to_floats(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} cannot be read as numbers ({error}); give numbers, nan where there is none, rows of equal length"
        ) from error
    if np.isinf(array).any():
        raise ValueError(f"{name} holds {array[np.isinf(array)][0]}; give finite numbers, nan where there is none")
    return array
