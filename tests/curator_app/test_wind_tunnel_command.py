"""`curator caspo wind-tunnel` with results that are there already: what it asks for, prints, writes and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from caspo_measured import make_results, make_runs, write_results
from typer.testing import CliRunner, Result

from caspo.errors import GateNotPassed
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.report import NOTICE
from caspo.wind_tunnel.run import Progress
from caspo.wind_tunnel.workers import Event, Job
from curator_app.actions import wind_tunnel
from curator_app.actions.wind_tunnel import QUICK, TunnelRefused
from curator_app.cli import app
from curator_app.commands.wind_tunnel import describe_progress
from endpoints.errors import BadConfig

JOB = Job("OutR, stage 0 0, seed 1", "run_arm", ("outr", 0, 1), 120.0)


class Ran:
    """Stands for the workers: notes what was asked for, tells of a job, and gives made-up results."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.asked = tmp_path / "runs", {}
        self.blind = False

    def __call__(self, make_world: Any, config: TunnelConfig, out: Path, **given: Any) -> Any:
        self.asked = {"world": make_world().name, "config": config, "out": out, **given}
        out.mkdir(parents=True, exist_ok=True)
        progress = Progress(240.0)
        for event in (Event(JOB, "begun"), Event(JOB, "step", "OutR", 0.5), Event(JOB, "done", share=1.0)):
            progress.take(event)
            given["observer"](progress)
        arms = make_results(recommended=make_runs(r_0=0.9 if self.blind else 0.0))
        return write_results(self.folder, arms, passed=not given["force"])


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    made = Ran(tmp_path)
    monkeypatch.setattr(wind_tunnel, "run_tunnel", made)
    monkeypatch.setattr(wind_tunnel, "require_libraries", lambda *names: None)
    return made


@pytest.fixture
def curator(tmp_path: Path) -> Callable[..., Result]:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "caspo", "wind-tunnel", *words])

    return run


def test_it_writes_page_and_json_and_prints_goal_and_verdicts(
    ran: Ran, curator: Callable[..., Result], tmp_path: Path
) -> None:
    done = curator("--out", str(tmp_path / "out"), "--workers", "2")
    assert done.exit_code == 0, done.output
    assert NOTICE in done.output
    assert "Recommended: Hybrid 1.0, frozen SFT at 0.4, floor 0.5: goal met in 6 of 6 runs" in done.output
    assert "reproduced      Without a constitution the model overlooks most hazards." in done.output
    assert "OutR, stage 0 0, seed 1: done; about " in done.output
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["notice"] == NOTICE
    assert NOTICE in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert (ran.asked["config"], ran.asked["workers"], ran.asked["force"]) == (TunnelConfig(), 2, False)


def test_seeds_and_arms_are_what_was_asked_for(ran: Ran, curator: Callable[..., Result], tmp_path: Path) -> None:
    assert curator("--seeds", "4", "--stage-zero-seeds", "1", "--arms", "outr, paper").exit_code == 0
    config = ran.asked["config"]
    assert (config.seeds, config.stage_zero_seeds, config.arms) == (4, 1, ("outr", "paper"))
    assert ran.asked["out"] == tmp_path / "home" / "wind-tunnel"


def test_a_quick_run_has_a_part_of_the_world_and_a_folder_of_its_own(
    ran: Ran, curator: Callable[..., Result], tmp_path: Path
) -> None:
    done = curator("--quick")
    assert done.exit_code == 0
    assert "R_0 90.0% -> 0.0%" in done.output
    assert ran.asked["config"] == QUICK
    assert "a part" in ran.asked["world"]
    assert ran.asked["out"] == tmp_path / "home" / "wind-tunnel-quick"
    assert "decides no claim" in (ran.asked["out"] / "report.html").read_text(encoding="utf-8")


def test_a_quick_run_that_taught_nothing_fails(ran: Ran, curator: Callable[..., Result]) -> None:
    ran.blind = True
    done = curator("--quick")
    assert done.exit_code == 1
    assert "the training did not do what it is for" in done.output


def test_a_forced_run_says_so(ran: Ran, curator: Callable[..., Result]) -> None:
    assert "STAGE 0 DID NOT PASS ITS GATE" in curator("--force").output


def refuse(with_error: Exception) -> Callable[..., Any]:
    def run(*_: Any, **__: Any) -> Any:
        raise with_error

    return run


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("run_tunnel", GateNotPassed("no RL was started, since the teacher overlooks 12.0%"), "no RL was started"),
        ("run_tunnel", PermissionError("denied"), "cannot be written"),
        ("require_libraries", BadConfig("the wind tunnel: torch is not installed"), "torch is not installed"),
    ],
)
def test_what_cannot_be_is_refused_plainly(
    ran: Ran, curator: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, said: str
) -> None:
    monkeypatch.setattr(wind_tunnel, name, refuse(error))
    done = curator()
    assert isinstance(done.exception, TunnelRefused)
    assert said in str(done.exception)


def test_an_unknown_arm_is_refused_before_anything_is_made(
    curator: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wind_tunnel, "require_libraries", lambda *names: None)
    done = curator("--arms", "outr,hybrid")
    assert isinstance(done.exception, TunnelRefused)
    assert "arm 'hybrid' is unknown; known: recommended, paper, outr" in str(done.exception)
    assert not (tmp_path / "home").exists()


def test_the_bar_says_what_is_running_and_how_long_it_will_take() -> None:
    progress = Progress(480.0)
    assert describe_progress(progress) == "time left not known yet; writing the report"
    progress.take(Event(JOB, "step", "OutR", 0.5))
    progress.began -= 60  # a minute for an eighth
    assert progress.done == 60
    assert describe_progress(progress) == "about 7 min left; OutR"
