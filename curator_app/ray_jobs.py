"""Ray's Jobs API over HTTP, as it is documented: submit, look, stop, follow. Ray itself is not needed here.

The address is that of the cluster's dashboard, http://HEAD:8265. A cluster's token is found where Ray looks for it:
RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH, ~/.ray/auth_token.
"""

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from curator_app.errors import AppError

LOOK_S = 3.0
"""How long a question may take: pages wait for it."""
SUBMIT_S = 30.0
OVER = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


class RayRefused(AppError):
    """Ray does not do what it was asked for; the message says why and what to do."""


class RaySilent(RayRefused):
    """Nothing that is Ray answers at the address."""


class RayUnknown(RayRefused):
    """Ray knows no such job."""


@dataclass(frozen=True)
class RayJob:
    """A submitted job as Ray tells of it."""

    status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
    message: str

    @property
    def is_over(self) -> bool:
        """Whether its process is gone."""
        return self.status in OVER


class RayJobs:
    """The jobs of one cluster."""

    def __init__(self, address: str) -> None:
        """Take the address of the cluster's dashboard.

        Raises:
            RayRefused: it is none.
        """
        if not re.fullmatch(r"https?://[^\s/]+/?", address):
            raise RayRefused(
                f"Ray's address {address!r} cannot be used: give that of its dashboard, such as http://127.0.0.1:8265"
            )
        self.address = address.rstrip("/")

    def submit(self, *, job: str, entrypoint: str, environment: Mapping[str, str], cpus: float = 0) -> None:
        """Let the cluster run a shell command under the name `job`, which must be new.

        With `cpus` it waits for a machine that has so many free; with none it runs on the head.

        Raises:
            RayRefused: it does not take it.
        """
        body = {
            "entrypoint": entrypoint,
            "submission_id": job,
            "runtime_env": {"env_vars": dict(environment)},
            "entrypoint_num_cpus": cpus,
        }
        self._ask("POST", "/api/jobs/", body, patience_s=SUBMIT_S)

    def find(self, job: str) -> RayJob:
        """Return a job.

        Raises:
            RayRefused: there is none, or nobody answers.
        """
        told = self._ask("GET", f"/api/jobs/{quote(job, safe='')}")
        try:
            return RayJob(str(told["status"]), str(told.get("message") or ""))
        except (KeyError, TypeError, AttributeError) as exc:
            raise RaySilent(f"what answers at {self.address} is not Ray's Jobs API; {_REMEDY}") from exc

    def stop(self, job: str) -> None:
        """Let a job end: SIGTERM, and SIGKILL three seconds later.

        Raises:
            RayRefused: there is none, or nobody answers.
        """
        self._ask("POST", f"/api/jobs/{quote(job, safe='')}/stop")

    async def follow(self, job: str) -> AsyncIterator[str]:
        """Yield what a job has printed and prints, in pieces of whole lines, until it is over.

        Raises:
            RayRefused: the connection is lost.
        """
        import aiohttp

        url = f"{self.address}/api/jobs/{quote(job, safe='')}/logs/tail"
        try:
            async with aiohttp.ClientSession(headers=_write_headers()) as session, session.ws_connect(url) as socket:
                async for piece in socket:
                    if piece.type is aiohttp.WSMsgType.TEXT:
                        yield piece.data
                if socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
                    raise RaySilent(f"Ray at {self.address} has broken off the log of {job}")
        except aiohttp.ClientError as exc:
            raise RaySilent(f"the log of {job} cannot be followed at {self.address}: {exc}") from exc

    def _ask(self, method: str, path: str, body: Any = None, *, patience_s: float = LOOK_S) -> Any:
        request = urllib.request.Request(
            f"{self.address}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **_write_headers()},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=patience_s) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as exc:
            raise _read_refusal(self.address, path, exc) from exc
        except ValueError as exc:
            raise RaySilent(f"what answers at {self.address} is not Ray's Jobs API; {_REMEDY}") from exc
        except OSError as exc:
            reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
            raise RaySilent(f"Ray does not answer at {self.address} ({reason}); {_REMEDY}") from exc


_REMEDY = (
    "start a head with `ray start --head` where `ray[default]` is installed, and give the address of its dashboard, "
    "such as http://127.0.0.1:8265"
)


def _write_headers() -> dict[str, str]:
    token = os.environ.get("RAY_AUTH_TOKEN", "")
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    with suppress(OSError):
        token = token or file.read_text(encoding="utf-8").strip()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _read_refusal(address: str, path: str, exc: urllib.error.HTTPError) -> RayRefused:
    said = exc.read(20_000).decode("utf-8", "replace").strip()
    last = said.splitlines()[-1][:500] if said else exc.reason
    if exc.code in (401, 403):
        return RayRefused(f"Ray at {address} wants its token ({last}); set RAY_AUTH_TOKEN to that of the cluster")
    if exc.code == 404 and "does not exist" in said:
        return RayUnknown(f"Ray at {address} knows no such job; its head was perhaps started anew ({last})")
    if exc.code == 404:
        return RaySilent(f"what answers at {address} is not Ray's Jobs API (404 for {path}); {_REMEDY}")
    return RayRefused(f"Ray at {address} does not take it ({exc.code}): {last}")
