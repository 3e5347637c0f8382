"""The report of a closed human study: one dictionary of JSON values with everything that tables and plots need.

Made of what was frozen at the closing and nothing else, with fixed seeds: the same study gives the same bytes, whatever
was sent after it was closed. `judge.study_markdown` shows it.
"""

import json
from collections.abc import Mapping, Sequence
from math import isfinite, nan
from statistics import median
from typing import Any

import numpy as np

from judge.calibration import Estimate, PredictionPoweredMean, prediction_powered_mean
from judge.metrics import LETTERS
from judge.study_agreement import (
    describe,
    find_grid,
    human_human,
    judge_human,
    ratio,
    share,
    snap,
    weights_of,
)
from judge.study_content import HUMAN_SCORES, Floats, Study, read_study
from judge.study_leniency import measure_leniency
from storage.intervals import wilson_interval

FORMAT = "ood-mmsafe-study-report/1"
DIGITS = 6
MORE_LABELS = (50, 100, 200)


def build_report(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of a study from what was frozen, as JSON values; what is undefined is null with a reason.

    Raises:
        StudyInvalid: the content is of another format or lacks something.
    """
    study = read_study(content)
    report = {
        "format": FORMAT,
        "study": dict(study.about),
        "sample": _describe_sample(study),
        "judge_human": judge_human(study),
        "human_human": human_human(study),
        "averages": _describe_averages(study),
        "by_category": _by_category(study),
        "leniency": measure_leniency(study),
        "calibrated": _calibrate(study),
        "attention_checks": _check_attention(study),
        "pace": _describe_pace(study),
    }
    cleaned: dict[str, Any] = clean_numbers(report)
    return cleaned


def encode_report(report: Mapping[str, Any]) -> str:
    """Return the report as the text of its JSON file."""
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _describe_sample(study: Study) -> dict[str, Any]:
    drawn: dict[str, list[float]] = {}
    for answer in study.answers:
        drawn.setdefault(answer.stratum, []).append(answer.weight)
    settled = study.settled
    return {
        "answers": len(study.answers),
        "annotators": study.annotators,
        "unanimous": sum(answer.policy != "consensus" for answer in settled),
        "by_consensus": sum(answer.policy == "consensus" for answer in settled),
        "unfinished": len(study.answers) - len(settled),
        "attention_checks": len(study.checks),
        "weighted": study.weighted,
        "strata": [
            {"stratum": name, "drawn": len(weights), "weight": sum(weights) / len(weights)}
            for name, weights in sorted(drawn.items())
        ],
        "population": {"answers": len(study.population) + study.unscored, "scored_by_judge": len(study.population)},
    }


def _describe_averages(study: Study) -> dict[str, Any]:
    """Return mean, share of zeros and distribution, by people and by the judge, over the answers with a final score."""
    answers = study.settled
    manual_I3 = np.array([answer.final for answer in answers]).reshape(-1, 3)
    judged_I3 = np.array([answer.panel for answer in answers]).reshape(-1, 3)
    grid = find_grid(judged_I3)
    weights = weights_of(study, answers)
    run_P3 = np.array([row.scores for row in study.population]).reshape(-1, 3)
    return {
        "manual": _average(manual_I3, HUMAN_SCORES, weights),
        "ai": _average(snap(judged_I3, grid), grid, weights),
        "ai_whole_run": _average(snap(run_P3, grid := find_grid(run_P3)), grid, None),
    }


def _average(scores_I3: Floats, grid: Sequence[float], weights: Floats | None) -> dict[str, Any]:
    weight_I = np.ones(len(scores_I3)) if weights is None else weights
    every = np.ones(len(scores_I3))
    found: dict[str, Any] = {}
    for column, letter in enumerate(LETTERS):
        score_I = scores_I3[:, column]
        found[letter] = {
            "mean": describe(ratio(weight_I * score_I, weight_I)),
            "zero": share((score_I == 0).astype(float), every, weights),
            "distribution": [
                {
                    "score": score,
                    "answers": int((score_I == score).sum()),
                    "share": float(weight_I @ (score_I == score) / weight_I.sum()) if len(score_I) else nan,
                }
                for score in grid
            ],
        }
    return found


def _by_category(study: Study) -> list[dict[str, Any]]:
    """Return how often panel and people agree in each category."""
    found = []
    for category in sorted({answer.category for answer in study.settled}):
        answers = [answer for answer in study.settled if answer.category == category]
        weights = weights_of(study, answers)
        weight_I = np.ones(len(answers)) if weights is None else weights
        equal_I3 = np.array([np.isclose(answer.panel, answer.final or nan, atol=1e-9) for answer in answers])
        found.append(
            {
                "category": category,
                "answers": len(answers),
                "per_score": describe(ratio(weight_I * equal_I3.sum(axis=1), 3 * weight_I)),
                "per_item": share(equal_I3.all(axis=1).astype(float), np.ones(len(answers)), weights),
            }
        )
    return found


def _calibrate(study: Study) -> dict[str, Any]:
    """Return X_A and X_0 of the whole run as people would score it, from the judge's scores and the audited answers."""
    answers = study.settled
    audited = {(answer.item_id, answer.sample) for answer in answers}
    weights = weights_of(study, answers)
    # With weights the judge's mean is over all answers, audited ones too; see `prediction_powered_mean`.
    others = [row for row in study.population if weights is not None or (row.item_id, row.sample) not in audited]
    found: dict[str, Any] = {}
    for column, letter in enumerate(LETTERS):
        judge_all = np.array([row.scores[column] for row in others])
        judge = np.array([answer.panel[column] for answer in answers])
        human = np.array([answer.final[column] for answer in answers if answer.final is not None])
        found[letter] = {
            "X_A": _describe_calibrated(
                prediction_powered_mean(judge_all, judge, human, weights=weights), plan=weights is None
            ),
            "X_0": _describe_calibrated(
                prediction_powered_mean(_is_zero(judge_all), _is_zero(judge), _is_zero(human), weights=weights),
                plan=weights is None,
            ),
        }
    return found


def _is_zero(scores: Floats) -> Floats:
    return np.asarray(scores == 0, dtype=float)


def _describe_calibrated(estimate: PredictionPoweredMean, *, plan: bool) -> dict[str, Any]:
    told = _bounds(estimate) | {
        "naive": _bounds(estimate.naive),
        "human_only": _bounds(estimate.human_only),
        "judge_weight": estimate.lam,
        "labelled": estimate.labelled,
        "unlabelled": estimate.unlabelled,
        "disagreements": estimate.disagreements,
        "plan": [
            {"more": each.more, "width": each.width}
            for each in estimate.plan_labels([more for more in MORE_LABELS if plan and more <= estimate.unlabelled])
        ],
    }
    return told | ({"reason": estimate.reason} if estimate.reason else {})


def _bounds(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.mean, "low": estimate.low, "high": estimate.high}


def _check_attention(study: Study) -> list[dict[str, Any]]:
    """Return how many attention checks each annotator passed: gave every known score. They are in no other figure."""
    found = []
    for annotator in range(1, study.annotators + 1):
        done = [check for check in study.checks if annotator in check.humans]
        passed = sum(check.is_passed_by(annotator) for check in done)
        low, high = wilson_interval(passed / len(done), len(done)) if done else (nan, nan)
        rate = passed / len(done) if done else nan
        found.append(
            {"annotator": annotator, "passed": passed, "of": len(done), "value": rate, "low": low, "high": high}
        )
    return found


def _describe_pace(study: Study) -> list[dict[str, Any]]:
    """Return how many answers each annotator scored, and the median time for one."""
    found = []
    for annotator in range(1, study.annotators + 1):
        seconds = [answer.humans[annotator].seconds for answer in study.answers if annotator in answer.humans]
        found.append(
            {
                "annotator": annotator,
                "answers": len(seconds),
                "median_seconds": median(seconds) if seconds else nan,
            }
        )
    return found


def clean_numbers(value: Any) -> Any:
    """Return plain JSON values: numbers rounded, what is no number null."""
    if isinstance(value, dict):
        return {str(name): clean_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_numbers(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return round(float(value), DIGITS) + 0.0 if isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
