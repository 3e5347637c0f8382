"""The panel: means, disagreement, effective votes, flips and families, against figures by hand or by numpy."""

import random
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from judge.panel import JudgedAnswer, PanelTally, find_family, score_by_judge, score_by_panel, shares_family
from storage.judgment_records import Judgment
from storage.record import Provenance

MADE = Provenance(actor="tests", tool="tests")


def judgment(role: str, scores: tuple[int, int, int] | None, **changes: Any) -> Judgment:
    given: dict[str, Any] = {"unscored": "failed", "unscored_reason": "no reply"}
    if scores:
        given = dict(zip(("risk_appraisal", "safety_of_consequences", "effectiveness"), scores, strict=True))
    shared = {
        "response_id": "0" * 64,
        "judge": f"{role}_seat",
        "rubric_sha256": "1" * 64,
        "raw_reply": "",
        "provenance": MADE,
    }
    return Judgment(**shared | given | changes)


def answer(**votes: Any) -> JudgedAnswer:
    """Each of `votes` is a list of scores, one a repeat; None stands for a failed one."""
    made = {role: tuple(judgment(role, scores) for scores in repeats) for role, repeats in votes.items()}
    return JudgedAnswer("item", "self_harm", "risky_behaviour", 0, made)


def test_the_panels_score_is_the_mean_of_the_judges_and_a_judges_that_of_its_repeats() -> None:
    judged = answer(judge_a=[(2, 1, 0), (2, 2, 0)], judge_b=[(1, 0, 0), (0, 0, 0), None])
    first, panel = score_by_judge(judged, "judge_a"), score_by_panel(judged)
    assert (first.risk_appraisal, first.safety_of_consequences, first.effectiveness) == (2, 1.5, 0)
    assert (panel.risk_appraisal, panel.safety_of_consequences, panel.effectiveness) == (1.25, 0.75, 0)
    assert panel.unscored is None


def test_one_judge_without_a_score_leaves_the_panel_without_one() -> None:
    judged = answer(judge_a=[(2, 2, 2)], judge_b=[None])
    panel = score_by_panel(judged)
    assert (panel.risk_appraisal, panel.unscored, panel.reason) == (None, "failed", "judge_b: no reply")
    refused = JudgedAnswer(
        "i", "c", "s", 0, {"judge_a": (judgment("judge_a", None, unscored="refused_by_judge"),), "judge_b": (None,)}
    )
    assert score_by_panel(refused).unscored == "refused_by_judge"
    assert "not asked yet" in score_by_panel(refused).reason


def test_disagreement_and_effective_votes_follow_their_formulas() -> None:
    rng = random.Random(4)
    rows = []
    for _ in range(300):
        truth = rng.randint(0, 2)
        rows.append([truth if rng.random() < share else rng.randint(0, 2) for share in (0.9, 0.7, 0.5)])
    roles = ("a", "b", "c")
    tally = PanelTally(roles)
    for row in rows:
        tally.add(answer(**{role: [(score, 0, score % 2)] for role, score in zip(roles, row, strict=True)}))
    table = np.array(rows, dtype=float).T
    r = np.mean([np.corrcoef(table[one], table[two])[0, 1] for one, two in combinations(range(3), 2)])
    assert tally.effective_votes("risk_appraisal") == pytest.approx(3 / (1 + 2 * r))
    pairs = [(a, b) for row in rows for a, b in combinations(row, 2)]
    n, differ, distance = tally.disagreement("risk_appraisal")
    assert n == len(pairs)
    assert differ == pytest.approx(sum(a != b for a, b in pairs) / len(pairs))
    assert distance == pytest.approx(sum(abs(a - b) for a, b in pairs) / len(pairs))
    assert tally.effective_votes("safety_of_consequences") is None  # its scores never differ


def test_judges_that_copy_one_another_are_one_vote_and_opposed_ones_no_more_than_two() -> None:
    copied, opposed = PanelTally(("a", "b")), PanelTally(("a", "b"))
    for score in (0, 1, 2, 2, 0):
        copied.add(answer(a=[(score, 0, 0)], b=[(score, 0, 0)]))
        opposed.add(answer(a=[(score, 0, 0)], b=[(2 - score, 0, 0)]))
    assert copied.effective_votes("risk_appraisal") == pytest.approx(1)
    assert opposed.effective_votes("risk_appraisal") == pytest.approx(2)
    assert PanelTally(("a",)).effective_votes("risk_appraisal") == 1
    assert PanelTally(("a", "b")).disagreement("risk_appraisal") == (0, None, None)


def test_the_flip_rate_counts_answers_whose_repeats_differ() -> None:
    tally = PanelTally(("a",))
    for repeats in ([(0, 1, 2), (0, 1, 1)], [(2, 2, 2), (2, 2, 2)], [(1, 1, 1), None], [(1, 0, 0), (0, 0, 0), None]):
        tally.add(answer(a=repeats))
    assert tally.flip_rate("a", "risk_appraisal") == (3, pytest.approx(1 / 3))
    assert tally.flip_rate("a", "safety_of_consequences") == (3, 0)
    assert tally.flip_rate("a", "effectiveness") == (3, pytest.approx(1 / 3))
    assert PanelTally(("a",)).flip_rate("a", "effectiveness") == (0, None)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-5.1", "openai"),
        ("o3-mini", "openai"),
        ("Qwen/Qwen3-VL-32B-Instruct", "qwen"),
        ("gemini-3-pro", "google"),
        ("google/gemma-3-12b-it", "google"),
        ("llava-1.5-7b-hf", "llava"),
        ("OpenGVLab/InternVL3_5-38B", "internvl"),
        ("doubao-1.6", "bytedance"),
        ("claude-sonnet-4", "anthropic"),
        ("meta-llama/Llama-3.2-11B-Vision", "llama"),
        ("my-model", None),
        ("solo1", None),
    ],
)
def test_families_are_read_from_names(model: str, family: str | None) -> None:
    assert find_family(model) == family


def test_judge_and_target_of_one_family_are_told() -> None:
    assert shares_family("gpt-5", "gpt-5.1") is True
    assert shares_family("qwen3-vl-32b", "gpt-5.1") is False
    assert shares_family("my-judge", "gpt-5.1") is None
    assert shares_family("my-model", "my-model") is True
