"""SFT and DPO before they start: configs, commands, pins, and what preflight finds. The runs are in tests/real."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_case import BARRED, VERSIONS
from training_sources import make_row, write_judge_run, write_release

from caspo.config import RunConfig, make_run_config
from caspo.dataset.config import make_config as make_data_config
from caspo.dataset.prepare import prepare
from caspo.dpo.config import DpoConfig
from caspo.errors import RunMismatch, TrainingRefused
from caspo.launch import check_same, plan_launch, write_run
from caspo.preflight import Case, Finding, Machine, run_preflight
from caspo.sft import SftConfig
from caspo.slurm import render_script
from endpoints.embeddings import HashEmbeddings

TRL = {**VERSIONS, "verl": None, "TransferQueue": None, "trl": "1.16.0", "transformers": "5.24.0"}
MACHINE = Machine(
    cpus=2, memory_gib=8, free_gib=1000, gpus_gib=(), versions=VERSIONS,
    modules=frozenset({"cpu_platform", "caspo.verl_plugin.supervised"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("answered")
    release = write_release(home / "v1.0", [make_row(number) for number in range(1, 5)], count=4)
    answers: list[Any] = [
        (f"item{number:06d}", f"{word} {number}", [score])
        for number in range(1, 5)
        for word, score in (("Mind the child", (2, 2, 2)), ("Go on", (0, 0, 0)))
    ]
    run = write_judge_run(home / "run", release, answers)
    preferences = {"min_gap": 2, "length_skew": None}
    given = {"releases": [{"path": release}], "judge_runs": [run], "twin_share": 0, "preferences": preferences}
    return prepare(make_data_config(given), to=home / "data", barred=[], embeddings=HashEmbeddings()).folder


def choose(kind: type[Any], folder: Path, preset: str = "tiny-cpu", **given: Any) -> Any:
    fields = {"preset": preset, "model": {"path": "/models/not-here"}, **given}
    return make_run_config(kind, fields | {"data": {"folder": str(folder), **given.get("data", {})}})


def look(config: RunConfig, folder: Path, **machine: Any) -> list[Finding]:
    there = replace(MACHINE, **({"versions": TRL} if config.stage == "dpo" else {}) | machine)
    return [one for one in run_preflight(Case(config, folder, there, barred=(BARRED,))) if one.level != "note"]


def test_the_papers_numbers_of_sft(data: Path) -> None:
    config = choose(SftConfig, data, "paper-qwen2.5-vl-7b-16xa100")
    assert (config.update.learning_rate, config.data.epochs) == (1e-5, 2)
    assert (config.update.rows, config.update.accumulation, config.rows_per_step) == (4, 2, 64)


def test_each_starts_its_own_trainer_and_is_pinned_to_its_own_file(data: Path, tmp_path: Path) -> None:
    sft = plan_launch(choose(SftConfig, data, data={"prompt": "both"}), tmp_path / "sft")
    assert sft.program[-2:] == ("-m", "verl.trainer.sft_trainer")
    assert {"+data.prompt=both", "data.train_batch_size=2", f"data.train_files={data / 'sft.parquet'}"} <= set(
        sft.overrides
    )
    dpo = plan_launch(choose(DpoConfig, data), tmp_path / "dpo")
    assert dpo.command[-3:] == ("-m", "caspo.dpo", str(tmp_path / "dpo"))
    assert sft.run["train_sha256"] != dpo.run["train_sha256"]
    assert None not in (sft.run["train_sha256"], dpo.run["train_sha256"])
    assert "verl.trainer.sft_trainer" in render_script(sft, hours=1)


def test_a_folder_holds_one_run_of_one_stage(data: Path, tmp_path: Path) -> None:
    write_run(plan_launch(choose(SftConfig, data), tmp_path))
    with pytest.raises(RunMismatch, match='stage is "sft", and not "dpo"'):
        check_same(plan_launch(choose(DpoConfig, data), tmp_path))


@pytest.mark.parametrize("kind", [SftConfig, DpoConfig])
def test_where_nothing_is_wrong_nothing_is_found(kind: type[RunConfig], data: Path, tmp_path: Path) -> None:
    assert look(choose(kind, data), tmp_path) == []


def test_what_preflight_finds(data: Path, tmp_path: Path) -> None:
    (found,) = look(choose(SftConfig, data), tmp_path, versions={**VERSIONS, "trl": "1.16.0"})
    assert "verl cannot load a model beside it" in found.wrong
    (found,) = look(choose(DpoConfig, data), tmp_path, versions={**TRL, "trl": None})
    assert found.wrong == "trl is not installed"
    (found,) = look(choose(SftConfig, data, update={"accumulation": 3}), tmp_path)
    assert "4 rows are fewer than update.rows x update.accumulation x GPUs=6" in found.wrong
    assert look(choose(SftConfig, data, data={"prompt": "both"}, update={"accumulation": 3}), tmp_path) == []
    (tmp_path / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    (found,) = look(choose(DpoConfig, data), tmp_path)
    assert "the run would go on from them" in found.wrong


def test_what_cannot_be_used_is_named(data: Path) -> None:
    with pytest.raises(TrainingRefused, match=r"machine\.nodes=2: sft is started on one machine"):
        choose(SftConfig, data, machine={"nodes": 2})
    with pytest.raises(TrainingRefused, match="reward: Extra inputs are not permitted"):
        choose(DpoConfig, data, reward={"function": "r.py"})


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
@pytest.mark.timeout(60)
def test_no_process_goes_on_without_its_torchrun() -> None:
    worker = "import signal, caspo.torchrun as own; own.end_with_torchrun(); print(1, flush=True); signal.pause()"
    torchrun = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], start_new_session=True)"
    parent = subprocess.Popen(
        [sys.executable, "-c", torchrun, worker], env={**os.environ, "TORCHELASTIC_RUN_ID": "1"}, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"1\n"
    parent.kill()
    assert parent.stdout.read() == b""  # its end comes when the worker is gone
    parent.wait()
