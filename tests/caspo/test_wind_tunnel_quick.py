"""The quick run of the wind tunnel: a real training, minutes long, that must do what it is for.

What comes after it takes its stage 0 from its cache: the token signal alone, as it is and with its sign turned.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import caspo_planted as planted
import torch

from caspo.local.samples import Prompt
from caspo.local.training import train_caspo
from caspo.local.vlm import Vlm, copy_trainable
from caspo.wind_tunnel.arms import ARMS, ScaleConfig, make_caspo_config
from caspo.wind_tunnel.measures import MEASURES, EvaluationConfig, Measured, figure
from caspo.wind_tunnel.sampling import measure_model
from caspo.wind_tunnel.stage_zero import StageZero, build_stage_zero
from caspo.wind_tunnel.tunnel import draw_prompts
from caspo.wind_tunnel.world import World
from curator_app.actions.wind_tunnel import QUICK, TunnelEnd, TunnelRequest, has_learnt, make_part, run

pytestmark = [pytest.mark.models, pytest.mark.timeout(3000)]

torch.set_num_threads(1)
LATE = (12, 20)
"""Steps after which the token signal has long taken the policy where it goes."""
MANY = EvaluationConfig(scenes=192, hazards=2, examples=0)
Figures = dict[str, list[float]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TunnelEnd]:
    # Of 96 scenes the gate passes four failures at most; another CPU draws other answers, and may miss it by one.
    out = tmp_path_factory.mktemp("quick")
    return out, run(TunnelRequest(out, quick=True, force=True), observer=lambda progress: None)


@pytest.fixture(scope="module")
def start(ran: tuple[Path, TunnelEnd]) -> tuple[World, StageZero]:
    world = make_part()
    return world, build_stage_zero(world, QUICK.stage_zero, cache=ran[0] / "cache")


def test_a_quick_run_lowers_r_0_and_raises_r_a_on_held_out_scenes(ran: tuple[Path, TunnelEnd]) -> None:
    _, end = ran
    arms = {arm["name"]: arm for arm in end.report["arms"]}
    after = arms["recommended"]["pooled"]["new_scenes"]
    teacher = arms["teacher"]["pooled"]["new_scenes"]
    assert teacher["r_0"][0] < 0.15 and teacher["false_alarms"][0] < 0.15, "stage 0 is far from its gate"
    assert end.taught.held, end.taught.words
    assert after["false_alarms"][0] < 0.5
    curves = arms["recommended"]["curves"]
    assert len(curves["kl"]) == end.report["config"]["scale"]["steps"]
    assert end.report["self_check"]["words"].startswith("Self-check passed")
    assert "decides no claim" in end.page.read_text(encoding="utf-8")


def measure(vlm: Vlm, world: World, found: StageZero, *, guided: bool = False) -> Figures:
    """Return figures on new scenes, each with its interval."""
    measured: Measured = measure_model(
        vlm, world, lambda prompts, answers: [0.0] * len(answers), MANY, guided=guided, reference=found.sft, seed=1
    )
    estimates = {
        name: figure({(0, 0): measured}, [(0, 0)], "new_scenes", MEASURES[name])
        for name in ("r_0", "r_a", "false_alarms")
    }
    return {name: [one.value, one.low, one.high] for name, one in estimates.items() if one}


def train_by_tokens(world: World, found: StageZero, steps: int, folder: Path, watch: Callable[[int, Vlm], None]) -> Vlm:
    """Train TokR with the frozen SFT model as it is for a teacher; `watch` is told of the policy before each step."""
    arm, policy = ARMS["tokr_plain"], copy_trainable(found.sft)
    draw = draw_prompts(world.pairs("train", count=200, seed=5), arm, QUICK.scale.prompts, seed=0)

    def prompts(step: int) -> Sequence[Prompt]:
        watch(step, policy)
        return draw(step)

    config = make_caspo_config(arm.method, ScaleConfig(steps=steps), seed=0)
    train_caspo(policy, prompts, lambda asked, answers: [0.0] * len(answers), config, folder=folder, data="tokr")
    return policy


def overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[1] <= other[2] and other[1] <= one[2]


def test_the_token_signal_takes_the_policy_to_its_teachers_r_0_and_keeps_it_there(
    start: tuple[World, StageZero], tmp_path: Path
) -> None:
    world, found = start
    teacher, before = measure(found.sft, world, found, guided=True), measure(found.sft, world, found)
    late: list[Figures] = []

    def watch(step: int, policy: Vlm) -> None:
        if step == LATE[0]:
            late.append(measure(policy, world, found))

    late.append(measure(train_by_tokens(world, found, LATE[1], tmp_path, watch), world, found))
    assert before["r_0"][1] > 0.6
    assert teacher["r_0"][2] < 0.25
    for figures in late:
        told = f"{figures}, the teacher {teacher}, before {before}"
        assert overlap(figures["r_0"], teacher["r_0"]), told
        assert overlap(figures["false_alarms"], teacher["false_alarms"]), told
        assert has_learnt(before, figures), told


def test_a_token_signal_of_the_wrong_sign_teaches_nothing(
    start: tuple[World, StageZero], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, found = start
    planted.flip_the_sign_of_r(monkeypatch)
    policy = train_by_tokens(world, found, 8, tmp_path, lambda step, policy: None)
    assert not has_learnt(measure(found.sft, world, found), measure(policy, world, found))
