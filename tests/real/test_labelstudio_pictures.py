"""Signed pictures, their renewal and predictions on a real Label Studio, and what it says of itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from approved_items import draw_picture
from factories import add_items_in_review, add_users, make_answers, make_provenance
from fastapi.testclient import TestClient
from labelstudio_server import Person
from sqlmodel import select

from bench import label_studio
from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio import pulling, pushing
from curator_app.labelstudio.mapping import write_result
from curator_app.labelstudio.pushing import PushRequest
from curator_app.labelstudio.server import Server, name_token_kind
from curator_app.server import build_server
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.blobs import put_image
from storage.external_tables import ExternalRevisionRow
from storage.items import attach, get_item
from storage.records import FilterVerdict, TaskKind

pytestmark = [pytest.mark.labelstudio, pytest.mark.xdist_group("labelstudio")]
ANN, BEN = "ann@example.com", "ben@example.com"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Three items, of which two have a picture, and two people."""
    made = create_workspace(Settings(home=tmp_path / "home", public_url="http://curator.example:7860"))
    ids = add_items_in_review(made.db, 3)
    with made.db.write() as session:
        for place, item_id in enumerate(ids[:2]):
            stored = put_image(session=session, blobs=made.blobs, data=draw_picture(place))
            item = get_item(session=session, item_id=item_id)
            item.image_sha256 = stored.sha256
            session.add(item)
        session.commit()
    add_users(made.db, ANN, BEN)
    yield made
    made.close()


def read_tasks(admin: Person, project: int) -> dict[int, dict[str, Any]]:
    return {each["id"]: each for each in admin.export(project)}


def test_addresses_are_kept_as_they_are_and_renewed_without_touching_anything_else(
    workspace: Workspace, admin: Person
) -> None:
    server = Server(admin.url, admin.token)
    report = pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW, pictures="url"))
    assert (report.pushed, report.renewed) == (3, 0)
    before = read_tasks(admin, report.project)
    images = [task["data"]["image"] for task in before.values()]
    signed = [image for image in images if image.startswith("http://curator.example:7860/signed-pictures/")]
    assert len(signed) == 2 and len([image for image in images if image.startswith("data:image/gif")]) == 1
    with TestClient(build_server(workspace, pages=False)) as stranger:
        for image in signed:
            parts = urlsplit(image)
            reply = stranger.get(f"{parts.path}?{parts.query}")
            assert (reply.status_code, reply.headers["content-type"].partition("/")[0]) == (200, "image")
    admin.annotate(min(before), write_result(make_answers(), texts={}, seed="a"))
    assert [each.revisions for each in pulling.pull(workspace, server)] == [1]
    renewed = PushRequest(TaskKind.SCENARIO_REVIEW, pictures="url", renew=True)
    assert pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW, pictures="url")).renewed == 0
    assert pushing.push(workspace, server, renewed).renewed == 2
    after = read_tasks(admin, report.project)
    assert set(after) == set(before)
    for number, task in after.items():
        same = {name: value for name, value in task["data"].items() if name != "image"}
        assert same == {name: value for name, value in before[number]["data"].items() if name != "image"}
        assert len(task["annotations"]) == (number == min(before))
    assert [(each.revisions, each.tombstones) for each in pulling.pull(workspace, server)] == [(0, 0)]


def test_predictions_show_in_a_project_of_their_own_and_what_began_as_one_says_so(
    workspace: Workspace, admin: Person
) -> None:
    server = Server(admin.url, admin.token)
    with workspace.db.write() as session:
        item_id = pushing.outgoing.gather(
            session=session, kind=TaskKind.SCENARIO_REVIEW, study=None, person=""
        )[0].data["item_id"]  # fmt: skip
        verdict = FilterVerdict(filter_name="query_benignness", passed=True, provenance=make_provenance())
        attach(session=session, item_id=item_id, record=verdict, actor="test")
        session.commit()
    blind = pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW))
    predicted = pushing.push(workspace, server, PushRequest(TaskKind.SCENARIO_REVIEW, predictions=True))
    assert blind.project != predicted.project
    shows = [admin.get(f"/api/projects/{each.project}")["show_collab_predictions"] for each in (blind, predicted)]
    assert shows == [False, True]
    assert admin.get(f"/api/projects/{predicted.project}")["model_version"] == "curator filters"
    tasks = admin.get("/api/tasks", project=predicted.project, fields="all")["tasks"]
    ((task, prediction),) = [(each["id"], each["predictions"][0]) for each in tasks if each["predictions"]]
    whole = [*prediction["result"], *write_result(make_answers(), texts={}, seed="a")]
    admin.annotate(task, whole, parent_prediction=prediction["id"])
    pulling.pull(workspace, server)
    with workspace.db.read() as session:
        (revision,) = session.exec(select(ExternalRevisionRow))
    assert revision.prefilled
    assert '"query_benignness":"yes"' in revision.answers


def test_the_server_says_what_it_is_and_a_bad_token_is_refused(admin: Person) -> None:
    state = Server(admin.url, admin.token, timeout_s=60).read_state()
    assert (state.version, state.edition, state.account) == ("1.23.2", "Community", label_studio.EMAIL)
    assert name_token_kind(admin.token) == "personal access token"
    with pytest.raises(LabelStudioRefused, match="refuses the token"):
        Server(admin.url, "0" * 40).read_state()
