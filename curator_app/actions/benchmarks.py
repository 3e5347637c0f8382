"""Public benchmarks in the workspace: importing them, and handing them to runs, which must not repeat them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from curator_app.errors import AppError
from curator_app.workspace import Workspace
from judge.adapters.imported import MANIFEST, ImportSummary, import_benchmark, read_imported
from pipeline.benchmark_gate import BenchmarkRow
from storage.errors import BenchmarkRefused
from storage.images import hash_picture
from storage.public_data.records import BenchmarkItem
from storage.whole_files import write_whole

Hashes = dict[str, list[tuple[str, str]]]
"""Row -> SHA-256 and perceptual hash of each of its pictures."""


class ImportRefused(AppError):
    """A benchmark cannot be imported; the message says why and what to do."""


class BenchmarkGone(AppError):
    """An imported benchmark cannot be compared with; the message says why and what to do."""


def import_into_workspace(
    workspace: Workspace,
    *,
    name: str,
    path: Path,
    pictures: Path | None = None,
    allow_missing: bool = False,
    observer: Callable[[int], None] | None = None,
) -> ImportSummary:
    """Import a benchmark into the workspace's folder `benchmarks`; see `judge.adapters.imported.import_benchmark`.

    Raises:
        ImportRefused: it cannot be read or written.
    """
    try:
        return import_benchmark(
            name,
            path,
            target=_find_folder(workspace),
            pictures=pictures,
            allow_missing=allow_missing,
            observer=observer,
        )
    except BenchmarkRefused as exc:
        raise ImportRefused(str(exc)) from exc


def read_benchmarks(workspace: Workspace) -> tuple[BenchmarkRow, ...]:
    """Return the rows of all imported benchmarks, by name and in their order, with the hashes of their pictures.

    The first time after an import every picture is read once; hashes are kept in `dedup/benchmarks/`. A picture that
    the import did not find, or that nothing can decode, has no hash and is compared with nothing.

    Raises:
        BenchmarkGone: a benchmark was changed, or a picture that it had is gone.
    """
    folders = sorted(path.parent for path in _find_folder(workspace).glob(f"[!.]*/{MANIFEST}"))
    return tuple(row for folder in folders for row in _read_one(workspace, folder))


def _read_one(workspace: Workspace, folder: Path) -> Iterator[BenchmarkRow]:
    try:
        items = list(read_imported(folder))
        sha256 = str(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["items_sha256"])
    except BenchmarkRefused as exc:
        raise BenchmarkGone(f"new scenarios are compared with the benchmark {folder.name}, and {exc}") from exc
    kept = workspace.settings.home / "dedup" / "benchmarks" / f"{folder.name}.json"
    hashes = _read_hashes(kept, sha256)
    if hashes is None:
        hashes = _hash_pictures(folder, items)
        write_whole(kept, json.dumps({"items_sha256": sha256, "pictures": hashes}))
    for item in items:
        row = _name_row(item)
        yield BenchmarkRow(item.benchmark, row, item.query, tuple(hashes.get(row, ())))


def _read_hashes(path: Path, sha256: str) -> Hashes | None:
    """Return the hashes that were taken of this state of the benchmark, None when there are none."""
    try:
        kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if kept["items_sha256"] != sha256:
            return None
        return {row: [(str(one), str(other)) for one, other in found] for row, found in kept["pictures"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hash_pictures(folder: Path, items: list[BenchmarkItem]) -> Hashes:
    known: dict[Path, tuple[str, str] | None] = {}
    found: Hashes = {}
    for item in items:
        paths = [picture.path for picture in item.pictures if picture.path is not None]
        for path in paths:
            if path not in known:
                known[path] = _hash_file(path, folder, item)
        found[_name_row(item)] = [both for path in paths if (both := known[path]) is not None]
    return found


def _hash_file(path: Path, folder: Path, item: BenchmarkItem) -> tuple[str, str] | None:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise BenchmarkGone(
            f"new scenarios are compared with the benchmark {folder.name}, and the picture {path} of its row "
            f"{_name_row(item)} cannot be read ({exc.strerror}); put it back, or delete {folder} and import it again"
        ) from exc
    try:
        return hashlib.sha256(data).hexdigest(), hash_picture(data)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return None


def _name_row(item: BenchmarkItem) -> str:
    return f"{item.subset}/{item.item_id}" if item.subset else item.item_id


def _find_folder(workspace: Workspace) -> Path:
    return workspace.settings.home / "benchmarks"
