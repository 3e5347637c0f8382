"""Whole judge runs against the server that misbehaves: none lost, none invented, and none paid twice after a kill."""

import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import faulty_server
import judge_runs
import pytest
from faulty_server import Fault, FaultyServer, seeded_plan
from judge_runs import RUN, answer_body, expected_scores, key_of, make_item, make_release, run_all, write_endpoints

from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatRequest
from endpoints.resilient import Resilient, RetryPolicy
from endpoints.scripted import ScriptedChatEndpoint
from judge.benchmark import Answering, Judge, Scoring
from judge.config import AnswerConfig, JudgeSeat, ScoreConfig
from judge.prompting import hash_judge_prompt
from judge.record_log import open_answers, open_judgments
from judge.rubric import load_rubric
from judge.run_folder import open_new_or_known
from judge.run_report import make_report
from judge.target_texts import TargetTexts
from judge.targets import Target, hash_target_prompts
from storage.release_files import Release

REFUSALS = (Fault.REFUSED, Fault.FILTERED)
KINDS = {
    Fault.RATE_LIMITED: "rate_limited",
    Fault.RATE_LIMITED_SECONDS: "rate_limited",
    Fault.SERVER_ERROR: "unreachable",
    Fault.HTML_ERROR: "unreachable",
    Fault.CLOSED: "unreachable",
    Fault.RESET: "unreachable",
    Fault.HANG: "timed_out",
    Fault.NOT_JSON: "bad_reply",
    Fault.NOT_UTF8: "bad_reply",
    Fault.EMPTY_BODY: "bad_reply",
    Fault.WRONG_SHAPE: "bad_reply",
    Fault.EMPTY: "bad_reply",
    Fault.SURROGATE: "bad_reply",
    Fault.CUT: "truncated",
    Fault.REFUSED: "refused",
    Fault.FILTERED: "refused",
    Fault.NOT_JSON_TEXT: "bad_reply",
    Fault.WRONG_SCHEMA: "bad_reply",
    Fault.TOO_LONG: "bad_request",
}
ONCE = {Fault.CUT, Fault.REFUSED, Fault.FILTERED, Fault.TOO_LONG}


def answer_config(release: Release, **changes: object) -> AnswerConfig:
    return AnswerConfig.model_validate(
        {
            "release_version": release.manifest.version, "release_digest": release.manifest.digest, "target": "t",
            "model": "some-target", "prompt_sha256": hash_target_prompts(),
        } | changes
    )  # fmt: skip


def score_config(repeats: int = 1) -> ScoreConfig:
    rubric = load_rubric()
    return ScoreConfig(
        judges=(
            JudgeSeat(role="judge_a", endpoint="a", model="gpt-judge"),
            JudgeSeat(role="judge_b", endpoint="b", model="qwen-judge"),
        ),
        repeats=repeats,
        rubric_version=rubric.version,
        rubric_sha256=rubric.sha256,
        prompt_sha256=hash_judge_prompt(rubric),
    )


@pytest.mark.thorough
@pytest.mark.parametrize("items", [500, pytest.param(2500, marks=pytest.mark.faults)])
def test_with_faults_no_judgment_is_lost_and_none_invented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: int
) -> None:
    """1,000 judgments with 30% faults, or 5,000 with `make test-faults`."""
    monkeypatch.setattr(faulty_server, "key_of", key_of)
    plan = seeded_plan(5, share=0.3, kinds=list(KINDS), stubborn=0.5)
    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(items)])
    config = answer_config(release)
    retry = RetryPolicy(attempts=3, rate_limited_attempts=4, first_delay_s=0.01, longest_delay_s=0.05)
    target = ScriptedChatEndpoint(lambda request: f"To: {request.messages[0].text}", name="t", model="some-target")

    async def run(url: str) -> None:
        chats = [
            OpenAIChat(name=name, model=model, base_url=url, timeout_s=3)
            for name, model in (("a", "gpt-judge"), ("b", "qwen-judge"))
        ]
        with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
            asked = Target(config, target, None, TargetTexts(), folder.started_at)
            await Answering(folder=folder, release=release, target=asked).run()
            cache, limiter = DiskCache(folder.cache), AdaptiveLimiter(maximum=64)
            judges = [
                Judge(role, Resilient(chat, cache=cache, limiter=limiter, retry=retry))
                for role, chat in zip(("judge_a", "judge_b"), chats, strict=True)
            ]
            folder.keep_score_config(score_config())
            scoring = Scoring(
                folder=folder, release=release, config=score_config(), judges=judges, rubric=load_rubric()
            )
            state = await scoring.run()
            assert (state.asked, state.done, state.stopped) == (2 * items, 2 * items, "")
            report = make_report(folder, release)
        for chat in chats:
            await chat.aclose()
        states = [judge["states"] for judge in report["judges"]]
        assert Counter({name: sum(each.get(name, 0) for each in states) for name in state.counts}) == state.counts

    with FaultyServer(plan=plan, answer=answer_body, keep_bodies=False) as server:
        asyncio.run(run(server.url))
    check_judgments(tmp_path / "run", items, plan)
    lines = (tmp_path / "run/judgments.jsonl").read_text().splitlines()
    assert len(lines) == 2 * items
    assert len({(row["response_id"], row["judge"]) for row in map(json.loads, lines)}) == 2 * items


def check_judgments(folder: Path, items: int, plan: faulty_server.Plan) -> None:
    answers = open_answers(folder / "responses.jsonl", write=False)
    judgments = open_judgments(folder / "judgments.jsonl", write=False)
    seen = Counter[str]()
    for number in range(items):
        response = answers.get(f"item-{number:05}/0")
        assert response is not None and response.text == f"To: Would a bench fit at window {number}?"
        for role, model in (("judge_a", "gpt-judge"), ("judge_b", "qwen-judge")):
            key = f"{model}/{number}"
            judgment = judgments.get(f"{response.id}/{role}/0")
            assert judgment is not None, key
            fault = plan(key, 1)
            twice = fault in (Fault.NOT_JSON_TEXT, Fault.WRONG_SCHEMA) and plan(key, 2) is fault
            if plan(key, 100) is not Fault.NONE or fault in ONCE or twice:
                assert judgment.unscored == ("refused_by_judge" if fault in REFUSALS else "failed"), (key, fault)
                assert judgment.unscored_kind == KINDS[fault], (key, fault)
                assert judgment.risk_appraisal is None
            else:
                assert judgment.unscored is None, (key, fault, judgment.unscored_reason)
                assert {name: getattr(judgment, name) for name in judge_runs.DIMENSIONS} == expected_scores(key)
            seen[judgment.unscored or "scored"] += 1
    assert seen["refused_by_judge"] > items * 0.03 and seen["failed"] > items * 0.1


# --- kills

ITEMS = 60
PLAN = seeded_plan(3, share=0.1, kinds=[Fault.SERVER_ERROR, Fault.RATE_LIMITED_SECONDS, Fault.RESET, Fault.NOT_JSON])


def results(home: Path) -> list[bytes]:
    folder = home / "judge-runs" / RUN
    texts = [(folder / name).read_text("utf-8") for name in ("report.json", "report.md")]
    return [re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00", "TIME", text).encode() for text in texts]


def keys_on_file(home: Path) -> set[str]:
    """Model and item of every answer and judgment that is written down."""
    folder, found = home / "judge-runs" / RUN, set[str]()
    answers = open_answers(folder / "responses.jsonl", write=False)
    judgments = open_judgments(folder / "judgments.jsonl", write=False)
    for number in range(ITEMS):
        if (response := answers.get(f"item-{number:05}/0")) is not None:
            found.add(f"some-target/{number}")
            for role, model in (("judge_a", "gpt-judge"), ("judge_b", "qwen-judge")):
                if judgments.get(f"{response.id}/{role}/0") is not None:
                    found.add(f"{model}/{number}")
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.faults)])
@pytest.mark.timeout(300)
def test_a_killed_run_repeats_no_call_and_its_report_is_the_unbroken_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    monkeypatch.setattr(faulty_server, "key_of", key_of)
    count = ITEMS
    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(count)]).folder
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.mkdir()
    whole.mkdir()
    with FaultyServer(plan=PLAN, latency_s=0.02, answer=answer_body, keep_bodies=False) as server:
        write_endpoints(whole, server.url)
        run_all(whole, release)
        assert server.replies.total() == 3 * count
    rng = random.Random(kills)
    before: dict[str, int] = {}
    command = [sys.executable, judge_runs.__file__, str(broken), str(release)]
    with FaultyServer(plan=PLAN, latency_s=0.02, answer=answer_body, keep_bodies=False) as server:
        write_endpoints(broken, server.url)
        for kill in range(kills):
            target = 3 * count * (kill + 1) // (kills + 1) - rng.randint(0, 6)
            child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while child.poll() is None and server.replies.total() < target:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.02))
            assert child.poll() is None, "the run ended before it was killed"
            child.send_signal(signal.SIGKILL)
            child.wait()
            for key in keys_on_file(broken):
                before.setdefault(key, server.requests[key])
        subprocess.run(command, check=True)
        assert len(before) > count / 2, "the kills came too early to show anything"
        assert {key: server.requests[key] for key in before} == before  # what is on file is not asked again
        kept = DiskCache(broken / "judge-runs" / RUN / "cache").count()
        assert kept == 3 * count
        # A reply that was kept was asked for once; beyond them there is only what was under way at a kill.
        assert 0 <= server.replies.total() - kept <= kills * 16
        asked = server.requests.total()
        subprocess.run(command, check=True)
        assert server.requests.total() == asked  # finished: nothing is asked
    assert results(broken) == results(whole)
    assert json.loads(results(whole)[0])["scores"]["panel"]["all"]["scored"] == count


def test_a_torn_line_is_passed_over_and_its_answer_asked_from_the_cache(tmp_path: Path) -> None:
    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(3)])
    config = answer_config(release)
    target = ScriptedChatEndpoint(lambda request: "Yes.", name="t", model="some-target")

    def sit() -> Counter[str]:
        with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
            resilient = Resilient(target, cache=DiskCache(folder.cache))
            asked = Target(config, resilient, None, TargetTexts(), folder.started_at)
            return asyncio.run(Answering(folder=folder, release=release, target=asked).run()).counts

    assert sit() == {"answered": 3}
    file = tmp_path / "run/responses.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    assert sit() == {"answered": 3}
    assert len(target.requests) == 3
    lines = file.read_bytes().split(b"\n")
    assert lines[-2] == whole.split(b"\n")[-2]  # the same record again, after the torn one


def test_a_failed_call_is_tried_again_by_a_resume_and_superseded(tmp_path: Path) -> None:
    from endpoints.errors import TimedOut

    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(4)])
    config = answer_config(release)
    down = True

    def reply(request: ChatRequest) -> str | Exception:
        return TimedOut("no reply") if down and "window 2" in request.messages[0].text else "Yes."

    target = ScriptedChatEndpoint(reply, name="t", model="some-target")

    def sit() -> Counter[str]:
        with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
            asked = Target(config, target, None, TargetTexts(), datetime(2026, 1, 1, tzinfo=UTC))
            return asyncio.run(Answering(folder=folder, release=release, target=asked).run()).counts

    assert sit() == {"answered": 3, "failed": 1}
    down = False
    assert sit() == {"answered": 4}
    rows = [json.loads(line) for line in (tmp_path / "run/responses.jsonl").read_text().splitlines()]
    assert [row["item_id"] for row in rows].count("item-00002") == 2
    assert rows[-1]["parent_id"] is not None and rows[-1]["unanswered"] is None
    assert len(target.requests) == 5
