"""Clients that review over HTTP and keep a ledger of what the server acknowledged, across lost servers.

Each is a thread with a person and a token of its own. A submission keeps its idempotency key until it is answered,
and is sent again after a reconnect; now and then a client gives up instead, as a closed browser does.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from fault_server import Caller, Lost

GIVE_UP = 0.25
"""Share of the submissions under way that are not sent again when the server is lost."""


@dataclass
class Sent:
    """One submission, and what is known of its fate."""

    person: str
    key: str
    """The idempotency key; the review's note repeats it, so that its record can be found."""
    claim_id: str
    item_id: str
    verdict: str
    state: Literal["unanswered", "acknowledged", "refused"] = "unanswered"
    review_id: int | None = None
    undone: Literal["no", "perhaps", "yes"] = "no"
    given_up: bool = False
    """The client will not send it again."""


@dataclass
class Counts:
    """What happened to a client; for the test's own proof that faults were met."""

    lost: int = 0
    found_stored: int = 0
    """Submissions whose answer was lost, found stored when they were sent again."""
    undone: int = 0
    busy: int = 0
    """Answers that said that the database stayed locked, or did not answer."""
    full: int = 0
    """Answers that said that the disk is full."""
    faults: list[str] = field(default_factory=list)
    """Answers that must not happen."""

    @property
    def uncertain(self) -> int:
        """Requests after which a client cannot know whether they were carried out."""
        return self.lost + self.busy


class Reviewer(threading.Thread):
    """Claims, submits, renews, releases, skips, saves drafts and undoes until it is told to stop."""

    def __init__(
        self, *, port: int | Callable[[], int], name: str, token: str, kind: str, seed: str, stop: threading.Event
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._next_port = port if callable(port) else lambda: port
        self._callers: dict[int, Caller] = {}
        self._token = token
        self._kind = kind
        self._rng = random.Random(f"{seed}-{name}")
        self._halt = stop
        self.ledger: list[Sent] = []
        self.counts = Counts()

    @property
    def waiting(self) -> bool:
        """Whether a request is under way."""
        return any(caller.waiting for caller in list(self._callers.values()))

    def run(self) -> None:
        """Work until told to stop; an error of the client itself is a fault."""
        try:
            while not self._halt.is_set():
                self._take_turn()
        except Exception as exc:
            self.counts.faults.append(f"{self.name} broke: {exc!r}")

    def _take_turn(self) -> None:
        if self._rng.random() < 0.12:
            self._undo()
        status, answer = self._insist("POST", "/api/v1/claims", {"kind": self._kind, "count": self._rng.randint(1, 3)})
        if status != 200:
            self._fault("claim", status, answer)
            return
        if not answer["claims"]:
            self._expect("unskip", {200}, *self._insist("POST", "/api/v1/claims/unskip", {"kind": self._kind}))
            time.sleep(0.05)
        for claim in answer["claims"]:
            self._work_on(claim)

    def _work_on(self, claim: dict[str, Any]) -> None:
        path = f"/api/v1/claims/{claim['claim_id']}"
        dice = self._rng.random()
        if dice < 0.06:
            self._expect("skip", {204}, *self._insist("POST", f"{path}/skip"))
            return
        if dice < 0.12:
            self._expect("release", {204}, *self._insist("POST", f"{path}/release"))
            return
        if dice < 0.2:
            self._expect("renew", {200, 409}, *self._insist("POST", f"{path}/renew"))
        elif dice < 0.28:
            self._expect("draft", {200}, *self._insist("PUT", f"{path}/draft", {"note": "half a thought"}))
        self._submit(claim)

    def _submit(self, claim: dict[str, Any]) -> None:
        key = f"{self.name}-{len(self.ledger)}"
        body = self._answer(claim, key)
        item_id = claim["item"]["id"]
        sent = Sent(self.name, key, claim["claim_id"], item_id, body["verdict"])
        self.ledger.append(sent)
        before = self.counts.uncertain
        result = self._insist("POST", "/api/v1/reviews", body, give_up=GIVE_UP)
        if result is None:
            sent.given_up = True
            return
        status, answer = result
        if status == 409:
            sent.state = "refused"
            return
        if not self._expect("submit", {200}, status, answer):
            return
        sent.state, sent.review_id = "acknowledged", answer["review_id"]
        if answer["repeated"]:
            self.counts.found_stored += 1
            if self.counts.uncertain == before:
                self.counts.faults.append(f"{key}: the first answer calls itself repeated")
        if answer["item_id"] != item_id:
            self.counts.faults.append(f"{key}: sent for item {item_id}, acknowledged for {answer['item_id']}")
        if self._rng.random() < 0.08:
            status, again = self._insist("POST", "/api/v1/reviews", body | {"seconds": 99.0})
            if self._expect("repeat", {200}, status, again) and again != answer | {"repeated": True}:
                self.counts.faults.append(f"{key}: acknowledged as {answer}, on repeating as {again}")

    def _answer(self, claim: dict[str, Any], key: str) -> dict[str, Any]:
        """Most people agree about most items; the item's id says on what."""
        usual = "reject" if int(claim["item"]["id"], 16) % 3 == 0 else "approve"
        other = self._rng.choice(("approve", "reject", "revise"))
        verdict = usual if self._rng.random() < 0.8 else other
        body = {"claim_id": claim["claim_id"], "idempotency_key": key, "verdict": verdict, "note": key, "seconds": 1.5}
        if verdict != "approve":
            body["reasons"] = ["leakage"]
        if verdict == "revise":
            body["edits"] = {"query": f"Is there room for a chair, take {key}?"}
        return body

    def _undo(self) -> None:
        """Take back one of the last five acknowledged reviews, by its id."""
        recent = [sent for sent in self.ledger if sent.state == "acknowledged" and sent.undone == "no"][-5:]
        if not recent:
            return
        sent = self._rng.choice(recent)
        sent.undone = "perhaps"
        before = self.counts.uncertain
        status, answer = self._insist("POST", "/api/v1/reviews/undo", {"review_id": sent.review_id})
        if not self._expect("undo", {200, 404, 409}, status, answer):
            return
        if status == 200:
            sent.undone = "yes"
            self.counts.undone += 1
        elif self.counts.uncertain == before:
            sent.undone = "no"

    def _insist(self, method: str, path: str, body: dict[str, Any] | None = None, give_up: float = 0.0) -> Any:
        """Send until answered; return (status, answer), or None after giving up a request that was under way."""
        gives_up = self._rng.random() < give_up
        while True:
            port = self._next_port()
            caller = self._callers.setdefault(port, Caller(port, token=self._token))
            try:
                status, answer = caller.call(method, path, body)
            except Lost as exc:
                self.counts.lost += 1
                if gives_up and not isinstance(exc.__cause__, ConnectionRefusedError):
                    return None
                time.sleep(0.02 + 0.05 * self._rng.random())
                continue
            if status == 503:  # busy: nothing was kept, sending again is what the message asks for
                self.counts.busy += 1
                time.sleep(0.1)
                continue
            if status == 507:
                self.counts.full += 1
                self._check_full(answer)
                time.sleep(0.05)
                continue
            return status, answer

    def _check_full(self, answer: dict[str, Any]) -> None:
        error = answer.get("error", {})
        if error.get("code") != "storage_full" or "free some room" not in error.get("message", ""):
            self._fault("full disk", 507, answer)

    def _expect(self, what: str, allowed: set[int], status: int, answer: dict[str, Any]) -> bool:
        if status not in allowed:
            self._fault(what, status, answer)
        return status in allowed

    def _fault(self, what: str, status: int, answer: dict[str, Any]) -> None:
        self.counts.faults.append(f"{self.name} {what}: {status} {answer}")
