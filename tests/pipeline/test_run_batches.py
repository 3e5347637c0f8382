"""A run through the batch API, chosen in the endpoints file: planned at half the cost, killed, resumed, paid once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))

from batch_books import BatchBooks
from faulty_server import completion
from picture_server import PictureServer
from run_pipeline import endpoints_file, make_config
from scripted_models import answer_body
from typer.testing import CliRunner

from curator_app.cli import app
from endpoints.ledger import read_lines

CURATOR = [sys.executable, "-c", "from curator_app.cli import main; main()"]
PRICES = {"prompt_usd_per_million": 200.0, "completion_usd_per_million": 800.0}


class HeldBooks(BatchBooks):
    """Ends its batches at once, up to one that it holds until `looks` is 1 again."""

    held: int | None = None

    def make(self, asked: dict[str, Any]) -> dict[str, Any]:
        made = super().make(asked)
        if len(self.batches) == self.held:
            self.looks = 10**9
        return made


def answer(body: dict[str, Any]) -> tuple[int, Any]:
    return 200, completion(answer_body("", body), body)


def write_endpoints(home: Path, url: str, kind: str) -> None:
    content = endpoints_file(url)
    near = {"kind": kind, "base_url": url, "model": "m", "prices": PRICES}
    if kind == "openai_batch":
        near |= {"gather_s": 0.05, "poll_s": 0.02}
    content["endpoints"]["near"] = near
    (home / "endpoints.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def most_usd(said: str) -> float:
    return float(said.split("Cost at most: $")[1].split(",")[0])


def count_sent(books: BatchBooks) -> Counter[str]:
    """Return how often each call stands in a batch that was made."""
    files = [books.files[batch["input_file_id"]] for batch in books.batches.values()]
    return Counter(json.loads(line)["custom_id"] for file in files for line in file.splitlines())


def test_a_run_goes_through_the_batch_api_and_a_killed_one_takes_its_batches_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("CURATOR_HOME", str(home))
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    trial = home / "trial.yaml"
    config = make_config(quotas={"dependants": 4, "property": 4}, grounding={"pictures": "none"})
    trial.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_none=True)), "utf-8")
    books = HeldBooks(answer, looks=1)
    with PictureServer(batches=books, models=["m"], answer=answer_body) as server:
        plans = []
        for kind in ("openai", "openai_batch"):
            write_endpoints(home, server.url, kind)
            dry = CliRunner().invoke(app, ["run", str(trial), "--dry-run"])
            assert dry.exit_code == 0, dry.output
            plans.append(dry.output)
        assert most_usd(plans[1]) == pytest.approx(most_usd(plans[0]) / 2, abs=0.01)
        assert "no batch was made, for one may take 24h" in plans[1] and not books.batches
        books.held = 3
        asked_in_plans = server.requests.total()
        child = subprocess.Popen([*CURATOR, "run", str(trial)], env=os.environ.copy())
        while child.poll() is None and not (books.looks > 1 and "looks" in list(books.batches.values())[-1]):
            time.sleep(0.01)
        assert child.poll() is None, "the run ended before it was killed"
        child.send_signal(signal.SIGKILL)
        child.wait()
        books.looks = 1
        resumed = CliRunner().invoke(app, ["run", str(trial)])
        assert resumed.exit_code == 0, resumed.output
        assert server.requests.total() == asked_in_plans  # none of its calls went another way
    assert len(books.batches) > 3 and set(count_sent(books).values()) == {1}
    folder = home / "runs/trial"
    assert len(list((folder / "cache/batches/near").glob("*.json"))) == len(books.batches)
    report = json.loads((folder / "report.json").read_text())
    assert report["funnel"][-1]["items"] > 0 and report["errors"] == []
    paid = [line for line in read_lines(folder / "ledger.jsonl") if line["outcome"] == "reply"]
    assert {line["request_sha256"] for line in paid} == set(count_sent(books))
    assert sum(line["cost_usd"] for line in paid) == pytest.approx(len(paid) * (20 * 200 + 10 * 800) / 1e6 / 2)
