"""Steps of verl's `TrainingWorker` with the plugin's advantages, on the wind tunnel's tiny model, and their end.

Run by `make test-verl`; one process, half a minute, is shared by all tests. It trains 20 steps with a rigged reward,
and takes `caspo.local`'s first step again from the same answers. Then `curator caspo export` merges the checkpoint.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr

from caspo.export.checkpoints import find_step
from caspo.export.exporting import read_record

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
REAL = Path(__file__).parent
CLOSE = 1e-5


def run_child(*words: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = [vr.ROOT, vr.ROOT / "tests", REAL, vr.HERE, os.environ.get("PYTHONPATH", "")]
    env = os.environ | {
        "PYTHONPATH": ":".join(filter(None, map(str, paths))), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, words)], env=env | environment, capture_output=True, text=True,
        timeout=1500, check=False,
    )  # fmt: skip


def find_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def export(*words: Any) -> subprocess.CompletedProcess[str]:
    return run_child("-c", "from curator_app.cli import main; main()", "caspo", "export", *words)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what the steps left."""
    folder = tmp_path_factory.mktemp("steps")
    done = run_child(
        REAL / "verl_steps.py", folder,
        VERL_PLATFORM="cpu", VERL_ENGINE_DEVICE="cuda", VERL_USE_EXTERNAL_MODULES="cpu_platform",
        RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=find_port(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    return folder


@pytest.fixture(scope="session")
def found(home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((home / "found.json").read_bytes())
    return told


@pytest.fixture(scope="session")
def exported(home: Path) -> Path:
    done = export(home / "run", "--to", home / "exported", "--release", home / "v1.0")
    assert done.returncode == 0, done.stderr[-6000:]
    assert f"Written: {home / 'exported'}" in done.stdout
    return home / "exported"


def test_the_rigged_reward_rises_over_20_steps(found: dict[str, Any]) -> None:
    means = found["rise"]["means"]
    assert len(means) == 20
    first, last = sum(means[:5]) / 5, sum(means[-5:]) / 5
    assert last > first + 0.3, means
    assert min(found["rise"]["spreads"]) > 0.05, "the constitution moves nothing, so these were not CASPO's advantages"


def test_one_step_moves_to_the_same_weights_as_in_caspo_local(home: Path, found: dict[str, Any]) -> None:
    import torch

    taken = torch.load(home / "one-step.pt")

    def differ(one: str, other: str) -> float:
        shared = taken["verl"].keys() & taken["local"].keys()
        assert len(shared) == len(taken["verl"])
        return max(float((taken[one][name] - taken[other][name]).abs().max()) for name in shared)

    assert found["one_step"]["advantage_off"] < CLOSE
    assert differ("local", "verl") < 1e-4
    # The step is ten times as long, and other steps end elsewhere: GRPO's, and that of a distribution without what
    # no answer may hold, which is where the two trainers differ by design.
    assert differ("start", "verl") > 9e-4
    assert differ("outcome", "verl") > 9e-4
    assert differ("banned", "verl") > 9e-4


def test_half_precision_is_refused_with_a_remedy_before_anything_is_learnt(found: dict[str, Any]) -> None:
    said = found["half"]["said"]
    assert said.startswith("the policy's log-probabilities hold torch.bfloat16"), said
    assert "fsdp_config.mixed_precision={param_dtype:fp32" in said
    assert found["half"]["same"]


def test_the_exported_model_has_the_checkpoints_log_probabilities(home: Path, exported: Path) -> None:
    import torch
    from transformers import AutoModelForImageTextToText

    from caspo.export.weights import read_weights

    rated = torch.load(home / "rated.pt", weights_only=False)
    weights = read_weights(find_step(home / "run"))

    def rate(model: Any) -> list[torch.Tensor]:
        logp = []
        for answer in rated["answers"]:
            ids = torch.cat([answer["prompt"], answer["tokens"]])[None]
            logits = model(
                input_ids=ids, attention_mask=torch.ones_like(ids), **answer["pictures"],
                mm_token_type_ids=(ids == model.config.image_token_id).long(),
            ).logits[0, -len(answer["tokens"]) - 1 : -1]  # fmt: skip
            logp.append(logits.double().log_softmax(-1).gather(-1, answer["tokens"][:, None])[:, 0])
        return logp

    def differ(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
        return max(float((a.double() - b.double()).abs().max()) for a, b in zip(one, other, strict=True))

    with torch.no_grad():
        model = AutoModelForImageTextToText.from_pretrained(exported, dtype=torch.float32).eval()
        merged = rate(model)
        model.load_state_dict({name: value.bfloat16().float() for name, value in weights.items()})
        rounded = rate(model)
        model.load_state_dict(weights)
        exact = rate(model)
    assert differ(exact, rated["log_probs"]) < CLOSE, "the shards, put together without verl, are not what verl has"
    assert differ(merged, rounded) < CLOSE, "the merged folder is not the checkpoint in bfloat16"
    assert CLOSE < differ(merged, rated["log_probs"]) < 0.1, "bfloat16 costs something, and not much"


def test_the_card_says_what_was_compared(home: Path, exported: Path) -> None:
    record = read_record(exported)
    compared = record["comparison"]
    assert (record["step"], compared["dtype"], len(compared["rows"])) == (20, "bfloat16", 4)
    assert compared["merged_max"] < CLOSE < compared["rounded_max"] < 0.1 < compared["trained_mean"]
    card = (exported / "README.md").read_text()
    assert record["run"]["release_digest"] in card and "Reviewers an item: 12 by 2" in card
    assert "training has moved the same log-probabilities by" in card


def spoil_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("layers.0.mlp.down_proj.weight"))
    save_file(weights | {name: weights[name] * 1.05}, folder / "model.safetensors", metadata={"format": "pt"})


def spoil_template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text().replace("assistant", "user"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(spoil_weights, "the merged model is not the checkpoint"), (spoil_template, "processor makes other input_ids")],
)
def test_a_folder_that_answers_otherwise_is_refused(
    home: Path, exported: Path, tmp_path: Path, spoil: Any, said: str
) -> None:
    import shutil

    from caspo.errors import ExportRefused
    from caspo.export.comparison import compare

    shutil.copytree(exported, tmp_path / "merged")
    spoil(tmp_path / "merged")
    with pytest.raises(ExportRefused, match=said):
        compare(
            find_step(home / "run"),
            tmp_path / "merged",
            home / "data" / "train.parquet",
            start=str(home / "model"),
            rows=1,
        )


def test_a_damaged_shard_ends_the_real_export_and_leaves_nothing(home: Path, exported: Path, tmp_path: Path) -> None:
    import shutil

    import torch

    shutil.copytree(home / "run", tmp_path / "run")
    shard = find_step(tmp_path / "run").shards[0]
    weights = torch.load(shard, weights_only=False)
    weights.pop(next(name for name in weights if name.endswith("mlp.down_proj.weight")))
    torch.save(weights, shard)
    done = export(tmp_path / "run", "--to", tmp_path / "out")
    assert done.returncode == 1
    assert "curator: " in done.stderr and "down_proj" in done.stderr, done.stderr[-3000:]
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))
