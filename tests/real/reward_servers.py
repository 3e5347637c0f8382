"""A reward model of random weights behind its real server, for a run of verl."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent


@contextmanager
def serve_reward(base: Path, out: Path) -> Iterator[str]:
    """Yield the URL of a reward model on top of `base`, which is saved in `out`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH")]))
    log = out.with_suffix(".log")
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-W", "ignore", HERE / "serve_reward.py", base, out, str(port)],
            env=env, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 600
        while True:
            try:
                told = httpx.get(f"{url}/health", timeout=120)
                break
            except httpx.TransportError:
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.5)
        assert told.status_code == 200, told.text
        yield url
    finally:
        server.terminate()
        server.wait(timeout=60)
