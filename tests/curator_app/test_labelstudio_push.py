"""What goes out to Label Studio, and what is said where it cannot. No server."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from curator_here import run_curator_here
from factories import add_users
from labelstudio_here import LabelStudioHere
from studies_here import HIDDEN, add_study

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio import outgoing, pushing, server
from curator_app.labelstudio.links import hold
from curator_app.labelstudio.mapping import Unreadable, read_result, write_result
from curator_app.labelstudio.pulling import pull
from curator_app.labelstudio.pushing import PushRequest
from curator_app.workspace import Workspace
from storage.items import attach
from storage.records import Answer, Criterion, FilterVerdict, Provenance, ReviewAnswers, TaskKind, Verdict
from storage.reviews import claim_next
from storage.tables import ItemRow, TaskRow


def gather(workspace: Workspace, kind: TaskKind, *, study: str = "", person: str = "") -> list[outgoing.Outgoing]:
    with workspace.db.read() as session:
        found = outgoing.find_study(session=session, name=study) if study else None
        return outgoing.gather(session=session, kind=kind, study=found, person=person)


def test_a_task_carries_our_ids_its_round_and_a_hash_of_what_it_shows(workspace: Workspace) -> None:
    rows = gather(workspace, TaskKind.SCENARIO_REVIEW)
    (shown, *_) = [row.data for row in rows]
    assert {"curator_task", "item_id", "item", "item_rev", "content_hash", "schema_version", "query"} <= set(shown)
    assert len({row.content_sha256 for row in rows}) == len(rows) == 6
    with workspace.db.write() as session:
        task = session.get_one(TaskRow, rows[0].task_id)
        task.status = "decided"
        session.commit()
    assert [row.task_id for row in gather(workspace, TaskKind.SCENARIO_REVIEW)] == [row.task_id for row in rows[1:]]


def test_a_study_goes_out_without_what_its_people_may_not_see(workspace: Workspace) -> None:
    add_study(workspace.db, 2, checks=1)
    rows = gather(workspace, TaskKind.JUDGE_AUDIT, study="first", person="ann")
    assert len(rows) == 3
    assert [word for word in HIDDEN if word in json.dumps([row.data for row in rows])] == []
    assert len({frozenset(row.data) for row in rows}) == 1  # a check looks like any other


def test_a_person_gets_what_the_queue_would_give_them(workspace: Workspace) -> None:
    (cat,) = add_users(workspace.db, "cat")
    with workspace.db.write() as session:
        claim_next(session=session, user_id=cat, kind=TaskKind.SCENARIO_REVIEW)
        session.commit()
    mine = {row.task_id for row in gather(workspace, TaskKind.SCENARIO_REVIEW, person="cat")}
    everybodys = {row.task_id for row in gather(workspace, TaskKind.SCENARIO_REVIEW)}
    assert len(everybodys - mine) == 1


def test_pictures_travel_inside_or_as_files_of_a_folder_that_the_server_serves(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = gather(workspace, TaskKind.SCENARIO_REVIEW)[:2]
    inside = outgoing.add_pictures(workspace, rows, pictures="inline", folder=None, root=None)
    kind, _, body = inside[0]["image"].partition(";base64,")
    assert kind.startswith("data:image/")
    root = tmp_path / "root"
    files = outgoing.add_pictures(workspace, rows, pictures="files", folder=root / "ours", root=root)
    where = files[0]["image"].removeprefix("/data/local-files/?d=")
    assert (root / where).read_bytes() == base64.b64decode(body)
    for folder in (root, tmp_path, root / "..", None):
        with pytest.raises(LabelStudioRefused, match="--folder and --root"):
            outgoing.add_pictures(workspace, rows, pictures="files", folder=folder, root=root)


@pytest.mark.parametrize(
    "address",
    ["", "ftp://h", "127.0.0.1:8080", "http://", "http://ann:secret@h", "http://h/?token=secret", "http://[h"],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(LabelStudioRefused, match="set CURATOR_LABEL_STUDIO_URL") as refused:
        server.check_address(address)
    assert "secret" not in str(refused.value)
    assert server.check_address(" https://h:81/studio/ ") == "https://h:81/studio"


def test_what_the_server_says_of_a_refusal_is_shown_without_addresses_and_pictures() -> None:
    said = {"validation_errors": {"label_config": ["see https://h/f?sig=1 and data:image/png;base64,AAAA here"]}}
    assert server._detail(said) == ': {"label_config": ["see … and … here"]}'
    assert server._detail({"detail": "x" * 999}) == ": " + "x" * 300
    assert server._detail("<html>") == server._detail(None) == ""


@pytest.mark.labelstudio
@pytest.mark.usefixtures("label_studio_sdk")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("push", "judge_audit"), "give --study"),
        (("push", "scenario_review", "--study", "first"), "give --study, and only for them"),
        (("push", "judge_audit", "--study", "first"), "give --person"),
        (("push", "judge_audit", "--study", "other", "--person", "ann"), "no open study 'other'"),
        (("push", "scenario_review", "--person", "zoe"), "no account 'zoe'"),
        (("push", "scenario_review", "--pictures", "files"), "give --folder and --root"),
        (
            ("push", "scenario_review", "--pictures", "files", "--root", "/dev", "--folder", "/dev/null/there"),
            "/dev/null/there cannot be made (Not a directory)",
        ),
        (("pull", "--person", "ann"), "is not EMAIL=ACCOUNT"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_anything_is_sent(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: Any, said: str
) -> None:
    add_study(workspace.db, 1)
    environment = {
        "CURATOR_HOME": str(workspace.settings.home), "CURATOR_LABEL_STUDIO_URL": "http://127.0.0.1:9",
        "CURATOR_LABEL_STUDIO_TOKEN": "a" * 40,
    }  # fmt: skip
    code, _, errors = run_curator_here(
        "labelstudio", *words, environment=environment, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 1
    assert said in errors


def test_one_push_or_pull_runs_at_a_time(workspace: Workspace) -> None:
    with hold(workspace), pytest.raises(LabelStudioRefused, match="another push or pull"), hold(workspace):
        pass


def test_a_pull_reads_the_annotations_of_what_changed_since_the_last_one_only(workspace: Workspace) -> None:
    there: Any = LabelStudioHere()
    pushing.push(workspace, there, PushRequest(kind=TaskKind.SCENARIO_REVIEW))
    approved = write_result(ReviewAnswers(verdict=Verdict.APPROVE, seconds=4.0), texts={}, seed="s")
    there.annotate(2, "x@example.com", approved)
    there.annotate(5, "x@example.com", approved)
    assert pull(workspace, there)[0].revisions == 2
    assert sorted(there.read) == [2, 5]  # not the four that nobody has answered
    assert pull(workspace, there)[0].revisions == 0
    there.annotate(5, "y@example.com", approved)
    assert pull(workspace, there)[0].revisions == 1
    assert there.read[2:] == [5]


def test_nothing_pushed_means_an_empty_status_and_a_token_is_never_shown(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    environment = {"CURATOR_HOME": str(workspace.settings.home), "CURATOR_LABEL_STUDIO_TOKEN": "very-secret"}
    code, out, errors = run_curator_here(
        "labelstudio", "status", environment=environment, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
    )
    assert (code, errors) == (0, "")
    assert "Nothing was pushed yet" in out
    code, _, errors = run_curator_here(
        "labelstudio", "pull", environment=environment, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 1
    assert "set CURATOR_LABEL_STUDIO_URL" in errors
    assert "very-secret" not in errors


def judge(workspace: Workspace, task_id: int, **passed: bool) -> None:
    """Let filters have judged the item of a task."""
    with workspace.db.write() as session:
        item = session.get_one(ItemRow, session.get_one(TaskRow, task_id).item_number)
        for name, good in passed.items():
            verdict = FilterVerdict(
                filter_name=name, passed=good, parent_id=item.scenario_id, provenance=Provenance(actor="c", tool="t")
            )
            attach(session=session, item_id=item.id, record=verdict, actor="test")
        session.commit()


def test_predictions_are_what_the_filters_found_in_a_project_of_its_own(workspace: Workspace) -> None:
    there = LabelStudioHere()
    server: Any = there
    request = PushRequest(TaskKind.SCENARIO_REVIEW, predictions=True)
    with pytest.raises(LabelStudioRefused, match="no filter has judged any of these 6 items"):
        pushing.push(workspace, server, request)
    assert there.configs == {}
    assert pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW)).pushed == 6
    assert not there.shows_predictions
    assert set(map(len, there.predictions.values())) == {0}
    first = gather(workspace, TaskKind.SCENARIO_REVIEW)[0].task_id
    judge(workspace, first, query_benignness=True, risk_clarity=False, severity=True)
    there.tasks.clear()
    assert pushing.push(workspace, server, request).project == 2
    assert there.shows_predictions
    ((number, (made,)),) = [(number, found) for number, found in there.predictions.items() if found]
    assert there.tasks[number]["curator_task"] == first
    assert made["model_version"] == "curator filters"
    verdict = write_result(ReviewAnswers(verdict=Verdict.APPROVE, seconds=1), texts={}, seed="ann")
    answers = read_result(TaskKind.SCENARIO_REVIEW, made["result"] + verdict, texts={}, lead_time=2)
    assert isinstance(answers, ReviewAnswers)
    assert answers.answers == {Criterion.BENIGNNESS: Answer.YES, Criterion.RISK_CLARITY: Answer.NO}
    with pytest.raises(Unreadable, match="verdict"):  # a prediction alone is no answer
        read_result(TaskKind.SCENARIO_REVIEW, made["result"], texts={}, lead_time=2)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (TaskKind.LEAKAGE_CHECK, "what a person guesses"),
        (TaskKind.JUDGE_AUDIT, "in a study nobody may know"),
        (TaskKind.FAILURE_LABELS, "in a study nobody may know"),
    ],
)
def test_predictions_are_refused_where_they_would_spoil_blindness(
    workspace: Workspace, kind: TaskKind, said: str
) -> None:
    study = {"study": "first", "person": "ann"} if kind is not TaskKind.LEAKAGE_CHECK else {}
    server: Any = LabelStudioHere()
    with pytest.raises(LabelStudioRefused, match=f"predictions cannot be pushed with {kind.value}: .*{said}"):
        pushing.push(workspace, server, PushRequest(kind, predictions=True, **study))
