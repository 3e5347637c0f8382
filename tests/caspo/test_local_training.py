"""One step of CASPO against the same numbers worked out by hand from the answers that it drew; what it learns."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import caspo_loops as loops
import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import make_prompts, make_tiny
from torch import Tensor

from caspo.errors import RunMismatch, SampleInvalid
from caspo.local.config import CaspoConfig
from caspo.local.samples import Prompt
from caspo.local.tracking import Metrics
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, score_answers

pytestmark = pytest.mark.models

CAP, SIZE, BETA = 8, 3, 0.2
PAGE = Path(__file__).parents[2] / "docs" / "caspo-local.md"


def reward(prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
    """Return how many words an answer has, but the same for all answers to the first query."""
    return [
        1.0 if prompt.query.startswith("is") else float(len(answer.split()))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


class Witness:
    """Rewards answers, and notes them beside the policy's weights at that moment."""

    def __init__(self, vlm: Vlm) -> None:
        self.vlm = vlm
        self.steps: dict[int, Any] = {}
        self.step = -1

    def prompts(self, step: int) -> list[Prompt]:
        self.step = step
        self.steps[step] = ([], copy.deepcopy(self.vlm.model))
        return make_prompts(3, seed=step)

    def reward(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> list[float]:
        self.steps[self.step][0].extend(answers)
        return reward(prompts, answers)


def train(folder: Path, **changed: Any) -> tuple[Witness, list[Metrics], Vlm, Vlm]:
    vlm, start, original = make_tiny(), make_tiny(), make_tiny(seed=1)
    witness = Witness(vlm)
    config = CaspoConfig(steps=2, group_size=SIZE, max_tokens=CAP, beta=BETA, learning_rate=0.01, **changed)
    metrics = train_caspo(vlm, witness.prompts, witness.reward, config, folder=folder, data="words", original=original)
    return witness, metrics, start, original


def score(vlm: Vlm, answers: Sequence[str], *, guided: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return log-probabilities, entropies and mask of the second step's answers, from their texts alone."""
    encoded = encode_prompts(vlm, make_prompts(3, seed=1), guided=guided).repeat(SIZE)
    ids_BT, mask_BT = (tensor[:, :CAP] for tensor in encode_answers(vlm, answers))  # an answer cut off has no end token
    found = score_answers(vlm, encoded, ids_BT, mask_BT)
    return found.logp_BT, found.entropy_BT, mask_BT


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"teacher": "frozen_sft", "signal_floor": 0.5},
        {"teacher": "frozen_original", "lam": 1.0, "zero_outcome": "token"},
        {"mode": "token", "teacher": "frozen_sft"},
        {"mode": "outcome"},
        {"groups_per_pass": 2},
    ],
    ids=lambda changed: "-".join(map(str, changed.values())) or "paper",
)
def test_a_step_is_the_gradient_of_equation_6(tmp_path: Path, changed: dict[str, Any]) -> None:
    witness, metrics, start, original = train(tmp_path, **changed)
    answers, model = witness.steps[1]
    policy = Vlm(model.requires_grad_(True), start.processor)
    teacher = {"moving": policy, "frozen_sft": start, "frozen_original": original}[changed.get("teacher", "moving")]
    logp_BT, entropy_BT, mask_BT = score(policy, answers, guided=False)
    with torch.no_grad():
        reference_BT, guided_BT = score(start, answers, guided=False)[0], score(teacher, answers, guided=True)[0]

    groups = [number // SIZE for number in range(len(answers))]
    mask = mask_BT.int().tolist()
    rewards = reward([prompt for prompt in make_prompts(3, seed=1) for _ in range(SIZE)], answers)
    signal_BT = (guided_BT - logp_BT.detach()).masked_fill(~mask_BT, 0).double()
    outcome = loops.normalize_in_group(rewards, groups, [1] * len(groups), eps=1e-6, unbiased=True)
    floor = changed.get("signal_floor", 0.0)
    normal = loops.normalize_tokens(
        signal_BT.tolist(), mask, groups, eps=1e-6, unbiased=True, floor=floor, scope="group"
    )
    advantage = loops.hybrid_advantage(
        outcome, normal, mask, lam=changed.get("lam", 0.3), mode=changed.get("mode", "hybrid"),
        zero_outcome=changed.get("zero_outcome", "drop"),
    )  # fmt: skip
    length_B = mask_BT.sum(1)
    gain_B = (torch.tensor(advantage) * logp_BT).masked_fill(~mask_BT, 0).sum(1) / length_B
    ahead_BT = (reference_BT - logp_BT).masked_fill(~mask_BT, 0)
    kl = ((ahead_BT.exp() - 1 - ahead_BT).sum(1) / length_B).mean()
    policy.model.zero_grad()
    (-gain_B.mean() + BETA * kl).backward()
    kl = kl.detach()
    norm = torch.stack([p.grad.norm() for p in policy.model.parameters() if p.grad is not None]).norm()

    found = metrics[1]
    counted_N = signal_BT[mask_BT]
    wanted = {
        "caspo/grad_norm": norm,
        "caspo/kl": kl,
        "caspo/signal_mean": counted_N.mean(),
        "caspo/signal_std": counted_N.std(unbiased=False),
        "caspo/signal_p01": counted_N.quantile(0.01),
        "caspo/signal_p99": counted_N.quantile(0.99),
        "caspo/signal_far": (counted_N.abs() > 5).double().mean(),
        "caspo/entropy": entropy_BT[mask_BT].mean(),
        "caspo/reward_mean": torch.tensor(rewards).mean(),
        "caspo/reward_std": torch.tensor(rewards).std(unbiased=False),
        "caspo/length": length_B.float().mean(),
        "caspo/capped": sum(len(answer.split()) == CAP for answer in answers) / len(answers),
    }
    if changed.get("mode") == "outcome":  # without a second scoring
        wanted = {name: value for name, value in wanted.items() if "signal" not in name}
        assert not any("signal" in name for name in found)
    assert {name: found[name] for name in wanted} == pytest.approx(
        {name: float(value) for name, value in wanted.items()}, rel=2e-3, abs=1e-5
    )
    flat = [len(set(rewards[at : at + SIZE])) == 1 for at in range(0, len(rewards), SIZE)]
    assert found["caspo/zero_variance_groups"] == pytest.approx(sum(flat) / 3)
    assert 0 < sum(flat) < 3
    assert found["caspo/kl"] > 0.001
    assert found["caspo/rollout_gap"] < 1e-4


def test_the_three_teachers_differ_once_the_policy_has_moved(tmp_path: Path) -> None:
    runs = {
        teacher: train(tmp_path / teacher, teacher=teacher)[1]
        for teacher in ("moving", "frozen_sft", "frozen_original")
    }
    first = {teacher: metrics[0]["caspo/signal_std"] for teacher, metrics in runs.items()}
    assert first["moving"] == first["frozen_sft"] != first["frozen_original"]
    second = [metrics[1]["caspo/signal_std"] for metrics in runs.values()]
    assert len(set(second)) == 3


def test_a_reward_is_learnt(tmp_path: Path) -> None:
    config = CaspoConfig(steps=25, mode="outcome", group_size=6, max_tokens=6, learning_rate=3e-3, beta=0.0)
    metrics = train_caspo(
        make_tiny(), lambda step: make_prompts(4, seed=step), lambda _, said: [float("yes" in text) for text in said],
        config, folder=tmp_path, data="yes",
    )  # fmt: skip
    means = [step["caspo/reward_mean"] for step in metrics]
    assert sum(means[:3]) / 3 < 0.4
    assert sum(means[-3:]) / 3 > 0.9


@pytest.mark.parametrize(
    ("changed", "prompts", "rate", "said"),
    [
        ({"teacher": "frozen_original"}, make_prompts(2), [0.0] * 4, "pass it as `original`"),
        ({}, [], [], "step 0 has no prompts"),
        ({}, make_prompts(2), [0.0] * 3, "3 rewards for 4 answers"),
        ({}, [Prompt(make_prompts(1)[0].picture, "is it safe ?", "")], [0.0] * 2, "has no constitution"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    tmp_path: Path, changed: dict[str, Any], prompts: list[Prompt], rate: list[float], said: str
) -> None:
    config = CaspoConfig(steps=1, group_size=2, max_tokens=4, **changed)
    with pytest.raises(SampleInvalid, match=said):
        train_caspo(make_tiny(), lambda _: prompts, lambda _p, _a: rate, config, folder=tmp_path, data="x")


def test_a_reward_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    config = CaspoConfig(steps=1, group_size=2, max_tokens=4)
    with pytest.raises(ValueError, match="nan"):
        train_caspo(
            make_tiny(),
            lambda _: make_prompts(1),
            lambda _p, _a: [0.0, float("nan")],
            config,
            folder=tmp_path,
            data="x",
        )


def test_other_data_is_another_run(tmp_path: Path) -> None:
    config = CaspoConfig(steps=1, group_size=2, max_tokens=4)

    def run(data: str) -> list[Metrics]:
        return train_caspo(
            make_tiny(), lambda _: make_prompts(1), lambda _p, said: [float(len(s)) for s in said], config,
            folder=tmp_path, data=data,
        )  # fmt: skip

    metrics = run("one")
    with pytest.raises(RunMismatch, match="other data"):
        run("two")
    assert run("one") == metrics


def test_the_page_names_every_metric(tmp_path: Path) -> None:
    _, metrics, _, _ = train(tmp_path)
    rows = re.findall(r"^\| (`caspo/.*?) \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert {name for row in rows for name in re.findall(r"`(caspo/\w+)`", row)} == set(metrics[0])


def test_the_example_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    share, kl = map(float, capsys.readouterr().out.split())
    assert 0 <= share <= 1
    assert kl > 0
