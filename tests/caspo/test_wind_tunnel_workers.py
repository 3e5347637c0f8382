"""Worker processes: what they keep, how they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pool_state
import pytest
from pool_state import Counter

from caspo.errors import WorkerFailed
from caspo.wind_tunnel.workers import Event, Job, open_pool


def test_jobs_run_in_their_order_and_the_state_stays() -> None:
    events: list[Event] = []
    with open_pool(Counter, 1) as pool:
        found = pool.run([Job(f"job {n}", "add", (n,), 1) for n in range(3)], events.append)
        more = pool.run([Job("more", "add", (9,), 1)], events.append)
    assert [found[f"job {n}"][:2] for n in range(3)] == [(1, 1), (2, 2), (3, 3)]
    assert more["more"][:2] == (10, 4)
    assert len({pid for _, _, pid in [*found.values(), *more.values()]} - {os.getpid()}) == 1
    first = [(event.kind, event.told, event.share) for event in events if event.job.name == "job 0"]
    assert first == [("begun", "", 0.0), ("step", "adding 0", 0.0), ("step", "adding 0", 1.0), ("done", "", 1.0)]


def test_as_many_jobs_run_at_once_as_there_are_workers(tmp_path: Path) -> None:
    jobs = [Job(a, "meet", (str(tmp_path), a, b), 1) for a, b in (("one", "two"), ("two", "one"))]
    with open_pool(Counter, 2) as pool:
        assert pool.run(jobs, lambda event: None) == {"one": True, "two": True}


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("refuse", "bad: there is no such thing; give another"),
        ("break_down", "ZeroDivisionError: by zero"),
        ("die", "ended with code 7"),
    ],
)
def test_a_job_that_fails_ends_the_run_with_its_name(method: str, said: str) -> None:
    with pytest.raises(WorkerFailed, match="bad") as caught, open_pool(Counter, 1) as pool:
        pool.run([Job("bad", method, (), 1)], lambda event: None)
    assert said in str(caught.value)


def test_a_worker_dies_with_the_process_that_began_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, pool_state.__file__, file])
    while not (file.exists() and file.read_text()):
        assert parent.poll() is None
        time.sleep(0.02)
    child = int(file.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and that nobody has asked about does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
