"""Visual grounding (paper, phase II): an image prompt, n pictures, the best one by the validator.

The prompt shows the evidence without naming the hazard. One that repeats the hazard's words is not used; the
scene itself, which is written neutrally, is drawn instead. Every picture is cleaned before anybody looks at it: what is
judged is what is stored.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.images import ImageEndpoint, picture_seed
from endpoints.messages import ChatRequest
from endpoints.prompting import list_lines, render
from endpoints.seeds import derive_seed
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig
from pipeline.errors import ItemError, describe_failure
from pipeline.ocr import TextReader
from pipeline.prompting import load_prompt
from pipeline.replies import Long, Reply
from pipeline.validation import PictureCheck, validate_picture
from storage.errors import ImageRefused
from storage.images import CleanImage, clean_image
from storage.records import BlobRef, FilterVerdict, Grounding, Provenance, Scenario
from storage.texts import hash_json, utc_now

PROMPT = "draw_scene"
SHARED_WORDS = 4
DESCRIPTION_LICENCE = "as the scenario"
TELLING = re.compile(
    r"\b(danger\w*|hazard\w*|risk\w*|unsafe\w*|accident\w*|injur\w*|harm\w*|deadly|lethal\w*|fatal\w*|victim\w*)\b"
)
_WORD = re.compile(r"\w+")


class ImagePrompt(Reply):
    """What to draw, and what to tell people who cannot see it."""

    prompt: Long
    alt: Long


@dataclass(frozen=True)
class Grounders:
    """Who makes a picture and who looks at it."""

    writer: ChatEndpoint
    images: ImageEndpoint
    validator: ChatEndpoint
    read_image: TextReader | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that was drawn. `check` is None when the bytes were no usable picture; `refused` then says why."""

    number: int
    picture: CleanImage | None
    check: PictureCheck | None
    refused: str = ""
    about: str = ""
    """Which one it is, as it stands before the reason of each verdict."""

    @property
    def is_duplicate(self) -> bool:
        """Whether nothing speaks against it but that another scenario has the same picture."""
        return self.check is not None and self.check.shows_it and not self.check.passed


Compare = Callable[[Sequence[Candidate]], Awaitable[list[Candidate]]]
"""Adds to each candidate's verdicts whether another scenario has the same picture."""


@dataclass(frozen=True, slots=True)
class GroundingOutcome:
    """What became of one scenario's picture."""

    grounding: Grounding | None = None
    picture: CleanImage | None = None
    """To be stored together with `grounding`."""
    verdicts: tuple[FilterVerdict, ...] = ()
    """Of the picture that was kept, or of the best one when none passes."""
    passed: bool | None = None
    """None when a call failed."""
    errors: tuple[ItemError, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def deciding(self) -> FilterVerdict | None:
        """The verdict by which a scenario without a usable picture is rejected."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), None)


def describe_scene(scenario: Scenario, *, now: datetime | None = None) -> Grounding:
    """Return the plain statement that a scenario has no picture yet."""
    return Grounding(
        source="description",
        licence=DESCRIPTION_LICENCE,
        parent_id=scenario.id,
        provenance=Provenance(actor="pipeline.grounding", tool="pipeline.grounding", created_at=now or utc_now()),
    )


async def ground_scenario(
    scenario: Scenario,
    *,
    grounders: Grounders,
    config: PipelineConfig,
    now: datetime | None = None,
    compare: Compare | None = None,
) -> GroundingOutcome:
    """Draw `grounding.candidates` pictures of a scenario, and keep the best that passes every criterion.

    Of equals the one that was drawn first is kept. A call that fails decides nothing. `compare` says, once all are
    judged, which of them other scenarios have; without it they are not compared.
    """
    now = now or utc_now()
    try:
        shown = await write_image_prompt(scenario, writer=grounders.writer, config=config)
        seed = derive_seed(config.seed, "picture", scenario.id)
        drawn = await grounders.images.generate(shown.prompt, seed=seed, count=config.grounding.candidates)
        candidates: Sequence[Candidate] = await asyncio.gather(
            *(
                _look_at(scenario, data, number=number, of=len(drawn), grounders=grounders, config=config, now=now)
                for number, data in enumerate(drawn, 1)
            )
        )
    except EndpointError as exc:
        return GroundingOutcome(errors=(describe_failure(exc),))
    if compare is not None:
        candidates = await compare(candidates)
    usable = [candidate for candidate in candidates if candidate.check is not None]
    if not usable:
        reasons = "; ".join(candidate.refused for candidate in candidates) or "the model drew nothing"
        return GroundingOutcome(errors=(ItemError("bad_picture", reasons),), candidates=tuple(candidates))
    best = max(usable, key=rank_candidate)
    assert best.check is not None and best.picture is not None
    if not best.check.passed:
        return GroundingOutcome(verdicts=best.check.verdicts, passed=False, candidates=tuple(candidates))
    grounding = _make_grounding(
        scenario,
        best.picture,
        shown=shown,
        seed=picture_seed(seed, best.number - 1),
        images=grounders.images,
        config=config,
        now=now,
    )
    return GroundingOutcome(grounding, best.picture, best.check.verdicts, True, candidates=tuple(candidates))


async def write_image_prompt(scenario: Scenario, *, writer: ChatEndpoint, config: PipelineConfig) -> ImagePrompt:
    """Return what to draw: the writer's words, or the scene where the writer's words name the hazard.

    Raises:
        EndpointError: the call gave nothing to go by.
    """
    foreign = {
        "scene": scenario.scene,
        "hazard_entities": list_lines(scenario.hazard_entities),
        "hidden_hazard": scenario.hidden_hazard,
    }
    request = ChatRequest(
        messages=render(load_prompt(PROMPT), {}, foreign),
        max_tokens=config.grounding.max_tokens,
        temperature=config.grounding.temperature,
        seed=derive_seed(config.seed, "image prompt", scenario.id),
    )
    reply, _ = await complete_json(writer, request, ImagePrompt)
    prompt = scenario.scene if names_hazard(reply.prompt, scenario) else reply.prompt
    alt = scenario.scene[:500] if names_hazard(reply.alt, scenario) else reply.alt
    return ImagePrompt(prompt=f"{prompt[:1_700].strip()} {config.grounding.style}"[:2_000], alt=alt)


def names_hazard(text: str, scenario: Scenario) -> bool:
    """Return whether `text` speaks of danger, or takes four words in a row from the hazard or from a step to the harm.

    A word that the scene itself uses does not count: then it belongs to what is seen, such as a warning sign.
    """
    if set(TELLING.findall(text.casefold())) - set(TELLING.findall(scenario.scene.casefold())):
        return True
    runs = _runs(_words(text)) - _runs(_words(scenario.scene))
    return any(runs & _runs(_words(told)) for told in (scenario.hidden_hazard, *scenario.causal_chain))


async def _look_at(
    scenario: Scenario,
    data: bytes,
    *,
    number: int,
    of: int,
    grounders: Grounders,
    config: PipelineConfig,
    now: datetime,
) -> Candidate:
    try:
        picture = await asyncio.to_thread(clean_image, data)
    except ImageRefused as exc:
        return Candidate(number, None, None, f"picture {number} of {of}: {exc}")
    about = f"picture {number} of {of}: "
    check = await validate_picture(
        scenario,
        picture,
        validator=grounders.validator,
        config=config.validation,
        now=now,
        read_image=grounders.read_image,
        about=about,
    )
    return Candidate(number, picture, check, about=about)


def rank_candidate(candidate: Candidate) -> tuple[bool, bool, float, int]:
    """Return what candidates that were judged are compared by.

    Passing; passing but for being another scenario's picture, so that this is the reason when nothing else is wrong;
    points; and which came first.
    """
    check = candidate.check
    assert check is not None
    return check.passed, check.shows_it, check.points, -candidate.number


def _make_grounding(
    scenario: Scenario,
    picture: CleanImage,
    *,
    shown: ImagePrompt,
    seed: int,
    images: ImageEndpoint,
    config: PipelineConfig,
    now: datetime,
) -> Grounding:
    assert config.grounding.licence is not None  # the config demands it for synthetic pictures
    return Grounding(
        source="synthetic",
        image=refer_to(picture),
        alt=shown.alt,
        prompt=shown.prompt,
        model=images.model,
        seed=seed,
        licence=config.grounding.licence,
        parent_id=scenario.id,
        provenance=Provenance(
            actor=images.model,
            tool="pipeline.grounding",
            model=images.model,
            prompt_sha256=load_prompt(PROMPT).sha256,
            config_sha256=hash_json(config.grounding.model_dump(mode="json")),
            seed=seed,
            created_at=now,
        ),
    )


def refer_to(picture: CleanImage) -> BlobRef:
    """Return the reference under which `picture` will stand once it is stored."""
    return BlobRef(
        sha256=hashlib.sha256(picture.data).hexdigest(),
        mime=picture.mime,
        width_px=picture.width_px,
        height_px=picture.height_px,
        size_bytes=len(picture.data),
        phash=picture.phash,
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + SHARED_WORDS]) for i in range(len(words) - SHARED_WORDS + 1)}
