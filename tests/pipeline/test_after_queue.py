"""The funnel behind the review queue: twins and mining as stages of their own, with drop-out, reasons and cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_pipeline import approve, histories, make_config, run_once
from scripted_models import answer_request, score

from endpoints.errors import BadRequest
from endpoints.ledger import Totals, read_lines
from endpoints.messages import ChatRequest
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.after_queue import add_after
from pipeline.run_report import RunReport
from storage.records import Scenario
from storage.stages import Stage

CONFIG = make_config(quotas={"dependants": 8}, twin=True, mining={"targets": ["target"], "scorer": "words"})


def run(home: Path, script: Any = answer_request) -> RunReport:
    def answer(request: ChatRequest) -> Answer:
        return "Start on the left." if request.json_schema is None else script(request)

    given = {"near": ScriptedChatEndpoint(answer, name="near", model="m")}
    return run_once(home, given=given, config=CONFIG)[1]


def spoil(worst: list[str]) -> Any:
    """Twins of one scenario still show the hazard, and what is asked about another one fails."""

    def script(request: ChatRequest) -> Answer:
        asked = set((request.json_schema or {}).get("properties", ()))
        if asked == {"scene", "prompt", "alt"}:
            place = next((n for n, scene in enumerate(worst) if scene in request.messages[1].text), 2)
            if place == 1:
                return BadRequest("no")
            return json.dumps({"scene": f"Room {place}.", "prompt": "A room.", "alt": "A room."})
        if "evidence_absent" in asked and "Room 0." in request.messages[1].text:
            return json.dumps({name: score(name, 3 if name == "evidence_absent" else 5) for name in asked})
        return answer_request(request)

    return script


def scenes(home: Path) -> list[str]:
    return [
        record.scene.split(".")[0] + "."
        for stage, records in histories(home).values()
        if stage == Stage.REVIEWED
        for record in records[:1]
        if isinstance(record, Scenario)
    ]


def test_twins_and_mining_stand_behind_the_queue_with_drop_out_reasons_and_calls(tmp_path: Path) -> None:
    before = run(tmp_path)
    assert before.approved == 0 and [(s.name, s.items, s.dropped, s.calls) for s in before.after] == [
        ("twins", 0, 0, 0), ("mining", 0, 0, 0)
    ]  # fmt: skip
    approve(tmp_path, 3)
    report = run(tmp_path, spoil(scenes(tmp_path)[:2]))
    assert report.approved == 3
    twins, mining = report.after
    assert (twins.items, twins.dropped, mining.items, mining.dropped) == (1, 1, 3, 0)
    assert ("twins", "twin_evidence_absent", 1) in report.reasons and ("twins", "bad_request", 1) in report.errors
    assert twins.calls >= 2 * (1 + 2 * 2) and mining.calls == 3 and twins.cost == mining.cost == "unknown"
    assert sum(step.dropped for step in report.funnel) == sum(step.dropped for step in before.funnel)
    told = json.loads((tmp_path / "runs/trial/report.json").read_text())
    assert told["approved"] == 3 and [step["name"] for step in told["after"]] == ["twins", "mining"]
    page = (tmp_path / "runs/trial/report.md").read_text()
    assert "## After the review queue" in page and "| approved by people | 3 |" in page
    assert f"| twins | 1 | 1 | {twins.calls} | unknown |" in page
    again = run(tmp_path)  # the failed call is tried again, and nothing else is asked
    assert (again.after[0].items, again.after[1]) == (2, mining)


def test_what_the_stages_behind_the_queue_cost_is_told_from_what_the_others_did(tmp_path: Path) -> None:
    run(tmp_path)
    approve(tmp_path, 2)
    run(tmp_path)
    sums = {"twins": Totals(), "mining": Totals()}
    lines = list(read_lines(tmp_path / "runs/trial/ledger.jsonl"))
    for line in lines:
        add_after(sums, line)
    assert sums["mining"].calls == sum(line["role"] == "target" for line in lines) == 2
    # A twin is described once, drawn twice and looked at twice; the same roles worked before the queue too.
    assert sums["twins"].calls == 2 * (1 + 2 + 2) < sum(line["role"] in ("rewriter", "image") for line in lines)


@pytest.mark.parametrize(
    ("twin", "targets", "names"), [(False, [], []), (True, [], ["twins"]), (False, ["target"], ["mining"])]
)
def test_only_the_stages_that_a_run_has_are_shown(
    tmp_path: Path, twin: bool, targets: list[str], names: list[str]
) -> None:
    config = make_config(quotas={"dependants": 1}, twin=twin, mining={"targets": targets})
    given = {"near": ScriptedChatEndpoint(answer_request, name="near", model="m")}
    report = run_once(tmp_path, given=given, config=config)[1]
    assert [step.name for step in report.after] == names
    assert ("After the review queue" in (tmp_path / "runs/trial/report.html").read_text()) is bool(names)
