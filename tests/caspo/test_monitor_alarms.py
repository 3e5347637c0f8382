"""Alarms: each is raised by its own fault with figures and steps, and none by a healthy run or by what has passed."""

import math
from collections.abc import Callable, Mapping, Sequence

import pytest

from caspo.monitor.advice import KINDS
from caspo.monitor.alarms import AlarmConfig, find_alarms, list_notes, smooth
from caspo.monitor.series import Points, Series
from caspo.monitor.text import describe, draw_spark, write_report

STEPS = 40
HEALTHY: Mapping[str, Callable[[int], float]] = {
    "reward": lambda step: 3 + step / 20,
    "entropy": lambda step: 1.5 - step / 100,
    "kl": lambda step: 5.0 if step % 9 == 0 else 0.04,  # single steps jump
    "length": lambda step: 15 + min(step, 10),
    "capped": lambda step: 0.5 if step == 20 else 0.0,
    "r_std": lambda step: 1.5 if step < 5 else 0.4,
    "zero_variance_groups": lambda step: 0.01,
    "grad_norm": lambda step: 1.0,
    "loss": lambda step: 0.01,
}
LOOKS = (0, 10, 20, 30, 40)
HELD_OUT: Mapping[str, Sequence[float]] = {
    "held_out_r": (0.4, 1.0, 1.6, 1.75, 1.7), "held_out_s": (0.4, 1.0, 1.6, 1.75, 1.8),
    "held_out_e": (0.4, 1.0, 1.6, 1.75, 1.8), "held_out_reward": (1.4, 3.0, 4.0, 4.5, 4.6),
    "false_alarms": (0.01, 0.3, 0.1, 0.02, 0.02), "held_out_hazards": (400,) * 5, "held_out_twins": (400,) * 5,
}  # fmt: skip


def make(**changes: Callable[[int], float] | Sequence[float] | None) -> Series:
    """Return a healthy run with some indicators in place of its own; None leaves one out."""
    points: dict[str, Points] = {}
    for name, values in {**HEALTHY, **HELD_OUT, **changes}.items():
        if callable(values):
            points[name] = tuple((step, float(values(step))) for step in range(1, STEPS + 1))
        elif values is not None:
            points[name] = tuple(zip(LOOKS, map(float, values), strict=True))
    return Series(points, STEPS)


def test_a_healthy_run_raises_none() -> None:
    assert find_alarms(make()) == ()
    assert list_notes(make()) == []
    assert find_alarms(Series({}, problem="nothing")) == ()


FAULTS: Sequence[tuple[str, Mapping[str, Callable[[int], float] | Sequence[float]], int, Sequence[str]]] = (
    ("entropy_collapse", {"entropy": lambda step: 1.4 if step < 20 else 0.3}, 25, ["0.3 nats", "21%", "step 40"]),
    ("length_collapse", {"length": lambda step: 500 if step < 20 else 60}, 25, ["60 tokens", "12% of the 500"]),
    ("length_capped", {"capped": lambda step: 0.02 if step < 20 else 0.3}, 24, ["30% of the answers", "step 40"]),
    ("kl_runaway", {"kl": lambda step: step / 100}, 15, ["0.355 nats a token at step 40", "more than 0.1"]),
    ("narrow_r", {"r_std": lambda step: 0.5 if step < 20 else 0.01}, 25, ["spreads by 0.01 nats"]),
    ("flat_groups", {"zero_variance_groups": lambda step: 0.1 if step < 20 else 0.8}, 25, ["In 80% of the groups"]),
    ("over_warning", {"false_alarms": (0.01, 0.1, 0.3, 0.4, 0.5)}, 20, ["50% of the harmless twins", "step 0: 1%"]),
    (
        "reward_hacking", {"held_out_r": (0.4, 1.2, 1.0, 0.5, 0.2)}, 40,
        ["R_A from 1.20 (step 10) to 0.20 (step 40)", "the reward of the same answers rose from 3.00 to 4.60"],
    ),
    (
        "held_out_falls",
        {
            "held_out_r": (0.4, 1.2, 1.0, 0.5, 0.2), "held_out_reward": (1, 4, 3, 2, 1),
            "reward": lambda step: 9 - step / 20,
        },
        40, ["R_A from 1.20 (step 10) to 0.20 (step 40)", "the reward did not rise"],
    ),
    ("not_finite", {"grad_norm": lambda step: 1.0 if step < 38 else math.nan}, 38, ["Gradient norm", "since step 38"]),
)  # fmt: skip


def test_there_is_a_case_for_every_kind() -> None:
    assert {kind for kind, *_ in FAULTS} == set(KINDS)


@pytest.mark.parametrize(("kind", "changes", "since", "seen"), FAULTS, ids=[kind for kind, *_ in FAULTS])
def test_each_fault_raises_its_alarm_and_no_other(
    kind: str, changes: Mapping[str, Callable[[int], float] | Sequence[float]], since: int, seen: Sequence[str]
) -> None:
    (alarm,) = find_alarms(make(**changes))
    assert (alarm.kind, alarm.since) == (kind, since)
    for words in seen:
        assert words in alarm.seen
    assert set(alarm.indicators) & set(changes)
    told = alarm.title + alarm.seen + alarm.why + alarm.advice
    assert "{back}" not in told and "{{" not in told
    assert alarm.why and alarm.advice


def test_what_has_passed_is_no_alarm_any_more() -> None:
    def passing(step: int) -> float:
        return 3.0 if 8 <= step < 25 else 0.04

    assert find_alarms(make(kl=passing)) == ()
    young = Series({"kl": make(kl=passing).get("kl")[:25]}, 25)
    assert [alarm.kind for alarm in find_alarms(young)] == ["kl_runaway"]


def test_before_a_window_is_full_training_raises_none() -> None:
    points = {"kl": tuple((step, 9.0) for step in range(1, 10)), "capped": tuple((step, 1.0) for step in range(1, 10))}
    assert find_alarms(Series(points, 9)) == ()
    assert len(find_alarms(Series(points, 9), AlarmConfig(window=9, lasting=1))) == 2


def test_what_does_not_last_is_no_alarm_yet() -> None:
    for last, kinds in ((31, []), (32, ["kl_runaway"])):  # its median is too large from step 23 on
        series = make(kl=lambda step: 0.04 if step <= 18 else 3.0)
        young = Series({name: points[:last] for name, points in series.points.items() if name == "kl"}, last)
        assert [alarm.kind for alarm in find_alarms(young)] == kinds


def test_a_fall_of_few_answers_has_to_be_larger() -> None:
    def kinds(answers: float | None, fall: float) -> list[str]:
        counts = None if answers is None else (answers,) * 5
        series = make(held_out_r=(0.4, 1.2, 1.2, 1.2, 1.2 - fall), held_out_hazards=counts)
        return [alarm.kind for alarm in find_alarms(series)]

    assert kinds(10_000, 0.09) == []
    assert kinds(10_000, 0.11) == ["reward_hacking"]
    assert kinds(64, 0.24) == []  # twice a standard error of at most 1/8
    assert kinds(64, 0.26) == ["reward_hacking"]
    assert (kinds(None, 0.19), kinds(None, 0.21)) == ([], ["reward_hacking"])


def test_few_twins_warned_of_may_be_chance() -> None:
    def kinds(twins: int) -> list[str]:
        return [each.kind for each in find_alarms(make(false_alarms=(0, 0, 0, 0, 0.2), held_out_twins=(twins,) * 5))]

    assert (kinds(10), kinds(1000)) == ([], ["over_warning"])


def test_without_the_reward_of_the_same_answers_that_of_training_counts() -> None:
    falling = {"held_out_r": (1.2, 1.0, 0.8, 0.6, 0.2), "held_out_reward": None}
    (alarm,) = find_alarms(make(**falling))
    assert "the reward in training rose from 3.10 to 4.78" in alarm.seen
    assert alarm.advice.startswith("Stop, and begin again with")
    (alarm,) = find_alarms(make(**falling, reward=lambda step: 5 - step / 20))
    assert alarm.kind == "held_out_falls"


def test_medians_leave_out_what_is_not_finite() -> None:
    points = ((1, 1.0), (2, math.nan), (3, 9.0), (5, 2.0), (6, math.inf), (7, 3.0))
    assert smooth(points, 3) == ((5, 2.0), (7, 3.0))
    assert smooth(points, 3, whole=False) == ((1, 1.0), (3, 5.0), (5, 2.0), (7, 3.0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"held_out_r": None, "held_out_s": None, "held_out_e": None, "false_alarms": None}, "returns one number"),
        (dict.fromkeys(HELD_OUT), "Nothing held out was looked at"),
        ({"false_alarms": None}, "returns no `alarm`"),
        ({"false_alarms": None, "held_out_twins": (0,) * 5}, "has no twins"),
    ],
)
def test_what_cannot_be_watched_is_said(changes: Mapping[str, Sequence[float] | None], said: str) -> None:
    (note,) = list_notes(make(**changes))
    assert said in note


def test_the_table_says_first_last_and_alarms() -> None:
    shown = write_report(make(kl=lambda step: step / 100))
    lines = {line.split("  ")[1].strip(): line for line in shown.splitlines() if line.startswith("  ")}
    assert "0.01" in lines["KL from the start"] and "0.4" in lines["KL from the start"]
    assert lines["Held-out R_A"].split()[2:4] == ["0.4", "1.7"]
    assert "·" in lines["Held-out R_A"] and lines["Held-out R_A"].endswith("0 to 2")
    assert "ALARM The policy runs away from where it began (kl_runaway)" in shown
    assert shown.endswith("1 alarm.")
    assert write_report(make()).endswith("0 alarms.")


def test_sparks() -> None:
    assert draw_spark(()) == ""
    assert draw_spark(((1, 0.0), (2, 1.0), (4, 2.0))) == "▁▅·█"
    assert draw_spark(((5, 2.0),)) == "▄"
    assert len(draw_spark(tuple((step, float(step)) for step in range(1, 1000)))) == 24


def test_json_holds_no_nan() -> None:
    told = describe(make(grad_norm=lambda step: math.nan))
    assert told["series"]["grad_norm"][0] == [1, None]
    assert [alarm["kind"] for alarm in told["alarms"]] == ["not_finite"]
    assert told["last_step"] == STEPS
