"""`curator token-shift` with scripted models: its files, their escaping, and what it refuses. Needs no torch."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from judge_runs import make_item, make_release, run_scripted
from standalone_pages import check_stands_alone

from caspo.constitution import get_constitution
from curator_app.actions import token_shift
from curator_app.actions.judging import JudgingRefused
from curator_app.cli import app
from judge.errors import AnswerUnusable
from judge.given_answers import GivenAnswer
from judge.speech_parts import Word

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>"
ITEMS = 6


class Scripted(ModuleType):
    """Stands for `judge.teacher_forcing`: a token is a word, and the first words of an answer move most."""

    def __init__(self) -> None:
        super().__init__("judge.teacher_forcing")
        self.sides: list[Any] = []
        self.asked: list[GivenAnswer] = []
        self.Side = lambda model, constitutions=None: SimpleNamespace(model=model, constitutions=constitutions or {})

    def load_model(self, source: str, **options: Any) -> Any:
        return SimpleNamespace(name=source, sees=not source.startswith("text"), **options)

    def check_comparable(self, one: Any, other: Any) -> None:
        pass

    def compare_sides(self, answer: GivenAnswer, shifted: Any, reference: Any, *, direction: str) -> Any:
        self.sides = [shifted, reference]
        self.asked.append(answer)
        if "window 4" in answer.text:
            raise AnswerUnusable("too_long", f"{answer.item_id} is too long {HOSTILE}")
        words = split(answer.text)
        kl = [1.0 / (place + 1) for place in range(len(words))]
        return SimpleNamespace(spans=words, kl=kl, delta=kl, raised=[HOSTILE] * len(words))


def split(text: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for word in text.split(" "):
        found.append((at, at + len(word)))
        at += len(word) + 1
    return found


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    made = Scripted()
    monkeypatch.setitem(sys.modules, "judge.teacher_forcing", made)
    monkeypatch.setattr(token_shift, "require_libraries", lambda *words: None)

    def tag(text: str) -> list[Word]:
        return [Word(*span, "NOUN" if text[slice(*span)].isalpha() else "NUM") for span in split(text)]

    monkeypatch.setattr(token_shift, "load_tagger", lambda pipeline: (tag, f"tagger {HOSTILE}"))
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(ITEMS)])
    answer = lambda number: f"Yes, at window {number} {HOSTILE}"  # noqa: E731
    run_scripted(tmp_path, release, run="standard", judges={"gpt-judge": lambda number: (1, 1, 1)}, answer=answer)
    return tmp_path


@pytest.fixture
def curator(home: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, ["--home", str(home), "token-shift", *map(str, words)])


def test_a_runs_answers_under_the_shipped_constitutions_become_three_files(
    curator: Callable[..., Result], scripted: Scripted, home: Path
) -> None:
    done = curator("standard", "--model", "m", "--constitutions", "shipped", "--to", home / "out", "--top", "2")
    assert done.exit_code == 0, done.output
    shifted, reference = scripted.sides
    assert shifted.constitutions["self_harm"] == get_constitution("self_harm").text
    assert reference.constitutions == {} and shifted.model is reference.model
    assert [answer.query for answer in scripted.asked] == [make_item(number).query for number in range(ITEMS)]
    assert all(answer.picture for answer in scripted.asked)
    report = json.loads((home / "out/token-shift.json").read_text("utf-8"))
    assert report["counts"] == {
        "items": 5, "answers": 5, "blind": 0, "tokens": 35, "selected": 10,
        "skipped": {"too_long": {"count": 1, "first": f"item-00004 is too long {HOSTILE}"}},
    }  # fmt: skip
    assert report["config"]["constitutions_sha256"] and report["config"]["release_digest"]
    assert "m under the constitution against m without it" in done.output
    assert (home / "out/token-shift.md").read_text("utf-8") in done.output


def test_the_page_stands_alone_and_escapes_what_models_said(
    curator: Callable[..., Result], scripted: Scripted, home: Path
) -> None:
    done = curator("standard", "--model", f"m {HOSTILE}", "--reference", "base", "--to", home / "out")
    assert done.exit_code == 0, done.output
    tags = check_stands_alone((home / "out/token-shift.html").read_text("utf-8"))
    assert tags.text.count(HOSTILE) > 10  # the model's and the tagger's name, tokens, answers, what was left out
    assert f"m {HOSTILE}, against base" in tags.text and "Answers left out: 1 (item-00004" in tags.text
    assert [tag for tag, _ in tags.tags].count("mark") == 5 * 5
    places = [each["style"] for _, each in tags.tags if each.get("class") == "cu-dot" and "style" in each]
    report = json.loads((home / "out/token-shift.json").read_text("utf-8"))
    assert places[3] == f"left:{round(100 * report['groups'][1]['share'], 2)}%" == "left:40.0%"
    assert "# Token shift" in done.output and "<script>" not in done.output


def test_a_file_of_answers_is_read_and_text_models_leave_pictures_out(
    curator: Callable[..., Result], scripted: Scripted, home: Path
) -> None:
    (home / "p.png").write_bytes(b"picture")
    line = {"query": "May I?", "answer": "Yes of course", "category": "self_harm", "image": "p.png"}
    (home / "answers.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps(line)}\n", encoding="utf-8")
    (home / "c.yaml").write_text("self_harm: Look.\n", encoding="utf-8")
    done = curator(home / "answers.jsonl", "--model", "text", "--constitutions", home / "c.yaml", "--to", home / "out",
                   "--limit", "1", "--direction", "reverse")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert scripted.sides[0].constitutions == {"self_harm": "Look."} and len(scripted.asked) == 1
    report = json.loads((home / "out/token-shift.json").read_text("utf-8"))
    assert (report["counts"]["blind"], report["config"]["answers"]) == (1, "answers.jsonl")
    assert "answers given without their pictures: 1." in done.output and "KL(π_ref ‖ π)" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["standard", "--model", "m"], "give either --reference MODEL or --constitutions FILE"),
        (["standard", "--model", "m", "--reference", "b", "--constitutions", "shipped"], "give either --reference"),
        (["absent", "--model", "m", "--reference", "b"], "there is no judge run absent"),
        (["../x", "--model", "m", "--reference", "b"], "the run's name '../x' names a folder"),
        (["absent.jsonl", "--model", "m", "--reference", "b"], "answers absent.jsonl cannot be read"),
        (["standard", "--model", "m", "--constitutions", "absent.yaml"], "constitutions absent.yaml cannot be read"),
    ],
)
def test_bad_input_is_refused_with_its_value_and_a_remedy(
    curator: Callable[..., Result], scripted: Scripted, home: Path, words: list[str], said: str
) -> None:
    refused = curator(*words, "--to", home / "out")
    assert isinstance(refused.exception, JudgingRefused), refused.output
    assert said in str(refused.exception)
    assert not (home / "out").exists()


def test_a_folder_that_cannot_be_made_is_refused_before_a_model_is_loaded(
    curator: Callable[..., Result], scripted: Scripted, home: Path
) -> None:
    (home / "file").write_text("", encoding="utf-8")
    refused = curator("standard", "--model", "m", "--reference", "b", "--to", home / "file/out")
    assert "out cannot be made" in str(refused.exception) and scripted.asked == []


def test_when_no_answer_can_be_read_the_first_reason_is_told(
    curator: Callable[..., Result], scripted: Scripted, home: Path
) -> None:
    (home / "answers.jsonl").write_text('{"query": "q", "answer": "at window 4"}\n', encoding="utf-8")
    refused = curator(home / "answers.jsonl", "--model", "m", "--reference", "b", "--to", home / "out")
    assert "no answer of answers.jsonl could be read: 1 is too long" in str(refused.exception)
