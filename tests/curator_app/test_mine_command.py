"""`curator mine`: what a model failed on by a judge run comes first in the queue, with a record that says why."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from approved_items import add_approved
from factories import add_users
from sqlmodel import func, select
from typer.testing import CliRunner, Result
from written_runs import write_run

from curator_app.actions import leak_checks, releases
from curator_app.actions.failures import FailureRequest
from curator_app.actions.failures import close as close_failures
from curator_app.actions.failures import create as create_failure_study
from curator_app.actions.item_history import read_history
from curator_app.actions.judge_mining import mine
from curator_app.actions.judging import JudgingRefused
from curator_app.actions.studies import StudyRequest
from curator_app.actions.studies import close as close_study
from curator_app.actions.studies import create as create_judge_study
from curator_app.cli import app as cli
from curator_app.settings import Settings
from curator_app.workspace import Workspace, open_workspace
from storage.accounts import Person, Role
from storage.claims import claim_next
from storage.items import advance, get_history, get_item, revise_scenario
from storage.priorities import find_mined, make_rank
from storage.records import Decision, Edits, Mining, Outcome, Provenance, TaskKind
from storage.stages import Stage
from storage.tables import AuditRow, ItemRow, TaskRow

SCORES = [(2, 2, 2), (0, 0, 1), (1, 2, 0), (0, 0, 0), (2, 0, 1), (1, 1, 1)]
"""R, S and E of one judge, by item; the other gives full marks to the last."""
WANTED = [0, 83, 50, 100, 50, 25]
ADA = Person(id=9, name="ada", roles=frozenset({Role.ADJUDICATOR}))


@pytest.fixture(scope="module")
def homes(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two workspaces with the same six approved items: one that released and judged them, one where they wait."""
    folder = tmp_path_factory.mktemp("mined")
    shutil.copytree(prepared_home, folder / "waiting")
    workspace = open_workspace(Settings(home=folder / "waiting"))
    ids = add_approved(workspace.db, workspace.blobs, len(SCORES))
    workspace.close()
    shutil.copytree(folder / "waiting", folder / "released")
    workspace = open_workspace(Settings(home=folder / "released"))
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests")
    answers = {
        item: (f"Answer {place}.", {"judge_a": SCORES[place], "judge_b": (2, 2, 2) if place == 5 else SCORES[place]})
        for place, item in enumerate(ids)
    }
    write_run(workspace, "both", answers)
    write_run(workspace, "half", {ids[0]: ("Yes.", {"judge_a": (0, 0, 0), "judge_b": None}), ids[1]: answers[ids[1]]})
    workspace.close()
    shutil.copytree(folder / "released/judge-runs", folder / "waiting/judge-runs")
    (folder / "ids").write_text("\n".join(ids), encoding="utf-8")
    return {"released": folder / "released", "waiting": folder / "waiting", "ids": folder / "ids"}


@pytest.fixture
def open_copy(homes: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], tuple[Workspace, list[str]]]]:
    opened: list[Workspace] = []

    def make(which: str) -> tuple[Workspace, list[str]]:
        shutil.copytree(homes[which], tmp_path / which)
        opened.append(open_workspace(Settings(home=tmp_path / which)))
        return opened[-1], homes["ids"].read_text(encoding="utf-8").split()

    yield make
    for workspace in opened:
        workspace.close()


def run_curator(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(workspace.settings.home), *words])


def mined(workspace: Workspace, item_id: str) -> list[Mining]:
    with workspace.db.read() as session:
        return [r for r in get_history(session=session, item_id=item_id) if isinstance(r, Mining)]


def count_events(workspace: Workspace, ids: list[str]) -> int:
    with workspace.db.read() as session:
        return session.exec(select(func.count()).select_from(AuditRow).where(AuditRow.subject.in_(ids))).one()


def ranks(workspace: Workspace, kind: TaskKind) -> dict[str, int]:
    with workspace.db.read() as session:
        query = select(ItemRow.id, TaskRow.rank).join(TaskRow, TaskRow.item_number == ItemRow.number)
        return dict(session.exec(query.where(TaskRow.kind == kind.value)).all())


def test_what_the_panel_scored_lowest_is_offered_first(open_copy: Callable) -> None:
    workspace, ids = open_copy("waiting")
    leak_checks.open_checks(workspace, overlap=1)
    told = run_curator(workspace, "mine", "--from-judge-run", "both")
    assert told.exit_code == 0, told.output
    assert "6 items have a priority now, 0 to 100; 0 had it before." in told.output
    for item_id, scores, wanted in zip(ids, SCORES, WANTED, strict=True):
        (record,) = mined(workspace, item_id)
        (reply,) = record.replies
        assert (record.scorer, record.priority, reply.role, reply.model) == (
            "judge",
            wanted,
            "target",
            "a-secret-model",
        )
        assert reply.text == f"Answer {ids.index(item_id)}." and record.provenance.actor == "judge-run:both", scores
        with workspace.db.read() as session:
            item = get_item(session=session, item_id=item_id)
            assert record.parent_id == item.scenario_id and find_mined(session=session, item=item) == wanted
    (person,) = add_users(workspace.db, "zoe")
    with workspace.db.write() as session:
        claims = claim_next(session=session, user_id=person, kind=TaskKind.LEAKAGE_CHECK, count=10)
        session.commit()
    order = [claim.item.id for claim in claims if claim.item.id in ids]
    assert order[:2] == [ids[3], ids[1]] and order[-1] == ids[0] and len(order) == 6
    again = run_curator(workspace, "mine", "--from-judge-run", "both")
    assert "0 items have a priority now; 6 had it before." in again.output and len(mined(workspace, ids[0])) == 1


def test_items_that_cannot_be_moved_are_counted_and_left_alone(open_copy: Callable) -> None:
    workspace, ids = open_copy("waiting")
    with workspace.db.write() as session:
        gone = get_item(session=session, item_id=ids[2])
        gone.stage = Stage.REJECTED.value
        session.add(gone)
        other = get_item(session=session, item_id=ids[3])
        other.scenario_id, other.id = other.scenario_id, "0" * 16
        session.add(other)
        session.commit()
    told = run_curator(workspace, "mine", "--from-judge-run", "both").output
    assert "4 items have a priority now, 0 to 83" in told
    assert "1 items are not in this workspace." in told and "1 items were rejected, or" in told
    assert mined(workspace, ids[2]) == []
    half = run_curator(workspace, "mine", "--from-judge-run", "half").output
    assert "0 items have a priority now; 1 had it before." in half
    assert "1 items have no score of the whole panel." in half


def test_an_item_with_other_words_by_now_is_left_alone(open_copy: Callable) -> None:
    workspace, ids = open_copy("waiting")
    with workspace.db.write() as session:
        taken_back = Decision(
            item_id=ids[1], round=1, outcome=Outcome.REOPENED, review_ids=(), policy="undo",
            provenance=Provenance(actor="tests", tool="tests"),
        )  # fmt: skip
        advance(session=session, item_id=ids[1], to=Stage.REFINED, record=taken_back, actor="tests")
        revise_scenario(
            session=session, item_id=ids[1], edits=Edits(query="Would a lamp fit there?"), reason="r", actor="tests"
        )
        session.commit()
    assert "1 items have other words by now." in run_curator(workspace, "mine", "--from-judge-run", "both").output
    assert mined(workspace, ids[1]) == []


def test_of_released_items_the_labelling_of_failures_is_put_in_order_and_the_audit_of_the_judge_is_not(
    open_copy: Callable,
) -> None:
    workspace, ids = open_copy("released")
    create_failure_study(
        workspace, FailureRequest(name="fails", release="v1.0", run="both", annotators=1), actor="tests"
    )
    create_judge_study(
        workspace, StudyRequest(name="audit", release="v1.0", run="both", n=6, annotators=1), actor="tests"
    )
    audits, labels = ranks(workspace, TaskKind.JUDGE_AUDIT), ranks(workspace, TaskKind.FAILURE_LABELS)
    events = count_events(workspace, ids)
    mine(workspace, run="both")
    assert ranks(workspace, TaskKind.JUDGE_AUDIT) == audits
    after = ranks(workspace, TaskKind.FAILURE_LABELS)
    assert after != labels and set(after) == {ids[1], ids[3], ids[4]}
    assert after == {i: make_rank(item_id=i, priority=WANTED[ids.index(i)]) for i in after}
    assert count_events(workspace, ids) == events  # a release notes the last event about its items
    with workspace.db.read() as session:
        stages = set(session.exec(select(ItemRow.stage).where(ItemRow.id.in_(ids))))
    assert stages == {"released"} and [record.priority for record in mined(workspace, ids[3])] == [100]
    kinds = [step.kind for step in read_history(workspace, name=ids[3], person=ADA).steps]
    assert "mining" not in kinds  # nobody learns what the judge said while people score the same answers
    close_study(workspace, name="audit", actor="tests", force=True)
    close_failures(workspace, name="fails", actor="tests", force=True)
    assert "mining" in [step.kind for step in read_history(workspace, name=ids[3], person=ADA).steps]


def test_a_run_that_is_not_there_is_refused_by_name(open_copy: Callable) -> None:
    workspace, _ = open_copy("waiting")
    with pytest.raises(JudgingRefused, match="nowhere"):
        mine(workspace, run="nowhere")
