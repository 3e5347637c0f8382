"""Agreement in a study that is still open: what can be said before the consensus, from the scores given so far.

The final scores do not exist yet, and those that do are the unanimous ones, on which a judge agrees more than it will
in the end. So the judge is compared with each person's own score: an answer that three people scored counts three
pairs, and answers are resampled whole. Sums are weighted as in the report.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judge.agreement import gwet_ac2
from judge.metrics import LETTERS
from judge.study_agreement import agree_among, describe, find_grid, measure, ratio, snap, weights_of
from judge.study_content import Scores, Study, read_study
from judge.study_report import clean_numbers

FORMAT = "ood-mmsafe-study-so-far/1"


def measure_so_far(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the agreement so far as JSON values; what is undefined is null with a reason.

    Args:
        content: what `storage.study_frozen.describe_content` returns.

    Raises:
        StudyInvalid: the content is of another format or lacks something.
    """
    study = read_study(content)
    roles = sorted({role for answer in study.answers for role in answer.judges})
    given = [len(answer.humans) for answer in study.answers]
    wanted = int(study.about["annotators_per_answer"])
    found = {
        "format": FORMAT,
        "scored": {
            "answers": len(study.answers),
            "by_one": sum(count >= 1 for count in given),
            "by_two": sum(count >= 2 for count in given),
            "by_all": sum(count >= wanted for count in given),
            "scores": sum(given),
        },
        "human_human": agree_among(study),
        "judge_human": {
            "panel": _compare(study, [answer.panel for answer in study.answers]),
            "judges": {role: _compare(study, [answer.judges[role] for answer in study.answers]) for role in roles},
        },
    }
    cleaned: dict[str, Any] = clean_numbers(found)
    return cleaned


def _compare(study: Study, judged: Sequence[Scores]) -> dict[str, Any]:
    """Return how far one scorer's scores of the answers agree with each person's own: per letter and over all three."""
    pairs = [
        (place, judged[place], each.scores)
        for place, answer in enumerate(study.answers)
        for each in answer.humans.values()
    ]
    if not pairs:
        nothing = {"value": None, "low": None, "high": None, "reason": "nobody has scored an answer yet"}
        return {name: {"equal": nothing, "ac2_quadratic": nothing} for name in (*LETTERS, "overall")}
    answer_P = np.array([place for place, _, _ in pairs])
    run = [row.scores for row in study.population]
    grid = find_grid(np.array([*judged, *run]))
    judge_P3 = snap(np.array([scores for _, scores, _ in pairs]), grid)
    human_P3 = np.array([scores for _, _, scores in pairs])
    weights_I = weights_of(study, study.answers)
    weight_P = np.ones(len(pairs)) if weights_I is None else weights_I[answer_P]
    found = {}
    columns = {letter: slice(place, place + 1) for place, letter in enumerate(LETTERS)} | {"overall": slice(0, 3)}
    for name, taken in columns.items():
        equal_P = (judge_P3[:, taken] == human_P3[:, taken]).sum(axis=1)
        width = judge_P3[:, taken].shape[1]
        over_I = np.bincount(answer_P, weights=weight_P * equal_P, minlength=len(study.answers))
        under_I = np.bincount(answer_P, weights=weight_P * width, minlength=len(study.answers))
        table = np.stack([judge_P3[:, taken].T.ravel(), human_P3[:, taken].T.ravel()])
        found[name] = {
            "equal": describe(ratio(over_I.astype(float), under_I.astype(float))),
            "ac2_quadratic": measure(
                gwet_ac2,
                table,
                weights="quadratic",
                categories=tuple(grid),
                item_weights=None if weights_I is None else np.tile(weight_P, width),
                clusters=np.tile(answer_P.astype(float), width),
            ),
        }
    return found
