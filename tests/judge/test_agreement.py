"""Coefficients of agreement against published examples, other libraries, loops over the formulas, and simulation."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import permutations
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from judge.agreement import (
    UndefinedAgreement,
    bootstrap_interval,
    cohen_kappa,
    consistency_rate,
    dawid_skene,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
)

FROZEN = json.loads((Path(__file__).parent / "frozen_statistics.json").read_text(encoding="utf-8"))
"""Written by freeze_statistics.py, which says how and from which libraries."""
TABLES = [
    np.array([[nan if score == "." else float(score) for score in row] for row in rows]) for rows in FROZEN["tables"]
]

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", part C: four observers, twelve units. The same
# table is `cac.raw4raters` in Gwet's own irrCAC.
FOUR_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
]


def unfold(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """Return two raters' ratings from their cross table."""
    pairs = [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def ratings_of(counts: list[list[int]]) -> np.ndarray:
    """Return ratings, raters x items, from how many raters chose each category for each item."""
    return np.array([[k for k, count in enumerate(row) for _ in range(count)] for row in counts]).T


def value(function: Callable[..., float], *args: Any, **options: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*args, **options)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_four_observers(level: str, alpha: float) -> None:
    assert value(krippendorff_alpha, FOUR_OBSERVERS, level=level) == pytest.approx(alpha, abs=5e-4)


def test_the_level_of_alpha_is_ordinal_unless_said() -> None:
    assert krippendorff_alpha(FOUR_OBSERVERS) == krippendorff_alpha(FOUR_OBSERVERS, level="ordinal")


def test_ac1_ac2_and_fleiss_of_gwets_four_raters_with_missing_ratings() -> None:
    """Values in the vignettes of irrCAC by K. Gwet (R, 2019)."""
    assert value(gwet_ac1, FOUR_OBSERVERS) == pytest.approx(0.77544, abs=5e-6)
    assert value(gwet_ac2, FOUR_OBSERVERS) == pytest.approx(0.91400, abs=5e-6)
    assert value(fleiss_kappa, FOUR_OBSERVERS) == pytest.approx(0.76117, abs=5e-6)


def test_two_abstractors_of_gwet() -> None:
    """Values in the vignettes of irrCAC by K. Gwet (R, 2019): `cont3x3abstractors`."""
    a, b = unfold([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    assert value(cohen_kappa, a, b) == pytest.approx(0.7964094, abs=5e-8)
    assert value(cohen_kappa, a, b, weights="quadratic") == pytest.approx(0.8921569, abs=5e-8)
    assert value(fleiss_kappa, [a, b]) == pytest.approx(0.7962397, abs=5e-8)  # of two raters: Scott's pi
    assert value(gwet_ac1, [a, b]) == pytest.approx(0.8493305, abs=5e-8)
    assert value(gwet_ac2, [a, b]) == pytest.approx(0.9402369, abs=5e-8)
    assert value(krippendorff_alpha, [a, b], level="nominal") == pytest.approx(0.7972585, abs=5e-8)
    assert value(krippendorff_alpha, [a, b], level="interval") == pytest.approx(0.8926487, abs=5e-8)


def test_six_raters_of_fifteen_patients() -> None:
    """Values in the vignettes of irrCAC by K. Gwet (R, 2019): `distrib.6raters`."""
    counts = [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
        [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
        [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
    ]  # fmt: skip
    ratings = ratings_of(counts)
    assert value(gwet_ac1, ratings) == pytest.approx(0.4448007, abs=5e-8)
    assert value(gwet_ac2, ratings) == pytest.approx(0.4837438, abs=5e-8)
    assert value(fleiss_kappa, ratings) == pytest.approx(0.4139265, abs=5e-8)
    assert value(krippendorff_alpha, ratings, level="nominal") == pytest.approx(0.4204384, abs=5e-8)
    assert value(krippendorff_alpha, ratings, level="interval") == pytest.approx(0.259511, abs=5e-7)


def test_kappa_of_fleiss_1971() -> None:
    """Thirty patients, six psychiatrists each, five diagnoses: kappa 0.430."""
    counts = [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0],
        [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0],
        [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0],
        [0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0],
        [1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
    ]  # fmt: skip
    assert value(fleiss_kappa, ratings_of(counts)) == pytest.approx(0.430, abs=5e-4)


def test_weighted_kappa_of_cohen_1968() -> None:
    """Two hundred patients, three diagnoses, with weights of disagreement: kappa .492, weighted .348."""
    a, b = unfold([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    assert value(cohen_kappa, a, b) == pytest.approx(0.492, abs=5e-4)
    weights = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    assert value(cohen_kappa, a, b, weights=weights) == pytest.approx(0.348, abs=5e-4)


CHECKED = {
    "kappa": lambda table: cohen_kappa(table[0], table[1]),
    "kappa_linear": lambda table: cohen_kappa(table[0], table[1], weights="linear"),
    "kappa_quadratic": lambda table: cohen_kappa(table[0], table[1], weights="quadratic"),
    "fleiss": fleiss_kappa,
    "alpha_nominal": lambda table: krippendorff_alpha(table, level="nominal"),
    "alpha_ordinal": lambda table: krippendorff_alpha(table, level="ordinal"),
    "alpha_interval": lambda table: krippendorff_alpha(table, level="interval"),
    "ac1": lambda table: gwet_ac1(table, categories=(0, 1, 2)),
    "ac2_linear": lambda table: gwet_ac2(table, weights="linear", categories=(0, 1, 2)),
    "ac2_quadratic": lambda table: gwet_ac2(table, categories=(0, 1, 2)),
}


@pytest.mark.parametrize("name", CHECKED)
def test_other_libraries_give_the_same_on_two_hundred_tables(name: str) -> None:
    """Frozen from statsmodels and scikit-learn (kappa), irrCAC (Fleiss, Gwet) and krippendorff (alpha)."""
    ours = [value(CHECKED[name], table) for table in TABLES]
    theirs = FROZEN["agreement"][name]
    assert len(ours) == len(theirs) == 200
    assert len(set(theirs)) > 150
    np.testing.assert_allclose(ours, theirs, atol=1e-8, rtol=0)


def test_crowd_kit_gives_the_same_posterior_on_two_hundred_tables() -> None:
    """After five rounds of both, in thousandths, zeros for an item that nobody rated."""
    for table, theirs in zip(TABLES, FROZEN["dawid_skene"], strict=True):
        ours = dawid_skene(table, categories=(0, 1, 2), max_iterations=5, tolerance=-inf).posterior_IK
        np.testing.assert_allclose(np.nan_to_num(ours), np.reshape(theirs, (-1, 3)) / 1000, atol=6e-4)


def loop_alpha(table: np.ndarray, distance: Callable[[float, float], float]) -> float:
    """Krippendorff's alpha as he writes it, pair by pair."""
    units = [[float(v) for v in column if not isnan(v)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    n = sum(len(unit) for unit in units)
    observed = sum(distance(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)) / n
    everything = [v for unit in units for v in unit]
    expected = sum(distance(a, b) for a, b in permutations(everything, 2)) / (n * (n - 1))
    return 1 - observed / expected


def test_alpha_is_what_a_loop_over_all_pairs_gives_also_for_half_points() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        table = rng.choice([0, 0.5, 2, nan], size=(4, 15), p=[0.3, 0.3, 0.25, 0.15])
        paired = table[:, (~np.isnan(table)).sum(axis=0) > 1]
        values = paired[~np.isnan(paired)]

        def ordinal(a: float, b: float, values: np.ndarray = values) -> float:
            between = (values >= min(a, b)) & (values <= max(a, b))
            ends = (np.sum(values == a) + np.sum(values == b)) / 2
            return float(between.sum() - ends) ** 2 if a != b else 0.0

        assert krippendorff_alpha(table, level="interval") == pytest.approx(
            loop_alpha(table, lambda a, b: (a - b) ** 2)
        )
        assert krippendorff_alpha(table, level="nominal") == pytest.approx(loop_alpha(table, lambda a, b: a != b))
        assert krippendorff_alpha(table, level="ordinal") == pytest.approx(loop_alpha(table, ordinal))


def test_distances_are_of_values_so_a_category_that_does_not_occur_changes_no_kappa() -> None:
    a, b = [0, 0, 2, 2, 0.5, 0.5], [0, 2, 2, 2, 0.5, 0]
    observed = (4 + 0.25) / 6
    expected = sum((x - y) ** 2 for x in a for y in b) / 36
    assert cohen_kappa(a, b, weights="quadratic") == pytest.approx(1 - observed / expected)
    assert cohen_kappa(a, b, weights="quadratic", categories=(0, 0.5, 1, 1.5, 2)) == pytest.approx(
        1 - observed / expected
    )


def test_ac1_and_ac2_depend_on_the_categories_that_could_have_occurred() -> None:
    a, b = [0] * 8 + [2, 2], [0] * 7 + [2, 2, 0]
    ratings = [a, b]
    share = 17 / 20 - 1 / 20  # zeros: 8 + 8 of 20
    assert share == pytest.approx(0.8)
    chance_2, chance_3 = 2 * 0.8 * 0.2, 2 * 0.8 * 0.2 / 2
    assert gwet_ac1(ratings) == pytest.approx((0.8 - chance_2) / (1 - chance_2))
    assert gwet_ac1(ratings, categories=(0, 1, 2)) == pytest.approx((0.8 - chance_3) / (1 - chance_3))
    hard = (3 + 4 * 0.75) / 6
    assert gwet_ac2(ratings, categories=(0, 1, 2)) == pytest.approx((0.8 - 2 * hard * 0.16) / (1 - 2 * hard * 0.16))


COEFFICIENTS = [
    fleiss_kappa,
    krippendorff_alpha,
    gwet_ac1,
    gwet_ac2,
    lambda table: cohen_kappa(*(table if len(table) == 2 else ([], []))),
]
DEGENERATE = [
    ([], "no ratings"),
    ([[], []], "no ratings"),
    ([[nan, nan], [nan, nan]], "no ratings"),
    ([[2, 2, 2], [2, 2, 2]], "every rating that can be compared is 2"),
    ([[0, 1, nan], [nan, nan, 2]], "no item has two ratings"),
    ([[0, 1, 2], [nan, nan, nan]], "one rater only"),
    ([[1, 1, 0], [1, 1, nan]], "every rating that can be compared is 1"),
]


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@pytest.mark.parametrize(("ratings", "reason"), DEGENERATE)
def test_what_the_ratings_do_not_determine_is_nan_with_a_reason(
    coefficient: Callable[..., float], ratings: list[list[float]], reason: str
) -> None:
    if ratings == [] and coefficient is COEFFICIENTS[-1]:
        reason = "no ratings"
    with pytest.warns(UndefinedAgreement, match=reason):
        assert isnan(coefficient(ratings))
    if coefficient is not COEFFICIENTS[-1]:
        interval = bootstrap_interval(coefficient, ratings)
        assert isnan(interval.value) and isnan(interval.low) and reason in interval.reason


def test_constant_scores_are_never_perfect_agreement_even_where_the_categories_are_known() -> None:
    with pytest.warns(UndefinedAgreement, match="every rating that can be compared is 0"):
        assert isnan(gwet_ac2([[0, 0], [0, 0]], categories=(0, 1, 2)))


def test_one_rater_is_told_from_one_row() -> None:
    with pytest.warns(UndefinedAgreement, match="one rater only"):
        assert isnan(krippendorff_alpha([[0, 1, 2]]))


def test_one_constant_rater_agrees_as_chance_would() -> None:
    assert value(cohen_kappa, [1, 1, 1, 1], [0, 1, 1, 2]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fleiss_kappa([0, 1, 2]), r"1 dimension\(s\), shape \(3,\); give raters x items"),
        (lambda: gwet_ac1([[[0]]]), r"3 dimension\(s\)"),
        (lambda: krippendorff_alpha([[0, np.inf], [0, 1]]), "ratings holds inf; give finite numbers"),
        (lambda: krippendorff_alpha([[0, 1], [0]]), "rows of equal length"),
        (lambda: krippendorff_alpha([["a", "b"]]), "cannot be read as numbers"),
        (lambda: krippendorff_alpha([[0, 1], [0, 1]], level="ratio"), "level='ratio' is unknown; give 'nominal'"),
        (lambda: gwet_ac2([[0, 1], [0, 1]], weights="cubic"), "weights='cubic' is unknown; give 'linear'"),
        (lambda: gwet_ac2([[0, 1], [0, 3]], categories=(0, 1, 2)), r"rating 3 is not among categories=\[0.0"),
        (lambda: gwet_ac1([[0, 1], [0, 1]], categories=(0, 0, 1)), "must be different numbers"),
        (lambda: cohen_kappa([0, 1], [0]), "a has 2 ratings and b has 1; give both for the same items"),
        (lambda: cohen_kappa([[0, 1]], [[0, 1]]), r"a has shape \(1, 2\); give one rating for each item"),
        (lambda: cohen_kappa([0, 1], [0, 1], weights="cubic"), "weights='cubic' is unknown; give None"),
        (lambda: cohen_kappa([0, 1], [0, 1], weights=[[0]]), r"weights has shape \(1, 1\) and there are 2 categories"),
        (lambda: cohen_kappa([0, 1], [0, 1], weights=[[1, 0], [0, 1]]), "0 on the diagonal"),
        (lambda: consistency_rate([[0, 1, 2]], [[0, 1]]), r"judge has shape \(1, 3\) and human \(1, 2\)"),
        (lambda: bootstrap_interval(fleiss_kappa, [[0], [1]], confidence=95), "confidence=95 is not between 0 and 1"),
        (lambda: bootstrap_interval(fleiss_kappa, [[0], [1]], resamples=10), "resamples=10 is too few"),
        (lambda: bootstrap_interval(cohen_kappa, [[0, 1]] * 3), "two raters and there are 3; use fleiss_kappa"),
        (lambda: dawid_skene([0, 1]), "give raters x items"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_the_value_and_the_remedy(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_consistency_counts_scores_and_items_apart() -> None:
    judge = [[0, 1, 2], [2, 2, 2], [0, 0, nan], [1, 1, 1]]
    human = [[0, 1, 1], [2, 2, 2], [0, 1, 1], [1, 1, 1]]
    rate = consistency_rate(judge, human)
    assert (rate.per_score, rate.scores) == (pytest.approx(9 / 11), 11)
    assert (rate.per_item, rate.items) == (pytest.approx(2 / 3), 3)
    assert rate.by_dimension == pytest.approx((1.0, 3 / 4, 2 / 3))
    assert rate.per_item_interval == pytest.approx((0.2077, 0.9385), abs=5e-5)  # Wilson, 2 of 3
    assert consistency_rate([0, 1, 2], [0, 1, 1]).per_score == consistency_rate([0, 1, 2], [0, 1, 1]).per_item


def test_the_papers_consistency_has_the_interval_that_its_hundred_items_allow() -> None:
    """86.5% of 300 scores. Scores of one item that stand or fall together widen it to that of 100."""
    judge = np.zeros((100, 3))
    human = np.zeros((100, 3))
    human[:13] = 1
    human[13, 0] = human[14, 0] = 1
    together = consistency_rate(judge, human)
    assert together.per_score == pytest.approx(259 / 300)
    low, high = together.per_score_interval
    assert high - low == pytest.approx(2 * 1.96 * 0.0337, rel=0.1)  # a binomial of 300 would give 0.0197, not 0.0337


def test_consistency_without_scores_says_why() -> None:
    empty = consistency_rate([], [])
    assert isnan(empty.per_score) and isnan(empty.per_item) and empty.reason == "no score was given by both"
    partial = consistency_rate([[0, nan, nan]], [[0, 1, 1]])
    assert partial.per_score == 1 and isnan(partial.per_item) and partial.reason == "no item has all scores of both"


def simulate(rng: np.random.Generator, *, raters: int, items: int, copied: float = 0.8) -> np.ndarray:
    """Polarised scores: each rater repeats the item's true score with probability `copied`; a tenth is missing."""
    shares = [0.5, 0.15, 0.35]
    truth = rng.choice(3, p=shares, size=items)
    guess = rng.choice(3, p=shares, size=(raters, items))
    table = np.where(rng.random((raters, items)) < copied, truth, guess).astype(float)
    table[rng.random((raters, items)) < 0.1] = nan
    return table


def test_intervals_by_sums_and_by_calls_are_the_same_but_for_the_draws() -> None:
    table = simulate(np.random.default_rng(5), raters=3, items=80)
    quick = bootstrap_interval(krippendorff_alpha, table, seed=1)
    slow = bootstrap_interval(lambda ratings: krippendorff_alpha(ratings), table, seed=2)
    assert quick.value == slow.value == krippendorff_alpha(table)
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high), abs=0.02)
    assert quick == bootstrap_interval(krippendorff_alpha, table, seed=1)
    assert quick.low != bootstrap_interval(krippendorff_alpha, table, seed=3).low


def test_perfect_agreement_has_no_interval_and_says_so() -> None:
    interval = bootstrap_interval(fleiss_kappa, [[0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 2]])
    assert interval.value == 1
    assert isnan(interval.low) and isnan(interval.high)
    assert "every resample gives 1" in interval.reason


def test_resamples_without_a_value_are_counted() -> None:
    interval = bootstrap_interval(fleiss_kappa, [[0, 0, 0, 1, 0], [0, 0, 0, 1, 1]])
    assert 0 < interval.undefined_resamples < interval.resamples
    assert interval.low < interval.value


def coverage() -> Iterator[tuple[str, Callable[..., float], dict[str, Any], int, float]]:
    yield "kappa", cohen_kappa, {"weights": "quadratic"}, 2, 0.0
    yield "fleiss", fleiss_kappa, {}, 3, 0.0
    yield "alpha", krippendorff_alpha, {}, 3, 0.0
    yield "ac1", gwet_ac1, {"categories": (0, 1, 2)}, 3, 0.0
    yield "ac2", gwet_ac2, {"categories": (0, 1, 2)}, 3, 0.0


@pytest.mark.parametrize(
    ("statistic", "options", "raters"), [case[1:4] for case in coverage()], ids=[case[0] for case in coverage()]
)
def test_intervals_hold_the_true_value_19_times_in_20(
    statistic: Callable[..., float], options: dict[str, Any], raters: int
) -> None:
    rng = np.random.default_rng(2026)
    big = simulate(rng, raters=raters, items=300_000)
    truth = statistic(*big, **options) if statistic is cohen_kappa else statistic(big, **options)
    held = 0
    for trial in range(600):
        table = simulate(rng, raters=raters, items=100)
        interval = bootstrap_interval(statistic, table, resamples=600, seed=trial, **options)
        held += interval.low <= truth <= interval.high
    assert 0.93 <= held / 600 <= 0.97


def test_dawid_skene_finds_who_is_careless_and_who_is_lenient() -> None:
    rng = np.random.default_rng(8)
    truth = rng.choice(3, size=600, p=[0.5, 0.2, 0.3])
    good, better = (np.where(rng.random(600) < copied, truth, rng.choice(3, size=600)) for copied in (0.7, 0.9))
    lenient = np.where((truth == 0) & (rng.random(600) < 0.4), 2, truth)
    careless = rng.choice(3, size=600)
    result = dawid_skene([good, lenient, careless, better])
    assert result.converged
    assert np.mean(result.labels_I == truth) > np.mean(result.majority_I == truth) + 0.03
    assert result.confusion_RKK[1, 0] == pytest.approx([0.6, 0, 0.4], abs=0.06)
    assert result.confusion_RKK[2] == pytest.approx(np.full((3, 3), 1 / 3), abs=0.1)
    assert result.prevalence_K == pytest.approx([0.5, 0.2, 0.3], abs=0.05)


def test_dawid_skene_of_nothing_says_why() -> None:
    with pytest.warns(UndefinedAgreement, match="one rater only"):
        result = dawid_skene([[0, 1, 2]])
    assert np.isnan(result.labels_I).all() and result.reason.startswith("there is one rater only")
    with pytest.warns(UndefinedAgreement, match="no ratings"):
        assert dawid_skene([]).labels_I.shape == (0,)


def test_an_item_without_ratings_has_no_label() -> None:
    result = dawid_skene([[0, 1, nan, 0], [0, 1, nan, 1]])
    assert isnan(result.labels_I[2]) and not isnan(result.labels_I[0])


def test_importing_the_statistics_loads_nothing_heavy() -> None:
    code = (
        "import sys, judge.agreement, judge.calibration; "
        "print([m for m in ('torch', 'scipy', 'pandas', 'pydantic', 'sqlmodel') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
