"""What a run's calls took: tokens and money per run, role and model, kept as JSON lines.

A line names the call by its `request_sha256`, under which the cache holds the reply, and what it was `about`.

A cost that nobody knows is None and is shown as `unknown`; it is never counted as nothing. A budget counts such a call
by an upper estimate instead.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endpoints.errors import BudgetSpent
from endpoints.messages import ChatRequest, Usage
from storage.texts import canonical_json, utc_now

REPLY, CACHED = "reply", "cached"
FREE_OUTCOMES = frozenset({CACHED, "rate_limited", "bad_request", "bad_config", "budget_spent"})
"""The model did no work for these."""
IMAGE_TOKENS = 1500
_ABOUT: ContextVar[str] = ContextVar("about", default="")


@contextmanager
def calls_about(subject: str) -> Iterator[None]:
    """Let the ledger say of every call that is made inside, also by tasks begun there, that it is about `subject`."""
    token = _ABOUT.set(subject)
    try:
        yield
    finally:
        _ABOUT.reset(token)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens. A local model that costs nothing has Price(0, 0); no Price means unknown."""

    prompt_usd: float
    completion_usd: float

    def cost(self, usage: Usage) -> float:
        """Return the dollars for `usage`."""
        return (usage.prompt_tokens * self.prompt_usd + usage.completion_tokens * self.completion_usd) / 1e6

    @property
    def is_free(self) -> bool:
        """Whether calls cost nothing."""
        return self.prompt_usd == 0 and self.completion_usd == 0


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may use in all. None sets no bound. Calls under way when it is reached still finish."""

    tokens: int | None = None
    usd: float | None = None


@dataclass(slots=True)
class Totals:
    """Sums over calls. Tokens are those that servers reported; dollars those of known price."""

    calls: int = 0
    cached: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    known_usd: float = 0.0
    unknown_costs: int = 0
    """Calls whose cost is not known: no price, or no token count from the server."""
    budget_tokens: int = 0
    """Tokens with an upper estimate for the calls whose count is unknown."""
    budget_usd: float = 0.0
    """Dollars, likewise. A model without a price adds nothing here: see `Ledger.has_price`."""

    @property
    def cost_usd(self) -> float | None:
        """Dollars; None as soon as one call's cost is unknown."""
        return None if self.unknown_costs else self.known_usd

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one line of the ledger."""
        if line["outcome"] == CACHED:
            self.cached += 1
            return
        self.calls += 1
        self.failed += line["outcome"] != REPLY
        self.prompt_tokens += line["prompt_tokens"] or 0
        self.completion_tokens += line["completion_tokens"] or 0
        self.known_usd += line["cost_usd"] or 0.0
        self.unknown_costs += line["cost_usd"] is None
        self.budget_tokens += line["budget_tokens"]
        self.budget_usd += line["budget_usd"]


@dataclass(slots=True)
class Ledger:
    """Counts every call, and appends it to `path` when there is one.

    Opening a path that exists counts what it holds, so a run that goes on goes on with its sums. One line is one
    write, so processes may append to one file; each counts what it read on opening and what it adds itself. A line
    torn by a kill is passed over. `prices` is by the model's configured name.
    """

    path: Path | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    total: Totals = field(default_factory=Totals, init=False)
    _groups: dict[tuple[str, str, str], Totals] = field(default_factory=dict, init=False)
    _file: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for line in read_lines(self.path):
            self._count(line)
        self._file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def record(
        self,
        *,
        run: str,
        role: str,
        endpoint: str,
        model: str,
        outcome: str,
        request: ChatRequest,
        request_sha256: str = "",
        usage: Usage | None = None,
        latency_s: float = 0.0,
        price_factor: float = 1.0,
    ) -> None:
        """Count one call. `outcome` is `reply`, `cached` or an error's kind; `price_factor` is 0.5 for batches."""
        price = self.prices.get(model)
        if usage is None and outcome in FREE_OUTCOMES:
            usage = Usage(0, 0)
        charged = usage or estimate_usage(request)
        cost = 0.0 if outcome in FREE_OUTCOMES or (price is not None and price.is_free) else None
        if cost is None and price is not None and usage is not None:
            cost = price.cost(usage) * price_factor
        line = {
            "at": utc_now().isoformat(timespec="milliseconds"),
            "run": run,
            "role": role,
            "endpoint": endpoint,
            "model": model,
            "outcome": outcome,
            "request_sha256": request_sha256,
            "about": _ABOUT.get(),
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "completion_tokens": usage.completion_tokens if usage else None,
            "cost_usd": cost,
            "budget_tokens": 0 if outcome in FREE_OUTCOMES else charged.total,
            "budget_usd": cost if cost is not None else price.cost(charged) * price_factor if price else 0.0,
            "latency_s": round(latency_s, 4),
        }
        if self._file is not None:
            os.write(self._file, canonical_json(line).encode("utf-8") + b"\n")
        self._count(line)

    def has_price(self, model: str) -> bool:
        """Whether calls to `model` can be held to a budget in dollars."""
        return model in self.prices

    def check(self, budget: Budget) -> None:
        """Raise BudgetSpent when the sums have reached `budget`."""
        if budget.tokens is not None and self.total.budget_tokens >= budget.tokens:
            raise BudgetSpent(f"the run has used {self.total.budget_tokens} of its {budget.tokens} tokens")
        if budget.usd is not None and self.total.budget_usd >= budget.usd:
            raise BudgetSpent(f"the run has used ${self.total.budget_usd:.2f} of its ${budget.usd:.2f}")

    def totals(self, *by: str) -> dict[tuple[str, ...], Totals]:
        """Return the sums grouped by any of `run`, `role`, `model`, in order of first use."""
        places = [("run", "role", "model").index(name) for name in by]
        grouped: dict[tuple[str, ...], Totals] = {}
        for key, part in self._groups.items():
            whole = grouped.setdefault(tuple(key[place] for place in places), Totals())
            for name in Totals.__slots__:
                setattr(whole, name, getattr(whole, name) + getattr(part, name))
        return grouped

    def close(self) -> None:
        """Close the file. The sums stay readable."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _count(self, line: Mapping[str, Any]) -> None:
        self.total.add(line)
        self._groups.setdefault((line["run"], line["role"], line["model"]), Totals()).add(line)


def read_ledger(path: Path) -> Ledger:
    """Return the sums of a ledger's file, which another process may be writing; nothing is written."""
    ledger = Ledger()
    for line in read_lines(path):
        ledger._count(line)
    return ledger


def estimate_usage(request: ChatRequest) -> Usage:
    """Return an upper estimate of a call's tokens: two characters a token, and the whole of `max_tokens`."""
    characters = sum(len(message.text) for message in request.messages)
    pictures = sum(not isinstance(part, str) for message in request.messages for part in message.parts)
    return Usage(characters // 2 + IMAGE_TOKENS * pictures + 1, request.max_tokens * request.n)


def read_lines(path: Path) -> Iterable[dict[str, Any]]:
    """Yield the whole lines of a ledger's file in order; none when there is no file."""
    if not path.exists():
        return
    wanted = {"run", "role", "model", "outcome", "prompt_tokens", "completion_tokens", "cost_usd"}
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if isinstance(line, dict) and wanted | {"budget_tokens", "budget_usd"} <= line.keys():
                yield line


def format_cost(totals: Totals) -> str:
    """Return the cost in words: `$1.23`, `at least $1.23 (4 calls of unknown cost)` or `unknown`."""
    if not totals.unknown_costs:
        return f"${totals.known_usd:.2f}" if totals.known_usd >= 0.005 or not totals.known_usd else "less than $0.01"
    if not totals.known_usd:
        return "unknown"
    noun = "call" if totals.unknown_costs == 1 else "calls"
    return f"at least ${totals.known_usd:.2f} ({totals.unknown_costs} {noun} of unknown cost)"
