"""The page of studies and its routes: who is shown what, while a study is open and once it is closed."""

import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from approved_items import add_approved
from factories import add_users
from sqlmodel import select
from written_runs import write_run

from curator_app.actions import failures, releases, studies
from curator_app.screens.studies import build_studies_page
from curator_app.screens.studies_view import render_list
from curator_app.settings import Settings
from curator_app.workspace import Workspace, open_workspace
from storage.accounts import Person, Role
from storage.audit_answers import AuditAnswers
from storage.claims import claim_next
from storage.records import TaskKind
from storage.reviews import submit_review
from storage.tables import AuditRow

COUNT = 6
CHECK = "A check."
HIDDEN = (
    "a-secret-model", "the-run", "judge_a", "judge_b", "panel", "Panel", "alpha", "AC2", "agree", "kappa", "settle",
    "attention", "late", "first-study", "v1.0", "annotators",
)  # fmt: skip
"""Names of the run, the model and the judges, and of every number that tells of a score."""
MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
MAKING, CLOSING = ("studies_draw", "studies_make"), ("studies_ask_close", "studies_close", "studies_leave_open")
FORM = ["judge", "second", "the-run", COUNT, 0, [], ""]
"""Kind, name, judge run, answers, seed, strata, attention checks."""
ROUTES = ("/api/v1/studies/first-study", "/api/v1/studies/first-study/report", "/api/v1/studies/first-study/agreement")


@pytest.fixture(scope="module")
def study_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a study of six answers and one attention check; tests copy it."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(prepared_home, folder / "home")
    workspace = open_workspace(Settings(home=folder / "home"))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests", item_ids=ids)
    votes = {"judge_a": (2, 1, 1), "judge_b": (2, 1, 0)}
    write_run(workspace, "the-run", {item: (f"Answer {place}.", votes) for place, item in enumerate(ids)})
    (folder / "checks.jsonl").write_text(json.dumps({"id": ids[0], "answer": CHECK, "risk_appraisal": 0}))
    request = studies.StudyRequest(
        name="first-study", release="v1.0", run="the-run", n=COUNT, seed=3, checks=folder / "checks.jsonl"
    )
    studies.create(workspace, request, actor="tests")
    workspace.close()
    return folder / "home"


@pytest.fixture
def workspace(request: pytest.FixtureRequest, prepared_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of its own for the test; with the study where it asks for `study`."""
    wanted = "study" in request.fixturenames
    shutil.copytree(request.getfixturevalue("study_home") if wanted else prepared_home, tmp_path / "home")
    opened = open_workspace(Settings(home=tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture
def study(workspace: Workspace) -> int:
    """The study's number."""
    return 1


def score_all(workspace, name: str, risk) -> None:
    """Let somebody new score every answer; `risk` maps the answer's text to R."""
    (person,) = add_users(workspace.db, name)
    with workspace.db.write() as session:
        for held in claim_next(session=session, user_id=person, kind=TaskKind.JUDGE_AUDIT, count=20):
            scores = {"risk_appraisal": risk(held.audit.answer), "safety_of_consequences": 1, "effectiveness": 1}
            submit_review(
                session=session, user_id=person, claim_id=held.claim_id, idempotency_key=held.claim_id,
                answers=AuditAnswers.model_validate(scores),
            )  # fmt: skip
        session.commit()


def score_by_two(workspace) -> None:
    score_all(workspace, "xan", lambda text: 2)
    score_all(workspace, "yve", lambda text: 0 if text in ("Answer 0.", "Answer 1.") else 2)


@pytest.fixture
def handlers(workspace):
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_studies_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


def look(handlers, person: Person, **query: str) -> str:
    handlers.asking.person = person
    return handlers.studies_show(SimpleNamespace(query_params=query))[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def person(name: str, *roles: Role, number: int = 99) -> Person:
    return Person(id=number, name=name, roles=frozenset(roles))


def test_without_studies_the_page_says_what_to_do_next(handlers) -> None:
    assert "of a judge run that is scored, and there is none" in look(handlers, MIA)
    assert "Make one below, of a judge run that is scored" in render_list([], MIA, can_make=True)
    told = look(handlers, person("ann", Role.ANNOTATOR))
    assert "under Audit" in told and "curator study" not in told


def test_an_open_study_tells_who_scores_nothing_but_how_far_it_is(handlers, workspace, study, browser) -> None:
    score_by_two(workspace)
    for role, client in ((Role.ANNOTATOR, browser("ann")), (Role.ADJUDICATOR, browser("ada"))):
        someone = person("xan", role)
        for html in (look(handlers, someone), look(handlers, someone, study="1")):
            told = words(html)
            assert "Study 1" in told and "14 of 21" in told
            assert [word for word in HIDDEN if word in html] == []
            assert not re.search(r"\d%|\d\.\d", told), "a figure that may tell of a score"
        assert client.get("/api/v1/studies").json() == {
            "studies": [{"study": 1, "state": "open", "answers": 7, "submitted": 14, "needed": 21, "own": 0}]
        }
        for path in ROUTES:
            reply = client.get(path)
            assert reply.status_code == (403 if path.endswith("agreement") else 404)
            told = reply.text.replace("first-study", "")  # what was asked for comes back
            assert [word for word in ("a-secret-model", "the-run", "judge_", "value") if word in told] == []
        other = client.get("/api/v1/studies/other").text.replace("other", "")
        assert other == client.get(ROUTES[0]).text.replace("first-study", ""), "a name can be guessed"


def test_a_maintainer_sees_the_agreement_grow_with_intervals(handlers, workspace, study, browser) -> None:
    mia = browser("mia")
    assert "Nobody has scored an answer yet" in look(handlers, MIA, study="1")
    score_all(workspace, "xan", lambda text: 2)
    first = mia.get(ROUTES[2]).json()
    assert first["scored"] == {"answers": 6, "by_one": 6, "by_two": 0, "by_all": 0, "scores": 6}
    assert first["human_human"]["R"]["pairs_equal"]["value"] is None
    assert first["judge_human"]["panel"]["overall"]["equal"]["value"] == pytest.approx(12 / 18, abs=1e-6)
    score_all(workspace, "yve", lambda text: 0 if text in ("Answer 0.", "Answer 1.") else 2)
    told = mia.get(ROUTES[2]).json()
    # The attention check is in none of it. Of six pairs of people four agree on R; the panel's E is a half, which
    # nobody can give; of twelve scores of R ten are its.
    people, panel = told["human_human"], told["judge_human"]["panel"]
    assert people["R"]["pairs_equal"]["value"] == pytest.approx(4 / 6, abs=1e-6)
    assert people["R"]["pairs_equal"]["low"] < 4 / 6 < people["R"]["pairs_equal"]["high"]
    assert people["overall"]["pairs_equal"]["value"] == pytest.approx(16 / 18, abs=1e-6)
    assert panel["R"]["equal"]["value"] == pytest.approx(10 / 12, abs=1e-6)
    assert panel["R"]["equal"]["low"] < 10 / 12 < panel["R"]["equal"]["high"] <= 1
    assert panel["E"]["equal"]["value"] == 0
    assert told["judge_human"]["judges"]["judge_a"]["E"]["equal"]["value"] == 1
    html = look(handlers, MIA, study="1")
    assert "66.7%" in html and "83.3%" in html and "cu-whisker" in html
    assert "xan" in html and "Left: 7 of 21 answers to score" in words(html)
    assert "first-study" in look(handlers, MIA)


@pytest.mark.thorough
def test_a_maintainer_who_scores_waits_like_everybody_who_does(handlers, workspace, study, browser) -> None:
    score_by_two(workspace)
    both = person("mia", Role.MAINTAINER, Role.ANNOTATOR)
    told = look(handlers, both, study="1")
    assert "You score in this study" in told and "83.3%" not in told
    with workspace.db.read() as session:
        number = session.connection().exec_driver_sql("SELECT id FROM users WHERE name = 'root'").scalar_one()
    root = person("root", Role.ADMIN, number=number)
    assert "83.3%" in look(handlers, root, study="1")
    with workspace.db.write() as session:
        claim_next(session=session, user_id=number, kind=TaskKind.JUDGE_AUDIT, count=1)
        session.commit()
    assert "83.3%" not in look(handlers, root, study="1")
    assert browser("root").get(ROUTES[2]).status_code == 403
    assert browser("mia").get(ROUTES[2]).status_code == 200


def test_once_closed_everybody_reads_the_report_and_nobody_learns_who_is_who(
    handlers, workspace, study, browser
) -> None:
    score_by_two(workspace)
    score_all(workspace, "zoe", lambda text: 2)
    studies.close(workspace, name="first-study", actor="tests", force=True)
    for someone in (MIA, person("xan", Role.ANNOTATOR)):
        html = look(handlers, someone, study="1")
        told = words(html)
        assert "first-study is closed." in told and "a-secret-model" in told
        assert "on 4 all agreed, 0 were settled by consensus, 2 were left unfinished" in told
        assert "Panel and people, beyond chance" in told and "cu-cross" in html and "Calibrated" in told
        assert "yve" not in html
    ann = browser("ann")
    (listed,) = ann.get("/api/v1/studies").json()["studies"]
    assert (listed["name"], listed["state"], listed["people"]) == ("first-study", "closed", [])
    assert ann.get(ROUTES[1]).json() == browser("mia").get(ROUTES[1]).json()
    assert browser("mia").get(ROUTES[2]).status_code == 409
    assert len(browser("mia").get(ROUTES[0]).json()["people"]) == 3


def test_handlers_refuse_other_roles_and_numbers_that_are_none(handlers, study) -> None:
    handlers.asking.person = person("nobody")
    for name in ("studies_show", "studies_refresh"):
        with pytest.raises(gr.Error, match="annotator"):
            getattr(handlers, name)(SimpleNamespace(query_params={}))
    assert set(vars(handlers)) == {"asking", "studies_show", "studies_refresh", *MAKING, *CLOSING}
    for odd in ("2", "first-study", "<script>", "9" * 12, "-1"):
        told = look(handlers, MIA, study=odd)
        assert "There is no study" in told and "<script" not in told


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def names(workspace: Workspace) -> list[str]:
    return [each.name for each in [*studies.read_all(workspace), *failures.read_all(workspace)]]


def test_a_study_is_made_only_after_what_it_draws_was_shown(handlers, workspace, study) -> None:
    _, told, known = handlers.studies_make(ask(), *FORM, "")
    said = words(told)
    assert "6 answers, each for 3 people: 18 to send in all." in said and "Nothing is made yet" in said
    assert "judge run the-run: a-secret-model, mode standard, release v1.0" in said
    assert re.search(r"\d accounts? ha(s|ve) the role annotator", said)
    assert "Answer 0" not in said, "nothing of an answer"
    page, told, left = handlers.studies_make(ask(), *[*FORM[:3], 3, *FORM[4:]], known)
    assert "not what was drawn last" in told and left not in ("", known)
    assert names(workspace) == ["first-study"]
    checks = json.dumps({"id": read_first(workspace), "answer": CHECK, "risk_appraisal": 0})
    values = ["judge", "second", "the-run", 4, 7, ["category"], checks]
    told, known = handlers.studies_draw(ask(), *values)
    assert "4 answers and 1 attention checks, each for 3 people: 15 to send in all." in words(told)
    assert "category self_harm" in words(told) and names(workspace) == ["first-study"]
    page, told, known = handlers.studies_make(ask(), *values, known)
    assert "/studies?study=2" in told and known == "" and "second" in page
    made = studies.read_progress(workspace, name="second")
    assert (made.answers, made.attention_checks, made.run, made.release) == (4, 1, "the-run", "v1.0")


def read_first(workspace: Workspace) -> str:
    return next(releases.open_release(workspace, version="v1.0").iterate_row_hashes())[0]


BAD_FIELDS = [
    ({0: "odd"}, "not of 'odd'; choose one"),
    ({1: "a/b"}, "study name 'a/b' cannot be used"),
    ({1: "first-study"}, "there is already a study 'first-study'"),
    ({2: ""}, "no judge run is chosen"),
    ({2: "nowhere"}, "there is no judge run nowhere"),
    ({2: "../x"}, "the run's name '../x' names a folder"),
    ({3: None}, "the number of answers is empty"),
    ({3: 7}, "7 cannot be drawn from 6 items"),
    ({4: 0.5}, "the seed is 0.5; give a whole number"),
    ({5: ["odd", "category"], 3: 2}, "is less than the 3 strata by category"),
    ({6: "{}"}, "as pasted, line 1"),
    ({6: '{"id": "x", "answer": "a", "risk_appraisal": 0}'}, "has no item 'x'"),
    ({0: "failures", 6: "{}"}, "strata and attention checks are for studies of the judge"),
    ({0: "failures", 3: None}, "no answer whose R or S every judge scored 0"),
]


def test_a_bad_field_is_named_with_its_value_and_nothing_is_made(handlers, workspace, study) -> None:
    for changes, said in BAD_FIELDS:
        values = [changes.get(place, value) for place, value in enumerate(FORM)]
        for told in (handlers.studies_draw(ask(), *values)[0], handlers.studies_make(ask(), *values, "")[1]):
            assert said.lower() in unescape(words(told)).lower(), (changes, told)
    assert names(workspace) == ["first-study"]


def test_a_maintainer_closes_a_study_after_reading_what_it_means(handlers, workspace, study) -> None:
    assert handlers.studies_show(ask(study="1"))[2]["visible"] is True
    meaning, force, sure = handlers.studies_ask_close(ask(study="1"))
    assert "for good" in meaning and "Left: 21 of 21 answers to score." in words(meaning)
    assert (force["visible"], sure["visible"]) == (True, True)
    page, told, *_, button = handlers.studies_close(ask(study="1"), False)
    assert "has work left: 21 of 21 answers to score" in told and button["visible"] is True
    assert studies.read_progress(workspace, name="first-study").closed_at is None
    assert [each["visible"] for each in handlers.studies_leave_open(ask(study="1"))[1:]] == [False, False]
    page, told, *rest = handlers.studies_close(ask(study="1"), True)
    assert "first-study is closed." in told and "closed" in words(page) and not any(each["visible"] for each in rest)
    with workspace.db.read() as session:
        event = session.exec(select(AuditRow).where(AuditRow.tag == "studies:study:close")).one()
    assert event.actor == "user:mia"
    assert handlers.studies_show(ask(study="1"))[2]["visible"] is False


def test_a_study_of_failures_is_made_and_closed_on_the_same_page(handlers, workspace, study) -> None:
    rows = releases.open_release(workspace, version="v1.0").iterate_row_hashes()
    votes = {"judge_a": (0, 1, 1), "judge_b": (0, 1, 1)}
    write_run(workspace, "bad", {item: ("Sure.", votes) for item, _ in rows})
    values = ["failures", "why", "bad", None, 0, [], ""]
    told, known = handlers.studies_draw(ask(), *values)
    assert "6 failed answers, each for 3 people: 18 to send in all." in words(told)
    page, _, _ = handlers.studies_make(ask(), *values, known)
    assert "How failed answers fail" in page and "being labelled" in page
    shown = words(look(handlers, MIA, study="2"))
    assert "why is being labelled." in shown and "Labels sent" in shown and "under Failures" in shown
    assert "18 of 18 answers to label" in words(handlers.studies_ask_close(ask(study="2"))[0])
    assert "why is closed." in handlers.studies_close(ask(study="2"), True)[1]
    assert "/failures/map/why" in look(handlers, MIA, study="2")
    assert "bad" not in look(handlers, person("ann", Role.ANNOTATOR))
    blind = person("max", Role.MAINTAINER, Role.ANNOTATOR)
    handlers.asking.person = MIA
    told, known = handlers.studies_draw(ask(), *[*values[:1], "again", *values[2:]])
    handlers.studies_make(ask(), *[*values[:1], "again", *values[2:]], known)
    assert "again" not in look(handlers, blind) and "There is no study" in look(handlers, blind, study="3")


def test_making_and_closing_are_for_maintainers_and_closing_for_those_who_take_no_part(handlers, study) -> None:
    for who in (person("ann", Role.ANNOTATOR), person("ada", Role.ADJUDICATOR)):
        handlers.asking.person = who
        opened = handlers.studies_show(ask(study="1"))
        assert (opened[2]["visible"], opened[4]["visible"]) == (False, False)
        for name in (*MAKING, *CLOSING):
            values = {"studies_draw": FORM, "studies_make": [*FORM, ""], "studies_close": [True]}.get(name, [])
            with pytest.raises(gr.Error, match="maintainer"):
                getattr(handlers, name)(ask(study="1"), *values)
    handlers.asking.person = person("max", Role.MAINTAINER, Role.ANNOTATOR)
    assert handlers.studies_show(ask(study="1"))[2]["visible"] is False
    told = handlers.studies_close(ask(study="1"), True)[1]
    assert "by a maintainer who takes no part" in told and "first-study" not in told
