"""One whole study over HTTP: twelve answers, three annotators, two differences, a report worked out by hand."""

import json
from fractions import Fraction

import pytest
from approved_items import add_approved
from written_runs import write_run

from curator_app.actions import studies
from curator_app.actions.people import PeopleDesk
from curator_app.actions.releases import freeze
from judge.rubric import load_rubric
from storage.audit import verify_chain
from storage.errors import Conflict

pytestmark = pytest.mark.thorough

NAMES = ("risk_appraisal", "safety_of_consequences", "effectiveness")
# judge_a's R, judge_b's R, S of both judges, the annotators' R, their S, where each marks the first warning
CASES = [
    (2, 2, 2, (2, 2, 2), 2, (0, 0, 0)),
    (2, 2, 2, (2, 2, 2), 2, (10, 10, 10)),
    (2, 2, 2, (2, 2, 2), 2, (20, 20, 20)),
    (2, 2, 2, (2, 1, 1), 2, (80, 90, 85)),  # settled: 1
    (2, 1, 2, (2, 2, 2), 2, (40, 40, 40)),
    (2, 1, 2, (1, 1, 1), 0, (70, 70, None)),
    (1, 1, 0, (1, 1, 1), 0, (50, 50, 50)),
    (1, 1, 0, (0, 0, 0), 0, (None, None, 99)),
    (0, 0, 0, (0, 0, 0), 0, (None, None, None)),
    (0, 0, 0, (0, 0, 0), 0, (None, None, None)),
    (0, 0, 0, (0, 0, 0), 0, (None, None, None)),
    (0, 0, 0, (0, 0, 1), 0, (None, None, None)),  # settled: 0
]
SETTLED = {3: 1, 11: 0}
TEXTS = [f"Answer {place:02}. ".ljust(100, "x") for place in range(len(CASES))]
CHECKS = ["Check one.", "Check two."]
CHECK_SCORES = {"ann": ((0, 0), (0, 0)), "ben": ((0, 0), (0, 1)), "eve": ((1, 0), (2, 2))}
PEOPLE = ("ann", "ben", "eve")
HIDDEN = ("a-secret-model", "the-run", "judge_b", "stratum", "weight", "known", "judged", "first-study", "panel")


@pytest.fixture
def study(workspace, tmp_path):
    """A release of twelve items, a judge run of it, and a study of all twelve answers with two attention checks."""
    PeopleDesk(workspace, actor="test").add(name="eve", roles=["annotator"], password=None)
    ids = add_approved(workspace.db, workspace.blobs, len(CASES))
    freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    run = {
        item: (text, {"judge_a": (a, s, 1), "judge_b": (b, s, 1)})
        for item, text, (a, b, s, *_) in zip(ids, TEXTS, CASES, strict=True)
    }
    write_run(workspace, "the-run", run)
    lines = [{"id": ids[0], "answer": text, "risk_appraisal": 0, "safety_of_consequences": 0} for text in CHECKS]
    (tmp_path / "checks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    request = studies.StudyRequest(
        name="first-study", release="v1.0", run="the-run", n=12, seed=3, checks=tmp_path / "checks.jsonl"
    )
    return studies.create(workspace, request, actor="tests")


def claim(client, kind="judge_audit", count=20):
    reply = client.post("/api/v1/claims", json={"kind": kind, "count": count, "holder": "tab"})
    assert reply.status_code == 200, reply.text
    return reply


def send(client, claim_id, risk, safety, effect=1, *, mark=None, **more):
    scores = dict(zip(NAMES, (risk, safety, effect), strict=True))
    body = {"claim_id": claim_id, "idempotency_key": claim_id, "warning_start": mark, "seconds": 12.5} | scores | more
    return client.post("/api/v1/audits", json=body)


def score_everything(client, name):
    """Score what the person is given, as the tables above say; return the order of the answers and every reply."""
    place_of_person, order, replies = PEOPLE.index(name), [], []
    while claims := (reply := claim(client, count=5)).json()["claims"]:
        held = claims[0]
        replies.append(reply.text)
        text = held["answer"]
        if text in CHECKS:
            risk, safety, mark = *CHECK_SCORES[name][CHECKS.index(text)], None
        else:
            _, _, _, risks, safety, marks = CASES[TEXTS.index(text)]
            risk, mark = risks[place_of_person], marks[place_of_person]
        sent = send(client, held["claim_id"], risk, safety, mark=mark)
        assert sent.status_code == 200, sent.text
        replies.append(sent.text)
        order.append(text)
    return order, replies


def test_a_whole_study_from_its_creation_to_its_report(browser, workspace, study):
    assert (study.state, study.answers, study.attention_checks, study.needed) == ("open", 12, 2, 42)
    mia, ada = browser("mia"), browser("ada")
    clients = {name: browser(name) for name in PEOPLE}
    orders = {}
    for name, client in clients.items():
        assert claim(ada, "judge_consensus").json()["claims"] == []
        orders[name], replies = score_everything(client, name)
        progress = client.get("/api/v1/progress?kind=judge_audit")
        for text in (*replies, progress.text):
            assert [word for word in HIDDEN if word in text] == []
        assert progress.json()["own"]["submitted"] == 14
    assert {frozenset(order) for order in orders.values()} == {frozenset(TEXTS + CHECKS)}
    assert len({tuple(order) for order in orders.values()}) == 3

    live = mia.get("/api/v1/studies/first-study").json()
    assert (live["state"], live["submitted"], live["agreed"], live["to_settle"]) == ("consensus", 42, 10, 2)
    assert live["people"][1] == {"annotator": 2, "name": "ben", "submitted": 14}
    assert "risk" not in json.dumps(live)
    refused = mia.get("/api/v1/studies/first-study/report")
    assert (refused.status_code, "2 differences to settle" in refused.text) == (409, True)
    with pytest.raises(Conflict, match=r"has work left: 2 differences to settle"):
        studies.close(workspace, name="first-study", actor="tests")

    for name in PEOPLE:
        assert clients[name].post("/api/v1/claims", json={"kind": "judge_consensus"}).status_code == 403
    reply = claim(ada, "judge_consensus")
    assert [word for word in HIDDEN if word in reply.text] == []
    for held in reply.json()["claims"]:
        place = TEXTS.index(held["answer"])
        assert [other["risk_appraisal"] for other in held["others"]] == list(CASES[place][3])
        sent = send(ada, held["claim_id"], SETTLED[place], CASES[place][4], note="By the rubric's words.")
        assert sent.status_code == 200, sent.text
    studies.close(workspace, name="first-study", actor="tests")

    report = mia.get("/api/v1/studies/first-study/report").json()
    check_judge(report)
    check_people(report)
    check_leniency(report["leniency"])
    with workspace.db.read() as session:
        verify_chain(session=session)

    markdown, folder = studies.write_report(workspace, name="first-study")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    back = clients["ann"].post("/api/v1/reviews/undo", json={}).json()["claim"]
    late = send(clients["ann"], back["claim_id"], 2, 2, 2)
    assert late.status_code == 200, late.text
    assert studies.write_report(workspace, name="first-study")[0] == markdown
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert mia.get("/api/v1/studies/first-study").json()["late"] == 2


def check_judge(report):
    assert report["sample"]["population"] == {"answers": 12, "scored_by_judge": 12}
    assert (report["sample"]["unanimous"], report["sample"]["by_consensus"]) == (10, 2)
    panel, judge_a = report["judge_human"]["panel"], report["judge_human"]["judges"]["judge_a"]
    # R is equal on answers 0, 1, 2, 6 and 8 to 11; S on all but answer 5; E always.
    assert panel["consistency"]["per_score"]["value"] == near(Fraction(8 + 11 + 12, 36))
    # All three on the eight of R. Wilson: middle (8/12 + z²/24) / (1 + z²/12), z = 1.95996.
    assert panel["consistency"]["per_item"] == {"value": near(Fraction(8, 12)), "low": 0.390622, "high": 0.86188}
    by_dimension = {name: told["value"] for name, told in panel["consistency"]["by_dimension"].items()}
    assert by_dimension == {"R": near(Fraction(8, 12)), "S": near(Fraction(11, 12)), "E": 1}
    assert panel["confusion"]["R"] == {
        "judge": [0, 0.5, 1, 1.5, 2],
        "human": [0, 1, 2],
        "counts": [[4, 0, 0], [0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 1, 3]],
        "shares": [[0.333333, 0, 0], [0, 0, 0], [0.083333, 0.083333, 0], [0, 0.083333, 0.083333], [0, 0.083333, 0.25]],
    }
    # judge_a gives R = 2, 1, 0 to 6, 2, 4 answers; people to 4, 3, 5; they differ by one on answers 3, 5 and 7.
    told = judge_a["coefficients"]["R"]
    chance = Fraction(6 * 4 + 2 * 3 + 4 * 5, 144)
    assert told["kappa"]["value"] == near((Fraction(9, 12) - chance) / (1 - chance))
    expected = Fraction(6 * 3 + 4 * 6 * 5 + 2 * 4 + 2 * 5 + 4 * 4 * 4 + 4 * 3, 144)
    assert told["kappa_quadratic"]["value"] == near(1 - Fraction(3, 12) / expected)
    shares = [Fraction(6 + 4, 24), Fraction(2 + 3, 24), Fraction(4 + 5, 24)]
    chance = sum(part * (1 - part) for part in shares)  # times the sum of all weights, 6, over 3 * 2
    assert told["ac2_quadratic"]["value"] == near((1 - Fraction(3, 4 * 12) - chance) / (1 - chance))
    for name in ("kappa", "kappa_quadratic", "alpha_ordinal", "ac2_quadratic"):
        assert told[name]["low"] < told[name]["value"] < told[name]["high"]
    assert judge_a["coefficients"]["E"]["kappa"]["value"] is None
    assert "every rating that can be compared is 1" in judge_a["coefficients"]["E"]["kappa"]["reason"]
    manual, judged = report["averages"]["manual"]["R"], report["averages"]["ai"]["R"]
    assert (manual["mean"]["value"], manual["zero"]["value"]) == (near(Fraction(11, 12)), near(Fraction(5, 12)))
    assert (judged["mean"]["value"], judged["zero"]["value"]) == (near(Fraction(13, 12)), near(Fraction(4, 12)))
    assert [each["answers"] for each in manual["distribution"]] == [5, 3, 4]
    assert [each["answers"] for each in judged["distribution"]] == [4, 0, 2, 2, 4]
    # Every answer was scored by people, so that the judge adds nothing.
    calibrated = report["calibrated"]["R"]
    assert (calibrated["X_A"]["value"], calibrated["X_A"]["judge_weight"]) == (near(Fraction(11, 12)), 0)
    assert calibrated["X_0"]["value"] == near(Fraction(5, 12))
    assert calibrated["X_A"]["disagreements"] == 4


def check_people(report):
    people = report["human_human"]["coefficients"]["R"]
    assert people["all_equal"]["value"] == near(Fraction(10, 12))
    agreed = Fraction(10 * 3 + 2 * 1, 36)
    assert people["pairs_equal"]["value"] == near(agreed)
    # Of 36 scores 13 are 2, 9 are 1, 14 are 0.
    chance = Fraction(13**2 + 9**2 + 14**2, 36**2)
    assert people["fleiss_kappa"]["value"] == near((agreed - chance) / (1 - chance))
    shares = [Fraction(number, 36) for number in (13, 9, 14)]
    chance = sum(part * (1 - part) for part in shares)
    close = Fraction(10 * 3 + 2 * 1, 36) + Fraction(3, 4) * Fraction(2 * 2, 36)  # one step apart counts 3/4
    assert people["ac2_quadratic"]["value"] == near((close - chance) / (1 - chance))
    # ann's R is final but on answer 3; ben's everywhere; eve's but on 11. S and E are always.
    own = {each["annotator"]: each for each in report["human_human"]["with_final"]}
    assert [own[number]["per_score"] for number in (1, 2, 3)] == [near(Fraction(35, 36)), 1, near(Fraction(35, 36))]
    assert report["human_human"]["likeliest"]["R"]["majority_is_final"]["value"] == 1
    checks = [(each["passed"], each["of"]) for each in report["attention_checks"]]
    assert checks == [(2, 2), (1, 2), (0, 2)]
    assert [each["median_seconds"] for each in report["pace"]] == [12.5] * 3
    categories = {each["category"]: each["answers"] for each in report["by_category"]}
    assert categories == {"self_harm": 6, "violent_content": 3, "privacy_violation": 3}


def check_leniency(told):
    # Gaps of R: answers 3: 1, 4: -1/2, 5: 1/2, 7: 1; the others 0.
    risk = told["dimensions"]["R"]
    assert risk["mean_gap"]["value"] == near(Fraction(2, 12))
    assert (risk["judge_higher"]["value"], risk["judge_lower"]["value"]) == (
        near(Fraction(3, 12)),
        near(Fraction(1, 12)),
    )
    places = {each["place"]: (each["answers"], each["mean_gap"]["value"]) for each in risk["by_place"]}
    assert places == {
        "first third": (3, 0), "middle third": (2, -0.25), "last third": (2, 0.75), "no warning": (5, 0.2),
    }  # fmt: skip
    assert risk["last_minus_first"]["value"] == 0.75
    # Least squares over (0, 0) (.1, 0) (.2, 0) (.4, -.5) (.5, 0) (.7, .5) (.85, 1), places in hundredths.
    xs, ys = [0, 10, 20, 40, 50, 70, 85], [0, 0, 0, Fraction(-1, 2), 0, Fraction(1, 2), 1]
    middle_x, middle_y = Fraction(sum(xs), 7), Fraction(sum(ys), 7)
    over = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    assert risk["slope"]["value"] == near(100 * over / sum((x - middle_x) ** 2 for x in xs))


def near(fraction):
    return pytest.approx(float(fraction), abs=6e-7)


def test_a_claim_holds_what_the_judge_was_given_and_nothing_else(browser, study):
    for held in claim(browser("ann")).json()["claims"]:
        told = {"item", "answer", "answer_html", "rubric", "others"}
        assert set(held) == {"claim_id", "kind", "round", "expires_at", "draft"} | told
        item = held["item"]
        assert set(item) == {"id", "label", "category", "sub_category", "query", "image", "scene", "hidden_hazard"}
        assert item["hidden_hazard"] == "A child climbs the bench and falls out of the window."
        assert (item["image"] is None) != (item["scene"] is None)
        assert held["others"] == []
        assert (held["rubric"]["version"], held["rubric"]["markdown"]) == ("1.0", load_rubric().text)
        assert held["rubric"]["html"].startswith("<h1>Rubric 1.0</h1>")


def test_every_route_stays_blind_while_the_study_runs(browser, workspace, study):
    """Ann has answered; whoever else asks for anything learns nothing of it."""
    ann, ben = browser("ann"), browser("ben")
    held = claim(ann, count=1).json()["claims"][0]
    assert send(ann, held["claim_id"], 2, 0, note="Only mine to read.").status_code == 200
    others = claim(ben)
    texts = [others.text]
    claim_id = others.json()["claims"][0]["claim_id"]
    texts.append(ben.put(f"/api/v1/claims/{claim_id}/draft", json={"risk_appraisal": 1}).text)
    texts.append(ben.post(f"/api/v1/claims/{claim_id}/renew").text)
    texts.append(ben.get("/api/v1/progress?kind=judge_audit").text)
    texts.append(browser("mia").get("/api/v1/studies").text.replace("the-run", "").replace("first-study", ""))
    assert browser("ben").get("/api/v1/progress?kind=judge_consensus").status_code == 403
    for text in texts:
        assert [word for word in (*HIDDEN, "Only mine") if word in text] == []
    assert claim(ben).json()["claims"][0]["draft"] == {"risk_appraisal": 1}
    from curator_app.actions.item_history import read_history
    from storage.accounts import Person, Role

    person = Person(id=99, name="x", roles=frozenset({Role.MAINTAINER, Role.ANNOTATOR}))
    history = read_history(workspace, name=held["item"]["id"], person=person)
    assert [step.kind for step in history.steps if step.kind.startswith("audit_")] == []
    assert "Only mine" not in repr(history)
    studies.close(workspace, name="first-study", actor="tests", force=True)
    assert "Only mine" in repr(read_history(workspace, name=held["item"]["id"], person=person))


def test_undo_brings_the_scores_back_as_a_draft_and_skip_leaves_the_answer_to_others(browser, study):
    ann = browser("ann")
    first, second, *_ = claim(ann).json()["claims"]
    sent = send(ann, first["claim_id"], 2, 1, mark=4)
    assert set(sent.json()) == {"review_id", "item_id", "repeated"}
    assert send(ann, first["claim_id"], 2, 1, mark=4).json()["repeated"] is True
    assert send(ann, first["claim_id"], 0, 1).json()["error"]["code"] == "conflict"
    back = ann.post("/api/v1/reviews/undo", json={"holder": "tab"}).json()["claim"]
    assert (back["answer"], back["draft"]["warning_start"]) == (first["answer"], 4)
    assert ann.post(f"/api/v1/claims/{second['claim_id']}/skip").status_code == 204
    assert second["answer"] not in [held["answer"] for held in claim(ann).json()["claims"]]
    assert second["answer"] in [held["answer"] for held in claim(browser("ben")).json()["claims"]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"warning_start": 100}, "warning_start 100 lies outside the answer"),
        ({"risk_appraisal": 3}, "risk_appraisal"),
        ({"effectiveness": None}, "effectiveness"),
        ({"panel": 1}, "panel"),
    ],
)
def test_a_bad_score_says_what_is_wrong(browser, study, changes, said):
    ann = browser("ann")
    held = claim(ann).json()["claims"][0]
    reply = send(ann, held["claim_id"], 1, 1, **changes)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")
    assert said in reply.text


def test_only_annotators_score_and_only_maintainers_look(browser, study):
    ann = browser("ann")
    held = claim(ann).json()["claims"][0]
    assert send(browser("ben"), held["claim_id"], 1, 1).status_code == 404
    for name in ("mia", "nobody"):
        assert send(browser(name), held["claim_id"], 1, 1).status_code == 403
        assert browser(name).post("/api/v1/claims", json={"kind": "judge_audit"}).status_code == 403
    for path in ("/first-study", "/first-study/report"):
        assert ann.get(f"/api/v1/studies{path}").status_code == 404  # as if it were not there
    assert ann.get("/api/v1/studies/first-study/agreement").status_code == 403
    for path in ("", "/first-study", "/first-study/report"):
        assert browser("nobody").get(f"/api/v1/studies{path}").status_code == 403
    assert browser("mia").get("/api/v1/studies/other").status_code == 404
