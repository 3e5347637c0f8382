"""`curator caspo sft` really trains on verl, resumes, and leaves what `curator caspo train` starts from.

Run by `make test-verl`.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import learning_runs as lr

from caspo.config import make_config
from caspo.launch import plan_launch, validate
from caspo.preflight import Case, run_preflight
from caspo.sft import SftConfig, list_sft_overrides

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]


def test_verl_takes_the_sft_of_every_preset_and_says_what_it_does_not_take() -> None:
    from caspo.config import list_presets, make_run_config

    configs = [make_run_config(SftConfig, {"preset": name, "model": {"path": "/m"}}) for name in list_presets()]
    good = [tuple(list_sft_overrides(config, Path("/runs/a b"))) for config in configs]
    complaints = validate(*good, (*good[0], "data.no_such_key=1"), stage="sft")
    assert complaints is not None
    assert complaints[:-1] == [None] * len(good)
    assert "no_such_key" in str(complaints[-1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sft")


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    """Two steps of two rows each, under the constitution."""
    data, model = lr.write_answered_data(home), lr.build_models(home / "models")
    config = {
        "preset": "tiny-cpu",
        "model": {"path": str(model), "family": "qwen2.5-vl"},
        "data": {"folder": str(data), "prompt": "constitution", "steps": 2, "max_tokens": 1024},
    }
    return lr.start(home, "sft", config, lr.REAL / "verl_here")


def work_out_loss(model: Any, rows: list[dict[str, Any]]) -> float:
    """The mean over all tokens of the answers, by plain transformers, one row at a time."""
    import torch

    total, count = 0.0, 0
    for row in rows:
        asked = {"prompt": row["messages"][:1], "images": row["images"]}
        answer = model.processor.tokenizer(
            row["messages"][1]["content"] + "<|im_end|>\n", add_special_tokens=False, return_tensors="pt"
        )["input_ids"][0]
        with torch.no_grad():
            log_probs = model.rate(model.encode(asked, constitution=row["constitution"]), answer)
        total, count = total - float(log_probs.sum()), count + len(answer)
    return total / count


def test_its_losses_are_those_of_plain_transformers_under_the_constitution(home: Path, run: Path) -> None:
    import verl_checks as vc
    from torch.utils.data import DistributedSampler

    rows = lr.read_table(home / "data" / "sft.parquet")
    order = [rows[place] for place in DistributedSampler(rows, num_replicas=1, rank=0)]  # type: ignore[arg-type]
    losses = [step["train/loss"] for step in lr.read_steps(run)]
    start = vc.PlainModel.load(home / "models" / "qwen2.5")
    after = vc.PlainModel.load(run / "checkpoints" / "global_step_1" / "huggingface")
    assert losses == pytest.approx([work_out_loss(start, order[:2]), work_out_loss(after, order[2:4])], abs=1e-5)
    bare = [row | {"constitution": None} for row in order[:2]]
    assert abs(work_out_loss(start, bare) - losses[0]) > 1e-4  # so that the check could fail


def test_rl_starts_from_its_checkpoint(home: Path, run: Path) -> None:
    given = {
        "preset": "tiny-cpu",
        "model": {"path": str(run / "checkpoints" / "global_step_2" / "huggingface"), "family": "qwen2.5-vl"},
        "data": {"folder": str(home / "data"), "max_prompt_tokens": 512},
        "reward": {"function": str(lr.REAL / "verl_here" / "rewards.py")},
    }
    config = make_config(given)
    found = run_preflight(Case.of_this_machine(config, home / "rl"))
    parts = {"model", "patch size", "processor", "image tokens", "lengths"}
    assert [one for one in found if one.check in parts] == []
    assert plan_launch(config, home / "rl").program[-1] == "verl.trainer.main_ppo"


def test_the_same_command_goes_on_from_the_last_checkpoint(home: Path, run: Path) -> None:
    before = lr.read_steps(run)[1]["train/loss"]
    shutil.rmtree(run / "checkpoints" / "global_step_2")
    (run / "checkpoints" / "latest_checkpointed_iteration.txt").write_text("1")
    config = json.loads((home / "sft.yaml").read_text())
    lr.start(home, "sft", config, lr.REAL / "verl_here")
    steps = lr.read_steps(run)
    assert len(steps) == 3
    assert steps[2]["train/loss"] == pytest.approx(before, abs=1e-5)
