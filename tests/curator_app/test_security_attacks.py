"""Attacks by somebody signed in that once worked, and must not again."""

import json
import os

import pytest
from fastapi.testclient import TestClient

from curator_app.actions.people import PeopleDesk
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


# Learning what others said before, or instead of, answering alone


def claim_one(client, kind="scenario_review"):
    (claim,) = client.post("/api/v1/claims", json={"kind": kind, "count": 1}).json()["claims"]
    return claim


def submit(client, claim, verdict, key):
    reasons = [] if verdict == "approve" else ["leakage"]
    body = {"claim_id": claim["claim_id"], "verdict": verdict, "reasons": reasons, "note": "why", "seconds": 3}
    return client.post("/api/v1/reviews", json=body | {"idempotency_key": key})


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_progress_does_not_tell_whether_the_reviewers_agreed(verdict, browser, monkeypatch):
    monkeypatch.setattr("curator_app.actions.progress.TOTALS_LIFE_S", 0)
    ann, ben = browser("ann"), browser("ben")
    submit(ben, claim_one(ben), "approve", "b")
    assert submit(ann, claim_one(ann), verdict, "a").status_code == 200
    assert ann.get("/api/v1/progress").json()["total"] == {
        "submitted": 2,
        "needed": 12,
        "items_decided": 1,
        "items": 6,
    }
    assert ann.get("/api/v1/progress?kind=adjudication").status_code == 403
    assert browser("ada").get("/api/v1/progress?kind=adjudication").status_code == 200


def test_who_is_no_adjudicator_any_more_neither_settles_nor_reads_a_difference(workspace, browser):
    ann, ben, ada = browser("ann"), browser("ben"), browser("ada")
    people = PeopleDesk(workspace, actor="test")
    keys = iter("abcdefgh")
    for _ in range(2):
        submit(ann, claim_one(ann), "approve", next(keys))
        submit(ben, claim_one(ben), "reject", next(keys))
    assert submit(ada, claim_one(ada, "adjudication"), "approve", "settled").status_code == 200
    held = claim_one(ada, "adjudication")
    people.set_roles(name="ada", roles=["annotator"])
    ada = browser("ada")
    assert submit(ada, held, "reject", "late").status_code == 403
    undone = ada.post("/api/v1/reviews/undo", json={})
    assert undone.status_code == 403
    assert "others" not in undone.text
    people.set_roles(name="ada", roles=["adjudicator"])
    assert submit(browser("ada"), held, "reject", "late").status_code == 200
