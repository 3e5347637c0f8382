"""Where metrics go: always a file of JSON lines, and TensorBoard or Weights & Biases where they are asked for."""

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.errors import RunMismatch, TrackerMissing
from storage.texts import canonical_json

METRICS = "metrics.jsonl"
Metrics = dict[str, float]
Record = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Tracking:
    """Trackers besides the file."""

    tensorboard: bool = False
    """Event files in the run's folder, under `tensorboard`."""
    wandb_project: str | None = None
    """Project at Weights & Biases, or None."""


@contextmanager
def open_metrics(
    folder: Path, tracking: Tracking, *, fingerprint: str, done: int, config: Mapping[str, Any]
) -> Iterator[Record]:
    """Yield the function that records one step's metrics everywhere.

    What was recorded of steps after `done` is dropped: a killed run goes on from its checkpoint and makes them again.

    Raises:
        TrackerMissing: A tracker's package is not installed.
        RunMismatch: The file of metrics cannot be read, or lacks steps that were made.
    """
    with ExitStack() as stack:
        records = [
            *([_open_tensorboard(stack, folder, done)] if tracking.tensorboard else []),
            *(
                [_open_wandb(stack, folder, tracking.wandb_project, fingerprint, config)]
                if tracking.wandb_project
                else []
            ),
        ]
        kept = read_metrics(folder)[:done]
        if len(kept) < done:
            raise RunMismatch(
                f"{folder / METRICS} has {len(kept)} steps of {done}; move the folder away to begin again"
            )
        file = stack.enter_context((folder / METRICS).open("w", encoding="utf-8"))
        file.writelines(canonical_json(metrics) + "\n" for metrics in kept)
        file.flush()

        def record(step: int, metrics: Mapping[str, float]) -> None:
            file.write(canonical_json(dict(metrics)) + "\n")
            file.flush()
            for each in records:
                each(step, metrics)

        yield record


def read_metrics(folder: Path) -> list[Metrics]:
    """Return the metrics of each step that the file holds whole, from the first on."""
    file = folder / METRICS
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    try:
        return [json.loads(line) for line in lines if line.endswith("\n")]
    except json.JSONDecodeError as exc:
        raise RunMismatch(f"{file} cannot be read ({exc}); move the folder away to begin again") from exc


def _open_tensorboard(stack: ExitStack, folder: Path, done: int) -> Record:
    _require("tensorboard", "tensorboard=False")
    from torch.utils.tensorboard import SummaryWriter

    # What an earlier process wrote of steps that are made again is hidden from `done` on.
    writer = SummaryWriter(log_dir=str(folder / "tensorboard"), purge_step=done)
    stack.callback(writer.close)

    def record(step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            writer.add_scalar(name, value, global_step=step)

    return record


def _open_wandb(stack: ExitStack, folder: Path, project: str, fingerprint: str, config: Mapping[str, Any]) -> Record:
    _require("wandb", "wandb_project=None")
    import wandb

    run = wandb.init(project=project, dir=str(folder), id=fingerprint[:16], resume="allow", config=dict(config))
    stack.callback(run.finish)

    def record(step: int, metrics: Mapping[str, float]) -> None:
        run.log(dict(metrics), step=step)

    return record


def _require(package: str, without: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise TrackerMissing(f"{package} is not installed; run `pip install {package}`, or train with {without}")
