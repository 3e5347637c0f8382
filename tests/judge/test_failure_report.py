"""The report of studies of failures: agreement worked out by hand, the map, and what is undefined."""

import json
from typing import Any

import pytest

from judge.errors import StudyInvalid
from judge.failure_markdown import show_failures
from judge.failure_report import build_failure_report
from judge.study_report import encode_report

LABELS = [
    {"code": "buried_warning", "name": "Buried warning", "group": "Warning", "definition": "Late.", "cue": "x"},
    {"code": "rote_refusal", "name": "Rote | refusal <b>", "group": "Acting", "definition": "Stock.", "cue": "x"},
    {"code": "wrong_hazard", "name": "Wrong hazard", "group": "Seeing", "definition": "Another.", "cue": "x"},
]
LINKS = ["It is put there", "A child climbs it", "It falls"]
Case = tuple[str, list[dict[str, Any]]]


def say(*codes: str, link: int | None = None, **spans: tuple[int, int]) -> dict[str, Any]:
    """What one person says: labels, those with a span by name; without any, that the answer does not fail."""
    labels = [{"code": code, "start": None, "end": None} for code in codes]
    labels += [{"code": code, "start": start, "end": end} for code, (start, end) in spans.items()]
    return {"labels": labels, "no_failure": not labels, "broken_link": link, "note": "", "seconds": 9.0}


def make_content(
    answers: list[Case],
    *,
    name: str = "one",
    model: str = "model-a",
    sha256: str = "e" * 64,
) -> dict[str, Any]:
    """A closed study: for each answer its category and what people said of it."""
    cases = [
        {
            "number": number, "item_id": f"i{number}", "label": f"S-{number}", "category": category,
            "sub_category": "x", "sample": 0, "stratum": "", "weight": 1.0, "characters": 100, "links": LINKS,
            "judged": {"panel": [0.0, 0.0, 1.0], "judges": {}, "why": ["R", "S"]},
            "labelled": [{"annotator": place} | said for place, said in enumerate(people, 1)],
        }
        for number, (category, people) in enumerate(answers, 1)
    ]  # fmt: skip
    return {
        "format": "ood-mmsafe-failures/1",
        "study": {
            "name": name, "release_version": "v1.0", "release_digest": "d" * 64, "run": "r", "model": model,
            "mode": "standard", "rubric_version": "1.0", "rubric_sha256": sha256, "seed": 7, "stratify": [],
            "annotators_per_answer": 3, "created_at": "2026-01-01T00:00:00", "closed_at": "2026-02-01T00:00:00",
        },
        "annotators": 3,
        "taxonomy": {"version": "1.0", "labels": LABELS},
        "answers": cases,
        "population": {"scored": 20, "failed": 8, "unscored": 1, "categories": {}, "judge_rubric_sha256": "f" * 64},
    }  # fmt: skip


BURIED, REFUSAL = "buried_warning", "rote_refusal"
FOUR = [
    ("self_harm", [say(buried_warning=(0, 10), link=0), say(buried_warning=(5, 15), link=2), say(BURIED, link=0)]),
    ("self_harm", [say(BURIED), say(BURIED, REFUSAL, link=1), say(REFUSAL)]),
    ("privacy_violation", [say(REFUSAL), say(REFUSAL), say()]),
    ("privacy_violation", [say(), say(), say(REFUSAL)]),
]  # fmt: skip


def test_agreement_is_that_of_the_hand_calculation() -> None:
    report = build_failure_report([make_content(FOUR)])
    # who gave the label: 3 of 3, 2 of 3, none, none; five ones and seven zeros
    found = report["labels"][BURIED]
    alpha = 1 - (2 / 12) * (12 * 11) / (2 * 5 * 7)
    assert found["agreement"]["alpha_nominal"]["value"] == pytest.approx(alpha, abs=1e-6)
    chance = (5 / 12) ** 2 + (7 / 12) ** 2
    assert found["agreement"]["fleiss_kappa"]["value"] == pytest.approx((10 / 12 - chance) / (1 - chance), abs=1e-6)
    assert found["agreement"]["positive"]["value"] == pytest.approx((3 * 2 + 2 * 1) / (3 * 2 + 2 * 2))
    assert (found["answers"], found["any"], found["votes"], found["share"]["value"]) == (2, 2, 5, 0.5)
    assert found["spans"]["marked"] == 2
    assert found["spans"]["overlap"]["value"] == pytest.approx(5 / 15, abs=1e-6)
    assert found["broken_link"] == {"first": 2, "middle": 1, "last": 1, "none": 1}
    none = report["labels"]["no_failure"]
    assert (none["answers"], none["any"], none["votes"]) == (1, 2, 3)


def test_sets_of_labels_are_compared_by_pairs_of_people() -> None:
    report = build_failure_report([make_content(FOUR)])
    equal = [3, 0, 1, 1]
    alike = [3, 1 / 2 + 0 + 1 / 2, 1, 1]
    assert report["sets"]["pairs"] == 12
    assert report["sets"]["equal"]["value"] == pytest.approx(sum(equal) / 12, abs=1e-6)
    assert report["sets"]["jaccard"]["value"] == pytest.approx(sum(alike) / 12, abs=1e-6)


def test_the_map_counts_by_model_and_category() -> None:
    other = [("self_harm", [say(REFUSAL), say(REFUSAL), say(BURIED)])]
    contents = [make_content(FOUR), make_content(other, name="two", model="model-b")]
    report = build_failure_report(contents)
    rows = {(row["model"], row["category"]): row for row in report["map"]}
    assert {key: row["answers"] for key, row in rows.items()} == {
        ("model-a", "privacy_violation"): 2, ("model-a", "self_harm"): 2, ("model-a", "all"): 4,
        ("model-b", "self_harm"): 1, ("model-b", "all"): 1,
    }  # fmt: skip
    own = rows["model-a", "self_harm"]["failures"]
    assert [(own[code]["answers"], own[code]["any"]) for code in (BURIED, REFUSAL, "wrong_hazard")] == [
        (2, 2), (1, 1), (0, 0),
    ]  # fmt: skip
    assert rows["model-a", "privacy_violation"]["failures"][REFUSAL]["share"]["value"] == 0.5
    assert rows["model-a", "all"]["failures"]["no_failure"]["answers"] == 1
    text = show_failures(report)
    assert "| Rote \\| refusal &lt;b> | 50% | 50% | 50% |" in text
    assert "### model-b" in text
    assert encode_report(report) == encode_report(build_failure_report(contents))


def test_a_label_that_nobody_gave_has_no_agreement_and_says_why() -> None:
    report = build_failure_report([make_content(FOUR)])
    alpha = report["labels"]["wrong_hazard"]["agreement"]["alpha_nominal"]
    assert (alpha["value"], alpha["low"]) == (None, None)
    assert "every rating that can be compared is 0" in alpha["reason"]
    assert report["labels"]["wrong_hazard"]["agreement"]["positive"]["value"] is None
    assert "Wrong hazard: every rating" in show_failures(report)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([("self_harm", [say(BURIED)]), ("self_harm", [say()])], "there is one rater only; agreement needs two"),
        ([("self_harm", []), ("self_harm", [])], "there are no ratings"),
        ([], "there are no ratings"),
        ([("self_harm", [say(BURIED)] * 3)] * 3, "every rating that can be compared is 1"),
    ],
)
def test_degenerate_studies_are_reported_with_a_reason(answers: list[Any], reason: str) -> None:
    report = build_failure_report([make_content(answers)])
    agreement = report["labels"][BURIED]["agreement"]
    for told in (agreement["alpha_nominal"], agreement["fleiss_kappa"]):
        assert told["value"] is None
        assert reason in told["reason"]
    assert show_failures(report).startswith("# How answers fail")
    json.loads(encode_report(report))


def test_answers_about_one_item_are_resampled_together() -> None:
    alone = build_failure_report([make_content(FOUR * 4)])
    content = make_content(FOUR * 4)
    for place, case in enumerate(content["answers"]):
        case["item_id"] = f"i{place // 4}"
    together = build_failure_report([content])
    one, two = (each["labels"][BURIED]["agreement"]["alpha_nominal"] for each in (alone, together))
    assert one["value"] == two["value"]
    assert one["low"] is not None
    assert two["low"] is None  # the four items are alike, so that resampling them shows no spread


def test_studies_of_different_taxonomies_are_not_put_together() -> None:
    with pytest.raises(StudyInvalid, match=r"study two used taxonomy 1\.0 \(ffffffffffffffff\), and one"):
        build_failure_report([make_content(FOUR), make_content(FOUR, name="two", sha256="f" * 64)])
    with pytest.raises(StudyInvalid, match="no closed study of failures"):
        build_failure_report([])
    with pytest.raises(StudyInvalid, match="another version froze it"):
        build_failure_report([make_content(FOUR) | {"format": "other/9"}])
    broken = make_content(FOUR)
    del broken["answers"][0]["labelled"][0]["broken_link"]
    with pytest.raises(StudyInvalid, match="cannot be read"):
        build_failure_report([broken])
