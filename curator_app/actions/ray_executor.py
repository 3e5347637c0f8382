"""Jobs on a Ray cluster: each process is a Ray job. A handle is `ray:ADDRESS SUBMISSION`.

The workspace has to lie on a disk that the app and the cluster's machines see under one path. What a job is started
with can be read on the cluster's dashboard, so it holds no secret: the job has those of its machine's environment.
"""

import re
import shlex
import socket
import time
import uuid
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from curator_app.actions.executors import RAY, UNKNOWN, Fate, JobRefused, Work, write_environment
from curator_app.ray_jobs import RayJobs, RayRefused, RaySilent, RayUnknown
from curator_app.settings import Settings

WAIT_S = 86_400.0
"""How long a job may wait for a place; Ray itself gives up after RAY_JOB_START_TIMEOUT_SECONDS, 15 minutes."""
ASK_AGAIN_S = 15.0
"""How long a head that was silent is not asked again by pages, which would all wait for it."""
TOLD_CHARS = 1_000

_silent: dict[str, tuple[float, str]] = {}
"""Address -> when its head was silent last, and how."""


class RayExecutor:
    """Jobs of the cluster whose dashboard is at `address`. Each takes a CPU of it, and waits where none is free."""

    start_s = WAIT_S

    def __init__(self, address: str) -> None:
        self._jobs = RayJobs(address)

    def start(self, work: Work) -> str:
        """Submit the process as a job."""
        address = self._jobs.address
        check_settings(work.settings, address)
        job = name_job(f"{work.kind}-{work.name}")
        words = ["python", "-P", "-m", work.module, work.kind, work.name, "--log", str(work.log)]
        try:
            self._jobs.submit(
                job=job, entrypoint=f"exec {shlex.join(words)}", environment=write_environment(work.settings), cpus=1
            )
        except RayRefused as exc:
            raise JobRefused(f"the {work.kind} {work.name} cannot be started: {exc}") from exc
        return f"{RAY}:{address} {job}"

    def look(self, handle: str) -> Fate:
        """Ask Ray, unless its head was silent a moment ago."""
        address, job = read_handle(handle)
        when, told = _silent.get(address, (-ASK_AGAIN_S, ""))
        if time.monotonic() - when < ASK_AGAIN_S:
            return Fate(is_gone=False, told=told)
        try:
            found = self._jobs.find(job)
        except RayUnknown as exc:
            return Fate(is_gone=True, told=str(exc))
        except RaySilent as exc:
            told = f"{exc}; until then, only what the job itself writes into the database is known of it"
            _silent[address] = time.monotonic(), told
            return Fate(is_gone=False, told=told)
        except RayRefused as exc:
            return Fate(is_gone=False, told=str(exc))
        if not found.is_over:
            return UNKNOWN
        return Fate(is_gone=True, told=f"Ray says {found.status}: {shorten(found.message) or 'nothing more'}")

    def end(self, handle: str) -> None:
        """Let Ray stop the job."""
        try:
            self._jobs.stop(read_handle(handle)[1])
        except RayRefused as exc:
            raise JobRefused(f"the job is asked to stop, and cannot be ended at once: {exc}") from exc


def read_handle(handle: str) -> tuple[str, str]:
    """Return address and submission."""
    address, _, job = handle.removeprefix(f"{RAY}:").partition(" ")
    return address, job


def name_job(what: str) -> str:
    """Return a name for a submission that no other has."""
    return f"curator-{re.sub('[^A-Za-z0-9_.-]', '-', what)}-{uuid.uuid4().hex[:8]}"


def shorten(text: str) -> str:
    """Return a message of Ray's in a line; of a long one, which ends with a log, its beginning and its end."""
    line = " ".join(text.split())
    half = TOLD_CHARS // 2
    return line if len(line) <= TOLD_CHARS else f"{line[:half]} … {line[-half:]}"


def check_settings(settings: Settings, address: str) -> None:
    """Refuse what would not work on a cluster, or would show a secret there.

    Raises:
        JobRefused: see above.
    """
    check_secrets(settings)
    url = make_url(settings.effective_database_url)
    host = urlsplit(address).hostname or ""
    if url.get_backend_name() == "sqlite" and not is_here(host):
        raise JobRefused(
            f"the database is SQLite, which one machine alone can write, and Ray's head is {host}: move the workspace "
            "to PostgreSQL (CURATOR_DATABASE_URL), or leave CURATOR_RAY_ADDRESS empty"
        )


def check_secrets(settings: Settings) -> None:
    """Refuse settings that would show a secret on the cluster's dashboard.

    Raises:
        JobRefused: see above.
    """
    url = make_url(settings.effective_database_url)
    if url.password or "password" in url.query:
        raise JobRefused(
            "CURATOR_DATABASE_URL holds a password, and what a Ray job is started with can be read on the cluster's "
            "dashboard: leave it out of the address, and set PGPASSWORD, or a ~/.pgpass, here and on the cluster's "
            "machines"
        )


def is_here(host: str) -> bool:
    """Return whether a name or an address is this machine's: whether one can listen at it."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as listener:
            listener.bind(place)
    except OSError:
        return False
    return True
