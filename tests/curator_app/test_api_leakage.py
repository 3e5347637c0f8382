"""Leakage checks over HTTP: what each answer holds, and above all what it does not hold yet."""

import re

import pytest

from curator_app.actions.leak_checks import describe_rates, open_checks, read_rates
from storage.claims import open_task
from storage.errors import InvalidRecord, NotFound
from storage.items import list_items
from storage.records import TaskKind

MARKS = {"gives_away": "no", "sufficient": "yes", "unambiguous": "unsure", "telling_text": False, "words": []}
HIDDEN = (
    "railing",
    "media",
    "image",
    "self_harm",
    "Self-Harm",
    "category",
    "hazard",
    "chain",
    "alt",
    "A plain picture",
)
"""What an answer must not hold before the guess is locked: values of the item, and the names of the fields for them."""


@pytest.fixture(autouse=True)
def checks(workspace):
    """Every item asks two people for a leakage check."""
    with workspace.db.write() as session:
        for item in list_items(session=session):
            open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_CHECK, overlap=2)
        session.commit()


def claim_one(client):
    reply = client.post("/api/v1/claims", json={"kind": "leakage_check", "count": 1})
    assert reply.status_code == 200, reply.text
    return reply, reply.json()["claims"][0]


def lock(client, claim, text="somebody falls"):
    return client.post(
        f"/api/v1/leakage/{claim['claim_id']}/guess", json={"text": text, "sure": "fairly", "seconds": 9}
    )


def find(client, claim, **changes):
    return client.post(f"/api/v1/leakage/{claim['claim_id']}/findings", json=MARKS | changes)


def outcome(claim, **changes):
    body = {"claim_id": claim["claim_id"], "idempotency_key": "k", "outcome": "clean", "guess_named_it": "no"}
    return body | changes


def finish(client, **changes):
    _, claim = claim_one(client)
    lock(client, claim)
    find(client, claim)
    return claim, client.post("/api/v1/leakage/reviews", json=outcome(claim, **changes))


def test_before_the_guess_is_locked_an_answer_holds_the_query_and_nothing_else(browser):
    ann = browser("ann")
    reply, claim = claim_one(ann)
    assert set(claim["item"]) == {"id", "label", "query"}
    assert (claim["step"], claim["guess"], claim["findings"], claim["machine"]) == (1, None, None, None)
    assert [word for word in HIDDEN if word in reply.text] == []
    ann.put(f"/api/v1/claims/{claim['claim_id']}/draft", json={"guess": "a fall"})
    renewed = ann.post(f"/api/v1/claims/{claim['claim_id']}/renew")
    again, _ = claim_one(ann)
    progress = ann.get("/api/v1/progress?kind=leakage_check")
    for other in (renewed, again, progress):
        assert [word for word in HIDDEN if word in other.text] == []


def test_a_locked_guess_shows_the_picture_but_neither_hazard_nor_detectors(browser):
    ann = browser("ann")
    _, claim = claim_one(ann)
    reply = lock(ann, claim)
    shown = reply.json()["claim"]
    assert shown["step"] == 2
    assert re.fullmatch(r"/media/[0-9a-f]{64}", shown["item"]["image"]["url"])
    assert shown["item"]["category"]["title"] == "Self-Harm"
    assert shown["guess"] == {"text": "somebody falls", "sure": "fairly", "seconds": 9.0}
    assert [word for word in ("hazard", "railing", "causal") if word in reply.text] == []
    assert (shown["item"]["scene"], shown["findings"], shown["machine"]) == (None, None, None)
    assert lock(ann, claim).status_code == 200
    changed = lock(ann, claim, "a fire")
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "conflict")
    assert claim_one(ann)[1]["step"] == 2  # after a reload


def test_locked_findings_show_the_hazard_and_what_the_machine_found(browser):
    ann = browser("ann")
    _, claim = claim_one(ann)
    assert find(ann, claim).status_code == 409  # the guess comes first
    lock(ann, claim)
    box = {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    shown = find(ann, claim, gives_away="unsure", words=[[0, 5]], box=box).json()["claim"]
    assert shown["step"] == 3
    assert shown["item"]["hidden_hazard"] == "Somebody can fall over the low railing."
    assert (shown["findings"]["box"], shown["findings"]["words"]) == (box, [[0, 5]])
    assert shown["machine"]["source"] == "offline"
    assert [(way["way"], way["leaks"]) for way in shown["machine"]["ways"]] == [
        ("words", False), ("picture text", None), ("embedding", None), ("text-only probe", None),
    ]  # fmt: skip
    assert find(ann, claim).status_code == 409


def test_an_outcome_is_stored_once_and_undo_keeps_what_was_locked(browser):
    ann = browser("ann")
    claim, reply = finish(ann)
    assert set(reply.json()) == {"review_id", "item_id", "repeated"}
    again = ann.post("/api/v1/leakage/reviews", json=outcome(claim))
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    back = ann.post("/api/v1/reviews/undo", json={}).json()["claim"]
    assert (back["kind"], back["step"], back["draft"]["outcome"]) == ("leakage_check", 3, "clean")
    assert lock(ann, back, "another").status_code == 409


def test_nobody_learns_what_others_said(browser):
    for name in ("ann", "ben"):
        _, reply = finish(browser(name), note="a secret word")
        assert reply.status_code == 200
    held = browser("root").post("/api/v1/claims", json={"kind": "leakage_check", "count": 6})
    assert "secret" not in held.text


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"outcome": "rewrite_covert"}, "", "needs the new query in `rewrite`"),
        ({"outcome": "approve"}, "outcome", "clean"),
        ({"guess_named_it": "perhaps"}, "guess_named_it", "partly"),
    ],
)
def test_a_bad_outcome_says_what_to_send(browser, changes, field, says):
    _, reply = finish(browser("ann"), **changes)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (422, "invalid")
    assert says in reply.text
    assert field in str(error["fields"])


@pytest.mark.parametrize("name", ["ada", "mia", "nobody"])
def test_only_annotators_check(browser, name):
    client = browser(name)
    assert client.post("/api/v1/claims", json={"kind": "leakage_check"}).status_code == 403
    assert client.post("/api/v1/leakage/abc/guess", json={}).status_code == 403
    assert client.post("/api/v1/leakage/abc/findings", json=MARKS).status_code == 403
    assert client.post("/api/v1/leakage/reviews", json=outcome({"claim_id": "abc"})).status_code == 403


def test_nobody_locks_under_a_claim_of_somebody_else(browser):
    _, claim = claim_one(browser("ann"))
    assert lock(browser("ben"), claim).status_code == 404


def test_the_rate_of_right_guesses_comes_with_its_interval_beside_the_detectors(browser, workspace):
    mia = browser("mia")
    assert mia.get("/api/v1/leakage/rates").json()["leaks_found"] == []
    for name, named in (("ann", "yes"), ("ben", "partly")):
        _, reply = finish(browser(name), guess_named_it=named)
        assert reply.status_code == 200
    assert browser("ann").get("/api/v1/leakage/rates").status_code == 403
    rates = mia.get("/api/v1/leakage/rates").json()
    right = rates["right_guesses"]["present_wordings"]
    assert (right["hits"], right["of"], right["rate"], right["partly"]) == (1, 2, 0.5, 1)
    assert right["interval_95"] == pytest.approx([0.0945, 0.9055], abs=1e-4)
    found = [(one["by"], one["hits"], one["of"]) for one in rates["leaks_found"]]
    assert found == [
        ("People, from the words alone", 1, 1), ("People, with the picture", 0, 1), ("Word list", 0, 1),
    ]  # fmt: skip
    lines = describe_rates(read_rates(workspace))
    assert lines[0][:2] == ("Hazard named, present wordings", "50.0% (9.5 to 90.5%) of 2 answers")


def test_checks_are_opened_once_for_what_is_in_review(workspace):
    with workspace.db.read() as session:
        numbers = [item.number for item in list_items(session=session)]
    with workspace.db.write() as session:
        session.connection().exec_driver_sql("DELETE FROM tasks WHERE kind = 'leakage_check' AND item_number = 1")
        session.connection().exec_driver_sql("UPDATE items SET stage = 'rejected' WHERE number = 2")
        session.commit()
    done = open_checks(workspace, overlap=3)
    assert (done.opened, done.present_before) == (1, len(numbers) - 2)
    assert open_checks(workspace).opened == 0
    with workspace.db.read() as session:
        query = "SELECT overlap, open_slots FROM tasks WHERE kind = 'leakage_check' AND item_number = 1"
        assert session.connection().exec_driver_sql(query).one() == (3, 3)
    with pytest.raises(NotFound, match="no item of batch 'nosuch'"):
        open_checks(workspace, batch="nosuch")
    with pytest.raises(InvalidRecord, match="overlap 99 is out of range; ask 1 to 20"):
        open_checks(workspace, overlap=99)
