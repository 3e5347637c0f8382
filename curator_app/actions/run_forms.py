"""From what a maintainer fills in, or pastes, to the request of a run."""

from dataclasses import dataclass
from typing import Any

import yaml

from curator_app.actions.runs import RunRefused, RunRequest
from endpoints.ledger import Budget
from pipeline.config import PipelineConfig, read_config
from pipeline.errors import ConfigInvalid
from storage.texts import hash_json

CRITERIA = ("query_benignness", "linguistic_naturalness", "contextual_relevance", "risk_clarity", "severity")
"""The thresholds that the form offers."""
MAX_CONFIG_BYTES = 50_000
"""A config of every field and quota is a tenth of this."""


@dataclass(frozen=True)
class RunForm:
    """The fields as they were sent; numbers may be missing, since a person can empty them."""

    batch: str
    seed: float | None
    count: float | None
    pictures: str
    licence: str
    thresholds: tuple[float | None, ...]
    """In the order of CRITERIA."""
    dedup_threshold: float | None
    rounds: float | None
    budget_usd: float | None
    """0 is none: nobody starts a run that may spend nothing."""
    config_text: str = ""
    """YAML; when there is any, it is used instead of the other fields."""


def make_request(form: RunForm) -> RunRequest:
    """Return the request that a form stands for.

    Raises:
        RunRefused: a field cannot be used; the message names it with its value.
    """
    size = len(form.config_text.encode("utf-8", "replace"))
    if size > MAX_CONFIG_BYTES:
        raise RunRefused(f"the config has {size:,} bytes, and {MAX_CONFIG_BYTES:,} are taken; is it the right file?")
    text = form.config_text if form.config_text.strip() else yaml.safe_dump(_to_values(form))
    if form.budget_usd is not None and form.budget_usd < 0:
        raise RunRefused(f"the budget is {form.budget_usd:g} dollars; give more than 0, or 0 for none")
    try:
        return RunRequest(read_config(text), budget=Budget(usd=form.budget_usd or None))
    except ConfigInvalid as exc:
        raise RunRefused(str(exc)) from exc


def identify(request: RunRequest) -> str:
    """Return what tells one request from another, 64 hex digits: a run is started only after its own plan was shown."""
    return hash_json(request.to_json())


def default_thresholds() -> tuple[int, ...]:
    """Return the thresholds of a config that says nothing, in the order of CRITERIA."""
    filters = PipelineConfig(batch="any", seed=0, count=1).filters
    return tuple(getattr(filters, name) for name in CRITERIA)


def _to_values(form: RunForm) -> dict[str, Any]:
    grounding: dict[str, Any] = {"pictures": form.pictures}
    if form.licence.strip():
        grounding["licence"] = form.licence.strip()
    values: dict[str, Any] = {
        "version": 1,
        "batch": form.batch.strip(),
        "seed": _whole(form.seed),
        "count": _whole(form.count),
        "filters": {name: _whole(value) for name, value in zip(CRITERIA, form.thresholds, strict=True)},
        "dedup_threshold": form.dedup_threshold,
        "refinement_rounds": _whole(form.rounds),
        "grounding": grounding,
    }
    return {name: value for name, value in values.items() if value is not None}


def _whole(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value
