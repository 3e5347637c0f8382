"""What the cache keeps, what it never keeps, and what makes two calls the same."""

import dataclasses
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from endpoints.cache import FILE, DiskCache
from endpoints.errors import BadConfig
from endpoints.messages import ChatReply, ChatRequest, ImagePart, Message, Usage, request_sha256

REQUEST = ChatRequest((Message("user", ("q",)),), max_tokens=9, temperature=0.5, seed=1)
FOR_JSON = dataclasses.replace(REQUEST, json_schema={"type": "object"})
REPLY = ChatReply("a reply, caf\u00e9", usage=Usage(3, 4), model="m", latency_s=0.25, others=("b",))
KEY = request_sha256("near", REQUEST, model="m")


def test_a_reply_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "new" / "folder")
    assert cache.get(KEY) is None
    assert cache.put(KEY, REQUEST, REPLY)
    assert DiskCache(tmp_path / "new" / "folder").get(KEY) == dataclasses.replace(REPLY, cached=True)
    cache.drop(KEY)
    cache.drop(KEY)
    assert cache.get(KEY) is None


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (REQUEST, ChatReply("cut of", "length")),
        (REQUEST, ChatReply("no", "refusal")),
        (REQUEST, ChatReply("no", "content_filter")),
        (REQUEST, ChatReply("")),
        (REQUEST, ChatReply(" \n")),
        (REQUEST, ChatReply("fine", others=("fine", ""))),
        (FOR_JSON, ChatReply("not json")),
        (FOR_JSON, ChatReply('{"a": 1')),
        (FOR_JSON, ChatReply("[" * 100_000)),
        (FOR_JSON, ChatReply("{}", others=("{",))),
    ],
)
def test_broken_replies_are_never_kept(tmp_path: Path, request_: ChatRequest, reply: ChatReply) -> None:
    cache = DiskCache(tmp_path)
    assert not cache.put(KEY, request_, reply)
    assert cache.count() == 0


def test_json_replies_are_kept_also_in_a_fence(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    assert cache.put(KEY, FOR_JSON, ChatReply('{"a": 1}'))
    assert cache.put(KEY, FOR_JSON, ChatReply('```json\n{"a": 1}\n```'))


def test_a_damaged_row_counts_as_absent(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, REQUEST, REPLY)
    database = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    whole = database.execute("SELECT reply FROM replies").fetchone()[0]
    for damaged in ("", whole[:50], "null", whole.replace("a reply", "another"), "[" * 100_000):
        assert damaged != whole
        database.execute("UPDATE replies SET reply = ?", (damaged,))
        assert cache.get(KEY) is None
    database.execute("UPDATE replies SET reply = ?", (whole,))
    assert cache.get(KEY) is not None
    database.execute("UPDATE replies SET key = 'another'")
    assert cache.get("another") is None


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to look like a file" * 100)
    with pytest.raises(BadConfig, match=r"replies\.sqlite cannot be used as a cache of replies .* move it away"):
        DiskCache(tmp_path)


def test_every_part_of_a_call_makes_its_identity() -> None:
    picture = ImagePart(b"1", "image/png")
    variants = [
        REQUEST,
        dataclasses.replace(REQUEST, messages=(Message("system", ("q",)),)),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q2",)),)),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q", "")),)),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q",)), Message("user", ("q",)))),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q", picture)),)),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q", ImagePart(b"2", "image/png"))),)),
        dataclasses.replace(REQUEST, messages=(Message("user", ("q", ImagePart(b"1", "image/jpeg"))),)),
        dataclasses.replace(REQUEST, max_tokens=10),
        dataclasses.replace(REQUEST, temperature=None),
        dataclasses.replace(REQUEST, seed=None),
        dataclasses.replace(REQUEST, n=2),
        FOR_JSON,
    ]
    keys = [request_sha256("near", variant, model="m") for variant in variants]
    keys += [request_sha256("far", REQUEST, model="m"), request_sha256("near", REQUEST, model="m2")]
    assert len(set(keys)) == len(keys)
    assert keys[0] == request_sha256("near", dataclasses.replace(REQUEST), model="m")


def test_two_processes_may_write_one_folder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from endpoints.cache import DiskCache\n"
        "from endpoints.messages import ChatReply, ChatRequest, Message\n"
        "cache, request = DiskCache(Path(sys.argv[1])), ChatRequest((Message('user', ('q',)),))\n"
        "for n in range(300):\n"
        "    key = f'{n % 10:064x}'\n"
        "    cache.put(key, request, ChatReply('x' * 5000))\n"
        "    assert cache.get(key).text == 'x' * 5000\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    children = [subprocess.Popen(command) for _ in range(2)]
    assert [child.wait(timeout=60) for child in children] == [0, 0]
    assert DiskCache(tmp_path).count() == 10


def test_many_may_open_a_new_folder_at_the_same_moment(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def open_together(folder: Path) -> int:
        together.wait()
        return DiskCache(folder).count()

    with ThreadPoolExecutor(4) as threads:
        for number in range(25):
            opened = [threads.submit(open_together, tmp_path / str(number)) for _ in range(4)]
            assert [future.result() for future in opened] == [0, 0, 0, 0]
