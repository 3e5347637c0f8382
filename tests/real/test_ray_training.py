"""`curator caspo train --ray`: verl trains in a real Ray cluster of this machine, given to it through the Jobs API.

It is followed, left running, stopped, and trained to its end. Run by `make test-verl`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr
from ray_head import open_head, wait_until_over
from training_case import write_data

from curator_app.actions.ray_trainings import find_job, find_submitted

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
PATIENCE_S = 1200


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """A cluster that counts this CPU as eight and one GPU."""
    own = {"PYTHONPATH": f"{vr.HERE}:{vr.ROOT}", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with open_head(own, cpus=8, gpus=1) as address:
        yield address


@pytest.fixture
def config(tiny_qwen: Path, tmp_path: Path) -> Path:
    """A training of one step that joins the cluster in which it runs."""
    write_data(tmp_path)
    told = {
        "preset": "tiny-cpu-recommended", "model": {"path": str(tiny_qwen / "qwen3")},
        "data": {"folder": "data", "steps": 1}, "reward": {"function": str(vr.HERE / "rewards.py")},
        "changes": {"twin_share": 0},
        "overrides": [
            "actor_rollout_ref.actor.use_torch_compile=False", "actor_rollout_ref.ref.use_torch_compile=False",
        ],
    }  # fmt: skip
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(told))
    return tmp_path / "run.yaml"


def open_train(config: Path, *words: str) -> "subprocess.Popen[str]":
    """The command, with a workspace that is not there."""
    command = [sys.executable, "-u", "-P", "-m", "curator_app.cli", "--home", config.parent / "home"]
    env = os.environ | {"PYTHONPATH": str(vr.ROOT)}
    command += ["caspo", "train", *words, config]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]", code: int = 0) -> str:
    text, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, text[-6000:]
    return text


def test_a_training_is_followed_left_stopped_and_resumed_in_a_cluster(head: str, config: Path) -> None:
    folder = config.parent / "home" / "training-runs" / "run"
    first = open_train(config, "--ray", head)
    assert first.stdout is not None
    said = []
    for line in first.stdout:
        said.append(line)
        if "ray init kwargs" in line:
            break
    text = "".join(said)
    assert "Submitted to Ray as curator-training-run-" in text and "'num_cpus': None" in text, text
    first.send_signal(signal.SIGINT)
    assert "Left running." in finish(first)
    known = find_submitted(folder)
    assert known is not None and (there := find_job(known)) is not None and there.status == "RUNNING"
    assert f"Ray ends {known.job}" in finish(open_train(config, "--stop"))
    assert wait_until_over(known.address, known.job, patience_s=PATIENCE_S) == "STOPPED"
    assert "there is nothing to stop" in finish(open_train(config, "--stop"), code=1)
    text = finish(open_train(config, "--ray", head))
    assert vr.read_metrics(text, 1)["caspo/signal_std"] > 0
    assert "Connecting to existing Ray cluster" in text
    run = json.loads((folder / "run.json").read_bytes())
    assert run["packages"]["verl"] == "0.9.1" and "ray_kwargs.ray_init.num_cpus=8" in run["command"]
    assert (folder / "checkpoints" / "global_step_1").is_dir()
    events = [json.loads(line) for line in (folder / "attempts.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events if event["event"] != "ended"] == ["submitted", "started"] * 2
    assert events[-1] == {"attempt": 2, "event": "ended", "code": 0, "at": events[-1]["at"]}
