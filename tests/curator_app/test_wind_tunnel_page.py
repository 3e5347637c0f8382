"""The wind tunnel's report: its JSON, and the page that is made from it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from caspo_measured import make_measured, make_results, make_runs, write_results
from PIL import Image
from standalone_pages import check_stands_alone

from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.measures import SetName
from caspo.wind_tunnel.report import NOTICE, make_report, write_report
from caspo.wind_tunnel.run import ArmRun, TunnelResults
from curator_app.actions.wind_tunnel import QUICK, make_painter, make_whole
from curator_app.actions.wind_tunnel_page import draw_wind_tunnel, list_notices, show_estimate


def paint(name: SetName, place: int) -> tuple[Image.Image, str]:
    return Image.new("RGB", (96, 72), "red"), f"may <i>{name}</i> {place} ?"


@pytest.fixture
def results(tmp_path: Path) -> TunnelResults:
    arms = make_results(
        outr=make_runs(r_0=0.6, reward=6.0, entropy=0.1), paper=make_runs(alarms=0.9), lambda_06=make_runs(r_0=0.1)
    )
    return write_results(tmp_path / "runs", arms)


def report_of(results: TunnelResults, **given: Any) -> dict[str, Any]:
    return make_report(TunnelConfig(), "a world", results, **given)


def test_the_report_keeps_every_run_and_every_verdict(results: TunnelResults, tmp_path: Path) -> None:
    report = json.loads(write_report(report_of(results), tmp_path).read_text(encoding="utf-8"))
    arms = {arm["name"]: arm for arm in report["arms"]}
    assert [len(arms[name]["runs"]) for name in ("sft", "outr", "recommended")] == [2, 6, 6]
    assert arms["outr"]["pooled"]["new_scenes"]["r_0"][0] == pytest.approx(0.6)
    assert arms["outr"]["runs"][0]["figures"]["new_hazards"]["r_0"] == pytest.approx(0.6)
    assert "R_0 ≤ 2% on new scenes: 60.0%" in arms["outr"]["runs"][0]["missed"]
    assert arms["recommended"]["runs"][0]["missed"] == []
    assert [place["arm"] for place in report["ranking"]] == ["recommended", "lambda_06", "outr", "paper"]
    verdicts = {claim["id"]: claim["verdict"] for claim in report["claims"]}
    assert (verdicts["recommended_low"], verdicts["both_terms"]) == ("reproduced", "not tested")
    assert report["notice"] == NOTICE


def test_curves_are_the_mean_of_the_runs_with_their_range(results: TunnelResults) -> None:
    (outr,) = [arm for arm in report_of(results)["arms"] if arm["name"] == "outr"]
    assert outr["curves"]["entropy"][0] == [0.1, 0.0, 0.2]
    assert len(outr["curves"]["kl"]) == 10


def test_the_page_stands_alone_and_says_what_it_is(results: TunnelResults) -> None:
    page = draw_wind_tunnel(report_of(results), paint)
    text = re.sub(r"\s+", " ", check_stands_alone(page, pictures=True).text)
    assert NOTICE in text
    assert "Best: Recommended; the goal is met in 6 of 6 runs." in text
    assert all(words in text for words in ("Table 3", "Table 9", "Table 10", "figure 13", "Hybrid 0.6"))
    assert "may <i>new_scenes</i> 0 ?" in text
    assert page.count("data:image/webp") == 4
    assert "--force" not in text


def test_without_a_run_that_meets_the_goal_no_arm_is_called_best(tmp_path: Path) -> None:
    report = report_of(write_results(tmp_path, make_results(recommended=make_runs(r_0=0.1))))
    assert "No run meets the goal; Recommended comes nearest." in draw_wind_tunnel(report, paint)


def test_an_arm_has_the_same_line_in_every_report(tmp_path: Path) -> None:
    page = draw_wind_tunnel(report_of(write_results(tmp_path, make_results(outr=make_runs()))), paint)
    assert set(re.findall(r'class="cu-curve" data-series="(\d)"', page)) == {"1", "3"}


def test_a_forced_run_says_so_loudly(tmp_path: Path) -> None:
    report = report_of(write_results(tmp_path, make_results(), passed=False))
    page = draw_wind_tunnel(report, paint)
    assert '<aside class="cu-notice" data-kind="bad"><p>Stage 0 did not pass its gate' in page
    assert "overlooks 12.0% of the hazards" in page
    assert "not passed" in page


def test_a_run_that_diverged_is_a_row_and_counts_against_its_arm(results: TunnelResults) -> None:
    lost = ArmRun(next(iter(results.runs["outr"].values())).folder, None, "step 7: caspo/loss is nan", 3.0)
    runs = {**results.runs, "recommended": {**results.runs["recommended"], (0, 0): lost}}
    report = report_of(TunnelResults(results.gates, runs, False))
    assert report["ranking"][0]["diverged"] == 1
    page = draw_wind_tunnel(report, paint)
    assert "diverged: step 7: caspo/loss is nan" in page
    assert "5 of 6" in page


def test_all_runs_of_an_arm_may_diverge(results: TunnelResults) -> None:
    lost = {key: ArmRun(run.folder, None, "gone", 1.0) for key, run in results.runs["paper"].items()}
    report = report_of(TunnelResults(results.gates, {**results.runs, "paper": lost}, False))
    assert {claim["verdict"] for claim in report["claims"] if claim["id"].startswith("paper_")} == {"not tested"}
    assert ("bad", "6 runs diverged and have no figures; the table of runs says which.") in list_notices(report)
    draw_wind_tunnel(report, paint)


def test_a_quick_run_is_called_one(tmp_path: Path) -> None:
    results = write_results(tmp_path, {**make_results(), "recommended": {(0, 0): make_measured()}})
    report = report_of(results, quick=True)
    assert "It decides no claim." in draw_wind_tunnel(report, paint)
    ours = [claim["verdict"] for claim in report["claims"] if claim["id"].startswith("recommended_")]
    assert set(ours) <= {"undecided", "not tested"}


def test_scenes_are_drawn_for_people() -> None:
    painter = make_painter(make_whole(), QUICK.evaluation)
    picture, query = painter("new_scenes", 0)
    assert picture.size == (960, 720)
    assert painter("new_scenes_twins", 0)[1] == query
    assert painter("new_scenes_twins", 0)[0].tobytes() != picture.tobytes()


@pytest.mark.parametrize(
    ("found", "kind", "ends", "shown"),
    [
        ([0.0123, 0.004, 0.02], "rate", False, "1.2%"),
        ([0.0123, 0.004, 0.02], "rate", True, "0.4 to 2.0"),
        ([1.856, 1.8, 1.9], "mean", False, "1.86"),
        (None, "mean", False, "–"),
    ],
)
def test_figures_are_shown_as_people_write_them(found: list[float] | None, kind: str, ends: bool, shown: str) -> None:
    assert show_estimate(found, kind, ends=ends) == shown
