"""`curator caspo train --ray`: what a cluster is given, what is followed, stopped and refused.

A real head and a real training are in tests/real/test_ray_training.py.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs_api import JobsApi
from training_case import REWARD, choose, write_data
from typer.testing import CliRunner, Result

from caspo.overrides import list_joining
from curator_app.actions.training_runs import TrainingNotStarted
from curator_app.cli import app
from curator_app.ray_jobs import RayRefused, RaySilent

Run = Callable[..., Result]
CONFIG = "preset: tiny-cpu\nmodel: {path: /models/tiny}\ndata: {folder: data}\nreward: {function: reward.py}\n"


@pytest.fixture
def ray() -> Iterator[JobsApi]:
    with JobsApi() as api:
        yield api


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in a folder with a config. The server has no log to follow, which the command says at the end."""
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reward.py").write_text(REWARD)
    (tmp_path / "run.yaml").write_text(CONFIG)
    return lambda *words: CliRunner().invoke(app, ["caspo", "train", *map(str, words)])


def test_a_cluster_gets_the_same_command_with_whole_paths(run: Run, ray: JobsApi, tmp_path: Path) -> None:
    words = (
        "--preset",
        "tiny-cpu-recommended",
        "--benchmark",
        "v9",
        "--benchmark",
        "/v8",
        "--force",
        "--data",
        "data",
        "run.yaml",
    )
    done = run("--ray", ray.url, *words)
    ((name, told),) = ray.jobs.items()
    assert f"Submitted to Ray as {name}" in done.output and name.startswith("curator-training-run-")
    assert isinstance(done.exception, RaySilent), "the log of this server cannot be followed"
    folder = tmp_path / "home" / "training-runs" / "run"
    assert shlex.split(told["entrypoint"]) == [
        "exec", "python", "-P", "-m", "curator_app.cli", "caspo", "train", f"{tmp_path}/run.yaml",
        "--preset", "tiny-cpu-recommended", "--data", f"{tmp_path}/data", "--to", str(folder),
        "--benchmark", f"{tmp_path}/v9", "--benchmark", "/v8", "--force",
    ]  # fmt: skip
    assert told["runtime_env"]["env_vars"]["CURATOR_HOME"] == f"{tmp_path}/home"
    assert told["entrypoint_num_cpus"] == 0
    (line,) = (folder / "attempts.jsonl").read_text().splitlines()
    assert json.loads(line) == {"event": "submitted", "ray": ray.url, "job": name, "at": json.loads(line)["at"]}
    assert not (folder / "run.json").exists(), "the cluster pins what is installed there"


def test_one_that_is_under_way_is_followed_and_stopped_and_then_submitted_anew(run: Run, ray: JobsApi) -> None:
    run("--ray", ray.url, "run.yaml")
    (first,) = ray.jobs
    ray.jobs[first]["status"] = "RUNNING"
    assert f"Ray has it already as {first}" in run("--ray", ray.url, "run.yaml").output
    assert list(ray.jobs) == [first]
    assert f"Ray ends {first}" in run("--stop", "run.yaml").output
    assert ray.jobs[first]["status"] == "STOPPED"
    refused = run("--stop", "run.yaml")
    assert isinstance(refused.exception, TrainingNotStarted) and "nothing to stop" in str(refused.exception)
    run("--ray", ray.url, "run.yaml")
    assert len(ray.jobs) == 2


@pytest.mark.parametrize("address", ["127.0.0.1", "ray://head:10001", "http://"])
def test_an_address_that_is_none_is_refused_by_name(run: Run, address: str) -> None:
    refused = run("--ray", address, "run.yaml").exception
    assert isinstance(refused, RayRefused)
    assert f"Ray's address {address!r} cannot be used: give that of its dashboard" in str(refused)


def test_what_was_never_given_to_a_cluster_cannot_be_stopped(run: Run) -> None:
    refused = run("--stop", "run.yaml")
    assert isinstance(refused.exception, TrainingNotStarted) and "no Ray cluster trains in" in str(refused.exception)


def test_verl_joins_the_cluster_that_it_runs_in(tmp_path: Path) -> None:
    data = write_data(tmp_path, items=2)
    alone = choose(data, tmp_path, preset="qwen3-vl-4b-1xh100", environment={"OMP_NUM_THREADS": "1", "MODE": "a"})
    inside = {"RAY_ADDRESS": "10.0.0.1:6379"}
    assert list_joining(alone, {}) == []
    joining = list_joining(alone, inside)
    assert joining[0] == "ray_kwargs.ray_init.num_cpus=null"
    inner = "+ray_kwargs.ray_init.runtime_env.env_vars"
    assert any(f"{inner}.VERL_USE_EXTERNAL_MODULES=" in override for override in joining)
    # Without the quotes Hydra makes a number of it, which Ray does not take for the value of a variable.
    assert {f'{inner}.OMP_NUM_THREADS="1"', f"{inner}.MODE=a"} <= set(joining)
    assert list_joining(choose(data, tmp_path), inside) == [], "it starts a Ray of its own by ray_init.address=local"
    assert list_joining(choose(data, tmp_path, preset="paper-qwen3-vl-4b-16xa100"), inside) == []
