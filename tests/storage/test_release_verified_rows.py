"""`Release.iterate_verified`: no row is yielded that is not the manifest's, and none is missed."""

from dataclasses import replace
from pathlib import Path

import pytest
from release_folders import change_manifest
from training_sources import make_row, write_release

from storage.errors import ReleaseInvalid
from storage.records import Split
from storage.release_files import hash_file, read_release
from storage.release_rows import list_shards, write_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_release(tmp_path / "v1.0", [make_row(n, twin=n == 2) for n in range(1, 5)], count=4)


def rewrite(folder: Path, rows: list) -> None:
    """Put other rows into the data file; the manifest stays."""
    (name,) = list_shards(Split.TRAIN, 4)
    (folder / name).unlink()
    write_rows(folder=folder, split=Split.TRAIN, items=len(rows), rows=rows)


def test_rows_that_are_the_manifests_are_yielded_as_they_are(folder: Path) -> None:
    release = read_release(folder, verify=False)
    assert list(release.iterate_verified()) == list(release.items)


@pytest.mark.parametrize(
    ("change", "message", "before"),
    [
        (lambda rows: [rows[0], rows[2], rows[1], rows[3]], "is not the manifest's item000002", 1),
        (lambda rows: [rows[0], replace(rows[1], query="Another?"), *rows[2:]], "does not match its content_sha256", 1),
        (lambda rows: [rows[0], replace(rows[1], query="Another?").seal(), *rows[2:]], "is not the manifest's", 1),
        (lambda rows: [replace(rows[0], image=b"x"), *rows[1:]], "bytes of its picture do not match", 0),
        (lambda rows: [rows[0], replace(rows[1], twin_image=b"x"), *rows[2:]], "bytes of its twin's picture", 1),
        (lambda rows: rows[:3], "row item000004: missing", 3),
        (lambda rows: [*rows, make_row(9)], "is not the manifest's None", 4),
    ],
)
def test_a_row_that_is_not_the_manifests_ends_it(change, message: str, before: int, folder: Path) -> None:
    rows = list(read_release(folder).items)
    rewrite(folder, change(rows))
    found = []
    with pytest.raises(ReleaseInvalid, match=message):
        for row in read_release(folder, verify=False).iterate_verified():
            found.append(row)
    assert found == rows[:before]


def test_a_manifest_that_was_edited_is_not_even_opened(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("item000004", "item000005"))
    with pytest.raises(ReleaseInvalid, match="does not match its digest"):
        read_release(folder, verify=False)
    (folder / "manifest.json").write_text(text)
    change_manifest(folder, notes="sealed again")
    (name,) = list_shards(Split.TRAIN, 4)
    assert hash_file(folder / name)["bytes"]
    assert len(list(read_release(folder, verify=False).iterate_verified())) == 4
