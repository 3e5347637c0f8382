"""Decontamination: no scenario of a run asks what a public benchmark asks, nor shows what one shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_pipeline import histories, make_config, run_once
from scripted_models import answer_request

from endpoints.embeddings import HashEmbeddings
from endpoints.scripted import ScriptedChatEndpoint
from pipeline.benchmark_gate import BENCHMARK_QUERY, BenchmarkGate, BenchmarkRow
from pipeline.dedup import DuplicateIndex
from pipeline.run_events import read_events
from storage.records import FilterVerdict, Grounding, Record, Refinement, Scenario
from storage.stages import Stage
from storage.texts import utc_now

STRICT = {"benchmark_threshold": 0.9999}
"""Only the very words: the queries of the scripted model differ in one number."""


def run(home: Path, rows: tuple[BenchmarkRow, ...] = (), **changes: Any) -> dict[str, tuple[str, list[Record]]]:
    home.mkdir(exist_ok=True)
    config = make_config(**(STRICT | changes))
    run_once(
        home, given={"near": ScriptedChatEndpoint(answer_request, name="near", model="m")}, config=config,
        benchmarks=rows,
    )  # fmt: skip
    return histories(home)


def last_query(records: list[Record]) -> str:
    return [record for record in records if isinstance(record, Scenario)][-1].query


def find_refined(found: dict[str, tuple[str, list[Record]]], *, trait: str) -> str:
    """Return an item that came before the reviewers and whose scene says this trait."""
    return next(
        item_id
        for item_id, (stage, records) in found.items()
        if stage == Stage.REFINED and isinstance(records[0], Scenario) and f"trait={trait}." in records[0].scene
    )


def test_a_scenario_that_asks_what_a_benchmark_asks_is_dropped_and_the_drop_names_the_row(tmp_path: Path) -> None:
    found = run(tmp_path / "free", grounding={})
    clean, leaky = (find_refined(found, trait=trait) for trait in ("fine", "leaky"))
    rows = (
        BenchmarkRow("siuo", "gen/1", ""),
        BenchmarkRow("siuo", "gen/2", f" {last_query(found[clean][1])}\n"),
        BenchmarkRow("siuo", "gen/3", last_query(found[clean][1])),
        BenchmarkRow("vlsbench", "7", last_query(found[leaky][1])),
    )
    again = run(tmp_path / "barred", rows, grounding={})
    assert {i for i in found if found[i][0] != again[i][0]} == {clean, leaky}
    told = {
        i: [r for r in again[i][1] if isinstance(r, FilterVerdict) and r.filter_name == BENCHMARK_QUERY] for i in again
    }
    assert {i for i, verdicts in told.items() if verdicts} == {clean, leaky}
    (dropped,), (rewritten,) = told[clean], told[leaky]
    assert "benchmark siuo, row gen/2 asks" in dropped.reason and dropped.score == pytest.approx(1)
    assert "benchmark vlsbench, row 7 asks" in rewritten.reason and rewritten.threshold == STRICT["benchmark_threshold"]
    assert again[clean][0] == again[leaky][0] == Stage.REJECTED
    assert any(isinstance(record, Refinement) for record in again[leaky][1])  # it was the rewrite that repeated a row
    events = read_events(tmp_path / "barred/runs/trial/events.jsonl")
    assert {(e["stage"], e["item"]) for e in events if e["kind"] == BENCHMARK_QUERY} == {
        ("dedup", clean), ("refinement", leaky)
    }  # fmt: skip
    report = (tmp_path / "barred/runs/trial/report.md").read_text()
    assert "| not a duplicate | repeats a benchmark | 1 |" in report
    assert "| refined, before reviewers | repeats a benchmark | 1 |" in report
    assert run(tmp_path / "barred", rows, grounding={}) == again  # a resume changes nothing


def test_a_benchmark_that_was_imported_meanwhile_stops_what_is_not_before_people_yet(tmp_path: Path) -> None:
    runners: list[Any] = []

    def stop(state: Any) -> None:
        if state.counts["dedup", "passed"] >= 2:
            runners[0].stop("asked to")

    config = make_config(grounding={}, **STRICT)
    model = {"near": ScriptedChatEndpoint(answer_request, name="near", model="m")}
    run_once(tmp_path, given=model, config=config, prepare=runners.append, observer=stop)
    waiting = [(i, r) for i, (stage, r) in histories(tmp_path).items() if stage in (Stage.FILTERED, Stage.GROUNDED)]
    rows = tuple(BenchmarkRow("siuo", i, last_query(records)) for i, records in waiting)
    assert rows
    found = run(tmp_path, rows, grounding={})
    assert {found[row.row][0] for row in rows} == {Stage.REJECTED}


def test_a_benchmarks_picture_is_not_taken_and_the_drop_names_the_row(tmp_path: Path) -> None:
    one = {"pictures": "synthetic", "licence": "CC0-1.0", "candidates": 1}
    few = {"quotas": {"dependants": 5}}
    found = run(tmp_path / "free", grounding=one, **few)
    item_id, image = next((i, r.image) for i, (_, all_) in found.items() for r in all_ if isinstance(r, Grounding))
    assert image is not None
    rows = (BenchmarkRow("siuo", "gen/9", "", (("cd" * 32, image.phash),)),)
    stage, records = run(tmp_path / "barred", rows, grounding=one, **few)[item_id]
    (failed,) = [record for record in records if isinstance(record, FilterVerdict) and not record.passed]
    assert stage == Stage.REJECTED and f"{'cd' * 32} of benchmark siuo, row gen/9: 0 of 64" in failed.reason


class Counting(HashEmbeddings):
    texts = 0

    def embed(self, texts: Any) -> Any:
        self.texts += len(texts)
        return super().embed(texts)


def test_the_queries_of_a_benchmark_are_embedded_once_and_a_deleted_one_no_longer_counts(tmp_path: Path) -> None:
    def ask(embeddings: Counting, *rows: BenchmarkRow) -> str:
        gate = BenchmarkGate(rows, embeddings=embeddings, threshold=0.9, folder=tmp_path, now=utc_now())
        (verdict,) = gate.judge([("How do I stack these?", "ab" * 32)])
        return verdict.reason if verdict else ""

    first = BenchmarkRow("siuo", "1", "How do I stack these?"), BenchmarkRow("siuo", "2", "Which wine goes with it?")
    embeddings = Counting()
    assert "siuo, row 1" in ask(embeddings, *first) and embeddings.texts == 3
    assert "siuo, row 1" in ask(embeddings, *first) and embeddings.texts == 4  # only what is asked about
    assert ask(embeddings, first[1]) == ""
    assert "mis, row 5" in ask(embeddings, BenchmarkRow("mis", "5", "How do I stack these?"))


def test_the_nearest_is_that_of_all_and_nothing_is_added() -> None:
    rng = np.random.default_rng(4)
    rows, asked = rng.standard_normal((9_000, 16)), rng.standard_normal((40, 16))
    index = DuplicateIndex(dim=16, space="tests", threshold=0.8)
    index.put([f"r{n}" for n in range(len(rows))], rows)
    cosines = (asked / np.linalg.norm(asked, axis=1, keepdims=True)) @ (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
    ).T
    best = cosines.argmax(axis=1)
    found = index.find_nearest(asked, among={f"r{n}" for n in range(len(rows))})
    assert any(found) and not all(found)
    for place, near in enumerate(found):
        if cosines[place, best[place]] < 0.8:
            assert near is None
        else:
            assert near is not None and near[0] == f"r{best[place]}" and near[1] == pytest.approx(cosines[place].max())
    assert len(index) == len(rows)
