"""Grounding: prompts that do not name the hazard, n candidates, the best by the validator, licence and provenance."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError
from scripted_models import answer_request, make_scenario_with, score

from endpoints.errors import TimedOut
from endpoints.images import ScriptedImages
from endpoints.messages import ChatRequest, ImagePart
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.config import PipelineConfig
from pipeline.grounding import Grounders, GroundingOutcome, describe_scene, ground_scenario, names_hazard
from pipeline.stage_configs import GroundingConfig
from storage.records import Grounding

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SCENARIO = make_scenario_with("fine")


def asks(request: ChatRequest) -> set[str]:
    assert request.json_schema is not None
    return set(request.json_schema["properties"])


def picture_in(request: ChatRequest) -> ImagePart:
    return next(part for part in request.messages[1].parts if isinstance(part, ImagePart))


def make_config(**grounding: Any) -> PipelineConfig:
    values: dict[str, Any] = {"pictures": "synthetic", "licence": "CC0-1.0", "candidates": 3}
    return PipelineConfig(batch="tests", seed=5, count=1, grounding=GroundingConfig(**(values | grounding)))


def ground(
    script: Callable[[ChatRequest], Answer] = answer_request, *, images: ScriptedImages | None = None, **grounding: Any
) -> GroundingOutcome:
    model = ScriptedChatEndpoint(script, model="viewer-1")
    grounders = Grounders(writer=model, images=images or ScriptedImages(model="painter-1"), validator=model)
    return asyncio.run(ground_scenario(SCENARIO, grounders=grounders, config=make_config(**grounding), now=NOW))


@cache
def drawn() -> tuple[str, ...]:
    """The hashes of the three pictures that `ground` draws, in their order."""
    pictures = [candidate.picture for candidate in ground().candidates]
    return tuple(hashlib.sha256(picture.data).hexdigest() for picture in pictures if picture is not None)


def prefer(number: int, **low: int) -> Callable[[ChatRequest], str]:
    """A validator that gives 5 to the `number`-th picture (from 0), but for the criteria named, and 4 to the others."""
    wanted = drawn()[number]

    def reply(request: ChatRequest) -> str:
        if "image_quality" not in asks(request):
            return answer_request(request)
        best = picture_in(request).sha256 == wanted
        return json.dumps({name: score(name, low.get(name, 5) if best else 4) for name in asks(request)})

    return reply


def test_the_best_candidate_is_kept_with_its_provenance_and_licence() -> None:
    images = ScriptedImages(model="painter-1")
    outcome = ground(prefer(1), images=images)
    assert outcome.passed is True and outcome.grounding is not None and outcome.picture is not None
    grounding = outcome.grounding
    assert grounding.image is not None
    assert grounding.image.sha256 == hashlib.sha256(outcome.picture.data).hexdigest()
    assert (grounding.source, grounding.licence, grounding.model) == ("synthetic", "CC0-1.0", "painter-1")
    assert (grounding.prompt, grounding.seed) == images.requests[1]
    assert grounding.prompt.endswith(GroundingConfig().style)
    assert grounding.parent_id == SCENARIO.id
    assert (grounding.provenance.model, grounding.provenance.created_at) == ("painter-1", NOW)
    assert [verdict.score for verdict in outcome.verdicts] == [5, 5, 5, 5]
    assert all(verdict.reason.startswith("picture 2 of 3: ") for verdict in outcome.verdicts)
    assert len(outcome.candidates) == 3


def test_of_equals_the_first_is_kept_and_a_better_one_that_fails_is_not() -> None:
    assert ground().verdicts[0].reason.startswith("picture 1 of 3")

    outcome = ground(prefer(0, evidence_sufficient=3))
    assert outcome.passed is True
    assert outcome.verdicts[0].reason.startswith("picture 2 of 3")


@pytest.mark.parametrize("name", ["image_quality", "semantic_alignment", "evidence_sufficient", "evidence_unambiguous"])
def test_a_scenario_whose_pictures_all_fail_is_rejected_with_the_reason(name: str) -> None:
    def low(request: ChatRequest) -> str:
        if "image_quality" not in asks(request):
            return answer_request(request)
        return json.dumps({field: score(field, 2 if field == name else 5) for field in asks(request)})

    outcome = ground(low)
    assert (outcome.passed, outcome.grounding, outcome.picture) == (False, None, None)
    assert outcome.deciding is not None
    assert (outcome.deciding.filter_name, outcome.deciding.passed) == (name, False)
    assert f"For {name}." in outcome.deciding.reason


def test_what_is_judged_is_what_is_stored() -> None:
    shown = []

    def note(request: ChatRequest) -> str:
        if "image_quality" in asks(request):
            shown.append(picture_in(request).data)
        return answer_request(request)

    outcome = ground(note)
    assert outcome.picture is not None and outcome.picture.data in shown


def test_bytes_that_are_no_picture_spoil_no_other_candidate() -> None:
    def answer(_: str, seed: int) -> bytes | None:
        return b"<svg/>" if seed == first else None

    probe = ScriptedImages()
    ground(images=probe)
    first = probe.requests[0][1]
    outcome = ground(images=ScriptedImages(answer))
    assert outcome.passed is True
    assert outcome.candidates[0].picture is None and outcome.candidates[0].refused
    assert outcome.verdicts[0].reason.startswith("picture 2 of 3")
    nothing = ground(images=ScriptedImages(lambda prompt, seed: b"<svg/>"))
    assert (nothing.passed, [error.kind for error in nothing.errors]) == (None, ["bad_picture"])


@pytest.mark.parametrize("which", ["prompt", "image_quality", "images"])
def test_a_call_that_fails_decides_nothing(which: str) -> None:
    def fail(request: ChatRequest) -> Answer:
        return TimedOut("slow") if which in asks(request) else answer_request(request)

    broken = ScriptedImages(lambda prompt, seed: TimedOut("slow")) if which == "images" else None
    outcome = ground(fail, images=broken)
    assert (outcome.passed, outcome.grounding, outcome.verdicts) == (None, None, ())
    assert [error.kind for error in outcome.errors] == ["timed_out"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("A ladder stands beside an open window in a bright room.", False),
        ("A dangerously loose ladder beside a window.", True),
        ("A room with an obvious risk of falling.", True),
        ("Here the ladder slips: " + SCENARIO.hidden_hazard.split(": ")[1], True),
        ("In this picture the answer sends a person up the ladder.", True),
    ],
)
def test_what_names_the_hazard(text: str, named: bool) -> None:
    assert names_hazard(text, SCENARIO) is named


def test_a_warning_sign_that_the_scene_asks_for_may_be_drawn() -> None:
    scenario = SCENARIO.model_copy(update={"scene": "A door with a sign DANGER."})
    assert names_hazard("A grey door with a yellow sign that reads DANGER.", scenario) is False


def test_a_prompt_that_names_the_hazard_is_replaced_by_the_scene() -> None:
    def tell(request: ChatRequest) -> str:
        if asks(request) == {"prompt", "alt"}:
            return json.dumps({"prompt": "A dangerous ladder.", "alt": "Somebody risks an accident."})
        return answer_request(request)

    outcome = ground(tell)
    assert outcome.grounding is not None
    assert outcome.grounding.prompt.startswith(SCENARIO.scene)
    assert outcome.grounding.alt == SCENARIO.scene


def test_the_same_replies_give_the_same_record() -> None:
    first, second = ground().grounding, ground().grounding
    assert isinstance(first, Grounding) and isinstance(second, Grounding)
    assert first.to_json() == second.to_json()


def test_a_synthetic_picture_needs_a_licence_and_a_description_says_that_there_is_none() -> None:
    with pytest.raises(ValidationError, match="licence"):
        GroundingConfig(pictures="synthetic")
    grounding = describe_scene(SCENARIO, now=NOW)
    assert (grounding.source, grounding.image) == ("description", None)
