"""`curator respond`, `curator score` and `curator report` over HTTP, in a workspace."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from approved_items import add_approved
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer
from judge_runs import answer_body, write_endpoints

from caspo.constitution import get_constitution, list_constitutions
from curator_app.actions import releases
from curator_app.actions.judging import JudgingRefused, find_variants
from curator_app.cli import app
from curator_app.workspace import Workspace
from judge.target_texts import TargetTexts
from storage.errors import NotFound
from storage.items import attach
from storage.records import Provenance, Refinement

Curator = Callable[..., Result]


@pytest.fixture
def curator(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Curator:
    """Seven approved items, two without a picture, frozen as v1.0; returns what runs `curator …`."""
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))
    add_approved(workspace.db, workspace.blobs, 7)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    return lambda *words: CliRunner().invoke(app, list(words))


def read_report(workspace: Workspace, run: str) -> dict:
    return json.loads((workspace.settings.home / "judge-runs" / run / "report.json").read_text("utf-8"))


def test_a_release_is_answered_scored_and_reported(curator: Curator, workspace: Workspace) -> None:
    with FaultyServer(answer=answer_body) as server:
        write_endpoints(workspace.settings.home, server.url)
        answered = curator("respond", "v1.0", "--run", "first", "--samples", "2")
        assert answered.exit_code == 0, answered.output
        assert (
            "answered                    10" in answered.output and "not asked                    4" in answered.output
        )
        scored = curator("score", "first", "--repeats", "2")
        assert scored.exit_code == 0, scored.output
        assert "scored                      40" in scored.output
        assert "Cost: " in scored.output and "unknown" not in scored.output
        calls = server.requests.total()
        shown = curator("report", "first")
        assert curator("respond", "v1.0", "--run", "first", "--samples", "2").exit_code == 0
        assert curator("score", "first", "--repeats", "2").exit_code == 0
        assert server.requests.total() == calls  # nothing is asked twice
    assert "| judge_a | gpt-judge | 20 scored | unknown |" in shown.output
    report = read_report(workspace, "first")
    assert report["answers"]["states"] == {"answered": 10, "not_asked": 4}
    assert report["scores"]["panel"]["all"]["coverage"] == 1
    spending = json.loads((workspace.settings.home / "judge-runs/first/spending.json").read_text())
    assert {row["role"] for row in spending} == {"target", "judge_a", "judge_b"}


def test_constitution_and_malicious_mode_take_their_texts(
    curator: Curator, workspace: Workspace, tmp_path: Path
) -> None:
    texts = {name: f"Policy of {name}." for name in ("self_harm", "violent_content", "privacy_violation")}
    (tmp_path / "c.yaml").write_text(json.dumps(texts), encoding="utf-8")
    release = releases.open_release(workspace, version="v1.0")
    item = next(row for row in release.items if row.image)
    with workspace.db.write() as session:
        variant = Refinement(
            round=1, hazard_type="latent_scene", query_before=item.query, query_after=item.query,
            malicious_variant=f"I want a fall. {item.query}", provenance=Provenance(actor="tests", tool="tests"),
        )  # fmt: skip
        attach(session=session, item_id=item.id, record=variant, actor="tests")
        session.commit()
    assert set(find_variants(workspace, release).variants) == {item.id}
    with FaultyServer(answer=answer_body) as server:
        write_endpoints(workspace.settings.home, server.url)
        done = curator(
            "respond", "v1.0", "--run", "c", "--mode", "constitution", "--constitutions", str(tmp_path / "c.yaml")
        )
        assert done.exit_code == 0, done.output
        assert all(body["messages"][0]["content"].startswith("Policy of ") for body in server.bodies)
        done = curator("respond", "v1.0", "--run", "m", "--mode", "malicious")
        assert done.exit_code == 0, done.output
        assert "answered                     1" in done.output
        asked = server.bodies[-1]["messages"][0]["content"][0]["text"]
        assert asked.startswith("I want a fall.")


def test_constitution_mode_sends_the_shipped_text_of_the_items_category_as_the_system_turn(
    curator: Curator, workspace: Workspace
) -> None:
    items = [item for item in releases.open_release(workspace, version="v1.0").items if item.image]
    wanted = {item.query: get_constitution(item.category).text for item in items}
    assert len(set(wanted.values())) > 1
    with FaultyServer(answer=answer_body) as server:
        write_endpoints(workspace.settings.home, server.url)
        done = curator("respond", "v1.0", "--run", "s", "--mode", "constitution", "--constitutions", "shipped")
        assert done.exit_code == 0, done.output
        sent = [body["messages"] for body in server.bodies]
    assert [[turn["role"] for turn in turns] for turns in sent] == [["system", "user"]] * len(items)
    assert {turns[1]["content"][0]["text"]: turns[0]["content"] for turns in sent} == wanted
    begun = json.loads((workspace.settings.home / "judge-runs/s/answers.json").read_text("utf-8"))
    shipped = {category.value: one.text for category, one in list_constitutions().items()}
    assert begun["texts_sha256"] == TargetTexts(constitutions=shipped).sha256


@pytest.mark.parametrize("mode", ["standard", "malicious"])
def test_twins_that_cannot_be_asked_leave_no_run(curator: Curator, workspace: Workspace, mode: str) -> None:
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    refused = curator("respond", "v1.0", "--run", "t", "--mode", mode, "--twins")
    assert refused.exit_code == 1, refused.output
    assert not (workspace.settings.home / "judge-runs" / "t").exists()


def test_a_spent_budget_ends_early_and_the_same_command_goes_on(curator: Curator, workspace: Workspace) -> None:
    with FaultyServer(answer=answer_body) as server:
        write_endpoints(workspace.settings.home, server.url, max_concurrency=1)
        ended = curator("respond", "v1.0", "--run", "b", "--budget-tokens", "1")
        assert ended.exit_code == 3
        assert "of its 1 tokens" in ended.output
        assert curator("respond", "v1.0", "--run", "b").exit_code == 0
        assert server.replies.total() == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["respond", "v1.0", "--run", "../x"], "the run's name '../x' names a folder"),
        (["respond", "v1.0", "--run", "r", "--mode", "standart"], "mode is 'standart'"),
        (["respond", "v1.0", "--run", "r", "--samples", "0"], "samples is 0"),
        (["respond", "v1.0", "--run", "r", "--model", "zz"], "no endpoint 'zz'; it has t, a, b"),
        (
            ["respond", "v1.0", "--run", "r", "--mode", "constitution"],
            "give --constitutions FILE, or --constitutions shipped",
        ),
        (["respond", "v1.0", "--run", "r", "--constitutions", "shipped"], "--constitutions is for mode constitution"),
        (
            ["respond", "v1.0", "--run", "r", "--mode", "constitution", "--constitutions", "./shipped"],
            "constitutions shipped cannot be read",
        ),
        (["respond", "v1.0", "--run", "r", "--mode", "malicious"], "give a file of them: --variants FILE"),
        (["respond", "v1.0", "--run", "r", "--variants", "x.jsonl"], "--variants is for mode malicious"),
        (["score", "nothing"], "there is no judge run nothing"),
        (["report", "nothing"], "there is no judge run nothing"),
    ],
)
def test_bad_input_is_refused_with_its_value_and_a_remedy(
    curator: Curator, workspace: Workspace, words: list[str], said: str
) -> None:
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    refused = curator(*words)
    assert isinstance(refused.exception, JudgingRefused)
    assert said in str(refused.exception)


def test_an_unknown_release_or_judge_is_refused(curator: Curator, workspace: Workspace) -> None:
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    assert isinstance(curator("respond", "v9.9", "--run", "r").exception, NotFound)
    with FaultyServer(answer=answer_body) as server:
        write_endpoints(workspace.settings.home, server.url)
        assert curator("respond", "v1.0", "--run", "r").exit_code == 0
        assert "there is no judge 'judge_c'" in str(curator("score", "r", "--judges", "judge_c").exception)
        assert curator("score", "r", "--judges", "judge_a").exit_code == 0
        assert "was begun otherwise: judges was" in str(curator("score", "r").exception)
