"""The report of closed studies of failures: how far people agree on each label, and the map model x failure x category.

Made of what was frozen at the closings and nothing else, with fixed seeds. An answer *has* a label when more than half
of the people who answered gave it; `any` counts the answers to which anybody gave it. Only answers that the judge
scored as failed were drawn, so shares are shares of failures and not of a model's answers.

Shapes: R raters, I answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from statistics import median
from typing import Any

import numpy as np

from judge.agreement import fleiss_kappa, krippendorff_alpha
from judge.errors import StudyInvalid
from judge.failure_content import NO_FAILURE, FailedAnswer, FailureStudy, Span, read_failures
from judge.study_agreement import describe, measure, ratio, share
from judge.study_content import Floats
from judge.study_report import clean_numbers

FORMAT = "ood-mmsafe-failure-report/1"
EVERY = "all"
"""Stands for all categories together."""
PLACES = ("first", "middle", "last", "none")
"""Where in the causal chain an answer breaks."""

Answers = Sequence[FailedAnswer]


def build_failure_report(contents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the report of one or more closed studies as JSON values; what is undefined is null with a reason.

    Raises:
        StudyInvalid: there is none, a content is of another format, or the studies used different taxonomies.
    """
    studies = [read_failures(content) for content in contents]
    _check_taxonomy(studies)
    answers = [answer for study in studies for answer in study.labelled]
    taxonomy = studies[0].taxonomy
    codes = [label["code"] for label in taxonomy["labels"]]
    report = {
        "format": FORMAT,
        "taxonomy": {
            "version": studies[0].about["rubric_version"],
            "sha256": studies[0].about["rubric_sha256"],
            "labels": list(taxonomy["labels"]),
        },
        "studies": [_describe_study(study) for study in studies],
        "answers": len(answers),
        "labels": {code: _describe_label(answers, code) for code in [*codes, NO_FAILURE]},
        "sets": _compare_sets(answers),
        "broken_link": _describe_links(answers),
        "map": _map(studies, codes),
    }
    cleaned: dict[str, Any] = clean_numbers(report)
    return cleaned


def _check_taxonomy(studies: Sequence[FailureStudy]) -> None:
    if not studies:
        raise StudyInvalid("there is no closed study of failures to report; `curator failures close NAME` closes one")
    first = studies[0].about
    for study in studies[1:]:
        if study.about["rubric_sha256"] != first["rubric_sha256"]:
            raise StudyInvalid(
                f"study {study.about['name']} used taxonomy {study.about['rubric_version']} "
                f"({study.about['rubric_sha256'][:16]}), and {first['name']} {first['rubric_version']} "
                f"({first['rubric_sha256'][:16]}); labels under two taxonomies do not go together, report each alone"
            )


def _describe_study(study: FailureStudy) -> dict[str, Any]:
    drawn, finished = len(study.answers), study.about["annotators_per_answer"]
    return {
        "name": study.about["name"],
        "release_version": study.about["release_version"],
        "release_digest": study.about["release_digest"],
        "run": study.about["run"],
        "model": study.about["model"],
        "mode": study.about["mode"],
        "seed": study.about["seed"],
        "closed_at": study.about["closed_at"],
        "people": study.people,
        "people_per_answer": finished,
        "drawn": drawn,
        "labelled": len(study.labelled),
        "unfinished": sum(len(answer.given) < finished for answer in study.answers),
        "population": {name: study.population[name] for name in ("scored", "failed", "unscored", "categories")},
    }


def _describe_label(answers: Answers, code: str) -> dict[str, Any]:
    have = np.array([answer.has(code) for answer in answers], dtype=float)
    votes_I = np.array([answer.votes(code) for answer in answers], dtype=float)
    of_I = np.array([len(answer.given) for answer in answers], dtype=float)
    marked = [(answer, span) for answer in answers for each in answer.given if (span := each.spans.get(code))]
    return {
        "answers": int(have.sum()),
        "any": int((votes_I > 0).sum()),
        "votes": int(votes_I.sum()),
        "share": share(have, np.ones(len(have)), None),
        "agreement": {
            "alpha_nominal": measure(krippendorff_alpha, _rate(answers, code), level="nominal", **_clusters(answers)),
            "fleiss_kappa": measure(fleiss_kappa, _rate(answers, code), **_clusters(answers)),
            # of two people one of whom gave the label, how often the other gave it too
            "positive": describe(ratio(votes_I * (votes_I - 1), votes_I * (of_I - 1))) if len(answers) else _nothing(),
        },
        "spans": {
            "marked": len(marked),
            "median_start": median(span[0] / answer.characters for answer, span in marked) if marked else nan,
            "overlap": _overlap(answers, code),
        },
        "broken_link": _count_places(answers, code),
    }


def _rate(answers: Answers, code: str) -> Floats:
    """Return who gave the label, 1 or 0: raters x answers. Which person is which row does not matter here."""
    raters = max((len(answer.given) for answer in answers), default=0)
    table_RI = np.full((raters, len(answers)), nan)
    for place, answer in enumerate(answers):
        for rater, each in enumerate(answer.given):
            table_RI[rater, place] = float(code in each.spans)
    return table_RI


def _clusters(answers: Answers) -> dict[str, Any]:
    """Answers about one item go together; nothing to say where every item has one."""
    items = [answer.item_id for answer in answers]
    if len(set(items)) == len(items):
        return {}
    numbers = {item: number for number, item in enumerate(dict.fromkeys(items))}
    return {"clusters": np.array([numbers[item] for item in items], dtype=float)}


def _nothing() -> dict[str, Any]:
    return {"value": nan, "low": nan, "high": nan, "reason": "there are no answers"}


def _overlap(answers: Answers, code: str) -> dict[str, Any]:
    """Return how far two people's spans of a label go together: shared over joint characters, the mean over pairs."""
    shared_I, pairs_I = [], []
    for answer in answers:
        spans = [span for each in answer.given if (span := each.spans.get(code))]
        shares = [_share_characters(one, two) for one, two in combinations(spans, 2)]
        shared_I.append(sum(shares))
        pairs_I.append(float(len(shares)))
    if not sum(pairs_I):
        return {"value": nan, "low": nan, "high": nan, "reason": "no answer has two spans of this label"}
    return describe(ratio(np.array(shared_I, dtype=float), np.array(pairs_I)))


def _share_characters(one: Span, two: Span) -> float:
    both = max(0, min(one[1], two[1]) - max(one[0], two[0]))
    return both / (one[1] - one[0] + two[1] - two[0] - both)


def _compare_sets(answers: Answers) -> dict[str, Any]:
    """Return how alike two people's sets of labels are: equal, and shared over joint labels, over all pairs."""
    equal_I, alike_I, pairs_I = [], [], []
    for answer in answers:
        pairs = [(set(one.spans), set(two.spans)) for one, two in combinations(answer.given, 2)]
        equal_I.append(float(sum(one == two for one, two in pairs)))
        alike_I.append(float(sum(len(one & two) / len(one | two) for one, two in pairs)))
        pairs_I.append(float(len(pairs)))
    if not sum(pairs_I):
        reason = "no answer has two people's labels"
        undefined = {"value": nan, "low": nan, "high": nan, "reason": reason}
        return {"pairs": 0, "equal": undefined, "jaccard": undefined}
    return {
        "pairs": int(sum(pairs_I)),
        "equal": describe(ratio(np.array(equal_I), np.array(pairs_I))),
        "jaccard": describe(ratio(np.array(alike_I), np.array(pairs_I))),
    }


def _describe_links(answers: Answers) -> dict[str, Any]:
    """Return where answers break, and how far people agree on the link; those who see no failure are left out."""
    raters = max((len(answer.given) for answer in answers), default=0)
    table_RI = np.full((raters, len(answers)), nan)
    for place, answer in enumerate(answers):
        for rater, each in enumerate(answer.given):
            if NO_FAILURE not in each.spans:
                table_RI[rater, place] = -1.0 if each.broken_link is None else float(each.broken_link)
    alpha = measure(krippendorff_alpha, table_RI, level="nominal", **_clusters(answers)) if answers else _nothing()
    return {"places": _count_places(answers, None), "alpha_nominal": alpha}


def _count_places(answers: Answers, code: str | None) -> dict[str, int]:
    """Return how many people put the break where, of those who gave the label; None: any label but `NO_FAILURE`."""
    found: Counter[str] = Counter()
    for answer in answers:
        for each in answer.given:
            if (code in each.spans) if code is not None else NO_FAILURE not in each.spans:
                found[_place_link(each.broken_link, answer.links)] += 1
    return {place: found[place] for place in PLACES}


def _place_link(link: int | None, links: int) -> str:
    if link is None:
        return "none"
    return "first" if link == 0 else "last" if link == links - 1 else "middle"


def _map(studies: Sequence[FailureStudy], codes: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each model and mode, and each category of it and all together, how many answers have each label."""
    by_model: dict[tuple[str, str], list[FailedAnswer]] = {}
    for study in studies:
        by_model.setdefault((study.about["model"], study.about["mode"]), []).extend(study.labelled)
    found = []
    for (model, mode), answers in by_model.items():
        for category in [*sorted({answer.category for answer in answers}), EVERY]:
            own = [answer for answer in answers if category in (EVERY, answer.category)]
            found.append(
                {
                    "model": model,
                    "mode": mode,
                    "category": category,
                    "answers": len(own),
                    "failures": {code: _count(own, code) for code in [*codes, NO_FAILURE]},
                }
            )
    return found


def _count(answers: Answers, code: str) -> dict[str, Any]:
    have = np.array([answer.has(code) for answer in answers], dtype=float)
    return {
        "answers": int(have.sum()),
        "any": sum(answer.votes(code) > 0 for answer in answers),
        "share": share(have, np.ones(len(have)), None),
    }
