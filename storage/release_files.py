"""Reading, verifying and comparing release folders. Needs no database: a GPU machine has only the folder.

    v1.0/
      data/benchmark-00000-of-00001.parquet   the rows, pictures inside
      README.md  croissant.json  LICENSES.md
      manifest.json                           written last: every file's hash, every row's hash

The manifest is canonical JSON on one line, and `digest` is the sha256 of its content. Whoever cites a release
cites the digest; `verify_release(folder, digest=…)` then refuses even a folder that was rewritten as a whole.
"""

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from storage.errors import ReleaseInvalid
from storage.records import ReleaseManifest
from storage.release_rows import ReleasedItem, list_shards, read_columns, read_rows
from storage.texts import canonical_json, hash_json

MANIFEST = "manifest.json"
DOCUMENTS = ("README.md", "LICENSES.md", "croissant.json")
MAX_MANIFEST_BYTES = 256_000_000
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class VerifyReport:
    """A release that verified."""

    folder: Path
    version: str
    split: str
    items: int
    digest: str
    files: int
    """Number of files, the manifest included."""
    size_bytes: int


@dataclass(frozen=True)
class Release:
    """An opened release. Iterating `items` reads the data files again from the start."""

    folder: Path
    manifest: ReleaseManifest

    @property
    def items(self) -> Iterator[ReleasedItem]:
        """Yield every row with its picture, in the release's order, a batch in memory at a time."""
        return self.iterate_items()

    def iterate_items(self, *, pictures: bool = True) -> Iterator[ReleasedItem]:
        """Yield every row in order; without `pictures` they are not even read from the disk.

        Raises:
            ReleaseInvalid: a data file is missing or damaged.
        """
        for name in _data_files(self.manifest):
            yield from read_rows(folder=self.folder, name=name, pictures=pictures, form=self.manifest.format)

    def iterate_columns(self, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Yield these columns of every row in order; nothing else is read. What the format lacks is None.

        Raises:
            ReleaseInvalid: a data file is missing or damaged.
        """
        for name in _data_files(self.manifest):
            yield from read_columns(folder=self.folder, name=name, columns=columns, form=self.manifest.format)


@dataclass(frozen=True)
class FieldChange:
    """One column of one item, in the first and in the second release."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ItemChange:
    """An item that both releases hold, with different content."""

    item: ReleasedItem
    """As the second release has it, without its picture."""
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class ReleaseDiff:
    """What changed from one release to another; items without their pictures, in the order of their release."""

    added: tuple[ReleasedItem, ...]
    removed: tuple[ReleasedItem, ...]
    changed: tuple[ItemChange, ...]
    unchanged: int


def encode_manifest(manifest: ReleaseManifest) -> bytes:
    """Return the one form that `manifest.json` may have."""
    return (canonical_json(manifest.model_dump(mode="json")) + "\n").encode("utf-8")


def compute_digest(content: dict[str, Any]) -> str:
    """Return the digest (64 hex digits) of a manifest given as JSON values, with or without its `digest`."""
    return hash_json({name: value for name, value in content.items() if name != "digest"})


def hash_file(path: Path) -> dict[str, str | int]:
    """Return `{"sha256": …, "bytes": …}` of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}


def list_files(manifest: ReleaseManifest) -> list[str]:
    """Return the only names that a release folder may hold beside its manifest."""
    return [*DOCUMENTS, *_data_files(manifest)]


def _data_files(manifest: ReleaseManifest) -> list[str]:
    # By the rows that are listed, not by the number that is claimed: that one could be anything.
    return list_shards(manifest.split, len(manifest.rows))


def read_release(folder: Path, *, verify: bool = True, digest: str | None = None) -> Release:
    """Open a release folder, after verifying it unless told not to.

    Raises:
        ReleaseInvalid: the folder does not verify; without `verify`, its manifest cannot be read or names
            files that a release does not hold (a path that leaves the folder, for one).
    """
    folder = Path(folder)
    if verify:
        verify_release(folder, digest=digest)
    manifest, problems = _read_manifest(folder)
    if manifest is None:
        raise ReleaseInvalid(problems)
    if problems := problems + _check_names(manifest):
        raise ReleaseInvalid(problems)
    return Release(folder=folder, manifest=manifest)


def verify_release(folder: Path, *, digest: str | None = None) -> VerifyReport:
    """Check every byte and every row of a release folder against its manifest.

    Args:
        folder: the release folder.
        digest: the digest that the release was published under, when known.

    Raises:
        ReleaseInvalid: `problems` lists everything that does not fit.
    """
    folder = Path(folder)
    manifest, problems = _read_manifest(folder)
    if manifest is None:
        raise ReleaseInvalid(problems)
    if digest is not None and manifest.digest != digest:
        problems.append(f"{MANIFEST}: this is release {manifest.digest}, not {digest}; get the one that is cited")
    problems += _check_names(manifest)
    problems += _check_layout(folder, {*list_files(manifest), MANIFEST})
    for name in list_files(manifest):
        problems += _check_file(folder, name, manifest)
    problems += _check_rows(folder, manifest)
    if problems:
        raise ReleaseInvalid(problems)
    size = (folder / MANIFEST).stat().st_size + sum(int(entry["bytes"]) for entry in manifest.files.values())
    return VerifyReport(
        folder=folder,
        version=manifest.version,
        split=manifest.split.value,
        items=manifest.items,
        digest=manifest.digest,
        files=len(manifest.files) + 1,
        size_bytes=size,
    )


def diff_releases(before: Release, after: Release) -> ReleaseDiff:
    """Return what changed, field by field. Only rows that differ are kept in memory, without pictures.

    A row that says the same in another format has not changed.

    Raises:
        ReleaseInvalid: a data file is missing or damaged.
    """
    old, new = dict(before.manifest.rows), dict(after.manifest.rows)
    changed = {item_id for item_id in old.keys() & new.keys() if old[item_id] != new[item_id]}
    old_rows = _pick_rows(before, changed | (old.keys() - new.keys()))
    new_rows = _pick_rows(after, changed | (new.keys() - old.keys()))
    differing = [
        ItemChange(item=row, fields=_compare(old_rows[item_id], row))
        for item_id, row in new_rows.items()
        if item_id in changed
    ]
    told = tuple(change for change in differing if change.fields)
    return ReleaseDiff(
        added=tuple(row for item_id, row in new_rows.items() if item_id not in old),
        removed=tuple(row for item_id, row in old_rows.items() if item_id not in new),
        changed=told,
        unchanged=len(old.keys() & new.keys()) - len(told),
    )


def _pick_rows(release: Release, wanted: set[str]) -> dict[str, ReleasedItem]:
    if not wanted:
        return {}
    rows = {row.id: row for row in release.iterate_items(pictures=False) if row.id in wanted}
    if missing := sorted(wanted - rows.keys()):
        raise ReleaseInvalid([f"row {item_id} of the manifest is not in the data files" for item_id in missing])
    return rows


def _compare(before: ReleasedItem, after: ReleasedItem) -> tuple[FieldChange, ...]:
    names = [field.name for field in fields(ReleasedItem) if field.name not in ("content_sha256", "absent")]
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return tuple(FieldChange(*pair) for pair in pairs if pair[1] != pair[2])


def _read_manifest(folder: Path) -> tuple[ReleaseManifest | None, list[str]]:
    """Return the manifest, if it can be read at all, and what is wrong with it."""
    path = folder / MANIFEST
    if not folder.is_dir():
        return None, [f"{folder}: there is no such folder"]
    if path.is_symlink() or not path.is_file():
        return None, [f"{MANIFEST}: missing, or not a plain file; the release is incomplete"]
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        return None, [f"{MANIFEST}: larger than {MAX_MANIFEST_BYTES} bytes; this is no release"]
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
        manifest = ReleaseManifest.model_validate_json(raw)
        canonical, digest = encode_manifest(manifest), compute_digest(content)
    except (ValidationError, ValueError, RecursionError) as exc:
        reason = exc.errors()[0] if isinstance(exc, ValidationError) else {"loc": (), "msg": str(exc)}
        place = ".".join(str(part) for part in reason["loc"])
        return None, [f"{MANIFEST}: cannot be read ({place + ': ' if place else ''}{reason['msg']})"]
    problems = []
    if canonical != raw:
        problems.append(f"{MANIFEST}: its bytes are not in the canonical form; somebody edited it")
    if digest != manifest.digest:
        problems.append(f"{MANIFEST}: its content does not match its digest {manifest.digest}")
    return manifest, problems


def _check_names(manifest: ReleaseManifest) -> list[str]:
    """Compare the manifest's file names with the only ones possible, and its numbers with one another."""
    expected, named = set(list_files(manifest)), set(manifest.files)
    problems = [f"{MANIFEST}: names the file {name!r}, which a release does not hold" for name in named - expected]
    problems += [f"{MANIFEST}: does not name the file {name}" for name in expected - named]
    if manifest.items != len(manifest.rows):
        problems.append(f"{MANIFEST}: says {manifest.items} items and lists {len(manifest.rows)} rows")
    twice = [item_id for item_id, times in Counter(item_id for item_id, _ in manifest.rows).items() if times > 1]
    problems += [f"{MANIFEST}: lists row {item_id} more than once" for item_id in twice]
    return sorted(problems)


def _check_layout(folder: Path, expected: set[str]) -> list[str]:
    """List what is in the folder and should not be: other files, other folders, links, devices."""
    problems = []
    for place, folders, files in os.walk(folder, followlinks=False):
        for name in sorted(folders + files):
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                problems.append(f"{relative}: a symbolic link; a release holds plain files only")
            elif stat.S_ISDIR(mode):
                problems += [] if relative == "data" else [f"{relative}/: a folder that is not part of the release"]
            elif not stat.S_ISREG(mode):
                problems.append(f"{relative}: neither a file nor a folder")
            elif relative not in expected:
                problems.append(f"{relative}: a file that is not part of the release")
    return problems


def _is_plain(folder: Path, name: str) -> bool:
    """Whether `name` is a file in the folder itself, with no link on the way."""
    path = folder / name
    return path.is_file() and not path.is_symlink() and not (folder / "data").is_symlink()


def _check_file(folder: Path, name: str, manifest: ReleaseManifest) -> list[str]:
    expected = manifest.files.get(name)
    if not _is_plain(folder, name):
        return [f"{name}: missing"] if not (folder / name).is_symlink() else []
    if expected is None:
        return []  # the manifest's fault, already listed
    found = hash_file(folder / name)
    if found != expected:
        return [
            f"{name}: sha256 {found['sha256']} ({found['bytes']} bytes) differs from the manifest's "
            f"{expected.get('sha256')} ({expected.get('bytes')} bytes)"
        ]
    return []


def _check_rows(folder: Path, manifest: ReleaseManifest) -> list[str]:
    """Compare the rows that are there with the manifest's, whatever the hashes of the files say."""
    problems: list[str] = []
    found: list[tuple[str, str]] = []
    counts: dict[str, Counter[str]] = {}
    complete = True
    for name in _data_files(manifest):
        if not _is_plain(folder, name):
            complete = False
            continue
        try:
            for row in read_rows(folder=folder, name=name, form=manifest.format):
                problems += [f"row {row.label} ({row.id}): {problem}" for problem in row.find_problems()]
                found.append((row.id, row.compute_content_sha256()))
                counts.setdefault(row.category, Counter())[row.sub_category] += 1
        except ReleaseInvalid as exc:
            problems += exc.problems
            complete = False
    problems += _compare_rows(list(manifest.rows), found, complete=complete)
    if complete and {category: dict(counter) for category, counter in counts.items()} != manifest.counts:
        problems.append(f"{MANIFEST}: its counts per category are not those of the rows")
    return problems


def _compare_rows(expected: list[tuple[str, str]], found: list[tuple[str, str]], *, complete: bool) -> list[str]:
    """List changed, extra, repeated, missing and reordered rows. Missing ones only when every file was read."""
    hashes = dict(expected)
    problems, seen = [], set()
    for item_id, content in found:
        if item_id in seen:
            problems.append(f"row {item_id}: there more than once")
        elif item_id not in hashes:
            problems.append(f"row {item_id}: not part of the release")
        elif hashes[item_id] != content:
            problems.append(f"row {item_id}: its content differs from the manifest's")
        seen.add(item_id)
    if not complete:
        return problems
    problems += [f"row {item_id}: missing" for item_id, _ in expected if item_id not in seen]
    order, expected_order = [item_id for item_id, _ in found], [item_id for item_id, _ in expected]
    if sorted(order) == sorted(expected_order) and order != expected_order:
        place = next(i for i, pair in enumerate(zip(order, expected_order, strict=True)) if pair[0] != pair[1])
        problems.append(f"the rows are in another order, from row {place + 1} on ({order[place]})")
    return problems
