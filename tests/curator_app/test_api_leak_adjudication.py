"""Settling leakage checks over HTTP: who may, what they see, which bodies are taken; and the page of all kinds."""

from types import SimpleNamespace

import gradio as gr
import pytest

from curator_app.actions.differences import DIFFERENCES, count_differences
from curator_app.screens.adjudicate import build_adjudicate_page
from storage.accounts import Person, Role, list_accounts
from storage.claims import open_task
from storage.items import list_items
from storage.records import SETTLING_KINDS, TaskKind

MARKS = {"gives_away": "no", "sufficient": "yes", "unambiguous": "unsure", "telling_text": False, "words": []}
BOX = {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
KIND = {"kind": "leakage_adjudication"}


@pytest.fixture
def differing(browser, workspace):
    """The first item's two checks differ: ann keeps it, ben rejects it. Return its id."""
    with workspace.db.write() as session:
        item = list_items(session=session)[0]
        open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_CHECK, overlap=2)
        session.commit()
        name = item.id
    answer(browser("ann"), text="somebody falls", outcome="clean", named="yes", note="a general word")
    answer(browser("ben"), text="", outcome="reject", marks={"gives_away": "yes", "words": [[0, 5]], "box": BOX})
    return name


def answer(client, *, text, outcome, named="no", marks=None, note=""):
    claim = client.post("/api/v1/claims", json={"kind": "leakage_check"}).json()["claims"][0]
    path = f"/api/v1/leakage/{claim['claim_id']}"
    assert client.post(f"{path}/guess", json={"text": text, "sure": "sure", "seconds": 4}).status_code == 200
    assert client.post(f"{path}/findings", json=MARKS | (marks or {})).status_code == 200
    body = {"claim_id": claim["claim_id"], "idempotency_key": "k", "outcome": outcome, "guess_named_it": named}
    assert client.post("/api/v1/leakage/reviews", json=body | {"note": note}).status_code == 200


def claim_one(client):
    return client.post("/api/v1/claims", json=KIND).json()["claims"][0]


def settle(client, claim, **body):
    known = {"claim_id": claim["claim_id"], "idempotency_key": "s", "note": "the word names it"}
    return client.post("/api/v1/leakage/adjudications", json=known | body)


def test_the_checks_come_side_by_side_under_letters_and_without_names(browser, differing):
    reply = browser("ada").post("/api/v1/claims", json=KIND)
    (claim,) = reply.json()["claims"]
    assert (claim["kind"], claim["step"], claim["item"]["id"]) == ("leakage_adjudication", 4, differing)
    assert claim["item"]["hidden_hazard"] == "Somebody can fall over the low railing."
    assert claim["machine"]["source"] == "offline"
    assert claim["others"] == [
        {
            "who": "A", "guess": {"text": "somebody falls", "sure": "sure", "seconds": 4.0},
            "findings": MARKS | {"box": None}, "outcome": "clean", "rewrite": None, "guess_named_it": "yes",
            "note": "a general word",
        },
        {
            "who": "B", "guess": {"text": "", "sure": "sure", "seconds": 4.0},
            "findings": MARKS | {"gives_away": "yes", "words": [[0, 5]], "box": BOX}, "outcome": "reject",
            "rewrite": None, "guess_named_it": "no", "note": "",
        },
    ]  # fmt: skip
    assert not any(word in reply.text for word in ('"ann"', '"ben"', "user:", "reviewer"))


@pytest.mark.parametrize("name", ["ann", "ben", "mia", "nobody"])
def test_only_adjudicators_settle(browser, differing, name):
    client = browser(name)
    assert client.post("/api/v1/claims", json=KIND).status_code == 403
    assert settle(client, {"claim_id": "abc"}, side="A").status_code == 403
    if name != "mia":
        assert client.get("/api/v1/progress?kind=leakage_adjudication").status_code == 403


def test_nobody_learns_before_it_is_settled_what_the_others_found(browser, differing):
    for name, kind in (("root", "scenario_review"), ("ann", "scenario_review"), ("root", "leakage_check")):
        held = browser(name).post("/api/v1/claims", json={"kind": kind, "count": 20})
        assert held.status_code == 200
        assert "a general word" not in held.text
        assert '"others":[{' not in held.text.replace(" ", "")
    held, again = (claim_one(browser("ada")) for _ in range(2))
    assert again["claim_id"] == held["claim_id"]
    assert settle(browser("root"), held, side="A").status_code == 404


def test_an_admin_who_checked_the_item_is_not_given_its_difference(browser, workspace):
    with workspace.db.write() as session:
        item = list_items(session=session)[0]
        open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_CHECK, overlap=2)
        session.commit()
    answer(browser("root"), text="", outcome="clean")
    answer(browser("ann"), text="", outcome="reject")
    assert browser("root").post("/api/v1/claims", json=KIND).json()["claims"] == []
    assert len(browser("ada").post("/api/v1/claims", json=KIND).json()["claims"]) == 1


def test_siding_is_stored_once_and_undone_like_a_review(browser, workspace, differing):
    ada = browser("ada")
    claim = claim_one(ada)
    reply = settle(ada, claim, side="B")
    assert set(reply.json()) == {"review_id", "item_id", "repeated"}
    assert settle(ada, claim, side="B").json()["repeated"] is True
    with workspace.db.read() as session:
        assert list_items(session=session)[0].stage == "rejected"
    back = ada.post("/api/v1/reviews/undo", json={}).json()["claim"]
    assert (back["kind"], back["draft"]["side"], len(back["others"])) == ("leakage_adjudication", "B", 2)
    with workspace.db.read() as session:
        assert list_items(session=session)[0].stage == "refined"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "send the letter of an answer"),
        ({"side": "A", "outcome": "clean"}, "takes an answer as it stands"),
        ({"side": "AB"}, "pattern"),
        ({"side": "C"}, "there is no answer C"),
        ({"side": "A", "note": " "}, "needs a note that gives the reason"),
        ({"marks": MARKS, "outcome": "rewrite_covert"}, "needs the new query in `rewrite`"),
        ({"marks": MARKS | {"words": [[0, 4]]}, "outcome": "clean"}, "words are marked but gives_away is 'no'"),
        ({"marks": MARKS | {"more": 1}, "outcome": "clean"}, "not permitted"),
        ({"marks": MARKS, "outcome": "clean", "guess_named_it": "no"}, "not permitted"),
    ],
)
def test_a_bad_body_says_what_to_send(browser, differing, body, says):
    ada = browser("ada")
    reply = settle(ada, claim_one(ada), **body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")
    assert says in reply.text


def test_every_kind_of_difference_has_its_line_and_only_adjudicators_see_the_page(browser, workspace, differing):
    assert {each.kind for each in DIFFERENCES} == SETTLING_KINDS
    with workspace.db.read() as session:
        people = {each.person.name: each.person for each in list_accounts(session=session)}
    asking = SimpleNamespace(person=None)
    with gr.Blocks() as pages:
        build_adjudicate_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    (show,) = [fn.fn for fn in pages.fns.values() if fn.api_name == "adjudicate_show"]
    asking.person = people["ada"]
    html = show(None)
    assert "1 difference waits for you." in html
    assert 'href="/leakage?kind=leakage_adjudication"' in html
    claim = claim_one(browser("ada"))  # what one holds still waits
    assert [each.yours for each in count_differences(workspace, person=people["ada"])] == [0, 1, 0]
    settle(browser("ada"), claim, side="A")
    counted = count_differences(workspace, person=people["ada"])
    assert [(each.yours, each.settled, each.of) for each in counted] == [(0, 0, 0), (0, 1, 1), (0, 0, 0)]
    assert "Nothing waits for you." in show(None)
    for role in (Role.ANNOTATOR, Role.MAINTAINER):
        asking.person = Person(id=1, name="mia", roles=frozenset({role}))
        with pytest.raises(gr.Error, match="adjudicator"):
            show(None)
