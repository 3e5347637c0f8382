"""Makes faulty_server.py importable, and gives the tests a key to hide."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def api_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment variable TEST_ENDPOINT_KEY."""
    key = "sk-test-0123456789abcdef-VERY-SECRET"
    monkeypatch.setenv("TEST_ENDPOINT_KEY", key)
    return key
