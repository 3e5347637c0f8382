"""Label Studio: the configs of ours, and answers out and back."""

import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.configs import KINDS, write_config
from curator_app.labelstudio.mapping import LeakCheck, Unreadable, read_result, write_result
from curator_app.labelstudio.xml_check import check_config, describe_drift, find_faults
from storage.audit_answers import AuditAnswers
from storage.failure_answers import FailureAnswers
from storage.failure_taxonomy import load_taxonomy_text, parse_taxonomy
from storage.leak_answers import LeakOutcome
from storage.records import Answer, Criterion, Reason, ReviewAnswers, TaskKind, Verdict
from storage.texts import check_text

TAXONOMY = parse_taxonomy(load_taxonomy_text())
CODES = [label.code for label in TAXONOMY.labels]
QUERY = "Is there 🌬️ enough breeze, 𝒽ere, for the plants?"
ANSWER = "Sure — put 🪴 it there. 𝐌ind the low railing, though."
TEXTS = {"query": QUERY, "answer": ANSWER}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60).map(check_text)
filled = texts.map(str.strip).filter(bool)
seconds = st.floats(0, 86_400, allow_nan=False)


def spans(text: str) -> st.SearchStrategy[tuple[int, int]]:
    edges = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    return edges.filter(lambda pair: pair[0] < pair[1])


def drop_overlaps(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


@st.composite
def reviews(draw: st.DrawFn) -> ReviewAnswers:
    verdict = draw(st.sampled_from(Verdict))
    reasons = [] if verdict is Verdict.APPROVE else draw(st.lists(st.sampled_from(Reason), min_size=1, unique=True))
    edits = {"query": draw(st.none() | filled), "scene": draw(st.none() | filled)} if verdict is Verdict.REVISE else {}
    note = draw(filled if Reason.OTHER in reasons else texts)
    answers = draw(st.dictionaries(st.sampled_from(Criterion), st.sampled_from(Answer)))
    values = {"verdict": verdict, "reasons": reasons, "note": note, "answers": answers, "edits": edits}
    return ReviewAnswers.model_validate(values | {"seconds": draw(seconds)})


@st.composite
def boxes(draw: st.DrawFn) -> dict[str, float]:
    width, height = (draw(st.integers(1, 10_000)) for _ in range(2))
    x, y = draw(st.integers(0, 10_000 - width)), draw(st.integers(0, 10_000 - height))
    return {"x": x / 10_000, "y": y / 10_000, "width": width / 10_000, "height": height / 10_000}


@st.composite
def leak_checks(draw: st.DrawFn) -> LeakCheck:
    three = st.sampled_from(["yes", "unsure", "no"])
    gives_away = draw(three)
    marks = {
        "gives_away": gives_away,
        "words": [] if gives_away == "no" else drop_overlaps(draw(st.lists(spans(QUERY), max_size=4))),
        "sufficient": draw(three),
        "unambiguous": draw(three),
        "box": draw(st.none() | boxes()),
        "telling_text": draw(st.booleans()),
    }
    outcome = draw(st.sampled_from(LeakOutcome))
    rewrites = outcome in (LeakOutcome.REWRITE_GENERIC, LeakOutcome.REWRITE_COVERT)
    answers = {
        "outcome": outcome,
        "guess_named_it": draw(st.sampled_from(["yes", "partly", "no"])),
        "rewrite": draw(filled) if rewrites else None,
        "note": draw(texts),
        "seconds": draw(seconds),
    }
    sure = draw(st.sampled_from(["guess", "fairly", "sure"]))
    return LeakCheck.model_validate({"guess": draw(texts), "sure": sure, "marks": marks, "answers": answers})


@st.composite
def audits(draw: st.DrawFn) -> AuditAnswers:
    score = st.integers(0, 2)
    start = draw(st.none() | st.integers(0, len(ANSWER) - 1))
    return AuditAnswers(
        risk_appraisal=draw(score), safety_of_consequences=draw(score), effectiveness=draw(score),
        warning_start=start, note=draw(texts), seconds=draw(seconds),
    )  # fmt: skip


@st.composite
def failures(draw: st.DrawFn) -> FailureAnswers:
    note, took = draw(texts), draw(seconds)
    codes = draw(st.lists(st.sampled_from(CODES), unique=True))
    if not codes:
        return FailureAnswers(no_failure=True, note=note, seconds=took)
    places = [draw(st.none() | spans(ANSWER)) or (None, None) for _ in codes]
    labels = [{"code": code, "start": a, "end": b} for code, (a, b) in zip(codes, places, strict=True)]
    link = draw(st.none() | st.integers(0, 19))
    return FailureAnswers.model_validate({"labels": labels, "broken_link": link, "note": note, "seconds": took})


def config_of(kind: TaskKind) -> str:
    return write_config(kind, taxonomy=TAXONOMY)


def aliases(kind: TaskKind) -> dict[str, set[str]]:
    """Control -> what may be chosen in it."""
    tags = ElementTree.fromstring(config_of(kind)).iter()
    return {tag.attrib["name"]: {choice.get("alias", "") for choice in tag} for tag in tags if "toName" in tag.attrib}


def send(kind: TaskKind, answers: Any) -> Any:
    """Push as a pre-annotation, over JSON, and read it back as an annotation that took as long."""
    result = json.loads(json.dumps(write_result(answers, texts=TEXTS, seed="one")))
    known = aliases(kind)
    for region in result:
        chosen = [alias for key in ("choices", "labels", "rectanglelabels") for alias in region["value"].get(key, [])]
        assert set(chosen) <= known[region["from_name"]], "an alias that the config lacks"
    assert len({region["id"] for region in result}) == len(result)
    took = answers.answers.seconds if isinstance(answers, LeakCheck) else answers.seconds
    return read_result(kind, result, texts=TEXTS, lead_time=took)


@given(reviews())
def test_a_review_comes_back_equal(answers: ReviewAnswers) -> None:
    assert send(TaskKind.SCENARIO_REVIEW, answers) == answers


@given(leak_checks())
def test_a_leakage_check_comes_back_equal(answers: LeakCheck) -> None:
    assert send(TaskKind.LEAKAGE_CHECK, answers) == answers


@given(audits())
def test_scores_come_back_equal(answers: AuditAnswers) -> None:
    assert send(TaskKind.JUDGE_AUDIT, answers) == answers


@given(failures())
def test_failure_labels_come_back_equal(answers: FailureAnswers) -> None:
    assert send(TaskKind.FAILURE_LABELS, answers) == answers


@given(spans(ANSWER), st.booleans())
def test_a_span_is_read_in_whichever_way_the_browser_counts(span: tuple[int, int], utf16: bool) -> None:
    start, end = span
    shown = ANSWER[start:end]
    if utf16:
        start, end = (len(ANSWER[:place].encode("utf-16-le")) // 2 for place in span)
    region = {"from_name": "spans", "value": {"start": start, "end": end, "text": shown, "labels": [CODES[0]]}}
    read = read_result(TaskKind.FAILURE_LABELS, [region], texts=TEXTS, lead_time=None)
    assert isinstance(read, FailureAnswers)
    (label,) = read.labels
    assert label.start is not None
    assert ANSWER[label.start : label.end] == shown


def choose(control: str, *chosen: Any) -> dict[str, Any]:
    return {"from_name": control, "value": {"choices": list(chosen)}}


@pytest.mark.parametrize(
    ("kind", "result", "said"),
    [
        (TaskKind.SCENARIO_REVIEW, None, "no list"),
        (TaskKind.SCENARIO_REVIEW, [], "verdict"),
        (TaskKind.SCENARIO_REVIEW, [choose("verdict", "approve", "reject")], "verdict was answered 2 times"),
        (TaskKind.SCENARIO_REVIEW, [choose("verdict", "Approve")], "verdict"),
        (TaskKind.SCENARIO_REVIEW, [choose("verdict", {"a": 1})], "no text"),
        (TaskKind.SCENARIO_REVIEW, [choose("verdict", "reject")], "at least one reason"),
        (TaskKind.SCENARIO_REVIEW, [choose("verdict", "approve"), choose("mood", "good")], "'mood'"),
        (TaskKind.SCENARIO_REVIEW, [{"from_name": "verdict", "value": 3}], "verdict has no choices"),
        (TaskKind.JUDGE_AUDIT, [choose("risk_appraisal", "3")], "risk_appraisal"),
        (TaskKind.FAILURE_LABELS, [choose("no_failure", "yes"), choose("broken_link", "link_x")], "'link_x'"),
        (
            TaskKind.FAILURE_LABELS,
            [{"from_name": "spans", "value": {"start": 2, "end": 9, "text": "elsewhere", "labels": ["rote"]}}],
            "'elsewhere'",
        ),
    ],
)
def test_what_is_no_answer_of_ours_is_refused_with_its_reason(kind: TaskKind, result: Any, said: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(said)):
        read_result(kind, result, texts=TEXTS, lead_time=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_our_configs_have_no_fault(kind: TaskKind) -> None:
    assert find_faults(config_of(kind)) == []


def test_scores_are_choices_from_0_to_2_and_every_vocabulary_is_whole() -> None:
    review, audit = aliases(TaskKind.SCENARIO_REVIEW), aliases(TaskKind.JUDGE_AUDIT)
    assert [audit[name] for name in ("risk_appraisal", "safety_of_consequences", "effectiveness")] == [set("012")] * 3
    assert review["verdict"] == set(Verdict) and review["reasons"] == set(Reason)
    assert aliases(TaskKind.LEAKAGE_CHECK)["outcome"] == set(LeakOutcome)
    assert aliases(TaskKind.FAILURE_LABELS)["labels"] == set(CODES) == aliases(TaskKind.FAILURE_LABELS)["spans"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("<View>", "<View", "no XML"),
        ('<TextArea name="note"', '<Rating name="note"', "tag Rating"),
        ('toName="query"', 'toName="nowhere"', "'nowhere'"),
        ('alias="approve"', 'alias="reject"', "alias 'reject' 2 times"),
        ('name="note"', 'name="verdict"', "name 'verdict' is given to 2"),
        ('whenTagName="verdict"', 'whenTagName="mood"', "waits for 'mood'"),
        ('hotkey="a"', 'hotkey="r"', "hotkey 'r'"),
        (' requiredMessage="Approve, revise or reject."', "", "does not say why"),
        ('value="$query"', 'value="query"', "takes no value"),
    ],
)
def test_a_fault_in_a_config_is_named(before: str, after: str, said: str) -> None:
    config = config_of(TaskKind.SCENARIO_REVIEW)
    assert before in config
    with pytest.raises(LabelStudioRefused, match=re.escape(said)):
        check_config(config.replace(before, after))


def test_drift_is_a_diff_and_spaces_are_none() -> None:
    config = config_of(TaskKind.JUDGE_AUDIT)
    assert describe_drift(pushed=config, found=config.replace("  ", " ").replace("\n", "")) == ""
    drift = describe_drift(pushed=config, found=config.replace('alias="warning"', 'alias="alarm"'))
    assert [line[0] for line in drift.splitlines() if "Label alias" in line] == ["-", "+"]
