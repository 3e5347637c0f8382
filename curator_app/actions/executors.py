"""Where the process of a job runs: as a child of this machine, or as a Ray job when CURATOR_RAY_ADDRESS is set.

The lease in the database says whether a job is worked on (`storage.jobs`). An executor starts the process, can end it,
and knows sooner than a lease lapses that it died without a word. Both print into `job.log` in the job's folder.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from curator_app.errors import AppError
from curator_app.settings import Settings
from storage import jobs

LOCAL, RAY = "local", "ray"
GRACE_S = 3.0
"""How long a process that is to end at once gets to tidy up; Ray's own default, too."""


class JobRefused(AppError):
    """The process of a job cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class Work:
    """A process to start: `python -m MODULE KIND NAME`."""

    module: str
    kind: str
    name: str
    log: Path
    """What it prints is appended here."""
    settings: Settings


@dataclass(frozen=True)
class Fate:
    """What an executor knows about a process."""

    is_gone: bool
    """False also when nobody can tell."""
    told: str = ""
    """Why it is gone, or why nobody can tell."""


UNKNOWN = Fate(is_gone=False)


class Executor(Protocol):
    """Starts the processes of jobs, looks after them, ends them."""

    start_s: float
    """How long a job may wait until its process begins."""

    def start(self, work: Work) -> str:
        """Start a process that does not end with this one, and return its handle.

        Raises:
            JobRefused: it cannot be started.
        """

    def look(self, handle: str) -> Fate:
        """Return what became of a process. This must not take longer than a few seconds."""

    def end(self, handle: str) -> None:
        """End a process at once: it is asked, and killed when it is still there after `GRACE_S`.

        Raises:
            JobRefused: nobody can be told to.
        """


def choose_executor(settings: Settings) -> Executor:
    """Return what starts the jobs of a workspace."""
    if not settings.ray_address:
        return LocalExecutor()
    from curator_app.actions.ray_executor import RayExecutor

    return RayExecutor(settings.ray_address)


def find_executor(handle: str) -> Executor:
    """Return what knows the process of a handle, whatever the settings say by now."""
    if handle.partition(":")[0] != RAY:
        return LocalExecutor()
    from curator_app.actions.ray_executor import RayExecutor, read_handle

    return RayExecutor(read_handle(handle)[0])


def write_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables with which another process loads the same settings.

    Secrets are left out: a process has them from the environment of its machine.
    """
    values = settings.model_dump().items()
    return {f"CURATOR_{name.upper()}": str(value) for name, value in values if not isinstance(value, SecretStr)}


class LocalExecutor:
    """Children of this machine, in sessions of their own. A handle is `local:MACHINE:PROCESS`."""

    start_s = jobs.START_S

    def start(self, work: Work) -> str:
        """Start a child that outlives this process."""
        # -P: a folder of the workspace that happens to be called like one of our packages is not taken for it.
        command = [sys.executable, "-P", "-m", work.module, work.kind, work.name]
        try:
            with work.log.open("ab") as log:
                child = subprocess.Popen(
                    command,
                    env=os.environ | write_environment(work.settings),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # no signal that ends the app reaches it
                )
        except OSError as exc:
            raise JobRefused(
                f"the process of the {work.kind} {work.name} cannot be started: {exc}; press Resume to try again"
            ) from exc
        # Or it would stay as a zombie.
        threading.Thread(target=child.wait, name=f"end of {work.name}", daemon=True).start()
        return f"{LOCAL}:{socket.gethostname()}:{child.pid}"

    def look(self, handle: str) -> Fate:
        """Return whether the process is gone, where it ran on this machine."""
        if jobs.is_dead(handle.removeprefix(f"{LOCAL}:")):
            return Fate(is_gone=True, told="")
        return UNKNOWN

    def end(self, handle: str) -> None:
        """End the process and what it started, if it runs on this machine."""
        machine, _, process = handle.removeprefix(f"{LOCAL}:").rpartition(":")
        if machine != socket.gethostname():
            raise JobRefused(f"its process runs on {machine}, and only the app on that machine can end it")
        threading.Thread(target=_end_group, args=(int(process),), name=f"end of {process}", daemon=True).start()


def _end_group(group: int) -> None:
    """Ask a session's processes to end, and kill them `GRACE_S` later."""
    try:
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            time.sleep(0.1)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
