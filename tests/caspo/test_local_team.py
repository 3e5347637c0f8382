"""Two processes that train one model together give what one gives, bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import caspo_team
import torch

from caspo.local.supervised import _deal
from caspo.local.team import add_halves, hand_out, share_work

pytestmark = pytest.mark.models


def start(folder: Path, place: int) -> subprocess.Popen[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, caspo_team.__file__, str(folder), str(place)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_a_team_ends_with_the_weights_and_files_of_one_process(tmp_path: Path) -> None:
    alone = caspo_team.train(tmp_path / "alone")
    both = [start(tmp_path, place) for place in (0, 1)]
    told = [one.communicate()[0].strip() for one in both]
    shared = "{'one': 'one by 0', 'two': 'two by 1', 'three': 'three by 0'}"
    assert told == [f"{alone} {shared}"] * 2
    (one,), (other,) = ((tmp_path / name).glob("*/metrics.jsonl") for name in ("alone", "cache"))
    assert one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8")
    assert one.parent.name == other.parent.name  # so either goes on with what the other has left
    assert caspo_team.train(tmp_path / "cache") == alone


def test_alone_the_halves_are_run_one_after_the_other() -> None:
    layer = torch.nn.Linear(2, 1)

    def half(factor: float) -> list[float]:
        (factor * layer(torch.tensor([1.0, 2.0]))).sum().backward()
        return [factor, 1.0]

    assert add_halves(layer, [lambda: half(2.0), lambda: half(0.5)]) == [2.5, 2.0]
    assert layer.weight.grad.tolist() == [[2.5, 5.0]]
    assert layer.bias.grad.tolist() == [2.5]
    layer.zero_grad()
    assert add_halves(layer, [lambda: half(1.0), lambda: [0.0, 0.0]]) == [1.0, 1.0]
    assert layer.weight.grad.tolist() == [[1.0, 2.0]]
    assert hand_out("as it is") == "as it is"
    assert share_work({"one": lambda: 1, "two": lambda: 2}) == {"one": 1, "two": 2}


def test_parts_of_like_length_are_dealt_out_evenly() -> None:
    assert [list(half) for half in _deal([1, 2, 3, 4, 5, 6])] == [[1, 4, 5], [2, 3, 6]]  # type: ignore[list-item]
    assert [list(half) for half in _deal([1])] == [[1], []]  # type: ignore[list-item]
