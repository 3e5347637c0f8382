"""A run that is killed at random moments and resumed: no reply is paid for twice, and it ends like an unbroken one."""

import base64
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))

import faulty_server
import run_pipeline
from faulty_server import Fault, FaultyServer, seeded_plan
from run_pipeline import content, make_config, run_once
from scripted_models import answer_body

from endpoints.cache import DiskCache
from endpoints.messages import ChatRequest, ImagePart, Message, request_sha256
from storage.texts import hash_json

PLAN = seeded_plan(3, share=0.15, kinds=[Fault.SERVER_ERROR, Fault.RATE_LIMITED_SECONDS, Fault.RESET, Fault.NOT_JSON])

CONFIG = make_config(grounding={"pictures": "synthetic", "licence": "CC0-1.0", "duplicate_bits": 26})
"""So loose that pictures of shapes often count as one, and the choice of a picture hangs on those before it."""

MEANT_TO_BE_KEPT = 12
"""Replies in the cache at the last kill, at least: how many there are hangs on how fast the machine happens to be."""


def read_part(part: dict[str, Any]) -> str | ImagePart:
    if part["type"] == "text":
        return str(part["text"])
    head, _, data = part["image_url"]["url"].partition(";base64,")
    return ImagePart(base64.b64decode(data), head.removeprefix("data:"))


def cache_key(body: dict[str, Any]) -> str:
    """The key under which the run's cache keeps the reply to a request that the server was sent."""

    def parts(content: Any) -> tuple[str | ImagePart, ...]:
        return (content,) if isinstance(content, str) else tuple(read_part(part) for part in content)

    request = ChatRequest(
        messages=tuple(Message(turn["role"], parts(turn["content"])) for turn in body["messages"]),
        max_tokens=body["max_tokens"],
        temperature=body.get("temperature"),
        seed=body.get("seed"),
        json_schema=body["response_format"]["json_schema"]["schema"],
    )
    return request_sha256("near", request, model="m")


def find_received(home: Path, keys: set[str]) -> set[str]:
    cache = DiskCache(home / "runs/trial/cache")
    found = {key for key in keys if cache.get(key) is not None}
    cache.close()
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.faults)])
@pytest.mark.timeout(300)
def test_a_killed_run_repeats_no_call_and_ends_like_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    monkeypatch.setattr(faulty_server, "key_of", lambda body: hash_json(body))
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.mkdir()
    whole.mkdir()
    rng = random.Random(kills)
    with FaultyServer(plan=PLAN, latency_s=0.02, answer=answer_body) as server:
        run_once(whole, url=server.url, config=CONFIG)
        calls = server.replies.total()
    asked: set[str] = set()
    with FaultyServer(plan=PLAN, latency_s=0.02, answer=answer_body) as server:
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG.model_dump(mode="json")), encoding="utf-8")
        command = [sys.executable, run_pipeline.__file__, str(broken), server.url, str(tmp_path / "config.yaml")]
        for _ in range(kills):
            least = 1 + calls // (4 * kills)
            seen = len(server.bodies)
            target = server.replies.total() + rng.randint(least, max(least + 1, calls // kills - 16))
            received = find_received(broken, asked) if asked else set()
            child = subprocess.Popen(command)
            while child.poll() is None and server.replies.total() < target:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.1))
            assert child.poll() is None, "the run ended before it was killed"
            child.send_signal(signal.SIGKILL)
            child.wait()
            now = {cache_key(body) for body in server.bodies[seen:]}
            assert not now & received, "a call was repeated whose reply had been received"
            asked |= now
        seen, received = len(server.bodies), find_received(broken, asked)
        subprocess.run(command, check=True)
        assert not {cache_key(body) for body in server.bodies[seen:]} & received
        assert len(received) >= MEANT_TO_BE_KEPT, "the kills came too early to show anything"
        assert server.replies.total() <= calls + kills * 16  # beyond the unbroken run: only what was under way
        asks = len(server.bodies)
        subprocess.run(command, check=True)
        assert len(server.bodies) == asks  # finished: nothing is asked
    assert content(broken) == content(whole)
    near = [
        line for line in (whole / "runs/trial/events.jsonl").read_text().splitlines() if '"duplicate_picture"' in line
    ]
    assert near, "no picture was near another: the test shows less than it should"
    assert (broken / "runs/trial/report.html").exists()
