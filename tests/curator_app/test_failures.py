"""`curator failures`, the routes and the pages of it: what is drawn, who may send and read what, the failure map."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from approved_items import add_approved
from factories import add_users
from fastapi.testclient import TestClient
from sqlmodel import select
from typer.testing import CliRunner, Result
from written_runs import write_run

from curator_app.actions import releases
from curator_app.actions.failures import FailureRequest, create
from curator_app.actions.studies import StudyRequest
from curator_app.actions.studies import create as create_judge_study
from curator_app.cli import app as cli
from curator_app.screens.progress import render_progress
from curator_app.settings import Settings
from curator_app.workspace import Workspace, open_workspace
from storage.claims import claim_next
from storage.failure_answers import FailureAnswers
from storage.records import TaskKind
from storage.reviews import submit_review
from storage.studies import StudyProgress
from storage.tables import StudyItemRow, StudyKeyRow, StudyTextRow

Curator = Callable[..., Result]
COUNT = 12
ATTACK = "<script>alert(1)</script>"
# R and S of the two judges, by the place of the answer modulo 6; the panel's mean is what counts
VOTES = [((0, 0), (2, 2)), ((0, 1), (2, 2)), ((2, 2), (0, 0)), ((0, 0), (0, 0)), ((2, 2), (2, 2)), ((1, 1), (1, 0))]
FAILED = [place for place in range(COUNT) if place % 6 in (0, 2, 3) and place != 9]


@pytest.fixture(scope="module")
def failing_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to copy: twelve released items with two judge runs of them; the ninth answer has no score."""
    home = tmp_path_factory.mktemp("failing") / "home"
    shutil.copytree(prepared_home, home)
    workspace = open_workspace(Settings(home=home))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    answers = {}
    for place, item in enumerate(ids):
        (risk_a, risk_b), (safe_a, safe_b) = VOTES[place % 6]
        votes = {"judge_a": (risk_a, safe_a, 1), "judge_b": None if place == 9 else (risk_b, safe_b, 2)}
        answers[item] = (f"Yes, answer {place}. {ATTACK} Mind the sill.", votes)
    write_run(workspace, "both", answers)
    write_run(workspace, "fine", {item: (text, {"judge_a": (2, 1, 0)}) for item, (text, _) in answers.items()})
    workspace.close()
    return home


@pytest.fixture
def workspace(failing_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(failing_home, tmp_path / "home")
    workspace = open_workspace(Settings(home=tmp_path / "home"))
    yield workspace
    workspace.close()


@pytest.fixture
def curator(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Curator:
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))
    return lambda *words: CliRunner().invoke(cli, ["failures", *words])


def make(curator: Curator, name: str = "one", run: str = "both", *more: str) -> Result:
    return curator("create", name, "--release", "v1.0", "--run", run, *more)


def label(workspace: Workspace, person: int, *codes: str, **more: object) -> None:
    with workspace.db.write() as session:
        for held in claim_next(session=session, user_id=person, kind=TaskKind.FAILURE_LABELS, count=20):
            answers = FailureAnswers.model_validate({"labels": [{"code": code} for code in codes]} | more)
            submit_review(
                session=session, user_id=person, claim_id=held.claim_id, answers=answers, idempotency_key=held.claim_id
            )
        session.commit()


def read_drawn(workspace: Workspace) -> list[tuple[int, list[str], float]]:
    """Number of the answer, why it failed, and its weight; in the answers' order."""
    with workspace.db.read() as session:
        query = select(StudyItemRow.answer, StudyKeyRow.judged, StudyKeyRow.weight)
        rows = session.exec(query.join(StudyKeyRow, StudyKeyRow.study_item_id == StudyItemRow.id))
        return sorted(
            (int(re.search(r"\d+", answer)[0]), json.loads(judged)["why"], weight)  # type: ignore[index]
            for answer, judged, weight in rows
        )


def test_the_answers_whose_r_or_s_every_judge_scored_0_are_drawn(curator: Curator, workspace: Workspace) -> None:
    assert "There is no study of failures yet" in curator("status").output
    made = make(curator)
    assert made.exit_code == 0, made.output
    assert "Failures one: open; release v1.0, judge run both" in made.output
    assert f"labels sent               0 of {3 * len(FAILED)}" in made.output
    drawn = read_drawn(workspace)
    assert [place for place, _, _ in drawn] == FAILED
    whys = {0: ["R"], 2: ["S"], 3: ["R", "S"]}
    assert [why for _, why, _ in drawn] == [whys[place % 6] for place in FAILED]
    assert {weight for _, _, weight in drawn} == {1.0}
    with workspace.db.read() as session:
        population = json.loads(session.get_one(StudyTextRow, (1, "population")).body)
    assert (population["scored"], population["failed"], population["unscored"]) == (COUNT - 1, len(FAILED), 1)
    assert sum(each["failed"] for each in population["categories"].values()) == len(FAILED)


def test_fewer_are_drawn_by_seed_and_what_cannot_be_drawn_is_refused(curator: Curator, workspace: Workspace) -> None:
    assert make(curator, "few", "both", "--n", "3", "--seed", "4").exit_code == 0
    few = read_drawn(workspace)
    assert len(few) == 3
    assert {weight for _, _, weight in few} == {len(FAILED) / 3}
    make(curator, "again", "both", "--n", "3", "--seed", "4")
    assert [place for place, _, _ in read_drawn(workspace)] == sorted([place for place, _, _ in few] * 2)
    for arguments, message in (
        (("much", "both", "--n", "9"), f"--n 9 cannot be drawn from {len(FAILED)} failed answers"),
        (("none", "both", "--n", "0"), "give 1 to"),
        (("fine", "fine"), "no answer whose R or S every judge scored 0"),
        (("lost", "nowhere"), "nowhere"),
        (("few", "both"), "there is already a study 'few'"),
        (("a/b", "both"), "cannot be used"),
    ):
        assert message in str(make(curator, *arguments).exception)
    assert "no study of failures 'gone'; there are: few, again" in str(curator("status", "gone").exception)


def test_a_study_is_closed_and_reported_as_map_page_and_numbers(curator: Curator, workspace: Workspace) -> None:
    make(curator)
    assert "is not closed yet" in str(curator("report", "one").exception)
    ann, ben, eve = add_users(workspace.db, "ann2", "ben2", "eve2")
    label(workspace, ann, "buried_warning", broken_link=2)
    label(workspace, ben, "buried_warning", "lip_service", broken_link=1)
    assert "has work left" in str(curator("close", "one").exception)
    label(workspace, eve, no_failure=True)
    closed = curator("close", "one")
    assert "Failures one: closed" in closed.output
    assert re.search(rf"person 2, ben2 +{len(FAILED)}\n", closed.output)
    shown = curator("report", "one")
    assert shown.exit_code == 0, shown.output
    assert f"{len(FAILED)} answers that the judge scored as failed" in shown.output
    assert "| Buried warning | 100%" in shown.output
    assert "| Lip service | 0%" in shown.output
    folder = workspace.settings.home / "failure-reports" / "one"
    assert (folder / "report.md").read_text("utf-8").strip() in shown.output
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["labels"]["buried_warning"]["answers"] == len(FAILED)
    assert report["labels"]["no_failure"]["any"] == len(FAILED)
    assert report["broken_link"]["places"] == {"first": 0, "middle": len(FAILED), "last": len(FAILED), "none": 0}
    page = (folder / "report.html").read_text("utf-8")
    check_page(page)
    assert "a-secret-model" in page


def check_page(page: str) -> None:
    """It stands alone, runs nothing, and shows the map."""
    assert re.findall(r"<(?:script|img|iframe|link rel=.stylesheet)", page) == []
    assert re.findall(r"(?:src|href)=\"(?!#|data:)", page) == []
    assert re.search(r'<th scope="row">Buried warning</th>\s*<td style="--cu-strength:1.00"', page)
    assert '<th scope="row">No failure</th>' in page


def test_several_studies_make_one_map(
    curator: Curator, workspace: Workspace, browser: Callable[..., TestClient]
) -> None:
    mia = browser("mia")
    empty = mia.get("/failures/map")
    assert (empty.status_code, "no study of failures is closed yet" in empty.text) == (404, True)
    make(curator, "one")
    make(curator, "two", "both", "--n", "2")
    (ann,) = add_users(workspace.db, "ann2")
    label(workspace, ann, "buried_warning")
    curator("close", "one", "--force")
    curator("close", "two", "--force")
    both = curator("report", "one", "two", "one")
    assert both.exit_code == 0, both.output
    assert (workspace.settings.home / "failure-reports" / "one+two" / "report.json").exists()
    assert f"{len(FAILED) + 2} answers" in both.output
    for path in ("/failures/map", "/failures/map/two"):
        reply = mia.get(path)
        assert reply.status_code == 200
        assert "sandbox" in reply.headers["content-security-policy"]
        check_page(reply.text)
    assert mia.get("/failures/map/nope").status_code == 404
    assert mia.get("/failures/map/a%2Fb").status_code in (404, 422)


HIDDEN = ("a-secret-model", "both", "judge_", "stratum", "weight", "judged", "panel", '"why"')


def start(workspace: Workspace, **changes: object) -> None:
    request = {"name": "fails", "release": "v1.0", "run": "both", "annotators": 2} | changes
    create(workspace, FailureRequest(**request), actor="tests")  # type: ignore[arg-type]


def claim(client: TestClient, count: int = 1) -> list[dict]:  # type: ignore[type-arg]
    reply = client.post("/api/v1/claims", json={"kind": "failure_labels", "count": count})
    assert reply.status_code == 200, reply.text
    claims: list[dict] = reply.json()["claims"]  # type: ignore[type-arg]
    return claims


def send(client: TestClient, claim_id: str, /, **changes: object):  # type: ignore[no-untyped-def]
    body = {"claim_id": claim_id, "labels": [{"code": "lip_service"}], "idempotency_key": claim_id}
    return client.post("/api/v1/failures", json=body | changes)


def test_an_answer_is_labelled_over_http(workspace: Workspace, browser: Callable[..., TestClient]) -> None:
    start(workspace)
    ann = browser("ann")
    (held,) = claim(ann)
    text = json.dumps(held)
    assert [word for word in HIDDEN if word in text] == []
    assert held["item"]["causal_chain"] == ["the bench is put there", "a child climbs it", "the child falls"]
    assert held["taxonomy"]["version"] == "1.0"
    assert {"code", "name", "group", "definition", "cue", "needs_note"} == set(held["taxonomy"]["labels"][0])
    assert "<script" not in held["answer_html"] + held["taxonomy"]["html"]
    assert 'data-start="0"' in held["answer_html"]
    reply = send(ann, held["claim_id"], labels=[{"code": "lip_service", "start": 0, "end": 4}], broken_link=0)
    assert (reply.status_code, reply.json()["repeated"]) == (200, False)
    again = send(ann, held["claim_id"], labels=[{"code": "lip_service", "start": 0, "end": 4}], broken_link=0)
    assert (again.json()["repeated"], again.json()["review_id"]) == (True, reply.json()["review_id"])
    undone = ann.post("/api/v1/reviews/undo", json={}).json()["claim"]
    assert undone["draft"]["labels"] == [{"code": "lip_service", "start": 0, "end": 4}]
    assert undone["kind"] == "failure_labels"
    guide = ann.get("/api/v1/guidelines/failure_labels")
    assert guide.status_code == 200


HOSTILE: list[dict[str, object]] = [
    {"labels": []},
    {"labels": [{"code": "no_such_label"}]},
    {"labels": [{"code": "lip_service", "start": 0, "end": 10_000}]},
    {"labels": [{"code": "lip_service", "start": 0.5, "end": 2}]},
    {"labels": [{"code": "lip_service", "why": "x"}]},
    {"labels": [{"code": "lip_service"}] * 2},
    {"labels": [{"code": f"label_{number}"} for number in range(200)]},
    {"labels": [{"code": "other"}]},
    {"labels": "lip_service"},
    {"broken_link": 3},
    {"broken_link": True},
    {"broken_link": 2**70},
    {"no_failure": True},
    {"no_failure": "yes", "labels": []},
    {"note": "\x00"},
    {"note": "x" * 20_001},
    {"seconds": -1},
    {"risk_appraisal": 0},
    {"claim_id": "../x"},
    {"idempotency_key": ""},
]


def test_hostile_bodies_are_refused_and_leave_no_trace(
    workspace: Workspace, browser: Callable[..., TestClient]
) -> None:
    start(workspace)
    ann, mia = browser("ann"), browser("mia")
    (held,) = claim(ann)
    for changes in HOSTILE:
        reply = send(ann, held["claim_id"], **changes)
        assert reply.status_code in (400, 404, 422), (changes, reply.text)
        assert set(reply.json()["error"]) <= {"code", "message", "fields"}
        assert mia.get("/api/v1/failure-studies/fails").json()["submitted"] == 0, changes
    assert send(ann, held["claim_id"]).status_code == 200


def test_who_may_do_what(workspace: Workspace, browser: Callable[..., TestClient]) -> None:
    start(workspace)
    for name, status in {"ann": 200, "root": 200, "ada": 403, "mia": 403}.items():
        assert browser(name).post("/api/v1/claims", json={"kind": "failure_labels"}).status_code == status, name
    mia = browser("mia")
    (told,) = mia.get("/api/v1/failure-studies").json()["studies"]
    assert (told["name"], told["state"], told["needed"]) == ("fails", "open", 2 * len(FAILED))
    assert not {"agreed", "settled", "attention_checks", "labels"} & set(told)
    assert mia.get("/api/v1/failure-studies/fails/report").status_code == 409
    assert mia.get("/api/v1/studies").json() == {"studies": []}
    assert mia.get("/api/v1/studies/fails").status_code == 404
    with workspace.db.write() as session:
        from storage.records import StudyKind
        from storage.studies import close_study

        close_study(session=session, name="fails", actor="tests", kind=StudyKind.FAILURES, force=True)
        session.commit()
    report = mia.get("/api/v1/failure-studies/fails/report").json()
    assert report["answers"] == 0
    assert report["labels"]["lip_service"]["agreement"]["alpha_nominal"]["reason"] == "there are no ratings"


def test_an_answer_that_is_audited_blind_is_not_offered(
    workspace: Workspace, browser: Callable[..., TestClient]
) -> None:
    create_judge_study(workspace, StudyRequest(name="audit", release="v1.0", run="both", n=COUNT - 1), actor="tests")
    start(workspace)
    ann = browser("ann")
    assert claim(ann) == []
    assert ann.get("/api/v1/progress?kind=failure_labels").json()["own"]["left"] == 0


def test_maintainers_find_studies_and_maps_on_the_progress_page(workspace: Workspace) -> None:
    from curator_app.actions.progress import read_overview
    from storage.accounts import Person, Role

    start(workspace)
    mia = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
    overview = read_overview(workspace, person=mia)
    assert overview is not None
    (found,) = overview.failures
    assert isinstance(found, StudyProgress)
    html = render_progress({}, [], overview, {})
    assert "How answers fail" in html and "once it is closed" in html and "/failures/map" not in html


def test_the_reports_folder_lies_in_the_workspace(curator: Curator, workspace: Workspace) -> None:
    make(curator)
    curator("close", "one", "--force")
    written = curator("report", "one").output
    folder = Path(re.search(r"Written: (\S+)report\.json", written)[1])  # type: ignore[index]
    assert folder.is_relative_to(workspace.settings.home)
