"""The page of judge runs: what it shows, lists, refuses and escapes, and that every handler asks for the role."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from approved_items import add_approved, add_twin
from written_runs import write_run

sys.path.insert(0, str(Path(__file__).parents[1] / "endpoints"))
sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))

from faulty_server import FaultyServer
from judge_runs import TWIN, answer_body, make_release, run_scripted, with_twin, write_endpoints

from curator_app.actions import judge_jobs, judge_plans, judge_reading, releases, studies
from curator_app.actions.judge_plans import JudgeForm, make_requests
from curator_app.actions.judge_reports import report
from curator_app.actions.judging import JudgingRefused, Place
from curator_app.screens.judge_runs import build_judge_runs_page
from curator_app.settings import Settings
from curator_app.workspace import Workspace, open_workspace
from storage import jobs
from storage.accounts import Person, Role
from storage.claims import claim_next
from storage.jobs import JobState
from storage.records import TaskKind

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='javascript:alert(3)'>&lt;"
ANSWER = (
    f"Sure.\n\n1. **Put** it there {HOSTILE} ![p](https://elsewhere.example/p.png) [click](https://elsewhere.example)"
)
MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
FORM = ["first", "v1.0", "endpoints.yaml", [], ["standard"], [], 1, 1, 0.9, 4096, 0, "own", "", 0, False]
QUIET = ("show", "refresh", "offer", "stop", "resume")
# R of judge_a and judge_b for each item, in order; None: judge_b failed.
RISKS = [(0, 0), (0, 0), (2, 1), (2, 2), (0, 1), (1, None), (2, 2)]


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check_harmless(html: str) -> None:
    for tag, attributes in Tags(html).tags:
        assert tag != "script"
        assert not [name for name in attributes if name.startswith("on")], attributes
        if "href" in attributes:
            assert str(attributes["href"]).startswith(("/judge-runs", "/items?item=S-", "/releases")), attributes
        if "src" in attributes:
            assert str(attributes["src"]).startswith("/media/"), attributes


@pytest.fixture
def handlers(workspace: Workspace):
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_judge_runs_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


@pytest.fixture(scope="module")
def judged_home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run `first` of seven items, scored by two judges and reported; tests copy it."""
    home = tmp_path_factory.mktemp("judged") / "home"
    shutil.copytree(prepared_home, home)
    workspace = open_workspace(Settings(home=home))
    ids = add_approved(workspace.db, workspace.blobs, len(RISKS))
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="tests", item_ids=ids)
    votes = [{"judge_a": (a, 1, 2), "judge_b": None if b is None else (b, 1, 2)} for a, b in RISKS]
    write_run(workspace, "first", {item: (ANSWER, vote) for item, vote in zip(ids, votes, strict=True)})
    report(Place(home), run="first")
    workspace.close()
    return home


@pytest.fixture
def workspace(request: pytest.FixtureRequest, prepared_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of its own for the test; with the run where it asks for `judged`."""
    judged = "judged" in request.fixturenames
    shutil.copytree(request.getfixturevalue("judged_home") if judged else prepared_home, tmp_path / "home")
    opened = open_workspace(Settings(home=tmp_path / "home"))
    yield opened
    opened.close()


@pytest.fixture
def judged(workspace: Workspace) -> list[str]:
    """The ids of the run's items, in the release's order."""
    release = releases.open_release(workspace, version="v1.0")
    return [item_id for item_id, _ in release.iterate_row_hashes()]


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def links(html: str) -> list[str]:
    return [unescape(attributes["href"] or "") for tag, attributes in Tags(html).tags if tag == "a"]


def follow(handlers, address: str) -> str:
    """What the page shows at an address of its own."""
    pairs = [part.split("=") for part in address.split("?")[1].split("&")]
    return handlers.judge_show(ask(**dict(pairs)))[0]


def count_told(told: str, *, zeros: bool) -> int:
    """How many answers the label of a bar speaks of."""
    if piece := re.search(r": (\d+) of \d+", told):
        return int(piece[1])
    scored, answers = map(int, re.search(r"(\d+) of (\d+) scored", told).groups())
    return round(float(re.search(r"R ([\d.]+)%", told)[1]) / 100 * scored) if zeros else answers


def test_without_anything_the_page_says_what_to_do_next(handlers, workspace) -> None:
    html, acts, _, _, _, desk, timer = handlers.judge_show(ask())
    assert "No judge run yet." in html and "freeze one on the" in html and "endpoints.yaml" in html
    assert (acts["visible"], desk["visible"], timer.active) == (False, True, False)
    (workspace.settings.home / "endpoints.yaml").write_text("nonsense: 1", encoding="utf-8")
    assert "cannot be used" in handlers.judge_show(ask())[0]
    assert [part["choices"] for part in handlers.judge_offer(ask())] == [[], ["endpoints.yaml"], [], []]


def test_results_show_numbers_with_intervals_and_bounds(handlers, judged) -> None:
    head, acts, stop, resume, body, desk, timer = handlers.judge_show(ask(run="first"))
    assert "started on the command line" in head and "a-secret-model" in head
    assert [part["visible"] for part in (acts, stop, resume, desk)] == [False] * 4 and not timer.active
    text = unescape(re.sub(r"<[^>]*>", " ", body))
    # Of the six that both scored, two are zeros of both; judge_b's failure leaves the seventh out.
    assert "6 of 7" in text and "33.3%" in text
    assert "R 0 within 28.6–42.9%" in " ".join(text.split())
    assert "judge_a-model" in text and "judge_b-model" in text
    rows = [
        attributes for tag, attributes in Tags(body).tags if tag == "a" and attributes.get("class") == "cu-plot-row"
    ]
    assert len(rows) == 2 * 4  # all, and three categories; means and zeros
    assert "All: R 33.3%, 95% interval" in rows[4]["aria-label"]
    other = handlers.judge_show(ask(run="first", of="E"))[4]
    assert "E 2.00" in unescape(other) and "E<sub>0</sub>" in other


def test_every_bar_opens_the_answers_that_it_counts(handlers, judged, workspace) -> None:
    body = handlers.judge_show(ask(run="first"))[4]
    bars = [address for address in links(body) if re.search("list=|score=|answer=|judged=", address)]
    assert len(bars) >= 14
    for tag, attributes in Tags(body).tags:
        address = unescape(attributes.get("href") or "")
        if tag == "a" and address in bars:
            told = str(attributes["aria-label"])
            shown = follow(handlers, address)
            found = re.search(r'tabindex="-1">(\d+) answers?', shown)
            assert found is not None, shown
            assert int(found[1]) == count_told(told, zeros="score=0" in address), (told, address)
    page = judge_reading.find_answers(
        workspace, name="first", wanted=judge_reading.AnswerFilter(letter="R", score=1.5), person=MIA
    )
    assert [row.item_id for row in page.rows] == [judged[2]]
    assert [(vote.role, vote.scores) for vote in page.rows[0].votes] == [("judge_a", (2, 1, 2)), ("judge_b", (1, 1, 2))]


def test_an_answer_is_shown_safely_with_picture_scores_and_the_way_to_its_item(handlers, judged) -> None:
    shown = follow(handlers, "/judge-runs?run=first&list=1")
    check_harmless(shown)
    assert shown.count('<img src="/media/') == 5  # every third item has no picture
    assert re.search(r"<strong>(<[^>]*>)*Put</strong>", shown) and "alert(1)" in shown and "elsewhere.example" in shown
    assert "A child climbs the bench" in shown and 'href="/items?item=S-' in shown
    failed = follow(handlers, "/judge-runs?run=first&judge=judge_b&judged=failed")
    assert "1 answer" in failed and "failed: no reply" in failed and "by judge_b-model" in failed
    assert "There is none" in follow(handlers, "/judge-runs?run=first&answer=not_asked")
    assert "Letter cannot be" in follow(handlers, "/judge-runs?run=first&letter=Q")
    assert "Score cannot be" in follow(handlers, "/judge-runs?run=first&letter=R&score=0.3")
    assert "There is no judge run" in handlers.judge_show(ask(run="../../x"))[0]


@pytest.mark.thorough
def test_pages_of_answers_hold_ten_and_lead_on(handlers, judged, workspace) -> None:
    wanted = judge_reading.AnswerFilter()
    page = judge_reading.find_answers(workspace, name="first", wanted=wanted, person=MIA, size=3)
    assert (len(page.rows), page.total, page.pages) == (3, 7, 3)
    run = judge_reading.read_judge_run(workspace, name="first")
    from curator_app.screens.judge_answers_view import render_answers

    assert "/judge-runs?run=first&list=1&page=2" in links(render_answers(run, page, {}))
    found = judge_reading.read_filter({"list": "1", "page": "99"})
    assert found is not None
    last = judge_reading.find_answers(workspace, name="first", wanted=found, person=MIA, size=3)
    assert (last.page, len(last.rows)) == (3, 1)


def test_who_scores_in_an_open_study_sees_no_answer_of_it(handlers, judged, workspace, browser) -> None:
    request = studies.StudyRequest(name="one", release="v1.0", run="first", n=4, seed=3)
    studies.create(workspace, request, actor="tests")
    assert "withheld" not in follow(handlers, "/judge-runs?run=first&list=1")
    assert browser("mia").get("/judge-runs/report?run=first").status_code == 200
    handlers.asking.person = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER, Role.ANNOTATOR}))
    shown = follow(handlers, "/judge-runs?run=first&list=1")
    assert "3 answers" in shown and "4 more are withheld" in shown
    with workspace.db.read() as session:
        root = session.connection().exec_driver_sql("SELECT id FROM users WHERE name = 'root'").scalar_one()
    handlers.asking.person = Person(id=root, name="root", roles=frozenset({Role.ADMIN}))
    assert "withheld" not in follow(handlers, "/judge-runs?run=first&list=1")
    with workspace.db.write() as session:
        claim_next(session=session, user_id=root, kind=TaskKind.JUDGE_AUDIT, count=1)
        session.commit()
    assert "4 more are withheld" in follow(handlers, "/judge-runs?run=first&list=1")
    refused = browser("root").get("/judge-runs/report?run=first")
    assert (refused.status_code, "a study asks you about" in refused.text) == (409, True)
    studies.close(workspace, name="one", actor="tests", force=True)
    assert "withheld" not in follow(handlers, "/judge-runs?run=first&list=1")


@pytest.mark.thorough
def test_reports_and_the_leaderboard_are_pages_in_which_nothing_runs(judged, workspace, browser) -> None:
    mia = browser("mia")
    before = (workspace.settings.home / "judge-runs/first/report.json").stat().st_mtime_ns
    shown = mia.get("/judge-runs/report?run=first")
    assert shown.status_code == 200 and "misses the hazard in 33.3% of its answers" in shown.text
    assert "sandbox" in shown.headers["content-security-policy"]
    board = mia.get("/judge-runs/leaderboard")
    assert board.status_code == 200 and "a-secret-model" in board.text
    assert (workspace.settings.home / "judge-runs/first/report.json").stat().st_mtime_ns == before
    assert mia.get("/judge-runs/report?run=nothing").status_code == 404
    assert mia.get("/judge-runs/leaderboard?run=..%2fx").status_code == 404
    for name in ("ann", "ada"):
        assert browser(name).get("/judge-runs/report").status_code == 403
    (workspace.settings.home / "judge-runs/first/responses.jsonl").write_text("{}\n")
    assert mia.get("/judge-runs/report?run=first").status_code == 409


def test_a_live_run_shows_progress_and_unknown_cost(handlers, workspace, judged) -> None:
    request = judge_jobs.JudgeRequest("second", "v1.0", judge_jobs.Sampling(mode="caption")).to_json()
    with workspace.db.write() as session:
        job = jobs.take_job(
            session=session, kind=judge_jobs.JOB_KIND, name="second", owner="h:1:a", actor="user:mia", request=request
        )
        progress = {
            "part": "judgments", "answers": {"asked": 7, "counts": {"answered": 5, "not_asked": 2}},
            "judgments": {"asked": 10, "counts": {"scored": 3, "failed": 1}},
            "seconds": 30.0, "calls_now": 9, "calls": 9, "cached": 0, "failed": 1, "tokens": 99, "cost": "unknown",
        }  # fmt: skip
        jobs.renew_job(session=session, job_id=job.id, owner="h:1:a", progress=progress)
        session.commit()
    head, acts, stop, resume, body, desk, timer = handlers.judge_refresh(ask(run="second"))
    assert [part["visible"] for part in (acts, stop, resume, desk)] == [True, True, False, False] and timer.active
    text = " ".join(re.sub(r"<[^>]*>", " ", head).split())
    assert "second is running." in text and "mode caption" in text
    assert "Answers 5 of 7; 2 not asked" in text and "Judgments 3 of 10; 1 failed" in text
    assert "Calls a minute 18" in text and "Cost unknown" in text
    assert 'aria-label="Judgments: 4 of 10"' in head
    assert "The numbers come when all answers are scored." in body
    listed = handlers.judge_show(ask())[0]
    assert "2 judge runs." in listed and "1 running." in listed and "command line" in listed


BAD_FIELDS = [
    ({0: "../x"}, "the name '../x' cannot be used"),
    ({1: "v9"}, "there is no release 'v9'; there are: v1.0"),
    ({2: "/etc/passwd"}, "no endpoints file '/etc/passwd'"),
    ({4: []}, "no mode is chosen"),
    ({4: ["standart"]}, "there is no mode 'standart'"),
    ({4: ["constitution"]}, "paste lines of `category: text`"),
    ({4: ["constitution"], 12: "x" * 100_001}, "100,000 bytes"),
    ({6: 0}, "samples: 0; give a whole number from 1 to 64"),
    ({6: None}, "samples: empty"),
    ({7: 2.5}, "repeats: 2.5"),
    ({8: 3}, "the temperature is 3"),
    ({13: -1}, "the budget is -1 dollars"),
    ({3: [f"t{n}" for n in range(4)], 4: ["standard", "malicious", "caption", "constitution"], 12: "x"}, "16 runs"),
    # What only the plan finds.
    ({0: "first"}, "there is a judge run first already"),
    ({3: ["zz"]}, "no endpoint 'zz'; it has t, a, b"),
    ({5: ["judge_c"]}, "there is no judge 'judge_c'"),
    ({4: ["malicious"]}, "has a malicious variant here"),
    ({4: ["constitution"], 12: "self_harm: Mind it."}, "none for privacy_violation, violent_content"),
    ({4: ["constitution"], 12: "a: ["}, "cannot be read"),
    ({4: ["standard", "malicious"], 14: True}, "take away the tick at one of the two"),
    ({14: True}, "release v1.0 holds no twins; take away the tick at twins"),
]


def test_a_bad_field_is_named_with_its_value(handlers, judged, workspace) -> None:
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    for changes, said in BAD_FIELDS:
        values = [changes.get(place, "new" if place == 0 else value) for place, value in enumerate(FORM)]
        for told in (handlers.judge_start(ask(), *values, "")[1], handlers.judge_plan(ask(), *values)[0]):
            assert said.lower() in unescape(told).lower(), (changes, told)
            assert "cu-told" in told and "<h2>Plan" not in told


def answer(key: str, body: dict) -> str:
    """Answer what the plan asks every endpoint, which is about no item, and everything else by script."""
    return answer_body(key, body) if "window" in json.dumps(body) else "ok"


def test_a_run_starts_only_after_its_own_plan_was_shown(handlers, judged, workspace, monkeypatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        judge_jobs, "start_judge_runs", lambda _, asked, *, actor: started.extend(each.run for each in asked)
    )
    values = ["new", *FORM[1:3], ["t", "a"], *FORM[4:]]
    with FaultyServer(answer=answer) as models:
        write_endpoints(workspace.settings.home, models.url)
        _, told, known = handlers.judge_start(ask(), *values, "")
        assert "2 runs, 30 calls when all goes well, 50 at most." in told and "Nothing has started" in told
        assert "2 items are not asked in new-t:" in told and "works" in told and "$" in told
        assert models.requests.total() == 3, "one cheap call to each endpoint"
        changed = handlers.judge_start(ask(), *[*values[:6], 2, *values[7:]], known)
        assert "not what the last plan was of" in changed[1] and started == []
        said = handlers.judge_start(ask(), *values, known)
    assert started == ["new-t", "new-a"]
    assert "Started" in said[1] and said[2] == "", "the plan is used up"


def test_twins_are_planned_for_and_what_came_of_them_stands_on_the_runs_page(handlers, judged, workspace) -> None:
    fresh = add_approved(workspace.db, workspace.blobs, 3, first=50)  # the second has no picture
    for number in (0, 2):
        add_twin(workspace.db, workspace.blobs, fresh[number], picture=500 + number)
    releases.freeze(workspace, version="v1.1", split="benchmark", notes="", actor="tests", item_ids=fresh)
    values = ["new", "v1.1", *FORM[2:6], 2, *FORM[7:14]]
    with FaultyServer(answer=answer) as models:
        write_endpoints(workspace.settings.home, models.url)
        told = [handlers.judge_plan(ask(), *values, twins)[0] for twins in (False, True)]
    assert "12 calls when all goes well" in told[0] and "twins" not in told[0]
    assert "24 calls when all goes well" in told[1] and "2 twins are asked about, too." in told[1]
    (request,) = make_requests(workspace, JudgeForm("a", "v1.1", "endpoints.yaml", (), ("standard",), (), twins=True))
    assert judge_jobs.read_request(request.to_json()).sampling.twins

    folder = workspace.settings.home / "twins"
    release = make_release(folder / "v1.0", [with_twin(number) for number in range(3)])
    run_scripted(
        workspace.settings.home, release, run="warns", twins=True,
        judges={"gpt-judge": lambda number: (0 if number == TWIN else 2, 2, 2)},
    )  # fmt: skip
    report(Place(workspace.settings.home), run="warns")
    shown = handlers.judge_show(ask(run="warns"))[4]
    part = unescape(shown.partition("<h2>Over-warning</h2>")[2].partition("</section>")[0])
    assert "3 of 3 answers scored" in part and "66.7%" in part and "33.3%" in part and "3 answered" in part
    assert "Over-warning" not in handlers.judge_show(ask(run="first"))[4]


@pytest.mark.thorough
def test_a_form_makes_what_the_command_line_makes(judged, workspace) -> None:
    write_endpoints(workspace.settings.home, "http://127.0.0.1:9/v1")
    (request,) = make_requests(workspace, JudgeForm("new", "v1.0", "endpoints.yaml", (), ("standard",), ()))
    assert request.sampling == judge_jobs.Sampling()
    assert (request.run, request.judges, request.repeats, request.budget.usd) == ("new", (), 1, None)
    assert judge_plans.read_choices(workspace).targets == ("t", "a", "b")
    (workspace.settings.home / "endpoints-other.yaml").write_text("{}", encoding="utf-8")
    assert judge_jobs.list_endpoints_files(workspace) == ["endpoints.yaml", "endpoints-other.yaml"]
    with pytest.raises(JudgingRefused, match="no endpoints file"):
        make_requests(workspace, JudgeForm("new", "v1.0", "curator.db", (), ("standard",), ()))


def test_every_handler_refuses_other_roles(handlers, workspace) -> None:
    handlers.asking.person = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))
    for name, values in (("start", [*FORM, ""]), ("plan", FORM), *((name, []) for name in QUIET)):
        with pytest.raises(gr.Error, match="maintainer"):
            getattr(handlers, f"judge_{name}")(ask(run="first"), *values)


def test_the_page_has_no_other_handlers_and_stop_needs_a_job(handlers, judged) -> None:
    assert set(vars(handlers)) == {"asking", *(f"judge_{name}" for name in (*QUIET, "start", "plan"))}
    for name in ("stop", "resume"):
        with pytest.raises(gr.Error, match=r"(?i)there is no judge run"):
            getattr(handlers, f"judge_{name}")(ask(run="first"))


def test_html_in_any_text_stays_text(handlers, judged, workspace) -> None:
    request = judge_jobs.JudgeRequest("odd", HOSTILE, judge_jobs.Sampling(target=HOSTILE)).to_json()
    with workspace.db.write() as session:
        job = jobs.take_job(
            session=session, kind=judge_jobs.JOB_KIND, name="odd", owner="h:1:a", actor="user:mia", request=request
        )
        jobs.end_job(session=session, job_id=job.id, owner="h:1:a", failed=True, message=HOSTILE)
        session.commit()
    folder = workspace.settings.home / "judge-runs/odd"
    folder.mkdir()
    (folder / "job.log").write_text(HOSTILE)
    for query in ({}, {"run": "odd"}, {"run": HOSTILE}, {"run": "first", "list": "1", "category": HOSTILE}):
        shown = handlers.judge_show(ask(**query))
        check_harmless(shown[0] + shown[4])
    check_harmless(handlers.judge_start(ask(), *[HOSTILE, *FORM[1:], ""])[1])
    assert judge_reading.read_judge_run(workspace, name="odd").job.state is JobState.FAILED
