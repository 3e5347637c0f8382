"""What the tests of real models share: one thread, no hub, the tiny picture models built once."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # more spin on a busy machine

from tiny_images import build_tiny_flux2, build_tiny_qwen_image


@pytest.fixture(scope="session", autouse=True)
def stay_offline() -> Iterator[None]:
    """Forbid the hub, also to what was imported before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        if "huggingface_hub.constants" in sys.modules:
            patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="session")
def flux2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny FLUX.2."""
    return build_tiny_flux2(tmp_path_factory.mktemp("models") / "tiny-flux2")


@pytest.fixture(scope="session")
def qwen_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen-Image."""
    return build_tiny_qwen_image(tmp_path_factory.mktemp("models") / "tiny-qwen-image")
