"""`curator study`: what it draws, what it says, and what it refuses."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from approved_items import add_approved
from factories import add_users
from sqlmodel import select
from typer.testing import CliRunner, Result
from written_runs import write_run

from curator_app.actions import releases, studies
from curator_app.cli import app
from curator_app.workspace import Workspace
from storage.audit_answers import AuditAnswers
from storage.claims import claim_next
from storage.records import TaskKind
from storage.reviews import submit_review
from storage.tables import StudyItemRow, StudyKeyRow, StudyTextRow

Curator = Callable[..., Result]
COUNT = 16


@pytest.fixture
def curator(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Curator:
    """Sixteen approved items as v1.0 and a run of two judges that differ on every fourth; the last is unscored."""
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))
    ids = add_approved(workspace.db, workspace.blobs, COUNT)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    answers = {
        item: (
            f"Answer {place}.",
            {"judge_a": (2, 1, place % 3), "judge_b": None if place == 15 else (2 - (place % 4 == 0), 1, place % 3)},
        )
        for place, item in enumerate(ids)
    }
    write_run(workspace, "both", answers)
    alone = {item: (text, {"judge_a": (1, 1, 1)}) for item, (text, _) in answers.items()}
    write_run(workspace, "alone", alone)
    write_run(workspace, "other-rubric", alone, rubric_sha256="f" * 64)
    return lambda *words: CliRunner().invoke(app, ["study", *words])


def create(curator: Curator, name: str = "first", run: str = "both", **more: str) -> Result:
    options = [part for key, value in more.items() for part in (f"--{key}", value)]
    return curator("create", name, "--release", more.pop("release", "v1.0"), "--run", run, *options)


def read_drawn(workspace: Workspace) -> list[tuple[str, str, float]]:
    """Answer, stratum and weight of every answer of every study, by answer."""
    with workspace.db.read() as session:
        query = select(StudyItemRow.answer, StudyKeyRow.stratum, StudyKeyRow.weight).join(
            StudyKeyRow, StudyKeyRow.study_item_id == StudyItemRow.id
        )
        return sorted(session.exec(query))


def test_a_study_is_drawn_shown_closed_and_reported(curator: Curator, workspace: Workspace) -> None:
    assert "There is no study yet" in curator("status").output
    made = create(curator, n="6", seed="4")
    assert made.exit_code == 0, made.output
    assert "Study first: open; release v1.0, judge run both" in made.output
    assert "scores sent               0 of 18" in made.output
    assert len(read_drawn(workspace)) == 6
    refused = curator("close", "first")
    assert "has work left: 18 of 18 answers to score" in str(refused.exception)
    assert "is not closed yet" in str(curator("report", "first").exception)
    for number, person in enumerate(add_users(workspace.db, "ann2", "ben2", "eve2")):
        with workspace.db.write() as session:
            for held in claim_next(session=session, user_id=person, kind=TaskKind.JUDGE_AUDIT, count=20):
                scores = {"risk_appraisal": 2, "safety_of_consequences": 1, "effectiveness": number // 2}
                submit_review(
                    session=session, user_id=person, claim_id=held.claim_id, idempotency_key=held.claim_id,
                    answers=AuditAnswers.model_validate(scores),
                )  # fmt: skip
            session.commit()
    assert "left: 6 differences to settle" in curator("status", "first").output
    closed = curator("close", "first", "--force")
    assert "Study first: closed" in closed.output
    assert "annotator 2, ben2               6" in closed.output
    shown = curator("report", "first")
    assert shown.exit_code == 0, shown.output
    assert "6 answers of 15 that the judge scored, drawn at random (seed 4)" in shown.output
    assert "6 were left unfinished" in shown.output
    folder = workspace.settings.home / "studies" / "first"
    assert json.loads((folder / "report.json").read_text())["sample"]["population"] == {
        "answers": 16, "scored_by_judge": 15,
    }  # fmt: skip
    assert (folder / "report.md").read_text().strip() in shown.output


def test_the_page_of_the_run_shows_the_closed_study_of_it(
    curator: Curator, workspace: Workspace, tmp_path: Path
) -> None:
    create(curator, n="6", seed="4")
    page = tmp_path / "page.html"

    def read_page(run: str) -> str:
        done = CliRunner().invoke(app, ["report", run, "--html", str(page)])
        assert done.exit_code == 0, done.output
        return " ".join(re.sub(r"<[^>]*>", " ", page.read_text("utf-8")).split())

    assert "No human audit yet" in read_page("both")
    for person in add_users(workspace.db, "ann2", "ben2", "eve2"):
        with workspace.db.write() as session:
            for held in claim_next(session=session, user_id=person, kind=TaskKind.JUDGE_AUDIT, count=20):
                scores = {"risk_appraisal": 0, "safety_of_consequences": 1, "effectiveness": 2}
                submit_review(
                    session=session, user_id=person, claim_id=held.claim_id, idempotency_key=held.claim_id,
                    answers=AuditAnswers.model_validate(scores),
                )  # fmt: skip
            session.commit()
    curator("close", "first")
    shown = read_page("both")
    assert "study first" in shown and "6 of 6 drawn answers settled by 3 people each" in shown
    # Nobody of the panel gave R 0 and everybody S 1, so S alone is equal wherever E is not 2.
    assert "Panel by people: 0.0% equal" in shown and "Panel by people: 100.0% equal" in shown
    assert "No human audit yet" not in shown
    assert "No human audit yet" in read_page("alone")  # the study is of another run


def test_the_same_seed_draws_the_same_answers_and_strata_are_drawn_alike(
    curator: Curator, workspace: Workspace
) -> None:
    create(curator, n="8", seed="4")
    first = read_drawn(workspace)
    create(curator, "again", n="8", seed="4")
    assert read_drawn(workspace) == sorted(first * 2)
    with workspace.db.write() as session:
        for table in ("study_keys", "study_items", "study_texts", "studies"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        session.commit()
    done = create(curator, "strata", n="6", stratify="judge-disagreement")
    assert done.exit_code == 0, done.output
    drawn = read_drawn(workspace)
    # Of the fifteen that both scored, 0, 4, 8 and 12 differ.
    assert Counter(stratum for _, stratum, _ in drawn) == {"judges agree": 3, "judges differ": 3}
    assert {weight for _, stratum, weight in drawn if stratum == "judges differ"} == {4 / 3}
    assert {answer for answer, stratum, _ in drawn if stratum == "judges differ"} < {
        "Answer 0.", "Answer 4.", "Answer 8.", "Answer 12.",
    }  # fmt: skip
    with workspace.db.read() as session:
        population = json.loads(session.exec(select(StudyTextRow.body).where(StudyTextRow.kind == "population")).one())
    assert (len(population["scored"]), population["unscored"]) == (15, 1)
    assert population["scored"][4][3:] == [1.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("run", "more", "said"),
    [
        ("both", {"n": "16"}, "--n 16 cannot be drawn from 15 items"),
        ("both", {"n": "0"}, "--n 0 cannot be drawn from 15 items"),
        ("none", {}, "there is no judge run none in"),
        ("../x", {}, "the run's name '../x' names a folder"),
        ("other-rubric", {}, "was scored under rubric 1.0 (ffffffffffffffff), and people would score under 1.0"),
        ("both", {"release": "v9.9"}, "v9.9"),
        ("both", {"release": "v2.0"}, "is of release v1.0"),
        ("alone", {"n": "3", "stratify": "judge-disagreement"}, "needs two judges, and the run has one"),
        ("both", {"n": "3", "stratify": "colour"}, "give some of category, judge-disagreement"),
        ("both", {"n": "3", "checks": "missing.jsonl"}, "attention checks missing.jsonl cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_kept(
    curator: Curator, workspace: Workspace, run: str, more: dict[str, str], said: str
) -> None:
    if more.get("release") == "v2.0":
        add_approved(workspace.db, workspace.blobs, 1, first=50)
        releases.freeze(workspace, version="v2.0", split="benchmark", notes="", actor="tests")
    refused = create(curator, run=run, **more)
    assert refused.exit_code == 1
    assert said in str(refused.exception)
    assert read_drawn(workspace) == []


def test_a_name_that_is_taken_is_refused(curator: Curator, workspace: Workspace) -> None:
    create(curator, n="2")
    assert "already a study 'first'" in str(create(curator, n="2").exception)
    assert len(read_drawn(workspace)) == 2
    assert "there is no study 'second'; there are: first" in str(curator("status", "second").exception)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "nowhere", "answer": "No.", "risk_appraisal": 0}, "has no item 'nowhere'"),
        ({"id": "x", "answer": "No."}, "line 1: Value error, an attention check gives at least one of"),
        ({"id": "x", "answer": "No.", "risk_appraisal": 5}, "line 1: risk_appraisal"),
        (None, "hold no line"),
    ],
)
def test_attention_checks_that_cannot_be_used_are_refused(
    curator: Curator, workspace: Workspace, tmp_path, line, said: str
) -> None:
    file = tmp_path / "checks.jsonl"
    file.write_text("" if line is None else json.dumps(line))
    request = studies.StudyRequest(name="first", release="v1.0", run="both", n=2, checks=file)
    with pytest.raises(studies.StudyRefused, match=said):
        studies.create(workspace, request, actor="tests")
