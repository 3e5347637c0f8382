"""A release as other tools see it: `datasets` and mlcroissant, offline, in fresh processes; and its documents."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from approved_items import add_approved, add_twin

from storage.blobs import BlobStore
from storage.db import open_database
from storage.records import Split
from storage.release_card import CardFacts, ContentTally, number_version, render_croissant, render_readme
from storage.release_files import read_release
from storage.release_rows import COLUMN_NOTES, SCHEMA, list_shards
from storage.releases import freeze_release
from storage.schema import migrate

# A child that may not open a socket at all: what it loads, it loads from the folder.
OFFLINE = """
import json, socket, sys
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = refuse
folder = sys.argv[1]
"""
LOAD = """
import hashlib
from datasets import load_dataset, Image
sets = load_dataset(folder)
(split,) = sets
rows = sets[split]
bare = rows.cast_column("image", Image(decode=False))
print(json.dumps({
    "split": split,
    "rows": len(rows),
    "labels": rows["label"][:],
    "sizes": [row["image"] and row["image"].size for row in rows],
    "twins": [row["twin_image"] and row["twin_image"].size for row in rows],
    "features": {name: str(feature) for name, feature in rows.features.items()},
    "hashes_fit": [
        row["image"] is None or hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["image_sha256"]
        for row in bare
    ],
}))
"""
CROISSANT = """
import logging
warnings = []
class Catcher(logging.Handler):
    def emit(self, record):
        warnings.append(record.getMessage())
logging.getLogger().addHandler(Catcher())
import mlcroissant
dataset = mlcroissant.Dataset(jsonld=folder + "/croissant.json")
issues = dataset.metadata.ctx.issues
records = list(dataset.records("items"))
print(json.dumps({
    "warnings": sorted(issues.warnings) + warnings,
    "errors": sorted(issues.errors),
    "version": dataset.metadata.version,
    "labels": [record["items/label"].decode() for record in records],
    "sizes": [record["items/image"] and record["items/image"].size for record in records],
    "twins": [record["items/twin_image"] and record["items/twin_image"].size for record in records],
    "counts": [record["items/review_count"] for record in records],
    "first": [entity.decode() for entity in records[0]["items/hazard_entities"]],
}))
"""


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("loading")
    db, blobs = open_database(f"sqlite:///{home / 'curator.db'}"), BlobStore(home / "blobs")
    migrate(db=db)
    ids = add_approved(db, blobs, 5)
    ids += add_approved(db, blobs, 1, first=7, author="Jo | <i>Doe</i>")
    add_twin(db, blobs, ids[1])
    taxonomy = {"categories": [{"slug": "self_harm", "title": "Self-Harm", "sub_categories": []}]}
    with db.write() as session:
        freeze_release(
            session=session, blobs=blobs, folder=home / "v1.2", version="v1.2", split=Split.HELD_OUT,
            taxonomy=taxonomy, prompts={}, code_commit="abc", author="user:mia", notes="First | <b>line</b>\n# two",
        )  # fmt: skip
        session.commit()
    db.close()
    return home / "v1.2"


def run_offline(code: str, folder: Path, cwd: Path) -> dict:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(cwd / "cache"), "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE + code, str(folder)],
        capture_output=True, text=True, cwd=cwd, env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_datasets_loads_the_folder_offline_from_elsewhere(frozen: Path, tmp_path: Path) -> None:
    seen = run_offline(LOAD, frozen, tmp_path)
    assert (seen["split"], seen["rows"]) == ("held_out", 6)
    assert seen["labels"] == [f"S-{number:04d}" for number in range(1, 7)]
    assert seen["sizes"] == [[48, 36], [48, 36], None, [48, 36], [48, 36], [48, 36]]
    assert seen["twins"] == [None, [48, 36], None, None, None, None]
    assert seen["features"]["twin_image"].startswith("Image(")
    assert all(seen["hashes_fit"])
    assert list(seen["features"]) == SCHEMA.names
    assert seen["features"]["image"].startswith("Image(")
    assert seen["features"]["causal_chain"] == "List(Value('string'))"


def test_mlcroissant_accepts_the_description_and_reads_the_records(frozen: Path, tmp_path: Path) -> None:
    seen = run_offline(CROISSANT, frozen, tmp_path)
    assert (seen["warnings"], seen["errors"]) == ([], [])
    assert seen["version"] == "1.2.0"
    assert seen["labels"] == [f"S-{number:04d}" for number in range(1, 7)]
    assert seen["sizes"] == [[48, 36], [48, 36], None, [48, 36], [48, 36], [48, 36]]
    assert seen["twins"] == [None, [48, 36], None, None, None, None]
    assert seen["counts"] == [2] * 6
    assert seen["first"] == ["open window", "low sill"]


def test_the_description_names_the_hashes_of_the_data_files(frozen: Path) -> None:
    document = json.loads((frozen / "croissant.json").read_text())
    files = read_release(frozen).manifest.files
    shards = [entry for entry in document["distribution"] if entry["@type"] == "cr:FileObject"]
    assert {entry["contentUrl"]: entry["sha256"] for entry in shards} == {
        name: files[name]["sha256"] for name in list_shards(Split.HELD_OUT, 6)
    }


def test_the_card_has_front_matter_tables_and_no_markup_of_others(frozen: Path) -> None:
    text = (frozen / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["configs"] == [
        {"config_name": "default", "data_files": [{"split": "held_out", "path": "data/held_out-*.parquet"}]}
    ]
    assert (card["license"], card["license_link"]) == ("other", "LICENSES.md")
    assert card["size_categories"] == ["n<1K"]
    assert all(f"| `{name}` |" in body for name in SCHEMA.names)
    assert "| **Self-Harm** |  | **3** |" in body
    assert "| **violent&#95;content** |  | **1** |" in body, "no title in the taxonomy: the slug"
    assert "2603.09706" in body
    assert "<b>" not in body
    assert "> # two" in body, "a heading in the notes stays in the quotation"


def test_the_card_tells_of_twins_and_names_the_authors_of_pictures(frozen: Path) -> None:
    text = (frozen / "README.md").read_text()
    assert "1 of the 6 rows have a twin" in text
    assert "twins that nobody has looked at are left out" in text
    assert "6 pairs of a picture and a query (5 with a picture, 1 with a description of it only)" in text
    assert "| Jo &#124; &#60;i&#62;Doe&#60;/i&#62; | CC-BY-4.0 | 1 |" in text
    assert [row.author for row in read_release(frozen).items][4:] == [None, "Jo | <i>Doe</i>"]


def test_the_licences_are_counted_with_their_sources(frozen: Path) -> None:
    text = (frozen / "LICENSES.md").read_text()
    assert "| Apache-2.0 | description | 1 |" in text
    assert "| CC-BY-4.0 | photo | 5 |" in text
    assert "| CC0-1.0 | twin | 1 |" in text
    assert "| S-0004 |  | CC-BY-4.0 | https://pictures.example/4 |" in text
    assert "| S-0006 | Jo &#124; &#60;i&#62;Doe&#60;/i&#62; | CC-BY-4.0 | https://pictures.example/7 |" in text


def test_one_known_licence_is_named_in_the_front_matter(frozen: Path) -> None:
    tally = ContentTally()
    for row in read_release(frozen).items:
        if row.image is not None and not row.has_twin:
            tally.add(row)
    facts = CardFacts("v1.0", Split.TRAIN, "", datetime(2026, 1, 2, tzinfo=UTC), "abc", {})
    assert yaml.safe_load(render_readme(facts=facts, tally=tally).split("---\n")[1])["license"] == "cc-by-4.0"
    document = json.loads(render_croissant(facts=facts, tally=tally, shards={}))
    assert document["license"] == ["https://creativecommons.org/licenses/by/4.0/"]


def test_every_column_is_explained() -> None:
    assert list(COLUMN_NOTES) == SCHEMA.names
    assert all(note.endswith(".") for note in COLUMN_NOTES.values())


@pytest.mark.parametrize(("version", "expected"), [("v1.0", "1.0.0"), ("v2.10", "2.10.0"), ("v1.0.3", "1.0.3")])
def test_versions_have_three_parts_in_the_description(version: str, expected: str) -> None:
    assert number_version(version) == expected
