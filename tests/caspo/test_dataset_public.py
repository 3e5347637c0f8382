"""BeaverTails-V and SPA-VL as training data: both tables of the former, categories, pairs, and what is refused."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from approved_items import draw_picture
from training_sources import make_row, put_table, write_classification, write_preferences, write_release, write_spa_vl

from caspo.dataset.categories import MAPPINGS, UNMAPPED, map_category
from caspo.dataset.config import make_config
from caspo.dataset.prepare import Prepared, prepare
from caspo.errors import DataRefused
from endpoints.embeddings import HashEmbeddings
from storage.records import Category


def make(home: Path, *public: dict[str, Any], **more: Any) -> Prepared:
    config = make_config({"public": list(public), "twin_share": 0.0, "preferences": {"length_skew": None}} | more)
    return prepare(config, to=home / "out", barred=[], embeddings=HashEmbeddings())


def read(made: Prepared, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(made.folder / f"{name}.parquet").to_pylist()
    return rows


def test_the_table_of_preferences_gives_prompts_and_pairs_with_a_gap(tmp_path: Path) -> None:
    made = make(tmp_path, {"kind": "beavertails-v", "path": write_preferences(tmp_path / "bt", 10)})
    rows = read(made, "train")
    assert len(rows) == 10
    assert rows[3]["data_source"] == "beavertails-v"
    assert rows[3]["images"] == [{"bytes": draw_picture(5_003)}]
    told = rows[3]["extra_info"]
    assert (told["category"], told["sub_category"], told["hidden_hazard"]) == ("violent_content", "animal_abuse", "")
    assert told["item_id"] == "train/animal_abuse/train-00000-of-00001/3"
    pairs = read(made, "preferences")
    assert len(pairs) == 8  # two rows state no safer answer
    assert pairs[0]["chosen"][0]["content"].startswith("Careful answer 1")
    assert pairs[0]["rejected"][0]["content"].startswith("Plain answer 1")
    assert (pairs[0]["gap"], pairs[0]["chosen_score"], pairs[0]["chosen_model"]) == (4.0, None, "m2")


def test_pairs_whose_rates_lie_near_are_left_out(tmp_path: Path) -> None:
    source = {"kind": "beavertails-v", "path": write_preferences(tmp_path / "bt", 10)}
    made = make(tmp_path, source, preferences={"length_skew": None, "min_gap": 5})
    assert not (made.folder / "preferences.parquet").exists()


def test_the_table_of_single_answers_gives_one_prompt_of_two_rows(tmp_path: Path) -> None:
    made = make(tmp_path, {"kind": "beavertails-v", "path": write_classification(tmp_path / "bt", 6)})
    assert len(read(made, "train")) == 6
    assert made.report["sources"][0]["left_out"] == {}
    pairs = read(made, "preferences")
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in pairs[:1]] == [
        ("Calm and careful answer 0", "Rash answer 0")
    ]
    assert {row["gap"] for row in pairs} == {None}


def test_a_mark_that_is_no_mark_is_refused(tmp_path: Path) -> None:
    path = write_classification(tmp_path / "bt", 1)
    rows = pq.read_table(path).to_pylist()
    put_table(path, [row | {"is_response_safe": "perhaps"} for row in rows])
    with pytest.raises(DataRefused, match="is_response_safe is 'perhaps'"):
        make(tmp_path, {"kind": "beavertails-v", "path": path})


def test_both_tables_and_several_categories_from_one_folder(tmp_path: Path) -> None:
    write_preferences(tmp_path / "bt", 5)
    write_classification(tmp_path / "bt", 5)
    write_preferences(tmp_path / "bt", 5, category="false_information")
    made = make(tmp_path, {"kind": "beavertails-v", "path": tmp_path / "bt"})
    counts = {each["category"]: each["items"] for each in made.report["categories"]}
    assert (counts["violent_content"], counts["self_harm"]) == (5, 5)
    (source,) = made.report["sources"]
    assert source["left_out"] == {"the same picture and question as an earlier one": 5}
    assert sorted(made.manifest["sources"][0]["files"]) == [
        "animal_abuse/train-00000-of-00001.parquet",
        "dangerous_behavior/train-00000-of-00001.parquet",
        "false_information/train-00000-of-00001.parquet",
    ]


def test_spa_vl_has_categories_in_the_names_of_its_pictures_only(tmp_path: Path) -> None:
    made = make(tmp_path, {"kind": "spa-vl", "path": write_spa_vl(tmp_path / "spa", 10)})
    assert {row["extra_info"]["category"] for row in read(made, "train")} == {"hate_speech"}
    assert len(read(made, "train")) == 5
    assert len(read(made, "preferences")) == 10
    assert read(made, "train")[0]["prompt"][0]["content"] == "<image>Who is the person in picture 1?"
    text = (made.folder / "report.md").read_text()
    assert "of no category of ours, so in pairs only: Representation & ToxicityHarms/Other/racial 5" in text


def test_a_config_maps_what_we_do_not(tmp_path: Path) -> None:
    source = {
        "kind": "spa-vl",
        "path": write_spa_vl(tmp_path / "spa", 10),
        "categories": {"other": "privacy_violation"},
    }
    made = make(tmp_path, source)
    assert len(read(made, "train")) == 10
    assert made.manifest["sources"][0]["own_mapping"] == {"other": "privacy_violation"}


def test_pairs_only_leaves_the_prompts_to_the_releases(tmp_path: Path) -> None:
    release = write_release(tmp_path / "v1.0", [make_row(1)], count=1)
    source = {"kind": "beavertails-v", "path": write_preferences(tmp_path / "bt", 10), "prompts": False}
    made = make(tmp_path, source, releases=[{"path": release}])
    assert len(read(made, "train")) == 1
    assert len(read(made, "preferences")) == 8


def test_licence_and_version_are_kept_and_can_be_told(tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "bt", 2)
    (plain,) = make(tmp_path / "a", {"kind": "beavertails-v", "path": path}).manifest["sources"]
    assert plain["licence"].startswith("CC BY-NC 4.0")
    assert plain["version"].startswith("unknown")
    made = make(tmp_path / "b", {"kind": "beavertails-v", "path": path, "version": "ee19041", "licence": "ours"})
    (told,) = made.manifest["sources"]
    assert (told["version"], told["licence"]) == ("ee19041", "ours")
    assert "forbids commercial use" in (tmp_path / "a" / "out" / "report.md").read_text()


@pytest.mark.parametrize("name", ["evaluation", "test"])
def test_parts_to_measure_with_are_refused(name: str, tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "bt", 2, name=name)
    with pytest.raises(DataRefused, match=f"is the part '{name}' of BeaverTails-V.*files of the part train"):
        make(tmp_path, {"kind": "beavertails-v", "path": path})


def test_files_of_another_layout_and_pictures_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="'category' is missing"):
        make(tmp_path, {"kind": "beavertails-v", "path": write_spa_vl(tmp_path / "spa", 2)})
    rows = pq.read_table(write_preferences(tmp_path / "bt", 3)).to_pylist()
    rows[0]["image"]["bytes"] = b"\x89PNG\r\n\x1a\nno picture at all"
    rows[1]["question"] = " "
    made = make(tmp_path, {"kind": "beavertails-v", "path": put_table(tmp_path / "t" / "x" / "train.parquet", rows)})
    assert made.report["sources"][0]["left_out"] == {"no question": 1, "picture that cannot be decoded": 1}
    assert made.report["items"] == 1


def test_a_source_given_twice_is_refused(tmp_path: Path) -> None:
    source = {"kind": "spa-vl", "path": write_spa_vl(tmp_path / "spa", 2)}
    with pytest.raises(DataRefused, match="spa-vl is given twice"):
        make(tmp_path, source, source)


def test_every_known_category_is_mapped_or_said_not_to_be_and_the_page_tells_so() -> None:
    known = {*MAPPINGS["beavertails-v"], *UNMAPPED["beavertails-v"]}
    assert len(known) == 20
    assert set(MAPPINGS["beavertails-v"].values()) == set(Category)
    page = (Path(__file__).parents[2] / "docs" / "training-data.md").read_text(encoding="utf-8")
    for own, ours in MAPPINGS["beavertails-v"].items():
        assert f"| `{own}` | `{ours}` |" in page
    for own in UNMAPPED["beavertails-v"]:
        assert f"| `{own}` | none |" in page


def test_names_of_categories_are_compared_without_case_and_marks() -> None:
    assert map_category("beavertails-v", "Animal Abuse", {}) is Category.VIOLENT
    assert map_category("spa-vl", "Representation & ToxicityHarms/Unfair/racial", {}) is Category.HATE
    assert map_category("spa-vl", "A/B/c", {"b": Category.SEXUAL}) is Category.SEXUAL
    assert map_category("spa-vl", "A/B/c", {}) is None
