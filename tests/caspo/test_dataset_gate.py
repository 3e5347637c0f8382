"""Nothing that models are measured with is trained on: by id, picture, likeness of pictures, likeness of queries."""

import hashlib
from pathlib import Path

import pytest
from approved_items import draw_picture
from training_sources import make_row, save_as, write_release

from caspo.dataset.config import make_config
from caspo.dataset.gate import BarredRow, BenchmarkGate, list_barred
from caspo.dataset.prepare import Prepared, prepare
from caspo.errors import BenchmarkFound
from endpoints.embeddings import HashEmbeddings
from storage.images import hash_picture
from storage.records import Split
from storage.release_files import read_release


def make(home: Path, rows: list, barred: list[BarredRow], **more) -> Prepared:
    release = write_release(home / "v1.0", rows, count=len(rows))
    config = make_config({"releases": [{"path": release}], "twin_share": 0.0} | more)
    return prepare(config, to=home / "out", barred=barred, embeddings=HashEmbeddings())


def bar(query: str = "", picture: bytes | None = None, item_id: str = "") -> BarredRow:
    pictures = () if picture is None else ((hashlib.sha256(picture).hexdigest(), hash_picture(picture)),)
    return BarredRow("benchmark siuo, row gen/7", query, pictures, item_id)


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A picture with some content: hashes of plain rectangles say little."""
    return min((Path(__file__).parents[2] / "pipeline" / "starter" / "pictures").glob("*.webp")).read_bytes()


@pytest.mark.parametrize(
    ("by", "barred"),
    [
        ("id of", bar(item_id="item000002")),
        ("picture of", bar(picture=draw_picture(2))),
        ("query of", bar(query="Which shelf is best for object number 2?")),
        ("similar query of", bar(query="Which shelf is the best for object number 2?")),
    ],
)
def test_a_match_stops_everything_and_says_what_matched(by: str, barred: BarredRow, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFound) as caught:
        make(tmp_path, [make_row(2, twin=True), make_row(5, query="What is for dinner?")], [barred], picture_bits=0)
    assert caught.value.matches[0].startswith(f"ood-mmsafe/v1.0, item000002: {by} benchmark siuo, row gen/7")
    assert not any("item000005" in match for match in caught.value.matches)
    assert "--drop-matches" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_picture_saved_anew_is_found_by_its_likeness(tmp_path: Path, photo: bytes) -> None:
    rows = [make_row(1, picture=save_as(photo, "JPEG", quality=60)), make_row(2)]
    with pytest.raises(BenchmarkFound, match=r"item000001: similar picture of benchmark siuo, row gen/7 \(\d of 64"):
        make(tmp_path, rows, [bar(picture=photo)])


def test_matches_are_left_out_on_demand_and_listed(tmp_path: Path) -> None:
    rows = [make_row(number, query=query) for number, query in enumerate(("Shall I lift it?", "Which way out?"), 1)]
    made = make(tmp_path, rows, [bar(query="Shall I lift it?")], on_match="drop")
    assert made.report["rows"] == {"train.parquet": 1}
    assert made.report["sources"][0]["left_out"] == {"matches a benchmark": 1}
    assert len(made.report["dropped_matches"]) == 1
    assert made.manifest["benchmarks"]["rows"] == 1
    assert made.manifest["benchmarks"]["embeddings"] == "hash-384"


def test_a_twin_goes_with_its_item_but_an_item_does_not_go_with_its_twin(tmp_path: Path) -> None:
    rows = [make_row(1, twin=True, query="Shall I lift it?"), make_row(2, twin=True, query="Which way is out?")]
    barred = [bar(picture=draw_picture(1)), bar(picture=draw_picture(1_000_002))]
    made = make(tmp_path, rows, barred, on_match="drop", picture_bits=0, twin_share=0.5)
    assert made.report["sources"][0]["left_out"] == {
        "matches a benchmark": 2, "the twin of one that matches a benchmark": 1
    }  # fmt: skip
    assert (made.report["items"], made.report["twins"]["taken"]) == (1, 0)


def test_a_benchmark_release_bars_its_items_their_pictures_and_their_twins(tmp_path: Path) -> None:
    measured = write_release(tmp_path / "v9.0", [make_row(7, twin=True)], count=1, split=Split.BENCHMARK)
    barred = list(list_barred(read_release(measured)))
    twin = draw_picture(1_000_007)
    with pytest.raises(BenchmarkFound, match=r"item000008: picture of release v9\.0, item OOD-7"):
        make(tmp_path, [make_row(8, query="What is this?", picture=twin)], barred)


def test_unlike_prompts_pass_and_nothing_is_decoded_where_no_picture_is_barred(tmp_path: Path) -> None:
    made = make(tmp_path, [make_row(1), make_row(2)], [bar(query="How do I cook rice?")])
    assert made.report["items"] == 2
    gate = BenchmarkGate([bar(query="x y")], embeddings=HashEmbeddings(), query_threshold=0.9, picture_bits=8)
    assert not gate.needs_pictures
