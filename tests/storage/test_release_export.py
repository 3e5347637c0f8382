"""Exports: every form holds every row, and nothing half written stays."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from approved_items import add_approved, add_twin

from storage.blobs import BlobStore
from storage.db import open_database
from storage.errors import Conflict
from storage.records import Split
from storage.release_export import ExportFormat, export_release
from storage.release_files import Release, read_release, verify_release
from storage.release_rows import SCHEMA, write_rows
from storage.releases import freeze_release
from storage.schema import migrate


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    home = tmp_path_factory.mktemp("export")
    db, blobs = open_database(f"sqlite:///{home / 'curator.db'}"), BlobStore(home / "blobs")
    migrate(db=db)
    add_twin(db, blobs, add_approved(db, blobs, 5)[3])
    with db.write() as session:
        freeze_release(
            session=session, blobs=blobs, folder=home / "v1.0", version="v1.0", split=Split.BENCHMARK,
            taxonomy={}, prompts={}, code_commit="abc", author="user:mia",
        )  # fmt: skip
        session.commit()
    db.close()
    return read_release(home / "v1.0")


def check_pictures(folder: Path, rows: list[dict]) -> None:
    for row in rows:
        for column, other in (("image", "file_name"), ("twin_image", "twin_image_file_name")):
            name = row.get(column, row.get(other))
            if row[f"{column}_sha256"]:
                assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row[f"{column}_sha256"]
            else:
                assert not name
    assert [bool(row["twin_image_sha256"]) for row in rows] == [False, False, False, True, False]


@pytest.mark.parametrize("form", list(ExportFormat))
def test_every_form_names_where_it_came_from_and_its_licences(release: Release, tmp_path: Path, form) -> None:
    assert export_release(release=release, form=form, folder=tmp_path / "out") == 5
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix in (".md", ".json"))
    assert release.manifest.digest in text
    assert (tmp_path / "out" / "LICENSES.md").read_text() == (release.folder / "LICENSES.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_jsonl_holds_every_row(release: Release, tmp_path: Path) -> None:
    export_release(release=release, form=ExportFormat.JSONL, folder=tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "items.jsonl").read_text().splitlines()]
    assert [list(row) for row in rows] == [SCHEMA.names] * 5
    assert [row["id"] for row in rows] == [item_id for item_id, _ in release.iterate_row_hashes()]
    assert rows[0]["causal_chain"] == ["the bench is put there", "a child climbs it", "the child falls"]
    check_pictures(tmp_path / "out", rows)


def test_csv_holds_every_row_and_no_formula(release: Release, tmp_path: Path) -> None:
    rows = list(release.items)
    rows[0] = replace(rows[0], query='=HYPERLINK("http://x","y")', scene="-1+1", alt='two\nlines, "quoted"').seal()
    write_rows(folder=tmp_path / "v", split=Split.BENCHMARK, items=5, rows=rows)
    (tmp_path / "v" / "LICENSES.md").write_text("x")
    export_release(release=Release(tmp_path / "v", release.manifest), form=ExportFormat.CSV, folder=tmp_path / "out")
    with (tmp_path / "out" / "items.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["label"] for row in cells] == [row.label for row in rows]
    assert (cells[0]["query"], cells[0]["scene"]) == ('\'=HYPERLINK("http://x","y")', "'-1+1")
    assert cells[0]["alt"] == 'two\nlines, "quoted"'
    assert json.loads(cells[0]["hazard_entities"]) == ["open window", "low sill"]
    assert cells[2]["image"] == ""
    check_pictures(tmp_path / "out", cells)


def test_imagefolder_loads_with_datasets_rows_without_picture_included(release: Release, tmp_path: Path) -> None:
    export_release(release=release, form=ExportFormat.IMAGEFOLDER, folder=tmp_path / "out")
    code = (
        "import json, sys; from datasets import load_dataset; sets = load_dataset(sys.argv[1]); "
        "rows = sets['benchmark']; sizes = [row['image'] and row['image'].size for row in rows]; "
        "twins = [row['twin_image'] and row['twin_image'].size for row in rows]; "
        "print(json.dumps([list(sets), rows['label'][:], sizes, twins]))"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache"), "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")],
        capture_output=True, text=True, cwd="/", env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    splits, labels, sizes, twins = json.loads(done.stdout.splitlines()[-1])
    assert twins == [None, None, None, [48, 36], None]
    assert (splits, labels) == (["benchmark"], [f"S-{number:04d}" for number in range(1, 6)])
    assert sizes == [[48, 36], [48, 36], None, [48, 36], [48, 36]]
    rows = [json.loads(line) for line in (tmp_path / "out" / "benchmark" / "metadata.jsonl").read_text().splitlines()]
    check_pictures(tmp_path / "out" / "benchmark", rows)


def test_parquet_is_a_release_that_verifies(release: Release, tmp_path: Path) -> None:
    export_release(release=release, form=ExportFormat.PARQUET, folder=tmp_path / "new" / "out")
    assert verify_release(tmp_path / "new" / "out", digest=release.manifest.digest).items == 5


def test_a_folder_in_use_is_refused_and_an_empty_one_is_taken(release: Release, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("mine")
    with pytest.raises(Conflict, match="holds something already"):
        export_release(release=release, form=ExportFormat.CSV, folder=tmp_path / "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    export_release(release=release, form=ExportFormat.CSV, folder=tmp_path / "empty")
    assert (tmp_path / "empty" / "items.csv").exists()


def test_an_export_that_fails_leaves_nothing(release: Release, tmp_path: Path) -> None:
    broken = Release(tmp_path / "nowhere", release.manifest)
    with pytest.raises(Exception, match="cannot be read"):
        export_release(release=broken, form=ExportFormat.JSONL, folder=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
