"""What every test gets: the network blocked beyond this machine, and the modules of tests/ importable."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves it out; factories.py lives here

_connect = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        pytest.fail(f"a test tried to reach {address}; tests use this machine only")
    _connect(self, address)


@pytest.fixture(autouse=True)
def block_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a connection to another machine."""
    monkeypatch.setattr(socket.socket, "connect", _connect_here)
