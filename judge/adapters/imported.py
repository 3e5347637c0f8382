"""A benchmark as it was imported: its items as JSON lines, with hashes of everything, in a folder of its own.

    items.jsonl      one item a line, in the order of the benchmark's files
    pictures/        only those that came as bytes out of a table, named by their SHA-256
    manifest.json    licence, version, hashes of the files that were read and of items.jsonl, counts

Pictures that are files stay where they are; a line holds the absolute path and the SHA-256.
"""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from judge.adapters.registry import get_facts, read_benchmark
from storage.errors import BenchmarkRefused
from storage.locks import hold_lock
from storage.public_data.reading import find_files, shorten
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, Picture

ITEMS, MANIFEST, PICTURES = "items.jsonl", "manifest.json", "pictures"
FORMAT = 1
_LOCK = ".importing"
_STARTS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp", b"GIF8": "gif", b"BM": "bmp"}


@dataclass(slots=True)
class ImportSummary:
    """What an import found, and where it went."""

    facts: BenchmarkFacts
    files: dict[str, str] = field(default_factory=dict)
    """Name of a file that was read -> its SHA-256."""
    items: Counter[str] = field(default_factory=Counter)
    """Subset -> items."""
    categories: Counter[str] = field(default_factory=Counter)
    found: int = 0
    missing: int = 0
    first_missing: str = ""
    """Item and picture, for messages."""
    empty: list[str] = field(default_factory=list)
    """Items without a question."""
    folder: Path | None = None
    """None when nothing was written."""
    known: bool = False
    """Whether the same was imported before, so that nothing changed."""
    problem: str = ""
    """Why nothing was written; empty when it was."""


def import_benchmark(
    name: str,
    path: Path,
    *,
    target: Path,
    pictures: Path | None = None,
    allow_missing: bool = False,
    observer: Callable[[int], None] | None = None,
) -> ImportSummary:
    """Read a benchmark and write it to `target`/`name`, which appears whole or not at all.

    Args:
        name: of the benchmark.
        path: its file or folder.
        target: the folder of all imported benchmarks; made when it is not there.
        pictures: where the pictures are; None: beside the files.
        allow_missing: write also when pictures are missing; otherwise that is the summary's `problem`.
        observer: called with the number of items so far.

    Raises:
        BenchmarkRefused: the benchmark cannot be read, another state of it was imported before, or the disk is full.
    """
    summary = ImportSummary(get_facts(name))
    for file in find_files(path, summary.facts.files):
        shown = file.relative_to(path).as_posix() if path.is_dir() else file.name
        summary.files[shown] = _hash_file(file)
    items = read_benchmark(name, path, pictures=pictures)
    try:
        with _hold_lock(target):
            part = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".partial", dir=target))
            try:
                sha256 = _write_items(part, items, summary, observer)
                if summary.missing and not allow_missing:
                    summary.problem = _describe_missing(summary)
                else:
                    _settle(part, target / name, summary, sha256)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as exc:
        raise BenchmarkRefused(f"{exc.filename or target}: {exc.strerror}; make room or choose another folder") from exc
    return summary


def read_imported(folder: Path) -> Iterator[BenchmarkItem]:
    """Yield the items of an imported benchmark, after checking that they are what was imported.

    Raises:
        BenchmarkRefused: there is none in the folder, or it was changed.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        unchanged = manifest["format"] == FORMAT and manifest["items_sha256"] == _hash_file(folder / ITEMS)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BenchmarkRefused(
            f"{folder} holds no imported benchmark: {exc!r}; run `curator import benchmark` again"
        ) from exc
    if not unchanged:
        raise BenchmarkRefused(f"{folder / ITEMS} is not what was imported; delete {folder} and import it again")
    with (folder / ITEMS).open(encoding="utf-8") as handle:
        for line in handle:
            said = json.loads(line)
            shown = tuple(
                Picture(entry["name"], folder / entry["file"] if entry["file"] else None) for entry in said["pictures"]
            )
            yield BenchmarkItem(**said | {"pictures": shown})


def _write_items(
    part: Path, items: Iterable[BenchmarkItem], summary: ImportSummary, observer: Callable[[int], None] | None
) -> str:
    """Write items.jsonl and pictures, count, and return the hash of the former."""
    digest = hashlib.sha256()
    hashes: dict[Path, str] = {}
    with (part / ITEMS).open("wb") as handle:
        for done, item in enumerate(items, 1):
            entries = [_keep_picture(part, item, picture, hashes) for picture in item.pictures]
            _count(summary, item)
            line = (_encode(item, entries) + "\n").encode()
            handle.write(line)
            digest.update(line)
            if observer:
                observer(done)
    return digest.hexdigest()


def _count(summary: ImportSummary, item: BenchmarkItem) -> None:
    summary.items[item.subset] += 1
    summary.categories[item.category] += 1
    if not item.query.strip():
        summary.empty.append(item.item_id)
    for picture in item.pictures:
        if picture.found:
            summary.found += 1
            continue
        summary.missing += 1
        summary.first_missing = summary.first_missing or f"{picture.name!r} of item {item.item_id}"


def _keep_picture(part: Path, item: BenchmarkItem, picture: Picture, hashes: dict[Path, str]) -> dict[str, Any]:
    if picture.path is not None:
        if picture.path not in hashes:
            with picture.path.open("rb") as handle:
                _name_kind(handle.read(12), item, picture)
            hashes[picture.path] = _hash_file(picture.path)
        return {"name": picture.name, "file": str(picture.path), "sha256": hashes[picture.path]}
    if picture.data is None:
        return {"name": picture.name, "file": None, "sha256": None}
    sha256 = hashlib.sha256(picture.data).hexdigest()
    file = Path(PICTURES) / f"{sha256}.{_name_kind(picture.data, item, picture)}"
    (part / PICTURES).mkdir(exist_ok=True)
    if not (part / file).exists():
        (part / file).write_bytes(picture.data)
    return {"name": picture.name, "file": file.as_posix(), "sha256": sha256}


def _name_kind(start: bytes, item: BenchmarkItem, picture: Picture) -> str:
    """Return the ending for a picture by its first bytes."""
    for signature, ending in _STARTS.items():
        if start.startswith(signature):
            return ending
    raise BenchmarkRefused(
        f"{picture.name!r} of item {item.item_id} is no picture, it begins with {start[:12]!r}; fetch the picture "
        "itself, not a page or a pointer to it"
    )


def _encode(item: BenchmarkItem, pictures: list[dict[str, Any]]) -> str:
    """Return the item as one line of JSON; all that is no ASCII is escaped, so that every text can be written."""
    values = {name: getattr(item, name) for name in BenchmarkItem.__slots__} | {"pictures": pictures}
    try:
        return json.dumps(values | {"own": dict(item.own)}, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise BenchmarkRefused(
            f"item {item.item_id}: {shorten(dict(item.own))} cannot be written as JSON ({exc}); restore the row"
        ) from exc


def _settle(part: Path, final: Path, summary: ImportSummary, sha256: str) -> None:
    """Write the manifest and give the folder its name, unless the same is there."""
    if final.exists():
        known = json.loads((final / MANIFEST).read_text(encoding="utf-8")) if (final / MANIFEST).exists() else {}
        if known.get("items_sha256") != sha256:
            raise BenchmarkRefused(
                f"{final} holds another state of {summary.facts.name} (imported {known.get('imported_at', 'partly')}); "
                "rename or delete that folder, then import again"
            )
        summary.folder, summary.known = final, True
        return
    facts = summary.facts
    manifest = {
        "format": FORMAT,
        "benchmark": facts.name,
        "title": facts.title,
        "source": facts.source,
        "licence": facts.licence,
        "version": facts.version,
        "traps": facts.traps,
        "own_verdict": asdict(facts.verdict),
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files_sha256": summary.files,
        "items_sha256": sha256,
        "items": summary.items,
        "published": dict(facts.published),
        "categories": summary.categories,
        "pictures": {"found": summary.found, "missing": summary.missing},
        "without_question": summary.empty,
    }
    (part / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.chmod(0o755)
    part.rename(final)
    summary.folder = final


def _describe_missing(summary: ImportSummary) -> str:
    return (
        f"{summary.missing} of {summary.found + summary.missing} pictures are missing, the first is "
        f"{summary.first_missing}; unpack them beside the file, name their folder by --pictures, or import the rest by "
        "--allow-missing"
    )


def _hash_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def _hold_lock(target: Path) -> Iterator[None]:
    """Let one import at a time write here, and remove what a killed one left."""
    busy = BenchmarkRefused(f"another import writes to {target}; wait until it is done")
    with hold_lock(target / _LOCK, busy=busy):
        for unfinished in target.glob(".*.partial"):
            shutil.rmtree(unfinished)
        yield
