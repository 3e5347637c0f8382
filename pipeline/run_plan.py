"""The plan of a run before it starts: which calls, how many, and what they cost at most. Asks nothing.

The most is what happens when every scenario passes every stage, every refill and rewrite is needed, and every reply
needs its repair round. Calls that fail and are sent again come on top. Prompts are estimated from above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from endpoints.chat import ChatEndpoint
from endpoints.config import ChatRole, Roles
from endpoints.images import ImageEndpoint
from endpoints.ledger import IMAGE_TOKENS, Price
from endpoints.messages import Usage
from pipeline.config import PipelineConfig
from pipeline.photo_synthesis import PhotoCall, build_photo_request, count_needed, plan_photos
from pipeline.prompting import load_prompt
from pipeline.synthesis import Synthesis, build_request, plan_calls
from storage.photos import Photo

SCENARIO_CHARACTERS = 6_000
"""More than a scenario's fields take in one prompt."""
CHARACTERS_PER_TOKEN = 2
REPAIR = 2


@dataclass(frozen=True, slots=True)
class PlannedCalls:
    """Calls of one kind."""

    what: str
    role: str
    model: str
    calls: int
    """When all goes well: every scenario passes, nothing is rewritten or repaired."""
    at_most: int
    usd_at_most: float | None
    """None: the model has no price."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All calls of a run."""

    scenarios: int
    lines: tuple[PlannedCalls, ...]

    @property
    def calls(self) -> int:
        """Calls when all goes well."""
        return sum(line.calls for line in self.lines)

    @property
    def at_most(self) -> int:
        """Calls at most."""
        return sum(line.at_most for line in self.lines)

    @property
    def usd_at_most(self) -> float | None:
        """Dollars at most; None as soon as one model has no price."""
        costs = [line.usd_at_most for line in self.lines if line.at_most]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Models without a price."""
        return tuple(dict.fromkeys(line.model for line in self.lines if line.usd_at_most is None))


@dataclass(frozen=True)
class _Planner:
    roles: Roles

    def chat(
        self, what: str, role: ChatRole, *, calls: int, at_most: int, prompt: str, max_tokens: int, pictures: int = 0
    ) -> PlannedCalls:
        """Return a line for one chat role; `at_most` without repair rounds."""
        endpoint = self.roles.chat(role)
        asked = (len(load_prompt(prompt).text) + SCENARIO_CHARACTERS) // CHARACTERS_PER_TOKEN + IMAGE_TOKENS * pictures
        cost = estimate_cost(self.price(endpoint), asked, max_tokens, at_most)
        return PlannedCalls(what, role, endpoint.model, calls, at_most * REPAIR, cost)

    def price(self, endpoint: ChatEndpoint | ImageEndpoint) -> Price | None:
        """Return what the endpoint takes; None when nobody said so."""
        return self.roles.config.price_of(endpoint.name, endpoint.model)


def plan_run(synthesis: Synthesis, roles: Roles, *, photos: int = 0, free_photos: Sequence[Photo] = ()) -> RunPlan:
    """Return the plan of a run.

    Args:
        synthesis: what is asked for.
        roles: who is asked.
        photos: how many of the library still need a caption.
        free_photos: those from which a run with `synthesis.from_photos` may write.

    Raises:
        BadConfig: a role that is needed has no endpoint or cannot be built.
    """
    planner = _Planner(roles)
    count = sum(call.count for call in plan_calls(synthesis))
    if synthesis.config.synthesis.from_photos:
        calls = plan_photos(synthesis, free_photos)
        written = list(_plan_photo_synthesis(synthesis, planner, calls, count))
        count = min(count, len(calls) * synthesis.config.synthesis.per_photo)
    else:
        written = list(_plan_synthesis(synthesis, planner))
    lines = [
        *written,
        *_plan_filters(synthesis, planner, count),
        *_plan_pictures(synthesis, planner, count, photos),
        *_plan_refinement(synthesis, planner, count),
        *_plan_twins(synthesis, planner, count),
        *_plan_mining(synthesis, planner, count),
    ]
    return RunPlan(count, tuple(lines))


def _plan_synthesis(synthesis: Synthesis, planner: _Planner) -> Iterator[PlannedCalls]:
    calls = plan_calls(synthesis)
    settings = synthesis.config.synthesis
    longest = max(sum(len(turn.text) for turn in build_request(synthesis, call).messages) for call in calls[:50])
    for generator in synthesis.generators:
        mine = sum(call.generator == generator.endpoint.name for call in calls)
        # Who gets a refill is drawn anew, so each generator may get all of them.
        at_most = mine + settings.refill_rounds * len(calls)
        model = generator.endpoint.model
        price = planner.price(generator.endpoint)
        cost = estimate_cost(price, longest // CHARACTERS_PER_TOKEN, settings.max_tokens, at_most)
        yield PlannedCalls(f"scenarios by {generator.endpoint.name}", "generator", model, mine, at_most * REPAIR, cost)


def _plan_photo_synthesis(
    synthesis: Synthesis, planner: _Planner, calls: Sequence[PhotoCall], count: int
) -> Iterator[PlannedCalls]:
    """When all goes well, every photo gives all that it may; at most, all calls of the plan are made."""
    settings = synthesis.config.synthesis
    first = calls[: count_needed(synthesis.config, count)]
    requests = [build_photo_request(synthesis, call, images=()) for call in calls[:50]]
    longest = max((sum(len(turn.text) for turn in request.messages) for request in requests), default=0)
    asked = longest // CHARACTERS_PER_TOKEN + IMAGE_TOKENS
    for generator in synthesis.generators:
        name, model = generator.endpoint.name, generator.endpoint.model
        mine, most = (sum(call.generator == name for call in some) for some in (first, calls))
        cost = estimate_cost(planner.price(generator.endpoint), asked, settings.max_tokens, most)
        yield PlannedCalls(f"scenarios from photos by {name}", "generator", model, mine, most * REPAIR, cost)


def _plan_filters(synthesis: Synthesis, planner: _Planner, count: int) -> Iterator[PlannedCalls]:
    most = synthesis.config.filters.max_tokens
    for what, prompt in (("query judged alone", "judge_query"), ("query judged with its scene", "judge_context")):
        yield planner.chat(what, "critic", calls=count, at_most=count, prompt=prompt, max_tokens=most)


def _plan_pictures(synthesis: Synthesis, planner: _Planner, count: int, photos: int) -> Iterator[PlannedCalls]:
    config = synthesis.config
    if config.grounding.pictures == "none":
        return
    if config.synthesis.from_photos:
        yield planner.chat(
            "photos judged", "validator", calls=count, at_most=count, prompt="judge_picture",
            max_tokens=config.validation.max_tokens, pictures=1,
        )  # fmt: skip
        return
    if config.grounding.pictures in ("photos", "mixed"):
        shown = count * config.grounding.photo_candidates
        yield planner.chat(
            "photos described", "validator", calls=photos, at_most=photos, prompt="describe_photo",
            max_tokens=config.grounding.max_tokens, pictures=1,
        )  # fmt: skip
        yield planner.chat(
            "photos judged", "validator", calls=shown, at_most=shown, prompt="judge_picture",
            max_tokens=config.validation.max_tokens, pictures=1,
        )  # fmt: skip
    if config.grounding.pictures in ("synthetic", "mixed"):
        yield from _plan_drawing(config, planner, count)


def _plan_drawing(config: PipelineConfig, planner: _Planner, count: int) -> Iterator[PlannedCalls]:
    # In a mixed run a photo may fit every scenario, or none.
    sure = count if config.grounding.pictures == "synthetic" else 0
    drawn = count * config.grounding.candidates
    yield planner.chat(
        "image prompt", "rewriter", calls=sure, at_most=count, prompt="draw_scene",
        max_tokens=config.grounding.max_tokens,
    )  # fmt: skip
    model = planner.roles.image.model
    price = planner.price(planner.roles.image)
    cost = None if price is None else price.cost(Usage(0, 0)) * drawn
    many = sure * config.grounding.candidates
    yield PlannedCalls("pictures", "image", model, many, drawn, cost)
    yield planner.chat(
        "pictures judged", "validator", calls=many, at_most=drawn, prompt="judge_picture",
        max_tokens=config.validation.max_tokens, pictures=1,
    )  # fmt: skip


def _plan_twins(synthesis: Synthesis, planner: _Planner, count: int) -> Iterator[PlannedCalls]:
    config = synthesis.config
    if not config.twin:
        return
    # Only what people approve gets a twin, so none is sure.
    drawn = count * config.grounding.candidates
    yield planner.chat(
        "twins described", "rewriter", calls=0, at_most=count, prompt="draw_twin",
        max_tokens=config.grounding.max_tokens,
    )  # fmt: skip
    model = planner.roles.image.model
    price = planner.price(planner.roles.image)
    cost = None if price is None else price.cost(Usage(0, 0)) * drawn
    yield PlannedCalls("pictures of twins", "image", model, 0, drawn, cost)
    yield planner.chat(
        "twins judged", "validator", calls=0, at_most=drawn, prompt="judge_twin",
        max_tokens=config.validation.max_tokens, pictures=1,
    )  # fmt: skip


def _plan_mining(synthesis: Synthesis, planner: _Planner, count: int) -> Iterator[PlannedCalls]:
    # Only what people approve is tried, so no call is sure; a reply is plain text and has no repair round.
    mining = synthesis.config.mining
    for role in mining.targets:
        target = planner.roles.chat(role)
        asked = SCENARIO_CHARACTERS // CHARACTERS_PER_TOKEN + IMAGE_TOKENS
        price = planner.price(target)
        cost = None if price is None else count * price.cost(Usage(asked, mining.max_tokens))
        yield PlannedCalls(f"tried on {role}", role, target.model, 0, count, cost)


def _plan_refinement(synthesis: Synthesis, planner: _Planner, count: int) -> Iterator[PlannedCalls]:
    config, rounds = synthesis.config, synthesis.config.refinement_rounds
    looked = count * (1 + rounds)
    kinds: Sequence[tuple[str, ChatRole, str, int, int]] = [
        ("hazard type", "critic", "classify_hazard", count, count),
        ("rewrites", "rewriter", "rewrite_query", 0, count * rounds),
    ]
    if config.refinement.text_only_probe:
        kinds = [
            *kinds,
            ("text-only probe", "text_only_probe", "probe_query", count, looked),
            ("guesses compared", "critic", "match_guess", 0, looked),
        ]
    if config.refinement.malicious_variant:
        kinds = [*kinds, ("malicious variant", "rewriter", "malicious_variant", count, count)]
    for what, role, prompt, calls, at_most in kinds:
        most = config.refinement.max_tokens
        yield planner.chat(what, role, calls=calls, at_most=at_most, prompt=prompt, max_tokens=most)
    for prompt in ("judge_query", "judge_context"):
        yield planner.chat(
            "rewrites judged again", "critic", calls=0, at_most=count * rounds, prompt=prompt,
            max_tokens=config.filters.max_tokens,
        )  # fmt: skip


def estimate_cost(price: Price | None, prompt_tokens: int, max_tokens: int, calls: int) -> float | None:
    """Return the dollars of `calls` calls and their repair rounds, which hold the first reply once more."""
    if price is None:
        return None
    first = price.cost(Usage(prompt_tokens, max_tokens))
    repair = price.cost(Usage(prompt_tokens + max_tokens + 1_000, max_tokens))
    return calls * (first + repair)
