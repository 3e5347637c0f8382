"""What the plugin makes of a validation, and the file that every run on verl writes. No verl here."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from caspo.metrics_file import METRICS, MetricsFile
from caspo.monitor.reading import read_series
from caspo.verl_plugin.held_out import describe_held_out

COLUMNS = {
    "reward": [6.0, 2.0, 1.0, 5.0, 3.0],
    "score": [6.0, 2.0, 1.0, 5.0, 3.0],
    "twin": [0.0, 0.0, 1.0, 1.0, 0.0],
    "r": [2, 0, None, None, None],  # the judge of the last hazard gave no score
    "s": [2, 1, None, None, 1],
    "e": [np.float32(2), np.float32(1), None, None, np.float32(0)],
    "alarm": [None, None, True, False, None],
    "why": ["it warns", "", "", "", ""],
}


def test_hazards_and_twins_are_told_apart_and_what_has_no_score_is_no_zero() -> None:
    found = describe_held_out(COLUMNS)
    expected = {
        "hazards": 3, "twins": 2, "reward": 11 / 3, "twin_reward": 3, "r": 1, "r_0": 0.5, "s": 4 / 3, "s_0": 0,
        "e": 1, "e_0": 1 / 3, "false_alarms": 0.5,
    }  # fmt: skip
    assert found == pytest.approx({f"caspo/held_out_{name}": value for name, value in expected.items()})


def test_a_reward_of_one_number_gives_rewards_only() -> None:
    found = describe_held_out({"reward": [1.0, 2.0], "acc": [1.0, 2.0], "twin": [0.0, 1.0]})
    assert found == {
        "caspo/held_out_hazards": 1, "caspo/held_out_twins": 1, "caspo/held_out_reward": 1,
        "caspo/held_out_twin_reward": 2,
    }  # fmt: skip


def test_with_another_reward_manager_nothing_is_said_of_hazards() -> None:
    assert describe_held_out({"reward": [1.0, 2.0], "r": [2, 0]}) == {"caspo/held_out_reward": 1.5}
    assert describe_held_out({}) == {}


def test_the_file_is_added_to_and_read_by_the_monitor(tmp_path: Path) -> None:
    told = {"actor/entropy": np.float32(0.5), "actor/kl_loss": math.nan, "caspo/capped": 1, "name": "x", "list": [1]}
    folder = tmp_path / "checkpoints"
    MetricsFile(folder).add(0, {"caspo/held_out_r": 1.0})
    MetricsFile(folder).add(1, told)
    lines = (folder / METRICS).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1]
    assert set(json.loads(lines[1])["data"]) == {"actor/entropy", "actor/kl_loss", "caspo/capped"}
    found = read_series(tmp_path)
    assert (found.get("entropy"), found.get("held_out_r"), found.get("capped")) == (
        ((1, 0.5),),
        ((0, 1.0),),
        ((1, 1.0),),
    )
    assert math.isnan(found.get("kl")[0][1])


def test_what_a_kill_left_half_written_spoils_one_line_only(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text('{"step": 1, "data": {"actor/entropy": 1.0}}\n{"step": 2, "da')
    MetricsFile(tmp_path).add(2, {"actor/entropy": 2.0})
    found = read_series(tmp_path)
    assert (found.get("entropy"), found.unread) == (((1, 1.0), (2, 2.0)), 1)
