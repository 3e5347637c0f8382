"""The files and batches of the fake server: kept in memory, worked off at once, ended after a few looks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[dict[str, Any]], tuple[int, Any]]
"""From the body of one call to its HTTP status and reply; status 0 leaves the call unanswered."""


@dataclass
class BatchBooks:
    """`answer` answers one line; `looks` is how often a batch is looked at before it has ended; `status` as what."""

    answer: Answer
    looks: int = 2
    status: str = "completed"
    lose_creation: bool = False
    """Make the next batch, but answer 500."""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    looked: int = 0

    def handle(self, method: str, path: str, head: bytes, body: bytes) -> tuple[str, bytes]:
        """Return the status line and body of the reply to one request."""
        match (method, *path.partition("?")[0].strip("/").split("/")[1:]):
            case ("POST", "files"):
                boundary = b"--" + head.split(b"boundary=")[1].split(b"\r\n")[0].strip(b'"')
                part = next(part for part in body.split(boundary) if b"filename=" in part)
                number = self.keep(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"))
                return "200 OK", json.dumps({"id": number, "object": "file"}).encode()
            case ("GET", "files", number, "content"):
                return "200 OK", self.files[number]
            case ("POST", "batches"):
                batch = self.make(json.loads(body))
                if self.lose_creation:
                    self.lose_creation = False
                    return "500 Internal Server Error", b"{}"
                return "200 OK", json.dumps(batch).encode()
            case ("GET", "batches"):
                listed = {"object": "list", "data": list(self.batches.values()), "has_more": False}
                return "200 OK", json.dumps(listed).encode()
            case ("GET", "batches", number):
                return "200 OK", json.dumps(self.look(self.batches[number])).encode()
        return "404 Not Found", b'{"error": {"message": "no such path"}}'

    def keep(self, content: bytes) -> str:
        number = f"file-{len(self.files)}"
        self.files[number] = content
        return number

    def make(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = f"batch-{len(self.batches)}"
        self.batches[number] = asked | {"id": number, "object": "batch", "status": "in_progress", "created_at": 1}
        return self.batches[number]

    def look(self, batch: dict[str, Any]) -> dict[str, Any]:
        self.looked += 1
        batch["looks"] = batch.get("looks", 0) + 1
        if batch["looks"] < self.looks or batch["status"] != "in_progress":
            return batch
        batch["status"] = self.status
        if self.status == "failed":
            batch["errors"] = {"data": [{"message": "line 1 is malformed"}], "object": "list"}
            return batch
        done, wrong = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            entry = json.loads(line)
            status, reply = self.answer(entry["body"])
            if status:
                response = {"status_code": status, "request_id": "r", "body": reply}
                target = done if status == 200 else wrong
                target.append(json.dumps({"custom_id": entry["custom_id"], "response": response, "error": None}))
        batch["output_file_id"] = self.keep("\n".join(reversed(done)).encode())
        batch["error_file_id"] = self.keep("\n".join(wrong).encode()) if wrong else None
        return batch
