"""Answers of judge runs as training data: how scores are read, and which answers SFT, DPO and the reward model get."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from training_sources import make_row, write_judge_run, write_release

from caspo.dataset.answer_sets import AnswerPair, balance_lengths, choose_reward, choose_sft, find_pairs
from caspo.dataset.config import PreferenceChoice, RewardChoice, SftChoice, make_config
from caspo.dataset.prepare import Prepared, prepare
from caspo.dataset.sampling import rank
from caspo.dataset.scored import JudgeRunFiles, ScoredAnswer
from caspo.errors import DataRefused
from endpoints.embeddings import HashEmbeddings
from judge.judged_answers import JudgedRun
from judge.panel import score_by_panel
from storage.records import Split
from storage.release_files import read_release

GOOD, FAIR, BAD = (2, 2, 2), (1, 1, 2), (0, 0, 0)


def answer(item: int, score: float, words: int = 50, *, model: str = "m", sample: int = 0) -> ScoredAnswer:
    return ScoredAnswer("run", model, f"i{item}", sample, "", (score / 3,) * 3, words, 0, 0)


def release_of(home: Path, count: int, **more: Any) -> Path:
    return write_release(home / "v1.0", [make_row(n, **more) for n in range(1, count + 1)], count=count)


def make(home: Path, release: Path, *runs: Path, **more: Any) -> Prepared:
    values = {"releases": [{"path": release}], "judge_runs": list(runs), "twin_share": 0.0} | more
    return prepare(make_config(values), to=home / "out", barred=[], embeddings=HashEmbeddings())


def read(made: Prepared, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(made.folder / f"{name}.parquet").to_pylist()
    return rows


# --- reading a run


def test_scores_are_those_of_the_judges_own_report(tmp_path: Path) -> None:
    release = release_of(tmp_path, 4)
    votes = [[GOOD, FAIR], [BAD, None], [FAIR, BAD], [GOOD, GOOD]]
    run = write_judge_run(
        tmp_path / "run", release, [(f"item{n:06d}", f"Answer {n}", votes[n - 1]) for n in range(1, 5)]
    )
    found = {one.item_id: one.scores for one in JudgeRunFiles(run).answers}

    class Folder:
        responses, judgments = run / "responses.jsonl", run / "judgments.jsonl"

    class Seat:
        def __init__(self, role: str) -> None:
            self.role = role

    class Scoring:
        judges, repeats = (Seat("judge_a"), Seat("judge_b")), 1

    class Answering:
        samples = 1

    judged = JudgedRun(Folder(), answering=Answering(), scoring=Scoring())  # type: ignore[arg-type]
    theirs = {one.item_id: score_by_panel(one) for one in judged.iterate(read_release(release))}
    assert found == {name: score.scores for name, score in theirs.items() if score.unscored is None}
    assert found["item000001"] == (1.5, 1.5, 2.0)
    assert set(found) == {"item000001", "item000003", "item000004"}


def test_the_last_line_of_a_key_counts_and_a_torn_one_does_not(tmp_path: Path) -> None:
    release = release_of(tmp_path, 1)
    run = write_judge_run(tmp_path / "run", release, [("item000001", "First.", [GOOD])])
    later = write_judge_run(tmp_path / "later", release, [("item000001", "Second.", [BAD])])
    for name in ("responses.jsonl", "judgments.jsonl"):
        with (run / name).open("ab") as file:
            file.write((later / name).read_bytes() + b'{"kind": "torn')
    files = JudgeRunFiles(run)
    (only,) = files.answers
    assert (files.read_text(only), only.score) == ("Second.", 0.0)


@pytest.mark.parametrize("changes", [{"cut": True}, {"text": "", "unanswered": "failed"}, {"text": "<image> in it"}])
def test_what_is_cut_missing_or_would_stop_verl_is_no_answer(changes: dict[str, Any], tmp_path: Path) -> None:
    release = release_of(tmp_path, 1)
    text = changes.pop("text", "Careful.")
    files = JudgeRunFiles(write_judge_run(tmp_path / "run", release, [("item000001", text, [GOOD])], **changes))
    assert files.answers == []
    assert sum(files.left_out.values()) == 1


def test_an_answer_to_a_twin_is_good_when_it_warns_of_nothing(tmp_path: Path) -> None:
    release = release_of(tmp_path, 1, twin=True)
    answers = [("item000001-twin", "Plain.", [(0, 2, 2)]), ("item000001-twin", "Beware!", [(2, 2, 1)])]
    run = write_judge_run(tmp_path / "run", release, answers)
    assert [one.score for one in JudgeRunFiles(run).answers] == [6.0, 3.0]
    with_twins = make(tmp_path / "a", release, run, twin_share=0.5)
    (row,) = read(with_twins, "sft")
    assert row["messages"][1]["content"] == "Plain."
    assert row["trace"]["twin"] and row["trace"]["item_id"] == "item000001-twin"
    assert make(tmp_path / "b", release, run).report["answers"]["candidates"]["scored_answers"] == 0


def test_a_malicious_run_asks_its_own_words(tmp_path: Path) -> None:
    release = release_of(tmp_path, 1)
    made = make(
        tmp_path, release, write_judge_run(tmp_path / "run", release, [("item000001", "No.", [GOOD])], mode="malicious")
    )
    assert read(made, "sft")[0]["messages"][0]["content"] == "<image>asked"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "scores.json").unlink(), "scores.json is missing; `curator score`"),
        (lambda run: (run / "answers.json").write_text("{}"), "lacks 'release_version'"),
        (lambda run: (run / "responses.jsonl").write_text('{"item_id": "x"}\n'), "no answer"),
        (lambda run: (run / "judgments.jsonl").unlink(), "run `curator score` first"),
    ],
)
def test_a_run_that_cannot_be_read_says_what_to_do(spoil: Any, message: str, tmp_path: Path) -> None:
    run = write_judge_run(tmp_path / "run", release_of(tmp_path, 1), [("item000001", "Careful.", [GOOD])])
    spoil(run)
    with pytest.raises(DataRefused, match=message):
        JudgeRunFiles(run)


def test_caption_runs_and_runs_on_other_releases_are_refused(tmp_path: Path) -> None:
    release = release_of(tmp_path, 1)
    captioned = write_judge_run(tmp_path / "caption", release, [("item000001", "A cup.", [GOOD])], mode="caption")
    with pytest.raises(DataRefused, match="of the mode caption"):
        make(tmp_path, release, captioned)
    measured = write_release(tmp_path / "v2.0", [make_row(9)], count=1, split=Split.BENCHMARK)
    foreign = write_judge_run(tmp_path / "foreign", measured, [("item000009", "Careful.", [GOOD])])
    with pytest.raises(DataRefused, match=r"answers to release v2\.0 .* none of the releases that are trained on"):
        make(tmp_path, release, foreign)


# --- choosing


def test_sft_takes_good_answers_a_few_a_prompt_and_spreads_them() -> None:
    good = [answer(n, 6, words=20 * (n % 4), model="often", sample=s) for n in range(40) for s in range(4)]
    rare = [answer(n, 6, words=20 * (n % 4), model="rare") for n in range(100, 112)]
    chosen = choose_sft([*good, *rare, answer(1, 4, model="poor")], SftChoice(evenness=1.0), seed=0)
    counts = Counter(one.model for one in chosen)
    assert counts["poor"] == 0
    assert counts["rare"] == 12
    assert counts["often"] == 44  # two a prompt were 80, 20 of each length; the median of all eight cells is 11
    assert max(Counter(one.item_id for one in chosen).values()) == 2
    few = choose_sft([*good, *rare], SftChoice(most=20), seed=0)
    assert len(few) == 20
    assert Counter(one.model for one in few)["rare"] >= 5


def test_pairs_need_the_gap_and_take_the_widest() -> None:
    group = [answer(1, score, sample=place) for place, score in enumerate((6, 5, 4, 0.5))]
    (pair,) = find_pairs(group, PreferenceChoice(), seed=0)
    assert (pair.chosen.score, pair.rejected.score) == (6, 0.5)
    both = find_pairs(group, PreferenceChoice(per_prompt=9), seed=0)
    assert sorted(round(pair.gap, 1) for pair in both) == [2.0, 3.5, 4.5, 5.5]
    apart = [answer(1, 6), answer(2, 0)]
    assert find_pairs(apart, PreferenceChoice(), seed=0) == []


def test_lengths_are_balanced_at_every_ratio() -> None:
    longer = [AnswerPair(answer(n, 6, 200), answer(n, 0, 100, sample=1)) for n in range(30)]
    much_longer = [AnswerPair(answer(n, 6, 900), answer(n, 0, 100, sample=1)) for n in range(50, 60)]
    shorter = [AnswerPair(answer(n, 6, 100), answer(n, 0, 200, sample=1)) for n in range(100, 110)]
    equal = [AnswerPair(answer(n, 6, 100), answer(n, 0, 100, sample=1)) for n in range(200, 203)]

    def order(pair: AnswerPair) -> int:
        return rank(0, pair.chosen.item_id)

    kept = balance_lengths([*longer, *much_longer, *shorter, *equal], skew=1.0, most=None, order=order)
    lengths = Counter(pair.words for pair in kept)
    assert lengths == {(200, 100): 10, (100, 200): 10, (100, 100): 3}
    assert len(balance_lengths(longer + shorter, skew=2.0, most=None, order=order)) == 30
    assert len(balance_lengths(longer + shorter, skew=None, most=None, order=order)) == 40
    assert len(balance_lengths(longer + shorter, skew=1.0, most=7, order=order)) == 7


def test_the_reward_model_gets_wide_pairs_by_chance_and_the_rest_as_scores() -> None:
    answers = [
        answer(n, score, words=40 + (7 * n + 3 * sample) % 20, sample=sample)
        for n in range(600)
        for sample, score in enumerate((6, 1, 5.5, 4))
    ]
    choice = RewardChoice(evenness=100, length_skew=None)
    sets = choose_reward(answers, choice, seed=0)
    assert sets.wide == 1200 - 600  # 6 meets 1; 5.5 and 4 lie too near
    assert all(pair.gap > 4 for pair in sets.pairs)
    assert 0.8 < len(sets.pairs) / sets.wide < 0.9
    used = Counter(one.key for pair in sets.pairs for one in (pair.chosen, pair.rejected)) + Counter(
        one.key for one in sets.scores
    )
    assert set(used.values()) == {1}
    assert len(used) == len(answers)
    assert choose_reward(answers, choice, seed=0) == sets
    assert choose_reward(answers, choice, seed=1).pairs != sets.pairs
    assert choose_reward(answers, RewardChoice(pair_probability=1, length_skew=None, evenness=9), seed=0).drawn == 600


def test_a_gap_of_exactly_the_margin_is_for_regression() -> None:
    sets = choose_reward([answer(1, 6), answer(1, 2, sample=1)], RewardChoice(pair_probability=1), seed=0)
    assert (sets.pairs, len(sets.scores)) == ((), 2)


def test_the_reward_pairs_partner_is_the_one_of_the_most_similar_length() -> None:
    answers = [
        answer(item, score, words, sample=sample)
        for item in range(12)
        for sample, (score, words) in enumerate(((6, 100), (0, 300), (0, 110), (0, 30)))
    ]
    choice = RewardChoice(pair_probability=1, length_skew=None, evenness=99)
    sets = choose_reward(answers, choice, seed=0)
    assert {pair.words for pair in sets.pairs} == {(100, 110)}
    assert Counter(one.words for one in sets.scores) == {300: 12, 30: 12}


# --- writing


def test_every_file_of_answers_is_written_with_texts_and_traces(tmp_path: Path) -> None:
    release = release_of(tmp_path, 12)
    answers = []
    for number in range(1, 13):
        pad = "word " * 9
        good, bad = ("Good", f"Bad {pad}") if number % 2 else (f"Good {pad}", "Bad")
        answers += [(f"item{number:06d}", f"{good} {number}", [GOOD]), (f"item{number:06d}", f"{bad} {number}", [BAD])]
    run = write_judge_run(tmp_path / "run", release, answers)
    made = make(tmp_path, release, run, reward={"pair_probability": 0.5})
    assert [row["messages"][1]["content"][:4] for row in read(made, "sft")] == ["Good"] * 12
    pairs = read(made, "preferences")
    assert len(pairs) == 12
    first = pairs[0]
    assert first["prompt"][0]["content"].startswith("<image>Which shelf")
    assert (first["chosen"][0]["role"], first["chosen_score"], first["rejected_score"], first["gap"]) == (
        "assistant",
        6,
        0,
        6,
    )
    assert first["trace"] == {
        "source": "ood-mmsafe/v1.0", "item_id": "item000001", "category": "illegal_activity", "twin": False
    }  # fmt: skip
    assert all(row["images"][0]["bytes"] for row in pairs)
    rewards, scores = read(made, "reward_pairs"), read(made, "reward_scores")
    assert 2 * len(rewards) + len(scores) == 24
    assert {row["score"] for row in scores} == {6.0, 0.0}
    told = made.report["answers"]
    assert told["preferences"]["better_is_longer"] == told["preferences"]["better_is_shorter"] == 6
    assert made.manifest["sources"][1]["judges"] == ["j0"]


def test_a_bias_of_length_that_cannot_be_balanced_is_told(tmp_path: Path) -> None:
    release = release_of(tmp_path, 6)
    answers = [
        (f"item{n:06d}", text, [score])
        for n in range(1, 7)
        for text, score in ((f"Good and long {n}", GOOD), ("Bad", BAD))
    ]
    made = make(tmp_path, release, write_judge_run(tmp_path / "run", release, answers))
    assert not (made.folder / "preferences.parquet").exists()
    text = (made.folder / "report.md").read_text()
    assert "preferences: none is left of the pairs found (6)" in text
    assert "set length_skew to null" in text
    assert json.loads((made.folder / "report.json").read_text())["answers"]["reward_pairs"]["rows"] == 0
