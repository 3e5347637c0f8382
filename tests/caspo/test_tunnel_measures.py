"""Figures of held-out answers and their intervals, and the goal."""

import numpy as np
import pytest
from caspo_measured import SCENES, make_measured, make_results, make_runs

from caspo.wind_tunnel.intervals import estimate, estimate_rate
from caspo.wind_tunnel.measures import (
    CONDITIONS,
    MEASURES,
    TWINS,
    check_goal,
    compare,
    divide,
    figure,
    read_value,
)
from storage.intervals import wilson_interval


def test_figures_are_those_of_the_answers() -> None:
    run = make_measured(r_0=0.25, alarms=0.1, entropy=0.4, length=12, kl=0.07)
    wanted = {
        "r_0": 0.25,
        "r_a": 1.5,
        "e_a": 1.5,
        "false_alarms": 0.1,
        "twin_e": 1.8,
        "entropy": 0.4,
        "length": 12,
        "kl": 0.07,
    }
    assert {name: read_value(run, "new_hazards", MEASURES[name]) for name in wanted} == pytest.approx(wanted)


def test_every_measure_reads_a_set_that_is_there() -> None:
    runs = make_runs()
    for measure in MEASURES.values():
        found = figure(runs, sorted(runs), "new_scenes", measure)
        assert found is not None
        assert found.low <= found.value <= found.high
        assert measure.on_twins == (measure.name in ("false_alarms", "twin_e", "twin_total", "twin_reward"))
    assert set(TWINS) == {condition.name for condition in CONDITIONS}


def test_entropy_is_by_token_so_that_long_answers_count_for_more() -> None:
    entropy_SN, length_SN = np.array([[1.0, 9.0]]), np.array([[1.0, 3.0]])
    found = estimate([entropy_SN, length_SN], divide)
    assert found is not None
    assert found.value == 2.5


def test_a_rate_of_zero_has_the_width_of_wilson() -> None:
    found = estimate_rate(np.zeros((3, 40)))
    assert (found.value, found.low, found.high) == (0.0, 0.0, pytest.approx(wilson_interval(0, 120)[1]))


def test_seeds_that_differ_widen_the_interval_more_than_scenes_alone_would() -> None:
    alike = np.tile([0.0, 1.0], (4, 200))
    apart = np.repeat([[0.0], [1.0], [0.0], [1.0]], 400, axis=1)
    ones = np.ones_like(alike)
    narrow, wide = estimate([alike, ones], divide), estimate([apart, ones], divide)
    assert narrow is not None
    assert wide is not None
    assert narrow.value == wide.value == 0.5
    assert narrow.high - narrow.low < 0.12
    assert wide.high - wide.low > 0.8
    assert estimate_rate(apart).high == wide.high


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Runs and scenes both vary; about 95 of 100 intervals hold the mean of all of them."""
    rng, held = np.random.default_rng(0), 0
    for trial in range(100):
        noise = rng.normal(0, 0.3, (12, 1)) + rng.normal(0, 1, (1, 60)) + rng.normal(0, 1, (12, 60))
        found = estimate([noise, np.ones_like(noise)], divide, seed=trial)
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 88 <= held <= 100


def test_what_has_no_tokens_has_no_figure() -> None:
    assert estimate([np.zeros((1, 3)), np.zeros((1, 3))], divide) is None


def test_a_difference_is_taken_on_the_same_scenes() -> None:
    results = make_results(outr=make_runs(r_0=0.5))
    found, each = compare(results["outr"], results["recommended"], "new_scenes", MEASURES["r_0"])
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert each == pytest.approx([0.5] * 6)
    same, _ = compare(results["outr"], results["outr"], "new_scenes", MEASURES["r_a"])
    assert same is not None
    assert (same.low, same.high) == (0, 0)


def test_what_stage_0_left_stands_against_all_its_runs_and_no_other() -> None:
    results = make_results()
    _, each = compare(results["recommended"], results["sft"], "new_scenes", MEASURES["r_0"])
    assert each == pytest.approx([-0.9] * 6)
    one = {key: value for key, value in results["sft"].items() if key[0] == 0}
    _, each = compare(results["recommended"], one, "new_scenes", MEASURES["r_0"])
    assert len(each) == 3
    assert compare(results["recommended"], {}, "new_scenes", MEASURES["r_0"]) == (None, ())


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        ({}, []),
        ({"r_0": 0.05}, ["R_0 ≤ 2% on new scenes: 5.0%"]),
        ({"r_0": 0.1}, ["R_0 ≤ 2% on new scenes: 10.0%", "R_0 ≤ 5% on new hazards: 10.0%"]),
        ({"alarms": 0.1}, ["False alarms on twins ≤ 5% on new hazards: 10.0%"]),
        ({"score": 1}, ["R_A ≥ 1.8", "S_A ≥ 1.8", "E_A ≥ 1.8"]),
        ({"entropy": 0.39}, ["entropy within 20% of SFT's on new scenes: -22%"]),
    ],
)
def test_the_goal_says_what_is_missed(given: dict[str, float], missed: list[str]) -> None:
    found = check_goal(make_measured(**given), make_measured(r_0=0.9))  # type: ignore[arg-type]
    assert len(found.missed) == len(missed)
    assert all(shown.startswith(start) for shown, start in zip(found.missed, missed, strict=True))
    assert found.met == (not missed)


def test_the_goal_of_one_set_leaves_the_other_out() -> None:
    run = make_measured(alarms=0.1)
    sft = make_measured()
    assert check_goal(run, sft, only="new_scenes").met
    assert not check_goal(run, sft, only="new_hazards").met
    assert SCENES == 60
