"""`curator import images`: real files, hostile ones among them, licence and source, idempotence, the audit chain."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlmodel import select

from curator_app.actions.photos import PhotosRefused, import_photos
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.audit import Tag, verify_chain
from storage.photos import asks_for_author, list_photos
from storage.tables import AuditRow

sys.path.insert(0, str(Path(__file__).parents[1] / "storage"))
from hostile_images import EITHER, HARMLESS, MARK, REFUSED, draw_picture, encode, make_hostile_images

CURATOR = Path(sys.executable).with_name("curator")
FACTS = {"licence": "CC-BY-4.0", "source": "https://photos.example/album", "author": "Jo Doe"}


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    made = create_workspace(Settings(home=tmp_path / "home"))
    yield made
    made.close()


def photo(seed: int) -> bytes:
    """A picture that looks like no other of these."""
    noise = Image.frombytes("L", (8, 8), bytes((seed * 37 + place * place * (seed + 3)) % 256 for place in range(64)))
    return encode(noise.resize((96, 96), Image.Resampling.BICUBIC).convert("RGB"), "JPEG", quality=95)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        (folder / f"p{seed}.jpg").write_bytes(photo(seed))
    return folder


def outcomes(results: Any) -> dict[str, str]:
    return {result.name: result.outcome for result in results}


def test_photos_come_in_with_licence_source_and_an_event_and_only_once(workspace: Workspace, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    first = import_photos(workspace, folder=folder, **FACTS, batch="spring", observer=lambda *n: told.append(n))
    assert outcomes(first) == dict.fromkeys(("p0.jpg", "p1.jpg", "p2.jpg"), "taken")
    assert told == [(1, 3), (2, 3), (3, 3)]
    again = import_photos(workspace, folder=folder, licence="other", source="elsewhere")
    assert set(outcomes(again).values()) == {"known"} and "CC-BY-4.0" in again[0].reason
    with workspace.db.read() as session:
        photos = list_photos(session=session, batch="spring")
        assert {(p.facts.licence, p.facts.source, p.facts.author) for p in photos} == {tuple(FACTS.values())}
        events = session.exec(select(AuditRow).where(AuditRow.tag == Tag.PHOTO_IMPORTED.value)).all()
        assert [event.subject for event in events] == [f"photo:{p.image.sha256}" for p in photos]
        assert json.loads(events[0].payload)["licence"] == "CC-BY-4.0"
        assert json.loads(events[0].payload)["author"] == "Jo Doe"
        verify_chain(session=session)
    assert workspace.blobs.read(photos[0].image)


@pytest.mark.parametrize("missing", ["licence", "source"])
def test_without_licence_or_source_nothing_starts(workspace: Workspace, folder: Path, missing: str) -> None:
    with pytest.raises(PhotosRefused, match=f"no {missing} .*--{missing}"):
        import_photos(workspace, folder=folder, **{**FACTS, missing: " "})
    with workspace.db.read() as session:
        assert list_photos(session=session) == []


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_sidecar_speaks_for_its_files_and_a_file_without_facts_is_refused(
    workspace: Workspace, folder: Path, kind: str
) -> None:
    row = {"file": "p0.jpg", "licence": "CC0-1.0", "source": "taken by us", "description": "A shelf, and a stove."}
    gone = {"file": "gone.jpg", "licence": "CC0-1.0", "source": "x", "description": ""}
    if kind == "csv":
        lines = ["file,licence,source,description", 'p0.jpg,CC0-1.0,taken by us,"A shelf, and a stove."',
                 "gone.jpg,CC0-1.0,x,"]  # fmt: skip
        (folder / "photos.csv").write_text("\n".join(lines), "utf-8-sig")
    else:
        (folder / "photos.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(gone)}\n")
    results = import_photos(workspace, folder=folder)
    assert outcomes(results) == {"p0.jpg": "taken", "p1.jpg": "refused", "p2.jpg": "refused", "gone.jpg": "refused"}
    assert "no licence" in results[1].reason and "not there" in results[3].reason
    with workspace.db.read() as session:
        (kept,) = list_photos(session=session)
    assert kept.facts.model_dump(include=set(row) - {"file"}) == {k: v for k, v in row.items() if k != "file"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,license\np0.jpg,CC0", "license"),
        ("file,licence\np0.jpg,a\np0.jpg,b", "twice"),
        ("file,licence\np0.jpg,a,b", "more cells"),
        ("licence\nCC0", "file"),
    ],
)
def test_a_sidecar_that_cannot_be_meant_is_refused_by_name(
    workspace: Workspace, folder: Path, text: str, says: str
) -> None:
    (folder / "photos.csv").write_text(text)
    with pytest.raises(PhotosRefused, match=says):
        import_photos(workspace, folder=folder, **FACTS)


@pytest.mark.parametrize(
    ("licence", "asks"),
    [
        ("CC-BY-4.0", True), ("cc by-sa 3.0", True), ("CC BY-NC-ND", True),
        ("https://creativecommons.org/licenses/by/4.0/", True), ("Creative Commons Attribution 4.0", True),
        ("CC0-1.0", False), ("CC0, given by Jo", False), ("Apache-2.0", False), ("public domain", False),
        ("https://creativecommons.org/publicdomain/zero/1.0/", False), ("used by permission", False),
    ],
)  # fmt: skip
def test_creative_commons_with_by_asks_for_an_author(licence: str, asks: bool) -> None:
    assert asks_for_author(licence) is asks


def test_a_licence_that_asks_for_an_author_is_refused_without_one(workspace: Workspace, folder: Path) -> None:
    with pytest.raises(PhotosRefused, match=r"CC-BY-4\.0 asks that the author be named.*--author.*column `author`"):
        import_photos(workspace, folder=folder, **{**FACTS, "author": " "})
    (folder / "photos.csv").write_text(
        "file,licence,author\np0.jpg,,Ann Example\np1.jpg,CC0-1.0,\np2.jpg,CC-BY-SA-4.0,\n"
    )
    results = import_photos(workspace, folder=folder, licence="CC-BY-4.0", source="an album")
    assert outcomes(results) == {"p0.jpg": "taken", "p1.jpg": "taken", "p2.jpg": "refused"}
    assert "CC-BY-SA-4.0 asks that the author be named" in results[2].reason and "--author" in results[2].reason
    with workspace.db.read() as session:
        assert [photo.facts.author for photo in list_photos(session=session)] == ["Ann Example", ""]


def test_near_duplicates_links_and_hidden_files_are_not_taken(workspace: Workspace, folder: Path) -> None:
    smaller = Image.open(io.BytesIO(photo(0))).resize((80, 80))
    (folder / "p0-small.png").write_bytes(encode(smaller))
    (folder / "link.jpg").symlink_to(folder / "p1.jpg")
    (folder / ".hidden.jpg").write_bytes(photo(9))
    os.mkfifo(folder / "pipe.jpg")
    found = outcomes(import_photos(workspace, folder=folder, **FACTS))
    assert found["link.jpg"] == found["pipe.jpg"] == "refused" and ".hidden.jpg" not in found
    assert sorted((found["p0-small.png"], found["p0.jpg"])) == ["near_duplicate", "taken"]


@pytest.mark.thorough
def test_hostile_files_are_refused_or_cleaned_and_stop_no_other(workspace: Workspace, folder: Path) -> None:
    cases = make_hostile_images()[::6]
    for number, case in enumerate(cases):
        (folder / f"h{number:03}.png").write_bytes(case.data)
    (folder / "z-last.png").write_bytes(encode(draw_picture(seed=5)))
    results = {result.name: result for result in import_photos(workspace, folder=folder, **FACTS)}
    assert results["z-last.png"].outcome in ("taken", "near_duplicate") and results["p2.jpg"].outcome == "taken"
    for number, case in enumerate(cases):
        result = results[f"h{number:03}.png"]
        allowed = {REFUSED: {"refused"}, HARMLESS: {"taken", "known", "near_duplicate"}}
        assert result.outcome in allowed.get(case.outcome, {*allowed[REFUSED], *allowed[HARMLESS]}), case.name
        assert result.outcome == "taken" or result.reason, case.name
    assert sum(case.outcome == REFUSED for case in cases) > 10 and any(case.outcome != EITHER for case in cases)
    stored = [path for path in (workspace.settings.home / "blobs").rglob("*") if path.is_file()]
    assert stored and not any(MARK in path.read_bytes() for path in stored)


def test_the_command_prints_a_table_and_a_plain_refusal(tmp_path: Path, folder: Path) -> None:
    environment = {**os.environ, "CURATOR_HOME": str(tmp_path / "home")}

    def curator(*words: str) -> Any:
        return subprocess.run([CURATOR, *words], capture_output=True, text=True, env=environment, check=False)

    assert curator("init").returncode == 0
    (folder / "note\x1b[31m.txt").write_text("no picture")
    refused = curator("import", "images", str(folder), "--source", "us")
    assert refused.returncode == 1 and "--licence" in refused.stderr and "Traceback" not in refused.stderr
    done = curator("import", "images", str(folder), "--licence", "CC0-1.0", "--source", "us")
    assert done.returncode == 0, done.stderr
    assert "4 files: 3 taken, 0 known before, 0 near-duplicate, 1 refused." in done.stdout
    assert "\x1b" not in done.stdout and "note\\x1b" in done.stdout
