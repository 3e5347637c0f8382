"""`curator caspo dpo` really trains with TRL: from log 2 on, with the log-probabilities of plain transformers.

Run by `make test-verl`, with TRL in a folder that only the run sees.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import pytest
from needs import leave_out

sys.path.insert(0, str(Path(__file__).parent))

import learning_runs as lr
from training_case import write_answered_data

from caspo.errors import ExportRefused
from caspo.export.exporting import export_run

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not lr.TRL.exists():
        leave_out("TRL is not in .trl: run `make setup-trl`")
    return tmp_path_factory.mktemp("dpo")


@pytest.fixture(scope="module")
def run(home: Path, tiny_qwen: Path) -> Path:
    """Ten steps of six pairs each, so that every step has the same."""
    data, model = write_answered_data(home), tiny_qwen / "qwen2.5"
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


def find_mean(folder: Path, home: Path, side: str) -> float:
    """The mean over the pairs of an answer's log-probability, by plain transformers."""
    import torch
    import verl_checks as vc

    model = vc.PlainModel.load(folder)
    sums = []
    for row in lr.read_table(home / "data" / "preferences.parquet"):
        answer = model.processor.tokenizer(
            row[side][0]["content"] + "<|im_end|>\n", add_special_tokens=False, return_tensors="pt"
        )["input_ids"][0]
        with torch.no_grad():
            sums.append(float(model.rate(model.encode(row, constitution=None), answer).sum()))
    return sum(sums) / len(sums)


def test_its_log_probabilities_are_those_of_plain_transformers(home: Path, run: Path, tiny_qwen: Path) -> None:
    said = lr.read_steps(run)[0]
    for side in ("chosen", "rejected"):
        found = find_mean(tiny_qwen / "qwen2.5", home, side)
        assert said[f"dpo/logps/{side}"] == pytest.approx(found, abs=1e-3), side


def test_its_model_is_exported_as_it_was_saved(home: Path, run: Path) -> None:
    done = export_run(run, home / "exported")
    compared = done.facts["comparison"]
    assert (done.facts["step"], done.facts["run"]["stage"], compared["dtype"]) == (10, "dpo", "float32")
    assert compared["trained_mean"] > 0.01
    assert not {"training_args.bin", "trainer_state.json"} & {path.name for path in (home / "exported").iterdir()}
    assert "Learnt from 6 pairs of answers, by model-a (12)" in (home / "exported" / "README.md").read_text()
    # What TRL said in the next step of the same pairs, plain transformers says of the exported folder.
    assert export_run(run, home / "half", step=5).facts["step"] == 5
    found = find_mean(home / "half", home, "chosen")
    assert lr.read_steps(run)[5]["dpo/logps/chosen"] == pytest.approx(found, abs=1e-3)
    assert lr.read_steps(run)[0]["dpo/logps/chosen"] != pytest.approx(found, abs=0.1)


def test_a_model_of_another_chat_template_is_refused(home: Path, run: Path, tiny_qwen: Path, tmp_path: Path) -> None:
    from caspo.export.comparison import try_out

    folder = shutil.copytree(run / "model", tmp_path / "model")
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("assistant", "user"))
    with pytest.raises(ExportRefused, match=r"processor makes other .*input_ids"):
        try_out(folder, home / "data" / "preferences.parquet", start=str(tiny_qwen / "qwen2.5"), rows=1)


def test_the_same_command_goes_on_from_the_last_checkpoint(home: Path, run: Path) -> None:
    before = lr.read_steps(run)[9]
    shutil.rmtree(run / "checkpoints" / "checkpoint-10")
    lr.start(home, "dpo", json.loads((home / "dpo.yaml").read_text()), lr.TRL)
    after = lr.read_steps(run)[11:]
    assert after[0]["dpo/epoch"] == 6
    assert after[4]["dpo/loss"] == pytest.approx(before["dpo/loss"], abs=1e-4)
