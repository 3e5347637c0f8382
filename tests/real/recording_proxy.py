"""An HTTP proxy that passes every call on to a server and remembers what was asked and what came back."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx


@dataclass(frozen=True)
class Exchange:
    """One call: what was asked, and the reply's status and text."""

    asked: dict[str, Any]
    status: int
    text: str

    @property
    def repairs(self) -> bool:
        """Whether the model was shown a reply of its own that could not be read."""
        return len(self.asked["messages"]) > 2 and self.asked["messages"][-2]["role"] == "assistant"


@dataclass
class RecordingProxy:
    """`with RecordingProxy(address) as proxy:` listens at `proxy.url`; `proxy.exchanges` holds what was answered."""

    target: str
    exchanges: list[Exchange] = field(default_factory=list)
    arrived: int = 0
    """Calls that came in, answered or not."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=900, limits=httpx.Limits(max_connections=64))
        self._server = _QuietServer(("127.0.0.1", 0), _make_handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)
        self._client.close()

    def forward(self, path: str, body: bytes) -> httpx.Response:
        """Pass a call on, and remember it."""
        with self._lock:
            self.arrived += 1
        answer = self._client.post(
            self.target + path.removeprefix("/v1"), content=body, headers={"Content-Type": "application/json"}
        )
        text = answer.json()["choices"][0]["message"]["content"] or "" if answer.status_code == 200 else answer.text
        with self._lock:
            self.exchanges.append(Exchange(json.loads(body), answer.status_code, text))
        return answer

    def settle(self, patience_s: float = 300.0) -> None:
        """Wait until every call that came in is answered, also those of a client that was killed."""
        deadline = time.monotonic() + patience_s
        while len(self.exchanges) < self.arrived:
            assert time.monotonic() < deadline, f"{self.arrived - len(self.exchanges)} calls have no answer"
            time.sleep(0.1)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing when a killed client is not there any more to take its reply."""


def _make_handler(proxy: RecordingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = proxy.forward(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
