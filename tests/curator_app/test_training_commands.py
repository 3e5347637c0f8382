"""`curator caspo preflight` and `curator caspo train`: what they print, write, and refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from training_case import REWARD, write_data
from typer.testing import CliRunner, Result

from caspo.launch import find_version
from curator_app.actions.training_runs import TrainingNotStarted
from curator_app.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    write_data(tmp_path)
    (tmp_path / "reward.py").write_text(REWARD)
    (tmp_path / "run.yaml").write_text(
        "preset: tiny-cpu\nmodel: {path: /models/tiny}\ndata: {folder: data}\nreward: {function: reward.py}\n"
    )
    return lambda *words: CliRunner().invoke(app, ["caspo", *map(str, words)])


def test_a_dry_run_says_everything_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = run("train", tmp_path / "run.yaml", "--dry-run", "--slurm")
    assert sorted(tmp_path.rglob("*")) == before
    folder = tmp_path / "home" / "training-runs" / "run"
    digest = json.loads((tmp_path / "data" / "manifest.json").read_bytes())["release_digest"]
    for said in (
        "-m verl.trainer.main_ppo", "VERL_USE_EXTERNAL_MODULES=cpu_platform,generate_rollout,caspo.verl_plugin.trainer",
        "trainer.v1.trainer_mode=caspo", f'"release_digest": "{digest}"', f"  {folder}/run.json", "#SBATCH --nodes=1",
    ):  # fmt: skip
        assert said in done.output
    if find_version("verl") is None:
        assert "NOT VALIDATED: verl is not installed" in done.output
        assert done.exit_code == 0


def test_preflight_finds_and_train_does_not_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text((tmp_path / "run.yaml").read_text() + "machine: {ray_cpus: 3}\n")
    looked = run("preflight", tmp_path / "run.yaml")
    assert looked.exit_code == 1
    assert "ERROR   ray CPUs: Ray would have 3 CPUs and verl asks for 8" in looked.output
    assert "-> set machine.ray_cpus=8" in looked.output
    assert "NOTE    contamination: no benchmark release" in looked.output
    tried = run("train", tmp_path / "run.yaml")
    assert tried.exit_code == 1
    assert "Not started: mend what is said above" in tried.output
    assert not (tmp_path / "home" / "training-runs").exists()


def test_a_slurm_script_is_written(run: Run, tmp_path: Path) -> None:
    done = run("train", tmp_path / "run.yaml", "--slurm", "--to", tmp_path / "there")
    assert f"Written, not submitted: {tmp_path}/there/train.sbatch" in done.output
    assert (tmp_path / "there" / "run.json").exists()


def test_what_cannot_be_read_is_refused_in_one_sentence(run: Run, tmp_path: Path) -> None:
    for words, said in (
        (["--preset", "tiny-gpu"], "training preset 'tiny-gpu' is unknown"),
        ([tmp_path / "run.yaml", "--data", tmp_path], "is no training data"),
        ([], "preset: name one of"),
    ):
        refused = run("train", *words, "--dry-run")
        assert isinstance(refused.exception, TrainingNotStarted)
        assert said in str(refused.exception)
