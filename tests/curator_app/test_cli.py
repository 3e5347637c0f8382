"""The commands: the ways that people go in processes of their own, the many refusals in this one."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from curator_here import run_curator_here

CURATOR = str(Path(sys.executable).with_name("curator"))
PASSWORD = "four grey herons wait"


@pytest.fixture
def curator_process(tmp_path):
    """Return a function that runs `curator WORDS…` on a workspace of the test's own, in a process of its own."""

    def run(*words, code=0, typed=None):
        environment = {**os.environ, "CURATOR_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [CURATOR, *words], capture_output=True, text=True, input=typed, env=environment, cwd=tmp_path, check=False
        )
        return check_end(words, code, done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def curator(tmp_path, monkeypatch, capsys):
    """The same in this process."""

    def run(*words, code=0, home=tmp_path / "home", **more):
        environment = {**os.environ, "CURATOR_HOME": str(home), **more}
        ended, out, err = run_curator_here(
            *words, environment=environment, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
        )
        return check_end(words, code, ended, out, err)

    return run


def check_end(words, wanted, code, out, err):
    assert code == wanted, f"{words}: {out}\n{err}"
    assert "Traceback" not in err
    return out + err


def find_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(words, *, home, until="Ready at", stop=signal.SIGTERM):
    """Yield (address, log file) of a server in a process of its own; stop it as a supervisor or Ctrl+C does."""
    port = find_port()
    environment = {**os.environ, "CURATOR_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    log = home.parent / "server.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [CURATOR, *words, "--port", str(port)], stdout=file, stderr=subprocess.STDOUT, env=environment
        )
        try:
            deadline = time.monotonic() + 240
            while until not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.send_signal(stop)
            code = process.wait(timeout=15)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.thorough
def test_the_way_from_nothing_to_a_review_by_script(curator_process, tmp_path):
    assert "is ready" in curator_process("init")
    assert "is ready" in curator_process("init")  # again: nothing changes
    said = curator_process("users", "add", "root", "--role", "admin")
    link = re.search(r"http://127\.0\.0\.1:7860/link/([A-Za-z0-9_-]{43})", said)[1]
    curator_process("users", "add", "ann", "--role", "annotator", "--role", "adjudicator")
    token = curator_process("users", "token", "ann").strip()
    assert re.fullmatch(r"cur_[A-Za-z0-9_-]{43}", token)
    with running(["serve"], home=tmp_path / "home") as (address, _):
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{address}/readyz").json() == {"status": "ok", "database": "ok", "blobs": "ok"}
        me = httpx.get(f"{address}/api/v1/me", headers=bearer).json()
        assert me["roles"] == ["adjudicator", "annotator"]
        assert httpx.post(f"{address}/api/v1/claims", headers=bearer, json={"count": 5}).json()["claims"] == []
        with httpx.Client() as browser:
            assert browser.post(f"{address}/link/{link}").status_code == 303
            assert browser.get(f"{address}/people").status_code == 200
        # changes from the command line reach the running server within seconds
        curator_process("users", "revoke", "ann")
        deadline = time.monotonic() + 5
        while httpx.get(f"{address}/api/v1/me", headers=bearer).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        port = address.rsplit(":", 1)[1]
        said = curator_process("serve", "--port", port, code=1)
        assert f"port {port} on 127.0.0.1 is taken" in said


def test_demo_prints_links_that_work_once_and_serves_the_starter_scenarios(tmp_path):
    with running(["demo", "--no-browser"], home=tmp_path / "home", until="For a fresh link", stop=signal.SIGINT) as (
        address,
        log,
    ):
        assert "24 new ones of the batch hazard_world" in log.read_text()
        assert "says nothing about real models" in log.read_text()
        links = dict(re.findall(r"^ {2}(\w+) +\w+ +(http\S+)$", log.read_text(), re.MULTILINE))
        assert set(links) == {"admin", "ann", "ben"}
        said = re.search(r"For a fresh link: (.+) users link NAME", log.read_text())
        assert said and said[1].startswith(f"CURATOR_PUBLIC_URL={address} ")  # the port is not the usual one
        with httpx.Client(headers={"Sec-Fetch-Site": "same-origin"}) as ann:
            assert ann.post(links["ann"]).status_code == 303
            claims = ann.post(f"{address}/api/v1/claims", json={"count": 20}).json()["claims"]
            assert len(claims) == 20
            pictured = [claim["item"]["image"]["url"] for claim in claims if claim["item"]["image"]]
            assert pictured
            assert ann.get(address + pictured[0]).headers["content-type"] == "image/webp"
        assert httpx.post(links["ann"]).status_code == 403
        assert links["ben"] not in httpx.get(f"{address}/sign-in").text


def test_a_toy_world_is_imported_once_and_says_that_it_is_one(curator):
    curator("init")
    said = curator("import", "hazard-world", "--count", "2", "--seed", "5")
    assert "2 scenes added to the batch hazard_world, 0 were there before. Toy world" in said
    assert "1 scenes added to the batch hazard_world, 2 were there before." in curator(
        "import", "hazard-world", "--count", "3", "--seed", "5"
    )


def test_people_from_the_command_line(curator, curator_process):
    assert "run `curator init`" in curator("users", "list", code=1)
    curator("init")
    assert "There is nobody yet" in curator("users", "list")
    curator_process("users", "add", "root", "--role", "admin", "--password", typed=f"{PASSWORD}\n{PASSWORD}\n")
    curator("users", "add", "ann", "--role", "annotator")
    curator("users", "token", "ann", "--label", "nightly")
    listed = curator("users", "list")
    assert re.search(r"^ann +annotator +link only +tokens: nightly$", listed, re.MULTILINE)
    assert re.search(r"^root +admin +password$", listed, re.MULTILINE)
    assert "adjudicator, annotator" in curator("users", "roles", "ann", "--role", "annotator", "--role", "adjudicator")
    assert "/link/" in curator("users", "link", "ann", CURATOR_PUBLIC_URL="https://curator.example")
    assert "locked out" in curator("users", "disable", "ann")
    assert "disabled" in curator("users", "list")
    assert "may sign in again" in curator("users", "disable", "ann", "--undo")
    curator_process("users", "password", "ann", typed=f"{PASSWORD}\n{PASSWORD}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("users", "add", "ann", "--role", "king"), "'king' is not a valid Role"),
        (("users", "add", "An Na", "--role", "annotator"), "cannot be used"),
        (("users", "roles", "ghost", "--role", "annotator"), "there is no user 'ghost'"),
        (("users", "roles", "root", "--role", "annotator"), "root is the only admin"),
        (("users", "disable", "root"), "root is the only admin"),
        (("users", "link", "ghost"), "there is no user 'ghost'"),
        (("users", "revoke", "root", "--label", "none"), "has no live token"),
        (("users", "add", "root", "--role", "admin"), "there is already a user 'root'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(words, says, curator):
    curator("init")
    curator("users", "add", "root", "--role", "admin")
    said = curator(*words, code=1)
    assert says in said
    assert said.startswith("curator: ")


def test_settings_that_cannot_be_used_are_named(curator):
    assert "CURATOR_OVERLAP='none' cannot be used" in curator("init", code=1, CURATOR_OVERLAP="none")
    assert "not supported" in curator("init", code=1, CURATOR_DATABASE_URL="mysql://localhost/x")
    assert "no workspace" in curator("serve", code=1)


def test_home_on_the_command_line_wins(curator, tmp_path):
    curator("--home", str(tmp_path / "other"), "init")
    assert (tmp_path / "other" / "curator.db").exists()
    assert not (tmp_path / "home").exists()


def test_doctor_finds_nothing_wrong_with_a_fresh_workspace(curator):
    curator("init")
    said = curator("doctor")
    assert "BAD" not in said
    for name in ("python", "gradio", "disk", "database", "audit chain", "pictures"):
        assert f"ok   {name}" in said


def test_doctor_names_what_is_wrong_and_the_remedy(curator, workspace, tmp_path):
    import sqlite3

    home = workspace.settings.home
    said = curator("doctor", home=home)
    assert "6, all present and intact" in said
    first, second = sorted(path for path in (home / "blobs").rglob("*.png"))[:2]
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.unlink()
    with sqlite3.connect(home / "curator.db") as connection:
        connection.execute("UPDATE audit_events SET actor = 'somebody else' WHERE seq = 3")
    said = curator("doctor", code=1, home=home)
    assert "1 missing and 1 damaged" in said
    assert re.search(r"BAD {2}audit chain", said)
    assert said.count("->") == 2
    with sqlite3.connect(home / "curator.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert "run `curator init`" in curator("doctor", code=1, home=home)
    assert "run `curator init`" in curator("serve", code=1, home=home)
    assert "none at" in curator("doctor", code=1, home=tmp_path / "empty")
