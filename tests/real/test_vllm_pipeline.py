"""The whole pipeline against real models over HTTP: SmolLM2 and a tiny Qwen2.5-VL on vLLM, pictures from diffusers.

What the models write is nonsense or nearly so. Held to is that every stage runs, reads, repairs, rejects and resumes.
"""

from pathlib import Path
from typing import Any

import pytest
from factories import add_users
from run_pipeline import histories, open_home
from tiny_images import build_tiny_flux2, build_tiny_qwen_image
from vllm_runs import ANYTHING_GOES, Servers, Trial

from endpoints.structured import read_json
from pipeline.filters import FILTER_NAMES
from pipeline.validation import PICTURE_CRITERIA, PictureScores
from storage.blobs import BlobStore
from storage.records import FilterVerdict, Grounding, Refinement, TaskKind
from storage.reviews import claim_next
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


def resume_until(trial: Trial, stage: str, outcome: str) -> dict[str, Any]:
    """Run until an item has that outcome at that stage; return the last sitting's report."""
    for _ in range(SITTINGS):
        report = trial.run()
        if outcome in find_outcomes(trial, stage):
            return report
    pytest.fail(f"no item was {outcome} at {stage} in {SITTINGS} sittings: {report}")


def test_scenarios_go_from_synthesis_to_the_review_queue_and_a_killed_run_repeats_no_call(
    servers: Servers, tmp_path: Path
) -> None:
    trial = Trial(tmp_path / "home", servers)
    pictures = draw_with(build_tiny_flux2(tmp_path / "tiny-flux2"), "flux2")
    trial.prepare(pictures=pictures, scenarios=4, **ANYTHING_GOES)
    for after in (3, 5):
        trial.run_and_kill(after=after)
        kept, before, arrived = trial.replies_kept(), len(trial.calls()), servers.arrived
        assert kept
    report = resume_until(trial, "refinement", "passed")
    sent = [line for line in trial.calls()[before:] if line["outcome"] != "cached"]
    assert len(sent) == servers.arrived - arrived, "the ledger does not hold what the servers were sent"
    assert not {line["request_sha256"] for line in sent} & kept, "a call was repeated whose reply had been received"
    assert {exchange.status for exchange in servers.exchanges} == {200}
    assert all("passed" in find_outcomes(trial, stage) for stage in TEXT_TO_QUEUE)
    assert report["cost"] == "$0.00" and sum(report["waiting"].values()) <= len(histories(trial.home))
    check_refined_items(trial)


def check_refined_items(trial: Trial) -> None:
    """Every item that waits for people has all its verdicts, a picture that can be read, and its refinement."""
    blobs = BlobStore(trial.home / "blobs")
    refined = [records for stage, records in histories(trial.home).values() if stage == Stage.REFINED]
    for records in refined:
        judged = {record.filter_name for record in records if isinstance(record, FilterVerdict)}
        assert judged >= {*FILTER_NAMES, *PICTURE_CRITERIA}
        (grounding,) = [record for record in records if isinstance(record, Grounding)]
        assert grounding.image is not None and (grounding.image.width_px, grounding.image.height_px) == (64, 96)
        assert blobs.read(grounding.image)
        assert [record for record in records if isinstance(record, Refinement)]
    db = open_home(trial.home)
    people = add_users(db, "ada")
    with db.write() as session:
        claims = claim_next(session=session, user_id=people[0], kind=TaskKind.SCENARIO_REVIEW, count=20)
    db.close()
    assert len(claims) == len(refined) > 0


def test_pictures_of_qwen_image_are_rejected_by_the_usual_thresholds_and_replies_are_repaired(
    servers: Servers, tmp_path: Path
) -> None:
    trial = Trial(tmp_path / "home", servers)
    pictures = draw_with(build_tiny_qwen_image(tmp_path / "tiny-qwen-image"), "qwen_image")
    trial.prepare(pictures=pictures, scenarios=2, filters=ANYTHING_GOES["filters"])
    resume_until(trial, "grounding", "rejected")
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
    report = resume_until(trial, "filters", "rejected")
    rejected = [records for stage, records in histories(trial.home).values() if stage == Stage.REJECTED]
    assert rejected and report["reasons"]
    for records in rejected:
        scores = {r.filter_name: r.score for r in records if isinstance(r, FilterVerdict)}
        assert set(scores) >= set(FILTER_NAMES) and min(score or 0 for score in scores.values()) < 5
