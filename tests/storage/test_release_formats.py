"""Releases that earlier versions froze, kept here as they were: they verify, load, compare and export."""

import json
import shutil
from pathlib import Path

import pytest
from approved_items import add_approved, add_twin
from release_folders import change_manifest, problems_of

from storage.blobs import BlobStore
from storage.db import open_database
from storage.records import Split
from storage.release_export import ExportFormat, export_release
from storage.release_files import diff_releases, read_release, verify_release
from storage.releases import freeze_release
from storage.schema import migrate

KEPT = Path(__file__).parent / "kept_releases"
DIGESTS = {
    "before_world_truth": "a72328d604cb51d2277a0cd255c305ee069945195b51992d93d442ded179e24a",
    "before_twins": "f471184d3c952b2ba9ae8cfc5879ab3138d5f1872f8c45b0b4c9e7c1f02c5ab1",
}
"""Folder -> what that day's code gave back as the release's digest."""


@pytest.fixture(params=sorted(DIGESTS))
def kept(request: pytest.FixtureRequest) -> Path:
    return KEPT / request.param


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same items, frozen by the code of today; the first has a twin since."""
    home = tmp_path_factory.mktemp("anew")
    db, blobs = open_database(f"sqlite:///{home / 'c.db'}"), BlobStore(home / "blobs")
    migrate(db=db)
    ids = add_approved(db, blobs, 4)
    for version in ("v1.0", "v1.1"):
        with db.write() as session:
            freeze_release(
                session=session, blobs=blobs, folder=home / version, version=version, split=Split.BENCHMARK,
                taxonomy={}, prompts={}, code_commit="abc", author="user:mia",
                item_ids=ids[:3] if version == "v1.0" else None,
            )  # fmt: skip
            session.commit()
        if version == "v1.0":
            add_twin(db, blobs, ids[3])
    db.close()
    return home


def test_it_verifies_and_reads_with_nothing_in_what_it_lacks(kept: Path) -> None:
    assert verify_release(kept, digest=DIGESTS[kept.name]).items == 4
    release = read_release(kept)
    rows = list(release.items)
    assert [row.image is None for row in rows] == [False, False, True, False]
    assert all(row.author is row.world_truth is row.twin_image is None and not row.has_twin for row in rows)
    assert all(row.find_problems() == [] for row in rows)
    columns = list(release.iterate_columns("label", "twin_image_sha256", "world_truth"))
    assert columns == [(row.label, None, None) for row in rows]
    assert len(list(release.iterate_columns("author"))) == 4


def test_the_same_items_have_not_changed_since(kept: Path, anew: Path) -> None:
    before, now = read_release(kept), read_release(anew / "v1.1")
    diff = diff_releases(before, now)
    assert (diff.added, diff.removed, diff.unchanged) == ((), (), 3)
    (change,) = diff.changed
    assert change.item.label == "S-0004" and {field.name for field in change.fields} == {
        "twin_scene", "twin_alt", "twin_image_sha256", "twin_licence",
    }  # fmt: skip
    back = diff_releases(now, before)
    assert (len(back.changed), back.unchanged) == (1, 3)


def test_rows_without_twin_and_author_keep_their_hash(anew: Path) -> None:
    before = dict(read_release(KEPT / "before_twins").iterate_row_hashes())
    now = dict(read_release(anew / "v1.0").iterate_row_hashes())
    assert len(now) == 3 and now.items() <= before.items()


@pytest.mark.parametrize("form", list(ExportFormat))
def test_it_is_exported(kept: Path, tmp_path: Path, form: ExportFormat) -> None:
    assert export_release(release=read_release(kept), form=form, folder=tmp_path / "out") == 4
    if form is ExportFormat.JSONL:
        lines = (tmp_path / "out" / "items.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["twin_image"] for line in lines] == [None] * 4


def test_the_columns_have_to_be_those_of_the_format_that_the_manifest_names(kept: Path, anew: Path, tmp_path) -> None:
    for source, other in ((kept, "ood-mmsafe-release/2"), (anew / "v1.0", "ood-mmsafe-release/1")):
        folder = Path(shutil.copytree(source, tmp_path / source.name))
        change_manifest(folder, format=other)
        assert any("its columns are not those of a release" in problem for problem in problems_of(folder))
    change_manifest(folder, format="ood-mmsafe-release/3")
    assert any("manifest.json: cannot be read (format" in problem for problem in problems_of(folder))


@pytest.mark.parametrize("name", ["README.md", "data/benchmark-00000-of-00001.parquet"])
def test_a_changed_byte_is_found_as_in_any_release(kept: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(kept, tmp_path / "v1.0"))
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    assert any(name in problem for problem in problems_of(folder))
