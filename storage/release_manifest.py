"""The manifest of a release: one line of canonical JSON, most of it one pair per row.

The pairs are never held together: a manifest of 100,000 rows is read in pieces, in the memory of one of a hundred.
Only one that is not in its canonical form, or that lists a row twice, is taken whole, to say what is wrong with it.
"""

import hashlib
import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from pydantic import Field, ValidationError

from storage.records import Frozen, Split
from storage.texts import Line, Sha256, Text, canonical_json, hash_json

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 256_000_000
_PIECE_BYTES = 1 << 18
_MAX_ROW_BYTES = 1 << 16
# The first place of the text is that of the manifest's own rows: quotes in a text are escaped, and of the names
# that sort before it none may hold a list.
_ROWS = b'"rows":['
_ROW = re.compile(rb'\["([^"\\\x00-\x1f]+)","([0-9a-f]{64})"\]([,\]])')


class ReleaseFacts(Frozen):
    """What a release's manifest says, but for the hash of every row."""

    format: Literal["ood-mmsafe-release/2", "ood-mmsafe-release/1"] = "ood-mmsafe-release/2"
    """2 since rows hold authors and twins."""
    version: Line
    split: Split
    notes: Text = ""
    created_at: datetime
    """Time of the last decision in the release, so that freezing again gives the same bytes."""
    items: int = Field(ge=0)
    counts: dict[str, dict[str, int]]
    """Category -> sub-category -> number of items."""
    files: dict[str, dict[str, str | int]]
    """Path in the folder -> sha256 and size in bytes; every file but the manifest itself."""
    taxonomy: dict[str, Any]
    prompts: dict[str, Sha256]
    """Prompt or guideline name -> hash of its text."""
    code_commit: Line
    audit_head: dict[str, str | int]
    """Sequence number and hash of the last audit event that the items depend on."""
    digest: Sha256
    """Sha256 of the canonical manifest without this field: the release's name for citations."""


class ReleaseManifest(ReleaseFacts):
    """What a release folder holds, so that any change to it can be found."""

    rows: tuple[tuple[str, Sha256], ...]
    """Item id and content hash of every row, in the order of the data file."""


class _OtherForm(Exception):
    """The manifest is not as `encode_manifest` writes it, or not one that can be read in pieces."""


@dataclass(frozen=True)
class ReadManifest:
    """A manifest that could be read, without its rows."""

    facts: ReleaseFacts
    rows: int
    """How many rows it lists, whatever it claims."""
    repeated: tuple[str, ...]
    """Item ids that it lists more than once."""


def encode_manifest(manifest: ReleaseManifest) -> bytes:
    """Return the one form that `manifest.json` may have."""
    return (canonical_json(manifest.model_dump(mode="json")) + "\n").encode("utf-8")


def compute_digest(content: dict[str, Any]) -> str:
    """Return the digest (64 hex digits) of a manifest given as JSON values, with or without its `digest`."""
    return hash_json({name: value for name, value in content.items() if name != "digest"})


def read_manifest(folder: Path) -> tuple[ReadManifest | None, list[str]]:
    """Return the manifest of a release folder, if it can be read at all, and what is wrong with it."""
    path = folder / MANIFEST
    if not folder.is_dir():
        return None, [f"{folder}: there is no such folder"]
    if path.is_symlink() or not path.is_file():
        return None, [f"{MANIFEST}: missing, or not a plain file; the release is incomplete"]
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        return None, [f"{MANIFEST}: larger than {MAX_MANIFEST_BYTES} bytes; this is no release"]
    try:
        return _read_in_pieces(path), []
    except _OtherForm:
        return _read_whole(path)


def iterate_row_hashes(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield item id and content hash of every row, in order, of a manifest that `read_manifest` could read."""
    path, given = folder / MANIFEST, 0
    with path.open("rb") as file:
        try:
            _seek_rows(file)
            for item_id, content_sha256, _ in _iterate_pairs(file):
                given += 1
                yield item_id, content_sha256
            return
        except _OtherForm:
            pass
    yield from ReleaseManifest.model_validate_json(path.read_bytes()).rows[given:]


def _read_in_pieces(path: Path) -> ReadManifest:
    """Read a manifest that is in order.

    Raises:
        _OtherForm: it may not be.
    """
    with path.open("rb") as file:
        head = _seek_rows(file)
        start = len(head)
        names, end = array("Q"), start
        for item_id, _, end in _iterate_pairs(file):  # noqa: B007
            names.append(int.from_bytes(hashlib.blake2b(item_id.encode("utf-8"), digest_size=8).digest(), "big"))
        known = np.sort(np.frombuffer(names, dtype=np.uint64)) if names else np.empty(0, dtype=np.uint64)
        if (known[1:] == known[:-1]).any():
            raise _OtherForm
        file.seek(end)
        tail = file.read()
        try:
            facts = ReleaseFacts.model_validate(_without_rows(json.loads(head + tail)))
            content = facts.model_dump(mode="json")
            in_order = _encode_around_rows(content) == (head, tail)
        except (ValidationError, ValueError, RecursionError) as exc:
            raise _OtherForm from exc
        if not in_order:
            raise _OtherForm
        before, after = _encode_around_rows({name: value for name, value in content.items() if name != "digest"})
        digest = hashlib.sha256(before)
        file.seek(start)
        while (left := end - file.tell()) > 0:
            digest.update(file.read(min(left, _PIECE_BYTES)))
        digest.update(after.removesuffix(b"\n"))
        if digest.hexdigest() != facts.digest:
            raise _OtherForm
    return ReadManifest(facts=facts, rows=len(names), repeated=())


def _encode_around_rows(content: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return the canonical text up to the first row and from the bracket after the last one on."""
    text = (canonical_json(content | {"rows": []}) + "\n").encode("utf-8")
    at = text.index(_ROWS) + len(_ROWS)
    return text[:at], text[at:]


def _without_rows(content: Any) -> Any:
    return {name: value for name, value in content.items() if name != "rows"} if isinstance(content, dict) else content


def _seek_rows(file: BinaryIO) -> bytes:
    """Return what stands before the first row, and go there.

    Raises:
        _OtherForm: there are no rows.
    """
    head = b""
    while piece := file.read(_PIECE_BYTES):
        head += piece
        if (at := head.find(_ROWS)) >= 0:
            file.seek(at + len(_ROWS))
            return head[: at + len(_ROWS)]
    raise _OtherForm


def _iterate_pairs(file: BinaryIO) -> Iterator[tuple[str, str, int]]:
    """Yield item id, content hash and the place of what follows the row; the last one is followed by the bracket.

    Raises:
        _OtherForm: a row is not written as ours are.
    """
    place, buffer = file.tell(), b""
    if file.read(1) == b"]":
        return
    file.seek(place)
    while piece := file.read(_PIECE_BYTES):
        buffer, at = buffer + piece, 0
        while found := _ROW.match(buffer, at):
            at = found.end()
            try:
                name = found[1].decode("utf-8")
            except UnicodeDecodeError as exc:
                raise _OtherForm from exc
            yield name, found[2].decode("ascii"), place + at - 1
            if found[3] == b"]":
                return
        buffer, place = buffer[at:], place + at
        if len(buffer) > _MAX_ROW_BYTES + _PIECE_BYTES:
            break
    raise _OtherForm


def _read_whole(path: Path) -> tuple[ReadManifest | None, list[str]]:
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
    times = Counter(item_id for item_id, _ in manifest.rows)
    facts = ReleaseFacts.model_validate(_without_rows(content))
    repeated = tuple(item_id for item_id, count in times.items() if count > 1)
    return ReadManifest(facts=facts, rows=len(manifest.rows), repeated=repeated), problems
