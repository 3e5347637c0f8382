"""A benchmark run whose target and judges are asked through the batch API."""

import json
from pathlib import Path
from typing import Any

from batch_books import BatchBooks
from faulty_server import FaultyServer, completion
from judge_runs import RUN, answer_body, make_item, make_release, run_all, write_endpoints

from endpoints.ledger import read_ledger
from judge.benchmark import OPEN_ITEMS

ITEMS = OPEN_ITEMS + 30


def answer(body: dict[str, Any]) -> tuple[int, Any]:
    return 200, completion(answer_body("", body), body)


def test_answers_and_judgments_go_in_batches_larger_than_what_is_usually_open(tmp_path: Path) -> None:
    make_release(tmp_path / "release", [make_item(number) for number in range(ITEMS)])
    books = BatchBooks(answer, looks=1)
    with FaultyServer(batches=books) as server:
        write_endpoints(tmp_path, server.url)
        file = json.loads((tmp_path / "endpoints.yaml").read_text())
        for entry in file["endpoints"].values():
            del entry["max_concurrency"], entry["timeout_s"]
            entry |= {"kind": "openai_batch", "gather_s": 0.3, "poll_s": 0.01}
        (tmp_path / "endpoints.yaml").write_text(json.dumps(file))
        run_all(tmp_path, tmp_path / "release")
        assert server.requests.total() == 0
    sizes = [books.files[batch["input_file_id"]].count(b"\n") + 1 for batch in books.batches.values()]
    assert sum(sizes) == 3 * ITEMS and max(sizes) > OPEN_ITEMS
    total = read_ledger(tmp_path / "judge-runs" / RUN / "ledger.jsonl").total
    assert (total.calls, total.failed) == (3 * ITEMS, 0)
    assert abs(total.known_usd - 3 * ITEMS * (20 * 1.0 + 10 * 2.0) / 1e6 / 2) < 1e-9
