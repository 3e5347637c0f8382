"""What protects a request: origin, headers, lock-out, links, cookies, and paths that try to climb."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from curator_app.actions.people import PeopleDesk
from curator_app.server import build_server
from curator_app.sessions import COOKIE
from curator_app.settings import Settings
from curator_app.static_urls import static_url
from curator_app.workspace import open_workspace
from storage import accounts

PASSWORD = "four grey herons wait"
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver:8080"},
    {"Origin": "http://["},
    {},
]


def make_link(workspace, name="ann", ttl=timedelta(hours=1)):
    with workspace.db.write() as session:
        link = accounts.make_link(session=session, name=name, ttl=ttl, actor="test")
        session.commit()
    return link


# Cross-origin


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/claims"),
        ("PUT", "/api/v1/me/preferences"),
        ("POST", "/sign-out"),
        ("POST", "/account/password"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/run/people_add"),
        ("POST", "/gradio_api/queue/join"),
        ("DELETE", "/api/v1/me"),
    ],
)
def test_a_change_asked_for_by_another_site_is_refused(method, path, headers, browser):
    client = browser("root", headers=headers)
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=b"):
        reply = client.request(method, path, content=b"{}", headers={"Content-Type": content_type})
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "cross_origin")
    assert browser("root").get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}])
def test_a_change_from_our_own_page_is_served(headers, browser):
    assert browser("ann", headers=headers).post("/api/v1/claims", json={}).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN[:-1])
def test_another_site_cannot_sign_a_browser_in(headers, browser, workspace):
    client = browser(None, headers=headers)
    form = {"name": "ann", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 403
    assert client.post(f"/link/{make_link(workspace)}").status_code == 403


def test_no_origin_is_ever_allowed_by_cors(workspace, start_session):
    with TestClient(build_server(workspace), follow_redirects=False) as site:
        site.cookies.set(COOKIE, start_session("ann"))
        for path in ("/", "/config", "/api/v1/me", "/gradio_api/queue/join", "/theme.css", "/sign-in"):
            for host in ("testserver", "curator.example"):
                headers = {"Origin": "http://evil.example", "Host": host, "Access-Control-Request-Method": "POST"}
                for method in ("GET", "OPTIONS"):
                    reply = site.request(method, path, headers=headers)
                    assert "access-control-allow-origin" not in reply.headers, (method, path, host)
                    assert "access-control-allow-credentials" not in reply.headers or method == "OPTIONS"


# Headers


def check_headers(reply, *, page=False):
    headers = reply.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    if page:
        policy = headers["content-security-policy"]
        scripts = re.search(r"script-src ([^;]*)", policy)
        assert scripts is None or "'unsafe-inline'" not in scripts[1]
        assert headers["cache-control"] == "no-store"


def test_files_of_this_version_are_kept_and_others_asked_about(workspace):
    kept = "public, max-age=31536000, immutable"
    with TestClient(build_server(workspace), follow_redirects=False) as site:
        for name in ("frame.js", "review/dom.js", "plain.css"):
            reply = site.get(static_url(name))
            assert (reply.status_code, reply.headers["cache-control"]) == (200, kept)
            for old in (f"/static/v-000000000000/{name}", f"/static/{name}"):
                assert site.get(old).content == reply.content
                assert site.get(old).headers["cache-control"] == "no-cache"
        assert site.get(static_url("frame.js").replace("frame.js", "no_such.js")).status_code == 404
        assert site.get(static_url("frame.js").replace("frame.js", "..%2Fserver.py")).status_code == 404


def test_every_kind_of_response_has_the_headers(workspace, start_session, monkeypatch):
    with TestClient(build_server(workspace), follow_redirects=False, raise_server_exceptions=False) as site:
        for path in ("/sign-in", "/link/" + "x" * 43, "/healthz", "/static/plain.css", "/static/nothing", "/api/v1/me"):
            check_headers(site.get(path))
        check_headers(site.get("/", headers={"Accept": "text/html"}))
        check_headers(site.get("/account", headers={"Accept": "text/html"}))
        site.cookies.set(COOKIE, start_session("root"))
        for path in ("/", "/progress", "/releases", "/people", "/account", "/no-such-page"):
            check_headers(site.get(path, headers={"Accept": "text/html"}), page=True)
        for path in (
            "/config",
            "/theme.css",
            "/api/v1/me",
            "/api/v1/progress",
            "/api/v1/nothing",
            "/gradio_api/upload",
        ):
            check_headers(site.get(path))
        assert site.get("/api/v1/me").headers["cache-control"] == "no-store"
        check_headers(site.post("/api/v1/claims", json={}))  # 403 cross_origin
        check_headers(site.post("/api/v1/claims", content=b"x" * 400_000))  # 413
        monkeypatch.setattr(accounts, "get_preferences", lambda **_: 1 / 0)
        broken = site.get("/api/v1/me")
        assert (broken.status_code, broken.json()["error"]["code"]) == (500, "internal")
        assert "ZeroDivision" not in broken.text
        check_headers(broken)


def test_the_pages_let_their_own_inline_scripts_run_and_no_other(workspace, start_session):
    import base64
    import hashlib

    with TestClient(build_server(workspace)) as site:
        site.cookies.set(COOKIE, start_session("root"))
        reply = site.get("/people", headers={"Accept": "text/html", "Accept-Encoding": "gzip, br"})
    inline = [script for script in re.findall(r"<script[^>]*>(.*?)</script>", reply.text, re.DOTALL) if script]
    assert inline
    policy = reply.headers["content-security-policy"]
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert len(re.findall("sha256-", policy)) == len(set(inline))


# Pictures


def test_a_picture_is_served_to_be_kept_and_cannot_run(browser):
    ann = browser("ann")
    url = ann.post("/api/v1/claims", json={}).json()["claims"][0]["item"]["image"]["url"]
    reply = ann.get(url)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "sandbox" in reply.headers["content-security-policy"]
    check_headers(reply)


@pytest.mark.parametrize(
    "name",
    [
        "../curator.db",
        "..%2Fcurator.db",
        "%2e%2e%2fcurator.db",
        "..%5ccurator.db",
        "....//curator.db",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "a" * 64 + "/../../../curator.db",
        "A" * 64,
        "a" * 63,
        "a" * 65,
        "a" * 64,
        "a" * 64 + "%00.png",
        "a" * 64 + "%0a",
        "aa/aa/" + "a" * 64,
        "",
        ".",
        "\u0430" * 64,
    ],
)
def test_no_name_of_a_picture_climbs_out_of_the_store(name, browser):
    for prefix in ("/media/", "/static/", "/static/..%2F..%2F", "/releases/download/"):
        reply = browser("root").get(prefix + name)
        assert reply.status_code in (404, 405, 422), (prefix, reply.status_code)
        assert b"SQLite format" not in reply.content
        assert b"root:" not in reply.content


# Signing in


def sign_in(client, password=PASSWORD, name="ann", **more):
    return client.post("/sign-in", data={"name": name, "password": password, **more})


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(browser):
    reply = sign_in(browser(None))
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert "Max-Age=1209600" in cookie


def test_over_https_the_cookie_is_secure(app):
    client = TestClient(app, base_url="https://testserver", follow_redirects=False)
    assert "Secure" in sign_in(client).headers["set-cookie"]


def test_a_wrong_password_an_unknown_name_and_a_person_without_one_look_the_same(browser):
    replies = [
        sign_in(browser(None), password="wrong wrong wrong"),
        sign_in(browser(None), name="ghost"),
        sign_in(browser(None), name="ben"),
    ]
    assert {reply.status_code for reply in replies} == {401}
    assert {"set-cookie" in reply.headers for reply in replies} == {False}
    assert len({re.sub(r'value="(ann|ghost|ben)"', "", reply.text) for reply in replies}) == 1


def test_brute_force_is_locked_out_and_told_for_how_long(browser):
    client = browser(None)
    for _ in range(10):
        assert sign_in(client, password="wrong wrong wrong").status_code == 401
    reply = sign_in(client)
    assert reply.status_code == 429
    assert 800 < int(reply.headers["retry-after"]) <= 900
    assert "wait 15 minutes" in reply.text
    check_headers(reply, page=True)


def test_guesses_sent_at_the_same_time_are_all_counted(browser):
    with browser(None) as client, ThreadPoolExecutor(14) as pool:  # entered: one event loop for all of them
        statuses = list(pool.map(lambda _: sign_in(client, password="wrong wrong wrong").status_code, range(14)))
        assert statuses.count(401) <= 10
        assert set(statuses) <= {401, 429}
        assert sign_in(client).status_code == 429


def test_a_password_being_checked_holds_up_no_review(browser, workspace, monkeypatch):
    checking, written = threading.Event(), threading.Event()

    def slow(password, password_hash, hasher):
        checking.set()
        assert written.wait(10), "the writer was held up"
        return False

    monkeypatch.setattr(accounts, "verify_password", slow)
    with ThreadPoolExecutor(1) as pool:
        guess = pool.submit(sign_in, browser(None))
        assert checking.wait(10)
        make_link(workspace, name="ben")
        written.set()
        assert guess.result().status_code == 401


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/progress", "/progress"),
        ("/?kind=adjudication", "/?kind=adjudication"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_to_another_site(target, where, browser):
    assert sign_in(browser(None), next=target).headers["location"] == where


def test_a_stranger_is_sent_back_to_where_they_wanted_to_go(browser):
    reply = browser(None).get("/releases?release=v1.0", headers={"Accept": "text/html"})
    assert reply.headers["location"] == "/sign-in?next=/releases%3Frelease%3Dv1.0"
    page = browser(None).get(reply.headers["location"])
    assert 'name="next" value="/releases?release=v1.0"' in page.text


def test_a_link_is_used_up_by_the_button_and_not_by_looking(browser, workspace):
    link = make_link(workspace)
    for _ in range(3):
        assert browser(None).get(f"/link/{link}").status_code == 200
    reply = browser(None).post(f"/link/{link}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert f"{COOKIE}=" in reply.headers["set-cookie"]
    again = browser(None).post(f"/link/{link}")
    assert again.status_code == 403
    assert "set-cookie" not in again.headers
    assert "fresh one" in again.text


def test_an_old_link_and_a_made_up_link_do_not_work(browser, workspace):
    for link in (make_link(workspace, ttl=timedelta(seconds=-1)), "x" * 43, "..", "%00", "<script>"):
        reply = browser(None).post(f"/link/{link}")
        assert reply.status_code in (403, 404, 401), link
        assert "set-cookie" not in reply.headers
        assert "<script>" not in reply.text


def test_signing_out_ends_the_session_on_the_server(browser):
    client = browser(None)
    secret = re.search(f"{COOKIE}=([^;]+)", sign_in(client).headers["set-cookie"])[1]
    stolen = {"Cookie": f"{COOKIE}={secret}"}
    assert browser(None).get("/api/v1/me", headers=stolen).status_code == 200
    reply = browser(None).post("/sign-out", headers=stolen)
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert browser(None).get("/api/v1/me", headers=stolen).status_code == 401


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(browser, start_session):
    other = {"Cookie": f"{COOKIE}={start_session('ann')}"}
    ann = browser("ann")
    wrong = ann.post("/account/password", data={"current": "not this one", "new": "five red foxes run"})
    assert wrong.status_code == 422
    assert "present password is wrong" in wrong.text
    short = ann.post("/account/password", data={"current": PASSWORD, "new": "short"})
    assert short.status_code == 422
    assert ann.get("/api/v1/me").status_code == 200
    assert browser(None).get("/api/v1/me", headers=other).status_code == 200
    reply = ann.post("/account/password", data={"current": PASSWORD, "new": "five red foxes run"})
    assert reply.status_code == 200
    assert browser(None).get("/api/v1/me", headers=other).status_code == 401
    fresh = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
    assert browser(None).get("/api/v1/me", headers=fresh).status_code == 200
    assert sign_in(browser(None)).status_code == 401
    assert sign_in(browser(None), password="five red foxes run").status_code == 303


def test_a_person_without_a_password_sets_a_first_one(browser):
    assert browser("ben").post("/account/password", data={"new": "five red foxes run"}).status_code == 200
    assert sign_in(browser(None), name="ben", password="five red foxes run").status_code == 303


def test_a_disabled_person_is_out_at_once(app, workspace, browser, token):
    ann, headers = browser("ann"), token("ann")
    PeopleDesk(workspace, actor="test", forget=app.state.desk.forget).set_disabled(name="ann", disabled=True)
    assert ann.get("/api/v1/me").status_code == 401
    assert browser(None).get("/api/v1/me", headers=headers).status_code == 401
    assert sign_in(browser(None)).status_code == 401


def test_sessions_survive_a_restart(workspace, start_session, tmp_path):
    secret = start_session("ann")
    again = open_workspace(Settings(home=tmp_path / "home"))
    client = TestClient(build_server(again, pages=False))
    client.cookies.set(COOKIE, secret)
    assert client.get("/api/v1/me").json()["name"] == "ann"
    again.close()


def test_the_sign_in_page_works_without_scripts_and_escapes_what_it_repeats(browser):
    page = browser(None).get("/sign-in")
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    reply = sign_in(browser(None), name='"><img src=x onerror=alert(1)>')
    assert "<img" not in reply.text
