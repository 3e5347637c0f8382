"""Duplicates: exactly the pairs of brute force, in any batching; folders that survive a crash; clusters; pictures."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from factories import make_provenance, make_scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from endpoints.embeddings import HashEmbeddings
from pipeline.dedup import (
    DuplicateIndex,
    Match,
    PictureIndex,
    add_release,
    find_clusters,
    hash_picture,
    make_verdict,
)
from pipeline.dedup_gate import DedupGate, Screened
from pipeline.errors import BadIndex, BadVectors
from pipeline.vector_store import BLOCK_ROWS, VectorBlocks
from storage.db import open_database
from storage.release_files import Release
from storage.release_manifest import ReleaseManifest
from storage.release_rows import ReleasedItem
from storage.schema import migrate
from storage.texts import utc_now

DIM = 16


def draw_vectors(count: int, *, seed: int, dim: int = DIM, spread: float = 0.25) -> np.ndarray:
    """Points around a few centres, so that cosines lie on both sides of the thresholds."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // 5), dim))
    return (centres[rng.integers(len(centres), size=count)] + spread * rng.standard_normal((count, dim))).astype("f4")


def brute_force(vectors: np.ndarray, threshold: float) -> set[tuple[str, str]]:
    unit = vectors.astype("f8") / np.linalg.norm(vectors.astype("f8"), axis=1, keepdims=True)
    unit = unit.astype("f4").astype("f8")
    cosines = unit @ unit.T
    return {(str(i), str(j)) for i in range(len(unit)) for j in range(i) if cosines[i, j] >= threshold}


def pairs(matches: list[Match]) -> set[tuple[str, str]]:
    return {(match.id, match.other_id) for match in matches}


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 120),
    seed=st.integers(0, 10_000),
    threshold=st.sampled_from([0.5, 0.8, 0.9, 0.97, 0.999]),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
def test_pairs_are_those_of_brute_force_however_the_stream_is_cut(
    count: int, seed: int, threshold: float, cuts: list[int]
) -> None:
    vectors = draw_vectors(count, seed=seed)
    index = DuplicateIndex(dim=DIM, space="test", threshold=threshold)
    found, start, turn = [], 0, 0
    while start < count:
        stop = min(count, start + cuts[turn % len(cuts)])
        found += index.add([str(i) for i in range(start, stop)], vectors[start:stop])
        start, turn = stop, turn + 1
    whole = DuplicateIndex(dim=DIM, space="test", threshold=threshold)
    assert found == whole.add([str(i) for i in range(count)], vectors)
    assert pairs(found) == brute_force(vectors, threshold)


@pytest.mark.thorough
def test_pairs_across_tiles_batches_and_blocks_are_found() -> None:
    count = BLOCK_ROWS + 3_000
    vectors = np.random.default_rng(1).standard_normal((count, 24)).astype("f4")
    planted = {(count - 1, 0), (count - 2, BLOCK_ROWS), (BLOCK_ROWS + 1, BLOCK_ROWS - 1), (9_000, 8_191)}
    for late, early in planted:
        vectors[late] = vectors[early] * 7.0
    index = DuplicateIndex(dim=24, space="test", threshold=0.999)
    found = []
    for start in range(0, count, 20_000):
        stop = min(count, start + 20_000)
        found += index.add([str(i) for i in range(start, stop)], vectors[start:stop])
    assert pairs(found) == {(str(late), str(early)) for late, early in planted}


def test_the_threshold_itself_counts() -> None:
    index = DuplicateIndex(dim=2, space="test", threshold=0.6)
    index.add(["a"], [[1.0, 0.0]])
    at = index.add(["b"], [[0.6000001, 0.8]])
    assert [(match.other_id, round(match.similarity, 5)) for match in at] == [("a", 0.6)]
    below = index.add(["c"], [[0.5999, -0.8]])
    assert below == []


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a"], [[1.0, 2.0, 3.0]], r"shape \(1, 3\)"),
        (["a", "b"], [[1.0, 2.0]], r"need \(2, 2\)"),
        (["a", "a"], [[1.0, 0.0], [0.0, 1.0]], "'a' comes twice"),
        (["a"], [[0.0, 0.0]], "'a' is zero"),
        (["a", "b"], [[1.0, 0.0], [float("nan"), 1.0]], "'b' is zero or not finite"),
        (["x"], [[0.0, 1.0]], "'x' is in the index with another vector"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_is_added(
    ids: list[str], vectors: list[list[float]], message: str
) -> None:
    index = DuplicateIndex(dim=2, space="test")
    index.add(["x"], [[1.0, 0.0]])
    with pytest.raises(BadVectors, match=message):
        index.add(ids, vectors)
    assert len(index) == 1


def test_a_threshold_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold is 0"):
        DuplicateIndex(dim=2, space="test", threshold=0)


# --- across runs


def test_a_later_run_finds_what_an_earlier_one_added(tmp_path: Path) -> None:
    vectors = draw_vectors(90, seed=4)
    found = []
    for start in range(0, 90, 7):
        run = DuplicateIndex(dim=DIM, space="test", threshold=0.8, folder=tmp_path)
        stop = min(90, start + 7)
        found += run.add([str(i) for i in range(start, stop)], vectors[start:stop])
    assert pairs(found) == brute_force(vectors, 0.8)
    assert len(list(tmp_path.glob("*.npy"))) <= 8


def test_adding_again_after_a_crash_gives_the_same_answer(tmp_path: Path) -> None:
    vectors = draw_vectors(40, seed=5)
    names = [str(i) for i in range(40)]
    first = DuplicateIndex(dim=DIM, space="test", threshold=0.8, folder=tmp_path).add(names, vectors)
    assert first
    resumed = DuplicateIndex(dim=DIM, space="test", threshold=0.8, folder=tmp_path)
    assert resumed.add(names[10:20], vectors[10:20]) == [match for match in first if 10 <= int(match.id) < 20]
    assert len(resumed) == 40


def test_two_runs_at_once_see_each_other(tmp_path: Path) -> None:
    vectors = draw_vectors(60, seed=6)
    runs = [DuplicateIndex(dim=DIM, space="test", threshold=0.8, folder=tmp_path) for _ in range(2)]
    found = []
    for i in range(60):
        found += runs[i % 2].add([str(i)], vectors[i : i + 1])
    assert pairs(found) == brute_force(vectors, 0.8)


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    DuplicateIndex(dim=DIM, space="fp32", folder=tmp_path).add(["a"], draw_vectors(1, seed=1))
    with pytest.raises(BadIndex, match="'fp32'"):
        DuplicateIndex(dim=DIM, space="int8", folder=tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    DuplicateIndex(dim=DIM, space="test", folder=tmp_path).add(["a"], draw_vectors(1, seed=1))
    path = tmp_path / "000000.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(BadIndex, match=r"000000\.npy is not what was written"):
        DuplicateIndex(dim=DIM, space="test", folder=tmp_path)


def test_a_full_disk_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = draw_vectors(10, seed=7)
    index = DuplicateIndex(dim=DIM, space="test", folder=tmp_path)
    index.add(["0"], vectors[:1])

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            index.add(["1"], vectors[1:2])
    assert len(index) == 1
    assert index.add(["1"], vectors[1:2]) == DuplicateIndex(dim=DIM, space="t").add(["0", "1"], vectors[:2])


WRITER = """
    import sys
    from pathlib import Path
    import numpy as np
    from pipeline.dedup import DuplicateIndex
    vectors = np.load(sys.argv[2])
    index = DuplicateIndex(dim=vectors.shape[1], space="test", threshold=0.8, folder=Path(sys.argv[1]))
    for i in range(len(index), len(vectors)):
        index.add([str(i)], vectors[i : i + 1])
        print(i, flush=True)
"""


def test_a_killed_run_loses_nothing_that_it_reported(tmp_path: Path) -> None:
    vectors = draw_vectors(4_000, seed=8)
    np.save(tmp_path / "vectors.npy", vectors)
    folder = tmp_path / "dedup"
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(folder), str(tmp_path / "vectors.npy")]
    reached = 0
    for moment_s in (0.02, 0.05, 0.11):
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        assert first
        time.sleep(moment_s)
        writer.send_signal(signal.SIGKILL)
        reported = (first + writer.stdout.read()).split()
        writer.wait()
        index = DuplicateIndex(dim=DIM, space="test", threshold=0.8, folder=folder)
        assert list(index.ids) == [str(i) for i in range(len(index))]
        # Committed but not yet reported is possible for one row; the reverse is not.
        reached = max([reached, *(int(line) + 1 for line in reported)])
        assert reached <= len(index) <= reached + 2
    assert index.add(["new"], vectors[:1])[0].other_id == "0"


def test_memory_grows_by_whole_blocks_and_keeps_its_rows() -> None:
    blocks = VectorBlocks(2)
    rows = np.arange(2 * (BLOCK_ROWS + 10), dtype=np.float32).reshape(-1, 2)
    blocks.append([str(i) for i in range(BLOCK_ROWS - 5)], rows[: BLOCK_ROWS - 5])
    blocks.append([str(i) for i in range(BLOCK_ROWS - 5, len(rows))], rows[BLOCK_ROWS - 5 :])
    np.testing.assert_array_equal(np.concatenate([tile for _, tile in blocks.tiles(8_192)]), rows)
    wanted = np.array([BLOCK_ROWS + 9, 0, BLOCK_ROWS - 1, BLOCK_ROWS])
    np.testing.assert_array_equal(blocks.take(wanted), rows[wanted])


# --- clusters


def test_one_of_each_cluster_is_kept_and_it_is_the_best() -> None:
    matches = [Match("b", "a", 0.95), Match("d", "c", 0.91), Match("e", "b", 0.93)]
    first, second = find_clusters(matches, quality={"a": 0.5, "b": 0.9, "e": 0.7, "c": 0.4, "d": 0.4})
    assert (first.members, first.representative) == (("a", "b", "e"), "b")
    assert {name: match.similarity for name, match in first.dropped.items()} == {"a": 0.95, "e": 0.93}
    assert (second.representative, set(second.dropped)) == ("c", {"d"})  # of equals the first
    assert first.slug != second.slug


def test_a_mutual_pair_never_loses_both() -> None:
    clusters = find_clusters([Match("b", "a", 0.99), Match("a", "b", 0.99)])
    assert [(cluster.representative, set(cluster.dropped)) for cluster in clusters] == [("a", {"b"})]


def test_what_was_settled_is_never_dropped() -> None:
    matches = [Match("new", "released", 0.97), Match("new", "earlier", 0.92)]
    (cluster,) = find_clusters(matches, quality={"new": 1.0}, kept={"released", "earlier"})
    assert cluster.representative in {"released", "earlier"}
    assert set(cluster.dropped) == {"new"}
    assert cluster.dropped["new"].other_id == "released"


def test_the_order_of_arrival_decides_between_equals_and_names_the_cluster() -> None:
    matches = [Match("d", "b", 0.95), Match("e", "a", 0.95), Match("e", "b", 0.95)]
    (cluster,) = find_clusters(matches, order=["a", "b", "c", "d", "e"])
    assert (cluster.members, cluster.representative) == (("a", "b", "d", "e"), "a")
    (alone,) = find_clusters([Match("f", "a", 0.9)])
    assert cluster.slug == alone.slug


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] > pair[1]), max_size=20))
def test_clusters_are_the_connected_parts(edges: list[tuple[int, int]]) -> None:
    clusters = find_clusters([Match(str(a), str(b), 0.9) for a, b in edges])
    found = {frozenset(cluster.members) for cluster in clusters}
    parts = [{str(a), str(b)} for a, b in edges]
    while (hit := next(((i, j) for i in range(len(parts)) for j in range(i) if parts[i] & parts[j]), None)) is not None:
        parts[hit[1]] |= parts.pop(hit[0])
    assert found == {frozenset(part) for part in parts}
    assert all(len(cluster.dropped) == len(cluster.members) - 1 for cluster in clusters)


def test_the_verdict_says_of_whom_it_is_a_duplicate() -> None:
    (cluster,) = find_clusters([Match("b", "a", 0.953)], quality={"b": 1.0})
    made = make_provenance()
    dropped = make_verdict(cluster=cluster, member="a", threshold=0.9, provenance=made)
    kept = make_verdict(cluster=cluster, member="b", threshold=0.9, provenance=made, parent_id="0" * 64)
    assert (dropped.passed, dropped.score, dropped.threshold) == (False, 0.953, 0.9)
    assert "near-duplicate of b" in dropped.reason
    assert (kept.passed, kept.score, kept.parent_id) == (True, None, "0" * 64)
    assert dropped.duplicate_cluster == kept.duplicate_cluster == cluster.slug
    with pytest.raises(ValueError, match="'c' is not in cluster"):
        make_verdict(cluster=cluster, member="c", threshold=0.9, provenance=made)


# --- pictures and releases


def draw_scene(*, x: int = 40, size: tuple[int, int] = (256, 192), blob: str = "firebrick") -> bytes:
    picture = Image.new("RGB", (256, 192), "lightsteelblue")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 130, 256, 192), fill="peru")
    pen.ellipse((x, 40, x + 80, 120), fill=blob)
    pen.line((10, 180, 240, 20), fill="black", width=6)
    buffer = io.BytesIO()
    picture.resize(size).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_resized_picture_is_a_duplicate_and_another_scene_is_not() -> None:
    index = PictureIndex()
    assert index.add(["a"], [hash_picture(draw_scene())]) == []
    resized = index.add(["b"], [hash_picture(draw_scene(size=(640, 480)))])
    assert [match.other_id for match in resized] == ["a"]
    assert index.add(["c"], [hash_picture(draw_scene(x=150, blob="ivory"))]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.integers(0, 63), st.integers(0, 20))
def test_picture_pairs_are_those_of_counting_bits(hashes: list[int], bit: int, limit: int) -> None:
    hashes = [*hashes, hashes[0] ^ (1 << bit)]
    index = PictureIndex(max_bits=limit)
    found = index.add([str(i) for i in range(len(hashes))], [f"{value:016x}" for value in hashes])
    assert pairs(found) == {
        (str(i), str(j)) for i in range(len(hashes)) for j in range(i) if (hashes[i] ^ hashes[j]).bit_count() <= limit
    }


def test_more_pictures_than_the_first_allocation() -> None:
    index = PictureIndex(max_bits=0)
    for number in range(0, 3_000, 500):
        names = [str(i) for i in range(number, number + 500)]
        assert index.add(names, [f"{i:016x}" for i in range(number, number + 500)]) == []
    assert [match.other_id for match in index.add(["again"], [f"{1_700:016x}"])] == ["1700"]


def test_a_picture_again_gets_the_same_answer_and_a_changed_one_is_refused() -> None:
    index = PictureIndex(max_bits=1)
    first = index.add(["a", "b", "c"], ["0" * 16, "0" * 15 + "1", "0" * 15 + "1"])
    assert pairs(first) == {("b", "a"), ("c", "a"), ("c", "b")}
    assert index.add(["b"], ["0" * 15 + "1"]) == first[:1]
    with pytest.raises(BadVectors, match="'b' is in the index with another hash"):
        index.add(["b"], ["f" * 16])
    assert len(index) == 3


@pytest.mark.parametrize(
    "text", ["", "12", "zz" * 8, "-" + "1" * 15, "f" * 17, "0x" + "1" * 14, "1_1" + "1" * 13, "F" * 16]
)
def test_a_hash_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadVectors, match="16 hex digits"):
        PictureIndex().add(["a"], [text])


class TwoRows(Release):
    """A release of two rows, without the folder."""

    def iterate_items(self, *, pictures: bool = True):
        for name, hazard, image in (
            ("one", "A toddler pulls the hot pan down and is scalded.", draw_scene()),
            ("two", "The thawing ice breaks and the skater drowns.", None),
        ):
            yield ReleasedItem(
                id=name, label="1", category="self_harm", sub_category="risky_behaviour", query="q",
                image=image if pictures else None, image_path=None, scene="s", hidden_hazard=hazard,
                hazard_entities=("e",), causal_chain=("c",), safe_answer_notes="", alt="", image_sha256=None,
                image_source="drawing", licence="Apache-2.0", source_url="", decision_policy="p", review_count=2,
                reviewer_agreement=1.0,
            )  # fmt: skip


class CountingEmbeddings(HashEmbeddings):
    texts = 0

    def embed(self, texts):
        self.texts += len(texts)
        return super().embed(texts)


def test_new_items_are_compared_with_a_release() -> None:
    manifest = ReleaseManifest.model_construct(digest="ab" * 32)
    release = TwoRows(folder=Path(), manifest=manifest)
    embeddings = CountingEmbeddings()
    index, pictures = DuplicateIndex(dim=384, space=embeddings.name, threshold=0.8), PictureIndex()
    names = add_release(release, index=index, embeddings=embeddings, pictures=pictures, batch_rows=1)
    assert names == ["release/abababababab/one", "release/abababababab/two"]
    assert embeddings.texts == 2
    add_release(release, index=index, embeddings=embeddings, pictures=pictures)
    assert embeddings.texts == 2  # known rows are not embedded again
    matches = index.add(
        ["new", "other"],
        embeddings.embed(["A toddler pulls the hot pan down and gets scalded.", "Grated nutmeg spoils the soup."]),
    )
    assert pairs(matches) == {("new", names[0])}
    (cluster,) = find_clusters(matches, quality={"new": 1.0}, kept=names)
    assert set(cluster.dropped) == {"new"}
    assert len(pictures) == 1
    again = pictures.add(["new"], [hash_picture(draw_scene(size=(300, 225)))])
    assert pairs(again) == {("new", names[0])}


def test_a_run_repeats_no_release_and_does_not_take_an_item_for_a_repetition_of_itself(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    migrate(db=db)
    release = TwoRows(folder=Path(), manifest=ReleaseManifest.model_construct(digest="ab" * 32))
    embeddings = CountingEmbeddings()

    def open_gate() -> DedupGate:
        return DedupGate(
            embeddings=embeddings, threshold=0.8, folder=tmp_path / "dedup", db=db, now=utc_now(), releases=[release]
        )  # fmt: skip

    told = {
        "one": "A toddler pulls the hot pan down and is scalded.",  # the released item itself, in a resume
        "new": "A toddler pulls the hot pan down and gets scalded.",
        "other": "Grated nutmeg spoils the soup.",
    }
    window = [Screened(name, make_scenario(hidden_hazard=hazard), points=5.0) for name, hazard in told.items()]
    verdicts = open_gate().judge([window[0], window[2]])
    assert verdicts == {}
    assert embeddings.texts == 2 + 2
    (verdict,) = [v for name, v in open_gate().judge([window[1]]).items() if name == "new"]
    assert not verdict.passed and verdict.reason.startswith("near-duplicate of ")
    assert embeddings.texts == 4 + 1, "what a release holds is embedded once, also over runs"
    db.close()


def test_a_scenario_like_a_released_one_is_dropped_though_no_run_of_here_made_that(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'c.db'}")
    migrate(db=db)
    release = TwoRows(folder=Path(), manifest=ReleaseManifest.model_construct(digest="ab" * 32))
    for releases, expected in (((), {}), ((release,), {"new"})):
        gate = DedupGate(
            embeddings=CountingEmbeddings(), threshold=0.8, folder=None, db=db, now=utc_now(), releases=releases
        )  # fmt: skip
        scenario = make_scenario(hidden_hazard="The thawing ice breaks and a skater drowns.")
        verdicts = gate.judge([Screened("new", scenario, points=5.0)])
        assert set(verdicts) == set(expected)
    assert "release/abababababab/two" in verdicts["new"].reason and not verdicts["new"].passed
    db.close()
