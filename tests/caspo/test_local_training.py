"""One step of CASPO against the same numbers worked out by hand from the answers that it drew; what it learns."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

from caspo_step_check import check_step, train
from caspo_tiny import make_prompts, make_tiny

from caspo.errors import RunMismatch, SampleInvalid
from caspo.local.config import CaspoConfig
from caspo.local.samples import Prompt
from caspo.local.tracking import Metrics
from caspo.local.training import train_caspo

pytestmark = pytest.mark.models

PAGE = Path(__file__).parents[2] / "docs" / "caspo-local.md"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"teacher": "frozen_sft", "signal_floor": 0.5},
        {"teacher": "frozen_original", "lam": 1.0, "zero_outcome": "token"},
        {"teacher": "frozen_sft", "teacher_temperature": 0.6},
        {"mode": "token", "teacher": "frozen_sft"},
        {"mode": "outcome"},
        {"groups_per_pass": 2},
    ],
    ids=lambda changed: "-".join(map(str, changed.values())) or "paper",
)
def test_a_step_is_the_gradient_of_equation_6(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert check_step(tmp_path, changed) == {}


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
