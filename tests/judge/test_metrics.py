"""The paper's metrics over judged answers, comparisons of models and of twins, against counting by hand."""

from collections.abc import Callable
from dataclasses import replace
from math import comb, isnan
from typing import Any, Literal

import numpy as np
import pytest

from judge.comparisons import compare_models, mcnemar_exact, over_warning_rate
from judge.metrics import AnswerColumns, ItemScores, ScoreTable, summarize
from storage.records import Judgment, Provenance

HASH = "0" * 64


def scored(item: str, r: float, s: float = 1, e: float = 1, **fields: Any) -> ItemScores:
    fields = {"category": "hate_speech", "sub_category": "mockery"} | fields
    return ItemScores(item, risk_appraisal=r, safety_of_consequences=s, effectiveness=e, **fields)


def unscored(item: str, state: Literal["refused_by_judge", "failed"], reason: str = "", **fields: Any) -> ItemScores:
    return ItemScores(
        item, **({"category": "hate_speech", "sub_category": "mockery"} | fields), unscored=state, reason=reason
    )


ROWS = [
    scored("a", 0, 0, 2),
    scored("b", 2, 2, 1),
    scored("c", 1, 0, 0, sub_category="slurs"),
    scored("d", 0, 1, 1, category="self_harm", sub_category="pills"),
    unscored("e", "refused_by_judge", "content filter"),
    unscored("f", "failed", "no JSON", category="self_harm", sub_category="pills"),
    unscored("g", "failed", "no JSON", category="self_harm", sub_category="pills"),
]


def test_x_a_x_0_and_the_distribution_are_of_scored_answers() -> None:
    overall = summarize(ROWS).overall
    assert (overall.scores["R"].mean.value, overall.scores["R"].zero.value) == (3 / 4, 2 / 4)
    assert (overall.scores["S"].mean.value, overall.scores["S"].zero.value) == (3 / 4, 2 / 4)
    assert (overall.scores["E"].mean.value, overall.scores["E"].zero.value) == (4 / 4, 1 / 4)
    assert overall.scores["R"].counts == {0: 2, 1: 1, 2: 1}
    assert overall.scores["E"].distribution == {0: 0.25, 1: 0.5, 2: 0.25}
    assert overall.items == 7


def test_unscored_answers_have_a_state_and_a_reason_and_are_never_zeros() -> None:
    coverage = summarize(ROWS).overall.coverage
    assert (coverage.answers, coverage.scored, coverage.refused_by_judge, coverage.failed) == (7, 4, 1, 2)
    assert coverage.share == 4 / 7
    assert list(coverage.reasons.items()) == [("no JSON", 2), ("content filter", 1)]


def test_bounds_are_what_it_would_be_if_all_unscored_were_zero_or_two() -> None:
    score = summarize(ROWS).overall.scores["R"]
    assert score.mean_bounds == pytest.approx((3 / 7, 9 / 7))
    assert score.zero_bounds == pytest.approx((2 / 7, 5 / 7))
    for stand_in, mean, zero in (
        (0, score.mean_bounds[0], score.zero_bounds[1]),
        (2, score.mean_bounds[1], score.zero_bounds[0]),
    ):
        filled = summarize([row if row.unscored is None else scored(row.item_id, stand_in) for row in ROWS]).overall
        assert (filled.scores["R"].mean.value, filled.scores["R"].zero.value) == pytest.approx((mean, zero))


def test_categories_and_sub_categories_are_groups_of_their_own() -> None:
    summary = summarize(ROWS)
    assert list(summary.by_category) == ["hate_speech", "self_harm"]
    assert {name: list(group) for name, group in summary.by_sub_category.items()} == {
        "hate_speech": ["mockery", "slurs"],
        "self_harm": ["pills"],
    }
    assert summary.by_category["hate_speech"].scores["R"].mean.value == 1
    assert summary.by_category["self_harm"].coverage.failed == 2
    assert summary.by_sub_category["hate_speech"]["slurs"].scores["R"].counts == {0: 0, 1: 1, 2: 0}


def test_the_papers_shares_have_their_wilson_intervals() -> None:
    """29.7% of 455 is 25.7 to 34.1, and 7.3% is 5.3 to 10.1."""
    for zeros, low, high in ((135, 0.257, 0.341), (33, 0.053, 0.100)):
        score = summarize([scored(str(n), 0 if n < zeros else 2) for n in range(455)]).overall.scores["R"]
        assert score.zero_wilson == pytest.approx((low, high), abs=1e-3)
        assert (score.zero.low, score.zero.high) == pytest.approx((low, high), abs=6e-3)


def test_a_panels_halves_are_scores_too() -> None:
    score = summarize([scored("a", 0.5), scored("b", 0), scored("c", 1.5)]).overall.scores["R"]
    assert score.counts == {0: 1, 0.5: 1, 1: 0, 1.5: 1, 2: 0}
    assert score.zero.value == pytest.approx(1 / 3)
    assert score.zero_bounds == (1 / 3, 1 / 3)
    assert score.zero_wilson == pytest.approx((0.0615, 0.7923), abs=5e-5)  # Wilson, 1 of 3


def test_several_answers_to_an_item_are_resampled_together() -> None:
    """Ten answers that all agree with one another tell no more than one."""
    scores = [0, 0, 1, 2, 2, 2, 1, 0, 2, 1, 0, 2]
    once = summarize([scored(str(n), score) for n, score in enumerate(scores)]).overall.scores["R"]
    often = summarize(
        [scored(str(n), score, sample=sample) for n, score in enumerate(scores) for sample in range(10)]
    ).overall.scores["R"]
    assert (often.mean.value, often.mean.low, often.mean.high) == (once.mean.value, once.mean.low, once.mean.high)
    assert often.zero_wilson == once.zero_wilson
    assert often.counts[0] == 10 * once.counts[0]


def test_no_answers_and_nothing_scored_are_nan_with_a_reason() -> None:
    for rows in ([], [unscored("a", "failed")]):
        overall = summarize(rows).overall
        assert isnan(overall.scores["R"].mean.value) and overall.scores["R"].mean.reason == "there are no items"
        assert all(isnan(end) for end in overall.scores["R"].zero_wilson)
    assert isnan(summarize([]).overall.coverage.share)
    assert summarize([unscored("a", "failed")]).overall.scores["R"].mean_bounds == (0, 2)


def test_equal_scores_show_no_spread_and_say_so() -> None:
    score = summarize([scored(str(n), 0) for n in range(20)]).overall.scores["R"]
    assert score.mean.value == 0 and isnan(score.mean.high)
    assert "every resample gives 0" in score.mean.reason
    assert score.zero_wilson == pytest.approx((0.8389, 1.0), abs=1e-4)


def test_intervals_hold_the_true_mean_19_times_in_20() -> None:
    """76 items, as in one category of the benchmark; R, S and E are three independent trials."""
    rng = np.random.default_rng(76)
    held, trials = {"mean": 0, "zero": 0, "wilson": 0}, 600
    for trial in range(trials // 3):
        drawn = rng.choice(3, p=[0.3, 0.1, 0.6], size=(76, 3)).tolist()
        overall = summarize(
            [scored(str(n), *three) for n, three in enumerate(drawn)], resamples=500, seed=trial
        ).overall
        for score in overall.scores.values():
            held["mean"] += score.mean.low <= 1.3 <= score.mean.high
            held["zero"] += score.zero.low <= 0.3 <= score.zero.high
            held["wilson"] += score.zero_wilson[0] <= 0.3 <= score.zero_wilson[1]
    assert all(0.93 <= count / trials <= 0.97 for count in held.values()), held


def test_a_judgment_becomes_scores_with_its_place() -> None:
    def judgment(**fields: Any) -> Judgment:
        made_by = Provenance(actor="judge_a", tool="test")
        return Judgment(response_id=HASH, rubric_sha256=HASH, raw_reply="{}", provenance=made_by, **fields)

    whole = judgment(risk_appraisal=2, safety_of_consequences=1, effectiveness=0)
    assert ItemScores.of(whole, item_id="a", category="hate_speech").scores == (2, 1, 0)
    failed = ItemScores.of(judgment(unscored="failed", unscored_reason="cut"), item_id="a", category="hate_speech")
    assert (failed.scores, failed.unscored, failed.reason) == ((None, None, None), "failed", "cut")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ItemScores("a", "hate_speech", risk_appraisal=1), "item a: scores .* give all three scores, or none"),
        (lambda: ItemScores("a", "hate_speech"), "unscored None; give all three scores, or none"),
        (lambda: scored("a", 1, unscored="failed"), "unscored 'failed'; give all three"),
        (lambda: scored("a", 3), "item a: score 3 is not within 0 and 2"),
        (lambda: scored("a", float("nan")), "item a: score nan is not within 0 and 2"),
        (lambda: summarize([scored("a", 1), scored("a", 2)]), "item a has two rows for sample 0"),
        (lambda: summarize([scored("a", 1), scored("a", 2, sample=1, category="x")]), "item a is in .* give one"),
        (lambda: summarize([], confidence=0), "confidence=0 is not between 0 and 1"),
        (lambda: compare_models([], [], letter="X"), "letter='X' is unknown; give one of R, S, E"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_the_value_and_the_remedy(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_table_in_which_answers_share_their_scores_gives_the_numbers_of_its_rows() -> None:
    kinds = [
        ItemScores("any", "any", "any", 0, 1, 2), ItemScores("any", "any", "any", 1.5, 0, 0),
        ItemScores("any", "any", "any", unscored="failed", reason="late"),
        ItemScores("any", "any", "any", unscored="refused_by_judge", reason="no"),
    ]  # fmt: skip
    names = [f"item-{number // 2}" for number in range(40)]
    answers = AnswerColumns(
        item_ids=names, places=[("b", "y"), ("a", "z"), ("b", "x")],
        place_N=np.array([number // 2 % 3 for number in range(40)]),
        sample_N=np.array([number % 2 for number in range(40)]),
    )  # fmt: skip
    table = ScoreTable(answers, kinds, np.array([(7 * number + number // 3) % 4 for number in range(40)]))
    rows = list(table)
    assert rows[3] == ItemScores("item-1", "a", "z", unscored="failed", reason="late", sample=1)
    assert len(table) == 40 and rows[3] in table and kinds[0] not in table
    assert repr(summarize(table)) == repr(summarize(rows))
    with pytest.raises(ValueError, match="item item-0 has two rows for sample 0"):
        summarize(ScoreTable(replace(answers, sample_N=np.zeros(40, int)), kinds, np.zeros(40, int)))
    with pytest.raises(ValueError, match=r"item item-0 is in \('b', 'y'\) and in \('a', 'z'\)"):
        summarize(ScoreTable(replace(answers, place_N=np.arange(40) % 3), kinds, np.zeros(40, int)))


def test_two_models_are_compared_on_what_both_have() -> None:
    first = [scored("a", 0), scored("b", 2), scored("c", 1), scored("d", 2), unscored("e", "failed")]
    second = [scored("a", 1), scored("b", 0), scored("c", 0), scored("d", 0), scored("e", 2), scored("f", 1)]
    found = compare_models(first, second)
    assert (found.items, found.unpaired) == (4, 2)
    assert found.mean_difference.value == pytest.approx((-1 + 2 + 1 + 2) / 4)
    assert found.zero_difference.value == pytest.approx((1 - 3) / 4)
    assert (found.only_first_zero, found.only_second_zero) == (1, 3)
    assert found.mcnemar_p == pytest.approx(2 * (1 + 4) / 16)
    turned = compare_models(second, first)
    assert turned.mean_difference.value == -found.mean_difference.value
    assert turned.mcnemar_p == pytest.approx(found.mcnemar_p)


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    rng = np.random.default_rng(6)
    base = rng.choice([0, 1], size=300)
    first = [scored(str(n), score) for n, score in enumerate(base.tolist())]
    second = [scored(str(n), score) for n, score in enumerate((base + (rng.random(300) < 0.1)).tolist())]
    found = compare_models(first, second).mean_difference
    assert found.value == pytest.approx(-0.1, abs=0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.3 / 300**0.5, rel=0.15)


def test_mcnemar_is_a_tossed_coin() -> None:
    """Loop over the tosses; and 59 against 6 of 65 as R's binom.test(6, 65) gives: p = 4.1e-12."""
    for a, b in ((0, 0), (1, 0), (3, 9), (12, 5), (7, 7), (40, 61)):
        tail = sum(comb(a + b, k) for k in range(min(a, b) + 1)) / 2 ** (a + b)
        assert mcnemar_exact(a, b) == pytest.approx(min(1, 2 * tail))
    assert mcnemar_exact(50_000, 50_500) == pytest.approx(0.1150, abs=2e-3)  # as the normal approximation


def test_mcnemar_needs_one_answer_to_an_item() -> None:
    first = [scored("a", 0), scored("a", 2, sample=1), scored("b", 1)]
    found = compare_models(first, [scored("a", 2), scored("b", 1)])
    assert isnan(found.mcnemar_p) and found.reason.startswith("items have several answers")
    assert found.mean_difference.value == pytest.approx((1 - 2) / 2)
    nothing = compare_models([], [scored("a", 2)])
    assert isnan(nothing.mean_difference.value) and nothing.reason == "no item has scored answers of both models"


def test_over_warning_is_counted_on_twins_and_told_from_warning() -> None:
    twins = [scored("a", 0), scored("b", 1), scored("c", 2), scored("d", 0), unscored("e", "failed")]
    originals = [scored("a", 2), scored("b", 2), scored("c", 0), scored("d", 0), scored("e", 2)]
    found = over_warning_rate(twins, originals=originals)
    assert found.rate == 2 / 4
    assert found.bounds == pytest.approx((2 / 5, 3 / 5))
    assert found.interval == pytest.approx((0.15, 0.85), abs=5e-3)
    assert (found.pairs, found.told_apart) == (4, 1 / 4)
    assert found.coverage.failed == 1


def test_over_warning_of_nothing_is_nan() -> None:
    found = over_warning_rate([])
    assert isnan(found.rate) and isnan(found.told_apart) and found.pairs == 0
    assert all(isnan(end) for end in found.interval + found.bounds)
