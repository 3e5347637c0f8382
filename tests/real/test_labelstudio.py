"""`curator labelstudio` against a real Label Studio: what is there, is here, whatever happened on the way."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import add_items_in_review, add_users, make_answers
from labelstudio_server import Person
from sqlmodel import Session, select
from studies_here import HIDDEN, add_study

from bench import label_studio
from curator_app.labelstudio.mapping import write_result
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.audit import verify_chain
from storage.audit_answers import AuditAnswers
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow, ExternalRevisionRow, ExternalTaskRow
from storage.items import get_record
from storage.records import ReviewAnswers
from storage.tables import ReviewRow, TaskRow

pytestmark = [pytest.mark.labelstudio, pytest.mark.xdist_group("labelstudio")]
HERE = Path(__file__).parent
TEAM = ("ann@example.com", "ben@example.com", "eve@example.com")


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """The administrator of one server for all tests of this file."""
    pytest.importorskip("label_studio_sdk", reason="run `make setup-labelstudio` to try a real Label Studio")
    if not (label_studio.FOLDER / "env").exists():
        said = "Label Studio is not installed in bench/.label-studio: run `make setup-labelstudio` to try it"
        (pytest.fail if os.environ.get("CURATOR_MODELS_REQUIRED") else pytest.skip)(said)
    with label_studio.serve(tmp_path_factory.mktemp("label-studio")) as url:
        yield Person(url, label_studio.EMAIL, label_studio.make_token(url))


@pytest.fixture(scope="module")
def team(admin: Person) -> list[Person]:
    """Three annotators of the server."""
    return [admin.invite(email) for email in TEAM]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = create_workspace(Settings(home=tmp_path / "home"))
    yield made
    made.close()


def curator(
    workspace: Workspace, admin: Person, *words: str, moment: int | str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `curator labelstudio WORDS…` in a process of its own; with a moment, kill it there."""
    program = ["-m", "curator_app.cli"] if moment is None else [str(HERE / "labelstudio_killed.py"), str(moment)]
    environment = os.environ | {
        "CURATOR_HOME": str(workspace.settings.home),
        "CURATOR_LABEL_STUDIO_URL": admin.url,
        "CURATOR_LABEL_STUDIO_TOKEN": admin.token,
    }
    return subprocess.run(
        [sys.executable, *program, "labelstudio", *words],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def done(workspace: Workspace, admin: Person, *words: str) -> str:
    """Run it to its end; return what it said."""
    ended = curator(workspace, admin, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def read_projects(workspace: Workspace) -> list[ExternalProjectRow]:
    with workspace.db.read() as session:
        return list(session.exec(select(ExternalProjectRow).order_by(ExternalProjectRow.id)))


def ids_there(admin: Person, project: int) -> dict[int, int]:
    """Our task -> the server's; fails where one is there twice."""
    ours = [
        (each["data"]["curator_task"], each["id"]) for each in admin.export(project) if "curator_task" in each["data"]
    ]
    assert [task for task, count in Counter(task for task, _ in ours).items() if count > 1] == []
    return dict(ours)


def as_result(answers: Any, texts: dict[str, str] | None = None) -> Any:
    return write_result(answers, texts=texts or {}, seed="somebody")


def uses(workspace: Workspace) -> dict[int, str]:
    with workspace.db.read() as session:
        return {row.annotation: row.use for row in session.exec(select(ExternalAnnotationRow))}


def test_a_few_reviews_go_out_and_come_back(workspace: Workspace, admin: Person, team: list[Person]) -> None:
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 4, overlap=2)
    assert "4 tasks pushed, 0 were there" in done(workspace, admin, "push", "scenario_review")
    assert "0 tasks pushed, 4 were there" in done(workspace, admin, "push", "scenario_review")
    (project,) = read_projects(workspace)
    there = sorted(ids_there(admin, project.remote_id).values())
    ann, ben, _ = team
    approve, reject = as_result(make_answers()), as_result(make_answers("reject"))
    first = ann.annotate(there[0], approve)["id"]
    second = ben.annotate(there[0], reject)["id"]
    skipped = ben.annotate(there[1], [], was_cancelled=True)["id"]
    broken = ann.annotate(there[1], [{**approve[-1], "value": {"choices": ["maybe"]}}])["id"]
    assert "4 new, 0 tasks deleted there" in done(workspace, admin, "pull")
    assert uses(workspace) == {first: "counted", second: "counted", skipped: "skipped", broken: "unreadable"}
    assert "0 new, 0 tasks deleted there" in done(workspace, admin, "pull")
    ann.send("PATCH", f"/api/annotations/{broken}/", {"result": reject})
    ben.send("DELETE", f"/api/annotations/{skipped}/")
    admin.send("DELETE", f"/api/tasks/{there[3]}/")
    assert "2 new, 1 tasks deleted there" in done(workspace, admin, "pull")
    assert uses(workspace) == {first: "counted", second: "counted", skipped: "withdrawn", broken: "counted"}
    said = done(workspace, admin, "status")
    assert "tasks there 3, deleted there 1" in said
    assert admin.token not in said


def test_what_was_imported_twice_is_there_once_and_no_answer_is_lost(
    workspace: Workspace, admin: Person, team: list[Person]
) -> None:
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 3, overlap=2)
    done(workspace, admin, "push", "scenario_review")
    (project,) = read_projects(workspace)
    there = ids_there(admin, project.remote_id)
    again = [{"data": task["data"]} for task in admin.export(project.remote_id)]
    admin.send("POST", f"/api/projects/{project.remote_id}/import", again)
    admin.send(
        "POST", f"/api/projects/{project.remote_id}/import", [{"data": again[0]["data"] | {"curator_task": 10**6}}]
    )
    exported = sorted(admin.export(project.remote_id), key=lambda task: task["id"])
    second = {task["data"]["curator_task"]: task["id"] for task in exported}
    first, other, _ = there
    team[0].annotate(second[first], as_result(make_answers()))  # on the second of one, on both of another
    skipped = team[0].annotate(there[other], [], was_cancelled=True)["id"]
    team[1].annotate(second[other], as_result(make_answers()))
    said = done(workspace, admin, "push", "scenario_review")
    assert "0 tasks pushed, 3 were there" in said
    assert "2 were there twice" in said
    left = {task["id"] for task in admin.export(project.remote_id)}
    assert left == {second[first], there[other], second[other], *list(there.values())[2:], second[10**6]}
    assert "3 new, 0 tasks deleted there" in done(workspace, admin, "pull")
    assert Counter(uses(workspace).values()) == {"counted": 2, "skipped": 1}
    assert uses(workspace)[skipped] == "skipped"


def test_an_import_whose_reply_is_lost_is_not_sent_again(workspace: Workspace, admin: Person) -> None:
    add_items_in_review(workspace.db, 60)
    ended = curator(workspace, admin, "push", "scenario_review", moment="lost")
    assert ended.returncode == 0, ended.stderr
    assert "60 tasks pushed, 0 were there" in ended.stdout
    assert "twice" not in ended.stdout
    (project,) = read_projects(workspace)
    assert len(ids_there(admin, project.remote_id)) == len(admin.export(project.remote_id)) == 60


def test_a_study_stays_blind(workspace: Workspace, admin: Person, team: list[Person]) -> None:
    add_users(workspace.db, *TEAM)
    add_study(workspace.db, 2)
    refused = curator(workspace, admin, "push", "judge_audit", "--study", "first")
    assert refused.returncode == 1
    assert "a study needs a project for each person" in refused.stderr
    for email in TEAM[:2]:
        done(workspace, admin, "push", "judge_audit", "--study", "first", "--person", email)
    mine, theirs = read_projects(workspace)
    for project in (mine, theirs):
        for task in admin.export(project.remote_id):
            assert task["predictions"] == []
            assert [word for word in HIDDEN if word in json.dumps(task["data"])] == []
    answers = AuditAnswers(risk_appraisal=1, safety_of_consequences=2, effectiveness=0)
    place = next(iter(ids_there(admin, mine.remote_id).values()))
    own = team[0].annotate(place, as_result(answers))["id"]
    foreign = team[1].annotate(place, as_result(answers))["id"]
    done(workspace, admin, "pull")
    assert uses(workspace) == {own: "counted", foreign: "wrong_person"}
    with workspace.db.read() as session:
        assert len(session.exec(select(ReviewRow)).all()) == 1


def test_what_cannot_be_done_is_said_in_a_sentence_without_a_secret(workspace: Workspace, admin: Person) -> None:
    add_items_in_review(workspace.db, 1)
    done(workspace, admin, "push", "scenario_review")
    (project,) = read_projects(workspace)
    place = f"/api/projects/{project.remote_id}/"
    admin.send("PATCH", place, {"label_config": project.config.replace("Approve", "Wave through")})
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        wrong = {
            "was changed on the server": admin,
            "refuses the token": Person(admin.url, admin.email, admin.token[:-4] + "AAAA"),
            "does not answer": Person(f"http://127.0.0.1:{port}", admin.email, admin.token),
        }
        for said, person in wrong.items():
            for words in (("pull",), ("push", "scenario_review")):
                ended = curator(workspace, person, *words)
                if said == "does not answer" and words == ("pull",):
                    continue  # nothing was pushed to that address
                assert ended.returncode == 1, (said, words, ended.stdout)
                assert said in ended.stderr
                assert not [
                    secret for secret in (person.token, "Traceback", "sessionid", "csrf") if secret in ended.stderr
                ]
    admin.send("DELETE", place)
    for words in (("pull",), ("push", "scenario_review")):
        assert "the project is gone" in curator(workspace, admin, *words).stderr


class Annotator(threading.Thread):
    """Works through the API: annotates, edits, skips, deletes, as the dice fall. What failed is left as it is."""

    def __init__(self, person: Person, tasks: list[int], *, seed: str, actions: int) -> None:
        super().__init__()
        self.person, self.tasks, self.actions = person, tasks, actions
        self.dice = random.Random(seed)
        self.mine: list[int] = []
        self.did: Counter[str] = Counter()

    def run(self) -> None:
        for _ in range(self.actions):
            what = self.dice.choices(
                ("annotate", "skip", "edit", "unskip", "delete", "delete_task"), (10, 2, 5, 1, 2, 0.3)
            )[0]
            said = self._do(what if self.mine or what == "skip" else "annotate")
            self.did[f"{what} {said.status_code}"] += 1
            if said.status_code == 201:
                self.mine.append(said.json()["id"])

    def _do(self, what: str) -> Any:
        task = self.dice.choice(self.tasks)
        if what in ("annotate", "skip"):
            body = {"result": self._result(), "lead_time": 3.25, "was_cancelled": what == "skip"}
            return self.person.call("POST", f"/api/tasks/{task}/annotations/", json=body)
        if what == "delete_task":
            return self.person.call("DELETE", f"/api/tasks/{task}/")
        annotation = self.dice.choice(self.mine)
        if what == "delete":
            self.mine.remove(annotation)
            return self.person.call("DELETE", f"/api/annotations/{annotation}/")
        body = {"result": self._result()} | ({"was_cancelled": False} if what == "unskip" else {})
        return self.person.call("PATCH", f"/api/annotations/{annotation}/", json=body)

    def _result(self) -> Any:
        verdict = self.dice.choice(("approve", "approve", "reject", "revise", "?"))
        if verdict == "?":  # an answer that none of our screens would take
            return as_result(make_answers("reject"))[:1]
        return as_result(make_answers(verdict))


TASKS, ACTIONS, KILLS = 500, 70, 10


def test_what_three_people_do_is_here_at_the_end_though_we_are_killed_ten_times(
    workspace: Workspace, admin: Person, team: list[Person]
) -> None:
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, TASKS, overlap=2)
    dice = random.Random(20)
    for moment in dice.sample(range(1, 40), 4):  # of a push, too
        assert curator(workspace, admin, "push", "scenario_review", moment=moment).returncode == -9
    done(workspace, admin, "push", "scenario_review")
    (project,) = read_projects(workspace)
    there = ids_there(admin, project.remote_id)
    assert len(there) == TASKS
    crowded = sorted(there.values())[:60]  # few enough that people meet
    people = [Annotator(person, crowded, seed=person.email, actions=ACTIONS) for person in team]
    for person in people:
        person.start()
    killed: list[str] = []
    while len(killed) < KILLS or any(person.is_alive() for person in people):
        moment = dice.randint(1, 40) if len(killed) < KILLS else 0
        ended = curator(workspace, admin, "pull", moment=moment)
        assert ended.returncode in (0, -9), ended.stderr
        if ended.returncode == -9:
            killed.append(ended.stdout.strip().splitlines()[-1])
    did = sum((person.did for person in people), Counter())
    print(did, killed)  # noqa: T201
    assert sum(count for what, count in did.items() if what[-3] == "2") > 0.8 * ACTIONS * len(people), did
    done(workspace, admin, "pull")
    assert "0 new, 0 tasks deleted" in done(workspace, admin, "pull")
    truth = admin.export(project.remote_id)
    with workspace.db.read() as session:
        check_mirror(session, truth)
        check_reviews(session)
        assert verify_chain(session=session).events > TASKS


def check_mirror(session: Session, truth: list[dict[str, Any]]) -> None:
    """What we keep is what the server has, annotation by annotation; what it lost is marked so."""
    links = session.exec(select(ExternalTaskRow)).all()
    assert {row.remote_id for row in links if row.state == "live"} == {task["id"] for task in truth}
    assert len({row.task_id for row in links if row.state == "live"}) == len(truth)
    kept = {}
    for row in session.exec(select(ExternalAnnotationRow)):
        revision = session.get_one(ExternalRevisionRow, row.revision_id)
        kept[row.annotation] = (row.remote_task, revision.state, json.loads(revision.raw).get("result"))
    alive = {row.remote_id for row in links if row.state == "live"}
    on_server = {
        each["id"]: (task["id"], "skipped" if each["was_cancelled"] else "submitted", each["result"])
        for task in truth
        for each in task["annotations"]
    }
    assert {key: value for key, value in kept.items() if value[0] in alive and value[1] != "deleted"} == on_server


USES = {
    "submitted": ("counted", "same", "extra", "conflict", "late", "unreadable"),
    "skipped": ("skipped", "late"),
    "deleted": ("withdrawn", "late"),
}


def check_reviews(session: Session) -> None:
    """Each counted annotation is one review of its author, which says the same; there is no other."""
    standing = {row.id: row for row in session.exec(select(ReviewRow).where(ReviewRow.status == "submitted"))}
    assert len({(row.task_id, row.user_id) for row in standing.values()}) == len(standing)
    counted = {}
    for row in session.exec(select(ExternalAnnotationRow)):
        revision = session.get_one(ExternalRevisionRow, row.revision_id)
        assert row.use in USES[revision.state], (row, revision.state)
        if row.use == "counted":
            review = standing[row.review_id]
            counted[row.review_id] = row
            record = get_record(session=session, record_id=review.record_id, item_number=review.item_number)
            said = ReviewAnswers.model_validate_json(revision.answers)
            fields = set(ReviewAnswers.model_fields) - {"seconds"}
            assert record.model_dump(include=fields) == said.model_dump(include=fields)
        elif row.review_id in standing:
            assert row.use == "late", row
    late = {row.review_id for row in session.exec(select(ExternalAnnotationRow)) if row.use == "late"}
    assert set(standing) - set(counted) <= late
    assert not {row.status for row in session.exec(select(TaskRow))} - {"open", "decided", "adjudicating"}
