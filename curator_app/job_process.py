"""The process of one job: `python -m curator_app.job_process KIND NAME`. The app starts it; people need not.

It works on the job that was put down in the database under that kind and name. What it prints goes to `job.log`.
"""

import sys
from collections.abc import Callable
from typing import Any

from curator_app.workspace import open_workspace


def main(kind: str, name: str) -> int:
    """Work on the job; return the exit code."""
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
    from curator_app.actions import judge_jobs, runs, tunnel_jobs

    workers: dict[str, Callable[..., Any]] = {
        runs.JOB_KIND: runs.run_queued,
        judge_jobs.JOB_KIND: judge_jobs.run_queued,
        tunnel_jobs.JOB_KIND: tunnel_jobs.run_queued,
    }
    if kind not in workers:
        raise ValueError(f"there are no jobs of the kind {kind!r}; there are: {', '.join(workers)}")
    return workers[kind]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
