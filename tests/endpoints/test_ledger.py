"""Costs are counted, kept, read again, and never invented."""

import asyncio
import json
from pathlib import Path

import pytest

from endpoints.errors import BudgetSpent
from endpoints.ledger import Budget, Ledger, Price, Totals, calls_about, estimate_usage, format_cost
from endpoints.messages import ChatRequest, ImagePart, Message, Usage

REQUEST = ChatRequest((Message("user", ("x" * 100, ImagePart(b"1", "image/png"))),), max_tokens=50, n=2)
PRICES = {"dear": Price(2.0, 10.0), "local": Price(0.0, 0.0)}


def record(
    ledger: Ledger, *, model: str = "dear", role: str = "critic", outcome: str = "reply", **fields: object
) -> None:
    ledger.record(run="r1", role=role, endpoint="e", model=model, outcome=outcome, request=REQUEST, **fields)  # type: ignore[arg-type]


def test_costs_are_summed_by_run_role_and_model() -> None:
    ledger = Ledger(prices=PRICES)
    record(ledger, usage=Usage(1_000_000, 100_000))
    record(ledger, usage=Usage(1_000_000, 100_000), price_factor=0.5)
    record(ledger, usage=Usage(10, 20), role="generator", model="local")
    record(ledger, outcome="cached")
    record(ledger, outcome="rate_limited")
    assert ledger.total.cost_usd == pytest.approx(4.5)
    assert (ledger.total.calls, ledger.total.cached, ledger.total.failed) == (4, 1, 1)
    by_role = ledger.totals("role")
    assert list(by_role) == [("critic",), ("generator",)]
    assert by_role["generator",].cost_usd == 0.0 and by_role["critic",].prompt_tokens == 2_000_000
    assert set(ledger.totals("run", "model")) == {("r1", "dear"), ("r1", "local")}


def test_a_line_says_what_its_call_was_about_also_in_tasks_begun_meanwhile(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl", prices=PRICES)

    async def ask(item: str) -> None:
        with calls_about(item):
            await asyncio.gather(*(asyncio.to_thread(record, ledger, role=item) for _ in range(3)))

    async def ask_all() -> None:
        await asyncio.gather(ask("one"), ask("two"))
        record(ledger, role="")

    asyncio.run(ask_all())
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert len(lines) == 7 and all(line["about"] == line["role"] for line in lines)


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    ledger = Ledger(prices=PRICES)
    record(ledger, model="new", usage=Usage(5, 5))
    assert ledger.total.cost_usd is None and format_cost(ledger.total) == "unknown"
    record(ledger, usage=Usage(1_000_000, 0))
    assert ledger.total.cost_usd is None
    assert format_cost(ledger.total) == "at least $2.00 (1 call of unknown cost)"
    record(ledger, outcome="timed_out")
    assert format_cost(ledger.total) == "at least $2.00 (2 calls of unknown cost)"


def test_known_costs_in_words() -> None:
    assert format_cost(Totals()) == "$0.00"
    assert format_cost(Totals(known_usd=1.234)) == "$1.23"
    assert format_cost(Totals(known_usd=0.0001)) == "less than $0.01"


def test_a_free_model_is_free_even_when_tokens_are_not_reported() -> None:
    ledger = Ledger(prices=PRICES)
    record(ledger, model="local", outcome="timed_out")
    assert ledger.total.cost_usd == 0.0 and ledger.total.budget_tokens > 0


def test_the_file_goes_on_where_it_ended_also_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "run" / "ledger.jsonl"
    first = Ledger(path, prices=PRICES)
    record(first, usage=Usage(7, 8), latency_s=0.5, request_sha256="ab")
    record(first, model="new", usage=Usage(1, 1))
    first.close()
    with path.open("ab") as file:
        file.write(b'{"run": "r1", "role": "cri')
    second = Ledger(path, prices=PRICES)
    assert second.total == first.total
    record(second, usage=Usage(7, 8))
    second.close()
    third = Ledger(path)
    assert third.total == second.total and third.totals("role", "model") == second.totals("role", "model")
    third.close()
    line = json.loads(path.read_text().splitlines()[0])
    assert line["prompt_tokens"] == 7 and line["cost_usd"] == pytest.approx(94e-6) and line["request_sha256"] == "ab"
    assert json.loads(path.read_text().splitlines()[1])["cost_usd"] is None


def test_budgets_in_tokens_and_dollars() -> None:
    ledger = Ledger(prices=PRICES)
    ledger.check(Budget())
    ledger.check(Budget(tokens=1, usd=0.01))
    record(ledger, usage=Usage(1_000_000, 0))
    with pytest.raises(BudgetSpent, match="used 1000000 of its 1000000 tokens"):
        ledger.check(Budget(tokens=1_000_000))
    with pytest.raises(BudgetSpent, match=r"used \$2\.00 of its \$2\.00"):
        ledger.check(Budget(usd=2.0))
    ledger.check(Budget(tokens=1_000_001, usd=2.01))


def test_a_call_of_unknown_size_counts_against_the_budget_by_an_upper_estimate() -> None:
    assert estimate_usage(REQUEST) == Usage(1551, 100)
    ledger = Ledger(prices=PRICES)
    record(ledger, outcome="timed_out")
    assert ledger.total.budget_tokens == 1651
    assert ledger.total.budget_usd == pytest.approx((1551 * 2 + 100 * 10) / 1e6)
    assert ledger.total.prompt_tokens == 0
