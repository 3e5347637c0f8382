"""`curator caspo dpo` really trains with TRL: from log 2 on, with the log-probabilities of plain transformers.

Run by `make test-verl`, with TRL in a folder that only the run sees.
"""

import json
import math
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import learning_runs as lr

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not lr.TRL.exists():
        said = "TRL is not in .trl: run `make setup-trl`"
        (pytest.fail if os.environ.get("CURATOR_MODELS_REQUIRED") else pytest.skip)(said)
    return tmp_path_factory.mktemp("dpo")


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    """Ten steps of six pairs each, so that every step has the same."""
    data, model = lr.write_answered_data(home), lr.build_models(home / "models")
    config = {
        "preset": "tiny-cpu",
        "model": {"path": str(model), "family": "qwen2.5-vl"},
        "data": {"folder": str(data), "max_tokens": 1024, "steps": 10},
        "update": {"rows": 6},
        "logging": {"save_every": 5},
    }
    return lr.start(home, "dpo", config, lr.TRL)


def test_the_loss_falls_from_log_2_and_the_margin_rises_from_0(run: Path) -> None:
    steps = lr.read_steps(run)[:10]
    assert steps[0]["dpo/loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert steps[0]["dpo/rewards/margins"] == 0
    assert steps[-1]["dpo/loss"] < 0.5
    assert steps[-1]["dpo/rewards/margins"] > 0.5
    assert steps[-1]["dpo/rewards/accuracies"] == 1


def test_its_log_probabilities_are_those_of_plain_transformers(home: Path, run: Path) -> None:
    import torch
    import verl_checks as vc

    model = vc.PlainModel.load(home / "models" / "qwen2.5")
    rows = lr.read_table(home / "data" / "preferences.parquet")
    said = lr.read_steps(run)[0]
    for side in ("chosen", "rejected"):
        sums = []
        for row in rows:
            answer = model.processor.tokenizer(
                row[side][0]["content"] + "<|im_end|>\n", add_special_tokens=False, return_tensors="pt"
            )["input_ids"][0]
            with torch.no_grad():
                sums.append(float(model.rate(model.encode(row, constitution=None), answer).sum()))
        assert said[f"dpo/logps/{side}"] == pytest.approx(sum(sums) / len(sums), abs=1e-3), side


def test_it_leaves_a_model_with_its_processor(run: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    assert AutoProcessor.from_pretrained(run / "model").image_processor is not None
    AutoModelForImageTextToText.from_pretrained(run / "model")


def test_the_same_command_goes_on_from_the_last_checkpoint(home: Path, run: Path) -> None:
    before = lr.read_steps(run)[9]
    shutil.rmtree(run / "checkpoints" / "checkpoint-10")
    lr.start(home, "dpo", json.loads((home / "dpo.yaml").read_text()), lr.TRL)
    after = lr.read_steps(run)[11:]
    assert after[0]["dpo/epoch"] == 6
    assert after[4]["dpo/loss"] == pytest.approx(before["dpo/loss"], abs=1e-4)
