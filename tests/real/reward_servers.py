"""A reward model of random weights behind its real server, for a run of verl."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

HERE = Path(__file__).parent


@contextmanager
def serve_until(base: Path, out: Path, *, answers: int) -> Iterator[str]:
    """Yield the URL of a reward model on top of `base`, saved in `out`; the server dies when it has rated `answers`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    words = [HERE / "serve_reward.py", base, out, str(port), str(answers)]
    with _serve(words, f"http://127.0.0.1:{port}", out.with_suffix(".log")) as url:
        yield url


@contextmanager
def serve_again(model: Path, url: str) -> Iterator[None]:
    """Serve a saved reward model at the same URL by the command that users have."""
    command = ["-c", "from curator_app.cli import main; main()", "caspo", "reward-model", "serve"]
    words = [*command, model, "--port", url.rpartition(":")[2], "--batch", "4"]
    with _serve(words, url, model.with_suffix(".again.log")):
        yield


@contextmanager
def _serve(words: Sequence[str | Path], url: str, log: Path) -> Iterator[str]:
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH")]))
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-W", "ignore", *words], env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 600
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
