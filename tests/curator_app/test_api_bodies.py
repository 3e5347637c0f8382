"""Hostile bodies for every route that takes one: never a 500, and nothing stored on a refusal."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, select

from curator_app.server import own_routes

HOSTILE_TEXTS = [
    "\x00",
    "a\x00b",
    "\ud800",
    "x\udfff",
    "\u202e",
    "e\u0301",
    "<script>alert(1)</script>",
    "'; --",
    "0" * 5000,
]
TEXTS = st.one_of(st.sampled_from(HOSTILE_TEXTS), st.text(max_size=40), st.text(st.characters(codec=None), max_size=10))
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([2**63, -(2**63) - 1, 10**400, 0, -1, 21]),
    st.floats(),
    st.sampled_from([float("nan"), float("inf"), 1e308]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
VALID = {
    "/api/v1/claims": {"kind": "scenario_review", "count": 1, "holder": "tab"},
    "/api/v1/claims/unskip": {"kind": "scenario_review"},
    "/api/v1/claims/{claim_id}/draft": {"verdict": "reject", "note": "x"},
    "/api/v1/claims/{claim_id}/flag": {"note": "x"},
    "/api/v1/audits": {
        "claim_id": "",
        "risk_appraisal": 1,
        "safety_of_consequences": 2,
        "effectiveness": 0,
        "warning_start": 3,
        "note": "",
        "seconds": 3.5,
        "idempotency_key": "key",
    },
    "/api/v1/failures": {
        "claim_id": "",
        "labels": [{"code": "buried_warning", "start": 0, "end": 4}, {"code": "lip_service"}],
        "no_failure": False,
        "broken_link": 1,
        "note": "",
        "seconds": 3.5,
        "idempotency_key": "key",
    },
    "/api/v1/leakage/{claim_id}/guess": {"text": "a fall", "sure": "guess", "seconds": 2.5},
    "/api/v1/leakage/{claim_id}/findings": {
        "gives_away": "yes",
        "words": [[0, 4]],
        "sufficient": "no",
        "unambiguous": "unsure",
        "box": {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4},
        "telling_text": True,
    },
    "/api/v1/leakage/adjudications": {
        "claim_id": "",
        "side": None,
        "marks": {"gives_away": "no", "words": [], "sufficient": "yes", "unambiguous": "yes"},
        "outcome": "rewrite_covert",
        "rewrite": "Which way?",
        "note": "B is right",
        "seconds": 3.5,
        "idempotency_key": "key",
    },
    "/api/v1/leakage/reviews": {
        "claim_id": "",
        "outcome": "rewrite_generic",
        "guess_named_it": "partly",
        "rewrite": "Which way?",
        "note": "",
        "seconds": 3.5,
        "idempotency_key": "key",
    },
    "/api/v1/reviews": {
        "claim_id": "",
        "verdict": "revise",
        "reasons": ["leakage"],
        "note": "",
        "answers": {"query_benignness": "yes"},
        "edits": {"query": "Which way?", "scene": None},
        "seconds": 3.5,
        "idempotency_key": "key",
    },
    "/api/v1/reviews/undo": {"review_id": 1, "holder": ""},
    "/api/v1/me/preferences": {"theme": "dark"},
}
FREE = ("/api/v1/claims/{claim_id}/draft", "/api/v1/me/preferences")
RELAXED = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read_everything(workspace):
    """Every row of every table but the sign-ins."""
    state = {}
    with workspace.db.read() as session:
        for table in SQLModel.metadata.sorted_tables:
            if table.name != "sign_ins":
                state[table.name] = [tuple(row) for row in session.execute(select(table))]
    return state


def test_every_route_with_a_body_is_covered():
    routes = {route.path for route in own_routes() if route.body_field is not None and route.path.startswith("/api")}
    assert routes == set(VALID)


def mutate(draw, path):
    """A valid body with one thing replaced, removed or added; or something else altogether."""
    body = dict(VALID[path])
    how = draw(st.sampled_from(["replace", "remove", "add", "other", "nested"]))
    key = draw(st.sampled_from(sorted(body)))
    if how == "replace":
        body[key] = draw(VALUES)
    elif how == "remove":
        del body[key]
    elif how == "add":
        body[draw(TEXTS)] = draw(VALUES)
    elif how == "nested" and isinstance(body[key], dict | list):
        body[key] = {draw(TEXTS): draw(VALUES)} if isinstance(body[key], dict) else [draw(VALUES), draw(VALUES)]
    else:
        return draw(VALUES)
    return body


@pytest.mark.parametrize("path", sorted(VALID))
def test_no_body_breaks_the_server_and_none_that_is_refused_leaves_a_trace(path, browser, workspace):
    ann = browser("ann")
    claim = ann.post("/api/v1/claims", json={"count": 1}).json()["claims"][0]["claim_id"]
    method = "PUT" if path in FREE else "POST"

    @given(data=st.data())
    @RELAXED
    def attack(data):
        body = mutate(data.draw, path)
        if isinstance(body, dict) and "claim_id" in body and data.draw(st.booleans()):
            body["claim_id"] = claim
        before = read_everything(workspace)
        reply = ann.request(
            method,
            path.format(claim_id=claim),
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status_code < 500, reply.text
        if reply.status_code >= 400:
            assert set(reply.json()["error"]) <= {"code", "message", "fields"}
            assert read_everything(workspace) == before

    attack()


@pytest.mark.parametrize("path", sorted(VALID))
def test_no_bytes_break_the_server(path, browser, workspace):
    ann = browser("ann")
    before = read_everything(workspace)
    deep = b"[" * 20_000
    for content in (
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        deep,
        b'{"a":' * 5_000,
        b"1" * 5_000,
        b'{"a": 1e999}',
        b'"\\ud800"',
    ):
        for kind in (
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
        ):
            reply = ann.request(
                "PUT" if path in FREE else "POST",
                path.format(claim_id="0" * 32),
                content=content,
                headers={"Content-Type": kind},
            )
            assert 400 <= reply.status_code < 500, (content[:20], kind, reply.text)
    assert read_everything(workspace) == before


@given(name=TEXTS, password=TEXTS, target=TEXTS)
@RELAXED
def test_no_form_breaks_the_sign_in_page(name, password, target, browser):
    form = {"name": name, "password": password, "next": target}
    encoded = {key: value.encode("utf-8", "surrogatepass") for key, value in form.items()}
    reply = browser(None).post("/sign-in", data=encoded)
    assert reply.status_code < 500, reply.text
    assert reply.status_code != 303
    assert "<script>" not in reply.text


@given(path=st.text(st.characters(codec=None, exclude_characters="/?#%"), max_size=30))
@RELAXED
def test_no_path_breaks_the_server(path, browser):
    ann = browser("ann")
    for prefix in ("/media/", "/link/", "/api/v1/guidelines/", "/api/v1/claims/", "/static/", "/"):
        quoted = "".join(f"%{byte:02X}" for byte in path.encode("utf-8", "surrogatepass"))
        assert ann.get(prefix + quoted).status_code < 500


def test_a_draft_and_preferences_have_a_size(browser):
    ann = browser("ann")
    claim = ann.post("/api/v1/claims", json={"count": 1}).json()["claims"][0]["claim_id"]
    reply = ann.put(f"/api/v1/claims/{claim}/draft", json={"note": "x" * 30_001})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert ann.put("/api/v1/me/preferences", json={"note": "x" * 10_001}).status_code == 413
    assert ann.put("/api/v1/me/preferences", json={"note": "x" * 300_000}).status_code == 413


def test_a_body_of_unknown_length_is_measured_too(browser):
    chunks = (b"x" * 50_000 for _ in range(10))
    reply = browser("ann").put("/api/v1/me/preferences", content=chunks, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")


def test_errors_name_the_field_and_do_not_repeat_the_value(browser):
    secret = "do-not-repeat-me"
    reply = browser("ann").post("/api/v1/claims", json={"count": 99, "kind": secret, "unknown": 1})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (422, "invalid")
    assert {field["field"] for field in error["fields"]} == {"count", "kind", "unknown"}
    assert secret not in reply.text
