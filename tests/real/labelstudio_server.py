"""A Label Studio server on this machine, from its own environment `.label-studio` (`make setup-labelstudio`).

Its migrations take minutes, so a database that has them behind it is kept there and copied for each start. What the
tests do there as an annotator, and what they hold for the server's truth, goes over its HTTP API, without the SDK.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parents[2] / ".label-studio"
PROGRAM = FOLDER / "env" / "bin" / "label-studio"
MIGRATED = FOLDER / "migrated"
PATIENCE_S = 900
"""The first start, with all migrations, took four minutes on a busy machine."""
ADMIN = "admin@example.com"
PASSWORD = "only-for-tests-1"


@dataclass(frozen=True)
class LabelStudio:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    data: Path

    def sign_in(self, email: str) -> "Person":
        """Sign in as an account that exists, as its browser would, and make a personal access token."""
        with httpx.Client(base_url=self.url, timeout=120) as browser:
            browser.get("/user/login/").raise_for_status()
            said = browser.post("/user/login/", data=self._form(browser, email), headers={"Referer": self.url})
            return self._take_token(browser, said, email)

    def sign_up(self, admin: "Person", email: str) -> "Person":
        """Make an account by the administrator's invitation, and sign in."""
        invitation = admin.get("/api/invite")["invite_url"]
        with httpx.Client(base_url=self.url, timeout=120) as browser:
            browser.get(invitation).raise_for_status()
            form = self._form(browser, email) | {"allow_newsletters": "false"}
            said = browser.post(invitation, data=form, headers={"Referer": self.url})
            return self._take_token(browser, said, email)

    def _form(self, browser: httpx.Client, email: str) -> dict[str, str]:
        return {"email": email, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}

    def _take_token(self, browser: httpx.Client, said: httpx.Response, email: str) -> "Person":
        assert said.status_code == 302, f"{email} cannot sign in: {said.status_code} {said.text[:2000]}"
        headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": self.url}
        token = browser.post("/api/token/", headers=headers).raise_for_status().json()["token"]
        return Person(self.url, email, token)


class Person:
    """Somebody who works on the server through its API."""

    def __init__(self, url: str, email: str, token: str) -> None:
        """Keep a client of their own; what it is allowed is renewed when it has run out."""
        self.url, self.email, self.token = url, email, token
        self._client = httpx.Client(base_url=url, timeout=120)

    def call(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Ask the server, signed in."""
        said = self._client.request(method, path, **how)
        if said.status_code == 401:
            made = self._client.post("/api/token/refresh/", json={"refresh": self.token}).raise_for_status()
            self._client.headers["Authorization"] = f"Bearer {made.json()['access']}"
            said = self._client.request(method, path, **how)
        return said

    def get(self, path: str, **query: Any) -> Any:
        """Return what the server has there."""
        return self.call("GET", path, params=query).raise_for_status().json()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Change something there."""
        said = self.call(method, path, json=body)
        assert said.is_success, f"{method} {path}: {said.status_code} {said.text[:2000]}"
        return said.json() if said.content else None

    def annotate(self, task: int, result: Any, **more: Any) -> dict[str, Any]:
        """Submit an annotation, as the editor does."""
        made: dict[str, Any] = self.send(
            "POST", f"/api/tasks/{task}/annotations/", {"result": result, "lead_time": 4.5} | more
        )
        return made

    def export(self, project: int) -> list[dict[str, Any]]:
        """Return all tasks with all annotations, by the export that its screen offers: the server's truth."""
        found: list[dict[str, Any]] = self.get(
            f"/api/projects/{project}/export", exportType="JSON", download_all_tasks="true"
        )
        return found


@contextmanager
def serve(data: Path) -> Iterator[LabelStudio]:
    """Run a server on a copy of the migrated database, in `data`, for as long as the block runs."""
    if not (MIGRATED / "done").exists():
        shutil.rmtree(MIGRATED, ignore_errors=True)
        with _run(MIGRATED):
            pass
        (MIGRATED / "done").touch()
    shutil.copytree(MIGRATED, data)
    with _run(data) as server:
        yield server


@contextmanager
def _run(data: Path) -> Iterator[LabelStudio]:
    """Start a server in this folder; end it and its children by their own process group."""
    data.mkdir(parents=True, exist_ok=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    settings = {
        "BASE_DATA_DIR": str(data), "COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost", "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "USERNAME": ADMIN, "PASSWORD": PASSWORD, "ENABLE_LEGACY_API_TOKEN": "true",
    }  # fmt: skip
    environment = {
        name: value for name, value in os.environ.items() if re.fullmatch("PATH|HOME|LANG|LC_.*|TMPDIR", name)
    }
    environment |= {f"LABEL_STUDIO_{name}": value for name, value in settings.items()}
    environment |= {"SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
    command = [str(PROGRAM), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    log = data / "server.log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _await_health(child, url, log)
        yield LabelStudio(url, child, data)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _await_health(child: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if child.poll() is not None:
            raise AssertionError(f"Label Studio ended with {child.returncode}: {log.read_text()[-3000:]}")
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=10).json().get("status") == "UP":
                return
        time.sleep(0.5)
    raise AssertionError(f"Label Studio is not ready after {PATIENCE_S} s: {log.read_text()[-3000:]}")
