"""The pages of trainings on verl and of training data: what they show and refuse, and the jobs behind them.

The trainer itself is a program that stands in for it (`verl_stand_in`): a real process, started by the real job.
"""

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from approved_items import add_approved
from run_workspace import is_over, wait_for
from trainings_here import STEPS, add_material, stand_in

from caspo.launch import find_version
from curator_app.actions import (
    background_jobs,
    releases,
    training_data_jobs,
    training_jobs,
    training_reading,
)
from curator_app.actions.training_data import DataNotPrepared
from curator_app.actions.training_jobs import TrainingAsked, read_asked, run_queued
from curator_app.actions.training_runs import TrainingNotStarted
from curator_app.screens.training import build_training_page
from curator_app.screens.training_data import build_training_data_page
from curator_app.workspace import Workspace
from storage import jobs
from storage.accounts import Person, Role
from storage.errors import NotFound
from storage.jobs import Job, JobState

TOM = Person(id=1, name="tom", roles=frozenset({Role.TRAINER}))
MIA = Person(id=3, name="mia", roles=frozenset({Role.MAINTAINER}))
ANN = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def handlers(workspace: Workspace) -> SimpleNamespace:
    """What both pages do."""
    asking = SimpleNamespace(person=TOM)
    with gr.Blocks() as pages:
        build_training_page(pages, workspace=workspace, person_of=lambda request: asking.person)
        build_training_data_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs are put down and no process is started; the names of those that were."""
    names: list[str] = []

    def put_down(workspace: Workspace, *, kind: str, name: str, request: dict[str, Any], **more: Any) -> None:
        with workspace.db.write() as session:
            jobs.queue_job(session=session, kind=kind, name=name, request=request, actor=more["actor"])
            session.commit()
        more["folder"].mkdir(parents=True, exist_ok=True)
        names.append(name)

    monkeypatch.setattr(background_jobs, "start_job", put_down)
    return names


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def fill(asked: TrainingAsked) -> list[Any]:
    return [asked.name, asked.data, asked.preset, asked.model, asked.reward, asked.changes, asked.force]


def train(workspace: Workspace, asked: TrainingAsked) -> None:
    training_jobs.start_training(workspace, asked, actor="user:tom")
    run_queued(workspace, name=asked.name)


def test_empty_the_page_says_what_is_missing_and_what_to_do(handlers: SimpleNamespace) -> None:
    html, *_, form, timer = handlers.training_show(ask())
    assert "No training yet." in html and form["visible"] is True and timer.active is False
    assert '<a href="/training-data">prepare some</a>' in html
    assert "CURATOR_MODEL_FOLDERS" in html and "CURATOR_REWARD_SERVERS" in html
    assert ("make setup-models" in html) == (find_version("verl") is None)
    assert "No training data yet." in handlers.training_data_show(ask())[0]
    assert "freeze one of the split train" in handlers.training_data_show(ask())[0]
    assert "there is no training &#x27;gone&#x27;".lower() in handlers.training_show(ask(run="gone"))[0].lower()
    assert handlers.training_offer(ask())[0]["value"] is None


def test_the_plan_shows_what_preflight_finds_and_keeps_a_bad_run_from_starting(
    handlers: SimpleNamespace, workspace: Workspace, started: list[str], tmp_path: Path
) -> None:
    asked = replace(add_material(workspace, tmp_path), force=False)
    data, models, rewards = handlers.training_offer(ask())
    assert (data["choices"], rewards["choices"]) == ([asked.data], [asked.reward])
    assert models["choices"] == ["models/tiny"]
    _, html, known = handlers.training_start(ask(), *fill(asked), "")
    assert known == "" and started == []
    assert 'data-level="error"' in html and "is a llama, and model.family=qwen3-vl" in html
    assert "set model.family, or take a preset of that family" in html
    assert "Mend the errors" in html and "Nothing has started." in html
    assert "python" in html and "verl.trainer.main_ppo" in html and "run.json" in html
    assert "steps: 3" in html and asked.reward in html
    assert not (workspace.settings.home / "training-runs").exists()


def test_only_what_was_planned_is_started_and_a_taken_name_is_not(
    handlers: SimpleNamespace, workspace: Workspace, started: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training_jobs, "_look_before", lambda *_: ())
    asked = add_material(workspace, tmp_path)
    said, known = handlers.training_plan(ask(), *fill(asked))
    assert "Preflight found nothing." in said and known == training_jobs.identify(asked)
    other = replace(asked, changes="data: {steps: 4}")
    _, said, again = handlers.training_start(ask(), *fill(other), known)
    assert "not what the last plan was of" in said and started == [] and again != known
    _, said, _ = handlers.training_start(ask(), *fill(asked), known)
    assert 'Started <a href="/training?run=first">first</a>' in said and started == ["first"]
    assert "there is a training first already".capitalize() in handlers.training_plan(ask(), *fill(asked))[0]
    for change, told in (
        ({"name": "../x"}, "cannot be used: give 1 to 64"), ({"preset": "huge"}, "preset &#x27;huge&#x27; is unknown"),
        ({"data": HOSTILE}, "&lt;script&gt;"), ({"model": "/etc"}, "lies neither in the workspace"),
    ):  # fmt: skip
        html, known = handlers.training_plan(ask(), *fill(replace(asked, **({"name": "other"} | change))))
        assert told in html and HOSTILE not in html and known == ""


def test_who_does_not_train_is_refused_by_every_handler(handlers: SimpleNamespace, workspace: Workspace) -> None:
    handlers.asking.person = ANN
    asked = TrainingAsked("x", "", "tiny-cpu", "", "")
    data = ["", ["v1.0"], [], "recommended", 0, False]
    for page, values in (("training", fill(asked)), ("training_data", data)):
        for name, more in (
            ("show", ()), ("refresh", ()), ("offer", ()), ("stop", ()), ("resume", ()), ("plan", values),
            ("start", (*values, "")),
        ):  # fmt: skip
            with pytest.raises(gr.Error, match="needs the role maintainer or trainer; ann has annotator"):
                getattr(handlers, f"{page}_{name}")(ask(run="x"), *more)


# --- the job


def test_a_training_runs_to_its_end_and_shows_step_curves_pins_and_log(
    handlers: SimpleNamespace,
    workspace: Workspace,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stand_in(monkeypatch)
    asked = add_material(workspace, tmp_path)
    train(workspace, asked)
    job = training_jobs.find_training_job(workspace, name="first")
    assert (job.state, job.message, job.progress) == (JobState.ENDED, "", {"step": STEPS, "steps": STEPS})
    printed = capsys.readouterr().out
    assert "ERROR model:" in printed and "step:3 - critic/score/mean" in printed
    head, _, stop, resume, body, _, timer = handlers.training_show(ask(run="first"))
    assert "has ended" in head and "of 3" in head and "tiny-cpu" in head and "the last one came to its end" in head
    assert (stop["visible"], resume["visible"], timer.active) == (False, True, False)
    assert 'class="cu-monitor' in body and "Entropy" in body
    assert "curator caspo evaluate" in body and "Pinned to" in body and "steps: 3" in body
    manifest = json.loads((workspace.settings.home / "training-data" / asked.data / "manifest.json").read_bytes())
    assert manifest["constitution_sha256"] in body and manifest["release_digest"] in body
    listed = handlers.training_show(ask())[0]
    assert "1 training. <span>None is running." in listed and "3 of 3" in listed

    handlers.training_resume(ask(run="first"))  # nothing is left to do but to find out
    run_queued(workspace, name="first")
    view = training_reading.read_training(workspace, name="first")
    assert [attempt.code for attempt in view.attempts] == [0, 0]
    assert "setting global step to 3" in capsys.readouterr().out


def test_a_stopped_training_ends_verl_and_goes_on_from_its_checkpoint(
    handlers: SimpleNamespace, workspace: Workspace, started: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.write_text("1")
    stand_in(monkeypatch, gate=gate)
    find = training_jobs.find_training_job
    training_jobs.start_training(workspace, add_material(workspace, tmp_path), actor="user:tom")

    def stop() -> None:
        try:
            wait_for(workspace, "first", lambda job: job.progress.get("step") == 1, find=find, timeout_s=240)
            handlers.training_stop(ask(run="first"))
        except BaseException:
            gate.write_text(str(STEPS))  # or it would wait for ever
            raise

    with ThreadPoolExecutor(1) as beside:
        stopped = beside.submit(stop)
        run_queued(workspace, name="first")
    stopped.result()
    job = find(workspace, name="first")
    assert (job.state, job.message) == (JobState.ENDED, "stopped by tom")
    view = training_reading.read_training(workspace, name="first")
    assert [attempt.code for attempt in view.attempts] == [-signal.SIGTERM] and view.step == 1
    gate.write_text(str(STEPS))
    handlers.training_resume(ask(run="first"))
    run_queued(workspace, name="first")
    view = training_reading.read_training(workspace, name="first")
    assert [attempt.code for attempt in view.attempts] == [-signal.SIGTERM, 0] and view.step == STEPS
    assert "setting global step to 1" in (view.folder / "log-2.txt").read_text()


@pytest.mark.thorough
def test_pressed_twice_stop_ends_a_verl_that_does_not_heed_it(
    handlers: SimpleNamespace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.write_text("1")
    stand_in(monkeypatch, gate=gate)
    monkeypatch.setenv("STAND_IN_DEAF", "1")

    def wait(wanted: Callable[[Job], bool]) -> Job:
        return wait_for(workspace, "first", wanted, find=training_jobs.find_training_job, timeout_s=240)

    training_jobs.start_training(workspace, add_material(workspace, tmp_path), actor="user:tom")
    wait(lambda job: job.progress.get("step") == 1)
    handlers.training_stop(ask(run="first"))
    log = workspace.settings.home / "training-runs" / "first" / "job.log"
    wait(lambda job: "ending verl" in log.read_text())
    assert wait(lambda job: True).state is JobState.STOPPING
    handlers.training_stop(ask(run="first"))
    job = wait(is_over)
    assert (job.state, job.message) == (JobState.FAILED, "ended at once by hand")
    gate.write_text(str(STEPS))
    handlers.training_resume(ask(run="first"))  # which a verl that were still there would not allow
    job = wait(lambda job: job.sitting == 2 and is_over(job))
    assert (job.state, job.message, job.progress["step"]) == (JobState.ENDED, "", STEPS)


def test_preflights_errors_and_verls_own_end_a_job_with_what_to_do(
    handlers: SimpleNamespace, workspace: Workspace, started: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch)
    asked = add_material(workspace, tmp_path)
    with pytest.raises(TrainingNotStarted):
        train(workspace, replace(asked, force=False))
    job = training_jobs.find_training_job(workspace, name="first")
    assert job.state is JobState.FAILED and "so nothing was started. The first:" in job.message
    html = handlers.training_show(ask(run="first"))[0]
    assert "has failed" in html and "verl was not started" in html
    monkeypatch.setenv("STAND_IN_CODE", "3")
    with pytest.raises(TrainingNotStarted):
        train(workspace, asked)  # a name that nothing was started under is free
    job = training_jobs.find_training_job(workspace, name="first")
    assert job.state is JobState.FAILED and "verl ended with code 3" in job.message
    assert "the last one ended with code 3" in handlers.training_show(ask(run="first"))[0]


def test_two_trainings_beside_each_other_and_the_command_lines_among_them(
    handlers: SimpleNamespace,
    workspace: Workspace,
    started: list[str],
    browser: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    stand_in(monkeypatch)
    asked = add_material(workspace, tmp_path)
    train(workspace, asked)
    train(workspace, replace(asked, name="second", changes="data: {steps: 3}\nchanges: {lam: 0.6}"))
    html = handlers.training_show(ask(left="first", right="second"))[0]
    assert "first <span>beside</span> second" in html and 'class="cu-monitor' in html
    assert "<td" in html and "changes.lam" in html and "0.6" in html and "pinned.Config" in html
    with workspace.db.write() as session:  # as if the command line had started it
        session.exec(jobs.update(jobs.JobRow).where(jobs.JobRow.name == "second").values(name="other", state="ended"))
        session.commit()
    found = training_reading.read_training(workspace, name="second")
    assert found.job is None and found.step == STEPS and "step:3" in found.output
    shown, *_ = handlers.training_show(ask(run="second"))
    assert "was started from the command line" in shown
    folder = workspace.settings.home / "training-runs" / "second"
    assert browser("tom").get("/training/judged/ours-v1.0").status_code == 404
    told = {
        "name": "ours-v1.0",
        "release": {"version": "v1.0"},
        "mode": HOSTILE,
        "judge_runs": {"base": "b", "trained": "t"},
    }
    (folder / "evaluations.jsonl").write_text(f"{json.dumps(told)}\n{json.dumps(told)}\n{{half")
    judged = workspace.settings.home / "evaluations" / "ours-v1.0"
    judged.mkdir(parents=True)
    (judged / "report.html").write_text("<!doctype html><p>better")
    body = handlers.training_show(ask(run="second"))[4]
    assert body.count('href="/training/judged/ours-v1.0"') == 1 and "<td>b, t</td>" in body and HOSTILE not in body
    handlers.asking.person = MIA
    assert 'href="/judge-runs?run=b"' in handlers.training_show(ask(run="second"))[4]
    page = browser("tom").get("/training/judged/ours-v1.0")
    assert "better" in page.text and "sandbox" in page.headers["content-security-policy"]
    for name in ("..%2Ffirst", "gone", "..", "%2e%2e%2fcurator.db"):
        assert browser("tom").get(f"/training/judged/{name}").status_code == 404
    assert browser("ann").get("/training/judged/ours-v1.0").status_code == 403


def test_requests_are_read_back_and_those_of_other_versions_refused() -> None:
    asked = TrainingAsked("a", "b", "c", "d", "e", "f", force=True)
    assert read_asked(json.loads(json.dumps(asked.to_json()))) == asked
    with pytest.raises(TrainingNotStarted, match="another version"):
        read_asked({"name": "a", "gpus": 3})
    data = training_data_jobs.DataAsked("a", ("v1",), ("run",), "paper", 3, drop_matches=True)
    assert training_data_jobs.read_asked(json.loads(json.dumps(data.to_json()))) == data
    with pytest.raises(DataNotPrepared, match="another version"):
        training_data_jobs.read_asked({"name": "a"})


# --- training data


def test_training_data_is_prepared_out_of_a_release_and_says_when_constitutions_changed(
    handlers: SimpleNamespace,
    workspace: Workspace,
    started: list[str],
    browser: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    from curator_app.actions import constitutions

    ids = add_approved(workspace.db, workspace.blobs, 4)
    releases.freeze(workspace, version="v1.0", split="train", notes="", actor="user:mia", item_ids=ids)
    offered = handlers.training_data_offer(ask())
    assert offered[0]["choices"] == [("v1.0 (train)", "v1.0")] and offered[0]["value"] == ["v1.0"]
    form = ["", ["v1.0"], [], "paper", 0, False]
    said, known = handlers.training_data_plan(ask(), *form)
    assert "V1.0-seed-0: out of v1.0, seed 0.".lower() in said.lower()
    handlers.training_data_start(ask(), *form, known)
    assert started == ["v1.0-seed-0"]
    training_data_jobs.run_queued(workspace, name="v1.0-seed-0")
    assert "NOTHING TO COMPARE WITH" in capsys.readouterr().out
    assert "those in use" in handlers.training_data_show(ask())[0]
    head, *_, body, _, _ = handlers.training_data_show(ask(run="v1.0-seed-0"))
    assert "has ended" in head and ">3<" in head  # of four items one has no picture
    assert 'href="/training/data/v1.0-seed-0"' in body
    page = browser("tom").get("/training/data/v1.0-seed-0")
    assert page.status_code == 200 and "sandbox" in page.headers["content-security-policy"]
    constitutions.save(
        workspace, category="self_harm", text="Look.", reason="x", based_on="0", actor="user:mia"
    )  # fmt: skip
    assert "older, or others" in handlers.training_data_show(ask())[0]
    assert "By now other constitutions are in use" in handlers.training_data_show(ask(run="v1.0-seed-0"))[4]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({1: []}, "No release is chosen; choose of: there is none yet"),
        ({1: ["v9"]}, "There is no release to train on &#x27;v9&#x27;; there are: none"),
        ({1: "v9"}, "No release is chosen"),
    ],
)
def test_what_cannot_be_prepared_is_refused_with_its_name(
    handlers: SimpleNamespace, changes: dict[int, Any], told: str
) -> None:
    form = ["", ["v1.0"], [], "paper", 0, False]
    for place, value in changes.items():
        form[place] = value
    assert told in handlers.training_data_plan(ask(), *form)[0]


def test_what_was_never_begun_is_not_found(workspace: Workspace) -> None:
    for act in (training_jobs.resume_training, training_jobs.stop_training,
                training_data_jobs.resume_preparing, training_data_jobs.stop_preparing):  # fmt: skip
        with pytest.raises(NotFound):
            act(workspace, name="gone", actor="tom")
    with pytest.raises(NotFound, match="prepare some"):
        training_reading.read_training_data(workspace, name="gone")
