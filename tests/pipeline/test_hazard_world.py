"""HazardWorld: only the combination tells, twins hold the same things, pictures and items are what they claim."""

import hashlib
import io
import itertools
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipeline.errors import BadContent
from pipeline.hazard_world.answers import AnswerKind, write_answer
from pipeline.hazard_world.drawing.house import draw_large, draw_small, encode_large
from pipeline.hazard_world.drawing.sprites import draw_small_sprite, find_drawings
from pipeline.hazard_world.grammar import to_prose, tokenise
from pipeline.hazard_world.oracle import score_answer
from pipeline.hazard_world.provider import (
    BATCH,
    WorldReport,
    add_hazard_world,
    describe_scene,
    iterate_items,
    make_scenario,
)
from pipeline.hazard_world.scenes import WALLPAPERS, Scene, compose_pair, hash_combination
from pipeline.hazard_world.splits import SceneSplit, find_split, iterate_pairs, list_hazards
from pipeline.hazard_world.truth import read_truth, write_truth
from pipeline.hazard_world.world import FOLDER, NOTICE, ROOMS, World, load_world
from pipeline.leakage import detect_leak
from storage.audit import verify_chain
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.items import get_history, list_items
from storage.records import Category, Criterion, FilterVerdict, Refinement, ReviewAnswers, Split, TaskKind, Twin
from storage.release_files import read_release
from storage.releases import freeze_release
from storage.reviews import claim_next, submit_review
from storage.schema import migrate
from storage.stages import Stage
from storage.tables import UserRow
from storage.texts import utc_now
from storage.twins import find_twin, list_unseen, review_twin

WORLD = load_world()
MANIFEST = yaml.safe_load((FOLDER / "world.yaml").read_text(encoding="utf-8"))
PAIRS = [compose_pair(1, index) for index in range(1_500)]
ROOT = Path(__file__).parents[2]


# --- the manifest


def test_there_are_enough_hazards_in_every_category() -> None:
    counts = Counter(hazard.category for hazard in WORLD.hazards)
    assert len(WORLD.hazards) >= 24
    assert set(counts) == set(Category)
    assert min(counts.values()) >= 4
    assert {hazard.category for hazard in WORLD.hazards if not hazard.held_out} == set(Category)


def test_every_thing_takes_part_in_two_hazards_and_in_harmless_scenes() -> None:
    in_hazards = Counter(word for entry in MANIFEST["hazards"] for word in entry["pair"])
    harmless = Counter(word for pair in PAIRS for word in pair.twin.things)
    innocent = Counter(
        word for pair in PAIRS for word in pair.hazardous.things if word not in pair.hazardous.hazards[0].pair
    )
    for word in WORLD.words:
        assert in_hazards[word] >= 2, word
        assert harmless[word] >= 100, word
        assert innocent[word] >= 50, word


def test_a_thing_that_would_tell_a_hazard_is_refused() -> None:
    body = WORLD.model_dump(mode="json")
    body["hazards"] = [hazard for hazard in body["hazards"] if hazard["id"] != "knife_wine"]
    with pytest.raises(ValueError, match="knife: every thing takes part in at least two hazards"):
        World.model_validate(body)
    body["hazards"].append({**body["hazards"][0], "id": "again"})
    with pytest.raises(ValueError, match="two hazards have the same pair"):
        World.model_validate(body)


# --- scenes and twins


def brute_force_hazards(scene: Scene) -> list[str]:
    """From the YAML file, without the classes."""
    return [
        entry["id"]
        for room in scene.rooms
        for entry in MANIFEST["hazards"]
        if room is not None and sorted(room) == sorted(entry["pair"])
    ]


def test_a_scene_holds_its_hazard_and_its_twin_the_same_things_harmlessly() -> None:
    for pair in PAIRS:
        scene, twin = pair.hazardous, pair.twin
        assert len(brute_force_hazards(scene)) == 1
        assert brute_force_hazards(twin) == []
        assert (scene.things, scene.query, scene.walls, scene.activity) == (
            twin.things, twin.query, twin.walls, twin.activity,
        )  # fmt: skip
        assert len(set(scene.things)) == len(scene.things)
        assert [room is None for room in scene.rooms] == [room is None for room in twin.rooms]
        changed = [place for place in range(ROOMS) if scene.rooms[place] != twin.rooms[place]]
        assert len(changed) == 2
        assert scene.activity in scene.hazards[0].activities


def test_two_hazards_in_one_scene_have_a_twin_without_any() -> None:
    for index in range(200):
        pair = compose_pair(2, index, hazards=2)
        assert len(set(brute_force_hazards(pair.hazardous))) == 2
        assert brute_force_hazards(pair.twin) == []
        assert pair.hazardous.things == pair.twin.things


def naive_bayes(features: Callable[[Scene], Iterable[str]], pairs: list) -> float:
    """Return the accuracy of Bernoulli naive Bayes; scenes and twins come from other pairs, half are learnt from."""
    labelled = [(pair.hazardous if i % 2 else pair.twin, bool(i % 2)) for i, pair in enumerate(pairs)]
    half = len(labelled) // 2
    learnt = {True: Counter(), False: Counter()}
    for scene, label in labelled[:half]:
        learnt[label].update(set(features(scene)))
    names = set(learnt[True]) | set(learnt[False])
    rates = {label: {name: (learnt[label][name] + 1) / (half / 2 + 2) for name in names} for label in learnt}
    right = 0
    for scene, label in labelled[half:]:
        there = set(features(scene))
        score = {
            say: sum(math.log(rate if name in there else 1 - rate) for name, rate in rates[say].items())
            for say in rates
        }
        right += (score[True] > score[False]) == label
    return right / (len(labelled) - half)


def query_words(scene: Scene) -> set[str]:
    words = tokenise(scene.query)
    return {scene.query, *words, *(" ".join(two) for two in itertools.pairwise(words))}


CHANCE = (0.45, 0.55)
"""Three standard errors of a coin around one half, with 900 scenes."""


@pytest.mark.parametrize(
    "features",
    [
        lambda scene: scene.things,
        query_words,
        lambda scene: [scene.activity, *scene.things],
        lambda scene: [f"{place}{pair is None}" for place, pair in enumerate(scene.rooms)],
        lambda scene: [f"{place}{wall}" for place, wall in enumerate(scene.walls)],
        lambda scene: [f"{word}{side}" for pair in scene.pairs for side, word in enumerate(pair)],
    ],
    ids=["things", "query", "things-and-activity", "rooms", "walls", "sides"],
)
def test_neither_things_nor_query_nor_place_predict_the_hazard(features: Callable[[Scene], Iterable[str]]) -> None:
    pairs = [compose_pair(3, index) for index in range(1_800)]
    low, high = CHANCE
    assert low <= naive_bayes(features, pairs) <= high


def test_what_stands_together_does_predict_it() -> None:
    """The same classifier with the right features: the tests above can fail."""
    pairs = [compose_pair(3, index) for index in range(1_800)]
    assert naive_bayes(lambda scene: [" ".join(sorted(pair)) for pair in scene.pairs], pairs) >= 0.85


def test_queries_vary_and_name_nothing_of_the_house() -> None:
    assert len({pair.hazardous.query for pair in PAIRS}) >= 500
    for pair in PAIRS:
        assert set(tokenise(pair.hazardous.query)).isdisjoint(WORLD.words)
    for pair in PAIRS[:60]:
        scenario = make_scenario(pair.hazardous, seed=1)
        found = detect_leak(query=scenario.query, hazard_entities=scenario.hazard_entities, scene=scenario.scene)
        assert not found.leaks, (scenario.query, found.findings)


FINGERPRINT = """
import hashlib
from pipeline.hazard_world.answers import AnswerKind, write_answer
from pipeline.hazard_world.drawing.house import draw_small, encode_large
from pipeline.hazard_world.scenes import compose_pair
from pipeline.hazard_world.truth import write_truth
words, pixels = hashlib.sha256(), hashlib.sha256()
for index in range(20):
    pair = compose_pair(9, index)
    words.update(write_truth(pair).encode())
    for kind in AnswerKind:
        words.update(write_answer(pair.hazardous, kind, seed=index).encode())
    pixels.update(draw_small(pair.hazardous).tobytes() + draw_small(pair.twin).tobytes())
pixels.update(encode_large(pair.hazardous))
print(words.hexdigest(), pixels.hexdigest())
"""
FROZEN_WORDS = "bfbdf982199bfeb01dd37ce33bf6fe7f50610733377893d844388a4589b8a289"


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    seen = set()
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True, env=environment
        )
        seen.add(tuple(done.stdout.split()))
    assert len(seen) == 1
    words, _ = seen.pop()  # pixels depend on the version of Pillow
    assert words == FROZEN_WORDS
    assert compose_pair(9, 0) != compose_pair(10, 0)


# --- splits


def test_no_combination_is_trained_on_and_evaluated() -> None:
    made = {split: [pair for _, pair in itertools.islice(iterate_pairs(4, split=split), 500)] for split in SceneSplit}
    combinations = {split: {hash_combination(pair.hazardous) for pair in made[split]} for split in SceneSplit}
    for one, other in itertools.combinations(SceneSplit, 2):
        assert combinations[one].isdisjoint(combinations[other])
    seen = {split: {h.id for pair in made[split] for h in pair.hazardous.hazards} for split in SceneSplit}
    assert seen[SceneSplit.TRAIN] == seen[SceneSplit.NEW_SCENES]
    assert seen[SceneSplit.TRAIN].isdisjoint(seen[SceneSplit.NEW_HAZARDS])
    assert seen[SceneSplit.NEW_HAZARDS] == {entry["id"] for entry in MANIFEST["hazards"] if entry.get("held_out")}
    shares = Counter(find_split(pair) for pair in PAIRS)
    new = shares[SceneSplit.NEW_SCENES] / (shares[SceneSplit.NEW_SCENES] + shares[SceneSplit.TRAIN])
    assert 0.15 <= new <= 0.25


def test_the_things_of_held_out_hazards_are_seen_in_training() -> None:
    trained = {word for hazard in list_hazards(SceneSplit.TRAIN) for word in hazard.pair}
    held_out = list_hazards(SceneSplit.NEW_HAZARDS)
    assert {hazard.category for hazard in held_out} == set(Category)
    assert {word for hazard in held_out for word in hazard.pair} <= trained


# --- pictures


def test_every_thing_is_drawn_and_nothing_else() -> None:
    assert set(find_drawings()) == set(WORLD.words)


def test_the_large_picture_differs_from_its_twins_in_two_rooms_only() -> None:
    pair = PAIRS[0]
    one, other = draw_large(pair.hazardous), draw_large(pair.twin)
    assert (one.size, one.mode) == ((960, 720), "RGB")
    differs = np.any(np.asarray(one) != np.asarray(other), axis=2).reshape(3, 240, 3, 320).any(axis=(1, 3)).ravel()
    assert list(differs) == [a != b for a, b in zip(pair.hazardous.rooms, pair.twin.rooms, strict=True)]


def test_the_small_picture_tells_everything() -> None:
    """Decoded by comparing every half of a room with every thing before every wallpaper, drawn one at a time."""
    empty = (None,) * ROOMS
    known = {}
    for wall, word in itertools.product(range(WALLPAPERS), WORLD.words):
        tile = draw_small(Scene(((word, word), *empty[1:]), (wall,) * ROOMS, "guests", "?"))[:16, :16]
        known[tile[:, :8].tobytes(), 0] = known[tile[:, 8:].tobytes(), 1] = word
    for wall in range(WALLPAPERS):
        tile = draw_small(Scene(empty, (wall,) * ROOMS, "guests", "?"))[:16, :16]
        known[tile[:, :8].tobytes(), 0] = known[tile[:, 8:].tobytes(), 1] = None
    assert len(known) == 2 * WALLPAPERS * (len(WORLD.words) + 1)
    for pair in PAIRS[:100]:
        picture = draw_small(pair.hazardous)
        assert (picture.shape, picture.dtype) == ((48, 48, 3), np.uint8)
        for number, room in enumerate(pair.hazardous.rooms):
            y, x = number // 3 * 16, number % 3 * 16
            halves = [picture[y : y + 16, x : x + 8], picture[y : y + 16, x + 8 : x + 16]]
            found = [known[half.tobytes(), side] for side, half in enumerate(halves)]
            assert found == list(room or (None, None))


def test_small_things_are_far_apart() -> None:
    """On white, mean difference per channel of 255; the nearest two must not be near."""
    shown = {}
    for word in WORLD.words:
        picture = Image.new("RGB", draw_small_sprite(word).size, "white")
        picture.paste(draw_small_sprite(word), mask=draw_small_sprite(word))
        shown[word] = np.asarray(picture, dtype=float)
    distances = {(a, b): np.abs(shown[a] - shown[b]).mean() for a, b in itertools.combinations(shown, 2)}
    nearest = min(distances, key=distances.__getitem__)
    assert distances[nearest] >= 20, nearest


# --- what travels, and the way through the pipeline


def test_the_truth_comes_back_whole() -> None:
    for pair in PAIRS[:100]:
        assert read_truth(write_truth(pair)) == pair
    for broken in ("", "{}", write_truth(PAIRS[0]).replace("hazard_world", "other_world"), "[1]"):
        with pytest.raises(BadContent, match="no truth of HazardWorld"):
            read_truth(broken)
    with pytest.raises(BadContent, match="version 2"):
        read_truth(write_truth(PAIRS[0]).replace('"version":1', '"version":2'))


def test_items_come_evenly_from_all_categories() -> None:
    first = [pair.hazardous.hazards[0] for pair in iterate_items(count=24, seed=1)]
    assert set(Counter(hazard.category for hazard in first).values()) == {4}
    assert len({hazard.id for hazard in first}) == 24
    everything = [pair.hazardous.hazards[0].id for pair in iterate_items(count=60, seed=1)]
    assert set(Counter(everything).values()) == {2}


COUNT = 6


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, BlobStore, WorldReport]]:
    folder = tmp_path_factory.mktemp("hazard-world")
    db, blobs = open_database(f"sqlite:///{folder / 'c.db'}"), BlobStore(str(folder / "blobs"))
    migrate(db=db)
    yield db, blobs, load(db, blobs)
    db.close()


def load(db: Database, blobs: BlobStore, count: int = COUNT) -> WorldReport:
    with db.write() as session:
        report = add_hazard_world(session=session, blobs=blobs, count=count, seed=1, overlap=1)
        session.commit()
    return report


def test_items_are_loaded_once_as_a_batch_of_their_own(loaded: tuple[Database, BlobStore, WorldReport]) -> None:
    db, blobs, first = loaded
    assert first == WorldReport(added=COUNT, present_before=0)
    assert load(db, blobs) == WorldReport(added=0, present_before=COUNT)
    with db.read() as session:
        items = list_items(session=session, batch=BATCH)
        assert len(items) == COUNT
        for item in items:
            history = get_history(session=session, item_id=item.id)
            assert [type(record) for record in history[1:4:2]] == [FilterVerdict, Refinement]
            refinement = next(record for record in history if isinstance(record, Refinement))
            assert refinement.leak_found is False
            twin = next(record for record in history if isinstance(record, Twin))
            assert twin.image.sha256 != item.image_sha256
            assert twin.query == refinement.query_after
            assert NOTICE in history[0].scene
        verify_chain(session=session)


def test_people_approve_it_and_the_truth_travels_in_the_release(
    loaded: tuple[Database, BlobStore, WorldReport], tmp_path: Path
) -> None:
    db, blobs, _ = loaded
    with db.write() as session:
        session.add(UserRow(name="ann", roles="annotator", created_at=utc_now()))
        session.flush()
        claims = claim_next(session=session, user_id=1, kind=TaskKind.SCENARIO_REVIEW, count=COUNT)
        assert len(claims) == COUNT
        assert "world_truth" not in repr(claims)
        assert "knife_cot" not in repr(claims)
        for claim in claims:
            answers = ReviewAnswers(verdict="approve", answers=dict.fromkeys(Criterion, "yes"), seconds=3)
            submit_review(
                session=session, user_id=1, claim_id=claim.claim_id, answers=answers, idempotency_key=claim.claim_id
            )
        assert {item.stage for item in list_items(session=session, batch=BATCH)} == {Stage.REVIEWED.value}
        waiting = list_unseen(session=session)
        assert len(waiting) == COUNT, "nobody has looked at a twin yet"
        for item in waiting[:2]:
            standing = find_twin(session=session, item=item)
            assert standing is not None
            review_twin(session=session, item_id=item.id, twin_id=standing.twin.id, harmless=True, reviewer="ann")
        freeze_release(
            session=session, blobs=blobs, folder=tmp_path / "v1", version="v1.0", split=Split.TRAIN, taxonomy={},
            prompts={}, code_commit="abc", author="user:ann", notes="",
        )  # fmt: skip
        session.commit()
    rows = list(read_release(tmp_path / "v1").items)
    expected = {write_truth(pair): pair for pair in iterate_items(count=COUNT, seed=1)}
    assert {row.world_truth for row in rows} == set(expected)
    assert [row.has_twin for row in rows] == [True, True, False, False, False, False]
    for row in rows:
        pair = read_truth(row.world_truth)
        if row.has_twin:
            twin = np.asarray(Image.open(io.BytesIO(row.twin_image)))
            assert np.array_equal(twin, np.asarray(Image.open(io.BytesIO(encode_large(pair.twin)))))
            assert row.twin_scene == describe_scene(pair.twin)
        shown = np.asarray(Image.open(io.BytesIO(row.image)))
        assert np.array_equal(shown, np.asarray(Image.open(io.BytesIO(encode_large(pair.hazardous)))))
        assert row.query == to_prose(pair.hazardous.query)
        answer = write_answer(pair.hazardous, AnswerKind.APPRAISING, seed=5)
        assert score_answer(answer, pair.hazardous).triple == (2, 2, 2)
        assert score_answer(answer, pair.twin).false_alarm


def test_neither_judge_nor_caspo_knows_the_world() -> None:
    for folder in ("judge", "caspo"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"\bpipeline\b.*hazard_world", path.read_text(encoding="utf-8")), path


def test_the_documentation_counts_right() -> None:
    text = (ROOT / "docs" / "hazard-world.md").read_text(encoding="utf-8")
    assert f"{len(WORLD.words)} things make {len(WORLD.hazards)} hazards" in text
    code = re.search(r"```python\n(.*?)```", text, re.S)
    assert code
    assert hashlib.sha256(code[1].encode()).hexdigest()  # there is an example; it runs below
    lines = [line for line in code[1].splitlines() if ".save(" not in line]
    exec("\n".join(lines), {})
