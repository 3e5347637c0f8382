"""A real web server as a child process that can be killed, and a plain HTTP caller that notices a lost server."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from factories import add_item_in_review

from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage import accounts

WITHOUT_PAGES = Path(__file__).parent / "serve_without_pages.py"
START_S = 90.0


class Lost(Exception):
    """The server went away before its whole answer had come."""


class Caller:
    """One client's connection to a server. Not for several threads."""

    def __init__(self, port: int, *, token: str = "", cookie: str = "", timeout_s: float = 60.0) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if cookie:
            self._headers |= {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
        self._connection: http.client.HTTPConnection | None = None
        self.waiting = False

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Return (status, JSON of the answer; empty when it is none).

        Raises:
            Lost: there is no server, or it went away.
        """
        status, _, raw = self.call_raw(method, path, None if body is None else json.dumps(body).encode())
        try:
            answer = json.loads(raw) if raw else {}
        except ValueError:
            answer = {"text": raw.decode(errors="replace")}
        return status, answer

    def call_raw(self, method: str, path: str, body: bytes | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Return (status, headers, bytes of the answer). Raises `Lost` as `call` does."""
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
            self.waiting = True
            self._connection.request(method, path, body=body, headers=headers)
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise Lost(str(exc)) from exc
        finally:
            self.waiting = False

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Server:
    """A web server in a process group of its own, always on the same port."""

    def __init__(self, home: Path, database_url: str, environment: dict[str, str]) -> None:
        self.port = find_free_port()
        self._environment = make_environment(home, database_url) | environment
        self._log = home.parent / f"server-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, pages: bool = False) -> None:
        """Start and return once it answers: the full `curator serve`, or the same server without pages."""
        command = [sys.executable, str(WITHOUT_PAGES), str(self.port)]
        if pages:
            command = [sys.executable, "-c", "from curator_app.cli import main; main()"]
            command += ["serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_S
        caller = Caller(self.port, timeout_s=START_S)
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended by itself:\n{self.read_log()}"
            with suppress(Lost):
                if caller.call("GET", "/healthz")[0] == 200:
                    caller.close()
                    return
            time.sleep(0.02)
        raise AssertionError(f"the server did not answer within {START_S} s:\n{self.read_log()}")

    def kill(self) -> None:
        """SIGKILL the whole process group; nothing happens when it does not run."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process = None

    def pause(self) -> None:
        """SIGSTOP the process group: it answers nothing until `resume`."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT the process group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def terminate(self, *, within_s: float) -> int:
        """SIGTERM, wait, and return the exit code; fails when the server takes longer."""
        assert self.process is not None
        self.process.terminate()
        return self.wait(within_s=within_s)

    def wait(self, *, within_s: float) -> int:
        """Wait for the end of a server that was told to stop, and return the exit code."""
        assert self.process is not None
        code = self.process.wait(timeout=within_s)
        self.process = None
        return code

    def read_log(self) -> str:
        """Return what all the runs of this server have printed."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def find_free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_environment(home: Path, database_url: str = "") -> dict[str, str]:
    """Return the environment of a child process that works on this workspace, and on no other."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CURATOR_")}
    return inherited | {"CURATOR_HOME": str(home), "CURATOR_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}


def open_settings(home: Path, database_url: str = "") -> Settings:
    """Return the settings that a child process with `make_environment` has."""
    return Settings(home=home, database_url=database_url)


def make_workspace(
    home: Path, database_url: str = "", *, people: Iterable[tuple[str, str]], items: int, overlap: int = 2
) -> tuple[Workspace, dict[str, str]]:
    """Make a workspace with items in review; return it and each person's token by name.

    Args:
        home: the folder, which is made.
        database_url: empty for SQLite in the folder.
        people: (name, role).
        items: how many items in review.
        overlap: how many people review each.
    """
    workspace = create_workspace(open_settings(home, database_url))
    tokens = {}
    with workspace.db.write() as session:
        for name, role in people:
            accounts.add_user(session=session, name=name, roles=[role], actor="tests")
            tokens[name] = accounts.make_token(session=session, name=name, label="tests", actor="tests")
        for _ in range(items):
            add_item_in_review(session, overlap=overlap)
        session.commit()
    return workspace, tokens
