"""Metrics reach TensorBoard, also over a resume; trackers that are not installed are named."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

from caspo.errors import TrackerMissing
from caspo.local.tracking import Tracking, open_metrics, read_metrics

pytestmark = pytest.mark.models


def record(folder: Path, *, done: int, steps: range, value: float, tracking: Tracking) -> None:
    with open_metrics(folder, tracking, fingerprint="f" * 64, done=done, config={"steps": 4}) as note:
        for step in steps:
            note(step, {"caspo/loss": value + step})


def test_tensorboard_shows_each_step_once_after_a_resume(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: run `make setup-models`")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracking = Tracking(tensorboard=True)
    record(tmp_path, done=0, steps=range(3), value=0.0, tracking=tracking)
    record(tmp_path, done=2, steps=range(2, 4), value=10.0, tracking=tracking)  # step 2 was after the checkpoint
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("caspo/loss")] == [(0, 0), (1, 1), (2, 12), (3, 13)]
    assert [metrics["caspo/loss"] for metrics in read_metrics(tmp_path)] == [0, 1, 12, 13]


def test_a_line_that_was_cut_off_is_no_step(tmp_path: Path) -> None:
    record(tmp_path, done=0, steps=range(2), value=0.5, tracking=Tracking())
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"caspo/loss": 2')
    assert read_metrics(tmp_path) == [{"caspo/loss": 0.5}, {"caspo/loss": 1.5}]


@pytest.mark.parametrize(
    ("package", "tracking"), [("tensorboard", Tracking(tensorboard=True)), ("wandb", Tracking(wandb_project="toy"))]
)
def test_a_tracker_that_is_not_installed_is_named(tmp_path: Path, package: str, tracking: Tracking) -> None:
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(TrackerMissing, match=f"pip install {package}"):
        record(tmp_path, done=0, steps=range(1), value=0.0, tracking=tracking)


def test_weights_and_biases_gets_config_and_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="optional: pip install wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    record(tmp_path, done=0, steps=range(2), value=0.5, tracking=Tracking(wandb_project="toy"))
    (kept,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    content = kept.read_bytes()
    assert b"caspo/loss" in content
    assert b"steps" in content
