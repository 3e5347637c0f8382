"""Verifying, reading and comparing release folders: every change has to be found, without a database."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from approved_items import add_approved, add_twin
from hypothesis import given, settings
from hypothesis import strategies as st
from release_folders import change_manifest, problems_of

from storage.blobs import BlobStore
from storage.db import open_database
from storage.errors import ReleaseInvalid
from storage.records import Split
from storage.release_files import diff_releases, hash_file, read_release, verify_release
from storage.release_manifest import MANIFEST, ReleaseManifest, compute_digest, encode_manifest
from storage.release_rows import SCHEMA, list_shards, read_rows, write_rows
from storage.releases import freeze_release
from storage.schema import migrate

DATA = "data/benchmark-00000-of-00001.parquet"
LATER = ("author", "twin_image", "twin_scene", "twin_alt", "twin_image_sha256", "twin_licence")
"""Columns that the first format does not have."""


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of seven rows, two of them without a picture and two with a twin. Tests work on copies."""
    home = tmp_path_factory.mktemp("frozen")
    db, blobs = open_database(f"sqlite:///{home / 'curator.db'}"), BlobStore(home / "blobs")
    migrate(db=db)
    ids = add_approved(db, blobs, 7)
    add_twin(db, blobs, ids[3], picture=504)
    add_twin(db, blobs, ids[4], picture=505)
    with db.write() as session:
        freeze_release(
            session=session, blobs=blobs, folder=home / "v1.0", version="v1.0", split=Split.BENCHMARK,
            taxonomy={"version": 1, "categories": []}, prompts={"guidelines": "Look twice."}, code_commit="abc",
            author="user:mia",
        )  # fmt: skip
        session.commit()
    db.close()
    return home / "v1.0"


@pytest.fixture
def folder(frozen: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(frozen, tmp_path / "v1.0"))


@pytest.fixture(scope="module")
def scratch(frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that hypothesis changes and puts right again, example after example."""
    return Path(shutil.copytree(frozen, tmp_path_factory.mktemp("scratch") / "v1.0"))


def rows_of(folder: Path):
    return list(read_rows(folder=folder, name=DATA))


def forge(folder: Path, rows, *, fix_digest: bool, fix_rows: bool = False) -> None:
    """Rewrite the data file with `rows` and make the manifest's file hash fit, as somebody with a tool would."""
    content = json.loads((folder / MANIFEST).read_bytes())
    write_rows(folder=folder, split=Split.BENCHMARK, items=len(rows), rows=rows)
    content["files"][DATA] = hash_file(folder / DATA)
    if fix_rows:
        counts: dict[str, dict[str, int]] = {}
        for row in rows:
            subs = counts.setdefault(row.category, {})
            subs[row.sub_category] = subs.get(row.sub_category, 0) + 1
        content |= {"rows": [[row.id, row.content_sha256] for row in rows], "items": len(rows), "counts": counts}
    if fix_digest:
        content["digest"] = compute_digest(content)
    (folder / MANIFEST).write_bytes(encode_manifest(ReleaseManifest.model_validate(content)))


def test_a_release_verifies_and_reads(folder: Path) -> None:
    report = verify_release(folder)
    assert (report.items, report.files) == (7, 5)
    assert report.size_bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    release = read_release(folder, digest=report.digest)
    assert [row.label for row in release.items] == [f"S-{n:04d}" for n in range(1, 8)]
    assert len(list(release.items)) == 7, "items can be iterated again"
    assert [row.has_twin for row in release.items] == [n in (4, 5) for n in range(1, 8)]
    without = list(release.iterate_items(pictures=False))
    assert all(row.image is None and row.twin_image is None for row in without)
    assert [row.has_twin for row in without] == [row.has_twin for row in release.items]
    with pytest.raises(AttributeError):
        release.manifest = None


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_changed_byte_of_any_file_is_found(scratch: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(path for path in scratch.rglob("*") if path.is_file())))
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    after = bytearray(before)
    after[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(after))
    try:
        assert problems_of(scratch)
    finally:
        path.write_bytes(before)


@pytest.mark.thorough
def test_every_bit_of_the_manifest_counts(folder: Path) -> None:
    path = folder / MANIFEST
    before = path.read_bytes()
    for place in range(len(before)):
        path.write_bytes(before[:place] + bytes([before[place] ^ (1 << place % 8)]) + before[place + 1 :])
        assert problems_of(folder), place
    path.write_bytes(before)
    verify_release(folder)


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(data=st.data(), fix_digest=st.booleans())
def test_any_other_sequence_of_the_rows_is_found(scratch: Path, data: st.DataObject, fix_digest: bool) -> None:
    kept = {name: (scratch / name).read_bytes() for name in (DATA, MANIFEST)}
    rows = rows_of(scratch)
    sequences = st.one_of(
        st.permutations(range(len(rows))),
        st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=2 * len(rows)),
    )
    order = data.draw(sequences.filter(lambda places: list(places) != list(range(len(rows)))))
    try:
        forge(scratch, [rows[place] for place in order], fix_digest=fix_digest)
        assert any(problem.startswith(("row ", "the rows ")) for problem in problems_of(scratch))
    finally:
        for name, content in kept.items():
            (scratch / name).write_bytes(content)


@pytest.mark.parametrize("fix_digest", [False, True])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda row: replace(row, query="Something else?"), "its content does not match its content_sha256"),
        (lambda row: replace(row, query="Something else?").seal(), "its content differs from the manifest's"),
        (lambda row: replace(row, image=(row.image or b"") + b"x"), "the bytes of its picture do not match"),
        (lambda row: replace(row, image=None), "it has some but not all of"),
        (lambda row: replace(row, image_path="../../x.png").seal(), "the file name of its picture"),
        (lambda row: replace(row, review_count=9).seal(), "its content differs from the manifest's"),
        (lambda row: replace(row, author="Somebody"), "its content does not match its content_sha256"),
        (lambda row: replace(row, twin_scene="Another room."), "its content does not match its content_sha256"),
        (lambda row: replace(row, twin_image=(row.twin_image or b"") + b"x"), "the bytes of its twin's picture do not"),
        (lambda row: replace(row, twin_image=None), "some but not all of twin's picture"),
        (lambda row: replace(row, twin_image_path="../../x.png").seal(), "the file name of its twin's picture"),
        (lambda row: replace(row, twin_licence=None).seal(), "some but not all columns of a twin"),
    ],
)
def test_a_rewritten_row_is_found(folder: Path, change, expected: str, fix_digest: bool) -> None:
    rows = rows_of(folder)
    rows[3] = change(rows[3])
    forge(folder, rows, fix_digest=fix_digest)
    assert any("S-0004" in problem or rows[3].id in problem for problem in problems_of(folder))
    assert any(expected in problem for problem in problems_of(folder))


def test_missing_extra_and_repeated_rows_are_each_named(folder: Path) -> None:
    rows = rows_of(folder)
    stranger = replace(rows[0], id="stranger").seal()
    forge(folder, [rows[0], rows[1], rows[1], stranger, *rows[3:]], fix_digest=True)
    found = problems_of(folder)
    assert f"row {rows[1].id}: there more than once" in found
    assert "row stranger: not part of the release" in found
    assert f"row {rows[2].id}: missing" in found


def test_a_release_rewritten_as_a_whole_is_refused_by_its_digest(folder: Path) -> None:
    cited = verify_release(folder).digest
    forge(folder, rows_of(folder)[:5], fix_digest=True, fix_rows=True)
    assert verify_release(folder).items == 5, "it is a release, but another one"
    assert any("get the one that is cited" in problem for problem in problems_of(folder, digest=cited))
    with pytest.raises(ReleaseInvalid):
        read_release(folder, digest=cited)


def test_other_columns_are_refused(folder: Path) -> None:
    table = pq.read_table(folder / DATA)
    for other in (
        table.append_column("answer", pa.array(["x"] * 7)),
        table.drop_columns(["alt"]),
        table.drop_columns(["world_truth"]),
        table.drop_columns(list(LATER)),
        table.replace_schema_metadata({}),
    ):
        pq.write_table(other, folder / DATA)
        content = json.loads((folder / MANIFEST).read_bytes())
        change_manifest(folder, files=content["files"] | {DATA: hash_file(folder / DATA)})
        assert f"{DATA}: its columns are not those of a release" in problems_of(folder)


def test_nulls_and_numbers_out_of_range_are_refused(folder: Path) -> None:
    table = pq.read_table(folder / DATA).to_pylist()
    schema = pa.schema([field.with_nullable(True) for field in SCHEMA], metadata=SCHEMA.metadata)
    for column, value in (("query", None), ("hazard_entities", None), ("reviewer_agreement", float("nan"))):
        rows = [cells | {column: value} for cells in table]
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / DATA)
        assert any(DATA in problem for problem in problems_of(folder))


def test_all_problems_are_listed_at_once(folder: Path) -> None:
    (folder / "README.md").write_text("other")
    (folder / "croissant.json").unlink()
    (folder / "notes.txt").write_text("x")
    (folder / "more").mkdir()
    rows = rows_of(folder)
    forge(folder, rows[::-1], fix_digest=False)
    found = "\n".join(problems_of(folder))
    for expected in (
        "README.md: sha256", "croissant.json: missing", "notes.txt: a file that is not part", "more/: a folder",
        "the rows are in another order, from row 1", "does not match its digest",
    ):  # fmt: skip
        assert expected in found


@pytest.mark.parametrize("name", ["README.md", "LICENSES.md", "croissant.json", DATA, MANIFEST])
def test_a_missing_file_and_a_link_in_its_place_are_found(folder: Path, tmp_path: Path, name: str) -> None:
    path = folder / name
    path.rename(tmp_path / "elsewhere")
    assert any(name in problem for problem in problems_of(folder))
    path.symlink_to(tmp_path / "elsewhere")
    assert any(name in problem for problem in problems_of(folder)), "the same bytes behind a link"
    path.unlink()
    path.mkdir()
    assert any(name in problem for problem in problems_of(folder))


def test_a_linked_data_folder_and_a_pipe_are_found(folder: Path, tmp_path: Path) -> None:
    (folder / "data").rename(tmp_path / "data")
    (folder / "data").symlink_to(tmp_path / "data")
    os.mkfifo(folder / "pipe")
    found = problems_of(folder)
    assert any(problem.startswith("data: a symbolic link") for problem in found)
    assert "pipe: neither a file nor a folder" in found


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "data/../../outside.txt", "data\\x.parquet", "."])
def test_a_manifest_that_names_other_paths_is_refused_unread(folder: Path, name: str) -> None:
    (folder.parent / "outside.txt").write_text("secret")
    content = json.loads((folder / MANIFEST).read_bytes())
    change_manifest(folder, files=content["files"] | {name: {"sha256": "0" * 64, "bytes": 6}})
    assert problems_of(folder) == [f"{MANIFEST}: names the file {name!r}, which a release does not hold"]
    with pytest.raises(ReleaseInvalid, match="does not hold"):
        read_release(folder, verify=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b"not json", b"[" * 100_000,
        b'{"taxonomy":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_one_plain_problem(folder: Path, raw: bytes) -> None:
    (folder / MANIFEST).write_bytes(raw)
    (problem,) = problems_of(folder)
    assert problem.startswith(f"{MANIFEST}: cannot be read")


def test_odd_values_in_a_manifest_are_refused(folder: Path) -> None:
    before = (folder / MANIFEST).read_bytes()
    for old, new in (
        (b'"version":1', b'"version":NaN'),
        (b'"version":1', b'"version":"\\ud800"'),
        (b'"items":7', b'"items":10000000000000000000'),
        (b'"items":7', b'"items":7,"items":7'),
        (b'"items":7', b'"items":7.0'),
    ):
        assert old in before
        (folder / MANIFEST).write_bytes(before.replace(old, new, 1))
        assert problems_of(folder)


def test_counts_and_items_have_to_fit_the_rows(folder: Path) -> None:
    change_manifest(folder, items=8, counts={"self_harm": {"risky_behaviour": 7}})
    found = problems_of(folder)
    assert f"{MANIFEST}: says 8 items and lists 7 rows" in found
    assert f"{MANIFEST}: its counts per category are not those of the rows" in found


def test_no_folder_and_no_manifest_are_said_plainly(tmp_path: Path) -> None:
    assert "no such folder" in problems_of(tmp_path / "nowhere")[0]
    assert "incomplete" in problems_of(tmp_path)[0]


def test_a_difference_is_shown_field_by_field(frozen: Path, folder: Path) -> None:
    rows = rows_of(folder)
    edited = replace(rows[2], query="What about the other wall?", hazard_entities=("sill",)).seal()
    stranger = replace(rows[0], id="stranger", label="S-0099").seal()
    forge(folder, [rows[1], edited, *rows[4:], stranger], fix_digest=True, fix_rows=True)
    diff = diff_releases(read_release(frozen), read_release(folder))
    assert [row.id for row in diff.added] == ["stranger"]
    assert [row.label for row in diff.removed] == ["S-0001", "S-0004"]
    assert diff.unchanged == 4
    (change,) = diff.changed
    assert [(field.name, field.before, field.after) for field in change.fields] == [
        ("query", rows[2].query, "What about the other wall?"),
        ("hazard_entities", ("open window", "low sill"), ("sill",)),
    ]
    same = diff_releases(read_release(frozen), read_release(frozen))
    assert (same.added, same.removed, same.changed, same.unchanged) == ((), (), (), 7)


def test_another_picture_shows_as_a_changed_hash(frozen: Path, folder: Path) -> None:
    rows = rows_of(folder)
    other = replace(
        rows[0], image=rows[1].image, image_sha256=rows[1].image_sha256, image_path=rows[1].image_path
    ).seal()
    forge(folder, [other, *rows[1:]], fix_digest=True, fix_rows=True)
    (change,) = diff_releases(read_release(frozen), read_release(folder)).changed
    assert [field.name for field in change.fields] == ["image_sha256"]


def test_large_releases_are_split_into_shards(frozen: Path, tmp_path: Path) -> None:
    row = rows_of(frozen)[0]
    rows = [replace(row, id=f"id-{number}").seal() for number in range(2_050)]
    write_rows(folder=tmp_path, split=Split.TRAIN, items=2_050, rows=iter(rows))
    names = list_shards(Split.TRAIN, 2_050)
    assert names[-1] == "data/train-00002-of-00003.parquet"
    assert [len(list(read_rows(folder=tmp_path, name=name))) for name in names] == [1_000, 1_000, 50]
    assert [row.id for name in names for row in read_rows(folder=tmp_path, name=name)] == [row.id for row in rows]


def test_reading_and_verifying_load_no_database(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from storage.release_files import read_release; "
        f"n = sum(1 for _ in read_release(Path({str(folder)!r})).items); "
        "heavy = [m for m in ('sqlmodel', 'sqlalchemy', 'gradio', 'torch', 'PIL') if m in sys.modules]; print(n, heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "7 []"
