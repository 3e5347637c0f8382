"""`caspo.export` without torch and verl: which steps are whole, what is refused, the model card, the whole folder.

verl's merger is a child process; here a stand-in of the same name and arguments writes the folder. The real one, and
the comparison of log-probabilities, are tried by `make test-verl`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_case import COMPARED, stand_in, write_step
from training_case import choose, write_data

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from test_study_report import make_content, make_random

from caspo.errors import ExportRefused
from caspo.export import exporting
from caspo.export.checkpoints import find_step, list_steps
from caspo.export.exporting import export_run, read_record
from caspo.launch import FORMAT, plan_launch, write_run
from judge.study_report import build_report
from storage.release_files import hash_file, read_release


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of eight items with checkpoints of steps 10 and 20; verl's merger has a stand-in."""
    config = choose(write_data(tmp_path), tmp_path, update={"learning_rate": 2e-6})
    launch = plan_launch(config, tmp_path / "first")
    write_run(launch)
    for step in (10, 20):
        write_step(launch.folder, step)
    stand_in(tmp_path / "modules", monkeypatch)
    monkeypatch.setattr(exporting, "find_version", lambda name: "1")
    return launch.folder


def test_the_last_whole_step_is_found_and_earlier_ones_by_number(run: Path) -> None:
    assert list_steps(run) == [10, 20]
    assert find_step(run).step == 20
    found = find_step(run, 10)
    assert [shard.name for shard in found.shards] == [f"model_world_size_2_rank_{rank}.pt" for rank in (0, 1)]


def cut_off(folder: Path) -> None:
    shard = folder / "model_world_size_2_rank_1.pt"
    shard.write_bytes(shard.read_bytes()[:-8])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "model_world_size_2_rank_1.pt").unlink(),
            "model_world_size_2_rank_1.pt is missing (saved by 2",
        ),
        (cut_off, "model_world_size_2_rank_1.pt was cut off"),
        (lambda folder: (folder / "fsdp_config.json").unlink(), "fsdp_config.json cannot be read"),
        (lambda folder: (folder / "fsdp_config.json").write_text('{"world_size": 0}'), "says world_size=0"),
        (lambda folder: (folder / "huggingface" / "config.json").unlink(), "huggingface/config.json is missing"),
    ],
)
def test_a_step_that_is_not_whole_is_refused_with_those_that_exist(
    run: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    spoil(run / "checkpoints" / "global_step_20" / "actor")
    with pytest.raises(ExportRefused, match="step 20 is not whole") as refused:
        find_step(run)
    assert said in str(refused.value)
    assert "export another step of step 10, 20" in str(refused.value)
    assert find_step(run, 10).step == 10


def test_a_step_that_verl_has_not_called_whole_is_half_written(run: Path) -> None:
    write_step(run, 30, latest=False)
    assert find_step(run).step == 20
    with pytest.raises(ExportRefused, match=r"step 30 is half-written: verl has called 20 whole"):
        find_step(run, 30)
    (run / "checkpoints" / "latest_checkpointed_iteration.txt").unlink()
    with pytest.raises(ExportRefused, match="was ended while it saved"):
        find_step(run)


def test_a_step_that_is_not_there_and_a_run_without_any_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match="no checkpoint of step 15; it has step 10, 20"):
        export_run(run, tmp_path / "out", step=15)
    (run / "checkpoints").rename(tmp_path / "away")
    with pytest.raises(ExportRefused, match="has no checkpoint under checkpoints"):
        export_run(run, tmp_path / "out")


def test_the_folder_is_described_whole(run: Path, tmp_path: Path) -> None:
    (run / "evaluations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (
        {"name": "e", "release": {"version": "v2.0", "digest": "c" * 64}, "summary": "an old word"},
        {"name": "e", "release": {"version": "v2.0", "digest": "c" * 64}, "summary": "R_0 −20.0 points"},
    )))  # fmt: skip
    done = export_run(
        run, tmp_path / "out", releases={read_release(tmp_path / "v1.0").manifest.digest: tmp_path / "v1.0"}
    )
    record = read_record(tmp_path / "out")
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == {"config.json", "model.safetensors", "README.md", "export.json"}
    assert record["files"] == {name: hash_file(path) for name, path in files.items() if name != "export.json"}
    assert (record["step"], record["run"]["preset"], record["comparison"]) == (20, "tiny-cpu", COMPARED)
    assert record["run"]["release_digest"] == record["releases"][0]["digest"]
    assert done.facts["step"] == 20
    assert str(tmp_path) not in json.dumps(record) + files["README.md"].read_text(), "a path of this machine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_the_card_has_the_front_matter_of_the_hub_and_tells_where_the_model_comes_from(
    run: Path, tmp_path: Path
) -> None:
    digest = read_release(tmp_path / "v1.0").manifest.digest
    content = make_content(make_random(20))
    content["study"] |= {"release_digest": digest, "model": "judged_model"}
    other = make_content(make_random(5))
    other["study"] |= {"name": "of-another-release"}
    studies = [build_report(content), build_report(other)]
    (run / "evaluations.jsonl").write_text(
        json.dumps({"name": "e", "release": {"version": "v2.0", "digest": "c" * 64}, "summary": "R_0 −20.0 points"})
        + "\n"
    )
    export_run(run, tmp_path / "out", releases={digest: tmp_path / "v1.0"}, studies=studies)
    card = (tmp_path / "out" / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    told = yaml.safe_load(front)
    assert (told["library_name"], told["pipeline_tag"], told["license"]) == (
        "transformers",
        "image-text-to-text",
        "other",
    )
    assert "base_model" not in told, "a folder is no name of the hub"
    assert "/models" not in card
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_bytes())
    for said in (
        digest, manifest["config_sha256"], manifest["constitution_sha256"],
        manifest["files"]["train.parquet"]["sha256"],
        "| learning rate | 2e-06 |", "| steps | 20 |", "| method: lam | `0.3` |", "| `verl` |",
        "8 items and 0 harmless twins", "CC0-1.0 (8)", "Compared with 0 rows of benchmarks",
        "split train: 8 items. Reviewers an item: 8 by 2. Settled by: two agree (8)",
        "100.0% of them agreed on average",
        "| first | judged&#95;model, standard, release v1.0 | 3 | 20 |", "R&#95;0 −20.0 points",
        "log-probabilities differ by at most 1e-06 nats", "The rounding itself moves them by 0.0045 nats",
        "was not at hand, so what training has moved is not known", "Nobody has approved this model for use",
        hash_file(tmp_path / "out" / "model.safetensors")["sha256"],
    ):  # fmt: skip
        assert said in body, said
    assert "of-another-release" not in body
    value = studies[0]["judge_human"]["panel"]["consistency"]["per_item"]["value"]
    assert f"| {100 * value:.1f}% (" in body


def test_without_releases_and_studies_the_card_says_what_is_not_known(run: Path, tmp_path: Path) -> None:
    export_run(run, tmp_path / "out", step=10)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "was not at hand, so nothing is told of its reviewers" in card
    assert "No closed study compares the judge with people" in card
    assert "None when this was exported" in card


def test_a_release_folder_that_was_changed_is_not_believed(run: Path, tmp_path: Path) -> None:
    digest = read_release(tmp_path / "v1.0").manifest.digest
    (tmp_path / "v1.0" / "README.md").write_text("Approved by everybody.")
    export_run(run, tmp_path / "out", releases={digest: tmp_path / "v1.0"})
    assert read_record(tmp_path / "out")["releases"] == [{"digest": digest, "at_hand": False}]


def test_nothing_is_overwritten_and_nothing_half_done_is_left(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_run(run, tmp_path / "out")
    with pytest.raises(ExportRefused, match="exists, and nothing is overwritten"):
        export_run(run, tmp_path / "out", step=10)
    (run / "checkpoints" / "global_step_20" / "actor" / "broken").touch()
    with pytest.raises(ExportRefused, match=r"verl's merger failed with code 1 .*the shards do not fit"):
        export_run(run, tmp_path / "other")

    def differ(*_: Any, **__: Any) -> None:
        raise ExportRefused("the merged model is not the checkpoint")

    monkeypatch.setattr(exporting, "_compare", differ)
    with pytest.raises(ExportRefused, match="is not the checkpoint"):
        export_run(run, tmp_path / "other", step=10)
    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".other*"))


def test_data_that_are_not_the_runs_are_refused(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "data" / "train.parquet"
    table.write_bytes(table.read_bytes() + b" ")
    with pytest.raises(ExportRefused, match=r"train.parquet has the hash .* put back the data of the run"):
        export_run(run, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.json", '{"format": "other"}', "does not have the format"),
        ("run.json", "{", "is no run of a training"),
        ("run.json", f'{{"format": "{FORMAT}", "stage": "other"}}', "says stage='other', which is none of train, sft"),
        ("config.yaml", "preset: tiny-cpu\n", "is of another version, or was edited"),
    ],
)
def test_what_is_no_run_is_refused(run: Path, tmp_path: Path, name: str, content: str, said: str) -> None:
    (run / name).write_text(content)
    with pytest.raises(ExportRefused, match=said):
        export_run(run, tmp_path / "out")


def test_without_verl_there_is_a_remedy(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_version", lambda name: None)
    with pytest.raises(ExportRefused, match="make setup-models"):
        export_run(run, tmp_path / "out")
