"""The reward model learns scores that depend on the picture; how its agreement is measured; what evaluation reports."""

from collections.abc import Sequence
from pathlib import Path
from statistics import correlation

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_loops import reward_model_loss
from caspo_tiny import QUERIES, make_prompts, make_tiny, paint

from caspo.errors import SampleInvalid
from caspo.local.config import RewardModelConfig
from caspo.local.evaluation import evaluate
from caspo.local.reward_model import RewardModel, check_pairs, train_reward_model
from caspo.local.samples import Prompt, ScoredPair
from caspo.local.vlm import hash_weights

pytestmark = pytest.mark.models


def make_pairs(count: int, *, seed: int) -> list[ScoredPair]:
    """Return pairs of `yes .` and `no the cup may burn .`, in either order: yes is right if the picture is red."""
    pairs = []
    for n in range(count):
        red = n % 2 == 0
        prompt = Prompt(paint(red=red, seed=seed + n), QUERIES[n % 3], "")
        scored = [("yes .", 6.0 if red else 1.0), ("no the cup may burn .", 0.0 if red else 4.5)]
        one, other = scored if n % 4 < 2 else scored[::-1]
        pairs.append(ScoredPair(prompt, (one[0], other[0]), (one[1], other[1])))
    return pairs


def test_it_learns_and_agrees_on_pictures_that_it_has_not_seen(tmp_path: Path) -> None:
    model, unseen = RewardModel(make_tiny()), make_pairs(24, seed=1_000)
    assert check_pairs(model.rate, unseen)["pair_accuracy"] == 0.5  # it says 3 of every answer
    config = RewardModelConfig(steps=60, batch=8, learning_rate=2e-3)
    metrics = train_reward_model(model, make_pairs(48, seed=0), config, cache=tmp_path)
    found = check_pairs(model.rate, unseen)
    assert found["pair_accuracy"] >= 0.95
    assert found["correlation"] > 0.8
    assert 0 < sum(step["rm/ranked"] for step in metrics) / 60 < 0.5  # 5 of 6 less the blue ones, whose scores are near
    again = RewardModel(make_tiny())
    assert train_reward_model(again, make_pairs(48, seed=0), config, cache=tmp_path) == metrics  # from the cache
    assert hash_weights(again) == hash_weights(model)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_its_loss_is_equation_7(tmp_path: Path, share: float) -> None:
    pairs = make_pairs(6, seed=0)
    config = RewardModelConfig(steps=1, batch=6, ranked_share=share, regression_weight=0.7)
    (found,) = train_reward_model(RewardModel(make_tiny()), pairs, config, cache=tmp_path)
    scores = [list(pair.scores) for pair in pairs]
    wanted = reward_model_loss(
        [[3.0, 3.0]] * 6, scores, gap=4.0, ranked=[int(share)] * 6, weight=0.7, present=[[1, 1]] * 6
    )
    assert found["rm/loss"] == pytest.approx(wanted, rel=1e-5)
    assert found["rm/ranked"] == share / 2  # those with a red picture


def test_a_batch_is_rated_as_each_answer_alone() -> None:
    model = RewardModel(make_tiny())
    torch.manual_seed(0)
    torch.nn.init.normal_(model.head.weight)
    prompts, answers = make_prompts(3), ["yes .", "no the stove may burn the cup .", "careful"]
    alone = [model.rate([prompt], [answer])[0] for prompt, answer in zip(prompts, answers, strict=True)]
    assert model.rate(prompts, answers) == pytest.approx(alone, abs=1e-4)  # float32, of numbers near 20
    assert model.rate(prompts, answers, batch=2) == pytest.approx(alone, abs=1e-4)
    assert len({round(value, 3) for value in alone}) == 3


def test_agreement_counts_ties_by_half_and_leaves_out_equal_scores() -> None:
    prompt = make_prompts(1)[0]
    rows = [((1.0, 0.0), (5.0, 2.0)), ((0.0, 1.0), (5.0, 2.0)), ((2.0, 2.0), (1.0, 3.0)), ((9.0, 0.0), (4.0, 4.0))]
    pairs = [ScoredPair(prompt, ("yes", "no"), scores) for _, scores in rows]
    said = [reward for rewards, _ in rows for reward in rewards]
    found = check_pairs(lambda _prompts, _answers: said, pairs)
    assert found["pair_accuracy"] == (1 + 0 + 0.5) / 3
    assert found["correlation"] == pytest.approx(correlation(said, [score for _, scores in rows for score in scores]))


def test_evaluation_averages_what_the_judge_says_and_leaves_the_random_state_alone() -> None:
    vlm, prompts = make_tiny(), make_prompts(5)

    def score(asked: Sequence[Prompt], answers: Sequence[str]) -> list[dict[str, float]]:
        assert [prompt.query for prompt in asked] == [prompt.query for prompt in prompts]
        return [{"words": len(answer.split()), "first": answer == answers[0]} for answer in answers]

    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    found = evaluate(vlm, prompts, score, guided=True, seed=3, max_tokens=6, batch=2)
    assert torch.rand(1) == expected
    words = [len(answer.split()) for answer in found.answers]
    assert found.means["words"] == sum(words) / 5
    assert found.means["first"] == found.answers.count(found.answers[0]) / 5
    assert found.means["capped"] == sum(count == 6 for count in words) / 5
    assert found.means["length"] == sum(min(count + 1, 6) for count in words) / 5  # with the end token
    assert 0 < found.means["entropy"] < 3.5
    again = evaluate(vlm, prompts, score, guided=True, seed=3, max_tokens=6, batch=2)
    assert again == found
    assert evaluate(vlm, prompts, score, guided=True, seed=4, max_tokens=6, batch=2).answers != found.answers


@pytest.mark.parametrize(("count", "said"), [(0, "no prompt"), (2, "1 scores for 2 answers")])
def test_an_evaluation_that_does_not_fit_is_refused(count: int, said: str) -> None:
    with pytest.raises(SampleInvalid, match=said):
        evaluate(make_tiny(), make_prompts(count), lambda _p, _a: [{"r": 1.0}], guided=False, seed=0, max_tokens=2)
