"""Pictures by signed addresses: whoever holds one sees that one picture until it ends, and nothing else."""

import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from labelstudio_here import LabelStudioHere
from sqlmodel import select

from curator_app.api import signed_pictures
from curator_app.errors import AppError, LabelStudioRefused
from curator_app.labelstudio import picture_urls, pushing
from curator_app.labelstudio.outgoing import NO_PICTURE
from curator_app.labelstudio.picture_urls import KEY_FILE, LIFE, make_key, read_until, sign_picture
from curator_app.labelstudio.pushing import PushRequest
from curator_app.workspace import Workspace
from storage.records import TaskKind
from storage.tables import BlobRow
from storage.texts import utc_now

REVIEWS = PushRequest(TaskKind.SCENARIO_REVIEW, pictures="url")
GIVEN_OUT = "is not one that was given out"


def pictures(workspace: Workspace) -> list[str]:
    with workspace.db.read() as session:
        return sorted(session.exec(select(BlobRow.sha256)))


def sign(workspace: Workspace, sha256: str, *, until: datetime | None = None) -> str:
    until = until or utc_now() + timedelta(minutes=5)
    address = sign_picture(make_key(workspace.settings), base="http://testserver/", sha256=sha256, until=until)
    assert address.startswith("http://testserver/signed-pictures/")
    return address.removeprefix("http://testserver")


def test_an_address_shows_its_picture_to_whoever_holds_it(workspace: Workspace, browser: Any) -> None:
    first, second, *_ = pictures(workspace)
    stranger, ann = browser(None), browser("ann")
    reply = stranger.get(sign(workspace, first))
    assert reply.status_code == 200
    assert reply.content == ann.get(f"/media/{first}").content != ann.get(f"/media/{second}").content
    assert reply.headers["content-type"].startswith("image/")
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "sandbox" in reply.headers["content-security-policy"]
    assert "set-cookie" not in reply.headers
    assert stranger.get(f"/media/{first}").status_code == 401


def test_a_changed_or_old_address_is_refused_in_one_sentence_that_repeats_nothing(
    workspace: Workspace, browser: Any
) -> None:
    first, second, *_ = pictures(workspace)
    stranger = browser(None)
    good = sign(workspace, first)
    path, query = urlsplit(good).path, urlsplit(good).query
    signature = query.partition("signature=")[2]
    changed = [
        good.replace(first, second),
        good.replace("until=", "until=1"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good[:-1],
        f"{path}?until=9999999999&signature={signature}",
        f"{path}?until=&signature=",
        f"{path}?signature={signature}",
        path,
        f"{path}?until=1e9&signature={signature}",
        f"{path}?until=%D9%A3&signature=%F0%9F%90%88%ED%A0%80",
        good.replace(first, first.upper()),
        good.replace(first, "curator.db"),
    ]
    for address in changed:
        reply = stranger.get(address)
        assert reply.status_code == 403, address
        message = reply.json()["error"]["message"]
        assert GIVEN_OUT in message
        assert signature not in reply.text and first not in reply.text
    for address in (good.replace(first, f"..%2F..%2F{first}"), good.replace(first, f"../media/{first}")):
        assert stranger.get(address).status_code in (401, 403, 404)
    old = stranger.get(sign(workspace, first, until=utc_now() - timedelta(seconds=1)))
    assert old.status_code == 403
    assert "has expired; push to Label Studio once more" in old.json()["error"]["message"]
    page = stranger.get(changed[0], headers={"Accept": "text/html"})
    assert page.status_code == 403 and GIVEN_OUT in page.text and signature not in page.text


def test_the_key_is_made_once_for_its_owner_alone_and_without_it_nothing_holds(
    workspace: Workspace, browser: Any
) -> None:
    first = pictures(workspace)[0]
    file = workspace.settings.home / KEY_FILE
    assert not file.exists()
    assert browser(None).get(f"/signed-pictures/{first}?until=9999999999&signature=0").status_code == 403
    assert not file.exists()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: make_key(workspace.settings), range(16)))) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in workspace.settings.home.glob(f".{KEY_FILE}*")] == []
    good = sign(workspace, first)
    assert browser(None).get(good).status_code == 200
    file.write_bytes(bytes(32))
    assert GIVEN_OUT in browser(None).get(good).text
    file.write_bytes(b"short")
    with pytest.raises(AppError, match="holds no key of 32 bytes; remove it"):
        make_key(workspace.settings)
    file.unlink()
    assert browser(None).get(good).status_code == 403


def test_no_log_names_the_signature_even_when_the_server_breaks(
    app: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(signed_pictures, "send_picture", broken)
    good = sign(workspace, pictures(workspace)[0])
    caplog.set_level(logging.DEBUG)
    reply = TestClient(app, raise_server_exceptions=False).get(good)
    assert reply.status_code == 500
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert any("/signed-pictures/" in said and "broke" in said for said in ours)
    signature = good.partition("signature=")[2]
    assert not [said for said in [*ours, reply.text] if signature in said]


def test_a_push_gives_addresses_and_a_later_one_renews_those_that_end_soon(
    workspace: Workspace, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = LabelStudioHere()
    server: Any = there
    assert pushing.push(workspace, server, REVIEWS).pushed == 6
    shown = {number: data["image"] for number, data in there.tasks.items()}
    assert len(set(shown.values())) == 6
    for address in shown.values():
        assert address.startswith(f"{workspace.settings.public_url}/signed-pictures/")
        assert browser(None).get(address.removeprefix(workspace.settings.public_url)).status_code == 200
    assert pushing.push(workspace, server, REVIEWS).renewed == 0
    later = datetime.now(UTC) + LIFE * 0.6
    for module in ("pushing", "outgoing"):
        monkeypatch.setattr(f"curator_app.labelstudio.{module}.utc_now", lambda: later)
    there.tasks[1]["image"] = NO_PICTURE  # somebody's own change stays
    report = pushing.push(workspace, server, REVIEWS)
    assert (report.pushed, report.renewed, there.changed) == (0, 5, 5)
    assert "5 have a new address" in "\n".join(report.to_lines())
    for number, data in there.tasks.items():
        if number > 1:
            assert (read_until(data["image"]) or 0) > (read_until(shown[number]) or 0)
            assert {**data, "image": ""} == {**there.tasks[number], "image": ""}
    every = pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW, pictures="url", renew=True))
    assert every.renewed == 6
    with pytest.raises(LabelStudioRefused, match="--pictures url with --renew"):
        pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW, renew=True))


def test_addresses_of_this_machine_alone_are_not_given_to_people_of_another(workspace: Workspace) -> None:
    there: Any = LabelStudioHere()
    there.url = "https://label.example.com"
    with pytest.raises(LabelStudioRefused, match=r"only this machine reaches.*set CURATOR_PUBLIC_URL"):
        pushing.push(workspace, there, REVIEWS)
    assert there.configs == {}
    for base, server in (("https://curator.example.com", there.url), ("http://[::1]:7860", "http://localhost:8080")):
        picture_urls.check_reach(base=base, server=server)


@pytest.mark.parametrize(
    ("address", "until"),
    [
        ("http://h/signed-pictures/aa?until=12&signature=b", 12),
        ("https://h/base/signed-pictures/aa?signature=b&until=12", 12),
        ("http://h/signed-pictures/aa", None),
        ("http://h/signed-pictures/aa?until=x", None),
        ("data:image/gif;base64,AA", None),
        ("/data/local-files/?d=a.png&until=12", None),
        ("http://[h", None),
        (None, None),
        (3, None),
    ],
)
def test_when_an_address_of_ours_ends_can_be_read_from_it(address: object, until: int | None) -> None:
    assert picture_urls.read_until(address) == until
