"""What a benchmark's number is, given the judge's scores of everything and people's scores of a sample.

`prediction_powered_mean` takes the judge's mean and corrects it by what people scored differently on the audited
items (prediction-powered inference with a tuned weight: Angelopoulos, Duchi and Zrnic 2023, "PPI++", arXiv
2311.01453; the same numbers as `ppi_mean_ci` of ppi-python). Give scores for X_A, or indicators of a zero for X_0.
The items are held to be a sample of all that could have been asked, so the interval is of the model's mean in general;
for the mean over just these items it is somewhat too wide.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its interval, in units of the scores; nan where undefined."""

    mean: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """High minus low."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """What more human labels would buy."""

    more: int
    labelled: int
    """With those that there are."""
    width: float
    """Expected width of the prediction-powered interval."""
    human_only_width: float


@dataclass(frozen=True, slots=True)
class _Moments:
    """Spreads that the widths follow from."""

    human: float
    judge_labelled: float
    judge_unlabelled: float
    judge_all: float
    together: float


@dataclass(frozen=True, slots=True)
class PredictionPoweredMean(Estimate):
    """The corrected mean, beside what the judge alone and people alone would say."""

    lam: float
    """How far the judge is trusted: 0 (people only) to 1."""
    naive: Estimate
    """The judge's mean over the unlabelled items, and an interval that knows nothing of the judge's errors."""
    human_only: Estimate
    labelled: int
    unlabelled: int
    disagreements: int
    """Audited items on which judge and people differ. Below ten or so the interval is somewhat too narrow."""
    alpha: float
    moments: _Moments
    reason: str = ""
    """Why the mean or the interval is nan; empty when all are numbers."""

    def plan_labels(self, more: Iterable[int] = (0, 50, 100, 200, 400)) -> tuple[LabelPlan, ...]:
        """Return the widths to expect after so many more labels, each taken from the unlabelled items.

        Raises:
            ValueError: a number is negative or more than there are unlabelled items.
        """
        plans = []
        for count in more:
            if not 0 <= count <= self.unlabelled:
                raise ValueError(f"more={count} labels: give 0 to {self.unlabelled}, the number of unlabelled items")
            plans.append(
                LabelPlan(count, self.labelled + count, self._width_after(count), self._width_after(count, lam=0.0))
            )
        return tuple(plans)

    def labels_for_width(self, width: float) -> int | None:
        """Return the fewest more labels for an interval no wider than `width`; None when all items would not do.

        Raises:
            ValueError: the width is not above 0.
        """
        if not width > 0:
            raise ValueError(f"width={width!r} is not above 0; give it in units of the scores, for instance 0.1")
        wide = width * (1 + 1e-9)
        return next((more for more in range(self.unlabelled + 1) if self._width_after(more) <= wide), None)

    def _width_after(self, more: int, lam: float | None = None) -> float:
        """Return the width with `more` labels and the best weight for it, or with `lam`; nan when unknown."""
        if self.reason:
            return nan
        labelled, unlabelled = self.labelled + more, self.unlabelled - more
        lam = _tune(self.moments, labelled, unlabelled) if lam is None else lam
        return _estimate(0.0, _standard_error(self.moments, lam, labelled, unlabelled), self.alpha).width


def prediction_powered_mean(
    judge_unlabelled: ArrayLike,
    judge_labelled: ArrayLike,
    human_labelled: ArrayLike,
    *,
    alpha: float = 0.05,
    weights: ArrayLike | None = None,
) -> PredictionPoweredMean:
    """Return the mean human score over all items, from the judge's scores and a sample of people's.

    Items without a judge's score must be left out by the caller, who reports the coverage.

    Args:
        judge_unlabelled: the judge's scores of the items that no person scored. With `weights`: of all items.
        judge_labelled: the judge's scores of the audited items.
        human_labelled: people's scores of the same items, in the same order.
        alpha: 0.05 for a 95% interval.
        weights: of the audited items, 1 / the chance of being drawn, where the sample was stratified. The interval
            makes no use of the strata.

    Raises:
        ValueError: not one-dimensional, lengths differ, a number is nan or infinite, a weight is not above 0, or
            `alpha` is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r} is not between 0 and 1; give 0.05 for a 95% interval")
    unlabelled = _read(judge_unlabelled, "judge_unlabelled")
    judge, human, weight = _read_audited(judge_labelled, human_labelled, weights)
    moments = _measure(unlabelled, judge, human, weight)
    labelled, others = len(human), len(unlabelled)
    lam = _tune(moments, labelled, others)
    human_mean = _mean(weight * human)
    naive_mean = _mean(unlabelled)
    best = _estimate(
        human_mean if lam == 0 else lam * naive_mean + _mean(weight * (human - lam * judge)),
        _standard_error(moments, lam, labelled, others),
        alpha,
    )
    return PredictionPoweredMean(
        mean=best.mean,
        low=best.low,
        high=best.high,
        lam=lam,
        naive=_estimate(naive_mean, sqrt(moments.judge_unlabelled / others) if others else nan, alpha),
        human_only=_estimate(human_mean, _standard_error(moments, 0.0, labelled, others), alpha),
        labelled=labelled,
        unlabelled=others,
        disagreements=int((judge != human).sum()),
        alpha=alpha,
        moments=moments,
        reason=_why_no_interval(human) if isnan(best.low) else "",
    )


def _read_audited(
    judge_labelled: ArrayLike, human_labelled: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return the judge's scores, people's, and weights of mean 1, of the audited items."""
    judge, human = _read(judge_labelled, "judge_labelled"), _read(human_labelled, "human_labelled")
    weight = np.ones(len(human)) if weights is None else _read(weights, "weights")
    for name, other in (("judge_labelled", judge), ("weights", weight)):
        if len(other) != len(human):
            raise ValueError(
                f"{name} has {len(other)} numbers and human_labelled {len(human)}; give both for the same items in "
                f"the same order"
            )
    if (weight <= 0).any():
        raise ValueError(f"weights holds {weight.min():g}; give numbers above 0: 1 / the chance of being drawn")
    return judge, human, weight / weight.mean() if len(weight) else weight


def _measure(unlabelled: Floats, judge: Floats, human: Floats, weight: Floats) -> _Moments:
    """Return the spreads: of weighted deviations from the weighted means, divided by the number of items."""
    if not len(human):
        return _Moments(nan, nan, _variance(unlabelled), nan, nan)
    human_off = weight * (human - _mean(weight * human))
    judge_off = weight * (judge - _mean(weight * judge))
    centre = np.concatenate([judge, unlabelled]).mean()
    everything = np.concatenate([weight * (judge - centre), unlabelled - centre])
    return _Moments(
        human=_mean(human_off**2),
        judge_labelled=_mean(judge_off**2),
        judge_unlabelled=_variance(unlabelled),
        judge_all=float(everything.var(ddof=1)) if len(everything) > 1 else 0.0,
        together=_mean(human_off * judge_off),
    )


def _tune(moments: _Moments, labelled: int, unlabelled: int) -> float:
    """Return the weight of the judge that makes the interval narrowest (PPI++, example 6.1), kept within 0 and 1."""
    if labelled < 2 or not unlabelled or not moments.judge_all > 0:
        return 0.0
    return min(1.0, max(0.0, moments.together / ((1 + labelled / unlabelled) * moments.judge_all)))


def _standard_error(moments: _Moments, lam: float, labelled: int, unlabelled: int) -> float:
    """Return the standard error of the estimate with this weight of the judge; nan below two labels."""
    if labelled < 2:
        return nan
    left = moments.human - 2 * lam * moments.together + lam**2 * moments.judge_labelled
    from_judge = lam**2 * moments.judge_unlabelled / (unlabelled or inf) if lam else 0.0
    return sqrt(max(left, 0.0) / labelled + from_judge)


def _estimate(mean: float, error: float, alpha: float) -> Estimate:
    """Return the mean with its normal interval; none when the error is 0 or unknown."""
    if not error > 0:
        return Estimate(mean, nan, nan)
    half = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Estimate(mean, mean - half, mean + half)


def _why_no_interval(human: Floats) -> str:
    if len(human) < 2:
        return f"{len(human)} human label(s): two or more are needed to see how far they spread"
    return f"every human label is {human[0]:g}: the sample cannot show how far the mean may be off"


def _read(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as numbers ({error}); give one number for each item") from error
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; give one number for each item, in one dimension")
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise ValueError(
            f"{name}[{wrong[0]}] is {array[wrong[0]]}; leave out items without a score here and report the coverage"
        )
    return array


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else nan


def _variance(values: Floats) -> float:
    return float(values.var()) if len(values) else nan
