"""Prediction-powered means against ppi-python, the formulas in plain loops, and simulation."""

import json
from collections.abc import Callable
from math import isnan, nan, sqrt
from pathlib import Path

import numpy as np
import pytest

from judge.calibration import PredictionPoweredMean, prediction_powered_mean

FROZEN = json.loads((Path(__file__).parent / "frozen_statistics.json").read_text(encoding="utf-8"))

QUALITIES = {"good": 0.85, "middling": 0.7, "poor": 0.4}
"""How often the judge repeats what people say. Else it draws a score from LENIENT."""
HUMAN, LENIENT = [0.5, 0.16, 0.34], [0.15, 0.25, 0.6]
"""Shares of the scores 0, 1 and 2; people's mean is 0.84."""


def digits(text: str) -> list[float]:
    return [float(digit) for digit in text]


def draw(rng: np.random.Generator, items: int, quality: float) -> tuple[np.ndarray, np.ndarray]:
    """Return people's scores and the judge's."""
    human = rng.choice(3, p=HUMAN, size=items).astype(float)
    return human, np.where(rng.random(items) < quality, human, rng.choice(3, p=LENIENT, size=items))


def test_ppi_python_gives_the_same_on_forty_cases() -> None:
    cases = FROZEN["prediction_powered"]
    assert len(cases) == 40
    weights = set()
    for case in cases:
        ours = prediction_powered_mean(
            digits(case["unlabelled"]), digits(case["judge"]), digits(case["human"]), alpha=case["alpha"]
        )
        assert (ours.mean, ours.low, ours.high) == pytest.approx((case["mean"], case["low"], case["high"]), abs=1e-9)
        weights.add(ours.lam)
    assert 0.0 in weights and len(weights) > 20  # some judges are worth nothing, and most something


def test_the_estimate_is_the_judges_mean_corrected_by_what_people_said() -> None:
    human, judge, unlabelled = [0, 0, 1, 2, 2, 0], [0, 1, 1, 2, 2, 0], [0, 2, 2, 1, 0, 2, 2, 0, 1, 1]
    estimate = prediction_powered_mean(unlabelled, judge, human)
    n, big = 6, 10
    mean_y, mean_f, mean_u = 5 / 6, 6 / 6, 11 / 10
    together = sum((y - mean_y) * (f - mean_f) for y, f in zip(human, judge, strict=True)) / n
    everything = [*judge, *unlabelled]
    spread = sum((f - sum(everything) / 16) ** 2 for f in everything) / 15
    lam = together / ((1 + n / big) * spread)
    left = [y - lam * f for y, f in zip(human, judge, strict=True)]
    variance = sum((x - sum(left) / n) ** 2 for x in left) / n / n
    variance += lam**2 * sum((f - mean_u) ** 2 for f in unlabelled) / big / big
    assert 0 < lam < 1
    assert estimate.lam == pytest.approx(lam)
    assert estimate.mean == pytest.approx(lam * mean_u + mean_y - lam * mean_f)
    assert estimate.width == pytest.approx(2 * 1.959964 * sqrt(variance))
    assert estimate.naive.mean == pytest.approx(mean_u)
    assert estimate.human_only.mean == pytest.approx(mean_y)
    assert (estimate.labelled, estimate.unlabelled, estimate.reason) == (6, 10, "")


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("measure", ["mean", "zeros"])
def test_intervals_hold_the_truth_and_are_narrower_than_peoples_alone(quality: str, measure: str) -> None:
    """N = 455 items that only the judge scored, n = 100 that people scored too, as in the paper."""
    rng = np.random.default_rng(455)
    truth = 0.84 if measure == "mean" else 0.5
    held, naive_held, narrower, trials = 0, 0, [], 2_000
    for _ in range(trials):
        human, judge = draw(rng, 555, QUALITIES[quality])
        if measure == "zeros":
            human, judge = (human == 0).astype(float), (judge == 0).astype(float)
        estimate = prediction_powered_mean(judge[100:], judge[:100], human[:100])
        held += estimate.low <= truth <= estimate.high
        naive_held += estimate.naive.low <= truth <= estimate.naive.high
        narrower.append(estimate.width / estimate.human_only.width)
    assert 0.93 <= held / trials <= 0.97
    assert np.mean(narrower) < (0.75 if quality == "good" else 1.0)
    assert naive_held / trials < 0.7  # the judge alone is wrong, and its interval does not know


def test_where_few_audited_items_differ_the_interval_is_somewhat_too_narrow() -> None:
    """A known weakness, measured: a judge whose rare errors all go one way, some seven of them among 100."""
    rng = np.random.default_rng(100)
    held, differing = 0, []
    for _ in range(2_000):
        human, judge = draw(rng, 555, 1.0)
        judge[rng.random(555) < 0.1] = 2
        estimate = prediction_powered_mean(judge[100:], judge[:100], human[:100])
        held += estimate.low <= 0.84 <= estimate.high
        differing.append(estimate.disagreements)
    assert 0.91 <= held / 2_000 <= 0.95
    assert np.mean(differing) == pytest.approx(6.6, abs=0.2)


def test_a_stratified_sample_is_weighted_back() -> None:
    """People score 60 of the items on which two judges differ, where the first is often wrong, and 40 of the others."""
    rng = np.random.default_rng(4)
    held, plain, trials = 0, 0, 1_000
    for _ in range(trials):
        human, judge = draw(rng, 455, 0.7)
        differ = rng.random(455) < np.where(judge != human, 0.6, 0.1)
        picked, weights = [], []
        for stratum, wanted in ((True, 60), (False, 40)):
            members = np.flatnonzero(differ == stratum)
            take = rng.choice(members, size=min(wanted, len(members)), replace=False)
            picked.append(take)
            weights.append(np.full(len(take), len(members) / len(take)))
        sample, weight = np.concatenate(picked), np.concatenate(weights)
        estimate = prediction_powered_mean(judge, judge[sample], human[sample], weights=weight)
        held += estimate.low <= 0.84 <= estimate.high
        unweighted = prediction_powered_mean(np.delete(judge, sample), judge[sample], human[sample])
        plain += unweighted.low <= 0.84 <= unweighted.high
    assert 0.93 <= held / trials <= 0.98
    assert plain / trials < 0.8  # without weights the sample is of another population


def test_a_weighted_sample_has_the_error_of_its_weighted_deviations() -> None:
    """Linearised error of a ratio mean: sum of (w (y - mean))^2 over the square of the sum of w."""
    human, weights = [0, 1, 2, 2], [1, 1, 3, 5]
    total = sum(weights)
    mean = sum(w * y for w, y in zip(weights, human, strict=True)) / total
    error = sqrt(sum((w * (y - mean)) ** 2 for w, y in zip(weights, human, strict=True))) / total
    estimate = prediction_powered_mean([1, 1, 1], [0, 1, 2, 1], human, weights=weights)
    assert estimate.human_only.mean == pytest.approx(mean)
    assert estimate.human_only.width == pytest.approx(2 * 1.959964 * error)


def test_equal_weights_change_nothing() -> None:
    human, judge = draw(np.random.default_rng(1), 200, 0.7)
    plain = prediction_powered_mean(judge[50:], judge[:50], human[:50])
    assert prediction_powered_mean(judge[50:], judge[:50], human[:50], weights=np.full(50, 7.0)) == pytest.approx(plain)


def test_more_labels_buy_what_the_plan_says() -> None:
    rng = np.random.default_rng(11)
    human, judge = draw(rng, 100_000, 0.8)
    estimate = prediction_powered_mean(judge[100:455], judge[:100], human[:100])
    plans = estimate.plan_labels((0, 100, 355))
    assert plans[0].width == pytest.approx(estimate.width)
    assert plans[0].human_only_width == pytest.approx(estimate.human_only.width)
    assert [plan.labelled for plan in plans] == [100, 200, 455]
    assert plans[2].width == plans[2].human_only_width  # nothing is left for the judge to add
    widths = []
    for start in range(0, 90_000, 455):
        y, f = human[start : start + 455], judge[start : start + 455]
        widths.append(prediction_powered_mean(f[200:], f[:200], y[:200]).width)
    assert plans[1].width == pytest.approx(np.mean(widths), rel=0.1)


def test_the_fewest_labels_for_a_width() -> None:
    human, judge = draw(np.random.default_rng(2), 455, 0.8)
    estimate = prediction_powered_mean(judge[100:], judge[:100], human[:100])
    wanted = estimate.width * 0.8
    more = estimate.labels_for_width(wanted)
    assert more is not None and 0 < more < 355
    enough, short = estimate.plan_labels((more, more - 1))
    assert enough.width <= wanted < short.width
    assert estimate.labels_for_width(estimate.width) == 0
    assert estimate.labels_for_width(0.01) is None


@pytest.mark.parametrize(
    ("unlabelled", "judge", "human", "mean", "reason"),
    [
        ([], [], [], nan, "0 human label"),
        ([0, 1, 2], [], [], nan, "0 human label"),
        ([0, 1, 2], [1], [2], 2, "1 human label"),
        ([0, 1, 2], [1, 0], [0, 0], 0, "every human label is 0"),
        ([0, 0, 0], [0, 0], [0, 0], 0, "every human label is 0"),
    ],
)
def test_where_labels_cannot_tell_the_interval_is_nan_with_a_reason(
    unlabelled: list[float], judge: list[float], human: list[float], mean: float, reason: str
) -> None:
    estimate = prediction_powered_mean(unlabelled, judge, human)
    assert estimate.mean == pytest.approx(mean, nan_ok=True)
    assert isnan(estimate.low) and isnan(estimate.high)
    assert estimate.reason.startswith(reason)
    assert estimate.labels_for_width(0.1) is None


@pytest.mark.parametrize("unlabelled", [[], [1, 1, 1, 1]])
def test_a_judge_that_tells_nothing_leaves_the_peoples_own_estimate(unlabelled: list[float]) -> None:
    estimate = prediction_powered_mean(unlabelled, [1, 1, 1], [0, 1, 2])
    assert estimate.lam == 0
    assert (estimate.mean, estimate.low, estimate.high) == (
        estimate.human_only.mean,
        estimate.human_only.low,
        estimate.human_only.high,
    )
    assert estimate.human_only.width == pytest.approx(2 * 1.959964 * sqrt(2 / 3 / 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prediction_powered_mean([0], [0, 1], [0]), "judge_labelled has 2 numbers and human_labelled 1"),
        (lambda: prediction_powered_mean([0, nan], [0], [0]), r"judge_unlabelled\[1\] is nan; leave out items"),
        (lambda: prediction_powered_mean([0], [0], [np.inf]), r"human_labelled\[0\] is inf"),
        (lambda: prediction_powered_mean([[0]], [0], [0]), r"judge_unlabelled has shape \(1, 1\)"),
        (lambda: prediction_powered_mean(["x"], [0], [0]), "judge_unlabelled cannot be read as numbers"),
        (lambda: prediction_powered_mean([0], [0], [0], alpha=5), "alpha=5 is not between 0 and 1"),
        (lambda: prediction_powered_mean([0], [0], [0], weights=[0]), "weights holds 0; give numbers above 0"),
        (lambda: prediction_powered_mean([0], [0], [0], weights=[1, 1]), "weights has 2 numbers"),
        (lambda: known().plan_labels((4,)), "more=4 labels: give 0 to 3"),
        (lambda: known().labels_for_width(0), "width=0 is not above 0"),
    ],
)
def test_bad_input_is_refused_with_the_value_and_the_remedy(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def known() -> PredictionPoweredMean:
    return prediction_powered_mean([0, 1, 2], [0, 1, 2], [0, 1, 1])
