"""Images by content: `ab/cd/<sha256>.<ext>` in a folder, or in any store that fsspec knows."""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from storage.errors import NotFound, StorageError, StorageFull
from storage.images import CleanImage, ImageLimits, clean_image
from storage.records import BlobRef
from storage.tables import BlobRow
from storage.texts import utc_now

__all__ = [
    "BlobStore",
    "CleanImage",
    "ImageLimits",
    "add_image",
    "clean_image",
    "get_blob",
    "put_image",
]

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
# EFBIG: a file size limit (ulimit -f) has the same cause and the same remedy as a full disk.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BlobStore:
    """Stores bytes under their sha256. A name that exists always holds its whole content."""

    def __init__(self, url: str | Path) -> None:
        """Open the store at `url`, a folder or an fsspec URL (`s3://bucket/prefix`); nothing is written yet."""
        self.url = str(url)
        self.folder: Path | None = None
        if "://" not in self.url or self.url.startswith("file://"):
            self.folder = Path(self.url.removeprefix("file://")).expanduser().absolute()
            return
        try:
            self._remote, self._prefix = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as exc:
            raise StorageError(
                f"blob store {self.url!r} cannot be opened ({exc}); use a folder, or install the extra for its protocol"
            ) from exc

    def write(self, data: bytes, mime: str) -> str:
        """Store `data` and return its sha256. Content that is there already is not written again.

        Raises:
            StorageFull: no room; nothing of the file is left behind.
            StorageError: the store cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        key = _make_key(sha256, mime)
        with self._wrap_errors("written"):
            if self._measure(key) != len(data):
                self._write_file(key, data)
        return sha256

    def read(self, ref: BlobRef | str, mime: str | None = None) -> bytes:
        """Return the bytes of a `BlobRef`, or of a sha256 with its `mime`.

        Raises:
            NotFound: nothing is stored under that name.
            StorageError: the stored bytes are damaged, or the store cannot be read.
        """
        sha256, mime = (ref.sha256, ref.mime) if isinstance(ref, BlobRef) else (ref, mime)
        key = _make_key(sha256, mime)
        with self._wrap_errors("read"):
            data = self._read_file(key)
        if data is None:
            raise NotFound(f"no image {key} in the blob store {self.url}; restore it from a backup")
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StorageError(f"the image {key} in {self.url} is damaged (its hash differs); restore it from a backup")
        return data

    def exists(self, sha256: str, mime: str) -> bool:
        """Return whether the content is stored.

        Raises:
            NotFound: `sha256` is not a hash or `mime` is not an image type that is stored.
            StorageError: the store cannot be read.
        """
        key = _make_key(sha256, mime)
        with self._wrap_errors("read"):
            return self._measure(key) is not None

    def local_path(self, sha256: str, mime: str) -> Path | None:
        """Return the file that holds the content; None when the store is remote or has no such content.

        Raises:
            NotFound: `sha256` is not a hash or `mime` is not an image type that is stored.
            StorageError: the store cannot be read.
        """
        if not self.exists(sha256, mime) or self.folder is None:
            return None
        return self.folder / _make_key(sha256, mime)

    def check_writable(self) -> None:
        """Write and remove a small file.

        Raises:
            StorageFull: no room.
            StorageError: the store cannot be written.
        """
        probe = f".probe-{secrets.token_hex(8)}"
        with self._wrap_errors("written"):
            if self.folder is None:
                self._remote.pipe_file(f"{self._prefix}/{probe}", b"probe")
                self._remote.rm_file(f"{self._prefix}/{probe}")
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / probe).write_bytes(b"probe")
            finally:
                (self.folder / probe).unlink(missing_ok=True)

    @contextmanager
    def _wrap_errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if exc.errno in _FULL:
                raise StorageFull(
                    f"the disk that holds the images ({self.url}) is full, nothing was saved; "
                    "free some room and send it again"
                ) from exc
            raise StorageError(f"the blob store {self.url} cannot be {verb} ({exc}); check it and its rights") from exc
        except Exception as exc:
            if self.folder is not None:
                raise
            # Clients of remote stores have errors of their own: no credentials, no connection, no such bucket.
            raise StorageError(f"the blob store {self.url} cannot be {verb} ({exc}); check it and its rights") from exc

    def _measure(self, key: str) -> int | None:
        """Return the size of a stored file in bytes, or None."""
        try:
            if self.folder is not None:
                return (self.folder / key).stat().st_size
            return int(self._remote.size(f"{self._prefix}/{key}"))
        except FileNotFoundError:
            return None

    def _read_file(self, key: str) -> bytes | None:
        try:
            if self.folder is not None:
                return (self.folder / key).read_bytes()
            return bytes(self._remote.cat_file(f"{self._prefix}/{key}"))
        except FileNotFoundError:
            return None

    def _write_file(self, key: str, data: bytes) -> None:
        if self.folder is None:
            self._remote.pipe_file(f"{self._prefix}/{key}", data)  # object stores show an object when it is whole
            return
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{secrets.token_hex(8)}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def put_image(
    *,
    session: Session,
    blobs: BlobStore,
    data: bytes,
    limits: ImageLimits | None = None,
    now: datetime | None = None,
) -> BlobRef:
    """Clean an image as it was sent, store it, and add its row to `session` if it is new.

    Decoding a large picture takes seconds; a caller that must not hold the database that long calls `clean_image`
    first and `add_image` inside the transaction.

    Raises:
        ImageRefused: the bytes are not an image that may be stored.
        StorageFull, StorageError: the blob store cannot take it.
    """
    return add_image(session=session, blobs=blobs, image=clean_image(data, limits), now=now)


def add_image(*, session: Session, blobs: BlobStore, image: CleanImage, now: datetime | None = None) -> BlobRef:
    """Store a cleaned image and add its row to `session` if it is new; the row that is there already wins.

    Raises:
        StorageFull, StorageError: the blob store cannot take it.
    """
    sha256 = blobs.write(image.data, image.mime)
    values = {
        "sha256": sha256,
        "mime": image.mime,
        "width_px": image.width_px,
        "height_px": image.height_px,
        "size_bytes": len(image.data),
        "phash": image.phash,
        "created_at": now or utc_now(),
    }
    # Two people may store the same picture at the same time.
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(BlobRow).values(**values).on_conflict_do_nothing())
    return get_blob(session=session, sha256=sha256)


def get_blob(*, session: Session, sha256: str) -> BlobRef:
    """Return what is known of a stored image.

    Raises:
        NotFound: no image has this hash.
    """
    row = session.get(BlobRow, sha256) if _SHA256.fullmatch(sha256) else None
    if row is None:
        raise NotFound(f"no stored image has the hash {sha256[:80]!r}; a hash is 64 hex digits")
    return BlobRef.model_validate(row.model_dump(exclude={"created_at"}))


def _make_key(sha256: str, mime: str | None) -> str:
    """Return the path of a blob in its store. The only way from outside to a file name, so it checks both."""
    if not _SHA256.fullmatch(sha256) or mime not in EXTENSIONS:
        raise NotFound(f"no stored image has the hash {sha256[:80]!r} and the type {mime!r}; a hash is 64 hex digits")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}.{EXTENSIONS[mime]}"


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
