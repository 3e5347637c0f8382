"""The Runs page: what it shows and refuses, what it escapes, and that every handler asks for the role."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import gradio as gr
import pytest
import yaml
from run_pipeline import make_config
from run_workspace import open_models, write_endpoints

from curator_app.actions import run_jobs, run_reading
from curator_app.actions.run_forms import RunForm, default_thresholds, make_request
from curator_app.actions.runs import JOB_KIND, RunRefused, RunRequest
from curator_app.screens.job_view import render_refusal
from curator_app.screens.runs import build_runs_page
from curator_app.workspace import Workspace
from pipeline.config import PipelineConfig, read_config
from storage import jobs
from storage.accounts import Person, Role

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='javascript:alert(3)'>&lt;"
MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
ANN = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))
FORM = ["first", 3, 20, "none", "", *default_thresholds(), 0.9, 2, None, "", ""]


class Tags(HTMLParser):
    """Collects tags and attributes, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def check_harmless(html: str) -> None:
    seen = Tags(html)
    assert not {"script", "img"} & set(seen.tags)
    for name, value in seen.attributes:
        assert not name.startswith("on")
        if name in ("href", "action"):
            assert value.startswith(("/runs", "/items?item=S-")), value


@pytest.fixture
def handlers(workspace: Workspace):
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_runs_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def put_down(workspace: Workspace, name: str, *, events: list[dict] = (), message: str = "", **changes) -> None:
    """Make a run that is over, as its process would have left it."""
    request = RunRequest(make_config(batch=name, **changes)).to_json()
    with workspace.db.write() as session:
        job = jobs.take_job(session=session, kind=JOB_KIND, name=name, owner="h:1:a", actor="user:mia", request=request)
        progress = {"asked": 16, "done": 6, "seconds": 120.0, "calls": 40, "cost": "unknown", "tokens": 99}
        jobs.end_job(session=session, job_id=job.id, owner="h:1:a", message=message, progress=progress)
        session.commit()
    folder = workspace.settings.home / "runs" / name
    folder.mkdir(parents=True)
    blank = {"at": "2026-03-04T10:11:12.000+00:00", "kind": "", "message": ""}
    lines = "".join(json.dumps(blank | event) + "\n" for event in events)
    (folder / "events.jsonl").write_text(lines, encoding="utf-8")


def event(stage: str, outcome: str, item: str, **more: str) -> dict:
    return {"stage": stage, "outcome": outcome, "item": item, **more}


def test_without_runs_and_endpoints_the_page_says_what_to_do_next(handlers, workspace) -> None:
    html, acts, _, _, _, desk, timer = handlers.runs_show(ask())
    assert "No run yet." in html
    assert str(workspace.settings.home / "endpoints.yaml") in html
    assert "pipeline/examples/endpoints.yaml" in html
    assert (acts["visible"], desk["visible"], timer.active) == (False, True, False)


def test_the_funnel_counts_each_item_once_and_by_its_latest_outcome(handlers, workspace) -> None:
    put_down(
        workspace,
        "first",
        events=[
            *(event("synthesis", "passed", f"i{n}") for n in range(4)),
            event("filters", "error", "i0", kind="timed_out"),
            event("filters", "passed", "i0"),
            event("filters", "rejected", "i1", kind="risk_clarity", message="Nothing follows."),
            event("filters", "error", "i2", kind="timed_out"),
        ],
    )
    run = run_reading.read_run(workspace, name="first")
    assert [(line.passed, line.rejected, line.errors) for line in run.funnel[:2]] == [(4, 0, 0), (1, 1, 1)]
    assert set(run.reasons) == {("filters", "risk_clarity", 1), ("filters", "timed_out", 1)}
    assert run.pace == 3.0
    with (workspace.settings.home / "runs/first/events.jsonl").open("a") as file:
        file.write(json.dumps({"at": "2026-03-04T10:11:13.000", **event("filters", "passed", "i2"), "kind": ""})[:30])
    assert run_reading.read_run(workspace, name="first").funnel == run.funnel, "half a line waits for its end"
    head, acts, stop, resume, html, desk, timer = handlers.runs_refresh(ask(run="first"))
    assert 'aria-label="filters: 1 passed, 1 rejected, 1 errors"' in html
    assert ">unknown<" in head
    assert "Nothing follows." in html
    assert [part["visible"] for part in (acts, stop, resume, desk)] == [True, False, True, False]
    assert not timer.active


def test_twins_and_mining_stand_behind_the_funnel_with_what_they_cost(handlers, workspace) -> None:
    events = [
        event("twins", "passed", "i0"),
        event("twins", "rejected", "i1", kind="twin_evidence_absent"),
        event("mining", "passed", "i0"),
        event("mining", "error", "i1", kind="timed_out"),
    ]
    more = {"twin": True, "mining": {"targets": ["target"]}, "grounding": {"licence": "CC0-1.0"}}
    put_down(workspace, "plain")
    put_down(workspace, "first", events=events, **more)
    numbers = {"prompt_tokens": 5, "completion_tokens": 5, "budget_tokens": 10, "budget_usd": 0.5}
    call = {"run": "first", "role": "rewriter", "model": "m", "outcome": "reply", **numbers}
    lines = [
        call | {"about": "i0/twins", "cost_usd": 0.5},
        call | {"about": "i0", "cost_usd": 9.0},
        call | {"about": "i1/twins", "cost_usd": 0.25},
        call | {"about": "i0/mining", "cost_usd": None},
        {"about": "i0/mining"},
    ]
    ledger = workspace.settings.home / "runs/first/ledger.jsonl"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    run = run_reading.read_run(workspace, name="first")
    assert [(s.count.stage, s.count.passed, s.count.rejected, s.count.errors, s.calls, s.cost) for s in run.after] == [
        ("twins", 1, 1, 0, 2, "$0.75"), ("mining", 1, 0, 1, 1, "unknown")
    ]  # fmt: skip
    with ledger.open("a") as file:
        file.write(json.dumps(lines[0]) + "\n" + json.dumps(lines[0])[:40])  # half a line waits for its end
    assert run_reading.read_run(workspace, name="first").after[0].cost == "$1.25"
    html = handlers.runs_refresh(ask(run="first"))[4]
    assert 'aria-label="twins: 1 passed, 1 rejected, 0 errors"' in html
    assert "Twins: 3 calls, cost $1.25. Mining: 1 call, cost unknown." in html and "twin evidence absent" in html
    assert "After review" not in handlers.runs_refresh(ask(run="plain"))[4]
    assert run.done == 0  # of the funnel before people


def test_two_runs_are_compared_in_config_funnel_and_cost(handlers, workspace) -> None:
    put_down(workspace, "first")
    put_down(workspace, "second", filters={"severity": 2}, seed=22)
    spending = {"role": "critic", "model": "m", "calls": 7, "cost": "$1.20", "median_s": 0.25}
    (workspace.settings.home / "runs/second/report.json").write_text(json.dumps({"spending": [spending]}))
    both = run_reading.compare_runs(workspace, left="first", right="second")
    assert set(both.config) == {("batch", "first", "second"), ("seed", "21", "22"), ("filters.severity", "3", "2")}
    html = handlers.runs_show(ask(left="first", right="second"))[0]
    assert "filters.severity" in html
    assert "$1.20" in html and "0.25 s" in html
    assert "There is no run &#x27;third&#x27;" in handlers.runs_show(ask(left="first", right="third"))[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({0: "Not so"}, r"`batch` is 'Not so'"),
        ({2: 0}, r"`count` is 0: Input should be greater than or equal to 1"),
        ({2: 2.5}, r"`count` is 2\.5"),
        ({2: None}, "give either `count` or `quotas`"),
        ({3: "synthetic"}, "licence"),
        ({5: 9}, r"`filters\.query_benignness` is 9"),
        ({12: -1}, r"budget is -1 dollars"),
        ({13: "batch: x y\nsees: 1"}, r"no field `sees`"),
        ({13: "a: ["}, "not YAML"),
        ({13: "just words"}, "it holds no fields"),
        ({13: "batch: a_b\nsede: 1\ncount: 2"}, "no field `sede`; did you mean `seed`"),
        ({13: "batch: a_b\nseed: 1\ncount: 2\nfilters: {sevrity: 2}"}, "did you mean `severity`"),
        ({13: "batch: a_b\nseed: 1\ncount: 2\ncount: 3"}, "'count' is given twice in line 4"),
        ({13: "batch: a_b\nseed: 2024-13-45\ncount: 2"}, "a value in it cannot be read"),
        ({13: "batch: a_b\nseed: !!bool x\ncount: 2"}, "a value in it cannot be read"),
        ({13: "[" * 20_000}, "a value in it cannot be read"),
        ({13: "x" * 50_001}, "50,001 bytes, and 50,000 are taken"),
    ],
)
def test_a_bad_field_is_named_with_its_value(handlers, changes, said) -> None:
    values = [changes.get(place, value) for place, value in enumerate(FORM)]
    batch, seed, count, pictures, licence, *limits, dedup, rounds, budget, text, _ = values
    form = RunForm(batch, seed, count, pictures, licence, tuple(limits), dedup, rounds, budget, text)
    with pytest.raises(RunRefused, match=said):
        make_request(form)
    assert "cu-told" in handlers.runs_start(ask(), *values)[1]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpoints: {mine: {kind: openai, base_url: 'http://10.0.0.1/', model: m, api_key_env: HOME}}",
         "`endpoints`; models and roles stand in the endpoints file"),
        ("roles: {critic: mine}", "`roles`; models and roles stand in the endpoints file"),
        ("endpoints_file: /etc/passwd", "no field `endpoints_file`"),
        ("batch: ../../etc", "`batch` is '../../etc'"),
        ("batch: /etc/cron", "`batch` is '/etc/cron'"),
        ("batch: 'ok_\\n'", "`batch` is"),
        ("grounding: {photo_batch: ../private}", "`grounding.photo_batch` is '../private'"),
        ("quotas: {../x: 3}", "quotas"),
        ("x: !!python/object/apply:os.system ['touch marker']", "not YAML"),
        ("x: !include /etc/passwd", "not YAML"),
        (BOMB, "it holds an alias"),
    ],
)  # fmt: skip
def test_a_pasted_config_names_no_file_server_variable_or_program(workspace, text, said) -> None:
    with pytest.raises(RunRefused, match=re.escape(said) if "`" in said else said):
        make_request(RunForm("", None, None, "none", "", (None,) * 5, None, None, None, text))
    assert not (workspace.settings.home / "runs").exists()


def test_no_field_of_a_config_takes_a_text_that_nobody_decided_about() -> None:
    """A config comes from a browser too: a new field with a free text has to be looked at before it is added here."""
    schema = PipelineConfig.model_json_schema()
    texts = {
        f"{owner}.{name}"
        for owner, shape in {"PipelineConfig": schema, **schema["$defs"]}.items()
        for name, field in shape.get("properties", {}).items()
        for part in [field, *field.get("anyOf", [])]
        if part.get("type") == "string" and not {"pattern", "enum", "const"} & part.keys()
    }
    free_maps = {name for name, field in schema["properties"].items() if field.get("type") == "object"}
    # A licence and a style are words for people and for the image model; generators are looked up among the endpoints.
    assert texts == {"GroundingConfig.licence", "GroundingConfig.style"}
    assert free_maps == {"quotas", "generators"}


def test_a_run_starts_only_after_its_own_plan_was_shown(handlers, workspace, monkeypatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(run_jobs, "start_run", lambda _, asked, *, actor: started.append(asked.config.batch))
    with open_models() as models:
        write_endpoints(workspace.settings.home, models.url)
        first = handlers.runs_start(ask(), *FORM)
        assert "20 scenarios" in first[1] and "Cost at most: unknown" in first[1] and "Nothing has started" in first[1]
        changed = handlers.runs_start(ask(), *["second", *FORM[1:-1], first[2]])
        assert "not what the last plan was of" in changed[1]
        dearer = handlers.runs_start(ask(), *[*FORM[:12], 5, "", first[2]])
        assert "price of m is unknown" in dearer[1] and dearer[2] == ""
        assert started == []
        assert handlers.runs_plan(ask(), *FORM[:-1])[1] == first[2]
        said = handlers.runs_start(ask(), *FORM[:-1], first[2])
    assert started == ["first"]
    assert "Started" in said[1] and said[2] == "", "the plan is used up"


def test_the_config_of_a_run_is_handed_out_and_makes_the_same_run(browser, workspace) -> None:
    put_down(workspace, "first", filters={"severity": 2}, grounding={"style": "Föhn, dawn"})
    reply = browser("mia").get("/runs/config/first")
    assert reply.status_code == 200
    assert reply.headers["content-disposition"] == 'attachment; filename="first.yaml"'
    assert read_config(reply.text) == make_config(
        batch="first", filters={"severity": 2}, grounding={"style": "Föhn, dawn"}
    )
    assert browser("ann").get("/runs/config/first").status_code == 403
    assert browser(None).get("/runs/config/first").status_code in (303, 401)
    for odd in ("nothing", "..%2f..%2fcurator.db", "first%00", "first%0d%0aX-A:%20b"):
        assert browser("mia").get(f"/runs/config/{odd}").status_code in (404, 422)


def test_the_form_gives_the_config_that_its_yaml_gives() -> None:
    form = RunForm("first", 3.0, 20.0, "none", "", default_thresholds(), 0.9, 2.0, 1.5)
    request = make_request(form)
    assert request.config == make_config(batch="first", seed=3, count=20, quotas={}, grounding={})
    assert request.budget.usd == 1.5
    assert make_request(replace(form, budget_usd=0)).budget.usd is None
    pasted = yaml.safe_dump(request.config.model_dump(mode="json"))
    assert make_request(RunForm("", None, None, "none", "", (None,) * 5, None, None, None, pasted)).config == (
        request.config
    )


@pytest.mark.parametrize("name", ["show", "refresh", "stop", "resume", "start", "plan"])
def test_every_handler_refuses_other_roles(handlers, workspace, name) -> None:
    put_down(workspace, "first")
    handlers.asking.person = ANN
    values = {"start": FORM, "plan": FORM[:-1]}.get(name, [])
    with pytest.raises(gr.Error, match="maintainer"):
        getattr(handlers, f"runs_{name}")(ask(run="first"), *values)
    assert [run.job.sitting for run in run_reading.list_runs(workspace)] == [1]


def test_the_page_has_no_other_handlers(handlers) -> None:
    names = {"show", "refresh", "stop", "resume", "start", "plan"}
    assert set(vars(handlers)) == {"asking", *(f"runs_{name}" for name in names)}


def test_html_in_any_text_stays_text(handlers, workspace) -> None:
    put_down(
        workspace,
        "first",
        message=HOSTILE,
        events=[event("filters", "rejected", HOSTILE, kind=HOSTILE, message=HOSTILE)],
        generators={HOSTILE: 1.0},
    )
    put_down(workspace, "second")
    folder = workspace.settings.home / "runs/first"
    (folder / "job.log").write_text(HOSTILE)
    spending = {"role": HOSTILE, "model": HOSTILE, "calls": 7, "cost": HOSTILE, "median_s": None}
    (folder / "report.json").write_text(json.dumps({"spending": [spending]}))
    for query in ({}, {"run": "first"}, {"left": "first", "right": "second"}, {"run": HOSTILE}):
        shown = handlers.runs_show(ask(**query))
        html = shown[0] + shown[4]
        check_harmless(html)
        assert "alert(" in html or not query
    check_harmless(render_refusal(HOSTILE))
    check_harmless(handlers.runs_start(ask(), *[HOSTILE, *FORM[1:]])[1])


def test_the_report_needs_the_role_and_nothing_in_it_runs(browser, workspace) -> None:
    put_down(workspace, "first")
    assert browser("mia").get("/runs/report/first").status_code == 404
    (workspace.settings.home / "runs/first/report.html").write_text("<p>report</p>")
    reply = browser("mia").get("/runs/report/first")
    assert (reply.status_code, reply.text) == (200, "<p>report</p>")
    assert "sandbox" in reply.headers["content-security-policy"]
    assert browser("ann").get("/runs/report/first").status_code == 403
    for odd in ("nothing", "..%2f..%2fcurator.db", "first%00"):
        assert browser("mia").get(f"/runs/report/{odd}").status_code in (404, 422)
