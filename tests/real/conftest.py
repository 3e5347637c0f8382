"""The models of this folder's tests: served, or made, once for all of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from needs import leave_out

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from labelstudio_server import Person
from recording_proxy import RecordingProxy
from vllm_runs import Servers, bias_random_answers, bias_random_model, bias_small_model
from vllm_server import PYTHON, Served, build_checkpoints, read_end, serve_all

from bench import label_studio

# float32: without AMX, vLLM reads prompts in bfloat16 four times as slowly.
MODELS = [
    Served("smollm2", "float32"),
    Served("tiny-vlm", "float32", ("--limit-mm-per-prompt", '{"image": 1, "video": 0}')),
]

LOGS = pytest.StashKey[Path]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the end of what the servers said with a test that failed."""
    report = yield
    if report.failed and LOGS in item.config.stash:
        logs = sorted(item.config.stash[LOGS].glob("*.log"))
        report.sections += [(f"the end of {log.name}", read_end(log)) for log in logs]
    return report


@pytest.fixture(scope="session")
def ended_in_order() -> Iterator[None]:
    """Take SIGTERM (of `timeout`, of a cancelled job) like Ctrl-C, so that the servers are ended then too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ended_in_order: None
) -> Iterator[Servers]:
    """SmolLM2 and a tiny Qwen2.5-VL, each on a vLLM server behind a proxy."""
    if not PYTHON.exists():
        leave_out("vLLM is not installed in .vllm: run `make setup-vllm` to try the pipeline against it")
    checkpoints = build_checkpoints()
    words = {model.name: read_vocabulary(checkpoints / model.name) for model in MODELS}
    logs = request.config.stash[LOGS] = tmp_path_factory.mktemp("vllm")
    with (
        serve_all(checkpoints, MODELS, logs=logs) as urls,
        RecordingProxy(urls["smollm2"]) as text,
        RecordingProxy(urls["tiny-vlm"]) as seeing,
    ):
        yield Servers(
            text,
            seeing,
            text_bias=bias_small_model(words["smollm2"]),
            seeing_bias=bias_random_model(words["tiny-vlm"]),
            answer_bias=bias_random_answers(words["tiny-vlm"]),
        )


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the models that `tiny_qwen.py` makes, for reading only."""
    out = tmp_path_factory.mktemp("tiny-qwen")
    command = [sys.executable, "-W", "ignore", Path(__file__).parent / "tiny_qwen.py", out]
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=env, timeout=1800)
    return out


def read_vocabulary(checkpoint: Path) -> dict[str, int]:
    told = json.loads((checkpoint / "tokenizer.json").read_text("utf-8"))
    vocabulary: dict[str, int] = told["model"]["vocab"]
    return vocabulary


@pytest.fixture(scope="module")
def admin(label_studio_sdk: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """The administrator of a Label Studio server of a module's own."""
    with label_studio.serve(tmp_path_factory.mktemp("label-studio")) as url:
        yield Person(url, label_studio.EMAIL, label_studio.make_token(url))
