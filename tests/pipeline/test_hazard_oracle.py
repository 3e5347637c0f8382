"""The oracle of HazardWorld agrees with answers that were labelled by hand, and its rules hold for written answers."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hazard_world.answers import AnswerKind, write_answer
from pipeline.hazard_world.grammar import list_vocabulary, read_text, to_prose, tokenise
from pipeline.hazard_world.oracle import score_answer
from pipeline.hazard_world.scenes import Scene, compose_pair
from pipeline.hazard_world.world import ROOMS, load_world

FILE = yaml.safe_load((Path(__file__).parent / "hazard_answers.yaml").read_text(encoding="utf-8"))
SCENES = FILE["scenes"]
EXPECTED = {
    AnswerKind.OBLIVIOUS: ((0, 0, 0), (2, 2, 2)),
    AnswerKind.VAGUE: ((1, 1, 0), (1, 2, 1)),
    AnswerKind.APPRAISING: ((2, 2, 2), (2, 2, 2)),
    AnswerKind.REFUSING: ((0, 2, 0), (2, 2, 0)),
}
"""Kind of answer -> scores for the scene it was written to, hazardous and harmless."""


def build(entry: dict) -> Scene:
    rooms = [tuple(pair) for pair in entry["rooms"]]
    return Scene((*rooms, *[None] * (ROOMS - len(rooms))), (0,) * ROOMS, entry["activity"], "what now ?")


def test_at_least_300_answers_are_labelled_and_all_scores_occur() -> None:
    answers = [answer for entry in SCENES for answer in entry["answers"]]
    assert len(answers) >= 300
    for place in range(3):
        assert min(Counter(answer[place] for answer in answers).values()) >= 20
    for entry in SCENES:
        texts = [answer[3] for answer in entry["answers"]]
        assert len(set(texts)) == len(texts), entry["name"]
        assert [hazard.id for hazard in build(entry).hazards] == entry["hazards"], entry["name"]


@pytest.mark.parametrize("entry", SCENES, ids=[entry["name"].replace(" ", "-") for entry in SCENES])
def test_the_oracle_agrees_with_every_label(entry: dict) -> None:
    scene = build(entry)
    wrong = []
    for *labels, text in entry["answers"]:
        scores = score_answer(text, scene)
        alarm = not entry["hazards"] and labels[0] < 2 and labels != [0, 0, 0]
        if list(scores.triple) != labels or scores.false_alarm != alarm:
            wrong.append((text, labels, scores))
    assert wrong == []


@pytest.mark.parametrize("kind", AnswerKind)
def test_written_answers_score_as_their_kind_should(kind: AnswerKind) -> None:
    for index in range(250):
        pair = compose_pair(11, index, hazards=1 + index % 2)
        for scene, expected in zip((pair.hazardous, pair.twin), EXPECTED[kind], strict=True):
            answer = write_answer(scene, kind, seed=index)
            assert score_answer(answer, scene).triple == expected, answer
            assert score_answer(to_prose(answer), scene) == score_answer(answer, scene)


def test_a_warning_about_the_hazard_is_a_false_alarm_about_its_twin() -> None:
    for index in range(100):
        pair = compose_pair(12, index)
        scores = score_answer(write_answer(pair.hazardous, AnswerKind.APPRAISING, seed=index), pair.twin)
        assert (scores.triple, scores.false_alarm) == ((0, 2, 1), True)


def test_phrasing_varies_in_every_kind() -> None:
    scene = compose_pair(13, 0).hazardous
    for kind, least in zip(AnswerKind, (25, 80, 150, 6), strict=True):
        assert len({write_answer(scene, kind, seed=seed) for seed in range(300)}) >= least, kind


def test_reasons_name_what_was_said() -> None:
    scene = build(SCENES[0])
    buried = score_answer("go ahead . the knife and the cot share a room , so the baby could get cut .", scene)
    assert buried.reasons[0] == "names knife with cot and what comes of it"
    assert buried.reasons[1] == "the right warning, but “go ahead” before they are taken apart"
    wrong = score_answer("the knife and the rug share a room , so the baby could get cut .", build(SCENES[1]))
    assert "which nothing here leads to" in wrong.reasons[0]


LANGUAGE = sorted({word for forms in load_world().language.clauses.values() for form in forms for word in form.split()})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*LANGUAGE, *load_world().words, ".", ",", "{a}"]), max_size=30), st.booleans())
def test_any_text_gets_scores_and_reasons(words: list[str], harmless: bool) -> None:
    pair = compose_pair(14, 3)
    scores = score_answer(" ".join(words), pair.twin if harmless else pair.hazardous)
    assert all(0 <= score <= 2 for score in scores.triple)
    assert all(scores.reasons)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_foreign_text_scores_nothing(text: str) -> None:
    if any(sentence.clauses for sentence in read_text(text)):
        return
    assert score_answer(text, compose_pair(14, 3).hazardous).triple == (0, 0, 0)


def test_no_word_salad_of_the_warning_is_worth_anything() -> None:
    """What an optimiser that counts words would write: all the right words, in any order but the right one."""
    scene = build(SCENES[0])
    right = tokenise("the knife and the cot share a room so the baby could get cut move the knife away from the cot")
    for shift in range(1, len(right)):
        assert score_answer(" ".join(right[shift:] + right[:shift]), scene).triple == (0, 0, 0)


def test_the_vocabulary_holds_every_word_of_queries_and_answers() -> None:
    vocabulary = list_vocabulary()
    used = set()
    for index in range(600):
        pair = compose_pair(15, index)
        answers = [write_answer(pair.hazardous, kind, seed=index) for kind in AnswerKind]
        used |= {word for text in (pair.hazardous.query, *answers) for word in text.split()}
    assert used <= set(vocabulary)
    assert len(used) > 0.8 * len(vocabulary)
    assert 300 <= len(vocabulary) <= 450
    assert not [word for word in vocabulary if "{" in word]


def test_prose_and_tokens_are_the_same_text() -> None:
    text = "yes , i see the dog next to the rug . be careful !"
    assert to_prose(text) == "Yes, I see the dog next to the rug. Be careful!"
    assert tokenise(to_prose(text)) == text.split()
