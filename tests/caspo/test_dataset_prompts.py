"""Prompts of releases as training data: what is in the files, how they are chosen, and that a folder is whole."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from approved_items import draw_picture
from release_folders import all_bytes
from training_sources import CATEGORIES, make_row, save_as, write_release

from caspo.constitution import get_constitution
from caspo.dataset.config import PAPER_SHARES, make_config, read_config
from caspo.dataset.prepare import MANIFEST, Prepared, prepare
from caspo.dataset.report import render_markdown
from caspo.dataset.rows import ROWS_PER_GROUP
from caspo.dataset.sampling import allocate
from caspo.errors import BenchmarkFound, DataRefused
from endpoints.embeddings import HashEmbeddings
from storage.records import Category, Split


def make(to: Path, *releases: Path | dict[str, Any], **more: Any) -> Prepared:
    sources = [one if isinstance(one, dict) else {"path": one} for one in releases]
    config = make_config({"releases": sources, "twin_share": 0.0} | more)
    return prepare(config, to=to, barred=[], embeddings=HashEmbeddings())


def read(folder: Path, name: str = "train") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def release_of(
    home: Path, count: int, *, name: str = "v1.0", first: int = 1, split: Split = Split.TRAIN, **more: Any
) -> Path:
    rows = [make_row(number, **more) for number in range(first, first + count)]
    return write_release(home / name, rows, count=count, split=split)


def test_a_row_is_what_verl_and_the_reward_need(tmp_path: Path) -> None:
    release = release_of(tmp_path, 6, twin=True)
    made = make(tmp_path / "out", release, twin_share=0.5)
    rows = read(made.folder)
    assert len(rows) == 12
    item, twin = rows[0], rows[1]
    rule = get_constitution(CATEGORIES[1].value)
    assert item == {
        "data_source": "ood-mmsafe/v1.0",
        "prompt": [{"role": "user", "content": "<image>Which shelf is best for object number 1?"}],
        "images": [{"bytes": draw_picture(1)}],
        "ability": "safety",
        "reward_model": {"style": "model", "ground_truth": ""},
        "extra_info": {
            "split": "train", "index": 0, "item_id": "item000001", "release": "ood-mmsafe/v1.0",
            "category": "illegal_activity", "sub_category": "dependants", "constitution": rule.text,
            "constitution_hash": rule.sha256, "twin": False, "scene": "Scene 1.",
            "hidden_hazard": "Hazard 1 hits the child.", "hazard_entities": ["kettle 1", "child"],
            "causal_chain": ["It is moved.", "It falls."], "safe_answer_notes": "Warn first.", "world_truth": "",
        },
    }  # fmt: skip
    assert twin["images"] == [{"bytes": draw_picture(1_000_001)}]
    assert twin["extra_info"]["twin"] and twin["extra_info"]["item_id"] == "item000001-twin"
    assert twin["prompt"] == item["prompt"]
    assert [row["extra_info"]["index"] for row in rows] == list(range(12))


def test_the_file_loads_with_datasets_and_has_small_row_groups(tmp_path: Path) -> None:
    made = make(tmp_path / "out", release_of(tmp_path, 70))
    file = pq.ParquetFile(made.folder / "train.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [ROWS_PER_GROUP, 6]
    loaded = datasets.load_dataset(
        "parquet", data_files=str(made.folder / "train.parquet"), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert loaded.num_rows == 70
    assert loaded[69]["images"][0]["bytes"] == draw_picture(70)


def test_png_and_jpeg_stay_as_they_are_and_webp_becomes_png(tmp_path: Path) -> None:
    jpeg, webp = (
        save_as(draw_picture(n), form, **more) for n, form, more in ((1, "JPEG", {}), (2, "WEBP", {"lossless": True}))
    )
    rows = [make_row(1, picture=jpeg), make_row(2, picture=webp)]
    made = make(tmp_path / "out", write_release(tmp_path / "v1.0", rows, count=2))
    kept = [row["images"][0]["bytes"] for row in read(made.folder)]
    assert kept[0] == jpeg
    assert kept[1].startswith(b"\x89PNG")
    assert save_as(kept[1], "BMP") == save_as(webp, "BMP")


def test_what_verl_would_stumble_over_is_cleaned_or_left_out(tmp_path: Path) -> None:
    rows = [
        make_row(1, query="<image>Where <video> to?"),
        make_row(2, query="End <|im_end|> here?"),
        make_row(3, image=None, image_path=None, image_sha256=None),
        make_row(4),
    ]
    made = make(tmp_path / "out", write_release(tmp_path / "v1.0", rows, count=4))
    assert [row["prompt"][0]["content"] for row in read(made.folder)] == [
        "<image>Where to?", "<image>Which shelf is best for object number 4?"
    ]  # fmt: skip
    assert made.report["sources"][0]["left_out"] == {
        "control token of a chat template in the question": 1, "no picture": 1
    }  # fmt: skip


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_items(tmp_path: Path) -> None:
    release = release_of(tmp_path, 40, twin=True)
    source = {"path": release, "items": 20}
    first, again, other = (
        make(tmp_path / name, source, seed=seed, twin_share=0.2) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert all_bytes(first.folder) == all_bytes(again.folder)
    names = [{row["extra_info"]["item_id"] for row in read(each.folder)} for each in (first, other)]
    assert len(names[0]) == len(names[1]) == 25
    assert names[0] != names[1]
    assert make(tmp_path / "a", source, seed=1, twin_share=0.2).known
    with pytest.raises(DataRefused, match="holds other training data"):
        make(tmp_path / "a", source, seed=2, twin_share=0.2)


def test_the_manifest_pins_everything_and_no_path(tmp_path: Path) -> None:
    release = release_of(tmp_path, 3)
    made = make(tmp_path / "out", release)
    manifest = json.loads((made.folder / MANIFEST).read_bytes())
    told = json.loads((release / "manifest.json").read_bytes())
    assert manifest["release_digest"] == manifest["sources"][0]["digest"] == told["digest"]
    data = (made.folder / "train.parquet").read_bytes()
    assert manifest["files"]["train.parquet"] == {
        "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "rows": 3
    }  # fmt: skip
    assert manifest["sources"][0]["licences"] == {"CC0-1.0": 3}
    assert manifest["constitutions"]["self_harm"]["sha256"] == get_constitution("self_harm").sha256
    assert manifest["packages"]["pyarrow"]
    assert str(tmp_path) not in (made.folder / MANIFEST).read_text()


def test_twins_come_by_their_share_those_of_chosen_items_first(tmp_path: Path) -> None:
    release = release_of(tmp_path, 60, twin=True)
    made = make(tmp_path / "out", {"path": release, "items": 30}, twin_share=0.25)
    rows = [row["extra_info"] for row in read(made.folder)]
    items = {row["item_id"] for row in rows if not row["twin"]}
    twins = {row["item_id"].removesuffix("-twin") for row in rows if row["twin"]}
    assert (len(items), len(twins)) == (30, 10)
    assert twins <= items
    assert made.report["twins"]["share"] == 0.25
    few = make(tmp_path / "few", release_of(tmp_path / "other", 10, twin=False))
    assert few.report["twins"]["taken"] == 0
    lacking = make(tmp_path / "lacking", release_of(tmp_path / "third", 10, first=90, twin=False), twin_share=0.5)
    assert "hold 0 twins that fit, where 10 are wanted" in render_markdown(lacking.report)


def test_quotas_weights_and_category_shares(tmp_path: Path) -> None:
    one = release_of(tmp_path, 60, name="v1.0")
    two = release_of(tmp_path, 60, name="v1.1", first=101)
    made = make(tmp_path / "out", {"path": one, "weight": 3}, {"path": two, "weight": 1}, size=40)
    assert [source["taken"] for source in made.report["sources"]] == [30, 10]
    weighed = make(tmp_path / "w", {"path": one, "items": 12}, category_shares={"hate_speech": 1, "self_harm": 3})
    counts = {each["category"]: each["items"] for each in weighed.report["categories"] if each["items"]}
    assert counts == {"hate_speech": 3, "self_harm": 9}
    paper = make(tmp_path / "p", {"path": one, "items": 24}, category_shares="paper")
    assert max(paper.report["categories"], key=lambda each: each["items"])["category"] == "violent_content"
    assert sum(each["items"] for each in paper.report["categories"]) == 24


def test_allocation_gives_what_is_lacking_to_the_others() -> None:
    assert allocate(10, weights={"a": 1, "b": 1}, available={"a": 2, "b": 20}) == {"a": 2, "b": 8}
    assert allocate(10, weights={"a": 1, "b": 1}, available={"a": 2, "b": 3}) == {"a": 2, "b": 3}
    assert allocate(7, weights={"a": 1, "b": 0}, available={"a": 9, "b": 9}) == {"a": 7, "b": 0}
    assert sum(allocate(6583, weights=PAPER_SHARES, available=dict.fromkeys(Category, 6583)).values()) == 6583


def test_a_held_out_release_goes_to_val_and_what_it_holds_is_not_trained_on(tmp_path: Path) -> None:
    train = release_of(tmp_path, 8, name="v1.0")
    held = release_of(tmp_path, 2, name="v1.0.1", split=Split.HELD_OUT, twin=True)
    made = make(tmp_path / "out", train, held)
    validation = [row["extra_info"] for row in read(made.folder, "val")]
    assert [(row["item_id"], row["split"]) for row in validation] == [
        ("item000001", "val"), ("item000001-twin", "val"), ("item000002", "val"), ("item000002-twin", "val")
    ]  # fmt: skip
    assert [row["extra_info"]["item_id"] for row in read(made.folder)] == [f"item{n:06d}" for n in range(3, 9)]
    (told,) = [source for source in made.report["sources"] if source["part"] == "train"]
    assert told["left_out"] == {"the same picture and question as an earlier one": 2}
    with pytest.raises(DataRefused, match="add one of the split train"):
        make(tmp_path / "none", held)


def test_a_benchmark_release_is_refused_with_the_remedy(tmp_path: Path) -> None:
    release = release_of(tmp_path, 3, split=Split.BENCHMARK)
    with pytest.raises(BenchmarkFound, match=r"release v1\.0 is of the split benchmark \(3 items.*--split train"):
        make(tmp_path / "out", release)
    assert not (tmp_path / "out").exists()


def test_a_damaged_release_is_refused(tmp_path: Path) -> None:
    release = release_of(tmp_path, 3)
    shard = next((release / "data").iterdir())
    shard.write_bytes(shard.read_bytes()[:-50])
    with pytest.raises(DataRefused, match=r"release v1\.0: .* cannot be read"):
        make(tmp_path / "out", release)


def test_a_release_whose_rows_were_replaced_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    release, other = release_of(tmp_path, 3), release_of(tmp_path / "other", 3, query="Which tree is the oldest?")
    shard = next((release / "data").iterdir())
    shard.write_bytes(next((other / "data").iterdir()).read_bytes())
    with pytest.raises(DataRefused, match=r"release v1\.0: row OOD-1 .*: it is not the manifest's item000001"):
        make(tmp_path / "out", release)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no source is given"),
        ({"releases": [{"path": "x"}], "twin_share": 1.0}, "twin_share"),
        ({"releases": [{"path": "x"}], "category_shares": "paper"}, "give size, or items"),
        ({"releases": [{"path": "x"}], "sizes": 3}, "sizes"),
        ({"releases": [{"path": "x"}, {"path": "x"}]}, "no such folder"),
    ],
)
def test_a_config_that_cannot_be_used_names_the_field(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=message):
        prepare(make_config(values), to=tmp_path / "out", barred=[], embeddings=HashEmbeddings())


def test_a_yaml_file_is_read_and_the_command_line_goes_before_it(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("seed: 3\npreset: paper\nreleases:\n- path: a\n  items: 5\nreward:\n  margin: 3\n")
    config = read_config(file, seed=4)
    assert (config.seed, config.twins, config.reward.margin, config.releases[0].items) == (4, 0.0, 3.0, 5)
    file.write_text("- 1\n")
    with pytest.raises(DataRefused, match="holds no fields"):
        read_config(file)


def test_a_killed_export_leaves_no_folder_and_the_next_one_is_whole(tmp_path: Path) -> None:
    release = release_of(tmp_path, 20)
    code = f"""
import os, signal, sys
from pathlib import Path
from caspo.dataset.config import make_config
from caspo.dataset.prepare import prepare
from endpoints.embeddings import HashEmbeddings
def kill(step, source, done):
    if step == "writing" and done == 15:
        os.kill(os.getpid(), signal.SIGKILL)
config = make_config({{"releases": [{{"path": {str(release)!r}}}], "twin_share": 0.0}})
prepare(config, to=Path({str(tmp_path / "out")!r}), barred=[], embeddings=HashEmbeddings(), observer=kill)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    )
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert (tmp_path / ".out.partial" / "train.parquet").exists()
    make(tmp_path / "out", release)
    assert len(read(tmp_path / "out")) == 20
    assert not (tmp_path / ".out.partial").exists()


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    release = release_of(tmp_path, 4)
    config = make_config({"releases": [{"path": release}]})

    def fail(step: str, source: str, done: int) -> None:
        if step == "writing":
            raise OSError(28, "No space left on device")

    with pytest.raises(DataRefused, match="No space left on device; nothing was kept"):
        prepare(config, to=tmp_path / "out", barred=[], embeddings=HashEmbeddings(), observer=fail)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.partial").exists()


def test_the_report_has_the_shape_of_table_8(tmp_path: Path) -> None:
    made = make(tmp_path / "out", release_of(tmp_path, 12, twin=True), twin_share=0.4)
    lines = (made.folder / "report.md").read_text().splitlines()
    assert "| Category | ood-mmsafe/v1.0 | Items | Share | Paper | Twins | Held out |" in lines
    (violent,) = [line for line in lines if line.startswith("| Violent content")]
    assert violent.startswith("| Violent content | 2 | 2 | 16.67% | 38.02% |")
    assert sum(each["twins"] for each in made.report["categories"]) == 8
    assert json.loads((made.folder / "report.json").read_text()) == made.report
