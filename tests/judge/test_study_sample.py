"""The sample of a study: anybody draws it again, and its weights undo the strata."""

from collections import Counter

import numpy as np
import pytest

from judge.errors import StudyInvalid
from judge.study_sample import Candidate, allocate, draw_sample


def make_candidates(items: int, *, samples: int = 1, judges: int = 2) -> list[Candidate]:
    """A tenth of the items have judges that differ; categories are of different size."""
    return [
        Candidate(f"i{item:04}", sample, "rare" if item % 4 == 0 else "common", None if judges < 2 else item % 10 == 0)
        for item in range(items)
        for sample in range(samples)
    ]


def test_a_simple_sample_is_the_same_whatever_the_order_and_another_for_another_seed() -> None:
    candidates = make_candidates(100)
    drawn = draw_sample(candidates, n=30, seed=1)
    assert draw_sample(candidates[::-1], n=30, seed=1) == drawn
    assert draw_sample(candidates, n=30, seed=2) != drawn
    assert len({each.candidate.item_id for each in drawn}) == 30
    assert {(each.stratum, each.weight) for each in drawn} == {("", 100 / 30)}
    assert {each.candidate for each in draw_sample(candidates, n=100, seed=1)} == set(candidates)


def test_strata_are_drawn_alike_and_the_weights_say_how_many_each_stands_for() -> None:
    drawn = draw_sample(make_candidates(100), n=24, seed=3, stratify=("category", "judge-disagreement"))
    # 0, 20, 40, ... are rare and differ: 5. 25 - 5 rare agree, 10 - 5 common differ, 70 common agree.
    counts = Counter(each.stratum for each in drawn)
    assert counts == {
        "category common, judges agree": 7, "category common, judges differ": 5,
        "category rare, judges agree": 7, "category rare, judges differ": 5,
    }  # fmt: skip
    weights = {each.stratum: each.weight for each in drawn}
    assert weights["category common, judges agree"] == 70 / 7
    assert weights["category rare, judges agree"] == pytest.approx(20 / 7)
    assert weights["category rare, judges differ"] == 1
    assert sum(each.weight for each in drawn) == pytest.approx(100)


def test_one_answer_of_an_item_is_drawn_and_stands_for_all_of_them() -> None:
    drawn = draw_sample(make_candidates(50, samples=4), n=25, seed=5)
    assert len({each.candidate.item_id for each in drawn}) == 25
    assert {each.weight for each in drawn} == {50 / 25 * 4}
    assert len({each.candidate.sample for each in drawn}) == 4


def is_hit(candidate: Candidate) -> bool:
    """What is to be estimated: nearly always so where the judges differ, seldom where they agree."""
    number = int(candidate.item_id[1:])
    return number % 90 != 0 if candidate.judges_differ else number % 10 == 1


def test_over_many_draws_weighted_shares_are_right_and_plain_ones_are_not() -> None:
    candidates = make_candidates(200)
    weighted, plain = [], []
    for seed in range(300):
        drawn = draw_sample(candidates, n=40, seed=seed, stratify=("judge-disagreement",))
        hits = [is_hit(each.candidate) for each in drawn]
        weighted.append(np.average(hits, weights=[each.weight for each in drawn]))
        plain.append(np.mean(hits))
    truth = np.mean([is_hit(candidate) for candidate in candidates])
    error = np.std(weighted) / np.sqrt(300)
    assert abs(np.mean(weighted) - truth) < 4 * error
    assert abs(np.mean(plain) - truth) > 20 * error


def test_what_cannot_be_drawn_names_both_numbers() -> None:
    candidates = make_candidates(20, judges=1)
    with pytest.raises(StudyInvalid, match=r"--n 21 cannot be drawn from 20 items .* give 1 to 20"):
        draw_sample(candidates, n=21, seed=0)
    with pytest.raises(StudyInvalid, match="--n 0 cannot be drawn"):
        draw_sample(candidates, n=0, seed=0)
    with pytest.raises(StudyInvalid, match="needs two judges, and the run has one"):
        draw_sample(candidates, n=5, seed=0, stratify=("judge-disagreement",))
    with pytest.raises(StudyInvalid, match="--n 1 is less than the 2 strata by category"):
        draw_sample(candidates, n=1, seed=0, stratify=("category",))
    with pytest.raises(StudyInvalid, match="'colour': give some of category, judge-disagreement"):
        draw_sample(candidates, n=1, seed=0, stratify=("colour",))


def test_small_strata_are_taken_whole_and_the_rest_goes_to_the_others() -> None:
    assert allocate({"a": 2, "b": 50, "c": 50}, 20) == {"a": 2, "b": 9, "c": 9}
    assert allocate({"a": 2, "b": 3}, 5) == {"a": 2, "b": 3}
    assert sum(allocate({"a": 7, "b": 50, "c": 1, "d": 4}, 23).values()) == 23
