"""Who gets in where: every route and every Gradio handler, for every kind of person and for strangers."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from curator_app import server
from curator_app.access import PAGE_ROLES
from curator_app.actions.people import PeopleDesk
from curator_app.server import build_server, own_routes, policy_of
from curator_app.sessions import CACHE_LIFE_S, COOKIE
from storage import accounts
from storage.tables import SignInRow

EVERYBODY = frozenset({"root", "mia", "tom", "ada", "ann", "nobody"})
REVIEWERS = frozenset({"root", "ada", "ann"})
CHECKERS = frozenset({"root", "ann"})
MAINTAINERS = frozenset({"root", "mia"})
TRAINERS = MAINTAINERS | {"tom"}
SETTLERS = frozenset({"root", "ada"})
STUDY_PEOPLE = REVIEWERS | MAINTAINERS
# What each route is meant to admit, written down a second time: a new route has to be added here on purpose.
ADMITS = {
    "GET /api/v1/guidelines/{kind}": REVIEWERS,
    "GET /api/v1/me": EVERYBODY,
    "GET /api/v1/progress": EVERYBODY,
    "GET /account": EVERYBODY,
    "GET /api/v1/failure-studies": MAINTAINERS,
    "GET /api/v1/failure-studies/{name}": MAINTAINERS,
    "GET /api/v1/failure-studies/{name}/report": MAINTAINERS,
    "GET /failures/map": MAINTAINERS,
    "GET /failures/map/{name}": MAINTAINERS,
    "GET /favicon.ico": None,
    "GET /healthz": None,
    "GET /items/reply/{name}/{sha256}": MAINTAINERS | {"ada"},
    "GET /link/{secret}": None,
    "GET /media/{sha256}": EVERYBODY,
    "GET /readyz": None,
    "GET /releases/download/{version}": TRAINERS,
    "GET /runs/config/{name}": MAINTAINERS,
    "GET /runs/report/{name}": MAINTAINERS,
    "GET /sign-in": None,
    "GET /signed-pictures/{sha256}": None,
    "POST /account/password": EVERYBODY,
    "GET /judge-runs/leaderboard": MAINTAINERS,
    "GET /judge-runs/report": MAINTAINERS,
    "GET /training/data/{name}": TRAINERS,
    "GET /training/judged/{name}": TRAINERS,
    "GET /training/report/{name}": TRAINERS,
    "GET /api/v1/studies": STUDY_PEOPLE,
    "GET /api/v1/studies/{name}": STUDY_PEOPLE,
    "GET /api/v1/studies/{name}/agreement": MAINTAINERS,
    "GET /api/v1/studies/{name}/report": STUDY_PEOPLE,
    "POST /api/v1/audits": REVIEWERS,
    "POST /api/v1/failures": REVIEWERS,
    "POST /api/v1/claims": REVIEWERS,
    "POST /api/v1/claims/unskip": REVIEWERS,
    "POST /api/v1/claims/{claim_id}/flag": REVIEWERS,
    "POST /api/v1/claims/{claim_id}/release": REVIEWERS,
    "POST /api/v1/claims/{claim_id}/renew": REVIEWERS,
    "POST /api/v1/claims/{claim_id}/skip": REVIEWERS,
    "GET /api/v1/leakage/rates": MAINTAINERS,
    "POST /api/v1/leakage/adjudications": SETTLERS,
    "POST /api/v1/leakage/reviews": CHECKERS,
    "POST /api/v1/leakage/{claim_id}/findings": CHECKERS,
    "POST /api/v1/leakage/{claim_id}/guess": CHECKERS,
    "POST /api/v1/reviews/{review_id}/suggestions": CHECKERS,
    "POST /api/v1/reviews": REVIEWERS,
    "POST /api/v1/reviews/undo": REVIEWERS,
    "POST /link/{secret}": None,
    "POST /sign-in": None,
    "POST /sign-out": EVERYBODY,
    "PUT /api/v1/claims/{claim_id}/draft": REVIEWERS,
    "PUT /api/v1/me/preferences": EVERYBODY,
}
# Gradio handlers by the start of their api_name.
HANDLERS = {
    "people_": frozenset({"root"}),
    "adjudicate_": SETTLERS,
    "releases_show": TRAINERS,
    "releases_freeze": MAINTAINERS,
    "constitutions_show": TRAINERS,
    "constitutions_": MAINTAINERS,
    "wind_tunnel_": TRAINERS,
    "runs_": MAINTAINERS,
    "judge_": MAINTAINERS,
    "training_": TRAINERS,
    "studies_": STUDY_PEOPLE,
    "label_studio_": MAINTAINERS,
    "items_": MAINTAINERS | {"ada"},
    "progress_": EVERYBODY,
}
FILL = {
    "kind": "scenario_review", "secret": "x" * 43, "sha256": "0" * 64, "version": "v1.0", "claim_id": "0" * 32,
    "name": "trial", "review_id": 1,
}  # fmt: skip


def call(client, key, *, name="", **more):
    method, path = key.split(" ")
    json = {} if method in ("POST", "PUT") and path.startswith("/api") else None
    if name == "ada" and path in ("/api/v1/claims", "/api/v1/claims/unskip"):
        json = {"kind": "adjudication"}
    return client.request(method, path.format(**FILL), json=json, **more)


def test_the_table_names_every_route():
    routes = {f"{method} {route.path}" for route in own_routes() for method in route.methods}
    assert routes == set(ADMITS)


def test_nothing_else_is_served_by_the_app(app):
    """Whatever hangs on the app itself is one of the routers, the OpenAPI document or the static files."""
    known = {id(router) for router in server.ROUTERS}
    others = []
    for route in app.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            assert id(included) in known
        elif not (isinstance(route, APIRoute) and f"{sorted(route.methods)[0]} {route.path}" in ADMITS):
            others.append(route.path)
    assert sorted(others) == ["/api/v1/openapi.json", "/static"]


def test_a_route_without_a_policy_keeps_the_server_from_starting(workspace, monkeypatch):
    bare = APIRouter()
    bare.add_api_route("/api/v1/forgotten", lambda: None)
    monkeypatch.setattr(server, "ROUTERS", (*server.ROUTERS, bare))
    with pytest.raises(RuntimeError, match="/api/v1/forgotten"):
        build_server(workspace, pages=False)


@pytest.mark.parametrize("key", sorted(ADMITS))
def test_a_route_admits_whom_it_should_and_nobody_else(key, browser):
    for name in sorted(EVERYBODY):
        status = call(browser(name), key, name=name).status_code
        if ADMITS[key] is None:
            continue
        if name in ADMITS[key]:
            assert status not in (401, 403), (name, status)
        else:
            assert status == 403, (name, status)


@pytest.mark.parametrize("path", ["/api/v1/claims", "/api/v1/claims/unskip"])
def test_each_kind_of_task_has_its_role(path, browser):
    for name, kinds in {
        "ann": {"scenario_review"},
        "ada": {"adjudication"},
        "root": {"scenario_review", "adjudication"},
        "mia": set(),
    }.items():
        for kind in ("scenario_review", "adjudication"):
            status = browser(name).post(path, json={"kind": kind}).status_code
            assert status == (200 if kind in kinds else 403), (name, kind, status)


@pytest.mark.parametrize("key", sorted(key for key, names in ADMITS.items() if names is not None))
def test_a_stranger_gets_nothing_and_is_told_how_to_sign_in(key, browser):
    reply = call(browser(None), key)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "unauthenticated"
    assert reply.headers["www-authenticate"] == "Bearer"
    if key.startswith("GET"):
        page = call(browser(None), key, headers={"Accept": "text/html"})
        assert page.status_code == (401 if key.split(" ")[1].startswith(("/api/", "/media/")) else 303)


@pytest.mark.parametrize("name", sorted(EVERYBODY))
def test_the_policy_and_the_table_agree(name):
    for route in own_routes():
        policy = policy_of(route)
        admits = ADMITS[f"{next(iter(route.methods))} {route.path}"]
        assert policy.public == (admits is None)


def test_a_role_taken_away_acts_within_seconds(app, workspace, browser):
    ann = browser("ann")
    assert ann.post("/api/v1/claims", json={}).status_code == 200
    PeopleDesk(workspace, actor="test", forget=app.state.desk.forget).set_roles(name="ann", roles=[])
    assert ann.post("/api/v1/claims", json={}).status_code == 403


def test_a_change_by_another_process_acts_when_the_memory_lapses(workspace, start_session):
    now = [0.0]
    desk = server.SignInDesk(workspace.db, clock=lambda: now[0])
    credential = server_credential(start_session("ann"))
    assert desk.find(credential).name == "ann"
    PeopleDesk(workspace, actor="other process").set_disabled(name="ann", disabled=True)
    assert desk.find(credential) is not None
    now[0] += CACHE_LIFE_S
    assert CACHE_LIFE_S <= 5
    assert desk.find(credential) is None


def server_credential(secret, kind="session"):
    from curator_app.sessions import Credential

    return Credential(secret, kind)


def test_an_expired_session_is_refused(app, workspace, browser, start_session):
    client = browser(None)
    secret = start_session("ann")
    client.cookies.set(COOKIE, secret)
    assert client.get("/api/v1/me").status_code == 200
    with workspace.db.write() as session:
        for row in session.exec(accounts.select(SignInRow).where(SignInRow.kind == "session")):
            row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
            session.add(row)
        session.commit()
    app.state.desk.forget()
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "secret", ["", "x" * 43, "../../etc/passwd", "x" * 5000, "a b", "\u00e9" * 10, "' OR 1=1 --", "null"]
)
def test_a_forged_session_or_token_is_refused(secret, browser):
    client = browser(None)
    for headers in (
        {"Cookie": f"{COOKIE}={secret}".encode("latin-1")},
        {"Authorization": f"Bearer {secret}".encode("latin-1")},
        {"Authorization": f"Basic {secret}".encode("latin-1")},
    ):
        assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_session_is_no_token_and_a_token_no_session(browser, start_session, token):
    client = browser(None)
    secret = token("ann")["Authorization"].split()[1]
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {start_session('ann')}"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={secret}"}).status_code == 401


def test_a_bad_token_is_not_covered_by_a_good_cookie(browser):
    assert browser("root").get("/api/v1/me", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_revoked_token_is_refused(app, workspace, browser, token):
    headers = token("ann")
    client = browser(None)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    PeopleDesk(workspace, actor="test", forget=app.state.desk.forget).revoke_token(name="ann", label="test")
    assert client.get("/api/v1/me", headers=headers).status_code == 401


# Gradio


@pytest.fixture
def site(workspace):
    """The whole server, Gradio's pages included."""
    app = build_server(workspace)
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


def as_person(site, secret):
    site.cookies.clear()
    site.headers["Sec-Fetch-Site"] = "same-origin"
    if secret is not None:
        site.cookies.set(COOKIE, secret)
    return site


def gradio_routes(site):
    """Every (method, path) of the mounted Gradio app, with its parameters filled in."""
    mounted = next(route.app for route in site.app.routes if getattr(route, "path", None) == "")

    def walk(routes):
        for route in routes:
            if hasattr(route, "path"):
                path = re.sub(r"\{[^}]*\}", "x", route.path)
                yield from ((method, path) for method in (route.methods or ()))
            else:
                yield from walk(route.effective_route_contexts())

    return sorted(set(walk(mounted.routes)))


def test_no_route_of_gradio_answers_a_stranger(site):
    client = as_person(site, None)
    routes = gradio_routes(client)
    assert len(routes) > 40
    for method, path in routes:
        reply = client.request(method, path)
        public = path in ("/favicon.ico",) or path.startswith("/static/")
        assert reply.status_code in ((200, 404) if public else (401,)), (method, path, reply.status_code)


def test_what_no_page_needs_of_gradio_is_not_there_even_for_an_admin(site, start_session):
    client = as_person(site, start_session("root"))
    for method, path in (
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/component_server"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1/"),
        ("GET", "/gradio_api/token"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/monitoring"),
        ("POST", "/gradio_api/call/people_add"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/login"),
        ("GET", "/logout"),
    ):
        reply = client.request(method, path)
        assert reply.status_code == 404, (method, path, reply.status_code)


def test_pages_open_for_whom_they_should(site, start_session):
    names = {
        "/": REVIEWERS,
        "/audit": REVIEWERS,
        "/failures": CHECKERS,
        "/leakage": REVIEWERS,
        "/adjudicate": SETTLERS,
        "/progress": EVERYBODY,
        "/runs": MAINTAINERS,
        "/judge-runs": MAINTAINERS,
        "/training": TRAINERS,
        "/training-data": TRAINERS,
        "/constitutions": TRAINERS,
        "/wind-tunnel": TRAINERS,
        "/studies": STUDY_PEOPLE,
        "/label-studio": MAINTAINERS,
        "/items": MAINTAINERS | {"ada"},
        "/releases": TRAINERS,
        "/people": frozenset({"root"}),
    }
    assert set(names) == set(PAGE_ROLES)
    for name in sorted(EVERYBODY):
        client = as_person(site, start_session(name))
        for path, admitted in names.items():
            for address in {path, path.rstrip("/") + "/"}:
                reply = client.get(address, headers={"Accept": "text/html"})
                expected = 200 if name in admitted else 303 if path == "/" else 403
                if expected == 200 and address != path:
                    assert reply.status_code == 301  # to the address without the slash
                    continue
                assert reply.status_code == expected, (name, address, reply.status_code)
                if expected == 403:
                    assert "Ask an admin" in reply.text


SAMPLES = {"textbox": "zed", "number": 3, "dropdown": None, "html": "", "checkbox": True}


def sample(component):
    """A value that the component takes."""
    if component["type"] in ("checkboxgroup", "radio"):
        first = component["props"]["choices"][0][1]
        return first if component["type"] == "radio" else [first]
    return SAMPLES[component["type"]]


def test_every_gradio_handler_refuses_whom_it_should(site, start_session, workspace):
    config = as_person(site, start_session("root")).get("/config").json()
    handlers = {entry["id"]: entry for entry in config["dependencies"]}
    samples = {component["id"]: component for component in config["components"]}
    assert len(handlers) >= 10
    before = len(PeopleDesk(workspace, actor="test").list())
    for number, handler in handlers.items():
        name = handler["api_name"]
        assert isinstance(name, str), f"handler {number} has no api_name, so no policy"
        admitted = next((people for start, people in HANDLERS.items() if name.startswith(start)), None)
        assert admitted is not None, f"handler {name} has no policy; add it to HANDLERS"
        for person in sorted(EVERYBODY - admitted):
            client = as_person(site, start_session(person))
            data = [sample(samples[component]) for component in handler["inputs"]]
            body = {"data": data, "fn_index": number, "session_hash": "h"}
            for path in (f"/gradio_api/run/{name}", "/gradio_api/run/predict"):
                reply = client.post(path, json=body)
                assert reply.status_code == 500, (name, person, reply.status_code)
                assert "This needs the role" in reply.text, (name, person, reply.text)
    assert len(PeopleDesk(workspace, actor="test").list()) == before


def test_a_queued_event_is_refused_as_well(site, start_session, workspace):
    config = as_person(site, start_session("root")).get("/config").json()
    number = next(entry["id"] for entry in config["dependencies"] if entry["api_name"] == "people_add")
    client = as_person(site, start_session("ann"))
    body = {"data": ["eve", ["admin"]], "fn_index": number, "session_hash": "q1"}
    joined = client.post("/gradio_api/queue/join", json=body)
    if joined.status_code == 200:
        with client.stream("GET", "/gradio_api/queue/data?session_hash=q1") as events:
            for line in events.iter_lines():
                if "process_completed" in line or "close_stream" in line:
                    break
    assert "eve" not in [line.name for line in PeopleDesk(workspace, actor="test").list()]
    assert client.get("/healthz").status_code == 200


def test_an_admin_adds_a_person_and_hostile_names_show_as_text(site, start_session, workspace):
    config = as_person(site, start_session("root")).get("/config").json()
    number = next(entry["id"] for entry in config["dependencies"] if entry["api_name"] == "people_add")

    def add(name):
        body = {"data": [name, ["annotator"]], "fn_index": number, "session_hash": "h"}
        return site.post("/gradio_api/run/people_add", json=body)

    reply = add("zoe")
    assert reply.status_code == 200, reply.text
    assert re.search(r"/link/[A-Za-z0-9_-]{43}", reply.text)
    assert "zoe" in [line.name for line in PeopleDesk(workspace, actor="test").list()]
    refused = add("<img src=x onerror=alert(1)>")
    assert "cannot be used" in refused.text
    assert "<img" not in refused.text
    assert len(PeopleDesk(workspace, actor="test").list()) == 8
