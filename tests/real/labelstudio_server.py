"""People on a Label Studio server, through its HTTP API and without the SDK: annotators, and who reads its truth."""

from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from bench import label_studio


class Person:
    """Somebody with an account and a personal access token."""

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

    def invite(self, email: str) -> "Person":
        """Have somebody sign up by this administrator's invitation."""
        path = self.get("/api/invite")["invite_url"]
        return Person(self.url, email, label_studio.make_token(self.url, email=email, path=path))


class Stranger(BaseHTTPRequestHandler):
    """A server that is no Label Studio: a page for whatever is asked, or JSON of another shape."""

    body = b"<html>Welcome</html>"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Set-Cookie", "sessionid=of-the-stranger")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
