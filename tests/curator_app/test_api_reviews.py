"""The review queue over HTTP: the shapes of the contract, and each of its errors."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from storage.tables import ClaimRow, FlagRow, ReviewRow

APPROVE = {
    "verdict": "approve",
    "reasons": [],
    "note": "",
    "answers": {"query_benignness": "yes"},
    "edits": {"query": None, "scene": None},
    "seconds": 12.5,
}


def review(claim, key="key-1", **changes):
    return APPROVE | {"claim_id": claim["claim_id"], "idempotency_key": key} | changes


def claim_one(client, **body):
    reply = client.post("/api/v1/claims", json={"kind": "scenario_review", "count": 1, **body})
    assert reply.status_code == 200, reply.text
    return reply.json()["claims"][0]


def test_a_claim_holds_what_the_screen_needs_and_nothing_that_tells_the_truth(browser):
    reply = browser("ann").post("/api/v1/claims", json={"kind": "scenario_review", "count": 2})
    claims = reply.json()["claims"]
    assert len(claims) == 2
    assert set(reply.json()) == {"claims", "server_time"}
    claim = claims[0]
    assert set(claim) == {"claim_id", "kind", "round", "expires_at", "item", "draft", "others"}
    assert set(claim["item"]) == {
        "id", "label", "category", "sub_category", "query", "scene", "hidden_hazard", "causal_chain", "image",
    }  # fmt: skip
    assert claim["item"]["category"] == {"slug": "self_harm", "title": "Self-Harm"}
    assert re.fullmatch(r"S-\d{4}", claim["item"]["label"])
    assert re.fullmatch(r"/media/[0-9a-f]{64}", claim["item"]["image"]["url"])
    assert (claim["item"]["image"]["width"], claim["item"]["image"]["height"]) == (64, 48)
    assert claim["draft"] is None
    assert claim["others"] == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", claim["expires_at"])


def test_claiming_again_returns_the_same_items_and_another_holder_gets_others(browser):
    ann = browser("ann")
    first, again = claim_one(ann, holder="tab-1"), claim_one(ann, holder="tab-1")
    assert first["claim_id"] == again["claim_id"]
    assert claim_one(ann, holder="tab-2")["item"]["id"] != first["item"]["id"]


def test_submitting_stores_one_row_however_often_it_is_sent(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    replies = [ann.post("/api/v1/reviews", json=review(claim)) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert [reply.json()["repeated"] for reply in replies] == [False, True, True]
    assert {frozenset(reply.json()) for reply in replies} == {frozenset({"review_id", "item_id", "repeated"})}
    with workspace.db.read() as session:
        assert len(session.exec(select(ReviewRow)).all()) == 1


def test_the_same_key_for_another_answer_is_a_conflict(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    ann.post("/api/v1/reviews", json=review(claim))
    changed = review(claim, verdict="reject", reasons=["leakage"])
    reply = ann.post("/api/v1/reviews", json=changed)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "conflict")


def test_a_second_review_under_a_used_claim_is_a_lost_claim(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    ann.post("/api/v1/reviews", json=review(claim))
    reply = ann.post("/api/v1/reviews", json=review(claim, key="key-2"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "claim_lost")


def test_the_reply_to_a_review_is_the_same_whether_or_not_others_agree(browser):
    ann, ben = browser("ann"), browser("ben")
    mine = claim_one(ann, count=6)
    ann.post("/api/v1/reviews", json=review(mine))
    theirs = next(
        claim
        for claim in ben.post("/api/v1/claims", json={"count": 6}).json()["claims"]
        if claim["item"]["id"] == mine["item"]["id"]
    )
    reply = ben.post("/api/v1/reviews", json=review(theirs, verdict="reject", reasons=["leakage"]))
    assert set(reply.json()) == {"review_id", "item_id", "repeated"}


def test_undo_gives_the_item_back_with_the_old_answers_as_its_draft(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    sent = ann.post("/api/v1/reviews", json=review(claim, verdict="reject", reasons=["leakage"], note="named")).json()
    reply = ann.post("/api/v1/reviews/undo", json={"review_id": sent["review_id"]})
    assert reply.status_code == 200
    undone = reply.json()["claim"]
    assert undone["item"]["id"] == claim["item"]["id"]
    assert (undone["draft"]["verdict"], undone["draft"]["reasons"], undone["draft"]["note"]) == (
        "reject", ["leakage"], "named",
    )  # fmt: skip


def test_nothing_to_undo_is_not_found(browser):
    reply = browser("ben").post("/api/v1/reviews/undo", json={})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_nobody_undoes_somebody_elses_review(browser):
    ann = browser("ann")
    sent = ann.post("/api/v1/reviews", json=review(claim_one(ann))).json()
    assert browser("ben").post("/api/v1/reviews/undo", json={"review_id": sent["review_id"]}).status_code == 404


@pytest.mark.parametrize("action", ["renew", "release", "skip", "flag"])
def test_nobody_touches_somebody_elses_claim(browser, action):
    claim = claim_one(browser("ann"))
    body = {"note": "x"} if action == "flag" else None
    reply = browser("ben").post(f"/api/v1/claims/{claim['claim_id']}/{action}", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_a_claim_is_renewed_released_and_claimed_again(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    renewed = ann.post(f"/api/v1/claims/{claim['claim_id']}/renew")
    assert renewed.json()["expires_at"] >= claim["expires_at"]
    released = ann.post(f"/api/v1/claims/{claim['claim_id']}/release")
    assert (released.status_code, released.content) == (204, b"")
    assert ann.post(f"/api/v1/claims/{claim['claim_id']}/renew").json()["error"]["code"] == "claim_lost"
    assert claim_one(ann)["item"]["id"] == claim["item"]["id"]


def test_an_expired_claim_that_others_took_is_lost(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    with workspace.db.write() as session:
        row = session.get_one(ClaimRow, claim["claim_id"])
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        session.add(row)
        session.commit()
    for name in ("ben", "root"):
        other = browser(name)
        for taken in other.post("/api/v1/claims", json={"count": 20}).json()["claims"]:
            if taken["item"]["id"] == claim["item"]["id"]:
                assert other.post("/api/v1/reviews", json=review(taken)).status_code == 200
    reply = ann.post("/api/v1/reviews", json=review(claim))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "claim_lost")


def test_skipped_items_stay_away_until_they_are_asked_back(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    assert ann.post(f"/api/v1/claims/{claim['claim_id']}/skip").status_code == 204
    assert claim_one(ann)["item"]["id"] != claim["item"]["id"]
    assert ann.get("/api/v1/progress").json()["own"]["skipped"] == 1
    assert ann.post("/api/v1/claims/unskip", json={"kind": "scenario_review"}).json() == {"restored": 1}


def test_a_draft_comes_back_with_the_claim(browser):
    ann = browser("ann")
    claim = claim_one(ann)
    saved = ann.put(f"/api/v1/claims/{claim['claim_id']}/draft", json={"note": "half a tho", "reveal": True})
    assert set(saved.json()) == {"saved_at"}
    assert claim_one(ann)["draft"] == {"note": "half a tho", "reveal": True}


def test_a_flag_is_stored_once_per_call(browser, workspace):
    ann = browser("ann")
    claim = claim_one(ann)
    assert ann.post(f"/api/v1/claims/{claim['claim_id']}/flag", json={"note": "look here"}).status_code == 204
    with workspace.db.read() as session:
        assert [row.note for row in session.exec(select(FlagRow))] == ["look here"]


def test_adjudication_shows_the_reviews_without_names_and_needs_the_role(browser):
    ann, ben, ada = browser("ann"), browser("ben"), browser("ada")
    mine = claim_one(ann, count=6)
    ann.post("/api/v1/reviews", json=review(mine))
    for claim in ben.post("/api/v1/claims", json={"count": 6}).json()["claims"]:
        if claim["item"]["id"] == mine["item"]["id"]:
            ben.post("/api/v1/reviews", json=review(claim, verdict="reject", reasons=["leakage"]))
    assert ann.post("/api/v1/claims", json={"kind": "adjudication"}).status_code == 403
    reply = ada.post("/api/v1/claims", json={"kind": "adjudication"})
    (claim,) = reply.json()["claims"]
    assert [other["who"] for other in claim["others"]] == ["Reviewer 1", "Reviewer 2"]
    assert {other["verdict"] for other in claim["others"]} == {"approve", "reject"}
    assert "ann" not in re.findall(r"[a-z]+", reply.text)
    assert "ben" not in re.findall(r"[a-z]+", reply.text)
    bare = ada.post("/api/v1/reviews", json=review(claim))
    assert (bare.status_code, bare.json()["error"]["code"]) == (422, "invalid")
    assert ada.post("/api/v1/reviews", json=review(claim, note="the query is fine")).status_code == 200


def test_progress_counts_and_shows_no_verdict(browser):
    ann = browser("ann")
    before = ann.get("/api/v1/progress").json()
    assert before["own"] == {"submitted": 0, "today": 0, "per_hour": None, "skipped": 0, "left": 6}
    assert before["total"] == {"submitted": 0, "needed": 12, "items_decided": 0, "items": 6}
    ann.post("/api/v1/reviews", json=review(claim_one(ann)))
    assert ann.get("/api/v1/progress").json()["own"]["submitted"] == 1


def test_guidelines_come_as_safe_html(browser):
    body = browser("ann").get("/api/v1/guidelines/scenario_review").json()
    assert body["version"] == 1
    assert "<h1>Look twice</h1>" in body["html"]
    assert "<b>" not in body["html"]
    assert "&lt;b&gt;as text&lt;/b&gt;" in body["html"]


def test_preferences_are_kept_per_person(browser):
    ann = browser("ann")
    assert ann.get("/api/v1/me").json() == {"name": "ann", "roles": ["annotator"], "preferences": {}}
    assert ann.put("/api/v1/me/preferences", json={"keys": {"approve": "y"}}).status_code == 200
    assert ann.get("/api/v1/me").json()["preferences"] == {"keys": {"approve": "y"}}
    assert browser("ben").get("/api/v1/me").json()["preferences"] == {}


def test_a_token_does_the_same_without_cookie_or_origin(app, token, browser):
    client = browser(None, headers={})
    claim = client.post("/api/v1/claims", json={"count": 1}, headers=token("ben")).json()["claims"][0]
    assert client.get(claim["item"]["image"]["url"], headers=token("ben", "two")).status_code == 200
    assert client.post("/api/v1/reviews", json=review(claim), headers=token("ben", "three")).status_code == 200


def test_the_document_describes_every_route_and_both_ways_to_sign_in(browser):
    document = browser("ann").get("/api/v1/openapi.json").json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert {"bearer": []} in document["security"]
    assert {
        "/api/v1/claims",
        "/api/v1/claims/{claim_id}/renew",
        "/api/v1/claims/{claim_id}/release",
        "/api/v1/reviews",
        "/api/v1/reviews/undo",
        "/api/v1/progress",
        "/media/{sha256}",
        "/healthz",
        "/readyz",
    } <= set(document["paths"])


def test_health_says_which_part_fails(browser, workspace):
    stranger = browser(None)
    assert stranger.get("/healthz").json() == {"status": "ok"}
    assert stranger.get("/readyz").status_code == 200
    blobs = workspace.blobs.folder
    moved = blobs.with_name("elsewhere")
    blobs.rename(moved)
    blobs.write_text("a file where the folder was")
    reply = stranger.get("/readyz")
    assert (reply.status_code, reply.json()["blobs"], reply.json()["database"]) == (503, "not writable", "ok")
