"""Stage 0 and the rewards in a few steps: what is taught, what is kept, what the gate says of real models."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tiny_stage_zero import make_tiny

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch

from caspo.local.config import RewardModelConfig, SupervisedConfig
from caspo.local.samples import Example
from caspo.local.supervised import train_supervised
from caspo.local.tiny_vlm import build_tiny_vlm
from caspo.local.vision import scale_features
from caspo.local.vlm import copy_frozen, hash_weights
from caspo.wind_tunnel.gate import judge_figures, measure_mode
from caspo.wind_tunnel.lessons import FORMS, PhaseConfig, write_answer_lessons, write_risk_lessons
from caspo.wind_tunnel.reward import RewardConfig, build_reward, judge_answers, sample_own
from caspo.wind_tunnel.stage_zero import StageZero, build_stage_zero
from curator_app.wind_tunnel_world import HazardWorld

pytestmark = pytest.mark.models

torch.set_num_threads(1)
WORLD = HazardWorld()
TINY = make_tiny(evaluated=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageZero, Path]:
    """A stage 0 of two steps a phase, and its cache."""
    cache = tmp_path_factory.mktemp("stage_zero")
    return build_stage_zero(WORLD, TINY, cache=cache), cache


def test_it_hands_on_two_models_and_what_the_gate_says(built: tuple[StageZero, Path]) -> None:
    made, _ = built
    assert hash_weights(made.base.model) != hash_weights(made.sft.model)
    assert set(made.gate.figures) == {"new_scenes", "new_hazards"}
    assert set(made.gate.figures["new_scenes"]) == {
        "base_standard", "base_constitution", "sft_standard", "sft_constitution",
    }  # fmt: skip
    assert not made.gate.passed


def test_a_second_call_trains_and_measures_nothing(built: tuple[StageZero, Path]) -> None:
    made, cache = built
    before = {file: file.stat().st_mtime_ns for file in cache.rglob("*.pt")}
    kept = next(cache.glob("gate-*.json"))
    figures = json.loads(kept.read_text())
    figures["new_scenes"]["base_standard"]["r_0"] = 0.125
    kept.write_text(json.dumps(figures))
    told: list[tuple[str, int, int]] = []
    again = build_stage_zero(WORLD, TINY, cache=cache, progress=lambda *at: told.append(at))
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.pt")} == before
    assert len(before) == 6
    assert hash_weights(again.sft.model) == hash_weights(made.sft.model)
    assert again.gate.figures["new_scenes"]["base_standard"].r_0 == 0.125
    assert told == [
        ("vision", 0, 12), ("risk", 2, 12), ("risk_in_prompts", 4, 12), ("know", 6, 12), ("base", 8, 12),
        ("sft", 10, 12), ("gate", 12, 12),
    ]  # fmt: skip


def test_a_model_that_always_warns_does_not_pass(tmp_path: Path) -> None:
    vlm = build_tiny_vlm(WORLD.vocabulary, layers=1)
    pairs = WORLD.pairs("pretraining", count=8, seed=1)
    lessons = [Example(pair.hazardous, "be careful .", guided) for pair in pairs for guided in (True, False)]
    train_supervised(vlm, lessons, SupervisedConfig(steps=60, batch=8, learning_rate=1e-2), cache=tmp_path)
    unseen = WORLD.pairs("new_scenes", count=12, seed=2)
    standard, teacher = (measure_mode(vlm, WORLD, unseen, mode, seed=1) for mode in ("standard", "constitution"))
    assert (teacher.r_0, teacher.false_alarms, teacher.r, teacher.risk_right) == (0, 1, 1, 0)
    modes = {"sft_standard": standard, "sft_constitution": teacher}
    found = judge_figures({"new_scenes": modes})
    assert not found.passed
    assert "the teacher warns of 100.0% of twins, not under 5%" in found.reasons


def test_lessons_hold_the_kinds_of_their_phase() -> None:
    pairs = WORLD.pairs("pretraining", count=300, seed=1)
    phase = PhaseConfig(steps=1, guided_appraising=1, appraising=0.25, vague=0.25, alarms=0.1, risk_share=0)
    risks: Counter[tuple[bool, bool]] = Counter()
    alarms = 0
    for lesson in write_answer_lessons(WORLD, pairs, phase, seed=1):
        score = WORLD.score(lesson.prompt, lesson.answer)
        alarms += score.false_alarm
        if not lesson.prompt.is_twin:
            risks[lesson.guided, score.risk == 2] += 1
            assert score.risk != 1 or not lesson.guided
    assert risks[True, True] == 600
    assert 50 < risks[False, True] < 100
    assert 15 < alarms < 50
    assert write_answer_lessons(WORLD, pairs[:9], phase, seed=1)[0].answer == (
        write_answer_lessons(WORLD, pairs, phase, seed=1)[0].answer
    )


def test_risk_lessons_come_in_all_forms() -> None:
    pairs = WORLD.pairs("pretraining", count=6, seed=1)
    lessons = write_risk_lessons(WORLD, pairs, FORMS)
    assert Counter(lesson.guided for lesson in lessons) == {False: 8, True: 4}
    assert Counter(lesson.answer == "fine ." for lesson in lessons) == {False: 6, True: 6}
    assert len({lesson.prompt.query for lesson in lessons}) == 5


def test_features_are_scaled_to_a_length() -> None:
    vlm = build_tiny_vlm(WORLD.vocabulary, layers=1)
    pictures = [pair.twin.picture for pair in WORLD.pairs("train", count=8, seed=1)]
    torch.nn.init.normal_(vlm.model.model.visual.merger.mlp[-1].bias)
    scale_features(vlm, pictures, norm=3.0)
    made = vlm.processor.image_processor(images=pictures, return_tensors="pt")
    with torch.no_grad():
        features = torch.cat(
            list(vlm.model.model.get_image_features(made["pixel_values"], made["image_grid_thw"]).pooler_output)
        )
    assert features.norm(dim=1).mean().item() == pytest.approx(3.0, rel=1e-5)


def test_a_blind_reward_sees_the_answer_only(built: tuple[StageZero, Path]) -> None:
    made, cache = built
    both, answer = [pair.hazardous for pair in WORLD.pairs("train", count=2, seed=1)], ["go ahead ."] * 2
    config = RewardConfig(pairs=6, training=RewardModelConfig(steps=8, batch=4, learning_rate=1e-2))
    before = hash_weights(made.sft.model)
    context, blind, oracle = (
        build_reward(WORLD, made, config.model_copy(update={"kind": kind}), cache=cache)(both, answer)
        for kind in ("context", "blind", "oracle")
    )
    assert blind[0] == pytest.approx(blind[1], abs=1e-5)
    assert abs(context[0] - context[1]) > 1e-4
    assert oracle == [WORLD.score(scene, "go ahead .").total for scene in both]
    assert hash_weights(made.sft.model) == before


def test_the_reward_learns_from_what_the_model_itself_says_in_both_modes(built: tuple[StageZero, Path]) -> None:
    made, cache = built
    scenes = [scene for pair in WORLD.pairs("train", count=100, seed=2) for scene in (pair.hazardous, pair.twin)]
    said = sample_own(made.sft, RewardConfig(), cache, scenes)
    assert len(said) == 200
    [file] = [file for file in cache.glob("own-*.json") if json.loads(file.read_text()) == said]
    file.write_text(json.dumps([*said[:-1], "kept"]))
    assert sample_own(made.sft, RewardConfig(), cache, scenes)[-1] == "kept"
    assert sample_own(made.sft, RewardConfig(own_temperature=0.5), cache, scenes) != said


def test_the_judge_of_the_reward_is_noisy_and_knows_no_new_hazard() -> None:
    held_out = {hazard for pair in WORLD.pairs("new_hazards", count=6, seed=1) for hazard in pair.hazardous.hazards}
    exact, noisy = (
        judge_answers(
            WORLD, RewardConfig(pairs=200, noise=noise), own=lambda scenes: [f"go ahead . {len(scenes)}"] * 600
        )
        for noise in (0.0, 1.0)
    )
    alarms = 0
    for row in exact:
        assert row.answers[0] == "go ahead . 600"
        scores = [WORLD.score(row.prompt, answer) for answer in row.answers]
        assert row.scores == tuple(score.total for score in scores)
        assert not held_out & set(row.prompt.hazards)
        alarms += sum(score.false_alarm for score in scores)
    assert alarms > 20
    assert any(score not in range(7) for row in noisy for score in row.scores)
    assert all(0 <= score <= 6 for row in noisy for score in row.scores)


def test_the_weights_of_stage_zero_are_copies(built: tuple[StageZero, Path]) -> None:
    made, _ = built
    assert not any(parameter.requires_grad for parameter in made.sft.model.parameters())
    assert copy_frozen(made.sft).model is not made.sft.model
