"""The walk without its training: scenes, filters, people, releases, judging and the page, also when it is killed."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import walk_here
from curator_here import run_curator_here
from factories import add_items_in_review
from sqlmodel import func, select
from standalone_pages import check_stands_alone
from walk_here import PLAN, stand_in, walk_in

from caspo.wind_tunnel.report import NOTICE
from curator_app.actions import walk as walking
from curator_app.actions import walk_scenes
from curator_app.actions.judge_reports import read_report
from curator_app.actions.judging import Place
from curator_app.actions.starting import prepare_workspace
from curator_app.actions.walk import BENCHMARK, STEPS, TRAIN, WalkEnd, WalkProgress
from curator_app.actions.walk_scenes import WalkRefused, list_candidates
from curator_app.actions.world_models import ORACLE
from curator_app.settings import Settings
from curator_app.workspace import open_workspace
from endpoints.errors import BadConfig
from storage.audit import verify_chain
from storage.release_files import read_release
from storage.tables import AuditRow, ItemRow


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)


def go(home: Path) -> tuple[WalkEnd, list[WalkProgress]]:
    told: list[WalkProgress] = []
    return walk_in(home, told.append), told


def read_state(home: Path) -> dict[str, Any]:
    """Everything that a walk leaves but for times and random names."""
    workspace = open_workspace(Settings(home=home))
    with workspace.db.read() as session:
        rows = session.exec(select(ItemRow.id, ItemRow.stage, ItemRow.split)).all()
        tags = dict(session.exec(select(AuditRow.tag, func.count()).group_by(AuditRow.tag)).all())
        verify_chain(session=session)
    workspace.close()
    reports = [read_report(Place(home), run=run).report for run in ("walk-before", "walk-constitution", "walk-after")]
    scores = [(report["scores"]["panel"]["all"], report["over_warning"]) for report in reports]
    return {"items": sorted(map(tuple, rows)), "tags": tags, "scores": scores}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WalkEnd, list[WalkProgress]]:
    home = tmp_path_factory.mktemp("walk") / "home"
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        return home, *go(home)


def test_each_step_passes_on_what_it_should(whole: tuple[Path, WalkEnd, list[WalkProgress]]) -> None:
    home, end, told = whole
    assert list(dict.fromkeys(progress.step for progress in told)) == list(range(len(STEPS)))
    assert (end.before, end.after) == (1.0, 0.0)
    candidates = {candidate.item_id: candidate for candidate in list_candidates(PLAN)}
    assert len(candidates) == PLAN.proposed == 8
    state = read_state(home)
    by_flaw = {
        (candidates[item].flaw, candidates[item].split == "train", stage, split)
        for item, stage, split in state["items"]
    }
    assert by_flaw == {
        ("none", True, "released", "train"), ("none", False, "released", "benchmark"),
        ("leaky", True, "rejected", None), ("unclear", True, "rejected", None), ("unseen", True, "rejected", None),
    }  # fmt: skip
    train_release, benchmark = (read_release(home / "releases" / version) for version in (TRAIN, BENCHMARK))
    assert (train_release.manifest.items, benchmark.manifest.items) == (2, 3)
    assert all(item.has_twin for item in benchmark.iterate_items(pictures=False))
    policies = [item.decision_policy for item in train_release.iterate_items(pictures=False)]
    assert sorted(policies) == ["2 agreeing", "adjudicator"]


def test_both_sides_of_the_training_are_scored_by_the_oracle(
    whole: tuple[Path, WalkEnd, list[WalkProgress]],
) -> None:
    before, guided, after = read_state(whole[0])["scores"]
    assert [scores[0]["R"]["mean"] for scores in (before, guided, after)] == [0.0, 2.0, 2.0]
    assert [scores[1]["rate"] for scores in (before, guided, after)] == [0.0, 0.0, 0.0]
    judgments = (whole[0] / "judge-runs" / "walk-after" / "judgments.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(judgments) == 6
    assert {json.loads(line)["model"] for line in judgments} == {ORACLE}


def test_the_page_stands_alone_and_shows_every_step(whole: tuple[Path, WalkEnd, list[WalkProgress]]) -> None:
    page = whole[1].page.read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", check_stands_alone(page, pictures=True).text)
    assert NOTICE in text
    assert "Hazards overlooked: 100% before RL, 0% after. 8 scenes proposed, 5 approved" in text
    assert "1 dropped: the query names a thing of the hazard; 1 dropped: the scene holds no hazard" in text
    assert "1 rejected: the picture does not show the hazard" in text
    assert "12 leakage checks and 12 reviews" in text
    assert "They differed about 1, and an adjudicator settled 1. 5 twins were looked at." in text
    assert page.count("data:image/webp;base64,") == 6
    first = next(iter(read_release(whole[0] / "releases" / BENCHMARK).iterate_items(pictures=False)))
    assert first.query in text


def test_a_second_walk_changes_nothing(whole: tuple[Path, WalkEnd, list[WalkProgress]]) -> None:
    home, end, _ = whole
    state, page = read_state(home), end.page.read_text(encoding="utf-8")
    again, _ = go(home)
    assert (again.before, again.after) == (end.before, end.after)
    assert read_state(home) == state
    assert end.page.read_text(encoding="utf-8") == page


@pytest.mark.thorough
@pytest.mark.parametrize("kill_at", [(0, 4), (1, 3), (2, 9), (4, 2), (6, 0), (7, 0.5)])
def test_a_walk_that_was_killed_goes_on_to_the_same_end(
    whole: tuple[Path, WalkEnd, list[WalkProgress]], tmp_path: Path, kill_at: tuple[int, float]
) -> None:
    home = tmp_path / "home"
    program = [sys.executable, walk_here.__file__, str(home), *map(str, kill_at)]
    killed = subprocess.run(program, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    go(home)
    assert read_state(home) == read_state(whole[0])


def test_scripts_never_answer_for_people(tmp_path: Path) -> None:
    workspace, _ = prepare_workspace(Settings(home=tmp_path), starter=False)
    add_items_in_review(workspace.db, 2)
    workspace.close()
    with pytest.raises(WalkRefused, match=r"holds 2 items that are not the walk's.*a folder of its own"):
        go(tmp_path)


def test_a_missing_library_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def require(what: str, *_: str) -> None:
        raise BadConfig(f"{what}: torch is not installed; install it with `pip install …`")

    monkeypatch.setattr(walking, "require_libraries", require)
    with pytest.raises(WalkRefused, match="trains a small model: torch is not installed; install it with"):
        go(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_the_command_says_what_came_out_and_that_it_can_go_on(
    whole: tuple[Path, WalkEnd, list[WalkProgress]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(home: Path) -> tuple[int, str, str]:
        return run_curator_here(
            "--home", str(home), "demo", "--walk", environment={}, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
        )

    monkeypatch.setattr(walk_scenes, "WalkPlan", lambda: PLAN)
    code, said, errors = run(whole[0])
    assert code == 0, errors
    assert "before RL" in said and str(whole[1].page) in said
    assert "1 of 9: Scenes through the filters" in errors

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(walking, "walk", stop)
    code, said, errors = run(tmp_path / "other")
    assert (code, "The same command goes on" in errors) == (3, True)
