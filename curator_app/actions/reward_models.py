"""Reward models on this machine: train, measure, serve. What `curator caspo reward-model` does."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.errors import CaspoError
from caspo.reward_model.config import RewardTraining, read_config
from curator_app.errors import AppError
from endpoints.errors import EndpointError
from endpoints.local_models import require_libraries
from storage.texts import canonical_json
from storage.whole_files import write_whole

EVALUATION = "evaluation.json"


class RewardModelRefused(AppError):
    """A reward model cannot be trained, measured or served; the message says why and what to do."""


@dataclass(frozen=True)
class TrainedModel:
    """What came of a training."""

    config: RewardTraining
    steps: int
    last: Mapping[str, float]
    """Metrics of the last step."""


def train(config: Path | None, given: Mapping[str, Any]) -> TrainedModel:
    """Train a reward model in this process.

    Raises:
        RewardModelRefused: Config, data or base model cannot be used, or the folder holds something else.
    """
    with _refuse():
        wanted = read_config(config, given)
        _require()
        from caspo.reward_model.training import train as train_model

        metrics = train_model(wanted)
    return TrainedModel(wanted, len(metrics), metrics[-1])


def evaluate(folder: Path, data: Path, *, to: Path | None, batch: int) -> tuple[dict[str, Any], list[str], Path]:
    """Measure a reward model; return the report, its lines for people, and the file that it was written to.

    Raises:
        RewardModelRefused: Model or data cannot be used.
    """
    file = to or folder / EVALUATION
    with _refuse(), tempfile.TemporaryDirectory() as pictures:
        _require()
        from caspo.reward_model import evaluation
        from caspo.reward_model.model import load_reward_model

        model = load_reward_model(folder)
        rows, which = evaluation.read_held_out(model, data, Path(pictures))
        report = {"measured_on": which, "data": rows.files, **evaluation.evaluate(model, rows, batch=batch)}
        write_whole(file, canonical_json(report) + "\n")
        return report, [f"measured on {which}", *evaluation.describe(report)], file


def serve(folder: Path, *, host: str, port: int, most: int, half: bool) -> None:
    """Serve a reward model until the process is ended.

    Raises:
        RewardModelRefused: It cannot be loaded.
    """
    with _refuse():
        _require()
        from caspo.reward_model.server import serve as serve_model

        serve_model(folder, host=host, port=port, most=most, half=half)


def _require() -> None:
    require_libraries("a reward model", "torch", "transformers", "accelerate")


@contextmanager
def _refuse() -> Iterator[None]:
    try:
        yield
    except (CaspoError, EndpointError) as exc:
        raise RewardModelRefused(str(exc)) from exc
    except OSError as exc:
        raise RewardModelRefused(
            f"{exc.filename or exc}: {exc.strerror or 'cannot be used'}; give another place"
        ) from exc
