"""A workspace whose endpoints file leads to a local server that answers by `scripted_models`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent / "endpoints"))

from faulty_server import FaultyServer
from run_pipeline import endpoints_file, make_config
from scripted_models import answer_body

from curator_app.actions.run_jobs import find_run
from curator_app.actions.runs import RunRequest
from curator_app.workspace import Workspace
from storage.jobs import Job, JobState


def open_models(*, latency_s: float = 0.0) -> FaultyServer:
    """Return the server, to be used as a context."""
    return FaultyServer(latency_s=latency_s, answer=answer_body)


def write_endpoints(home: Path, url: str, **entry: Any) -> None:
    """Point the workspace at the server."""
    content = {"version": 1} | endpoints_file(url, **entry)
    (home / "endpoints.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def ask_for(batch: str = "trial", **changes: Any) -> RunRequest:
    """Return a request for a run of a few scenarios without pictures."""
    return RunRequest(make_config(batch=batch, **({"grounding": {}} | changes)))


def wait_for(
    workspace: Workspace,
    name: str,
    wanted: Callable[[Job], bool],
    *,
    timeout_s: float = 90,
    find: Callable[..., Job] = find_run,
) -> Job:
    """Return the job of a run, or of what `find` finds, once it is as wanted."""
    deadline = time.monotonic() + timeout_s
    while True:
        job = find(workspace, name=name)
        if wanted(job):
            return job
        assert time.monotonic() < deadline, f"still {job}"
        time.sleep(0.1)


def is_over(job: Job) -> bool:
    """Whether nobody works on it."""
    return job.state in (JobState.ENDED, JobState.FAILED, JobState.INTERRUPTED)
