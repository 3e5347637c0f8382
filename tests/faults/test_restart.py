"""What a restart keeps, how a server ends, and two servers on one workspace."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from fault_checks import check_everything
from fault_clients import Reviewer
from fault_server import Caller, Lost, Server, make_workspace
from sqlmodel import select

from storage import accounts
from storage.audit import lock_chain, verify_chain
from storage.tables import ReviewRow, UserRow

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_claims_drafts_sessions_and_links_outlive_the_server(
    end: str, database_url: str, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    home = tmp_path / "home"
    workspace, tokens = make_workspace(home, database_url, people=[("ann", "annotator")], items=8)
    with workspace.db.write() as session:
        used, unused = (
            accounts.make_link(session=session, name="ann", ttl=timedelta(hours=1), actor="tests") for _ in range(2)
        )
        session.commit()
    workspace.close()
    server = new_server(home, database_url)
    server.start(pages=True)
    ann = Caller(server.port, token=tokens["ann"])
    wanted = {"kind": "scenario_review", "count": 3, "holder": "tab-1"}
    _, before = ann.call("POST", "/api/v1/claims", wanted)
    claims = [claim["claim_id"] for claim in before["claims"]]
    draft = {"verdict": "revise", "note": "half a thought"}
    assert ann.call("PUT", f"/api/v1/claims/{claims[1]}/draft", draft)[0] == 200
    cookie = follow_link(server, used)
    assert cookie is not None

    server.terminate(within_s=10) if end == "terminate" else server.kill()
    server.start()
    ann.close()  # the connection to the server that was

    _, after = ann.call("POST", "/api/v1/claims", wanted)
    assert [claim["claim_id"] for claim in after["claims"]] == claims
    assert [claim["draft"] for claim in after["claims"]] == [None, draft, None]
    browser = Caller(server.port, cookie=cookie)
    assert browser.call("GET", "/api/v1/me")[1]["name"] == "ann"
    assert browser.call("POST", f"/api/v1/claims/{claims[0]}/renew")[0] == 200
    assert follow_link(server, used) is None, "a link works once, before or after a restart"
    assert follow_link(server, unused) is not None
    server.terminate(within_s=10)
    server.start()
    assert follow_link(server, unused) is None


def test_two_servers_on_one_sqlite_workspace_keep_the_books(tmp_path: Path, new_server: Callable[..., Server]) -> None:
    people = [(f"ann{n}", "annotator") for n in range(10)] + [("ida", "adjudicator")]
    workspace, tokens = make_workspace(tmp_path / "home", people=people, items=400)
    with workspace.db.read() as session:
        names = {row.id or 0: row.name for row in session.exec(select(UserRow))}
    servers = [new_server(tmp_path / "home") for _ in range(2)]
    for server in servers:
        server.start()
    halt, rng = threading.Event(), random.Random(11)
    clients = [
        Reviewer(
            port=lambda: rng.choice(servers).port,
            name=name,
            token=tokens[name],
            kind="adjudication" if role == "adjudicator" else "scenario_review",
            seed="two",
            stop=halt,
        )
        for name, role in people
    ]
    for client in clients:
        client.start()
    time.sleep(12)
    halt.set()
    for client in clients:
        client.join(timeout=60)
    assert not any(client.is_alive() for client in clients), "a client hangs"
    for server in servers:
        server.terminate(within_s=10)
    faults = [fault for client in clients for fault in client.counts.faults]
    assert not faults, f"{len(faults)} wrong answers, the first: {faults[:5]}\n{servers[0].read_log()[-3000:]}"
    assert [client.counts.lost for client in clients] == [0] * len(clients)
    ledger = [sent for client in clients for sent in client.ledger]
    check_everything(workspace.db, ledger, names)
    workspace.close()
    assert sum(sent.state == "acknowledged" for sent in ledger) >= 100
    assert sum(client.counts.busy for client in clients) == 0, "nobody waits 20 s for a fair turn"


def test_sigterm_lets_open_requests_finish(
    database_url: str, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    people = [(f"ann{n}", "annotator") for n in range(6)]
    workspace, tokens = make_workspace(tmp_path / "home", database_url, people=people, items=6)
    server = new_server(tmp_path / "home", database_url)
    server.start()
    callers = [Caller(server.port, token=tokens[name]) for name, _ in people]
    claims = [claim_one(caller) for caller in callers]
    with ThreadPoolExecutor(len(callers)) as pool:
        with workspace.db.write() as session:
            lock_chain(session=session)  # submissions wait for us, on both databases
            sending = [pool.submit(submit, *pair) for pair in zip(callers, claims, strict=True)]
            wait_until_sent(callers)
            asked = time.monotonic()
            assert server.process is not None
            server.process.terminate()
            time.sleep(1.5)
            assert server.process.poll() is None, "the server left its open requests"
        answers = [future.result(timeout=30) for future in sending]
    assert server.wait(within_s=10) == 0
    assert time.monotonic() - asked < 10
    assert [status for status, _ in answers] == [200] * len(callers), answers
    with workspace.db.read() as session:
        assert {row.id for row in session.exec(select(ReviewRow))} == {told["review_id"] for _, told in answers}
        verify_chain(session=session)
    workspace.close()
    with pytest.raises(Lost):
        callers[0].call("GET", "/healthz")


def test_sigterm_ends_a_server_whose_request_is_stuck(
    database_url: str, tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    workspace, tokens = make_workspace(tmp_path / "home", database_url, people=[("ann", "annotator")], items=2)
    server = new_server(tmp_path / "home", database_url)
    server.start()
    ann = Caller(server.port, token=tokens["ann"])
    claim_id = claim_one(ann)
    with ThreadPoolExecutor(1) as pool, workspace.db.write() as session:
        lock_chain(session=session)
        sending = pool.submit(submit, ann, claim_id)
        wait_until_sent([ann])
        assert server.terminate(within_s=10) == 0
        status, answer = sending.result(timeout=30)
        assert (status, answer["error"]["code"]) == (503, "busy")
        assert "send it again" in answer["error"]["message"]
    assert "Traceback" not in server.read_log()
    ann.close()
    server.start()
    status, told = submit(ann, claim_id)
    assert status == 200
    with workspace.db.read() as session:
        assert [row.id for row in session.exec(select(ReviewRow))] == [told["review_id"]]
    workspace.close()


def follow_link(server: Server, secret: str) -> str | None:
    """Use a one-time link; return the cookie that the browser gets, None when the link is refused."""
    status, headers, _ = Caller(server.port).call_raw("POST", f"/link/{secret}")
    if status != 303:
        assert status == 403, status
        return None
    return str(headers["set-cookie"]).split(";")[0]


def claim_one(caller: Caller) -> str:
    _, answer = caller.call("POST", "/api/v1/claims", {"kind": "scenario_review", "count": 1})
    return str(answer["claims"][0]["claim_id"])


def submit(caller: Caller, claim_id: str) -> tuple[int, dict[str, object]]:
    body = {"claim_id": claim_id, "verdict": "approve", "seconds": 2, "idempotency_key": f"key-{claim_id}"}
    return caller.call("POST", "/api/v1/reviews", body)


def wait_until_sent(callers: list[Caller]) -> None:
    deadline = time.monotonic() + 20
    while not all(caller.waiting for caller in callers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # under way is not yet arrived
