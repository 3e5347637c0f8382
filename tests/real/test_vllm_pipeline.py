"""The whole pipeline against real models over HTTP: SmolLM2 and a tiny Qwen2.5-VL on vLLM, pictures from diffusers.

What the models write is nonsense or nearly so. Held to is that every stage runs, reads, repairs, rejects and resumes.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from approved_items import draw_picture
from narrowing_proxy import NarrowingProxy, narrow_refinement
from run_pipeline import approve, histories
from tiny_images import build_tiny_flux2, build_tiny_qwen_image
from vllm_runs import LOOSE, Servers, Trial

from endpoints.structured import read_json
from pipeline.filters import FILTER_NAMES
from pipeline.validation import PICTURE_CRITERIA, PictureScores
from storage.blobs import BlobStore
from storage.records import FilterVerdict, Grounding, Mining, Refinement, Twin
from storage.stages import Stage

pytestmark = [pytest.mark.vllm, pytest.mark.models, pytest.mark.timeout(1500)]
TEXT_TO_QUEUE = ("synthesis", "filters", "dedup", "grounding", "refinement")
SITTINGS = 5
"""An item that met an error is tried again by a resume; random weights may fail it several times."""


def draw_with(model: Path, pipeline: str) -> dict[str, Any]:
    return {
        "kind": "diffusers", "model": str(model), "pipeline": pipeline, "device": "cpu", "size": "64x96", "steps": 2,
    }  # fmt: skip


def find_outcomes(trial: Trial, stage: str) -> set[str]:
    return {event["outcome"] for event in trial.events() if event["stage"] == stage}


def resume_until(trial: Trial, done: Callable[[], bool]) -> dict[str, Any]:
    """Run until it is done; return the last sitting's report."""
    for _ in range(SITTINGS):
        report = trial.run()
        if done():
            return report
    pytest.fail(f"not done in {SITTINGS} sittings: {report}")


def find_sources(trial: Trial) -> set[str]:
    """Where the pictures of those items come from that wait for people."""
    refined = [records for stage, records in histories(trial.home).values() if stage == Stage.REFINED]
    return {record.source for records in refined for record in records if isinstance(record, Grounding)}


def test_scenarios_go_from_synthesis_to_the_review_queue_and_a_killed_run_repeats_no_call(
    servers: Servers, tmp_path: Path
) -> None:
    with NarrowingProxy(servers.text.target, narrow=narrow_refinement) as text:
        servers = dataclasses.replace(servers, text=text)
        trial = Trial(tmp_path / "home", servers)
        trial.prepare(pictures=draw_with(build_tiny_flux2(tmp_path / "tiny-flux2"), "flux2"), scenarios=4, **LOOSE)
        trial.import_photo(draw_picture(1))
        for after in (3, 5):
            trial.run_and_kill(after=after)
            kept, before, arrived = trial.replies_kept(), len(trial.calls()), servers.arrived
            assert kept
        report = resume_until(trial, lambda: find_sources(trial) == {"photo", "synthetic"})
        sent = [line for line in trial.calls()[before:] if line["outcome"] != "cached"]
        assert len(sent) == servers.arrived - arrived, "the ledger does not hold what the servers were sent"
        assert not {line["request_sha256"] for line in sent} & kept, "a call was repeated whose reply had been received"
        assert {exchange.status for exchange in servers.exchanges} == {200}
        assert all("passed" in find_outcomes(trial, stage) for stage in TEXT_TO_QUEUE)
        assert report["cost"] == "$0.00" and sum(report["waiting"].values()) <= len(histories(trial.home))
        check_refined_items(trial)
        check_twins_and_mining(trial)


def check_refined_items(trial: Trial) -> None:
    """Every item that waits for people has all its verdicts, a picture that can be read, and its refinement."""
    blobs = BlobStore(trial.home / "blobs")
    refined = [records for stage, records in histories(trial.home).values() if stage == Stage.REFINED]
    for records in refined:
        judged = {record.filter_name for record in records if isinstance(record, FilterVerdict)}
        assert judged >= {*FILTER_NAMES, *PICTURE_CRITERIA}
        (grounding,) = [record for record in records if isinstance(record, Grounding)]
        assert grounding.image is not None
        size = (48, 36) if grounding.source == "photo" else (64, 96)
        assert (grounding.image.width_px, grounding.image.height_px) == size and blobs.read(grounding.image)
        assert grounding.author == ("Ada" if grounding.source == "photo" else "")
        assert [record for record in records if isinstance(record, Refinement)]


def check_twins_and_mining(trial: Trial) -> None:
    """What two people approve gets a twin, and a target model that sees the picture is tried on it."""
    refined = {item for item, (stage, _) in histories(trial.home).items() if stage == Stage.REFINED}
    approve(trial.home, 20)
    approved = {item for item, (stage, _) in histories(trial.home).items() if stage == Stage.REVIEWED}
    assert approved == refined
    resume_until(trial, lambda: {"twins", "mining"} <= {e["stage"] for e in trial.events() if e["outcome"] == "passed"})
    of_approved = [record for item in approved for record in histories(trial.home)[item][1]]
    twins = [record for record in of_approved if isinstance(record, Twin)]
    assert twins and all((twin.image.width_px, twin.image.height_px) == (64, 96) for twin in twins)
    mined = [record for record in of_approved if isinstance(record, Mining)]
    assert mined and all(reply.text and reply.model == "tiny-vlm" for one in mined for reply in one.replies)
    asked = [exchange for exchange in trial.servers.seeing.exchanges if "min_tokens" in exchange.asked]
    assert len(asked) >= len(mined) and all(len(exchange.asked["messages"]) == 1 for exchange in asked)


def test_pictures_of_qwen_image_are_rejected_by_the_usual_thresholds_and_replies_are_repaired(
    servers: Servers, tmp_path: Path
) -> None:
    trial = Trial(tmp_path / "home", servers)
    pictures = draw_with(build_tiny_qwen_image(tmp_path / "tiny-qwen-image"), "qwen_image")
    trial.prepare(pictures=pictures, scenarios=2, filters=LOOSE["filters"])
    resume_until(trial, lambda: "rejected" in find_outcomes(trial, "grounding"))
    for stage, records in histories(trial.home).values():
        failed = [r for r in records if isinstance(r, FilterVerdict) and not r.passed]
        assert all(r.score is None or r.score < (r.threshold or 0) for r in failed)
        assert stage != Stage.REFINED or not any(r.filter_name in PICTURE_CRITERIA for r in failed)
    repairs = [exchange for exchange in servers.seeing.exchanges if exchange.repairs]
    assert repairs and all("could not be read" in repair.asked["messages"][-1]["content"] for repair in repairs)
    assert any(read_json(repair.text, PictureScores)[0] is not None for repair in repairs), "no repair came right"


def test_strict_thresholds_reject_what_a_small_model_writes(servers: Servers, tmp_path: Path) -> None:
    trial = Trial(tmp_path / "home", servers)
    strict = dict.fromkeys(FILTER_NAMES, 5)
    trial.prepare(pictures={"kind": "scripted_images"}, scenarios=2, filters=strict)
    report = resume_until(trial, lambda: "rejected" in find_outcomes(trial, "filters"))
    rejected = [records for stage, records in histories(trial.home).values() if stage == Stage.REJECTED]
    assert rejected and report["reasons"]
    for records in rejected:
        scores = {r.filter_name: r.score for r in records if isinstance(r, FilterVerdict)}
        assert set(scores) >= set(FILTER_NAMES) and min(score or 0 for score in scores.values()) < 5
