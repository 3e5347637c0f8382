"""`curator report` and `curator leaderboard`: files that stand alone, texts of models escaped, runs kept apart."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from judge_runs import TWIN, make_item, make_release, run_scripted, with_twin
from standalone_pages import check_stands_alone

from curator_app.actions.judging import JudgingRefused
from curator_app.cli import app

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} \"'"
ITEMS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one release, one of another, and one without scores; everything that a model says is hostile."""
    folder = tmp_path_factory.mktemp("judged")
    items = [make_item(n, query=f"At window {n}? {HOSTILE}", hidden_hazard=HOSTILE) for n in range(ITEMS)]
    release = make_release(folder / "v1.0", items)
    other = make_release(folder / "v1.1", items[:6])
    judges = {"gpt-judge": lambda n: (n % 3, n % 2, 0), f"evil {HOSTILE}": lambda n: (n % 2, 0, n % 3)}

    def answer(number: int) -> str:
        return f"{HOSTILE} {number}"

    run_scripted(folder, release, run="standard", judges=judges, model=f"m {HOSTILE}", answer=answer)
    run_scripted(folder, release, run="guided", judges={name: lambda n: (2, 2, 2) for name in judges},
                 model=f"m {HOSTILE}", mode="constitution", answer=answer)  # fmt: skip
    run_scripted(folder, other, run="elsewhere", judges=judges, model="b", answer=answer)
    run_scripted(folder, release, run="nothing", judges=judges, model="b", answer=answer)
    (folder / "judge-runs/nothing/scores.json").unlink()
    return folder


@pytest.fixture
def curator(home: Path):  # type: ignore[no-untyped-def]
    return lambda *words: CliRunner().invoke(app, ["--home", str(home), *map(str, words)])


def test_the_page_of_a_run_stands_alone_and_escapes_what_models_said(curator, home: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done: Result = curator("report", "standard", "--html", tmp_path / "r.html", "--latex", tmp_path / "r.tex")
    assert done.exit_code == 0, done.output
    tags = check_stands_alone((tmp_path / "r.html").read_text("utf-8"))
    risk = json.loads((home / "judge-runs/standard/report.json").read_text("utf-8"))["scores"]["panel"]["all"]["R"]
    assert f"misses the hazard in {100 * risk['zero_share']:.1f}% of its answers" in tags.text
    assert tags.text.count(HOSTILE) > 10  # models' names, queries, hazards, answers: as they were written
    assert "No human audit yet" in tags.text and "curator study create NAME --release v1.0 --run standard" in tags.text
    places = [each["style"] for _, each in tags.tags if each.get("class") == "cu-dot" and "style" in each]
    assert places[0] == f"left:{round(50 * risk['mean'], 2)}%"
    assert "\\textless{}/style" in (tmp_path / "r.tex").read_text("utf-8")


def test_a_run_that_asked_about_twins_shows_over_warning_and_others_do_not(curator, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    release = make_release(tmp_path / "v1.0", [with_twin(number) for number in range(4)])
    warned = {"gpt-judge": lambda number: (2, 0, 0) if number < TWIN + 1 else (0, 2, 2)}
    run_scripted(tmp_path, release, run="twins", judges=warned, twins=True)
    run_scripted(tmp_path, release, run="plain", judges=warned)

    def read(run: str) -> str:
        words = ["--home", str(tmp_path), "report", run, "--html", str(tmp_path / f"{run}.html")]
        assert CliRunner().invoke(app, words).exit_code == 0
        return " ".join(check_stands_alone((tmp_path / f"{run}.html").read_text("utf-8")).text.split())

    text = read("twins")
    assert "Over-warning" in text and "Answers to twins" in text
    assert "Twins warned of25.0%" in text.replace(" 25", "25") and "4 of 4 answers scored" in text
    assert "Told apart75.0%" in text.replace(" 75", "75") and "4 pairs" in text
    assert "Over-warning" not in read("plain")


def test_runs_beside_one_another_compare_modes_and_warn_of_other_releases(curator, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done: Result = curator("report", "guided", "standard", "elsewhere", "nothing", "--html", tmp_path / "r.html")
    assert done.exit_code == 0, done.output
    text = " ".join(check_stands_alone((tmp_path / "r.html").read_text("utf-8")).text.split())
    assert "4 runs of 2 models" in text
    assert "Runs of different groups must not be compared." in text and "release: a v1.0" in text
    assert "each mode less standard" in text and "Constitutionguided −16.7 (" in text
    assert "nothing: no answer is scored yet" in text


@pytest.mark.parametrize("form", ["text", "json", "markdown", "latex", "html"])
def test_the_leaderboard_is_written_in_every_form(curator, tmp_path: Path, form: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "board"
    done: Result = curator("leaderboard", "--format", form, "--to", file)
    assert done.exit_code == 0, done.output
    text = file.read_text("utf-8")
    match form:
        case "json":
            board = json.loads(text)
            assert [len(table["places"]) for table in board["tables"]] == [1, 1, 1]
            assert board["left_out"][0]["run"] == "nothing"
        case "html":
            assert "no answer is scored yet" in check_stands_alone(text).text
        case "latex":
            assert text.count(r"\begin{tabular}") == 6 and "% Group b: release v1.0" in text
        case _:
            assert "They differ in:" in text and "release: a v1.0" in text and "Left out: nothing: no answer" in text


def test_a_named_run_that_cannot_be_read_is_refused(curator, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "there is no judge run absent" in str(curator("leaderboard", "standard", "absent").exception)
    refused = curator("report", "standard", "--html", tmp_path / "no/such/place.html").exception
    assert isinstance(refused, JudgingRefused) and "place.html cannot be written" in str(refused)
    empty = CliRunner().invoke(app, ["--home", str(tmp_path), "leaderboard"]).exception
    assert "there is no judge run in this workspace" in str(empty)
