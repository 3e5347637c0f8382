"""Freezing into a folder and changing what lies there, for the tests of releases."""

import json
from pathlib import Path

import pytest
import yaml

from pipeline.taxonomy import TAXONOMY_FILE
from storage.blobs import BlobStore
from storage.db import Database
from storage.errors import ReleaseInvalid
from storage.records import Split
from storage.release_files import verify_release
from storage.release_manifest import MANIFEST, compute_digest
from storage.releases import freeze_release
from storage.texts import canonical_json

TAXONOMY = yaml.safe_load(TAXONOMY_FILE.read_text(encoding="utf-8"))


def freeze(db: Database, blobs: BlobStore, folder: Path, **more):
    request = {
        "version": folder.name,
        "split": Split.BENCHMARK,
        "taxonomy": TAXONOMY,
        "prompts": {"guidelines": "Look twice."},
        "code_commit": "abc",
        "author": "user:mia",
    }
    with db.write() as session:
        row = freeze_release(session=session, blobs=blobs, folder=folder, **(request | more))
        session.commit()
    return row


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def problems_of(folder: Path, **more) -> list[str]:
    with pytest.raises(ReleaseInvalid) as caught:
        verify_release(folder, **more)
    return caught.value.problems


def change_manifest(folder: Path, **changes) -> None:
    """Write a manifest that says something else and is sealed again."""
    content = json.loads((folder / MANIFEST).read_bytes()) | changes
    content["digest"] = compute_digest(content)
    (folder / MANIFEST).write_bytes((canonical_json(content) + "\n").encode())
