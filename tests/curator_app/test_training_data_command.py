"""`curator caspo prepare` in a workspace and without one: sources by name, benchmarks kept out, the page."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from approved_items import add_approved, add_twin, draw_picture
from standalone_pages import check_stands_alone
from training_sources import make_row, put_table, write_preferences, write_release
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from judge_runs import make_item, run_scripted

from curator_app.actions import releases
from curator_app.actions.benchmarks import import_into_workspace
from curator_app.actions.training_data import DataNotPrepared
from curator_app.cli import app
from curator_app.workspace import Workspace
from storage.records import Split
from storage.release_files import read_release

Run = Callable[..., Result]


@pytest.fixture
def run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))
    return lambda *words: CliRunner().invoke(app, ["caspo", "prepare", *map(str, words)])


def freeze(workspace: Workspace, version: str, split: str, ids: list[str]) -> None:
    releases.freeze(workspace, version=version, split=split, notes="", actor="user:mia", item_ids=ids)


def refusal(done: Result) -> str:
    assert isinstance(done.exception, DataNotPrepared), done.output
    return str(done.exception)


def test_a_release_of_the_workspace_by_its_version_with_its_twin(run: Run, workspace: Workspace) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 4)
    add_twin(workspace.db, workspace.blobs, ids[0])
    freeze(workspace, "v1.0", "train", ids)
    done = run("--release", "v1.0", "--twin-share", "0.25")
    assert done.exit_code == 0, done.output
    folder = workspace.settings.home / "training-data" / "v1.0-seed-0"
    rows = pq.read_table(folder / "train.parquet").to_pylist()
    assert {row["extra_info"]["item_id"] for row in rows} == {ids[0], f"{ids[0]}-twin", ids[1], ids[3]}
    assert "| Violent content | 1 | 1 | 33.33%" in done.output
    assert "NOTHING TO COMPARE WITH" in done.output
    assert "Known before, unchanged" in run("--release", "v1.0", "--twin-share", "0.25").output
    assert "holds other training data" in refusal(run("--release", "v1.0", "--twin-share", "0"))


def test_benchmark_releases_of_the_workspace_are_kept_out(run: Run, workspace: Workspace) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 5)
    freeze(workspace, "v1.0", "benchmark", ids[:1])
    freeze(workspace, "v1.1", "train", ids[1:])
    assert "release v1.0 is of the split benchmark" in refusal(run("--release", "v1.0"))
    said = refusal(run("--release", "v1.1"))
    assert said.startswith("3 prompts match what models are measured with")
    assert len(re.findall(r": similar (?:query|picture) of release v1\.0, item S-\d+ \(", said)) == 3
    assert "nothing is left to train on" in refusal(run("--release", "v1.1", "--drop-matches"))
    assert not (workspace.settings.home / "training-data" / "v1.1-seed-0").exists()


def test_imported_benchmarks_bar_but_what_is_trained_on_does_not(
    run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    home = workspace.settings.home
    table = write_preferences(tmp_path / "bt", 6)
    import_into_workspace(workspace, name="beavertails-v", path=table.parent)
    row = {
        "instruction_id": 1, "instruction": "What is the animal in picture 3 doing?", "category": "x",
        "sub_category": "y", "image": {"bytes": draw_picture(9)},
    }  # fmt: skip
    import_into_workspace(workspace, name="vlsbench", path=put_table(tmp_path / "vlsbench.parquet", [row]))
    said = refusal(run("--beavertails-v", table))
    assert "train/animal_abuse/train-00000-of-00001/3: query of benchmark vlsbench, row 1" in said
    assert "benchmark beavertails-v" not in said
    assert list((home / "training-data").glob("[!.]*")) == []


def test_without_a_workspace_folders_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "nowhere"))
    release = write_release(tmp_path / "v1.0", [make_row(n) for n in range(1, 4)], count=3)
    measured = write_release(tmp_path / "v2.0", [make_row(2)], count=1, split=Split.BENCHMARK)
    words = ["caspo", "prepare", "--release", str(release), "--to", str(tmp_path / "out"), "--twin-share", "0"]
    refused = CliRunner().invoke(app, [*words, "--benchmark", str(measured)])
    assert "item000002: id of release v2.0, item OOD-2" in refusal(refused)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_real_judge_run_by_its_name_gives_answers_and_a_page(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    hostile = "</style><script>alert(1)</script>"
    items = []
    for number in range(1, 9):
        plain = make_row(number)
        items.append(make_item(number, image=plain.image, image_path=plain.image_path, image_sha256=plain.image_sha256,
                               hidden_hazard=hostile))  # fmt: skip
    release = read_release(write_release(tmp_path / "v1.0", items, count=8))
    home = workspace.settings.home
    judges = {"gpt-judge": lambda number: (2, 2, 2), "qwen-judge": lambda number: (2, 2, number % 3)}
    run_scripted(home, release, run="base", judges=judges)
    done = run("--release", release.folder, "--judge-run", "base", "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    sft = pq.read_table(tmp_path / "out" / "sft.parquet").to_pylist()
    assert {row["score"] for row in sft} == {5.0, 5.5, 6.0}
    assert sft[0]["messages"][1]["content"] == "Yes, at window 1."
    tags = check_stands_alone((tmp_path / "out" / "report.html").read_text(encoding="utf-8"), pictures=True)
    text = re.sub(r"\s+", " ", tags.text)
    assert "8 items and 0 twins to train on" in text
    assert "The releases hold 0 twins that fit, where 7 are wanted" in text
    assert hostile in text
    assert len([tag for tag, _ in tags.tags if tag == "img"]) == 3


def test_a_config_file_and_options_before_it(run: Run, tmp_path: Path) -> None:
    release = write_release(tmp_path / "v1.0", [make_row(n) for n in range(1, 13)], count=12)
    file = tmp_path / "data.yaml"
    file.write_text(f"twin_share: 0\nseed: 5\nreleases:\n- {{path: {release}, items: 6}}\n")
    done = run(file, "--seed", "7", "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert (manifest["seed"], manifest["files"]["train.parquet"]["rows"]) == (7, 6)
    file.write_text("relases: []\n")
    assert "relases" in refusal(run(file))
    assert "no such release" in str(run("--release", "v7.0").exception) or "there is no release" in str(
        run("--release", "v7.0").exception
    )
