"""Refinement: hazard type, four ways of finding leaks, rewrites that are judged again, outages that decide nothing."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from scripted_models import CLEAN, answer_request, make_scenario_with, score

from endpoints.embeddings import HashEmbeddings
from endpoints.errors import BudgetSpent, Refused, TimedOut
from endpoints.messages import ChatRequest
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.config import PipelineConfig
from pipeline.leak_check import LeakCheck, WayChecked, check_leaks
from pipeline.ocr import TextBox
from pipeline.prompting import load_prompt
from pipeline.refinement import RefinementOutcome, Refiners, refine_scenario
from pipeline.stage_configs import RefinementConfig
from storage.records import Scenario

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Script = Callable[[ChatRequest], Answer]


def asks(request: ChatRequest) -> set[str]:
    assert request.json_schema is not None
    return set(request.json_schema["properties"])


def make_config(**changes: Any) -> PipelineConfig:
    return PipelineConfig(**({"batch": "tests", "seed": 5, "count": 1} | changes))


def refine(
    trait: str, *, script: Script = answer_request, probe: bool = True, **config: Any
) -> tuple[RefinementOutcome, ScriptedChatEndpoint]:
    model = ScriptedChatEndpoint(script, model="editor-1")
    refiners = Refiners(critic=model, rewriter=model, probe=model if probe else None)
    scenario = make_scenario_with(trait)
    return asyncio.run(refine_scenario(scenario, refiners=refiners, config=make_config(**config), now=NOW)), model


def test_a_clean_query_passes_with_its_type_the_evidence_of_every_way_and_a_malicious_variant() -> None:
    outcome, _ = refine("fine")
    scenario = make_scenario_with("fine")
    assert (outcome.passed, outcome.errors, outcome.scenario) == (True, (), scenario)
    (record,) = outcome.records
    assert (record.round, record.hazard_type, record.leak_found, record.strategy) == (0, "latent_scene", False, "none")
    assert (record.query_before, record.query_after, record.parent_id) == (scenario.query, scenario.query, scenario.id)
    assert record.malicious_variant.startswith("I want somebody to get hurt")
    lines = record.evidence.splitlines()
    assert lines[1].startswith("words: nothing found")
    assert lines[2] == "picture text: not tried; no picture was given"
    assert lines[3] == "embedding: not tried; no embedding endpoint"
    assert lines[4].startswith("text-only probe: nothing found; editor-1 sees no danger")
    assert record.provenance.prompt_sha256 == load_prompt("classify_hazard").sha256


def test_an_undeclared_premise_is_dropped_with_its_reason_and_nothing_else_is_asked() -> None:
    outcome, model = refine("premise")
    assert outcome.passed is False
    (record,) = outcome.records
    assert (record.hazard_type, record.leak_found) == ("undeclared_premise", None)
    assert "dropped" in record.evidence and "a bad intent" in record.evidence
    assert len(model.requests) == 1


def test_a_leak_is_rewritten_to_be_generic_judged_again_and_kept_apart_from_the_first_query() -> None:
    outcome, model = refine("leaky")
    before = make_scenario_with("leaky")
    assert outcome.passed is True and outcome.scenario is not None
    first, second = outcome.records
    assert (first.leak_found, first.strategy, first.malicious_variant) == (True, "none", "")
    assert "words: leak" in first.evidence and "text-only probe: leak; editor-1 names the hazard" in first.evidence
    assert "'ladder'" in first.evidence
    assert (second.round, second.leak_found, second.strategy) == (1, False, "generic")
    assert (second.query_before, second.query_after) == (before.query, CLEAN.format(n=7))
    assert second.parent_id == first.id and second.malicious_variant
    assert second.provenance.prompt_sha256 == load_prompt("rewrite_query").sha256
    after = outcome.scenario
    assert (after.query, after.parent_id, after.scene) == (CLEAN.format(n=7), before.id, before.scene)
    assert {verdict.filter_name for verdict in outcome.verdicts} >= {"query_benignness", "risk_clarity", "severity"}
    assert {verdict.parent_id for verdict in outcome.verdicts} == {after.id}
    rewriting = next(request for request in model.requests if asks(request) == {"reason", "query"})
    assert "more generic" in rewriting.messages[1].text and "names" in rewriting.messages[1].text


def test_a_composed_rewrite_is_made_more_covert() -> None:
    outcome, _ = refine("stiff")
    assert outcome.passed is True
    assert [record.strategy for record in outcome.records] == ["none", "generic", "covert"]
    assert "linguistic_naturalness 1, needed 4" in outcome.records[1].evidence


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_query_that_leaks_to_the_end_is_dropped_after_k_rounds(rounds: int) -> None:
    outcome, model = refine("stubborn", refinement_rounds=rounds)
    assert outcome.passed is False
    assert [record.round for record in outcome.records] == list(range(rounds + 1))
    assert outcome.records[-1].leak_found is True
    assert outcome.records[-1].evidence.startswith("dropped")
    assert sum(asks(request) == {"reason", "query"} for request in model.requests) == rounds
    assert not any(record.malicious_variant for record in outcome.records)
    assert not any(asks(request) == {"query"} for request in model.requests)


@pytest.mark.parametrize("spoiled", ["query_benignness", "risk_clarity"])
def test_a_rewrite_that_is_not_benign_or_lost_the_hazard_does_not_pass(spoiled: str) -> None:
    def spoil(request: ChatRequest) -> str:
        if spoiled in asks(request):
            return json.dumps({name: score(name, 1 if name == spoiled else 5) for name in asks(request)})
        return answer_request(request)

    outcome, _ = refine("leaky", script=spoil)
    assert outcome.passed is False
    assert outcome.records[-1].leak_found is False
    assert f"{spoiled} 1, needed 4" in outcome.records[-1].evidence


def test_the_probe_and_the_malicious_variant_can_be_left_out() -> None:
    outcome, model = refine("fine", refinement=RefinementConfig(text_only_probe=False, malicious_variant=False))
    assert outcome.passed is True and outcome.records[0].malicious_variant == ""
    assert "text-only probe: not tried" in outcome.records[0].evidence
    assert [asks(request) for request in model.requests] == [{"reason", "premise", "hazard_type"}]


def test_a_refusal_to_write_the_malicious_variant_holds_nothing_up() -> None:
    outcome, _ = refine("fine", script=lambda r: Refused("no") if asks(r) == {"query"} else answer_request(r))
    assert (outcome.passed, outcome.records[0].malicious_variant) == (True, "")
    assert [note.kind for note in outcome.notes] == ["refused"]


@pytest.mark.parametrize("fields", [
    {"hazard_type"}, {"sees_danger"}, {"same_hazard"}, {"reason", "query"}, {"query_benignness"}, {"risk_clarity"},
    {"query"},
], ids=lambda fields: next(iter(sorted(fields))))  # fmt: skip
@pytest.mark.parametrize("failure", [TimedOut("slow"), BudgetSpent("spent"), "no json"], ids=["slow", "spent", "text"])
def test_a_call_that_fails_decides_nothing(fields: set[str], failure: Any) -> None:
    exact = fields in ({"query"}, {"reason", "query"})

    def fail(request: ChatRequest) -> Answer:
        hit = asks(request) == fields if exact else fields <= asks(request)
        return failure if hit else answer_request(request)

    outcome, _ = refine("leaky", script=fail)
    assert (outcome.passed, outcome.records, outcome.scenario) == (None, (), None)
    assert outcome.errors and all(error.message for error in outcome.errors)
    assert outcome.errors[0].stops_run is isinstance(failure, BudgetSpent)


def test_the_probe_sees_the_query_and_nothing_else() -> None:
    _, model = refine("leaky")
    probes = [request for request in model.requests if "sees_danger" in asks(request)]
    assert len(probes) == 2  # the first query and the rewrite
    for request in probes:
        shown = repr(request)
        assert "window" not in shown and "slips" not in shown and "trait=" not in shown
        assert len(request.messages[1].parts) == 1


def check(scenario: Scenario, **options: Any) -> LeakCheck:
    critic = ScriptedChatEndpoint(answer_request)
    values: dict[str, Any] = {"image": None, "probe": None, "critic": critic, "config": RefinementConfig()}
    return asyncio.run(check_leaks(scenario, **(values | options)))


def way(found: LeakCheck, name: str) -> WayChecked:
    return next(way for way in found.ways if way.way == name)


def read_ladder(_: bytes) -> tuple[TextBox, ...]:
    return (TextBox("LOOSE LADDER", 0.99, ((0, 0), (9, 0), (9, 9), (0, 9))),)


def test_writing_in_the_picture_is_a_way_of_its_own_that_no_rewrite_mends() -> None:
    scenario = make_scenario_with("fine")
    found = check(scenario, image=b"a picture", read_image=read_ladder)
    assert (found.picture_leaks, found.query_leaks) == (True, False)
    assert "LADDER" in way(found, "picture text").evidence
    assert way(check(scenario, image=b"a picture"), "picture text").leaks is None
    assert way(check(scenario, image=b"a picture", read_image=lambda _: ()), "picture text").leaks is False
    model = ScriptedChatEndpoint(answer_request)
    refiners = Refiners(critic=model, rewriter=model, read_image=read_ladder)
    outcome = asyncio.run(refine_scenario(scenario, refiners=refiners, config=make_config(), image=b"x", now=NOW))
    assert outcome.passed is False and "writing in the picture" in outcome.records[-1].evidence


def test_embeddings_are_a_way_of_their_own() -> None:
    embeddings = HashEmbeddings()
    assert way(check(make_scenario_with("leaky"), embeddings=embeddings), "embedding").leaks is True
    assert way(check(make_scenario_with("fine"), embeddings=embeddings), "embedding").leaks is False


def test_a_guess_of_another_danger_is_no_leak() -> None:
    def other(request: ChatRequest) -> str:
        if "same_hazard" in asks(request):
            return json.dumps({"reason": "Another.", "same_hazard": False})
        return answer_request(request)

    found = check(make_scenario_with("leaky"), probe=ScriptedChatEndpoint(other), critic=ScriptedChatEndpoint(other))
    assert way(found, "text-only probe").leaks is False
    assert "another danger" in way(found, "text-only probe").evidence


def test_the_same_replies_give_the_same_records() -> None:
    first, second = refine("stiff")[0], refine("stiff")[0]
    assert [record.to_json() for record in first.records] == [record.to_json() for record in second.records]
