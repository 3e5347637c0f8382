"""The page of one item: its whole history for those who may see it, and nothing of others' answers for the rest."""

import json
import shutil
from collections import Counter
from html import unescape
from types import SimpleNamespace

import gradio as gr
import pytest
from factories import make_answers, make_provenance, make_scenario
from page_html import HOSTILE, Attributes
from run_workspace import ask_for, open_models, write_endpoints

from curator_app.actions.item_history import diff_words, read_history
from curator_app.actions.item_list import find_items
from curator_app.actions.runs import run
from curator_app.screens.item_list_view import render_latest
from curator_app.screens.item_view import render_item
from curator_app.screens.items import build_item_page
from curator_app.workspace import Workspace
from endpoints.cache import DiskCache
from endpoints.messages import ChatReply, ChatRequest, Message
from storage.accounts import Person, Role, list_accounts
from storage.errors import NotFound
from storage.item_search import ItemFilter
from storage.items import add_scenario, append_record, get_item, list_items
from storage.records import Scenario, Suggestion, TaskKind
from storage.reviews import claim_next, open_task, submit_review
from storage.texts import utc_now

MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
ADA = Person(id=2, name="ada", roles=frozenset({Role.ADJUDICATOR}))
ANN = Person(id=3, name="ann", roles=frozenset({Role.ANNOTATOR}))
BOTH = Person(id=4, name="bo", roles=frozenset({Role.ANNOTATOR, Role.ADJUDICATOR}))
SECRET = "A note that only its author and those who settle may read."


def answer(workspace: Workspace, name: str, *, verdict: str = "reject") -> str:
    """Let a person answer the next item, with a note; return the item's id."""
    with workspace.db.write() as session:
        ids = {account.person.name: account.person.id for account in list_accounts(session=session)}
        (claim,) = claim_next(session=session, user_id=ids[name], kind=TaskKind.SCENARIO_REVIEW)
        more = {"note": SECRET} if verdict == "reject" else {}
        submit_review(
            session=session,
            user_id=ids[name],
            claim_id=claim.claim_id,
            answers=make_answers(verdict, **more),
            idempotency_key="k",
        )
        session.commit()
        return claim.item.id


def page_of(workspace: Workspace, name: str, person: Person = MIA) -> str:
    return render_item(read_history(workspace, name=name, person=person), workspace.titles)


def ask_page(workspace: Workspace, person: Person, **query: str) -> str:
    with gr.Blocks() as pages:
        build_item_page(pages, workspace=workspace, person_of=lambda request: person)
    (handler,) = [fn.fn for fn in pages.fns.values() if fn.api_name == "items_show"]
    html, *_ = handler(SimpleNamespace(query_params=query))
    return html


def check_replies(workspace: Workspace, item_id: str, html: str) -> None:
    """Every call about the item is there, with what the model said, and none about another item."""
    calls = read_history(workspace, name=item_id, person=MIA).calls
    asked = Counter(call.role for call in calls)
    # query and query with scene, and both again after the rewrite; the hazard's type; whether the guess names it
    assert asked["generator"] == 1 and asked["rewriter"] >= 2 and asked["text_only_probe"] >= 1 and asked["critic"] >= 5
    steps = read_history(workspace, name=item_id, person=MIA).steps
    query = next(step.record.query for step in steps if isinstance(step.record, Scenario))
    (written,) = [call.text for call in calls if call.role == "generator"]
    assert json.dumps(query) in written, "the reply that wrote the scenario is its own"
    assert all(call.text and call.latency_s is not None and not call.failures for call in calls)
    about = {line["about"] for line in ledger_of(workspace) if line["role"] not in ("image", "generator")}
    assert len(about) > 10 and "" not in about, "every call but those that write scenarios is about one item"
    assert "<summary>Reply: linguistic_naturalness, query_benignness</summary>" in html
    assert html.count('<li class="cu-step"><p class="cu-step-head"><b>Critic</b>') == asked["critic"]


def ledger_of(workspace: Workspace) -> list[dict]:
    text = (workspace.settings.home / "runs/trial/ledger.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_an_item_of_a_run_shows_every_step_with_verdicts_rewrite_and_prompts(workspace: Workspace) -> None:
    with open_models() as models:
        write_endpoints(workspace.settings.home, models.url)
        run(workspace, ask_for(quotas={"dependants": 20, "property": 20}))
    with workspace.db.read() as session:
        items = list_items(session=session, batch="trial", limit=100)
    rewritten = [item for item in items if item.round == 2]
    assert rewritten, "no query was rewritten"
    html = page_of(workspace, rewritten[0].id)
    check_replies(workspace, rewritten[0].id, html)
    for told in ("5, at least 4 passes", "Risk clarity: passed", "Refinement, round 1", "items:item:advance"):
        assert told in html
    assert "<del>" in html and "<ins>" in html
    assert "<summary>Prompt judge_query</summary>" in html
    assert "refinement  passed" in html, "what its run noted"
    latest = find_items(workspace, ItemFilter(batch="trial"), size=24)
    assert len(latest.items) == 24
    assert {item.stage for item in latest.items} <= {"refined", "rejected"}
    assert f"/items?item={latest.items[0].label}" in render_latest(latest)
    assert f'<a href="/items?batch=trial">All {latest.total:,}</a>' in render_latest(latest)


@pytest.mark.parametrize("write", [lambda item: item.id, lambda item: f"s-{item.number:04d}", lambda item: item.number])
def test_an_item_is_found_by_its_id_label_and_number(workspace: Workspace, write) -> None:
    with workspace.db.read() as session:
        item = list_items(session=session)[2]
    history = read_history(workspace, name=str(write(item)), person=MIA)
    assert (history.id, history.label) == (item.id, "S-0003")
    assert "/media/" in page_of(workspace, item.id), "its picture"


@pytest.mark.parametrize("name", ["S-9999", "nothing", "", "²", "9" * 40])
def test_an_unknown_item_is_refused_by_its_name(workspace: Workspace, name: str) -> None:
    with pytest.raises(NotFound, match="there is no item"):
        read_history(workspace, name=name, person=MIA)


def test_who_may_still_be_asked_sees_no_answers_until_the_item_is_settled(workspace: Workspace) -> None:
    item_id = answer(workspace, "ann")
    for person in (MIA, ADA):
        assert SECRET in page_of(workspace, item_id, person)
    html = page_of(workspace, item_id, BOTH)
    assert SECRET not in html
    assert "reviews:" not in html
    assert "entries are withheld" in html
    assert answer(workspace, "ben") == item_id
    assert SECRET in page_of(workspace, item_id, BOTH), "both rejected it: it is settled"


def test_annotators_are_refused(workspace: Workspace) -> None:
    with pytest.raises(gr.Error, match="maintainer"):
        ask_page(workspace, ANN, item="S-0001")
    assert "S-0001" in ask_page(workspace, ADA, item="S-0001")
    assert 'name="words"' in ask_page(workspace, MIA)
    assert "History" in ask_page(workspace, MIA, words=" s-1 "), "a label leads to its item"
    assert "There is no item" in ask_page(workspace, MIA, item=HOSTILE)


def test_html_in_any_text_stays_text(workspace: Workspace) -> None:
    scenario = make_scenario(query=HOSTILE, scene=HOSTILE, hidden_hazard=HOSTILE, hazard_entities=[HOSTILE],
                             causal_chain=[HOSTILE], safe_answer_notes=HOSTILE)  # fmt: skip
    with workspace.db.write() as session:
        item = add_scenario(session=session, scenario=scenario, batch=HOSTILE, actor=HOSTILE)
        session.commit()
    for html in (
        page_of(workspace, item.id),
        render_latest(find_items(workspace, ItemFilter(batch=HOSTILE), size=1)),
        ask_page(workspace, MIA, batch=HOSTILE, words=HOSTILE[:30]),
        ask_page(workspace, MIA, item=HOSTILE),
    ):
        seen = Attributes(html)
        assert not {"script", "img"} & set(seen.tags)
        assert not [name for name in seen.names if name.startswith("on")]
        assert "alert(" in html


KEY, LONG = "a" * 64, "b" * 64
FAILED, GONE = "c" * 64, "d" * 64


def keep_replies(workspace: Workspace, item_id: str, batch: str) -> None:
    """Leave behind what a run would have: four calls about the item, one about another, and one torn line."""
    folder = workspace.settings.home / "runs" / batch
    cache = DiskCache(folder / "cache")
    request = ChatRequest((Message("user", ("q",)),), max_tokens=9)
    cache.put(KEY, request, ChatReply(text=json.dumps({HOSTILE: 1}), usage=None, model="m"))
    cache.put(LONG, request, ChatReply(text="Ä" * 5_000 + "END", usage=None, model="m"))
    cache.close()
    line = {"at": "2026-03-04T10:11:12.000+00:00", "role": "critic", "model": HOSTILE, "about": item_id, "latency_s": 2}
    lines = [
        line | {"request_sha256": KEY, "outcome": "rate_limited"},
        line | {"request_sha256": KEY, "outcome": "reply"},
        line | {"request_sha256": KEY, "outcome": "cached"},
        line | {"request_sha256": LONG, "outcome": "cached"},
        line | {"request_sha256": FAILED, "outcome": "timed_out"},
        line | {"request_sha256": GONE, "outcome": "reply"},
        line | {"request_sha256": "e" * 64, "outcome": "reply", "about": "another", "model": item_id},
        line | {"request_sha256": "f" * 64, "outcome": "reply", "role": "image"},
    ]
    (folder / "ledger.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + f'\n{{"about": "{item_id}')


def test_replies_are_text_cut_whole_elsewhere_and_said_to_be_gone(workspace: Workspace, browser) -> None:
    with workspace.db.read() as session:
        item = list_items(session=session)[0]
    assert read_history(workspace, name=item.id, person=MIA).calls == ()
    keep_replies(workspace, item.id, item.batch)
    calls = read_history(workspace, name=item.id, person=MIA).calls
    assert [call.request_sha256 for call in calls] == [KEY, LONG, FAILED, GONE]
    assert [call.failures for call in calls] == [("rate_limited",), (), ("timed_out",), ()]
    html = page_of(workspace, item.id)
    assert "The first 2,000 of 5,003 characters" in html and "END" not in html
    assert html.count("Reply no longer kept") == 2
    seen = Attributes(html)
    assert "script" not in seen.tags and not [name for name in seen.names if name.startswith("on")]
    address = f"/items/reply/S-0001/{LONG}"
    assert f'href="{address}"' in html
    whole = browser("mia").get(address)
    assert (whole.status_code, whole.text) == (200, "Ä" * 5_000 + "END")
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert browser("ada").get(address).status_code == 200
    assert browser("ann").get(address).status_code == 403
    other = f"/items/reply/S-0002/{LONG}"
    for missing in (other, f"/items/reply/S-0001/{GONE}", f"/items/reply/S-9999/{LONG}"):
        assert browser("mia").get(missing).status_code == 404, missing
    assert browser("mia").get("/items/reply/S-0001/..%2f..").status_code in (404, 422)
    shutil.rmtree(workspace.settings.home / "runs" / item.batch / "cache")
    assert page_of(workspace, item.id).count("Reply no longer kept") == 4
    assert not (workspace.settings.home / "runs" / item.batch / "cache").exists(), "looking makes no cache"


def test_a_diff_shows_words() -> None:
    assert diff_words("Is the ladder safe?", "Is the spot safe?") == [
        ("same", "Is the "),
        ("gone", "ladder"),
        ("new", "spot"),
        ("same", " safe?"),
    ]
    assert diff_words("", "a b") == [("new", "a b")]


def test_the_review_api_hands_out_no_suggestion_of_a_model(workspace: Workspace, browser) -> None:
    said = "SUGGESTED-BY-A-MODEL"
    with workspace.db.write() as session:
        for item in list_items(session=session):
            fields = {name for name, field in Suggestion.model_fields.items() if field.is_required()}
            values = {
                "provenance": make_provenance(),
                "verdict": "reject",
                "rationale": said,
                "note": said,
                "item_id": item.id,
            }
            values |= {
                "task_kind": "scenario_review",
                "answers": {"verdict": "reject", "reasons": ["leakage"], "note": said},
            }
            suggestion = Suggestion.model_validate({k: v for k, v in values.items() if k in Suggestion.model_fields})
            assert fields <= values.keys()
            append_record(session=session, item=get_item(session=session, item_id=item.id), record=suggestion,
                          actor="model", now=utc_now())  # fmt: skip
        session.commit()
    ann = browser("ann")
    claims = ann.post("/api/v1/claims", json={"count": 3})
    assert claims.status_code == 200 and len(claims.json()["claims"]) == 3
    again = ann.post("/api/v1/claims", json={"count": 3})
    me = ann.get("/api/v1/me")
    for reply in (claims, again, me, ann.get("/api/v1/progress")):
        assert said not in reply.text and "suggestion" not in json.dumps(reply.json()).lower()


def test_who_may_still_be_asked_what_the_words_give_away_sees_the_query_alone(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        (item, *_) = list_items(session=session)
        open_task(session=session, item_id=item.id, kind=TaskKind.LEAKAGE_CHECK, overlap=1)
        people = {account.person.name: account.person for account in list_accounts(session=session)}
        session.commit()
    root, mia = people["root"], people["mia"]
    assert "railing" in page_of(workspace, item.id, mia), "a maintainer is not asked"
    history = read_history(workspace, name=item.id, person=root)
    html = render_item(history, workspace.titles)
    assert history.blind
    assert history.query in html
    for secret in ("railing", "/media/", "Self-Harm", "plain picture", "records"):
        assert secret not in html
    with gr.Blocks() as pages:
        build_item_page(pages, workspace=workspace, person_of=lambda request: root)
    handlers = {fn.api_name: fn.fn for fn in pages.fns.values()}
    html, name, _, row, _ = handlers["items_show"](SimpleNamespace(query_params={"item": item.id}))
    assert ("railing" in html, row["visible"]) == (False, True)
    html, _, _, row, _ = handlers["items_look"](name, None)
    assert ("railing" in html, row["visible"]) == (True, False)
    with workspace.db.write() as session:
        claims = claim_next(session=session, user_id=root.id, kind=TaskKind.LEAKAGE_CHECK)
    assert claims == [], "they have looked"


def test_the_list_says_what_it_was_asked_for_and_leads_to_the_next_page(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        for number in range(51):
            scenario = make_scenario(query=f"Where do I hang picture {number}?")
            add_scenario(session=session, scenario=scenario, batch="walls & co", actor="test")
        session.commit()
    html = ask_page(workspace, MIA, batch="walls & co", stage="scenario", words="hang")
    assert "51 items<span>, stage scenario, batch walls &amp; co, “hang” in the query</span>" in html
    assert html.count('<th scope="row">') == 50
    assert '<option value="walls &amp; co" selected>' in html
    older = "/items?words=hang&amp;stage=scenario&amp;batch=walls+%26+co&amp;page=2"
    assert f'href="{older}"' in html and "Newer" not in html
    last = ask_page(workspace, MIA, batch="walls & co", page="9")
    assert last.count('<th scope="row">') == 1 and "Newer" in last and "Older" not in last
    assert "There is no stage 'nowhere'; choose one of scenario" in unescape(ask_page(workspace, MIA, stage="nowhere"))
    assert "No item fits" in ask_page(workspace, MIA, words="no such words", page="-3")
