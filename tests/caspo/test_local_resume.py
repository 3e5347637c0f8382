"""A run that was killed and started again gives the very numbers of one that was not; folders that do not fit."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import caspo_killed
import torch
from caspo_killed import STEPS, make_examples, train
from caspo_tiny import make_tiny

from caspo.errors import RunBusy, RunMismatch, TrainingDiverged
from caspo.local.checkpoints import CHECKPOINT
from caspo.local.config import SupervisedConfig
from caspo.local.loop import find_rate
from caspo.local.supervised import train_supervised
from caspo.local.tracking import METRICS
from caspo.local.vlm import hash_weights
from storage.locks import hold_lock

pytestmark = pytest.mark.models


def kill(kind: str, folder: Path, at: int) -> None:
    """Run the training in a process of its own until it kills itself."""
    ran = subprocess.run([sys.executable, caspo_killed.__file__, kind, folder, str(at)], check=False)
    assert ran.returncode == -signal.SIGKILL


def find_folder(cache: Path) -> Path:
    return next(file.parent for file in cache.rglob(METRICS))


@pytest.mark.parametrize(("kind", "at"), [("supervised", 4 * 5 + 2), ("moving", 6), ("frozen_original", 2)])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path, kind: str, at: int) -> None:
    unbroken, wanted = train(kind, tmp_path / "unbroken")
    kill(kind, tmp_path / "killed", at)
    folder = find_folder(tmp_path / "killed")
    lines = (folder / METRICS).read_text().splitlines()
    assert 0 < len(lines) < STEPS
    assert (folder / CHECKPOINT).exists() == (len(lines) >= 2)  # killed before the first one, or after it
    torch.manual_seed(99)  # where the process happens to be does not matter
    resumed, found = train(kind, tmp_path / "killed")
    assert len(found) == STEPS
    assert found == wanted
    assert hash_weights(resumed.model) == hash_weights(unbroken.model)
    assert len({metrics[next(name for name in metrics if name.endswith("/loss"))] for metrics in wanted}) == STEPS


def test_a_finished_run_is_a_cache(tmp_path: Path) -> None:
    first, wanted = train("supervised", tmp_path)

    def fail() -> None:
        raise AssertionError("a finished run trained again")

    again, found = train("supervised", tmp_path, fail)
    assert found == wanted
    assert hash_weights(again.model) == hash_weights(first.model)


def test_a_folder_of_another_run_is_refused_and_kept(tmp_path: Path) -> None:
    train("moving", tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RunMismatch, match="another config"):
        train("frozen_sft", tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    train("moving", tmp_path)
    metrics, checkpoint = tmp_path / METRICS, tmp_path / CHECKPOINT
    text = metrics.read_text()
    metrics.write_text("".join(text.splitlines(keepends=True)[:-1]))
    with pytest.raises(RunMismatch, match=f"{STEPS - 1} steps of {STEPS}"):
        train("moving", tmp_path)
    metrics.write_text("nonsense\n" + text)
    with pytest.raises(RunMismatch, match="cannot be read"):
        train("moving", tmp_path)
    metrics.write_text(text)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(RunMismatch, match=CHECKPOINT):
        train("moving", tmp_path)


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock", busy=RuntimeError()), pytest.raises(RunBusy, match=str(tmp_path)):
        train("moving", tmp_path)


def test_a_step_that_is_not_finite_changes_no_weight(tmp_path: Path) -> None:
    vlm = make_tiny()
    with torch.no_grad():
        vlm.model.get_input_embeddings().weight[0].fill_(torch.nan)
    before = hash_weights(vlm.model)
    with pytest.raises(TrainingDiverged, match=r"step 0: sft/loss is nan"):
        train_supervised(vlm, make_examples(4), SupervisedConfig(steps=2, batch=2), cache=tmp_path)
    assert hash_weights(vlm.model) == before


def test_a_picture_is_learnt(tmp_path: Path) -> None:
    config = SupervisedConfig(steps=60, batch=8, learning_rate=2e-3, warmup=5)
    vlm = make_tiny()
    start = hash_weights(vlm.model)
    metrics = train_supervised(vlm, make_examples(16), config, cache=tmp_path)
    assert metrics[0]["sft/loss"] > 1
    assert metrics[-1]["sft/loss"] < 0.05  # below ln 2 / 3 = 0.23, what is left without the picture
    again = make_tiny()
    assert hash_weights(again.model) == start
    assert train_supervised(again, make_examples(16), config, cache=tmp_path / "anew") == metrics


def test_frozen_vision_stays_as_it_is(tmp_path: Path) -> None:
    vlm = make_tiny()
    tower, rest = hash_weights(vlm.model.model.visual), hash_weights(vlm.model.model.language_model)
    config = SupervisedConfig(steps=2, batch=2, freeze_vision=True)
    train_supervised(vlm, make_examples(4), config, cache=tmp_path)
    assert hash_weights(vlm.model.model.visual) == tower
    assert hash_weights(vlm.model.model.language_model) != rest
    assert all(parameter.requires_grad for parameter in vlm.model.parameters())


def test_the_rate_rises_and_falls() -> None:
    config = SupervisedConfig(steps=9, learning_rate=0.1, warmup=4, final_share=0.2)
    rates = [round(find_rate(config, step), 6) for step in range(9)]
    assert rates == [0.025, 0.05, 0.075, 0.1, 0.1, 0.088284, 0.06, 0.031716, 0.02]


def test_metrics_are_numbers_by_step(tmp_path: Path) -> None:
    _, metrics = train("supervised", tmp_path)
    assert [json.loads(line) for line in (find_folder(tmp_path) / METRICS).read_text().splitlines()] == metrics
    assert set(metrics[0]) == {"sft/loss", "sft/entropy", "sft/learning_rate", "sft/grad_norm"}
