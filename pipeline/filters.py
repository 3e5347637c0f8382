"""The critic's filters (paper, phase I): four criteria and the severity, scored from 1 to 5 against thresholds.

Contextual isolation is structural. Benignness and naturalness are asked by `judge_query`, which takes a `QueryOnly`:
a type that has no field for a scene, a hazard or an id made from them.

A call that fails is no verdict: the outcome carries the error, and the item neither passes nor fails by it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.messages import ChatRequest, Message
from endpoints.prompting import Prompt, list_lines, render
from endpoints.structured import complete_json
from pipeline.config import FilterConfig
from pipeline.errors import ItemError, describe_failure
from pipeline.prompting import load_prompt
from pipeline.replies import ContextScores, QueryScores, Reply, Scored
from storage.records import Criterion, FilterVerdict, Provenance, Scenario
from storage.texts import hash_json, utc_now

QUERY_PROMPT = "judge_query"
CONTEXT_PROMPT = "judge_context"
SEVERITY = "severity"
FILTER_NAMES = (*(criterion.value for criterion in Criterion), SEVERITY)
"""Names of the verdicts, in the order in which `filter_scenario` returns them. The paper's "Straight-A" standard names
benignness, naturalness and severity; severity needs the hazard, so it is asked together with the scene."""

Scores = TypeVar("Scores", bound=Reply)


@dataclass(frozen=True, slots=True)
class QueryOnly:
    """All that benignness and naturalness may be judged from."""

    query: str


@dataclass(frozen=True, slots=True)
class Critique:
    """What one call of the critic gave: scores by filter name, or an error."""

    model: str
    prompt_sha256: str
    scores: dict[str, Scored]
    error: ItemError | None = None


@dataclass(frozen=True, slots=True)
class FilterOutcome:
    """All verdicts about one scenario, and the errors of the calls that gave none."""

    verdicts: tuple[FilterVerdict, ...]
    errors: tuple[ItemError, ...] = ()

    @property
    def passed(self) -> bool | None:
        """Whether every verdict passes; None when a call failed: the item stays where it is, to be asked again."""
        if self.errors or len(self.verdicts) < len(FILTER_NAMES):
            return None
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def deciding(self) -> FilterVerdict | None:
        """The verdict to move the item by: the first that fails, else the last; None while undecided."""
        if self.passed is None:
            return None
        return next((verdict for verdict in self.verdicts if not verdict.passed), self.verdicts[-1])


async def judge_query(item: QueryOnly, *, critic: ChatEndpoint, config: FilterConfig) -> Critique:
    """Ask for benignness and naturalness of a query, from the query alone."""
    prompt = load_prompt(QUERY_PROMPT)
    return await _ask(critic, prompt, render(prompt, {}, {"query": item.query}), config, QueryScores)


async def judge_context(scenario: Scenario, *, critic: ChatEndpoint, config: FilterConfig) -> Critique:
    """Ask for contextual relevance, risk clarity and severity of a scenario."""
    prompt = load_prompt(CONTEXT_PROMPT)
    foreign = {
        "query": scenario.query,
        "scene": scenario.scene,
        "hidden_hazard": scenario.hidden_hazard,
        "hazard_entities": list_lines(scenario.hazard_entities),
        "causal_chain": list_lines(scenario.causal_chain),
    }
    return await _ask(critic, prompt, render(prompt, {}, foreign), config, ContextScores)


async def filter_scenario(
    scenario: Scenario, *, critic: ChatEndpoint, config: FilterConfig, now: datetime | None = None
) -> FilterOutcome:
    """Judge a scenario by all criteria, in two calls at a time; return one verdict for each score that came."""
    critiques = await asyncio.gather(
        judge_query(QueryOnly(query=scenario.query), critic=critic, config=config),
        judge_context(scenario, critic=critic, config=config),
    )
    now = now or utc_now()
    verdicts = {
        name: _make_verdict(scenario, name=name, scored=scored, critique=critique, config=config, now=now)
        for critique in critiques
        for name, scored in critique.scores.items()
    }
    return FilterOutcome(
        verdicts=tuple(verdicts[name] for name in FILTER_NAMES if name in verdicts),
        errors=tuple(critique.error for critique in critiques if critique.error is not None),
    )


async def _ask(
    critic: ChatEndpoint, prompt: Prompt, messages: tuple[Message, ...], config: FilterConfig, shape: type[Scores]
) -> Critique:
    request = ChatRequest(messages=messages, max_tokens=config.max_tokens, temperature=config.temperature)
    try:
        answer, replies = await complete_json(critic, request, shape)
    except EndpointError as exc:
        return Critique(critic.model, prompt.sha256, scores={}, error=describe_failure(exc))
    scores: dict[str, Scored] = {name: getattr(answer, name) for name in shape.model_fields}
    return Critique(replies[-1].model or critic.model, prompt.sha256, scores)


def _make_verdict(
    scenario: Scenario, *, name: str, scored: Scored, critique: Critique, config: FilterConfig, now: datetime
) -> FilterVerdict:
    threshold: int = getattr(config, name)
    return FilterVerdict(
        filter_name=name,
        passed=scored.score >= threshold,
        score=scored.score,
        threshold=threshold,
        reason=scored.reason,
        parent_id=scenario.id,
        provenance=Provenance(
            actor=critique.model,
            tool="pipeline.filters",
            model=critique.model,
            prompt_sha256=critique.prompt_sha256,
            config_sha256=hash_json(config.model_dump(mode="json")),
            created_at=now,
        ),
    )
