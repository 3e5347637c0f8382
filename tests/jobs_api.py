"""A small real HTTP server with the paths and answers of Ray's Jobs API, for what a real head does not do on demand."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class JobsApi:
    """In a test: `with JobsApi() as ray:`; `ray.jobs` are what was submitted, `ray.asked` every request."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.refusal: tuple[int, str] | None = None
        self.delay_s = 0.0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.answer(self, {})

            def do_POST(self) -> None:
                api.answer(self, json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, to: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.asked.append(f"{to.command} {to.path}")
        self.tokens.append(to.headers.get("Authorization"))
        time.sleep(self.delay_s)
        status, told = self.refusal or self._act(to.path, body)
        text = told if isinstance(told, str) else json.dumps(told)
        to.send_response(status)
        to.end_headers()
        to.wfile.write(text.encode())

    def _act(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/api/jobs/":
            self.jobs[body["submission_id"]] = body | {"status": "PENDING", "message": "Job has not started yet."}
            return 200, {"job_id": body["submission_id"], "submission_id": body["submission_id"]}
        name = path.removeprefix("/api/jobs/").removesuffix("/stop")
        if name not in self.jobs:
            return 404, f"Job {name} does not exist"
        if path.endswith("/stop"):
            self.jobs[name]["status"] = "STOPPED"
            return 200, {"stopped": True}
        return 200, self.jobs[name]
