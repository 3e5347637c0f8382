"""Figures of agreement, each against a case worked out by hand."""

import math

import numpy as np
import pytest

from caspo.agreement import Bin, correlate, correlate_ranks, count_right, measure_miscalibration, sort_into_bins


def test_right_pairs_ties_and_equal_scores() -> None:
    right = count_right(np.array([3.0, -2.0, 1.0, 1.0, 0.0]), np.array([0.1, -5.0, -1.0, 0.0, 4.0]))
    assert right.tolist() == [1.0, 1.0, 0.0, 0.5]


def test_correlations() -> None:
    one, other = np.array([1.0, 2.0, 2.0, 10.0]), np.array([1.0, 3.0, 5.0, 4.0])
    ranks, others = np.array([1, 2.5, 2.5, 4]), np.array([1, 2, 4, 3])
    assert correlate_ranks(one, other) == pytest.approx(np.corrcoef(ranks, others)[0, 1])
    assert correlate(one, -one) == pytest.approx(-1)
    assert math.isnan(correlate(one, np.ones(4)))
    assert math.isnan(correlate(one[:1], other[:1]))


def test_bins_and_the_distance_between_said_and_found() -> None:
    bins = sort_into_bins(np.array([0.9, 0.1, 0.8, 0.2]), np.array([1.0, 0.0, 0.0, 1.0]), bins=2)
    assert [(round(one.predicted, 9), one.found, one.count) for one in bins] == [(0.15, 0.5, 2), (0.85, 0.5, 2)]
    assert measure_miscalibration([Bin(0.15, 0.5, 1), Bin(0.85, 0.5, 3)]) == pytest.approx(0.35)
    assert math.isnan(measure_miscalibration(sort_into_bins(np.array([]), np.array([]))))
