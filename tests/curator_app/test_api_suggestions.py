"""What models found, over HTTP: after the own answer, to its author alone, and as the item's run left it."""

import pytest
from factories import make_provenance
from run_workspace import ask_for, open_models, write_endpoints

from curator_app.actions.item_history import read_history
from curator_app.actions.runs import run
from storage.accounts import Person, Role
from storage.items import attach, get_item, list_items
from storage.records import FilterVerdict, GroundTruth, TaskKind
from storage.reviews import open_task
from storage.stages import Stage

MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
PLANTED = "The flaw that its author planted."


def claim_one(client):
    return client.post("/api/v1/claims", json={"count": 1}).json()["claims"][0]


def submit(client, claim, **changes):
    body = {"verdict": "approve", "answers": {"query_benignness": "yes"}, "claim_id": claim["claim_id"]}
    reply = client.post("/api/v1/reviews", json=body | {"idempotency_key": claim["claim_id"]} | changes)
    assert reply.status_code == 200, reply.text
    return reply.json()["review_id"]


def look(client, review_id):
    return client.post(f"/api/v1/reviews/{review_id}/suggestions")


def put(workspace, item_id, *records):
    with workspace.db.write() as session:
        for record in records:
            attach(session=session, item_id=item_id, record=record, actor="test")
        session.commit()


def test_the_reply_holds_the_own_answer_and_what_was_found_and_nothing_else(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    made = make_provenance(actor="critic-1", model="critic-1")
    verdict = FilterVerdict(
        filter_name="risk_clarity", passed=False, score=2, threshold=4, reason="vague", provenance=made
    )
    truth = GroundTruth(item_id=claim["item"]["id"], flaw="leaky", note=PLANTED, provenance=made)
    put(workspace, claim["item"]["id"], verdict, truth)
    review_id = submit(ann, claim, verdict="reject", reasons=["leakage"], note="named")
    reply = look(ann, review_id)
    assert reply.status_code == 200 and PLANTED not in reply.text
    body = reply.json()
    assert body["own"] == {
        "verdict": "reject", "reasons": ["leakage"], "note": "named", "answers": {"query_benignness": "yes"},
        "edits": {"query": None, "scene": None}, "undone": False,
    }  # fmt: skip
    assert body["item"] == {name: claim["item"][name] for name in ("id", "label", "query")}
    assert body["verdicts"][1] == {
        "name": "risk_clarity", "passed": False, "score": 2.0, "threshold": 4.0, "reason": "vague", "by": "critic-1",
        "earlier_wording": False,
    }  # fmt: skip
    assert [entry["leak_found"] for entry in body["refinements"]] == [None]
    assert set(body) == {
        "review_id", "item", "round", "own", "verdicts", "refinements", "suggestions", "written_by_hand",
    }  # fmt: skip
    assert "malicious_variant" not in reply.text


def test_it_is_nobody_elses_and_not_there_before_the_answer(browser, workspace):
    ann, ben = browser("ann"), browser("ben")
    claim = claim_one(ann)
    assert look(ann, 1).status_code == 404
    review_id = submit(ann, claim)
    for client, wrong in ((ben, review_id), (browser("root"), review_id), (ann, review_id + 1)):
        reply = look(client, wrong)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    assert "suggestions:see" not in tags_of(workspace, claim["item"]["id"])


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", str(2**53)])
def test_a_number_that_no_review_has_is_refused(browser, wrong):
    assert look(browser("ann"), wrong).status_code == 422


def test_the_history_of_the_item_shows_who_looked_and_an_answer_given_after_that(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    item_id = claim["item"]["id"]
    first = submit(ann, claim)
    for _ in range(2):
        assert look(ann, first).status_code == 200
    again = ann.post("/api/v1/reviews/undo", json={"review_id": first}).json()["claim"]
    assert look(ann, first).json()["own"]["undone"] is True
    submit(ann, again, verdict="reject", reasons=["leakage"])
    assert tags_of(workspace, item_id) == "review:submit suggestions:see review:undo review:submit"
    steps = read_history(workspace, name=item_id, person=MIA).steps
    (seen,) = [step for step in steps if step.kind == "reviews:suggestions:see"]
    assert (seen.actor, '"round":1' in seen.text) == ("ann", True)


def tags_of(workspace, item_id):
    """What people did with the item, in order, as its page shows it."""
    steps = read_history(workspace, name=item_id, person=MIA).steps
    kinds = [step.kind.removeprefix("reviews:") for step in steps if step.record is None]
    return " ".join(kind for kind in kinds if kind.startswith(("review:", "suggestions:")))


def test_a_leakage_check_stays_open_to_those_who_were_not_given_the_review(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    with workspace.db.write() as session:
        open_task(session=session, item_id=claim["item"]["id"], kind=TaskKind.LEAKAGE_CHECK, overlap=2)
        session.commit()
    assert look(ann, submit(ann, claim)).status_code == 200
    ask = {"kind": "leakage_check"}
    offered = {name: browser(name).post("/api/v1/claims", json=ask).json()["claims"] for name in ("ann", "ben")}
    assert offered["ann"] == []
    assert offered["ben"][0]["item"]["id"] == claim["item"]["id"]


def test_an_item_of_a_run_shows_the_verdicts_on_its_last_wording_and_how_it_came_to_it(browser, workspace):
    with open_models() as models:
        write_endpoints(workspace.settings.home, models.url)
        run(workspace, ask_for(quotas={"dependants": 20, "property": 20}))
    with workspace.db.read() as session:
        waiting = list_items(session=session, batch="trial", stage=Stage.REFINED, limit=100)
        rewritten = {item.id for item in waiting if item.round == 2}
    assert rewritten, "no query was rewritten"
    ann = browser("ann")
    claims = ann.post("/api/v1/claims", json={"count": 20}).json()["claims"]
    while not any(claim["item"]["id"] in rewritten for claim in claims):
        for claim in claims:
            submit(ann, claim)
        claims = ann.post("/api/v1/claims", json={"count": 20}).json()["claims"]
        assert claims, "a rewritten item never came up"
    claim = next(claim for claim in claims if claim["item"]["id"] in rewritten)
    body = look(ann, submit(ann, claim)).json()
    now = {entry["name"]: entry["passed"] for entry in body["verdicts"] if not entry["earlier_wording"]}
    assert now == dict.fromkeys(
        ["query_benignness", "linguistic_naturalness", "contextual_relevance", "risk_clarity", "severity"], True
    )
    first, *_, last = body["refinements"]
    assert (first["leak_found"], first["earlier_wording"]) == (True, True)
    assert (last["leak_found"], last["earlier_wording"], last["query_after"]) == (False, False, claim["item"]["query"])
    with workspace.db.read() as session:
        assert get_item(session=session, item_id=claim["item"]["id"]).round == 2
