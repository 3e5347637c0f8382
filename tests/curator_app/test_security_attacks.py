"""Attacks by somebody signed in that once worked, and must not again."""

import json
import os

import pytest
from fastapi.testclient import TestClient

from curator_app.security import is_plain
from curator_app.server import build_server
from curator_app.sessions import COOKIE

EVENTS = ("/gradio_api/run/people_link", "/gradio_api/run/predict", "/gradio_api/queue/join")


def name_file(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


# Files named in the inputs of the pages' events


def test_an_event_reads_no_file_of_the_server(workspace, start_session):
    secret = workspace.settings.home / "secret.txt"
    secret.write_text("not for annotators")
    pipe = workspace.settings.home / "pipe"
    os.mkfifo(pipe)  # reading it would never end
    inputs = [
        [name_file(secret)],
        [name_file(pipe)],
        [name_file(workspace.settings.home / "curator.db")],
        [["ann", [name_file(secret)]]],
        [{"inside": name_file(secret)}],
        [name_file("http://127.0.0.1:9/")],
    ]
    with TestClient(build_server(workspace), headers={"Sec-Fetch-Site": "same-origin"}) as site:
        site.cookies.set(COOKIE, start_session("ann"))
        for path in EVENTS:
            for data in inputs:
                event = {"data": data, "fn_index": 7, "session_hash": "mine"}
                assert site.post(path, json=event).status_code == 422
                utf_16 = json.dumps(event).encode("utf-16")
                assert site.post(path, content=utf_16, headers={"Content-Type": "application/json"}).status_code == 422
        plain = site.post(EVENTS[0], json={"data": ["ben"]})
    assert "this needs the role admin" in plain.text.lower(), "an event with plain inputs has to reach its handler"
    copies = [path for path in workspace.settings.home.rglob("*") if path.name == secret.name and path != secret]
    assert copies == []


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b'{"data": []}', True),
        (b'{"data": null, "session_hash": "x"}', True),
        (b'{"data": ["a", 1, null, ["annotator", "admin"]], "event_data": null}', True),
        (b'{"event_id": "x"}', True),
        (b'{"data": [], "data": [{"path": "/x"}]}', False),
        (b'{"data": [[[{}]]]}', False),
        (b'{"data": {"0": 1}}', False),
        (b'{"data": "text"}', False),
        (b"[]", False),
        (b"", False),
        (b"data=1", False),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", False),
    ],
)
def test_only_texts_numbers_and_lists_are_plain(body, plain):
    assert is_plain(body) is plain
