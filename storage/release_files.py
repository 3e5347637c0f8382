"""Reading, verifying and comparing release folders. Needs no database: a GPU machine has only the folder.

    v1.0/
      data/benchmark-00000-of-00001.parquet   the rows, pictures inside
      README.md  croissant.json  LICENSES.md
      manifest.json                           written last: every file's hash, every row's hash

The manifest is canonical JSON on one line, and `digest` is the sha256 of its content. Whoever cites a release
cites the digest; `verify_release(folder, digest=…)` then refuses even a folder that was rewritten as a whole.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from storage.errors import ReleaseInvalid
from storage.release_manifest import MANIFEST, ReadManifest, ReleaseFacts, iterate_row_hashes, read_manifest
from storage.release_rows import ReleasedItem, list_shards, read_columns, read_rows

DOCUMENTS = ("README.md", "LICENSES.md", "croissant.json")
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
    manifest: ReleaseFacts

    @property
    def items(self) -> Iterator[ReleasedItem]:
        """Yield every row with its picture, in the release's order, a batch in memory at a time."""
        return self.iterate_items()

    def iterate_row_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield item id and content hash of every row, in order, from the manifest."""
        return iterate_row_hashes(self.folder)

    def iterate_items(self, *, pictures: bool = True) -> Iterator[ReleasedItem]:
        """Yield every row in order; without `pictures` they are not even read from the disk.

        Raises:
            ReleaseInvalid: a data file is missing or damaged.
        """
        for name in _data_files(self.manifest):
            yield from read_rows(folder=self.folder, name=name, pictures=pictures, form=self.manifest.format)

    def iterate_verified(self) -> Iterator[ReleasedItem]:
        """Yield every row with its picture, each only after it was found to be the manifest's.

        For whoever reads all rows once and keeps nothing when that fails: it finds what `verify_release` finds of rows
        without reading them twice. The documents and the data files' own hashes are not looked at.

        Raises:
            ReleaseInvalid: a row is not the manifest's, rows are missing or more than it lists, or a file is damaged.
        """
        expected = self.iterate_row_hashes()
        for row in self.items:
            wanted = next(expected, None)
            problems = row.find_problems() or (
                [] if wanted == (row.id, row.content_sha256) else [f"it is not the manifest's {wanted and wanted[0]}"]
            )
            if problems:
                raise ReleaseInvalid([f"row {row.label} ({row.id}): {problems[0]}"])
            yield row
        if (missing := next(expected, None)) is not None:
            raise ReleaseInvalid([f"row {missing[0]}: missing"])

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


def hash_file(path: Path) -> dict[str, str | int]:
    """Return `{"sha256": …, "bytes": …}` of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}


def list_files(manifest: ReleaseFacts, *, rows: int | None = None) -> list[str]:
    """Return the only names that a release folder may hold beside its manifest.

    Args:
        manifest: of the release.
        rows: how many it lists, while the number that it claims is not yet known to be true.
    """
    return [*DOCUMENTS, *_data_files(manifest, rows=rows)]


def _data_files(manifest: ReleaseFacts, *, rows: int | None = None) -> list[str]:
    return list_shards(manifest.split, manifest.items if rows is None else rows)


def read_release(folder: Path, *, verify: bool = True, digest: str | None = None) -> Release:
    """Open a release folder, after verifying it unless told not to.

    Raises:
        ReleaseInvalid: the folder does not verify; without `verify`, its manifest cannot be read or names
            files that a release does not hold (a path that leaves the folder, for one).
    """
    folder = Path(folder)
    if verify:
        verify_release(folder, digest=digest)
    read, problems = read_manifest(folder)
    if read is None:
        raise ReleaseInvalid(problems)
    if problems := problems + _check_names(read):
        raise ReleaseInvalid(problems)
    return Release(folder=folder, manifest=read.facts)


def verify_release(folder: Path, *, digest: str | None = None) -> VerifyReport:
    """Check every byte and every row of a release folder against its manifest.

    Args:
        folder: the release folder.
        digest: the digest that the release was published under, when known.

    Raises:
        ReleaseInvalid: `problems` lists everything that does not fit.
    """
    folder = Path(folder)
    read, problems = read_manifest(folder)
    if read is None:
        raise ReleaseInvalid(problems)
    manifest = read.facts
    if digest is not None and manifest.digest != digest:
        problems.append(f"{MANIFEST}: this is release {manifest.digest}, not {digest}; get the one that is cited")
    names = list_files(manifest, rows=read.rows)
    problems += _check_names(read)
    problems += _check_layout(folder, {*names, MANIFEST})
    for name in names:
        problems += _check_file(folder, name, manifest)
    problems += _check_rows(folder, read)
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
    old, new = dict(before.iterate_row_hashes()), dict(after.iterate_row_hashes())
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


def _check_names(read: ReadManifest) -> list[str]:
    """Compare the manifest's file names with the only ones possible, and its numbers with one another."""
    manifest = read.facts
    expected, named = set(list_files(manifest, rows=read.rows)), set(manifest.files)
    problems = [f"{MANIFEST}: names the file {name!r}, which a release does not hold" for name in named - expected]
    problems += [f"{MANIFEST}: does not name the file {name}" for name in expected - named]
    if manifest.items != read.rows:
        problems.append(f"{MANIFEST}: says {manifest.items} items and lists {read.rows} rows")
    problems += [f"{MANIFEST}: lists row {item_id} more than once" for item_id in read.repeated]
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


def _check_file(folder: Path, name: str, manifest: ReleaseFacts) -> list[str]:
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


def _check_rows(folder: Path, read: ReadManifest) -> list[str]:
    """Compare the rows that are there with the manifest's, whatever the hashes of the files say."""
    manifest = read.facts
    names = _data_files(manifest, rows=read.rows)
    problems: list[str] = []
    counts: dict[str, Counter[str]] = {}
    complete, alike = True, True
    expected = iterate_row_hashes(folder)
    for name in names:
        if not _is_plain(folder, name):
            complete = False
            continue
        try:
            for row in read_rows(folder=folder, name=name, form=manifest.format):
                problems += [f"row {row.label} ({row.id}): {problem}" for problem in row.find_problems()]
                alike = alike and next(expected, None) == (row.id, row.compute_content_sha256())
                counts.setdefault(row.category, Counter())[row.sub_category] += 1
        except ReleaseInvalid as exc:
            problems += exc.problems
            complete = False
    if not (complete and alike and next(expected, None) is None):
        found = list(_iterate_found(folder, names, manifest))
        problems += _compare_rows(list(iterate_row_hashes(folder)), found, complete=complete)
    if complete and {category: dict(counter) for category, counter in counts.items()} != manifest.counts:
        problems.append(f"{MANIFEST}: its counts per category are not those of the rows")
    return problems


def _iterate_found(folder: Path, names: list[str], manifest: ReleaseFacts) -> Iterator[tuple[str, str]]:
    """Yield item id and content hash of every row that can be read."""
    for name in names:
        if _is_plain(folder, name):
            with suppress(ReleaseInvalid):
                for row in read_rows(folder=folder, name=name, form=manifest.format):
                    yield row.id, row.compute_content_sha256()


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
