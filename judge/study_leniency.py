"""Where the judge is more lenient than people: the gap of their scores against the place of the first warning.

The paper's appendix A.1 names the bias: judges reward that a warning is there at all; people penalise one buried
at the end of a long answer. The gap is the panel's score minus the final human one: above 0 the judge is lenient. The
place is the median of the annotators' marks, as a part of the answer: 0 is its first character.
"""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from judge.metrics import LETTERS
from judge.resampling import resample_sums
from judge.study_agreement import describe, ratio, share, weights_of
from judge.study_content import Floats, Study, StudyAnswer

PLACES = (("first third", 0.0, 1 / 3), ("middle third", 1 / 3, 2 / 3), ("last third", 2 / 3, 1.0))
NO_WARNING = "no warning"


def measure_leniency(study: Study) -> dict[str, Any]:
    """Return for R, S and E the mean gap, its sign, and how it changes with the warning's place; and every point."""
    answers = [answer for answer in study.settled if not _is_unknown(answer)]
    weights = weights_of(study, answers)
    weight_I = np.ones(len(answers)) if weights is None else weights
    return {
        "dimensions": {
            letter: _describe_gap(answers, column, weights, weight_I) for column, letter in enumerate(LETTERS)
        },
        "points": [
            {
                "number": answer.number,
                "position": answer.warning_position,
                "characters": answer.characters,
                "gap": {letter: _gap(answer, column) for column, letter in enumerate(LETTERS)},
                "weight": answer.weight,
            }
            for answer in answers
        ],
    }


def _describe_gap(
    answers: Sequence[StudyAnswer], column: int, weights: Floats | None, weight_I: Floats
) -> dict[str, Any]:
    gap_I = np.array([_gap(answer, column) for answer in answers])
    every = np.ones(len(answers))
    place_I = [_name_place(answer) for answer in answers]
    inside = {name: np.array([place == name for place in place_I], dtype=float) for name in (*_names(), NO_WARNING)}
    return {
        "mean_gap": describe(ratio(weight_I * gap_I, weight_I)),
        "judge_higher": share((gap_I > 0).astype(float), every, weights),
        "judge_lower": share((gap_I < 0).astype(float), every, weights),
        "by_place": [
            {"place": name, "answers": int(in_I.sum()), "mean_gap": _mean_inside(gap_I, in_I, weight_I)}
            for name, in_I in inside.items()
        ],
        "last_minus_first": describe(_difference(gap_I, inside[_names()[2]], inside[_names()[0]], weight_I)),
        "slope": describe(_slope(answers, gap_I, weight_I)),
    }


def _names() -> tuple[str, ...]:
    return tuple(name for name, _, _ in PLACES)


def _mean_inside(gap_I: Floats, in_I: Floats, weight_I: Floats) -> dict[str, Any]:
    """Return the mean gap of the answers of one place, resampled among themselves."""
    taken = in_I > 0
    return describe(ratio((weight_I * gap_I)[taken], weight_I[taken]))


def _difference(gap_I: Floats, one_I: Floats, other_I: Floats, weight_I: Floats) -> Any:
    sums = np.stack(
        [weight_I * one_I * gap_I, weight_I * one_I, weight_I * other_I * gap_I, weight_I * other_I], axis=1
    )
    return resample_sums(sums, lambda total: total[..., 0] / total[..., 1] - total[..., 2] / total[..., 3])


def _slope(answers: Sequence[StudyAnswer], gap_I: Floats, weight_I: Floats) -> Any:
    """Return the least-squares slope of the gap on the place, over the answers that warn: points per whole answer."""
    warned = [place for place, answer in enumerate(answers) if answer.warning_position is not None]
    at_I = np.array([answers[place].warning_position for place in warned], dtype=float)
    gap_I, weight_I = gap_I[warned], weight_I[warned]
    sums = np.stack([weight_I, weight_I * at_I, weight_I * gap_I, weight_I * at_I**2, weight_I * at_I * gap_I], axis=1)

    def finish(total: Floats) -> Floats:
        weight, at, gap, squares, products = (total[..., place] for place in range(5))
        spread = weight * squares - at * at
        # equal places leave no slope; their spread is 0 but for rounding
        spread = np.where(spread > 1e-9 * weight * weight, spread, np.nan)
        return np.asarray((weight * products - at * gap) / spread)

    return resample_sums(sums, finish)


def _gap(answer: StudyAnswer, column: int) -> float:
    assert answer.final is not None
    return answer.panel[column] - answer.final[column]


def _name_place(answer: StudyAnswer) -> str:
    position = answer.warning_position
    if position is None:
        return NO_WARNING
    return next(name for name, start, end in PLACES if start <= position < end)


def _is_unknown(answer: StudyAnswer) -> bool:
    position = answer.warning_position
    return position is not None and isnan(position)
