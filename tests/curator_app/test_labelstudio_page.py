"""The page of Label Studio: what it shows, starts and refuses, whatever the server does, and who gets there.

The server is a dictionary (`labelstudio_here`); the jobs are the real ones, run in this process.
"""

import sys
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from factories import make_answers
from labelstudio_here import URL, LabelStudioHere
from page_html import HOSTILE, Attributes
from pydantic import SecretStr
from sqlmodel import select
from studies_here import add_study

from curator_app.actions import background_jobs, label_studio_jobs, label_studio_reading
from curator_app.actions.executors import write_environment
from curator_app.labelstudio.links import hold
from curator_app.labelstudio.mapping import write_result
from curator_app.screens.label_studio import build_label_studio_page
from curator_app.workspace import Workspace
from storage import jobs
from storage.accounts import Person, Role
from storage.records import TaskKind
from storage.reviews import claim_next, submit_review
from storage.tables import AuditRow, ItemRow, UserRow

MIA = Person(id=3, name="mia", roles=frozenset({Role.MAINTAINER}))
ANN = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))
TOKEN = "0123456789abcdef0123456789abcdef01234567"
REVIEWS = ["scenario_review", None, None, "inline", False, False]


@pytest.fixture
def connected(workspace: Workspace) -> Workspace:
    """The workspace with a server in its settings."""
    changes = {"label_studio_url": URL, "label_studio_token": SecretStr(TOKEN)}
    settings = workspace.settings.model_copy(update=changes)
    label_studio_reading._looked.clear()
    return Workspace(settings, workspace.db, workspace.blobs, workspace.taxonomy)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> LabelStudioHere:
    """The server that answers."""
    server = LabelStudioHere()
    monkeypatch.setattr(label_studio_jobs, "connect", lambda workspace: server)
    monkeypatch.setattr(label_studio_reading, "Server", lambda *_, **__: server)
    return server


def build(workspace: Workspace) -> SimpleNamespace:
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_label_studio_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


@pytest.fixture
def handlers(connected: Workspace) -> SimpleNamespace:
    return build(connected)


@pytest.fixture
def work(connected: Workspace, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Jobs are put down and no process is started; the function that is returned works on one here."""

    def put_down(workspace: Workspace, *, kind: str, name: str, request: dict[str, Any], **more: Any) -> None:
        with workspace.db.write() as session:
            jobs.queue_job(session=session, kind=kind, name=name, request=request, actor=more["actor"])
            session.commit()
        more["folder"].mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(background_jobs, "start_job", put_down)
    return lambda name: label_studio_jobs.run_queued(connected, name=name)


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def overview(handlers: SimpleNamespace) -> str:
    return str(handlers.label_studio_show(ask())[0])


def push(handlers: SimpleNamespace, work: Any, fields: list[Any] = REVIEWS, name: str = "push-scenario-review") -> None:
    _, known = handlers.label_studio_plan(ask(), *fields)
    _, said, _ = handlers.label_studio_start(ask(), *fields, known)
    assert "has begun" in said, said
    work(name)


def pull(handlers: SimpleNamespace, work: Any) -> None:
    assert "has begun" in handlers.label_studio_pull(ask())
    work("pull")


def approve(seed: str = "s", verdict: str = "approve") -> Any:
    return write_result(make_answers(verdict), texts={}, seed=seed)


def test_where_nothing_is_set_the_page_says_what_to_set_and_which_commands_do_the_same(workspace: Workspace) -> None:
    handlers = build(workspace)
    html = handlers.label_studio_look(ask())
    assert "is not set up" in html
    for said in ("CURATOR_LABEL_STUDIO_URL", "CURATOR_LABEL_STUDIO_TOKEN", "curator labelstudio push", "pip install"):
        assert said in html
    assert "Nothing was pushed yet" in overview(handlers)
    assert "set CURATOR_LABEL_STUDIO_URL" in handlers.label_studio_pull(ask())
    assert "Set CURATOR_LABEL_STUDIO_URL" in handlers.label_studio_plan(ask(), *REVIEWS)[0].replace("set C", "Set C")


def test_without_the_sdk_the_page_says_how_to_install_it(
    handlers: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "label_studio_sdk", None)
    html = handlers.label_studio_look(ask())
    assert "cannot be used" in html
    assert "pip install" in html and "ood-mmsafe-curator[labelstudio]" in html
    assert URL in html and "legacy token" in html
    assert TOKEN not in html


@pytest.mark.labelstudio
@pytest.mark.usefixtures("label_studio_sdk")
def test_a_server_that_is_down_is_said_in_one_sentence_and_the_rest_of_the_page_stays(
    handlers: SimpleNamespace,
) -> None:
    html = handlers.label_studio_look(ask())
    assert f"Label Studio at {URL} does not answer" in html
    assert html.count("cu-told") == 1
    assert "Nothing was pushed yet" in overview(handlers)


def test_what_answers_is_shown_and_asked_once_in_a_while(handlers: SimpleNamespace, there: LabelStudioHere) -> None:
    html = handlers.label_studio_look(ask())
    for said in ("answers.", "1.23.2", "Community", "admin@example.com", "legacy token", URL):
        assert said in html
    there.down = "it is down"
    assert "1.23.2" in handlers.label_studio_look(ask())  # remembered
    label_studio_reading._looked.clear()
    assert "It is down" in handlers.label_studio_look(ask())


def test_a_push_is_planned_first_then_runs_and_leaves_its_log(
    handlers: SimpleNamespace, there: LabelStudioHere, work: Any, connected: Workspace
) -> None:
    _, said, known = handlers.label_studio_start(ask(), *REVIEWS, "")
    assert "6 of 6 open tasks would be pushed" in said
    assert "press Push once more" in said
    _, said, _ = handlers.label_studio_start(ask(), *REVIEWS, known)
    assert 'href="/label-studio?run=push-scenario-review"' in said
    work("push-scenario-review")
    assert len(there.tasks) == 6
    html = overview(handlers)
    assert "Scenario review" in html and "everybody" in html
    head, acts, stop, resume, _, desk, _ = handlers.label_studio_show(ask(run="push-scenario-review"))
    assert "Push scenario review" in head and "6 of 6" in head
    assert not stop["visible"] and resume["visible"] and acts["visible"] and not desk["visible"]
    handlers.label_studio_resume(ask(run="push-scenario-review"))
    work("push-scenario-review")
    assert len(there.tasks) == 6
    assert "0 of 6 open tasks would be pushed; 6 are there already" in handlers.label_studio_plan(ask(), *REVIEWS)[0]
    with connected.db.read() as session:
        job = jobs.find_job(session=session, kind=label_studio_jobs.JOB_KIND, name="push-scenario-review")
    assert (job.actor, job.request["kind"], TOKEN in str(job.request)) == ("mia", "scenario_review", False)


def test_an_answer_of_nobody_here_waits_until_a_maintainer_says_whose_it_is(
    handlers: SimpleNamespace, there: LabelStudioHere, work: Any, connected: Workspace
) -> None:
    push(handlers, work)
    there.annotate(1, "a.smith@example.com", approve())
    pull(handlers, work)
    html = overview(handlers)
    assert "1 of nobody here" in html and "a.smith@example.com" in html and "Say below which account" in html
    naming, email, account, study, person = handlers.label_studio_offer(ask())
    assert naming["visible"]
    assert email["choices"] == ["a.smith@example.com"]
    assert "ann" in account["choices"] and "mia" not in account["choices"]
    assert study["choices"] == [] and person["choices"] == account["choices"]
    assert "There is no account" in handlers.label_studio_name("a.smith@example.com", "nobody-here", ask())[0]
    assert "No e-mail is chosen" in handlers.label_studio_name(None, "ann", ask())[0]
    with hold(connected):
        assert "Another push or pull" in handlers.label_studio_name("a.smith@example.com", "ann", ask())[0]
    said, naming, email = handlers.label_studio_name("a.smith@example.com", "ann", ask())
    assert not naming["visible"]
    assert "1 annotations that waited for it count now" in said
    assert email["choices"] == []
    assert "1 counted" in overview(handlers)
    with connected.db.read() as session:
        (event,) = session.exec(select(AuditRow).where(AuditRow.tag == "reviews:external:name")).all()
    assert event.actor == "user:mia"


def test_a_contradiction_is_listed_with_its_item_and_put_before_an_adjudicator(
    handlers: SimpleNamespace, there: LabelStudioHere, work: Any, connected: Workspace, browser: Any
) -> None:
    push(handlers, work)
    with connected.db.write() as session:
        ids = {row.name: row.id for row in session.exec(select(UserRow))}
        for name in ("ann", "ben"):
            (claim,) = claim_next(session=session, user_id=ids[name], kind=TaskKind.SCENARIO_REVIEW)
            assert claim.task_id == there.tasks[1]["curator_task"]
            whose = {"user_id": ids[name], "claim_id": claim.claim_id, "idempotency_key": name}
            submit_review(session=session, answers=make_answers(), **whose)
        session.commit()
    there.annotate(1, "ann", approve(verdict="reject"))
    pull(handlers, work)
    label = there.tasks[1]["item"]
    html = overview(handlers)
    assert "1 in conflict" in html and f'href="/items?item={label}"' in html
    assert "An adjudicator sees both answers" in html
    claimed = browser("ada").post("/api/v1/claims", json={"kind": "adjudication"}).json()["claims"]
    shown = [(each["who"], each["verdict"]) for each in claimed[0]["others"]]
    assert shown == [("Reviewer 1", "approve"), ("Reviewer 1, in Label Studio", "reject"), ("Reviewer 2", "approve")]
    assert "ann" not in str(claimed[0]["others"])
    with connected.db.read() as session:
        assert session.exec(select(ItemRow.stage).where(ItemRow.id == there.tasks[1]["item_id"])).one() == "refined"


def test_a_config_that_was_changed_there_stops_the_pull_and_shows_as_a_difference(
    handlers: SimpleNamespace, there: LabelStudioHere, work: Any
) -> None:
    push(handlers, work)
    assert "is the one that was pushed" in handlers.label_studio_look(ask(project="1"))
    there.configs[1] = there.configs[1].replace('alias="approve"', 'alias="<b>yes</b>"'.replace("<", "&lt;"))
    with pytest.raises(label_studio_jobs.LabelStudioRefused, match="was changed on the server"):
        pull(handlers, work)
    html = handlers.label_studio_look(ask(project="1"))
    assert "was changed on the server" in html
    assert "<del>" in html and "<ins>" in html and "&lt;b&gt;yes" in html
    job = handlers.label_studio_show(ask(run="pull"))[0]
    assert "has failed" in job and "LabelStudioRefused" not in job
    there.down = "Label Studio at X does not answer"
    assert "does not answer" in handlers.label_studio_look(ask(project="1"))
    assert "no project" in handlers.label_studio_show(ask(project="9"))[0]
    assert handlers.label_studio_look(ask(project="9")) == ""


def test_a_study_asks_for_its_person_and_goes_to_a_project_of_theirs(
    handlers: SimpleNamespace, there: LabelStudioHere, work: Any, connected: Workspace
) -> None:
    add_study(connected.db, 2)
    study = ["judge_audit", "first", "ann", "inline", False, False]
    plan = handlers.label_studio_plan
    assert "give --person" in plan(ask(), "judge_audit", "first", None, "inline", False, False)[0]
    assert "give --study" in plan(ask(), *study[:1], None, *study[2:])[0]
    assert "no open study" in plan(ask(), "judge_audit", "second", "ann", "inline", False, False)[0]
    assert "no kind of task" in plan(ask(), "adjudication", None, None, "inline", False, False)[0]
    assert "choose inline or url" in plan(ask(), "scenario_review", None, None, "files", False, False)[0]
    request = label_studio_jobs.make_request(
        kind="judge_audit", study="first", person="ann", pictures="inline", again=False
    )
    push(handlers, work, study, label_studio_jobs.name_push(request))
    html = overview(handlers)
    assert "Judge audit, study first" in html and "<td>ann</td>" in html
    assert "Push judge audit, first, ann" in html


def test_what_the_server_wrote_shows_as_text(handlers: SimpleNamespace, there: LabelStudioHere, work: Any) -> None:
    push(handlers, work)
    there.annotate(1, HOSTILE, approve())
    there.annotate(2, "ann", [{"from_name": HOSTILE, "value": {}}])
    pull(handlers, work)
    for html in (overview(handlers), handlers.label_studio_show(ask(project="1"))[0]):
        seen = Attributes(html)
        assert not {"script", "img"} & set(seen.tags)
        assert not [name for name in seen.names if name.startswith("on")]
        assert "&lt;script&gt;" in html and "unreadable" in html


def test_a_job_has_the_token_from_its_environment_and_not_from_what_started_it(connected: Workspace) -> None:
    passed = write_environment(connected.settings)
    assert passed["CURATOR_LABEL_STUDIO_URL"] == URL
    assert not [name for name, value in passed.items() if "TOKEN" in name or TOKEN in value or "***" in value]


def test_nobody_but_maintainers_may_do_anything(handlers: SimpleNamespace) -> None:
    handlers.asking.person = ANN
    calls = [
        (handlers.label_studio_look, []),
        (handlers.label_studio_show, []),
        (handlers.label_studio_offer, []),
        (handlers.label_studio_pull, []),
    ]
    for handler, values in calls:
        with pytest.raises(gr.Error, match="needs the role maintainer"):
            handler(*values, ask())
    for handler in (handlers.label_studio_plan, handlers.label_studio_start):
        with pytest.raises(gr.Error, match="needs the role maintainer"):
            handler(ask(), *REVIEWS, "")
    with pytest.raises(gr.Error, match="needs the role maintainer"):
        handlers.label_studio_name("a@b", "ann", ask())
