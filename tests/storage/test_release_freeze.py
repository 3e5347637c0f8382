"""Freezing: what goes in, what is refused, what a kill or a full disk leaves behind."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from approved_items import FLAW_NOTE, REVIEWERS, START, add_approved
from release_folders import all_bytes, freeze
from sqlmodel import func, select

from pipeline.taxonomy import TAXONOMY_FILE
from storage.audit import verify_chain
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.errors import Conflict, InvalidRecord, NotFound, StorageError
from storage.items import get_history, get_item
from storage.records import ReleaseItem, Split
from storage.release_files import read_release, verify_release
from storage.releases import count_approved, get_release, list_releases
from storage.schema import migrate
from storage.stages import Stage
from storage.tables import AuditRow, ItemRow, ReleaseItemRow

# Freezes in a process of its own: argv is database URL, blobs, folder, and what to do in the middle.
CHILD = """
import os, resource, signal, sys
from pathlib import Path
import yaml
from storage.blobs import BlobStore
from storage.db import open_database
from storage.errors import StorageFull
from storage.records import Split
from storage.releases import freeze_release

url, blobs, folder, mode, taxonomy = sys.argv[1:6]
blobs = BlobStore(blobs)
read, calls = blobs.read, []
def read_and_fail(*args):
    calls.append(args)
    if mode == "kill-while-writing" and len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "full-disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.RLIM_INFINITY))
    return read(*args)
blobs.read = read_and_fail
db = open_database(url)
with db.write() as session:
    try:
        row = freeze_release(
            session=session, blobs=blobs, folder=Path(folder), version="v1.0", split=Split.BENCHMARK,
            taxonomy=yaml.safe_load(Path(taxonomy).read_text()), prompts={"guidelines": "Look twice."},
            code_commit="abc", author="user:mia",
        )
    except StorageFull as exc:
        print("full:", exc)
        sys.exit(3)
    if mode == "kill-before-commit":
        os.kill(os.getpid(), signal.SIGKILL)
    session.commit()
print(row.digest)
"""


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def run_child(db_url: str, blobs: BlobStore, folder: Path, mode: str = "", **environment: str):
    taxonomy = TAXONOMY_FILE
    return subprocess.run(
        [sys.executable, "-c", CHILD, db_url, blobs.url, str(folder), mode, str(taxonomy)],
        capture_output=True, text=True, timeout=120, env=os.environ | environment,
    )  # fmt: skip


def url_of(db: Database) -> str:
    return db.engine.url.render_as_string(hide_password=False)


def snapshot(db: Database):
    with db.read() as session:
        stages = session.exec(select(ItemRow.id, ItemRow.stage, ItemRow.split).order_by(ItemRow.number)).all()
        return stages, session.exec(select(func.max(AuditRow.seq))).one(), len(list_releases(session=session))


def test_freeze_moves_the_items_and_writes_a_folder_that_verifies(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 7)
    row = freeze(db, blobs, home / "v1.0", notes="The first | one.")
    report = verify_release(home / "v1.0", digest=row.digest)
    assert (report.items, report.version, report.split, report.digest) == (7, "v1.0", "benchmark", row.digest)
    assert (row.items, row.folder, row.author) == (7, "releases/v1.0", "user:mia")
    release = read_release(home / "v1.0")
    rows = list(release.items)
    assert [item.id for item in rows] == ids
    assert sorted(path.name for path in home.iterdir()) == [".freezing", "v1.0"]
    with db.read() as session:
        verify_chain(session=session)
        assert get_release(session=session, version="v1.0").digest == row.digest
        positions = session.exec(select(ReleaseItemRow).order_by(ReleaseItemRow.position)).all()
        assert [entry.content_sha256 for entry in positions] == [item.content_sha256 for item in rows]
        for item_id, item in zip(ids, rows, strict=True):
            stored = get_item(session=session, item_id=item_id)
            assert (stored.stage, stored.split) == (Stage.RELEASED, "benchmark")
            record = get_history(session=session, item_id=item_id)[-1]
            assert isinstance(record, ReleaseItem)
            assert (record.version, record.content_sha256) == ("v1.0", item.content_sha256)
        last = session.exec(select(AuditRow).order_by(AuditRow.seq.desc())).first()
        assert (last.tag, last.subject) == ("releases:release:freeze", "release:v1.0")
        assert json.loads(last.payload)["digest"] == row.digest


def test_rows_hold_what_was_approved(db, blobs, home) -> None:
    add_approved(db, blobs, 3)
    add_approved(db, blobs, 1, first=4, verdicts=("approve", "reject", "approve"))
    freeze(db, blobs, home / "v1.0")
    rows = list(read_release(home / "v1.0").items)
    assert [row.label for row in rows] == ["S-0001", "S-0002", "S-0003", "S-0004"]
    assert [row.image is None for row in rows] == [False, False, True, False]
    assert rows[0].image == blobs.read(rows[0].image_sha256, "image/png")
    assert rows[0].image_path == f"{rows[0].image_sha256[:16]}.png"
    assert (rows[2].image_sha256, rows[2].image_source, rows[2].licence) == (None, "description", "Apache-2.0")
    assert rows[0].hazard_entities == ("open window", "low sill")
    assert (rows[0].decision_policy, rows[0].review_count, rows[0].reviewer_agreement) == ("2 agreeing", 2, 1.0)
    assert (rows[3].decision_policy, rows[3].review_count, rows[3].reviewer_agreement) == ("adjudicator", 3, 0.5)


def test_no_names_and_no_ground_truth_leave_the_database(db, blobs, home) -> None:
    add_approved(db, blobs, 4)
    freeze(db, blobs, home / "v1.0")
    text = "".join(repr(asdict(row)) for row in read_release(home / "v1.0").items)
    text += "".join(repr(data) for name, data in all_bytes(home / "v1.0").items() if not name.endswith(".parquet"))
    for secret in (*REVIEWERS, "mia", FLAW_NOTE, "leaky", "ground_truth", str(home.parent)):
        assert secret not in text


def test_the_manifest_names_the_last_decision_and_the_last_event(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 3)
    with db.read() as session:
        events = session.exec(select(AuditRow).where(AuditRow.subject == ids[-1]).order_by(AuditRow.seq)).all()
    add_approved(db, blobs, 1, first=9)
    freeze(db, blobs, home / "v1.0", item_ids=ids)
    manifest = read_release(home / "v1.0").manifest
    assert (manifest.created_at - START).total_seconds() == 3 * 60
    assert manifest.audit_head == {"seq": events[-1].seq, "sha256": events[-1].sha256}
    # Being released is no part of what a row depends on.
    freeze(db, blobs, home / "v1.1", item_ids=ids)
    assert read_release(home / "v1.1").manifest.audit_head == manifest.audit_head


def test_a_later_release_keeps_the_earlier_rows_as_they_were(db, blobs, home) -> None:
    add_approved(db, blobs, 3)
    freeze(db, blobs, home / "v1.0")
    add_approved(db, blobs, 2, first=4)
    freeze(db, blobs, home / "v1.1")
    old, new = read_release(home / "v1.0"), read_release(home / "v1.1")
    assert list(new.iterate_row_hashes())[:3] == list(old.iterate_row_hashes())
    assert new.manifest.items == 5
    with db.read() as session:
        assert [row.version for row in list_releases(session=session)] == ["v1.1", "v1.0"]
        assert verify_chain(session=session)
        kinds = [record.kind for record in get_history(session=session, item_id=next(old.iterate_row_hashes())[0])]
    assert kinds.count("release_item") == 2


def test_an_item_stays_in_its_split(db, blobs, home) -> None:
    first = add_approved(db, blobs, 2)
    freeze(db, blobs, home / "v1.0")
    with pytest.raises(Conflict, match="nothing is approved for a train release"):
        freeze(db, blobs, home / "v2.0", split=Split.TRAIN)
    with pytest.raises(Conflict, match=r"S-0001 belongs to the split 'benchmark', not 'train'"):
        freeze(db, blobs, home / "v2.0", split=Split.TRAIN, item_ids=first)
    second = add_approved(db, blobs, 1, first=3)
    freeze(db, blobs, home / "v2.0", split=Split.TRAIN)
    assert [item_id for item_id, _ in read_release(home / "v2.0").iterate_row_hashes()] == second


def test_counts_follow_the_split(db, blobs, home) -> None:
    add_approved(db, blobs, 5)
    freeze(db, blobs, home / "v1.0", split=Split.TRAIN, item_ids=None)
    add_approved(db, blobs, 2, first=6)
    with db.read() as session:
        benchmark, train = count_approved(session=session), count_approved(session=session, split=Split.TRAIN)
    assert sum(count.approved for count in benchmark.values()) == 2
    assert sum(count.released for count in benchmark.values()) == 0
    assert (sum(count.approved for count in train.values()), sum(count.released for count in train.values())) == (7, 5)


@pytest.mark.parametrize(
    "version", ["", "1.0", "v1", "v1.0-beta", "v01.0", "v1.0/../x", "v1.0\n", "../v1.0", "v1.0.0.0"]
)
def test_other_version_names_are_refused(db, blobs, home, version) -> None:
    add_approved(db, blobs, 1)
    with pytest.raises(InvalidRecord, match="not of the form"):
        freeze(db, blobs, home / "v1.0", version=version)
    assert not home.exists()


def test_what_cannot_be_frozen_is_refused_and_leaves_nothing(db, blobs, home) -> None:
    with pytest.raises(Conflict, match="nothing is approved"):
        freeze(db, blobs, home / "v1.0")
    ids = add_approved(db, blobs, 2)
    with pytest.raises(Conflict, match="without items"):
        freeze(db, blobs, home / "v1.0", item_ids=[])
    with pytest.raises(NotFound, match="nobody"):
        freeze(db, blobs, home / "v1.0", item_ids=[*ids, "nobody"])
    with pytest.raises(InvalidRecord, match="NUL"):
        freeze(db, blobs, home / "v1.0", notes="a\x00b")
    with pytest.raises(InvalidRecord, match="empty"):
        freeze(db, blobs, home / "v1.0", code_commit=" ")
    before = snapshot(db)
    freeze(db, blobs, home / "v1.0")
    after = snapshot(db)
    with pytest.raises(Conflict, match=r"v1\.0 exists already"):
        freeze(db, blobs, home / "v1.0")
    assert before[2] == 0
    assert snapshot(db) == after


def test_an_item_in_review_is_refused(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 2)
    with db.write() as session:
        item = get_item(session=session, item_id=ids[1])
        item.stage = Stage.REFINED.value
        session.add(item)
        session.commit()
    with pytest.raises(Conflict, match="S-0002 is at stage 'refined', not approved"):
        freeze(db, blobs, home / "v1.0", item_ids=ids)
    freeze(db, blobs, home / "v1.0")
    assert read_release(home / "v1.0").manifest.items == 1


def test_a_damaged_or_missing_picture_stops_the_freeze(db, blobs, home) -> None:
    add_approved(db, blobs, 4)
    before = snapshot(db)
    victim = sorted(path for path in Path(blobs.url).rglob("*.png"))[0]
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StorageError, match="damaged"):
        freeze(db, blobs, home / "v1.0")
    victim.unlink()
    with pytest.raises(NotFound):
        freeze(db, blobs, home / "v1.0")
    assert snapshot(db) == before
    assert [path.name for path in home.iterdir()] == [".freezing"]


def test_an_item_that_changes_while_its_row_is_written_is_noticed(db, blobs, home) -> None:
    if db.is_sqlite:
        pytest.skip("SQLite has one writer at a time, so nothing can change meanwhile")
    ids = add_approved(db, blobs, 3)
    read = blobs.read

    def read_and_change(*args):
        with db.write() as session:
            item = get_item(session=session, item_id=ids[0])
            item.updated_at = item.updated_at.replace(year=2027)
            session.add(item)
            session.commit()
        return read(*args)

    blobs.read = read_and_change
    with pytest.raises(Conflict, match="S-0001 changed while"):
        freeze(db, blobs, home / "v1.0")
    assert not (home / "v1.0").exists()


@pytest.mark.thorough
def test_a_kill_while_writing_leaves_the_database_and_the_name_alone(db, blobs, home) -> None:
    add_approved(db, blobs, 6)
    before = snapshot(db)
    killed = run_child(url_of(db), blobs, home / "v1.0", "kill-while-writing")
    assert killed.returncode == -9, killed.stderr
    assert snapshot(db) == before
    assert sorted(path.name for path in home.iterdir()) == [".freezing", ".v1.0.partial"]
    freeze(db, blobs, home / "v1.1")  # another version clears it up as well
    assert sorted(path.name for path in home.iterdir()) == [".freezing", "v1.1"]
    verify_release(home / "v1.1")


@pytest.mark.thorough
def test_a_kill_before_the_commit_is_picked_up_by_the_next_freeze(db, blobs, home) -> None:
    add_approved(db, blobs, 4)
    before = snapshot(db)
    killed = run_child(url_of(db), blobs, home / "v1.0", "kill-before-commit")
    assert killed.returncode == -9, killed.stderr
    assert snapshot(db) == before
    left = all_bytes(home / "v1.0")
    row = freeze(db, blobs, home / "v1.0")
    assert all_bytes(home / "v1.0") == left
    verify_release(home / "v1.0", digest=row.digest)


def test_a_foreign_folder_in_the_way_is_not_touched(db, blobs, home) -> None:
    add_approved(db, blobs, 2)
    (home / "v1.0").mkdir(parents=True)
    (home / "v1.0" / "thesis.txt").write_text("mine")
    before = snapshot(db)
    with pytest.raises(Conflict, match="move it away"):
        freeze(db, blobs, home / "v1.0")
    assert all_bytes(home / "v1.0") == {"thesis.txt": b"mine"}
    assert snapshot(db) == before
    assert not list(home.glob(".*.partial"))


def test_two_freezes_at_a_time_are_refused(db, blobs, home) -> None:
    add_approved(db, blobs, 1)
    home.mkdir()
    with (home / ".freezing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="another freeze is running"):
            freeze(db, blobs, home / "v1.0")
    freeze(db, blobs, home / "v1.0")


@pytest.fixture
def sqlite_home(tmp_path: Path) -> Path:
    """A workspace with six approved items, its database closed so that it can be copied."""
    folder = tmp_path / "one"
    db = open_database(f"sqlite:///{folder / 'curator.db'}")
    migrate(db=db)
    add_approved(db, BlobStore(folder / "blobs"), 6)
    db.close()
    return folder


@pytest.mark.thorough
def test_the_same_content_gives_the_same_bytes_in_another_process(sqlite_home, tmp_path) -> None:
    results = []
    for name, seed in (("two", "1"), ("three", "4242")):
        copy = tmp_path / name
        shutil.copytree(sqlite_home, copy)
        done = run_child(
            f"sqlite:///{copy / 'curator.db'}",
            BlobStore(copy / "blobs"),
            copy / "releases" / "v1.0",
            PYTHONHASHSEED=seed,
        )
        assert done.returncode == 0, done.stderr
        results.append((done.stdout, all_bytes(copy / "releases" / "v1.0")))
    assert results[0] == results[1]


@pytest.mark.thorough
def test_a_full_disk_is_said_plainly_and_leaves_nothing(sqlite_home) -> None:
    url, blobs = f"sqlite:///{sqlite_home / 'curator.db'}", BlobStore(sqlite_home / "blobs")
    done = run_child(url, blobs, sqlite_home / "releases" / "v1.0", "full-disk")
    assert done.returncode == 3, done.stderr
    assert "the disk is full" in done.stdout
    assert [path.name for path in (sqlite_home / "releases").iterdir()] == [".freezing"]
    assert run_child(url, blobs, sqlite_home / "releases" / "v1.0").returncode == 0
