"""`curator run` against a server over HTTP: dry run, run, faults, interrupt, resume, what comes into the queue."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))

import faulty_server
from factories import add_users
from faulty_server import Fault, FaultyServer, seeded_plan
from run_pipeline import endpoints_file, histories, make_config
from scripted_models import answer_body

from curator_app.cli import app
from curator_app.settings import Settings
from curator_app.workspace import open_workspace
from storage.records import TaskKind
from storage.reviews import claim_next
from storage.stages import Stage
from storage.texts import hash_json

CURATOR = Path(sys.executable).parent / "curator"
PRICES = {"prices": {"prompt_usd_per_million": 2.0, "completion_usd_per_million": 8.0}}
FAULTS = [
    Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.HTML_ERROR, Fault.RESET, Fault.NOT_JSON, Fault.NOT_UTF8, Fault.EMPTY,
    Fault.WRONG_SHAPE, Fault.CUT, Fault.REFUSED, Fault.FILTERED, Fault.NOT_JSON_TEXT, Fault.WRONG_SCHEMA,
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(faulty_server, "key_of", lambda body: hash_json(body))
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    return tmp_path / "home"


def write_files(home: Path, url: str, *, entry: dict[str, Any] | None = None, **config: Any) -> str:
    (home / "endpoints.yaml").write_text(yaml.safe_dump(endpoints_file(url, **(entry or {}))), "utf-8")
    file = home / "trial.yaml"
    file.write_text(yaml.safe_dump(make_config(**config).model_dump(mode="json", exclude_none=True)), "utf-8")
    return str(file)


def test_a_run_fills_the_review_queue_and_a_second_one_asks_nothing(home: Path) -> None:
    with FaultyServer(answer=answer_body) as server:
        config = write_files(home, server.url, entry=PRICES)
        result = CliRunner().invoke(app, ["run", config])
        assert result.exit_code == 0, result.output
        asked = server.requests.total()
        again = CliRunner().invoke(app, ["run", config])
        assert again.exit_code == 0 and "resumed" in again.output
        assert server.requests.total() == asked
    assert "passed the filters" in result.output and "Cost: " in result.output and "unknown" not in result.output
    workspace = open_workspace(Settings(home=home))
    people = add_users(workspace.db, "ada")
    with workspace.db.write() as session:
        claims = claim_next(session=session, user_id=people[0], kind=TaskKind.SCENARIO_REVIEW, count=20)
        session.commit()
    workspace.close()
    refined = sum(stage == Stage.REFINED for stage, _ in histories(home).values())
    assert len(claims) == refined > 0
    assert all(claim.grounding is not None and claim.grounding.image is not None for claim in claims)
    assert not any("ladder" in claim.scenario.query for claim in claims)  # what leaked was rewritten or dropped


def test_a_dry_run_shows_plan_calls_cost_and_endpoints_and_writes_nothing(home: Path) -> None:
    before = sorted(path.name for path in home.iterdir())
    with FaultyServer(answer=answer_body) as server:
        config = write_files(home, server.url, entry=PRICES)
        dry = CliRunner().invoke(app, ["run", config, "--dry-run"])
        assert dry.exit_code == 0, dry.output
        assert server.requests.total() == 1  # one cheap call to the one endpoint with a server
        ran = CliRunner().invoke(app, ["run", config])
        assert ran.exit_code == 0
        asked = server.requests.total() - 1
    assert "16 scenarios" in dry.output and "text-only probe" in dry.output and "works" in dry.output
    most = float(dry.output.split("Cost at most: $")[1].split(",")[0])
    report = json.loads((home / "runs/trial/report.json").read_text())
    assert 0 < float(report["cost"].removeprefix("$").removeprefix("less than $")) <= most
    assert asked <= int(dry.output.split("all goes well, ")[1].split()[0])
    assert sorted(path.name for path in home.iterdir()) == sorted({*before, "endpoints.yaml", "trial.yaml", "runs",
                                                                  "dedup", "blobs"})  # fmt: skip


def test_a_dry_run_says_unknown_where_there_is_no_price_and_names_what_does_not_answer(home: Path) -> None:
    config = write_files(home, "http://127.0.0.1:9/v1")
    dry = CliRunner().invoke(app, ["run", config, "--dry-run"])
    assert dry.exit_code == 1
    assert "Cost at most: unknown; no price is given for m" in dry.output
    assert "$0.00" not in dry.output.split("Cost at most")[1]
    assert "near" in dry.output and "works" not in dry.output.split("near ")[1].splitlines()[0]


@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_with_faults_the_run_finishes_each_bad_item_has_its_error_and_nothing_is_approved_by_accident(
    home: Path,
) -> None:
    plan = seeded_plan(5, share=0.3, kinds=FAULTS, stubborn=0.3)
    with FaultyServer(plan=plan, answer=answer_body) as server:
        config = write_files(home, server.url)
        result = CliRunner().invoke(app, ["run", config])
        assert result.exit_code == 0, result.output
    report = json.loads((home / "runs/trial/report.json").read_text())
    events = [json.loads(line) for line in (home / "runs/trial/events.jsonl").read_text().splitlines()]
    failed = {event["item"] for event in events if event["outcome"] == "error" and event["item"]}
    found = histories(home)
    waiting = {item for item, (stage, _) in found.items() if stage in (Stage.SCENARIO, Stage.FILTERED, Stage.GROUNDED)}
    assert waiting == failed and waiting
    assert sum(report["waiting"].values()) == len(waiting)
    for stage, records in found.values():
        trait = records[0].model_dump()["scene"].split("trait=")[1].rstrip(".")
        if trait in ("premise", "rude", "vague", "stubborn"):
            assert stage != Stage.REFINED, trait
    with FaultyServer(answer=answer_body) as server:  # the server is well again
        write_files(home, server.url)
        assert CliRunner().invoke(app, ["run", config]).exit_code == 0
    assert json.loads((home / "runs/trial/report.json").read_text())["waiting"] == {}


@pytest.mark.thorough
def test_an_interrupt_ends_the_run_after_what_is_under_way(home: Path) -> None:
    with FaultyServer(answer=answer_body, latency_s=0.1) as server:
        config = write_files(home, server.url)
        child = subprocess.Popen([CURATOR, "run", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while server.replies.total() < 25 and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 3, out + err
        assert "stopped by hand" in err and "Traceback" not in err
        result = CliRunner().invoke(app, ["run", config])
    assert result.exit_code == 0, result.output
    assert json.loads((home / "runs/trial/report.json").read_text())["waiting"] == {}


@pytest.mark.parametrize(("spoil", "said"), [
    ("endpoints", "there is no endpoints file"),
    ("field", "no_such_field"),
    ("licence", "grounding.licence"),
    ("changed", "another `batch`"),
])  # fmt: skip
def test_what_cannot_run_is_refused_in_a_sentence(home: Path, spoil: str, said: str) -> None:
    file = Path(write_files(home, "http://127.0.0.1:9/v1"))
    raw = yaml.safe_load(file.read_text())
    if spoil == "endpoints":
        (home / "endpoints.yaml").unlink()
    elif spoil == "field":
        raw["no_such_field"] = 1
    elif spoil == "licence":
        del raw["grounding"]["licence"]
    else:
        folder = home / "runs/trial"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text('{"config_sha256": "0", "started_at": "2026-01-02T00:00:00+00:00"}')
    file.write_text(yaml.safe_dump(raw))
    done = subprocess.run([CURATOR, "run", file], capture_output=True, text=True)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr
