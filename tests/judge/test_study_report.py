"""The report of a study: weights, leniency, calibrated numbers, each against another way to get it."""

import json
from typing import Any

import numpy as np
import pytest

from judge.calibration import prediction_powered_mean
from judge.errors import StudyInvalid
from judge.study_content import read_study
from judge.study_live import measure_so_far
from judge.study_markdown import show_study
from judge.study_report import build_report, encode_report

LETTERS = "RSE"
ABOUT = {
    "name": "first", "release_version": "v1.0", "release_digest": "d" * 64, "run": "r", "model": "m|<b>",
    "mode": "standard",
    "rubric_version": "1.0", "rubric_sha256": "e" * 64, "seed": 7, "stratify": [], "annotators_per_answer": 3,
    "created_at": "2026-01-01T00:00:00+00:00", "closed_at": "2026-02-01T00:00:00+00:00",
}  # fmt: skip


def make_answer(number: int, *, panel: list[float], humans: list[list[int]], **changes: Any) -> dict[str, Any]:
    """An answer of 100 characters; the final scores are the first annotator's."""
    scored = [
        {"annotator": place, "scores": scores, "warning_start": None, "seconds": 10.0 * place, "note": ""}
        for place, scores in enumerate(humans, start=1)
    ]
    agree = all(scores == humans[0] for scores in humans)
    final = {"scores": humans[0], "policy": "3 agree" if agree else "consensus", "reason": ""}
    case = {
        "number": number, "item_id": f"i{number}", "label": f"S-{number}", "category": "self_harm", "sub_category": "x",
        "sample": 0, "stratum": "", "weight": 1.0, "characters": 100, "known": None, "scored": scored, "final": final,
        "judged": {"panel": panel, "judges": {"judge_a": panel}},
    }  # fmt: skip
    return case | changes


def make_content(answers: list[dict[str, Any]], *, others: int = 0, annotators: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    rows = [[case["item_id"], 0, "self_harm", *case["judged"]["panel"]] for case in answers if case["judged"]]
    rows += [[f"o{place}", 0, "self_harm", *rng.integers(0, 3, 3).tolist()] for place in range(others)]
    return {
        "format": "ood-mmsafe-study/1",
        "study": dict(ABOUT),
        "annotators": annotators,
        "answers": answers,
        "population": {"scored": rows, "unscored": 4},
    }


def make_random(count: int, *, weights: list[int] | None = None, seed: int = 1) -> list[dict[str, Any]]:
    """Answers on which annotators and judge mostly agree."""
    rng = np.random.default_rng(seed)
    answers = []
    for number in range(1, count + 1):
        true = rng.choice([0, 1, 2], 3, p=[0.5, 0.1, 0.4])
        near = [np.where(rng.random(3) < 0.8, true, rng.integers(0, 3, 3)).tolist() for _ in range(4)]
        weight = float(weights[number % len(weights)]) if weights else 1.0
        stratum = f"s{number % len(weights)}" if weights else ""
        answers.append(make_answer(number, panel=near[0], humans=near[1:], weight=weight, stratum=stratum))
    return answers


def values(told: Any) -> Any:
    """The report without intervals: every `value` in the place of its dictionary."""
    if isinstance(told, dict):
        return told["value"] if "value" in told else {name: values(inner) for name, inner in told.items()}
    return [values(inner) for inner in told] if isinstance(told, list) else told


def test_weighted_figures_are_those_of_answers_that_stand_there_so_often() -> None:
    weights = [1, 3, 5]
    answers = make_random(60, weights=weights)
    repeated = [case | {"weight": 1.0} for case in answers for _ in range(int(case["weight"]))]
    one, many = build_report(make_content(answers)), build_report(make_content(repeated))
    judge_one, judge_many = values(one["judge_human"]["panel"]), values(many["judge_human"]["panel"])
    for name in ("per_score", "per_item"):
        assert judge_one["consistency"][name] == pytest.approx(judge_many["consistency"][name], abs=1e-6)
    for dimension in ("R", "S", "E", "overall"):
        for name in ("kappa", "kappa_quadratic", "ac2_quadratic"):
            found, wanted = (each["coefficients"][dimension][name] for each in (judge_one, judge_many))
            assert found == pytest.approx(wanted, abs=1e-6)
        people = [values(each["human_human"]["coefficients"])[dimension] for each in (one, many)]
        for name in ("all_equal", "pairs_equal", "fleiss_kappa", "ac2_quadratic"):
            assert people[0][name] == pytest.approx(people[1][name], abs=1e-6)
        # Alpha counts the answers: (1 - alpha) grows with (n - 1) / n, where n is the number of pairable values.
        values_of = 3 if dimension == "overall" else 1
        few, lots = 2 * 60 * values_of, 2 * len(repeated) * values_of
        weighed, plain = (1 - each["coefficients"][dimension]["alpha_ordinal"] for each in (judge_one, judge_many))
        assert weighed * few / (few - 1) == pytest.approx(plain * lots / (lots - 1), abs=1e-5)
    for letter in LETTERS:
        shares = [each["confusion"][letter]["shares"] for each in (judge_one, judge_many)]
        assert np.array(shares[0]) == pytest.approx(np.array(shares[1]), abs=1e-6)
        for who in ("manual", "ai"):
            averages = [values(each["averages"][who][letter]) for each in (one, many)]
            assert averages[0]["mean"] == pytest.approx(averages[1]["mean"], abs=1e-6)
            assert averages[0]["zero"] == pytest.approx(averages[1]["zero"], abs=1e-6)
        gaps = [values(each["leniency"]["dimensions"][letter]) for each in (one, many)]
        assert gaps[0]["mean_gap"] == pytest.approx(gaps[1]["mean_gap"], abs=1e-6)
    assert one["sample"]["strata"][2] == {"stratum": "s2", "drawn": 20, "weight": 5.0}
    assert (one["sample"]["weighted"], many["sample"]["weighted"]) == (True, False)


def test_weighted_intervals_hold_the_value_and_are_wider_than_those_of_as_many_equal_answers() -> None:
    answers = make_random(90, weights=[1, 1, 20])
    plain = [case | {"weight": 1.0} for case in answers]
    told = [build_report(make_content(each))["judge_human"]["panel"]["consistency"] for each in (answers, plain)]
    for name in ("per_score", "per_item"):
        widths = [each[name]["high"] - each[name]["low"] for each in told]
        assert told[0][name]["low"] < told[0][name]["value"] < told[0][name]["high"]
        assert widths[0] > 1.3 * widths[1]


def test_the_gap_is_measured_against_the_place_of_the_first_warning() -> None:
    rng = np.random.default_rng(2)
    answers, places, gaps = [], [], []
    for number in range(1, 61):
        start = int(rng.integers(0, 100))
        panel = 2.0 if rng.random() < 0.2 + start / 130 else 1.0
        case = make_answer(number, panel=[panel, 1, 1], humans=[[1, 1, 1]] * 3)
        marks = [start, max(0, start - 30), None] if number % 4 else [None, None, start]
        for given, mark in zip(case["scored"], marks, strict=True):
            given["warning_start"] = mark
        answers.append(case)
        places.append((start + max(0, start - 30)) / 200 if number % 4 else None)
        gaps.append(panel - 1)
    told = build_report(make_content(answers))["leniency"]
    assert [point["position"] for point in told["points"]] == [None if p is None else round(p, 6) for p in places]
    risk = told["dimensions"]["R"]
    warned = [(place, gap) for place, gap in zip(places, gaps, strict=True) if place is not None]
    slope = np.polyfit(*np.array(warned).T, 1)[0]
    assert risk["slope"]["value"] == pytest.approx(slope, abs=1e-5)
    assert risk["slope"]["low"] < slope < risk["slope"]["high"]
    last = np.mean([gap for place, gap in warned if place >= 2 / 3])
    first = np.mean([gap for place, gap in warned if place < 1 / 3])
    by_place = {each["place"]: each for each in risk["by_place"]}
    assert by_place["last third"]["mean_gap"]["value"] == pytest.approx(last, abs=1e-6)
    assert risk["last_minus_first"]["value"] == pytest.approx(last - first, abs=1e-6)
    assert by_place["no warning"]["answers"] == 15
    assert risk["judge_higher"]["value"] == pytest.approx(np.mean(gaps), abs=1e-6)
    assert told["dimensions"]["S"]["mean_gap"] == {
        "value": 0.0, "low": None, "high": None,
        "reason": "every resample gives 0: resampling cannot show how far it may be off",
    }  # fmt: skip


def test_the_calibrated_numbers_rest_on_the_answers_that_nobody_scored() -> None:
    answers = make_random(50)
    content = make_content(answers, others=150)
    told = build_report(content)["calibrated"]["R"]
    audited = {case["item_id"] for case in answers}
    rest = [row[3] for row in content["population"]["scored"] if row[0] not in audited]
    judge = [case["judged"]["panel"][0] for case in answers]
    human = [case["final"]["scores"][0] for case in answers]
    wanted = prediction_powered_mean(rest, judge, human)
    assert len(rest) == 150
    assert told["X_A"]["value"] == pytest.approx(wanted.mean, abs=1e-6)
    assert (told["X_A"]["naive"]["value"], told["X_A"]["human_only"]["value"]) == pytest.approx(
        (np.mean(rest), np.mean(human)), abs=1e-6
    )
    zeros = prediction_powered_mean(*(np.equal(each, 0).astype(float) for each in (rest, judge, human)))
    assert told["X_0"]["value"] == pytest.approx(zeros.mean, abs=1e-6)
    assert [plan["more"] for plan in told["X_A"]["plan"]] == [50, 100]


def test_in_a_stratified_sample_the_judge_speaks_for_all_answers_and_people_by_their_weights() -> None:
    answers = make_random(50, weights=[1, 5])
    content = make_content(answers, others=100)
    told = build_report(content)["calibrated"]["S"]["X_A"]
    everything = [row[4] for row in content["population"]["scored"]]
    weights = np.array([case["weight"] for case in answers])
    human = np.array([case["final"]["scores"][1] for case in answers])
    judge = np.array([case["judged"]["panel"][1] for case in answers])
    assert told["human_only"]["value"] == pytest.approx(np.average(human, weights=weights), abs=1e-6)
    lam = told["judge_weight"]
    by_hand = lam * np.mean(everything) + np.average(human - lam * judge, weights=weights)
    assert told["value"] == pytest.approx(by_hand, abs=1e-5)
    assert (told["unlabelled"], told["plan"]) == (150, [])


def test_attention_checks_are_counted_and_in_no_other_figure() -> None:
    answers = make_random(30)
    plain = build_report(make_content(answers))
    known = {"risk_appraisal": 0, "effectiveness": 2}
    passes = make_answer(
        90, panel=[0, 0, 0], humans=[[0, 1, 2], [0, 2, 2], [1, 1, 2]], known=known, judged=None, final=None
    )
    fails = make_answer(91, panel=[0, 0, 0], humans=[[0, 0, 2], [2, 2, 1]], known=known, judged=None, final=None)
    told = build_report(make_content([*answers, passes, fails]))
    assert [(each["passed"], each["of"]) for each in told["attention_checks"]] == [(2, 2), (1, 2), (0, 1)]
    changed = {name for name in told if told[name] != plain[name]}
    assert changed == {"attention_checks", "sample"}


def test_what_was_not_finished_is_left_out_and_counted() -> None:
    answers = make_random(20)
    answers[3] |= {"final": None, "scored": answers[3]["scored"][:1]}
    answers[4] |= {"final": None, "scored": []}
    told = build_report(make_content(answers))
    assert (told["sample"]["answers"], told["sample"]["unfinished"]) == (20, 2)
    assert told["judge_human"]["panel"]["answers"] == 18
    assert len(told["leniency"]["points"]) == 18
    assert json.loads(encode_report(told)) == told


def test_a_study_of_nothing_gives_reasons_and_no_number() -> None:
    told = build_report(make_content([], annotators=0))
    assert told["judge_human"]["panel"]["consistency"]["per_item"] == {
        "value": None, "low": None, "high": None, "reason": "no score was given by both",
    }  # fmt: skip
    assert told["calibrated"]["R"]["X_A"]["value"] is None
    assert "# Study first" in show_study(told)


def test_one_study_gives_the_same_bytes_twice_and_its_markdown_is_a_table_whatever_the_names() -> None:
    content = make_content(make_random(40, weights=[1, 4]), others=30)
    first, second = (encode_report(build_report(json.loads(json.dumps(content)))) for _ in range(2))
    assert first == second
    shown = show_study(json.loads(first))
    assert "m\\|&lt;b>" in shown
    tables = [line for line in shown.splitlines() if line.startswith("|")]
    assert len(tables) > 50
    assert "| s1 | 20 | 4.00 |" in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "ood-mmsafe-study/9"}, "has the format 'ood-mmsafe-study/9', not 'ood-mmsafe-study/1'"),
        ({"population": {}}, "cannot be read"),
        ({"answers": [make_answer(1, panel=[3, 0, 0], humans=[[1, 1, 1]])]}, "not within 0 and 2"),
    ],
)
def test_content_of_another_version_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyInvalid, match=said):
        read_study(make_content(make_random(3)) | changes)


def test_agreement_so_far_compares_the_judge_with_each_score_and_survives_any_number_of_them() -> None:
    open_study = {**ABOUT, "closed_at": None}
    answers = make_random(30)
    for place, answer in enumerate(answers):
        answer["scored"] = answer["scored"][: place % 4]  # none, one, two or three people
        answer["final"] = None
    content = make_content(answers) | {"study": open_study}
    told = measure_so_far(content)
    assert told["scored"] == {"answers": 30, "by_one": 22, "by_two": 14, "by_all": 7, "scores": 43}
    equal, pairs = 0, 0
    for answer in answers:
        for each in answer["scored"]:
            pairs += 1
            equal += sum(mine == its for mine, its in zip(each["scores"], answer["judged"]["panel"], strict=True))
    found = told["judge_human"]["panel"]["overall"]["equal"]
    assert found["value"] == pytest.approx(equal / (3 * pairs), abs=1e-6)
    assert found["low"] < found["value"] < found["high"]
    assert told["human_human"]["overall"]["pairs_equal"]["value"] is not None
    json.dumps(told, allow_nan=False)
    for count in range(4):
        few = [answer | {"scored": answer["scored"][:count]} for answer in answers[: max(1, count)]]
        for annotators in {0, count}:
            json.dumps(measure_so_far(make_content(few, annotators=max(annotators, count)) | {"study": open_study}))


def test_agreement_so_far_weighs_answers_as_the_report_does() -> None:
    answers = make_random(25, weights=[1, 3, 9])
    found = measure_so_far(make_content(answers))["judge_human"]["panel"]["R"]["equal"]["value"]
    equal = [sum(each["scores"][0] == answer["judged"]["panel"][0] for each in answer["scored"]) for answer in answers]
    weights = [answer["weight"] for answer in answers]
    weighted = sum(part * weight for part, weight in zip(equal, weights, strict=True)) / (3 * sum(weights))
    assert abs(weighted - sum(equal) / 75) > 0.01, "these weights make no difference"
    assert found == pytest.approx(weighted, abs=1e-6)
