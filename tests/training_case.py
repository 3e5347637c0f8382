"""Training data out of a release, and a training on it that nothing is wrong with."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from training_sources import make_row, put_table, write_judge_run, write_release

from caspo.config import TrainConfig, make_config
from caspo.dataset.config import make_config as make_data_config
from caspo.dataset.gate import BarredRow
from caspo.dataset.prepare import prepare
from caspo.preflight import Case, Machine
from endpoints.embeddings import HashEmbeddings
from storage.records import Split

VERSIONS = {
    "verl": "0.9.1", "transformers": "5.10.4", "TransferQueue": "0.1.11", "tensordict": "0.10.0",
    "torchvision": "0.29.1", "qwen-vl-utils": "0.0.14", "vllm": "0.24.0", "flash-attn": "2.8.3", "trl": None,
}  # fmt: skip
BARRED = BarredRow("release v9.0, item OOD-1", "How does the tide clock work?", (("f" * 64, "f0f0f0f0f0f0f0f0"),), "x1")
REWARD = "def compute_score(data_source, solution_str, ground_truth, extra_info, **_):\n    return 0.0\n"
BETTER = ("Move it.", "It could fall on the child, so put it on the floor.", "No, the heat would crack it; wait.")


def write_data(home: Path, *, items: int = 8, held_out: int = 0) -> Path:
    """A folder of `curator caspo prepare` without twins to train on; what is held out has them."""
    first = held_out + 1
    releases = [write_release(home / "v1.0", [make_row(first + n) for n in range(items)], count=items)]
    if held_out:
        kept = [make_row(number, twin=True) for number in range(1, first)]
        releases.append(write_release(home / "v1.0-held-out", kept, count=held_out, split=Split.HELD_OUT))
    config = make_data_config({"releases": [{"path": one} for one in releases], "twin_share": 0})
    return prepare(config, to=home / "data", barred=[], embeddings=HashEmbeddings()).folder


def write_answered_data(home: Path, *, items: int = 6) -> Path:
    """Training data with a good and a bad answer to each item."""
    release = write_release(home / "v1.0", [make_row(number) for number in range(1, items + 1)], count=items)
    answers: list[Any] = []
    for number in range(1, items + 1):
        name = f"item{number:06d}"
        answers.append((name, f"Look out {number}: {BETTER[number % 3]}", [(2, 2, 2)]))
        answers.append((name, f"{BETTER[(number + 1) % 3]} Fine {number}.", [(0, 0, 0)]))
    run = write_judge_run(home / "run", release, answers)
    preferences = {"min_gap": 2, "length_skew": None}
    given = {"releases": [{"path": release}], "judge_runs": [run], "twin_share": 0, "preferences": preferences}
    return prepare(make_data_config(given), to=home / "data", barred=[], embeddings=HashEmbeddings()).folder


def choose(folder: Path, home: Path, preset: str = "tiny-cpu", **given: Any) -> TrainConfig:
    """A training of a preset; parts that are given go before it."""
    (home / "reward.py").write_text(REWARD)
    fields: dict[str, Any] = {
        "preset": preset,
        "model": {"path": "/models/not-here"},
        "data": {"folder": str(folder)},
        "reward": {"function": str(home / "reward.py")},
    }
    for name, value in given.items():
        fields[name] = {**fields.get(name, {}), **value} if isinstance(value, dict) else value
    return make_config(fields)


def make_case(config: TrainConfig, home: Path, **changes: Any) -> Case:
    """The training on a machine that has all it needs; `changes` are of the machine or of the case."""
    machine = config.machine
    there = Machine(
        cpus=machine.cpus_per_node,
        memory_gib=machine.memory_gib_per_node,
        free_gib=10_000,
        gpus_gib=() if machine.device == "cpu" else (machine.gpu_gib,) * machine.gpus_per_node,
        versions=VERSIONS,
        modules=frozenset(config.modules),
    )
    own = {name: value for name, value in changes.items() if name in Machine.__dataclass_fields__}
    others = {name: value for name, value in changes.items() if name not in own}
    return Case(config, home / "run", replace(there, **own), **{"barred": (BARRED,), **others})


def change_rows(data: Path, to: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """Training data with other rows, whose manifest is right."""
    rows = pq.read_table(data / "train.parquet").to_pylist()
    change(rows)
    put_table(to / "train.parquet", rows)
    return sign(data, to)


def sign(data: Path, to: Path, **changes: Any) -> Path:
    """Give a folder the manifest of another one, with the hash of its own file."""
    from storage.release_files import hash_file

    manifest = json.loads((data / "manifest.json").read_bytes())
    manifest["files"]["train.parquet"] |= hash_file(to / "train.parquet")
    (to / "manifest.json").write_text(json.dumps(manifest | changes))
    return to
