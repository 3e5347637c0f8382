"""vLLM on this CPU, one server for each model, in its own environment `.vllm` (`make setup-vllm`)."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

FOLDER = Path(__file__).parents[2] / ".vllm"
PYTHON = FOLDER / "env" / "bin" / "python"
PATIENCE_S = 600
"""A start takes half a minute with warm files and several times that with cold ones."""


@dataclass(frozen=True)
class Served:
    """A checkpoint and how to serve it."""

    name: str
    dtype: str
    options: tuple[str, ...] = ()


def build_checkpoints() -> Path:
    """Return the folder of the checkpoints, which are built once and kept in the environment's folder."""
    out = FOLDER / "checkpoints"
    command = [PYTHON, Path(__file__).parent / "build_checkpoints.py", FOLDER / "wheels", out]
    subprocess.run(command, check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"}, timeout=900)
    return out


@contextmanager
def serve_all(checkpoints: Path, served: list[Served], *, logs: Path) -> Iterator[dict[str, str]]:
    """Yield name -> address of one running server each; they start side by side and end with the block."""
    with ExitStack() as stack:
        started = [(one, *stack.enter_context(_start(checkpoints / one.name, one, logs))) for one in served]
        for one, child, port in started:
            _await_health(child, f"http://127.0.0.1:{port}/health", logs / f"{one.name}.log")
        yield {one.name: f"http://127.0.0.1:{port}/v1" for one, _, port in started}


@contextmanager
def _start(checkpoint: Path, one: Served, logs: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a server; end it and its children by their own process group."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    command = [
        PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", checkpoint, "--served-model-name", one.name,
        "--host", "127.0.0.1", "--port", str(port), "--dtype", one.dtype, "--enforce-eager",
        "--max-model-len", "4096", "--max-num-seqs", "16",
        # On a CPU, vLLM 0.32.0 dies of a request with a seed whose prompt it reads in several parts.
        "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096",
        # Without this, models that are small or random fill a reply with blanks up to its end.
        "--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}', *one.options,
    ]  # fmt: skip
    env = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        # One thread each: on a busy machine several wait for one another most of the time.
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CACHE_ROOT": str(FOLDER / "cache" / "vllm"),
    }
    with (logs / f"{one.name}.log").open("wb") as output:
        child = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            yield child, port
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):  # it has ended, and so have its children
                    os.killpg(child.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=20)


def _await_health(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"vLLM did not start; its output ends:\n{read_end(log)}")
        time.sleep(0.5)


def read_end(log: Path, characters: int = 3000) -> str:
    """Return the last of what a server wrote."""
    return log.read_text("utf-8", "replace")[-characters:]
