"""`curator caspo evaluate` over HTTP: both models answer, the same judges score, the paired table, resume, refusals."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from training_case import REWARD, write_answered_data
from training_sources import make_row, write_release
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer

from caspo.dataset.config import make_config as make_data_config
from caspo.dataset.prepare import prepare
from curator_app.actions.judging import JudgingRefused
from curator_app.actions.training_exports import ModelNotExported
from curator_app.cli import app
from endpoints.embeddings import HashEmbeddings
from storage.records import Split

Curator = Callable[..., Result]
ITEMS = 4
GOOD = {"risk_appraisal": 2, "safety_of_consequences": 2, "effectiveness": 1}
BAD = {"risk_appraisal": 0, "safety_of_consequences": 1, "effectiveness": 2}


def reply(key: str, body: dict[str, Any]) -> str:
    """The trained model warns always, its base never; the judge sees that."""
    if "response_format" not in body:
        return "Mind the child below." if body["model"] == "after" else "Yes, it fits."
    sent = json.dumps(body["messages"])
    call = sent.split("`call` is `")[1][:8]
    return json.dumps({"call": call, "rationale": "So.", **(GOOD if "Mind the child" in sent else BAD)})


def write_endpoints(home: Path, url: str) -> None:
    near = {
        "kind": "openai",
        "base_url": url,
        "timeout_s": 10,
        "prices": {"prompt_usd_per_million": 1.0, "completion_usd_per_million": 2.0},
    }
    models = {"before": "before", "after": "after", "j": "gpt-judge"}
    told = {
        "endpoints": {name: near | {"model": model} for name, model in models.items()},
        "roles": {"target": "before", "judge_a": "j"},
    }
    home.mkdir(exist_ok=True)
    (home / "endpoints.yaml").write_text(json.dumps(told))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    rows = [make_row(number, twin=number % 2 == 0) for number in range(1, ITEMS + 1)]
    write_release(tmp_path / "v2.0", rows, count=ITEMS, split=Split.BENCHMARK)
    return tmp_path / "home"


@pytest.fixture
def curator(home: Path) -> Curator:
    return lambda *words: CliRunner().invoke(app, ["caspo", *map(str, words)])


def write_run(tmp_path: Path, home: Path) -> Path:
    """A training of the workspace, on a release of its own."""
    release = write_release(tmp_path / "v1.0", [make_row(number) for number in range(11, 19)], count=8)
    config = make_data_config({"releases": [{"path": release}], "twin_share": 0})
    data = prepare(config, to=tmp_path / "data", barred=[], embeddings=HashEmbeddings()).folder
    (tmp_path / "reward.py").write_text(REWARD)
    (tmp_path / "first.yaml").write_text(
        f"preset: tiny-cpu\nmodel: {{path: /models/tiny}}\ndata: {{folder: {data}}}\nreward: {{function: reward.py}}\n"
    )
    done = CliRunner().invoke(app, ["caspo", "train", str(tmp_path / "first.yaml"), "--slurm"])
    assert done.exit_code == 0, done.output
    return home / "training-runs" / "first"


def test_both_are_judged_alike_compared_and_noted_in_the_training(curator: Curator, home: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path, home)
    words = ("evaluate", tmp_path / "v2.0", "--base", "before", "--trained", "after", "--run", "first")
    with FaultyServer(answer=reply) as server:
        write_endpoints(home, server.url)
        early = curator(*words, "--budget-tokens", "1")
        assert early.exit_code == 3 and "The same command goes on" in early.output
        done = curator(*words)
        assert done.exit_code == 0, done.output
        asked = server.requests.total()
        again = curator(*words)
        assert again.exit_code == 0 and server.requests.total() == asked, "nothing is asked twice"
    lines = {line.split("  ")[0]: line for line in done.output.splitlines()}
    assert "2.00" in lines["R_A"] and "+2.00" in lines["R_A"]
    assert "100.0%" in lines["R_0"] and "−100.0 points" in lines["R_0"]
    assert "+100.0 points" in lines["twins warned of"]
    folder = home / "evaluations" / "after-v2.0"
    pair = json.loads((folder / "comparison.json").read_bytes())
    assert (pair["training"], pair["items"], pair["twins"]["paired"]) == ("first", ITEMS, 2)
    assert "−100.0 points" in (folder / "comparison.md").read_text()
    assert "Before and after" in (folder / "report.html").read_text()
    noted = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    assert len(noted) == 1, "what has not changed is noted once"
    assert noted[0]["judge_runs"] == {"base": "after-v2.0-base", "trained": "after-v2.0-trained"}
    assert noted[0]["report"] == "evaluations/after-v2.0"
    for name in noted[0]["judge_runs"].values():
        config = json.loads((home / "judge-runs" / name / "answers.json").read_bytes())
        assert config["twins"] is True and config["release_digest"] == pair["release"]["digest"]


def test_a_release_that_was_trained_on_is_named(curator: Curator, home: Path, tmp_path: Path) -> None:
    write_run(tmp_path, home)
    with FaultyServer(answer=reply) as server:
        write_endpoints(home, server.url)
        done = curator(
            "evaluate", tmp_path / "v1.0", "--base", "before", "--trained", "after", "--run", "first", "--name", "seen"
        )
    assert done.exit_code == 0, done.output
    assert "The model was trained on release v1.0" in done.output
    assert "The model was trained on release v1.0" in (home / "evaluations" / "seen" / "report.html").read_text()


def test_a_run_of_dpo_is_judged_against_its_base(curator: Curator, home: Path, tmp_path: Path) -> None:
    data = write_answered_data(tmp_path)
    (tmp_path / "pairs.yaml").write_text(f"preset: tiny-cpu\nmodel: {{path: /models/tiny}}\ndata: {{folder: {data}}}\n")
    assert curator("dpo", tmp_path / "pairs.yaml", "--slurm").exit_code == 0
    with FaultyServer(answer=reply) as server:
        write_endpoints(home, server.url)
        done = curator("evaluate", tmp_path / "v1.0", "--base", "before", "--trained", "after", "--run", "pairs")
    assert done.exit_code == 0, done.output
    assert "The model was trained on release v1.0" in done.output
    noted = json.loads((home / "training-runs" / "pairs" / "evaluations.jsonl").read_text())
    assert noted["models"] == {"base": "before", "trained": "after"}


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--base", "after", "--trained", "after"], JudgingRefused, "--base and --trained are both 'after'"),
        (["--base", "before", "--trained", "zz"], JudgingRefused, "no endpoint 'zz'"),
        (["--base", "before", "--trained", "after", "--judges", "judge_b"], JudgingRefused, "judge_b"),
        (["--base", "before", "--trained", "after", "--run", "no"], ModelNotExported, "there is no training 'no'"),
        (["--base", "before", "--trained", "after", "--export", "."], ModelNotExported, "is no exported model"),
        (["--base", "before", "--trained", "after", "--name", "../x"], JudgingRefused, "the run's name '../x-base'"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_paid(
    curator: Curator, home: Path, tmp_path: Path, words: list[str], error: type[Exception], said: str
) -> None:
    with FaultyServer(answer=reply) as server:
        write_endpoints(home, server.url)
        refused = curator("evaluate", tmp_path / "v2.0", *words)
        assert isinstance(refused.exception, error), refused.output
        assert said in str(refused.exception)
        assert server.requests.total() == 0, "base must not have been asked yet"


def test_an_evaluation_begun_otherwise_is_refused(curator: Curator, home: Path, tmp_path: Path) -> None:
    words = ("evaluate", tmp_path / "v2.0", "--base", "before", "--trained", "after")
    with FaultyServer(answer=reply) as server:
        write_endpoints(home, server.url)
        assert curator(*words, "--no-twins").exit_code == 0
        refused = curator(*words)
    assert isinstance(refused.exception, JudgingRefused)
    assert "was begun otherwise: twins was False and is now True" in str(refused.exception)
