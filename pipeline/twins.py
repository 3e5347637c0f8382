"""Twins of approved scenarios: the same query, and a picture in which the hazard is absent.

They measure over-warning: an assistant that warns about the twin as about the original does not look. A twin counts
only when the validator sees that the evidence is gone, and no writing in the picture names the hazard: whoever reads it
is told of what is not there.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.images import picture_seed
from endpoints.messages import ChatRequest, ImagePart
from endpoints.prompting import list_lines, render
from endpoints.seeds import derive_seed
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig
from pipeline.errors import ItemError, describe_failure
from pipeline.grounding import Grounders, refer_to
from pipeline.prompting import load_prompt
from pipeline.replies import Long, Reply, Scored
from pipeline.validation import PICTURE_TEXT, check_text
from storage.errors import ImageRefused
from storage.images import CleanImage, clean_image
from storage.records import FilterVerdict, Provenance, Scenario, Twin
from storage.texts import hash_json

DRAW_PROMPT = "draw_twin"
JUDGE_PROMPT = "judge_twin"
PREFIX = "twin_"


class TwinPrompt(Reply):
    """The twin of a scene: what it shows, what to draw, and what to tell people who cannot see it."""

    scene: Long
    prompt: Long
    alt: Long


class TwinScores(Reply):
    """Scores of a twin's picture."""

    image_quality: Scored
    semantic_alignment: Scored
    evidence_absent: Scored


TWIN_CRITERIA = tuple(TwinScores.model_fields)


@dataclass(frozen=True, slots=True)
class TwinOutcome:
    """What became of one scenario's twin."""

    twin: Twin | None = None
    picture: CleanImage | None = None
    """To be stored together with `twin`."""
    verdicts: tuple[FilterVerdict, ...] = ()
    """Of the picture that was kept, or of the best one when none passes."""
    passed: bool | None = None
    """None when a call failed."""
    errors: tuple[ItemError, ...] = ()

    @property
    def deciding(self) -> FilterVerdict | None:
        """The first verdict that fails."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), None)


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int
    picture: CleanImage
    scores: TwinScores
    model: str
    text: FilterVerdict | None
    """What is said of the writing in it; None where nobody read it."""

    def passes(self, config: PipelineConfig) -> bool:
        return (self.text is None or self.text.passed) and all(
            getattr(self.scores, name).score >= getattr(config.validation, name) for name in TWIN_CRITERIA
        )

    @property
    def points(self) -> int:
        return sum(getattr(self.scores, name).score for name in TWIN_CRITERIA)


async def make_twin(
    scenario: Scenario, *, item_id: str, grounders: Grounders, config: PipelineConfig, now: datetime
) -> TwinOutcome:
    """Draw `grounding.candidates` pictures of the scene without its hazard, and keep the best that passes.

    A call that fails decides nothing.
    """
    try:
        shown = await _write(scenario, writer=grounders.writer, config=config)
        seed = derive_seed(config.seed, "twin", scenario.id)
        prompt = f"{shown.prompt[:1_700].strip()} {config.grounding.style}"[:2_000]
        drawn = await grounders.images.generate(prompt, seed=seed, count=config.grounding.candidates)
        found = await asyncio.gather(
            *(
                _look_at(
                    scenario, shown, data, number=number, of=len(drawn), grounders=grounders, config=config, now=now
                )
                for number, data in enumerate(drawn, 1)
            )
        )
    except EndpointError as exc:
        return TwinOutcome(errors=(describe_failure(exc),))
    candidates = [candidate for candidate in found if candidate is not None]
    if not candidates:
        return TwinOutcome(errors=(ItemError("bad_picture", "no picture that was drawn could be read"),))
    best = max(candidates, key=lambda candidate: (candidate.passes(config), candidate.points, -candidate.number))
    if not best.passes(config):
        return TwinOutcome(
            verdicts=_make_verdicts(best, scenario.id, config=config, of=len(drawn), now=now), passed=False
        )
    assert config.grounding.licence is not None  # the config demands it for twins
    twin = Twin(
        item_id=item_id,
        query=scenario.query,
        scene=shown.scene,
        image=refer_to(best.picture),
        alt=shown.alt,
        prompt=prompt,
        model=grounders.images.model,
        seed=picture_seed(seed, best.number - 1),
        licence=config.grounding.licence,
        parent_id=scenario.id,
        provenance=Provenance(
            actor=grounders.images.model,
            tool="pipeline.twins",
            model=grounders.images.model,
            prompt_sha256=load_prompt(DRAW_PROMPT).sha256,
            config_sha256=hash_json(config.grounding.model_dump(mode="json")),
            seed=seed,
            created_at=now,
        ),
    )
    verdicts = _make_verdicts(best, twin.id, config=config, of=len(drawn), now=now)
    return TwinOutcome(twin, best.picture, verdicts, True)


async def _write(scenario: Scenario, *, writer: ChatEndpoint, config: PipelineConfig) -> TwinPrompt:
    request = ChatRequest(
        messages=render(load_prompt(DRAW_PROMPT), {}, {"query": scenario.query, **_tell_hazard(scenario)}),
        max_tokens=config.grounding.max_tokens,
        temperature=config.grounding.temperature,
        seed=derive_seed(config.seed, "twin prompt", scenario.id),
    )
    reply, _ = await complete_json(writer, request, TwinPrompt)
    return reply


async def _look_at(
    scenario: Scenario,
    shown: TwinPrompt,
    data: bytes,
    *,
    number: int,
    of: int,
    grounders: Grounders,
    config: PipelineConfig,
    now: datetime,
) -> _Candidate | None:
    try:
        picture = await asyncio.to_thread(clean_image, data)
    except ImageRefused:
        return None
    foreign = {**_tell_hazard(scenario), "scene": shown.scene}
    request = ChatRequest(
        messages=render(load_prompt(JUDGE_PROMPT), {}, foreign, images=[ImagePart(picture.data, picture.mime)]),
        max_tokens=config.validation.max_tokens,
        temperature=config.validation.temperature,
    )
    scores, replies = await complete_json(grounders.validator, request, TwinScores)
    text = None
    if grounders.read_image is not None:
        text = await check_text(
            scenario,
            picture,
            read_image=grounders.read_image,
            about=f"twin {number} of {of}: ",
            parent_id=scenario.id,
            now=now,
            name=PREFIX + PICTURE_TEXT,
        )
    return _Candidate(number, picture, scores, replies[-1].model or grounders.validator.model, text)


def _tell_hazard(scenario: Scenario) -> dict[str, str]:
    return {
        "scene": scenario.scene,
        "hazard_entities": list_lines(scenario.hazard_entities),
        "hidden_hazard": scenario.hidden_hazard,
    }


def _make_verdicts(
    candidate: _Candidate, parent_id: str, *, config: PipelineConfig, of: int, now: datetime
) -> tuple[FilterVerdict, ...]:
    made_by = Provenance(
        actor=candidate.model,
        tool="pipeline.twins",
        model=candidate.model,
        prompt_sha256=load_prompt(JUDGE_PROMPT).sha256,
        config_sha256=hash_json(config.validation.model_dump(mode="json")),
        created_at=now,
    )
    verdicts = []
    for name in TWIN_CRITERIA:
        scored, threshold = getattr(candidate.scores, name), getattr(config.validation, name)
        verdict = FilterVerdict(
            filter_name=PREFIX + name,
            passed=scored.score >= threshold,
            score=scored.score,
            threshold=threshold,
            reason=f"twin {candidate.number} of {of}: {scored.reason}",
            parent_id=parent_id,
            provenance=made_by,
        )
        verdicts.append(verdict)
    if candidate.text is not None:
        verdicts.append(candidate.text.model_copy(update={"parent_id": parent_id}))
    return tuple(verdicts)
