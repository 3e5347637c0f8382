"""`curator` with a count of its moments: requests sent, bodies sent, replies read, commits begun and done.

`python labelstudio_killed.py MOMENT WORDS…` runs `curator WORDS…` and sends itself SIGKILL at that moment; 0 counts
only, and tells the count at the end. With `lost` for the moment, the reply to the first import is lost on its way: the
server did what was asked, and what arrives is an error 500.
"""

import os
import signal
import sys
from typing import Any

import httpx
from sqlmodel import Session

from curator_app.cli import main

TRACED = (
    "http11.send_request_headers.started",
    "http11.send_request_body.complete",
    "http11.receive_response_body.complete",
)


def tell(line: str) -> None:
    """Say it at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def watch(fatal: int) -> list[str]:
    """Count moments from now on; die at the fatal one."""
    moments: list[str] = []

    def note(name: str) -> None:
        moments.append(name)
        if len(moments) == fatal:
            tell(f"killed at {name}")
            os.kill(os.getpid(), signal.SIGKILL)

    def trace(name: str, _: Any) -> None:
        if name in TRACED:
            note(name)

    send, commit = httpx.Client.send, Session.commit

    def send_traced(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        request.extensions = {**request.extensions, "trace": trace}
        return send(self, request, **how)

    def commit_noted(self: Session) -> None:
        note("commit.started")
        commit(self)
        note("commit.complete")

    httpx.Client.send = send_traced  # type: ignore[method-assign]
    Session.commit = commit_noted  # type: ignore[method-assign]
    return moments


def lose_first_reply() -> None:
    """Let the first import end in an error, though it happened."""
    send = httpx.Client.send
    lost: list[str] = []

    def send_and_lose(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        said = send(self, request, **how)
        if request.method == "POST" and request.url.path.endswith("/import") and not lost:
            lost.append(said.read().decode())
            return httpx.Response(500, json={"detail": "the server was ended"}, request=request)
        return said

    httpx.Client.send = send_and_lose  # type: ignore[method-assign]


if __name__ == "__main__":
    if sys.argv[1] == "lost":
        lose_first_reply()
    moments = watch(0 if sys.argv[1] == "lost" else int(sys.argv[1]))
    sys.argv = ["curator", *sys.argv[2:]]
    try:
        main()
    finally:
        tell(f"moments {len(moments)}")
