"""The page of trainings starts verl itself: planned, started, watched to its end, shown with its curves.

Run by `make test-verl`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr
from training_case import write_data

from curator_app.actions import training_jobs
from curator_app.screens.training import build_training_page
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.accounts import Person, Role
from storage.jobs import Job, JobState

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
TOM = Person(id=1, name="tom", roles=frozenset({Role.TRAINER}))
SLOW_RAY = "current node timed out during startup"
"""Ray gives its own start half a minute, which cannot be changed."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with training data, a tiny Qwen3-VL and a reward."""
    home = tmp_path / "home"
    made = create_workspace(Settings(home=home))
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", Path(__file__).parent / "tiny_qwen.py", home / "models"]
    subprocess.run(command, check=True, env=env, timeout=600)
    (home / "training-data").mkdir()
    write_data(tmp_path / "scratch").rename(home / "training-data" / "v1.0-seed-0")
    (home / "rewards").mkdir()
    shutil.copy(vr.HERE / "rewards.py", home / "rewards")
    yield made
    made.close()


@pytest.fixture
def page(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The page's handlers, on a server whose jobs can train on a CPU."""
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    sockets = tempfile.mkdtemp(prefix="ray-")  # paths of sockets must be short
    paths = [str(vr.HERE), str(vr.ROOT), os.environ.get("PYTHONPATH", "")]
    for name, value in (
        ("PYTHONPATH", ":".join(filter(None, paths))), ("HF_HUB_OFFLINE", "1"), ("RAY_AUTH_MODE", "disabled"),
        ("RAY_worker_register_timeout_seconds", "600"), ("RAY_TMPDIR", sockets),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    with gr.Blocks() as pages:
        build_training_page(pages, workspace=workspace, person_of=lambda request: TOM)
    yield SimpleNamespace(**{fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None})
    shutil.rmtree(sockets, ignore_errors=True)


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def wait(workspace: Workspace, wanted: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + vr.PATIENCE_S
    while not wanted(job := training_jobs.find_training_job(workspace, name="tiny")):
        assert time.monotonic() < deadline, f"still {job}"
        time.sleep(1)
    return job


def test_the_page_starts_verl_and_shows_what_came_of_it(page: SimpleNamespace, workspace: Workspace) -> None:
    home = workspace.settings.home
    data, models, rewards = page.training_offer(ask())
    assert "models/qwen3" in models["choices"]
    form: list[Any] = [
        "tiny", data["value"], "tiny-cpu-recommended", "models/qwen3", rewards["value"],
        "data: {steps: 1}\nchanges: {twin_share: 0}", False,
    ]  # fmt: skip
    plan, known = page.training_plan(ask(), *form)
    assert known, plan
    assert 'data-level="error"' not in plan and "verl’s own config classes take it" in plan
    page.training_start(ask(), *form, known)
    for _ in range(3):
        job = wait(workspace, lambda job: not job.state.is_live)
        log = (home / "training-runs" / "tiny" / "job.log").read_text("utf-8")
        if job.state is JobState.ENDED or SLOW_RAY not in log[-20_000:]:
            break
        page.training_resume(ask(run="tiny"))
    assert (job.state, job.message, job.progress["step"]) == (JobState.ENDED, "", 1), log[-6000:]
    head, _, _, _, body, *_ = page.training_show(ask(run="tiny"))
    assert "has ended" in head and "of 1" in head and "the last one came to its end" in head
    assert re.search(r'class="cu-monitor', body) and "Entropy" in body and "from the second step on" in body
    assert "step:1 - " in body and "Release" in body
    assert "1 of 1" in page.training_show(ask())[0]
