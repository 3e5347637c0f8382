"""Dawid and Skene's model: each item has one true category, and each rater confuses categories in their own way.

Shapes: R raters, I items, K categories.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judge.ratings import Floats, UndefinedAgreement, read_categories, read_ratings

_SMALLEST = 1e-10
"""No answer is held to be impossible for a rater, however seldom it was given; crowd-kit has the same number."""


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """What the model makes of the ratings."""

    categories_K: Floats
    labels_I: Floats
    """The likeliest category of each item; nan for an item without ratings. Ties go to the lower category."""
    majority_I: Floats
    """The category that most raters chose, ties to the lower one: with few raters the model seldom does better."""
    posterior_IK: Floats
    """How likely each category is for each item; nan for an item without ratings."""
    confusion_RKK: Floats
    """How likely each rater (first) gives each answer (last) when another (middle) is true; nan for a rater without
    ratings."""
    prevalence_K: Floats
    iterations: int
    converged: bool
    reason: str = ""
    """Why there is no estimate; then labels, posterior and the rest are nan."""


def dawid_skene(
    ratings: ArrayLike,
    *,
    categories: Sequence[float] | None = None,
    max_iterations: int = 100,
    tolerance: float = 1e-5,
) -> DawidSkene:
    """Return the estimate of Dawid and Skene (1979) by expectation maximisation, begun from each item's shares.

    Args:
        ratings: raters x items, nan where there is none.
        categories: all that may occur; those that occur by default.
        max_iterations: at most so many rounds.
        tolerance: stop when the log-likelihood per item grows by less.

    Raises:
        ValueError: not two-dimensional, or a rating is infinite or not among the categories.
    """
    table_RI = read_ratings(ratings)
    categories_K = read_categories(table_RI, categories)
    answers_RIK = (table_RI[:, :, None] == categories_K).astype(float)
    given_IK = answers_RIK.sum(axis=0)
    rated_I = np.asarray(given_IK.sum(axis=1) > 0)
    reason = ""
    if not rated_I.any():
        reason = "there are no ratings"
    elif answers_RIK.any(axis=(1, 2)).sum() < 2:
        reason = "there is one rater only; whom to trust cannot be told"
    if reason:
        warnings.warn(f"dawid_skene is undefined: {reason}", UndefinedAgreement, stacklevel=2)
        return _undefined(table_RI.shape, categories_K, reason)
    posterior_IK = given_IK / np.maximum(given_IK.sum(axis=1, keepdims=True), 1)
    bound, converged, iterations = -np.inf, False, 0
    while iterations < max_iterations and not converged:
        iterations += 1
        prevalence_K, confusion_RKK = _maximise(answers_RIK, posterior_IK, rated_I)
        posterior_IK, likelihood = _expect(answers_RIK, prevalence_K, confusion_RKK, rated_I)
        converged = likelihood - bound < tolerance
        bound = likelihood
    prevalence_K, confusion_RKK = _maximise(answers_RIK, posterior_IK, rated_I)
    return DawidSkene(
        categories_K=categories_K,
        labels_I=np.where(rated_I, categories_K[posterior_IK.argmax(axis=1)], np.nan),
        majority_I=np.where(rated_I, categories_K[given_IK.argmax(axis=1)], np.nan),
        posterior_IK=np.where(rated_I[:, None], posterior_IK, np.nan),
        confusion_RKK=np.where(answers_RIK.any(axis=(1, 2))[:, None, None], confusion_RKK, np.nan),
        prevalence_K=prevalence_K,
        iterations=iterations,
        converged=converged,
    )


def _maximise(answers_RIK: Floats, posterior_IK: Floats, rated_I: Floats) -> tuple[Floats, Floats]:
    """Return prevalence and confusion given how likely each category is for each item."""
    together_RKK = np.maximum(np.einsum("it,rik->rtk", posterior_IK, answers_RIK), _SMALLEST)
    used_RK = np.asarray(answers_RIK.max(axis=1))
    confusion_RKK = together_RKK / (together_RKK * used_RK[:, None, :]).sum(axis=2, keepdims=True).clip(_SMALLEST)
    return posterior_IK[rated_I].mean(axis=0), confusion_RKK


def _expect(answers_RIK: Floats, prevalence_K: Floats, confusion_RKK: Floats, rated_I: Floats) -> tuple[Floats, float]:
    """Return how likely each category is for each item, and the log-likelihood per rated item."""
    log_IK = np.einsum("rik,rtk->it", answers_RIK, np.log(confusion_RKK)) + np.log(np.maximum(prevalence_K, _SMALLEST))
    highest_I = log_IK.max(axis=1, keepdims=True)
    joint_IK = np.exp(log_IK - highest_I)
    sum_I = joint_IK.sum(axis=1, keepdims=True)
    likelihood = float((np.log(sum_I) + highest_I)[rated_I].mean())
    return joint_IK / sum_I, likelihood


def _undefined(shape: tuple[int, ...], categories_K: Floats, reason: str) -> DawidSkene:
    raters, items = shape
    size = len(categories_K)
    return DawidSkene(
        categories_K=categories_K,
        labels_I=np.full(items, np.nan),
        majority_I=np.full(items, np.nan),
        posterior_IK=np.full((items, size), np.nan),
        confusion_RKK=np.full((raters, size, size), np.nan),
        prevalence_K=np.full(size, np.nan),
        iterations=0,
        converged=False,
        reason=reason,
    )
