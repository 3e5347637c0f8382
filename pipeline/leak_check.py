"""Does the query give the hazard away? All ways of looking, each with its own evidence.

    words           the offline detectors on query and entities (`pipeline.leakage`)
    picture text    writing in the picture that names an entity
    embedding       a phrase of the query that lies near an entity
    text-only probe a model that sees the query alone, tries to name the hazard, and names it

The probe takes a `QueryOnly`: it cannot be given the scene.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from endpoints.chat import ChatEndpoint
from endpoints.embeddings import EmbeddingEndpoint
from endpoints.messages import ChatRequest
from endpoints.prompting import list_lines, render
from endpoints.structured import complete_json
from pipeline.filters import QueryOnly
from pipeline.leakage import LeakFinding, detect_leak
from pipeline.ocr import TextReader
from pipeline.prompting import load_prompt
from pipeline.replies import Long, Reply
from pipeline.stage_configs import RefinementConfig
from storage.records import Scenario

PROBE_PROMPT = "probe_query"
MATCH_PROMPT = "match_guess"
Way = Literal["words", "picture text", "embedding", "text-only probe"]


class ProbeReply(Reply):
    """What a query alone points to."""

    guess: Long
    sees_danger: bool


class MatchReply(Reply):
    """Whether a guess names the hazard."""

    reason: Long
    same_hazard: bool


@dataclass(frozen=True, slots=True)
class WayChecked:
    """What one way of looking gave. `leaks` is None when it was not tried; `evidence` then says why."""

    way: Way
    leaks: bool | None
    evidence: str


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """All ways together."""

    ways: tuple[WayChecked, ...]

    @property
    def query_leaks(self) -> bool:
        """Whether the words of the query give the hazard away; another query may help."""
        return any(way.leaks for way in self.ways if way.way != "picture text")

    @property
    def picture_leaks(self) -> bool:
        """Whether writing in the picture does; no other query helps."""
        return any(way.leaks for way in self.ways if way.way == "picture text")

    def describe(self) -> str:
        """Return one line for each way."""
        words = {True: "leak", False: "nothing found", None: "not tried"}
        return "\n".join(f"{way.way}: {words[way.leaks]}; {way.evidence}" for way in self.ways)


async def check_leaks(
    scenario: Scenario,
    *,
    image: bytes | None,
    probe: ChatEndpoint | None,
    critic: ChatEndpoint,
    config: RefinementConfig,
    embeddings: EmbeddingEndpoint | None = None,
    read_image: TextReader | None = None,
) -> LeakCheck:
    """Look for leaks in every way that is at hand.

    Args:
        scenario: its query is what is looked at.
        image: the encoded picture; None when there is none, or when it was looked at before.
        probe: the model that gets the query alone; None leaves it out.
        critic: says whether the probe's guess names the hazard.
        config: of the stage.
        embeddings: None leaves that detector out.
        read_image: reads writing in the picture; None leaves it out.

    Raises:
        EndpointError: a call gave nothing to go by.
    """
    verdict = await asyncio.to_thread(
        detect_leak,
        query=scenario.query,
        hazard_entities=scenario.hazard_entities,
        scene=scenario.scene,
        image=image if read_image is not None else None,
        embeddings=embeddings,
        read_image=read_image,
    )
    near = [finding for finding in verdict.findings if finding.detector == "embedding"]
    written = [finding for finding in verdict.findings if finding.detector == "image_text"]
    named = [finding for finding in verdict.findings if finding not in near and finding not in written]
    if image is None:
        picture = WayChecked("picture text", None, "no picture was given")
    elif read_image is None:
        picture = WayChecked("picture text", None, "no text reader is installed")
    else:
        picture = _checked("picture text", written)
    by_meaning: Way = "embedding"
    return LeakCheck(
        (
            _checked("words", named),
            picture,
            WayChecked(by_meaning, None, "no embedding endpoint") if embeddings is None else _checked(by_meaning, near),
            await _probe(scenario, probe=probe, critic=critic, config=config),
        )
    )


async def probe_query(item: QueryOnly, *, probe: ChatEndpoint, config: RefinementConfig) -> ProbeReply:
    """Ask a model to name the hazard from the query alone.

    Raises:
        EndpointError: the call gave nothing to go by.
    """
    messages = render(load_prompt(PROBE_PROMPT), {}, {"query": item.query})
    request = ChatRequest(messages=messages, max_tokens=config.max_tokens, temperature=config.temperature)
    reply, _ = await complete_json(probe, request, ProbeReply)
    return reply


async def _probe(
    scenario: Scenario, *, probe: ChatEndpoint | None, critic: ChatEndpoint, config: RefinementConfig
) -> WayChecked:
    way: Way = "text-only probe"
    if probe is None or not config.text_only_probe:
        return WayChecked(way, None, "no probe in this run")
    guessed = await probe_query(QueryOnly(scenario.query), probe=probe, config=config)
    if not guessed.sees_danger:
        return WayChecked(way, False, f"{probe.model} sees no danger: {guessed.guess}")
    foreign = {
        "guess": guessed.guess,
        "hidden_hazard": scenario.hidden_hazard,
        "hazard_entities": list_lines(scenario.hazard_entities),
    }
    request = ChatRequest(
        messages=render(load_prompt(MATCH_PROMPT), {}, foreign),
        max_tokens=config.max_tokens,
        temperature=config.temperature,
    )
    match, _ = await complete_json(critic, request, MatchReply)
    verb = "names the hazard" if match.same_hazard else "names another danger"
    return WayChecked(way, match.same_hazard, f"{probe.model} {verb}: {guessed.guess} ({match.reason})")


def _checked(way: Way, findings: Sequence[LeakFinding]) -> WayChecked:
    lines = [f"{found.detector} {found.score:.2f} from {found.threshold:.2f}: {found.evidence}" for found in findings]
    return WayChecked(way, bool(findings), " | ".join(lines) or "no detector reached its threshold")
