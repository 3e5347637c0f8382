"""Validation of pictures by a vision model, and by the text that is written in them.

The picture must be usable, show the scene, and hold sufficient and unambiguous evidence of the hazard. A caption that
names a hazard entity gives the hazard away like a query would.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from endpoints.chat import ChatEndpoint
from endpoints.messages import ChatRequest, ImagePart
from endpoints.prompting import list_lines, render
from endpoints.structured import complete_json
from pipeline.leakage import detect_leak
from pipeline.ocr import TextReader
from pipeline.prompting import load_prompt
from pipeline.replies import Reply, Scored
from pipeline.stage_configs import ValidationConfig
from storage.images import CleanImage
from storage.records import FilterVerdict, Provenance, Scenario
from storage.texts import hash_json

PROMPT = "judge_picture"
PICTURE_TEXT = "picture_text"
DUPLICATE_PICTURE = "duplicate_picture"


class PictureScores(Reply):
    """Scores of a picture for its scenario."""

    image_quality: Scored
    semantic_alignment: Scored
    evidence_sufficient: Scored
    evidence_unambiguous: Scored


PICTURE_CRITERIA = tuple(PictureScores.model_fields)


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """What is said of one picture."""

    verdicts: tuple[FilterVerdict, ...]
    """One for each criterion, one for the text in the picture where it was read, and one for whether another scenario
    has the same picture where that was compared."""

    @property
    def passed(self) -> bool:
        """Whether every verdict passes."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def shows_it(self) -> bool:
        """Whether every verdict passes but that another scenario has the same picture."""
        return all(verdict.passed or verdict.filter_name == DUPLICATE_PICTURE for verdict in self.verdicts)

    @property
    def points(self) -> float:
        """Sum of the scores of the criteria; higher is better."""
        return sum(verdict.score or 0.0 for verdict in self.verdicts if verdict.filter_name in PICTURE_CRITERIA)

    @property
    def deciding(self) -> FilterVerdict:
        """The first verdict that fails, else the last."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), self.verdicts[-1])


async def validate_picture(
    scenario: Scenario,
    picture: CleanImage,
    *,
    validator: ChatEndpoint,
    config: ValidationConfig,
    now: datetime,
    read_image: TextReader | None = None,
    about: str = "",
) -> PictureCheck:
    """Judge one picture.

    Args:
        scenario: what the picture belongs to.
        picture: as it would be stored.
        validator: a model that sees pictures.
        config: thresholds.
        now: the time for every provenance.
        read_image: reads writing in the picture; None leaves that check out, and no verdict claims it.
        about: which picture it is, put before each reason.

    Raises:
        EndpointError: the validator gave nothing to go by.
    """
    prompt = load_prompt(PROMPT)
    foreign = {
        "scene": scenario.scene,
        "hazard_entities": list_lines(scenario.hazard_entities),
        "hidden_hazard": scenario.hidden_hazard,
    }
    request = ChatRequest(
        messages=render(prompt, {}, foreign, images=[ImagePart(picture.data, picture.mime)]),
        max_tokens=config.max_tokens,
        temperature=config.temperature,
    )
    scores, replies = await complete_json(validator, request, PictureScores)
    model = replies[-1].model or validator.model
    made_by = Provenance(
        actor=model,
        tool="pipeline.validation",
        model=model,
        prompt_sha256=prompt.sha256,
        config_sha256=hash_json(config.model_dump(mode="json")),
        created_at=now,
    )
    verdicts = [
        _make_verdict(scenario, name, getattr(scores, name), threshold=getattr(config, name), about=about, by=made_by)
        for name in PICTURE_CRITERIA
    ]
    if read_image is not None:
        verdicts.append(
            await check_text(scenario, picture, read_image=read_image, about=about, parent_id=scenario.id, now=now)
        )
    return PictureCheck(tuple(verdicts))


def _make_verdict(
    scenario: Scenario, name: str, scored: Scored, *, threshold: int, about: str, by: Provenance
) -> FilterVerdict:
    return FilterVerdict(
        filter_name=name,
        passed=scored.score >= threshold,
        score=scored.score,
        threshold=threshold,
        reason=about + scored.reason,
        parent_id=scenario.id,
        provenance=by,
    )


async def check_text(
    scenario: Scenario,
    picture: CleanImage,
    *,
    read_image: TextReader,
    about: str,
    parent_id: str,
    now: datetime,
    name: str = PICTURE_TEXT,
) -> FilterVerdict:
    """Return the verdict, called `name`, whether writing in the picture names what makes the scenario's hazard."""
    found = await asyncio.to_thread(
        detect_leak,
        query="",
        hazard_entities=scenario.hazard_entities,
        image=picture.data,
        read_image=read_image,
    )
    written = [finding for finding in found.findings if finding.detector == "image_text"]
    evidence = " | ".join(finding.evidence for finding in written)
    return FilterVerdict(
        filter_name=name,
        passed=not written,
        reason=about + (evidence or "no writing in the picture names the hazard"),
        parent_id=parent_id,
        provenance=Provenance(actor="pipeline.leakage", tool="pipeline.validation", created_at=now),
    )
