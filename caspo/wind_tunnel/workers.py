"""Worker processes, one for each core, that keep their state between jobs and die with the process that began them."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from caspo.errors import CaspoError, WorkerFailed

Begin = Callable[[], Any]
"""Makes a worker's state, in the worker; picklable."""


@dataclass(frozen=True)
class Job:
    """A method of the workers' state to be called; it gets a function `tell(what, done, of)` besides `arguments`."""

    name: str
    method: str
    arguments: tuple[Any, ...]
    weight: float
    """How long it takes beside other jobs."""


@dataclass(frozen=True)
class Event:
    """What a pool tells while it works."""

    job: Job
    kind: str
    """`begun`, `step` or `done`."""
    told: str = ""
    share: float = 0.0
    """Of the job that is done, 0 to 1."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: Job | None = None


class Pool:
    """Runs jobs; made by `open_pool`."""

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self._workers = list(workers)

    def run(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> dict[str, Any]:
        """Run all jobs in their order, as many at once as there are workers; return what each gave, by its name.

        Raises:
            WorkerFailed: A job failed or its process ended; what is done stays done.
        """
        waiting, results = list(jobs), dict[str, Any]()
        while waiting or any(worker.job for worker in self._workers):
            for worker in self._workers:
                if worker.job is None and waiting:
                    worker.job = waiting.pop(0)
                    worker.connection.send((worker.job.method, worker.job.arguments))
                    observe(Event(worker.job, "begun"))
            busy = [worker for worker in self._workers if worker.job]
            ready = set(wait([worker.connection for worker in busy]))
            for worker in busy:
                if worker.connection in ready:
                    _read(worker, results, observe)
        return results


@contextmanager
def open_pool(begin: Begin, count: int) -> Iterator[Pool]:
    """Yield a pool of `count` processes, each with the state that `begin` makes; end them when the block ends."""
    context = multiprocessing.get_context("spawn")
    workers: list[_Worker] = []
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, begin), daemon=True)
            process.start()
            theirs.close()
            workers.append(_Worker(process, ours))
        yield Pool(workers)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join()
            worker.connection.close()
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _read(worker: _Worker, results: dict[str, Any], observe: Callable[[Event], None]) -> None:
    job = worker.job
    assert job is not None
    try:
        kind, body = worker.connection.recv()
    except EOFError:
        worker.process.join()
        raise WorkerFailed(
            f"{job.name}: its process ended with code {worker.process.exitcode}; if that is -9, memory may have run "
            "out: give fewer workers. The same command goes on where it stopped"
        ) from None
    if kind == "step":
        told, done, of = body
        observe(Event(job, "step", told, done / max(1, of)))
    elif kind == "done":
        results[job.name] = body
        worker.job = None
        observe(Event(job, "done", share=1.0))
    else:
        raise WorkerFailed(f"{job.name}: {body}")


def _serve(connection: Connection, begin: Begin) -> None:
    """Work off jobs until the parent closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    state = None
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        try:
            state = state or begin()
            connection.send(("done", getattr(state, method)(*arguments, _Teller(connection))))
        except CaspoError as exc:
            connection.send(("failed", str(exc)))
        except Exception:  # a worker has nobody else to tell
            connection.send(("failed", traceback.format_exc()))


class _Teller:
    """Passes on how far a job is, not more often than somebody can read it."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._last = connection, 0.0

    def __call__(self, told: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last >= 0.2 or done in (0, of):
            self._last = now
            self._connection.send(("step", (told, done, of)))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
