"""The process of one job: `python -m curator_app.job_process KIND NAME [--log FILE]`. The app starts it, not people.

It works on the job that was put down in the database under that kind and name. What it prints goes to `job.log`: the
app sees to that for a child of its machine, and a Ray job is told the file.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from curator_app.workspace import open_workspace


def main(kind: str, name: str, *more: str) -> int:
    """Work on the job; return the exit code. With `--log` and a file, what is printed is appended to that, too."""
    if more[:1] == ("--log",):
        copy_output(more[1])
    from curator_app.errors import AppError
    from curator_app.settings import load_settings
    from storage.errors import StorageError

    try:
        workspace = open_workspace(load_settings())
        try:
            find_worker(kind)(workspace, name=name)
        finally:
            workspace.close()
    except (AppError, StorageError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


def find_worker(kind: str) -> Callable[..., Any]:
    """Return what works on the jobs of a kind that are put down.

    Raises:
        ValueError: there is no such kind.
    """
    from curator_app.actions import (
        judge_jobs,
        label_studio_jobs,
        runs,
        training_data_jobs,
        training_jobs,
        tunnel_jobs,
    )

    workers: dict[str, Callable[..., Any]] = {
        runs.JOB_KIND: runs.run_queued,
        judge_jobs.JOB_KIND: judge_jobs.run_queued,
        tunnel_jobs.JOB_KIND: tunnel_jobs.run_queued,
        training_data_jobs.JOB_KIND: training_data_jobs.run_queued,
        training_jobs.JOB_KIND: training_jobs.run_queued,
        label_studio_jobs.JOB_KIND: label_studio_jobs.run_queued,
    }
    if kind not in workers:
        raise ValueError(f"there are no jobs of the kind {kind!r}; there are: {', '.join(workers)}")
    return workers[kind]


def copy_output(file: str) -> None:
    """Let what this process and its children print be appended to a file, and go where it went, which is Ray's log."""
    # What ends a job is sent to all its processes: the copy, which inherits that these signals mean nothing, must last
    # until this one has said its last word.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)}
    tee = subprocess.Popen(["tee", "-a", file], stdin=subprocess.PIPE)
    for number, handler in before.items():
        signal.signal(number, handler)
    assert tee.stdin is not None
    for stream in (1, 2):
        os.dup2(tee.stdin.fileno(), stream)
    tee.stdin.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
