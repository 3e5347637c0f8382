"""Which runs are compared, which are kept apart and why, and the LaTeX that is made of them."""

import re
from pathlib import Path

import pytest
from judge_runs import make_item, make_release, run_scripted

from judge.comparisons import mcnemar_exact
from judge.leaderboard import ScoredRun, describe_leaderboard, make_leaderboard, mark_reports
from judge.leaderboard_text import show_board_markdown, show_board_text
from judge.report_latex import escape_latex, show_latex
from judge.rubric import Rubric, load_rubric
from judge.run_folder import open_known
from judge.run_report import make_report_and_rows
from storage.release_files import Release, read_release

ITEMS = 20


def by_share(zeros: int):  # type: ignore[no-untyped-def]
    """Zeros for the first items, else 2."""
    return lambda number: (0, 0, 0) if number < zeros else (2, 1, 2)


def load(home: Path, run: str) -> ScoredRun:
    with open_known(home / "judge-runs" / run) as folder:
        return ScoredRun(*make_report_and_rows(folder, read_release(folder.release_folder)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScoredRun]:
    """Good and poor beside one another; the same model under the constitution; others that must not be compared."""
    home = tmp_path_factory.mktemp("runs")
    release = make_release(home / "v1.0", [make_item(number) for number in range(ITEMS)])
    other = make_release(home / "other", [make_item(number) for number in range(ITEMS - 2)])
    rubric = Rubric(version="1.1", text=load_rubric().text + "\n")

    def make(run: str, zeros: int, *, of: Release = release, judge: str = "j", **more: object) -> ScoredRun:
        run_scripted(home, of, run=run, judges={judge: by_share(zeros)}, **more)  # type: ignore[arg-type]
        return load(home, run)

    return {
        "good": make("good", 4, model="good_model & co"),
        "poor": make("poor", 15, model="poor"),
        "guided": make("guided", 0, model="poor", mode="constitution"),
        "other-release": make("other-release", 1, of=other, model="poor"),
        "other-rubric": make("other-rubric", 2, rubric=rubric, model="poor"),
        "other-judge": make("other-judge", 3, judge="k", model="poor"),
    }


def test_runs_on_the_same_items_are_ranked_and_compared_in_pairs(runs: dict[str, ScoredRun]) -> None:
    board = make_leaderboard([runs["poor"], runs["guided"], runs["good"]])
    assert [(table.mode, [place.run.name for place in table.places]) for table in board.tables] == [
        ("standard", ["good", "poor"]),
        ("constitution", ["guided"]),
    ]
    assert board.differences == []
    first, second = describe_leaderboard(board)["tables"][0]["places"]
    assert first["to_best"] is None and first["scores"]["R"]["zero_share"] == 4 / ITEMS
    compared = second["to_best"]
    assert (compared["only_this_zero"], compared["only_best_zero"], compared["items"]) == (11, 0, ITEMS)
    assert compared["zero_share"][0] == pytest.approx(11 / ITEMS)
    assert compared["mean"][0] == pytest.approx(-2 * 11 / ITEMS)
    assert compared["mcnemar_p"] == pytest.approx(mcnemar_exact(11, 0), abs=1e-6)
    text = show_board_text(board)
    assert "+55.0 (" in text and "< 0.001" in text


def test_other_releases_rubrics_and_judges_are_kept_apart_with_the_reason(runs: dict[str, ScoredRun]) -> None:
    strange = [runs[name] for name in ("good", "other-release", "other-rubric", "other-judge")]
    board = make_leaderboard(strange)
    assert [[place.run.name for place in table.places] for table in board.tables] == [
        ["good"], ["other-release"], ["other-rubric"], ["other-judge"]
    ]  # fmt: skip
    assert [line.split(":")[0] for line in board.differences] == ["release", "rubric", "judge prompt", "judges"]
    assert all(place.to_best is None for table in board.tables for place in table.places)
    for text in (show_board_text(board), show_board_markdown(board)):
        assert "must not be compared. Each group has its own tables." in text
        assert "rubric: a 1.0 (" in text and "judges: a j; b j; c j; d k" in text


def test_across_puts_them_in_one_table_with_a_mark_and_compares_only_like_with_like(
    runs: dict[str, ScoredRun],
) -> None:
    board = make_leaderboard([runs["good"], runs["poor"], runs["other-rubric"]], across=True)
    (table,) = board.tables
    assert [(place.run.name, place.mark) for place in table.places] == [
        ("other-rubric", "b"), ("good", "a"), ("poor", "a")
    ]  # fmt: skip
    assert all(place.to_best is None for place in table.places)  # the first is of another group
    text = show_board_text(board)
    assert text.count("not comparable") == 2 and "marked by group" in text


def test_latex_has_the_columns_that_it_announces_and_no_bare_special_character(runs: dict[str, ScoredRun]) -> None:
    reports = [runs[name].report for name in ("good", "poor", "guided")]
    text = show_latex(reports)
    assert r"good\_model \& co" in text
    for table in re.findall(r"\\begin\{tabular\}\{(l?r+)\}(.*?)\\end\{tabular\}", text, re.S):
        columns, body = table
        for line in body.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines():
            assert line.endswith(r" \\") and len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1, line
    assert text.count("{") == text.count("}")
    assert text.count(r"\resizebox{") == text.count(r"\end{tabular}}") == 3 and "graphicx" in text
    main = next(line for line in text.splitlines() if line.startswith(r"good\_model"))
    assert main.split(" & ")[1:3] == [r"\textbf{1.60}", r"\textbf{20.0}"]
    assert main.count("--") == 6  # it has no run under the constitution
    poor = next(line for line in text.splitlines() if line.startswith("poor &"))
    assert poor.split(" & ")[1:3] == [r"\underline{0.50}", r"\underline{75.0}"] and poor.split(" & ")[7] == "2.00"


def test_latex_of_runs_that_must_not_be_compared_marks_them_and_calls_none_the_best(
    runs: dict[str, ScoredRun],
) -> None:
    reports = [runs["good"].report, runs["other-rubric"].report]
    assert mark_reports(reports) == ["a", "b"]
    text = show_latex(reports, marks=mark_reports(reports))
    assert r"poor\textsuperscript{b}" in text and "must not be compared" in text
    assert r"\underline" not in text and text.count(r"\textbf") == 1


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("a_b%c#d&e$", r"a\_b\%c\#d\&e\$"),
        ("\\{}", r"\textbackslash{}\{\}"),
        ("~^<|>", r"\textasciitilde{}\textasciicircum{}\textless{}\textbar{}\textgreater{}"),
        ("two\nlines\x00", "two lines "),
    ],
)
def test_latex_special_characters_are_escaped(raw: str, escaped: str) -> None:
    assert escape_latex(raw) == escaped
