"""`caspo.export` of SFT and DPO without torch, verl and TRL: what is whole, what is copied, what the card says.

The real trainers and the comparison of log-probabilities are tried by `make test-verl`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_case import stand_in, write_step
from training_case import write_answered_data

from caspo.config import RunConfig, make_run_config
from caspo.dpo.config import DpoConfig
from caspo.errors import ExportRefused
from caspo.export import exporting
from caspo.export.exporting import export_run, read_record
from caspo.export.saved_models import find_model
from caspo.launch import plan_launch, write_run
from caspo.sft import SftConfig
from storage.release_files import hash_file, read_release

LEARNT = ("config.json", "model.safetensors", "tokenizer_config.json", "chat_template.jinja")
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)


def begin(kind: type[RunConfig], home: Path, **given: Any) -> Path:
    fields = {"preset": "tiny-cpu", "model": {"path": "/models/not-here"}, **given}
    fields["data"] = {"folder": str(write_answered_data(home)), **given.get("data", {})}
    launch = plan_launch(make_run_config(kind, fields), home / "first")
    write_run(launch)
    return launch.folder


@pytest.fixture
def sft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of SFT with a checkpoint; verl's merger has a stand-in."""
    folder = begin(SftConfig, tmp_path, data={"prompt": "both"}, update={"learning_rate": 2e-5})
    write_step(folder, 20, part="")
    stand_in(tmp_path / "modules", monkeypatch)
    monkeypatch.setattr(exporting, "find_version", lambda name: "1")
    return folder


def write_model(folder: Path, step: int) -> Path:
    """A model as TRL saves it, with what is there to go on."""
    folder.mkdir(parents=True)
    for name in LEARNT:
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    for name in ("training_args.bin", "optimizer.pt"):
        (folder / name).write_bytes(b"of this machine")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


@pytest.fixture
def dpo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of DPO that has ended, with a checkpoint on its way; verl is not installed."""
    folder = begin(DpoConfig, tmp_path, update={"beta": 0.2}, arguments={"loss_type": ["ipo"], "logging_dir": "/mnt/x"})
    write_model(folder / "model", 12)
    write_model(folder / "checkpoints" / "checkpoint-10", 10)
    compared = {"rows": ["item000001"], "tokens": 24, "dtype": "float32", "trained_mean": 0.25}
    monkeypatch.setattr(exporting, "_compare", lambda *_, **__: compared)
    monkeypatch.setattr(exporting, "find_version", lambda name: None if name == "verl" else "1")
    return folder


def read_card(folder: Path) -> tuple[dict[str, Any], str]:
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), body


def test_sft_is_merged_and_described(sft: Path, tmp_path: Path) -> None:
    digest = read_release(tmp_path / "v1.0").manifest.digest
    export_run(sft, tmp_path / "out", releases={digest: tmp_path / "v1.0"})
    record, (front, body) = read_record(tmp_path / "out"), read_card(tmp_path / "out")
    told = json.loads((sft / "run.json").read_bytes())
    assert (record["step"], record["run"]["stage"], front["tags"][0]) == (20, "sft", "sft")
    assert record["run"]["train_sha256"] == hash_file(tmp_path / "data" / "sft.parquet")["sha256"]
    for said in (
        "fine-tuned on answers that judges scored high: what CASPO begins with, not its result", digest,
        told["config_sha256"], told["train_sha256"], "| asked | by the question alone, and under the category's",
        "| learning rate | 2e-05 |", "Learnt from 6 answers, by model-a (6)", "Reviewers an item: 6 by 2", "| `verl` |",
    ):  # fmt: skip
        assert said in body, said
    assert "trained with CASPO" not in body and "reward's file" not in body
    assert str(tmp_path) not in json.dumps(record) + body, "a path of this machine"


def test_the_answers_that_sft_learnt_from_have_to_be_the_runs(sft: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "sft.parquet").write_bytes(b"others")
    with pytest.raises(ExportRefused, match=r"sft\.parquet has the hash .* put back the data of the run"):
        export_run(sft, tmp_path / "out")


def test_the_model_at_the_end_of_dpo_is_copied_and_described(dpo: Path, tmp_path: Path) -> None:
    export_run(dpo, tmp_path / "out")
    record, (front, body) = read_record(tmp_path / "out"), read_card(tmp_path / "out")
    assert (record["step"], record["run"]["stage"], front["tags"][:2]) == (12, "dpo", ["dpo", "trl"])
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == {*LEARNT, "README.md", "export.json"}
    assert all(files[name].read_bytes() == (dpo / "model" / name).read_bytes() for name in LEARNT)
    for said in (
        "trained by DPO on pairs", "the baseline", "| beta | 0.2 |", "Learnt from 6 pairs of answers, by model-a (12)",
        "| TRL's loss_type |", "in float32, copied byte by byte", "by 0.25 nats on average",
    ):  # fmt: skip
        assert said in body, said
    assert "/mnt" not in json.dumps(record) + body
    assert export_run(dpo, tmp_path / "other", step=10).facts["step"] == 10


def index_shards(folder: Path) -> None:
    shards = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(WEIGHTS[:-1]), "model.safetensors was cut off"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"{}" * 9), "model.safetensors was cut off"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (index_shards, "model-2.safetensors is missing"),
        (lambda folder: (folder / "trainer_state.json").unlink(), "trainer_state.json or"),
        (lambda folder: (folder / "tokenizer_config.json").unlink(), "tokenizer_config.json is missing"),
    ],
)
def test_a_model_that_is_not_whole_is_refused_with_the_checkpoints_that_exist(
    dpo: Path, tmp_path: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    spoil(dpo / "model")
    with pytest.raises(ExportRefused, match="is not whole") as refused:
        export_run(dpo, tmp_path / "out")
    assert said in str(refused.value)
    assert "it has checkpoints of step 10" in str(refused.value)
    assert find_model(dpo, 10).step == 10


def test_a_run_of_dpo_that_has_not_ended_has_no_model(dpo: Path) -> None:
    (dpo / "model").rename(dpo / "away")
    with pytest.raises(ExportRefused, match=r"no folder model, which is written at the end .*checkpoints of step 10"):
        find_model(dpo)
    with pytest.raises(ExportRefused, match="no checkpoint of step 7; it has checkpoints of step 10"):
        find_model(dpo, 7)
