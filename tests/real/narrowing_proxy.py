"""A proxy before a judge with random weights: it does for the model what only a model that reads can do.

Such a model cannot copy the name of its call out of the instructions, nor end a rationale. The schema of the reply is
narrowed so that it must; the three scores stay the model's own.
"""

import json
import re
from typing import Any

import httpx
from recording_proxy import RecordingProxy

RATIONALE = "[a-z]{3,9}( [a-z]{2,9}){2,6}"


def narrow(body: dict[str, Any]) -> dict[str, Any]:
    """Return a judge's call whose schema allows only its own name and a short rationale."""
    named = re.search(r"`call` is `([0-9a-f]{8})`", body["messages"][0]["content"])
    assert named is not None, "no call of a judge"
    fields = body["response_format"]["json_schema"]["schema"]["properties"]
    fields["call"] = {"type": "string", "enum": [named[1]]}
    fields["rationale"] = {"type": "string", "pattern": f"^{RATIONALE}$"}
    return body


class NarrowingProxy(RecordingProxy):
    """`with NarrowingProxy(address) as proxy:` as `RecordingProxy`, for judges."""

    def forward(self, path: str, body: bytes) -> httpx.Response:
        """Pass a narrowed call on, and remember it."""
        return super().forward(path, json.dumps(narrow(json.loads(body))).encode("utf-8"))
