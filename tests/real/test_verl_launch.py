"""From a release to a run: verl takes every preset, and `tiny-cpu` really trains, is resumed and stays what it was.

Run by `make test-verl`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr
from training_sources import make_row, write_release

from caspo.config import TrainConfig, list_presets, make_config
from caspo.dataset.config import make_config as make_data_config
from caspo.dataset.prepare import prepare
from caspo.errors import RunMismatch
from caspo.launch import count_attempts, plan_launch, run_here, validate
from caspo.monitor.reading import read_series
from caspo.overrides import list_overrides
from caspo.preflight import Case, run_preflight
from endpoints.embeddings import HashEmbeddings
from storage.records import Split

REAL = Path(__file__).parent
pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]


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
def given(tmp_path_factory: pytest.TempPathFactory, sockets: Path) -> dict[str, Any]:
    """What a user would write: training data out of a release, a tiny Qwen3-VL, a reward."""
    home = tmp_path_factory.mktemp("launch")
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", REAL / "tiny_qwen.py", home / "models"]
    subprocess.run(command, check=True, env=env, timeout=600)
    release = write_release(home / "v1.0", [make_row(number) for number in range(11, 19)], count=8)
    kept = [make_row(number, twin=True) for number in (1, 2)]
    held_out = write_release(home / "v1.0-held-out", kept, count=2, split=Split.HELD_OUT)
    data = make_data_config({"releases": [{"path": release}, {"path": held_out}], "twin_share": 0})
    folder = prepare(data, to=home / "data", barred=[], embeddings=HashEmbeddings()).folder
    return {
        "preset": "tiny-cpu-recommended",
        "model": {"path": str(home / "models" / "qwen3")},
        "data": {"folder": str(folder), "steps": 1},
        "logging": {"test_every": 1},
        "reward": {"function": str(vr.HERE / "scored_rewards.py")},
        "changes": {"twin_share": 0},
        "overrides": [*make_config({"preset": "tiny-cpu"}).overrides, f"+ray_kwargs.ray_init._temp_dir={sockets}"],
    }


def start(config: TrainConfig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
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
    assert code == 0, text[-6000:]
    return text


def test_the_tiny_preset_passes_its_preflight_trains_and_resumes(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    monkeypatch.syspath_prepend(str(vr.HERE))
    found = run_preflight(Case.of_this_machine(make_config(given), folder))
    assert [finding for finding in found if finding.level != "note"] == []
    first = start(make_config(given), folder, monkeypatch)
    assert vr.read_metrics(first, 1)["caspo/signal_std"] > 0
    series = read_series(folder)
    assert (series.last_step, series.unread, series.problem) == (1, 0, "")
    from_console = read_series(folder / f"log-{count_attempts(folder)}.txt")
    trained = {"reward", "entropy", "kl", "length", "capped", "grad_norm", "r_mean", "r_std", "r_p01", "r_p99"}
    for name in sorted(trained):
        assert dict(series.get(name))[1] == pytest.approx(dict(from_console.get(name))[1]), name
    assert {step for step, _ in series.get("held_out_r")} == {0, 1}  # before the first step and after it
    means = {"held_out_r": 1.0, "held_out_r_0": 0.5, "held_out_s": 1.5, "held_out_e": 1.0, "false_alarms": 0.5}
    assert {name: series.get(name)[-1][1] for name in means} == means
    assert (series.get("held_out_hazards")[-1][1], series.get("held_out_twins")[-1][1]) == (2, 2)
    told = json.loads((folder / "run.json").read_bytes())
    manifest = json.loads((Path(given["data"]["folder"]) / "manifest.json").read_bytes())
    assert told["release_digest"] == manifest["release_digest"]
    assert told["constitution_sha256"] == manifest["constitution_sha256"]
    assert told["packages"]["verl"] == "0.9.1"
    count = count_attempts(folder)
    assert (folder / f"log-{count}.txt").read_text().strip() == first.strip()
    again = start(make_config(given), folder, monkeypatch)  # the same command: nothing is left to do but to find out
    assert "setting global step to 1" in again
    events = [json.loads(line) for line in (folder / "attempts.jsonl").read_text().splitlines()]
    assert [event["attempt"] for event in events] == [n for n in range(1, count_attempts(folder) + 1) for _ in "ab"]
    assert (events[2 * count - 1]["code"], events[-1]["code"]) == (0, 0)
    with pytest.raises(RunMismatch, match="method"):
        run_here(plan_launch(make_config(given | {"changes": {"lam": 0.6}}), folder))
