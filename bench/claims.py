"""Claim + submit pairs per second over HTTP with 50 clients: SQLite, PostgreSQL, and Label Studio beside them.

    python -m bench.claims [--seconds 20] [--clients 50] [--items 20000] [--skip-label-studio]

A client is a thread with one kept-open connection and an account of its own. It claims one item, submits a
review, and begins again without a pause. Label Studio's pair is its next task and a new annotation; its server is
the one that `label-studio start` runs. All three are measured in one run; the ratio is printed against Label Studio.
"""

import argparse
import http.client
import itertools
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from bench import label_studio
from bench.big_database import fill
from bench.results_file import percentile, write_results
from bench.servers import add_annotators, make_workspace, serve_curator, serve_postgres
from storage.records import Grounding, Provenance

WARM_UP_S = 3.0
OVERLAP = 2
Pair = Callable[["Client"], bool]


class Client:
    """One person's connection to a server."""

    def __init__(self, address: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlparse(address).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the decoded body."""
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, data, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


def curator_pair() -> Pair:
    """Return the function that does one claim and one submission."""
    numbers = itertools.count()

    def pair(client: Client) -> bool:
        status, answer = client.send("POST", "/api/v1/claims", {"kind": "scenario_review", "count": 1})
        if status != 200 or not answer["claims"]:
            raise RuntimeError(f"claim: {status} {answer}")
        body = {
            "claim_id": answer["claims"][0]["claim_id"],
            "verdict": "reject" if next(numbers) % 4 == 0 else "approve",
            "reasons": [],
            "answers": {"query_benignness": "yes", "risk_clarity": "unsure"},
            "seconds": 4.2,
            "idempotency_key": f"{threading.get_ident()}-{time.monotonic_ns()}",
        }
        if body["verdict"] == "reject":
            body["reasons"] = ["far_fetched_chain"]
        status, answer = client.send("POST", "/api/v1/reviews", body)
        if status != 200:
            raise RuntimeError(f"submit: {status} {answer}")
        return True

    return pair


def label_studio_pair(project: int) -> Pair:
    """Return the function that does one next task and one annotation."""
    choice = {"from_name": "verdict", "to_name": "query", "type": "choices", "value": {"choices": ["approve"]}}

    def pair(client: Client) -> bool:
        status, task = client.send("GET", f"/api/projects/{project}/next")
        if status != 200:
            raise RuntimeError(f"next task: {status} {task}")
        body = {"result": [choice], "lead_time": 4.2}
        status, answer = client.send("POST", f"/api/tasks/{task['id']}/annotations/", body)
        if status != 201:
            raise RuntimeError(f"annotation: {status} {answer}")
        return True

    return pair


def measure(address: str, tokens: list[str], pair: Pair, *, seconds: float) -> dict[str, float]:
    """Return pairs per second and the pair's latency in ms, over `seconds` after a warm-up."""
    begin = time.monotonic() + WARM_UP_S
    end = begin + seconds
    latencies: list[float] = []
    errors: list[str] = []

    def work(token: str) -> None:
        client = Client(address, token)
        try:
            while (start := time.monotonic()) < end:
                pair(client)
                if begin <= time.monotonic() <= end:
                    latencies.append((time.monotonic() - start) * 1000)
        except (RuntimeError, OSError, http.client.HTTPException) as exc:
            errors.append(str(exc))

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(f"{len(errors)} clients failed, the first with: {errors[0]}")
    return {
        "pairs": len(latencies),
        "pairs_per_s": round(len(latencies) / seconds, 2),
        "pair_ms_p50": round(percentile(latencies, 0.5), 1),
        "pair_ms_p95": round(percentile(latencies, 0.95), 1),
    }


def measure_curator(*, home: Path, database_url: str, items: int, clients: int, seconds: float) -> dict[str, float]:
    """Measure our server on one database."""
    workspace = make_workspace(home=home, database_url=database_url, overlap=OVERLAP)
    provenance = Provenance(actor="bench", tool="bench.claims")
    nothing = Grounding(source="description", licence="Apache-2.0", provenance=provenance)
    fill(db=workspace.db, items=items, overlap=OVERLAP, groundings=[nothing])
    tokens = add_annotators(workspace, clients)
    workspace.close()
    with serve_curator(home=home, database_url=database_url) as address:
        return measure(address, tokens, curator_pair(), seconds=seconds)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--skip-label-studio", action="store_true")
    options = parser.parse_args()
    shared = {"items": options.items, "clients": options.clients, "seconds": options.seconds}
    figures: dict[str, Any] = {"settings": shared | {"overlap": OVERLAP}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures["sqlite"] = measure_curator(home=folder / "sqlite", database_url="", **shared)
        print("SQLite       ", figures["sqlite"])
        with serve_postgres(folder / "pg") as url:
            figures["postgresql"] = measure_curator(home=folder / "postgresql", database_url=url, **shared)
        print("PostgreSQL   ", figures["postgresql"])
        if not options.skip_label_studio:
            (folder / "ls").mkdir()
            with label_studio.serve(folder / "ls") as address:
                project, tokens = label_studio.prepare(address, tasks=2000, people=options.clients, overlap=OVERLAP)
                pair = label_studio_pair(project)
                # Its pairs take seconds with this many clients, so that a short look would count too few of them.
                figures["label_studio"] = measure(address, tokens, pair, seconds=max(60, options.seconds))
            print("Label Studio ", figures["label_studio"])
            base = figures["label_studio"]["pairs_per_s"]
            figures["ratio_to_label_studio"] = {
                name: round(figures[name]["pairs_per_s"] / base, 1) for name in ("sqlite", "postgresql")
            }
            print("ratio to Label Studio:", figures["ratio_to_label_studio"], "(held to at least 10)")
            print("kept in", write_results("claims", figures))


if __name__ == "__main__":
    main()
