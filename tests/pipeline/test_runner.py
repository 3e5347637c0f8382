"""The runner: every stage in order, drop-outs with reasons, faults that stay with their item, stops and resumes."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_pipeline import content, histories, make_config, open_home, run_once
from scripted_models import answer_request
from sqlmodel import select

from endpoints.errors import BadConfig, BudgetSpent, TimedOut
from endpoints.ledger import Budget
from endpoints.messages import ChatRequest
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.errors import ConfigInvalid, RunBusy
from pipeline.run_events import read_events
from pipeline.run_folder import open_run_folder
from pipeline.run_report import show_html
from storage.records import FilterVerdict, Grounding, Record, Refinement, Scenario
from storage.stages import Stage
from storage.tables import TaskRow

Script = Callable[[ChatRequest], Answer]


def model(script: Script = answer_request) -> ScriptedChatEndpoint:
    return ScriptedChatEndpoint(script, name="near", model="m")


def run(home: Path, script: Script = answer_request, **options: Any) -> Any:
    return run_once(home, given={"near": model(script)}, **options)


def asks(request: ChatRequest) -> set[str]:
    return set(request.json_schema["properties"]) if request.json_schema else set()


def trait_of(records: list[Record]) -> str:
    scenario = records[0]
    assert isinstance(scenario, Scenario)
    return scenario.scene.split("trait=")[1].rstrip(".")


def test_every_scenario_ends_where_its_trait_belongs(tmp_path: Path) -> None:
    state, report = run(tmp_path)
    assert state.stopped == ""
    found = histories(tmp_path)
    assert len(found) == 16
    twice = []
    for stage, records in found.values():
        trait = trait_of(records)
        if trait in ("premise", "rude", "vague", "stubborn"):
            assert stage == Stage.REJECTED, trait
        elif trait == "twice":
            twice.append(stage)
        else:
            assert stage == Stage.REFINED, trait
    assert Counter(twice)[Stage.REFINED] == 1 and len(twice) > 1  # one of the cluster is kept
    assert len({trait_of(records) for _, records in found.values()}) >= 8
    assert report.funnel[0].items == 16 and report.waiting == {}
    assert report.funnel[-1].items == sum(stage == Stage.REFINED for stage, _ in found.values())


def test_an_item_in_the_queue_has_its_whole_history_and_its_last_query(tmp_path: Path) -> None:
    run(tmp_path)
    found = histories(tmp_path)
    records = next(records for stage, records in found.values() if trait_of(records) == "leaky")
    kinds = [record.kind for record in records]
    assert kinds[0] == "scenario" and kinds.index("grounding") < kinds.index("refinement")
    names = {record.filter_name for record in records if isinstance(record, FilterVerdict)}
    assert {"query_benignness", "severity", "image_quality", "evidence_unambiguous"} <= names
    grounding = next(record for record in records if isinstance(record, Grounding))
    assert (grounding.source, grounding.licence) == ("synthetic", "CC0-1.0")
    rounds = [record for record in records if isinstance(record, Refinement)]
    last = records[-1]
    assert isinstance(last, Scenario)
    assert last.query == rounds[-1].query_after != rounds[0].query_before
    verdicts = [record for record in records if isinstance(record, FilterVerdict) and record.parent_id == last.id]
    assert verdicts  # the rewrite was judged, and the verdicts name the scenario that was stored
    db = open_home(tmp_path)
    with db.read() as session:
        tasks = session.exec(select(TaskRow)).all()
        assert len(tasks) == sum(stage == Stage.REFINED for stage, _ in found.values())
        assert {(task.kind, task.overlap) for task in tasks} == {("scenario_review", 2)}
    db.close()


def test_a_second_sitting_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    before, events = content(tmp_path), (tmp_path / "runs/trial/events.jsonl").read_text()
    again = model()
    run_once(tmp_path, given={"near": again})
    assert again.requests == []
    assert content(tmp_path) == before
    assert (tmp_path / "runs/trial/events.jsonl").read_text() == events


def test_the_same_seed_and_replies_give_the_same_items(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name)
    assert content(tmp_path / "a") == content(tmp_path / "b")


@pytest.mark.parametrize("field", ["risk_clarity", "image_quality", "hazard_type", "prompt"])
def test_an_item_whose_call_fails_keeps_its_stage_and_error_and_a_resume_finishes_it(
    tmp_path: Path, field: str
) -> None:
    def fail_some(request: ChatRequest) -> Answer:
        hit = field in asks(request) and "3" in request.messages[1].text.split("Spot ")[1][:3]
        return TimedOut("too slow") if hit else answer_request(request)

    def no_wait(runner: Any) -> None:
        for endpoint in runner.parts.roles._wrapped.values():
            calls = getattr(endpoint, "_calls", endpoint)
            calls._sleep = quickly

    async def quickly(_: float) -> None:
        return None

    state, report = run(tmp_path, fail_some, prepare=no_wait)
    assert state.stopped == "" and sum(report.waiting.values()) > 0
    stage = {"risk_clarity": "filters", "hazard_type": "refinement"}.get(field, "grounding")
    errors = [event for event in read_events(tmp_path / "runs/trial/events.jsonl") if event["outcome"] == "error"]
    assert errors and {(event["stage"], event["kind"]) for event in errors} == {(stage, "timed_out")}
    assert all(event["item"] and "too slow" in event["message"] for event in errors)
    assert (stage, "timed_out") in {(where, kind) for where, kind, _ in report.errors}
    _, report = run(tmp_path)
    assert report.waiting == {}
    (tmp_path / "clean").mkdir()
    run(tmp_path / "clean")
    ends = [{key: value[0] for key, value in content(home).items()} for home in (tmp_path, tmp_path / "clean")]
    same = sum(ends[0][key] == ends[1][key] for key in ends[0])
    assert ends[0].keys() == ends[1].keys() and same >= len(ends[0]) - 2  # of a cluster another one may be kept


def test_a_spent_budget_stops_the_run_cleanly_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    state, report = run(tmp_path, budget=Budget(tokens=40_000))
    assert state.stopped.startswith("budget_spent")
    assert report.funnel[-1].items < 4
    first = model()
    state, report = run_once(tmp_path, given={"near": first})
    assert state.stopped == "" and report.waiting == {}
    (tmp_path / "whole").mkdir()
    run(tmp_path / "whole")
    assert {k: v[0] for k, v in content(tmp_path).items()} == {k: v[0] for k, v in content(tmp_path / "whole").items()}


def test_a_stop_begins_nothing_new_and_a_resume_goes_on(tmp_path: Path) -> None:
    stops: list[Any] = []

    def prepare(runner: Any) -> None:
        stops.append(runner)

    def observe(state: Any) -> None:
        if state.counts["filters", "passed"] >= 3:
            stops[0].stop("asked to")

    state, report = run(tmp_path, prepare=prepare, observer=observe)
    assert state.stopped == "asked to" and report.stopped == "asked to"
    assert report.funnel[-1].items < 4
    _, report = run(tmp_path)
    assert report.waiting == {} and report.funnel[0].items == 16
    (tmp_path / "whole").mkdir()
    run(tmp_path / "whole")
    assert content(tmp_path) == content(tmp_path / "whole")


def test_without_pictures_the_description_stands_in(tmp_path: Path) -> None:
    critic = model()
    run_once(tmp_path, given={"near": critic}, config=make_config(grounding={"pictures": "none"}))
    sources = {
        record.source
        for _, records in histories(tmp_path).values()
        for record in records
        if isinstance(record, Grounding)
    }
    assert sources == {"description"}
    assert not any(
        "image_quality" in asks(request) or {"prompt", "alt"} == asks(request) for request in critic.requests
    )


def test_duplicates_of_an_earlier_run_are_found(tmp_path: Path) -> None:
    run(tmp_path)
    first = set(histories(tmp_path))
    run(tmp_path, config=make_config(batch="other", seed=4))
    fresh = {key: value for key, value in histories(tmp_path).items() if key not in first}
    assert len(fresh) == 16
    twice = [stage for stage, records in fresh.values() if trait_of(records) == "twice"]
    assert twice and set(twice) == {Stage.REJECTED}


def test_a_machinery_failure_is_an_exception_and_not_an_items_error(tmp_path: Path) -> None:
    def break_it(request: ChatRequest) -> Answer:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        run(tmp_path, break_it)


def test_the_report_shows_funnel_reasons_cost_latency_and_prompts(tmp_path: Path) -> None:
    _, report = run(tmp_path)
    folder = tmp_path / "runs/trial"
    told = json.loads((folder / "report.json").read_text())
    assert told["asked"] == 16 and told["cost"] == "unknown"  # the model has no price
    assert {row["role"] for row in told["spending"]} >= {"generator", "critic", "rewriter", "validator"}
    dropped = sum(step.dropped for step in report.funnel)
    assert dropped == sum(count for *_, count in report.reasons) == 16 - report.funnel[-1].items
    assert {"undeclared premise", "near-duplicate", "risk_clarity", "query_benignness"} <= {
        r for _, r, _ in report.reasons
    }
    assert "probe_query" in told["prompts"] and len(told["prompts"]["probe_query"]) == 64
    html = (folder / "report.html").read_text()
    assert "<svg" in html and "src=" not in html and "<script" not in html
    assert "| near-duplicate |" in (folder / "report.md").read_text()


def test_the_report_shows_no_foreign_markup(tmp_path: Path) -> None:
    _, report = run(tmp_path)
    from dataclasses import replace

    page = show_html(replace(report, stopped="<script>alert(1)</script>"))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_run_folder_is_held_by_one_and_keeps_to_its_config(tmp_path: Path) -> None:
    config = make_config()
    with open_run_folder(tmp_path / "r", config) as folder:
        assert folder.resumed is False
        with pytest.raises(RunBusy), open_run_folder(tmp_path / "r", config):
            pass
    with open_run_folder(tmp_path / "r", config) as again:
        assert (again.resumed, again.started_at) == (True, folder.started_at)
    with pytest.raises(ConfigInvalid, match="another `batch`"), open_run_folder(tmp_path / "r", make_config(seed=9)):
        pass


def test_a_missing_role_is_found_before_the_first_call(tmp_path: Path) -> None:
    import run_pipeline

    raw = run_pipeline.endpoints_file()
    del raw["roles"]["validator"]
    near = model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_pipeline, "endpoints_file", lambda *_, **__: raw)
        with pytest.raises(BadConfig, match="validator"):
            run_once(tmp_path, given={"near": near})
    assert near.requests == []


def test_budget_spent_by_the_provider_stops_the_run(tmp_path: Path) -> None:
    state, _ = run(tmp_path, lambda r: BudgetSpent("no quota") if "risk_clarity" in asks(r) else answer_request(r))
    assert state.stopped == "budget_spent: no quota"
    assert {stage for stage, _ in histories(tmp_path).values()} <= {Stage.SCENARIO}
