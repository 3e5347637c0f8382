"""A workspace in which a training on verl can be asked for: training data, a folder of a model, a reward."""

import os
from pathlib import Path

import pytest
from training_case import REWARD, write_data

from curator_app.actions.training_jobs import TrainingAsked
from curator_app.workspace import Workspace

STAND_IN = Path(__file__).parent / "verl_stand_in"
ROOT = Path(__file__).parents[1]
STEPS = 3


def add_material(workspace: Workspace, scratch: Path) -> TrainingAsked:
    """Put them there, and return the training that names them."""
    home = workspace.settings.home
    (home / "training-data").mkdir(parents=True)
    write_data(scratch, items=4).rename(home / "training-data" / "v1.0-seed-0")
    model = home / "models" / "tiny"
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"model_type": "llama"}')
    (home / "rewards").mkdir()
    (home / "rewards" / "reward.py").write_text(REWARD)
    return TrainingAsked(
        name="first",
        data="v1.0-seed-0",
        preset="tiny-cpu",
        model="models/tiny",
        reward="rewards/reward.py",
        changes=f"data: {{steps: {STEPS}}}",
        force=True,
    )


def stand_in(patch: pytest.MonkeyPatch, *, gate: Path | None = None) -> None:
    """Let children of this process take what stands in for verl's trainer."""
    paths = [str(STAND_IN), str(ROOT), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    if gate is not None:
        patch.setenv("STAND_IN_GATE", str(gate))
