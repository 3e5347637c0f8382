"""The page of the wind tunnel: what it shows and refuses, and the wind tunnel as a job that is stopped and goes on."""

import json
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from caspo_measured import make_results, make_runs, write_results
from run_workspace import wait_for
from standalone_pages import Tags

from caspo.errors import GateNotPassed
from caspo.wind_tunnel.config import MEASURED, fingerprint_arm, name_folder
from caspo.wind_tunnel.report import make_report, write_report
from caspo.wind_tunnel.run import Progress
from caspo.wind_tunnel.workers import Event, Job
from curator_app.actions import background_jobs, tunnel_jobs, tunnel_reading, wind_tunnel
from curator_app.actions.tunnel_jobs import TunnelAsked, find_tunnel_job, read_asked, run_queued, stop_tunnel
from curator_app.actions.tunnel_reading import read_training, read_tunnel
from curator_app.actions.wind_tunnel import QUICK, TunnelRefused
from curator_app.screens.wind_tunnel import build_wind_tunnel_page
from curator_app.workspace import Workspace
from endpoints.errors import BadConfig
from pipeline.hazard_world.world import NOTICE
from storage import jobs
from storage.accounts import Person, Role
from storage.errors import NotFound
from storage.jobs import JobState

MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
ANN = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))
WORK = Job("Recommended, stage 0 0, seed 0", "run_arm", ("recommended", 0, 0), 50.0)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def handlers(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the page does, whether or not the libraries of a training are installed."""
    monkeypatch.setattr(tunnel_jobs, "require_libraries", lambda *_: None)
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_wind_tunnel_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


@pytest.fixture
def started(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs are put down and no process is started; the names of those that were."""
    names: list[str] = []

    def put_down(workspace: Workspace, *, kind: str, name: str, request: dict[str, Any], **more: Any) -> None:
        with workspace.db.write() as session:
            jobs.queue_job(session=session, kind=kind, name=name, request=request, actor=more["actor"])
            session.commit()
        names.append(name)

    monkeypatch.setattr(background_jobs, "start_job", put_down)
    return names


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def leave_result(home: Path, **given: Any) -> None:
    """Leave what a quick run leaves."""
    out = home / "wind-tunnel-quick"
    out.mkdir(parents=True)
    arms = make_results(outr=make_runs(r_0=0.6))
    results = write_results(home / "made-up", arms)
    write_report(make_report(QUICK, "toy", results, quick=True) | given, out)
    (out / "report.html").write_text("<!doctype html><p>whole</p>", encoding="utf-8")


def mark_measured(out: Path) -> None:
    arm = QUICK.list_arms()[0]
    (out / "config.json").write_text(json.dumps({"world": "toy"}), encoding="utf-8")
    folder = name_folder(out, arm.name, (0, 0), fingerprint_arm(QUICK, "toy", arm, 0, 0))
    folder.mkdir(parents=True)
    (folder / MEASURED).write_text("{}", encoding="utf-8")


def leave_log(out: Path, arm_number: int, *, kl: float) -> None:
    """Leave the log of a run of one of the quick run's arms."""
    arm = QUICK.list_arms()[arm_number]
    (out / "config.json").write_text(json.dumps({"world": "toy"}), encoding="utf-8")
    folder = name_folder(out, arm.name, (0, 0), fingerprint_arm(QUICK, "toy", arm, 0, 0))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text(30 * (json.dumps({"caspo/kl": kl}) + "\n"), encoding="utf-8")


def test_empty_it_says_what_a_wind_tunnel_is_and_what_it_costs(handlers: SimpleNamespace) -> None:
    html, *_, form, timer = handlers.wind_tunnel_show(ask())
    assert "No wind tunnel has been run yet." in html
    assert NOTICE in html and "needs neither GPU nor network" in html
    assert form["visible"] is True and timer.active is False
    plan, known = handlers.wind_tunnel_plan(ask(), "whole", False)
    assert "18 arms, 3 seeds of RL, 72 runs" in plan and "an hour on two idle cores" in plan and known
    assert "RL starts although" in handlers.wind_tunnel_plan(ask(), "quick", True)[0]


def test_only_what_was_planned_is_started(handlers: SimpleNamespace, workspace: Workspace, started: list[str]) -> None:
    _, said, known = handlers.wind_tunnel_start(ask(), "quick", False, "")
    assert "Nothing has started yet" in said and started == []
    _, said, _ = handlers.wind_tunnel_start(ask(), "quick", True, known)
    assert "not what the last plan was of" in said and started == []
    _, said, known = handlers.wind_tunnel_start(ask(), "quick", False, known)
    assert "Started the" in said and started == ["quick"]
    job = find_tunnel_job(workspace, name="quick")
    assert (job.actor, job.request) == ("user:mia", {"size": "quick", "force": False})
    assert handlers.wind_tunnel_start(ask(), "huge", False, "")[1].count("there is no size") == 0
    assert "There is no size &#x27;huge&#x27;" in handlers.wind_tunnel_start(ask(), "huge", False, "")[1]


def test_without_the_models_it_says_how_to_install_them(
    handlers: SimpleNamespace, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def require(what: str, *_: str) -> None:
        raise BadConfig(f"{what}: torch is not installed; install it with `pip install 'x[models]'`")

    monkeypatch.setattr(tunnel_jobs, "require_libraries", require)
    assert "torch is not installed; install it with" in handlers.wind_tunnel_show(ask())[0]
    for said in (
        handlers.wind_tunnel_plan(ask(), "quick", False)[0],
        handlers.wind_tunnel_start(ask(), "quick", False, "")[1],
    ):
        assert "torch is not installed; install it with" in said
    assert started == []
    with pytest.raises(TunnelRefused, match="not installed"):
        tunnel_jobs.start_tunnel(None, TunnelAsked("quick"), actor="user:mia")  # type: ignore[arg-type]


def test_a_result_shows_ranking_claims_and_curves_and_escapes_all(
    handlers: SimpleNamespace, workspace: Workspace
) -> None:
    home = workspace.settings.home
    leave_result(home, notice=HOSTILE)
    mark_measured(home / "wind-tunnel-quick")
    html = handlers.wind_tunnel_show(ask())[0]
    assert "from the command line" in html and "1 of 2" in html
    head, acts, *_, below, form, _ = handlers.wind_tunnel_show(ask(run="quick"))
    assert "was run from the command line" in head and acts["visible"] is False and form["visible"] is False
    assert "Best: Recommended" in below and "decides no claim" in below
    assert below.count("<li data-verdict=") > 5 and 'data-verdict="reproduced"' in below
    assert "Entropy" in below and 'aria-label="KL from the start at the last step: Recommended' in below
    assert 'href="/training/report/quick"' in below
    assert HOSTILE not in below and "&lt;script&gt;" in below
    assert "script" not in {tag for tag, _ in Tags(below).tags}


def test_alarms_of_the_runs_stand_by_arm(handlers: SimpleNamespace, workspace: Workspace) -> None:
    out = workspace.settings.home / "wind-tunnel-quick"
    leave_result(workspace.settings.home)
    leave_log(out, 0, kl=0.05)
    below = handlers.wind_tunnel_show(ask(run="quick"))[4]
    assert "<h2>Alarms</h2>" in below and "1 arm without an alarm." in below and "Alarmed runs" not in below
    leave_log(out, 1, kl=1.0)
    below = handlers.wind_tunnel_show(ask(run="quick"))[4]
    text = Tags(below).text
    assert "1 arm without an alarm." in text and "1 of 1" in text
    assert "The policy runs away from where it began (1)" in text
    leave_log(out, 0, kl=2.0)  # the same run, gone on
    assert "No arm is without one." in Tags(handlers.wind_tunnel_show(ask(run="quick"))[4]).text


def test_a_damaged_report_is_named_with_the_remedy(handlers: SimpleNamespace, workspace: Workspace) -> None:
    leave_result(workspace.settings.home)
    (workspace.settings.home / "wind-tunnel-quick" / "report.json").write_text("{", encoding="utf-8")
    assert "report.json cannot be read" in handlers.wind_tunnel_show(ask())[0]
    assert "move it away" in handlers.wind_tunnel_show(ask(run="quick"))[0]


def test_who_is_no_maintainer_is_refused_by_every_handler(handlers: SimpleNamespace) -> None:
    handlers.asking.person = ANN
    for name, more in (
        ("show", ()), ("refresh", ()), ("stop", ()), ("resume", ()), ("plan", ("quick", False)),
        ("start", ("quick", False, "")),
    ):  # fmt: skip
        with pytest.raises(gr.Error, match="maintainer"):
            getattr(handlers, f"wind_tunnel_{name}")(ask(run="quick"), *more)


def test_reports_are_served_to_maintainers_as_pages_in_which_nothing_runs(
    browser: Callable[..., Any], workspace: Workspace
) -> None:
    missing = browser("mia").get("/training/report/quick")
    assert missing.status_code == 404 and "written when the training ends" in missing.text
    leave_result(workspace.settings.home)
    found = browser("mia").get("/training/report/quick")
    assert found.status_code == 200 and found.text.endswith("<p>whole</p>")
    assert "sandbox" in found.headers["content-security-policy"]
    assert browser("mia").get("/training/report/..%2Fcurator.db").status_code == 404
    walked = workspace.settings.home / "walk" / "report.html"
    walked.parent.mkdir()
    walked.write_text("<!doctype html><p>walked</p>", encoding="utf-8")
    assert "walked" in browser("mia").get("/training/report/walk").text
    assert read_training(workspace).walked


# --- the job


class Tunnel:
    """Stands for the trainings: tells of a job, then waits as the pool does until somebody stops it or it is let go."""

    def __init__(self, out: Path) -> None:
        self.out, self.waits = out, False
        self.begun = threading.Event()

    def __call__(self, make_world: Any, config: Any, out: Path, **given: Any) -> Any:
        progress = Progress(200.0)
        for event in (Event(WORK, "begun"), Event(WORK, "step", "Recommended: step 3", 0.5)):
            progress.take(event)
            given["observer"](progress)
        self.begun.set()
        if self.waits:
            pipe = Pipe()
            wait(pipe[:1], timeout=60)
            raise AssertionError("nobody stopped it")
        progress.take(Event(WORK, "done", share=1.0))
        given["observer"](progress)
        out.mkdir(parents=True, exist_ok=True)
        return write_results(self.out / str(time.monotonic_ns()), make_results())


@pytest.fixture
def tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tunnel:
    made = Tunnel(tmp_path / "made-up")
    monkeypatch.setattr(wind_tunnel, "run_tunnel", made)
    monkeypatch.setattr(wind_tunnel, "require_libraries", lambda *names: None)
    monkeypatch.setattr(tunnel_jobs, "check_installed", lambda: None)
    return made


def test_a_stopped_wind_tunnel_ends_at_once_and_goes_on(
    workspace: Workspace,
    handlers: SimpleNamespace,
    started: list[str],
    tunnel: Tunnel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tunnel.waits = True
    tunnel_jobs.start_tunnel(workspace, TunnelAsked("quick"), actor="user:mia")
    seen: list[Any] = []

    def stop() -> None:
        tunnel.begun.wait(60)
        wait_for(workspace, "quick", lambda job: bool(job.progress.get("running")), find=find_tunnel_job)
        seen.append(handlers.wind_tunnel_show(ask(run="quick")))
        handlers.wind_tunnel_stop(ask(run="quick"))

    helper = threading.Thread(target=stop)
    helper.start()
    run_queued(workspace, name="quick")
    helper.join()
    head, _, stop_button, resume_button, below, _, timer = seen[0]
    assert "is running" in head and "12%" in head and "Recommended: step 3" in below and "50%" in below
    assert (stop_button["visible"], resume_button["visible"], timer.active) == (True, False, True)
    job = find_tunnel_job(workspace, name="quick")
    assert (job.state, job.message) == (JobState.ENDED, "stopped by mia")
    assert "stopped by mia" in capsys.readouterr().out

    tunnel.waits = False
    handlers.wind_tunnel_resume(ask(run="quick"))
    run_queued(workspace, name="quick")
    job = find_tunnel_job(workspace, name="quick")
    assert (job.state, job.message, job.sitting) == (JobState.ENDED, "", 2)
    assert job.progress["finished"] == [WORK.name] and job.progress["done"] == 50.0
    assert "On new scenes: R_0 90.0% -> 0.0%" in capsys.readouterr().out
    assert read_tunnel(workspace, name="quick").report is not None
    assert started == ["quick", "quick"]


def test_a_gate_that_is_not_passed_fails_the_job_with_its_reasons(
    workspace: Workspace, started: list[str], monkeypatch: pytest.MonkeyPatch, tunnel: Tunnel
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise GateNotPassed("no RL was started, since the teacher overlooks 12.0% of hazards")

    monkeypatch.setattr(wind_tunnel, "run_tunnel", refuse)
    tunnel_jobs.start_tunnel(workspace, TunnelAsked("whole"), actor="user:mia")
    with pytest.raises(TunnelRefused):
        run_queued(workspace, name="whole")
    job = find_tunnel_job(workspace, name="whole")
    assert job.state is JobState.FAILED and "the teacher overlooks 12.0%" in job.message


def test_requests_are_read_back_and_those_of_other_versions_refused() -> None:
    for asked in (TunnelAsked("quick"), TunnelAsked("whole", force=True)):
        assert read_asked(json.loads(json.dumps(asked.to_json()))) == asked
    for values in ({}, {"size": "quick"}, {"size": "huge", "force": False}, {"size": "quick", "force": 1, "x": 2}):
        with pytest.raises(TunnelRefused, match="another version"):
            read_asked(values)


def test_what_was_never_begun_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="start one on the page of training"):
        read_tunnel(workspace, name="quick")
    with pytest.raises(NotFound):
        tunnel_jobs.resume_tunnel(workspace, name="quick", actor="user:mia")
    with pytest.raises(NotFound):
        stop_tunnel(workspace, name="quick", actor="mia")
    assert tunnel_reading.find_page(workspace, "other") is None
