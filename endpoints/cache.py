"""Replies on disk, by the identity of the call: a run that was killed does not pay twice."""

import dataclasses
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from endpoints.messages import ChatReply, ChatRequest, Usage
from storage.records import canonical_json, hash_json

FORMAT = 1


class DiskCache:
    """A folder with one small file per reply, named by `messages.request_sha256`.

    A file appears whole or not at all, and one that is damaged counts as absent, so any number of processes may
    share the folder and any of them may be killed. The request itself is not stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> ChatReply | None:
        """Return the reply kept under `key`, marked as cached, or None."""
        try:
            stored = json.loads(self._path(key).read_bytes())
            body = stored["reply"]
            if stored["format"] != FORMAT or stored["key"] != key or stored["sha256"] != hash_json(body):
                return None
            usage = body["usage"] and Usage(**body["usage"])
            return ChatReply(**body | {"usage": usage, "others": tuple(body["others"]), "cached": True})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):  # torn by a power cut, or edited
            return None

    def put(self, key: str, request: ChatRequest, reply: ChatReply) -> bool:
        """Keep `reply` if it is one worth keeping; return whether it was. Overwrites what is there."""
        if not is_keepable(request, reply):
            return False
        body: dict[str, Any] = dataclasses.asdict(reply)
        stored = {"format": FORMAT, "key": key, "sha256": hash_json(body), "reply": body}
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(canonical_json(stored).encode("utf-8"))
            Path(temporary).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
        return True

    def drop(self, key: str) -> None:
        """Forget the reply kept under `key`, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def is_keepable(request: ChatRequest, reply: ChatReply) -> bool:
    """Say whether a later run may be given this reply: finished, filled, and JSON where JSON was asked for."""
    texts = (reply.text, *reply.others)
    if reply.finish_reason != "stop" or not all(text.strip() for text in texts):
        return False
    return request.json_schema is None or all(_is_json(text) for text in texts)


def _is_json(text: str) -> bool:
    # The same leniency as in `structured`: one code fence around the whole.
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        text = "\n".join(lines[1:-1])
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
