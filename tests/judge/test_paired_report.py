"""Two judge runs before and after a training: paired differences, twins, and runs that must not be compared."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from judge_runs import TWIN, make_item, make_release, run_scripted, with_twin

from endpoints.errors import TimedOut
from judge.comparisons import compare_models, compare_warnings
from judge.errors import ConfigInvalid
from judge.metrics import ItemScores
from judge.paired_report import (
    Side,
    describe_pair,
    list_lines,
    list_notes,
    show_pair_markdown,
    show_pair_text,
    summarize_pair,
)
from judge.run_folder import read_known
from judge.run_report import iterate_scores, make_report_and_rows
from storage.release_files import Release

ITEMS = 12
TWINS = range(0, ITEMS, 2)


def before(number: int) -> tuple[int, int, int] | Exception:
    """Two thirds of the items are oblivious; no twin is warned of, and one has no score."""
    if number == TWIN + 10:
        return TimedOut("no reply")
    return (0, 1, 2) if number >= TWIN or number % 3 else (1, 1, 2)


def after(number: int) -> tuple[int, int, int] | Exception:
    """Item 0 is missed, item 11 has no score; twins 0 and 6 are warned of."""
    if number >= TWIN:
        return (1 if number % TWIN % 6 == 0 else 0, 1, 2)
    return TimedOut("no reply") if number == 11 else (2 if number else 0, 2, 1)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("paired") / "v1.0"
    return make_release(folder, [with_twin(n) if n in TWINS else make_item(n) for n in range(ITEMS)])


@pytest.fixture(scope="module")
def home(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged")
    run_scripted(folder, release, run="m-base", model="base|model", judges={"gpt-judge": before}, twins=True)
    run_scripted(folder, release, run="m-trained", model="trained", judges={"gpt-judge": after}, twins=True)
    run_scripted(folder, release, run="alone", model="trained", judges={"gpt-judge": after})
    run_scripted(folder, release, run="other", model="trained", judges={"other-judge": after}, twins=True)
    return folder


def read(home: Path, release: Release, run: str, *, twins: bool = True) -> Side:
    folder = read_known(home / "judge-runs" / run)
    report, rows = make_report_and_rows(folder, release)
    return Side(report, rows, list(iterate_scores(folder, release, twins=True)) if twins else ())


def test_differences_are_the_trained_less_the_base_on_what_both_have(home: Path, release: Release) -> None:
    pair = describe_pair(read(home, release, "m-base"), read(home, release, "m-trained"))
    paired = range(11)
    first, second = ([scores(n) for n in paired] for scores in (before, after))
    for place, letter in enumerate("RSE"):
        (row,) = (row for row in pair["rows"] if row["name"] == f"{letter}_A")
        wanted = np.mean([two[place] - one[place] for one, two in zip(first, second, strict=True)])
        assert row["difference"]["value"] == pytest.approx(wanted, abs=1e-6)
        assert (row["difference"]["low"] is None) == (letter != "R"), "S and E change alike everywhere"
    zero = pair["rows"][3]
    assert zero["base"]["value"] == pytest.approx(8 / 12, abs=1e-6)
    assert zero["trained"]["value"] == pytest.approx(1 / 11, abs=1e-6)
    assert zero["difference"]["value"] == pytest.approx((1 - 7) / 11, abs=1e-6)
    assert (pair["items"], pair["unpaired"]) == (11, 1)
    assert pair["zeros"] == {
        "only_trained": 1,
        "only_base": 7,
        "mcnemar_p": pytest.approx(9 * 2 / 256, abs=1e-6),
        "reason": "",
    }


def test_false_alarms_on_twins_are_paired_too(home: Path, release: Release) -> None:
    pair = describe_pair(read(home, release, "m-base"), read(home, release, "m-trained"))
    twins = pair["twins"]
    assert (twins["paired"], twins["unpaired"]) == (5, 1)
    assert twins["base"]["value"] == 0
    assert twins["trained"]["value"] == pytest.approx(2 / 6, abs=1e-6)
    assert twins["difference"]["value"] == pytest.approx(2 / 5, abs=1e-6)
    lines = {name: change for name, _, _, change in list_lines(pair)}
    assert lines["twins warned of"].startswith("+40.0 (") and lines["twins warned of"].endswith(" points")
    assert lines["R_0"].startswith("−54.5 (")
    assert "twins warned of +40.0" in summarize_pair(pair)
    alone = describe_pair(replace(read(home, release, "m-base"), twins=()), read(home, release, "m-trained"))
    assert alone["twins"] is None


def test_the_texts_tell_the_numbers_and_the_caution(home: Path, release: Release) -> None:
    pair = describe_pair(read(home, release, "m-base"), read(home, release, "m-trained"))
    text, table = show_pair_markdown(pair, notes=["Trained on it."]), show_pair_text(pair)
    assert "# trained beside base\\|model" in text
    assert "- Trained on it." in text and "1 items have scored answers of one model only" in text
    assert "reconstructed from the paper's words" in text
    assert [line.split()[0] for line in table.splitlines()] == ["base", "R_A", "S_A", "E_A", "R_0", "twins", "told"]
    assert any("p 0.070" in note for note in list_notes(pair))


@pytest.mark.parametrize(
    ("run", "said"), [("alone", "twins: True and False"), ("other", "judges: gpt-judge and other-judge")]
)
def test_runs_that_were_not_measured_alike_are_refused(home: Path, release: Release, run: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match="must not be compared") as refused:
        describe_pair(read(home, release, "m-base"), read(home, release, run, twins=False))
    assert said in str(refused.value)


def test_warnings_are_compared_from_one_on_with_several_answers_averaged() -> None:
    def rows(scores: dict[str, list[float]]) -> list[ItemScores]:
        return [
            ItemScores(item, "hate_speech", "x", score, 1, 1, sample=place)
            for item, each in scores.items()
            for place, score in enumerate(each)
        ]

    first, second = rows({"a": [1, 0], "b": [2, 2], "c": [0.5, 0]}), rows({"a": [0, 0], "b": [0, 1], "d": [2]})
    found = compare_warnings(first, second)
    assert (found.twins, found.unpaired) == (2, 2)
    assert found.difference.value == pytest.approx((0.5 - 0 + 1 - 0.5) / 2)
    same = compare_models(first, second)
    assert same.items == 2, "the comparison of scores is left as it was"
