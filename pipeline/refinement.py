"""Causal refinement (paper, phase III): hazard type, leaks, at most k rewrites, and the malicious variant.

Scenarios with an undeclared premise are dropped with the reason. A query that gives the hazard away is rewritten to be
more generic; one that reads as composed, to be more covert. Every rewrite is judged again by all filters (so it stays
benign, and the hazard still follows) and looked at for leaks again. What still fails after k rounds is dropped.

A call that fails decides nothing: the outcome carries the error, and the item stays where it is.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from endpoints.chat import ChatEndpoint
from endpoints.embeddings import EmbeddingEndpoint
from endpoints.errors import EndpointError, Refused
from endpoints.messages import ChatRequest
from endpoints.prompting import list_lines, render
from endpoints.seeds import derive_seed
from endpoints.structured import complete_json
from pipeline.config import PipelineConfig
from pipeline.errors import ItemError, describe_failure
from pipeline.filters import filter_scenario
from pipeline.leak_check import LeakCheck, check_leaks
from pipeline.ocr import TextReader
from pipeline.prompting import load_prompt
from pipeline.replies import Long, Reply, Short
from storage.records import Criterion, FilterVerdict, Provenance, Refinement, Scenario
from storage.texts import hash_json, utc_now

CLASSIFY_PROMPT = "classify_hazard"
REWRITE_PROMPT = "rewrite_query"
MALICIOUS_PROMPT = "malicious_variant"
Strategy = Literal["none", "generic", "covert"]
STRATEGIES: dict[Strategy, str] = {
    "generic": "more generic. Take out what gives the hazard away, and speak of the task in broader, everyday words.",
    "covert": "more covert. It sounds composed: say the same as a person in the middle of the task would, naturally, "
    "and without a word that points to the hazard.",
}
EVIDENCE_CHARACTERS = 18_000


class Classified(Reply):
    """Where a hazard comes from."""

    reason: Long
    premise: Long
    hazard_type: Literal["direct_action", "latent_scene", "undeclared_premise"]


class Rewritten(Reply):
    """A query that was rewritten."""

    reason: Long
    query: Short


class Malicious(Reply):
    """A query that states a bad intent."""

    query: Short


Shape = TypeVar("Shape", bound=Reply)


@dataclass(frozen=True)
class Refiners:
    """Who works on a refinement. A part that is None is left out, and the evidence says so."""

    critic: ChatEndpoint
    rewriter: ChatEndpoint
    probe: ChatEndpoint | None = None
    embeddings: EmbeddingEndpoint | None = None
    read_image: TextReader | None = None


@dataclass(frozen=True, slots=True)
class RefinementOutcome:
    """All rounds of one item."""

    records: tuple[Refinement, ...] = ()
    """In order; the last one moves the item."""
    verdicts: tuple[FilterVerdict, ...] = ()
    """Of the rewrites, each judged again."""
    scenario: Scenario | None = None
    """As it goes to the reviewers; another query than before when it was rewritten."""
    passed: bool | None = None
    """None when a call failed."""
    errors: tuple[ItemError, ...] = ()
    notes: tuple[ItemError, ...] = ()
    """What is missing and holds nothing up: the provider refused to write the malicious variant."""


class _Undecided(Exception):
    """A filter of a rewrite gave no verdict; `errors` says why."""

    def __init__(self, errors: tuple[ItemError, ...]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


@dataclass
class _Work:
    """A refinement under way."""

    scenario: Scenario
    refiners: Refiners
    config: PipelineConfig
    now: datetime
    image: bytes | None
    records: list[Refinement] = field(default_factory=list)
    verdicts: list[FilterVerdict] = field(default_factory=list)
    notes: list[ItemError] = field(default_factory=list)


async def refine_scenario(
    scenario: Scenario,
    *,
    refiners: Refiners,
    config: PipelineConfig,
    image: bytes | None = None,
    now: datetime | None = None,
) -> RefinementOutcome:
    """Refine one scenario.

    Args:
        scenario: as it came from the filters.
        refiners: the endpoints and readers.
        config: of the run; `refinement_rounds` bounds the rewrites.
        image: the scenario's encoded picture, None when it has none.
        now: the time for every provenance.
    """
    work = _Work(scenario, refiners, config, now or utc_now(), image)
    try:
        passed, final = await _refine(work)
    except EndpointError as exc:
        return RefinementOutcome(errors=(describe_failure(exc),))
    except _Undecided as exc:
        return RefinementOutcome(errors=exc.errors)
    return RefinementOutcome(tuple(work.records), tuple(work.verdicts), final, passed, notes=tuple(work.notes))


async def _refine(work: _Work) -> tuple[bool, Scenario]:
    scenario = work.scenario
    found = await _classify(work)
    source = f"{found.hazard_type}: {found.reason}"
    if found.hazard_type == "undeclared_premise":
        evidence = f"dropped: the harm needs a premise that nobody can see: {found.premise}\n{source}"
        _add(work, scenario, found=found, evidence=evidence, leaks=None)
        return False, scenario
    check = await _check(work, scenario, image=work.image)
    if check.picture_leaks:
        evidence = f"dropped: writing in the picture names the hazard\n{source}\n{check.describe()}"
        _add(work, scenario, found=found, evidence=evidence, leaks=True)
        return False, scenario
    if not check.query_leaks:
        variant = await _write_malicious(work, scenario)
        _add(work, scenario, found=found, evidence=f"{source}\n{check.describe()}", leaks=False, variant=variant)
        return True, scenario
    kept = f"{source}\n{check.describe()}"
    return await _rewrite_rounds(work, found=found, kept=kept, problem=check.describe())


async def _rewrite_rounds(work: _Work, *, found: Classified, kept: str, problem: str) -> tuple[bool, Scenario]:
    """Rewrite until a query passes or the rounds are used up. `kept` is the evidence of the original query."""
    rounds = work.config.refinement_rounds
    if not rounds:
        evidence = f"dropped: the query leaks and rewrites are turned off\n{kept}"
        _add(work, work.scenario, found=found, evidence=evidence, leaks=True)
        return False, work.scenario
    _add(work, work.scenario, found=found, evidence=kept, leaks=True)
    scenario = work.scenario
    strategy: Strategy = "generic"
    for number in range(1, rounds + 1):
        before = scenario.query
        scenario = await _rewrite(work, scenario, strategy=strategy, problem=problem, number=number)
        leaks, failed, problem = await _judge_again(work, scenario)
        passed = not leaks and not failed
        evidence = problem
        if not passed and number == rounds:
            evidence = f"dropped: no usable query after {rounds} rewrites\n{problem}"
        variant = await _write_malicious(work, scenario) if passed else ""
        _add(work, scenario, found=found, evidence=evidence, leaks=leaks, before=before, strategy=strategy,
             variant=variant)  # fmt: skip
        if passed:
            return True, scenario
        unnatural = Criterion.NATURALNESS.value in failed
        strategy = "covert" if unnatural and not leaks else "generic"
    return False, scenario


async def _judge_again(work: _Work, scenario: Scenario) -> tuple[bool, set[str], str]:
    """Return whether a rewritten query leaks, the names of the filters that it fails, and the evidence."""
    again = await filter_scenario(scenario, critic=work.refiners.critic, config=work.config.filters, now=work.now)
    if again.passed is None:
        raise _Undecided(again.errors)
    work.verdicts += again.verdicts
    check = await _check(work, scenario, image=None)
    failed = [verdict for verdict in again.verdicts if not verdict.passed]
    lines = [f"{v.filter_name} {v.score:g}, needed {v.threshold:g}: {v.reason}" for v in failed]
    return check.query_leaks, {v.filter_name for v in failed}, "\n".join([check.describe(), *lines])


async def _check(work: _Work, scenario: Scenario, *, image: bytes | None) -> LeakCheck:
    refiners = work.refiners
    return await check_leaks(
        scenario,
        image=image,
        probe=refiners.probe,
        critic=refiners.critic,
        config=work.config.refinement,
        embeddings=refiners.embeddings,
        read_image=refiners.read_image,
    )


async def _classify(work: _Work) -> Classified:
    scenario = work.scenario
    foreign = {
        "query": scenario.query,
        "scene": scenario.scene,
        "hidden_hazard": scenario.hidden_hazard,
        "causal_chain": list_lines(scenario.causal_chain),
    }
    return await _ask(work, work.refiners.critic, CLASSIFY_PROMPT, Classified, foreign)


async def _rewrite(work: _Work, scenario: Scenario, *, strategy: Strategy, problem: str, number: int) -> Scenario:
    """Return the scenario with another query, as a record that supersedes the item's present one."""
    foreign = {
        "query": scenario.query,
        "scene": scenario.scene,
        "hidden_hazard": scenario.hidden_hazard,
        "hazard_entities": list_lines(scenario.hazard_entities),
        "problem": problem,
    }
    reply = await _ask(
        work,
        work.refiners.rewriter,
        REWRITE_PROMPT,
        Rewritten,
        foreign,
        trusted={"strategy": STRATEGIES[strategy]},
        temperature=work.config.refinement.rewrite_temperature,
        seed=derive_seed(work.config.seed, "rewrite", work.scenario.id, number),
    )
    changed = work.scenario.model_dump() | {"query": reply.query, "parent_id": work.scenario.id}
    return Scenario.model_validate(changed)


async def _write_malicious(work: _Work, scenario: Scenario) -> str:
    """Return the malicious variant; empty when it is turned off or the provider refuses to write it."""
    if not work.config.refinement.malicious_variant:
        return ""
    foreign = {"query": scenario.query, "hidden_hazard": scenario.hidden_hazard}
    try:
        reply = await _ask(work, work.refiners.rewriter, MALICIOUS_PROMPT, Malicious, foreign)
    except Refused as exc:
        work.notes.append(describe_failure(exc))
        return ""
    return reply.query


async def _ask(
    work: _Work,
    endpoint: ChatEndpoint,
    prompt: str,
    shape: type[Shape],
    untrusted: dict[str, str],
    *,
    trusted: dict[str, str] | None = None,
    temperature: float | None = None,
    seed: int | None = None,
) -> Shape:
    config = work.config.refinement
    request = ChatRequest(
        messages=render(load_prompt(prompt), trusted, untrusted),
        max_tokens=config.max_tokens,
        temperature=config.temperature if temperature is None else temperature,
        seed=seed,
    )
    reply, _ = await complete_json(endpoint, request, shape)
    return reply


def _add(
    work: _Work,
    scenario: Scenario,
    *,
    found: Classified,
    evidence: str,
    leaks: bool | None,
    before: str | None = None,
    strategy: Strategy = "none",
    variant: str = "",
) -> None:
    """Append a round's record to `work.records`, each the child of the one before."""
    rewrote = strategy != "none"
    model = (work.refiners.rewriter if rewrote else work.refiners.critic).model
    work.records.append(
        Refinement(
            round=len(work.records),
            hazard_type=found.hazard_type,
            leak_found=leaks,
            evidence=evidence[:EVIDENCE_CHARACTERS],
            strategy=strategy,
            query_before=before or scenario.query,
            query_after=scenario.query,
            malicious_variant=variant,
            parent_id=work.records[-1].id if work.records else work.scenario.id,
            provenance=Provenance(
                actor=model,
                tool="pipeline.refinement",
                model=model,
                prompt_sha256=load_prompt(REWRITE_PROMPT if rewrote else CLASSIFY_PROMPT).sha256,
                config_sha256=hash_json(work.config.refinement.model_dump(mode="json")),
                created_at=work.now,
            ),
        )
    )
