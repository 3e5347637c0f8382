"""A Ray head of this machine for tests, with its Jobs API, in a folder and on ports of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from curator_app.ray_jobs import RayJobs, RaySilent, RayUnknown

START_S = 240
ROOT = Path(__file__).parents[2]


def find_ports(count: int) -> list[int]:
    """Free ports beyond those that Ray gives its workers."""
    found: list[int] = []
    with socket.socket() as probe:
        for port in range(23_000 + os.getpid() % 5_000, 32_000):
            if len(found) == count:
                return found
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    found.append(port)
    raise AssertionError("no free port")


@contextmanager
def open_head(environment: Mapping[str, str], *, cpus: int = 2, gpus: int = 0) -> Iterator[str]:
    """Start a head and give the address of its dashboard; what it started ends with it.

    Sockets have to have short paths, so it lies in a folder of its own. Where it is not up in time it is started anew.
    """
    for left in (2, 1, 0):
        folder = Path(tempfile.mkdtemp(prefix="ray-"))
        dashboard, client = find_ports(2)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "CURATOR_"))}
        own |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "disabled", "RAY_worker_register_timeout_seconds": "600", **environment,
        }  # fmt: skip
        words = [
            str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--port=0",
            f"--ray-client-server-port={client}", "--dashboard-agent-listen-port=0", f"--dashboard-port={dashboard}",
            "--dashboard-host=127.0.0.1", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}", f"--num-cpus={cpus}",
            f"--num-gpus={gpus}", "--object-store-memory=80000000", "--disable-usage-stats",
        ]  # fmt: skip
        with (folder / "said.txt").open("w") as said:
            head = subprocess.Popen(words, env=own, stdout=said, stderr=said, cwd=folder, start_new_session=True)
        try:
            if _wait(f"http://127.0.0.1:{dashboard}", head):
                yield f"http://127.0.0.1:{dashboard}"
                return
            assert left, (folder / "said.txt").read_text()[-4000:]
        finally:
            _end(head)
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_over(address: str, job: str, *, patience_s: float = 600) -> str:
    """Return Ray's own word for how a job ended. A head that is too busy for an answer is asked again."""
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(RaySilent):
            if (found := RayJobs(address).find(job)).is_over:
                return found.status
        assert time.monotonic() < deadline, f"{job} is not over"
        time.sleep(0.2)


def _wait(address: str, head: "subprocess.Popen[bytes]") -> bool:
    """Whether the Jobs API answers; not when the head ended before."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and head.poll() is None:
        try:
            RayJobs(address).find("nothing")
        except RayUnknown:
            return True
        except RaySilent:
            time.sleep(0.5)
    return False


def _end(head: "subprocess.Popen[bytes]") -> None:
    """Let the head end its processes, and kill what is left of its session."""
    head.terminate()
    with suppress(subprocess.TimeoutExpired):
        head.wait(timeout=30)
    with suppress(ProcessLookupError):
        os.killpg(head.pid, signal.SIGKILL)
    head.wait()
