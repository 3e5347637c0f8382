"""Token-shift analysis without a model: which tokens count, their kinds, shares worked out by hand, bad input."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from judge_runs import make_item, make_release, run_scripted, without_picture

from endpoints.errors import BadConfig
from judge.errors import ConfigInvalid, ShiftInvalid
from judge.given_answers import GivenAnswer, iterate_file_answers, iterate_run_answers
from judge.run_folder import open_known
from judge.speech_parts import GROUPS, TAG_NAMES, TAGS, Word, load_tagger, tag_pieces
from judge.token_shift import ShiftConfig, ShiftTally, TaggedAnswer
from judge.token_shift_text import show_shift_markdown

CONFIG = ShiftConfig(
    answers="run", model="aligned", reference="base", top=2, dtype="float32", tagger="t", resamples=200
)
JUDGES = {"gpt-judge": lambda number: (1, 1, 1)}


def make_answer(item: str, *words: tuple[str, str, float], sample: int = 0) -> TaggedAnswer:
    """An answer of words with their tags and divergences, a blank between two; every log-ratio is -1."""
    text, spans = "", []
    for word, _, _ in words:
        spans.append((len(text), len(text) + len(word)))
        text += f"{word} "
    tags, kl = [tag for _, tag, _ in words], [kl for _, _, kl in words]
    return TaggedAnswer(item, sample, text, spans, tags, kl, [-1.0] * len(words), ["Careful"] * len(words))


def describe(*answers: TaggedAnswer) -> dict[str, Any]:
    tally = ShiftTally(CONFIG)
    for answer in answers:
        tally.add(answer)
    return tally.describe()


# --- tags


@pytest.mark.parametrize(
    ("piece", "tag"),
    [
        ((0, 2), "PUNCT"),  # ** before the word, though the tagger has it within
        ((2, 4), "ADJ"),
        ((4, 7), "ADJ"),  # the rest of the word, with the full stop after it
        ((8, 9), "NUM"),
        ((9, 10), "NUM"),  # the full stop of 3.5
        ((11, 13), "X"),  # a blank and a sign that is no mark
        ((13, 15), "SPACE"),
        ((15, 15), "SPACE"),
        ((15, 20), "NOUN"),  # more of it lies in the noun
    ],
)
def test_a_piece_has_the_tag_of_its_word_and_marks_that_stand_free_are_punctuation(
    piece: tuple[int, int], tag: str
) -> None:
    text = "**dear. 3.5 \N{FIRE}\n\n, ice"
    words = [Word(0, 6, "ADJ"), Word(6, 7, "PUNCT"), Word(8, 11, "NUM"), Word(12, 13, "X"), Word(15, 16, "PUNCT"),
             Word(17, 20, "NOUN")]  # fmt: skip
    assert tag_pieces(text, [piece], words) == [tag]


def test_every_tag_has_a_name_and_one_group() -> None:
    assert set(TAG_NAMES) == set(TAGS) and len(TAGS) == len(set(TAGS)) == sum(map(len, GROUPS.values()))


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadConfig, match=r"spacy is not installed; .*pip install 'ood-mmsafe-curator\[pos\]'"):
        load_tagger()


# --- which tokens count, and shares


def test_the_k_tokens_with_the_largest_divergence_count_and_the_earlier_of_two_equal_ones() -> None:
    answer = make_answer("a", ("x", "X", 0.1), ("y", "X", 0.5), ("z", "X", 0.5), ("w", "X", 0.9))
    assert answer.find_top(2) == [3, 1]
    assert answer.find_top(9) == [3, 1, 2, 0]


def test_shares_are_those_worked_out_by_hand() -> None:
    report = describe(
        make_answer("a", ("Stop", "VERB", 3.0), (",", "PUNCT", 2.0), ("hot", "ADJ", 1.0)),
        make_answer("a", ("No", "X", 0.5), (",", "PUNCT", 0.4), sample=1),
        make_answer("b", ("stop", "VERB", 0.0), ("pan", "NOUN", 0.1), ("burns", "VERB", 0.2)),
    )
    assert report["counts"] == {"items": 2, "answers": 3, "skipped": {}, "blind": 0, "tokens": 8, "selected": 6}
    tags = {row["tag"]: row for row in report["tags"]}
    assert {tag: row["selected"] for tag, row in tags.items() if row["selected"]} == {
        "PUNCT": 2, "VERB": 2, "NOUN": 1, "X": 1
    }  # fmt: skip
    assert tags["PUNCT"]["share"] == pytest.approx(2 / 6, abs=1e-6)
    assert tags["PUNCT"]["share_of_all"] == 2 / 8
    assert tags["PUNCT"]["share_of_kl"] == pytest.approx(2.4 / 7.2, abs=1e-6)
    assert tags["PUNCT"]["mean_kl"] == pytest.approx(1.2)
    low, high = tags["PUNCT"]["interval"]
    assert 0 <= low <= 2 / 6 <= high <= 0.5  # 2 of 4 in item a, none of 2 in item b
    assert tags["NUM"]["mean_kl"] is None and tags["NUM"]["share"] == 0
    groups = {row["name"]: row["share"] for row in report["groups"]}
    assert groups["content words and modifiers"] == 0.5 and sum(groups.values()) == pytest.approx(1)
    assert [row["share"] for row in report["groups"]] != [row["share_of_all"] for row in report["groups"]]


def test_token_types_are_merged_across_case_and_ranked_by_how_often_they_were_selected() -> None:
    report = describe(
        make_answer("a", ("Stop", "VERB", 3.0), (",", "PUNCT", 2.0), ("hot", "ADJ", 1.0)),
        make_answer("b", ("stop", "NOUN", 1.0), ("stop", "VERB", 0.0), ("hot", "ADJ", 0.5)),
    )
    first, second, third = report["types"]
    assert first == {
        "text": "stop", "tag": "VERB", "selected": 2, "seen": 3, "mean_kl": pytest.approx(4 / 3, abs=1e-6),
        "mean_delta": -1.0,
    }  # fmt: skip
    assert (second["text"], second["selected"], third["text"], third["seen"]) == (",", 1, "hot", 2)


def test_one_item_has_no_interval_and_no_answer_no_share() -> None:
    (row,) = [row for row in describe(make_answer("a", ("Stop", "VERB", 1.0)))["tags"] if row["tag"] == "VERB"]
    assert (row["share"], row["interval"]) == (1.0, None) and "resample" in row["no_interval"]
    empty = ShiftTally(CONFIG)
    empty.skip("too_long", "900 tokens")
    empty.skip("too_long", "901 tokens")
    report = empty.describe()
    assert report["counts"]["skipped"] == {"too_long": {"count": 2, "first": "900 tokens"}}
    assert {row["share"] for row in report["tags"]} == {None}
    assert "Answers left out: 2 (900 tokens)" in show_shift_markdown(report)


def test_the_report_is_the_same_again_and_shows_the_answers_that_moved_most() -> None:
    answers = [
        make_answer(f"i{n}", ("Stop", "VERB", float(n)), ("now", "ADV", 0.0), ("!", "PUNCT", 0.1)) for n in range(12)
    ]
    report = describe(*answers)
    assert report == describe(*answers) and json.dumps(report, allow_nan=False)
    assert [each["item"] for each in report["shown"]] == [f"i{n}" for n in range(11, 3, -1)]
    assert report["shown"][0]["pieces"] == [
        {"text": "Stop", "tag": "VERB"}, {"text": " now "}, {"text": "!", "tag": "PUNCT"}, {"text": " "}
    ]  # fmt: skip
    assert [each["item"] for each in report["answers"]] == [answer.item_id for answer in answers]
    assert report["answers"][3]["top"][0] == {
        "token": 0, "text": "Stop", "tag": "VERB", "kl": 3.0, "delta": -1.0, "raised": "Careful"
    }  # fmt: skip


def test_tokens_that_share_characters_are_shown_once() -> None:
    spans, tags = [(0, 1), (0, 1), (1, 2)], ["X", "X", "PUNCT"]
    answer = TaggedAnswer("a", 0, "\N{FIRE}!", spans, tags, [2.0, 1.0, 0.0], [0.0] * 3, ["\ufffd"] * 3)
    (shown,) = describe(answer)["shown"]
    assert "".join(piece["text"] for piece in shown["pieces"]) == answer.text


def test_markdown_escapes_tokens_and_names_both_sides() -> None:
    report = describe(make_answer("a", ("<b>|", "X", 1.0), ("\n", "SPACE", 2.0)))
    text = show_shift_markdown(report)
    assert text.startswith("# Token shift: aligned against base\n") and "KL(π ‖ π_ref)" in text
    assert "| &lt;b>\\| |" in text and "| ↵ |" in text and "<" not in re.sub("&lt;", "", text)
    report["config"] |= {"constitutions_sha256": "0" * 64, "reference": "aligned", "direction": "reverse"}
    text = show_shift_markdown(report)
    assert "aligned under the constitution against aligned without it" in text and "KL(π_ref ‖ π)" in text


# --- answers on file


def test_a_runs_answers_come_with_the_words_that_were_asked_and_their_picture(tmp_path: Path) -> None:
    items = [make_item(1), without_picture(2), make_item(3)]
    release = make_release(tmp_path / "v1.0", items)
    path = run_scripted(tmp_path, release, judges=JUDGES, mode="constitution")
    with open_known(path) as folder:
        found = list(iterate_run_answers(folder, release))
    assert found == [
        GivenAnswer(item.id, 0, item.category, item.query, item.image, f"Yes, at window {number}.")
        for item, number in ((items[0], 1), (items[2], 3))
    ]
    caption = run_scripted(tmp_path, release, run="caption", judges=JUDGES, mode="caption")
    with open_known(caption) as folder, pytest.raises(ConfigInvalid, match="caption is in mode caption"):
        list(iterate_run_answers(folder, release))


def test_a_file_of_answers_is_read_with_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"picture")
    lines = [
        {"query": "May I?", "answer": "Yes."},
        {"id": "a", "category": "self_harm", "query": "May I?", "image": "p.png", "answer": "No."},
        {"id": "a", "category": "self_harm", "query": "May I?", "answer": "Well."},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert list(iterate_file_answers(file)) == [
        GivenAnswer("1", 0, "", "May I?", None, "Yes."),
        GivenAnswer("a", 0, "self_harm", "May I?", b"picture", "No."),
        GivenAnswer("a", 1, "self_harm", "May I?", None, "Well."),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: "),
        ('{"query": "q"}', "line 2: answer: Field required; a line is an object with query and answer"),
        ('{"query": "q", "answer": ""}', "line 2: answer: "),
        ('{"query": "q", "answer": "a", "category": "selfharm"}', "line 2: category: .*self_harm"),
        ('{"query": "q", "answer": "a", "imgae": "x"}', "line 2: imgae: "),
        ('{"query": "q", "answer": "a", "image": "absent.png"}', "line 2: .*absent.png"),
        ('["q", "a"]', "line 2: the line: "),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"query": "q", "answer": "a"}\n' + line, encoding="utf-8")
    with pytest.raises(ShiftInvalid, match=said):
        list(iterate_file_answers(file))
    with pytest.raises(ShiftInvalid, match=r"nowhere\.jsonl cannot be read"):
        list(iterate_file_answers(tmp_path / "nowhere.jsonl"))
