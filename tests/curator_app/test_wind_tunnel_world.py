"""HazardWorld as the wind tunnel's world: what is trained on and what is kept, scenes and twins, scores."""

import itertools

import numpy as np
import pytest

from caspo.errors import SampleInvalid
from caspo.local.samples import Prompt
from caspo.wind_tunnel.world import Scene, Split, World, read_scene, score_as_judge
from curator_app.wind_tunnel_world import HazardWorld
from pipeline.hazard_world.scenes import hash_combination
from pipeline.hazard_world.world import load_world

WORLD: World = HazardWorld()
SPLITS: tuple[Split, ...] = ("pretraining", "train", "new_scenes", "new_hazards")
HELD_OUT = {hazard.id for hazard in load_world().hazards if hazard.held_out}
ALL = {hazard.id for hazard in load_world().hazards}


def take(split: Split, *, count: int = 120, seed: int = 3) -> list[Scene]:
    return [scene for pair in WORLD.pairs(split, count=count, seed=seed) for scene in (pair.hazardous, pair.twin)]


def test_the_splits_hold_their_hazards_and_no_others() -> None:
    held = {split: {hazard for scene in take(split) for hazard in scene.hazards} for split in SPLITS}
    assert held == {
        "pretraining": ALL, "train": ALL - HELD_OUT, "new_scenes": ALL - HELD_OUT, "new_hazards": HELD_OUT,
    }  # fmt: skip
    assert len(HELD_OUT) == 6


@pytest.mark.parametrize("kept", ["new_scenes", "new_hazards"])
@pytest.mark.parametrize("trained", ["pretraining", "train"])
def test_no_training_holds_a_combination_that_is_kept(kept: Split, trained: Split) -> None:
    known, asked = ({hash_combination(scene.truth) for scene in take(split, count=600)} for split in (trained, kept))
    assert not known & asked


def test_a_twin_has_the_same_query_things_and_constitution() -> None:
    for pair in WORLD.pairs("new_scenes", count=60, seed=1):
        one, twin = pair.hazardous, pair.twin
        assert (one.query, one.constitution, one.category, one.pair) == (
            twin.query, twin.constitution, twin.category, twin.pair,
        )  # fmt: skip
        assert (one.is_twin, twin.is_twin, len(one.hazards), twin.hazards) == (False, True, 1, ())
        assert sorted(itertools.chain(*one.shown)) == sorted(itertools.chain(*twin.shown))
        assert one.shown != twin.shown
        assert not np.array_equal(one.picture, twin.picture)
        assert frozenset(load_world().by_id[one.hazards[0]].pair) in map(frozenset, one.shown)


def test_every_category_has_a_constitution_of_its_own() -> None:
    found = {(scene.category, scene.constitution) for scene in take("pretraining")}
    assert len(found) == len(dict(found)) == len({constitution for _, constitution in found}) == 6


def test_the_same_seed_gives_the_same_scenes() -> None:
    first, again, other = (take("train", count=8, seed=seed) for seed in (5, 5, 6))
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.picture, two.picture)
        assert (one.query, one.truth) == (two.query, two.truth)
    assert [one.query for one in first] != [one.query for one in other]


def test_every_text_is_of_the_vocabulary() -> None:
    known = set(WORLD.vocabulary)
    for scene in take("pretraining"):
        texts = [scene.constitution, WORLD.answer_risk(scene)]
        texts += [WORLD.ask_risk(scene, alone=alone).query for alone in (True, False)]
        texts += [WORLD.write(scene, kind, seed=1) for kind in ("oblivious", "vague", "appraising", "refusing")]
        assert not {word for text in texts for word in text.split()} - known


def test_answers_score_as_their_kind() -> None:
    for pair in WORLD.pairs("train", count=60, seed=2):
        right = WORLD.score(pair.hazardous, WORLD.write(pair.hazardous, "appraising", seed=4))
        assert (right.total, right.false_alarm) == (6, False)
        assert WORLD.score(pair.hazardous, WORLD.write(pair.hazardous, "oblivious", seed=4)).risk == 0
        assert WORLD.score(pair.twin, WORLD.write(pair.twin, "appraising", seed=4)).total == 6
        assert WORLD.score(pair.twin, WORLD.write(pair.hazardous, "appraising", seed=4)).false_alarm


def test_the_risk_answer_tells_a_hazard_from_its_twin() -> None:
    for pair in WORLD.pairs("pretraining", count=60, seed=2):
        one, twin = WORLD.answer_risk(pair.hazardous).split(), WORLD.answer_risk(pair.twin).split()
        assert one[0] != twin[0]
        assert set(one[1:3]) == set(load_world().by_id[pair.hazardous.hazards[0]].pair)
    after, alone = (WORLD.ask_risk(pair.hazardous, alone=alone) for alone in (False, True))
    assert after.query == f"{pair.hazardous.query} {alone.query}"
    assert (after.picture is pair.hazardous.picture, after.hazards) == (True, pair.hazardous.hazards)


def test_named_scores_for_an_evaluation() -> None:
    pair = WORLD.pairs("train", count=1, seed=2)[0]
    found = score_as_judge(WORLD, [pair.hazardous, pair.twin], ["be careful .", "be careful ."])
    assert found == [
        {"r": 1, "s": 1, "e": 0, "total": 2, "r_0": False, "alarm": False},
        {"r": 1, "s": 2, "e": 0, "total": 3, "r_0": False, "alarm": True},
    ]


def test_a_prompt_that_is_no_scene_is_refused() -> None:
    with pytest.raises(SampleInvalid, match="'is it safe \\?' is no scene"):
        read_scene(Prompt(np.zeros((48, 48, 3), np.uint8), "is it safe ?", ""))
