"""`curator release`, and the actions that it shares with the releases page."""

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from approved_items import add_approved
from typer.testing import CliRunner

from curator_app.actions import releases
from curator_app.actions.releases import PAGE_SIZE, QuotaLine, ReleaseLine, compare_with_quota
from curator_app.commands.release import app
from curator_app.workspace import Workspace
from pipeline.taxonomy import load_taxonomy
from storage.errors import Conflict, InvalidRecord, NotFound, ReleaseInvalid
from storage.items import get_item
from storage.records import Split
from storage.release_files import read_release, verify_release
from storage.release_rows import SCHEMA
from storage.releases import ApprovedCount


@pytest.fixture
def run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs `curator release …` in the workspace."""
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))

    def run(*words: str):
        return CliRunner().invoke(app, list(words))

    return run


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    return workspace.releases_folder / "v1.0"


def freeze(workspace: Workspace, version: str = "v1.0", **more) -> ReleaseLine:
    request = {"split": "benchmark", "notes": "", "actor": "user:mia"} | more
    return releases.freeze(workspace, version=version, **request)


def test_freeze_list_verify(run, workspace, folder) -> None:
    add_approved(workspace.db, workspace.blobs, 4)
    assert "no release yet" in run("list").output
    done = run("freeze", "v1.0", "--notes", "The first.")
    assert done.exit_code == 0, done.output
    assert "Froze 4 items as v1.0, benchmark." in done.output
    manifest = read_release(folder).manifest
    assert f"digest  {manifest.digest}" in done.output
    assert manifest.notes == "The first."
    kinds = ("adjudication", "leakage_adjudication", "leakage_check", "scenario_review")
    assert list(manifest.prompts) == [f"guidelines/{kind}/1" for kind in kinds]
    assert manifest.taxonomy["categories"][0]["sub_categories"][0]["quota"] == 20
    listed = run("list").output
    assert "v1.0" in listed
    assert manifest.digest in listed
    verified = run("verify", str(folder), "--digest", manifest.digest)
    assert verified.exit_code == 0, verified.output
    assert "4 items, 5 files" in verified.output


def test_freeze_takes_the_items_of_a_file_and_another_split(run, workspace, tmp_path) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 4)
    (tmp_path / "ids.txt").write_text("\n".join(ids[1:3]) + "\n")
    done = run("freeze", "v0.1", "--split", "held-out", "--items", str(tmp_path / "ids.txt"))
    assert done.exit_code == 0, done.output
    assert [item_id for item_id, _ in read_release(workspace.releases_folder / "v0.1").iterate_row_hashes()] == ids[1:3]
    with workspace.db.read() as session:
        assert [get_item(session=session, item_id=item_id).split for item_id in ids] == [
            None, "held_out", "held_out", None
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["freeze", "v1.0"], Conflict, "nothing is approved"),
        (["freeze", "1"], InvalidRecord, "not of the form"),
        (["freeze", "v1.0", "--split", "test"], InvalidRecord, "choose one of benchmark, train, held_out"),
        (["export", "v9.9", "--to", "x"], NotFound, "there is no release 'v9.9'"),
        (["diff", "v1.0", "v2.0"], NotFound, "there is no release 'v1.0'"),
    ],
)
def test_refusals_are_errors_of_storage_that_the_command_line_prints(run, words, error, message) -> None:
    done = run(*words)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)


def test_verify_prints_each_problem_and_exits_1(run, workspace, folder) -> None:
    add_approved(workspace.db, workspace.blobs, 3)
    freeze(workspace)
    data = folder / "data" / "benchmark-00000-of-00001.parquet"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(bytes(content))
    (folder / "evil\x1b]0;title\x07.txt").write_text("x")
    done = run("verify", str(folder))
    assert done.exit_code == 1
    assert "BAD  data/benchmark-00000-of-00001.parquet: sha256" in done.output
    assert "evil\\x1b]0;title\\x07.txt: a file that is not part of the release" in done.output
    assert "\x1b" not in done.output
    assert "is not the release it was" in done.output


def test_verify_needs_no_workspace_and_no_database(workspace, folder, tmp_path) -> None:
    add_approved(workspace.db, workspace.blobs, 2)
    freeze(workspace)
    shutil.copytree(folder, tmp_path / "elsewhere")
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in ("sqlalchemy", "sqlmodel", "gradio", "fastapi"))
    code = f"import sys; {blocked}from curator_app.commands.release import app; app()"
    environment = {"PATH": os.environ["PATH"], "CURATOR_HOME": str(tmp_path / "nowhere")}
    words = [sys.executable, "-c", code, "verify", "elsewhere"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, "2 items" in done.stdout) == (0, True), done.stderr
    (tmp_path / "elsewhere" / "README.md").write_text("other")
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert "BAD  README.md: sha256" in done.stdout
    assert not (tmp_path / "nowhere").exists()


def test_diff_of_versions_and_of_folders(run, workspace, folder, tmp_path, monkeypatch) -> None:
    add_approved(workspace.db, workspace.blobs, 3)
    freeze(workspace)
    add_approved(workspace.db, workspace.blobs, 1, first=4)
    freeze(workspace, "v1.1")
    done = run("diff", "v1.0", "v1.1")
    assert done.exit_code == 0, done.output
    assert "1 added, 0 removed, 0 changed, 3 unchanged." in done.output
    assert "+ S-0010" in done.output
    shutil.copytree(workspace.releases_folder, tmp_path / "copies")
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "nowhere"))
    back = run("diff", str(tmp_path / "copies" / "v1.1"), str(tmp_path / "copies" / "v1.0"))
    assert "0 added, 1 removed, 0 changed, 3 unchanged." in back.output


@pytest.mark.parametrize("form", ["jsonl", "imagefolder", "csv", "parquet"])
def test_export_writes_each_form(run, workspace, folder, tmp_path, form) -> None:
    add_approved(workspace.db, workspace.blobs, 3)
    freeze(workspace)
    done = run("export", "v1.0", "--format", form, "--to", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert f"Wrote 3 rows as {form}" in done.output
    if form == "parquet":
        assert verify_release(tmp_path / "out").items == 3
    again = run("export", "v1.0", "--format", form, "--to", str(tmp_path / "out"))
    assert isinstance(again.exception, Conflict)
    odd = run("export", str(folder), "--format", "xml", "--to", str(tmp_path / "other"))
    assert "choose one of jsonl, imagefolder, csv, parquet" in str(odd.exception)


def test_a_damaged_release_is_not_exported(run, workspace, folder, tmp_path) -> None:
    add_approved(workspace.db, workspace.blobs, 2)
    freeze(workspace)
    (folder / "LICENSES.md").write_text("everything is free")
    done = run("export", "v1.0", "--to", str(tmp_path / "out"))
    assert isinstance(done.exception, ReleaseInvalid)
    assert not (tmp_path / "out").exists()


def test_the_quota_counts_no_sub_category_twice() -> None:
    counts = {
        ("self_harm", "mind_and_eating"): ApprovedCount(approved=25, released=20),
        ("self_harm", "risky_behaviour"): ApprovedCount(approved=5, released=0),
        ("self_harm", "retired"): ApprovedCount(approved=2, released=2),
    }
    lines = compare_with_quota(load_taxonomy(), counts)
    assert sum(line.quota for line in lines) == 455
    assert sum(line.filled for line in lines) == 25
    line = next(line for line in lines if line.slug == "self_harm")
    assert (line.approved, line.released, line.filled, line.quota, line.missing) == (32, 22, 25, 80, 55)
    assert line.parts[-1] == QuotaLine("retired", "retired", approved=2, released=2, quota=0, filled=0)


def test_the_quota_of_a_workspace_follows_its_approvals(workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 5)
    lines = releases.read_quota(workspace)
    assert sum(line.filled for line in lines) == 5
    freeze(workspace, split="train")
    assert sum(line.filled for line in releases.read_quota(workspace)) == 0, "the train split does not fill it"


def test_contents_come_in_pages(workspace) -> None:
    add_approved(workspace.db, workspace.blobs, PAGE_SIZE + 3)
    freeze(workspace)
    first = releases.read_contents(workspace, version="v1.0")
    last = releases.read_contents(workspace, version="v1.0", page=99)
    assert (len(first.items), first.page, first.pages, first.total) == (PAGE_SIZE, 1, 2, PAGE_SIZE + 3)
    assert (len(last.items), last.page) == (3, 2)
    ids = [row.id for row in first.items + last.items]
    assert ids == [item_id for item_id, _ in releases.open_release(workspace, version="v1.0").iterate_row_hashes()]
    assert first.items[0].image_sha256 is not None
    assert releases.read_contents(workspace, version="v1.0", page=-5).page == 1


def test_a_folder_swapped_for_another_release_is_refused(workspace, folder) -> None:
    add_approved(workspace.db, workspace.blobs, 2)
    freeze(workspace)
    add_approved(workspace.db, workspace.blobs, 1, first=3)
    freeze(workspace, "v1.1")
    shutil.rmtree(folder)
    shutil.copytree(workspace.releases_folder / "v1.1", folder)
    for look in (releases.verify, releases.read_contents, releases.open_download):
        with pytest.raises(ReleaseInvalid, match="this is release"):
            look(workspace, version="v1.0")


def test_the_download_is_a_zip_of_a_release_that_verifies(workspace, folder, tmp_path) -> None:
    add_approved(workspace.db, workspace.blobs, 4)
    line = freeze(workspace)
    download = releases.open_download(workspace, version="v1.0")
    assert download.file_name == "ood-mmsafe-v1.0-benchmark.zip"
    data = b"".join(download.pieces)
    assert data == b"".join(releases.open_download(workspace, version="v1.0").pieces)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    assert verify_release(tmp_path / "unpacked" / "v1.0", digest=line.digest).items == 4
    (folder / "README.md").unlink()
    with pytest.raises(ReleaseInvalid, match="README"):
        releases.open_download(workspace, version="v1.0")


def test_the_download_comes_in_pieces(workspace, folder) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    freeze(workspace)
    (folder / "README.md").write_bytes(b"x" * 3_000_000)
    pieces = list(releases.open_download(workspace, version="v1.0").pieces)
    assert max(map(len, pieces)) < 600_000


@pytest.mark.parametrize(
    ("versions", "expected"),
    [([], "v1.0"), (["v1.0"], "v1.1"), (["v1.9", "v1.10"], "v1.11"), (["v2.0.3", "v1.7"], "v2.1")],
)
def test_the_next_version_is_suggested(versions, expected) -> None:
    line = ReleaseLine("", "benchmark", "", 1, "0" * 64, "mia", None, Path())
    assert (
        releases.suggest_version([ReleaseLine(**{**line.__dict__, "version": name}) for name in versions]) == expected
    )


def test_the_code_commit_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit = releases.find_code_commit()
    assert commit
    # As installed into an environment that lies in somebody else's repository: their commit is not ours.
    package = tmp_path / "theirs" / "site-packages" / "curator_app"
    package.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tmp_path / "theirs")], check=True)
    monkeypatch.setattr(releases, "PACKAGE", package)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert releases.find_code_commit() == f"{project['name']} {project['version']}"


def test_splits_are_read_as_people_write_them() -> None:
    assert releases.parse_split(" held-out ") is Split.HELD_OUT
    with pytest.raises(InvalidRecord):
        releases.parse_split("test")


def test_an_export_names_its_release(workspace, tmp_path) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    line = freeze(workspace)
    releases.export(releases.find_release(workspace, "v1.0"), form="jsonl", folder=tmp_path / "out")
    assert line.digest in (tmp_path / "out" / "README.md").read_text()
    assert list(json.loads((tmp_path / "out" / "items.jsonl").read_text())) == SCHEMA.names
