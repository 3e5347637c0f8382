"""Running the web server in this process until it is told to stop."""

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from curator_app.errors import PortTaken

GOODBYE_S = 3
"""Seconds that open requests get to finish when the server stops."""
END_S = 3
"""Seconds after that until the process ends, whatever still hangs in it."""


def open_port(*, host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is known before anything slow begins.

    Raises:
        PortTaken: another program listens there, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} on {host} is taken, perhaps by another `curator serve`; "
                f"stop that one or choose another port: --port {port + 1}"
            ) from exc
        raise PortTaken(
            f"cannot listen on {host} port {port}: {exc.strerror}; choose another --host or --port"
        ) from exc
    listener.set_inheritable(True)
    return listener


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._announce()


def run_server(app: FastAPI, *, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called once requests are answered.

    There is no access log: one-time links are secrets in addresses, and nobody reads it.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=GOODBYE_S,
    )
    # uvicorn stops on these by itself and then raises them once more; the second time they mean nothing.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        _AnnouncingServer(config, announce).run(sockets=[listener])
    finally:
        listener.close()
        _end_soon()


def _end_soon() -> None:
    """Let nothing hold the process up: Python waits for its threads at the end, and a request may hang in one.

    What such a request had begun in the database is rolled back when its connection ends.
    """
    timer = threading.Timer(END_S, os._exit, args=(0,))
    timer.daemon = True
    timer.start()
