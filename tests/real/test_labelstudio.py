"""`curator labelstudio` against a real Label Studio: what is there, is here, whatever happened on the way."""

import functools
import json
import logging
import os
import random
import subprocess
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from curator_here import run_curator_here
from factories import add_items_in_review, add_users, make_answers
from labelstudio_people import Annotator, as_result, check_counts, check_mirror, check_nothing_else
from labelstudio_server import Person, Stranger
from sqlmodel import select
from studies_here import HIDDEN, add_study

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.server import Server
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.audit import verify_chain
from storage.audit_answers import AuditAnswers
from storage.claims import claim_task
from storage.external_tables import ExternalAnnotationRow, ExternalProjectRow
from storage.reviews import submit_review
from storage.tables import DecisionRow, ItemRow, RecordRow, ReviewRow, TaskRow
from storage.texts import utc_now

pytestmark = [pytest.mark.labelstudio, pytest.mark.xdist_group("labelstudio")]
HERE = Path(__file__).parent
TEAM = ("ann@example.com", "ben@example.com", "eve@example.com")
SECRETS = ("sessionid", "csrftoken", "set-cookie", "authorization", "traceback", "data:image", ";base64,")
"""What may stand in no output, log or file, beside the tokens themselves."""


@pytest.fixture(scope="module")
def team(admin: Person) -> list[Person]:
    """Three annotators of the server."""
    return [admin.invite(email) for email in TEAM]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = create_workspace(Settings(home=tmp_path / "home"))
    yield made
    made.close()


def environment(workspace: Workspace, person: Person) -> dict[str, str]:
    return {
        "CURATOR_HOME": str(workspace.settings.home),
        "CURATOR_LABEL_STUDIO_URL": person.url,
        "CURATOR_LABEL_STUDIO_TOKEN": person.token,
    }


def find_secrets(text: str, *people: Person) -> list[str]:
    """What of these people's tokens, of a session or of a picture stands there."""
    parts = {part for person in people for part in person.token.split(".")[-2:] if len(part) > 20}
    assert parts
    return [secret for secret in (*SECRETS, *parts) if secret.lower() in text.lower()]


class Curator:
    """`curator labelstudio WORDS…` in this process, with every logger at its loudest; no secret is ever seen."""

    def __init__(self, workspace: Workspace, admin: Person, run: Any, caplog: pytest.LogCaptureFixture) -> None:
        self.workspace, self.admin, self.caplog = workspace, admin, caplog
        self._run = run

    def __call__(self, *words: str, person: Person | None = None) -> tuple[int, str, str]:
        """Run it; return its exit code, output and errors."""
        person = person or self.admin
        self.caplog.clear()
        with self.caplog.at_level(logging.DEBUG):
            code, out, said = self._run("labelstudio", *words, environment=environment(self.workspace, person))
        assert "HTTP Request" in self.caplog.text or code or words == ("status",)  # the loggers are on
        assert find_secrets(out + said + self.caplog.text, person, self.admin) == []
        return code, out, said

    def done(self, *words: str, person: Person | None = None) -> str:
        """Run it to its end; return what it said."""
        code, out, said = self(*words, person=person)
        assert code == 0, said
        return out

    def refused(self, *words: str, person: Person | None = None) -> str:
        """Run what cannot be done; return its reason."""
        code, out, said = self(*words, person=person)
        assert code == 1, out
        return said


@pytest.fixture
def curator(
    workspace: Workspace,
    admin: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Curator]:
    run = functools.partial(run_curator_here, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys)
    yield Curator(workspace, admin, run, caplog)
    kept = b"".join(path.read_bytes() for path in workspace.settings.home.rglob("*") if path.is_file())
    assert find_secrets(kept.decode("latin-1"), admin) == []


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


def uses(workspace: Workspace) -> dict[int, str]:
    with workspace.db.read() as session:
        return {row.annotation: row.use for row in session.exec(select(ExternalAnnotationRow))}


def test_a_few_reviews_go_out_and_come_back(curator: Curator, admin: Person, team: list[Person]) -> None:
    workspace = curator.workspace
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 4, overlap=2)
    assert "4 tasks pushed, 0 were there" in curator.done("push", "scenario_review")
    assert "0 tasks pushed, 4 were there" in curator.done("push", "scenario_review")
    (project,) = read_projects(workspace)
    there = sorted(ids_there(admin, project.remote_id).values())
    ann, ben, _ = team
    approve, reject = as_result(make_answers()), as_result(make_answers("reject"))
    first = ann.annotate(there[0], approve)["id"]
    second = ben.annotate(there[0], reject)["id"]
    skipped = ben.annotate(there[1], [], was_cancelled=True)["id"]
    broken = ann.annotate(there[1], [{**approve[-1], "value": {"choices": ["maybe"]}}])["id"]
    assert "4 new, 0 tasks deleted there" in curator.done("pull")
    assert uses(workspace) == {first: "counted", second: "counted", skipped: "skipped", broken: "unreadable"}
    assert "0 new, 0 tasks deleted there" in curator.done("pull")
    ann.send("PATCH", f"/api/annotations/{broken}/", {"result": reject})
    ben.send("DELETE", f"/api/annotations/{skipped}/")
    admin.send("DELETE", f"/api/tasks/{there[3]}/")
    assert "2 new, 1 tasks deleted there" in curator.done("pull")
    assert uses(workspace) == {first: "counted", second: "counted", skipped: "withdrawn", broken: "counted"}
    assert "tasks there 3, deleted there 1" in curator.done("status")


def test_an_answer_that_was_not_needed_counts_once_it_is(curator: Curator, admin: Person, team: list[Person]) -> None:
    workspace = curator.workspace
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 2, overlap=2)
    curator.done("push", "scenario_review")
    (project,) = read_projects(workspace)
    one, other = sorted(ids_there(admin, project.remote_id).values())
    approve = as_result(make_answers())
    first, second, spare = [person.annotate(one, approve)["id"] for person in team]
    again = [team[0].annotate(other, as_result(make_answers(verdict)))["id"] for verdict in ("approve", "reject")]
    curator.done("pull")
    assert uses(workspace) == dict(
        zip((first, second, spare, *again), ("counted", "counted", "extra", "counted", "conflict"), strict=True)
    )
    team[1].send("DELETE", f"/api/annotations/{second}/")
    team[0].send("DELETE", f"/api/annotations/{again[0]}/")
    assert "2 new" in curator.done("pull")
    assert uses(workspace) == dict(
        zip((first, second, spare, *again), ("counted", "withdrawn", "counted", "withdrawn", "counted"), strict=True)
    )


def read_decision(workspace: Workspace, task_id: int) -> dict[str, Any]:
    """All that was decided about a task, without the names of its records and the time."""
    with workspace.db.read() as session:
        task = session.get_one(TaskRow, task_id)
        found: dict[str, Any] = {"status": task.status, "submitted": task.submitted, "open_slots": task.open_slots}
        found["stage"] = session.get_one(ItemRow, task.item_number).stage
        kinds = select(TaskRow.kind, TaskRow.status).where(TaskRow.item_number == task.item_number)
        found["tasks"] = sorted(session.exec(kinds))
        query = select(RecordRow.body).join(DecisionRow, DecisionRow.record_id == RecordRow.id)
        decisions = [json.loads(body) for body in session.exec(query.where(DecisionRow.task_id == task_id))]
        found["decisions"] = [
            {name: each[name] for name in ("outcome", "policy", "reason", "round")} | {"of": len(each["review_ids"])}
            for each in decisions
        ]
        said = select(ReviewRow.verdict, ReviewRow.status).where(ReviewRow.task_id == task_id)
        found["reviews"] = sorted(session.exec(said))
        return found


@pytest.mark.parametrize(
    "verdicts", [("approve",) * 3, ("approve", "reject", "approve"), ("revise", "reject", "approve")]
)
def test_two_annotations_there_and_one_review_here_decide_what_three_reviews_here_do(
    curator: Curator, admin: Person, team: list[Person], verdicts: tuple[str, ...]
) -> None:
    workspace = curator.workspace
    people = add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 2, overlap=3)
    curator.done("push", "scenario_review")
    (project,) = read_projects(workspace)
    (mixed, remote), (ours, _) = sorted(ids_there(admin, project.remote_id).items())
    answers = [make_answers(verdict) for verdict in verdicts]
    for person, answer in zip(team[:2], answers, strict=False):
        person.annotate(remote, as_result(answer))
    curator.done("pull")
    assert set(uses(workspace).values()) == {"counted"}
    for place, task in ((2, mixed), (0, ours), (1, ours), (2, ours)):
        with workspace.db.write() as session:
            claim = claim_task(session=session, user_id=people[place], task_id=task, holder="tab")
            assert claim is not None
            submit_review(
                session=session, user_id=people[place], claim_id=claim.id, answers=answers[place],
                idempotency_key=f"{place}-{task}",
            )  # fmt: skip
            session.commit()
    decided = read_decision(workspace, mixed)
    assert decided == read_decision(workspace, ours)
    assert decided["status"] != "open"


def test_what_was_imported_twice_is_there_once_and_no_answer_is_lost(
    curator: Curator, admin: Person, team: list[Person]
) -> None:
    workspace = curator.workspace
    add_users(workspace.db, *TEAM)
    add_items_in_review(workspace.db, 3, overlap=2)
    curator.done("push", "scenario_review")
    (project,) = read_projects(workspace)
    there = ids_there(admin, project.remote_id)
    place = f"/api/projects/{project.remote_id}/import"
    again = [{"data": task["data"]} for task in admin.export(project.remote_id)]
    admin.send("POST", place, again)
    admin.send("POST", place, [{"data": again[0]["data"] | {"curator_task": 10**6}}])
    exported = sorted(admin.export(project.remote_id), key=lambda task: task["id"])
    second = {task["data"]["curator_task"]: task["id"] for task in exported}
    first, other, _ = there
    team[0].annotate(second[first], as_result(make_answers()))  # on the second of one, on both of another
    skipped = team[0].annotate(there[other], [], was_cancelled=True)["id"]
    team[1].annotate(second[other], as_result(make_answers()))
    said = curator.done("push", "scenario_review")
    assert "0 tasks pushed, 3 were there" in said
    assert "2 were there twice" in said
    left = {task["id"] for task in admin.export(project.remote_id)}
    assert left == {second[first], there[other], second[other], *list(there.values())[2:], second[10**6]}
    assert "3 new, 0 tasks deleted there" in curator.done("pull")
    assert Counter(uses(workspace).values()) == {"counted": 2, "skipped": 1}
    assert uses(workspace)[skipped] == "skipped"


def test_an_import_whose_reply_is_lost_is_not_sent_again(
    curator: Curator, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = httpx.Client.send
    lost: list[str] = []

    def send_and_lose(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        said = send(self, request, **how)
        if request.method == "POST" and request.url.path.endswith("/import") and not lost:
            lost.append(said.read().decode())
            return httpx.Response(500, json={"detail": "the server was ended"}, request=request)
        return said

    monkeypatch.setattr(httpx.Client, "send", send_and_lose)
    add_items_in_review(curator.workspace.db, 60)
    said = curator.done("push", "scenario_review")
    assert lost
    assert "60 tasks pushed, 0 were there" in said
    assert "twice" not in said
    (project,) = read_projects(curator.workspace)
    assert len(ids_there(admin, project.remote_id)) == len(admin.export(project.remote_id)) == 60


def test_a_study_stays_blind(curator: Curator, admin: Person, team: list[Person]) -> None:
    workspace = curator.workspace
    add_users(workspace.db, *TEAM)
    add_study(workspace.db, 2)
    assert "a study needs a project for each person" in curator.refused("push", "judge_audit", "--study", "first")
    for email in TEAM[:2]:
        curator.done("push", "judge_audit", "--study", "first", "--person", email)
    mine, theirs = read_projects(workspace)
    check_blind(admin, mine)
    check_blind(admin, theirs)
    answers = AuditAnswers(risk_appraisal=1, safety_of_consequences=2, effectiveness=0)
    place = next(iter(ids_there(admin, mine.remote_id).values()))
    own = team[0].annotate(place, as_result(answers))["id"]
    foreign = team[1].annotate(place, as_result(answers))["id"]
    curator.done("pull")
    assert uses(workspace) == {own: "counted", foreign: "wrong_person"}
    with workspace.db.read() as session:
        assert len(session.exec(select(ReviewRow)).all()) == 1


def check_blind(admin: Person, project: ExternalProjectRow) -> None:
    """Nothing that a person of a study may not see is on the server."""
    tasks = admin.export(project.remote_id)
    assert tasks
    for task in tasks:
        assert task["predictions"] == []
        assert [word for word in HIDDEN if word in json.dumps(task["data"])] == []


def test_both_kinds_of_token_are_taken_and_one_that_is_not_good_is_named(curator: Curator, admin: Person) -> None:
    add_items_in_review(curator.workspace.db, 1)
    legacy = Person(admin.url, admin.email, admin.get("/api/current-user/token")["token"])
    assert len(legacy.token) == 40
    revoked = admin.invite("zoe@example.com")
    assert "1 tasks pushed" in curator.done("push", "scenario_review", person=revoked)
    revoked.send("POST", "/api/token/blacklist/", {"refresh": revoked.token})
    admin.send("POST", "/api/jwt/settings", {"legacy_api_tokens_enabled": True})
    assert "1 were there" in curator.done("push", "scenario_review", person=legacy)
    curator.done("pull", person=legacy)
    admin.send("POST", "/api/jwt/settings", {"legacy_api_tokens_enabled": False})
    for wrong in (
        legacy,  # turned off
        revoked,
        Person(admin.url, admin.email, "0123456789" * 4),
        Person(admin.url, admin.email, admin.token[:-4] + "AAAA"),
    ):
        for words in (("pull",), ("push", "scenario_review")):
            said = curator.refused(*words, person=wrong)
            assert f"Label Studio at {admin.url} refuses the token; make a new personal access token" in said
            assert said.count("\n") == 1
    assert "1 were there" in curator.done("push", "scenario_review")


def test_a_config_that_was_changed_stops_a_pull_with_the_difference_and_so_does_a_project_that_is_gone(
    curator: Curator, admin: Person
) -> None:
    workspace = curator.workspace
    add_users(workspace.db, *TEAM)
    add_study(workspace.db, 1)
    add_items_in_review(workspace.db, 1)
    curator.done("push", "scenario_review")
    curator.done("push", "judge_audit", "--study", "first", "--person", TEAM[0])
    project, other = read_projects(workspace)
    place = f"/api/projects/{project.remote_id}/"
    admin.send("PATCH", place, {"label_config": project.config.replace('"Approve"', '"Wave through"')})
    for words in (("pull",), ("push", "scenario_review")):
        code, out, said = curator(*words)
        assert code == 1
        assert f"the labeling config of project {project.remote_id} was changed on the server" in said
        changed = [line.strip() for line in said.splitlines() if line.startswith(("-  ", "+  "))]
        assert changed == [
            '-    <Choice alias="approve" hotkey="a" value="Approve">',
            '+    <Choice alias="approve" hotkey="a" value="Wave through">',
        ], said
        assert ("judge_audit: 0 new" in out) == (words == ("pull",)), out  # the other one is pulled
    admin.send("DELETE", place)
    for words in (("pull",), ("push", "scenario_review")):
        said = curator.refused(*words)
        assert f"cannot read project {project.remote_id}: the project is gone" in said
        assert said.count("\n") == 1
    assert "judge_audit" in curator.done("status")
    assert other.remote_id


def test_a_config_that_the_server_refuses_is_told_in_one_sentence(admin: Person) -> None:
    server = Server(admin.url, admin.token)
    broken = '<View><Choices name="a" toName="https://h/f.png?sig=1234"><Choice value="1"/></Choices></View>'
    with pytest.raises(LabelStudioRefused, match=r"refused to make the project \(400\): ") as refused:
        server.create_project(title="Broken", description="", config=broken)
    told = "".join(traceback.format_exception(refused.value)).lower().replace("traceback", "")
    assert find_secrets(told, admin) == []
    assert "sig=" not in str(refused.value)
    with pytest.raises(LabelStudioRefused, match="cannot read project 999999: the project is gone"):
        server.read_project(999_999)


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[]", b"{}", b'"yes"'])
def test_a_server_that_is_none_or_is_away_is_named(curator: Curator, admin: Person, body: bytes) -> None:
    workspace = curator.workspace
    add_items_in_review(workspace.db, 1)
    handler = type("Handler", (Stranger,), {"body": body})
    with HTTPServer(("127.0.0.1", 0), handler) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        for token in (admin.token, "0123456789" * 4):
            said = curator.refused("push", "scenario_review", person=Person(url, admin.email, token))
            assert f"{url} does not answer as Label Studio does" in said
            assert said.count("\n") == 1
        stranger.shutdown()
    assert read_projects(workspace) == []
    with workspace.db.write() as session:
        session.add(
            ExternalProjectRow(
                source=url, marker="m", remote_id=1, kind="scenario_review", config="<View/>", created_at=utc_now()
            )
        )
        session.commit()
    for words in (("pull",), ("push", "scenario_review")):  # nobody listens there any more
        said = curator.refused(*words, person=Person(url, admin.email, admin.token))
        assert f"Label Studio at {url} does not answer (ConnectError); start it, or mend the address" in said
        assert said.count("\n") == 1


TASKS, KILLS = 500, 10


def run_until(workspace: Workspace, admin: Person, moment: int, *words: str) -> tuple[bool, str]:
    """Run `curator labelstudio WORDS…` in a process of its own that kills itself at a moment; whether it did."""
    ended = subprocess.run(
        [sys.executable, str(HERE / "labelstudio_killed.py"), str(moment), "labelstudio", *words],
        env=os.environ | environment(workspace, admin) | {"PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode in (0, -9), ended.stderr
    assert find_secrets(ended.stdout + ended.stderr, admin) == []
    return ended.returncode == -9, ended.stdout


def test_what_three_people_do_is_here_at_the_end_though_we_are_killed_ten_times(
    curator: Curator, admin: Person, team: list[Person]
) -> None:
    workspace, dice, over = curator.workspace, random.Random(20), threading.Event()
    add_users(workspace.db, *TEAM)
    add_study(workspace.db, 12)
    add_items_in_review(workspace.db, TASKS, overlap=2)
    studies = [("push", "judge_audit", "--study", "first", "--person", email) for email in TEAM]
    for moment in sorted(dice.sample(range(1, 36), 4)):  # of a push, too
        assert run_until(workspace, admin, moment, "push", "scenario_review")[0]
    for words in studies:
        assert run_until(workspace, admin, dice.randint(1, 20), *words)[0]
    for words in (("push", "scenario_review"), *studies):
        curator.done(*words)
    projects = {project.person: project for project in read_projects(workspace)}
    places = {person: sorted(ids_there(admin, each.remote_id).values()) for person, each in projects.items()}
    assert [len(each) for each in places.values()] == [TASKS, 12, 12, 12]
    crowded = places[""][:60]  # few enough that people meet
    people = [
        Annotator(person, over, reviews=crowded, scores=places[person.email], foreign=places[TEAM[place - 1]])
        for place, person in enumerate(team)
    ]
    for person in people:
        person.start()
    killed: list[str] = []
    reach = 40  # as many moments as the last pull had that came to its end
    while len(killed) < KILLS:
        died, said = run_until(workspace, admin, dice.randint(1, reach), "pull")
        if died:
            killed.append(said.strip().splitlines()[-1])
        else:
            reach = int(said.rpartition("moments ")[2])
    over.set()
    for person in people:
        person.join()
    did = sum((person.did for person in people), Counter())
    print(did, killed, file=sys.__stdout__)
    assert sum(count for what, count in did.items() if what[-3] == "2") > 0.7 * did.total(), did
    curator.done("pull")
    assert curator.done("pull").count("0 new, 0 tasks deleted") == len(projects)
    emails = {each["id"]: each["email"] for each in admin.get("/api/users/")}
    with workspace.db.read() as session:
        for project in projects.values():
            check_mirror(session, project, admin.export(project.remote_id), emails)
            check_counts(session, project)
        check_nothing_else(session)
        assert verify_chain(session=session).events > TASKS
    for email in TEAM:
        check_blind(admin, projects[email])
