"""The blob store, on a folder and on a remote store, and what happens when the disk is full."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlmodel import select

from storage.blobs import BlobStore, add_image, clean_image, get_blob, put_image
from storage.db import Database
from storage.errors import ImageRefused, NotFound, StorageError
from storage.records import BlobRef
from storage.tables import BlobRow


def make_png(colour: str = "teal", size: tuple[int, int] = (64, 48)) -> bytes:
    picture = Image.new("RGB", size, colour)
    picture.paste("white", (4, 4, 20, 30))
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlobStore]:
    if request.param == "folder":
        yield BlobStore(str(tmp_path / "blobs"))
        return
    prefix = f"memory://{tmp_path.name}"
    yield BlobStore(prefix)
    memory = fsspec.filesystem("memory")
    if memory.exists(prefix):
        memory.rm(prefix, recursive=True)


@given(data=st.binary(max_size=2_000), mime=st.sampled_from(["image/png", "image/jpeg", "image/webp"]))
def test_what_was_written_is_read_under_its_hash(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, mime: str
) -> None:
    for blobs in (BlobStore(tmp_path_factory.getbasetemp() / "many"), BlobStore("memory://many")):
        sha256 = blobs.write(data, mime)
        assert sha256 == hashlib.sha256(data).hexdigest()
        assert blobs.read(sha256, mime) == data
        assert blobs.exists(sha256, mime)


def test_same_content_twice_is_one_file(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    sha256 = blobs.write(b"content", "image/png")
    path = blobs.local_path(sha256, "image/png")
    assert path == tmp_path / "blobs" / sha256[:2] / sha256[2:4] / f"{sha256}.png"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert blobs.write(b"content", "image/png") == sha256
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert list_files(tmp_path) == [path]


def test_a_file_cut_short_is_written_anew(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    sha256 = blobs.write(b"content", "image/png")
    path = blobs.local_path(sha256, "image/png")
    assert path is not None
    path.write_bytes(b"con")
    blobs.write(b"content", "image/png")
    assert blobs.read(sha256, "image/png") == b"content"


def test_a_damaged_file_is_not_handed_out(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    sha256 = blobs.write(b"content", "image/png")
    path = blobs.local_path(sha256, "image/png")
    assert path is not None
    path.write_bytes(b"c0ntent")
    with pytest.raises(StorageError, match="damaged"):
        blobs.read(sha256, "image/png")


def test_missing_content_is_not_found(blobs: BlobStore) -> None:
    sha256 = "0" * 64
    assert not blobs.exists(sha256, "image/png")
    assert blobs.local_path(sha256, "image/png") is None
    with pytest.raises(NotFound, match=sha256):
        blobs.read(sha256, "image/png")


@pytest.mark.parametrize(
    ("sha256", "mime"),
    [
        ("../../../../etc/passwd", "image/png"),
        ("..%2f..%2fetc%2fpasswd", "image/png"),
        ("/etc/passwd", "image/png"),
        ("0" * 63, "image/png"),
        ("0" * 64 + "\n", "image/png"),
        ("A" * 64, "image/png"),
        ("0" * 63 + "/", "image/png"),
        ("", "image/png"),
        ("0" * 64, "text/html"),
        ("0" * 64, "image/svg+xml"),
        ("0" * 64, "../../x"),
        ("\x00" * 64, "image/png"),
        ("٠" * 64, "image/png"),
    ],
)
def test_only_hashes_and_our_types_reach_the_disk(blobs: BlobStore, sha256: str, mime: str) -> None:
    for ask in (blobs.read, blobs.exists, blobs.local_path):
        with pytest.raises(NotFound):
            ask(sha256, mime)


def test_only_a_folder_has_local_paths(tmp_path: Path) -> None:
    remote = BlobStore("memory://paths")
    assert remote.local_path(remote.write(b"x", "image/png"), "image/png") is None
    local = BlobStore(f"file://{tmp_path}/blobs")
    path = local.local_path(local.write(b"x", "image/png"), "image/png")
    assert path is not None
    assert path.read_bytes() == b"x"


def test_an_unknown_protocol_is_refused_by_name() -> None:
    with pytest.raises(StorageError, match="nothere://bucket"):
        BlobStore("nothere://bucket")


def test_many_writers_of_one_content_leave_one_whole_file(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    start = threading.Barrier(8)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            start.wait()
            BlobStore(tmp_path).write(data, "image/webp")
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [path.read_bytes() for path in list_files(tmp_path)] == [data]


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        BlobStore(tmp_path).write(b"content", "image/png")
    assert list_files(tmp_path) == []


def test_check_writable(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.check_writable()
    assert list_files(tmp_path) == []
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        BlobStore(tmp_path / "file" / "blobs").check_writable()
    with pytest.raises(StorageError, match="cannot be written"):
        BlobStore(tmp_path / "file" / "blobs").write(b"content", "image/png")


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    blobs = BlobStore(tmp_path / "file")
    for ask in (blobs.read, blobs.exists, blobs.local_path):
        with pytest.raises(StorageError, match="cannot be read"):
            ask("0" * 64, "image/png")


def test_errors_of_a_remote_client_are_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoCredentials(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentials("no credentials found")

    blobs = BlobStore("memory://errors")
    for name in ("size", "pipe_file", "cat_file"):
        monkeypatch.setattr(type(fsspec.filesystem("memory")), name, refuse)
    for act in (
        lambda: blobs.write(b"x", "image/png"),
        lambda: blobs.read("0" * 64, "image/png"),
        lambda: blobs.exists("0" * 64, "image/png"),
        blobs.check_writable,
    ):
        with pytest.raises(StorageError, match=r"memory://errors cannot be .*no credentials found"):
            act()


FILL = textwrap.dedent(
    """
    import json, os, pathlib, resource, sys
    from storage.blobs import BlobStore
    from storage.errors import StorageFull

    folder, limit = sys.argv[1], int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    else:
        assert os.system(f"mount -t tmpfs -o size=512k none {folder}") == 0
    blobs, kept, errors = BlobStore(folder), [], []
    for number in range(20):
        data = bytes([number]) * (40_000 if number % 2 else 90_000)
        try:
            kept.append((blobs.write(data, "image/png"), len(data)))
        except StorageFull as exc:
            errors.append(str(exc))
    files = {path.name: path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file()}
    if not limit:
        for path in list(pathlib.Path(folder).rglob("*.png"))[:3]:
            path.unlink()
    again = blobs.write(b"room again", "image/png")
    print(json.dumps([files, kept, errors, blobs.read(again, "image/png").decode()]))
    """
)


def run_full_disk(command: list[str], folder: Path, limit: int) -> None:
    folder.mkdir()
    done = subprocess.run(
        [*command, sys.executable, "-c", FILL, str(folder), str(limit)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    files, kept, errors, again = json.loads(done.stdout)
    assert errors, "the disk never filled up"
    assert all("full" in error and "free some room" in error for error in errors)
    assert files == {f"{sha256}.png": size for sha256, size in kept}, "every file is whole, and no other is there"
    assert again == "room again"


def can_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k none /tmp"]
    return subprocess.run(probe, capture_output=True, timeout=20).returncode == 0


def test_a_full_disk_is_named_and_leaves_no_partial_file(tmp_path: Path) -> None:
    """On a tiny disk in a mount namespace of its own, which goes away with the process."""
    if not can_mount():
        pytest.skip("this machine allows no mount in a namespace; the file size limit below stands in")
    run_full_disk(["unshare", "-rm"], tmp_path / "disk", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_file_size_limit_is_named_and_leaves_no_partial_file(tmp_path: Path) -> None:
    run_full_disk([], tmp_path / "disk", 65_536)


def test_put_image_stores_a_row_and_a_file(db: Database, blobs: BlobStore) -> None:
    sent = make_png()
    with db.write() as session:
        ref = put_image(session=session, blobs=blobs, data=sent)
        session.commit()
    data = blobs.read(ref)
    assert data != sent
    assert ref.model_dump() == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "mime": "image/png",
        "width_px": 64,
        "height_px": 48,
        "size_bytes": len(data),
        "phash": ref.phash,
    }
    with db.read() as session:
        assert get_blob(session=session, sha256=ref.sha256) == ref


def test_put_image_twice_adds_one_row(db: Database, blobs: BlobStore) -> None:
    refs: list[BlobRef] = []
    for _ in range(2):
        with db.write() as session:
            refs += [put_image(session=session, blobs=blobs, data=make_png()) for _ in range(2)]
            session.commit()
    assert len({ref.sha256 for ref in refs}) == 1
    with db.read() as session:
        assert len(session.exec(select(BlobRow)).all()) == 1


def test_two_people_may_store_the_same_picture_at_once(db: Database, tmp_path: Path) -> None:
    image = clean_image(make_png())
    start = threading.Barrier(4)
    refs: list[BlobRef] = []
    failures: list[BaseException] = []

    def store() -> None:
        try:
            start.wait()
            with db.write() as session:
                refs.append(add_image(session=session, blobs=BlobStore(tmp_path / "blobs"), image=image))
                session.commit()
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=store) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(refs) == 4
    assert len({ref.sha256 for ref in refs}) == 1


def test_near_duplicates_have_near_hashes(db: Database, blobs: BlobStore) -> None:
    first = Image.frombytes("RGB", (8, 6), random.Random(1).randbytes(144)).resize((200, 150), Image.Resampling.BICUBIC)
    brighter = first.point(lambda value: min(255, value + 8))
    other = Image.frombytes("RGB", (8, 6), random.Random(2).randbytes(144)).resize((200, 150), Image.Resampling.BICUBIC)
    hashes = []
    for picture in (first, brighter, other):
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        with db.write() as session:
            hashes.append(int(put_image(session=session, blobs=blobs, data=buffer.getvalue()).phash, 16))
            session.commit()
    assert (hashes[0] ^ hashes[1]).bit_count() < 8 < (hashes[0] ^ hashes[2]).bit_count()


def test_a_refused_image_leaves_nothing(db: Database, tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    with pytest.raises(ImageRefused), db.write() as session:
        put_image(session=session, blobs=blobs, data=b"GIF89a")
    assert not (tmp_path / "blobs").exists()
    with db.read() as session:
        assert session.exec(select(BlobRow)).all() == []


@pytest.mark.parametrize("sha256", ["0" * 64, "../etc", "", "\x00", "\ud800"])
def test_get_blob_of_an_unknown_hash(db: Database, sha256: str) -> None:
    with db.read() as session, pytest.raises(NotFound):
        get_blob(session=session, sha256=sha256)
