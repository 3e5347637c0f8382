"""SIGKILL to the server under twenty reviewing clients: nothing acknowledged is lost, nothing is stored twice."""

import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fault_checks import Books, check_everything
from fault_clients import Reviewer
from fault_server import Server, make_workspace
from sqlmodel import col, select

from storage.db import Database
from storage.tables import ReviewRow, UserRow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ROUNDS = 20
"""Kills at random moments."""
AIMED_ROUNDS = 6
"""Kills at the worst moment: a review is stored, and its client has not been told."""
ROUNDS_WITH_PAGES = (0, 7, 14)
"""These run the full `curator serve`; the others the same server without the Gradio pages."""
ITEMS = 1500
SEED = 20260301
PEOPLE = [(f"ann{n}", "annotator") for n in range(18)] + [("ida", "adjudicator"), ("ivo", "adjudicator")]


def test_a_killed_server_loses_nothing(
    database_url: str,
    tmp_path: Path,
    new_server: Callable[..., Server],
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace, tokens = make_workspace(tmp_path / "home", database_url, people=PEOPLE, items=ITEMS)
    with workspace.db.read() as session:
        names = {row.id or 0: row.name for row in session.exec(select(UserRow))}
    server = new_server(tmp_path / "home", database_url)
    halt = threading.Event()
    clients = [
        Reviewer(
            port=server.port,
            name=name,
            token=tokens[name],
            kind="adjudication" if role == "adjudicator" else "scenario_review",
            seed=str(SEED),
            stop=halt,
        )
        for name, role in PEOPLE
    ]
    for client in clients:
        client.start()
    in_flight, acknowledged, hits = kill_over_and_over(server, clients, workspace.db)
    server.start()
    time.sleep(1)
    halt.set()
    for client in clients:
        client.join(timeout=60)
    assert not any(client.is_alive() for client in clients), "a client hangs"
    server.terminate(within_s=10)

    faults = [fault for client in clients for fault in client.counts.faults]
    assert not faults, f"{len(faults)} wrong answers, the first: {faults[:5]}\n{server.read_log()[-3000:]}"
    ledger = [sent for client in clients for sent in client.ledger]
    books = check_everything(workspace.db, ledger, names)
    workspace.close()

    figures = count(clients, books) | {"in flight at the kills": sum(in_flight), "aimed kills that hit": hits}
    with capsys.disabled():
        sys.stdout.write(f"\n{figures}\n")
    # The test would prove nothing if the kills had met an idle server.
    assert sum(in_flight) >= 5 * len(in_flight)
    assert sum(after > before for before, after in zip([0, *acknowledged], acknowledged, strict=False)) >= ROUNDS // 2
    assert figures["acknowledged"] >= 400 and figures["undone"] >= 10 and figures["unanswered"] >= 5
    assert figures["found stored on sending again"] >= 1 <= hits
    assert any(task.status == "open" for task in books.tasks.values() if task.kind == "scenario_review")


def kill_over_and_over(server: Server, clients: Sequence[Reviewer], db: Database) -> tuple[list[int], list[int], int]:
    """Return, per kill, (requests under way, submissions acknowledged so far), and how many aimed kills hit."""
    rng = random.Random(SEED)
    in_flight, acknowledged, hits = [], [], 0
    for turn in range(ROUNDS + AIMED_ROUNDS):
        server.start(pages=turn in ROUNDS_WITH_PAGES)
        time.sleep(rng.uniform(0.05, 2.5))
        if turn >= ROUNDS:
            hits += wait_for_untold_review(server, clients, db, rng)
        in_flight.append(sum(client.waiting for client in clients))
        server.kill()
        acknowledged.append(sum(sent.state == "acknowledged" for client in clients for sent in client.ledger))
    return in_flight, acknowledged, hits


def wait_for_untold_review(server: Server, clients: Sequence[Reviewer], db: Database, rng: random.Random) -> bool:
    """Stop the server at random moments until a stored review is unanswered; leaves it stopped then."""
    for _ in range(300):
        server.pause()
        time.sleep(0.05)  # what it had sent already arrives
        with db.read() as session:
            newest = session.exec(select(ReviewRow.idempotency_key).order_by(col(ReviewRow.id).desc()).limit(40)).all()
        last = [sent for client in clients for sent in client.ledger[-1:]]
        if {sent.key for sent in last if sent.state == "unanswered" and not sent.given_up} & set(newest):
            return True
        server.resume()
        time.sleep(rng.uniform(0.005, 0.05))
    return False


def count(clients: Sequence[Reviewer], books: Books) -> dict[str, int]:
    """Return the figures of a run."""
    ledger = [sent for client in clients for sent in client.ledger]
    return {
        "submissions": len(ledger),
        **{state: sum(sent.state == state for sent in ledger) for state in ("acknowledged", "unanswered", "refused")},
        "undone": sum(client.counts.undone for client in clients),
        "requests cut off or refused": sum(client.counts.lost for client in clients),
        "found stored on sending again": sum(client.counts.found_stored for client in clients),
        "decisions": len(books.decisions),
        "audit events": books.report.events,
    }
