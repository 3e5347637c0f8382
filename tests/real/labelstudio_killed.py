"""`curator` with a count of its moments: requests sent, bodies sent, replies read, commits begun and done.

`python labelstudio_killed.py MOMENT WORDS…` runs `curator WORDS…` and sends itself SIGKILL at that moment; 0 counts
only, and tells the count at the end.
"""

import os
import signal
import sys
from typing import Any

import httpx
from sqlmodel import Session

from bench.label_studio import add_sdk
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


if __name__ == "__main__":
    add_sdk()
    moments = watch(int(sys.argv[1]))
    sys.argv = ["curator", *sys.argv[2:]]
    try:
        main()
    finally:
        tell(f"moments {len(moments)}")
