"""From a release to a run: verl takes every preset, and `tiny-cpu` really trains, by a reward model behind its server.

The server dies in the second step, and the same command goes on once it is back. Run by `make test-verl`.
"""

import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr
from reward_servers import serve_again, serve_until
from training_case import write_data

from caspo.config import TrainConfig, list_presets, make_config
from caspo.errors import RunMismatch
from caspo.launch import count_attempts, find_reason, plan_launch, run_here, validate
from caspo.monitor.reading import read_series
from caspo.monitor.series import Series
from caspo.overrides import list_overrides
from caspo.preflight import Case, run_preflight

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
HELD_OUT, ANSWERS = 4, 4
"""Answers of a look at what is held out (two hazards, their twins), and of a step."""
PATIENCE_S = 15


@dataclass(frozen=True)
class Run:
    """What the two attempts left."""

    config: TrainConfig
    folder: Path
    model: Path
    """The reward model."""
    url: str
    count: int
    """Attempts until the server died: more than one where Ray did not start."""
    first: str
    died: Series
    """What the monitor read then."""
    reason: str
    again: str


def test_verl_takes_every_preset_and_says_what_it_does_not_take() -> None:
    given = {"model": {"path": "/m o/$x,é=1"}, "reward": {"server": "http://reward:8000/"}}
    configs = [make_config({"preset": name, **given}) for name in list_presets()]
    good = [tuple(list_overrides(config, Path("/runs/a b"))) for config in configs]
    bad = [(*good[0], "actor_rollout_ref.rollout.n=1"), (*good[0], "data.no_such_key=1")]
    complaints = validate(*good, *bad)
    assert complaints is not None
    assert complaints[: len(good)] == [None] * 8
    assert "a group needs 2 answers" in str(complaints[-2])
    assert "no_such_key" in str(complaints[-1])


@pytest.fixture(scope="module")
def sockets() -> Iterator[Path]:
    """Folder of Ray's sockets, whose paths must be short."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def given(tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory, sockets: Path) -> dict[str, Any]:
    """What a user would write, but for the reward: training data out of a release, a tiny Qwen3-VL."""
    home = tmp_path_factory.mktemp("launch")
    return {
        "preset": "tiny-cpu-recommended",
        "model": {"path": str(tiny_qwen / "qwen3")},
        "data": {"folder": str(write_data(home, held_out=2)), "steps": 2},
        "logging": {"test_every": 2},
        "changes": {"twin_share": 0},
        "overrides": [
            *make_config({"preset": "tiny-cpu"}).overrides, f"+ray_kwargs.ray_init._temp_dir={sockets}",
            f"trainer.rollout_data_dir={home / 'answered'}",
        ],
    }  # fmt: skip


def start(config: TrainConfig, folder: Path, monkeypatch: pytest.MonkeyPatch, *, expect: int = 0) -> str:
    """Run it, again where Ray did not start in its half minute, and return what the last attempt said."""
    paths = [str(vr.HERE), str(vr.ROOT), os.environ.get("PYTHONPATH", "")]
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, paths)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_worker_register_timeout_seconds", "600")
    for _ in range(3):
        lines: list[str] = []
        code = run_here(plan_launch(config, folder), tell=lines.append)
        text = "\n".join(lines)
        if "current node timed out during startup" not in text:
            break
    assert code == expect, text[-6000:]
    return text


@pytest.fixture(scope="module")
def run(given: dict[str, Any], tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Two steps by a reward server that dies in the second, and is there again when the same command is given again."""
    home = tmp_path_factory.mktemp("run")
    folder, model = home / "run", home / "reward-model"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(str(vr.HERE))
        with serve_until(tiny_qwen / "qwen3", model, answers=HELD_OUT + ANSWERS) as url:
            config = make_config(given | {"reward": {"server": url, "arguments": {"patience_s": PATIENCE_S}}})
            found = run_preflight(Case.of_this_machine(config, folder))
            assert [finding for finding in found if finding.level != "note"] == []
            first = start(config, folder, monkeypatch, expect=1)
        died, reason = read_series(folder), find_reason(folder)
        count = count_attempts(folder)
        with serve_again(model, url):
            again = start(config, folder, monkeypatch)
        yield Run(config, folder, model, url, count, first, died, reason, again)


def test_a_reward_server_that_dies_ends_the_run_with_its_address_and_what_to_do(run: Run) -> None:
    assert run.reason.startswith(f"the reward server {run.url} gave no answer in {PATIENCE_S} s (")
    assert "start it with `curator caspo reward-model serve`" in run.reason
    assert run.died.last_step == 1, "no step was made of what had no reward"
    assert vr.read_metrics(run.first, 1)["caspo/unrewarded"] == 0


def test_the_same_command_goes_on_when_the_server_is_back(run: Run) -> None:
    assert "setting global step to 1" in run.again
    assert (run.folder / "checkpoints" / "global_step_2").is_dir()
    events = [json.loads(line) for line in (run.folder / "attempts.jsonl").read_text().splitlines()]
    assert [event["attempt"] for event in events] == [n for n in range(1, count_attempts(run.folder) + 1) for _ in "ab"]
    assert (events[2 * run.count - 1]["code"], events[-1]["code"]) == (1, 0)
    asked = [{read_query(line) for line in read_answers(run, step)} for step in (1, 2)]
    assert len(asked[0]) == len(asked[1]) == 2 and not asked[0] & asked[1]


def test_its_rewards_are_the_models_on_the_pictures_of_the_training_file(run: Run) -> None:
    from caspo.reward_model.conversations import Asked
    from caspo.reward_model.model import load_reward_model

    table = pq.read_table(run.config.data.folder / "train.parquet").to_pylist()
    rows = {row["prompt"][0]["content"]: row for row in table}
    lines = [line for step in (1, 2) for line in read_answers(run, step)]
    model = load_reward_model(run.model, device="cpu")

    def rate(change: Callable[[bytes], bytes]) -> list[float]:
        asked = []
        for line in lines:
            query = f"<image>{read_query(line)}"
            pictures = tuple(change(one["bytes"]) for one in rows[query]["images"])
            asked.append(Asked(query, pictures, line["output"]))
        return model.rate(asked, batch=1)

    found = [line["score"] for line in lines]
    assert len(found) == 2 * ANSWERS
    assert found == pytest.approx(rate(lambda picture: picture), abs=1e-4)
    assert min(abs(one - other) for one, other in zip(found, rate(blacken), strict=True)) > 1e-3
    for step in (1, 2):
        said = vr.read_metrics(run.first if step == 1 else run.again, step)["caspo/reward_mean"]
        assert said == pytest.approx(sum(line["score"] for line in read_answers(run, step)) / ANSWERS, abs=1e-4)


def read_answers(run: Run, step: int) -> list[dict[str, Any]]:
    """What verl dumped of a step's answers."""
    dumped = Path(run.config.overrides[-1].partition("=")[2]) / f"{step}.jsonl"
    return [json.loads(line) for line in dumped.read_text("utf-8").splitlines()]


def read_query(line: dict[str, Any]) -> str:
    """The query in a rendered prompt."""
    (query,) = re.findall(r"Which shelf is best for object number \d+\?", line["input"])
    return str(query)


def blacken(picture: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", Image.open(io.BytesIO(picture)).size).save(out, "PNG")
    return out.getvalue()


def test_the_monitor_and_the_pins_say_what_verl_said(run: Run) -> None:
    assert vr.read_metrics(run.again, 2)["caspo/signal_std"] > 0
    series = read_series(run.folder)
    assert (series.last_step, series.unread, series.problem) == (2, 0, "")
    count = count_attempts(run.folder)
    from_console = read_series(run.folder / f"log-{count}.txt")
    trained = {"reward", "entropy", "kl", "length", "capped", "grad_norm", "r_mean", "r_std", "r_p01", "r_p99"}
    for name in sorted(trained):
        assert dict(series.get(name))[2] == pytest.approx(dict(from_console.get(name))[2]), name
    assert {step for step, _ in series.get("held_out_reward")} == {0, 1, 2}  # before each start, and at the end
    assert (series.get("held_out_hazards")[-1][1], series.get("held_out_twins")[-1][1]) == (2, 2)
    told = json.loads((run.folder / "run.json").read_bytes())
    manifest = json.loads((run.config.data.folder / "manifest.json").read_bytes())
    assert told["release_digest"] == manifest["release_digest"]
    assert told["constitution_sha256"] == manifest["constitution_sha256"]
    assert told["packages"]["verl"] == "0.9.1"
    assert (run.folder / f"log-{count}.txt").read_text().strip() == run.again.strip()


def test_another_method_does_not_get_into_the_folder(run: Run) -> None:
    other = run.config.model_copy(update={"changes": {"lam": 0.6, "twin_share": 0}})
    with pytest.raises(RunMismatch, match="method"):
        run_here(plan_launch(other, run.folder))
