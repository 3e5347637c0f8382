"""What is read from a run's log files: every kind of line, read on bit by bit, resumed, damaged, rewritten."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from caspo_measured import SCENES, make_measured
from hypothesis import given, settings
from hypothesis import strategies as st

from caspo.monitor.reading import Follower, read_series
from caspo.monitor.series import Series
from caspo.wind_tunnel.config import MEASURED
from caspo.wind_tunnel.measures import Measured


def say(step: int, **data: float) -> str:
    return json.dumps({"step": step, "data": {name.replace("__", "/"): value for name, value in data.items()}}) + "\n"


def write_log(folder: Path, text: str) -> Path:
    path = folder / "checkpoints" / "metrics.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_it_loads_no_torch_no_verl_and_no_database() -> None:
    asked = (
        "import sys; import caspo.monitor.alarms, caspo.monitor.reading, caspo.monitor.text\n"
        "sys.exit(bool({'torch', 'ray', 'verl', 'transformers', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_names_of_all_who_log_are_one(tmp_path: Path) -> None:
    ours = {"caspo__reward_mean": 1.5, "critic__score__mean": 9.0, "actor__entropy": 2.0, "actor__kl_loss": 0.25}
    write_log(tmp_path / "verl", say(1, **ours, response_length__mean=40.0, caspo__capped=0.5, seed=3.0))
    (tmp_path / "local").mkdir()
    local = {"caspo/reward_mean": 1.5, "caspo/entropy": 2.0, "caspo/kl": 0.25, "caspo/length": 40, "caspo/capped": 0.5}
    (tmp_path / "local" / "metrics.jsonl").write_text(json.dumps(local) + "\n")
    found = read_series(tmp_path / "verl")
    assert found == read_series(tmp_path / "local")
    assert found.points == {
        "reward": ((1, 1.5),), "entropy": ((1, 2.0),), "kl": ((1, 0.25),), "length": ((1, 40.0),),
        "capped": ((1, 0.5),),
    }  # fmt: skip


def test_lines_of_one_step_are_put_together_and_of_two_values_the_later_wins(tmp_path: Path) -> None:
    looks = say(0, caspo__held_out_r=1.0) + say(2, caspo__held_out_r=1.25)
    write_log(tmp_path, looks + say(2, caspo__held_out_r=1.5, actor__entropy=2.0))
    found = read_series(tmp_path)
    assert found.points == {"held_out_r": ((0, 1.0), (2, 1.5)), "entropy": ((2, 2.0),)}
    assert found.last_step == 2


def test_a_resumed_run_forgets_what_was_after_its_checkpoint(tmp_path: Path) -> None:
    first = "".join(say(step, actor__entropy=step) for step in (1, 2, 3, 4))
    write_log(tmp_path, first + say(2, caspo__held_out_r=1.0) + say(3, actor__entropy=30))
    found = read_series(tmp_path)
    assert found.get("entropy") == ((1, 1.0), (2, 2.0), (3, 30.0))
    assert found.get("held_out_r") == ((2, 1.0),)
    assert found.last_step == 3


def test_what_is_half_written_is_taken_once_it_is_whole(tmp_path: Path) -> None:
    path = write_log(tmp_path, say(1, actor__entropy=1) + '{"step": 2, "data": {"actor/ent')
    follower = Follower(tmp_path)
    assert (follower.read().last_step, follower.read().unread) == (1, 0)
    with path.open("a") as file:
        file.write('ropy": 5}}\n')
    assert follower.read().get("entropy") == ((1, 1.0), (2, 5.0))


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    damaged = '{"step": 2, "da\n\n[1]\n{"step": "x", "data": {}}\n{"data": {}}\n\x00\xff\n'
    path = write_log(tmp_path, "")
    path.write_bytes(say(1, actor__entropy=1).encode() + damaged.encode("latin-1") + say(3, actor__entropy=3).encode())
    found = read_series(tmp_path)
    assert (found.get("entropy"), found.unread) == (((1, 1.0), (3, 3.0)), 6)


def test_nan_null_and_words(tmp_path: Path) -> None:
    write_log(tmp_path, '{"step": 1, "data": {"actor/entropy": NaN, "actor/kl_loss": null, "actor/grad_norm": "x"}}\n')
    found = read_series(tmp_path)
    assert set(found.points) == {"entropy", "kl"}
    assert all(math.isnan(found.get(name)[0][1]) for name in found.points)


def test_a_long_log_is_not_read_from_the_beginning_again(tmp_path: Path) -> None:
    path = write_log(tmp_path, "".join(say(step, actor__entropy=1.0) for step in range(1, 200)))
    follower = Follower(tmp_path)
    follower.read()
    content = path.read_text()
    path.write_text(
        content.replace('{"step": 1, "data": {"actor/entropy": 1.0}', '{"step": 1, "data": {"actor/entropy": 9.0}')
    )
    with path.open("a") as file:
        file.write(say(200, actor__entropy=2.0))
    found = follower.read().get("entropy")
    assert (found[0], found[-1], len(found)) == ((1, 1.0), (200, 2.0), 200)
    assert read_series(tmp_path).get("entropy")[0] == (1, 9.0)


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps({"caspo/kl": step / 8}) + "\n" for step in range(1, 6)))
    follower = Follower(tmp_path)
    assert len(follower.read().get("kl")) == 5
    path.write_text("".join(json.dumps({"caspo/kl": value}) + "\n" for value in (0.125, 0.25, 7.0)))
    assert follower.read().get("kl") == ((1, 0.125), (2, 0.25), (3, 7.0))
    path.write_text("".join(json.dumps({"caspo/kl": value}) + "\n" for value in (0.125, 0.25, 8.0, 9.0, 10.0, 11.0)))
    assert follower.read().get("kl")[2:] == ((3, 8.0), (4, 9.0), (5, 10.0), (6, 11.0))
    path.unlink()
    assert follower.read().last_step is None


CONSOLE = (
    "\x1b[36m(TaskRunnerV1 pid=14223)\x1b[0m step:{step} - actor/entropy:8.5 - caspo/signal_p01:-1.5e-05 - "
    "num_turns/min:np.int32(2) - actor/grad_norm:nan - critic/score/mean:np.float64({reward})"
)


def test_the_console_is_read_where_there_is_no_file_of_metrics(tmp_path: Path) -> None:
    (tmp_path / "log-10.txt").write_text("loading\n" + CONSOLE.format(step=3, reward=30.0) + "\n")
    progress = "Training Progress:  50%|##  | 1/2\r" + CONSOLE.format(step=2, reward=2.5)
    lines = [CONSOLE.format(step=1, reward=1.0), progress, CONSOLE.format(step=3, reward=3.0), ""]
    (tmp_path / "log-9.txt").write_text("\n".join(lines))
    (tmp_path / "logs.txt").write_text(CONSOLE.format(step=9, reward=9.0) + "\n")
    found = read_series(tmp_path)
    assert found.get("reward") == ((1, 1.0), (2, 2.5), (3, 30.0))
    assert found.get("r_p01")[0] == (1, -1.5e-05)
    assert math.isnan(found.get("grad_norm")[0][1])
    assert read_series(tmp_path / "log-9.txt").get("reward")[-1] == (3, 3.0)
    write_log(tmp_path, say(1, caspo__reward_mean=7.0))
    assert read_series(tmp_path).get("reward") == ((1, 7.0),)


def test_one_that_was_followed_on_the_console_goes_over_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "log-1.txt").write_text(CONSOLE.format(step=1, reward=1.0) + "\n")
    follower = Follower(tmp_path)
    assert follower.read().get("reward") == ((1, 1.0),)
    write_log(tmp_path, say(1, caspo__reward_mean=7.0))
    assert follower.read().get("reward") == ((1, 7.0),)


@pytest.mark.parametrize(
    ("name", "said"), [("gone", "is not there"), ("", "holds no log of a training"), ("log-1.txt", "no step has been")]
)
def test_where_there_is_nothing_it_says_so(tmp_path: Path, name: str, said: str) -> None:
    if name.startswith("log"):
        (tmp_path / name).write_text("loading\n")
    found = read_series(tmp_path / name)
    assert said in found.problem
    assert str(tmp_path) in found.problem or name in found.problem
    assert found == Series({}, problem=found.problem)


def describe(measured: Measured) -> str:
    return json.dumps({"columns": {name: dict(columns) for name, columns in measured.columns.items()}})


def test_a_run_of_the_wind_tunnel_brings_what_was_measured_before_and_after(tmp_path: Path) -> None:
    made: Mapping[str, Measured] = {
        "sft-1-abc": make_measured(r_0=0.75), "sft-0-abc": make_measured(r_0=0.5),
        "outr-1-0-abc": make_measured(r_0=0.25, alarms=0.1),
    }  # fmt: skip
    for name, measured in made.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / MEASURED).write_text(describe(measured))
    run = tmp_path / "outr-1-0-abc"
    (run / "metrics.jsonl").write_text('{"caspo/kl": 0.1}\n' * 4)
    found = read_series(run)
    assert found.get("held_out_r_0") == ((0, 0.75), (4, 0.25))
    assert found.get("false_alarms") == ((0, 0.0), (4, pytest.approx(0.1)))
    assert found.get("held_out_hazards")[-1] == found.get("held_out_twins")[-1] == (4, SCENES)
    (run / MEASURED).write_text('{"diverged": "at step 3"}')
    assert set(read_series(run).points) == {"kl"}


LINES = st.lists(
    st.one_of(
        st.builds(say, st.integers(0, 9), actor__entropy=st.sampled_from([1.0, 2.0, math.inf])),
        st.sampled_from(["{\n", "\n", '{"step": 3, "data": {"actor/kl_loss": 1}}\n', '{"caspo/kl": 2}\n', "\u2028é\n"]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(lines=LINES, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_read_on_bit_by_bit_it_is_what_it_is_read_at_once(
    lines: list[str], cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content, folder = "".join(lines).encode(), tmp_path_factory.mktemp("log")
    path = folder / "metrics.jsonl"
    path.write_bytes(b"")
    follower = Follower(folder)
    for cut in [*sorted(cuts), len(content)]:
        path.write_bytes(content[:cut])
        seen: Any = follower.read()
    assert seen == read_series(folder)
