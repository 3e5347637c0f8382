"""How far people agree in a study: with the judge, and with one another.

Figures about the judge compare it with the final scores. Where the sample was stratified they are weighted, and so
speak of the run as a whole. R, S and E of one answer go together, so `overall` takes them as three items that are
resampled as one. Attention checks are in none of this.

Shapes: I answers, R annotators, columns R, S, E.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import nan
from typing import Any

import numpy as np

from judge.agreement import (
    bootstrap_interval,
    cohen_kappa,
    consistency_rate,
    dawid_skene,
    fleiss_kappa,
    gwet_ac2,
    krippendorff_alpha,
)
from judge.metrics import LETTERS
from judge.ratings import UndefinedAgreement
from judge.resampling import Interval, resample_sums
from judge.study_content import HUMAN_SCORES, Floats, Scores, Study, StudyAnswer
from storage.intervals import wilson_interval

GRIDS = range(1, 129)
"""Into how many steps a judge's mean may divide a point: judges times repeats."""


def judge_human(study: Study) -> dict[str, Any]:
    """Return the agreement of the panel, and of each judge, with the final human scores."""
    roles = sorted({role for answer in study.answers for role in answer.judges})
    judges = {role: _compare(study, [answer.judges[role] for answer in study.settled]) for role in roles}
    run = [row.scores for row in study.population]
    return {"panel": _compare(study, [answer.panel for answer in study.settled], run=run), "judges": judges}


def human_human(study: Study) -> dict[str, Any]:
    """Return the agreement of the annotators before the consensus, and of each with the final scores."""
    weights = weights_of(study, study.answers)
    tables = _tabulate(study)
    return {
        "coefficients": agree_among(study),
        "pairs": [_pair(tables, weights, one, two) for one, two in combinations(range(study.annotators), 2)],
        "with_final": [_with_final(study, annotator) for annotator in range(1, study.annotators + 1)],
        "likeliest": {letter: _likeliest(study, column) for column, letter in enumerate(LETTERS)},
    }


def _tabulate(study: Study) -> dict[str, Floats]:
    return {letter: study.ratings(column) for column, letter in enumerate(LETTERS)}


def agree_among(study: Study) -> dict[str, Any]:
    """Return how far the annotators agree with one another in R, S, E and overall; empty before there are any."""
    weights = weights_of(study, study.answers)
    tables = _tabulate(study)
    found: dict[str, Any] = {
        letter: _among(table_RI, weights, None) for letter, table_RI in tables.items() if table_RI.size
    }
    if found:
        clusters = np.tile(np.arange(len(study.answers), dtype=float), len(LETTERS))
        pooled = np.concatenate(list(tables.values()), axis=1)
        found["overall"] = _among(pooled, None if weights is None else np.tile(weights, len(LETTERS)), clusters)
    return found


def weights_of(study: Study, answers: Sequence[StudyAnswer]) -> Floats | None:
    """Return the answers' weights; None when all answers of the study had the same chance."""
    return np.array([answer.weight for answer in answers]) if study.weighted else None


def describe(interval: Interval) -> dict[str, Any]:
    """Return a value with its interval, and why one of them is missing."""
    told = {"value": interval.value, "low": interval.low, "high": interval.high}
    return told | ({"reason": interval.reason} if interval.reason else {})


def share(hits_I: Floats, of_I: Floats, weights: Floats | None) -> dict[str, Any]:
    """Return a share of answers: after Wilson, or resampled where the answers have weights."""
    total = float(of_I.sum())
    if weights is None:
        rate = float(hits_I.sum()) / total if total else nan
        low, high = wilson_interval(rate, total) if total else (nan, nan)
        return {"value": rate, "low": low, "high": high} | ({} if total else {"reason": "there are no answers"})
    return describe(ratio(hits_I * weights, of_I * weights))


def ratio(over_I: Floats, under_I: Floats) -> Interval:
    """Return the ratio of two sums over answers, with its interval."""
    return resample_sums(np.stack([over_I, under_I], axis=1), lambda sums: sums[..., 0] / sums[..., 1])


def find_grid(scores: Floats) -> tuple[float, ...]:
    """Return all scores that such a mean could be: 0, 1, 2; halves too for two judges; and so on."""
    for steps in GRIDS:
        if np.allclose(scores * steps, np.round(scores * steps), atol=1e-9):
            return tuple(number / steps for number in range(2 * steps + 1))
    return tuple(sorted({*HUMAN_SCORES, *scores.ravel().tolist()}))


def _compare(study: Study, judged: Sequence[Scores], *, run: Sequence[Scores] = ()) -> dict[str, Any]:
    """Return the agreement of one scorer; `run` holds further scores of its, which say what it could have given."""
    answers = study.settled
    judge_I3 = np.array(judged).reshape(-1, 3)
    human_I3 = np.array([answer.final for answer in answers]).reshape(-1, 3)
    weights = weights_of(study, answers)
    grid = find_grid(np.array([*judged, *run]))
    judge_I3 = snap(judge_I3, grid)
    return {
        "answers": len(answers),
        "consistency": _consistency(judge_I3, human_I3, weights),
        "coefficients": _coefficients(judge_I3, human_I3, weights, grid),
        "confusion": {
            letter: _confuse(judge_I3[:, column], human_I3[:, column], weights, grid)
            for column, letter in enumerate(LETTERS)
        },
    }


def snap(scores: Floats, grid: Sequence[float]) -> Floats:
    """Return the scores as the nearest ones of the grid, so that equal means are equal numbers."""
    places = np.array(grid)
    return np.asarray(places[np.abs(scores[..., None] - places).argmin(axis=-1)]) if scores.size else scores


def _consistency(judge_I3: Floats, human_I3: Floats, weights: Floats | None) -> dict[str, Any]:
    told = consistency_rate(judge_I3, human_I3, item_weights=weights)
    every = np.ones(len(judge_I3))
    by_dimension = {
        letter: share((judge_I3[:, column] == human_I3[:, column]).astype(float), every, weights)
        for column, letter in enumerate(LETTERS)
    }
    reason = {"reason": told.reason} if told.reason else {}
    low, high = told.per_score_interval
    whole_low, whole_high = told.per_item_interval
    return {
        "per_score": {"value": told.per_score, "low": low, "high": high} | reason,
        "per_item": {"value": told.per_item, "low": whole_low, "high": whole_high} | reason,
        "by_dimension": by_dimension,
    }


def _coefficients(
    judge_I3: Floats, human_I3: Floats, weights: Floats | None, grid: Sequence[float]
) -> dict[str, dict[str, Any]]:
    columns = {letter: slice(place, place + 1) for place, letter in enumerate(LETTERS)} | {"overall": slice(0, 3)}
    items = len(judge_I3)
    found = {}
    for name, taken in columns.items():
        table = np.stack([judge_I3[:, taken].T.ravel(), human_I3[:, taken].T.ravel()])
        times = table.shape[1] // items if items else 1
        where = {
            "item_weights": None if weights is None else np.tile(weights, times),
            "clusters": np.tile(np.arange(items), times) if items else None,
        }
        found[name] = {
            "kappa": measure(cohen_kappa, table, **where),
            "kappa_quadratic": measure(cohen_kappa, table, weights="quadratic", **where),
            "alpha_ordinal": measure(krippendorff_alpha, table, level="ordinal", **where),
            "ac2_quadratic": measure(gwet_ac2, table, weights="quadratic", categories=tuple(grid), **where),
        }
    return found


def measure(statistic: Callable[..., float], table: Floats, **options: Any) -> dict[str, Any]:
    """Return a coefficient with its interval; what is undefined says why."""
    return describe(bootstrap_interval(statistic, table, **options))


def _confuse(judge_I: Floats, human_I: Floats, weights: Floats | None, grid: Sequence[float]) -> dict[str, Any]:
    """Return how often each judge's score (rows) goes with each human score (columns)."""
    weight_I = np.ones(len(judge_I)) if weights is None else weights
    counts, shares = [], []
    for row in grid:
        cells_I = [(judge_I == row) & (human_I == column) for column in HUMAN_SCORES]
        counts.append([int(cell_I.sum()) for cell_I in cells_I])
        shares.append([float(weight_I @ cell_I / weight_I.sum()) if len(weight_I) else nan for cell_I in cells_I])
    return {"judge": list(grid), "human": list(HUMAN_SCORES), "counts": counts, "shares": shares}


def _among(table_RI: Floats, weights: Floats | None, clusters: Floats | None) -> dict[str, Any]:
    where = {"item_weights": weights, "clusters": clusters}
    given_I = (~np.isnan(table_RI)).sum(axis=0)
    several_I = (given_I >= 2).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an answer that nobody scored
        equal_I = (np.nanmax(table_RI, axis=0) == np.nanmin(table_RI, axis=0)) & (given_I >= 2)
    pairs_I = given_I * (given_I - 1) / 2
    agreeing_I = sum(
        ((table_RI == score).sum(axis=0) * ((table_RI == score).sum(axis=0) - 1) / 2 for score in HUMAN_SCORES),
        np.zeros(table_RI.shape[1]),
    )
    weight_I = np.ones(table_RI.shape[1]) if weights is None else weights
    cluster_I = np.arange(table_RI.shape[1], dtype=float) if clusters is None else clusters
    return {
        "all_equal": describe(_cluster_ratio(equal_I * weight_I, several_I * weight_I, cluster_I)),
        "pairs_equal": describe(_cluster_ratio(agreeing_I * weight_I, pairs_I * weight_I, cluster_I)),
        "fleiss_kappa": measure(fleiss_kappa, table_RI, **where),
        "alpha_ordinal": measure(krippendorff_alpha, table_RI, level="ordinal", **where),
        "ac2_quadratic": measure(gwet_ac2, table_RI, weights="quadratic", categories=HUMAN_SCORES, **where),
    }


def _cluster_ratio(over_I: Floats, under_I: Floats, cluster_I: Floats) -> Interval:
    numbers = cluster_I.astype(int)
    return ratio(*(np.bincount(numbers, weights=each_I).astype(float) for each_I in (over_I, under_I)))


def _pair(tables: Mapping[str, Floats], weights: Floats | None, one: int, two: int) -> dict[str, Any]:
    kappas = {
        letter: measure(cohen_kappa, table_RI[[one, two]], weights="quadratic", item_weights=weights)
        for letter, table_RI in tables.items()
    }
    return {"annotators": [one + 1, two + 1], "kappa_quadratic": kappas}


def _with_final(study: Study, annotator: int) -> dict[str, Any]:
    """Return how often one annotator's own scores were the final ones."""
    answers = [answer for answer in study.settled if annotator in answer.humans]
    own_I3 = np.array([answer.humans[annotator].scores for answer in answers]).reshape(-1, 3)
    final_I3 = np.array([answer.final for answer in answers]).reshape(-1, 3)
    told = consistency_rate(own_I3, final_I3, item_weights=weights_of(study, answers))
    by_letter = dict(zip(LETTERS, told.by_dimension, strict=True)) if answers else dict.fromkeys(LETTERS, nan)
    return {
        "annotator": annotator,
        "answers": len(answers),
        "per_score": told.per_score,
        "per_item": told.per_item,
        "by_dimension": by_letter,
    }


def _likeliest(study: Study, column: int) -> dict[str, Any]:
    """Return how often the likeliest scores (Dawid and Skene), and the majority's, are the final ones. Not weighted."""
    table_RI = study.ratings(column)
    final_I = np.array([nan if answer.final is None else answer.final[column] for answer in study.answers])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedAgreement)
        model = dawid_skene(table_RI, categories=HUMAN_SCORES)
    known_I = ~np.isnan(final_I) & ~np.isnan(model.labels_I)
    every = known_I.astype(float)
    told = {
        "likeliest_is_final": share(((model.labels_I == final_I) & known_I).astype(float), every, None),
        "majority_is_final": share(((model.majority_I == final_I) & known_I).astype(float), every, None),
    }
    return told | ({"reason": model.reason} if model.reason else {})
