"""Latent hazard synthesis (paper, phase I): scenarios from a mixture of generators, drawn from one seed.

Everything that is drawn (generator, examples, settings, the seed of a call) follows from the config's seed and the
place of the call in the plan. So the same seed, config and replies give the same scenarios, in whatever order the
replies arrive and in whatever process.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.ledger import calls_about
from endpoints.messages import ChatRequest
from endpoints.prompting import render
from endpoints.seeds import derive_seed
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig, spread_quotas
from pipeline.errors import ConfigInvalid, ItemError, describe_failure
from pipeline.few_shot_library import FewShotLibrary, draw_examples
from pipeline.prompting import load_prompt
from pipeline.replies import ProposedScenario, ScenarioList
from pipeline.reply_entries import BadEntry, read_entries
from pipeline.taxonomy import Taxonomy
from storage.records import Category, Provenance, Scenario
from storage.texts import utc_now

PROMPT = "synthesize"
OPEN_CALLS = 512  # more than one endpoint serves at once; bounds the memory of a large plan

SETTINGS = (
    "a home kitchen", "a living room", "a bathroom", "a bedroom", "a balcony or a garden", "a garage or a workshop",
    "an office desk", "a shop or a market", "a warehouse", "a restaurant", "a school or a kindergarten", "a university",
    "a sports ground or a gym", "a street", "a bus, a train or a station", "a car", "a campsite or a trail", "a beach",
    "a farm", "a laboratory", "a clinic or a care home", "a phone screen", "a computer screen", "a printed document",
    "a notice board", "a family celebration", "a place of worship", "a festival or a concert", "a hotel room",
    "a building site",
)  # fmt: skip
"""Where scenarios are set: without it, generators return to the same few rooms."""


@dataclass(frozen=True)
class Generator:
    """One model of the mixture. Weights need not add up to 1."""

    endpoint: ChatEndpoint
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SynthesisCall:
    """One call of the plan. `round` 0 is the first asking, later ones ask again for what was spoiled."""

    sub_category: str
    round: int
    number: int
    count: int
    """Scenarios asked for."""
    seed: int
    generator: str
    """Name of the endpoint that the draw fell on."""

    @property
    def name(self) -> str:
        """What the call is called in a run's events."""
        return f"{self.sub_category}/{self.round}/{self.number}"


@dataclass(frozen=True, slots=True)
class SynthesisResult:
    """What became of one call: scenarios and bad entries, or the error of the whole call."""

    call: SynthesisCall
    scenarios: tuple[Scenario, ...] = ()
    bad: tuple[BadEntry, ...] = ()
    error: ItemError | None = None

    @property
    def missing(self) -> int:
        """Scenarios that a reply came for and did not hold. 0 when the call failed: a resume asks that one again."""
        return 0 if self.error else self.call.count - len(self.scenarios)


@dataclass(frozen=True)
class Synthesis:
    """What all calls of a run share."""

    config: PipelineConfig
    taxonomy: Taxonomy
    library: FewShotLibrary
    generators: tuple[Generator, ...]
    now: datetime
    """The time written into every provenance: the run's, so that a resumed run writes the same."""


def prepare_synthesis(
    *,
    config: PipelineConfig,
    taxonomy: Taxonomy,
    library: FewShotLibrary,
    generators: Sequence[Generator],
    now: datetime | None = None,
) -> Synthesis:
    """Check the parts against each other; `config.generators`, when given, picks and weighs the generators.

    Raises:
        ConfigInvalid: there is no generator, one is named twice or unknown, or a weight is not above 0.
    """
    by_name = {generator.endpoint.name: generator for generator in generators}
    if len(by_name) != len(generators):
        raise ConfigInvalid(f"a generator is named twice: {[generator.endpoint.name for generator in generators]}")
    for name, weight in config.generators.items():
        if name not in by_name:
            raise ConfigInvalid(
                f"generator {name!r} is not among the endpoints: {', '.join(by_name) or 'there are none'}"
            )
        by_name[name] = Generator(by_name[name].endpoint, weight)
    chosen = [by_name[name] for name in sorted(by_name) if name in (config.generators or by_name)]
    if not chosen:
        raise ConfigInvalid("synthesis needs at least one endpoint in the role `generator`")
    for generator in chosen:
        if not 0 < generator.weight < float("inf"):
            raise ConfigInvalid(f"the weight of {generator.endpoint.name} is {generator.weight}; give one above 0")
    return Synthesis(config, taxonomy, library, tuple(chosen), now or utc_now())


def plan_calls(synthesis: Synthesis) -> list[SynthesisCall]:
    """Return the calls of the first round, in the order of the taxonomy."""
    quotas = spread_quotas(synthesis.config, synthesis.taxonomy)
    return [call for slug, count in quotas.items() for call in _plan_round(synthesis, slug, count, 0)]


async def synthesize(synthesis: Synthesis) -> list[SynthesisResult]:
    """Make every call of the plan and the refills; return the results in the order of the plan.

    A failed call is a result with an error, never an exception: calls in flight are paid for and finish.
    """
    order = {slug: place for place, slug in enumerate(spread_quotas(synthesis.config, synthesis.taxonomy))}
    results = [result async for result in stream_synthesis(synthesis)]
    return sorted(results, key=lambda r: (order[r.call.sub_category], r.call.round, r.call.number))


async def stream_synthesis(synthesis: Synthesis) -> AsyncIterator[SynthesisResult]:
    """Yield each call's result as it arrives. How many calls are sent at once is the endpoints' business.

    Closing the iterator early cancels what is still in flight.
    """
    arrived: asyncio.Queue[SynthesisResult | None] = asyncio.Queue()
    quotas = spread_quotas(synthesis.config, synthesis.taxonomy)
    places = asyncio.Semaphore(OPEN_CALLS)

    async def ask(call: SynthesisCall) -> int:
        async with places:
            result = await ask_generator(synthesis, call)
        arrived.put_nowait(result)
        return result.missing

    async def fill_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for slug, count in quotas.items():
                    group.create_task(_fill_quota(synthesis, slug, count, ask))
        finally:
            arrived.put_nowait(None)

    filling = asyncio.create_task(fill_all())
    try:
        while (result := await arrived.get()) is not None:
            yield result
        await filling  # raises what went wrong in the machinery
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def ask_generator(synthesis: Synthesis, call: SynthesisCall) -> SynthesisResult:
    """Make one call of the plan."""
    endpoint = next(g.endpoint for g in synthesis.generators if g.endpoint.name == call.generator)
    try:
        with calls_about(call.name):
            listed, replies = await complete_json(endpoint, build_request(synthesis, call), ScenarioList)
    except EndpointError as exc:
        return SynthesisResult(call, error=describe_failure(exc))
    model = replies[-1].model or endpoint.model

    def make(proposed: ProposedScenario) -> Scenario:
        origin = {"model": model, "tool": "pipeline.synthesis", "prompt": PROMPT}
        return make_scenario(synthesis, call.sub_category, seed=call.seed, **origin, told=proposed.model_dump())

    return SynthesisResult(call, *read_entries(listed.scenarios, shape=ProposedScenario, most=call.count, make=make))


def build_request(synthesis: Synthesis, call: SynthesisCall) -> ChatRequest:
    """Return what the generator is asked. Everything in it is ours: taxonomy, library and numbers."""
    config = synthesis.config.synthesis
    sub = synthesis.taxonomy.sub_category(call.sub_category)
    examples = draw_examples(
        synthesis.library,
        sub_category=call.sub_category,
        count=min(config.examples, len(synthesis.library[call.sub_category])),
        seed=derive_seed(call.seed, "examples"),
    )
    shown = [example.model_dump(mode="json", include=set(ProposedScenario.model_fields)) for example in examples]
    settings = Random(derive_seed(call.seed, "settings")).sample(SETTINGS, min(call.count, len(SETTINGS)))
    trusted: Mapping[str, str | int] = {
        "category_title": synthesis.taxonomy.category(category_of(synthesis.taxonomy, call.sub_category)).title,
        "sub_category_title": sub.title,
        "about": sub.about,
        "examples": json.dumps({"scenarios": shown}, indent=1, ensure_ascii=False),
        "count": call.count,
        "settings": "; ".join(settings),
    }
    return ChatRequest(
        messages=render(load_prompt(PROMPT), trusted),
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        seed=call.seed,
    )


async def _fill_quota(
    synthesis: Synthesis, slug: str, count: int, ask: Callable[[SynthesisCall], Coroutine[None, None, int]]
) -> None:
    """Ask for `count` scenarios of one sub-category, and again for what was spoiled, round by round."""
    for round_ in range(synthesis.config.synthesis.refill_rounds + 1):
        calls = _plan_round(synthesis, slug, count, round_)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(call)) for call in calls]
        count = sum(task.result() for task in tasks)
        if count == 0:
            return


def _plan_round(synthesis: Synthesis, slug: str, count: int, round_: int) -> list[SynthesisCall]:
    per_call = synthesis.config.synthesis.per_call
    return [
        _draw_call(synthesis, slug, round_, number, min(per_call, count - number * per_call))
        for number in range(-(-count // per_call))
    ]


def _draw_call(synthesis: Synthesis, slug: str, round_: int, number: int, count: int) -> SynthesisCall:
    seed = derive_seed(synthesis.config.seed, "synthesis", slug, round_, number)
    return SynthesisCall(slug, round_, number, count, seed, draw_generator(synthesis, seed))


def draw_generator(synthesis: Synthesis, seed: int) -> str:
    """Return the name of the endpoint that makes the call with this seed."""
    names = [generator.endpoint.name for generator in synthesis.generators]
    weights = [generator.weight for generator in synthesis.generators]
    return Random(derive_seed(seed, "generator")).choices(names, weights)[0]


def make_scenario(
    synthesis: Synthesis,
    sub_category: str,
    *,
    seed: int,
    model: str,
    tool: str,
    prompt: str,
    told: Mapping[str, object],
) -> Scenario:
    """Return the record of a scenario that `model` wrote when asked by `prompt`; `told` holds its text by field."""
    provenance = Provenance(
        actor=model,
        tool=tool,
        model=model,
        prompt_sha256=load_prompt(prompt).sha256,
        config_sha256=synthesis.config.sha256,
        seed=seed,
        created_at=synthesis.now,
    )
    category = category_of(synthesis.taxonomy, sub_category)
    return Scenario.model_validate(
        {**told, "category": category, "sub_category": sub_category, "provenance": provenance}
    )


def category_of(taxonomy: Taxonomy, sub_category: str) -> Category:
    """Return the category to which a sub-category belongs."""
    return next(entry.slug for entry in taxonomy.categories if sub_category in [s.slug for s in entry.sub_categories])
