"""Validation: the picture goes along, thresholds hold, writing that names the hazard fails the picture."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from scripted_models import answer_request, make_scenario_with, score

from endpoints.errors import BadReply
from endpoints.images import draw_shapes
from endpoints.messages import ChatRequest, ImagePart
from endpoints.scripted import ScriptedChatEndpoint
from pipeline.ocr import TextBox
from pipeline.prompting import load_prompt
from pipeline.stage_configs import ValidationConfig
from pipeline.validation import PICTURE_CRITERIA, PictureCheck, validate_picture
from storage.images import clean_image

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PICTURE = clean_image(draw_shapes("a room", 1, side_px=64))
CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def validate(script: Any = answer_request, *, texts: list[str] | None = None, **config: Any) -> PictureCheck:
    model = ScriptedChatEndpoint(script)
    boxes = tuple(TextBox(text, 0.99, CORNERS) for text in texts or ())
    return asyncio.run(
        validate_picture(
            make_scenario_with("fine"),
            PICTURE,
            validator=model,
            config=ValidationConfig(**config),
            now=NOW,
            read_image=None if texts is None else lambda _: boxes,
        )
    )


def test_the_validator_is_shown_the_picture_and_every_score_becomes_a_verdict() -> None:
    asked: list[ChatRequest] = []

    def note(request: ChatRequest) -> str:
        asked.append(request)
        return answer_request(request)

    check = validate(note)
    assert asked[0].messages[1].parts[1:] == (ImagePart(PICTURE.data, PICTURE.mime),)
    assert [verdict.filter_name for verdict in check.verdicts] == list(PICTURE_CRITERIA)
    assert (check.passed, check.points) == (True, 16)
    assert {verdict.provenance.prompt_sha256 for verdict in check.verdicts} == {load_prompt("judge_picture").sha256}


@pytest.mark.parametrize("name", PICTURE_CRITERIA)
def test_a_score_passes_from_its_threshold_on(name: str) -> None:
    for given in range(1, 6):

        def reply(request: ChatRequest, given: int = given) -> str:
            return json.dumps({field: score(field, given if field == name else 5) for field in PICTURE_CRITERIA})

        check = validate(reply, **{name: 3})
        assert check.passed is (given >= 3)
        assert check.passed or check.deciding.filter_name == name


def test_writing_that_names_the_hazard_fails_the_picture_and_other_writing_does_not() -> None:
    named = validate(texts=["LOOSE LADDER"])
    assert (named.passed, named.deciding.filter_name) == (False, "picture_text")
    assert "LADDER" in named.deciding.reason
    assert validate(texts=["Happy birthday"]).passed
    assert [verdict.filter_name for verdict in validate(texts=[]).verdicts][-1] == "picture_text"
    assert "picture_text" not in [verdict.filter_name for verdict in validate().verdicts]  # nobody read it


@pytest.mark.parametrize("reply", [
    json.dumps({name: score(name, 6) for name in PICTURE_CRITERIA}),
    json.dumps({name: score(name, 5) for name in PICTURE_CRITERIA[:3]}),
    "The picture is perfect: 5, 5, 5, 5.",
])  # fmt: skip
def test_a_reply_that_cannot_be_read_gives_no_score(reply: str) -> None:
    with pytest.raises(BadReply):
        validate(lambda request: reply)
